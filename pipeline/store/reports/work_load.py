"""How much work each person of a unit has done lately and has lying unsigned: counts only."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, time, timedelta

from sqlalchemy import Connection, case, func, select, union_all

from pipeline.domain.dates import SWEDEN, swedish_day
from pipeline.domain.form.form import Forms
from pipeline.domain.law.permissions import Action, permitted_units, require_permission
from pipeline.domain.model import Person
from pipeline.store.exports.ready_entries import signature_rule
from pipeline.store.schema import paper, registers

# How many confirmed entries wait for a signature, by the rule that also keeps them from export.


def count_unsigned_by_reviewer(
    conn: Connection, forms: Forms, units: Collection[str]
) -> Counter[tuple[str, str | None]]:
    """Count by unit and login of the first reviewer the entries that have to be signed and are not.

    A void entry is never signed, and many forms need no signature once they are confirmed.
    """
    entry = paper.entry.c
    # What the rule asks for, so that it is asked once a group and not once an entry.
    keys = (entry.unit, entry.first_by, entry.form, entry.version, entry.area)
    query = (
        select(*keys, func.count().label("entries"))
        .where(paper.IS_READY, entry.voided.is_(None), entry.unit.in_(sorted(units)))
        .group_by(*keys)
    )
    needs_signature = signature_rule(conn, forms)
    counts = Counter[tuple[str, str | None]]()
    for row in conn.execute(query):
        if needs_signature(row.form, row.version, row.unit, row.area):
            counts[row.unit, row.first_by] += row.entries
    return counts


LOAD_DAYS = 7
"""How many days back the work of a person is counted, with today."""


@dataclass(frozen=True, slots=True)
class PersonLoad:
    """Entries that a person reviewed today and in `LOAD_DAYS`, and that wait for a signature."""

    name: str
    today: int
    week: int
    unsigned: int


def list_person_loads(
    conn: Connection, forms: Forms, person: Person, now: datetime
) -> list[PersonLoad]:
    """Return the load of each person in the units that the person manages, the busiest first.

    Raises:
        NotAllowedError: the person manages no unit.
    """
    require_permission(person, Action.QUALITY)
    units = sorted(permitted_units(person, Action.QUALITY))
    midnight = datetime.combine(swedish_day(now), time(), SWEDEN)
    entry = paper.entry.c
    week = midnight - timedelta(days=LOAD_DAYS - 1)
    # First and second reviews count alike; an entry lies unsigned with who confirmed it first.
    reviews = (
        select(by.label("login"), at.label("at")).where(
            entry.unit.in_(units), at.is_not(None), at >= week
        )
        for by, at in ((entry.first_by, entry.first_at), (entry.second_by, entry.second_at))
    )
    work = union_all(*reviews).subquery()
    query = (
        select(work.c.login, func.count(case((work.c.at >= midnight, 1))), func.count())
        .where(work.c.login.is_not(None))
        .group_by(work.c.login)
    )
    done = {login: (today, in_week) for login, today, in_week in conn.execute(query)}
    unsigned = Counter[str]()
    for (_, login), count in count_unsigned_by_reviewer(conn, forms, units).items():
        if login is not None:
            unsigned[login] += count
    logins = sorted(done.keys() | unsigned.keys())
    staff = select(registers.staff.c.login, registers.staff.c.name).where(
        registers.staff.c.login.in_(logins)
    )
    names = {each.login: each.name for each in conn.execute(staff)}
    loads = [
        PersonLoad(names.get(login, login), *done.get(login, (0, 0)), unsigned[login])
        for login in logins
    ]
    return sorted(loads, key=lambda load: (-load.week, -load.unsigned, load.name))
