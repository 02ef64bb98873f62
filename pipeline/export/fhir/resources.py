"""The client as a Patient that is made only where the receiver does not have it (conditional create
by identifier).

Measurements as Observations, coded in LOINC and SNOMED CT with units in UCUM, as the form's
mapping says.

The sheet as a PDF of its sides, small enough to be sent: PDF/A, grey, at most `MOST_PX` wide,
JPEG.

The entry as a DocumentReference: what it says as text, and the sheet itself as PDF, unless that
shows who has a protected identity.

Three times, three places: when it happened (`context.period`), when the paper was written
(`attachment.creation`), when it was entered (`date`).
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
from pipeline.domain.record import Record
from pipeline.export.exporter import ExportOptions
from pipeline.export.fhir.common import (
    DATA_ABSENT_URL,
    DOCUMENT_TYPE,
    PATIENT_TYPE,
    TERMINOLOGY,
    Resource,
    ResourceContext,
    coding_concept,
    format_instant,
    is_withheld,
    pid_system,
    version_id,
)
from pipeline.export.fhir.mapping import Concept, Measurement, MeasurementPart
from pipeline.export.manual_entry.block import build_block
from pipeline.export.record_text import (
    amendment_text,
    find_record_form,
    find_signature,
    format_field_value,
    late_entry_text,
)
from pipeline.files.pdf_output import Document
from pipeline.files.text import make_printable

_EXAM_CATEGORY = "exam"
"""Inera's profile: always set."""
_PERFORMER_ANCHOR = "utforare"
MAX_WIDTH_PX = 1240
"""150 dpi across an A4 page: pencil in boxes is well read at that."""
JPEG_QUALITY = 55
_MAX_PAGE_MM = 1000.0
NOTE_TYPE_OID = "urn:oid:1.2.752.129.2.2.2.11"
"""KV Anteckningstyp."""


_ABSENT_UNKNOWN, _ABSENT_MASKED = "unknown", "masked"


def patient_resource(filing: ResourceContext) -> Resource:
    """Number and name. The profile asks for a birth date: the date in the number is not always
    that, so it is said to be unknown.

    The name of somebody whose identity is protected stays here; the receiver has it, or has
    reasons not to.
    """
    client = filing.record.client
    name = (
        {"text": client.name}
        if client.name and not client.protected
        else {"_text": absent_value(_ABSENT_MASKED if client.protected else _ABSENT_UNKNOWN)}
    )
    return {
        "resourceType": "Patient",
        "meta": filing.meta("patient") | {"security": filing.protection()},
        "identifier": [patient_identifier(filing)],
        "name": [name],
        "_birthDate": absent_value(_ABSENT_UNKNOWN),
    }


def patient_identifier(filing: ResourceContext) -> Resource:
    """The client's number in its series."""
    pid = filing.record.client.pid
    return {"system": pid_system(pid, filing.mapping.local_id_system), "value": pid}


def absent_value(reason: str) -> Resource:
    """In place of a value: why there is none."""
    return {"extension": [{"url": DATA_ABSENT_URL, "valueCode": reason}]}


LOINC_SYSTEM, SNOMED_SYSTEM, UCUM_SYSTEM = (
    "http://loinc.org",
    "http://snomed.info/sct",
    "http://unitsofmeasure.org",
)


def observation_resources(filing: ResourceContext) -> list[tuple[str, Resource]]:
    """The name within the bundle and the resource of each measurement that was made; one that
    nobody can read is told as absent.
    """
    if filing.record.voided is not None:
        return []
    made = [
        each
        for each in filing.mapping.measurements
        if any(_is_written(filing, name) for name in each.fields())
    ]
    return [(_measurement_name(each), _observation_resource(filing, each)) for each in made]


def _observation_resource(filing: ResourceContext, measurement: Measurement) -> Resource:
    record = filing.record
    alone = (
        MeasurementPart(
            text=measurement.text,
            field=measurement.field,
            unit=measurement.unit,
            ucum=measurement.ucum,
        )
        if measurement.field
        else None
    )
    return {
        "resourceType": "Observation",
        "meta": filing.meta(
            "" if filing.item.amends else "observation-base"
        ),  # Inera's profile has measurements that are final, and no others
        "contained": [_performer(filing)],
        "identifier": [
            filing.identifier("version", f"{filing.version}/{_measurement_name(measurement)}"),
            filing.identifier("post", record.entry_id),
        ],
        "status": "corrected" if filing.item.amends else "final",
        "category": [
            _category_concept(code)
            for code in dict.fromkeys((measurement.category, _EXAM_CATEGORY))
        ],
        "code": _measurement_code(measurement),
        "subject": filing.reference(PATIENT_TYPE),
        "effectiveDateTime": filing.moment(record.event_at, "event_at"),
        "issued": format_instant(record.entered.at),
        "performer": [{"reference": f"#{_PERFORMER_ANCHOR}", "type": "PractitionerRole"}],
        **(
            _part_value(filing, alone)
            if alone
            else {
                "component": [
                    {"code": _measurement_code(part)} | _part_value(filing, part)
                    for part in measurement.parts
                ]
            }
        ),
        "note": [{"text": text} for text in _list_notes(filing) if text],
        "derivedFrom": [filing.reference(DOCUMENT_TYPE)],
    }


