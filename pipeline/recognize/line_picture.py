"""The picture of one handwritten line as the network likes it: its ink alone, cut to its extent, with white around."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.components import Components
from pipeline.model import Image
from pipeline.recognize.ink import Ink, Mask, written

PAD_ABOVE = 0.15
"""White above and below a line, as part of its height."""
PAD_BESIDE = 0.3
"""White around the ink as parts of its height; found best on DHSD words (0.05–0.3 tried)."""
LEAST_INK_MM2 = 0.35
"""Less ink than this in a whole line is taken for dirt."""
SHORTEST_STROKE_MM = 1.2
LOWEST_STROKE_MM = 0.5
"""Writing has a stroke at least so long (diagonal) and so high somewhere; specks are shorter, what is left of a printed rule is lower."""
CLEAN_P, SPECKED_P = 0.99, 0.9
"""How surely a line without writing is empty: no ink at all, specks."""
BENT_MM = 0.4
"""A row that rises or falls less is left as it is."""
MAX_RISE = 1.6
"""Ink higher than this many lines has grown together over a rule and is cut there."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line: its picture as the network likes it, or None when nothing is written, which then is sure by `empty_p`.

    `left` is the column of the field's crop that the picture's first column shows, where that is known.
    """

    picture: Image | None
    empty_p: float = CLEAN_P
    left: int = 0


@dataclass(frozen=True, slots=True)
class CutOut:
    """A line's picture (dark on white), and the column of the field that its first column shows; columns keep their width."""

    picture: Image
    left: int


def line_of(ink: Ink, mask: Mask) -> Line:
    """The line whose ink is `mask`; specks and remains of rules are not writing."""
    if not mask.any():
        return Line(None)
    picture = line_picture(ink, mask) if has_stroke(mask, ink.px_per_mm) else None
    return Line(picture, CLEAN_P if picture is not None else SPECKED_P)


def line_picture(ink: Ink, mask: Mask) -> Image | None:
    """The ink in `mask` cut out with white around it, as the network likes it; None when there is next to none."""
    found = cut_out(ink, mask)
    return found.picture if found else None


def cut_out(ink: Ink, mask: Mask, y: NDArray[np.float64] | None = None) -> CutOut | None:
    """As `line_picture`, and told where it lies; writing that follows the curve `y` (px, a value a column) is laid straight."""
    if np.count_nonzero(mask) < LEAST_INK_MM2 * ink.px_per_mm**2:
        return None
    left, top, width, height = cv2.boundingRect(mask.view(np.uint8))
    box = slice(top, top + height), slice(left, left + width)
    cut = written(Ink(mask[box], ink.darkness[box], ink.px_per_mm, ink.field))
    if y is not None and np.ptp(y[box[1]]) > BENT_MM * ink.px_per_mm:
        cut = _straight(cut, y[box[1]])
    above, beside = round(PAD_ABOVE * cut.shape[0]), round(PAD_BESIDE * cut.shape[0])
    return CutOut(_framed(cut, above, beside), left - beside)


def piece_of(picture: Image, start: int, end: int) -> Image | None:
    """The columns from `start` up to `end` of a line's picture, as a picture of their own; None if there is no ink."""
    found = placed_piece(picture, start, end)
    return found.picture if found else None


def placed_piece(picture: Image, start: int, end: int) -> CutOut | None:
    """As `piece_of`, and told where in the line's picture it lies."""
    cut = picture[:, max(0, start) : max(0, end)]
    columns = np.flatnonzero((cut < 128).any(axis=0)) if cut.size else np.array([], int)
    if not columns.size:
        return None
    beside = round(PAD_BESIDE * picture.shape[0] / (1 + 2 * PAD_ABOVE))
    piece = _framed(cut[:, columns[0] : columns[-1] + 1], 0, beside)
    return CutOut(piece, max(0, start) + int(columns[0]) - beside)


def _framed(picture: Image, above: int, beside: int) -> Image:
    """With white around it: so many rows above and below, so many columns on both sides."""
    return np.asarray(cv2.copyMakeBorder(picture, above, above, beside, beside, cv2.BORDER_CONSTANT, value=(255,)), np.uint8)


def _straight(cut: Image, y: NDArray[np.float64]) -> Image:
    """Each column moved so that the curve becomes level, cut to the ink that is left."""
    down = (y.max() - y).astype(np.float32)
    height = cut.shape[0] + int(np.ceil(down.max()))
    columns, rows = np.meshgrid(np.arange(cut.shape[1], dtype=np.float32), np.arange(height, dtype=np.float32))
    out = np.asarray(cv2.remap(cut, columns, rows - down[None, :], cv2.INTER_LINEAR, borderValue=(255,)), np.uint8)
    inked = np.flatnonzero((out < 128).any(axis=1))
    return out[inked[0] : inked[-1] + 1] if inked.size else out


def has_stroke(mask: Mask, px_per_mm: float) -> bool:
    """Whether there is a stroke as long and as high as writing has somewhere."""
    x, y, w, h = cv2.boundingRect(mask.view(np.uint8))
    strokes = Components.of(mask[y : y + h, x : x + w])
    width, height = (strokes.column(side)[1:] / px_per_mm for side in (cv2.CC_STAT_WIDTH, cv2.CC_STAT_HEIGHT))
    return bool(((np.hypot(width, height) >= SHORTEST_STROKE_MM) & (height >= LOWEST_STROKE_MM)).any())


def banded(mask: Mask, edges: Sequence[float]) -> list[Mask]:
    """The ink of each band between neighbouring `edges` (y in px): a stroke belongs whole to the band that its centre is in.

    Descenders and ascenders so stay with their line; only ink that is far higher than a band is cut at the edges.
    """
    strokes = Components.of(mask)
    tall = strokes.column(cv2.CC_STAT_HEIGHT) > MAX_RISE * (edges[1] - edges[0])
    tall[0] = False
    bands = []
    for top, bottom in itertools.pairwise(edges):
        whole = (strokes.centres[:, 1] >= top) & (strokes.centres[:, 1] < bottom) & ~tall
        whole[0] = False
        band = strokes.pixels(whole)
        if tall.any():
            rows = slice(max(0, math.ceil(top)), max(0, math.ceil(bottom)))
            band[rows] |= strokes.pixels(tall)[rows]
        bands.append(band)
    return bands
