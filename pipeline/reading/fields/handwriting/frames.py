"""Tell writing in a framed field from the frame: print far beside its place, letters on a line.

Print is looked for near its place only, which is quick. Where a photograph or another printer left
the frame farther away, remains of it would be read as "1", "E" or ":", so the frame is then looked
for by its long straight lines. People begin to write at the left line of the frame: what is taken
for print there is no wider than the line itself, or the first letter would be lost. With 1 bit a
pixel ink is no darker than print, and pale lines come out as dots: what lies on print is print.
"""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.domain.model import Image
from pipeline.reading.fields.field_image import FieldImage
from pipeline.reading.fields.ink import (
    MAX_ALIGN_MM,
    MAX_STROKE_MM,
    MIN_DARKNESS,
    SEED_DARKNESS,
    Darkness,
    Ink,
    disc_kernel,
    find_ink,
    measure_darkness,
)
from pipeline.reading.imaging.pixels import Components, Mask

MAX_OFF_MM = 1.7
"""How far the frame is looked for, mm: less than half of the way to the next row of a table."""
FRAME_LINE_SHARE, MAX_RUN_MM = 0.6, 8.0
"""A line of the frame is straight over this share of the field's side, or over so many mm."""
MIN_NEARER_FIT = 0.8
"""The frame is where it should be if it fits there this well, compared with the best place."""
BESIDE_LINE_MM = (0.9, 0.7)
"""How far beside the edge of the field its left line may be, and how far beside the line letters
are looked for, mm.
"""
LINE_QUANTILE = 0.4
"""Writing covers less than the rest of a line's length."""
MIN_LINE_PART = 0.35
"""A column this dark, compared with the darkest, is a part of the line."""
LINE_TOLERANCE = 1.25
"""A line is at most this much darker in some places than in most."""
FROM_CORNER_MM = 0.6
"""Near the upper and lower line nothing is looked for."""
TOUCH_PX = 2
"""Writing this close to the line touches it."""
ON_PRINT_MM, MIN_SHARE_ON_PRINT = 0.4, 0.9
"""In black and white a stroke is print if this share of it is as near as this to print, mm."""
MAX_LETTER_SHARE = 0.85
"""A stroke on the line that is higher than this share of the field is the line."""


def find_line_ink(crop: FieldImage) -> Ink:
    """Return the handwriting in a field with lines of writing, without the field's frame."""
    ink = find_ink(crop)
    if crop.template_image is None or not ink.mask.any():
        return ink
    ink = drop_pieces_of_print(crop, ink)
    if not ink.mask.any():
        return ink
    right, down = _find_frame_shift(crop, ink)
    if right or down:
        crop = replace(crop, template_image=_move(crop.template_image, right, down))
        found = find_ink(crop)
        ink = replace(found, field=_move_field(found, right, down))
    return replace(ink, mask=_add_letters_on_line(crop, ink))


def drop_pieces_of_print(crop: FieldImage, ink: Ink) -> Ink:
    """Return the ink of a scan in black and white without strokes that are all but on print."""
    if not crop.one_bit or crop.template_image is None or not ink.mask.any():
        return ink
    darkness = measure_darkness(crop.template_image, ink.px_per_mm, MAX_STROKE_MM)
    printed = darkness > MIN_DARKNESS
    kernel = disc_kernel(max(1, round(ON_PRINT_MM * ink.px_per_mm)))
    on_print = cv2.dilate(printed.view(np.uint8), kernel).view(np.bool_)
    strokes = Components.of(ink.mask)
    area = strokes.column(cv2.CC_STAT_AREA)
    keep = np.bincount(strokes.labels[on_print], minlength=len(area)) < MIN_SHARE_ON_PRINT * area
    return replace(ink, mask=strokes.pixels(keep))


def _find_frame_shift(crop: FieldImage, ink: Ink) -> tuple[int, int]:
    """Return how far right and down the frame is, px; 0 where it is about in its place."""
    assert crop.template_image is not None
    template = measure_darkness(crop.template_image, ink.px_per_mm, MAX_STROKE_MM)
    left, top, right, bottom = ink.field
    down, across = (
        _find_shift(
            _line_profile(template, length, axis, ink.px_per_mm),
            _line_profile(ink.darkness, length, axis, ink.px_per_mm),
            ink.px_per_mm,
        )
        for length, axis in ((right - left, 0), (bottom - top, 1))
    )
    return across, down


