"""How long reviewers have an entry on the screen before they decide it."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Connection

from pipeline.domain.law.permissions import Action
from pipeline.domain.model import EntryState, Person
from pipeline.store.accounts import visibility
from pipeline.store.database.engines import insert_missing
from pipeline.store.entries.entry_view import EntryView
from pipeline.store.schema.review import look

MAX_VIEW_TIME = timedelta(minutes=15)
"""A reviewer who has an entry open for longer has been away: the time is not stored."""


def save_view_time(
    conn: Connection, person: Person, view: EntryView, shown_at: datetime, now: datetime
) -> None:
    """Store how long the person has looked at an entry that is now decided.

    `view` is the entry as it was shown.

    Raises:
        NotAllowedError: the person does not review this entry.
    """
    visibility.require_visible_entry(conn, person, Action.REVIEW, view.entry)
    if not timedelta() < now - shown_at <= MAX_VIEW_TIME:
        return
    # Only fields that the person had to decide count.
    fields = sum(field.is_open and not field.is_batch_confirmed for field in view.fields)
    second = view.entry.state is EntryState.SECOND
    row = {
        "entry": view.entry.id,
        "revision": view.entry.revision,
        "login": person.login,
        "at": now,
        "fields": fields,
        "second": second,
    }
    insert_missing(
        conn, look, [row | {"seconds": (now - shown_at).total_seconds()}] if fields else []
    )
