"""What printers, scanners and telephones do to a page, and twenty named ways to damage a clean picture of a page.

A clean page is an A4 picture at 300 dpi, grey or BGR. Every way gives a picture as a scanner or a telephone would hand it over, and (through
`distort`) where each point of the clean page went, so that a test can compare registration with the truth.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from pipeline import plane
from pipeline.model import Image
from tests.paper_damage import Damage, Damaged, Points, bleed_through, coffee, destroyed_code, dust, lit, punched_holes, px_per_mm, torn_corner


def distort(name: str, page: Image, rng: Generator) -> Damaged:
    """The page damaged in one of the twenty ways, with the truth."""
    state = Damaged(page, lambda points: points)
    for step in _WAYS[name]:
        state = step(state, rng)
    return state


def _only_image(name: str, page: Image, rng: Generator) -> Image:
    return distort(name, page, rng).image


def _through(matrix: NDArray[np.float64], points: Points) -> Points:
    return np.asarray(cv2.perspectiveTransform(points.reshape(-1, 1, 2).astype(np.float64), matrix), dtype=np.float64).reshape(-1, 2)


def _warped(state: Damaged, matrix: NDArray[np.float64], size: tuple[int, int], ground: float = 255.0) -> Damaged:
    """The picture through a homography onto `size` (w, h)."""
    image = cv2.warpPerspective(state.image, matrix, size, flags=cv2.INTER_AREA, borderValue=(ground,) * 3)
    before = state.where
    return Damaged(np.asarray(image, dtype=np.uint8), lambda points: _through(matrix, before(points)))


def turn(state: Damaged, _rng: Generator, *, quarters: int) -> Damaged:
    """Quarter turns clockwise."""
    h, w = state.image.shape[:2]
    image = np.ascontiguousarray(np.rot90(state.image, -quarters))
    matrix = {
        0: [[1, 0, 0], [0, 1, 0]],
        1: [[0, -1, h - 1], [1, 0, 0]],
        2: [[-1, 0, w - 1], [0, -1, h - 1]],
        3: [[0, 1, 0], [-1, 0, w - 1]],
    }[quarters]
    before = state.where
    full = np.array([*matrix, [0, 0, 1]], dtype=np.float64)
    return Damaged(image, lambda points: _through(full, before(points)))


def skew(state: Damaged, rng: Generator, *, degrees: tuple[float, float], ground: float = 255.0) -> Damaged:
    """Askew by so many degrees clockwise, on a scanner bed large enough to hold it."""
    angle = rng.uniform(*degrees)
    h, w = state.image.shape[:2]
    matrix = np.vstack([cv2.getRotationMatrix2D((w / 2, h / 2), -angle, 1), [0, 0, 1]])
    cos, sin = abs(matrix[0, 0]), abs(matrix[0, 1])
    size = int(w * cos + h * sin), int(w * sin + h * cos)
    matrix[:2, 2] += (size[0] - w) / 2, (size[1] - h) / 2
    return _warped(state, matrix, size, ground)


def scale_print(state: Damaged, _rng: Generator, *, factor: float) -> Damaged:
    """Printed at `factor` ("fit to page"), about the middle of the paper."""
    h, w = state.image.shape[:2]
    matrix = np.vstack([cv2.getRotationMatrix2D((w / 2, h / 2), 0, factor), [0, 0, 1]])
    return _warped(state, matrix, (w, h))


def change_dpi(state: Damaged, _rng: Generator, *, dpi: float) -> Damaged:
    """The same paper scanned at another resolution."""
    h, w = state.image.shape[:2]
    factor = dpi / (w / 210 * 25.4)
    size = round(w * factor), round(h * factor)
    image = cv2.resize(state.image, size, interpolation=cv2.INTER_AREA if factor < 1 else cv2.INTER_CUBIC)
    before, ratio = state.where, np.array([size[0] / w, size[1] / h])
    return Damaged(np.asarray(image, dtype=np.uint8), lambda points: (before(points) + 0.5) * ratio - 0.5)


def uneven_feed(state: Damaged, rng: Generator, *, millimetres: float) -> Damaged:
    """Rollers that slip and a fold: the paper is stretched smoothly here and there, by at most so many mm."""
    h, w = state.image.shape[:2]
    size = millimetres * px_per_mm(state.image)
    phase = rng.uniform(0, 2 * np.pi, 3)

    def shift(points: Points) -> Points:
        x, y = points[:, 0] / w, points[:, 1] / h
        dx = 0.4 * size * np.sin(np.pi * y + phase[0])
        dy = size * np.sin(1.5 * np.pi * y + phase[1]) + 0.3 * size * np.sin(np.pi * x + phase[2])
        return np.stack([dx, dy], axis=1)

    grid_y, grid_x = np.mgrid[0 : h : h // 64, 0 : w : w // 64].astype(np.float64)
    moved = shift(np.stack([grid_x.ravel(), grid_y.ravel()], axis=1)).reshape(*grid_x.shape, 2)
    # The picture needs the way back; at these sizes one step of the fixed-point iteration leaves less than a hundredth of a mm.
    back = shift(np.stack([grid_x.ravel(), grid_y.ravel()], axis=1) - moved.reshape(-1, 2)).reshape(*grid_x.shape, 2)
    full_y, full_x = np.mgrid[0:h, 0:w].astype(np.float32)
    at_x, at_y = full_x / (w // 64), full_y / (h // 64)
    field = [cv2.remap(back[..., i].astype(np.float32), at_x, at_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE) for i in (0, 1)]
    image = cv2.remap(state.image, full_x - field[0], full_y - field[1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    before = state.where
    return Damaged(np.asarray(image, dtype=np.uint8), lambda points: before(points) + shift(before(points)))


def photograph(state: Damaged, rng: Generator, *, tilt: float, width: int = 3024) -> Damaged:
    """A telephone held by hand over the page on a table: perspective of up to `tilt` of the page's width, the table around it."""
    h, w = state.image.shape[:2]
    size = width, round(width * 4 / 3)
    margin = 0.09
    box = np.array([[margin, margin], [1 - margin, margin], [1 - margin, 1 - margin], [margin, 1 - margin]]) * (width, width * h / w * 0.94)
    box += rng.uniform(-tilt, tilt, (4, 2)) * width * 0.5
    corners = np.array([[0, 0], [w, 0], [w, h], [0, h]], dtype=np.float32)
    matrix = np.asarray(cv2.getPerspectiveTransform(corners, box.astype(np.float32)), dtype=np.float64)
    colour = state.image if state.image.ndim == 3 else cv2.cvtColor(state.image, cv2.COLOR_GRAY2BGR)
    placed = _warped(replace(state, image=np.asarray(colour, dtype=np.uint8)), matrix, size)
    inside = cv2.warpPerspective(np.full((h, w), 255, np.uint8), matrix, size) > 127
    return replace(placed, image=np.where(inside[..., None], placed.image, _table(size, rng)))


