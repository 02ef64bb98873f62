"""Search entries by client, day, author, unit and serial, together.

An open entry is found only by what is printed on its sheet, and by its unit: that it is found by
anything else would tell what was read or typed in it, before it is reviewed blind.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, func, select, union

from pipeline.domain.law import permissions
from pipeline.domain.law.permissions import Action
from pipeline.domain.model import Client, EntryState, Person
from pipeline.forms.fiducials import normalize_serial
from pipeline.registers.client_check import split_words
from pipeline.store.accounts import visibility
from pipeline.store.entries.entry import OPEN_STATES, Entry, select_entries
from pipeline.store.entries.second_reviewer import filter_excluded_as_second
from pipeline.store.event_log.events import client_log_subject, record
from pipeline.store.paper.protected_identity import find_hidden_pids
from pipeline.store.registers.client_register import (
    filter_known_clients,
    find_client,
    strip_pid_separators,
)
from pipeline.store.schema import paper, registers, tally
from pipeline.store.schema.registers import issued_sheet
from pipeline.store.schema.review import temporary_identity

# Entries as lists of a lookup show them: with their client where the person may see the client.


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


MAX_FOUND = 50
_MAX_NAMES = 500
"""How many clients or authors one search may mean; of more, none are sought."""
_SUBJECT = "entries"

_entry_table, _client_table = paper.entry, registers.client
_IS_DECIDED = _entry_table.c.state.not_in(paper.OPEN_STATES)


@dataclass(frozen=True, slots=True)
class EntrySearch:
    """What is known of the entries that are sought; an empty text means any.

    `name` and `author` are words of the names, with or without accents. Days are YYYY-MM-DD: one
    day has both the same.
    """

    name: str = ""
    number: str = ""
    first_day: str = ""
    last_day: str = ""
    author: str = ""
    unit: str = ""
    serial: str = ""

    @property
    def criteria(self) -> tuple[str, ...]:
        """The names of what is known, for the log."""
        names = ("name", "number", "first_day", "last_day", "author", "unit", "serial")
        return tuple(name for name in names if getattr(self, name).strip())

    @property
    def is_specific(self) -> bool:
        """Whether more is known than the unit, which alone is no search."""
        return bool(set(self.criteria) - {"unit"})


@dataclass(frozen=True, slots=True)
class SearchResult:
    """The entries that were found, those of the latest days first.

    `is_cut`: there are more, or the names mean so many people that none were sought.
    """

    entries: tuple[FoundEntry, ...] = ()
    is_cut: bool = False


@dataclass(frozen=True, slots=True)
class _Clients:
    """Who may be meant: numbers of the register, and entries about people outside it."""

    pids: Collection[str]
    entries: Collection[str]

    @property
    def count(self) -> int:
        return len(self.pids) + len(self.entries)


def search_entries(
    conn: Connection, person: Person, search: EntrySearch, *, first: bool = True
) -> SearchResult:
    """Return the entries that the person may see and that fit all that is known.

    A first search is logged, under a digest of the number where it means one client; never its
    words.

    Raises:
        NotAllowedError: the person does not correct entries.
    """
    permissions.require_permission(person, Action.CORRECT)
    if not search.is_specific:
        return SearchResult()
    clients = _find_clients(conn, person, search)
    authors = _find_authors(conn, search.author) if search.author.strip() else None
    is_wide = any(count > _MAX_NAMES for count in (_count(clients), len(authors or ())))
    found: list[FoundEntry] = []
    if not is_wide:
        conditions = _conditions(search, clients, authors)
        query = _query(conn, person, search, conditions)
        found = with_clients(conn, person, select_entries(conn, query))
        if clients is not None:
            found = [one for one in found if not one.is_hidden]
    shown = tuple(found[:MAX_FOUND])
    if first:
        _record_search(conn, person, search, clients, shown)
    return SearchResult(shown, is_wide or len(found) > MAX_FOUND)


def _count(clients: _Clients | None) -> int:
    return clients.count if clients else 0


def _record_search(
    conn: Connection,
    person: Person,
    search: EntrySearch,
    clients: _Clients | None,
    found: Collection[FoundEntry],
) -> None:
    """Log what kinds of criteria were used, and whose paper it was about where that is known."""
    subject = _SUBJECT
    if search.number.strip() or (clients and clients.count == len(clients.pids) == 1):
        pid = next(iter(clients.pids), "") if clients else ""
        subject = client_log_subject(conn, pid or strip_pid_separators(search.number))
    units = {one.entry.unit for one in found}
    record(
        conn,
        person.login,
        "search_entries",
        subject,
        unit=next(iter(units)) if len(units) == 1 else None,
        field=" ".join(search.criteria),
        entries=len(found),
    )


def _find_clients(conn: Connection, person: Person, search: EntrySearch) -> _Clients | None:
    """Return whom name and number mean, without those whose identity the person may not see.

    None if neither is known.
    """
    name, number = search.name.strip(), search.number.strip()
    if not name and not number:
        return None
    identity = temporary_identity.c
    outside = conn.execute(select(identity.entry, identity.number, identity.name)).all()
    pids: set[str] | None = None
    entries: set[str] | None = None
    if number:
        client = find_client(conn, number)
        pid = client.pid if client else strip_pid_separators(number)
        pids, entries = {pid}, {row.entry for row in outside if row.number == pid}
    if name:
        named = {
            row.pid
            for row in conn.execute(select(_client_table.c.pid, _client_table.c.name))
            if _has_words(row.name, name)
        }
        named_outside = {row.entry for row in outside if _has_words(row.name, name)}
        pids = named if pids is None else pids & named
        entries = named_outside if entries is None else entries & named_outside
    pids = pids or set()
    if len(pids) <= _MAX_NAMES:
        pids -= find_hidden_pids(conn, person, pids)
    return _Clients(frozenset(pids), frozenset(entries or ()))


def _find_authors(conn: Connection, typed: str) -> list[str]:
    """Return the names of authors on paper that hold all these words; Å, å and a are the same."""
    # One step of the index to each name: authors are few, and entries many
    first = select(func.min(_entry_table.c.author).label("name")).where(tally.HAS_AUTHOR)
    names = first.cte("names", recursive=True)
    following = (
        select(func.min(_entry_table.c.author))
        .where(tally.HAS_AUTHOR, _entry_table.c.author > names.c.name)
        .scalar_subquery()
    )
    names = names.union_all(select(following).where(names.c.name.is_not(None)))
    found = conn.execute(select(names.c.name).where(names.c.name.is_not(None))).scalars()
    return [name for name in found if _has_words(name, typed)]


def _has_words(name: str, typed: str) -> bool:
    folded = " ".join(split_words(name))
    return all(word in folded for word in split_words(typed))


def _conditions(
    search: EntrySearch, clients: _Clients | None, authors: Iterable[str] | None
) -> list[ColumnElement[bool]]:
    """Return the conditions of all that is known."""
    conditions: list[ColumnElement[bool]] = []
    if clients is not None:
        conditions.append(_is_about(clients))
    if authors is not None:
        conditions += [_entry_table.c.author.in_(sorted(authors)), _IS_DECIDED]
    if search.first_day:
        conditions += [_entry_table.c.event_on >= search.first_day, _IS_DECIDED]
    if search.last_day:
        conditions += [_entry_table.c.event_on <= search.last_day, _IS_DECIDED]
    if search.unit:
        conditions.append(_entry_table.c.unit == search.unit)
    if search.serial.strip():
        conditions.append(_entry_table.c.serial == normalize_serial(search.serial))
    return conditions


def _is_about(clients: _Clients) -> ColumnElement[bool]:
    """Return the condition that an entry is about one of these, as decided or as printed."""
    printed = select(issued_sheet.c.serial).where(
        issued_sheet.c.client_pid.in_(sorted(clients.pids))
    )
    # A union, each part of which has its index
    ids = union(
        select(_entry_table.c.id).where(
            _entry_table.c.client_pid.in_(sorted(clients.pids)), _IS_DECIDED
        ),
        select(_entry_table.c.id).where(
            _entry_table.c.id.in_(sorted(clients.entries)), _IS_DECIDED
        ),
        select(_entry_table.c.id).where(_entry_table.c.serial.in_(printed)),
    )
    return _entry_table.c.id.in_(ids)


def _query(
    conn: Connection,
    person: Person,
    search: EntrySearch,
    conditions: Collection[ColumnElement[bool]],
) -> Select[Any]:
    latest = _entry_table.c.event_on.desc()
    # With a day none is unknown, and the index of days gives the order
    order = latest if search.first_day or search.last_day else latest.nulls_last()
    return (
        select(_entry_table)
        .where(*conditions, visibility.visible_entries_condition(conn, person, Action.CORRECT))
        .order_by(order, _entry_table.c.id)
        .limit(MAX_FOUND + 1)
    )
