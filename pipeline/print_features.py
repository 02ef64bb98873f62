"""Where the print of an unfilled form lies in a picture, found by features (SIFT, Lowe 2004), whatever the turn, scale and perspective.

What looks alike in many places, such as the boxes of a grid, has no distinct match and is left out, so words decide.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline import plane
from pipeline.model import Box, Image
from pipeline.plane import Matrix, Points

_BLANK_PX_PER_MM = 4.0
_OF_BLANK = 3000
_OF_PAGE = 6000
_RATIO = 0.8
"""A match is distinct if it is nearer than this share of the distance to the second nearest (Lowe)."""
_WITHIN_PX = 3.0
_FEWEST = 20
"""Fewest matches on one plane; set by judgement, the print and the words decide afterwards."""
_SPREAD = 0.2
"""The matches span at least this share of the area that the form's features span."""
_IN_PICTURE = 0.75
_LEAST_PX_PER_MM = 1.5


@dataclass(frozen=True, slots=True)
class Features:
    """Distinct points: `at` (n, 2), and how each looks, `looks` (n, 128), of length 1."""

    at: Points
    looks: NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Placement:
    """How a form lies in a picture: mm → px, and by how many matches."""

    lies: Matrix
    matches: int


def picture_features(picture: Image, most: int = _OF_PAGE) -> Features:
    """Features of a grey picture, `at` in px."""
    found, looks = cv2.SIFT.create(nfeatures=most).detectAndCompute(picture, None)
    if looks is None or not len(found):
        return Features(np.zeros((0, 2)), np.zeros((0, 128), np.float32))
    rooted = np.sqrt(looks / np.maximum(looks.sum(axis=1, keepdims=True), 1e-6))  # RootSIFT (Arandjelović, Zisserman 2012)
    return Features(np.array([point.pt for point in found], dtype=np.float64), rooted.astype(np.float32))


def blank_features(blank: Image) -> Features:
    """Features of an unfilled form at 8 px/mm, `at` in mm."""
    small = plane.shrunk(blank, _BLANK_PX_PER_MM / plane.PX_PER_MM)
    found = picture_features(small, _OF_BLANK)
    to_blank = plane.between(small, blank)
    to_mm = np.linalg.inv(plane.raster(plane.PX_PER_MM)) @ to_blank
    return Features(plane.through(to_mm, found.at), found.looks) if len(found.at) else found


def placed(form: Features, page: Box, picture: Features, size: tuple[int, int]) -> Placement | None:
    """Where a form with these features lies in a picture of `size` (width, height), px; None if it is not plainly seen there.

    A homography that few features agree on, that only a corner of the form supports, that mirrors or crushes the page, or that puts it outside
    the picture is none.
    """
    mine, theirs = _matches(form.looks, picture.looks)
    if len(mine) < _FEWEST:
        return None
    mm, px = form.at[mine], picture.at[theirs]
    matrix, mask = cv2.findHomography(mm, px, cv2.USAC_MAGSAC, _WITHIN_PX, maxIters=5000, confidence=0.9999)
    if matrix is None:
        return None
    lies, agreeing = np.asarray(matrix, dtype=np.float64), np.asarray(mask, dtype=np.bool_).ravel()
    if agreeing.sum() < _FEWEST or _area(mm[agreeing]) < _SPREAD * _area(form.at) or not _plausible(lies, page, size):
        return None
    return Placement(lies, int(agreeing.sum()))


def _matches(one: NDArray[np.float32], other: NDArray[np.float32]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Pairs that are each other's nearest and distinctly so."""
    if len(one) < 2 or len(other) < 2:
        return np.zeros(0, np.intp), np.zeros(0, np.intp)
    likeness = one @ other.T
    nearest = likeness.argmax(axis=1)
    rows = np.arange(len(one))
    first = likeness[rows, nearest]
    mutual = likeness.argmax(axis=0)[nearest] == rows
    second = np.partition(likeness, -2, axis=1)[:, -2]
    distinct = (2 - 2 * first) < _RATIO**2 * (2 - 2 * second)  # squared distances of vectors of length 1
    kept = rows[mutual & distinct]
    return kept, nearest[kept]


def _area(points: NDArray[Any]) -> float:
    return float(cv2.contourArea(cv2.convexHull(points.astype(np.float32))))


def _plausible(lies: Matrix, page: Box, size: tuple[int, int]) -> bool:
    if not plane.is_page(lies, page) or plane.scale_at_centre(lies, page) < _LEAST_PX_PER_MM:
        return False
    x, y = np.meshgrid((np.arange(20) + 0.5) * page.w / 20, (np.arange(20) + 0.5) * page.h / 20)
    px = plane.through(lies, np.stack([x.ravel(), y.ravel()], axis=1))
    return bool(((px >= 0) & (px < size)).all(axis=1).mean() >= _IN_PICTURE)
