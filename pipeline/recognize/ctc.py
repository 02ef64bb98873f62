"""From probabilities a step to texts: prefix beam search for connectionist temporal classification.

A. Graves et al., ICML 2006 (CTC); A. Hannun et al., arXiv:1408.2873 (prefix beam search, here without a language model).
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

BEAMS = 5
LEAST = 1e-3
"""Characters less probable than this at a step are not followed."""


@dataclass(frozen=True, slots=True)
class Transcript:
    """One possible text, the probability of all its alignments together, and the highest probability each character reached."""

    text: str
    p: float
    characters: tuple[float, ...]


@dataclass(slots=True)
class _Beam:
    """A prefix: probability that it ends in CTC's blank, that it ends in its last character, and its characters' p."""

    blank: float = 0.0
    ended: float = 0.0
    characters: tuple[float, ...] = ()
    best: float = field(default=-1.0)

    @property
    def total(self) -> float:
        return self.blank + self.ended

    def add(self, blank: float, ended: float, characters: tuple[float, ...]) -> None:
        self.blank += blank
        self.ended += ended
        if blank + ended > self.best:
            self.best, self.characters = blank + ended, characters


def decode(steps: NDArray[np.float32], alphabet: str, beams: int = BEAMS) -> list[Transcript]:
    """The most probable texts, best first; `steps` is (steps, 1 + len(alphabet)) with CTC's blank in column 0."""
    held = {"": _Beam(blank=1.0)}
    scale = 0.0
    for row in steps:
        held = _advanced(held, row, alphabet)
        held = dict(sorted(held.items(), key=lambda item: -item[1].total)[:beams])
        top = max(max(beam.total for beam in held.values()), 1e-30)
        scale += float(np.log(top))
        for beam in held.values():
            beam.blank /= top
            beam.ended /= top
    return [Transcript(text, float(beam.total * np.exp(scale)), beam.characters) for text, beam in held.items()]


def _advanced(held: dict[str, _Beam], row: NDArray[np.float32], alphabet: str) -> dict[str, _Beam]:
    pause = float(row[0])
    likely = [(alphabet[i - 1], float(row[i])) for i in np.flatnonzero(row > LEAST) if i > 0]
    after: dict[str, _Beam] = {}
    for prefix, beam in held.items():
        after.setdefault(prefix, _Beam()).add(beam.total * pause, 0.0, beam.characters)
        for character, p in likely:
            _extend(after, prefix, beam, character, p)
    return after


def _extend(after: dict[str, _Beam], prefix: str, beam: _Beam, character: str, p: float) -> None:
    repeats = prefix.endswith(character)
    if repeats:
        held = (*beam.characters[:-1], max(beam.characters[-1], p))
        after.setdefault(prefix, _Beam()).add(0.0, beam.ended * p, held)
    start = beam.blank if repeats else beam.total
    if start > 0.0:
        after.setdefault(prefix + character, _Beam()).add(0.0, start * p, (*beam.characters, p))
