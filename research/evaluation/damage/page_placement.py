"""Where a page is in its image, and how it is stretched.

Turned, skewed, scaled, fed unevenly, photographed on a table.
"""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
from numpy.random import Generator

from pipeline.domain.model import Image
from research.evaluation.damage.damaged_page import (
    DamagedPage,
    Points,
    iter_strips,
    page_px_per_mm,
    transform_points,
    warp_page,
)

_TABLE_COLOUR = np.array([60, 95, 140])
"""The colour of a table, as blue, green and red."""


def turn_page(state: DamagedPage, _rng: Generator, *, quarters: int) -> DamagedPage:
    """Rotate by quarter turns clockwise."""
    h, w = state.image.shape[:2]
    # Rotate the pixels without interpolation, and give the matching affine matrix.
    image = np.ascontiguousarray(np.rot90(state.image, -quarters))
    matrix = {
        0: [[1, 0, 0], [0, 1, 0]],
        1: [[0, -1, h - 1], [1, 0, 0]],
        2: [[-1, 0, w - 1], [0, -1, h - 1]],
        3: [[0, 1, 0], [-1, 0, w - 1]],
    }[quarters]
    before = state.where
    full = np.array([*matrix, [0, 0, 1]], dtype=np.float64)
    return DamagedPage(image, lambda points: transform_points(full, before(points)))


def skew_page(
    state: DamagedPage, rng: Generator, *, degrees: tuple[float, float], ground: float = 255.0
) -> DamagedPage:
    """Rotate by this many degrees clockwise, on a scanner bed large enough to hold the page."""
    angle = rng.uniform(*degrees)
    h, w = state.image.shape[:2]
    # Rotation about the middle of the page; OpenCV counts degrees counter-clockwise.
    matrix = np.vstack([cv2.getRotationMatrix2D((w / 2, h / 2), -angle, 1), [0, 0, 1]])
    # Enlarge the canvas to the bounding box of the rotated page, and centre the page in it.
    cos, sin = abs(matrix[0, 0]), abs(matrix[0, 1])
    size = int(w * cos + h * sin), int(w * sin + h * cos)
    matrix[:2, 2] += (size[0] - w) / 2, (size[1] - h) / 2
    return warp_page(state, matrix, size, ground)


def scale_print(state: DamagedPage, _rng: Generator, *, factor: float) -> DamagedPage:
    """Print at `factor` ("fit to page"), about the middle of the paper."""
    h, w = state.image.shape[:2]
    matrix = np.vstack([cv2.getRotationMatrix2D((w / 2, h / 2), 0, factor), [0, 0, 1]])
    return warp_page(state, matrix, (w, h))


def change_dpi(state: DamagedPage, _rng: Generator, *, dpi: float) -> DamagedPage:
    """Scan the same paper at another resolution."""
    h, w = state.image.shape[:2]
    # Current resolution from the width of A4 (210 mm).
    factor = dpi / (w / 210 * 25.4)
    size = round(w * factor), round(h * factor)
    image = cv2.resize(
        state.image, size, interpolation=cv2.INTER_AREA if factor < 1 else cv2.INTER_CUBIC
    )
    # Pixel centres are at half integers in OpenCV's resizing.
    before, ratio = state.where, np.array([size[0] / w, size[1] / h])
    return DamagedPage(
        np.asarray(image, dtype=np.uint8), lambda points: (before(points) + 0.5) * ratio - 0.5
    )


