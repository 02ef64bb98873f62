"""Quantiles of small pictures. NumPy's own take longer to look at their arguments than to find the
answer, and a page asks for hundreds.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

MIN_COUNTED = 1000
"""So many grey levels are counted level by level rather than put in order."""
MAX_SORTED = 600
"""So many values are put in order sooner than divided at one of them."""


def quantile(values: NDArray[Any], share: float) -> float:
    """The value below which this share of all values lies, between two neighbours by proportion;
    `values` has any shape, but not none.
    """
    flat = values.ravel()
    place = share * (flat.size - 1)
    low = int(place)
    if low >= flat.size - 1:
        return float(flat.max())
    if flat.dtype == np.uint8 and flat.size > MIN_COUNTED:
        below = np.cumsum(cv2.calcHist([flat], [0], None, [256], [0, 256]).ravel().astype(np.int64))
        first, second = (
            float(level) for level in np.searchsorted(below, (low, low + 1), side="right")
        )
        return first + (second - first) * (place - low)
    ordered = flat.copy()
    if ordered.size <= MAX_SORTED:
        ordered.sort()
    else:
        ordered.partition((low, low + 1))
    return _interpolate(ordered, place)


def quantiles(values: NDArray[Any], shares: Sequence[float]) -> tuple[float, ...]:
    """Several quantiles of the same values, which are put in order once."""
    ordered, last = np.sort(values, axis=None), values.size - 1
    return tuple(_interpolate(ordered, share * last) for share in shares)


def _interpolate(ordered: NDArray[Any], place: float) -> float:
    """The value at a place that may lie between two."""
    low = int(place)
    first, second = float(ordered[low]), float(ordered[min(low + 1, ordered.size - 1)])
    return first + (second - first) * (place - low)


def median(values: NDArray[Any]) -> float:
    """The middle value."""
    return quantile(values, 0.5)


def is_quantile_below(values: NDArray[Any], share: float, limit: float) -> bool:
    """Whether this quantile lies below a limit. Counting tells, unless the limit lies between the
    two values that the quantile lies between.
    """
    place, below = share * (values.size - 1), np.count_nonzero(values < limit)
    return bool(below > place and (below > place + 1 or quantile(values, share) < limit))
