"""Fit a paper model (flat, bent or creased) to where print was found, and estimate its error.

A model is judged at patches that were left out of its fit, so that a wrong fit cannot look good.
Deviations of paper from flat (stretch, curl, crease) are a smooth shift of its print in mm.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, Self

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.domain.model import Box, Image
from pipeline.reading.imaging import geometry
from pipeline.reading.imaging.geometry import Homography, Points
from pipeline.reading.register import patch_matching
from pipeline.reading.register.patch_matching import PatchOffsets, PatchSearch

# A smooth surface of any shape through scattered shifts of print: a thin plate (Duchon 1977).
#
# Between its places it bends as little as it can, and beyond them it goes on straight, as paper
# does.

_UNIT_MM = 100.0
"""Places are scaled by this, so that the equations are well conditioned."""
_STIFFNESS = 3e-5
"""Weight of the plate's stiffness for each place: so much noise of patches is smoothed away."""


@dataclass(frozen=True, slots=True)
class Plate:
    """A thin plate: `centres` (n, 2) mm, a weight of each (n, 2), and a plane (3, 2)."""

    centres: Points
    weights: NDArray[np.float64]
    plane: NDArray[np.float64]

    def shift(self, mm: Points) -> Points:
        """Return the shift at places (m, 2), mm."""
        return np.asarray(
            _kernel(mm, self.centres) @ self.weights + _plane_terms(mm) @ self.plane, np.float64
        )


def fit_plate(centres: Points, shifts: Points) -> Plate:
    """Fit a plate to shifts, (n, 2) mm, of three places or more that are not in one line."""
    count = len(centres)
    plane = _plane_terms(centres)
    sprung = _kernel(centres, centres) + _STIFFNESS * np.eye(count)
    system = np.block([[sprung, plane], [plane.T, np.zeros((3, 3))]])
    solved = np.linalg.solve(system, np.vstack([shifts, np.zeros((3, 2))]))
    return Plate(centres, solved[:count], solved[count:])


def _kernel(mm: Points, centres: Points) -> NDArray[np.float64]:
    """Return r² log r of the distances between places and centres, (m, n)."""
    x, y = ((mm[:, None, axis] - centres[None, :, axis]) / _UNIT_MM for axis in (0, 1))
    squared = x * x + y * y
    return np.asarray(0.5 * squared * np.log(np.maximum(squared, 1e-12)), np.float64)


def _plane_terms(mm: Points) -> NDArray[np.float64]:
    return np.column_stack([np.ones(len(mm)), mm / _UNIT_MM])


REWEIGHTINGS = 6
"""Rounds of the fit with Cauchy weights."""
Weights = NDArray[np.floating[Any]]
_CAUCHY_SCALE_MM = 0.15
"""A patch this far from the fit counts half, mm."""
_DAMPING = 1e-3
"""Weight of the assumption of no bend, in patches per patch."""
_NEAR_MM = 9.0
"""Standard deviation of a patch's weight in the fit of a crease, mm.

Patches are about 13 mm apart.
"""
_PATCH_DISTANCE_MM = 13.5
"""Distance over which the slope of a crease is measured, mm."""
_NO_CREASE_WEIGHT = 0.15
"""Weight of the assumption of no crease, in patches.

Where there are no patches nothing is moved.
"""
WORST_PERCENTILE = 95
"""Percentile at which residuals are judged: one patch in twenty may be wrong."""
MIN_TRAINING_PATCHES = 6
"""Patches that must remain when a square colour is held out."""
BEND_PATCH_FACTOR = 3
"""Times `MIN_PATCHES` that a bend needs."""
MIN_PATCHES = 12
"""Patches of print that have to be found on a page."""
_FOLD_SQUARE_MM = 13.5
"""Side of the squares of the chessboard that is held out in turn, mm."""
_MIN_CREASE_RESIDUAL_MM = 0.12
"""Below this residual a page is not searched for creases.

There is nothing to gain, and following creases costs as much as all other steps.
"""
_MAX_BEND_RATIO = 0.85
"""A model replaces a simpler one if its residual is below this share of the other's."""
FLAT_TOLERANCE_MM, BENT_TOLERANCE_MM = 0.6, 2.0
"""Patches farther than this from a homography are outliers, on flat and bent paper, mm."""
RANSAC_TRIALS, RANSAC_CONFIDENCE = 500, 0.995
"""Most trials of the robust fit, and the probability at which it may stop earlier."""


