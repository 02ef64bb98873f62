"""How far a page lies from the unfilled form, measured at many small printed patches.

Patches of the blank that have texture in both directions (words, corners of boxes) are sought in
the page by normalised correlation. A patch that does not correlate, or that disagrees with its
neighbours, counts as not found; if writing hides it, that says nothing (`overwritten`).

Print that lies under writing. Ink makes paper darker and never lighter, so under it print is
still dark where it should be.

Such print is not found, since the page has more than the unfilled form; but only where the page
shows paper does it lack print.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.domain.model import Box, Image
from pipeline.forms.fiducials import CODE_BOXES
from pipeline.reading.imaging import geometry
from pipeline.reading.imaging.cache import cached_per_image
from pipeline.reading.imaging.geometry import Points

_PRINT_BLUR_MM = 0.15
"""Standard deviation of the blur before darkness is compared, mm."""
_PAPER_REACH_MM = 3.0
"""Distance within which paper gives a place's light, mm."""
_MIN_PRINT_DARKNESS = 0.06
"""So much darker than the paper around it, as a share, print is."""
_MIN_DARKNESS_SHARE = 0.5
"""Share of the blank's darkness that print has on the page, at least, wherever it is."""
_MIN_DARK_PRINT_SHARE = 0.95
"""So much of the print is dark on the page: at least 0.96 of it under real writing; of a form taken
for another a quarter of the patches reach it.
"""
_MIN_INK_DARKNESS = 0.12
"""So much darker than the blank, as a share of the paper, ink is …"""
_MIN_INK_COVER = 0.03
"""… and covers so much of the patch, at least."""
_MIN_PRINT_LEAD = 0.4
"""Print is so much oftener dark than the paper between it. In stains, shadow and grain it is not,
and such a patch counts as missing.
"""
_NEIGHBOUR_COUNT = 5
"""How many of the nearest patches tell where a hidden one should be."""
_PLACE_TOLERANCE_MM = 0.5
"""How far about its place print may be displaced, mm."""
_FEWEST_PX = 20
"""Least print of a patch that is judged, px."""
Darkness = NDArray[np.float32]
_CELL_MM = 13.5
"""One patch, the best, is taken from each square of this size."""
_SELECT_PX_PER_MM = 4.0
"""Scale in which patches are chosen, px/mm."""
_WINDOW_MM = 7.0
"""Size of the window whose texture is judged, mm."""
_EDGE_MM = 7.0
"""No patch is nearer to the edge of the page than this, mm."""
_TEMPLATE_BLUR_MM = 0.15
"""Standard deviation of the blur before patches are compared, mm."""
_MIN_TEXTURE = 6e-5
"""Least eigenvalue of the gradient tensor (as OpenCV scales it) for a patch to be of use: half a
printed word in light grey has more.
"""
_MIN_CORRELATION = 0.55
"""What writing, noise and other forms reach is below; what print reaches, even blurred or in 1 bit,
is above.
"""
_MIN_STRIP_SEEN = 0.25
"""Of a strip's patches, so many must be found for the strip to count as seen."""
_MAX_UNSEEN_STRIPS = 0.15
"""Measured: pages written over heavily reach 0.11, forms taken for another that shares head and
foot begin at 0.23.
"""
_MIN_FOUND_PER_HIDDEN = 0.5
"""For each patch hidden, so many must be found."""
_NEIGHBOURS = 7
"""How many neighbours a patch's offset is compared with."""
_MAX_DISAGREEMENT_MM = 0.45
"""A patch whose offset differs more than this from its neighbours' is an outlier, mm."""
_WIDE_PX_PER_MM = 4.0
_WIDE_PATCH_MM = 6.5
_WIDE_REACH_MM = 5.0
"""How far print that was not found is looked for once more, mm."""
_MIN_STRAY_MM = 1.0
"""Print that is found farther away than this has been displaced, mm."""
_STRAY_GROUP_MM = 40.0
"""Distance of patches that may be displaced together, mm."""
_MIN_STRAY_GROUP = 5
"""Least number of such patches that have the same offset."""
_PALE_LEVEL = 170
"""Print lighter than this may vanish when a scanner makes a page black and white."""
_MID_LEVELS = 48, 208
"""Grey levels that are neither black nor white."""
_MAX_MID_SHARE = 0.005
"""Of a black and white page, fewer pixels lie between black and white, also after compression
(measured 0.0005; grey scans begin at 0.025).
"""


