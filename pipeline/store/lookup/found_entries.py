"""Entries as lists of a lookup show them: with their client where the person may see the client."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from sqlalchemy import Connection

from pipeline.domain.model import Client, EntryState, Person
from pipeline.store.entries.entry import OPEN_STATES, Entry
from pipeline.store.entries.second_reviewer import filter_excluded_as_second
from pipeline.store.paper.protected_identity import find_hidden_pids
from pipeline.store.registers.client_register import filter_known_clients


@dataclass(frozen=True, slots=True)
class FoundEntry:
    """An entry, with the name of its client (empty if the register lacks it).

    `number` is the personal number. Of an open entry nothing is told, since it may be reviewed
    blind; `is_hidden`: nor of a client whose identity the person may not see. `is_for_other`: it
    waits for another person than this one.
    """

    entry: Entry
    client: str = ""
    number: str = ""
    is_hidden: bool = False
    is_for_other: bool = False

    @property
    def is_open(self) -> bool:
        """Whether the entry waits for review, so that its values must not be seen."""
        return self.entry.state in OPEN_STATES


def with_clients(conn: Connection, person: Person, entries: Iterable[Entry]) -> list[FoundEntry]:
    """Return the entries with their clients, as the person may see them."""
    found = list(entries)
    pids = {entry.client_pid for entry in found if entry.client_pid}
    clients = {client.pid: client for client in filter_known_clients(conn, pids)}
    hidden = find_hidden_pids(conn, person, pids)
    second = [entry.id for entry in found if entry.state is EntryState.SECOND]
    for_others = filter_excluded_as_second(conn, person.login, second) if second else set()
    return [
        replace(_found_entry(entry, clients, hidden), is_for_other=entry.id in for_others)
        for entry in found
    ]


def _found_entry(entry: Entry, clients: Mapping[str, Client], hidden: frozenset[str]) -> FoundEntry:
    pid = entry.client_pid or ""
    if pid in hidden:
        return FoundEntry(entry, is_hidden=True)
    if entry.state in OPEN_STATES or not pid:
        return FoundEntry(entry)
    return FoundEntry(entry, clients[pid].name if pid in clients else "", pid)
