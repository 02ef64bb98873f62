"""From the image of a row of digit boxes to one small image per box.

The same function prepares training data and live field images, so the network never meets an image
that was made in another way. Ink of a neighbour, printed lines and dust are removed; what is left
is centred and scaled to 32 × 32.
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
    STROKE_CONTRAST,
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
from pipeline.reading.imaging.pixels import Labels, median, quantile

Grey = NDArray[np.float32]
GrayLevels = Image | Grey
"""Grey levels, whole numbers unless the paper is in deep shadow."""
MAX_SHIFT_PX = 4
"""How far the print may be moved to fit the sheet, px (half a millimetre)."""
SHIFT_COUNT = 2 * MAX_SHIFT_PX + 1
"""Number of shifts along each axis."""
DARKEST_PAPER = 0.45
"""Paper in a shadow has at least this share of the brightness around; what is darker over a wide
area is ink.
"""
PRINT_LEVELS = 12
"""The template is printed where it is more than this many grey levels below the paper."""
BLACK_LEVELS, MAX_GREY_SHARE = 90, 0.06
"""On a sheet without shades of grey ink is this many levels below the paper, but for a small share
of the pixels, at the edges of what is black.
"""
MIDDLE_OF_LINE, TONE_LEVELS, MIN_BLACK_SHARE = 0.85, 10, 0.12
"""The middle of a printed line has this share of its greatest weight, its darkness over 3 × 3 px:
where a line lies between two pixels each is paler. Lines within so many levels of each other are of
one tone, which is printed black if this share of it is.
"""


EMPTY_CLASS, STRUCK_CLASS, OTHER_CLASS = 10, 11, 12
"""Classes of a cell apart from the digits 0–9: nothing, struck out or filled in, a letter or
another mark.
"""
ADJACENT_KERNEL = np.ones((3, 3), np.uint8)
"""A pixel and its eight neighbours."""
NEAR_PRINT_KERNEL = np.ones((7, 7), np.uint8)
"""Ink this close to print, 0.4 mm at 8 px/mm, may be print that is a little beside its place."""
DARK_IMAGE = 100
"""A single image whose median is below this grey level is white on black."""
PEAK_SHARE = 0.4
"""The pen of a cell counts as at least this part as dark as that of the darkest cell."""
GRAIN = 0.2
"""Ink paler than this part of the pen is paper grain."""
CELL_PX = 32
"""Width and height of a cell image, px."""
GLYPH_PX = 26
"""The longer side of the ink in a cell image, px."""
WORK_HEIGHT_PX = (44, 80)
"""Heights of the boxes within which a row keeps its scale, px; others are scaled to the mean."""
MIN_FULL_INK_LEVELS = 60.0
"""Grey levels below the paper that count as full ink at least: fainter pencil stays faint in the
cell image.
"""
MIN_ROW_LEVELS = (0.2 + 0.5 * STROKE_CONTRAST) * MIN_FULL_INK_LEVELS - 0.01
"""A row with no pixel this many grey levels below the paper holds no stroke, see `_ink_contrast`.
"""
PEN_SAMPLE_PX = 20
"""This many of a cell's darkest pixels show how dark its pen is."""
MIN_ENLARGED_HEIGHT = 0.42
"""A glyph lower than this share of the box is not enlarged to full size: a dot must not become a
zero.
"""


class DigitRow(NamedTuple):
    """The cells of a row, and what is odd about them.

    `pictures` are (cells, 32, 32) uint8, 255 = ink; `outside`: something is written half outside
    the boxes. For each cell (cells,): `tall` if it holds something as high as writing, `not_one` if
    it holds strokes that no 1 has, `two_digits` if it holds two digits next to each other, `ditto`
    if it holds a ditto mark lower than digits, `reached` if a stroke of the next cell reaches into
    it.
    """

    pictures: Image
    outside: bool
    tall: NDArray[np.bool_]
    not_one: NDArray[np.bool_]
    two_digits: NDArray[np.bool_]
    ditto: NDArray[np.bool_]
    reached: NDArray[np.bool_]


