"""What the resources of an entry's bundle share: identifiers, references, times, security labels.

Name, address and telephone numbers of a client with a protected identity (skyddade
personuppgifter) never leave.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, TypeAdapter

from pipeline.domain.dates import SWEDEN
from pipeline.domain.form.field import FieldSpec, Format, Meaning
from pipeline.domain.form.rules import load_rules_file
from pipeline.domain.identity_numbers import PidKind, pid_kind
from pipeline.domain.record import Record, Stamp
from pipeline.domain.settings import Settings
from pipeline.export.exporter import ExportOptions, Item, data_text
from pipeline.export.fhir.mapping import FhirMapping
from pipeline.export.record_text import care_provider, find_signature, stamp_hsa_id
from pipeline.export.rivta.role_codes import find_role_code, load_role_codes
from pipeline.files.text import make_printable

# The terms of codes in public code systems: data of a version and a source (`data/codes`).
#
# A file that names a code gives its term in the code system, never words of the program or the
# form. A code whose term nobody has read goes without one.

TERMS_FILE = Path(__file__).resolve().parents[3] / "data" / "codes" / "terms.yaml"


class CodeTerms(BaseModel):
    """Terms of one code system by code, in its version; `read` says whether the source was read."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    system: str
    name: str
    version: str
    source: str
    read: bool
    terms: dict[str, str]


@cache
def load_terms(file: Path = TERMS_FILE) -> tuple[CodeTerms, ...]:
    """Load the terms of all code systems.

    Raises:
        FormError: the file is missing or does not match the schema.
    """
    return tuple(load_rules_file(file, TypeAdapter(list[CodeTerms])))


def find_term(system: str, code: str) -> str:
    """Return the term of a code; empty where it has not been read."""
    found = (terms.terms.get(code, "") for terms in load_terms() if terms.system == system)
    return next(filter(None, found), "")


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
_NAMESPACE = uuid.UUID("6f2d3c0a-5b1e-5c57-9a55-0e0f5d1c7b11")
_IDENTIFYING_MEANINGS = frozenset(
    {
        Meaning.CLIENT_CODE,
        Meaning.CLIENT_NAME,
        Meaning.CLIENT_PRINTED,
        Meaning.CLIENT_ADDRESS,
    }
)
PATIENT_TYPE = "Patient"
DOCUMENT_TYPE = "DocumentReference"
ANSWERS_TYPE = "QuestionnaireResponse"
PROVENANCE_TYPE = "Provenance"
AUTHOR_ANCHOR = "skribent"
"""Name of the author among the contained resources."""


@dataclass(frozen=True, slots=True)
class ResourceContext:
    """An entry whose resources are built."""

    item: Item
    options: ExportOptions
    mapping: FhirMapping

    @property
    def record(self) -> Record:
        """The entry."""
        return self.item.record

    @property
    def settings(self) -> Settings:
        """The settings."""
        return self.options.settings

    @property
    def version(self) -> str:
        """Entry and revision: they make sending twice the same as sending once."""
        return version_id(self.record.entry_id, self.record.revision)

    def identifier(self, series: str, value: str) -> Resource:
        """Return an identifier of Efterskrift's.

        `series` is `post` (the entry in all its versions), `version` (one of them) or `skan` (the
        paper).
        """
        return {"system": identifier_system(self.settings, series), "value": value}

    def urn(self, part: str) -> str:
        """Return the name of a resource within the bundle, the same for each entry and revision."""
        return f"urn:uuid:{uuid.uuid5(_NAMESPACE, f'{self.version}/{part}')}"

    def reference(self, part: str, kind: str = "") -> Resource:
        """Return a reference to a resource of this bundle."""
        return {"reference": self.urn(part), "type": kind or part}

    def meta(self, profile: str = "") -> Resource:
        """Return profile, source and security labels."""
        profiles = [INERA_PROFILES + profile] if profile and self.settings.fhir_profiles else []
        return {
            "profile": profiles,
            "source": self.settings.source_system_hsa_id or None,
            "security": self.labels(),
        }

    def labels(self) -> list[Resource]:
        """Return R for a protected identity, NOPATIENT for what the patient may not read yet."""
        labels = self.protection()
        if labels or not self.mapping.approved_for_patient:
            labels.append(coding(f"{TERMINOLOGY}v3-ActCode", "NOPATIENT"))
        return labels

    def protection(self) -> list[Resource]:
        """Return R (restricted) for a protected identity."""
        return (
            [coding(f"{TERMINOLOGY}v3-Confidentiality", "R")]
            if self.record.client.protected
            else []
        )

    def unit(self) -> Resource:
        """Return the care unit, by its HSA-id if the register or the settings know it."""
        known = self.record.unit_hsa_id or self.settings.unit_hsa_ids.get(self.record.unit, "")
        return self.organization(self.record.unit, known)

    def provider(self) -> Resource:
        """Return the care provider, by its HSA-id if it is known."""
        provider = care_provider(self.record, self.settings)
        return self.organization(provider.name, provider.hsa_id)

    def organization(self, name: str, hsa_id: str) -> Resource:
        """Return an organisation that the receiver knows: referred to, never created."""
        return {
            "type": "Organization",
            "identifier": self.hsa_identifier(hsa_id),
            "display": name,
        }

    def hsa_identifier(self, hsa_id: str) -> Resource | None:
        """Return an HSA-id in its series; None where there is none."""
        return {"system": self.settings.fhir_hsa_system, "value": hsa_id} if hsa_id else None

    def moment(self, moment: datetime | None, name: str = "") -> str:
        """Return a dateTime; only the day where the paper gives no time of day.

        `name` is then in `Record.clock_unknown`.
        """
        if moment is None:
            return ""
        return f"{moment:%Y-%m-%d}" if name in self.record.clock_unknown else format_instant(moment)

    def written_time(self, element: str) -> Resource:
        """Return an element with the time of writing, absent where the paper does not give it."""
        written = self.moment(self.record.written_at, "written_at")
        return {element: written} if written else {f"_{element}": absent_value("unknown")}


