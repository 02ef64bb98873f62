"""The Swedish language model: how likely a text is, character by character.

It is a mixture of known words, compounds, names of the registers, and letters alone. A prefix of a
word is as likely as all known words that begin so, plus what letters alone say, so an unknown word
costs only its share of the mixture and stays possible. Numbers are never given to this model (see
`transcription`). Everything is lower case. Swedish joins words: `sår` + `omläggning`, `läkemedel` +
`s` + `lista`, `flick(a)` + `skola`, `kvinn(a)` + `o` + `jour` (Svenska Akademiens grammatik, vol.
2, ch. 1). Words that the workspace has learned from confirmed texts (see
`pipeline/operations/learning/words.py`) are expected together with the registers' names.
"""

from __future__ import annotations

import json
import math
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from pipeline.domain.errors import MissingProgramError
from pipeline.domain.settings import load_settings

LOWERCASE_LETTERS = "abcdefghijklmnopqrstuvwxyzåäöéü"
"""Letters of words; anything else ends a word."""
MIN_PART_LENGTH = 3
"""Least letters of each part of a compound."""
LAST_CHARACTER = "\uffff"
"""A character that sorts after all letters."""
JOINING_S_P = 0.35
"""Probability of a joining s relative to none, about as in the care vocabulary."""
CHANGED_VOWEL_P = 0.1
"""Probability of a compound's first part whose last vowel changes."""
CACHE_SIZE = 100_000
"""Prefixes whose probability is cached."""
LANGUAGE_FILE = "swedish.npz"
LETTER_CODES = {letter: i for i, letter in enumerate(LOWERCASE_LETTERS, start=1)}
LETTER_CODE_COUNT = len(LOWERCASE_LETTERS) + 1
EDGE_CODE = 0
MIN_P = 1e-300
"""Least probability of a text, so that its logarithm is finite.

A filler such as a hundred w and v in a row is no word at all.
"""
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
"""Log probability of the mark after a word in care notes; any other is `OTHER_MARK_NATS`."""
OTHER_MARK_NATS = -8.0
REPEATED_MARK_NATS = -3.0
"""Added for a mark after a mark, not after a word."""
FIRST_SMALL_NATS = math.log(0.4)
"""Log probability of a small first letter on a line."""
CAPITAL_LINE_NATS = (math.log(0.02), math.log(0.98))
"""Log probability of a small letter and of a capital on a line in capitals."""
NAME_NATS = (math.log(0.05), math.log(0.95))
"""Log probability of a small first letter and of a capital in a person's name: `Anna von Essen`."""
NAME_SHARE = 0.3
"""How likely a word that is a name is relative to its share of all names, as `word_p` says."""
LEARNED_WORDS_FILE = "words.json"
LEARNED_SHARE = 0.5
"""Share of learned words when they are merged with names."""
FIRST_CAPITAL_NATS, CAPITAL_NATS, SMALL_NATS = math.log(0.6), math.log(0.15), math.log(0.85)
CAPITALS_BEGIN_NATS, CAPITALS_CONTINUE_NATS, SMALL_AFTER_CAPITALS_NATS, CAPITAL_AFTER_SMALL_NATS = (
    -3.0,
    -0.1,
    -4.0,
    -6.0,
)


