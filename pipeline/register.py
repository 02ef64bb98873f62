"""A picture of a page → the page laid on its form, and how well it lies there.

First the markers (or what is left of them) say roughly where the page is; then printed patches all over the page are sought (farther afield
where the marks did not say it well) and the page is laid on the form by a homography, and by a bend where the paper was stretched, curled or
creased. How well it lies is judged at patches that were left out of the fit, and at print that strayed, so that a wrong fit cannot look good. Pale
print vanishes from a black and white scan: where too little of the form is found on one, it is sought again by its dark print alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np

from pipeline import plane, structure
from pipeline.bend import Bend, fit_bend
from pipeline.crease_residual import crease_errors
from pipeline.errors import RegistrationError
from pipeline.fiducials import CODES, SERIALS
from pipeline.identify import Identification
from pipeline.ink_grey import shrunk_ink
from pipeline.issues import Issue, IssueCode
from pipeline.model import Box, Image
from pipeline.once import once_a_picture
from pipeline.page_fit import FEWEST, best_fit, homography
from pipeline.plane import PX_PER_MM, Matrix, Points
from pipeline.structure import Search, Shifts

WORST_PERCENTILE = 95
"""Residuals are judged at this percentile, so that one patch in twenty may be wrong."""
SHRINK_FROM, SHRINK_TO = 1.75, 1.25
"""An image finer than this many times 8 px/mm is shrunk to the second figure before it is aligned."""
LOST_MM = 10.0
"""The residual of a page whose print was not found on it."""

_ROUGH = Search(px_per_mm=4.0, patch_mm=9.0, reach_mm=4.0)
"""Search for print where only markers are known: scale, size of a patch and distance."""
_FINE = Search(px_per_mm=6.0, patch_mm=6.5, reach_mm=2.0)
"""Search for print near its place."""
_NEAR_MM = 0.3
"""Flat pages lie within 0.1 mm of where their marks say; creased and photographed ones are off by 0.5 mm and more."""
_FOLLOWED = 4
"""So many times a crease is followed further, as long as that finds `_MORE` of the print."""
_MORE = 1.005
"""Least growth of the number of patches found that is worth another round."""
_REACHES = 1.05
"""A stretch is followed further as long as that finds so much more of the print."""
_BAND = 64
"""A bent page is laid flat so many rows at a time: where each pixel comes from need not leave the processor's cache."""
_BETWEEN = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP


@dataclass(frozen=True, slots=True)
class Registration:
    """A page laid on its form.

    `to_mm` takes px of the picture to mm on the form (a homography; where the paper is bent, `bend` comes on top). `residual_mm` is the 95th
    percentile of how far print lies from where it should, at places not used for the fit. `upright` is the page in grey at 8 px/mm,
    (2376, 1680) for A4, pixel (i, j) covering mm [j, j + 1] / 8, [i, i + 1] / 8. `problems` may hold `print_not_found`.
    Of `sought` printed patches `seen` were found.
    """

    to_mm: Matrix
    residual_mm: float
    upright: Image
    problems: tuple[Issue, ...] = ()
    bend: Bend | None = None
    seen: int = 0
    sought: int = 0

    def to_px(self, mm: Points) -> Points:
        """Places on the form (n, 2) mm → px of the picture."""
        bent = mm if self.bend is None else mm + self.bend.shift(mm)
        return plane.through(np.linalg.inv(self.to_mm), bent)

    def flat(self, small: Image, image: Image, px_per_mm: float) -> Image:
        """Something grey that was found out about the picture `image` at a smaller size, laid on the form; white beyond its edges."""
        lies = np.linalg.inv(plane.between(small, image)) @ np.linalg.inv(self.to_mm)
        return _flat(small, lies, self.bend, plane.page_of(self.upright), px_per_mm)


