"""The strokes in a row of digit boxes, the cell of each, and what is odd about them.

Odd strokes are not those of the one digit that a box is read as. A stroke that reaches far into the
next box is perhaps two digits that touch, one of which is not read: "11.30" whose ones touch on the
line between their boxes was read as 01:30, and "72" written close together as 7.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.reading.imaging.pixels import Components, Labels, Mask

Edges = NDArray[np.float64]
Stats = NDArray[np.int32]
Cells = NDArray[np.intp]
Contrast = NDArray[np.float32]

MOST_OF_STROKE = 0.6
"""A stroke with at least this part of its area in one cell belongs to it."""
MAX_REACH = 0.35
"""How far a stroke may reach into the next cell, in cell widths, and still be of one cell alone:
one that goes farther is two digits that touch.
"""
MAX_DUST_SHARE = 0.03
"""A stroke with less than this share of the area of its cell's largest is dust."""
MIN_OFF_CENTRE = 0.12
"""Of the height of the boxes: what is written half outside, or has grown together with the row
above or below, is this far from the middle. The tail of a digit that fills its box moves it by
less.
"""
MAX_STRAIGHT_PX = 7.5
"""A stroke that is nowhere wider, 0.9 mm at 8 px/mm, is straight."""
MAX_NUMBER_GAP = 1.5
"""Digits of one number are at most this many boxes apart; ticks in check boxes are farther apart.
"""
MIN_REACH_IN, MIN_WRITING_HEIGHT = 0.08, 0.4
"""Of the height of the boxes: what is above or below may be of this field if it reaches this far
into them, what is beside if it is this high.
"""
MIN_BEYOND_BOXES, MIN_BEYOND_ON_PRINT = 0.72, 0.85
"""Of the margin: a stroke that shows at least this height above or below the boxes is writing, the
second value where there is print. On clean pages crosses in the boxes of another field show with at
most 0.69, and print with 0.81.
"""
MAX_LINE_DISTANCE_PX, MAX_LINE_WIDTH_PX = 3.5, 5
"""A stroke this close to a line of a box, and at most this wide, is a sliver of the line, or a 1
written on it if it is high.
"""
REACHED_WIDTH, REACHED_HEIGHT = 0.1, 0.2
"""Of the width and height of a box: the minimum part of it that a stroke of the next box takes if
it may be two digits. Of 2,370 drawn rows with empty boxes that were read rightly with high
confidence 24 have such a stroke; so have 52 of 130 rows of touching digits that were read as
another number with high confidence.
"""
MAX_16BIT_PX = 120_000
"""In a smaller image 16 bits number all strokes and what they are divided into: each stroke has a
block of 2 × 2 px to itself, and so has each part among the parts, so that there are at most twice
30,000.
"""
DITTO_SIMILARITY = 0.5
"""Two strokes of a ditto mark: the smaller one has at least this share of the height and area of
the other, and is next to it over this share of its height.
"""
MIN_DITTO_HEIGHT = 0.1
"""Of the height of the box: minimum height of the strokes of a ditto mark."""
MIN_SECOND_DIGIT_INK = 0.1
"""Of two digits in a box: the smaller one has at least this share of the ink of the other. A thin 1
next to a wide 8 has a seventh.
"""
STROKE_CONTRAST = 0.3
"""Contrast from which ink is a stroke."""
MAX_GRAIN_PX, MAX_FLECK_PX = 24, 8
"""Largest area of a speck of grain, and of a fleck of dust that is all there is in a box, px at
8 px/mm: 0.4 and 0.1 mm².
"""
STROKE_DARKNESS = 0.6
"""Mean contrast of a stroke: at least 0.71 of drawn pens and pencils, at most 0.55 of grain in nine
of ten cases.
"""


class Stroke(NamedTuple):
    """Connected ink: its number among the labels, the rectangle around it and its area, px."""

    label: int
    x: int
    y: int
    w: int
    h: int
    area: int


