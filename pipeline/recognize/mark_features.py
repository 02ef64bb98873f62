"""What tells an empty box from a marked and from a cancelled one, as a few numbers that do not depend on scale."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.recognize.ink import Ink

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
)
WIDEST_MARK_MM = 14.0
"""A box filled solid is ink too: wider than any box."""
INSET_MM = 0.35
"""The inside of a box begins this far from its edge: half a printed line, and what registration may differ."""
GAP_MM = 0.35


def features(ink: Ink) -> NDArray[np.float64]:
    """The numbers named in `FEATURES`, each roughly 0…1 (the area: log of mm²)."""
    inside = _inside(ink)
    closed = _closed(inside, ink.px_per_mm)
    covered, full = float(inside.mean()), float(closed.mean())
    area = float(inside.sum()) / ink.px_per_mm**2
    outside = _outside(ink)
    alone = outside if area < 0.2 else 0.0
    values = (
        covered,
        full,
        _paper_left(closed),
        _extent(inside),
        np.log(area + 0.03),
        _peak(ink),
        outside,
        alone,
        full**2,
        full**4,
        float(area == 0),
    )
    return np.array(values, np.float64)


def _inside(ink: Ink) -> NDArray[np.uint8]:
    x0, y0, x1, y1 = ink.field
    inset = min(round(INSET_MM * ink.px_per_mm), (min(x1 - x0, y1 - y0) - 1) // 2)
    return ink.mask[y0 + inset : y1 - inset, x0 + inset : x1 - inset].astype(np.uint8)


def _closed(inside: NDArray[np.uint8], px_per_mm: float) -> NDArray[np.uint8]:
    """The ink with the thin white between strokes of a filling closed; the border counts as ink."""
    radius = max(1, round(GAP_MM * px_per_mm))
    edged = cv2.copyMakeBorder(inside, radius, radius, radius, radius, cv2.BORDER_REPLICATE)
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))
    closed = cv2.morphologyEx(edged, cv2.MORPH_CLOSE, kernel)
    return np.asarray(closed[radius:-radius, radius:-radius], np.uint8)


def _paper_left(closed: NDArray[np.uint8]) -> float:
    """Radius of the largest round spot without ink, as part of half the box."""
    distance = cv2.distanceTransform(np.asarray(1 - closed, np.uint8), cv2.DIST_L2, 3)
    return float(min(1.0, distance.max() / (min(closed.shape) / 2))) if closed.any() else 1.0


def _extent(inside: NDArray[np.uint8]) -> float:
    """Diagonal of the ink's rectangle as part of the box's."""
    ys, xs = np.nonzero(inside)
    if not ys.size:
        return 0.0
    return float(np.hypot(np.ptp(ys), np.ptp(xs)) / np.hypot(*inside.shape))


def _peak(ink: Ink) -> float:
    x0, y0, x1, y1 = ink.field
    mask = ink.mask[y0:y1, x0:x1]
    return float(np.quantile(ink.darkness[y0:y1, x0:x1][mask], 0.8)) if mask.any() else 0.0


def _outside(ink: Ink) -> float:
    """Ink around the box as part of what a circle around it would leave, at most 1."""
    x0, y0, x1, y1 = ink.field
    area = float(ink.mask.sum() - ink.mask[y0:y1, x0:x1].sum()) / ink.px_per_mm**2
    circle = 0.4 * np.pi * (x1 - x0 + y1 - y0) / 2 / ink.px_per_mm
    return float(min(1.0, area / circle))