def segment_digit_row(
    image: Image, template: Image | None, cells: int, margin_px: float = 0.0
) -> DigitRow:
    """Return the cells of a row.

    `image` is grey (h, w), 0 = black, with `margin_px` around the boxes; `template` is the same
    part of the unfilled form.
    """
    # 1. Ink without print, in a common scale.
    image, template, margin = _rescale_row(image, template, margin_px)
    ink = measure_ink_levels(image)
    ink = remove_rules(ink, cells, margin) if template is None else remove_print(ink, template)
    row = DigitRow(
        np.zeros((cells, CELL_PX, CELL_PX), np.uint8), False, *np.zeros((5, cells), np.bool_)
    )
    if float(ink.max()) <= MIN_ROW_LEVELS:
        return row

    # 2. The strokes of each cell.
    height, width = ink.shape
    edges = np.linspace(margin, width - margin, cells + 1)
    contrast = _ink_contrast(ink, edges, margin)
    near_print = None if template is None else near_print_mask(template)
    labels, by_cell, outside = assign_strokes(contrast, edges, margin, near_print)

    # 3. An image of each cell, and what is odd about it.
    box_height = height - 2 * margin
    for cell, strokes in by_cell.items():
        _draw_cell(contrast, labels, strokes, box_height, row.pictures[cell])
        row.tall[cell] = has_tall_stroke(strokes, labels, contrast, box_height)
        row.not_one[cell] = is_not_one(strokes, height)
        row.two_digits[cell] = has_two_digits(strokes, box_height)
        row.ditto[cell] = has_ditto_mark(strokes, labels, contrast, box_height)
    reached = find_reached_boxes(labels, by_cell, edges, box_height)
    return row._replace(outside=outside, reached=reached)


def _rescale_row(
    image: Image, template: Image | None, margin: float
) -> tuple[Image, Image | None, float]:
    """Return the row, dark on light, its template and its margin in a scale to work in."""
    if template is None and median(image) < DARK_IMAGE:
        # White on black: no sheet of paper is mostly black.
        image = (255 - image).astype(np.uint8)
    height = image.shape[0] - 2 * margin
    low, high = WORK_HEIGHT_PX
    if low <= height <= high:
        return image, template, margin
    scale = (low + high) / 2 / max(height, 1.0)
    return (
        _resize(image, scale),
        None if template is None else _resize(template, scale),
        margin * scale,
    )


def _resize(image: Image, scale: float) -> Image:
    size = (max(8, round(image.shape[1] * scale)), max(8, round(image.shape[0] * scale)))
    out: Image = cv2.resize(
        image, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    ).astype(np.uint8)
    return out


def _ink_contrast(ink: Grey, edges: Edges, margin: float) -> Grey:
    """Return ink as 0…1: 1 where it is as dark as the cell's pen, 0 on paper grain."""
    # How dark full ink is in each column: as the cell's pen, but not too pale.
    bounds = np.round(edges).astype(int)
    peaks = _pen_levels(ink[round(margin) : ink.shape[0] - round(margin)], bounds)
    min_full = max(MIN_FULL_INK_LEVELS, PEAK_SHARE * max(peaks))
    full_ink = np.full(ink.shape[1], min_full, np.float32)
    for peak, a, b in zip(peaks, bounds[:-1], bounds[1:], strict=True):
        full_ink[a:b] = max(min_full, peak)

    # Stretch from the grain of the paper up to full ink.
    out = ink / full_ink
    out -= np.float32(GRAIN)
    out *= np.float32(2)
    return np.clip(out, 0, 1, out=out)


def _pen_levels(boxes: Grey, bounds: NDArray[np.intp]) -> list[float]:
    """Return how dark each cell's pen is.

    0 where it is no darker than `MIN_FULL_INK_LEVELS`, which then is taken instead.
    """
    darkest = boxes.max(axis=0)
    parts = [(a, b, darkest[a:b].max(initial=0)) for a, b in pairwise(bounds.tolist())]
    return [
        _mean_darkest(boxes[:, a:b], most) if most > MIN_FULL_INK_LEVELS else 0.0
        for a, b, most in parts
    ]


