"""How a page is imaged, wherever it is: light, noise, focus, thresholds, compression."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
from numpy.random import Generator

from pipeline.reading.imaging import geometry
from research.evaluation.damage.damaged_page import (
    DamagedPage,
    apply_light,
    iter_strips,
    page_px_per_mm,
)

_YELLOW_PAPER = np.array([0.86, 0.95, 0.98])
"""Blue, green and red that yellowish paper reflects."""


def add_uneven_light(state: DamagedPage, rng: Generator, *, darkest: float) -> DamagedPage:
    """Light the page from one side: brightness falls smoothly to `darkest` of full."""
    h, w = state.image.shape[:2]
    # Linear ramp in a random direction, scaled to 0–1 (1.42 ≈ √2 reaches the corners).
    angle = rng.uniform(0, 2 * np.pi)
    y, x = np.mgrid[-1 : 1 : h * 1j, -1 : 1 : w * 1j].astype(np.float32)
    ramp = (np.cos(angle) * x + np.sin(angle) * y + 1.42) / 2.84
    return apply_light(state, darkest + (1 - darkest) * ramp)


def add_shadow(state: DamagedPage, rng: Generator, *, darkness: float) -> DamagedPage:
    """Let a hand or a head cast a shadow over part of the page, with a soft edge."""
    h, w = state.image.shape[:2]
    # Draw an ellipse at an eighth of the size, as only its soft edge matters.
    mask = np.zeros((h // 8, w // 8), np.float32)
    centre = int(rng.uniform(0.2, 0.8) * mask.shape[1]), int(rng.uniform(0.4, 0.9) * mask.shape[0])
    cv2.ellipse(
        mask, centre, (mask.shape[1] // 3, mask.shape[0] // 4), rng.uniform(0, 180), 0, 360, 1.0, -1
    )
    # Penumbra: blur the edge, then enlarge to the page.
    soft = cv2.resize(cv2.GaussianBlur(mask, (0, 0), mask.shape[1] / 40), (w, h))
    return apply_light(state, 1 - darkness * soft)


def add_noise(state: DamagedPage, rng: Generator, *, sigma: float) -> DamagedPage:
    """Add sensor noise, grey levels."""
    noisy = np.empty_like(state.image)
    for rows in iter_strips(noisy):  # the dice fall as for the whole page
        grain = rng.normal(0, sigma, noisy[rows].shape).astype(np.float32)
        grain += state.image[rows]
        noisy[rows] = np.clip(grain, 0, 255, out=grain)
    return replace(state, image=noisy)


def add_blur(state: DamagedPage, _rng: Generator, *, millimetres: float) -> DamagedPage:
    """Defocus the image; the Gaussian's sigma."""
    return replace(
        state,
        image=np.asarray(
            cv2.GaussianBlur(state.image, (0, 0), millimetres * page_px_per_mm(state.image)),
            dtype=np.uint8,
        ),
    )


def binarize(state: DamagedPage, _rng: Generator, *, threshold: int) -> DamagedPage:
    """Return black and white, as a fax or an office scanner set to text does."""
    return replace(
        state,
        image=np.where(geometry.to_grayscale(state.image) < threshold, 0, 255).astype(np.uint8),
    )


def compress_jpeg(state: DamagedPage, _rng: Generator, *, quality: int) -> DamagedPage:
    """Compress the image and open it again."""
    data = cv2.imencode(".jpg", state.image, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
    return replace(
        state, image=np.asarray(cv2.imdecode(data, cv2.IMREAD_UNCHANGED), dtype=np.uint8)
    )


def add_colour_cast(state: DamagedPage, _rng: Generator) -> DamagedPage:
    """Show yellowish paper under a colour scanner."""
    # Tint the paper: each channel is multiplied by what the paper reflects of it.
    colour = state.image if state.image.ndim == 3 else cv2.cvtColor(state.image, cv2.COLOR_GRAY2BGR)
    tint_table = (np.arange(256)[:, None] * _YELLOW_PAPER).astype(np.uint8)
    return replace(state, image=np.asarray(cv2.LUT(colour, tint_table[None]), np.uint8))


def add_motion_blur(state: DamagedPage, rng: Generator, *, millimetres: float) -> DamagedPage:
    """Blur by a hand that moved this far, in any direction, while the picture was taken."""
    # Point-spread function of a straight movement: an antialiased line, in 1/16 px.
    length = max(1.0, millimetres * page_px_per_mm(state.image))
    angle, half = rng.uniform(0, np.pi), int(np.ceil(length / 2)) + 1
    kernel = np.zeros((2 * half + 1, 2 * half + 1), np.float32)
    end = np.array([np.cos(angle), np.sin(angle)]) * length / 2
    first, last = ((half + sign * end) * 16 for sign in (-1, 1))
    cv2.line(
        kernel,
        tuple(first.round().astype(int).tolist()),
        tuple(last.round().astype(int).tolist()),
        1.0,
        1,
        cv2.LINE_AA,
        4,
    )
    # Normalize the kernel, so that brightness is kept.
    kernel /= kernel.sum()
    return replace(
        state,
        image=np.asarray(
            cv2.filter2D(state.image, -1, kernel, borderType=cv2.BORDER_REPLICATE), dtype=np.uint8
        ),
    )


def change_contrast(
    state: DamagedPage, _rng: Generator, *, gain: float, lift: float
) -> DamagedPage:
    """Spread grey levels about the middle and lift them, as a copier does."""
    # Lookup table: contrast about middle grey, then brightness.
    table = np.clip((np.arange(256) - 128) * gain + 128 + lift, 0, 255).astype(np.uint8)
    return replace(state, image=table[state.image])
