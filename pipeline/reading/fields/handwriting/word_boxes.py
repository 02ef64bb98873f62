"""Where the words of a line stand in its picture, from the network's answers: the likeliest way to
write the text that was read, step by step.

A. Graves et al., ICML 2006 (CTC): the best path through the text's characters with pauses
between them (Viterbi).
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
"""Least probability of a character, so that none is impossible."""
_WORD_PATTERN = re.compile(r"\S+")


@dataclass(frozen=True, slots=True)
class WordSpan:
    """A word's characters, from `start` up to `end`, and the columns of the line's picture that
    they are written in.
    """

    start: int
    end: int
    left: float
    right: float


def find_word_spans(steps: Steps, text: str, width: int) -> tuple[WordSpan, ...]:
    """The words of a text that was read from these steps of a picture so many columns wide; none if
    it cannot be written in so few steps.
    """
    where = align_characters(steps, text)
    if where is None:
        return ()
    column = width / len(steps)
    found = []
    for word in _WORD_PATTERN.finditer(text):
        first, last = where[word.start()], where[word.end() - 1]
        found.append(
            WordSpan(
                word.start(), word.end(), float(first[0] * column), float((last[1] + 1) * column)
            )
        )
    return tuple(found)


def align_characters(steps: Steps, text: str) -> list[tuple[int, int]] | None:
    """For each character the first and last step that it is read from; None if the text cannot be
    written in so few steps.
    """
    signs = [ALPHABET.find(sign) + 1 for sign in text]
    if (
        not signs
        or 0 in signs
        or len(steps) < len(signs) + sum(a == b for a, b in itertools.pairwise(signs))
    ):
        return None
    states = np.zeros(2 * len(signs) + 1, np.intp)
    states[1::2] = signs
    return _sign_runs(
        _likeliest_states(np.log(np.maximum(steps[:, states], MIN_P)), states), len(signs)
    )


def _likeliest_states(seen: NDArray[np.float32], states: NDArray[np.intp]) -> NDArray[np.intp]:
    """The state of each step on the best way from the first to the last."""
    count = len(states)
    barred = np.full(max(0, count - 2), -np.inf)
    barred[1::2] = np.where(states[3::2] != states[1:-2:2], 0.0, -np.inf)
    score, skipped = np.full(count, -np.inf), np.empty_like(barred)
    score[:2] = seen[0, :2]
    moves, skips = np.zeros((2, len(seen), count), np.bool_)
    for at in range(1, len(seen)):
        best = score.copy()
        np.greater(score[:-1], score[1:], out=moves[at, 1:])
        np.maximum(score[:-1], score[1:], out=best[1:])
        np.add(score[:-2], barred, out=skipped)
        np.greater(skipped, best[2:], out=skips[at, 2:])
        np.maximum(skipped, best[2:], out=best[2:])
        score = best + seen[at]
    return _backtrack(np.where(skips, 2, moves), count - 1 if score[-1] >= score[-2] else count - 2)


def _backtrack(steps: NDArray[np.intp], last: int) -> NDArray[np.intp]:
    """The states from the first step to the last one, which is known; `steps` (steps, states) says
    how many states back each came from.
    """
    path = [last]
    for at in range(len(steps) - 1, 0, -1):
        path.append(path[-1] - int(steps[at, path[-1]]))
    return np.array(path[::-1], np.intp)


def _sign_runs(path: NDArray[np.intp], count: int) -> list[tuple[int, int]]:
    """The first and the last step of each sign; no state of a sign is skipped, and the path never
    goes back.
    """
    signs = 2 * np.arange(count) + 1
    first, after = np.searchsorted(path, signs), np.searchsorted(path, signs, side="right")
    return list(zip(first.tolist(), (after - 1).tolist(), strict=True))


def shift_words(words: tuple[WordBox, ...], characters: int) -> tuple[WordBox, ...]:
    """The same words in a text that has so many characters more before them."""
    return tuple(
        WordBox(word.start + characters, word.end + characters, word.box) for word in words
    )
