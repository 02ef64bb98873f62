"""Check a hash chain: its rows, its end, and heads that were stored elsewhere."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from pipeline.store.event_log.hash_chain import (
    GENESIS_DIGEST,
    ChainHead,
    LogRow,
    row_digest,
)

MAX_PROBLEMS = 200
"""How many problems are listed; all are counted."""
FIRST_HEAD = ChainHead(0, GENESIS_DIGEST)
"""The end of an empty log."""


class ProblemKind(StrEnum):
    """What can be wrong with a log."""

    CHANGED = "changed"
    REMOVED = "removed"
    MOVED = "moved"
    UNCHAINED = "unchained"
    REWRITTEN = "rewritten"
    UNPROTECTED = "unprotected"
    RECORD_CHANGED = "record_changed"
    RECORD_REMOVED = "record_removed"
    RECORD_ADDED = "record_added"
    RECORD_DIGESTS = "record_digests"


@dataclass(frozen=True, slots=True)
class ChainProblem:
    """Something wrong with the rows `first` to `last`; a moved row was at `origin` before.

    For a row of the record, `table` and `owner` name it and `first` is the log's latest row about
    it. A table without triggers has no rows.
    """

    wrong: ProblemKind
    first: int
    last: int
    origin: int | None = None
    table: str | None = None
    owner: str | None = None


@dataclass(frozen=True, slots=True)
class ChainVerdict:
    """The result of checking a log; `count` may exceed the number of listed problems.

    `start` is the number of the row after which the check began, `records` how many digests of the
    record were compared with its rows.
    """

    rows: int
    head: ChainHead
    problems: tuple[ChainProblem, ...]
    count: int
    start: int = 0
    records: int = 0


def check_chain(
    rows: Iterable[LogRow],
    head: Callable[[], ChainHead | None],
    find: Callable[[str], int | None],
    anchors: Iterable[ChainHead] = (),
    start: ChainHead = FIRST_HEAD,
) -> ChainVerdict:
    """Check a log in the order of its numbers.

    Args:
        rows: all rows after `start`.
        head: returns the database's end of the chain; called after the rows, so that a log that
            grows meanwhile is not reported.
        find: returns the number of the row with a digest, None if no row has it.
        anchors: earlier heads that were stored elsewhere. Of two that contradict each other, one is
            reported.
        start: the row before the first one, taken to be right.
    """
    digests_by_number = defaultdict[int, set[str]](set)
    for anchor in anchors:
        digests_by_number[anchor.number].add(anchor.sha256)
    return _ChainChecker(find, digests_by_number).run(rows, head, start)


class _ChainChecker:
    """One pass along a chain; collects problems."""

    def __init__(self, find: Callable[[str], int | None], anchors: Mapping[int, set[str]]) -> None:
        self._find, self._anchors = find, dict(anchors)
        self._problems: list[ChainProblem] = []
        self._count = self._rows = 0
        self._last, self._last_good = FIRST_HEAD, True

    def run(
        self, rows: Iterable[LogRow], head: Callable[[], ChainHead | None], start: ChainHead
    ) -> ChainVerdict:
        """Check the rows, then the end, then the anchors that no row matched."""
        self._last = start
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
        return ChainVerdict(
            self._rows, self._last, tuple(self._problems), self._count, start.number
        )

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
