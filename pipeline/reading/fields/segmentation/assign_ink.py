"""Assign ink to rows: whole strokes where possible; what spans several rows is cut between them."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.reading.fields.handwriting.line_image import ConnectedStrokes
from pipeline.reading.fields.segmentation.find_lines import TextRow
from pipeline.reading.imaging.pixels import Mask

RowNumbers = NDArray[np.int32]
NO_ROW, CUT_STROKE = -1, -2
"""Instead of a row's number: ink of no row, a stroke that was cut."""

NEAR_ROW = 0.45
"""Ink this close to the middle of a row, in letter heights, counts for that row."""
LOWER_ROW_PREFERENCE = 1.8
"""A loose stroke between two rows belongs to the lower one (dots, rings, accents) unless it is this
many times nearer to the upper one.
"""
MAX_ROW_DISTANCE = 1.6
"""A loose stroke farther than this many letter heights from every row belongs to none."""
MIN_SHARED_INK = 0.2
"""A stroke that crosses another row belongs to its own alone if it has less than this part of its
ink near the other one: a tail.
"""
MAX_PARASITE_LENGTH, MAX_PARASITE_DISTANCE, MAX_LONG_PARASITE_DISTANCE = 0.5, 0.85, 0.6
"""A row that is at most this part as long as another, and nearer to it than this part of the usual
distance, may be its tall letters or tails only; a longer one if it is nearer than the third value.
"""
MAX_PARASITE_INK = 0.15
"""The same holds for a row with less ink of its own than this part of the other row's."""
CUT_FROM, CUT_TO, CUTS = 0.3, 0.7, 17
"""Where ink is cut between two rows, as parts of the way from the upper to the lower one, and the
number of places that are compared.
"""


def assign_ink(
    strokes: ConnectedStrokes, rows: Sequence[TextRow], letter: float
) -> tuple[RowNumbers, RowNumbers]:
    """Assign ink to rows.

    Returns each row's number for the ink that is its own, (h, w), `NO_ROW` elsewhere; and for each
    stroke the row it is in, `NO_ROW` or `CUT_STROKE`. `letter` is the letter height, px.
    """
    if not rows or not len(strokes):
        return np.full(strokes.labels.shape, NO_ROW, np.int32), np.full(
            len(strokes), NO_ROW, np.int32
        )

    # A loose stroke belongs to the nearest row, one that crosses a single row to that.
    middles = _row_middles(strokes, rows)
    crossed = _crossed_rows(strokes, rows, middles, letter)
    row_of_stroke = _nearest_rows(strokes, middles, rows, letter)
    single = crossed.sum(axis=1) == 1
    row_of_stroke[single] = crossed[single].argmax(axis=1)

    # One that crosses several rows, but has ink in one only, is a tail; else it is cut.
    cuts: list[tuple[int, list[int]]] = []
    for i in map(int, np.flatnonzero(crossed.sum(axis=1) > 1)):
        crossed_rows = [int(r) for r in np.flatnonzero(crossed[i])]
        stroke_rows = [
            crossed_rows[n]
            for n in _rows_with_ink(strokes, i, [rows[r] for r in crossed_rows], letter)
        ]
        row_of_stroke[i] = stroke_rows[0] if len(stroke_rows) == 1 else CUT_STROKE
        if len(stroke_rows) > 1:
            cuts.append((i, stroke_rows))

    # Give each pixel the row of its stroke, and cut the rest.
    owner = np.concatenate([[NO_ROW], row_of_stroke]).astype(np.int32)[strokes.labels]
    for i, stroke_rows in cuts:
        _cut_stroke(owner, strokes, i, stroke_rows, rows)
    return owner, row_of_stroke


def drop_parasite_rows(
    strokes: ConnectedStrokes, rows: Sequence[TextRow], letter: float, distance: float
) -> list[TextRow]:
    """Return the rows without those that are only tall letters or tails of another row.

    `distance` is the usual one between rows, px. Of two rows through the same large letters, each
    of which is part of the other, the longer stays.
    """
    if len(rows) < 2 or not len(strokes):
        return list(rows)
    crossed = _crossed_rows(strokes, rows, _row_middles(strokes, rows), letter)
    numbers = range(len(rows))
    is_parasite = np.array(
        [
            [
                i != j
                and _is_close(rows[i], rows[j], distance)
                and _is_parasite(rows[i], crossed[:, i], crossed[:, j], strokes)
                for j in numbers
            ]
            for i in numbers
        ]
    )

    # Of two parasites of each other the longer stays, or else the upper one.
    lengths = np.array([row.end - row.start for row in rows])
    is_longer = np.triu(lengths[:, None] == lengths) | (lengths[:, None] > lengths)
    stays = is_parasite & is_parasite.T & is_longer
    is_dropped = (is_parasite & ~stays).any(axis=1)
    return [row for row, dropped in zip(rows, is_dropped, strict=True) if not dropped]


