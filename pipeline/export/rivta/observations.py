"""Measurements as a GetObservations 1.0 response (RIVTA clinicalprocess:healthcond:basic).

The contract is for reading, as GetCareDocumentation is: an interchange form with a strict public
schema, not an import that some product is known to take. A row of the form is one
`observationGroup`, each number in it one `observation` with its code, unit, time and negation.
Where the paper comes from, its remark and what is illegible stand in `description`. An amendment
names the same ids: a number that the entry does not hold any longer is nullified, so that no
withdrawn value stays behind.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from lxml import etree

from pipeline.domain.record import Record, Run
from pipeline.export.exporter import ExportOptions, Item, insert_withdrawals
from pipeline.export.record_text import (
    ILLEGIBLE_TEXT,
    amendment_text,
    find_signature,
    format_field_value,
    late_entry_text,
)
from pipeline.export.rivta.elements import (
    EFTERSKRIFT_NS,
    ElementBuilder,
    add_run_comment,
    day_bounds,
    format_boolean,
    format_timestamp,
    patient_access_flag,
    serialize_xml,
    unsupported_group_reason,
)
from pipeline.export.rivta.mapping import Observation, ObservationMapping
from pipeline.texts import Text

RESPONDER_NS = "urn:riv:clinicalprocess:healthcond:basic:GetObservationsResponder:1"
DOMAIN_NS = "urn:riv:clinicalprocess:healthcond:basic:1"
_elements = ElementBuilder(DOMAIN_NS)
_NUMBER = re.compile(r"-?\d+(\.\d+)?", re.ASCII)


class ObservationsExporter:
    """Measurements to GetObservations 1.0."""

    title = Text("target.observationer")
    media_type = "application/xml"
    suffix = ".xml"
    mapping = ObservationMapping

    def unsupported_reason(self, record: Record, options: ExportOptions) -> Text | None:
        """The schema asks for a time, a numbered patient with a day of birth, and at least one
        number.
        """
        mapping = options.mapping(record.form, ObservationMapping)
        if reason := unsupported_group_reason(record):
            return reason
        if record.revision == 1 and not any(
            _decimal_text(record, one) for one in mapping.observations
        ):
            return Text("export_reason.no_measurement")
        return None

    def make(self, items: Sequence[Item], run: Run, options: ExportOptions) -> bytes:
        """One `observationGroup` an entry, in the items' order."""
        root = etree.Element(
            etree.QName(RESPONDER_NS, "GetObservationsResponse"),
            nsmap={"resp": RESPONDER_NS, "core": DOMAIN_NS, "ef": EFTERSKRIFT_NS},
        )
        for item in insert_withdrawals(items):
            _add_group(ElementBuilder(RESPONDER_NS).add(root, "observationGroup"), item, options)
        add_run_comment(root, run)
        return serialize_xml(root)


def _add_group(group: etree._Element, item: Item, options: ExportOptions) -> None:
    record, mapping = item.record, options.mapping(item.record.form, ObservationMapping)
    _elements.add_patient(group, record)
    signature = find_signature(record, mapping.signed_in, options.staff)
    _elements.add_performer(
        group, (signature.name if signature else "") or record.author, record, mapping, options
    )
    _elements.add_signer(group, record.signed)
    _elements.add_source_system(group, options)
    words = describe_observation(item, mapping, options)
    for one in mapping.observations:
        if _decimal_text(record, one) or record.revision > 1:
            _add_observation(_elements.add(group, "observation"), item, one, words, options)


def _add_observation(
    found: etree._Element, item: Item, mapped: Observation, words: str, options: ExportOptions
) -> None:
    record, mapping = item.record, options.mapping(item.record.form, ObservationMapping)
    number = _decimal_text(record, mapped)
    _elements.add_source_id(found, options, record.entry_id, mapped.field)
    _elements.add_code(found, "type", mapped.type)
    _elements.add_code(
        found, "status", mapping.final if number and record.voided is None else mapping.nullified
    )
    _add_time(_elements.add(found, "time"), record)
    value = _elements.add(found, "value")
    if number:
        quantity = _elements.add(value, "pq")
        _elements.add(quantity, "value", number)
        _elements.add(quantity, "unit", mapped.unit)
    _elements.add(found, "valueNegation", format_boolean(False))
    _elements.add(found, "description", words)
    _elements.add(
        found,
        "approvedForPatient",
        patient_access_flag(record, approved=mapping.approved_for_patient),
    )
    _elements.add(found, "registrationTime", format_timestamp(record.entered.at))


def _add_time(time: etree._Element, record: Record) -> None:
    """To the minute; the whole day where the paper has no time of day."""
    if record.event_at is None:
        raise ValueError("a record without any time is unfit and must not come here")
    if "event_at" in record.clock_unknown:
        start, end = day_bounds(record.event_at)
        _elements.add_moment(time, "start", start, exact=False)
        _elements.add_moment(time, "end", end, exact=False)
    else:
        _elements.add_moment(time, "start", record.event_at)


def describe_observation(item: Item, mapping: ObservationMapping, options: ExportOptions) -> str:
    """Where the number comes from, the paper's remark verbatim, and which of the row's numbers
    nobody can read.
    """
    record = item.record
    signature = find_signature(record, mapping.signed_in, options.staff)
    unread = [
        record.labels.get(one.field, one.field)
        for one in mapping.observations
        if one.field in record.illegible
    ]
    parts = [
        late_entry_text(record, options.settings),
        amendment_text(item),
        f"Makulerad: {record.voided}." if record.voided else "",
        f"Enhet: {record.unit}.",
        f"Raden är {signature.as_text}." if signature else "",
        *(
            f"{record.labels.get(name, name)}: {words}"
            for name in mapping.remarks
            if (words := format_field_value(record, name, options.forms))
        ),
        f"På samma rad {ILLEGIBLE_TEXT}: {', '.join(unread)}." if unread else "",
    ]
    return "\n".join(part for part in parts if part)


def _decimal_text(record: Record, mapped: Observation) -> str:
    """The value as XML writes a decimal; empty where there is none that can be read."""
    value = record.fields.get(mapped.field)
    return (
        value
        if isinstance(value, str)
        and mapped.field not in record.illegible
        and _NUMBER.fullmatch(value)
        else ""
    )
