"""From the picture of a row of digit boxes to one small picture a box.

The same function prepares training data and live crops, so the network never meets a picture that was made in another way.
Ink that belongs to a neighbour, printed lines and dust are taken away here; what is left is centred and scaled to 32 × 32.
"""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.components import Labels
from pipeline.model import Image
from pipeline.recognize.digit_print import NEXT_TO, Grey, darker_than_paper, near_print, without_print, without_rules
from pipeline.recognize.digit_reach import reached
from pipeline.recognize.digit_strokes import Edges, Stroke, strokes_by_cell
from pipeline.recognize.odd_strokes import box_holds_ditto, is_no_one, is_tall, is_two
from pipeline.recognize.ranks import median

DARK_IMAGE = 100
"""A loose image whose median is below this grey level is white on black."""
PEAK_SHARE = 0.4
"""A cell's pen counts as at least this part as dark as that of the darkest cell."""
GRAIN = 0.2
"""Ink paler than this part of the pen is paper grain."""
EMPTY, STRUCK, OTHER = 10, 11, 12
"""What a cell holds apart from the digits 0–9: nothing, something struck out or filled in, a letter or another mark."""
CLASSES = 13
SIDE = 32
"""Width and height of a cell picture, px."""
GLYPH = 26
"""The longer side of the ink in a cell picture, px."""
WORK_HEIGHT = (44, 80)
"""Height of the boxes within which a row is worked on as it is, px; others are scaled to the middle."""
FAINTEST = 60.0
"""Grey levels below the paper that count as full ink at least: fainter pencil stays faint in the cell picture."""
WRITTEN = 0.3
"""Contrast from which ink is a stroke."""
NOTHING = (0.2 + 0.5 * WRITTEN) * FAINTEST - 0.01
"""A row with no grey level farther below the paper holds no stroke, see `_contrast`."""
PEN_PX = 20
"""So many pixels say how dark a cell's pen is."""
SMALLEST = 0.42
"""A glyph lower than this share of the box is not enlarged to full size: a dot must not become a nought."""


def cell_pictures(image: Image, blank: Image | None, cells: int, margin_px: float = 0.0) -> Image:
    """The cells of a row, (cells, 32, 32) uint8, 255 = ink; see `cells_of_row`."""
    return cells_of_row(image, blank, cells, margin_px).pictures


class Row(NamedTuple):
    """The cells of a row: (cells, 32, 32) uint8, 255 = ink; whether something is written half outside the boxes; and which cells hold something
    as high as writing, which hold strokes that no 1 has, which two digits beside each other, and which a ditto mark lower than digits, and into which
    a stroke of the next cell reaches, (cells,)."""

    pictures: Image
    outside: bool
    tall: NDArray[np.bool_]
    no_one: NDArray[np.bool_]
    two: NDArray[np.bool_]
    ditto: NDArray[np.bool_]
    reached: NDArray[np.bool_]


def cells_of_row(image: Image, blank: Image | None, cells: int, margin_px: float = 0.0) -> Row:
    """The cells of a row.

    `image` is grey (h, w), 0 = black, with `margin_px` around the boxes; `blank` is the same place of the unfilled form.
    """
    image, blank, margin = _at_work_scale(image, blank, margin_px)
    ink = darker_than_paper(image)
    plain = without_print(ink, blank) if blank is not None else without_rules(ink, cells, margin)
    pictures = np.zeros((cells, SIDE, SIDE), np.uint8)
    tall, no_one, two, ditto, none = np.zeros((5, cells), np.bool_)
    if float(plain.max()) <= NOTHING:
        return Row(pictures, False, tall, no_one, two, ditto, none)
    edges = np.linspace(margin, plain.shape[1] - margin, cells + 1)
    contrast = _contrast(plain, edges, margin)
    labels, found, outside = strokes_by_cell((contrast > WRITTEN).view(np.uint8), edges, margin, None if blank is None else near_print(blank))
    box_height = plain.shape[0] - 2 * margin
    for cell, strokes in found.items():
        _fit(contrast, labels, strokes, box_height, pictures[cell])
        tall[cell], no_one[cell] = is_tall(strokes, labels, contrast, box_height), is_no_one(strokes, plain.shape[0])
        two[cell], ditto[cell] = is_two(strokes, box_height), box_holds_ditto(strokes, labels, contrast, box_height)
    return Row(pictures, outside, tall, no_one, two, ditto, reached(labels, found, edges, box_height))


