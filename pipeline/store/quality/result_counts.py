"""Counts of controlled work. Who may see which of them is decided in `measured_error`."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, Table, case, func, select

from pipeline.store.quality.seeded_errors import OUTCOME_CAUGHT, OUTCOME_MISSED
from pipeline.store.schema import paper
from pipeline.store.schema.review import control, look, plant

_entry_table = paper.entry


@dataclass(frozen=True, slots=True)
class WorkResult:
    """Alike results of one person's work: `hits` of `of`. A hit is a confirmed value that was
    wrong, or a planted one that was confirmed.
    """

    unit: str
    form: str
    version: int
    field: str
    login: str
    hits: int
    total: int


@dataclass(frozen=True, slots=True)
class ViewTime:
    """One entry's time on the screen."""

    unit: str
    login: str
    fields: int
    seconds: float


def count_rekeyed(conn: Connection, units: Collection[str], since: datetime) -> list[WorkResult]:
    """Confirmed fields that were typed again, by who had confirmed them; those that wait for a
    third person are not counted yet.
    """
    query = _grouped_query(
        control, control.c.confirmed_by, control.c.typed_at, "wrong", units, since
    )
    return [WorkResult(*row) for row in conn.execute(query.where(control.c.outcome.is_not(None)))]


def count_seeded(conn: Connection, units: Collection[str], since: datetime) -> list[WorkResult]:
    """Planted values that were judged, by who saw them."""
    query = _grouped_query(plant, plant.c.login, plant.c.ended_at, OUTCOME_MISSED, units, since)
    return [
        WorkResult(*row)
        for row in conn.execute(query.where(plant.c.outcome.in_([OUTCOME_CAUGHT, OUTCOME_MISSED])))
    ]


def list_view_times(
    conn: Connection, units: Collection[str], since: datetime, login: str | None = None
) -> list[ViewTime]:
    """Times of first reviews on the screen, of one person or of all."""
    query = select(_entry_table.c.unit, look.c.login, look.c.fields, look.c.seconds).join(
        _entry_table, _entry_table.c.id == look.c.entry
    )
    query = query.where(
        _entry_table.c.unit.in_(sorted(units)), look.c.at > since, look.c.second.is_(False)
    )
    if login is not None:
        query = query.where(look.c.login == login)
    return [ViewTime(*row) for row in conn.execute(query)]


def _grouped_query(
    table: Table,
    who: ColumnElement[str],
    at: ColumnElement[datetime],
    hit: str,
    units: Collection[str],
    since: datetime,
) -> Select[Any]:
    keys = (_entry_table.c.unit, _entry_table.c.form, _entry_table.c.version, table.c.field, who)
    hits = func.sum(case((table.c.outcome == hit, 1), else_=0))
    query = select(*keys, hits, func.count()).select_from(
        table.join(_entry_table, _entry_table.c.id == table.c.entry)
    )
    return query.where(_entry_table.c.unit.in_(sorted(units)), at > since).group_by(*keys)


def staff_names(conn: Connection) -> dict[str, str]:
    """Names of the staff by login."""
    return {
        row.login: row.name for row in conn.execute(select(paper.staff.c.login, paper.staff.c.name))
    }
