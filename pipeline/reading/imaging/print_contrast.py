"""The contrast of a form's printed lines as a page shows them: pale print seen through writing,
light and grain.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np

from pipeline.domain.model import Box, Image
from pipeline.reading.imaging import geometry
from pipeline.reading.imaging.cache import (
    CompressedMask,
    Map,
    Mask,
    PixelIndices,
    cached_per_object,
)
from pipeline.reading.imaging.components import Components

PAPER_BLUR_PX = 0.8
"""Standard deviation of the blur before paper is sought, px at 4 px/mm."""
PX_PER_MM = 8.0
"""Scale of the upright page and its blank."""
CHECK_PX_PER_MM = 4.0
"""px per mm of the pictures that are compared."""
OUTLINE_MM = 1.0
"""Print this near the outline of a field counts as its own."""
_PAPER_MM = 3.0
"""Paper shows within this distance of any printed line."""
_MIN_PRINT_DARKNESS, _MAX_BARE_DARKNESS = 0.05, 0.015
"""Darkness of the blank that counts as print, and as paper."""
_MAX_DARKNESS = 0.35
"""Darkness is cut here: pen is darker than any line of a field and must not outweigh it."""
_WINDOW_MM = 2.5
"""Size of the window in which contrast is measured, mm."""
_CHECK_BOX_MM = 3.0, 6.5
"""Shortest and longest side of a printed check box, mm."""
CACHED_FORM_PAGES = 48
"""Of so many form pages a process keeps what their blanks tell: of the 41 that the program ships
and some of one's own, some 4 MB each.
"""


class TemplateImage:
    """A blank that does not change, so that what was found out about it can be kept."""

    def __init__(self, picture: Image) -> None:
        self.picture = picture

    def __eq__(self, other: object) -> bool:
        return isinstance(other, TemplateImage) and other.picture is self.picture

    def __hash__(self) -> int:
        return id(self.picture)


@dataclass(frozen=True, slots=True)
class PixelSubset:
    """Some pixels of a blank, and the share of them near each place that is asked about, at least a
    trace, so that it can be divided by.
    """

    pixels: CompressedMask
    near: Map

    @classmethod
    def of(cls, mask: Mask, places: PixelIndices) -> PixelSubset:
        """Of a mask (h, w); `places` are of its pixels put in a row."""
        return cls(
            CompressedMask(mask),
            np.maximum(_neighbourhood_mean(mask.astype(np.float32)).take(places), np.float32(1e-3)),
        )

    def mean(self, dark: Map, places: PixelIndices) -> Map:
        """The mean darkness of those of the pixels that are near each of the same places, (n,)."""
        mean = _neighbourhood_mean(
            np.asarray(cv2.copyTo(dark, self.pixels.mask.view(np.uint8)), np.float32)
        ).take(places)
        mean /= self.near
        return mean


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class TemplatePrint:
    """The blank at `SCALE`: where it has bare paper and print, the `places` (n,) of this among its
    pixels put in a row, and its contrast and how dark it is all around there, (n,).

    There is one of each of the last `FORMS` blanks. It does not change, so that what follows
    from it can be kept while it lives.
    """

    template_image: TemplateImage
    places: PixelIndices
    print_at: PixelSubset
    bare_at: PixelSubset
    expected: Map
    around: Map


@dataclass(frozen=True, slots=True)
class PrintContrast:
    """The page at `SCALE`: its darkness (h, w), and at the places of the blank's print (n,) the
    contrast of that print and how dark the page is all around, 1 for as much as on the blank.
    Ink hides contrast and adds darkness; where paper is torn off or folded away there is
    neither.
    """

    darkness: Map
    visibility: Map
    shade: Map
    template: TemplatePrint


def measure_print_contrast(upright: Image, unfilled: Image) -> PrintContrast:
    """A form's print as a page shows it; both grey, laid on the form, 8 px/mm. `unfilled` never
    changes: what it holds is kept.
    """
    form = _find_template_print(TemplateImage(unfilled))
    dark = _image_darkness(upright)
    visible = _local_contrast(dark, form.print_at, form.bare_at, form.places)
    visible /= form.expected
    shade = _neighbourhood_mean(dark).take(form.places)
    shade /= form.around
    return PrintContrast(dark, visible, shade, form)


@lru_cache(maxsize=CACHED_FORM_PAGES)
def _find_template_print(unfilled: TemplateImage) -> TemplatePrint:
    dark = template_darkness(unfilled)
    printed = dark > _MIN_PRINT_DARKNESS
    bare = np.asarray((dark < _MAX_BARE_DARKNESS) & ~_check_box_mask(printed), np.bool_)
    places = np.flatnonzero(printed)
    expected = _local_contrast(
        dark, PixelSubset.of(printed, places), PixelSubset.of(bare, places), places
    )
    places, expected = (
        places[expected > _MIN_PRINT_DARKNESS / 2],
        expected[expected > _MIN_PRINT_DARKNESS / 2],
    )
    clear = np.zeros_like(printed)
    clear.ravel()[places] = True
    around = np.maximum(_neighbourhood_mean(dark).take(places), np.float32(1e-3))
    return TemplatePrint(
        unfilled,
        places.astype(np.int32),
        PixelSubset.of(clear, places),
        PixelSubset.of(bare, places),
        expected,
        around,
    )


@lru_cache(maxsize=1)
def template_darkness(unfilled: TemplateImage) -> Map:
    """The darkness of a blank; of the last one only, as what is asked about it is asked while its
    first page is read.
    """
    return _image_darkness(unfilled.picture)


def _check_box_mask(printed: Mask) -> Mask:
    """The inside of small printed boxes: a person may have filled it, so it is no paper to compare
    print with.
    """
    parts = Components.of(~printed, connectivity=4)
    sides = parts.stats[:, [cv2.CC_STAT_WIDTH, cv2.CC_STAT_HEIGHT]]
    boxes = (sides.max(axis=1) <= _CHECK_BOX_MM[1] * CHECK_PX_PER_MM) & (
        sides.min(axis=1) >= _CHECK_BOX_MM[0] * CHECK_PX_PER_MM
    )
    boxes[0] = False
    return parts.pixels(boxes)


def _image_darkness(picture: Image) -> Map:
    fine = downscale(picture, CHECK_PX_PER_MM)
    return darkness_on_paper(fine, estimate_paper(fine))


def estimate_paper(fine: Image) -> Image:
    """The light of the paper near each place of a grey picture at `SCALE`."""
    soft = cv2.GaussianBlur(fine, (0, 0), PAPER_BLUR_PX)
    side = round(_PAPER_MM * CHECK_PX_PER_MM)
    return np.asarray(
        cv2.blur(cv2.dilate(soft, np.ones((side, side), np.uint8)), (side, side)), np.uint8
    )


def darkness_on_paper(fine: Image, paper: Image) -> Map:
    """How much darker than the paper near by a grey picture is, 0 … `_DARKEST`."""
    light = np.asarray(cv2.divide(fine, np.maximum(paper, 1), dtype=cv2.CV_32F), np.float32)
    dark = np.subtract(1, light, out=light)
    return np.clip(dark, 0, _MAX_DARKNESS, out=dark)


def downscale(picture: Image, px_per_mm: float) -> Image:
    """A picture of 8 px/mm at another scale."""
    factor = px_per_mm / PX_PER_MM
    size = round(picture.shape[1] * factor), round(picture.shape[0] * factor)
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)


def _local_contrast(
    dark: Map, printed: PixelSubset, bare: PixelSubset, places: PixelIndices
) -> Map:
    """How much darker print is than the paper around it, near each of some places, (n,)."""
    contrast = printed.mean(dark, places)
    contrast -= bare.mean(dark, places)
    return contrast


def _neighbourhood_mean(picture: Map) -> Map:
    side = round(_WINDOW_MM * CHECK_PX_PER_MM)
    return np.asarray(cv2.blur(picture, (side, side)), np.float32)


def outline_visibility(seen: PrintContrast, box: Box) -> Map:
    """Visibility of the print at the outline of a box, one number a pixel of print."""
    return np.asarray(seen.visibility.take(outline_places(seen.template, box)), np.float32)


@cached_per_object
def outline_places(form: TemplatePrint, box: Box) -> PixelIndices:
    """Which of a form's places of print lie at the outline of a box."""
    printed = form.print_at.pixels.mask
    rows, columns = box_window(geometry.widen_box(box, OUTLINE_MM))
    around = np.zeros_like(printed)
    around[rows, columns] = True
    inner = _box_interior(box)
    if inner:
        around[rows, columns][inner] = False
    return np.flatnonzero(around[printed]).astype(np.int32)


