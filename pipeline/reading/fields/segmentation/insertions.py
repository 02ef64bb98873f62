"""Find words inserted between two rows, and where they belong in the row below.

A caret shows the place, or else where they begin.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.reading.fields.segmentation.assign_ink import RowNumbers
from pipeline.reading.fields.segmentation.find_lines import TextRow
from pipeline.reading.fields.strokes import ConnectedStrokes

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