def relative_darkness(picture: Image, px_per_mm: float) -> Darkness:
    """How much darker than the paper near by, as a share of it."""
    soft = np.asarray(cv2.GaussianBlur(picture, (0, 0), _PRINT_BLUR_MM * px_per_mm), np.uint8)
    side = round(_PAPER_REACH_MM * px_per_mm) | 1
    paper = cv2.blur(cv2.dilate(soft, np.ones((side, side), np.uint8)), (side, side))
    return np.asarray(np.clip(1 - soft / np.maximum(paper, np.float32(1)), 0, 1), np.float32)


@dataclass(frozen=True, slots=True)
class DarknessPair:
    """A page laid roughly on its form and the unfilled form, as darkness at the same scale."""

    page: Darkness
    form: Darkness
    px_per_mm: float

    @classmethod
    def of(cls, page: Image, form: Image, px_per_mm: float) -> DarknessPair:
        """Both pictures grey and of the same size."""
        return cls(
            relative_darkness(page, px_per_mm), relative_darkness(form, px_per_mm), px_per_mm
        )

    def written_over(self, rows: slice, columns: slice, moved_mm: Points) -> bool:
        """Whether the print of a part of the form is on the page about so far (2,) mm from its
        place, with ink over it.
        """
        form, about = self.form[rows, columns], round(_PLACE_TOLERANCE_MM * self.px_per_mm)
        right, down = np.rint(moved_mm * self.px_per_mm).astype(int).tolist()
        top, left = rows.start + down, columns.start + right
        if (
            min(top, left) < about
            or top + form.shape[0] + about > self.page.shape[0]
            or left + form.shape[1] + about > self.page.shape[1]
        ):
            return False
        around = self.page[
            top - about : top + form.shape[0] + about, left - about : left + form.shape[1] + about
        ]
        return _is_overwritten(around, form, 2 * about + 1)


def _is_overwritten(around: Darkness, form: Darkness, places: int) -> bool:
    printed = form > _MIN_PRINT_DARKNESS
    if printed.sum() < _FEWEST_PX or printed.all():
        return False
    height, width = form.shape
    seen = np.lib.stride_tricks.sliding_window_view(around, (height, width))[:places, :places]
    least = _MIN_DARKNESS_SHARE * form[printed]
    covered = (seen[..., printed] >= least).mean(axis=-1)
    at = np.unravel_index(int(covered.argmax()), covered.shape)
    here = seen[at]
    between = float((here[~printed] >= np.median(least)).mean())
    ink = float((here > form + _MIN_INK_DARKNESS).mean())
    return bool(
        covered[at] >= _MIN_DARK_PRINT_SHARE
        and covered[at] - between >= _MIN_PRINT_LEAD
        and ink >= _MIN_INK_COVER
    )


def find_overwritten(
    laid: DarknessPair, at: Points, moved: Points, found: NDArray[np.bool_], side_mm: float
) -> NDArray[np.bool_]:
    """Which of the patches (n, 2) mm that were not found lie under ink, where the nearest ones that
    were found say that they should lie.
    """
    out = np.zeros(len(at), bool)
    seen_at, seen_moved = at[found], moved[found]
    if len(seen_at) < _NEIGHBOUR_COUNT:
        return out
    half, middles = round(side_mm * laid.px_per_mm / 2), np.rint(at * laid.px_per_mm).astype(int)
    for i in np.flatnonzero(~found):
        near = np.argsort(np.linalg.norm(seen_at - at[i], axis=1))[:_NEIGHBOUR_COUNT]
        x, y = middles[i].tolist()
        out[i] = laid.written_over(
            slice(y - half, y + half),
            slice(x - half, x + half),
            np.median(seen_moved[near], axis=0),
        )
    return out


