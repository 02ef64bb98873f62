"""Whether a field can be seen where it was looked for: its own print must show there, and nothing
may lie over it.

The page as a whole may lie well on its form while one field is torn off, folded, in deep shadow,
under a felt pen or correction tape. A reader that is shown such a place answers surely and
wrongly, so every field is judged by itself: by the contrast of its printed lines, by wide dark
bands across it, by patches whiter than the paper, and by where in the neighbourhood its print is
found. A page whose pale print vanished altogether, as in black and white, is judged by its
printed words alone.

Punched holes that a scanner shows dark, over check boxes: round, and wider than a box that was
filled in, which they were taken for.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.domain.form.field import FieldSpec
from pipeline.domain.issues import Issue, IssueCode
from pipeline.domain.model import Box, Image, Reading
from pipeline.reading.imaging import geometry
from pipeline.reading.imaging.cache import CompressedMap, Map, Mask, cached_per_object
from pipeline.reading.imaging.components import Components
from pipeline.reading.imaging.print_contrast import (
    CHECK_PX_PER_MM,
    OUTLINE_MM,
    PrintContrast,
    TemplatePrint,
    box_window,
    downscale,
    outline_places,
    outline_visibility,
    template_darkness,
)
from pipeline.reading.page_checks.covered_areas import (
    PATCH_SCALE,
    covered_share,
    find_correction_tape,
    find_missing_print,
    is_under_tape,
)
from pipeline.reading.page_context import PageContext

_AROUND_MM = 1.5
"""How far around a check box a punch hole is looked for, mm."""
_MAX_HOLE_BRIGHTNESS = 0.6
"""Darker than such a part of the paper around is a hole; pencil that fills a box may be paler."""
_MIN_DARK_SHARE = 0.75
"""A box that is not dark in so much of it lies under no hole."""
_MIN_OVERHANG_MM = 0.3
"""Holes are 6 mm wide (ISO 838): they hold a circle whose radius is so much larger than that of a
filled box, which are 4.6 or 5 mm wide.
"""
LEAST_PATTERN = 0.01
"""Standard deviation of darkness below which a patch shows nothing that could be found elsewhere."""
_MIN_LINE_CONTRAST = 0.2
"""A line with less than this share of the contrast that lines have on this page is not seen."""
_MAX_UNSEEN = 0.4
"""A field whose print is hidden to more than this share is occluded."""
_MAX_BARE_OUTLINE = 0.05
"""Where so much of the outline of a box has become bare paper, a part of the box is torn off,
folded away or punched out; else none of it has.
"""
_MIN_PRINT_CONTRAST = 0.3
"""With less than this share of the contrast of the blank, a page's pale print is lost."""
_VISIBLE_QUANTILE = 0.85
"""The contrast of a page's print is that of its best part: more than half of the page may be torn
off or in the dark.
"""
_MIN_PRINT_PX = 40
"""Least length of an outline that is judged, px at 4 px/mm."""
_MAX_STROKE_MM = 3.0
"""No pen stroke of writing is wider."""
_MIN_BAND_MM = 9.0
"""What is dark over more than this is no filled box."""
_SURROUNDINGS_MM = 41.0
"""Distance within which paper gives a place's light, mm."""
_DARK_SHARE = 0.72
"""What is darker than this part of the paper around is in shadow, or something lies on it."""
_DARKEST_PAPER = 30
"""Grey of paper below which the camera's noise is as strong as pen."""
_DARK_BELOW = np.maximum(np.ceil(_DARK_SHARE * np.arange(256)), _DARKEST_PAPER).astype(np.uint8)
"""For each grey of paper, the grey below which a place is dark."""
_MAX_BAND_COVER = 0.1
"""A field of which this share is dark is occluded."""
_SEARCH_REACH_PX = round(2.5 * CHECK_PX_PER_MM)
"""px by which print is sought beside its place."""
_MIN_SHIFT_MM = 0.7
"""Print found farther from its place than this has moved, mm."""
_MIN_CORRELATION = 0.5
"""Least correlation of print that has moved with that of the form."""
_MIN_CORRELATION_GAIN = 0.1
"""How much better the correlation must be there than at the right place."""
_NEIGHBOUR_MM = 22.0
"""Distance of neighbouring fields that are compared, mm."""
_STRETCH_MM = 20.0
"""Length of the parts into which a long field is divided, mm."""
_MIN_OCCLUDED_NEIGHBOURS = 0.6
"""A field is occluded too if this share of its neighbours is."""