def _table(size: tuple[int, int], rng: Generator) -> Image:
    """A wooden table: brown with streaks along one way."""
    streaks = cv2.GaussianBlur(rng.normal(0, 1, (size[1], 64)).astype(np.float32), (1, 15), 0)
    grain = cv2.resize(streaks, size, interpolation=cv2.INTER_LINEAR)[..., None] * 30
    return np.clip(np.array([60, 95, 140]) + grain, 0, 255).astype(np.uint8)


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
    grain = rng.normal(0, sigma, state.image.shape).astype(np.float32)
    return replace(state, image=np.clip(state.image + grain, 0, 255).astype(np.uint8))


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
    return replace(state, image=(colour * np.array([0.86, 0.95, 0.98])).astype(np.uint8))


_WAYS: dict[str, tuple[Damage, ...]] = {
    "clean": (),
    "upside_down": (partial(turn, quarters=2), partial(noise, sigma=4), partial(jpeg, quality=75)),
    "quarter_turn": (partial(turn, quarters=1), partial(skew, degrees=(-2, 2))),
    "three_quarter_turn": (partial(skew, degrees=(-2, 2)), partial(turn, quarters=3)),
    "skew_right": (partial(skew, degrees=(8, 10)), partial(noise, sigma=3)),
    "skew_left_dark_bed": (partial(skew, degrees=(-10, -8), ground=30.0),),
    "printed_at_90_percent": (partial(scale_print, factor=0.90), partial(skew, degrees=(-1, 1))),
    "printed_at_105_percent": (partial(scale_print, factor=1.05), partial(skew, degrees=(-0.5, 0.5))),
    "grey_150_dpi": (partial(skew, degrees=(-3, 3)), partial(change_dpi, dpi=150), partial(noise, sigma=3)),
    "colour_600_dpi": (partial(skew, degrees=(-1, 1)), colour_cast, partial(change_dpi, dpi=600)),
    "one_bit": (partial(skew, degrees=(-2, 2)), partial(one_bit, threshold=190)),
    "one_bit_200_dpi_dust": (partial(dust, specks=400), partial(change_dpi, dpi=200), partial(noise, sigma=12), partial(one_bit, threshold=170)),
    "hard_jpeg": (partial(skew, degrees=(-2, 2)), partial(change_dpi, dpi=200), partial(noise, sigma=8), partial(jpeg, quality=25)),
    "photo": (partial(photograph, tilt=0.08), partial(uneven_light, darkest=0.55), partial(noise, sigma=4), partial(jpeg, quality=80)),
    "photo_turned_in_shadow": (
        partial(photograph, tilt=0.1),
        partial(uneven_light, darkest=0.6),
        partial(shadow, darkness=0.5),
        partial(blur, millimetres=0.12),
        partial(noise, sigma=5),
        partial(jpeg, quality=70),
        partial(turn, quarters=1),
    ),
    "destroyed_code": (destroyed_code, partial(skew, degrees=(-3, 3))),
    "torn_corner": (torn_corner, partial(skew, degrees=(-3, 3))),
    "coffee_and_holes": (coffee, punched_holes, partial(skew, degrees=(-2, 2)), partial(noise, sigma=3)),
    "bleed_through_blurred": (partial(bleed_through, strength=0.25), partial(blur, millimetres=0.15), partial(skew, degrees=(-2, 2))),
    "uneven_feed": (partial(uneven_feed, millimetres=1.2), partial(skew, degrees=(-1, 1)), partial(noise, sigma=3)),
}

DISTORTIONS: dict[str, Callable[[Image, Generator], Image]] = {name: partial(_only_image, name) for name in _WAYS}
"""The twenty ways by name: clean page and seeded generator in, damaged picture out."""