@dataclass(frozen=True, slots=True)
class Creases:
    """Local deviations that a bend leaves: a plane fitted to the patches around each place.

    Local regression (Cleveland 1979). `centres` and `remainders` (n, 2) mm.
    """

    centres: Points
    remainders: Points

    def shift(self, mm: Points) -> Points:
        """Return the shift at places, as `Bend.shift`."""
        differences = mm[:, None] - self.centres[None]
        # Weights of all patches by their distance from each place.
        kernel = np.exp(-(differences**2).sum(axis=2) / (2 * _NEAR_MM**2))
        # A weighted plane fit for each place, damped towards no shift.
        terms = np.concatenate([np.ones((*kernel.shape, 1)), differences / _NEAR_MM], axis=2)
        weighted = terms * kernel[:, :, None]
        normal = np.einsum("mni,mnj->mij", weighted, terms) + _NO_CREASE_WEIGHT * np.eye(3)
        return np.asarray(
            np.linalg.solve(normal, weighted.transpose(0, 2, 1) @ self.remainders)[:, 0],
            dtype=np.float64,
        )


@dataclass(frozen=True, slots=True)
class Bend:
    """A smooth shift in mm: polynomials of third degree over `page`, plus what creases add.

    `weights` (10, 2) are the coefficients. Where paper is wavy, a `plate` takes their place.
    """

    weights: Weights
    page: Box
    creases: Creases | None = None
    plate: Plate | None = None

    @classmethod
    def of_plate(cls, plate: Plate, page: Box = geometry.PAGE_BOX) -> Self:
        """Return the bend of wavy paper."""
        return cls(np.zeros((10, 2)), page, plate=plate)

    def shift(self, mm: Points) -> Points:
        """Return how far, (n, 2) mm, print is from its place on the form."""
        if self.plate is not None:
            return self.plate.shift(mm)
        smooth = np.asarray(_polynomial_terms(mm, self.page) @ self.weights, dtype=np.float64)
        return smooth if self.creases is None else smooth + self.creases.shift(mm)

    def sharpness(self, mm: Points) -> NDArray[np.float64]:
        """Return how far, mm, the shift at places differs from the mean on both sides of them.

        The worse of the two directions counts.
        """
        shifts, sharpness = self.shift(mm), np.zeros(len(mm))
        # Compare each place with its neighbours one patch away, in both directions.
        for step in np.array([(_PATCH_DISTANCE_MM, 0.0), (0.0, _PATCH_DISTANCE_MM)]):
            midpoint = (self.shift(mm + step) + self.shift(mm - step)) / 2
            sharpness = np.maximum(sharpness, np.linalg.norm(midpoint - shifts, axis=1))
        return sharpness


def _polynomial_terms(mm: Points, page: Box) -> NDArray[np.float64]:
    """Return the ten products of x and y up to the third degree, the page scaled to -1 … 1."""
    # Scaling keeps the normal equations well conditioned.
    x, y = mm[:, 0] * (2 / page.w) - 1, mm[:, 1] * (2 / page.h) - 1
    return np.stack([x**i * y**j for i in range(4) for j in range(4 - i)], axis=1)


def fit_bend(centres: Points, remainders: Points, page: Box, *, creased: bool = False) -> Bend:
    """Fit a bend to what a homography leaves, by least squares with Cauchy weights.

    A little damping keeps the edges from drifting away.
    """
    # Polynomial terms at each patch.
    terms = _polynomial_terms(centres, page)
    patch_weights: Weights = np.ones(len(centres))
    damping = np.diag([_DAMPING * len(centres)] * terms.shape[1])
    coefficients: Weights = np.zeros((terms.shape[1], 2))
    for _ in range(REWEIGHTINGS):
        # Solve with the present weights, then weigh down outliers.
        normal = terms.T @ (terms * patch_weights[:, None]) + damping
        coefficients = np.linalg.solve(normal, terms.T @ (remainders * patch_weights[:, None]))
        errors = np.linalg.norm(remainders - terms @ coefficients, axis=1)
        patch_weights = 1 / (1 + (errors / _CAUCHY_SCALE_MM) ** 2)
    return Bend(
        coefficients, page, Creases(centres, remainders - terms @ coefficients) if creased else None
    )


