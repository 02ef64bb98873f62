"""Find crosses and ticks that are beside their check box or reach into the next one.

Readers of boxes see only what is in or close to each box.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.domain.form.field import FieldSpec
from pipeline.domain.issues import Issue, IssueCode
from pipeline.domain.model import Box, Reading
from pipeline.reading.imaging import geometry
from pipeline.reading.imaging.pixels import Map, Mask
from pipeline.reading.imaging.print_contrast import (
    CHECK_PX_PER_MM,
    PrintContrast,
    box_window,
    pixel_box,
)
from pipeline.reading.page_checks.page_context import (
    PageContext,
    connect_ink,
    find_bare_paper,
    find_pen_strokes,
    ink_within,
    list_check_boxes,
)

_MARK_GAP_MM, _MARK_GAP_OVER_PRINT_MM = 0.6, 1.3
"""Gaps that are bridged on each side of a line, and of a label: ink on print is not seen, mm."""
_MARK_SIZE_MM = 1.5, 14.0
"""Least shorter side and greatest longer side of a mark, mm."""
_MIN_MARK_MM2 = 1.0
"""Least ink of a mark, mm²."""
_MAX_PEN_MM = 1.8
"""No pen is wider, but a punch hole is, mm."""
_MAX_BOX_DISTANCE_MM = 5.0
"""A mark farther from every box is meant for none of them, mm."""
_MARK_OUTLINE_MM, _MAX_SHARE_AT_BOX = 0.4, 0.25
"""A mark with this share of its ink in a box or within this margin is not beside it."""
_MAX_LEVEL_OFFSET = 0.75
"""A mark beside a box is at most this much higher or lower, in heights of the box."""
_MAX_DISTANCE_RATIO = 1.5
"""Boxes at most this many times as far away as the nearest may be meant too."""
_MIN_SHARE_IN_BOX, _MIN_MM2_IN_BOX = 0.12, 0.5
"""A mark with this share and area of its ink in a box is in it, maybe in the next one too."""
_READ_AROUND_MM, _MIN_READ_SHARE = 1.0, 0.2
"""A stroke with this share within this margin of a field is read as writing, not a mark."""


class _Stroke(NamedTuple):
    """Connected ink: its extent in mm, its pixels, and the row and column of the first pixel."""

    area: Box
    pixels: Mask
    top: int
    left: int

    @property
    def thickness_mm(self) -> float:
        """Greatest thickness, mm."""
        # Twice the greatest distance to paper.
        padded = cv2.copyMakeBorder(
            self.pixels.view(np.uint8), 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=(0,)
        )
        half_thickness = float(cv2.distanceTransform(padded, cv2.DIST_L2, 3).max())
        return 2 * half_thickness / CHECK_PX_PER_MM

    @property
    def mm2(self) -> float:
        """Area of the ink, mm²."""
        return float(np.count_nonzero(self.pixels)) / CHECK_PX_PER_MM**2

    def area_within(self, box: Box) -> float:
        """Return the area of the ink inside a box, mm²."""
        return ink_within((self.top, self.left, self.pixels), box) / CHECK_PX_PER_MM**2

    def erase_from(self, ink: Mask) -> None:
        """Erase the stroke from the mask in which it was found."""
        height, width = self.pixels.shape
        ink[self.top : self.top + height, self.left : self.left + width] &= ~self.pixels


def check(context: PageContext, readings: Mapping[str, Reading]) -> list[Issue]:
    """Return the issues of fields with a mark next to a box, or one in two boxes."""
    names = find_off_box_marks(context.all_fields, readings, context.contrast)
    return [Issue(IssueCode.BESIDE_BOX, spec.name) for spec in context.fields if spec.name in names]


def find_off_box_marks(
    specs: Sequence[FieldSpec], readings: Mapping[str, Reading], contrast: PrintContrast
) -> frozenset[str]:
    """Return the names of check box fields with a mark beside a box, or one in two boxes.

    `specs` are the fields of the page, `readings` those that were read, and `contrast` that of
    the registered page.
    """
    named_boxes = list_check_boxes(specs)
    if not named_boxes:
        return frozenset()
    boxes, ink, read_areas = (
        _BoxIndex(named_boxes),
        find_pen_strokes(contrast).copy(),
        _read_areas(specs, readings),
    )
    names: set[str] = set()
    # Marks inside boxes: flag those in two, and remove all.
    for stroke in _connected_strokes(ink, _MARK_GAP_MM):
        if marked_fields := _fields_inside(stroke, boxes):
            names.update(marked_fields if len(marked_fields) > 1 else ())
            stroke.erase_from(ink)
    # What remains is beside a box, unless it is read as writing.
    for stroke in _connected_strokes(ink, _MARK_GAP_OVER_PRINT_MM):
        if (
            not _fields_inside(stroke, boxes)
            and stroke.thickness_mm <= _MAX_PEN_MM
            and not _is_in_read_area(stroke, read_areas)
        ):
            names.update(_nearest_fields(stroke, boxes))
    return frozenset(names)


def _read_areas(specs: Sequence[FieldSpec], readings: Mapping[str, Reading]) -> _BoxIndex:
    """Return where ink is read as something else."""
    # Fields other than check boxes, and words that were read.
    areas = [
        (spec.name, geometry.widen_box(spec.area, _READ_AROUND_MM))
        for spec in specs
        if not spec.traits.has_check_boxes
    ]
    return _BoxIndex(
        [
            *areas,
            *(
                (name, Box(*word.box))
                for name, reading in readings.items()
                for word in reading.words
            ),
        ]
    )


def _connected_strokes(ink: Mask, gap_mm: float) -> list[_Stroke]:
    """Return connected ink as large as a mark, all of it before any is erased."""
    # The gap is part of the dilated shape on both sides.
    min_size, max_size = (mm + 2 * gap_mm for mm in _MARK_SIZE_MM)
    strokes = []
    for top, left, pixels in connect_ink(ink, gap_mm, min_size, max_size):
        height, width = pixels.shape
        strokes.append(_Stroke(pixel_box(left, top, width, height), pixels, top, left))
    return [stroke for stroke in strokes if stroke.mm2 >= _MIN_MARK_MM2]


class _BoxIndex:
    """Boxes of fields, indexed by place, since a page has hundreds of boxes and strokes."""

    def __init__(self, named: Sequence[tuple[str, Box]]) -> None:
        self._named = named
        x, y, w, h = (
            np.array([(box.x, box.y, box.w, box.h) for _, box in named], np.float64)
            .reshape(-1, 4)
            .T
        )
        self._sides = x, y, x + w, y + h

    def near(self, area: Box, mm: float = 0.0) -> list[tuple[str, Box]]:
        """Return the boxes within a distance of an area, both across and down."""
        left, top, right, bottom = self._sides
        gap_x = np.maximum(area.x - right, left - area.x - area.w)
        gap_y = np.maximum(area.y - bottom, top - area.y - area.h)
        return [self._named[i] for i in np.flatnonzero(np.maximum(gap_x, gap_y) <= mm).tolist()]


def _is_in_read_area(stroke: _Stroke, read_areas: _BoxIndex) -> bool:
    return (
        sum(stroke.area_within(box) for _, box in read_areas.near(stroke.area))
        >= _MIN_READ_SHARE * stroke.mm2
    )


def _fields_inside(stroke: _Stroke, boxes: _BoxIndex) -> set[str]:
    """Return the fields with a box that a stroke is in.

    Print in a box may hide most of the stroke.
    """
    touched = boxes.near(stroke.area)
    # Much ink in a box, else much ink at its outline.
    fields_with_ink = {
        name: mm2
        for name, box in touched
        if (mm2 := stroke.area_within(box)) >= max(_MIN_MM2_IN_BOX, _MIN_SHARE_IN_BOX * stroke.mm2)
    }
    return set(fields_with_ink) or {
        name
        for name, box in touched
        if stroke.area_within(geometry.widen_box(box, _MARK_OUTLINE_MM))
        >= _MAX_SHARE_AT_BOX * stroke.mm2
    }


def _nearest_fields(stroke: _Stroke, boxes: _BoxIndex) -> set[str]:
    """Return the fields of the boxes nearest to a stroke, to its left or right."""
    x, y = stroke.area.x + stroke.area.w / 2, stroke.area.y + stroke.area.h / 2
    # Only boxes on the same level as the mark.
    level_boxes = [
        (name, box)
        for name, box in boxes.near(stroke.area, _MAX_BOX_DISTANCE_MM)
        if abs(y - box.y - box.h / 2) <= _MAX_LEVEL_OFFSET * box.h
    ]
    distances = [(abs(x - box.x - box.w / 2), name) for name, box in level_boxes]
    return {
        name for distance, name in distances if distance <= _MAX_DISTANCE_RATIO * min(distances)[0]
    }


# Find check boxes with a ring around them: the writer means that option, or takes its
# mark back.
#
# Readers of boxes see only what is in or close to each box. A ring is searched for in two ways: as
# connected ink around a box, which may include its label, and as the path around one box that is
# mostly on ink, which labels on both sides and writing that touches the ring do not hide.

Distances = NDArray[np.float64]

_RING_GAP_MM = 1.0
"""Gaps of this length on each side of print are bridged: a ring is not seen on print, mm."""
_MAX_RING_MM = 40.0
"""A larger ring is a cup stain, or strikes out a part of the page, mm."""
_DIRECTIONS, _MIN_SURROUNDED_SHARE = 24, 0.65
"""Number of directions from a box, and the share in which a ring must be outside of it."""
_RING_OUTLINE_MM = 0.3
"""Ink this near to a box's outline belongs to the box, mm."""
_PATH_STEPS = 72
"""Steps of a path around a box, of 5° each."""
_DISTANCE_STEP_MM, _MAX_RADIUS_MM = 0.25, 9.0
"""Step and limit of the distances from the middle of a box that a path may have, mm.

They cover a ring around a box without its label, at every pixel.
"""
_MAX_STEP_CHANGE = 2
"""Most distances that a step may change by, as on a ring twice as wide as high."""
_PRINT_STEP_COST = 0.3
"""Cost of a step on print, where ink is not seen.

It is less than on paper, which costs 1, and more than on ink, or printed lines would make a ring.
"""
_MIN_SHOWN_SHARE, _MAX_MEAN_COST = 0.5, 0.16
"""Least share of directions in which a ring shows, and largest mean cost of a step on its path.

Of 452 drawn rings 450 cost at most 0.15; writing and marks around the boxes of filled pages cost
0.20 and more.
"""


