"""One person's review of entries: each method is what the person does, in one transaction.

An entry is opened or comes next, is kept as a draft while the person types, and is decided. What a
screen would have to remember is done here: the view is logged and a seeded error shown when the
entry opens, and a decision is refused before the person can have looked at what it is about.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection

from pipeline.domain.form.form import Forms
from pipeline.domain.law.permissions import Action
from pipeline.domain.model import EntryState, Person
from pipeline.domain.review.rules import Answer
from pipeline.domain.settings import Settings
from pipeline.review.client_question import complete_last_digits
from pipeline.review.decisions import Decision, decide_entry
from pipeline.review.rejections import Duplicate, Rejection, mark_duplicate, reject_entry
from pipeline.review.seeded_errors import last_missed_field, with_seeded_error
from pipeline.store.database.store import Store
from pipeline.store.entries import queue
from pipeline.store.entries.answers import delete_answer_draft, save_answer_drafts
from pipeline.store.entries.entry import (
    OPEN_STATES,
    is_claimed_by_other,
    load_visible_entry,
    stale_decision_error,
)
from pipeline.store.entries.entry_view import EntryView
from pipeline.store.entries.second_reviewer import must_not_review
from pipeline.store.quality.result_counts import save_view_time
from pipeline.store.schema.clock import utc_now

MIN_VIEW_TIME = timedelta(milliseconds=500)
"""What has been on the screen for less than this has not been read: a double press."""
LogView = Callable[[Connection, EntryView], None]
"""Logs that the person views the pages of an entry, before anything of it is shown."""


@dataclass(frozen=True, slots=True)
class Decided:
    """What became of an entry; `missed_field` is where the person confirmed a seeded error."""

    state: EntryState
    missed_field: str | None = None


@dataclass(frozen=True)
class Review:
    """What one person reviews in one workspace; each kind of work has a class of its own."""

    store: Store
    forms: Forms
    settings: Settings
    person: Person
    clock: Callable[[], datetime] = utc_now

    def has_been_seen(self, shown_at: datetime | None, at_least: timedelta | None = None) -> bool:
        """Return whether what came on the screen then can have been read by now."""
        least = MIN_VIEW_TIME if at_least is None else at_least
        return shown_at is not None and self.clock() - shown_at >= least


class ReviewSession(Review):
    """The review of entry after entry."""

    def next_entry(self, log_view: LogView) -> EntryView | None:
        """Claim the next entry of the person's units, or the one that is open; None if none waits.

        Raises:
            NotAllowedError: the person may not review.
        """
        with self.store.begin() as conn:
            view = self._claim_next(conn)
            return view and self._show(conn, view, log_view)

    def entry_ahead(self, current_id: str | None, log_view: LogView) -> EntryView | None:
        """Claim what comes after the entry on the screen, so that it is ready.

        None if there is none, or if it is hidden from the person.

        Raises:
            NotAllowedError: the person may not review.
        """
        with self.store.begin() as conn:
            view = self._claim_next(conn, () if current_id is None else (current_id,))
            return None if view is None or view.is_hidden else self._show(conn, view, log_view)

    def resume_entry(self, entry_id: str, log_view: LogView) -> EntryView | None:
        """Return the entry that was on the screen; None if it is decided or another has it.

        Raises:
            NotAllowedError: the person may not review this entry.
            StaleDecisionError: another person has it open.
        """
        with self.store.begin() as conn:
            view = self._claim(conn, entry_id)
            if view.entry.claimed_by != self.person.login or view.entry.state not in OPEN_STATES:
                return None
            return self._show(conn, view, log_view)

    def open_entry(self, entry_id: str, revision: int) -> EntryView:
        """Return an entry as the person saw it at a revision, claimed for the person.

        Raises:
            NotAllowedError: the person may not review this entry.
            StaleDecisionError: it has changed since, or another person has it open.
        """
        with self.store.begin() as conn:
            view = self._claim(conn, entry_id)
            if view.entry.revision != revision or view.entry.claimed_by != self.person.login:
                raise stale_decision_error()
            return self._show(conn, view)

    def keep_claim(self, entry_id: str, revision: int) -> bool:
        """Return whether the person still has an entry as it was; the claim is renewed.

        Raises:
            NotAllowedError: the person may not review.
        """
        return self.store.change(queue.resume_claim, self.person, entry_id, revision, self._terms)

    def save_draft(self, entry_id: str, field: str, answer: Answer | None) -> None:
        """Store what was typed in a field, so that a closed browser loses nothing; None deletes it.

        Raises:
            NotAllowedError, StaleDecisionError: as the function `save_draft`.
        """
        self.store.change(save_draft, self.person, entry_id, {field: answer}, self._terms)

    def complete_number(self, view: EntryView, typed: str, name: str) -> str | None:
        """Return the personal number whose last four digits are typed, None if it needs them all.

        Args:
            view: the entry; what was read in it.
            typed: what is in the field of the number.
            name: the client's name on the paper.
        """
        return self.store.query(complete_last_digits, self.person, view, typed, name)

    def decide(self, view: EntryView, decision: Decision, shown_at: datetime) -> Decided:
        """Decide an entry that has been on the screen since `shown_at`.

        Raises:
            NotAllowedError, StaleDecisionError, MissingAnswerError, InvalidAnswerError,
                UnknownClientError, ClientConflictError, RecountError: as `decide_entry`.
        """
        now = self.clock()
        with self.store.begin() as conn:
            state = decide_entry(conn, self.forms, self.person, decision, now)
            # An entry comes back only with a seeded error that the person has confirmed
            if state is EntryState.REVIEW:
                return Decided(state, last_missed_field(conn, self.person, view.entry.id))
            save_view_time(conn, self.person, view, shown_at, now)
        return Decided(state)

    def release(self, entry_id: str) -> None:
        """Give an entry back undecided, as `queue.release_claim`."""
        self.store.change(queue.release_claim, self.person, entry_id)

    def skip(self, entry_id: str, revision: int) -> None:
        """Let an entry come later, as `queue.skip_entry`."""
        self.store.change(queue.skip_entry, self.person, entry_id, revision)

    def reject(self, entry_id: str, revision: int, reason: str) -> None:
        """Reject an entry.

        Raises:
            NotAllowedError, StaleDecisionError, ReviewError: as `reject_entry`.
        """
        self.store.change(
            reject_entry, self.person, Rejection(entry_id, revision, reason), self.clock()
        )

    def mark_duplicate(self, duplicate: Duplicate) -> None:
        """Reject an entry as a duplicate of what it was compared with.

        Raises:
            NotAllowedError, StaleDecisionError, ReviewError: as the function `mark_duplicate`.
        """
        self.store.change(mark_duplicate, self.store.images, self.person, duplicate, self.clock())

    @property
    def _terms(self) -> queue.ClaimTerms:
        settings = self.settings
        return queue.ClaimTerms(self.clock(), settings.claim_minutes, settings.queue_order)

    def _claim_next(self, conn: Connection, excluded: Collection[str] = ()) -> EntryView | None:
        return queue.claim_next(conn, self.forms, self.person, self._terms, excluded)

    def _claim(self, conn: Connection, entry_id: str) -> EntryView:
        return queue.open_claimed_entry(conn, self.forms, self.person, entry_id, self._terms)

    def _show(
        self, conn: Connection, view: EntryView, log_view: LogView | None = None
    ) -> EntryView:
        """Return the view as the person gets it: logged, and perhaps with one wrong value."""
        if log_view is not None:
            log_view(conn, view)
        share = self.settings.plant_share
        return with_seeded_error(conn, self.person, view, share, self.clock())


def save_draft(
    conn: Connection,
    person: Person,
    entry_id: str,
    answers: Mapping[str, Answer | None],
    terms: queue.ClaimTerms,
) -> None:
    """Store what a person has typed, so that a closed browser loses nothing; None deletes it.

    The person who types keeps the entry claimed.

    Raises:
        StaleDecisionError: the entry is decided or another person has it, or it waits for a
            second reviewer who is another person.
    """
    entry = load_visible_entry(conn, person, Action.REVIEW, entry_id)
    # The person may review the entry now and nobody else has it open.
    if (
        entry.state not in OPEN_STATES
        or is_claimed_by_other(entry, person, terms.now)
        or must_not_review(conn, person.login, entry)
    ):
        raise stale_decision_error()
    for field, answer in answers.items():
        if answer is None:
            delete_answer_draft(conn, entry_id, person.login, field)
        else:
            save_answer_drafts(conn, entry, person.login, {field: answer}, terms.now)
    queue.renew_claim(conn, person, entry_id, terms.now, terms.minutes)
