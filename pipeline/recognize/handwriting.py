"""One handwritten line: the ink alone, cut to its extent, through the handwriting network, and read as Swedish."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise

from pipeline.confidence import FORMAT_MISMATCH_MAX_P
from pipeline.field_spec import Format
from pipeline.issues import IssueCode
from pipeline.model import Image, Reading, State, WordPlace
from pipeline.recognize.crop import Crop
from pipeline.recognize.ink import Ink, Mask, find_ink
from pipeline.recognize.joined_readings import stretch
from pipeline.recognize.language import Language, swedish
from pipeline.recognize.learned_words import with_learned
from pipeline.recognize.lexicon import NO_NAMES, Lexicon
from pipeline.recognize.line_picture import Line, banded, line_of
from pipeline.recognize.missed_signs import with_missed_signs
from pipeline.recognize.narrow_writing import read_spread
from pipeline.recognize.network import Steps
from pipeline.recognize.second_look import LooksAt, looking_again
from pipeline.recognize.stretches import Part, parts, struck_breaks
from pipeline.recognize.strikes import Strike, struck_out
from pipeline.recognize.text_grammar import shape_of
from pipeline.recognize.text_values import values_of
from pipeline.recognize.transcription import DASHES_P, reading
from pipeline.recognize.unit_signs import with_unit_signs
from pipeline.recognize.unread import hangs_below, has_two_rows, is_cut, is_left_out
from pipeline.recognize.word_places import spans
from pipeline.settings import load_settings

LEVEL = 0.15
"""Ink that is lower than this part of its width is one level stroke."""
MID_GREY = 128
"""Grey level between ink and paper."""
_WITH_COMMA = frozenset({Format.DOSE, Format.NUMBER, Format.AMOUNT})
SIGN = 1.2
"""A struck-out place that is no wider than this, in heights of the line, may be a sign that is not struck out: a round E of units, with its bar."""


def recognize(crops: Sequence[Crop]) -> list[Reading]:
    """Texts of single lines, letters as written; nothing written is `EMPTY`, ink without a letter `ILLEGIBLE`.

    Struck-out words are left out and remarked on, and so are words above or below the line and beyond the picture. All crops of one call are taken
    to expect the same names.
    """
    names = crops[0].names if crops else NO_NAMES
    inks = [find_ink(crop) for crop in crops]
    own = [_own(ink) for ink in inks]
    lines = [_unstruck(ink, mask) for ink, mask in zip(inks, own, strict=True)]
    formats = [
        crop.spec.format if _is_whole(line) else None for crop, line in zip(crops, lines, strict=True) for part in line if isinstance(part, Line)
    ]
    answers = iter(read_lines([part for line in lines for part in line if isinstance(part, Line)], names, formats))
    read = [_without_struck(line, answers, None if _is_whole(line) else crop.spec.format) for crop, line in zip(crops, lines, strict=True)]
    return [_with_the_unread(one, crop, ink, mask) for one, crop, ink, mask in zip(read, crops, inks, own, strict=True)]


def _with_the_unread(found: Reading, crop: Crop, ink: Ink, own: Mask) -> Reading:
    """The reading, remarked on where writing in its picture is not read; doubtful where that would change what it says."""
    lost = found.state is State.READ and ((crop.spec.format in _WITH_COMMA and hangs_below(ink, own)) or has_two_rows(ink, own))
    if lost:
        found = replace(found, p=min(found.p, FORMAT_MISMATCH_MAX_P))
    if lost or is_cut(crop, ink, own) or is_left_out(crop, ink, own):
        return replace(found, remarks=(*found.remarks, IssueCode.STRAY_WRITING))
    return found


def _unstruck(ink: Ink, own: Mask) -> tuple[Part, ...]:
    """The line taken apart at its struck-out places."""
    line = line_of(ink, own)
    if line.picture is None:
        return (line,)
    (strikes,) = struck_out([line.picture], ink.px_per_mm)
    return parts(line.picture, struck_breaks(line.picture, strikes))


def _is_whole(line: Sequence[Part]) -> bool:
    """Whether what is to be read of a line is one stretch."""
    return sum(isinstance(part, Line) for part in line) == 1


def _without_struck(line: Sequence[Part], answers: Iterator[Reading], form: Format | None) -> Reading:
    """What is left of a line whose struck-out words do not count, as a value of the format; where nothing is left a person has to see it."""
    read = [next(answers) for part in line if isinstance(part, Line)]
    if len(read) == len(line):
        return stretch(read)
    found = _of_format(stretch(read), form) if read else Reading(None, 0.5, State.ILLEGIBLE)
    lost = any(_is_sign_of_number(before, part, reading) for (before, part), reading in _strikes_after(line, read))
    return replace(found, p=min(found.p, FORMAT_MISMATCH_MAX_P) if lost else found.p, remarks=(IssueCode.STRUCK_OUT,))


def _strikes_after(line: Sequence[Part], read: Sequence[Reading]) -> Iterator[tuple[tuple[Line, Strike], Reading]]:
    """Each struck-out place that follows something to read, with that and how it is read."""
    readings = iter(read)
    for before, part in pairwise(line):
        found = next(readings) if isinstance(before, Line) else None
        if isinstance(before, Line) and isinstance(part, Strike) and found is not None:
            yield (before, part), found


def _is_sign_of_number(before: Line, strike: Strike, found: Reading) -> bool:
    """Whether a struck-out place may be the unit of the number before it: 10 E would be 10."""
    narrow = before.picture is not None and strike.end - strike.start <= SIGN * before.picture.shape[0]
    return narrow and isinstance(found.value, str) and found.value[-1:].isdigit()


def _of_format(found: Reading, form: Format | None) -> Reading:
    """The value that stretches read each by itself stand for together; doubtful where they have not the format's shape."""
    if form is None or not isinstance(found.value, str):
        return found
    values = values_of(form, found.value) if shape_of(form).fits(found.value) else ()
    if len(values) != 1:
        return replace(found, p=min(found.p, FORMAT_MISMATCH_MAX_P), alternatives=())
    return replace(found, value=values[0], alternatives=(), characters=found.characters if values[0] == found.value else ())