def fit_page(
    offsets: PatchOffsets, page: Box
) -> tuple[Homography, Bend | None, NDArray[np.float64]]:
    """Fit the simplest paper model that explains where print was found.

    Returns the homography, the bend if it helps, and the error, mm, of each patch when held
    out. There are no errors if the page's print was not found.
    """
    centres, moves = offsets.matched
    if len(centres) < MIN_PATCHES or not patch_matching.is_found_nearly_everywhere(offsets, page):
        # Too little print for any model.
        return np.eye(3), None, np.zeros(0)
    # Start with flat paper; a more flexible model has to be clearly better.
    best, errors = _PaperModel.FLAT, _leave_out_errors(centres, moves, page, _PaperModel.FLAT)
    for model in (
        (_PaperModel.BENT, _PaperModel.CREASED)
        if len(centres) >= BEND_PATCH_FACTOR * MIN_PATCHES
        else ()
    ):
        if (
            model is _PaperModel.CREASED
            and np.percentile(errors, WORST_PERCENTILE) < _MIN_CREASE_RESIDUAL_MM
        ):
            break
        trial_errors = _leave_out_errors(centres, moves, page, model)
        if np.percentile(trial_errors, WORST_PERCENTILE) < _MAX_BEND_RATIO * np.percentile(
            errors, WORST_PERCENTILE
        ):
            best, errors = model, trial_errors
    return *_fit_model(centres, moves, page, best), errors


def fit_robust_homography(
    centres: Points, moves: Points, within_mm: float = FLAT_TOLERANCE_MM
) -> Homography | None:
    """Fit mm → mm by RANSAC; None if there are too few patches."""
    if len(centres) < 4:
        return None
    fitted, _ = cv2.findHomography(
        centres,
        centres + moves,
        cv2.RANSAC,
        within_mm,
        maxIters=RANSAC_TRIALS,
        confidence=RANSAC_CONFIDENCE,
    )
    return None if fitted is None else np.asarray(fitted, dtype=np.float64)


def fit_wavy_page(
    offsets: PatchOffsets, page: Box, anchors: tuple[Points, Points]
) -> tuple[Bend | None, NDArray[np.float64]]:
    """Fit wavy paper to where print was found, and to places with known shifts (n, 2) mm.

    Returns the bend and the error, mm, of each patch when held out; none of both if the page's
    print was not found.
    """
    centres, moves = offsets.matched
    if len(centres) < BEND_PATCH_FACTOR * MIN_PATCHES or not (
        patch_matching.is_found_nearly_everywhere(offsets, page)
    ):
        return None, np.zeros(0)
    errors = np.zeros(len(centres))
    for held_out in _chessboard(centres):
        plate = _fit_anchored(centres[~held_out], moves[~held_out], anchors)
        errors[held_out] = np.linalg.norm(plate.shift(centres[held_out]) - moves[held_out], axis=1)
    return Bend.of_plate(_fit_anchored(centres, moves, anchors), page), errors


def _fit_anchored(centres: Points, moves: Points, anchors: tuple[Points, Points]) -> Plate:
    places, shifts = anchors
    return fit_plate(np.concatenate([centres, places]), np.concatenate([moves, shifts]))


class _PaperModel(Enum):
    """Shape that the paper is assumed to have."""

    FLAT = 0
    BENT = 1
    CREASED = 2


def _fit_model(
    centres: Points, moves: Points, page: Box, model: _PaperModel
) -> tuple[Homography, Bend | None]:
    """Fit one model to the offsets of print.

    Returns mm on the form → mm as now registered, and the bend in the form's coordinates.
    """
    homography = fit_robust_homography(
        centres, moves, FLAT_TOLERANCE_MM if model is _PaperModel.FLAT else BENT_TOLERANCE_MM
    )
    homography = np.eye(3) if homography is None else homography
    # What the homography leaves, in the form's coordinates, is the bend's.
    remainders = geometry.transform_points(np.linalg.inv(homography), centres + moves) - centres
    return homography, None if model is _PaperModel.FLAT else fit_bend(
        centres, remainders, page, creased=model is _PaperModel.CREASED
    )


def _leave_out_errors(
    centres: Points, moves: Points, page: Box, model: _PaperModel
) -> NDArray[np.float64]:
    """Return the error, mm, of each patch when squares of a chessboard are held out of the fit."""
    errors = np.zeros(len(centres))
    for held_out in _chessboard(centres):
        if held_out.sum() < len(centres) - MIN_TRAINING_PATCHES:
            homography, bend = _fit_model(centres[~held_out], moves[~held_out], page, model)
            # Compare the print that was found with the prediction.
            measured = geometry.transform_points(np.linalg.inv(homography), centres + moves)[
                held_out
            ]
            predicted = (
                centres[held_out]
                if bend is None
                else centres[held_out] + bend.shift(centres[held_out])
            )
            errors[held_out] = np.linalg.norm(measured - predicted, axis=1)
    return errors


