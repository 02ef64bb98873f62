"""What a hand added to a field: ink told apart from paper, print, noise and specks.

Lengths are millimetres, so one set of constants fits 150 to 600 dpi. Darkness runs from 0 (the paper around) to 1 (black).
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.model import Image
from pipeline.recognize.crop import Crop

Darkness = NDArray[np.float32]
Mask = NDArray[np.bool_]

PAPER_WINDOW_MM = 12.0
"""Paper is the lightest tone in a window of this size: wider than anything that is filled solid."""
ALIGN_MM = 0.5
"""How far the blank may be moved to lie on the scan."""
PRINT_TOLERANCE_MM = 0.3
"""Print is widened by this: what registration, blur and toner may differ."""
TONES = (0.05, 0.2, 0.45, 0.7, 1.0)
"""Borders of the tones of print that a scanner may render differently: a 1-bit scan turns one white and the next black."""
STROKE_BLUR_MM = 0.06
FAINTEST = 0.07
"""Darkness under which nothing counts: the grain of paper, what shows through from the back."""
SEED = 0.13
"""A stroke has to be this dark somewhere; from there it is followed down to `FAINTEST`."""
SPECK_MM2 = 0.04
"""Smaller spots are dirt. The dot of an i is about 0.15 mm²."""
DARKEST_PAPER = 100


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


def find_ink(crop: Crop) -> Ink:
    """The handwriting in a crop; print is what the blank shows or, without one, long straight rules."""
    scale = scale_of(crop)
    dark = paper_darkness(crop.image, scale)
    printed = _printed(crop, dark, scale)
    extra = np.clip(_blurred(dark, scale) - printed, 0.0, 1.0).astype(np.float32)
    mask = _followed(extra, _grain(dark), scale)
    mask = _bridged(mask, printed > FAINTEST, scale)
    return Ink(mask, dark, scale, field_of(crop))


def written(ink: Ink, mask: Mask | None = None) -> Image:
    """The handwriting (or the part in `mask`) alone on white paper, grey (h, w), soft edges kept, faint strokes made black."""
    chosen = ink.mask if mask is None else mask
    around = cv2.dilate(chosen.astype(np.uint8), _disc(0.12 * ink.px_per_mm)) > 0
    full = float(np.quantile(ink.darkness[chosen], 0.9)) if chosen.any() else 1.0
    return np.asarray(np.clip(255.0 * (1.0 - np.where(around, ink.darkness, 0.0) / full), 0, 255), np.uint8)


def paper_darkness(image: Image, px_per_mm: float) -> Darkness:
    """How much darker than the paper around it each pixel is, (h, w) 0…1."""
    shrink = max(1, round(px_per_mm / 2))
    small = cv2.resize(image, None, fx=1 / shrink, fy=1 / shrink, interpolation=cv2.INTER_AREA) if shrink > 1 else image
    window = max(3, round(PAPER_WINDOW_MM * px_per_mm / shrink) | 1)
    lightest = cv2.dilate(cv2.medianBlur(np.ascontiguousarray(small), 3), np.ones((window, window), np.uint8))
    paper = cv2.blur(np.maximum(lightest, DARKEST_PAPER).astype(np.float32), (window, window))
    paper = cv2.resize(paper, (image.shape[1], image.shape[0]), interpolation=cv2.INTER_LINEAR)
    return np.asarray(np.clip(1.0 - image.astype(np.float32) / paper, 0.0, 1.0), np.float32)


def _printed(crop: Crop, dark: Darkness, scale: float) -> Darkness:
    if crop.blank is None:
        return _rules(dark, scale)
    blank = paper_darkness(crop.blank, scale)
    if float(blank.max()) < FAINTEST:
        return np.zeros_like(dark)
    grow = _disc(PRINT_TOLERANCE_MM * scale)
    wide = cv2.dilate(_aligned(blank, dark, scale), grow)
    return _toned(wide, cv2.dilate(_blurred(dark, scale), grow))


def _aligned(blank: Darkness, dark: Darkness, scale: float) -> Darkness:
    """The blank moved by up to `ALIGN_MM` to where the scan shows the same print."""
    reach = min(max(1, round(ALIGN_MM * scale)), (min(dark.shape) - 1) // 3)
    inner = blank[reach:-reach, reach:-reach]
    if reach < 1 or float(inner.std()) < 0.01:
        return blank
    score = cv2.matchTemplate(dark, inner, cv2.TM_CCOEFF_NORMED)
    score[reach, reach] += 0.01
    _, _, _, (x, y) = cv2.minMaxLoc(score)
    move = np.array([[1, 0, x - reach], [0, 1, y - reach]], np.float32)
    return cv2.warpAffine(blank, move, (blank.shape[1], blank.shape[0]), borderMode=cv2.BORDER_REPLICATE).astype(np.float32)


def _toned(blank: NDArray[Any], dark: NDArray[Any]) -> Darkness:
    """The blank as dark as this printer and scanner made it, tone by tone: a low quantile, because ink on print only darkens."""
    seen, made = [0.0], [0.0]
    for low, high in itertools.pairwise(TONES):
        at = (blank > low) & (blank <= high)
        if at.sum() >= 20:
            seen.append(float(np.median(blank[at])))
            made.append(float(np.quantile(dark[at], 0.4)) * 1.1)
    if len(seen) == 1:
        return blank
    return np.asarray(np.clip(np.interp(blank, seen, made), 0.0, 1.0), np.float32)


def _rules(dark: Darkness, scale: float) -> Darkness:
    """Print in a crop without a blank: thin horizontal rules over more than half of the width."""
    height, width = dark.shape
    length = max(round(10 * scale), width // 2)
    if length >= width:
        return np.zeros_like(dark)
    binary = (dark > FAINTEST).astype(np.uint8)
    rules = cv2.morphologyEx(binary, cv2.MORPH_OPEN, np.ones((1, length), np.uint8))
    thick = cv2.morphologyEx(rules, cv2.MORPH_OPEN, np.ones((min(height, max(2, round(0.8 * scale))), 1), np.uint8))
    wide = cv2.dilate(cv2.subtract(rules, thick), np.ones((max(1, round(PRINT_TOLERANCE_MM * scale)) * 2 + 1, 1), np.uint8))
    return np.where(wide > 0, dark.max(), 0.0).astype(np.float32)


def _followed(extra: Darkness, grain: float, scale: float) -> Mask:
    """Strokes dark enough somewhere, followed to where they fade; without specks."""
    count, labels, stats, _ = cv2.connectedComponentsWithStats((extra > max(FAINTEST, 2.5 * grain)).astype(np.uint8), connectivity=8)
    keep = np.zeros(count, bool)
    keep[np.unique(labels[extra > max(SEED, 4.0 * grain)])] = True
    keep &= stats[:, cv2.CC_STAT_AREA] >= SPECK_MM2 * scale**2
    keep[0] = False
    return np.asarray(keep[labels], np.bool_)


def _bridged(mask: Mask, printed: Mask, scale: float) -> Mask:
    """Strokes continued across the print that they cross."""
    closed = cv2.morphologyEx(mask.astype(np.uint8), cv2.MORPH_CLOSE, _disc((PRINT_TOLERANCE_MM + 0.2) * scale))
    return np.asarray(mask | ((closed > 0) & printed), np.bool_)


def _grain(dark: Darkness) -> float:
    """The standard deviation of the noise that is left after blurring, from what a median filter takes away."""
    left = np.abs(dark - cv2.medianBlur(dark, 3))
    return 0.5 * 1.4826 * 1.2 * float(np.median(left))


def _blurred(dark: Darkness, scale: float) -> Darkness:
    return np.asarray(cv2.GaussianBlur(dark, (0, 0), max(0.4, STROKE_BLUR_MM * scale)), np.float32)


def _disc(radius: float) -> NDArray[np.uint8]:
    size = max(1, round(radius)) * 2 + 1
    return np.asarray(cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size)), np.uint8)
