"""The chain of the log: what a row's digest covers, and how a changed, removed or moved row is
found. Pure; the rows come from `chain_rows`.

A row holds the digest of the row before it (`previous`) and the SHA-256 of its own content with
that digest (`sha256`). Whoever changes a row breaks its own digest; whoever makes a new digest
for it breaks the link of the next row; whoever rewrites all rows after it is found by the head
that was kept elsewhere (the anchor).

The chain of the log in the database: rows are added at its end, and read from its beginning.

What a transaction records is added when it ends, as the last thing it does: the end of the chain
is held only while the rows are written and the transaction is committed, and nobody who holds it
waits for anything else. So the chain cannot fork, transactions that record something do not wait
for each other's work, and a crash leaves a row with its link or no row.
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
"""What the first row has before it."""
MAX_PROBLEMS = 200
"""How many problems are named; all are counted."""
_event_table = paper.event
_HEAD_ID = 1
_CHUNK_ROWS = 5000
_SET_LINK = (
    update(_event_table)
    .where(_event_table.c.id == bindparam("row"))
    .values(previous=bindparam("to"), sha256=bindparam("own"))
)


@dataclass(frozen=True, slots=True)
class LogRow:
    """One row of the log. Without `sha256` it was put in past the program."""

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
    """Something wrong with the rows `first` to `last`. A row that was moved stood at `origin`."""

    wrong: ProblemKind
    first: int
    last: int
    origin: int | None = None


@dataclass(frozen=True, slots=True)
class ChainVerdict:
    """What checking a log came to. `count` may be more than the problems that are named."""

    rows: int
    head: ChainHead
    problems: tuple[ChainProblem, ...]
    count: int


def row_digest(row: LogRow) -> str:
    """The SHA-256 of a row: of all its content in one canonical text, and of the digest before it."""
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
    text = json.dumps(
        content, sort_keys=True, ensure_ascii=True, separators=(",", ":"), allow_nan=False
    )
    return hashlib.sha256(text.encode()).hexdigest()


def link_row(row: LogRow, head: ChainHead) -> LogRow:
    """The row as it stands next in a chain with this head; its number is the next too."""
    placed = replace(row, id=head.number + 1, previous=head.sha256)
    return replace(placed, sha256=row_digest(placed))


def check_chain(
    rows: Iterable[LogRow],
    head: Callable[[], ChainHead | None],
    find: Callable[[str], int | None],
    anchors: Iterable[ChainHead] = (),
) -> ChainVerdict:
    """Go through a whole log in the order of its numbers.

    Args:
        rows: all of them.
        head: what the database says of the last row, asked after the rows; a log that grows
            meanwhile is not wrong for that.
        find: the number of the row with a digest, None if no row has it.
        anchors: heads of earlier that were kept elsewhere. Of two that contradict each other one
            is not what the log was.
    """
    kept = defaultdict[int, set[str]](set)
    for anchor in anchors:
        kept[anchor.number].add(anchor.sha256)
    return _ChainChecker(find, kept).run(rows, head)


class _ChainChecker:
    """One walk along a chain."""

    def __init__(self, find: Callable[[str], int | None], anchors: Mapping[int, set[str]]) -> None:
        self._find, self._anchors = find, dict(anchors)
        self._problems: list[ChainProblem] = []
        self._count = self._rows = 0
        self._last, self._last_good = ChainHead(0, GENESIS_DIGEST), True

    def run(self, rows: Iterable[LogRow], head: Callable[[], ChainHead | None]) -> ChainVerdict:
        if self._anchors.pop(0, {GENESIS_DIGEST}) != {GENESIS_DIGEST}:
            self._add_problem(ProblemKind.REWRITTEN, 0)
        for row in rows:
            self._rows += 1
            self._check_row(row)
        self._check_end(head())
        for number in sorted(self._anchors):
            self._add_problem(ProblemKind.REWRITTEN, number)
        return ChainVerdict(self._rows, self._last, tuple(self._problems), self._count)

    def _check_row(self, row: LogRow) -> None:
        if row.sha256 is None or row.previous is None:
            self._add_problem(ProblemKind.UNCHAINED, row.id)
            return
        good = row_digest(row) == row.sha256
        linked = row.previous == self._last.sha256
        if not linked and row.id > self._last.number + 1:
            self._add_problem(ProblemKind.REMOVED, self._last.number + 1, row.id - 1)
        elif not linked and good and self._last_good:
            # Its own digest is right, so the row before it has got a new one.
            self._add_problem(ProblemKind.CHANGED, self._last.number)
        if not good:
            self._report_broken(row)
        if self._anchors.pop(row.id, {row.sha256}) != {row.sha256}:
            self._add_problem(ProblemKind.REWRITTEN, row.id)
        self._last, self._last_good = ChainHead(row.id, row.sha256), good

    def _report_broken(self, row: LogRow) -> None:
        before = (
            self._find(row.previous or "")
            if self._count < MAX_PROBLEMS and row.previous != self._last.sha256
            else None
        )
        origin = 1 if row.previous == GENESIS_DIGEST else None if before is None else before + 1
        moved = (
            origin is not None
            and origin != row.id
            and row_digest(replace(row, id=origin)) == row.sha256
        )
        self._add_problem(
            ProblemKind.MOVED if moved else ProblemKind.CHANGED,
            row.id,
            origin=origin if moved else None,
        )

    def _check_end(self, head: ChainHead | None) -> None:
        last = self._last
        if head is None:
            self._add_problem(ProblemKind.REMOVED, last.number, last.number)
        elif head.number > last.number:
            self._add_problem(ProblemKind.REMOVED, last.number + 1, head.number)
        elif head.number < last.number:
            self._add_problem(ProblemKind.UNCHAINED, head.number + 1, last.number)
        elif head.sha256 != last.sha256 and self._last_good:
            self._add_problem(ProblemKind.CHANGED, last.number)

    def _add_problem(
        self, wrong: ProblemKind, first: int, last: int | None = None, origin: int | None = None
    ) -> None:
        self._count += 1
        if len(self._problems) < MAX_PROBLEMS:
            self._problems.append(ChainProblem(wrong, first, last or first, origin))


def start_chain(conn: Connection) -> None:
    """Make the log of a new store, or chain the rows of an old one; then it is protected. Done
    again, it changes nothing.
    """
    if conn.execute(select(event_head.c.id)).first() is None:
        conn.execute(insert(event_head).values(id=_HEAD_ID, number=0, sha256=GENESIS_DIGEST))
        conn.execute(insert(log_key).values(id=_HEAD_ID, key=secrets.token_hex(32)))
        _link_unchained_rows(conn)
    protect_log(conn)


def append_rows(conn: Connection, rows: Sequence[LogRow]) -> None:
    """Put rows at the end of the chain; their numbers and digests are made here. Nothing else may
    be locked after this in the transaction.
    """
    if not rows:
        return
    held = conn.execute(
        select(event_head.c.number, event_head.c.sha256)
        .where(event_head.c.id == _HEAD_ID)
        .with_for_update()
    ).one()
    head, new = ChainHead(held.number, held.sha256), list[dict[str, Any]]()
    for row in rows:
        placed = link_row(row, head)
        new.append(_row_values(placed))
        head = ChainHead(placed.id, placed.sha256 or "")
    conn.execute(insert(_event_table), new)
    conn.execute(
        update(event_head)
        .where(event_head.c.id == _HEAD_ID)
        .values(number=head.number, sha256=head.sha256)
    )


def load_head(conn: Connection) -> ChainHead | None:
    """Where the chain ends; None if somebody has removed that."""
    row = conn.execute(
        select(event_head.c.number, event_head.c.sha256).where(event_head.c.id == _HEAD_ID)
    ).one_or_none()
    return ChainHead(row.number, row.sha256) if row else None


def verify_chain(conn: Connection, anchors: Sequence[ChainHead] = ()) -> ChainVerdict:
    """Check the whole log. It may grow meanwhile.

    Args:
        anchors: heads of earlier, as they were kept elsewhere.
    """
    walk = _ChainReader(conn)
    found = check_chain(
        walk.rows(), lambda: walk.end, lambda sha256: _find_row_number(conn, sha256), anchors
    )
    if is_log_protected(conn):
        return found
    return ChainVerdict(
        found.rows,
        found.head,
        (ChainProblem(ProblemKind.UNPROTECTED, 0, 0), *found.problems),
        found.count + 1,
    )


def find_rewritten_anchors(conn: Connection, anchors: Sequence[ChainHead]) -> list[int]:
    """The numbers of kept heads whose row is gone or has another digest. A look at these rows only."""
    numbers, found = sorted({anchor.number for anchor in anchors}), {0: GENESIS_DIGEST}
    for start in range(0, len(numbers), _CHUNK_ROWS):
        rows = conn.execute(
            select(_event_table.c.id, _event_table.c.sha256).where(
                _event_table.c.id.in_(numbers[start : start + _CHUNK_ROWS])
            )
        )
        found |= {row.id: row.sha256 for row in rows}
    return sorted(
        {anchor.number for anchor in anchors if found.get(anchor.number) != anchor.sha256}
    )


class _ChainReader:
    """The whole log and, once the rows have been gone through, its end. On PostgreSQL each query
    sees what was committed up to then.
    """

    def __init__(self, conn: Connection) -> None:
        self._conn = conn
        self.end: ChainHead | None = None

    def rows(self) -> Iterator[LogRow]:
        """All rows, with those that came between the last of them and the look at the end."""
        last = 0
        for row in read_rows(self._conn):
            yield row
            last = row.id
        self.end = load_head(self._conn)
        if self.end is not None and self.end.number > last:
            yield from takewhile(
                lambda row: self.end is not None and row.id <= self.end.number,
                read_rows(self._conn, last),
            )


def read_rows(conn: Connection, last: int = 0) -> Iterator[LogRow]:
    """The log from its beginning or after a row, some thousand rows at a time."""
    while rows := conn.execute(
        _rows_query().where(_event_table.c.id > last).order_by(_event_table.c.id).limit(_CHUNK_ROWS)
    ).all():
        yield from (LogRow(*row) for row in rows)
        last = rows[-1].id


def digest_key(conn: Connection) -> bytes:
    """The key of the log's digests."""
    return bytes.fromhex(
        conn.execute(select(log_key.c.key).where(log_key.c.id == _HEAD_ID)).scalar_one()
    )


def _link_unchained_rows(conn: Connection) -> None:
    """Link the rows that were written before there was a chain. Numbers that rolled back
    transactions left out stay left out.
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
            placed = link_row(LogRow(*row), ChainHead(row.id - 1, last.sha256))
            links.append({"row": placed.id, "to": placed.previous, "own": placed.sha256})
            last = ChainHead(placed.id, placed.sha256 or "")
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
