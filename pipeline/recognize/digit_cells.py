"""From the picture of a row of digit boxes to one small picture a box.

The same function prepares training data and live crops, so the network never meets a picture that was made in another way.
Ink that belongs to a neighbour, printed lines and dust are taken away here; what is left is centred and scaled to 32 × 32.
"""

from __future__ import annotations

from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.model import Image
from pipeline.once import once_a_picture
from pipeline.recognize.ranks import median, quantile

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
DARKEST_PAPER = 0.45
"""Paper in a shadow has at least this share of the brightness around; what is darker over a wide area is ink."""
ALIGN = 4
"""How far the blank may be moved to lie on the scan, px (half a millimetre)."""
REACH = 0.35
"""How far a stroke may reach into the next cell, in cell widths, and still be this cell's alone: one that goes farther is two digits that touch."""
SMALLEST = 0.42
"""A glyph lower than this share of the box is not enlarged to full size: a dot must not become a nought."""

Grey = NDArray[np.float32]
Mask = NDArray[np.bool_]


def cell_pictures(image: Image, blank: Image | None, cells: int, margin_px: float = 0.0) -> Image:
    """The cells of a row, (cells, 32, 32) uint8, 255 = ink.

    `image` is grey (h, w), 0 = black, with `margin_px` around the boxes; `blank` is the same place of the unfilled form.
    """
    image, blank, margin = _at_work_scale(image, blank, margin_px)
    ink = darker_than_paper(image)
    ink = _without_print(ink, darker_than_paper(blank)) if blank is not None else _without_rules(ink, cells, margin)
    pictures = np.zeros((cells, SIDE, SIDE), np.uint8)
    if float(ink.max()) <= NOTHING:
        return pictures
    edges = np.linspace(margin, ink.shape[1] - margin, cells + 1)
    ink = _contrast(ink, edges, margin)
    owner = _owners(ink, edges, margin)
    box_height = ink.shape[0] - 2 * margin
    y, x = np.nonzero(owner)
    own = owner[y, x]
    for cell in range(cells):
        if (mine := own == cell + 1).any():
            columns = slice(max(0, int(x[mine].min()) - 2), int(x[mine].max()) + 3)
            pictures[cell] = _fitted(ink[:, columns], owner[:, columns] == cell + 1, box_height)
    return pictures


