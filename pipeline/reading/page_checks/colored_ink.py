"""Red pen in fields of a page that is filled in with another: somebody's check marks, a correction,
a stamp. A reader sees strokes without colour.

Only colour scans show it. Red is what sends back more red than green light than the paper does,
on the mean of a millimetre, where the coloured fringes that lenses and scanners put on both
sides of a black stroke cancel; wide patches of it are highlighter, coloured paper, stains and
skin.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import cv2
import numpy as np

from pipeline.domain.form.field import FieldSpec
from pipeline.domain.issues import Issue, IssueCode
from pipeline.domain.model import Image, Reading
from pipeline.reading.imaging import geometry
from pipeline.reading.imaging.cache import Mask
from pipeline.reading.imaging.grayscale import paper_colour
from pipeline.reading.imaging.print_contrast import (
    CHECK_PX_PER_MM,
    PrintContrast,
    box_window,
    unprinted_mask,
)
from pipeline.reading.page_checks.pen_strokes import PEN_DARKNESS
from pipeline.reading.page_context import PageContext
from pipeline.reading.register.register import Registration

_PX_PER_MM = 3.0
"""Scale in which colour is examined, px/mm."""
_RED_BLUR_MM = 0.4
"""Standard deviation of the blur against colour fringes, mm."""
_MIN_REDNESS = 40
"""By how many levels of 255 red light exceeds green there: 60–90 with a red pen, at most 30 at the
edges of black print, 20 with blue pens.
"""
_HIGHLIGHT_GAP_MM, _MAX_STROKE_MM = 1.25, 3.5
"""Between the letters that a highlighter runs over; wider than strokes."""
_WHITE_LEVEL = 255
"""Grey level of paper after its colour has been evened out."""
_FROM_PRINT_MM = 0.5
"""Ink nearer to print than this is not examined, mm."""
_MIN_RED_MM2 = 0.5
"""Least area of red ink that is flagged, mm²."""
_MAX_RED_SHARE = 0.6
"""Where so much of the ink in a page's fields is red, it is filled in with that pen."""


def check(context: PageContext, _readings: Mapping[str, Reading]) -> list[Issue]:
    """The issues of fields with red ink on a page that is filled in with another pen."""
    specs = context.fields
    found = find_red_fields(specs, context.image, context.registration, context.contrast)
    return [Issue(IssueCode.RED_INK, spec.name) for spec in specs if spec.name in found]


def find_red_fields(
    specs: Iterable[FieldSpec], image: Image, laid: Registration, seen: PrintContrast
) -> frozenset[str]:
    """The names of the fields with red ink in them; `image` is the page as scanned, `seen` is of
    the same page.
    """
    if image.ndim == 2:
        return frozenset()
    factor = _PX_PER_MM / geometry.scale_at_centre(
        np.linalg.inv(laid.to_mm), geometry.page_box(laid.upright)
    )
    strokes = _find_red_strokes(
        _resample(image, [max(1, round(side * factor)) for side in image.shape[1::-1]])
    )
    if np.count_nonzero(strokes) < _MIN_RED_MM2 * _PX_PER_MM**2:  # as on most pages
        return frozenset()
    clear = unprinted_mask(seen.template, _FROM_PRINT_MM).mask
    red = clear & (
        laid.flatten(np.where(strokes, 0, _WHITE_LEVEL).astype(np.uint8), image, CHECK_PX_PER_MM)
        < _WHITE_LEVEL / 2
    )
    ink = clear & (seen.darkness > PEN_DARKNESS)
    places = {spec.name: box_window(spec.area) for spec in specs if spec.traits.filled_by_hand}
    if _count_within(places.values(), red & ink) > _MAX_RED_SHARE * _count_within(
        places.values(), ink
    ):
        return frozenset()
    return frozenset(
        name
        for name, place in places.items()
        if np.count_nonzero(red[place]) >= _MIN_RED_MM2 * CHECK_PX_PER_MM**2
    )


def _count_within(places: Iterable[tuple[slice, slice]], mask: Mask) -> int:
    return sum(int(np.count_nonzero(mask[place])) for place in places)


def _resample(image: Image, size: list[int]) -> Image:
    """A picture of that many columns and rows; the mean of four pixels of each place, not of all,
    which takes four times as long.
    """
    some = cv2.resize(image, [2 * side for side in size], interpolation=cv2.INTER_NEAREST)
    return np.asarray(cv2.resize(some, size, interpolation=cv2.INTER_AREA), np.uint8)


def _find_red_strokes(fine: Image) -> Mask:
    """Where a BGR picture of `_PX_PER_MM` has red strokes."""
    _, green, red = (
        cv2.LUT(light, _brightening_table(paper))
        for light, paper in zip(cv2.split(fine), paper_colour(fine), strict=True)
    )
    if int(cv2.subtract(red, green).max()) < _MIN_REDNESS:
        return np.zeros(red.shape[:2], np.bool_)
    more = cv2.GaussianBlur(
        cv2.subtract(red, green, dtype=cv2.CV_16S), (0, 0), _RED_BLUR_MM * _PX_PER_MM
    )
    return _keep_thin(np.asarray(more >= _MIN_REDNESS, np.bool_))


def _brightening_table(paper: float) -> Image:
    """For each level of light that of paper which is white."""
    return np.asarray(np.minimum(np.arange(256) * (_WHITE_LEVEL / paper), _WHITE_LEVEL), np.uint8)


def _keep_thin(red: Mask) -> Mask:
    """Without what is wider than strokes."""
    closed = cv2.morphologyEx(
        red.view(np.uint8), cv2.MORPH_CLOSE, _square_kernel(_HIGHLIGHT_GAP_MM)
    )
    wide = cv2.dilate(
        cv2.morphologyEx(closed, cv2.MORPH_OPEN, _square_kernel(_MAX_STROKE_MM)),
        _square_kernel(_HIGHLIGHT_GAP_MM),
    )
    return np.asarray(red & (wide == 0), np.bool_)


def _square_kernel(side_mm: float) -> Image:
    return np.ones((round(side_mm * _PX_PER_MM),) * 2, np.uint8)
