"""Export runs as a person may see them.

A person sees a run if one of its entries is visible; entries that are no longer visible do not hide
the others.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    and_,
    case,
    exists,
    func,
    insert,
    or_,
    select,
    true,
)

from pipeline.domain.errors import ExportError, NotAllowedError
from pipeline.domain.law import permissions
from pipeline.domain.law.permissions import Action
from pipeline.domain.model import Person
from pipeline.domain.record import Run
from pipeline.store.accounts import visibility
from pipeline.store.exports.run_items import RECEIPT_JOIN, ROUTE_NAME, is_overtaken
from pipeline.store.schema.clock import is_claimed
from pipeline.store.schema.exports import (
    export_delivery,
    export_item,
    export_proof,
    export_run,
    export_undo,
    key_in_claim,
    key_in_signature,
    receipt,
    statistics_item,
)
from pipeline.store.schema.paper import entry

IS_DELIVERED = or_(
    exists().where(export_delivery.c.run == export_run.c.id).correlate(export_run),
    exists().where(receipt.c.run == export_run.c.id).correlate(export_run),
)
"""The condition that somebody was handed the file of a run, or that its target has answered."""
_IS_UNDONE = exists().where(export_undo.c.run == export_run.c.id)


@dataclass(frozen=True, slots=True)
class RunStatus:
    """A run with its target's answers.

    `has_receipts` is false for statistics, which are answered as a file, outside the program.
    `hidden` is how many of its entries the person may not see; they are not among the answers.
    `is_delivered`: somebody was handed its file, or its target has answered. `is_undone`: it was
    undone before that.
    """

    run: Run
    accepted: int
    refused: int
    has_receipts: bool = True
    hidden: int = 0
    is_delivered: bool = True
    is_undone: bool = False

    @property
    def waiting(self) -> int:
        """The visible entries without a receipt; none of a run that was undone."""
        return (
            self.run.entries - self.hidden - self.accepted - self.refused
            if self.has_receipts and not self.is_undone
            else 0
        )

    @property
    def is_unclaimed(self) -> bool:
        """Whether nobody has the file of a run that was not undone."""
        return not self.is_delivered and not self.is_undone


def find_run(conn: Connection, run_id: str) -> Run | None:
    """Return a run by its id, or None."""
    rows = _select_runs(conn, _run_query().where(export_run.c.id == run_id))
    return rows[0].run if rows else None


def list_undelivered_runs(conn: Connection) -> list[str]:
    """Return the runs whose file nobody was handed: a process was killed before, oldest first."""
    query = select(export_run.c.id).where(~IS_DELIVERED, ~_IS_UNDONE)
    return list(conn.execute(query.order_by(export_run.c.made_at, export_run.c.id)).scalars())


def save_delivery(conn: Connection, run_id: str, by: str, at: datetime) -> None:
    """Store that the file of a run was handed to somebody.

    Raises:
        ExportError: the run was undone.
    """
    lock_run(conn, run_id)
    conn.execute(insert(export_delivery).values(run=run_id, by=by, at=at))


def save_undo(conn: Connection, run_id: str, by: str, at: datetime) -> None:
    """Store that a run was undone: nobody has its file, and nobody gets it any more.

    Raises:
        ExportError: somebody has the file, an entry is answered, being keyed in or signed
            for, a later run builds on it, or it was undone already.
    """
    lock_run(conn, run_id, alone=True)
    item, later = export_item.c, export_run.alias()
    is_being_keyed = exists().where(
        item.run == run_id,
        key_in_claim.c.entry == item.entry,
        key_in_claim.c.revision == item.revision,
        is_claimed(key_in_claim.c.until, at),
    )
    is_signed = exists().where(
        key_in_signature.c.run == run_id, key_in_signature.c.undone_at.is_(None)
    )
    # A later run of the route has one of its entries, as what amends this one
    has_later_item = exists().where(
        item.run == export_run.c.id, is_overtaken(export_item, export_run)
    )
    after, before = statistics_item.alias(), statistics_item.alias()
    has_later_report = exists().where(
        before.c.run == export_run.c.id,
        after.c.entry == before.c.entry,
        later.c.id == after.c.run,
        later.c.target == export_run.c.target,
        later.c.made_at > export_run.c.made_at,
        ~exists().where(export_undo.c.run == later.c.id),
    )
    states = select(
        or_(IS_DELIVERED, is_being_keyed, is_signed).label("taken"),
        or_(has_later_item, has_later_report).label("continued"),
    )
    row = conn.execute(states.where(export_run.c.id == run_id)).one()
    if row.taken:
        raise ExportError("run_fetched", run_id=run_id)
    if row.continued:
        raise ExportError("run_continued", run_id=run_id)
    conn.execute(insert(export_undo).values(run=run_id, by=by, at=at))


def lock_run(conn: Connection, run_id: str, *, alone: bool = False) -> None:
    """Keep others from undoing a run until the transaction ends; `alone`: also from using it.

    Raises:
        ExportError: it was undone.
    """
    query = select(export_run.c.id).where(export_run.c.id == run_id)
    conn.execute(query.with_for_update(read=not alone))
    undone = select(exists().where(export_undo.c.run == run_id))
    if conn.execute(undone).scalar_one():
        raise ExportError("run_undone", run_id=run_id)


def require_run(
    conn: Connection, person: Person, action: Action, run_id: str, *, whole: bool = False
) -> None:
    """Check that the person may do this with some entry of a run.

    Args:
        whole: with every entry, as the run's file has them all.

    Raises:
        NotAllowedError: entries are of other units or areas of law, or behind a block.
    """
    permissions.require_permission_for(run_id, person, action)
    # A run without entries is visible to everybody with the permission
    entries, visible = _count_run_entries(conn, person, run_id)
    if visible < entries if whole else entries and not visible:
        raise NotAllowedError(
            "run_not_visible", by=person.login, action=action.value, subject=run_id
        )


def list_visible_runs(conn: Connection, person: Person) -> list[RunStatus]:
    """Return the runs with an entry that the person may see, newest first.

    Raises:
        NotAllowedError: the person may not export.
    """
    permissions.require_permission(person, Action.EXPORT)
    statuses = _select_runs(
        conn,
        _run_query(visibility.visible_entries_condition(conn, person, Action.EXPORT)).order_by(
            export_run.c.made_at.desc(), export_run.c.id.desc()
        ),
    )
    # Runs without any visible entry are left out
    return [status for status in statuses if status.hidden < status.run.entries]


def _count_run_entries(conn: Connection, person: Person, run_id: str) -> tuple[int, int]:
    """Return how many entries a run has, and how many of them the person may see."""
    visible = func.coalesce(
        _count_where(visibility.visible_entries_condition(conn, person, Action.EXPORT)), 0
    )
    # A run's entries are in one of the two tables
    queries = [
        select(func.count(), visible).select_from(item.join(entry)).where(item.c.run == run_id)
        for item in (export_item, statistics_item)
    ]
    counts = [conn.execute(query).one() for query in queries]
    return sum(total for total, _ in counts), sum(shown for _, shown in counts)


def _select_runs(conn: Connection, query: Select[Any]) -> list[RunStatus]:
    return [
        RunStatus(
            Run(
                row.id,
                row.target,
                row.file_name,
                row.made_at,
                row.made_by,
                row.entries,
                row.file_sha256,
                row.route_name,
            ),
            row.accepted or 0,
            row.refused or 0,
            has_receipts=row.reported is None,
            hidden=row.entries - row.visible,
            is_delivered=bool(row.is_delivered),
            is_undone=bool(row.is_undone),
        )
        for row in conn.execute(query)
    ]


def _run_query(visible: ColumnElement[bool] | None = None) -> Select[Any]:
    """Return a query of runs with the counts of their entries and answers.

    Answers are counted for entries that meet the condition `visible`, or for all.
    """
    is_visible: ColumnElement[bool] = true() if visible is None else visible
    # Export runs: entries, visible ones and answers to those
    items = (
        select(
            export_item.c.run,
            func.count().label("entries"),
            _count_where(is_visible).label("visible"),
            _count_where(and_(is_visible, receipt.c.accepted.is_(True))).label("accepted"),
            _count_where(and_(is_visible, receipt.c.accepted.is_(False))).label("refused"),
        )
        .select_from(
            export_item.join(entry, entry.c.id == export_item.c.entry).outerjoin(
                receipt, RECEIPT_JOIN
            )
        )
        .group_by(export_item.c.run)
        .subquery()
    )
    # Statistics runs: entries and visible ones
    months = (
        select(
            statistics_item.c.run,
            func.count().label("reported"),
            _count_where(is_visible).label("visible"),
        )
        .select_from(statistics_item.join(entry, entry.c.id == statistics_item.c.entry))
        .group_by(statistics_item.c.run)
        .subquery()
    )
    # A run has rows in one of the two, or is empty
    runs = export_run.outerjoin(items, items.c.run == export_run.c.id).outerjoin(
        months, months.c.run == export_run.c.id
    )
    return select(
        export_run,
        func.coalesce(items.c.entries, months.c.reported, 0).label("entries"),
        func.coalesce(items.c.visible, months.c.visible, 0).label("visible"),
        items.c.accepted,
        items.c.refused,
        months.c.reported,
        IS_DELIVERED.label("is_delivered"),
        _IS_UNDONE.label("is_undone"),
        ROUTE_NAME.label("route_name"),
    ).select_from(runs)


def _count_where(condition: ColumnElement[bool]) -> ColumnElement[int]:
    return func.sum(case((condition, 1), else_=0))


# What was found when exported entries were looked for in their target. Rows are only added.
#
# A receipt is what a target answered; a proof is that it was seen there.


class ProofMeans(StrEnum):
    """How an entry was looked for: read back from the target, or in a list of what it has."""

    READ_BACK = "read_back"
    LIST = "list"


class Finding(StrEnum):
    """What came of it: the target has what was exported, something else, or nothing."""

    SAME = "same"
    DIFFERENT = "different"
    MISSING = "missing"


@dataclass(frozen=True, slots=True)
class Proof:
    """What was found of one entry of a run.

    `differences` names what differs, never a value; `place` is where the target has the entry.
    """

    entry_id: str
    revision: int
    found: Finding
    differences: tuple[str, ...] = ()
    place: str = ""
    means: ProofMeans = ProofMeans.READ_BACK


def save_proofs(
    conn: Connection, run_id: str, proofs: Iterable[Proof], by: str, at: datetime
) -> None:
    """Store what was found now."""
    rows = [
        {
            "run": run_id,
            "entry": proof.entry_id,
            "revision": proof.revision,
            "at": at,
            "by": by,
            "means": proof.means.value,
            "found": proof.found.value,
            "differences": list(proof.differences),
            "place": proof.place,
        }
        for proof in proofs
    ]
    if rows:
        conn.execute(insert(export_proof), rows)
