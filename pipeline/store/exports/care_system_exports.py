"""Lists of what the care system has already, kept only while entries are compared with them.

A list is of one unit and one area of law, and is compared with that unit's entries of that area
only. Its rows are erased when every pair is decided and no paper of the unit waits for review, or
when a user asks for it; after `MAX_LIST_AGE` nothing is compared with them. Finished lists are
erased at the next list, export or look at the list of matches.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, and_, delete, insert, or_, select, update

from pipeline.domain.errors import ReviewError, UsageError
from pipeline.domain.law.permissions import Action, find_assignments, require_permission
from pipeline.domain.model import Person
from pipeline.registers.care_system_list import CareRow
from pipeline.store.accounts import people
from pipeline.store.event_log.events import record
from pipeline.store.event_log.hash_chain import digest_key
from pipeline.store.paper import pages as paper_pages
from pipeline.store.registers.client_register import areas_by_unit
from pipeline.store.schema import paper, registers
from pipeline.store.schema.exports import care_list, care_row, clash_decision

MAX_LIST_AGE, UNDO_PERIOD = timedelta(days=30), timedelta(hours=1)
"""Age from which a list is not used, and how long it is kept after the last decision.

The second time allows a decision to be taken back.
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
    """Store what the care system has, for comparison, and return the list's id.

    Raises:
        NotAllowedError: the person does not review in this unit and area of law.
        UsageError: there is no such unit, or no row.
    """
    require_permission(person, Action.REVIEW)
    if unit not in areas_by_unit(conn):
        raise UsageError("no_unit_of_name", unit_name=unit)
    require_permission(person, Action.REVIEW, unit, area)
    if not rows:
        raise UsageError("list_not_comparable")
    values = {"unit": unit, "area": area, "rows": len(rows), "by": person.login, "at": now}
    list_id: int = conn.execute(
        insert(care_list).values(values).returning(care_list.c.id)
    ).scalar_one()
    stored_rows = list(_stored_rows(conn, list_id, rows))
    # In chunks: databases limit the number of parameters.
    for start in range(0, len(stored_rows), _INSERT_ROWS):
        conn.execute(insert(care_row), stored_rows[start : start + _INSERT_ROWS])
    record(conn, person.login, "save_care_list", str(list_id), unit=unit, rows=len(rows))
    return list_id


def erase_list(conn: Connection, person: Person, list_id: int, now: datetime) -> None:
    """Erase the rows of a list; decisions stay.

    Raises:
        NotAllowedError: the person does not review in its unit and area of law.
        ReviewError: there is no such list, or it is erased already.
    """
    require_permission(person, Action.REVIEW)
    # Only a list that still has its rows.
    care_list_row = conn.execute(
        select(care_list).where(care_list.c.id == list_id, care_list.c.erased_at.is_(None))
    ).one_or_none()
    if care_list_row is None:
        raise ReviewError("no_such_list")
    require_permission(person, Action.REVIEW, care_list_row.unit, care_list_row.area)
    _erase_rows(conn, person.login, care_list_row, now)


def list_care_lists(conn: Connection, person: Person) -> list[StoredCareList]:
    """Return the lists of the person's units and areas of law, the latest first.

    Raises:
        NotAllowedError: the person does not follow up entries.
    """
    require_permission(person, Action.FOLLOW_UP)
    names = people.names_by_login(conn)
    # Lists of these units and areas that are not erased.
    is_own = and_(
        or_(
            *(
                and_(
                    care_list.c.unit.in_(sorted(one.units)), care_list.c.area.in_(sorted(one.areas))
                )
                for one in find_assignments(person, Action.FOLLOW_UP)
            )
        ),
        care_list.c.erased_at.is_(None),
    )
    rows = conn.execute(
        select(care_list).where(is_own).order_by(care_list.c.at.desc(), care_list.c.id.desc())
    )
    return [
        StoredCareList(row.id, row.unit, row.area, row.rows, names.get(row.by, row.by), row.at)
        for row in rows
    ]


def is_active(now: datetime) -> ColumnElement[bool]:
    """Whether a list is still compared with: a condition on the table of lists."""
    return and_(care_list.c.erased_at.is_(None), care_list.c.at > now - MAX_LIST_AGE)


