"""Turn a scanned blank so that its rules are level: boxes have level sides."""

from __future__ import annotations

import cv2
import numpy as np

from pipeline.domain.model import Image

_WORK_PX = 1200
"""Width of the picture in which the angle is looked for."""
_MAX_ANGLE_DEG, _COARSE_DEG, _FINE_DEG = 5.0, 0.5, 0.05
_MIN_GAIN = 1.1
"""So much steeper must the profile be at another angle: a page without rules is not turned."""


def level_page(grey: Image) -> Image:
    """Return a grey page turned so that its rules are level; as it is if they are."""
    angle = _find_angle(grey)
    if angle == 0:
        return grey
    height, width = grey.shape
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), angle, 1.0)
    turned = cv2.warpAffine(
        grey, turn, (width, height), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE
    )
    return np.asarray(turned, np.uint8)


def _find_angle(grey: Image) -> float:
    """Return the angle of the rules, degrees: level rules give the rows of ink steep steps."""
    scale = min(1.0, _WORK_PX / grey.shape[1])
    small = cv2.resize(grey, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    ink = cv2.adaptiveThreshold(
        small, 1, cv2.ADAPTIVE_THRESH_MEAN_C, cv2.THRESH_BINARY_INV, 31, 12
    ).astype(np.float32)
    height, width = ink.shape

    def steepness(angle: float) -> float:
        turn = cv2.getRotationMatrix2D((width / 2, height / 2), angle, 1.0)
        rows = cv2.warpAffine(ink, turn, (width, height)).sum(axis=1)
        return float(np.square(np.diff(rows)).sum())

    coarse = max(np.arange(-_MAX_ANGLE_DEG, _MAX_ANGLE_DEG + 0.01, _COARSE_DEG), key=steepness)
    fine = np.arange(coarse - _COARSE_DEG, coarse + _COARSE_DEG + 0.001, _FINE_DEG)
    best = float(max(fine, key=steepness))
    return best if steepness(best) > _MIN_GAIN * steepness(0.0) else 0.0
