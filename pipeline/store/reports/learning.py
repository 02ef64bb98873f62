"""What `learn` began to install and was stopped at, as the log has it."""

from __future__ import annotations

from sqlalchemy import Connection

from pipeline.store.event_log.events import list_events

LEARNING_SUBJECT = "models"
"""The subject of the events of learning: what is in use is one for all."""


def find_unfinished_learning(conn: Connection) -> tuple[str, ...]:
    """Return the names of what was to be installed, if the log does not say what became of it."""
    steps = [
        event
        for event in list_events(conn, LEARNING_SUBJECT)
        if event.action in {"begin_learning", "learn"}
    ]
    if not steps or steps[-1].action == "learn":
        return ()
    return tuple(str(steps[-1].detail["installed"]).split(","))
