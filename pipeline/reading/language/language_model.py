"""How likely a text is as Swedish, letter by letter: a mixture of known words, words put together,
names of the registers, and letters alone.

A beginning of a word is as likely as all known words with it plus what letters alone say, so a
word that nobody knows costs only its share of the mixture and stays possible. Numbers are none
of this model's business: it is never asked about them (see `transcription.py`).

Known words with their probabilities: how likely a word is, how likely any word with a beginning,
and words put together of others.

Everything is lower case. Swedish joins words: `sår` + `omläggning`, `läkemedel` + `s` + `lista`,
`flick(a)` + `skola`, `kvinn(a)` + `o` + `jour` (Svenska Akademiens grammatik, vol. 2, ch. 1).

Words that this workspace has learned from confirmed texts (see
`pipeline/operations/learning/words.py`), to expect beside the register's names.
"""

from __future__ import annotations

import json
import math
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from pipeline.domain.errors import MissingProgramError
from pipeline.domain.settings import load_settings

LOWERCASE_LETTERS = "abcdefghijklmnopqrstuvwxyzåäöéü"
MIN_PART_LENGTH = 3
"""Least letters of each part of a compound word."""
LAST_CHARACTER = "\uffff"
JOINING_S_P = 0.35
"""How much rarer a joint is than none, about as in the trade's vocabulary."""
CHANGED_VOWEL_P = 0.1
"""Probability of a compound's first part whose last vowel changes."""
CACHE_SIZE = 100_000
"""Beginnings of words that are remembered."""
LANGUAGE_FILE = "swedish.npz"
LETTER_CODES = {letter: i for i, letter in enumerate(LOWERCASE_LETTERS, start=1)}
LETTER_CODE_COUNT = len(LOWERCASE_LETTERS) + 1
EDGE_CODE = 0
MIN_P = 1e-300
"""A filler of a hundred w and v in a row is no word at all; its logarithm has to be some number."""
MARK_NATS = {
    " ": -0.2,
    ".": -2.5,
    ",": -2.8,
    ":": -4.0,
    "-": -3.5,
    "–": -5.0,
    "/": -4.0,
    "(": -5.0,
    ")": -5.0,
    "+": -5.0,
    "!": -6.0,
    "?": -6.0,
    "%": -5.0,
}
"""What may stand after a word, in nats, as often as in care notes; anything else is `OTHER_MARK`."""
OTHER_MARK_NATS = -8.0
REPEATED_MARK_NATS = -3.0
"""A mark after a mark, not after a word."""
FIRST_SMALL_NATS = math.log(0.4)
CAPITAL_LINE_NATS = (math.log(0.02), math.log(0.98))
"""A small letter, and a capital, in a line that is in capitals."""
LEARNED_WORDS_FILE = "words.json"
LEARNED_SHARE = 0.5
"""How likely a word of either list is one that was learned."""


class Lexicon:
    """Words with probabilities that add up to 1."""

    def __init__(self, words: list[str], p: NDArray[np.float64]) -> None:
        """`words` sorted and lower case, `p` their weights (any scale above 0)."""
        self.words = words
        self._p = p / p.sum() if len(p) else p
        self._below: list[float] = np.concatenate([[0.0], np.cumsum(self._p)]).tolist()
        roots = np.sqrt(self._p)
        self._part_scale = 1.0 / float(roots.sum()) if len(p) else 0.0
        self.beginning = lru_cache(maxsize=CACHE_SIZE)(self._beginning)
        self.joined = lru_cache(maxsize=CACHE_SIZE)(self._joined)

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
            for word in split_letter_words(text):
                counts[word] = counts.get(word, 0.0) + 1.0
        return cls.of(counts)

    def p(self, word: str) -> float:
        """The probability of a word; 0 when it is not known."""
        at = bisect_left(self.words, word)
        return float(self._p[at]) if at < len(self.words) and self.words[at] == word else 0.0

    def _beginning(self, prefix: str) -> float:
        """The probability of all words that begin so."""
        first = bisect_left(self.words, prefix)
        last = bisect_right(self.words, prefix + LAST_CHARACTER, lo=first)
        return self._below[last] - self._below[first]

    def _joined(self, word: str) -> float:
        """The probability of a word as two or three known ones together; parts count by the root of
        their probability.
        """
        found = 0.0
        for cut in range(MIN_PART_LENGTH, len(word) - MIN_PART_LENGTH + 1):
            last = self._last(word[cut:])
            if last:
                found += self._first(word[:cut]) * last
        return found

    def _last(self, word: str) -> float:
        whole = self._part(word)
        return whole or (self.joined(word) if len(word) > 2 * MIN_PART_LENGTH else 0.0)

    def _first(self, word: str) -> float:
        p = self._part(word)
        if word.endswith("s"):
            p += JOINING_S_P * self._part(word[:-1])
        if word[-1] in "ou":
            p += CHANGED_VOWEL_P * self._part(word[:-1] + "a")
        return p or CHANGED_VOWEL_P * (self._part(word + "a") + self._part(word + "e"))

    def _part(self, word: str) -> float:
        return self.p(word) ** 0.5 * self._part_scale if len(word) >= MIN_PART_LENGTH else 0.0


