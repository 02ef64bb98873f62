"""Template images, the unfilled pages that scans are compared with: their features and margins."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.domain.errors import EfterskriftError, FormError
from pipeline.domain.form.field import FieldSpec
from pipeline.domain.form.form import Form
from pipeline.domain.form.page import PAGE_HEIGHT_MM, PAGE_WIDTH_MM
from pipeline.domain.model import Image
from pipeline.files.images import decode_image
from pipeline.files.page_files import read_pages
from pipeline.files.pdf_render import render_own_pdf
from pipeline.forms.fiducials import CODE_BOXES, SERIAL_LENGTH
from pipeline.forms.printing import Sheet, print_sheets
from pipeline.reading.fields.field_image import FieldImage
from pipeline.reading.imaging import geometry
from pipeline.reading.imaging.geometry import PX_PER_MM, Points, box_distance, to_grayscale
from pipeline.reading.register.register import cut_box

_PAGE_SIZE_PX = (round(PAGE_WIDTH_MM * PX_PER_MM), round(PAGE_HEIGHT_MM * PX_PER_MM))
_QUIET_MM = 0.5
"""White around the codes, mm."""
_OVERSAMPLING = 3
"""Drawn this many times finer and averaged: poppler moves letters to whole pixels."""
_WHITE_FROM, _MIN_WHITE_SHARE = 253, 0.3
"""A blank with a greater share of so white pixels was drawn, or whitened by its scanner."""
_PAPER_SCALE, _PAPER_PARTS = 0.25, 60
"""Scale in which the paper of a scanned blank is sought, and its side in the widest print."""
_PAPER_SHARE = 0.98
"""Of a scanned blank, what is at least so bright as the paper is white.

