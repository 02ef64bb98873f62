"""One line's probabilities made into a reading: numbers as they are seen, words with the help of Swedish, fields with a format by its shape."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from pipeline.confidence import FORMAT_MISMATCH_MAX_P, SECOND_PASS_BELOW
from pipeline.field_spec import Format
from pipeline.model import Reading, State, Value
from pipeline.recognize.ctc import Transcript, decode, guided
from pipeline.recognize.language import Language, Written, capitals
from pipeline.recognize.network import ALPHABET, Steps
from pipeline.recognize.second_look import LONGEST, LookAgain, agreed, read_twice
from pipeline.recognize.text_grammar import shape_of
from pipeline.recognize.text_values import values_of
from pipeline.recognize.word_runs import DIGITS, Run, RunKind, path, runs

WORD_BEAMS, WORD_LEAST = 10, 5e-3
"""Twelve beams and fainter characters read 2 % fewer characters wrong in hard lines, and take three times as long."""
SHAPE_BEAMS = 12
"""Beginnings of a text that the search in a format keeps at each step."""
MOST = 5
"""Texts that are kept of a line."""
DASHES_P = 0.8
"""How surely a line is empty whose ink reads as dashes and dots only."""
NO_TEXT = frozenset("_-–—.,'·~ ")
MISSHAPEN = 1e-3
"""A text in the field's format that is this much less likely than what stands there is not what stands there."""
LEAST_SEEN = 1e-6
"""Least probability of a character, so that its logarithm is finite."""
FEWEST_LETTERS, MOSTLY_CAPITALS = 5, 0.6
"""A line of so many letters is in capitals if so many of them, as part of all, are."""
WORD = re.compile(r"[^\W\d_]{2,}")
DIGIT_COLUMNS = [ALPHABET.index(digit) + 1 for digit in DIGITS]


@dataclass(frozen=True, slots=True)
class SwedishText:
    """Guides the search by how likely a text is as Swedish. `first`: it stands at the beginning of the line."""

    language: Language
    first: bool

    def start(self) -> Written:
        """Nothing is written."""
        return Written(first=self.first)

    def extended(self, state: Written, sign: str) -> Written:
        """One more sign."""
        return self.language.extended(state, sign)

    def value(self, state: Written) -> float:
        """What the text counts so far."""
        return self.language.value(state)

    def closed(self, state: Written) -> float:
        """What it counts as a whole."""
        return self.language.closed(state)


def reading(steps: Steps, language: Language | None = None, form: Format | None = None, again: LookAgain | None = None) -> Reading:
    """The reading of one line. Without a language nothing but the picture counts; `again` looks once more at doubtful words and at numbers."""
    found = [_stripped(transcript) for transcript in transcripts(steps, language, None if form else again)]
    shaped = form and found[0].text and not NO_TEXT.issuperset(found[0].text)
    said = _shaped(steps, form, found[0], again) if form and shaped else _read(found)
    return replace(said, clarity=_clarity(steps), seen=found[0].seen, unknown=_unknown(said.value, language))


def _clarity(steps: Steps) -> float | None:
    """See `Reading.clarity`; it knows nothing of the language, whose part in a reading differs from text to text."""
    return float(np.log(np.maximum(steps.max(-1), LEAST_SEEN)).mean()) if len(steps) else None


def _unknown(text: Value, language: Language | None) -> int:
    """How many words of a text the language does not know; a single letter is none."""
    return sum(not language.knows(word) for word in WORD.findall(str(text or ""))) if language else 0


def transcripts(steps: Steps, language: Language | None = None, again: LookAgain | None = None) -> list[Transcript]:
    """The likeliest texts of a line, best first. Doubtful words and numbers are looked at `again`, which takes a language."""
    if language is None:
        return decode(steps, ALPHABET)
    language = language.in_capitals() if _is_in_capitals(steps) else language
    cut = runs(steps, ALPHABET, language.knows)
    if not cut:
        return [Transcript("", 1.0, (), 1.0)]
    parts = [_part(steps[run.start : run.end], run, language, again, first=not i) for i, run in enumerate(cut)]
    best = [part[0] for part in parts]
    whole = _joined(best, cut)
    others = (
        replace(_joined([*best[:i], other, *best[i + 1 :]], cut), p=whole.p * other.p / max(best[i].p, 1e-9))
        for i, part in enumerate(parts)
        for other in part[1:MOST]
    )
    return [whole, *sorted(others, key=lambda other: -other.p)[: MOST - 1]]


def _is_in_capitals(steps: Steps) -> bool:
    """Whether the likeliest path says that a line is in capitals."""
    text = "".join(ALPHABET[sign.column - 1] for sign in path(steps))
    return sum(map(str.isalpha, text)) >= FEWEST_LETTERS and capitals(text) >= MOSTLY_CAPITALS


