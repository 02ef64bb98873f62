"""Which ink belongs to which row: whole strokes where possible; what has grown together over
several rows is cut between them.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from pipeline.reading.fields.ink import Mask
from pipeline.reading.fields.segmentation.find_lines import TextRow
from pipeline.reading.fields.strokes import ConnectedStrokes

NEAR_ROW = 0.45
"""Ink so near to the middle of a row, in letter heights, speaks for that row."""
LOWER_ROW_PREFERENCE = 1.8
"""A loose stroke between two rows rather belongs to the lower one (dots, rings, accents) unless it
is so many times nearer to the upper one.
"""
MAX_ROW_DISTANCE = 1.6
"""A loose stroke farther than this many heights of a letter from every row belongs to none."""
MIN_SHARED_INK = 0.2
"""A stroke that crosses another row belongs to its own alone if it has less than this part of its
ink near the other one: a tail.
"""
MAX_PARASITE_LENGTH, MAX_PARASITE_DISTANCE, MAX_LONG_PARASITE_DISTANCE = 0.5, 0.85, 0.6
"""A row that is at most this part as long as another, and nearer to it than the first part of the
usual distance, may be its tall letters or tails only; a longer one if it is nearer than the
second.
"""
MAX_PARASITE_INK = 0.15
"""So it is also with less ink of its own than this part of the other row's."""
CUT_FROM, CUT_TO, CUTS = 0.3, 0.7, 17
"""Where ink is cut between two rows, as parts of the way from the upper to the lower one."""

RowNumbers = NDArray[np.int32]
NO_ROW, CUT_PIECE = -1, -2
"""Instead of a row's number: ink of no row, a piece that was cut."""


def assign_ink(
    pieces: ConnectedStrokes, rows: Sequence[TextRow], letter: float
) -> tuple[RowNumbers, RowNumbers]:
    """Each row's number for the ink that is its own, (h, w), `NO_ROW` elsewhere; and for each piece
    the row it lies in, `NO_ROW` or `CUT`.

    `letter` is how high letters are, px.
    """
    if not rows or not len(pieces):
        return np.full(pieces.labels.shape, NO_ROW, np.int32), np.full(
            len(pieces), NO_ROW, np.int32
        )
    middle = _row_middles(pieces, rows)
    crossed = _crossed_rows(pieces, rows, middle, letter)
    of_piece = _nearest_rows(pieces, middle, rows, letter)
    single = crossed.sum(axis=1) == 1
    of_piece[single] = crossed[single].argmax(axis=1)
    cuts: list[tuple[int, list[int]]] = []
    for i in map(int, np.flatnonzero(crossed.sum(axis=1) > 1)):
        over = [int(r) for r in np.flatnonzero(crossed[i])]
        held = [over[n] for n in _rows_with_ink(pieces, i, [rows[r] for r in over], letter)]
        of_piece[i] = held[0] if len(held) == 1 else CUT_PIECE
        if len(held) > 1:
            cuts.append((i, held))
    owner = np.concatenate([[NO_ROW], of_piece]).astype(np.int32)[pieces.labels]
    for i, held in cuts:
        _cut_piece(owner, pieces, i, held, rows)
    return owner, of_piece


def drop_parasite_rows(
    pieces: ConnectedStrokes, rows: Sequence[TextRow], letter: float, distance: float
) -> list[TextRow]:
    """The rows without those close to another that consist of its tall letters or its tails;
    `distance` is the usual one between rows, px.

    Of two rows through the same large letters, each of which lives on the other, the longer
    stays.
    """
    if len(rows) < 2 or not len(pieces):
        return list(rows)
    crossed = _crossed_rows(pieces, rows, _row_middles(pieces, rows), letter)
    lives = np.array(
        [
            [
                i != j and _is_parasite(i, j, crossed, pieces, rows, distance)
                for j in range(len(rows))
            ]
            for i in range(len(rows))
        ]
    )
    lengths = np.array([row.end - row.start for row in rows])
    each_other = (
        lives & lives.T & (np.triu(lengths[:, None] == lengths) | (lengths[:, None] > lengths))
    )
    return [
        row for row, gone in zip(rows, (lives & ~each_other).any(axis=1), strict=True) if not gone
    ]


