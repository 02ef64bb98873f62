"""Synthetic writers for filling in forms: text, digits and pen strokes as ink masks.

A mask is (h, w) float, 0 = paper, 1 = ink. Fonts come from the third-party test data if that is
present, else from Debian's packages. Real digits are the last 480 of optdigits, which no network of
the project was trained or tuned on.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from PIL import Image as Pillow
from PIL import ImageDraw, ImageFont

from pipeline.domain.settings import ROOT

SHARED_FOLDER = Path(os.environ.get("EFTERSKRIFT_SHARED", ROOT.parent / "shared"))
"""Third-party data that is not part of the project; may be absent."""
Mask = NDArray[np.float32]
HELD_OUT_DIGITS = 480
"""Number of digits at the end of optdigits that no network was trained or tuned on."""
_DIGIT_ASPECT, _ONE_ASPECT = (0.55, 0.75), (0.22, 0.4)
"""Ranges of width divided by height of handwritten digits, and of the digit 1."""
_HELD_OUT_FONTS = (
    "architects-daughter",
    "dekko",
    "kalam",
    "neucha",
    "patrick",
    "coming-soon",
    "gloria",
    "mynerve",
)
_DEBIAN_FONTS = (
    "/usr/share/fonts/truetype/breip/Breip.ttf",
    "/usr/share/fonts/truetype/femkeklaver/femkeklaver.ttf",
)


@dataclass(frozen=True, slots=True)
class SyntheticWriter:
    """A writer: a font, and the width (mm) and colour (BGR) of the pen."""

    font: Path
    pen_mm: float
    colour: tuple[int, int, int]

    def words(self, text: str, height_px: int, rng: Generator) -> Mask:
        """Return a line of writing about `height_px` high from ascender to descender."""
        # Font size as a share of the height from ascender to descender.
        font = ImageFont.truetype(str(self.font), max(8, int(height_px * 0.72)))
        left, top, right, bottom = font.getbbox(text)
        canvas = Pillow.new("L", (int(right - left) + 12, int(bottom - top) + 12), 0)
        ImageDraw.Draw(canvas).text((6 - left, 6 - top), text, fill=255, font=font)
        mask = np.asarray(canvas, np.float32) / 255
        # Each line has a slant of its own.
        slant = np.array([[1, rng.uniform(-0.06, 0.12), 0], [0, 1, 0]], np.float32)
        # Room on the right for the slant.
        size = (mask.shape[1] + height_px // 6, mask.shape[0])
        return np.asarray(cv2.warpAffine(mask, slant, size, flags=cv2.INTER_LINEAR), np.float32)

    def digit(self, value: int, height_px: int, rng: Generator) -> Mask:
        """Return a digit that a person has written, or one of the font if there are none."""
        real = load_real_digits().get(value)
        if real is None:
            return _scale_to_height(self.words(str(value), height_px, rng), height_px)
        shape = real[rng.integers(len(real))]
        # Crop to the bounding box of the ink.
        rows, columns = np.nonzero(shape > 0.5)
        cut = shape[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
        # optdigits stretches every digit to a square; people write narrower, and a 1 is a line.
        aspect = rng.uniform(*(_ONE_ASPECT if value == 1 else _DIGIT_ASPECT))
        width = max(3, round(height_px * aspect))
        return np.asarray(
            cv2.resize(cut, (width, height_px), interpolation=cv2.INTER_AREA), np.float32
        )

    def strokes(
        self,
        points: list[list[tuple[float, float]]],
        px_per_mm: float,
        size_mm: tuple[float, float],
    ) -> Mask:
        """Return pen strokes through points in mm."""
        width, height = (round(v * px_per_mm) for v in size_mm)
        mask = np.zeros((height, width), np.float32)
        for stroke in points:
            # Fixed-point coordinates with three fractional bits (`shift` of 3 below).
            line = np.array(
                [[round(x * px_per_mm * 8), round(y * px_per_mm * 8)] for x, y in stroke], np.int32
            )
            cv2.polylines(
                mask, [line], False, 1.0, max(1, round(self.pen_mm * px_per_mm)), cv2.LINE_AA, 3
            )
        return mask


def make_writers(count: int, seed: int) -> list[SyntheticWriter]:
    """Return different writers, the same for the same seed."""
    rng = np.random.default_rng(seed)
    fonts = find_handwriting_fonts()
    colours = (  # BGR
        (115, 60, 30),  # blue
        (40, 40, 40),  # black
        (150, 40, 20),  # bright blue
        (90, 90, 90),  # pencil
    )
    return [
        SyntheticWriter(
            fonts[i % len(fonts)], float(rng.uniform(0.3, 0.6)), colours[i % len(colours)]
        )
        for i in range(count)
    ]


@lru_cache(maxsize=1)
def find_handwriting_fonts() -> list[Path]:
    """Find the handwriting fonts that can write Swedish."""
    folder = SHARED_FOLDER / "handwriting" / "fonts_train"
    if folder.is_dir():
        return [
            path for path in sorted(folder.glob("*.ttf")) if path.name.startswith(_HELD_OUT_FONTS)
        ]
    return [Path(name) for name in _DEBIAN_FONTS if Path(name).is_file()]


@lru_cache(maxsize=1)
def load_real_digits() -> dict[int, list[Mask]]:
    """Load real digits by value, enlarged and smoothed; empty if the data is absent."""
    path = SHARED_FOLDER / "handwriting" / "optdigits.npz"
    if not path.is_file():
        return {}
    with np.load(path) as data:
        shapes, values = data["x"][-HELD_OUT_DIGITS:], data["y"][-HELD_OUT_DIGITS:]
    # Grey levels to 0–1.
    scale = 1.0 / float(shapes.max())
    return {v: [_smooth_shape(shape * scale) for shape in shapes[values == v]] for v in range(10)}


def _smooth_shape(shape: NDArray[np.float64]) -> Mask:
    """Enlarge a digit of 32×32 px to 128×128 px with smooth edges, as thin as a pen writes."""
    large = cv2.resize(np.asarray(shape, np.float32), (128, 128), interpolation=cv2.INTER_CUBIC)
    # Smoothed and thresholded with a soft edge.
    sharp = np.clip((cv2.GaussianBlur(large, (0, 0), 3) - 0.35) * 4, 0, 1)
    # A ballpoint is thinner than a pixel of the original.
    pen = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (7, 7))
    return np.asarray(cv2.GaussianBlur(cv2.erode(sharp, pen), (0, 0), 1.2), np.float32)


def _scale_to_height(mask: Mask, height_px: int) -> Mask:
    width = max(2, round(mask.shape[1] * height_px / mask.shape[0]))
    return np.asarray(
        cv2.resize(mask, (width, height_px), interpolation=cv2.INTER_AREA), np.float32
    )
