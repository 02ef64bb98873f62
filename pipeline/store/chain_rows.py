"""The chain of the log in the database: rows are added at its end, and read from its beginning.

What a transaction records is added when it ends, as the last thing it does: the end of the chain is held only while the rows are written and the
transaction is committed, and nobody who holds it waits for anything else. So the chain cannot fork, transactions that record something
do not wait for each other's work, and a crash leaves a row with its link or no row.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Sequence
from itertools import takewhile
from typing import Any

from sqlalchemy import Connection, Select, bindparam, insert, select, update

from pipeline.store import tables
from pipeline.store.chain import GENESIS, Head, LogRow, Problem, Verdict, Wrong, chained, check
from pipeline.store.log_tables import event_head, is_protected, log_key, protect

_event = tables.event
_ONLY = 1
_AT_ONCE = 5000


def begin_log(conn: Connection) -> None:
    """Make the log of a new store, or chain the rows of an old one; then it is protected. Done again, it changes nothing."""
    if conn.execute(select(event_head.c.id)).first() is None:
        conn.execute(insert(event_head).values(id=_ONLY, number=0, sha256=GENESIS))
        conn.execute(insert(log_key).values(id=_ONLY, key=secrets.token_hex(32)))
        _chain_old(conn)
    protect(conn)


def append(conn: Connection, rows: Sequence[LogRow]) -> None:
    """Put rows at the end of the chain; their numbers and digests are made here. Nothing else may be locked after this in the transaction."""
    if not rows:
        return
    held = conn.execute(select(event_head.c.number, event_head.c.sha256).where(event_head.c.id == _ONLY).with_for_update()).one()
    head, new = Head(held.number, held.sha256), list[dict[str, Any]]()
    for row in rows:
        placed = chained(row, head)
        new.append(_values(placed))
        head = Head(placed.id, placed.sha256 or "")
    conn.execute(insert(_event), new)
    conn.execute(update(event_head).where(event_head.c.id == _ONLY).values(number=head.number, sha256=head.sha256))


def head(conn: Connection) -> Head | None:
    """Where the chain ends; None if somebody has removed that."""
    row = conn.execute(select(event_head.c.number, event_head.c.sha256).where(event_head.c.id == _ONLY)).one_or_none()
    return Head(row.number, row.sha256) if row else None


def verify(conn: Connection, anchors: Sequence[Head] = ()) -> Verdict:
    """Check the whole log. It may grow meanwhile.

    Args:
        anchors: heads of earlier, as they were kept elsewhere.
    """
    walk = _Walk(conn)
    found = check(walk.rows(), lambda: walk.end, lambda sha256: _find(conn, sha256), anchors)
    if is_protected(conn):
        return found
    return Verdict(found.rows, found.head, (Problem(Wrong.UNPROTECTED, 0, 0), *found.problems), found.count + 1)


def rewritten(conn: Connection, anchors: Sequence[Head]) -> list[int]:
    """The numbers of kept heads whose row is gone or has another digest. A look at these rows only."""
    numbers, found = sorted({anchor.number for anchor in anchors}), {0: GENESIS}
    for start in range(0, len(numbers), _AT_ONCE):
        rows = conn.execute(select(_event.c.id, _event.c.sha256).where(_event.c.id.in_(numbers[start : start + _AT_ONCE])))
        found |= {row.id: row.sha256 for row in rows}
    return sorted({anchor.number for anchor in anchors if found.get(anchor.number) != anchor.sha256})


class _Walk:
    """The whole log and, once the rows have been gone through, its end. On PostgreSQL each query sees what was committed up to then."""

    def __init__(self, conn: Connection) -> None:
        self._conn = conn
        self.end: Head | None = None

    def rows(self) -> Iterator[LogRow]:
        """All rows, with those that came between the last of them and the look at the end."""
        last = 0
        for row in all_rows(self._conn):
            yield row
            last = row.id
        self.end = head(self._conn)
        if self.end is not None and self.end.number > last:
            yield from takewhile(lambda row: self.end is not None and row.id <= self.end.number, all_rows(self._conn, last))


def all_rows(conn: Connection, last: int = 0) -> Iterator[LogRow]:
    """The log from its beginning or after a row, some thousand rows at a time."""
    while rows := conn.execute(_query().where(_event.c.id > last).order_by(_event.c.id).limit(_AT_ONCE)).all():
        yield from (LogRow(*row) for row in rows)
        last = rows[-1].id


def key(conn: Connection) -> bytes:
    """The key of the log's digests."""
    return bytes.fromhex(conn.execute(select(log_key.c.key).where(log_key.c.id == _ONLY)).scalar_one())


def _chain_old(conn: Connection) -> None:
    """Link the rows that were written before there was a chain. Numbers that rolled back transactions left out stay left out."""
    last = Head(0, GENESIS)
    while rows := conn.execute(_query().where(_event.c.id > last.number).order_by(_event.c.id).limit(_AT_ONCE)).all():
        links = []
        for row in rows:
            placed = chained(LogRow(*row), Head(row.id - 1, last.sha256))
            links.append({"row": placed.id, "to": placed.previous, "own": placed.sha256})
            last = Head(placed.id, placed.sha256 or "")
        conn.execute(_LINK, links)
    if last.number:
        conn.execute(update(event_head).values(number=last.number, sha256=last.sha256))


_LINK = update(_event).where(_event.c.id == bindparam("row")).values(previous=bindparam("to"), sha256=bindparam("own"))


def _find(conn: Connection, sha256: str) -> int | None:
    return conn.execute(select(_event.c.id).where(_event.c.sha256 == sha256).limit(1)).scalar_one_or_none()


def _query() -> Select[Any]:
    names = ("id", "at", "by", "action", "subject", "unit", "detail", "previous", "sha256")
    return select(*(_event.c[name] for name in names))


def _values(row: LogRow) -> dict[str, Any]:
    return {name: getattr(row, name) for name in ("id", "at", "by", "action", "subject", "unit", "previous", "sha256")} | {"detail": dict(row.detail)}
