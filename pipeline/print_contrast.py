"""The contrast of a form's printed lines as a page shows them: pale print seen through writing, light and grain."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np

from pipeline import plane
from pipeline.components import Components
from pipeline.model import Box, Image
from pipeline.once import while_it_lives
from pipeline.packed import Map, Mask, PackedMask, Places

PAPER_BLUR_PX = 0.8
"""Standard deviation of the blur before paper is sought, px at 4 px/mm."""
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
"""Size of the window in which contrast is measured, mm."""
_CHECK_BOX_MM = 3.0, 6.5
"""Shortest and longest side of a printed check box, mm."""
FORMS = 48
"""Of so many form pages a process keeps what their blanks tell: of the 41 that the program ships and some of one's own, some 4 MB each."""


class Unfilled:
    """A blank that does not change, so that what was found out about it can be kept."""

    def __init__(self, picture: Image) -> None:
        self.picture = picture

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Unfilled) and other.picture is self.picture

    def __hash__(self) -> int:
        return id(self.picture)


@dataclass(frozen=True, slots=True)
class Where:
    """Some pixels of a blank, and the share of them near each place that is asked about, at least a trace, so that it can be divided by."""

    pixels: PackedMask
    near: Map

    @classmethod
    def of(cls, mask: Mask, places: Places) -> Where:
        """Of a mask (h, w); `places` are of its pixels put in a row."""
        return cls(PackedMask(mask), np.maximum(_near(mask.astype(np.float32)).take(places), np.float32(1e-3)))

    def mean(self, dark: Map, places: Places) -> Map:
        """The mean darkness of those of the pixels that are near each of the same places, (n,)."""
        mean = _near(np.asarray(cv2.copyTo(dark, self.pixels.mask.view(np.uint8)), np.float32)).take(places)
        mean /= self.near
        return mean


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class Print:
    """The blank at `SCALE`: where it has bare paper and print, the `places` (n,) of this among its pixels put in a row, and its contrast and how dark
    it is all around there, (n,).

    There is one of each of the last `FORMS` blanks. It does not change, so that what follows from it can be kept while it lives.
    """

    unfilled: Unfilled
    places: Places
    print_at: Where
    bare_at: Where
    expected: Map
    around: Map


@dataclass(frozen=True, slots=True)
class Seen:
    """The page at `SCALE`: its darkness (h, w), and at the places of the blank's print (n,) the contrast of that print and how dark the page is all
    around, 1 for as much as on the blank. Ink hides contrast and adds darkness; where paper is torn off or folded away there is neither.
    """

    dark: Map
    visible: Map
    shade: Map
    form: Print


def seen_on(upright: Image, unfilled: Image) -> Seen:
    """A form's print as a page shows it; both grey, laid on the form, 8 px/mm. `unfilled` never changes: what it holds is kept."""
    form = _print(Unfilled(unfilled))
    dark = _darkness(upright)
    visible = _contrast(dark, form.print_at, form.bare_at, form.places)
    visible /= form.expected
    shade = _near(dark).take(form.places)
    shade /= form.around
    return Seen(dark, visible, shade, form)


@lru_cache(maxsize=FORMS)
def _print(unfilled: Unfilled) -> Print:
    dark = unfilled_darkness(unfilled)
    printed = dark > _PRINTED
    bare = np.asarray((dark < _BARE) & ~_in_check_boxes(printed), np.bool_)
    places = np.flatnonzero(printed)
    expected = _contrast(dark, Where.of(printed, places), Where.of(bare, places), places)
    places, expected = places[expected > _PRINTED / 2], expected[expected > _PRINTED / 2]
    clear = np.zeros_like(printed)
    clear.ravel()[places] = True
    around = np.maximum(_near(dark).take(places), np.float32(1e-3))
    return Print(unfilled, places.astype(np.int32), Where.of(clear, places), Where.of(bare, places), expected, around)


@lru_cache(maxsize=1)
def unfilled_darkness(unfilled: Unfilled) -> Map:
    """The darkness of a blank; of the last one only, as what is asked about it is asked while its first page is read."""
    return _darkness(unfilled.picture)


