"""Rules for ink in a check box that may be no mark: a dash, a scribble, a line that passes through.

A dash is a mark to some, and to others it means that the box does not apply. A mark that is
scribbled over is cancelled: more strokes than a mark has, and less than fills its box. A fold of
the paper and a line that strikes out a whole row only pass through a box; a mark ends near it.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.domain.form.field import FieldSpec
from pipeline.domain.model import Box, Image
from pipeline.reading.fields.field_image import FieldImage
from pipeline.reading.fields.ink import Ink, square_kernel
from pipeline.reading.imaging import geometry
from pipeline.reading.imaging.geometry import PX_PER_MM
from pipeline.reading.imaging.pixels import Components, Mask, median

MIN_SCRIBBLE_STROKES = 3
"""This many strokes above each other, or next to each other, are more than a cross or a tick has.
"""
MIN_SCRIBBLE_WIDTH = 0.45
"""Minimum share of the box with that many strokes; a cross with one stroke too many has them over
less.
"""
MIN_SCRIBBLE_INK = 0.5
"""Ink on this share of the box is no mark either: strokes of a scribble run together."""
SIDE_ZONES = (((0.35, 0.65), (0.06, 0.26)), ((0.35, 0.65), (0.74, 0.94)))
"""The middle of a box's upper and lower side, and turned those of the left and right: columns and
rows as shares of its sides.
"""
MIN_ZONE_INK = 0.55
"""A scribble covers this share of each of them, as nearly nine of ten that were drawn do. None of
300 crosses did that were drawn with a broad pen or gone over.
"""
MAX_LINE_GAP_MM = 0.3
"""A line that crosses print may be lost for this much on both sides."""
MIN_MARGIN_MM = 1.5
"""With less paper than this around the box a mark may well leave the image."""
MIN_UNBROKEN_SHARE = 0.95
"""Minimum share of a line's length that has ink."""
MAX_DASH_HEIGHT, MIN_DASH_LENGTH = 0.5, 0.4
"""Maximum height of a dash for its length, pen and slope and all, and minimum length for the width
of its box.
"""
MAX_DASH_SLOPE, MAX_DASH_BEND = 0.27, 0.07
"""Maximum slope of a dash (15°), and maximum deviation from a straight line for its length
(standard deviation).
"""
MAX_LINE_SPREAD = 0.2
"""Standard deviation across a straight line, as a share of that along it.

A line of 0.9 mm, widened, through a box has at most 0.17; large ticks and crosses 0.32 and more.
"""
MIN_BEYOND_MM, MAX_LINE_RISE_MM, MAX_LINE_WIDTH_MM = (0.9, 0.6), 1.5, 1.2
"""A line through a row goes on at least this far to the left and right of the box (where words are
printed), rises or falls no more than this, and is at most this wide.
"""


def is_dash(ink: Ink) -> bool:
    """Return whether all ink in a box is one straight and nearly level stroke."""
    # Only the ink inside the box counts.
    left, top, right, bottom = ink.field
    inside = np.ascontiguousarray(ink.mask[top:bottom, left:right])
    # Long and low enough for a dash.
    x, y, width, height = cv2.boundingRect(inside.view(np.uint8))
    if width < MIN_DASH_LENGTH * (right - left) or height > MAX_DASH_HEIGHT * width:
        return False
    return _is_level_shape(inside[y : y + height, x : x + width])


def _is_level_shape(shape: Mask) -> bool:
    """Return whether a shape is straight and level, unlike a low tick or a cross."""
    columns = np.flatnonzero(shape.any(axis=0))
    middles = np.array([np.flatnonzero(shape[:, column]).mean() for column in columns])
    # Fit a line to the middle of the ink in each column.
    slope, start = np.polyfit(columns, middles, 1)
    return bool(
        abs(slope) <= MAX_DASH_SLOPE
        and (middles - slope * columns - start).std() <= MAX_DASH_BEND * shape.shape[1]
    )


def is_scribbled_over(ink: Ink) -> bool:
    """Return whether a box holds more strokes than a mark has, so that it was scribbled over."""
    inside = np.ascontiguousarray(ink.mask[ink.inside])
    if not inside.any():
        return False
    # Many strokes across or down, or much ink.
    return (
        max(_dense_column_share(inside), _dense_column_share(inside.T)) >= MIN_SCRIBBLE_WIDTH
        or float(inside.mean()) >= MIN_SCRIBBLE_INK
    )


