"""Template images, the unfilled pages that scans are compared with, and field margins."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np

from pipeline.domain.errors import EfterskriftError, FormError
from pipeline.domain.form.field import FieldSpec
from pipeline.domain.form.form import Form
from pipeline.domain.form.page import PAGE_HEIGHT_MM, PAGE_WIDTH_MM
from pipeline.domain.model import Image
from pipeline.files.images import decode_image
from pipeline.files.page_files import read_pages
from pipeline.files.pdf_render import render_own_pdf
from pipeline.forms.fiducials import CODE_BOXES, SERIAL_LENGTH
from pipeline.forms.printing import Sheet, print_sheets
from pipeline.reading.fields.field_image import FieldImage
from pipeline.reading.imaging.geometry import PX_PER_MM, box_distance, to_grayscale
from pipeline.reading.register.register import cut_box

_PAGE_SIZE_PX = (round(PAGE_WIDTH_MM * PX_PER_MM), round(PAGE_HEIGHT_MM * PX_PER_MM))
_QUIET_MM = 0.5
"""White around the codes, mm."""
_OVERSAMPLING = 3
"""Drawn this many times finer and averaged: poppler moves letters to whole pixels."""
_WHITE_FROM, _MIN_WHITE_SHARE = 253, 0.3
"""A blank with a greater share of so white pixels was drawn, or whitened by its scanner."""
_PAPER_SCALE, _PAPER_PARTS = 0.25, 60
"""Scale in which the paper of a scanned blank is sought, and its side in the widest print."""
_PAPER_SHARE = 0.98
"""Of a scanned blank, what is at least so bright as the paper is white.

