"""Register the image of a page to its form, and measure how well that fits.

The markers say roughly where the page is. Then printed patches all over the page are searched for
(farther away if the markers were not precise), and the page is registered by a homography, with a
bend where paper is stretched, curled or creased. The residual is measured at patches that were held
out of the fit and at print that was displaced, so that a wrong fit cannot look good. Pale print
vanishes from a black and white scan: if the form fits one poorly, it is searched for again by its
dark print alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.domain.errors import RegistrationError
from pipeline.domain.issues import Issue, IssueCode
from pipeline.domain.model import Box, Image
from pipeline.forms.fiducials import CODE_BOXES, SERIAL_BOXES
from pipeline.reading.identify.identify import Identification
from pipeline.reading.imaging import geometry
from pipeline.reading.imaging.cache import cached_per_image
from pipeline.reading.imaging.geometry import PX_PER_MM, Homography, Points
from pipeline.reading.imaging.pixels import shrink_to_ink_grayscale
from pipeline.reading.register import patch_matching
from pipeline.reading.register.page_fit import (
    MIN_PATCHES,
    WORST_PERCENTILE,
    Bend,
    fit_bend,
    fit_page,
    fit_robust_homography,
    fit_wavy_page,
    follow_waves,
    measure_crease_errors,
)
from pipeline.reading.register.patch_matching import PatchOffsets, PatchSearch

SHRINK_FROM, SHRINK_TO = 1.75, 1.25
"""An image finer than the first times 8 px/mm is reduced to the second before registration."""
LOST_RESIDUAL_MM = 10.0
"""Residual of a page whose print was not found."""

_COARSE_SEARCH = PatchSearch(px_per_mm=4.0, patch_mm=9.0, reach_mm=4.0)
"""Search where only markers are known: scale, side of a patch and distance."""
_FINE_SEARCH = PatchSearch(px_per_mm=6.0, patch_mm=6.5, reach_mm=2.0)
"""Search for print near its place."""
_WAVY_SEARCH = PatchSearch(px_per_mm=6.0, patch_mm=9.0, reach_mm=2.0)
"""Search for print beside print of a wavy page: large patches, since many are written on."""
_MAX_NEAR_MM = 0.3
"""Largest distance of print from where the markers say that needs no coarse search, mm.

Flat pages are within 0.1 mm; creased and photographed ones are off by 0.5 mm and more.
"""
_MAX_CREASE_ROUNDS = 4
"""Most rounds in which a crease is followed, as long as print is gained."""
_MIN_CREASE_GAIN = 1.005
"""Least growth of the number of found patches that is worth another round."""
_MIN_STRETCH_GAIN = 1.05
"""Least growth of the number of found patches when following a stretch."""
_MIN_SHOWN_SHARE = 0.5
"""Least share of a form's patches in a picture of a part of it."""
_UNEVEN_MM = 0.4
"""A page whose printed marks are farther from one plane may be wavy, mm.

On flat scans they are within 0.1 mm, on photographs of flat pages within 0.2.
"""
_GOOD_RESIDUAL_MM = 0.5
"""With a residual so low, mm, a page is not tried otherwise: as wavy or flatter paper, or by dark
print alone.
"""
_WARP_ROWS = 64
"""Rows of a bent page that are flattened at a time.

The source coordinates then stay in the processor's cache.
"""
_WARP_FLAGS = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP


