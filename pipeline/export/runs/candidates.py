"""What may go into a file: confirmed entries, each once for every route that waits for it.

An entry that may be in the care system already waits until a person has decided.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime

from pipeline.domain.errors import ExportError
from pipeline.domain.form.form import Forms
from pipeline.domain.model import Person, StaffMember
from pipeline.domain.record import (
    DEFAULT_ROUTE,
    MANUAL_ENTRY_TARGET,
    PreviousExport,
    Record,
    Route,
)
from pipeline.export.care_system_matches import HELD_FOR_MATCH, find_entries_with_matches
from pipeline.export.context import ExportContext, load_export_options
from pipeline.export.exporter import Exporter, ExportOptions
from pipeline.store.exports import ready_entries, records, run_items
from pipeline.store.exports.routes import list_routes
from pipeline.store.exports.run_items import Connection
from pipeline.texts import Text

NO_MAPPING = Text("export_reason.no_mapping")
"""Why a target does not carry an entry of a form that is routed to it."""
_NOTHING_TO_TELL = "export_reason.no_warning"
"""Key of the reason why an entry rightly never goes to a target that carries a part of it."""


@dataclass(frozen=True, slots=True)
class RunKind:
    """What a run is of: a route, and the format of its file.

    The format is the route's, or the list to key in, for what the route's format cannot carry.
    """

    route: str
    target: str


@dataclass(frozen=True, slots=True)
class Candidate:
    """A confirmed entry that waits in a route, and the route's latest run that carried it.

    `record.revision` is that of the route. `routes` are all of the entry, `pending` those that
    still wait for it.
    """

    record: Record
    previous: PreviousExport | None
    kind: RunKind
    routes: tuple[str, ...]
    pending: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RunScope:
    """Whose entries a run may take: those of the person's units, or of one `unit` of them."""

    context: ExportContext
    person: Person
    unit: str | None


@dataclass(frozen=True, slots=True)
class Candidates:
    """The entries that wait in some route, by client and time as a person keys them in.

    An entry is there once for each route that waits for it. `held` may be in the care system
    already.
    """

    entries: tuple[Candidate, ...]
    held: frozenset[str]

    def waiting_for(self, kind: RunKind) -> list[Candidate]:
        """Return the entries of a kind of run, whether or not its format can carry them."""
        return [candidate for candidate in self.entries if candidate.kind == kind]

    def reasons_left_out(
        self, candidate: Candidate, exporter: Exporter, options: ExportOptions
    ) -> tuple[Text, ...]:
        """Return all reasons why an entry of a run is left out of it; empty if it goes along."""
        held = (HELD_FOR_MATCH,) if candidate.record.entry_id in self.held else ()
        if exporter.mapping is not None and not options.takes(candidate.record):
            return (*held, NO_MAPPING)
        return (*held, *exporter.unsupported_reasons(candidate.record, options))


def load_candidates(conn: Connection, scope: RunScope, *, lock: bool = False) -> Candidates:
    """Load the entries that wait, once for each route that waits for them, and those held.

    A correction follows the original, in the format that the system has it in.

    Args:
        lock: keep others from changing the entries until the transaction ends.
    """
    context = scope.context
    entry_ids = ready_entries.list_ready_entries(
        conn, context.forms, scope.person, unit=scope.unit, lock=lock
    )
    loaded = records.load_records(conn, context.forms, entry_ids)
    waiting = sorted(_find_routes(conn, loaded, context), key=_manual_entry_order)
    held = find_entries_with_matches(
        conn,
        context.forms,
        list(dict.fromkeys(candidate.record.entry_id for candidate in waiting)),
        context.settings.clash_minutes,
    )
    return Candidates(tuple(_with_carried_records(conn, context.forms, waiting)), held)


