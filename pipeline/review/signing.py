"""Signing (signering): the author of a note signs it after reading, others only with a reason.

The rule is patientdatalagen 3 kap. 10 §. Author, transcriber, verifier and signer are four roles.
Which professions may sign what is in forms/signing.yaml, by law and form: for their own notes, and
for those of an absent author. What a person may not sign is not in that person's queue.
A signature holds for one version: a change of the entry removes it, and both stay in the table.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from pipeline.domain.dates import today_in_sweden
from pipeline.domain.errors import NotAllowedError, ReviewError
from pipeline.domain.form.form import Forms
from pipeline.domain.law.permissions import (
    Action,
    find_signing_profession,
    naming,
    require_permission,
    require_signer,
)
from pipeline.domain.model import EntryState, Person
from pipeline.registers.staff import SAME_NAME_REASON, is_author, is_on_behalf
from pipeline.store.accounts import people, visibility
from pipeline.store.accounts.visibility import find_own_logins
from pipeline.store.entries.entry import (
    Entry,
    advance_entry,
    entry_form,
    load_entry,
    load_entry_as_seen,
    load_visible_entry,
    stale_decision_error,
)
from pipeline.store.event_log.events import record
from pipeline.store.exports.ready_entries import signature_rule
from pipeline.store.exports.run_items import latest_exports
from pipeline.store.registers.client_register import areas_by_unit
from pipeline.store.registers.staff import load_staff_list
from pipeline.store.review.signatures import (
    add_signature,
    list_unsigned_forms,
    list_waiting_for_signature,
)

_MAX_ENTRIES = 500


SIGNING_REASONS = (
    "författaren har slutat",
    "författaren är borta under överskådlig tid",
    "författaren är tillfällig personal utan konto",
    "författaren framgår inte av papperet",
    "annat skäl",
)
"""Why another person than the author signs, as stored; the last needs a text.