@dataclass(frozen=True, slots=True)
class Registration:
    """A page registered to its form.

    `to_mm` maps px of the image to mm on the form (a homography; where the paper is bent,
    `bend` is added). `residual_mm` is the 95th percentile of the distance of print from its
    place, measured at patches not used for the fit. `upright` is the page in grey at 8 px/mm,
    (2376, 1680) for A4, pixel (i, j) covering mm [j, j + 1] / 8, [i, i + 1] / 8. `issues` may
    hold `print_not_found`. Of `patches_sought` printed patches `patches_found` were found.
    """

    to_mm: Homography
    residual_mm: float
    upright: Image
    issues: tuple[Issue, ...] = ()
    bend: Bend | None = None
    patches_found: int = 0
    patches_sought: int = 0

    def to_px(self, mm: Points) -> Points:
        """Map places on the form (n, 2) mm to px of the image."""
        bent_mm = mm if self.bend is None else mm + self.bend.shift(mm)
        return geometry.transform_points(np.linalg.inv(self.to_mm), bent_mm)

    def flatten(self, reduced: Image, image: Image, px_per_mm: float) -> Image:
        """Register `image`, or something that was computed from it, at a reduced size.

        It is grey (h, w) or BGR (h, w, 3). What is beyond its edges is white.
        """
        homography = np.linalg.inv(geometry.resize_homography(reduced, image)) @ np.linalg.inv(
            self.to_mm
        )
        return _flatten(reduced, homography, self.bend, geometry.page_box(self.upright), px_per_mm)


@dataclass(frozen=True, slots=True)
class Anchors:
    """Places whose way from the form to the image is known: corners of marks, (n, 2) mm and px."""

    mm: Points
    px: Points

    def shifts(self, homography: Homography) -> Points:
        """Return how far the places are, (n, 2) mm, from where a plane (mm → px) has them."""
        return geometry.transform_points(np.linalg.inv(homography), self.px) - self.mm

    def unevenness(self, homography: Homography) -> float:
        """Return the largest of these distances, mm."""
        return float(np.linalg.norm(self.shifts(homography), axis=1).max())


def register_page(image: Image, identification: Identification, template: Image) -> Registration:
    """Register a page with Efterskrift's markers to its form.

    `template` is the whole form, grey, (2376, 1680).

    Raises:
        RegistrationError: there are too few printed marks in the image to know where the page is.
    """
    # At least one mark is needed for a first estimate.
    homography = identification.page_homography
    if homography is None:
        raise RegistrationError("too_few_printed_marks")
    return register_to(
        image,
        homography,
        template,
        (*CODE_BOXES, *SERIAL_BOXES),
        Anchors(*map(np.concatenate, zip(*identification.marks, strict=True))),
    )


def register_to(
    image: Image,
    homography: Homography,
    template: Image,
    changing: Sequence[Box] = (),
    anchors: Anchors | None = None,
) -> Registration:
    """Register a page to a form when its approximate place in the image (mm → px) is known.

    Args:
        template: the whole form, grey, 8 px/mm.
        changing: where its print differs from sheet to sheet, mm.
        anchors: places that are known for sure, from which print is followed over wavy paper.
    """
    # Reduce a fine image first, since flattening samples single pixels.
    reduced = shrink_to_ink_grayscale(
        image, _shrink_factor(geometry.scale_at_centre(homography, geometry.page_box(template)))
    )
    to_image = geometry.resize_homography(reduced, image)
    start = np.linalg.inv(to_image) @ homography
    if anchors is not None:
        px = geometry.transform_points(np.linalg.inv(to_image), anchors.px)
        anchors = replace(anchors, px=px)
    registration = _register_resized(reduced, start, template, changing, anchors)
    # Pale print may be lost in black and white: try dark print only, and keep what fits better.
    if registration.residual_mm > _GOOD_RESIDUAL_MM and patch_matching.is_binary_image(image):
        dark = patch_matching.binarize_template(template)
        registration = min(
            _register_resized(reduced, start, dark, changing, anchors),
            registration,
            key=lambda one: one.residual_mm,
        )
    issues = (
        (Issue(IssueCode.PRINT_NOT_FOUND),) if registration.residual_mm >= LOST_RESIDUAL_MM else ()
    )
    return replace(registration, to_mm=registration.to_mm @ np.linalg.inv(to_image), issues=issues)


