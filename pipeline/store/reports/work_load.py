"""How much work each person of a unit has done lately and has lying unsigned: counts only."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, time, timedelta

from sqlalchemy import Connection, and_, case, func, select

from pipeline.domain.dates import SWEDEN, swedish_day
from pipeline.domain.model import Person
from pipeline.domain.permissions import Action, permitted_units, require_permission
from pipeline.store.schema import paper
from pipeline.store.schema.review import look

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
    reviewed = (
        select(look.c.login, func.count(case((look.c.at >= midnight, 1))), func.count())
        .join(paper.entry, entry.id == look.c.entry)
        .where(look.c.at >= midnight - timedelta(days=LOAD_DAYS - 1), entry.unit.in_(units))
        .group_by(look.c.login)
    )
    is_unsigned = and_(paper.IS_READY, entry.voided.is_(None), entry.first_by.is_not(None))
    unsigned = (
        select(entry.first_by, func.count().label("entries"))
        .where(is_unsigned, entry.unit.in_(units))
        .group_by(entry.first_by)
    )
    done = {login: (today, week) for login, today, week in conn.execute(reviewed)}
    lying = {each.first_by: each.entries for each in conn.execute(unsigned)}
    logins = done.keys() | lying.keys()
    staff = select(paper.staff.c.login, paper.staff.c.name).where(paper.staff.c.login.in_(logins))
    names = {each.login: each.name for each in conn.execute(staff)}
    loads = [
        PersonLoad(names.get(login, login), *done.get(login, (0, 0)), lying.get(login, 0))
        for login in logins
    ]
    return sorted(loads, key=lambda load: (-load.week, -load.unsigned, load.name))