def _part(steps: Steps, run: Run, language: Language, again: LookAgain | None, *, first: bool) -> list[Transcript]:
    if run.kind is RunKind.NUMBER:
        return _number(steps, again.at_number(run.start, run.end) if again else None)
    if run.kind is RunKind.SURE:
        return _path_of(steps)
    guide, words = SwedishText(language, first), _without_digits(steps)
    found = _guided(words, guide)
    if again and found and found[0].p < SECOND_PASS_BELOW and len(steps) <= LONGEST:
        more = [_without_digits(look) for look in again.at_word(run.start, run.end)]
        texts = [each.text for each in (*found, *(each for look in more for each in _guided(look, guide)))]
        found = agreed(texts, [words, *more], guide)
    return found or _path_of(steps)


def _number(steps: Steps, other: Steps | None) -> list[Transcript]:
    """A number as it is seen, and as another network sees it."""
    found = [found for found in map(_stripped, decode(steps, ALPHABET)) if found.text] or _path_of(steps)
    return found if other is None else read_twice(found, _stripped(decode(other, ALPHABET)[0]).text)


def _guided(steps: Steps, guide: SwedishText) -> list[Transcript]:
    return [text for text in map(_stripped, guided(steps, ALPHABET, WORD_BEAMS, guide, WORD_LEAST)) if text.text]


def _without_digits(steps: Steps) -> Steps:
    """In words digits are not possible."""
    words = steps.copy()
    words[:, DIGIT_COLUMNS] = 0.0
    return words


def _path_of(steps: Steps) -> list[Transcript]:
    signs = path(steps)
    p = float(np.asarray(steps).max(-1).prod()) if len(steps) else 1.0
    return [Transcript("".join(ALPHABET[sign.column - 1] for sign in signs), p, tuple(sign.p for sign in signs), p)]


def _joined(parts: Sequence[Transcript], cut: Sequence[Run]) -> Transcript:
    text, p, seen = "", 1.0, 1.0
    characters: tuple[float, ...] = ()
    for part, run in zip(parts, cut, strict=True):
        gap = " " if text and part.text else ""
        text += gap + part.text
        characters = (*characters, *(run.gap for _ in gap), *part.characters)
        p, seen = p * part.p * run.gap, seen * part.seen * run.gap
    return Transcript(text, p, characters, seen)


def _read(found: Sequence[Transcript]) -> Reading:
    best = found[0]
    if not best.text:
        return Reading(None, 0.5, State.ILLEGIBLE)
    if NO_TEXT.issuperset(best.text):
        return replace(Reading.empty(DASHES_P), alternatives=((best.text, 1.0 - DASHES_P),))
    others: dict[str, float] = {}
    for other in found[1:]:
        if other.text and other.text != best.text:
            others.setdefault(other.text, other.p)
    return Reading(best.text, best.p, State.READ, tuple(others.items()), best.characters)


def _shaped(steps: Steps, form: Format, free: Transcript, again: LookAgain | None) -> Reading:
    """The likeliest value in the format; what stands there with a low p if that is something else."""
    found = _in_shape(steps, form)
    if found and again:
        other = _in_shape(again.at_number(0, len(steps)), form)
        differ = other and values_of(form, other[0].text) != values_of(form, found[0].text)
        found = read_twice(found, other[0].text) if differ else found
    believed = min(1.0, found[0].seen / max(free.seen, 1e-9)) if found else 0.0
    values = (value for transcript in found for value in _in_format(replace(transcript, p=believed * transcript.p), form))
    fitting = sorted(values, key=lambda value: -value.p)
    if fitting and believed >= MISSHAPEN:
        return _read(fitting)
    plain = _read([free])
    return replace(
        plain,
        p=min(plain.p, FORMAT_MISMATCH_MAX_P),
        alternatives=tuple((value.text, FORMAT_MISMATCH_MAX_P * value.p) for value in fitting[: MOST - 1]),
    )


def _in_shape(steps: Steps, form: Format) -> list[Transcript]:
    return [_stripped(transcript) for transcript in guided(steps, ALPHABET, SHAPE_BEAMS, shape_of(form))]


def _in_format(transcript: Transcript, form: Format) -> list[Transcript]:
    """With each value that the text may stand for; a value written otherwise than the text has no characters of its own."""
    values = values_of(form, transcript.text)
    if values == (transcript.text,):
        return [transcript]
    return [replace(transcript, text=value, characters=(), p=transcript.p / len(values)) for value in values]


def _stripped(transcript: Transcript) -> Transcript:
    text = transcript.text
    start = len(text) - len(text.lstrip())
    end = len(text.rstrip())
    return replace(transcript, text=text[start:end], characters=transcript.characters[start:end])
