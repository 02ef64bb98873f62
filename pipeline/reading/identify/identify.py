"""Which form, page and serial a picture shows, and where its printed marks lie. Nothing here knows
any form.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations

import cv2
import numpy as np
import zxingcpp

from pipeline.domain.issues import Issue, IssueCode
from pipeline.domain.model import Box, Image, SheetCode
from pipeline.forms.fiducials import CODE_BOXES, MARKER_BOXES, parse_code
from pipeline.reading.identify import markers as identify_markers
from pipeline.reading.identify.blank_page import is_blank_page
from pipeline.reading.imaging import geometry
from pipeline.reading.imaging.geometry import Homography, Points

TWIN_SHARE = 0.6
"""A second marker of one number at least this large, as part of the first one's side, may be of
another sheet.
"""
CORNER_REACH, CORNER_MOST_MOVED = 12, 1.5
"""Corners are refined within this part of a marker's side, and may move so many times as far."""
CORNER_STEPS, CORNER_STEP_PX = 40, 0.01
"""The refinement of a corner ends after so many steps, or at a step this small, px."""
MARKER_AROUND_MM, MARKER_PX_PER_MM = 7.0, 8.0
"""How far around its place a missing marker is sought, mm, and in which scale, px/mm."""
CODE_AROUND_MM = 3.0, 9.0
"""How far around its place a code is sought first, mm, and farther and finer if it is not there."""
CODE_FINER = 1.5
"""How many times finer the second search for a code is."""
CODE_SIDES_PX = 1800, 2600
"""Longer side, px, of the smaller images in which codes are sought before the whole one."""
_FINE_SIDE_PX = 3000
"""Longer side, px, of the picture in which markers are sought again."""
_CODE_PX_PER_MM = 12.0
"""Scale in which codes are read, px/mm."""
_MAX_MODULES_MM = 5.5
"""No black part of a code is wider."""
_MIN_BLACK_SHARE = 0.3
"""What is darker than this part of the paper near by is black."""
_OUTLIER_MM = 6.0
"""A marker this far from where the others want it is not a marker of this page."""


@dataclass(frozen=True, slots=True)
class Identification:
    """What the printed marks of a page say.

    `markers` and `code_corners` hold corners (4, 2) in px of the picture, clockwise from the
    mark's own top left: markers by id, codes by place in `fiducials.CODES`. `rotation_deg` is
    the clockwise turn of the page in the picture, -45 to 315. `problems` are `no_code`,
    `codes_differ`, `several_sheets`, `code_missing:1|2`, `marker_missing:<id>`. `code` is None
    when the page is not identified.
    """

    code: SheetCode | None
    markers: Mapping[int, Points]
    rotation_deg: float
    issues: tuple[Issue, ...]
    is_blank: bool
    code_corners: Mapping[int, Points] = field(default_factory=dict)

    @property
    def is_unmarked(self) -> bool:
        """Whether the page bears no marks of ours: one marker by itself may be a likeness."""
        return (
            len(self.markers) < 2
            and not self.code_corners
            and Issue(IssueCode.SEVERAL_SHEETS) not in self.issues
        )

    @property
    def page_homography(self) -> Homography | None:
        """mm → px from all marks found; None if there are too few."""
        marks = [(geometry.box_corners(MARKER_BOXES[i]), c) for i, c in self.markers.items()]
        if len(marks) < 3:
            marks += [
                (geometry.box_corners(CODE_BOXES[i]), c) for i, c in self.code_corners.items()
            ]
        return geometry.fit_homography(marks)


@dataclass(frozen=True, slots=True)
class _FoundCode:
    """A code of ours and its corners, px."""

    code: SheetCode
    corners: Points


def identify_page(image: Image) -> Identification:
    """Find markers and codes in a picture of a page (grey or BGR, any turn, 150–600 dpi, scan or
    photograph).
    """
    found, several = _find_markers(image, identify_markers.corner_parts(image))
    if several or not _is_one_page(found):
        found, several = _find_markers(
            image, identify_markers.whole_image_part(image, identify_markers.SEARCH_SIDE_PX)
        )
    if not found and is_blank_page(image):
        return Identification(None, {}, 0.0, (), True)
    if len(found) < 2:
        found, several = max(
            (found, several),
            _find_markers(image, identify_markers.whole_image_part(image, _FINE_SIDE_PX)),
            key=lambda result: len(result[0]),
        )
    found = _add_missing_markers(image, found)
    codes = _read_expected_codes(image, found) or _search_codes(image, found)
    return _make_identification(found, codes, several=several)


