"""Measure pixels: connected components of a mask, quantiles, and grey levels of ink and paper.

Masks and sparse maps that are kept are compressed without loss: one bit per pixel, or the values
that are not 0.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.domain.model import Image
from pipeline.reading.imaging.geometry import resize_image, to_grayscale

Map = NDArray[np.float32]
Mask = NDArray[np.bool_]
PixelIndices = NDArray[np.integer]
"""Indices of pixels in a flattened (row-major) image."""
Labels = NDArray[np.integer[Any]]
_LABELS_16_BIT = 1 << 16
"""Number of labels that 16 bits can hold."""


@dataclass(frozen=True, slots=True)
class Components:
    """Connected components of a mask.

    `labels` (h, w) numbers the components from 1; 0 is the background. `stats` (n + 1, 5) px
    and `centres` (n + 1, 2), x and y px, are as OpenCV returns them.
    """

    labels: Labels
    stats: NDArray[np.int32]
    centres: NDArray[np.float64]

    @classmethod
    def of(cls, mask: Mask, connectivity: int = 8) -> Components:
        """Label the components of a mask.

        Pixels that touch only at a corner belong together, unless `connectivity` is 4.
        """
        if not mask.size:  # OpenCV would read beyond the array
            # Unsigned labels, so that they can index arrays and lookup tables.
            return cls(
                np.zeros(mask.shape, np.int32), np.zeros((1, 5), np.int32), np.full((1, 2), np.nan)
            )
        ink = mask.view(np.uint8)
        try:  # takes a third of the time of 32-bit labels
            _, labels, stats, centres = cv2.connectedComponentsWithStats(
                ink, connectivity=connectivity, ltype=cv2.CV_16U
            )
        except cv2.error:  # more components than 16 bits can number
            _, labels, stats, centres = cv2.connectedComponentsWithStats(
                ink, connectivity=connectivity, ltype=cv2.CV_32S
            )
        return cls(
            np.asarray(labels).view(f"u{labels.itemsize}"),
            np.asarray(stats, np.int32),
            np.asarray(centres, np.float64),
        )

    def __len__(self) -> int:
        """Number of labels, including the background."""
        return len(self.stats)

    def column(self, stat: int) -> NDArray[np.int32]:
        """Return one measure of all labels, for instance `cv2.CC_STAT_AREA`."""
        return self.stats[:, stat]

    def pixels(self, selected: Mask | Sequence[bool]) -> Mask:
        """Return (h, w) where the components are for which `selected` (n + 1,) is true.

        The background never is, whatever its first value.
        """
        if self.labels.dtype != np.uint16:
            return np.asarray(np.take(selected, self.labels) & (self.labels > 0), np.bool_)
        # A lookup table is quicker than indexing; it needs 16-bit labels.
        table = np.zeros(_LABELS_16_BIT, np.uint8)
        table[1 : len(self)] = selected[1:]
        return np.asarray(cv2.LUT(self.labels, table)).view(np.bool_)


# Compute quantiles of small arrays, quicker than NumPy, which checks its arguments at length.
#
# A page needs hundreds of them.

MIN_COUNTED = 1000
"""Grey levels are counted in a histogram from more than this many values."""
MAX_SORTED = 600
"""Up to this many values are sorted; more are partitioned at the quantile."""


def quantile(values: NDArray[Any], share: float) -> float:
    """Return the value below which a share of all values is, interpolated between two neighbours.

    `values` has any shape, but at least one element.
    """
    flat = values.ravel()
    # Position among the sorted values, perhaps between two.
    position = share * (flat.size - 1)
    low = int(position)
    if low >= flat.size - 1:
        return float(flat.max())
    # Many grey levels: read both neighbours from a histogram.
    if flat.dtype == np.uint8 and flat.size > MIN_COUNTED:
        counts_to_level = np.cumsum(
            cv2.calcHist([flat], [0], None, [256], [0, 256]).ravel().astype(np.int64)
        )
        first, second = (
            float(level) for level in np.searchsorted(counts_to_level, (low, low + 1), side="right")
        )
        return first + (second - first) * (position - low)
    # Sort few values, partition many.
    ordered = flat.copy()
    if ordered.size <= MAX_SORTED:
        ordered.sort()
    else:
        ordered.partition((low, low + 1))
    return _interpolate(ordered, position)


def row_quantiles(values: NDArray[Any], share: float) -> NDArray[np.float64]:
    """Return the quantile of each row of `values` (n, m), as `quantile` does."""
    position, last = share * (values.shape[1] - 1), values.shape[1] - 1
    low = min(int(position), last)
    high = min(low + 1, last)
    ordered = np.partition(values, (low, high), axis=1)
    first, second = (ordered[:, at].astype(np.float64) for at in (low, high))
    return np.asarray(first + (second - first) * (position - low), np.float64)


def _interpolate(ordered: NDArray[Any], position: float) -> float:
    """Return the value at a position that may be between two elements."""
    low = int(position)
    first, second = float(ordered[low]), float(ordered[min(low + 1, ordered.size - 1)])
    return first + (second - first) * (position - low)


def median(values: NDArray[Any]) -> float:
    """Return the median."""
    return quantile(values, 0.5)


def is_quantile_below(values: NDArray[Any], share: float, limit: float) -> bool:
    """Check whether a quantile is below a limit.

    Counting decides, unless the limit is between the two values that are interpolated.
    """
    # Count the values below the limit instead of sorting.
    position, count_below = share * (values.size - 1), np.count_nonzero(values < limit)
    return bool(
        count_below > position and (count_below > position + 1 or quantile(values, share) < limit)
    )


# Filter many small images of one size at once: the calls for each cost more than the work.

Stack = NDArray[Any]
"""Images of one size, (n, h, w)."""


def filter_stack(
    images: Stack, reach: int, apply: Callable[[Stack], Any], border: int = cv2.BORDER_REPLICATE
) -> Stack:
    """Return what a filter makes of each image by itself.

    The images go through the filter below each other, each with `reach` rows more above and below,
    by OpenCV's rule `border`, which the filter must have too. A dilation or erosion with a kernel
    that is nowhere wider than in its middle ignores what repeats the border.
    """
    if len(images) == 1:
        return np.asarray(apply(images[0]))[None]
    height, width = images.shape[1:]
    # Each image with its border, as one tall image; then the borders are cut off.
    tall = images.take(_bordered_rows(height, reach, border), axis=1).reshape(-1, width)
    filtered = np.asarray(apply(tall)).reshape(len(images), height + 2 * reach, width)
    return filtered[:, reach : reach + height]


@lru_cache(maxsize=128)
def _bordered_rows(height: int, reach: int, border: int) -> NDArray[np.intp]:
    """Return the row of the image that each row with the border shows."""
    return np.array(
        [cv2.borderInterpolate(row, height, border) for row in range(-reach, height + reach)],
        np.intp,
    )


# Convert colour images to grey so that ink of every colour stays as dark as it looks.
#
# Plain grey makes red and pink ink pale, because it weighs the red light that such ink reflects.
# Green light shows that ink, and pale blue or green print, yellow highlighter and coffee are no
# darker in it. Each pixel gets the darker of plain grey and green light, after the tint of the
# paper (from light or camera) has been removed.

PAPER_BRIGHTNESS = 0.75
"""Pixels at least this bright, as part of the brightest, are paper."""
GREEN_SLACK = 6
"""Grey levels by which green may be below grey for other reasons.

