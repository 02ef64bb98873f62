"""The strokes in a row of digit boxes, and the cell that each belongs to.

A stroke of one box that reaches far into the next: perhaps two digits that touch, of which one
is not read, and the next box is not empty.

"11.30" whose ones touch on the line between their boxes was 01:30, and "72" written close
together 7.

Strokes in a box of a row of digits that are not those of the one digit that it is read as.

More paper enclosed by the strokes of a digit than the digit has loops: it is written over
another one.

An 8 over a 3, a 7 over a 9, a 1 over a nought by the same pen: the network says one of both, and
often the one that no longer counts.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.domain.model import Image
from pipeline.reading.imaging.components import Components, Labels, Mask

MOST_OF_STROKE = 0.6
"""A stroke with at least this part of its area in one cell belongs to it."""
MAX_REACH = 0.35
"""How far a stroke may reach into the next cell, in cell widths, and still be this cell's alone:
one that goes farther is two digits that touch.
"""
MAX_DUST_SHARE = 0.03
"""A stroke with less than this share of the area of its cell's largest is dust."""
MIN_OFF_CENTRE = 0.12
"""Of the height of the boxes: so far above or below the middle lies what is written half outside,
or runs together with the row above or below. The tail of a digit that fills its box moves it by
less.
"""
MAX_STRAIGHT_PX = 7.5
"""A stroke that is nowhere wider, 0.9 mm at 8 px/mm, is straight."""
MAX_NUMBER_GAP = 1.5
"""So many boxes apart at most are figures of one number; ticks in check boxes stand farther apart."""
MAX_16BIT_PX = 120_000
"""In a smaller picture 16 bits number all strokes and what they are divided into: each stroke has a
block of 2 × 2 px to itself, and among the pieces each piece has one, so that there are at most
twice 30,000.
"""
Edges = NDArray[np.float64]
Stats = NDArray[np.int32]
Cells = NDArray[np.intp]
DITTO_SIMILARITY = 0.5
"""Two strokes of a ditto mark: the smaller one has this share of the height and of the area of the
other, at least, and stands beside it so far.
"""
MIN_DITTO_HEIGHT = 0.1
"""Of the height of the box: the strokes of a ditto mark are at least so high."""
MIN_SECOND_DIGIT_INK = 0.1
"""Of two digits in a box: the smaller one has this share of the ink of the other, at least. A thin
1 beside a wide 8 has a seventh.
"""
STROKE_DARKNESS = 0.6
"""Mean contrast of a stroke: at least 0.71 of drawn pens and pencils, at most 0.55 of grain in nine
of ten cases.
"""
MAX_LOOPS = (1, 0, 2, 1, 1, 0, 1, 0, 2, 1)
"""How many loops a digit has at most: a 4 may be closed above, a 3 curled at its head, a 2 at its
head and its foot.
"""
CELL_INK_LEVEL = 127
"""Ink in a cell's image is darker than this, grey levels."""
CELL_ENLARGEMENT = 2
"""How many times cells are enlarged, so that narrow holes stay open."""
MIN_LOOP_PX = (12, 6, 12, 12, 6, 12, 12, 6, 6, 6)
"""For each digit the least paper that counts as enclosed, in a cell picture twice as large (64 ×
64): more where strokes of one digit nearly meet. Half a percent of rows in digits of people are
told of, and three in ten of the rows with a digit over another that were surely another number.
"""
ZERO_DIGIT = 0
SLASH_ANGLE_DEG = 20, 75
"""The slash of a nought leaves two loops, of which the right one lies so many degrees below the
left one; a 1 over a nought stands upright.
"""


MIN_REACH_IN, MIN_WRITING_HEIGHT = 0.08, 0.4
"""Of the height of the boxes: what stands above or below may be of this field if it reaches so far
into them, what stands beside if it is so high.
"""


MIN_BEYOND_BOXES, MIN_BEYOND_ON_PRINT = 0.72, 0.85
"""Of the margin: a stroke of which so much shows above or below the boxes is writing. On clean
pages crosses in the boxes of another field show with at most 0.69, and print with 0.81.
"""


