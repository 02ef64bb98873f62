"""Features of an empty, a marked and a cancelled check box, which do not depend on scale.

Shape features are of the ink alone. Contrast features compare the box with the template, tone by
tone: they work if print fills most of a box, as on bubbles with a letter inside.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache, partial

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.reading.fields.field_image import FieldImage
from pipeline.reading.fields.ink import Darkness, Ink, disc_kernel, measure_darkness, square_kernel
from pipeline.reading.imaging.cache import cached_per_image
from pipeline.reading.imaging.pixels import filter_stack, quantile, row_quantiles

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
"""The features of `measure_shapes`, in its order."""
MAX_MARK_MM = 14.0
"""Ink wider than any box, so that a box filled solid is ink too."""
INSET_MM = 0.35
"""The inside of a box begins this far from its edge: half a printed line, and what registration may
differ.
"""
MAX_FILL_GAP_MM = 0.35
"""Ink this close together is one stroke, mm."""
EDGE_REACH_MM = 0.25
"""Edges of ink are measured this far around it."""
EDGE_BLUR_MM = 0.08
"""Standard deviation of the blur before edges are measured, mm."""
MAX_EDGE_STEEPNESS = 4.0
"""Darkness per mm: black ink, scanned sharply."""
LEAST_BARE_SHARE = 0.02
"""With less bare paper than this the whole box gives how light the paper is."""
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
"""The features of `measure_contrasts`, in its order."""
MAX_SHIFT_MM = 0.4
"""How far the template is moved to where it fits best."""
MIDDLE_SHARE = 0.78
"""The middle of the box that is compared, as part of its sides: within a printed ring."""
MAX_BARE_DARKNESS = 0.08
"""The template is paper if it is lighter than this everywhere near."""
BARE_MM = 0.15
"""Paper farther from print than this is bare, mm."""
MIN_DARKENING = 0.18
"""Bare paper darker than this may have ink, as part of white."""
MIN_CORRELATION_GAIN = 0.01
"""A template must correlate this much better elsewhere to be moved."""
ROUNDING_SLACK = 1e-4
"""Tolerance for rounding when correlations are compared."""
MIN_SPREAD = 0.01
"""An image with a lower standard deviation of darkness is plain and fits nowhere."""


def measure_shapes(inks: Sequence[Ink]) -> NDArray[np.float64]:
    """Return `SHAPE_FEATURES` but the last of boxes that are cut alike, one row a box.

    Whether the form is known is not seen in ink. Each is roughly 0…1 (the area: log of mm²).
    """
    darkness = np.stack([ink.darkness for ink in inks])
    slopes = _darkness_slopes(darkness, inks[0].px_per_mm)
    printed, ground = _print_steepness(inks[0], darkness, slopes), _paper_ground(inks[0], darkness)
    boxes = zip(inks, slopes, printed.tolist(), ground, strict=True)
    return np.array([_measure_shape(*box) for box in boxes], np.float64)


def _measure_shape(
    ink: Ink, slope: Darkness, printed: float, ground: tuple[float, float]
) -> tuple[float, ...]:
    """Return the `SHAPE_FEATURES` but the last of a box.

    `slope` is how fast its darkness changes; the rest are features of the paper and the print.
    """
    # The ink inside, and with the gaps of a filling closed.
    inside = ink.mask[_inset_slices(ink)].astype(np.uint8)
    inked_px = int(np.count_nonzero(inside))
    closed = _close_gaps(inside, ink.px_per_mm) if inked_px else inside
    covered, covered_closed = inked_px / inside.size, np.count_nonzero(closed) / inside.size
    area = inked_px / ink.px_per_mm**2

    # Ink outside counts more if there is next to none inside.
    outside = _ink_outside(ink)
    outside_only = outside if area < 0.2 else 0.0
    dark, steepness = _edge_steepness(ink, slope) if inked_px else (0.0, 0.0)

    # In the order of `SHAPE_FEATURES`.
    return (
        covered,
        covered_closed,
        _paper_left(closed) if inked_px else 1.0,
        _ink_extent(inside) if inked_px else 0.0,
        math.log(area + 0.03),
        _peak_darkness(ink),
        outside,
        outside_only,
        covered_closed**2,
        covered_closed**4,
        float(area == 0),
        dark,
        min(steepness, MAX_EDGE_STEEPNESS),
        min(steepness / (dark + 0.05), 2 * MAX_EDGE_STEEPNESS),
        min(printed, 2 * MAX_EDGE_STEEPNESS),
        *(_stroke_body(inside, ink.px_per_mm) if inked_px else (0.0, 0.0)),
        *ground,
        _outside_steepness(ink, slope) if outside else 0.0,
    )


def _close_gaps(inside: NDArray[np.uint8], px_per_mm: float) -> NDArray[np.uint8]:
    """Return the ink with thin white between strokes of a filling closed; the border is ink."""
    radius = max(1, round(MAX_FILL_GAP_MM * px_per_mm))
    # Repeat the border outwards, so that gaps at the border close too.
    edged = cv2.copyMakeBorder(inside, radius, radius, radius, radius, cv2.BORDER_REPLICATE)
    closed = cv2.morphologyEx(edged, cv2.MORPH_CLOSE, disc_kernel(radius))
    return np.asarray(closed[radius:-radius, radius:-radius], np.uint8)


def _paper_left(closed: NDArray[np.uint8]) -> float:
    """Return the radius of the largest round spot without ink, as part of half the box.

    There is some ink.
    """
    # The largest inscribed circle of paper.
    distance = cv2.distanceTransform(np.asarray(1 - closed, np.uint8), cv2.DIST_L2, 3)
    return float(min(1.0, distance.max() / (min(closed.shape) / 2)))


def _ink_extent(inside: NDArray[np.uint8]) -> float:
    """Return the diagonal of the ink's rectangle as part of the box's."""
    _, _, width, height = cv2.boundingRect(inside)
    return math.hypot(width - 1, height - 1) / math.hypot(*inside.shape)


def _peak_darkness(ink: Ink) -> float:
    """Return how dark the darkest fifth of the ink inside is at least; 0 without ink."""
    strokes = ink.darkness[ink.inside][ink.mask[ink.inside]]
    return quantile(strokes, 0.8) if strokes.size else 0.0


def _ink_outside(ink: Ink) -> float:
    """Return the ink around the box as part of what a circle around it leaves, at most 1."""
    x0, y0, x1, y1 = ink.field
    area = (
        np.count_nonzero(ink.mask) - np.count_nonzero(ink.mask[y0:y1, x0:x1])
    ) / ink.px_per_mm**2
    # The ink of a circle around the box, with a pen of 0.4 mm.
    circle = 0.4 * math.pi * (x1 - x0 + y1 - y0) / 2 / ink.px_per_mm
    return min(1.0, area / circle)


def _edge_steepness(ink: Ink, slope: Darkness) -> tuple[float, float]:
    """Return how dark the ink inside is and how steep its edges are, per mm; there is some.

    Pen and pencil are as sharp as print; what shows through paper or dried on it is softer.
    """
    window = _inset_slices(ink)
    mask = ink.mask[window]
    reach = max(1, round(EDGE_REACH_MM * ink.px_per_mm))
    near = cv2.dilate(mask.astype(np.uint8), square_kernel(2 * reach + 1)) > 0
    return quantile(ink.darkness[window][mask], 0.8), quantile(slope[window][near], 0.9)


def _print_steepness(like: Ink, darkness: Darkness, slopes: Darkness) -> NDArray[np.float64]:
    """Return how steep the edges of each printed box are, per mm, as part of its darkness, (n,).

    For comparison with ink; the boxes are cut as `like`.
    """
    reach = max(1, round(INSET_MM * like.px_per_mm))
    border = _border_pixels(like.mask.shape, like.field, reach)
    steepness, dark = (
        row_quantiles(each.reshape(len(each), -1).take(border, axis=1), 0.8)
        for each in (slopes, darkness)
    )
    return np.asarray(steepness / (dark + 0.05), np.float64)


def _outside_steepness(ink: Ink, slope: Darkness) -> float:
    """Return the steepness of the edges of ink around the box, absolute.

    A mark next to the box is sharp.
    """
    around = ink.mask.copy()
    around[ink.inside] = False
    return min(quantile(slope[around], 0.9), MAX_EDGE_STEEPNESS) if around.any() else 0.0


def _darkness_slopes(darkness: Darkness, px_per_mm: float) -> Darkness:
    """Return how fast darkness changes in each box, per mm, (n, h, w)."""
    sigma, border = max(0.5, EDGE_BLUR_MM * px_per_mm), cv2.BORDER_REFLECT_101
    smooth = filter_stack(
        darkness,
        math.ceil(4 * sigma) + 1,
        lambda tall: cv2.GaussianBlur(tall, (0, 0), sigma),
        border,
    )

    def measure_slope(tall: Darkness) -> Darkness:
        across, down = (
            cv2.Scharr(tall, cv2.CV_32F, dx, 1 - dx, scale=px_per_mm / 32) for dx in (1, 0)
        )
        return np.asarray(cv2.magnitude(across, down), np.float32)

    return np.ascontiguousarray(filter_stack(smooth, 1, measure_slope, border))


@lru_cache(maxsize=256)
def _border_pixels(
    shape: tuple[int, int], field: tuple[int, int, int, int], reach: int
) -> NDArray[np.intp]:
    """Return where the printed box is, as indices of the field image's pixels."""
    x0, y0, x1, y1 = field
    border = np.zeros(shape, bool)
    border[max(0, y0 - reach) : y1 + reach, max(0, x0 - reach) : x1 + reach] = True
    border[y0 + reach : y1 - reach, x0 + reach : x1 - reach] = False
    return np.flatnonzero(border)


