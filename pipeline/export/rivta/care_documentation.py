"""Journal notes as a GetCareDocumentation 2.1 response.

The contract (RIVTA clinicalprocess:healthcond:description) is for reading: a system answers a
question about one patient. This file is an interchange form with a strict public schema, not an
import of a certain product, and holds many patients. The contract has one author and no
transcriber, so the note's text says who transcribed. It allows text or image, so a note has text
only. Time stamps are Swedish wall-clock time without zone; a day without a time of day is its
midnight, and the text says that the time is missing. The schema demands a time of writing: where
the paper has none it is that of the scan, by when it was written, and the text says so. An author's
HSA-id is not on the paper and is left out, as the schema allows; nothing is made up.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from lxml import etree

from pipeline.domain.identity_numbers import pid_oid
from pipeline.domain.record import Record, Run, Stamp
from pipeline.export.exporter import DATA_LANGUAGE, ExportOptions, Item, insert_withdrawals
from pipeline.export.record_text import (
    amendment_text,
    care_provider,
    field_value,
    format_field_value,
    format_uncoded_choice,
    late_entry,
    late_entry_text,
)
from pipeline.export.rivta.elements import (
    ElementBuilder,
    find_care_unit,
    format_timestamp,
    missing_id_reason,
    missing_pid_reason,
    patient_access_flag,
    serialize_xml,
)
from pipeline.export.tables.mapping import NoteMapping
from pipeline.texts import Text, Topic

RESPONDER_NS = "urn:riv:clinicalprocess:healthcond:description:GetCareDocumentationResponder:2"
DOMAIN_NS = "urn:riv:clinicalprocess:healthcond:description:2"
EXTENSION_NS = "urn:riv:clinicalprocess:healthcond:description:2.1"
_text = Topic("rivta_text", DATA_LANGUAGE)
_add_element = ElementBuilder(DOMAIN_NS).add


class CareDocumentationExporter:
    """HSL notes to GetCareDocumentation 2.1."""

    title = Text("target.rivta")
    media_type = "application/xml"
    suffix = ".xml"
    mapping = NoteMapping

    def unsupported_reason(self, record: Record, options: ExportOptions) -> Text | None:
        """Return what the schema misses: the time of writing or a known kind of patient id."""
        mapping = options.mapping(record.form, NoteMapping)
        if record.written_at is None and record.event_at is None:
            return Text("export_reason.no_written_time")
        return missing_id_reason(record, options) or missing_pid_reason(
            record, mapping.local_id_type
        )

    def make(self, items: Sequence[Item], run: Run, options: ExportOptions) -> bytes:
        """Build one `careDocumentation` an entry, in the items' order, with withdrawals before."""
        root = etree.Element(
            etree.QName(RESPONDER_NS, "GetCareDocumentationResponse"),
            nsmap={"resp": RESPONDER_NS, "core": DOMAIN_NS, "ext": EXTENSION_NS},
        )
        for item in insert_withdrawals(items):
            _add_document(
                etree.SubElement(root, etree.QName(RESPONDER_NS, "careDocumentation")),
                item,
                options,
            )
        extension = ElementBuilder(EXTENSION_NS)
        result = extension.add(root, "result")
        extension.add(result, "resultCode", "OK")
        extension.add(result, "logId", run.id)
        return serialize_xml(root)


def _add_document(parent: etree._Element, item: Item, options: ExportOptions) -> None:
    mapping = options.mapping(item.record.form, NoteMapping)
    _add_header(_add_element(parent, "careDocumentationHeader"), item.record, mapping, options)
    note = _add_element(_add_element(parent, "careDocumentationBody"), "clinicalDocumentNote")
    chosen = item.record.fields.get(mapping.kind.field)
    if code := mapping.kind.codes.get(str(chosen), mapping.kind.otherwise):
        _add_element(note, "clinicalDocumentNoteCode", code)
    if mapping.note_title:
        _add_element(note, "clinicalDocumentNoteTitle", mapping.note_title)
    _add_element(note, "clinicalDocumentNoteText", note_text(item, mapping, options))