def _make_identification(
    markers: dict[int, Points], codes: dict[int, _FoundCode], *, several: bool
) -> Identification:
    said = {c.code for c in codes.values()}
    wrong = {
        IssueCode.SEVERAL_SHEETS: several,
        IssueCode.NO_CODE: not said,
        IssueCode.CODES_DIFFER: len(said) > 1,
    }
    problems = [Issue(problem) for problem, is_so in wrong.items() if is_so]
    code = None if problems else said.pop()
    if code:
        problems += [
            Issue(IssueCode.CODE_MISSING, str(i + 1))
            for i in range(len(CODE_BOXES))
            if i not in codes
        ]
        problems += [
            Issue(IssueCode.MARKER_MISSING, str(i)) for i in MARKER_BOXES if i not in markers
        ]
    result = Identification(
        code, markers, 0.0, tuple(problems), False, {i: c.corners for i, c in codes.items()}
    )
    lies = result.page_homography
    turn = 0.0 if lies is None else geometry.turn_at_centre(lies)
    return Identification(code, markers, turn, result.issues, False, result.code_corners)


def _is_one_page(markers: dict[int, Points]) -> bool:
    lies = _fit_homography(markers)
    return (
        len(markers) == len(MARKER_BOXES)
        and lies is not None
        and identify_markers.is_evenly_scaled(lies)
    )


def _find_markers(
    image: Image, parts: Sequence[identify_markers.ImagePart]
) -> tuple[dict[int, Points], bool]:
    """Markers in parts of a picture by id, the larger of two; and whether two sheets seem to lie in
    it.
    """
    seen: dict[int, list[Points]] = {}
    for part, to_image, larger in parts:
        quads, ids, _ = identify_markers.make_detector(larger).detectMarkers(part)
        for quad, marker in zip(quads, [] if ids is None else ids.ravel(), strict=True):
            if int(marker) in MARKER_BOXES:
                seen.setdefault(int(marker), []).append(
                    geometry.transform_points(to_image, quad.reshape(4, 2).astype(np.float64))
                )
    best = {marker: max(quads, key=_longest_side) for marker, quads in seen.items()}
    twins = sum(
        sorted(map(_longest_side, quads))[-2] > TWIN_SHARE * _longest_side(best[m])
        for m, quads in seen.items()
        if len(quads) > 1
    )
    sharp = {marker: _refine_corners(image, quad) for marker, quad in best.items()}
    return _largest_consistent(sharp), twins > 1


def _longest_side(quad: Points) -> float:
    return float(np.linalg.norm(np.roll(quad, -1, axis=0) - quad, axis=1).mean())


def _refine_corners(image: Image, quad: Points) -> Points:
    """Corners refined to a part of a pixel in the full picture."""
    reach = max(3, round(_longest_side(quad) / CORNER_REACH))
    low = np.maximum(np.floor(quad.min(axis=0)).astype(int) - 3 * reach, 0)
    high = np.ceil(quad.max(axis=0)).astype(int) + 3 * reach
    part = geometry.to_grayscale(image[low[1] : high[1], low[0] : high[0]])
    if min(part.shape) < 4 * reach:
        return quad
    start = (quad - low).astype(np.float32).reshape(-1, 1, 2)
    end = cv2.cornerSubPix(
        np.ascontiguousarray(part),
        start,
        (reach, reach),
        (-1, -1),
        (3, CORNER_STEPS, CORNER_STEP_PX),
    )
    moved = np.asarray(end, dtype=np.float64).reshape(4, 2) + low
    return np.where(
        np.linalg.norm(moved - quad, axis=1, keepdims=True) <= CORNER_MOST_MOVED * reach,
        moved,
        quad,
    )


def _largest_consistent(markers: dict[int, Points]) -> dict[int, Points]:
    """The largest group of markers that can lie on one page."""
    for size in range(len(markers), 1, -1):
        groups = [dict(group) for group in combinations(markers.items(), size)]
        fitting = [
            group for group in groups if _max_misfit(group) < _OUTLIER_MM * (3 if size == 2 else 1)
        ]
        if fitting:
            return min(fitting, key=_max_misfit)
    return dict(sorted(markers.items(), key=lambda item: _longest_side(item[1]))[-1:])


def _max_misfit(markers: dict[int, Points]) -> float:
    """Largest distance, mm, of a marker's corner from where the group's plane puts it."""
    marks = [(geometry.box_corners(MARKER_BOXES[i]), quad) for i, quad in markers.items()]
    lies = geometry.fit_homography(marks)
    if lies is None:
        return float("inf")
    wrong = [
        np.linalg.norm(geometry.transform_points(lies, mm) - px, axis=1).max() for mm, px in marks
    ]
    return float(max(wrong) / geometry.scale_at_centre(lies))


def _fit_homography(markers: dict[int, Points]) -> Homography | None:
    return geometry.fit_homography(
        [(geometry.box_corners(MARKER_BOXES[i]), quad) for i, quad in markers.items()]
    )


