"""The writing of an area as rows to be read: each laid straight, without underlining, struck-out places and inserted words in their place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from pipeline.model import Image
from pipeline.recognize.ink import Ink
from pipeline.recognize.insertions import Insertion, insertions, usual_distance
from pipeline.recognize.line_finding import Row
from pipeline.recognize.line_picture import CutOut, Line, cut_out, has_stroke, piece_of
from pipeline.recognize.line_sharing import CUT, NO_ROW, Owner
from pipeline.recognize.pieces import Pieces
from pipeline.recognize.row_ink import RowInk, row_ink
from pipeline.recognize.see_back import arrow_at_end
from pipeline.recognize.strikes import Strike, struck_out

Part = Line | Strike
"""A stretch of a row: something to read, or a struck-out place."""


LEFT_OVER = 0.35
"""Ink beside a strike that is narrower than this part of the line's height is what is left of the struck-out word."""


@dataclass(frozen=True, slots=True)
class WrittenRow:
    """One row from left to right. `place` is the height (px in the crop) at which it begins."""

    parts: tuple[Part, ...]
    place: float


@dataclass(frozen=True, slots=True)
class WrittenArea:
    """The rows of an area in reading order, and the ink they were found in. `arrow`: an arrow ends the writing."""

    rows: tuple[WrittenRow, ...]
    found: RowInk
    arrow: bool


def written_area(ink: Ink, count: int | None) -> WrittenArea:
    """The rows of an area with `count` printed rules (None: unknown, or none)."""
    found = row_ink(ink, count)
    put_in = insertions(found.rows, found.pieces, found.of_piece, usual_distance(found.rows, found.distance, found.letter), found.letter)
    for one in put_in:
        if one.caret is not None:
            found.owner[found.pieces.labels == one.caret + 1] = NO_ROW
    own = [i for i in range(len(found.rows)) if found.in_field(i)]
    cuts = {i: cut for i in own if (cut := _cut(found, i))}
    arrow = bool(cuts) and arrow_at_end(found.pieces, found.of_piece, max(cuts), found.letter)
    return WrittenArea(_written(found.rows, cuts, put_in), found, arrow)


def _written(rows: Sequence[Row], cuts: Mapping[int, CutOut], put_in: Sequence[Insertion]) -> tuple[WrittenRow, ...]:
    strikes = dict(zip(cuts, struck_out([cut.picture for cut in cuts.values()]), strict=True))
    into = {one.into: one for one in put_in if one.row in cuts and one.into in cuts}
    inserted = {one.row for one in into.values()}
    column = min((row.start for row in rows), default=0)
    return tuple(WrittenRow(_parts(i, cuts, strikes, into), float(rows[i].y[column])) for i in cuts if i not in inserted)


def _cut(found: RowInk, i: int) -> CutOut | None:
    band = _band(found.pieces, found.of_piece, i)
    mask = np.asarray(found.owner[band] == i, np.bool_)
    if not mask.any() or not has_stroke(mask, found.ink.px_per_mm):
        return None
    return cut_out(replace(found.ink, mask=mask, darkness=found.ink.darkness[band]), mask, found.rows[i].y)


def _band(pieces: Pieces, of_piece: Owner, i: int) -> slice:
    """The picture's rows that the ink of row `i` lies in."""
    mine = (of_piece == i) | (of_piece == CUT)
    return slice(int(pieces.top[mine].min()), int(pieces.bottom[mine].max())) if mine.any() else slice(0, 0)


def _parts(i: int, cuts: Mapping[int, CutOut], strikes: Mapping[int, Sequence[Strike]], into: Mapping[int, Insertion]) -> tuple[Part, ...]:
    """The stretches of a row between its struck-out places, with the words put into it."""
    picture = cuts[i].picture
    breaks: list[tuple[int, int, tuple[Part, ...]]] = [(*_whole(picture, strike), (strike,)) for strike in strikes[i]]
    if i in into:
        at = _gap(picture, round(into[i].at) - cuts[i].left)
        breaks.append((at, at, _parts(into[i].row, cuts, strikes, {})))
    if not breaks:
        return (Line(picture),)
    parts: list[Part] = []
    done = 0
    for start, end, between in sorted(breaks, key=lambda one: one[0]):
        parts += [*_line(picture, done, start), *between]
        done = max(done, end)
    return (*parts, *_line(picture, done, picture.shape[1]))


def _whole(picture: Image, strike: Strike) -> tuple[int, int]:
    """The columns of a strike, and of what is left of the struck-out word beside it if that is less than a letter."""
    white = np.flatnonzero((picture >= 128).all(axis=0))
    before, after = white[white <= strike.start], white[white >= strike.end]
    start = int(before[-1]) if before.size else 0
    end = int(after[0]) if after.size else picture.shape[1]
    least = LEFT_OVER * picture.shape[0]
    return start if strike.start - start < least else strike.start, end if end - strike.end < least else strike.end


def _line(picture: Image, start: int, end: int) -> tuple[Line, ...]:
    piece = piece_of(picture, start, end)
    return (Line(piece),) if piece is not None else ()


def _gap(picture: Image, column: int) -> int:
    """The white column nearest to `column`, if there is one not farther than the line is high."""
    white = np.flatnonzero((picture >= 128).all(axis=0))
    nearest = int(white[np.abs(white - column).argmin()]) if white.size else column
    return nearest if abs(nearest - column) <= picture.shape[0] else column
