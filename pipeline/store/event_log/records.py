"""What of the record the log covers: digests of the rows of each entry, run, page or account.

Every transaction that changes such rows stores the digest of the rows as they then are
(`record_digest`), and the log's row holds a digest of these. So rows that are changed, removed or
added without the program contradict the log (`record_check`).

`events` notes which rows change as statements are executed, whoever executes them: no function can
forget to say what it changed.
"""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC
from typing import Any

from sqlalchemy import Column, Connection, Table, select, tuple_

from pipeline.store.schema import accounts, exports, paper, registers, review
from pipeline.store.schema.accounts import record_digest
from pipeline.store.schema.clock import UtcDateTime

_QUERY_OWNERS = 400
"""The rows of how many owners one query reads."""
NO_ROWS_DIGEST = hashlib.sha256(b"[]").hexdigest()
"""The digest where no rows are left."""


@dataclass(frozen=True, slots=True)
class RecordKind:
    """A table of the record; the rows of one owner have one digest of these columns.

    Attributes:
        later: Columns that the log covers only from a revision of the schema on, with its number.
    """

    table: Table
    owner: Column[Any]
    columns: tuple[Column[Any], ...]
    later: Mapping[str, int] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The table's name."""
        return self.table.name


@dataclass(frozen=True, slots=True, order=True)
class RecordKey:
    """The rows of a table that belong to one entry, run, package, page, client or account."""

    kind: str
    owner: str


@dataclass(frozen=True, slots=True, order=True)
class RecordDigest:
    """The digest of rows of the record, as it was stored or as the rows are now."""

    key: RecordKey
    sha256: str


def _kind(
    table: Table,
    owner: str,
    without: Collection[str] = (),
    later: Mapping[str, int] | None = None,
) -> RecordKind:
    columns = tuple(c for c in table.c if c.name not in without)
    return RecordKind(table, table.c[owner], columns, later or {})


# The queue's columns are no evidence: claims and the order of work, computed anew at any time
_QUEUE_COLUMNS = (
    "claimed_by",
    "claimed_until",
    "skipped",
    "rank",
    "lane",
    "due_on",
    "triage",
    "triage_content",
    "likely_pid",
    "happened",
    "first_on",
    "last_on",
    "author_key",
)
# How far the reading of a page has come and how well it went; which picture it is, and whose, stays
_READING_COLUMNS = (
    "state",
    "attempts",
    "outcome",
    "reason",
    "duplicate_of",
    "settled",
    "rotation_deg",
    "residual_mm",
    "problems",
    "read_at",
    "reader_version",
    "standing",
)
_DUTIES = {"deadlines": 24, "due_at": 24}
RECORD_KINDS: Mapping[str, RecordKind] = {
    kind.name: kind
    for kind in (
        _kind(paper.entry, "id", without=_QUEUE_COLUMNS, later=_DUTIES),
        _kind(paper.decision, "entry"),
        _kind(review.entry_version, "entry"),
        _kind(review.signature, "entry"),
        _kind(review.client_choice, "entry"),
        _kind(review.duplicate_mark, "entry"),
        _kind(review.forwarding, "entry"),
        _kind(review.met_duty, "entry"),
        _kind(review.question, "entry"),
        _kind(review.author_answer, "question"),
        _kind(exports.route, "name"),
        _kind(exports.export_run, "id"),
        _kind(exports.export_undo, "run"),
        _kind(exports.export_item, "run"),
        _kind(exports.receipt, "entry"),
        _kind(exports.statistics_item, "run"),
        _kind(exports.payment_approval, "entry"),
        _kind(exports.archive_package, "id"),
        _kind(exports.archived_sheet, "package"),
        _kind(exports.paper_decision, "package"),
        _kind(paper.page, "id", without=_READING_COLUMNS),
        _kind(review.page_area, "page"),
        _kind(registers.client, "pid"),
        _kind(accounts.client_block, "id"),
        _kind(registers.staff, "login", without=("must_change", "refused_until")),
        _kind(registers.staff_unit, "login"),
        _kind(registers.assignment, "login"),
        _kind(registers.assignment_unit, "login"),
        _kind(accounts.provider_link, "login"),
        _kind(accounts.second_factor, "login", without=("last_step",)),
    )
}
"""The tables that the log covers. A column that is added to one is covered from then on."""


def read_digests(
    conn: Connection,
    keys: Collection[RecordKey],
    columns: Mapping[str, Collection[str]] | None = None,
) -> dict[RecordKey, str]:
    """Return the digests of rows as they are now; those without rows have `NO_ROWS_DIGEST`.

    Args:
        conn: a transaction.
        keys: the rows.
        columns: those that each table has, of a schema from before an upgrade.
    """
    owners_by_kind = defaultdict[str, list[str]](list)
    for key in keys:
        owners_by_kind[key.kind].append(key.owner)
    digests = dict.fromkeys(keys, NO_ROWS_DIGEST)
    for name, owners in owners_by_kind.items():
        kind = RECORD_KINDS[name]
        if columns is not None:
            kept = tuple(c for c in kind.columns if c.name in columns[name])
            kind = replace(kind, columns=kept)
        for start in range(0, len(owners), _QUERY_OWNERS):
            digests |= _digests_of_kind(conn, kind, owners[start : start + _QUERY_OWNERS])
    return digests


def _digests_of_kind(
    conn: Connection, kind: RecordKind, owners: Sequence[str]
) -> dict[RecordKey, str]:
    wanted: Sequence[object] = owners
    if kind.owner.type.python_type is int:
        wanted = [int(owner) for owner in owners]
    rows = conn.execute(select(kind.owner, *kind.columns).where(kind.owner.in_(wanted)))
    texts = defaultdict[str, list[str]](list)
    names = [column.name for column in kind.columns]
    moments = [isinstance(column.type, UtcDateTime) for column in kind.columns]
    for owner, *values in rows:
        content = {
            name: value.astimezone(UTC).isoformat(timespec="microseconds") if is_moment else value
            for name, value, is_moment in zip(names, values, moments, strict=True)
            # Columns that were added later are empty in earlier rows, whose digest stays the same
            if value is not None
        }
        texts[str(owner)].append(canonical_json(content))
    # In an order that does not depend on the database
    return {
        RecordKey(kind.name, owner): _sha256(f"[{','.join(sorted(rows_of_owner))}]")
        for owner, rows_of_owner in texts.items()
    }


def digest_of_digests(digests: Iterable[RecordDigest]) -> str:
    """Return the digest that the log's row holds of all digests of its transaction."""
    return _sha256(
        canonical_json([[one.key.kind, one.key.owner, one.sha256] for one in sorted(digests)])
    )


def list_changed_since(
    conn: Connection, keys: Collection[RecordKey], number: int
) -> set[RecordKey]:
    """Return which of these rows the log has covered again after an event."""
    table, found, listed = record_digest.c, set[RecordKey](), sorted(keys)
    for start in range(0, len(listed), _QUERY_OWNERS):
        pairs = [(key.kind, key.owner) for key in listed[start : start + _QUERY_OWNERS]]
        query = select(table.kind, table.owner).where(
            tuple_(table.kind, table.owner).in_(pairs), table.event > number
        )
        found |= {RecordKey(*row) for row in conn.execute(query)}
    return found


def canonical_json(content: object) -> str:
    """Return the one text of a value that digests are made of."""
    return json.dumps(
        content, sort_keys=True, ensure_ascii=True, separators=(",", ":"), allow_nan=False
    )


def _sha256(content: str) -> str:
    return hashlib.sha256(content.encode()).hexdigest()
