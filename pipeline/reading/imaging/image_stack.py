"""Filter many small images of one size at once: the calls for each cost more than the work."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

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
