"""Making a run: the file is built from the database, checked again and written in one transaction.

Of two runs that export the same entries at once, one wins and the other starts over with what is
left. A process that is killed leaves a whole run or none.
"""

from __future__ import annotations

import secrets
import threading
from collections.abc import Collection, Sequence
from concurrent.futures import Future
from dataclasses import replace
from datetime import datetime

from pipeline.domain.errors import ExportError
from pipeline.domain.law.permissions import Action
from pipeline.domain.model import Person
from pipeline.domain.record import Run
from pipeline.export.authorities.month_checks import MonthScope
from pipeline.export.authorities.monthly import (
    MonthlyReport,
    build_monthly_report,
    save_monthly_run,
)
from pipeline.export.care_system_matches import erase_settled_lists
from pipeline.export.context import ExportContext, load_export_options
from pipeline.export.exporter import (
    Exporter,
    ExportOptions,
    Item,
    StatisticsExporter,
    TargetError,
    TargetUnavailableError,
)
from pipeline.export.manual_entry.one_list import (
    choose_one_list,
    record_destination,
    route_place,
    with_field_orders,
)
from pipeline.export.record_text import to_local_time
from pipeline.export.runs.candidates import (
    RunKind,
    RunScope,
    load_candidates,
    with_manual_corrections,
)
from pipeline.export.targets import find_target
from pipeline.store.event_log import events
from pipeline.store.exports import ready_entries, run_items
from pipeline.store.exports.routes import find_route
from pipeline.store.exports.run_items import Connection
from pipeline.store.exports.statistics import list_reporting_status
from pipeline.store.registers.staff import load_staff_list

MAX_ATTEMPTS = 10
"""Attempts at a run whose entries change while its file is made."""
_WRITE_ATTEMPTS = 3
"""Attempts at a file while what its target needs is out of reach."""
_TOKEN_LETTERS = "0123456789abcdefghjkmnpqrstvwxyz"


def make_runs_of_kind(
    context: ExportContext,
    person: Person,
    kind: RunKind,
    now: datetime,
    unit: str | None = None,
    *,
    by_hand: Collection[str] = (),
) -> list[Run]:
    """As `make_run`, until nothing is left: a list to key in has entries of one system and area."""
    made: list[Run] = []
    while run := make_run(context, person, kind, now, unit, by_hand=by_hand):
        made.append(run)
        if find_target(context.settings, kind.target).mapping is not None:
            break
    return made


def make_run(
    context: ExportContext,
    person: Person,
    kind: RunKind,
    now: datetime,
    unit: str | None = None,
    *,
    by_hand: Collection[str] = (),
) -> Run | None:
    """Export all that waits in a route and is of this format, from one unit or all of the person's.

    Returns None when there is nothing to export, and then nothing changes.

    Args:
        by_hand: ids of entries that the route's own format cannot carry and that a person keys in
            instead; the run is then a list of these.

    Raises:
        NotAllowedError: the person may not export, or not from this unit.
        ExportError: there is no such target, or a mapping file is wrong.
        StoreError: the database or the disk failed; nothing has been exported.
    """
    context.store.require_permission(person, Action.EXPORT, unit)
    exporter = find_target(context.settings, kind.target)
    scope = RunScope(context, person, unit)
    with context.store.begin() as conn:
        erase_settled_lists(conn, context.forms, context.settings.clash_minutes, now)
        options = load_export_options(context, kind.target, exporter, load_staff_list(conn))
    if isinstance(exporter, StatisticsExporter):
        return _make_monthly_run(scope, kind, exporter, options, now)
    for _ in range(MAX_ATTEMPTS):
        # Take what is ready now and build the file outside any transaction.
        with context.store.read() as conn:
            items = select_items(conn, scope, kind, options, by_hand)
            file_options = with_list_order(conn, kind, items, options)
        if not items:
            return None
        run = _new_run(kind, exporter, person, _run_time(items, now), len(items))
        if exporter.mapping is None:
            # The name of a list to key in says where it goes
            place = record_destination(items[0].record, file_options.place)
            run = replace(run, file_name=f"efterskrift-{run.id}-{place.file_part}{exporter.suffix}")
        data = _write_file(exporter, items, run, file_options)
        # Write it if nothing has changed meanwhile; else start over.
        if saved := _save_run(scope, items, run, data):
            return saved
    raise _entries_changed_error()


def select_items(
    conn: Connection,
    scope: RunScope,
    kind: RunKind,
    options: ExportOptions,
    by_hand: Collection[str] = (),
) -> list[Item]:
    """Return what a run would hold now, in its order."""
    context = scope.context
    exporter = find_target(context.settings, kind.target)
    candidates = with_manual_corrections(
        load_candidates(conn, scope), context, load_staff_list(conn)
    )
    waiting = (
        [
            one
            for one in candidates.entries
            if one.kind.route == kind.route
            and one.previous is None
            and one.record.entry_id in by_hand
        ]
        if by_hand
        else candidates.waiting_for(kind)
    )
    selected = [one for one in waiting if not candidates.reasons_left_out(one, exporter, options)]
    if exporter.mapping is None:
        place = route_place(conn, kind.route)
        order = choose_one_list(conn, context.forms, [one.record for one in selected], place)
        selected = [selected[number] for number in order]
    return [Item(number, one.record, one.previous) for number, one in enumerate(selected, 1)]


