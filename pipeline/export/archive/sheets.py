"""What is archived of a sheet: its records, scans, PDF/A, and how long it has to be kept."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from io import BytesIO

import cv2
import numpy as np
from fpdf.enums import TextMode

from pipeline.domain.errors import ExportError
from pipeline.domain.form.field import BoxMm, FieldSpec, Format
from pipeline.domain.form.form import Form, Forms
from pipeline.domain.form.page import PAGE_HEIGHT_MM, PAGE_WIDTH_MM
from pipeline.domain.law.retention import Retention, RetentionFacts, birth_day, classify_retention
from pipeline.domain.model import Outcome, PrintedWord
from pipeline.domain.record import Record, Run
from pipeline.domain.settings import Settings
from pipeline.export.context import ExportContext
from pipeline.export.exporter import data_text
from pipeline.export.record_text import (
    format_event_time,
    format_field_value,
    labelled,
    record_law,
    to_local_time,
)
from pipeline.files.images import decode_image
from pipeline.files.page_files import JPEG, PNG, TIFF
from pipeline.files.pdf_output import PDFA_ARCHIVE, TYPEFACE, Document
from pipeline.files.text import make_printable, wrap_text
from pipeline.store.database.image_files import Images
from pipeline.store.entries.attached_pages import AttachedPage
from pipeline.store.exports.archives import ArchivableSheet
from pipeline.store.paper.pages import Page

# A sheet as PDF/A-2u (ISO 19005-2): its image with the confirmed values as invisible text.
#
# The text makes it searchable and readable aloud. The image is the page registered to its form, so
# that the places of the fields hold; the original scan is next to it in the package. In mm.

_MM_PER_POINT = 0.3528
_MAX_FONT_PT, _MIN_FONT_PT = 11.0, 5.0
"""Points."""
_FONT_SHARE = 0.62
"""Type size as a share of the height of a line's box."""


@dataclass(frozen=True, slots=True)
class PlacedText:
    """The confirmed value of a field, and its place with room for so many `lines`."""

    box: BoxMm
    text: str
    lines: int = 1


@dataclass(frozen=True, slots=True)
class SheetSide:
    """One side of paper: its image (JPEG), its size, and the text on it."""

    image: bytes
    width: float
    height: float
    words: tuple[PlacedText, ...]


def sheet_pdf(sides: Sequence[SheetSide], title: str, author: str, made_at: datetime) -> bytes:
    """Return the sheet as PDF. Its metadata say when the file was written, besides `made_at`."""
    with Document(make_printable(title), made_at=made_at, compliance=PDFA_ARCHIVE) as pdf:
        pdf.set_auto_page_break(False)
        pdf.set_margin(0)
        pdf.set_author(make_printable(author))
        for side in sides:
            pdf.add_page(format=(side.width, side.height))
            pdf.image(
                BytesIO(side.image), 0, 0, side.width, side.height, alt_text=make_printable(title)
            )
            with pdf.local_context(text_mode=TextMode.INVISIBLE):
                for words in side.words:
                    _write_hidden_text(pdf, words)
        return bytes(pdf.output())


def _write_hidden_text(pdf: Document, words: PlacedText) -> None:
    x, y, width, height = words.box
    # As many lines as the field has; further lines are drawn over the last one.
    step = height / max(1, words.lines)
    size = min(_MAX_FONT_PT, max(_MIN_FONT_PT, step * _FONT_SHARE / _MM_PER_POINT))
    pdf.set_font(TYPEFACE, size=size)
    for number, line in enumerate(wrap_text(pdf.fit(words.text), width, pdf.get_string_width)):
        pdf.text(x, y + min(number * step, max(0.0, height - step)) + step * _FONT_SHARE, line)


SUFFIX_BY_MEDIA_TYPE = {JPEG: "jpg", PNG: "png", TIFF: "tif"}
_JPEG_OPTIONS = (int(cv2.IMWRITE_JPEG_QUALITY), 92)


@dataclass(frozen=True, slots=True)
class PackageFile:
    """A file of the package by its name, or its path from the root."""

    name: str
    media_type: str
    data: bytes


