"""A form that was published in the workspace is one like all others: in packs, in the review, in the list for keying in, in what commands show."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from pipeline.cli import build_app
from pipeline.export.runs import Office, make_run
from pipeline.form_library import FormLibrary
from pipeline.health import own_forms
from pipeline.making import acts
from pipeline.making.draft_form import whole_form
from pipeline.making.field_sorts import Sort
from pipeline.making.outline_edits import with_new_item
from pipeline.making.publishing import lay_out
from pipeline.pack import numbers
from pipeline.pack.numbers import Need
from pipeline.settings import Settings
from pipeline.store.clock import utc_now
from pipeline.store.database import Store
from pipeline.store.pack_numbers import save_pack_numbers
from pipeline.template import Area, Form, Subject
from pipeline.unit_pack import make_unit_pack, unit_needs
from tests.ui import seeding
from tests.ui.seeding import ADMINISTRATOR, NOTE, NURSE, UNIT

pytestmark = pytest.mark.slow

VALUES = {name: value for name, value in NOTE.items() if name not in ("kontakttyp", "information", "plan")} | {"sov": "delvis"}


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    made = seeding.make_store(tmp_path)
    yield made
    made.close()


@pytest.fixture
def form(store: Store) -> Form:
    """Published in the workspace."""
    own = seeding.settings(store)
    begun = acts.begin_outline(store, own, seeding.forms(), ADMINISTRATOR, acts.Start("Nattrond", Area.HSL, Subject.CLIENT))
    options = [{"value": value, "label": value.capitalize()} for value in ("hela", "delvis")]
    data = with_new_item(begun.data, 2, "Sov", Sort.CHOICE)
    data["sections"][2]["rows"][1][0]["options"] = options
    draft = acts.change(store, ADMINISTRATOR, begun, data)
    made = whole_form(draft)
    lay_out(draft, made, own.own_forms)
    return made


def office(store: Store) -> Office:
    own = seeding.settings(store)
    return Office(store, own, FormLibrary(own).forms())


def test_an_entry_of_it_is_reviewed_signed_and_keyed_in_in_its_own_order(store: Store, form: Form) -> None:
    here = office(store)
    entry_id = seeding.add_sheet_of(store, form, VALUES)
    seeding.confirm(store, NURSE, entry_id, VALUES, sign=True, known=here.forms)
    run = make_run(here, ADMINISTRATOR, "skriv-in", utc_now())
    assert run is not None
    assert run.entries == 1


def test_it_goes_into_a_pack(store: Store, form: Form, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(numbers, "rules", lambda: numbers.Rules(version=1, always=(), areas={"HSL": ()}, uses={}))
    here = office(store)
    with store.begin() as conn:
        save_pack_numbers(conn, ADMINISTRATOR, UNIT, [Need(form.id, 2)])
    assert Need(form.id, 2) in unit_needs(store, here.forms, ADMINISTRATOR, UNIT).needs
    pack = make_unit_pack(store, here.settings, here.forms, ADMINISTRATOR, UNIT)
    assert [sheet.form for sheet in pack.sheets].count(form.id) == 2


def test_commands_show_and_check_it(store: Store, form: Form, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EFTERSKRIFT_WORKSPACE", str(seeding.settings(store).workspace))
    shown = CliRunner().invoke(build_app(), ["forms", "show", form.id, "--json"])
    assert json.loads(shown.output)["title"] == "Nattrond"
    checked = json.loads(CliRunner().invoke(build_app(), ["forms", "check", "--json"]).output)
    assert {one["id"]: one["findings"] for one in checked}[form.id] == []


def test_the_doctor_says_when_a_published_file_was_changed(store: Store, form: Form) -> None:
    own: Settings = seeding.settings(store)
    assert own_forms(own) == "1 published here"
    path = own.own_forms / form.id / "form.yaml"
    path.write_text(path.read_text("utf-8").replace("height: ", "height: 1", 1).replace("box: [15", "box: [16", 1), "utf-8")
    with pytest.raises(Exception, match="published with another geometry"):
        own_forms(own)
