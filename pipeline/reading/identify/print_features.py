"""Distinct points of print (SIFT, Lowe 2004) in a page and in the forms printed elsewhere."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.domain.model import Image
from pipeline.reading.imaging import geometry
from pipeline.reading.imaging.geometry import Points
from pipeline.reading.template_images import load_blank_scan

_TEMPLATE_PX_PER_MM = 4.0
"""Scale in which a template's features are extracted, px/mm."""
_MAX_TEMPLATE_FEATURES = 3000


@dataclass(frozen=True, slots=True)
class PrintFeatures:
    """Distinct points (n, 2), the clearest first, and what is around each.

    `pointers` (n,) are complex numbers: their length is the size of what is seen, in the unit of
    the points, and their angle how it is turned. `histograms` (n, 128) describe it.
    """

    points: Points
    pointers: NDArray[np.complex128]
    histograms: NDArray[np.uint8]

    def descriptors(self) -> NDArray[np.float32]:
        """Return vectors of length 1, the nearer the more alike."""
        # RootSIFT (Arandjelović & Zisserman 2012)
        histograms = self.histograms.astype(np.float32)
        sums = histograms.sum(axis=1, keepdims=True)
        return np.asarray(np.sqrt(histograms / np.maximum(sums, 1e-6)), np.float32)


def extract_features(image: Image, max_count: int) -> PrintFeatures:
    """Extract the features of a grey image, at most so many; points in px."""
    keypoints, histograms = cv2.SIFT.create(nfeatures=max_count).detectAndCompute(image, None)
    if histograms is None or not len(keypoints):
        return PrintFeatures(
            np.zeros((0, 2)), np.zeros(0, np.complex128), np.zeros((0, 128), np.uint8)
        )
    order = np.argsort([-point.response for point in keypoints], kind="stable")
    keypoints = [keypoints[i] for i in order]
    angles = np.radians([point.angle for point in keypoints])
    return PrintFeatures(
        np.array([point.pt for point in keypoints], dtype=np.float64),
        np.array([point.size for point in keypoints]) * np.exp(1j * angles),
        np.asarray(histograms)[order].astype(np.uint8),
    )


def extract_template_features(template: Image) -> PrintFeatures:
    """Extract the features of a template at 8 px/mm; points in mm."""
    # Extract in a small image, and convert to mm on the form.
    reduced = geometry.shrink_image(template, _TEMPLATE_PX_PER_MM / geometry.PX_PER_MM)
    features = extract_features(reduced, _MAX_TEMPLATE_FEATURES)
    if not len(features.points):
        return features
    to_template = geometry.resize_homography(reduced, template)
    to_mm = np.linalg.inv(geometry.raster_homography(geometry.PX_PER_MM)) @ to_template
    return replace(
        features,
        points=geometry.transform_points(to_mm, features.points),
        pointers=features.pointers * to_mm[0, 0],
    )


@lru_cache(maxsize=64)
def form_features(path: Path, size_mm: tuple[float, float]) -> PrintFeatures:
    """Return the features of the blank of a form printed elsewhere; points in mm.

    Raises:
        FormError: the file cannot be read.
    """
    return extract_template_features(load_blank_scan(path, size_mm))
