"""What every resource of one entry's bundle shares: identifiers, references within the bundle, times with zone, security labels."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pipeline.export.exporter import Item, Terms
from pipeline.export.fhir.mapping import FhirMapping
from pipeline.export.patient_id import series_of
from pipeline.identity import PidKind
from pipeline.plain_text import printable
from pipeline.record import Record
from pipeline.settings import Settings
from pipeline.swedish_time import SWEDEN

Resource = dict[str, Any]
"""A FHIR resource or a part of one, as JSON has it."""

PATIENT, DOCUMENT, ANSWERS, ORIGIN = "Patient", "DocumentReference", "QuestionnaireResponse", "Provenance"
INERA = "https://fhir.inera.se/ig/ehds-tk/StructureDefinition/inera-ehds-"
"""Inera EHDS-TK 0.3.2: the Swedish profiles that a resource says it follows."""
TERMINOLOGY = "http://terminology.hl7.org/CodeSystem/"
ABSENT = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
PID_SYSTEMS = {
    PidKind.PERSONAL: "http://electronichealth.se/identifier/personnummer",
    PidKind.COORDINATION: "http://electronichealth.se/identifier/samordningsnummer",
    PidKind.RESERVE: "http://electronichealth.se/identifier/nationelltReservnummer",
}
"""HL7 Sweden's base profiles (hl7se.fhir.base 1.1.0)."""
NO_AUTHOR = "okänd (namnet framgår inte av papperet)"
_NAMESPACE = uuid.UUID("6f2d3c0a-5b1e-5c57-9a55-0e0f5d1c7b11")


@dataclass(frozen=True, slots=True)
class Filing:
    """An entry on its way into a bundle."""

    item: Item
    terms: Terms
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
        return version_of(self.record.entry_id, self.record.revision)

    def identifier(self, series: str, value: str) -> Resource:
        """An identifier of our own; `series` is `post` (the entry in all its versions), `version` (one of them) or `skan` (the paper)."""
        return {"system": system(self.settings, series), "value": value}

    def urn(self, part: str) -> str:
        """The name of a resource within the bundle; the same entry and revision always give the same."""
        return f"urn:uuid:{uuid.uuid5(_NAMESPACE, f'{self.version}/{part}')}"

    def reference(self, part: str, kind: str = "") -> Resource:
        """A reference to a resource of this bundle."""
        return {"reference": self.urn(part), "type": kind or part}

    def meta(self, profile: str = "") -> Resource:
        """Profile, source and security labels."""
        named = [INERA + profile] if profile and self.settings.fhir_profiles else []
        return {"profile": named, "source": self.settings.source_system_hsa_id, "security": self.labels()}

    def labels(self) -> list[Resource]:
        """R (restricted) for a protected identity, NOPATIENT for what the patient may not read directly yet."""
        found = self.protection()
        if found or not self.mapping.approved_for_patient:
            found.append({"system": f"{TERMINOLOGY}v3-ActCode", "code": "NOPATIENT"})
        return found

    def protection(self) -> list[Resource]:
        """R (restricted) for a protected identity."""
        return [{"system": f"{TERMINOLOGY}v3-Confidentiality", "code": "R"}] if self.record.client.protected else []

    def unit(self) -> Resource:
        """The care unit, by its HSA-id if the settings know it."""
        return self.organization(self.record.unit, self.settings.unit_hsa_ids.get(self.record.unit, ""))

    def organization(self, name: str, hsa_id: str) -> Resource:
        """An organisation that the receiver knows: named, never created."""
        known = {"system": self.settings.fhir_hsa_system, "value": hsa_id} if hsa_id else None
        return {"type": "Organization", "identifier": known, "display": name}

    def staff(self, anchor: str, name: str, title: str = "") -> Resource:
        """A member of staff as a contained PractitionerRole: the paper gives a name and perhaps a title, no id."""
        role = [{"text": title}] if title else []
        who = {"practitioner": {"display": name or NO_AUTHOR}, "organization": self.unit()}
        return {"resourceType": "PractitionerRole", "id": anchor} | who | {"code": role}

    def moment(self, moment: datetime | None, name: str = "") -> str:
        """A dateTime; only the day where the paper gives no time of day (`name` is then in `clock_unknown`)."""
        if moment is None:
            return ""
        return f"{moment:%Y-%m-%d}" if name in self.record.clock_unknown else instant(moment)


def instant(moment: datetime) -> str:
    """With seconds and zone. A time without zone was written on paper in Sweden."""
    zoned = moment.replace(tzinfo=SWEDEN) if moment.tzinfo is None else moment.astimezone(SWEDEN)
    return zoned.isoformat(timespec="seconds")


def version_of(entry_id: str, revision: int) -> str:
    """The identifier's value of one version of an entry."""
    return f"{entry_id}.{revision}"


def system(settings: Settings, series: str) -> str:
    """URI of one of our own series of identifiers."""
    return f"{settings.fhir_system.rstrip('/')}/{series}"


def pid_system(pid: str, local: str) -> str:
    """URI of the series that a client's number is of; `local`, which may be empty, for one of no national series; empty for a wrong number."""
    series = series_of(pid)
    return PID_SYSTEMS.get(series, local) if series else ""


def coded(system_uri: str, code: str, display: str = "", text: str = "") -> Resource:
    """A concept with one code."""
    return {"coding": [{"system": system_uri, "code": code, "display": display}], "text": text}


def tidy(value: Any) -> Any:  # noqa: ANN401 - JSON
    """Without what is empty, as FHIR asks, and with text that JSON and XML can carry."""
    if isinstance(value, str):
        return printable(value)
    if isinstance(value, dict):
        return {key: tidy(each) for key, each in value.items() if not _empty(each)}
    return [tidy(each) for each in value if not _empty(each)] if isinstance(value, list) else value


def _empty(value: object) -> bool:
    if isinstance(value, dict):
        return all(_empty(each) for each in value.values())
    if isinstance(value, list):
        return all(_empty(each) for each in value)
    return value is None or value == ""
