"""Blanketter: forms are looked at and printed; a new one is made of sections and rows or drawn,
tried on paper and published.
"""

from __future__ import annotations

import cv2
import numpy as np
from streamlit.testing.v1 import AppTest

from pipeline.domain.form.form import Area, Forms, Subject
from pipeline.domain.model import Value
from pipeline.forms.field_types import FieldType
from pipeline.forms.library import FormLibrary
from pipeline.forms.printing import make_blank_sheets
from pipeline.preparation.form_editor import actions, drawn_boxes
from pipeline.preparation.form_editor.draft_form import check_draft
from pipeline.preparation.form_editor.drafts import Draft, list_drafts, load_draft
from pipeline.preparation.form_editor.outline_edits import list_items, list_sections
from pipeline.preparation.form_editor.trial import make_trial_form
from pipeline.preparation.practice.fill_sheet import fill_field, render_sheet_page
from pipeline.preparation.practice.synthetic_handwriting import make_writers
from pipeline.store.database.store import Store
from pipeline.store.reports.sheet_accounting import count_sheets
from pipeline.texts import catalogue
from tests.support.pages.printed_elsewhere import page as blank_page
from tests.support.screens import seeding
from tests.support.screens.seeding import (
    ADMINISTRATOR,
    COLLEAGUE,
    OTHER_UNIT,
    SYSTEM_ADMINISTRATOR,
    UNIT,
    settings,
)
from tests.unit.ui.conftest import OpenScreen
from ui.screens.forms.draft_header import law_line, parse_laws

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
ROUND = actions.NewFormInfo("Nattrond", Area.HSL, Subject.CLIENT)


def key_of(app: AppTest, kind: str, end: str) -> str:
    """The key of the last widget of a kind whose key ends so."""
    return [str(one.key) for one in getattr(app, kind) if one.key and one.key.endswith(end)][-1]


def only_draft(store: Store) -> Draft:
    (found,) = list_drafts(settings(store).form_drafts)
    return found


def labels(made: Draft, at: int) -> list[str]:
    return [
        str(item.data.get("label") or item.data.get("text"))
        for item in list_items(list_sections(made.data)[at])
    ]


def test_a_form_is_shown_as_it_prints_and_printed_with_serials(
    store: Store, open_screen: OpenScreen
) -> None:
    app = open_screen(ADMINISTRATOR, "forms")
    app.button(key="forms_show-larmatgard").click().run()
    assert not app.exception
    assert [header.value for header in app.header] == ["Trygghetslarm – åtgärd"]
    app.selectbox(key="forms_unit-larmatgard").set_value(UNIT)
    app.number_input(key="forms_copies-larmatgard").set_value(3)
    app.button(key="forms_print").click().run()
    assert not app.exception
    with store.read() as conn:
        assert [(one.form, one.issued) for one in count_sheets(conn, {UNIT})] == [("larmatgard", 3)]


def test_who_has_no_unit_makes_forms_and_prints_none(store: Store, open_screen: OpenScreen) -> None:
    del store
    app = open_screen(SYSTEM_ADMINISTRATOR, "forms")
    app.button(key="forms_show-larmatgard").click().run()
    keys = {button.key for button in app.button}
    assert "forms_copy" in keys
    assert "forms_print" not in keys
    assert not open_screen(COLLEAGUE, "forms").button
    assert "forms_new" in {button.key for button in open_screen(ADMINISTRATOR, "forms").button}


def begin(app: AppTest, title: str = "Nattrond") -> AppTest:
    app.button(key="forms_new").click().run()
    app.text_input(key="forms_name-").set_value(title)
    app.button(key="forms_begin").click().run()
    assert not app.exception
    return app


def open_section(app: AppTest, number: int) -> AppTest:
    app.radio(
        key=next(one.key for one in app.radio if one.key and one.key.startswith("forms_sections-"))
    ).set_value(number).run()
    return app


