"""The registered page as people see it: in its colours, on white paper.

Readers see the page in grey, with red ink as dark as black (`Registration.upright`). People tell a
correction in red from what was written first, and read best on white. Where something is written so
palely that it was not read, it is shown darker, and the grain of the paper with it.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.domain.model import Image
from pipeline.reading.imaging.geometry import PX_PER_MM, to_grayscale
from pipeline.reading.imaging.grayscale import paper_colour
from pipeline.reading.imaging.quantiles import median
from pipeline.reading.register.register import Registration, shrink_for_page

_WHITE_LEVEL = 255
_PAPER_SHARE = 0.96
"""As part of the paper's level: what is at least so bright is white, noise and grain with it."""
_PALE_GAMMA = 3.0
"""Exponent of brightness on pages with pale writing: 5 % darker than paper becomes 14 %."""
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


def shown_page(image: Image, registration: Registration, *, is_pale: bool = False) -> Image:
    """Return a scanned page registered to its form (8 px/mm) with white paper.

    It is BGR (h, w, 3) where something on the page has a colour, otherwise grey (h, w). A scan in
    grey is as it was read. If something on it is too pale to be read (`is_pale`), it is darker.
    """
    if image.ndim == 2:
        upright = registration.upright
        return _strengthen(upright, median(upright)) if is_pale else upright
    page = registration.flatten(shrink_for_page(image, registration), image, PX_PER_MM)
    white = _whiten_paper(page, 1.0 if is_pale else _PAPER_SHARE)
    coloured = white if _has_colour(white) else to_grayscale(white)
    return _strengthen(coloured, _WHITE_LEVEL) if is_pale else coloured


def _strengthen(page: Image, paper: float) -> Image:
    """Return a page on which pale strokes are darker; `paper` is the paper's level."""
    brightness = np.clip(np.arange(256) / max(paper, 1.0), 0, 1)
    return np.asarray(
        cv2.LUT(page, np.round(_WHITE_LEVEL * brightness**_PALE_GAMMA).astype(np.uint8)), np.uint8
    )


def _whiten_paper(page: Image, share: float) -> Image:
    """Return the page with the paper white in each channel, also where less light fell on it.

    What has that `share` of the paper's level is white with it.
    """
    scale = _PAPER_PX_PER_MM / PX_PER_MM
    small = cv2.resize(page, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    paper = cv2.resize(
        _fit_paper(small.astype(np.float32)),
        page.shape[1::-1],
        interpolation=cv2.INTER_LINEAR,
    )
    white = cv2.divide(page, paper, scale=_WHITE_LEVEL / share, dtype=cv2.CV_8U)
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
