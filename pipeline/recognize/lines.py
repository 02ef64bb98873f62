"""Several handwritten lines in one area: rows found by their ink, read in one batch, struck-out words shown as such."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from pipeline.issues import IssueCode
from pipeline.model import Reading, State
from pipeline.recognize.crop import Crop
from pipeline.recognize.handwriting import read_lines
from pipeline.recognize.ink import find_ink
from pipeline.recognize.joined_readings import after, joined, stretch
from pipeline.recognize.lexicon import NO_NAMES, Lexicon
from pipeline.recognize.line_picture import CLEAN_P, SPECKED_P, Line
from pipeline.recognize.page_lines import plain_area
from pipeline.recognize.see_back import points_to_back
from pipeline.recognize.unread import runs_out
from pipeline.recognize.written_rows import WrittenArea, WrittenRow, written_area

STRUCK = "[struket]"
"""Stands in the text where the paper has struck-out words."""
MOST_STRETCHES = 100
"""No page has more rows, and stretches between struck-out places; noise has, and would take half a minute to be read as nothing."""
ROW_MIDDLE = 0.65
"""Where the middle of the small letters lies between two rules, from above."""


def recognize(crops: Sequence[Crop]) -> list[Reading]:
    """Texts of areas, lines joined with a line feed, empty lines at the end dropped, empty ones between kept.

    A field without a number of `lines` is plain paper of unknown scale (see `page_lines`). A struck-out
    place reads `[struket]`. `remarks` may hold `struck_out`, `see_back`, and `stray_writing` where a line goes on beyond the picture.
    """
    areas = [_area(crop) for crop in crops]
    read = read_areas(areas, crops[0].names if crops else NO_NAMES)
    return [
        replace(one, remarks=(*one.remarks, IssueCode.STRAY_WRITING)) if _runs_out(crop, area) else one
        for one, crop, area in zip(read, crops, areas, strict=True)
    ]


def _runs_out(crop: Crop, area: WrittenArea) -> bool:
    """Whether a line of a form's field goes on to the left or right of what is read; nothing is left of plain paper."""
    found = area.found
    rows = [i for i in range(len(found.rows)) if found.in_field(i)]
    return crop.spec.lines is not None and runs_out(crop, found.ink, np.isin(found.owner, rows))


def _area(crop: Crop) -> WrittenArea:
    if crop.spec.lines is None:
        return plain_area(crop.image)
    return written_area(find_ink(crop), crop.spec.lines)


def read_areas(areas: Sequence[WrittenArea], names: Lexicon = NO_NAMES) -> list[Reading]:
    """The text of each area; all their lines go through the network together. `names` are expected in them."""
    lines = [part for area in areas if not _is_noise(area) for row in area.rows for part in row.parts if isinstance(part, Line)]
    answers = iter(read_lines(lines, names, places=True))
    unread = Reading(None, 0.5, State.ILLEGIBLE)
    return [unread if _is_noise(area) else _text(area, [_row(area, row, answers) for row in area.rows]) for area in areas]


def _is_noise(area: WrittenArea) -> bool:
    """Whether an area has more to read than writing has."""
    return sum(len(row.parts) for row in area.rows) > MOST_STRETCHES


def _row(area: WrittenArea, row: WrittenRow, answers: Iterator[Reading]) -> Reading:
    """The stretches of one row joined with spaces."""
    read = [
        _placed(area, row, part, next(answers)) if isinstance(part, Line) else Reading(STRUCK, part.p, State.READ, (), (part.p,) * len(STRUCK))
        for part in row.parts
    ]
    return stretch(read)


def _placed(area: WrittenArea, row: WrittenRow, part: Line, reading: Reading) -> Reading:
    """The reading with its words' boxes in mm from the field's top left, as high as rows are apart."""
    ink, high = area.found.ink, area.found.distance
    left, top, _, _ = ink.field
    words = []
    for word in reading.words:
        start, end = (part.left + at for at in (word.box[0], word.box[0] + word.box[2]))
        middle = float(row.y[int(np.clip((start + end) / 2, 0, len(row.y) - 1))])
        x, y, w, h = (value / ink.px_per_mm for value in (start - left, middle - high / 2 - top, end - start, high))
        words.append(replace(word, box=(round(x, 2), round(y, 2), round(w, 2), round(h, 2))))
    return replace(reading, words=tuple(words))


def _text(area: WrittenArea, rows: list[Reading]) -> Reading:
    """Rows joined with as many line feeds as the distance between them tells."""
    kept = [(row, reading) for row, reading in zip(area.rows, rows, strict=True) if reading.state is not State.EMPTY]
    if not kept:
        return Reading.empty(min([reading.p for reading in rows] or [SPECKED_P if area.found.ink.mask.any() else CLEAN_P]))
    if not any(reading.value for _, reading in kept):
        return Reading(None, 0.5, State.ILLEGIBLE)
    places = [row.place for row, _ in kept]
    feeds = [max(1, round((lower - upper) / area.found.distance)) for upper, lower in itertools.pairwise(places)]
    text = joined([reading for _, reading in kept], ["\n" * feed for feed in feeds])
    first = max(0, round((places[0] - area.found.ink.field[1]) / area.found.distance - ROW_MIDDLE)) if area.found.ruled else 0
    return replace(after(text, "\n" * first), remarks=_remarks(area, str(text.value)))


def _remarks(area: WrittenArea, text: str) -> tuple[IssueCode, ...]:
    struck = any(not isinstance(part, Line) for row in area.rows for part in row.parts)
    return (*((IssueCode.STRUCK_OUT,) if struck else ()), *((IssueCode.SEE_BACK,) if area.arrow or points_to_back(text) else ()))
