"""The log as StoreLog 1.0 (RIVTA ehr:log): one request with a post a row, for a log service.

The namespace is urn:riv:ehr:log:store:StoreLogResponder:1. HSA-ids of people and units come from
the settings; where one is missing, the login or the name of the unit is in its place and is
reported to the person who makes the file. Clients are given by number only, those that the rows
are about now. A row that only the machine made has no user in the meaning of the contract; it is
left out and counted.
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

from pipeline.domain.dates import SWEDEN
from pipeline.domain.errors import ExportError
from pipeline.domain.form.form import Area
from pipeline.domain.law.permissions import Action, permitted_units
from pipeline.domain.model import Person
from pipeline.domain.settings import Settings
from pipeline.files.xml_output import Namespace
from pipeline.reporting.audit.client_extract import PRINT_ACTION
from pipeline.reporting.audit.follow_up import format_detail
from pipeline.store.accounts import people
from pipeline.store.database.store import Store
from pipeline.store.event_log import queries
from pipeline.store.event_log.events import record
from pipeline.store.event_log.hash_chain import LogRow
from pipeline.store.event_log.queries import (
    BREAK_GLASS_ACTION,
    MACHINE_LOGIN,
    LogFilter,
    client_by_search_subject,
    clients_of_subjects,
)
from pipeline.store.registers import client_register
from pipeline.store.registers.hsa_ids import hsa_ids_by_login, hsa_ids_by_unit
from pipeline.store.registers.staff import load_staff_list

RESPONDER_NS = "urn:riv:ehr:log:store:StoreLogResponder:1"
LOG_NS = "urn:riv:ehr:log:1"
MAX_ID_LENGTH, MAX_PID_LENGTH = 32, 12
"""Characters that the schema allows."""
_BATCH_SIZE = 1000
"""Rows whose clients are looked up together."""

READ_ACTIVITY, WRITE_ACTIVITY, SIGN_ACTIVITY, PRINT_ACTIVITY, EMERGENCY_ACTIVITY = (
    "Läsa",
    "Skriva",
    "Signera",
    "Utskrift",
    "Nödöppning",
)
_READ_ACTIONS = frozenset(
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
_PRINT_ACTIONS = frozenset(
    {
        "issue",
        "print_for_client",
        "export",
        "exported",
        "extract_log",
        "export_log",
        "print_question",
        "make_pack",
    }
)
_RESOURCE_BY_ACTION = {
    "view_page": "Pappershandling",
    "look_up": "Pappershandling",
    "look_up_client": "Klientregister",
    "login": "Inloggning",
    "log_out": "Inloggning",
}
_OTHER_RESOURCE, _OFFICE_RESOURCE = "Post ur pappershandling", "Administration"
CARE_PURPOSE, BY_LAW_PURPOSE, ADMINISTRATION_PURPOSE = (
    "Vård och behandling",
    "Annan dokumentation enligt lag",
    "Administration",
)


@dataclass(slots=True)
class StoreLogResult:
    """What a file holds: posts, rows of the machine left out, logins and units without HSA-id."""

    posts: int = 0
    machine_rows: int = 0
    without_hsa_id: Counter[str] = field(default_factory=Counter)


def write_storelog(
    store: Store, person: Person, settings: Settings, log_filter: LogFilter, file: BinaryIO
) -> StoreLogResult:
    """Write the request into a file, and that it was made in the log.

    Raises:
        NotAllowedError: the person does not follow up the log.
        ExportError: there are no rows in the time; the schema asks for at least one.
    """
    store.require_permission(person, Action.LOG, log_filter.unit)
    result = store.query(_write_posts, person, settings, log_filter, file)
    if not result.posts:
        raise ExportError("no_activity_in_period")
    store.change(
        record,
        person.login,
        "export_log",
        "log",
        unit=log_filter.unit,
        rows=result.posts,
        storelog=True,
    )
    return result


def _write_posts(
    conn: Connection, person: Person, settings: Settings, log_filter: LogFilter, file: BinaryIO
) -> StoreLogResult:
    posts = _PostBuilder(conn, settings)
    with etree.xmlfile(file, encoding="UTF-8") as xml:
        xml.write_declaration()
        with xml.element(
            etree.QName(RESPONDER_NS, "StoreLogRequest"),
            nsmap={"store": RESPONDER_NS, "log": LOG_NS},
        ):
            for log in posts.build(
                queries.iterate_log_rows(conn, permitted_units(person, Action.LOG), log_filter)
            ):
                xml.write(log, pretty_print=True)
    return posts.result


def activity_type(action: str) -> str:
    """Return the contract's word for what was done."""
    if action.startswith(BREAK_GLASS_ACTION):
        return EMERGENCY_ACTIVITY
    if action == "sign":
        return SIGN_ACTIVITY
    if action in _READ_ACTIONS:
        return READ_ACTIVITY
    return PRINT_ACTIVITY if action in _PRINT_ACTIONS else WRITE_ACTIVITY


