"""The writing of an area as rows to be read: each laid straight, without underlining, struck-out places and inserted words in their place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from pipeline.recognize.ink import Ink
from pipeline.recognize.insertions import Insertion, insertions, usual_distance
from pipeline.recognize.line_picture import CutOut, cut_out, has_stroke
from pipeline.recognize.line_sharing import CUT, NO_ROW, Owner
from pipeline.recognize.pieces import Pieces
from pipeline.recognize.row_ink import RowInk, row_ink
from pipeline.recognize.see_back import arrow_at_end
from pipeline.recognize.stretches import Part, gap, parts, struck_breaks, word_gap
from pipeline.recognize.strikes import Strike, struck_out


@dataclass(frozen=True, slots=True)
class WrittenRow:
    """One row from left to right. `place` is the height (px in the crop) at which it begins, `y` that of its middle at every column."""

    parts: tuple[Part, ...]
    place: float
    y: NDArray[np.float64]


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
    return WrittenArea(_written(found, cuts, put_in), found, arrow)


def _written(found: RowInk, cuts: Mapping[int, CutOut], put_in: Sequence[Insertion]) -> tuple[WrittenRow, ...]:
    rows = found.rows
    strikes = dict(zip(cuts, struck_out([cut.picture for cut in cuts.values()], found.ink.px_per_mm), strict=True))
    into = {one.into: one for one in put_in if one.row in cuts and one.into in cuts}
    inserted = {one.row for one in into.values()}
    column = min((row.start for row in rows), default=0)
    return tuple(WrittenRow(_parts(i, cuts, strikes, into), float(rows[i].y[column]), rows[i].y) for i in cuts if i not in inserted)


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
    breaks = struck_breaks(picture, strikes[i])
    if i in into:
        at = (word_gap if into[i].caret is None else gap)(picture, round(into[i].at) - cuts[i].left)
        breaks.append((at, at, _parts(into[i].row, cuts, strikes, {})))
    return parts(picture, breaks, cuts[i].left)