def test_a_form_is_made_field_by_field_and_each_change_is_kept(
    store: Store, open_screen: OpenScreen
) -> None:
    app = open_section(begin(open_screen(ADMINISTRATOR, "forms")), 2)
    assert labels(only_draft(store), 2) == ["Anteckning"]
    app.button(key=key_of(app, "button", "2-add")).click().run()
    app.text_input(key=key_of(app, "text_input", "2-1-label")).set_value("Sov patienten?").run()
    app.selectbox(key=key_of(app, "selectbox", "2-1-sort")).set_value(FieldType.CHOICE).run()
    app.text_input(key=key_of(app, "text_input", "2-1-options")).set_value(
        "Hela natten; Delvis; Inte alls"
    ).run()
    app.button(key=key_of(app, "button", "2-1-up")).click().run()
    assert not app.exception
    made = only_draft(store)
    assert labels(made, 2) == ["Sov patienten?", "Anteckning"]
    field = list_items(list_sections(made.data)[2])[0].data
    assert (field["name"], [one["label"] for one in field["options"]]) == (
        "sov_patienten",
        ["Hela natten", "Delvis", "Inte alls"],
    )
    assert check_draft(made).problems == ()
    app.checkbox(key=key_of(app, "checkbox", "2-0-required")).check().run()
    assert list_items(list_sections(only_draft(store).data)[2])[0].data["required"] is True
    again = open_screen(ADMINISTRATOR, "forms")
    again.button(key=f"forms_draft-{made.id}").click().run()
    assert (
        open_section(again, 2).text_input(key=key_of(again, "text_input", "2-0-label")).value
        == "Sov patienten?"
    )


def test_a_form_placed_by_hand_is_copied_and_that_it_is_laid_out_anew_is_said_first(
    store: Store, open_screen: OpenScreen
) -> None:
    app = open_screen(ADMINISTRATOR, "forms")
    app.button(key="forms_show-besokslista").click().run()
    app.button(key="forms_copy").click().run()
    assert not app.exception
    (told,) = (info.value for info in app.info)
    assert "ritad för hand" in told
    assert "placerar programmet avsnitt, rader och fält på nytt" in told
    app.text_input(key="forms_name-besokslista").set_value("Vår lista")
    app.button(key="forms_begin").click().run()
    assert not app.exception
    made = only_draft(store)
    assert [section.get("title") for section in list_sections(made.data)] == [
        "Dag och utförare – en lista per person och dag",
        "Besök",
    ]
    assert check_draft(made).problems == ()


def test_of_a_form_made_of_sections_nothing_is_said_to_be_lost(
    store: Store, open_screen: OpenScreen
) -> None:
    del store
    app = open_screen(ADMINISTRATOR, "forms")
    app.button(key="forms_show-larmatgard").click().run()
    app.button(key="forms_copy").click().run()
    assert not app.exception
    assert [info.value for info in app.info] == []


def test_a_mistake_is_told_at_the_field_in_words_without_file_or_key(
    store: Store, open_screen: OpenScreen
) -> None:
    app = open_section(begin(open_screen(ADMINISTRATOR, "forms")), 2)
    app.button(key=key_of(app, "button", "2-add")).click().run()
    app.selectbox(key=key_of(app, "selectbox", "2-1-sort")).set_value(FieldType.CODE).run()
    app.number_input(key=key_of(app, "number_input", "2-1-cells")).set_value(30).run()
    app.text_input(key=key_of(app, "text_input", "2-1-label")).set_value("").run()
    app.text_input(key=key_of(app, "text_input", "2-title")).set_value("").run()
    assert not app.error
    step = f"forms_step-{only_draft(store).id}"
    app.segmented_control(key=step).set_value("try").run()
    assert any("rubrik" in text.value for text in app.markdown)
    app.segmented_control(key=step).set_value("build").run()
    assert any("rubrik" in error.value for error in open_section(app, 2).error)
    app.text_input(key=key_of(app, "text_input", "2-title")).set_value("Rond").run()
    assert not app.exception
    del store


def test_every_fault_of_a_form_has_words_without_files_and_keys() -> None:
    files = {
        "no_file",
        "not_yaml",
        "key_twice",
        "unknown_key",
        "unknown_word",
        "not_placed",
        "other_folder",
        "unpublished",
        "frozen",
    }
    problems = (key.split(".")[1] for key in catalogue("sv") if key.startswith("form_problem."))
    of_forms = {code for code in problems if not code.startswith("trial_")}
    assert {code for code in of_forms if f"forms.fault.{code}" not in catalogue("sv")} == files
    said = " ".join(
        text for key, text in catalogue("sv").items() if key.startswith(("forms.", "help.forms"))
    )
    assert not [word for word in ("YAML", "yaml", "kind:", "format:", "outline") if word in said]


