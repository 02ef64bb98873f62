"""What a manager pulls to the front of the queue: a client, a unit or a day. It holds for paper that comes later too, until it is undone."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from sqlalchemy import ColumnElement, Connection, and_, case, exists, func, insert, or_, select, update

from pipeline import access
from pipeline.access import Action
from pipeline.errors import ReviewError
from pipeline.model import Person
from pipeline.store import sight, tables
from pipeline.store.database import lock_keys
from pipeline.store.entries import entry
from pipeline.store.events import record
from pipeline.store.protection import hidden_numbers
from pipeline.store.queue_tables import pull
from pipeline.store.registers import find_client, plain_pid

_entry = tables.entry
_FRONT, _USUAL = 0, 1


class PullKind(StrEnum):
    """What is pulled."""

    CLIENT = "client"
    UNIT = "unit"
    DAY = "day"
    ENTRY = "entry"


@dataclass(frozen=True, slots=True)
class Pull:
    """One pull that holds. `what` is a personal number (12 characters), a day (YYYY-MM-DD) or an entry's id, and empty for a whole unit.

    `waiting` is how many open entries it brings to the front now.
    """

    id: str
    kind: PullKind
    what: str
    unit: str
    by: str
    at: datetime
    waiting: int


def pull_to_front(conn: Connection, person: Person, kind: PullKind, unit: str, what: str, now: datetime) -> Pull:
    """Let entries of a unit be reviewed before all others.

    Raises:
        NotAllowedError: the person may not do so in this unit.
        ReviewError: nothing is named, or this is pulled already.
    """
    access.require(person, Action.PULL, unit)
    if kind is PullKind.ENTRY:
        sight.require_entry(conn, person, Action.PULL, entry(conn, what))
    what = _named(conn, kind, what)
    if not what and kind is not PullKind.UNIT:
        raise ReviewError("nothing_named_could_pulled_front")
    lock_keys(conn, f"pull {unit}")
    if any((held.kind, held.what) == (kind, what) for held in _held(conn, (unit,))):
        raise ReviewError("front_already")
    new = {"id": secrets.token_hex(8), "kind": kind.value, "what": what, "unit": unit, "by": person.login, "at": now}
    conn.execute(insert(pull).values(new))
    _rank(conn, _entry.c.unit == unit)
    record(conn, person.login, "pull_to_front", str(new["id"]), unit=unit, kind=kind.value)
    return next(held for held in _held(conn, (unit,)) if held.id == new["id"])


def undo_pull(conn: Connection, person: Person, pull_id: str, now: datetime) -> None:
    """Let what was pulled go back to its usual place, unless another pull holds it.

    Raises:
        NotAllowedError: the person may not do so in this unit.
        ReviewError: there is no such pull, or it is undone already.
    """
    unit = conn.execute(select(pull.c.unit).where(pull.c.id == pull_id)).scalar_one_or_none()
    if unit is None:
        raise ReviewError("nothing_undo")
    access.require(person, Action.PULL, unit)
    lock_keys(conn, f"pull {unit}")
    ended = update(pull).where(pull.c.id == pull_id, pull.c.undone_at.is_(None)).values(undone_by=person.login, undone_at=now)
    if not conn.execute(ended).rowcount:
        raise ReviewError("undone_already")
    _rank(conn, _entry.c.unit == unit)
    record(conn, person.login, "undo_pull", pull_id, unit=unit)


def pulls(conn: Connection, person: Person) -> list[Pull]:
    """What is at the front in the person's units, newest first; without the numbers of clients whose identity the person may not see.

    Raises:
        NotAllowedError: the person may not pull.
    """
    access.require(person, Action.PULL)
    held = _held(conn, sorted(person.units))
    hidden = hidden_numbers(conn, person, [one.what for one in held])
    return [replace(one, what="") if one.what in hidden else one for one in held]


def raise_pulled(conn: Connection, sheet: str) -> None:
    """Bring the entries of a sheet that has come to the front, if a pull that holds is about them."""
    _rank(conn, _entry.c.sheet == sheet)


def _named(conn: Connection, kind: PullKind, what: str) -> str:
    """What is meant, as the queue knows it; a client by any way to write the number."""
    if kind is PullKind.CLIENT:
        known = find_client(conn, what)
        return known.pid if known else plain_pid(what)
    return "" if kind is PullKind.UNIT else what.strip()


def _held(conn: Connection, units: tuple[str, ...] | list[str]) -> list[Pull]:
    waiting = select(func.count()).select_from(_entry).where(_about, _entry.c.state.in_(tables.OPEN_STATES)).scalar_subquery()
    columns = (pull.c.id, pull.c.kind, pull.c.what, pull.c.unit, pull.c.by, pull.c.at, waiting)
    query = select(*columns).where(pull.c.unit.in_(units), pull.c.undone_at.is_(None)).order_by(pull.c.at.desc(), pull.c.id)
    return [Pull(row[0], PullKind(row[1]), *row[2:]) for row in conn.execute(query)]


def _rank(conn: Connection, which: ColumnElement[bool]) -> None:
    rank = case((exists().where(pull.c.undone_at.is_(None), _about), _FRONT), else_=_USUAL)
    conn.execute(update(_entry).where(which, _entry.c.rank != rank).values(rank=rank))


_about = and_(
    pull.c.unit == _entry.c.unit,
    or_(
        pull.c.kind == PullKind.UNIT.value,
        and_(pull.c.kind == PullKind.CLIENT.value, pull.c.what == _entry.c.likely_pid),
        and_(pull.c.kind == PullKind.DAY.value, pull.c.what == _entry.c.event_on),
        and_(pull.c.kind == PullKind.ENTRY.value, pull.c.what == _entry.c.id),
    ),
)
"""Whether a pull is about an entry."""
