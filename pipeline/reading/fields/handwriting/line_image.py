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
from pipeline.reading.fields.field_image import FieldImage
from pipeline.reading.fields.ink import (
    MAX_STROKE_MM,
    Ink,
    measure_darkness,
    render_ink,
    square_kernel,
)
from pipeline.reading.imaging.pixels import Components, Labels, Mask

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
    cut = cut_line(ink, mask) if has_stroke(mask, ink.px_per_mm) else None
    return LineImage(cut.picture) if cut else LineImage(None, SPECKED_EMPTY_P)


def cut_line(ink: Ink, mask: Mask, y: NDArray[np.float64] | None = None) -> LineCut | None:
    """Return the ink in `mask` cut out, with white around it, or None if there is next to none.

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
        band = strokes.pixels(whole)
        if tall.any():
            rows = slice(max(0, math.ceil(top)), max(0, math.ceil(bottom)))
            band[rows] |= strokes.pixels(tall)[rows]
        bands.append(band)
    return bands


# Connected strokes of ink, and writing in a field image that its reader does not read.
#
# Such writing is words above or below the line, and what the image's edge cuts off.

Numbers = NDArray[np.float64]
FROM_PRINT_MM = 0.6
"""Ink this close to print may be print that is a little beside its place."""
PRINT_DARKNESS = 0.1
"""Darkness of the template that counts as print, as part of white."""
LETTER_GAP_MM = 0.6
"""Strokes this close together are one word, mm."""
MIN_EDGE_STROKE_MM = 1.0
"""Minimum length of a stroke at the edge, mm."""
MIN_CUT_MM = 2.0
"""A letter or two may reach below the image; where more of the line does, its lower half is
missing.
"""
MIN_WORDS_MM, MIN_WORDS_MM2 = 2.5, 1.2
"""Minimum length and ink of words above or below the line; what hangs down from another field is
less.
"""
MAX_COMMA_DISTANCE_MM, MAX_COMMA_MM, MIN_COMMA_MM2 = 1.0, 2.0, 0.08
"""A comma below the field: how far from the field's lower edge it begins at most, its greatest
height and width, and its minimum ink.
"""
MIN_LETTER_MM, MAX_ROW_OVERLAP, MIN_STACKED_MM = 1.2, 0.25, 5.0
"""Strokes this high are letters. Letters of two rows share at most this part of their height, and
are above each other over at least this length of the field.
"""


@dataclass(frozen=True, slots=True)
class ConnectedStrokes:
    """Every connected stroke of a mask.

    `labels` (h, w) numbers them from 1; the arrays hold one value each (px), in that order, from
    index 0. `x` and `y` are the centres.
    """

    labels: Labels
    left: Numbers
    top: Numbers
    width: Numbers
    height: Numbers
    area: Numbers
    x: Numbers
    y: Numbers

    @classmethod
    def of(cls, mask: Mask) -> ConnectedStrokes:
        """Return the strokes of a mask; those that touch at a corner are one."""
        components = Components.of(mask)
        return cls(
            components.labels,
            *np.asarray(components.stats[1:], np.float64).T,
            *components.centres[1:].T,
        )

    def __len__(self) -> int:
        return len(self.area)

    @property
    def right(self) -> Numbers:
        """One past the last column of each stroke."""
        return self.left + self.width

    @property
    def bottom(self) -> Numbers:
        """One past the last row of each stroke."""
        return self.top + self.height


def exclude_print(crop: FieldImage, ink: Ink, mask: Mask) -> Mask:
    """Return the part of `mask` that is not near print.

    Without a template nothing is left, as it is not known what is printed around the field.
    """
    if crop.template_image is None:
        return np.zeros_like(mask)
    if not mask.any():
        return mask
    # Widen the print by how far it may be off its place.
    printed = measure_darkness(crop.template_image, ink.px_per_mm, MAX_STROKE_MM) > PRINT_DARKNESS
    near = cv2.dilate(
        printed.view(np.uint8), square_kernel(2 * round(FROM_PRINT_MM * ink.px_per_mm) + 1)
    )
    return np.asarray(mask & (near == 0), np.bool_)


def has_unread_words(crop: FieldImage, ink: Ink, line: Mask) -> bool:
    """Return whether there are words outside `line`, the ink that the reader reads."""
    # What is neither in the line nor near print.
    rest = exclude_print(crop, ink, np.asarray(ink.mask & ~line, np.bool_))
    # Enough ink over enough of the line's length, with a stroke of writing.
    mm = ink.px_per_mm
    if (
        np.count_nonzero(rest) < MIN_WORDS_MM2 * mm**2
        or np.count_nonzero(rest.any(axis=0)) < MIN_WORDS_MM * mm
    ):
        return False
    return has_stroke(rest, mm)


def has_comma_below(ink: Ink, line: Mask) -> bool:
    """Return whether a stroke as small as a comma begins close below the field.

    It is between the first and last sign of the `line`, and no part of it. A decimal comma may hang
    below the edge that the digits are written on, and is then in no line at all.
    """
    columns = np.flatnonzero(line.any(axis=0))
    if not len(columns):
        return False
    parts, mm = Components.of(np.asarray(ink.mask & ~line, np.bool_)), ink.px_per_mm
    left, top, width, height, area = parts.stats[1:].T
    # As small as a comma, just below the field, within the line's length.
    small = (np.maximum(width, height) <= MAX_COMMA_MM * mm) & (area >= MIN_COMMA_MM2 * mm**2)
    below = small & (np.abs(top - ink.field[3]) <= MAX_COMMA_DISTANCE_MM * mm)
    return bool((below & (left > columns[0]) & (left < columns[-1])).any())


def has_two_rows(ink: Ink, line: Mask) -> bool:
    """Return whether strokes as high as letters are above each other.

    A line of writing has only dots and rings above its letters.
    """
    parts, mm = Components.of(line), ink.px_per_mm
    # Dots and rings are lower than letters.
    left, top, width, height = parts.stats[1:, : cv2.CC_STAT_AREA].astype(np.float64).T
    is_letter = height >= MIN_LETTER_MM * mm
    left, top, right, bottom = (
        left[is_letter],
        top[is_letter],
        (left + width)[is_letter],
        (top + height)[is_letter],
    )
    # Length that each pair of letters shares, where one is below the other.
    shared = np.minimum(right[:, None], right) - np.maximum(left[:, None], left)
    lower = top - bottom[:, None] >= -MAX_ROW_OVERLAP * np.minimum(
        bottom - top, (bottom - top)[:, None]
    )
    return float(np.where(lower, np.maximum(shared, 0), 0).sum()) >= MIN_STACKED_MM * mm


def is_cut_off(crop: FieldImage, ink: Ink, line: Mask) -> bool:
    """Return whether the writing in `line` goes on beyond the image.

    To a side, or with many of its letters upwards or downwards.
    """
    if runs_off_side(crop, ink, line):
        return True
    least = MIN_CUT_MM * ink.px_per_mm
    if max(np.count_nonzero(line[0]), np.count_nonzero(line[-1])) < least:
        return False
    # Print at the edge does not count.
    writing = exclude_print(crop, ink, line)
    return bool(max(np.count_nonzero(writing[0]), np.count_nonzero(writing[-1])) >= least)


def runs_off_side(crop: FieldImage, ink: Ink, line: Mask) -> bool:
    """Return whether the writing in `line` goes on beyond the image to the left or right.

    The edge may fall between two letters.
    """
    # Ink within a letter's gap of the edge may belong to a word that goes on.
    near = max(1, round(LETTER_GAP_MM * ink.px_per_mm))
    if not (line[:, :near].any() or line[:, -near:].any()):
        return False
    writing = exclude_print(crop, ink, line)
    return _reaches_edge(writing, near, ink) or _reaches_edge(writing[:, ::-1], near, ink)


def _reaches_edge(writing: Mask, near: int, ink: Ink) -> bool:
    """Return whether a stroke longer than a speck comes within `near` px of the left edge."""
    if not writing[:, :near].any():
        return False
    # The strokes that touch the zone at the edge.
    parts = Components.of(np.ascontiguousarray(writing))
    at_edge = np.unique(parts.labels[:, :near])
    sides = parts.stats[at_edge[at_edge > 0]][:, [cv2.CC_STAT_WIDTH, cv2.CC_STAT_HEIGHT]]
    return bool((sides.max(axis=1) >= MIN_EDGE_STROKE_MM * ink.px_per_mm).any())
