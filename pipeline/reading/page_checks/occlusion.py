"""Find fields that cannot be seen where they should be.

A page as a whole may be well registered while one field is torn off, folded, in deep shadow, or
below a felt pen or correction tape. A reader that gets such a field answers wrongly with high
confidence, so each field is checked by itself: by the contrast of its printed lines, by wide dark
bands across it, by areas whiter than the paper, and by where its print is found in the
neighbourhood. A page without pale print, as in black and white, is judged by its printed words
alone. Punch holes that a scanner shows dark are round, and wider than a filled check box.
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
from pipeline.reading.imaging.cache import cached_per_object
from pipeline.reading.imaging.pixels import Components, CompressedMap, Map, Mask
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
    MIN_TAPED_SHARE,
    PATCH_SCALE,
    covered_share,
    find_correction_tape,
    find_missing_print,
    patch_kernel,
)
from pipeline.reading.page_checks.page_context import PageContext

_AROUND_MM = 1.5
"""Margin around a check box in which a punch hole is searched for, mm."""
_MAX_HOLE_BRIGHTNESS = 0.6
"""A hole is darker than this share of the paper around; pencil that fills a box may be paler."""
_MIN_DARK_SHARE = 0.75
"""A box less dark than this share is below no hole."""
_MIN_OVERHANG_MM = 0.3
"""Holes contain a circle whose radius is this much larger than that of a filled box, mm.

Holes are 6 mm wide (ISO 838), boxes 4.6 or 5 mm.
"""
MIN_PATTERN = 0.01
"""Standard deviation of darkness below which a patch has nothing to search for."""
_MIN_LINE_CONTRAST = 0.2
"""A line with less than this share of the page's usual contrast is not seen."""
_MAX_UNSEEN = 0.4
"""A field with more than this share of its print unseen is occluded."""
_MAX_BARE_OUTLINE = 0.05
"""If more than this share of a box's outline is bare paper, a part of the box is missing.

It is torn off, folded away or punched out.
"""
_MAX_BARE_OUTLINE_ON_WHITE, _MAX_BARE_CELL_ON_WHITE = 0.14, 0.4
"""The same on a page that is white everywhere, where the threshold loses parts of pale lines; the
second value for a digit box, half of whose outline is paler.
"""
_MAX_BARE_OUTLINE_DOTTED, _MIN_DOTTED_FIELDS = (0.26, 0.6), 0.25
"""The same if so large a share of the fields have lost any: what is hidden is bare all over, and
barer than the other fields of the page.
"""
_DOTTED_QUANTILE, _BARER_THAN_OTHERS = 0.9, 1.6
"""So much barer than this quantile of the fields of a dotted page is what is hidden."""
_WHITE_LEVEL, _MIN_WHITE_SHARE, _MIN_USUAL_MEDIAN = 254, 0.5, 0.5
"""A page with this share as white as possible is white everywhere. Pale print counts as lost there
if half of it shows with less than this share of what is usual.
"""
_MIN_PRINT_CONTRAST, _MIN_PRINT_CONTRAST_ON_WHITE = 0.3, 0.7
"""With less than this share of the template's contrast pale print is lost, or dotted on white."""
_VISIBLE_QUANTILE = 0.85
"""Quantile of the visibility that is usual on a page.

More than half of a page may be torn off or dark.
"""
_MIN_PRINT_PX = 40
"""Least length of an outline that is judged, px at 4 px/mm."""
_MAX_STROKE_MM = 3.0
"""No pen stroke of writing is wider, mm."""
_MIN_BAND_MM = 9.0
"""A dark area longer than this is no filled box, mm."""
_SURROUNDINGS_MM = 41.0
"""Distance within which paper gives a place's brightness, mm."""
_DARK_SHARE = 0.72
"""Darker than this share of the paper around is shadow, or something on the page."""
_DARKEST_PAPER = 30
"""Grey of paper below which the camera's noise is as strong as a pen."""
_DARK_BELOW = np.maximum(np.ceil(_DARK_SHARE * np.arange(256)), _DARKEST_PAPER).astype(np.uint8)
"""For each grey of paper, the grey below which a place is dark."""
_MAX_BAND_COVER = 0.1
"""A field with more than this share dark is occluded."""
_SEARCH_REACH_PX = round(2.5 * CHECK_PX_PER_MM)
"""How far from its place print is searched for, px."""
_MIN_SHIFT_MM = 0.7
"""Print found farther from its place than this has moved, mm."""
_MIN_CORRELATION = 0.5
"""Least correlation of print that has moved with the template's."""
_MIN_CORRELATION_GAIN = 0.1
"""How much better the correlation must be than at the right place."""
_NEIGHBOUR_MM = 22.0
"""Distance of fields that count as neighbours, mm."""
_STRETCH_MM = 20.0
"""Length of the parts into which a long field is divided, mm."""
_MIN_OCCLUDED_NEIGHBOURS = 0.6
"""A field is occluded too if more than this share of its neighbours is."""
_MAX_PARTLY_UNSEEN, _MAX_UNSEEN_OF_CELL, _MAX_UNSEEN_OF_STRETCH = 0.1, 0.75, 0.6
"""Share of unseen print from which a field's parts are examined, and limits for parts.

The limits are for a digit box and for a stretch. A digit often hides half of its box, but not all
of it; a line of writing hides one of the two rules along which it runs.
"""
_TONE_COUNT, _MAX_BARE_TONE = 16, 0.25
"""Print is divided by tone; a tone with more than this share bare is lost, not torn off."""


