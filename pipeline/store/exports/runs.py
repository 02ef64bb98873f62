"""Export runs as a person may see them. A run is theirs as soon as one of its entries is: what
leaves their sight takes no other entry with it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, and_, case, func, select, true

from pipeline.domain import permissions
from pipeline.domain.errors import NotAllowedError
from pipeline.domain.model import Person
from pipeline.domain.permissions import Action
from pipeline.domain.record import Run
from pipeline.store.accounts import visibility
from pipeline.store.exports.run_items import RECEIPT_JOIN
from pipeline.store.schema.exports import export_item, export_run, receipt, statistics_item
from pipeline.store.schema.paper import entry


@dataclass(frozen=True, slots=True)
class RunStatus:
    """A run and how its target has answered. `answered`: one by one; statistics are answered as a
    file, outside of this program.

    `hidden` of its entries the person may not see; they are among none of the answers.
    """

    run: Run
    accepted: int
    refused: int
    has_receipts: bool = True
    hidden: int = 0

    @property
    def waiting(self) -> int:
        """Entries without a receipt, of those that the person may see."""
        return (
            self.run.entries - self.hidden - self.accepted - self.refused
            if self.has_receipts
            else 0
        )


def find_run(conn: Connection, run_id: str) -> Run | None:
    """A run by its id."""
    rows = _select_runs(conn, _run_query().where(export_run.c.id == run_id))
    return rows[0].run if rows else None


def require_run(conn: Connection, person: Person, action: Action, run_id: str) -> None:
    """Go on only if the person may do this with something that a run holds: one entry that leaves
    sight takes none of the others with it.

    Raises:
        NotAllowedError: all entries are of other units or areas of law, or behind a block.
    """
    permissions.require_permission(person, action)
    held, seen = _count_run_entries(conn, person, run_id)
    if held and not seen:
        raise _no_visible_entry_error(person, action)


def require_whole_run(conn: Connection, person: Person, action: Action, run_id: str) -> None:
    """Go on only if the person may do this with everything that a run holds, as its file does.

    Raises:
        NotAllowedError: an entry is of another unit or area of law, or behind a block.
    """
    permissions.require_permission(person, action)
    held, seen = _count_run_entries(conn, person, run_id)
    if seen < held:
        raise _no_visible_entry_error(person, action)


def list_visible_runs(conn: Connection, person: Person) -> list[RunStatus]:
    """Runs that hold something that the person may see, newest first.

    Raises:
        NotAllowedError: the person does not export.
    """
    permissions.require_permission(person, Action.EXPORT)
    found = _select_runs(
        conn,
        _run_query(visibility.visible_entries_condition(conn, person)).order_by(
            export_run.c.made_at.desc(), export_run.c.id.desc()
        ),
    )
    return [status for status in found if status.hidden < status.run.entries]


def _count_run_entries(conn: Connection, person: Person, run_id: str) -> tuple[int, int]:
    """How many entries a run holds, and how many of them the person may see."""
    seen = func.coalesce(_count_where(visibility.visible_entries_condition(conn, person)), 0)
    queries = [
        select(func.count(), seen).select_from(item.join(entry)).where(item.c.run == run_id)
        for item in (export_item, statistics_item)
    ]
    counts = [conn.execute(query).one() for query in queries]
    return sum(held for held, _ in counts), sum(own for _, own in counts)


def _no_visible_entry_error(person: Person, action: Action) -> NotAllowedError:
    return NotAllowedError("run_not_visible", by=person.login, action=action.value)


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
            ),
            row.accepted or 0,
            row.refused or 0,
            has_receipts=row.told is None,
            hidden=row.entries - row.seen,
        )
        for row in conn.execute(query)
    ]


def _run_query(visible: ColumnElement[bool] | None = None) -> Select[Any]:
    """Runs and their counts: answers to those of the entries that are `visible`, or to all."""
    seen: ColumnElement[bool] = true() if visible is None else visible
    items = (
        select(
            export_item.c.run,
            func.count().label("entries"),
            _count_where(seen).label("seen"),
            _count_where(and_(seen, receipt.c.accepted.is_(True))).label("accepted"),
            _count_where(and_(seen, receipt.c.accepted.is_(False))).label("refused"),
        )
        .select_from(
            export_item.join(entry, entry.c.id == export_item.c.entry).outerjoin(
                receipt, RECEIPT_JOIN
            )
        )
        .group_by(export_item.c.run)
        .subquery()
    )
    told = statistics_item.join(entry, entry.c.id == statistics_item.c.entry)
    counted = (func.count().label("told"), _count_where(seen).label("seen"))
    months = (
        select(statistics_item.c.run, *counted)
        .select_from(told)
        .group_by(statistics_item.c.run)
        .subquery()
    )
    entries = func.coalesce(items.c.entries, months.c.told, 0).label("entries")
    shown = func.coalesce(items.c.seen, months.c.seen, 0).label("seen")
    runs = export_run.outerjoin(items, items.c.run == export_run.c.id).outerjoin(
        months, months.c.run == export_run.c.id
    )
    return select(
        export_run, entries, shown, items.c.accepted, items.c.refused, months.c.told
    ).select_from(runs)


def _count_where(condition: ColumnElement[bool]) -> ColumnElement[int]:
    return func.sum(case((condition, 1), else_=0))