The screens show `signing.reasons.<reason>` of the catalogue. See `list_allowed_reasons`.
"""


@dataclass(frozen=True, slots=True)
class SigningQueue:
    """The entries that wait for a signature in the person's units, oldest first.

    They are the person's own notes, and those of others by author (empty where unknown).
    `by_sheet` are the forms of class A whose rows may be signed together.
    """

    own_entries: tuple[Entry, ...]
    other_entries: tuple[Entry, ...]
    by_sheet: frozenset[str] = frozenset()

    def same_sheet_entries(self, entry: Entry) -> tuple[Entry, ...]:
        """Return the person's own rows of the same sheet that can be signed with this one.

        None of them is of class A unless the rule lets its form be signed by sheet, and there are
        at least two; else the result is empty.
        """
        rows = tuple(
            other
            for other in self.own_entries
            if other.sheet == entry.sheet and _may_sign_together(other, self.by_sheet)
        )
        return rows if entry in rows and len(rows) > 1 else ()


def load_signing_queue(conn: Connection, forms: Forms, person: Person) -> SigningQueue:
    """Return a person's list of what is to be signed (att signera).

    Raises:
        NotAllowedError: the person does not sign.
    """
    require_permission(person, Action.SIGN)
    needs_signature, is_own = signature_rule(conn, forms), _ownership_test(conn, person)
    may_sign = _signer_test(conn, forms, person)
    waiting = [
        entry
        for entry in list_waiting_for_signature(conn, person)
        if needs_signature(entry.form, entry.version, entry.unit, entry.area)
    ]
    own: list[Entry] = []
    others: list[Entry] = []
    for entry in waiting:
        own_note = is_own(entry)
        if may_sign(entry, own_note):
            (own if own_note else others).append(entry)
    return SigningQueue(
        tuple(own[:_MAX_ENTRIES]), tuple(others[:_MAX_ENTRIES]), _forms_by_sheet(forms)
    )


def _forms_by_sheet(forms: Forms) -> frozenset[str]:
    rule = forms.signing_rule(today_in_sweden())
    return rule.by_sheet if rule else frozenset()


def _may_sign_together(entry: Entry, by_sheet: frozenset[str]) -> bool:
    return entry.criticality != "A" or entry.form in by_sheet


def count_waiting_signatures(
    conn: Connection, forms: Forms, person: Person, unit: str | None = None
) -> int:
    """Return how many confirmed entries are not exported because nobody has signed them.

    They are those that the person can see, of one unit or of all.

    Raises:
        NotAllowedError: the person does not export, or not from this unit.
    """
    require_permission(person, Action.EXPORT, unit)
    needs_signature = signature_rule(conn, forms)
    # Whether a form needs a signature depends on unit and area of law.
    rows = list_unsigned_forms(conn, person, unit)
    return sum(needs_signature(row.form, row.version, row.unit, row.area) for row in rows)


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
    """Sign one entry that the person has read.

    A person who is not its author gives `reason` (one of `list_allowed_reasons`) and `text`.

    Raises:
        NotAllowedError: another unit or role, or a profession that may not sign this.
        StaleDecisionError: the entry has changed since the person saw `revision`.
        ReviewError: a reason is missing.
    """
    _write_signature(
        conn,
        forms,
        person,
        load_entry(conn, entry_id),
        _SignatureRequest(revision, secrets.token_hex(8), now, reason, text),
    )


def sign_sheet(
    conn: Connection,
    forms: Forms,
    person: Person,
    shown_revisions: Sequence[tuple[str, int]],
    now: datetime,
) -> None:
    """Sign rows of one sheet together, given as (entry id, revision); all were on the screen.

    Entries of class A are signed one by one unless the rule lets their form be signed by sheet.

    Raises:
        NotAllowedError, StaleDecisionError: as `sign_entry`.
        ReviewError: they are not of one sheet, not the person's own, or of class A. Nothing is
            signed.
    """
    entries = _load_shown(conn, person, shown_revisions)
    # All conditions are checked before the first signature.
    is_own = _ownership_test(conn, person)
    if len({entry.sheet for entry, _ in entries}) != 1:
        raise ReviewError("rows_of_several_sheets")
    by_sheet = _forms_by_sheet(forms)
    if not all(_may_sign_together(entry, by_sheet) for entry, _ in entries):
        raise ReviewError("class_a_signed_singly")
    if not all(is_own(entry) for entry, _ in entries):
        raise ReviewError("rows_of_several_authors")
    # The rows share one act of signing.
    act = secrets.token_hex(8)
    for entry, revision in entries:
        _write_signature(conn, forms, person, entry, _SignatureRequest(revision, act, now))


def sign_for_absent(
    conn: Connection,
    forms: Forms,
    person: Person,
    shown_revisions: Sequence[tuple[str, int]],
    now: datetime,
    *,
    reason: str,
    text: str = "",
) -> None:
    """Sign notes of one absent author, given as (entry id, revision), for one reason.

    The person has read and ticked each of them, also those of class A; each is logged by itself.

    Raises:
        NotAllowedError, StaleDecisionError: as `sign_entry`.
        ReviewError: they are of several authors or the person's own, or the reason is missing.
            Nothing is signed.
    """
    entries = _load_shown(conn, person, shown_revisions)
    if len({author_of(entry) for entry, _ in entries}) != 1:
        raise ReviewError("notes_of_several_authors")
    is_own = _ownership_test(conn, person)
    if any(is_own(entry) for entry, _ in entries):
        raise ReviewError("own_notes_signed_as_own")
    act = secrets.token_hex(8)
    for entry, revision in entries:
        _write_signature(
            conn, forms, person, entry, _SignatureRequest(revision, act, now, reason, text)
        )


def _load_shown(
    conn: Connection, person: Person, shown_revisions: Sequence[tuple[str, int]]
) -> list[tuple[Entry, int]]:
    return [
        (load_visible_entry(conn, person, Action.SIGN, entry_id), revision)
        for entry_id, revision in shown_revisions
    ]


def author_of(entry: Entry) -> str:
    """Return the author's name, by which notes are one person's; empty where it is not known."""
    return " ".join((entry.author or "").split()).casefold()


def withdraw_signature(
    conn: Connection, person: Person, entry_id: str, revision: int, now: datetime
) -> None:
    """Take the person's own signature back while the entry has not been exported.

    Raises:
        NotAllowedError: another person signed.
        StaleDecisionError: the entry has changed, or is exported.
    """
    entry = load_entry_as_seen(conn, person, entry_id, revision, {EntryState.SIGNED}, Action.SIGN)
    # One of several routes may have it already
    if latest_exports(conn, [entry_id]):
        raise stale_decision_error()
    if entry.signed_by != person.login:
        raise NotAllowedError(
            "signed_by_another",
            by=person.login,
            action=Action.SIGN.value,
            unit=entry.unit,
            subject=entry.id,
        )
    advance_entry(conn, entry, state=EntryState.CONFIRMED.value)
    # The signature stays in the table; a row of its own takes it back.
    row = {
        "entry": entry.id,
        "revision": entry.revision - 1,
        "act": secrets.token_hex(8),
        "taken_back": True,
        "own": not entry.signed_why,
        "author": entry.author or "",
        "why": "",
        "by": person.login,
        "at": now,
    }
    add_signature(conn, row)
    record(conn, person.login, "take_signature_back", entry.id, unit=entry.unit)


def list_allowed_reasons(
    conn: Connection, forms: Forms, person: Person, entry: Entry
) -> tuple[str, ...]:
    """Return the reasons that a person who is not known as the entry's author can give.

    One more is allowed where the author's name is that of the person and of another account.
    """
    rule = forms.signing_rule(today_in_sweden())
    # The exception needs a signing rule that allows it, and the author's name.
    same_name = (
        rule is not None
        and rule.same_name
        and is_author(entry.author or "", person, load_staff_list(conn))
    )
    return (SAME_NAME_REASON, *SIGNING_REASONS) if same_name else SIGNING_REASONS


def is_own_entry(conn: Connection, person: Person, entry: Entry) -> bool:
    """Return whether the person wrote the entry on paper."""
    return _ownership_test(conn, person)(entry)


def _ownership_test(conn: Connection, person: Person) -> Callable[[Entry], bool]:
    """Return a test of whether the person wrote an entry.

    A person who shares the name with somebody else has no notes by name and must give a reason.
    """
    own_logins = find_own_logins(conn, person.login)
    other_names = [
        name for login, name in people.names_by_login(conn).items() if login not in own_logins
    ]
    if any(is_author(name, person) for name in other_names):
        return lambda _: False
    staff = load_staff_list(conn)
    return lambda entry: is_author(entry.author or "", person, staff)


def _signer_test(conn: Connection, forms: Forms, person: Person) -> Callable[[Entry, bool], bool]:
    """Return a test of whether the person's profession may sign an entry, the own one or not."""
    rule, areas = forms.signing_rule(today_in_sweden()), areas_by_unit(conn)

    def may_sign(entry: Entry, own: bool) -> bool:
        area = entry.area or areas.get(entry.unit, "")
        form = entry_form(forms, entry)
        return find_signing_profession(person, rule, form, entry.unit, area, own=own) is not None

    return may_sign


