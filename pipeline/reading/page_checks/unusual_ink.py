"""Find ink that field readers do not see as a person does: pale strokes, and another pen's red.

Pale strokes, of a pencil or on a scan that is too light, are paler than what readers take for ink;
where they read nothing, or only the darker part of it, something is written all the same. On the
mean of 0.75 mm a stroke of 3 % stands out from the grain of paper.

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
from pipeline.reading.imaging.cache import Mask
from pipeline.reading.imaging.components import Components
from pipeline.reading.imaging.grayscale import paper_colour
from pipeline.reading.imaging.print_contrast import (
    CHECK_PX_PER_MM,
    PrintContrast,
    box_window,
    unprinted_mask,
)
from pipeline.reading.imaging.quantiles import median
from pipeline.reading.page_checks.image_quality import is_black_and_white
from pipeline.reading.page_checks.pen_strokes import PEN_DARKNESS
from pipeline.reading.page_context import PageContext
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
_MIN_PALE_DARKNESS, _MIN_DARKNESS = 0.03, 0.1
"""Darkness of pale strokes, at least, and of strokes that readers see."""
_PALE_BLUR_PX = 3
"""Side of the square on which pale strokes are averaged, px at `CHECK_PX_PER_MM`."""
_NOISE_RATIO = 5.0
"""A pale stroke is this many standard deviations darker than the grain of the paper."""
_FROM_STROKE_MM = 0.75
"""Paper nearer to a dark stroke than this is its edge, mm."""
_MIN_PALE_MM = 2.5
"""Length, across or down, of a pale stroke that is writing.

On drawn scans (`research.evaluation.untyped --apart`) no empty field has one of 2 mm; of faint red
pencil each figure has one of 2.75–8 mm.
"""
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
    soft = np.asarray(cv2.blur(darkness, (_PALE_BLUR_PX, _PALE_BLUR_PX)), np.float32)
    paper = unprinted_mask(context.contrast.template, _FROM_PRINT_MM).mask
    pale = paper & (soft > _MIN_PALE_DARKNESS)
    windows = {
        spec.name: box_window(spec.area)
        for spec in specs
        if spec.traits.filled_by_hand and spec.name in readings
    }
    least_px = round(_MIN_PALE_MM * CHECK_PX_PER_MM)
    named = {name for name, window in windows.items() if _has_stroke(pale[window], least_px)}
    if not named or is_black_and_white(context.image):
        return frozenset()
    # What is darker belongs to strokes that readers see, but where they saw nothing.
    dark = _widen(darkness > _MIN_DARKNESS, _FROM_STROKE_MM)
    least = _find_grain(soft[paper])
    return frozenset(
        name
        for name in named
        if _has_stroke(
            (soft[windows[name]] > least)
            & pale[windows[name]]
            & ~(dark[windows[name]] & (readings[name].state is not State.EMPTY)),
            least_px,
        )
    )


def _find_grain(paper: NDArray[np.float32]) -> float:
    """Return how dark a stroke is that cannot be grain, by the darkness of bare paper (n,)."""
    if not paper.size:
        return 1.0
    middle = median(paper)
    return middle + _NOISE_RATIO * _NORMAL_DEVIATION * median(np.abs(paper - middle))


def _has_stroke(mask: Mask, least_px: int) -> bool:
    """Check whether connected pixels reach over a length, across or down."""
    if np.count_nonzero(mask) < least_px:
        return False
    sides = Components.of(mask).stats[1:, [cv2.CC_STAT_WIDTH, cv2.CC_STAT_HEIGHT]]
    return bool(sides.max(initial=0) >= least_px)


def _widen(mask: Mask, by_mm: float) -> Mask:
    """Return a mask at `CHECK_PX_PER_MM` with what is within a distance of it."""
    side = round(2 * by_mm * CHECK_PX_PER_MM) | 1
    return np.asarray(
        cv2.dilate(mask.view(np.uint8), np.ones((side, side), np.uint8)).view(np.bool_), np.bool_
    )


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
        cv2.LUT(channel, _brightening_table(paper))
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


def _brightening_table(paper_level: float) -> Image:
    """Return a lookup table that makes the paper of a channel white."""
    return np.asarray(
        np.minimum(np.arange(256) * (_WHITE_LEVEL / paper_level), _WHITE_LEVEL), np.uint8
    )


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