def assign_strokes(
    contrast: Contrast, edges: Edges, margin: float, near_print: NDArray[np.bool_] | None = None
) -> tuple[Labels, dict[int, list[Stroke]], bool]:
    """Number the strokes of a row and give each to its cell.

    Returns for each pixel the number of its stroke, (h, w); for each cell with ink, 0…n-1, its
    strokes without dust; and whether something is left out that seems to be written half outside
    the boxes.

    `contrast` (h, w) is 0 on paper and 1 on full ink; `edges` are the sides of the cells from left
    to right, px; `near_print` is where print may have left something, if that is known. A stroke
    that is mostly in one cell belongs there whole; one that is in several, such as a line through
    the row, is divided. Of what is outside the boxes the grain of the paper does not count.
    """
    strokes = Components.of(np.asarray(contrast > STROKE_CONTRAST, np.bool_))
    stats = strokes.stats
    labels: Labels = (
        strokes.labels if contrast.size < MAX_16BIT_PX else strokes.labels.astype(np.int32)
    )

    # Writing of this field above, below or on the lines of the boxes is left out.
    height = contrast.shape[0]
    outside_labels = _reaching_in(stats, edges, margin, height)
    outside_labels |= _digits_on_line(stats, edges, margin, height)
    outside = any(
        _stroke_darkness(Stroke(label, *strokes.stats[label].tolist()), strokes.labels, contrast)
        >= STROKE_DARKNESS
        for label in np.flatnonzero(outside_labels).tolist()
    )
    if near_print is not None and not outside:
        outside = _has_writing_beyond(strokes, contrast, edges, margin, near_print)

    # The rest goes to the cells, divided where needed.
    by_cell, has_more_beside = _divide_strokes(labels, stats, edges, contrast, margin)
    by_cell = {
        cell: _drop_dust(of_cell)
        for cell, of_cell in by_cell.items()
        if not _is_grain(of_cell, labels, contrast)
    }
    is_cut = any(
        _is_cut_off(stroke, margin, height) for of_cell in by_cell.values() for stroke in of_cell
    )
    return labels, by_cell, outside or has_more_beside or is_cut


def _divide_strokes(
    labels: Labels, stats: Stats, edges: Edges, contrast: Contrast, margin: float
) -> tuple[dict[int, list[Stroke]], bool]:
    """Return the strokes of each cell, and whether writing is left or right of all boxes.

    Strokes that are divided get new numbers in `labels`.
    """
    height, width = labels.shape
    # The cell of each column; -1 is left of all boxes.
    column_cell = np.searchsorted(edges, np.arange(width) + 0.5) - 1
    written = np.flatnonzero(_find_written(stats, edges, margin, height))
    main_cells, whole = _assign_main_cells(labels, stats, written, column_cell, edges)
    min_height = MIN_WRITING_HEIGHT * (height - 2 * margin)
    by_cell: dict[int, list[Stroke]] = {}
    has_more_beside = False
    next_label = len(stats)
    for label, main_cell, is_whole in zip(
        written.tolist(), main_cells.tolist(), whole.tolist(), strict=True
    ):
        stroke = Stroke(label, *stats[label].tolist())
        # Whole strokes go to their cell, the others part by part.
        for cell, part in (
            [(main_cell, stroke)]
            if is_whole
            else _split_stroke(labels, stroke, column_cell, next_label)
        ):
            next_label = max(next_label, part.label + 1)
            if 0 <= cell < len(edges) - 1:
                by_cell.setdefault(cell, []).append(part)
            # Beside the boxes what is as high and as dark as writing counts, not the next frame.
            elif part.h >= min_height and not (part.w <= 2 and part.x in (0, width - part.w)):
                has_more_beside |= _stroke_darkness(part, labels, contrast) >= STROKE_DARKNESS
    return by_cell, has_more_beside


def _find_written(stats: Stats, edges: Edges, margin: float, height: int) -> NDArray[np.bool_]:
    """Return which components are writing within the boxes.

    Not the background, specks, what is above or below the boxes, and slivers of a line of the
    boxes.
    """
    x, y, w, h, area = (stats[:, i].astype(np.float64) for i in range(5))
    middle = y + h / 2
    is_dropped = (middle < margin) | (middle > height - margin) | (area < 5)
    # Slivers of upright and of level lines.
    is_dropped |= _is_along_line(edges, x, w)
    line_distance = np.minimum(np.abs(middle - margin), np.abs(middle - (height - margin)))
    is_dropped |= (line_distance < MAX_LINE_DISTANCE_PX) & (h <= MAX_LINE_WIDTH_PX)
    is_dropped[0] = True
    return np.asarray(~is_dropped, np.bool_)


