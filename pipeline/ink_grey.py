"""A colour picture in grey in which no ink of a pen is fainter than it looks.

Plain grey hides red and pink: it weighs the red that such ink reflects like paper. Green light shows it, and forms printed in pale blue or green,
yellow highlighters and coffee are no darker there. So each pixel is as dark as plain grey or green light shows it, whichever is darker. How the
light or the camera tints paper is taken away first.
"""

from __future__ import annotations

import cv2
import numpy as np

from pipeline.model import Image
from pipeline.packed import Mask
from pipeline.plane import grey

PAPER = 0.75
"""What is this bright, as part of the brightest, is paper and says what the light's colour is."""
SLACK = 6
"""Levels by which green may fall short of grey for other reasons: noise, and the tint of light that changes across the page."""
SAMPLE = 4


def ink_grey(image: Image) -> Image:
    """Grey (h, w) of a picture that is grey already or BGR (h, w, 3)."""
    plain = grey(image)
    if image.ndim == 2:
        return plain
    paper, green = _paper(image[::SAMPLE, ::SAMPLE], plain[::SAMPLE, ::SAMPLE]), image[:, :, 1]
    levels = np.clip(np.arange(256) * (paper[0] / paper[1]) + SLACK, 0, 255).astype(np.uint8)
    return np.asarray(cv2.min(plain, cv2.LUT(green, levels)), np.uint8)


def paper_colour(image: Image) -> tuple[float, float, float]:
    """The blue, green and red light of the paper in a BGR picture: the median of what is bright."""
    sample = image[::SAMPLE, ::SAMPLE]
    bright = _bright(grey(sample))
    blue, green, red = (_median(sample[:, :, i], bright) for i in range(3))
    return blue, green, red


def _paper(image: Image, plain: Image) -> tuple[float, float]:
    """Of the paper: the median of grey and of green."""
    bright = _bright(plain)
    return _median(plain, bright), _median(image[:, :, 1], bright)


def _bright(plain: Image) -> Mask:
    return np.asarray(plain >= PAPER * float(np.quantile(plain, 0.98)), np.bool_)


def _median(light: Image, where: Mask) -> float:
    return max(1.0, float(np.median(light[where])))


def shrunk_ink(image: Image, factor: float) -> Image:
    """The same of the picture at a smaller size; sizes are rounded, so use `shape` for the exact ratio."""
    if factor >= 1:
        return ink_grey(image)
    size = max(1, round(image.shape[1] * factor)), max(1, round(image.shape[0] * factor))
    return ink_grey(np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8))
