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
from pipeline.export.exporter import ExportOptions, Item, data_text
from pipeline.export.mapping import NoteCode, NoteMapping
from pipeline.export.record_text import (
    amendment_text,
    field_value,
    format_field_value,
    format_uncoded_choice,
    known_time,
    late_entry_text,
)
from pipeline.export.rivta.elements import (
    DOMAIN_NS,
    answer_xml,
    extension,
    format_timestamp,
    header_parts,
    missing_note_reasons,
)
from pipeline.export.rivta.run_archive import (
    AnswersExporter,
    log_id,
)
from pipeline.files.xml_output import Namespace
from pipeline.texts import Text

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
_core, _responder = Namespace(DOMAIN_NS), Namespace(RESPONDER_NS)


class CareDocumentationExporter(AnswersExporter):
    """HSL notes to GetCareDocumentation 2.1."""

    mapping = NoteMapping
    contract = "GetCareDocumentation 2.1"

    def unsupported_reasons(self, record: Record, options: ExportOptions) -> Iterator[Text]:
        """Yield what the schema misses: the time of writing or a known kind of patient id."""
        mapping = options.mapping(record.form, NoteMapping)
        yield from missing_note_reasons(record, options, mapping.local_id_type)

    def answer(self, items: Sequence[Item], run: Run, number: int, options: ExportOptions) -> bytes:
        """Return the answer about one patient, a `careDocumentation` an entry."""
        notes = [_document(item, run, options) for item in items]
        return answer_xml("GetCareDocumentationResponse", RESPONDER_NS, notes, log_id(run, number))


def _document(item: Item, run: Run, options: ExportOptions) -> etree._Element:
    record, mapping = item.record, options.mapping(item.record.form, NoteMapping)
    code, title = _note_type(record, mapping), mapping.note_title
    nullified = (
        [_core("nullified", "true"), _core("nullifiedReason", record.voided)]
        if record.voided is not None
        else []
    )
    return _responder(
        "careDocumentation",
        _core(
            "careDocumentationHeader",
            _core("documentId", record.entry_id),
            _core("sourceSystemHSAid", options.settings.source_system_hsa_id),
            _core("documentTitle", _document_title(record, mapping)),
            _core("documentTime", format_timestamp(_document_time(record, mapping))),
            *header_parts(record, mapping, options),
            *nullified,
        ),
        _core(
            "careDocumentationBody",
            _core(
                "clinicalDocumentNote",
                _core("clinicalDocumentNoteCode", code) if code else None,
                _core("clinicalDocumentNoteTitle", title) if title else None,
                _core("clinicalDocumentNoteText", note_text(item, mapping, options)),
            ),
        ),
        extension("run", run.id),
    )


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


def _document_time(record: Record, mapping: NoteMapping) -> datetime:
    moments = (record.event_at, record.written_at)
    return known_time(*(moments if mapping.document_time == "event" else reversed(moments)))


def _stand_in_texts(record: Record, mapping: NoteMapping) -> list[str]:
    """Say which times of the header stand for one that the paper does not give."""
    texts = []
    if mapping.document_time == "event" and record.event_at is None:
        texts.append(data_text("rivta_text.document_time_written"))
    if mapping.document_time == "written" and record.written_at is None:
        texts.append(data_text("rivta_text.document_time_event"))
    return texts if record.written_at else [*texts, data_text("rivta_text.author_time_scanned")]
