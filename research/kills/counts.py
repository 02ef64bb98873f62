"""Count what was lost, doubled or failed, from the paper to the receipt."""

from __future__ import annotations

import hashlib
from collections import Counter
from contextlib import closing
from dataclasses import replace

from pipeline.domain.form.form import Forms
from pipeline.domain.model import EntryState, Role
from pipeline.export.runs import ExportContext, list_runs
from pipeline.export.runs.receipts import open_run_items
from pipeline.operations.upkeep.store_check import check_store
from pipeline.store.entries.entry import list_sheet_entries
from pipeline.store.event_log.verification import verify_chain
from pipeline.store.paper.intake.stacks import list_stacks
from pipeline.store.paper.pages import count_pages_by_state, list_batch_pages
from research.kills.stages import Workplace, load_forms, sheet_serial


def count_faults(place: Workplace, sheets: int) -> dict[str, int]:
    """Return the number of faults of each kind; all are 0 if nothing was lost or doubled."""
    faults = Counter[str]()
    forms = load_forms()
    with closing(place.open()) as store:
        _count_pages(place, sheets, faults)
        _count_exports(place, forms, faults)
        with store.read() as conn:
            faults["changed rows of the log"] = verify_chain(conn, []).count
        check = check_store(store, "kills").check
        faults["missing or damaged files"] = check.missing + check.damaged
        faults["damaged database"] = bool(check.database_problem)
    faults["partial files"] = sum(
        not path.name.startswith("efterskrift-") for path in place.outbox.iterdir()
    )
    return {name: int(number) for name, number in sorted(faults.items())}


def _count_pages(place: Workplace, sheets: int, faults: Counter[str]) -> None:
    """Each sheet has one page, one entry, and that is receipted."""
    with closing(place.open()) as store, store.read() as conn:
        operator = replace(place.staff[0], role=Role.ADMINISTRATOR)
        batches = list_stacks(conn, operator, limit=sheets + 1_000)
        pages = [page for batch in batches for page in list_batch_pages(conn, batch.id)]
        serials = Counter(page.serial for page in pages)
        for number in range(sheets):
            serial = sheet_serial(number)
            faults["lost pages"] += serials[serial] == 0
            faults["doubled pages"] += max(0, serials[serial] - 1)
            entries = list_sheet_entries(conn, serial)
            faults["lost entries"] += not entries
            faults["doubled entries"] += max(0, len(entries) - 1)
            faults["entries without a receipt"] += any(
                entry.state is not EntryState.RECEIPTED for entry in entries
            )
        faults["failed pages"] = count_pages_by_state(conn)["failed"]


def _count_exports(place: Workplace, forms: Forms, faults: Counter[str]) -> None:
    """Each entry is in one run, and the file of each run was delivered, whole."""
    with closing(place.open()) as store:
        context, person = ExportContext(store, place.settings, forms), place.staff[0]
        carried = Counter[str]()
        for status in list_runs(context, person):
            items = open_run_items(context, person, status.run.id)
            carried.update(item.entry_id for item in items)
            file = place.outbox / status.run.file_name
            is_whole = (
                file.exists() and hashlib.sha256(file.read_bytes()).hexdigest() == status.run.sha256
            )
            faults["exports not delivered"] += not (is_whole and status.is_delivered)
        faults["entries exported twice"] = sum(number > 1 for number in carried.values())
