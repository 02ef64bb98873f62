"""Identify the form, page and serial number of an image, and find its printed marks.

Nothing in this module depends on a particular form.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
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
"""A second marker with the same number may be another sheet's if it is at least this large.

As a part of the side of the first.
"""
CORNER_REACH, CORNER_MOST_MOVED = 12, 1.5
"""Corners are refined within this part of a marker's side, and may move this much farther."""
CORNER_STEPS, CORNER_STEP_PX = 40, 0.01
"""The refinement of a corner ends after this many steps, or at a step this small, px."""
MARKER_AROUND_MM, MARKER_PX_PER_MM = 7.0, 8.0
"""Margin in which a missing marker is searched for, mm, and the scale, px/mm."""
CODE_AROUND_MM = 3.0, 9.0
"""Margins in which a code is searched for: first close, then wider and finer, mm."""
CODE_FINER = 1.5
"""How many times finer the second search for a code is."""
CODE_SIDES_PX = 1800, 2600
"""Longer sides, px, of the reduced images that are searched for codes before the whole one."""
_FINE_SIDE_PX = 3000
"""Longer side, px, of the image that is searched for markers again."""
_CODE_PX_PER_MM = 12.0
"""Scale in which codes are read, px/mm."""
_MAX_MODULES_MM = 5.5
"""No black part of a code is wider, mm."""
_MIN_BLACK_SHARE = 0.3
"""Anything darker than this share of the paper near it is black."""
_OUTLIER_MM = 6.0
"""A marker this far from where the others predict it is not of this page, mm."""


@dataclass(frozen=True, slots=True)
class Identification:
    """What the printed marks of a page say.

    `markers` and `code_corners` hold corners (4, 2) in px of the image, clockwise from the
    mark's own top left: markers by id, codes by their index in `fiducials.CODE_BOXES`.
    `rotation_deg` is the clockwise turn of the page in the image, -45 to 315. `issues` are
    `no_code`, `codes_differ`, `several_sheets`, `code_missing:1|2` and `marker_missing:<id>`.
    `code` is None if the page is not identified.
    """

    code: SheetCode | None
    markers: Mapping[int, Points]
    rotation_deg: float
    issues: tuple[Issue, ...]
    is_blank: bool
    code_corners: Mapping[int, Points] = field(default_factory=dict)

    @property
    def is_unmarked(self) -> bool:
        """Whether the page has no marks of Efterskrift.

        A single marker may be a chance likeness.
        """
        return (
            len(self.markers) < 2
            and not self.code_corners
            and Issue(IssueCode.SEVERAL_SHEETS) not in self.issues
        )

    @property
    def marks(self) -> list[tuple[Points, Points]]:
        """The corners of each mark found, (4, 2) mm on the form and px of the image."""
        markers = [(geometry.box_corners(MARKER_BOXES[i]), c) for i, c in self.markers.items()]
        codes = [(geometry.box_corners(CODE_BOXES[i]), c) for i, c in self.code_corners.items()]
        return markers + codes

    @property
    def page_homography(self) -> Homography | None:
        """mm → px from all marks found; None if there are too few."""
        few = len(self.markers) < 3
        return geometry.fit_homography(self.marks if few else self.marks[: len(self.markers)])


@dataclass(frozen=True, slots=True)
class _FoundCode:
    """A code and its corners, px."""

    code: SheetCode
    corners: Points


def identify_page(image: Image) -> Identification:
    """Find markers and codes in the image of a page.

    The image is grey or BGR, of any turn, 150–600 dpi, a scan or a photograph.
    """
    # The corners are quick; search the whole image if they do not agree.
    markers, several = _find_markers(image, identify_markers.corner_parts(image))
    if several or not _is_one_page(markers):
        markers, several = _find_markers(
            image, identify_markers.whole_image_part(image, identify_markers.SEARCH_SIDE_PX)
        )
    # A blank page would make the finer searches below slow.
    if not markers and is_blank_page(image):
        return Identification(None, {}, 0.0, (), True)
    # Small or faint markers need a finer image.
    if len(markers) < 2:
        markers, several = max(
            (markers, several),
            _find_markers(image, identify_markers.whole_image_part(image, _FINE_SIDE_PX)),
            key=lambda result: len(result[0]),
        )
    # The markers found predict where the others and the codes are.
    markers = _add_missing_markers(image, markers)
    codes = _read_expected_codes(image, markers) or _search_codes(image, markers)
    return _make_identification(markers, codes, several=several)


