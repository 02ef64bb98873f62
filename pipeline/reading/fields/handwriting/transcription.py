"""Transcribe one line: numbers by the image alone, words with the language model, fields by format.

The likeliest path (one symbol per time step) is split into runs: numbers, words that are certain,
and words that the language model may help. A number is never given to the language model: any word
with a digit, or whose characters might as well be digits, is a run of its own, and in the other
runs digits are not possible at all.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from pipeline.domain.form.confidence import FORMAT_MISMATCH_MAX_P, SECOND_PASS_BELOW
from pipeline.domain.form.field import Format
from pipeline.domain.model import Reading, State, Value
from pipeline.reading.fields.handwriting.network import ALPHABET, Steps
from pipeline.reading.fields.handwriting.second_pass import (
    MAX_RUN_STEPS,
    SecondPass,
    combine_passes,
    merge_number_readings,
)
from pipeline.reading.fields.handwriting.word_boxes import (
    DIGIT_CHARACTERS,
    RunKind,
    StepRun,
    find_other_words,
    likeliest_signs,
    split_runs,
)
from pipeline.reading.language.ctc import Transcript, decode_ctc, decode_guided
from pipeline.reading.language.formats import (
    format_guide,
    is_same_value,
    parse_values,
    weigh_unlisted,
    weigh_value,
)
from pipeline.reading.language.language_model import (
    LanguageModel,
    capital_share,
)

SHAPE_BEAMS = 12
"""Prefixes that the search in a format keeps at each time step."""
MAX_TEXTS = 5
"""Texts that are kept of a line."""
DASHES_EMPTY_P = 0.8
"""Probability that a line is empty whose ink reads as dashes and dots only."""
DASH_CHARACTERS = frozenset("_-–—.,'·~ ")
MISFIT_RATIO = 1e-3
"""A text in the field's format is rejected if it is this much less likely than the free text."""
MIN_SEEN_P = 1e-6
"""Least probability of a character, so that its logarithm is finite."""
WORD_PATTERN = re.compile(r"[^\W\d_]{2,}")
"""Words that the language may know or not; single letters do not count."""
LEAST_WORD_P, NUMBER_P = 1e-13, 1e-6
"""The lowest probability of a word, and that of any number, that calibration gets to see."""
DIGIT_COLUMNS = [ALPHABET.index(digit) + 1 for digit in DIGIT_CHARACTERS]
"""Columns of the network's output that are digits."""
WORD_BEAMS, WORD_MIN_P = 10, 5e-3
"""Prefixes of the search for words, and least probability of a character.

Twelve beams and fainter characters read 2 % fewer characters wrong on hard lines, but take three
times as long.
"""
MIN_CASE_LETTERS, MIN_CAPITAL_SHARE = 5, 0.6
"""A line with this many letters, and this share of capitals, is in capitals."""


def transcribe_line(
    steps: Steps,
    language: LanguageModel | None = None,
    value_format: Format | None = None,
    second_pass: SecondPass | None = None,
) -> Reading:
    """Read one line.

    Without a language only the image counts. `second_pass` reads uncertain words and numbers
    again.
    """
    transcripts = [
        _strip_transcript(transcript)
        for transcript in find_transcripts(steps, language, None if value_format else second_pass)
    ]
    # Dashes and empty lines are no value of a format.
    has_format = (
        value_format and transcripts[0].text and not DASH_CHARACTERS.issuperset(transcripts[0].text)
    )
    reading = (
        _read_formatted(steps, value_format, transcripts[0], second_pass)
        if value_format and has_format
        else replace(_to_reading(transcripts), image_only_p=transcripts[0].image_p)
    )
    return replace(
        reading,
        sharpness=float(np.log(np.maximum(steps.max(-1), MIN_SEEN_P)).mean())
        if len(steps)
        else None,
        unknown_words=_count_unknown_words(reading.value, language),
        least_word_p=_least_word_p(reading.value, language),
        other_words=transcripts[0].other_words,
    )


def _count_unknown_words(text: Value, language: LanguageModel | None) -> int:
    """Return the number of words that the language does not know; single letters do not count."""
    return (
        sum(not language.knows(word) for word in WORD_PATTERN.findall(str(text or "")))
        if language
        else 0
    )


def _least_word_p(value: Value, language: LanguageModel | None) -> float:
    """Return `Reading.least_word_p`.

    Of compounds that nobody uses (`löd` + `gren`) the language knows very many, so that it matters
    how likely a word is. A number is about as likely as such a compound: nothing tells it from one
    that is misread.
    """
    if language is None:
        return 1.0
    found = [1.0]
    for part in str(value or "").split():
        found += [max(language.word_p(word), LEAST_WORD_P) for word in WORD_PATTERN.findall(part)]
        if any(character.isdigit() for character in part):
            found.append(NUMBER_P)
    return min(found)


