"""Whether a text sends its reader to the back of the sheet: in words, or with an arrow at its end."""

from __future__ import annotations

import itertools
import re
from difflib import SequenceMatcher

import numpy as np
from numpy.typing import NDArray

from pipeline.reading.fields.segmentation.assign_ink import RowNumbers
from pipeline.reading.fields.strokes import ConnectedStrokes

SHAFT_QUANTILE = 0.9
"""The shaft of an arrow is as thick as this quantile of its height."""
BARB_REACH = 0.12
"""The head of an arrow reaches so far above and below its middle, in letter heights."""
POINT_SHARE = 0.6
"""The point of an arrow is lower than this part of its head."""
REFERRING_WORDS = (
    "se",
    "läs",
    "forts",
    "fortsätter",
    "fortsättning",
    "fortsätt",
    "vänd",
    "resten",
    "mer",
)
BACK_WORDS = (
    *(
        "baksidan",
        "baksida",
        "baks",
        "omstående",
        "andra sidan",
        "nästa sida",
        "nästa sidan",
        "ny sida",
    ),
    *(
        "nästa blad",
        "nytt blad",
        "blad",
        "bladet",
        "lösblad",
        "nästa papper",
        "nytt papper",
        "annat papper",
        "sidan",
    ),
)
MIN_WORD_SIMILARITY = 0.8
"""Words of five letters and more may be misread so far."""
TURN_OVER_PATTERN = re.compile(
    r"\bv\.? ?g\.? ?v(\b|ä)|\bv[äa]nd\b[ !.]*$|\bp\.? ?t\.? ?o\b|(-|–|=|→)+[>→]\s*$|→\s*$"
    r"|\b(se|läs|forts\w*)\b\.? (på )?s(id(a|an)?)?\.? ?\d|\bforts(ättning)?\b[ .…:]*(nästa|omst|följer)?[ .…:]*$|([>→]|\bobs\b) *!?:? *baks"
)
SHAFT_SHARE, HEAD_SHARE = 0.6, 0.4
"""The shaft fills this part of an arrow's length, the head's legs begin in the last such part."""
MAX_SHAFT_THICKNESS = 0.3
"""Greatest height of the shaft of an arrow, in letter heights."""
ARROW_LENGTH = (1.5, 8.0)
"""Least and greatest length of an arrow, in letter heights."""
HEAD_HEIGHT = (0.35, 1.6)
"""In heights of a letter."""


def refers_overleaf(text: str) -> bool:
    """Whether words such as "se baksidan", "forts. på nästa sida" or "v.g. vänd" are in a text, a
    letter or two misread.
    """
    lower = text.lower()
    if TURN_OVER_PATTERN.search(lower):
        return True
    words = re.findall(r"[a-zåäö]+", lower)
    sends = [
        i
        for i, word in enumerate(words)
        if any(_is_similar_word(word, one) for one in REFERRING_WORDS)
    ]
    return any(_mentions_back(words[i + 1 : i + 5]) for i in sends)


def _mentions_back(words: list[str]) -> bool:
    pairs = [" ".join(pair) for pair in itertools.pairwise(words)]
    return any(
        _is_similar_word(said, one) for said in (*words[:2], *pairs[:2]) for one in BACK_WORDS
    )


def _is_similar_word(word: str, wanted: str) -> bool:
    if len(wanted) < 5:
        return word == wanted
    if word == wanted:
        return True
    compared = SequenceMatcher(None, word, wanted, autojunk=False)
    return (
        compared.real_quick_ratio() >= MIN_WORD_SIMILARITY
        and compared.quick_ratio() >= MIN_WORD_SIMILARITY
        and compared.ratio() >= MIN_WORD_SIMILARITY
    )  # cheap upper bounds first


def has_arrow_at_end(
    pieces: ConnectedStrokes, of_piece: RowNumbers, row: int, letter: float
) -> bool:
    """Whether the last thing in row number `row` is an arrow to the right; `letter` is how high
    letters are, px.
    """
    last = np.flatnonzero(of_piece == row)
    if not last.size:
        return False
    final = int(last[pieces.right[last].argmax()])
    if not ARROW_LENGTH[0] <= pieces.width[final] / letter <= ARROW_LENGTH[1]:
        return False
    rows_of = (
        slice(int(pieces.top[final]), int(pieces.bottom[final])),
        slice(int(pieces.left[final]), int(pieces.right[final])),
    )
    return _is_arrow(np.asarray(pieces.labels[rows_of] == final + 1, np.bool_), letter)


def _is_arrow(shape: NDArray[np.bool_], letter: float) -> bool:
    """A thin shaft, level or nearly so, and two legs that close at its right end."""
    inked = shape.any(axis=0)
    top = np.where(inked, shape.argmax(axis=0), 0)
    bottom = np.where(inked, shape.shape[0] - shape[::-1].argmax(axis=0), 0)
    high = (bottom - top) / letter
    shaft, head = (
        high[: round(SHAFT_SHARE * len(high))],
        high[round((1 - HEAD_SHARE) * len(high)) :],
    )
    if (
        float(np.quantile(shaft, SHAFT_QUANTILE)) > MAX_SHAFT_THICKNESS
        or not HEAD_HEIGHT[0] <= float(head.max()) <= HEAD_HEIGHT[1]
    ):
        return False
    middle = float(((top + bottom) / 2)[: len(shaft)].mean())
    widest = int(len(high) - len(head) + head.argmax())
    both_sides = (
        top[widest] < middle - BARB_REACH * letter and bottom[widest] > middle + BARB_REACH * letter
    )
    return bool(
        both_sides
        and float(high[-max(2, len(high) // 25) :].min()) < POINT_SHARE * float(head.max())
    )