def test_two_who_change_a_draft_do_not_write_over_each_other(
    store: Store, open_screen: OpenScreen
) -> None:
    app = open_section(begin(open_screen(ADMINISTRATOR, "forms")), 2)
    made = only_draft(store)
    actions.change_draft(store, SYSTEM_ADMINISTRATOR, made, made.data | {"title": "Nattrond 2"})
    app.text_input(key=key_of(app, "text_input", "2-0-label")).set_value("Min ändring").run()
    assert any("Någon annan har ändrat" in error.value for error in app.error)
    assert (only_draft(store).title, labels(only_draft(store), 2)) == ("Nattrond 2", ["Anteckning"])
    app.text_input(key=key_of(app, "text_input", "2-0-label")).set_value("Min ändring").run()
    assert labels(only_draft(store), 2) == ["Min ändring"]


def test_earlier_savings_are_gone_back_to_and_a_draft_is_put_away(
    store: Store, open_screen: OpenScreen
) -> None:
    app = open_section(begin(open_screen(ADMINISTRATOR, "forms")), 2)
    app.text_input(key=key_of(app, "text_input", "2-0-label")).set_value("Annat").run()
    app.button(key=key_of(app, "button", "-restore")).click().run()
    assert labels(only_draft(store), 2) == ["Anteckning"]
    app.button(key=key_of(app, "button", "-discard")).click().run()
    assert not app.exception
    assert list_drafts(settings(store).form_drafts) == []


def test_a_trial_is_judged_and_what_was_tried_is_published(
    store: Store, open_screen: OpenScreen
) -> None:
    here = settings(store)
    made = actions.begin_outline_draft(
        store, here, Forms.load(*here.form_folders), ADMINISTRATOR, ROUND
    )
    form = check_draft(made).form
    assert form is not None
    app = open_screen(ADMINISTRATOR, "forms")
    app.button(key=f"forms_draft-{made.id}").click().run()
    app.segmented_control(key=f"forms_step-{made.id}").set_value("try").run()
    assert "forms_publish" not in {button.key for button in app.button}
    sheet = fill_field(
        render_sheet_page(make_trial_form(form), make_blank_sheets(1)[0]),
        form.pages[0],
        VALUES,
        make_writers(1, seed=3)[0],
        np.random.default_rng(5),
    )
    app.file_uploader(key=f"forms_trial-{made.id}").upload(
        "prov.png", cv2.imencode(".png", sheet)[1].tobytes(), "image/png"
    ).run()
    app.button(key="forms_trial_do").click().run()
    assert not app.exception
    assert any("inget som hindrar" in one.value for one in app.success)
    app.button(key="forms_publish").click().run()
    assert not app.exception
    assert any("är publicerad" in one.value for one in app.success)
    assert FormLibrary(here).forms().latest(made.id) == form
    app.button(key="forms_version").click().run()
    assert load_draft(here.form_drafts, made.id).version == 2


def test_what_is_said_of_a_trial_is_bold_without_asterisks(
    store: Store, open_screen: OpenScreen
) -> None:
    here = settings(store)
    made = actions.begin_outline_draft(
        store, here, Forms.load(*here.form_folders), ADMINISTRATOR, ROUND
    )
    form = check_draft(made).form
    assert form is not None
    app = open_screen(ADMINISTRATOR, "forms")
    app.button(key=f"forms_draft-{made.id}").click().run()
    app.segmented_control(key=f"forms_step-{made.id}").set_value("try").run()
    blank = render_sheet_page(make_trial_form(form), make_blank_sheets(1)[0])
    app.file_uploader(key=f"forms_trial-{made.id}").upload(
        "prov.png", cv2.imencode(".png", blank)[1].tobytes(), "image/png"
    ).run()
    app.button(key="forms_trial_do").click().run()
    assert not app.exception
    remarks = [one.value for one in (*app.error, *app.info) if "**" in one.value.replace("\\", "")]
    assert remarks
    assert [one for one in remarks if not one.startswith("**") or "\\*" in one] == []