def _chessboard(centres: Points) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Return which patches are on the two colours of a chessboard, which are held out in turn."""
    even_squares = np.floor(centres / _FOLD_SQUARE_MM).astype(int).sum(axis=1) % 2 == 0
    return even_squares, ~even_squares


# Estimate the registration error all over a page that was registered along creases or waves.
#
# Patches left out of a fit are where print is, and few of them are at a fold, so fields at a fold
# would hardly count. Places all over the page are judged instead: each gets the error that the
# small patches around it show, or the error that the sharpness of the fold there makes likely,
# whichever is larger.

_CREASE_SEARCH = PatchSearch(px_per_mm=6.0, patch_mm=5.0, reach_mm=2.0)
"""Search in patches small enough to be on one side of a fold."""
_CELL_MM = 5.0
"""One small patch is taken from each square of this side, mm.

That gives more than one patch on both sides of every fold.
"""
_SAMPLE_DISTANCE_MM = 10.0
"""Distance of the judged places from each other and from the page's edge, mm."""
_NEIGHBOUR_COUNT = 5
"""Patches around a place whose median error counts, since one may be mistaken."""
_FOLD_SHARPENING = 3.0
"""How many times sharper a fold is than its smoothed fit shows.

Measured on drawn sheets folded twice: with it the residual is within 0.1 mm of the true 95th
percentile of the error, from 0.6 to 2.4 mm of lift.
"""


def measure_crease_errors(
    upright: Image, template: Image, bend: Bend, changing: Sequence[Box] = ()
) -> NDArray[np.float64]:
    """Return the estimated error, mm, of places all over the page.

    Both images are grey, 8 px/mm; `changing` are boxes whose print differs from sheet to sheet,
    mm.
    """
    page = geometry.page_box(template)
    # A regular grid of places, away from the page's edge.
    x, y = np.meshgrid(
        np.arange(_SAMPLE_DISTANCE_MM, page.w - _SAMPLE_DISTANCE_MM / 2, _SAMPLE_DISTANCE_MM),
        np.arange(_SAMPLE_DISTANCE_MM, page.h - _SAMPLE_DISTANCE_MM / 2, _SAMPLE_DISTANCE_MM),
    )
    places = np.stack([x.ravel(), y.ravel()], axis=1)
    # Match small patches again on the registered page.
    found_centres, found_offsets = patch_matching.seek_independently(
        upright, template, patch_matching.find_patches(template, changing, _CELL_MM), _CREASE_SEARCH
    ).matched
    # Error that the sharpness of a fold makes likely; waves have none.
    fold_errors = np.zeros(len(places))
    if bend.plate is None:
        fold_errors = _FOLD_SHARPENING * bend.sharpness(places)
    if len(found_centres) < _NEIGHBOUR_COUNT:
        return fold_errors
    # Median error of the nearest patches.
    nearest = np.argsort(np.linalg.norm(places[:, None] - found_centres[None], axis=2), axis=1)[
        :, :_NEIGHBOUR_COUNT
    ]
    return np.asarray(
        np.maximum(fold_errors, np.median(np.linalg.norm(found_offsets, axis=1)[nearest], axis=1)),
        np.float64,
    )


# Follow print over a page that is not flat, from the printed marks inwards.
#
# On wavy paper print is centimetres from where the marks at the corners say, and a row of boxes
# looks like the next one. So each patch is sought only next to what was found already, near where
# that predicts it: no row can be skipped.

Flatten = Callable[[Bend], Image]
"""Gives the page flattened with a bend, at the scale of the search."""

_REACHES_MM = 20.0, 32.0, 50.0
"""How far from print that was found the next is sought, mm; farther only if there is none nearer.
"""
_MAX_ROUNDS = 24


def follow_waves(
    flatten: Flatten,
    template: Image,
    centres: Points,
    anchors: tuple[Points, Points],
    search: PatchSearch,
) -> PatchOffsets:
    """Search for patches from `anchors` on, places with known shifts (n, 2) mm.

    Returns all patches that can be on the page, with those found.
    """
    places, shifts = anchors
    centres = patch_matching.searchable_centres(template, centres, search)
    offsets, found = np.zeros((len(centres), 2)), np.zeros(len(centres), bool)
    reach = 0
    for _ in range(_MAX_ROUNDS):
        known = np.concatenate([places, centres[found]])
        bend = Bend.of_plate(fit_plate(known, np.concatenate([shifts, offsets[found]])))
        distances = np.linalg.norm(centres[:, None] - known[None], axis=2)
        near = distances.min(axis=1) <= _REACHES_MM[reach]
        # What was found is measured again together with what is new
        seen = patch_matching.seek_below_ink(flatten(bend), template, centres[near], search)
        gained = seen.found.sum() > found.sum()
        found[near], offsets[near] = (
            seen.found,
            seen.offsets + bend.shift(seen.centres + seen.offsets),
        )
        reach = 0 if gained else reach + 1
        if reach == len(_REACHES_MM):
            break
    return PatchOffsets(centres, offsets, found)
