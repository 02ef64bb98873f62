"""The log as StoreLog 1.0 (RIVTA ehr:log, namespace urn:riv:ehr:log:store:StoreLogResponder:1): one request with a post a row, for a log service.

What the contract asks for and the log has not: HSA-ids of people and units come from the settings; where one is missing, the login or the name of
the unit stands in its place and is named to whoever makes the file. Clients are given by number alone, those that the rows concern now.
A row that only the machine made has no user in the meaning of the contract and is left out, and counted.
"""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import BinaryIO

from lxml import etree
from sqlalchemy import Connection

from pipeline.access import Action, require
from pipeline.audit.client_extract import STACK_PRINTED
from pipeline.audit.follow_up import shown_detail
from pipeline.errors import ExportError
from pipeline.model import Person
from pipeline.plain_text import printable
from pipeline.settings import Settings
from pipeline.store import log_rows, people, registers
from pipeline.store.chain import LogRow
from pipeline.store.database import Store
from pipeline.store.events import record
from pipeline.store.log_clients import clients_of, searched_clients
from pipeline.store.log_rows import BREAK_GLASS, MACHINE, Wanted
from pipeline.swedish_time import SWEDEN
from pipeline.template import Area

RESPONDER = "urn:riv:ehr:log:store:StoreLogResponder:1"
LOG = "urn:riv:ehr:log:1"
LONGEST_ID, LONGEST_PID = 32, 12
_AT_ONCE = 1000

READ, WRITE, SIGN, PRINT, EMERGENCY = "Läsa", "Skriva", "Signera", "Utskrift", "Nödöppning"
_READS = frozenset(
    {
        "view_page",
        "look_up",
        "look_up_client",
        "view_export",
        "view_clash",
        "list_backlog",
        "view_key_in",
        "view_payment",
        "fetch_package",
        "fetch_export",
        "fetch_receipt_template",
    }
) | frozenset({"view_log", "verify_log", "login", "log_out", "denied"})
_PRINTS = frozenset({"issue", "print_for_client", "export", "exported", "extract_log", "export_log", "print_question", "make_pack"})
_RESOURCES = {
    "view_page": "Pappershandling",
    "look_up": "Pappershandling",
    "look_up_client": "Klientregister",
    "login": "Inloggning",
    "log_out": "Inloggning",
}
_OTHER_RESOURCE, _OFFICE_RESOURCE = "Post ur pappershandling", "Administration"
CARE, BY_LAW, OFFICE = "Vård och behandling", "Annan dokumentation enligt lag", "Administration"


@dataclass(slots=True)
class Written:
    """What a file came to: posts in it, rows that only the machine made, and logins and units without an HSA-id."""

    posts: int = 0
    machine: int = 0
    without_hsa_id: Counter[str] = field(default_factory=Counter)


def write_storelog(store: Store, person: Person, settings: Settings, wanted: Wanted, file: BinaryIO) -> Written:
    """Write the request into a file. That it was made is an event.

    Raises:
        NotAllowedError: the person does not follow up the log.
        ExportError: there are no rows in the time; the schema asks for at least one.
    """
    with store.noting_denials():
        require(person, Action.LOG, wanted.unit)
    with store.read() as conn:
        written = _write(conn, person, settings, wanted, file)
    if not written.posts:
        raise ExportError("nobody_done_anything_time")
    with store.begin() as conn:
        record(conn, person.login, "export_log", "log", unit=wanted.unit, rows=written.posts, storelog=True)
    return written


def _write(conn: Connection, person: Person, settings: Settings, wanted: Wanted, file: BinaryIO) -> Written:
    posts = _Posts(conn, settings)
    with etree.xmlfile(file, encoding="UTF-8") as xml:
        xml.write_declaration()
        with xml.element(etree.QName(RESPONDER, "StoreLogRequest"), nsmap={"store": RESPONDER, "log": LOG}):
            for log in posts.of(log_rows.every_row(conn, person.units, wanted)):
                xml.write(log, pretty_print=True)
    return posts.written


def activity_type(action: str) -> str:
    """The contract's word for what was done."""
    if action.startswith(BREAK_GLASS):
        return EMERGENCY
    if action == "sign":
        return SIGN
    return READ if action in _READS else PRINT if action in _PRINTS else WRITE


