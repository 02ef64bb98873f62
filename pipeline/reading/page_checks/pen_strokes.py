"""Where strokes of a pen or of print stand together as those of words do, in pictures of
`print_contrast.SCALE`.

Check boxes, and connected pen strokes around them: readers of boxes see only what is in or close
to each.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.domain.form.field import FieldSpec
from pipeline.domain.model import Box
from pipeline.reading.imaging.cache import Mask
from pipeline.reading.imaging.components import Components
from pipeline.reading.imaging.print_contrast import (
    CHECK_PX_PER_MM,
    PrintContrast,
    TemplatePrint,
    unprinted_mask,
)

PEN_DARKNESS = 0.15
"""Darkness of a pen; what shines through from the back and dirt are paler, or many and then told by
`clearness`.
"""
_MAX_SPECK_MM2 = 0.4
"""Smaller ink is dust, mm²."""
_FROM_PRINT_MM = 0.25
"""Ink nearer to print than this is not examined, mm."""
InkShape = tuple[int, int, Mask]
"""The row and column of the first pixel of connected ink, px, and its pixels."""


_MIN_STROKES, _MIN_STROKES_PER_MM = 5, 0.3
"""How often a line through the middle of a word crosses ink, and how often per mm of its length;
the edge of a stain and a crease do not.
"""


def remove_specks(ink: Mask) -> Mask:
    """The strokes that are no dust."""
    parts = Components.of(ink)
    large = parts.column(cv2.CC_STAT_AREA) >= _MAX_SPECK_MM2 * CHECK_PX_PER_MM**2
    large[0] = False
    return parts.pixels(large)


def find_pen_words(ink: Mask, near_mm: float, long_mm: float) -> list[Box]:
    """Words at least so long, mm; strokes so near to each other are of one."""
    side = round(2 * near_mm * CHECK_PX_PER_MM) // 2 | 1
    groups = Components.of(
        np.asarray(
            cv2.dilate(
                ink.view(np.uint8), cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side))
            )
            > 0,
            np.bool_,
        )
    )
    found: list[Box] = []
    for number, (left, top, width, height, _) in enumerate(groups.stats[1:], 1):
        if max(width, height) < long_mm * CHECK_PX_PER_MM:
            continue
        place = slice(top, top + height), slice(left, left + width)
        if _is_writing(
            np.asarray(ink[place] & (groups.labels[place] == number), np.bool_), long_mm
        ):
            found.append(
                Box(
                    left / CHECK_PX_PER_MM,
                    top / CHECK_PX_PER_MM,
                    width / CHECK_PX_PER_MM,
                    height / CHECK_PX_PER_MM,
                )
            )
    return found


def _is_writing(shape: Mask, long_mm: float) -> bool:
    """Whether strokes (h, w) follow each other along a line, across or down."""
    return _follows_line(shape, long_mm) or _follows_line(shape.T, long_mm)


def _follows_line(shape: Mask, long_mm: float) -> bool:
    long = int(np.count_nonzero(shape.any(axis=0))) / CHECK_PX_PER_MM
    if long < long_mm:
        return False
    strokes = int(_count_crossings(shape).max(initial=0))
    return strokes >= max(_MIN_STROKES, _MIN_STROKES_PER_MM * long)


def _count_crossings(shape: Mask) -> NDArray[np.int64]:
    """How many strokes each row crosses, (h,)."""
    begins = shape.copy()
    begins[:, 1:] &= ~shape[:, :-1]
    return np.asarray(np.count_nonzero(begins, axis=1), np.int64)


def list_check_boxes(specs: Sequence[FieldSpec]) -> list[tuple[str, Box]]:
    """Every check box, mm, with the name of its field."""
    return [
        (spec.name, box) for spec in specs if spec.traits.has_check_boxes for box in spec.outlines
    ]


def find_pen_strokes(seen: PrintContrast) -> Mask:
    """Where a page has ink that does not lie on or close to print."""
    return np.asarray((seen.darkness > PEN_DARKNESS) & find_bare_paper(seen.template), np.bool_)


def find_bare_paper(form: TemplatePrint) -> Mask:
    """Where a form has no print on which pen strokes are not seen."""
    return unprinted_mask(form, _FROM_PRINT_MM).mask


def connect_ink(ink: Mask, gap_mm: float, least_mm: float, most_mm: float) -> Iterator[InkShape]:
    """Ink that hangs together over gaps of twice `gap_mm`, with such a margin around it: its
    shorter side at least, its longer at most so long.
    """
    side = round(2 * gap_mm * CHECK_PX_PER_MM) | 1
    parts = Components.of(
        cv2.dilate(ink.view(np.uint8), cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side)))
        > 0
    )
    for number, (left, top, width, height, _) in enumerate(parts.stats[1:].tolist(), 1):
        if (
            least_mm * CHECK_PX_PER_MM <= min(width, height)
            and max(width, height) <= most_mm * CHECK_PX_PER_MM
        ):
            place = slice(top, top + height), slice(left, left + width)
            yield top, left, np.asarray(ink[place] & (parts.labels[place] == number), np.bool_)
