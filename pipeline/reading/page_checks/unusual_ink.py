"""Find ink that field readers do not see as a person does: pale strokes, and another pen's red.

Pale strokes, of a pencil or on a scan that is too light, are paler than what readers take for ink;
where they read nothing, or only the darker part of it, something is written all the same. On the
mean of 0.75 mm a stroke of 3 % stands out from the grain of paper. A short one may be dirt, unless
there are several in the field, or other fields of the page are as pale.

Red ink may be check marks, a correction or a stamp; a field reader sees strokes without colour.
Only colour scans show it. Ink is red if it reflects more red than green light than the paper does,
on the mean of a millimetre: there the coloured fringes that lenses and scanners put on both sides
of a black stroke cancel. Wide red areas are highlighter, coloured paper, stains and skin.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.domain.form.field import FieldSpec
from pipeline.domain.issues import Issue, IssueCode
from pipeline.domain.model import Image, Reading, State
from pipeline.reading.imaging import geometry
from pipeline.reading.imaging.pixels import Components, Mask, median, odd_kernel, paper_colour
from pipeline.reading.imaging.print_contrast import (
    CHECK_PX_PER_MM,
    PrintContrast,
    box_window,
    unprinted_mask,
)
from pipeline.reading.page_checks.page_context import PEN_DARKNESS, PageContext
from pipeline.reading.register.register import Registration

_PX_PER_MM = 3.0
"""Scale in which colour is examined, px/mm."""
_RED_BLUR_MM = 0.4
"""Standard deviation of the blur against colour fringes, mm."""
_MIN_REDNESS = 40
"""Levels (of 255) by which red exceeds green in red ink, at least.

A red pen has 60–90, the edges of black print at most 30, blue pens 20.
"""
_HIGHLIGHT_GAP_MM, _MAX_STROKE_MM = 1.25, 3.5
"""Gaps between letters that a highlighter covers, and the width of the widest stroke, mm."""
_MIN_PALE_DARKNESS, _MIN_DARKNESS = 0.03, 0.15
"""Darkness of pale strokes, at least, and of strokes that readers see as a whole."""
_PALE_BLUR_PX = 3
"""Side of the square on which pale strokes are averaged, px at `CHECK_PX_PER_MM`."""
_MIN_DARK_PX = 3
"""A stroke has so many dark pixels in such a square; one is grain."""
_NOISE_RATIO = 5.0
"""A pale stroke is this many standard deviations darker than the grain of the paper."""
_FROM_STROKE_MM = 0.75
"""Paper nearer to a dark stroke than this is its edge, mm."""
_MIN_LENGTH_MM, _MIN_PIECE_MM = 2.5, 1.0
"""Length, across or down, of a pale stroke that is writing, or of its pieces together, of which
each is at least so long.
"""
_PALE_PAGE_FIELDS, _MIN_LENGTH_ON_PALE_MM = 3, 1.0
"""Where so many fields of a page are pale, shorter strokes are writing too."""
_MAX_SHARE_OUTSIDE = 0.3
"""Pale strokes outside the fields are at most so dense, as part of those in fields.

