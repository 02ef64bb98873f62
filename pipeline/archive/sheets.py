"""What is archived of a sheet: its records, its pages as they came, the same as PDF/A, and how long it has to be kept."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

import cv2
import numpy as np

from pipeline.archive.pdfa import Side, Words, sheet_pdf
from pipeline.errors import ExportError
from pipeline.export.late_entry import event_time, local
from pipeline.export.runs import Office
from pipeline.export.values import shown
from pipeline.field_spec import FieldSpec, Format
from pipeline.model import Outcome
from pipeline.page_spec import PAGE_HEIGHT_MM, PAGE_WIDTH_MM
from pipeline.picture import decode
from pipeline.record import Record, Run
from pipeline.retention import About, Retention, birth_day, retention
from pipeline.scan import JPEG, PNG, TIFF
from pipeline.settings import Settings
from pipeline.store.archives import Archivable
from pipeline.store.images import ImageFolder
from pipeline.store.pages import Page
from pipeline.template import Form, Forms

SUFFIX = {JPEG: "jpg", PNG: "png", TIFF: "tif"}
_QUALITY = (int(cv2.IMWRITE_JPEG_QUALITY), 92)


@dataclass(frozen=True, slots=True)
class File:
    """A file of the package by its name."""

    name: str
    media_type: str
    data: bytes


@dataclass(frozen=True, slots=True)
class SheetFiles:
    """A sheet as it is archived. `sheet` names it; `kept` is its class of retention, the longest of its records'."""

    sheet: str
    content: str
    records: tuple[Record, ...]
    pdf: File
    scans: tuple[File, ...]
    kept: Retention


def sheet_files(found: Archivable, records: Sequence[Record], pages: Sequence[Page], office: Office, run: Run) -> SheetFiles:
    """Put a sheet together.

    Raises:
        ExportError: the sheet has no entry or no picture.
        StoreError: a picture is missing or damaged.
    """
    pictures = [page for page in pages if page.image_sha256]
    if not records or not pictures:
        raise ExportError("sheet_no_picture_no_entry", sheet=found.sheet)
    first = records[0]
    form = office.forms.get((first.form, first.version))
    images = office.store.images
    sides = [_side(page, form, records, images, office.forms) for page in pictures]
    title = f"{first.title}, {event_time(first)}, ark {found.sheet}"
    pdf = sheet_pdf(sides, title, first.author or office.settings.care_provider, run.made_at)
    scans = tuple(_scan(found.sheet, number, page, images) for number, page in enumerate(pictures, 1))
    named = File(f"{found.sheet}.pdf", "application/pdf", pdf)
    return SheetFiles(found.sheet, found.content, tuple(records), named, scans, longest(records, office.settings, office.forms))


def longest(records: Sequence[Record], settings: Settings, forms: Forms) -> Retention:
    """The retention that keeps a sheet longest: it is one piece of paper, whomever of those on it that is for."""
    found = [one for record in records for one in _retentions(record, settings, forms)]
    return max(found, key=lambda one: (bool(one.kept), one.earliest is None, one.earliest or date.min))


def rule_name(kept: Retention) -> str:
    """How a class is named in tables and lists: `SOL-5/1`; what is kept for good `BEVARAS (SOL-5/1)`."""
    name = f"{kept.rule.rule}/{kept.rule.version}"
    return f"BEVARAS ({name})" if kept.kept else name


def last_moment(record: Record) -> datetime | None:
    """When it happened or, if that is later, was written down: the time of keeping runs from then."""
    return max((moment for moment in (record.event_at, record.written_at) if moment), default=None)


def _retentions(record: Record, settings: Settings, forms: Forms) -> Iterator[Retention]:
    """By the client and by everybody else whose number the record holds, such as somebody who applies too, or a child."""
    days = [local(moment).date() for moment in (record.event_at, record.written_at) if moment]
    day, last = (days[0], max(days)) if days else (None, None)
    about = About(record.area, record.form, record.client.pid, day, settings.county, settings.care_provider, last)
    yield retention(about)
    for pid in _others(record, forms):
        found = retention(replace(about, pid=pid))
        yield replace(found, kept=f"{found.kept} (någon annan på arket)") if found.kept else found


def _others(record: Record, forms: Forms) -> Iterator[str]:
    """The numbers that say when somebody was born, but the client's; of a form that is not there any longer in whichever field they stand."""
    form = forms.get((record.form, record.version))
    named = {spec.column for spec in form.fields if spec.format is Format.PERSONAL_NUMBER} if form else set(record.fields)
    for name in sorted(named & set(record.fields)):
        value = record.fields[name]
        if isinstance(value, str) and value != record.client.pid and birth_day(value) is not None:
            yield value


def _scan(sheet: str, number: int, page: Page, images: ImageFolder) -> File:
    kind = page.media_type or PNG
    return File(f"{sheet}-{number}.{SUFFIX.get(kind, 'bin')}", kind, images.get(page.image_sha256 or ""))


def _side(page: Page, form: Form | None, records: Sequence[Record], images: ImageFolder, forms: Forms) -> Side:
    """A page. One that was not laid on its form lies on A4 as it came, and the words of its entries run down it."""
    number = min(page.page_no or 1, len(form.pages)) - 1 if form else 0
    if form and page.upright_sha256 and page.outcome is Outcome.READ and page.form == form.id:
        width, height = form.pages[number].size
        return Side(images.get(page.upright_sha256), width, height, _placed(form, number, records, forms))
    picture = decode(images.get(page.image_sha256 or ""), page.media_type or PNG)
    high, wide = picture.shape[:2]
    scale = min(PAGE_WIDTH_MM / wide, PAGE_HEIGHT_MM / high)
    jpeg = np.asarray(cv2.imencode(".jpg", picture, _QUALITY)[1]).tobytes()
    size = (wide * scale, high * scale)
    return Side(jpeg, *size, _listed(size, records, forms) if number == 0 else ())


def _placed(form: Form, number: int, records: Sequence[Record], forms: Forms) -> tuple[Words, ...]:
    fields = form.pages[number].all_fields
    found: list[Words] = []
    for index, record in enumerate(records):
        for spec in fields:
            if spec.row == record.row or (spec.row is None and index == 0):
                found += _words(spec, record, forms)
    return tuple(found)


def _words(spec: FieldSpec, record: Record, forms: Forms) -> list[Words]:
    text = shown(record, spec.column, forms) if spec.column in record.fields else ""
    return [Words(spec.box, text, spec.lines or 1)] if text else []


def _listed(size: tuple[float, float], records: Sequence[Record], forms: Forms) -> tuple[Words, ...]:
    texts = [f"{record.labels.get(name, name)}: {shown(record, name, forms)}" for record in records for name in record.fields]
    return (Words((5, 5, size[0] - 10, size[1] - 10), "\n".join(texts), len(texts)),) if texts else ()
