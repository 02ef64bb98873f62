"""Pieces of people's lines put side by side: as high as each other, on one baseline, joined where they were cut."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.random import Generator

from pipeline.model import Image
from pipeline.recognize.ink import Mask
from pipeline.training.alignment import Placed
from pipeline.training.drawn_accents import PLAIN, Ink, add_accent
from pipeline.training.handwriting_data import as_cut
from pipeline.training.letter_cuts import Cut, between, cuts_of

SMALL_PX = 26.0
"""Height of small letters on the sheet."""
HIGH, BASE, ROOM_PX = 6.0, 3.6, 400
"""Height of the sheet and its baseline, in heights of small letters, and px of width that it grows by."""
GAP = (0.6, 1.6)
"""White between words, in heights of small letters."""
UNEVEN = 0.03
"""How far letters leave the baseline (standard deviation), in the same."""
NEAR_PX = 2.0
"""White that is left at a cut, at most."""
LATE = 0.1
"""The network answers so much to the right of a letter's middle, in heights of the line: 4.8 px of 48 behind the middle of white between words."""
FULL = 0.45
"""Rows with so much of the fullest row's ink hold small letters."""
LOWEST_PX = 8
INKED = 0.4


@dataclass(frozen=True, slots=True)
class WrittenLine:
    """A line cut into letters.

    `ink` (255 most) and `mask` are its picture; `cuts` part its letters (none at both ends), and `edges` are the columns where they do so at the
    height of small letters; `middles` are its letters' columns, `top` and `base` the rows between which small letters stand.
    """

    text: str
    ink: Image
    mask: Mask
    cuts: tuple[Cut | None, ...]
    edges: tuple[float, ...]
    middles: tuple[float, ...]
    top: float
    base: float

    @property
    def scale(self) -> float:
        """From its px to those of a sheet."""
        return SMALL_PX / (self.base - self.top)


def written_line(placed: Placed) -> WrittenLine | None:
    """A line whose letters have their places, cut between them; None where small letters are too low to be told from dirt."""
    ink = (255 - placed.line.picture).astype(np.uint8)
    _, dark = cv2.threshold(ink, 0, 255, cv2.THRESH_BINARY + cv2.THRESH_OTSU)
    mask = np.asarray(dark > 0, np.bool_)
    rows = cv2.GaussianBlur(mask.sum(axis=1).astype(np.float32)[:, None], (1, 5), 0)[:, 0]
    full = np.flatnonzero(rows >= FULL * rows.max())
    top, base = float(full[0]), float(full[-1] + 1)
    if base - top < LOWEST_PX:
        return None
    height, width = mask.shape
    middles = tuple(x - LATE * height for x in placed.middles)
    cuts = cuts_of(mask, middles)
    columns = [cut.column - cut.slant * ((top + base) / 2 - height / 2) for cut in cuts]
    return WrittenLine(placed.line.text, ink, mask, (None, *cuts, None), (0.0, *columns, float(width)), middles, top, base)


class PieceSheet:
    """White paper that pieces are put on, from left to right."""

    def __init__(self, rng: Generator) -> None:
        self._rng = rng
        self._ink = np.zeros((round(HIGH * SMALL_PX), ROOM_PX), np.float32)
        self._x = SMALL_PX
        self._joins = False

    def begin_word(self) -> None:
        """Leave white before it."""
        self._x += SMALL_PX * float(self._rng.uniform(*GAP))
        self._joins = False

    def put(self, line: WrittenLine, first: int, text: str) -> None:
        """Add the letters of a line from the one numbered `first` on; `text` is what they are to say, with accents that they may lack."""
        own = between(line.mask, line.cuts[first], line.cuts[first + len(text)])
        columns = np.flatnonzero(own.any(axis=0))
        if not len(columns):
            return
        left, right = self._sides(line, first, first + len(text), int(columns[0]), int(columns[-1]))
        from_x, to_x = max(0, int(columns[0]) - 2), int(columns[-1]) + 3
        at, base = self._x + (from_x - left) * line.scale, (BASE + self._rng.normal(0, UNEVEN)) * SMALL_PX
        start = max(0, int(at))
        grown = cv2.dilate(own[:, from_x:to_x].view(np.uint8), np.ones((3, 3), np.uint8))
        piece = (line.ink[:, from_x:to_x] * grown).astype(np.float32) / np.float32(255)
        shown = self._drawn(piece, line.scale, (at - start, base - line.base * line.scale), start)
        for i, letter in enumerate(text, first):
            if line.text[i] == PLAIN.get(letter):
                middle = self._x + (line.middles[i] - left) * line.scale
                add_accent(self._ink, letter, middle, _top(shown, middle - start, base), SMALL_PX, float(shown.max()), self._rng)
        self._x += (right - left) * line.scale
        self._joins = True

    def _sides(self, line: WrittenLine, first: int, end: int, left_ink: int, right_ink: int) -> tuple[float, float]:
        """Where a piece begins and ends: at its cuts, or near its ink where white lies between."""
        near = NEAR_PX / line.scale
        left, right = line.edges[first], min(line.edges[end], right_ink + near)
        if not self._joins:
            left = float(left_ink)
        elif left_ink > left + 2 * near:
            left = left_ink - near
        return left, right

    def _drawn(self, piece: Ink, scale: float, to: tuple[float, float], start: int) -> Ink:
        """A piece at the sheet's scale, put on it from a column on."""
        shape = (int(piece.shape[1] * scale) + 2, self._ink.shape[0])
        lacking = start + shape[0] + round(SMALL_PX) - self._ink.shape[1]
        if lacking > 0:
            self._ink = np.pad(self._ink, ((0, 0), (0, lacking + ROOM_PX)))
        moved = np.array([[scale, 0, to[0]], [0, scale, to[1]]])
        shown = np.clip(cv2.warpAffine(piece, moved, shape, flags=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC), 0, 1)
        here = self._ink[:, start : start + shape[0]]
        np.maximum(here, shown, out=here)
        return np.asarray(shown, np.float32)

    def picture(self) -> Image | None:
        """Ink on white, cut to it; None without any."""
        return as_cut((255 - 255 * self._ink).astype(np.uint8))


def _top(shown: Ink, middle: float, base: float) -> float:
    """The row where the ink around a letter begins; as high as small letters if there is none."""
    around = shown[:, max(0, round(middle - 0.4 * SMALL_PX)) : max(1, round(middle + 0.4 * SMALL_PX))]
    rows = np.flatnonzero((around > INKED).any(axis=1))
    return float(rows[0]) if len(rows) else base - SMALL_PX