Where they are denser they show through from the back, or are stains, fibres and folds: there only a
long stroke is writing.
"""
_SAMPLE_STEP = 4
"""Distance of the pixels by which the grain of the paper is measured."""
_NORMAL_DEVIATION = 1.4826
"""The standard deviation of normal noise as a multiple of its median deviation."""
_WHITE_LEVEL = 255
"""Grey level of paper after its colour has been evened out."""
_FROM_PRINT_MM = 0.5
"""Ink nearer to print than this is not examined, mm."""
_MIN_RED_MM2 = 0.5
"""Least area of red ink that is flagged, mm²."""
_MAX_RED_SHARE = 0.6
"""A page with more of the ink in its fields red, or violet, is filled in with that pen."""
_MIN_VIOLET_REDNESS = 15
"""Levels by which red exceeds green in the thin strokes of a violet pen, at least; blue exceeds
red.
"""


def check(context: PageContext, readings: Mapping[str, Reading]) -> list[Issue]:
    """Return the issues of fields with pale strokes, or with red ink of another pen."""
    specs = context.fields
    pale = find_pale_fields(specs, readings, context)
    red = find_red_fields(specs, context.image, context.registration, context.contrast)
    return [
        *(Issue(IssueCode.PALE_WRITING, spec.name) for spec in specs if spec.name in pale),
        *(Issue(IssueCode.RED_INK, spec.name) for spec in specs if spec.name in red),
    ]


def find_pale_fields(
    specs: Iterable[FieldSpec], readings: Mapping[str, Reading], context: PageContext
) -> frozenset[str]:
    """Return the names of the fields with strokes that are too pale to be read.

    A page in black and white shows none.
    """
    # Average over neighbours, so that grain is lost and strokes are left.
    darkness = context.contrast.darkness
    soft = _average(darkness)
    paper = unprinted_mask(context.contrast.template, _FROM_PRINT_MM).mask
    pale = paper & (soft > _MIN_PALE_DARKNESS)
    windows = {
        spec.name: box_window(spec.area)
        for spec in specs
        if spec.traits.filled_by_hand and spec.name in readings
    }
    # What is darker belongs to strokes that readers see, but where they saw nothing.
    is_dark = _average((darkness > _MIN_DARKNESS).astype(np.float32)) * _PALE_BLUR_PX**2
    near = odd_kernel(2 * _FROM_STROKE_MM * CHECK_PX_PER_MM)
    dark = cv2.dilate((is_dark > _MIN_DARK_PX - 0.5).view(np.uint8), near).view(np.bool_)
    sample = slice(None, None, _SAMPLE_STEP)
    pale &= soft > _find_grain(soft[sample, sample][paper[sample, sample]])
    pieces = {
        name: _measure_strokes(
            pale[window] & ~(dark[window] & (readings[name].state is not State.EMPTY))
        )
        for name, window in windows.items()
    }
    if not any(sum(mm) for mm in pieces.values()) or context.is_black_and_white:
        return frozenset()
    if _is_everywhere(pale & ~dark, paper, windows.values()):
        return frozenset(name for name, mm in pieces.items() if max(mm) >= _MIN_LENGTH_MM)
    found = frozenset(name for name, mm in pieces.items() if sum(mm) >= _MIN_LENGTH_MM)
    if len(found) < _PALE_PAGE_FIELDS:
        return found
    return frozenset(name for name, mm in pieces.items() if sum(mm) >= _MIN_LENGTH_ON_PALE_MM)


def _is_everywhere(pale: Mask, paper: Mask, windows: Iterable[tuple[slice, slice]]) -> bool:
    """Check whether pale strokes are about as dense on the paper outside the fields as in them."""
    in_fields = np.zeros_like(paper)
    for window in windows:
        in_fields[window] = True
    inside, outside = (_share(pale, paper & where) for where in (in_fields, ~in_fields))
    return outside > _MAX_SHARE_OUTSIDE * inside


def _share(mask: Mask, where: Mask) -> float:
    return int(np.count_nonzero(mask & where)) / max(1, int(np.count_nonzero(where)))


def _average(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the mean of each pixel and its neighbours."""
    return np.asarray(cv2.blur(values, (_PALE_BLUR_PX, _PALE_BLUR_PX)), np.float32)


def _find_grain(paper: NDArray[np.float32]) -> float:
    """Return how dark a stroke is that cannot be grain, by the darkness of bare paper (n,)."""
    if not paper.size:
        return 1.0
    middle = median(paper)
    return middle + _NOISE_RATIO * _NORMAL_DEVIATION * median(np.abs(paper - middle))


def _measure_strokes(mask: Mask) -> list[float]:
    """Return the lengths of all connected pixels of some length, across or down, mm; at least 0."""
    if np.count_nonzero(mask) < _MIN_PIECE_MM * CHECK_PX_PER_MM:
        return [0.0]
    sides = Components.of(mask).stats[1:, [cv2.CC_STAT_WIDTH, cv2.CC_STAT_HEIGHT]].max(axis=1)
    lengths = sides[sides >= _MIN_PIECE_MM * CHECK_PX_PER_MM] / CHECK_PX_PER_MM
    return [0.0, *lengths.tolist()]