Not the pale edges of print too, which on a page would look like ink: with 0.94 three empty boxes of
a blurred photograph were read as marked, and more boxes of three scans had a low p (546, now 332).
"""
FIELD_MARGIN_MM = 2.0
"""Paper around a field that its reader gets, mm: handwriting leaves its box."""
LINES_MARGIN_MM = 8.0
"""The same for lines of a note, unless another field is nearer: they run out to the right, and one
more is written below the last rule.
"""
NEIGHBOUR_GAP_MM = 0.5
"""Space left between the margin and the next field, mm."""


def template_image(form: Form, page_no: int) -> Image:
    """Return the unfilled page, grey, 8 px/mm (A4: 1680 × 2376 px), read-only.

    The places of Efterskrift's codes are white, because each sheet's differ. For a form printed
    elsewhere it is the image that the form names.

    Raises:
        FormError: that image cannot be read.
    """
    # Forms printed elsewhere name their own image.
    page = form.pages[page_no - 1]
    if page.blank is not None:
        return load_template_file(page.blank, page.size)
    return _render_template(form.model_dump_json(exclude_unset=True), page_no)


@lru_cache(maxsize=4)
def _print_unfilled(definition: str) -> bytes:
    """Print an unfilled form (given as JSON), with any serial and date, once for all its pages."""
    form = Form.model_validate_json(definition)
    return print_sheets(form, [Sheet("0" * SERIAL_LENGTH)], printed_on=date(2000, 1, 1))


@lru_cache(maxsize=64)
def _render_template(definition: str, page_no: int) -> Image:
    """Draw a page of a form (given as JSON) as a template image."""
    # Render the print finely.
    pdf = _print_unfilled(definition)
    width, height = _PAGE_SIZE_PX
    fine = (width * _OVERSAMPLING, height * _OVERSAMPLING)
    page = render_own_pdf(pdf, page_no, size=fine, grayscale=True)
    picture = np.array(
        cv2.resize(page, _PAGE_SIZE_PX, interpolation=cv2.INTER_AREA),
        np.uint8,
    )

    # Whiten the places of the codes, which differ on each sheet.
    for box in CODE_BOXES:
        left, top = (int((v - _QUIET_MM) * PX_PER_MM) for v in (box.x, box.y))
        right, bottom = (
            int(np.ceil((v + _QUIET_MM) * PX_PER_MM)) for v in (box.x + box.w, box.y + box.h)
        )
        picture[top:bottom, left:right] = 255
    # Read-only, so that results about it can be cached.
    picture.flags.writeable = False
    return picture


@lru_cache(maxsize=16)
def load_template_file(path: Path, size_mm: tuple[float, float]) -> Image:
    """Load the unfilled page that a file (image or PDF) shows edge to edge, as it was printed.

    The result is grey, 8 px/mm, read-only.

    Raises:
        FormError: the file cannot be read.
    """
    return _scaled(_without_scanner(_load_picture(path)), size_mm)


def load_blank_scan(path: Path, size_mm: tuple[float, float]) -> Image:
    """Load the same page with the paper and grain of its scan: pages have such edges too.

    Raises:
        FormError: the file cannot be read.
    """
    return _scaled(_load_picture(path), size_mm)


def _load_picture(path: Path) -> Image:
    try:
        page = next(read_pages(path))
        return to_grayscale(decode_image(page.data or b"", page.media_type))
    except (OSError, StopIteration, EfterskriftError) as error:
        raise FormError("not_an_unfilled_form", path=path) from error


def _scaled(picture: Image, size_mm: tuple[float, float]) -> Image:
    size = tuple(round(side * PX_PER_MM) for side in size_mm)
    interpolation = cv2.INTER_AREA if picture.shape[1] > size[0] else cv2.INTER_CUBIC
    scaled = np.array(cv2.resize(picture, size, interpolation=interpolation), np.uint8)
    # Read-only, so that results about it can be cached.
    scaled.flags.writeable = False
    return scaled


def _without_scanner(picture: Image) -> Image:
    """Return a blank as it was printed: white paper without grain, also where it was scanned."""
    if np.count_nonzero(picture >= _WHITE_FROM) >= _MIN_WHITE_SHARE * picture.size:
        return picture
    # The level of the paper near each place, from a small image without print
    small = cv2.resize(
        picture, None, fx=_PAPER_SCALE, fy=_PAPER_SCALE, interpolation=cv2.INTER_AREA
    )
    side = max(3, min(small.shape) // _PAPER_PARTS | 1)
    paper = cv2.morphologyEx(cv2.medianBlur(small, 3), cv2.MORPH_CLOSE, np.ones((side, side)))
    paper = cv2.resize(cv2.blur(paper, (side, side)), picture.shape[1::-1])
    white = cv2.divide(cv2.medianBlur(picture, 3), paper, scale=255 / _PAPER_SHARE)
    return np.asarray(white, np.uint8)


def field_margin_mm(spec: FieldSpec, others: Iterable[FieldSpec]) -> float:
    """Return the margin on all sides of a field, mm.

    `others` are the fields of its page (the field itself may be among them).
    """
    if not spec.traits.is_multiline:
        return FIELD_MARGIN_MM
    # Notes may be wide, but not into the next field.
    nearest = min(
        (box_distance(spec.area, other.area) for other in others if other.name != spec.name),
        default=LINES_MARGIN_MM + NEIGHBOUR_GAP_MM,
    )
    return max(FIELD_MARGIN_MM, min(LINES_MARGIN_MM, nearest - NEIGHBOUR_GAP_MM))


def cut_field_images(
    upright: Image, form: Form, page_no: int, specs: Iterable[FieldSpec]
) -> list[FieldImage]:
    """Return the field images of a page as the readers got them when it was first read."""
    page, template = to_grayscale(upright), template_image(form, page_no)
    all_fields = form.pages[page_no - 1].all_fields
    margins = [(spec, field_margin_mm(spec, all_fields)) for spec in specs]
    return [
        FieldImage(cut_box(page, spec.area, m), spec, cut_box(template, spec.area, m), PX_PER_MM, m)
        for spec, m in margins
    ]
