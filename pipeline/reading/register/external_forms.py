"""Match a page without codes to a form that was printed elsewhere.

Features (SIFT, Lowe 2004) propose forms, at any turn, scale and perspective; what looks alike in
many places, such as the boxes of a grid, has no distinct match and is left out. Print decides: the
page is registered to each proposed form, whose print must then be within the gate at places not
used for the fit, and so must its words, since forms share lines and boxes. A page that no form fits
well, or that two fit about equally, matches none.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import chain
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.domain.form.field import BoxMm
from pipeline.domain.form.form import Form
from pipeline.domain.issues import Issue, IssueCode
from pipeline.domain.model import Box, Image
from pipeline.reading.imaging import geometry
from pipeline.reading.imaging.geometry import Homography, Points
from pipeline.reading.imaging.pixels import Components
from pipeline.reading.register import patch_matching
from pipeline.reading.register.patch_matching import PatchOffsets
from pipeline.reading.register.register import Registration, find_shown, register_to
from pipeline.reading.register.template_images import (
    PrintFeatures,
    count_votes,
    extract_features,
    form_features,
    load_template_file,
    rank_likely,
    template_image,
)

_MATCH_RATIO = 0.8
"""A distinct match is nearer than this share of the distance to the second nearest (Lowe)."""
_MAX_REPROJECTION_PX = 3.0
"""Largest distance of a match from the homography that it supports, px."""
_MIN_MATCHES = 20
"""Fewest matches on one plane; set by judgement, since print and words decide later."""
_MIN_SPANNED_SHARE = 0.2
"""Matches span at least this share of the area that the form's features span."""
_MIN_SHARE_IN_IMAGE, _USUAL_SHARE_IN_IMAGE = 0.55, 0.75
"""At least this share of the form is inside the image; fields outside it are covered.

With less than is usual, there may be no other print in the image.
"""
_MIN_EXPLAINED = 0.93
"""Share of an image's features inside the form, if little of the form is in the image.

Otherwise a part of another form, farther down or up, was found.
"""
LOOSE_RESIDUAL_MM = 1.5
"""A page with a residual between the gate and this is read, and every field's place is unsure."""
_MIN_PX_PER_MM = 1.5
"""Smallest scale of a form in the image."""
_WORD_BLUR_MM = 0.15
"""Standard deviation of the blur before words are compared, mm."""
_MIN_PRINT_LEVELS = 35
"""Grey levels by which print is darker than the ground around it, at least."""
_GROUND_MM = 4.0
"""Side of the square within which the ground shows, mm."""
_MAX_LETTER_MM = 9.0
"""A connected piece of print longer than this is a line, a box or an image, mm."""
_JOIN_MM = 1.2
"""Letters no farther apart than this are of one word, mm."""
_WORD_SIZE_MM = (1.2, 1.0), (60.0, 9.0)
"""Least and greatest width and height of a word, mm."""
_WORD_MARGIN_MM = 0.3
"""Margin around a word that is compared, mm."""
_BAND_MM = 3.0
"""Length of text over which brightness is evened out, mm."""
_MAX_SHIFT_MM = 0.6
"""How far from its place a word is searched for, mm."""
_MIN_CORRELATION = 0.5
"""Correlation of a word with itself on a poor scan is above, of two words below."""
_MIN_SEEN_SHARE = 0.6
"""Share of the words that must be found; some are hidden by writing."""
_SEARCHES = (1200, 3000), (1800, 6000), (3200, 6000)
"""Longer side of an image that is searched, px, and its most features; the quickest first."""
_PAPER_SHARE = 0.55
"""Paper is at least so bright as this share of the brightest."""
_MIN_PAPER_SHARE = 0.5
"""A page fills an image of which this share is as bright as paper; otherwise it may be small."""
_MAX_PROPOSED = 8
"""Most forms, those with most votes, whose features are all matched with the page."""
_MAX_REGISTERED = 3
"""Number of forms, those with most matches, that a page is registered to."""
_GOOD_RESIDUAL_MM = 0.5
"""A page with a higher residual is registered again from a larger image, mm."""
_MIN_LEAD = 1.15
"""Factor by which a form must explain more of a page than the next best."""


