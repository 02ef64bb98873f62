"""Members of staff: by name, HSA-id and role where the registers know them.

The paper gives a name and perhaps a title. The id and the code of the role are those of the staff
list; nothing is made up where it has none.
"""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.domain.record import Record, Stamp
from pipeline.export.fhir.resource_context import (
    Resource,
    ResourceContext,
    coding_concept,
)
from pipeline.export.record_text import find_signature, late_entry
from pipeline.registers.staff import find_member

PRACTITIONER_TYPE = "Practitioner"
ROLE_TYPE = "PractitionerRole"
ROLE_SYSTEM = "urn:oid:1.2.752.129.2.2.1.4"
"""KV Befattning."""


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
        record.author, record.author_title or record.author_role, record.author_hsa_id
    )


def stamp_person(filing: ResourceContext, stamp: Stamp) -> StaffPerson:
    """Return who did something here, by the registers, else by the settings."""
    hsa_id = stamp.hsa_id or filing.settings.staff_hsa_ids.get(stamp.login, "")
    return StaffPerson(stamp.by, hsa_id=hsa_id)


def row_signer(filing: ResourceContext, field: str) -> StaffPerson:
    """Return who signed a row; without a name where nobody did, or nobody can be told."""
    signature = find_signature(filing.record, field, filing.options.staff)
    if signature is None:
        return StaffPerson("")
    member = find_member(filing.options.staff, filing.record.unit, signature.performer)
    if member is None:
        return StaffPerson(signature.performer)
    return StaffPerson(signature.performer, member.title, member.hsa_id)


def practitioner_reference(filing: ResourceContext, person: StaffPerson) -> Resource:
    """Return a person whom the receiver may know by the HSA-id: referred to, never created."""
    name = person.name or late_entry("unknown_author")
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
    """Return the role, by code where the staff list has one; the title is its words."""
    if not (person.title or person.role_code):
        return []
    return [coding_concept(ROLE_SYSTEM, person.role_code, text=person.title)]
