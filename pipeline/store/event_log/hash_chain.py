"""The hash chain of the event log: append rows, read them and find changes.

A row holds the digest of the row before it (`previous`) and the SHA-256 of its own content with
that digest (`sha256`). Changing a row breaks its own digest; giving it a new digest breaks the link
of the next row; rewriting all rows after it contradicts a head that was stored elsewhere (an
anchor).

Rows are appended at the end of the transaction that recorded them, as the last thing it does. The
end of the chain is thus locked only while rows are written and committed, and a transaction that
holds it waits for nothing else: the chain cannot fork, recording transactions do not wait for each
other's work, and a crash leaves a linked row or none.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from itertools import takewhile
from typing import Any

from sqlalchemy import Connection, Select, bindparam, insert, select, update

from pipeline.store.schema import paper
from pipeline.store.schema.accounts import event_head, is_log_protected, log_key, protect_log

Detail = str | int | float | bool | None
GENESIS_DIGEST = "0" * 64
"""The digest before the first row."""
MAX_PROBLEMS = 200
"""How many problems are listed; all are counted."""

_HEAD_ID = 1
_CHUNK_ROWS = 5000
"""How many rows one query reads."""

_event_table = paper.event
_SET_LINK = (
    update(_event_table)
    .where(_event_table.c.id == bindparam("row"))
    .values(previous=bindparam("to"), sha256=bindparam("own"))
)


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


@dataclass(frozen=True, slots=True)
class ChainHead:
    """The last row of a chain: its number and digest."""

    number: int
    sha256: str


class ProblemKind(StrEnum):
    """What can be wrong with a log."""

    CHANGED = "changed"
    REMOVED = "removed"
    MOVED = "moved"
    UNCHAINED = "unchained"
    REWRITTEN = "rewritten"
    UNPROTECTED = "unprotected"


@dataclass(frozen=True, slots=True)
class ChainProblem:
    """Something wrong with the rows `first` to `last`; a moved row was at `origin` before."""

    wrong: ProblemKind
    first: int
    last: int
    origin: int | None = None


@dataclass(frozen=True, slots=True)
class ChainVerdict:
    """The result of checking a log; `count` may exceed the number of listed problems."""

    rows: int
    head: ChainHead
    problems: tuple[ChainProblem, ...]
    count: int


def row_digest(row: LogRow) -> str:
    """Return the SHA-256 of a row's content, with the digest before it, as canonical JSON."""
    content = [
        row.id,
        f"{row.at.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%f}",
        row.by,
        row.action,
        row.subject,
        row.unit,
        dict(row.detail),
        row.previous,
    ]
    canonical = json.dumps(
        content, sort_keys=True, ensure_ascii=True, separators=(",", ":"), allow_nan=False
    )
    return hashlib.sha256(canonical.encode()).hexdigest()


def link_row(row: LogRow, head: ChainHead) -> LogRow:
    """Return the row linked to a chain's head, with the next number."""
    linked = replace(row, id=head.number + 1, previous=head.sha256)
    return replace(linked, sha256=row_digest(linked))


def check_chain(
    rows: Iterable[LogRow],
    head: Callable[[], ChainHead | None],
    find: Callable[[str], int | None],
    anchors: Iterable[ChainHead] = (),
) -> ChainVerdict:
    """Check a whole log in the order of its numbers.

    Args:
        rows: all rows.
        head: returns the database's end of the chain; called after the rows, so that a log that
            grows meanwhile is not reported.
        find: returns the number of the row with a digest, None if no row has it.
        anchors: earlier heads that were stored elsewhere. Of two that contradict each other, one is
            reported.
    """
    digests_by_number = defaultdict[int, set[str]](set)
    for anchor in anchors:
        digests_by_number[anchor.number].add(anchor.sha256)
    return _ChainChecker(find, digests_by_number).run(rows, head)


