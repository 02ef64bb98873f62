"""Doubtful words are looked at again: a little wider, and by a second network that was taught other lines. Numbers are read by both networks.

Each look at a word proposes texts, and the text counts that all looks, which count alike, and knowledge of Swedish together find likeliest. Two
networks are seldom wrong in the same way (L. Hansen, P. Salamon, IEEE PAMI 12:10, 1990); looking at every word twice would cost more than it tells. A
number has no spelling that would betray a comma that was not seen: one that both networks read otherwise is doubtful.
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

from pipeline.model import Image
from pipeline.recognize.ctc import PICTURE_COUNTS, Guide, S, Transcript
from pipeline.recognize.network import ALPHABET, LEAST_PX, LINE_HEIGHT, STEP_PX, WIDEST_PX, Steps, network_file, read_steps, second_file
from pipeline.recognize.word_places import aligned

LONGEST = 60
"""Steps, some twenty letters. Of longer runs a search holds too few texts for another look to choose among."""
WIDER = 1.1
"""How many times wider an image is read the second time."""
LEAST_P = 1e-9
"""Least probability of a character, so that none is impossible."""
PLACES = {sign: column for column, sign in enumerate(ALPHABET, start=1)}

Looks = list[Steps]
"""What each look saw; all count alike."""


class LookAgain(Protocol):
    """More looks at what a line shows from one step up to another."""

    def at_word(self, start: int, end: int) -> Looks:
        """A wider one, and one by the second network."""

    def at_number(self, start: int, end: int) -> Steps:
        """What the second network sees."""


@dataclass(frozen=True, slots=True)
class PictureAgain:
    """Looks at one line's picture, by two networks."""

    picture: Image
    first: Path
    second: Path

    def at_word(self, start: int, end: int) -> Looks:
        """A wider look, and one by the second network."""
        part = self._part(start, end)
        height, width = part.shape
        wide = cv2.resize(part, (max(1, round(width * WIDER)), height), interpolation=cv2.INTER_CUBIC)
        (wider,) = read_steps([np.asarray(wide, np.uint8)], self.first)
        return [wider, self.at_number(start, end)]

    def at_number(self, start: int, end: int) -> Steps:
        """What the second network sees."""
        (steps,) = read_steps([self._part(start, end)], self.second)
        return steps

    def _part(self, start: int, end: int) -> Image:
        """The columns of the picture that some of its steps show."""
        height, width = self.picture.shape
        step = STEP_PX * float(np.clip(height / LINE_HEIGHT, width / WIDEST_PX, width / LEAST_PX))
        left, right = round(start * step), round(end * step)
        return self.picture[:, left : max(right, left + 1)]


LooksAt = Callable[[Image], LookAgain | None]
"""How parts of a line's picture are looked at again; None where they are not."""


def looking_again() -> LooksAt:
    """As the setting says, which is asked once for all lines that are read together: not at all where no second network is installed or the setting
    wants the one as shipped."""
    first, second = network_file(), second_file()
    return lambda picture: None if second is None else PictureAgain(picture, first, second)


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A text that some look proposed; `seen` is the mean logarithm of its p in all pictures, `rank` with what the guide says."""

    text: str
    seen: float
    rank: float


def agreed(proposed: Sequence[str], looks: Looks, guide: Guide[S]) -> list[Transcript]:
    """The proposed texts, likeliest first, judged by all looks and a guide; see `Transcript` for what p means with a guide."""
    found = [_judged(text, looks, guide) for text in dict.fromkeys(proposed)]
    top = max(one.rank for one in found)
    shares = np.exp([one.rank - top for one in found])
    order = sorted(zip((shares / shares.sum()).tolist(), found, strict=True), key=lambda pair: -pair[0])
    best = order[0][1]
    believed = math.exp(best.seen) ** PICTURE_COUNTS
    texts = [(share, one.text) for share, one in order]
    listed = [Transcript(one.text, believed * share, (believed * share,) * len(one.text), math.exp(one.seen)) for share, one in order]
    shared, seen = _shared(best.text, texts), _characters(best.text, looks)
    return [replace(listed[0], characters=tuple(share * p**PICTURE_COUNTS for share, p in zip(shared, seen, strict=True))), *listed[1:]]


def read_twice(found: Sequence[Transcript], other: str) -> list[Transcript]:
    """Readings of a number, best first, with what the second network reads: if that is another text, both are as likely, and none is more so."""
    best = found[0]
    if other in ("", best.text):
        return list(found)
    half = best.p / 2
    alike = {i for op in Levenshtein.opcodes(best.text, other) if op.tag == "equal" for i in range(op.src_start, op.src_end)}
    characters = tuple(p if i in alike else p / 2 for i, p in enumerate(best.characters))
    rest = [replace(one, p=min(one.p, half)) for one in found[1:] if one.text != other]
    return [replace(best, p=half, characters=characters), Transcript(other, half, ()), *rest]


def _judged(text: str, looks: Looks, guide: Guide[S]) -> _Candidate:
    seen = sum(seen_in(steps, text) for steps in looks) / len(looks)
    state: S | None = guide.start()
    for sign in text:
        state = None if state is None else guide.extended(state, sign)
    said = -math.inf if state is None else guide.closed(state)
    return _Candidate(text, seen, seen + said)


def seen_in(steps: Steps, text: str) -> float:
    """The logarithm of the p of a text in one picture, all alignments together (forward variables of CTC, A. Graves et al., ICML 2006)."""
    columns = np.zeros(2 * len(text) + 1, np.intp)
    columns[1::2] = [PLACES[sign] for sign in text]
    skips = np.zeros(len(columns), np.bool_)
    skips[2:] = (columns[2:] != 0) & (columns[2:] != columns[:-2])
    logs = np.log(np.maximum(steps[:, columns], LEAST_P), dtype=np.float64)
    forward = np.full(len(columns), -np.inf)
    forward[:2] = logs[0, :2]
    for step in logs[1:]:
        forward = _advanced(forward, skips) + step
    return float(np.logaddexp.reduce(forward[-2:]))


def _advanced(forward: NDArray[np.float64], skips: NDArray[np.bool_]) -> NDArray[np.float64]:
    """From each sign or pause on to the next, and over a pause between two unlike signs."""
    after = forward.copy()
    after[1:] = np.logaddexp(after[1:], forward[:-1])
    after[2:] = np.where(skips[2:], np.logaddexp(after[2:], forward[:-2]), after[2:])
    return after


def _shared(text: str, others: Sequence[tuple[float, str]]) -> list[float]:
    """For each character the share of all texts that have it at its place."""
    shares = [0.0] * len(text)
    for share, other in others:
        for alike in Levenshtein.opcodes(text, other):
            if alike.tag == "equal":
                for i in range(alike.src_start, alike.src_end):
                    shares[i] += share
    return [min(1.0, share) for share in shares]


def _characters(text: str, looks: Looks) -> list[float]:
    """How probable each character of a text is in the pictures alone, the looks' geometric mean."""
    logs = np.zeros(len(text))
    for steps in looks:
        where = aligned(steps, text) or []
        highest = [steps[first : last + 1, PLACES[sign]].max() for sign, (first, last) in zip(text, where, strict=False)]
        logs += np.log(np.maximum(highest or LEAST_P, LEAST_P)) / len(looks)
    return [float(p) for p in np.exp(logs)]
