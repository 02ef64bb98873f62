"""One line's probabilities made into a reading: numbers as they are seen, words with the help of
Swedish, fields with a format by its shape.

A line's steps cut into runs: numbers, words that are surely read, and words that knowledge of
Swedish may help.

What is cut is the likeliest path (one symbol a step). A number is never shown to the language
model: any word with a digit, or whose signs might as well be digits, is a run of its own, and in
the other runs digits are not possible at all.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np

from pipeline.domain.confidence import CERTAIN_WORD_FROM, FORMAT_MISMATCH_MAX_P, SECOND_PASS_BELOW
from pipeline.domain.form.field import Format
from pipeline.domain.model import Reading, State, Value
from pipeline.reading.fields.handwriting.network import ALPHABET, Steps
from pipeline.reading.fields.handwriting.second_pass import (
    MAX_RUN_STEPS,
    SecondPass,
    combine_passes,
    merge_number_readings,
)
from pipeline.reading.language.ctc import Transcript, decode_ctc, decode_guided
from pipeline.reading.language.formats import format_guide, parse_values
from pipeline.reading.language.language_model import (
    LanguageModel,
    TextState,
    capital_share,
    split_letter_words,
)

DIGIT_CHARACTERS = "0123456789½"
MIN_DIGIT_P = 0.1
"""A sign that is a digit with this p counts as one …"""
MIN_DIGIT_SHARE = 0.5
"""… and a word with so many of them, as part of its signs, is a number."""
CERTAIN_GAP_P = 0.9
"""A gap with this p parts words for certain."""
SHAPE_BEAMS = 12
"""Beginnings of a text that the search in a format keeps at each step."""
MAX_TEXTS = 5
"""Texts that are kept of a line."""
DASHES_EMPTY_P = 0.8
"""How surely a line is empty whose ink reads as dashes and dots only."""
DASH_CHARACTERS = frozenset("_-–—.,'·~ ")
MISFIT_RATIO = 1e-3
"""A text in the field's format that is this much less likely than what stands there is not what
stands there.
"""
MIN_SEEN_P = 1e-6
"""Least probability of a character, so that its logarithm is finite."""
WORD_PATTERN = re.compile(r"[^\W\d_]{2,}")
DIGIT_COLUMNS = [ALPHABET.index(digit) + 1 for digit in DIGIT_CHARACTERS]


class RunKind(StrEnum):
    """How a run is read."""

    NUMBER = "number"
    SURE = "sure"
    WORDS = "words"


@dataclass(frozen=True, slots=True)
class StepRun:
    """Steps `start` to `end` of a line; `gap` is the p of the space before it (1 at the beginning)."""

    kind: RunKind
    start: int
    end: int
    gap: float = 1.0


@dataclass(frozen=True, slots=True)
class _Sign:
    """A symbol of the likeliest path, its steps and its highest p."""

    column: int
    start: int
    end: int
    p: float


@dataclass(frozen=True, slots=True)
class _Word:
    """Signs between two spaces, the steps from the one space to the other, and the p of the space
    before.
    """

    start: int
    end: int
    gap: float
    signs: list[_Sign]


def likeliest_signs(steps: Steps) -> list[_Sign]:
    """The likeliest path without pauses."""
    best = steps.argmax(-1)
    edges = np.flatnonzero(np.diff(best, prepend=-1, append=-1))
    if len(edges) < 2:
        return []
    columns, highest = (
        best[edges[:-1]].tolist(),
        np.maximum.reduceat(steps.max(-1), edges[:-1]).tolist(),
    )
    return [
        _Sign(column, a, b, p)
        for column, (a, b), p in zip(
            columns, itertools.pairwise(edges.tolist()), highest, strict=True
        )
        if column
    ]


def split_runs(steps: Steps, alphabet: str, known: Callable[[str], bool]) -> list[StepRun]:
    """The runs of a line, in order. Spaces between runs belong to none. Only `known` words are
    surely read: a network can be sure and wrong.
    """
    words = [
        word
        for word in _split_words(steps, likeliest_signs(steps), alphabet.index(" ") + 1)
        if word.signs
    ]
    digits = [alphabet.index(digit) + 1 for digit in DIGIT_CHARACTERS]
    as_digit = steps[:, digits].sum(-1)
    found: list[StepRun] = []
    for word in words:
        kind = _classify_word(steps, as_digit, word, alphabet, known)
        if found and _joins_previous(found[-1].kind, kind, word.gap):
            found[-1] = StepRun(RunKind.WORDS, found[-1].start, word.end, found[-1].gap)
        else:
            found.append(StepRun(kind, word.start, word.end, word.gap if found else 1.0))
    return found


def _joins_previous(before: RunKind, kind: RunKind, gap: float) -> bool:
    """Words are read together where the gap is doubtful, or where both are."""
    if RunKind.NUMBER in (before, kind):
        return False
    return gap < CERTAIN_GAP_P or before is kind is RunKind.WORDS


def _split_words(steps: Steps, signs: Sequence[_Sign], space: int) -> list[_Word]:
    """The words of the path."""
    found: list[_Word] = []
    start, gap, held = 0, 1.0, list[_Sign]()
    for sign in signs:
        if sign.column == space:
            found.append(_Word(start, sign.start, gap, held))
            start, gap, held = sign.end, sign.p, []
        else:
            held.append(sign)
    return [*found, _Word(start, len(steps), gap, held)]


def _classify_word(
    steps: Steps, as_digit: Steps, word: _Word, alphabet: str, known: Callable[[str], bool]
) -> RunKind:
    """What a word is; `as_digit` is the p of any digit at each step."""
    if any(alphabet[sign.column - 1] in DIGIT_CHARACTERS for sign in word.signs):
        return RunKind.NUMBER
    maybe = sum(float(as_digit[sign.start : sign.end].max()) >= MIN_DIGIT_P for sign in word.signs)
    if word.signs and maybe >= MIN_DIGIT_SHARE * len(word.signs):
        return RunKind.NUMBER
    text = "".join(alphabet[sign.column - 1] for sign in word.signs)
    sure = float(steps[word.start : word.end].max(-1).prod()) >= CERTAIN_WORD_FROM and all(
        known(part) for part in split_letter_words(text)
    )
    return RunKind.SURE if sure else RunKind.WORDS


WORD_BEAMS, WORD_MIN_P = 10, 5e-3
"""Twelve beams and fainter characters read 2 % fewer characters wrong in hard lines, and take three
times as long.
"""


MIN_CASE_LETTERS, MIN_CAPITAL_SHARE = 5, 0.6
"""A line of so many letters is in capitals if so many of them, as part of all, are."""


@dataclass(frozen=True, slots=True)
class SwedishGuide:
    """Guides the search by how likely a text is as Swedish. `first`: it stands at the beginning of
    the line.
    """

    language: LanguageModel
    first: bool

    def start(self) -> TextState:
        """Nothing is written."""
        return TextState(first=self.first)

    def extended(self, state: TextState, sign: str) -> TextState:
        """One more sign."""
        return self.language.extended(state, sign)

    def value(self, state: TextState) -> float:
        """What the text counts so far."""
        return self.language.value(state)

    def closed(self, state: TextState) -> float:
        """What it counts as a whole."""
        return self.language.closed(state)


def transcribe_line(
    steps: Steps,
    language: LanguageModel | None = None,
    form: Format | None = None,
    again: SecondPass | None = None,
) -> Reading:
    """The reading of one line. Without a language nothing but the picture counts; `again` looks
    once more at doubtful words and at numbers.
    """
    found = [
        _strip_transcript(transcript)
        for transcript in find_transcripts(steps, language, None if form else again)
    ]
    shaped = form and found[0].text and not DASH_CHARACTERS.issuperset(found[0].text)
    said = _read_formatted(steps, form, found[0], again) if form and shaped else _to_reading(found)
    return replace(
        said,
        sharpness=_sharpness(steps),
        image_only_p=found[0].seen,
        unknown_words=_count_unknown_words(said.value, language),
    )


def _sharpness(steps: Steps) -> float | None:
    """See `Reading.clarity`; it knows nothing of the language, whose part in a reading differs from
    text to text.
    """
    return float(np.log(np.maximum(steps.max(-1), MIN_SEEN_P)).mean()) if len(steps) else None


def _count_unknown_words(text: Value, language: LanguageModel | None) -> int:
    """How many words of a text the language does not know; a single letter is none."""
    return (
        sum(not language.knows(word) for word in WORD_PATTERN.findall(str(text or "")))
        if language
        else 0
    )


def find_transcripts(
    steps: Steps, language: LanguageModel | None = None, again: SecondPass | None = None
) -> list[Transcript]:
    """The likeliest texts of a line, best first. Doubtful words and numbers are looked at `again`,
    which takes a language.
    """
    if language is None:
        return decode_ctc(steps, ALPHABET)
    language = language.in_capitals() if _is_in_capitals(steps) else language
    cut = split_runs(steps, ALPHABET, language.knows)
    if not cut:
        return [Transcript("", 1.0, (), 1.0)]
    parts = [
        _transcribe_run(steps[run.start : run.end], run, language, again, first=not i)
        for i, run in enumerate(cut)
    ]
    best = [part[0] for part in parts]
    whole = _join_transcripts(best, cut)
    others = (
        replace(
            _join_transcripts([*best[:i], other, *best[i + 1 :]], cut),
            p=whole.p * other.p / max(best[i].p, 1e-9),
        )
        for i, part in enumerate(parts)
        for other in part[1:MAX_TEXTS]
    )
    return [whole, *sorted(others, key=lambda other: -other.p)[: MAX_TEXTS - 1]]


def _is_in_capitals(steps: Steps) -> bool:
    """Whether the likeliest path says that a line is in capitals."""
    text = "".join(ALPHABET[sign.column - 1] for sign in likeliest_signs(steps))
    return (
        sum(map(str.isalpha, text)) >= MIN_CASE_LETTERS and capital_share(text) >= MIN_CAPITAL_SHARE
    )


def _transcribe_run(
    steps: Steps, run: StepRun, language: LanguageModel, again: SecondPass | None, *, first: bool
) -> list[Transcript]:
    if run.kind is RunKind.NUMBER:
        return _transcribe_number(steps, again.at_number(run.start, run.end) if again else None)
    if run.kind is RunKind.SURE:
        return _likeliest_path(steps)
    guide, words = SwedishGuide(language, first), _exclude_digits(steps)
    found = _decode_words(words, guide)
    if again and found and found[0].p < SECOND_PASS_BELOW and len(steps) <= MAX_RUN_STEPS:
        more = [_exclude_digits(look) for look in again.at_word(run.start, run.end)]
        texts = [
            each.text
            for each in (*found, *(each for look in more for each in _decode_words(look, guide)))
        ]
        found = combine_passes(texts, [words, *more], guide)
    return found or _likeliest_path(steps)


def _transcribe_number(steps: Steps, other: Steps | None) -> list[Transcript]:
    """A number as it is seen, and as another network sees it."""
    found = [
        found for found in map(_strip_transcript, decode_ctc(steps, ALPHABET)) if found.text
    ] or _likeliest_path(steps)
    return (
        found
        if other is None
        else merge_number_readings(found, _strip_transcript(decode_ctc(other, ALPHABET)[0]).text)
    )


def _decode_words(steps: Steps, guide: SwedishGuide) -> list[Transcript]:
    return [
        text
        for text in map(
            _strip_transcript, decode_guided(steps, ALPHABET, WORD_BEAMS, guide, WORD_MIN_P)
        )
        if text.text
    ]


def _exclude_digits(steps: Steps) -> Steps:
    """In words digits are not possible."""
    words = steps.copy()
    words[:, DIGIT_COLUMNS] = 0.0
    return words


def _likeliest_path(steps: Steps) -> list[Transcript]:
    signs = likeliest_signs(steps)
    p = float(np.asarray(steps).max(-1).prod()) if len(steps) else 1.0
    return [
        Transcript(
            "".join(ALPHABET[sign.column - 1] for sign in signs),
            p,
            tuple(sign.p for sign in signs),
            p,
        )
    ]


def _join_transcripts(parts: Sequence[Transcript], cut: Sequence[StepRun]) -> Transcript:
    text, p, seen = "", 1.0, 1.0
    characters: tuple[float, ...] = ()
    for part, run in zip(parts, cut, strict=True):
        gap = " " if text and part.text else ""
        text += gap + part.text
        characters = (*characters, *(run.gap for _ in gap), *part.characters)
        p, seen = p * part.p * run.gap, seen * part.seen * run.gap
    return Transcript(text, p, characters, seen)


def _to_reading(found: Sequence[Transcript]) -> Reading:
    best = found[0]
    if not best.text:
        return Reading(None, 0.5, State.ILLEGIBLE)
    if DASH_CHARACTERS.issuperset(best.text):
        return replace(
            Reading.empty(DASHES_EMPTY_P), alternatives=((best.text, 1.0 - DASHES_EMPTY_P),)
        )
    others: dict[str, float] = {}
    for other in found[1:]:
        if other.text and other.text != best.text:
            others.setdefault(other.text, other.p)
    return Reading(best.text, best.p, State.READ, tuple(others.items()), best.characters)


def _read_formatted(
    steps: Steps, form: Format, free: Transcript, again: SecondPass | None
) -> Reading:
    """The likeliest value in the format; what stands there with a low p if that is something else."""
    found = _decode_formatted(steps, form)
    if found and again:
        other = _decode_formatted(again.at_number(0, len(steps)), form)
        differ = other and parse_values(form, other[0].text) != parse_values(form, found[0].text)
        found = merge_number_readings(found, other[0].text) if differ else found
    believed = min(1.0, found[0].seen / max(free.seen, 1e-9)) if found else 0.0
    values = (
        value
        for transcript in found
        for value in _expand_values(replace(transcript, p=believed * transcript.p), form)
    )
    fitting = sorted(values, key=lambda value: -value.p)
    if fitting and believed >= MISFIT_RATIO:
        return _to_reading(fitting)
    plain = _to_reading([free])
    return replace(
        plain,
        p=min(plain.p, FORMAT_MISMATCH_MAX_P),
        alternatives=tuple(
            (value.text, FORMAT_MISMATCH_MAX_P * value.p) for value in fitting[: MAX_TEXTS - 1]
        ),
    )


def _decode_formatted(steps: Steps, form: Format) -> list[Transcript]:
    return [
        _strip_transcript(transcript)
        for transcript in decode_guided(steps, ALPHABET, SHAPE_BEAMS, format_guide(form))
    ]


def _expand_values(transcript: Transcript, form: Format) -> list[Transcript]:
    """With each value that the text may stand for; a value written otherwise than the text has no
    characters of its own.
    """
    values = parse_values(form, transcript.text)
    if values == (transcript.text,):
        return [transcript]
    return [
        replace(transcript, text=value, characters=(), p=transcript.p / len(values))
        for value in values
    ]


def _strip_transcript(transcript: Transcript) -> Transcript:
    text = transcript.text
    start = len(text) - len(text.lstrip())
    end = len(text.rstrip())
    return replace(transcript, text=text[start:end], characters=transcript.characters[start:end])
