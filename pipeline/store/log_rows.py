"""The log as those read it who follow it up: chosen rows, counts, and accesses that are worth a question."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, fields
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, Text, and_, cast, exists, func, literal_column, or_, select

from pipeline.store import tables
from pipeline.store.chain import LogRow
from pipeline.store.log_clients import subjects_of

_event = tables.event
_AT_ONCE = 2000

VIEWS = ("view_page",)
_LOOKS = (*VIEWS, "look_up", "look_up_client", "view_clash", "view_key_in", "view_payment")
"""What is no deed: who only looks, in however many places, has done nothing with the sheet."""
MACHINE = "system"
"""Who did what nobody did."""
BREAK_GLASS = "break_glass"


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
class Wanted:
    """Which rows: of a time (from `start`, before `end`), of a person, action, unit or client (personal number in full), or hint. None: all."""

    start: datetime
    end: datetime
    by: str | None = None
    action: str | None = None
    unit: str | None = None
    client: str | None = None
    hint: Hint | None = None


def rows(conn: Connection, units: Collection[str], wanted: Wanted, *, offset: int = 0, limit: int | None = None) -> list[LogRow]:
    """Rows that somebody sees who follows up these units, the newest first. Rows of no unit, such as logins, are everybody's."""
    names = [field.name for field in fields(LogRow)]
    query = select(*(_event.c[name] for name in names)).where(_chosen(conn, units, wanted)).order_by(_event.c.id.desc())
    return [LogRow(*row) for row in conn.execute(query.offset(offset).limit(limit))]


def every_row(conn: Connection, units: Collection[str], wanted: Wanted) -> Iterator[LogRow]:
    """The same rows, the oldest first, however many."""
    last, chosen = 0, _chosen(conn, units, wanted)
    names = [field.name for field in fields(LogRow)]
    query = select(*(_event.c[name] for name in names)).where(chosen).order_by(_event.c.id).limit(_AT_ONCE)
    while found := conn.execute(query.where(_event.c.id > last)).all():
        yield from (LogRow(*row) for row in found)
        last = found[-1].id


def count(conn: Connection, units: Collection[str], wanted: Wanted) -> int:
    """How many rows there are of these."""
    total: int = conn.execute(select(func.count()).select_from(_event).where(_chosen(conn, units, wanted))).scalar_one()
    return total


def count_elsewhere(conn: Connection, units: Collection[str], wanted: Wanted, apart_from: str = "") -> int:
    """How many rows that somebody made are of other units; rows of one action are not counted."""
    elsewhere = (_event.c.unit.not_in(sorted(units)), _event.c.by != MACHINE, _event.c.action != apart_from)
    total: int = conn.execute(select(func.count()).select_from(_event).where(_matching(conn, wanted), *elsewhere)).scalar_one()
    return total


def views_per_hour(conn: Connection, units: Collection[str], wanted: Wanted) -> dict[str, int]:
    """Looks at pages by hour (YYYY-MM-DD HH, UTC)."""
    if conn.dialect.name == "postgresql":
        hour = func.to_char(func.timezone("UTC", _event.c.at), literal_column("'YYYY-MM-DD HH24'"))
    else:
        hour = func.strftime(literal_column("'%Y-%m-%d %H'"), _event.c.at)
    named = hour.label("hour")
    query = select(named, func.count()).where(_chosen(conn, units, wanted), _event.c.action.in_(VIEWS)).group_by(named).order_by(named)
    return {row[0]: row[1] for row in conn.execute(query)}


def actions_and_people(conn: Connection, units: Collection[str], wanted: Wanted) -> tuple[list[str], list[str]]:
    """What was done and by whom (logins), for choosing among."""
    query = select(_event.c.action, _event.c.by).distinct().where(_chosen(conn, units, wanted))
    found = conn.execute(query).all()
    return sorted({row.action for row in found}), sorted({row.by for row in found})


def _chosen(conn: Connection, units: Collection[str], wanted: Wanted) -> ColumnElement[bool]:
    return and_(_matching(conn, wanted), or_(_event.c.unit.is_(None), _event.c.unit.in_(sorted(units))))


def _matching(conn: Connection, wanted: Wanted) -> ColumnElement[bool]:
    parts: list[ColumnElement[bool]] = [_event.c.at >= wanted.start, _event.c.at < wanted.end]
    parts += [_event.c[name] == value for name in ("by", "action", "unit") if (value := getattr(wanted, name)) is not None]
    if wanted.client is not None:
        parts.append(_event.c.subject.in_(subjects_of(conn, wanted.client)))
    if wanted.hint is not None:
        parts.append(_hinted(wanted.hint))
    return and_(*parts)


def _hinted(hint: Hint) -> ColumnElement[bool]:
    if hint is Hint.BREAK_GLASS:
        return or_(_event.c.action == BREAK_GLASS, cast(_event.c.detail, Text).like(f'%"{BREAK_GLASS}": true%'))
    if hint in {Hint.DENIED, Hint.LOGIN_FAILED}:
        return _event.c.action == hint.value
    return and_(_event.c.action.in_(VIEWS), {Hint.WITHOUT_DECISION: _did_nothing, Hint.OTHER_UNIT: _elsewhere, Hint.PROTECTED: _protected}[hint]())


def _did_nothing() -> ColumnElement[bool]:
    other = _event.alias("other")
    same_sheet = or_(other.c.subject == _event.c.subject, other.c.subject.in_(_entries_beside()))
    deeds = other.c.action.not_in(_LOOKS)
    return ~exists().where(other.c.by == _event.c.by, deeds, same_sheet).correlate(_event)


def _elsewhere() -> ColumnElement[bool]:
    member = tables.staff_unit.c
    return and_(_event.c.unit.is_not(None), ~exists().where(member.login == _event.c.by, member.unit == _event.c.unit).correlate(_event))


def _protected() -> ColumnElement[bool]:
    page, entry, client = tables.page.c, tables.entry.c, tables.client.c
    on_page = exists().where(page.id == _event.c.subject, entry.sheet == page.sheet, client.pid == entry.client_pid, client.protected)
    return on_page.correlate(_event)


def _entries_beside() -> Select[Any]:
    """The entries of the sheet of the page that a row is about."""
    page, entry = tables.page.c, tables.entry.c
    return select(entry.id).where(page.id == _event.c.subject, entry.sheet == page.sheet).correlate(_event)