def _add_missing_markers(image: Image, markers: dict[int, Points]) -> dict[int, Points]:
    """Look again, closely, where the markers not found must be."""
    lies = _fit_homography(markers)
    if lies is None or len(markers) == len(MARKER_BOXES):
        return markers
    found = dict(markers)
    for marker in MARKER_BOXES.keys() - markers.keys():
        area = geometry.widen_box(MARKER_BOXES[marker], MARKER_AROUND_MM)
        flat = geometry.to_grayscale(geometry.warp_box(image, lies, area, MARKER_PX_PER_MM))
        quads, ids, _ = identify_markers.make_detector().detectMarkers(flat)
        back = lies @ np.linalg.inv(geometry.raster_homography(MARKER_PX_PER_MM, (area.x, area.y)))
        for quad, seen in zip(quads, [] if ids is None else ids.ravel(), strict=True):
            if seen == marker:
                found[marker] = _refine_corners(
                    image, geometry.transform_points(back, quad.reshape(4, 2).astype(np.float64))
                )
    return _largest_consistent(found)


def _read_expected_codes(image: Image, markers: dict[int, Points]) -> dict[int, _FoundCode]:
    """The codes where the markers say they are."""
    lies = _fit_homography(markers)
    if lies is None:
        return {}
    found = {}
    for place, box in enumerate(CODE_BOXES):
        if code := _read_code_at(image, lies, box):
            found[place] = code
    return found


def _read_code_at(image: Image, lies: Homography, box: Box) -> _FoundCode | None:
    for margin, scale in zip(
        CODE_AROUND_MM, (_CODE_PX_PER_MM, CODE_FINER * _CODE_PX_PER_MM), strict=True
    ):
        area = geometry.widen_box(box, margin)
        flat = geometry.warp_box(image, lies, area, scale)
        back = lies @ np.linalg.inv(geometry.raster_homography(scale, (area.x, area.y)))
        for code in _read_codes(flat) or _read_codes(_binarize_code(flat, scale)):
            return _FoundCode(code.code, geometry.transform_points(back, code.corners))
    return None


def _binarize_code(flat: Image, px_per_mm: float) -> Image:
    """Black and white against the paper of each place: a code is blacker than the coffee that was
    spilt on it.
    """
    side = round(_MAX_MODULES_MM * px_per_mm) | 1
    smooth = cv2.medianBlur(geometry.to_grayscale(flat), 3)
    paper = cv2.morphologyEx(smooth, cv2.MORPH_CLOSE, np.ones((side, side), np.uint8))
    return np.where(smooth < _MIN_BLACK_SHARE * paper.astype(np.float32), 0, 255).astype(np.uint8)


def _read_codes(picture: Image) -> list[_FoundCode]:
    """All codes of ours in a picture, with corners in its px."""
    codes = []
    for barcode in zxingcpp.read_barcodes(
        geometry.to_grayscale(picture),
        formats=zxingcpp.BarcodeFormats(zxingcpp.BarcodeFormat.QRCode),
        try_invert=False,
    ):
        at = barcode.position
        quad = np.array(
            [(p.x, p.y) for p in (at.top_left, at.top_right, at.bottom_right, at.bottom_left)],
            dtype=np.float64,
        )
        if code := parse_code(barcode.text):
            codes.append(_FoundCode(code, quad))
    return codes


def _search_codes(image: Image, markers: dict[int, Points]) -> dict[int, _FoundCode]:
    """The codes wherever they are in the picture: first in a smaller one, which is quicker and
    smooths noise.
    """
    for side in (*CODE_SIDES_PX, max(image.shape[:2])):
        small = geometry.shrink_image(image, side / max(image.shape[:2]))
        to_image = geometry.resize_homography(small, image)
        codes = [
            _FoundCode(c.code, geometry.transform_points(to_image, c.corners))
            for c in _read_codes(small)
        ]
        if codes:
            return _assign_code_places(codes, markers, image)
    return {}


def _assign_code_places(
    codes: list[_FoundCode], markers: dict[int, Points], image: Image
) -> dict[int, _FoundCode]:
    """Which of the two places each code has: that which agrees best with the markers, or with the
    page lying in the picture.
    """
    if len(codes) == 1:
        return {
            max(
                range(len(CODE_BOXES)),
                key=lambda place: _place_score(codes[0], place, markers, image),
            ): codes[0]
        }
    first, second = codes[:2]
    along = first.corners[1] - first.corners[0] + first.corners[2] - first.corners[1]
    forwards = float(np.dot(second.corners.mean(axis=0) - first.corners.mean(axis=0), along)) > 0
    return {0: first, 1: second} if forwards else {0: second, 1: first}


def _place_score(code: _FoundCode, place: int, markers: dict[int, Points], image: Image) -> float:
    lies = geometry.fit_homography([(geometry.box_corners(CODE_BOXES[place]), code.corners)])
    if lies is None:
        return float("-inf")
    if markers:
        marks = [(geometry.box_corners(MARKER_BOXES[i]), quad) for i, quad in markers.items()]
        return -max(
            float(np.linalg.norm(geometry.transform_points(lies, mm) - px, axis=1).max())
            for mm, px in marks
        )
    outline = geometry.transform_points(lies, geometry.box_corners(geometry.PAGE_BOX))
    h, w = image.shape[:2]
    outside = np.maximum(-outline, 0) + np.maximum(outline - (w, h), 0)
    return -float(outside.sum())