def _register_resized(
    image: Image,
    homography: Homography,
    template: Image,
    changing: Sequence[Box],
    anchors: Anchors | None,
) -> Registration:
    """Register an image of useful size to a form."""
    # Marks out of one plane are of wavy paper; most paper is flat enough.
    first = anchors is not None and anchors.unevenness(homography) > _UNEVEN_MM
    tried: list[Registration] = []
    for wavy in (first, not first):
        if wavy and anchors is not None:
            followed = _register_wavy(image, homography, template, changing, anchors)
            tried += [followed] if followed else []
        elif not wavy:
            tried.append(_register_flatter(image, homography, template, changing))
        if tried and tried[-1].residual_mm <= _GOOD_RESIDUAL_MM:
            break
    return min(tried, key=lambda one: one.residual_mm)


def _register_flatter(
    image: Image, homography: Homography, template: Image, changing: Sequence[Box]
) -> Registration:
    """Register an image of paper that is flat, stretched, bent once or creased."""
    # Find print near its place, or coarsely first if the markers were not precise.
    page, centres = geometry.page_box(template), patch_matching.find_patches(template, changing)
    centres = _in_image(centres, homography, image)
    offsets = _measure_offsets(image, homography, template, centres, _FINE_SEARCH)
    if not _is_near(offsets):
        homography = _refine_homography(
            homography,
            _measure_offsets(image, homography, template, centres[::2], _COARSE_SEARCH),
            page,
        )
        offsets = _measure_offsets(image, homography, template, centres, _FINE_SEARCH)
    # Fit the paper's shape, following stretch and creases to more print.
    offsets = _follow_stretch(image, homography, offsets, template, centres)
    fit, bend, errors = fit_page(offsets, page)
    homography = homography @ fit
    for _ in range(_MAX_CREASE_ROUNDS):
        if bend is None or bend.creases is None:
            break
        # Another round only if following the crease finds clearly more print.
        further = _follow_crease(image, homography, bend, template, centres)
        if further.found.sum() < _MIN_CREASE_GAIN * offsets.found.sum():
            break
        offsets = further
        fit, bend, errors = fit_page(offsets, page)
        homography = homography @ fit
    # Flatten the page and judge it.
    upright = _flatten(image, homography, bend, page, PX_PER_MM)
    residual = LOST_RESIDUAL_MM
    if len(errors):
        residual = _judge(upright, template, offsets, errors)
        # Held-out patches say too little about folds.
        if bend is not None and bend.creases is not None:
            crease_errors = measure_crease_errors(upright, template, bend, changing)
            residual = max(residual, _worst(crease_errors))
    found, sought = int(offsets.found.sum()), len(offsets.centres)
    return Registration(np.linalg.inv(homography), residual, upright, (), bend, found, sought)


def _register_wavy(
    image: Image,
    homography: Homography,
    template: Image,
    changing: Sequence[Box],
    anchors: Anchors,
) -> Registration | None:
    """Register an image of wavy paper; None if its print cannot be followed."""
    page = geometry.page_box(template)
    shifts = anchors.shifts(homography)
    offsets = follow_waves(
        lambda bend: _flatten(image, homography, bend, page, _WAVY_SEARCH.px_per_mm),
        template,
        patch_matching.find_patches(template, changing),
        (anchors.mm, shifts),
        _WAVY_SEARCH,
    )
    bend, errors = fit_wavy_page(offsets, page, (anchors.mm, shifts))
    if bend is None:
        return None
    # Judged by print that was left out, by print that is elsewhere, and at places all over it.
    upright = _flatten(image, homography, bend, page, PX_PER_MM)
    residual = max(
        _judge(upright, template, offsets, errors),
        _worst(measure_crease_errors(upright, template, bend, changing)),
    )
    found, sought = int(offsets.found.sum()), len(offsets.centres)
    return Registration(np.linalg.inv(homography), residual, upright, (), bend, found, sought)


