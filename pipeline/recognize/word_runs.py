"""A line's steps cut into runs: numbers, words that are surely read, and words that knowledge of Swedish may help.

What is cut is the likeliest path (one symbol a step). A number is never shown to the language model: any word with a digit, or whose signs
might as well be digits, is a run of its own, and in the other runs digits are not possible at all.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from pipeline.confidence import CERTAIN_WORD_FROM
from pipeline.recognize.lexicon import letter_words
from pipeline.recognize.network import Steps

DIGITS = "0123456789½"
MAYBE_DIGIT = 0.1
"""A sign that is a digit with this p counts as one …"""
MOSTLY = 0.5
"""… and a word with so many of them, as part of its signs, is a number."""
FIRM_GAP = 0.9
"""A gap with this p parts words for certain."""


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


@dataclass(frozen=True, slots=True)
class _Word:
    """Signs between two spaces, the steps from the one space to the other, and the p of the space before."""

    start: int
    end: int
    gap: float
    signs: list[_Sign]


def path(steps: Steps) -> list[_Sign]:
    """The likeliest path without pauses."""
    best = steps.argmax(-1)
    edges = np.flatnonzero(np.diff(best, prepend=-1, append=-1))
    if len(edges) < 2:
        return []
    columns, highest = best[edges[:-1]].tolist(), np.maximum.reduceat(steps.max(-1), edges[:-1]).tolist()
    return [_Sign(column, a, b, p) for column, (a, b), p in zip(columns, itertools.pairwise(edges.tolist()), highest, strict=True) if column]


def runs(steps: Steps, alphabet: str, known: Callable[[str], bool]) -> list[Run]:
    """The runs of a line, in order. Spaces between runs belong to none. Only `known` words are surely read: a network can be sure and wrong."""
    words = [word for word in _words(steps, path(steps), alphabet.index(" ") + 1) if word.signs]
    digits = [alphabet.index(digit) + 1 for digit in DIGITS]
    as_digit = steps[:, digits].sum(-1)
    found: list[Run] = []
    for word in words:
        kind = _kind(steps, as_digit, word, alphabet, known)
        if found and _together(found[-1].kind, kind, word.gap):
            found[-1] = Run(RunKind.WORDS, found[-1].start, word.end, found[-1].gap)
        else:
            found.append(Run(kind, word.start, word.end, word.gap if found else 1.0))
    return found


def _together(before: RunKind, kind: RunKind, gap: float) -> bool:
    """Words are read together where the gap is doubtful, or where both are."""
    if RunKind.NUMBER in (before, kind):
        return False
    return gap < FIRM_GAP or before is kind is RunKind.WORDS


def _words(steps: Steps, signs: Sequence[_Sign], space: int) -> list[_Word]:
    """The words of the path."""
    found: list[_Word] = []
    start, gap, held = 0, 1.0, list[_Sign]()
    for sign in signs:
        if sign.column == space:
            found.append(_Word(start, sign.start, gap, held))
            start, gap, held = sign.end, sign.p, []
        else:
            held.append(sign)
    return [*found, _Word(start, len(steps), gap, held)]


def _kind(steps: Steps, as_digit: Steps, word: _Word, alphabet: str, known: Callable[[str], bool]) -> RunKind:
    """What a word is; `as_digit` is the p of any digit at each step."""
    if any(alphabet[sign.column - 1] in DIGITS for sign in word.signs):
        return RunKind.NUMBER
    maybe = sum(float(as_digit[sign.start : sign.end].max()) >= MAYBE_DIGIT for sign in word.signs)
    if word.signs and maybe >= MOSTLY * len(word.signs):
        return RunKind.NUMBER
    text = "".join(alphabet[sign.column - 1] for sign in word.signs)
    sure = float(steps[word.start : word.end].max(-1).prod()) >= CERTAIN_WORD_FROM and all(known(part) for part in letter_words(text))
    return RunKind.SURE if sure else RunKind.WORDS