These are noise, and a tint of light that changes across the page.
"""
SAMPLE_STEP = 4
"""Distance of the pixels that are sampled to find the paper's colour, and levels of grey."""
MAX_LEVELS, MIN_LEVEL_SHARE = 4, 1e-4
"""So many levels at most does a 1-bit scan have, each with so large a share of the page."""


def to_ink_grayscale(image: Image) -> Image:
    """Return grey (h, w) for an image that is grey already or BGR (h, w, 3)."""
    # Red ink is dark in green, but light in grey: take the darker of both.
    gray = to_grayscale(image)
    if image.ndim == 2:
        return gray
    paper_gray, paper_green = _paper_levels(
        image[::SAMPLE_STEP, ::SAMPLE_STEP], gray[::SAMPLE_STEP, ::SAMPLE_STEP]
    )
    # Scale green so that paper is as light in it as in grey.
    green_to_gray = np.clip(
        np.arange(256) * (paper_gray / paper_green) + GREEN_SLACK, 0, 255
    ).astype(np.uint8)
    return np.asarray(cv2.min(gray, cv2.LUT(image[:, :, 1], green_to_gray)), np.uint8)


def paper_colour(image: Image) -> tuple[float, float, float]:
    """Return blue, green and red of the paper in a BGR image: the medians of bright pixels."""
    # A sample of bright pixels, of which most are paper.
    sample = image[::SAMPLE_STEP, ::SAMPLE_STEP]
    bright = _bright_mask(to_grayscale(sample))
    blue, green, red = (_masked_median(sample[:, :, i], bright) for i in range(3))
    return blue, green, red


