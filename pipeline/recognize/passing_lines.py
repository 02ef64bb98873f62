"""Lines that only pass through a check box: a fold of the paper, a line that strikes out a whole row. A mark ends near its box."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.components import Components
from pipeline.recognize.ink import Ink

FAR_MM = 1.5
"""With less paper than this around the box a mark may well leave the picture."""


def passes_through(ink: Ink) -> bool:
    """Whether something in the box leaves its picture on two sides."""
    left, top, right, bottom = ink.field
    if min(left, top) < FAR_MM * ink.px_per_mm or sum(edge.any() for edge in _edges(ink.mask)) < 2:
        return False
    parts = Components.of(ink.mask)
    sides = [set(np.unique(edge).tolist()) for edge in _edges(parts.labels)]
    inside = set(np.unique(parts.labels[top:bottom, left:right]).tolist()) - {0}
    return any(sum(part in side for side in sides) >= 2 for part in inside)


def _edges(picture: NDArray[Any]) -> tuple[NDArray[Any], ...]:
    return picture[0], picture[-1], picture[:, 0], picture[:, -1]
