"""Find check boxes with a ring around them: the writer means that option, or takes its mark back.

Readers of boxes see only what is in or close to each box. A ring is searched for in two ways: as
connected ink around a box, which may include its label, and as the path around one box that is
mostly on ink, which labels on both sides and writing that touches the ring do not hide.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from pipeline.domain.form.field import FieldSpec
from pipeline.domain.issues import Issue, IssueCode
from pipeline.domain.model import Box, Reading
from pipeline.reading.imaging import geometry
from pipeline.reading.imaging.cache import Map, Mask
from pipeline.reading.imaging.print_contrast import CHECK_PX_PER_MM, PrintContrast, box_window
from pipeline.reading.page_checks.pen_strokes import (
    connect_ink,
    find_bare_paper,
    find_pen_strokes,
    list_check_boxes,
)
from pipeline.reading.page_context import PageContext

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


def check(context: PageContext, _readings: Mapping[str, Reading]) -> list[Issue]:
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
    for step in costs:
        path_costs = _propagate_costs(path_costs + step)
    return float(path_costs.diagonal().min())


def _propagate_costs(costs: Map) -> Map:
    """Return the cost of reaching each distance from those near to it."""
    padded = np.pad(costs, ((0, 0), (_MAX_STEP_CHANGE, _MAX_STEP_CHANGE)), constant_values=np.inf)
    return np.asarray(
        np.lib.stride_tricks.sliding_window_view(padded, 2 * _MAX_STEP_CHANGE + 1, axis=1).min(
            axis=2
        ),
        np.float32,
    )
