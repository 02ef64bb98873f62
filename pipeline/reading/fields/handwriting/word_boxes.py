"""Where the words of a line are in its image, and what else they may be.

The likeliest alignment of the text that was read, by time step: the best path through the text's
characters with pauses between them (Viterbi; A. Graves et al., ICML 2006).
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray
from rapidfuzz.distance import Levenshtein
from rapidfuzz.process import extract

from pipeline.domain.form.confidence import CERTAIN_WORD_FROM, LOW_CONFIDENCE_BELOW
from pipeline.domain.model import Reading, WordBox
from pipeline.reading.fields.handwriting.network import ALPHABET, Steps
from pipeline.reading.language.ctc import Transcript
from pipeline.reading.language.language_model import Lexicon, split_letter_words
from pipeline.reading.language.vocabulary import bare_word, care_words, may_be_offered

MIN_P = 1e-9
"""Lowest probability of a character, so that none is impossible."""
_WORD_PATTERN = re.compile(r"\S+")


@dataclass(frozen=True, slots=True)
class WordSpan:
    """A word's characters, from `start` up to `end`, and its columns in the line's image."""

    start: int
    end: int
    left: float
    right: float


def find_word_spans(steps: Steps, text: str, width: int) -> tuple[WordSpan, ...]:
    """Return the words of a text that was read from these time steps.

    The image is `width` columns wide. No words if the text does not fit into so few time steps.
    """
    spans = align_characters(steps, text)
    if spans is None:
        return ()
    # Time steps are evenly spaced over the image.
    step_width = width / len(steps)
    words = []
    for match in _WORD_PATTERN.finditer(text):
        first, last = spans[match.start()], spans[match.end() - 1]
        words.append(
            WordSpan(
                match.start(),
                match.end(),
                float(first[0] * step_width),
                float((last[1] + 1) * step_width),
            )
        )
    return tuple(words)


def align_characters(steps: Steps, text: str) -> list[tuple[int, int]] | None:
    """Return for each character its first and last time step.

    None if the text does not fit into so few time steps.
    """
    signs = [ALPHABET.find(sign) + 1 for sign in text]

    # Each sign needs a time step, and equal neighbours a pause between them.
    doubled = sum(a == b for a, b in itertools.pairwise(signs))
    if not signs or 0 in signs or len(steps) < len(signs) + doubled:
        return None

    # The states are pauses, with a sign between any two.
    states = np.zeros(2 * len(signs) + 1, np.intp)
    states[1::2] = signs
    log_p = np.log(np.maximum(steps[:, states], MIN_P))
    return _sign_runs(_likeliest_states(log_p, states), len(signs))


def _likeliest_states(log_p: NDArray[np.float32], states: NDArray[np.intp]) -> NDArray[np.intp]:
    """Return the state of each time step on the likeliest path from first to last (Viterbi)."""
    # A pause may be skipped between two unlike signs only.
    count = len(states)
    skip_cost = np.full(max(0, count - 2), -np.inf)
    skip_cost[1::2] = np.where(states[3::2] != states[1:-2:2], 0.0, -np.inf)

    # A path starts with the first pause or sign.
    scores = np.full((len(log_p), count), -np.inf)
    scores[0, :2] = log_p[0, :2]
    best, skipped = np.empty(count), np.empty_like(skip_cost)
    for step in range(1, len(log_p)):
        # The best of staying, moving one state on, and skipping a pause.
        before = scores[step - 1]
        best[0] = before[0]
        np.maximum(before[:-1], before[1:], out=best[1:])
        np.add(before[:-2], skip_cost, out=skipped)
        np.maximum(skipped, best[2:], out=best[2:])
        np.add(best, log_p[step], out=scores[step])

    # Which of them it was, for all time steps at once.
    before = scores[:-1]
    moves, skips = np.zeros((2, len(log_p), count), np.bool_)
    np.greater(before[:, :-1], before[:, 1:], out=moves[1:, 1:])
    np.greater(
        before[:, :-2] + skip_cost,
        np.maximum(before[:, 1:-1], before[:, 2:]),
        out=skips[1:, 2:],
    )

    # A path ends in the last sign or pause.
    return _backtrack(
        np.where(skips, 2, moves), count - 1 if scores[-1, -1] >= scores[-1, -2] else count - 2
    )


def _backtrack(steps: NDArray[np.intp], last: int) -> NDArray[np.intp]:
    """Return the states from the first time step to the last one, which is known.

    `steps` (time steps, states) holds how many states back each came from.
    """
    path = [last]
    for step in range(len(steps) - 1, 0, -1):
        path.append(path[-1] - int(steps[step, path[-1]]))
    return np.array(path[::-1], np.intp)


def _sign_runs(path: NDArray[np.intp], count: int) -> list[tuple[int, int]]:
    """Return the first and last time step of each sign.

    No state of a sign is skipped, and the path never goes back.
    """
    signs = 2 * np.arange(count) + 1
    first, after = np.searchsorted(path, signs), np.searchsorted(path, signs, side="right")
    return list(zip(first.tolist(), (after - 1).tolist(), strict=True))


def shift_words(words: tuple[WordBox, ...], characters: int) -> tuple[WordBox, ...]:
    """Return the words of a text that gets this many more characters before them."""
    return tuple(
        replace(word, start=word.start + characters, end=word.end + characters) for word in words
    )


# What else may be written where a word of free text was read with low confidence: words of the
# texts that the search kept of each run, weighed by image and language model, and of the care
# vocabulary. A person may choose one instead of typing (`language/vocabulary.py` says which).

MAX_ALTERNATIVES, MAX_SEARCHED = 4, 3
"""Other words that are kept of each word, and how many of the search come before the vocabulary's.

