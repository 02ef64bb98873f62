"""Find handwriting in a field image: ink separated from paper, print, noise and specks.

Lengths are millimetres, so one set of constants fits 150 to 600 dpi. Darkness runs from 0 (the
paper around) to 1 (black). Before ink is looked for over wide areas, light that falls off across a
small image can be evened out.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.domain.model import Image
from pipeline.reading.fields.field_image import FieldImage, group_alike
from pipeline.reading.imaging.cache import cached_per_image
from pipeline.reading.imaging.pixels import Components, Mask, Stack, filter_stack, median, quantile

Darkness = NDArray[np.float32]
MAX_STROKE_MM = 2.5
"""Writing is narrower than this; anything wider is a stain, a shadow or a coloured background."""
DARKEST_PAPER = 45
"""Grey level of paper in deep shadow; what is darker over a wide area is ink, as in a box filled
solid.
"""
MAX_ALIGN_MM = 0.5
"""How far the template may be moved to fit the scan."""
TILE_MM = 20.0
"""Length of the tiles in which print is compared with the template, mm."""
PRINT_TOLERANCE_MM = 0.3
"""Print is widened by this: what registration, blur and toner may differ."""
TONE_EDGES = (0.05, 0.2, 0.45, 0.7, 1.0)
"""Borders of the tones of print that a scanner may render differently: a 1-bit scan turns one tone
white and the next black.
"""
STROKE_BLUR_MM = 0.06
"""Standard deviation of the blur against noise, mm."""
MIN_DARKNESS = 0.07
"""Darkness below which nothing counts: the grain of paper, bleed-through from the back."""
SEED_DARKNESS = 0.13
"""A stroke has to be this dark somewhere; from there it is followed down to `MIN_DARKNESS`."""
MIN_RULE_MM = 10.0
"""The shortest level stroke that may be a part of a printed rule."""
MAX_SPECK_MM2 = 0.04
"""Smaller spots are dirt. The dot of an i is about 0.15 mm²."""
MAX_PRINT_SPOT_MM2 = 0.5
"""A smaller spot on print is a remnant of the print, mm²."""
MIN_SHARE_IN_PRINT = 0.6
"""A spot with more than this share of its area on print counts as on print."""


@dataclass(frozen=True, slots=True)
class Ink:
    """Handwriting in one field image.

    `mask` (where ink is) and `darkness` (of everything, also print) have the image's shape; `field`
    is the field's x0, y0, x1, y1 in px.
    """

    mask: Mask
    darkness: Darkness
    px_per_mm: float
    field: tuple[int, int, int, int]

    @property
    def inside(self) -> tuple[slice, slice]:
        """Rows and columns of the field, without its margin."""
        x0, y0, x1, y1 = self.field
        return slice(y0, y1), slice(x0, x1)

    @property
    def area_mm2(self) -> float:
        """Inked area inside the field."""
        return float(self.mask[self.inside].sum()) / self.px_per_mm**2


def find_px_per_mm(crop: FieldImage) -> float:
    """Return px/mm: as given, or as if the field fills the image's height."""
    return crop.px_per_mm or crop.image.shape[0] / (crop.spec.box[3] + 2 * crop.margin_mm)


