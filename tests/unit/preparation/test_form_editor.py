"""A form is made of sections and rows, and every saving is kept."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.domain.errors import FormEditorError, StaleDecisionError
from pipeline.domain.form.field import Meaning
from pipeline.domain.form.form import Area, Forms, Subject, load_form
from pipeline.domain.settings import ROOT, Settings
from pipeline.forms.field_types import FieldType, change_field_type, find_field_type
from pipeline.preparation.form_editor import actions, outline_edits
from pipeline.preparation.form_editor.draft_form import check_draft, locate_problem
from pipeline.preparation.form_editor.drafts import (
    list_drafts,
    make_form_id,
    make_slug,
    restore_revision,
)
from pipeline.preparation.form_editor.outline_edits import OutlineItem, list_items, list_sections
from pipeline.store.database.store import Store, open_store
from tests.unit.preparation.editor_steps import ANNA, ROUND, begun

pytestmark = pytest.mark.slow


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(workspace=tmp_path)


@pytest.fixture
def store(settings: Settings) -> Iterator[Store]:
    opened = open_store(settings, create=True)
    yield opened
    opened.close()


def test_a_new_form_is_whole_from_the_start_and_has_an_id_of_its_own(
    store: Store, settings: Settings
) -> None:
    made = begun(store, settings)
    found = check_draft(made)
    assert found.problems == ()
    assert found.form is not None
    assert (made.id, found.form.version, made.is_drawn) == ("egen-rond-pa-natten", 1, False)
    assert {spec.means for spec in found.form.fields} >= {
        Meaning.CLIENT_PID,
        Meaning.EVENT_DATE,
        Meaning.AUTHOR_NAME,
    }
    assert begun(store, settings).id == "egen-rond-pa-natten-2"


def test_every_saving_is_kept_and_can_be_had_back(store: Store, settings: Settings) -> None:
    first = begun(store, settings)
    second = actions.change_draft(
        store, ANNA, first, outline_edits.add_item(first.data, 2, "Åtgärd", FieldType.MARK)
    )
    assert "atgard" in {spec.name for spec in load_form(second.folder / "form.yaml").fields}
    assert actions.change_draft(store, ANNA, second, second.data).revision == 2
    with pytest.raises(StaleDecisionError):
        actions.change_draft(store, ANNA, first, first.data | {"title": "Annat"})
    back = restore_revision(second, 1)
    assert (back.revision, back.data) == (3, first.data)
    assert [one.revision for one in list_drafts(settings.form_drafts)] == [3]


def test_a_draft_may_be_wrong_and_says_where(store: Store, settings: Settings) -> None:
    made = begun(store, settings)
    wide = outline_edits.add_item(made.data, 2, "Kod", FieldType.CODE)
    wide = outline_edits.replace_item(
        wide, 2, 1, OutlineItem(dict(list_items(list_sections(wide)[2])[1].data) | {"cells": 60})
    )
    saved = actions.change_draft(store, ANNA, made, wide)
    found = check_draft(saved)
    assert found.form is None
    assert [
        (fault.code, locate_problem(saved, fault).section, locate_problem(saved, fault).item)
        for fault in found.problems
    ] == [("row_too_wide", 2, 1)]
    assert not (saved.folder / "form.yaml").exists()
    with pytest.raises(FormEditorError, match="faults in the form"):
        actions.publish_draft(store, settings, ANNA, saved)


def test_fields_are_added_moved_renamed_and_taken_away(store: Store, settings: Settings) -> None:
    data = begun(store, settings).data
    for label, sort in (
        ("Puls", FieldType.NUMBER),
        ("Vaken", FieldType.MARK),
        ("Vaken", FieldType.MARK),
    ):
        data = outline_edits.add_item(data, 2, label, sort)
    data = outline_edits.replace_item(
        data, 2, 2, OutlineItem(list_items(list_sections(data)[2])[2].data, is_beside_previous=True)
    )
    assert [[one["name"] for one in row] for row in list_sections(data)[2]["rows"]] == [
        ["anteckning"],
        ["puls", "vaken"],
        ["vaken_2"],
    ]
    data = outline_edits.move_item(data, 2, 3, -3)
    data = outline_edits.replace_item(
        data,
        2,
        0,
        OutlineItem(dict(list_items(list_sections(data)[2])[0].data) | {"label": "Sover"}),
    )
    data = outline_edits.remove_item(data, 2, 1)
    assert [item.data["name"] for item in list_items(list_sections(data)[2])] == [
        "sover",
        "puls",
        "vaken",
    ]
    data = outline_edits.move_section(outline_edits.add_section(data, 2, {"page": "next"}), 3, -1)
    assert [one.get("page") for one in list_sections(data)] == [None, None, "next", None, None]
    assert len(list_sections(outline_edits.remove_section(data, 2))) == 4


def test_a_name_that_something_rests_on_stays_when_the_label_changes() -> None:
    rows = [
        [
            {"name": "summa", "label": "Summa", "kind": "digits", "sum_of": ["del"]},
            {"name": "del", "label": "Del", "kind": "digits"},
        ]
    ]
    data = {"sections": [{"title": "Belopp", "rows": rows}]}
    changed = outline_edits.replace_item(
        data,
        0,
        1,
        OutlineItem(
            {"name": "del", "label": "Delbelopp", "kind": "digits"}, is_beside_previous=True
        ),
    )
    assert [item.data["name"] for item in list_items(list_sections(changed)[0])] == ["summa", "del"]


def test_a_table_makes_each_row_an_entry_and_words_stand_alone() -> None:
    data = outline_edits.replace_section(
        {"sections": [{"title": "Rader"}]},
        0,
        {"title": "Rader", "table": {"prefix": "rad", "count": "fill"}},
    )
    assert data["entries"] == "row"
    section = outline_edits.replace_items(
        {},
        [
            OutlineItem({"name": "a"}),
            OutlineItem({"text": "Ord"}, is_beside_previous=True),
            OutlineItem({"name": "b"}, is_beside_previous=True),
        ],
    )
    assert section["rows"] == [[{"name": "a"}], {"text": "Ord"}, [{"name": "b"}]]


@pytest.mark.parametrize("sort", list(FieldType))
def test_a_field_becomes_any_sort_and_is_known_as_it(sort: FieldType) -> None:
    field = change_field_type(
        {"name": "x", "label": "X", "kind": "choice", "options": [{"value": "a", "label": "A"}]},
        sort,
    )
    assert (
        field == {"text": "X"}
        if sort is FieldType.WORDS
        else find_field_type(field["kind"], field.get("format")) is sort
    )


def test_options_keep_their_values_when_others_are_written_beside_them() -> None:
    known = [{"value": "fallolycka", "label": "Fall"}]
    options = outline_edits.parse_options("Annat; Fall;; Läkemedel", known)
    assert options == [
        {"value": value, "label": label}
        for value, label in (("annat", "Annat"), ("fallolycka", "Fall"), ("lakemedel", "Läkemedel"))
    ]


def test_ids_are_short_and_unlike_each_other() -> None:
    long = make_form_id("Kontroll av läkemedelsskåp och kylskåp", ())
    assert long == "egen-kontroll-av-lakeme"
    assert (
        make_form_id("Kontroll av läkemedelsskåp och kylskåp", {long}) == "egen-kontroll-av-lak-2"
    )
    assert make_slug("24 timmar", "_") == "f_24_timmar"


def test_a_copy_has_the_fields_of_its_model_and_an_id_of_its_own(
    store: Store, settings: Settings
) -> None:
    forms = Forms.load(*settings.form_folders)
    found = check_draft(
        actions.begin_outline_draft(
            store,
            settings,
            forms,
            ANNA,
            actions.NewFormInfo("Larm hos oss", Area.SOL, Subject.CLIENT),
            like="larmatgard",
        )
    )
    assert found.problems == ()
    assert found.form is not None
    assert found.form.id == "egen-larm-hos-oss"
    assert [spec.name for spec in found.form.fields] == [
        spec.name for spec in forms.latest("larmatgard").fields
    ]


PLACED_BY_HAND = sorted(path.parent.name for path in (ROOT / "forms").glob("*/copy.yaml"))


@pytest.mark.parametrize("form_id", PLACED_BY_HAND)
def test_a_copy_of_a_form_placed_by_hand_has_its_fields(
    store: Store, settings: Settings, form_id: str
) -> None:
    forms = Forms.load(*settings.form_folders)
    found = check_draft(
        actions.begin_outline_draft(store, settings, forms, ANNA, ROUND, like=form_id)
    )
    assert found.problems == ()
    assert found.form is not None
    assert {spec.column for spec in found.form.fields} == {
        spec.column for spec in forms.latest(form_id).fields
    }


def test_every_form_of_the_program_can_be_copied(settings: Settings) -> None:
    forms = Forms.load(ROOT / "forms")
    assert PLACED_BY_HAND == ["besokslista", "fri-anteckning", "korlista"]
    assert all(actions.find_copied_outline(settings, form_id) for form_id, _ in forms)
