"""Measure how well the printed lines of a form show on a page, through writing, light and grain."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.domain.model import Box, Image
from pipeline.reading.imaging import geometry
from pipeline.reading.imaging.cache import cached_per_object
from pipeline.reading.imaging.geometry import Points
from pipeline.reading.imaging.pixels import (
    Components,
    CompressedMask,
    Map,
    Mask,
    PixelIndices,
    odd_kernel,
)

# How dark print is on a page and on its template, and whether ink lies over it.

Darkness = NDArray[np.float32]

_PRINT_BLUR_MM = 0.15
"""Standard deviation of the blur before darkness is compared, mm."""
_PAPER_REACH_MM = 3.0
"""Distance within which paper gives a place's brightness, mm."""
_MIN_FORM_DARKNESS = 0.06
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
    printed = form > _MIN_FORM_DARKNESS
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


PAPER_BLUR_PX = 0.8
"""Standard deviation of the blur before the paper is estimated, px at 4 px/mm."""
CHECK_PX_PER_MM = 4.0
"""Scale of the images that are compared, px/mm."""
OUTLINE_MM = 1.0
"""Print this near to the outline of a field belongs to the field, mm."""
_PAPER_MM = 3.0
"""Paper shows within this distance of every printed line, mm."""
_MIN_PRINT_DARKNESS, _MAX_BARE_DARKNESS = 0.05, 0.015
"""Darkness of the template that is print at least, and bare paper at most."""
_MAX_DARKNESS = 0.35
"""Darkness is clipped here.

A pen is darker than any line of a field and must not outweigh it.
"""
_WINDOW_MM = 2.5
"""Side of the square in which contrast is measured, mm."""
_CHECK_BOX_MM = 3.0, 6.5
"""Shortest and longest side of a printed check box, mm."""
CACHED_FORM_PAGES = 72
"""Form pages whose template data a process keeps, some 4 MB each.

The forms that are delivered have 63 pages in their current versions; the rest is for the
customer's own, and for paper of earlier versions.
"""


class TemplateImage:
    """A template image that never changes, hashable by identity as a key of caches."""

    def __init__(self, image: Image) -> None:
        self.image = image

    def __eq__(self, other: object) -> bool:
        return isinstance(other, TemplateImage) and other.image is self.image

    def __hash__(self) -> int:
        return id(self.image)


@dataclass(frozen=True, slots=True)
class PixelSubset:
    """Some pixels of a template, and their share of the pixels around each place of print.

    `density` (n,) is that share, at least a trace, so that it can be a divisor.
    """

    pixels: CompressedMask
    density: Map

    @classmethod
    def of(cls, mask: Mask, indices: PixelIndices) -> PixelSubset:
        """Select the pixels of a mask (h, w); `indices` are the places of print."""
        return cls(
            CompressedMask(mask),
            np.maximum(
                _neighbourhood_mean(mask.astype(np.float32)).take(indices), np.float32(1e-3)
            ),
        )

    def mean(self, darkness: Map, indices: PixelIndices) -> Map:
        """Return the mean darkness of the subset's pixels near each place of print, (n,).

        `indices` must be those that the subset was made with.
        """
        mean = _neighbourhood_mean(
            np.asarray(cv2.copyTo(darkness, self.pixels.mask.view(np.uint8)), np.float32)
        ).take(indices)
        mean /= self.density
        return mean


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class TemplatePrint:
    """Print and bare paper of a template at `CHECK_PX_PER_MM`.

    `places` (n,) are the indices of the pixels with print; `expected` (n,) is the contrast of
    the print there, and `around` (n,) the mean darkness. One object exists for each of the last
    `CACHED_FORM_PAGES` templates and does not change, so results about it can be cached with
    it.
    """

    template_image: TemplateImage
    places: PixelIndices
    print_at: PixelSubset
    bare_at: PixelSubset
    expected: Map
    around: Map


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class PrintContrast:
    """The print of a form as a page shows it, at `CHECK_PX_PER_MM`; results about it are cached.

    `darkness` (h, w) is the page's. At the template's places of print (n,), `visibility` is the
    contrast of the print and `shade` the mean darkness, both 1 if as on the template. Ink hides
    contrast and adds darkness; where paper is torn off or folded away there is neither.
    """

    darkness: Map
    visibility: Map
    shade: Map
    template: TemplatePrint


