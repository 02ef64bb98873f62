"""What a hand added to a field: ink told apart from paper, print, noise and specks.

Lengths are millimetres, so one set of constants fits 150 to 600 dpi. Darkness runs from 0 (the
paper around) to 1 (black).

Light that falls off across a small picture, evened out before ink is looked for over wide areas.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.domain.model import Image
from pipeline.reading.fields.field_image import FieldImage
from pipeline.reading.imaging.cache import cached_per_image
from pipeline.reading.imaging.components import Components
from pipeline.reading.imaging.quantiles import median, quantile

Darkness = NDArray[np.float32]
Mask = NDArray[np.bool_]
MAX_STROKE_MM = 2.5
"""Writing is narrower than this; what is wider is a stain, a shadow or a coloured ground."""
MAX_ALIGN_MM = 0.5
"""How far the blank may be moved to lie on the scan."""
TILE_MM = 20.0
"""Length of the parts in which print is compared with its form, mm."""
PRINT_TOLERANCE_MM = 0.3
"""Print is widened by this: what registration, blur and toner may differ."""
TONE_EDGES = (0.05, 0.2, 0.45, 0.7, 1.0)
"""Borders of the tones of print that a scanner may render differently: a 1-bit scan turns one white
and the next black.
"""
STROKE_BLUR_MM = 0.06
"""Standard deviation of the blur against noise, mm."""
MIN_DARKNESS = 0.07
"""Darkness under which nothing counts: the grain of paper, what shows through from the back."""
SEED_DARKNESS = 0.13
"""A stroke has to be this dark somewhere; from there it is followed down to `FAINTEST`."""
MIN_RULE_MM = 10.0
"""The shortest level stroke that may be a piece of a rule."""
MAX_SPECK_MM2 = 0.04
"""Smaller spots are dirt. The dot of an i is about 0.15 mm²."""
MAX_PRINT_SPOT_MM2 = 0.5
"""A smaller spot on print is what is left of the print, mm²."""
MIN_SHARE_IN_PRINT = 0.6
"""A spot with more than this share on print lies on print."""
DARKEST_PAPER = 45
"""Paper in deep shadow; what is darker over a wide area is ink, as in a box filled solid."""
LEAST_EVEN = 0.3
"""A plane of light whose darkest place is below this part of its brightest is no lighting."""
LIGHT_CELL_MM = 1.0
"""Paper shows somewhere in every cell of this size, but for cells that are filled solid."""
PLANE_FIT_ROUNDS = 5
PAPER_TOLERANCE = 0.06
"""What is this much darker than the plane, as part of the brightest paper, is not paper."""
MIN_PAPER_SHARE = 0.5
"""With fewer cells of paper than this there is nothing to fit to."""


@dataclass(frozen=True, slots=True)
class Ink:
    """Handwriting in one crop.

    `mask` (where ink is) and `darkness` (of everything, print too) have the crop's shape;
    `field` is the field's x0, y0, x1, y1 in px.
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


def find_px_per_mm(crop: FieldImage) -> float:
    """Pixels per millimetre: as given, or from the field filling the picture's height."""
    return crop.px_per_mm or crop.image.shape[0] / (crop.spec.box[3] + 2 * crop.margin_mm)


