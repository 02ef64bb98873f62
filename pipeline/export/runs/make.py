"""Making a run: the file is built from the database, checked again and written in one transaction.

Of two runs that export the same entries at once, one wins and the other starts over with what is
left. A process that is killed leaves a whole run or none.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from pipeline.domain.errors import ExportError
from pipeline.domain.form.form import Forms
from pipeline.domain.model import Person
from pipeline.domain.permissions import Action, require_permission
from pipeline.domain.record import Run
from pipeline.export.authorities.monthly import (
    MonthlyReport,
    build_monthly_report,
    save_monthly_run,
)
from pipeline.export.care_system_check.matches import erase_settled_lists
from pipeline.export.exporter import Exporter, ExportOptions, Item
from pipeline.export.manual_entry.order import sort_for_keying
from pipeline.export.record_text import to_local_time
from pipeline.export.runs.candidates import (
    Candidates,
    RunScope,
    load_candidates,
    with_manual_corrections,
)
from pipeline.export.runs.context import ExportContext, find_target, load_export_options
from pipeline.export.targets import STATISTICS
from pipeline.store.entries.triage import unit_matcher
from pipeline.store.event_log import events
from pipeline.store.exports import ready_entries, run_items
from pipeline.store.exports.run_items import Connection
from pipeline.store.exports.statistics import list_reporting_status
from pipeline.store.registers.staff import load_staff_list

MAX_ATTEMPTS = 10
"""Attempts at a run whose entries change while its file is made."""


def make_run(
    context: ExportContext, person: Person, target: str, now: datetime, unit: str | None = None
) -> Run | None:
    """Export all that is ready for a target, from one unit or all of the person's.

    Returns None when there is nothing to export, and then nothing changes.

    Raises:
        NotAllowedError: the person may not export, or not from this unit.
        ExportError: there is no such target, or a mapping file is wrong.
        StoreError: the database or the disk failed; nothing has been exported.
    """
    with context.store.recording_denials():
        require_permission(person, Action.EXPORT, unit)
    exporter = find_target(target)
    scope = RunScope(context, person, unit)
    with context.store.begin() as conn:
        erase_settled_lists(conn, context.forms, context.settings.clash_minutes, now)
        options = load_export_options(context, target, exporter, load_staff_list(conn))
    if target in STATISTICS:
        return _make_monthly_run(scope, target, options, now)
    for _ in range(MAX_ATTEMPTS):
        # Take what is ready now and build the file outside any transaction.
        with context.store.read() as conn:
            candidates = with_manual_corrections(
                load_candidates(conn, scope), context, load_staff_list(conn)
            )
            if exporter.mapping is None:
                candidates = _in_keying_order(conn, candidates, context.forms)
            items = _select_items(target, exporter, candidates, options)
        if not items:
            return None
        run = _new_run(target, exporter, person, _run_time(items, now), len(items))
        data = exporter.make(items, run, options)
        # Write it if nothing has changed meanwhile; else start over.
        if saved := _save_run(scope, items, run, data):
            return saved
    raise _entries_changed_error()


def _select_items(
    target: str, exporter: Exporter, candidates: Candidates, options: ExportOptions
) -> list[Item]:
    selected = [
        (record, previous)
        for record, previous in candidates.belonging_to(target, exporter, options)
        if record.entry_id not in candidates.held
        and not exporter.unsupported_reason(record, options)
    ]
    return [Item(number, *candidate) for number, candidate in enumerate(selected, 1)]


def _in_keying_order(conn: Connection, candidates: Candidates, forms: Forms) -> Candidates:
    """Return the entries of a list to key in as they are keyed in: the urgent ones first."""
    units = {record.unit for record, _ in candidates.entries}
    matchers = {unit: unit_matcher(conn, unit) for unit in units}
    order = sort_for_keying([record for record, _ in candidates.entries], forms, matchers)
    return replace(candidates, entries=tuple(candidates.entries[place] for place in order))


def _run_time(items: Sequence[Item], now: datetime) -> datetime:
    """Return the moment of a run: no decision that its file holds may be later.

    A run that starts over meets decisions later than `now`, and the clock of another machine may
    be ahead.
    """
    stamps = (
        stamp
        for item in items
        for stamp in (item.record.entered, item.record.verified, item.record.signed)
        if stamp
    )
    return max((now, *(stamp.at for stamp in stamps)))


def _new_run(target: str, exporter: Exporter, person: Person, now: datetime, entries: int) -> Run:
    run_id = f"{to_local_time(now):%Y%m%d-%H%M%S}-{target[:10]}-{secrets.token_hex(2)}"
    return Run(
        run_id, target, f"efterskrift-{run_id}{exporter.suffix}", now, person.name[:80], entries
    )


def _save_run(scope: RunScope, items: Sequence[Item], run: Run, data: bytes) -> Run | None:
    """Write the run if every item is still what the file says; None when something has changed."""
    context = scope.context
    with context.store.begin() as conn:
        # Lock the entries, then compare them with what the file was made from.
        candidates = load_candidates(conn, scope, lock=True)
        current = {record.entry_id: (record, previous) for record, previous in candidates.entries}
        if any(
            item.record.entry_id in candidates.held
            or current.get(item.record.entry_id) != (item.record, item.amends)
            for item in items
        ):
            return None
        # The image folder comes first: a row never names a file that is not there.
        saved = replace(run, sha256=context.store.images.put(data))
        run_items.save_run(
            conn, saved, [(item.record.entry_id, item.record.revision) for item in items]
        )
        ready_entries.mark_exported(conn, [item.record.entry_id for item in items])
        _record_run(conn, scope.person, saved, items)
        return saved


def _record_run(conn: Connection, person: Person, run: Run, items: Sequence[Item]) -> None:
    """Write in the log that the run was made, and which entries it carried."""
    events.record(
        conn,
        person.login,
        "export",
        run.id,
        unit=run_items.run_unit(conn, run.id),
        target=run.target,
        entries=run.entries,
        sha256=run.sha256,
    )
    for item in items:
        events.record(
            conn,
            person.login,
            "exported",
            item.record.entry_id,
            unit=item.record.unit,
            run=run.id,
            revision=item.record.revision,
        )


def _make_monthly_run(
    scope: RunScope, target: str, options: ExportOptions, now: datetime
) -> Run | None:
    """As `make_run`, of statistics: saved only if the months are still what the file says."""
    exporter, store = STATISTICS[target], scope.context.store

    def build_report(conn: Connection, *, lock: bool = False) -> MonthlyReport:
        status = list_reporting_status(
            conn, scope.context.forms, scope.person, target, unit=scope.unit, lock=lock
        )
        return build_monthly_report(conn, status, exporter, options)

    for _ in range(MAX_ATTEMPTS):
        with store.read() as conn:
            report = build_report(conn)
        if not report.items:
            return None
        run = _new_run(
            target, exporter, scope.person, _run_time(report.items, now), len(report.items)
        )
        data = exporter.make(report.items, run, options)
        with store.begin() as conn:
            if build_report(conn, lock=True) != report:
                continue
            saved = replace(run, sha256=store.images.put(data))
            save_monthly_run(conn, scope.person.login, saved, report)
            return saved
    raise _entries_changed_error()


def _entries_changed_error() -> ExportError:
    return ExportError("entries_changed_all_time_while")
