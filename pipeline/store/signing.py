"""Signing (signering): the person who answers for a note signs it after reading; somebody else only with the reason (patientdatalagen 3 kap. 10 §).

Author, transcriber, verifier and signer are four things. A signature is for one version: whatever changes the entry takes the signature away, and
both stay in the table.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, and_, insert, select

from pipeline import access
from pipeline.access import Action
from pipeline.authors import SAME_NAME, is_by
from pipeline.errors import NotAllowedError, ReviewError
from pipeline.model import EntryState, Person
from pipeline.store import people, sight, tables
from pipeline.store.entries import Entry, change, entries, entry, stale
from pipeline.store.events import record
from pipeline.store.records import needs_signature
from pipeline.store.staff_list import staff_list
from pipeline.store.version_tables import signature
from pipeline.swedish_time import today
from pipeline.template import Forms

_entry = tables.entry
_MOST = 500
REASONS = (
    "författaren har slutat",
    "författaren är borta under överskådlig tid",
    "författaren är tillfällig personal utan konto",
    "författaren framgår inte av papperet",
    "annat skäl",
)
"""Why somebody else than the author signs; the last needs a text. See `reasons_for`."""


@dataclass(frozen=True, slots=True)
class ToSign:
    """What waits for a signature in the person's units, oldest first: the person's own notes, and those of others by author ("" unknown)."""

    own: tuple[Entry, ...]
    others: tuple[Entry, ...]

    def whole_sheet(self, one: Entry) -> tuple[Entry, ...]:
        """The own rows of the same sheet that may be signed together with this one: none of class A, and at least two."""
        rows = tuple(other for other in self.own if other.sheet == one.sheet and other.criticality != "A")
        return rows if one in rows and len(rows) > 1 else ()


def to_sign(conn: Connection, forms: Forms, person: Person) -> ToSign:
    """The list "att signera" of a person.

    Raises:
        NotAllowedError: the person signs nothing.
    """
    access.require(person, Action.SIGN)
    asks, is_own_of = needs_signature(conn, forms), _ownership(conn, person)
    query = select(_entry).where(_waits(conn, person)).order_by(_entry.c.criticality, _entry.c.event_on.nulls_last(), _entry.c.id)
    waiting = [one for one in entries(conn, query) if asks(one.form, one.version, one.unit, one.area)]
    own = [one for one in waiting if is_own_of(one)]
    ids = {one.id for one in own}
    return ToSign(tuple(own[:_MOST]), tuple([one for one in waiting if one.id not in ids][:_MOST]))


def waiting_signatures(conn: Connection, forms: Forms, person: Person, unit: str | None = None) -> int:
    """How many confirmed entries that the person may see, of one unit or of all, are not exported because nobody has signed them.

    Raises:
        NotAllowedError: the person does not export, or not from this unit.
    """
    access.require(person, Action.EXPORT, unit)
    asks = needs_signature(conn, forms)
    query = select(_entry.c.form, _entry.c.version, _entry.c.unit, _entry.c.area).where(_waits(conn, person))
    rows = conn.execute(query.where(_entry.c.unit == unit) if unit else query)
    return sum(asks(row.form, row.version, row.unit, row.area) for row in rows)


def sign(conn: Connection, forms: Forms, person: Person, entry_id: str, revision: int, now: datetime, *, why: str = "", text: str = "") -> None:
    """Sign one entry that the person has read. `why` (one of `reasons_for`) and `text` are needed where the person is not its author.

    Raises:
        NotAllowedError: another unit or role.
        StaleDecisionError: the entry has changed since the person saw `revision`.
        ReviewError: a reason is missing.
    """
    _sign(conn, forms, person, entry(conn, entry_id), revision, now, secrets.token_hex(8), why, text)


def sign_sheet(conn: Connection, forms: Forms, person: Person, seen: Sequence[tuple[str, int]], now: datetime) -> None:
    """One signature for own rows of one sheet, (entry id, revision), all of which were on the screen. Never for class A.

    Raises:
        NotAllowedError, StaleDecisionError: as `sign`.
        ReviewError: they are not of one sheet, not the person's own, or of class A. Nothing is signed.
    """
    found = [(entry(conn, entry_id), revision) for entry_id, revision in seen]
    for one, _ in found:
        sight.require_entry(conn, person, Action.SIGN, one)
    is_own_of = _ownership(conn, person)
    if len({one.sheet for one, _ in found}) != 1:
        raise ReviewError("only_rows_one_sheet_signed")
    if any(one.criticality == "A" for one, _ in found):
        raise ReviewError("entries_class_signed_one_one")
    if not all(is_own_of(one) for one, _ in found):
        raise ReviewError("only_own_rows_signed_together")
    act = secrets.token_hex(8)
    for one, revision in found:
        _sign(conn, forms, person, one, revision, now, act, "", "")


def take_back(conn: Connection, person: Person, entry_id: str, revision: int, now: datetime) -> None:
    """Take the own signature back while the entry has not been exported.

    Raises:
        NotAllowedError: somebody else signed.
        StaleDecisionError: the entry has changed, or is exported.
    """
    found = entry(conn, entry_id)
    sight.require_entry(conn, person, Action.SIGN, found)
    if found.revision != revision or found.state is not EntryState.SIGNED:
        raise stale()
    if found.signed_by != person.login:
        raise NotAllowedError("another_person_signed", by=person.login, action=Action.SIGN.value)
    change(conn, found, state=EntryState.CONFIRMED.value)
    row = {"entry": found.id, "revision": found.revision - 1, "act": secrets.token_hex(8), "taken_back": True, "own": not found.signed_why}
    conn.execute(insert(signature).values(row | {"author": found.author or "", "why": "", "by": person.login, "at": now}))
    record(conn, person.login, "take_signature_back", found.id, unit=found.unit)


def my_signed(conn: Connection, person: Person, limit: int = 1) -> list[Entry]:
    """What the person signed last and can take back, newest first.

    Raises:
        NotAllowedError: the person does not sign.
    """
    access.require(person, Action.SIGN)
    mine = select(_entry).where(tables.IS_SIGNED, _entry.c.signed_by == person.login, sight.visible_entries(conn, person))
    return entries(conn, mine.order_by(_entry.c.signed_at.desc(), _entry.c.id.desc()).limit(limit))


def reasons_for(conn: Connection, forms: Forms, person: Person, found: Entry) -> tuple[str, ...]:
    """What a person who is not known as an entry's author may give as the reason: also that the author's name is the person's and another's."""
    rule = forms.signing_rule(today())
    same_name = rule is not None and rule.same_name and is_by(found.author or "", person, staff_list(conn))
    return (SAME_NAME, *REASONS) if same_name else REASONS


def is_own(conn: Connection, person: Person, found: Entry) -> bool:
    """Whether the person wrote the entry on paper."""
    return _ownership(conn, person)(found)


def _ownership(conn: Connection, person: Person) -> Callable[[Entry], bool]:
    """Tells of an entry whether the person wrote it. Who shares the name with another account has no notes by name: a reason is asked for."""
    others = [name for login, name in people.names(conn).items() if login != person.login]
    if any(is_by(name, person) for name in others):
        return lambda _: False
    staff = staff_list(conn)
    return lambda one: is_by(one.author or "", person, staff)


def _waits(conn: Connection, person: Person) -> ColumnElement[bool]:
    return and_(tables.IS_READY, sight.visible_entries(conn, person), _entry.c.voided.is_(None))


def _sign(conn: Connection, forms: Forms, person: Person, found: Entry, revision: int, now: datetime, act: str, why: str, text: str) -> None:
    sight.require_entry(conn, person, Action.SIGN, found)
    if found.revision != revision or found.state is not EntryState.CONFIRMED or found.voided is not None:
        raise stale()
    own = is_own(conn, person, found)
    reason = "" if own else _reason(why, text, reasons_for(conn, forms, person, found))
    change(conn, found, state=EntryState.SIGNED.value, signed_by=person.login, signed_at=now, signed_why=reason or None)
    rule = forms.signing_rule(today())
    row = {"entry": found.id, "revision": found.revision, "act": act, "taken_back": False, "own": own, "author": found.author or "", "why": reason}
    conn.execute(insert(signature).values(row | {"rule": rule.version if rule else None, "by": person.login, "at": now}))
    record(conn, person.login, "sign", found.id, unit=found.unit, own=own, revision=found.revision)


def _reason(why: str, text: str, reasons: Sequence[str]) -> str:
    if why not in reasons:
        raise ReviewError("somebody_else_than_author_signs")
    if why == REASONS[-1] and not text.strip():
        raise ReviewError("reason_written")
    return f"{why}: {text.strip()}"[:300] if text.strip() else why
