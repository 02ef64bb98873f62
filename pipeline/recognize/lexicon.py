"""Known words with their probabilities: how likely a word is, how likely any word with a beginning, and words put together of others.

Everything is lower case. Swedish joins words: `sår` + `omläggning`, `läkemedel` + `s` + `lista`, `flick(a)` + `skola`, `kvinn(a)` + `o` + `jour`
(Svenska Akademiens grammatik, vol. 2, ch. 1).
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

LETTERS = "abcdefghijklmnopqrstuvwxyzåäöéü"
SHORTEST_PART = 3
"""Least letters of each part of a compound word."""
AFTER_ALL = "\uffff"
JOINED_S = 0.35
"""How much rarer a joint is than none, about as in the trade's vocabulary."""
CHANGED_VOWEL = 0.1
"""Probability of a compound's first part whose last vowel changes."""
MEMORY = 100_000
"""Beginnings of words that are remembered."""


class Lexicon:
    """Words with probabilities that add up to 1."""

    def __init__(self, words: list[str], p: NDArray[np.float64]) -> None:
        """`words` sorted and lower case, `p` their weights (any scale above 0)."""
        self.words = words
        self._p = p / p.sum() if len(p) else p
        self._below: list[float] = np.concatenate([[0.0], np.cumsum(self._p)]).tolist()
        roots = np.sqrt(self._p)
        self._part_scale = 1.0 / float(roots.sum()) if len(p) else 0.0
        self.beginning = lru_cache(maxsize=MEMORY)(self._beginning)
        self.joined = lru_cache(maxsize=MEMORY)(self._joined)

    @classmethod
    def of(cls, weights: Mapping[str, float]) -> Lexicon:
        """Words with weights; other signs than letters are not allowed in a word."""
        words = sorted(weights)
        return cls(words, np.array([weights[word] for word in words], np.float64))

    @classmethod
    def of_names(cls, texts: Iterable[str]) -> Lexicon:
        """The words of names and addresses, the more often they occur the more likely."""
        counts: dict[str, float] = {}
        for text in texts:
            for word in letter_words(text):
                counts[word] = counts.get(word, 0.0) + 1.0
        return cls.of(counts)

    def p(self, word: str) -> float:
        """The probability of a word; 0 when it is not known."""
        at = bisect_left(self.words, word)
        return float(self._p[at]) if at < len(self.words) and self.words[at] == word else 0.0

    def _beginning(self, prefix: str) -> float:
        """The probability of all words that begin so."""
        first = bisect_left(self.words, prefix)
        last = bisect_right(self.words, prefix + AFTER_ALL, lo=first)
        return self._below[last] - self._below[first]

    def _joined(self, word: str) -> float:
        """The probability of a word as two or three known ones together; parts count by the root of their probability."""
        found = 0.0
        for cut in range(SHORTEST_PART, len(word) - SHORTEST_PART + 1):
            last = self._last(word[cut:])
            if last:
                found += self._first(word[:cut]) * last
        return found

    def _last(self, word: str) -> float:
        whole = self._part(word)
        return whole or (self.joined(word) if len(word) > 2 * SHORTEST_PART else 0.0)

    def _first(self, word: str) -> float:
        p = self._part(word)
        if word.endswith("s"):
            p += JOINED_S * self._part(word[:-1])
        if word[-1] in "ou":
            p += CHANGED_VOWEL * self._part(word[:-1] + "a")
        return p or CHANGED_VOWEL * (self._part(word + "a") + self._part(word + "e"))

    def _part(self, word: str) -> float:
        return self.p(word) ** 0.5 * self._part_scale if len(word) >= SHORTEST_PART else 0.0


NO_NAMES = Lexicon.of({})


def letter_words(text: str) -> list[str]:
    """The runs of letters of a text, lower case."""
    kept = "".join(c if c in LETTERS else " " for c in text.lower())
    return kept.split()