def _mean_darkest(part: Grey, most: np.float32) -> float:
    """Return the mean of the darkest pixels.

    They are looked for among the dark ones only: most of a cell is paper, all alike, and slow to
    sort.
    """
    count = min(PEN_SAMPLE_PX, part.size)
    dark = part[part > 0.5 * most]
    flat = dark if dark.size >= count else part.ravel()
    # Partition instead of sorting: the order of the darkest does not matter.
    return float(np.add.reduce(np.partition(flat, flat.size - count)[-count:]) / count)


def _draw_cell(
    ink: Grey, labels: Labels, strokes: list[Stroke], box_height: float, picture: Image
) -> None:
    """Draw a cell's strokes into its image (32, 32), centred and scaled."""
    # The rectangle around all strokes.
    left, top = min(stroke.x for stroke in strokes), min(stroke.y for stroke in strokes)
    right, bottom = (
        max(stroke.x + stroke.w for stroke in strokes),
        max(stroke.y + stroke.h for stroke in strokes),
    )

    # Only the ink of these strokes, and next to them.
    around = slice(max(0, top - 1), bottom + 1), slice(max(0, left - 1), right + 1)
    numbers = labels[around]
    in_cell = numbers == strokes[0].label
    for stroke in strokes[1:]:
        in_cell |= numbers == stroke.label
    part = ink[around] * cv2.dilate(in_cell.view(np.uint8), ADJACENT_KERNEL)

    # Scale the longer side to the size of a glyph, but enlarge no dots.
    scale = GLYPH_PX / max(
        float(bottom - top), float(right - left), MIN_ENLARGED_HEIGHT * box_height
    )
    width, height = (
        min(CELL_PX, max(1, round(side * scale))) for side in (part.shape[1], part.shape[0])
    )
    small = cv2.resize(part, (width, height), interpolation=cv2.INTER_AREA)

    # Centre it.
    top, left = (CELL_PX - height) // 2, (CELL_PX - width) // 2
    picture[top : top + height, left : left + width] = small * np.float32(255)