def _is_close(row: TextRow, other: TextRow, distance: float) -> bool:
    """Return whether a row is so close to another that it may be a part of it."""
    at = (row.start + row.end) // 2
    # The distance of the two rows' middles, relative to the usual distance.
    away = abs(row.y[at] - other.y[at]) / distance
    is_short = row.end - row.start <= MAX_PARASITE_LENGTH * (other.end - other.start)
    return bool(away <= (MAX_PARASITE_DISTANCE if is_short else MAX_LONG_PARASITE_DISTANCE))


def _is_parasite(
    row: TextRow, crosses: Mask, crosses_other: Mask, strokes: ConnectedStrokes
) -> bool:
    """Return whether a row has mostly ink that another row has too, or next to none of its own.

    `crosses` and `crosses_other` are which strokes reach over the row and over the other one.
    """
    beside = (strokes.right > row.start) & (strokes.left < row.end)
    # Ink by which of the two rows its strokes cross.
    own, both, others = (
        float(strokes.area[beside & which].sum())
        for which in (
            crosses & ~crosses_other,
            crosses & crosses_other,
            crosses_other & ~crosses,
        )
    )
    return own <= others and (both >= own or own < MAX_PARASITE_INK * (both + others))


def _row_middles(strokes: ConnectedStrokes, rows: Sequence[TextRow]) -> NDArray[np.float64]:
    """Return the height of each row's middle at each stroke."""
    # The curve of a row at the stroke's horizontal middle.
    column = np.clip(strokes.x, 0, strokes.labels.shape[1] - 1).astype(int)
    return np.stack([row.y[column] for row in rows], axis=1)


def _crossed_rows(
    strokes: ConnectedStrokes, rows: Sequence[TextRow], middles: NDArray[np.float64], letter: float
) -> Mask:
    """Return which rows' middles each stroke reaches over."""
    return np.asarray(
        (strokes.top[:, None] < middles)
        & (middles < strokes.bottom[:, None])
        & _overlaps_columns(strokes, rows, 2 * letter),
        np.bool_,
    )


def _overlaps_columns(strokes: ConnectedStrokes, rows: Sequence[TextRow], slack: float) -> Mask:
    """Return whether each stroke is within the columns of each row, or a little beside."""
    start, end = (
        np.array([row.start for row in rows]) - slack,
        np.array([row.end for row in rows]) + slack,
    )
    return np.asarray((strokes.right[:, None] > start) & (strokes.left[:, None] < end), np.bool_)


def _nearest_rows(
    strokes: ConnectedStrokes, middles: NDArray[np.float64], rows: Sequence[TextRow], letter: float
) -> RowNumbers:
    """Return the row nearest to each stroke, or `NO_ROW`."""
    offset = strokes.y[:, None] - middles
    # The distance down counts more than that up; beside the row costs a letter height.
    cost = np.where(offset > 0, LOWER_ROW_PREFERENCE * offset, -offset) + np.where(
        _overlaps_columns(strokes, rows, 3 * letter), 0.0, letter
    )
    nearest = cost.argmin(axis=1)
    is_near = np.abs(offset[np.arange(len(nearest)), nearest]) <= MAX_ROW_DISTANCE * letter
    return np.where(is_near, nearest, NO_ROW).astype(np.int32)


def _rows_with_ink(
    strokes: ConnectedStrokes, i: int, crossed: Sequence[TextRow], letter: float
) -> NDArray[np.intp]:
    """Return which of the rows that a stroke crosses have much of its ink near their middle."""
    ys, xs = _stroke_pixels(strokes, i)
    near_ink = np.array(
        [float((np.abs(ys - row.y[xs]) < NEAR_ROW * letter).sum()) for row in crossed]
    )
    return np.flatnonzero(near_ink >= MIN_SHARED_INK * near_ink.max())


