"""What a person may see of the paper: own units, own areas of law, and nothing behind a block.

The area of law of a page or an entry is that of its form, or that of its unit where the form is
unknown. What counts is what the person may do with the action in question: the role of one
assignment does not reach into the units of another, and a typist sees no reserved form.

A block (spärr, PDL 4:4) of a client hides every sheet with an entry of that client from persons who
see paper in none of the units that have set one. Such sheets are counted, not shown. A sheet
is hidden as a whole, since its image shows all of its rows.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any, Protocol

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    Select,
    and_,
    bindparam,
    case,
    false,
    func,
    or_,
    select,
    true,
)

from pipeline.domain.errors import BlockedClientError, NotAllowedError
from pipeline.domain.law import permissions
from pipeline.domain.law.permissions import ALL_AREAS, Action, naming
from pipeline.domain.model import Assignment, Person, Role
from pipeline.store.event_log.events import client_log_subject
from pipeline.store.schema import paper, registers
from pipeline.store.schema.accounts import client_block
from pipeline.store.schema.id_chunks import chunk_ids

_entry, _page = paper.entry, paper.page
_OWN_UNITS_PARAMETER = "own_units"
_BLOCKED: Select[Any] = (
    select(client_block.c.client_pid)
    .where(client_block.c.lifted_at.is_(None))
    .group_by(client_block.c.client_pid)
    .having(
        func.sum(
            case(
                (client_block.c.unit.in_(bindparam(_OWN_UNITS_PARAMETER, expanding=True)), 1),
                else_=0,
            )
        )
        == 0
    )
)
"""Clients that are blocked, with no active block by one of `own_units`. Built once, since it is
executed for every entry and page that is shown.
"""


class UnitPaper(Protocol):
    """A page or an entry."""

    @property
    def id(self) -> str:
        """The id of the page or entry."""
        ...

    @property
    def unit(self) -> str:
        """The unit that it belongs to."""
        ...

    @property
    def area(self) -> str | None:
        """The area of law of its form, None where the form is unknown."""
        ...

    @property
    def form(self) -> str | None:
        """The id of its form, None where that is unknown."""
        ...


def require_visible_entry(
    conn: Connection, person: Person, action: Action, paper: UnitPaper
) -> None:
    """Check that the person may do this with this entry.

    Raises:
        NotAllowedError: the role, the unit or the area of law does not allow it.
        BlockedClientError: it is behind a block.
    """
    _require_unit_paper(conn, person, action, paper)
    if (hidden := _blocked_sheets_query(conn, person)) is not None:
        # The entry itself, if its sheet is among the hidden ones
        blocked = select(_entry.c.id).where(_entry.c.id == paper.id, _entry.c.sheet.in_(hidden))
        _raise_if_hidden(conn, blocked, _blocked_error(person, action, paper.unit, paper.id))


def require_visible_page(
    conn: Connection, person: Person, action: Action, paper: UnitPaper
) -> None:
    """Check that the person may do this with this page. Raises as `require_visible_entry`."""
    _require_unit_paper(conn, person, action, paper)
    if _blocked_sheets_query(conn, person) is not None:
        # The page itself, if one of its links leads to a hidden sheet
        blocked = select(_page.c.id).where(
            _page.c.id == paper.id, ~_unblocked_pages_condition(conn, person)
        )
        _raise_if_hidden(conn, blocked, _blocked_error(person, action, paper.unit, paper.id))


def _require_unit_paper(conn: Connection, person: Person, action: Action, paper: UnitPaper) -> None:
    with naming(paper.id):
        permissions.require_permission(
            person, action, paper.unit, effective_area(conn, paper), paper.form
        )


def can_see_page(conn: Connection, person: Person, action: Action, paper: UnitPaper) -> bool:
    """Return whether the person may do this with this page."""
    try:
        require_visible_page(conn, person, action, paper)
    except NotAllowedError:
        return False
    return True


def require_unblocked_client(conn: Connection, person: Person, pid: str) -> None:
    """Check that the client is not behind a block for this person.

    Raises:
        BlockedClientError: the client is.
    """
    if is_client_blocked(conn, person, pid):
        raise _blocked_error(person, Action.REVIEW, None, client_log_subject(conn, pid))


def is_client_blocked(conn: Connection, person: Person, pid: str) -> bool:
    """Return whether a client is behind a block for this person."""
    # This client, if among those blocked for the person's units
    return (
        conn.execute(
            _BLOCKED.where(client_block.c.client_pid == pid), _own_units_parameter(person)
        ).first()
        is not None
    )


def filter_blocked(conn: Connection, person: Person, pids: Iterable[str]) -> set[str]:
    """Return those of these clients that are behind a block for this person."""
    return set(pids) & set(conn.execute(_BLOCKED, _own_units_parameter(person)).scalars())


def visible_entries_condition(
    conn: Connection,
    person: Person,
    action: Action,
    *,
    unit: Column[Any] = _entry.c.unit,
    area: ColumnElement[Any] = _entry.c.area,
) -> ColumnElement[bool]:
    """Return the condition on entries that the person may do this with them.

    Args:
        unit: another column with the unit, as that from which an entry was sent on.
        area: another area of law; null: all entries have that of their unit.
    """
    within = _is_within(person, action, unit, area, _entry.c.form)
    return and_(within, _unblocked_entries_condition(conn, person))


def filter_visible_entries(
    conn: Connection, person: Person, action: Action, entry_ids: Sequence[str]
) -> set[str]:
    """Return those of these entries that the person may do this with."""
    visible = select(_entry.c.id).where(visible_entries_condition(conn, person, action))
    return {
        entry_id
        for part in chunk_ids(entry_ids)
        for entry_id in conn.execute(visible.where(_entry.c.id.in_(part))).scalars()
    }


def visible_pages_condition(
    conn: Connection, person: Person, action: Action
) -> ColumnElement[bool]:
    """Return the condition on pages that the person may do this with them."""
    within = _is_within(person, action, _page.c.unit, _page.c.area, _page.c.form)
    return and_(within, _unblocked_pages_condition(conn, person))


def effective_area(conn: Connection, page_or_entry: UnitPaper) -> str:
    """Return the area of law of a page or an entry.

    It is empty, an area that nobody has, if its unit is unknown too.
    """
    if page_or_entry.area is not None:
        return page_or_entry.area
    # Without a form's area, that of the unit counts
    area: str | None = conn.execute(
        select(registers.unit.c.area).where(registers.unit.c.name == page_or_entry.unit)
    ).scalar_one_or_none()
    return area or ""


def _is_within(
    person: Person,
    action: Action,
    unit: Column[Any],
    area: ColumnElement[Any],
    form: Column[Any],
) -> ColumnElement[bool]:
    """Return the condition that one of the person's assignments reaches this far."""
    return or_(
        false(),
        *(
            _is_within_assignment(one, unit, area, form)
            for one in permissions.find_assignments(person, action)
        ),
    )


