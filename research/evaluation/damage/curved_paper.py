"""Photographs of paper that does not lie flat: curled, arched or wavy pages on a table.

The paper is a surface above the table, seen by a telephone's lens: parts that rise look larger and
move outwards, and light falls on them otherwise.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from pipeline.domain.model import Image
from research.evaluation.damage.damaged_page import (
    DamagedPage,
    Points,
    Warp,
    page_px_per_mm,
    transform_points,
)
from research.evaluation.damage.page_placement import draw_table

_PAGE_MM = np.array([210.0, 297.0])
_DISTANCE_MM = 300.0, 430.0
"""From the lens to the page, mm: a telephone at hand's height sees an A4 page from there."""
_MAX_TILT_DEGREES, _MAX_TURN_DEGREES = 18.0, 5.0
_FILL = 0.9
"""Share of the image that the page takes, across or down."""
_GRID_PX = 12
"""Places are computed so far apart, px, and interpolated."""
_ROUNDS = 40
"""Steps of the way back from the image to the paper; the error halves at least with each."""
_AMBIENT = 0.6
"""Share of the light that comes from everywhere."""
_SHADOW = 0.45
"""Light that a raised edge takes from the table beside it."""


class PaperShape(StrEnum):
    """How paper departs from flat."""

    CURL = "curl"
    """One side rises, as after a fold or a roll."""
    ARCH = "arch"
    """The middle rises, as between two hands."""
    WAVE = "wave"
    """Two waves, as of paper that was damp or in a bag."""
    CROSSED = "crossed"
    """A wave along and a smaller one across."""


