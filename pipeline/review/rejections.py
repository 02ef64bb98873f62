"""Reject entries, and give rejected ones back to review.

A rejected entry stays readable, and keeps what people have typed in it.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from pipeline.domain.errors import ReviewError
from pipeline.domain.model import EntryState, Person
from pipeline.domain.review.rules import REJECTION_REASONS
from pipeline.review.decisions import write_decision
from pipeline.store.entries.answers import previous_return_reason
from pipeline.store.entries.entry import (
    DECIDED_STATES,
    OPEN_STATES,
    UNDECIDED_VALUES,
    Entry,
    advance_entry,
    is_claimed_by_other,
    load_entry_as_seen,
    require_not_void,
    stale_decision_error,
)
from pipeline.store.event_log.events import record
from pipeline.store.exports.run_items import latest_exports


def reject_entry(
    conn: Connection,
    person: Person,
    entry_id: str,
    revision: int,
    reason: str,
    now: datetime,
    *,
    signed: bool = False,
) -> None:
    """Reject an entry with one of `rules.REJECTION_REASONS`; it stays readable and can be reopened.

    Args:
        signed: also reject an entry that has been signed; it loses its signature.

    Raises:
        NotAllowedError, StaleDecisionError: as `decisions.decide_entry`.
        ReviewError: the reason is not allowed, or the entry has been exported or, unless `signed`,
            signed (then `Corrections.void`).
    """
    if reason not in REJECTION_REASONS:
        raise ReviewError("rejection_reason_unknown", review=", ".join(REJECTION_REASONS))
    entry = load_entry_as_seen(conn, person, entry_id, revision, OPEN_STATES | DECIDED_STATES)
    if is_claimed_by_other(entry, person, now):
        raise stale_decision_error()
    require_not_exported(conn, entry, signed=signed)
    # The first decision, or one more after it.
    reviewer: dict[str, Any] = (
        {"second_by": person.login, "second_at": now}
        if entry.first_by
        else {"first_by": person.login, "first_at": now}
    )
    write_decision(
        conn, person, entry, now, {}, state=EntryState.REJECTED, reason=reason, **reviewer
    )


def reopen_rejected(
    conn: Connection,
    person: Person,
    entry_id: str,
    revision: int,
    reason: str = "",
    *,
    as_before: Mapping[str, Any] | None = None,
) -> None:
    """Give a rejected entry back to review.

    `reason` is shown to its reviewer; without it, the reason why it had come back before it was
    rejected.

    Args:
        as_before: columns and values from before the entry was rejected; they are restored.

    Raises:
        NotAllowedError, StaleDecisionError: as `decisions.decide_entry`.
    """
    entry = load_entry_as_seen(conn, person, entry_id, revision, frozenset({EntryState.REJECTED}))
    require_not_void(entry)
    # Restored as it was, or undecided with a reason for its reviewer.
    advance_entry(
        conn,
        entry,
        **(
            as_before
            or {**UNDECIDED_VALUES, "reason": reason or previous_return_reason(conn, entry) or ""}
        ),
    )
    record(conn, person.login, "reopen", entry_id, unit=entry.unit)


def require_not_exported(conn: Connection, entry: Entry, *, signed: bool = False) -> None:
    """Require that no target has the entry and, unless `signed`, that nobody has signed it.

    Raises:
        ReviewError: it is exported or signed.
    """
    if entry.state is EntryState.SIGNED and not signed:
        raise ReviewError("entry_signed")
    # An entry that its target refused is in no system.
    if latest_exports(conn, [entry.id]):
        raise ReviewError("entry_exported")
