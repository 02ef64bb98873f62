"""What may go into a file: confirmed entries with their latest run, and where each belongs.

An entry that may be in the care system already waits until a person has decided.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime

from pipeline.domain.errors import ExportError
from pipeline.domain.form.form import Forms
from pipeline.domain.model import Person, StaffMember
from pipeline.domain.record import PreviousExport, Record
from pipeline.export.care_system_check.matches import find_entries_with_matches
from pipeline.export.exporter import Exporter, ExportOptions
from pipeline.export.runs.context import ExportContext, load_export_options
from pipeline.export.targets import TARGETS
from pipeline.store.exports import ready_entries, records, run_items
from pipeline.store.exports.run_items import Connection

Candidate = tuple[Record, PreviousExport | None]
"""A confirmed entry, and the latest run that carried it."""
_MANUAL_ENTRY_TARGET = "skriv-in"
_PAYMENT_TARGET = "pain001"


@dataclass(frozen=True, slots=True)
class RunScope:
    """Whose entries a run may take: those of the person's units, or of one `unit` of them."""

    context: ExportContext
    person: Person
    unit: str | None


@dataclass(frozen=True, slots=True)
class Candidates:
    """The entries that are ready, by client and time as a person keys them in.

    `held` may be in the care system already. `manual_corrections` correct what a care system has
    and no file can tell it any longer.
    """

    entries: tuple[Candidate, ...]
    held: frozenset[str]
    manual_corrections: frozenset[str] = frozenset()

    def belonging_to(
        self, target: str, exporter: Exporter, options: ExportOptions
    ) -> list[Candidate]:
        """Return the entries that belong in a target, held or not."""
        return [
            candidate
            for candidate in self.entries
            if self._belongs(candidate, target, exporter, options)
        ]

    def _belongs(
        self, candidate: Candidate, target: str, exporter: Exporter, options: ExportOptions
    ) -> bool:
        """Tell whether an entry belongs in a target: by its form, and its first export.

        A correction has to follow the original; one that the first target cannot carry goes on
        the key-in list, which says where it has to be made void.
        """
        record, previous = candidate
        # An entry that became void and was refused by its target is in no system.
        if record.voided is not None and previous is None:
            return False
        follows_original = previous is None or previous.target == target
        takes_every_form = exporter.mapping is None
        if not follows_original and not (
            takes_every_form and record.entry_id in self.manual_corrections
        ):
            return False
        return takes_every_form or options.takes(record)


def load_candidates(conn: Connection, scope: RunScope, *, lock: bool = False) -> Candidates:
    """Load the entries that are ready, with their latest runs, and those that are held.

    Args:
        lock: keep others from changing the entries until the transaction ends.
    """
    context = scope.context
    entry_ids = ready_entries.list_ready_entries(
        conn, context.forms, scope.person, unit=scope.unit, lock=lock
    )
    loaded = records.load_records(conn, context.forms, entry_ids)
    previous = add_carried_records(
        conn, context.forms, loaded, run_items.latest_exports(conn, entry_ids)
    )
    entries = sorted(
        ((record, previous.get(record.entry_id)) for record in loaded), key=_manual_entry_order
    )
    held = find_entries_with_matches(
        conn,
        context.forms,
        [record.entry_id for record, _ in entries],
        context.settings.clash_minutes,
    )
    return Candidates(tuple(entries), held)


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
            if run.target == _MANUAL_ENTRY_TARGET
        }
        runs_to_load = {
            entry_id: run
            for entry_id, last in key_in_runs.items()
            if (run := run_items.previous_unanswered_export(conn, entry_id, last.revision))
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
    """Add which entries a care system has and no file can correct any longer.

    A payment is corrected at the bank. A correction for a target whose mapping is wrong waits
    until the mapping is right.
    """
    exported = [
        (record, previous.target)
        for record, previous in candidates.entries
        if previous and previous.target in TARGETS and previous.target != _PAYMENT_TARGET
    ]
    # Mapping files are read once a target.
    options_by_target = dict[str, ExportOptions]()
    for name in {target for _, target in exported if TARGETS[target].mapping}:
        with suppress(ExportError):
            options_by_target[name] = load_export_options(context, name, TARGETS[name], staff)
    corrections = frozenset(
        record.entry_id
        for record, target in exported
        if (options := options_by_target.get(target))
        and (not options.takes(record) or TARGETS[target].unsupported_reason(record, options))
    )
    return replace(candidates, manual_corrections=corrections)


def _manual_entry_order(candidate: Candidate) -> tuple[str, str, datetime, str]:
    """Sort by client, then by time."""
    record = candidate[0]
    time = record.event_at or record.written_at or datetime.max
    return record.client.name.casefold(), record.client.pid, time, record.entry_id
