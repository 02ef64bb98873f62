"""A picture of a page → the page laid on its form, and how well it lies there.

First the markers (or what is left of them) say roughly where the page is; then printed patches
all over the page are sought (farther afield where the marks did not say it well) and the page is
laid on the form by a homography, and by a bend where the paper was stretched, curled or creased.
How well it lies is judged at patches that were left out of the fit, and at print that strayed,
so that a wrong fit cannot look good. Pale print vanishes from a black and white scan: where too
little of the form is found on one, it is sought again by its dark print alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np

from pipeline.domain.errors import RegistrationError
from pipeline.domain.issues import Issue, IssueCode
from pipeline.domain.model import Box, Image
from pipeline.forms.fiducials import CODE_BOXES, SERIAL_BOXES
from pipeline.reading.identify.identify import Identification
from pipeline.reading.imaging import geometry
from pipeline.reading.imaging.cache import cached_per_image
from pipeline.reading.imaging.geometry import PX_PER_MM, Homography, Points
from pipeline.reading.imaging.grayscale import shrink_to_ink_grayscale
from pipeline.reading.register import patch_matching
from pipeline.reading.register.crease_error import measure_crease_errors
from pipeline.reading.register.page_fit import (
    MIN_PATCHES,
    Bend,
    fit_bend,
    fit_page,
    fit_robust_homography,
)
from pipeline.reading.register.patch_matching import PatchOffsets, PatchSearch

WORST_PERCENTILE = 95
"""Residuals are judged at this percentile, so that one patch in twenty may be wrong."""
SHRINK_FROM, SHRINK_TO = 1.75, 1.25
"""An image finer than this many times 8 px/mm is shrunk to the second figure before it is aligned."""
LOST_RESIDUAL_MM = 10.0
"""The residual of a page whose print was not found on it."""

_COARSE_SEARCH = PatchSearch(px_per_mm=4.0, patch_mm=9.0, reach_mm=4.0)
"""Search for print where only markers are known: scale, size of a patch and distance."""
_FINE_SEARCH = PatchSearch(px_per_mm=6.0, patch_mm=6.5, reach_mm=2.0)
"""Search for print near its place."""
_MAX_NEAR_MM = 0.3
"""Flat pages lie within 0.1 mm of where their marks say; creased and photographed ones are off by
0.5 mm and more.
"""
_MAX_CREASE_ROUNDS = 4
"""So many times a crease is followed further, as long as that finds `_MORE` of the print."""
_MIN_CREASE_GAIN = 1.005
"""Least growth of the number of patches found that is worth another round."""
_MIN_STRETCH_GAIN = 1.05
"""A stretch is followed further as long as that finds so much more of the print."""
_WARP_ROWS = 64
"""A bent page is laid flat so many rows at a time: where each pixel comes from need not leave the
processor's cache.
"""
_WARP_FLAGS = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP


@dataclass(frozen=True, slots=True)
class Registration:
    """A page laid on its form.

    `to_mm` takes px of the picture to mm on the form (a homography; where the paper is bent,
    `bend` comes on top). `residual_mm` is the 95th percentile of how far print lies from where
    it should, at places not used for the fit. `upright` is the page in grey at 8 px/mm, (2376,
    1680) for A4, pixel (i, j) covering mm [j, j + 1] / 8, [i, i + 1] / 8. `problems` may hold
    `print_not_found`. Of `sought` printed patches `seen` were found.
    """

    to_mm: Homography
    residual_mm: float
    upright: Image
    issues: tuple[Issue, ...] = ()
    bend: Bend | None = None
    patches_found: int = 0
    patches_sought: int = 0

    def to_px(self, mm: Points) -> Points:
        """Places on the form (n, 2) mm → px of the picture."""
        bent = mm if self.bend is None else mm + self.bend.shift(mm)
        return geometry.transform_points(np.linalg.inv(self.to_mm), bent)

    def flat(self, small: Image, image: Image, px_per_mm: float) -> Image:
        """Something grey that was found out about the picture `image` at a smaller size, laid on
        the form; white beyond its edges.
        """
        lies = np.linalg.inv(geometry.resize_homography(small, image)) @ np.linalg.inv(self.to_mm)
        return _flatten(small, lies, self.bend, geometry.page_box(self.upright), px_per_mm)


def register_page(image: Image, identification: Identification, blank: Image) -> Registration:
    """Lay a page of ours on its form. `blank` is the unfilled form, grey, (2376, 1680).

    Raises:
        RegistrationError: there are too few printed marks in the picture to know where the page is.
    """
    lies = identification.page_homography
    if lies is None:
        raise RegistrationError("too_few_page_printed_marks")
    return register_to(image, lies, blank, (*CODE_BOXES, *SERIAL_BOXES))


def register_to(
    image: Image, lies: Homography, blank: Image, changing: Sequence[Box] = ()
) -> Registration:
    """Lay a page on its form that lies about so (mm → px) in the picture.

    Args:
        blank: the whole unfilled form, grey, 8 px/mm.
        changing: where its print differs from sheet to sheet, mm.
    """
    small = shrink_to_ink_grayscale(
        image, _shrink_factor(geometry.scale_at_centre(lies, geometry.page_box(blank)))
    )
    to_image = geometry.resize_homography(small, image)
    start = np.linalg.inv(to_image) @ lies
    laid = _register_resized(small, start, blank, changing)
    if laid.residual_mm >= LOST_RESIDUAL_MM and patch_matching.is_binary_image(image):
        laid = _register_resized(small, start, patch_matching.binarize_template(blank), changing)
    problems = (Issue(IssueCode.PRINT_NOT_FOUND),) if laid.residual_mm >= LOST_RESIDUAL_MM else ()
    return replace(laid, to_mm=laid.to_mm @ np.linalg.inv(to_image), issues=problems)


def _register_resized(
    image: Image, lies: Homography, blank: Image, changing: Sequence[Box]
) -> Registration:
    """The page in a picture of useful size, which lies about so, on the form."""
    page, middles = geometry.page_box(blank), patch_matching.find_patches(blank, changing)
    shifts = _measure_offsets(image, lies, blank, middles, _FINE_SEARCH)
    if not _is_near(shifts):
        lies = _refine_homography(
            lies, _measure_offsets(image, lies, blank, middles[::2], _COARSE_SEARCH), page
        )
        shifts = _measure_offsets(image, lies, blank, middles, _FINE_SEARCH)
    shifts = _follow_stretch(image, lies, shifts, blank, middles)
    fit, bend, wrong = fit_page(shifts, page)
    lies = lies @ fit
    for _ in range(_MAX_CREASE_ROUNDS):
        if bend is None or bend.creases is None:
            break
        further = _follow_crease(image, lies, bend, blank, middles)
        if further.found.sum() < _MIN_CREASE_GAIN * shifts.found.sum():
            break
        shifts = further
        fit, bend, wrong = fit_page(shifts, page)
        lies = lies @ fit
    upright = _flatten(image, lies, bend, page, PX_PER_MM)
    if len(wrong):
        strayed = patch_matching.measure_stray_print(upright, blank, shifts.at[~shifts.found])
        wrong = np.append(wrong, np.linalg.norm(strayed, axis=1))
    residual = float(np.percentile(wrong, WORST_PERCENTILE)) if len(wrong) else LOST_RESIDUAL_MM
    if len(wrong) and bend is not None and bend.creases is not None:
        residual = max(
            residual,
            float(
                np.percentile(
                    measure_crease_errors(upright, blank, bend, changing), WORST_PERCENTILE
                )
            ),
        )
    return Registration(
        np.linalg.inv(lies), residual, upright, (), bend, int(shifts.found.sum()), len(shifts.at)
    )


def _follow_stretch(
    image: Image, lies: Homography, shifts: PatchOffsets, blank: Image, middles: Points
) -> PatchOffsets:
    """The shifts, or those after following the stretch of the paper to print that was too far away:
    unevenly fed, it lies mm off here and there.
    """
    page = geometry.page_box(blank)
    for _ in range(_MAX_CREASE_ROUNDS):
        at, moved = shifts.seen
        if len(at) < 3 * MIN_PATCHES or patch_matching.is_mostly_seen(shifts, page):
            break
        further = _follow_crease(image, lies, fit_bend(at, moved, page), blank, middles)
        if further.found.sum() < _MIN_STRETCH_GAIN * shifts.found.sum():
            break
        shifts = further
    return shifts


def _follow_crease(
    image: Image, lies: Homography, bend: Bend, blank: Image, middles: Points
) -> PatchOffsets:
    """Print sought again on the page laid with its bend, which was too far away at first. Shifts
    are from flat, as before.
    """
    shifts = patch_matching.measure_patch_offsets(
        _flatten(image, lies, bend, geometry.page_box(blank), _FINE_SEARCH.px_per_mm),
        blank,
        middles,
        _FINE_SEARCH,
    )
    there = shifts.at + shifts.offsets
    return replace(shifts, offsets=shifts.offsets + bend.shift(there))


def _shrink_factor(px_per_mm: float) -> float:
    """How much to shrink the picture first: laying flat takes single pixels, so a much finer
    picture would lose strokes.
    """
    return 1.0 if px_per_mm < SHRINK_FROM * PX_PER_MM else SHRINK_TO * PX_PER_MM / px_per_mm


def _is_near(shifts: PatchOffsets) -> bool:
    """Whether the marks alone said so well where the page is that a rough round finds nothing more;
    it need not be gone through then.
    """
    _, moved = shifts.seen
    return (
        len(moved) >= MIN_PATCHES
        and float(np.percentile(np.linalg.norm(moved, axis=1), WORST_PERCENTILE)) < _MAX_NEAR_MM
    )


def _refine_homography(lies: Homography, shifts: PatchOffsets, page: Box) -> Homography:
    """The page's place after the rough round."""
    fit = fit_robust_homography(*shifts.seen) if shifts.found.sum() >= MIN_PATCHES else None
    return lies if fit is None or not geometry.is_page_homography(lies @ fit, page) else lies @ fit