class _Posts:
    """Makes posts of rows."""

    def __init__(self, conn: Connection, settings: Settings) -> None:
        self._conn, self._settings = conn, settings
        self._people = {each.login: each for each in people.people(conn)}
        self._names = people.names(conn)
        self._areas = registers.units(conn)
        self._searched = searched_clients(conn)
        self.written = Written()

    def of(self, rows: Iterable[LogRow]) -> Iterator[etree._Element]:
        rest = iter(rows)
        while some := list(islice(rest, _AT_ONCE)):
            clients = clients_of(self._conn, (row.subject for row in some))
            for row in some:
                if row.by == MACHINE:
                    self.written.machine += 1
                    continue
                self.written.posts += 1
                searched = {self._searched[row.subject]} if row.subject in self._searched else set()
                own = set() if row.action == STACK_PRINTED else clients.get(row.subject, set())
                yield self._post(row, sorted(own | searched))

    def _post(self, row: LogRow, pids: list[str]) -> etree._Element:
        log = etree.Element(etree.QName(RESPONDER, "Log"), nsmap={"store": RESPONDER, "log": LOG})
        _add(log, "LogId", str(uuid.UUID(hex=(row.sha256 or "0" * 32)[:32])))
        system = _add(log, "System")
        _add(system, "SystemId", self._settings.source_system_hsa_id)
        _add(system, "SystemName", "Efterskrift")
        self._activity(_add(log, "Activity"), row)
        self._user(_add(log, "User"), row)
        resources = _add(log, "Resources")
        for pid in pids or [""]:
            self._resource(_add(resources, "Resource"), row, pid)
        return log

    def _activity(self, activity: etree._Element, row: LogRow) -> None:
        _add(activity, "ActivityType", EMERGENCY if row.detail.get(BREAK_GLASS) else activity_type(row.action))
        _add(activity, "ActivityLevel", row.action)
        _add(activity, "ActivityArgs", " ".join(filter(None, (row.subject, shown_detail(row)))))
        _add(activity, "StartDate", row.at.astimezone(SWEDEN).isoformat(timespec="milliseconds"))
        area = self._areas.get(row.unit or "")
        _add(activity, "Purpose", OFFICE if area in (None, Area.ADM) else CARE if area == "HSL" else BY_LAW)

    def _user(self, user: etree._Element, row: LogRow) -> None:
        _add(user, "UserId", self._hsa_id(row.by, self._settings.staff_hsa_ids))
        if name := self._names.get(row.by):
            _add(user, "Name", name)
        if who := self._people.get(row.by):
            _add(user, "Assignment", who.role.value)
            _add(user, "Title", who.title)
        self._provider(user)
        self._unit(user, row)

    def _resource(self, resource: etree._Element, row: LogRow, pid: str) -> None:
        other = _OTHER_RESOURCE if pid or row.unit else _OFFICE_RESOURCE
        _add(resource, "ResourceType", _RESOURCES.get(row.action, other))
        if pid and len(pid) <= LONGEST_PID:
            _add(_add(resource, "Patient"), "PatientId", pid)
        self._provider(resource)
        self._unit(resource, row)

    def _provider(self, parent: etree._Element) -> None:
        provider = _add(parent, "CareProvider")
        _add(provider, "CareProviderId", self._settings.care_provider_hsa_id)
        _add(provider, "CareProviderName", self._settings.care_provider)

    def _unit(self, parent: etree._Element, row: LogRow) -> None:
        """A row of no unit, such as a login, is the care provider's own."""
        unit = _add(parent, "CareUnit")
        _add(unit, "CareUnitId", self._hsa_id(row.unit, self._settings.unit_hsa_ids) if row.unit else self._settings.care_provider_hsa_id)
        _add(unit, "CareUnitName", row.unit or self._settings.care_provider)

    def _hsa_id(self, name: str, known: Mapping[str, str]) -> str:
        if name not in known:
            self.written.without_hsa_id[name] += 1
        return known.get(name, name)[:LONGEST_ID]


def _add(parent: etree._Element, name: str, text: str | None = None) -> etree._Element:
    child = etree.SubElement(parent, etree.QName(LOG, name))
    if text is not None:
        child.text = printable(text)
    return child
