"""Signing (signering): the person who answers for a note signs it after reading; somebody else only
with the reason (patientdatalagen 3 kap. 10 §).

Author, transcriber, verifier and signer are four things. A signature is for one version:
whatever changes the entry takes the signature away, and both stay in the table.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, and_, insert, select

from pipeline.domain import permissions
from pipeline.domain.dates import today_in_sweden
from pipeline.domain.errors import NotAllowedError, ReviewError
from pipeline.domain.form.form import Forms
from pipeline.domain.model import EntryState, Person
from pipeline.domain.permissions import Action
from pipeline.registers.authors import SAME_NAME_REASON, is_author
from pipeline.store.accounts import people, visibility
from pipeline.store.entries.entry import (
    Entry,
    advance_entry,
    load_entry,
    select_entries,
    stale_decision_error,
)
from pipeline.store.event_log.events import record
from pipeline.store.exports.ready_entries import signature_rule
from pipeline.store.registers.staff import load_staff_list
from pipeline.store.schema import paper
from pipeline.store.schema.review import signature

_entry_table = paper.entry
_MAX_ENTRIES = 500
SIGNING_REASONS = (
    "författaren har slutat",
    "författaren är borta under överskådlig tid",
    "författaren är tillfällig personal utan konto",
    "författaren framgår inte av papperet",
    "annat skäl",
)
"""Why somebody else than the author signs; the last needs a text. See `reasons_for`."""


@dataclass(frozen=True, slots=True)
class SigningQueue:
    """What waits for a signature in the person's units, oldest first: the person's own notes, and
    those of others by author ("" unknown).
    """

    own_entries: tuple[Entry, ...]
    other_entries: tuple[Entry, ...]

    def same_sheet_entries(self, entry: Entry) -> tuple[Entry, ...]:
        """The own rows of the same sheet that may be signed together with this one: none of class
        A, and at least two.
        """
        rows = tuple(
            other
            for other in self.own_entries
            if other.sheet == entry.sheet and other.criticality != "A"
        )
        return rows if entry in rows and len(rows) > 1 else ()


def load_signing_queue(conn: Connection, forms: Forms, person: Person) -> SigningQueue:
    """The list "att signera" of a person.

    Raises:
        NotAllowedError: the person signs nothing.
    """
    permissions.require_permission(person, Action.SIGN)
    asks, is_own_of = signature_rule(conn, forms), _ownership_test(conn, person)
    query = (
        select(_entry_table)
        .where(_is_waiting_condition(conn, person))
        .order_by(
            _entry_table.c.criticality, _entry_table.c.event_on.nulls_last(), _entry_table.c.id
        )
    )
    waiting = [
        one
        for one in select_entries(conn, query)
        if asks(one.form, one.version, one.unit, one.area)
    ]
    own = [one for one in waiting if is_own_of(one)]
    ids = {one.id for one in own}
    return SigningQueue(
        tuple(own[:_MAX_ENTRIES]),
        tuple([one for one in waiting if one.id not in ids][:_MAX_ENTRIES]),
    )


def count_waiting_signatures(
    conn: Connection, forms: Forms, person: Person, unit: str | None = None
) -> int:
    """How many confirmed entries that the person may see, of one unit or of all, are not exported
    because nobody has signed them.

    Raises:
        NotAllowedError: the person does not export, or not from this unit.
    """
    permissions.require_permission(person, Action.EXPORT, unit)
    asks = signature_rule(conn, forms)
    query = select(
        _entry_table.c.form, _entry_table.c.version, _entry_table.c.unit, _entry_table.c.area
    ).where(_is_waiting_condition(conn, person))
    rows = conn.execute(query.where(_entry_table.c.unit == unit) if unit else query)
    return sum(asks(row.form, row.version, row.unit, row.area) for row in rows)


def sign_entry(
    conn: Connection,
    forms: Forms,
    person: Person,
    entry_id: str,
    revision: int,
    now: datetime,
    *,
    reason: str = "",
    text: str = "",
) -> None:
    """Sign one entry that the person has read. `why` (one of `reasons_for`) and `text` are needed
    where the person is not its author.

    Raises:
        NotAllowedError: another unit or role.
        StaleDecisionError: the entry has changed since the person saw `revision`.
        ReviewError: a reason is missing.
    """
    _write_signature(
        conn,
        forms,
        person,
        load_entry(conn, entry_id),
        revision,
        now,
        secrets.token_hex(8),
        reason,
        text,
    )


def sign_sheet(
    conn: Connection, forms: Forms, person: Person, seen: Sequence[tuple[str, int]], now: datetime
) -> None:
    """One signature for own rows of one sheet, (entry id, revision), all of which were on the
    screen. Never for class A.

    Raises:
        NotAllowedError, StaleDecisionError: as `sign`.
        ReviewError: they are not of one sheet, not the person's own, or of class A. Nothing is
        signed.
    """
    found = [(load_entry(conn, entry_id), revision) for entry_id, revision in seen]
    for one, _ in found:
        visibility.require_visible_entry(conn, person, Action.SIGN, one)
    is_own_of = _ownership_test(conn, person)
    if len({one.sheet for one, _ in found}) != 1:
        raise ReviewError("only_rows_one_sheet_signed")
    if any(one.criticality == "A" for one, _ in found):
        raise ReviewError("entries_class_signed_one_one")
    if not all(is_own_of(one) for one, _ in found):
        raise ReviewError("only_own_rows_signed_together")
    act = secrets.token_hex(8)
    for one, revision in found:
        _write_signature(conn, forms, person, one, revision, now, act, "", "")


def withdraw_signature(
    conn: Connection, person: Person, entry_id: str, revision: int, now: datetime
) -> None:
    """Take the own signature back while the entry has not been exported.

    Raises:
        NotAllowedError: somebody else signed.
        StaleDecisionError: the entry has changed, or is exported.
    """
    found = load_entry(conn, entry_id)
    visibility.require_visible_entry(conn, person, Action.SIGN, found)
    if found.revision != revision or found.state is not EntryState.SIGNED:
        raise stale_decision_error()
    if found.signed_by != person.login:
        raise NotAllowedError("another_person_signed", by=person.login, action=Action.SIGN.value)
    advance_entry(conn, found, state=EntryState.CONFIRMED.value)
    row = {
        "entry": found.id,
        "revision": found.revision - 1,
        "act": secrets.token_hex(8),
        "taken_back": True,
        "own": not found.signed_why,
    }
    conn.execute(
        insert(signature).values(
            row | {"author": found.author or "", "why": "", "by": person.login, "at": now}
        )
    )
    record(conn, person.login, "take_signature_back", found.id, unit=found.unit)


def list_own_signed(conn: Connection, person: Person, limit: int = 1) -> list[Entry]:
    """What the person signed last and can take back, newest first.

    Raises:
        NotAllowedError: the person does not sign.
    """
    permissions.require_permission(person, Action.SIGN)
    mine = select(_entry_table).where(
        paper.IS_SIGNED,
        _entry_table.c.signed_by == person.login,
        visibility.visible_entries_condition(conn, person),
    )
    return select_entries(
        conn, mine.order_by(_entry_table.c.signed_at.desc(), _entry_table.c.id.desc()).limit(limit)
    )


def list_allowed_reasons(
    conn: Connection, forms: Forms, person: Person, entry: Entry
) -> tuple[str, ...]:
    """What a person who is not known as an entry's author may give as the reason: also that the
    author's name is the person's and another's.
    """
    rule = forms.signing_rule(today_in_sweden())
    same_name = (
        rule is not None
        and rule.same_name
        and is_author(entry.author or "", person, load_staff_list(conn))
    )
    return (SAME_NAME_REASON, *SIGNING_REASONS) if same_name else SIGNING_REASONS


def is_own_entry(conn: Connection, person: Person, entry: Entry) -> bool:
    """Whether the person wrote the entry on paper."""
    return _ownership_test(conn, person)(entry)


def _ownership_test(conn: Connection, person: Person) -> Callable[[Entry], bool]:
    """Tells of an entry whether the person wrote it. Who shares the name with another account has
    no notes by name: a reason is asked for.
    """
    others = [name for login, name in people.names_by_login(conn).items() if login != person.login]
    if any(is_author(name, person) for name in others):
        return lambda _: False
    staff = load_staff_list(conn)
    return lambda one: is_author(one.author or "", person, staff)


def _is_waiting_condition(conn: Connection, person: Person) -> ColumnElement[bool]:
    return and_(
        paper.IS_READY,
        visibility.visible_entries_condition(conn, person),
        _entry_table.c.voided.is_(None),
    )


def _write_signature(
    conn: Connection,
    forms: Forms,
    person: Person,
    entry: Entry,
    revision: int,
    now: datetime,
    act: str,
    why: str,
    text: str,
) -> None:
    visibility.require_visible_entry(conn, person, Action.SIGN, entry)
    if (
        entry.revision != revision
        or entry.state is not EntryState.CONFIRMED
        or entry.voided is not None
    ):
        raise stale_decision_error()
    own = is_own_entry(conn, person, entry)
    reason = (
        "" if own else _format_reason(why, text, list_allowed_reasons(conn, forms, person, entry))
    )
    advance_entry(
        conn,
        entry,
        state=EntryState.SIGNED.value,
        signed_by=person.login,
        signed_at=now,
        signed_why=reason or None,
    )
    rule = forms.signing_rule(today_in_sweden())
    row = {
        "entry": entry.id,
        "revision": entry.revision,
        "act": act,
        "taken_back": False,
        "own": own,
        "author": entry.author or "",
        "why": reason,
    }
    conn.execute(
        insert(signature).values(
            row | {"rule": rule.version if rule else None, "by": person.login, "at": now}
        )
    )
    record(conn, person.login, "sign", entry.id, unit=entry.unit, own=own, revision=entry.revision)


def _format_reason(reason: str, text: str, reasons: Sequence[str]) -> str:
    if reason not in reasons:
        raise ReviewError("somebody_else_than_author_signs")
    if reason == SIGNING_REASONS[-1] and not text.strip():
        raise ReviewError("reason_written")
    return f"{reason}: {text.strip()}"[:300] if text.strip() else reason