def field_bounds(crop: FieldImage) -> tuple[int, int, int, int]:
    """Return the field inside its image, x0, y0, x1, y1 in px."""
    height, width = crop.image.shape
    # Leave at least one pixel of field.
    margin = min(round(crop.margin_mm * find_px_per_mm(crop)), (min(height, width) - 1) // 2)
    return margin, margin, width - margin, height - margin


def find_ink(crop: FieldImage, widest_mm: float = MAX_STROKE_MM) -> Ink:
    """Return the handwriting in a field image; anything wider than `widest_mm` is a stain.

    Print is what the template shows or, without a template, long straight rules.
    """
    return find_inks([crop], widest_mm)[0]


def find_inks(crops: Sequence[FieldImage], widest_mm: float = MAX_STROKE_MM) -> list[Ink]:
    """Return the handwriting in each field image as `find_ink` does; those cut alike at once."""
    inks: dict[int, Ink] = {}
    for group in group_alike(crops):
        alike = [crops[i] for i in group]
        inks.update(zip(group, _find_alike_inks(alike, widest_mm), strict=True))
    return [inks[i] for i in range(len(crops))]


def _find_alike_inks(crops: Sequence[FieldImage], widest_mm: float) -> list[Ink]:
    """Return the handwriting in field images that are cut alike."""
    scale, field = find_px_per_mm(crops[0]), field_bounds(crops[0])

    # 1. Darkness against the paper around. That of a single image may be known.
    darkness = (
        measure_darkness(crops[0].image, scale, widest_mm)[None]
        if len(crops) == 1
        else _stack_darkness(np.stack([crop.image for crop in crops]), scale, widest_mm)
    )
    smooth = _blur(darkness, scale)

    # 2. What print alone would look like.
    printed, on_print = _estimate_prints(crops, darkness, smooth, (scale, widest_mm))

    # 3. Strokes in what is darker than the print, continued across the print.
    extra, grains = smooth - printed, _estimate_noise(darkness)
    # Most fields have none: nothing in them is clearly darker than the noise.
    least = np.array([max(SEED_DARKNESS, 4.0 * grain) for grain in grains], np.float32)
    masks = extra > least[:, None, None]
    for i in np.flatnonzero(masks.any(axis=(1, 2))):
        mask = _trace_strokes(masks[i], extra[i], grains[i], on_print[i], scale)
        masks[i] = _bridge_print(mask, on_print[i], scale) if mask.any() else mask
    return [Ink(mask, dark, scale, field) for mask, dark in zip(masks, darkness, strict=True)]


def render_ink(ink: Ink, mask: Mask | None = None) -> Image:
    """Render the handwriting (or the part in `mask`) alone on white paper, grey (h, w).

    Soft edges stay, faint strokes are made black.
    """
    chosen = ink.mask if mask is None else mask

    # Keep the soft edges around the strokes.
    around = cv2.dilate(chosen.view(np.uint8), _disc_kernel_of(0.12 * ink.px_per_mm)).view(np.bool_)

    # Stretch the contrast so that the darkest tenth of the ink is black.
    full_ink = quantile(ink.darkness[chosen], 0.9) if chosen.any() else 1.0
    return np.asarray(
        np.clip(255.0 * (1.0 - np.where(around, ink.darkness, 0.0) / full_ink), 0, 255), np.uint8
    )


@cached_per_image(most_bytes=40_000_000)
def measure_darkness(image: Image, px_per_mm: float, widest_mm: float) -> Darkness:
    """Return how much darker than the paper around it each pixel is, (h, w) 0…1.

    Anything wider than `widest_mm` counts as paper.
    """
    return np.asarray(_stack_darkness(image[None], px_per_mm, widest_mm)[0], np.float32)


def _stack_darkness(images: Stack, px_per_mm: float, widest_mm: float) -> Darkness:
    """Return the darkness of images of one size, (n, h, w); see `measure_darkness`."""
    height, width = images.shape[1:]
    # Estimate the paper at about 2 px/mm.
    shrink = max(1, min(round(px_per_mm / 2), height, width))
    small = (
        np.stack(
            [
                cv2.resize(image, None, fx=1 / shrink, fy=1 / shrink, interpolation=cv2.INTER_AREA)
                for image in images
            ]
        )
        if shrink > 1
        else images
    )

    # A closing as wide as the widest stroke removes writing and leaves paper.
    window = max(3, round(widest_mm * px_per_mm / shrink) | 1)
    kernel, border = square_kernel(window), cv2.BORDER_REPLICATE
    closed = filter_stack(small, 1, lambda tall: cv2.medianBlur(tall, 3))
    for change in (cv2.dilate, cv2.erode):
        closed = filter_stack(
            closed, window // 2, partial(change, kernel=kernel, borderType=border)
        )
    papers = filter_stack(
        np.maximum(closed, DARKEST_PAPER).astype(np.float32),
        1,
        lambda tall: cv2.blur(tall, (3, 3)),
        cv2.BORDER_REFLECT_101,
    )

    # Compare each pixel with its paper at full resolution.
    paper = np.stack(
        [cv2.resize(paper, (width, height), interpolation=cv2.INTER_LINEAR) for paper in papers]
    )
    darkness: Darkness = np.divide(images, paper, dtype=np.float32, out=paper)
    np.subtract(np.float32(1), darkness, out=darkness)
    return np.clip(darkness, 0, 1, out=darkness)


def _estimate_prints(
    crops: Sequence[FieldImage], dark: Darkness, soft: Darkness, measures: tuple[float, float]
) -> tuple[Darkness, Mask]:
    """Return how dark print alone would be, and where there is any, (n, h, w).

    `soft` is `dark`, blurred a little; `measures` are px/mm and the widest writing, mm.
    """
    scale, widest_mm = measures
    # Without a template only long rules are known to be print.
    if crops[0].template_image is None:
        rules = np.stack([_find_rules(one, scale) for one in dark])
        return rules, np.asarray(rules > 0, np.bool_)

    # Else align the template, widen it, and give it the scan's tones.
    aligned = np.stack(
        [
            _align_template(measure_darkness(crop.template_image, scale, widest_mm), one, scale)
            for crop, one in zip(crops, dark, strict=True)
            if crop.template_image is not None
        ]
    )
    kernel = _disc_kernel_of(PRINT_TOLERANCE_MM * scale)
    widened, around = (
        filter_stack(each, len(kernel) // 2, partial(cv2.dilate, kernel=kernel))
        for each in (aligned, soft)
    )
    toned = np.stack([_match_tones(*pair) for pair in zip(widened, around, strict=True)])
    return toned, np.asarray(widened > TONE_EDGES[0], np.bool_)


def _align_template(template: Darkness, dark: Darkness, scale: float) -> Darkness:
    """Return the template moved by up to `MAX_ALIGN_MM` to fit the print of the scan.

    Each tile is moved by itself, because paper bends.
    """
    height, width = dark.shape
    reach = max(1, round(MAX_ALIGN_MM * scale))
    # Room to move each tile.
    padded = cv2.copyMakeBorder(template, reach, reach, reach, reach, cv2.BORDER_REPLICATE)
    moved = np.empty_like(template)
    for (y0, y1), (x0, x1) in itertools.product(
        _split_tiles(height, scale), _split_tiles(width, scale)
    ):
        dx, dy = _find_shift(template[y0:y1, x0:x1], dark[y0:y1, x0:x1], reach)
        moved[y0:y1, x0:x1] = padded[
            y0 + reach - dy : y1 + reach - dy, x0 + reach - dx : x1 + reach - dx
        ]
    return moved


def _split_tiles(length: int, scale: float) -> list[tuple[int, int]]:
    """Return where tiles begin and end along one side of an image, px."""
    # Tiles of nearly equal length.
    count = max(1, round(length / scale / TILE_MM))
    return [(int(length * i / count), int(length * (i + 1) / count)) for i in range(count)]


def _find_shift(template: Darkness, dark: Darkness, reach: int) -> tuple[int, int]:
    """Return how far right and down print is in the scan, px; 0 with too little print."""
    reach = min(reach, (min(dark.shape) - 1) // 3)
    if reach < 1:
        return 0, 0

    # A plain part of the template fits everywhere.
    middle = _textured_middle(template, reach)
    if not middle.size:
        return 0, 0
    # Normalized cross-correlation at every shift.
    score = cv2.matchTemplate(dark, middle, cv2.TM_CCOEFF_NORMED)

    # Prefer the place where it is.
    score[reach, reach] += 0.01
    _, _, _, (x, y) = cv2.minMaxLoc(score)
    return x - reach, y - reach


@cached_per_image(most_bytes=24_000_000)
def _textured_middle(template: Darkness, reach: int) -> Darkness:
    """Return the template without a margin of `reach` px, or nothing if what is left is plain."""
    middle = np.ascontiguousarray(template[reach:-reach, reach:-reach])
    is_plain = float(cv2.meanStdDev(middle)[1][0, 0]) < 0.01
    return np.zeros((0, 0), np.float32) if is_plain else middle


def _match_tones(template: NDArray[Any], dark: NDArray[Any]) -> Darkness:
    """Return the template as dark as this printer and scanner rendered it, tone by tone.

    For each tone a low quantile is taken, because ink on print only darkens.
    """
    template_tones, scan_tones = [0.0], [0.0]
    pixels = np.flatnonzero(template > 0)
    printed, scanned = template.ravel()[pixels], dark.ravel()[pixels]

    # Measure how dark each tone of the template is in the scan.
    for low, high in itertools.pairwise(TONE_EDGES):
        in_tone = np.flatnonzero((printed > low) & (printed <= high))
        if in_tone.size >= 20:
            template_tones.append(median(printed[in_tone]))
            scan_tones.append(quantile(scanned[in_tone], 0.4) * 1.1)
    if len(template_tones) == 1:
        return template

    # Interpolate between the measured tones.
    toned = np.zeros(template.shape, np.float32)
    toned.ravel()[pixels] = np.clip(np.interp(printed, template_tones, scan_tones), 0.0, 1.0)
    return toned


def _find_rules(dark: Darkness, scale: float) -> Darkness:
    """Return print in an image without a template: thin level rules over half of the width."""
    height, width = dark.shape
    length = round(MIN_RULE_MM * scale)
    if length >= width:
        return np.zeros_like(dark)

    # Level runs that together reach over half of the width.
    binary = (dark > MIN_DARKNESS).astype(np.uint8)
    rules = _find_long_runs(
        cv2.morphologyEx(binary, cv2.MORPH_OPEN, np.ones((1, length), np.uint8)), width // 2
    )

    # What is also high is no rule.
    thick = cv2.morphologyEx(
        rules, cv2.MORPH_OPEN, np.ones((min(height, max(2, round(0.8 * scale))), 1), np.uint8)
    )

    # Widen the rest by the tolerance of print.
    widened = cv2.dilate(
        cv2.subtract(rules, thick),
        np.ones((max(1, round(PRINT_TOLERANCE_MM * scale)) * 2 + 1, 1), np.uint8),
    )
    return np.where(widened > 0, dark.max(), 0.0).astype(np.float32)


def _find_long_runs(runs: NDArray[Any], least: int) -> NDArray[np.uint8]:
    """Return the level runs that make up lines of at least `least` px.

    Gaps of half of that are allowed, because writing hides rules.
    """
    closed = cv2.morphologyEx(
        cv2.dilate(runs, np.ones((3, 1), np.uint8)),
        cv2.MORPH_CLOSE,
        np.ones((1, least // 2 | 1), np.uint8),
    )
    lines = Components.of(np.asarray(closed > 0, np.bool_))
    return np.asarray(runs * lines.pixels(lines.column(cv2.CC_STAT_WIDTH) >= least), np.uint8)


def _trace_strokes(seeds: Mask, extra: Darkness, grain: float, zone: Mask, scale: float) -> Mask:
    """Return strokes that are dark enough somewhere (`seeds`), followed to where they fade.

    Without specks, and without spots of print that came out unevenly.
    """
    # Keep the connected faint parts that hold a seed.
    parts = Components.of(np.asarray(extra > max(MIN_DARKNESS, 2.5 * grain), np.bool_))
    keep = np.zeros(len(parts), bool)
    keep[parts.labels[seeds]] = True

    # Drop specks; spots on print must be larger to count.
    area = parts.column(cv2.CC_STAT_AREA)
    in_print = np.bincount(parts.labels[zone], minlength=len(parts)) / np.maximum(area, 1)
    least = np.where(in_print > MIN_SHARE_IN_PRINT, MAX_PRINT_SPOT_MM2, MAX_SPECK_MM2)
    keep &= area >= least * scale**2
    return parts.pixels(keep)


def _bridge_print(mask: Mask, printed: Mask, scale: float) -> Mask:
    """Return the strokes continued across the print that they cross."""
    # Close gaps as wide as the print, on print only.
    closed = cv2.morphologyEx(
        mask.view(np.uint8),
        cv2.MORPH_CLOSE,
        _disc_kernel_of((PRINT_TOLERANCE_MM + 0.2) * scale),
    )
    return np.asarray(mask | (closed.view(np.bool_) & printed), np.bool_)


def _estimate_noise(dark: Darkness) -> list[float]:
    """Return the standard deviation of the noise that is left in each image after blurring.

    It is estimated from what a median filter takes away.
    """
    plain = filter_stack(dark, 1, lambda tall: cv2.medianBlur(tall, 3))
    residuals = np.abs(dark - plain)
    is_noiseless = [2 * cv2.countNonZero(each) < each.size - 1 for each in residuals]
    # 1.4826 turns the median deviation of normal noise into its standard deviation.
    return [
        0.0 if none else 0.5 * 1.4826 * 1.2 * median(each)
        for none, each in zip(is_noiseless, residuals, strict=True)
    ]


def _blur(dark: Darkness, scale: float) -> Darkness:
    """Blur each image, (n, h, w), a little."""
    sigma = max(0.4, STROKE_BLUR_MM * scale)
    return np.asarray(
        filter_stack(
            dark,
            math.ceil(4 * sigma) + 1,
            lambda tall: cv2.GaussianBlur(tall, (0, 0), sigma),
            cv2.BORDER_REFLECT_101,
        ),
        np.float32,
    )


def _disc_kernel_of(radius: float) -> NDArray[np.uint8]:
    return disc_kernel(max(1, round(radius)))


@lru_cache(maxsize=32)
def disc_kernel(radius: int) -> NDArray[np.uint8]:
    """Return a round structuring element, px."""
    return np.asarray(cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1,) * 2), np.uint8)


@lru_cache(maxsize=32)
def square_kernel(side: int) -> NDArray[np.uint8]:
    """Return a square structuring element, px."""
    return np.ones((side, side), np.uint8)