def _line_profile(dark: Darkness, length: int, axis: int, px_per_mm: float) -> NDArray[np.float64]:
    """Return how much of each row (axis 0) or column (1) of an image is of straight lines."""
    run = max(3, round(min(FRAME_LINE_SHARE * length, MAX_RUN_MM * px_per_mm)))
    kernel = np.ones((1, run) if axis == 0 else (run, 1), np.uint8)
    lines = cv2.morphologyEx((dark > MIN_DARKNESS).astype(np.uint8), cv2.MORPH_OPEN, kernel)
    return np.asarray(lines.mean(axis=1 - axis), np.float64)


def _find_shift(printed: NDArray[np.float64], seen: NDArray[np.float64], px_per_mm: float) -> int:
    """Return by how many px lines are moved, 0 if by no more than print is looked for anyway."""
    reach = min(round(MAX_OFF_MM * px_per_mm), len(printed) // 4)
    # Lines may be a little thicker or thinner than in the template.
    printed, seen = (np.convolve(lines, np.ones(3) / 3, mode="same") for lines in (printed, seen))
    padded = np.pad(seen, reach)
    fits = np.array([printed @ padded[i : i + len(printed)] for i in range(2 * reach + 1)])
    near = max(1, round(MAX_ALIGN_MM * px_per_mm))
    if fits[max(0, reach - near) : reach + near + 1].max() >= MIN_NEARER_FIT * fits.max():
        return 0
    return int(fits.argmax()) - reach


def _move(template: Image, right: int, down: int) -> Image:
    shift = np.array([[1, 0, right], [0, 1, down]], np.float32)
    size = (template.shape[1], template.shape[0])
    moved = cv2.warpAffine(
        template, shift, size, flags=cv2.INTER_NEAREST, borderMode=cv2.BORDER_REPLICATE
    )
    return np.asarray(moved, np.uint8)


def _move_field(ink: Ink, right: int, down: int) -> tuple[int, int, int, int]:
    height, width = ink.mask.shape
    x0, y0, x1, y1 = ink.field
    return (
        max(0, x0 + right),
        max(0, y0 + down),
        min(width, x1 + right),
        min(height, y1 + down),
    )


def _add_letters_on_line(crop: FieldImage, ink: Ink) -> Mask:
    """Return the ink with that of letters on the left line of the frame."""
    scale = ink.px_per_mm
    left, top, _, bottom = ink.field
    corner, beside = round(FROM_CORNER_MM * scale), round(sum(BESIDE_LINE_MM) * scale)
    zone = slice(top + corner, bottom - corner), slice(max(0, left - beside), left + beside)
    if not ink.mask[zone].any():
        return ink.mask

    # The line as it is in most rows, and print that is there by the template.
    dark = np.ascontiguousarray(ink.darkness[zone])
    line = np.quantile(dark, LINE_QUANTILE, axis=0)
    columns = _find_line_columns(crop, line, zone, ink)
    if columns is None:
        return ink.mask

    # What is darker than the line, or beside it, and belongs to writing.
    widened = cv2.dilate(line[None, :].astype(np.float32), np.ones((1, 3), np.uint8))
    extra = dark - np.minimum(1.0, LINE_TOLERANCE * widened) > SEED_DARKNESS
    near = round(BESIDE_LINE_MM[1] * scale)
    extra[:, : max(0, columns[0] - near)] = False
    extra[:, columns[1] + near :] = False
    written = np.asarray(extra | ink.mask[zone], np.bool_)
    written |= _cross_line(written, columns)
    parts = Components.of(written)
    keep = np.zeros(len(parts), np.bool_)
    keep[np.unique(parts.labels[ink.mask[zone]])] = True
    keep &= parts.column(cv2.CC_STAT_HEIGHT) < MAX_LETTER_SHARE * (bottom - top)
    mask = ink.mask.copy()
    mask[zone] |= parts.pixels(keep)
    return mask


def _find_line_columns(
    crop: FieldImage, line: NDArray[np.floating], zone: tuple[slice, slice], ink: Ink
) -> tuple[int, int] | None:
    """Return the first and last column of the left line in the zone; None without one."""
    assert crop.template_image is not None
    template = measure_darkness(crop.template_image, ink.px_per_mm, MAX_STROKE_MM)[zone]
    if min(np.quantile(template, LINE_QUANTILE, axis=0).max(), line.max()) < SEED_DARKNESS:
        return None
    dark = np.flatnonzero(line >= max(MIN_DARKNESS, MIN_LINE_PART * line.max()))
    return int(dark[0]), int(dark[-1])


def _cross_line(written: Mask, columns: tuple[int, int]) -> Mask:
    """Return what of the line lies between ink on both sides of it."""
    out = np.zeros_like(written)
    first, last = columns
    sides = written[:, max(0, first - TOUCH_PX) : first], written[:, last + 1 : last + 1 + TOUCH_PX]
    left, right = (np.asarray(side.any(axis=1), np.uint8)[:, None] for side in sides)
    # A stroke may slant by as much as the line is wide.
    slant = np.ones((2 * (last - first + 1) + 1, 1), np.uint8)
    either = np.asarray(cv2.bitwise_or(left, right))
    closed = cv2.morphologyEx(either, cv2.MORPH_CLOSE, slant)
    between = np.asarray(
        (closed > 0) & (cv2.dilate(left, slant) > 0) & (cv2.dilate(right, slant) > 0)
    )
    out[between.ravel(), max(0, first - 1) : last + TOUCH_PX] = True
    return out


# Recognize fields that may hold parts of other rows only: tails of g and y, tops of h and l.
#
# The line of the frame cuts them off from their letters, so that an empty field seems to hold a J
# or an H, or to be signed. Writing of the field's own that reaches far over its line looks the
# same, so a person is asked.

MIN_BESIDE_MM = 1.5
"""So much above and below the field its image has to show, or it is unknown where strokes begin."""
MIN_STROKE_MM = 1.2
"""A shorter stroke may be a dot, and does not count."""
LINE_GAP_MM = 0.6
"""Ink goes on across a line of the frame if it is this near to it on both sides."""
MAX_TAIL, MAX_TOP = 0.75, 0.4
"""A tail or top of another row's letters reaches over at most this part of the field's height: own
letters that stand on the lower line hang over it more often than own letters reach over the upper.
"""
MAX_RUNS, MAX_BUSY_SHARE = 4, 0.2
"""A stroke of tails has so many parts beside each other at most, those of two loops, but for a
small share of its height. A word that is written in one has more.
"""


def may_be_other_rows(ink: Ink, line: Mask) -> bool:
    """Return whether all of a `line`, the ink of a field, may belong to the rows above and below.

    The edges of the image cut all its strokes off, and none reaches far into the field.
    """
    _, top, _, bottom = ink.field
    height = len(ink.mask)
    is_seen = min(top, height - bottom) >= MIN_BESIDE_MM * ink.px_per_mm
    if not is_seen or not line.any() or not (ink.mask[0].any() or ink.mask[-1].any()):
        return False

    # The strokes that the line is part of, without dots and specks.
    strokes = Components.of(_join_over_lines(ink))
    numbers = np.unique(strokes.labels[line])
    sides = strokes.stats[numbers][:, [cv2.CC_STAT_WIDTH, cv2.CC_STAT_HEIGHT]]
    numbers = numbers[sides.max(axis=1) >= MIN_STROKE_MM * ink.px_per_mm]
    begin = strokes.column(cv2.CC_STAT_TOP)[numbers]
    end = begin + strokes.column(cv2.CC_STAT_HEIGHT)[numbers]

    # Each comes from above or from below.
    is_tail = (begin == 0) & (end <= top + MAX_TAIL * (bottom - top))
    is_top = (end == height) & (begin >= bottom - MAX_TOP * (bottom - top))
    return bool(
        numbers.size
        and (is_tail | is_top).all()
        and all(_has_few_runs(strokes, int(number), top) for number in numbers[is_tail])
    )


def _join_over_lines(ink: Ink) -> Mask:
    """Return the ink with what the removed lines have cut joined, where ink is on both sides."""
    _, top, _, bottom = ink.field
    gap = max(1, round(LINE_GAP_MM * ink.px_per_mm))
    joined = ink.mask.copy()
    for edge in (top, bottom):
        zone = slice(edge - gap, edge + gap)
        slanted = cv2.dilate(joined[zone].view(np.uint8), np.ones((1, 2 * gap + 1), np.uint8))
        upright = np.ones((2 * gap + 1, 1), np.uint8)
        joined[zone] |= cv2.morphologyEx(slanted, cv2.MORPH_CLOSE, upright, borderValue=0) > 0
    return joined


def _has_few_runs(strokes: Components, number: int, top: int) -> bool:
    """Return whether a stroke has few parts beside each other below the row `top`."""
    x, y, w, h = strokes.stats[number, : cv2.CC_STAT_AREA]
    below: NDArray[np.int8] = (strokes.labels[max(y, top) : y + h, x : x + w] == number).astype(
        np.int8
    )
    if not below.size:
        return True
    runs = (np.diff(below, axis=1, prepend=0) == 1).sum(axis=1)
    return float((runs > MAX_RUNS).mean()) <= MAX_BUSY_SHARE