@dataclass(frozen=True, slots=True)
class FormPlacement:
    """How a form is placed in an image: mm → px, and the number of matches for it."""

    homography: Homography
    matches: int


def locate_form(
    form: PrintFeatures, page: Box, image: PrintFeatures, size: tuple[int, int]
) -> FormPlacement | None:
    """Locate a form with these features in an image of `size` (width, height), px.

    None if a homography has few matches, is supported by a corner of the form only, mirrors or
    crushes the page, or puts it outside the image.
    """
    form_indices, image_indices = _match_features(form.descriptors(), image.descriptors())
    if len(form_indices) < _MIN_MATCHES:
        return None
    mm, px = form.points[form_indices], image.points[image_indices]
    # A robust homography from form to image.
    matrix, mask = cv2.findHomography(
        mm, px, cv2.USAC_MAGSAC, _MAX_REPROJECTION_PX, maxIters=5000, confidence=0.9999
    )
    if matrix is None:
        return None
    homography = np.asarray(matrix, dtype=np.float64)
    inliers = np.asarray(mask, dtype=np.bool_).ravel()
    # Enough matches, spread over the form, at a plausible place.
    if (
        inliers.sum() < _MIN_MATCHES
        or _spanned_area(mm[inliers]) < _MIN_SPANNED_SHARE * _spanned_area(form.points)
        or not _is_plausible(homography, page, size, image.points)
    ):
        return None
    return FormPlacement(homography, int(inliers.sum()))