@dataclass(frozen=True, slots=True)
class SheetFiles:
    """A sheet as it is archived.

    `retention` is the longest of its records', `laws` the law of each, in words.
    """

    sheet: str
    content: str
    records: tuple[Record, ...]
    pdf: PackageFile
    scans: tuple[PackageFile, ...]
    retention: Retention
    laws: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SheetPaper:
    """The paper of a sheet: its sides, its attachments, and the printed words by page id."""

    pages: Sequence[Page]
    attachments: Sequence[AttachedPage] = ()
    words: Mapping[str, Sequence[PrintedWord]] = field(default_factory=dict)

    @property
    def imaged_pages(self) -> list[Page]:
        """All pages that have an image, the attachments last."""
        pages = [*self.pages, *(attached.page for attached in self.attachments)]
        return [page for page in pages if page.image_sha256]


def build_sheet_files(
    sheet: ArchivableSheet,
    records: Sequence[Record],
    sheet_paper: SheetPaper,
    context: ExportContext,
    run: Run,
    *,
    investigated: Collection[str] = (),
) -> SheetFiles:
    """Build the files of a sheet.

    Args:
        investigated: as in `longest_retention`.

    Raises:
        ExportError: the sheet has no entry or no image.
        StoreError: an image is missing or damaged.
    """
    imaged_pages = sheet_paper.imaged_pages
    if not records or not imaged_pages:
        raise ExportError("sheet_without_image_or_entry", sheet=sheet.sheet)
    first = records[0]
    form = context.forms.get((first.form, first.version))
    images = context.store.images
    attached = {one.page.id for one in sheet_paper.attachments}
    sides = [
        _attachment_side(page, images, sheet_paper.words.get(page.id, ()))
        if page.id in attached
        else _sheet_side(page, form, records, images, context.forms)
        for page in imaged_pages
    ]
    title = data_text(
        "archive_text.sheet_title",
        title=first.title,
        time=format_event_time(first),
        sheet=sheet.sheet,
    )
    pdf = sheet_pdf(
        sides, title, first.author or data_text("late_entry.unknown_author"), run.made_at
    )
    scans = tuple(
        _scan_file(sheet.sheet, number, page, images) for number, page in enumerate(imaged_pages, 1)
    )
    return SheetFiles(
        sheet.sheet,
        sheet.content_digest,
        tuple(records),
        PackageFile(f"{sheet.sheet}.pdf", "application/pdf", pdf),
        scans,
        longest_retention(records, context.settings, context.forms, investigated),
        tuple(record_law(record, context.forms) for record in records),
    )


def longest_retention(
    records: Sequence[Record], settings: Settings, forms: Forms, investigated: Collection[str] = ()
) -> Retention:
    """Return the retention that keeps a sheet longest, for any client on it.

    A sheet is one piece of paper: it is kept for good if anything on it is.

    Args:
        investigated: the clients, children, of whom an investigation was opened.
    """
    retentions = (
        retention
        for record in records
        for retention in _record_retentions(
            record, settings, forms, is_investigated=record.client.pid in investigated
        )
    )
    return max(
        retentions,
        key=lambda retention: (
            bool(retention.permanent_reason),
            retention.earliest is None,
            retention.earliest or date.min,
        ),
    )


def retention_start(record: Record) -> datetime | None:
    """Return when retention begins: when it happened or, if that is later, was written down."""
    return max((moment for moment in (record.event_at, record.written_at) if moment), default=None)


def _record_retentions(
    record: Record, settings: Settings, forms: Forms, *, is_investigated: bool
) -> Iterator[Retention]:
    """Yield the retention by the client and by other people whose number the record holds.

    Others are for instance a co-applicant or a child.
    """
    days = [
        to_local_time(moment).date() for moment in (record.event_at, record.written_at) if moment
    ]
    day, last = (days[0], max(days)) if days else (None, None)
    facts = RetentionFacts(
        record.area,
        record.form,
        record.client.pid,
        day,
        settings.county,
        settings.care_provider,
        last,
        record.fields,
        is_investigated,
    )
    yield classify_retention(facts)
    for pid in _other_birth_numbers(record, forms):
        retention = classify_retention(replace(facts, pid=pid))
        if retention.permanent_reason:
            reason = data_text("archive_text.other_person", reason=retention.permanent_reason)
            retention = replace(retention, permanent_reason=reason)
        yield retention


