"""Which ink belongs to which row: whole strokes where possible; what has grown together over several rows is cut between them."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from pipeline.recognize.ink import Mask
from pipeline.recognize.line_finding import Row
from pipeline.recognize.pieces import Pieces

NEAR_ROW = 0.45
"""Ink so near to the middle of a row, in letter heights, speaks for that row."""
BELOW = 1.8
"""A loose stroke between two rows rather belongs to the lower one (dots, rings, accents) unless it is so many times nearer to the upper one."""
FARTHEST = 1.6
"""A loose stroke farther than this many heights of a letter from every row belongs to none."""
STRAY = 0.2
"""A stroke that crosses another row belongs to its own alone if it has less than this part of its ink near the other one: a tail."""
PARASITE, CLOSE, CLOSER = 0.5, 0.85, 0.6
"""A row that is at most this part as long as another, and nearer to it than the first part of the usual distance, may be its tall letters or
tails only; a longer one if it is nearer than the second."""
WEAK = 0.15
"""So it is also with less ink of its own than this part of the other row's."""
CUT_FROM, CUT_TO, CUTS = 0.3, 0.7, 17
"""Where ink is cut between two rows, as parts of the way from the upper to the lower one."""

Owner = NDArray[np.int32]
NO_ROW, CUT = -1, -2
"""Instead of a row's number: ink of no row, a piece that was cut."""


def owners(pieces: Pieces, rows: Sequence[Row], letter: float) -> tuple[Owner, Owner]:
    """Each row's number for the ink that is its own, (h, w), `NO_ROW` elsewhere; and for each piece the row it lies in, `NO_ROW` or `CUT`.

    `letter` is how high letters are, px.
    """
    if not rows or not len(pieces):
        return np.full(pieces.labels.shape, NO_ROW, np.int32), np.full(len(pieces), NO_ROW, np.int32)
    middle = _middle(pieces, rows)
    crossed = _crossed(pieces, rows, middle, letter)
    of_piece = _nearest(pieces, middle, rows, letter)
    single = crossed.sum(axis=1) == 1
    of_piece[single] = crossed[single].argmax(axis=1)
    cuts: list[tuple[int, list[int]]] = []
    for i in map(int, np.flatnonzero(crossed.sum(axis=1) > 1)):
        over = [int(r) for r in np.flatnonzero(crossed[i])]
        held = [over[n] for n in _crossing(pieces, i, [rows[r] for r in over], letter)]
        of_piece[i] = held[0] if len(held) == 1 else CUT
        if len(held) > 1:
            cuts.append((i, held))
    owner = np.concatenate([[NO_ROW], of_piece]).astype(np.int32)[pieces.labels]
    for i, held in cuts:
        _cut(owner, pieces, i, held, rows)
    return owner, of_piece


def without_parasites(pieces: Pieces, rows: Sequence[Row], letter: float, distance: float) -> list[Row]:
    """The rows without those close to another that consist of its tall letters or its tails; `distance` is the usual one between rows, px.

    Of two rows through the same large letters, each of which lives on the other, the longer stays.
    """
    if len(rows) < 2 or not len(pieces):
        return list(rows)
    crossed = _crossed(pieces, rows, _middle(pieces, rows), letter)
    lives = np.array([[i != j and _lives_on(i, j, crossed, pieces, rows, distance) for j in range(len(rows))] for i in range(len(rows))])
    lengths = np.array([row.end - row.start for row in rows])
    each_other = lives & lives.T & (np.triu(lengths[:, None] == lengths) | (lengths[:, None] > lengths))
    return [row for row, gone in zip(rows, (lives & ~each_other).any(axis=1), strict=True) if not gone]