def _inset_slices(ink: Ink) -> tuple[slice, slice]:
    """Return the inside of the box, clear of its printed line, as rows and columns."""
    x0, y0, x1, y1 = ink.field
    inset = min(round(INSET_MM * ink.px_per_mm), (min(x1 - x0, y1 - y0) - 1) // 2)
    return slice(y0 + inset, y1 - inset), slice(x0 + inset, x1 - inset)


def _stroke_body(inside: NDArray[np.uint8], px_per_mm: float) -> tuple[float, float]:
    """Return half the width of the widest stroke, mm, and the covered part of the box's middle."""
    # The greatest distance of ink to paper.
    thickness = float(cv2.distanceTransform(inside, cv2.DIST_L2, 3).max()) / px_per_mm
    rows, columns = (slice(side // 4, side - side // 4) for side in inside.shape)
    middle = inside[rows, columns]
    return min(thickness, 2.0), np.count_nonzero(middle) / middle.size


def _paper_ground(like: Ink, darkness: Darkness) -> list[tuple[float, float]]:
    """Return how dark the paper in each box is against the brightest around, and how grainy.

    The boxes are cut as `like`.
    """
    dark = darkness[:, *_inset_slices(like)]
    grain = np.abs(dark - filter_stack(dark, 1, lambda tall: cv2.medianBlur(tall, 3)))
    levels = row_quantiles(dark.reshape(len(dark), -1), 0.3)
    return list(
        zip(levels.tolist(), row_quantiles(grain.reshape(len(dark), -1), 0.5).tolist(), strict=True)
    )


def measure_contrasts(
    crops: Sequence[FieldImage], inks: Sequence[Ink], widest_mm: float
) -> NDArray[np.float64]:
    """Return `CONTRAST_FEATURES` of boxes that are cut alike, one row a box, each about 0…1.

    Raises:
        ValueError: a box has no template.
    """
    # Align the templates, and compare the middle of the boxes.
    like = inks[0]
    fits = [
        _fit_template(_blank_darkness(crop, ink, widest_mm), ink.darkness, ink.px_per_mm)
        for crop, ink in zip(crops, inks, strict=True)
    ]
    templates = np.stack([template for template, _ in fits])
    window = _middle_slices(like.field)
    dark = np.stack([ink.darkness[window] for ink in inks])
    printed = templates[:, *window]
    mean_dark, mean_printed = (
        np.array([cv2.mean(one)[0] for one in each]) for each in (dark, printed)
    )

    # Paper that is away from all print shows ink best.
    reach = max(1, round(BARE_MM * like.px_per_mm))
    is_bare = _darkest_near(templates, window, reach) < MAX_BARE_DARKNESS
    paper = np.array([_measure_paper(*pair) for pair in zip(dark, is_bare, strict=True)])

    # In the order of `CONTRAST_FEATURES`.
    flat_dark, flat_printed = (each.reshape(len(each), -1) for each in (dark, printed))
    columns = (
        mean_dark,
        mean_printed,
        mean_dark - mean_printed,
        *(row_quantiles(flat_dark, share) for share in (0.1, 0.5)),
        row_quantiles(flat_printed, 0.1),
        np.array([likeness for _, likeness in fits]),
        *paper.T,
    )
    return np.stack(columns, axis=1)


def _blank_darkness(crop: FieldImage, ink: Ink, widest_mm: float) -> Darkness:
    """Return the darkness of a box's template."""
    if crop.template_image is None:
        raise ValueError("a field image without a template cannot be compared with one")
    return measure_darkness(crop.template_image, ink.px_per_mm, widest_mm)


def _measure_paper(dark: Darkness, is_bare: NDArray[np.bool_]) -> tuple[float, float, float]:
    """Return the darkest of bare paper, how much of it is darkened, and how much there is."""
    bare_share = np.count_nonzero(is_bare) / is_bare.size
    paper = dark[is_bare] if bare_share > LEAST_BARE_SHARE else dark
    darkened = np.count_nonzero(paper > MIN_DARKENING) / paper.size
    return quantile(paper, 0.9), darkened, bare_share


def _darkest_near(templates: Darkness, window: tuple[slice, slice], reach: int) -> Darkness:
    """Return the highest darkness of templates within `reach` of each pixel of a window."""
    # Dilate a window that is wider by the reach, then cut it back.
    wide = tuple(slice(max(0, side.start - reach), side.stop + reach) for side in window)
    inner = tuple(
        slice(side.start - more.start, side.stop - more.start)
        for side, more in zip(window, wide, strict=True)
    )
    kernel = square_kernel(2 * reach + 1)
    near = filter_stack(templates[:, *wide], reach, partial(cv2.dilate, kernel=kernel))
    return np.asarray(near[:, *inner], np.float32)


def _middle_slices(field: tuple[int, int, int, int]) -> tuple[slice, slice]:
    """Return the middle of the box as rows and columns."""
    x0, y0, x1, y1 = field
    # At least one px is left.
    across, down = (
        round((x1 - x0) * (1 - MIDDLE_SHARE) / 2),
        round((y1 - y0) * (1 - MIDDLE_SHARE) / 2),
    )
    return slice(y0 + down, max(y0 + down + 1, y1 - down)), slice(
        x0 + across, max(x0 + across + 1, x1 - across)
    )


def _fit_template(template: Darkness, dark: Darkness, px_per_mm: float) -> tuple[Darkness, float]:
    """Return the template moved to where it correlates best, and this correlation.

    0 where one of them is plain. Nothing is cached for a template that may change: its correlation
    with itself would take as long as the search.
    """
    reach = min(max(1, round(MAX_SHIFT_MM * px_per_mm)), (min(dark.shape) - 1) // 3)
    dark_stats, template_stats = _mean_and_spread(dark), _mean_and_spread(template)
    likeness = _correlation(dark, dark_stats, template, template_stats)

    # Skip the search if no other place can be better.
    if min(dark_stats[1], template_stats[1]) < MIN_SPREAD or (
        not template.flags.writeable
        and is_best_fit(likeness, float(_self_correlation(template, reach)[0]))
    ):
        return template, likeness

    # Search all shifts, but stay unless another is clearly better.
    padded = _pad_template(template, reach)
    score = cv2.matchTemplate(padded, dark, cv2.TM_CCOEFF_NORMED)
    score[reach, reach] += MIN_CORRELATION_GAIN
    _, _, _, (x, y) = cv2.minMaxLoc(score)
    moved = np.asarray(padded[y : y + dark.shape[0], x : x + dark.shape[1]], np.float32)
    return moved, _correlation(dark, dark_stats, moved, _mean_and_spread(moved))


def is_best_fit(likeness: float, rival: float) -> bool:
    """Return whether a template fits worse wherever else it is moved on an image.

    `likeness` is its correlation with the image where it is, `rival` the highest correlation of the
    template with itself moved. Correlations are cosines of angles, and one side of a triangle is at
    least the difference of the other two.
    """
    to_moved, to_image = _correlation_angle(rival), _correlation_angle(likeness)
    if to_image >= to_moved:
        return False
    best_elsewhere = math.cos(to_moved - to_image)
    return best_elsewhere < likeness + MIN_CORRELATION_GAIN - ROUNDING_SLACK


def _correlation_angle(correlation: float) -> float:
    """Return the angle 0…π; a correlation may be rounded past 1 or -1."""
    return math.acos(max(-1.0, min(1.0, correlation)))


@cached_per_image(most_bytes=16_000_000)
def _self_correlation(template: Darkness, reach: int) -> Darkness:
    """Return (1,): the highest correlation of a template with itself moved by at least a px."""
    # The place itself does not count.
    score = cv2.matchTemplate(_pad_template(template, reach), template, cv2.TM_CCOEFF_NORMED)
    score[reach, reach] = -1
    return np.asarray(score.max(keepdims=True)[0], np.float32)


def _pad_template(template: Darkness, reach: int) -> Darkness:
    return np.asarray(
        cv2.copyMakeBorder(template, reach, reach, reach, reach, cv2.BORDER_REPLICATE), np.float32
    )


def _correlation(
    dark: Darkness,
    dark_stats: tuple[float, float],
    template: Darkness,
    template_stats: tuple[float, float],
) -> float:
    """Return the correlation of the image with its template; 0 where one of them is plain.

    Their means and spreads are known.
    """
    (mean, spread), (template_mean, template_spread) = dark_stats, template_stats
    if spread * template_spread < 1e-4:
        return 0.0
    return (cv2.mean(cv2.multiply(dark, template))[0] - mean * template_mean) / (
        spread * template_spread
    )


def _mean_and_spread(dark: Darkness) -> tuple[float, float]:
    mean, spread = cv2.meanStdDev(dark)
    return float(mean[0, 0]), float(spread[0, 0])
