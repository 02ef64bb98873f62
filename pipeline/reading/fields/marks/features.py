"""What tells an empty box from a marked and from a cancelled one, as a few numbers that do not
depend on scale.

A check box held against the same box unfilled, tone by tone: what remains when print fills most
of it, as on bubbles with a letter inside.
"""

from __future__ import annotations

import math
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.reading.fields.field_image import FieldImage
from pipeline.reading.fields.ink import Darkness, Ink, disc_kernel, measure_darkness, square_kernel
from pipeline.reading.imaging.cache import cached_per_image
from pipeline.reading.imaging.quantiles import median, quantile, quantiles

SHAPE_FEATURES = (
    "covered",
    "covered, gaps closed",
    "paper left",
    "extent",
    "log area",
    "darkness",
    "outside",
    "outside only",
    "closed squared",
    "closed to the fourth",
    "no ink inside",
    "darkness inside",
    "steepness inside",
    "steepness of the darkness",
    "steepness of print",
    "thickness",
    "at the centre",
    "shaded",
    "grain",
    "steepness outside",
    "form known",
)
MAX_MARK_MM = 14.0
"""A box filled solid is ink too: wider than any box."""
INSET_MM = 0.35
"""The inside of a box begins this far from its edge: half a printed line, and what registration may
differ.
"""
MAX_FILL_GAP_MM = 0.35
"""Ink this close together is one stroke, mm."""
EDGE_REACH_MM = 0.25
"""An edge of ink is looked for this far around it."""
EDGE_BLUR_MM = 0.08
"""Standard deviation of the blur before edges are measured, mm."""
MAX_EDGE_STEEPNESS = 4.0
"""Darkness per mm: black ink, scanned sharply."""
LEAST_BARE_SHARE = 0.02
"""With less bare paper than this the whole box says how light the paper is."""
CONTRAST_FEATURES = (
    "mean darkness",
    "mean darkness of the blank",
    "darkened",
    "lightest tenth",
    "half",
    "lightest tenth of the blank",
    "likeness",
    "darkest of bare paper",
    "bare paper darkened",
    "bare paper",
)
MAX_SHIFT_MM = 0.4
"""How far the blank is moved to where it fits best."""
MIDDLE_SHARE = 0.78
"""The middle of the box that is looked at, as part of its sides: within a printed ring."""
MAX_BARE_DARKNESS = 0.08
"""The blank is paper where it is lighter than this, and was so all around."""
BARE_MM = 0.15
"""Paper farther from print than this is bare, mm."""
MIN_DARKENING = 0.18
"""Bare paper darker than this may have ink, as part of white."""
MIN_CORRELATION_GAIN = 0.01
"""So much better must a blank correlate elsewhere to be moved."""
ROUNDING_SLACK = 1e-4
"""Slack for rounding when correlations are compared."""
MIN_SPREAD = 0.01
"""With less spread of its darkness a picture shows nothing that could be laid on another."""


def measure_shape(ink: Ink, *, form_known: bool) -> NDArray[np.float64]:
    """The numbers named in `FEATURES`, each roughly 0…1 (the area: log of mm²)."""
    inside = _inside_mask(ink)
    inked = int(np.count_nonzero(inside))
    closed = _close_gaps(inside, ink.px_per_mm) if inked else inside
    covered, full = inked / inside.size, np.count_nonzero(closed) / inside.size
    area = inked / ink.px_per_mm**2
    outside = _ink_outside(ink)
    alone = outside if area < 0.2 else 0.0
    steep = _darkness_slope(ink)
    values = (
        covered,
        full,
        _paper_left(closed) if inked else 1.0,
        _ink_extent(inside) if inked else 0.0,
        math.log(area + 0.03),
        _peak_darkness(ink),
        outside,
        alone,
        full**2,
        full**4,
        float(area == 0),
        *_edge_steepness(ink, steep),
        *(_stroke_body(inside, ink.px_per_mm) if inked else (0.0, 0.0)),
        *_paper_ground(ink),
        _outside_steepness(ink, steep),
        float(form_known),
    )
    return np.array(values, np.float64)