def _make_identification(
    markers: dict[int, Points], codes: dict[int, _FoundCode], *, several: bool
) -> Identification:
    distinct_codes = {c.code for c in codes.values()}
    # Issues that leave the page unidentified.
    conditions = {
        IssueCode.SEVERAL_SHEETS: several,
        IssueCode.NO_CODE: not distinct_codes,
        IssueCode.CODES_DIFFER: len(distinct_codes) > 1,
    }
    issues = [Issue(issue_code) for issue_code, applies in conditions.items() if applies]
    code = None if issues else distinct_codes.pop()
    # Issues that an identified page may have.
    if code:
        issues += [
            Issue(IssueCode.CODE_MISSING, str(i + 1))
            for i in range(len(CODE_BOXES))
            if i not in codes
        ]
        issues += [
            Issue(IssueCode.MARKER_MISSING, str(i)) for i in MARKER_BOXES if i not in markers
        ]
    # The turn follows from all marks together.
    result = Identification(
        code, markers, 0.0, tuple(issues), False, {i: c.corners for i, c in codes.items()}
    )
    homography = result.page_homography
    turn = 0.0 if homography is None else geometry.turn_at_centre(homography)
    return replace(result, rotation_deg=turn)


def _is_one_page(markers: dict[int, Points]) -> bool:
    homography = _fit_homography(markers)
    return (
        len(markers) == len(MARKER_BOXES)
        and homography is not None
        and identify_markers.is_evenly_scaled(homography)
    )


def _find_markers(
    image: Image, parts: Sequence[identify_markers.ImagePart]
) -> tuple[dict[int, Points], bool]:
    """Find markers in parts of an image, by id, and whether two sheets seem to be in it.

    Of two markers with the same id the larger one counts.
    """
    quads_by_id: dict[int, list[Points]] = {}
    for part, to_image, scale in parts:
        quads, ids, _ = identify_markers.make_detector(scale).detectMarkers(part)
        for quad, marker in zip(quads, [] if ids is None else ids.ravel(), strict=True):
            if int(marker) in MARKER_BOXES:
                quads_by_id.setdefault(int(marker), []).append(
                    geometry.transform_points(to_image, quad.reshape(4, 2).astype(np.float64))
                )
    # One marker may be found in two parts; several pairs of similar size mean two sheets.
    largest = {marker: max(quads, key=_mean_side) for marker, quads in quads_by_id.items()}
    twin_count = sum(
        sorted(map(_mean_side, quads))[-2] > TWIN_SHARE * _mean_side(largest[m])
        for m, quads in quads_by_id.items()
        if len(quads) > 1
    )
    refined = {marker: _refine_corners(image, quad) for marker, quad in largest.items()}
    # Markers that do not fit the others are something else.
    return _largest_consistent(refined), twin_count > 1


def _mean_side(quad: Points) -> float:
    return float(np.linalg.norm(np.roll(quad, -1, axis=0) - quad, axis=1).mean())


def _refine_corners(image: Image, quad: Points) -> Points:
    """Refine corners to a fraction of a pixel in the full image."""
    reach = max(3, round(_mean_side(quad) / CORNER_REACH))
    low = np.maximum(np.floor(quad.min(axis=0)).astype(int) - 3 * reach, 0)
    high = np.ceil(quad.max(axis=0)).astype(int) + 3 * reach
    part = geometry.to_grayscale(image[low[1] : high[1], low[0] : high[0]])
    if min(part.shape) < 4 * reach:
        return quad
    corners = (quad - low).astype(np.float32).reshape(-1, 1, 2)
    result = cv2.cornerSubPix(
        np.ascontiguousarray(part),
        corners,
        (reach, reach),
        (-1, -1),
        (3, CORNER_STEPS, CORNER_STEP_PX),
    )
    # A corner that moves far has slipped to something else: keep the old one.
    refined = np.asarray(result, dtype=np.float64).reshape(4, 2) + low
    return np.where(
        np.linalg.norm(refined - quad, axis=1, keepdims=True) <= CORNER_MOST_MOVED * reach,
        refined,
        quad,
    )


