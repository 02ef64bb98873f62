"""Members of staff: by name, HSA-id and role where the registers know them.

The paper gives a name and perhaps a title. The id and the code of the role are those of the staff
list; nothing is made up where it has none.
"""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.domain.record import Record, Stamp
from pipeline.export.exporter import data_text
from pipeline.export.fhir.resource_context import Resource, ResourceContext
from pipeline.export.record_text import find_signature, stamp_hsa_id
from pipeline.export.rivta.role_codes import find_role_code, load_role_codes

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