def _performer(filing: ResourceContext) -> Resource:
    """Whoever the row's initials name, as they stand if the staff list names nobody; else the
    sheet's author.
    """
    record = filing.record
    signature = (
        find_signature(record, filing.mapping.signed_in, filing.terms.staff)
        if filing.mapping.signed_in
        else None
    )
    if signature is None:
        return filing.staff(_PERFORMER_ANCHOR, record.author, record.author_title)
    return filing.staff(_PERFORMER_ANCHOR, signature.performer)


def _measurement_name(measurement: Measurement) -> str:
    return measurement.field or "-".join(part.field for part in measurement.parts)


def _is_written(filing: ResourceContext, name: str) -> bool:
    return filing.record.fields.get(name) is not None or name in filing.record.illegible


def _part_value(filing: ResourceContext, part: MeasurementPart) -> Resource:
    """The number, or that there is none: nothing is written there, or nobody can read it."""
    value = filing.record.fields.get(part.field)
    if not isinstance(value, str) or part.field in filing.record.illegible:
        return {
            "dataAbsentReason": {
                "coding": [{"system": f"{TERMINOLOGY}data-absent-reason", "code": "unknown"}]
            }
        }
    return {
        "valueQuantity": {
            "value": parse_number(value),
            "unit": part.unit,
            "system": UCUM_SYSTEM,
            "code": part.ucum,
        }
    }


def parse_number(text: str) -> int | float:
    """`080` → 80, `37.50` → 37.5: as JSON has numbers."""
    return float(text) if "." in text else int(text)


def _list_notes(filing: ResourceContext) -> tuple[str, ...]:
    remark = (
        format_field_value(filing.record, filing.mapping.remark, filing.terms.forms)
        if filing.mapping.remark
        else ""
    )
    return remark, amendment_text(filing.item), late_entry_text(filing.record, filing.settings)


def _category_concept(code: str) -> Resource:
    return {"coding": [{"system": f"{TERMINOLOGY}observation-category", "code": code}]}


def _measurement_code(concept: Concept) -> Resource:
    codes = ((LOINC_SYSTEM, concept.loinc), (SNOMED_SYSTEM, concept.snomed))
    return {
        "coding": [{"system": system, "code": code} for system, code in codes if code],
        "text": concept.text,
    }


def small_sheet_pdf(pictures: Iterable[bytes], title: str, made_at: datetime) -> bytes:
    """The sides in their order, each as wide as an A4 page. The same arguments give the same bytes.

    Raises:
        ExportError: a picture cannot be read.
    """
    with Document(title, made_at=made_at, words=False) as pdf:
        pdf.set_margin(0)
        pdf.set_auto_page_break(False)
        for data in pictures:
            jpeg, ratio = _shrink_image(data)
            height = min(PAGE_WIDTH_MM * ratio, _MAX_PAGE_MM)
            pdf.add_page(format=(PAGE_WIDTH_MM, height))
            pdf.image(io.BytesIO(jpeg), 0, 0, PAGE_WIDTH_MM, height, alt_text=title)
        return bytes(pdf.output())


def _shrink_image(data: bytes) -> tuple[bytes, float]:
    """The picture as JPEG, and how many times higher it is than wide."""
    try:
        with Image.open(io.BytesIO(data)) as picture:
            picture.draft("L", (MAX_WIDTH_PX, MAX_WIDTH_PX))
            grey = picture.convert("L")
    except (UnidentifiedImageError, OSError, Image.DecompressionBombError) as error:
        raise ExportError("picture_sheet_not_read") from error
    ratio = grey.height / grey.width
    if grey.width > MAX_WIDTH_PX:
        grey = grey.resize((MAX_WIDTH_PX, round(MAX_WIDTH_PX * ratio)), Image.Resampling.BOX)
    out = io.BytesIO()
    grey.save(out, "JPEG", quality=JPEG_QUALITY)
    return out.getvalue(), ratio


