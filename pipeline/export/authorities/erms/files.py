"""The files of a record: the paper itself and its attachments, each as PDF/A with its checksum.

A file shows its own document and no other. Where each row of a sheet is a document, the record's
file is that row, cut from the page that was registered to the form. A page that was not
registered cannot be cut, so it stays here, as do the papers of a void entry and of a protected
identity.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import chain

from PIL import Image, UnidentifiedImageError

from pipeline.domain.errors import ExportError
from pipeline.domain.form.field import FieldSpec
from pipeline.domain.form.page import PageSpec
from pipeline.domain.record import Record, RecordAttachment
from pipeline.export.exporter import ExportOptions, data_text
from pipeline.export.fhir.document import is_sheet_of_one_client, small_sheet_pdf
from pipeline.export.record_text import find_record_form, format_attachment
from pipeline.reading.imaging.geometry import PX_PER_MM

FILE_FORMAT = "PDF/A-2b"
_ABOVE_MM, _BELOW_MM = 4.0, 2.0
"""What is shown above a row, where its labels are printed, and below it; never another row."""


@dataclass(frozen=True, slots=True)
class RecordFile:
    """A file of a record, by its path from the folder of `erms.xml`."""

    path: str
    title: str
    data: bytes

    @property
    def sha256(self) -> str:
        """The file's checksum."""
        return hashlib.sha256(self.data).hexdigest()


def record_files(record: Record, options: ExportOptions) -> list[RecordFile]:
    """Return the paper of a record and its attachments; empty where they may not leave.

    Raises:
        ExportError: an image cannot be read.
        StoreError: an image is missing.
    """
    load = options.load_image
    if load is None or record.voided is not None or record.client.protected:
        return []
    attachments: tuple[RecordAttachment, ...] = ()
    if record.row is not None and not is_sheet_of_one_client(record, options):
        # What is attached belongs to the whole sheet, and nobody has said to which row.
        images = _cut_row(record, options, load)
    else:
        images, attachments = [load(name) for name in record.pages], record.attachments
    titles_and_images = [
        *([(record.title, images)] if images else []),
        *((format_attachment(each), [load(each.picture)]) for each in attachments),
    ]
    return [
        RecordFile(
            f"filer/{record.entry_id}/{number}.pdf",
            title,
            small_sheet_pdf(sides, f"{title} {record.entry_id}", record.scanned.at),
        )
        for number, (title, sides) in enumerate(titles_and_images, 1)
    ]


def missing_files_note(record: Record, options: ExportOptions, files: Sequence[object]) -> str:
    """Return why a record has no file, in words; empty where it has, or none was to be had."""
    if files or not record.pages or options.load_image is None or record.voided is not None:
        return ""
    return data_text(
        "erms_text.file_protected" if record.client.protected else "erms_text.file_not_cut"
    )


def _cut_row(record: Record, options: ExportOptions, load: Callable[[str], bytes]) -> list[bytes]:
    """Return the record's row from each page that has a part of it; empty if one is unregistered.

    The pages of a sheet are in the order of the form's, all of them or not at all.
    """
    form = find_record_form(record, options.forms)
    if form is None or len(record.pages) != len(form.pages):
        return []
    strips = []
    for page, name in zip(form.pages, record.pages, strict=True):
        span = _row_span(page, record.row)
        if span is None:
            continue
        strip = _cut_strip(load(name), page.size, span)
        if strip is None:
            return []
        strips.append(strip)
    return strips


def _cut_strip(
    data: bytes, size_mm: tuple[float, float], span_mm: tuple[float, float]
) -> bytes | None:
    """Return a strip of a page as wide as the page; None if it is not registered to its form."""
    try:
        with Image.open(io.BytesIO(data)) as image:
            if image.size != tuple(round(length * PX_PER_MM) for length in size_mm):
                return None
            top, bottom = (round(place * PX_PER_MM) for place in span_mm)
            strip = image.convert("L").crop((0, top, image.width, bottom))
    except (UnidentifiedImageError, OSError, Image.DecompressionBombError) as error:
        raise ExportError("sheet_image_unreadable") from error
    out = io.BytesIO()
    strip.save(out, "PNG")
    return out.getvalue()


def _row_span(page: PageSpec, row: int | None) -> tuple[float, float] | None:
    """Return where a row begins and ends on a page (mm), short of the rows above and below it."""
    own = [_span(spec) for spec in page.all_fields if spec.row == row]
    if not own:
        return None
    top, bottom = min(span[0] for span in own), max(span[1] for span in own)
    others = [_span(spec) for spec in page.all_fields if spec.row not in (None, row)]
    above = max(chain((0.0,), (end for _, end in others if end <= top)))
    below = min(chain((page.size[1],), (start for start, _ in others if start >= bottom)))
    return max(top - _ABOVE_MM, above), min(bottom + _BELOW_MM, below)


def _span(spec: FieldSpec) -> tuple[float, float]:
    _, y, _, height = spec.box
    return y, y + height
