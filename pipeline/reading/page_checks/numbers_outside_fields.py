"""Find numbers that are written above or below a row of digit boxes.

They are on the label above or in the gap below, where the reader of the boxes does not look.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from pipeline.domain.form.field import FieldSpec
from pipeline.domain.issues import Issue, IssueCode
from pipeline.domain.model import Box, Reading, State
from pipeline.reading.imaging import geometry
from pipeline.reading.imaging.cache import Mask
from pipeline.reading.imaging.print_contrast import (
    CHECK_PX_PER_MM,
    PrintContrast,
    box_window,
    pixel_box,
)
from pipeline.reading.page_checks.pen_strokes import connect_ink, find_pen_strokes
from pipeline.reading.page_context import PageContext

_LABEL_GAP_MM = 1.0
"""Gaps of this length on each side of print are bridged, mm."""
_MIN_DIGIT_HEIGHT, _MAX_DIGIT_HEIGHT = 0.25, 1.6
"""Least and greatest height of a digit on a label, in heights of the boxes.

The label hides a part of the digit.
"""
_MIN_DIGIT_MM2 = 0.8
"""Least ink of a digit, mm²."""
_MAX_ROW_DISTANCE = 1.0
"""Greatest distance of a digit's middle from the boxes, in heights of the boxes."""
_MAX_DISTANCE_RATIO = 3
"""Boxes at most this many times as far away as the nearest may be meant too."""
_OWN_INK_MARGIN_MM, _MIN_OWN_INK = 0.8, 0.6
"""A stroke belongs to a field with this share of its ink within this margin, mm."""


def check(context: PageContext, readings: Mapping[str, Reading]) -> list[Issue]:
    """Return the issues of empty rows of digit boxes with a number above or below them."""
    names = find_numbers_off_boxes(context.all_fields, readings, context.contrast)
    return [Issue(IssueCode.OUTSIDE_BOXES, name) for name in sorted(names)]


def find_numbers_off_boxes(
    specs: Sequence[FieldSpec], readings: Mapping[str, Reading], contrast: PrintContrast
) -> frozenset[str]:
    """Return the names of empty rows of digit boxes with something as high as a digit near them.

    `specs` are the fields of the page, `readings` those that were read, and `contrast` that of
    the registered page.
    """
    # Only empty rows of digit boxes can miss a number.
    rows = [spec for spec in specs if spec.traits.digits_only and spec.name in readings]
    empty = {spec.name for spec in rows if readings[spec.name].state is State.EMPTY}
    if not empty:
        return frozenset()
    # Connected ink that is as large as a digit and in no field.
    max_height = max(spec.area.h for spec in rows)
    field_ink = _field_ink_mask(specs, contrast)
    names: set[str] = set()
    for top, left, pixels in connect_ink(
        find_pen_strokes(contrast),
        _LABEL_GAP_MM,
        2 * _LABEL_GAP_MM,
        _MAX_DIGIT_HEIGHT * max_height + 2 * _LABEL_GAP_MM,
    ):
        area = np.count_nonzero(pixels)
        window = slice(top, top + pixels.shape[0]), slice(left, left + pixels.shape[1])
        if (
            area >= _MIN_DIGIT_MM2 * CHECK_PX_PER_MM**2
            and np.count_nonzero(pixels & field_ink[window]) < _MIN_OWN_INK * area
        ):
            names.update(_nearest_rows(_stroke_box(top, left, pixels), rows))
    return frozenset(names & empty)


def _field_ink_mask(specs: Sequence[FieldSpec], contrast: PrintContrast) -> Mask:
    """Return where ink belongs to a field."""
    # Fields with a margin: ink there is read or flagged elsewhere.
    mask = np.zeros(contrast.darkness.shape, np.bool_)
    for spec in specs:
        mask[box_window(geometry.widen_box(spec.area, _OWN_INK_MARGIN_MM))] = True
    return mask


def _stroke_box(top: int, left: int, pixels: Mask) -> Box:
    # Bounding box of the ink.
    rows, columns = np.flatnonzero(pixels.any(axis=1)), np.flatnonzero(pixels.any(axis=0))
    height, width = rows[-1] + 1 - rows[0], columns[-1] + 1 - columns[0]
    return pixel_box(left + int(columns[0]), top + int(rows[0]), int(width), int(height))


def _nearest_rows(stroke: Box, rows: Sequence[FieldSpec]) -> set[str]:
    """Return the names of the rows nearest above and below a stroke.

    Only rows count whose digits may be as high as the stroke.
    """
    x, y = stroke.x + stroke.w / 2, stroke.y + stroke.h / 2
    # Distances to the rows above and below; inside a row it is negative.
    distances = [
        (max(row.area.y - y, y - row.area.y - row.area.h), row)
        for row in rows
        if row.area.x <= x <= row.area.x + row.area.w
    ]
    # Rows near enough for the height of the stroke.
    near = [
        (distance, row.name)
        for distance, row in distances
        if 0 < distance <= _MAX_ROW_DISTANCE * row.area.h
        and stroke.h >= _MIN_DIGIT_HEIGHT * row.area.h
    ]
    return {name for distance, name in near if distance <= _MAX_DISTANCE_RATIO * min(near)[0]}
