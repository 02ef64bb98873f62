"""Questions to the author (fråga författaren): what only the person who wrote can say.

The entry is rejected until the answer brings it back; each unit has a list of questions by author.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection

from pipeline.domain.errors import ReviewError
from pipeline.domain.form.field import Meaning
from pipeline.domain.law.permissions import Action
from pipeline.domain.model import EntryState
from pipeline.review.rejections import Rejection, reject_entry
from pipeline.review.session import Review
from pipeline.store.entries.answers import list_answer_drafts
from pipeline.store.entries.entry import (
    UNDECIDED_VALUES,
    Entry,
    advance_entry,
    entry_form,
    load_entry,
    load_entry_readings,
    load_visible_entry,
)
from pipeline.store.event_log.events import contains_pid, record
from pipeline.store.paper.pages import list_sheet_pages
from pipeline.store.review.author_questions import (
    ANSWERED_REASON,
    ASK_AUTHOR_REASON,
    add_answer,
    add_question,
    load_question_row,
)


class Questions(Review):
    """What a person asks the author of a note, and what was answered."""

    def ask(self, entry_id: str, revision: int, text: str, author: str) -> None:
        """Reject an entry until its author has answered.

        Without `author`, the person named on the paper is asked.

        Raises:
            NotAllowedError, StaleDecisionError: as `rejections.reject_entry`.
            ReviewError: the question is empty, or holds a personal number.
        """
        person, now = self.person, self.clock()
        with self.store.begin() as conn:
            if not text.strip():
                raise ReviewError("question_empty")
            if contains_pid(text):
                raise ReviewError("question_with_number")
            entry = load_entry(conn, entry_id)
            # The given author, else the one on the paper.
            addressee = author.strip() or self._find_author(conn, entry)
            reject_entry(conn, person, Rejection(entry_id, revision, ASK_AUTHOR_REASON), now)
            # The entry is rejected first: that fails if it has changed.
            row = {
                "entry": entry_id,
                "unit": entry.unit,
                "author": addressee[:120],
                "text": text.strip(),
                "by": person.login,
                "at": now,
            }
            add_question(conn, row)
            record(conn, person.login, "ask_author", entry_id, unit=entry.unit)

    def find_author(self, entry: Entry) -> str:
        """Return who wrote, as far as it is known, or an empty string.

        A decided author comes first, then what this person has keyed, then the reading.
        """
        return self.store.query(self._find_author, entry)

    def save_answer(
        self, question_id: int, text: str, answered_by: str, answered_at: datetime
    ) -> None:
        """Register the author's answer; the entry goes back to review, and shows both.

        Raises:
            NotAllowedError: another unit or role.
            ReviewError: there is no such question, the answer or its author is missing, or the
                answer is in the future.
        """
        person, now = self.person, self.clock()
        with self.store.begin() as conn:
            row = load_question_row(conn, question_id)
            entry = load_visible_entry(conn, person, Action.FOLLOW_UP, row.entry)
            if not text.strip() or not answered_by.strip():
                raise ReviewError("answer_incomplete")
            if answered_at > now:
                raise ReviewError("answer_in_future")
            answer = {
                "question": question_id,
                "text": text.strip(),
                "answered_by": answered_by.strip()[:120],
                "answered_at": answered_at,
                "by": person.login,
                "at": now,
            }
            add_answer(conn, answer)
            record(conn, person.login, "author_answered", row.entry, unit=row.unit)
            # Reopened also by a person who does not review: the entry is on no other list.
            if entry.state is EntryState.REJECTED and entry.reason == ASK_AUTHOR_REASON:
                advance_entry(conn, entry, **{**UNDECIDED_VALUES, "reason": ANSWERED_REASON})
                record(conn, person.login, "reopen", entry.id, unit=entry.unit)

    def _find_author(self, conn: Connection, entry: Entry) -> str:
        if entry.author:
            return entry.author
        form = entry_form(self.forms, entry)
        drafts = list_answer_drafts(conn, entry.id, self.person.login)
        readings = load_entry_readings(conn, entry, list_sheet_pages(conn, entry.sheet))
        # The name says more than the initials.
        for meaning in (Meaning.AUTHOR_NAME, Meaning.AUTHOR_SIGNATURE):
            spec = form.meaning(meaning, entry.row)
            for source in (drafts.get(spec.name), readings.get(spec.name)) if spec else ():
                if source is not None and isinstance(source.value, str) and source.value.strip():
                    return source.value.strip()
        return ""
