"""From the picture of a row of digit boxes to one small picture a box.

The same function prepares training data and live crops, so the network never meets a picture
that was made in another way. Ink that belongs to a neighbour, printed lines and dust are taken
away here; what is left is centred and scaled to 32 × 32.

Where the printed boxes of a row of digits lie on a sheet, when they are a few pixels off: the
best of all moves by whole pixels.

Print consists of lines and few words, so that most of its rows of pixels are alike. Each kind of
row is held against the sheet once; what all rows of the print have in common with the sheet is
added up from there. This takes half of the time of a Fourier transform.

What is darker than the paper in the picture of a row of digit boxes, and that without what is
printed there.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.domain.model import Image
from pipeline.reading.fields.digits.strokes import (
    Edges,
    Stroke,
    assign_strokes,
    find_reached_boxes,
    has_ditto_mark,
    has_tall_stroke,
    has_two_digits,
    is_not_one,
)
from pipeline.reading.imaging.cache import cached_per_image
from pipeline.reading.imaging.components import Labels
from pipeline.reading.imaging.quantiles import median, quantile

MAX_SHIFT_PX = 4
"""How far the print may be moved to lie on the sheet, px (half a millimetre)."""
SHIFT_COUNT = 2 * MAX_SHIFT_PX + 1
Grey = NDArray[np.float32]
DARKEST_PAPER = 0.45
"""Paper in a shadow has at least this share of the brightness around; what is darker over a wide
area is ink.
"""
PRINT_LEVELS = 12
"""Grey levels below the paper beyond which the unfilled form is printed on."""
GrayLevels = Image | Grey
"""Grey levels, whole ones unless the paper lies in a deep shadow."""
ADJACENT_KERNEL = np.ones((3, 3), np.uint8)
NEAR_PRINT_KERNEL = np.ones((7, 7), np.uint8)
"""So near to print, 0.4 mm at 8 px/mm, ink may be print that lies a little beside its place."""
DARK_IMAGE = 100
"""A loose image whose median is below this grey level is white on black."""
PEAK_SHARE = 0.4
"""A cell's pen counts as at least this part as dark as that of the darkest cell."""
GRAIN = 0.2
"""Ink paler than this part of the pen is paper grain."""
CELL_CLASS_COUNT = 13
CELL_PX = 32
"""Width and height of a cell picture, px."""
GLYPH_PX = 26
"""The longer side of the ink in a cell picture, px."""
WORK_HEIGHT_PX = (44, 80)
"""Height of the boxes within which a row is worked on as it is, px; others are scaled to the
middle.
"""
MIN_FULL_INK_LEVELS = 60.0
"""Grey levels below the paper that count as full ink at least: fainter pencil stays faint in the
cell picture.
"""
STROKE_CONTRAST = 0.3
"""Contrast from which ink is a stroke."""
MIN_ROW_LEVELS = (0.2 + 0.5 * STROKE_CONTRAST) * MIN_FULL_INK_LEVELS - 0.01
"""A row with no grey level farther below the paper holds no stroke, see `_contrast`."""
PEN_SAMPLE_PX = 20
"""So many pixels say how dark a cell's pen is."""
MIN_ENLARGED_HEIGHT = 0.42
"""A glyph lower than this share of the box is not enlarged to full size: a dot must not become a
nought.
"""


def find_best_shift(printed: Image | Grey, ink: Image | Grey) -> tuple[int, int]:
    """By how many px the print (h, w) must go down and right to lie on the ink (h, w): there the
    cosine between both is greatest.

    What comes within `ALIGN` px of the print's edge does not count, as it may leave the picture.
    The print stays where it is if nothing else is left, or if the ink has nothing in common with
    it. Of moves that are as good, the one farthest up and left.
    """
    if min(printed.shape) <= 2 * MAX_SHIFT_PX:
        return 0, 0
    full = ink.astype(np.float32)
    rows = full @ _kinds_of_rows(printed)
    common = (
        rows.reshape(-1, SHIFT_COUNT)
        .take(_row_kind_indices(printed), axis=0)
        .reshape(SHIFT_COUNT, -1, SHIFT_COUNT)
        .sum(axis=1)
    )
    if not common.any():
        return 0, 0
    height, width = full.shape
    length = np.sqrt(_shift_windows(height) @ (full * full) @ _shift_windows(width).T)
    down, right = np.unravel_index(
        np.argmax(common / np.maximum(length, np.finfo(np.float32).tiny)), common.shape
    )
    return int(down) - MAX_SHIFT_PX, int(right) - MAX_SHIFT_PX


