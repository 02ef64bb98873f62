"""Find out whether a text refers to the back of the sheet: in words, or with an arrow."""

from __future__ import annotations

import itertools
import re
from difflib import SequenceMatcher

import numpy as np
from numpy.typing import NDArray

from pipeline.reading.fields.handwriting.line_image import ConnectedStrokes
from pipeline.reading.fields.segmentation.assign_ink import RowNumbers

SHAFT_QUANTILE = 0.9
"""The shaft of an arrow is as thick as this quantile of its heights."""
BARB_REACH = 0.12
"""The head of an arrow reaches this far above and below its middle, in letter heights."""
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
"""Words that send the reader elsewhere."""
BACK_WORDS = (
    "baksidan",
    "baksida",
    "baks",
    "omstående",
    "andra sidan",
    "nästa sida",
    "nästa sidan",
    "ny sida",
    "nästa blad",
    "nytt blad",
    "blad",
    "bladet",
    "lösblad",
    "nästa papper",
    "nytt papper",
    "annat papper",
    "sidan",
)
"""Words for the back and for other sheets."""
MIN_WORD_SIMILARITY = 0.8
"""Words of five letters and more may be misread this far."""
TURN_OVER_PATTERN = re.compile(
    r"\bv\.? ?g\.? ?v(\b|ä)|\bv[äa]nd\b[ !.]*$|\bp\.? ?t\.? ?o\b|(-|–|=|→)+[>→]\s*$|→\s*$"
    r"|\b(se|läs|forts\w*)\b\.? (på )?s(id(a|an)?)?\.? ?\d"
    r"|\bforts(ättning)?\b[ .…:]*(nästa|omst|följer)?[ .…:]*$|([>→]|\bobs\b) *!?:? *baks"
)
"""Abbreviations and signs for "please turn over", and references to a numbered page."""
SHAFT_SHARE, HEAD_SHARE = 0.6, 0.4
"""The shaft fills this part of an arrow's length; the head's legs begin in the last such part."""
MAX_SHAFT_THICKNESS = 0.3
"""Maximum height of the shaft of an arrow, in letter heights."""
ARROW_LENGTH = (1.5, 8.0)
"""Minimum and maximum length of an arrow, in letter heights."""
HEAD_HEIGHT = (0.35, 1.6)
"""Minimum and maximum height of an arrow's head, in letter heights."""


def refers_overleaf(text: str) -> bool:
    """Return whether a text refers to the back or another sheet.

    In words such as "se baksidan", "forts. på nästa sida" or "v.g. vänd". A letter or two may be
    misread.
    """
    lower = text.lower()
    if TURN_OVER_PATTERN.search(lower):
        return True
    # A referring word, and soon after it one for the back.
    words = re.findall(r"[a-zåäö]+", lower)
    places = [
        i
        for i, word in enumerate(words)
        if any(_is_similar_word(word, referring) for referring in REFERRING_WORDS)
    ]
    return any(_mentions_back(words[i + 1 : i + 5]) for i in places)


def _mentions_back(words: list[str]) -> bool:
    """Return whether one of the first words, or pairs of words, is for the back."""
    pairs = [" ".join(pair) for pair in itertools.pairwise(words)]
    return any(
        _is_similar_word(phrase, back) for phrase in (*words[:2], *pairs[:2]) for back in BACK_WORDS
    )


def _is_similar_word(word: str, wanted: str) -> bool:
    """Return whether a word is the wanted one, or a longer one misread a little."""
    # Short words must match exactly: one letter makes another word.
    if len(wanted) < 5:
        return word == wanted
    if word == wanted:
        return True
    compared = SequenceMatcher(None, word, wanted, autojunk=False)
    # Cheap upper bounds first.
    return (
        compared.real_quick_ratio() >= MIN_WORD_SIMILARITY
        and compared.quick_ratio() >= MIN_WORD_SIMILARITY
        and compared.ratio() >= MIN_WORD_SIMILARITY
    )


def has_arrow_at_end(
    strokes: ConnectedStrokes, row_of_stroke: RowNumbers, row: int, letter: float
) -> bool:
    """Return whether the last stroke in row number `row` is an arrow to the right.

    `letter` is the letter height, px.
    """
    # The stroke that reaches farthest to the right in this row.
    in_row = np.flatnonzero(row_of_stroke == row)
    if not in_row.size:
        return False
    final = int(in_row[strokes.right[in_row].argmax()])
    if not ARROW_LENGTH[0] <= strokes.width[final] / letter <= ARROW_LENGTH[1]:
        return False
    window = (
        slice(int(strokes.top[final]), int(strokes.bottom[final])),
        slice(int(strokes.left[final]), int(strokes.right[final])),
    )
    return _is_arrow(np.asarray(strokes.labels[window] == final + 1, np.bool_), letter)


def _is_arrow(shape: NDArray[np.bool_], letter: float) -> bool:
    """Return whether a shape is a thin level shaft with two legs that close at its right end."""
    # The extent of the ink in each column, in letter heights.
    inked = shape.any(axis=0)
    top = np.where(inked, shape.argmax(axis=0), 0)
    bottom = np.where(inked, shape.shape[0] - shape[::-1].argmax(axis=0), 0)
    heights = (bottom - top) / letter

    # A thin shaft at the left, a head of the right height at the right.
    shaft, head = (
        heights[: round(SHAFT_SHARE * len(heights))],
        heights[round((1 - HEAD_SHARE) * len(heights)) :],
    )
    if (
        float(np.quantile(shaft, SHAFT_QUANTILE)) > MAX_SHAFT_THICKNESS
        or not HEAD_HEIGHT[0] <= float(head.max()) <= HEAD_HEIGHT[1]
    ):
        return False

    # The legs reach to both sides of the shaft, and close at the end.
    middle = float(((top + bottom) / 2)[: len(shaft)].mean())
    widest = int(len(heights) - len(head) + head.argmax())
    both_sides = (
        top[widest] < middle - BARB_REACH * letter and bottom[widest] > middle + BARB_REACH * letter
    )
    return bool(
        both_sides
        and float(heights[-max(2, len(heights) // 25) :].min()) < POINT_SHARE * float(head.max())
    )
