"""A line's picture taken apart at struck-out places: what is left to read, and what stands between."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from pipeline.model import Image
from pipeline.recognize.line_picture import Line, placed_piece
from pipeline.recognize.strikes import Strike

Part = Line | Strike
"""A stretch of a line: something to read, or a struck-out place."""
Break = tuple[int, int, tuple[Part, ...]]
"""Columns of a picture that are not read, from the first up to the second, and what stands there instead."""
WORD_GAP = 0.15
"""Words are so far apart, as part of the line's height with the white above and below it; letters are nearer to each other."""
LEFT_OVER = 0.35
"""Ink beside a strike that is narrower than this part of the line's height is what is left of the struck-out word."""


def parts(picture: Image, breaks: Sequence[Break], left: int = 0) -> tuple[Part, ...]:
    """The line from left to right. `left` is the column of the crop that the picture's first column shows."""
    if not breaks:
        return (Line(picture, left=left),)
    found: list[Part] = []
    done = 0
    for start, end, between in sorted(breaks, key=lambda one: one[0]):
        found += [*_line(picture, done, start, left), *between]
        done = max(done, end)
    return (*found, *_line(picture, done, picture.shape[1], left))


def struck_breaks(picture: Image, strikes: Sequence[Strike]) -> list[Break]:
    """The struck-out places of a picture, each with what is left of the struck-out word beside it if that is less than a letter."""
    return [(*_whole(picture, strike), (strike,)) for strike in strikes]


def gap(picture: Image, column: int) -> int:
    """The white column nearest to `column`, if there is one not farther than the line is high."""
    white = np.flatnonzero((picture >= 128).all(axis=0))
    nearest = int(white[np.abs(white - column).argmin()]) if white.size else column
    return nearest if abs(nearest - column) <= picture.shape[0] else column


def word_gap(picture: Image, column: int) -> int:
    """The middle of the nearest gap between two words, or of what is white before and after the line; of any white if there are none."""
    white = np.pad((picture >= 128).all(axis=0), 1).astype(np.int8)
    starts, ends = np.flatnonzero(np.diff(white) == 1), np.flatnonzero(np.diff(white) == -1)
    wide = ends - starts >= WORD_GAP * picture.shape[0]
    middles = (starts[wide] + ends[wide]) // 2
    return int(middles[np.abs(middles - column).argmin()]) if middles.size else gap(picture, column)


def _whole(picture: Image, strike: Strike) -> tuple[int, int]:
    white = np.flatnonzero((picture >= 128).all(axis=0))
    before, after = white[white <= strike.start], white[white >= strike.end]
    start = int(before[-1]) if before.size else 0
    end = int(after[0]) if after.size else picture.shape[1]
    least = LEFT_OVER * picture.shape[0]
    return start if strike.start - start < least else strike.start, end if end - strike.end < least else strike.end


def _line(picture: Image, start: int, end: int, left: int) -> tuple[Line, ...]:
    piece = placed_piece(picture, start, end)
    return (Line(piece.picture, left=left + piece.left),) if piece is not None else ()
