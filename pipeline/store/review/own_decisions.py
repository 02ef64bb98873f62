"""Which entries a person decided last and can take back."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, and_, func, or_, select

from pipeline.domain.law import permissions
from pipeline.domain.law.permissions import Action
from pipeline.domain.model import EntryState, Person
from pipeline.store.accounts import visibility
from pipeline.store.entries.answers import (
    is_last_decision_correction,
)
from pipeline.store.entries.entry import (
    Entry,
    select_entries,
)
from pipeline.store.paper.form_areas import choice_forms
from pipeline.store.schema import paper

_entry_table = paper.entry
_MAX_STEP = 60
"""The most rows that a sheet has."""


def list_own_latest(
    conn: Connection, person: Person, limit: int = 10, among: Collection[str] | None = None
) -> list[Entry]:
    """Return the entries that the person decided last and can still see or take back, newest first.

    Void entries and corrections are left out. `among` are the ids of the entries that are asked
    about, else all of them.

    Raises:
        NotAllowedError: the person does not review.
    """
    permissions.require_permission(person, Action.REVIEW)
    # Decided last by the person, alone or as the second reviewer.
    mine = or_(
        _entry_table.c.second_by == person.login,
        (_entry_table.c.first_by == person.login) & _entry_table.c.second_by.is_(None),
    )
    newest = func.coalesce(_entry_table.c.second_at, _entry_table.c.first_at)
    # A note may have moved to an area of law that the person does not see.
    free_note = and_(
        _entry_table.c.form.in_(choice_forms()),
        visibility.visible_by_unit_condition(conn, person, Action.REVIEW),
    )
    visible = or_(visibility.visible_entries_condition(conn, person, Action.REVIEW), free_note)
    own = select(_entry_table).where(
        mine, _entry_table.c.voided.is_(None), ~_is_correction(), visible
    )
    if among is not None:
        own = own.where(_entry_table.c.id.in_(sorted(among)))
    return select_entries(conn, own.order_by(newest.desc(), _entry_table.c.id).limit(limit))


def list_own_last_step(conn: Connection, person: Person) -> list[Entry]:
    """Return the entries that the person decided last, in one step: rows of a sheet, or one entry.

    Raises:
        NotAllowedError: the person does not review.
    """
    latest = list_own_latest(conn, person, limit=_MAX_STEP)
    return [entry for entry in latest if _step_of(entry) == _step_of(latest[0])]


def _step_of(entry: Entry) -> tuple[str, datetime | None]:
    """Return the sheet and the moment of the last decision."""
    return entry.sheet, entry.second_at or entry.first_at


def was_corrected_last(conn: Connection, entry: Entry) -> bool:
    """Return whether an entry's last decision is a correction."""
    query = select(_entry_table.c.id).where(_entry_table.c.id == entry.id, _is_correction())
    return conn.execute(query).first() is not None


def _is_correction() -> ColumnElement[bool]:
    """Whether the last decision of an entry is a correction.

    An entry that is rejected after a correction has been decided once more.
    """
    return and_(
        _entry_table.c.state != EntryState.REJECTED.value,
        is_last_decision_correction(_entry_table.c.id),
    )