NO_NAMES = Lexicon.of({})


def split_letter_words(text: str) -> list[str]:
    """The runs of letters of a text, lower case."""
    kept = "".join(c if c in LOWERCASE_LETTERS else " " for c in text.lower())
    return kept.split()


@dataclass(frozen=True, slots=True)
class MixtureWeights:
    """How the mixture is made, and how much it counts beside the picture; chosen by
    `research/training/language_model/tune_decoding.py`.

    `weight` is what the model's logarithm counts; `letter` and `word` (nats) make up for long
    texts being unlikely as such.
    """

    joined: float = 0.1
    unknown: float = 0.05
    names: float = 0.1
    weight: float = 0.6
    letter: float = 2.0
    word: float = 0.0


class TextState(NamedTuple):
    """A text so far: logarithms of its finished words and of all; of its last word the letters,
    their logarithm alone, and how many are capitals.

    `letters` counts signs, `words` finished words; `first`: no word is finished yet at the
    beginning of a line. (A tuple, since many are made.)
    """

    done: float = 0.0
    now: float = 0.0
    word: str = ""
    spelled: float = 0.0
    capitals: int = 0
    letters: int = 0
    words: int = 0
    first: bool = True


FIRST_CAPITAL_NATS, CAPITAL_NATS, SMALL_NATS = math.log(0.6), math.log(0.15), math.log(0.85)


CAPITALS_BEGIN_NATS, CAPITALS_CONTINUE_NATS, SMALL_AFTER_CAPITALS_NATS, CAPITAL_AFTER_SMALL_NATS = (
    -3.0,
    -0.1,
    -4.0,
    -6.0,
)


@dataclass(frozen=True, slots=True)
class LanguageModel:
    """Swedish as the product knows it, perhaps with names that are expected. `capitals`: for a line
    that is in capitals.
    """

    general: Lexicon
    after: bytes
    step: float
    names: Lexicon = NO_NAMES
    shares: MixtureWeights = field(default_factory=MixtureWeights)
    capitals: bool = False

    def in_capitals(self) -> LanguageModel:
        """The same, as it is written in capitals throughout."""
        return replace(self, capitals=True)

    def with_names(self, names: Lexicon) -> LanguageModel:
        """The same, expecting these names."""
        return replace(self, names=names) if names is not self.names else self

    def extended(self, text: TextState, sign: str) -> TextState:
        """The text with one more sign."""
        code = LETTER_CODES.get(sign.lower())
        return self._letter(text, sign, code) if code else self._mark(text, sign)

    def value(self, text: TextState) -> float:
        """What a text counts beside the logarithm of its probability in the picture, its last word
        unfinished.
        """
        return (
            self.shares.weight * text.now
            + self.shares.letter * text.letters
            + self.shares.word * text.words
        )

    def closed(self, text: TextState) -> float:
        """As `value`, the last word being finished."""
        return self.value(self._closed(text)) if text.word else self.value(text)

    def knows(self, word: str) -> bool:
        """Whether a word is listed, a name, or put together of listed ones."""
        lower = word.lower()
        return (
            self.general.p(lower) > 0 or self.names.p(lower) > 0 or self.general.joined(lower) > 0
        )

    def _letter(self, text: TextState, sign: str, code: int) -> TextState:
        capital = sign.isupper()
        word = text.word + sign.lower()
        spelled = text.spelled + self._alone(text.word, code)
        s = self.shares
        p = self._known * self.general.beginning(word) + (s.unknown + s.joined) * math.exp(spelled)
        if self.names.words:
            p += s.names * self.names.beginning(word)
        done = text.done + (
            CAPITAL_LINE_NATS[capital] if self.capitals else _case_log_p(text, capital)
        )
        return TextState(
            done,
            done + math.log(max(p, MIN_P)),
            word,
            spelled,
            text.capitals + capital,
            text.letters + 1,
            text.words,
            text.first,
        )

    def _mark(self, text: TextState, sign: str) -> TextState:
        closed = self._closed(text) if text.word else text
        cost = MARK_NATS.get(sign, OTHER_MARK_NATS) + (0.0 if text.word else REPEATED_MARK_NATS)
        done = closed.done + cost
        return TextState(
            done,
            done,
            letters=closed.letters + 1,
            words=closed.words,
            first=text.first and not text.word,
        )

    def _closed(self, text: TextState) -> TextState:
        s = self.shares
        alone = math.exp(text.spelled + self._alone(text.word, EDGE_CODE))
        p = (
            self._known * self.general.p(text.word)
            + s.joined * self.general.joined(text.word)
            + s.unknown * alone
        )
        if self.names.words:
            p += s.names * self.names.p(text.word)
        done = text.done + math.log(max(p, MIN_P))
        return TextState(done, done, letters=text.letters, words=text.words + 1, first=False)

    @property
    def _known(self) -> float:
        s = self.shares
        return 1.0 - s.unknown - s.joined - (s.names if self.names.words else 0.0)

    def _alone(self, word: str, code: int) -> float:
        place = 0
        for letter in word[-3:]:
            place = place * LETTER_CODE_COUNT + LETTER_CODES[letter]
        return -self.step * self.after[place * LETTER_CODE_COUNT + code]


