"""What a hand added to a field: ink told apart from paper, print, noise and specks.

Lengths are millimetres, so one set of constants fits 150 to 600 dpi. Darkness runs from 0 (the paper around) to 1 (black).
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.components import Components
from pipeline.model import Image
from pipeline.once import once_a_picture
from pipeline.recognize.crop import Crop
from pipeline.recognize.ranks import median, quantile

Darkness = NDArray[np.float32]
Mask = NDArray[np.bool_]

WIDEST_STROKE_MM = 2.5
"""Writing is narrower than this; what is wider is a stain, a shadow or a coloured ground."""
ALIGN_MM = 0.5
"""How far the blank may be moved to lie on the scan."""
TILE_MM = 20.0
"""Length of the parts in which print is compared with its form, mm."""
PRINT_TOLERANCE_MM = 0.3
"""Print is widened by this: what registration, blur and toner may differ."""
TONES = (0.05, 0.2, 0.45, 0.7, 1.0)
"""Borders of the tones of print that a scanner may render differently: a 1-bit scan turns one white and the next black."""
STROKE_BLUR_MM = 0.06
"""Standard deviation of the blur against noise, mm."""
FAINTEST = 0.07
"""Darkness under which nothing counts: the grain of paper, what shows through from the back."""
SEED = 0.13
"""A stroke has to be this dark somewhere; from there it is followed down to `FAINTEST`."""
RULE_MM = 10.0
"""The shortest level stroke that may be a piece of a rule."""
SPECK_MM2 = 0.04
"""Smaller spots are dirt. The dot of an i is about 0.15 mm²."""
SPOT_IN_PRINT_MM2 = 0.5
"""A smaller spot on print is what is left of the print, mm²."""
MOSTLY = 0.6
"""A spot with more than this share on print lies on print."""
DARKEST_PAPER = 45
"""Paper in deep shadow; what is darker over a wide area is ink, as in a box filled solid."""


@dataclass(frozen=True, slots=True)
class Ink:
    """Handwriting in one crop.

    `mask` (where ink is) and `darkness` (of everything, print too) have the crop's shape; `field` is the field's x0, y0, x1, y1 in px.
    """

    mask: Mask
    darkness: Darkness
    px_per_mm: float
    field: tuple[int, int, int, int]

    @property
    def area_mm2(self) -> float:
        """Inked area inside the field."""
        x0, y0, x1, y1 = self.field
        return float(self.mask[y0:y1, x0:x1].sum()) / self.px_per_mm**2


def scale_of(crop: Crop) -> float:
    """Pixels per millimetre: as given, or from the field filling the picture's height."""
    return crop.px_per_mm or crop.image.shape[0] / (crop.spec.box[3] + 2 * crop.margin_mm)


