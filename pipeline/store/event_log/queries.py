"""Queries for log reviewers: chosen rows, counts, suspicious accesses and a client's events.

The log itself names no client. From a client to its events and back leads through entries, sheets,
pages and runs. What was once read as one client's and then corrected counts as that client's too,
since it was viewed as such.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
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
    false,
    func,
    literal,
    literal_column,
    or_,
    select,
    union,
)

from pipeline.domain.model import PriorityKind
from pipeline.store.event_log.events import (
    DENIED_ACTION,
    IMPORT_ACTION,
    client_log_subject,
)
from pipeline.store.event_log.hash_chain import LogRow
from pipeline.store.schema import exports, paper, registers
from pipeline.store.schema.accounts import client_block
from pipeline.store.schema.exports import archived_sheet, statistics_item
from pipeline.store.schema.id_chunks import chunk_ids
from pipeline.store.schema.registers import issued_row, issued_sheet
from pipeline.store.schema.review import pull

_FETCH_ROWS = 2000
"""How many rows one query reads."""
VIEW_ACTIONS = ("view_page",)
_ACCESS_ACTIONS = (
    *VIEW_ACTIONS,
    "look_up",
    "look_up_client",
    "view_clash",
    "view_key_in",
    "view_payment",
)
"""Accesses without a decision: a person who only views has done nothing with the sheet."""
MACHINE_LOGIN = "system"
"""The author of events that no person caused."""
BREAK_GLASS_ACTION = "break_glass"
_ACCESS_ACTIONS_OF_OTHERS = ("redeem_code", "new_password", "make_access_change")
"""A person's way in was changed by another, or with a code that another handed over."""
_SUSPICIOUS_AFTER_CHANGE = timedelta(hours=24)
"""How long after such a change a signature of the person is worth a question."""

_event_table, _entry, _page = paper.event, paper.entry, paper.page
_item, _issued = exports.export_item, issued_sheet


def log_subjects_of_client(conn: Connection, pid: str) -> Select[Any]:
    """Return a query of all subjects of the log that concern a client.

    These are entries, their sheets' pages and serials, runs, packages, printed sheets, priorities,
    blocks and searches.
    """
    # Entries that were ever answered with this number, as JSON text, which both databases compare
    answered = select(paper.decision.c.entry).where(
        cast(paper.decision.c.value, Text) == json.dumps(pid)
    )
    # Entries that are or were about the client
    client_entries = (
        select(_entry.c.id, _entry.c.sheet, _entry.c.serial)
        .where(or_(_entry.c.client_pid == pid, _entry.c.id.in_(answered)))
        .cte("own")
    )
    # The pages of their sheets; repeated scans refer to these
    pages = (
        select(_page.c.id).where(_page.c.sheet.in_(select(client_entries.c.sheet))).cte("own_page")
    )
    subjects = union(
        select(client_entries.c.id.label("subject")),
        select(pages.c.id),
        select(_page.c.id).where(_page.c.duplicate_of.in_(select(pages.c.id))),
        select(client_entries.c.serial).where(client_entries.c.serial.is_not(None)),
        select(_item.c.run).where(_item.c.entry.in_(select(client_entries.c.id))),
        select(statistics_item.c.run).where(
            statistics_item.c.entry.in_(select(client_entries.c.id))
        ),
        select(archived_sheet.c.package).where(
            archived_sheet.c.sheet.in_(select(client_entries.c.sheet))
        ),
        select(_issued.c.serial).where(_issued.c.client_pid == pid),
        select(issued_row.c.serial).where(issued_row.c.client_pid == pid),
        select(pull.c.id).where(pull.c.kind == PriorityKind.CLIENT.value, pull.c.what == pid),
        select(pull.c.id).where(
            pull.c.kind == PriorityKind.ENTRY.value, pull.c.what.in_(select(client_entries.c.id))
        ),
        select(client_block.c.id).where(client_block.c.client_pid == pid),
        select(literal(client_log_subject(conn, pid))),
    ).subquery()
    return select(subjects.c.subject)


