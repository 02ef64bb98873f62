"""A stroke of one box that reaches far into the next: perhaps two digits that touch, of which one is not read, and the next box is not empty.

"11.30" whose ones touch on the line between their boxes was 01:30, and "72" written close together 7.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from pipeline.components import Labels
from pipeline.recognize.digit_strokes import Edges, Stroke

WIDE, HIGH = 0.1, 0.2
"""Of the width and height of a box: so much of it a stroke of the next box takes at least that may be two digits. Of 2,370 drawn rows with empty
boxes that were read rightly and surely 24 have such a stroke; so have 52 of 130 rows of touching digits that were surely another number."""


def reached(labels: Labels, strokes: Mapping[int, Sequence[Stroke]], edges: Edges, box_height: float) -> NDArray[np.bool_]:
    """Into which boxes (n,) a stroke of another one reaches so far. `labels` (h, w), `strokes` by box, and the sides of the boxes (n + 1,), px."""
    found = np.zeros(len(edges) - 1, np.bool_)
    least = WIDE * (edges[1] - edges[0]), HIGH * box_height
    for box, of_box in strokes.items():
        for stroke in of_box:
            for other, start, end in ((box - 1, stroke.x, int(edges[box])), (box + 1, int(edges[box + 1]), stroke.x + stroke.w)):
                if 0 <= other < len(found) and end - start >= least[0]:
                    found[other] |= _height(labels, stroke, start, end) >= least[1]
    return found


def _height(labels: Labels, stroke: Stroke, start: int, end: int) -> int:
    """How high a stroke is in some columns of the picture, px."""
    inked = np.flatnonzero((labels[stroke.y : stroke.y + stroke.h, start:end] == stroke.label).any(axis=1))
    return int(inked[-1] - inked[0] + 1) if inked.size else 0
