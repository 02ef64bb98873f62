"""Where print was found on a page → how the paper lies: flat, bent or creased, and how far from the truth that may be.

What explains the shifts of print is judged at patches that were left out of the fit, so that a wrong fit cannot look good.
"""

from __future__ import annotations

from enum import Enum

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline import plane, structure
from pipeline.bend import Bend, fit_bend
from pipeline.model import Box
from pipeline.plane import Matrix, Points
from pipeline.structure import Shifts

WORST_PERCENTILE = 95
"""Residuals are judged at this percentile, so that one patch in twenty may be wrong."""
FLAT_TOLERANCE_MM, BENT_TOLERANCE_MM = 0.6, 2.0
"""Patches farther than this from a homography count as outliers, on flat and on bent paper, mm."""
RANSAC_TRIALS, RANSAC_CONFIDENCE = 500, 0.995
"""Most trials of the robust fit, and the probability with which it may stop earlier."""
LEAST_KEPT = 6
"""Patches that must remain on the other half of the board for a fit to be tested."""
MANY_PATCHES = 3
"""Times `FEWEST` patches that it takes to fit a bend."""
FEWEST = 12
"""So many patches of print have to be found."""
_LEFT_OUT_MM = 13.5
"""Side of the squares of the chess board that are left out in turn, mm."""
_GOOD_MM = 0.12
"""A page that lies so well is not searched for creases: there is nothing to gain, and following them costs as much as all else."""
_BENDS = 0.85
"""A bend is believed if it brings the residual below this share of that without it."""


def best_fit(shifts: Shifts, page: Box) -> tuple[Matrix, Bend | None, NDArray[np.float64]]:
    """Homography, bend if it helps, and how far off, mm, each patch lies when left out; none if the page's print was not found."""
    at, moved = shifts.seen
    if len(at) < FEWEST or not structure.mostly_seen(shifts, page):
        return np.eye(3), None, np.zeros(0)
    best, wrong = _Model.FLAT, _left_out(at, moved, page, _Model.FLAT)
    for model in (_Model.BENT, _Model.CREASED) if len(at) >= MANY_PATCHES * FEWEST else ():
        if model is _Model.CREASED and np.percentile(wrong, WORST_PERCENTILE) < _GOOD_MM:
            break
        trial = _left_out(at, moved, page, model)
        if np.percentile(trial, WORST_PERCENTILE) < _BENDS * np.percentile(wrong, WORST_PERCENTILE):
            best, wrong = model, trial
    return *_fit(at, moved, page, best), wrong


def homography(at: Points, moved: Points, within_mm: float = FLAT_TOLERANCE_MM) -> Matrix | None:
    """mm → mm, robust."""
    if len(at) < 4:
        return None
    found, _ = cv2.findHomography(at, at + moved, cv2.RANSAC, within_mm, maxIters=RANSAC_TRIALS, confidence=RANSAC_CONFIDENCE)
    return None if found is None else np.asarray(found, dtype=np.float64)


class _Model(Enum):
    """What is believed of the paper."""

    FLAT = 0
    BENT = 1
    CREASED = 2


def _fit(at: Points, moved: Points, page: Box, model: _Model) -> tuple[Matrix, Bend | None]:
    """A shift of print `moved` at `at` explained: mm on the form → mm as now laid, then the bend in form coordinates."""
    flat = homography(at, moved, FLAT_TOLERANCE_MM if model is _Model.FLAT else BENT_TOLERANCE_MM)
    flat = np.eye(3) if flat is None else flat
    left = plane.through(np.linalg.inv(flat), at + moved) - at
    return flat, None if model is _Model.FLAT else fit_bend(at, left, page, creased=model is _Model.CREASED)


def _left_out(at: Points, moved: Points, page: Box, model: _Model) -> NDArray[np.float64]:
    """How far off, mm, each patch lies when those of its square of a chess board are left out of the fit."""
    board = np.floor(at / _LEFT_OUT_MM).astype(int).sum(axis=1) % 2 == 0
    wrong = np.zeros(len(at))
    for left_out in (board, ~board):
        if left_out.sum() < len(at) - LEAST_KEPT:
            flat, bend = _fit(at[~left_out], moved[~left_out], page, model)
            print_at = plane.through(np.linalg.inv(flat), at + moved)[left_out]
            meant = at[left_out] if bend is None else at[left_out] + bend.shift(at[left_out])
            wrong[left_out] = np.linalg.norm(print_at - meant, axis=1)
    return wrong
