"""What every stage after registration knows about one page."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Self

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.domain.form.field import FieldSpec, Kind
from pipeline.domain.form.form import Form
from pipeline.domain.form.page import PageSpec
from pipeline.domain.model import Box, Image
from pipeline.reading.imaging.cache import cached_per_object
from pipeline.reading.imaging.pixels import Components, Mask, is_black_and_white
from pipeline.reading.imaging.print_contrast import (
    CHECK_PX_PER_MM,
    PrintContrast,
    TemplatePrint,
    box_window,
    measure_print_contrast,
    pixel_box,
    unprinted_mask,
)
from pipeline.reading.register.register import Registration
from pipeline.reading.register.template_images import template_image


@dataclass(frozen=True, slots=True)
class PageContext:
    """A page that is identified and registered to its form.

    `image` is the page as scanned; `registration.upright` is the page registered to the form, grey,
    at 8 px/mm; `template` is the unfilled form at the same scale. `contrast` is the visibility of
    the form's print on the page. Only fields of the given `kinds` are read. `is_black_and_white`:
    the scan has no shades of grey.
    """

    image: Image
    form: Form
    page_no: int
    registration: Registration
    template: Image
    contrast: PrintContrast
    kinds: frozenset[Kind]
    is_black_and_white: bool

    @classmethod
    def of(
        cls,
        image: Image,
        form: Form,
        page_no: int,
        registration: Registration,
        kinds: frozenset[Kind],
    ) -> Self:
        """Make the context of a page, with what follows from its registration."""
        template = template_image(form, page_no)
        contrast = measure_print_contrast(registration.upright, template)
        one_bit = is_black_and_white(image)
        return cls(image, form, page_no, registration, template, contrast, kinds, one_bit)

    @property
    def page(self) -> PageSpec:
        """The page of the form."""
        return self.form.pages[self.page_no - 1]

    @property
    def all_fields(self) -> tuple[FieldSpec, ...]:
        """All fields of the page, in the order of the form."""
        return tuple(self.page.all_fields)

    @property
    def fields(self) -> tuple[FieldSpec, ...]:
        """The fields that are read, in the order of the form."""
        return tuple(spec for spec in self.all_fields if spec.kind in self.kinds)

    @property
    def upright(self) -> Image:
        """The page registered to its form, grey, 8 px/mm."""
        return self.registration.upright


# Find pen strokes and words on a page, at `print_contrast.CHECK_PX_PER_MM`.
#
# The page checks share this module.

PEN_DARKNESS = 0.15
"""Darkness of a pen, at least.

Show-through and dirt are paler, or numerous and then flagged by `image_quality`.
"""
_MAX_SPECK_MM2 = 0.4
"""Smaller ink is dust, mm²."""
_FROM_PRINT_MM = 0.25
"""Ink nearer to print than this is not examined, mm."""
InkShape = tuple[int, int, Mask]
"""Row and column of the first pixel of connected ink, px, and its pixels."""


_MIN_STROKES, _MIN_STROKES_PER_MM = 5, 0.3
"""How often a line through the middle of a word crosses ink, and how often per mm of its length.