STRIPS_ACROSS, STRIPS_DOWN = 3, 8
"""The page is judged in so many strips; on A4 one is 70 × 37 mm."""


@dataclass(frozen=True, slots=True)
class PatchSearch:
    """How to seek: scale of the pictures, side of a patch, and how far from its place it is sought
    each way.
    """

    px_per_mm: float
    patch_mm: float
    reach_mm: float


@dataclass(frozen=True, slots=True)
class PatchOffsets:
    """What was found: `at` (n, 2) mm the middles of all patches, `moved` (n, 2) mm how far the
    page's print lies from there, `found` (n,).

    `hidden` (n,), if it was looked for: patches that were not found because somebody wrote over
    them.
    """

    at: Points
    offsets: Points
    found: NDArray[np.bool_]
    overwritten: NDArray[np.bool_] | None = None

    @property
    def seen(self) -> tuple[Points, Points]:
        """Places and shifts of the patches found, mm."""
        return self.at[self.found], self.offsets[self.found]


def find_patches(
    blank: Image, changing: Sequence[Box] = CODE_BOXES, cell_mm: float = _CELL_MM
) -> Points:
    """Middles (n, 2) mm of the patches worth seeking: the best of each part of the page, `cell_mm`
    wide, that has print.

    `blank` is the whole unfilled form; its print in the boxes `changing` (mm) differs from sheet
    to sheet.
    """
    return _cached_patches(blank, tuple(changing), cell_mm)


@cached_per_image(most_bytes=48_000_000)
def _cached_patches(blank: Image, changing: tuple[Box, ...], cell_mm: float) -> Points:
    small = np.asarray(
        cv2.resize(blank, _scaled_size(blank, _SELECT_PX_PER_MM), interpolation=cv2.INTER_AREA),
        dtype=np.uint8,
    )
    texture = cv2.cornerMinEigenVal(
        small, round(min(_WINDOW_MM, cell_mm) * _SELECT_PX_PER_MM), ksize=3
    )
    for box in changing:
        x, y, w, h = (
            max(0, round(v * _SELECT_PX_PER_MM))
            for v in geometry.widen_box(box, _WINDOW_MM / 2).as_list()
        )
        texture[y : y + h, x : x + w] = 0
    edge = round(_EDGE_MM * _SELECT_PX_PER_MM)
    texture[:edge], texture[-edge:], texture[:, :edge], texture[:, -edge:] = 0, 0, 0, 0
    return _best_of_cells(texture, round(cell_mm * _SELECT_PX_PER_MM)) / _SELECT_PX_PER_MM


def _scaled_size(blank: Image, px_per_mm: float) -> tuple[int, int]:
    page = geometry.page_box(blank)
    return round(page.w * px_per_mm), round(page.h * px_per_mm)


def _best_of_cells(texture: NDArray[Any], cell: int) -> Points:
    best = []
    for top in range(0, texture.shape[0], cell):
        for left in range(0, texture.shape[1], cell):
            part = texture[top : top + cell, left : left + cell]
            y, x = np.unravel_index(int(part.argmax()), part.shape)
            if part[y, x] > _MIN_TEXTURE:
                best.append((left + int(x), top + int(y)))
    return np.array(best, dtype=np.float64).reshape(-1, 2)


