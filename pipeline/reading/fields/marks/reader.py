"""Read check boxes: empty, marked, or filled solid, which cancels a mark.

On answer sheets with bubbles a filled box is a mark. Small networks classify the features of a box
and how they differ from the other boxes of its sheet, fitted by `research/training/marks/train.py`.
A mark next to the box or a circle around it had both answers in training, so its p is low and a
person decides.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache, partial

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.domain.errors import MissingProgramError
from pipeline.domain.model import Image, Reading, State
from pipeline.domain.settings import ROOT
from pipeline.reading.fields.field_image import FieldImage, group_alike
from pipeline.reading.fields.ink import (
    Darkness,
    Ink,
    find_inks,
    find_px_per_mm,
    measure_darkness,
    square_kernel,
)
from pipeline.reading.fields.marks import classifier
from pipeline.reading.fields.marks import features as marks_features
from pipeline.reading.fields.marks.classifier import MARK_CLASSES, MarkModel, MarkNetwork, Numbers
from pipeline.reading.fields.marks.features import MAX_MARK_MM, measure_contrasts, measure_shapes
from pipeline.reading.fields.marks.rules import is_dash, is_scribbled_over, passes_through
from pipeline.reading.imaging.pixels import Stack, filter_stack

# Even out light that falls off across the image of a check box, which is looked at as a whole.

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
            slope = _solve_normal_equations(terms[paper], terms[paper].T @ grey[paper])
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


def _solve_normal_equations(
    terms: NDArray[np.float64], right: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Solve the normal equations.

    A trace of damping gives a single row of cells an answer too.
    """
    return np.asarray(np.linalg.solve(terms.T @ terms + 1e-9 * np.eye(3), right), np.float64)


# Find the printed box in an image of a check box that comes without its form.

LEAST_DARK_SHARE = 0.05
"""A column with more dark pixels than this share has ink or print."""
PAPER_QUANTILE = 0.8
"""Paper is as light as this quantile of the grey levels inside a box."""
SEARCH_SHARE = 0.4
"""A side of the box is within this part of the image from its edge."""
MIN_SIDE_COVER = 0.65
"""A side is dark over at least this part of its length."""
MAX_SIDE_THICKNESS = 0.09
"""Maximum thickness of a side, as part of the image; a thicker one is filling."""
PRINT_DARKNESS = (0.25, 0.12)
"""Minimum darkness of the printed box; the second is tried if the first finds none."""


@dataclass(frozen=True, slots=True)
class _Side:
    """Where a side begins and ends, px from the image's edge."""

    outer: int
    inner: int


BoxSides = tuple[_Side, _Side, _Side, _Side]
"""Left, top, right, bottom."""


def detect_box(crop: FieldImage) -> FieldImage:
    """Return the field image cut evenly around its box, with the box as its template.

    An image without a box is taken to be the inside of one.
    """
    sides = _find_sides(measure_darkness(crop.image, find_px_per_mm(crop), MAX_MARK_MM))
    if sides is None:
        return replace(crop, template_image=np.full_like(crop.image, 255))

    # Cut the same margin on all sides.
    left, top, right, bottom = sides
    height, width = crop.image.shape
    margin = min(top.outer, bottom.outer, left.outer, right.outer)
    rows = slice(top.outer - margin, height - bottom.outer + margin)
    columns = slice(left.outer - margin, width - right.outer + margin)

    # Draw the template, and scale by the height of the box.
    template = _draw_box(crop.image, sides)[rows, columns]
    image = np.ascontiguousarray(crop.image[rows, columns])
    scale = (image.shape[0] - 2 * margin) / crop.spec.box[3]
    return replace(
        crop,
        image=image,
        template_image=np.ascontiguousarray(template),
        px_per_mm=scale,
        margin_mm=margin / scale,
    )


def _find_sides(darkness: Darkness) -> BoxSides | None:
    """Return the four sides of the box, or None."""
    for level in PRINT_DARKNESS:
        # Look from each edge inwards; all four sides are needed.
        dark = darkness > level
        left, top, right, bottom = (
            _find_side(dark.T),
            _find_side(dark),
            _find_side(dark.T[::-1]),
            _find_side(dark[::-1]),
        )
        if left and top and right and bottom:
            return left, top, right, bottom
    return None


def _find_side(dark: NDArray[np.bool_]) -> _Side | None:
    """Return the first row from the top that is dark nearly all along the box, and its end."""
    rows = max(1, round(SEARCH_SHARE * len(dark)))

    # The columns of the box.
    columns = np.flatnonzero(dark.mean(axis=0) > LEAST_DARK_SHARE)
    if columns.size < 3:
        return None

    # The first row that is dark over most of them.
    cover = dark[:rows, columns[0] : columns[-1] + 1].mean(axis=1)
    dark_rows = np.flatnonzero(cover >= MIN_SIDE_COVER)
    if not dark_rows.size:
        return None
    outer = int(dark_rows[0])

    # The side ends where it is no longer dark.
    thickest = max(2, round(MAX_SIDE_THICKNESS * len(dark)))
    bare_rows = np.flatnonzero(cover[outer : outer + thickest] < MIN_SIDE_COVER / 2)
    return _Side(outer, outer + (int(bare_rows[0]) if bare_rows.size else thickest))