def read_lines(lines: Sequence[Line], names: Lexicon = NO_NAMES, formats: Sequence[Format | None] = (), *, places: bool = False) -> list[Reading]:
    """Readings of lines as `line_of` makes them; `names` are expected in them, `formats` (one a line, or none at all) say what shape they have.

    With `places` the readings say where their words are: boxes from the top left of the line's picture, px.
    """
    answers = iter(read_spread([line.picture for line in lines if line.picture is not None]))
    language, again = swedish(load_settings().models).with_names(with_learned(names)), looking_again()
    found = []
    for line, form in zip(lines, formats or [None] * len(lines), strict=True):
        if line.picture is None:
            found.append(Reading.empty(line.empty_p))
        else:
            found.append(_read(line.picture, *next(answers), language, form, again, places=places))
    return found


def _read(picture: Image, seen: Image, steps: Steps, language: Language, form: Format | None, again: LooksAt, *, places: bool) -> Reading:
    """The reading of one line, and of it as it was `seen`; a lone level stroke that says nothing is a dash, or what is left of a rule."""
    found = reading(steps, language, form, again(seen))
    if found.state is State.ILLEGIBLE and _is_level(picture):
        return Reading.empty(DASHES_P)
    if places and isinstance(found.value, str):
        height, width = picture.shape
        words = (WordPlace(one.start, one.end, (one.left, 0.0, one.right - one.left, float(height))) for one in spans(steps, found.value, width))
        found = replace(found, words=tuple(words))
    return with_unit_signs(with_missed_signs(found, seen, steps), seen, steps, form)


def _is_level(picture: Image) -> bool:
    dark = picture < MID_GREY
    return bool(dark.any(axis=1).sum() < LEVEL * dark.any(axis=0).sum())


def _own(ink: Ink) -> Mask:
    """The ink of the line, without what belongs above or below."""
    _, top, _, bottom = ink.field
    slack = 0.1 * (bottom - top)
    return banded(ink.mask, (top - slack, bottom + slack))[0]