def _in_check_boxes(printed: Mask) -> Mask:
    """The inside of small printed boxes: a person may have filled it, so it is no paper to compare print with."""
    parts = Components.of(~printed, connectivity=4)
    sides = parts.stats[:, [cv2.CC_STAT_WIDTH, cv2.CC_STAT_HEIGHT]]
    boxes = (sides.max(axis=1) <= _CHECK_BOX_MM[1] * SCALE) & (sides.min(axis=1) >= _CHECK_BOX_MM[0] * SCALE)
    boxes[0] = False
    return parts.pixels(boxes)


def _darkness(picture: Image) -> Map:
    fine = small(picture, SCALE)
    return darker(fine, paper_of(fine))


def paper_of(fine: Image) -> Image:
    """The light of the paper near each place of a grey picture at `SCALE`."""
    soft = cv2.GaussianBlur(fine, (0, 0), PAPER_BLUR_PX)
    side = round(_PAPER_MM * SCALE)
    return np.asarray(cv2.blur(cv2.dilate(soft, np.ones((side, side), np.uint8)), (side, side)), np.uint8)


def darker(fine: Image, paper: Image) -> Map:
    """How much darker than the paper near by a grey picture is, 0 … `_DARKEST`."""
    light = np.asarray(cv2.divide(fine, np.maximum(paper, 1), dtype=cv2.CV_32F), np.float32)
    dark = np.subtract(1, light, out=light)
    return np.clip(dark, 0, _DARKEST, out=dark)


def small(picture: Image, px_per_mm: float) -> Image:
    """A picture of 8 px/mm at another scale."""
    factor = px_per_mm / PX_PER_MM
    size = round(picture.shape[1] * factor), round(picture.shape[0] * factor)
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)


def _contrast(dark: Map, printed: Where, bare: Where, places: Places) -> Map:
    """How much darker print is than the paper around it, near each of some places, (n,)."""
    contrast = printed.mean(dark, places)
    contrast -= bare.mean(dark, places)
    return contrast


def _near(picture: Map) -> Map:
    side = round(_WINDOW_MM * SCALE)
    return np.asarray(cv2.blur(picture, (side, side)), np.float32)


def ring(seen: Seen, box: Box) -> Map:
    """Visibility of the print at the outline of a box, one number a pixel of print."""
    return np.asarray(seen.visible.take(places_at(seen.form, box)), np.float32)


@while_it_lives
def places_at(form: Print, box: Box) -> Places:
    """Which of a form's places of print lie at the outline of a box."""
    printed = form.print_at.pixels.mask
    rows, columns = window(plane.widened(box, RING_MM))
    around = np.zeros_like(printed)
    around[rows, columns] = True
    inner = _inside(box)
    if inner:
        around[rows, columns][inner] = False
    return np.flatnonzero(around[printed]).astype(np.int32)


@while_it_lives
def unprinted(form: Print, near_mm: float) -> PackedMask:
    """Where an unfilled form has no print, nor any so near; the pale edges of its grounds are none."""
    side = round(2 * near_mm * SCALE) | 1
    near = cv2.dilate(form.print_at.pixels.mask.view(np.uint8), np.ones((side, side), np.uint8))
    return PackedMask(np.asarray(near == 0, np.bool_))


def _inside(box: Box) -> tuple[slice, slice] | None:
    """The inside of a box away from its outline, as rows and columns of its widened window."""
    margin = round(2 * RING_MM * SCALE)
    width, height = round((box.w + 2 * RING_MM) * SCALE), round((box.h + 2 * RING_MM) * SCALE)
    if min(width, height) <= 2 * margin:
        return None
    return slice(margin, height - margin), slice(margin, width - margin)


def window(box: Box, px_per_mm: float = SCALE) -> tuple[slice, slice]:
    """A box (mm) as rows and columns of a picture, at least one of each."""
    top, left = max(0, round(box.y * px_per_mm)), max(0, round(box.x * px_per_mm))
    bottom, right = round((box.y + box.h) * px_per_mm), round((box.x + box.w) * px_per_mm)
    return slice(top, max(top + 1, bottom)), slice(left, max(left + 1, right))
