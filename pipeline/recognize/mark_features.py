"""What tells an empty box from a marked and from a cancelled one, as a few numbers that do not depend on scale."""

from __future__ import annotations

import math
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.recognize.ink import Darkness, Ink, disc, square
from pipeline.recognize.ranks import median, quantile

FEATURES = (
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
WIDEST_MARK_MM = 14.0
"""A box filled solid is ink too: wider than any box."""
INSET_MM = 0.35
"""The inside of a box begins this far from its edge: half a printed line, and what registration may differ."""
GAP_MM = 0.35
"""Ink this close together is one stroke, mm."""
EDGE_MM = 0.25
"""An edge of ink is looked for this far around it."""
SMOOTH_MM = 0.08
"""Standard deviation of the blur before edges are measured, mm."""
STEEPEST = 4.0
"""Darkness per mm: black ink, scanned sharply."""


def features(ink: Ink, *, form_known: bool) -> NDArray[np.float64]:
    """The numbers named in `FEATURES`, each roughly 0…1 (the area: log of mm²)."""
    inside = _inside(ink)
    inked = int(np.count_nonzero(inside))
    closed = _closed(inside, ink.px_per_mm) if inked else inside
    covered, full = inked / inside.size, np.count_nonzero(closed) / inside.size
    area = inked / ink.px_per_mm**2
    outside = _outside(ink)
    alone = outside if area < 0.2 else 0.0
    steep = _slope(ink)
    values = (
        covered,
        full,
        _paper_left(closed) if inked else 1.0,
        _extent(inside) if inked else 0.0,
        math.log(area + 0.03),
        _peak(ink),
        outside,
        alone,
        full**2,
        full**4,
        float(area == 0),
        *_edges(ink, steep),
        *(_body(inside, ink.px_per_mm) if inked else (0.0, 0.0)),
        *_ground(ink),
        _steep_outside(ink, steep),
        float(form_known),
    )
    return np.array(values, np.float64)


def _inside(ink: Ink) -> NDArray[np.uint8]:
    return ink.mask[_inset(ink)].astype(np.uint8)


def _closed(inside: NDArray[np.uint8], px_per_mm: float) -> NDArray[np.uint8]:
    """The ink with the thin white between strokes of a filling closed; the border counts as ink."""
    radius = max(1, round(GAP_MM * px_per_mm))
    edged = cv2.copyMakeBorder(inside, radius, radius, radius, radius, cv2.BORDER_REPLICATE)
    closed = cv2.morphologyEx(edged, cv2.MORPH_CLOSE, disc(radius))
    return np.asarray(closed[radius:-radius, radius:-radius], np.uint8)


def _paper_left(closed: NDArray[np.uint8]) -> float:
    """Radius of the largest round spot without ink, as part of half the box; there is some ink."""
    distance = cv2.distanceTransform(np.asarray(1 - closed, np.uint8), cv2.DIST_L2, 3)
    return float(min(1.0, distance.max() / (min(closed.shape) / 2)))


def _extent(inside: NDArray[np.uint8]) -> float:
    """Diagonal of the ink's rectangle as part of the box's."""
    _, _, width, height = cv2.boundingRect(inside)
    return math.hypot(width - 1, height - 1) / math.hypot(*inside.shape)


def _peak(ink: Ink) -> float:
    x0, y0, x1, y1 = ink.field
    strokes = ink.darkness[y0:y1, x0:x1][ink.mask[y0:y1, x0:x1]]
    return quantile(strokes, 0.8) if strokes.size else 0.0


def _outside(ink: Ink) -> float:
    """Ink around the box as part of what a circle around it would leave, at most 1."""
    x0, y0, x1, y1 = ink.field
    area = (np.count_nonzero(ink.mask) - np.count_nonzero(ink.mask[y0:y1, x0:x1])) / ink.px_per_mm**2
    circle = 0.4 * math.pi * (x1 - x0 + y1 - y0) / 2 / ink.px_per_mm
    return min(1.0, area / circle)


def _edges(ink: Ink, steep: Darkness) -> tuple[float, float, float, float]:
    """Darkness of the ink inside; how fast its edge falls, per mm, absolute and as part of that darkness; the same of the printed box.

    Pen and pencil are as sharp as print; what shows through paper or dried on it is softer.
    """
    window = _inset(ink)
    mask = ink.mask[window]
    dark, edge = 0.0, 0.0
    if mask.any():
        reach = max(1, round(EDGE_MM * ink.px_per_mm))
        near = cv2.dilate(mask.astype(np.uint8), square(2 * reach + 1)) > 0
        dark, edge = quantile(ink.darkness[window][mask], 0.8), quantile(steep[window][near], 0.9)
    border = _border(ink.mask.shape, ink.field, max(1, round(INSET_MM * ink.px_per_mm)))
    printed = quantile(steep.ravel()[border], 0.8) / (quantile(ink.darkness.ravel()[border], 0.8) + 0.05)
    return dark, min(edge, STEEPEST), min(edge / (dark + 0.05), 2 * STEEPEST), min(printed, 2 * STEEPEST)


def _steep_outside(ink: Ink, steep: Darkness) -> float:
    """The same for ink around the box, absolute: a mark beside it is sharp."""
    x0, y0, x1, y1 = ink.field
    around = ink.mask.copy()
    around[y0:y1, x0:x1] = False
    return min(quantile(steep[around], 0.9), STEEPEST) if around.any() else 0.0


def _slope(ink: Ink) -> Darkness:
    """How fast darkness changes, per mm, (h, w)."""
    smooth = cv2.GaussianBlur(ink.darkness, (0, 0), max(0.5, SMOOTH_MM * ink.px_per_mm))
    across, down = (cv2.Scharr(smooth, cv2.CV_32F, dx, 1 - dx, scale=ink.px_per_mm / 32) for dx in (1, 0))
    return np.asarray(cv2.magnitude(across, down), np.float32)


@lru_cache(maxsize=256)
def _border(shape: tuple[int, int], field: tuple[int, int, int, int], reach: int) -> NDArray[np.intp]:
    """Where the printed box is, as places in a crop's pixels put in a row."""
    x0, y0, x1, y1 = field
    border = np.zeros(shape, bool)
    border[max(0, y0 - reach) : y1 + reach, max(0, x0 - reach) : x1 + reach] = True
    border[y0 + reach : y1 - reach, x0 + reach : x1 - reach] = False
    return np.flatnonzero(border)


def _inset(ink: Ink) -> tuple[slice, slice]:
    """The inside of the box, clear of its printed line, as rows and columns."""
    x0, y0, x1, y1 = ink.field
    inset = min(round(INSET_MM * ink.px_per_mm), (min(x1 - x0, y1 - y0) - 1) // 2)
    return slice(y0 + inset, y1 - inset), slice(x0 + inset, x1 - inset)


def _body(inside: NDArray[np.uint8], px_per_mm: float) -> tuple[float, float]:
    """Half the width of the widest stroke in mm, and the covered part of the middle of the box."""
    thickness = float(cv2.distanceTransform(inside, cv2.DIST_L2, 3).max()) / px_per_mm
    rows, columns = (slice(side // 4, side - side // 4) for side in inside.shape)
    middle = inside[rows, columns]
    return min(thickness, 2.0), np.count_nonzero(middle) / middle.size


def _ground(ink: Ink) -> tuple[float, float]:
    """How dark the paper in the box is against the brightest around, and how grainy."""
    dark = np.ascontiguousarray(ink.darkness[_inset(ink)])
    grain = np.asarray(cv2.absdiff(dark, cv2.medianBlur(dark, 3)), np.float32)
    return quantile(dark, 0.3), median(grain)
