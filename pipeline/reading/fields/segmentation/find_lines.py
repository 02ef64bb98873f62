"""Line segmentation by the ink itself: rows may slant, bend, leave their rules, be close together.

The ink is blurred along the writing, so that each row becomes a ridge; the ridges' crests are
followed from left to right, and crests that continue each other are joined. After S. Bukhari, F.
Shafait, T. Breuel, "Script-independent handwritten textlines segmentation", ICDAR 2009, with one
direction for the whole field, found by the sharpest profile, instead of a bank of filters.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.reading.fields.handwriting.line_image import ConnectedStrokes
from pipeline.reading.imaging.pixels import Mask

LEAST_BODY_MM, MOST_BODY = 0.6, 2.5
"""Strokes of a letter's body are higher than this, mm, and lower than this many usual heights."""
WIDEST_MM = 20
"""A wider stroke counts as this wide, mm."""
LETTER_HEIGHT_MM = (1.2, 7.0)
"""Minimum and maximum letter height without rules, mm."""
LETTER_OF_PITCH = (0.22, 0.5)
"""The same as parts of the distance between the form's rules."""
LEAST_ACROSS_PX = 0.7
"""Minimum blur across lines, px."""
USUAL_RIDGE = 0.75
"""Quantile of the tops of the ridges that gives how dark a usual line is."""
OVERLAP_SHARE = 0.3
"""Crests that overlap by more than this share of the shorter one are beside each other."""
GAP_COST = 0.002
"""What a px of a gap costs, in px of height."""
COARSE_PX_PER_MM = 2.0
"""Rows are searched at this scale."""
MAX_SLOPE_DEG, SLOPE_STEP_DEG = 9.0, 0.5
"""Maximum slope of writing that is tried, and the steps, degrees."""
FINE_SLOPE_DEG, FINE_SLOPE_STEP_DEG = 3.0, 0.1
"""The same for a second, finer search."""
MIN_SHEAR_GAIN = 1.05
"""A slope counts if it makes the rows this many times sharper."""
BLUR_ALONG, BLUR_ACROSS = 1.4, 0.38
"""The blur along and across the writing (standard deviations), in letter heights."""
MIN_CREST_HEIGHT = 0.14
"""A crest lower than this part of the usual is no row."""
MAX_CREST_STEP = 0.3
"""A crest goes on if it moves less than this part of the letter height from column to column."""
MAX_WORD_GAP = 3.0
"""Maximum gap between two words of one crest, in letter heights."""
MAX_ROW_OFFSET = 0.75
"""Crests that continue each other are of one row if they are less than this many letter heights
apart.
"""
MIN_ROW_MM = 1.0
"""Minimum length of a row, mm."""
BENDS_MM = (20.0, 45.0, 100.0)
"""From these lengths on a row may slope, bend, and bend twice."""
MAX_END_SLOPE = 0.05
"""A row goes on beyond its ends at most this steeply."""


@dataclass(frozen=True, slots=True)
class TextRow:
    """A row of writing: its middle (px) at every column, and its first and last column."""

    y: NDArray[np.float64]
    start: int
    end: int

    @property
    def middle(self) -> float:
        """Mean height of the row."""
        return float(self.y[self.start : self.end + 1].mean())


@dataclass(slots=True)
class _Crest:
    """A crest: its points from left to right, and how strong the ridge is there."""

    x: list[int] = field(default_factory=list)
    y: list[float] = field(default_factory=list)
    strength: list[float] = field(default_factory=list)

    @property
    def ends(self) -> tuple[float, float, float, float]:
        """First and last column, and the height at both ends."""
        return self.x[0], self.x[-1], float(np.mean(self.y[:12])), float(np.mean(self.y[-12:]))


def estimate_letter_height(
    strokes: ConnectedStrokes, px_per_mm: float, pitch: float | None
) -> float:
    """Return the letter height, px: the median of all connected strokes, weighted by width.

    It is limited to what the rules' `pitch` (px) lets expect.
    """
    min_height, max_height = (
        (v * pitch for v in LETTER_OF_PITCH) if pitch else (v * px_per_mm for v in LETTER_HEIGHT_MM)
    )

    # Only strokes as high as the body of a letter.
    body = (strokes.height > LEAST_BODY_MM * px_per_mm) & (strokes.height < MOST_BODY * max_height)
    if not body.any():
        return float((min_height + max_height) / 2)
    heights, widths = strokes.height[body], np.minimum(strokes.width[body], WIDEST_MM * px_per_mm)

    # The weighted median.
    order = np.argsort(heights)
    weight = np.cumsum(widths[order])
    return float(
        np.clip(heights[order][np.searchsorted(weight, weight[-1] / 2)], min_height, max_height)
    )


