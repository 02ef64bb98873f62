"""Correction tape and fluid: patches whiter than the paper around them. What lies under one is hidden, and an empty field may not be empty.

Pen strokes are closed, and what then is narrower than tape may be and lighter than all around is a patch. A page that is white through and through,
as in black and white, shows none.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.model import Image
from pipeline.print_contrast import Mask, small

PATCH_SCALE = 2.0
"""px per mm of the mask of patches."""
_INK_MM = 7.0
"""Wider than any stroke, and than a filled check box."""
_WIDEST_MM = 14.0
_NARROWEST_MM, _LEAST_MM2 = 1.5, 8.0
_LIGHTER = 4.0
"""Grey levels by which a patch is lighter than the paper …"""
_UNEVEN = 3.0
"""… and so many times as much as the paper of this page is uneven."""
_UNEVEN_SHARE = 0.8
_SOFT_PX = 0.8


def white_patches(upright: Image, unfilled: Image) -> Mask:
    """Where something whiter than the paper lies on it, at `PATCH_SCALE`. Both pictures are grey, laid on the form, 8 px/mm."""
    lighter = _lighter_than_around(upright)
    lighter[_lighter_than_around(unfilled) > _LIGHTER] = 0
    most = max(_LIGHTER, _UNEVEN * float(np.quantile(lighter, _UNEVEN_SHARE)))
    found = cv2.morphologyEx((lighter >= most).astype(np.uint8), cv2.MORPH_OPEN, _square(_NARROWEST_MM))
    _, labels, stats, _ = cv2.connectedComponentsWithStats(found, connectivity=8)
    large = stats[:, cv2.CC_STAT_AREA] >= _LEAST_MM2 * PATCH_SCALE**2
    large[0] = False
    return np.asarray(large[np.asarray(labels, np.intp)], np.bool_)


def _lighter_than_around(picture: Image) -> NDArray[np.float32]:
    """Grey levels by which the paper is lighter than that around it, nothing where it is so over more than tape is wide."""
    soft = cv2.GaussianBlur(small(picture, PATCH_SCALE).astype(np.float32), (0, 0), _SOFT_PX)
    paper = cv2.morphologyEx(soft, cv2.MORPH_CLOSE, _square(_INK_MM))
    return np.asarray(paper - cv2.morphologyEx(paper, cv2.MORPH_OPEN, _square(_WIDEST_MM)), np.float32)


def _square(side_mm: float) -> NDArray[np.uint8]:
    side = round(side_mm * PATCH_SCALE) | 1
    return np.ones((side, side), np.uint8)