def _in_image(centres: Points, homography: Homography, image: Image) -> Points:
    """Return the patches that a picture shows, if it shows enough of the form; otherwise all."""
    margin = _FINE_SEARCH.patch_mm / 2 * geometry.scale_at_centre(homography)
    px = geometry.transform_points(homography, centres) if len(centres) else centres
    inside = ((px >= margin) & (px < np.array(image.shape[1::-1]) - margin)).all(axis=1)
    return centres[inside] if inside.sum() >= _MIN_SHOWN_SHARE * len(centres) else centres


def find_shown(registration: Registration, image: Image, boxes: Sequence[Box]) -> NDArray[np.bool_]:
    """Return whether each box of the form is wholly in its picture, (n,)."""
    if not boxes:
        return np.zeros(0, bool)
    px = registration.to_px(np.concatenate([geometry.box_corners(box) for box in boxes]))
    inside = (px >= -1) & (px <= image.shape[1::-1])
    return np.asarray(inside.reshape(-1, 8).all(axis=1), np.bool_)


def _judge(
    upright: Image, template: Image, offsets: PatchOffsets, errors: NDArray[np.float64]
) -> float:
    """Return the residual, mm, by the errors of held-out patches and by displaced print."""
    stray = patch_matching.measure_stray_print(upright, template, offsets.centres[~offsets.found])
    return _worst(np.append(errors, np.linalg.norm(stray, axis=1)))


def _worst(errors: NDArray[np.float64]) -> float:
    """Return the percentile of errors at which a registration is judged, mm."""
    return float(np.percentile(errors, WORST_PERCENTILE))


def _follow_stretch(
    image: Image, homography: Homography, offsets: PatchOffsets, template: Image, centres: Points
) -> PatchOffsets:
    """Follow the stretch of the paper to print that was too far away.

    A page that was fed unevenly is some mm off here and there. Returns the offsets with most
    print.
    """
    page = geometry.page_box(template)
    for _ in range(_MAX_CREASE_ROUNDS):
        found_centres, found_offsets = offsets.matched
        if len(found_centres) < 3 * MIN_PATCHES or patch_matching.is_found_nearly_everywhere(
            offsets, page
        ):
            break
        # A bend through the print found so far predicts where the rest is.
        further = _follow_crease(
            image, homography, fit_bend(found_centres, found_offsets, page), template, centres
        )
        if further.found.sum() < _MIN_STRETCH_GAIN * offsets.found.sum():
            break
        offsets = further
    return offsets


def _follow_crease(
    image: Image, homography: Homography, bend: Bend, template: Image, centres: Points
) -> PatchOffsets:
    """Search again on the page flattened with its bend, for print that was too far away at first.

    The offsets are from flat, as before.
    """
    offsets = patch_matching.measure_patch_offsets(
        _flatten(image, homography, bend, geometry.page_box(template), _FINE_SEARCH.px_per_mm),
        template,
        centres,
        _FINE_SEARCH,
    )
    # Add the bend that the flattened page already takes into account.
    return replace(offsets, offsets=offsets.offsets + bend.shift(offsets.centres + offsets.offsets))


def shrink_for_page(image: Image, registration: Registration) -> Image:
    """Return a scan, grey or colour, no finer than is of use for flattening it at 8 px/mm."""
    homography = np.linalg.inv(registration.to_mm)
    page = geometry.page_box(registration.upright)
    factor = _shrink_factor(geometry.scale_at_centre(homography, page))
    return image if factor >= 1 else geometry.resize_image(image, factor)


def _shrink_factor(px_per_mm: float) -> float:
    """Return the factor by which the image is reduced before registration.

    Flattening samples single pixels, so a much finer image would lose strokes.
    """
    return 1.0 if px_per_mm < SHRINK_FROM * PX_PER_MM else SHRINK_TO * PX_PER_MM / px_per_mm


def _is_near(offsets: PatchOffsets) -> bool:
    """Check whether the markers were so precise that a coarse search would find nothing more."""
    _, found_offsets = offsets.matched
    return (
        # Enough patches, all close to where the markers predict them.
        len(found_offsets) >= MIN_PATCHES
        and float(np.percentile(np.linalg.norm(found_offsets, axis=1), WORST_PERCENTILE))
        < _MAX_NEAR_MM
    )


