"""Draw a form with the values that were typed in it, so that they are reviewed in their places."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from pipeline.domain.dates import today_in_sweden
from pipeline.domain.form.field import FieldSpec, Format
from pipeline.domain.form.form import Form
from pipeline.domain.model import Box, Image
from pipeline.files.pdf_render import render_own_pdf
from pipeline.forms.drawing import (
    MM_PER_POINT,
    Colour,
    PaperDocument,
    TextStyle,
    draw_fitted,
    line_top,
)
from pipeline.forms.printing import Sheet, draw_sheets

_INK = TextStyle(11, Colour.BLACK)
_SOURCE = TextStyle(8, Colour.TITLE, bold=True)
_SOURCE_AT = (40.0, 22.4)
"""Below the title: how the sheet was written."""
_LEAST_PT = 5.0
_MARGIN_MM = 1.2


def draw_typed_sheet(
    form: Form, sheet: Sheet, page_no: int, texts: Mapping[str, str], px_per_mm: float
) -> Image:
    """Draw a page of a sheet with texts in its fields, BGR.

    Args:
        texts: by field; in a field of boxes any text ticks the box, in a choice it is the option's
            value. The text of "" says how the sheet was written.
        px_per_mm: resolution.
    """
    width, height = form.pages[page_no - 1].size
    with PaperDocument(form.title, today_in_sweden()) as paper:
        draw_sheets(paper, form, [sheet])
        paper.page = page_no
        paper.words(texts.get("", ""), _SOURCE_AT, _SOURCE)
        for spec in form.pages[page_no - 1].all_fields:
            if text := texts.get(spec.name, ""):
                _draw_typed(paper, spec, text)
        pdf = bytes(paper.output())
    return render_own_pdf(pdf, page_no, size=(round(width * px_per_mm), round(height * px_per_mm)))


def _draw_typed(paper: PaperDocument, spec: FieldSpec, text: str) -> None:
    if spec.traits.is_check_box:
        _tick(paper, spec.area)
    elif spec.traits.has_options:
        for option in spec.options:
            if option.value == text:
                _tick(paper, Box(*option.box))
    elif spec.traits.has_cells and len(characters := _cell_characters(spec, text)) <= len(
        spec.cell_boxes
    ):
        for cell, character in zip(spec.cell_boxes, characters, strict=False):
            paper.words_centred(character, cell, _INK)
    elif spec.traits.is_multiline:
        _draw_paragraph(paper, spec.area, text)
    else:
        x, y, w, h = spec.box
        margin = min(_MARGIN_MM, w / 10)
        draw_fitted(paper, text, Box(x + margin, y, w - 2 * margin, h), _INK)


def _cell_characters(spec: FieldSpec, text: str) -> str:
    """Return the characters of a value, one a box: numbers align right, all else left."""
    if spec.format is Format.NUMBER:
        whole, _, part = text.replace(",", ".").partition(".")
        return (whole + part.ljust(spec.decimals, "0")).rjust(spec.cell_count)
    if spec.format in (Format.DATE, Format.TIME, Format.PERSONAL_NUMBER):
        return "".join(character for character in text if character.isalnum())
    return text


def _tick(paper: PaperDocument, box: Box) -> None:
    x, y, w, h = box.x, box.y, box.w, box.h
    paper.pen([(x + 1, y + 1), (x + w - 1, y + h - 1)], Colour.BLACK, 0.5)
    paper.pen([(x + w - 1, y + 1), (x + 1, y + h - 1)], Colour.BLACK, 0.5)


def _draw_paragraph(paper: PaperDocument, box: Box, text: str) -> None:
    """Print a text with line breaks, as small as it must be; the whole of it is in the answer."""
    width = box.w - 2 * _MARGIN_MM
    size = _INK.size
    while size > _LEAST_PT and paper.height_of(text, width, replace(_INK, size=size)) > box.h:
        size -= 0.5
    style = replace(_INK, size=size)
    top = box.y + max(0.0, line_top(size * MM_PER_POINT * 0.42, style))
    paper.paragraph(text, (box.x + _MARGIN_MM, top), width, style)
