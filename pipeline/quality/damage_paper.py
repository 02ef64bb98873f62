"""What coffee, pens, punches and dust do to a page, wherever it is scanned afterwards."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from pipeline import plane
from pipeline.fiducials import CODES, MARKERS
from pipeline.model import Image

_STRIP = 32

Points = NDArray[np.float64]
Warp = Callable[[Points], Points]


@dataclass(frozen=True, slots=True)
class Damaged:
    """A damaged page. `where` takes points of the clean page (n, 2), px, to the damaged picture, px."""

    image: Image
    where: Warp


Damage = Callable[[Damaged, Generator], Damaged]


def px_per_mm(page: Image) -> float:
    """Scale of a picture that shows just an A4 page."""
    return float(page.shape[1]) / 210.0


def lit(state: Damaged, light: NDArray[np.floating[Any]]) -> Damaged:
    """Seen with so much light (h, w), 1 for full."""
    gain = light if state.image.ndim == 2 else light[..., None]
    seen = np.empty_like(state.image)
    for rows in strips(seen):
        seen[rows] = np.clip(state.image[rows] * gain[rows], 0, 255)
    return replace(state, image=seen)


def strips(picture: Image) -> Iterator[slice]:
    """Some rows at a time: numbers of a strip fit in the processor's cache, those of a page do not."""
    return (slice(top, top + _STRIP) for top in range(0, len(picture), _STRIP))


def destroyed_code(state: Damaged, rng: Generator) -> Damaged:
    """One of the two codes scribbled over with a thick pen."""
    box = CODES[int(rng.integers(2))]
    mm = px_per_mm(state.image)
    path = np.stack([rng.uniform(box.x, box.x + box.w, 18), rng.uniform(box.y, box.y + box.h, 18)], axis=1) * mm
    image = state.image.copy()
    cv2.polylines(image, [path.round().astype(np.int32).reshape(-1, 1, 2)], False, (25, 20, 20), round(2 * mm), cv2.LINE_AA)
    return replace(state, image=image)


def torn_corner(state: Damaged, rng: Generator, *, millimetres: float = 32.0, ground: int = 40) -> Damaged:
    """One corner torn off: its marker is gone, and its code where there is one. `ground` is the grey of what lay under the paper."""
    h, w = state.image.shape[:2]
    size = millimetres * px_per_mm(state.image)
    box = list(MARKERS.values())[int(rng.integers(4))]
    right, low = box.x > 100, box.y > 100
    edge = np.linspace(0, 1, 12)
    ragged = np.stack([edge * size, (1 - edge) * size], axis=1) + rng.normal(0, size / 40, (12, 2))
    outline = np.vstack([[[0, 0]], ragged[::-1]])
    outline[:, 0] = np.where(right, w - outline[:, 0], outline[:, 0])
    outline[:, 1] = np.where(low, h - outline[:, 1], outline[:, 1])
    image = state.image.copy()
    cv2.fillPoly(image, [outline.round().astype(np.int32).reshape(-1, 1, 2)], (ground,) * 3)
    return replace(state, image=image)


def coffee(state: Damaged, rng: Generator) -> Damaged:
    """The ring of a cup, and what ran over."""
    mm = px_per_mm(state.image)
    light = np.ones(state.image.shape[:2], np.float32)
    centre = int(rng.uniform(50, 160) * mm), int(rng.uniform(70, 230) * mm)
    cv2.circle(light, centre, round(38 * mm), 0.9, -1)
    cv2.circle(light, centre, round(39 * mm), 0.6, round(2.5 * mm), cv2.LINE_AA)
    return lit(state, np.asarray(cv2.GaussianBlur(light, (0, 0), 0.5 * mm), dtype=np.float32))


def punched_holes(state: Damaged, rng: Generator) -> Damaged:
    """Swedish four-hole punching (21-70-21 mm) along the left edge, seen black against the scanner's lid."""
    mm = px_per_mm(state.image)
    middle = 148.5 + rng.uniform(-2, 2)
    image = state.image.copy()
    for offset in (-56, -35, 35, 56):
        cv2.circle(image, (round(11 * mm), round((middle + offset) * mm)), round(3 * mm), (15, 15, 15), -1, cv2.LINE_AA)
    return replace(state, image=image)


def bleed_through(state: Damaged, rng: Generator, *, strength: float) -> Damaged:
    """Writing of the other side showing through, mirrored and soft; `strength` is the share of its darkness that shows."""
    grey = plane.grey(state.image)
    h, w = grey.shape
    back = np.full((h, w), 255, np.uint8)
    mm = px_per_mm(state.image)
    for row in range(22):
        steps = rng.normal((1.3, 0), (0.7, 1.8), (90, 2)).cumsum(axis=0) + np.array([25, 35 + row * 10])
        cv2.polylines(back, [(steps * mm).round().astype(np.int32).reshape(-1, 1, 2)], False, (30,), round(0.6 * mm), cv2.LINE_AA)
    through = cv2.GaussianBlur(back[:, ::-1], (0, 0), 0.35 * mm).astype(np.float32) / 255
    return lit(state, 1 - strength * (1 - through))


def dust(state: Damaged, rng: Generator, *, specks: int) -> Damaged:
    """Small dark specks, 0.1 to 0.4 mm."""
    image = state.image.copy()
    h, w = image.shape[:2]
    for _ in range(specks):
        centre = int(rng.uniform(0, w)), int(rng.uniform(0, h))
        cv2.circle(image, centre, max(1, round(rng.uniform(0.05, 0.2) * px_per_mm(image))), (90, 90, 90), -1, cv2.LINE_AA)
    return replace(state, image=image)
