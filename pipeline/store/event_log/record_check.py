"""Check that the record is as the log has it, and let the log cover rows that it does not cover."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from math import inf
from typing import NamedTuple

from sqlalchemy import ColumnElement, Connection, String, cast, exists, inspect, select

from pipeline.store.event_log.chain_check import ChainProblem, ProblemKind
from pipeline.store.event_log.events import client_log_subject
from pipeline.store.event_log.hash_chain import LogRow, append_rows
from pipeline.store.event_log.records import (
    NO_ROWS_DIGEST,
    RECORD_KINDS,
    RecordDigest,
    RecordKey,
    RecordKind,
    digest_of_digests,
    read_digests,
)
from pipeline.store.schema.accounts import record_digest
from pipeline.store.schema.clock import utc_now
from pipeline.store.schema.paper import event
from pipeline.store.schema.registers import client

_CHUNK_EVENTS = 5000
_CHUNK_OWNERS = 400
"""How many events, and the rows of how many owners, are read at once."""
_ADOPTED_AT_ONCE = 5000
"""The rows of how many owners one event covers at an upgrade."""
_READ_ATTEMPTS = 10
"""How often rows are read again that others change meanwhile."""
_UNREADABLE = "unreadable"


class _Latest(NamedTuple):
    """The event that covers rows last, and their digest then."""

    number: int
    sha256: str


class RecordCheck:
    """One comparison of the rows of the record with the digests that the log covers."""

    def __init__(
        self, conn: Connection, start: int = 0, columns: Mapping[str, Collection[str]] | None = None
    ) -> None:
        """Prepare a comparison.

        Args:
            conn: a transaction that reads; others may write meanwhile.
            start: the number of an event: only what the log covers after it is compared.
            columns: those that each table has, of a schema from before an upgrade.
        """
        self._conn, self._start, self._columns = conn, start, columns
        self._recent: set[RecordKey] = set()
        self.compared = 0

    def named_problems(self) -> Iterator[ChainProblem]:
        """Yield the problems for people: a client has the log's name, not the personal number."""
        for problem in self.problems():
            if problem.table == client.name and problem.owner is not None:
                yield replace(problem, owner=client_log_subject(self._conn, problem.owner))
            else:
                yield problem

    def problems(self) -> Iterator[ChainProblem]:
        """Yield each owner whose rows are not as the log has them, and each changed digest."""
        yield from self._check_digests()
        for kind in RECORD_KINDS.values():
            if self._columns is not None and kind.name not in self._columns:
                continue
            for owners in self._owners(kind):
                self.compared += len(owners)
                yield from self._compare([RecordKey(kind.name, owner) for owner in owners])
            if not self._start:
                yield from self._find_added(kind)

    def _check_digests(self) -> Iterator[ChainProblem]:
        """Compare the stored digests of each event with the digest in its row of the log."""
        last, stored = self._start, record_digest.c
        query = select(event.c.id, event.c.records).where(event.c.records.is_not(None))
        while rows := self._conn.execute(
            query.where(event.c.id > last).order_by(event.c.id).limit(_CHUNK_EVENTS)
        ).all():
            within = (stored.event > last) & (stored.event <= rows[-1].id)
            digests = self._load_digests(within)
            for number, sha256 in rows:
                if digest_of_digests(digests.get(number, ())) != sha256:
                    yield _digests_problem(number, digests.get(number, ()))
            for number in sorted(digests.keys() - {row.id for row in rows}):
                yield _digests_problem(number, digests[number])
            if self._start:
                self._recent |= {one.key for several in digests.values() for one in several}
            last = rows[-1].id
        # Digests of events that the log does not have, in one query, since the log may grow
        is_covered = exists().where(event.c.id == stored.event, event.c.records.is_not(None))
        extra = self._load_digests((stored.event > last) & ~is_covered)
        yield from (_digests_problem(number, extra[number]) for number in sorted(extra))

    def _load_digests(self, condition: ColumnElement[bool]) -> dict[int, list[RecordDigest]]:
        """Return the stored digests that meet a condition, by event."""
        stored, digests = record_digest.c, defaultdict[int, list[RecordDigest]](list)
        query = select(stored.event, stored.kind, stored.owner, stored.sha256)
        for number, kind, owner, sha256 in self._conn.execute(query.where(condition)):
            digests[number].append(RecordDigest(RecordKey(kind, owner), sha256))
        return dict(digests)

    def _owners(self, kind: RecordKind) -> Iterator[Sequence[str]]:
        """Yield the owners that the log covers, in parts."""
        if self._start:
            recent = iter(sorted(key.owner for key in self._recent if key.kind == kind.name))
            while part := list(islice(recent, _CHUNK_OWNERS)):
                yield part
            return
        last, stored = "", record_digest.c
        query = select(stored.owner).distinct().where(stored.kind == kind.name)
        while (
            owners := self._conn.execute(
                query.where(stored.owner > last).order_by(stored.owner).limit(_CHUNK_OWNERS)
            )
            .scalars()
            .all()
        ):
            yield owners
            last = owners[-1]

    def _compare(self, keys: Collection[RecordKey]) -> Iterator[ChainProblem]:
        """Yield a problem for each of these whose rows differ from the log's latest digest."""
        left = set(keys)
        # Others may write between two queries: what differs is wrong only if the log has nothing
        # newer about it after the rows were read
        for _ in range(_READ_ATTEMPTS):
            before = self._latest(left)
            now = self._read_digests(left)
            left = {key for key in left if now[key] != before[key].sha256}
            if not left:
                return
            after = self._latest(left)
            for key in sorted(left):
                if after[key] == before[key]:
                    yield _row_problem(key, before[key].number, now[key])
            left = {key for key in left if after[key] != before[key]}

    def _latest(self, keys: Collection[RecordKey]) -> dict[RecordKey, _Latest]:
        """Return the newest digest that the log covers of each of these, all of one kind."""
        kinds, stored = {key.kind for key in keys}, record_digest.c
        query = select(stored.kind, stored.owner, stored.event, stored.sha256).where(
            stored.kind.in_(kinds), stored.owner.in_([key.owner for key in keys])
        )
        rows = self._conn.execute(query.order_by(stored.event))
        return {RecordKey(row.kind, row.owner): _Latest(row.event, row.sha256) for row in rows}

    def _read_digests(self, keys: Collection[RecordKey]) -> dict[RecordKey, str]:
        """Return the digests of the rows; of rows that hold what no program writes, a mark."""
        try:
            return read_digests(self._conn, keys, self._columns)
        except (ValueError, TypeError, OverflowError):
            if len(keys) == 1:
                return dict.fromkeys(keys, _UNREADABLE)
            return {
                key: sha256 for one in keys for key, sha256 in self._read_digests([one]).items()
            }

    def _find_added(self, kind: RecordKind) -> Iterator[ChainProblem]:
        """Yield the owners of rows that the log knows nothing of."""
        owner = cast(kind.owner, String)
        is_covered = exists().where(
            record_digest.c.kind == kind.name, record_digest.c.owner == owner
        )
        for one in self._conn.execute(select(owner).distinct().where(~is_covered)).scalars():
            yield ChainProblem(ProblemKind.RECORD_ADDED, 0, 0, table=kind.name, owner=one)


