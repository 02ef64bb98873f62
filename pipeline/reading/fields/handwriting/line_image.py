"""The image of one handwritten line for the network: its ink alone, cut out, with white around."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.domain.model import Image
from pipeline.reading.fields.ink import Ink, render_ink
from pipeline.reading.imaging.components import Components, Mask

PAD_ABOVE = 0.15
"""White above and below a line, as part of its height."""
PAD_BESIDE = 0.3
"""White left and right of the ink, as part of its height; best on DHSD words (0.05–0.3 tried)."""
MIN_LINE_INK_MM2 = 0.35
"""Less ink than this in a whole line is dirt."""
MIN_STROKE_LENGTH_MM, MIN_STROKE_HEIGHT_MM = 1.2, 0.5
"""Writing has a stroke at least this long (diagonal) and this high somewhere; specks are shorter,
remnants of a printed rule are lower.
"""
CLEAN_EMPTY_P, SPECKED_EMPTY_P = 0.99, 0.9
"""Probability that a line without writing is empty: without any ink, and with specks."""
MIN_BEND_MM = 0.4
"""A row that rises or falls less is not straightened."""
MAX_DASH_SLOPE, MAX_DASH_BEND, MIN_DASH_LENGTH = 0.3, 0.6, 1.5
"""Maximum slope of a dash (17°), maximum deviation from a straight line in widths of its pen
(standard deviation), and minimum length for its height.
"""
MIN_BESIDE, MAX_DASH_CROSSINGS = 0.2, 3
"""Farther from the straight line than this, in widths of the pen, a stroke is beside it; a bent
dash crosses the line at most so many times.
"""
MAX_DASH_WIDENING, MIN_EVEN_SHARE = 1.6, 0.93
"""A dash is nearly everywhere at most this many times as wide as its pen."""
MIN_DASH_PENS = 3.0
"""A dash is at least so many times as long as its pen is wide; words by a felt pen are blocks."""
MAX_DASH_SPECK = 0.05
"""A smaller part of the ink is a speck beside a dash."""
INK_GREY = 128
"""Ink is darker than this, grey levels."""
MAX_INK_HEIGHT = 1.6
"""Ink higher than this many lines has grown together over a rule and is cut there."""


@dataclass(frozen=True, slots=True)
class LineImage:
    """One line: its image for the network, or None if nothing is written.

    `empty_p` is then the probability that the line is empty. `left` is the column of the field's
    image that the line's first column shows, if that is known.
    """

    picture: Image | None
    empty_p: float = CLEAN_EMPTY_P
    left: int = 0


@dataclass(frozen=True, slots=True)
class LineCut:
    """A line's image (dark on white), and the column of the field that its first column shows.

    Columns keep their width.
    """

    picture: Image
    left: int


def make_line_image(ink: Ink, mask: Mask) -> LineImage:
    """Return the line whose ink is `mask`; specks and remnants of rules are not writing."""
    if not mask.any():
        return LineImage(None)
    picture = cut_line(ink, mask) if has_stroke(mask, ink.px_per_mm) else None
    return LineImage(picture, CLEAN_EMPTY_P if picture is not None else SPECKED_EMPTY_P)


def cut_line(ink: Ink, mask: Mask) -> Image | None:
    """Return the ink in `mask` cut out, with white around it, or None if there is next to none."""
    cut = cut_line_with_offset(ink, mask)
    return cut.picture if cut else None


def cut_line_with_offset(
    ink: Ink, mask: Mask, y: NDArray[np.float64] | None = None
) -> LineCut | None:
    """Return what `cut_line` does, with its place.

    Writing that follows the curve `y` (px, a value per column) is straightened.
    """
    # Too little ink for writing.
    if np.count_nonzero(mask) < MIN_LINE_INK_MM2 * ink.px_per_mm**2:
        return None

    # Render the ink within its rectangle.
    left, top, width, height = cv2.boundingRect(mask.view(np.uint8))
    box = slice(top, top + height), slice(left, left + width)
    cut = render_ink(Ink(mask[box], ink.darkness[box], ink.px_per_mm, ink.field))
    if y is not None and np.ptp(y[box[1]]) > MIN_BEND_MM * ink.px_per_mm:
        cut = _straighten(cut, y[box[1]])

    # Add white in proportion to its height.
    above, beside = round(PAD_ABOVE * cut.shape[0]), round(PAD_BESIDE * cut.shape[0])
    return LineCut(_pad_image(cut, above, beside), left - beside)


def cut_columns(picture: Image, start: int, end: int) -> LineCut | None:
    """Return the columns from `start` up to `end` of a line's image; None without ink."""
    # The columns of this part that have ink.
    cut = picture[:, max(0, start) : max(0, end)]
    columns = np.flatnonzero((cut < 128).any(axis=0)) if cut.size else np.array([], int)
    if not columns.size:
        return None
    # The line's height includes white, its padding is by the height of the ink.
    beside = round(PAD_BESIDE * picture.shape[0] / (1 + 2 * PAD_ABOVE))
    padded = _pad_image(cut[:, columns[0] : columns[-1] + 1], 0, beside)
    return LineCut(padded, max(0, start) + int(columns[0]) - beside)


