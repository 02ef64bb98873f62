"""Entries (poster): one client's part of a sheet, and its state on the way to export."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    RowMapping,
    Select,
    and_,
    case,
    func,
    literal,
    not_,
    select,
    update,
)

from pipeline.domain.dates import swedish_day
from pipeline.domain.errors import FormError, ReviewError, StaleDecisionError
from pipeline.domain.form.field import FieldSpec
from pipeline.domain.form.form import EntriesPer, Form, Forms, Subject
from pipeline.domain.form.rules import FREE_NOTE_FORM
from pipeline.domain.law.permissions import Action
from pipeline.domain.model import EntryState, Person, Reading
from pipeline.domain.review.triage import LEVEL_BY_CLASS
from pipeline.registers.client_check import NO_CLIENT_STATEMENT, ClientStatement
from pipeline.store.accounts import visibility
from pipeline.store.database.engines import insert_missing
from pipeline.store.paper.pages import Page, load_page_reading
from pipeline.store.schema import paper
from pipeline.store.schema.clock import LONGEST_CLAIM, utc_now

_entry_table = paper.entry

# What has to be reviewed, and what review has confirmed
OPEN_STATES = frozenset({EntryState.REVIEW, EntryState.SECOND})
DECIDED_STATES = frozenset(
    {EntryState.CONFIRMED, EntryState.SIGNED, EntryState.EXPORTED, EntryState.RECEIPTED}
)
CONFIRMED_STATES = sorted(state.value for state in DECIDED_STATES)
"""The same as the database has them."""

UNSIGNED_VALUES: Mapping[str, Any] = {"signed_by": None, "signed_at": None, "signed_why": None}
"""Values that remove a signature, which does not outlive a change of what was signed."""

UNDECIDED_VALUES: Mapping[str, Any] = {
    "state": EntryState.REVIEW.value,
    "reason": "",
    "first_by": None,
    "first_at": None,
    "second_by": None,
    "second_at": None,
    "claimed_by": None,
    "claimed_until": None,
    **UNSIGNED_VALUES,
}
"""Values of an entry that nobody has decided."""

_IS_ABOUT_NO_CLIENT = and_(
    _entry_table.c.subject == Subject.NONE.value, _entry_table.c.state.in_(CONFIRMED_STATES)
)
CLIENT_KEY = func.coalesce(
    _entry_table.c.client_pid,
    case((not_(_IS_ABOUT_NO_CLIENT), func.nullif(_entry_table.c.likely_pid, ""))),
)
"""The client of an entry: the confirmed one, else the one that the reading takes it to be about.

Null once people have said that it is about no client.
"""


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry.

    `revision` grows by one at every decision; a decision names the revision that it is based on.
    """

    id: str
    sheet: str
    serial: str | None
    page: str
    row: int | None
    form: str
    version: int
    unit: str
    area: str | None
    criticality: str
    state: EntryState
    revision: int
    reason: str
    client_pid: str | None
    event_on: str | None
    created_at: datetime
    first_by: str | None
    first_at: datetime | None
    second_by: str | None
    second_at: datetime | None
    claimed_by: str | None
    claimed_until: datetime | None
    skipped: int
    voided: str | None
    due_at: datetime | None
    deadlines: Mapping[str, str] | None
    author: str | None
    signed_by: str | None
    signed_at: datetime | None
    signed_why: str | None
    subject: str

    @classmethod
    def from_row(cls, row: RowMapping | Mapping[str, Any]) -> Entry:
        """Return the entry of a row of the table."""
        values: dict[str, Any] = {f.name: row[f.name] for f in fields(cls)}
        return cls(**values | {"state": EntryState(row["state"])})


@dataclass(frozen=True, slots=True)
class NewEntry:
    """What the new entries of one sheet have in common."""

    sheet: str
    serial: str | None
    page: str
    form: str
    version: int
    criticality: str
    unit: str
    client_pid: str | None = None
    area: str | None = None
    subject: str = Subject.CLIENT.value