class _ChainChecker:
    """One pass along a chain; collects problems."""

    def __init__(self, find: Callable[[str], int | None], anchors: Mapping[int, set[str]]) -> None:
        self._find, self._anchors = find, dict(anchors)
        self._problems: list[ChainProblem] = []
        self._count = self._rows = 0
        self._last, self._last_good = ChainHead(0, GENESIS_DIGEST), True

    def run(self, rows: Iterable[LogRow], head: Callable[[], ChainHead | None]) -> ChainVerdict:
        """Check the rows, then the end, then the anchors that no row matched."""
        # An anchor of the empty log can only have the first digest
        if self._anchors.pop(0, {GENESIS_DIGEST}) != {GENESIS_DIGEST}:
            self._add_problem(ProblemKind.REWRITTEN, 0)
        for row in rows:
            self._rows += 1
            self._check_row(row)
        self._check_end(head())
        # The rows of the anchors that are left no longer exist
        for number in sorted(self._anchors):
            self._add_problem(ProblemKind.REWRITTEN, number)
        return ChainVerdict(self._rows, self._last, tuple(self._problems), self._count)

    def _check_row(self, row: LogRow) -> None:
        """Check a row's own digest, its link to the row before, and its anchor."""
        # A row without digests was inserted without the program
        if row.sha256 is None or row.previous is None:
            self._add_problem(ProblemKind.UNCHAINED, row.id)
            return
        is_intact = row_digest(row) == row.sha256
        is_linked = row.previous == self._last.sha256
        # A gap in the numbers with a broken link: rows are missing
        if not is_linked and row.id > self._last.number + 1:
            self._add_problem(ProblemKind.REMOVED, self._last.number + 1, row.id - 1)
        elif not is_linked and is_intact and self._last_good:
            # The row itself is intact, so the row before it got a new digest
            self._add_problem(ProblemKind.CHANGED, self._last.number)
        if not is_intact:
            self._report_broken(row)
        if self._anchors.pop(row.id, {row.sha256}) != {row.sha256}:
            self._add_problem(ProblemKind.REWRITTEN, row.id)
        self._last, self._last_good = ChainHead(row.id, row.sha256), is_intact

    def _report_broken(self, row: LogRow) -> None:
        """Report a row whose digest is wrong: moved if it fits elsewhere, else changed."""
        # Look up the row that this one was linked to, as long as problems are listed
        previous_number = (
            self._find(row.previous or "")
            if self._count < MAX_PROBLEMS and row.previous != self._last.sha256
            else None
        )
        origin = None if previous_number is None else previous_number + 1
        if row.previous == GENESIS_DIGEST:
            origin = 1
        # With the number after that row, the digest of a moved row is right again
        is_moved = (
            origin is not None
            and origin != row.id
            and row_digest(replace(row, id=origin)) == row.sha256
        )
        self._add_problem(
            ProblemKind.MOVED if is_moved else ProblemKind.CHANGED,
            row.id,
            origin=origin if is_moved else None,
        )

    def _check_end(self, head: ChainHead | None) -> None:
        """Compare the stored end of the chain with the last row."""
        last = self._last
        # The row with the end is missing
        if head is None:
            self._add_problem(ProblemKind.REMOVED, last.number, last.number)
        elif head.number > last.number:
            self._add_problem(ProblemKind.REMOVED, last.number + 1, head.number)
        elif head.number < last.number:
            self._add_problem(ProblemKind.UNCHAINED, head.number + 1, last.number)
        elif head.sha256 != last.sha256 and self._last_good:
            self._add_problem(ProblemKind.CHANGED, last.number)

    def _add_problem(
        self, kind: ProblemKind, first: int, last: int | None = None, origin: int | None = None
    ) -> None:
        self._count += 1
        if len(self._problems) < MAX_PROBLEMS:
            self._problems.append(ChainProblem(kind, first, last or first, origin))


def start_chain(conn: Connection) -> None:
    """Start the chain of a new store, or link the rows of an older one; then protect the log.

    Repeating it changes nothing.
    """
    if conn.execute(select(event_head.c.id)).first() is None:
        conn.execute(insert(event_head).values(id=_HEAD_ID, number=0, sha256=GENESIS_DIGEST))
        conn.execute(insert(log_key).values(id=_HEAD_ID, key=secrets.token_hex(32)))
        _link_unchained_rows(conn)
    protect_log(conn)


def append_rows(conn: Connection, rows: Sequence[LogRow]) -> None:
    """Append rows to the chain, giving them their numbers and digests.

    Nothing else may be locked after this in the transaction.
    """
    if not rows:
        return
    # Lock the end of the chain until the transaction is committed
    end = conn.execute(
        select(event_head.c.number, event_head.c.sha256)
        .where(event_head.c.id == _HEAD_ID)
        .with_for_update()
    ).one()
    head, values = ChainHead(end.number, end.sha256), list[dict[str, Any]]()
    for row in rows:
        linked = link_row(row, head)
        values.append(_row_values(linked))
        head = ChainHead(linked.id, linked.sha256 or "")
    conn.execute(insert(_event_table), values)
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