def measure_print_contrast(upright: Image, template: Image) -> PrintContrast:
    """Measure the print of a form on a registered page; both images are grey, 8 px/mm.

    The template never changes: what it holds is cached.
    """
    # Print and bare paper of the template, computed once per form page.
    print_ = _find_template_print(TemplateImage(template))
    darkness = _image_darkness(upright)
    # Contrast and darkness at each place of print, relative to the template.
    visibility = _local_contrast(darkness, print_.print_at, print_.bare_at, print_.places)
    visibility /= print_.expected
    shade = _neighbourhood_mean(darkness).take(print_.places)
    shade /= print_.around
    return PrintContrast(darkness, visibility, shade, print_)


@lru_cache(maxsize=CACHED_FORM_PAGES)
def _find_template_print(template: TemplateImage) -> TemplatePrint:
    darkness = template_darkness(template)
    # Separate print from bare paper on the template.
    printed = darkness > _MIN_PRINT_DARKNESS
    bare = np.asarray((darkness < _MAX_BARE_DARKNESS) & ~_check_box_mask(printed), np.bool_)
    indices = np.flatnonzero(printed)
    expected = _local_contrast(
        darkness, PixelSubset.of(printed, indices), PixelSubset.of(bare, indices), indices
    )
    # Keep the print that has contrast: not the inside of dark areas.
    has_contrast = expected > _MIN_PRINT_DARKNESS / 2
    indices, expected = indices[has_contrast], expected[has_contrast]
    clear_print = np.zeros_like(printed)
    clear_print.ravel()[indices] = True
    # Measure the subsets again for the print that is kept.
    around = np.maximum(_neighbourhood_mean(darkness).take(indices), np.float32(1e-3))
    return TemplatePrint(
        template,
        indices.astype(np.int32),
        PixelSubset.of(clear_print, indices),
        PixelSubset.of(bare, indices),
        expected,
        around,
    )


@lru_cache(maxsize=1)
def template_darkness(template: TemplateImage) -> Map:
    """Return the darkness of a template.

    Only the last one is cached: all that depends on it is computed while its first page is
    read.
    """
    return _image_darkness(template.image)


def _check_box_mask(printed: Mask) -> Mask:
    """Return the inside of small printed boxes.

    It may be filled in on the page, so it is no paper to compare print with.
    """
    # Small white areas of box size, enclosed by print.
    components = Components.of(~printed, connectivity=4)
    sides = components.stats[:, [cv2.CC_STAT_WIDTH, cv2.CC_STAT_HEIGHT]]
    return components.pixels(
        (sides.max(axis=1) <= _CHECK_BOX_MM[1] * CHECK_PX_PER_MM)
        & (sides.min(axis=1) >= _CHECK_BOX_MM[0] * CHECK_PX_PER_MM)
    )


def _image_darkness(image: Image) -> Map:
    scaled = downscale(image, CHECK_PX_PER_MM)
    return darkness_on_paper(scaled, estimate_paper(scaled))


def estimate_paper(image: Image) -> Image:
    """Estimate the brightness of the paper near each place of a grey image at 4 px/mm."""
    soft = cv2.GaussianBlur(image, (0, 0), PAPER_BLUR_PX)
    # The brightest near each place, smoothed, is the paper.
    side = round(_PAPER_MM * CHECK_PX_PER_MM)
    return np.asarray(
        cv2.blur(cv2.dilate(soft, np.ones((side, side), np.uint8)), (side, side)), np.uint8
    )


def darkness_on_paper(image: Image, paper: Image) -> Map:
    """Return how much darker than the paper near it an image is, 0 to `_MAX_DARKNESS`."""
    # Relative brightness, then darkness, limited so that ink does not outweigh print.
    brightness = np.asarray(cv2.divide(image, np.maximum(paper, 1), dtype=cv2.CV_32F), np.float32)
    darkness = np.subtract(1, brightness, out=brightness)
    return np.clip(darkness, 0, _MAX_DARKNESS, out=darkness)