def _pad_image(picture: Image, above: int, beside: int) -> Image:
    """Return the image with this much white above and below, left and right."""
    return np.asarray(
        cv2.copyMakeBorder(
            picture, above, above, beside, beside, cv2.BORDER_CONSTANT, value=(255,)
        ),
        np.uint8,
    )


def _straighten(cut: Image, y: NDArray[np.float64]) -> Image:
    """Return the image with each column moved so that the curve becomes level, cut to its ink."""
    # Move each column down to the lowest point of the curve.
    down = (y.max() - y).astype(np.float32)
    height = cut.shape[0] + int(np.ceil(down.max()))
    columns, rows = np.meshgrid(
        np.arange(cut.shape[1], dtype=np.float32), np.arange(height, dtype=np.float32)
    )
    level = np.asarray(
        cv2.remap(cut, columns, rows - down[None, :], cv2.INTER_LINEAR, borderValue=(255,)),
        np.uint8,
    )

    # Cut off what is white above and below.
    rows_with_ink = np.flatnonzero((level < 128).any(axis=1))
    return level[rows_with_ink[0] : rows_with_ink[-1] + 1] if rows_with_ink.size else level


def has_stroke(mask: Mask, px_per_mm: float) -> bool:
    """Return whether there is a stroke as long and as high as writing."""
    # Only the part with ink is searched.
    x, y, w, h = cv2.boundingRect(mask.view(np.uint8))
    strokes = Components.of(mask[y : y + h, x : x + w])
    width, height = (
        strokes.column(side)[1:] / px_per_mm for side in (cv2.CC_STAT_WIDTH, cv2.CC_STAT_HEIGHT)
    )
    return bool(
        ((np.hypot(width, height) >= MIN_STROKE_LENGTH_MM) & (height >= MIN_STROKE_HEIGHT_MM)).any()
    )


def is_dash(picture: Image) -> bool:
    """Return whether a line's image shows a dash and nothing else, or several in a row.

    Dashes above each other are something else.
    """
    ink = np.asarray(picture < INK_GREY, np.bool_)
    if _even_share(ink) < MIN_EVEN_SHARE:
        return False
    parts = Components.of(ink)
    area = parts.column(cv2.CC_STAT_AREA)[1:]
    strokes = 1 + np.flatnonzero(area >= MAX_DASH_SPECK * area.sum())
    boxes = parts.stats[strokes, : cv2.CC_STAT_AREA].tolist()
    ends = sorted((x, x + w) for x, _, w, _ in boxes)
    if not boxes or any(end > start for (_, end), (start, _) in itertools.pairwise(ends)):
        return False
    return all(
        w >= MIN_DASH_LENGTH * h and _is_level_stroke(parts.labels[y : y + h, x : x + w] == stroke)
        for stroke, (x, y, w, h) in zip(strokes, boxes, strict=True)
    )


def _even_share(ink: Mask) -> float:
    """Return over which share of its length ink is no higher than a pen's stroke."""
    inked = np.count_nonzero(ink, axis=0)
    there = inked > 0
    if not there.any():
        return 0.0
    # Where a loop or a second stroke is, the ink of a column is higher than the pen is wide.
    extent = len(ink) - ink.argmax(axis=0) - ink[::-1].argmax(axis=0)
    pen = np.median(inked[there])
    return float((extent[there] <= MAX_DASH_WIDENING * pen + 1).mean())


def _is_level_stroke(stroke: Mask) -> bool:
    """Return whether a stroke, cut to its ink, is straight, nearly level and evenly wide."""
    inked = np.count_nonzero(stroke, axis=0)
    middles = (np.arange(len(stroke))[:, None] * stroke).sum(axis=0) / inked
    columns = np.arange(stroke.shape[1])
    slope, start = np.polyfit(columns, middles, 1)
    beside = (middles - slope * columns - start) / float(np.median(inked))
    # A wave crosses its straight line more often than a bent stroke does.
    sides = np.sign(beside[np.abs(beside) > MIN_BESIDE])
    return bool(
        abs(slope) <= MAX_DASH_SLOPE
        and len(inked) >= MIN_DASH_PENS * float(np.median(inked))
        and beside.std() <= MAX_DASH_BEND
        and np.count_nonzero(np.diff(sides)) <= MAX_DASH_CROSSINGS
        and _even_share(stroke) >= MIN_EVEN_SHARE
    )


def split_into_bands(mask: Mask, edges: Sequence[float]) -> list[Mask]:
    """Return the ink of each band between neighbouring `edges` (y in px).

    A stroke belongs whole to the band that its centre is in. So descenders and ascenders stay with
    their line; only ink that is far higher than a band is cut at the edges.
    """
    strokes = Components.of(mask)
    # Ink that has grown together over several lines is cut.
    tall = strokes.column(cv2.CC_STAT_HEIGHT) > MAX_INK_HEIGHT * (edges[1] - edges[0])
    tall[0] = False
    bands = []
    for top, bottom in itertools.pairwise(edges):
        # Other strokes belong to the band of their centre.
        whole = (strokes.centres[:, 1] >= top) & (strokes.centres[:, 1] < bottom) & ~tall
        whole[0] = False
        band = strokes.pixels(whole)
        if tall.any():
            rows = slice(max(0, math.ceil(top)), max(0, math.ceil(bottom)))
            band[rows] |= strokes.pixels(tall)[rows]
        bands.append(band)
    return bands
