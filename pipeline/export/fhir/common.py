"""What every resource of one entry's bundle shares: identifiers, references within the bundle,
times with zone, security labels.

What leaves here of nobody whose identity is protected (skyddade personuppgifter): name, address
and telephone numbers.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pipeline.domain.dates import SWEDEN
from pipeline.domain.form.field import FieldSpec, Format, Meaning
from pipeline.domain.identity_numbers import PidKind, pid_kind
from pipeline.domain.record import Record
from pipeline.domain.settings import Settings
from pipeline.export.exporter import ExportOptions, Item
from pipeline.export.fhir.mapping import FhirMapping
from pipeline.files.text import make_printable

Resource = dict[str, Any]
"""A FHIR resource or a part of one, as JSON has it."""
INERA_PROFILES = "https://fhir.inera.se/ig/ehds-tk/StructureDefinition/inera-ehds-"
"""Inera EHDS-TK 0.3.2: the Swedish profiles that a resource says it follows."""
TERMINOLOGY = "http://terminology.hl7.org/CodeSystem/"
DATA_ABSENT_URL = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
PID_SYSTEMS = {
    PidKind.PERSONAL: "http://electronichealth.se/identifier/personnummer",
    PidKind.COORDINATION: "http://electronichealth.se/identifier/samordningsnummer",
    PidKind.RESERVE: "http://electronichealth.se/identifier/nationelltReservnummer",
}
"""HL7 Sweden's base profiles (hl7se.fhir.base 1.1.0)."""
NO_AUTHOR = "okänd (namnet framgår inte av papperet)"
_NAMESPACE = uuid.UUID("6f2d3c0a-5b1e-5c57-9a55-0e0f5d1c7b11")
_IDENTIFYING_MEANINGS = frozenset(
    {Meaning.CLIENT_NAME, Meaning.CLIENT_PRINTED, Meaning.CLIENT_ADDRESS}
)


PATIENT_TYPE, DOCUMENT_TYPE, ANSWERS_TYPE, PROVENANCE_TYPE = (
    "Patient",
    "DocumentReference",
    "QuestionnaireResponse",
    "Provenance",
)


@dataclass(frozen=True, slots=True)
class ResourceContext:
    """An entry on its way into a bundle."""

    item: Item
    terms: ExportOptions
    mapping: FhirMapping

    @property
    def record(self) -> Record:
        """The entry."""
        return self.item.record

    @property
    def settings(self) -> Settings:
        """The settings."""
        return self.terms.settings

    @property
    def version(self) -> str:
        """Entry and revision: what makes sending twice the same as sending once."""
        return version_id(self.record.entry_id, self.record.revision)

    def identifier(self, series: str, value: str) -> Resource:
        """An identifier of our own; `series` is `post` (the entry in all its versions), `version`
        (one of them) or `skan` (the paper).
        """
        return {"system": identifier_system(self.settings, series), "value": value}

    def urn(self, part: str) -> str:
        """The name of a resource within the bundle; the same entry and revision always give the
        same.
        """
        return f"urn:uuid:{uuid.uuid5(_NAMESPACE, f'{self.version}/{part}')}"

    def reference(self, part: str, kind: str = "") -> Resource:
        """A reference to a resource of this bundle."""
        return {"reference": self.urn(part), "type": kind or part}

    def meta(self, profile: str = "") -> Resource:
        """Profile, source and security labels."""
        named = [INERA_PROFILES + profile] if profile and self.settings.fhir_profiles else []
        return {
            "profile": named,
            "source": self.settings.source_system_hsa_id,
            "security": self.labels(),
        }

    def labels(self) -> list[Resource]:
        """R (restricted) for a protected identity, NOPATIENT for what the patient may not read
        directly yet.
        """
        found = self.protection()
        if found or not self.mapping.approved_for_patient:
            found.append({"system": f"{TERMINOLOGY}v3-ActCode", "code": "NOPATIENT"})
        return found

    def protection(self) -> list[Resource]:
        """R (restricted) for a protected identity."""
        return (
            [{"system": f"{TERMINOLOGY}v3-Confidentiality", "code": "R"}]
            if self.record.client.protected
            else []
        )

    def unit(self) -> Resource:
        """The care unit, by its HSA-id if the settings know it."""
        return self.organization(
            self.record.unit, self.settings.unit_hsa_ids.get(self.record.unit, "")
        )

    def organization(self, name: str, hsa_id: str) -> Resource:
        """An organisation that the receiver knows: named, never created."""
        known = {"system": self.settings.fhir_hsa_system, "value": hsa_id} if hsa_id else None
        return {"type": "Organization", "identifier": known, "display": name}

    def staff(self, anchor: str, name: str, title: str = "") -> Resource:
        """A member of staff as a contained PractitionerRole: the paper gives a name and perhaps a
        title, no id.
        """
        role = [{"text": title}] if title else []
        who = {"practitioner": {"display": name or NO_AUTHOR}, "organization": self.unit()}
        return {"resourceType": "PractitionerRole", "id": anchor} | who | {"code": role}

    def moment(self, moment: datetime | None, name: str = "") -> str:
        """A dateTime; only the day where the paper gives no time of day (`name` is then in
        `clock_unknown`).
        """
        if moment is None:
            return ""
        return f"{moment:%Y-%m-%d}" if name in self.record.clock_unknown else format_instant(moment)


def format_instant(moment: datetime) -> str:
    """With seconds and zone. A time without zone was written on paper in Sweden."""
    zoned = moment.replace(tzinfo=SWEDEN) if moment.tzinfo is None else moment.astimezone(SWEDEN)
    return zoned.isoformat(timespec="seconds")


def version_id(entry_id: str, revision: int) -> str:
    """The identifier's value of one version of an entry."""
    return f"{entry_id}.{revision}"


def identifier_system(settings: Settings, series: str) -> str:
    """URI of one of our own series of identifiers."""
    return f"{settings.fhir_system.rstrip('/')}/{series}"


def pid_system(pid: str, local: str) -> str:
    """URI of the series that a client's number is of; `local`, which may be empty, for one of no
    national series; empty for a wrong number.
    """
    series = pid_kind(pid)
    return PID_SYSTEMS.get(series, local) if series else ""


def coding_concept(system_uri: str, code: str, display: str = "", text: str = "") -> Resource:
    """A concept with one code."""
    return {"coding": [{"system": system_uri, "code": code, "display": display}], "text": text}


def drop_empty(value: Any) -> Any:  # noqa: ANN401 - JSON
    """Without what is empty, as FHIR asks, and with text that JSON and XML can carry."""
    if isinstance(value, str):
        return make_printable(value)
    if isinstance(value, dict):
        return {key: drop_empty(each) for key, each in value.items() if not _is_empty(each)}
    return (
        [drop_empty(each) for each in value if not _is_empty(each)]
        if isinstance(value, list)
        else value
    )


def _is_empty(value: object) -> bool:
    if isinstance(value, dict):
        return all(_is_empty(each) for each in value.values())
    if isinstance(value, list):
        return all(_is_empty(each) for each in value)
    return value is None or value == ""


def is_withheld(record: Record, spec: FieldSpec) -> bool:
    """Whether what a field says stays here."""
    return record.client.protected and (
        spec.means in _IDENTIFYING_MEANINGS or spec.format is Format.PHONE
    )
