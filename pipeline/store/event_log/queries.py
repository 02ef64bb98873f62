"""The log as those read it who follow it up: chosen rows, counts, and accesses that are worth a
question.

From a client to the rows of the log that concern the client, and back: through entries, sheets,
pages and runs.

The log itself names no client. What was once taken for a client's and then corrected counts as
the client's too: somebody read it as that.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    Text,
    and_,
    cast,
    exists,
    func,
    literal,
    literal_column,
    or_,
    select,
    union,
)

from pipeline.store.entries.queue_order import PriorityKind
from pipeline.store.event_log.events import client_log_subject
from pipeline.store.event_log.hash_chain import LogRow
from pipeline.store.schema import exports, paper
from pipeline.store.schema.accounts import client_block
from pipeline.store.schema.exports import archived_sheet, statistics_item
from pipeline.store.schema.paper import issued_row
from pipeline.store.schema.review import pull

_MAX_IDS = 500
_statistics_item = statistics_item
_event_table = paper.event
_FETCH_ROWS = 2000
VIEW_ACTIONS = ("view_page",)
_ACCESS_ACTIONS = (
    *VIEW_ACTIONS,
    "look_up",
    "look_up_client",
    "view_clash",
    "view_key_in",
    "view_payment",
)
"""What is no deed: who only looks, in however many places, has done nothing with the sheet."""
MACHINE_LOGIN = "system"
"""Who did what nobody did."""
BREAK_GLASS_ACTION = "break_glass"


_entry, _page, _item, _issued = paper.entry, paper.page, exports.export_item, paper.issued_sheet


def log_subjects_of_client(conn: Connection, pid: str) -> Select[Any]:
    """All subjects of the log that concern a client: entries, their sheets' pages and serials,
    runs, packages, printed sheets, what was pulled to the front, and searches.
    """
    # As JSON text, which both databases can compare.
    answered = select(paper.decision.c.entry).where(
        cast(paper.decision.c.value, Text) == json.dumps(pid)
    )
    own = (
        select(_entry.c.id, _entry.c.sheet, _entry.c.serial)
        .where(or_(_entry.c.client_pid == pid, _entry.c.id.in_(answered)))
        .cte("own")
    )
    pages = select(_page.c.id).where(_page.c.sheet.in_(select(own.c.sheet))).cte("own_page")
    found = union(
        select(own.c.id.label("subject")),
        select(pages.c.id),
        select(_page.c.id).where(_page.c.duplicate_of.in_(select(pages.c.id))),
        select(own.c.serial).where(own.c.serial.is_not(None)),
        select(_item.c.run).where(_item.c.entry.in_(select(own.c.id))),
        select(_statistics_item.c.run).where(_statistics_item.c.entry.in_(select(own.c.id))),
        select(archived_sheet.c.package).where(archived_sheet.c.sheet.in_(select(own.c.sheet))),
        select(_issued.c.serial).where(_issued.c.client_pid == pid),
        select(issued_row.c.serial).where(issued_row.c.client_pid == pid),
        select(pull.c.id).where(pull.c.kind == PriorityKind.CLIENT.value, pull.c.what == pid),
        select(pull.c.id).where(
            pull.c.kind == PriorityKind.ENTRY.value, pull.c.what.in_(select(own.c.id))
        ),
        select(client_block.c.id).where(client_block.c.client_pid == pid),
        select(literal(client_log_subject(conn, pid))),
    ).subquery()
    return select(found.c.subject)


def clients_of_subjects(conn: Connection, subjects: Iterable[str]) -> dict[str, set[str]]:
    """The personal numbers of the clients that each subject concerns now; a subject that concerns
    none is left out.
    """
    wanted, found = sorted(set(subjects)), defaultdict[str, set[str]](set)
    for start in range(0, len(wanted), _MAX_IDS):
        part = wanted[start : start + _MAX_IDS]
        for query in _subject_client_queries(part):
            for subject, pid in conn.execute(query):
                found[subject].add(pid)
    return dict(found)


def client_by_search_subject(conn: Connection) -> Mapping[str, str]:
    """For each client of the register, how the log names a search for the client → the personal
    number.
    """
    return {
        client_log_subject(conn, pid): pid
        for pid in conn.execute(select(paper.client.c.pid)).scalars()
    }


def _subject_client_queries(ids: Collection[str]) -> list[Select[Any]]:
    """Pairs of subject and personal number."""
    pid = _entry.c.client_pid
    known = pid.is_not(None)
    first = _page.alias("first")
    return [
        select(_entry.c.id, pid).where(_entry.c.id.in_(ids), known),
        select(_page.c.id, pid)
        .join(_entry, _entry.c.sheet == _page.c.sheet)
        .where(_page.c.id.in_(ids), known),
        select(_page.c.id, pid)
        .join(first, first.c.id == _page.c.duplicate_of)
        .join(_entry, _entry.c.sheet == first.c.sheet)
        .where(_page.c.id.in_(ids), known),
        select(_entry.c.serial, pid).where(_entry.c.serial.in_(ids), known),
        *(
            select(run.c.run, pid)
            .join(_entry, _entry.c.id == run.c.entry)
            .where(run.c.run.in_(ids), known)
            for run in (_item, _statistics_item)
        ),
        select(archived_sheet.c.package, pid)
        .join(_entry, _entry.c.sheet == archived_sheet.c.sheet)
        .where(archived_sheet.c.package.in_(ids), known),
        select(_issued.c.serial, _issued.c.client_pid).where(
            _issued.c.serial.in_(ids), _issued.c.client_pid.is_not(None)
        ),
        select(issued_row.c.serial, issued_row.c.client_pid).where(issued_row.c.serial.in_(ids)),
        select(client_block.c.id, client_block.c.client_pid).where(client_block.c.id.in_(ids)),
        select(pull.c.id, pull.c.what).where(
            pull.c.id.in_(ids), pull.c.kind == PriorityKind.CLIENT.value
        ),
        select(pull.c.id, pid)
        .join(_entry, _entry.c.id == pull.c.what)
        .where(pull.c.id.in_(ids), pull.c.kind == PriorityKind.ENTRY.value, known),
    ]


class Hint(StrEnum):
    """Accesses that need not be wrong, but that somebody should ask about."""

    WITHOUT_DECISION = "without_decision"
    """A look at a page by somebody who did nothing else with that sheet."""
    OTHER_UNIT = "other_unit"
    """A look at paper of a unit that the person does not belong to now."""
    PROTECTED = "protected"
    """A look at a sheet of somebody with protected identity."""
    BREAK_GLASS = "break_glass"
    DENIED = "denied"
    LOGIN_FAILED = "login_failed"


@dataclass(frozen=True, slots=True)
class LogFilter:
    """Which rows: of a time (from `start`, before `end`), of a person, action, unit or client
    (personal number in full), or hint. None: all.
    """

    start: datetime
    end: datetime
    by: str | None = None
    action: str | None = None
    unit: str | None = None
    client: str | None = None
    hint: Hint | None = None


def list_log_rows(
    conn: Connection,
    units: Collection[str],
    log_filter: LogFilter,
    *,
    offset: int = 0,
    limit: int | None = None,
) -> list[LogRow]:
    """Rows that somebody sees who follows up these units, the newest first. Rows of no unit, such
    as logins, are everybody's.
    """
    names = [field.name for field in fields(LogRow)]
    query = (
        select(*(_event_table.c[name] for name in names))
        .where(_filter_condition(conn, units, log_filter))
        .order_by(_event_table.c.id.desc())
    )
    return [LogRow(*row) for row in conn.execute(query.offset(offset).limit(limit))]


def iterate_log_rows(
    conn: Connection, units: Collection[str], log_filter: LogFilter
) -> Iterator[LogRow]:
    """The same rows, the oldest first, however many."""
    last, chosen = 0, _filter_condition(conn, units, log_filter)
    names = [field.name for field in fields(LogRow)]
    query = (
        select(*(_event_table.c[name] for name in names))
        .where(chosen)
        .order_by(_event_table.c.id)
        .limit(_FETCH_ROWS)
    )
    while found := conn.execute(query.where(_event_table.c.id > last)).all():
        yield from (LogRow(*row) for row in found)
        last = found[-1].id


def count_log_rows(conn: Connection, units: Collection[str], log_filter: LogFilter) -> int:
    """How many rows there are of these."""
    total: int = conn.execute(
        select(func.count())
        .select_from(_event_table)
        .where(_filter_condition(conn, units, log_filter))
    ).scalar_one()
    return total


def count_other_units_rows(
    conn: Connection, units: Collection[str], log_filter: LogFilter, apart_from: str = ""
) -> int:
    """How many rows that somebody made are of other units; rows of one action are not counted."""
    elsewhere = (
        _event_table.c.unit.not_in(sorted(units)),
        _event_table.c.by != MACHINE_LOGIN,
        _event_table.c.action != apart_from,
    )
    total: int = conn.execute(
        select(func.count())
        .select_from(_event_table)
        .where(_detail_condition(conn, log_filter), *elsewhere)
    ).scalar_one()
    return total


def count_views_per_hour(
    conn: Connection, units: Collection[str], log_filter: LogFilter
) -> dict[str, int]:
    """Looks at pages by hour (YYYY-MM-DD HH, UTC)."""
    if conn.dialect.name == "postgresql":
        hour = func.to_char(
            func.timezone("UTC", _event_table.c.at), literal_column("'YYYY-MM-DD HH24'")
        )
    else:
        hour = func.strftime(literal_column("'%Y-%m-%d %H'"), _event_table.c.at)
    named = hour.label("hour")
    query = (
        select(named, func.count())
        .where(_filter_condition(conn, units, log_filter), _event_table.c.action.in_(VIEW_ACTIONS))
        .group_by(named)
        .order_by(named)
    )
    return {row[0]: row[1] for row in conn.execute(query)}


def list_actions_and_logins(
    conn: Connection, units: Collection[str], log_filter: LogFilter
) -> tuple[list[str], list[str]]:
    """What was done and by whom (logins), for choosing among."""
    query = (
        select(_event_table.c.action, _event_table.c.by)
        .distinct()
        .where(_filter_condition(conn, units, log_filter))
    )
    found = conn.execute(query).all()
    return sorted({row.action for row in found}), sorted({row.by for row in found})


def _filter_condition(
    conn: Connection, units: Collection[str], log_filter: LogFilter
) -> ColumnElement[bool]:
    return and_(
        _detail_condition(conn, log_filter),
        or_(_event_table.c.unit.is_(None), _event_table.c.unit.in_(sorted(units))),
    )


def _detail_condition(conn: Connection, log_filter: LogFilter) -> ColumnElement[bool]:
    parts: list[ColumnElement[bool]] = [
        _event_table.c.at >= log_filter.start,
        _event_table.c.at < log_filter.end,
    ]
    parts += [
        _event_table.c[name] == value
        for name in ("by", "action", "unit")
        if (value := getattr(log_filter, name)) is not None
    ]
    if log_filter.client is not None:
        parts.append(_event_table.c.subject.in_(log_subjects_of_client(conn, log_filter.client)))
    if log_filter.hint is not None:
        parts.append(_hint_condition(log_filter.hint))
    return and_(*parts)


def _hint_condition(hint: Hint) -> ColumnElement[bool]:
    if hint is Hint.BREAK_GLASS:
        return or_(
            _event_table.c.action == BREAK_GLASS_ACTION,
            cast(_event_table.c.detail, Text).like(f'%"{BREAK_GLASS_ACTION}": true%'),
        )
    if hint in {Hint.DENIED, Hint.LOGIN_FAILED}:
        return _event_table.c.action == hint.value
    return and_(
        _event_table.c.action.in_(VIEW_ACTIONS),
        {
            Hint.WITHOUT_DECISION: _has_no_decision,
            Hint.OTHER_UNIT: _is_other_unit,
            Hint.PROTECTED: _is_protected,
        }[hint](),
    )


def _has_no_decision() -> ColumnElement[bool]:
    other = _event_table.alias("other")
    same_sheet = or_(
        other.c.subject == _event_table.c.subject, other.c.subject.in_(_same_sheet_entries())
    )
    deeds = other.c.action.not_in(_ACCESS_ACTIONS)
    return ~exists().where(other.c.by == _event_table.c.by, deeds, same_sheet).correlate(
        _event_table
    )


def _is_other_unit() -> ColumnElement[bool]:
    member = paper.staff_unit.c
    return and_(
        _event_table.c.unit.is_not(None),
        ~exists()
        .where(member.login == _event_table.c.by, member.unit == _event_table.c.unit)
        .correlate(_event_table),
    )


def _is_protected() -> ColumnElement[bool]:
    page, entry, client = paper.page.c, paper.entry.c, paper.client.c
    on_page = exists().where(
        page.id == _event_table.c.subject,
        entry.sheet == page.sheet,
        client.pid == entry.client_pid,
        client.protected,
    )
    return on_page.correlate(_event_table)


def _same_sheet_entries() -> Select[Any]:
    """The entries of the sheet of the page that a row is about."""
    page, entry = paper.page.c, paper.entry.c
    return (
        select(entry.id)
        .where(page.id == _event_table.c.subject, entry.sheet == page.sheet)
        .correlate(_event_table)
    )
