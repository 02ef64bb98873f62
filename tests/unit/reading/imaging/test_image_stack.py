"""Images that are filtered together come out as if each were alone."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import cv2
import numpy as np
import pytest

from pipeline.reading.fields.ink import disc_kernel, square_kernel
from pipeline.reading.imaging.pixels import Stack, filter_stack

FILTERS: dict[str, tuple[int, Callable[[Any], Any], int]] = {
    "median": (1, lambda image: cv2.medianBlur(image, 3), cv2.BORDER_REPLICATE),
    "mean": (1, lambda image: cv2.blur(image, (3, 3)), cv2.BORDER_REFLECT_101),
    "blur": (3, lambda image: cv2.GaussianBlur(image, (7, 7), 0.6), cv2.BORDER_REFLECT_101),
    "slope": (1, lambda image: cv2.Scharr(image, cv2.CV_32F, 0, 1), cv2.BORDER_REFLECT_101),
    "disc": (4, partial(cv2.dilate, kernel=disc_kernel(4)), cv2.BORDER_REPLICATE),
    "even square": (8, partial(cv2.dilate, kernel=square_kernel(8)), cv2.BORDER_REPLICATE),
    "least": (5, partial(cv2.erode, kernel=square_kernel(11)), cv2.BORDER_REPLICATE),
}


def _images(height: int, width: int) -> Stack:
    values = np.random.default_rng(height).integers(0, 256, (5, height, width))
    return (values / 255).astype(np.float32)


@pytest.mark.parametrize("size", [(17, 23), (3, 40), (8, 5)])
@pytest.mark.parametrize("name", FILTERS)
def test_filter_of_stack_equals_filter_of_each(name: str, size: tuple[int, int]) -> None:
    reach, apply, border = FILTERS[name]
    images = _images(*size)
    together = filter_stack(images, reach, apply, border)
    assert np.allclose(together, np.stack([apply(image) for image in images]), rtol=0, atol=1e-6)