def downscale(image: Image, px_per_mm: float) -> Image:
    """Return an image of 8 px/mm at another scale."""
    return geometry.resize_image(image, px_per_mm / geometry.PX_PER_MM)


def _local_contrast(
    darkness: Map, printed: PixelSubset, bare: PixelSubset, indices: PixelIndices
) -> Map:
    """Return how much darker print is than the paper around it, near each place, (n,)."""
    contrast = printed.mean(darkness, indices)
    contrast -= bare.mean(darkness, indices)
    return contrast


def _neighbourhood_mean(values: Map) -> Map:
    # Box filter over the window.
    side = round(_WINDOW_MM * CHECK_PX_PER_MM)
    return np.asarray(cv2.blur(values, (side, side)), np.float32)


def outline_visibility(contrast: PrintContrast, box: Box) -> Map:
    """Return the visibility of the print at the outline of a box, one value per pixel."""
    return np.asarray(contrast.visibility.take(outline_places(contrast.template, box)), np.float32)


@cached_per_object
def outline_places(template: TemplatePrint, box: Box) -> PixelIndices:
    """Return which of a template's places of print are at the outline of a box."""
    # The places in the rows of the widened box: they are in the order of the page's pixels.
    rows, columns = box_window(geometry.widen_box(box, OUTLINE_MM))
    _, width = template.print_at.pixels.shape
    first, end = template.places.searchsorted((rows.start * width, rows.stop * width)).tolist()
    y, x = np.divmod(template.places[first:end], width)
    is_around = (x >= columns.start) & (x < columns.stop)
    # A frame around the outline: the widened box without its interior.
    if (inner := _box_interior(box)) is not None:
        down, across = y - rows.start, x - columns.start
        is_around &= ~(
            (down >= inner[0].start)
            & (down < inner[0].stop)
            & (across >= inner[1].start)
            & (across < inner[1].stop)
        )
    return np.asarray(np.flatnonzero(is_around) + first, np.int32)


@cached_per_object
def unprinted_mask(template: TemplatePrint, near_mm: float) -> CompressedMask:
    """Return where a template has no print within a distance.

    The pale edges of tinted areas are no print.
    """
    # Dilate the print by the distance.
    kernel = odd_kernel(2 * near_mm * CHECK_PX_PER_MM)
    near = cv2.dilate(template.print_at.pixels.mask.view(np.uint8), kernel)
    return CompressedMask(np.asarray(near == 0, np.bool_))


def _box_interior(box: Box) -> tuple[slice, slice] | None:
    """Return the inside of a box as rows and columns of its widened window; None if too small."""
    margin = round(2 * OUTLINE_MM * CHECK_PX_PER_MM)
    width, height = (
        round((box.w + 2 * OUTLINE_MM) * CHECK_PX_PER_MM),
        round((box.h + 2 * OUTLINE_MM) * CHECK_PX_PER_MM),
    )
    if min(width, height) <= 2 * margin:
        return None
    return slice(margin, height - margin), slice(margin, width - margin)


def pixel_box(left: int, top: int, width: int, height: int) -> Box:
    """Return a rectangle of pixels at `CHECK_PX_PER_MM` as a box, mm."""
    return Box(
        left / CHECK_PX_PER_MM,
        top / CHECK_PX_PER_MM,
        width / CHECK_PX_PER_MM,
        height / CHECK_PX_PER_MM,
    )


def box_window(box: Box, px_per_mm: float = CHECK_PX_PER_MM) -> tuple[slice, slice]:
    """Return a box (mm) as rows and columns of an image, at least one of each."""
    top, left = max(0, round(box.y * px_per_mm)), max(0, round(box.x * px_per_mm))
    bottom, right = round((box.y + box.h) * px_per_mm), round((box.x + box.w) * px_per_mm)
    return slice(top, max(top + 1, bottom)), slice(left, max(left + 1, right))