def _refine_homography(homography: Homography, offsets: PatchOffsets, page: Box) -> Homography:
    """Return the page's homography after the coarse search."""
    # Keep the markers' homography if the fit is not that of a page.
    fit = fit_robust_homography(*offsets.matched) if offsets.found.sum() >= MIN_PATCHES else None
    return (
        homography
        if fit is None or not geometry.is_page_homography(homography @ fit, page)
        else homography @ fit
    )


def _measure_offsets(
    image: Image, homography: Homography, template: Image, centres: Points, search: PatchSearch
) -> PatchOffsets:
    return patch_matching.measure_patch_offsets(
        geometry.warp_box(image, homography, geometry.page_box(template), search.px_per_mm),
        template,
        centres,
        search,
    )


def _flatten(
    image: Image, homography: Homography, bend: Bend | None, page: Box, px_per_mm: float
) -> Image:
    """Return the registered page."""
    if bend is None:
        return geometry.warp_box(image, homography, page, px_per_mm)
    step = round(2 * px_per_mm)  # between grid points a bend is straight enough
    width, height = round(page.w * px_per_mm), round(page.h * px_per_mm)
    # Source coordinates on a coarse grid, beyond the edges too.
    x, y = np.meshgrid(
        np.arange(-step, width + 2 * step, step), np.arange(-step, height + 2 * step, step)
    )
    mm = (np.stack([x.ravel(), y.ravel()], axis=1) + 0.5) / px_per_mm
    source_px = (
        geometry.transform_points(homography, mm + bend.shift(mm))
        .astype(np.float32)
        .reshape(*x.shape, 2)
    )
    # Interpolate the grid for some rows at a time and sample the image.
    flat = np.empty((height, width, *image.shape[2:]), np.uint8)
    for top in range(0, height, _WARP_ROWS):
        band = flat[top : top + _WARP_ROWS]
        to_grid = np.array([[1 / step, 0, 1], [0, 1 / step, 1 + top / step]])
        source_x, source_y = cv2.split(
            cv2.warpAffine(source_px, to_grid, (width, len(band)), flags=_WARP_FLAGS)
        )
        band[:] = cv2.remap(
            image,
            source_x,
            source_y,
            cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_CONSTANT,
            borderValue=(255, 255, 255),
        )
    return flat


@cached_per_image(most_bytes=32_000_000)
def cut_box(upright: Image, box: Box, margin_mm: float = 0.0) -> Image:
    """Cut a box with a margin from a registered page or template; white outside the page."""
    area = geometry.widen_box(box, margin_mm)
    left, top = round(area.x * PX_PER_MM), round(area.y * PX_PER_MM)
    w, h = max(1, round(area.w * PX_PER_MM)), max(1, round(area.h * PX_PER_MM))
    cut = np.full((h, w), 255, np.uint8)
    # Copy what is inside the page onto white.
    inside = upright[max(top, 0) : max(top + h, 0), max(left, 0) : max(left + w, 0)]
    y, x = max(-top, 0), max(-left, 0)
    cut[y : y + inside.shape[0], x : x + inside.shape[1]] = inside
    return cut


def boxes_to_px(
    registration: Registration, boxes: Sequence[Box]
) -> list[tuple[int, int, int, int]]:
    """Return the smallest upright rectangle in the image around each box: x, y, w, h in px."""
    if not boxes:
        return []
    outlines = registration.to_px(
        np.concatenate([geometry.box_corners(box) for box in boxes])
    ).reshape(-1, 4, 2)
    # The upright bounding box of the four mapped corners.
    low = np.floor(outlines.min(axis=1)).astype(int)
    high = np.ceil(outlines.max(axis=1)).astype(int)
    return [
        (left, top, width, height)
        for left, top, width, height in np.hstack([low, high - low]).tolist()
    ]
