"""A smooth surface of any shape through scattered shifts of print: a thin plate (Duchon 1977).

Between its places it bends as little as it can, and beyond them it goes on straight, as paper does.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.reading.imaging.geometry import Points

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
