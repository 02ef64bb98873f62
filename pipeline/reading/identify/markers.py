"""Where in a picture markers are sought: first in the four corners, where a scanner puts those of a
whole sheet, which is a fourth of the work.
"""

from __future__ import annotations

import cv2
import numpy as np

from pipeline.domain.model import Image
from pipeline.forms.fiducials import MARKER_DICTIONARY
from pipeline.reading.imaging import geometry
from pipeline.reading.imaging.geometry import Homography

ERROR_CORRECTION = 0.4
"""Share of a marker's correctable bits that may be wrong."""
SEARCH_SIDE_PX = 1500
"""Longer side, px, of the picture in which markers are sought; a corner is as fine as if it were
part of one.
"""
_CORNER_SHARE = 0.3, 0.2
"""A corner's share of the shorter and of the longer side."""
_MAX_UNEVENNESS = 0.04
"""Markers of one sheet show the page as wide for its height as it is, but for this. Those of two
that overlap further do not.
"""
_MIN_MARKER_SHARE, _MAX_MARKER_SHARE = 0.02, 0.5
"""Outline of a marker as part of the whole picture's longer side."""

ImagePart = tuple[Image, Homography, float]
"""A grey picture, its px → px of the whole picture, and how many times longer than its own longer
side that of the whole would be.
"""


def whole_image_part(image: Image, side: int) -> list[ImagePart]:
    """The whole picture, its longer side so many px at most."""
    small = geometry.shrink_image(image, side / max(image.shape[:2]))
    return [(small, geometry.resize_homography(small, image), 1.0)]


def corner_parts(image: Image) -> list[ImagePart]:
    """The four corners of a picture; none if it is so small that there is nothing to gain."""
    height, width = image.shape[:2]
    factor = SEARCH_SIDE_PX / max(height, width)
    if factor >= 1:
        return []
    upright = height >= width
    wide, high = round(width * _CORNER_SHARE[not upright]), round(height * _CORNER_SHARE[upright])
    return [
        _cut_part(image, x, y, wide, high, factor)
        for y in (0, height - high)
        for x in (0, width - wide)
    ]


def _cut_part(image: Image, x: int, y: int, wide: int, high: int, factor: float) -> ImagePart:
    cut = image[y : y + high, x : x + wide]
    small = geometry.shrink_image(cut, factor)
    there = np.array([[1, 0, x], [0, 1, y], [0, 0, 1]], np.float64)
    return (
        small,
        there @ geometry.resize_homography(small, cut),
        max(image.shape[:2]) / max(cut.shape[:2]),
    )


def make_detector(larger: float = 1.0) -> cv2.aruco.ArucoDetector:
    """Finds markers in a picture that is part of one so many times larger."""
    parameters = cv2.aruco.DetectorParameters()
    parameters.minMarkerPerimeterRate = _MIN_MARKER_SHARE * larger
    parameters.maxMarkerPerimeterRate = _MAX_MARKER_SHARE * larger
    parameters.errorCorrectionRate = ERROR_CORRECTION
    return cv2.aruco.ArucoDetector(cv2.aruco.getPredefinedDictionary(MARKER_DICTIONARY), parameters)


def is_evenly_scaled(lies: Homography) -> bool:
    """Whether mm → px enlarges as much across as down, in the middle of the page."""
    x, y = geometry.PAGE_BOX.w / 2, geometry.PAGE_BOX.h / 2
    a, b, c = geometry.transform_points(
        lies, np.array([(x, y), (x + 10, y), (x, y + 10)], np.float64)
    )
    return abs(float(np.linalg.norm(b - a) / np.linalg.norm(c - a)) - 1) < _MAX_UNEVENNESS
