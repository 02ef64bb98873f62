"""Measurements as a GetObservations 1.0 response (RIVTA clinicalprocess:healthcond:basic).

The contract is for reading, as GetCareDocumentation is: an interchange form with a strict public schema, not an import that some product is known to
take. A row of the form is one `observationGroup`, each number in it one `observation` with its code, unit, time and negation. Where the paper comes
from, its remark and what is illegible stand in `description`. An amendment names the same ids: a number that the entry does not hold any longer is
nullified, so that no withdrawn value stays behind.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from lxml import etree

from pipeline.export.exporter import Item, Terms, with_withdrawals
from pipeline.export.group_mapping import Observation, ObservationMapping
from pipeline.export.late_entry import amendment_text, late_entry_text
from pipeline.export.rivta_parts import EFTERSKRIFT, Elements, boolean, clock, open_to_patient, run_mark, tree_bytes, unfit_for_group, whole_day
from pipeline.export.signatures import signature_of
from pipeline.export.values import ILLEGIBLE, shown
from pipeline.record import Record, Run

RESPONDER = "urn:riv:clinicalprocess:healthcond:basic:GetObservationsResponder:1"
DOMAIN = "urn:riv:clinicalprocess:healthcond:basic:1"
_core = Elements(DOMAIN)
_NUMBER = re.compile(r"-?\d+(\.\d+)?", re.ASCII)


class ObservationsExporter:
    """Measurements to GetObservations 1.0."""

    title = "Mätvärden (RIVTA GetObservations 1.0)"
    media_type = "application/xml"
    suffix = ".xml"
    mapping = ObservationMapping

    def unfit(self, record: Record, terms: Terms) -> str:
        """The schema asks for a time, a numbered patient with a day of birth, and at least one number."""
        mapping = terms.mapping(record.form, ObservationMapping)
        if reason := unfit_for_group(record):
            return reason
        if record.revision == 1 and not any(_number(record, one) for one in mapping.observations):
            return "Raden har inget läsligt mätvärde. Skriv in den för hand."
        return ""

    def make(self, items: Sequence[Item], run: Run, terms: Terms) -> bytes:
        """One `observationGroup` an entry, in the items' order."""
        root = etree.Element(etree.QName(RESPONDER, "GetObservationsResponse"), nsmap={"resp": RESPONDER, "core": DOMAIN, "ef": EFTERSKRIFT})
        for item in with_withdrawals(items):
            _group(Elements(RESPONDER).add(root, "observationGroup"), item, terms)
        run_mark(root, run)
        return tree_bytes(root)


def _group(group: etree._Element, item: Item, terms: Terms) -> None:
    record, mapping = item.record, terms.mapping(item.record.form, ObservationMapping)
    _core.patient(group, record)
    signature = signature_of(record, mapping.signed_in, terms.staff)
    _core.performer(group, (signature.name if signature else "") or record.author, record, mapping, terms)
    _core.signer(group, record.signed)
    _core.source(group, terms)
    words = description(item, mapping, terms)
    for one in mapping.observations:
        if _number(record, one) or record.revision > 1:
            _observation(_core.add(group, "observation"), item, one, words, terms)


def _observation(found: etree._Element, item: Item, one: Observation, words: str, terms: Terms) -> None:
    record, mapping = item.record, terms.mapping(item.record.form, ObservationMapping)
    number = _number(record, one)
    _core.own_id(found, terms, record.entry_id, one.field)
    _core.code(found, "type", one.type)
    _core.code(found, "status", mapping.final if number and record.voided is None else mapping.nullified)
    _time(_core.add(found, "time"), record)
    value = _core.add(found, "value")
    if number:
        quantity = _core.add(value, "pq")
        _core.add(quantity, "value", number)
        _core.add(quantity, "unit", one.unit)
    _core.add(found, "valueNegation", boolean(False))
    _core.add(found, "description", words)
    _core.add(found, "approvedForPatient", open_to_patient(record, approved=mapping.approved_for_patient))
    _core.add(found, "registrationTime", clock(record.entered.at))


def _time(time: etree._Element, record: Record) -> None:
    """To the minute; the whole day where the paper has no time of day."""
    if record.event_at is None:
        raise ValueError("a record without any time is unfit and must not come here")
    if "event_at" in record.clock_unknown:
        start, end = whole_day(record.event_at)
        _core.moment(time, "start", start, exact=False)
        _core.moment(time, "end", end, exact=False)
    else:
        _core.moment(time, "start", record.event_at)


def description(item: Item, mapping: ObservationMapping, terms: Terms) -> str:
    """Where the number comes from, the paper's remark verbatim, and which of the row's numbers nobody can read."""
    record = item.record
    signature = signature_of(record, mapping.signed_in, terms.staff)
    unread = [record.labels.get(one.field, one.field) for one in mapping.observations if one.field in record.illegible]
    parts = [
        late_entry_text(record, terms.settings),
        amendment_text(item),
        f"Makulerad: {record.voided}." if record.voided else "",
        f"Enhet: {record.unit}.",
        f"Raden är {signature.words}." if signature else "",
        *(f"{record.labels.get(name, name)}: {words}" for name in mapping.remarks if (words := shown(record, name, terms.forms))),
        f"På samma rad {ILLEGIBLE}: {', '.join(unread)}." if unread else "",
    ]
    return "\n".join(part for part in parts if part)


def _number(record: Record, one: Observation) -> str:
    """The value as XML writes a decimal; empty where there is none that can be read."""
    value = record.fields.get(one.field)
    return value if isinstance(value, str) and one.field not in record.illegible and _NUMBER.fullmatch(value) else ""
