"""The header of a document of clinicalprocess:healthcond:description: patient, author and signer.

Both contracts of the domain have it; they spell the source system's id differently. An unknown
HSA-id is left out; nothing is made up. A role without a code is text, and has no other part then,
as the contracts demand.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from lxml import etree

from pipeline.domain.identity_numbers import pid_oid
from pipeline.domain.record import Record, Stamp
from pipeline.export.exporter import ExportOptions
from pipeline.export.mapping import CareUnit, NoteMapping
from pipeline.export.record_text import care_provider, stamp_hsa_id
from pipeline.export.rivta.elements import (
    EFTERSKRIFT_NS,
    RivtaNamespace,
    find_care_unit,
    format_timestamp,
    patient_access_flag,
    record_author,
)
from pipeline.export.rivta.mapping import AlertMapping
from pipeline.files.xml_output import Namespace, serialize_xml

DOMAIN_NS = "urn:riv:clinicalprocess:healthcond:description:2"
EXTENSION_NS = "urn:riv:clinicalprocess:healthcond:description:2.1"
_core, _answer = Namespace(DOMAIN_NS), Namespace(EXTENSION_NS)


def header_parts(
    record: Record, mapping: NoteMapping | AlertMapping, options: ExportOptions
) -> list[etree._Element | None]:
    """Return the patient, the author, the signer and whether the patient may read it."""
    pid, approved = record.client.pid, mapping.approved_for_patient
    return [
        _core(
            "patientId",
            _core("id", pid),
            _core("type", pid_oid(pid, mapping.local_id_type)),
        ),
        _core("accountableHealthcareProfessional", *_author_parts(record, mapping.units, options)),
        _signature(record.signed, options),
        _core("approvedForPatient", patient_access_flag(record, approved=approved)),
    ]


def _author_parts(
    record: Record, units: Mapping[str, CareUnit], options: ExportOptions
) -> Iterator[etree._Element]:
    """Yield the author, with role and unit, and the care provider."""
    yield _core("authorTime", format_timestamp(record.written_at or record.scanned.at))
    performer = record_author(record)
    if performer.hsa_id:
        yield _core("healthcareProfessionalHSAId", performer.hsa_id)
    if performer.name:
        yield _core("healthcareProfessionalName", performer.name)
    role = "healthcareProfessionalRoleCode"
    if performer.role:
        yield RivtaNamespace(DOMAIN_NS).code(role, performer.role)
    elif title := record.author_title or record.author_role:
        yield _core(role, _core("originalText", title))
    if unit := find_care_unit(record, units, options):
        yield _core(
            "healthcareProfessionalOrgUnit",
            _core("orgUnitHSAId", unit.hsa_id),
            _core("orgUnitName", unit.name or record.unit),
        )
        yield _core("healthcareProfessionalCareUnitHSAId", unit.hsa_id)
    provider = care_provider(record, options.settings)
    yield _core("healthcareProfessionalCareGiverHSAId", provider.hsa_id)


def _signature(stamp: Stamp | None, options: ExportOptions) -> etree._Element | None:
    """Return who signed and when; None if nobody has."""
    if stamp is None:
        return None
    hsa_id = stamp_hsa_id(stamp, options.settings)
    return _core(
        "legalAuthenticator",
        _core("signatureTime", format_timestamp(stamp.at)),
        _core("legalAuthenticatorHSAId", hsa_id) if hsa_id else None,
        _core("legalAuthenticatorName", stamp.by),
    )


def answer_xml(tag: str, responder: str, documents: Iterable[etree._Element], log_id: str) -> bytes:
    """Return an answer: the documents, that it is whole, and its number."""
    result = _answer("result", _answer("resultCode", "OK"), _answer("logId", log_id))
    prefixes = {"resp": responder, "core": DOMAIN_NS, "ext": EXTENSION_NS, "ef": EFTERSKRIFT_NS}
    return serialize_xml(Namespace(responder)(tag, *documents, result, prefixes=prefixes))
