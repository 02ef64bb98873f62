"""Segment an area of writing into rows of images to read.

Underlining is removed, rows are found, strokes are shared among them. Each row is straightened;
struck-out places and inserted words are in their place.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.reading.fields.handwriting.line_image import (
    ConnectedStrokes,
    LineCut,
    cut_line,
    has_stroke,
)
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
    CUT_STROKE,
    NO_ROW,
    Insertion,
    RowNumbers,
    assign_ink,
    drop_parasite_rows,
    estimate_row_distance,
    find_insertions,
)
from pipeline.reading.fields.segmentation.find_lines import (
    TextRow,
    estimate_letter_height,
    estimate_slope,
    find_rows,
    shear_image,
)
from pipeline.reading.fields.segmentation.overleaf import has_arrow_at_end
from pipeline.reading.imaging.pixels import Mask

# Find underlining: it has letters above it, and none below.
#
# Strokes through words, bars of a t and dashes do not.

HIGHEST = 0.6
"""An underline is at most this high, in letter heights."""
MIN_UNDERLINE_LENGTH = 2.2
"""Least length of an underline, in letter heights."""
MAX_UNDERLINE_THICKNESS = 0.28
"""Maximum thickness of an underline, in letter heights."""
LETTERS_ABOVE = (0.12, 1.3)
"""Where letters are searched above an underline, in letter heights from the stroke's edge."""
LETTERS_BELOW = (0.12, 0.45)
"""The same below it."""
MIN_COVER_ABOVE, MAX_COVER_BELOW = 0.5, 0.35
"""Letters are above at least this part of its length, and go on below it over less than that part.
"""


def find_underlines(mask: Mask, letter: float, slope: float) -> Mask:
    """Return the ink of underlining in `mask`.

    `letter` is the letter height (px), `slope` how far down the writing goes per column.
    """
    # Long flat strokes in the levelled writing.
    level = shear_image(mask.astype(np.uint8), slope)
    length = max(3, round(MIN_UNDERLINE_LENGTH * letter))
    flat = cv2.morphologyEx(level, cv2.MORPH_OPEN, np.ones((1, length), np.uint8))
    underlines = np.zeros_like(level)
    strokes = ConnectedStrokes.of(flat > 0)

    # Keep those that are thin and have letters above only.
    for i in np.flatnonzero(
        (strokes.area / strokes.width <= MAX_UNDERLINE_THICKNESS * letter)
        & (strokes.height <= HIGHEST * letter)
    ):
        box = (
            slice(int(strokes.top[i]), int(strokes.bottom[i])),
            slice(int(strokes.left[i]), int(strokes.right[i])),
        )
        if _is_underline(level, box, letter):
            underlines[box] |= (strokes.labels[box] == i + 1).astype(np.uint8)

    # Back to the slope of the writing, a little thicker, but only ink.
    tilted = shear_image(underlines, -slope) if slope else underlines
    thick = cv2.dilate(tilted, np.ones((3, 3), np.uint8))
    return np.asarray((thick > 0) & mask, np.bool_)


def _is_underline(
    level: np.ndarray[tuple[int, ...], np.dtype[np.uint8]], box: tuple[slice, slice], letter: float
) -> bool:
    """Return whether letters are above the stroke in `box` and not below it."""
    rows, columns = box
    # Bands above and below the stroke.
    above = level[
        max(0, round(rows.start - LETTERS_ABOVE[1] * letter)) : max(
            0, round(rows.start - LETTERS_ABOVE[0] * letter)
        ),
        columns,
    ]
    below = level[
        round(rows.stop + LETTERS_BELOW[0] * letter) : round(rows.stop + LETTERS_BELOW[1] * letter),
        columns,
    ]
    return _cover_share(above) >= MIN_COVER_ABOVE and _cover_share(below) < MAX_COVER_BELOW


def _cover_share(band: np.ndarray[tuple[int, ...], np.dtype[np.uint8]]) -> float:
    """Return the share of columns with ink."""
    return float((band > 0).any(axis=0).mean()) if band.size else 0.0


MAX_BELOW_FIELD = 0.6
"""A row belongs to its field if its middle is at most this part of the row distance below it."""
MAX_ABOVE_FIELD = 0.35
"""The same above the field."""
MAX_SEARCH_DISTANCE = 2.0
"""Rows beyond these limits this many times are not searched."""


@dataclass(frozen=True, slots=True)
class RowInk:
    """Rows from top to bottom and their ink.

    `owner` and `row_of_stroke` are as `assign_ink` returns them. `letter` is the letter height and
    `distance` the usual one between rows, px; `ruled`: that is the distance of the form's rules.
    """

    ink: Ink
    rows: tuple[TextRow, ...]
    strokes: ConnectedStrokes
    owner: RowNumbers
    row_of_stroke: RowNumbers
    letter: float
    distance: float
    ruled: bool

    def in_field(self, i: int, slack: float = 1.0) -> bool:
        """Return whether row `i` is of this field and not of the paper around it."""
        return _is_in_field(self.rows[i], self.ink, slack * self.distance)


@dataclass(frozen=True, slots=True)
class WrittenRow:
    """One row from left to right.

    `place` is the height (px in the field's image) at which it begins, `y` that of its middle at
    every column.
    """

    parts: tuple[LinePart, ...]
    place: float
    y: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class WrittenArea:
    """The rows of an area in reading order, and the ink they were found in.

    `has_arrow`: an arrow ends the writing.
    """

    rows: tuple[WrittenRow, ...]
    row_ink: RowInk
    has_arrow: bool