def _assign_main_cells(
    labels: Labels, stats: Stats, written: Cells, column_cell: Cells, edges: Edges
) -> tuple[Cells, NDArray[np.bool_]]:
    """Return the cell that most of each written stroke is in, and whether it is all there.

    -1 or n is left or right of all cells.
    """
    left, width, area = (
        stats[written, column] for column in (cv2.CC_STAT_LEFT, cv2.CC_STAT_WIDTH, cv2.CC_STAT_AREA)
    )
    end = left + width

    # A stroke within the columns of one cell is of that cell.
    cell, main_area = column_cell[left], area.copy()

    # For others count the ink in each cell.
    for i in np.flatnonzero(cell != column_cell[end - 1]):
        x, y, w, h, _ = stats[written[i]]
        in_columns = np.count_nonzero(labels[y : y + h, x : x + w] == written[i], axis=0)
        count = np.bincount(column_cell[x : x + w] + 1, in_columns)
        cell[i], main_area[i] = count.argmax() - 1, count.max()

    # It stays whole if the rest is little and does not reach far.
    bounds = np.concatenate([[-np.inf], edges, [np.inf]])
    overrun = np.maximum(bounds[cell + 1] - left, end - bounds[cell + 2])
    return cell, (main_area >= MOST_OF_STROKE * area) & (
        overrun <= MAX_REACH * (edges[1] - edges[0])
    )


def _split_stroke(
    labels: Labels, stroke: Stroke, column_cell: Cells, next_label: int
) -> Iterator[tuple[int, Stroke]]:
    """Yield the part of a stroke in each cell, as strokes with labels from `next_label` on."""
    columns = column_cell[stroke.x : stroke.x + stroke.w]
    for cell in range(int(columns[0]), int(columns[-1]) + 1):
        inside = np.flatnonzero(columns == cell)
        if not inside.size:
            continue
        x, stop = stroke.x + int(inside[0]), stroke.x + int(inside[-1]) + 1
        window = labels[stroke.y : stroke.y + stroke.h, x:stop]
        ink = window == stroke.label
        # Number the connected parts in these columns, and write the numbers into the row's labels.
        parts = Components.of(ink)
        window[ink] = parts.labels[ink].astype(labels.dtype) + (next_label - 1)
        for number, (left, top, w, h, area) in enumerate(parts.stats[1:].tolist()):
            yield cell, Stroke(next_label + number, x + left, stroke.y + top, w, h, area)
        next_label += len(parts) - 1


def _drop_dust(strokes: list[Stroke]) -> list[Stroke]:
    """Return the strokes that are not tiny compared with the largest."""
    min_area = MAX_DUST_SHARE * max(stroke.area for stroke in strokes)
    return [stroke for stroke in strokes if stroke.area >= min_area]


def _is_cut_off(stroke: Stroke, margin: float, height: int) -> bool:
    """Return whether a stroke high or low in its box goes on beyond the image.

    What is visible of a 9 may then look like a 4.
    """
    off = stroke.y + stroke.h / 2 - height / 2
    # It touches the edge that it is near.
    return abs(off) >= MIN_OFF_CENTRE * (height - 2 * margin) and (
        stroke.y == 0 if off < 0 else stroke.y + stroke.h == height
    )


def _is_grain(strokes: Sequence[Stroke], labels: Labels, contrast: Contrast) -> bool:
    """Return whether all that is in a cell is specks too pale for a pen, or one fleck of dust."""
    if sum(stroke.area for stroke in strokes) <= MAX_FLECK_PX:
        return True
    return all(
        stroke.area <= MAX_GRAIN_PX and _stroke_darkness(stroke, labels, contrast) < STROKE_DARKNESS
        for stroke in strokes
    )


def _reaching_in(stats: Stats, edges: Edges, margin: float, height: int) -> Mask:
    """Return which strokes with their middle above or below the boxes reach well into them."""
    x, y, w, h, _ = (stats[:, i].astype(np.float64) for i in range(5))
    middle, across = y + h / 2, x + w / 2
    # How far it reaches into the boxes from above or below.
    reach = np.where(
        middle < margin,
        y + h - margin,
        np.where(middle > height - margin, height - margin - y, 0.0),
    )
    reaching = reach >= MIN_REACH_IN * (height - 2 * margin)
    reaching &= (across > edges[0]) & (across < edges[-1])
    reaching[0] = False
    return np.asarray(reaching, np.bool_)


