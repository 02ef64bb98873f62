"""Connected strokes of ink, measured."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.recognize.ink import Mask

Numbers = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Pieces:
    """Every connected stroke of a mask. `labels` (h, w) numbers them from 1; the arrays hold one value each (px), in that order, from index 0."""

    labels: NDArray[np.int32]
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
        _, labels, stats, centres = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=8)
        left, top, width, height, area = np.asarray(stats[1:], np.float64).T
        return cls(np.asarray(labels, np.int32), left, top, width, height, area, *np.asarray(centres[1:], np.float64).T)

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