def _measure_offsets(
    image: Image, lies: Homography, blank: Image, middles: Points, search: PatchSearch
) -> PatchOffsets:
    return patch_matching.measure_patch_offsets(
        geometry.warp_box(image, lies, geometry.page_box(blank), search.px_per_mm),
        blank,
        middles,
        search,
    )


def _flatten(
    image: Image, lies: Homography, bend: Bend | None, page: Box, px_per_mm: float
) -> Image:
    """The page laid flat."""
    if bend is None:
        return geometry.warp_box(image, lies, page, px_per_mm)
    step = round(2 * px_per_mm)  # between, a bend is straight enough
    width, height = round(page.w * px_per_mm), round(page.h * px_per_mm)
    x, y = np.meshgrid(
        np.arange(-step, width + 2 * step, step), np.arange(-step, height + 2 * step, step)
    )
    mm = (np.stack([x.ravel(), y.ravel()], axis=1) + 0.5) / px_per_mm
    there = (
        geometry.transform_points(lies, mm + bend.shift(mm)).astype(np.float32).reshape(*x.shape, 2)
    )
    flat = np.empty((height, width), np.uint8)
    for top in range(0, height, _WARP_ROWS):
        band = flat[top : top + _WARP_ROWS]
        at = np.array([[1 / step, 0, 1], [0, 1 / step, 1 + top / step]])
        full_x, full_y = cv2.split(cv2.warpAffine(there, at, band.shape[::-1], flags=_WARP_FLAGS))
        band[:] = cv2.remap(
            image,
            full_x,
            full_y,
            cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_CONSTANT,
            borderValue=(255,),
        )
    return flat