AUTHOR_ANCHOR, SIGNER_ANCHOR = "skribent", "signerare"


def document_resource(filing: ResourceContext) -> Resource:
    """The document in this version. One that was made void says so and carries the reason, not what
    was written.
    """
    record = filing.record
    void = record.voided is not None
    return {
        "resourceType": "DocumentReference",
        "meta": filing.meta("document-reference"),
        "contained": _contained_people(filing),
        "masterIdentifier": filing.identifier("version", filing.version),
        "identifier": [filing.identifier("post", record.entry_id)],
        "status": "entered-in-error" if void else "current",
        "docStatus": "entered-in-error" if void else "amended" if filing.item.amends else "final",
        "type": _document_type(filing),
        "subject": filing.reference(PATIENT_TYPE),
        "date": format_instant(record.entered.at),
        "author": [{"reference": f"#{AUTHOR_ANCHOR}", "type": "PractitionerRole"}],
        "authenticator": {"reference": f"#{SIGNER_ANCHOR}", "type": "PractitionerRole"}
        if record.signed
        else None,
        "custodian": filing.organization(
            filing.settings.care_provider, filing.settings.care_provider_hsa_id
        ),
        "relatesTo": _replaced_document(filing),
        "description": late_entry_text(record, filing.settings),
        "securityLabel": [{"coding": [label]} for label in filing.labels()],
        "content": [{"attachment": each} for each in _document_contents(filing)],
        "context": {"period": _event_period(filing)},
    }


def is_sheet_of_one_client(record: Record, options: ExportOptions) -> bool:
    """Whether the whole sheet is about this entry's client. Where each row has a client of its own,
    the sheet shows other people's paper.
    """
    form = find_record_form(record, options.forms)
    client = form.meaning(Meaning.CLIENT_PID, record.row) if form else None
    return client is not None and client.row is None


def _contained_people(filing: ResourceContext) -> list[Resource]:
    record = filing.record
    signer = [filing.staff(SIGNER_ANCHOR, record.signed.by)] if record.signed else []
    return [filing.staff(AUTHOR_ANCHOR, record.author, record.author_title), *signer]


def _document_type(filing: ResourceContext) -> Resource:
    kind = filing.mapping.kind
    code = kind.codes.get(str(filing.record.fields.get(kind.field)), kind.otherwise)
    return (
        coding_concept(NOTE_TYPE_OID, code, code, filing.record.title)
        if code
        else {"text": filing.record.title}
    )


def _replaced_document(filing: ResourceContext) -> list[Resource]:
    """The version before, named by its identifier: only its receiver knows where it lies there.
    None where that is about another client.
    """
    before = filing.item.amends
    if before is None or before.exported_record is not None:
        return []
    named = filing.identifier("version", version_id(filing.record.entry_id, before.revision))
    return [{"code": "replaces", "target": {"type": DOCUMENT_TYPE, "identifier": named}}]


def _event_period(filing: ResourceContext) -> Resource:
    when = filing.moment(filing.record.event_at, "event_at")
    return {"start": when, "end": when}


def _document_contents(filing: ResourceContext) -> list[Resource]:
    record, picture = filing.record, filing.terms.load_image
    found = [_attachment(filing, "text/plain", make_printable(_document_text(filing)).encode())]
    if (
        record.voided is None
        and record.pages
        and picture
        and is_sheet_of_one_client(record, filing.terms)
        and not record.client.protected
    ):
        pdf = small_sheet_pdf(
            map(picture, record.pages), f"{record.title} {record.entry_id}", record.scanned.at
        )
        found.append(_attachment(filing, "application/pdf", pdf))
    return found


def _document_text(filing: ResourceContext) -> str:
    """What the key-in list says of the entry; of one that is void only that it is."""
    content = build_block(filing.item, filing.terms, partial(is_withheld, filing.record))
    rows = (
        []
        if filing.record.voided is not None
        else [f"{label}: {words}" for label, words in content.rows]
    )
    return "\n".join(
        part for part in (content.title, content.notice, *rows, *content.footer_lines) if part
    )


def _attachment(filing: ResourceContext, media_type: str, data: bytes) -> Resource:
    written = filing.moment(filing.record.written_at, "written_at") or filing.moment(
        filing.record.event_at, "event_at"
    )
    return {
        "contentType": media_type,
        "language": "sv",
        "data": base64.b64encode(data).decode("ascii"),
        "size": len(data),
        "hash": base64.b64encode(hashlib.sha1(data, usedforsecurity=False).digest()).decode(
            "ascii"
        ),
        "title": filing.record.title,
        "creation": written,
    }