@cached_per_object
def unprinted_mask(form: TemplatePrint, near_mm: float) -> CompressedMask:
    """Where an unfilled form has no print, nor any so near; the pale edges of its grounds are none."""
    side = round(2 * near_mm * CHECK_PX_PER_MM) | 1
    near = cv2.dilate(form.print_at.pixels.mask.view(np.uint8), np.ones((side, side), np.uint8))
    return CompressedMask(np.asarray(near == 0, np.bool_))


def _box_interior(box: Box) -> tuple[slice, slice] | None:
    """The inside of a box away from its outline, as rows and columns of its widened window."""
    margin = round(2 * OUTLINE_MM * CHECK_PX_PER_MM)
    width, height = (
        round((box.w + 2 * OUTLINE_MM) * CHECK_PX_PER_MM),
        round((box.h + 2 * OUTLINE_MM) * CHECK_PX_PER_MM),
    )
    if min(width, height) <= 2 * margin:
        return None
    return slice(margin, height - margin), slice(margin, width - margin)


def box_window(box: Box, px_per_mm: float = CHECK_PX_PER_MM) -> tuple[slice, slice]:
    """A box (mm) as rows and columns of a picture, at least one of each."""
    top, left = max(0, round(box.y * px_per_mm)), max(0, round(box.x * px_per_mm))
    bottom, right = round((box.y + box.h) * px_per_mm), round((box.x + box.w) * px_per_mm)
    return slice(top, max(top + 1, bottom)), slice(left, max(left + 1, right))