class Lexicon:
    """Words with probabilities that add up to 1."""

    def __init__(self, words: list[str], p: NDArray[np.float64]) -> None:
        """Take `words` sorted and lower case, and `p`, their weights (any scale above 0)."""
        # Prefix sums of sorted words give the probability of any prefix by two look-ups.
        self.words = words
        self._p = p / p.sum() if len(p) else p
        self._cumulative: list[float] = np.concatenate([[0.0], np.cumsum(self._p)]).tolist()
        # Compounds count the square roots of probabilities, normalized here.
        roots = np.sqrt(self._p)
        self._part_scale = 1.0 / float(roots.sum()) if len(p) else 0.0
        self.prefix_p = lru_cache(maxsize=CACHE_SIZE)(self._prefix_p)
        self.compound_p = lru_cache(maxsize=CACHE_SIZE)(self._compound_p)

    @classmethod
    def of(cls, weights: Mapping[str, float]) -> Lexicon:
        """Make a lexicon of words with weights; a word may have letters only."""
        words = sorted(weights)
        return cls(words, np.array([weights[word] for word in words], np.float64))

    @classmethod
    def of_names(cls, texts: Iterable[str]) -> Lexicon:
        """Make a lexicon of the words of names and addresses, weighed by how often they occur."""
        counts: dict[str, float] = {}
        for text in texts:
            for word in split_letter_words(text):
                counts[word] = counts.get(word, 0.0) + 1.0
        return cls.of(counts)

    def p(self, word: str) -> float:
        """Return the probability of a word; 0 if it is not known."""
        index = bisect_left(self.words, word)
        return (
            float(self._p[index]) if index < len(self.words) and self.words[index] == word else 0.0
        )

    def _prefix_p(self, prefix: str) -> float:
        """Return the probability of all words with a prefix."""
        first = bisect_left(self.words, prefix)
        # Words are sorted: those with the prefix are consecutive.
        last = bisect_right(self.words, prefix + LAST_CHARACTER, lo=first)
        return self._cumulative[last] - self._cumulative[first]

    def _compound_p(self, word: str) -> float:
        """Return the probability of a word as two or three known parts.

        Parts count by the square root of their probability.
        """
        total = 0.0
        # Try every place at which a first part may end.
        for cut in range(MIN_PART_LENGTH, len(word) - MIN_PART_LENGTH + 1):
            last_p = self._last_part_p(word[cut:])
            if last_p:
                total += self._first_part_p(word[:cut]) * last_p
        return total

    def _last_part_p(self, word: str) -> float:
        """Return the probability of a last part, which may be a compound itself."""
        part_p = self._part_p(word)
        return part_p or (self.compound_p(word) if len(word) > 2 * MIN_PART_LENGTH else 0.0)

    def _first_part_p(self, word: str) -> float:
        """Return the probability of a first part, with its joining letter or changed vowel."""
        # The part as it is, with a joining s, or with a changed vowel.
        p = self._part_p(word)
        if word.endswith("s"):
            p += JOINING_S_P * self._part_p(word[:-1])
        if word[-1] in "ou":
            p += CHANGED_VOWEL_P * self._part_p(word[:-1] + "a")
        return p or CHANGED_VOWEL_P * (self._part_p(word + "a") + self._part_p(word + "e"))

    def _part_p(self, word: str) -> float:
        return self.p(word) ** 0.5 * self._part_scale if len(word) >= MIN_PART_LENGTH else 0.0


NO_NAMES = Lexicon.of({})
"""An empty lexicon."""


def split_letter_words(text: str) -> list[str]:
    """Return the runs of letters of a text, lower case."""
    return "".join(c if c in LOWERCASE_LETTERS else " " for c in text.lower()).split()


@dataclass(frozen=True, slots=True)
class MixtureWeights:
    """Shares of the mixture and its weight relative to the image.

    Chosen by `research/training/language_model/tune_decoding.py`. `weight` is the factor of the
    model's logarithm; `letter` and `word` (nats) compensate that long texts are unlikely as
    such.
    """

    joined: float = 0.1
    unknown: float = 0.05
    names: float = 0.1
    weight: float = 0.6
    letter: float = 2.0
    word: float = 0.0


class TextState(NamedTuple):
    """A text so far.

    `log_finished` is the log probability of its finished words, `log_total` that of all of it.
    Of its last word, `word` has the letters, `log_spelled` their log probability alone, and
    `capitals` counts capitals. `letters` counts characters, `words` finished words; `first`: no
    word is finished yet at the beginning of a line. (A tuple is quicker to make than a
    dataclass.)
    """

    log_finished: float = 0.0
    log_total: float = 0.0
    word: str = ""
    log_spelled: float = 0.0
    capitals: int = 0
    letters: int = 0
    words: int = 0
    first: bool = True


