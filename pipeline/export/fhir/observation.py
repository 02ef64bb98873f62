"""Measurements as Observations, coded in LOINC and SNOMED CT with units in UCUM, as the form's mapping says."""

from __future__ import annotations

from pipeline.export.fhir.filing import DOCUMENT, PATIENT, TERMINOLOGY, Filing, Resource, instant
from pipeline.export.fhir.mapping import Concept, Measurement, Part
from pipeline.export.late_entry import amendment_text, late_entry_text
from pipeline.export.signatures import signature_of
from pipeline.export.values import shown

LOINC, SNOMED, UCUM = "http://loinc.org", "http://snomed.info/sct", "http://unitsofmeasure.org"
_EXAM = "exam"
"""Inera's profile: always set."""
_PERFORMER = "utforare"


def observations(filing: Filing) -> list[tuple[str, Resource]]:
    """The name within the bundle and the resource of each measurement that was made; one that nobody can read is told as absent."""
    if filing.record.voided is not None:
        return []
    made = [each for each in filing.mapping.measurements if any(_written(filing, name) for name in each.fields())]
    return [(_name(each), _observation(filing, each)) for each in made]


def _observation(filing: Filing, measurement: Measurement) -> Resource:
    record = filing.record
    alone = Part(text=measurement.text, field=measurement.field, unit=measurement.unit, ucum=measurement.ucum) if measurement.field else None
    return {
        "resourceType": "Observation",
        "meta": filing.meta("" if filing.item.amends else "observation-base"),  # Inera's profile has measurements that are final, and no others
        "contained": [_performer(filing)],
        "identifier": [
            filing.identifier("version", f"{filing.version}/{_name(measurement)}"),
            filing.identifier("post", record.entry_id),
        ],
        "status": "corrected" if filing.item.amends else "final",
        "category": [_category(code) for code in dict.fromkeys((measurement.category, _EXAM))],
        "code": _code(measurement),
        "subject": filing.reference(PATIENT),
        "effectiveDateTime": filing.moment(record.event_at, "event_at"),
        "issued": instant(record.entered.at),
        "performer": [{"reference": f"#{_PERFORMER}", "type": "PractitionerRole"}],
        **(_value(filing, alone) if alone else {"component": [{"code": _code(part)} | _value(filing, part) for part in measurement.parts]}),
        "note": [{"text": text} for text in _notes(filing) if text],
        "derivedFrom": [filing.reference(DOCUMENT)],
    }


def _performer(filing: Filing) -> Resource:
    """Whoever the row's initials name, as they stand if the staff list names nobody; else the sheet's author."""
    record = filing.record
    signature = signature_of(record, filing.mapping.signed_in, filing.terms.staff) if filing.mapping.signed_in else None
    if signature is None:
        return filing.staff(_PERFORMER, record.author, record.author_title)
    return filing.staff(_PERFORMER, signature.performer)


def _name(measurement: Measurement) -> str:
    return measurement.field or "-".join(part.field for part in measurement.parts)


def _written(filing: Filing, name: str) -> bool:
    return filing.record.fields.get(name) is not None or name in filing.record.illegible


def _value(filing: Filing, part: Part) -> Resource:
    """The number, or that there is none: nothing is written there, or nobody can read it."""
    value = filing.record.fields.get(part.field)
    if not isinstance(value, str) or part.field in filing.record.illegible:
        return {"dataAbsentReason": {"coding": [{"system": f"{TERMINOLOGY}data-absent-reason", "code": "unknown"}]}}
    return {"valueQuantity": {"value": number(value), "unit": part.unit, "system": UCUM, "code": part.ucum}}


def number(text: str) -> int | float:
    """`080` → 80, `37.50` → 37.5: as JSON has numbers."""
    return float(text) if "." in text else int(text)


def _notes(filing: Filing) -> tuple[str, ...]:
    remark = shown(filing.record, filing.mapping.remark, filing.terms.forms) if filing.mapping.remark else ""
    return remark, amendment_text(filing.item), late_entry_text(filing.record, filing.settings)


def _category(code: str) -> Resource:
    return {"coding": [{"system": f"{TERMINOLOGY}observation-category", "code": code}]}


def _code(concept: Concept) -> Resource:
    codes = ((LOINC, concept.loinc), (SNOMED, concept.snomed))
    return {"coding": [{"system": system, "code": code} for system, code in codes if code], "text": concept.text}