Not the pale edges of print too, which on a page would look like ink: with 0.94 three empty boxes of
a blurred photograph were read as marked, and more boxes of three scans had a low p (546, now 332).
"""
FIELD_MARGIN_MM = 2.0
"""Paper around a field that its reader gets, mm: handwriting leaves its box."""
LINES_MARGIN_MM = 8.0
"""The same for lines of a note, unless another field is nearer: they run out to the right, and one
more is written below the last rule.
"""
NEIGHBOUR_GAP_MM = 0.5
"""Space left between the margin and the next field, mm."""


def template_image(form: Form, page_no: int) -> Image:
    """Return the unfilled page, grey, 8 px/mm (A4: 1680 × 2376 px), read-only.

    The places of Efterskrift's codes are white, because each sheet's differ. For a form printed
    elsewhere it is the image that the form names.

    Raises:
        FormError: that image cannot be read.
    """
    # Forms printed elsewhere name their own image.
    page = form.pages[page_no - 1]
    if page.blank is not None:
        return load_template_file(page.blank, page.size)
    return _render_template(form.model_dump_json(exclude_unset=True), page_no)


@lru_cache(maxsize=4)
def _print_unfilled(definition: str) -> bytes:
    """Print an unfilled form (given as JSON), with any serial and date, once for all its pages."""
    form = Form.model_validate_json(definition)
    return print_sheets(form, [Sheet("0" * SERIAL_LENGTH)], printed_on=date(2000, 1, 1))


@lru_cache(maxsize=64)
def _render_template(definition: str, page_no: int) -> Image:
    """Draw a page of a form (given as JSON) as a template image."""
    # Render the print finely.
    pdf = _print_unfilled(definition)
    width, height = _PAGE_SIZE_PX
    fine = (width * _OVERSAMPLING, height * _OVERSAMPLING)
    page = render_own_pdf(pdf, page_no, size=fine, grayscale=True)
    picture = np.array(
        cv2.resize(page, _PAGE_SIZE_PX, interpolation=cv2.INTER_AREA),
        np.uint8,
    )

    # Whiten the places of the codes, which differ on each sheet.
    for box in CODE_BOXES:
        left, top = (int((v - _QUIET_MM) * PX_PER_MM) for v in (box.x, box.y))
        right, bottom = (
            int(np.ceil((v + _QUIET_MM) * PX_PER_MM)) for v in (box.x + box.w, box.y + box.h)
        )
        picture[top:bottom, left:right] = 255
    # Read-only, so that results about it can be cached.
    picture.flags.writeable = False
    return picture


@lru_cache(maxsize=16)
def load_template_file(path: Path, size_mm: tuple[float, float]) -> Image:
    """Load the unfilled page that a file (image or PDF) shows edge to edge, as it was printed.

    The result is grey, 8 px/mm, read-only.

    Raises:
        FormError: the file cannot be read.
    """
    return _scaled(_without_scanner(_load_picture(path)), size_mm)


def load_blank_scan(path: Path, size_mm: tuple[float, float]) -> Image:
    """Load the same page with the paper and grain of its scan: pages have such edges too.

    Raises:
        FormError: the file cannot be read.
    """
    return _scaled(_load_picture(path), size_mm)


def _load_picture(path: Path) -> Image:
    try:
        page = next(read_pages(path))
        return to_grayscale(decode_image(page.data or b"", page.media_type))
    except (OSError, StopIteration, EfterskriftError) as error:
        raise FormError("not_an_unfilled_form", path=path) from error


def _scaled(picture: Image, size_mm: tuple[float, float]) -> Image:
    size = tuple(round(side * PX_PER_MM) for side in size_mm)
    interpolation = cv2.INTER_AREA if picture.shape[1] > size[0] else cv2.INTER_CUBIC
    scaled = np.array(cv2.resize(picture, size, interpolation=interpolation), np.uint8)
    # Read-only, so that results about it can be cached.
    scaled.flags.writeable = False
    return scaled


def _without_scanner(picture: Image) -> Image:
    """Return a blank as it was printed: white paper without grain, also where it was scanned."""
    if np.count_nonzero(picture >= _WHITE_FROM) >= _MIN_WHITE_SHARE * picture.size:
        return picture
    # The level of the paper near each place, from a small image without print
    small = cv2.resize(
        picture, None, fx=_PAPER_SCALE, fy=_PAPER_SCALE, interpolation=cv2.INTER_AREA
    )
    side = max(3, min(small.shape) // _PAPER_PARTS | 1)
    paper = cv2.morphologyEx(cv2.medianBlur(small, 3), cv2.MORPH_CLOSE, np.ones((side, side)))
    paper = cv2.resize(cv2.blur(paper, (side, side)), picture.shape[1::-1])
    white = cv2.divide(cv2.medianBlur(picture, 3), paper, scale=255 / _PAPER_SHARE)
    return np.asarray(white, np.uint8)


def field_margin_mm(spec: FieldSpec, others: Iterable[FieldSpec]) -> float:
    """Return the margin on all sides of a field, mm.

    `others` are the fields of its page (the field itself may be among them).
    """
    if not spec.traits.is_multiline:
        return FIELD_MARGIN_MM
    # Notes may be wide, but not into the next field.
    nearest = min(
        (box_distance(spec.area, other.area) for other in others if other.name != spec.name),
        default=LINES_MARGIN_MM + NEIGHBOUR_GAP_MM,
    )
    return max(FIELD_MARGIN_MM, min(LINES_MARGIN_MM, nearest - NEIGHBOUR_GAP_MM))


def cut_field_images(
    upright: Image, form: Form, page_no: int, specs: Iterable[FieldSpec]
) -> list[FieldImage]:
    """Return the field images of a page as the readers got them when it was first read."""
    page, template = to_grayscale(upright), template_image(form, page_no)
    all_fields = form.pages[page_no - 1].all_fields
    margins = [(spec, field_margin_mm(spec, all_fields)) for spec in specs]
    return [
        FieldImage(cut_box(page, spec.area, m), spec, cut_box(template, spec.area, m), PX_PER_MM, m)
        for spec, m in margins
    ]


# Which of many forms printed elsewhere a page may be of, by votes of its print (Lowe 2004).
#
# Each form is known by some hundred features that it has but once. One that is also on the page
# says where the form would be: how large, how turned, and where its middle. Of the right form
# many say the same; of any other, but a few by chance.

# Distinct points of print (SIFT, Lowe 2004) in a page and in the forms printed elsewhere.

_TEMPLATE_PX_PER_MM = 4.0
"""Scale in which a template's features are extracted, px/mm."""
_MAX_TEMPLATE_FEATURES = 3000


