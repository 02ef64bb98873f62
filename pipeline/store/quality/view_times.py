"""How long people have an entry on the screen before they decide it."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Connection

from pipeline.domain.model import EntryState, Person
from pipeline.domain.permissions import Action
from pipeline.store.accounts import visibility
from pipeline.store.database.engines import insert_missing
from pipeline.store.entries.entry_view import EntryView
from pipeline.store.schema.review import look

MAX_VIEW_TIME = timedelta(minutes=15)
"""Whoever has an entry open for longer has been away: it says nothing of how long the work takes."""


def save_view_time(
    conn: Connection, person: Person, view: EntryView, shown_at: datetime, now: datetime
) -> None:
    """Keep how long the person has looked at what is now decided. Called with the view as it was
    shown.

    Raises:
        NotAllowedError: the person does not review this entry.
    """
    visibility.require_visible_entry(conn, person, Action.REVIEW, view.entry)
    if not timedelta() < now - shown_at <= MAX_VIEW_TIME:
        return
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
