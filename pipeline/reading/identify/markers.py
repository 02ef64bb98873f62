"""Set up the search for markers: the parts of an image to search, and the detector.

The four corners come first: there a scanner shows the markers of a whole sheet, and they are a
quarter of the work.
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
"""Longer side, px, of the whole image at the scale in which parts are searched."""
_CORNER_SHARE = 0.3, 0.2
"""A corner's share of the shorter and of the longer side."""
_MAX_UNEVENNESS = 0.04
"""Largest relative difference between the scales across and down.

Markers of two overlapping sheets differ more.
"""
_MIN_MARKER_SHARE, _MAX_MARKER_SHARE = 0.02, 0.5
"""Perimeter of a marker as a part of the whole image's longer side."""

ImagePart = tuple[Image, Homography, float]
"""A grey part of an image, its px → px of the whole, and a scale.

The scale is the ratio of the whole's longer side to the part's.
"""


def whole_image_part(image: Image, side: int) -> list[ImagePart]:
    """Return the whole image, with at most `side` px on its longer side."""
    reduced = geometry.shrink_image(image, side / max(image.shape[:2]))
    return [(reduced, geometry.resize_homography(reduced, image), 1.0)]


def corner_parts(image: Image) -> list[ImagePart]:
    """Return the four corners of an image; none if the image is so small that nothing is gained."""
    height, width = image.shape[:2]
    factor = SEARCH_SIDE_PX / max(height, width)
    if factor >= 1:
        return []
    is_upright = height >= width
    # A corner is cut at the scale of the whole image's search.
    part_width, part_height = (
        round(width * _CORNER_SHARE[not is_upright]),
        round(height * _CORNER_SHARE[is_upright]),
    )
    return [
        _cut_part(image, slice(y, y + part_height), slice(x, x + part_width), factor)
        for y in (0, height - part_height)
        for x in (0, width - part_width)
    ]


def _cut_part(image: Image, rows: slice, columns: slice, factor: float) -> ImagePart:
    # Shrink the part, and map its pixels to those of the whole image.
    cut = image[rows, columns]
    reduced = geometry.shrink_image(cut, factor)
    to_whole = np.array([[1, 0, columns.start], [0, 1, rows.start], [0, 0, 1]], np.float64)
    return (
        reduced,
        to_whole @ geometry.resize_homography(reduced, cut),
        max(image.shape[:2]) / max(cut.shape[:2]),
    )


def make_detector(scale: float = 1.0) -> cv2.aruco.ArucoDetector:
    """Make a detector for a part of an image that is `scale` times larger."""
    # Marker sizes are relative to the part, so they scale with it.
    parameters = cv2.aruco.DetectorParameters()
    parameters.minMarkerPerimeterRate = _MIN_MARKER_SHARE * scale
    parameters.maxMarkerPerimeterRate = _MAX_MARKER_SHARE * scale
    parameters.errorCorrectionRate = ERROR_CORRECTION
    return cv2.aruco.ArucoDetector(cv2.aruco.getPredefinedDictionary(MARKER_DICTIONARY), parameters)


def is_evenly_scaled(homography: Homography) -> bool:
    """Check that mm → px enlarges as much across as down in the middle of the page."""
    # Map the middle of the page and points 10 mm beside and below it.
    x, y = geometry.PAGE_BOX.w / 2, geometry.PAGE_BOX.h / 2
    a, b, c = geometry.transform_points(
        homography, np.array([(x, y), (x + 10, y), (x, y + 10)], np.float64)
    )
    return abs(float(np.linalg.norm(b - a) / np.linalg.norm(c - a)) - 1) < _MAX_UNEVENNESS
