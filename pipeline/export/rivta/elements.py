"""What the RIVTA contracts have in common: elements of one namespace, Swedish times, and the parts
of a group (patient, performer, signer, source).

`clinicalprocess:healthcond:basic` and `clinicalprocess:activity:actions` define the types
PatientType, PerformerRoleType, LegalAuthenticatorType and SourceSystemType alike, each in its
own namespace. A contract that has no place of its own for something gets it as an element of
`EFTERSKRIFT`, where its schema lets other namespaces in. An HSA-id that nobody has given is left
out; nothing is made up.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, time

from lxml import etree

from pipeline.domain.identity_numbers import birth_date, is_temporary_pid, pid_oid
from pipeline.domain.record import Record, Run, Stamp
from pipeline.export.exporter import TEMPORARY_CLIENT, ExportOptions
from pipeline.export.record_text import to_local_time
from pipeline.export.rivta.mapping import Code, GroupMapping
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
        """A child of `parent`, with a text or empty."""
        child = etree.SubElement(parent, etree.QName(self.namespace, name))
        if text is not None:
            child.text = make_printable(text)
        return child

    def add_identifier(self, parent: etree._Element, name: str, root: str, extension: str) -> None:
        """An IIType: a number and the series that it is of."""
        found = self.add(parent, name)
        self.add(found, "root", root)
        self.add(found, "extension", extension)

    def add_code(self, parent: etree._Element, name: str, code: Code) -> None:
        """A CVType: a code, the code system that it is of, and what it is called."""
        found = self.add(parent, name)
        self.add(found, "code", code.code)
        self.add(found, "codeSystem", code.system)
        if code.system_name:
            self.add(found, "codeSystemName", code.system_name)
        if code.name:
            self.add(found, "displayName", code.name)

    def add_moment(
        self, parent: etree._Element, name: str, moment: datetime, *, exact: bool = True
    ) -> None:
        """A PartialTimeStampType: to the minute, which is what paper says, or to the second where a
        day stands for its first or last moment.
        """
        found = self.add(parent, name)
        self.add(found, "format", "YYYYMMDDhhmm" if exact else "YYYYMMDDhhmmss")
        self.add(found, "value", format_timestamp(moment)[: 12 if exact else 14])

    def add_patient(self, parent: etree._Element, record: Record) -> None:
        """Who it is about. The day of birth is that of the number, which now and then is a near-by
        day (folkbokföringslagen 18 §).
        """
        patient, pid = self.add(parent, "patient"), record.client.pid
        self.add_identifier(patient, "id", pid_oid(pid), pid)
        if record.client.name:
            self.add(patient, "name", record.client.name)
        born = birth_date(pid)
        if born is None:
            raise ValueError("a client without a day of birth is unfit and must not come here")
        self.add(patient, "dateOfBirth", f"{born:%Y%m%d}")

    def add_performer(
        self,
        parent: etree._Element,
        who: str,
        record: Record,
        mapping: GroupMapping,
        options: ExportOptions,
    ) -> None:
        """Who did it, by name as far as it is known, and for which unit if its HSA-id is."""
        role = self.add(parent, "performerRole")
        self.add_code(role, "code", mapping.performer_role)
        if who:
            self.add(self.add(role, "person"), "name", who)
        if unit := mapping.units.get(record.unit):
            place = self.add(role, "careUnit")
            self.add_identifier(place, "id", HSA_ID_OID, unit.hsa_id)
            self.add(place, "name", unit.name or record.unit)
            giver = self.add(place, "careGiver")
            self.add_identifier(giver, "id", HSA_ID_OID, options.settings.care_provider_hsa_id)
            self.add(giver, "name", options.settings.care_provider)

    def add_signer(self, parent: etree._Element, stamp: Stamp | None) -> None:
        """Who signed the entry and when; nothing if nobody has."""
        if stamp is None:
            return
        signature = self.add(parent, "legalAuthenticator")
        self.add_moment(signature, "time", stamp.at, exact=False)
        self.add(signature, "name", stamp.by)

    def add_source_system(self, parent: etree._Element, options: ExportOptions) -> None:
        """The system that the file comes from: this one."""
        self.add_identifier(
            self.add(parent, "sourceSystem"),
            "id",
            HSA_ID_OID,
            options.settings.source_system_hsa_id,
        )

    def add_source_id(self, parent: etree._Element, options: ExportOptions, *parts: str) -> None:
        """Our name of a thing, the same in every version of it, so that the receiver knows an
        amendment.
        """
        self.add_identifier(
            parent, "id", HSA_ID_OID, ":".join((options.settings.source_system_hsa_id, *parts))
        )


def add_run_comment(parent: etree._Element, run: Run) -> None:
    """Which run the document is of; the contracts have no place for it."""
    ElementBuilder(EFTERSKRIFT_NS).add(parent, "run", run.id)


def format_timestamp(moment: datetime) -> str:
    """`YYYYMMDDhhmmss`, Swedish wall-clock time without zone."""
    return f"{to_local_time(moment):%Y%m%d%H%M%S}"


def day_bounds(moment: datetime) -> tuple[datetime, datetime]:
    """First and last second of a day, for what happened at an unknown time of it."""
    day = to_local_time(moment).date()
    return datetime.combine(day, time()), datetime.combine(day, time(23, 59, 59))


def format_boolean(value: bool) -> str:
    """As XML Schema writes it."""
    return "true" if value else "false"


def patient_access_flag(record: Record, *, approved: bool) -> str:
    """Whether the patient may read it at once: never where the identity is protected."""
    return format_boolean(approved and not record.client.protected)


def missing_pid_reason(record: Record, local_id_type: str) -> Text | None:
    """Why a contract cannot name the patient; None when it can."""
    if is_temporary_pid(record.client.pid):
        return TEMPORARY_CLIENT
    return None if pid_oid(record.client.pid, local_id_type) else NO_PID_SERIES


def unsupported_group_reason(record: Record) -> Text | None:
    """Why a group cannot carry the entry: it needs a time, and a number that says a day
    of birth.
    """
    if record.event_at is None:
        return Text("export_reason.no_event_time")
    if is_temporary_pid(record.client.pid):
        return TEMPORARY_CLIENT
    if birth_date(record.client.pid) is None or not pid_oid(record.client.pid):
        return Text("export_reason.no_true_pid")
    return None


def serialize_xml(root: etree._Element) -> bytes:
    """The document as a file."""
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8", pretty_print=True)
