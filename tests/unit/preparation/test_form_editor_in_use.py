"""A form that was published in the workspace is one like all others: in packs, in the review, in
the list for keying in, in what commands show.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from pipeline.cli.app import build_app
from pipeline.domain.form.form import Area, Form, Subject
from pipeline.domain.settings import Settings
from pipeline.export.runs import ExportContext
from pipeline.forms.field_types import FieldType
from pipeline.forms.library import FormLibrary
from pipeline.operations.health import describe_workspace_forms
from pipeline.preparation.form_editor import actions
from pipeline.preparation.form_editor.actions import write_published_form
from pipeline.preparation.form_editor.draft_form import require_complete_form
from pipeline.preparation.form_editor.outline_edits import add_item
from pipeline.preparation.outage_pack.pack import load_unit_needs, make_unit_pack
from pipeline.registers import pack_quantities
from pipeline.registers.pack_quantities import SheetQuantity
from pipeline.store.database.store import Store
from pipeline.store.registers.planning import save_pack_quantities
from pipeline.store.schema.clock import utc_now
from tests.support.screens import seeding
from tests.support.screens.seeding import ADMINISTRATOR, NOTE, NURSE, UNIT
from tests.support.store.route_steps import make_run

pytestmark = pytest.mark.slow

VALUES = {
    name: value for name, value in NOTE.items() if name not in ("kontakttyp", "information", "plan")
} | {"sov": "delvis"}


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    made = seeding.make_store(tmp_path)
    yield made
    made.close()


@pytest.fixture
def form(store: Store) -> Form:
    """Published in the workspace."""
    own = seeding.settings(store)
    begun = actions.begin_outline_draft(
        store,
        own,
        seeding.forms(),
        ADMINISTRATOR,
        actions.NewFormInfo("Nattrond", Area.HSL, Subject.CLIENT),
    )
    options = [{"value": value, "label": value.capitalize()} for value in ("hela", "delvis")]
    data = add_item(begun.data, 2, "Sov", FieldType.CHOICE)
    data["sections"][2]["rows"][1][0]["options"] = options
    draft = actions.change_draft(store, ADMINISTRATOR, begun, data)
    made = require_complete_form(draft)
    write_published_form(draft, made, own.own_forms)
    return made


def office(store: Store) -> ExportContext:
    own = seeding.settings(store)
    return ExportContext(store, own, FormLibrary(own).forms())


def test_an_entry_of_it_is_reviewed_signed_and_keyed_in_in_its_own_order(
    store: Store, form: Form
) -> None:
    here = office(store)
    entry_id = seeding.add_sheet_of(store, form, VALUES)
    seeding.confirm(store, NURSE, entry_id, VALUES, sign=True, known=here.forms)
    run = make_run(here, ADMINISTRATOR, "skriv-in", utc_now())
    assert run is not None
    assert run.entries == 1


def test_it_goes_into_a_pack(store: Store, form: Form, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        pack_quantities,
        "load_rules",
        lambda: pack_quantities.QuantityRules(version=1, always=(), areas={"HSL": ()}),
    )
    here = office(store)
    with store.begin() as conn:
        save_pack_quantities(conn, ADMINISTRATOR, UNIT, [SheetQuantity(form.id, 2)])
    assert (
        SheetQuantity(form.id, 2) in load_unit_needs(store, here.forms, ADMINISTRATOR, UNIT).needs
    )
    pack = make_unit_pack(store, here.settings, here.forms, ADMINISTRATOR, UNIT)
    assert [sheet.form for sheet in pack.sheets].count(form.id) == 2


def test_commands_show_and_check_it(
    store: Store, form: Form, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EFTERSKRIFT_WORKSPACE", str(seeding.settings(store).workspace))
    shown = CliRunner().invoke(build_app(), ["forms", "show", form.id, "--json"])
    assert json.loads(shown.output)["title"] == "Nattrond"
    checked = json.loads(CliRunner().invoke(build_app(), ["forms", "check", "--json"]).output)
    assert {one["id"]: one["findings"] for one in checked}[form.id] == []


def test_the_doctor_says_when_a_published_file_was_changed(store: Store, form: Form) -> None:
    own: Settings = seeding.settings(store)
    assert describe_workspace_forms(own).in_language("en") == "1 published here"
    path = own.own_forms / form.id / "form.yaml"
    path.write_text(
        path.read_text("utf-8")
        .replace("height: ", "height: 1", 1)
        .replace("box: [15", "box: [16", 1),
        "utf-8",
    )
    with pytest.raises(Exception, match="published with another geometry"):
        describe_workspace_forms(own)