def is_punch_hole(upright: Image, box: Box) -> bool:
    """Whether a check box lies under a dark hole; `upright` is the page in grey, laid on the form."""
    around = upright[box_window(geometry.widen_box(box, _AROUND_MM), geometry.PX_PER_MM)]
    dark = np.asarray(around[::4, ::4] < _MAX_HOLE_BRIGHTNESS * around.max(initial=0), np.bool_)
    if dark.mean() < _MIN_DARK_SHARE * box.w * box.h / (
        (box.w + 2 * _AROUND_MM) * (box.h + 2 * _AROUND_MM)
    ):  # as nearly all
        return False
    near = cv2.distanceTransform(
        (around < _MAX_HOLE_BRIGHTNESS * around.max()).view(np.uint8), cv2.DIST_L2, 5
    )
    return float(near.max()) >= (min(box.w, box.h) / 2 + _MIN_OVERHANG_MM) * geometry.PX_PER_MM


_MAX_PARTLY_UNSEEN, _MAX_UNSEEN_OF_CELL, _MAX_UNSEEN_OF_STRETCH = 0.1, 0.75, 0.6
"""A digit often hides half of its box, but not all of it; a line of writing one of the two rules
along which it runs.
"""


_TONE_COUNT, _MAX_BARE_TONE = 16, 0.25
"""Print is parted by how dark it is; of which so much has become bare paper, it is lost as a whole,
not torn off.
"""


def check(context: PageContext, _readings: Mapping[str, Reading]) -> list[Issue]:
    """The issues of fields that cannot be seen where they should be."""
    hidden = find_occluded_fields(
        context.fields, context.upright, context.template, context.contrast
    )
    return [Issue(code, name) for name, code in hidden.items()]


def find_occluded_fields(
    specs: Iterable[FieldSpec], upright: Image, unfilled: Image, seen: PrintContrast
) -> dict[str, IssueCode]:
    """Fields that cannot be seen where they should be, by name. Both pictures are grey, laid on the
    form, 8 px/mm; `seen` is of the same page.
    """
    page = downscale(upright, PATCH_SCALE)
    bands, patches = _find_bands(page), find_correction_tape(page, unfilled)
    anything = bool(bands.any() or patches.any())  # most pages show neither
    written = {spec.name: spec for spec in specs if spec.traits.filled_by_hand}
    areas = {name: spec.outlines for name, spec in written.items()}
    rings = {
        name: [outline_visibility(seen, box) for box in boxes] for name, boxes in areas.items()
    }
    usual = _usual_visibility([each for some in rings.values() for each in some])
    bare = None if usual is None else _find_bare_print(seen, usual)
    over = find_missing_print(seen) if usual is None else []
    hidden: dict[str, IssueCode] = {}
    for name, boxes in areas.items():
        if usual is not None and _has_moved(seen, boxes):
            hidden[name] = IssueCode.PLACE_UNSURE
        elif (
            (
                anything
                and any(
                    is_under_tape(patches, box) or _is_under_band(bands, box)
                    for box in written[name].parts
                )
            )
            or _is_lost(seen, written[name], rings[name], usual)
            or (bare is not None and any(_is_bare(seen, bare, box) for box in written[name].parts))
            or any(geometry.box_distance(box, thing) == 0 for box in boxes for thing in over)
            or (
                written[name].traits.has_check_boxes
                and any(is_punch_hole(upright, box) for box in boxes)
            )
        ):
            hidden[name] = IssueCode.COVERED
    return hidden | dict.fromkeys(_find_surrounded(areas, hidden), IssueCode.PLACE_UNSURE)


