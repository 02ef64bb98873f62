"""The chain of the log: what a row's digest covers, and how a changed, removed or moved row is found. Pure; the rows come from `chain_rows`.

A row holds the digest of the row before it (`previous`) and the SHA-256 of its own content with that digest (`sha256`). Whoever changes a row
breaks its own digest; whoever makes a new digest for it breaks the link of the next row; whoever rewrites all rows after it is found
by the head that was kept elsewhere (the anchor).
"""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum

Detail = str | int | float | bool | None

GENESIS = "0" * 64
"""What the first row has before it."""
MOST_PROBLEMS = 200
"""How many problems are named; all are counted."""


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
class Head:
    """The last row of a chain: its number and digest."""

    number: int
    sha256: str


class Wrong(StrEnum):
    """What can be wrong with a log."""

    CHANGED = "changed"
    REMOVED = "removed"
    MOVED = "moved"
    UNCHAINED = "unchained"
    REWRITTEN = "rewritten"
    UNPROTECTED = "unprotected"


@dataclass(frozen=True, slots=True)
class Problem:
    """Something wrong with the rows `first` to `last`. A row that was moved stood at `origin`."""

    wrong: Wrong
    first: int
    last: int
    origin: int | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """What checking a log came to. `count` may be more than the problems that are named."""

    rows: int
    head: Head
    problems: tuple[Problem, ...]
    count: int


def digest(row: LogRow) -> str:
    """The SHA-256 of a row: of all its content in one canonical text, and of the digest before it."""
    content = [row.id, f"{row.at.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%f}", row.by, row.action, row.subject, row.unit, dict(row.detail), row.previous]
    text = json.dumps(content, sort_keys=True, ensure_ascii=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


def chained(row: LogRow, head: Head) -> LogRow:
    """The row as it stands next in a chain with this head; its number is the next too."""
    placed = replace(row, id=head.number + 1, previous=head.sha256)
    return replace(placed, sha256=digest(placed))


def check(rows: Iterable[LogRow], head: Callable[[], Head | None], find: Callable[[str], int | None], anchors: Iterable[Head] = ()) -> Verdict:
    """Go through a whole log in the order of its numbers.

    Args:
        rows: all of them.
        head: what the database says of the last row, asked after the rows; a log that grows meanwhile is not wrong for that.
        find: the number of the row with a digest, None if no row has it.
        anchors: heads of earlier that were kept elsewhere. Of two that contradict each other one is not what the log was.
    """
    kept = defaultdict[int, set[str]](set)
    for anchor in anchors:
        kept[anchor.number].add(anchor.sha256)
    return _Checking(find, kept).run(rows, head)


class _Checking:
    """One walk along a chain."""

    def __init__(self, find: Callable[[str], int | None], anchors: Mapping[int, set[str]]) -> None:
        self._find, self._anchors = find, dict(anchors)
        self._problems: list[Problem] = []
        self._count = self._rows = 0
        self._last, self._last_good = Head(0, GENESIS), True

    def run(self, rows: Iterable[LogRow], head: Callable[[], Head | None]) -> Verdict:
        if self._anchors.pop(0, {GENESIS}) != {GENESIS}:
            self._wrong(Wrong.REWRITTEN, 0)
        for row in rows:
            self._rows += 1
            self._row(row)
        self._end(head())
        for number in sorted(self._anchors):
            self._wrong(Wrong.REWRITTEN, number)
        return Verdict(self._rows, self._last, tuple(self._problems), self._count)

    def _row(self, row: LogRow) -> None:
        if row.sha256 is None or row.previous is None:
            self._wrong(Wrong.UNCHAINED, row.id)
            return
        good = digest(row) == row.sha256
        linked = row.previous == self._last.sha256
        if not linked and row.id > self._last.number + 1:
            self._wrong(Wrong.REMOVED, self._last.number + 1, row.id - 1)
        elif not linked and good and self._last_good:
            # Its own digest is right, so the row before it has got a new one.
            self._wrong(Wrong.CHANGED, self._last.number)
        if not good:
            self._broken(row)
        if self._anchors.pop(row.id, {row.sha256}) != {row.sha256}:
            self._wrong(Wrong.REWRITTEN, row.id)
        self._last, self._last_good = Head(row.id, row.sha256), good

    def _broken(self, row: LogRow) -> None:
        before = self._find(row.previous or "") if self._count < MOST_PROBLEMS and row.previous != self._last.sha256 else None
        origin = 1 if row.previous == GENESIS else None if before is None else before + 1
        moved = origin is not None and origin != row.id and digest(replace(row, id=origin)) == row.sha256
        self._wrong(Wrong.MOVED if moved else Wrong.CHANGED, row.id, origin=origin if moved else None)

    def _end(self, head: Head | None) -> None:
        last = self._last
        if head is None:
            self._wrong(Wrong.REMOVED, last.number, last.number)
        elif head.number > last.number:
            self._wrong(Wrong.REMOVED, last.number + 1, head.number)
        elif head.number < last.number:
            self._wrong(Wrong.UNCHAINED, head.number + 1, last.number)
        elif head.sha256 != last.sha256 and self._last_good:
            self._wrong(Wrong.CHANGED, last.number)

    def _wrong(self, wrong: Wrong, first: int, last: int | None = None, origin: int | None = None) -> None:
        self._count += 1
        if len(self._problems) < MOST_PROBLEMS:
            self._problems.append(Problem(wrong, first, last or first, origin))
