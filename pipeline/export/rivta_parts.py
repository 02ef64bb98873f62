"""What the RIVTA contracts have in common: elements of one namespace, Swedish times, and the parts of a group (patient, performer, signer, source).

`clinicalprocess:healthcond:basic` and `clinicalprocess:activity:actions` define the types PatientType, PerformerRoleType, LegalAuthenticatorType and
SourceSystemType alike, each in its own namespace. A contract that has no place of its own for something gets it as an element of `EFTERSKRIFT`,
where its schema lets other namespaces in. An HSA-id that nobody has given is left out; nothing is made up.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, time

from lxml import etree

from pipeline.export.exporter import TEMPORARY_CLIENT, Terms
from pipeline.export.group_mapping import Code, GroupMapping
from pipeline.export.late_entry import local
from pipeline.export.patient_id import born_on, id_type
from pipeline.identity import is_temporary
from pipeline.plain_text import printable
from pipeline.record import Record, Run, Stamp

EFTERSKRIFT = "urn:efterskrift:export:1"
HSA_ID = "1.2.752.129.2.1.4.1"
"""OID of HSA-ids in RIVTA, as in the contracts' published examples."""
NO_SERIES = "Personnummer saknas, är felaktigt eller är ett lokalt reservnummer, vars nummerserie inte är inställd (local_id_type)."


@dataclass(frozen=True, slots=True)
class Elements:
    """Adds elements of one namespace."""

    namespace: str

    def add(self, parent: etree._Element, name: str, text: str | None = None) -> etree._Element:
        """A child of `parent`, with a text or empty."""
        child = etree.SubElement(parent, etree.QName(self.namespace, name))
        if text is not None:
            child.text = printable(text)
        return child

    def identifier(self, parent: etree._Element, name: str, root: str, extension: str) -> None:
        """An IIType: a number and the series that it is of."""
        found = self.add(parent, name)
        self.add(found, "root", root)
        self.add(found, "extension", extension)

    def code(self, parent: etree._Element, name: str, code: Code) -> None:
        """A CVType: a code, the code system that it is of, and what it is called."""
        found = self.add(parent, name)
        self.add(found, "code", code.code)
        self.add(found, "codeSystem", code.system)
        if code.system_name:
            self.add(found, "codeSystemName", code.system_name)
        if code.name:
            self.add(found, "displayName", code.name)

    def moment(self, parent: etree._Element, name: str, moment: datetime, *, exact: bool = True) -> None:
        """A PartialTimeStampType: to the minute, which is what paper says, or to the second where a day stands for its first or last moment."""
        found = self.add(parent, name)
        self.add(found, "format", "YYYYMMDDhhmm" if exact else "YYYYMMDDhhmmss")
        self.add(found, "value", clock(moment)[: 12 if exact else 14])

    def patient(self, parent: etree._Element, record: Record) -> None:
        """Who it is about. The day of birth is that of the number, which now and then is a near-by day (folkbokföringslagen 18 §)."""
        patient, pid = self.add(parent, "patient"), record.client.pid
        self.identifier(patient, "id", id_type(pid), pid)
        if record.client.name:
            self.add(patient, "name", record.client.name)
        born = born_on(pid)
        if born is None:
            raise ValueError("a client without a day of birth is unfit and must not come here")
        self.add(patient, "dateOfBirth", f"{born:%Y%m%d}")

    def performer(self, parent: etree._Element, who: str, record: Record, mapping: GroupMapping, terms: Terms) -> None:
        """Who did it, by name as far as it is known, and for which unit if its HSA-id is."""
        role = self.add(parent, "performerRole")
        self.code(role, "code", mapping.performer_role)
        if who:
            self.add(self.add(role, "person"), "name", who)
        if unit := mapping.units.get(record.unit):
            place = self.add(role, "careUnit")
            self.identifier(place, "id", HSA_ID, unit.hsa_id)
            self.add(place, "name", unit.name or record.unit)
            giver = self.add(place, "careGiver")
            self.identifier(giver, "id", HSA_ID, terms.settings.care_provider_hsa_id)
            self.add(giver, "name", terms.settings.care_provider)

    def signer(self, parent: etree._Element, signed: Stamp | None) -> None:
        """Who signed the entry and when; nothing if nobody has."""
        if signed is None:
            return
        signature = self.add(parent, "legalAuthenticator")
        self.moment(signature, "time", signed.at, exact=False)
        self.add(signature, "name", signed.by)

    def source(self, parent: etree._Element, terms: Terms) -> None:
        """The system that the file comes from: this one."""
        self.identifier(self.add(parent, "sourceSystem"), "id", HSA_ID, terms.settings.source_system_hsa_id)

    def own_id(self, parent: etree._Element, terms: Terms, *parts: str) -> None:
        """Our name of a thing, the same in every version of it, so that the receiver knows an amendment."""
        self.identifier(parent, "id", HSA_ID, ":".join((terms.settings.source_system_hsa_id, *parts)))


def run_mark(parent: etree._Element, run: Run) -> None:
    """Which run the document is of; the contracts have no place for it."""
    Elements(EFTERSKRIFT).add(parent, "run", run.id)


def clock(moment: datetime) -> str:
    """`YYYYMMDDhhmmss`, Swedish wall-clock time without zone."""
    return f"{local(moment):%Y%m%d%H%M%S}"


def whole_day(moment: datetime) -> tuple[datetime, datetime]:
    """First and last second of a day, for what happened at an unknown time of it."""
    day = local(moment).date()
    return datetime.combine(day, time()), datetime.combine(day, time(23, 59, 59))


def boolean(value: bool) -> str:
    """As XML Schema writes it."""
    return "true" if value else "false"


def open_to_patient(record: Record, *, approved: bool) -> str:
    """Whether the patient may read it at once: never where the identity is protected."""
    return boolean(approved and not record.client.protected)


def unnumbered(record: Record, local_id_type: str) -> str:
    """Why a contract cannot name the patient, in Swedish; empty when it can."""
    if is_temporary(record.client.pid):
        return TEMPORARY_CLIENT
    return "" if id_type(record.client.pid, local_id_type) else NO_SERIES


def unfit_for_group(record: Record) -> str:
    """Why a group cannot carry the entry, in Swedish: it needs a time, and a number that says a day of birth."""
    if record.event_at is None:
        return "Tidpunkt saknas. Formatet kräver när det hände."
    if is_temporary(record.client.pid):
        return TEMPORARY_CLIENT
    if born_on(record.client.pid) is None or not id_type(record.client.pid):
        return "Formatet kräver ett riktigt personnummer eller samordningsnummer med födelsedatum. Skriv in posten för hand."
    return ""


def tree_bytes(root: etree._Element) -> bytes:
    """The document as a file."""
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8", pretty_print=True)