def _largest_consistent(markers: dict[int, Points]) -> dict[int, Points]:
    """Return the largest group of markers that can be on one page."""
    # Try all groups, the largest first; two markers may differ more.
    for size in range(len(markers), 1, -1):
        groups = [dict(group) for group in combinations(markers.items(), size)]
        fitting = [
            group for group in groups if _max_misfit(group) < _OUTLIER_MM * (3 if size == 2 else 1)
        ]
        if fitting:
            return min(fitting, key=_max_misfit)
    return dict(sorted(markers.items(), key=lambda item: _mean_side(item[1]))[-1:])


def _max_misfit(markers: dict[int, Points]) -> float:
    """Return the largest distance, mm, of a marker's corner from the group's fit."""
    marks = [(geometry.box_corners(MARKER_BOXES[i]), quad) for i, quad in markers.items()]
    homography = geometry.fit_homography(marks)
    if homography is None:
        return float("inf")
    distances = [
        np.linalg.norm(geometry.transform_points(homography, mm) - px, axis=1).max()
        for mm, px in marks
    ]
    return float(max(distances) / geometry.scale_at_centre(homography))


def _fit_homography(markers: dict[int, Points]) -> Homography | None:
    return geometry.fit_homography(
        [(geometry.box_corners(MARKER_BOXES[i]), quad) for i, quad in markers.items()]
    )


def _add_missing_markers(image: Image, markers: dict[int, Points]) -> dict[int, Points]:
    """Search closely where the missing markers must be."""
    homography = _fit_homography(markers)
    if homography is None or len(markers) == len(MARKER_BOXES):
        return markers
    completed = dict(markers)
    for marker in MARKER_BOXES.keys() - markers.keys():
        # Flatten the surroundings and map what is found back to the image.
        area = geometry.widen_box(MARKER_BOXES[marker], MARKER_AROUND_MM)
        flattened = geometry.to_grayscale(
            geometry.warp_box(image, homography, area, MARKER_PX_PER_MM)
        )
        quads, ids, _ = identify_markers.make_detector().detectMarkers(flattened)
        to_image = homography @ np.linalg.inv(
            geometry.raster_homography(MARKER_PX_PER_MM, (area.x, area.y))
        )
        for quad, marker_id in zip(quads, [] if ids is None else ids.ravel(), strict=True):
            if marker_id == marker:
                completed[marker] = _refine_corners(
                    image,
                    geometry.transform_points(to_image, quad.reshape(4, 2).astype(np.float64)),
                )
    return _largest_consistent(completed)


def _read_expected_codes(image: Image, markers: dict[int, Points]) -> dict[int, _FoundCode]:
    """Read the codes where the markers predict them."""
    homography = _fit_homography(markers)
    if homography is None:
        return {}
    codes = {}
    for place, box in enumerate(CODE_BOXES):
        if code := _read_code_at(image, homography, box):
            codes[place] = code
    return codes


def _read_code_at(image: Image, homography: Homography, box: Box) -> _FoundCode | None:
    for margin, scale in zip(
        CODE_AROUND_MM, (_CODE_PX_PER_MM, CODE_FINER * _CODE_PX_PER_MM), strict=True
    ):
        area = geometry.widen_box(box, margin)
        flattened = geometry.warp_box(image, homography, area, scale)
        to_image = homography @ np.linalg.inv(geometry.raster_homography(scale, (area.x, area.y)))
        # Binarized only if the grey image cannot be read.
        for code in _read_codes(flattened) or _read_codes(_binarize_code(flattened, scale)):
            return _FoundCode(code.code, geometry.transform_points(to_image, code.corners))
    return None


