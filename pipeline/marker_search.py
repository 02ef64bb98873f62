"""Where in a picture markers are sought: first in the four corners, where a scanner puts those of a whole sheet, which is a fourth of the work."""

from __future__ import annotations

import cv2
import numpy as np

from pipeline import plane
from pipeline.fiducials import MARKER_DICTIONARY
from pipeline.model import Image
from pipeline.plane import Matrix

ERROR_CORRECTION = 0.4
"""Share of a marker's correctable bits that may be wrong."""
SIDE = 1500
"""Longer side, px, of the picture in which markers are sought; a corner is as fine as if it were part of one."""
_CORNER = 0.3, 0.2
"""A corner's share of the shorter and of the longer side."""
_EVEN = 0.04
"""Markers of one sheet show the page as wide for its height as it is, but for this. Those of two that overlap further do not."""
_SMALLEST, _LARGEST = 0.02, 0.5
"""Outline of a marker as part of the whole picture's longer side."""

Part = tuple[Image, Matrix, float]
"""A grey picture, its px → px of the whole picture, and how many times longer than its own longer side that of the whole would be."""


def whole(image: Image, side: int) -> list[Part]:
    """The whole picture, its longer side so many px at most."""
    small = plane.shrunk(image, side / max(image.shape[:2]))
    return [(small, plane.between(small, image), 1.0)]


def corners(image: Image) -> list[Part]:
    """The four corners of a picture; none if it is so small that there is nothing to gain."""
    height, width = image.shape[:2]
    factor = SIDE / max(height, width)
    if factor >= 1:
        return []
    upright = height >= width
    wide, high = round(width * _CORNER[not upright]), round(height * _CORNER[upright])
    return [_part(image, x, y, wide, high, factor) for y in (0, height - high) for x in (0, width - wide)]


def _part(image: Image, x: int, y: int, wide: int, high: int, factor: float) -> Part:
    cut = image[y : y + high, x : x + wide]
    small = plane.shrunk(cut, factor)
    there = np.array([[1, 0, x], [0, 1, y], [0, 0, 1]], np.float64)
    return small, there @ plane.between(small, cut), max(image.shape[:2]) / max(cut.shape[:2])


def detector(larger: float = 1.0) -> cv2.aruco.ArucoDetector:
    """Finds markers in a picture that is part of one so many times larger."""
    parameters = cv2.aruco.DetectorParameters()
    parameters.minMarkerPerimeterRate = _SMALLEST * larger
    parameters.maxMarkerPerimeterRate = _LARGEST * larger
    parameters.errorCorrectionRate = ERROR_CORRECTION
    return cv2.aruco.ArucoDetector(cv2.aruco.getPredefinedDictionary(MARKER_DICTIONARY), parameters)


def is_even(lies: Matrix) -> bool:
    """Whether mm → px enlarges as much across as down, in the middle of the page."""
    x, y = plane.PAGE.w / 2, plane.PAGE.h / 2
    a, b, c = plane.through(lies, np.array([(x, y), (x + 10, y), (x, y + 10)], np.float64))
    return abs(float(np.linalg.norm(b - a) / np.linalg.norm(c - a)) - 1) < _EVEN