MAX_LINE_DISTANCE_PX, MAX_LINE_WIDTH_PX = 3.5, 5
"""What stands so near to a line of a box and is no wider than this is a sliver of the line, or a 1
written on it if it is high.
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
    mask: Image, edges: Edges, margin: float, near_print: NDArray[np.bool_] | None = None
) -> tuple[Labels, dict[int, list[Stroke]], bool]:
    """For each pixel the number of its stroke, (h, w), for each cell with ink, 0…n-1, its strokes
    without dust, and whether something is left out that seems to be written half outside the
    boxes.

    `mask` (h, w) is 1 on ink; `edges` are the sides of the cells from left to right, px;
    `near_print` is where print may have left something, if that is known. A stroke that lies
    mostly in one cell belongs there whole; one that lies in several, such as a line through the
    row, is divided.
    """
    strokes = Components.of(mask.view(np.bool_))
    stats = strokes.stats
    labels: Labels = strokes.labels if mask.size < MAX_16BIT_PX else strokes.labels.astype(np.int32)
    column_cell = np.searchsorted(edges, np.arange(mask.shape[1]) + 0.5) - 1
    written = np.flatnonzero(_find_written(stats, edges, margin, mask.shape[0]))
    cell, whole = _assign_main_cells(labels, stats, written, column_cell, edges)
    found: dict[int, list[Stroke]] = {}
    high = MIN_WRITING_HEIGHT * (mask.shape[0] - 2 * margin)
    outside = _reaches_in(stats, edges, margin, mask.shape[0]) or _is_digit_on_line(
        stats, edges, margin, mask.shape[0]
    )
    outside |= near_print is not None and _has_writing_beyond(strokes, edges, margin, near_print)
    next_label = len(stats)
    for label, at, undivided in zip(written.tolist(), cell.tolist(), whole.tolist(), strict=True):
        stroke = Stroke(label, *stats[label].tolist())
        for its, piece in (
            [(at, stroke)] if undivided else _split_stroke(labels, stroke, column_cell, next_label)
        ):
            next_label = max(next_label, piece.label + 1)
            if 0 <= its < len(edges) - 1:
                found.setdefault(its, []).append(piece)
            elif piece.h >= high:
                outside = True
    kept = {its: _drop_dust(of_cell) for its, of_cell in found.items()}
    return (
        labels,
        kept,
        outside
        or any(
            _is_cut_off(stroke, margin, mask.shape[0])
            for of_cell in kept.values()
            for stroke in of_cell
        ),
    )


def _is_cut_off(stroke: Stroke, margin: float, height: int) -> bool:
    """Whether a stroke that lies high or low in its box goes on above or below the picture: what is
    seen of a 9 may look like a 4.
    """
    off = stroke.y + stroke.h / 2 - height / 2
    return abs(off) >= MIN_OFF_CENTRE * (height - 2 * margin) and (
        stroke.y == 0 if off < 0 else stroke.y + stroke.h == height
    )


def _reaches_in(stats: Stats, edges: Edges, margin: float, height: int) -> bool:
    """Whether a stroke whose middle is above or below the boxes reaches a good way into them."""
    x, y, w, h, _ = (stats[1:, i].astype(np.float64) for i in range(5))
    middle, across = y + h / 2, x + w / 2
    into = np.where(
        middle < margin,
        y + h - margin,
        np.where(middle > height - margin, height - margin - y, 0.0),
    )
    return bool(
        (
            (into >= MIN_REACH_IN * (height - 2 * margin))
            & (across > edges[0])
            & (across < edges[-1])
        ).any()
    )


def _has_writing_beyond(strokes: Components, edges: Edges, margin: float, near_print: Mask) -> bool:
    """Whether the picture shows a part of something written above or below the boxes: a correction,
    or a number in the gap between two rows.
    """
    left, top, width, height, _ = (strokes.stats[:, i].astype(np.float64) for i in range(5))
    middle, across = top + height / 2, left + width / 2
    beyond = (middle < margin) | (middle > near_print.shape[0] - margin)
    beyond &= (height >= MIN_BEYOND_BOXES * margin) & (across > edges[0]) & (across < edges[-1])
    seen = np.flatnonzero(beyond[1:]) + 1
    if not seen.size:
        return False
    bare = np.bincount(strokes.labels[~near_print], minlength=len(strokes.stats))[seen]
    beyond[:] = False
    beyond[seen] = (height[seen] >= MIN_BEYOND_ON_PRINT * margin) | (
        bare > 0.5 * strokes.stats[seen, cv2.CC_STAT_AREA]
    )
    tails = [_is_tail(strokes, label) for label in np.flatnonzero(beyond).tolist()]
    return not all(tails) or any(
        gap <= MAX_NUMBER_GAP * (edges[1] - edges[0])
        for gap in np.diff(np.sort(across[beyond])).tolist()
    )


def _is_tail(strokes: Components, label: int) -> bool:
    """Whether a stroke is straight and goes on beyond the picture, as the tail of a tick in a check
    box above or below does.
    """
    _, y, _, h, _ = strokes.stats[label].tolist()
    if y > 0 and y + h < strokes.labels.shape[0]:
        return False
    (_, sides, _) = cv2.minAreaRect(
        cv2.findNonZero((strokes.labels[y : y + h] == label).view(np.uint8))
    )
    return bool(min(sides) <= MAX_STRAIGHT_PX)


def _is_digit_on_line(stats: Stats, edges: Edges, margin: float, height: int) -> bool:
    """Whether a stroke as thin as a line of the boxes, and as high as writing, stands on one: it is
    taken for a sliver of it, and may be a 1.
    """
    x, y, w, h, _ = (stats[1:, i].astype(np.float64) for i in range(5))
    high = (
        (h >= MIN_WRITING_HEIGHT * (height - 2 * margin))
        & (y + h / 2 >= margin)
        & (y + h / 2 <= height - margin)
    )
    return bool((high & _lies_along_line(edges, x, w)).any())


def _lies_along_line(
    edges: Edges, x: NDArray[np.float64], w: NDArray[np.float64]
) -> NDArray[np.bool_]:
    """Which strokes are as thin as an upright line of the boxes and lie on one."""
    off = np.abs(edges[:, None] - (x + w / 2)[None, :]).min(axis=0)
    return np.asarray((off < MAX_LINE_DISTANCE_PX) & (w <= MAX_LINE_WIDTH_PX), np.bool_)


def _find_written(stats: Stats, edges: Edges, margin: float, height: int) -> NDArray[np.bool_]:
    """Components other than the background, what lies outside the boxes, and slivers of a box line."""
    x, y, w, h, area = (stats[:, i].astype(np.float64) for i in range(5))
    middle = y + h / 2
    gone = (middle < margin) | (middle > height - margin) | (area < 5)
    gone |= _lies_along_line(edges, x, w)
    off = np.minimum(np.abs(middle - margin), np.abs(middle - (height - margin)))
    gone |= (off < MAX_LINE_DISTANCE_PX) & (h <= MAX_LINE_WIDTH_PX)
    gone[0] = True
    return np.asarray(~gone, np.bool_)


def _assign_main_cells(
    labels: Labels, stats: Stats, written: Cells, column_cell: Cells, edges: Edges
) -> tuple[Cells, NDArray[np.bool_]]:
    """The cell that most of each written stroke lies in, -1 or n outside of all, and whether it
    belongs there whole.
    """
    left, width, area = (
        stats[written, column] for column in (cv2.CC_STAT_LEFT, cv2.CC_STAT_WIDTH, cv2.CC_STAT_AREA)
    )
    right = left + width
    cell, most = column_cell[left], area.copy()
    for i in np.flatnonzero(cell != column_cell[right - 1]):
        x, y, w, h, _ = stats[written[i]]
        in_columns = np.count_nonzero(labels[y : y + h, x : x + w] == written[i], axis=0)
        count = np.bincount(column_cell[x : x + w] + 1, in_columns)
        cell[i], most[i] = count.argmax() - 1, count.max()
    bounds = np.concatenate([[-np.inf], edges, [np.inf]])
    overrun = np.maximum(bounds[cell + 1] - left, right - bounds[cell + 2])
    return cell, (most >= MOST_OF_STROKE * area) & (overrun <= MAX_REACH * (edges[1] - edges[0]))


def _split_stroke(
    labels: Labels, stroke: Stroke, column_cell: Cells, next_label: int
) -> Iterator[tuple[int, Stroke]]:
    """What of a stroke lies in each cell, as strokes of their own with labels from `next_label` on."""
    columns = column_cell[stroke.x : stroke.x + stroke.w]
    for cell in range(int(columns[0]), int(columns[-1]) + 1):
        inside = np.flatnonzero(columns == cell)
        if not inside.size:
            continue
        x, end = stroke.x + int(inside[0]), stroke.x + int(inside[-1]) + 1
        place = labels[stroke.y : stroke.y + stroke.h, x:end]
        ink = place == stroke.label
        pieces = Components.of(ink)
        place[ink] = pieces.labels[ink].astype(labels.dtype) + (next_label - 1)
        for piece, (left, top, w, h, area) in enumerate(pieces.stats[1:].tolist()):
            yield cell, Stroke(next_label + piece, x + left, stroke.y + top, w, h, area)
        next_label += len(pieces) - 1


def _drop_dust(strokes: list[Stroke]) -> list[Stroke]:
    least = MAX_DUST_SHARE * max(stroke.area for stroke in strokes)
    return [stroke for stroke in strokes if stroke.area >= least]


REACHED_WIDTH, REACHED_HEIGHT = 0.1, 0.2
"""Of the width and height of a box: so much of it a stroke of the next box takes at least that may
be two digits. Of 2,370 drawn rows with empty boxes that were read rightly and surely 24 have
such a stroke; so have 52 of 130 rows of touching digits that were surely another number.
"""


def find_reached_boxes(
    labels: Labels, strokes: Mapping[int, Sequence[Stroke]], edges: Edges, box_height: float
) -> NDArray[np.bool_]:
    """Into which boxes (n,) a stroke of another one reaches so far. `labels` (h, w), `strokes` by
    box, and the sides of the boxes (n + 1,), px.
    """
    found = np.zeros(len(edges) - 1, np.bool_)
    least = REACHED_WIDTH * (edges[1] - edges[0]), REACHED_HEIGHT * box_height
    for box, of_box in strokes.items():
        for stroke in of_box:
            for other, start, end in (
                (box - 1, stroke.x, int(edges[box])),
                (box + 1, int(edges[box + 1]), stroke.x + stroke.w),
            ):
                if 0 <= other < len(found) and end - start >= least[0]:
                    found[other] |= _stroke_height(labels, stroke, start, end) >= least[1]
    return found


def _stroke_height(labels: Labels, stroke: Stroke, start: int, end: int) -> int:
    """How high a stroke is in some columns of the picture, px."""
    inked = np.flatnonzero(
        (labels[stroke.y : stroke.y + stroke.h, start:end] == stroke.label).any(axis=1)
    )
    return int(inked[-1] - inked[0] + 1) if inked.size else 0


def has_tall_stroke(
    strokes: Sequence[Stroke], labels: Labels, contrast: NDArray[np.float32], box_height: float
) -> bool:
    """Whether something in a box is as high and as dark as writing, unlike the grain of paper: such
    a box is not empty.
    """
    high = [stroke for stroke in strokes if stroke.h >= MIN_WRITING_HEIGHT * box_height]
    return any(_stroke_darkness(stroke, labels, contrast) >= STROKE_DARKNESS for stroke in high)


def has_ditto_mark(
    strokes: Sequence[Stroke], labels: Labels, contrast: NDArray[np.float32], box_height: float
) -> bool:
    """Whether a box holds a ditto mark lower than any digit: two upright strokes alike beside each
    other, as dark as writing.
    """
    low, high = MIN_DITTO_HEIGHT * box_height, MIN_WRITING_HEIGHT * box_height
    upright = [
        one
        for one in strokes
        if low <= one.h < high
        and one.w <= one.h
        and _stroke_darkness(one, labels, contrast) >= STROKE_DARKNESS
    ]
    return any(_is_ditto_pair(*pair) for pair in combinations(upright, 2))


def _stroke_darkness(stroke: Stroke, labels: Labels, contrast: NDArray[np.float32]) -> float:
    place = slice(stroke.y, stroke.y + stroke.h), slice(stroke.x, stroke.x + stroke.w)
    return float(contrast[place][labels[place] == stroke.label].mean())


def is_not_one(strokes: Sequence[Stroke], height: int) -> bool:
    """Whether the strokes of a box are a ditto mark, two alike beside each other, or one passes
    through the whole picture of the row, `height` px.
    """
    return any(stroke.h >= height - 2 for stroke in strokes) or any(
        _is_ditto_pair(*pair) for pair in combinations(strokes, 2)
    )


def has_two_digits(strokes: Sequence[Stroke], box_height: float) -> bool:
    """Whether the strokes of a box stand in columns clear of each other, two of which are as high
    as writing: two digits, one of which is not read, or a digit and what another box cuts off
    its neighbour.
    """
    columns: list[Stroke] = []
    for stroke in sorted(strokes, key=lambda stroke: stroke.x):
        if columns and stroke.x < columns[-1].x + columns[-1].w:
            columns[-1] = _merge_strokes(columns[-1], stroke)
        else:
            columns.append(stroke)
    least = MIN_SECOND_DIGIT_INK * max(column.area for column in columns)
    high = [
        column
        for column in columns
        if column.h >= MIN_WRITING_HEIGHT * box_height and column.area >= least
    ]
    return any(
        _vertical_overlap(*pair) >= DITTO_SIMILARITY * min(one.h for one in pair)
        for pair in combinations(high, 2)
    )


def _merge_strokes(one: Stroke, other: Stroke) -> Stroke:
    """Two strokes as one: the rectangle around both, and the ink of both."""
    x, y = min(one.x, other.x), min(one.y, other.y)
    right, bottom = max(one.x + one.w, other.x + other.w), max(one.y + one.h, other.y + other.h)
    return Stroke(one.label, x, y, right - x, bottom - y, one.area + other.area)


def _vertical_overlap(one: Stroke, other: Stroke) -> int:
    """How far up and down two strokes stand beside each other, px."""
    return min(one.y + one.h, other.y + other.h) - max(one.y, other.y)


def _is_ditto_pair(one: Stroke, other: Stroke) -> bool:
    left, right = sorted((one, other), key=lambda stroke: stroke.x)
    low, high = sorted((one.h, other.h))
    small, large = sorted((one.area, other.area))
    alike = (
        low >= DITTO_SIMILARITY * high
        and small >= DITTO_SIMILARITY * large
        and _vertical_overlap(one, other) >= DITTO_SIMILARITY * low
    )
    return alike and left.x + left.w <= right.x + right.w / 2


def find_odd_loops(pictures: Image, digits: Sequence[int]) -> list[bool]:
    """For each cell (n, 32, 32), 255 = ink, whether its ink encloses more than the digit does for
    which it is taken.
    """
    return [
        _has_odd_loops(*found, digit)
        for found, digit in zip(_enclosed_areas(pictures), digits, strict=True)
    ]


def _has_odd_loops(areas: NDArray[np.intp], middles: NDArray[np.float64], digit: int) -> bool:
    loops = middles[areas >= MIN_LOOP_PX[digit]]
    return len(loops) > MAX_LOOPS[digit] and not (digit == ZERO_DIGIT and _is_slashed_zero(loops))


def _enclosed_areas(pictures: Image) -> Iterator[tuple[NDArray[np.intp], NDArray[np.float64]]]:
    """Of each cell all paper that ink encloses: px (n,) and middles (n, 2), x and y, both of the
    cell drawn larger.

    All cells are looked at as one picture, one below the other: nothing is written at their
    edges.
    """
    count, _, width = pictures.shape
    large = cv2.resize(
        pictures.reshape(-1, width),
        None,
        fx=CELL_ENLARGEMENT,
        fy=CELL_ENLARGEMENT,
        interpolation=cv2.INTER_CUBIC,
    )
    paper = cv2.copyMakeBorder(
        (large <= CELL_INK_LEVEL).view(np.uint8), 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=(1,)
    )
    labels = np.asarray(
        cv2.connectedComponents(paper, connectivity=4)[1], np.int32
    )  # to measure all paper too takes three times as long
    areas, middles = _measure_parts(labels, (paper > 0) & (labels != labels[0, 0]))
    cells = middles[:, 1] // (len(large) / count)
    for cell in range(count):
        yield areas[cells == cell], middles[cells == cell]


def _measure_parts(labels: Labels, inside: Mask) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """The size of each part (n,), px, and its middle (n, 2); only pixels `inside` are looked at."""
    at = np.flatnonzero(inside)
    part, y = labels.ravel()[at], at // labels.shape[1]
    x = at - y * labels.shape[1]
    areas = np.bincount(part)
    sums = np.stack([np.bincount(part, axis) for axis in (x, y)], axis=1)
    found = areas > 0
    return areas[found], sums[found] / areas[found, None]


def _is_slashed_zero(loops: NDArray[np.float64]) -> bool:
    if len(loops) != 2:
        return False
    left, right = loops[np.argsort(loops[:, 0])]
    across, down = right - left
    least, most = SLASH_ANGLE_DEG
    return bool(least <= np.degrees(np.arctan2(down, across)) <= most)
