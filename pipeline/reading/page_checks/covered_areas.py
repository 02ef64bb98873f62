"""Correction tape and fluid: patches whiter than the paper around them. What lies under one is
hidden, and an empty field may not be empty.

The page is compared with its unfilled form, whose tints and white boxes so fall away. Pen
strokes are closed; what then is narrower than tape may be, and lighter than all around, is a
patch. A page that is white through and through, as in black and white, shows none.

Printed words that a page does not show. On a black and white scan the pale outlines of fields
are lost, and words alone tell that something lies over them: a note, a label, a strip of paper.
"""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.domain.model import Box, Image
from pipeline.reading.imaging import geometry
from pipeline.reading.imaging.cache import Mask, PixelIndices, cached_per_object
from pipeline.reading.imaging.components import Components
from pipeline.reading.imaging.print_contrast import (
    CACHED_FORM_PAGES,
    CHECK_PX_PER_MM,
    PrintContrast,
    TemplateImage,
    TemplatePrint,
    box_window,
    downscale,
)

PATCH_SCALE = 2.0
"""px per mm of the mask of patches."""
_MAX_LINE_MM = 2.5
"""Wider than any printed line or letter's stroke."""
_MAX_SLIVER_MM = 1.5
"""Narrower light stripes come from edges of print that lie a little off."""
_MAX_INK_MM = 7.0
"""Wider than any stroke, and than a filled check box."""
_MAX_TAPE_MM = 14.0
"""Lighter areas wider than this are lighting, not a patch, mm."""
_MIN_PATCH_MM2 = 8.0
"""Least area of all patches of a page, mm²."""
_MIN_LIGHTNESS = 0.018
"""Share by which a patch is lighter than the paper …"""
_UNEVENNESS_FACTOR = 3.0
"""… and so many times as much as the paper of this page is uneven."""
_UNEVENNESS_QUANTILE = 0.8
"""Quantile of the differences in light that tells how uneven a page's paper is."""
_PAPER_BLUR_PX = 0.8
"""Standard deviation of the blur against noise, px."""
_MIN_COVERED_SHARE = 0.2
"""A field of which so much lies under a patch cannot be told empty."""
_MAX_REMAINING_DARKNESS = 0.2
"""Around a word that is hidden is less than this part of its darkness."""
_MIN_WORD_MM2 = 1.0
"""As much of their strokes as some letters have."""
_MAX_GROUP_GAP_MM = 20
"""Words no farther apart than this are hidden by the same thing …"""
_REACH_MM = 6.0
"""… which reaches so much farther than they do: a field lies so near to its label."""


_WHITE_LEVEL, _MAX_WHITE_SHARE = 254, 0.2
"""Where so much of the page is as white as can be, nothing is whiter."""


def find_correction_tape(page: Image, unfilled: Image) -> Mask:
    """Where something whiter than the paper lies on it. All is laid on the form; page and answer
    are at `PATCH_SCALE`, `unfilled` is 8 px/mm.

    `unfilled` never changes: what it holds is kept.
    """
    paper = _paper_without_lines(page)
    if (paper >= _WHITE_LEVEL).mean() >= _MAX_WHITE_SHARE:
        return np.zeros(paper.shape, np.bool_)
    compared = np.asarray(paper / _template_paper(TemplateImage(unfilled)), np.float32)
    lighter = np.minimum(
        _relative_lightness(compared), _relative_lightness(np.asarray(paper / 255, np.float32))
    )  # a tint that was lost makes no patch
    most = max(
        _MIN_LIGHTNESS, _UNEVENNESS_FACTOR * float(np.quantile(lighter, _UNEVENNESS_QUANTILE))
    )
    patches = lighter >= most
    if np.count_nonzero(patches) < _MIN_PATCH_MM2 * PATCH_SCALE**2:
        return np.zeros(paper.shape, np.bool_)
    parts = Components.of(np.asarray(patches, np.bool_))
    large = parts.column(cv2.CC_STAT_AREA) >= _MIN_PATCH_MM2 * PATCH_SCALE**2
    large[0] = False
    return parts.pixels(large)