def check(context: PageContext, _readings: Mapping[str, Reading]) -> list[Issue]:
    """Return the issues of fields that cannot be seen where they should be."""
    occluded = find_occluded_fields(
        context.fields, context.upright, context.template, context.contrast
    )
    return [Issue(code, name) for name, code in occluded.items()]


def find_occluded_fields(
    specs: Iterable[FieldSpec], upright: Image, template: Image, contrast: PrintContrast
) -> dict[str, IssueCode]:
    """Return the fields that cannot be seen where they should be, by name.

    Both images are grey, registered, 8 px/mm; `contrast` is that of the same page.
    """
    written = [spec for spec in specs if spec.traits.filled_by_hand]
    page = _PageView.of(written, upright, template, contrast)
    occluded: dict[str, IssueCode] = {}
    for spec in written:
        if page.usual is not None and _has_moved(contrast, spec.outlines):
            occluded[spec.name] = IssueCode.PLACE_UNSURE
        elif page.covers(spec):
            occluded[spec.name] = IssueCode.COVERED
    return occluded | dict.fromkeys(_find_surrounded(written, occluded), IssueCode.PLACE_UNSURE)


@dataclass(frozen=True, slots=True)
class _PageView:
    """How well the print of a page shows, and what covers it.

    `bands` and `patches` are masks at `PATCH_SCALE`, None if the page shows neither. `visibility`
    is that of each field's outlines, and `usual` what is usual on the page: None if pale print was
    lost. Only then is `hidden_words` computed, else `bare`. A field with more than `max_bare` of
    its outline bare is not seen as a whole.
    """

    upright: Image
    contrast: PrintContrast
    bands: Mask | None
    patches: Mask | None
    visibility: Mapping[str, list[Map]]
    usual: float | None
    bare: NDArray[np.bool_] | None
    hidden_words: Sequence[Box]
    max_bare: float

    @classmethod
    def of(
        cls, specs: Sequence[FieldSpec], upright: Image, template: Image, contrast: PrintContrast
    ) -> _PageView:
        """Examine a page with these fields."""
        # What covers the page: dark bands and correction tape. Most pages show neither.
        page = downscale(upright, PATCH_SCALE)
        bands, patches = _find_bands(page), find_correction_tape(page, template)
        is_covered = bool(bands.any() or patches.any())
        # How well print shows on this page, and where it is missing.
        visibility = {
            spec.name: [outline_visibility(contrast, box) for box in spec.outlines]
            for spec in specs
        }
        is_white = bool((page >= _WHITE_LEVEL).mean() >= _MIN_WHITE_SHARE)
        usual = _usual_visibility([each for some in visibility.values() for each in some], is_white)
        bare = None if usual is None else _find_bare_print(contrast, usual)
        return cls(
            upright,
            contrast,
            bands if is_covered else None,
            patches if is_covered else None,
            visibility,
            usual,
            bare,
            find_missing_print(contrast) if usual is None else (),
            _max_bare_on_white(contrast, specs, bare) if is_white else _MAX_BARE_OUTLINE,
        )

    def covers(self, spec: FieldSpec) -> bool:
        """Check whether the print of a field is missing, or something covers the field."""
        return (
            self._is_under_something(spec)
            or _is_lost(self.contrast, spec, self.visibility[spec.name], self.usual)
            or self._is_bare(spec)
            or any(
                geometry.box_distance(box, place) == 0
                for box in spec.outlines
                for place in self.hidden_words
            )
            or (
                spec.traits.has_check_boxes
                and any(is_punch_hole(self.upright, box) for box in spec.outlines)
            )
        )

    def _is_under_something(self, spec: FieldSpec) -> bool:
        bands, patches = self.bands, self.patches
        return (
            bands is not None
            and patches is not None
            and any(
                covered_share(patches, box) >= MIN_TAPED_SHARE
                or covered_share(bands, box) >= _MAX_BAND_COVER
                for box in spec.parts
            )
        )

    def _is_bare(self, spec: FieldSpec) -> bool:
        bare, limit = self.bare, self.max_bare
        if spec.traits.digits_only and limit > _MAX_BARE_OUTLINE:
            limit = max(limit, _MAX_BARE_CELL_ON_WHITE)
        return bare is not None and any(
            _bare_share(self.contrast, bare, box) >= limit for box in spec.parts
        )