The edge of a stain and a crease do so less often.
"""


def remove_specks(ink: Mask) -> Mask:
    """Return the ink without dust."""
    components = Components.of(ink)
    area = components.column(cv2.CC_STAT_AREA)
    return components.pixels(area >= _MAX_SPECK_MM2 * CHECK_PX_PER_MM**2)


def find_pen_words(ink: Mask, gap_mm: float, min_length_mm: float) -> list[Box]:
    """Find words of at least `min_length_mm`; strokes within `gap_mm` belong to the same word."""
    side = round(2 * gap_mm * CHECK_PX_PER_MM) // 2 | 1
    # Join the strokes of a word by dilation.
    groups = Components.of(
        np.asarray(
            cv2.dilate(
                ink.view(np.uint8), cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side))
            )
            > 0,
            np.bool_,
        )
    )
    words: list[Box] = []
    for number, (left, top, width, height, _) in enumerate(groups.stats[1:], 1):
        if max(width, height) < min_length_mm * CHECK_PX_PER_MM:
            continue
        window = slice(top, top + height), slice(left, left + width)
        # Only the ink itself tells writing from stains.
        if _is_writing(
            np.asarray(ink[window] & (groups.labels[window] == number), np.bool_), min_length_mm
        ):
            words.append(pixel_box(left, top, width, height))
    return words


def _is_writing(shape: Mask, min_length_mm: float) -> bool:
    """Check whether strokes (h, w) follow each other along a line, across or down."""
    return _follows_line(shape, min_length_mm) or _follows_line(shape.T, min_length_mm)


def _follows_line(shape: Mask, min_length_mm: float) -> bool:
    # Length of the ink along the line.
    length_mm = int(np.count_nonzero(shape.any(axis=0))) / CHECK_PX_PER_MM
    if length_mm < min_length_mm:
        return False
    # The row that crosses most strokes.
    strokes = int(_count_crossings(shape).max(initial=0))
    return strokes >= max(_MIN_STROKES, _MIN_STROKES_PER_MM * length_mm)


def _count_crossings(shape: Mask) -> NDArray[np.int64]:
    """Return how many strokes each row crosses, (h,)."""
    # A stroke begins where ink follows paper.
    begins = shape.copy()
    begins[:, 1:] &= ~shape[:, :-1]
    return np.asarray(np.count_nonzero(begins, axis=1), np.int64)


def list_check_boxes(specs: Sequence[FieldSpec]) -> list[tuple[str, Box]]:
    """Return every check box, mm, with the name of its field."""
    return [
        (spec.name, box) for spec in specs if spec.traits.has_check_boxes for box in spec.outlines
    ]


@cached_per_object
def find_pen_strokes(contrast: PrintContrast) -> Mask:
    """Return where a page has ink that is not on or close to print, read-only."""
    ink = np.asarray(
        (contrast.darkness > PEN_DARKNESS) & find_bare_paper(contrast.template), np.bool_
    )
    ink.flags.writeable = False
    return ink


def find_bare_paper(template: TemplatePrint) -> Mask:
    """Return where a template has no print that would hide pen strokes."""
    return unprinted_mask(template, _FROM_PRINT_MM).mask


def connect_ink(ink: Mask, gap_mm: float, min_mm: float, max_mm: float) -> Iterator[InkShape]:
    """Yield ink that is connected over gaps of twice `gap_mm`, with such a margin around it.

    Its shorter side is at least `min_mm`, its longer at most `max_mm`.
    """
    # Dilation bridges gaps; the size limits apply to the dilated shape.
    side = round(2 * gap_mm * CHECK_PX_PER_MM) | 1
    joined = cv2.dilate(
        ink.view(np.uint8), cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side))
    )
    # Outlines are found in a fraction of the time that numbering a whole page takes.
    contours, inner = cv2.findContours(joined, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_SIMPLE)
    for contour, (*_, around) in zip(contours, [] if inner is None else inner[0], strict=True):
        left, top, width, height = cv2.boundingRect(contour)
        if around < 0 and (  # else the edge of a hole
            min_mm * CHECK_PX_PER_MM <= min(width, height)
            and max(width, height) <= max_mm * CHECK_PX_PER_MM
        ):
            window = slice(top, top + height), slice(left, left + width)
            components = Components.of(joined[window] > 0)
            x, y = contour[0, 0].tolist()
            number = components.labels[y - top, x - left]
            yield top, left, np.asarray(ink[window] & (components.labels == number), np.bool_)


def ink_within(stroke: InkShape, box: Box) -> int:
    """Return how much of a stroke's ink is in a box (mm), px."""
    top, left, pixels = stroke
    rows, columns = box_window(box)
    inside = pixels[
        max(0, rows.start - top) : max(0, rows.stop - top),
        max(0, columns.start - left) : max(0, columns.stop - left),
    ]
    return int(np.count_nonzero(inside))
