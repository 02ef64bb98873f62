"""What a person may see of the paper: own units, own areas of law, and nothing behind a block.

A page's and an entry's area of law is that of its form; where no form is known, that of its
unit. A block (spärr, PDL 4:4) that a unit has set for a client hides every sheet with an entry
of that client from whoever works in no unit that has set one. Such sheets are counted, not
shown. A sheet is hidden whole: its picture shows all of its rows.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Protocol

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    Select,
    and_,
    bindparam,
    case,
    func,
    null,
    or_,
    select,
    true,
)

from pipeline.domain import permissions
from pipeline.domain.errors import BlockedClientError, NotAllowedError
from pipeline.domain.model import Person
from pipeline.domain.permissions import ALL_AREAS, Action
from pipeline.store.schema import paper
from pipeline.store.schema.accounts import client_block

_entry, _page = paper.entry, paper.page
_MAX_IDS = 500

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
"""Clients behind a block for whoever works in `own_units` only. Built once: it is asked for every
entry and page that is shown.
"""


class UnitPaper(Protocol):
    """A page or an entry."""

    @property
    def id(self) -> str:
        """Its id."""
        ...

    @property
    def unit(self) -> str:
        """The unit that it belongs to."""
        ...

    @property
    def area(self) -> str | None:
        """The area of law of its form, None where no form is known."""
        ...


def require_visible_entry(
    conn: Connection, person: Person, action: Action, paper: UnitPaper
) -> None:
    """Go on only if the person may do this with this entry.

    Raises:
        NotAllowedError: the role, the unit or the area of law does not allow it.
        BlockedClientError: it is behind a block.
    """
    permissions.require_permission(person, action, paper.unit, effective_area(conn, paper))
    if (hidden := _blocked_sheets_query(conn, person)) is not None:
        behind = select(_entry.c.id).where(_entry.c.id == paper.id, _entry.c.sheet.in_(hidden))
        _raise_if_hidden(conn, behind, _blocked_error(person, action, paper.unit))


def require_visible_page(
    conn: Connection, person: Person, action: Action, paper: UnitPaper
) -> None:
    """Go on only if the person may do this with this page. Errors as `require_entry`."""
    permissions.require_permission(person, action, paper.unit, effective_area(conn, paper))
    if _blocked_sheets_query(conn, person) is not None:
        behind = select(_page.c.id).where(
            _page.c.id == paper.id, ~_unblocked_pages_condition(conn, person)
        )
        _raise_if_hidden(conn, behind, _blocked_error(person, action, paper.unit))


def can_see_page(conn: Connection, person: Person, action: Action, paper: UnitPaper) -> bool:
    """Whether the person may do this with this page."""
    try:
        require_visible_page(conn, person, action, paper)
    except NotAllowedError:
        return False
    return True


def require_unblocked_client(conn: Connection, person: Person, pid: str) -> None:
    """Go on only if the client is not behind a block for this person.

    Raises:
        BlockedClientError: it is.
    """
    if is_client_blocked(conn, person, pid):
        raise _blocked_error(person, Action.REVIEW, None)


def is_client_blocked(conn: Connection, person: Person, pid: str) -> bool:
    """Whether a client is behind a block for this person."""
    return (
        conn.execute(
            _BLOCKED.where(client_block.c.client_pid == pid), _own_units_parameter(person)
        ).first()
        is not None
    )


def filter_blocked(conn: Connection, person: Person, pids: Iterable[str]) -> set[str]:
    """Those of these clients that are behind a block for this person."""
    return set(pids) & set(conn.execute(_BLOCKED, _own_units_parameter(person)).scalars())


def visible_entries_condition(conn: Connection, person: Person) -> ColumnElement[bool]:
    """The condition on the table of entries that a person may see them."""
    return and_(
        _is_within(person, _entry.c.unit, _entry.c.area), _unblocked_entries_condition(conn, person)
    )


def filter_visible_entries(conn: Connection, person: Person, entry_ids: Sequence[str]) -> set[str]:
    """Those of these entries that the person may see."""
    seen = select(_entry.c.id).where(visible_entries_condition(conn, person))
    parts = (entry_ids[start : start + _MAX_IDS] for start in range(0, len(entry_ids), _MAX_IDS))
    return {
        found
        for part in parts
        for found in conn.execute(seen.where(_entry.c.id.in_(part))).scalars()
    }


def visible_entries_from_unit(
    conn: Connection, person: Person, unit: Column[Any]
) -> ColumnElement[bool]:
    """As `visible_entries`, of entries that were this unit's: a column beside the table of entries,
    from which an entry may have gone on.
    """
    return and_(_is_within(person, unit, _entry.c.area), _unblocked_entries_condition(conn, person))


def visible_by_unit_condition(conn: Connection, person: Person) -> ColumnElement[bool]:
    """As `visible_entries`, if all entries had the area of law of their unit."""
    return and_(
        _is_within(person, _entry.c.unit, null()), _unblocked_entries_condition(conn, person)
    )


def visible_pages_condition(conn: Connection, person: Person) -> ColumnElement[bool]:
    """The condition on the table of pages that a person may see them."""
    return and_(
        _is_within(person, _page.c.unit, _page.c.area), _unblocked_pages_condition(conn, person)
    )


def effective_area(conn: Connection, found: UnitPaper) -> str:
    """The area of law of a page or an entry; empty, which nobody has, if its unit is not known
    either.
    """
    if found.area is not None:
        return found.area
    area: str | None = conn.execute(
        select(paper.unit.c.area).where(paper.unit.c.name == found.unit)
    ).scalar_one_or_none()
    return area or ""


def _is_within(person: Person, unit: Column[Any], area: ColumnElement[Any]) -> ColumnElement[bool]:
    own = unit.in_(sorted(person.units))
    if person.areas >= ALL_AREAS:
        return own
    units = select(paper.unit.c.name).where(paper.unit.c.area.in_(sorted(person.areas)))
    # Written so that it is never NULL: its negation has to hold for whatever is not within.
    return and_(
        own,
        or_(
            and_(area.is_not(None), area.in_(sorted(person.areas))),
            and_(area.is_(None), unit.in_(units)),
        ),
    )


def _unblocked_entries_condition(conn: Connection, person: Person) -> ColumnElement[bool]:
    hidden = _blocked_sheets_query(conn, person)
    return true() if hidden is None else _entry.c.sheet.not_in(hidden)


def _unblocked_pages_condition(conn: Connection, person: Person) -> ColumnElement[bool]:
    """A second scan has no sheet of its own yet: it is known by the serial, or by the page that it
    repeats.
    """
    hidden = _blocked_sheets_query(conn, person)
    if hidden is None:
        return true()
    first = paper.page.alias()
    repeated = select(first.c.id).where(first.c.sheet.in_(hidden))
    links = ((_page.c.sheet, hidden), (_page.c.serial, hidden), (_page.c.duplicate_of, repeated))
    return and_(*(or_(column.is_(None), column.not_in(query)) for column, query in links))


def _blocked_sheets_query(conn: Connection, person: Person) -> Select[Any] | None:
    """Sheets behind a block, or None if nothing is blocked for this person, which is the rule and
    then costs the queue nothing.
    """
    pids = list(conn.execute(_BLOCKED, _own_units_parameter(person)).scalars())
    if not pids:
        return None
    other = paper.entry.alias()
    return select(other.c.sheet).where(other.c.client_pid.in_(pids))


def _own_units_parameter(person: Person) -> dict[str, list[str]]:
    return {_OWN_UNITS_PARAMETER: sorted(person.units)}


def _raise_if_hidden(conn: Connection, hidden: Select[Any], error: BlockedClientError) -> None:
    if conn.execute(hidden).first() is not None:
        raise error


def _blocked_error(person: Person, action: Action, unit: str | None) -> BlockedClientError:
    return BlockedClientError(
        "client_blocked_other_units", by=person.login, action=action.value, unit=unit
    )
