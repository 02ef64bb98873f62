"""Several handwritten lines in one area: rows found by their ink, read in one batch, struck-out words shown as such."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import replace

from pipeline.model import Reading, State
from pipeline.recognize.crop import Crop
from pipeline.recognize.handwriting import read_lines
from pipeline.recognize.ink import find_ink
from pipeline.recognize.lexicon import NO_NAMES, Lexicon
from pipeline.recognize.line_picture import CLEAN_P, SPECKED_P, Line
from pipeline.recognize.page_lines import plain_area
from pipeline.recognize.see_back import points_to_back
from pipeline.recognize.written_rows import WrittenArea, WrittenRow, written_area

STRUCK = "[struket]"
"""Stands in the text where the paper has struck-out words."""
STRUCK_OUT, SEE_BACK = "struck_out", "see_back"
"""Remarks on a reading: words were struck out; the writing goes on, on the back."""
ROW_MIDDLE = 0.65
"""Where the middle of the small letters lies between two rules, from above."""


def recognize(crops: Sequence[Crop]) -> list[Reading]:
    """Texts of areas, lines joined with a line feed, empty lines at the end dropped, empty ones between kept.

    A field without a number of `lines` is plain paper of unknown scale (see `page_lines`). A struck-out
    place reads `[struket]`. `remarks` may hold `struck_out` and `see_back`.
    """
    return read_areas([_area(crop) for crop in crops], crops[0].names if crops else NO_NAMES)


def _area(crop: Crop) -> WrittenArea:
    if crop.spec.lines is None:
        return plain_area(crop.image)
    return written_area(find_ink(crop), crop.spec.lines)


def read_areas(areas: Sequence[WrittenArea], names: Lexicon = NO_NAMES) -> list[Reading]:
    """The text of each area; all their lines go through the network together. `names` are expected in them."""
    lines = [part for area in areas for row in area.rows for part in row.parts if isinstance(part, Line)]
    answers = iter(read_lines(lines, names))
    return [_text(area, [_row(row, answers) for row in area.rows]) for area in areas]


def _row(row: WrittenRow, answers: Iterator[Reading]) -> Reading:
    """The stretches of one row joined with spaces."""
    read = [next(answers) if isinstance(part, Line) else Reading(STRUCK, part.p, State.READ, (), (part.p,) * len(STRUCK)) for part in row.parts]
    full = [one for one in read if one.value]
    if not full:
        return min(read, key=lambda one: one.p)
    return full[0] if len(full) == 1 else _joined(full, [" "] * (len(full) - 1))


def _text(area: WrittenArea, rows: list[Reading]) -> Reading:
    """Rows joined with as many line feeds as the distance between them tells."""
    kept = [(row, reading) for row, reading in zip(area.rows, rows, strict=True) if reading.state is not State.EMPTY]
    if not kept:
        return Reading.empty(min([reading.p for reading in rows] or [SPECKED_P if area.found.ink.mask.any() else CLEAN_P]))
    if not any(reading.value for _, reading in kept):
        return Reading(None, 0.5, State.ILLEGIBLE)
    places = [row.place for row, _ in kept]
    feeds = [max(1, round((lower - upper) / area.found.distance)) for upper, lower in itertools.pairwise(places)]
    text = _joined([reading for _, reading in kept], ["\n" * feed for feed in feeds])
    first = max(0, round((places[0] - area.found.ink.field[1]) / area.found.distance - ROW_MIDDLE)) if area.found.ruled else 0
    return replace(_after(text, "\n" * first), remarks=_remarks(area, str(text.value)))


def _remarks(area: WrittenArea, text: str) -> tuple[str, ...]:
    struck = any(not isinstance(part, Line) for row in area.rows for part in row.parts)
    return (*((STRUCK_OUT,) if struck else ()), *((SEE_BACK,) if area.arrow or points_to_back(text) else ()))


def _joined(readings: Sequence[Reading], between: Sequence[str]) -> Reading:
    """Texts with what stands between them as one reading; p is that all of them are right."""
    value = str(readings[0].value or "")
    characters = readings[0].characters
    p = readings[0].p
    for mark, reading in zip(between, readings[1:], strict=True):
        value += mark + str(reading.value or "")
        characters += (1.0,) * len(mark) + reading.characters
        p *= reading.p
    return Reading(value, p, State.READ, _alternatives(readings, between, p), characters)


def _after(reading: Reading, start: str) -> Reading:
    """The reading with something before it."""
    others = tuple((start + str(value), p) for value, p in reading.alternatives)
    return replace(reading, value=start + str(reading.value), alternatives=others, characters=(1.0,) * len(start) + reading.characters)


def _alternatives(readings: Sequence[Reading], between: Sequence[str], p: float) -> tuple[tuple[str, float], ...]:
    """The whole text with the best alternative of one part each, best first."""
    found = []
    for i, reading in enumerate(readings):
        if reading.alternatives and reading.p > 0:
            other, other_p = reading.alternatives[0]
            values = [str(other if i == j else one.value or "") for j, one in enumerate(readings)]
            text = "".join(part for pair in zip(values, [*between, ""], strict=True) for part in pair)
            found.append((text, p * min(1.0, other_p / reading.p)))
    return tuple(sorted(found, key=lambda item: -item[1])[:4])
