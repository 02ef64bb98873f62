"""Connected strokes of ink, measured."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.components import Components, Labels
from pipeline.recognize.ink import Mask

Numbers = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Pieces:
    """Every connected stroke of a mask. `labels` (h, w) numbers them from 1; the arrays hold one value each (px), in that order, from index 0."""

    labels: Labels
    left: Numbers
    top: Numbers
    width: Numbers
    height: Numbers
    area: Numbers
    x: Numbers
    y: Numbers

    @classmethod
    def of(cls, mask: Mask) -> Pieces:
        """The strokes of a mask; those that touch at a corner are one."""
        found = Components.of(mask)
        return cls(found.labels, *np.asarray(found.stats[1:], np.float64).T, *found.centres[1:].T)

    def __len__(self) -> int:
        return len(self.area)

    @property
    def right(self) -> Numbers:
        """One past the last column."""
        return self.left + self.width

    @property
    def bottom(self) -> Numbers:
        """One past the last row."""
        return self.top + self.height
