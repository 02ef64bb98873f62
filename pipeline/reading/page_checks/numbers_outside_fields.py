"""Numbers that are written on the label above a row of digit boxes, or in the gap below it: the
reader of the boxes does not look so far.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from pipeline.domain.form.field import FieldSpec
from pipeline.domain.issues import Issue, IssueCode
from pipeline.domain.model import Box, Reading, State
from pipeline.reading.imaging import geometry
from pipeline.reading.imaging.cache import Mask
from pipeline.reading.imaging.print_contrast import CHECK_PX_PER_MM, PrintContrast, box_window
from pipeline.reading.page_checks.pen_strokes import connect_ink, find_pen_strokes
from pipeline.reading.page_context import PageContext

_LABEL_GAP_MM = 1.0
"""So far to each side a stroke is followed on where it lies on a label."""
_MIN_DIGIT_HEIGHT, _MAX_DIGIT_HEIGHT = 0.25, 1.6
"""A figure on a label, which hides a part of it, is so high at least and at most, in heights of the
boxes.
"""
_MIN_DIGIT_MM2 = 0.8
"""Least ink of a figure, mm²."""
_MAX_ROW_DISTANCE = 1.0
"""The middle of a figure lies at most so many heights of the boxes above or below them."""
_MAX_DISTANCE_RATIO = 3
"""Boxes at most so many times as far away as the nearest may be meant too."""
_OWN_INK_MARGIN_MM, _MIN_OWN_INK = 0.8, 0.6
"""With so much of its ink in or at a field a stroke is that field's."""


def check(context: PageContext, readings: Mapping[str, Reading]) -> list[Issue]:
    """The issues of empty rows of digit boxes with a number written above or below them."""
    found = find_numbers_off_boxes(context.all_fields, readings, context.contrast)
    return [Issue(IssueCode.OUTSIDE_BOXES, name) for name in sorted(found)]


def find_numbers_off_boxes(
    specs: Sequence[FieldSpec], fields: Mapping[str, Reading], seen: PrintContrast
) -> frozenset[str]:
    """The names of the fields of digit boxes that are read as empty with something as high as a
    figure above or below them, in no field.

    `specs` are the fields of the page, `fields` their readings as far as they are read, `seen`
    the page laid on its form.
    """
    rows = [spec for spec in specs if spec.traits.digits_only and spec.name in fields]
    empty = {spec.name for spec in rows if fields[spec.name].state is State.EMPTY}
    if not empty:
        return frozenset()
    highest = max(spec.area.h for spec in rows)
    owned = _field_ink_mask(specs, seen)
    found: set[str] = set()
    for top, left, pixels in connect_ink(
        find_pen_strokes(seen),
        _LABEL_GAP_MM,
        2 * _LABEL_GAP_MM,
        _MAX_DIGIT_HEIGHT * highest + 2 * _LABEL_GAP_MM,
    ):
        ink = np.count_nonzero(pixels)
        place = slice(top, top + pixels.shape[0]), slice(left, left + pixels.shape[1])
        if (
            ink >= _MIN_DIGIT_MM2 * CHECK_PX_PER_MM**2
            and np.count_nonzero(pixels & owned[place]) < _MIN_OWN_INK * ink
        ):
            found.update(_nearest_rows(_stroke_box(top, left, pixels), rows))
    return frozenset(found & empty)


def _field_ink_mask(specs: Sequence[FieldSpec], seen: PrintContrast) -> Mask:
    """Where ink is a field's."""
    owned = np.zeros(seen.darkness.shape, np.bool_)
    for spec in specs:
        owned[box_window(geometry.widen_box(spec.area, _OWN_INK_MARGIN_MM))] = True
    return owned


def _stroke_box(top: int, left: int, pixels: Mask) -> Box:
    rows, columns = np.flatnonzero(pixels.any(axis=1)), np.flatnonzero(pixels.any(axis=0))
    height, width = rows[-1] + 1 - rows[0], columns[-1] + 1 - columns[0]
    return Box(
        (left + int(columns[0])) / CHECK_PX_PER_MM,
        (top + int(rows[0])) / CHECK_PX_PER_MM,
        int(width) / CHECK_PX_PER_MM,
        int(height) / CHECK_PX_PER_MM,
    )


def _nearest_rows(stroke: Box, rows: Sequence[FieldSpec]) -> set[str]:
    """The names of the rows of boxes nearest above and below a stroke, if it is as high as a figure
    of theirs.
    """
    x, y = stroke.x + stroke.w / 2, stroke.y + stroke.h / 2
    away = [
        (max(row.area.y - y, y - row.area.y - row.area.h), row)
        for row in rows
        if row.area.x <= x <= row.area.x + row.area.w
    ]
    near = [
        (far, row.name)
        for far, row in away
        if 0 < far <= _MAX_ROW_DISTANCE * row.area.h and stroke.h >= _MIN_DIGIT_HEIGHT * row.area.h
    ]
    return {name for far, name in near if far <= _MAX_DISTANCE_RATIO * min(near)[0]}
