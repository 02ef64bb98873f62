"""Whether a unit's paper is reviewed in groups too: its manager may switch that off."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, func, insert, select

from pipeline import access
from pipeline.access import Action
from pipeline.model import Person
from pipeline.store.events import record
from pipeline.store.group_tables import group_setting


def set_groups(conn: Connection, person: Person, unit: str, now: datetime, *, on: bool) -> None:
    """Let a unit's paper be reviewed in groups too, or sheet by sheet alone. Groups that are on a screen are finished.

    Raises:
        NotAllowedError: the person does not steer the queue of this unit.
    """
    access.require(person, Action.PULL, unit)
    conn.execute(insert(group_setting).values(unit=unit, on=on, by=person.login, at=now))
    record(conn, person.login, "set_groups", unit, unit=unit, state="on" if on else "off")


def group_units(conn: Connection, person: Person) -> dict[str, bool]:
    """For each of the person's units whether its paper is reviewed in groups too.

    Raises:
        NotAllowedError: the person does not steer the queue.
    """
    access.require(person, Action.PULL)
    off = units_without_groups(conn)
    return {unit: unit not in off for unit in sorted(person.units)}


def units_without_groups(conn: Connection) -> frozenset[str]:
    """The units whose paper is reviewed sheet by sheet alone."""
    latest = select(func.max(group_setting.c.id)).group_by(group_setting.c.unit)
    off = select(group_setting.c.unit).where(group_setting.c.id.in_(latest), group_setting.c.on.is_(False))
    return frozenset(conn.execute(off).scalars())
