"""An export is a run: confirmed entries, fixed, in one file, each entry once at each revision.
Statistics tell of entries beside that: `monthly.py`.

The file is made from what the database says, then everything is checked again and written in one
transaction: of two that export the same entries at once, one wins and the other starts over with
what is left. A process that is killed leaves a whole run or none.

What may go into a file: confirmed entries with their latest run, whether each belongs in a
target, and which wait until a person has decided.

The runs that were made: which there are, and their files for whoever may open them.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from pipeline.domain.errors import ExportError
from pipeline.domain.form.form import Forms
from pipeline.domain.model import Person, StaffMember
from pipeline.domain.permissions import Action, require_permission
from pipeline.domain.record import PreviousExport, Record, Run
from pipeline.domain.settings import Settings
from pipeline.export.authorities.monthly import (
    build_monthly_report,
    count_amended,
    find_incomplete_months,
    save_monthly_run,
)
from pipeline.export.care_system_check.matches import (
    HELD_FOR_MATCH,
    erase_settled_lists,
    find_entries_with_matches,
)
from pipeline.export.exporter import Exporter, ExportOptions, Item, to_local_time
from pipeline.export.tables.left_out import unmapped_fields_notices
from pipeline.export.tables.mapping import ManualEntryMapping, load_mappings, require_known_fields
from pipeline.export.targets import STATISTICS, TARGETS
from pipeline.store.database.store import Store
from pipeline.store.event_log import events
from pipeline.store.exports import ready_entries, records, run_items, runs
from pipeline.store.exports.run_items import Connection
from pipeline.store.exports.runs import RunStatus
from pipeline.store.exports.statistics import list_reporting_status
from pipeline.store.registers.staff import load_staff_list
from pipeline.store.review.signing import count_waiting_signatures

_MANUAL_ENTRY_TARGET = "skriv-in"
Candidate = tuple[Record, PreviousExport | None]
MAX_ATTEMPTS = 10


def load_candidates(conn: Connection, forms: Forms, entry_ids: Sequence[str]) -> list[Candidate]:
    """Confirmed entries with their latest run, in the order in which a person keys them: by client,
    then by time.
    """
    found = records.load_records(conn, forms, entry_ids)
    before = add_carried_records(conn, forms, found, run_items.latest_exports(conn, entry_ids))
    return sorted(
        ((record, before.get(record.entry_id)) for record in found), key=_manual_entry_order
    )


def add_carried_records(
    conn: Connection, forms: Forms, found: Sequence[Record], before: Mapping[str, PreviousExport]
) -> dict[str, PreviousExport]:
    """The latest runs by entry, with what they carried where that was about another client than
    now. A list to key in that nobody has ticked is overtaken by the next: what it would have
    told has to be told again, and where somebody may have keyed it in is told too.
    """
    now = {record.entry_id: record.client.pid for record in found}
    looked, said = dict(before), dict[str, list[Record]]()
    while looked:
        then = records.load_records(
            conn,
            forms,
            list(looked),
            {entry_id: run.entry_revision for entry_id, run in looked.items()},
        )
        for each in then:
            said.setdefault(each.entry_id, []).append(each)
        unsure = {
            entry_id: run for entry_id, run in looked.items() if run.target == _MANUAL_ENTRY_TARGET
        }
        looked = {
            entry_id: run
            for entry_id, last in unsure.items()
            if (run := run_items.previous_unanswered_export(conn, entry_id, last.revision))
        }
    return dict(before) | {
        entry_id: _with_previous_clients(before[entry_id], now[entry_id], then)
        for entry_id, then in said.items()
    }


def _with_previous_clients(run: PreviousExport, now: str, said: Sequence[Record]) -> PreviousExport:
    """`said`: what was carried, the latest first. The oldest is what stands there for sure if
    nobody has keyed in what came after it.
    """
    *unsure, first = said
    others = {
        each.client.pid: each
        for each in reversed(unsure)
        if each.client.pid not in (now, first.client.pid)
    }
    return replace(
        run,
        exported_record=first if first.client.pid != now else None,
        possible_records=tuple(others.values()),
    )


def find_held_candidates(
    conn: Connection, forms: Forms, candidates: Sequence[Candidate], clash_minutes: int
) -> frozenset[str]:
    """Those that somebody else may have keyed in already: in no file until a person has decided."""
    return find_entries_with_matches(
        conn, forms, [record.entry_id for record, _ in candidates], clash_minutes
    )


def is_exportable(
    target: str,
    exporter: Exporter,
    candidate: Candidate,
    options: ExportOptions,
    manual_corrections: frozenset[str] = frozenset(),
) -> bool:
    """Whether an entry belongs in a target: by its form, and where its first export went. A
    correction has to follow the original; one that the first target cannot carry (`by_hand`)
    goes on the list to key in, which says where it has to be made void.

    One that became void and was refused by its target is in no system, so there is none to tell.
    """
    record, before = candidate
    return (
        not (record.voided is not None and before is None)
        and (
            before is None
            or before.target == target
            or (exporter.mapping is None and record.entry_id in manual_corrections)
        )
        and (exporter.mapping is None or record.form in options.mappings)
    )


def _manual_entry_order(candidate: Candidate) -> tuple[Any, ...]:
    record = candidate[0]
    time = record.event_at or record.written_at or datetime.max
    return record.client.name.casefold(), record.client.pid, time, record.entry_id


@dataclass(frozen=True, slots=True)
class ExportContext:
    """Where exports are made: the store, the settings and the form definitions."""

    store: Store
    settings: Settings
    forms: Forms


@dataclass(frozen=True, slots=True)
class UnsupportedEntry:
    """A confirmed entry that a target cannot carry, and why (Swedish, without any value)."""

    entry_id: str
    reason: str


@dataclass(frozen=True, slots=True)
class TargetStatus:
    """What a run to a target would hold now. `entries` includes `amendments`. `notices`: what to do
    before a file of statistics is handed in, or what a table leaves out. `fault`: what is wrong
    with the target's own mapping files.
    """

    target: str
    title: str
    entries: int
    amendments: int
    unsupported: tuple[UnsupportedEntry, ...]
    notices: tuple[str, ...] = ()
    fault: ExportError | None = None


def list_target_status(
    context: ExportContext, person: Person, unit: str | None = None
) -> list[TargetStatus]:
    """What waits to be exported, one line a target.

    Raises:
        NotAllowedError: the person may not export, or not from this unit.
    """
    with context.store.recording_denials():
        require_permission(person, Action.EXPORT, unit)
    with context.store.read() as conn:
        candidates, staff = _ready_candidates(conn, context, person, unit), load_staff_list(conn)
        waiting, by_hand = (
            _find_held(conn, context, candidates),
            _find_manual_corrections(context, candidates, staff),
        )
        lines = []
        for name, exporter in TARGETS.items():
            try:
                terms = load_export_options(context, name, exporter, staff)
                if name in STATISTICS:
                    lines.append(_statistics_status(conn, context, person, name, unit, terms))
                else:
                    lines.append(
                        _target_status(name, exporter, candidates, terms, waiting, by_hand)
                    )
            except ExportError as error:
                lines.append(TargetStatus(name, exporter.title, 0, 0, (), fault=error))
    return lines


def count_unsigned(context: ExportContext, person: Person, unit: str | None = None) -> int:
    """How many confirmed entries are left out until somebody has signed them.

    Raises:
        NotAllowedError: the person may not export, or not from this unit.
    """
    require_permission(person, Action.EXPORT, unit)
    with context.store.read() as conn:
        return count_waiting_signatures(conn, context.forms, person, unit)


def make_run(
    context: ExportContext, person: Person, target: str, now: datetime, unit: str | None = None
) -> Run | None:
    """Export all that is ready for a target, from one unit or all of the person's; None when there
    is nothing, and then nothing changes.

    Raises:
        NotAllowedError: the person may not export, or not from this unit.
        ExportError: there is no such target, or a mapping file is wrong.
        StoreError: the database or the disk failed; nothing has been exported.
    """
    with context.store.recording_denials():
        require_permission(person, Action.EXPORT, unit)
    exporter = find_target(target)
    with context.store.begin() as conn:
        erase_settled_lists(conn, context.forms, context.settings.clash_minutes, now)
        terms = load_export_options(context, target, exporter, load_staff_list(conn))
    if target in STATISTICS:
        return _make_monthly_run(context, person, target, terms, now, unit)
    for _ in range(MAX_ATTEMPTS):
        with context.store.read() as conn:
            candidates = _ready_candidates(conn, context, person, unit)
            by_hand = _find_manual_corrections(context, candidates, load_staff_list(conn))
            items = _select_items(
                target, exporter, candidates, terms, _find_held(conn, context, candidates), by_hand
            )
        if not items:
            return None
        run = _new_run(target, exporter, person, _run_time(items, now), len(items))
        data = exporter.make(items, run, terms)
        if made := _save_run(context, person, unit, items, run, data):
            return made
    raise _entries_changed_error()


def find_target(target: str) -> Exporter:
    """A target by its name.

    Raises:
        ExportError: there is no such target.
    """
    try:
        return TARGETS[target]
    except KeyError as error:
        raise ExportError("no_target", target=target, targets=", ".join(TARGETS)) from error


def load_export_options(
    context: ExportContext, target: str, exporter: Exporter, staff: Sequence[StaffMember] = ()
) -> ExportOptions:
    mappings = load_mappings(
        context.settings.form_folders, target, exporter.mapping or ManualEntryMapping
    )
    require_known_fields(context.forms, target, mappings)
    return ExportOptions(context.settings, context.forms, mappings, staff, context.store.images.get)


def _make_monthly_run(
    context: ExportContext,
    person: Person,
    target: str,
    options: ExportOptions,
    now: datetime,
    unit: str | None,
) -> Run | None:
    """As `make_run`, of statistics: kept only if the months are still what the file says."""
    exporter = STATISTICS[target]
    for _ in range(MAX_ATTEMPTS):
        with context.store.read() as conn:
            month = build_monthly_report(
                conn,
                list_reporting_status(conn, context.forms, person, target, unit=unit),
                exporter,
                options,
            )
        if not month.items:
            return None
        run = _new_run(target, exporter, person, _run_time(month.items, now), len(month.items))
        data = exporter.make(month.items, run, options)
        with context.store.begin() as conn:
            if (
                build_monthly_report(
                    conn,
                    list_reporting_status(
                        conn, context.forms, person, target, unit=unit, lock=True
                    ),
                    exporter,
                    options,
                )
                != month
            ):
                continue
            kept = replace(run, sha256=context.store.images.put(data))
            save_monthly_run(conn, person.login, kept, month)
            return kept
    raise _entries_changed_error()


def _entries_changed_error() -> ExportError:
    return ExportError("entries_changed_all_time_while")


def _ready_candidates(
    conn: Connection,
    context: ExportContext,
    person: Person,
    unit: str | None,
    *,
    lock: bool = False,
) -> list[Candidate]:
    return load_candidates(
        conn,
        context.forms,
        ready_entries.list_ready_entries(conn, context.forms, person, unit=unit, lock=lock),
    )


def _find_held(
    conn: Connection, context: ExportContext, candidates: Sequence[Candidate]
) -> frozenset[str]:
    return find_held_candidates(conn, context.forms, candidates, context.settings.clash_minutes)


def _find_manual_corrections(
    context: ExportContext, candidates: Sequence[Candidate], staff: Sequence[StaffMember]
) -> frozenset[str]:
    """What a care system has and, as it is corrected, no file can tell it any longer. A payment is
    put right at the bank.

    A correction for a target whose mapping is wrong waits until it is right.
    """
    sent = [
        (record, before.target)
        for record, before in candidates
        if before and before.target in TARGETS and before.target != "pain001"
    ]
    terms = dict[str, ExportOptions]()
    for name in {target for _, target in sent if TARGETS[target].mapping}:
        with suppress(ExportError):
            terms[name] = load_export_options(context, name, TARGETS[name], staff)
    found = ((record, terms[target], TARGETS[target]) for record, target in sent if target in terms)
    return frozenset(
        record.entry_id
        for record, own, exporter in found
        if record.form not in own.mappings or exporter.unsupported_reason(record, own)
    )


def _select_items(
    target: str,
    exporter: Exporter,
    candidates: Sequence[Candidate],
    options: ExportOptions,
    held_entry_ids: frozenset[str],
    manual_corrections: frozenset[str],
) -> list[Item]:
    free = [c for c in candidates if c[0].entry_id not in held_entry_ids]
    chosen = [
        c
        for c in free
        if is_exportable(target, exporter, c, options, manual_corrections)
        and not exporter.unsupported_reason(c[0], options)
    ]
    return [Item(number, record, before) for number, (record, before) in enumerate(chosen, 1)]


def _target_status(
    target: str,
    exporter: Exporter,
    candidates: Sequence[Candidate],
    options: ExportOptions,
    held_entry_ids: frozenset[str],
    manual_corrections: frozenset[str],
) -> TargetStatus:
    going = [
        candidate
        for candidate in candidates
        if is_exportable(target, exporter, candidate, options, manual_corrections)
    ]
    reasons = [
        (
            record.entry_id,
            HELD_FOR_MATCH
            if record.entry_id in held_entry_ids
            else exporter.unsupported_reason(record, options),
        )
        for record, _ in going
    ]
    unfit = [UnsupportedEntry(entry_id, reason) for entry_id, reason in reasons if reason]
    stopped = {each.entry_id for each in unfit}
    amendments = sum(
        before is not None and record.entry_id not in stopped for record, before in going
    )
    notices = unmapped_fields_notices(options, {record.form for record, _ in going})
    return TargetStatus(
        target, exporter.title, len(going) - len(unfit), amendments, tuple(unfit), notices
    )


def _statistics_status(
    conn: Connection,
    context: ExportContext,
    person: Person,
    target: str,
    unit: str | None,
    options: ExportOptions,
) -> TargetStatus:
    exporter, standings = (
        STATISTICS[target],
        list_reporting_status(conn, context.forms, person, target, unit=unit),
    )
    month = build_monthly_report(conn, standings, exporter, options)
    unfit = tuple(UnsupportedEntry(*each) for each in month.unsupported)
    notices = (
        tuple(
            filter(
                None,
                (exporter.notice(options), *find_incomplete_months(conn, target, month, standings)),
            )
        )
        if month.items
        else ()
    )
    return TargetStatus(
        target, exporter.title, len(month.items), count_amended(month.items), unfit, notices
    )


def _run_time(items: Sequence[Item], now: datetime) -> datetime:
    """The moment of a run: no decision that its file tells of may be later, or the file would tell
    of what is to come.

    Whoever starts over finds decisions of after `now`, and another machine's clock may be ahead.
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


