"""A picture of a page → the page laid on its form, and how well it lies there.

First the markers (or what is left of them) say roughly where the page is; then printed patches all over the page are sought and the page is
laid on the form by a homography, and by a smooth bend where the paper was stretched or folded. How well it lies is judged at patches that
were left out of the fit, and at print that strayed, so that a wrong fit cannot look good. Pale print vanishes from a black and white scan:
where too little of the form is found on one, it is sought again by its dark print alone.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline import plane, structure
from pipeline.errors import RegistrationError
from pipeline.identify import Identification
from pipeline.ink_grey import shrunk_ink
from pipeline.model import Box, Image
from pipeline.once import once_a_picture
from pipeline.plane import Matrix, Points
from pipeline.structure import Search, Shifts
from pipeline.template import PAGE_HEIGHT_MM, PAGE_WIDTH_MM

PX_PER_MM = 8.0
"""Scale of the registered page."""
SIZE = round(PAGE_WIDTH_MM * PX_PER_MM), round(PAGE_HEIGHT_MM * PX_PER_MM)
"""Width and height of the registered page, px."""
LOST_MM = 10.0
"""The residual of a page whose print was not found on it."""

_ROUGH = Search(px_per_mm=4.0, patch_mm=9.0, reach_mm=4.0)
_FINE = Search(px_per_mm=6.0, patch_mm=6.5, reach_mm=2.0)
_FEWEST = 12
_BENDS = 0.85
"""A bend is believed if it brings the residual below this share of that without it."""


@dataclass(frozen=True, slots=True)
class Bend:
    """How the paper deviates from flat: shift in mm as polynomials of third degree, `weights` (10, 2)."""

    weights: NDArray[np.floating[Any]]

    def shift(self, mm: Points) -> Points:
        """Where print meant for these places lies instead, as a difference in mm."""
        return np.asarray(_powers(mm) @ self.weights, dtype=np.float64)


@dataclass(frozen=True, slots=True)
class Registration:
    """A page laid on its form.

    `to_mm` takes px of the picture to mm on the form (a homography; where the paper is bent, `bend` comes on top). `residual_mm` is the 95th
    percentile of how far print lies from where it should, at places not used for the fit. `upright` is the page in grey at 8 px/mm,
    (2376, 1680), pixel (i, j) covering mm [j, j + 1] / 8, [i, i + 1] / 8. `problems` may hold `print_not_found`.
    """

    to_mm: Matrix
    residual_mm: float
    upright: Image
    problems: tuple[str, ...] = ()
    bend: Bend | None = None

    def to_px(self, mm: Points) -> Points:
        """Places on the form (n, 2) mm → px of the picture."""
        bent = mm if self.bend is None else mm + self.bend.shift(mm)
        return plane.through(np.linalg.inv(self.to_mm), bent)


def register(image: Image, identification: Identification, blank: Image) -> Registration:
    """Lay a page on its form. `blank` is the unfilled form, grey, (2376, 1680).

    Raises:
        RegistrationError: there are too few printed marks in the picture to know where the page is.
    """
    lies = identification.page_plane
    if lies is None:
        raise RegistrationError("Too few of the page's printed marks were found.", "Scan the whole page again, flat and unfolded.")
    small = shrunk_ink(image, _enough(plane.scale_at_centre(lies)))
    to_image = plane.between(small, image)
    start = np.linalg.inv(to_image) @ lies
    laid = _laid(small, start, blank)
    if laid.residual_mm >= LOST_MM and structure.is_two_level(image):
        laid = _laid(small, start, structure.dark_print(blank))
    problems = ("print_not_found",) if laid.residual_mm >= LOST_MM else ()
    return replace(laid, to_mm=laid.to_mm @ np.linalg.inv(to_image), problems=problems)


def _laid(image: Image, lies: Matrix, blank: Image) -> Registration:
    """The page in a picture of useful size, which lies about so, on the form."""
    middles = structure.patches(blank)
    lies = _closer(lies, _measured(image, lies, blank, middles[::2], _ROUGH))
    shifts = _measured(image, lies, blank, middles, _FINE)
    fit, bend, wrong = _best_fit(shifts)
    lies = lies @ fit
    upright = _flat(image, lies, bend)
    if len(wrong):
        strayed = structure.strayed(upright, blank, shifts.at[~shifts.found])
        wrong = np.append(wrong, np.linalg.norm(strayed, axis=1))
    return Registration(np.linalg.inv(lies), float(np.percentile(wrong, 95)) if len(wrong) else LOST_MM, upright, (), bend)


def _enough(px_per_mm: float) -> float:
    """How much to shrink the picture first: laying flat takes single pixels, so a much finer picture would lose strokes."""
    return 1.0 if px_per_mm < 1.75 * PX_PER_MM else 1.25 * PX_PER_MM / px_per_mm


def _closer(lies: Matrix, shifts: Shifts) -> Matrix:
    """The page's place after the rough round."""
    fit = _homography(*shifts.seen) if shifts.found.sum() >= _FEWEST else None
    return lies if fit is None or not plane.is_page(lies @ fit) else lies @ fit


