"""Measurements as GetObservations 1.0 responses, one a patient.

The contract (RIVTA clinicalprocess:healthcond:basic) is for reading, as GetCareDocumentation is:
a run is an archive of answers with a strict public schema, no import of a certain product. A row of
the form is one `observationGroup`, each number in it one `observation` with its code, unit, time
and negation; codes of other code systems are in the type as `translation`. Where the paper comes
from, its remark and what is illegible are in `description`. An amendment has the same ids: a number
that the entry no longer holds is nullified, so that no withdrawn value stays behind.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from lxml import etree

from pipeline.domain.record import Record, Run
from pipeline.export.exporter import Exporter, ExportOptions, Item, data_text
from pipeline.export.record_text import (
    ILLEGIBLE_TEXT,
    amendment_text,
    find_signature,
    format_field_value,
    labelled,
    late_entry_text,
)
from pipeline.export.rivta.elements import (
    EFTERSKRIFT_NS,
    ElementBuilder,
    Performer,
    add_run_comment,
    day_bounds,
    format_boolean,
    format_timestamp,
    patient_access_flag,
    record_author,
    serialize_xml,
    signature_performer,
    unsupported_group_reasons,
)
from pipeline.export.rivta.mapping import Observation, ObservationMapping
from pipeline.export.rivta.run_archive import (
    MEDIA_TYPE,
    SUFFIX,
    ArchiveFile,
    document_name,
    group_by_patient,
    write_archive,
)
from pipeline.texts import Text

CONTRACT = "GetObservations 1.0"
RESPONDER_NS = "urn:riv:clinicalprocess:healthcond:basic:GetObservationsResponder:1"
DOMAIN_NS = "urn:riv:clinicalprocess:healthcond:basic:1"
_elements, _extensions = ElementBuilder(DOMAIN_NS), ElementBuilder(EFTERSKRIFT_NS)
_NUMBER = re.compile(r"-?\d+(\.\d+)?", re.ASCII)


class ObservationsExporter(Exporter):
    """Measurements to GetObservations 1.0."""

    media_type = MEDIA_TYPE
    suffix = SUFFIX
    mapping = ObservationMapping
    needs_hsa_ids = True

    def unsupported_reason(self, record: Record, options: ExportOptions) -> Text | None:
        """Return what the schema misses: a time, a patient with a birth date, or a number."""
        return next(self.unsupported_reasons(record, options), None)

    def unsupported_reasons(self, record: Record, options: ExportOptions) -> Iterator[Text]:
        """Yield all that is missing, not only the first."""
        mapping = options.mapping(record.form, ObservationMapping)
        yield from unsupported_group_reasons(record, options)
        if record.revision == 1 and not any(
            _decimal_text(record, observation) for observation in mapping.observations
        ):
            yield Text("export_reason.no_measurement")

    def make(self, items: Sequence[Item], run: Run, options: ExportOptions) -> bytes:
        """Build an archive with one answer a patient, an `observationGroup` an entry."""
        files = [
            ArchiveFile(document_name(number), build_response(group, run, options), group)
            for number, group in enumerate(group_by_patient(items), 1)
        ]
        return write_archive(files, items, run, CONTRACT)


def build_response(items: Sequence[Item], run: Run, options: ExportOptions) -> bytes:
    """Build the answer about one patient: the items' measurements in their order."""
    root = etree.Element(
        etree.QName(RESPONDER_NS, "GetObservationsResponse"),
        nsmap={"resp": RESPONDER_NS, "core": DOMAIN_NS, "ef": EFTERSKRIFT_NS},
    )
    for item in items:
        _add_group(ElementBuilder(RESPONDER_NS).add(root, "observationGroup"), item, options)
    add_run_comment(root, run)
    return serialize_xml(root)


def _add_group(group: etree._Element, item: Item, options: ExportOptions) -> None:
    record, mapping = item.record, options.mapping(item.record.form, ObservationMapping)
    _elements.add_patient(group, record)
    signature = find_signature(record, mapping.signed_in, options.staff)
    # The author of the sheet has not measured what somebody else, or nobody, signed.
    unsigned_by = Performer() if mapping.signed_in else record_author(record)
    performer = signature_performer(signature) if signature else unsigned_by
    _elements.add_performer(group, performer, record, mapping, options)
    _elements.add_signer(group, record.signed, options)
    _elements.add_source_system(group, options)
    description = describe_observation(item, mapping, options)
    # An amendment reports every number, to nullify those that are gone.
    for observation in mapping.observations:
        if _decimal_text(record, observation) or record.revision > 1:
            element = _elements.add(group, "observation")
            _add_observation(element, item, observation, description, options)


def _add_observation(
    element: etree._Element,
    item: Item,
    observation: Observation,
    description: str,
    options: ExportOptions,
) -> None:
    record, mapping = item.record, options.mapping(item.record.form, ObservationMapping)
    number = _decimal_text(record, observation)
    _elements.add_source_id(element, options, record.entry_id, observation.field)
    kind = _elements.add_code(element, "type", observation.type)
    for code in observation.also:
        _extensions.add_code(kind, "translation", code)
    _elements.add_code(
        element, "status", mapping.final if number and record.voided is None else mapping.nullified
    )
    _add_time(_elements.add(element, "time"), record)
    value = _elements.add(element, "value")
    if number:
        quantity = _elements.add(value, "pq")
        _elements.add(quantity, "value", number)
        _elements.add(quantity, "unit", observation.unit)
    _elements.add(element, "valueNegation", format_boolean(False))
    _elements.add(element, "description", description)
    _elements.add(
        element,
        "approvedForPatient",
        patient_access_flag(record, approved=mapping.approved_for_patient),
    )
    _elements.add(element, "registrationTime", format_timestamp(record.entered.at))


def _add_time(time: etree._Element, record: Record) -> None:
    """Add the time to the minute; the whole day where the paper has no time of day."""
    if record.event_at is None:
        raise ValueError("a record without any time is unsupported and must not come here")
    if "event_at" in record.clock_unknown:
        start, end = day_bounds(record.event_at)
        _elements.add_moment(time, "start", start, exact=False)
        _elements.add_moment(time, "end", end, exact=False)
    else:
        _elements.add_moment(time, "start", record.event_at)


def describe_observation(item: Item, mapping: ObservationMapping, options: ExportOptions) -> str:
    """Return where a number comes from, the paper's remark, and illegible numbers of the row."""
    record = item.record
    signature = find_signature(record, mapping.signed_in, options.staff)
    illegible = [
        record.labels.get(observation.field, observation.field)
        for observation in mapping.observations
        if observation.field in record.illegible
    ]
    parts = [
        late_entry_text(record, options.settings),
        amendment_text(item),
        data_text("rivta_text.void", reason=record.voided) if record.voided else "",
        data_text("late_entry.unit", unit=record.unit),
        data_text("rivta_text.row_signed", signature=signature.as_text) if signature else "",
        *(
            labelled(record, name, words)
            for name in mapping.remarks
            if (words := format_field_value(record, name, options.forms))
        ),
        data_text(
            "rivta_text.illegible_in_row", illegible=ILLEGIBLE_TEXT, labels=", ".join(illegible)
        )
        if illegible
        else "",
    ]
    return "\n".join(part for part in parts if part)


def _decimal_text(record: Record, observation: Observation) -> str:
    """Return the value as XML writes a decimal; empty where there is no legible number."""
    value = record.fields.get(observation.field)
    if not isinstance(value, str) or observation.field in record.illegible:
        return ""
    return value if _NUMBER.fullmatch(value) else ""