def find_transcripts(
    steps: Steps, language: LanguageModel | None = None, second_pass: SecondPass | None = None
) -> list[Transcript]:
    """Return the likeliest texts of a line, best first.

    `second_pass` reads uncertain words and numbers again, which needs a language.
    """
    if language is None:
        return decode_ctc(steps, ALPHABET)
    language = replace(language, capitals=True) if _is_in_capitals(steps) else language
    runs = split_runs(steps, ALPHABET, language.knows)
    if not runs:
        return [Transcript("", 1.0, (), 1.0)]
    run_transcripts = [
        _transcribe_run(steps[run.start : run.end], run, language, second_pass, first=not i)
        for i, run in enumerate(runs)
    ]
    best = [alternatives[0] for alternatives in run_transcripts]
    line = replace(_join_transcripts(best, runs), other_words=find_other_words(run_transcripts))
    # Other texts of the line differ from the best in one run.
    others = (
        replace(
            _join_transcripts([*best[:i], other, *best[i + 1 :]], runs),
            p=line.p * other.p / max(best[i].p, 1e-9),
        )
        for i, alternatives in enumerate(run_transcripts)
        for other in alternatives[1:MAX_TEXTS]
    )
    return [line, *sorted(others, key=lambda other: -other.p)[: MAX_TEXTS - 1]]


def _is_in_capitals(steps: Steps) -> bool:
    """Check whether the likeliest path says that a line is in capitals."""
    # The likeliest path, which needs no language model.
    text = "".join(ALPHABET[symbol.column - 1] for symbol in likeliest_signs(steps))
    return (
        sum(map(str.isalpha, text)) >= MIN_CASE_LETTERS and capital_share(text) >= MIN_CAPITAL_SHARE
    )


def _transcribe_run(
    steps: Steps,
    run: StepRun,
    language: LanguageModel,
    second_pass: SecondPass | None,
    *,
    first: bool,
) -> list[Transcript]:
    """Return the likeliest texts of a run; `first`: it is at the beginning of the line."""
    if run.kind is RunKind.NUMBER:
        return _transcribe_number(
            steps, second_pass.at_number(run.start, run.end) if second_pass else None
        )
    if run.kind is RunKind.CERTAIN:
        return _likeliest_path(steps)
    # Words: with the language model, and without digits.
    guide, without_digits = replace(language, first=first), _exclude_digits(steps)
    transcripts = _decode_words(without_digits, guide)
    # Read uncertain words again in other versions of the image.
    if (
        second_pass
        and transcripts
        and transcripts[0].p < SECOND_PASS_BELOW
        and len(steps) <= MAX_RUN_STEPS
    ):
        further_passes = [
            _exclude_digits(further_pass)
            for further_pass in second_pass.at_word(run.start, run.end)
        ]
        texts = [transcript.text for transcript in transcripts]
        for further_pass in further_passes:
            texts += [transcript.text for transcript in _decode_words(further_pass, guide)]
        transcripts = combine_passes(texts, [without_digits, *further_passes], guide)
    return transcripts or _likeliest_path(steps)


def _transcribe_number(steps: Steps, second_steps: Steps | None) -> list[Transcript]:
    """Read a number by the image, and by another network."""
    # Numbers have no language: only the image is decoded.
    transcripts = [
        transcript
        for transcript in map(_strip_transcript, decode_ctc(steps, ALPHABET))
        if transcript.text
    ] or _likeliest_path(steps)
    return (
        transcripts
        if second_steps is None
        else merge_number_readings(
            transcripts, _strip_transcript(decode_ctc(second_steps, ALPHABET)[0]).text
        )
    )


def _decode_words(steps: Steps, guide: LanguageModel) -> list[Transcript]:
    return [
        transcript
        for transcript in map(
            _strip_transcript, decode_guided(steps, ALPHABET, WORD_BEAMS, guide, WORD_MIN_P)
        )
        if transcript.text
    ]


def _exclude_digits(steps: Steps) -> Steps:
    """Return the time steps without digits, which words cannot have."""
    # Words hold no digits, so their probability is removed.
    without_digits = steps.copy()
    without_digits[:, DIGIT_COLUMNS] = 0.0
    return without_digits


def _likeliest_path(steps: Steps) -> list[Transcript]:
    """Return the text of the likeliest path, without a search."""
    symbols = likeliest_signs(steps)
    # Product of the highest probabilities, as the path is one alignment.
    p = float(np.asarray(steps).max(-1).prod()) if len(steps) else 1.0
    return [
        Transcript(
            "".join(ALPHABET[symbol.column - 1] for symbol in symbols),
            p,
            tuple(symbol.p for symbol in symbols),
            p,
        )
    ]