def with_list_order(
    conn: Connection, kind: RunKind, items: Sequence[Item], options: ExportOptions
) -> ExportOptions:
    """Return the options of a run's file: a list to key in has the order of fields of its system.

    Args:
        items: what the run holds; a list to key in has items of one system, module and area.
    """
    if find_target(options.settings, kind.target).mapping is not None or not items:
        return options
    place = route_place(conn, kind.route)
    system = record_destination(items[0].record, place).system
    return replace(with_field_orders(conn, options, system), place=place)


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


def _new_run(kind: RunKind, exporter: Exporter, person: Person, now: datetime, entries: int) -> Run:
    # Many runs are made in the same second: five of 32 letters keep them apart
    token = "".join(secrets.choice(_TOKEN_LETTERS) for _ in range(5))
    run_id = f"{to_local_time(now):%Y%m%d-%H%M%S}-{kind.target[:10]}-{token}"
    file_name = f"efterskrift-{run_id}{exporter.suffix}"
    made_by = person.name[:80]
    return Run(run_id, kind.target, file_name, now, made_by, entries, route=kind.route)


def _write_file(
    exporter: Exporter, items: Sequence[Item], run: Run, options: ExportOptions
) -> bytes:
    """Return the file of a run.

    Raises:
        ExportError: the target cannot write it, or not now.
    """
    for attempt in range(1, _WRITE_ATTEMPTS + 1):
        try:
            return _make_in_time(exporter, items, run, options)
        except TargetUnavailableError as error:
            if attempt == _WRITE_ATTEMPTS:
                raise ExportError(
                    "target_unavailable", target=run.target, attempts=attempt, why=str(error)
                ) from error
        except TargetError as error:
            raise ExportError("target_refuses", target=run.target, why=str(error)) from error
    raise AssertionError


def _make_in_time(
    exporter: Exporter, items: Sequence[Item], run: Run, options: ExportOptions
) -> bytes:
    """Return the file that a target makes; one of another package has a time limit.

    Raises:
        ExportError: the time is over. What hangs ends with the process, and nothing uses it.
    """
    settings = options.settings
    if run.target not in settings.targets:
        return exporter.make(items, run, options)
    made = Future[bytes]()

    def make() -> None:
        try:
            made.set_result(exporter.make(items, run, options))
        except BaseException as error:  # whatever it is, the caller raises it
            made.set_exception(error)

    thread = threading.Thread(target=make, name=run.target, daemon=True)
    thread.start()
    thread.join(settings.plug_in_seconds)
    if thread.is_alive():
        seconds = f"{settings.plug_in_seconds:g}"
        raise ExportError("target_too_slow", target=run.target, seconds=seconds)
    return made.result()


def _save_run(scope: RunScope, items: Sequence[Item], run: Run, data: bytes) -> Run | None:
    """Write the run if every item is still what the file says; None when something has changed."""
    context = scope.context
    with context.store.begin() as conn:
        # Lock the entries, then compare them with what the file was made from.
        candidates = load_candidates(conn, scope, lock=True)
        current = {
            one.record.entry_id: one for one in candidates.entries if one.kind.route == run.route
        }
        if any(
            item.record.entry_id in candidates.held
            or (now := current.get(item.record.entry_id)) is None
            or (now.record, now.previous) != (item.record, item.amends)
            for item in items
        ):
            return None
        # The image folder comes first: a row never names a file that is not there.
        saved = replace(run, sha256=context.store.images.put(data))
        entry_ids = [item.record.entry_id for item in items]
        run_items.save_run(
            conn,
            saved,
            [(item.record.entry_id, item.record.revision) for item in items],
            {entry_id: current[entry_id].routes for entry_id in entry_ids},
        )
        # An entry is exported when no other route waits for it.
        ready_entries.mark_exported(
            conn, [each for each in entry_ids if current[each].pending == (run.route,)]
        )
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
        route=run.route,
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
    scope: RunScope,
    kind: RunKind,
    exporter: StatisticsExporter,
    options: ExportOptions,
    now: datetime,
) -> Run | None:
    """As `make_run`, of statistics: saved only if the months are still what the file says."""
    store = scope.context.store

    def build_report(conn: Connection, *, lock: bool = False) -> MonthlyReport:
        status = list_reporting_status(
            conn, scope.context.forms, scope.person, kind.target, unit=scope.unit, lock=lock
        )
        route = find_route(conn, kind.route)
        forms = route.forms if route and route.is_active else ()
        months = MonthScope(scope.person, scope.unit, now, forms)
        return build_monthly_report(conn, status, exporter, options, months)

    for _ in range(MAX_ATTEMPTS):
        report = store.query(build_report)
        if not report.items:
            return None
        run = _new_run(
            kind, exporter, scope.person, _run_time(report.items, now), len(report.items)
        )
        file_options = replace(options, whole_months=report.whole_months)
        data = _write_file(exporter, report.items, run, file_options)
        with store.begin() as conn:
            if build_report(conn, lock=True) != report:
                continue
            saved = replace(run, sha256=store.images.put(data))
            save_monthly_run(conn, scope.person.login, saved, report)
            return saved
    raise _entries_changed_error()


def _entries_changed_error() -> ExportError:
    return ExportError("entries_kept_changing")
