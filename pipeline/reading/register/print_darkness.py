"""How dark print is on a page and on its template, and whether ink lies over it."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.domain.model import Image
from pipeline.reading.imaging.geometry import Points

Darkness = NDArray[np.float32]

_PRINT_BLUR_MM = 0.15
"""Standard deviation of the blur before darkness is compared, mm."""
_PAPER_REACH_MM = 3.0
"""Distance within which paper gives a place's brightness, mm."""
_MIN_PRINT_DARKNESS = 0.06
"""Print is at least this much darker than the paper around it, as a share."""
_MIN_DARKNESS_SHARE = 0.5
"""Print on the page has at least this share of the template's darkness."""
_MIN_DARK_PRINT_SHARE = 0.95
"""Share of the print that must be dark on the page.

Below real writing it is 0.96 and more; on a form taken for another a quarter of the patches reach
this limit.
"""
_MIN_INK_DARKNESS = 0.12
"""Ink is this much darker than the template, as a share of the paper …"""
_MIN_INK_COVER = 0.03
"""… and covers at least this share of the patch."""
_MIN_PRINT_LEAD = 0.4
"""Print must be dark this much more often than the paper between it.

In stains, shadow and grain it is not, and such a patch counts as missing.
"""
_PLACE_TOLERANCE_MM = 0.5
"""How far print may be from its predicted place, mm."""
_FEWEST_PX = 20
"""Least print of a patch that is judged, px."""


def relative_darkness(image: Image, px_per_mm: float) -> Darkness:
    """Return how much darker than the paper near it an image is, as a share."""
    # Smooth, estimate the paper by dilation, and divide.
    soft = np.asarray(cv2.GaussianBlur(image, (0, 0), _PRINT_BLUR_MM * px_per_mm), np.uint8)
    side = round(_PAPER_REACH_MM * px_per_mm) | 1
    paper = cv2.blur(cv2.dilate(soft, np.ones((side, side), np.uint8)), (side, side))
    return np.asarray(np.clip(1 - soft / np.maximum(paper, np.float32(1)), 0, 1), np.float32)


@dataclass(frozen=True, slots=True)
class DarknessPair:
    """Darkness of a roughly registered page and of its template, at the same scale."""

    page: Darkness
    form: Darkness
    px_per_mm: float

    def is_overwritten(self, rows: slice, columns: slice, offset_mm: Points) -> bool:
        """Check whether a part of the form is on the page with ink over it.

        `offset_mm` (2,) is about how far the print is from its place.
        """
        form, tolerance = self.form[rows, columns], round(_PLACE_TOLERANCE_MM * self.px_per_mm)
        right, down = np.rint(offset_mm * self.px_per_mm).astype(int).tolist()
        # Where the print should be, with room for the tolerance.
        top, left = rows.start + down, columns.start + right
        if (
            min(top, left) < tolerance
            or top + form.shape[0] + tolerance > self.page.shape[0]
            or left + form.shape[1] + tolerance > self.page.shape[1]
        ):
            return False
        around = self.page[
            top - tolerance : top + form.shape[0] + tolerance,
            left - tolerance : left + form.shape[1] + tolerance,
        ]
        return _is_overwritten(around, form, 2 * tolerance + 1)


def _is_overwritten(around: Darkness, form: Darkness, positions: int) -> bool:
    """Check every position in the surroundings and judge the best one."""
    # Too little print, or nothing but print, cannot be judged.
    printed = form > _MIN_PRINT_DARKNESS
    if printed.sum() < _FEWEST_PX or printed.all():
        return False
    height, width = form.shape
    # The position at which most of the print is dark.
    windows = np.lib.stride_tricks.sliding_window_view(around, (height, width))[
        :positions, :positions
    ]
    min_darkness = _MIN_DARKNESS_SHARE * form[printed]
    dark_shares = (windows[..., printed] >= min_darkness).mean(axis=-1)
    best = np.unravel_index(int(dark_shares.argmax()), dark_shares.shape)
    # There, paper must be lighter than print, and some ink darker.
    window = windows[best]
    dark_paper_share = float((window[~printed] >= np.median(min_darkness)).mean())
    ink_share = float((window > form + _MIN_INK_DARKNESS).mean())
    return bool(
        dark_shares[best] >= _MIN_DARK_PRINT_SHARE
        and dark_shares[best] - dark_paper_share >= _MIN_PRINT_LEAD
        and ink_share >= _MIN_INK_COVER
    )
