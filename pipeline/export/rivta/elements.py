"""Elements that the RIVTA contracts share: patient, performer, signer, source and times.

`clinicalprocess:healthcond:basic` and `clinicalprocess:activity:actions` define PatientType,
PerformerRoleType, LegalAuthenticatorType and SourceSystemType alike, each in its own namespace.
What a contract has no element for, such as its run, becomes one of `EFTERSKRIFT_NS`, where its
schema lets other namespaces in. An unknown HSA-id is left out; nothing is made up.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, time

from lxml import etree

from pipeline.domain.identity_numbers import birth_date, is_hsa_id, is_temporary_pid, pid_oid
from pipeline.domain.record import CareProvider, Record, Stamp
from pipeline.domain.settings import Settings
from pipeline.export.exporter import TEMPORARY_CLIENT, ExportOptions
from pipeline.export.mapping import CareUnit, NoteMapping
from pipeline.export.record_text import Signature, care_provider, stamp_hsa_id, to_local_time
from pipeline.export.rivta.mapping import AlertMapping, Code, GroupMapping
from pipeline.export.rivta.role_codes import find_role_code
from pipeline.files.xml_output import Namespace, serialize_xml
from pipeline.texts import Text

EFTERSKRIFT_NS = "urn:efterskrift:export:1"
HSA_ID_OID = "1.2.752.129.2.1.4.1"
"""OID of HSA-ids in RIVTA, as in the contracts' published examples."""
NO_PID_SERIES = Text("export_reason.no_pid_type")


class RivtaNamespace(Namespace):
    """Makes elements of one contract's domain."""

    __slots__ = ()

    def identifier(self, tag: str, root: str, extension: str) -> etree._Element:
        """Return an IIType: a number (`extension`) and its series (`root`)."""
        return self(tag, self("root", root), self("extension", extension))

    def hsa_id(self, tag: str, hsa_id: str) -> etree._Element | None:
        """Return an IIType of an HSA-id; None where it is not known."""
        return self.identifier(tag, HSA_ID_OID, hsa_id) if hsa_id else None

    def code(self, tag: str, code: Code, *more: etree._Element) -> etree._Element:
        """Return a CVType: a code, its code system, and the names of both."""
        names = {
            "codeSystemName": code.system_name,
            "codeSystemVersion": code.version,
            "displayName": code.name,
        }
        return self(
            tag,
            self("code", code.code),
            self("codeSystem", code.system),
            *(self(name, text) for name, text in names.items() if text),
            *more,
        )

    def moment(self, tag: str, moment: datetime, *, exact: bool = True) -> etree._Element:
        """Return a PartialTimeStampType.

        It is to the minute, as paper is, or to the second where it is the first or last moment of
        a day.
        """
        return self(
            tag,
            self("format", "YYYYMMDDhhmm" if exact else "YYYYMMDDhhmmss"),
            self("value", format_timestamp(moment)[: 12 if exact else 14]),
        )

    def patient(self, record: Record) -> etree._Element:
        """Return the client. The birth date is that of the number.

        It may differ from the true date by some days (folkbokföringslagen 18 §).
        """
        pid, name = record.client.pid, record.client.name
        born = birth_date(pid)
        if born is None:
            raise ValueError("a client without a birth date is unsupported and must not come here")
        return self(
            "patient",
            self.identifier("id", pid_oid(pid), pid),
            self("name", name) if name else None,
            self("dateOfBirth", f"{born:%Y%m%d}"),
        )

    def performer(
        self, performer: Performer, record: Record, mapping: GroupMapping, options: ExportOptions
    ) -> etree._Element:
        """Return who did it, as far as that is known, and for which unit if its HSA-id is known."""
        unit = find_care_unit(record, mapping.units, options)
        provider = care_provider(record, options.settings)
        return self(
            "performerRole",
            self.code("code", performer.role or mapping.performer_role),
            self("person", self.hsa_id("id", performer.hsa_id), self("name", performer.name))
            if performer.name
            else None,
            self(
                "careUnit",
                self.identifier("id", HSA_ID_OID, unit.hsa_id),
                self("name", unit.name or record.unit),
                self(
                    "careGiver",
                    self.identifier("id", HSA_ID_OID, provider.hsa_id),
                    self("name", provider.name),
                ),
            )
            if unit
            else None,
        )

    def signer(self, stamp: Stamp | None, options: ExportOptions) -> etree._Element | None:
        """Return who signed the entry and when; None if it is unsigned."""
        if stamp is None:
            return None
        return self(
            "legalAuthenticator",
            self.hsa_id("id", stamp_hsa_id(stamp, options.settings)),
            self.moment("time", stamp.at, exact=False),
            self("name", stamp.by),
        )

    def source_system(self, options: ExportOptions) -> etree._Element:
        """Return the system that the file comes from: this one."""
        hsa_id = options.settings.source_system_hsa_id
        return self("sourceSystem", self.identifier("id", HSA_ID_OID, hsa_id))

    def source_id(self, options: ExportOptions, *parts: str) -> etree._Element:
        """Return an identifier of Efterskrift's, the same in every version of what it names."""
        system = options.settings.source_system_hsa_id
        return self.identifier("id", HSA_ID_OID, ":".join((system, *parts)))


