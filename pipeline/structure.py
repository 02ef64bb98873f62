"""How far a page lies from the unfilled form, measured at many small printed patches.

Patches of the blank that have texture in both directions (words, corners of boxes) are sought in the page by normalised correlation.
A patch that does not correlate, or that disagrees with its neighbours, counts as not found; if writing hides it, that says nothing (`overwritten`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline import plane
from pipeline.fiducials import CODES
from pipeline.model import Box, Image
from pipeline.once import once_a_picture
from pipeline.overwritten import Laid, written_over
from pipeline.plane import Points

STRIPS_ACROSS, STRIPS_DOWN = 3, 8
"""The page is judged in so many strips; on A4 one is 70 × 37 mm."""
_CELL_MM = 13.5
"""One patch, the best, is taken from each square of this size."""
_SELECT_PX_PER_MM = 4.0
"""Scale in which patches are chosen, px/mm."""
_WINDOW_MM = 7.0
"""Size of the window whose texture is judged, mm."""
_EDGE_MM = 7.0
"""No patch is nearer to the edge of the page than this, mm."""
_SOFT_MM = 0.15
"""Standard deviation of the blur before patches are compared, mm."""
_TEXTURE = 6e-5
"""Least eigenvalue of the gradient tensor (as OpenCV scales it) for a patch to be of use: half a printed word in light grey has more."""
_CORRELATION = 0.55
"""What writing, noise and other forms reach is below; what print reaches, even blurred or in 1 bit, is above."""
_SEEN_SHARE = 0.25
"""Of a strip's patches, so many must be found for the strip to count as seen."""
_UNSEEN_SHARE = 0.15
"""Measured: pages written over heavily reach 0.11, forms taken for another that shares head and foot begin at 0.23."""
_FOUND_SHARE = 0.5
"""For each patch hidden, so many must be found."""
_NEIGHBOURS = 7
"""How many neighbours a patch's offset is compared with."""
_DISAGREE_MM = 0.45
"""A patch whose offset differs more than this from its neighbours' is an outlier, mm."""
_WIDE_PX_PER_MM = 4.0
_WIDE_PATCH_MM = 6.5
_WIDE_REACH_MM = 5.0
"""How far print that was not found is looked for once more, mm."""
_STRAYED_MM = 1.0
"""Print that is found farther away than this has been displaced, mm."""
_GROUP_MM = 40.0
"""Distance of patches that may be displaced together, mm."""
_FEWEST_OF_GROUP = 5
"""Least number of such patches that have the same offset."""
_PALE = 170
"""Print lighter than this may vanish when a scanner makes a page black and white."""
_BETWEEN = 48, 208
"""Grey levels that are neither black nor white."""
_TWO_LEVELS = 0.005
"""Of a black and white page, fewer pixels lie between black and white, also after compression (measured 0.0005; grey scans begin at 0.025)."""


@dataclass(frozen=True, slots=True)
class Search:
    """How to seek: scale of the pictures, side of a patch, and how far from its place it is sought each way."""

    px_per_mm: float
    patch_mm: float
    reach_mm: float


@dataclass(frozen=True, slots=True)
class Shifts:
    """What was found: `at` (n, 2) mm the middles of all patches, `moved` (n, 2) mm how far the page's print lies from there, `found` (n,).

    `hidden` (n,), if it was looked for: patches that were not found because somebody wrote over them.
    """

    at: Points
    moved: Points
    found: NDArray[np.bool_]
    hidden: NDArray[np.bool_] | None = None

    @property
    def seen(self) -> tuple[Points, Points]:
        """Places and shifts of the patches found, mm."""
        return self.at[self.found], self.moved[self.found]


def patches(blank: Image, changing: Sequence[Box] = CODES, cell_mm: float = _CELL_MM) -> Points:
    """Middles (n, 2) mm of the patches worth seeking: the best of each part of the page, `cell_mm` wide, that has print.

    `blank` is the whole unfilled form; its print in the boxes `changing` (mm) differs from sheet to sheet.
    """
    return _patches(blank, tuple(changing), cell_mm)


