"""Check boxes with a ring around them: a person means that option, or takes its mark back. Readers
of boxes see only what is in or close to each.

A ring is sought in two ways: as connected ink around a box, which may take in its label too, and
as the path around one box that lies on ink, which labels on both sides and writing that touches
the ring do not hide.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from pipeline.domain.form.field import FieldSpec
from pipeline.domain.issues import Issue, IssueCode
from pipeline.domain.model import Box, Reading
from pipeline.reading.imaging import geometry
from pipeline.reading.imaging.cache import Map, Mask
from pipeline.reading.imaging.print_contrast import CHECK_PX_PER_MM, PrintContrast
from pipeline.reading.page_checks.pen_strokes import (
    connect_ink,
    find_bare_paper,
    find_pen_strokes,
    list_check_boxes,
)
from pipeline.reading.page_context import PageContext

_RING_GAP_MM = 1.0
"""So far to each side a ring is followed on: where it crosses print it is not seen."""
_MAX_RING_MM = 40.0
"""A larger ring is a stain of a cup, or a part of the page is struck out."""
_DIRECTIONS, _MIN_SURROUNDED_SHARE = 24, 0.65
"""In so many of the directions from the middle of a box a ring lies outside of it."""
_RING_OUTLINE_MM = 0.3
"""Ink this near to a box's outline belongs to the box, mm."""
_PATH_STEPS = 72
"""A path around a box has so many steps, of 5° each."""
_DISTANCE_STEP_MM, _MAX_RADIUS_MM = 0.25, 9.0
"""It lies so far from the middle of the box at most, as a ring around a box without its label;
distances are tried at every pixel.
"""
_MAX_STEP_CHANGE = 2
"""So many distances farther out or in a step leads at most, as on a ring twice as broad as high."""
_PRINT_STEP_COST = 0.3
"""What a step on print costs, where ink is not seen: less than one on paper, which costs 1, and
more than one on ink, or rules would make a ring.
"""
_MIN_SHOWN_SHARE, _MAX_MEAN_COST = 0.5, 0.16
"""In so many directions a ring shows at least, and a step of its path costs so much at most, on
average. Of 452 drawn rings 450 cost at most 0.15; what is written and marked around the boxes of
filled pages costs 0.20 and more.
"""


def check(context: PageContext, _readings: Mapping[str, Reading]) -> list[Issue]:
    """The issues of fields with a ring around a box."""
    found = find_circled_boxes(context.fields, context.contrast)
    return [Issue(IssueCode.ENCIRCLED, spec.name) for spec in context.fields if spec.name in found]


def find_circled_boxes(specs: Sequence[FieldSpec], seen: PrintContrast) -> frozenset[str]:
    """The names of the fields with a ring around a box. `seen` is the page laid on its form."""
    boxes = list_check_boxes(specs)
    if not boxes:
        return frozenset()
    ink = find_pen_strokes(seen)
    found = _fields_within_shapes(boxes, ink)
    bare = find_bare_paper(seen.template)
    return frozenset(
        found
        | {name for name, box in boxes if name not in found and _path_lies_around(box, ink, bare)}
    )


def _fields_within_shapes(boxes: Sequence[tuple[str, Box]], ink: Mask) -> set[str]:
    """The fields with a box that connected ink lies around."""
    sides = (
        np.array([(box.x, box.y, box.x + box.w, box.y + box.h) for _, box in boxes])
        * CHECK_PX_PER_MM
    )
    found: set[str] = set()
    for top, left, shape in connect_ink(
        ink, _RING_GAP_MM, min(box.w for _, box in boxes), _MAX_RING_MM
    ):
        place = np.array((left, top, left + shape.shape[1], top + shape.shape[0]))
        inside = np.flatnonzero(
            (sides[:, :2] > place[:2]).all(axis=1) & (sides[:, 2:] < place[2:]).all(axis=1)
        ).tolist()
        found.update(boxes[i][0] for i in inside if _surrounds(shape, boxes[i][1], place))
    return found


def _surrounds(shape: Mask, box: Box, place: NDArray[np.int64]) -> bool:
    """Whether a shape lies around a box in nearly all directions."""
    rows, columns = np.nonzero(shape)
    outline = geometry.widen_box(box, _RING_OUTLINE_MM)
    x, y = (columns + place[0]) / CHECK_PX_PER_MM, (rows + place[1]) / CHECK_PX_PER_MM
    outside = (
        (x < outline.x)
        | (x > outline.x + outline.w)
        | (y < outline.y)
        | (y > outline.y + outline.h)
    )
    angles = np.arctan2(y - box.y - box.h / 2, x - box.x - box.w / 2)[outside]
    directions = np.unique(((angles + np.pi) / (2 * np.pi) * _DIRECTIONS).astype(int) % _DIRECTIONS)
    return len(directions) >= _MIN_SURROUNDED_SHARE * _DIRECTIONS


def _path_lies_around(box: Box, ink: Mask, bare: Mask) -> bool:
    """Whether a closed path around a box, outside of it, lies on ink nearly everywhere but where
    print hides it.
    """
    angles = np.arange(_PATH_STEPS) * (2 * np.pi / _PATH_STEPS)
    far = np.arange(min(box.w, box.h) / 2, _MAX_RADIUS_MM, _DISTANCE_STEP_MM)
    across, down = np.cos(angles)[:, None] * far, np.sin(angles)[:, None] * far
    rows = np.clip(((box.y + box.h / 2 + down) * CHECK_PX_PER_MM).astype(int), 0, ink.shape[0] - 1)
    columns = np.clip(
        ((box.x + box.w / 2 + across) * CHECK_PX_PER_MM).astype(int), 0, ink.shape[1] - 1
    )
    outside = (np.abs(across) >= box.w / 2 + _RING_OUTLINE_MM) | (
        np.abs(down) >= box.h / 2 + _RING_OUTLINE_MM
    )
    inked = ink[rows, columns] & outside
    if inked.any(axis=1).mean() < _MIN_SHOWN_SHARE:
        return False
    costs = np.where(inked, 0.0, np.where(bare[rows, columns] | ~outside, 1.0, _PRINT_STEP_COST))
    return _cheapest_loop(costs.astype(np.float32)) <= _MAX_MEAN_COST * _PATH_STEPS


def _cheapest_loop(costs: Map) -> float:
    """What the cheapest closed path costs; `costs` (steps, distances) are of each place of it."""
    distances = costs.shape[1]
    since = np.full((distances, distances), np.inf, np.float32)
    np.fill_diagonal(since, 0.0)  # a row for each distance at which a path may begin and has to end
    for step in costs:
        since = _propagate_costs(since + step)
    return float(since.diagonal().min())


def _propagate_costs(costs: Map) -> Map:
    """What it costs to have come to each distance from those close to it."""
    beyond = np.pad(costs, ((0, 0), (_MAX_STEP_CHANGE, _MAX_STEP_CHANGE)), constant_values=np.inf)
    return np.asarray(
        np.lib.stride_tricks.sliding_window_view(beyond, 2 * _MAX_STEP_CHANGE + 1, axis=1).min(
            axis=2
        ),
        np.float32,
    )
