"""A form is drawn on a blank."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image as Picture

from pipeline.domain.errors import FormEditorError
from pipeline.domain.form.field import Kind
from pipeline.domain.form.form import Area, Forms, Subject
from pipeline.domain.settings import Settings
from pipeline.forms.library import FormLibrary
from pipeline.preparation.form_editor import actions, drawn_boxes
from pipeline.preparation.form_editor.draft_form import check_draft
from pipeline.preparation.form_editor.drafts import (
    Draft,
    list_drafts,
    load_draft,
)
from pipeline.preparation.form_editor.trial import run_trial
from pipeline.preparation.practice.fill_sheet import fill_field
from pipeline.preparation.practice.synthetic_handwriting import SyntheticWriter, make_writers
from pipeline.reading.read_page import PageReader
from pipeline.store.database.store import Store, open_store
from tests.support.pages.printed_elsewhere import care_blank
from tests.support.pages.printed_elsewhere import page as blank_page
from tests.unit.preparation.editor_steps import ANNA, ROUND, begun, png

pytestmark = pytest.mark.slow


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(workspace=tmp_path)


@pytest.fixture
def store(settings: Settings) -> Iterator[Store]:
    opened = open_store(settings, create=True)
    yield opened
    opened.close()


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
    data = drawn_boxes.remove_proposals(made.data)
    for label, box in (
        ("Personnummer", (15, 29.5, 50, 7)),
        ("Datum", (77, 29.5, 50, 7)),
        ("Namn", (139, 29.5, 50, 7)),
        ("Klar", (180, 10, 5, 5)),
    ):
        data = drawn_boxes.add_box(data, box, label)
    assert [one["sort"] for one in drawn_boxes.list_boxes(data)] == ["text", "text", "text", "mark"]
    for box_id, facts in enumerate(
        (
            {"sort": "personnummer", "means": "client_pid"},
            {"sort": "date", "means": "event_date"},
            {"means": "author_name"},
        ),
        start=1,
    ):
        data = drawn_boxes.replace_box(data, box_id, **facts)
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


def test_the_words_of_a_pdf_are_the_labels_of_what_is_proposed(
    store: Store, settings: Settings
) -> None:
    info = actions.NewFormInfo("Rapport", Area.HSL, Subject.CLIENT)
    made = actions.begin_drawing_draft(
        store, settings, Forms(), ANNA, info, care_blank(), "blank.pdf"
    )
    boxes = drawn_boxes.list_boxes(made.data, proposed=True)
    assert {box["means"] for box in boxes if box.get("means")} == {
        "client_pid",
        "client_name",
        "client_address",
        "event_date",
        "event_time",
        "written_date",
        "author_name",
        "author_title",
        "author_signature",
    }
    assert "Klockslag" in {box["label"] for box in boxes}
    assert len(boxes) == 29
    made = actions.change_draft(store, ANNA, made, drawn_boxes.accept_proposals(made.data))
    assert check_draft(made).problems == ()


def _hand() -> tuple[SyntheticWriter, np.random.Generator]:
    return make_writers(1, seed=3)[0], np.random.default_rng(5)


def test_marks_of_one_choice_are_its_options() -> None:
    data: dict[str, object] = {"boxes": []}
    for label, x in (("Ja", 20.0), ("Nej", 40.0)):
        data = drawn_boxes.add_box(data, (x, 50, 5, 5), label)
        data = drawn_boxes.replace_box(data, len(drawn_boxes.list_boxes(data)), choice="Vaken")
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
    data = drawn_boxes.remove_proposals(data)
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
        data = drawn_boxes.replace_box(data, len(drawn_boxes.list_boxes(data)), **facts)
    return drawn_boxes.set_rows(data, 6, 12.0)


@pytest.mark.nightly
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
    first, second, *_ = drawn_boxes.list_row_boxes(made.data)
    assert (first["id"], first["box"]) == (3, [15.0, 53.5, 50.0, 7.0])
    assert (second["id"], second["box"]) == (4, [77.0, 54.5, 5.0, 5.0])
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