def _find_routes(
    conn: Connection, loaded: Sequence[Record], context: ExportContext
) -> Iterator[Candidate]:
    """Yield each record once for each route that waits for it."""
    entry_ids = [record.entry_id for record in loaded]
    defined = {route.name: route for route in (DEFAULT_ROUTE, *list_routes(conn))}
    targets = context.targets
    takers = [one for one in defined.values() if targets.find_statistics(one.target) is None]
    partial = [one for one in takers if (kind := targets.get(one.target)) and kind.is_partial]
    whole = [one for one in takers if one not in partial]
    exports = run_items.latest_route_exports(conn, entry_ids)
    counts = run_items.count_route_exports(conn, entry_ids)
    chosen = run_items.list_chosen_routes(conn, entry_ids)
    revisions = run_items.present_revisions(conn, entry_ids)
    silent = _find_silent(context, partial, loaded)
    for record in loaded:
        entry_id = record.entry_id
        has = exports.get(entry_id, {})
        routes = _entry_routes(takers, whole, record.form, has, chosen.get(entry_id, ()))
        # What has the entry as it is now does not wait. A void entry that a route has nothing of
        # is in no system there.
        pending = tuple(
            name
            for name in routes
            if (
                (previous := has.get(name)) is None
                and record.voided is None
                and (name, entry_id) not in silent
            )
            or (previous is not None and previous.entry_revision != revisions[entry_id])
        )
        for name in pending:
            previous = has.get(name)
            target = previous.target if previous else defined.get(name, DEFAULT_ROUTE).target
            # What was in a payment file is in no other, whatever its route
            revision = 1 + sum(
                count
                for (route, used), count in counts.get(entry_id, {}).items()
                if route == name or (used == target and _is_payment(context, target))
            )
            yield Candidate(
                replace(record, revision=revision),
                previous,
                RunKind(name, target),
                routes,
                pending,
            )


def _entry_routes(
    routes: Sequence[Route],
    whole: Sequence[Route],
    form: str,
    exports: Mapping[str, PreviousExport],
    chosen: Sequence[str],
) -> tuple[str, ...]:
    """Return the names of the routes of an entry.

    An entry that no system has follows the routes as they are set now; where these carry only a
    part of it, all of it goes to the list to key in. One that a system has keeps
    the routes it had when the first took it: a change of routes neither loses nor doubles it.

    Args:
        routes: the routes that take entries, without those of statistics.
        whole: those of them that carry all of an entry.
        exports: the latest run of each route that has the entry.
        chosen: the routes that the entry had when the first of them took it.
    """
    if exports:
        return tuple(dict.fromkeys((*chosen, *exports)))
    is_whole = any(each.takes(form) for each in whole)
    takers = (each.name for each in routes if each.takes(form))
    return (*takers, *(() if is_whole else (DEFAULT_ROUTE.name,)))


def _find_silent(
    context: ExportContext, partial: Sequence[Route], loaded: Sequence[Record]
) -> set[tuple[str, str]]:
    """Return (route, entry id) of what a route that carries a part has nothing to tell of."""
    found = set[tuple[str, str]]()
    for route in partial:
        exporter = context.targets[route.target]
        # A wrong mapping file is told of where the route's run is shown
        with suppress(ExportError):
            options = load_export_options(context, route.target, exporter)
            found |= {
                (route.name, record.entry_id)
                for record in loaded
                if options.takes(record)
                and (reason := exporter.unsupported_reason(replace(record, revision=1), options))
                and reason.key == _NOTHING_TO_TELL
            }
    return found


def _with_carried_records(
    conn: Connection, forms: Forms, candidates: Sequence[Candidate]
) -> list[Candidate]:
    """Return the candidates with what each route's latest runs carried of other clients."""
    by_route: dict[str, list[Candidate]] = {}
    for candidate in candidates:
        by_route.setdefault(candidate.kind.route, []).append(candidate)
    carried = {
        (entry_id, route): previous
        for route, of_route in by_route.items()
        for entry_id, previous in add_carried_records(
            conn,
            forms,
            [one.record for one in of_route],
            {one.record.entry_id: one.previous for one in of_route if one.previous},
        ).items()
    }
    return [
        replace(one, previous=carried.get((one.record.entry_id, one.kind.route)))
        for one in candidates
    ]


