"""The demo's entries go through their routes, from review to the last receipt, and each is
accounted for exactly once.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Iterator
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from types import NoneType
from typing import Any

import pytest
from typer import Exit

from pipeline.cli.context import message
from pipeline.domain.errors import ExitCode
from pipeline.domain.form.field import FieldSpec, Meaning
from pipeline.domain.form.form import COVER_SHEET, INTERNAL_FORMS, Form, Forms
from pipeline.domain.law.permissions import Action, is_allowed
from pipeline.domain.model import EntryState, Outcome, PageReading, Reading, SheetCode, State
from pipeline.domain.record import DEFAULT_ROUTE, Record
from pipeline.domain.review.rules import Answer
from pipeline.domain.settings import ROOT, Settings
from pipeline.export.mapping import NoteMapping, load_mapping
from pipeline.export.runs import ExportContext, RunFile, fetch_run_file, list_runs
from pipeline.export.runs.receipts import open_run_items
from pipeline.files.page_files import PNG
from pipeline.operations.demo import (
    DEMO_ACCOUNTS,
    DEMO_PLACE,
    DEMO_ROUTES,
    SAMPLE_FOLDER,
    prepare_store,
    prepare_workspace,
    sample_batches,
)
from pipeline.preparation.practice.fill_sheet import SOLID_MARK
from pipeline.store.entries.sheet_entries import save_page_reading
from pipeline.store.exports.records import load_records
from pipeline.store.paper.pages import NewPage, add_page, create_batch
from pipeline.store.reports.entry_counts import workspace_metrics
from research.simulation import demo_command as command
from research.simulation import demo_through
from research.simulation.demo_through import drive_through
from research.simulation.demo_truth import PaperTruth
from tests.support.pages.small_pages import foreign_page
from tests.support.store.targets import STATISTICS
from tests.support.validators.carried_fields import is_value, says
from tests.support.validators.read_back import read_leaves

FEW = {
    "hsl-anteckning",
    "besokslista",
    "matvarden",
    "signeringslista",
    "utbetalningslista",
    "krisledningsmote",
    "orosanmalan",
    "forsattsblad",
    "tavla",
}
"""Forms of the small test: a route of each kind of file, the list to key in, and a board
that clients share.
"""
SHEETS_OF_A_FORM = 1


@pytest.fixture(params=[FEW, pytest.param(None, marks=pytest.mark.nightly)], ids=["few", "all"])
def demo(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[ExportContext]:
    """The demo's office with its paper, read as it is written."""
    prepare_workspace(tmp_path)
    settings = Settings(workspace=tmp_path, database_url="")
    store, forms = prepare_store(settings), Forms.load(*settings.form_folders)
    context = ExportContext(store, settings, forms)
    _scan(context, request.param)
    yield context
    store.close()


def _scan(context: ExportContext, few: Collection[str] | None) -> None:
    pages: list[dict[str, Any]] = json.loads((SAMPLE_FOLDER / "expected.json").read_text("utf-8"))
    units = {path.name: unit for unit, paths in sample_batches().items() for path in paths}
    versions = _versions()
    batches: dict[str, str] = {}
    numbers: Counter[str] = Counter()
    sheets: Counter[str] = Counter()
    for number, page in enumerate(pages):
        serial, form_id = page.get("serial", ""), page.get("form", "")
        form, reading = None, PageReading(Outcome.UNIDENTIFIED)
        if page["outcome"] == "unidentified":
            if few is not None and page["note"] not in few:
                continue
        elif page["outcome"] != "read" or (few is not None and form_id not in few):
            continue
        else:
            form = context.forms[form_id, versions.get(serial, 1)]
            numbers[serial] += 1
            sheets[form_id] += numbers[serial] == 1
            # A page that was scanned twice, and sheets beyond the first, are for the whole test.
            if numbers[serial] > len(form.pages) or (
                few is not None and sheets[form_id] > SHEETS_OF_A_FORM
            ):
                continue
            reading = _reading(form, page, numbers[serial])
        if page["file"] not in batches:
            with context.store.begin() as conn:
                batches[page["file"]] = create_batch(conn, units[page["file"]], DEMO_PLACE, "anna")
        picture = context.store.images.put(foreign_page(number))
        new = NewPage(
            batches[page["file"]], page["page"], page["file"], page["page"], None, picture, PNG
        )
        with context.store.begin() as conn:
            page_id = add_page(conn, new, "anna")
            save_page_reading(
                conn, page_id, reading, upright_sha256=None, form=form, reader_version="1"
            )


def _versions() -> dict[str, int]:
    lines = (SAMPLE_FOLDER / "utlamnade.csv").read_text("utf-8").splitlines()[1:]
    return {cells[0]: int(cells[2]) for cells in (line.split(";") for line in lines)}


