"""How likely a text is as Swedish, letter by letter: a mixture of known words, words put together, names of the registers, and letters alone.

A beginning of a word is as likely as all known words with it plus what letters alone say, so a word that nobody knows costs only its share of the
mixture and stays possible. Numbers are none of this model's business: it is never asked about them (see `transcription.py`).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple
from zipfile import BadZipFile

import numpy as np

from pipeline.errors import MissingProgramError
from pipeline.recognize.lexicon import LETTERS, NO_NAMES, Lexicon

FILE = "swedish.npz"
CODES = {letter: i for i, letter in enumerate(LETTERS, start=1)}
SIZE = len(LETTERS) + 1
EDGE = 0
LEAST_P = 1e-300
"""A filler of a hundred w and v in a row is no word at all; its logarithm has to be some number."""


@dataclass(frozen=True, slots=True)
class Shares:
    """How the mixture is made, and how much it counts beside the picture; chosen by `pipeline/training/decoding.py`.

    `weight` is what the model's logarithm counts; `letter` and `word` (nats) make up for long texts being unlikely as such.
    """

    joined: float = 0.1
    unknown: float = 0.05
    names: float = 0.1
    weight: float = 0.6
    letter: float = 2.0
    word: float = 0.0


class Written(NamedTuple):
    """A text so far: logarithms of its finished words and of all; of its last word the letters, their logarithm alone, and how many are capitals.

    `letters` counts signs, `words` finished words; `first`: no word is finished yet at the beginning of a line. (A tuple, since many are made.)
    """

    done: float = 0.0
    now: float = 0.0
    word: str = ""
    spelled: float = 0.0
    capitals: int = 0
    letters: int = 0
    words: int = 0
    first: bool = True


MARKS = {
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
OTHER_MARK = -8.0
AFTER_NONE = -3.0
"""A mark after a mark, not after a word."""
FIRST_CAPITAL, CAPITAL, SMALL = math.log(0.6), math.log(0.15), math.log(0.85)
FIRST_SMALL = math.log(0.4)
CAPITALS_BEGIN, CAPITALS_GO_ON, SMALL_AFTER_CAPITALS, CAPITAL_AFTER_SMALL = -3.0, -0.1, -4.0, -6.0
IN_CAPITALS = (math.log(0.02), math.log(0.98))
"""A small letter, and a capital, in a line that is in capitals."""


@dataclass(frozen=True, slots=True)
class Language:
    """Swedish as the product knows it, perhaps with names that are expected. `capitals`: for a line that is in capitals."""

    general: Lexicon
    after: bytes
    step: float
    names: Lexicon = NO_NAMES
    shares: Shares = field(default_factory=Shares)
    capitals: bool = False

    def in_capitals(self) -> Language:
        """The same, as it is written in capitals throughout."""
        return replace(self, capitals=True)

    def with_names(self, names: Lexicon) -> Language:
        """The same, expecting these names."""
        return replace(self, names=names) if names is not self.names else self

    def extended(self, text: Written, sign: str) -> Written:
        """The text with one more sign."""
        code = CODES.get(sign.lower())
        return self._letter(text, sign, code) if code else self._mark(text, sign)

    def value(self, text: Written) -> float:
        """What a text counts beside the logarithm of its probability in the picture, its last word unfinished."""
        return self.shares.weight * text.now + self.shares.letter * text.letters + self.shares.word * text.words

    def closed(self, text: Written) -> float:
        """As `value`, the last word being finished."""
        return self.value(self._closed(text)) if text.word else self.value(text)

    def knows(self, word: str) -> bool:
        """Whether a word is listed, a name, or put together of listed ones."""
        lower = word.lower()
        return self.general.p(lower) > 0 or self.names.p(lower) > 0 or self.general.joined(lower) > 0

    def _letter(self, text: Written, sign: str, code: int) -> Written:
        capital = sign.isupper()
        word = text.word + sign.lower()
        spelled = text.spelled + self._alone(text.word, code)
        s = self.shares
        p = self._known * self.general.beginning(word) + (s.unknown + s.joined) * math.exp(spelled)
        if self.names.words:
            p += s.names * self.names.beginning(word)
        done = text.done + (IN_CAPITALS[capital] if self.capitals else _case(text, capital))
        return Written(done, done + math.log(max(p, LEAST_P)), word, spelled, text.capitals + capital, text.letters + 1, text.words, text.first)

    def _mark(self, text: Written, sign: str) -> Written:
        closed = self._closed(text) if text.word else text
        cost = MARKS.get(sign, OTHER_MARK) + (0.0 if text.word else AFTER_NONE)
        done = closed.done + cost
        return Written(done, done, letters=closed.letters + 1, words=closed.words, first=text.first and not text.word)

    def _closed(self, text: Written) -> Written:
        s = self.shares
        alone = math.exp(text.spelled + self._alone(text.word, EDGE))
        p = self._known * self.general.p(text.word) + s.joined * self.general.joined(text.word) + s.unknown * alone
        if self.names.words:
            p += s.names * self.names.p(text.word)
        done = text.done + math.log(max(p, LEAST_P))
        return Written(done, done, letters=text.letters, words=text.words + 1, first=False)

    @property
    def _known(self) -> float:
        s = self.shares
        return 1.0 - s.unknown - s.joined - (s.names if self.names.words else 0.0)

    def _alone(self, word: str, code: int) -> float:
        place = 0
        for letter in word[-3:]:
            place = place * SIZE + CODES[letter]
        return -self.step * self.after[place * SIZE + code]


def capitals(text: str) -> float:
    """The share of a text's letters that are capitals, 0…1."""
    letters = [sign for sign in text if sign.isalpha()]
    return sum(map(str.isupper, letters)) / max(1, len(letters))


def _case(text: Written, capital: bool) -> float:
    """How likely a capital (or not) is at this place."""
    length = len(text.word)
    if not length:
        if text.first:
            return FIRST_CAPITAL if capital else FIRST_SMALL
        return CAPITAL if capital else SMALL
    if capital:
        return (CAPITALS_BEGIN if length == 1 else CAPITALS_GO_ON) if text.capitals == length else CAPITAL_AFTER_SMALL
    return SMALL_AFTER_CAPITALS if text.capitals == length and length > 1 else 0.0


@lru_cache(maxsize=2)
def swedish(models: Path) -> Language:
    """What is known of Swedish, from the folder of models, loaded once a process.

    Raises:
        MissingProgramError: the file is missing or damaged.
    """
    try:
        with np.load(models / FILE) as held:
            words = held["words"].tobytes().decode().split("\n")
            step = float(held["step"])
            return Language(Lexicon(words, np.exp(-step * held["p"].astype(np.float64))), held["letters"].tobytes(), step)
    except (OSError, ValueError, KeyError, BadZipFile) as error:
        raise MissingProgramError("known_swedish_words_data_models", file=FILE) from error