def verify_chain(conn: Connection, anchors: Sequence[ChainHead] = ()) -> ChainVerdict:
    """Check the whole log, which may grow meanwhile.

    Args:
        anchors: earlier heads, as they were stored elsewhere.
    """
    reader = _ChainReader(conn)
    verdict = check_chain(
        reader.rows(), lambda: reader.end, lambda sha256: _find_row_number(conn, sha256), anchors
    )
    if is_log_protected(conn):
        return verdict
    # Disabled triggers are a problem of the whole log, listed first
    return ChainVerdict(
        verdict.rows,
        verdict.head,
        (ChainProblem(ProblemKind.UNPROTECTED, 0, 0), *verdict.problems),
        verdict.count + 1,
    )


def find_rewritten_anchors(conn: Connection, anchors: Sequence[ChainHead]) -> list[int]:
    """Return the numbers of anchors whose row is missing or has another digest.

    Reads these rows only.
    """
    numbers = sorted({anchor.number for anchor in anchors})
    digest_by_number = {0: GENESIS_DIGEST}
    # Only the rows with these numbers, in parts that one query can list
    for start in range(0, len(numbers), _CHUNK_ROWS):
        rows = conn.execute(
            select(_event_table.c.id, _event_table.c.sha256).where(
                _event_table.c.id.in_(numbers[start : start + _CHUNK_ROWS])
            )
        )
        digest_by_number |= {row.id: row.sha256 for row in rows}
    return sorted(
        {
            anchor.number
            for anchor in anchors
            if digest_by_number.get(anchor.number) != anchor.sha256
        }
    )


class _ChainReader:
    """Reads the whole log and then the end of the chain, in this order.

    On PostgreSQL each query sees what was committed until then.
    """

    def __init__(self, conn: Connection) -> None:
        self._conn = conn
        self.end: ChainHead | None = None

    def rows(self) -> Iterator[LogRow]:
        """Yield all rows, with those appended between reading the last of them and the end."""
        last = 0
        for row in read_rows(self._conn):
            yield row
            last = row.id
        self.end = load_head(self._conn)
        # Rows appended meanwhile, up to the end that was read
        if self.end is not None and self.end.number > last:
            yield from takewhile(
                lambda row: self.end is not None and row.id <= self.end.number,
                read_rows(self._conn, last),
            )


def read_rows(conn: Connection, last: int = 0) -> Iterator[LogRow]:
    """Yield the rows after a number, in chunks of some thousand rows."""
    # Chunks by number, since the log may be larger than memory
    while rows := conn.execute(
        _rows_query().where(_event_table.c.id > last).order_by(_event_table.c.id).limit(_CHUNK_ROWS)
    ).all():
        yield from (LogRow(*row) for row in rows)
        last = rows[-1].id


def digest_key(conn: Connection) -> bytes:
    """Return the key of the log's digests of personal numbers."""
    return bytes.fromhex(
        conn.execute(select(log_key.c.key).where(log_key.c.id == _HEAD_ID)).scalar_one()
    )


def _link_unchained_rows(conn: Connection) -> None:
    """Link the rows that were written before there was a chain.

    Numbers that rolled back transactions skipped stay unused.
    """
    last = ChainHead(0, GENESIS_DIGEST)
    while rows := conn.execute(
        _rows_query()
        .where(_event_table.c.id > last.number)
        .order_by(_event_table.c.id)
        .limit(_CHUNK_ROWS)
    ).all():
        links = []
        for row in rows:
            # A row keeps its number, whatever numbers are missing before it
            linked = link_row(LogRow(*row), ChainHead(row.id - 1, last.sha256))
            links.append({"row": linked.id, "to": linked.previous, "own": linked.sha256})
            last = ChainHead(linked.id, linked.sha256 or "")
        conn.execute(_SET_LINK, links)
    if last.number:
        conn.execute(update(event_head).values(number=last.number, sha256=last.sha256))


def _find_row_number(conn: Connection, sha256: str) -> int | None:
    return conn.execute(
        select(_event_table.c.id).where(_event_table.c.sha256 == sha256).limit(1)
    ).scalar_one_or_none()


def _rows_query() -> Select[Any]:
    names = ("id", "at", "by", "action", "subject", "unit", "detail", "previous", "sha256")
    return select(*(_event_table.c[name] for name in names))


def _row_values(row: LogRow) -> dict[str, Any]:
    return {
        name: getattr(row, name)
        for name in ("id", "at", "by", "action", "subject", "unit", "previous", "sha256")
    } | {"detail": dict(row.detail)}
