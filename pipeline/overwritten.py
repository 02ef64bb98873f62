"""Print that lies under writing. Ink makes paper darker and never lighter, so under it print is still dark where it should be.

Such print is not found, since the page has more than the unfilled form; but only where the page shows paper does it lack print.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.model import Image
from pipeline.plane import Points

_SOFT_MM = 0.15
"""Standard deviation of the blur before darkness is compared, mm."""
_GROUND_MM = 3.0
"""Distance within which paper gives a place's light, mm."""
_PRINT = 0.06
"""So much darker than the paper around it, as a share, print is."""
_AS_DARK = 0.5
"""Share of the blank's darkness that print has on the page, at least, wherever it is."""
_COVERED = 0.95
"""So much of the print is dark on the page: at least 0.96 of it under real writing; of a form taken for another a quarter of the patches reach it."""
_INK = 0.12
"""So much darker than the blank, as a share of the paper, ink is …"""
_INK_SHARE = 0.03
"""… and covers so much of the patch, at least."""
_APART = 0.4
"""Print is so much oftener dark than the paper between it. In stains, shadow and grain it is not, and such a patch counts as missing."""
_NEAREST = 5
"""How many of the nearest patches tell where a hidden one should be."""
_ABOUT_MM = 0.5
"""How far about its place print may be displaced, mm."""
_FEWEST_PX = 20
"""Least print of a patch that is judged, px."""

Darkness = NDArray[np.float32]


def darkness(picture: Image, px_per_mm: float) -> Darkness:
    """How much darker than the paper near by, as a share of it."""
    soft = np.asarray(cv2.GaussianBlur(picture, (0, 0), _SOFT_MM * px_per_mm), np.uint8)
    side = round(_GROUND_MM * px_per_mm) | 1
    paper = cv2.blur(cv2.dilate(soft, np.ones((side, side), np.uint8)), (side, side))
    return np.asarray(np.clip(1 - soft / np.maximum(paper, np.float32(1)), 0, 1), np.float32)


@dataclass(frozen=True, slots=True)
class Laid:
    """A page laid roughly on its form and the unfilled form, as darkness at the same scale."""

    page: Darkness
    form: Darkness
    px_per_mm: float

    @classmethod
    def of(cls, page: Image, form: Image, px_per_mm: float) -> Laid:
        """Both pictures grey and of the same size."""
        return cls(darkness(page, px_per_mm), darkness(form, px_per_mm), px_per_mm)

    def written_over(self, rows: slice, columns: slice, moved_mm: Points) -> bool:
        """Whether the print of a part of the form is on the page about so far (2,) mm from its place, with ink over it."""
        form, about = self.form[rows, columns], round(_ABOUT_MM * self.px_per_mm)
        right, down = np.rint(moved_mm * self.px_per_mm).astype(int).tolist()
        top, left = rows.start + down, columns.start + right
        if min(top, left) < about or top + form.shape[0] + about > self.page.shape[0] or left + form.shape[1] + about > self.page.shape[1]:
            return False
        around = self.page[top - about : top + form.shape[0] + about, left - about : left + form.shape[1] + about]
        return _is_written_over(around, form, 2 * about + 1)


def _is_written_over(around: Darkness, form: Darkness, places: int) -> bool:
    printed = form > _PRINT
    if printed.sum() < _FEWEST_PX or printed.all():
        return False
    height, width = form.shape
    seen = np.lib.stride_tricks.sliding_window_view(around, (height, width))[:places, :places]
    least = _AS_DARK * form[printed]
    covered = (seen[..., printed] >= least).mean(axis=-1)
    at = np.unravel_index(int(covered.argmax()), covered.shape)
    here = seen[at]
    between = float((here[~printed] >= np.median(least)).mean())
    ink = float((here > form + _INK).mean())
    return bool(covered[at] >= _COVERED and covered[at] - between >= _APART and ink >= _INK_SHARE)


def written_over(laid: Laid, at: Points, moved: Points, found: NDArray[np.bool_], side_mm: float) -> NDArray[np.bool_]:
    """Which of the patches (n, 2) mm that were not found lie under ink, where the nearest ones that were found say that they should lie."""
    out = np.zeros(len(at), bool)
    seen_at, seen_moved = at[found], moved[found]
    if len(seen_at) < _NEAREST:
        return out
    half, middles = round(side_mm * laid.px_per_mm / 2), np.rint(at * laid.px_per_mm).astype(int)
    for i in np.flatnonzero(~found):
        near = np.argsort(np.linalg.norm(seen_at - at[i], axis=1))[:_NEAREST]
        x, y = middles[i].tolist()
        out[i] = laid.written_over(slice(y - half, y + half), slice(x - half, x + half), np.median(seen_moved[near], axis=0))
    return out