def measure_ink_levels(image: Image) -> GrayLevels:
    """Return how many grey levels darker than the paper around it each pixel is, (h, w)."""
    window = max(3, image.shape[0] // 3) | 1

    # The paper is the lightest grey around, blurred.
    paper = cv2.blur(cv2.dilate(image, np.ones((window, window), np.uint8)), (window, window))
    lightest = float(paper.min())

    # Without a deep shadow 8 bits will do.
    if lightest >= DARKEST_PAPER * 255 or lightest >= (
        floor := np.float32(DARKEST_PAPER * quantile(image, 0.95))
    ):
        return np.asarray(cv2.subtract(paper, image), np.uint8)

    # In a deep shadow the paper is no darker than a share of the brightness.
    levels = np.maximum(paper.astype(np.float32), floor)
    return np.maximum(
        np.subtract(levels, image, dtype=np.float32, out=levels), np.float32(0), out=levels
    )


def remove_print(ink: GrayLevels, template: Image) -> Grey:
    """Subtract the printed lines, as dark as they came out on this sheet.

    Most of their length is not written on.
    """
    printed = _print_levels(template)
    if np.count_nonzero(printed > PRINT_LEVELS) < 20:
        # Too little print to align or to measure.
        return ink.astype(np.float32)

    # Align the print with the sheet.
    printed = _align_print(printed, ink)

    # How much darker or paler than the template it came out.
    lines = printed > PRINT_LEVELS
    gain = float(np.clip(quantile(ink[lines], 0.6) / max(median(printed[lines]), 1.0), 0.2, 4.0))

    # Subtract it, a little wider and darker.
    _, near = cv2.threshold(
        cv2.dilate(printed, ADJACENT_KERNEL), PRINT_LEVELS, 0, cv2.THRESH_TOZERO
    )
    out = np.multiply(near, np.float32(gain * 1.15), dtype=np.float32)
    np.subtract(ink, out, out=out)
    out[_find_black_print(ink, printed)] = 0
    return np.maximum(out, np.float32(0), out=out)


def _find_black_print(ink: GrayLevels, printed: GrayLevels) -> NDArray[np.bool_]:
    """Return where print came out black on a sheet without shades of grey, (h, w).

    Some of its lines are lost there, so that one gain does not tell how dark the others are. Lines
    of one tone come out alike, in part if they are near the scanner's threshold, and darker ones
    too. Only lines as long as a frame tell: what is black on a short one may be a 1.
    """
    nowhere = np.zeros(ink.shape, np.bool_)
    dark = ink > BLACK_LEVELS
    if np.count_nonzero((ink > PRINT_LEVELS) & ~dark) > MAX_GREY_SHARE * ink.size:
        return nowhere
    # The middles of the lines, by tone.
    weight = cv2.blur(printed, (3, 3))
    heaviest = cv2.dilate(weight, ADJACENT_KERNEL)
    is_middle = (printed > PRINT_LEVELS) & (weight >= MIDDLE_OF_LINE * heaviest)
    tones = (heaviest / TONE_LEVELS).astype(np.uint8)
    count = np.bincount(tones[is_middle], minlength=256)
    black = np.bincount(tones[is_middle & dark], minlength=256)
    is_frame = (count >= sum(ink.shape)) & (black >= MIN_BLACK_SHARE * count)
    is_black = np.logical_or.accumulate(is_frame)
    # Black print reaches a pixel farther than the template's.
    around = cv2.dilate(printed, ADJACENT_KERNEL)
    return (
        np.asarray(
            cv2.dilate((is_black[tones] & (around > PRINT_LEVELS)).view(np.uint8), ADJACENT_KERNEL)
            > 0,
            np.bool_,
        )
        if is_black.any()
        else nowhere
    )


@cached_per_image(most_bytes=16_000_000)
def _print_levels(template: Image) -> GrayLevels:
    return measure_ink_levels(template)


@cached_per_image(most_bytes=16_000_000)
def near_print_mask(template: Image) -> NDArray[np.bool_]:
    """Return where print may have left something that `remove_print` missed, (h, w)."""
    return np.asarray(
        cv2.dilate((_print_levels(template) > PRINT_LEVELS).view(np.uint8), NEAR_PRINT_KERNEL) > 0,
        np.bool_,
    )


def _align_print(printed: GrayLevels, ink: GrayLevels) -> GrayLevels:
    """Return the print moved by at most `MAX_SHIFT_PX` to where the sheet shows it."""
    down, right = find_best_shift(printed, ink)
    height, width = printed.shape
    wide = cv2.copyMakeBorder(
        printed, MAX_SHIFT_PX, MAX_SHIFT_PX, MAX_SHIFT_PX, MAX_SHIFT_PX, cv2.BORDER_REPLICATE
    )
    moved: GrayLevels = wide[MAX_SHIFT_PX - down :, MAX_SHIFT_PX - right :][:height, :width]  # type: ignore[assignment]
    return moved


def remove_rules(ink: GrayLevels, cells: int, margin: float) -> Grey:
    """Without a template: remove straight lines where the lines of boxes must be."""
    ink = ink.astype(np.float32, copy=False)

    # The share of dark pixels in each column and row.
    dark = (ink > max(20.0, 0.25 * float(ink.max()))).astype(np.uint8)
    height, width = ink.shape
    rule = np.zeros_like(dark)
    columns, rows = dark.mean(axis=0), dark.mean(axis=1)
    pitch = (width - 2 * margin) / cells
    # A line may be a tenth of a box off its place.
    reach = max(2, round(0.1 * pitch))

    # Lines between boxes, and above and below them.
    uprights = [
        _find_line_rows(columns, round(margin + i * pitch), reach, 0.8) for i in range(cells + 1)
    ]
    levels = [
        _find_line_rows(rows, round(y), max(2, round(0.1 * height)), 0.85)
        for y in (margin, height - margin)
    ]
    if cells == 1 and sum(line is not None for line in (*uprights, *levels)) < 3:
        # A single 1 or 7 that fills its image is no box.
        return ink
    for line in filter(None, uprights):
        rule[:, line] = 1
    for line in filter(None, levels):
        rule[line, :] = 1
    return np.where(rule > 0, 0, ink).astype(np.float32)


def _find_line_rows(
    share: NDArray[np.float64], place: int, reach: int, enough: float
) -> slice | None:
    """Return the rows (or columns) of a line near its place, or None without one."""
    start = max(0, place - reach)
    dark = np.flatnonzero(share[start : place + reach + 1] >= enough)
    if not len(dark) or dark[-1] - dark[0] > reach:
        return None
    return slice(max(0, start + int(dark[0]) - 1), start + int(dark[-1]) + 2)


def find_best_shift(printed: Image | Grey, ink: Image | Grey) -> tuple[int, int]:
    """Return by how many px the print (h, w) must move down and right to fit the ink (h, w).

    That is where the cosine between both is greatest, of all shifts by whole pixels. What is within
    `MAX_SHIFT_PX` of the print's edge does not count, as it may leave the image. The print stays
    where it is if nothing else is left, or if the ink has nothing in common with it. Of equally
    good shifts it is the one farthest up and left.

    Print consists of lines and few words, so that most of its rows of pixels are alike. Each kind
    of row is multiplied with the sheet once; the products of whole shifts are added up from there.
    This takes half of the time of a Fourier transform.
    """
    if min(printed.shape) <= 2 * MAX_SHIFT_PX:
        return 0, 0

    # Multiply each kind of row with the ink in each place, for each shift right.
    ink_values, kinds = ink.astype(np.float32), _kinds_of_rows(printed)
    products = np.empty((SHIFT_COUNT, len(ink_values), kinds.shape[1]), np.float32)
    for shift in range(SHIFT_COUNT):
        np.matmul(ink_values[:, shift : shift + len(kinds)], kinds, out=products[shift])

    # Add up the rows of the print for each shift.
    dot_products = (
        products.reshape(SHIFT_COUNT, -1)
        .take(_row_kind_indices(printed), axis=1)
        .reshape(SHIFT_COUNT, SHIFT_COUNT, -1)
        .sum(axis=2)
        .T
    )
    if not dot_products.any():
        return 0, 0
    height, width = ink_values.shape

    # Divide by the length of the ink that the print then covers.
    norms = np.sqrt(_shift_windows(height) @ (ink_values * ink_values) @ _shift_windows(width).T)
    down, right = np.unravel_index(
        np.argmax(dot_products / np.maximum(norms, np.finfo(np.float32).tiny)), dot_products.shape
    )
    return int(down) - MAX_SHIFT_PX, int(right) - MAX_SHIFT_PX


@cached_per_image(most_bytes=16_000_000)
def _kinds_of_rows(printed: Image | Grey) -> Grey:
    """Return the kinds of rows as columns, (w, kinds)."""
    # Rows with the same bytes are one kind.
    return np.ascontiguousarray(np.stack(list(_row_kinds(printed).values())).T, np.float32)


@cached_per_image(most_bytes=16_000_000)
def _row_kind_indices(printed: Image | Grey) -> NDArray[np.intp]:
    """Return where, in (h * kinds), each row's kind meets its row of ink, for each shift down."""
    inner, kinds = _inner_columns(printed), list(_row_kinds(printed))
    row_kind = np.array([kinds.index(pixels.tobytes()) for pixels in inner])
    ink_row = np.arange(SHIFT_COUNT)[:, None] + np.arange(len(inner))
    return np.asarray(ink_row * len(kinds) + row_kind, np.intp).ravel()


def _row_kinds(printed: Image | Grey) -> dict[bytes, Image | Grey]:
    """Return the kinds of rows by their bytes."""
    return {row.tobytes(): row for row in _inner_columns(printed)}


def _inner_columns(printed: Image | Grey) -> Image | Grey:
    """Return the print without the edge that a shift may move out of the image."""
    return printed[MAX_SHIFT_PX:-MAX_SHIFT_PX, MAX_SHIFT_PX:-MAX_SHIFT_PX]


@lru_cache(maxsize=256)
def _shift_windows(length: int) -> Grey:
    """Return for each shift what the print then covers, (SHIFT_COUNT, length), 1 or 0."""
    out = np.zeros((SHIFT_COUNT, length), np.float32)
    for shift in range(SHIFT_COUNT):
        out[shift, shift : length - 2 * MAX_SHIFT_PX + shift] = 1
    return out