@dataclass(frozen=True, slots=True)
class _SignatureRequest:
    """A signature to be written: for which revision, in which act, and why another person signs."""

    revision: int
    act: str
    at: datetime
    reason: str = ""
    text: str = ""


def _write_signature(
    conn: Connection, forms: Forms, person: Person, entry: Entry, request: _SignatureRequest
) -> None:
    """Sign an entry if it is as the person saw it."""
    visibility.require_visible_entry(conn, person, Action.SIGN, entry)
    if (
        entry.revision != request.revision
        or entry.state is not EntryState.CONFIRMED
        or entry.voided is not None
    ):
        raise stale_decision_error()
    # Only others than the author give a reason.
    own = is_own_entry(conn, person, entry)
    reason = ""
    if not own:
        allowed = list_allowed_reasons(conn, forms, person, entry)
        reason = _format_reason(request.reason, request.text, allowed)
    # The profession has to be one that may sign this, as its author or for one who is absent.
    rule = forms.signing_rule(today_in_sweden())
    with naming(entry.id):
        profession = require_signer(
            person,
            rule,
            entry_form(forms, entry),
            entry.unit,
            visibility.effective_area(conn, entry),
            own=own or not is_on_behalf(reason),
        )
    advance_entry(
        conn,
        entry,
        state=EntryState.SIGNED.value,
        signed_by=person.login,
        signed_at=request.at,
        signed_why=reason or None,
    )
    # The signature is kept for this revision, with the rule that was in force.
    row = {
        "entry": entry.id,
        "revision": entry.revision,
        "act": request.act,
        "taken_back": False,
        "own": own,
        "author": entry.author or "",
        "why": reason,
        "rule": rule.version if rule else None,
        "by": person.login,
        "at": request.at,
    }
    add_signature(conn, row)
    record(
        conn,
        person.login,
        "sign",
        entry.id,
        unit=entry.unit,
        own=own,
        revision=entry.revision,
        profession=profession,
    )


def _format_reason(reason: str, text: str, reasons: Sequence[str]) -> str:
    """Return the reason with its text as it is stored.

    Raises:
        ReviewError: the reason is not allowed, or it needs a text.
    """
    if reason not in reasons:
        raise ReviewError("signing_for_other_needs_reason")
    if reason == SIGNING_REASONS[-1] and not text.strip():
        raise ReviewError("reason_missing")
    return f"{reason}: {text.strip()}"[:300] if text.strip() else reason
