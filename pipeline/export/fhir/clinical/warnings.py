"""What the care of a patient has to heed, as AllergyIntolerance and Flag.

Only what the paper says becomes a warning: a ticked box, or words beside it. "Ingen känd" without a
tick is a statement of its own, that no hypersensitivity is known. An empty box says nothing.
"""

from __future__ import annotations

import re

from pipeline.export.fhir.clinical.observations import SNOMED_SYSTEM
from pipeline.export.fhir.mapping import Warned
from pipeline.export.fhir.resource_context import (
    AUTHOR_ANCHOR,
    PATIENT_TYPE,
    TERMINOLOGY,
    Resource,
    ResourceContext,
    format_instant,
    identifier_system,
)
from pipeline.export.record_text import amendment_text, format_field_value, late_entry_text

ALLERGY_TYPE, FLAG_TYPE = "AllergyIntolerance", "Flag"
WARNING_TYPES = (ALLERGY_TYPE, FLAG_TYPE)
WARNINGS_TAG = "uppmarksamhet"
"""Tag of a document whose entry has warnings, by which they are found when it is corrected."""
ALLERGY_ENTERED_IN_ERROR: Resource = {
    "coding": [
        {"system": f"{TERMINOLOGY}allergyintolerance-verification", "code": "entered-in-error"}
    ]
}
_NO_KNOWN_ALLERGY = "716186003"
"""SNOMED CT: No known allergy (situation)."""
_NONE_KNOWN = re.compile(r"(ingen|inga|ej|nej)( (känd|kända|känt))?[.!]?")
"""All that is written where nothing is known: "Ingen penicillin!" warns."""


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


def has_warnings_tag(document: Resource) -> bool:
    """Return whether a document at the server is of an entry that may have warnings."""
    tags = document.get("meta", {}).get("tag", [])
    return any(tag.get("code") == WARNINGS_TAG for tag in tags)


def _warning_resource(filing: ResourceContext, warned: Warned) -> Resource:
    """Return one warning; empty if the paper says nothing."""
    record, forms = filing.record, filing.options.forms
    is_marked = record.fields.get(warned.mark) is True or warned.mark in record.illegible
    words = format_field_value(record, warned.text, forms)
    is_none_known = not is_marked and bool(_NONE_KNOWN.fullmatch(words.strip().casefold()))
    if not is_marked and not words:
        return {}
    # None known of anything but a hypersensitivity needs no warning.
    if is_none_known and warned.kind != "allergy":
        return {}
    text = f"{warned.name}: {words}" if words else warned.name
    more = [format_field_value(record, name, forms) for name in warned.more]
    notes = [*more, amendment_text(filing.item), late_entry_text(record, filing.settings)]
    common = {
        "meta": filing.meta(),
        "contained": [filing.staff(AUTHOR_ANCHOR, record.author, record.author_title)],
        "identifier": [
            filing.identifier("version", f"{filing.version}/{warned.mark}"),
            filing.identifier("post", record.entry_id),
        ],
    }
    if warned.kind == "allergy":
        return common | _allergy(filing, text, notes, none_known=is_none_known)
    return common | _flag(filing, "\n".join((text, *filter(None, more))))


def _allergy(filing: ResourceContext, text: str, notes: list[str], *, none_known: bool) -> Resource:
    coding = [{"system": SNOMED_SYSTEM, "code": _NO_KNOWN_ALLERGY}] if none_known else []
    return {
        "resourceType": ALLERGY_TYPE,
        "clinicalStatus": _status("allergyintolerance-clinical", "active"),
        "verificationStatus": _status("allergyintolerance-verification", "unconfirmed"),
        "code": {"coding": coding, "text": text},
        "patient": filing.reference(PATIENT_TYPE),
        "recordedDate": format_instant(filing.record.entered.at),
        "recorder": {"reference": f"#{AUTHOR_ANCHOR}", "type": "PractitionerRole"},
        "note": [{"text": note} for note in notes if note],
    }


def _flag(filing: ResourceContext, text: str) -> Resource:
    return {
        "resourceType": FLAG_TYPE,
        "status": "active",
        "category": [_status("flag-category", "clinical")],
        "code": {"text": text},
        "subject": filing.reference(PATIENT_TYPE),
        "period": {"start": filing.moment(filing.record.event_at, "event_at")},
        "author": {"reference": f"#{AUTHOR_ANCHOR}", "type": "PractitionerRole"},
    }


def _status(code_system: str, code: str) -> Resource:
    return {"coding": [{"system": f"{TERMINOLOGY}{code_system}", "code": code}]}
