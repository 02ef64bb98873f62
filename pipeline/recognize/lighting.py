"""Light that falls off across a small picture, evened out before ink is looked for over wide areas."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.recognize.crop import Crop
from pipeline.recognize.ink import scale_of, square

LEAST_EVEN = 0.3
"""A plane of light whose darkest place is below this part of its brightest is no lighting."""
CELL_MM = 1.0
"""Paper shows somewhere in every cell of this size, but for cells that are filled solid."""
ROUNDS = 5
TOLERANCE = 0.06
"""What is this much darker than the plane, as part of the brightest paper, is not paper."""
LEAST_PAPER = 0.5
"""With fewer cells of paper than this there is nothing to fit to."""


def levelled(crop: Crop) -> Crop:
    """The crop as if evenly lit: divided by a plane through the grey of its paper. Unchanged where too little paper shows."""
    plane = _paper_plane(crop)
    if plane is None:
        return crop
    image = np.divide(plane.max(), plane, out=plane)
    image *= crop.image
    return replace(crop, image=np.minimum(image, 255, out=image).astype(np.uint8))


def _paper_plane(crop: Crop) -> NDArray[np.float64] | None:
    """The grey of paper at every pixel, (h, w), fitted to the brightest of each cell; cells without paper are left out round by round."""
    height, width = crop.image.shape
    cell = max(2, round(CELL_MM * scale_of(crop)))
    bright = cv2.dilate(cv2.blur(crop.image, (3, 3)), square(cell))[cell // 2 :: cell, cell // 2 :: cell].astype(np.float64)
    terms, grey = _terms(height, width, cell), bright.ravel()
    slope, paper = _solver(height, width, cell) @ grey, np.ones(grey.size, bool)
    for round_no in range(ROUNDS):
        if round_no:
            slope = _fitted(terms[paper], grey[paper])
        before, paper = paper, grey > terms @ slope - TOLERANCE * grey.max()
        if np.count_nonzero(paper) < LEAST_PAPER * paper.size:
            return None
        if (paper == before).all():
            break
    columns, rows = np.arange(width) / max(height, width), np.arange(height) / max(height, width)
    plane = (slope[0] * columns)[None, :] + (slope[1] * rows + slope[2])[:, None]
    return np.asarray(plane, np.float64) if plane.min() > LEAST_EVEN * plane.max() else None


@lru_cache(maxsize=256)
def _terms(height: int, width: int, cell: int) -> NDArray[np.float64]:
    """(cells, 3): x and y of the middle of each cell as parts of the longer side, and 1."""
    y, x = (axis.ravel() for axis in np.mgrid[cell // 2 : height : cell, cell // 2 : width : cell] / max(height, width))
    return np.stack([x, y, np.ones_like(x)], axis=1)


@lru_cache(maxsize=256)
def _solver(height: int, width: int, cell: int) -> NDArray[np.float64]:
    """(3, cells): what turns the greys of all cells into the plane fitted to them."""
    terms = _terms(height, width, cell)
    return _solved(terms, terms.T)


def _fitted(terms: NDArray[np.float64], grey: NDArray[np.float64]) -> NDArray[np.float64]:
    """The plane (3,) fitted to the greys (cells,) by least squares."""
    return _solved(terms, terms.T @ grey)


def _solved(terms: NDArray[np.float64], right: NDArray[np.float64]) -> NDArray[np.float64]:
    """The normal equations solved; a trace of damping, so that a single row of cells has an answer too."""
    return np.asarray(np.linalg.solve(terms.T @ terms + 1e-9 * np.eye(3), right), np.float64)
