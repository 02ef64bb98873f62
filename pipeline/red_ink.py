"""Red pen in fields of a page that is filled in with another: somebody's check marks, a correction, a stamp. A reader sees strokes without colour.

Only colour scans show it. Red is what sends back more red than green light than the paper does, on the mean of a millimetre, where the coloured
fringes that lenses and scanners put on both sides of a black stroke cancel; wide patches of it are highlighter, coloured paper, stains and skin.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import cv2
import numpy as np

from pipeline import plane
from pipeline.field_spec import FieldSpec
from pipeline.ink_grey import paper_colour
from pipeline.issues import Issue, IssueCode
from pipeline.model import Image, Reading
from pipeline.packed import Mask
from pipeline.page_context import PageContext
from pipeline.pen_words import DARK
from pipeline.print_contrast import SCALE, Seen, unprinted, window
from pipeline.register import Registration

_PX_PER_MM = 3.0
"""Scale in which colour is examined, px/mm."""
_SOFT_MM = 0.4
"""Standard deviation of the blur against colour fringes, mm."""
_RED = 40
"""By how many levels of 255 red light exceeds green there: 60–90 with a red pen, at most 30 at the edges of black print, 20 with blue pens."""
_FILLED_MM, _WIDE_MM = 1.25, 3.5
"""Between the letters that a highlighter runs over; wider than strokes."""
_WHITE = 255
"""Grey level of paper after its colour has been evened out."""
_FROM_PRINT_MM = 0.5
"""Ink nearer to print than this is not examined, mm."""
_LEAST_MM2 = 0.5
"""Least area of red ink that is flagged, mm²."""
_OWN = 0.6
"""Where so much of the ink in a page's fields is red, it is filled in with that pen."""


def check(context: PageContext, _readings: Mapping[str, Reading]) -> list[Issue]:
    """The issues of fields with red ink on a page that is filled in with another pen."""
    specs = context.fields
    found = red_fields(specs, context.image, context.registration, context.contrast)
    return [Issue(IssueCode.RED_INK, spec.name) for spec in specs if spec.name in found]


def red_fields(specs: Iterable[FieldSpec], image: Image, laid: Registration, seen: Seen) -> frozenset[str]:
    """The names of the fields with red ink in them; `image` is the page as scanned, `seen` is of the same page."""
    if image.ndim == 2:
        return frozenset()
    factor = _PX_PER_MM / plane.scale_at_centre(np.linalg.inv(laid.to_mm), plane.page_of(laid.upright))
    strokes = _red_strokes(_fine(image, [max(1, round(side * factor)) for side in image.shape[1::-1]]))
    if np.count_nonzero(strokes) < _LEAST_MM2 * _PX_PER_MM**2:  # as on most pages
        return frozenset()
    clear = unprinted(seen.form, _FROM_PRINT_MM).mask
    red = clear & (laid.flat(np.where(strokes, 0, _WHITE).astype(np.uint8), image, SCALE) < _WHITE / 2)
    ink = clear & (seen.dark > DARK)
    places = {spec.name: window(spec.area) for spec in specs if spec.traits.filled_by_hand}
    if _within(places.values(), red & ink) > _OWN * _within(places.values(), ink):
        return frozenset()
    return frozenset(name for name, place in places.items() if np.count_nonzero(red[place]) >= _LEAST_MM2 * SCALE**2)


def _within(places: Iterable[tuple[slice, slice]], mask: Mask) -> int:
    return sum(int(np.count_nonzero(mask[place])) for place in places)


def _fine(image: Image, size: list[int]) -> Image:
    """A picture of that many columns and rows; the mean of four pixels of each place, not of all, which takes four times as long."""
    some = cv2.resize(image, [2 * side for side in size], interpolation=cv2.INTER_NEAREST)
    return np.asarray(cv2.resize(some, size, interpolation=cv2.INTER_AREA), np.uint8)


def _red_strokes(fine: Image) -> Mask:
    """Where a BGR picture of `_PX_PER_MM` has red strokes."""
    _, green, red = (cv2.LUT(light, _brightened(paper)) for light, paper in zip(cv2.split(fine), paper_colour(fine), strict=True))
    if int(cv2.subtract(red, green).max()) < _RED:
        return np.zeros(red.shape[:2], np.bool_)
    more = cv2.GaussianBlur(cv2.subtract(red, green, dtype=cv2.CV_16S), (0, 0), _SOFT_MM * _PX_PER_MM)
    return _thin(np.asarray(more >= _RED, np.bool_))


def _brightened(paper: float) -> Image:
    """For each level of light that of paper which is white."""
    return np.asarray(np.minimum(np.arange(256) * (_WHITE / paper), _WHITE), np.uint8)


def _thin(red: Mask) -> Mask:
    """Without what is wider than strokes."""
    closed = cv2.morphologyEx(red.view(np.uint8), cv2.MORPH_CLOSE, _square(_FILLED_MM))
    wide = cv2.dilate(cv2.morphologyEx(closed, cv2.MORPH_OPEN, _square(_WIDE_MM)), _square(_FILLED_MM))
    return np.asarray(red & (wide == 0), np.bool_)


def _square(side_mm: float) -> Image:
    return np.ones((round(side_mm * _PX_PER_MM),) * 2, np.uint8)