extension = RivtaNamespace(EFTERSKRIFT_NS)


@dataclass(frozen=True, slots=True)
class Performer:
    """Who did something, as far as that is known."""

    name: str = ""
    hsa_id: str = ""
    role: Code | None = None


def signature_performer(signature: Signature) -> Performer:
    """Return the person of a signature, else the initials as read."""
    member = signature.member
    if member is None:
        return Performer(signature.performer)
    return Performer(
        signature.performer, member.hsa_id, find_role_code(member.title, member.role_code)
    )


def record_author(record: Record) -> Performer:
    """Return the author of an entry."""
    if not record.author:
        return Performer()
    title = record.author_title or record.author_role
    return Performer(
        record.author, record.author_hsa_id, find_role_code(title, record.author_role_code)
    )


def format_timestamp(moment: datetime) -> str:
    """Return `YYYYMMDDhhmmss`, Swedish wall-clock time without zone."""
    return f"{to_local_time(moment):%Y%m%d%H%M%S}"


def day_bounds(moment: datetime) -> tuple[datetime, datetime]:
    """Return the first and last second of a day, for what happened at an unknown time of it."""
    day = to_local_time(moment).date()
    return datetime.combine(day, time()), datetime.combine(day, time(23, 59, 59))


def format_boolean(value: bool) -> str:
    """Write a boolean as XML Schema does."""
    return "true" if value else "false"


def patient_access_flag(record: Record, *, approved: bool) -> str:
    """Return whether the patient may read it at once: never with a protected identity."""
    return format_boolean(approved and not record.client.protected)


def missing_note_reasons(
    record: Record, options: ExportOptions, local_id_type: str
) -> Iterator[Text]:
    """Yield why a contract cannot say when it was written, by whom or about whom."""
    if record.written_at is None and record.event_at is None:
        yield Text("export_reason.no_written_time")
    if reason := _missing_id_reason(record, options):
        yield reason
    if is_temporary_pid(record.client.pid):
        yield TEMPORARY_CLIENT
    elif not pid_oid(record.client.pid, local_id_type):
        yield NO_PID_SERIES


def find_care_unit(
    record: Record, units: Mapping[str, CareUnit], options: ExportOptions
) -> CareUnit | None:
    """Return the entry's unit as the mapping names it, else by the register, else the settings."""
    hsa_id = record.unit_hsa_id or options.settings.unit_hsa_ids.get(record.unit)
    return units.get(record.unit) or (CareUnit(hsa_id=hsa_id) if hsa_id else None)


def find_missing_ids(providers: Mapping[str, CareProvider], settings: Settings) -> Text | None:
    """Return which HSA-id is missing: of care providers, by unit, or of this system.

    None is made up; an id without the form of one is missing too.
    """
    without = [unit for unit, provider in providers.items() if not is_hsa_id(provider.hsa_id)]
    has_system = is_hsa_id(settings.source_system_hsa_id)
    if without:
        key = "no_provider_id" if has_system else "no_ids"
        return Text(f"export_reason.{key}", {"unit": ", ".join(without)})
    return None if has_system else Text("export_reason.no_system_id")


def _missing_id_reason(record: Record, options: ExportOptions) -> Text | None:
    provider = care_provider(record, options.settings)
    return find_missing_ids({record.unit: provider}, options.settings)


def unsupported_group_reasons(record: Record, options: ExportOptions) -> Iterator[Text]:
    """Yield why a contract with patients of a birth date cannot carry an entry; none if it can."""
    if reason := _missing_id_reason(record, options):
        yield reason
    if record.event_at is None:
        yield Text("export_reason.no_event_time")
    if is_temporary_pid(record.client.pid):
        yield TEMPORARY_CLIENT
    elif birth_date(record.client.pid) is None or not pid_oid(record.client.pid):
        yield Text("export_reason.no_true_pid")


# The header of a document of clinicalprocess:healthcond:description: patient, author and signer.
#
# Both contracts of the domain have it; they spell the source system's id differently. An unknown
# HSA-id is left out; nothing is made up. A role without a code is text, and has no other part then,
# as the contracts demand.

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