def with_a_box(store: Store, open_screen: OpenScreen) -> AppTest:
    """A form printed elsewhere that has been begun, with one box on it."""
    blank = cv2.imencode(".png", blank_page("Nattrond", 3))[1].tobytes()
    made = actions.begin_drawing_draft(
        store, settings(store), Forms(), ADMINISTRATOR, ROUND, blank, "blank.png"
    )
    app = open_screen(ADMINISTRATOR, "forms")
    app.button(key=f"forms_draft-{made.id}").click().run()
    app.button(key="forms_remove_proposals").click().run()
    app.button(key="forms_add_box").click().run()
    return app


def test_boxes_are_written_in_millimetres_and_told_what_they_are(
    store: Store, open_screen: OpenScreen
) -> None:
    app = with_a_box(store, open_screen)
    assert not app.exception
    for side, value in (("x", 15.0), ("y", 29.5), ("width", 50.0), ("height", 7.0)):
        app.number_input(key=key_of(app, "number_input", f"-{side}")).set_value(value).run()
    app.text_input(key=key_of(app, "text_input", "-label")).set_value("Personnummer").run()
    app.selectbox(key=key_of(app, "selectbox", "-sort")).set_value(FieldType.PERSONAL_NUMBER).run()
    app.selectbox(key=key_of(app, "selectbox", "-means")).set_value("client_pid").run()
    (box,) = drawn_boxes.list_boxes(only_draft(store).data)
    assert box == {
        "id": 1,
        "label": "Personnummer",
        "sort": "personnummer",
        "box": [15.0, 29.5, 50.0, 7.0],
        "means": "client_pid",
        "critical": True,
        "required": True,
    }
    assert app.checkbox(key=key_of(app, "checkbox", "-critical")).value
    assert {fault.code for fault in check_draft(only_draft(store)).problems} == {"no_meaning"}
    assert not app.error
    step = f"forms_step-{only_draft(store).id}"
    app.segmented_control(key=step).set_value("try").run()
    app.segmented_control(key=step).set_value("build").run()
    assert any("Namnet på den som skrev" in error.value for error in app.error)


def test_a_box_that_is_on_every_row_makes_a_table_of_so_many_rows(
    store: Store, open_screen: OpenScreen
) -> None:
    app = with_a_box(store, open_screen)
    assert not [one for one in app.number_input if str(one.key).endswith("-count")]
    app.checkbox(key=key_of(app, "checkbox", "-each_row")).check().run()
    app.number_input(key=key_of(app, "number_input", "-count")).set_value(5).run()
    app.number_input(key=key_of(app, "number_input", "-apart")).set_value(12.0).run()
    assert not app.exception
    data = only_draft(store).data
    assert data["rows"] == {"count": 5, "height": 12.0}
    tops = [box["box"][1] for box in drawn_boxes.list_row_boxes(data)]
    assert tops == [52.0, 64.0, 76.0, 88.0]
    app.checkbox(key=key_of(app, "checkbox", "-each_row")).uncheck().run()
    assert not app.exception
    assert drawn_boxes.list_row_boxes(only_draft(store).data) == []


def test_sheets_printed_for_a_unit_are_not_offered_for_another(open_screen: OpenScreen) -> None:
    app = open_screen(ADMINISTRATOR, "forms")
    app.session_state["forms_place"] = (
        "form",
        "hsl-anteckning",
        seeding.forms().latest("hsl-anteckning").version,
    )
    app.run()
    app.button(key="forms_print").click().run()
    assert app.success
    app.selectbox(key="forms_unit-hsl-anteckning").set_value(OTHER_UNIT).run()
    assert not app.success


def test_a_duty_is_one_line_of_law_and_stays_a_duty() -> None:
    duty, fixed = {"rule": "fl-overklagande"}, {"ref": "Arkivlagen 10 §", "source": "SFS"}
    lines = [law_line(law) for law in (duty, fixed)]
    assert lines == ["Överklagande inom tre veckor", "Arkivlagen 10 §"]
    assert parse_laws({lines[1]: fixed}, "\n".join(lines)) == [duty, fixed]
