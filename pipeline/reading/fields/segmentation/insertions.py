"""Words written between two rows: where in the row below they belong, told by a caret or else by
where they begin.
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
"""From one line to the next, in letter heights, where a field has one line only."""
BESIDE = 1.5
"""Ink so far beyond the ends of a line, in letter heights, may still belong to it."""
BELOW_UPPER = 0.2
"""An insertion is at least so far below the upper line, in letter heights."""
HOLLOW_SHARE = 0.35
"""The middle of a caret's open end has at most this share of ink."""
CARET_SHARE = 0.6
"""A caret fills less than this share of the rectangle around it."""
MAX_INSERTION_LENGTH = 0.5
"""Inserted words are at most this part as long as the row below."""
MAX_INSERTION_DISTANCE = 0.75
"""They stand nearer to it than this part of the usual distance between rows."""
CARET_HEIGHT, CARET_WIDTH = (0.25, 1.1), (0.2, 1.3)
"""How high and wide a caret is, in heights of a letter."""
MIN_CARET_OPENING = 1.7
"""A caret is so many times wider at its open end than at its point."""
MAX_V_OFFSET, MAX_V_GAP = 0.35, 0.4
"""A v whose middle is not farther from that of the small letters, and that is so near to the next
of them, is a letter: heights of a letter.
"""


@dataclass(frozen=True, slots=True)
class Insertion:
    """Row number `row` belongs into row number `into` at the column `at` (px); `caret` is the piece
    that says so, or None.
    """

    row: int
    target_row: int
    column: float
    caret: int | None


def estimate_row_distance(rows: Sequence[TextRow], pitch: float | None, letter: float) -> float:
    """The usual distance between rows (px): the median between neighbours, short rows left out; the
    rules' `pitch` where there are too few.
    """
    longest = max((row.end - row.start for row in rows), default=0)
    full = [row for row in rows if row.end - row.start > MAX_INSERTION_LENGTH * longest]
    steps = [lower.middle - upper.middle for upper, lower in itertools.pairwise(full)]
    return float(np.median(steps)) if len(steps) > 1 else pitch or USUAL_PITCH * letter


def find_insertions(
    rows: Sequence[TextRow],
    pieces: ConnectedStrokes,
    of_piece: RowNumbers,
    distance: float,
    letter: float,
) -> list[Insertion]:
    """The rows that are words put into the row below them; `distance` is the usual one, `letter`
    how high letters are (px).
    """
    found: list[Insertion] = []
    for i, (upper, lower) in enumerate(itertools.pairwise(rows)):
        at = (upper.start + upper.end) // 2
        short = upper.end - upper.start <= MAX_INSERTION_LENGTH * (lower.end - lower.start)
        over = upper.start >= lower.start - letter and upper.end <= lower.end + letter
        if (
            short
            and over
            and lower.y[at] - upper.y[at] < MAX_INSERTION_DISTANCE * distance
            and i not in {one.target_row for one in found}
        ):
            caret = _find_caret(pieces, of_piece, (i, i + 1), (upper, lower), letter)
            found.append(
                Insertion(
                    i,
                    i + 1,
                    float(pieces.x[caret])
                    if caret is not None
                    else float(pieces.left[of_piece == i].min(initial=upper.end)),
                    caret,
                )
            )
    return found


def _find_caret(
    pieces: ConnectedStrokes,
    of_piece: RowNumbers,
    numbers: tuple[int, int],
    rows: tuple[TextRow, TextRow],
    letter: float,
) -> int | None:
    """The piece between both rows that is drawn as a caret, the nearest to the inserted words."""
    upper, lower = rows
    column = np.clip(pieces.x, 0, len(upper.y) - 1).astype(int)
    own = (
        np.isin(of_piece, numbers)
        & (pieces.y > upper.y[column] + BELOW_UPPER * letter)
        & (pieces.y < lower.y[column] + letter)
    )
    sized = _is_within(pieces.height / letter, CARET_HEIGHT) & _is_within(
        pieces.width / letter, CARET_WIDTH
    )
    beside = (pieces.x > upper.start - BESIDE * letter) & (pieces.x < upper.end + BESIDE * letter)
    shaped = [
        int(i)
        for i in np.flatnonzero(own & sized & beside)
        if _opens_like_caret(pieces, int(i))
        and not _is_in_word(pieces, of_piece == numbers[1], int(i), lower, letter)
    ]
    middle = (upper.start + upper.end) / 2
    return min(shaped, key=lambda i: abs(float(pieces.x[i]) - middle), default=None)


def _is_in_word(
    pieces: ConnectedStrokes, own: NDArray[np.bool_], i: int, row: TextRow, letter: float
) -> bool:
    """Whether a piece stands in a word of its row (the pieces `own`), as a letter v does: a caret
    stands above or below, or alone.
    """
    column = int(np.clip(pieces.x[i], 0, len(row.y) - 1))
    if abs(float(pieces.y[i] - row.y[column])) > MAX_V_OFFSET * letter:
        return False
    others = own & (pieces.height > CARET_HEIGHT[0] * letter) & (np.arange(len(pieces)) != i)
    aside = np.maximum(pieces.left - pieces.right[i], pieces.left[i] - pieces.right)
    return bool((others & (aside < MAX_V_GAP * letter)).any())


def _is_within(values: NDArray[np.float64], limits: tuple[float, float]) -> NDArray[np.bool_]:
    return (values >= limits[0]) & (values <= limits[1])


def _opens_like_caret(pieces: ConnectedStrokes, i: int) -> bool:
    """Whether a piece is a point at the top (or bottom) from which two legs go apart, white between
    them.
    """
    top, left = int(pieces.top[i]), int(pieces.left[i])
    shape = pieces.labels[top : int(pieces.bottom[i]), left : int(pieces.right[i])] == i + 1
    third = max(1, len(shape) // 3)
    widths = [_part_extent(shape[:third]), _part_extent(shape[-third:])]
    ends = shape[-third:] if widths[1] > widths[0] else shape[:third]
    hollow = (
        float(ends[:, shape.shape[1] // 3 : -(shape.shape[1] // 3) or None].mean()) < HOLLOW_SHARE
    )
    return (
        hollow
        and max(widths) > MIN_CARET_OPENING * min(widths)
        and float(shape.mean()) < CARET_SHARE
    )


def _part_extent(part: NDArray[np.bool_]) -> float:
    columns = np.flatnonzero(part.any(axis=0))
    return float(np.ptp(columns) + 1) if columns.size else 1.0