def _lives_on(i: int, j: int, crossed: Mask, pieces: Pieces, rows: Sequence[Row], distance: float) -> bool:
    """Whether row `i`, close to row `j`, consists of ink that row `j` has too, or has next to none of its own."""
    this, other = rows[i], rows[j]
    at = (this.start + this.end) // 2
    away = abs(this.y[at] - other.y[at]) / distance
    short = this.end - this.start <= PARASITE * (other.end - other.start)
    if away > (CLOSE if short else CLOSER):
        return False
    here = (pieces.right > this.start) & (pieces.left < this.end)
    own, both, others = (float(pieces.area[here & which].sum()) for which in _split(crossed[:, i], crossed[:, j]))
    return own <= others and (both >= own or own < WEAK * (both + others))


def _split(this: Mask, other: Mask) -> tuple[Mask, Mask, Mask]:
    return this & ~other, this & other, other & ~this


def _middle(pieces: Pieces, rows: Sequence[Row]) -> NDArray[np.float64]:
    """The height of each row at each piece."""
    column = np.clip(pieces.x, 0, pieces.labels.shape[1] - 1).astype(int)
    return np.stack([row.y[column] for row in rows], axis=1)


def _crossed(pieces: Pieces, rows: Sequence[Row], middle: NDArray[np.float64], letter: float) -> Mask:
    """Which rows' middles each piece reaches over."""
    return np.asarray((pieces.top[:, None] < middle) & (middle < pieces.bottom[:, None]) & _beside(pieces, rows, 2 * letter), np.bool_)


def _beside(pieces: Pieces, rows: Sequence[Row], slack: float) -> Mask:
    """Whether a piece lies over the columns that a row reaches over."""
    start, end = np.array([row.start for row in rows]) - slack, np.array([row.end for row in rows]) + slack
    return np.asarray((pieces.right[:, None] > start) & (pieces.left[:, None] < end), np.bool_)


def _nearest(pieces: Pieces, middle: NDArray[np.float64], rows: Sequence[Row], letter: float) -> Owner:
    away = pieces.y[:, None] - middle
    cost = np.where(away > 0, BELOW * away, -away) + np.where(_beside(pieces, rows, 3 * letter), 0.0, letter)
    best = cost.argmin(axis=1)
    near = np.abs(away[np.arange(len(best)), best]) <= FARTHEST * letter
    return np.where(near, best, NO_ROW).astype(np.int32)


def _crossing(pieces: Pieces, i: int, crossed: Sequence[Row], letter: float) -> NDArray[np.intp]:
    """Which of the rows that a piece crosses have a good part of its ink about their middle."""
    ys, xs = _pixels(pieces, i)
    shares = np.array([float((np.abs(ys - row.y[xs]) < NEAR_ROW * letter).sum()) for row in crossed])
    return np.flatnonzero(shares >= STRAY * shares.max())


def _cut(owner: Owner, pieces: Pieces, i: int, held: Sequence[int], rows: Sequence[Row]) -> None:
    """Give each pixel of a piece to one of the rows, cut where the ink between two rows is thinnest."""
    ys, xs = _pixels(pieces, i)
    of_pixel = np.full(len(ys), held[0], np.int32)
    for upper, lower in itertools.pairwise(held):
        way = (ys - rows[upper].y[xs]) / np.maximum(1.0, rows[lower].y[xs] - rows[upper].y[xs])
        counts, edges = np.histogram(way, CUTS, (CUT_FROM, CUT_TO))
        middle = (edges[1:] + edges[:-1]) / 2
        thinnest = middle[np.argmin(counts + 0.2 * counts.mean() * np.abs(middle - 0.5) / 0.2)]
        of_pixel[way >= thinnest] = lower
    owner[ys, xs] = of_pixel


def _pixels(pieces: Pieces, i: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Rows and columns of a piece's pixels in the picture."""
    top, left = int(pieces.top[i]), int(pieces.left[i])
    cut = pieces.labels[top : int(pieces.bottom[i]), left : int(pieces.right[i])] == i + 1
    ys, xs = np.nonzero(cut)
    return ys + top, xs + left