def _other_birth_numbers(record: Record, forms: Forms) -> Iterator[str]:
    """Yield the personal numbers of others that hold a birth date.

    They are in fields of that format; of a form that no longer exists, in any field.
    """
    form = forms.get((record.form, record.version))
    named = (
        {spec.column for spec in form.fields if spec.format is Format.PERSONAL_NUMBER}
        if form
        else set(record.fields)
    )
    for name in sorted(named & set(record.fields)):
        value = record.fields[name]
        if isinstance(value, str) and value != record.client.pid and birth_day(value) is not None:
            yield value


def _scan_file(sheet: str, number: int, page: Page, images: Images) -> PackageFile:
    kind = (page.media_type or PNG).partition(";")[0]
    return PackageFile(
        f"{sheet}-{number}.{SUFFIX_BY_MEDIA_TYPE.get(kind, 'bin')}",
        kind,
        images.get(page.image_sha256 or ""),
    )


def _sheet_side(
    page: Page, form: Form | None, records: Sequence[Record], images: Images, forms: Forms
) -> SheetSide:
    """Return a side with its text.

    A page that was not registered to its form is on A4 as it came, with the text of its entries
    down the page.
    """
    number = min(page.page_no or 1, len(form.pages)) - 1 if form else 0
    if form and page.upright_sha256 and page.outcome is Outcome.READ and page.form == form.id:
        width, height = form.pages[number].size
        return SheetSide(
            images.get(page.upright_sha256),
            width,
            height,
            _texts_on_form(form, number, records, forms),
        )
    jpeg, size = _scan_on_a4(page, images)
    return SheetSide(jpeg, *size, _texts_without_form(size, records, forms) if number == 0 else ())


def _attachment_side(page: Page, images: Images, words: Sequence[PrintedWord]) -> SheetSide:
    """Return an attachment as it came, on A4, with its printed words in their places."""
    jpeg, (width, height) = _scan_on_a4(page, images)
    return SheetSide(
        jpeg,
        width,
        height,
        tuple(
            PlacedText((x * width, y * height, max(w * width, 1), max(h * height, 1)), text)
            for text, x, y, w, h in words
        ),
    )


def _scan_on_a4(page: Page, images: Images) -> tuple[bytes, tuple[float, float]]:
    """Return the scan as JPEG, and its size (mm) on A4."""
    image = decode_image(images.get(page.image_sha256 or ""), page.media_type or PNG)
    height_px, width_px = image.shape[:2]
    mm_per_px = min(PAGE_WIDTH_MM / width_px, PAGE_HEIGHT_MM / height_px)
    jpeg = np.asarray(cv2.imencode(".jpg", image, _JPEG_OPTIONS)[1]).tobytes()
    return jpeg, (width_px * mm_per_px, height_px * mm_per_px)


def _texts_on_form(
    form: Form, number: int, records: Sequence[Record], forms: Forms
) -> tuple[PlacedText, ...]:
    fields = form.pages[number].all_fields
    texts: list[PlacedText] = []
    for index, record in enumerate(records):
        for spec in fields:
            # Fields outside the rows are the same in all records: written once.
            if spec.row == record.row or (spec.row is None and index == 0):
                texts += _field_texts(spec, record, forms)
    return tuple(texts)


def _field_texts(spec: FieldSpec, record: Record, forms: Forms) -> list[PlacedText]:
    text = format_field_value(record, spec.column, forms) if spec.column in record.fields else ""
    return [PlacedText(spec.box, text, spec.lines or 1)] if text else []


def _texts_without_form(
    size: tuple[float, float], records: Sequence[Record], forms: Forms
) -> tuple[PlacedText, ...]:
    texts = [
        labelled(record, name, words)
        for record in records
        for name in record.fields
        if (words := format_field_value(record, name, forms))
    ]
    return (
        (PlacedText((5, 5, size[0] - 10, size[1] - 10), "\n".join(texts), len(texts)),)
        if texts
        else ()
    )