def _find_surrounded(specs: Sequence[FieldSpec], occluded: Mapping[str, IssueCode]) -> list[str]:
    """Return fields that seem fine but have mostly occluded neighbours.

    What was found there only looks like their print.
    """
    # Without occluded fields no neighbour is suspicious.
    if not occluded:
        return []
    # Share of occluded fields among the neighbours of each field.
    first_boxes = [spec.outlines[0] for spec in specs]
    middles = np.array([(box.x + box.w / 2, box.y + box.h / 2) for box in first_boxes])
    is_occluded = np.array([spec.name in occluded for spec in specs])
    is_near = np.linalg.norm(middles[:, None] - middles[None], axis=2) < _NEIGHBOUR_MM
    share = (is_near & is_occluded).sum(axis=1) / np.maximum(is_near.sum(axis=1) - 1, 1)
    return [
        specs[i].name
        for i in np.flatnonzero((share >= _MIN_OCCLUDED_NEIGHBOURS) & ~is_occluded).tolist()
    ]


def _field_parts(spec: FieldSpec) -> Sequence[Box]:
    """Return the parts of a field that are judged by themselves, since a corner may be folded.

    These are digit boxes, and stretches of a long box.
    """
    if spec.traits.digits_only:
        return spec.cell_boxes
    area, count = spec.area, int(spec.area.w // _STRETCH_MM)
    return (
        [Box(area.x + i * area.w / count, area.y, area.w / count, area.h) for i in range(count)]
        if count > 1
        else ()
    )


def _usual_visibility(visibility: list[Map], is_white: bool) -> float | None:
    """Return the visibility of fields' print on this page; None if pale print was lost.

    On a page that `is_white` everywhere the scanner's threshold may lose most of it, though writing
    over the rest shows well.
    """
    # A high quantile, as much of a page may be torn off or dark.
    values = np.concatenate([*visibility, np.zeros(0, np.float32)])
    usual = float(np.quantile(values, _VISIBLE_QUANTILE)) if len(values) else 0.0
    if usual < (_MIN_PRINT_CONTRAST_ON_WHITE if is_white else _MIN_PRINT_CONTRAST) or (
        is_white and float(np.median(values)) < _MIN_USUAL_MEDIAN * min(usual, 1.0)
    ):
        return None
    return min(usual, 1.0)


def _is_lost(
    contrast: PrintContrast, spec: FieldSpec, visibility: list[Map], usual: float | None
) -> bool:
    """Check whether the print of a field, or of one of its parts, is not seen."""
    if usual is None:
        return False
    unseen_share = max(_unseen_share(values, usual) for values in visibility)
    if not _MAX_PARTLY_UNSEEN <= unseen_share < _MAX_UNSEEN:
        return unseen_share >= _MAX_UNSEEN
    # Between the two limits the worst part decides: it may be lost as a whole.
    limit = _MAX_UNSEEN_OF_CELL if spec.traits.digits_only else _MAX_UNSEEN_OF_STRETCH
    return any(
        _unseen_share(outline_visibility(contrast, part), usual) >= limit
        for part in _field_parts(spec)
    )


def _find_bare_print(contrast: PrintContrast, usual: float) -> NDArray[np.bool_] | None:
    """Return which places of print, (n,), show neither print nor ink; None if there are none.

    Print of a tone that is lost on much of the page, as in black and white, does not count.
    """
    is_bare = np.asarray(contrast.shade < _MIN_LINE_CONTRAST * usual, np.bool_)
    if not is_bare.any():
        return None
    around = contrast.template.around
    # Tones of print that are lost as a whole.
    tones = np.searchsorted(np.quantile(around, np.arange(1, _TONE_COUNT) / _TONE_COUNT), around)
    is_lost = np.bincount(tones, is_bare, _TONE_COUNT) >= _MAX_BARE_TONE * np.bincount(
        tones, minlength=_TONE_COUNT
    )
    return np.asarray(is_bare & ~is_lost[tones], np.bool_)


def _max_bare_on_white(
    contrast: PrintContrast, specs: Sequence[FieldSpec], bare: NDArray[np.bool_] | None
) -> float:
    """Return how much of an outline may be bare on a page that is white everywhere."""
    if bare is None:
        return 1.0
    shares = [
        max((_bare_share(contrast, bare, box) for box in spec.parts), default=0.0) for spec in specs
    ]
    if np.count_nonzero(shares) < _MIN_DOTTED_FIELDS * len(shares):
        return _MAX_BARE_OUTLINE_ON_WHITE
    usual = _BARER_THAN_OTHERS * float(np.quantile(shares, _DOTTED_QUANTILE))
    return float(np.clip(usual, *_MAX_BARE_OUTLINE_DOTTED))


def _bare_share(contrast: PrintContrast, is_bare: NDArray[np.bool_], box: Box) -> float:
    """Return the share of a box's outline that shows neither print nor ink.

    `is_bare` says so of each place of print. Too short an outline tells nothing: 0.
    """
    outline = outline_places(contrast.template, box)
    if len(outline) < _MIN_PRINT_PX:
        return 0.0
    return np.count_nonzero(is_bare.take(outline)) / len(outline)


def _unseen_share(visibility: Map, usual: float) -> float:
    """Return the share of a box's print that is not seen; 0 if there is too little to tell."""
    return (
        np.count_nonzero(visibility < _MIN_LINE_CONTRAST * usual) / len(visibility)
        if len(visibility) >= _MIN_PRINT_PX
        else 0.0
    )


def _find_bands(page: Image) -> Mask:
    """Find dark areas wider than a pen stroke and longer than a filled box, at `PATCH_SCALE`."""
    # Close strokes, and compare with the paper around.
    without_strokes = cv2.morphologyEx(page, cv2.MORPH_CLOSE, patch_kernel(_MAX_STROKE_MM))
    paper = cv2.morphologyEx(without_strokes, cv2.MORPH_CLOSE, patch_kernel(_SURROUNDINGS_MM))
    dark = cv2.compare(without_strokes, cv2.LUT(paper, _DARK_BELOW), cv2.CMP_LT)
    # Most pages have no band; labelling takes ten times as long.
    contours, _ = cv2.findContours(dark, cv2.RETR_LIST, cv2.CHAIN_APPROX_SIMPLE)
    if not any(
        max(cv2.boundingRect(contour)[2:]) >= _MIN_BAND_MM * PATCH_SCALE for contour in contours
    ):
        return np.zeros(dark.shape, np.bool_)
    components = Components.of(dark > 0)
    sides = components.stats[:, [cv2.CC_STAT_WIDTH, cv2.CC_STAT_HEIGHT]]
    return components.pixels(sides.max(axis=1) >= _MIN_BAND_MM * PATCH_SCALE)


def _has_moved(contrast: PrintContrast, boxes: Sequence[Box]) -> bool:
    """Check whether a field's print is found beside its place, clearly better than at it."""
    # One patch around all boxes of the field.
    left, top = min(b.x for b in boxes), min(b.y for b in boxes)
    patch = _make_patch(
        contrast.template,
        Box(left, top, max(b.x + b.w for b in boxes) - left, max(b.y + b.h for b in boxes) - top),
    )
    # Most fields correlate so well that no other place can be much better.
    if patch is None or patch.correlation(contrast.darkness) + _MIN_CORRELATION_GAIN > 1:
        return False
    reach = _SEARCH_REACH_PX
    # Search the neighbourhood for a better place.
    scores = np.asarray(
        cv2.matchTemplate(
            np.ascontiguousarray(contrast.darkness[patch.search_window]),
            patch.darkness.map,
            cv2.TM_CCOEFF_NORMED,
        ),
        np.float32,
    )
    near_score = float(scores[reach - 1 : reach + 2, reach - 1 : reach + 2].max())
    _, best_score, _, (x, y) = cv2.minMaxLoc(scores)
    distance_mm = float(np.hypot(x - reach, y - reach)) / CHECK_PX_PER_MM
    return bool(
        distance_mm > _MIN_SHIFT_MM
        and best_score >= _MIN_CORRELATION
        and best_score >= near_score + _MIN_CORRELATION_GAIN
    )


@dataclass(frozen=True, slots=True)
class _Patch:
    """The print of a field on the template, at `CHECK_PX_PER_MM`.

    `window` is its place, `search_window` what is searched. `darkness` (h, w) has the mean
    `mean`; `spread` is the root of the sum of squared deviations.
    """

    window: tuple[slice, slice]
    search_window: tuple[slice, slice]
    darkness: CompressedMap
    mean: np.float32
    spread: float

    def correlation(self, page: Map) -> float:
        """Return the correlation of the patch with the page at its place."""
        # Pearson correlation, with the template's part computed in advance.
        found = np.ascontiguousarray(page[self.window])
        spread = math.sqrt(found.size) * float(cv2.meanStdDev(found)[1][0, 0])
        return float(np.vdot(found, self.darkness.map - self.mean)) / max(
            spread * self.spread, 1e-9
        )


@cached_per_object
def _make_patch(template: TemplatePrint, field: Box) -> _Patch | None:
    """Return the patch of a field; None if too near the edge of the paper or without print."""
    template_map = template_darkness(template.template_image)
    rows, columns = box_window(geometry.widen_box(field, OUTLINE_MM))
    height, width = template_map.shape
    # The search needs room on all sides.
    if (
        min(rows.start, columns.start) < _SEARCH_REACH_PX
        or rows.stop + _SEARCH_REACH_PX > height
        or columns.stop + _SEARCH_REACH_PX > width
    ):
        return None
    darkness = np.ascontiguousarray(template_map[rows, columns])
    search_window = (
        slice(rows.start - _SEARCH_REACH_PX, rows.stop + _SEARCH_REACH_PX),
        slice(columns.start - _SEARCH_REACH_PX, columns.stop + _SEARCH_REACH_PX),
    )
    mean = darkness.mean()
    if darkness.std() < MIN_PATTERN:
        return None
    spread = float(np.linalg.norm(darkness - mean))
    return _Patch((rows, columns), search_window, CompressedMap(darkness), mean, spread)


def is_punch_hole(upright: Image, box: Box) -> bool:
    """Check whether a check box is below a dark hole; `upright` is the registered page in grey."""
    around = upright[box_window(geometry.widen_box(box, _AROUND_MM), geometry.PX_PER_MM)]
    # A quick test on few pixels excludes nearly all boxes.
    is_dark = np.asarray(around[::4, ::4] < _MAX_HOLE_BRIGHTNESS * around.max(initial=0), np.bool_)
    if is_dark.mean() < _MIN_DARK_SHARE * box.w * box.h / (
        (box.w + 2 * _AROUND_MM) * (box.h + 2 * _AROUND_MM)
    ):
        return False
    # The largest dark circle is larger than a filled box.
    distances = cv2.distanceTransform(
        (around < _MAX_HOLE_BRIGHTNESS * around.max()).view(np.uint8), cv2.DIST_L2, 5
    )
    return float(distances.max()) >= (min(box.w, box.h) / 2 + _MIN_OVERHANG_MM) * geometry.PX_PER_MM
