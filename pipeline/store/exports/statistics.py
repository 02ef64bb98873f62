"""Entries as statistics sees them: all that are confirmed, wherever they have been exported, and
what the monthly files have told before.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, and_, insert, or_, select

from pipeline.domain import permissions
from pipeline.domain.form.form import Forms
from pipeline.domain.model import EntryState, Person
from pipeline.domain.permissions import Action
from pipeline.domain.record import PreviousExport
from pipeline.store.accounts import visibility
from pipeline.store.exports.ready_entries import signature_rule
from pipeline.store.quality.rekeying import has_open_difference
from pipeline.store.quality.seeded_errors import has_open_seeded_error
from pipeline.store.schema.exports import export_run, statistics_item
from pipeline.store.schema.paper import entry, event

_REPORTABLE_STATES = (
    EntryState.CONFIRMED.value,
    EntryState.SIGNED.value,
    EntryState.EXPORTED.value,
    EntryState.RECEIPTED.value,
)


@dataclass(frozen=True, slots=True)
class ReportedEntry:
    """The latest file that told of an entry: at which revision of it, in which month, and how many
    files have.
    """

    earlier: PreviousExport
    revision: int
    month: str
    report_count: int


@dataclass(frozen=True, slots=True)
class ReportingStatus:
    """An entry that statistics may tell of, its revision, and what has been told of it."""

    entry_id: str
    revision: int
    voided: bool
    last_report: ReportedEntry | None

    @property
    def is_unreported(self) -> bool:
        """Whether no file says yet how it stands. What was never told and is void needs no telling."""
        return self.last_report.revision != self.revision if self.last_report else not self.voided


def list_reporting_status(
    conn: Connection,
    forms: Forms,
    person: Person,
    target: str,
    *,
    unit: str | None = None,
    lock: bool = False,
) -> list[ReportingStatus]:
    """The entries that the person may see and that a monthly file can tell of: confirmed, and
    signed where they have to be; and told ones that were made void or put aside.

    Raises:
        NotAllowedError: the person may not export, or not from this unit.
    """
    permissions.require_permission(person, Action.EXPORT, unit)
    told = _reported_entries(conn, target)
    put_aside = or_(entry.c.voided.is_not(None), entry.c.state == EntryState.REJECTED.value)
    void = and_(put_aside, entry.c.id.in_(select(statistics_item.c.entry)))
    # Nobody looks at what is put aside for a third time, so a difference must not keep it in the
    # months that told of it.
    held = or_(has_open_seeded_error(entry.c.id), and_(has_open_difference(entry.c.id), ~put_aside))
    wanted = (
        entry.c.id,
        entry.c.state,
        entry.c.form,
        entry.c.version,
        entry.c.unit,
        entry.c.area,
        entry.c.revision,
        entry.c.voided,
    )
    query = (
        select(*wanted)
        .where(
            or_(entry.c.state.in_(_REPORTABLE_STATES), void),
            visibility.visible_entries_condition(conn, person),
            ~held,
        )
        .order_by(entry.c.id)
    )
    if unit is not None:
        query = query.where(entry.c.unit == unit)
    asks = signature_rule(conn, forms)
    rows = conn.execute(query.with_for_update() if lock else query)
    return [
        ReportingStatus(
            row.id,
            row.revision,
            row.voided is not None or row.state == EntryState.REJECTED,
            told.get(row.id),
        )
        for row in rows
        if row.state != EntryState.CONFIRMED
        or row.voided is not None
        or not asks(row.form, row.version, row.unit, row.area)
    ]


def count_other_reported(
    conn: Connection, target: str, months: Collection[str], known: Collection[str]
) -> dict[str, int]:
    """How many entries the latest files hold besides the known ones, by month: of other units, or
    on their way through review again.
    """
    besides = (
        one.month
        for entry_id, one in _reported_entries(conn, target).items()
        if one.month in months and entry_id not in known
    )
    return dict(sorted(Counter(besides).items()))


def save_reported_entries(
    conn: Connection, run_id: str, items: Sequence[tuple[str, int, str]]
) -> None:
    """Write down what a run told of: (entry id, revision of the entry, month) in their order."""
    rows = [
        {"run": run_id, "entry": one, "revision": revision, "month": month, "number": n}
        for n, (one, revision, month) in enumerate(items, 1)
    ]
    conn.execute(insert(statistics_item), rows)


def _reported_entries(conn: Connection, target: str) -> dict[str, ReportedEntry]:
    """The runs in the order of the log: of two computers the one with the slower clock may have
    made the later.
    """
    item, run = statistics_item.c, export_run.c
    noted = export_run.join(statistics_item, run.id == item.run).outerjoin(
        event, and_(event.c.subject == run.id, event.c.action == "export")
    )
    query = select(
        item.entry, item.revision, item.month, run.id, run.target, run.made_at
    ).select_from(noted)
    found: dict[str, ReportedEntry] = {}
    for row in conn.execute(query.where(run.target == target).order_by(event.c.id)):
        times = found[row.entry].report_count if row.entry in found else 0
        earlier = PreviousExport(row.id, row.target, row.made_at, entry_revision=row.revision)
        found[row.entry] = ReportedEntry(earlier, row.revision, row.month, times + 1)
    return found
