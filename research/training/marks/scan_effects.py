"""What is on or under a drawn check box besides ink, and how a scanner or telephone sees it.

Every light is (h, w) 0…1 to multiply a grey image with; images here have `px_per_mm` pixels per mm.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.domain.model import Image

Random = np.random.Generator
LightLoss = NDArray[np.float32]


def draw_show_through(side: int, px_per_mm: float, random: Random) -> LightLoss:
    """Draw writing on the back: mirrored strokes, soft because the paper spreads them.

    They do not follow the box.
    """
    layer = np.zeros((side, side), np.float32)
    # One to three curved strokes: a direction that wanders.
    for _ in range(int(random.integers(1, 4))):
        start, turn = random.uniform(-0.2, 1.2, 2), random.uniform(0, 2 * np.pi)
        bends = turn + random.normal(0, 0.5, 9).cumsum()
        path = start + np.stack([np.cos(bends), np.sin(bends)], axis=1).cumsum(
            axis=0
        ) * random.uniform(0.06, 0.3)
        width = max(1, round(random.uniform(0.3, 0.9) * px_per_mm))
        cv2.polylines(
            layer,
            [(path * side).astype(np.int32).reshape(-1, 1, 2)],
            False,
            1.0,
            width,
            cv2.LINE_AA,
        )
    # Paper scatters the light: blur, and take away a part of it.
    soft = cv2.GaussianBlur(layer, (0, 0), random.uniform(0.2, 0.45) * px_per_mm)
    return np.asarray(1 - random.uniform(0.02, 0.25) * soft, np.float32)


def draw_stain(side: int, px_per_mm: float, random: Random) -> LightLoss:
    """Draw the rim of a cup: a band 1 to 3 mm wide with a soft edge.

    The paper inside it is a little darker.
    """
    # The middle of the cup is so far away that its rim crosses the box or passes near it.
    radius = random.uniform(6, 40)
    away = radius + random.uniform(-0.7, 0.7) * side / px_per_mm
    angle = random.uniform(0, 2 * np.pi)
    y, x = np.mgrid[0:side, 0:side] / px_per_mm - side / px_per_mm / 2
    # Signed distance from the rim, mm.
    distance = np.hypot(x - away * np.cos(angle), y - away * np.sin(angle)) - radius
    # Inside a little darker at times; the rim clearly darker.
    light = np.where(distance < 0, 1 - random.choice([0.0, random.uniform(0, 0.15)]), 1.0)
    light = np.where(
        np.abs(distance) < random.uniform(0.5, 1.5), 1 - random.uniform(0.1, 0.45), light
    )
    return np.asarray(
        cv2.GaussianBlur(light.astype(np.float32), (0, 0), random.uniform(0.2, 0.7) * px_per_mm),
        np.float32,
    )


def draw_shade(side: int, px_per_mm: float, random: Random) -> LightLoss:
    """Draw the soft edge of a shadow, or light that falls off to one side."""
    angle = random.uniform(0, 2 * np.pi)
    y, x = np.mgrid[0:side, 0:side] / side - 0.5
    # Logistic profile across the edge of the shadow, mm.
    across = (np.cos(angle) * x + np.sin(angle) * y + random.uniform(-0.4, 0.4)) * side / px_per_mm
    return np.asarray(
        1 - random.uniform(0.05, 0.5) / (1 + np.exp(-across / random.uniform(0.5, 6))), np.float32
    )


@dataclass(frozen=True, slots=True)
class Scanner:
    """How one machine or telephone sees all of a sheet.

    `paper`: grey of its white. `contrast`: of ink, as part of all there is. `blur_mm`: standard
    deviation. `grain`: standard deviation, grey levels.
    `copies`: photocopies made before, each of which makes edges harder and rougher. `threshold`:
    what is darker than this part of the paper becomes black and all else white; None leaves it
    grey. `specks`: share of pixels with toner where none belongs. `quality`: of JPEG.
    """

    paper: float
    contrast: float
    blur_mm: float
    grain: float
    copies: int = 0
    threshold: float | None = None
    specks: float = 0.0
    quality: int | None = None

    def sees(self, page: Image, px_per_mm: float, random: Random) -> Image:
        """Return a grey page as it comes out of the machine."""
        # Map black…white to the machine's contrast and paper.
        image = self.paper - (255 - page.astype(np.float64)) * self.contrast * self.paper / 255
        blur = max(0.3, self.blur_mm * px_per_mm)
        # Each photocopy blurs and hardens.
        for _ in range(self.copies):
            image = self._copied(
                np.asarray(cv2.GaussianBlur(image, (0, 0), blur), np.float64), px_per_mm, random
            )
        # Optics and sensor noise.
        image = cv2.GaussianBlur(image, (0, 0), blur) + random.normal(0, self.grain, image.shape)
        # Toner specks.
        image = np.where(random.random(image.shape) < self.specks, 0.1 * self.paper, image)
        grey = np.clip(image, 0, 255).astype(np.uint8)
        if self.threshold is not None:
            return np.where(grey > self.paper * self.threshold, 255, 0).astype(np.uint8)
        return grey if self.quality is None else _compress_jpeg(grey, self.quality)

    def _copied(
        self, image: NDArray[np.float64], px_per_mm: float, random: Random
    ) -> NDArray[np.float64]:
        """Return a photocopy: toner falls unevenly where enough light is missing."""
        uneven = cv2.GaussianBlur(
            random.normal(0, 1, image.shape), (0, 0), max(0.5, 0.06 * px_per_mm)
        )
        strength = 0.06 / max(1e-6, float(uneven.std()))
        # Logistic curve of the toner's response, with an uneven threshold.
        steep = 8 * (image / self.paper + strength * uneven - 0.62)
        return np.asarray(self.paper / (1 + np.exp(-steep)), np.float64)


def random_scanner(random: Random, *, one_bit: bool, copied: bool = False) -> Scanner:
    """Return a scanner or telephone as they are.

    Grey paper, out of focus by 0.03 to 0.22 mm, with grain, at times compressed.
    """
    # Photos have darker paper than scans.
    paper = float(
        random.uniform(190, 255)
        if one_bit or copied or random.random() < 0.6
        else random.uniform(70, 200)
    )
    return Scanner(
        paper,
        contrast=float(random.uniform(0.7, 1.0)),
        blur_mm=float(
            random.uniform(0.03, 0.12) if random.random() < 0.75 else random.uniform(0.12, 0.22)
        ),
        grain=float(random.uniform(0, 4 if one_bit else 7) * (0.4 + 0.6 * paper / 255)),
        copies=int(random.integers(1, 4)) if copied else 0,
        threshold=float(random.uniform(0.55, 0.85)) if one_bit else None,
        specks=float(random.uniform(0, 0.004))
        if (one_bit or copied) and random.random() < 0.5
        else 0.0,
        quality=int(random.integers(25, 90)) if random.random() < 0.3 else None,
    )


def random_good_scanner(random: Random) -> Scanner:
    """Return an office scanner over good paper: sharp, bright, with little grain."""
    quality = int(random.integers(25, 90)) if random.random() < 0.3 else None
    paper, blur, grain = (
        float(random.uniform(*limits)) for limits in ((215, 255), (0.03, 0.1), (0, 3))
    )
    return Scanner(paper, 1.0, blur, grain, quality=quality)


def _compress_jpeg(image: Image, quality: int) -> Image:
    data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_GRAYSCALE), np.uint8)
