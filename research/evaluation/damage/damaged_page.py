"""A damaged page: its image, and where the points of the clean page are in it.

A page is an A4 image, grey or BGR. `where` maps points of the clean page, so that registration can
be compared with the truth.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from pipeline.domain.model import Image

_STRIP_ROWS = 32
Points = NDArray[np.float64]
Warp = Callable[[Points], Points]


@dataclass(frozen=True, slots=True)
class DamagedPage:
    """A damaged page.

    `where` maps points of the clean page (n, 2), px, to the damaged image, px.
    """

    image: Image
    where: Warp


Damage = Callable[[DamagedPage, Generator], DamagedPage]


def page_px_per_mm(page: Image) -> float:
    """Return the scale of an image that shows just an A4 page."""
    return float(page.shape[1]) / 210.0


def apply_light(state: DamagedPage, light: NDArray[np.floating[Any]]) -> DamagedPage:
    """Return the image seen with this light (h, w), 1 for full."""
    # Add a channel axis to the light for color images.
    gain = light if state.image.ndim == 2 else light[..., None]
    lit = np.empty_like(state.image)
    for rows in iter_strips(lit):
        lit[rows] = np.clip(state.image[rows] * gain[rows], 0, 255)
    return replace(state, image=lit)


def iter_strips(picture: Image) -> Iterator[slice]:
    """Yield some rows at a time.

    Numbers of a strip fit in the processor's cache, those of a page do not.
    """
    return (slice(top, top + _STRIP_ROWS) for top in range(0, len(picture), _STRIP_ROWS))


def transform_points(matrix: NDArray[np.float64], points: Points) -> Points:
    """Return the points mapped by the homography."""
    return np.asarray(
        cv2.perspectiveTransform(points.reshape(-1, 1, 2).astype(np.float64), matrix),
        dtype=np.float64,
    ).reshape(-1, 2)


def warp_page(
    state: DamagedPage, matrix: NDArray[np.float64], size: tuple[int, int], ground: float = 255.0
) -> DamagedPage:
    """Map the image through a homography onto `size` (w, h)."""
    # Fill the surroundings of the page with `ground`.
    image = cv2.warpPerspective(
        state.image, matrix, size, flags=cv2.INTER_AREA, borderValue=(ground,) * 3
    )
    # Compose the homography with the mapping so far, so that the truth stays known.
    before = state.where
    return DamagedPage(
        np.asarray(image, dtype=np.uint8), lambda points: transform_points(matrix, before(points))
    )
