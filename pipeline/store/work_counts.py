"""Counts of controlled work. Who may see which of them is decided in `measured_error`."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, Table, case, func, select

from pipeline.store import tables
from pipeline.store.control_tables import control, look, plant
from pipeline.store.plants import CAUGHT, MISSED

_entry = tables.entry


@dataclass(frozen=True, slots=True)
class Counted:
    """Alike results of one person's work: `hits` of `of`. A hit is a confirmed value that was wrong, or a planted one that was confirmed."""

    unit: str
    form: str
    version: int
    field: str
    login: str
    hits: int
    of: int


@dataclass(frozen=True, slots=True)
class Looked:
    """One entry's time on the screen."""

    unit: str
    login: str
    fields: int
    seconds: float


def controlled(conn: Connection, units: Collection[str], since: datetime) -> list[Counted]:
    """Confirmed fields that were typed again, by who had confirmed them; those that wait for a third person are not counted yet."""
    query = _grouped(control, control.c.confirmed_by, control.c.typed_at, "wrong", units, since)
    return [Counted(*row) for row in conn.execute(query.where(control.c.outcome.is_not(None)))]


def planted_values(conn: Connection, units: Collection[str], since: datetime) -> list[Counted]:
    """Planted values that were judged, by who saw them."""
    query = _grouped(plant, plant.c.login, plant.c.ended_at, MISSED, units, since)
    return [Counted(*row) for row in conn.execute(query.where(plant.c.outcome.in_([CAUGHT, MISSED])))]


def looks(conn: Connection, units: Collection[str], since: datetime, login: str | None = None) -> list[Looked]:
    """Times of first reviews on the screen, of one person or of all."""
    query = select(_entry.c.unit, look.c.login, look.c.fields, look.c.seconds).join(_entry, _entry.c.id == look.c.entry)
    query = query.where(_entry.c.unit.in_(sorted(units)), look.c.at > since, look.c.second.is_(False))
    if login is not None:
        query = query.where(look.c.login == login)
    return [Looked(*row) for row in conn.execute(query)]


def _grouped(table: Table, who: ColumnElement[str], at: ColumnElement[datetime], hit: str, units: Collection[str], since: datetime) -> Select[Any]:
    keys = (_entry.c.unit, _entry.c.form, _entry.c.version, table.c.field, who)
    hits = func.sum(case((table.c.outcome == hit, 1), else_=0))
    query = select(*keys, hits, func.count()).select_from(table.join(_entry, _entry.c.id == table.c.entry))
    return query.where(_entry.c.unit.in_(sorted(units)), at > since).group_by(*keys)


def names(conn: Connection) -> dict[str, str]:
    """Names of the staff by login."""
    return {row.login: row.name for row in conn.execute(select(tables.staff.c.login, tables.staff.c.name))}