def _cut_stroke(
    owner: RowNumbers,
    strokes: ConnectedStrokes,
    i: int,
    stroke_rows: Sequence[int],
    rows: Sequence[TextRow],
) -> None:
    """Give each pixel of a stroke to one of its rows, cut where the ink between two is thinnest."""
    ys, xs = _stroke_pixels(strokes, i)
    row_of_pixel = np.full(len(ys), stroke_rows[0], np.int32)
    for upper, lower in itertools.pairwise(stroke_rows):
        # How far each pixel is on the way between both rows, and how many there are.
        way = (ys - rows[upper].y[xs]) / np.maximum(1.0, rows[lower].y[xs] - rows[upper].y[xs])
        counts, edges = np.histogram(way, CUTS, (CUT_FROM, CUT_TO))
        middle = (edges[1:] + edges[:-1]) / 2
        # Cut at the least ink, rather in the middle.
        thinnest = middle[np.argmin(counts + 0.2 * counts.mean() * np.abs(middle - 0.5) / 0.2)]
        row_of_pixel[way >= thinnest] = lower
    owner[ys, xs] = row_of_pixel


def _stroke_pixels(strokes: ConnectedStrokes, i: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return rows and columns of a stroke's pixels in the image."""
    top, left = int(strokes.top[i]), int(strokes.left[i])
    is_stroke = strokes.labels[top : int(strokes.bottom[i]), left : int(strokes.right[i])] == i + 1
    ys, xs = np.nonzero(is_stroke)
    return ys + top, xs + left


# Find words inserted between two rows, and where they belong in the row below.
#
# A caret shows the place, or else where they begin.

USUAL_PITCH = 2.2
"""Distance from one line to the next, in letter heights, if a field has one line only."""
BESIDE = 1.5
"""Ink this far beyond the ends of a line, in letter heights, may still belong to it."""
BELOW_UPPER = 0.2
"""An insertion is at least this far below the upper line, in letter heights."""
HOLLOW_SHARE = 0.35
"""The middle of a caret's open end has less than this share of ink."""
CARET_SHARE = 0.6
"""A caret fills less than this share of the rectangle around it."""
MAX_INSERTION_LENGTH = 0.5
"""Inserted words are at most this part as long as the row below."""
MAX_INSERTION_DISTANCE = 0.75
"""They are nearer to it than this part of the usual distance between rows."""
CARET_HEIGHT, CARET_WIDTH = (0.25, 1.1), (0.2, 1.3)
"""Minimum and maximum height and width of a caret, in letter heights."""
MIN_CARET_OPENING = 1.7
"""A caret is this many times wider at its open end than at its point."""
MAX_V_OFFSET, MAX_V_GAP = 0.35, 0.4
"""A v is a letter, and no caret, if its middle is this close to the row's and its neighbour this
close to it, in letter heights.
"""


@dataclass(frozen=True, slots=True)
class Insertion:
    """Row number `row` belongs into row number `target_row` at the column `column` (px).

    `caret` is the stroke that shows it, or None.
    """

    row: int
    target_row: int
    column: float
    caret: int | None


def estimate_row_distance(rows: Sequence[TextRow], pitch: float | None, letter: float) -> float:
    """Return the usual distance between rows, px: the median between neighbours.

    Short rows are left out; with too few rows it is the rules' `pitch`.
    """
    # Short rows may be insertions.
    longest = max((row.end - row.start for row in rows), default=0)
    full_rows = [row for row in rows if row.end - row.start > MAX_INSERTION_LENGTH * longest]
    distances = [lower.middle - upper.middle for upper, lower in itertools.pairwise(full_rows)]
    return float(np.median(distances)) if len(distances) > 1 else pitch or USUAL_PITCH * letter


def find_insertions(
    rows: Sequence[TextRow],
    strokes: ConnectedStrokes,
    row_of_stroke: RowNumbers,
    distance: float,
    letter: float,
) -> list[Insertion]:
    """Return the rows that are words inserted into the row below them.

    `distance` is the usual one between rows, `letter` the letter height (px).
    """
    insertions: list[Insertion] = []
    for i, (upper, lower) in enumerate(itertools.pairwise(rows)):
        # A row with an insertion is no insertion itself.
        if i in {insertion.target_row for insertion in insertions}:
            continue
        if not _is_inserted(upper, lower, distance, letter):
            continue
        caret = _find_caret(strokes, row_of_stroke, (i, i + 1), (upper, lower), letter)
        # Without a caret the words begin where their first stroke does.
        if caret is None:
            column = float(strokes.left[row_of_stroke == i].min(initial=upper.end))
        else:
            column = float(strokes.x[caret])
        insertions.append(Insertion(i, i + 1, column, caret))
    return insertions


def _is_inserted(upper: TextRow, lower: TextRow, distance: float, letter: float) -> bool:
    """Return whether a row is short, above the lower one, and closer to it than usual."""
    # Compare the rows at the middle of the upper one.
    at = (upper.start + upper.end) // 2
    is_short = upper.end - upper.start <= MAX_INSERTION_LENGTH * (lower.end - lower.start)
    is_above = upper.start >= lower.start - letter and upper.end <= lower.end + letter
    is_close = lower.y[at] - upper.y[at] < MAX_INSERTION_DISTANCE * distance
    return bool(is_short and is_above and is_close)


def _find_caret(
    strokes: ConnectedStrokes,
    row_of_stroke: RowNumbers,
    numbers: tuple[int, int],
    rows: tuple[TextRow, TextRow],
    letter: float,
) -> int | None:
    """Return the caret between both rows, nearest to the inserted words, or None."""
    upper, lower = rows
    column = np.clip(strokes.x, 0, len(upper.y) - 1).astype(int)

    # Strokes of both rows between them, as large as a caret, near the words.
    is_between = (
        np.isin(row_of_stroke, numbers)
        & (strokes.y > upper.y[column] + BELOW_UPPER * letter)
        & (strokes.y < lower.y[column] + letter)
    )
    has_size = _is_within(strokes.height / letter, CARET_HEIGHT) & _is_within(
        strokes.width / letter, CARET_WIDTH
    )
    is_near = (strokes.x > upper.start - BESIDE * letter) & (
        strokes.x < upper.end + BESIDE * letter
    )

    # Of these the ones with its shape that are in no word.
    carets = [
        int(i)
        for i in np.flatnonzero(is_between & has_size & is_near)
        if _opens_like_caret(strokes, int(i))
        and not _is_in_word(strokes, row_of_stroke == numbers[1], int(i), lower, letter)
    ]
    middle = (upper.start + upper.end) / 2
    return min(carets, key=lambda i: abs(float(strokes.x[i]) - middle), default=None)


def _is_in_word(
    strokes: ConnectedStrokes, in_row: NDArray[np.bool_], i: int, row: TextRow, letter: float
) -> bool:
    """Return whether a stroke is in a word of its row, as a letter v is.

    A caret is above or below, or alone. `in_row` are the strokes of the row.
    """
    column = int(np.clip(strokes.x[i], 0, len(row.y) - 1))
    if abs(float(strokes.y[i] - row.y[column])) > MAX_V_OFFSET * letter:
        return False
    # Other letters of the row close to it.
    others = in_row & (strokes.height > CARET_HEIGHT[0] * letter) & (np.arange(len(strokes)) != i)
    gap = np.maximum(strokes.left - strokes.right[i], strokes.left[i] - strokes.right)
    return bool((others & (gap < MAX_V_GAP * letter)).any())


def _is_within(values: NDArray[np.float64], limits: tuple[float, float]) -> NDArray[np.bool_]:
    return (values >= limits[0]) & (values <= limits[1])


def _opens_like_caret(strokes: ConnectedStrokes, i: int) -> bool:
    """Return whether two legs with white between them part from a point at the top or bottom."""
    # Cut the stroke out of its labels.
    top, left = int(strokes.top[i]), int(strokes.left[i])
    shape = strokes.labels[top : int(strokes.bottom[i]), left : int(strokes.right[i])] == i + 1
    # The open end is the wider one.
    third = max(1, len(shape) // 3)
    widths = [_part_extent(shape[:third]), _part_extent(shape[-third:])]
    ends = shape[-third:] if widths[1] > widths[0] else shape[:third]
    is_hollow = (
        float(ends[:, shape.shape[1] // 3 : -(shape.shape[1] // 3) or None].mean()) < HOLLOW_SHARE
    )
    return (
        is_hollow
        and max(widths) > MIN_CARET_OPENING * min(widths)
        and float(shape.mean()) < CARET_SHARE
    )


def _part_extent(part: NDArray[np.bool_]) -> float:
    """Return from the first to the last column with ink, px; at least 1."""
    columns = np.flatnonzero(part.any(axis=0))
    return float(np.ptp(columns) + 1) if columns.size else 1.0