@cached_per_image(most_bytes=16_000_000)
def _kinds_of_rows(printed: Image | Grey) -> Grey:
    """Each kind of row in each of the places where it may lie, (w, kinds * MOVES)."""
    kinds = np.stack(list(_row_kinds(printed).values()))
    out = np.zeros((printed.shape[1], len(kinds), SHIFT_COUNT), np.float32)
    for move in range(SHIFT_COUNT):
        out[move : move + kinds.shape[1], :, move] = kinds.T
    return out.reshape(len(out), -1)


@cached_per_image(most_bytes=16_000_000)
def _row_kind_indices(printed: Image | Grey) -> NDArray[np.intp]:
    """For each move down and each row of the print the place in (h * kinds) of that row's kind on
    the row of ink where it then lies.
    """
    inner, kinds = _inner_columns(printed), list(_row_kinds(printed))
    kind = np.array([kinds.index(row.tobytes()) for row in inner])
    row = np.arange(SHIFT_COUNT)[:, None] + np.arange(len(inner))
    return np.asarray(row * len(kinds) + kind, np.intp).ravel()


def _row_kinds(printed: Image | Grey) -> dict[bytes, Image | Grey]:
    return {row.tobytes(): row for row in _inner_columns(printed)}


def _inner_columns(printed: Image | Grey) -> Image | Grey:
    return printed[MAX_SHIFT_PX:-MAX_SHIFT_PX, MAX_SHIFT_PX:-MAX_SHIFT_PX]


@lru_cache(maxsize=256)
def _shift_windows(length: int) -> Grey:
    """For each move what the print then covers, (MOVES, length), 1 or 0."""
    out = np.zeros((SHIFT_COUNT, length), np.float32)
    for move in range(SHIFT_COUNT):
        out[move, move : length - 2 * MAX_SHIFT_PX + move] = 1
    return out


