"""A line's steps cut into runs: numbers, words that are surely read, and words that knowledge of Swedish may help.

What is cut is the likeliest path (one symbol a step). A number is never shown to the language model: any word with a digit, or whose signs
might as well be digits, is a run of its own, and in the other runs digits are not possible at all.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

DIGITS = "0123456789½"
MAYBE_DIGIT = 0.1
"""A sign that is a digit with this p counts as one …"""
MOSTLY = 0.5
"""… and a word with so many of them, as part of its signs, is a number."""
SURE = 0.97
"""A word whose likeliest path has this p is taken as it is."""
FIRM_GAP = 0.9
"""A gap with this p parts words for certain."""
Steps = NDArray[np.float32]


class RunKind(StrEnum):
    """How a run is read."""

    NUMBER = "number"
    SURE = "sure"
    WORDS = "words"


@dataclass(frozen=True, slots=True)
class Run:
    """Steps `start` to `end` of a line; `gap` is the p of the space before it (1 at the beginning)."""

    kind: RunKind
    start: int
    end: int
    gap: float = 1.0


@dataclass(frozen=True, slots=True)
class _Sign:
    """A symbol of the likeliest path, its steps and its highest p."""

    column: int
    start: int
    end: int
    p: float


def path(steps: Steps) -> list[_Sign]:
    """The likeliest path without pauses."""
    best = steps.argmax(-1)
    edges = np.flatnonzero(np.diff(best, prepend=-1, append=-1)).tolist()
    return [_Sign(int(best[a]), a, b, float(steps[a:b, best[a]].max())) for a, b in itertools.pairwise(edges) if best[a]]


def runs(steps: Steps, alphabet: str) -> list[Run]:
    """The runs of a line, in order. Spaces between runs belong to none."""
    space = alphabet.index(" ") + 1
    words = _words(steps, path(steps), space)
    kinds = [_kind(steps, start, end, signs, alphabet) for start, end, _, signs in words]
    found: list[Run] = []
    for (start, end, gap, signs), kind in zip(words, kinds, strict=True):
        if not signs:
            continue
        if found and _together(found[-1].kind, kind, gap):
            found[-1] = Run(RunKind.WORDS, found[-1].start, end, found[-1].gap)
        else:
            found.append(Run(kind, start, end, gap if found else 1.0))
    return found


def _together(before: RunKind, kind: RunKind, gap: float) -> bool:
    """Words are read together where the gap is doubtful, or where both are."""
    if RunKind.NUMBER in (before, kind):
        return False
    return gap < FIRM_GAP or before is kind is RunKind.WORDS


def _words(steps: Steps, signs: Sequence[_Sign], space: int) -> list[tuple[int, int, float, list[_Sign]]]:
    """Start, end, p of the space before, and signs of each word of the path."""
    found: list[tuple[int, int, float, list[_Sign]]] = []
    start, gap, held = 0, 1.0, list[_Sign]()
    for sign in signs:
        if sign.column == space:
            found.append((start, sign.start, gap, held))
            start, gap, held = sign.end, sign.p, []
        else:
            held.append(sign)
    return [*found, (start, len(steps), gap, held)]


def _kind(steps: Steps, start: int, end: int, signs: Sequence[_Sign], alphabet: str) -> RunKind:
    digits = [alphabet.index(digit) + 1 for digit in DIGITS]
    if any(sign.column in digits for sign in signs):
        return RunKind.NUMBER
    maybe = sum(float(steps[sign.start : sign.end, digits].sum(-1).max()) >= MAYBE_DIGIT for sign in signs)
    if signs and maybe >= MOSTLY * len(signs):
        return RunKind.NUMBER
    return RunKind.SURE if float(steps[start:end].max(-1).prod()) >= SURE else RunKind.WORDS