@cached_per_image(most_bytes=32_000_000)
def cut_box(upright: Image, box: Box, margin_mm: float = 0.0) -> Image:
    """A field with so much around it, cut from a registered page (or blank); what lies outside the
    page is white.
    """
    wide = geometry.widen_box(box, margin_mm)
    left, top = round(wide.x * PX_PER_MM), round(wide.y * PX_PER_MM)
    w, h = max(1, round(wide.w * PX_PER_MM)), max(1, round(wide.h * PX_PER_MM))
    out = np.full((h, w), 255, np.uint8)
    inside = upright[max(top, 0) : max(top + h, 0), max(left, 0) : max(left + w, 0)]
    y, x = max(-top, 0), max(-left, 0)
    out[y : y + inside.shape[0], x : x + inside.shape[1]] = inside
    return out


def boxes_to_px(
    registration: Registration, boxes: Sequence[Box]
) -> list[tuple[int, int, int, int]]:
    """For each box of the form the smallest upright rectangle in the picture that holds it: x, y,
    w, h in px.
    """
    if not boxes:
        return []
    outlines = registration.to_px(
        np.concatenate([geometry.box_corners(box) for box in boxes])
    ).reshape(-1, 4, 2)
    low, high = (
        np.floor(outlines.min(axis=1)).astype(int),
        np.ceil(outlines.max(axis=1)).astype(int),
    )
    return [
        (left, top, width, height)
        for left, top, width, height in np.hstack([low, high - low]).tolist()
    ]