def check_circled_boxes(context: PageContext, _readings: Mapping[str, Reading]) -> list[Issue]:
    """Return the issues of fields with a ring around a box."""
    circled = find_circled_boxes(context.fields, context.contrast)
    return [
        Issue(IssueCode.ENCIRCLED, spec.name) for spec in context.fields if spec.name in circled
    ]


def find_circled_boxes(specs: Sequence[FieldSpec], contrast: PrintContrast) -> frozenset[str]:
    """Return the names of the fields with a ring around a box.

    `contrast` is that of the registered page.
    """
    # Only check boxes can be circled.
    boxes = list_check_boxes(specs)
    if not boxes:
        return frozenset()
    ink = find_pen_strokes(contrast)
    # Connected shapes first; the path is tried for the other boxes.
    circled = _fields_within_shapes(boxes, ink)
    bare = find_bare_paper(contrast.template)
    return frozenset(
        circled
        | {name for name, box in boxes if name not in circled and _has_path_around(box, ink, bare)}
    )


def _fields_within_shapes(boxes: Sequence[tuple[str, Box]], ink: Mask) -> set[str]:
    """Return the fields with a box that is surrounded by connected ink."""
    # Sides of all boxes in px.
    sides = (
        np.array([(box.x, box.y, box.x + box.w, box.y + box.h) for _, box in boxes])
        * CHECK_PX_PER_MM
    )
    names: set[str] = set()
    for top, left, shape in connect_ink(
        ink, _RING_GAP_MM, min(box.w for _, box in boxes), _MAX_RING_MM
    ):
        extent = np.array((left, top, left + shape.shape[1], top + shape.shape[0]))
        # Boxes within the shape's extent are candidates.
        inside = np.flatnonzero(
            (sides[:, :2] > extent[:2]).all(axis=1) & (sides[:, 2:] < extent[2:]).all(axis=1)
        ).tolist()
        names.update(boxes[i][0] for i in inside if _surrounds(shape, boxes[i][1], extent))
    return names


