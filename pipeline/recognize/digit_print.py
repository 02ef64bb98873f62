"""What is darker than the paper in the picture of a row of digit boxes, and that without what is printed there."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.model import Image
from pipeline.once import once_a_picture
from pipeline.recognize.digit_alignment import ALIGN, best_move
from pipeline.recognize.ranks import median, quantile

DARKEST_PAPER = 0.45
"""Paper in a shadow has at least this share of the brightness around; what is darker over a wide area is ink."""
PRINTED = 12
"""Grey levels below the paper beyond which the unfilled form is printed on."""

Grey = NDArray[np.float32]
Levels = Image | Grey
"""Grey levels, whole ones unless the paper lies in a deep shadow."""

NEXT_TO = np.ones((3, 3), np.uint8)
AROUND = np.ones((7, 7), np.uint8)
"""So near to print, 0.4 mm at 8 px/mm, ink may be print that lies a little beside its place."""


def darker_than_paper(image: Image) -> Levels:
    """Grey levels by which each pixel is darker than the paper around it, (h, w)."""
    size = max(3, image.shape[0] // 3) | 1
    paper = cv2.blur(cv2.dilate(image, np.ones((size, size), np.uint8)), (size, size))
    lightest = float(paper.min())
    if lightest >= DARKEST_PAPER * 255 or lightest >= (floor := np.float32(DARKEST_PAPER * quantile(image, 0.95))):
        return np.asarray(cv2.subtract(paper, image), np.uint8)
    lit = np.maximum(paper.astype(np.float32), floor)
    return np.maximum(np.subtract(lit, image, dtype=np.float32, out=lit), np.float32(0), out=lit)


def without_print(ink: Levels, blank: Image) -> Grey:
    """Take the printed lines away, as dark as they came out on this sheet; most of their length is not written on."""
    printed = _print_of(blank)
    if np.count_nonzero(printed > PRINTED) < 20:
        return ink.astype(np.float32)
    printed = _aligned(printed, ink)
    lines = printed > PRINTED
    gain = float(np.clip(quantile(ink[lines], 0.6) / max(median(printed[lines]), 1.0), 0.2, 4.0))
    _, near = cv2.threshold(cv2.dilate(printed, NEXT_TO), PRINTED, 0, cv2.THRESH_TOZERO)
    out = np.multiply(near, np.float32(gain * 1.15), dtype=np.float32)
    np.subtract(ink, out, out=out)
    return np.maximum(out, np.float32(0), out=out)


@once_a_picture(most_bytes=16_000_000)
def _print_of(blank: Image) -> Levels:
    return darker_than_paper(blank)


@once_a_picture(most_bytes=16_000_000)
def near_print(blank: Image) -> NDArray[np.bool_]:
    """Where print may have left something that `without_print` does not take away, (h, w)."""
    return np.asarray(cv2.dilate((_print_of(blank) > PRINTED).view(np.uint8), AROUND) > 0, np.bool_)


def _aligned(printed: Levels, ink: Levels) -> Levels:
    """The print moved by at most `ALIGN` px to where the sheet shows it."""
    down, right = best_move(printed, ink)
    height, width = printed.shape
    wide = cv2.copyMakeBorder(printed, ALIGN, ALIGN, ALIGN, ALIGN, cv2.BORDER_REPLICATE)
    moved: Levels = wide[ALIGN - down :, ALIGN - right :][:height, :width]  # type: ignore[assignment]
    return moved


def without_rules(ink: Levels, cells: int, margin: float) -> Grey:
    """Without a blank: take away straight lines where box lines must be."""
    ink = ink.astype(np.float32, copy=False)
    dark = (ink > max(20.0, 0.25 * float(ink.max()))).astype(np.uint8)
    height, width = ink.shape
    rule = np.zeros_like(dark)
    columns, rows = dark.mean(axis=0), dark.mean(axis=1)
    pitch = (width - 2 * margin) / cells
    reach = max(2, round(0.1 * pitch))
    uprights = [_line_at(columns, round(margin + i * pitch), reach, 0.8) for i in range(cells + 1)]
    levels = [_line_at(rows, round(y), max(2, round(0.1 * height)), 0.85) for y in (margin, height - margin)]
    if cells == 1 and sum(line is not None for line in (*uprights, *levels)) < 3:
        return ink  # a single 1 or 7 that fills its picture is no frame
    for line in filter(None, uprights):
        rule[:, line] = 1
    for line in filter(None, levels):
        rule[line, :] = 1
    return np.where(rule > 0, 0, ink).astype(np.float32)


def _line_at(share: NDArray[np.float64], place: int, reach: int, enough: float) -> slice | None:
    start = max(0, place - reach)
    found = np.flatnonzero(share[start : place + reach + 1] >= enough)
    if not len(found) or found[-1] - found[0] > reach:
        return None
    return slice(max(0, start + int(found[0]) - 1), start + int(found[-1]) + 2)
