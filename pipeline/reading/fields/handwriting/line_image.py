"""The picture of one handwritten line as the network likes it: its ink alone, cut to its extent,
with white around.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.domain.model import Image
from pipeline.reading.fields.ink import Ink, Mask, render_ink
from pipeline.reading.imaging.components import Components

PAD_ABOVE = 0.15
"""White above and below a line, as part of its height."""
PAD_BESIDE = 0.3
"""White around the ink as parts of its height; found best on DHSD words (0.05–0.3 tried)."""
MIN_LINE_INK_MM2 = 0.35
"""Less ink than this in a whole line is taken for dirt."""
MIN_STROKE_LENGTH_MM = 1.2
MIN_STROKE_HEIGHT_MM = 0.5
"""Writing has a stroke at least so long (diagonal) and so high somewhere; specks are shorter, what
is left of a printed rule is lower.
"""
CLEAN_EMPTY_P, SPECKED_EMPTY_P = 0.99, 0.9
"""How surely a line without writing is empty: no ink at all, specks."""
MIN_BEND_MM = 0.4
"""A row that rises or falls less is left as it is."""
MAX_INK_HEIGHT = 1.6
"""Ink higher than this many lines has grown together over a rule and is cut there."""


@dataclass(frozen=True, slots=True)
class LineImage:
    """One line: its picture as the network likes it, or None when nothing is written, which then is
    sure by `empty_p`.

    `left` is the column of the field's crop that the picture's first column shows, where that is
    known.
    """

    picture: Image | None
    empty_p: float = CLEAN_EMPTY_P
    left: int = 0


@dataclass(frozen=True, slots=True)
class LineCut:
    """A line's picture (dark on white), and the column of the field that its first column shows;
    columns keep their width.
    """

    picture: Image
    left: int


def make_line_image(ink: Ink, mask: Mask) -> LineImage:
    """The line whose ink is `mask`; specks and remains of rules are not writing."""
    if not mask.any():
        return LineImage(None)
    picture = cut_line(ink, mask) if has_stroke(mask, ink.px_per_mm) else None
    return LineImage(picture, CLEAN_EMPTY_P if picture is not None else SPECKED_EMPTY_P)


def cut_line(ink: Ink, mask: Mask) -> Image | None:
    """The ink in `mask` cut out with white around it, as the network likes it; None when there is
    next to none.
    """
    found = cut_line_with_offset(ink, mask)
    return found.picture if found else None


def cut_line_with_offset(
    ink: Ink, mask: Mask, y: NDArray[np.float64] | None = None
) -> LineCut | None:
    """As `line_picture`, and told where it lies; writing that follows the curve `y` (px, a value a
    column) is laid straight.
    """
    if np.count_nonzero(mask) < MIN_LINE_INK_MM2 * ink.px_per_mm**2:
        return None
    left, top, width, height = cv2.boundingRect(mask.view(np.uint8))
    box = slice(top, top + height), slice(left, left + width)
    cut = render_ink(Ink(mask[box], ink.darkness[box], ink.px_per_mm, ink.field))
    if y is not None and np.ptp(y[box[1]]) > MIN_BEND_MM * ink.px_per_mm:
        cut = _straighten(cut, y[box[1]])
    above, beside = round(PAD_ABOVE * cut.shape[0]), round(PAD_BESIDE * cut.shape[0])
    return LineCut(_pad_image(cut, above, beside), left - beside)


def cut_columns(picture: Image, start: int, end: int) -> Image | None:
    """The columns from `start` up to `end` of a line's picture, as a picture of their own; None if
    there is no ink.
    """
    found = cut_columns_with_offset(picture, start, end)
    return found.picture if found else None


def cut_columns_with_offset(picture: Image, start: int, end: int) -> LineCut | None:
    """As `piece_of`, and told where in the line's picture it lies."""
    cut = picture[:, max(0, start) : max(0, end)]
    columns = np.flatnonzero((cut < 128).any(axis=0)) if cut.size else np.array([], int)
    if not columns.size:
        return None
    beside = round(PAD_BESIDE * picture.shape[0] / (1 + 2 * PAD_ABOVE))
    piece = _pad_image(cut[:, columns[0] : columns[-1] + 1], 0, beside)
    return LineCut(piece, max(0, start) + int(columns[0]) - beside)


def _pad_image(picture: Image, above: int, beside: int) -> Image:
    """With white around it: so many rows above and below, so many columns on both sides."""
    return np.asarray(
        cv2.copyMakeBorder(
            picture, above, above, beside, beside, cv2.BORDER_CONSTANT, value=(255,)
        ),
        np.uint8,
    )


def _straighten(cut: Image, y: NDArray[np.float64]) -> Image:
    """Each column moved so that the curve becomes level, cut to the ink that is left."""
    down = (y.max() - y).astype(np.float32)
    height = cut.shape[0] + int(np.ceil(down.max()))
    columns, rows = np.meshgrid(
        np.arange(cut.shape[1], dtype=np.float32), np.arange(height, dtype=np.float32)
    )
    out = np.asarray(
        cv2.remap(cut, columns, rows - down[None, :], cv2.INTER_LINEAR, borderValue=(255,)),
        np.uint8,
    )
    inked = np.flatnonzero((out < 128).any(axis=1))
    return out[inked[0] : inked[-1] + 1] if inked.size else out


def has_stroke(mask: Mask, px_per_mm: float) -> bool:
    """Whether there is a stroke as long and as high as writing has somewhere."""
    x, y, w, h = cv2.boundingRect(mask.view(np.uint8))
    strokes = Components.of(mask[y : y + h, x : x + w])
    width, height = (
        strokes.column(side)[1:] / px_per_mm for side in (cv2.CC_STAT_WIDTH, cv2.CC_STAT_HEIGHT)
    )
    return bool(
        ((np.hypot(width, height) >= MIN_STROKE_LENGTH_MM) & (height >= MIN_STROKE_HEIGHT_MM)).any()
    )


def split_into_bands(mask: Mask, edges: Sequence[float]) -> list[Mask]:
    """The ink of each band between neighbouring `edges` (y in px): a stroke belongs whole to the
    band that its centre is in.

    Descenders and ascenders so stay with their line; only ink that is far higher than a band is
    cut at the edges.
    """
    strokes = Components.of(mask)
    tall = strokes.column(cv2.CC_STAT_HEIGHT) > MAX_INK_HEIGHT * (edges[1] - edges[0])
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
