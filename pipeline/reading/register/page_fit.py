"""Where print was found on a page → how the paper lies: flat, bent or creased, and how far from the
truth that may be.

What explains the shifts of print is judged at patches that were left out of the fit, so that a
wrong fit cannot look good.

How paper deviates from flat: stretched, curled or creased, as a smooth shift of its print in mm.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.domain.model import Box
from pipeline.reading.imaging import geometry
from pipeline.reading.imaging.geometry import Homography, Points
from pipeline.reading.register import patch_matching
from pipeline.reading.register.patch_matching import PatchOffsets

REWEIGHTINGS = 6
"""Rounds of the fit with Cauchy's weights."""
Weights = NDArray[np.floating[Any]]
_CAUCHY_SCALE_MM = 0.15
"""A patch that lies this far from the fit counts half."""
_DAMPING = 1e-3
"""Weight of the assumption of no bend, in patches, for each patch."""
_NEAR_MM = 9.0
"""Standard deviation of the weight of a patch in the fit of a crease. Patches lie about 13 mm
apart.
"""
_PATCH_DISTANCE_MM = 13.5
"""Distance over which the slope of a crease is measured, mm."""
_NO_CREASE_WEIGHT = 0.15
"""How much weight the assumption of no crease has, in patches: where there are none, nothing is
moved.
"""
WORST_PERCENTILE = 95
"""Residuals are judged at this percentile, so that one patch in twenty may be wrong."""
LEAST_KEPT = 6
"""Patches that must remain on the other half of the board for a fit to be tested."""
MANY_PATCHES = 3
"""Times `FEWEST` patches that it takes to fit a bend."""
MIN_PATCHES = 12
"""So many patches of print have to be found."""
_FOLD_SQUARE_MM = 13.5
"""Side of the squares of the chess board that are left out in turn, mm."""
_MIN_CREASE_RESIDUAL_MM = 0.12
"""A page that lies so well is not searched for creases: there is nothing to gain, and following
them costs as much as all else.
"""
_MAX_BEND_RATIO = 0.85
"""A bend is believed if it brings the residual below this share of that without it."""


@dataclass(frozen=True, slots=True)
class Creases:
    """What a bend leaves: in each place a plane fitted to the patches around it (local regression,
    Cleveland 1979). `at`, `left` (n, 2) mm.
    """

    at: Points
    left: Points

    def shift(self, mm: Points) -> Points:
        """As `Bend.shift`."""
        away = mm[:, None] - self.at[None]
        near = np.exp(-(away**2).sum(axis=2) / (2 * _NEAR_MM**2))
        terms = np.concatenate([np.ones((*near.shape, 1)), away / _NEAR_MM], axis=2)
        weighted = terms * near[:, :, None]
        normal = np.einsum("mni,mnj->mij", weighted, terms) + _NO_CREASE_WEIGHT * np.eye(3)
        return np.asarray(
            np.linalg.solve(normal, weighted.transpose(0, 2, 1) @ self.left)[:, 0], dtype=np.float64
        )


@dataclass(frozen=True, slots=True)
class Bend:
    """Shift in mm as polynomials of third degree over `page`, `weights` (10, 2), and what creases
    add to it.
    """

    weights: Weights
    page: Box
    creases: Creases | None = None

    def shift(self, mm: Points) -> Points:
        """Where print meant for these places lies instead, (n, 2), as a difference in mm."""
        smooth = np.asarray(_polynomial_terms(mm, self.page) @ self.weights, dtype=np.float64)
        return smooth if self.creases is None else smooth + self.creases.shift(mm)

    def sharpness(self, mm: Points) -> NDArray[np.float64]:
        """How far, mm, the shift of each place differs from the middle between that of places on
        both sides, the worse of across and down.
        """
        here, worst = self.shift(mm), np.zeros(len(mm))
        for side in np.array([(_PATCH_DISTANCE_MM, 0.0), (0.0, _PATCH_DISTANCE_MM)]):
            between = (self.shift(mm + side) + self.shift(mm - side)) / 2
            worst = np.maximum(worst, np.linalg.norm(between - here, axis=1))
        return worst


def _polynomial_terms(mm: Points, page: Box) -> NDArray[np.float64]:
    """The ten products of x and y up to the third degree, of the page scaled to -1 … 1."""
    x, y = mm[:, 0] * (2 / page.w) - 1, mm[:, 1] * (2 / page.h) - 1
    return np.stack([x**i * y**j for i in range(4) for j in range(4 - i)], axis=1)