@dataclass(frozen=True, slots=True)
class LanguageModel:
    """Swedish as the product knows it, optionally with expected names.

    `letter_costs` holds the cost of a letter after three others, in units of `cost_unit` nats.
    `capitals` is for a line in capitals, `person` for a line that is a person's name, `first` for
    a text at the beginning of a line. It guides the search of `ctc`.
    """

    general: Lexicon
    letter_costs: bytes
    cost_unit: float
    names: Lexicon = NO_NAMES
    shares: MixtureWeights = field(default_factory=MixtureWeights)
    capitals: bool = False
    person: bool = False
    first: bool = True

    def start(self) -> TextState:
        """Return the state of an empty text."""
        return TextState(first=self.first)

    def extended(self, state: TextState, character: str) -> TextState:
        """Return the text with one more character."""
        code = LETTER_CODES.get(character.lower())
        return (
            self._add_letter(state, character, code) if code else self._add_mark(state, character)
        )

    def value(self, state: TextState) -> float:
        """Return what a text adds to the logarithm of its probability in the image.

        Its last word is unfinished.
        """
        return (
            self.shares.weight * state.log_total
            + self.shares.letter * state.letters
            + self.shares.word * state.words
        )

    def closed(self, state: TextState) -> float:
        """Return the same with the last word finished."""
        return self.value(self._finish_word(state)) if state.word else self.value(state)

    def knows(self, word: str) -> bool:
        """Check whether a word is listed, a name, or a compound of listed words."""
        lower = word.lower()
        return (
            self.general.p(lower) > 0
            or self.names.p(lower) > 0
            or self.general.compound_p(lower) > 0
        )

    def word_p(self, word: str) -> float:
        """Return how likely a word is: listed, a compound of listed words, or a name."""
        lower = word.lower()
        return max(
            self.general.p(lower), self.general.compound_p(lower), NAME_SHARE * self.names.p(lower)
        )

    def _add_letter(self, state: TextState, character: str, code: int) -> TextState:
        is_capital = character.isupper()
        word = state.word + character.lower()
        log_spelled = state.log_spelled + self._spelling_log_p(state.word, code)
        shares = self.shares
        # Mixture of known words with this prefix, letters alone, and names.
        p = self._known_share * self.general.prefix_p(word) + (
            shares.unknown + shares.joined
        ) * math.exp(log_spelled)
        if self.names.words:
            p += shares.names * self.names.prefix_p(word)
        log_finished = state.log_finished + (
            CAPITAL_LINE_NATS[is_capital]
            if self.capitals
            else _case_log_p(state, is_capital, person=self.person)
        )
        return TextState(
            log_finished,
            log_finished + math.log(max(p, MIN_P)),
            word,
            log_spelled,
            state.capitals + is_capital,
            state.letters + 1,
            state.words,
            state.first,
        )

    def _add_mark(self, state: TextState, character: str) -> TextState:
        # Close the word before the mark.
        closed = self._finish_word(state) if state.word else state
        # A mark ends the word; what comes next begins a new one.
        cost = MARK_NATS.get(character, OTHER_MARK_NATS) + (
            0.0 if state.word else REPEATED_MARK_NATS
        )
        log_finished = closed.log_finished + cost
        return TextState(
            log_finished,
            log_finished,
            letters=closed.letters + 1,
            words=closed.words,
            first=state.first and not state.word,
        )

    def _finish_word(self, state: TextState) -> TextState:
        shares = self.shares
        # Mixture of known words, compounds, letters alone, and names.
        spelled_p = math.exp(state.log_spelled + self._spelling_log_p(state.word, EDGE_CODE))
        p = (
            self._known_share * self.general.p(state.word)
            + shares.joined * self.general.compound_p(state.word)
            + shares.unknown * spelled_p
        )
        if self.names.words:
            p += shares.names * self.names.p(state.word)
        log_finished = state.log_finished + math.log(max(p, MIN_P))
        return TextState(
            log_finished, log_finished, letters=state.letters, words=state.words + 1, first=False
        )

    @property
    def _known_share(self) -> float:
        shares = self.shares
        return 1.0 - shares.unknown - shares.joined - (shares.names if self.names.words else 0.0)

    def _spelling_log_p(self, word: str, code: int) -> float:
        """Return the log probability of a letter (or the word's end) after a word's last three."""
        # The last three letters, as digits of a number, index the table of costs.
        context = 0
        for letter in word[-3:]:
            context = context * LETTER_CODE_COUNT + LETTER_CODES[letter]
        return -self.cost_unit * self.letter_costs[context * LETTER_CODE_COUNT + code]