def _join_transcripts(parts: Sequence[Transcript], runs: Sequence[StepRun]) -> Transcript:
    """Join the transcripts of runs to one of the line, with spaces between them."""
    text, p, image_p = "", 1.0, 1.0
    characters: tuple[float, ...] = ()
    for part, run in zip(parts, runs, strict=True):
        # A space is as probable as the gap between the runs.
        space = " " if text and part.text else ""
        text += space + part.text
        characters = (*characters, *(run.gap_p for _ in space), *part.characters)
        p, image_p = p * part.p * run.gap_p, image_p * part.image_p * run.gap_p
    return Transcript(text, p, characters, image_p)


def _to_reading(transcripts: Sequence[Transcript]) -> Reading:
    """Return a reading with the first text as value and the others as alternatives."""
    best = transcripts[0]
    if not best.text:
        return Reading(None, 0.5, State.ILLEGIBLE)
    # Dashes mean that the field is left empty.
    if DASH_CHARACTERS.issuperset(best.text):
        return replace(
            Reading.empty(DASHES_EMPTY_P), alternatives=((best.text, 1.0 - DASHES_EMPTY_P),)
        )
    others: dict[str, float] = {}
    for other in transcripts[1:]:
        if other.text and other.text != best.text:
            others.setdefault(other.text, other.p)
    return Reading(best.text, best.p, State.READ, tuple(others.items()), best.characters)


def _read_formatted(
    steps: Steps, value_format: Format, free_transcript: Transcript, second_pass: SecondPass | None
) -> Reading:
    """Read a line as a value of a format.

    If the text seems to be something else, that is returned with a low p. Else p is the value's
    share of all values: what the free search reads instead has a dash for a 1 or an S for a 5, and
    nobody writes such a thing there.
    """
    transcripts = _decode_formatted(steps, value_format)
    values = _merge_spellings(transcripts, value_format)
    # A second reading that differs in value becomes an alternative.
    if values and second_pass:
        others = _merge_spellings(
            _decode_formatted(second_pass.at_number(0, len(steps)), value_format), value_format
        )
        if others and not is_same_value(value_format, others[0].text, values[0].text):
            values = merge_number_readings(values, others[0].text)
    # How likely the best text in the format is, relative to any text.
    fit_ratio = transcripts[0].image_p / max(free_transcript.image_p, 1e-9) if transcripts else 0.0
    if values and fit_ratio >= MISFIT_RATIO:
        return replace(_to_reading(values), image_only_p=transcripts[0].image_p)
    # Something else is written: keep it, with the values as alternatives.
    free_reading = _to_reading([free_transcript])
    return replace(
        free_reading,
        image_only_p=free_transcript.image_p,
        p=min(free_reading.p, FORMAT_MISMATCH_MAX_P),
        alternatives=tuple(
            (value.text, fit_ratio * FORMAT_MISMATCH_MAX_P * value.p)
            for value in values[: MAX_TEXTS - 1]
        ),
    )


def _decode_formatted(steps: Steps, value_format: Format) -> list[Transcript]:
    return [
        _strip_transcript(transcript)
        for transcript in decode_guided(steps, ALPHABET, SHAPE_BEAMS, format_guide(value_format))
    ]


def _merge_spellings(transcripts: Sequence[Transcript], value_format: Format) -> list[Transcript]:
    """Return a transcript for each value that the texts may mean, likeliest first.

    Spellings of one value (`16.32`, `1632`) are as likely as they are together; an ambiguous text
    shares its probability among its values. A value that is not written like its likeliest text has
    no characters of its own.
    """
    merged: list[Transcript] = []
    for transcript in transcripts:
        values = parse_values(value_format, transcript.text)
        for value in values:
            share = replace(transcript, text=value, p=transcript.p / len(values))
            if value != transcript.text:
                share = replace(share, characters=())
            place = next(
                (i for i, one in enumerate(merged) if is_same_value(value_format, one.text, value)),
                None,
            )
            if place is None:
                merged.append(share)
            else:
                merged[place] = replace(merged[place], p=merged[place].p + share.p)
    return _weigh_values(merged, value_format)


def _weigh_values(values: Sequence[Transcript], value_format: Format) -> list[Transcript]:
    """Weigh values by what is possible in the format; the likeliest first."""
    weights = [value.p * weigh_value(value_format, value.text) for value in values]
    unlisted = max(0.0, 1.0 - sum(value.p for value in values)) * weigh_unlisted(value_format)
    total = sum(weights) + unlisted
    if total <= 0:
        return []
    weighed = [
        replace(value, p=weight / total) for value, weight in zip(values, weights, strict=True)
    ]
    return sorted(weighed, key=lambda value: -value.p)


def _strip_transcript(transcript: Transcript) -> Transcript:
    # Characters are cut like the text.
    text = transcript.text
    start = len(text) - len(text.lstrip())
    end = len(text.rstrip())
    return replace(transcript, text=text[start:end], characters=transcript.characters[start:end])
