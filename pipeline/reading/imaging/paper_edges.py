"""Find the edges of a sheet in a photo of it, for a preview before it is sent.

Reading does not need them: it finds the markers of the form. A person who sees the outline on the
photo knows that the whole paper is in it.
"""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.domain.model import Image
from pipeline.reading.imaging import geometry
from pipeline.reading.imaging.geometry import Points, to_grayscale

_SIDE_PX = 700
"""Longer side of the reduced image in which the edges are searched, px."""
_MIN_SHARE = 0.05
"""Least share of the photo that the paper covers."""
_MIN_FILLED = 0.9
"""Least share of its outline's area that paper of four straight sides fills."""
_MARGIN = 0.008
"""A corner nearer to the photo's edge than this share of its longer side is cut off."""
_MIN_CONTRAST = 25
"""Grey levels by which paper is lighter than what it lies on, at least."""
_SHARPNESS_SIDE_PX = 1200
_MIN_SHARPNESS = 60.0
"""Least variance of the Laplacian, grey levels²; text of a steady hand has several hundred."""


def find_paper_edges(image: Image) -> Points | None:
    """Return the corners of a sheet, px, clockwise from the top left; None if none stands out.

    `image` is grey or BGR. The sheet is lighter than what it lies on.
    """
    small = geometry.shrink_image(image, _SIDE_PX / max(image.shape[:2]))
    paper = _paper_mask(cv2.GaussianBlur(small, (0, 0), 2.0).astype(np.uint8))
    if paper is None:
        return None
    # The largest light part, without what is written or printed on it.
    outlines, _ = cv2.findContours(paper, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    outline = cv2.convexHull(max(outlines, key=cv2.contourArea))
    corners = _four_corners(outline)
    if corners is None:
        return None
    area = cv2.contourArea(corners.astype(np.float32))
    is_filled = cv2.contourArea(outline) >= _MIN_FILLED * area
    if area < _MIN_SHARE * small.size or not is_filled:
        return None
    on_image: Points = _clockwise(corners) * (max(image.shape[:2]) / max(small.shape[:2]))
    return on_image


def is_cut_off(image: Image, corners: Points) -> bool:
    """Return whether a corner of the sheet lies at the edge of the photo or outside of it."""
    height, width = image.shape[:2]
    margin = _MARGIN * max(height, width)
    inside = (corners >= margin) & (corners <= np.array([width, height]) - 1 - margin)
    return not bool(inside.all())


def longer_side_px(corners: Points) -> float:
    """Return the length of the sheet's longer side in the photo, px."""
    return float(np.linalg.norm(np.roll(corners, -1, axis=0) - corners, axis=1).max())


def is_blurred_photo(image: Image, corners: Points | None) -> bool:
    """Return whether what is inside the corners, or the whole photo, has no sharp strokes."""
    grey = to_grayscale(image)
    if corners is not None:
        left, top = np.maximum(corners.min(axis=0), 0).astype(int)
        right, bottom = corners.max(axis=0).astype(int)
        grey = grey[top:bottom, left:right]
    if not grey.size:
        return True
    page = geometry.shrink_image(grey, _SHARPNESS_SIDE_PX / max(grey.shape))
    # Without its edge, which is sharp or blurred with whatever lies around the paper.
    height, width = page.shape
    inner = page[height // 10 : -height // 10, width // 10 : -width // 10]
    return float(cv2.Laplacian(inner, cv2.CV_64F).var()) < _MIN_SHARPNESS


def _paper_mask(grey: Image) -> NDArray[np.uint8] | None:
    """Return where the image is as light as paper; None if all of it is alike."""
    level, mask = cv2.threshold(grey, 0, 255, cv2.THRESH_BINARY + cv2.THRESH_OTSU)
    light, dark = grey[grey > level], grey[grey <= level]
    if not light.size or not dark.size or light.mean() - dark.mean() < _MIN_CONTRAST:
        return None
    # Writing and boxes at the edge of the paper are closed.
    size = max(3, max(grey.shape) // 60) | 1
    kernel = cv2.getStructuringElement(cv2.MORPH_RECT, (size, size))
    closed = cv2.morphologyEx(mask, cv2.MORPH_CLOSE, kernel)
    return np.asarray(cv2.morphologyEx(closed, cv2.MORPH_OPEN, kernel), np.uint8)


def _four_corners(outline: NDArray[Any]) -> Points | None:
    length = cv2.arcLength(outline, closed=True)
    for share in (0.01, 0.02, 0.03, 0.05, 0.08):
        corners = cv2.approxPolyDP(outline, share * length, closed=True)
        if len(corners) == 4:
            return corners.reshape(4, 2).astype(np.float64)
    return None


def _clockwise(corners: Points) -> Points:
    """Order corners clockwise, the one nearest to the top left first."""
    around = corners - corners.mean(axis=0)
    ordered = corners[np.argsort(np.arctan2(around[:, 1], around[:, 0]))]
    return np.roll(ordered, -int(np.argmin(ordered.sum(axis=1))), axis=0)
