"""What a list from the care system does not prove is shown with its whole reason."""

from __future__ import annotations

from dataclasses import replace

from pipeline.export.care_system_check.receipt_proposals import (
    Doubt,
    ListScope,
    ReceiptProposals,
    UnprovenEntry,
)
from pipeline.export.runs import ExportContext
from pipeline.export.runs.receipts import open_run_items
from pipeline.store.database.store import Store
from pipeline.store.schema.clock import utc_now
from tests.support.screens import seeding
from tests.support.screens.seeding import NURSE
from tests.support.store.route_steps import make_run
from tests.unit.ui.conftest import OpenScreen, tables


def test_reasons_are_sentences_over_their_entries(store: Store, open_screen: OpenScreen) -> None:
    here = ExportContext(store, seeding.settings(store), seeding.forms())
    seeding.confirm(store, NURSE, seeding.add_notes(store, 1)[0], sign=True)
    run = make_run(here, NURSE, "rivta", utc_now())
    assert run is not None
    (item,) = open_run_items(here, NURSE, run.id)
    app = open_screen(NURSE, "export")
    app.session_state["list_receipts"] = (
        ListScope("Norr", "HSL", "rivta"),
        ReceiptProposals(
            tuple(
                UnprovenEntry(run.id, replace(item, entry_id=entry_id), "hsl-anteckning", doubt)
                for entry_id, doubt in (
                    ("AAAA01-00", Doubt.OTHER_KIND),
                    ("AAAA02-00", Doubt.OTHER_KIND),
                    ("AAAA03-00", Doubt.NOT_FOUND),
                )
            )
        ),
    )
    app.run()
    assert not app.exception
    shown = [one.value for one in app.markdown]
    assert "**Något liknande finns, men typen skiljer sig** (2)" in shown
    assert "**Finns inte i listan** (1)" in shown
    shown_entries = [[row["Post"] for row in rows] for rows in tables(app) if "Post" in rows[0]]
    assert ["AAAA01-00", "AAAA02-00"] in shown_entries
    assert ["AAAA03-00"] in shown_entries