def fit_bend(at: Points, left: Points, page: Box, *, creased: bool = False) -> Bend:
    """Fit of what a homography leaves, by least squares with Cauchy's weights; a little damped so
    that edges do not fly away.
    """
    powers = _polynomial_terms(at, page)
    weight: Weights = np.ones(len(at))
    damping = np.diag([_DAMPING * len(at)] * powers.shape[1])
    weights: Weights = np.zeros((powers.shape[1], 2))
    for _ in range(REWEIGHTINGS):
        normal = powers.T @ (powers * weight[:, None]) + damping
        weights = np.linalg.solve(normal, powers.T @ (left * weight[:, None]))
        wrong = np.linalg.norm(left - powers @ weights, axis=1)
        weight = 1 / (1 + (wrong / _CAUCHY_SCALE_MM) ** 2)
    return Bend(weights, page, Creases(at, left - powers @ weights) if creased else None)


FLAT_TOLERANCE_MM, BENT_TOLERANCE_MM = 0.6, 2.0
"""Patches farther than this from a homography count as outliers, on flat and on bent paper, mm."""


RANSAC_TRIALS, RANSAC_CONFIDENCE = 500, 0.995
"""Most trials of the robust fit, and the probability with which it may stop earlier."""


def fit_page(
    shifts: PatchOffsets, page: Box
) -> tuple[Homography, Bend | None, NDArray[np.float64]]:
    """Homography, bend if it helps, and how far off, mm, each patch lies when left out; none if the
    page's print was not found.
    """
    at, moved = shifts.seen
    if len(at) < MIN_PATCHES or not patch_matching.is_mostly_seen(shifts, page):
        return np.eye(3), None, np.zeros(0)
    best, wrong = _PaperModel.FLAT, _leave_out_errors(at, moved, page, _PaperModel.FLAT)
    for model in (
        (_PaperModel.BENT, _PaperModel.CREASED) if len(at) >= MANY_PATCHES * MIN_PATCHES else ()
    ):
        if (
            model is _PaperModel.CREASED
            and np.percentile(wrong, WORST_PERCENTILE) < _MIN_CREASE_RESIDUAL_MM
        ):
            break
        trial = _leave_out_errors(at, moved, page, model)
        if np.percentile(trial, WORST_PERCENTILE) < _MAX_BEND_RATIO * np.percentile(
            wrong, WORST_PERCENTILE
        ):
            best, wrong = model, trial
    return *_fit_model(at, moved, page, best), wrong


def fit_robust_homography(
    at: Points, moved: Points, within_mm: float = FLAT_TOLERANCE_MM
) -> Homography | None:
    """mm → mm, robust."""
    if len(at) < 4:
        return None
    found, _ = cv2.findHomography(
        at, at + moved, cv2.RANSAC, within_mm, maxIters=RANSAC_TRIALS, confidence=RANSAC_CONFIDENCE
    )
    return None if found is None else np.asarray(found, dtype=np.float64)


class _PaperModel(Enum):
    """What is believed of the paper."""

    FLAT = 0
    BENT = 1
    CREASED = 2


def _fit_model(
    at: Points, moved: Points, page: Box, model: _PaperModel
) -> tuple[Homography, Bend | None]:
    """A shift of print `moved` at `at` explained: mm on the form → mm as now laid, then the bend in
    form coordinates.
    """
    flat = fit_robust_homography(
        at, moved, FLAT_TOLERANCE_MM if model is _PaperModel.FLAT else BENT_TOLERANCE_MM
    )
    flat = np.eye(3) if flat is None else flat
    left = geometry.transform_points(np.linalg.inv(flat), at + moved) - at
    return flat, None if model is _PaperModel.FLAT else fit_bend(
        at, left, page, creased=model is _PaperModel.CREASED
    )


def _leave_out_errors(
    at: Points, moved: Points, page: Box, model: _PaperModel
) -> NDArray[np.float64]:
    """How far off, mm, each patch lies when those of its square of a chess board are left out of
    the fit.
    """
    board = np.floor(at / _FOLD_SQUARE_MM).astype(int).sum(axis=1) % 2 == 0
    wrong = np.zeros(len(at))
    for left_out in (board, ~board):
        if left_out.sum() < len(at) - LEAST_KEPT:
            flat, bend = _fit_model(at[~left_out], moved[~left_out], page, model)
            print_at = geometry.transform_points(np.linalg.inv(flat), at + moved)[left_out]
            meant = at[left_out] if bend is None else at[left_out] + bend.shift(at[left_out])
            wrong[left_out] = np.linalg.norm(print_at - meant, axis=1)
    return wrong
