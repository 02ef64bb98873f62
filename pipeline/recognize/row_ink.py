"""The rows of an area with the ink of each: underlining taken away, rows found, strokes shared out among them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pipeline.recognize.ink import Ink
from pipeline.recognize.insertions import usual_distance
from pipeline.recognize.line_finding import Row, find_rows, letter_height, slope_of
from pipeline.recognize.line_sharing import Owner, owners, without_parasites
from pipeline.recognize.pieces import Pieces
from pipeline.recognize.underlines import underlines

OUTSIDE = 0.6
"""A row belongs to its field if its middle is not farther than this part of a row's distance below it …"""
OVER = 0.35
"""… or above."""
ASIDE = 2.0
"""Rows so many times farther away than that are not even looked at."""


@dataclass(frozen=True, slots=True)
class RowInk:
    """Rows from top to bottom and their ink. `owner` and `of_piece` are as `line_sharing.owners` gives them.

    `letter` is how high letters are and `distance` how far apart rows usually are, px; `ruled`: that is the distance of the form's rules.
    """

    ink: Ink
    rows: tuple[Row, ...]
    pieces: Pieces
    owner: Owner
    of_piece: Owner
    letter: float
    distance: float
    ruled: bool

    def in_field(self, i: int, slack: float = 1.0) -> bool:
        """Whether row `i` is of this field and not of the paper around it."""
        return _in_field(self.rows[i], self.ink, slack * self.distance)


def row_ink(ink: Ink, count: int | None) -> RowInk:
    """The rows of an area with `count` printed rules (None: unknown, or none)."""
    _, top, _, bottom = ink.field
    pitch = (bottom - top) / count if count else None
    pieces = Pieces.of(ink.mask)
    letter = letter_height(pieces, ink.px_per_mm, pitch)
    slope = slope_of(ink.mask, ink.px_per_mm)
    under = underlines(ink.mask, letter, slope)
    if under.any():
        pieces = Pieces.of(np.asarray(ink.mask & ~under, np.bool_))
    rows = find_rows(np.asarray(pieces.labels > 0, np.bool_), ink.px_per_mm, letter, slope)
    distance = pitch or usual_distance(rows, None, letter)
    rows = without_parasites(pieces, rows, letter, distance)
    rows = [row for row in rows if _in_field(row, ink, ASIDE * distance)]
    return RowInk(ink, tuple(rows), pieces, *owners(pieces, rows, letter), letter, distance, pitch is not None)


def _in_field(row: Row, ink: Ink, distance: float) -> bool:
    left, top, right, bottom = ink.field
    return row.start < right and row.end > left and top - OVER * distance <= row.middle <= bottom + OUTSIDE * distance
