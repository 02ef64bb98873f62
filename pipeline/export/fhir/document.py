"""The entry as a DocumentReference: its values as text, and the sheet itself as a small PDF.

Each attachment is a document of its own, which a server can find, and which adds to the entry's.
A sheet that shows who has a protected identity is left out. Three times have three places: when
it happened (`context.period`), when the paper was written (`attachment.creation`), when it was
entered (`date`).
"""

from __future__ import annotations

import base64
import hashlib
import io
from collections.abc import Iterable
from datetime import datetime
from functools import partial

from PIL import Image, UnidentifiedImageError

from pipeline.domain.errors import ExportError
from pipeline.domain.form.field import Meaning
from pipeline.domain.form.page import PAGE_WIDTH_MM
from pipeline.domain.record import Record, RecordAttachment
from pipeline.export.exporter import ExportOptions, data_text
from pipeline.export.fhir.observations import warnings_tag
from pipeline.export.fhir.resource_context import (
    AUTHOR_ANCHOR,
    DOCUMENT_TYPE,
    PATIENT_TYPE,
    ROLE_TYPE,
    Resource,
    ResourceContext,
    absent_value,
    author,
    coding_concept,
    format_instant,
    is_withheld,
    practitioner_role,
    stamp_person,
    version_id,
)
from pipeline.export.manual_entry.block import build_block
from pipeline.export.mapping import KVA_SYSTEM, find_measure_codes
from pipeline.export.record_text import find_record_form, format_attachment, late_entry_text
from pipeline.files.pdf_output import Document
from pipeline.files.text import make_printable

NOTE_TYPE_OID = "urn:oid:1.2.752.129.2.2.2.11"
"""KV Anteckningstyp."""
SIGNER_ANCHOR = "signerare"
MAX_WIDTH_PX = 1240
"""150 dpi across an A4 page: enough to read pencil in boxes."""
JPEG_QUALITY = 55
_MAX_PAGE_MM = 1000.0


def document_resource(filing: ResourceContext) -> Resource:
    """Return the document in this version. A void one carries the reason, not what was written."""
    record = filing.record
    is_void = record.voided is not None
    return {
        "resourceType": "DocumentReference",
        "meta": filing.meta("document-reference") | {"tag": warnings_tag(filing)},
        "contained": _contained_people(filing),
        "masterIdentifier": filing.identifier("version", filing.version),
        "identifier": [filing.identifier("post", record.entry_id)],
        "status": "entered-in-error" if is_void else "current",
        "docStatus": _document_status(filing),
        "type": _document_type(filing),
        "subject": filing.reference(PATIENT_TYPE),
        "date": format_instant(record.entered.at),
        "author": [{"reference": f"#{AUTHOR_ANCHOR}", "type": ROLE_TYPE}],
        "authenticator": {"reference": f"#{SIGNER_ANCHOR}", "type": ROLE_TYPE}
        if record.signed
        else None,
        "custodian": filing.provider(),
        "relatesTo": _replaced_document(filing),
        "description": late_entry_text(record, filing.settings),
        "securityLabel": [{"coding": [label]} for label in filing.labels()],
        "content": [{"attachment": each} for each in _document_contents(filing)],
        "context": {"event": _measures(filing), "period": _event_period(filing)},
    }


def _measures(filing: ResourceContext) -> list[Resource]:
    """Return the codes of measures that were written on the paper; none of a void entry."""
    record = filing.record
    texts = [str(record.fields.get(name) or "") for name in filing.mapping.measures]
    codes = [code for text in texts for code in find_measure_codes(text)]
    if record.voided is not None:
        return []
    return [coding_concept(KVA_SYSTEM, code) for code in dict.fromkeys(codes)]


def attachment_resources(filing: ResourceContext) -> list[tuple[str, Resource]]:
    """Return the name within the bundle and the document of each attachment that goes along."""
    load_image = filing.options.load_image
    if not load_image or not _do_images_go(filing):
        return []
    resources = []
    for number, attachment in enumerate(filing.record.attachments, 1):
        title, scanned_at = format_attachment(attachment), filing.record.scanned.at
        pdf = small_sheet_pdf([load_image(attachment.picture)], title, scanned_at)
        resource = _attachment_resource(filing, number, attachment, pdf)
        resources.append((f"{DOCUMENT_TYPE}/{number}", resource))
    return resources


def _attachment_resource(
    filing: ResourceContext, number: int, attachment: RecordAttachment, pdf: bytes
) -> Resource:
    record, title, day = filing.record, format_attachment(attachment), attachment.day
    return {
        "resourceType": DOCUMENT_TYPE,
        "meta": filing.meta("document-reference"),
        "contained": [practitioner_role(filing, AUTHOR_ANCHOR, author(record))],
        "masterIdentifier": filing.identifier("version", f"{filing.version}/{number}"),
        "identifier": [filing.identifier("post", record.entry_id)],
        "status": "current",
        "docStatus": _document_status(filing),
        "type": {"text": data_text("fhir_text.attachment")},
        "subject": filing.reference(PATIENT_TYPE),
        "date": format_instant(record.entered.at),
        "author": [{"reference": f"#{AUTHOR_ANCHOR}", "type": ROLE_TYPE}],
        "custodian": filing.provider(),
        "relatesTo": [{"code": "appends", "target": filing.reference(DOCUMENT_TYPE)}],
        "description": title,
        "securityLabel": [{"coding": [label]} for label in filing.labels()],
        "content": [{"attachment": _attachment(filing, "application/pdf", pdf, title)}],
        "context": {"period": {"start": day, "end": day} if day else absent_value("unknown")},
    }


