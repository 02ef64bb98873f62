"""Claims on exported entries that are keyed into another system by hand.

One person at a time has an entry. It is claimed by a single statement, and the claim expires.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, or_, select

from pipeline.store.database.engines import upsert_where
from pipeline.store.schema.clock import has_lapsed, is_claimed
from pipeline.store.schema.exports import key_in_claim


def claim_entry(
    conn: Connection, login: str, entry_id: str, revision: int, now: datetime, minutes: float
) -> bool:
    """Claim an entry's revision; return whether the person has it now.

    That is so if nobody had it, another person's claim has expired, or the person has it already.
    """
    row = {
        "entry": entry_id,
        "revision": revision,
        "by": login,
        "until": now + timedelta(minutes=minutes),
    }
    # The person's own claim is renewed; another's is replaced once it has expired
    is_free = or_(key_in_claim.c.by == login, has_lapsed(key_in_claim.c.until, now))
    return upsert_where(conn, key_in_claim, row, is_free)


def release_claims(conn: Connection, login: str) -> None:
    """Release all claims of the person."""
    conn.execute(delete(key_in_claim).where(key_in_claim.c.by == login))


def list_claimed_by_others(conn: Connection, login: str, now: datetime) -> set[tuple[str, int]]:
    """Return the entries and revisions that other persons are keying."""
    claim = key_in_claim.c
    # Claims of others that have not expired
    query = select(claim.entry, claim.revision).where(
        claim.by != login, is_claimed(claim.until, now)
    )
    return {(row.entry, row.revision) for row in conn.execute(query)}
