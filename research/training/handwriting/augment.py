"""Augment line images: slant, width, pen, scanner, remains of rules and dirt, and accents."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from pipeline.domain.model import Image

WORKING_HEIGHT_PX = 72
ACCENT_GAP = (0.22, 0.5)
"""White between a letter and its accent, in heights of small letters."""
ACCENT_HALF_WIDTH = (0.2, 0.42)
DASH_SHARE = 0.25
"""Share of people in a hurry who write ä and ö with a dash."""
InkImage = NDArray[np.float32]


def spoil(picture: Image, rng: Generator, *, real: bool) -> Image:
    """Bend the image, and ink and scan it in another way.

    `real` writing is changed less.
    """
    # Scale to a fixed working height.
    height = WORKING_HEIGHT_PX
    width = max(24, round(picture.shape[1] * height / picture.shape[0]))
    way = cv2.INTER_AREA if picture.shape[0] > height else cv2.INTER_CUBIC
    # Geometry first, then ink, then scanner.
    out = _bend(
        np.asarray(cv2.resize(picture, (width, height), interpolation=way), np.uint8),
        rng,
        0.5 if real else 1.0,
    )
    # Ink: stroke width, pencil, remains of a rule.
    if rng.random() < (0.3 if real else 0.6):
        out = _change_thickness(out, rng)
    if rng.random() < 0.2:
        out = _draw_pencil(out, rng)
    if rng.random() < 0.15:
        out = _draw_rule(out, rng)
    # Scanner: resolution, noise, binarization.
    if rng.random() < 0.35:
        out = _coarsen(out, rng)
    if rng.random() < 0.3:
        noise = rng.normal(0, rng.uniform(2, 14), out.shape)
        out = np.clip(out + noise, 0, 255).astype(np.uint8)
    if rng.random() < 0.08:
        out = np.where(out < rng.integers(110, 200), 0, 255).astype(np.uint8)
    return out


def _bend(picture: Image, rng: Generator, strength: float) -> Image:
    """Apply slant, width, size, a small rotation and a soft elastic bend in one mapping."""
    height, width = picture.shape
    # Parameters of the affine part.
    slant, turn = rng.normal(0, 0.18 * strength), rng.normal(0, 0.008 * strength)
    wide = float(np.exp(rng.normal(0, 0.13 * strength)))
    high = float(rng.uniform(0.92, 1.12))
    reach = round(abs(slant) * height / 2)
    out_width = round(width * wide) + 2 * reach
    x, y = np.meshgrid(np.arange(out_width, dtype=np.float32), np.arange(height, dtype=np.float32))
    # The inverse mapping: for each pixel of the result its place in the source.
    from_middle = (y - height / 2) * high
    # Elastic distortion in both directions.
    bend = [
        _random_field(height, out_width, rng) * rng.uniform(0.3, 2.2) * strength for _ in range(2)
    ]
    source_x = (x - reach) / wide + slant * from_middle + bend[0]
    source_y = (
        height / 2
        + from_middle
        + turn * np.clip(x - out_width / 2, -300, 300)
        + bend[1]
        + rng.uniform(-2, 2)
    )
    return cv2.remap(
        picture,
        source_x.astype(np.float32),
        source_y.astype(np.float32),
        cv2.INTER_LINEAR,
        borderValue=(255,),
    ).astype(np.uint8)


def _random_field(
    height: int, width: int, rng: Generator
) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    # Noise on a grid of 24 px, interpolated smoothly.
    coarse = rng.normal(0, 1, (max(2, height // 24 + 1), max(2, width // 24 + 1))).astype(
        np.float32
    )
    return np.asarray(
        cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC), np.float32
    )


def _change_thickness(picture: Image, rng: Generator) -> Image:
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (3, 3))
    # On dark ink, erosion thickens and dilation thins.
    other = cv2.erode(picture, kernel) if rng.random() < 0.65 else cv2.dilate(picture, kernel)
    # Blend, so that the change is less than a pixel.
    share = float(rng.uniform(0.2, 0.8))
    return np.asarray(cv2.addWeighted(picture, 1 - share, other, share, 0), np.uint8)


def _draw_pencil(picture: Image, rng: Generator) -> Image:
    """Draw graphite: paler, and grainy where the paper is rough."""
    grain = cv2.GaussianBlur(
        rng.normal(0, 1, picture.shape).astype(np.float32), (0, 0), float(rng.uniform(0.5, 1.2))
    )
    tone = np.clip(rng.uniform(0.5, 0.9) + grain * rng.uniform(0.1, 0.5), 0.1, 1.0)
    return np.asarray(np.clip(255 - (255 - picture.astype(np.float32)) * tone, 0, 255), np.uint8)


def _draw_rule(picture: Image, rng: Generator) -> Image:
    """Draw a rule (or what is left of one) through or below the writing."""
    height, width = picture.shape
    out = picture.copy()
    y = int(rng.integers(0, height))
    start, end = sorted(int(v) for v in rng.integers(0, width, 2))
    # Half of the rules cross the whole image.
    if rng.random() < 0.5:
        start, end = 0, width
    cv2.line(
        out,
        (start, y),
        (end, y + int(rng.integers(-2, 3))),
        (int(rng.integers(60, 230)),),
        int(rng.integers(1, 3)),
        cv2.LINE_AA,
    )
    # A rule never lightens ink.
    return np.asarray(np.minimum(out, picture), np.uint8)


def _coarsen(picture: Image, rng: Generator) -> Image:
    """Scan at few dots per inch, or out of focus."""
    height, width = picture.shape
    scale = float(rng.uniform(0.35, 0.8))
    # Down and up again.
    small = cv2.resize(
        picture,
        (max(8, round(width * scale)), max(8, round(height * scale))),
        interpolation=cv2.INTER_AREA,
    )
    return cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR).astype(np.uint8)


@dataclass(frozen=True, slots=True)
class UnaccentedLetter:
    """A drawn base letter that lacks the accent of `letter`.

    Attributes:
        letter: The accented letter.
        middle: Its horizontal centre, px.
        top: Its top, px.
        x_height: The height of small letters, px.
        darkness: Greatest darkness of its ink, 0…1.
    """

    letter: str
    middle: float
    top: float
    x_height: float
    darkness: float


def add_accent(ink: InkImage, base: UnaccentedLetter, rng: Generator) -> None:
    """Draw the accent that a base letter lacks into ink (h, w), 0…1."""
    small = base.x_height
    # Draw on a layer of its own, at a random strength of the letter's darkness.
    layer, thick = np.zeros(ink.shape, np.uint8), int(rng.integers(2, 4))
    tone = (int(255 * min(1.0, base.darkness) * rng.uniform(0.7, 1.0)),)
    # Above the letter, on average slightly to the right.
    origin = np.array(
        [base.middle + rng.normal(0.1, 0.15) * small, base.top - rng.uniform(*ACCENT_GAP) * small]
    )
    wide = float(rng.uniform(*ACCENT_HALF_WIDTH))

    def line(start: tuple[float, float], end: tuple[float, float]) -> None:
        cv2.line(
            layer,
            _to_px(origin, start, small),
            _to_px(origin, end, small),
            tone,
            thick,
            cv2.LINE_AA,
        )

    # å has a ring, not always closed.
    if base.letter in "åÅ":
        axes = (
            max(2, round(wide * 0.5 * small)),
            max(2, round(wide * rng.uniform(0.35, 0.6) * small)),
        )
        start = float(rng.uniform(0, 360))
        tilt, end = float(rng.uniform(-40, 40)), start + float(rng.uniform(290, 380))
        cv2.ellipse(
            layer, _to_px(origin, (0, 0), small), axes, tilt, start, end, tone, thick, cv2.LINE_AA
        )
    elif rng.random() < DASH_SHARE:
        # Hurried ä and ö have a dash instead of two dots.
        line((-wide, float(rng.uniform(-0.1, 0.1))), (wide, float(rng.uniform(-0.1, 0.1))))
    else:
        # Two dots, each a short stroke.
        for side in (-1, 1):
            x, y = side * wide * 0.8, float(rng.normal(0, 0.06))
            line((x, y), (x + float(rng.normal(0, 0.05)), y + float(rng.uniform(-0.12, 0.18))))
    np.maximum(ink, layer / np.float32(255), out=ink)


def _to_px(origin: NDArray[np.float64], off: tuple[float, float], small: float) -> tuple[int, int]:
    x, y = origin + np.array(off) * small
    return round(float(x)), round(float(y))