@dataclass(frozen=True, slots=True)
class PrintFeatures:
    """Distinct points (n, 2), the clearest first, and what is around each.

    `pointers` (n,) are complex numbers: their length is the size of what is seen, in the unit of
    the points, and their angle how it is turned. `histograms` (n, 128) describe it.
    """

    points: Points
    pointers: NDArray[np.complex128]
    histograms: NDArray[np.uint8]

    def descriptors(self) -> NDArray[np.float32]:
        """Return vectors of length 1, the nearer the more alike."""
        # RootSIFT (Arandjelović & Zisserman 2012)
        histograms = self.histograms.astype(np.float32)
        sums = histograms.sum(axis=1, keepdims=True)
        return np.asarray(np.sqrt(histograms / np.maximum(sums, 1e-6)), np.float32)


def extract_features(image: Image, max_count: int) -> PrintFeatures:
    """Extract the features of a grey image, at most so many; points in px."""
    keypoints, histograms = cv2.SIFT.create(nfeatures=max_count).detectAndCompute(image, None)
    if histograms is None or not len(keypoints):
        return PrintFeatures(
            np.zeros((0, 2)), np.zeros(0, np.complex128), np.zeros((0, 128), np.uint8)
        )
    order = np.argsort([-point.response for point in keypoints], kind="stable")
    keypoints = [keypoints[i] for i in order]
    angles = np.radians([point.angle for point in keypoints])
    return PrintFeatures(
        np.array([point.pt for point in keypoints], dtype=np.float64),
        np.array([point.size for point in keypoints]) * np.exp(1j * angles),
        np.asarray(histograms)[order].astype(np.uint8),
    )


def extract_template_features(template: Image) -> PrintFeatures:
    """Extract the features of a template at 8 px/mm; points in mm."""
    # Extract in a small image, and convert to mm on the form.
    reduced = geometry.shrink_image(template, _TEMPLATE_PX_PER_MM / geometry.PX_PER_MM)
    features = extract_features(reduced, _MAX_TEMPLATE_FEATURES)
    if not len(features.points):
        return features
    to_template = geometry.resize_homography(reduced, template)
    to_mm = np.linalg.inv(geometry.raster_homography(geometry.PX_PER_MM)) @ to_template
    return replace(
        features,
        points=geometry.transform_points(to_mm, features.points),
        pointers=features.pointers * to_mm[0, 0],
    )


@lru_cache(maxsize=64)
def form_features(path: Path, size_mm: tuple[float, float]) -> PrintFeatures:
    """Return the features of the blank of a form printed elsewhere; points in mm.

    Raises:
        FormError: the file cannot be read.
    """
    return extract_template_features(load_blank_scan(path, size_mm))


_CLEAR_FEATURES = 1000
"""Features of a form, the clearest, among which those that it has but once are sought."""
_INDEXED_FEATURES = 400
"""Features by which a form is known."""
_VOTING_FEATURES = 3000
"""Features of the page, the clearest, that are compared with these."""
_DIMENSIONS = 32
"""Numbers that describe a feature; the rest of the 128 hardly tell features apart."""
_MAX_DISTANCE = 0.3
"""Largest squared distance between a feature and its image on a page."""
_MAX_VOTES = 200
"""Votes for each form, those of the features most alike."""
_MAX_TURN = 0.25
"""Difference of size and turn, as a share of the size, at which two votes agree."""
_MAX_APART_MM = 15.0
"""Distance of the middle of the form at which they agree, mm; photographs are not flat."""
_MIN_AGREEING = 12
"""Fewest agreeing votes for a form that may be on the page.

Of 33 known forms in 87 hard scans and photographs, the right one had 21 or more and more than any
other; of pages of no known form with print of their own most had up to 10.
"""
_MIN_SHARE = 0.25
"""At least this share of the votes for the first form; forms may share heads and words."""

Blank = tuple[Path, tuple[float, float]]
"""The file of an unfilled page, and its size, mm."""


@dataclass(frozen=True, slots=True)
class _KnownForm:
    """The features by which a form is known.

    `weights` (n, d + 1): their product with a feature's numbers and its squared length, plus
    `lengths` (n,), is the squared distance. Each places the form's middle at its own place plus
    `arms` times the ratio of its pointer on the page to `pointers`.
    """

    weights: NDArray[np.float32]
    lengths: NDArray[np.float32]
    pointers: NDArray[np.complex128]
    arms: NDArray[np.complex128]


