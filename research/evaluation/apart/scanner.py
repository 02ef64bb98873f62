"""Scan a page as an office scanner does: askew, soft, grainy, unevenly lit, compressed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from pipeline.domain.model import Image

GREY, COLOUR, BLACK_AND_WHITE = "grey", "colour", "1 bit"


@dataclass(frozen=True, slots=True)
class Scan:
    """A scanned page: the bytes of its file, their media type, and how it was scanned."""

    data: bytes
    media_type: str
    way: str


def scan(page: Image, dpi: int, rng: Generator) -> Scan:
    """Scan a page (BGR, drawn at `dpi`) at 200 or 300 dpi in grey, in colour or in 1 bit."""
    target = int(rng.choice([200, 300]))
    tone = str(rng.choice([GREY, COLOUR, BLACK_AND_WHITE], p=[0.4, 0.35, 0.25]))
    sheet = page if tone == COLOUR else cv2.cvtColor(page, cv2.COLOR_BGR2GRAY)
    height, width = sheet.shape[:2]
    size = round(width * target / dpi), round(height * target / dpi)
    # The page lies askew by at most 1.5 degrees, and not quite at its place.
    turned = cv2.getRotationMatrix2D((width / 2, height / 2), float(rng.uniform(-1.5, 1.5)), 1.0)
    shift = np.array([[0, 0, float(off)] for off in rng.normal(0, 0.006 * width, 2)])
    turned = np.asarray(turned + shift) * (target / dpi)
    paper = float(rng.uniform(238, 252))
    laid = cv2.warpAffine(
        sheet, turned, size, flags=cv2.INTER_AREA, borderValue=(paper, paper, paper)
    ).astype(np.float32)
    image: NDArray[Any] = cv2.GaussianBlur(
        laid, (0, 0), float(rng.uniform(0.35, 0.8)) * target / 250
    )
    # Toner and paper of this print, light that falls off to one side, and grain.
    image = image / 255 * (paper - (black := float(rng.uniform(5, 45)))) + black
    across = np.linspace(-1, 1, size[0], dtype=np.float32)[None, :]
    down = np.linspace(-1, 1, size[1], dtype=np.float32)[:, None]
    light = 1 - float(rng.uniform(0, 0.06)) * (1 + across * rng.choice([-1, 1])) / 2
    light = light - float(rng.uniform(0, 0.04)) * (1 + down * rng.choice([-1, 1])) / 2
    image *= light if image.ndim == 2 else light[..., None]
    grain = rng.standard_normal(size[::-1], np.float32) * np.float32(rng.uniform(1.5, 5))
    image += grain if image.ndim == 2 else grain[..., None]
    grey = np.clip(image, 0, 255).astype(np.uint8)
    way = f"{target} dpi, {tone}"
    if tone == BLACK_AND_WHITE:
        bits = np.where(grey < int(rng.integers(150, 200)), 0, 255).astype(np.uint8)
        return Scan(cv2.imencode(".png", bits)[1].tobytes(), "image/png", way)
    quality = int(rng.integers(55, 92))
    encoded = cv2.imencode(".jpg", grey, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
    return Scan(encoded.tobytes(), "image/jpeg", way)