def add_carried_records(
    conn: Connection,
    forms: Forms,
    current: Sequence[Record],
    previous_runs: Mapping[str, PreviousExport],
) -> dict[str, PreviousExport]:
    """Add to the latest runs what they carried, where that was about another client than now.

    A key-in list without a tick is replaced by the next one, which has to withdraw what the first
    would have withdrawn, and what may have been keyed in from it.

    Args:
        previous_runs: the latest run by entry.
    """
    current_pids = {record.entry_id: record.client.pid for record in current}
    runs_to_load, carried = dict(previous_runs), dict[str, list[Record]]()
    while runs_to_load:
        # Load what each run carried: the entry at the revision of that run.
        loaded = records.load_records(
            conn,
            forms,
            list(runs_to_load),
            {entry_id: run.entry_revision for entry_id, run in runs_to_load.items()},
        )
        for record in loaded:
            carried.setdefault(record.entry_id, []).append(record)
        # Behind an unanswered key-in list, the run before it may be what the system has.
        key_in_runs = {
            entry_id: run
            for entry_id, run in runs_to_load.items()
            if run.target == MANUAL_ENTRY_TARGET
        }
        runs_to_load = {
            entry_id: run
            for entry_id, last in key_in_runs.items()
            if (run := run_items.previous_unanswered_export(conn, entry_id, last.export_number))
        }
    return dict(previous_runs) | {
        entry_id: _with_previous_clients(
            previous_runs[entry_id], current_pids[entry_id], carried_records
        )
        for entry_id, carried_records in carried.items()
    }


def _with_previous_clients(
    run: PreviousExport, current_pid: str, carried: Sequence[Record]
) -> PreviousExport:
    """Return the run with the records of other clients that the target has or may have.

    Args:
        carried: what was carried, the latest first. The oldest is in the system in any case, the
            later ones only if they were keyed in.
    """
    *uncertain, first = carried
    others = {
        record.client.pid: record
        for record in reversed(uncertain)
        if record.client.pid not in (current_pid, first.client.pid)
    }
    return replace(
        run,
        exported_record=first if first.client.pid != current_pid else None,
        possible_records=tuple(others.values()),
    )


def with_manual_corrections(
    candidates: Candidates, context: ExportContext, staff: Sequence[StaffMember]
) -> Candidates:
    """Move to the list to key in what a care system has and no file can correct any longer.

    A payment is corrected at the bank. A correction for a target whose mapping is wrong waits
    until the mapping is right.
    """
    corrections = {
        one.kind.target
        for one in candidates.entries
        if one.previous
        and one.kind.target in context.targets
        and not _is_payment(context, one.kind.target)
    }
    targets = context.targets
    # Mapping files are read once a target.
    options_by_target = dict[str, ExportOptions]()
    for name in {target for target in corrections if targets[target].mapping}:
        with suppress(ExportError):
            options_by_target[name] = load_export_options(context, name, targets[name], staff)

    def is_manual(candidate: Candidate) -> bool:
        target, record = candidate.kind.target, candidate.record
        options = options_by_target.get(target) if candidate.previous else None
        return options is not None and bool(
            not options.takes(record) or targets[target].unsupported_reason(record, options)
        )

    entries = tuple(
        replace(one, kind=RunKind(one.kind.route, MANUAL_ENTRY_TARGET)) if is_manual(one) else one
        for one in candidates.entries
    )
    return replace(candidates, entries=entries)


def _is_payment(context: ExportContext, target: str) -> bool:
    exporter = context.targets.get(target)
    return exporter is not None and exporter.is_payment


def _manual_entry_order(candidate: Candidate) -> tuple[str, str, datetime, str]:
    """Sort by client, then by time."""
    record = candidate.record
    time = record.event_at or record.written_at or datetime.max
    return record.client.name.casefold(), record.client.pid, time, record.entry_id
