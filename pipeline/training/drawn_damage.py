"""What lies on or under a drawn check box besides ink, as light that the paper loses, and how a scanner or a telephone then sees it.

Every light is (h, w) 0…1 to multiply a grey picture with; pictures here have `px_per_mm` pixels a mm.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.model import Image

Random = np.random.Generator
Light = NDArray[np.float32]


def shown_through(side: int, px_per_mm: float, random: Random) -> Light:
    """Writing on the back: mirrored strokes without regard to the box, soft because the paper spreads them."""
    layer = np.zeros((side, side), np.float32)
    for _ in range(int(random.integers(1, 4))):
        start, turn = random.uniform(-0.2, 1.2, 2), random.uniform(0, 2 * np.pi)
        bends = turn + random.normal(0, 0.5, 9).cumsum()
        path = start + np.stack([np.cos(bends), np.sin(bends)], axis=1).cumsum(axis=0) * random.uniform(0.06, 0.3)
        width = max(1, round(random.uniform(0.3, 0.9) * px_per_mm))
        cv2.polylines(layer, [(path * side).astype(np.int32).reshape(-1, 1, 2)], False, 1.0, width, cv2.LINE_AA)
    soft = cv2.GaussianBlur(layer, (0, 0), random.uniform(0.2, 0.45) * px_per_mm)
    return np.asarray(1 - random.uniform(0.02, 0.25) * soft, np.float32)


def stain(side: int, px_per_mm: float, random: Random) -> Light:
    """The rim of what a cup left: a band 1 to 3 mm wide with a soft edge, the paper inside it a little darker."""
    radius = random.uniform(6, 40)
    away = radius + random.uniform(-0.7, 0.7) * side / px_per_mm
    angle = random.uniform(0, 2 * np.pi)
    y, x = np.mgrid[0:side, 0:side] / px_per_mm - side / px_per_mm / 2
    distance = np.hypot(x - away * np.cos(angle), y - away * np.sin(angle)) - radius
    light = np.where(distance < 0, 1 - random.choice([0.0, random.uniform(0, 0.15)]), 1.0)
    light = np.where(np.abs(distance) < random.uniform(0.5, 1.5), 1 - random.uniform(0.1, 0.45), light)
    return np.asarray(cv2.GaussianBlur(light.astype(np.float32), (0, 0), random.uniform(0.2, 0.7) * px_per_mm), np.float32)


def shade(side: int, px_per_mm: float, random: Random) -> Light:
    """The soft edge of a shadow, or light that falls off to one side."""
    angle = random.uniform(0, 2 * np.pi)
    y, x = np.mgrid[0:side, 0:side] / side - 0.5
    across = (np.cos(angle) * x + np.sin(angle) * y + random.uniform(-0.4, 0.4)) * side / px_per_mm
    return np.asarray(1 - random.uniform(0.05, 0.5) / (1 + np.exp(-across / random.uniform(0.5, 6))), np.float32)


def scanned(page: Image, px_per_mm: float, random: Random, *, one_bit: bool) -> Image:
    """The page on paper of some grey, out of focus by 0.03 to 0.22 mm, with grain, at times compressed, at times in pure black and white."""
    paper = random.uniform(190, 255) if one_bit or random.random() < 0.6 else random.uniform(70, 200)
    image = paper - (255 - page.astype(np.float64)) * random.uniform(0.7, 1.0) * paper / 255
    blur = random.uniform(0.03, 0.12) if random.random() < 0.75 else random.uniform(0.12, 0.22)
    grain = random.normal(0, random.uniform(0, 7) * (0.4 + 0.6 * paper / 255), image.shape)
    grey = np.clip(cv2.GaussianBlur(image, (0, 0), max(0.3, blur * px_per_mm)) + grain, 0, 255).astype(np.uint8)
    if one_bit:
        return np.where(grey > paper * random.uniform(0.67, 0.88), 255, 0).astype(np.uint8)
    return _compressed(grey, random) if random.random() < 0.3 else grey


def well_scanned(page: Image, px_per_mm: float, random: Random) -> Image:
    """The page as an office scanner gives it from good paper: sharp, bright, with little grain."""
    paper = random.uniform(215, 255)
    image = cv2.GaussianBlur(paper - (255 - page.astype(np.float64)) * paper / 255, (0, 0), max(0.3, random.uniform(0.03, 0.1) * px_per_mm))
    grey = np.clip(image + random.normal(0, random.uniform(0, 3), image.shape), 0, 255).astype(np.uint8)
    return _compressed(grey, random) if random.random() < 0.3 else grey


def _compressed(image: Image, random: Random) -> Image:
    data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, int(random.integers(25, 90))])[1]
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_GRAYSCALE), np.uint8)
