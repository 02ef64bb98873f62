"""Where the words of a line are in its image, from the network's answers.

The likeliest alignment of the text that was read, by time step: the best path through the text's
characters with pauses between them (Viterbi; A. Graves et al., ICML 2006).
"""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.domain.model import WordBox
from pipeline.reading.fields.handwriting.network import ALPHABET, Steps

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
        WordBox(word.start + characters, word.end + characters, word.box) for word in words
    )
