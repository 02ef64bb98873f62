"""Compute quantiles of small arrays, quicker than NumPy, which checks its arguments at length.

A page needs hundreds of them.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

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
