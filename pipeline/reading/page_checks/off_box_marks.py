"""Crosses and ticks that stand beside their check box or reach into the next one: readers of boxes
see what is in or close to each.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import cv2
import numpy as np

from pipeline.domain.form.field import FieldSpec
from pipeline.domain.issues import Issue, IssueCode
from pipeline.domain.model import Box, Reading
from pipeline.reading.imaging import geometry
from pipeline.reading.imaging.cache import Mask
from pipeline.reading.imaging.print_contrast import CHECK_PX_PER_MM, PrintContrast, box_window
from pipeline.reading.page_checks.pen_strokes import connect_ink, find_pen_strokes, list_check_boxes
from pipeline.reading.page_context import PageContext

_MARK_GAP_MM, _MARK_GAP_OVER_PRINT_MM = 0.6, 1.3
"""So far to each side a stroke is followed on where it crosses a line, and where it lies on a
label: on print it is not seen.
"""
_MARK_SIZE_MM = 1.5, 14.0
"""The shorter side of a mark at least, and its longer one at most."""
_MIN_MARK_MM2 = 1.0
"""Least ink of a mark, mm²."""
_MAX_PEN_MM = 1.8
"""No pen is broader; a punched hole is."""
_MAX_BOX_DISTANCE_MM = 5.0
"""A mark farther away from every box is meant for none of them."""
_MARK_OUTLINE_MM, _MAX_SHARE_AT_BOX = 0.4, 0.25
"""A mark with so much of its ink in a box or at its outline is not beside it."""
_MAX_LEVEL_OFFSET = 0.75
"""A mark beside a box is at most so many of its heights higher or lower."""
_MAX_DISTANCE_RATIO = 1.5
"""Boxes at most so many times as far away as the nearest may be meant too."""
_MIN_SHARE_IN_BOX, _MIN_MM2_IN_BOX = 0.12, 0.5
"""With so much of its ink in a box a mark is in it, perhaps in the next one too."""
_READ_AROUND_MM, _MIN_READ_SHARE = 1.0, 0.2
"""So much of what is read as writing around a field is no mark."""


class _Stroke(NamedTuple):
    """Connected ink: where it lies, mm; its pixels, and the row and column of the first."""

    area: Box
    pixels: Mask
    top: int
    left: int

    @property
    def thickness_mm(self) -> float:
        """Of its broadest place."""
        return (
            2
            * float(
                cv2.distanceTransform(np.pad(self.pixels, 1).view(np.uint8), cv2.DIST_L2, 3).max()
            )
            / CHECK_PX_PER_MM
        )

    @property
    def mm2(self) -> float:
        """How much ink it is."""
        return float(np.count_nonzero(self.pixels)) / CHECK_PX_PER_MM**2

    def within(self, box: Box) -> float:
        """How much of it lies in a box, mm²."""
        rows, columns = box_window(box)
        top, left = max(0, rows.start - self.top), max(0, columns.start - self.left)
        part = self.pixels[
            top : max(top, rows.stop - self.top), left : max(left, columns.stop - self.left)
        ]
        return float(np.count_nonzero(part)) / CHECK_PX_PER_MM**2

    def take_from(self, ink: Mask) -> None:
        """Wipe it out of the picture that it was found in."""
        height, width = self.pixels.shape
        ink[self.top : self.top + height, self.left : self.left + width] &= ~self.pixels


def check(context: PageContext, readings: Mapping[str, Reading]) -> list[Issue]:
    """The issues of fields with a mark next to a box, or one in two boxes."""
    found = find_off_box_marks(context.all_fields, readings, context.contrast)
    return [Issue(IssueCode.BESIDE_BOX, spec.name) for spec in context.fields if spec.name in found]


def find_off_box_marks(
    specs: Sequence[FieldSpec], fields: Mapping[str, Reading], seen: PrintContrast
) -> frozenset[str]:
    """The names of the fields of check boxes that a mark beside them, or one in two boxes, is
    about.

    `specs` are the fields of the page, `fields` their readings as far as they are read, `seen`
    the page laid on its form.
    """
    marked = list_check_boxes(specs)
    if not marked:
        return frozenset()
    boxes, ink, read = _BoxIndex(marked), find_pen_strokes(seen), _read_areas(specs, fields)
    found: set[str] = set()
    for stroke in _connected_strokes(ink, _MARK_GAP_MM):
        if inside := _fields_inside(stroke, boxes):
            found.update(inside if len(inside) > 1 else ())
            stroke.take_from(ink)
    for stroke in _connected_strokes(ink, _MARK_GAP_OVER_PRINT_MM):
        if (
            not _fields_inside(stroke, boxes)
            and stroke.thickness_mm <= _MAX_PEN_MM
            and not _lies_in_read_area(stroke, read)
        ):
            found.update(_nearest_fields(stroke, boxes))
    return frozenset(found)


def _read_areas(specs: Sequence[FieldSpec], fields: Mapping[str, Reading]) -> _BoxIndex:
    """Where ink is read as something else."""
    around = [
        (spec.name, geometry.widen_box(spec.area, _READ_AROUND_MM))
        for spec in specs
        if not spec.traits.has_check_boxes
    ]
    return _BoxIndex(
        [
            *around,
            *((name, Box(*word.box)) for name, reading in fields.items() for word in reading.words),
        ]
    )


def _connected_strokes(ink: Mask, gap_mm: float) -> list[_Stroke]:
    """Connected ink as large as a mark; all of it, before any is wiped out."""
    least, most = (mm + 2 * gap_mm for mm in _MARK_SIZE_MM)
    found = []
    for top, left, pixels in connect_ink(ink, gap_mm, least, most):
        height, width = pixels.shape
        found.append(
            _Stroke(
                Box(
                    left / CHECK_PX_PER_MM,
                    top / CHECK_PX_PER_MM,
                    width / CHECK_PX_PER_MM,
                    height / CHECK_PX_PER_MM,
                ),
                pixels,
                top,
                left,
            )
        )
    return [stroke for stroke in found if stroke.mm2 >= _MIN_MARK_MM2]


class _BoxIndex:
    """Boxes of fields, so that those at a place are found at once: a page has hundreds of boxes and
    strokes.
    """

    def __init__(self, named: Sequence[tuple[str, Box]]) -> None:
        self._named = named
        x, y, w, h = (
            np.array([(box.x, box.y, box.w, box.h) for _, box in named], np.float64)
            .reshape(-1, 4)
            .T
        )
        self._sides = x, y, x + w, y + h

    def near(self, area: Box, mm: float = 0.0) -> list[tuple[str, Box]]:
        """Those at most so far from an area, along the axis on which they are farther apart."""
        left, top, right, bottom = self._sides
        across = np.maximum(area.x - right, left - area.x - area.w)
        down = np.maximum(area.y - bottom, top - area.y - area.h)
        return [self._named[i] for i in np.flatnonzero(np.maximum(across, down) <= mm).tolist()]


def _lies_in_read_area(stroke: _Stroke, read: _BoxIndex) -> bool:
    return (
        sum(stroke.within(box) for _, box in read.near(stroke.area)) >= _MIN_READ_SHARE * stroke.mm2
    )


def _fields_inside(stroke: _Stroke, boxes: _BoxIndex) -> set[str]:
    """The fields with a box that a stroke lies in; print in a box may hide most of it."""
    touched = boxes.near(stroke.area)
    within = {
        name: mm2
        for name, box in touched
        if (mm2 := stroke.within(box)) >= max(_MIN_MM2_IN_BOX, _MIN_SHARE_IN_BOX * stroke.mm2)
    }
    return set(within) or {
        name
        for name, box in touched
        if stroke.within(geometry.widen_box(box, _MARK_OUTLINE_MM))
        >= _MAX_SHARE_AT_BOX * stroke.mm2
    }


def _nearest_fields(stroke: _Stroke, boxes: _BoxIndex) -> set[str]:
    """The fields of the boxes that a stroke in no box is nearest to, to their left or right."""
    x, y = stroke.area.x + stroke.area.w / 2, stroke.area.y + stroke.area.h / 2
    level = [
        (name, box)
        for name, box in boxes.near(stroke.area, _MAX_BOX_DISTANCE_MM)
        if abs(y - box.y - box.h / 2) <= _MAX_LEVEL_OFFSET * box.h
    ]
    near = [(abs(x - box.x - box.w / 2), name) for name, box in level]
    return {name for far, name in near if far <= _MAX_DISTANCE_RATIO * min(near)[0]}
