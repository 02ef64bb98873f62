"""Render a form's pages as images for the screen, and print copies of a form in use."""

from __future__ import annotations

import cv2
import numpy as np

from pipeline.domain.dates import today_in_sweden
from pipeline.domain.errors import UsageError
from pipeline.domain.form.form import Form
from pipeline.domain.law.permissions import Action
from pipeline.domain.model import Image, Person
from pipeline.domain.settings import Settings
from pipeline.files.images import decode_image
from pipeline.files.page_files import PNG
from pipeline.files.pdf_render import render_own_pdf
from pipeline.forms.letterhead import load_letterhead
from pipeline.forms.printing import Sheet, make_blank_sheets, print_sheets, to_issued_sheet
from pipeline.preparation.form_editor.trial_judging import list_written_fields, number_fields
from pipeline.reading.imaging.geometry import PX_PER_MM, to_grayscale
from pipeline.reading.register.template_images import load_template_file
from pipeline.store.database.store import Store
from pipeline.store.registers.issued_sheets import save_issued_sheets

PAGE_WIDTH_PX = 1100
"""Width of a page's image: enough to read the smallest print on a screen."""
DRAWING_WIDTH_PX = 1400
"""Largest width of the image that boxes are drawn on."""
_SPECIMEN_SERIAL = "00000000"
_FRAME_COLOR = (122, 84, 20)  # BGR
_FRAME_MM = 0.4
_TAG_FONT_SCALE = 0.42
MAX_COPIES = 500
"""Number of sheets that can be printed at once."""


def render_page_images(form: Form, *, numbers: bool = False) -> list[bytes]:
    """Render each page as PNG; with `numbers`, the fields are framed and numbered as in remarks."""
    pages = _render_external_pages(form) if form.printed_elsewhere else _render_printed_pages(form)
    if numbers:
        for page_no, page in enumerate(pages, start=1):
            _draw_field_numbers(form, page_no, page)
    return [bytes(cv2.imencode(".png", page)[1]) for page in pages]


def render_blank_for_screen(blank: bytes) -> bytes:
    """Return the image of a blank form (PNG) as a small JPEG for drawing boxes on."""
    image = to_grayscale(decode_image(blank, PNG))
    scale = min(1.0, DRAWING_WIDTH_PX / image.shape[1])
    small = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    return bytes(cv2.imencode(".jpg", small, [int(cv2.IMWRITE_JPEG_QUALITY), 85])[1])


def _render_printed_pages(form: Form) -> list[Image]:
    pdf = print_sheets(form, [Sheet(_SPECIMEN_SERIAL)])
    size = (PAGE_WIDTH_PX, None)
    return [render_own_pdf(pdf, number, size=size) for number in range(1, len(form.pages) + 1)]


def _render_external_pages(form: Form) -> list[Image]:
    page = form.pages[0]
    assert page.blank
    # The template has a fixed scale (px/mm); the preview a fixed width.
    scale = PAGE_WIDTH_PX / (page.size[0] * PX_PER_MM)
    small = cv2.resize(
        load_template_file(page.blank, page.size),
        None,
        fx=scale,
        fy=scale,
        interpolation=cv2.INTER_AREA,
    )
    return [np.asarray(cv2.cvtColor(small, cv2.COLOR_GRAY2BGR), np.uint8)]


def _draw_field_numbers(form: Form, page_no: int, page: Image) -> None:
    """Frame and number the fields of a page; of a table only those of the first row."""
    # Millimetres to pixels of the preview.
    numbers, scale = number_fields(form), page.shape[1] / form.pages[page_no - 1].size[0]
    for spec in list_written_fields(form, page_no):
        if spec.row not in (None, 1):
            continue
        # A choice has a frame around each option.
        boxes = [option.box for option in spec.options] or [spec.box]
        for x, y, w, h in boxes:
            left, top, right, bottom = (
                round(side * scale)
                for side in (x - _FRAME_MM, y - _FRAME_MM, x + w + _FRAME_MM, y + h + _FRAME_MM)
            )
            cv2.rectangle(page, (left, top), (right, bottom), _FRAME_COLOR, 1, cv2.LINE_AA)
        _draw_number_tag(page, str(numbers[spec.column]), tuple(side * scale for side in boxes[0]))


def _draw_number_tag(page: Image, text: str, box: tuple[float, ...]) -> None:
    """Draw a number inside the box (px), at its right end, where it covers no label."""
    (width, height), _ = cv2.getTextSize(text, cv2.FONT_HERSHEY_DUPLEX, _TAG_FONT_SCALE, 1)
    x, y, w, h = box
    # A small gap to the frame, if the box is wide enough for one; at the top of a high box.
    right = round(x + w - max(0.0, min(4.0, (w - width - 6) / 2)))
    middle = round(y + min(h, 40) / 2)
    cv2.rectangle(
        page,
        (right - width - 6, middle - height // 2 - 3),
        (right, middle + height // 2 + 3),
        _FRAME_COLOR,
        -1,
    )
    cv2.putText(
        page,
        text,
        (right - width - 3, middle + height // 2),
        cv2.FONT_HERSHEY_DUPLEX,
        _TAG_FONT_SCALE,
        (255, 255, 255),
        1,
        cv2.LINE_AA,
    )


def print_copies(
    store: Store, settings: Settings, form: Form, person: Person, unit: str, copies: int
) -> bytes:
    """Print blank sheets of a form for a unit and register their serials as issued.

    Raises:
        NotAllowedError: the person may not print for this unit.
        UsageError: that many cannot be printed.
        FormError: the form is printed elsewhere.
    """
    store.require_permission(person, Action.PRINT, unit)
    if not 1 <= copies <= MAX_COPIES:
        raise UsageError("too_many_copies", copies=copies, most_copies=MAX_COPIES)
    sheets = make_blank_sheets(copies, unit)
    pdf = print_sheets(form, sheets, letterhead=load_letterhead(settings, today_in_sweden()))
    store.change(
        save_issued_sheets, [to_issued_sheet(form, sheet) for sheet in sheets], by=person.login
    )
    return pdf