def _surrounds(shape: Mask, box: Box, extent: NDArray[np.int64]) -> bool:
    """Check whether a shape is around a box in nearly all directions."""
    # Coordinates of the shape's ink, mm.
    rows, columns = np.nonzero(shape)
    outline = geometry.widen_box(box, _RING_OUTLINE_MM)
    x, y = (columns + extent[0]) / CHECK_PX_PER_MM, (rows + extent[1]) / CHECK_PX_PER_MM
    # Directions of the ink that is outside the box.
    outside = (
        (x < outline.x)
        | (x > outline.x + outline.w)
        | (y < outline.y)
        | (y > outline.y + outline.h)
    )
    angles = np.arctan2(y - box.y - box.h / 2, x - box.x - box.w / 2)[outside]
    directions = np.unique(((angles + np.pi) / (2 * np.pi) * _DIRECTIONS).astype(int) % _DIRECTIONS)
    return len(directions) >= _MIN_SURROUNDED_SHARE * _DIRECTIONS


def _has_path_around(box: Box, ink: Mask, bare: Mask) -> bool:
    """Check whether a closed path around a box is on ink nearly everywhere but on print."""
    # Around most boxes there is no ink.
    if not ink[box_window(geometry.widen_box(box, _MAX_RADIUS_MM))].any():
        return False
    # Sample the page in polar coordinates around the box.
    dx, dy, is_outside = _polar_grid(box.w, box.h)
    rows = np.clip(((box.y + box.h / 2 + dy) * CHECK_PX_PER_MM).astype(int), 0, ink.shape[0] - 1)
    columns = np.clip(((box.x + box.w / 2 + dx) * CHECK_PX_PER_MM).astype(int), 0, ink.shape[1] - 1)
    # Most boxes have too little ink around them.
    is_ink = ink[rows, columns] & is_outside
    if is_ink.any(axis=1).mean() < _MIN_SHOWN_SHARE:
        return False
    # Ink is free, paper is expensive, and print in between.
    costs = np.where(
        is_ink, 0.0, np.where(bare[rows, columns] | ~is_outside, 1.0, _PRINT_STEP_COST)
    )
    return _cheapest_loop(costs.astype(np.float32)) <= _MAX_MEAN_COST * _PATH_STEPS


