"""What is confirmed, and signed where it has to be, stands on the lists to key in by itself."""

from __future__ import annotations

from datetime import datetime

from pipeline.domain.model import Person
from pipeline.domain.record import MANUAL_ENTRY_TARGET, Run
from pipeline.export.context import ExportContext
from pipeline.export.runs.candidates import RunScope, load_candidates, with_manual_corrections
from pipeline.export.runs.make import make_runs_of_kind
from pipeline.store.registers.staff import load_staff_list


def fill_baskets(context: ExportContext, person: Person, now: datetime) -> list[Run]:
    """Make the lists of all that waits to be keyed in, of the person's units; return the new ones.

    They are runs as any other: an entry is on one list, whoever opens the screen at the same
    moment, and what changes after it goes on a new one.

    Raises:
        NotAllowedError: the person may not export.
        ExportError: the entries kept changing, or a file of the forms' order of fields is wrong.
        StoreError: the database or the disk failed; the lists before it are made.
    """
    with context.store.read() as conn:
        waiting = load_candidates(conn, RunScope(context, person, None))
        moved = with_manual_corrections(waiting, context, load_staff_list(conn))
    kinds = dict.fromkeys(
        one.kind for one in moved.entries if one.kind.target == MANUAL_ENTRY_TARGET
    )
    return [run for kind in kinds for run in make_runs_of_kind(context, person, kind, now)]
