"""The unfilled page as a picture in template coordinates: what a scan is compared with."""

from __future__ import annotations

from datetime import date
from functools import lru_cache

import cv2
import numpy as np
from pdf2image import convert_from_bytes

from pipeline.fiducials import CODES, SERIAL_LENGTH
from pipeline.model import Image
from pipeline.printing import Sheet, print_sheets
from pipeline.template import PAGE_HEIGHT_MM, PAGE_WIDTH_MM, Form

PX_PER_MM = 8.0
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


def blank(form: Form, page_no: int) -> Image:
    """The unfilled page, grey, 1680 × 2376 px at 8 px per mm, read-only. The places of the codes are white, because each sheet's differ."""
    return _blank(form.model_dump_json(exclude_unset=True), page_no)