def measure_patch_offsets(
    page: Image, blank: Image, middles: Points, search: PatchSearch
) -> PatchOffsets:
    """Seek patches of the blank in a page laid roughly on it: grey pictures of the whole page,
    `page` at the search's scale.

    Where too many are missing, those that lie under writing are told from those that are not
    there.
    """
    shifts = _drop_outliers(_seek_patches(page, blank, middles, search))
    if is_mostly_seen(shifts, geometry.page_box(blank)):
        return shifts
    laid = DarknessPair.of(page, _resize_template(blank, search.px_per_mm), search.px_per_mm)
    return replace(
        shifts,
        overwritten=find_overwritten(
            laid, shifts.at, shifts.offsets, shifts.found, search.patch_mm
        ),
    )


def _seek_patches(page: Image, blank: Image, middles: Points, search: PatchSearch) -> PatchOffsets:
    scale, half, reach = (
        search.px_per_mm,
        round(search.patch_mm * search.px_per_mm / 2),
        round(search.reach_mm * search.px_per_mm),
    )
    page, form = _blur(page, scale), _blurred_template(blank, scale)
    places = np.rint(middles * scale).astype(int)
    fits = (places > half + reach).all(axis=1) & (
        places < np.array(_scaled_size(blank, scale)) - half - reach
    ).all(axis=1)
    places = places[fits]
    moved, found = np.zeros((len(places), 2)), np.zeros(len(places), bool)
    for i, (x, y) in enumerate(places.tolist()):
        patch = form[y - half : y + half, x - half : x + half].astype(
            np.float32
        )  # searching bytes takes a half more time
        around = page[
            y - half - reach : y + half + reach, x - half - reach : x + half + reach
        ].astype(np.float32)
        right, down, height = _correlation_peak(
            cv2.matchTemplate(around, patch, cv2.TM_CCOEFF_NORMED)
        )
        moved[i] = right, down
        found[i] = height >= _MIN_CORRELATION and max(abs(right), abs(down)) < reach - 1
    return PatchOffsets(places / scale, moved / scale, found)


@cached_per_image(most_bytes=48_000_000)
def _blurred_template(blank: Image, px_per_mm: float) -> Image:
    """The unfilled form at another scale, a little blurred."""
    return _blur(_resize_template(blank, px_per_mm), px_per_mm)


def _resize_template(blank: Image, px_per_mm: float) -> Image:
    size = _scaled_size(blank, px_per_mm)
    how = (
        cv2.INTER_AREA if blank.shape[0] >= 2 * size[1] else cv2.INTER_LINEAR
    )  # area is slow for odd ratios
    return np.asarray(cv2.resize(blank, size, interpolation=how), dtype=np.uint8)


def _blur(picture: Image, px_per_mm: float) -> Image:
    return np.asarray(
        cv2.GaussianBlur(picture, (0, 0), _TEMPLATE_BLUR_MM * px_per_mm), dtype=np.uint8
    )


def _correlation_peak(scores: NDArray[Any]) -> tuple[float, float, float]:
    """Where correlation is highest, right and down of the middle to a part of a pixel by a parabola
    through three values each way; and how high.
    """
    _, height, _, (x, y) = cv2.minMaxLoc(scores)
    middle = scores.shape[0] // 2
    if not (0 < x < scores.shape[1] - 1 and 0 < y < scores.shape[0] - 1):
        return float(x - middle), float(y - middle), height
    around = scores[y - 1 : y + 2, x - 1 : x + 2].tolist()
    right = x - middle + _parabola_peak(around[1])
    return right, y - middle + _parabola_peak([row[1] for row in around]), height


def _parabola_peak(values: list[float]) -> float:
    before, top, after = values
    curve = before - 2 * top + after
    return 0.0 if curve >= 0 else min(0.5, max(-0.5, (before - after) / (2 * curve)))


