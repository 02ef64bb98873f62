"""Measurements as Observations, coded in LOINC and SNOMED CT with units in UCUM.

The codes are those of the form's mapping.
"""

from __future__ import annotations

from pipeline.export.fhir.mapping import Concept, Measurement, MeasurementPart
from pipeline.export.fhir.practitioner import author, practitioner_role, row_signer
from pipeline.export.fhir.resource_context import (
    DOCUMENT_TYPE,
    PATIENT_TYPE,
    TERMINOLOGY,
    Resource,
    ResourceContext,
    coding,
    coding_concept,
    format_instant,
)
from pipeline.export.record_text import (
    amendment_text,
    field_value,
    format_field_value,
    labelled,
    late_entry_text,
)

LOINC_SYSTEM = "http://loinc.org"
SNOMED_SYSTEM = "http://snomed.info/sct"
UCUM_SYSTEM = "http://unitsofmeasure.org"
_EXAM_CATEGORY = "exam"
"""A category that Inera's profile always sets."""
_PERFORMER_ANCHOR = "utforare"


def observation_resources(filing: ResourceContext) -> list[tuple[str, Resource]]:
    """Return the name within the bundle and the resource of each measurement that was made.

    An illegible one is absent with a reason; a void entry has none.
    """
    if filing.record.voided is not None:
        return []
    return [
        (_measurement_name(measurement), _observation_resource(filing, measurement))
        for measurement in filing.mapping.measurements
        if any(
            filing.record.fields.get(name) is not None or name in filing.record.illegible
            for name in measurement.fields()
        )
    ]


def _observation_resource(filing: ResourceContext, measurement: Measurement) -> Resource:
    record = filing.record
    # Inera's profile has final measurements only: a corrected one does not refer to it.
    profile = "" if filing.item.amends else "observation-base"
    return {
        "resourceType": "Observation",
        "meta": filing.meta(profile),
        "contained": [_performer(filing)],
        "identifier": [
            filing.identifier("version", f"{filing.version}/{_measurement_name(measurement)}"),
            filing.identifier("post", record.entry_id),
        ],
        "status": "corrected" if filing.item.amends else "final",
        "category": [
            coding_concept(f"{TERMINOLOGY}observation-category", code)
            for code in dict.fromkeys((measurement.category, _EXAM_CATEGORY))
        ],
        "code": _measurement_code(measurement),
        "subject": filing.reference(PATIENT_TYPE),
        "effectiveDateTime": filing.moment(record.event_at, "event_at"),
        "issued": format_instant(record.entered.at),
        "performer": [{"reference": f"#{_PERFORMER_ANCHOR}", "type": "PractitionerRole"}],
        **_measurement_value(filing, measurement),
        "note": [{"text": text} for text in _list_notes(filing) if text],
        "derivedFrom": [filing.reference(DOCUMENT_TYPE)],
    }


def _measurement_value(filing: ResourceContext, measurement: Measurement) -> Resource:
    """Return the value of a single field, or the components of a measurement with parts."""
    if measurement.parts:
        return {
            "component": [
                {"code": _measurement_code(part)} | _part_value(filing, part)
                for part in measurement.parts
            ]
        }
    return _part_value(
        filing,
        MeasurementPart(
            text=measurement.text,
            field=measurement.field,
            unit=measurement.unit,
            ucum=measurement.ucum,
        ),
    )


def _performer(filing: ResourceContext) -> Resource:
    """Return who measured: by the row's initials; the author where rows are not signed."""
    signed_in = filing.mapping.signed_in
    # The author of the sheet has not measured what somebody else, or nobody, signed.
    person = row_signer(filing, signed_in) if signed_in else author(filing.record)
    return practitioner_role(filing, _PERFORMER_ANCHOR, person)


def _measurement_name(measurement: Measurement) -> str:
    return measurement.field or "-".join(part.field for part in measurement.parts)


def _part_value(filing: ResourceContext, part: MeasurementPart) -> Resource:
    """Return the number, or that it is absent: nothing is written, or it is illegible."""
    value = filing.record.fields.get(part.field)
    if not isinstance(value, str) or part.field in filing.record.illegible:
        return {
            "dataAbsentReason": {"coding": [coding(f"{TERMINOLOGY}data-absent-reason", "unknown")]}
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
    """Return a number as JSON has it: `080` → 80, `37.50` → 37.5."""
    return float(text) if "." in text else int(text)


def _list_notes(filing: ResourceContext) -> tuple[str, ...]:
    remark = (
        format_field_value(filing.record, filing.mapping.remark, filing.options.forms)
        if filing.mapping.remark
        else ""
    )
    record, forms = filing.record, filing.options.forms
    noted = (
        labelled(record, name, words)
        for name in filing.mapping.notes
        if (words := format_field_value(record, name, forms))
        and field_value(record, name, forms) is not False
    )
    amendment, late = amendment_text(filing.item), late_entry_text(filing.record, filing.settings)
    return remark, *noted, amendment, late


def _measurement_code(concept: Concept) -> Resource:
    codes = ((LOINC_SYSTEM, concept.loinc), (SNOMED_SYSTEM, concept.snomed))
    return {
        "coding": [coding(system, code) for system, code in codes if code],
        "text": concept.text,
    }
