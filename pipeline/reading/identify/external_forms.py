"""Which form printed elsewhere, without our codes, a page is of. A page that no form fits well, or
that two fit about alike, is of none.

Features propose; print decides: the page is laid on each form that they propose, and the form's
print must be found where it should be, within the gate, at places that were not used for the
fit, and so must its words, for forms share lines and boxes.

Where the print of an unfilled form lies in a picture, found by features (SIFT, Lowe 2004),
whatever the turn, scale and perspective.

What looks alike in many places, such as the boxes of a grid, has no distinct match and is left
out, so words decide.

Whether the words of a form are there, which tells forms apart that share their lines and boxes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.domain.form.field import FieldSpec
from pipeline.domain.form.form import Form
from pipeline.domain.issues import Issue, IssueCode
from pipeline.domain.model import Box, Image
from pipeline.reading.imaging import geometry
from pipeline.reading.imaging.geometry import Homography, Points
from pipeline.reading.register import patch_matching
from pipeline.reading.register.patch_matching import PatchOffsets
from pipeline.reading.register.register import Registration, register_to
from pipeline.reading.template_images import load_template_file, template_image

_BLANK_PX_PER_MM = 4.0
_MAX_TEMPLATE_FEATURES = 3000
_MAX_PAGE_FEATURES = 6000
_MATCH_RATIO = 0.8
"""A match is distinct if it is nearer than this share of the distance to the second nearest (Lowe)."""
_MAX_REPROJECTION_PX = 3.0
_MIN_MATCHES = 20
"""Fewest matches on one plane; set by judgement, the print and the words decide afterwards."""
_MIN_SPANNED_SHARE = 0.2
"""The matches span at least this share of the area that the form's features span."""
_MIN_SHARE_IN_IMAGE = 0.75
_MIN_PX_PER_MM = 1.5
_WORD_BLUR_MM = 0.15
_MIN_PRINT_LEVELS = 35
"""Grey levels that print is darker than the ground around it, at least."""
_GROUND_MM = 4.0
_MAX_LETTER_MM = 9.0
"""A connected piece of print longer than this is a line, a box or a picture."""
_JOIN_MM = 1.2
_WORD_SIZE_MM = (1.2, 1.0), (60.0, 9.0)
"""Least and greatest width and height of a word."""
_WORD_MARGIN_MM = 0.3
_BAND_MM = 3.0
_MAX_SHIFT_MM = 0.6
_MIN_CORRELATION = 0.5
"""Correlation of a word with itself on a poor scan is above, of two words below."""
_MIN_SEEN_SHARE = 0.6
"""So many of the words must be seen; people write over some."""
_SEARCH_SIDES_PX = (1800, 3200)
"""Longer side, px, of the pictures in which features are sought: first the smaller, which is
quicker.
"""
_MAX_REGISTERED = 3
"""So many forms, those with most matches, are laid on a page."""
_MIN_LEAD = 1.15
"""A form must explain so much more of a page than the next best."""


@dataclass(frozen=True, slots=True)
class PrintFeatures:
    """Distinct points: `at` (n, 2), and how each looks, `looks` (n, 128), of length 1."""

    at: Points
    looks: NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class FormPlacement:
    """How a form lies in a picture: mm → px, and by how many matches."""

    homography: Homography
    matches: int


def extract_features(picture: Image, most: int = _MAX_PAGE_FEATURES) -> PrintFeatures:
    """Features of a grey picture, `at` in px."""
    found, looks = cv2.SIFT.create(nfeatures=most).detectAndCompute(picture, None)
    if looks is None or not len(found):
        return PrintFeatures(np.zeros((0, 2)), np.zeros((0, 128), np.float32))
    rooted = np.sqrt(
        looks / np.maximum(looks.sum(axis=1, keepdims=True), 1e-6)
    )  # RootSIFT (Arandjelović, Zisserman 2012)
    return PrintFeatures(
        np.array([point.pt for point in found], dtype=np.float64), rooted.astype(np.float32)
    )