def clients_of_subjects(conn: Connection, subjects: Iterable[str]) -> dict[str, set[str]]:
    """Return the personal numbers of the clients that each subject concerns now.

    A subject that concerns no client is left out.
    """
    pids_by_subject = defaultdict[str, set[str]](set)
    for part in chunk_ids(sorted(set(subjects))):
        for query in _subject_client_queries(part):
            for subject, pid in conn.execute(query):
                pids_by_subject[subject].add(pid)
    return dict(pids_by_subject)


def client_by_search_subject(conn: Connection) -> Mapping[str, str]:
    """Return the register's personal numbers by the log's names of searches for them."""
    return {
        client_log_subject(conn, pid): pid
        for pid in conn.execute(select(registers.client.c.pid)).scalars()
    }


def _subject_client_queries(ids: Collection[str]) -> list[Select[Any]]:
    """Return the queries of (subject, personal number), one for each kind of subject."""
    pid = _entry.c.client_pid
    has_client = pid.is_not(None)
    first_scan = _page.alias("first")
    return [
        select(_entry.c.id, pid).where(_entry.c.id.in_(ids), has_client),
        # Pages, and repeated scans of pages
        select(_page.c.id, pid)
        .join(_entry, _entry.c.sheet == _page.c.sheet)
        .where(_page.c.id.in_(ids), has_client),
        select(_page.c.id, pid)
        .join(first_scan, first_scan.c.id == _page.c.duplicate_of)
        .join(_entry, _entry.c.sheet == first_scan.c.sheet)
        .where(_page.c.id.in_(ids), has_client),
        select(_entry.c.serial, pid).where(_entry.c.serial.in_(ids), has_client),
        # Export runs and statistics files, then archive packages
        *(
            select(run.c.run, pid)
            .join(_entry, _entry.c.id == run.c.entry)
            .where(run.c.run.in_(ids), has_client)
            for run in (_item, statistics_item)
        ),
        select(archived_sheet.c.package, pid)
        .join(_entry, _entry.c.sheet == archived_sheet.c.sheet)
        .where(archived_sheet.c.package.in_(ids), has_client),
        # Printed sheets, as a whole or by row
        select(_issued.c.serial, _issued.c.client_pid).where(
            _issued.c.serial.in_(ids), _issued.c.client_pid.is_not(None)
        ),
        select(issued_row.c.serial, issued_row.c.client_pid).where(issued_row.c.serial.in_(ids)),
        # Blocks, and priorities of a client or of an entry
        select(client_block.c.id, client_block.c.client_pid).where(client_block.c.id.in_(ids)),
        select(pull.c.id, pull.c.what).where(
            pull.c.id.in_(ids), pull.c.kind == PriorityKind.CLIENT.value
        ),
        select(pull.c.id, pid)
        .join(_entry, _entry.c.id == pull.c.what)
        .where(pull.c.id.in_(ids), pull.c.kind == PriorityKind.ENTRY.value, has_client),
    ]


class Hint(StrEnum):
    """Accesses that are not necessarily wrong, but that a log reviewer should ask about."""

    WITHOUT_DECISION = "without_decision"
    """A view of a page by a person who did nothing else with that sheet."""
    OTHER_UNIT = "other_unit"
    """A view of paper of a unit that the person does not belong to now."""
    PROTECTED = "protected"
    """A view of a sheet of a client with protected identity."""
    BREAK_GLASS = "break_glass"
    DENIED = DENIED_ACTION
    LOGIN_FAILED = "login_failed"
    CHANGED_ALONE = "changed_alone"
    """A person's way in that one administrator changed without another's approval."""
    CHANGED_THEN_SIGNED = "changed_then_signed"
    """A signature by a person whose way in another had changed within 24 hours."""