def _has_writing_beyond(
    strokes: Components, contrast: Contrast, edges: Edges, margin: float, near_print: Mask
) -> bool:
    """Return whether a part of something written above or below the boxes is visible.

    It may be a correction, or a number in the gap between two rows.
    """
    left, top, width, height, _ = (strokes.stats[:, i].astype(np.float64) for i in range(5))
    middle, across = top + height / 2, left + width / 2

    # Strokes with their middle above or below the boxes that are high enough.
    beyond = (middle < margin) | (middle > near_print.shape[0] - margin)
    beyond &= (height >= MIN_BEYOND_BOXES * margin) & (across > edges[0]) & (across < edges[-1])
    candidates = np.flatnonzero(beyond[1:]) + 1
    if not candidates.size:
        return False

    # On print they must be higher, unless most of them is off print.
    bare = np.bincount(strokes.labels[~near_print], minlength=len(strokes.stats))[candidates]
    beyond[:] = False
    beyond[candidates] = (height[candidates] >= MIN_BEYOND_ON_PRINT * margin) | (
        bare > 0.5 * strokes.stats[candidates, cv2.CC_STAT_AREA]
    )

    # Grain of the paper is paler.
    for label in np.flatnonzero(beyond).tolist():
        stroke = Stroke(label, *strokes.stats[label].tolist())
        beyond[label] = _stroke_darkness(stroke, strokes.labels, contrast) >= STROKE_DARKNESS

    # Single tails of ticks do not count, digits next to each other do.
    tails = [_is_tail(strokes, label) for label in np.flatnonzero(beyond).tolist()]
    return not all(tails) or any(
        gap <= MAX_NUMBER_GAP * (edges[1] - edges[0])
        for gap in np.diff(np.sort(across[beyond])).tolist()
    )


def _is_tail(strokes: Components, label: int) -> bool:
    """Return whether a stroke is straight and goes on beyond the image.

    So does the tail of a tick in a check box above or below.
    """
    _, y, _, h, _ = strokes.stats[label].tolist()
    # A tail touches the image's edge at the top or bottom.
    if y > 0 and y + h < strokes.labels.shape[0]:
        return False
    # The shorter side of the smallest rectangle around it is its width.
    (_, sides, _) = cv2.minAreaRect(
        cv2.findNonZero((strokes.labels[y : y + h] == label).view(np.uint8))
    )
    return bool(min(sides) <= MAX_STRAIGHT_PX)


def _digits_on_line(stats: Stats, edges: Edges, margin: float, height: int) -> Mask:
    """Return which strokes as thin as a line of the boxes, but as high as writing, are on one.

    They are removed as slivers of the line, but may be a 1.
    """
    x, y, w, h, _ = (stats[:, i].astype(np.float64) for i in range(5))
    high = (
        (h >= MIN_WRITING_HEIGHT * (height - 2 * margin))
        & (y + h / 2 >= margin)
        & (y + h / 2 <= height - margin)
    )
    high[0] = False
    return np.asarray(high & _is_along_line(edges, x, w), np.bool_)


def _is_along_line(
    edges: Edges, x: NDArray[np.float64], w: NDArray[np.float64]
) -> NDArray[np.bool_]:
    """Return which strokes are as thin as an upright line of the boxes and on one."""
    off = np.abs(edges[:, None] - (x + w / 2)[None, :]).min(axis=0)
    return np.asarray((off < MAX_LINE_DISTANCE_PX) & (w <= MAX_LINE_WIDTH_PX), np.bool_)


def find_reached_boxes(
    labels: Labels, strokes: Mapping[int, Sequence[Stroke]], edges: Edges, box_height: float
) -> NDArray[np.bool_]:
    """Return into which boxes (n,) a stroke of another one reaches far.

    `labels` (h, w), `strokes` by box, and the sides of the boxes (n + 1,), px.
    """
    is_reached = np.zeros(len(edges) - 1, np.bool_)
    min_width, min_height = REACHED_WIDTH * (edges[1] - edges[0]), REACHED_HEIGHT * box_height
    for box, of_box in strokes.items():
        for stroke in of_box:
            # The part that is left of its box, and the part that is right of it.
            for other, start, end in (
                (box - 1, stroke.x, int(edges[box])),
                (box + 1, int(edges[box + 1]), stroke.x + stroke.w),
            ):
                if 0 <= other < len(is_reached) and end - start >= min_width:
                    is_reached[other] |= _stroke_height(labels, stroke, start, end) >= min_height
    return is_reached


def _stroke_height(labels: Labels, stroke: Stroke, start: int, end: int) -> int:
    """Return how high a stroke is in some columns of the image, px."""
    inked = np.flatnonzero(
        (labels[stroke.y : stroke.y + stroke.h, start:end] == stroke.label).any(axis=1)
    )
    return int(inked[-1] - inked[0] + 1) if inked.size else 0