_log = Namespace(LOG_NS)


class _PostBuilder:
    """Makes posts of rows, and counts them in `result`."""

    def __init__(self, conn: Connection, settings: Settings) -> None:
        self._conn, self._settings = conn, settings
        self._people = {person.login: person for person in people.list_people(conn)}
        self._names = people.names_by_login(conn)
        self._areas = client_register.areas_by_unit(conn)
        # The registers' ids come before those of the settings.
        self._staff_ids = settings.staff_hsa_ids | hsa_ids_by_login(conn, load_staff_list(conn))
        self._unit_ids = settings.unit_hsa_ids | hsa_ids_by_unit(conn)
        self._searched = client_by_search_subject(conn)
        self.result = StoreLogResult()

    def build(self, rows: Iterable[LogRow]) -> Iterator[etree._Element]:
        """Yield a post for each row that a person caused."""
        remaining = iter(rows)
        while batch := list(islice(remaining, _BATCH_SIZE)):
            clients = clients_of_subjects(self._conn, (row.subject for row in batch))
            for row in batch:
                if row.by == MACHINE_LOGIN:
                    self.result.machine_rows += 1
                    continue
                self.result.posts += 1
                # A stack's row names its first serial only: it is about no certain client.
                pids = set() if row.action == PRINT_ACTION else clients.get(row.subject, set())
                if row.subject in self._searched:
                    pids = pids | {self._searched[row.subject]}
                yield self._build_post(row, sorted(pids))

    def _build_post(self, row: LogRow, pids: list[str]) -> etree._Element:
        return Namespace(RESPONDER_NS)(
            "Log",
            _log("LogId", str(uuid.UUID(hex=(row.sha256 or "0" * 32)[:32]))),
            _log(
                "System",
                _log("SystemId", self._settings.source_system_hsa_id or "Efterskrift"),
                _log("SystemName", "Efterskrift"),
            ),
            self._activity(row),
            self._user(row),
            _log("Resources", *(self._resource(row, pid) for pid in pids or [""])),
            prefixes={"store": RESPONDER_NS, "log": LOG_NS},
        )

    def _activity(self, row: LogRow) -> etree._Element:
        is_emergency = row.detail.get(BREAK_GLASS_ACTION)
        return _log(
            "Activity",
            _log("ActivityType", EMERGENCY_ACTIVITY if is_emergency else activity_type(row.action)),
            _log("ActivityLevel", row.action),
            _log("ActivityArgs", " ".join(filter(None, (row.subject, format_detail(row))))),
            _log("StartDate", row.at.astimezone(SWEDEN).isoformat(timespec="milliseconds")),
            _log("Purpose", _purpose(self._areas.get(row.unit or ""))),
        )

    def _user(self, row: LogRow) -> etree._Element:
        name, person = self._names.get(row.by), self._people.get(row.by)
        return _log(
            "User",
            _log("UserId", self._find_hsa_id(row.by, self._staff_ids)),
            _log("Name", name) if name else None,
            _log("Assignment", ", ".join(person.roles)) if person else None,
            _log("Title", person.title) if person else None,
            *self._provider_and_unit(row),
        )

    def _resource(self, row: LogRow, pid: str) -> etree._Element:
        default = _OTHER_RESOURCE if pid or row.unit else _OFFICE_RESOURCE
        return _log(
            "Resource",
            _log("ResourceType", _RESOURCE_BY_ACTION.get(row.action, default)),
            _log("Patient", _log("PatientId", pid)) if pid and len(pid) <= MAX_PID_LENGTH else None,
            *self._provider_and_unit(row),
        )

    def _provider_and_unit(self, row: LogRow) -> list[etree._Element]:
        """Return both. A row of no unit, such as a login, is the care provider's own."""
        name, unit = self._settings.care_provider, row.unit
        return [
            _log(
                "CareProvider",
                _log("CareProviderId", self._provider_id()),
                _log("CareProviderName", name),
            ),
            _log(
                "CareUnit",
                _log(
                    "CareUnitId",
                    self._find_hsa_id(unit, self._unit_ids) if unit else self._provider_id(),
                ),
                _log("CareUnitName", unit or name),
            ),
        ]

    def _provider_id(self) -> str:
        """Return the care provider's HSA-id; where none is set, its name, which is counted."""
        name, hsa_id = self._settings.care_provider, self._settings.care_provider_hsa_id
        return self._find_hsa_id(name, {name: hsa_id} if hsa_id else {})

    def _find_hsa_id(self, name: str, hsa_ids: Mapping[str, str]) -> str:
        if name not in hsa_ids:
            self.result.without_hsa_id[name] += 1
        return hsa_ids.get(name, name)[:MAX_ID_LENGTH]


def _purpose(area: str | None) -> str:
    """Return the purpose of an access by the unit's area of law."""
    if area in (None, Area.ADM):
        return ADMINISTRATION_PURPOSE
    return CARE_PURPOSE if area == Area.HSL else BY_LAW_PURPOSE
