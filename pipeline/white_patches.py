"""Correction tape and fluid: patches whiter than the paper around them. What lies under one is hidden, and an empty field may not be empty.

The page is compared with its unfilled form, whose tints and white boxes so fall away. Pen strokes are closed; what then is narrower than tape may
be, and lighter than all around, is a patch. A page that is white through and through, as in black and white, shows none.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.model import Box, Image
from pipeline.once import once_a_picture
from pipeline.print_contrast import Mask, small

PATCH_SCALE = 2.0
"""px per mm of the mask of patches."""
_LINE_MM = 2.5
"""Wider than any printed line or letter's stroke."""
_SLIVER_MM = 1.5
"""Narrower light stripes come from edges of print that lie a little off."""
_INK_MM = 7.0
"""Wider than any stroke, and than a filled check box."""
_WIDEST_MM = 14.0
_LEAST_MM2 = 8.0
_LIGHTER = 0.018
"""Share by which a patch is lighter than the paper …"""
_UNEVEN = 3.0
"""… and so many times as much as the paper of this page is uneven."""
_UNEVEN_SHARE = 0.8
_SOFT_PX = 0.8
_WHITEST, _WHITE_SHARE = 254, 0.2
"""Where so much of the page is as white as can be, nothing is whiter."""
_PATCH_SHARE = 0.2
"""A field of which so much lies under a patch cannot be told empty."""


def white_patches(upright: Image, unfilled: Image) -> Mask:
    """Where something whiter than the paper lies on it. Pictures and answer are laid on the form; the page is at `PATCH_SCALE`, its form 8 px/mm."""
    page = _paper(upright)
    if (page >= _WHITEST).mean() >= _WHITE_SHARE:
        return np.zeros(page.shape, np.bool_)
    compared = np.asarray(page / _unfilled_paper(unfilled), np.float32)
    lighter = np.minimum(_lighter(compared), _lighter(np.asarray(page / 255, np.float32)))  # a tint that was lost makes no patch
    most = max(_LIGHTER, _UNEVEN * float(np.quantile(lighter, _UNEVEN_SHARE)))
    patches = lighter >= most
    if np.count_nonzero(patches) < _LEAST_MM2 * PATCH_SCALE**2:
        return np.zeros(page.shape, np.bool_)
    _, labels, stats, _ = cv2.connectedComponentsWithStats(patches.astype(np.uint8), connectivity=8)
    large = stats[:, cv2.CC_STAT_AREA] >= _LEAST_MM2 * PATCH_SCALE**2
    large[0] = False
    return np.asarray(large[np.asarray(labels, np.intp)], np.bool_)


def _lighter(paper: NDArray[np.float32]) -> NDArray[np.float32]:
    """By how much paper is lighter than that around it, nothing where it is so over more than tape is wide."""
    light = cv2.morphologyEx(cv2.morphologyEx(paper, cv2.MORPH_OPEN, _square(_SLIVER_MM)), cv2.MORPH_CLOSE, _square(_INK_MM))
    return np.asarray(light - cv2.morphologyEx(light, cv2.MORPH_OPEN, _square(_WIDEST_MM)), np.float32)


def under_patch(patches: Mask, box: Box) -> bool:
    """Whether so much of a box (mm) is under patches that what it holds may be hidden."""
    top, left = round(box.y * PATCH_SCALE), round(box.x * PATCH_SCALE)
    part = patches[max(0, top) : round((box.y + box.h) * PATCH_SCALE), max(0, left) : round((box.x + box.w) * PATCH_SCALE)]
    return bool(part.size and part.mean() >= _PATCH_SHARE)


@once_a_picture(most_bytes=64_000_000)
def _unfilled_paper(unfilled: Image) -> NDArray[np.float32]:
    """The paper of a form at 8 px/mm, at least 1."""
    return np.maximum(_paper(small(unfilled, PATCH_SCALE)), np.float32(1))


def _paper(picture: Image) -> NDArray[np.float32]:
    """The paper without thin lines."""
    soft = cv2.GaussianBlur(picture.astype(np.float32), (0, 0), _SOFT_PX)
    return np.asarray(cv2.morphologyEx(soft, cv2.MORPH_CLOSE, _square(_LINE_MM)), np.float32)


def _square(side_mm: float) -> NDArray[np.uint8]:
    side = round(side_mm * PATCH_SCALE) | 1
    return np.ones((side, side), np.uint8)