def _save_run(
    context: ExportContext,
    person: Person,
    unit: str | None,
    items: Sequence[Item],
    run: Run,
    data: bytes,
) -> Run | None:
    """Write the run if every item is still what the file says; None when something has changed."""
    with context.store.begin() as conn:
        candidates = _ready_candidates(conn, context, person, unit, lock=True)
        now_there = {record.entry_id: (record, before) for record, before in candidates}
        waiting = _find_held(conn, context, candidates)
        if any(
            item.record.entry_id in waiting
            or now_there.get(item.record.entry_id) != (item.record, item.amends)
            for item in items
        ):
            return None
        kept = replace(run, sha256=context.store.images.put(data))
        run_items.save_run(
            conn, kept, [(item.record.entry_id, item.record.revision) for item in items]
        )
        ready_entries.mark_exported(conn, [item.record.entry_id for item in items])
        of = run_items.run_unit(conn, kept.id)
        events.record(
            conn,
            person.login,
            "export",
            kept.id,
            unit=of,
            target=kept.target,
            entries=kept.entries,
            sha256=kept.sha256,
        )
        for item in items:
            events.record(
                conn,
                person.login,
                "exported",
                item.record.entry_id,
                unit=item.record.unit,
                run=kept.id,
                revision=item.record.revision,
            )
        return kept


