"""The words of care that come with the program, and which words must be read on paper.

A person is offered no number, dose, drug or name: what is offered is taken too easily.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache

from rapidfuzz.distance import Levenshtein
from rapidfuzz.process import extractOne

from pipeline.domain.settings import ROOT

_FOLDER = ROOT / "data" / "vocabulary"
_MIN_LETTERS, _MIN_NEAR_LETTERS = 3, 6
"""Letters of a word that is offered, and of one that may be a drug with another letter."""
_MARKED_WORD = re.compile(r"\W*([^\W\d_]+(?:-[^\W\d_]+)*)\W*")
_DOSE_WORD = re.compile(
    "noll|en|ett|två|tre|fyra|fem|sex|sju|åtta|nio|tio|elva|tolv|halv|halva|hel|hela|dubbel"
    "|mg|mcg|µg|g|kg|ml|cl|dl|l|mm|cm|ie|e|mmol|st|tabl|tablett|tabletter|kaps|dr|droppar"
)


@cache
def load_vocabulary(subject: str = "*") -> tuple[str, ...]:
    """Return the words of a file of `data/vocabulary`, of all if none is named, sorted."""
    files = _FOLDER.glob(f"{subject}.txt")
    lines = [line for file in files for line in file.read_text("utf-8").splitlines()]
    return tuple(sorted({w for line in lines if not line.startswith("#") for w in line.split()}))


@cache
def _drugs() -> tuple[str, ...]:
    return tuple({word.lower() for word in load_vocabulary("lakemedel")})


@cache
def care_words() -> tuple[str, ...]:
    """Return the words of care that may be offered, in small letters, sorted."""
    words = set(load_vocabulary()).difference(load_vocabulary("forkortningar"))
    return tuple(
        word
        for word in sorted(words)
        if word.islower()
        and word.isalpha()
        and len(word) >= _MIN_LETTERS
        and may_be_offered(word, "")
    )


def bare_word(text: str) -> str:
    """Return a word in small letters without the marks around it; "" if it has other signs."""
    match = _MARKED_WORD.fullmatch(text)
    return match[1].lower() if match else ""


def may_be_offered(word: str, before: str, others: Sequence[str] = ()) -> bool:
    """Return whether a word of a text can be no number, dose, drug or name.

    `before` is the word before it on its line, "" if it is the first; `others` are words in small
    letters that may be written there instead.
    """
    # A capital within a sentence begins a name; what follows a number belongs to it.
    is_name = not word.islower() and before[-1:] not in ".!?:"
    if is_name or not bare_word(word) or any(sign.isdigit() for sign in before):
        return False
    # A drug may have an ending, or be read with one letter wrong.
    return not any(
        _DOSE_WORD.fullmatch(each)
        or each.startswith(_drugs())
        or (
            len(each) >= _MIN_NEAR_LETTERS
            and extractOne(each, _drugs(), scorer=Levenshtein.distance, score_cutoff=1)
        )
        for each in (bare_word(word), *others)
    )
