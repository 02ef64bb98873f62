"""Correction tape and fluid: patches whiter than the paper around them. What lies under one is hidden, and an empty field may not be empty.

The page is compared with its unfilled form, whose tints and white boxes so fall away. Pen strokes are closed; what then is narrower than tape may
be, and lighter than all around, is a patch. A page that is white through and through, as in black and white, shows none.
"""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.components import Components
from pipeline.model import Box, Image
from pipeline.packed import Mask
from pipeline.print_contrast import FORMS, Unfilled, small, window

PATCH_SCALE = 2.0
"""px per mm of the mask of patches."""
_LINE_MM = 2.5
"""Wider than any printed line or letter's stroke."""
_SLIVER_MM = 1.5
"""Narrower light stripes come from edges of print that lie a little off."""
_INK_MM = 7.0
"""Wider than any stroke, and than a filled check box."""
_WIDEST_MM = 14.0
"""Lighter areas wider than this are lighting, not a patch, mm."""
_LEAST_MM2 = 8.0
"""Least area of all patches of a page, mm²."""
_LIGHTER = 0.018
"""Share by which a patch is lighter than the paper …"""
_UNEVEN = 3.0
"""… and so many times as much as the paper of this page is uneven."""
_UNEVEN_SHARE = 0.8
"""Quantile of the differences in light that tells how uneven a page's paper is."""
_SOFT_PX = 0.8
"""Standard deviation of the blur against noise, px."""
_WHITEST, _WHITE_SHARE = 254, 0.2
"""Where so much of the page is as white as can be, nothing is whiter."""
_PATCH_SHARE = 0.2
"""A field of which so much lies under a patch cannot be told empty."""


def white_patches(page: Image, unfilled: Image) -> Mask:
    """Where something whiter than the paper lies on it. All is laid on the form; page and answer are at `PATCH_SCALE`, `unfilled` is 8 px/mm.

    `unfilled` never changes: what it holds is kept.
    """
    paper = _paper(page)
    if (paper >= _WHITEST).mean() >= _WHITE_SHARE:
        return np.zeros(paper.shape, np.bool_)
    compared = np.asarray(paper / _unfilled_paper(Unfilled(unfilled)), np.float32)
    lighter = np.minimum(_lighter(compared), _lighter(np.asarray(paper / 255, np.float32)))  # a tint that was lost makes no patch
    most = max(_LIGHTER, _UNEVEN * float(np.quantile(lighter, _UNEVEN_SHARE)))
    patches = lighter >= most
    if np.count_nonzero(patches) < _LEAST_MM2 * PATCH_SCALE**2:
        return np.zeros(paper.shape, np.bool_)
    parts = Components.of(np.asarray(patches, np.bool_))
    large = parts.column(cv2.CC_STAT_AREA) >= _LEAST_MM2 * PATCH_SCALE**2
    large[0] = False
    return parts.pixels(large)


def _lighter(paper: NDArray[np.float32]) -> NDArray[np.float32]:
    """By how much paper is lighter than that around it, nothing where it is so over more than tape is wide."""
    light = cv2.morphologyEx(cv2.morphologyEx(paper, cv2.MORPH_OPEN, _square(_SLIVER_MM)), cv2.MORPH_CLOSE, _square(_INK_MM))
    return np.asarray(light - cv2.morphologyEx(light, cv2.MORPH_OPEN, _square(_WIDEST_MM)), np.float32)


def under_patch(patches: Mask, box: Box) -> bool:
    """Whether so much of a box (mm) is under patches that what it holds may be hidden."""
    return covered(patches, box) >= _PATCH_SHARE


def covered(mask: Mask, box: Box) -> float:
    """The share of a box (mm) that a mask at `PATCH_SCALE` covers; of a box that leaves the page, of what is on it."""
    part = mask[window(box, PATCH_SCALE)]
    return np.count_nonzero(part) / part.size if part.size else 0.0


@lru_cache(maxsize=FORMS)
def _unfilled_paper(unfilled: Unfilled) -> NDArray[np.float32]:
    """The paper of a form at `PATCH_SCALE`, at least 1."""
    return np.maximum(_paper(small(unfilled.picture, PATCH_SCALE)), np.float32(1))


def _paper(picture: Image) -> NDArray[np.float32]:
    """The paper without thin lines."""
    soft = cv2.GaussianBlur(picture.astype(np.float32), (0, 0), _SOFT_PX)
    return np.asarray(cv2.morphologyEx(soft, cv2.MORPH_CLOSE, _square(_LINE_MM)), np.float32)


def _square(side_mm: float) -> NDArray[np.uint8]:
    side = round(side_mm * PATCH_SCALE) | 1
    return np.ones((side, side), np.uint8)
