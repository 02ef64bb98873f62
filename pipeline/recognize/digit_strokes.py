"""The strokes in a row of digit boxes, and the cell that each belongs to."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.components import Components, Labels, Mask
from pipeline.model import Image

MOST_OF_STROKE = 0.6
"""A stroke with at least this part of its area in one cell belongs to it."""
REACH = 0.35
"""How far a stroke may reach into the next cell, in cell widths, and still be this cell's alone: one that goes farther is two digits that touch."""
SPECK = 0.03
"""A stroke with less than this share of the area of its cell's largest is dust."""
INTO, HIGH = 0.08, 0.4
"""Of the height of the boxes: what stands above or below may be of this field if it reaches so far into them, what stands beside if it is so high."""
BEYOND, BEYOND_ON_PRINT = 0.72, 0.85
"""Of the margin: a stroke of which so much shows above or below the boxes is writing. On clean pages crosses in the boxes of another field show
with at most 0.69, and print with 0.81."""
OFF = 0.12
"""Of the height of the boxes: so far above or below the middle lies what is written half outside, or runs together with the row above or below. The
tail of a digit that fills its box moves it by less."""
STRAIGHT_PX = 7.5
"""A stroke that is nowhere wider, 0.9 mm at 8 px/mm, is straight."""
NEXT = 1.5
"""So many boxes apart at most are figures of one number; ticks in check boxes stand farther apart."""
ON_LINE_PX, LINE_PX = 3.5, 5
"""What stands so near to a line of a box and is no wider than this is a sliver of the line, or a 1 written on it if it is high."""
SMALL_PX = 120_000
"""In a smaller picture 16 bits number all strokes and what they are divided into: each stroke has a block of 2 × 2 px to itself, and among the pieces
each piece has one, so that there are at most twice 30,000."""

Edges = NDArray[np.float64]
Stats = NDArray[np.int32]
Cells = NDArray[np.intp]


class Stroke(NamedTuple):
    """Connected ink: its number among the labels, the rectangle around it and its area, px."""

    label: int
    x: int
    y: int
    w: int
    h: int
    area: int


def strokes_by_cell(
    mask: Image, edges: Edges, margin: float, near_print: NDArray[np.bool_] | None = None
) -> tuple[Labels, dict[int, list[Stroke]], bool]:
    """For each pixel the number of its stroke, (h, w), for each cell with ink, 0…n-1, its strokes without dust, and whether something is left out
    that seems to be written half outside the boxes.

    `mask` (h, w) is 1 on ink; `edges` are the sides of the cells from left to right, px; `near_print` is where print may have left something, if
    that is known. A stroke that lies mostly in one cell belongs there whole;
    one that lies in several, such as a line through the row, is divided.
    """
    strokes = Components.of(mask.view(np.bool_))
    stats = strokes.stats
    labels: Labels = strokes.labels if mask.size < SMALL_PX else strokes.labels.astype(np.int32)
    column_cell = np.searchsorted(edges, np.arange(mask.shape[1]) + 0.5) - 1
    written = np.flatnonzero(_written(stats, edges, margin, mask.shape[0]))
    cell, whole = _main_cells(labels, stats, written, column_cell, edges)
    found: dict[int, list[Stroke]] = {}
    high = HIGH * (mask.shape[0] - 2 * margin)
    outside = _reaches_in(stats, edges, margin, mask.shape[0]) or _on_line(stats, edges, margin, mask.shape[0])
    outside |= near_print is not None and _stands_beyond(strokes, edges, margin, near_print)
    next_label = len(stats)
    for label, at, undivided in zip(written.tolist(), cell.tolist(), whole.tolist(), strict=True):
        stroke = Stroke(label, *stats[label].tolist())
        for its, piece in [(at, stroke)] if undivided else _divided(labels, stroke, column_cell, next_label):
            next_label = max(next_label, piece.label + 1)
            if 0 <= its < len(edges) - 1:
                found.setdefault(its, []).append(piece)
            elif piece.h >= high:
                outside = True
    kept = {its: _without_dust(of_cell) for its, of_cell in found.items()}
    return labels, kept, outside or any(_is_cut(stroke, margin, mask.shape[0]) for of_cell in kept.values() for stroke in of_cell)


def _is_cut(stroke: Stroke, margin: float, height: int) -> bool:
    """Whether a stroke that lies high or low in its box goes on above or below the picture: what is seen of a 9 may look like a 4."""
    off = stroke.y + stroke.h / 2 - height / 2
    return abs(off) >= OFF * (height - 2 * margin) and (stroke.y == 0 if off < 0 else stroke.y + stroke.h == height)


def _reaches_in(stats: Stats, edges: Edges, margin: float, height: int) -> bool:
    """Whether a stroke whose middle is above or below the boxes reaches a good way into them."""
    x, y, w, h, _ = (stats[1:, i].astype(np.float64) for i in range(5))
    middle, across = y + h / 2, x + w / 2
    into = np.where(middle < margin, y + h - margin, np.where(middle > height - margin, height - margin - y, 0.0))
    return bool(((into >= INTO * (height - 2 * margin)) & (across > edges[0]) & (across < edges[-1])).any())


