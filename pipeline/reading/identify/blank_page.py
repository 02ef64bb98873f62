"""Decide whether nothing is written on a page, such as the back of a sheet.

Show-through and dirt on the scanner glass do not count as writing.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.domain.form.page import PAGE_HEIGHT_MM
from pipeline.domain.model import Image
from pipeline.reading.imaging.geometry import resize_image

ROUND_SHARE = 0.55
"""A spot that fills more of its bounding box is round, and dirt if it is small."""
BLUR_PX = 0.6
"""Standard deviation of the blur against single noisy pixels, px at 5 px/mm."""
LIGHTEST_SHADOW = 60
"""Paper is taken to be at least this light, grey levels: noise in the dark is no ink."""
_PX_PER_MM = 5.0
"""Scale in which strokes are searched for, px/mm."""
_MIN_INK = 0.11
"""Share by which a stroke is darker than the paper, at least.

Show-through reaches 0.03–0.08, faint pencil 0.13–0.3.
"""
_MAX_STROKE_MM = 2.5
"""Anything wider is no stroke: a shadow, a fold, a punch hole, mm."""
_EDGE_MM = 7.0
"""Ink nearer to the edge than this is ignored, mm."""
_MAX_SPECK_MM = 1.2
"""Anything shorter is dust, mm."""
_MIN_WRITING_MM = 6.0
"""Strokes of this total length are writing, mm."""
SMALL_NOTE_SCALE = 0.35
"""Scale of a second search, for a small note that fills its image or a note in felt pen."""
_MIN_SIDE_PX = 300
"""Least longer side, px, of an image that can be judged.

On a smaller one, such as a camera's thumbnail, strokes may not show.
"""


def is_blank_page(image: Image) -> bool:
    """Check whether nothing is written; false if in doubt.

    `image` is grey or BGR and shows a whole page of about A4 size.
    """
    if max(image.shape[:2]) < _MIN_SIDE_PX:
        return False
    # Search twice: at full scale, and reduced for broad strokes.
    page = _darkest_channel(image)
    reduced = np.asarray(
        cv2.resize(
            page, None, fx=SMALL_NOTE_SCALE, fy=SMALL_NOTE_SCALE, interpolation=cv2.INTER_AREA
        ),
        np.uint8,
    )
    return _has_no_strokes(page) and _has_no_strokes(reduced)


def _has_no_strokes(page: NDArray[np.uint8]) -> bool:
    """Check a page at 5 px/mm."""
    # The total length of all strokes but dust decides.
    ink = _find_strokes(page)
    _count, _labels, stats, _centres = cv2.connectedComponentsWithStats(ink, connectivity=8)
    sizes = np.hypot(stats[1:, cv2.CC_STAT_WIDTH], stats[1:, cv2.CC_STAT_HEIGHT]) / _PX_PER_MM
    is_round = (
        stats[1:, cv2.CC_STAT_AREA]
        > ROUND_SHARE * stats[1:, cv2.CC_STAT_WIDTH] * stats[1:, cv2.CC_STAT_HEIGHT]
    )
    # Dust and round spots are no writing.
    is_dust = (sizes < _MAX_SPECK_MM) | (is_round & (sizes < 2 * _MAX_SPECK_MM))
    return bool(sizes[~is_dust].sum() < _MIN_WRITING_MM)


def _darkest_channel(image: Image) -> Image:
    """Return the darkest colour channel at 5 px/mm, so that yellow and red pen count as ink."""
    # Scale by the height of A4.
    factor = _PX_PER_MM * PAGE_HEIGHT_MM / max(image.shape[:2])
    small = resize_image(image, factor)
    return np.asarray(small if small.ndim == 2 else small.min(axis=2), dtype=np.uint8)


def _find_strokes(page: Image) -> NDArray[np.uint8]:
    """Find thin dark strokes away from the edges by a black top-hat; 1 is ink."""
    # Top-hat kernel: wider than any stroke.
    width = round(_MAX_STROKE_MM * _PX_PER_MM) | 1
    soft = cv2.GaussianBlur(page, (0, 0), BLUR_PX)
    # Closing removes everything narrower than the kernel and leaves paper.
    paper = cv2.morphologyEx(
        soft, cv2.MORPH_CLOSE, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (width, width))
    ).astype(np.float32)
    ink = ((paper - soft) > _MIN_INK * np.maximum(paper, LIGHTEST_SHADOW)).astype(np.uint8)
    # Edges show shadows and other sheets.
    edge = round(_EDGE_MM * _PX_PER_MM)
    ink[:edge], ink[-edge:], ink[:, :edge], ink[:, -edge:] = 0, 0, 0, 0
    return np.asarray(
        cv2.morphologyEx(ink, cv2.MORPH_CLOSE, np.ones((3, 3), np.uint8)), dtype=np.uint8
    )