def extract_template_features(blank: Image) -> PrintFeatures:
    """Features of an unfilled form at 8 px/mm, `at` in mm."""
    small = geometry.shrink_image(blank, _BLANK_PX_PER_MM / geometry.PX_PER_MM)
    found = extract_features(small, _MAX_TEMPLATE_FEATURES)
    to_blank = geometry.resize_homography(small, blank)
    to_mm = np.linalg.inv(geometry.raster_homography(geometry.PX_PER_MM)) @ to_blank
    return (
        PrintFeatures(geometry.transform_points(to_mm, found.at), found.looks)
        if len(found.at)
        else found
    )


def locate_form(
    form: PrintFeatures, page: Box, picture: PrintFeatures, size: tuple[int, int]
) -> FormPlacement | None:
    """Where a form with these features lies in a picture of `size` (width, height), px; None if it
    is not plainly seen there.

    A homography that few features agree on, that only a corner of the form supports, that
    mirrors or crushes the page, or that puts it outside the picture is none.
    """
    mine, theirs = _match_features(form.looks, picture.looks)
    if len(mine) < _MIN_MATCHES:
        return None
    mm, px = form.at[mine], picture.at[theirs]
    matrix, mask = cv2.findHomography(
        mm, px, cv2.USAC_MAGSAC, _MAX_REPROJECTION_PX, maxIters=5000, confidence=0.9999
    )
    if matrix is None:
        return None
    lies, agreeing = np.asarray(matrix, dtype=np.float64), np.asarray(mask, dtype=np.bool_).ravel()
    if (
        agreeing.sum() < _MIN_MATCHES
        or _spanned_area(mm[agreeing]) < _MIN_SPANNED_SHARE * _spanned_area(form.at)
        or not _is_plausible(lies, page, size)
    ):
        return None
    return FormPlacement(lies, int(agreeing.sum()))