def segment_area(ink: Ink, count: int | None) -> WrittenArea:
    """Segment an area with `count` printed rules (None: unknown, or none) into rows to read."""
    row_ink = segment_rows(ink, count)

    # Find inserted words; carets are no ink to read.
    insertions = find_insertions(
        row_ink.rows,
        row_ink.strokes,
        row_ink.row_of_stroke,
        estimate_row_distance(row_ink.rows, row_ink.distance, row_ink.letter),
        row_ink.letter,
    )
    for insertion in insertions:
        if insertion.caret is not None:
            row_ink.owner[row_ink.strokes.labels == insertion.caret + 1] = NO_ROW

    # Cut out the rows of the field.
    in_field = [i for i in range(len(row_ink.rows)) if row_ink.in_field(i)]
    cuts = {i: cut for i in in_field if (cut := _cut_row(row_ink, i))}
    has_arrow = bool(cuts) and has_arrow_at_end(
        row_ink.strokes, row_ink.row_of_stroke, max(cuts), row_ink.letter
    )
    return WrittenArea(_make_rows(row_ink, cuts, insertions), row_ink, has_arrow)


def segment_rows(ink: Ink, count: int | None) -> RowInk:
    """Find the rows of an area with `count` printed rules (None: unknown, or none)."""
    _, top, _, bottom = ink.field
    pitch = (bottom - top) / count if count else None

    # Letter height and slope of the writing.
    strokes = ConnectedStrokes.of(ink.mask)
    letter = estimate_letter_height(strokes, ink.px_per_mm, pitch)
    slope = estimate_slope(ink.mask, ink.px_per_mm)

    # Remove underlining.
    underlines = find_underlines(ink.mask, letter, slope)
    if underlines.any():
        strokes = ConnectedStrokes.of(np.asarray(ink.mask & ~underlines, np.bool_))

    # Find the rows, and drop what is no row of its own or too far away.
    rows = find_rows(np.asarray(strokes.labels > 0, np.bool_), ink.px_per_mm, letter, slope)
    distance = pitch or estimate_row_distance(rows, None, letter)
    rows = drop_parasite_rows(strokes, rows, letter, distance)
    rows = [row for row in rows if _is_in_field(row, ink, MAX_SEARCH_DISTANCE * distance)]
    return RowInk(
        ink,
        tuple(rows),
        strokes,
        *assign_ink(strokes, rows, letter),
        letter,
        distance,
        pitch is not None,
    )


def _is_in_field(row: TextRow, ink: Ink, distance: float) -> bool:
    """Return whether a row is in the field, or near it by the row distance `distance`."""
    left, top, right, bottom = ink.field
    return (
        row.start < right
        and row.end > left
        and top - MAX_ABOVE_FIELD * distance <= row.middle <= bottom + MAX_BELOW_FIELD * distance
    )


def _make_rows(
    row_ink: RowInk, cuts: Mapping[int, LineCut], insertions: Sequence[Insertion]
) -> tuple[WrittenRow, ...]:
    """Return the rows with their struck-out places and insertions."""
    rows = row_ink.rows

    # Find the struck-out places of all rows in one batch.
    strikes = dict(
        zip(
            cuts,
            find_strikes([cut.picture for cut in cuts.values()], row_ink.ink.px_per_mm),
            strict=True,
        )
    )

    # Inserted rows become part of the row below them.
    by_target = {
        insertion.target_row: insertion
        for insertion in insertions
        if insertion.row in cuts and insertion.target_row in cuts
    }
    inserted = {insertion.row for insertion in by_target.values()}
    # Compare the heights of rows at the column where the leftmost one begins.
    column = min((row.start for row in rows), default=0)
    return tuple(
        WrittenRow(_row_parts(i, cuts, strikes, by_target), float(rows[i].y[column]), rows[i].y)
        for i in cuts
        if i not in inserted
    )


def _cut_row(row_ink: RowInk, i: int) -> LineCut | None:
    """Return the image of one row, straightened, or None without writing."""
    # Only the part of the image that the row's ink is in.
    band = _row_band(row_ink.strokes, row_ink.row_of_stroke, i)
    mask = np.asarray(row_ink.owner[band] == i, np.bool_)
    if not mask.any() or not has_stroke(mask, row_ink.ink.px_per_mm):
        return None
    return cut_line(
        replace(row_ink.ink, mask=mask, darkness=row_ink.ink.darkness[band]),
        mask,
        row_ink.rows[i].y,
    )


def _row_band(strokes: ConnectedStrokes, row_of_stroke: RowNumbers, i: int) -> slice:
    """Return the image's rows that the ink of row `i` is in."""
    of_row = (row_of_stroke == i) | (row_of_stroke == CUT_STROKE)
    return (
        slice(int(strokes.top[of_row].min()), int(strokes.bottom[of_row].max()))
        if of_row.any()
        else slice(0, 0)
    )


def _row_parts(
    i: int,
    cuts: Mapping[int, LineCut],
    strikes: Mapping[int, Sequence[Strike]],
    by_target: Mapping[int, Insertion],
) -> tuple[LinePart, ...]:
    """Return the parts of a row between its struck-out places, with the words inserted into it."""
    picture = cuts[i].picture
    breaks = strike_breaks(picture, strikes[i])
    if i in by_target:
        # A caret may be within a word; other words are inserted between words.
        insertion = by_target[i]
        find_gap = nearest_word_gap if insertion.caret is None else nearest_gap
        at = find_gap(picture, round(insertion.column) - cuts[i].left)
        breaks.append((at, at, _row_parts(insertion.row, cuts, strikes, {})))
    return split_line(picture, breaks, cuts[i].left)
