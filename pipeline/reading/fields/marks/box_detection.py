"""Find the printed box in an image of a check box that comes without its form."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from pipeline.domain.model import Image
from pipeline.reading.fields.field_image import FieldImage
from pipeline.reading.fields.ink import Darkness, find_px_per_mm, measure_darkness
from pipeline.reading.fields.marks.features import MAX_MARK_MM

LEAST_DARK_SHARE = 0.05
"""A column with more dark pixels than this share has ink or print."""
PAPER_QUANTILE = 0.8
"""Paper is as light as this quantile of the grey levels inside a box."""
SEARCH_SHARE = 0.4
"""A side of the box is within this part of the image from its edge."""
MIN_SIDE_COVER = 0.65
"""A side is dark over at least this part of its length."""
MAX_SIDE_THICKNESS = 0.09
"""Maximum thickness of a side, as part of the image; a thicker one is filling."""
PRINT_DARKNESS = (0.25, 0.12)
"""Minimum darkness of the printed box; the second is tried if the first finds none."""


@dataclass(frozen=True, slots=True)
class _Side:
    """Where a side begins and ends, px from the image's edge."""

    outer: int
    inner: int


BoxSides = tuple[_Side, _Side, _Side, _Side]
"""Left, top, right, bottom."""


def detect_box(crop: FieldImage) -> FieldImage:
    """Return the field image cut evenly around its box, with the box as its template.

    An image without a box is taken to be the inside of one.
    """
    sides = _find_sides(measure_darkness(crop.image, find_px_per_mm(crop), MAX_MARK_MM))
    if sides is None:
        return replace(crop, template_image=np.full_like(crop.image, 255))

    # Cut the same margin on all sides.
    left, top, right, bottom = sides
    height, width = crop.image.shape
    margin = min(top.outer, bottom.outer, left.outer, right.outer)
    rows = slice(top.outer - margin, height - bottom.outer + margin)
    columns = slice(left.outer - margin, width - right.outer + margin)

    # Draw the template, and scale by the height of the box.
    template = _draw_box(crop.image, sides)[rows, columns]
    image = np.ascontiguousarray(crop.image[rows, columns])
    scale = (image.shape[0] - 2 * margin) / crop.spec.box[3]
    return replace(
        crop,
        image=image,
        template_image=np.ascontiguousarray(template),
        px_per_mm=scale,
        margin_mm=margin / scale,
    )


def _find_sides(darkness: Darkness) -> BoxSides | None:
    """Return the four sides of the box, or None."""
    for level in PRINT_DARKNESS:
        # Look from each edge inwards; all four sides are needed.
        dark = darkness > level
        left, top, right, bottom = (
            _find_side(dark.T),
            _find_side(dark),
            _find_side(dark.T[::-1]),
            _find_side(dark[::-1]),
        )
        if left and top and right and bottom:
            return left, top, right, bottom
    return None


def _find_side(dark: NDArray[np.bool_]) -> _Side | None:
    """Return the first row from the top that is dark nearly all along the box, and its end."""
    rows = max(1, round(SEARCH_SHARE * len(dark)))

    # The columns of the box.
    columns = np.flatnonzero(dark.mean(axis=0) > LEAST_DARK_SHARE)
    if columns.size < 3:
        return None

    # The first row that is dark over most of them.
    cover = dark[:rows, columns[0] : columns[-1] + 1].mean(axis=1)
    dark_rows = np.flatnonzero(cover >= MIN_SIDE_COVER)
    if not dark_rows.size:
        return None
    outer = int(dark_rows[0])

    # The side ends where it is no longer dark.
    thickest = max(2, round(MAX_SIDE_THICKNESS * len(dark)))
    bare_rows = np.flatnonzero(cover[outer : outer + thickest] < MIN_SIDE_COVER / 2)
    return _Side(outer, outer + (int(bare_rows[0]) if bare_rows.size else thickest))


def _draw_box(image: Image, sides: BoxSides) -> Image:
    """Draw the box alone, black, its inside white.

    The paper around it is as much darker than the inside as it is in the image.
    """
    left, top, right, bottom = sides
    height, width = image.shape
    outer, inner = (
        _to_slices(left.outer, top.outer, width - right.outer, height - bottom.outer),
        _to_slices(left.inner, top.inner, width - right.inner, height - bottom.inner),
    )
    around = np.ones(image.shape, bool)
    around[outer] = False
    # Paper is the light part of the inside.
    inside = max(1.0, float(np.quantile(image[inner], PAPER_QUANTILE)))
    around_share = min(1.0, float(np.median(image[around])) / inside) if around.any() else 1.0
    template = np.full_like(image, round(255 * around_share))
    template[outer] = 0
    template[inner] = 255
    return template


def _to_slices(x0: int, y0: int, x1: int, y1: int) -> tuple[slice, slice]:
    return slice(y0, y1), slice(x0, x1)