@dataclass(frozen=True, slots=True)
class RunFile:
    """A file for the person who asked, and how many entries it holds."""

    name: str
    media_type: str
    data: bytes
    sha256: str
    entries: int


def list_runs(context: ExportContext, person: Person) -> list[RunStatus]:
    """The runs that the person may open, newest first.

    Raises:
        NotAllowedError: the person may not export.
    """
    with context.store.read() as conn:
        require_permission(person, Action.EXPORT)
        return runs.list_visible_runs(conn, person)


def fetch_run_file(context: ExportContext, person: Person, run_id: str) -> RunFile:
    """The file of a run, the same bytes as when it was made. That it was fetched is written in the
    log.

    Raises:
        NotAllowedError: the run holds entries that the person may not see.
        ExportError: there is no such run.
        StoreError: the file is missing or damaged.
    """
    with context.store.begin() as conn:
        run = require_run(conn, person, run_id, Action.EXPORT)
        runs.require_whole_run(conn, person, Action.EXPORT, run_id)
        events.record(
            conn,
            person.login,
            "fetch_export",
            run_id,
            unit=run_items.run_unit(conn, run_id),
            target=run.target,
            entries=run.entries,
        )
    return RunFile(
        run.file_name,
        find_target(run.target).media_type,
        context.store.images.get(run.sha256),
        run.sha256,
        run.entries,
    )


def require_run(conn: Connection, person: Person, run_id: str, action: Action) -> Run:
    """A run, if the person may do this with something that it holds.

    Raises:
        NotAllowedError: the person may not see any of it.
        ExportError: there is no such run.
    """
    require_permission(person, action)
    run = runs.find_run(conn, run_id)
    if run is None:
        raise ExportError("no_run", run_id=run_id[:40])
    runs.require_run(conn, person, action, run_id)
    return run
