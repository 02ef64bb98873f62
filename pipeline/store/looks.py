"""How long people have an entry on the screen before they decide it."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Connection

from pipeline.access import Action
from pipeline.model import EntryState, Person
from pipeline.store import sight
from pipeline.store.control_tables import look
from pipeline.store.entry_views import EntryView
from pipeline.store.upsert import insert_new

LONGEST = timedelta(minutes=15)
"""Whoever has an entry open for longer has been away: it says nothing of how long the work takes."""


def note_look(conn: Connection, person: Person, view: EntryView, shown_at: datetime, now: datetime) -> None:
    """Keep how long the person has looked at what is now decided. Called with the view as it was shown.

    Raises:
        NotAllowedError: the person does not review this entry.
    """
    sight.require_entry(conn, person, Action.REVIEW, view.entry)
    if not timedelta() < now - shown_at <= LONGEST:
        return
    fields = sum(field.open and not field.grouped for field in view.fields)
    second = view.entry.state is EntryState.SECOND
    row = {"entry": view.entry.id, "revision": view.entry.revision, "login": person.login, "at": now, "fields": fields, "second": second}
    insert_new(conn, look, [row | {"seconds": (now - shown_at).total_seconds()}] if fields else [])