def _do_images_go(filing: ResourceContext) -> bool:
    """Return whether the sheet's images go along: it is valid, and the receiver may see it all."""
    record = filing.record
    return bool(
        record.voided is None
        and record.pages
        and is_sheet_of_one_client(record, filing.options)
        and not record.client.protected
    )


def is_sheet_of_one_client(record: Record, options: ExportOptions) -> bool:
    """Return whether the whole sheet is about this entry's client.

    Where each row has a client of its own, the sheet shows data about others.
    """
    form = find_record_form(record, options.forms)
    client = form.meaning(Meaning.CLIENT_PID, record.row) if form else None
    return client is not None and client.row is None


def _document_status(filing: ResourceContext) -> str:
    if filing.record.voided is not None:
        return "entered-in-error"
    return "amended" if filing.item.amends else "final"


def _contained_people(filing: ResourceContext) -> list[Resource]:
    record = filing.record
    people = [practitioner_role(filing, AUTHOR_ANCHOR, author(record))]
    if record.signed:
        signer = stamp_person(filing, record.signed)
        people.append(practitioner_role(filing, SIGNER_ANCHOR, signer))
    return people


def _document_type(filing: ResourceContext) -> Resource:
    kind = filing.mapping.kind
    code = kind.codes.get(str(filing.record.fields.get(kind.field)), kind.otherwise)
    return (
        coding_concept(NOTE_TYPE_OID, code, filing.record.title)
        if code
        else {"text": filing.record.title}
    )


def _replaced_document(filing: ResourceContext) -> list[Resource]:
    """Return the version before, by its identifier: only the receiver knows its address.

    Empty where that version is about another client.
    """
    previous = filing.item.amends
    if previous is None or previous.exported_record is not None:
        return []
    version = filing.identifier("version", version_id(filing.record.entry_id, previous.revision))
    return [{"code": "replaces", "target": {"type": DOCUMENT_TYPE, "identifier": version}}]


def _event_period(filing: ResourceContext) -> Resource:
    moment = filing.moment(filing.record.event_at, "event_at")
    return {"start": moment, "end": moment} if moment else absent_value("unknown")


def _document_contents(filing: ResourceContext) -> list[Resource]:
    record, load_image = filing.record, filing.options.load_image
    attachments = [
        _attachment(filing, "text/plain", make_printable(_document_text(filing)).encode())
    ]
    if load_image and _do_images_go(filing):
        pdf = small_sheet_pdf(
            map(load_image, record.pages), f"{record.title} {record.entry_id}", record.scanned.at
        )
        attachments.append(_attachment(filing, "application/pdf", pdf))
    return attachments


def _document_text(filing: ResourceContext) -> str:
    """Return the entry as on the key-in list; of a void one only that it is void."""
    block = build_block(filing.item, filing.options, partial(is_withheld, filing.record))
    rows = (
        []
        if filing.record.voided is not None
        else [f"{label}: {words}" for label, words in block.rows]
    )
    return "\n".join(
        part for part in (block.title, block.notice, *rows, *block.footer_lines) if part
    )


def _attachment(filing: ResourceContext, media_type: str, data: bytes, title: str = "") -> Resource:
    return {
        "contentType": media_type,
        "language": "sv",
        "data": base64.b64encode(data).decode("ascii"),
        "size": len(data),
        "hash": base64.b64encode(hashlib.sha1(data, usedforsecurity=False).digest()).decode(
            "ascii"
        ),
        "title": title or filing.record.title,
        **filing.written_time("creation"),
    }


def small_sheet_pdf(images: Iterable[bytes], title: str, made_at: datetime) -> bytes:
    """Return the sides in their order as PDF, grey and each as wide as an A4 page.

    The same arguments give the same bytes.

    Raises:
        ExportError: an image cannot be read.
    """
    with Document(title, made_at=made_at, words=False) as pdf:
        pdf.set_margin(0)
        pdf.set_auto_page_break(False)
        for data in images:
            jpeg, ratio = _shrink_image(data)
            height = min(PAGE_WIDTH_MM * ratio, _MAX_PAGE_MM)
            pdf.add_page(format=(PAGE_WIDTH_MM, height))
            pdf.image(io.BytesIO(jpeg), 0, 0, PAGE_WIDTH_MM, height, alt_text=title)
        return bytes(pdf.output())


def _shrink_image(data: bytes) -> tuple[bytes, float]:
    """Return the image as grey JPEG, at most `MAX_WIDTH_PX` wide, and its height by its width."""
    try:
        with Image.open(io.BytesIO(data)) as image:
            image.draft("L", (MAX_WIDTH_PX, MAX_WIDTH_PX))
            grey = image.convert("L")
    except (UnidentifiedImageError, OSError, Image.DecompressionBombError) as error:
        raise ExportError("sheet_image_unreadable") from error
    ratio = grey.height / grey.width
    if grey.width > MAX_WIDTH_PX:
        grey = grey.resize((MAX_WIDTH_PX, round(MAX_WIDTH_PX * ratio)), Image.Resampling.BOX)
    out = io.BytesIO()
    grey.save(out, "JPEG", quality=JPEG_QUALITY)
    return out.getvalue(), ratio
