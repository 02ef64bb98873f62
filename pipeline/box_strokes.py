"""Check boxes, and connected pen strokes around them: readers of boxes see only what is in or close to each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import cv2
import numpy as np

from pipeline.components import Components
from pipeline.field_spec import FieldSpec
from pipeline.model import Box
from pipeline.packed import Mask
from pipeline.pen_words import DARK
from pipeline.print_contrast import SCALE, Print, Seen, unprinted

_FROM_PRINT_MM = 0.25
"""Ink nearer to print than this is not examined, mm."""
Shape = tuple[int, int, Mask]
"""The row and column of the first pixel of connected ink, px, and its pixels."""


def check_boxes(specs: Sequence[FieldSpec]) -> list[tuple[str, Box]]:
    """Every check box, mm, with the name of its field."""
    return [(spec.name, box) for spec in specs if spec.traits.has_check_boxes for box in spec.outlines]


def pen_strokes(seen: Seen) -> Mask:
    """Where a page has ink that does not lie on or close to print."""
    return np.asarray((seen.dark > DARK) & bare_paper(seen.form), np.bool_)


def bare_paper(form: Print) -> Mask:
    """Where a form has no print on which pen strokes are not seen."""
    return unprinted(form, _FROM_PRINT_MM).mask


def connected(ink: Mask, gap_mm: float, least_mm: float, most_mm: float) -> Iterator[Shape]:
    """Ink that hangs together over gaps of twice `gap_mm`, with such a margin around it: its shorter side at least, its longer at most so long."""
    side = round(2 * gap_mm * SCALE) | 1
    parts = Components.of(cv2.dilate(ink.view(np.uint8), cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side))) > 0)
    for number, (left, top, width, height, _) in enumerate(parts.stats[1:].tolist(), 1):
        if least_mm * SCALE <= min(width, height) and max(width, height) <= most_mm * SCALE:
            place = slice(top, top + height), slice(left, left + width)
            yield top, left, np.asarray(ink[place] & (parts.labels[place] == number), np.bool_)
