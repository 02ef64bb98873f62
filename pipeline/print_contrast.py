"""The contrast of a form's printed lines as a page shows them: pale print seen through writing, light and grain."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline import plane
from pipeline.model import Box, Image

PX_PER_MM = 8.0
"""Scale of the upright page and its blank."""
SCALE = 4.0
"""px per mm of the pictures that are compared."""
RING_MM = 1.0
"""Print this near the outline of a field counts as its own."""
_PAPER_MM = 3.0
"""Paper shows within this distance of any printed line."""
_PRINTED, _BARE = 0.05, 0.015
"""Darkness of the blank that counts as print, and as paper."""
_DARKEST = 0.35
"""Darkness is cut here: pen is darker than any line of a field and must not outweigh it."""
_WINDOW_MM = 2.5
_CHECK_BOX_MM = 3.0, 6.5

Map = NDArray[np.float32]
Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Where:
    """Some pixels of a blank as 0 and 1, and the share of them near each pixel."""

    weight: Map
    near: Map

    @classmethod
    def of(cls, mask: Mask) -> Where:
        """Of a mask; at least a trace is near everywhere, so that it can be divided by."""
        weight = mask.astype(np.float32)
        return cls(weight, np.maximum(_near(weight), np.float32(1e-3)))


@dataclass(frozen=True, slots=True, eq=False)
class Print:
    """The blank at `SCALE`: its darkness against the paper near by, where it has print and bare paper, and the contrast of that print.

    There is one of each blank, and it does not change, so that what follows from it can be kept.
    """

    dark: Map
    printed: Mask
    print_at: Where
    bare_at: Where
    expected: Map


@dataclass(frozen=True, slots=True)
class Seen:
    """The page at `SCALE`: its darkness, and the contrast of the blank's print on it, 1 for as strong as on the blank."""

    dark: Map
    visible: Map
    form: Print


class Unfilled:
    """A blank that does not change, so that what was found out about it can be kept."""

    def __init__(self, picture: Image) -> None:
        self.picture = picture

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Unfilled) and other.picture is self.picture

    def __hash__(self) -> int:
        return id(self.picture)


def seen_on(upright: Image, unfilled: Image) -> Seen:
    """A form's print as a page shows it; both grey, laid on the form, 8 px/mm. `unfilled` never changes: what it holds is kept."""
    form = _print(Unfilled(unfilled))
    dark = _darkness(upright)
    visible = _contrast(dark, form.print_at, form.bare_at)
    visible /= form.expected
    return Seen(dark, visible, form)


@lru_cache(maxsize=16)
def _print(unfilled: Unfilled) -> Print:
    dark = _darkness(unfilled.picture)
    printed = dark > _PRINTED
    bare = Where.of(np.asarray((dark < _BARE) & ~_in_check_boxes(printed), np.bool_))
    expected = _contrast(dark, Where.of(printed), bare)
    clear = np.asarray(printed & (expected > _PRINTED / 2), np.bool_)
    return Print(dark, clear, Where.of(clear), bare, np.maximum(expected, _PRINTED / 2))


def _in_check_boxes(printed: Mask) -> Mask:
    """The inside of small printed boxes: a person may have filled it, so it is no paper to compare print with."""
    _, labels, stats, _ = cv2.connectedComponentsWithStats((~printed).astype(np.uint8), connectivity=4)
    sides = stats[:, [cv2.CC_STAT_WIDTH, cv2.CC_STAT_HEIGHT]]
    boxes = (sides.max(axis=1) <= _CHECK_BOX_MM[1] * SCALE) & (sides.min(axis=1) >= _CHECK_BOX_MM[0] * SCALE)
    boxes[0] = False
    return np.asarray(boxes[np.asarray(labels, np.intp)], np.bool_)


def _darkness(picture: Image) -> Map:
    """How much darker than the paper near by, 0 … `_DARKEST`."""
    fine = small(picture, SCALE)
    soft = cv2.GaussianBlur(fine, (0, 0), 0.8)
    side = round(_PAPER_MM * SCALE)
    paper = cv2.blur(cv2.dilate(soft, np.ones((side, side), np.uint8)), (side, side))
    light = np.asarray(cv2.divide(fine, np.maximum(paper, 1), dtype=cv2.CV_32F), np.float32)
    dark = np.subtract(1, light, out=light)
    return np.clip(dark, 0, _DARKEST, out=dark)


def small(picture: Image, px_per_mm: float) -> Image:
    """A picture of 8 px/mm at another scale."""
    factor = px_per_mm / PX_PER_MM
    size = round(picture.shape[1] * factor), round(picture.shape[0] * factor)
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)


def _contrast(dark: Map, printed: Where, bare: Where) -> Map:
    """How much darker print is than the paper around it, near each pixel."""
    contrast = _mean(dark, printed)
    contrast -= _mean(dark, bare)
    return contrast


def _mean(dark: Map, where: Where) -> Map:
    mean = _near(dark * where.weight)
    mean /= where.near
    return mean


def _near(picture: Map) -> Map:
    side = round(_WINDOW_MM * SCALE)
    return np.asarray(cv2.blur(picture, (side, side)), np.float32)


def ring(seen: Seen, box: Box) -> Map:
    """Visibility of the print at the outline of a box, one number a pixel of print."""
    return np.asarray(seen.visible.ravel()[_ring(seen.form, box)], np.float32)


@lru_cache(maxsize=4096)
def _ring(form: Print, box: Box) -> NDArray[np.intp]:
    """Where a form has print at the outline of a box, as places in its pixels put in a row."""
    rows, columns = window(plane.widened(box, RING_MM))
    inner = _inside(box)
    printed = form.printed[rows, columns].copy()
    if inner:
        printed[inner] = False
    y, x = np.nonzero(printed)
    return np.asarray((y + rows.start) * form.printed.shape[1] + x + columns.start, np.intp)


def _inside(box: Box) -> tuple[slice, slice] | None:
    """The inside of a box away from its outline, as rows and columns of its widened window."""
    margin = round(2 * RING_MM * SCALE)
    width, height = round((box.w + 2 * RING_MM) * SCALE), round((box.h + 2 * RING_MM) * SCALE)
    if min(width, height) <= 2 * margin:
        return None
    return slice(margin, height - margin), slice(margin, width - margin)


def window(box: Box) -> tuple[slice, slice]:
    """A box (mm) as rows and columns of a picture at `SCALE`."""
    top, left = max(0, round(box.y * SCALE)), max(0, round(box.x * SCALE))
    return slice(top, max(top + 1, round((box.y + box.h) * SCALE))), slice(left, max(left + 1, round((box.x + box.w) * SCALE)))