def _is_within_assignment(
    assignment: Assignment, unit: Column[Any], area: ColumnElement[Any], form: Column[Any]
) -> ColumnElement[bool]:
    """Return the condition that unit, area of law and form are among an assignment's."""
    own_units: ColumnElement[bool] = unit.in_(sorted(assignment.units))
    if assignment.role is Role.TYPIST:
        reserved = sorted(permissions.reserved_forms())
        own_units = and_(own_units, or_(form.is_(None), form.not_in(reserved)))
    if assignment.areas >= ALL_AREAS:
        return own_units
    areas = sorted(assignment.areas)
    # Where no form is known, the area of the unit counts
    units_of_areas = select(registers.unit.c.name).where(registers.unit.c.area.in_(areas))
    # Never NULL, since its negation has to hold for everything that is not within.
    return and_(
        own_units,
        or_(
            and_(area.is_not(None), area.in_(areas)),
            and_(area.is_(None), unit.in_(units_of_areas)),
        ),
    )


def _unblocked_entries_condition(conn: Connection, person: Person) -> ColumnElement[bool]:
    hidden = _blocked_sheets_query(conn, person)
    return true() if hidden is None else _entry.c.sheet.not_in(hidden)


def _unblocked_pages_condition(conn: Connection, person: Person) -> ColumnElement[bool]:
    """Return the condition on pages that no block hides them.

    A repeated scan has no sheet of its own yet: it is linked by the serial, or by the page that it
    repeats.
    """
    hidden = _blocked_sheets_query(conn, person)
    if hidden is None:
        return true()
    first_scan = paper.page.alias()
    # Pages whose sheet is hidden, which repeated scans refer to
    repeated = select(first_scan.c.id).where(first_scan.c.sheet.in_(hidden))
    links = ((_page.c.sheet, hidden), (_page.c.serial, hidden), (_page.c.duplicate_of, repeated))
    # No link of the page leads to a hidden sheet
    return and_(*(or_(column.is_(None), column.not_in(query)) for column, query in links))


def _blocked_sheets_query(conn: Connection, person: Person) -> Select[Any] | None:
    """Return a query of the sheets behind a block, or None if nothing is blocked for the person.

    None is the usual case, and costs the queue nothing.
    """
    # Blocked clients are few, so list them before asking for sheets
    pids = list(conn.execute(_BLOCKED, _own_units_parameter(person)).scalars())
    if not pids:
        return None
    blocked_entry = paper.entry.alias()
    return select(blocked_entry.c.sheet).where(blocked_entry.c.client_pid.in_(pids))


def _own_units_parameter(person: Person) -> dict[str, list[str]]:
    return {_OWN_UNITS_PARAMETER: sorted(permissions.units_within_block(person))}


def _raise_if_hidden(conn: Connection, hidden: Select[Any], error: BlockedClientError) -> None:
    if conn.execute(hidden).first() is not None:
        raise error


def _blocked_error(
    person: Person, action: Action, unit: str | None, subject: str
) -> BlockedClientError:
    return BlockedClientError(
        "client_blocked", by=person.login, action=action.value, unit=unit, subject=subject
    )


# Rules that need two people (four eyes): the accounts of one person count as one.
#
# A person with several accounts has the same `person_key` in each of them. An account without a key
# is a person of its own.


def is_by_same_person(column: Column[Any], login: str) -> ColumnElement[bool]:
    """Return the condition that a column's login is one of the person with this login."""
    return or_(column == login, column.in_(_logins_query(login)))


def find_own_logins(conn: Connection, login: str) -> frozenset[str]:
    """Return all logins of the person with this login, closed accounts included."""
    return frozenset({login, *conn.execute(_logins_query(login)).scalars()})


def is_same_person(conn: Connection, login: str, others: Iterable[str | None]) -> bool:
    """Return whether one of the other logins is of the person with this login."""
    return not find_own_logins(conn, login).isdisjoint(others)


@lru_cache(maxsize=256)
def _logins_query(login: str) -> Select[Any]:
    own, other = registers.staff.alias(), registers.staff.alias()
    # Accounts with the key of this one; where it has none, NULL equals nothing
    return (
        select(other.c.login)
        .join(own, own.c.person_key == other.c.person_key)
        .where(own.c.login == login)
    )
