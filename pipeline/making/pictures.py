"""A form's pages as pictures for the screen: as the printer makes them, or with the number by which each field is called."""

from __future__ import annotations

import cv2
import numpy as np
from pdf2image import convert_from_bytes

from pipeline.blanks import blank_file
from pipeline.making.trial_sheet import fields_of, numbered
from pipeline.model import Image
from pipeline.picture import decode
from pipeline.plane import PX_PER_MM, grey
from pipeline.printing import Sheet, print_sheets
from pipeline.scan import PNG
from pipeline.template import Form

WIDTH_PX = 1100
"""Of a picture: enough to read the smallest print on a screen."""
DRAWN_PX = 1400
_SPECIMEN = "00000000"
_MARK = (122, 84, 20)
_BOX_MM = 0.4
_TAG_SIZE = 0.42


def page_pictures(form: Form, *, numbers: bool = False) -> list[bytes]:
    """Each page as PNG; with `numbers`, every field framed and numbered as remarks call it."""
    pages = _elsewhere(form) if form.printed_elsewhere else _printed(form)
    if numbers:
        for page_no, page in enumerate(pages, start=1):
            _number(form, page_no, page)
    return [bytes(cv2.imencode(".png", page)[1]) for page in pages]


def blank_on_screen(blank: bytes) -> bytes:
    """The picture of a blank (PNG) as a small JPEG for drawing boxes on."""
    picture = grey(decode(blank, PNG))
    shrink = min(1.0, DRAWN_PX / picture.shape[1])
    small = cv2.resize(picture, None, fx=shrink, fy=shrink, interpolation=cv2.INTER_AREA)
    return bytes(cv2.imencode(".jpg", small, [int(cv2.IMWRITE_JPEG_QUALITY), 85])[1])


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
        boxes = [option.box for option in spec.options] or [spec.box]
        for x, y, w, h in boxes:
            left, top, right, bottom = (round(side * scale) for side in (x - _BOX_MM, y - _BOX_MM, x + w + _BOX_MM, y + h + _BOX_MM))
            cv2.rectangle(picture, (left, top), (right, bottom), _MARK, 1, cv2.LINE_AA)
        _tag(picture, str(numbers[spec.column]), tuple(side * scale for side in boxes[0]))


def _tag(picture: Image, text: str, box: tuple[float, ...]) -> None:
    """The number inside the box, at its right end, where it hides no label."""
    (width, height), _ = cv2.getTextSize(text, cv2.FONT_HERSHEY_DUPLEX, _TAG_SIZE, 1)
    x, y, w, h = box
    right, middle = round(x + w - max(0.0, min(4.0, (w - width - 6) / 2))), round(y + min(h, 40) / 2)
    cv2.rectangle(picture, (right - width - 6, middle - height // 2 - 3), (right, middle + height // 2 + 3), _MARK, -1)
    cv2.putText(picture, text, (right - width - 3, middle + height // 2), cv2.FONT_HERSHEY_DUPLEX, _TAG_SIZE, (255, 255, 255), 1, cv2.LINE_AA)