def _reading(form: Form, page: dict[str, Any], side: int) -> PageReading:
    fields = {
        spec.name: Reading(False, 0.995, State.CANCELLED)
        if page["values"][spec.name] == SOLID_MARK
        else Reading(page["values"][spec.name], 0.995, State.READ)
        for spec in form.pages[side - 1].all_fields
        if page["values"].get(spec.name)
    }
    code = SheetCode(form.id, form.version, side, len(form.pages), page["serial"])
    return PageReading(Outcome.READ, code, fields=fields)


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
    # Nothing is left for a person, and nothing left that its paper does not say.
    with demo.store.read() as conn:
        entries = workspace_metrics(conn)["entries"]
        still_open = (entries.get(each.value, 0) for each in (EntryState.REVIEW, EntryState.SECOND))
        assert sum(still_open) == 0
    assert (report.left, report.different) == ({}, ())
    said = [said for said in _read_files(demo) if said.target not in MINIMAL]
    assert len({one.target for one in said}) >= 4
    assert {(one.target, one.form, one.field) for one in said if not one.is_said} == set()


MINIMAL = {"pain001"}
"""A bank gets what it asks for and nothing else."""
TOLD_OTHERWISE = {
    Meaning.CLIENT_PRINTED,
    Meaning.CLIENT_NAME,
    Meaning.CLIENT_CODE,
    Meaning.AUTHOR_SIGNATURE,
}
"""Files have the client and the signer of the entry, not the paper's own words for them."""


@dataclass(frozen=True, slots=True)
class Said:
    """Whether a file says what is in a field of a paper; never what is there."""

    target: str
    form: str
    field: str
    is_said: bool


def _read_files(demo: ExportContext) -> Iterator[Said]:
    """Look in every file that left for what the truth file says of its papers."""
    written: dict[str, dict[str, Any]] = {}
    for page in json.loads((SAMPLE_FOLDER / "expected.json").read_text("utf-8")):
        if serial := page.get("serial"):
            values = {**page["values"], **page.get("printed", {}), **page.get("coded", {})}
            written.setdefault(serial, {}).update(values)
    for person in (account.person for account in DEMO_ACCOUNTS):
        if not is_allowed(person, Action.EXPORT):
            continue
        for run in (status.run for status in list_runs(demo, person) if not status.hidden):
            file = fetch_run_file(demo, person, run.id)
            leaves = [text for _, text in read_leaves(file.name, file.data)]
            ids = [item.entry_id for item in open_run_items(demo, person, run.id)]
            with demo.store.read() as conn:
                records = load_records(conn, demo.forms, ids)
            for record in records:
                yield from _said_of(demo, run.target, record, written, leaves)


def _said_of(
    demo: ExportContext,
    target: str,
    record: Record,
    written: dict[str, dict[str, Any]],
    leaves: list[str],
) -> Iterator[Said]:
    form = demo.forms[record.form, record.version]
    kept = demo_left_on_paper(form.id) if target == "rivta" else set()
    for spec in form.entry_fields(record.row):
        value = written.get(record.serial, {}).get(spec.name)
        is_told = spec.means in TOLD_OTHERWISE or spec.column in kept
        if value in (None, "", False) or is_told or spec.column not in record.fields:
            continue
        if value == SOLID_MARK:
            assert record.fields[spec.column] is False
            continue
        value = True if spec.traits.is_boolean and not spec.traits.names_signer else value
        is_said = any(is_value(spec, value, text) or says(spec, value, text) for text in leaves)
        yield Said(target, record.form, spec.column, is_said)
    # A mark is one, whatever its box looks like.
    marks = [spec for spec in form.entry_fields(record.row) if spec.traits.is_check_box]
    assert {type(record.fields.get(spec.column)) for spec in marks} <= {bool, NoneType}


def demo_left_on_paper(form: str) -> set[str]:
    """What a note of this form names and does not carry, or carries as a code of its own."""
    mapping = load_mapping(ROOT / "forms" / form / "export.rivta.yaml", NoteMapping)
    return {*mapping.left_on_paper, mapping.kind.field}


@pytest.mark.parametrize("demo", [("hsl-anteckning", "besokslista")], indirect=True, ids=["two"])
def test_a_file_that_does_not_say_what_its_papers_say_is_named_and_fails(
    demo: ExportContext, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    # A person types something else into one field, and one file loses its rows.
    typed = PaperTruth.answer

    def mistyped(paper: PaperTruth, spec: FieldSpec, **how: bool) -> Answer:
        if spec.name == "anteckning" and not how["is_looked_up"]:
            return Answer("Något helt annat.")
        return typed(paper, spec, **how)

    monkeypatch.setattr(PaperTruth, "answer", mistyped)
    monkeypatch.setattr(
        demo_through, "fetch_run_file", lambda *about: _without_last_line(fetch_run_file(*about))
    )
    monkeypatch.setattr(command, "open_export_context", lambda: nullcontext(demo))
    with pytest.raises(Exit) as end:
        command.drive_demo_through()
    assert end.value.exit_code == ExitCode.EXPORT
    out = capsys.readouterr().out
    assert message("cli.demo.through.different", form="hsl-anteckning", field="anteckning") in out
    assert message("cli.demo.through.different", form="besok", field="besok") in out
    assert "Något helt annat" not in out


def _without_last_line(file: RunFile) -> RunFile:
    is_table = file.name.endswith(".csv")
    return replace(file, data=file.data[: file.data[:-2].rfind(b"\r\n")]) if is_table else file


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
