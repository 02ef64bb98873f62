"""A colour picture in grey in which no ink of a pen is fainter than it looks.

Plain grey hides red and pink: it weighs the red that such ink reflects like paper. Green light
shows it, and forms printed in pale blue or green, yellow highlighters and coffee are no darker
there. So each pixel is as dark as plain grey or green light shows it, whichever is darker. How
the light or the camera tints paper is taken away first.
"""

from __future__ import annotations

import cv2
import numpy as np

from pipeline.domain.model import Image
from pipeline.reading.imaging.cache import Mask
from pipeline.reading.imaging.geometry import to_grayscale

PAPER_BRIGHTNESS = 0.75
"""What is this bright, as part of the brightest, is paper and says what the light's colour is."""
GREEN_SLACK = 6
"""Levels by which green may fall short of grey for other reasons: noise, and the tint of light that
changes across the page.
"""
SAMPLE_STEP = 4


def to_ink_grayscale(image: Image) -> Image:
    """Grey (h, w) of a picture that is grey already or BGR (h, w, 3)."""
    plain = to_grayscale(image)
    if image.ndim == 2:
        return plain
    paper, green = (
        _paper_levels(image[::SAMPLE_STEP, ::SAMPLE_STEP], plain[::SAMPLE_STEP, ::SAMPLE_STEP]),
        image[:, :, 1],
    )
    levels = np.clip(np.arange(256) * (paper[0] / paper[1]) + GREEN_SLACK, 0, 255).astype(np.uint8)
    return np.asarray(cv2.min(plain, cv2.LUT(green, levels)), np.uint8)


def paper_colour(image: Image) -> tuple[float, float, float]:
    """The blue, green and red light of the paper in a BGR picture: the median of what is bright."""
    sample = image[::SAMPLE_STEP, ::SAMPLE_STEP]
    bright = _bright_mask(to_grayscale(sample))
    blue, green, red = (_masked_median(sample[:, :, i], bright) for i in range(3))
    return blue, green, red


def _paper_levels(image: Image, plain: Image) -> tuple[float, float]:
    """Of the paper: the median of grey and of green."""
    bright = _bright_mask(plain)
    return _masked_median(plain, bright), _masked_median(image[:, :, 1], bright)


def _bright_mask(plain: Image) -> Mask:
    return np.asarray(plain >= PAPER_BRIGHTNESS * float(np.quantile(plain, 0.98)), np.bool_)


def _masked_median(light: Image, where: Mask) -> float:
    return max(1.0, float(np.median(light[where])))


def shrink_to_ink_grayscale(image: Image, factor: float) -> Image:
    """The same of the picture at a smaller size; sizes are rounded, so use `shape` for the exact
    ratio.
    """
    if factor >= 1:
        return to_ink_grayscale(image)
    size = max(1, round(image.shape[1] * factor)), max(1, round(image.shape[0] * factor))
    return to_ink_grayscale(
        np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)
    )
