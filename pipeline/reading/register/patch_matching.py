"""Measure how far a page is from its form template, at many small patches of print.

Patches of the template with texture in both directions (words, corners of boxes) are searched for
on the page by normalised cross-correlation. A patch that does not correlate, or that disagrees with
its neighbours, is not found. If ink hides the print, that says nothing about the form: ink makes
paper darker and never lighter, so print below it is still dark. Only where the page shows paper is
print missing.
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
from pipeline.reading.imaging.print_contrast import Darkness, DarknessPair, relative_darkness

# Selection of patches on the template
_CELL_MM = 13.5
"""One patch, the best, is taken from each square of this side, mm."""
_SELECT_PX_PER_MM = 4.0
"""Scale in which patches are selected, px/mm."""
_WINDOW_MM = 7.0
"""Side of the window whose texture is judged, mm."""
_EDGE_MM = 7.0
"""No patch is nearer to the edge of the page than this, mm."""
_MIN_TEXTURE = 6e-5
"""Least eigenvalue of the gradient tensor (as OpenCV scales it) of a useful patch.

Half a printed word in light grey has more.
"""

# Search on the page
_TEMPLATE_BLUR_MM = 0.15
"""Standard deviation of the blur before patches are compared, mm."""
_MIN_CORRELATION = 0.55
"""Least correlation of a patch that is found.

Writing, noise and other forms reach less; print reaches more, even blurred or in 1 bit.
"""
_FULL_PRINT = 0.12
"""Darkness from which print and ink are alike, as a share: that of pale lines."""
_MIN_PRINT_CORRELATION = 0.45
"""Least correlation of a patch that may be written on."""
_NEIGHBOURS = 7
"""How many neighbours a patch's offset is compared with."""
_MAX_DISAGREEMENT_MM = 0.45
"""A patch is an outlier if its offset differs more than this from its neighbours', mm."""

# Whether the form was found nearly everywhere
STRIPS_ACROSS, STRIPS_DOWN = 3, 8
"""Number of strips in which the page is judged; on A4 one is 70 × 37 mm."""
_MIN_STRIP_SEEN = 0.25
"""Share of a strip's patches that must be found for the strip to count as seen."""
_MAX_UNSEEN_STRIPS = 0.15
"""Largest share of the patches in strips that are not seen.

Measured: pages with much writing over the print reach 0.11; forms taken for another with the same
head and foot begin at 0.23.
"""
_MIN_FOUND_PER_HIDDEN = 0.5
"""Patches that must be found for each hidden patch."""

# Displaced print
_MIN_STRAY_MM = 1.0
"""Print that is found farther away than this has been displaced, mm."""
_STRAY_GROUP_MM = 40.0
"""Distance of patches that may be displaced together, mm."""
_MIN_STRAY_GROUP = 5
"""Least number of such patches that have the same offset."""

# Black and white scans
_PALE_LEVEL = 170
"""Print lighter than this may vanish when a scanner makes a page black and white."""
_MID_LEVELS = 48, 208
"""Grey levels that are neither black nor white."""
_MAX_MID_SHARE = 0.005
"""A black and white page has fewer pixels than this between black and white.

Measured 0.0005 after compression; grey scans begin at 0.025.
"""

# Print below writing
_NEIGHBOUR_COUNT = 5
"""How many of the nearest patches predict where a hidden one should be."""


@dataclass(frozen=True, slots=True)
class PatchSearch:
    """Scale of the images, side of a patch, and how far from its place it is searched for."""

    px_per_mm: float
    patch_mm: float
    reach_mm: float


_WIDE_SEARCH = PatchSearch(px_per_mm=4.0, patch_mm=6.5, reach_mm=5.0)
"""Second search for print that was not found near its place."""


@dataclass(frozen=True, slots=True)
class PatchOffsets:
    """Result of a search for patches.

    `centres` (n, 2) mm of all patches, `offsets` (n, 2) mm of the page's print from there, and
    whether each was `found` (n,). `overwritten` (n,), if computed, marks patches that were not
    found because of writing over them.
    """

    centres: Points
    offsets: Points
    found: NDArray[np.bool_]
    overwritten: NDArray[np.bool_] | None = None

    @property
    def matched(self) -> tuple[Points, Points]:
        """Centres and offsets of the patches found, mm."""
        return self.centres[self.found], self.offsets[self.found]