@once_a_picture(most_bytes=64_000_000)
def darker_than_paper(image: Image) -> Grey:
    """Grey levels by which each pixel is darker than the paper around it, (h, w) float32."""
    size = max(3, image.shape[0] // 3) | 1
    paper = cv2.blur(cv2.dilate(image, np.ones((size, size), np.uint8)), (size, size))
    lit = np.maximum(paper.astype(np.float32), np.float32(DARKEST_PAPER * quantile(image, 0.95)))
    return np.maximum(np.subtract(lit, image, dtype=np.float32, out=lit), np.float32(0), out=lit)


def _at_work_scale(image: Image, blank: Image | None, margin: float) -> tuple[Image, Image | None, float]:
    if blank is None and median(image) < 100:
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


def _without_print(ink: Grey, printed: Grey) -> Grey:
    """Take the printed lines away, as dark as they came out on this sheet; most of their length is not written on."""
    if np.count_nonzero(printed > 12) < 20:
        return ink
    printed = _aligned(printed, ink)
    lines = printed > 12
    near = cv2.dilate(lines.astype(np.uint8), np.ones((3, 3), np.uint8))
    gain = float(np.clip(quantile(ink[lines], 0.6) / max(median(printed[lines]), 1.0), 0.2, 4.0))
    spread = cv2.dilate(printed, np.ones((3, 3), np.uint8)) * np.float32(gain * 1.15)
    out = ink.copy()
    cv2.subtract(ink, spread, out, mask=near)
    return np.maximum(out, np.float32(0), out=out)


def _aligned(printed: Grey, ink: Grey) -> Grey:
    """The print moved by at most `ALIGN` px to where the sheet shows it."""
    score = cv2.matchTemplate(ink, printed[ALIGN:-ALIGN, ALIGN:-ALIGN], cv2.TM_CCORR_NORMED)
    _, _, _, (x, y) = cv2.minMaxLoc(score)
    move = np.array([[1, 0, x - ALIGN], [0, 1, y - ALIGN]], np.float32)
    return cv2.warpAffine(printed, move, (printed.shape[1], printed.shape[0]), borderMode=cv2.BORDER_REPLICATE).astype(np.float32)


def _without_rules(ink: Grey, cells: int, margin: float) -> Grey:
    """Without a blank: take away straight lines where box lines must be."""
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


def _contrast(ink: Grey, edges: NDArray[np.float64], margin: float) -> Grey:
    """Ink as 0…1: full where it is as dark as the cell's own pen, nothing where it is paper grain."""
    top, bottom = round(margin), ink.shape[0] - round(margin)
    bounds = np.round(edges).astype(int)
    peaks = [_peak(ink[top:bottom, a:b]) for a, b in pairwise(bounds)]
    floor = max(FAINTEST, 0.4 * max(peaks))
    full = np.full(ink.shape[1], floor, np.float32)
    for peak, a, b in zip(peaks, bounds[:-1], bounds[1:], strict=True):
        full[a:b] = max(floor, peak)
    out: Grey = np.clip((ink / full - 0.2) / 0.5, 0, 1).astype(np.float32)
    return out


def _peak(part: Grey) -> float:
    """The mean of the darkest pixels. They are sought among the dark ones only: most of a cell is paper, alike, and slow to put in order."""
    count = min(PEN_PX, part.size)
    dark = part[part > 0.5 * part.max()] if count else part
    flat = dark if dark.size >= count else part.ravel()
    return float(np.partition(flat, flat.size - count)[-count:].mean()) if count else 0.0


def _owners(ink: Grey, edges: NDArray[np.float64], margin: float) -> NDArray[np.int32]:
    """For each pixel of ink the cell it belongs to, 1…n (0: none).

    A stroke that lies mostly in one cell belongs there whole; one that lies in several, such as a line through the row, is divided.
    """
    cells = len(edges) - 1
    mask = (ink > WRITTEN).astype(np.uint8)
    if not mask.any():
        return np.zeros(ink.shape, np.int32)
    _, labelled, found, _ = cv2.connectedComponentsWithStats(mask, connectivity=8)
    label, stats = np.asarray(labelled, np.int32), np.asarray(found, np.int32)
    at = np.flatnonzero(mask)
    of, where = label.ravel()[at], np.searchsorted(edges, np.arange(ink.shape[1]) + 0.5)[at % ink.shape[1]]
    count = np.bincount(of * (cells + 2) + where, minlength=len(stats) * (cells + 2)).reshape(-1, cells + 2)
    main = count.argmax(axis=1)
    whole = (count.max(axis=1) >= 0.6 * stats[:, cv2.CC_STAT_AREA]) & (_overrun(stats, edges, main) <= REACH * (edges[1] - edges[0]))
    owners = np.where(whole[of], main[of], where)
    owners[(owners == cells + 1) | _not_written(stats, edges, margin, ink.shape[0])[of]] = 0
    owner = np.zeros(ink.shape, np.int32)
    owner.ravel()[at] = owners
    return owner


def _overrun(stats: NDArray[np.int32], edges: NDArray[np.float64], main: NDArray[np.intp]) -> NDArray[np.float64]:
    """How far each component goes beyond its main cell, px."""
    bounds = np.concatenate([[-np.inf], edges, [np.inf]])
    left, right = stats[:, cv2.CC_STAT_LEFT], stats[:, cv2.CC_STAT_LEFT] + stats[:, cv2.CC_STAT_WIDTH]
    return np.asarray(np.maximum(bounds[main] - left, right - bounds[main + 1]), np.float64)


def _not_written(stats: NDArray[np.int32], edges: NDArray[np.float64], margin: float, height: int) -> Mask:
    """Components that are background, lie outside the boxes, or are slivers of a box line."""
    x, y, w, h, area = (stats[:, i].astype(np.float64) for i in range(5))
    middle = y + h / 2
    gone = (middle < margin) | (middle > height - margin) | (area < 5)
    off = np.abs(edges[:, None] - (x + w / 2)[None, :]).min(axis=0)
    gone |= (off < 3.5) & (w <= 5)
    off = np.minimum(np.abs(y + h / 2 - margin), np.abs(y + h / 2 - (height - margin)))
    gone |= (off < 3.5) & (h <= 5)
    gone[0] = True
    return np.asarray(gone, dtype=np.bool_)


def _fitted(ink: Grey, mine: Mask, box_height: float) -> Image:
    """One cell's ink, centred and scaled to 32 × 32; all zero where nothing is written."""
    out = np.zeros((SIDE, SIDE), np.uint8)
    mask = mine.astype(np.uint8)
    x, y, w, h = cv2.boundingRect(mask)
    if not w:
        return out
    around = slice(max(0, y - 2), y + h + 2), slice(max(0, x - 2), x + w + 2)
    ink, mask = ink[around], mask[around]
    _, label, stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=8)
    areas = stats[:, cv2.CC_STAT_AREA].copy()
    areas[0] = 0
    keep = areas >= 0.03 * areas.max()
    kept = np.flatnonzero(keep)
    left, top = stats[kept, 0].min(), stats[kept, 1].min()
    right, bottom = (stats[kept, 0] + stats[kept, 2]).max(), (stats[kept, 1] + stats[kept, 3]).max()
    soft = cv2.dilate(keep[label].astype(np.uint8), np.ones((3, 3), np.uint8))
    part = (ink * soft)[max(0, top - 1) : bottom + 1, max(0, left - 1) : right + 1]
    scale = GLYPH / max(float(bottom - top), float(right - left), SMALLEST * box_height)
    width, height = (min(SIDE, max(1, round(side * scale))) for side in (part.shape[1], part.shape[0]))
    small = cv2.resize(part, (width, height), interpolation=cv2.INTER_AREA)
    top, left = (SIDE - height) // 2, (SIDE - width) // 2
    out[top : top + height, left : left + width] = np.clip(small * 255, 0, 255).astype(np.uint8)
    return out