def stretch_unevenly(state: DamagedPage, rng: Generator, *, millimetres: float) -> DamagedPage:
    """Stretch the paper smoothly here and there, by at most this many mm.

    As rollers that slip and a fold do.
    """
    h, w = state.image.shape[:2]
    size = millimetres * page_px_per_mm(state.image)
    # Random phases of the waves, so that every page is stretched elsewhere.
    phase = rng.uniform(0, 2 * np.pi, 3)

    def shift(points: Points) -> Points:
        x, y = points[:, 0] / w, points[:, 1] / h
        dx = 0.4 * size * np.sin(np.pi * y + phase[0])
        dy = size * np.sin(1.5 * np.pi * y + phase[1]) + 0.3 * size * np.sin(np.pi * x + phase[2])
        return np.stack([dx, dy], axis=1)

    # Evaluate the displacement on a coarse grid; it is smooth.
    grid_y, grid_x = np.mgrid[0 : h : h // 64, 0 : w : w // 64].astype(np.float64)
    moved = shift(np.stack([grid_x.ravel(), grid_y.ravel()], axis=1)).reshape(*grid_x.shape, 2)
    # The picture needs the way back; at these sizes one step of the fixed-point iteration leaves
    # less than a hundredth of a mm.
    back = shift(np.stack([grid_x.ravel(), grid_y.ravel()], axis=1) - moved.reshape(-1, 2)).reshape(
        *grid_x.shape, 2
    )
    # Interpolate the displacement to every pixel, and resample the page with it.
    full_y, full_x = np.mgrid[0:h, 0:w].astype(np.float32)
    at_x, at_y = full_x / (w // 64), full_y / (h // 64)
    field = [
        cv2.remap(
            back[..., i].astype(np.float32),
            at_x,
            at_y,
            cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_REPLICATE,
        )
        for i in (0, 1)
    ]
    image = cv2.remap(
        state.image,
        full_x - field[0],
        full_y - field[1],
        cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REPLICATE,
    )
    # The truth uses the exact displacement, not the interpolated one.
    before = state.where
    return DamagedPage(
        np.asarray(image, dtype=np.uint8), lambda points: before(points) + shift(before(points))
    )


def photograph_tilted(
    state: DamagedPage,
    rng: Generator,
    *,
    degrees: float,
    width: int = 3024,
    distance_mm: float = 420.0,
) -> DamagedPage:
    """Photograph the page on a table at this angle from straight above, from any side.

    The telephone looks at the middle of the page.
    """
    # Tilt about a random axis in the plane of the page (Rodrigues' rotation vector).
    azimuth, tilt = rng.uniform(0, 2 * np.pi), np.radians(degrees)
    axis = np.array([np.cos(azimuth), np.sin(azimuth), 0.0]) * tilt
    turn_by = np.asarray(cv2.Rodrigues(axis)[0], dtype=np.float64)
    size = width, round(width * 4 / 3)
    # The page's corners, mm, in the camera's coordinates, the lens above the middle.
    mm = np.array(
        [[-105, -148.5, 0], [105, -148.5, 0], [105, 148.5, 0], [-105, 148.5, 0]]
    ) @ turn_by.T + (0, 0, distance_mm)
    # Pinhole projection.
    projected = mm[:, :2] / mm[:, 2:]
    span = np.ptp(projected, axis=0)
    # Centre the projection in the image, and scale it to 92 % of the image's size.
    box = (projected - (projected.min(axis=0) + projected.max(axis=0)) / 2) * (
        0.92 * min(size[0] / span[0], size[1] / span[1])
    ) + np.array(size) / 2
    return _place_on_table(state, rng, box, size)


def photograph_page(
    state: DamagedPage, rng: Generator, *, tilt: float, width: int = 3024
) -> DamagedPage:
    """Photograph the page on a table with a telephone held by hand.

    The perspective is up to `tilt` of the page's width.
    """
    # A telephone's image is 4:3, upright.
    h, w = state.image.shape[:2]
    size = width, round(width * 4 / 3)
    # Leave some table visible around the page, then move each corner independently.
    margin = 0.09
    box = np.array(
        [[margin, margin], [1 - margin, margin], [1 - margin, 1 - margin], [margin, 1 - margin]]
    ) * (width, width * h / w * 0.94)
    box += rng.uniform(-tilt, tilt, (4, 2)) * width * 0.5
    return _place_on_table(state, rng, box, size)


def _place_on_table(
    state: DamagedPage, rng: Generator, box: Points, size: tuple[int, int]
) -> DamagedPage:
    """Place the page with its corners at `box` (4, 2) px, the table around it."""
    h, w = state.image.shape[:2]
    # Homography from the page to the image.
    corners = np.array([[0, 0], [w, 0], [w, h], [0, h]], dtype=np.float32)
    matrix = np.asarray(
        cv2.getPerspectiveTransform(corners, box.astype(np.float32)), dtype=np.float64
    )
    colour = state.image if state.image.ndim == 3 else cv2.cvtColor(state.image, cv2.COLOR_GRAY2BGR)
    placed = warp_page(replace(state, image=np.asarray(colour, dtype=np.uint8)), matrix, size)
    # Outside the page, show the table.
    inside = cv2.warpPerspective(np.full((h, w), 255, np.uint8), matrix, size) > 127
    return replace(placed, image=np.where(inside[..., None], placed.image, draw_table(size, rng)))


def draw_table(size: tuple[int, int], rng: Generator) -> Image:
    """Draw a wooden table: brown with streaks in one direction."""
    # Noise blurred along one axis looks like the grain of wood.
    streaks = cv2.GaussianBlur(rng.normal(0, 1, (size[1], 64)).astype(np.float32), (1, 15), 0)
    grain = (
        np.asarray(cv2.resize(streaks, size, interpolation=cv2.INTER_LINEAR), np.float32)[..., None]
        * 30
    )
    table = np.empty((*grain.shape[:2], 3), np.uint8)
    for rows in iter_strips(table):
        table[rows] = np.clip(_TABLE_COLOUR + grain[rows], 0, 255)
    return table
