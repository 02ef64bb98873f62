"""The hash chain of the event log: append rows and read them.

A row holds the digest of the row before it (`previous`) and the SHA-256 of its own content with
that digest (`sha256`). Changing a row breaks its own digest; giving it a new digest breaks the link
of the next row; rewriting all rows after it contradicts a head that was stored elsewhere (an
anchor).

Rows are appended at the end of the transaction that recorded them, as the last thing it does. The
end of the chain is thus locked only while rows are written and committed, and a transaction that
holds it waits for nothing else: the chain cannot fork, recording transactions do not wait for each
other's work, and a crash leaves a linked row or none.

The last row of a transaction also holds the digest of what it changed in the record (`records`).
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, insert, select, update

from pipeline.store.event_log.records import (
    RecordDigest,
    RecordKey,
    canonical_json,
    digest_of_digests,
    list_changed_since,
    read_digests,
)
from pipeline.store.schema import paper
from pipeline.store.schema.accounts import event_head, log_key, record_digest

Detail = str | int | float | bool | None
GENESIS_DIGEST = "0" * 64
"""The digest before the first row."""
_HEAD_ID = 1
_CHUNK_ROWS = 5000
"""How many rows one query reads."""

_event_table = paper.event


@dataclass(frozen=True, slots=True)
class LogRow:
    """One row of the log; without `sha256` it was inserted without the program."""

    id: int
    at: datetime
    by: str
    action: str
    subject: str
    unit: str | None
    detail: Mapping[str, Detail]
    previous: str | None
    sha256: str | None
    records: str | None = None
    """Digest of what its transaction changed in the record; see `records.digest_of_digests`."""


@dataclass(frozen=True, slots=True)
class ChainHead:
    """The last row of a chain: its number and digest."""

    number: int
    sha256: str


_NAMES = tuple(field.name for field in fields(LogRow))


def row_digest(row: LogRow) -> str:
    """Return the SHA-256 of a row's content, with the digest before it, as canonical JSON."""
    content = [
        row.id,
        row.at.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds"),
        row.by,
        row.action,
        row.subject,
        row.unit,
        dict(row.detail),
        row.previous,
    ]
    # Rows from before the log covered the record have their digest without it
    if row.records is not None:
        content.append(row.records)
    return hashlib.sha256(canonical_json(content).encode()).hexdigest()


def link_row(row: LogRow, head: ChainHead) -> LogRow:
    """Return the row linked to a chain's head, with the next number."""
    linked = replace(row, id=head.number + 1, previous=head.sha256)
    return replace(linked, sha256=row_digest(linked))


def start_chain(conn: Connection) -> None:
    """Start the chain of a new store."""
    conn.execute(insert(event_head).values(id=_HEAD_ID, number=0, sha256=GENESIS_DIGEST))
    conn.execute(insert(log_key).values(id=_HEAD_ID, key=secrets.token_hex(32)))


def append_rows(
    conn: Connection, rows: Sequence[LogRow], changes: Collection[RecordKey] = ()
) -> None:
    """Append rows to the chain, giving them their numbers and digests.

    Nothing else may be locked after this in the transaction.

    Args:
        conn: the transaction, at its end.
        rows: at least one if there are changes.
        changes: what the transaction changed in the record; the last row covers it.
    """
    if not rows:
        return
    # Digests are made before the chain is locked, since many rows take long
    known = load_head(conn) if changes else None
    digests = read_digests(conn, changes)
    # Lock the end of the chain until the transaction is committed
    end = conn.execute(
        select(event_head.c.number, event_head.c.sha256)
        .where(event_head.c.id == _HEAD_ID)
        .with_for_update()
    ).one()
    head, values = ChainHead(end.number, end.sha256), list[dict[str, Any]]()
    # What others changed meanwhile is read again; nobody can commit more before this transaction
    if known is not None and head.number != known.number:
        digests |= read_digests(conn, list_changed_since(conn, changes, known.number))
    stored = [RecordDigest(key, sha256) for key, sha256 in digests.items()]
    records = digest_of_digests(stored) if stored else None
    for row in (*rows[:-1], replace(rows[-1], records=records)):
        linked = link_row(row, head)
        values.append(
            {name: getattr(linked, name) for name in _NAMES} | {"detail": dict(linked.detail)}
        )
        head = ChainHead(linked.id, linked.sha256 or "")
    conn.execute(insert(_event_table), values)
    if stored:
        values = [
            {
                "kind": one.key.kind,
                "owner": one.key.owner,
                "event": head.number,
                "sha256": one.sha256,
            }
            for one in stored
        ]
        conn.execute(insert(record_digest), values)
    conn.execute(
        update(event_head)
        .where(event_head.c.id == _HEAD_ID)
        .values(number=head.number, sha256=head.sha256)
    )


def load_head(conn: Connection) -> ChainHead | None:
    """Return the end of the chain, or None if its row was removed."""
    row = conn.execute(
        select(event_head.c.number, event_head.c.sha256).where(event_head.c.id == _HEAD_ID)
    ).one_or_none()
    return ChainHead(row.number, row.sha256) if row else None


def read_rows(conn: Connection, last: int = 0) -> Iterator[LogRow]:
    """Yield the rows after a number, in chunks of some thousand rows."""
    # Chunks by number, since the log may be larger than memory
    while rows := conn.execute(
        select(*(_event_table.c[name] for name in _NAMES))
        .where(_event_table.c.id > last)
        .order_by(_event_table.c.id)
        .limit(_CHUNK_ROWS)
    ).all():
        yield from (LogRow(*row) for row in rows)
        last = rows[-1].id


def digest_key(conn: Connection) -> bytes:
    """Return the key of the log's digests of personal numbers."""
    return bytes.fromhex(
        conn.execute(select(log_key.c.key).where(log_key.c.id == _HEAD_ID)).scalar_one()
    )