def _inside_mask(ink: Ink) -> NDArray[np.uint8]:
    return ink.mask[_inset_slices(ink)].astype(np.uint8)


def _close_gaps(inside: NDArray[np.uint8], px_per_mm: float) -> NDArray[np.uint8]:
    """The ink with the thin white between strokes of a filling closed; the border counts as ink."""
    radius = max(1, round(MAX_FILL_GAP_MM * px_per_mm))
    edged = cv2.copyMakeBorder(inside, radius, radius, radius, radius, cv2.BORDER_REPLICATE)
    closed = cv2.morphologyEx(edged, cv2.MORPH_CLOSE, disc_kernel(radius))
    return np.asarray(closed[radius:-radius, radius:-radius], np.uint8)


def _paper_left(closed: NDArray[np.uint8]) -> float:
    """Radius of the largest round spot without ink, as part of half the box; there is some ink."""
    distance = cv2.distanceTransform(np.asarray(1 - closed, np.uint8), cv2.DIST_L2, 3)
    return float(min(1.0, distance.max() / (min(closed.shape) / 2)))


def _ink_extent(inside: NDArray[np.uint8]) -> float:
    """Diagonal of the ink's rectangle as part of the box's."""
    _, _, width, height = cv2.boundingRect(inside)
    return math.hypot(width - 1, height - 1) / math.hypot(*inside.shape)


def _peak_darkness(ink: Ink) -> float:
    x0, y0, x1, y1 = ink.field
    strokes = ink.darkness[y0:y1, x0:x1][ink.mask[y0:y1, x0:x1]]
    return quantile(strokes, 0.8) if strokes.size else 0.0


def _ink_outside(ink: Ink) -> float:
    """Ink around the box as part of what a circle around it would leave, at most 1."""
    x0, y0, x1, y1 = ink.field
    area = (
        np.count_nonzero(ink.mask) - np.count_nonzero(ink.mask[y0:y1, x0:x1])
    ) / ink.px_per_mm**2
    circle = 0.4 * math.pi * (x1 - x0 + y1 - y0) / 2 / ink.px_per_mm
    return min(1.0, area / circle)


def _edge_steepness(ink: Ink, steep: Darkness) -> tuple[float, float, float, float]:
    """Darkness of the ink inside; how fast its edge falls, per mm, absolute and as part of that
    darkness; the same of the printed box.

    Pen and pencil are as sharp as print; what shows through paper or dried on it is softer.
    """
    window = _inset_slices(ink)
    mask = ink.mask[window]
    dark, edge = 0.0, 0.0
    if mask.any():
        reach = max(1, round(EDGE_REACH_MM * ink.px_per_mm))
        near = cv2.dilate(mask.astype(np.uint8), square_kernel(2 * reach + 1)) > 0
        dark, edge = quantile(ink.darkness[window][mask], 0.8), quantile(steep[window][near], 0.9)
    border = _border_pixels(ink.mask.shape, ink.field, max(1, round(INSET_MM * ink.px_per_mm)))
    printed = quantile(steep.ravel()[border], 0.8) / (
        quantile(ink.darkness.ravel()[border], 0.8) + 0.05
    )
    return (
        dark,
        min(edge, MAX_EDGE_STEEPNESS),
        min(edge / (dark + 0.05), 2 * MAX_EDGE_STEEPNESS),
        min(printed, 2 * MAX_EDGE_STEEPNESS),
    )


def _outside_steepness(ink: Ink, steep: Darkness) -> float:
    """The same for ink around the box, absolute: a mark beside it is sharp."""
    x0, y0, x1, y1 = ink.field
    around = ink.mask.copy()
    around[y0:y1, x0:x1] = False
    return min(quantile(steep[around], 0.9), MAX_EDGE_STEEPNESS) if around.any() else 0.0


