"""Doubtful words are looked at again: a little wider, and by a second network that was taught other
lines. Numbers are read by both networks.

Each look at a word proposes texts, and the text counts that all looks, which count alike, and
knowledge of Swedish together find likeliest. Two networks are seldom wrong in the same way (L.
Hansen, P. Salamon, IEEE PAMI 12:10, 1990); looking at every word twice would cost more than it
tells. A number has no spelling that would betray a comma that was not seen: one that both
networks read otherwise is doubtful.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray
from rapidfuzz.distance import Levenshtein

from pipeline.domain.model import Image
from pipeline.reading.fields.handwriting.network import (
    ALPHABET,
    LINE_HEIGHT,
    MAX_LINE_WIDTH_PX,
    MIN_LINE_WIDTH_PX,
    STEP_PX,
    Steps,
    find_network_file,
    find_second_file,
    read_steps,
)
from pipeline.reading.fields.handwriting.word_boxes import align_characters
from pipeline.reading.language.ctc import IMAGE_WEIGHT, SearchGuide, StateT, Transcript

MAX_RUN_STEPS = 60
"""Steps, some twenty letters. Of longer runs a search holds too few texts for another look to
choose among.
"""
WIDENING_FACTOR = 1.1
"""How many times wider an image is read the second time."""
MIN_P = 1e-9
"""Least probability of a character, so that none is impossible."""
COLUMNS_BY_SIGN = {sign: column for column, sign in enumerate(ALPHABET, start=1)}

PassSteps = list[Steps]
"""What each look saw; all count alike."""


class SecondPass(Protocol):
    """More looks at what a line shows from one step up to another."""

    def at_word(self, start: int, end: int) -> PassSteps:
        """A wider one, and one by the second network."""

    def at_number(self, start: int, end: int) -> Steps:
        """What the second network sees."""


@dataclass(frozen=True, slots=True)
class ImageSecondPass:
    """Looks at one line's picture, by two networks."""

    picture: Image
    first: Path
    second: Path

    def at_word(self, start: int, end: int) -> PassSteps:
        """A wider look, and one by the second network."""
        part = self._part(start, end)
        height, width = part.shape
        wide = cv2.resize(
            part, (max(1, round(width * WIDENING_FACTOR)), height), interpolation=cv2.INTER_CUBIC
        )
        (wider,) = read_steps([np.asarray(wide, np.uint8)], self.first)
        return [wider, self.at_number(start, end)]

    def at_number(self, start: int, end: int) -> Steps:
        """What the second network sees."""
        (steps,) = read_steps([self._part(start, end)], self.second)
        return steps

    def _part(self, start: int, end: int) -> Image:
        """The columns of the picture that some of its steps show."""
        height, width = self.picture.shape
        step = STEP_PX * float(
            np.clip(height / LINE_HEIGHT, width / MAX_LINE_WIDTH_PX, width / MIN_LINE_WIDTH_PX)
        )
        left, right = round(start * step), round(end * step)
        return self.picture[:, left : max(right, left + 1)]


SecondPassFactory = Callable[[Image], SecondPass | None]
"""How parts of a line's picture are looked at again; None where they are not."""


def make_second_pass() -> SecondPassFactory:
    """As the setting says, which is asked once for all lines that are read together: not at all
    where no second network is installed or the setting wants the one as shipped.
    """
    first, second = find_network_file(), find_second_file()
    return lambda picture: None if second is None else ImageSecondPass(picture, first, second)


@dataclass(frozen=True, slots=True)
class _TextCandidate:
    """A text that some look proposed; `seen` is the mean logarithm of its p in all pictures, `rank`
    with what the guide says.
    """

    text: str
    seen: float
    rank: float


