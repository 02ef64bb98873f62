"""Journal notes as a GetCareDocumentation 2.1 response (RIVTA clinicalprocess:healthcond:description).

The contract is for reading: a system answers a question about one patient. So this file is an interchange form with a strict public schema, not
an import that some product is known to take, and it holds many patients. What the contract cannot say is put in the note's text: it has one
author and no transcriber. A note carries text and never the picture too, because the contract allows one of them. Time stamps are Swedish
wall-clock time without zone; a day without a time of day is written as its midnight, and the text says that the time is missing. An author's
HSA-id is not on the paper, so it is left out, as the schema allows; nothing is made up.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from lxml import etree

from pipeline.export.exporter import Item, Terms, with_withdrawals
from pipeline.export.late_entry import amendment_text, late_entry_text
from pipeline.export.mapping import NoteMapping
from pipeline.export.patient_id import id_type
from pipeline.export.rivta_parts import Elements, clock, open_to_patient, tree_bytes, unnumbered
from pipeline.export.values import said, shown, uncoded
from pipeline.record import Record, Run, Stamp

RESPONDER = "urn:riv:clinicalprocess:healthcond:description:GetCareDocumentationResponder:2"
DOMAIN = "urn:riv:clinicalprocess:healthcond:description:2"
EXTENSION = "urn:riv:clinicalprocess:healthcond:description:2.1"
_add = Elements(DOMAIN).add


class RivtaExporter:
    """HSL notes to GetCareDocumentation 2.1."""

    title = "Journalanteckningar (RIVTA GetCareDocumentation 2.1)"
    media_type = "application/xml"
    suffix = ".xml"
    mapping = NoteMapping

    def unfit(self, record: Record, terms: Terms) -> str:
        """The schema asks for the time of writing and a known kind of patient id."""
        mapping = terms.mapping(record.form, NoteMapping)
        if record.written_at is None and record.event_at is None:
            return "Tidpunkt saknas. Journalformatet kräver när anteckningen skrevs."
        return unnumbered(record, mapping.local_id_type)

    def make(self, items: Sequence[Item], run: Run, terms: Terms) -> bytes:
        """One `careDocumentation` an entry, in the items' order; before one that was moved, the nullified one of its first client."""
        root = etree.Element(etree.QName(RESPONDER, "GetCareDocumentationResponse"), nsmap={"resp": RESPONDER, "core": DOMAIN, "ext": EXTENSION})
        for item in with_withdrawals(items):
            _document(etree.SubElement(root, etree.QName(RESPONDER, "careDocumentation")), item, terms)
        extension = Elements(EXTENSION)
        result = extension.add(root, "result")
        extension.add(result, "resultCode", "OK")
        extension.add(result, "logId", run.id)
        return tree_bytes(root)


def _document(parent: etree._Element, item: Item, terms: Terms) -> None:
    mapping = terms.mapping(item.record.form, NoteMapping)
    _header(_add(parent, "careDocumentationHeader"), item.record, mapping, terms)
    note = _add(_add(parent, "careDocumentationBody"), "clinicalDocumentNote")
    chosen = item.record.fields.get(mapping.kind.field)
    if code := mapping.kind.codes.get(str(chosen), mapping.kind.otherwise):
        _add(note, "clinicalDocumentNoteCode", code)
    if mapping.note_title:
        _add(note, "clinicalDocumentNoteTitle", mapping.note_title)
    _add(note, "clinicalDocumentNoteText", note_text(item, mapping, terms))


def note_text(item: Item, mapping: NoteMapping, terms: Terms) -> str:
    """Where the note comes from, then what it says, verbatim. A box without a mark says nothing, not no."""
    parts = [late_entry_text(item.record, terms.settings), amendment_text(item), f"Enhet: {item.record.unit}."]
    for section in mapping.sections:
        words = shown(item.record, section.field, terms.forms)
        if words and said(item.record, section.field, terms.forms) is not False:
            parts.append(f"{section.heading}\n{words}" if section.heading else words)
    if mapping.kind.field not in {section.field for section in mapping.sections}:
        parts.append(uncoded(item.record, mapping.kind.field, mapping.kind.codes, terms.forms))
    left = [item.record.labels.get(name, name) for name in mapping.left_on_paper if item.record.fields.get(name) or name in item.record.illegible]
    parts.append(f"Står på papperet och skrivs inte av här: {', '.join(left)}." if left else "")
    return "\n\n".join(part for part in parts if part)


def _header(header: etree._Element, record: Record, mapping: NoteMapping, terms: Terms) -> None:
    _add(header, "documentId", record.entry_id)
    _add(header, "sourceSystemHSAid", terms.settings.source_system_hsa_id)
    _add(header, "documentTitle", mapping.document_title)
    _add(header, "documentTime", clock(_document_time(record, mapping)))
    patient = _add(header, "patientId")
    _add(patient, "id", record.client.pid)
    _add(patient, "type", id_type(record.client.pid, mapping.local_id_type))
    _author(_add(header, "accountableHealthcareProfessional"), record, mapping, terms)
    if record.signed:
        _signature(_add(header, "legalAuthenticator"), record.signed)
    _add(header, "approvedForPatient", open_to_patient(record, approved=mapping.approved_for_patient))
    if record.voided is not None:
        _add(header, "nullified", "true")
        _add(header, "nullifiedReason", record.voided)


def _document_time(record: Record, mapping: NoteMapping) -> datetime:
    first, second = (record.event_at, record.written_at) if mapping.document_time == "event" else (record.written_at, record.event_at)
    return _known(first or second)


def _author(author: etree._Element, record: Record, mapping: NoteMapping, terms: Terms) -> None:
    _add(author, "authorTime", clock(_known(record.written_at or record.event_at)))
    if record.author:
        _add(author, "healthcareProfessionalName", record.author)
    if record.author_title:
        _add(_add(author, "healthcareProfessionalRoleCode"), "originalText", record.author_title)
    if unit := mapping.units.get(record.unit):
        place = _add(author, "healthcareProfessionalOrgUnit")
        _add(place, "orgUnitHSAId", unit.hsa_id)
        _add(place, "orgUnitName", unit.name or record.unit)
        _add(author, "healthcareProfessionalCareUnitHSAId", unit.hsa_id)
    _add(author, "healthcareProfessionalCareGiverHSAId", terms.settings.care_provider_hsa_id)


def _signature(signature: etree._Element, signed: Stamp) -> None:
    _add(signature, "signatureTime", clock(signed.at))
    _add(signature, "legalAuthenticatorName", signed.by)


def _known(moment: datetime | None) -> datetime:
    if moment is None:
        raise ValueError("a record without any time is unfit and must not come here")
    return moment