@once_a_picture(most_bytes=48_000_000)
def _patches(blank: Image, changing: tuple[Box, ...], cell_mm: float) -> Points:
    small = np.asarray(cv2.resize(blank, _size(blank, _SELECT_PX_PER_MM), interpolation=cv2.INTER_AREA), dtype=np.uint8)
    texture = cv2.cornerMinEigenVal(small, round(min(_WINDOW_MM, cell_mm) * _SELECT_PX_PER_MM), ksize=3)
    for box in changing:
        x, y, w, h = (max(0, round(v * _SELECT_PX_PER_MM)) for v in plane.widened(box, _WINDOW_MM / 2).as_list())
        texture[y : y + h, x : x + w] = 0
    edge = round(_EDGE_MM * _SELECT_PX_PER_MM)
    texture[:edge], texture[-edge:], texture[:, :edge], texture[:, -edge:] = 0, 0, 0, 0
    return _best_of_cells(texture, round(cell_mm * _SELECT_PX_PER_MM)) / _SELECT_PX_PER_MM


def _size(blank: Image, px_per_mm: float) -> tuple[int, int]:
    page = plane.page_of(blank)
    return round(page.w * px_per_mm), round(page.h * px_per_mm)


def _best_of_cells(texture: NDArray[Any], cell: int) -> Points:
    best = []
    for top in range(0, texture.shape[0], cell):
        for left in range(0, texture.shape[1], cell):
            part = texture[top : top + cell, left : left + cell]
            y, x = np.unravel_index(int(part.argmax()), part.shape)
            if part[y, x] > _TEXTURE:
                best.append((left + int(x), top + int(y)))
    return np.array(best, dtype=np.float64).reshape(-1, 2)


def measure(page: Image, blank: Image, middles: Points, search: Search) -> Shifts:
    """Seek patches of the blank in a page laid roughly on it: grey pictures of the whole page, `page` at the search's scale.

    Where too many are missing, those that lie under writing are told from those that are not there.
    """
    shifts = _without_loners(_sought(page, blank, middles, search))
    if mostly_seen(shifts, plane.page_of(blank)):
        return shifts
    laid = Laid.of(page, _resized(blank, search.px_per_mm), search.px_per_mm)
    return replace(shifts, hidden=written_over(laid, shifts.at, shifts.moved, shifts.found, search.patch_mm))


def _sought(page: Image, blank: Image, middles: Points, search: Search) -> Shifts:
    scale, half, reach = search.px_per_mm, round(search.patch_mm * search.px_per_mm / 2), round(search.reach_mm * search.px_per_mm)
    page, form = _soft(page, scale), _soft_form(blank, scale)
    places = np.rint(middles * scale).astype(int)
    fits = (places > half + reach).all(axis=1) & (places < np.array(_size(blank, scale)) - half - reach).all(axis=1)
    places = places[fits]
    moved, found = np.zeros((len(places), 2)), np.zeros(len(places), bool)
    for i, (x, y) in enumerate(places.tolist()):
        patch = form[y - half : y + half, x - half : x + half].astype(np.float32)  # searching bytes takes a half more time
        around = page[y - half - reach : y + half + reach, x - half - reach : x + half + reach].astype(np.float32)
        right, down, height = _peak(cv2.matchTemplate(around, patch, cv2.TM_CCOEFF_NORMED))
        moved[i] = right, down
        found[i] = height >= _CORRELATION and max(abs(right), abs(down)) < reach - 1
    return Shifts(places / scale, moved / scale, found)


@once_a_picture(most_bytes=48_000_000)
def _soft_form(blank: Image, px_per_mm: float) -> Image:
    """The unfilled form at another scale, a little blurred."""
    return _soft(_resized(blank, px_per_mm), px_per_mm)


def _resized(blank: Image, px_per_mm: float) -> Image:
    size = _size(blank, px_per_mm)
    how = cv2.INTER_AREA if blank.shape[0] >= 2 * size[1] else cv2.INTER_LINEAR  # area is slow for odd ratios
    return np.asarray(cv2.resize(blank, size, interpolation=how), dtype=np.uint8)


def _soft(picture: Image, px_per_mm: float) -> Image:
    return np.asarray(cv2.GaussianBlur(picture, (0, 0), _SOFT_MM * px_per_mm), dtype=np.uint8)


def _peak(scores: NDArray[Any]) -> tuple[float, float, float]:
    """Where correlation is highest, right and down of the middle to a part of a pixel by a parabola through three values each way; and how high."""
    _, height, _, (x, y) = cv2.minMaxLoc(scores)
    middle = scores.shape[0] // 2
    if not (0 < x < scores.shape[1] - 1 and 0 < y < scores.shape[0] - 1):
        return float(x - middle), float(y - middle), height
    around = scores[y - 1 : y + 2, x - 1 : x + 2].tolist()
    right = x - middle + _parabola(around[1])
    return right, y - middle + _parabola([row[1] for row in around]), height


