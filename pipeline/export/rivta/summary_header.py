"""The header of a document of clinicalprocess:healthcond:description: patient, author and signer.

Both contracts of the domain have it; they spell the source system's id differently. An unknown
HSA-id is left out; nothing is made up. A role without a code is text, and has no other part then,
as the contracts demand.
"""

from __future__ import annotations

from collections.abc import Mapping

from lxml import etree

from pipeline.domain.identity_numbers import pid_oid
from pipeline.domain.record import Record, Stamp
from pipeline.export.exporter import ExportOptions
from pipeline.export.mapping import CareUnit
from pipeline.export.record_text import care_provider, stamp_hsa_id
from pipeline.export.rivta.elements import (
    ElementBuilder,
    find_care_unit,
    format_timestamp,
    record_author,
)

DOMAIN_NS = "urn:riv:clinicalprocess:healthcond:description:2"
EXTENSION_NS = "urn:riv:clinicalprocess:healthcond:description:2.1"
_elements = ElementBuilder(DOMAIN_NS)
_add_element = _elements.add


def add_patient_id(header: etree._Element, record: Record, local_id_type: str) -> None:
    """Add the client's number and its series."""
    patient = _add_element(header, "patientId")
    _add_element(patient, "id", record.client.pid)
    _add_element(patient, "type", pid_oid(record.client.pid, local_id_type))


def add_author(
    header: etree._Element,
    record: Record,
    units: Mapping[str, CareUnit],
    options: ExportOptions,
) -> None:
    """Add the author, with role and unit, and the care provider."""
    author = _add_element(header, "accountableHealthcareProfessional")
    _add_element(author, "authorTime", format_timestamp(record.written_at or record.scanned.at))
    performer = record_author(record)
    if performer.hsa_id:
        _add_element(author, "healthcareProfessionalHSAId", performer.hsa_id)
    if performer.name:
        _add_element(author, "healthcareProfessionalName", performer.name)
    if performer.role:
        _elements.add_code(author, "healthcareProfessionalRoleCode", performer.role)
    elif title := record.author_title or record.author_role:
        role = _add_element(author, "healthcareProfessionalRoleCode")
        _add_element(role, "originalText", title)
    if unit := find_care_unit(record, units, options):
        place = _add_element(author, "healthcareProfessionalOrgUnit")
        _add_element(place, "orgUnitHSAId", unit.hsa_id)
        _add_element(place, "orgUnitName", unit.name or record.unit)
        _add_element(author, "healthcareProfessionalCareUnitHSAId", unit.hsa_id)
    provider = care_provider(record, options.settings)
    _add_element(author, "healthcareProfessionalCareGiverHSAId", provider.hsa_id)


def add_signature(header: etree._Element, stamp: Stamp | None, options: ExportOptions) -> None:
    """Add who signed and when; nothing if nobody has."""
    if stamp is None:
        return
    signature = _add_element(header, "legalAuthenticator")
    _add_element(signature, "signatureTime", format_timestamp(stamp.at))
    if hsa_id := stamp_hsa_id(stamp, options.settings):
        _add_element(signature, "legalAuthenticatorHSAId", hsa_id)
    _add_element(signature, "legalAuthenticatorName", stamp.by)


def add_result(root: etree._Element, log_id: str) -> None:
    """Add that the answer is whole, and its number."""
    extension = ElementBuilder(EXTENSION_NS)
    result = extension.add(root, "result")
    extension.add(result, "resultCode", "OK")
    extension.add(result, "logId", log_id)
