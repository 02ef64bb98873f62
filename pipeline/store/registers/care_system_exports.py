"""Lists of what the care system has already: kept while entries are compared with them, and erased
as soon as nothing is left to compare.

A list is of one unit and one area of law, and is compared with that unit's entries of that area
only. Its rows are erased when every pair is decided and no paper of the unit waits for review,
and when somebody asks for it; after `LONGEST` nothing is compared with them any more. What is
finished is erased at the next list, export or look at the clash list.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, and_, delete, insert, select, update

from pipeline.domain.errors import ReviewError, UsageError
from pipeline.domain.model import Person
from pipeline.domain.permissions import Action, require_permission
from pipeline.registers.care_system_list import CareRow
from pipeline.store.accounts import people
from pipeline.store.event_log.events import record
from pipeline.store.event_log.hash_chain import digest_key
from pipeline.store.paper import pages as paper_pages
from pipeline.store.registers.client_register import areas_by_unit
from pipeline.store.schema import paper
from pipeline.store.schema.exports import care_list, care_row, clash_decision

MAX_LIST_AGE, UNDO_PERIOD = timedelta(days=30), timedelta(hours=1)
"""After which time a list is not used any more, and how long after the last decision it is kept, so
that one can be taken back.
"""
_INSERT_ROWS = 500


@dataclass(frozen=True, slots=True)
class StoredCareList:
    """A list that entries are compared with. `by` is a name."""

    id: int
    unit: str
    area: str
    rows: int
    by: str
    at: datetime


def save_list(
    conn: Connection, person: Person, unit: str, area: str, rows: Sequence[CareRow], now: datetime
) -> int:
    """Keep what the care system has, for comparing; answers with the list's id.

    Raises:
        NotAllowedError: the person does not review in this unit and area of law.
        UsageError: there is no such unit, or no row.
    """
    require_permission(person, Action.REVIEW)
    if unit not in areas_by_unit(conn):
        raise UsageError("no_unit_name_unit", unit_name=unit)
    require_permission(person, Action.REVIEW, unit, area)
    if not rows:
        raise UsageError("list_no_row_can_compared")
    values = {"unit": unit, "area": area, "rows": len(rows), "by": person.login, "at": now}
    made: int = conn.execute(
        insert(care_list).values(values).returning(care_list.c.id)
    ).scalar_one()
    kept = list(_stored_rows(conn, made, rows))
    for start in range(0, len(kept), _INSERT_ROWS):
        conn.execute(insert(care_row), kept[start : start + _INSERT_ROWS])
    record(conn, person.login, "save_care_list", str(made), unit=unit, rows=len(rows))
    return made


def erase_list(conn: Connection, person: Person, list_id: int, now: datetime) -> None:
    """Erase the rows of a list. What was decided stays.

    Raises:
        NotAllowedError: the person does not review in its unit and area of law.
        ReviewError: there is no such list, or it is erased already.
    """
    require_permission(person, Action.REVIEW)
    found = conn.execute(
        select(care_list).where(care_list.c.id == list_id, care_list.c.erased_at.is_(None))
    ).one_or_none()
    if found is None:
        raise ReviewError("no_such_list")
    require_permission(person, Action.REVIEW, found.unit, found.area)
    _erase_rows(conn, person.login, found, now)


def list_care_lists(conn: Connection, person: Person) -> list[StoredCareList]:
    """The lists of the person's units and areas of law, the latest first.

    Raises:
        NotAllowedError: the person follows nothing up.
    """
    require_permission(person, Action.FOLLOW_UP)
    names = people.names_by_login(conn)
    own = and_(
        care_list.c.unit.in_(sorted(person.units)),
        care_list.c.area.in_(sorted(person.areas)),
        care_list.c.erased_at.is_(None),
    )
    rows = conn.execute(
        select(care_list).where(own).order_by(care_list.c.at.desc(), care_list.c.id.desc())
    )
    return [
        StoredCareList(row.id, row.unit, row.area, row.rows, names.get(row.by, row.by), row.at)
        for row in rows
    ]


def is_active(now: datetime) -> ColumnElement[bool]:
    """The condition on the table of lists that one is still compared with."""
    return and_(care_list.c.erased_at.is_(None), care_list.c.at > now - MAX_LIST_AGE)


def is_list_stored(conn: Connection, list_id: int) -> bool:
    """Whether a list is not erased: what comes later is compared with it."""
    return (
        conn.execute(
            select(care_list.c.id).where(care_list.c.id == list_id, care_list.c.erased_at.is_(None))
        ).first()
        is not None
    )


def has_active_list(conn: Connection) -> bool:
    """Whether there is a list that is not erased."""
    return (
        conn.execute(select(care_list.c.id).where(care_list.c.erased_at.is_(None)).limit(1)).first()
        is not None
    )


def erase_finished_lists(conn: Connection, undecided_lists: set[int], now: datetime) -> None:
    """Erase the lists that are too old, and those without an undecided pair in whose unit no paper
    waits for review.
    """
    for found in conn.execute(select(care_list).where(care_list.c.erased_at.is_(None))).all():
        finished = (
            found.id not in undecided_lists
            and not _has_waiting_paper(conn, found.unit)
            and not _is_recently_decided(conn, found.id, now)
        )
        if finished or found.at <= now - MAX_LIST_AGE:
            _erase_rows(conn, "system", found, now)


def _is_recently_decided(conn: Connection, list_id: int, now: datetime) -> bool:
    """Whether somebody may still want to take a decision back."""
    digests = select(care_row.c.digest).where(care_row.c.list == list_id)
    query = select(clash_decision.c.id).where(
        clash_decision.c.at > now - UNDO_PERIOD, clash_decision.c.digest.in_(digests)
    )
    return conn.execute(query.limit(1)).first() is not None


def _has_waiting_paper(conn: Connection, unit: str) -> bool:
    """Whether a page of the unit has still to become entries, or an entry of it to be decided."""
    entry, page = paper.entry.c, paper.page.c
    open_entries = select(entry.id).where(entry.state.in_(paper.OPEN_STATES), entry.unit == unit)
    pages = select(page.id).where(paper_pages.is_waiting, page.unit == unit)
    return any(conn.execute(query.limit(1)).first() is not None for query in (open_entries, pages))


def _erase_rows(conn: Connection, by: str, found: Row[Any], now: datetime) -> None:
    conn.execute(delete(care_row).where(care_row.c.list == found.id))
    conn.execute(
        update(care_list).where(care_list.c.id == found.id).values(erased_by=by, erased_at=now)
    )
    record(conn, by, "erase_care_list", str(found.id), unit=found.unit, rows=found.rows)


def _stored_rows(
    conn: Connection, list_id: int, rows: Sequence[CareRow]
) -> Iterator[dict[str, Any]]:
    secret = digest_key(conn)
    for row in rows:
        said = {
            "day": row.day,
            "clock": row.clock,
            "kind": row.kind,
            "text": row.text,
            "author": row.author,
        }
        digest = hmac.digest(
            secret, "\0".join((*row.pids, *said.values())).encode(), "sha256"
        ).hex()
        for pid in _filter_registered_pids(conn, row.pids):
            yield {"list": list_id, "digest": digest, "client_pid": pid, **said}


def _filter_registered_pids(conn: Connection, pids: Sequence[str]) -> Sequence[str]:
    """Of several numbers that a number without century may mean, those that the register knows; all
    where it knows none.
    """
    if len(pids) < 2:
        return pids
    known = set(
        conn.execute(select(paper.client.c.pid).where(paper.client.c.pid.in_(pids))).scalars()
    )
    return [pid for pid in pids if pid in known] or pids