def _draw_box(image: Image, sides: BoxSides) -> Image:
    """Draw the box alone, black, its inside white.

    The paper around it is as much darker than the inside as it is in the image.
    """
    left, top, right, bottom = sides
    height, width = image.shape
    outer, inner = (
        _to_slices(left.outer, top.outer, width - right.outer, height - bottom.outer),
        _to_slices(left.inner, top.inner, width - right.inner, height - bottom.inner),
    )
    around = np.ones(image.shape, bool)
    around[outer] = False
    # Paper is the light part of the inside.
    inside = max(1.0, float(np.quantile(image[inner], PAPER_QUANTILE)))
    around_share = min(1.0, float(np.median(image[around])) / inside) if around.any() else 1.0
    template = np.full_like(image, round(255 * around_share))
    template[outer] = 0
    template[inner] = 255
    return template


def _to_slices(x0: int, y0: int, x1: int, y1: int) -> tuple[slice, slice]:
    return slice(y0, y1), slice(x0, x1)


_MARKED, _CANCELLED = MARK_CLASSES.index(State.READ), MARK_CLASSES.index(State.CANCELLED)
QUESTIONABLE_MARK_P = 0.5
"""How much of its p a mark keeps that is a dash, a scribble, or a line passing through the box (a
fold, or one that strikes out the row); the rest goes to empty and cancelled alike.
"""
MARK_FEATURES = (*marks_features.SHAPE_FEATURES, *marks_features.CONTRAST_FEATURES)
"""The features of one box."""


def read_marks(crops: Sequence[FieldImage]) -> list[Reading]:
    """Return True (`READ`) for a mark, False for an empty (`EMPTY`) or filled box (`CANCELLED`).

    How certainly the clearest ones are right is left to calibration, so their scores have no limit.
    """
    return [to_mark_reading(row) for row in classify_marks(crops)]


def classify_marks(crops: Sequence[FieldImage], doubt: float = 0.0) -> Numbers:
    """Return (boxes, 3): the probability of empty, marked, cancelled, with a `doubt` in each.

    Where a filled box means a mark, none is cancelled.

    Raises:
        MissingProgramError: the model's file is missing.
    """
    if not crops:
        return np.zeros((0, len(MARK_CLASSES)))

    # Measure each box, and classify all of a sheet together.
    sheets = np.array([crop.sheet_number for crop in crops], np.int64)
    features, inks = measure_boxes(crops)
    p = load_mark_model().probabilities(features, sheets, doubt)

    # Lower the confidence of marks that may be something else.
    filled_is_mark = np.array([crop.spec.filled == "marked" for crop in crops])
    is_questionable = np.array(
        [
            crop.template_image is not None and _is_questionable(ink)
            for crop, ink in zip(crops, inks, strict=True)
        ]
    )
    lowered = is_questionable & ~filled_is_mark & (p.argmax(axis=1) == _MARKED)
    p[lowered] *= QUESTIONABLE_MARK_P
    p[lowered, :_CANCELLED] += (1 - QUESTIONABLE_MARK_P) / 2

    # On answer sheets a filled box is a mark.
    p[filled_is_mark, _MARKED] += p[filled_is_mark, _CANCELLED]
    p[filled_is_mark, _CANCELLED] = 0.0
    return p


def _is_questionable(ink: Ink) -> bool:
    """Return whether the ink in a box, if there is any, may be no mark."""
    return bool(ink.mask.any()) and (passes_through(ink) or is_dash(ink) or is_scribbled_over(ink))


def measure_boxes(crops: Sequence[FieldImage]) -> tuple[Numbers, list[Ink]]:
    """Return the `MARK_FEATURES` of boxes, one row a box, and the ink in and around each."""
    # Evenly lit boxes; those that are cut alike are measured together.
    found = [crop if crop.template_image is not None else detect_box(crop) for crop in crops]
    lit = even_lighting(found)
    inks = find_inks(lit, MAX_MARK_MM)
    features = np.empty((len(crops), len(MARK_FEATURES)))
    for group in group_alike(lit):
        known = np.array([crops[i].template_image is not None for i in group])
        boxes = [inks[i] for i in group]
        contrasts = measure_contrasts([lit[i] for i in group], boxes, MAX_MARK_MM)
        features[group] = np.hstack([measure_shapes(boxes), known[:, None], contrasts])
    return features, inks


def to_mark_reading(p: Numbers) -> Reading:
    """Return the likeliest state as a reading.

    The alternative is the other value, with the probability of all states that mean it.
    """
    best = int(p.argmax())
    marked = float(p[_MARKED])
    value = MARK_CLASSES[best] is State.READ
    return Reading(
        value, float(p[best]), MARK_CLASSES[best], ((not value, 1.0 - marked if value else marked),)
    )


@lru_cache(maxsize=1)
def load_mark_model() -> MarkModel:
    """Load the fitted model of `data/models/marks.json`.

    Raises:
        MissingProgramError: it is missing or belongs to other features.
    """
    path = ROOT / "data" / "models" / "marks.json"
    try:
        stored = json.loads(path.read_text("utf-8"))
        second = tuple(MarkNetwork.stored(layers) for layers in stored["second"])
        usual = np.array(stored["usual"], np.float64)
        model = MarkModel(
            MarkNetwork.stored(stored["first"]),
            second,
            usual,
            float(stored["sharpness"]),
            float(stored["doubt"]),
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise MissingProgramError("marks_model_damaged") from error
    # A model of other features is useless.
    if tuple(stored.get("features", ())) != (*MARK_FEATURES, *classifier.SHEET_FEATURES):
        raise MissingProgramError("marks_model_of_other_version")
    return model