def _row_problem(key: RecordKey, number: int, sha256: str) -> ChainProblem:
    kind = ProblemKind.RECORD_REMOVED if sha256 == NO_ROWS_DIGEST else ProblemKind.RECORD_CHANGED
    return ChainProblem(kind, number, number, table=key.kind, owner=key.owner)


def _digests_problem(number: int, digests: Iterable[RecordDigest]) -> ChainProblem:
    """Return the problem of an event whose digests were changed, with their owner if it is one.

    A client, whose owner is a personal number, is not named.
    """
    owners = {None if one.key.kind == client.name else one.key.owner for one in digests}
    return ChainProblem(
        ProblemKind.RECORD_DIGESTS,
        number,
        number,
        table=record_digest.name,
        owner=owners.pop() if len(owners) == 1 else None,
    )


def find_wrong_records(conn: Connection, revision: str | None = None) -> set[RecordKey]:
    """Return the rows that are not as the log has them, in a store of this or an earlier schema.

    Args:
        conn: a transaction.
        revision: of the schema, if it is an earlier one: what is covered later only is left out.
    """
    tables, last = inspect(conn), inf if revision is None else int(revision)
    columns = {
        name: {
            column["name"]
            for column in tables.get_columns(name)
            if kind.later.get(column["name"], 0) <= last
        }
        for name, kind in RECORD_KINDS.items()
        if tables.has_table(name)
    }
    return {
        RecordKey(problem.table, problem.owner)
        for problem in RecordCheck(conn, columns=columns).problems()
        if problem.table is not None and problem.table in RECORD_KINDS and problem.owner is not None
    }


def adopt_records(conn: Connection, without: Collection[RecordKey] = ()) -> None:
    """Let the log cover the rows as they are after a change of the schema, and say so in it.

    Args:
        conn: the upgrade's transaction.
        without: rows that were not as the log had them before the upgrade; they stay wrong.
    """
    keys = iter(sorted(find_wrong_records(conn).difference(without)))
    while part := list(islice(keys, _ADOPTED_AT_ONCE)):
        detail = {"rows": len(part)}
        row = LogRow(0, utc_now(), "system", "adopt_records", "record", None, detail, None, None)
        append_rows(conn, [row], part)