def measure_ink_levels(image: Image) -> GrayLevels:
    """Grey levels by which each pixel is darker than the paper around it, (h, w)."""
    size = max(3, image.shape[0] // 3) | 1
    paper = cv2.blur(cv2.dilate(image, np.ones((size, size), np.uint8)), (size, size))
    lightest = float(paper.min())
    if lightest >= DARKEST_PAPER * 255 or lightest >= (
        floor := np.float32(DARKEST_PAPER * quantile(image, 0.95))
    ):
        return np.asarray(cv2.subtract(paper, image), np.uint8)
    lit = np.maximum(paper.astype(np.float32), floor)
    return np.maximum(np.subtract(lit, image, dtype=np.float32, out=lit), np.float32(0), out=lit)


def remove_print(ink: GrayLevels, blank: Image) -> Grey:
    """Take the printed lines away, as dark as they came out on this sheet; most of their length is
    not written on.
    """
    printed = _print_levels(blank)
    if np.count_nonzero(printed > PRINT_LEVELS) < 20:
        return ink.astype(np.float32)
    printed = _align_print(printed, ink)
    lines = printed > PRINT_LEVELS
    gain = float(np.clip(quantile(ink[lines], 0.6) / max(median(printed[lines]), 1.0), 0.2, 4.0))
    _, near = cv2.threshold(
        cv2.dilate(printed, ADJACENT_KERNEL), PRINT_LEVELS, 0, cv2.THRESH_TOZERO
    )
    out = np.multiply(near, np.float32(gain * 1.15), dtype=np.float32)
    np.subtract(ink, out, out=out)
    return np.maximum(out, np.float32(0), out=out)


@cached_per_image(most_bytes=16_000_000)
def _print_levels(blank: Image) -> GrayLevels:
    return measure_ink_levels(blank)


@cached_per_image(most_bytes=16_000_000)
def near_print_mask(blank: Image) -> NDArray[np.bool_]:
    """Where print may have left something that `without_print` does not take away, (h, w)."""
    return np.asarray(
        cv2.dilate((_print_levels(blank) > PRINT_LEVELS).view(np.uint8), NEAR_PRINT_KERNEL) > 0,
        np.bool_,
    )


def _align_print(printed: GrayLevels, ink: GrayLevels) -> GrayLevels:
    """The print moved by at most `ALIGN` px to where the sheet shows it."""
    down, right = find_best_shift(printed, ink)
    height, width = printed.shape
    wide = cv2.copyMakeBorder(
        printed, MAX_SHIFT_PX, MAX_SHIFT_PX, MAX_SHIFT_PX, MAX_SHIFT_PX, cv2.BORDER_REPLICATE
    )
    moved: GrayLevels = wide[MAX_SHIFT_PX - down :, MAX_SHIFT_PX - right :][:height, :width]  # type: ignore[assignment]
    return moved


def remove_rules(ink: GrayLevels, cells: int, margin: float) -> Grey:
    """Without a blank: take away straight lines where box lines must be."""
    ink = ink.astype(np.float32, copy=False)
    dark = (ink > max(20.0, 0.25 * float(ink.max()))).astype(np.uint8)
    height, width = ink.shape
    rule = np.zeros_like(dark)
    columns, rows = dark.mean(axis=0), dark.mean(axis=1)
    pitch = (width - 2 * margin) / cells
    reach = max(2, round(0.1 * pitch))
    uprights = [
        _find_line_rows(columns, round(margin + i * pitch), reach, 0.8) for i in range(cells + 1)
    ]
    levels = [
        _find_line_rows(rows, round(y), max(2, round(0.1 * height)), 0.85)
        for y in (margin, height - margin)
    ]
    if cells == 1 and sum(line is not None for line in (*uprights, *levels)) < 3:
        return ink  # a single 1 or 7 that fills its picture is no frame
    for line in filter(None, uprights):
        rule[:, line] = 1
    for line in filter(None, levels):
        rule[line, :] = 1
    return np.where(rule > 0, 0, ink).astype(np.float32)


def _find_line_rows(
    share: NDArray[np.float64], place: int, reach: int, enough: float
) -> slice | None:
    start = max(0, place - reach)
    found = np.flatnonzero(share[start : place + reach + 1] >= enough)
    if not len(found) or found[-1] - found[0] > reach:
        return None
    return slice(max(0, start + int(found[0]) - 1), start + int(found[-1]) + 2)


EMPTY_CLASS, STRUCK_CLASS, OTHER_CLASS = 10, 11, 12
"""What a cell holds apart from the digits 0–9: nothing, something struck out or filled in, a letter
or another mark.
"""


def cell_images(image: Image, blank: Image | None, cells: int, margin_px: float = 0.0) -> Image:
    """The cells of a row, (cells, 32, 32) uint8, 255 = ink; see `cells_of_row`."""
    return segment_digit_row(image, blank, cells, margin_px).pictures


class DigitRow(NamedTuple):
    """The cells of a row: (cells, 32, 32) uint8, 255 = ink; whether something is written half
    outside the boxes; and which cells hold something as high as writing, which hold strokes that
    no 1 has, which two digits beside each other, and which a ditto mark lower than digits, and
    into which a stroke of the next cell reaches, (cells,).
    """

    pictures: Image
    outside: bool
    tall: NDArray[np.bool_]
    not_one: NDArray[np.bool_]
    two_digits: NDArray[np.bool_]
    ditto: NDArray[np.bool_]
    reached: NDArray[np.bool_]


def segment_digit_row(
    image: Image, blank: Image | None, cells: int, margin_px: float = 0.0
) -> DigitRow:
    """The cells of a row.

    `image` is grey (h, w), 0 = black, with `margin_px` around the boxes; `blank` is the same
    place of the unfilled form.
    """
    image, blank, margin = _rescale_row(image, blank, margin_px)
    ink = measure_ink_levels(image)
    plain = remove_print(ink, blank) if blank is not None else remove_rules(ink, cells, margin)
    pictures = np.zeros((cells, CELL_PX, CELL_PX), np.uint8)
    tall, no_one, two, ditto, none = np.zeros((5, cells), np.bool_)
    if float(plain.max()) <= MIN_ROW_LEVELS:
        return DigitRow(pictures, False, tall, no_one, two, ditto, none)
    edges = np.linspace(margin, plain.shape[1] - margin, cells + 1)
    contrast = _ink_contrast(plain, edges, margin)
    labels, found, outside = assign_strokes(
        (contrast > STROKE_CONTRAST).view(np.uint8),
        edges,
        margin,
        None if blank is None else near_print_mask(blank),
    )
    box_height = plain.shape[0] - 2 * margin
    for cell, strokes in found.items():
        _draw_cell(contrast, labels, strokes, box_height, pictures[cell])
        tall[cell], no_one[cell] = (
            has_tall_stroke(strokes, labels, contrast, box_height),
            is_not_one(strokes, plain.shape[0]),
        )
        two[cell], ditto[cell] = (
            has_two_digits(strokes, box_height),
            has_ditto_mark(strokes, labels, contrast, box_height),
        )
    return DigitRow(
        pictures,
        outside,
        tall,
        no_one,
        two,
        ditto,
        find_reached_boxes(labels, found, edges, box_height),
    )


def _rescale_row(
    image: Image, blank: Image | None, margin: float
) -> tuple[Image, Image | None, float]:
    if blank is None and median(image) < DARK_IMAGE:
        image = (255 - image).astype(np.uint8)  # white on black; no sheet of paper is mostly black
    height = image.shape[0] - 2 * margin
    low, high = WORK_HEIGHT_PX
    if low <= height <= high:
        return image, blank, margin
    scale = (low + high) / 2 / max(height, 1.0)
    return _resize(image, scale), None if blank is None else _resize(blank, scale), margin * scale


def _resize(image: Image, scale: float) -> Image:
    size = (max(8, round(image.shape[1] * scale)), max(8, round(image.shape[0] * scale)))
    out: Image = cv2.resize(
        image, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    ).astype(np.uint8)
    return out


def _ink_contrast(ink: Grey, edges: Edges, margin: float) -> Grey:
    """Ink as 0…1: full where it is as dark as the cell's own pen, nothing where it is paper grain."""
    bounds = np.round(edges).astype(int)
    peaks = _pen_levels(ink[round(margin) : ink.shape[0] - round(margin)], bounds)
    floor = max(MIN_FULL_INK_LEVELS, PEAK_SHARE * max(peaks))
    full = np.full(ink.shape[1], floor, np.float32)
    for peak, a, b in zip(peaks, bounds[:-1], bounds[1:], strict=True):
        full[a:b] = max(floor, peak)
    out = ink / full
    out -= np.float32(GRAIN)
    out *= np.float32(2)
    return np.clip(out, 0, 1, out=out)


def _pen_levels(boxes: Grey, bounds: NDArray[np.intp]) -> list[float]:
    """How dark each cell's pen is; 0 where it is no darker than `FAINTEST`, which then is taken
    instead.
    """
    darkest = boxes.max(axis=0)
    parts = [(a, b, darkest[a:b].max(initial=0)) for a, b in pairwise(bounds.tolist())]
    return [
        _mean_darkest(boxes[:, a:b], most) if most > MIN_FULL_INK_LEVELS else 0.0
        for a, b, most in parts
    ]


def _mean_darkest(part: Grey, most: np.float32) -> float:
    """The mean of the darkest pixels. They are sought among the dark ones only: most of a cell is
    paper, alike, and slow to put in order.
    """
    count = min(PEN_SAMPLE_PX, part.size)
    dark = part[part > 0.5 * most]
    flat = dark if dark.size >= count else part.ravel()
    return float(np.add.reduce(np.partition(flat, flat.size - count)[-count:]) / count)


def _draw_cell(
    ink: Grey, labels: Labels, strokes: list[Stroke], box_height: float, picture: Image
) -> None:
    """Draw a cell's strokes into its picture (32, 32), centred and scaled."""
    left, top = min(stroke.x for stroke in strokes), min(stroke.y for stroke in strokes)
    right, bottom = (
        max(stroke.x + stroke.w for stroke in strokes),
        max(stroke.y + stroke.h for stroke in strokes),
    )
    around = slice(max(0, top - 1), bottom + 1), slice(max(0, left - 1), right + 1)
    near = labels[around]
    mine = near == strokes[0].label
    for stroke in strokes[1:]:
        mine |= near == stroke.label
    part = ink[around] * cv2.dilate(mine.view(np.uint8), ADJACENT_KERNEL)
    scale = GLYPH_PX / max(
        float(bottom - top), float(right - left), MIN_ENLARGED_HEIGHT * box_height
    )
    width, height = (
        min(CELL_PX, max(1, round(side * scale))) for side in (part.shape[1], part.shape[0])
    )
    small = cv2.resize(part, (width, height), interpolation=cv2.INTER_AREA)
    top, left = (CELL_PX - height) // 2, (CELL_PX - width) // 2
    picture[top : top + height, left : left + width] = small * np.float32(255)
