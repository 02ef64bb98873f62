"""Journal notes as GetCareDocumentation 2.1 responses, one a patient.

The contract (RIVTA clinicalprocess:healthcond:description) is for reading: a system answers a
question about one patient. A run is an archive of such answers with a strict public schema; it is
no import of a certain product. The contract has one author and no transcriber, so the note's text
says who transcribed. It allows text or image, so a note has text only. Time stamps are Swedish
wall-clock time without zone; a day without a time of day is its midnight, and the text says that
the time is missing. The schema demands a time of writing: where the paper has none it is that of
the scan, by when it was written, and the text says so. HSA-ids are those of the registers; an
unknown one is left out, as the schema allows.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from lxml import etree

from pipeline.domain.record import Record, Run
from pipeline.export.exporter import Exporter, ExportOptions, Item, data_text
from pipeline.export.mapping import NoteCode, NoteMapping
from pipeline.export.record_text import (
    amendment_text,
    field_value,
    format_field_value,
    format_uncoded_choice,
    late_entry_text,
)
from pipeline.export.rivta.elements import (
    EFTERSKRIFT_NS,
    ElementBuilder,
    add_run_comment,
    format_timestamp,
    missing_note_reasons,
    patient_access_flag,
    serialize_xml,
)
from pipeline.export.rivta.run_archive import (
    MEDIA_TYPE,
    SUFFIX,
    ArchiveFile,
    document_name,
    group_by_patient,
    log_id,
    write_archive,
)
from pipeline.export.rivta.summary_header import (
    DOMAIN_NS,
    EXTENSION_NS,
    add_author,
    add_patient_id,
    add_result,
    add_signature,
)
from pipeline.texts import Text

CONTRACT = "GetCareDocumentation 2.1"
RESPONDER_NS = "urn:riv:clinicalprocess:healthcond:description:GetCareDocumentationResponder:2"
NOTE_TYPES = {
    "utr": "Utredning",
    "atb": "Åtgärd/Behandling",
    "sam": "Sammanfattning",
    "sao": "Samordning",
    "ins": "Inskrivning",
    "slu": "Slutanteckning",
    "auf": "Anteckning utan fysiskt möte",
    "sva": "Slutenvårdsanteckning",
    "bes": "Besöksanteckning",
}
"""The types of note (Anteckningstyp, 1.2.752.129.2.2.2.11) as the contract's schema names them."""
_add_element = ElementBuilder(DOMAIN_NS).add


class CareDocumentationExporter(Exporter):
    """HSL notes to GetCareDocumentation 2.1."""

    media_type = MEDIA_TYPE
    suffix = SUFFIX
    mapping = NoteMapping
    needs_hsa_ids = True

    def unsupported_reason(self, record: Record, options: ExportOptions) -> Text | None:
        """Return what the schema misses: the time of writing or a known kind of patient id."""
        return next(self.unsupported_reasons(record, options), None)

    def unsupported_reasons(self, record: Record, options: ExportOptions) -> Iterator[Text]:
        """Yield all that is missing, not only the first."""
        mapping = options.mapping(record.form, NoteMapping)
        yield from missing_note_reasons(record, options, mapping.local_id_type)

    def make(self, items: Sequence[Item], run: Run, options: ExportOptions) -> bytes:
        """Build an archive with one answer a patient, a `careDocumentation` an entry."""
        files = [
            ArchiveFile(document_name(number), build_response(group, run, number, options), group)
            for number, group in enumerate(group_by_patient(items), 1)
        ]
        return write_archive(files, items, run, CONTRACT)


def build_response(items: Sequence[Item], run: Run, number: int, options: ExportOptions) -> bytes:
    """Build the answer about one patient: the items' notes in their order."""
    root = etree.Element(
        etree.QName(RESPONDER_NS, "GetCareDocumentationResponse"),
        nsmap={
            "resp": RESPONDER_NS,
            "core": DOMAIN_NS,
            "ext": EXTENSION_NS,
            "ef": EFTERSKRIFT_NS,
        },
    )
    for item in items:
        document = etree.SubElement(root, etree.QName(RESPONDER_NS, "careDocumentation"))
        _add_document(document, item, options)
        add_run_comment(document, run)
    add_result(root, log_id(run, number))
    return serialize_xml(root)


def _add_document(parent: etree._Element, item: Item, options: ExportOptions) -> None:
    mapping = options.mapping(item.record.form, NoteMapping)
    _add_header(_add_element(parent, "careDocumentationHeader"), item.record, mapping, options)
    note = _add_element(_add_element(parent, "careDocumentationBody"), "clinicalDocumentNote")
    if code := _note_type(item.record, mapping):
        _add_element(note, "clinicalDocumentNoteCode", code)
    if mapping.note_title:
        _add_element(note, "clinicalDocumentNoteTitle", mapping.note_title)
    _add_element(note, "clinicalDocumentNoteText", note_text(item, mapping, options))


def _note_type(record: Record, mapping: NoteMapping) -> NoteCode | None:
    chosen = record.fields.get(mapping.kind.field)
    return mapping.kind.codes.get(str(chosen), mapping.kind.otherwise)


def _document_title(record: Record, mapping: NoteMapping) -> str:
    """Return the note's type in words before the mapping's title, by which readers list notes."""
    code = _note_type(record, mapping)
    return " – ".join(filter(None, (NOTE_TYPES.get(code or ""), mapping.document_title)))


def note_text(item: Item, mapping: NoteMapping, options: ExportOptions) -> str:
    """Return where a note comes from, then its sections verbatim.

    A box without a mark says nothing, not no.
    """
    parts = [
        late_entry_text(item.record, options.settings),
        amendment_text(item),
        data_text("late_entry.unit", unit=item.record.unit),
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
        parts.append(data_text("rivta_text.left_on_paper", labels=", ".join(left_on_paper)))
    return "\n\n".join(part for part in parts if part)


def _add_header(
    header: etree._Element, record: Record, mapping: NoteMapping, options: ExportOptions
) -> None:
    _add_element(header, "documentId", record.entry_id)
    _add_element(header, "sourceSystemHSAid", options.settings.source_system_hsa_id)
    _add_element(header, "documentTitle", _document_title(record, mapping))
    _add_element(header, "documentTime", format_timestamp(_document_time(record, mapping)))
    add_patient_id(header, record, mapping.local_id_type)
    add_author(header, record, mapping.units, options)
    add_signature(header, record.signed, options)
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
        texts.append(data_text("rivta_text.document_time_written"))
    if mapping.document_time == "written" and record.written_at is None:
        texts.append(data_text("rivta_text.document_time_event"))
    return texts if record.written_at else [*texts, data_text("rivta_text.author_time_scanned")]
