"""The unfilled page as a picture in template coordinates: what a scan is compared with."""

from __future__ import annotations

from datetime import date
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
from pdf2image import convert_from_bytes

from pipeline.errors import EfterskriftError, FormError
from pipeline.fiducials import CODES, SERIAL_LENGTH
from pipeline.model import Image
from pipeline.page_spec import PAGE_HEIGHT_MM, PAGE_WIDTH_MM
from pipeline.picture import decode
from pipeline.plane import PX_PER_MM, grey
from pipeline.printing import Sheet, print_sheets
from pipeline.scan import pages_of
from pipeline.template import Form

_SIZE = (round(PAGE_WIDTH_MM * PX_PER_MM), round(PAGE_HEIGHT_MM * PX_PER_MM))
_QUIET_MM = 0.5
_FINER = 3
"""Drawn so many times finer and averaged: poppler moves letters to whole pixels."""


@lru_cache(maxsize=64)
def _blank(definition: str, page_no: int) -> Image:
    form = Form.model_validate_json(definition)
    pdf = print_sheets(form, [Sheet("0" * SERIAL_LENGTH)], printed_on=date(2000, 1, 1))
    fine = tuple(side * _FINER for side in _SIZE)
    page = convert_from_bytes(pdf, size=fine, grayscale=True, first_page=page_no, last_page=page_no)[0]
    picture = np.array(cv2.resize(np.asarray(page, np.uint8), _SIZE, interpolation=cv2.INTER_AREA), np.uint8)
    for box in CODES:
        left, top = (int((v - _QUIET_MM) * PX_PER_MM) for v in (box.x, box.y))
        right, bottom = (int(np.ceil((v + _QUIET_MM) * PX_PER_MM)) for v in (box.x + box.w, box.y + box.h))
        picture[top:bottom, left:right] = 255
    picture.flags.writeable = False
    return picture


@lru_cache(maxsize=64)
def blank_file(path: Path, size_mm: tuple[float, float]) -> Image:
    """The unfilled page that a file (picture or PDF) shows edge to edge, grey, 8 px per mm, read-only.

    Raises:
        FormError: the file cannot be read.
    """
    try:
        page = next(pages_of(path))
        picture = grey(decode(page.data or b"", page.media_type))
    except (OSError, StopIteration, EfterskriftError) as error:
        raise FormError("no_picture_unfilled_form", path=path) from error
    size = tuple(round(side * PX_PER_MM) for side in size_mm)
    how = cv2.INTER_AREA if picture.shape[1] > size[0] else cv2.INTER_CUBIC
    laid = np.array(cv2.resize(picture, size, interpolation=how), np.uint8)
    laid.flags.writeable = False
    return laid


def blank(form: Form, page_no: int) -> Image:
    """The unfilled page, grey, 8 px per mm (A4: 1680 × 2376 px), read-only.

    The places of our own codes are white, because each sheet's differ. Of a form printed elsewhere it is the picture that the form names.

    Raises:
        FormError: that picture cannot be read.
    """
    page = form.pages[page_no - 1]
    if page.blank is not None:
        return blank_file(page.blank, page.size)
    return _blank(form.model_dump_json(exclude_unset=True), page_no)
