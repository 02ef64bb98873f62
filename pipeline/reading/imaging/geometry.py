"""Flat geometry: points on the paper in mm, points in a picture in px, and the 3 × 3 matrices
between them.

A pixel's centre has whole coordinates; the picture's left edge is at -0.5.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.domain.form.page import PAGE_HEIGHT_MM, PAGE_WIDTH_MM
from pipeline.domain.model import Box, Image

Points = NDArray[np.floating[Any]]
"""(n, 2), x and y."""
Homography = NDArray[np.floating[Any]]
"""3 × 3, homogeneous."""

PAGE_BOX = Box(0, 0, PAGE_WIDTH_MM, PAGE_HEIGHT_MM)
"""The paper that we print on."""
PX_PER_MM = 8.0
"""Scale of a page laid on its form, and of the picture of the unfilled form."""


def page_box(blank: Image) -> Box:
    """The paper that a picture of a whole page at 8 px/mm shows."""
    return Box(0, 0, blank.shape[1] / PX_PER_MM, blank.shape[0] / PX_PER_MM)


def transform_points(matrix: Homography, points: Points) -> Points:
    """Points taken through a homography."""
    return np.asarray(
        cv2.perspectiveTransform(points.reshape(-1, 1, 2), matrix), dtype=np.float64
    ).reshape(-1, 2)


def box_corners(box: Box) -> Points:
    """Corners clockwise from the top left, (4, 2) mm."""
    x, y, w, h = box.x, box.y, box.w, box.h
    return np.array([(x, y), (x + w, y), (x + w, y + h), (x, y + h)], dtype=np.float64)


def widen_box(box: Box, margin_mm: float) -> Box:
    """The box with so much more on every side."""
    return Box(box.x - margin_mm, box.y - margin_mm, box.w + 2 * margin_mm, box.h + 2 * margin_mm)


def box_distance(a: Box, b: Box) -> float:
    """The distance between two rectangles along the axis on which they are farther apart; 0 if they
    overlap.
    """
    across = max(a.x - (b.x + b.w), b.x - (a.x + a.w))
    down = max(a.y - (b.y + b.h), b.y - (a.y + a.h))
    return max(0.0, across, down)


def raster_homography(px_per_mm: float, origin: tuple[float, float] = (0.0, 0.0)) -> Homography:
    """mm → px of a picture whose top left edge is at `origin` on the paper."""
    s = px_per_mm
    return np.array(
        [[s, 0, -origin[0] * s - 0.5], [0, s, -origin[1] * s - 0.5], [0, 0, 1]], dtype=np.float64
    )


def fit_homography(marks: Sequence[tuple[Points, Points]]) -> Homography | None:
    """mm → px from printed marks, each the same corners in mm and in px; None when they contradict
    each other or there are none.

    Three marks or more span the page and give a homography; fewer lie too close together for
    perspective and give a similarity.
    """
    if not marks:
        return None
    mm, px = np.vstack([m for m, _ in marks]), np.vstack([p for _, p in marks])
    if len(marks) >= 3:
        found, _ = cv2.findHomography(mm, px, 0)
    else:
        found = _fit_similarity(mm, px)
    if found is None:
        return None
    matrix = np.asarray(found, dtype=np.float64)
    return matrix if is_page_homography(matrix) else None


def _fit_similarity(mm: Points, px: Points) -> Homography:
    """Least squares turn, scale and shift (Umeyama 1991, two dimensions, as complex numbers)."""
    source, target = mm @ [1, 1j], px @ [1, 1j]
    s, t = source - source.mean(), target - target.mean()
    factor = np.vdot(s, t) / np.vdot(s, s).real
    shift = target.mean() - factor * source.mean()
    return np.array(
        [[factor.real, -factor.imag, shift.real], [factor.imag, factor.real, shift.imag], [0, 0, 1]]
    )


def is_page_homography(plane: Homography, page: Box = PAGE_BOX) -> bool:
    """Whether mm → px shows a page from its front: convex, not mirrored, no side more than three
    times its opposite.
    """
    outline = transform_points(plane, box_corners(page))
    if not np.isfinite(outline).all():
        return False
    sides = np.roll(outline, -1, axis=0) - outline
    after = np.roll(sides, -1, axis=0)
    turns = sides[:, 0] * after[:, 1] - sides[:, 1] * after[:, 0]
    lengths = np.linalg.norm(sides, axis=1)
    opposite = lengths / np.roll(lengths, 2)
    return bool((turns > 0).all() and (opposite < 3).all())


def scale_at_centre(plane: Homography, page: Box = PAGE_BOX) -> float:
    """px per mm in the middle of the page."""
    x, y = page.x + page.w / 2 - 5, page.y + page.h / 2 - 5
    a, b, c = transform_points(
        plane, np.array([(x, y), (x + 10, y), (x, y + 10)], dtype=np.float64)
    )
    return float((np.linalg.norm(b - a) + np.linalg.norm(c - a)) / 20)


def turn_at_centre(plane: Homography, page: Box = PAGE_BOX) -> float:
    """Clockwise turn of the page in the picture, degrees from -45 to 315, so that no usual position
    lies at the seam.
    """
    x, y = page.x + page.w / 2, page.y + page.h / 2
    a, b = transform_points(plane, np.array([(x - 20, y), (x + 20, y)], dtype=np.float64))
    degrees = float(np.degrees(np.arctan2(b[1] - a[1], b[0] - a[0])))
    return (degrees + 45) % 360 - 45


def to_grayscale(image: Image) -> Image:
    """The picture in grey."""
    return (
        image
        if image.ndim == 2
        else np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), dtype=np.uint8)
    )


def shrink_image(image: Image, factor: float) -> Image:
    """The picture in grey at a smaller size; sizes are rounded, so use `shape` for the exact ratio."""
    h, w = image.shape[:2]
    if factor >= 1:
        return to_grayscale(image)
    size = max(1, round(w * factor)), max(1, round(h * factor))
    return to_grayscale(
        np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)
    )


def resize_homography(small: Image, large: Image) -> Homography:
    """px of `small` → px of `large`, two sizes of the same picture."""
    x, y = large.shape[1] / small.shape[1], large.shape[0] / small.shape[0]
    return np.array([[x, 0, 0.5 * x - 0.5], [0, y, 0.5 * y - 0.5], [0, 0, 1]], dtype=np.float64)


def warp_box(image: Image, plane: Homography, box: Box, px_per_mm: float) -> Image:
    """A part of the page laid flat, (h, w) px; what lies outside the picture is white."""
    size = round(box.w * px_per_mm), round(box.h * px_per_mm)
    matrix = raster_homography(px_per_mm, (box.x, box.y)) @ np.linalg.inv(plane)
    flat = cv2.warpPerspective(
        image,
        matrix,
        size,
        flags=cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_CONSTANT,
        borderValue=(255, 255, 255),
    )
    return np.asarray(flat, dtype=np.uint8)