def format_instant(moment: datetime) -> str:
    """Return a time with seconds and zone. One without zone was written on paper in Sweden."""
    zoned = moment.replace(tzinfo=SWEDEN) if moment.tzinfo is None else moment.astimezone(SWEDEN)
    return zoned.isoformat(timespec="seconds")


def version_id(entry_id: str, revision: int) -> str:
    """Return the identifier's value of one version of an entry."""
    return f"{entry_id}.{revision}"


def identifier_system(settings: Settings, series: str) -> str:
    """Return the URI of a series of Efterskrift's identifiers."""
    return f"{settings.fhir_system.rstrip('/')}/{series}"


def pid_system(pid: str, local: str) -> str:
    """Return the URI of the series of a client's number; empty for a wrong number.

    Args:
        local: URI for a number of no national series; may be empty.
    """
    series = pid_kind(pid)
    return PID_SYSTEMS.get(series, local) if series else ""


def coding(system_uri: str, code: str) -> Resource:
    """Return a code with its term in the code system; without a term that has not been read."""
    return {"system": system_uri, "code": code, "display": find_term(system_uri, code)}


def coding_concept(system_uri: str, code: str, text: str = "") -> Resource:
    """Return a concept with one code, and the words of the paper or the program for it."""
    return {"coding": [coding(system_uri, code)] if code else [], "text": text}


def absent_value(reason: str) -> Resource:
    """Return, in place of a value, why there is none."""
    return {"extension": [{"url": DATA_ABSENT_URL, "valueCode": reason}]}


def drop_empty(value: Any) -> Any:  # noqa: ANN401 - JSON
    """Drop empty values, as FHIR asks, and what JSON and XML cannot carry in text."""
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
    """Return whether a field's value does not leave: it identifies a protected client."""
    return record.client.protected and (
        spec.means in _IDENTIFYING_MEANINGS or spec.format is Format.PHONE
    )


# Members of staff: by name, HSA-id and role where the registers know them.
#
# The paper gives a name and perhaps a title. The id and the code of the role are those of the staff
# list; nothing is made up where it has none.

PRACTITIONER_TYPE = "Practitioner"
ROLE_TYPE = "PractitionerRole"


@dataclass(frozen=True, slots=True)
class StaffPerson:
    """A member of staff as a file names them; what is not known is empty."""

    name: str
    title: str = ""
    hsa_id: str = ""
    role_code: str = ""


def author(record: Record) -> StaffPerson:
    """Return who wrote the paper; the title on the paper goes before that of the staff list."""
    return StaffPerson(
        record.author,
        record.author_title or record.author_role,
        record.author_hsa_id,
        record.author_role_code,
    )


def stamp_person(filing: ResourceContext, stamp: Stamp) -> StaffPerson:
    """Return who did something here, by the registers, else by the settings."""
    return StaffPerson(stamp.by, hsa_id=stamp_hsa_id(stamp, filing.settings))


def row_signer(filing: ResourceContext, field: str) -> StaffPerson:
    """Return who signed a row; without a name where nobody did, or nobody can be told."""
    signature = find_signature(filing.record, field, filing.options.staff)
    if signature is None:
        return StaffPerson("")
    if (member := signature.member) is None:
        return StaffPerson(signature.performer)
    return StaffPerson(signature.performer, member.title, member.hsa_id, member.role_code)


def practitioner_reference(filing: ResourceContext, person: StaffPerson) -> Resource:
    """Return a person whom the receiver may know by the HSA-id: referred to, never created."""
    name = person.name or data_text("late_entry.unknown_author")
    return {
        "type": PRACTITIONER_TYPE,
        "identifier": filing.hsa_identifier(person.hsa_id),
        "display": name,
    }


def practitioner_role(filing: ResourceContext, anchor: str, person: StaffPerson) -> Resource:
    """Return a member of staff in the unit, as a contained resource."""
    return {
        "resourceType": ROLE_TYPE,
        "id": anchor,
        "practitioner": practitioner_reference(filing, person),
        "organization": filing.unit(),
        "code": _role(person),
    }


def _role(person: StaffPerson) -> list[Resource]:
    """Return the role: the title as its words, by code where the staff list or the title has one.

    The term is that of the code system; a code that is not in our copy of it has none.
    """
    code = find_role_code(person.title, person.role_code)
    if not (person.title or code):
        return []
    terms = {role.code: role.name for role in load_role_codes().roles}
    coded = (
        [{"system": f"urn:oid:{code.system}", "code": code.code, "display": terms.get(code.code)}]
        if code
        else []
    )
    return [{"coding": coded, "text": person.title}]