def find_rows(mask: Mask, px_per_mm: float, letter: float, slope: float) -> list[TextRow]:
    """Return the rows of writing in `mask`, from top to bottom.

    `letter` is the letter height (px), `slope` that of the writing.
    """
    # Level the writing at a coarse scale.
    small = _downscale(mask, px_per_mm)
    size = small.shape[1], small.shape[0]
    level = np.asarray(shear_image(small, slope), np.float32)
    small_letter = letter * size[1] / mask.shape[0]

    # Follow and join the crests; each long enough is a row.
    crests = _join_crests(_find_crests(level, small_letter), MAX_ROW_OFFSET * small_letter)
    rows = [
        _fit_row(crest, slope, mask.shape, size)
        for crest in crests
        if len(crest.x) >= MIN_ROW_MM * COARSE_PX_PER_MM
    ]
    return sorted(rows, key=lambda row: row.middle)


def estimate_slope(mask: Mask, px_per_mm: float, *, fine: bool = False) -> float:
    """Return how far down the writing goes per column; 0 if no slope is clearly better.

    It is the shear that makes the profile over the rows sharpest. `fine` tries steps of a tenth of
    a degree among small slopes, for rules.
    """
    # Slope is visible at the coarse scale too, and quicker to search there.
    small = _downscale(mask, px_per_mm)
    steepest, step = (
        (FINE_SLOPE_DEG, FINE_SLOPE_STEP_DEG) if fine else (MAX_SLOPE_DEG, SLOPE_STEP_DEG)
    )
    # Try all slopes up to the steepest one, both ways.
    slopes = np.tan(
        np.deg2rad(np.arange(-round(steepest / step), round(steepest / step) + 1) * step)
    )
    sharpness = np.array([_profile_sharpness(shear_image(small, float(slope))) for slope in slopes])
    level = float(sharpness[len(slopes) // 2])
    best = int(sharpness.argmax())
    return float(slopes[best]) if sharpness[best] > MIN_SHEAR_GAIN * level else 0.0


def _profile_sharpness(level: NDArray[np.float32]) -> float:
    """Return how much the ink of one row of pixels differs from that of the next."""
    profile = cv2.reduce(level, 1, cv2.REDUCE_SUM, dtype=cv2.CV_64F).ravel()
    return float((np.diff(profile) ** 2).sum())


def shear_image(picture: NDArray[Any], slope: float) -> NDArray[Any]:
    """Return the image with every column moved up as far as the writing has gone down there.

    Its middle column stays.
    """
    if slope == 0.0:
        return picture
    height, width = picture.shape
    # Vertical shear about the middle column.
    matrix = np.array([[1, 0, 0], [-slope, 1, slope * width / 2]], np.float32)
    interpolation = cv2.INTER_NEAREST if picture.dtype == np.uint8 else cv2.INTER_LINEAR
    return np.asarray(cv2.warpAffine(picture, matrix, (width, height), flags=interpolation))


def _downscale(mask: Mask, px_per_mm: float) -> NDArray[np.float32]:
    """Return the ink at the coarse scale, 0…1."""
    shrink = COARSE_PX_PER_MM / px_per_mm
    size = max(8, round(mask.shape[1] * shrink)), max(8, round(mask.shape[0] * shrink))
    return np.asarray(
        cv2.resize(mask.astype(np.float32), size, interpolation=cv2.INTER_AREA), np.float32
    )


def _find_crests(level: NDArray[np.float32], letter: float) -> list[_Crest]:
    """Return the crests of the blurred ink, each followed from left to right."""
    # Blur along the writing, so that each row becomes a ridge.
    blur_along, blur_across = (
        max(1.0, BLUR_ALONG * letter),
        max(LEAST_ACROSS_PX, BLUR_ACROSS * letter),
    )
    ridge = np.asarray(
        cv2.GaussianBlur(
            level, (0, 0), sigmaX=blur_along, sigmaY=blur_across, borderType=cv2.BORDER_CONSTANT
        ),
        np.float32,
    )

    # Tops of the ridges in each column, strong enough and near ink.
    is_top = np.zeros(ridge.shape, bool)
    is_top[1:-1] = (ridge[1:-1] >= ridge[:-2]) & (ridge[1:-1] > ridge[2:])
    usual = float(np.quantile(ridge[is_top], USUAL_RIDGE)) if is_top.any() else 0.0
    is_top &= ridge > MIN_CREST_HEIGHT * usual
    is_top &= (
        cv2.dilate(
            (level > 0).astype(np.uint8),
            np.ones((max(1, round(letter)), max(3, round(2 * letter))), np.uint8),
        )
        > 0
    )

    # Follow the tops from column to column.
    crests: list[_Crest] = []
    live: list[_Crest] = []
    for x, tops in enumerate(_tops_by_column(is_top, ridge)):
        if not tops:
            continue
        live = [crest for crest in live if x - crest.x[-1] <= MAX_WORD_GAP * letter]
        new_crests = _follow_crests(live, x, tops, letter)
        crests += new_crests
        live += new_crests
    return crests


def _tops_by_column(top: Mask, ridge: NDArray[np.float32]) -> list[list[tuple[int, float]]]:
    """Return for each column the heights and strengths of its tops, from above."""
    tops: list[list[tuple[int, float]]] = [[] for _ in range(top.shape[1])]
    columns, rows = np.nonzero(top.T)
    for x, y, strength in zip(
        columns.tolist(), rows.tolist(), ridge[rows, columns].tolist(), strict=True
    ):
        tops[x].append((y, strength))
    return tops


def _follow_crests(
    live: Sequence[_Crest], x: int, tops: Sequence[tuple[int, float]], letter: float
) -> list[_Crest]:
    """Extend crests that end near this column to the nearest top; return new crests.

    Tops that are left begin new ones.
    """
    # All pairs of a crest and a top within its reach.
    pairs: list[tuple[float, int, int]] = []
    for i, crest in enumerate(live):
        last, reach = crest.y[-1], _step_limit(x - crest.x[-1], letter)
        pairs += [(abs(y - last), i, j) for j, (y, _) in enumerate(tops) if abs(y - last) <= reach]

    # Join the nearest pairs first.
    taken: set[int] = set()
    extended: set[int] = set()
    for _, i, j in sorted(pairs):
        if i not in extended and j not in taken:
            extended.add(i)
            taken.add(j)
            y, strength = tops[j]
            live[i].x.append(x)
            live[i].y.append(float(y))
            live[i].strength.append(strength)
    return [
        _Crest([x], [float(y)], [strength])
        for j, (y, strength) in enumerate(tops)
        if j not in taken
    ]


def _step_limit(columns: int, letter: float) -> float:
    """Return how far a crest may move over a number of columns, px."""
    return max(1.0, MAX_CREST_STEP * letter * min(2.0, math.sqrt(columns)))


def _join_crests(crests: Sequence[_Crest], max_distance: float) -> list[_Crest]:
    """Join crests that continue each other, the closest first."""
    # Ends of all crests, and the distances between them.
    left, ends = list(crests), np.array([crest.ends for crest in crests]).reshape(-1, 4)
    distances = _crest_distances(ends, ends)
    # Merge the closest pair, and update the distances to the merged crest only.
    while distances.size and distances.min() < max_distance:
        i, j = divmod(int(distances.argmin()), len(left))
        others, a, b = [n for n in range(len(left)) if n not in (i, j)], left[i], left[j]
        left = [*(left[n] for n in others), _Crest(a.x + b.x, a.y + b.y, a.strength + b.strength)]
        ends = np.vstack([ends[others], left[-1].ends])
        distances = np.block(
            [
                [distances[np.ix_(others, others)], _crest_distances(ends[:-1], ends[-1:])],
                [_crest_distances(ends[-1:], ends)],
            ]
        )
    return left


def _crest_distances(first: NDArray[np.float64], then: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return how far crests that begin later (m, 4) are above or below the ends of others (n, 4).

    Infinitely far if they run beside each other.
    """
    (begin, end, _, tail), (begins, ends, heads, _) = first.T[:, :, None], then.T[:, None, :]
    # Crests that overlap much are beside each other.
    overlap = end - begins
    beside = overlap > OVERLAP_SHARE * np.minimum(ends - begins, end - begin) + 1
    # A gap costs a little.
    distance = np.abs(heads - tail) + GAP_COST * np.maximum(0, -overlap)
    return np.asarray(np.where((begin < begins) & ~beside, distance, np.inf))


def _fit_row(crest: _Crest, slope: float, shape: tuple[int, ...], size: tuple[int, int]) -> TextRow:
    """Return a smooth curve through the crest, in the columns of the original image.

    It is straight beyond its ends.
    """
    # Pixels of the image per pixel of the coarse scale.
    per_x, per_y = shape[1] / size[0], shape[0] / size[1]
    x, y = np.array(crest.x, float), np.array(crest.y, float)

    # A longer row may bend more.
    length_mm = (x.max() - x.min()) / COARSE_PX_PER_MM
    degree = int(np.searchsorted(BENDS_MM, length_mm))
    curve = (
        np.polynomial.Polynomial.fit(x, y, degree, w=np.sqrt(crest.strength))
        if len(x) > degree
        else np.polynomial.Polynomial([y.mean()])
    )

    # Evaluate it at all columns, straight and not too steep beyond its ends.
    at = (np.arange(shape[1]) + 0.5) / per_x - 0.5
    inside = np.clip(at, x.min(), x.max())
    outside = np.clip(at - inside, -(x.max() - x.min()) / 2, (x.max() - x.min()) / 2)
    level = curve(inside) + np.clip(curve.deriv()(inside), -MAX_END_SLOPE, MAX_END_SLOPE) * outside

    # Undo the shear, and scale back.
    tilted = level + slope * (at - size[0] / 2)
    start, end = (int(np.clip(v * per_x, 0, shape[1] - 1)) for v in (x.min(), x.max() + 1))
    return TextRow((tilted + 0.5) * per_y - 0.5, start, end)