def _parabola(values: list[float]) -> float:
    before, top, after = values
    curve = before - 2 * top + after
    return 0.0 if curve >= 0 else min(0.5, max(-0.5, (before - after) / (2 * curve)))


def _without_loners(shifts: Shifts) -> Shifts:
    """Paper moves smoothly: a patch that moved otherwise than its neighbours was mistaken for something else."""
    at, moved = shifts.seen
    if len(at) <= _NEIGHBOURS:
        return shifts
    x, y = at.T
    away = (x[:, None] - x) ** 2 + (y[:, None] - y) ** 2
    near = np.argpartition(away, (0, _NEIGHBOURS), axis=1)[:, 1 : _NEIGHBOURS + 1]
    odd = np.linalg.norm(moved - np.median(moved[near], axis=1), axis=1) > _DISAGREE_MM
    found = shifts.found.copy()
    found[np.flatnonzero(found)[odd]] = False
    return Shifts(shifts.at, shifts.moved, found)


def sought_finely(upright: Image, blank: Image, places: Points, search: Search) -> Shifts:
    """Patches sought on a page as it was laid, each for itself: at a fold neighbours rightly disagree. Both pictures grey, 8 px/mm."""
    page = np.asarray(cv2.resize(upright, _size(blank, search.px_per_mm), interpolation=cv2.INTER_AREA), dtype=np.uint8)
    return _sought(page, blank, places, search)


def strayed(upright: Image, blank: Image, places: Points) -> Points:
    """How far (n, 2) mm print lies from these places, if it is found wide of them and near-by print strayed alike.

    Such print is no accident: that part of the page is folded, or belongs to another form. `upright` is the page as it was laid.
    """
    page = np.asarray(cv2.resize(upright, _size(blank, _WIDE_PX_PER_MM), interpolation=cv2.INTER_AREA), dtype=np.uint8)
    shifts = _sought(page, blank, places, Search(_WIDE_PX_PER_MM, _WIDE_PATCH_MM, _WIDE_REACH_MM))
    at, moved = shifts.seen
    near = np.linalg.norm(at[:, None] - at[None], axis=2) < _GROUP_MM
    alike = np.linalg.norm(moved[:, None] - moved[None], axis=2) < _DISAGREE_MM
    grouped = (near & alike).sum(axis=1) > _FEWEST_OF_GROUP  # each is like itself
    return np.asarray(moved[grouped & (np.linalg.norm(moved, axis=1) > _STRAYED_MM)])


def is_two_level(image: Image) -> bool:
    """Whether a picture is black and white without grey."""
    low, high = _BETWEEN
    part = image[::3, ::3]
    return bool(((part > low) & (part < high)).mean() < _TWO_LEVELS)


def dark_print(blank: Image) -> Image:
    """What is left of the unfilled form when a scanner makes it black and white."""
    return np.where(blank < _PALE, 0, 255).astype(np.uint8)


def mostly_seen(shifts: Shifts, page: Box = plane.PAGE) -> bool:
    """Whether print was found nearly everywhere it should be: in strips (of 70 × 37 mm on A4) that hold all but a small part of the patches.

    People write over a strip here and there, and corners tear; more than that is another form, or paper that is folded. What lies under writing
    speaks neither for the form nor against it, but a good part of all must be found.
    """
    counted = np.ones(len(shifts.at), bool) if shifts.hidden is None else ~shifts.hidden
    if shifts.found.sum() < _FOUND_SHARE * (~counted).sum():
        return False
    x, y = (shifts.at / (page.w / STRIPS_ACROSS, page.h / STRIPS_DOWN)).astype(np.intp).T
    every, seen = np.zeros((STRIPS_DOWN, STRIPS_ACROSS), np.intp), np.zeros((STRIPS_DOWN, STRIPS_ACROSS), np.intp)
    np.add.at(every, (y, x), counted)
    np.add.at(seen, (y, x), shifts.found)
    dark = (every >= 2) & (seen < _SEEN_SHARE * every)
    return bool(every[dark].sum() <= _UNSEEN_SHARE * every.sum())