def field_bounds(crop: FieldImage) -> tuple[int, int, int, int]:
    """The field inside its crop, x0, y0, x1, y1 in px."""
    height, width = crop.image.shape
    margin = min(round(crop.margin_mm * find_px_per_mm(crop)), (min(height, width) - 1) // 2)
    return margin, margin, width - margin, height - margin


def find_ink(crop: FieldImage, widest_mm: float = MAX_STROKE_MM) -> Ink:
    """The handwriting in a crop; print is what the blank shows or, without one, long straight
    rules. Anything wider than `widest_mm` is a stain.
    """
    scale = find_px_per_mm(crop)
    dark = measure_darkness(crop.image, scale, widest_mm)
    soft = _blur(dark, scale)
    printed, zone = _estimate_print(crop, dark, soft, scale, widest_mm)
    mask = _trace_strokes(soft - printed, _estimate_noise(dark), zone, scale)
    return Ink(
        _bridge_print(mask, zone, scale) if mask.any() else mask, dark, scale, field_bounds(crop)
    )


def render_ink(ink: Ink, mask: Mask | None = None) -> Image:
    """The handwriting (or the part in `mask`) alone on white paper, grey (h, w), soft edges kept,
    faint strokes made black.
    """
    chosen = ink.mask if mask is None else mask
    around = cv2.dilate(chosen.view(np.uint8), _cached_disc_kernel(0.12 * ink.px_per_mm)).view(
        np.bool_
    )
    full = quantile(ink.darkness[chosen], 0.9) if chosen.any() else 1.0
    return np.asarray(
        np.clip(255.0 * (1.0 - np.where(around, ink.darkness, 0.0) / full), 0, 255), np.uint8
    )


@cached_per_image(most_bytes=40_000_000)
def measure_darkness(image: Image, px_per_mm: float, widest_mm: float) -> Darkness:
    """How much darker than the paper around it each pixel is, (h, w) 0…1; what is wider than
    `widest_mm` counts as paper.
    """
    shrink = max(1, min(round(px_per_mm / 2), *image.shape))
    small = (
        cv2.resize(image, None, fx=1 / shrink, fy=1 / shrink, interpolation=cv2.INTER_AREA)
        if shrink > 1
        else image
    )
    window = max(3, round(widest_mm * px_per_mm / shrink) | 1)
    kernel = np.ones((window, window), np.uint8)
    closed = cv2.morphologyEx(
        cv2.medianBlur(np.ascontiguousarray(small), 3),
        cv2.MORPH_CLOSE,
        kernel,
        borderType=cv2.BORDER_REPLICATE,
    )
    paper = cv2.blur(np.maximum(closed, DARKEST_PAPER).astype(np.float32), (3, 3))
    paper = cv2.resize(paper, (image.shape[1], image.shape[0]), interpolation=cv2.INTER_LINEAR)
    return np.asarray(np.clip(1.0 - image.astype(np.float32) / paper, 0.0, 1.0), np.float32)


def _estimate_print(
    crop: FieldImage, dark: Darkness, soft: Darkness, scale: float, widest_mm: float
) -> tuple[Darkness, Mask]:
    """How dark print alone would be here, and where there is any; `soft` is `dark` blurred a
    little.
    """
    if crop.template_image is None:
        rules = _find_rules(dark, scale)
        return rules, np.asarray(rules > 0, np.bool_)
    blank = measure_darkness(crop.template_image, scale, widest_mm)
    grow = _cached_disc_kernel(PRINT_TOLERANCE_MM * scale)
    wide = np.asarray(cv2.dilate(_align_template(blank, dark, scale), grow), np.float32)
    return _match_tones(wide, cv2.dilate(soft, grow)), np.asarray(wide > TONE_EDGES[0], np.bool_)


def _align_template(blank: Darkness, dark: Darkness, scale: float) -> Darkness:
    """The blank moved by up to `ALIGN_MM` to where the scan shows the same print, each tile by
    itself because paper bends.
    """
    height, width = dark.shape
    reach = max(1, round(MAX_ALIGN_MM * scale))
    padded = cv2.copyMakeBorder(blank, reach, reach, reach, reach, cv2.BORDER_REPLICATE)
    moved = np.empty_like(blank)
    for (y0, y1), (x0, x1) in itertools.product(
        _split_tiles(height, scale), _split_tiles(width, scale)
    ):
        dx, dy = _find_shift(blank[y0:y1, x0:x1], dark[y0:y1, x0:x1], reach)
        moved[y0:y1, x0:x1] = padded[
            y0 + reach - dy : y1 + reach - dy, x0 + reach - dx : x1 + reach - dx
        ]
    return moved


def _split_tiles(length: int, scale: float) -> list[tuple[int, int]]:
    """Where tiles begin and end on one side of a crop, px."""
    count = max(1, round(length / scale / TILE_MM))
    return [(int(length * i / count), int(length * (i + 1) / count)) for i in range(count)]


def _find_shift(blank: Darkness, dark: Darkness, reach: int) -> tuple[int, int]:
    """How far right and down print lies in the scan, px; none where there is too little print to
    tell.
    """
    reach = min(reach, (min(dark.shape) - 1) // 3)
    if reach < 1 or _standard_deviation(blank[reach:-reach, reach:-reach]) < 0.01:
        return 0, 0
    score = cv2.matchTemplate(
        dark, np.ascontiguousarray(blank[reach:-reach, reach:-reach]), cv2.TM_CCOEFF_NORMED
    )
    score[reach, reach] += 0.01
    _, _, _, (x, y) = cv2.minMaxLoc(score)
    return x - reach, y - reach


def _standard_deviation(dark: Darkness) -> float:
    """The standard deviation."""
    return float(cv2.meanStdDev(dark)[1][0, 0])


def _match_tones(blank: NDArray[Any], dark: NDArray[Any]) -> Darkness:
    """The blank as dark as this printer and scanner made it, tone by tone: a low quantile, because
    ink on print only darkens.
    """
    seen, made = [0.0], [0.0]
    places = np.flatnonzero(blank > 0)
    printed, shown = blank.ravel()[places], dark.ravel()[places]
    for low, high in itertools.pairwise(TONE_EDGES):
        at = np.flatnonzero((printed > low) & (printed <= high))
        if at.size >= 20:
            seen.append(median(printed[at]))
            made.append(quantile(shown[at], 0.4) * 1.1)
    if len(seen) == 1:
        return blank
    toned = np.zeros(blank.shape, np.float32)
    toned.ravel()[places] = np.clip(np.interp(printed, seen, made), 0.0, 1.0)
    return toned


def _find_rules(dark: Darkness, scale: float) -> Darkness:
    """Print in a crop without a blank: thin horizontal rules over more than half of the width."""
    height, width = dark.shape
    length = round(MIN_RULE_MM * scale)
    if length >= width:
        return np.zeros_like(dark)
    binary = (dark > MIN_DARKNESS).astype(np.uint8)
    rules = _find_long_runs(
        cv2.morphologyEx(binary, cv2.MORPH_OPEN, np.ones((1, length), np.uint8)), width // 2
    )
    thick = cv2.morphologyEx(
        rules, cv2.MORPH_OPEN, np.ones((min(height, max(2, round(0.8 * scale))), 1), np.uint8)
    )
    wide = cv2.dilate(
        cv2.subtract(rules, thick),
        np.ones((max(1, round(PRINT_TOLERANCE_MM * scale)) * 2 + 1, 1), np.uint8),
    )
    return np.where(wide > 0, dark.max(), 0.0).astype(np.float32)


def _find_long_runs(runs: NDArray[Any], least: int) -> NDArray[np.uint8]:
    """The level runs that make up lines of at least `least` px, gaps of half of that allowed:
    writing hides them.
    """
    closed = cv2.morphologyEx(
        cv2.dilate(runs, np.ones((3, 1), np.uint8)),
        cv2.MORPH_CLOSE,
        np.ones((1, least // 2 | 1), np.uint8),
    )
    lines = Components.of(np.asarray(closed > 0, np.bool_))
    keep = lines.column(cv2.CC_STAT_WIDTH) >= least
    keep[0] = False
    return np.asarray(runs * lines.pixels(keep), np.uint8)


def _trace_strokes(extra: Darkness, grain: float, zone: Mask, scale: float) -> Mask:
    """Strokes dark enough somewhere, followed to where they fade; without specks, and without spots
    of print that came out uneven.
    """
    seeds = extra > max(SEED_DARKNESS, 4.0 * grain)
    if not seeds.any():
        return np.asarray(seeds, np.bool_)
    parts = Components.of(np.asarray(extra > max(MIN_DARKNESS, 2.5 * grain), np.bool_))
    keep = np.zeros(len(parts), bool)
    keep[parts.labels[seeds]] = True
    area = parts.column(cv2.CC_STAT_AREA)
    in_print = np.bincount(parts.labels[zone], minlength=len(parts)) / np.maximum(area, 1)
    least = np.where(in_print > MIN_SHARE_IN_PRINT, MAX_PRINT_SPOT_MM2, MAX_SPECK_MM2)
    keep &= area >= least * scale**2
    keep[0] = False
    return parts.pixels(keep)


def _bridge_print(mask: Mask, printed: Mask, scale: float) -> Mask:
    """Strokes continued across the print that they cross."""
    closed = cv2.morphologyEx(
        mask.view(np.uint8),
        cv2.MORPH_CLOSE,
        _cached_disc_kernel((PRINT_TOLERANCE_MM + 0.2) * scale),
    )
    return np.asarray(mask | (closed.view(np.bool_) & printed), np.bool_)


def _estimate_noise(dark: Darkness) -> float:
    """The standard deviation of the noise that is left after blurring, from what a median filter
    takes away.
    """
    left = cv2.absdiff(dark, cv2.medianBlur(dark, 3))
    smooth = 2 * cv2.countNonZero(left) < left.size - 1
    return 0.0 if smooth else 0.5 * 1.4826 * 1.2 * median(left)


def _blur(dark: Darkness, scale: float) -> Darkness:
    return np.asarray(cv2.GaussianBlur(dark, (0, 0), max(0.4, STROKE_BLUR_MM * scale)), np.float32)


def _cached_disc_kernel(radius: float) -> NDArray[np.uint8]:
    return disc_kernel(max(1, round(radius)))


@lru_cache(maxsize=32)
def disc_kernel(radius: int) -> NDArray[np.uint8]:
    """A round structuring element, px."""
    return np.asarray(cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1,) * 2), np.uint8)


@lru_cache(maxsize=32)
def square_kernel(side: int) -> NDArray[np.uint8]:
    """A square structuring element, px."""
    return np.ones((side, side), np.uint8)


def even_lighting(crop: FieldImage) -> FieldImage:
    """The crop as if evenly lit: divided by a plane through the grey of its paper. Unchanged where
    too little paper shows.
    """
    plane = _fit_paper_plane(crop)
    if plane is None:
        return crop
    image = np.divide(plane.max(), plane, out=plane)
    image *= crop.image
    return replace(crop, image=np.minimum(image, 255, out=image).astype(np.uint8))


def _fit_paper_plane(crop: FieldImage) -> NDArray[np.float64] | None:
    """The grey of paper at every pixel, (h, w), fitted to the brightest of each cell; cells without
    paper are left out round by round.
    """
    height, width = crop.image.shape
    cell = max(2, round(LIGHT_CELL_MM * find_px_per_mm(crop)))
    bright = cv2.dilate(cv2.blur(crop.image, (3, 3)), square_kernel(cell))[
        cell // 2 :: cell, cell // 2 :: cell
    ].astype(np.float64)
    terms, grey = _plane_terms(height, width, cell), bright.ravel()
    slope, paper = _plane_solver(height, width, cell) @ grey, np.ones(grey.size, bool)
    for round_no in range(PLANE_FIT_ROUNDS):
        if round_no:
            slope = _fit_plane(terms[paper], grey[paper])
        before, paper = paper, grey > terms @ slope - PAPER_TOLERANCE * grey.max()
        if np.count_nonzero(paper) < MIN_PAPER_SHARE * paper.size:
            return None
        if (paper == before).all():
            break
    columns, rows = np.arange(width) / max(height, width), np.arange(height) / max(height, width)
    plane = (slope[0] * columns)[None, :] + (slope[1] * rows + slope[2])[:, None]
    return np.asarray(plane, np.float64) if plane.min() > LEAST_EVEN * plane.max() else None


@lru_cache(maxsize=256)
def _plane_terms(height: int, width: int, cell: int) -> NDArray[np.float64]:
    """(cells, 3): x and y of the middle of each cell as parts of the longer side, and 1."""
    y, x = (
        axis.ravel()
        for axis in np.mgrid[cell // 2 : height : cell, cell // 2 : width : cell]
        / max(height, width)
    )
    return np.stack([x, y, np.ones_like(x)], axis=1)


@lru_cache(maxsize=256)
def _plane_solver(height: int, width: int, cell: int) -> NDArray[np.float64]:
    """(3, cells): what turns the greys of all cells into the plane fitted to them."""
    terms = _plane_terms(height, width, cell)
    return _solve_normal_equations(terms, terms.T)


def _fit_plane(terms: NDArray[np.float64], grey: NDArray[np.float64]) -> NDArray[np.float64]:
    """The plane (3,) fitted to the greys (cells,) by least squares."""
    return _solve_normal_equations(terms, terms.T @ grey)


def _solve_normal_equations(
    terms: NDArray[np.float64], right: NDArray[np.float64]
) -> NDArray[np.float64]:
    """The normal equations solved; a trace of damping, so that a single row of cells has an answer
    too.
    """
    return np.asarray(np.linalg.solve(terms.T @ terms + 1e-9 * np.eye(3), right), np.float64)