def _binarize_code(flattened: Image, px_per_mm: float) -> Image:
    """Make an image black and white relative to the paper near each place.

    A code is blacker than coffee that was spilt on it.
    """
    side = round(_MAX_MODULES_MM * px_per_mm) | 1
    smooth = cv2.medianBlur(geometry.to_grayscale(flattened), 3)
    paper = cv2.morphologyEx(smooth, cv2.MORPH_CLOSE, np.ones((side, side), np.uint8))
    return np.where(smooth < _MIN_BLACK_SHARE * paper.astype(np.float32), 0, 255).astype(np.uint8)


def _read_codes(image: Image) -> list[_FoundCode]:
    """Return all of Efterskrift's codes in an image, with corners in its px."""
    codes = []
    # Other QR codes on the paper are ignored.
    for barcode in zxingcpp.read_barcodes(
        geometry.to_grayscale(image),
        formats=zxingcpp.BarcodeFormats(zxingcpp.BarcodeFormat.QRCode),
        try_invert=False,
    ):
        position = barcode.position
        quad = np.array(
            [
                (p.x, p.y)
                for p in (
                    position.top_left,
                    position.top_right,
                    position.bottom_right,
                    position.bottom_left,
                )
            ],
            dtype=np.float64,
        )
        if code := parse_code(barcode.text):
            codes.append(_FoundCode(code, quad))
    return codes


def _search_codes(image: Image, markers: dict[int, Points]) -> dict[int, _FoundCode]:
    """Search the whole image for codes.

    Reduced images come first: they are quicker, and noise is smoothed.
    """
    for side in (*CODE_SIDES_PX, max(image.shape[:2])):
        reduced = geometry.shrink_image(image, side / max(image.shape[:2]))
        to_image = geometry.resize_homography(reduced, image)
        codes = [
            _FoundCode(c.code, geometry.transform_points(to_image, c.corners))
            for c in _read_codes(reduced)
        ]
        if codes:
            return _assign_code_places(codes, markers, image)
    return {}


def _assign_code_places(
    codes: list[_FoundCode], markers: dict[int, Points], image: Image
) -> dict[int, _FoundCode]:
    """Decide which of the two places each code has.

    A single code gets the place that agrees best with the markers, or with the page being
    inside the image. Two codes are in reading order.
    """
    if len(codes) == 1:
        return {
            max(
                range(len(CODE_BOXES)),
                key=lambda place: _place_score(codes[0], place, markers, image),
            ): codes[0]
        }
    # The direction in which the codes are written tells which one is on the left.
    first, second = codes[:2]
    reading_direction = first.corners[1] - first.corners[0] + first.corners[2] - first.corners[1]
    is_forward = (
        float(np.dot(second.corners.mean(axis=0) - first.corners.mean(axis=0), reading_direction))
        > 0
    )
    return {0: first, 1: second} if is_forward else {0: second, 1: first}


def _place_score(code: _FoundCode, place: int, markers: dict[int, Points], image: Image) -> float:
    """Return how well a code fits a place, in px; 0 is best."""
    homography = geometry.fit_homography([(geometry.box_corners(CODE_BOXES[place]), code.corners)])
    if homography is None:
        return float("-inf")
    # Distance of the markers from where the code predicts them.
    if markers:
        marks = [(geometry.box_corners(MARKER_BOXES[i]), quad) for i, quad in markers.items()]
        return -max(
            float(np.linalg.norm(geometry.transform_points(homography, mm) - px, axis=1).max())
            for mm, px in marks
        )
    # Without markers: how far the page would reach out of the image.
    outline = geometry.transform_points(homography, geometry.box_corners(geometry.PAGE_BOX))
    h, w = image.shape[:2]
    outside = np.maximum(-outline, 0) + np.maximum(outline - (w, h), 0)
    return -float(outside.sum())
