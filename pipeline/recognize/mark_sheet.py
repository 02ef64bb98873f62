"""Check boxes held against the others of their sheet: printed, copied and scanned alike, and marked in one hand.

What the empty and what the marked boxes of a sheet look like is taken from a first opinion of each box. A box never counts for itself.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pipeline.recognize import mark_contrast, mark_features

Numbers = NDArray[np.float64]

COMPARED = (
    "covered",
    "covered, gaps closed",
    "paper left",
    "log area",
    "darkness inside",
    "thickness",
    "at the centre",
    "mean darkness",
    "darkened",
    "lightest tenth",
    "half",
    "likeness",
    "darkest of bare paper",
    "bare paper darkened",
)
"""Of the numbers measured in each box, those that are compared."""
_COLUMNS = [(*mark_features.FEATURES, *mark_contrast.FEATURES).index(name) for name in COMPARED]
FEATURES = (
    *(f"{name}, above empty ones" for name in COMPARED),
    *(f"{name}, above marked ones" for name in COMPARED),
    *(f"{name}, in spreads of empty ones" for name in COMPARED),
    *(f"{name}, above the middle" for name in COMPARED),
    "empty others",
    "marked others",
)
USUAL = 2.0
"""What boxes look like on other sheets counts as so many boxes."""
STEEPNESS = 4.0
"""Others count by the fourth power of their probability: doubtful ones hardly."""
FARTHEST = 6.0
"""Most deviations that a box may differ from the others of its sheet."""
FEWEST = 8
"""With fewer boxes a sheet has no middle."""
LEAST_SPREAD = 0.02
"""Least deviation that boxes of a sheet are taken to have."""


def beside_others(values: Numbers, p: Numbers, sheets: NDArray[np.int64], usual: Numbers) -> Numbers:
    """(boxes, `FEATURES`): all zero but for what is known from other sheets where a box has no sheet (0).

    Args:
        values: (boxes, features) as measured.
        p: (boxes, 2) a first opinion: empty, inked.
        sheets: which boxes are of one sheet.
        usual: (2, compared) what empty and inked boxes usually look like.
    """
    compared = values[:, _COLUMNS]
    found = np.zeros((len(values), len(FEATURES)))
    for sheet in np.unique(sheets):
        at = np.flatnonzero(sheets == sheet)
        if sheet == 0:
            for i in at:
                found[i] = _of_sheet(compared[[i]], p[[i]], usual)
        else:
            found[at] = _of_sheet(compared[at], p[at], usual)
    return found


def compared_columns(values: Numbers) -> Numbers:
    """The columns of `COMPARED`."""
    return np.asarray(values[:, _COLUMNS], np.float64)


def _of_sheet(compared: Numbers, p: Numbers, usual: Numbers) -> Numbers:
    weights = p**STEEPNESS
    (empty, spread, empties), (inked, _, inks) = (_others(compared, weights[:, i], usual[i]) for i in (0, 1))
    middle = compared - np.median(compared, axis=0) if len(compared) >= FEWEST else np.zeros_like(compared)
    above = compared - empty
    far = np.clip(above / (spread + LEAST_SPREAD), -FARTHEST, FARTHEST) / FARTHEST
    return np.hstack([above, compared - inked, far, middle, np.log1p(empties)[:, None] / 4, np.log1p(inks)[:, None] / 4])


def _others(compared: Numbers, weight: Numbers, usual: Numbers) -> tuple[Numbers, Numbers, Numbers]:
    """Mean and standard deviation of the other boxes, each box by its weight, and how many they are."""
    count = weight.sum() - weight
    first = weight @ compared - weight[:, None] * compared
    second = weight @ compared**2 - weight[:, None] * compared**2
    own = np.maximum(count, 1e-9)[:, None]
    spread = np.sqrt(np.maximum(0.0, second / own - (first / own) ** 2))
    mean = (USUAL * usual + first) / (USUAL + count)[:, None]
    return mean, np.where(count[:, None] > 2, spread, 0.3), count