def find_red_fields(
    specs: Iterable[FieldSpec], image: Image, registration: Registration, contrast: PrintContrast
) -> frozenset[str]:
    """Return the names of the fields with red ink in them.

    `image` is the page as scanned, `contrast` that of the same page.
    """
    # A grey scan shows no colour.
    if image.ndim == 2:
        return frozenset()
    # Find red strokes on a small image of the scan.
    factor = _PX_PER_MM / geometry.scale_at_centre(
        np.linalg.inv(registration.to_mm), geometry.page_box(registration.upright)
    )
    redness, warmth = _measure_colour(
        _resample(image, [max(1, round(side * factor)) for side in image.shape[1::-1]])
    )
    strokes = _keep_thin(redness >= _MIN_REDNESS)
    # Too little red to be ink.
    if np.count_nonzero(strokes) < _MIN_RED_MM2 * _PX_PER_MM**2:
        return frozenset()
    # Register them, and compare with all ink in the fields.
    unprinted = unprinted_mask(contrast.template, _FROM_PRINT_MM).mask
    violet_strokes = _keep_thin((redness >= _MIN_VIOLET_REDNESS) & (warmth < 0))
    red, warm, violet = (
        unprinted
        & (
            registration.flatten(
                np.where(found, 0, _WHITE_LEVEL).astype(np.uint8), image, CHECK_PX_PER_MM
            )
            < _WHITE_LEVEL / 2
        )
        for found in (strokes, strokes & (warmth >= 0), violet_strokes)
    )
    ink = unprinted & (contrast.darkness > PEN_DARKNESS)
    windows = {spec.name: box_window(spec.area) for spec in specs if spec.traits.filled_by_hand}
    # A page mostly in red is filled in with that pen; on one mostly in violet only red is red.
    most = _MAX_RED_SHARE * _count_within(windows.values(), ink)
    if _count_within(windows.values(), violet & ink) > most:
        red = warm
    elif _count_within(windows.values(), red & ink) > most:
        return frozenset()
    return frozenset(
        name
        for name, window in windows.items()
        if np.count_nonzero(red[window]) >= _MIN_RED_MM2 * CHECK_PX_PER_MM**2
    )


def _count_within(windows: Iterable[tuple[slice, slice]], mask: Mask) -> int:
    return sum(int(np.count_nonzero(mask[window])) for window in windows)


def _resample(image: Image, size: list[int]) -> Image:
    """Return an image of that many columns and rows.

    It averages four pixels of each place; averaging all takes four times as long.
    """
    # Sample four pixels per place, then average them.
    doubled = cv2.resize(image, [2 * side for side in size], interpolation=cv2.INTER_NEAREST)
    return np.asarray(cv2.resize(doubled, size, interpolation=cv2.INTER_AREA), np.uint8)


def _measure_colour(image: Image) -> tuple[NDArray[np.int16], NDArray[np.int16]]:
    """Return by how much red exceeds green, and blue, in a BGR image at `_PX_PER_MM`, levels."""
    # Remove the tint of the paper from each channel.
    blue, green, red = (
        cv2.LUT(
            channel,
            np.asarray(np.minimum(np.arange(256) * (_WHITE_LEVEL / paper), _WHITE_LEVEL), np.uint8),
        )
        for channel, paper in zip(cv2.split(image), paper_colour(image), strict=True)
    )
    if int(cv2.subtract(red, green).max()) < _MIN_REDNESS:
        nothing = np.zeros(red.shape[:2], np.int16)
        return nothing, nothing
    # Blurring cancels colour fringes.
    redness, warmth = (
        np.asarray(
            cv2.GaussianBlur(
                cv2.subtract(red, other, dtype=cv2.CV_16S), (0, 0), _RED_BLUR_MM * _PX_PER_MM
            ),
            np.int16,
        )
        for other in (green, blue)
    )
    return redness, warmth


def _keep_thin(red: Mask) -> Mask:
    """Remove areas that are wider than strokes."""
    # Bridge letters below a highlighter, then keep what is wide.
    closed = cv2.morphologyEx(
        red.view(np.uint8), cv2.MORPH_CLOSE, _square_kernel(_HIGHLIGHT_GAP_MM)
    )
    is_wide = cv2.dilate(
        cv2.morphologyEx(closed, cv2.MORPH_OPEN, _square_kernel(_MAX_STROKE_MM)),
        _square_kernel(_HIGHLIGHT_GAP_MM),
    )
    return np.asarray(red & (is_wide == 0), np.bool_)


def _square_kernel(side_mm: float) -> Image:
    return np.ones((round(side_mm * _PX_PER_MM),) * 2, np.uint8)