def register(image: Image, identification: Identification, blank: Image) -> Registration:
    """Lay a page of ours on its form. `blank` is the unfilled form, grey, (2376, 1680).

    Raises:
        RegistrationError: there are too few printed marks in the picture to know where the page is.
    """
    lies = identification.page_plane
    if lies is None:
        raise RegistrationError("too_few_page_printed_marks")
    return lay(image, lies, blank, (*CODES, *SERIALS))


def lay(image: Image, lies: Matrix, blank: Image, changing: Sequence[Box] = ()) -> Registration:
    """Lay a page on its form that lies about so (mm → px) in the picture.

    Args:
        blank: the whole unfilled form, grey, 8 px/mm.
        changing: where its print differs from sheet to sheet, mm.
    """
    small = shrunk_ink(image, _enough(plane.scale_at_centre(lies, plane.page_of(blank))))
    to_image = plane.between(small, image)
    start = np.linalg.inv(to_image) @ lies
    laid = _laid(small, start, blank, changing)
    if laid.residual_mm >= LOST_MM and structure.is_two_level(image):
        laid = _laid(small, start, structure.dark_print(blank), changing)
    problems = (Issue(IssueCode.PRINT_NOT_FOUND),) if laid.residual_mm >= LOST_MM else ()
    return replace(laid, to_mm=laid.to_mm @ np.linalg.inv(to_image), problems=problems)


def _laid(image: Image, lies: Matrix, blank: Image, changing: Sequence[Box]) -> Registration:
    """The page in a picture of useful size, which lies about so, on the form."""
    page, middles = plane.page_of(blank), structure.patches(blank, changing)
    shifts = _measured(image, lies, blank, middles, _FINE)
    if not _lies_near(shifts):
        lies = _closer(lies, _measured(image, lies, blank, middles[::2], _ROUGH), page)
        shifts = _measured(image, lies, blank, middles, _FINE)
    shifts = _reached(image, lies, shifts, blank, middles)
    fit, bend, wrong = best_fit(shifts, page)
    lies = lies @ fit
    for _ in range(_FOLLOWED):
        if bend is None or bend.creases is None:
            break
        further = _followed(image, lies, bend, blank, middles)
        if further.found.sum() < _MORE * shifts.found.sum():
            break
        shifts = further
        fit, bend, wrong = best_fit(shifts, page)
        lies = lies @ fit
    upright = _flat(image, lies, bend, page, PX_PER_MM)
    if len(wrong):
        strayed = structure.strayed(upright, blank, shifts.at[~shifts.found])
        wrong = np.append(wrong, np.linalg.norm(strayed, axis=1))
    residual = float(np.percentile(wrong, WORST_PERCENTILE)) if len(wrong) else LOST_MM
    if len(wrong) and bend is not None and bend.creases is not None:
        residual = max(residual, float(np.percentile(crease_errors(upright, blank, bend, changing), WORST_PERCENTILE)))
    return Registration(np.linalg.inv(lies), residual, upright, (), bend, int(shifts.found.sum()), len(shifts.at))


def _reached(image: Image, lies: Matrix, shifts: Shifts, blank: Image, middles: Points) -> Shifts:
    """The shifts, or those after following the stretch of the paper to print that was too far away: unevenly fed, it lies mm off here and there."""
    page = plane.page_of(blank)
    for _ in range(_FOLLOWED):
        at, moved = shifts.seen
        if len(at) < 3 * FEWEST or structure.mostly_seen(shifts, page):
            break
        further = _followed(image, lies, fit_bend(at, moved, page), blank, middles)
        if further.found.sum() < _REACHES * shifts.found.sum():
            break
        shifts = further
    return shifts


def _followed(image: Image, lies: Matrix, bend: Bend, blank: Image, middles: Points) -> Shifts:
    """Print sought again on the page laid with its bend, which was too far away at first. Shifts are from flat, as before."""
    shifts = structure.measure(_flat(image, lies, bend, plane.page_of(blank), _FINE.px_per_mm), blank, middles, _FINE)
    there = shifts.at + shifts.moved
    return replace(shifts, moved=shifts.moved + bend.shift(there))


