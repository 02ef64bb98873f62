"""A form is made of sections and rows or drawn on a blank, tried on paper, published, and then in
use like those of the program.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image as Picture

from pipeline.domain.errors import FormEditorError, StaleDecisionError
from pipeline.domain.form.field import Kind, Meaning
from pipeline.domain.form.form import Area, Form, Forms, Subject, load_form
from pipeline.domain.model import Image, Outcome, Person, Role, Value
from pipeline.domain.settings import Settings
from pipeline.forms.field_types import FieldType, change_field_type, find_field_type
from pipeline.forms.library import FormLibrary, load_published
from pipeline.forms.printing import Sheet, make_blank_sheets
from pipeline.preparation.form_check.check import check_forms
from pipeline.preparation.form_editor import actions, drawn_boxes, outline_edits
from pipeline.preparation.form_editor.draft_form import check_draft, locate_problem
from pipeline.preparation.form_editor.drafts import (
    Draft,
    list_drafts,
    load_draft,
    make_form_id,
    make_slug,
    restore_revision,
)
from pipeline.preparation.form_editor.outline_edits import OutlineItem, list_items, list_sections
from pipeline.preparation.form_editor.previews import print_copies
from pipeline.preparation.form_editor.trial import run_trial
from pipeline.preparation.form_editor.trial_results import load_trial_results
from pipeline.preparation.form_editor.trial_sheet import make_trial_form
from pipeline.preparation.practice.fill_sheet import fill_field, render_sheet_page
from pipeline.preparation.practice.synthetic_handwriting import SyntheticWriter, make_writers
from pipeline.reading.read_page import PageReader
from pipeline.store.database.store import Store, open_store
from pipeline.store.event_log.events import list_events
from tests.support.pages.printed_elsewhere import page as blank_page

pytestmark = pytest.mark.slow

ANNA = Person(
    "anna",
    "Anna Sundin",
    "administratör",
    Role.ADMINISTRATOR,
    frozenset({"Norr"}),
    frozenset({"HSL"}),
)
ROUND = actions.NewFormInfo("Rond på natten", Area.HSL, Subject.CLIENT)
VALUES: dict[str, Value] = {
    "personnummer": "189002099811",
    "namn": "Gunnar Ågren",
    "handelsedatum": "2021-12-17",
    "handelsetid": "23:10",
    "anteckning": "Sover gott",
    "skribent": "Nina Berglund",
    "yrkestitel": "sköterska",
    "underskrift": True,
}


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(workspace=tmp_path)


@pytest.fixture
def store(settings: Settings) -> Iterator[Store]:
    opened = open_store(settings, create=True)
    yield opened
    opened.close()


def begun(store: Store, settings: Settings) -> Draft:
    return actions.begin_outline_draft(
        store, settings, Forms.load(*settings.form_folders), ANNA, ROUND
    )


def scanned(form: Form, sheet: Sheet, values: dict[str, Value]) -> bytes:
    (hand,), rng = make_writers(1, seed=3), np.random.default_rng(5)
    return png(fill_field(render_sheet_page(form, sheet), form.pages[0], values, hand, rng))


def png(picture: Image) -> bytes:
    return cv2.imencode(".png", picture)[1].tobytes()


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


def test_a_copy_of_a_form_placed_by_hand_has_its_fields(store: Store, settings: Settings) -> None:
    forms = Forms.load(*settings.form_folders)
    found = check_draft(
        actions.begin_outline_draft(store, settings, forms, ANNA, ROUND, like="hsl-anteckning")
    )
    assert found.problems == ()
    assert found.form is not None
    assert {spec.name for spec in found.form.fields} == {
        spec.name for spec in forms.latest("hsl-anteckning").fields
    }


def test_what_was_tried_is_published_frozen_printed_and_read(
    store: Store, settings: Settings
) -> None:
    library, made = FormLibrary(settings), begun(store, settings)
    form = check_draft(made).form
    assert form is not None
    with pytest.raises(FormEditorError, match="not been tried"):
        actions.publish_draft(store, settings, ANNA, made)
    (page,) = run_trial(
        store,
        ANNA,
        made,
        scanned(make_trial_form(form), make_blank_sheets(1)[0], VALUES),
        "prov.png",
    )
    assert {one.spec.name: one.reading.value for one in page.fields if one.reading}[
        "handelsedatum"
    ] == "2021-12-17"
    assert load_trial_results(made, form).serious_count == 0, [
        remark.problem.what() for remark in load_trial_results(made, form).remarks
    ]
    assert actions.publish_draft(store, settings, ANNA, made) == form
    assert library.forms().latest(form.id) == form
    assert list_drafts(settings.form_drafts) == []
    assert [one.findings for one in check_forms(settings.own_forms)] == [()]
    with store.begin() as conn:
        detail = {event.action: dict(event.detail) for event in list_events(conn, form.id)}
    assert detail["publish_form"]["problems"] == 0
    assert "try_form" in detail
    assert print_copies(store, settings, form, ANNA, "Norr", 2).startswith(b"%PDF")
    read = (
        PageReader.of_forms(library.forms())
        .read(scanned(form, make_blank_sheets(1, "Norr")[0], VALUES), "image/png")
        .reading
    )
    assert read.outcome is Outcome.READ
    assert read.code is not None
    assert read.code.form == form.id
    assert read.fields["handelsedatum"].value == VALUES["handelsedatum"]


def test_a_trial_sheet_is_of_no_form_in_use_even_when_its_form_was_published(
    store: Store, settings: Settings
) -> None:
    made = begun(store, settings)
    form = check_draft(made).form
    assert form is not None
    sheet = scanned(make_trial_form(form), make_blank_sheets(1)[0], VALUES)
    run_trial(store, ANNA, made, sheet, "prov.png")
    actions.publish_draft(store, settings, ANNA, made)
    reading = PageReader.of_forms(FormLibrary(settings).forms()).read(sheet, "image/png").reading
    assert reading.outcome is Outcome.UNIDENTIFIED
    assert "unknown_form" in reading.issues
    other = actions.begin_outline_draft(
        store, settings, Forms(), ANNA, actions.NewFormInfo("Något annat", Area.HSL, Subject.CLIENT)
    )
    with pytest.raises(FormEditorError, match="no trial sheet"):
        run_trial(store, ANNA, other, sheet, "prov.png")


def test_serious_remarks_need_a_reason_and_a_changed_form_another_trial(
    store: Store, settings: Settings
) -> None:
    made = begun(store, settings)
    form = check_draft(made).form
    assert form is not None
    run_trial(
        store,
        ANNA,
        made,
        scanned(make_trial_form(form), make_blank_sheets(1)[0], VALUES | {"handelsedatum": None}),
        "prov.png",
    )
    assert load_trial_results(made, form).serious_count == 1
    for reason in ("", "kort", "Gäller 19121212-1212 och ingen annan"):
        with pytest.raises(FormEditorError, match="serious"):
            actions.publish_draft(store, settings, ANNA, made, reason)
    changed = actions.change_draft(
        store, ANNA, made, outline_edits.add_item(made.data, 2, "Vaken", FieldType.MARK)
    )
    with pytest.raises(FormEditorError, match="not been tried"):
        actions.publish_draft(
            store, settings, ANNA, changed, "Datum skrivs alltid för hand hos oss"
        )
    back = actions.change_draft(store, ANNA, changed, made.data)
    actions.publish_draft(store, settings, ANNA, back, "Datum skrivs alltid för hand hos oss")
    with store.begin() as conn:
        (event,) = [event for event in list_events(conn, form.id) if event.action == "publish_form"]
    assert event.detail["reason"] == "Datum skrivs alltid för hand hos oss"


def test_a_new_version_leaves_the_old_one_readable(store: Store, settings: Settings) -> None:
    first = begun(store, settings)
    form = check_draft(first).form
    assert form is not None
    run_trial(
        store,
        ANNA,
        first,
        scanned(make_trial_form(form), make_blank_sheets(1)[0], VALUES),
        "prov.png",
    )
    actions.publish_draft(store, settings, ANNA, first)
    second = actions.begin_version_draft(store, settings, ANNA, form)
    assert second.version == 2
    with pytest.raises(FormEditorError, match="already"):
        actions.begin_version_draft(store, settings, ANNA, form)
    second = actions.change_draft(
        store, ANNA, second, outline_edits.add_item(second.data, 2, "Vaken", FieldType.MARK)
    )
    newer = check_draft(second).form
    assert newer is not None
    run_trial(
        store,
        ANNA,
        second,
        scanned(make_trial_form(newer), make_blank_sheets(1)[0], VALUES),
        "prov.png",
    )
    actions.publish_draft(store, settings, ANNA, second)
    assert set(load_published(settings.own_forms)) == {f"{form.id}/1", f"{form.id}/2"}
    forms = FormLibrary(settings).forms()
    assert (forms[form.id, 1], forms[form.id, 2]) == (form, newer)
    assert [one.findings for one in check_forms(settings.own_forms)] == [(), ()]
    with pytest.raises(FormEditorError, match="cannot be copied"):
        actions.begin_version_draft(store, settings, ANNA, forms.latest("larmatgard"))


def test_boxes_on_a_blank_become_a_form_that_is_known_by_its_print(
    store: Store, settings: Settings
) -> None:
    blank = blank_page("Nattrond", 3)
    made = actions.begin_drawing_draft(
        store,
        settings,
        Forms(),
        ANNA,
        actions.NewFormInfo("Nattrond", Area.HSL, Subject.CLIENT),
        png(blank),
        "blank.png",
    )
    assert made.is_drawn
    assert made.data["size"] == [210.0, 297.0]
    data = made.data
    for label, box in (
        ("Personnummer", (15, 29.5, 50, 7)),
        ("Datum", (77, 29.5, 50, 7)),
        ("Namn", (139, 29.5, 50, 7)),
        ("Klar", (180, 10, 5, 5)),
    ):
        data = drawn_boxes.add_box(data, box, label)
    assert [one["sort"] for one in drawn_boxes.list_boxes(data)] == ["text", "text", "text", "mark"]
    for at, facts in enumerate(
        (
            {"sort": "personnummer", "means": "client_pid"},
            {"sort": "date", "means": "event_date"},
            {"means": "author_name"},
        )
    ):
        data = drawn_boxes.replace_box(data, at, **facts)
    made = actions.change_draft(store, ANNA, made, data)
    form = check_draft(made).form
    assert form is not None
    assert check_draft(made).problems == ()
    picture = fill_field(
        np.asarray(cv2.cvtColor(blank, cv2.COLOR_GRAY2BGR), np.uint8),
        form.pages[0],
        {"namn": "Nina Berglund", "klar": True},
        *_hand(),
    )
    (page,) = run_trial(store, ANNA, made, png(picture), "prov.png")
    assert {one.spec.name for one in page.fields if one.is_written} == {"namn", "klar"}
    actions.publish_draft(store, settings, ANNA, made, "Personnumret skrivs alltid tydligt hos oss")
    reading = (
        PageReader.of_forms(FormLibrary(settings).forms()).read(png(picture), "image/png").reading
    )
    assert reading.code is not None
    assert (reading.code.form, reading.fields["klar"].value) == (form.id, True)
    assert actions.begin_version_draft(store, settings, ANNA, form).is_drawn


def _hand() -> tuple[SyntheticWriter, np.random.Generator]:
    return make_writers(1, seed=3)[0], np.random.default_rng(5)


def test_marks_of_one_choice_are_its_options() -> None:
    data: dict[str, object] = {"boxes": []}
    for label, x in (("Ja", 20.0), ("Nej", 40.0)):
        data = drawn_boxes.add_box(data, (x, 50, 5, 5), label)
        data = drawn_boxes.replace_box(data, len(drawn_boxes.list_boxes(data)) - 1, choice="Vaken")
    head = {
        "id": "egen-x",
        "version": 1,
        "title": "X",
        "area": "HSL",
        "criticality": "A",
        "subject": "client",
        "law": [],
        "size": [210, 297],
    }
    made = Draft("egen-x", head | data, 1, None, Path("/nowhere"))  # type: ignore[arg-type]
    (field,) = drawn_boxes.build_drawn_form(made).fields
    assert (field.name, field.kind, field.box) == ("vaken", Kind.CHOICE, (20, 50, 25, 5))
    assert [(one.value, one.box[0]) for one in field.options] == [("ja", 20), ("nej", 40)]


def test_each_side_of_an_uploaded_file_becomes_a_form_of_its_own(
    store: Store, settings: Settings
) -> None:
    """Nothing on paper printed elsewhere says which sides belong together."""
    pdf = io.BytesIO()
    sides = [Picture.fromarray(blank_page("Nattrond", turn)).resize((620, 877)) for turn in (3, 9)]
    sides[0].save(pdf, "PDF", save_all=True, append_images=sides[1:], resolution=75)
    first = actions.begin_drawing_draft(
        store,
        settings,
        Forms(),
        ANNA,
        actions.NewFormInfo("Nattrond", Area.HSL, Subject.CLIENT),
        pdf.getvalue(),
        "blank.pdf",
    )
    begun_ = list_drafts(settings.form_drafts)
    assert [one.title for one in begun_] == ["Nattrond, sida 1", "Nattrond, sida 2"]
    assert begun_[0] == first
    assert len({(one.folder / drawn_boxes.BLANK_IMAGE_FILE).read_bytes() for one in begun_}) == 2


def test_a_file_of_many_sides_is_refused_before_anything_is_begun(
    store: Store, settings: Settings
) -> None:
    pdf = io.BytesIO()
    sides = [Picture.new("L", (100, 141), 255)] * (drawn_boxes.MAX_SIDES + 1)
    sides[0].save(pdf, "PDF", save_all=True, append_images=sides[1:])
    with pytest.raises(FormEditorError, match="eight pages"):
        actions.begin_drawing_draft(
            store, settings, Forms(), ANNA, ROUND, pdf.getvalue(), "blank.pdf"
        )
    assert list_drafts(settings.form_drafts) == []


def _with_table(data: dict[str, object]) -> dict[str, object]:
    """A day and a name above; a number, a choice and a line in each of six rows, 12 mm apart."""
    for label, box, facts in (
        ("Datum", (77.0, 29.5, 50.0, 7.0), {"sort": "date", "means": "event_date"}),
        ("Namn", (139.0, 29.5, 50.0, 7.0), {"means": "author_name"}),
        (
            "Personnummer",
            (15.0, 41.5, 50.0, 7.0),
            {"sort": "personnummer", "means": "client_pid", "each_row": True},
        ),
        ("Ja", (77.0, 42.5, 5.0, 5.0), {"choice": "Vaken", "each_row": True}),
        ("Nej", (97.0, 42.5, 5.0, 5.0), {"choice": "Vaken", "each_row": True}),
        ("Datum", (139.0, 41.5, 50.0, 7.0), {"each_row": True}),
    ):
        data = drawn_boxes.add_box(data, box, label)
        data = drawn_boxes.replace_box(data, len(drawn_boxes.list_boxes(data)) - 1, **facts)
    return drawn_boxes.set_rows(data, 6, 12.0)


def test_boxes_that_stand_on_each_row_are_a_table_whose_rows_are_entries(
    store: Store, settings: Settings
) -> None:
    blank = blank_page("Nattrond", 3)
    made = actions.begin_drawing_draft(
        store,
        settings,
        Forms(),
        ANNA,
        actions.NewFormInfo("Nattrond", Area.HSL, Subject.CLIENT),
        png(blank),
        "blank.png",
    )
    assert check_draft(made).form is not None
    assert drawn_boxes.list_row_boxes(made.data) == []
    made = actions.change_draft(store, ANNA, made, _with_table(made.data))
    form, faults = check_draft(made).form, check_draft(made).problems
    assert faults == ()
    assert form is not None
    assert form.rows() == [1, 2, 3, 4, 5, 6]
    assert [spec.column for spec in form.entry_fields(3)] == [
        "datum",
        "namn",
        "personnummer",
        "vaken",
        "datum_2",
    ]
    choice = form.by_name["rad03.vaken"]
    assert [option.box for option in choice.options] == [(77, 66.5, 5, 5), (97, 66.5, 5, 5)]
    assert form.by_name["rad06.personnummer"].box == (15, 101.5, 50, 7)
    assert drawn_boxes.list_row_boxes(made.data)[:2] == [
        (2, [15.0, 53.5, 50.0, 7.0]),
        (3, [77.0, 54.5, 5.0, 5.0]),
    ]
    picture = fill_field(
        np.asarray(cv2.cvtColor(blank, cv2.COLOR_GRAY2BGR), np.uint8),
        form.pages[0],
        {"rad02.vaken": "nej", "namn": "Nina Berglund"},
        *_hand(),
    )
    run_trial(store, ANNA, made, png(picture), "prov.png")
    actions.publish_draft(store, settings, ANNA, made, "Personnumret skrivs alltid tydligt hos oss")
    reading = (
        PageReader.of_forms(FormLibrary(settings).forms()).read(png(picture), "image/png").reading
    )
    assert [reading.fields[f"rad0{row}.vaken"].value for row in (1, 2, 3)] == [None, "nej", None]


def test_rows_that_run_off_the_page_are_told(store: Store, settings: Settings) -> None:
    made = actions.begin_drawing_draft(
        store, settings, Forms(), ANNA, ROUND, png(blank_page("Nattrond", 3)), "blank.png"
    )
    made = actions.change_draft(
        store, ANNA, made, drawn_boxes.set_rows(_with_table(made.data), 40, 12.0)
    )
    assert "outside_page" in {fault.code for fault in check_draft(made).problems}


def test_what_is_no_picture_is_no_blank(store: Store, settings: Settings) -> None:
    with pytest.raises(FormEditorError, match="no pages"):
        actions.begin_drawing_draft(
            store, settings, Forms(), ANNA, ROUND, b"no picture", "blank.png"
        )
    assert list_drafts(settings.form_drafts) == []


def test_a_draft_that_is_put_away_is_kept_and_its_id_stays_free(
    store: Store, settings: Settings
) -> None:
    made = begun(store, settings)
    actions.discard_draft(store, ANNA, made)
    with pytest.raises(FormEditorError, match="draft is gone"):
        load_draft(settings.form_drafts, made.id)
    assert begun(store, settings).id == made.id