def find_patches(
    template: Image, changing: Sequence[Box] = CODE_BOXES, cell_mm: float = _CELL_MM
) -> Points:
    """Select the patches worth searching for: the best of each square with print.

    Returns centres (n, 2) mm. `template` is the whole form; its print in the boxes `changing`
    (mm) differs from sheet to sheet.
    """
    return _cached_patches(template, tuple(changing), cell_mm)


@cached_per_image(most_bytes=48_000_000)
def _cached_patches(template: Image, changing: tuple[Box, ...], cell_mm: float) -> Points:
    small = np.asarray(
        cv2.resize(
            template, _scaled_size(template, _SELECT_PX_PER_MM), interpolation=cv2.INTER_AREA
        ),
        dtype=np.uint8,
    )
    # Texture in both directions, but not in boxes that change or at the edge.
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


def _scaled_size(template: Image, px_per_mm: float) -> tuple[int, int]:
    page = geometry.page_box(template)
    return round(page.w * px_per_mm), round(page.h * px_per_mm)


def _best_of_cells(texture: NDArray[Any], cell: int) -> Points:
    # The most textured place of each cell, if it has enough texture.
    centres = []
    for top in range(0, texture.shape[0], cell):
        for left in range(0, texture.shape[1], cell):
            part = texture[top : top + cell, left : left + cell]
            y, x = np.unravel_index(int(part.argmax()), part.shape)
            if part[y, x] > _MIN_TEXTURE:
                centres.append((left + int(x), top + int(y)))
    return np.array(centres, dtype=np.float64).reshape(-1, 2)


def measure_patch_offsets(
    page: Image, template: Image, centres: Points, search: PatchSearch
) -> PatchOffsets:
    """Search for patches of the template on a roughly registered page.

    Both images are grey and show the whole page, `page` at the search's scale. If too many
    patches are missing, those hidden by writing are marked as such.
    """
    # Each patch by itself, then without those that disagree with their neighbours.
    offsets = _drop_outliers(_seek_patches(page, template, centres, search))
    if is_found_nearly_everywhere(offsets, geometry.page_box(template)):
        return offsets
    scale = search.px_per_mm
    pair = DarknessPair(relative_darkness(page, scale), _form_darkness(template, scale), scale)
    return replace(
        offsets,
        overwritten=find_overwritten(pair, offsets, search.patch_mm),
    )


def seek_below_ink(
    page: Image, template: Image, centres: Points, search: PatchSearch
) -> PatchOffsets:
    """Search for patches that may be written on, by pale and dark print alike.

    Ink counts no more than print does, so that the boxes around digits are found. Patches that
    moved otherwise than their neighbours are dropped. The images are as for
    `measure_patch_offsets`.
    """
    scale = search.px_per_mm
    shown = _as_print(relative_darkness(page, scale))
    return _drop_outliers(
        _correlate(shown, _form_print(template, scale), centres, search, _MIN_PRINT_CORRELATION)
    )


def _as_print(darkness: Darkness) -> Image:
    """Return darkness as levels of an image, no darker than print is."""
    return np.asarray(np.minimum(darkness, _FULL_PRINT) * (255 / _FULL_PRINT), np.uint8)


@cached_per_image(most_bytes=28_000_000)
def _form_print(template: Image, px_per_mm: float) -> Image:
    return _as_print(_form_darkness(template, px_per_mm))


def searchable_centres(template: Image, centres: Points, search: PatchSearch) -> Points:
    """Return the patches whose surroundings are inside the page, to the pixel of the search."""
    scale = search.px_per_mm
    half, reach = round(search.patch_mm * scale / 2), round(search.reach_mm * scale)
    positions = np.rint(centres * scale).astype(int)
    inside = (positions > half + reach).all(axis=1) & (
        positions < np.array(_scaled_size(template, scale)) - half - reach
    ).all(axis=1)
    return np.asarray(positions[inside] / scale, np.float64)


def _seek_patches(
    page: Image, template: Image, centres: Points, search: PatchSearch
) -> PatchOffsets:
    """Search for each patch by itself."""
    scale = search.px_per_mm
    page, form = _blur(page, scale), _blurred_template(template, scale)
    centres = searchable_centres(template, centres, search)
    return _correlate(page, form, centres, search, _MIN_CORRELATION)