@dataclass(frozen=True, slots=True)
class EntryWork:
    """What one person does with one entry at a moment, within one transaction.

    `about` is what the person says of its client beyond the number.
    """

    conn: Connection
    person: Person
    form: Form
    entry: Entry
    now: datetime = field(default_factory=utc_now)
    about: ClientStatement = NO_CLIENT_STATEMENT


def is_part_of_page(entry: Entry) -> bool:
    """Whether an entry is a part of a page that was split between clients.

    Such a page is a sheet of its own, whose parts are its rows.
    """
    return entry.row is not None and entry.form == FREE_NOTE_FORM[0]


def load_entry(conn: Connection, entry_id: str) -> Entry:
    """Return one entry.

    Raises:
        ReviewError: there is no such entry.
    """
    row = (
        conn.execute(select(_entry_table).where(_entry_table.c.id == entry_id))
        .mappings()
        .one_or_none()
    )
    if row is None:
        raise ReviewError("no_entry", entry_id=entry_id)
    return Entry.from_row(row)


def load_visible_entry(conn: Connection, person: Person, action: Action, entry_id: str) -> Entry:
    """Return an entry that the person may do this with.

    Raises:
        NotAllowedError: the role, the unit or the area of law does not allow it.
        BlockedClientError: it is behind a block.
        ReviewError: there is no such entry.
    """
    entry = load_entry(conn, entry_id)
    visibility.require_visible_entry(conn, person, action, entry)
    return entry


def load_entry_as_seen(
    conn: Connection,
    person: Person,
    seen: tuple[str, int],
    states: Collection[EntryState],
    action: Action = Action.REVIEW,
) -> Entry:
    """Return an entry that the person may decide, if it is as the person saw it.

    Args:
        seen: its id, and the revision that the person saw.

    Raises:
        NotAllowedError: the person may not decide it.
        StaleDecisionError: it has another revision or is in none of `states`.
    """
    entry_id, revision = seen
    entry = load_visible_entry(conn, person, action, entry_id)
    if entry.revision != revision or entry.state not in states:
        raise stale_decision_error()
    return entry


def select_entries(conn: Connection, query: Select[Any]) -> list[Entry]:
    """Return the entries of a query over the whole table."""
    return [Entry.from_row(row) for row in conn.execute(query).mappings()]


def count_entries(conn: Connection, *conditions: ColumnElement[bool]) -> int:
    """Return how many entries meet all conditions."""
    query = select(func.count()).select_from(_entry_table).where(*conditions)
    return int(conn.execute(query).scalar_one())


def list_sheet_entries(conn: Connection, sheet: str) -> list[Entry]:
    """Return the entries of a sheet, by row."""
    return select_entries(
        conn, select(_entry_table).where(_entry_table.c.sheet == sheet).order_by(_entry_table.c.id)
    )


def add_entries(conn: Connection, new: NewEntry, rows: Iterable[int | None]) -> None:
    """Create the entries of these rows; existing ones stay as they are."""
    now = utc_now()
    day = swedish_day(now).isoformat()
    values = {f.name: getattr(new, f.name) for f in fields(new)}
    # A first place in the queue, until the readings tell the client and the day
    values |= {
        "state": EntryState.REVIEW.value,
        "revision": 0,
        "reason": "",
        "skipped": 0,
        "rank": 1,
        "created_at": now,
        "lane": LEVEL_BY_CLASS[new.criticality],
        "likely_pid": new.client_pid or "",
        "happened": day,
        "first_on": day,
        "last_on": day,
    }
    insert_missing(
        conn,
        _entry_table,
        [values | {"id": make_entry_id(new.sheet, row), "row": row} for row in rows],
    )


def make_entry_id(sheet: str, row: int | None) -> str:
    """Return the id of an entry, the same in whatever order its pages are read."""
    return f"{sheet}-{row or 0:02d}"


