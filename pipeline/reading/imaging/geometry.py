"""Plane geometry of points and homographies between the paper (mm) and images (px).

Pixel centres have whole coordinates; the left edge of an image is at -0.5.
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
"""3 × 3 matrix on homogeneous coordinates."""

PAGE_BOX = Box(0, 0, PAGE_WIDTH_MM, PAGE_HEIGHT_MM)
"""The A4 page of Efterskrift's forms, mm."""
PX_PER_MM = 8.0
"""Scale of registered pages and of template images."""


def page_box(template: Image) -> Box:
    """Return the paper that an image of a whole page at 8 px/mm shows, mm."""
    return Box(0, 0, template.shape[1] / PX_PER_MM, template.shape[0] / PX_PER_MM)


def transform_points(matrix: Homography, points: Points) -> Points:
    """Map points through a homography."""
    return np.asarray(
        cv2.perspectiveTransform(points.reshape(-1, 1, 2), matrix), dtype=np.float64
    ).reshape(-1, 2)


def box_corners(box: Box) -> Points:
    """Return the corners of a box clockwise from the top left, (4, 2) mm."""
    x, y, w, h = box.x, box.y, box.w, box.h
    return np.array([(x, y), (x + w, y), (x + w, y + h), (x, y + h)], dtype=np.float64)


def widen_box(box: Box, margin_mm: float) -> Box:
    """Return the box with a margin added on every side."""
    return Box(box.x - margin_mm, box.y - margin_mm, box.w + 2 * margin_mm, box.h + 2 * margin_mm)


def box_distance(a: Box, b: Box) -> float:
    """Return the gap between two boxes along the axis on which they are farther apart.

    It is 0 if they overlap.
    """
    # Positive where there is a gap along the axis.
    gap_x = max(a.x - (b.x + b.w), b.x - (a.x + a.w))
    gap_y = max(a.y - (b.y + b.h), b.y - (a.y + a.h))
    return max(0.0, gap_x, gap_y)


def raster_homography(px_per_mm: float, origin: tuple[float, float] = (0.0, 0.0)) -> Homography:
    """Return mm → px of an image whose top left edge is at `origin` on the paper."""
    s = px_per_mm
    # Pixel centres are at whole numbers, edges at halves.
    return np.array(
        [[s, 0, -origin[0] * s - 0.5], [0, s, -origin[1] * s - 0.5], [0, 0, 1]], dtype=np.float64
    )


def fit_homography(point_sets: Sequence[tuple[Points, Points]]) -> Homography | None:
    """Fit mm → px to printed marks, each given by the same corners in mm and in px.

    Three marks or more span the page and give a homography; fewer are too close together for
    perspective and give a similarity. None if there are no marks or they contradict each other.
    """
    if not point_sets:
        return None
    mm, px = np.vstack([m for m, _ in point_sets]), np.vstack([p for _, p in point_sets])
    if len(point_sets) >= 3:
        fitted, _ = cv2.findHomography(mm, px, 0)
    else:
        fitted = _fit_similarity(mm, px)
    if fitted is None:
        return None
    matrix = np.asarray(fitted, dtype=np.float64)
    return matrix if is_page_homography(matrix) else None


def _fit_similarity(mm: Points, px: Points) -> Homography:
    """Fit rotation, scale and offset by least squares (Umeyama 1991), in complex numbers."""
    source, target = mm @ [1, 1j], px @ [1, 1j]
    s, t = source - source.mean(), target - target.mean()
    # The complex factor is scale and rotation at once.
    factor = np.vdot(s, t) / np.vdot(s, s).real
    offset = target.mean() - factor * source.mean()
    return np.array(
        [
            [factor.real, -factor.imag, offset.real],
            [factor.imag, factor.real, offset.imag],
            [0, 0, 1],
        ]
    )


def is_page_homography(homography: Homography, page: Box = PAGE_BOX) -> bool:
    """Check that mm → px shows a page from its front.

    Its outline must be convex and not mirrored, and no side more than three times its opposite.
    """
    outline = transform_points(homography, box_corners(page))
    if not np.isfinite(outline).all():
        return False
    sides = np.roll(outline, -1, axis=0) - outline
    next_sides = np.roll(sides, -1, axis=0)
    # All corners turn the same way: convex, seen from the front.
    cross_products = sides[:, 0] * next_sides[:, 1] - sides[:, 1] * next_sides[:, 0]
    lengths = np.linalg.norm(sides, axis=1)
    opposite = lengths / np.roll(lengths, 2)
    return bool((cross_products > 0).all() and (opposite < 3).all())


def scale_at_centre(homography: Homography, page: Box = PAGE_BOX) -> float:
    """Return the px per mm in the middle of the page."""
    x, y = page.x + page.w / 2 - 5, page.y + page.h / 2 - 5
    # Two lengths of 10 mm around the middle, one in each direction.
    a, b, c = transform_points(
        homography, np.array([(x, y), (x + 10, y), (x, y + 10)], dtype=np.float64)
    )
    return float((np.linalg.norm(b - a) + np.linalg.norm(c - a)) / 20)


def turn_at_centre(homography: Homography, page: Box = PAGE_BOX) -> float:
    """Return the clockwise turn of the page in the image, degrees.

    The range is -45 to 315, so that none of the four usual orientations is at its limit.
    """
    x, y = page.x + page.w / 2, page.y + page.h / 2
    # The direction of a level line of the page.
    a, b = transform_points(homography, np.array([(x - 20, y), (x + 20, y)], dtype=np.float64))
    degrees = float(np.degrees(np.arctan2(b[1] - a[1], b[0] - a[0])))
    return (degrees + 45) % 360 - 45


def to_grayscale(image: Image) -> Image:
    """Return the image in grey."""
    return (
        image
        if image.ndim == 2
        else np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), dtype=np.uint8)
    )


def shrink_image(image: Image, factor: float) -> Image:
    """Return the image in grey, reduced by a factor.

    The size is rounded to whole pixels: compute the exact ratio from `shape`.
    """
    # Never enlarge.
    return to_grayscale(image if factor >= 1 else resize_image(image, factor))


def resize_image(image: Image, factor: float) -> Image:
    """Return the image reduced or enlarged by a factor, its size rounded to whole pixels."""
    size = max(1, round(image.shape[1] * factor)), max(1, round(image.shape[0] * factor))
    interpolation = cv2.INTER_AREA if factor < 1 else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(image, size, interpolation=interpolation), np.uint8)


def resize_homography(small: Image, large: Image) -> Homography:
    """Return px of `small` → px of `large`, two sizes of the same image."""
    # Pixel centres are scaled about the image's edge, which is at -0.5.
    x, y = large.shape[1] / small.shape[1], large.shape[0] / small.shape[0]
    return np.array([[x, 0, 0.5 * x - 0.5], [0, y, 0.5 * y - 0.5], [0, 0, 1]], dtype=np.float64)


def warp_box(image: Image, homography: Homography, box: Box, px_per_mm: float) -> Image:
    """Return a part of the page as a flat image, (h, w) px; white outside the image."""
    # Image px → mm → px of the flat part.
    size = round(box.w * px_per_mm), round(box.h * px_per_mm)
    matrix = raster_homography(px_per_mm, (box.x, box.y)) @ np.linalg.inv(homography)
    flat = cv2.warpPerspective(
        image,
        matrix,
        size,
        flags=cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_CONSTANT,
        borderValue=(255, 255, 255),
    )
    return np.asarray(flat, dtype=np.uint8)
