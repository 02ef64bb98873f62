"""A form is tried on paper, published, and followed by a new version."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from pipeline.domain.errors import FormEditorError
from pipeline.domain.form.form import Area, Form, Forms, Subject
from pipeline.domain.model import Outcome, Value
from pipeline.domain.settings import Settings
from pipeline.forms.field_types import FieldType
from pipeline.forms.library import FormLibrary, load_published
from pipeline.forms.printing import Sheet, make_blank_sheets
from pipeline.preparation.form_check.check import check_forms
from pipeline.preparation.form_editor import actions, outline_edits
from pipeline.preparation.form_editor.draft_form import check_draft
from pipeline.preparation.form_editor.drafts import (
    list_drafts,
)
from pipeline.preparation.form_editor.previews import print_copies
from pipeline.preparation.form_editor.trial import load_trial_results, make_trial_form, run_trial
from pipeline.preparation.practice.fill_sheet import fill_field, render_sheet_page
from pipeline.preparation.practice.synthetic_handwriting import make_writers
from pipeline.reading.read_page import PageReader
from pipeline.store.database.store import Store, open_store
from pipeline.store.event_log.events import list_events
from tests.unit.preparation.editor_steps import ANNA, begun, png

pytestmark = pytest.mark.slow

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


def scanned(form: Form, sheet: Sheet, values: dict[str, Value]) -> bytes:
    (hand,), rng = make_writers(1, seed=3), np.random.default_rng(5)
    return png(fill_field(render_sheet_page(form, sheet), form.pages[0], values, hand, rng))


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


@pytest.mark.nightly
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