def is_covered(ink: Ink) -> bool:
    """Return whether a box is scribbled over all round, unlike a cross that is gone over."""
    inside = ink.mask[ink.inside]
    zones = [_cut_zone(box, zone) for box in (inside, inside.T) for zone in SIDE_ZONES]
    return all(zone.size and zone.mean() >= MIN_ZONE_INK for zone in zones)


def _cut_zone(box: Mask, zone: tuple[tuple[float, float], tuple[float, float]]) -> Mask:
    (x0, x1), (y0, y1) = zone
    height, width = box.shape
    return box[round(y0 * height) : round(y1 * height), round(x0 * width) : round(x1 * width)]


def _dense_column_share(inside: Mask) -> float:
    """Return the share of columns with that many strokes above each other."""
    # A stroke starts where the px above is paper.
    stroke_starts = inside & ~np.roll(inside, 1, axis=0)
    stroke_starts[0] = inside[0]
    strokes = np.asarray(np.count_nonzero(stroke_starts, axis=0))
    return float((strokes >= MIN_SCRIBBLE_STROKES).mean())


def passes_through(ink: Ink) -> bool:
    """Return whether ink in the box leaves its image on two sides, or crosses it level."""
    return _leaves_two_sides(ink) or _crosses_level(ink)


def _leaves_two_sides(ink: Ink) -> bool:
    """Return whether a line in the box leaves the image on two sides or more.

    It is straight, or goes from left to right: a large tick leaves the image at its bend and end.
    """
    left, top, right, bottom = ink.field
    if (
        min(left, top) < MIN_MARGIN_MM * ink.px_per_mm
        or sum(edge.any() for edge in _image_edges(ink.mask)) < 2
    ):
        return False

    # Join strokes that print has divided.
    joined = cv2.dilate(
        ink.mask.view(np.uint8), square_kernel(2 * round(MAX_LINE_GAP_MM * ink.px_per_mm) + 1)
    )
    parts = Components.of(joined > 0)

    # Which connected strokes touch each edge, and which are in the box.
    sides = [set(np.unique(edge).tolist()) for edge in _image_edges(parts.labels)]
    in_box = set(np.unique(parts.labels[top:bottom, left:right]).tolist()) - {0}
    left_and_right = sides[2] & sides[3]
    return any(
        sum(part in side for side in sides) >= 2
        and (part in left_and_right or _is_straight(parts.labels == part))
        for part in in_box
    )


def _is_straight(shape: Mask) -> bool:
    """Return whether a shape is one straight line, in any direction."""
    points = np.argwhere(shape).astype(np.float64)
    across, along = np.sqrt(np.linalg.eigvalsh(np.cov(points.T)).clip(0))
    return bool(across <= MAX_LINE_SPREAD * along)


def _image_edges(picture: NDArray[Any]) -> tuple[NDArray[Any], ...]:
    return picture[0], picture[-1], picture[:, 0], picture[:, -1]


def _crosses_level(ink: Ink) -> bool:
    """Return whether a level stroke goes right through the box, as through a cancelled row."""
    left, top, right, bottom = ink.field

    # Columns left and right of the box.
    start, end = (
        left - round(MIN_BEYOND_MM[0] * ink.px_per_mm),
        right + round(MIN_BEYOND_MM[1] * ink.px_per_mm),
    )
    if start < 0 or end >= ink.mask.shape[1]:
        return False

    # Any stroke at the left with any stroke at the right.
    height_pairs = itertools.product(_strokes_across(ink, start), _strokes_across(ink, end))
    return any(
        top < min(heights) <= max(heights) < bottom and _is_level_line(ink, (start, end), heights)
        for heights in height_pairs
    )


def _strokes_across(ink: Ink, column: int) -> list[float]:
    """Return how far down thin strokes cross a column of the image, px."""
    # Runs of ink in the column that are thin enough.
    inked = np.flatnonzero(ink.mask[:, column])
    runs = np.split(inked, np.flatnonzero(np.diff(inked) > 1) + 1)
    return [float(run.mean()) for run in runs if 0 < len(run) <= MAX_LINE_WIDTH_MM * ink.px_per_mm]