def _relative_lightness(paper: NDArray[np.float32]) -> NDArray[np.float32]:
    """By how much paper is lighter than that around it, nothing where it is so over more than tape
    is wide.
    """
    light = cv2.morphologyEx(
        cv2.morphologyEx(paper, cv2.MORPH_OPEN, _square_kernel(_MAX_SLIVER_MM)),
        cv2.MORPH_CLOSE,
        _square_kernel(_MAX_INK_MM),
    )
    return np.asarray(
        light - cv2.morphologyEx(light, cv2.MORPH_OPEN, _square_kernel(_MAX_TAPE_MM)), np.float32
    )


def is_under_tape(patches: Mask, box: Box) -> bool:
    """Whether so much of a box (mm) is under patches that what it holds may be hidden."""
    return covered_share(patches, box) >= _MIN_COVERED_SHARE


def covered_share(mask: Mask, box: Box) -> float:
    """The share of a box (mm) that a mask at `PATCH_SCALE` covers; of a box that leaves the page,
    of what is on it.
    """
    part = mask[box_window(box, PATCH_SCALE)]
    return np.count_nonzero(part) / part.size if part.size else 0.0


@lru_cache(maxsize=CACHED_FORM_PAGES)
def _template_paper(unfilled: TemplateImage) -> NDArray[np.float32]:
    """The paper of a form at `PATCH_SCALE`, at least 1."""
    return np.maximum(_paper_without_lines(downscale(unfilled.image, PATCH_SCALE)), np.float32(1))


def _paper_without_lines(picture: Image) -> NDArray[np.float32]:
    """The paper without thin lines."""
    soft = cv2.GaussianBlur(picture.astype(np.float32), (0, 0), _PAPER_BLUR_PX)
    return np.asarray(
        cv2.morphologyEx(soft, cv2.MORPH_CLOSE, _square_kernel(_MAX_LINE_MM)), np.float32
    )


def _square_kernel(side_mm: float) -> NDArray[np.uint8]:
    side = round(side_mm * PATCH_SCALE) | 1
    return np.ones((side, side), np.uint8)


_MAX_PRINT_LEVEL, _STROKE_PX = 90, 5
"""Print with a stroke as dark as this so near is not lost in black and white; small grey words may
be.
"""


def find_missing_print(seen: PrintContrast) -> list[Box]:
    """The places, mm, of what lies over printed words of a page."""
    dark = _dark_print_places(seen.template)
    gone = seen.template.places[dark[seen.shade[dark] < _MAX_REMAINING_DARKNESS]]
    if len(gone) < _MIN_WORD_MM2 * CHECK_PX_PER_MM**2:
        return []
    height, width = seen.darkness.shape
    y, x = np.divmod(gone, width)
    strokes = np.zeros(
        (int(height / CHECK_PX_PER_MM) + 1, int(width / CHECK_PX_PER_MM) + 1), np.int32
    )
    np.add.at(strokes, ((y / CHECK_PX_PER_MM).astype(int), (x / CHECK_PX_PER_MM).astype(int)), 1)
    parts = Components.of(
        cv2.dilate(
            (strokes > 0).view(np.uint8),
            np.ones((_MAX_GROUP_GAP_MM + 1, _MAX_GROUP_GAP_MM + 1), np.uint8),
        )
        > 0
    )
    found = [
        np.argwhere((parts.labels == number) & (strokes > 0))
        for number in range(1, len(parts.stats))
    ]
    return [
        _occluded_box(cells)
        for cells in found
        if strokes[tuple(cells.T)].sum() >= _MIN_WORD_MM2 * CHECK_PX_PER_MM**2
    ]


@cached_per_object
def _dark_print_places(form: TemplatePrint) -> PixelIndices:
    """Which of a form's places of print are of dark print."""
    near = np.asarray(
        cv2.erode(form.template_image.image, np.ones((_STROKE_PX, _STROKE_PX), np.uint8)),
        np.uint8,
    )
    return np.flatnonzero(
        downscale(near, CHECK_PX_PER_MM).take(form.places) < _MAX_PRINT_LEVEL
    ).astype(np.int32)


def _occluded_box(cells: np.ndarray[tuple[int, int], np.dtype[np.int64]]) -> Box:
    """What lies over words in these squares of a millimetre, rows and columns."""
    (top, left), (bottom, right) = cells.min(axis=0).tolist(), cells.max(axis=0).tolist()
    return geometry.widen_box(Box(left, top, right + 1 - left, bottom + 1 - top), _REACH_MM)
