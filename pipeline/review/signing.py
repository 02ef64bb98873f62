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

from sqlalchemy import Connection

from pipeline.domain.dates import today_in_sweden
from pipeline.domain.errors import NotAllowedError, ReviewError
from pipeline.domain.law.permissions import (
    Action,
    find_signing_profession,
    naming,
    require_permission,
    require_signer,
)
from pipeline.domain.model import EntryState
from pipeline.registers.staff import SAME_NAME_REASON, is_author, is_on_behalf
from pipeline.review.session import Review
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

The screens show `signing.reasons.<reason>` of the catalogue. See `Signing.list_reasons`.
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


class Signing(Review):
    """The signing of the notes that wait for a signature."""

    def load_queue(self) -> SigningQueue:
        """Return the person's list of what is to be signed (att signera).

        Raises:
            NotAllowedError: the person does not sign.
        """
        own: list[Entry] = []
        others: list[Entry] = []
        with self.store.read() as conn:
            require_permission(self.person, Action.SIGN)
            needs_signature = signature_rule(conn, self.forms)
            is_own, may_sign = self._ownership_test(conn), self._signer_test(conn)
            for entry in list_waiting_for_signature(conn, self.person):
                if needs_signature(entry.form, entry.version, entry.unit, entry.area):
                    own_note = is_own(entry)
                    if may_sign(entry, own_note):
                        (own if own_note else others).append(entry)
        return SigningQueue(
            tuple(own[:_MAX_ENTRIES]), tuple(others[:_MAX_ENTRIES]), self._forms_by_sheet()
        )

    def sign(self, entry_id: str, revision: int, *, reason: str = "", text: str = "") -> None:
        """Sign one entry that the person has read.

        A person who is not its author gives `reason` (one of `list_reasons`) and `text`.

        Raises:
            NotAllowedError: another unit or role, or a profession that may not sign this.
            StaleDecisionError: the entry has changed since the person saw `revision`.
            ReviewError: a reason is missing.
        """
        with self.store.begin() as conn:
            self._sign_all(conn, [(load_entry(conn, entry_id), revision)], reason, text)

    def sign_sheet(self, shown_revisions: Sequence[tuple[str, int]]) -> None:
        """Sign rows of one sheet together, given as (entry id, revision); all were on the screen.

        Entries of class A are signed one by one unless the rule lets their form be signed by sheet.

        Raises:
            NotAllowedError, StaleDecisionError: as `sign`.
            ReviewError: they are not of one sheet, not the person's own, or of class A. Nothing is
                signed.
        """
        with self.store.begin() as conn:
            entries = self._load_shown(conn, shown_revisions)
            # All conditions are checked before the first signature.
            is_own, by_sheet = self._ownership_test(conn), self._forms_by_sheet()
            if len({entry.sheet for entry, _ in entries}) != 1:
                raise ReviewError("rows_of_several_sheets")
            if not all(_may_sign_together(entry, by_sheet) for entry, _ in entries):
                raise ReviewError("class_a_signed_singly")
            if not all(is_own(entry) for entry, _ in entries):
                raise ReviewError("rows_of_several_authors")
            self._sign_all(conn, entries)

    def sign_for_absent(
        self, shown_revisions: Sequence[tuple[str, int]], *, reason: str, text: str = ""
    ) -> None:
        """Sign notes of one absent author, given as (entry id, revision), for one reason.

        The person has read and ticked each of them, also those of class A; each is logged by
        itself.

        Raises:
            NotAllowedError, StaleDecisionError: as `sign`.
            ReviewError: they are of several authors or the person's own, or the reason is missing.
                Nothing is signed.
        """
        with self.store.begin() as conn:
            entries = self._load_shown(conn, shown_revisions)
            if len({author_of(entry) for entry, _ in entries}) != 1:
                raise ReviewError("notes_of_several_authors")
            is_own = self._ownership_test(conn)
            if any(is_own(entry) for entry, _ in entries):
                raise ReviewError("own_notes_signed_as_own")
            self._sign_all(conn, entries, reason, text)

    def withdraw(self, shown_revisions: Sequence[tuple[str, int]]) -> None:
        """Take the person's own signatures back while none of the entries has been exported.

        Raises:
            NotAllowedError: another person signed.
            StaleDecisionError: an entry has changed, or is exported.
        """
        with self.store.begin() as conn:
            for entry_id, revision in shown_revisions:
                self._withdraw_signature(conn, entry_id, revision)

    def list_reasons(self, entry: Entry) -> tuple[str, ...]:
        """Return the reasons that a person who is not known as the entry's author can give.

        One more is allowed where the author's name is that of the person and of another account.
        """
        return self.store.query(self._list_reasons, entry)

    def is_own(self, entry: Entry) -> bool:
        """Return whether the person wrote the entry on paper."""
        return self.store.query(self._ownership_test)(entry)

    def _forms_by_sheet(self) -> frozenset[str]:
        rule = self.forms.signing_rule(today_in_sweden())
        return rule.by_sheet if rule else frozenset()

    def _load_shown(
        self, conn: Connection, shown_revisions: Sequence[tuple[str, int]]
    ) -> list[tuple[Entry, int]]:
        return [
            (load_visible_entry(conn, self.person, Action.SIGN, entry_id), revision)
            for entry_id, revision in shown_revisions
        ]

    def _sign_all(
        self,
        conn: Connection,
        entries: Sequence[tuple[Entry, int]],
        reason: str = "",
        text: str = "",
    ) -> None:
        """Sign entries in one act, each if it is as the person saw it."""
        act = secrets.token_hex(8)
        for entry, revision in entries:
            visibility.require_visible_entry(conn, self.person, Action.SIGN, entry)
            if (
                entry.revision != revision
                or entry.state is not EntryState.CONFIRMED
                or entry.voided is not None
            ):
                raise stale_decision_error()
            # Only others than the author give a reason.
            own = self._ownership_test(conn)(entry)
            why = "" if own else _format_reason(reason, text, self._list_reasons(conn, entry))
            self._write_signature(conn, entry, act, why)

    def _write_signature(self, conn: Connection, entry: Entry, act: str, reason: str) -> None:
        """Sign an entry; others than the author give a reason."""
        # The profession has to be one that may sign this, as its author or for one who is absent.
        rule = self.forms.signing_rule(today_in_sweden())
        with naming(entry.id):
            profession = require_signer(
                self.person,
                rule,
                entry_form(self.forms, entry),
                entry.unit,
                visibility.effective_area(conn, entry),
                own=not is_on_behalf(reason),
            )
        login, now = self.person.login, self.clock()
        advance_entry(
            conn,
            entry,
            state=EntryState.SIGNED.value,
            signed_by=login,
            signed_at=now,
            signed_why=reason or None,
        )
        # The signature is kept for this revision, with the rule that was in force.
        row = {
            "entry": entry.id,
            "revision": entry.revision,
            "act": act,
            "taken_back": False,
            "own": not reason,
            "author": entry.author or "",
            "why": reason,
            "rule": rule.version if rule else None,
            "by": login,
            "at": now,
        }
        add_signature(conn, row)
        record(
            conn,
            login,
            "sign",
            entry.id,
            unit=entry.unit,
            own=not reason,
            revision=entry.revision,
            profession=profession,
        )

    def _withdraw_signature(self, conn: Connection, entry_id: str, revision: int) -> None:
        person = self.person
        entry = load_entry_as_seen(
            conn, person, (entry_id, revision), {EntryState.SIGNED}, Action.SIGN
        )
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
            "at": self.clock(),
        }
        add_signature(conn, row)
        record(conn, person.login, "take_signature_back", entry.id, unit=entry.unit)

    def _list_reasons(self, conn: Connection, entry: Entry) -> tuple[str, ...]:
        rule = self.forms.signing_rule(today_in_sweden())
        # The exception needs a signing rule that allows it, and the author's name.
        same_name = (
            rule is not None
            and rule.same_name
            and is_author(entry.author or "", self.person, load_staff_list(conn))
        )
        return (SAME_NAME_REASON, *SIGNING_REASONS) if same_name else SIGNING_REASONS

    def _ownership_test(self, conn: Connection) -> Callable[[Entry], bool]:
        """Return a test of whether the person wrote an entry.

        A person who shares the name with somebody else has no notes by name and must give a reason.
        """
        person, own_logins = self.person, find_own_logins(conn, self.person.login)
        other_names = [
            name for login, name in people.names_by_login(conn).items() if login not in own_logins
        ]
        if any(is_author(name, person) for name in other_names):
            return lambda _: False
        staff = load_staff_list(conn)
        return lambda entry: is_author(entry.author or "", person, staff)

    def _signer_test(self, conn: Connection) -> Callable[[Entry, bool], bool]:
        """Return a test of whether the person's profession may sign an entry, own or not."""
        rule, areas = self.forms.signing_rule(today_in_sweden()), areas_by_unit(conn)

        def may_sign(entry: Entry, own: bool) -> bool:
            area, form = entry.area or areas.get(entry.unit, ""), entry_form(self.forms, entry)
            profession = find_signing_profession(self.person, rule, form, entry.unit, area, own=own)
            return profession is not None

        return may_sign


def _may_sign_together(entry: Entry, by_sheet: frozenset[str]) -> bool:
    return entry.criticality != "A" or entry.form in by_sheet


def author_of(entry: Entry) -> str:
    """Return the author's name, by which notes are one person's; empty where it is not known."""
    return " ".join((entry.author or "").split()).casefold()


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