def capital_share(text: str) -> float:
    """The share of a text's letters that are capitals, 0…1."""
    letters = [sign for sign in text if sign.isalpha()]
    return sum(map(str.isupper, letters)) / max(1, len(letters))


def _case_log_p(text: TextState, capital: bool) -> float:
    """How likely a capital (or not) is at this place."""
    length = len(text.word)
    if not length:
        if text.first:
            return FIRST_CAPITAL_NATS if capital else FIRST_SMALL_NATS
        return CAPITAL_NATS if capital else SMALL_NATS
    if capital:
        return (
            (CAPITALS_BEGIN_NATS if length == 1 else CAPITALS_CONTINUE_NATS)
            if text.capitals == length
            else CAPITAL_AFTER_SMALL_NATS
        )
    return SMALL_AFTER_CAPITALS_NATS if text.capitals == length and length > 1 else 0.0


@lru_cache(maxsize=2)
def load_swedish(models: Path) -> LanguageModel:
    """What is known of Swedish, from the folder of models, loaded once a process.

    Raises:
        MissingProgramError: the file is missing or damaged.
    """
    try:
        with np.load(models / LANGUAGE_FILE) as held:
            words = held["words"].tobytes().decode().split("\n")
            step = float(held["step"])
            return LanguageModel(
                Lexicon(words, np.exp(-step * held["p"].astype(np.float64))),
                held["letters"].tobytes(),
                step,
            )
    except (OSError, ValueError, KeyError, BadZipFile) as error:
        raise MissingProgramError("known_swedish_words_data_models", file=LANGUAGE_FILE) from error


def load_learned_words() -> Lexicon:
    """The workspace's words; none before it has learned any.

    Raises:
        MissingProgramError: the file is damaged.
    """
    file = load_settings().workspace / "models" / LEARNED_WORDS_FILE
    return _load_lexicon(file, file.stat().st_mtime_ns) if file.is_file() else NO_NAMES


def load_word_counts(folder: Path) -> dict[str, int]:
    """On how many sheets each word stood that the workspace has learned; none before.

    Raises:
        MissingProgramError: the file is damaged.
    """
    file = folder / LEARNED_WORDS_FILE
    return _parse_counts(file) if file.is_file() else {}


def add_learned_words(names: Lexicon) -> Lexicon:
    """The names that are expected, and the words that were learned here.

    Raises:
        MissingProgramError: the file of words is damaged.
    """
    learned = load_learned_words()
    return merge_lexicons(names, learned) if learned.words else names


@lru_cache(maxsize=4)
def merge_lexicons(names: Lexicon, learned: Lexicon) -> Lexicon:
    """Names and learned words as they are expected together."""
    if not names.words:
        return learned
    share = {word: (1 - LEARNED_SHARE) * names.p(word) for word in names.words}
    for word in learned.words:
        share[word] = share.get(word, 0.0) + LEARNED_SHARE * learned.p(word)
    return Lexicon.of(share)


@lru_cache(maxsize=2)
def _load_lexicon(file: Path, changed: int) -> Lexicon:
    del changed
    return Lexicon.of({word: float(count) for word, count in _parse_counts(file).items()})


def _parse_counts(file: Path) -> dict[str, int]:
    try:
        counts = {
            str(word): int(count) for word, count in json.loads(file.read_text("utf-8")).items()
        }
        if min(counts.values(), default=1) < 1:
            raise ValueError("A word that was learned stood somewhere.")
        return counts
    except (OSError, ValueError, OverflowError, AttributeError, TypeError) as error:
        raise MissingProgramError("list_words_damaged", file=file) from error