def _is_parasite(
    i: int,
    j: int,
    crossed: Mask,
    pieces: ConnectedStrokes,
    rows: Sequence[TextRow],
    distance: float,
) -> bool:
    """Whether row `i`, close to row `j`, consists of ink that row `j` has too, or has next to none
    of its own.
    """
    this, other = rows[i], rows[j]
    at = (this.start + this.end) // 2
    away = abs(this.y[at] - other.y[at]) / distance
    short = this.end - this.start <= MAX_PARASITE_LENGTH * (other.end - other.start)
    if away > (MAX_PARASITE_DISTANCE if short else MAX_LONG_PARASITE_DISTANCE):
        return False
    here = (pieces.right > this.start) & (pieces.left < this.end)
    own, both, others = (
        float(pieces.area[here & which].sum()) for which in _split_ink(crossed[:, i], crossed[:, j])
    )
    return own <= others and (both >= own or own < MAX_PARASITE_INK * (both + others))


def _split_ink(this: Mask, other: Mask) -> tuple[Mask, Mask, Mask]:
    return this & ~other, this & other, other & ~this


def _row_middles(pieces: ConnectedStrokes, rows: Sequence[TextRow]) -> NDArray[np.float64]:
    """The height of each row at each piece."""
    column = np.clip(pieces.x, 0, pieces.labels.shape[1] - 1).astype(int)
    return np.stack([row.y[column] for row in rows], axis=1)


def _crossed_rows(
    pieces: ConnectedStrokes, rows: Sequence[TextRow], middle: NDArray[np.float64], letter: float
) -> Mask:
    """Which rows' middles each piece reaches over."""
    return np.asarray(
        (pieces.top[:, None] < middle)
        & (middle < pieces.bottom[:, None])
        & _overlaps_columns(pieces, rows, 2 * letter),
        np.bool_,
    )


def _overlaps_columns(pieces: ConnectedStrokes, rows: Sequence[TextRow], slack: float) -> Mask:
    """Whether a piece lies over the columns that a row reaches over."""
    start, end = (
        np.array([row.start for row in rows]) - slack,
        np.array([row.end for row in rows]) + slack,
    )
    return np.asarray((pieces.right[:, None] > start) & (pieces.left[:, None] < end), np.bool_)


def _nearest_rows(
    pieces: ConnectedStrokes, middle: NDArray[np.float64], rows: Sequence[TextRow], letter: float
) -> RowNumbers:
    away = pieces.y[:, None] - middle
    cost = np.where(away > 0, LOWER_ROW_PREFERENCE * away, -away) + np.where(
        _overlaps_columns(pieces, rows, 3 * letter), 0.0, letter
    )
    best = cost.argmin(axis=1)
    near = np.abs(away[np.arange(len(best)), best]) <= MAX_ROW_DISTANCE * letter
    return np.where(near, best, NO_ROW).astype(np.int32)


def _rows_with_ink(
    pieces: ConnectedStrokes, i: int, crossed: Sequence[TextRow], letter: float
) -> NDArray[np.intp]:
    """Which of the rows that a piece crosses have a good part of its ink about their middle."""
    ys, xs = _piece_pixels(pieces, i)
    shares = np.array(
        [float((np.abs(ys - row.y[xs]) < NEAR_ROW * letter).sum()) for row in crossed]
    )
    return np.flatnonzero(shares >= MIN_SHARED_INK * shares.max())


def _cut_piece(
    owner: RowNumbers,
    pieces: ConnectedStrokes,
    i: int,
    held: Sequence[int],
    rows: Sequence[TextRow],
) -> None:
    """Give each pixel of a piece to one of the rows, cut where the ink between two rows is
    thinnest.
    """
    ys, xs = _piece_pixels(pieces, i)
    of_pixel = np.full(len(ys), held[0], np.int32)
    for upper, lower in itertools.pairwise(held):
        way = (ys - rows[upper].y[xs]) / np.maximum(1.0, rows[lower].y[xs] - rows[upper].y[xs])
        counts, edges = np.histogram(way, CUTS, (CUT_FROM, CUT_TO))
        middle = (edges[1:] + edges[:-1]) / 2
        thinnest = middle[np.argmin(counts + 0.2 * counts.mean() * np.abs(middle - 0.5) / 0.2)]
        of_pixel[way >= thinnest] = lower
    owner[ys, xs] = of_pixel


def _piece_pixels(pieces: ConnectedStrokes, i: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Rows and columns of a piece's pixels in the picture."""
    top, left = int(pieces.top[i]), int(pieces.left[i])
    cut = pieces.labels[top : int(pieces.bottom[i]), left : int(pieces.right[i])] == i + 1
    ys, xs = np.nonzero(cut)
    return ys + top, xs + left