def _drop_outliers(shifts: PatchOffsets) -> PatchOffsets:
    """Paper moves smoothly: a patch that moved otherwise than its neighbours was mistaken for
    something else.
    """
    at, moved = shifts.seen
    if len(at) <= _NEIGHBOURS:
        return shifts
    x, y = at.T
    away = (x[:, None] - x) ** 2 + (y[:, None] - y) ** 2
    near = np.argpartition(away, (0, _NEIGHBOURS), axis=1)[:, 1 : _NEIGHBOURS + 1]
    odd = np.linalg.norm(moved - np.median(moved[near], axis=1), axis=1) > _MAX_DISAGREEMENT_MM
    found = shifts.found.copy()
    found[np.flatnonzero(found)[odd]] = False
    return PatchOffsets(shifts.at, shifts.offsets, found)


def seek_independently(
    upright: Image, blank: Image, places: Points, search: PatchSearch
) -> PatchOffsets:
    """Patches sought on a page as it was laid, each for itself: at a fold neighbours rightly
    disagree. Both pictures grey, 8 px/mm.
    """
    page = np.asarray(
        cv2.resize(upright, _scaled_size(blank, search.px_per_mm), interpolation=cv2.INTER_AREA),
        dtype=np.uint8,
    )
    return _seek_patches(page, blank, places, search)


def measure_stray_print(upright: Image, blank: Image, places: Points) -> Points:
    """How far (n, 2) mm print lies from these places, if it is found wide of them and near-by print
    strayed alike.

    Such print is no accident: that part of the page is folded, or belongs to another form.
    `upright` is the page as it was laid.
    """
    page = np.asarray(
        cv2.resize(upright, _scaled_size(blank, _WIDE_PX_PER_MM), interpolation=cv2.INTER_AREA),
        dtype=np.uint8,
    )
    shifts = _seek_patches(
        page, blank, places, PatchSearch(_WIDE_PX_PER_MM, _WIDE_PATCH_MM, _WIDE_REACH_MM)
    )
    at, moved = shifts.seen
    near = np.linalg.norm(at[:, None] - at[None], axis=2) < _STRAY_GROUP_MM
    alike = np.linalg.norm(moved[:, None] - moved[None], axis=2) < _MAX_DISAGREEMENT_MM
    grouped = (near & alike).sum(axis=1) > _MIN_STRAY_GROUP  # each is like itself
    return np.asarray(moved[grouped & (np.linalg.norm(moved, axis=1) > _MIN_STRAY_MM)])


def is_binary_image(image: Image) -> bool:
    """Whether a picture is black and white without grey."""
    low, high = _MID_LEVELS
    part = image[::3, ::3]
    return bool(((part > low) & (part < high)).mean() < _MAX_MID_SHARE)


def binarize_template(blank: Image) -> Image:
    """What is left of the unfilled form when a scanner makes it black and white."""
    return np.where(blank < _PALE_LEVEL, 0, 255).astype(np.uint8)


def is_mostly_seen(shifts: PatchOffsets, page: Box = geometry.PAGE_BOX) -> bool:
    """Whether print was found nearly everywhere it should be: in strips (of 70 × 37 mm on A4) that
    hold all but a small part of the patches.

    People write over a strip here and there, and corners tear; more than that is another form,
    or paper that is folded. What lies under writing speaks neither for the form nor against it,
    but a good part of all must be found.
    """
    counted = np.ones(len(shifts.at), bool) if shifts.overwritten is None else ~shifts.overwritten
    if shifts.found.sum() < _MIN_FOUND_PER_HIDDEN * (~counted).sum():
        return False
    x, y = (shifts.at / (page.w / STRIPS_ACROSS, page.h / STRIPS_DOWN)).astype(np.intp).T
    every, seen = (
        np.zeros((STRIPS_DOWN, STRIPS_ACROSS), np.intp),
        np.zeros((STRIPS_DOWN, STRIPS_ACROSS), np.intp),
    )
    np.add.at(every, (y, x), counted)
    np.add.at(seen, (y, x), shifts.found)
    dark = (every >= 2) & (seen < _MIN_STRIP_SEEN * every)
    return bool(every[dark].sum() <= _MAX_UNSEEN_STRIPS * every.sum())