def advance_entry(conn: Connection, entry: Entry, **values: Any) -> None:  # noqa: ANN401 - columns of many types
    """Give an entry its next revision and new values, and end the claim on it.

    Its signature is removed unless `values` gives one; `ended_at` stays the first one given.

    Raises:
        StaleDecisionError: the entry has changed since it was loaded.
    """
    # Only the revision and state that the decision was based on
    unchanged = update(_entry_table).where(
        _entry_table.c.id == entry.id,
        _entry_table.c.revision == entry.revision,
        _entry_table.c.state == entry.state.value,
    )
    if "ended_at" in values:
        values["ended_at"] = func.coalesce(_entry_table.c.ended_at, values["ended_at"])
    new = {
        "claimed_by": None,
        "claimed_until": None,
        **UNSIGNED_VALUES,
        **values,
        "revision": entry.revision + 1,
    }
    if conn.execute(unchanged.values(new)).rowcount != 1:
        raise stale_decision_error()


def is_claimed_by_other(entry: Entry, person: Person, now: datetime) -> bool:
    """Return whether another person has the entry open."""
    return (
        entry.claimed_by not in (None, person.login)
        and entry.claimed_until is not None
        and now < entry.claimed_until <= now + LONGEST_CLAIM
    )


def require_not_void(entry: Entry) -> None:
    """Check that an entry is not void.

    Raises:
        ReviewError: it is void.
    """
    if entry.voided is not None:
        raise ReviewError("entry_void_needs_scan")


def stale_decision_error() -> StaleDecisionError:
    """Return the error that another person was quicker, or that a key was pressed twice."""
    return StaleDecisionError("already_decided")


def reopen_sheet(conn: Connection, sheet: str) -> None:
    """Return the entries of a sheet to review, since a page has arrived after the decision."""
    # All entries but void ones and those still in their first review
    decided = update(_entry_table).where(
        _entry_table.c.sheet == sheet,
        _entry_table.c.state != EntryState.REVIEW.value,
        _entry_table.c.voided.is_(None),
    )
    # A rejected entry keeps its reason, with what has happened since
    rejected_reason = (
        literal("Var undanlagd (") + _entry_table.c.reason + literal("). Sedan kom en sida till.")
    )
    reason = case((_entry_table.c.state == EntryState.REJECTED.value, rejected_reason), else_="")
    conn.execute(
        decided.values(
            {**UNDECIDED_VALUES, "reason": reason, "revision": _entry_table.c.revision + 1}
        )
    )


def is_written(form: Form, readings: Mapping[str, Reading]) -> bool:
    """Return whether anything is written by hand on a page; True if the page could not be read."""
    return not readings or any(_has_ink(spec, readings) for spec in form.fields)


def find_filled_rows(form: Form, readings: Mapping[str, Reading]) -> Sequence[int | None]:
    """Return the rows of a page with writing, or `[None]` for a form with one entry.

    It is empty for a page without writing. A page of a known form without any reading could not be
    read, so every row may have writing.
    """
    if not readings:
        return form.rows()
    filled = [spec for spec in form.fields if _has_ink(spec, readings)]
    if form.entries is EntriesPer.SHEET:
        return [None] if filled else []
    return sorted({spec.row for spec in filled if spec.row is not None})


def _has_ink(spec: FieldSpec, readings: Mapping[str, Reading]) -> bool:
    reading = readings.get(spec.name)
    return spec.traits.filled_by_hand and reading is not None and not reading.is_seen_empty


def entry_form(forms: Forms, entry: Entry) -> Form:
    """Return the form of an entry.

    Raises:
        FormError: the program no longer has that version.
    """
    form = forms.get((entry.form, entry.version))
    if form is None:
        raise FormError("no_form_version", form=entry.form, version=entry.version)
    return form


def load_entry_readings(
    conn: Connection, entry: Entry, pages: Iterable[Page]
) -> dict[str, Reading]:
    """Return the readings on an entry's pages, of a row without those of other rows.

    None where it is only a part of the page: it was not read on its own, and the reading of the
    whole page is about others too.
    """
    return {
        name: reading
        for page in (() if is_part_of_page(entry) else pages)
        for name, reading in load_page_reading(conn, page.id, entry.row).items()
    }
