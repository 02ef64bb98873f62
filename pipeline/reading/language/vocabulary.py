"""The words of care that come with the program, and which words must be read on paper.

A person is offered no number, dose, drug or name: one that is offered is taken too easily.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache

from rapidfuzz.distance import Levenshtein
from rapidfuzz.process import extractOne

from pipeline.domain.settings import ROOT

_FOLDER = ROOT / "data" / "vocabulary"
_DRUGS, _ABBREVIATIONS = "lakemedel", "forkortningar"
_CARE_WORD = re.compile(r"[a-zåäöéü]{3,}")
_MARKED_WORD = re.compile(r"(\W*)([^\W\d_]+(?:-[^\W\d_]+)*)(\W*)")
_SENTENCE_END = re.compile(r"[.!?:]\W*$")
_DOSE_WORD = re.compile(
    "noll|en|ett|två|tre|fyra|fem|sex|sju|åtta|nio|tio|elva|tolv|halv|halva|hel|hela|dubbel"
    "|mg|mcg|µg|g|kg|ml|cl|dl|l|mm|cm|ie|e|mmol|st|tabl|tablett|tabletter|kaps|dr|droppar"
)
"""Words of a number or a dose."""
_MIN_NEAR_LENGTH = 6
"""A word of so many letters that differs from a drug in one of them may be that drug."""


@cache
def load_vocabulary(*subjects: str) -> tuple[str, ...]:
    """Return the words of these files of `data/vocabulary`, of all if none is named, sorted."""
    files = [_FOLDER / f"{subject}.txt" for subject in subjects] or _FOLDER.glob("*.txt")
    lines = [line for file in files for line in file.read_text("utf-8").splitlines()]
    return tuple(sorted({w for line in lines if not line.startswith("#") for w in line.split()}))


@cache
def care_words() -> tuple[str, ...]:
    """Return the words of care that may be offered, in small letters, sorted."""
    subjects = {file.stem for file in _FOLDER.glob("*.txt")} - {_DRUGS, _ABBREVIATIONS}
    return tuple(
        word
        for word in load_vocabulary(*sorted(subjects))
        if _CARE_WORD.fullmatch(word) and may_be_offered(word, "")
    )


def bare_word(text: str) -> str:
    """Return a word in small letters without the marks around it; "" if it has no letters alone."""
    match = _MARKED_WORD.fullmatch(text)
    return match[2].lower() if match else ""


def is_drug(word: str) -> bool:
    """Return whether a word in small letters is a drug, begins with one, or may be one misread."""
    drugs = _drugs()
    return word.startswith(drugs) or (
        len(word) >= _MIN_NEAR_LENGTH
        and extractOne(word, drugs, scorer=Levenshtein.distance, score_cutoff=1) is not None
    )


@cache
def _drugs() -> tuple[str, ...]:
    return tuple(sorted({word.lower() for word in load_vocabulary(_DRUGS)}))


def may_be_offered(word: str, before: str, others: Sequence[str] = ()) -> bool:
    """Return whether a word of a text can be no number, dose, drug or name.

    `before` is the word before it on its line, "" if it is the first; `others` are words in small
    letters that may be written there instead.
    """
    bare = bare_word(word)
    if not bare or any(sign.isdigit() for sign in before):
        return False
    # A capital within a sentence begins a name.
    is_name = not word.islower() and before and not _SENTENCE_END.search(before)
    return not is_name and not any(
        _DOSE_WORD.fullmatch(each) or is_drug(each) for each in (bare, *others)
    )