def _at_work_scale(image: Image, blank: Image | None, margin: float) -> tuple[Image, Image | None, float]:
    if blank is None and median(image) < DARK_IMAGE:
        image = (255 - image).astype(np.uint8)  # white on black; no sheet of paper is mostly black
    height = image.shape[0] - 2 * margin
    low, high = WORK_HEIGHT
    if low <= height <= high:
        return image, blank, margin
    scale = (low + high) / 2 / max(height, 1.0)
    return _scaled(image, scale), None if blank is None else _scaled(blank, scale), margin * scale


def _scaled(image: Image, scale: float) -> Image:
    size = (max(8, round(image.shape[1] * scale)), max(8, round(image.shape[0] * scale)))
    out: Image = cv2.resize(image, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC).astype(np.uint8)
    return out


def _contrast(ink: Grey, edges: Edges, margin: float) -> Grey:
    """Ink as 0…1: full where it is as dark as the cell's own pen, nothing where it is paper grain."""
    bounds = np.round(edges).astype(int)
    peaks = _peaks(ink[round(margin) : ink.shape[0] - round(margin)], bounds)
    floor = max(FAINTEST, PEAK_SHARE * max(peaks))
    full = np.full(ink.shape[1], floor, np.float32)
    for peak, a, b in zip(peaks, bounds[:-1], bounds[1:], strict=True):
        full[a:b] = max(floor, peak)
    out = ink / full
    out -= np.float32(GRAIN)
    out *= np.float32(2)
    return np.clip(out, 0, 1, out=out)


def _peaks(boxes: Grey, bounds: NDArray[np.intp]) -> list[float]:
    """How dark each cell's pen is; 0 where it is no darker than `FAINTEST`, which then is taken instead."""
    darkest = boxes.max(axis=0)
    parts = [(a, b, darkest[a:b].max(initial=0)) for a, b in pairwise(bounds.tolist())]
    return [_peak(boxes[:, a:b], most) if most > FAINTEST else 0.0 for a, b, most in parts]


def _peak(part: Grey, most: np.float32) -> float:
    """The mean of the darkest pixels. They are sought among the dark ones only: most of a cell is paper, alike, and slow to put in order."""
    count = min(PEN_PX, part.size)
    dark = part[part > 0.5 * most]
    flat = dark if dark.size >= count else part.ravel()
    return float(np.add.reduce(np.partition(flat, flat.size - count)[-count:]) / count)


def _fit(ink: Grey, labels: Labels, strokes: list[Stroke], box_height: float, picture: Image) -> None:
    """Draw a cell's strokes into its picture (32, 32), centred and scaled."""
    left, top = min(stroke.x for stroke in strokes), min(stroke.y for stroke in strokes)
    right, bottom = max(stroke.x + stroke.w for stroke in strokes), max(stroke.y + stroke.h for stroke in strokes)
    around = slice(max(0, top - 1), bottom + 1), slice(max(0, left - 1), right + 1)
    near = labels[around]
    mine = near == strokes[0].label
    for stroke in strokes[1:]:
        mine |= near == stroke.label
    part = ink[around] * cv2.dilate(mine.view(np.uint8), NEXT_TO)
    scale = GLYPH / max(float(bottom - top), float(right - left), SMALLEST * box_height)
    width, height = (min(SIDE, max(1, round(side * scale))) for side in (part.shape[1], part.shape[0]))
    small = cv2.resize(part, (width, height), interpolation=cv2.INTER_AREA)
    top, left = (SIDE - height) // 2, (SIDE - width) // 2
    picture[top : top + height, left : left + width] = small * np.float32(255)
