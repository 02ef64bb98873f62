"""How a page is seen, wherever it lies: light, noise, focus, thresholds, compression."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
from numpy.random import Generator

from pipeline import plane
from pipeline.quality.damage_paper import Damaged, lit, px_per_mm, strips

_YELLOWISH = np.array([0.86, 0.95, 0.98])
"""Blue, green and red that such paper sends back."""


def uneven_light(state: Damaged, rng: Generator, *, darkest: float) -> Damaged:
    """Light from one side: brightness falls smoothly to `darkest` of full."""
    h, w = state.image.shape[:2]
    angle = rng.uniform(0, 2 * np.pi)
    y, x = np.mgrid[-1 : 1 : h * 1j, -1 : 1 : w * 1j].astype(np.float32)
    ramp = (np.cos(angle) * x + np.sin(angle) * y + 1.42) / 2.84
    return lit(state, darkest + (1 - darkest) * ramp)


def shadow(state: Damaged, rng: Generator, *, darkness: float) -> Damaged:
    """The shadow of a hand or a head over part of the page, with a soft edge."""
    h, w = state.image.shape[:2]
    mask = np.zeros((h // 8, w // 8), np.float32)
    centre = int(rng.uniform(0.2, 0.8) * mask.shape[1]), int(rng.uniform(0.4, 0.9) * mask.shape[0])
    cv2.ellipse(mask, centre, (mask.shape[1] // 3, mask.shape[0] // 4), rng.uniform(0, 180), 0, 360, 1.0, -1)
    soft = cv2.resize(cv2.GaussianBlur(mask, (0, 0), mask.shape[1] / 40), (w, h))
    return lit(state, 1 - darkness * soft)


def noise(state: Damaged, rng: Generator, *, sigma: float) -> Damaged:
    """Sensor noise, grey levels."""
    noisy = np.empty_like(state.image)
    for rows in strips(noisy):  # the dice fall as for the whole page
        grain = rng.normal(0, sigma, noisy[rows].shape).astype(np.float32)
        grain += state.image[rows]
        noisy[rows] = np.clip(grain, 0, 255, out=grain)
    return replace(state, image=noisy)


def blur(state: Damaged, _rng: Generator, *, millimetres: float) -> Damaged:
    """Out of focus; the Gaussian's sigma."""
    return replace(state, image=np.asarray(cv2.GaussianBlur(state.image, (0, 0), millimetres * px_per_mm(state.image)), dtype=np.uint8))


def one_bit(state: Damaged, _rng: Generator, *, threshold: int) -> Damaged:
    """Black and white, as a fax or an office scanner set to text does."""
    return replace(state, image=np.where(plane.grey(state.image) < threshold, 0, 255).astype(np.uint8))


def jpeg(state: Damaged, _rng: Generator, *, quality: int) -> Damaged:
    """Compressed and opened again."""
    data = cv2.imencode(".jpg", state.image, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
    return replace(state, image=np.asarray(cv2.imdecode(data, cv2.IMREAD_UNCHANGED), dtype=np.uint8))


def colour_cast(state: Damaged, _rng: Generator) -> Damaged:
    """Yellowish paper under a colour scanner."""
    colour = state.image if state.image.ndim == 3 else cv2.cvtColor(state.image, cv2.COLOR_GRAY2BGR)
    seen = (np.arange(256)[:, None] * _YELLOWISH).astype(np.uint8)
    return replace(state, image=np.asarray(cv2.LUT(colour, seen[None]), np.uint8))


def motion_blur(state: Damaged, rng: Generator, *, millimetres: float) -> Damaged:
    """A hand that moved by so much, any way, while the picture was taken."""
    length = max(1.0, millimetres * px_per_mm(state.image))
    angle, half = rng.uniform(0, np.pi), int(np.ceil(length / 2)) + 1
    kernel = np.zeros((2 * half + 1, 2 * half + 1), np.float32)
    end = np.array([np.cos(angle), np.sin(angle)]) * length / 2
    first, last = ((half + sign * end) * 16 for sign in (-1, 1))
    cv2.line(kernel, tuple(first.round().astype(int).tolist()), tuple(last.round().astype(int).tolist()), 1.0, 1, cv2.LINE_AA, 4)
    kernel /= kernel.sum()
    return replace(state, image=np.asarray(cv2.filter2D(state.image, -1, kernel, borderType=cv2.BORDER_REPLICATE), dtype=np.uint8))


def contrast(state: Damaged, _rng: Generator, *, gain: float, lift: float) -> Damaged:
    """Grey levels spread about the middle and lifted, as a copier does."""
    table = np.clip((np.arange(256) - 128) * gain + 128 + lift, 0, 255).astype(np.uint8)
    return replace(state, image=table[state.image])
