"""Elements that the RIVTA contracts share: patient, performer, signer, source and times.

`clinicalprocess:healthcond:basic` and `clinicalprocess:activity:actions` define PatientType,
PerformerRoleType, LegalAuthenticatorType and SourceSystemType alike, each in its own namespace.
What a contract has no element for becomes one of `EFTERSKRIFT_NS`, where its schema lets other
namespaces in. An unknown HSA-id is left out; nothing is made up.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, time

from lxml import etree

from pipeline.domain.identity_numbers import birth_date, is_hsa_id, is_temporary_pid, pid_oid
from pipeline.domain.record import CareProvider, Record, Run, Stamp
from pipeline.domain.settings import Settings
from pipeline.export.exporter import TEMPORARY_CLIENT, ExportOptions
from pipeline.export.mapping import CareUnit
from pipeline.export.record_text import (
    Signature,
    care_provider,
    stamp_hsa_id,
    to_local_time,
)
from pipeline.export.rivta.mapping import Code, GroupMapping
from pipeline.export.rivta.role_codes import find_role_code
from pipeline.files.text import make_printable
from pipeline.texts import Text

EFTERSKRIFT_NS = "urn:efterskrift:export:1"
HSA_ID_OID = "1.2.752.129.2.1.4.1"
"""OID of HSA-ids in RIVTA, as in the contracts' published examples."""
NO_PID_SERIES = Text("export_reason.no_pid_type")


@dataclass(frozen=True, slots=True)
class ElementBuilder:
    """Adds elements of one namespace."""

    namespace: str

    def add(self, parent: etree._Element, name: str, text: str | None = None) -> etree._Element:
        """Add a child to `parent`, with a text or empty."""
        child = etree.SubElement(parent, etree.QName(self.namespace, name))
        if text is not None:
            child.text = make_printable(text)
        return child

    def add_identifier(self, parent: etree._Element, name: str, root: str, extension: str) -> None:
        """Add an IIType: a number (`extension`) and its series (`root`)."""
        identifier = self.add(parent, name)
        self.add(identifier, "root", root)
        self.add(identifier, "extension", extension)

    def add_hsa_id(self, parent: etree._Element, name: str, hsa_id: str) -> None:
        """Add an IIType of an HSA-id; nothing where it is not known."""
        if hsa_id:
            self.add_identifier(parent, name, HSA_ID_OID, hsa_id)

    def add_code(self, parent: etree._Element, name: str, code: Code) -> etree._Element:
        """Add and return a CVType: a code, its code system, and the names of both."""
        element = self.add(parent, name)
        self.add(element, "code", code.code)
        self.add(element, "codeSystem", code.system)
        if code.system_name:
            self.add(element, "codeSystemName", code.system_name)
        if code.version:
            self.add(element, "codeSystemVersion", code.version)
        if code.name:
            self.add(element, "displayName", code.name)
        return element

    def add_moment(
        self, parent: etree._Element, name: str, moment: datetime, *, exact: bool = True
    ) -> None:
        """Add a PartialTimeStampType.

        It is to the minute, as paper is, or to the second where it is the first or last moment of
        a day.
        """
        element = self.add(parent, name)
        self.add(element, "format", "YYYYMMDDhhmm" if exact else "YYYYMMDDhhmmss")
        self.add(element, "value", format_timestamp(moment)[: 12 if exact else 14])

    def add_patient(self, parent: etree._Element, record: Record) -> None:
        """Add the client. The birth date is that of the number.

        It may differ from the true date by some days (folkbokföringslagen 18 §).
        """
        patient, pid = self.add(parent, "patient"), record.client.pid
        self.add_identifier(patient, "id", pid_oid(pid), pid)
        if record.client.name:
            self.add(patient, "name", record.client.name)
        born = birth_date(pid)
        if born is None:
            raise ValueError("a client without a birth date is unsupported and must not come here")
        self.add(patient, "dateOfBirth", f"{born:%Y%m%d}")

    def add_performer(
        self,
        parent: etree._Element,
        performer: Performer,
        record: Record,
        mapping: GroupMapping,
        options: ExportOptions,
    ) -> None:
        """Add who did it, as far as that is known, and for which unit if its HSA-id is known."""
        role = self.add(parent, "performerRole")
        self.add_code(role, "code", performer.role or mapping.performer_role)
        if performer.name:
            person = self.add(role, "person")
            self.add_hsa_id(person, "id", performer.hsa_id)
            self.add(person, "name", performer.name)
        if unit := find_care_unit(record, mapping.units, options):
            place, provider = self.add(role, "careUnit"), care_provider(record, options.settings)
            self.add_identifier(place, "id", HSA_ID_OID, unit.hsa_id)
            self.add(place, "name", unit.name or record.unit)
            giver = self.add(place, "careGiver")
            self.add_identifier(giver, "id", HSA_ID_OID, provider.hsa_id)
            self.add(giver, "name", provider.name)

    def add_signer(
        self, parent: etree._Element, stamp: Stamp | None, options: ExportOptions
    ) -> None:
        """Add who signed the entry and when; nothing if it is unsigned."""
        if stamp is None:
            return
        signature = self.add(parent, "legalAuthenticator")
        self.add_hsa_id(signature, "id", stamp_hsa_id(stamp, options.settings))
        self.add_moment(signature, "time", stamp.at, exact=False)
        self.add(signature, "name", stamp.by)

    def add_source_system(self, parent: etree._Element, options: ExportOptions) -> None:
        """Add the system that the file comes from: this one."""
        self.add_identifier(
            self.add(parent, "sourceSystem"),
            "id",
            HSA_ID_OID,
            options.settings.source_system_hsa_id,
        )

    def add_source_id(self, parent: etree._Element, options: ExportOptions, *parts: str) -> None:
        """Add an identifier of Efterskrift's, the same in every version of what it names."""
        self.add_identifier(
            parent, "id", HSA_ID_OID, ":".join((options.settings.source_system_hsa_id, *parts))
        )


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


def add_run_comment(parent: etree._Element, run: Run) -> None:
    """Add which run the document is of; the contracts have no element for it."""
    ElementBuilder(EFTERSKRIFT_NS).add(parent, "run", run.id)


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


def serialize_xml(root: etree._Element) -> bytes:
    """Return the document as a file."""
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8", pretty_print=True)
