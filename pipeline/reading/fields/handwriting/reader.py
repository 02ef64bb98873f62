"""One handwritten line: the ink alone, cut to its extent, through the handwriting network, and read
as Swedish.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise

from pipeline.domain.confidence import FORMAT_MISMATCH_MAX_P
from pipeline.domain.form.field import Format
from pipeline.domain.issues import IssueCode
from pipeline.domain.model import Image, Reading, State, WordBox
from pipeline.domain.settings import load_settings
from pipeline.reading.fields.field_image import FieldImage
from pipeline.reading.fields.handwriting.corrections import correct_unit_signs, flag_unread_symbols
from pipeline.reading.fields.handwriting.line_image import (
    LineImage,
    make_line_image,
    split_into_bands,
)
from pipeline.reading.fields.handwriting.narrow import read_condensed
from pipeline.reading.fields.handwriting.network import Steps
from pipeline.reading.fields.handwriting.second_pass import SecondPassFactory, make_second_pass
from pipeline.reading.fields.handwriting.strikethrough import (
    LinePart,
    Strike,
    find_strikes,
    join_line_parts,
    split_line,
    strike_breaks,
)
from pipeline.reading.fields.handwriting.word_boxes import find_word_spans
from pipeline.reading.fields.ink import Ink, Mask, find_ink
from pipeline.reading.fields.strokes import (
    has_comma_below,
    has_two_rows,
    has_unread_words,
    is_cut_off,
)
from pipeline.reading.language.formats import format_guide, parse_values
from pipeline.reading.language.language_model import (
    NO_NAMES,
    LanguageModel,
    Lexicon,
    add_learned_words,
    load_swedish,
)
from pipeline.reading.language.transcription import DASHES_EMPTY_P, transcribe_line

MAX_LEVEL_ASPECT = 0.15
"""Ink that is lower than this part of its width is one level stroke."""
MID_GREY = 128
"""Grey level between ink and paper."""
_DECIMAL_FORMATS = frozenset({Format.DOSE, Format.NUMBER, Format.AMOUNT})
MAX_SIGN_WIDTH = 1.2
"""A struck-out place that is no wider than this, in heights of the line, may be a sign that is not
struck out: a round E of units, with its bar.
"""


def read_handwriting(crops: Sequence[FieldImage]) -> list[Reading]:
    """Texts of single lines, letters as written; nothing written is `EMPTY`, ink without a letter
    `ILLEGIBLE`.

    Struck-out words are left out and remarked on, and so are words above or below the line and
    beyond the picture. All crops of one call are taken to expect the same names.
    """
    names = crops[0].expected_names if crops else NO_NAMES
    inks = [find_ink(crop) for crop in crops]
    own = [_line_ink(ink) for ink in inks]
    lines = [_split_at_strikes(ink, mask) for ink, mask in zip(inks, own, strict=True)]
    formats = [
        crop.spec.format if _is_unbroken(line) else None
        for crop, line in zip(crops, lines, strict=True)
        for part in line
        if isinstance(part, LineImage)
    ]
    answers = iter(
        read_line_images(
            [part for line in lines for part in line if isinstance(part, LineImage)], names, formats
        )
    )
    read = [
        _read_around_strikes(line, answers, None if _is_unbroken(line) else crop.spec.format)
        for crop, line in zip(crops, lines, strict=True)
    ]
    return [
        _flag_unread(one, crop, ink, mask)
        for one, crop, ink, mask in zip(read, crops, inks, own, strict=True)
    ]


def _flag_unread(found: Reading, crop: FieldImage, ink: Ink, own: Mask) -> Reading:
    """The reading, remarked on where writing in its picture is not read; doubtful where that would
    change what it says.
    """
    lost = found.state is State.READ and (
        (crop.spec.format in _DECIMAL_FORMATS and has_comma_below(ink, own))
        or has_two_rows(ink, own)
    )
    if lost:
        found = replace(found, p=min(found.p, FORMAT_MISMATCH_MAX_P))
    if lost or is_cut_off(crop, ink, own) or has_unread_words(crop, ink, own):
        return replace(found, issues=(*found.issues, IssueCode.STRAY_WRITING))
    return found


def _split_at_strikes(ink: Ink, own: Mask) -> tuple[LinePart, ...]:
    """The line taken apart at its struck-out places."""
    line = make_line_image(ink, own)
    if line.picture is None:
        return (line,)
    (strikes,) = find_strikes([line.picture], ink.px_per_mm)
    return split_line(line.picture, strike_breaks(line.picture, strikes))


def _is_unbroken(line: Sequence[LinePart]) -> bool:
    """Whether what is to be read of a line is one stretch."""
    return sum(isinstance(part, LineImage) for part in line) == 1


def _read_around_strikes(
    line: Sequence[LinePart], answers: Iterator[Reading], form: Format | None
) -> Reading:
    """What is left of a line whose struck-out words do not count, as a value of the format; where
    nothing is left a person has to see it.
    """
    read = [next(answers) for part in line if isinstance(part, LineImage)]
    if len(read) == len(line):
        return join_line_parts(read)
    found = (
        _fit_format(join_line_parts(read), form) if read else Reading(None, 0.5, State.ILLEGIBLE)
    )
    lost = any(
        _is_unit_of_number(before, part, reading)
        for (before, part), reading in _strikes_after(line, read)
    )
    return replace(
        found,
        p=min(found.p, FORMAT_MISMATCH_MAX_P) if lost else found.p,
        issues=(IssueCode.STRUCK_OUT,),
    )


def _strikes_after(
    line: Sequence[LinePart], read: Sequence[Reading]
) -> Iterator[tuple[tuple[LineImage, Strike], Reading]]:
    """Each struck-out place that follows something to read, with that and how it is read."""
    readings = iter(read)
    for before, part in pairwise(line):
        found = next(readings) if isinstance(before, LineImage) else None
        if isinstance(before, LineImage) and isinstance(part, Strike) and found is not None:
            yield (before, part), found


def _is_unit_of_number(before: LineImage, strike: Strike, found: Reading) -> bool:
    """Whether a struck-out place may be the unit of the number before it: 10 E would be 10."""
    narrow = (
        before.picture is not None
        and strike.end - strike.start <= MAX_SIGN_WIDTH * before.picture.shape[0]
    )
    return narrow and isinstance(found.value, str) and found.value[-1:].isdigit()


def _fit_format(found: Reading, form: Format | None) -> Reading:
    """The value that stretches read each by itself stand for together; doubtful where they have not
    the format's shape.
    """
    if form is None or not isinstance(found.value, str):
        return found
    values = parse_values(form, found.value) if format_guide(form).fits(found.value) else ()
    if len(values) != 1:
        return replace(found, p=min(found.p, FORMAT_MISMATCH_MAX_P), alternatives=())
    return replace(
        found,
        value=values[0],
        alternatives=(),
        characters=found.characters if values[0] == found.value else (),
    )


def read_line_images(
    lines: Sequence[LineImage],
    names: Lexicon = NO_NAMES,
    formats: Sequence[Format | None] = (),
    *,
    places: bool = False,
) -> list[Reading]:
    """Readings of lines as `line_of` makes them; `names` are expected in them, `formats` (one a
    line, or none at all) say what shape they have.

    With `places` the readings say where their words are: boxes from the top left of the line's
    picture, px.
    """
    answers = iter(read_condensed([line.picture for line in lines if line.picture is not None]))
    language, again = (
        load_swedish(load_settings().models).with_names(add_learned_words(names)),
        make_second_pass(),
    )
    found = []
    for line, form in zip(lines, formats or [None] * len(lines), strict=True):
        if line.picture is None:
            found.append(Reading.empty(line.empty_p))
        else:
            found.append(
                _read_line_image(line.picture, *next(answers), language, form, again, places=places)
            )
    return found


def _read_line_image(
    picture: Image,
    seen: Image,
    steps: Steps,
    language: LanguageModel,
    form: Format | None,
    again: SecondPassFactory,
    *,
    places: bool,
) -> Reading:
    """The reading of one line, and of it as it was `seen`; a lone level stroke that says nothing is
    a dash, or what is left of a rule.
    """
    found = transcribe_line(steps, language, form, again(seen))
    if found.state is State.ILLEGIBLE and _is_level_stroke(picture):
        return Reading.empty(DASHES_EMPTY_P)
    if places and isinstance(found.value, str):
        height, width = picture.shape
        words = (
            WordBox(one.start, one.end, (one.left, 0.0, one.right - one.left, float(height)))
            for one in find_word_spans(steps, found.value, width)
        )
        found = replace(found, words=tuple(words))
    return correct_unit_signs(flag_unread_symbols(found, seen, steps), seen, steps, form)


def _is_level_stroke(picture: Image) -> bool:
    dark = picture < MID_GREY
    return bool(dark.any(axis=1).sum() < MAX_LEVEL_ASPECT * dark.any(axis=0).sum())


def _line_ink(ink: Ink) -> Mask:
    """The ink of the line, without what belongs above or below."""
    _, top, _, bottom = ink.field
    slack = 0.1 * (bottom - top)
    return split_into_bands(ink.mask, (top - slack, bottom + slack))[0]
