"""Paper that belongs to another unit: it is sent there, turns up in that unit's queue, and the sender sees what became of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, RowMapping, exists, insert, select, update

from pipeline import access
from pipeline.access import Action
from pipeline.errors import ReviewError
from pipeline.model import EntryState, Person
from pipeline.store import people, sight, tables
from pipeline.store.entries import OPEN, UNDECIDED, Entry, change, entry, held_by_other, stale
from pipeline.store.entry_views import form_of
from pipeline.store.events import record
from pipeline.store.protection import hidden_numbers, numbers_on
from pipeline.store.pulls import raise_pulled
from pipeline.store.registers import client, units
from pipeline.store.return_tables import forwarding
from pipeline.store.sheets import sheet_pages
from pipeline.template import Forms, Per

_entry, _page, _sent = tables.entry, tables.page, forwarding
_MOST = 200


@dataclass(frozen=True, slots=True)
class Forwarded:
    """One entry that was sent on. `state` and `unit_now` say what has become of it; what it says is the other unit's.

    A unit, and why it rejected the entry, is empty where it must not be told.
    """

    entry_id: str
    form: str
    version: int
    serial: str | None
    row: int | None
    from_unit: str
    to_unit: str
    why: str
    by: str
    at: datetime
    state: EntryState
    unit_now: str
    reason_now: str


def forward(conn: Connection, forms: Forms, person: Person, entry_id: str, revision: int, to_unit: str, why: str, now: datetime) -> None:
    """Send an undecided or rejected entry to the unit that it belongs to. A sheet of one entry goes with its pages, a row alone.

    Raises:
        NotAllowedError: the person may not send from this unit.
        StaleDecisionError: the entry has changed, or is decided, or another person has it open.
        ReviewError: there is no such other unit.
    """
    _send(conn, forms, person, entry_id, revision, to_unit, why, now, secret=False)


def _send(
    conn: Connection, forms: Forms, person: Person, entry_id: str, revision: int, to_unit: str, why: str, now: datetime, *, secret: bool
) -> None:
    found = entry(conn, entry_id)
    sight.require_entry(conn, person, Action.FORWARD, found)
    if found.revision != revision or found.state not in OPEN | {EntryState.REJECTED} or found.voided is not None or held_by_other(found, person, now):
        raise stale()
    if to_unit not in units(conn) or to_unit == found.unit:
        raise ReviewError("no_such_other_unit")
    change(conn, found, **UNDECIDED, unit=to_unit, skipped=0)
    if form_of(forms, found).entries is Per.SHEET:
        conn.execute(update(_page).where(_page.c.sheet == found.sheet).values(unit=to_unit))
    row = {"entry": found.id, "from_unit": found.unit, "to_unit": to_unit, "why": why.strip()[:300], "secret": secret, "by": person.login, "at": now}
    conn.execute(insert(_sent).values(row))
    raise_pulled(conn, found.sheet)
    record(conn, person.login, "forward", found.id, unit=found.unit)


def forward_protected(conn: Connection, forms: Forms, person: Person, entry_id: str, revision: int, now: datetime) -> None:
    """Send an entry whose client's identity the person may not see to the unit that may, without telling which unit that is.

    Raises:
        NotAllowedError, StaleDecisionError: as `forward`.
        ReviewError: no client of a protected identity is known or read on the sheet.
    """
    found = entry(conn, entry_id)
    sight.require_entry(conn, person, Action.FORWARD, found)
    about = numbers_on(conn, form_of(forms, found), sheet_pages(conn, found.sheet))
    numbers = [found.client_pid, *(number for row, number in about if row in (found.row, None))]
    hidden = hidden_numbers(conn, person, numbers)
    known = next((one for number in numbers if number in hidden and (one := client(conn, number))), None)
    if known is None or known.unit == found.unit:
        raise ReviewError("nobody_here_may_see_entry")
    _send(conn, forms, person, entry_id, revision, known.unit, "", now, secret=True)


def forwarded(conn: Connection, person: Person) -> list[Forwarded]:
    """What the person's units have sent on, the latest first; nothing of other areas of law or behind a block.

    Raises:
        NotAllowedError: the person follows nothing up.
    """
    access.require(person, Action.FOLLOW_UP)
    names = people.names(conn)
    columns = (_entry.c.id, _entry.c.form, _entry.c.version, _entry.c.serial, _entry.c.row)
    query = select(*columns, _sent, _secret_since().label("secret_since"), _entry.c.state, _entry.c.unit.label("unit_now"), _entry.c.reason)
    query = query.join(_entry, _entry.c.id == _sent.c.entry).where(sight.visible_from(conn, person, _sent.c.from_unit))
    rows = conn.execute(query.order_by(_sent.c.at.desc(), _sent.c.id.desc()).limit(_MOST)).mappings()
    return [
        Forwarded(
            entry_id=row["entry"],
            form=row["form"],
            version=row["version"],
            serial=row["serial"],
            row=row["row"],
            from_unit=row["from_unit"],
            to_unit="" if row["secret"] and row["to_unit"] not in person.units else row["to_unit"],
            why=row["why"],
            by=names.get(row["by"], row["by"]),
            at=row["at"],
            state=EntryState(row["state"]),
            unit_now=row["unit_now"] if _told_now(row, person) else "",
            reason_now=row["reason"] if row["state"] == EntryState.REJECTED and _told_now(row, person) else "",
        )
        for row in rows
    ]


def _secret_since() -> ColumnElement[bool]:
    """Whether an entry was sent on because of a protected identity: this time or later, by whichever unit."""
    later = forwarding.alias()
    return exists().where(later.c.entry == _sent.c.entry, later.c.id >= _sent.c.id, later.c.secret)


def _told_now(row: RowMapping, person: Person) -> bool:
    """Whether it may be told where an entry is now: not if that says where somebody with a protected identity is cared for."""
    return row["unit_now"] in person.units or not row["secret_since"]


def has_entry_on(conn: Connection, person: Person, sheet: str | None) -> bool:
    """Whether a sheet of another unit carries an entry of the person's units: a row that was sent on."""
    if sheet is None or not access.allowed(person, Action.VIEW_PAGE):
        return False
    return bool(conn.execute(select(exists().where(_entry.c.sheet == sheet, sight.visible_entries(conn, person)))).scalar_one())


def can_go_to(conn: Connection, found: Entry) -> list[str]:
    """The units that an entry can be sent to."""
    return [unit for unit in units(conn) if unit != found.unit]