def has_tall_stroke(
    strokes: Sequence[Stroke], labels: Labels, contrast: Contrast, box_height: float
) -> bool:
    """Return whether something in a box is as high and as dark as writing.

    Unlike the grain of paper: such a box is not empty.
    """
    high = [stroke for stroke in strokes if stroke.h >= MIN_WRITING_HEIGHT * box_height]
    return any(_stroke_darkness(stroke, labels, contrast) >= STROKE_DARKNESS for stroke in high)


def has_ditto_mark(
    strokes: Sequence[Stroke], labels: Labels, contrast: Contrast, box_height: float
) -> bool:
    """Return whether a box holds a ditto mark that is lower than any digit.

    Two upright strokes alike, next to each other, as dark as writing.
    """
    min_height, max_height = MIN_DITTO_HEIGHT * box_height, MIN_WRITING_HEIGHT * box_height
    upright = [
        stroke
        for stroke in strokes
        if min_height <= stroke.h < max_height
        and stroke.w <= stroke.h
        and _stroke_darkness(stroke, labels, contrast) >= STROKE_DARKNESS
    ]
    return any(_is_ditto_pair(*pair) for pair in combinations(upright, 2))


def _stroke_darkness(stroke: Stroke, labels: Labels, contrast: Contrast) -> float:
    """Return the mean contrast of a stroke."""
    place = slice(stroke.y, stroke.y + stroke.h), slice(stroke.x, stroke.x + stroke.w)
    return float(contrast[place][labels[place] == stroke.label].mean())


def is_not_one(strokes: Sequence[Stroke], height: int) -> bool:
    """Return whether the strokes of a box cannot be a 1.

    They are a ditto mark, two alike next to each other, or one passes through the whole image of
    the row, `height` px.
    """
    return any(stroke.h >= height - 2 for stroke in strokes) or any(
        _is_ditto_pair(*pair) for pair in combinations(strokes, 2)
    )


def has_two_digits(strokes: Sequence[Stroke], box_height: float) -> bool:
    """Return whether a box holds two digits next to each other, one of which is not read.

    Its strokes are in columns clear of each other, two of which are as high as writing; or one is a
    digit and the other a part of the next box's digit that was cut off.
    """
    # Merge strokes that share columns of pixels.
    columns: list[Stroke] = []
    for stroke in sorted(strokes, key=lambda stroke: stroke.x):
        if columns and stroke.x < columns[-1].x + columns[-1].w:
            columns[-1] = _merge_strokes(columns[-1], stroke)
        else:
            columns.append(stroke)

    # Two merged columns as high as writing, next to each other.
    min_area = MIN_SECOND_DIGIT_INK * max(column.area for column in columns)
    high = [
        column
        for column in columns
        if column.h >= MIN_WRITING_HEIGHT * box_height and column.area >= min_area
    ]
    return any(
        _vertical_overlap(*pair) >= DITTO_SIMILARITY * min(box_part.h for box_part in pair)
        for pair in combinations(high, 2)
    )


def _merge_strokes(first: Stroke, second: Stroke) -> Stroke:
    """Return two strokes as one: the rectangle around both, and the ink of both."""
    x, y = min(first.x, second.x), min(first.y, second.y)
    right, bottom = (
        max(first.x + first.w, second.x + second.w),
        max(first.y + first.h, second.y + second.h),
    )
    return Stroke(first.label, x, y, right - x, bottom - y, first.area + second.area)


def _vertical_overlap(first: Stroke, second: Stroke) -> int:
    """Return over how many px two strokes are next to each other."""
    return min(first.y + first.h, second.y + second.h) - max(first.y, second.y)


def _is_ditto_pair(first: Stroke, second: Stroke) -> bool:
    """Return whether two strokes are alike and next to each other, as in a ditto mark."""
    left, right = sorted((first, second), key=lambda stroke: stroke.x)
    low, high = sorted((first.h, second.h))
    small, large = sorted((first.area, second.area))
    # Alike in height and ink, next to each other, and apart.
    alike = (
        low >= DITTO_SIMILARITY * high
        and small >= DITTO_SIMILARITY * large
        and _vertical_overlap(first, second) >= DITTO_SIMILARITY * low
    )
    return alike and left.x + left.w <= right.x + right.w / 2
