"""Anchors: heads of the log that are kept out of reach of those who could rewrite the log.

A file of anchors holds one a line, as JSON, the oldest first.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import Connection

from pipeline.domain.errors import LogBrokenError, ReadOnlyStoreError, UsageError
from pipeline.store.database.store import Store
from pipeline.store.event_log.chain_check import FIRST_HEAD, ChainProblem, ChainVerdict
from pipeline.store.event_log.events import record
from pipeline.store.event_log.hash_chain import ChainHead, load_head
from pipeline.store.event_log.verification import find_rewritten_anchors, verify_chain
from pipeline.texts import text

FORMAT = "efterskrift-log-1"


@dataclass(frozen=True, slots=True)
class LogAnchor:
    """A head of the log and when it was taken."""

    head: ChainHead
    at: datetime

    def to_json_line(self) -> str:
        """Return the anchor as a line of JSON."""
        at = self.at.isoformat(timespec="seconds")
        return json.dumps(
            {
                "format": FORMAT,
                "number": self.head.number,
                "sha256": self.head.sha256,
                "sealed_at": at,
            }
        )


def take_anchor(
    conn: Connection, by: str, now: datetime, known_heads: Sequence[ChainHead] = ()
) -> LogAnchor:
    """Return the head of the log as it is now. That it was taken is the next row.

    Args:
        known_heads: earlier heads in the file that this one goes to.

    Raises:
        UsageError: the log has no head any longer.
        LogBrokenError: the log is not the one whose heads were kept.
    """
    if rewritten := find_rewritten_anchors(conn, known_heads):
        raise LogBrokenError("log_row_replaced", other=rewritten[0])
    head = load_head(conn)
    if head is None:
        raise UsageError("log_chain_end_missing")
    record(conn, by, "seal_log", "log", number=head.number)
    return LogAnchor(head, now)


def read_anchors(path: Path) -> list[ChainHead]:
    """Read the heads of a file of anchors.

    Raises:
        UsageError: the file is no file of anchors.
    """
    try:
        lines = [json.loads(line) for line in path.read_text("utf-8").splitlines() if line.strip()]
        heads = [
            ChainHead(int(line["number"]), str(line["sha256"]))
            for line in lines
            if line["format"] == FORMAT
        ]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise _no_anchors_error(path) from error
    if not heads or len(heads) != len(lines):
        raise _no_anchors_error(path)
    return heads


def verify_log(
    store: Store, by: str, anchors: list[ChainHead], *, from_anchor: bool = False
) -> ChainVerdict:
    """Check log and record, while others go on working, and write the result in the log.

    The log of a workspace that can only be read is checked all the same.

    Args:
        store: the store.
        by: who checks.
        anchors: earlier heads that were stored elsewhere.
        from_anchor: begin after the newest of them.

    Raises:
        UsageError: there is no head to begin after.
    """
    if from_anchor and not anchors:
        raise UsageError("no_anchor_to_begin")
    start = max(anchors, key=lambda head: head.number) if from_anchor else FIRST_HEAD
    with store.read() as conn:
        verdict = verify_chain(conn, anchors, start)
    with suppress(ReadOnlyStoreError), store.begin() as conn:
        record(
            conn,
            by,
            "verify_log",
            "log",
            rows=verdict.rows,
            records=verdict.records,
            problems=verdict.count,
            anchors=len(anchors),
            start=verdict.start,
        )
    return verdict


def describe_problem(problem: ChainProblem, language: str) -> str:
    """Return a problem in words of a language."""
    return text(
        f"cli.audit.problem.{problem.wrong.value}",
        language,
        first=problem.first,
        last=problem.last,
        count=problem.last - problem.first + 1,
        origin=problem.origin,
        table=problem.table,
        owner=problem.owner or "",
    )


def _no_anchors_error(path: Path) -> UsageError:
    return UsageError("no_log_heads", path=path)