def _correlate(
    page: Image, form: Image, centres: Points, search: PatchSearch, least: float
) -> PatchOffsets:
    """Search for the parts of `form` around places near them on `page`, at the search's scale."""
    scale = search.px_per_mm
    half, reach = round(search.patch_mm * scale / 2), round(search.reach_mm * scale)
    positions = np.rint(centres * scale).astype(int)
    offsets, found = np.zeros((len(positions), 2)), np.zeros(len(positions), bool)
    for i, (x, y) in enumerate(positions.tolist()):
        # Correlate in float: matching bytes takes half as long again.
        patch = form[y - half : y + half, x - half : x + half].astype(np.float32)
        surroundings = page[
            y - half - reach : y + half + reach, x - half - reach : x + half + reach
        ].astype(np.float32)
        right, down, score = _correlation_peak(
            cv2.matchTemplate(surroundings, patch, cv2.TM_CCOEFF_NORMED)
        )
        # A peak at the limit of the search is no peak.
        offsets[i] = right, down
        found[i] = score >= least and max(abs(right), abs(down)) < reach - 1
    return PatchOffsets(positions / scale, offsets / scale, found)


@cached_per_image(most_bytes=48_000_000)
def _blurred_template(template: Image, px_per_mm: float) -> Image:
    """Return the template at another scale, slightly blurred."""
    return _blur(_resize_template(template, px_per_mm), px_per_mm)


@cached_per_image(most_bytes=28_000_000)
def _form_darkness(template: Image, px_per_mm: float) -> Darkness:
    """Return the darkness of the template at another scale."""
    return relative_darkness(_resize_template(template, px_per_mm), px_per_mm)


def _resize_template(template: Image, px_per_mm: float) -> Image:
    # Area interpolation is slow for odd ratios.
    size = _scaled_size(template, px_per_mm)
    interpolation = cv2.INTER_AREA if template.shape[0] >= 2 * size[1] else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(template, size, interpolation=interpolation), dtype=np.uint8)


def _blur(image: Image, px_per_mm: float) -> Image:
    return np.asarray(
        cv2.GaussianBlur(image, (0, 0), _TEMPLATE_BLUR_MM * px_per_mm), dtype=np.uint8
    )


def _correlation_peak(scores: NDArray[Any]) -> tuple[float, float, float]:
    """Return where the correlation is highest, right and down of the middle, and how high.

    A parabola through three values in each direction gives fractions of a pixel.
    """
    # Peak to the pixel, then to a fraction of it.
    _, score, _, (x, y) = cv2.minMaxLoc(scores)
    middle = scores.shape[0] // 2
    if not (0 < x < scores.shape[1] - 1 and 0 < y < scores.shape[0] - 1):
        return float(x - middle), float(y - middle), score
    around = scores[y - 1 : y + 2, x - 1 : x + 2].tolist()
    right = x - middle + _parabola_peak(around[1])
    return right, y - middle + _parabola_peak([row[1] for row in around]), score


def _parabola_peak(values: list[float]) -> float:
    # Vertex of the parabola through three values.
    before, top, after = values
    curve = before - 2 * top + after
    return 0.0 if curve >= 0 else min(0.5, max(-0.5, (before - after) / (2 * curve)))


def _drop_outliers(offsets: PatchOffsets) -> PatchOffsets:
    """Drop patches that moved differently from their neighbours.

    Paper moves smoothly, so such a patch was mistaken for something else.
    """
    centres, moves = offsets.matched
    if len(centres) <= _NEIGHBOURS:
        return offsets
    # The nearest neighbours of each patch; the first is the patch itself.
    x, y = centres.T
    squared_distances = (x[:, None] - x) ** 2 + (y[:, None] - y) ** 2
    nearest = np.argpartition(squared_distances, (0, _NEIGHBOURS), axis=1)[:, 1 : _NEIGHBOURS + 1]
    is_outlier = (
        np.linalg.norm(moves - np.median(moves[nearest], axis=1), axis=1) > _MAX_DISAGREEMENT_MM
    )
    found = offsets.found.copy()
    found[np.flatnonzero(found)[is_outlier]] = False
    return PatchOffsets(offsets.centres, offsets.offsets, found)


def seek_independently(
    upright: Image, template: Image, centres: Points, search: PatchSearch
) -> PatchOffsets:
    """Search for patches on a registered page, each by itself.

    At a fold neighbours rightly disagree. Both images are grey, 8 px/mm.
    """
    page = np.asarray(
        cv2.resize(upright, _scaled_size(template, search.px_per_mm), interpolation=cv2.INTER_AREA),
        dtype=np.uint8,
    )
    return _seek_patches(page, template, centres, search)