Of 35 words read wrong (22 Uppsala words, 13 of phrases in held-out fonts) the right one was among
those of the search alone 19 times, with the vocabulary 23 times.
"""
MIN_LIKENESS, MAX_NEAR = 0.5, 2
"""Least share of letters in common with a word of the vocabulary, and how many are offered."""


def find_other_words(runs: Sequence[Sequence[Transcript]]) -> tuple[tuple[str, ...], ...]:
    """Return for each word of a line the likeliest others at its place, best first.

    `runs` has the texts of each run, the best one first.
    """
    return tuple(words for texts in runs for words in _find_in_run(texts))


def _find_in_run(texts: Sequence[Transcript]) -> list[tuple[str, ...]]:
    read = texts[0].text.split()
    shares = [dict[str, float]() for _ in read]
    for text in texts[1:]:
        words = text.text.split()
        # With more or fewer words it is not known which of them is at which place.
        if len(words) == len(read):
            for share, word in zip(shares, words, strict=True):
                share[bare_word(word)] = share.get(bare_word(word), 0.0) + text.p
    return [
        tuple(
            other
            for other in sorted(share, key=share.__getitem__, reverse=True)
            if other not in ("", bare_word(word))
        )
        for word, share in zip(read, shares, strict=True)
    ]


def place_words(
    reading: Reading, steps: Steps, shape: tuple[int, ...], names: Lexicon
) -> tuple[WordBox, ...]:
    """Return the boxes of a line's words from the top left of its image, px, as high as the line.

    Words of low confidence have alternatives, but none that may be a name of the registers.

    Args:
        reading: the line's reading, with the other words of each word.
        steps: the network's output for the line.
        shape: height and width of its image, px.
        names: the names of the registers.
    """
    text = str(reading.value)
    spans = find_word_spans(steps, text, shape[1])
    words = [text[span.start : span.end] for span in spans]
    # A text that was changed after the search has no other words.
    others = reading.other_words if len(reading.other_words) == len(spans) else [()] * len(spans)
    return tuple(
        WordBox(
            span.start,
            span.end,
            (span.left, 0.0, span.right - span.left, float(shape[0])),
            _choose(word, before, other, names)
            if min(reading.characters[span.start : span.end], default=1.0) < LOW_CONFIDENCE_BELOW
            else (),
        )
        for span, word, before, other in zip(spans, words, ["", *words], others, strict=False)
    )


def _choose(word: str, before: str, others: Sequence[str], names: Lexicon) -> tuple[str, ...]:
    parts = [part for each in (word, *others) for part in split_letter_words(each)]
    if not may_be_offered(word, before, others) or any(map(names.p, parts)):
        return ()
    bare = bare_word(word)
    near = extract(
        bare,
        care_words(),
        scorer=Levenshtein.normalized_similarity,
        score_cutoff=MIN_LIKENESS,
        limit=MAX_NEAR + 1,
    )
    vocabulary = [known for known, _, _ in near if known != bare][:MAX_NEAR]
    offered = dict.fromkeys([*others[:MAX_SEARCHED], *vocabulary, *others])
    return tuple(offered)[:MAX_ALTERNATIVES]


# Split a line into runs that are read in different ways: numbers, certain words, and other words.
#
# The likeliest path (one symbol per time step) is split at its spaces. Any word with a digit, or
# whose characters might as well be digits, is a number.

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