def combine_passes(
    proposed: Sequence[str], looks: PassSteps, guide: SearchGuide[StateT]
) -> list[Transcript]:
    """The proposed texts, likeliest first, judged by all looks and a guide; see `Transcript` for
    what p means with a guide.
    """
    found = [_score_text(text, looks, guide) for text in dict.fromkeys(proposed)]
    top = max(one.rank for one in found)
    shares = np.exp([one.rank - top for one in found])
    order = sorted(
        zip((shares / shares.sum()).tolist(), found, strict=True), key=lambda pair: -pair[0]
    )
    best = order[0][1]
    believed = math.exp(best.seen) ** IMAGE_WEIGHT
    texts = [(share, one.text) for share, one in order]
    listed = [
        Transcript(
            one.text, believed * share, (believed * share,) * len(one.text), math.exp(one.seen)
        )
        for share, one in order
    ]
    shared, seen = _shared_characters(best.text, texts), _character_probabilities(best.text, looks)
    return [
        replace(
            listed[0],
            characters=tuple(
                share * p**IMAGE_WEIGHT for share, p in zip(shared, seen, strict=True)
            ),
        ),
        *listed[1:],
    ]


def merge_number_readings(found: Sequence[Transcript], other: str) -> list[Transcript]:
    """Readings of a number, best first, with what the second network reads: if that is another
    text, both are as likely, and none is more so.
    """
    best = found[0]
    if other in ("", best.text):
        return list(found)
    half = best.p / 2
    alike = {
        i
        for op in Levenshtein.opcodes(best.text, other)
        if op.tag == "equal"
        for i in range(op.src_start, op.src_end)
    }
    characters = tuple(p if i in alike else p / 2 for i, p in enumerate(best.characters))
    rest = [replace(one, p=min(one.p, half)) for one in found[1:] if one.text != other]
    return [replace(best, p=half, characters=characters), Transcript(other, half, ()), *rest]


def _score_text(text: str, looks: PassSteps, guide: SearchGuide[StateT]) -> _TextCandidate:
    seen = sum(text_log_probability(steps, text) for steps in looks) / len(looks)
    state: StateT | None = guide.start()
    for sign in text:
        state = None if state is None else guide.extended(state, sign)
    said = -math.inf if state is None else guide.closed(state)
    return _TextCandidate(text, seen, seen + said)


def text_log_probability(steps: Steps, text: str) -> float:
    """The logarithm of the p of a text in one picture, all alignments together (forward variables
    of CTC, A. Graves et al., ICML 2006).
    """
    columns = np.zeros(2 * len(text) + 1, np.intp)
    columns[1::2] = [COLUMNS_BY_SIGN[sign] for sign in text]
    skips = np.zeros(len(columns), np.bool_)
    skips[2:] = (columns[2:] != 0) & (columns[2:] != columns[:-2])
    logs = np.log(np.maximum(steps[:, columns], MIN_P), dtype=np.float64)
    forward = np.full(len(columns), -np.inf)
    forward[:2] = logs[0, :2]
    for step in logs[1:]:
        forward = _advance(forward, skips) + step
    return float(np.logaddexp.reduce(forward[-2:]))


def _advance(forward: NDArray[np.float64], skips: NDArray[np.bool_]) -> NDArray[np.float64]:
    """From each sign or pause on to the next, and over a pause between two unlike signs."""
    after = forward.copy()
    after[1:] = np.logaddexp(after[1:], forward[:-1])
    after[2:] = np.where(skips[2:], np.logaddexp(after[2:], forward[:-2]), after[2:])
    return after


def _shared_characters(text: str, others: Sequence[tuple[float, str]]) -> list[float]:
    """For each character the share of all texts that have it at its place."""
    shares = [0.0] * len(text)
    for share, other in others:
        for alike in Levenshtein.opcodes(text, other):
            if alike.tag == "equal":
                for i in range(alike.src_start, alike.src_end):
                    shares[i] += share
    return [min(1.0, share) for share in shares]


def _character_probabilities(text: str, looks: PassSteps) -> list[float]:
    """How probable each character of a text is in the pictures alone, the looks' geometric mean."""
    logs = np.zeros(len(text))
    for steps in looks:
        where = align_characters(steps, text) or []
        highest = [
            steps[first : last + 1, COLUMNS_BY_SIGN[sign]].max()
            for sign, (first, last) in zip(text, where, strict=False)
        ]
        logs += np.log(np.maximum(highest or MIN_P, MIN_P)) / len(looks)
    return [float(p) for p in np.exp(logs)]