def measure_stray_print(upright: Image, template: Image, centres: Points) -> Points:
    """Return the offsets, (n, 2) mm, of print that was found far from its place in a group.

    Such print is no accident: that part of the page is folded, or belongs to another form.
    `upright` is the registered page; `centres` are the patches that were not found.
    """
    offsets = seek_independently(upright, template, centres, _WIDE_SEARCH)
    found_centres, found_offsets = offsets.matched
    # A group: near patches with the same offset; each is like itself.
    is_near = np.linalg.norm(found_centres[:, None] - found_centres[None], axis=2) < _STRAY_GROUP_MM
    is_alike = (
        np.linalg.norm(found_offsets[:, None] - found_offsets[None], axis=2) < _MAX_DISAGREEMENT_MM
    )
    is_grouped = (is_near & is_alike).sum(axis=1) > _MIN_STRAY_GROUP
    return np.asarray(
        found_offsets[is_grouped & (np.linalg.norm(found_offsets, axis=1) > _MIN_STRAY_MM)]
    )


def is_binary_image(image: Image) -> bool:
    """Check whether an image is black and white without grey."""
    # A sample of pixels; black and white has next to none between.
    low, high = _MID_LEVELS
    sample = image[::3, ::3]
    return bool(((sample > low) & (sample < high)).mean() < _MAX_MID_SHARE)


@cached_per_image(most_bytes=24_000_000)
def binarize_template(template: Image) -> Image:
    """Return the template as a black and white scanner would show it."""
    return np.where(template < _PALE_LEVEL, 0, 255).astype(np.uint8)


def is_found_nearly_everywhere(offsets: PatchOffsets, page: Box = geometry.PAGE_BOX) -> bool:
    """Check whether print was found nearly everywhere: in strips that hold nearly all patches.

    Writing covers a strip here and there, and corners tear; more than that is another form, or
    folded paper. Patches hidden by writing count neither for the form nor against it, but a
    good part of all must be found.
    """
    # Hidden patches are not counted, if enough others are found.
    counted = (
        np.ones(len(offsets.centres), bool) if offsets.overwritten is None else ~offsets.overwritten
    )
    if offsets.found.sum() < _MIN_FOUND_PER_HIDDEN * (~counted).sum():
        return False
    # Count the patches, and those found, in each strip.
    x, y = (offsets.centres / (page.w / STRIPS_ACROSS, page.h / STRIPS_DOWN)).astype(np.intp).T
    total, found = (
        np.zeros((STRIPS_DOWN, STRIPS_ACROSS), np.intp),
        np.zeros((STRIPS_DOWN, STRIPS_ACROSS), np.intp),
    )
    np.add.at(total, (y, x), counted)
    np.add.at(found, (y, x), offsets.found)
    # Strips with too few patches found must hold only a small part of all.
    unseen = (total >= 2) & (found < _MIN_STRIP_SEEN * total)
    return bool(total[unseen].sum() <= _MAX_UNSEEN_STRIPS * total.sum())


def find_overwritten(
    pair: DarknessPair, offsets: PatchOffsets, patch_mm: float
) -> NDArray[np.bool_]:
    """Find patches that are hidden by ink, among those that were not found, (n,).

    The nearest patches that were found predict where each hidden one should be. `patch_mm` is the
    side of a patch.
    """
    centres = offsets.centres
    overwritten = np.zeros(len(centres), bool)
    found_centres, found_offsets = offsets.matched
    if len(found_centres) < _NEIGHBOUR_COUNT:
        return overwritten
    half, centres_px = (
        round(patch_mm * pair.px_per_mm / 2),
        np.rint(centres * pair.px_per_mm).astype(int),
    )
    # Predict the offset of each missing patch from its nearest neighbours.
    for i in np.flatnonzero(~offsets.found):
        nearest = np.argsort(np.linalg.norm(found_centres - centres[i], axis=1))[:_NEIGHBOUR_COUNT]
        x, y = centres_px[i].tolist()
        overwritten[i] = pair.is_overwritten(
            slice(y - half, y + half),
            slice(x - half, x + half),
            np.median(found_offsets[nearest], axis=0),
        )
    return overwritten
