"""The registered page as people see it: in its colours, on white paper.

Readers see the page in grey, with red ink as dark as black (`Registration.upright`). People tell a
correction in red from what was written first, and read best on white.
"""

from __future__ import annotations

import cv2
import numpy as np

from pipeline.domain.model import Image
from pipeline.reading.imaging.geometry import PX_PER_MM, to_grayscale
from pipeline.reading.imaging.grayscale import paper_colour
from pipeline.reading.register.register import Registration, shrink_for_page

_WHITE_LEVEL = 255
_PAPER_SHARE = 0.96
"""As part of the paper's level: what is at least so bright is white, noise and grain with it."""
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
    """Return the page with the paper white in each channel."""
    tables = [
        np.minimum(np.arange(256) * (_WHITE_LEVEL / (paper * _PAPER_SHARE)), _WHITE_LEVEL)
        for paper in paper_colour(page)
    ]
    table = np.stack(tables, axis=-1).astype(np.uint8)
    return np.asarray(cv2.LUT(page, table.reshape(1, 256, 3)), np.uint8)


def _has_colour(page: Image) -> bool:
    """Return whether so much of the page is coloured that it is seen."""
    scale = _COLOUR_PX_PER_MM / PX_PER_MM
    small = cv2.resize(page, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    chroma = small.max(axis=2).astype(np.int16) - small.min(axis=2)
    return bool(np.count_nonzero(chroma >= _MIN_CHROMA) >= _MIN_COLOUR_MM2 * _COLOUR_PX_PER_MM**2)
