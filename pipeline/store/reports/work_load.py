"""How much work each person of a unit has done lately and has lying unsigned: counts only."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, time, timedelta

from sqlalchemy import Connection, and_, case, func, literal, or_, select, union_all

from pipeline.domain.dates import SWEDEN, swedish_day
from pipeline.domain.model import Person
from pipeline.domain.permissions import Action, permitted_units, require_permission
from pipeline.store.schema import paper

LOAD_DAYS = 7
"""How many days back the work of a person is counted, with today."""


@dataclass(frozen=True, slots=True)
class PersonLoad:
    """Entries that a person reviewed today and in `LOAD_DAYS`, and that lie confirmed, unsigned."""

    name: str
    today: int
    week: int
    unsigned: int


def list_person_loads(conn: Connection, person: Person, now: datetime) -> list[PersonLoad]:
    """Return the load of each person in the units that the person manages, the busiest first.

    Raises:
        NotAllowedError: the person manages no unit.
    """
    require_permission(person, Action.QUALITY)
    units = sorted(permitted_units(person, Action.QUALITY))
    midnight = datetime.combine(swedish_day(now), time(), SWEDEN)
    entry = paper.entry.c
    week = midnight - timedelta(days=LOAD_DAYS - 1)
    is_unsigned = and_(paper.IS_READY, entry.voided.is_(None))
    # First and second reviews count alike; an entry lies unsigned with who confirmed it first.
    first = select(
        entry.first_by.label("login"),
        entry.first_at.label("at"),
        case((is_unsigned, 1), else_=0).label("unsigned"),
    ).where(entry.unit.in_(units), or_(entry.first_at >= week, is_unsigned))
    second = select(entry.second_by, entry.second_at, literal(0)).where(
        entry.unit.in_(units), entry.second_at >= week
    )
    work = union_all(first, second).subquery()
    counts = (
        func.count(case((work.c.at >= midnight, 1))),
        func.count(case((work.c.at >= week, 1))),
        func.sum(work.c.unsigned),
    )
    query = select(work.c.login, *counts).group_by(work.c.login)
    done = {row[0]: row[1:] for row in conn.execute(query.where(work.c.login.is_not(None)))}
    staff = select(paper.staff.c.login, paper.staff.c.name).where(paper.staff.c.login.in_(done))
    names = {each.login: each.name for each in conn.execute(staff)}
    loads = [PersonLoad(names.get(login, login), *done[login]) for login in done]
    return sorted(loads, key=lambda load: (-load.week, -load.unsigned, load.name))
