"""A form is made of sections and rows or drawn on a blank, tried on paper, published, and then in use like those of the program."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image as Picture

from pipeline.digitize import Reader
from pipeline.errors import FormMakingError, StaleDecisionError
from pipeline.field_spec import Kind, Meaning
from pipeline.form_check import check_forms
from pipeline.form_library import FormLibrary
from pipeline.making import acts, drawn_boxes, outline_edits
from pipeline.making.copies import print_copies
from pipeline.making.draft_form import checked, where
from pipeline.making.drafts import Draft, draft, drafts, new_id, restored, slug
from pipeline.making.field_sorts import Sort, sort_of, turned_into
from pipeline.making.outline_edits import Item, items, sections
from pipeline.making.trial_sheet import trial_form
from pipeline.making.trials import tried
from pipeline.making.trying import try_out
from pipeline.model import Image, Outcome, Person, Role, Value
from pipeline.printing import Sheet, issue
from pipeline.published import published
from pipeline.quality.filling import fill, printed_page
from pipeline.quality.hands import hands
from pipeline.settings import Settings
from pipeline.store.database import Store, open_store
from pipeline.store.events import events_of
from pipeline.template import Area, Form, Forms, Subject, load_form
from tests.printed_elsewhere import page as blank_page

pytestmark = pytest.mark.slow

ANNA = Person("anna", "Anna Sundin", "administratör", Role.ADMINISTRATOR, frozenset({"Norr"}), frozenset({"HSL"}))
ROUND = acts.Start("Rond på natten", Area.HSL, Subject.CLIENT)
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
    return acts.begin_outline(store, settings, Forms.load(*settings.form_folders), ANNA, ROUND)


def scanned(form: Form, sheet: Sheet, values: dict[str, Value]) -> bytes:
    (hand,), rng = hands(1, seed=3), np.random.default_rng(5)
    return png(fill(printed_page(form, sheet), form.pages[0], values, hand, rng))


def png(picture: Image) -> bytes:
    return cv2.imencode(".png", picture)[1].tobytes()


def test_a_new_form_is_whole_from_the_start_and_has_an_id_of_its_own(store: Store, settings: Settings) -> None:
    made = begun(store, settings)
    found = checked(made)
    assert found.faults == ()
    assert found.form is not None
    assert (made.id, found.form.version, made.drawn) == ("egen-rond-pa-natten", 1, False)
    assert {spec.means for spec in found.form.fields} >= {Meaning.CLIENT_PID, Meaning.EVENT_DATE, Meaning.AUTHOR_NAME}
    assert begun(store, settings).id == "egen-rond-pa-natten-2"


def test_every_saving_is_kept_and_can_be_had_back(store: Store, settings: Settings) -> None:
    first = begun(store, settings)
    second = acts.change(store, ANNA, first, outline_edits.with_new_item(first.data, 2, "Åtgärd", Sort.MARK))
    assert "atgard" in {spec.name for spec in load_form(second.folder / "form.yaml").fields}
    assert acts.change(store, ANNA, second, second.data).revision == 2
    with pytest.raises(StaleDecisionError):
        acts.change(store, ANNA, first, first.data | {"title": "Annat"})
    back = restored(second, 1)
    assert (back.revision, back.data) == (3, first.data)
    assert [one.revision for one in drafts(settings.form_drafts)] == [3]


def test_a_draft_may_be_wrong_and_says_where(store: Store, settings: Settings) -> None:
    made = begun(store, settings)
    wide = outline_edits.with_new_item(made.data, 2, "Kod", Sort.CODE)
    wide = outline_edits.with_item(wide, 2, 1, Item(dict(items(sections(wide)[2])[1].what) | {"cells": 60}))
    saved = acts.change(store, ANNA, made, wide)
    found = checked(saved)
    assert found.form is None
    assert [(fault.code, where(saved, fault).section, where(saved, fault).item) for fault in found.faults] == [("row_too_wide", 2, 1)]
    assert not (saved.folder / "form.yaml").exists()
    with pytest.raises(FormMakingError, match="faults in the form"):
        acts.publish(store, settings, ANNA, saved)


def test_fields_are_added_moved_renamed_and_taken_away(store: Store, settings: Settings) -> None:
    data = begun(store, settings).data
    for label, sort in (("Puls", Sort.NUMBER), ("Vaken", Sort.MARK), ("Vaken", Sort.MARK)):
        data = outline_edits.with_new_item(data, 2, label, sort)
    data = outline_edits.with_item(data, 2, 2, Item(items(sections(data)[2])[2].what, beside=True))
    assert [[one["name"] for one in row] for row in sections(data)[2]["rows"]] == [["anteckning"], ["puls", "vaken"], ["vaken_2"]]
    data = outline_edits.with_moved_item(data, 2, 3, -3)
    data = outline_edits.with_item(data, 2, 0, Item(dict(items(sections(data)[2])[0].what) | {"label": "Sover"}))
    data = outline_edits.without_item(data, 2, 1)
    assert [item.what["name"] for item in items(sections(data)[2])] == ["sover", "puls", "vaken"]
    data = outline_edits.with_moved_section(outline_edits.with_new_section(data, 2, {"page": "next"}), 3, -1)
    assert [one.get("page") for one in sections(data)] == [None, None, "next", None, None]
    assert len(sections(outline_edits.without_section(data, 2))) == 4


def test_a_name_that_something_rests_on_stays_when_the_label_changes() -> None:
    rows = [[{"name": "summa", "label": "Summa", "kind": "digits", "sum_of": ["del"]}, {"name": "del", "label": "Del", "kind": "digits"}]]
    data = {"sections": [{"title": "Belopp", "rows": rows}]}
    changed = outline_edits.with_item(data, 0, 1, Item({"name": "del", "label": "Delbelopp", "kind": "digits"}, beside=True))
    assert [item.what["name"] for item in items(sections(changed)[0])] == ["summa", "del"]


def test_a_table_makes_each_row_an_entry_and_words_stand_alone() -> None:
    data = outline_edits.with_section({"sections": [{"title": "Rader"}]}, 0, {"title": "Rader", "table": {"prefix": "rad", "count": "fill"}})
    assert data["entries"] == "row"
    section = outline_edits.with_items({}, [Item({"name": "a"}), Item({"text": "Ord"}, beside=True), Item({"name": "b"}, beside=True)])
    assert section["rows"] == [[{"name": "a"}], {"text": "Ord"}, [{"name": "b"}]]


@pytest.mark.parametrize("sort", list(Sort))
def test_a_field_becomes_any_sort_and_is_known_as_it(sort: Sort) -> None:
    field = turned_into({"name": "x", "label": "X", "kind": "choice", "options": [{"value": "a", "label": "A"}]}, sort)
    assert field == {"text": "X"} if sort is Sort.WORDS else sort_of(field["kind"], field.get("format")) is sort


def test_options_keep_their_values_when_others_are_written_beside_them() -> None:
    known = [{"value": "fallolycka", "label": "Fall"}]
    options = outline_edits.options_of("Annat; Fall;; Läkemedel", known)
    assert options == [{"value": value, "label": label} for value, label in (("annat", "Annat"), ("fallolycka", "Fall"), ("lakemedel", "Läkemedel"))]


def test_ids_are_short_and_unlike_each_other() -> None:
    long = new_id("Kontroll av läkemedelsskåp och kylskåp", ())
    assert long == "egen-kontroll-av-lakeme"
    assert new_id("Kontroll av läkemedelsskåp och kylskåp", {long}) == "egen-kontroll-av-lak-2"
    assert slug("24 timmar", "_") == "f_24_timmar"


def test_a_copy_has_the_fields_of_its_model_and_an_id_of_its_own(store: Store, settings: Settings) -> None:
    forms = Forms.load(*settings.form_folders)
    found = checked(acts.begin_outline(store, settings, forms, ANNA, acts.Start("Larm hos oss", Area.SOL, Subject.CLIENT), like="larmatgard"))
    assert found.faults == ()
    assert found.form is not None
    assert found.form.id == "egen-larm-hos-oss"
    assert [spec.name for spec in found.form.fields] == [spec.name for spec in forms.latest("larmatgard").fields]


def test_a_copy_of_a_form_placed_by_hand_has_its_fields(store: Store, settings: Settings) -> None:
    forms = Forms.load(*settings.form_folders)
    found = checked(acts.begin_outline(store, settings, forms, ANNA, ROUND, like="hsl-anteckning"))
    assert found.faults == ()
    assert found.form is not None
    assert {spec.name for spec in found.form.fields} == {spec.name for spec in forms.latest("hsl-anteckning").fields}


def test_what_was_tried_is_published_frozen_printed_and_read(store: Store, settings: Settings) -> None:
    library, made = FormLibrary(settings), begun(store, settings)
    form = checked(made).form
    assert form is not None
    with pytest.raises(FormMakingError, match="not been tried"):
        acts.publish(store, settings, ANNA, made)
    (page,) = try_out(store, ANNA, made, scanned(trial_form(form), issue(1)[0], VALUES), "prov.png")
    assert {one.spec.name: one.reading.value for one in page.fields if one.reading}["handelsedatum"] == "2021-12-17"
    assert tried(made, form).serious == 0, [remark.fault.what() for remark in tried(made, form).remarks]
    assert acts.publish(store, settings, ANNA, made) == form
    assert library.forms().latest(form.id) == form
    assert drafts(settings.form_drafts) == []
    assert [one.findings for one in check_forms(settings.own_forms)] == [()]
    with store.begin() as conn:
        detail = {event.action: dict(event.detail) for event in events_of(conn, form.id)}
    assert detail["publish_form"]["problems"] == 0
    assert "try_form" in detail
    assert print_copies(store, settings, form, ANNA, "Norr", 2).startswith(b"%PDF")
    read = Reader.of_forms(library.forms()).read(scanned(form, issue(1, "Norr")[0], VALUES), "image/png").reading
    assert read.outcome is Outcome.READ
    assert read.code is not None
    assert read.code.form == form.id
    assert read.fields["handelsedatum"].value == VALUES["handelsedatum"]


def test_a_trial_sheet_is_of_no_form_in_use_even_when_its_form_was_published(store: Store, settings: Settings) -> None:
    made = begun(store, settings)
    form = checked(made).form
    assert form is not None
    sheet = scanned(trial_form(form), issue(1)[0], VALUES)
    try_out(store, ANNA, made, sheet, "prov.png")
    acts.publish(store, settings, ANNA, made)
    reading = Reader.of_forms(FormLibrary(settings).forms()).read(sheet, "image/png").reading
    assert reading.outcome is Outcome.UNIDENTIFIED
    assert "unknown_form" in reading.problems
    other = acts.begin_outline(store, settings, Forms(), ANNA, acts.Start("Något annat", Area.HSL, Subject.CLIENT))
    with pytest.raises(FormMakingError, match="no trial sheet"):
        try_out(store, ANNA, other, sheet, "prov.png")


def test_serious_remarks_need_a_reason_and_a_changed_form_another_trial(store: Store, settings: Settings) -> None:
    made = begun(store, settings)
    form = checked(made).form
    assert form is not None
    try_out(store, ANNA, made, scanned(trial_form(form), issue(1)[0], VALUES | {"handelsedatum": None}), "prov.png")
    assert tried(made, form).serious == 1
    for reason in ("", "kort", "Gäller 19121212-1212 och ingen annan"):
        with pytest.raises(FormMakingError, match="serious"):
            acts.publish(store, settings, ANNA, made, reason)
    changed = acts.change(store, ANNA, made, outline_edits.with_new_item(made.data, 2, "Vaken", Sort.MARK))
    with pytest.raises(FormMakingError, match="not been tried"):
        acts.publish(store, settings, ANNA, changed, "Datum skrivs alltid för hand hos oss")
    back = acts.change(store, ANNA, changed, made.data)
    acts.publish(store, settings, ANNA, back, "Datum skrivs alltid för hand hos oss")
    with store.begin() as conn:
        (event,) = [event for event in events_of(conn, form.id) if event.action == "publish_form"]
    assert event.detail["reason"] == "Datum skrivs alltid för hand hos oss"


def test_a_new_version_leaves_the_old_one_readable(store: Store, settings: Settings) -> None:
    first = begun(store, settings)
    form = checked(first).form
    assert form is not None
    try_out(store, ANNA, first, scanned(trial_form(form), issue(1)[0], VALUES), "prov.png")
    acts.publish(store, settings, ANNA, first)
    second = acts.begin_version(store, settings, ANNA, form)
    assert second.version == 2
    with pytest.raises(FormMakingError, match="already"):
        acts.begin_version(store, settings, ANNA, form)
    second = acts.change(store, ANNA, second, outline_edits.with_new_item(second.data, 2, "Vaken", Sort.MARK))
    newer = checked(second).form
    assert newer is not None
    try_out(store, ANNA, second, scanned(trial_form(newer), issue(1)[0], VALUES), "prov.png")
    acts.publish(store, settings, ANNA, second)
    assert set(published(settings.own_forms)) == {f"{form.id}/1", f"{form.id}/2"}
    forms = FormLibrary(settings).forms()
    assert (forms[form.id, 1], forms[form.id, 2]) == (form, newer)
    assert [one.findings for one in check_forms(settings.own_forms)] == [(), ()]
    with pytest.raises(FormMakingError, match="cannot be copied"):
        acts.begin_version(store, settings, ANNA, forms.latest("larmatgard"))


def test_boxes_on_a_blank_become_a_form_that_is_known_by_its_print(store: Store, settings: Settings) -> None:
    blank = blank_page("Nattrond", 3)
    made = acts.begin_drawing(store, settings, Forms(), ANNA, acts.Start("Nattrond", Area.HSL, Subject.CLIENT), png(blank), "blank.png")
    assert made.drawn
    assert made.data["size"] == [210.0, 297.0]
    data = made.data
    for label, box in (("Personnummer", (15, 29.5, 50, 7)), ("Datum", (77, 29.5, 50, 7)), ("Namn", (139, 29.5, 50, 7)), ("Klar", (180, 10, 5, 5))):
        data = drawn_boxes.with_new_box(data, box, label)
    assert [one["sort"] for one in drawn_boxes.boxes(data)] == ["text", "text", "text", "mark"]
    for at, facts in enumerate(({"sort": "personnummer", "means": "client_pid"}, {"sort": "date", "means": "event_date"}, {"means": "author_name"})):
        data = drawn_boxes.with_box(data, at, **facts)
    made = acts.change(store, ANNA, made, data)
    form = checked(made).form
    assert form is not None
    assert checked(made).faults == ()
    picture = fill(cv2.cvtColor(blank, cv2.COLOR_GRAY2BGR), form.pages[0], {"namn": "Nina Berglund", "klar": True}, *_hand())  # type: ignore[arg-type]
    (page,) = try_out(store, ANNA, made, png(picture), "prov.png")
    assert {one.spec.name for one in page.fields if one.written} == {"namn", "klar"}
    acts.publish(store, settings, ANNA, made, "Personnumret skrivs alltid tydligt hos oss")
    reading = Reader.of_forms(FormLibrary(settings).forms()).read(png(picture), "image/png").reading
    assert reading.code is not None
    assert (reading.code.form, reading.fields["klar"].value) == (form.id, True)
    assert acts.begin_version(store, settings, ANNA, form).drawn


def _hand() -> tuple[object, np.random.Generator]:
    return hands(1, seed=3)[0], np.random.default_rng(5)


def test_marks_of_one_choice_are_its_options() -> None:
    data: dict[str, object] = {"boxes": []}
    for label, x in (("Ja", 20.0), ("Nej", 40.0)):
        data = drawn_boxes.with_new_box(data, (x, 50, 5, 5), label)
        data = drawn_boxes.with_box(data, len(drawn_boxes.boxes(data)) - 1, choice="Vaken")
    head = {"id": "egen-x", "version": 1, "title": "X", "area": "HSL", "criticality": "A", "subject": "client", "law": [], "size": [210, 297]}
    made = Draft("egen-x", head | data, 1, None, Path("/nowhere"))  # type: ignore[arg-type]
    (field,) = drawn_boxes.drawn_form(made).fields
    assert (field.name, field.kind, field.box) == ("vaken", Kind.CHOICE, (20, 50, 25, 5))
    assert [(one.value, one.box[0]) for one in field.options] == [("ja", 20), ("nej", 40)]


def test_each_side_of_an_uploaded_file_becomes_a_form_of_its_own(store: Store, settings: Settings) -> None:
    """Nothing on paper printed elsewhere says which sides belong together."""
    pdf = io.BytesIO()
    sides = [Picture.fromarray(blank_page("Nattrond", turn)).resize((620, 877)) for turn in (3, 9)]
    sides[0].save(pdf, "PDF", save_all=True, append_images=sides[1:], resolution=75)
    first = acts.begin_drawing(store, settings, Forms(), ANNA, acts.Start("Nattrond", Area.HSL, Subject.CLIENT), pdf.getvalue(), "blank.pdf")
    begun_ = drafts(settings.form_drafts)
    assert [one.title for one in begun_] == ["Nattrond, sida 1", "Nattrond, sida 2"]
    assert begun_[0] == first
    assert len({(one.folder / drawn_boxes.BLANK).read_bytes() for one in begun_}) == 2


def test_a_file_of_many_sides_is_refused_before_anything_is_begun(store: Store, settings: Settings) -> None:
    pdf = io.BytesIO()
    sides = [Picture.new("L", (100, 141), 255)] * (drawn_boxes.MOST_SIDES + 1)
    sides[0].save(pdf, "PDF", save_all=True, append_images=sides[1:])
    with pytest.raises(FormMakingError, match="eight pages"):
        acts.begin_drawing(store, settings, Forms(), ANNA, ROUND, pdf.getvalue(), "blank.pdf")
    assert drafts(settings.form_drafts) == []


def _with_table(data: dict[str, object]) -> dict[str, object]:
    """A day and a name above; a number, a choice and a line in each of six rows, 12 mm apart."""
    for label, box, facts in (
        ("Datum", (77.0, 29.5, 50.0, 7.0), {"sort": "date", "means": "event_date"}),
        ("Namn", (139.0, 29.5, 50.0, 7.0), {"means": "author_name"}),
        ("Personnummer", (15.0, 41.5, 50.0, 7.0), {"sort": "personnummer", "means": "client_pid", "each_row": True}),
        ("Ja", (77.0, 42.5, 5.0, 5.0), {"choice": "Vaken", "each_row": True}),
        ("Nej", (97.0, 42.5, 5.0, 5.0), {"choice": "Vaken", "each_row": True}),
        ("Datum", (139.0, 41.5, 50.0, 7.0), {"each_row": True}),
    ):
        data = drawn_boxes.with_new_box(data, box, label)
        data = drawn_boxes.with_box(data, len(drawn_boxes.boxes(data)) - 1, **facts)
    return drawn_boxes.with_rows(data, 6, 12.0)


def test_boxes_that_stand_on_each_row_are_a_table_whose_rows_are_entries(store: Store, settings: Settings) -> None:
    blank = blank_page("Nattrond", 3)
    made = acts.begin_drawing(store, settings, Forms(), ANNA, acts.Start("Nattrond", Area.HSL, Subject.CLIENT), png(blank), "blank.png")
    assert checked(made).form is not None
    assert drawn_boxes.row_boxes(made.data) == []
    made = acts.change(store, ANNA, made, _with_table(made.data))
    form, faults = checked(made).form, checked(made).faults
    assert faults == ()
    assert form is not None
    assert form.rows() == [1, 2, 3, 4, 5, 6]
    assert [spec.column for spec in form.entry_fields(3)] == ["datum", "namn", "personnummer", "vaken", "datum_2"]
    choice = form.by_name["rad03.vaken"]
    assert [option.box for option in choice.options] == [(77, 66.5, 5, 5), (97, 66.5, 5, 5)]
    assert form.by_name["rad06.personnummer"].box == (15, 101.5, 50, 7)
    assert drawn_boxes.row_boxes(made.data)[:2] == [(2, [15.0, 53.5, 50.0, 7.0]), (3, [77.0, 54.5, 5.0, 5.0])]
    picture = fill(cv2.cvtColor(blank, cv2.COLOR_GRAY2BGR), form.pages[0], {"rad02.vaken": "nej", "namn": "Nina Berglund"}, *_hand())  # type: ignore[arg-type]
    try_out(store, ANNA, made, png(picture), "prov.png")
    acts.publish(store, settings, ANNA, made, "Personnumret skrivs alltid tydligt hos oss")
    reading = Reader.of_forms(FormLibrary(settings).forms()).read(png(picture), "image/png").reading
    assert [reading.fields[f"rad0{row}.vaken"].value for row in (1, 2, 3)] == [None, "nej", None]


def test_rows_that_run_off_the_page_are_told(store: Store, settings: Settings) -> None:
    made = acts.begin_drawing(store, settings, Forms(), ANNA, ROUND, png(blank_page("Nattrond", 3)), "blank.png")
    made = acts.change(store, ANNA, made, drawn_boxes.with_rows(_with_table(made.data), 40, 12.0))
    assert "outside_page" in {fault.code for fault in checked(made).faults}


def test_what_is_no_picture_is_no_blank(store: Store, settings: Settings) -> None:
    with pytest.raises(FormMakingError, match="no pages"):
        acts.begin_drawing(store, settings, Forms(), ANNA, ROUND, b"no picture", "blank.png")
    assert drafts(settings.form_drafts) == []


def test_a_draft_that_is_put_away_is_kept_and_its_id_stays_free(store: Store, settings: Settings) -> None:
    made = begun(store, settings)
    acts.discard(store, ANNA, made)
    with pytest.raises(FormMakingError, match="draft is gone"):
        draft(settings.form_drafts, made.id)
    assert begun(store, settings).id == made.id
