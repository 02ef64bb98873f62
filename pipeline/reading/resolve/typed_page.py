"""Values that were typed and not written on paper: nothing is read, registers only comment on them.

A value stays as its author typed it. What the registers, the outage and the other fields say of it
becomes evidence and issues, as for paper.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

import cv2
import numpy as np

from pipeline.domain.dates import today_in_sweden
from pipeline.domain.errors import InvalidAnswerError
from pipeline.domain.form.field import FieldSpec, Format
from pipeline.domain.form.form import Form, Forms
from pipeline.domain.issues import Issue, IssueCode
from pipeline.domain.model import (
    TYPED_BY_AUTHOR,
    Box,
    Image,
    Outcome,
    PageReading,
    Reading,
    SheetCode,
    State,
    Value,
)
from pipeline.domain.review.field_values import normalize_value
from pipeline.files.documents import (
    NoteFile,
    NoteFileError,
    TypedKind,
    TypedPage,
    note_lines,
    parse_note,
    parse_row,
)
from pipeline.files.pdf_render import render_own_pdf
from pipeline.forms.drawing import (
    MM_PER_POINT,
    Colour,
    PaperDocument,
    TextStyle,
    draw_fitted,
    line_top,
)
from pipeline.forms.fiducials import format_serial, is_serial
from pipeline.forms.printing import Sheet, draw_sheets
from pipeline.reading.imaging.geometry import PX_PER_MM
from pipeline.reading.resolve.resolve import ReadingContext, resolve_page
from pipeline.registers.staff import StaffRegister

# Draw a form with the values that were typed in it, so that they are reviewed in their places.

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
        paper.cross(spec.area)
    elif spec.traits.has_options:
        for option in spec.options:
            if option.value == text:
                paper.cross(Box(*option.box))
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


def _draw_paragraph(paper: PaperDocument, box: Box, text: str) -> None:
    """Print a text with line breaks, as small as it must be; the whole of it is in the answer."""
    width = box.w - 2 * _MARGIN_MM
    size = _INK.size
    while size > _LEAST_PT and paper.height_of(text, width, replace(_INK, size=size)) > box.h:
        size -= 0.5
    style = replace(_INK, size=size)
    top = box.y + max(0.0, line_top(size * MM_PER_POINT * 0.42, style))
    paper.paragraph(text, (box.x + _MARGIN_MM, top), width, style)


_TYPED = (TYPED_BY_AUTHOR,)
_JPEG_QUALITY = 88


@dataclass(frozen=True, slots=True)
class TypedSheet:
    """A page of a form that was typed: its sheet's code and unit, and texts by field.

    `source` says to people how it was written.
    """

    code: SheetCode
    unit: str
    texts: Mapping[str, str]
    source: str


def read_typed_sheet(
    typed: TypedSheet, form: Form, context: ReadingContext
) -> tuple[PageReading, bytes]:
    """Return the values of a typed page of a form, and the form with them drawn in it (JPEG)."""
    specs = form.pages[typed.code.page_no - 1].all_fields
    readings = {
        spec.name: _typed_reading(spec, typed.texts.get(spec.name, ""), context.staff)
        for spec in specs
    }
    resolved, issues = resolve_page(specs, form, readings, context.of_page(form, typed.unit))
    fields = {name: _as_typed(reading, resolved[name]) for name, reading in readings.items()}
    reading = PageReading(
        Outcome.READ, typed.code, issues=tuple(map(str, issues)), fields=fields, unit=typed.unit
    )
    sheet = Sheet(typed.code.serial, typed.unit)
    texts = {**typed.texts, "": typed.source}
    image = draw_typed_sheet(form, sheet, typed.code.page_no, texts, PX_PER_MM)
    quality = [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY]
    return reading, np.asarray(cv2.imencode(".jpg", image, quality)[1]).tobytes()


def find_typed_sheet(
    typed: TypedPage, forms: Forms, secret: str
) -> tuple[TypedSheet | None, tuple[IssueCode, ...]]:
    """Return the page of a form that was typed; None for another text, or one with an issue.

    Args:
        secret: that the keys of forms without paper are made from.
    """
    if typed.kind is TypedKind.TEXT:
        return None, ()
    if typed.kind is TypedKind.ROW:
        return _find_row_sheet(typed, forms)
    try:
        note = parse_note(typed.text)
    except NoteFileError:
        return None, (IssueCode.NOTE_CHANGED,)
    if not note.is_signed_with(secret):
        return None, (IssueCode.NOTE_CHANGED,)
    if not is_serial(note.serial):
        return None, (IssueCode.NOTE_SERIAL,)
    form = forms.get((note.form, int(note.version))) if note.version.isdecimal() else None
    if form is None or not _fits(note, form):
        return None, (IssueCode.UNKNOWN_FORM,)
    return _note_sheet(note, typed.page), ()


def _fits(note: NoteFile, form: Form) -> bool:
    """Whether the note is of this version of the form: its pages, and fields that all exist."""
    pages = {
        (number, spec.name)
        for number, page in enumerate(form.pages, start=1)
        for spec in page.all_fields
    }
    return note.pages == len(form.pages) and all(
        (item.page, item.field) in pages for item in note.items
    )


def _note_sheet(note: NoteFile, page: int) -> TypedSheet:
    code = SheetCode(note.form, int(note.version), page, note.pages, note.serial)
    texts = {item.field: item.value for item in note.items if item.page == page}
    source = f"Skrivet på dator av {note.author}, {note.written_minute}"
    if note.replaces:
        source += f". Ersätter {format_serial(note.replaces)}"
    return TypedSheet(code, note.unit, texts, source)


def _find_row_sheet(
    typed: TypedPage, forms: Forms
) -> tuple[TypedSheet | None, tuple[IssueCode, ...]]:
    row = parse_row(json.loads(typed.text))
    form = forms.get((row.form, row.version))
    if form is None or len(form.pages) != row.pages or not is_serial(row.serial):
        return None, (IssueCode.UNKNOWN_FORM,)
    code = SheetCode(row.form, row.version, row.page, row.pages, row.serial)
    return TypedSheet(code, "", row.values, row.source), ()


def read_typed_text(typed: TypedPage, issues: Iterable[IssueCode], field: str) -> PageReading:
    """Return a text, or a note whose form cannot be told for certain, as one field of a page."""
    text = typed.text
    if typed.kind is TypedKind.ROW:
        text = parse_row(json.loads(text)).shown
    if typed.kind is TypedKind.NOTE:
        try:
            text = note_lines(parse_note(text), typed.page)
        except NoteFileError:
            text = typed.text
    reading = Reading(text, 1.0, State.READ, evidence=_TYPED)
    return PageReading(
        Outcome.UNIDENTIFIED,
        issues=tuple(str(Issue(code)) for code in issues),
        fields={field: reading},
    )


def _typed_reading(spec: FieldSpec, text: str, staff: StaffRegister | None) -> Reading:
    """Return what was typed in a field; a value of a wrong format stays as it was typed."""
    if not text.strip():
        return Reading(False if spec.traits.is_boolean else None, 1.0, State.EMPTY, evidence=_TYPED)
    if spec.traits.names_signer and not (spec.codes and any(c.isdigit() for c in text)):
        signer = _signer_words(text.strip(), staff)
        return Reading(True, 1.0, State.READ, ((signer, 1.0),), evidence=_TYPED)
    value: Value = text
    if spec.traits.is_check_box or (spec.traits.is_signature and not spec.traits.names_signer):
        value = True
    try:
        value = normalize_value(spec, value)
    except InvalidAnswerError:
        if spec.traits.has_options:
            return Reading(None, 1.0, State.ILLEGIBLE, evidence=_TYPED)
        value = text
    return Reading(value, 1.0, State.READ, evidence=_TYPED)


def _signer_words(initials: str, staff: StaffRegister | None) -> str:
    """Return typed initials with their only owner's name: "MA – Maria Andersson"."""
    members = staff or ()
    owners = {
        member.name for member in members if member.signature.casefold() == initials.casefold()
    }
    return f"{initials} – {owners.pop()}" if len(owners) == 1 else initials


def _as_typed(typed: Reading, resolved: Reading) -> Reading:
    """Return the value as it was typed, with the evidence of registers where that is about it."""
    if (resolved.value, resolved.state) != (typed.value, typed.state):
        return typed
    evidence = tuple(dict.fromkeys((*typed.evidence, *resolved.evidence)))
    return replace(typed, evidence=evidence, issues=resolved.issues)