def _darkness_slope(ink: Ink) -> Darkness:
    """How fast darkness changes, per mm, (h, w)."""
    smooth = cv2.GaussianBlur(ink.darkness, (0, 0), max(0.5, EDGE_BLUR_MM * ink.px_per_mm))
    across, down = (
        cv2.Scharr(smooth, cv2.CV_32F, dx, 1 - dx, scale=ink.px_per_mm / 32) for dx in (1, 0)
    )
    return np.asarray(cv2.magnitude(across, down), np.float32)


@lru_cache(maxsize=256)
def _border_pixels(
    shape: tuple[int, int], field: tuple[int, int, int, int], reach: int
) -> NDArray[np.intp]:
    """Where the printed box is, as places in a crop's pixels put in a row."""
    x0, y0, x1, y1 = field
    border = np.zeros(shape, bool)
    border[max(0, y0 - reach) : y1 + reach, max(0, x0 - reach) : x1 + reach] = True
    border[y0 + reach : y1 - reach, x0 + reach : x1 - reach] = False
    return np.flatnonzero(border)


def _inset_slices(ink: Ink) -> tuple[slice, slice]:
    """The inside of the box, clear of its printed line, as rows and columns."""
    x0, y0, x1, y1 = ink.field
    inset = min(round(INSET_MM * ink.px_per_mm), (min(x1 - x0, y1 - y0) - 1) // 2)
    return slice(y0 + inset, y1 - inset), slice(x0 + inset, x1 - inset)


def _stroke_body(inside: NDArray[np.uint8], px_per_mm: float) -> tuple[float, float]:
    """Half the width of the widest stroke in mm, and the covered part of the middle of the box."""
    thickness = float(cv2.distanceTransform(inside, cv2.DIST_L2, 3).max()) / px_per_mm
    rows, columns = (slice(side // 4, side - side // 4) for side in inside.shape)
    middle = inside[rows, columns]
    return min(thickness, 2.0), np.count_nonzero(middle) / middle.size


def _paper_ground(ink: Ink) -> tuple[float, float]:
    """How dark the paper in the box is against the brightest around, and how grainy."""
    dark = np.ascontiguousarray(ink.darkness[_inset_slices(ink)])
    grain = np.asarray(cv2.absdiff(dark, cv2.medianBlur(dark, 3)), np.float32)
    return quantile(dark, 0.3), median(grain)


def measure_contrast(crop: FieldImage, ink: Ink, widest_mm: float) -> NDArray[np.float64]:
    """The numbers named in `FEATURES`, each about 0…1; the crop needs a blank."""
    if crop.template_image is None:
        raise ValueError("a crop without a blank cannot be held against one")
    blank, likeness = _fit_template(
        measure_darkness(crop.template_image, ink.px_per_mm, widest_mm), ink.darkness, ink.px_per_mm
    )
    window = _middle_slices(ink.field)
    dark, printed = ink.darkness[window], blank[window]
    bare = _darkest_near(blank, window, max(1, round(BARE_MM * ink.px_per_mm))) < MAX_BARE_DARKNESS
    bare_part = np.count_nonzero(bare) / bare.size
    paper = dark[bare] if bare_part > LEAST_BARE_SHARE else dark
    mean_dark, mean_printed = cv2.mean(dark)[0], cv2.mean(printed)[0]
    values = (
        mean_dark,
        mean_printed,
        mean_dark - mean_printed,
        *quantiles(dark, (0.1, 0.5)),
        quantile(printed, 0.1),
        likeness,
        quantile(paper, 0.9),
        np.count_nonzero(paper > MIN_DARKENING) / paper.size,
        bare_part,
    )
    return np.array(values, np.float64)


def _darkest_near(blank: Darkness, window: tuple[slice, slice], reach: int) -> Darkness:
    """For each pixel in a window, how dark the blank is at most so near it."""
    wide = tuple(slice(max(0, side.start - reach), side.stop + reach) for side in window)
    inner = tuple(
        slice(side.start - more.start, side.stop - more.start)
        for side, more in zip(window, wide, strict=True)
    )
    return np.asarray(cv2.dilate(blank[wide], square_kernel(2 * reach + 1))[inner], np.float32)


def _middle_slices(field: tuple[int, int, int, int]) -> tuple[slice, slice]:
    x0, y0, x1, y1 = field
    across, down = (
        round((x1 - x0) * (1 - MIDDLE_SHARE) / 2),
        round((y1 - y0) * (1 - MIDDLE_SHARE) / 2),
    )
    return slice(y0 + down, max(y0 + down + 1, y1 - down)), slice(
        x0 + across, max(x0 + across + 1, x1 - across)
    )


def _fit_template(blank: Darkness, dark: Darkness, px_per_mm: float) -> tuple[Darkness, float]:
    """The blank moved to where it correlates best with the crop, and this correlation; 0 where one
    of them is plain.

    Of a blank that may change nothing is kept, and to ask how it correlates with itself would
    take as long as to seek it.
    """
    reach = min(max(1, round(MAX_SHIFT_MM * px_per_mm)), (min(dark.shape) - 1) // 3)
    of_dark, of_blank = _mean_and_spread(dark), _mean_and_spread(blank)
    likeness = _correlation(dark, of_dark, blank, of_blank)
    if min(of_dark[1], of_blank[1]) < MIN_SPREAD or (
        not blank.flags.writeable
        and is_best_fit(likeness, float(_self_correlation(blank, reach)[0]))
    ):
        return blank, likeness
    padded = _pad_template(blank, reach)
    score = cv2.matchTemplate(padded, dark, cv2.TM_CCOEFF_NORMED)
    score[reach, reach] += MIN_CORRELATION_GAIN
    _, _, _, (x, y) = cv2.minMaxLoc(score)
    moved = np.asarray(padded[y : y + dark.shape[0], x : x + dark.shape[1]], np.float32)
    return moved, _correlation(dark, of_dark, moved, _mean_and_spread(moved))


def is_best_fit(likeness: float, rival: float) -> bool:
    """Whether a blank does worse wherever else it is laid on a crop.

    `likeness` is its correlation with the crop where it lies, `rival` the most that the blank
    correlates with itself moved. Correlations are cosines of angles, and one side of a triangle
    is at least the difference of the other two.
    """
    apart, off = _correlation_angle(rival), _correlation_angle(likeness)
    return off < apart and math.cos(apart - off) < likeness + MIN_CORRELATION_GAIN - ROUNDING_SLACK


def _correlation_angle(correlation: float) -> float:
    """0…π; a correlation may be rounded past 1 or -1."""
    return math.acos(max(-1.0, min(1.0, correlation)))


@cached_per_image(most_bytes=16_000_000)
def _self_correlation(blank: Darkness, reach: int) -> Darkness:
    """(1,): the most that a blank correlates with itself moved by a pixel or more."""
    score = cv2.matchTemplate(_pad_template(blank, reach), blank, cv2.TM_CCOEFF_NORMED)
    score[reach, reach] = -1
    return np.asarray(score.max(keepdims=True)[0], np.float32)


def _pad_template(blank: Darkness, reach: int) -> Darkness:
    return np.asarray(
        cv2.copyMakeBorder(blank, reach, reach, reach, reach, cv2.BORDER_REPLICATE), np.float32
    )


def _correlation(
    dark: Darkness, of_dark: tuple[float, float], blank: Darkness, of_blank: tuple[float, float]
) -> float:
    """Correlation of the crop with its blank, whose means and spreads are known; 0 where one of
    them is plain.
    """
    (mean, spread), (mean_blank, spread_blank) = of_dark, of_blank
    if spread * spread_blank < 1e-4:
        return 0.0
    return (cv2.mean(cv2.multiply(dark, blank))[0] - mean * mean_blank) / (spread * spread_blank)


def _mean_and_spread(dark: Darkness) -> tuple[float, float]:
    mean, spread = cv2.meanStdDev(dark)
    return float(mean[0, 0]), float(spread[0, 0])