def is_list_stored(conn: Connection, list_id: int) -> bool:
    """Return whether a list is not erased: entries that come later are compared with it."""
    return (
        conn.execute(
            select(care_list.c.id).where(care_list.c.id == list_id, care_list.c.erased_at.is_(None))
        ).first()
        is not None
    )


def has_active_list(conn: Connection) -> bool:
    """Return whether there is a list that is not erased."""
    return (
        conn.execute(select(care_list.c.id).where(care_list.c.erased_at.is_(None)).limit(1)).first()
        is not None
    )


def erase_finished_lists(conn: Connection, undecided_lists: set[int], now: datetime) -> None:
    """Erase lists that are too old or finished.

    A list is finished without undecided pairs, recent decisions and paper of its unit that waits
    for review.
    """
    # All lists that still have rows.
    for care_list_row in conn.execute(
        select(care_list).where(care_list.c.erased_at.is_(None))
    ).all():
        is_finished = (
            care_list_row.id not in undecided_lists
            and not _has_waiting_paper(conn, care_list_row.unit)
            and not _is_recently_decided(conn, care_list_row.id, now)
        )
        if is_finished or care_list_row.at <= now - MAX_LIST_AGE:
            _erase_rows(conn, "system", care_list_row, now)


def _is_recently_decided(conn: Connection, list_id: int, now: datetime) -> bool:
    """Return whether a decision on the list may still be taken back."""
    # Recent decisions on pairs with a row of this list.
    digests = select(care_row.c.digest).where(care_row.c.list == list_id)
    query = select(clash_decision.c.id).where(
        clash_decision.c.at > now - UNDO_PERIOD, clash_decision.c.digest.in_(digests)
    )
    return conn.execute(query.limit(1)).first() is not None


def _has_waiting_paper(conn: Connection, unit: str) -> bool:
    """Return whether a page of the unit must still become entries, or an entry be decided."""
    entry, page = paper.entry.c, paper.page.c
    # Undecided entries, and pages that are neither done nor failed.
    open_entries = select(entry.id).where(entry.state.in_(paper.OPEN_STATES), entry.unit == unit)
    pages = select(page.id).where(paper_pages.is_waiting, page.unit == unit)
    return any(conn.execute(query.limit(1)).first() is not None for query in (open_entries, pages))


def _erase_rows(conn: Connection, by: str, care_list_row: Row[Any], now: datetime) -> None:
    """Delete the rows of a list; the list itself stays, with person and time."""
    conn.execute(delete(care_row).where(care_row.c.list == care_list_row.id))
    conn.execute(
        update(care_list)
        .where(care_list.c.id == care_list_row.id)
        .values(erased_by=by, erased_at=now)
    )
    record(
        conn,
        by,
        "erase_care_list",
        str(care_list_row.id),
        unit=care_list_row.unit,
        rows=care_list_row.rows,
    )


def _stored_rows(
    conn: Connection, list_id: int, rows: Sequence[CareRow]
) -> Iterator[dict[str, Any]]:
    """Yield the rows to be stored, one for each client that a row may mean.

    The digest recognises the same row in another list.
    """
    secret = digest_key(conn)
    for row in rows:
        values = {
            "day": row.day,
            "clock": row.clock,
            "kind": row.kind,
            "text": row.text,
            "author": row.author,
        }
        digest = hmac.digest(
            secret, "\0".join((*row.pids, *values.values())).encode(), "sha256"
        ).hex()
        for pid in _filter_registered_pids(conn, row.pids):
            yield {"list": list_id, "digest": digest, "client_pid": pid, **values}


def _filter_registered_pids(conn: Connection, pids: Sequence[str]) -> Sequence[str]:
    """Return those of several possible numbers that the register has; all if it has none.

    A number without century may mean several.
    """
    if len(pids) < 2:
        return pids
    # The possible numbers that are in the register.
    known = set(
        conn.execute(
            select(registers.client.c.pid).where(registers.client.c.pid.in_(pids))
        ).scalars()
    )
    return [pid for pid in pids if pid in known] or pids