def field_of(crop: Crop) -> tuple[int, int, int, int]:
    """The field inside its crop, x0, y0, x1, y1 in px."""
    height, width = crop.image.shape
    margin = min(round(crop.margin_mm * scale_of(crop)), (min(height, width) - 1) // 2)
    return margin, margin, width - margin, height - margin


def find_ink(crop: Crop, widest_mm: float = WIDEST_STROKE_MM) -> Ink:
    """The handwriting in a crop; print is what the blank shows or, without one, long straight rules. Anything wider than `widest_mm` is a stain."""
    scale = scale_of(crop)
    dark = paper_darkness(crop.image, scale, widest_mm)
    soft = _blurred(dark, scale)
    printed, zone = _printed(crop, dark, soft, scale, widest_mm)
    mask = _followed(soft - printed, _grain(dark), zone, scale)
    return Ink(_bridged(mask, zone, scale) if mask.any() else mask, dark, scale, field_of(crop))


def written(ink: Ink, mask: Mask | None = None) -> Image:
    """The handwriting (or the part in `mask`) alone on white paper, grey (h, w), soft edges kept, faint strokes made black."""
    chosen = ink.mask if mask is None else mask
    around = cv2.dilate(chosen.view(np.uint8), _disc(0.12 * ink.px_per_mm)).view(np.bool_)
    full = quantile(ink.darkness[chosen], 0.9) if chosen.any() else 1.0
    return np.asarray(np.clip(255.0 * (1.0 - np.where(around, ink.darkness, 0.0) / full), 0, 255), np.uint8)


@once_a_picture(most_bytes=40_000_000)
def paper_darkness(image: Image, px_per_mm: float, widest_mm: float) -> Darkness:
    """How much darker than the paper around it each pixel is, (h, w) 0…1; what is wider than `widest_mm` counts as paper."""
    shrink = max(1, min(round(px_per_mm / 2), *image.shape))
    small = cv2.resize(image, None, fx=1 / shrink, fy=1 / shrink, interpolation=cv2.INTER_AREA) if shrink > 1 else image
    window = max(3, round(widest_mm * px_per_mm / shrink) | 1)
    kernel = np.ones((window, window), np.uint8)
    closed = cv2.morphologyEx(cv2.medianBlur(np.ascontiguousarray(small), 3), cv2.MORPH_CLOSE, kernel, borderType=cv2.BORDER_REPLICATE)
    paper = cv2.blur(np.maximum(closed, DARKEST_PAPER).astype(np.float32), (3, 3))
    paper = cv2.resize(paper, (image.shape[1], image.shape[0]), interpolation=cv2.INTER_LINEAR)
    return np.asarray(np.clip(1.0 - image.astype(np.float32) / paper, 0.0, 1.0), np.float32)


def _printed(crop: Crop, dark: Darkness, soft: Darkness, scale: float, widest_mm: float) -> tuple[Darkness, Mask]:
    """How dark print alone would be here, and where there is any; `soft` is `dark` blurred a little."""
    if crop.blank is None:
        rules = _rules(dark, scale)
        return rules, np.asarray(rules > 0, np.bool_)
    blank = paper_darkness(crop.blank, scale, widest_mm)
    grow = _disc(PRINT_TOLERANCE_MM * scale)
    wide = np.asarray(cv2.dilate(_aligned(blank, dark, scale), grow), np.float32)
    return _toned(wide, cv2.dilate(soft, grow)), np.asarray(wide > TONES[0], np.bool_)


def _aligned(blank: Darkness, dark: Darkness, scale: float) -> Darkness:
    """The blank moved by up to `ALIGN_MM` to where the scan shows the same print, each tile by itself because paper bends."""
    height, width = dark.shape
    reach = max(1, round(ALIGN_MM * scale))
    padded = cv2.copyMakeBorder(blank, reach, reach, reach, reach, cv2.BORDER_REPLICATE)
    moved = np.empty_like(blank)
    for (y0, y1), (x0, x1) in itertools.product(_tiles(height, scale), _tiles(width, scale)):
        dx, dy = _shift(blank[y0:y1, x0:x1], dark[y0:y1, x0:x1], reach)
        moved[y0:y1, x0:x1] = padded[y0 + reach - dy : y1 + reach - dy, x0 + reach - dx : x1 + reach - dx]
    return moved


def _tiles(length: int, scale: float) -> list[tuple[int, int]]:
    """Where tiles begin and end on one side of a crop, px."""
    count = max(1, round(length / scale / TILE_MM))
    return [(int(length * i / count), int(length * (i + 1) / count)) for i in range(count)]


def _shift(blank: Darkness, dark: Darkness, reach: int) -> tuple[int, int]:
    """How far right and down print lies in the scan, px; none where there is too little print to tell."""
    reach = min(reach, (min(dark.shape) - 1) // 3)
    if reach < 1 or _spread(blank[reach:-reach, reach:-reach]) < 0.01:
        return 0, 0
    score = cv2.matchTemplate(dark, np.ascontiguousarray(blank[reach:-reach, reach:-reach]), cv2.TM_CCOEFF_NORMED)
    score[reach, reach] += 0.01
    _, _, _, (x, y) = cv2.minMaxLoc(score)
    return x - reach, y - reach


def _spread(dark: Darkness) -> float:
    """The standard deviation."""
    return float(cv2.meanStdDev(dark)[1][0, 0])


def _toned(blank: NDArray[Any], dark: NDArray[Any]) -> Darkness:
    """The blank as dark as this printer and scanner made it, tone by tone: a low quantile, because ink on print only darkens."""
    seen, made = [0.0], [0.0]
    places = np.flatnonzero(blank > 0)
    printed, shown = blank.ravel()[places], dark.ravel()[places]
    for low, high in itertools.pairwise(TONES):
        at = np.flatnonzero((printed > low) & (printed <= high))
        if at.size >= 20:
            seen.append(median(printed[at]))
            made.append(quantile(shown[at], 0.4) * 1.1)
    if len(seen) == 1:
        return blank
    toned = np.zeros(blank.shape, np.float32)
    toned.ravel()[places] = np.clip(np.interp(printed, seen, made), 0.0, 1.0)
    return toned


def _rules(dark: Darkness, scale: float) -> Darkness:
    """Print in a crop without a blank: thin horizontal rules over more than half of the width."""
    height, width = dark.shape
    length = round(RULE_MM * scale)
    if length >= width:
        return np.zeros_like(dark)
    binary = (dark > FAINTEST).astype(np.uint8)
    rules = _long(cv2.morphologyEx(binary, cv2.MORPH_OPEN, np.ones((1, length), np.uint8)), width // 2)
    thick = cv2.morphologyEx(rules, cv2.MORPH_OPEN, np.ones((min(height, max(2, round(0.8 * scale))), 1), np.uint8))
    wide = cv2.dilate(cv2.subtract(rules, thick), np.ones((max(1, round(PRINT_TOLERANCE_MM * scale)) * 2 + 1, 1), np.uint8))
    return np.where(wide > 0, dark.max(), 0.0).astype(np.float32)


def _long(runs: NDArray[Any], least: int) -> NDArray[np.uint8]:
    """The level runs that make up lines of at least `least` px, gaps of half of that allowed: writing hides them."""
    closed = cv2.morphologyEx(cv2.dilate(runs, np.ones((3, 1), np.uint8)), cv2.MORPH_CLOSE, np.ones((1, least // 2 | 1), np.uint8))
    lines = Components.of(np.asarray(closed > 0, np.bool_))
    keep = lines.column(cv2.CC_STAT_WIDTH) >= least
    keep[0] = False
    return np.asarray(runs * lines.pixels(keep), np.uint8)


def _followed(extra: Darkness, grain: float, zone: Mask, scale: float) -> Mask:
    """Strokes dark enough somewhere, followed to where they fade; without specks, and without spots of print that came out uneven."""
    seeds = extra > max(SEED, 4.0 * grain)
    if not seeds.any():
        return np.asarray(seeds, np.bool_)
    parts = Components.of(np.asarray(extra > max(FAINTEST, 2.5 * grain), np.bool_))
    keep = np.zeros(len(parts), bool)
    keep[parts.labels[seeds]] = True
    area = parts.column(cv2.CC_STAT_AREA)
    in_print = np.bincount(parts.labels[zone], minlength=len(parts)) / np.maximum(area, 1)
    least = np.where(in_print > MOSTLY, SPOT_IN_PRINT_MM2, SPECK_MM2)
    keep &= area >= least * scale**2
    keep[0] = False
    return parts.pixels(keep)


def _bridged(mask: Mask, printed: Mask, scale: float) -> Mask:
    """Strokes continued across the print that they cross."""
    closed = cv2.morphologyEx(mask.view(np.uint8), cv2.MORPH_CLOSE, _disc((PRINT_TOLERANCE_MM + 0.2) * scale))
    return np.asarray(mask | (closed.view(np.bool_) & printed), np.bool_)


def _grain(dark: Darkness) -> float:
    """The standard deviation of the noise that is left after blurring, from what a median filter takes away."""
    left = cv2.absdiff(dark, cv2.medianBlur(dark, 3))
    smooth = 2 * cv2.countNonZero(left) < left.size - 1
    return 0.0 if smooth else 0.5 * 1.4826 * 1.2 * median(left)


def _blurred(dark: Darkness, scale: float) -> Darkness:
    return np.asarray(cv2.GaussianBlur(dark, (0, 0), max(0.4, STROKE_BLUR_MM * scale)), np.float32)


def _disc(radius: float) -> NDArray[np.uint8]:
    return disc(max(1, round(radius)))


@lru_cache(maxsize=32)
def disc(radius: int) -> NDArray[np.uint8]:
    """A round structuring element, px."""
    return np.asarray(cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1,) * 2), np.uint8)


@lru_cache(maxsize=32)
def square(side: int) -> NDArray[np.uint8]:
    """A square structuring element, px."""
    return np.ones((side, side), np.uint8)