def _enough(px_per_mm: float) -> float:
    """How much to shrink the picture first: laying flat takes single pixels, so a much finer picture would lose strokes."""
    return 1.0 if px_per_mm < SHRINK_FROM * PX_PER_MM else SHRINK_TO * PX_PER_MM / px_per_mm


def _lies_near(shifts: Shifts) -> bool:
    """Whether the marks alone said so well where the page is that a rough round finds nothing more; it need not be gone through then."""
    _, moved = shifts.seen
    return len(moved) >= FEWEST and float(np.percentile(np.linalg.norm(moved, axis=1), WORST_PERCENTILE)) < _NEAR_MM


def _closer(lies: Matrix, shifts: Shifts, page: Box) -> Matrix:
    """The page's place after the rough round."""
    fit = homography(*shifts.seen) if shifts.found.sum() >= FEWEST else None
    return lies if fit is None or not plane.is_page(lies @ fit, page) else lies @ fit


def _measured(image: Image, lies: Matrix, blank: Image, middles: Points, search: Search) -> Shifts:
    return structure.measure(plane.cut(image, lies, plane.page_of(blank), search.px_per_mm), blank, middles, search)


def _flat(image: Image, lies: Matrix, bend: Bend | None, page: Box, px_per_mm: float) -> Image:
    """The page laid flat."""
    if bend is None:
        return plane.cut(image, lies, page, px_per_mm)
    step = round(2 * px_per_mm)  # between, a bend is straight enough
    width, height = round(page.w * px_per_mm), round(page.h * px_per_mm)
    x, y = np.meshgrid(np.arange(-step, width + 2 * step, step), np.arange(-step, height + 2 * step, step))
    mm = (np.stack([x.ravel(), y.ravel()], axis=1) + 0.5) / px_per_mm
    there = plane.through(lies, mm + bend.shift(mm)).astype(np.float32).reshape(*x.shape, 2)
    flat = np.empty((height, width), np.uint8)
    for top in range(0, height, _BAND):
        band = flat[top : top + _BAND]
        at = np.array([[1 / step, 0, 1], [0, 1 / step, 1 + top / step]])
        full_x, full_y = cv2.split(cv2.warpAffine(there, at, band.shape[::-1], flags=_BETWEEN))
        band[:] = cv2.remap(image, full_x, full_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT, borderValue=(255,))
    return flat


@once_a_picture(most_bytes=32_000_000)
def crop(upright: Image, box: Box, margin_mm: float = 0.0) -> Image:
    """A field with so much around it, cut from a registered page (or blank); what lies outside the page is white."""
    wide = plane.widened(box, margin_mm)
    left, top = round(wide.x * PX_PER_MM), round(wide.y * PX_PER_MM)
    w, h = max(1, round(wide.w * PX_PER_MM)), max(1, round(wide.h * PX_PER_MM))
    out = np.full((h, w), 255, np.uint8)
    inside = upright[max(top, 0) : max(top + h, 0), max(left, 0) : max(left + w, 0)]
    y, x = max(-top, 0), max(-left, 0)
    out[y : y + inside.shape[0], x : x + inside.shape[1]] = inside
    return out


def boxes_to_px(registration: Registration, boxes: Sequence[Box]) -> list[tuple[int, int, int, int]]:
    """For each box of the form the smallest upright rectangle in the picture that holds it: x, y, w, h in px."""
    if not boxes:
        return []
    outlines = registration.to_px(np.concatenate([plane.corners(box) for box in boxes])).reshape(-1, 4, 2)
    low, high = np.floor(outlines.min(axis=1)).astype(int), np.ceil(outlines.max(axis=1)).astype(int)
    return [(left, top, width, height) for left, top, width, height in np.hstack([low, high - low]).tolist()]