@dataclass(frozen=True, slots=True)
class _Ridge:
    """A height over the table that varies in one direction: `rise` · profile(`waves` · place)."""

    direction: NDArray[np.float64]
    length: float
    rise: float
    waves: float
    phase: float

    def height(self, mm: Points) -> NDArray[np.float64]:
        """Return the height, mm, at places from the middle of the page (n, 2), mm."""
        return self.rise * (1 - np.cos(self._angle(mm @ self.direction))) / 2

    def slope(self, mm: Points) -> Points:
        """Return the slope in x and y at places."""
        return np.outer(self._slope_along(mm @ self.direction), self.direction)

    def shortening(self, mm: Points) -> Points:
        """Return how far places move towards the middle, since paper does not stretch."""
        along = np.linspace(-260, 260, 1041)
        lost = 1 - np.sqrt(np.maximum(0.0, 1 - self._slope_along(along) ** 2))
        total = np.cumsum(lost) * (along[1] - along[0])
        total -= np.interp(0.0, along, total)
        return np.outer(np.interp(mm @ self.direction, along, total), self.direction)

    def _angle(self, along: NDArray[np.float64]) -> NDArray[np.float64]:
        return 2 * np.pi * self.waves * along / self.length + self.phase

    def _slope_along(self, along: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(
            self.rise * np.sin(self._angle(along)) * np.pi * self.waves / self.length, np.float64
        )


def _make_ridges(shape: PaperShape, rise: float, rng: Generator) -> tuple[_Ridge, ...]:
    """Return the ridges of a paper that rises so far, mm, with random direction and place."""
    # Paper bends along or across, or a little askew.
    angle = rng.choice([0.0, np.pi / 2]) + rng.normal(0, 0.2)
    direction = np.array([np.cos(angle), np.sin(angle)])
    length = float(np.abs(direction) @ _PAGE_MM)
    match shape:
        case PaperShape.CURL:
            # Half a wave lies over the page, the low part of it flat on the table
            return (_Ridge(direction, length, rise, 0.3, rng.choice([-1, 1]) * 0.9),)
        case PaperShape.ARCH:
            return (_Ridge(direction, length, rise, 0.9, np.pi + rng.uniform(-0.4, 0.4)),)
        case PaperShape.WAVE:
            return (_Ridge(direction, length, rise, rng.uniform(1.6, 2.1), rng.uniform(0, 6.3)),)
    across = np.array([-direction[1], direction[0]])
    width = float(np.abs(across) @ _PAGE_MM)
    return (
        _Ridge(direction, length, rise, rng.uniform(1.2, 1.8), rng.uniform(0, 6.3)),
        _Ridge(across, width, rise / 2.5, rng.uniform(0.8, 1.3), rng.uniform(0, 6.3)),
    )


@dataclass(frozen=True, slots=True)
class _Camera:
    """A telephone above a page: its pose, and px of the image for each unit of the projection."""

    pose: NDArray[np.float64]
    distance: float
    scale: float
    centre: NDArray[np.float64]

    def project(self, places: NDArray[np.float64]) -> Points:
        """Return where places in space (n, 3), mm, are in the image, px."""
        seen = places @ self.pose.T + (0, 0, self.distance)
        return np.asarray(seen[:, :2] / seen[:, 2:] * self.scale + self.centre, np.float64)


def photograph_curved(
    state: DamagedPage, rng: Generator, *, shape: str, rise_mm: float, width: int = 2448
) -> DamagedPage:
    """Photograph a page that rises this far above the table.

    `shape` is one of `PaperShape`.
    """
    ridges = _make_ridges(PaperShape(shape), rise_mm, rng)
    scale = page_px_per_mm(state.image)
    size = width, round(width * 4 / 3)
    camera = _aim(ridges, rng, size)

    def to_photo(page_px: Points) -> Points:
        return camera.project(_in_space(ridges, (page_px + 0.5) / scale - _PAGE_MM / 2))

    # Where each place of the photograph is on the page
    source = _find_source(to_photo, state.image, size)
    image = _render(state.image, source, ridges, scale, rng)
    before = state.where
    return DamagedPage(image, lambda points: to_photo(before(points)))


def _in_space(ridges: Sequence[_Ridge], mm: Points) -> NDArray[np.float64]:
    """Return where places of the page (n, 2) are in space (n, 3); up is negative, mm."""
    flat = mm - np.sum([ridge.shortening(mm) for ridge in ridges], axis=0)
    return np.column_stack([flat, -np.sum([ridge.height(mm) for ridge in ridges], axis=0)])


def _aim(ridges: Sequence[_Ridge], rng: Generator, size: tuple[int, int]) -> _Camera:
    """Return a telephone held over the page so that all of it is in the image."""
    azimuth, tilt = rng.uniform(0, 2 * np.pi), np.radians(rng.uniform(2, _MAX_TILT_DEGREES))
    lean = cv2.Rodrigues(np.array([np.cos(azimuth), np.sin(azimuth), 0.0]) * tilt)[0]
    turn = cv2.Rodrigues(np.array([0, 0, np.radians(rng.uniform(-1, 1) * _MAX_TURN_DEGREES)]))[0]
    pose, distance = np.asarray(lean @ turn, np.float64), rng.uniform(*_DISTANCE_MM)
    # The outline of the paper fills the image.
    across = np.linspace(-0.5, 0.5, 30)
    outline = np.concatenate(
        [np.column_stack([across, np.full(30, end)]) for end in (-0.5, 0.5)]
        + [np.column_stack([np.full(30, end), across]) for end in (-0.5, 0.5)]
    )
    seen = _Camera(pose, distance, 1.0, np.zeros(2)).project(_in_space(ridges, outline * _PAGE_MM))
    low, high = seen.min(axis=0), seen.max(axis=0)
    scale = float(_FILL * (np.array(size) / (high - low)).min())
    return _Camera(pose, distance, scale, np.array(size) / 2 - (low + high) / 2 * scale)


def _find_source(to_photo: Warp, page: Image, size: tuple[int, int]) -> NDArray[np.float32]:
    """Return the px of the page that each px of the photograph shows, (h, w, 2)."""
    h, w = page.shape[:2]
    corners = np.array([[0, 0], [w - 1, 0], [w - 1, h - 1], [0, h - 1]], np.float64)
    flat = np.asarray(cv2.findHomography(to_photo(corners), corners)[0], np.float64)
    # On a coarse grid that reaches beyond the image
    columns, rows = size[0] // _GRID_PX + 3, size[1] // _GRID_PX + 3
    x, y = np.meshgrid(np.arange(columns) - 1.0, np.arange(rows) - 1.0)
    sought = np.stack([x.ravel(), y.ravel()], axis=1) * _GRID_PX
    aim = transform_points(flat, sought)
    place = aim.copy()
    # As far as the flat page is off, the place is moved
    for _ in range(_ROUNDS):
        inside = np.clip(place, (-0.2 * w, -0.2 * h), (1.2 * w, 1.2 * h))
        place = inside + 0.7 * (aim - transform_points(flat, to_photo(inside)))
    grid = place.astype(np.float32).reshape(rows, columns, 2)
    to_grid = np.array([[1 / _GRID_PX, 0, 1], [0, 1 / _GRID_PX, 1]])
    return np.asarray(
        cv2.warpAffine(grid, to_grid, size, flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP),
        np.float32,
    )


def _render(
    page: Image,
    source: NDArray[np.float32],
    ridges: Sequence[_Ridge],
    px_per_mm: float,
    rng: Generator,
) -> Image:
    """Return the photograph: the page in the light on its slopes, on a table in its shadow."""
    colour = page if page.ndim == 3 else cv2.cvtColor(page, cv2.COLOR_GRAY2BGR)
    h, w = page.shape[:2]
    size = source.shape[1], source.shape[0]
    # A photograph has fewer px than the print: what a px covers is averaged
    soft = cv2.GaussianBlur(colour, (0, 0), 0.35 * max(1.0, px_per_mm / 8))
    seen = cv2.remap(soft, source[..., 0], source[..., 1], cv2.INTER_LINEAR)
    # Light from one side, on slopes that are computed in a small image
    angle, height = rng.uniform(0, 2 * np.pi), rng.uniform(0.6, 1.1)
    small = cv2.resize(source, (size[0] // 8, size[1] // 8), interpolation=cv2.INTER_AREA)
    mm = (small.reshape(-1, 2).astype(np.float64) + 0.5) / px_per_mm - _PAGE_MM / 2
    slopes = np.sum([ridge.slope(mm) for ridge in ridges], axis=0)
    towards = np.array([np.cos(angle), np.sin(angle)]) / height
    facing = np.maximum(0.0, 1 - slopes @ towards) / np.sqrt(1 + (slopes**2).sum(axis=1))
    ramp = 1 - 0.12 * (mm @ np.array([np.cos(angle + 2), np.sin(angle + 2)])) / 150
    light = (_AMBIENT + (1 - _AMBIENT) * facing) * ramp
    light_map = cv2.resize(light.reshape(small.shape[:2]).astype(np.float32), size)
    seen = np.clip(seen * np.clip(light_map, 0.2, 1.08)[..., None] * 0.93, 0, 255).astype(np.uint8)
    # The table, darker beside the paper
    inside = (
        (source[..., 0] > -0.5)
        & (source[..., 0] < w - 0.5)
        & (source[..., 1] > -0.5)
        & (source[..., 1] < h - 0.5)
    )
    shade = cv2.GaussianBlur(
        cv2.resize(inside.astype(np.float32), None, fx=1 / 8, fy=1 / 8), (0, 0), 5
    )
    moved = np.array([[1, 0, -6 * np.cos(angle)], [0, 1, -6 * np.sin(angle)]])
    shade = cv2.warpAffine(shade, moved, shade.shape[1::-1])
    table = draw_table(size, rng) * (1 - _SHADOW * cv2.resize(shade, size))[..., None]
    return np.where(inside[..., None], seen, table.astype(np.uint8))
