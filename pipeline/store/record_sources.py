"""What the records of some entries are put together from: each kind of it is asked for once, whatever their number."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, func, select

from pipeline.field_spec import Meaning
from pipeline.model import Client, State, Value
from pipeline.record import Stamp
from pipeline.review import Answer
from pipeline.store import export_tables, exports, tables
from pipeline.store.bundles import bundle_places
from pipeline.store.entries import Entry
from pipeline.store.payment_approvals import approvals
from pipeline.store.registers import units
from pipeline.store.sheet_pictures import sheet_pictures
from pipeline.template import Form


@dataclass(frozen=True, slots=True)
class Sources:
    """By entry: answers, how often it was exported, approvals. By page: the page, the place of its bundle. By sheet: its pictures. Clients by number,
    names of staff by login, areas of law by unit."""

    answers: Mapping[str, Mapping[str, Answer]]
    pages: Mapping[str, Row[Any]]
    pictures: Mapping[str, tuple[str, ...]]
    clients: Mapping[str, Client]
    names: Mapping[str, str]
    exports: Mapping[str, int]
    areas: Mapping[str, str]
    approvals: Mapping[str, Sequence[Stamp]]
    bundles: Mapping[str, str]


def sources_of(conn: Connection, found: Sequence[Entry], forms_of: Mapping[str, Form], as_of: Mapping[str, int]) -> Sources:
    """The sources of these entries; `forms_of` names the form of each by the entry's id, `as_of` the revision whose answers are meant.

    One that is void says what its target had when it was made void, so that it is found there.
    """
    entry_ids = [one.id for one in found]
    void = {one.id: exports.before_void(conn, one.id) for one in found if one.voided is not None}
    answers = _answers(conn, entry_ids, {entry_id: run.entry_revision for entry_id, run in void.items() if run} | dict(as_of))
    pids = {str(said(forms_of[one.id], one, answers[one.id], Meaning.CLIENT_PID) or one.client_pid or "") for one in found}
    return Sources(
        answers,
        pages=_pages(conn, found),
        pictures=sheet_pictures(conn, {one.sheet for one in found}),
        clients=_clients(conn, pids),
        names=_names(conn),
        exports=_exports(conn, entry_ids),
        areas=units(conn),
        approvals=approvals(conn, entry_ids),
        bundles=bundle_places(conn, {one.page for one in found}),
    )


def said(form: Form, found: Entry, answers: Mapping[str, Answer], means: Meaning) -> Value:
    """What an entry says in the field that means this; None where the form has none or nothing was answered."""
    spec = form.meaning(means, found.row)
    return answers[spec.name].value if spec and spec.name in answers else None


def _answers(conn: Connection, entry_ids: Sequence[str], until: Mapping[str, int]) -> dict[str, dict[str, Answer]]:
    found: dict[str, dict[str, Answer]] = defaultdict(dict)
    table = tables.decision.c
    query = select(table.entry, table.field, table.value, table.state, table.revision).where(table.entry.in_(entry_ids)).order_by(table.id)
    for row in conn.execute(query):
        if row.entry not in until or row.revision <= until[row.entry]:
            found[row.entry][row.field] = Answer(row.value, State(row.state))
    return found


def _pages(conn: Connection, found: Sequence[Entry]) -> dict[str, Row[Any]]:
    page, batch = tables.page.c, tables.batch.c
    query: Select[Any] = select(page.id, page.scanned_at, page.scanned_by, page.read_at, page.reader_version, batch.place)
    wanted: ColumnElement[bool] = page.id.in_({one.page for one in found})
    return {row.id: row for row in conn.execute(query.select_from(tables.page.join(tables.batch)).where(wanted))}


def _clients(conn: Connection, pids: Iterable[str]) -> dict[str, Client]:
    table = tables.client.c
    query = select(table.pid, table.name, table.unit, table.protected).where(table.pid.in_(list(pids)))
    return {row["pid"]: Client(**row) for row in conn.execute(query).mappings()}


def _names(conn: Connection) -> dict[str, str]:
    return {row.login: row.name for row in conn.execute(select(tables.staff.c.login, tables.staff.c.name))}


def _exports(conn: Connection, entry_ids: Sequence[str]) -> dict[str, int]:
    item = export_tables.export_item.c
    query = select(item.entry, func.count()).where(item.entry.in_(entry_ids)).group_by(item.entry)
    return {row[0]: row[1] for row in conn.execute(query)}
