"""How paper deviates from flat: stretched, curled or creased, as a smooth shift of its print in mm."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.model import Box
from pipeline.plane import Points

REWEIGHTINGS = 6
"""Rounds of the fit with Cauchy's weights."""


Weights = NDArray[np.floating[Any]]

_TRUSTED_MM = 0.15
"""A patch that lies this far from the fit counts half."""
_DAMPING = 1e-3
"""Weight of the assumption of no bend, in patches, for each patch."""
_NEAR_MM = 9.0
"""Standard deviation of the weight of a patch in the fit of a crease. Patches lie about 13 mm apart."""
_APART_MM = 13.5
"""Distance over which the slope of a crease is measured, mm."""
_STEADY = 0.15
"""How much weight the assumption of no crease has, in patches: where there are none, nothing is moved."""


@dataclass(frozen=True, slots=True)
class Creases:
    """What a bend leaves: in each place a plane fitted to the patches around it (local regression, Cleveland 1979). `at`, `left` (n, 2) mm."""

    at: Points
    left: Points

    def shift(self, mm: Points) -> Points:
        """As `Bend.shift`."""
        away = mm[:, None] - self.at[None]
        near = np.exp(-(away**2).sum(axis=2) / (2 * _NEAR_MM**2))
        terms = np.concatenate([np.ones((*near.shape, 1)), away / _NEAR_MM], axis=2)
        weighted = terms * near[:, :, None]
        normal = np.einsum("mni,mnj->mij", weighted, terms) + _STEADY * np.eye(3)
        return np.asarray(np.linalg.solve(normal, weighted.transpose(0, 2, 1) @ self.left)[:, 0], dtype=np.float64)


@dataclass(frozen=True, slots=True)
class Bend:
    """Shift in mm as polynomials of third degree over `page`, `weights` (10, 2), and what creases add to it."""

    weights: Weights
    page: Box
    creases: Creases | None = None

    def shift(self, mm: Points) -> Points:
        """Where print meant for these places lies instead, (n, 2), as a difference in mm."""
        smooth = np.asarray(_powers(mm, self.page) @ self.weights, dtype=np.float64)
        return smooth if self.creases is None else smooth + self.creases.shift(mm)

    def sharpness(self, mm: Points) -> NDArray[np.float64]:
        """How far, mm, the shift of each place differs from the middle between that of places on both sides, the worse of across and down."""
        here, worst = self.shift(mm), np.zeros(len(mm))
        for side in np.array([(_APART_MM, 0.0), (0.0, _APART_MM)]):
            between = (self.shift(mm + side) + self.shift(mm - side)) / 2
            worst = np.maximum(worst, np.linalg.norm(between - here, axis=1))
        return worst


def _powers(mm: Points, page: Box) -> NDArray[np.float64]:
    """The ten products of x and y up to the third degree, of the page scaled to -1 … 1."""
    x, y = mm[:, 0] * (2 / page.w) - 1, mm[:, 1] * (2 / page.h) - 1
    return np.stack([x**i * y**j for i in range(4) for j in range(4 - i)], axis=1)


def fit_bend(at: Points, left: Points, page: Box, *, creased: bool = False) -> Bend:
    """Fit of what a homography leaves, by least squares with Cauchy's weights; a little damped so that edges do not fly away."""
    powers = _powers(at, page)
    weight: Weights = np.ones(len(at))
    damping = np.diag([_DAMPING * len(at)] * powers.shape[1])
    weights: Weights = np.zeros((powers.shape[1], 2))
    for _ in range(REWEIGHTINGS):
        normal = powers.T @ (powers * weight[:, None]) + damping
        weights = np.linalg.solve(normal, powers.T @ (left * weight[:, None]))
        wrong = np.linalg.norm(left - powers @ weights, axis=1)
        weight = 1 / (1 + (wrong / _TRUSTED_MM) ** 2)
    return Bend(weights, page, Creases(at, left - powers @ weights) if creased else None)
