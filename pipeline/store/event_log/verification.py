"""Verify the log and the record in the database, which may grow meanwhile."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import takewhile

from sqlalchemy import Connection, select

from pipeline.store.event_log.chain_check import (
    FIRST_HEAD,
    MAX_PROBLEMS,
    ChainProblem,
    ChainVerdict,
    ProblemKind,
    check_chain,
)
from pipeline.store.event_log.hash_chain import (
    GENESIS_DIGEST,
    ChainHead,
    LogRow,
    load_head,
    read_rows,
)
from pipeline.store.event_log.record_check import RecordCheck
from pipeline.store.schema import paper
from pipeline.store.schema.append_only import unprotected_tables

_LATEST_ROWS = 300
_CHUNK_ROWS = 5000
"""How many rows one query reads."""
_event_table = paper.event


def verify_chain(
    conn: Connection, anchors: Sequence[ChainHead] = (), start: ChainHead = FIRST_HEAD
) -> ChainVerdict:
    """Check the log, and that the record is as the log has it.

    Args:
        conn: a transaction that reads.
        anchors: earlier heads, as they were stored elsewhere.
        start: one of them, after which to begin. Earlier rows of the log, and records that have not
            changed since, are then not checked.
    """
    reader = _ChainReader(conn, start.number)
    # Anchors before the beginning are looked up, the others are met along the way
    early = [one for one in anchors if 0 < one.number <= start.number]
    verdict = check_chain(
        reader.rows(),
        lambda: reader.end,
        lambda sha256: _find_row_number(conn, sha256),
        [one for one in anchors if one not in early],
        start,
    )
    records = RecordCheck(conn, start.number)
    found = [
        *(ChainProblem(ProblemKind.UNPROTECTED, 0, 0, table=n) for n in unprotected_tables(conn)),
        *(
            ChainProblem(ProblemKind.REWRITTEN, number, number)
            for number in find_rewritten_anchors(conn, early)
        ),
    ]
    problems, count = [*found, *verdict.problems], len(found) + verdict.count
    for problem in records.named_problems():
        count += 1
        if len(problems) < MAX_PROBLEMS:
            problems.append(problem)
    return replace(verdict, problems=tuple(problems), count=count, records=records.compared)


def is_latest_intact(conn: Connection) -> bool:
    """Whether the latest rows of the log are linked and their tables protected.

    It takes as long after years as on the first day; `verify_chain` checks all rows and the record.
    """
    head, table = load_head(conn), _event_table.c
    if head is None:
        return False
    query = select(table.id, table.sha256).where(table.id == head.number - _LATEST_ROWS)
    row = conn.execute(query).one_or_none()
    start = ChainHead(row.id, row.sha256 or "") if row else FIRST_HEAD
    if row is None and head.number > _LATEST_ROWS:
        return False
    reader = _ChainReader(conn, start.number)
    verdict = check_chain(
        reader.rows(),
        lambda: reader.end,
        lambda sha256: _find_row_number(conn, sha256),
        start=start,
    )
    return not verdict.count and not unprotected_tables(conn)


@dataclass(frozen=True, slots=True)
class LogCheck:
    """When log and record were last verified as a whole, and a failure that stands since then."""

    last_at: datetime | None = None
    failed_at: datetime | None = None


def find_last_log_check(conn: Connection) -> LogCheck:
    """Return when the whole log was last found unchanged; a failure counts if it is newer.

    What failed against anchors stands until a verification against as many finds nothing.
    """
    table = _event_table.c
    anchors = table.detail["anchors"].as_integer()
    problems = table.detail["problems"].as_integer()
    ended = (
        select(table.id, table.at, anchors.label("anchors"))
        .where(table.subject == "log", table.action == "verify_log")
        .order_by(table.id.desc())
        .limit(1)
    )
    found_none = ended.where(problems == 0, table.detail["start"].as_integer() == 0)
    whole = conn.execute(found_none).one_or_none()
    failed = conn.execute(ended.where(problems > 0)).one_or_none()
    check = LogCheck(whole.at if whole else None)
    if failed is None:
        return check
    cleared = found_none.where(table.id > failed.id, anchors >= failed.anchors)
    is_cleared = conn.execute(cleared).one_or_none() is not None
    return check if is_cleared else replace(check, failed_at=failed.at)


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
    """Reads the log after a row and then the end of the chain, in this order.

    On PostgreSQL each query sees what was committed until then.
    """

    def __init__(self, conn: Connection, start: int) -> None:
        self._conn, self._start = conn, start
        self.end: ChainHead | None = None

    def rows(self) -> Iterator[LogRow]:
        """Yield all rows, with those appended between reading the last of them and the end."""
        last = self._start
        for row in read_rows(self._conn, self._start):
            yield row
            last = row.id
        self.end = load_head(self._conn)
        # Rows appended meanwhile, up to the end that was read
        if self.end is not None and self.end.number > last:
            yield from takewhile(
                lambda row: self.end is not None and row.id <= self.end.number,
                read_rows(self._conn, last),
            )


def _find_row_number(conn: Connection, sha256: str) -> int | None:
    return conn.execute(
        select(_event_table.c.id).where(_event_table.c.sha256 == sha256).limit(1)
    ).scalar_one_or_none()
