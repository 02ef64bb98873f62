"""Measurements as Observations, coded in LOINC and SNOMED CT with units in UCUM.

The codes are those of the form's mapping.
"""

from __future__ import annotations

import re

from pipeline.export.exporter import data_text
from pipeline.export.fhir.mapping import Concept, Measurement, MeasurementPart, Warned
from pipeline.export.fhir.resource_context import (
    AUTHOR_ANCHOR,
    DOCUMENT_TYPE,
    PATIENT_TYPE,
    TERMINOLOGY,
    Resource,
    ResourceContext,
    author,
    coding,
    coding_concept,
    format_instant,
    identifier_system,
    practitioner_role,
    row_signer,
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


# What the care of a patient has to heed, as AllergyIntolerance and Flag.
#
# Only what the paper says becomes a warning: a ticked box, or words beside it. "Ingen känd" without
# a tick is a statement of its own, that no hypersensitivity is known. An empty box says nothing.
# What the paper does not say is left out: how critical an allergy is, and of which category.


ALLERGY_TYPE, FLAG_TYPE = "AllergyIntolerance", "Flag"
WARNINGS_TAG = "uppmarksamhet"
"""Tag of a document whose entry has warnings, by which they are found when it is corrected."""
_NO_KNOWN_ALLERGY = "716186003"
"""SNOMED CT: No known allergy (situation)."""
_NONE_KNOWN = re.compile(r"(ingen|inga|ej|nej)( (känd|kända|känt))?[.!]?")
"""All that is written where nothing is known: "Ingen penicillin!" warns."""
_NEGATION = re.compile(r"(ingen|inga|ej|nej)\b")


def warning_resources(filing: ResourceContext) -> list[tuple[str, Resource]]:
    """Return the name within the bundle and the resource of each warning; none of a void entry."""
    if filing.record.voided is not None:
        return []
    resources = [(warned, _warning_resource(filing, warned)) for warned in filing.mapping.warnings]
    return [(warned.mark, resource) for warned, resource in resources if resource]


def warnings_tag(filing: ResourceContext) -> list[Resource]:
    """Return the tag of an entry's document if its form has warnings."""
    system = identifier_system(filing.settings, "innehall")
    return [{"system": system, "code": WARNINGS_TAG}] if filing.mapping.warnings else []


def _warning_resource(filing: ResourceContext, warned: Warned) -> Resource:
    """Return one warning; empty if the paper says nothing."""
    record, forms = filing.record, filing.options.forms
    is_marked = record.fields.get(warned.mark) is True or warned.mark in record.illegible
    words = format_field_value(record, warned.text, forms)
    if not is_marked and not words:
        return {}
    # None known of anything but a hypersensitivity needs no warning.
    if not is_marked and _says_none(words) and warned.kind != "allergy":
        return {}
    notes = [
        *_doubts(filing, warned, words),
        *(format_field_value(record, name, forms) for name in warned.more),
    ]
    common = {
        "meta": filing.meta(),
        "contained": [practitioner_role(filing, AUTHOR_ANCHOR, author(record))],
        "identifier": [
            filing.identifier("version", f"{filing.version}/{warned.mark}"),
            filing.identifier("post", record.entry_id),
        ],
    }
    if warned.kind == "allergy":
        return common | _allergy(filing, warned, words, notes)
    text = f"{warned.name}: {words}" if words else warned.name
    return common | _flag(filing, warned, "\n".join((text, *filter(None, notes))))


def _doubts(filing: ResourceContext, warned: Warned, words: str) -> list[str]:
    """Return what a person has to check on the paper before relying on a warning."""
    is_illegible = warned.mark in filing.record.illegible
    is_ticked = filing.record.fields.get(warned.mark) is True
    return [
        *([data_text("fhir_text.mark_illegible")] if is_illegible else []),
        *([data_text("fhir_text.mark_contradicts")] if is_ticked and _says_none(words) else []),
    ]


def _says_none(words: str) -> bool:
    return bool(_NONE_KNOWN.fullmatch(words.strip().casefold()))


def _allergy(filing: ResourceContext, warned: Warned, words: str, notes: list[str]) -> Resource:
    """Return an allergy: what it is against in the words of the paper, and what happened."""
    record, forms = filing.record, filing.options.forms
    is_certain = record.fields.get(warned.mark) is not True and warned.mark not in record.illegible
    none_known = is_certain and _says_none(words)
    reaction = format_field_value(record, warned.reaction, forms) if warned.reaction else ""
    # What begins with a no, or no substance at all, does not stand alone.
    names_substance = words and not _NEGATION.match(words.strip().casefold())
    text = words if names_substance else ": ".join(filter(None, (warned.name, words)))
    code = _NO_KNOWN_ALLERGY if none_known else ""
    notes = [*notes, amendment_text(filing.item), late_entry_text(record, filing.settings)]
    return {
        "resourceType": ALLERGY_TYPE,
        "clinicalStatus": _status("allergyintolerance-clinical", "active"),
        "verificationStatus": _status("allergyintolerance-verification", "unconfirmed"),
        "category": [warned.category] if warned.category and not none_known else [],
        "code": coding_concept(SNOMED_SYSTEM, code, text),
        "patient": filing.reference(PATIENT_TYPE),
        "recordedDate": format_instant(record.entered.at),
        "recorder": {"reference": f"#{AUTHOR_ANCHOR}", "type": "PractitionerRole"},
        "note": [{"text": note} for note in notes if note],
        "reaction": [{"manifestation": [{"text": reaction}]}] if reaction else [],
    }


def _flag(filing: ResourceContext, warned: Warned, text: str) -> Resource:
    return {
        "resourceType": FLAG_TYPE,
        "status": "active",
        "category": [_status("flag-category", "clinical") | {"text": warned.name}],
        "code": {"text": text},
        "subject": filing.reference(PATIENT_TYPE),
        "period": {"start": filing.moment(filing.record.event_at, "event_at")},
        "author": {"reference": f"#{AUTHOR_ANCHOR}", "type": "PractitionerRole"},
    }


def _status(code_system: str, code: str) -> Resource:
    return coding_concept(f"{TERMINOLOGY}{code_system}", code)
