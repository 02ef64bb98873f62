"""Which values of entries were copied for another system, by whom and when; never a value itself.

A value has the name of its field. Rows are only added: one for each value and person.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, and_, exists, func, insert, select

from pipeline.store.schema.clock import is_claimed
from pipeline.store.schema.exports import key_in_claim, receipt
from pipeline.store.schema.id_chunks import chunk_ids
from pipeline.store.schema.manual_entry import key_in_copy

PART_CHARS = 200
"""The most characters of a part's name."""
_table = key_in_copy.c


@dataclass(frozen=True, slots=True)
class CopiedPart:
    """A value of an entry's export (`revision`) that a person copied."""

    entry_id: str
    revision: int
    part: str
    by: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Keying:
    """A person who has an entry on the screen now (`at` is None), or copied from it at a moment."""

    by: str
    at: datetime | None = None


def save_copies(
    conn: Connection,
    login: str,
    copied: Mapping[tuple[str, int], Sequence[str]],
    now: datetime,
) -> None:
    """Store which values of entries (id, revision) a person has copied; known ones are left."""
    known = {
        (copy.entry_id, copy.revision, copy.part)
        for copy in list_copies(conn, [entry_id for entry_id, _ in copied])
        if copy.by == login
    }
    rows = [
        {"entry": entry_id, "revision": revision, "part": part, "by": login, "at": now}
        for (entry_id, revision), parts in copied.items()
        for part in dict.fromkeys(part[:PART_CHARS] for part in parts)
        if (entry_id, revision, part) not in known
    ]
    if rows:
        conn.execute(insert(key_in_copy), rows)


def list_copies(conn: Connection, entry_ids: Sequence[str]) -> list[CopiedPart]:
    """Return what was copied of these entries, oldest first."""
    columns = (_table.entry, _table.revision, _table.part, _table.by, _table.at)
    return [
        CopiedPart(*row)
        for part in chunk_ids(entry_ids)
        for row in conn.execute(select(*columns).where(_table.entry.in_(part)).order_by(_table.id))
    ]


def list_keying(conn: Connection, entry_id: str, login: str, now: datetime) -> list[Keying]:
    """Return who else than `login` has an entry on the screen, and who copied from it.

    What its system has answered is left out: what is copied then was also ticked or refused.
    """
    claim = key_in_claim.c
    held = select(claim.by).where(
        claim.entry == entry_id, claim.by != login, is_claimed(claim.until, now)
    )
    answered = exists().where(
        and_(receipt.c.entry == _table.entry, receipt.c.revision == _table.revision)
    )
    latest = func.max(_table.at)
    copied = (
        select(_table.by, latest.label("at"))
        .where(_table.entry == entry_id, _table.by != login, ~answered)
        .group_by(_table.by)
        .order_by(latest)
    )
    return [
        *(Keying(row.by) for row in conn.execute(held.distinct())),
        *(Keying(row.by, row.at) for row in conn.execute(copied)),
    ]
