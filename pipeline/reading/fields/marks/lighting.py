"""Even out light that falls off across the image of a check box, which is looked at as a whole."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache, partial

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.reading.fields.field_image import FieldImage, group_alike
from pipeline.reading.fields.ink import find_px_per_mm, square_kernel
from pipeline.reading.imaging.image_stack import Stack, filter_stack

LEAST_EVEN = 0.3
"""A light plane whose darkest place is below this part of its brightest is no lighting."""
LIGHT_CELL_MM = 1.0
"""Paper is visible somewhere in every cell of this size, except in cells that are filled solid."""
PLANE_FIT_ROUNDS = 5
PAPER_TOLERANCE = 0.06
"""What is this much darker than the light plane, as part of the brightest paper, is not paper."""
MIN_PAPER_SHARE = 0.5
"""With a smaller share of cells with paper there is too little to fit to."""


def even_lighting(crops: Sequence[FieldImage]) -> list[FieldImage]:
    """Return field images as if evenly lit; those in which too little paper shows are unchanged.

    Each is divided by a plane through the grey of its paper.
    """
    lit = list(crops)
    # Images that are cut alike are filtered together.
    for group in group_alike(crops):
        images = np.stack([crops[i].image for i in group])
        cell = max(2, round(LIGHT_CELL_MM * find_px_per_mm(crops[group[0]])))
        for i, grey in zip(group, _cell_greys(images, cell), strict=True):
            plane = _fit_paper_plane(crops[i].image.shape, cell, grey)
            if plane is not None:
                # Divide by the plane in place, which is large.
                image = np.divide(plane.max(), plane, out=plane)
                image *= crops[i].image
                even = np.minimum(image, 255, out=image).astype(np.uint8)
                lit[i] = replace(crops[i], image=even)
    return lit


def _cell_greys(images: Stack, cell: int) -> NDArray[np.float64]:
    """Return the brightest grey of each cell, (n, cells)."""
    smooth = filter_stack(images, 1, lambda tall: cv2.blur(tall, (3, 3)), cv2.BORDER_REFLECT_101)
    bright = filter_stack(smooth, cell, partial(cv2.dilate, kernel=square_kernel(cell)))
    return np.asarray(
        bright[:, cell // 2 :: cell, cell // 2 :: cell].reshape(len(images), -1), np.float64
    )


def _fit_paper_plane(
    shape: tuple[int, ...], cell: int, grey: NDArray[np.float64]
) -> NDArray[np.float64] | None:
    """Fit a plane to the grey of paper; return it at every pixel, (h, w), or None.

    It is fitted to the brightest `grey` of each cell; cells without paper are left out round by
    round.
    """
    height, width = shape

    # Fit to all cells first, then to those that are not much darker than the plane.
    terms = _plane_terms(height, width, cell)
    slope, paper = _plane_solver(height, width, cell) @ grey, np.ones(grey.size, bool)
    tolerance = PAPER_TOLERANCE * grey.max()
    for round_no in range(PLANE_FIT_ROUNDS):
        if round_no:
            slope = _fit_plane(terms[paper], grey[paper])
        before, paper = paper, grey > terms @ slope - tolerance
        if np.count_nonzero(paper) < MIN_PAPER_SHARE * paper.size:
            return None
        if (paper == before).all():
            break

    # Draw the plane; one that falls off too steeply is no lighting.
    columns, rows = _axes(height, width)
    plane = (slope[0] * columns)[None, :] + (slope[1] * rows + slope[2])[:, None]
    return np.asarray(plane, np.float64) if plane.min() > LEAST_EVEN * plane.max() else None


@lru_cache(maxsize=256)
def _axes(height: int, width: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return x of each column and y of each row as parts of the longer side."""
    return np.arange(width) / max(height, width), np.arange(height) / max(height, width)


@lru_cache(maxsize=256)
def _plane_terms(height: int, width: int, cell: int) -> NDArray[np.float64]:
    """Return (cells, 3): x and y of each cell's centre as parts of the longer side, and 1."""
    y, x = (
        axis.ravel()
        for axis in np.mgrid[cell // 2 : height : cell, cell // 2 : width : cell]
        / max(height, width)
    )
    return np.stack([x, y, np.ones_like(x)], axis=1)


@lru_cache(maxsize=256)
def _plane_solver(height: int, width: int, cell: int) -> NDArray[np.float64]:
    """Return (3, cells): what turns the greys of all cells into the plane fitted to them."""
    terms = _plane_terms(height, width, cell)
    return _solve_normal_equations(terms, terms.T)


def _fit_plane(terms: NDArray[np.float64], grey: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the plane (3,) fitted to the greys (cells,) by least squares."""
    return _solve_normal_equations(terms, terms.T @ grey)


def _solve_normal_equations(
    terms: NDArray[np.float64], right: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Solve the normal equations.

    A trace of damping gives a single row of cells an answer too.
    """
    return np.asarray(np.linalg.solve(terms.T @ terms + 1e-9 * np.eye(3), right), np.float64)