@lru_cache(maxsize=64)
def _polar_grid(width: float, height: float) -> tuple[Distances, Distances, Mask]:
    """Return places around the middle of a box of this size (mm), (steps, distances).

    How far right and down they are, mm, and which are outside the box.
    """
    angles = np.arange(_PATH_STEPS) * (2 * np.pi / _PATH_STEPS)
    radii = np.arange(min(width, height) / 2, _MAX_RADIUS_MM, _DISTANCE_STEP_MM)
    dx, dy = np.cos(angles)[:, None] * radii, np.sin(angles)[:, None] * radii
    is_outside = (np.abs(dx) >= width / 2 + _RING_OUTLINE_MM) | (
        np.abs(dy) >= height / 2 + _RING_OUTLINE_MM
    )
    return dx, dy, is_outside


def _cheapest_loop(costs: Map) -> float:
    """Return the cost of the cheapest closed path.

    `costs` (steps, distances) are those of each place.
    """
    radius_count = costs.shape[1]
    # A row for each distance at which a path may begin and has to end.
    path_costs = np.full((radius_count, radius_count), np.inf, np.float32)
    np.fill_diagonal(path_costs, 0.0)
    beside = (0, 0), (_MAX_STEP_CHANGE, _MAX_STEP_CHANGE)
    for step in costs:
        # Each distance is reached from those near to it.
        padded = np.pad(path_costs + step, beside, constant_values=np.inf)
        path_costs = np.lib.stride_tricks.sliding_window_view(
            padded, 2 * _MAX_STEP_CHANGE + 1, axis=1
        ).min(axis=2)
    return float(path_costs.diagonal().min())