def _find_surrounded(
    areas: Mapping[str, Sequence[Box]], hidden: Mapping[str, IssueCode]
) -> list[str]:
    """Fields that seem all right but lie among many that do not: their print only looks like what
    was sought.
    """
    if not hidden:
        return []
    names = list(areas)
    middles = np.array(
        [(boxes[0].x + boxes[0].w / 2, boxes[0].y + boxes[0].h / 2) for boxes in areas.values()]
    )
    bad = np.array([name in hidden for name in names])
    near = np.linalg.norm(middles[:, None] - middles[None], axis=2) < _NEIGHBOUR_MM
    share = (near & bad).sum(axis=1) / np.maximum(near.sum(axis=1) - 1, 1)
    return [
        name
        for name, part, gone in zip(names, share, bad, strict=True)
        if part >= _MIN_OCCLUDED_NEIGHBOURS and not gone
    ]


def _field_parts(spec: FieldSpec) -> Sequence[Box]:
    """The boxes of digits, and the stretches of a long box: a corner may be folded over one of
    them.
    """
    if spec.traits.digits_only:
        return spec.cell_boxes
    area, count = spec.area, int(spec.area.w // _STRETCH_MM)
    return (
        [Box(area.x + i * area.w / count, area.y, area.w / count, area.h) for i in range(count)]
        if count > 1
        else ()
    )


def _usual_visibility(rings: list[Map]) -> float | None:
    """The visibility that print of fields has on this page; None if pale print was lost."""
    every = np.concatenate([*rings, np.zeros(0, np.float32)])
    usual = float(np.quantile(every, _VISIBLE_QUANTILE)) if len(every) else 0.0
    return min(usual, 1.0) if usual >= _MIN_PRINT_CONTRAST else None


def _is_lost(seen: PrintContrast, spec: FieldSpec, rings: list[Map], usual: float | None) -> bool:
    """Whether the print of a field is not seen, or that of one of its digit boxes."""
    if usual is None:
        return False
    unseen = max(_unseen_share(each, usual) for each in rings)
    if not _MAX_PARTLY_UNSEEN <= unseen < _MAX_UNSEEN:
        return unseen >= _MAX_UNSEEN
    most = _MAX_UNSEEN_OF_CELL if spec.traits.digits_only else _MAX_UNSEEN_OF_STRETCH
    return (
        max(
            (_unseen_share(outline_visibility(seen, part), usual) for part in _field_parts(spec)),
            default=0.0,
        )
        >= most
    )


def _find_bare_print(seen: PrintContrast, usual: float) -> NDArray[np.bool_] | None:
    """Which places of print show neither print nor ink, (n,), but for print as pale as what is lost
    on much of the page, as from black and white.

    None where there are none, as on most pages.
    """
    bare = np.asarray(seen.shade < _MIN_LINE_CONTRAST * usual, np.bool_)
    if not bare.any():
        return None
    around = seen.template.around
    kinds = np.searchsorted(np.quantile(around, np.arange(1, _TONE_COUNT) / _TONE_COUNT), around)
    lost = np.bincount(kinds, bare, _TONE_COUNT) >= _MAX_BARE_TONE * np.bincount(
        kinds, minlength=_TONE_COUNT
    )
    return np.asarray(bare & ~lost[kinds], np.bool_)


def _is_bare(seen: PrintContrast, bare: NDArray[np.bool_], box: Box) -> bool:
    """Whether there is neither print nor ink where a part of the outline of a box should be; `bare`
    says so of each place of print.
    """
    outline = outline_places(seen.template, box)
    return bool(
        len(outline) >= _MIN_PRINT_PX
        and np.count_nonzero(bare.take(outline)) >= _MAX_BARE_OUTLINE * len(outline)
    )


def _unseen_share(visible: Map, usual: float) -> float:
    """The share of a box's print that is not seen; none if there is too little to tell."""
    return (
        np.count_nonzero(visible < _MIN_LINE_CONTRAST * usual) / len(visible)
        if len(visible) >= _MIN_PRINT_PX
        else 0.0
    )


def _find_bands(page: Image) -> Mask:
    """Where something wider than a pen stroke and longer than a filled box is darker than all
    around, or black; all at `PATCH_SCALE`.
    """
    flat = cv2.morphologyEx(page, cv2.MORPH_CLOSE, _square_kernel(_MAX_STROKE_MM))
    paper = cv2.morphologyEx(flat, cv2.MORPH_CLOSE, _square_kernel(_SURROUNDINGS_MM))
    dark = cv2.compare(flat, cv2.LUT(paper, _DARK_BELOW), cv2.CMP_LT)
    edges, _ = cv2.findContours(dark, cv2.RETR_LIST, cv2.CHAIN_APPROX_SIMPLE)
    if not any(max(cv2.boundingRect(edge)[2:]) >= _MIN_BAND_MM * PATCH_SCALE for edge in edges):
        return np.zeros(
            dark.shape, np.bool_
        )  # as on most pages; the way below takes ten times as long
    parts = Components.of(dark > 0)
    long = (
        parts.stats[:, [cv2.CC_STAT_WIDTH, cv2.CC_STAT_HEIGHT]].max(axis=1)
        >= _MIN_BAND_MM * PATCH_SCALE
    )
    long[0] = False
    return parts.pixels(long)


def _square_kernel(side_mm: float) -> NDArray[np.uint8]:
    side = round(side_mm * PATCH_SCALE) | 1
    return np.ones((side, side), np.uint8)


def _is_under_band(bands: Mask, box: Box) -> bool:
    return covered_share(bands, box) >= _MAX_BAND_COVER


def _has_moved(seen: PrintContrast, boxes: Sequence[Box]) -> bool:
    """Whether the print of a field is found beside its place, clearly better than at it."""
    left, top = min(b.x for b in boxes), min(b.y for b in boxes)
    patch = _make_patch(
        seen.template,
        Box(left, top, max(b.x + b.w for b in boxes) - left, max(b.y + b.h for b in boxes) - top),
    )
    if patch is None or patch.alike(seen.darkness) + _MIN_CORRELATION_GAIN > 1:
        return False  # nothing farther off can be as much better; most fields end here
    reach = _SEARCH_REACH_PX
    scores = _correlate_patch(seen.darkness[patch.around], patch.dark.map)
    near = float(scores[reach - 1 : reach + 2, reach - 1 : reach + 2].max())
    _, best, _, (x, y) = cv2.minMaxLoc(scores)
    moved = float(np.hypot(x - reach, y - reach)) / CHECK_PX_PER_MM
    return bool(
        moved > _MIN_SHIFT_MM and best >= _MIN_CORRELATION and best >= near + _MIN_CORRELATION_GAIN
    )


@dataclass(frozen=True, slots=True)
class _Patch:
    """The print of a field on the unfilled form.

    `place` is where it lies in pictures at `SCALE`, `around` what is searched; `dark` (h, w) is
    its darkness, `mean` the mean of that, and `spread` the root of the sum of the squares of
    what lies above or below it.
    """

    place: tuple[slice, slice]
    around: tuple[slice, slice]
    dark: CompressedMap
    mean: np.float32
    spread: float

    def alike(self, page: Map) -> float:
        """The correlation of the patch with what lies at its place."""
        here = np.ascontiguousarray(page[self.place])
        spread = math.sqrt(here.size) * float(cv2.meanStdDev(here)[1][0, 0])
        return float(np.vdot(here, self.dark.map - self.mean)) / max(spread * self.spread, 1e-9)


@cached_per_object
def _make_patch(form: TemplatePrint, field: Box) -> _Patch | None:
    """None for a field that is too near the edge of the paper to be sought around, or has no print."""
    unfilled = template_darkness(form.template_image)
    rows, columns = box_window(geometry.widen_box(field, OUTLINE_MM))
    height, width = unfilled.shape
    if (
        min(rows.start, columns.start) < _SEARCH_REACH_PX
        or rows.stop + _SEARCH_REACH_PX > height
        or columns.stop + _SEARCH_REACH_PX > width
    ):
        return None
    dark = np.ascontiguousarray(unfilled[rows, columns])
    around = (
        slice(rows.start - _SEARCH_REACH_PX, rows.stop + _SEARCH_REACH_PX),
        slice(columns.start - _SEARCH_REACH_PX, columns.stop + _SEARCH_REACH_PX),
    )
    mean = dark.mean()
    return (
        _Patch(
            (rows, columns), around, CompressedMap(dark), mean, float(np.linalg.norm(dark - mean))
        )
        if dark.std() >= LEAST_PATTERN
        else None
    )


def _correlate_patch(around: Map, patch: Map) -> Map:
    """The correlation of a patch with each place of what lies around it."""
    return np.asarray(
        cv2.matchTemplate(np.ascontiguousarray(around), patch, cv2.TM_CCOEFF_NORMED), np.float32
    )
