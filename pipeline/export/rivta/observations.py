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
from pipeline.export.exporter import ExportOptions, Item, data_text
from pipeline.export.record_text import (
    ILLEGIBLE_TEXT,
    amendment_text,
    find_signature,
    format_field_value,
    known_time,
    labelled,
    late_entry_text,
)
from pipeline.export.rivta.elements import (
    EFTERSKRIFT_NS,
    Performer,
    RivtaNamespace,
    day_bounds,
    extension,
    format_boolean,
    format_timestamp,
    patient_access_flag,
    record_author,
    signature_performer,
    unsupported_group_reasons,
)
from pipeline.export.rivta.mapping import Observation, ObservationMapping
from pipeline.export.rivta.run_archive import (
    AnswersExporter,
)
from pipeline.files.xml_output import Namespace, serialize_xml
from pipeline.texts import Text

RESPONDER_NS = "urn:riv:clinicalprocess:healthcond:basic:GetObservationsResponder:1"
DOMAIN_NS = "urn:riv:clinicalprocess:healthcond:basic:1"
_core, _responder = RivtaNamespace(DOMAIN_NS), Namespace(RESPONDER_NS)
_NUMBER = re.compile(r"-?\d+(\.\d+)?", re.ASCII)


class ObservationsExporter(AnswersExporter):
    """Measurements to GetObservations 1.0."""

    mapping = ObservationMapping
    contract = "GetObservations 1.0"

    def unsupported_reasons(self, record: Record, options: ExportOptions) -> Iterator[Text]:
        """Yield what the schema misses: a time, a patient with a birth date, or a number."""
        mapping = options.mapping(record.form, ObservationMapping)
        yield from unsupported_group_reasons(record, options)
        if record.revision == 1 and not any(
            _decimal_text(record, observation) for observation in mapping.observations
        ):
            yield Text("export_reason.no_measurement")

    def answer(self, items: Sequence[Item], run: Run, number: int, options: ExportOptions) -> bytes:
        """Return the answer about one patient, an `observationGroup` an entry."""
        del number
        root = _responder(
            "GetObservationsResponse",
            *(_group(item, options) for item in items),
            extension("run", run.id),
            prefixes={"resp": RESPONDER_NS, "core": DOMAIN_NS, "ef": EFTERSKRIFT_NS},
        )
        return serialize_xml(root)


def _group(item: Item, options: ExportOptions) -> etree._Element:
    record, mapping = item.record, options.mapping(item.record.form, ObservationMapping)
    signature = find_signature(record, mapping.signed_in, options.staff)
    # The author of the sheet has not measured what somebody else, or nobody, signed.
    unsigned_by = Performer() if mapping.signed_in else record_author(record)
    performer = signature_performer(signature) if signature else unsigned_by
    description = describe_observation(item, mapping, options)
    return _responder(
        "observationGroup",
        _core.patient(record),
        _core.performer(performer, record, mapping, options),
        _core.signer(record.signed, options),
        _core.source_system(options),
        *(
            _observation(record, observation, description, options)
            for observation in mapping.observations
            # An amendment reports every number, to nullify those that are gone.
            if _decimal_text(record, observation) or record.revision > 1
        ),
    )


def _observation(
    record: Record, observation: Observation, description: str, options: ExportOptions
) -> etree._Element:
    mapping, number = (
        options.mapping(record.form, ObservationMapping),
        _decimal_text(record, observation),
    )
    translations = [extension.code("translation", code) for code in observation.also]
    status = mapping.final if number and record.voided is None else mapping.nullified
    approved = mapping.approved_for_patient
    return _core(
        "observation",
        _core.source_id(options, record.entry_id, observation.field),
        _core.code("type", observation.type, *translations),
        _core.code("status", status),
        _core("time", *_time_parts(record)),
        _core(
            "value",
            _core("pq", _core("value", number), _core("unit", observation.unit))
            if number
            else None,
        ),
        _core("valueNegation", format_boolean(False)),
        _core("description", description),
        _core("approvedForPatient", patient_access_flag(record, approved=approved)),
        _core("registrationTime", format_timestamp(record.entered.at)),
    )


def _time_parts(record: Record) -> list[etree._Element]:
    """Return the time to the minute; the whole day where the paper has no time of day."""
    moment = known_time(record.event_at)
    if "event_at" not in record.clock_unknown:
        return [_core.moment("start", moment)]
    start, end = day_bounds(moment)
    return [_core.moment("start", start, exact=False), _core.moment("end", end, exact=False)]


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
