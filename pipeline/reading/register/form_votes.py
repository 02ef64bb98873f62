"""Which of many forms printed elsewhere a page may be of, by votes of its print (Lowe 2004).

Each form is known by some hundred features that it has but once. One that is also on the page says
where the form would be: how large, how turned, and where its middle. Of the right form many say
the same; of any other, but a few by chance.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.domain.model import Image
from pipeline.reading.imaging import geometry
from pipeline.reading.imaging.geometry import Points
from pipeline.reading.register.template_images import load_blank_scan

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
