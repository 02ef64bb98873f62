"""Fit a paper model (flat, bent or creased) to where print was found, and estimate its error.

A model is judged at patches that were left out of its fit, so that a wrong fit cannot look good.
Deviations of paper from flat (stretch, curl, crease) are a smooth shift of its print in mm.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Any, Self

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.domain.model import Box
from pipeline.reading.imaging import geometry
from pipeline.reading.imaging.geometry import Homography, Points
from pipeline.reading.register import patch_matching
from pipeline.reading.register.patch_matching import PatchOffsets
from pipeline.reading.register.plate import Plate, fit_plate

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