def _match_features(
    form: NDArray[np.float32], image: NDArray[np.float32]
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return pairs of features that are each other's nearest, and distinctly so."""
    if len(form) < 2 or len(image) < 2:
        return np.zeros(0, np.intp), np.zeros(0, np.intp)
    # Descriptors of length 1: the dot product is their similarity.
    similarity = form @ image.T
    nearest = similarity.argmax(axis=1)
    rows = np.arange(len(form))
    first = similarity[rows, nearest]
    mutual = similarity.argmax(axis=0)[nearest] == rows
    # Without the nearest of each row, the second nearest is the largest.
    similarity[rows, nearest] = -1
    second = similarity.max(axis=1)
    # 2 - 2s is the squared distance of vectors of length 1.
    distinct = (2 - 2 * first) < _MATCH_RATIO**2 * (2 - 2 * second)
    matched = rows[mutual & distinct]
    return matched, nearest[matched]


def _spanned_area(points: NDArray[Any]) -> float:
    return float(cv2.contourArea(cv2.convexHull(points.astype(np.float32))))


def _is_plausible(
    homography: Homography, page: Box, size: tuple[int, int], features: Points
) -> bool:
    if (
        not geometry.is_page_homography(homography, page)
        or geometry.scale_at_centre(homography, page) < _MIN_PX_PER_MM
    ):
        return False
    # The share of a grid on the form that is inside the image.
    x, y = np.meshgrid((np.arange(20) + 0.5) * page.w / 20, (np.arange(20) + 0.5) * page.h / 20)
    px = geometry.transform_points(homography, np.stack([x.ravel(), y.ravel()], axis=1))
    share = float(((px >= 0) & (px < size)).all(axis=1).mean())
    if share >= _USUAL_SHARE_IN_IMAGE:
        return True
    mm = geometry.transform_points(np.linalg.inv(homography), features)
    explained = ((mm >= 0) & (mm <= (page.w, page.h))).all(axis=1).mean()
    return bool(share >= _MIN_SHARE_IN_IMAGE and explained >= _MIN_EXPLAINED)


@dataclass(frozen=True, slots=True)
class WordMatches:
    """The number of words searched for on a page and found.

    `everywhere` tells whether they were found nearly everywhere.
    """

    sought: int
    found: int
    everywhere: bool


def _printed_words(form: Form) -> tuple[Box, ...]:
    """Return the printed words outside the areas to fill in, mm."""
    page = form.pages[0]
    assert page.blank
    boxes = [[option.box for option in spec.options] or [spec.box] for spec in form.fields]
    return _find_printed_words(page.blank, page.size, tuple(chain.from_iterable(boxes)))


@lru_cache(maxsize=64)
def _find_printed_words(
    blank: Path, size_mm: tuple[float, float], filled_in: tuple[BoxMm, ...]
) -> tuple[Box, ...]:
    scale = geometry.PX_PER_MM
    letters = _short_print(load_template_file(blank, size_mm))
    # Remove what is to be filled in.
    for box in filled_in:
        x, y, w, h = (round(v * scale) for v in box)
        letters[y : y + h, x : x + w] = 0
    # Join the letters of each word.
    joined = cv2.morphologyEx(
        letters, cv2.MORPH_CLOSE, np.ones((1, round(_JOIN_MM * scale)), np.uint8)
    )
    boxes = [
        Box(x / scale, y / scale, w / scale, h / scale)
        for x, y, w, h, _ in Components.of(joined > 0).stats[1:].tolist()
    ]
    (min_width, min_height), (max_width, max_height) = _WORD_SIZE_MM
    return tuple(
        box
        for box in boxes
        if min_width <= box.w <= max_width and min_height <= box.h <= max_height
    )


def _short_print(template: Image) -> NDArray[np.uint8]:
    """Return print without lines, boxes and images, 1 = ink."""
    scale = geometry.PX_PER_MM
    # Print is darker than the ground that closing leaves.
    ground = cv2.morphologyEx(
        template, cv2.MORPH_CLOSE, np.ones((round(_GROUND_MM * scale) | 1,) * 2, np.uint8)
    )
    ink = np.asarray(ground.astype(np.int16) - template > _MIN_PRINT_LEVELS, np.bool_)
    pieces = Components.of(ink)
    sides = pieces.stats[:, [cv2.CC_STAT_WIDTH, cv2.CC_STAT_HEIGHT]].max(axis=1)
    return pieces.pixels(sides <= _MAX_LETTER_MM * scale).astype(np.uint8)


def _match_words(upright: Image, template: Image, boxes: list[Box]) -> WordMatches:
    """Search for each word at its place on a registered page."""
    page, expected = (_line_contrast(image) for image in (upright, template))
    found = np.array([_is_word_visible(page, expected, box) for box in boxes], bool)
    centres = np.array([(box.x + box.w / 2, box.y + box.h / 2) for box in boxes]).reshape(-1, 2)
    everywhere = patch_matching.is_found_nearly_everywhere(
        PatchOffsets(centres, np.zeros_like(centres), found), geometry.page_box(template)
    ) and found.sum() >= _MIN_SEEN_SHARE * len(found)
    return WordMatches(len(found), int(found.sum()), bool(everywhere))


def _line_contrast(image: Image) -> NDArray[np.float32]:
    """Return what differs along a line of text.

    The dark line itself is common to any two words.
    """
    soft = cv2.GaussianBlur(image, (0, 0), _WORD_BLUR_MM * geometry.PX_PER_MM).astype(np.float32)
    return np.asarray(
        soft - cv2.blur(soft, (round(_BAND_MM * geometry.PX_PER_MM) | 1, 1)), np.float32
    )


def _is_word_visible(page: NDArray[np.float32], template: NDArray[np.float32], box: Box) -> bool:
    scale, reach = geometry.PX_PER_MM, round(_MAX_SHIFT_MM * geometry.PX_PER_MM)
    # The word with its margin, kept within the template by the search range.
    x0, y0 = (max(reach, round((v - _WORD_MARGIN_MM) * scale)) for v in (box.x, box.y))
    x1, y1 = (
        round((box.x + box.w + _WORD_MARGIN_MM) * scale),
        round((box.y + box.h + _WORD_MARGIN_MM) * scale),
    )
    x1, y1 = min(x1, template.shape[1] - reach), min(y1, template.shape[0] - reach)
    if x1 - x0 < 4 or y1 - y0 < 4:
        return True  # at the very edge of the paper, which scans cut off
    surroundings = page[y0 - reach : y1 + reach, x0 - reach : x1 + reach]
    # Normalized cross-correlation at all shifts in reach.
    return (
        float(cv2.matchTemplate(surroundings, template[y0:y1, x0:x1], cv2.TM_CCOEFF_NORMED).max())
        >= _MIN_CORRELATION
    )


@dataclass(frozen=True, slots=True)
class ExternalFormMatch:
    """The form that a page without codes was matched to.

    `form` is None if the page is rejected; `registration` is then that to the form that fits
    best, if any was tried. `issues` may hold `residual_over_gate`, `words_differ` (other words
    where the form's should be) or `form_uncertain` (two forms fit about equally).
    """

    form: Form | None = None
    registration: Registration | None = None
    rotation_deg: float = 0.0
    issues: tuple[Issue, ...] = ()


@dataclass(frozen=True, slots=True)
class _Candidate:
    form: Form
    registration: Registration
    rotation_deg: float
    words: WordMatches

    @property
    def score(self) -> float:
        """Print found, times its share of all print.

        Print that the form lacks counts against it, and so does print that the page lacks.
        """
        return (self.registration.patches_found + self.words.found) ** 2 / max(
            1, self.registration.patches_sought + self.words.sought
        )

    def issues(self, gate_mm: float) -> tuple[Issue, ...]:
        """Return why the page is not of this form; none if it may be."""
        if self.registration.residual_mm > gate_mm:
            return (*self.registration.issues, Issue(IssueCode.RESIDUAL_OVER_GATE))
        return () if self.words.everywhere else (Issue(IssueCode.WORDS_DIFFER),)


def match_external_form(image: Image, forms: Iterable[Form], gate_mm: float) -> ExternalFormMatch:
    """Match a page without codes to a form, and register it.

    Forms printed by Efterskrift are skipped.

    Raises:
        FormError: the template image of a form cannot be read.
    """
    known = _newest_versions(form for form in forms if form.printed_elsewhere)
    likely: list[Form] = []
    best, left = ExternalFormMatch(), _MAX_REGISTERED
    # A larger image only for likely forms that were not found in the smaller one.
    for side, count in _SEARCHES if known else ():
        reduced = geometry.shrink_image(image, side / max(image.shape[:2]))
        features = extract_features(reduced, count)
        likely = likely or _most_alike(features, known)
        candidates = [
            _register_candidate(image, form, homography)
            for form, homography in _locate_forms(image, likely, reduced, features)[:left]
        ]
        left -= len(candidates)
        match = _best_match(candidates, gate_mm) if candidates else best
        if not (best.form and _residual(match) >= _residual(best)):
            best = match
        # A loose fit may have begun from too small an image.
        if best.form and side == _SEARCHES[0][0] and _residual(best) > _GOOD_RESIDUAL_MM:
            likely = [best.form]
            left = 1
            continue
        # If the form with most votes was found, a larger image shows nothing new.
        if (
            side >= max(image.shape[:2])
            or not left
            or any(candidate.form is likely[0] for candidate in candidates)
            or best.form
            or Issue(IssueCode.FORM_UNCERTAIN) in best.issues
            or not (likely or _may_be_small(reduced))
        ):
            break
        # What was found and refused would be refused again.
        likely = [form for form in likely if all(form is not one.form for one in candidates)]
    return best


def _residual(match: ExternalFormMatch) -> float:
    return match.registration.residual_mm if match.form and match.registration else np.inf


def _may_be_small(reduced: Image) -> bool:
    """Return whether a page may be but a small part of the image, so that its print is tiny."""
    return bool((reduced > _PAPER_SHARE * np.percentile(reduced, 95)).mean() < _MIN_PAPER_SHARE)


def _most_alike(features: PrintFeatures, forms: list[Form]) -> list[Form]:
    """Return the forms that may be on a page with these features, the most alike first."""
    pages = [form.pages[0] for form in forms]
    votes = count_votes(features, [(page.blank, page.size) for page in pages if page.blank])
    return [forms[i] for i in rank_likely(votes)[:_MAX_PROPOSED]]


def _newest_versions(forms: Iterable[Form]) -> list[Form]:
    """Return only the newest of versions with the same template.

    Nothing on the paper tells them apart.
    """
    known = list(forms)
    versions = Counter(form.id for form in known)
    # Later versions replace earlier ones with the same template.
    newest: dict[tuple[str, str], Form] = {}
    for form in sorted(known, key=lambda form: form.version):
        page = form.pages[0]
        assert page.blank
        several = versions[form.id] > 1
        newest[form.id, _template_digest(page.blank, page.size) if several else ""] = form
    return list(newest.values())


@lru_cache(maxsize=64)
def _template_digest(path: Path, size_mm: tuple[float, float]) -> str:
    return hashlib.sha256(load_template_file(path, size_mm).tobytes()).hexdigest()


def _best_match(candidates: list[_Candidate], gate_mm: float) -> ExternalFormMatch:
    # The form that explains most of the page comes first.
    candidates.sort(key=lambda candidate: candidate.score, reverse=True)
    # Only forms without issues can match; the best needs a clear lead.
    limit = max(gate_mm, LOOSE_RESIDUAL_MM)
    fitting = [candidate for candidate in candidates if not candidate.issues(limit)]
    if not fitting:
        nearest = min(candidates, key=lambda candidate: candidate.registration.residual_mm)
        return ExternalFormMatch(
            None, nearest.registration, nearest.rotation_deg, nearest.issues(gate_mm)
        )
    best = fitting[0]
    if len(fitting) > 1 and best.score < _MIN_LEAD * fitting[1].score:
        uncertain = (Issue(IssueCode.FORM_UNCERTAIN),)
        return ExternalFormMatch(None, best.registration, best.rotation_deg, uncertain)
    return ExternalFormMatch(
        best.form, best.registration, best.rotation_deg, best.registration.issues
    )


def _locate_forms(
    image: Image, forms: list[Form], reduced: Image, features: PrintFeatures
) -> list[tuple[Form, Homography]]:
    """Return the forms whose features are in the image, most matches first, each with mm → px."""
    to_image = geometry.resize_homography(reduced, image)
    proposals: list[tuple[Form, FormPlacement]] = []
    for form in forms:
        page = form.pages[0]
        assert page.blank
        if placement := locate_form(
            form_features(page.blank, page.size),
            Box(0, 0, *page.size),
            features,
            (reduced.shape[1], reduced.shape[0]),
        ):
            proposals.append((form, replace(placement, homography=to_image @ placement.homography)))
    proposals.sort(key=lambda item: item[1].matches, reverse=True)
    return [(form, placement.homography) for form, placement in proposals]


def _register_candidate(image: Image, form: Form, homography: Homography) -> _Candidate:
    template = template_image(form, 1)
    # Registration and printed words decide whether the form is the right one.
    registration = register_to(image, homography, template)
    page = geometry.page_box(template)
    printed = _printed_words(form)
    shown = [
        box
        for box, is_shown in zip(printed, find_shown(registration, image, printed), strict=True)
        if is_shown
    ]
    words = _match_words(registration.upright, template, shown)
    return _Candidate(
        form, registration, geometry.turn_at_centre(np.linalg.inv(registration.to_mm), page), words
    )