@dataclass(frozen=True, slots=True)
class _FormIndex:
    mean: NDArray[np.float32]
    axes: NDArray[np.float32]
    forms: tuple[_KnownForm, ...]


def count_votes(features: PrintFeatures, blanks: Sequence[Blank]) -> list[int]:
    """Return for each form how many features of a page agree on where it is.

    `features` are of the page at about 4 px/mm.
    """
    if not len(features.points) or not blanks:
        return [0] * len(blanks)
    index = _index_forms(tuple(blanks))
    numbers = (features.descriptors()[:_VOTING_FEATURES] - index.mean) @ index.axes
    page = np.hstack([numbers, (numbers**2).sum(axis=1, keepdims=True)])
    return [_count_agreeing(features, page, form) for form in index.forms]


def rank_likely(votes: Sequence[int]) -> list[int]:
    """Return the indices of the forms that may be on the page, most votes first."""
    limit = max(_MIN_AGREEING, _MIN_SHARE * max(votes, default=0))
    order = sorted(range(len(votes)), key=lambda i: -votes[i])
    return [i for i in order if votes[i] >= limit]


def _count_agreeing(features: PrintFeatures, page: NDArray[np.float32], form: _KnownForm) -> int:
    if not len(form.weights):
        return 0
    # The most alike feature of the page, for each of the form.
    distances = form.weights @ page.T
    nearest = distances.argmin(axis=1)
    distance = distances[np.arange(len(nearest)), nearest] + form.lengths
    known = np.argsort(distance, kind="stable")[:_MAX_VOTES]
    known = known[distance[known] < _MAX_DISTANCE]
    if not len(known):
        return 0
    voters = nearest[known]
    # Size and turn of the form, and where its middle is.
    turns = features.pointers[voters] / form.pointers[known]
    middles = features.points[voters] @ np.array([1, 1j]) + turns * form.arms[known]
    sizes = np.abs(turns)[:, None]
    agree = (np.abs(turns[:, None] - turns) < _MAX_TURN * sizes) & (
        np.abs(middles[:, None] - middles) < _MAX_APART_MM * sizes
    )
    # A feature of the page has one vote.
    return len(np.unique(voters[agree[agree.sum(axis=1).argmax()]]))


@lru_cache(maxsize=2)
def _index_forms(blanks: tuple[Blank, ...]) -> _FormIndex:
    """Collect the features by which each form is known, in as few numbers as tell them apart."""
    chosen = [_single_features(form_features(*blank)) for blank in blanks]
    every = np.concatenate([descriptors for _, descriptors in chosen])
    mean = every.mean(axis=0) if len(every) else np.zeros(128, np.float32)
    _, axes = np.linalg.eigh((every - mean).T @ (every - mean))
    axes = np.asarray(axes[:, ::-1][:, :_DIMENSIONS], np.float32)
    forms = [
        _known_form(features, (descriptors - mean) @ axes, size)
        for (features, descriptors), (_, size) in zip(chosen, blanks, strict=True)
    ]
    return _FormIndex(mean, axes, tuple(forms))


def _single_features(features: PrintFeatures) -> tuple[PrintFeatures, NDArray[np.float32]]:
    """Return the features least like any other of the form, such as corners of boxes."""
    descriptors = features.descriptors()[:_CLEAR_FEATURES]
    likeness = descriptors @ descriptors.T
    np.fill_diagonal(likeness, -1)
    kept = (
        np.argsort(likeness.max(axis=1), kind="stable")[:_INDEXED_FEATURES]
        if len(descriptors)
        else np.zeros(0, np.intp)
    )
    single = PrintFeatures(
        features.points[kept], features.pointers[kept], features.histograms[kept]
    )
    return single, descriptors[kept]


def _known_form(
    features: PrintFeatures, numbers: NDArray[np.float32], size_mm: tuple[float, float]
) -> _KnownForm:
    middle = complex(size_mm[0] / 2, size_mm[1] / 2)
    return _KnownForm(
        np.hstack([-2 * numbers, np.ones((len(numbers), 1), np.float32)]),
        np.asarray((numbers**2).sum(axis=1), np.float32),
        features.pointers,
        middle - features.points @ np.array([1, 1j]),
    )