@dataclass(frozen=True, slots=True)
class LogFilter:
    """Which rows to choose; None means all.

    `start` is included, `end` is not; `client` is a full personal number.
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
    """Return the rows that a log reviewer of these units may see, newest first.

    Rows of no unit, such as logins, are visible to every log reviewer.
    """
    names = [field.name for field in fields(LogRow)]
    # By the index of moments, which both databases read backwards until the page is full
    query = (
        select(*(_event_table.c[name] for name in names))
        .where(_filter_condition(conn, units, log_filter))
        .order_by(_event_table.c.at.desc(), _event_table.c.id.desc())
    )
    return [LogRow(*row) for row in conn.execute(query.offset(offset).limit(limit))]


def iterate_log_rows(
    conn: Connection, units: Collection[str], log_filter: LogFilter
) -> Iterator[LogRow]:
    """Yield the rows of `list_log_rows`, oldest first, however many there are."""
    last_id, condition = 0, _filter_condition(conn, units, log_filter)
    names = [field.name for field in fields(LogRow)]
    query = (
        select(*(_event_table.c[name] for name in names))
        .where(condition)
        .order_by(_event_table.c.id)
        .limit(_FETCH_ROWS)
    )
    # Chunks by number, since there may be more rows than fit in memory
    while rows := conn.execute(query.where(_event_table.c.id > last_id)).all():
        yield from (LogRow(*row) for row in rows)
        last_id = rows[-1].id


def count_log_rows(conn: Connection, units: Collection[str], log_filter: LogFilter) -> int:
    """Return the number of chosen rows."""
    total: int = conn.execute(
        select(func.count())
        .select_from(_event_table)
        .where(_filter_condition(conn, units, log_filter))
    ).scalar_one()
    return total


def count_other_units_rows(
    conn: Connection, units: Collection[str], log_filter: LogFilter, excluded_action: str = ""
) -> int:
    """Return how many rows caused by persons are of other units, without those of one action."""
    # Caused by persons, about paper of units that are not followed up
    in_other_units = (
        _event_table.c.unit.not_in(sorted(units)),
        _event_table.c.by != MACHINE_LOGIN,
        _event_table.c.action != excluded_action,
    )
    total: int = conn.execute(
        select(func.count())
        .select_from(_event_table)
        .where(_detail_condition(conn, log_filter), *in_other_units)
    ).scalar_one()
    return total


def count_views_per_hour(
    conn: Connection, units: Collection[str], log_filter: LogFilter
) -> dict[str, int]:
    """Return the number of page views by hour (YYYY-MM-DD HH, UTC)."""
    # The two databases format a time by different functions
    if conn.dialect.name == "postgresql":
        hour = func.to_char(
            func.timezone("UTC", _event_table.c.at), literal_column("'YYYY-MM-DD HH24'")
        )
    else:
        hour = func.strftime(literal_column("'%Y-%m-%d %H'"), _event_table.c.at)
    hour_column = hour.label("hour")
    query = (
        select(hour_column, func.count())
        .where(_filter_condition(conn, units, log_filter), _event_table.c.action.in_(VIEW_ACTIONS))
        .group_by(hour_column)
        .order_by(hour_column)
    )
    return {row[0]: row[1] for row in conn.execute(query)}


def list_actions_and_logins(
    conn: Connection, units: Collection[str], log_filter: LogFilter
) -> tuple[list[str], list[str]]:
    """Return the actions and the logins that occur, as choices for filters."""
    # Distinct pairs within the filter
    query = (
        select(_event_table.c.action, _event_table.c.by)
        .distinct()
        .where(_filter_condition(conn, units, log_filter))
    )
    rows = conn.execute(query).all()
    return sorted({row.action for row in rows}), sorted({row.by for row in rows})


def _filter_condition(
    conn: Connection, units: Collection[str], log_filter: LogFilter
) -> ColumnElement[bool]:
    """Return the condition of the filter, limited to these units and to rows of no unit."""
    return and_(
        _detail_condition(conn, log_filter),
        or_(_event_table.c.unit.is_(None), _event_table.c.unit.in_(sorted(units))),
    )


def _detail_condition(conn: Connection, log_filter: LogFilter) -> ColumnElement[bool]:
    """Return the condition of the filter, for all units."""
    parts: list[ColumnElement[bool]] = [
        _event_table.c.at >= log_filter.start,
        _event_table.c.at < log_filter.end,
    ]
    # Exact matches, for those that are given
    parts += [
        _event_table.c[name] == value
        for name in ("by", "action", "unit")
        if (value := getattr(log_filter, name)) is not None
    ]
    if log_filter.client is not None:
        parts.append(_event_table.c.subject.in_(log_subjects_of_client(conn, log_filter.client)))
    if log_filter.hint is not None:
        parts.append(
            _signed_after_change(conn, log_filter)
            if log_filter.hint is Hint.CHANGED_THEN_SIGNED
            else _hint_condition(log_filter.hint)
        )
    return and_(*parts)


def _hint_condition(hint: Hint) -> ColumnElement[bool]:
    """Return the condition that a row is an access of this kind."""
    # Logins of emergency accounts, and all that they were used for
    if hint is Hint.BREAK_GLASS:
        return or_(
            _event_table.c.action == BREAK_GLASS_ACTION,
            cast(_event_table.c.detail, Text).like(f'%"{BREAK_GLASS_ACTION}": true%'),
        )
    # Changes without approval, and new passwords of the command line and of emergency accounts
    if hint is Hint.CHANGED_ALONE:
        return or_(
            _event_table.c.action == "new_password",
            and_(
                _event_table.c.action == "request_access_change",
                cast(_event_table.c.detail, Text).like('%"alone": true%'),
            ),
        )
    if hint in {Hint.DENIED, Hint.LOGIN_FAILED}:
        return _event_table.c.action == hint.value
    # The other hints are about views of pages
    return and_(
        _event_table.c.action.in_(VIEW_ACTIONS),
        {
            Hint.WITHOUT_DECISION: _has_no_decision,
            Hint.OTHER_UNIT: _is_other_unit,
            Hint.PROTECTED: _is_protected,
        }[hint](),
    )


def _signed_after_change(conn: Connection, log_filter: LogFilter) -> ColumnElement[bool]:
    """Return the condition that a row is a signature soon after a change of the way in."""
    changes = conn.execute(
        select(_event_table.c.subject, _event_table.c.at, _event_table.c.detail).where(
            _event_table.c.action.in_(_ACCESS_ACTIONS_OF_OTHERS),
            _event_table.c.at >= log_filter.start - _SUSPICIOUS_AFTER_CHANGE,
            _event_table.c.at < log_filter.end,
        )
    )
    # The first password of a new account is no change
    periods = [
        and_(
            _event_table.c.by == login,
            _event_table.c.at.between(at, at + _SUSPICIOUS_AFTER_CHANGE),
        )
        for login, at, detail in changes
        if detail.get("kind") != "first"
    ]
    return and_(_event_table.c.action == "sign", or_(false(), *periods))


def _has_no_decision() -> ColumnElement[bool]:
    """Return the condition that the viewer has no other event about the sheet's page or entries."""
    other, page, entry = _event_table.alias("other"), paper.page.c, paper.entry.c
    # The same person's events, other than views and what was denied
    is_action = and_(
        other.c.by == _event_table.c.by,
        other.c.action.not_in((*_ACCESS_ACTIONS, DENIED_ACTION, IMPORT_ACTION)),
    )
    # About the page itself, and about entries on its sheet: in two, each by the index of subjects
    of_page = exists().where(is_action, other.c.subject == _event_table.c.subject)
    of_entries = exists().where(
        page.id == _event_table.c.subject,
        entry.sheet == page.sheet,
        other.c.subject == entry.id,
        is_action,
    )
    return and_(~of_page.correlate(_event_table), ~of_entries.correlate(_event_table))


def _is_other_unit() -> ColumnElement[bool]:
    """Return the condition that the person is not a member of the row's unit."""
    # Memberships are those of now, not at the time of the view
    members = (registers.staff_unit.c, registers.assignment_unit.c)
    return and_(
        _event_table.c.unit.is_not(None),
        *(
            ~exists()
            .where(member.login == _event_table.c.by, member.unit == _event_table.c.unit)
            .correlate(_event_table)
            for member in members
        ),
    )


def _is_protected() -> ColumnElement[bool]:
    """Return the condition that the viewed page is of a client with protected identity."""
    page, entry, client = paper.page.c, paper.entry.c, registers.client.c
    # Some entry on the page's sheet is about a protected client
    on_page = exists().where(
        page.id == _event_table.c.subject,
        entry.sheet == page.sheet,
        client.pid == entry.client_pid,
        client.protected,
    )
    return on_page.correlate(_event_table)