def _match_features(
    one: NDArray[np.float32], other: NDArray[np.float32]
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Pairs that are each other's nearest and distinctly so."""
    if len(one) < 2 or len(other) < 2:
        return np.zeros(0, np.intp), np.zeros(0, np.intp)
    likeness = one @ other.T
    nearest = likeness.argmax(axis=1)
    rows = np.arange(len(one))
    first = likeness[rows, nearest]
    mutual = likeness.argmax(axis=0)[nearest] == rows
    second = np.partition(likeness, -2, axis=1)[:, -2]
    distinct = (2 - 2 * first) < _MATCH_RATIO**2 * (
        2 - 2 * second
    )  # squared distances of vectors of length 1
    kept = rows[mutual & distinct]
    return kept, nearest[kept]


def _spanned_area(points: NDArray[Any]) -> float:
    return float(cv2.contourArea(cv2.convexHull(points.astype(np.float32))))


def _is_plausible(lies: Homography, page: Box, size: tuple[int, int]) -> bool:
    if (
        not geometry.is_page_homography(lies, page)
        or geometry.scale_at_centre(lies, page) < _MIN_PX_PER_MM
    ):
        return False
    x, y = np.meshgrid((np.arange(20) + 0.5) * page.w / 20, (np.arange(20) + 0.5) * page.h / 20)
    px = geometry.transform_points(lies, np.stack([x.ravel(), y.ravel()], axis=1))
    return bool(((px >= 0) & (px < size)).all(axis=1).mean() >= _MIN_SHARE_IN_IMAGE)


@dataclass(frozen=True, slots=True)
class WordMatches:
    """The words of a form that were sought on a page, those seen among them, and whether they were
    seen nearly everywhere.
    """

    sought: int
    seen: int
    everywhere: bool


def find_printed_words(blank: Image, specs: Iterable[FieldSpec]) -> list[Box]:
    """Places of the printed words outside of what people fill in, mm. `blank` is the whole unfilled
    form at 8 px/mm.
    """
    scale = geometry.PX_PER_MM
    letters = _short_print(blank)
    for spec in specs:
        for box in [option.box for option in spec.options] or [spec.box]:
            x, y, w, h = (round(v * scale) for v in box)
            letters[y : y + h, x : x + w] = 0
    joined = cv2.morphologyEx(
        letters, cv2.MORPH_CLOSE, np.ones((1, round(_JOIN_MM * scale)), np.uint8)
    )
    _, _, stats, _ = cv2.connectedComponentsWithStats(joined, connectivity=8)
    boxes = [
        Box(x / scale, y / scale, w / scale, h / scale)
        for x, y, w, h, _ in np.asarray(stats)[1:].tolist()
    ]
    (w0, h0), (w1, h1) = _WORD_SIZE_MM
    return [box for box in boxes if w0 <= box.w <= w1 and h0 <= box.h <= h1]


def _short_print(blank: Image) -> NDArray[np.uint8]:
    """Print without its long pieces, 1 = ink."""
    scale = geometry.PX_PER_MM
    ground = cv2.morphologyEx(
        blank, cv2.MORPH_CLOSE, np.ones((round(_GROUND_MM * scale) | 1,) * 2, np.uint8)
    )
    ink = (ground.astype(np.int16) - blank > _MIN_PRINT_LEVELS).astype(np.uint8)
    _, labels, stats, _ = cv2.connectedComponentsWithStats(ink, connectivity=8)
    sides: NDArray[Any] = np.asarray(stats)[:, [cv2.CC_STAT_WIDTH, cv2.CC_STAT_HEIGHT]].max(axis=1)
    short = sides <= _MAX_LETTER_MM * scale
    short[0] = False
    return np.asarray(short[labels], np.uint8)


def match_words(upright: Image, blank: Image, boxes: list[Box]) -> WordMatches:
    """Seek each word where it should be on a page laid on its form."""
    page, form = (_line_contrast(picture) for picture in (upright, blank))
    found = np.array([_is_word_visible(page, form, box) for box in boxes], bool)
    at = np.array([(box.x + box.w / 2, box.y + box.h / 2) for box in boxes]).reshape(-1, 2)
    everywhere = patch_matching.is_mostly_seen(
        PatchOffsets(at, np.zeros_like(at), found), geometry.page_box(blank)
    ) and found.sum() >= _MIN_SEEN_SHARE * len(found)
    return WordMatches(len(found), int(found.sum()), bool(everywhere))


def _line_contrast(picture: Image) -> NDArray[np.float32]:
    """What differs along a line of text; that there is a dark line at all, any two words share."""
    soft = cv2.GaussianBlur(picture, (0, 0), _WORD_BLUR_MM * geometry.PX_PER_MM).astype(np.float32)
    return np.asarray(
        soft - cv2.blur(soft, (round(_BAND_MM * geometry.PX_PER_MM) | 1, 1)), np.float32
    )


def _is_word_visible(page: NDArray[np.float32], form: NDArray[np.float32], box: Box) -> bool:
    scale, reach = geometry.PX_PER_MM, round(_MAX_SHIFT_MM * geometry.PX_PER_MM)
    x0, y0 = (max(reach, round((v - _WORD_MARGIN_MM) * scale)) for v in (box.x, box.y))
    x1, y1 = (
        round((box.x + box.w + _WORD_MARGIN_MM) * scale),
        round((box.y + box.h + _WORD_MARGIN_MM) * scale),
    )
    x1, y1 = min(x1, form.shape[1] - reach), min(y1, form.shape[0] - reach)
    if x1 - x0 < 4 or y1 - y0 < 4:
        return True  # at the very edge of the paper, where scans end
    around = page[y0 - reach : y1 + reach, x0 - reach : x1 + reach]
    return (
        float(cv2.matchTemplate(around, form[y0:y1, x0:x1], cv2.TM_CCOEFF_NORMED).max())
        >= _MIN_CORRELATION
    )


@dataclass(frozen=True, slots=True)
class ExternalFormMatch:
    """What was seen on a page without codes.

    `form` is None when the page is refused; `laid` is then how it lies on the form that came
    nearest, if any was laid. `problems` may hold `residual_over_gate`, `words_differ` (other
    words stand where the form's should) or `form_uncertain` (two forms fit about alike).
    """

    form: Form | None = None
    registration: Registration | None = None
    rotation_deg: float = 0.0
    issues: tuple[Issue, ...] = ()


@dataclass(frozen=True, slots=True)
class _Candidate:
    form: Form
    registration: Registration
    turn: float
    words: WordMatches

    @property
    def explained(self) -> float:
        """Print seen, times its share of all: print that the form lacks counts against it, and
        print that the page lacks.
        """
        return (self.registration.patches_found + self.words.seen) ** 2 / max(
            1, self.registration.patches_sought + self.words.sought
        )

    def issues(self, gate_mm: float) -> tuple[Issue, ...]:
        """Why the page is not of this form; none if it may be."""
        if self.registration.residual_mm > gate_mm:
            return (*self.registration.issues, Issue(IssueCode.RESIDUAL_OVER_GATE))
        return () if self.words.everywhere else (Issue(IssueCode.WORDS_DIFFER),)


def match_external_form(image: Image, forms: Iterable[Form], gate_mm: float) -> ExternalFormMatch:
    """The form of a page without our codes, and the page laid on it; forms that we printed
    ourselves are passed over.

    Raises:
        FormError: the picture of an unfilled form cannot be read.
    """
    candidates = _newest_versions(form for form in forms if form.printed_elsewhere)
    best = ExternalFormMatch()
    for side in _SEARCH_SIDES_PX if candidates else ():
        best = _match_at_scale(image, candidates, side, gate_mm)
        if (
            best.form
            or Issue(IssueCode.FORM_UNCERTAIN) in best.issues
            or side >= max(image.shape[:2])
        ):
            break
    return best


def _newest_versions(forms: Iterable[Form]) -> list[Form]:
    """Of versions on the same paper only the newest: nothing on the paper tells them apart."""
    found: dict[tuple[str, str], Form] = {}
    for form in sorted(forms, key=lambda form: form.version):
        page = form.pages[0]
        assert page.blank
        found[form.id, _template_digest(page.blank, page.size)] = form
    return list(found.values())


@lru_cache(maxsize=64)
def _template_digest(path: Path, size_mm: tuple[float, float]) -> str:
    return hashlib.sha256(load_template_file(path, size_mm).tobytes()).hexdigest()


def _match_at_scale(
    image: Image, forms: list[Form], side: int, gate_mm: float
) -> ExternalFormMatch:
    trials = [
        _register_candidate(image, form, at)
        for form, at in _propose_forms(image, forms, side)[:_MAX_REGISTERED]
    ]
    if not trials:
        return ExternalFormMatch()
    trials.sort(key=lambda trial: trial.explained, reverse=True)
    fitting = [trial for trial in trials if not trial.issues(gate_mm)]
    if not fitting:
        nearest = min(trials, key=lambda trial: trial.registration.residual_mm)
        return ExternalFormMatch(None, nearest.registration, nearest.turn, nearest.issues(gate_mm))
    if len(fitting) > 1 and fitting[0].explained < _MIN_LEAD * fitting[1].explained:
        return ExternalFormMatch(
            None, fitting[0].registration, fitting[0].turn, (Issue(IssueCode.FORM_UNCERTAIN),)
        )
    return ExternalFormMatch(
        fitting[0].form, fitting[0].registration, fitting[0].turn, fitting[0].registration.issues
    )


def _propose_forms(image: Image, forms: list[Form], side: int) -> list[tuple[Form, Homography]]:
    """Forms whose features are seen in the picture, most matches first, and how they lie in it (mm
    → px).
    """
    small = geometry.shrink_image(image, side / max(image.shape[:2]))
    to_image, seen = geometry.resize_homography(small, image), extract_features(small)
    found: list[tuple[Form, FormPlacement]] = []
    for form in forms:
        page = form.pages[0]
        assert page.blank
        if at := locate_form(
            _form_features(page.blank, page.size),
            Box(0, 0, *page.size),
            seen,
            (small.shape[1], small.shape[0]),
        ):
            found.append((form, replace(at, homography=to_image @ at.homography)))
    found.sort(key=lambda item: item[1].matches, reverse=True)
    return [(form, at.homography) for form, at in found]


@lru_cache(maxsize=64)
def _form_features(path: Path, size_mm: tuple[float, float]) -> PrintFeatures:
    return extract_template_features(load_template_file(path, size_mm))


def _register_candidate(image: Image, form: Form, lies: Homography) -> _Candidate:
    unfilled = template_image(form, 1)
    laid = register_to(image, lies, unfilled)
    page = geometry.page_box(unfilled)
    seen = match_words(laid.upright, unfilled, find_printed_words(unfilled, form.fields))
    return _Candidate(form, laid, geometry.turn_at_centre(np.linalg.inv(laid.to_mm), page), seen)