def _is_level_line(ink: Ink, ends: tuple[int, int], heights: tuple[float, float]) -> bool:
    """Return whether an unbroken and nearly level stroke goes from one place to another."""
    if abs(heights[1] - heights[0]) > MAX_LINE_RISE_MM * ink.px_per_mm:
        return False
    # Ink within two px of the straight line between both.
    columns = np.arange(ends[0], ends[1] + 1)
    rows = np.interp(columns, ends, heights).round().astype(int)[:, None] + np.arange(-2, 3)
    inked = ink.mask[np.clip(rows, 0, ink.mask.shape[0] - 1), columns[:, None]].any(axis=1)
    return bool(inked.mean() >= MIN_UNBROKEN_SHARE)


# Paint over writing in the fields around a check box that its reader would take for a mark.
#
# A line of writing just above an empty box is in the image of the box, too: the box was no longer
# surely empty. What lies in another field is the other's, unless it reaches out of it, as a cross
# beside the box or a ring around it does.

_MIN_INK_LEVELS = 30
"""Ink is at least this many grey levels darker than the paper of its image."""
_MIN_PAPER_LEVEL = 225
"""The template is paper where it is lighter; darker is print, which stays."""
_MIN_SHARE_IN_OTHERS = 0.9
"""Connected ink with this share in other fields, of what the image shows of it, is theirs."""
_HALO = np.ones((3, 3), np.uint8)
"""The soft edge of a stroke, px."""


def paint_over_neighbours(
    crops: Sequence[FieldImage], specs: Sequence[FieldSpec]
) -> list[FieldImage]:
    """Return the images of check boxes without what is written in other fields of the page.

    `specs` are its fields. What is in another check box stays: a mark may be meant for either.
    """
    areas = [spec.area for spec in specs if not spec.traits.has_check_boxes]
    if not areas:
        return list(crops)
    left, top, width, height = np.array([(a.x, a.y, a.w, a.h) for a in areas], np.float64).T
    painted = []
    for crop in crops:
        box = geometry.widen_box(crop.spec.area, crop.margin_mm)
        is_near = (left < box.x + box.w) & (left + width > box.x)
        is_near &= (top < box.y + box.h) & (top + height > box.y)
        others = [areas[i] for i in np.flatnonzero(is_near).tolist()]
        painted.append(_paint_over(crop, others) if others else crop)
    return painted


def _paint_over(crop: FieldImage, others: Sequence[Box]) -> FieldImage:
    """Return the image of a check box without what is written in other fields (page mm)."""
    image, template = crop.image, crop.template_image
    if template is None:
        return crop
    within = _find_within(crop, others)
    paper = median(image)
    ink = np.asarray((image < paper - _MIN_INK_LEVELS) & (template >= _MIN_PAPER_LEVEL), np.bool_)
    if not (ink & within).any():
        return crop

    # Connected ink that is nearly all in other fields.
    strokes = Components.of(ink)
    inside = np.bincount(strokes.labels[within], minlength=len(strokes))
    theirs = inside >= _MIN_SHARE_IN_OTHERS * strokes.column(cv2.CC_STAT_AREA)
    hidden = cv2.dilate(strokes.pixels(theirs).view(np.uint8), _HALO) > 0
    painted: Image = np.where(hidden & (template >= _MIN_PAPER_LEVEL), paper, image).astype(
        np.uint8
    )
    return replace(crop, image=painted)


def _find_within(crop: FieldImage, others: Sequence[Box]) -> Mask:
    """Return where the image shows other fields, (h, w)."""
    within = np.zeros(crop.image.shape, np.bool_)
    left, top = crop.spec.area.x - crop.margin_mm, crop.spec.area.y - crop.margin_mm
    for box in others:
        x, y = round((box.x - left) * PX_PER_MM), round((box.y - top) * PX_PER_MM)
        right, bottom = x + round(box.w * PX_PER_MM), y + round(box.h * PX_PER_MM)
        within[max(0, y) : max(0, bottom), max(0, x) : max(0, right)] = True
    return within
