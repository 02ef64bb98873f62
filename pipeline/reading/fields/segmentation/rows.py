"""The rows of an area with the ink of each: underlining taken away, rows found, strokes shared out
among them.

The writing of an area as rows to be read: each laid straight, without underlining, struck-out
places and inserted words in their place.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from pipeline.reading.fields.handwriting.line_image import LineCut, cut_line_with_offset, has_stroke
from pipeline.reading.fields.handwriting.strikethrough import (
    LinePart,
    Strike,
    find_strikes,
    nearest_gap,
    nearest_word_gap,
    split_line,
    strike_breaks,
)
from pipeline.reading.fields.ink import Ink
from pipeline.reading.fields.segmentation.assign_ink import (
    CUT_PIECE,
    NO_ROW,
    RowNumbers,
    assign_ink,
    drop_parasite_rows,
)
from pipeline.reading.fields.segmentation.find_lines import (
    TextRow,
    estimate_letter_height,
    estimate_slope,
    find_rows,
)
from pipeline.reading.fields.segmentation.insertions import (
    Insertion,
    estimate_row_distance,
    find_insertions,
)
from pipeline.reading.fields.segmentation.overleaf import has_arrow_at_end
from pipeline.reading.fields.segmentation.underlines import find_underlines
from pipeline.reading.fields.strokes import ConnectedStrokes

MAX_BELOW_FIELD = 0.6
"""A row belongs to its field if its middle is not farther than this part of a row's distance below
it …
"""
MAX_ABOVE_FIELD = 0.35
"""… or above."""
MAX_SEARCH_DISTANCE = 2.0
"""Rows so many times farther away than that are not even looked at."""


@dataclass(frozen=True, slots=True)
class RowInk:
    """Rows from top to bottom and their ink. `owner` and `of_piece` are as `line_sharing.owners`
    gives them.

    `letter` is how high letters are and `distance` how far apart rows usually are, px; `ruled`:
    that is the distance of the form's rules.
    """

    ink: Ink
    rows: tuple[TextRow, ...]
    pieces: ConnectedStrokes
    owner: RowNumbers
    of_piece: RowNumbers
    letter: float
    distance: float
    ruled: bool

    def in_field(self, i: int, slack: float = 1.0) -> bool:
        """Whether row `i` is of this field and not of the paper around it."""
        return _is_in_field(self.rows[i], self.ink, slack * self.distance)


def segment_rows(ink: Ink, count: int | None) -> RowInk:
    """The rows of an area with `count` printed rules (None: unknown, or none)."""
    _, top, _, bottom = ink.field
    pitch = (bottom - top) / count if count else None
    pieces = ConnectedStrokes.of(ink.mask)
    letter = estimate_letter_height(pieces, ink.px_per_mm, pitch)
    slope = estimate_slope(ink.mask, ink.px_per_mm)
    under = find_underlines(ink.mask, letter, slope)
    if under.any():
        pieces = ConnectedStrokes.of(np.asarray(ink.mask & ~under, np.bool_))
    rows = find_rows(np.asarray(pieces.labels > 0, np.bool_), ink.px_per_mm, letter, slope)
    distance = pitch or estimate_row_distance(rows, None, letter)
    rows = drop_parasite_rows(pieces, rows, letter, distance)
    rows = [row for row in rows if _is_in_field(row, ink, MAX_SEARCH_DISTANCE * distance)]
    return RowInk(
        ink,
        tuple(rows),
        pieces,
        *assign_ink(pieces, rows, letter),
        letter,
        distance,
        pitch is not None,
    )


def _is_in_field(row: TextRow, ink: Ink, distance: float) -> bool:
    left, top, right, bottom = ink.field
    return (
        row.start < right
        and row.end > left
        and top - MAX_ABOVE_FIELD * distance <= row.middle <= bottom + MAX_BELOW_FIELD * distance
    )


@dataclass(frozen=True, slots=True)
class WrittenRow:
    """One row from left to right. `place` is the height (px in the crop) at which it begins, `y`
    that of its middle at every column.
    """

    parts: tuple[LinePart, ...]
    place: float
    y: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class WrittenArea:
    """The rows of an area in reading order, and the ink they were found in. `arrow`: an arrow ends
    the writing.
    """

    rows: tuple[WrittenRow, ...]
    row_ink: RowInk
    has_arrow: bool


def segment_area(ink: Ink, count: int | None) -> WrittenArea:
    """The rows of an area with `count` printed rules (None: unknown, or none)."""
    found = segment_rows(ink, count)
    put_in = find_insertions(
        found.rows,
        found.pieces,
        found.of_piece,
        estimate_row_distance(found.rows, found.distance, found.letter),
        found.letter,
    )
    for one in put_in:
        if one.caret is not None:
            found.owner[found.pieces.labels == one.caret + 1] = NO_ROW
    own = [i for i in range(len(found.rows)) if found.in_field(i)]
    cuts = {i: cut for i in own if (cut := _cut_row(found, i))}
    arrow = bool(cuts) and has_arrow_at_end(found.pieces, found.of_piece, max(cuts), found.letter)
    return WrittenArea(_make_rows(found, cuts, put_in), found, arrow)


def _make_rows(
    found: RowInk, cuts: Mapping[int, LineCut], put_in: Sequence[Insertion]
) -> tuple[WrittenRow, ...]:
    rows = found.rows
    strikes = dict(
        zip(
            cuts,
            find_strikes([cut.picture for cut in cuts.values()], found.ink.px_per_mm),
            strict=True,
        )
    )
    into = {one.target_row: one for one in put_in if one.row in cuts and one.target_row in cuts}
    inserted = {one.row for one in into.values()}
    column = min((row.start for row in rows), default=0)
    return tuple(
        WrittenRow(_row_parts(i, cuts, strikes, into), float(rows[i].y[column]), rows[i].y)
        for i in cuts
        if i not in inserted
    )


def _cut_row(found: RowInk, i: int) -> LineCut | None:
    band = _row_band(found.pieces, found.of_piece, i)
    mask = np.asarray(found.owner[band] == i, np.bool_)
    if not mask.any() or not has_stroke(mask, found.ink.px_per_mm):
        return None
    return cut_line_with_offset(
        replace(found.ink, mask=mask, darkness=found.ink.darkness[band]), mask, found.rows[i].y
    )


def _row_band(pieces: ConnectedStrokes, of_piece: RowNumbers, i: int) -> slice:
    """The picture's rows that the ink of row `i` lies in."""
    mine = (of_piece == i) | (of_piece == CUT_PIECE)
    return (
        slice(int(pieces.top[mine].min()), int(pieces.bottom[mine].max()))
        if mine.any()
        else slice(0, 0)
    )


def _row_parts(
    i: int,
    cuts: Mapping[int, LineCut],
    strikes: Mapping[int, Sequence[Strike]],
    into: Mapping[int, Insertion],
) -> tuple[LinePart, ...]:
    """The stretches of a row between its struck-out places, with the words put into it."""
    picture = cuts[i].picture
    breaks = strike_breaks(picture, strikes[i])
    if i in into:
        at = (nearest_word_gap if into[i].caret is None else nearest_gap)(
            picture, round(into[i].column) - cuts[i].left
        )
        breaks.append((at, at, _row_parts(into[i].row, cuts, strikes, {})))
    return split_line(picture, breaks, cuts[i].left)
