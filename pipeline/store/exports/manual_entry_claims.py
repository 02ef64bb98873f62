"""An exported entry that is keyed in by hand belongs to one person at a time. Taking it is one
statement; it expires.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, or_, select

from pipeline.store.database.engines import upsert_where
from pipeline.store.schema.exports import key_in_claim


def claim_entry(
    conn: Connection, login: str, entry_id: str, revision: int, now: datetime, minutes: float
) -> bool:
    """Whether the person has it now: nobody had it, the time of whoever had it is over, or it is
    the person's already.
    """
    row = {
        "entry": entry_id,
        "revision": revision,
        "by": login,
        "until": now + timedelta(minutes=minutes),
    }
    free = or_(key_in_claim.c.by == login, key_in_claim.c.until < now)
    return upsert_where(conn, key_in_claim, row, free)


def release_claims(conn: Connection, login: str) -> None:
    """Give back all that the person has."""
    conn.execute(delete(key_in_claim).where(key_in_claim.c.by == login))


def list_claimed_by_others(conn: Connection, login: str, now: datetime) -> set[tuple[str, int]]:
    """Entries and revisions that others are keying in."""
    claim = key_in_claim.c
    query = select(claim.entry, claim.revision).where(claim.by != login, claim.until >= now)
    return {(row.entry, row.revision) for row in conn.execute(query)}
