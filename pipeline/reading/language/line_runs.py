"""Split a line into runs that are read in different ways: numbers, certain words, and other words.

The likeliest path (one symbol per time step) is split at its spaces. Any word with a digit, or
whose characters might as well be digits, is a number.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from pipeline.domain.confidence import CERTAIN_WORD_FROM
from pipeline.reading.fields.handwriting.network import Steps
from pipeline.reading.language.language_model import split_letter_words

DIGIT_CHARACTERS = "0123456789½"
"""Characters that make a word a number."""
MIN_DIGIT_P = 0.1
"""Probability from which a symbol counts as a possible digit …"""
MIN_DIGIT_SHARE = 0.5
"""… and share of them in a word from which it is a number."""
CERTAIN_GAP_P = 0.9
"""Probability of a space that separates words for certain."""


class RunKind(StrEnum):
    """How a run is read."""

    NUMBER = "number"
    CERTAIN = "certain"
    WORDS = "words"


@dataclass(frozen=True, slots=True)
class StepRun:
    """Time steps `start` to `end` of a line.

    `gap_p` is the probability of the space before them (1 at the beginning).
    """

    kind: RunKind
    start: int
    end: int
    gap_p: float = 1.0


@dataclass(frozen=True, slots=True)
class PathSymbol:
    """A symbol of the likeliest path, its time steps and its highest probability."""

    column: int
    start: int
    end: int
    p: float


@dataclass(frozen=True, slots=True)
class _Word:
    """Symbols between two spaces, and the time steps from one space to the other.

    `gap_p` is the probability of the space before.
    """

    start: int
    end: int
    gap_p: float
    symbols: list[PathSymbol]


def likeliest_signs(steps: Steps) -> list[PathSymbol]:
    """Return the symbols of the likeliest path without blanks."""
    best = steps.argmax(-1)
    # Runs of the same symbol, with its highest probability.
    edges = np.flatnonzero(np.diff(best, prepend=-1, append=-1))
    if len(edges) < 2:
        return []
    columns, max_p = (
        best[edges[:-1]].tolist(),
        np.maximum.reduceat(steps.max(-1), edges[:-1]).tolist(),
    )
    return [
        PathSymbol(column, start, end, p)
        for column, (start, end), p in zip(
            columns, itertools.pairwise(edges.tolist()), max_p, strict=True
        )
        if column
    ]


def split_runs(steps: Steps, alphabet: str, is_known: Callable[[str], bool]) -> list[StepRun]:
    """Split a line into runs, in order; spaces between runs belong to none.

    Only known words can be certain: a network can be wrong with high confidence.
    """
    # Words between spaces of the likeliest path.
    words = [
        word
        for word in _split_words(steps, likeliest_signs(steps), alphabet.index(" ") + 1)
        if word.symbols
    ]
    digit_columns = [alphabet.index(digit) + 1 for digit in DIGIT_CHARACTERS]
    digit_p = steps[:, digit_columns].sum(-1)
    runs: list[StepRun] = []
    for word in words:
        kind = _classify_word(steps, digit_p, word, alphabet, is_known)
        # Neighbouring words that belong together become one run.
        if runs and _joins_previous(runs[-1].kind, kind, word.gap_p):
            runs[-1] = StepRun(RunKind.WORDS, runs[-1].start, word.end, runs[-1].gap_p)
        else:
            runs.append(StepRun(kind, word.start, word.end, word.gap_p if runs else 1.0))
    return runs


def _joins_previous(previous: RunKind, kind: RunKind, gap_p: float) -> bool:
    """Check whether words are read together: an uncertain gap, or two uncertain words."""
    if RunKind.NUMBER in (previous, kind):
        return False
    return gap_p < CERTAIN_GAP_P or previous is kind is RunKind.WORDS


def _split_words(steps: Steps, symbols: Sequence[PathSymbol], space: int) -> list[_Word]:
    """Return the words of the path."""
    words: list[_Word] = []
    start, gap_p, word_symbols = 0, 1.0, list[PathSymbol]()
    for symbol in symbols:
        if symbol.column == space:
            words.append(_Word(start, symbol.start, gap_p, word_symbols))
            start, gap_p, word_symbols = symbol.end, symbol.p, []
        else:
            word_symbols.append(symbol)
    return [*words, _Word(start, len(steps), gap_p, word_symbols)]


def _classify_word(
    steps: Steps, digit_p: Steps, word: _Word, alphabet: str, is_known: Callable[[str], bool]
) -> RunKind:
    """Return how a word is read; `digit_p` is that of any digit at each time step."""
    # Any digit makes the word a number.
    if any(alphabet[symbol.column - 1] in DIGIT_CHARACTERS for symbol in word.symbols):
        return RunKind.NUMBER
    # Letters that may as well be digits make a number too.
    possible_digits = sum(
        float(digit_p[symbol.start : symbol.end].max()) >= MIN_DIGIT_P for symbol in word.symbols
    )
    if word.symbols and possible_digits >= MIN_DIGIT_SHARE * len(word.symbols):
        return RunKind.NUMBER
    text = "".join(alphabet[symbol.column - 1] for symbol in word.symbols)
    is_certain = float(steps[word.start : word.end].max(-1).prod()) >= CERTAIN_WORD_FROM and all(
        is_known(part) for part in split_letter_words(text)
    )
    return RunKind.CERTAIN if is_certain else RunKind.WORDS
