"""Convert colour images to grey so that ink of every colour stays as dark as it looks.

Plain grey makes red and pink ink pale, because it weighs the red light that such ink reflects.
Green light shows that ink, and pale blue or green print, yellow highlighter and coffee are no
darker in it. Each pixel gets the darker of plain grey and green light, after the tint of the paper
(from light or camera) has been removed.
"""

from __future__ import annotations

import cv2
import numpy as np

from pipeline.domain.model import Image
from pipeline.reading.imaging.cache import Mask
from pipeline.reading.imaging.geometry import to_grayscale
from pipeline.reading.imaging.quantiles import median, quantile

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
    if factor >= 1:
        return to_ink_grayscale(image)
    size = max(1, round(image.shape[1] * factor)), max(1, round(image.shape[0] * factor))
    return to_ink_grayscale(
        np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)
    )


def is_black_and_white(image: Image) -> bool:
    """Check whether a scan has so few levels that it was made with 1 bit a pixel."""
    sample = np.ascontiguousarray(image[::SAMPLE_STEP, ::SAMPLE_STEP]).ravel()
    used = np.bincount(sample, minlength=256) > MIN_LEVEL_SHARE * sample.size
    return int(np.count_nonzero(used)) <= MAX_LEVELS