def _paper_levels(image: Image, gray: Image) -> tuple[float, float]:
    """Return the medians of grey and of green on the paper."""
    bright = _bright_mask(gray)
    return _masked_median(gray, bright), _masked_median(image[:, :, 1], bright)


def _bright_mask(gray: Image) -> Mask:
    # Relative to the 98th percentile: a few pixels may be glare.
    return np.asarray(gray >= PAPER_BRIGHTNESS * quantile(gray, 0.98), np.bool_)


def _masked_median(channel: Image, mask: Mask) -> float:
    return max(1.0, median(channel[mask]))


def shrink_to_ink_grayscale(image: Image, factor: float) -> Image:
    """Return the image reduced by a factor, as `to_ink_grayscale` returns it.

    The size is rounded to whole pixels: compute the exact ratio from `shape`.
    """
    return to_ink_grayscale(image if factor >= 1 else resize_image(image, factor))


def is_black_and_white(image: Image) -> bool:
    """Check whether a scan has so few levels that it was made with 1 bit a pixel."""
    sample = np.ascontiguousarray(image[::SAMPLE_STEP, ::SAMPLE_STEP]).ravel()
    used = np.bincount(sample, minlength=256) > MIN_LEVEL_SHARE * sample.size
    return int(np.count_nonzero(used)) <= MAX_LEVELS


def odd_kernel(side_px: float) -> NDArray[np.uint8]:
    """Return a square kernel with a middle: its side is made odd."""
    return np.ones((round(side_px) | 1,) * 2, np.uint8)


class CompressedMask:
    """A mask in an eighth of its memory."""

    def __init__(self, mask: Mask) -> None:
        # One bit per pixel.
        self._bits, self.shape = np.packbits(mask), mask.shape

    @property
    def mask(self) -> Mask:
        """(h, w), unpacked on each access."""
        return (
            np.unpackbits(self._bits, count=math.prod(self.shape))
            .view(np.bool_)
            .reshape(self.shape)
        )


class CompressedMap:
    """A sparse map, stored as the values that are not 0 and their indices."""

    def __init__(self, values: Map) -> None:
        # Sparse storage: index and value of each pixel that is not 0.
        self._indices: PixelIndices = np.flatnonzero(values).astype(np.int32)
        self._values, self._shape = values.ravel().take(self._indices), values.shape

    @property
    def map(self) -> Map:
        """(h, w), unpacked on each access."""
        full = np.zeros(self._shape, np.float32)
        full.put(self._indices, self._values)
        return full