def capital_share(text: str) -> float:
    """Return the share of a text's letters that are capitals, 0…1."""
    letters = [character for character in text if character.isalpha()]
    return sum(map(str.isupper, letters)) / max(1, len(letters))


def _case_log_p(state: TextState, is_capital: bool, *, person: bool) -> float:
    """Return the log probability of a capital (or a small letter) at this place."""
    length = len(state.word)
    # First letter of a word.
    if not length:
        if person:
            return NAME_NATS[is_capital]
        if state.first:
            return FIRST_CAPITAL_NATS if is_capital else FIRST_SMALL_NATS
        return CAPITAL_NATS if is_capital else SMALL_NATS
    # Within a word, capitals follow capitals.
    if is_capital:
        return (
            (CAPITALS_BEGIN_NATS if length == 1 else CAPITALS_CONTINUE_NATS)
            if state.capitals == length
            else CAPITAL_AFTER_SMALL_NATS
        )
    return SMALL_AFTER_CAPITALS_NATS if state.capitals == length and length > 1 else 0.0


@lru_cache(maxsize=2)
def load_swedish(models: Path) -> LanguageModel:
    """Load the language model from the folder of models, once per process.

    Raises:
        MissingProgramError: the file is missing or damaged.
    """
    try:
        with np.load(models / LANGUAGE_FILE) as arrays:
            words = arrays["words"].tobytes().decode().split("\n")
            cost_unit = float(arrays["step"])
            return LanguageModel(
                Lexicon(words, np.exp(-cost_unit * arrays["p"].astype(np.float64))),
                arrays["letters"].tobytes(),
                cost_unit,
            )
    except (OSError, ValueError, KeyError, BadZipFile) as error:
        raise MissingProgramError("language_model_damaged", file=LANGUAGE_FILE) from error


def load_learned_words() -> Lexicon:
    """Return the words that the workspace has learned; none before it has learned any.

    Raises:
        MissingProgramError: the file is damaged.
    """
    file = load_settings().workspace / "models" / LEARNED_WORDS_FILE
    return _load_lexicon(file, file.stat().st_mtime_ns) if file.is_file() else NO_NAMES


def load_word_counts(folder: Path) -> dict[str, int]:
    """Return the number of sheets on which each learned word was; none before any was learned.

    Raises:
        MissingProgramError: the file is damaged.
    """
    file = folder / LEARNED_WORDS_FILE
    return _parse_counts(file) if file.is_file() else {}


def add_learned_words(names: Lexicon) -> Lexicon:
    """Return the expected names together with the learned words.

    Raises:
        MissingProgramError: the file of words is damaged.
    """
    learned = load_learned_words()
    return merge_lexicons(names, learned) if learned.words else names


@lru_cache(maxsize=4)
def merge_lexicons(names: Lexicon, learned: Lexicon) -> Lexicon:
    """Merge names and learned words into one lexicon."""
    if not names.words:
        return learned
    # Each list gives its share of the probability.
    shares = {word: (1 - LEARNED_SHARE) * names.p(word) for word in names.words}
    for word in learned.words:
        shares[word] = shares.get(word, 0.0) + LEARNED_SHARE * learned.p(word)
    return Lexicon.of(shares)


@lru_cache(maxsize=2)
def _load_lexicon(file: Path, modified_ns: int) -> Lexicon:
    del modified_ns
    return Lexicon.of({word: float(count) for word, count in _parse_counts(file).items()})


def _parse_counts(file: Path) -> dict[str, int]:
    try:
        counts = {
            str(word): int(count) for word, count in json.loads(file.read_text("utf-8")).items()
        }
        if min(counts.values(), default=1) < 1:
            raise ValueError("The count of a learned word is at least 1.")
        return counts
    except (OSError, ValueError, OverflowError, AttributeError, TypeError) as error:
        raise MissingProgramError("word_list_damaged", file=file) from error
