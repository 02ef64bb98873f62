"""New curves of probabilities from confirmed fields, each taken only where it foretells sheets better that it was not fitted to."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from pipeline.calibration_file import Fitted, write
from pipeline.calibration_fit import Evidence, Numbers, Score, expected, fit, foretold, judged, losses
from pipeline.confidence import UNCALIBRATED_MAX_P
from pipeline.learning.reread import Reread
from pipeline.recognize.curves import FILE, Curve, Curves, Features, installed, read_curves

NEEDED = 120
"""So many readings are needed to fit a curve."""
NEEDED_APART = 60
"""And so many from other hands to judge it."""
HELD_OUT = 3
"""One hand (or sheet) of so many is kept apart for judging."""
FEWEST_WRITERS = 6
"""With fewer known writers whole sheets are kept apart instead of whole hands."""
ONE_IN_TWENTY = 1.645
PRIOR = 50.0
"""The curve in use counts as so many readings: a few corrections do not throw it over."""
NOTE = "Learned from confirmed entries of this workspace by `efterskrift learn`."


@dataclass(frozen=True, slots=True)
class Lesson:
    """What confirmed fields say of one curve. Without `before` there were too few of them: `missing` more readings are needed.

    `surely`: the log loss on what was kept apart sinks by more than chance would make it sink in one case of twenty.
    """

    key: str
    network: str
    readings: int
    apart: int
    curve: Curve | None = None
    before: Score | None = None
    after: Score | None = None
    surely: bool = False

    @property
    def missing(self) -> int:
        """How many more readings are needed."""
        return max(0, NEEDED - self.readings) + max(0, NEEDED_APART - self.apart)

    @property
    def better(self) -> bool:
        """Surely less log loss on what was kept apart, and no more errors among the surest."""
        if self.before is None or self.after is None:
            return False
        return self.surely and self.after.surest.wrong <= self.before.surest.wrong


def lessons(fields: Sequence[Reread]) -> list[Lesson]:
    """A lesson for each curve that the fields bear on."""
    evidence: dict[tuple[str, str], list[tuple[Evidence, str]]] = defaultdict(list)
    for one in fields:
        found = one.evidence()
        evidence[found.key, one.network].append((found, one.writer))
    current = installed()
    apart = kept_apart(fields)
    return [_lesson(place, own, current, apart) for place, own in sorted(evidence.items(), key=lambda item: item[0])]


def kept_apart(fields: Sequence[Reread]) -> set[str]:
    """Hands that curves are judged on, or sheets where few hands are known; always the same ones."""
    writers = {one.writer for one in fields}
    parts = sorted(writers if len(writers) >= FEWEST_WRITERS else {one.sheet for one in fields}, key=_digest)
    return set(parts[HELD_OUT - 1 :: HELD_OUT])


def _digest(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()


def _lesson(place: tuple[str, str], own: Sequence[tuple[Evidence, str]], current: Curves, apart: set[str]) -> Lesson:
    judges = [(e, writer if writer in apart else e.part) for e, writer in own if apart & {writer, e.part}]
    held = [e for e, _ in judges]
    seen = [e for e, writer in own if not apart & {writer, e.part}]
    lesson = Lesson(*place, len(seen), len(held))
    if lesson.missing:
        return lesson
    old = current.get(place)
    curve = fit([*seen, *expected(seen, _foretold(seen, old), PRIOR)])
    then, now = _foretold(held, old), foretold(held, curve)
    surely = _sinks(losses(held, then) - losses(held, now), np.array([e.weight for e in held]), [hand for _, hand in judges])
    return replace(lesson, curve=curve, before=judged(held, then), after=judged(held, now), surely=surely)


def _sinks(gains: Numbers, weight: Numbers, hands: Sequence[str]) -> bool:
    """Whether the mean gain, weighed as the log loss is, is more than chance: one-sided, by Student's t over hands, whose fields go together."""
    mean = float(weight @ gains) / float(weight.sum())
    _, hand = np.unique(hands, return_inverse=True)
    off = np.bincount(hand, weights=weight * (gains - mean))
    if len(off) < 2:
        return False
    error = np.sqrt(len(off) / (len(off) - 1) * (off @ off)) / weight.sum()
    return bool(mean > _one_in_twenty(len(off) - 1) * error)


def _one_in_twenty(freedom: int) -> float:
    """What Student's t with so many degrees of freedom exceeds once in twenty times (R. Fisher and E. Cornish, Technometrics 2, 1960)."""
    z = ONE_IN_TWENTY
    return z + (z**3 + z) / (4 * freedom) + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * freedom**2)


def _foretold(evidence: Sequence[Evidence], curve: Curve | None) -> Numbers:
    return np.array([_p(e.features, curve) for e in evidence])


def _p(features: Features, curve: Curve | None) -> float:
    return curve.at(features) if curve else min(UNCALIBRATED_MAX_P, float(1 / (1 + np.exp(-features[0]))))


def install(folder: Path, learned: Sequence[Lesson]) -> Path:
    """Write the better curves into the workspace's `models`; what it has learned before of other curves stays.

    Curves are fitted to the part that was judged on as well only the next time: what is installed is what was measured.
    """
    fitted = [Fitted(one.key, one.network, one.curve, one.readings, one.apart) for one in learned if one.curve and one.better]
    file = folder / FILE
    kept = {network for _, network in read_curves(file)} if file.is_file() else set()
    write(file, fitted, NOTE, keep=kept)
    return file
