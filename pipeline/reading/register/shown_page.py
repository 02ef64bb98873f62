"""The registered page as people see it: in its colours, on white paper.

Readers see the page in grey, with red ink as dark as black (`Registration.upright`). People tell a
correction in red from what was written first, and read best on white.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.domain.model import Image
from pipeline.reading.imaging.geometry import PX_PER_MM, to_grayscale
from pipeline.reading.imaging.grayscale import paper_colour
from pipeline.reading.register.register import Registration, shrink_for_page

_WHITE_LEVEL = 255
_PAPER_SHARE = 0.96
"""As part of the paper's level: what is at least so bright is white, noise and grain with it."""
_PAPER_PX_PER_MM = 0.5
"""Scale in which the paper's level is measured."""
_PAPER_FROM, _FIT_ROUNDS = 0.8, 4
"""Pixels at least so bright, as part of the paper's level there, are paper; fits are repeated."""
_COLOUR_PX_PER_MM = 2.0
"""Scale in which colour is looked for: there the coloured fringes of black strokes cancel."""
_MIN_CHROMA = 28
"""Levels (of 255) between the channels of a coloured place, at least; blue pens have 35–80."""
_MIN_COLOUR_MM2 = 1.0
"""A page with less that is coloured is grey."""


def shown_page(image: Image, registration: Registration) -> Image:
    """Return a scanned page registered to its form (8 px/mm) with white paper.

    It is BGR (h, w, 3) where something on the page has a colour, otherwise grey (h, w). A scan in
    grey is as it was read.
    """
    if image.ndim == 2:
        return registration.upright
    page = registration.flatten(shrink_for_page(image, registration), image, PX_PER_MM)
    white = _whiten_paper(page)
    return white if _has_colour(white) else to_grayscale(white)


def _whiten_paper(page: Image) -> Image:
    """Return the page with the paper white in each channel, also where less light fell on it."""
    scale = _PAPER_PX_PER_MM / PX_PER_MM
    small = cv2.resize(page, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    paper = cv2.resize(
        _fit_paper(small.astype(np.float32)),
        page.shape[1::-1],
        interpolation=cv2.INTER_LINEAR,
    )
    white = cv2.divide(page, paper, scale=_WHITE_LEVEL / _PAPER_SHARE, dtype=cv2.CV_8U)
    return np.asarray(white, np.uint8)


def _fit_paper(small: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the level of the paper everywhere: a curved surface through the paper's pixels.

    Light and shadow change slowly across a page, so that a surface of the second degree follows
    them and no print or ink.
    """
    height, width = small.shape[:2]
    y, x = np.meshgrid(np.linspace(-1, 1, height), np.linspace(-1, 1, width), indexing="ij")
    terms = np.stack([np.ones_like(x), x, y, x * x, x * y, y * y], axis=-1).reshape(-1, 6)
    levels = small.reshape(-1, 3).astype(np.float64)
    surface = np.broadcast_to(np.asarray(paper_colour(small.astype(np.uint8))), levels.shape)
    for _ in range(_FIT_ROUNDS):
        # Paper is what is not clearly darker than the surface so far
        is_paper = np.all(levels >= _PAPER_FROM * surface, axis=1)
        factors, *_ = np.linalg.lstsq(terms[is_paper], levels[is_paper], rcond=None)
        surface = np.maximum(terms @ factors, 1.0)
    return surface.reshape(small.shape).astype(np.float32)


def _has_colour(page: Image) -> bool:
    """Return whether so much of the page is coloured that it is seen."""
    scale = _COLOUR_PX_PER_MM / PX_PER_MM
    small = cv2.resize(page, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    blue, green, red = cv2.split(small)
    chroma = cv2.subtract(cv2.max(cv2.max(blue, green), red), cv2.min(cv2.min(blue, green), red))
    return bool(np.count_nonzero(chroma >= _MIN_CHROMA) >= _MIN_COLOUR_MM2 * _COLOUR_PX_PER_MM**2)