def note_text(item: Item, mapping: NoteMapping, options: ExportOptions) -> str:
    """Return where a note comes from, then its sections verbatim.

    A box without a mark says nothing, not no.
    """
    parts = [
        late_entry_text(item.record, options.settings),
        amendment_text(item),
        late_entry("unit", unit=item.record.unit),
        *_stand_in_texts(item.record, mapping),
    ]
    for section in mapping.sections:
        words = format_field_value(item.record, section.field, options.forms)
        if words and field_value(item.record, section.field, options.forms) is not False:
            parts.append(f"{section.heading}\n{words}" if section.heading else words)
    # A choice that has no code and is in no section would be lost.
    if mapping.kind.field not in {section.field for section in mapping.sections}:
        parts.append(
            format_uncoded_choice(
                item.record, mapping.kind.field, mapping.kind.codes, options.forms
            )
        )
    left_on_paper = [
        item.record.labels.get(name, name)
        for name in mapping.left_on_paper
        if item.record.fields.get(name) or name in item.record.illegible
    ]
    if left_on_paper:
        parts.append(_text("left_on_paper", labels=", ".join(left_on_paper)))
    return "\n\n".join(part for part in parts if part)


def _add_header(
    header: etree._Element, record: Record, mapping: NoteMapping, options: ExportOptions
) -> None:
    _add_element(header, "documentId", record.entry_id)
    _add_element(header, "sourceSystemHSAid", options.settings.source_system_hsa_id)
    _add_element(header, "documentTitle", mapping.document_title)
    _add_element(header, "documentTime", format_timestamp(_document_time(record, mapping)))
    patient = _add_element(header, "patientId")
    _add_element(patient, "id", record.client.pid)
    _add_element(patient, "type", pid_oid(record.client.pid, mapping.local_id_type))
    _add_author(_add_element(header, "accountableHealthcareProfessional"), record, mapping, options)
    if record.signed:
        _add_signature(_add_element(header, "legalAuthenticator"), record.signed)
    _add_element(
        header,
        "approvedForPatient",
        patient_access_flag(record, approved=mapping.approved_for_patient),
    )
    if record.voided is not None:
        _add_element(header, "nullified", "true")
        _add_element(header, "nullifiedReason", record.voided)


def _document_time(record: Record, mapping: NoteMapping) -> datetime:
    moments = (record.event_at, record.written_at)
    first, second = moments if mapping.document_time == "event" else reversed(moments)
    known = first or second
    if known is None:
        raise ValueError("a record without any time is unsupported and must not come here")
    return known


def _stand_in_texts(record: Record, mapping: NoteMapping) -> list[str]:
    """Say which times of the header stand for one that the paper does not give."""
    texts = []
    if mapping.document_time == "event" and record.event_at is None:
        texts.append(_text("document_time_written"))
    if mapping.document_time == "written" and record.written_at is None:
        texts.append(_text("document_time_event"))
    return texts if record.written_at else [*texts, _text("author_time_scanned")]


def _add_author(
    author: etree._Element, record: Record, mapping: NoteMapping, options: ExportOptions
) -> None:
    _add_element(author, "authorTime", format_timestamp(record.written_at or record.scanned.at))
    if record.author:
        _add_element(author, "healthcareProfessionalName", record.author)
    if record.author_title:
        _add_element(
            _add_element(author, "healthcareProfessionalRoleCode"),
            "originalText",
            record.author_title,
        )
    if unit := find_care_unit(record, mapping.units, options):
        place = _add_element(author, "healthcareProfessionalOrgUnit")
        _add_element(place, "orgUnitHSAId", unit.hsa_id)
        _add_element(place, "orgUnitName", unit.name or record.unit)
        _add_element(author, "healthcareProfessionalCareUnitHSAId", unit.hsa_id)
    provider = care_provider(record, options.settings)
    _add_element(author, "healthcareProfessionalCareGiverHSAId", provider.hsa_id)


def _add_signature(signature: etree._Element, stamp: Stamp) -> None:
    _add_element(signature, "signatureTime", format_timestamp(stamp.at))
    _add_element(signature, "legalAuthenticatorName", stamp.by)
