"""The demo's entries go through their routes, from review to the last receipt, and each is
accounted for exactly once.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pipeline.domain.form.form import COVER_SHEET, INTERNAL_FORMS, Form, Forms
from pipeline.domain.model import EntryState, Outcome, PageReading, Reading, SheetCode, State
from pipeline.domain.record import DEFAULT_ROUTE
from pipeline.domain.settings import Settings
from pipeline.export.runs import ExportContext
from pipeline.export.targets import STATISTICS
from pipeline.operations.demo import (
    DEMO_PLACE,
    DEMO_ROUTES,
    SAMPLE_FOLDER,
    prepare_store,
    prepare_workspace,
    sample_batches,
)
from pipeline.operations.demo_through import drive_through
from pipeline.store.paper.pages import NewPage, add_page, create_batch
from pipeline.store.paper.sheets import save_page_reading
from pipeline.store.reports.entry_counts import workspace_metrics
from tests.support.pages.small_pages import foreign_page

FEW = {
    "hsl-anteckning",
    "besokslista",
    "matvarden",
    "utbetalningslista",
    "krisledningsmote",
    "orosanmalan",
    "forsattsblad",
}
"""Forms of the small test: a route of each kind of file, and the list to key in."""
SHEETS_OF_A_FORM = 1


@pytest.fixture(params=["few", pytest.param("all", marks=pytest.mark.nightly)])
def demo(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[ExportContext]:
    """The demo's office with its paper, read as it is written."""
    prepare_workspace(tmp_path)
    settings = Settings(workspace=tmp_path, database_url="")
    store, forms = prepare_store(settings), Forms.load(*settings.form_folders)
    context = ExportContext(store, settings, forms)
    _scan(context, few=request.param == "few")
    yield context
    store.close()


def _scan(context: ExportContext, *, few: bool) -> None:
    pages: list[dict[str, Any]] = json.loads((SAMPLE_FOLDER / "expected.json").read_text("utf-8"))
    units = {path.name: unit for unit, paths in sample_batches().items() for path in paths}
    versions = _versions()
    numbers: Counter[str] = Counter()
    sheets: Counter[str] = Counter()
    for number, page in enumerate(pages):
        serial, form_id = page.get("serial", ""), page.get("form", "")
        if page["outcome"] != "read" or (few and form_id not in FEW):
            continue
        form = context.forms[form_id, versions.get(serial, 1)]
        numbers[serial] += 1
        sheets[form_id] += numbers[serial] == 1
        # A page that was scanned twice, and sheets beyond the first, are for the whole test.
        if numbers[serial] > len(form.pages) or (few and sheets[form_id] > SHEETS_OF_A_FORM):
            continue
        _read_page(context, form, page, numbers[serial], units[page["file"]], number)


def _versions() -> dict[str, int]:
    lines = (SAMPLE_FOLDER / "utlamnade.csv").read_text("utf-8").splitlines()[1:]
    return {cells[0]: int(cells[2]) for cells in (line.split(";") for line in lines)}


def _read_page(
    context: ExportContext, form: Form, page: dict[str, Any], side: int, unit: str, number: int
) -> None:
    picture = context.store.images.put(foreign_page(number))
    fields = {
        spec.name: Reading(page["values"][spec.name], 0.995, State.READ)
        for spec in form.pages[side - 1].all_fields
        if page["values"].get(spec.name)
    }
    code = SheetCode(form.id, form.version, side, len(form.pages), page["serial"])
    with context.store.begin() as conn:
        batch = create_batch(conn, unit, DEMO_PLACE, "anna")
        new = NewPage(batch, 1, page["file"], page["page"], None, picture, "image/png")
        save_page_reading(
            conn,
            add_page(conn, new, "anna"),
            PageReading(Outcome.READ, code, fields=fields),
            upright_sha256=None,
            form=form,
            reader_version="1",
        )


def test_every_entry_is_accounted_for_once_and_ends_with_a_receipt(demo: ExportContext) -> None:
    report = drive_through(demo)
    assert report.decided
    assert report.lost == []
    # Each entry once in each route of its form, unless the route says why it does not take it.
    exported = [(entry, route) for route, entries in report.exports.items() for entry in entries]
    due = [
        (entry, route)
        for entry, form in report.decided.items()
        for route in routes_of(form)
        if entry not in report.held
    ]
    assert {report.decided[entry] for entry in report.kept} >= {COVER_SHEET}
    assert sorted(exported) == sorted(due)
    # Each line of the table is what was exported, and nothing is without a receipt.
    counted = Counter((report.decided[entry], route) for entry, route in exported)
    assert {(line.form, line.route): line.entries for line in report.lines} == counted
    assert [line for line in report.lines if line.unproven] == []
    # What the script cannot decide is still there for a person.
    with demo.store.read() as conn:
        entries = workspace_metrics(conn)["entries"]
        still_open = (entries.get(each.value, 0) for each in (EntryState.REVIEW, EntryState.SECOND))
        assert sum(still_open) == sum(report.left.values())


def routes_of(form: str) -> list[str]:
    """The routes that take entries of a form; statistics take none, own lists have none."""
    if form in INTERNAL_FORMS:
        return []
    own = [
        route.name
        for route in DEMO_ROUTES
        if form in route.forms and route.target not in STATISTICS
    ]
    return own or [DEFAULT_ROUTE.name]