def _stands_beyond(strokes: Components, edges: Edges, margin: float, near_print: Mask) -> bool:
    """Whether the picture shows a part of something written above or below the boxes: a correction, or a number in the gap between two rows."""
    left, top, width, height, _ = (strokes.stats[:, i].astype(np.float64) for i in range(5))
    middle, across = top + height / 2, left + width / 2
    beyond = (middle < margin) | (middle > near_print.shape[0] - margin)
    beyond &= (height >= BEYOND * margin) & (across > edges[0]) & (across < edges[-1])
    seen = np.flatnonzero(beyond[1:]) + 1
    if not seen.size:
        return False
    bare = np.bincount(strokes.labels[~near_print], minlength=len(strokes.stats))[seen]
    beyond[:] = False
    beyond[seen] = (height[seen] >= BEYOND_ON_PRINT * margin) | (bare > 0.5 * strokes.stats[seen, cv2.CC_STAT_AREA])
    tails = [_is_tail(strokes, label) for label in np.flatnonzero(beyond).tolist()]
    return not all(tails) or any(gap <= NEXT * (edges[1] - edges[0]) for gap in np.diff(np.sort(across[beyond])).tolist())


def _is_tail(strokes: Components, label: int) -> bool:
    """Whether a stroke is straight and goes on beyond the picture, as the tail of a tick in a check box above or below does."""
    _, y, _, h, _ = strokes.stats[label].tolist()
    if y > 0 and y + h < strokes.labels.shape[0]:
        return False
    (_, sides, _) = cv2.minAreaRect(cv2.findNonZero((strokes.labels[y : y + h] == label).view(np.uint8)))
    return bool(min(sides) <= STRAIGHT_PX)


def _on_line(stats: Stats, edges: Edges, margin: float, height: int) -> bool:
    """Whether a stroke as thin as a line of the boxes, and as high as writing, stands on one: it is taken for a sliver of it, and may be a 1."""
    x, y, w, h, _ = (stats[1:, i].astype(np.float64) for i in range(5))
    high = (h >= HIGH * (height - 2 * margin)) & (y + h / 2 >= margin) & (y + h / 2 <= height - margin)
    return bool((high & _along(edges, x, w)).any())


def _along(edges: Edges, x: NDArray[np.float64], w: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Which strokes are as thin as an upright line of the boxes and lie on one."""
    off = np.abs(edges[:, None] - (x + w / 2)[None, :]).min(axis=0)
    return np.asarray((off < ON_LINE_PX) & (w <= LINE_PX), np.bool_)


def _written(stats: Stats, edges: Edges, margin: float, height: int) -> NDArray[np.bool_]:
    """Components other than the background, what lies outside the boxes, and slivers of a box line."""
    x, y, w, h, area = (stats[:, i].astype(np.float64) for i in range(5))
    middle = y + h / 2
    gone = (middle < margin) | (middle > height - margin) | (area < 5)
    gone |= _along(edges, x, w)
    off = np.minimum(np.abs(middle - margin), np.abs(middle - (height - margin)))
    gone |= (off < ON_LINE_PX) & (h <= LINE_PX)
    gone[0] = True
    return np.asarray(~gone, np.bool_)


def _main_cells(labels: Labels, stats: Stats, written: Cells, column_cell: Cells, edges: Edges) -> tuple[Cells, NDArray[np.bool_]]:
    """The cell that most of each written stroke lies in, -1 or n outside of all, and whether it belongs there whole."""
    left, width, area = (stats[written, column] for column in (cv2.CC_STAT_LEFT, cv2.CC_STAT_WIDTH, cv2.CC_STAT_AREA))
    right = left + width
    cell, most = column_cell[left], area.copy()
    for i in np.flatnonzero(cell != column_cell[right - 1]):
        x, y, w, h, _ = stats[written[i]]
        in_columns = np.count_nonzero(labels[y : y + h, x : x + w] == written[i], axis=0)
        count = np.bincount(column_cell[x : x + w] + 1, in_columns)
        cell[i], most[i] = count.argmax() - 1, count.max()
    bounds = np.concatenate([[-np.inf], edges, [np.inf]])
    overrun = np.maximum(bounds[cell + 1] - left, right - bounds[cell + 2])
    return cell, (most >= MOST_OF_STROKE * area) & (overrun <= REACH * (edges[1] - edges[0]))


def _divided(labels: Labels, stroke: Stroke, column_cell: Cells, next_label: int) -> Iterator[tuple[int, Stroke]]:
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


def _without_dust(strokes: list[Stroke]) -> list[Stroke]:
    least = SPECK * max(stroke.area for stroke in strokes)
    return [stroke for stroke in strokes if stroke.area >= least]