def _measured(image: Image, lies: Matrix, blank: Image, middles: Points, search: Search) -> Shifts:
    return structure.measure(plane.cut(image, lies, plane.PAGE, search.px_per_mm), blank, middles, search)


def _homography(at: Points, moved: Points, within_mm: float = 0.6) -> Matrix | None:
    """mm → mm, robust."""
    if len(at) < 4:
        return None
    found, _ = cv2.findHomography(at, at + moved, cv2.RANSAC, within_mm, maxIters=500, confidence=0.995)
    return None if found is None else np.asarray(found, dtype=np.float64)


def _powers(mm: Points) -> NDArray[np.float64]:
    """The ten products of x and y up to the third degree, of the page scaled to -1 … 1."""
    x, y = mm[:, 0] * (2 / PAGE_WIDTH_MM) - 1, mm[:, 1] * (2 / PAGE_HEIGHT_MM) - 1
    return np.stack([x**i * y**j for i in range(4) for j in range(4 - i)], axis=1)


def _bend(at: Points, left: Points) -> Bend:
    """Fit of what a homography leaves, by least squares with Cauchy's weights; a little damped so that edges do not fly away."""
    powers, weight = _powers(at), np.ones(len(at))
    damping = np.diag([1e-3 * len(at)] * powers.shape[1])
    for _ in range(6):
        normal = powers.T @ (powers * weight[:, None]) + damping
        weights = np.linalg.solve(normal, powers.T @ (left * weight[:, None]))
        wrong = np.linalg.norm(left - powers @ weights, axis=1)
        weight = 1 / (1 + (wrong / 0.15) ** 2)
    return Bend(weights)


def _fit(at: Points, moved: Points, *, bent: bool) -> tuple[Matrix, Bend | None]:
    """A shift of print `moved` at `at` explained: mm on the form → mm as now laid, then the bend in form coordinates."""
    flat = _homography(at, moved, 2.0 if bent else 0.6)
    flat = np.eye(3) if flat is None else flat
    left = plane.through(np.linalg.inv(flat), at + moved) - at
    return flat, _bend(at, left) if bent else None


def _left_out(at: Points, moved: Points, *, bent: bool) -> NDArray[np.float64]:
    """How far off, mm, each patch lies when those of its square of a chess board are left out of the fit."""
    board = (np.floor(at[:, 0] / 27) + np.floor(at[:, 1] / 27)).astype(int) % 2 == 0
    wrong = np.zeros(len(at))
    for left_out in (board, ~board):
        if left_out.sum() < len(at) - 6:
            flat, bend = _fit(at[~left_out], moved[~left_out], bent=bent)
            print_at = plane.through(np.linalg.inv(flat), at + moved)[left_out]
            meant = at[left_out] if bend is None else at[left_out] + bend.shift(at[left_out])
            wrong[left_out] = np.linalg.norm(print_at - meant, axis=1)
    return wrong


def _best_fit(shifts: Shifts) -> tuple[Matrix, Bend | None, NDArray[np.float64]]:
    """Homography, bend if it helps, and how far off, mm, each patch lies when left out; none if the page's print was not found."""
    at, moved = shifts.seen
    if len(at) < _FEWEST or not structure.mostly_seen(shifts):
        return np.eye(3), None, np.zeros(0)
    trials = {bent: _left_out(at, moved, bent=bent) for bent in (False, True)}
    flat, curved = (float(np.percentile(trial, 95)) for trial in trials.values())
    bent = len(at) >= 3 * _FEWEST and curved < _BENDS * flat
    return *_fit(at, moved, bent=bent), trials[bent]


def _flat(image: Image, lies: Matrix, bend: Bend | None) -> Image:
    """The page at 8 px/mm."""
    if bend is None:
        return plane.cut(image, lies, plane.PAGE, PX_PER_MM)
    step = 16  # px; between, a third-degree bend is straight enough
    x, y = np.meshgrid(np.arange(-step, SIZE[0] + 2 * step, step), np.arange(-step, SIZE[1] + 2 * step, step))
    mm = (np.stack([x.ravel(), y.ravel()], axis=1) + 0.5) / PX_PER_MM
    there = plane.through(lies, mm + bend.shift(mm)).astype(np.float32).reshape(*x.shape, 2)
    at_x, at_y = (np.arange(n, dtype=np.float32) / step + 1 for n in SIZE)
    full_x, full_y = cv2.split(cv2.remap(there, *np.meshgrid(at_x, at_y), cv2.INTER_LINEAR))
    return np.asarray(cv2.remap(image, full_x, full_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT, borderValue=255), dtype=np.uint8)


@once_a_picture(most_bytes=64_000_000)
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


def box_to_px(registration: Registration, box: Box) -> tuple[int, int, int, int]:
    """The smallest upright rectangle in the picture that holds a box of the form: x, y, w, h in px."""
    outline = registration.to_px(plane.corners(box))
    left, top = (math.floor(v) for v in outline.min(axis=0))
    right, bottom = (math.ceil(v) for v in outline.max(axis=0))
    return left, top, right - left, bottom - top
