"""A form's pages as pictures for the screen: as the printer makes them, or with the number by which each field is called."""

from __future__ import annotations

import cv2
import numpy as np
from pdf2image import convert_from_bytes

from pipeline.blanks import blank_file
from pipeline.making.trial_sheet import fields_of, numbered
from pipeline.model import Image
from pipeline.plane import PX_PER_MM
from pipeline.printing import Sheet, print_sheets
from pipeline.template import Form

WIDTH_PX = 1100
"""Of a picture: enough to read the smallest print on a screen."""
_SPECIMEN = "00000000"
_MARK = (122, 84, 20)
_BOX_MM = 0.4


def page_pictures(form: Form, *, numbers: bool = False) -> list[bytes]:
    """Each page as PNG; with `numbers`, every field framed and numbered as remarks call it."""
    pages = _elsewhere(form) if form.printed_elsewhere else _printed(form)
    if numbers:
        for page_no, page in enumerate(pages, start=1):
            _number(form, page_no, page)
    return [bytes(cv2.imencode(".png", page)[1]) for page in pages]


def _printed(form: Form) -> list[Image]:
    pages = convert_from_bytes(print_sheets(form, [Sheet(_SPECIMEN)]), size=(WIDTH_PX, None))
    return [np.ascontiguousarray(np.asarray(page.convert("RGB"), np.uint8)[:, :, ::-1]) for page in pages]


def _elsewhere(form: Form) -> list[Image]:
    page = form.pages[0]
    assert page.blank
    scale = WIDTH_PX / (page.size[0] * PX_PER_MM)
    small = cv2.resize(blank_file(page.blank, page.size), None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    return [np.asarray(cv2.cvtColor(small, cv2.COLOR_GRAY2BGR), np.uint8)]


def _number(form: Form, page_no: int, picture: Image) -> None:
    """Frame and number; of a table only the first row."""
    numbers, scale = numbered(form), picture.shape[1] / form.pages[page_no - 1].size[0]
    for spec in fields_of(form, page_no):
        if spec.row not in (None, 1):
            continue
        x, y, w, h = (side * scale for side in spec.box)
        air = _BOX_MM * scale
        cv2.rectangle(picture, (round(x - air), round(y - air)), (round(x + w + air), round(y + h + air)), _MARK, 2, cv2.LINE_AA)
        text, corner = str(numbers[spec.column]), (round(x - air), round(y - air))
        (width, height), _ = cv2.getTextSize(text, cv2.FONT_HERSHEY_DUPLEX, 0.42, 1)
        cv2.rectangle(picture, (corner[0], corner[1] - height - 4), (corner[0] + width + 6, corner[1]), _MARK, -1)
        cv2.putText(picture, text, (corner[0] + 3, corner[1] - 3), cv2.FONT_HERSHEY_DUPLEX, 0.42, (255, 255, 255), 1, cv2.LINE_AA)
