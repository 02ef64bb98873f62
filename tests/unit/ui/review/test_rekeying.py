"""Kontrollskrivning, planted values and the figures, as people meet them."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import insert, select
from streamlit.testing.v1 import AppTest

from pipeline.domain.model import EntryState, Person
from pipeline.store.accounts.people import save_person
from pipeline.store.database.clock import utc_now
from pipeline.store.database.store import Store, open_store
from pipeline.store.entries.answers import decided_answers
from pipeline.store.entries.entry import load_entry
from pipeline.store.event_log.events import list_events
from pipeline.store.paper.sheets import list_sheet_pages
from pipeline.store.schema.review import control, look, plant
from tests.support.screens import seeding
from tests.support.screens.bench import Bench
from tests.support.screens.seeding import COLLEAGUE, MANAGER, NOTE, NURSE
from tests.support.store.passwords import hashed
from tests.unit.ui.conftest import OpenScreen
from tests.unit.ui.review.test_review_screen import type_all

THIRD = replace(COLLEAGUE, login="petra", name="Petra Nyman")


def controlled(store: Store) -> str:
    """A confirmed note whose time of event is to be typed again."""
    entry_id = seeding.add_notes(store, 1)[0]
    seeding.confirm(store, NURSE, entry_id)
    with store.begin() as conn:
        conn.execute(
            insert(control).values(
                entry=entry_id, field="handelsetid", drawn_at=utc_now(), passed=0
            )
        )
        save_person(conn, THIRD, hashed(seeding.PASSWORD))
    return entry_id


def said(app: AppTest) -> str:
    """Everything that the screen says, with plain spaces where numbers have unbreakable ones."""
    texts = [str(one.value) for one in (*app.markdown, *app.caption, *app.warning, *app.info)]
    return " ".join([*texts, *(html.proto.body for html in app.get("html"))]).replace("\xa0", " ")


def task_id(store: Store) -> int:
    with store.read() as conn:
        return int(conn.execute(select(control.c.id)).scalar_one())


def test_a_field_is_typed_again_without_its_value_and_then_looked_at_by_a_third(
    store: Store, open_screen: OpenScreen
) -> None:
    entry_id = controlled(store)
    number = task_id(store)
    app = open_screen(COLLEAGUE, "review")
    assert "09:40" not in said(app)
    assert NURSE.name not in said(app)
    assert app.text_input(key=f"control-{number}").value == ""
    app.text_input(key=f"control-{number}").set_value("10:40")
    app.button(key=f"save-control-{number}").click().run()
    assert not app.exception
    page = f"{entry_id.rpartition('-')[0]}"
    with store.read() as conn:
        assert conn.execute(select(control.c.typed_value)).scalar_one() == "10:40"
    third = open_screen(THIRD, "review")
    assert third.radio(key=f"control-{number}").options[:2] == ["09:40", "10:40"]
    third.radio(key=f"control-{number}").set_value("10:40")
    third.session_state["something_to_undo"] = True
    third.button(key=f"save-control-{number}").click().run()
    assert not third.exception
    assert third.session_state["something_to_undo"] is False
    with store.read() as conn:
        assert decided_answers(conn, entry_id)["handelsetid"].answer.value == "10:40"
        assert load_entry(conn, entry_id).reason == "kontrollskrivning"
        looked = [
            event.by
            for event in list_events(conn, _page_of(store, page))
            if event.action == "view_page"
        ]
        assert looked[-2:] == [COLLEAGUE.login, THIRD.login]


def looks(store: Store, page: str, person: Person) -> int:
    """How many looks of somebody at a page are in the log."""
    with store.read() as conn:
        return [(event.by, event.action) for event in list_events(conn, page)].count(
            (person.login, "view_page")
        )


def _page_of(store: Store, sheet: str) -> str:
    with store.read() as conn:
        return list_sheet_pages(conn, sheet)[0].id


def test_what_does_not_fit_is_said_and_a_task_can_be_left(
    store: Store, open_screen: OpenScreen
) -> None:
    controlled(store)
    number = task_id(store)
    app = open_screen(COLLEAGUE, "review")
    app.button(key=f"save-control-{number}").click().run()
    assert "ef-said" in said(app)
    app.text_input(key=f"control-{number}").set_value("kvart över")
    app.button(key=f"save-control-{number}").click().run()
    assert "ef-said" in said(app)
    app.button(key=f"skip-control-{number}").click().run()
    with store.read() as conn:
        assert conn.execute(select(control.c.passed, control.c.typed_by)).one() == (1, None)


def test_a_control_that_was_passed_comes_back_when_the_next_entry_is_saved(
    store: Store, open_screen: OpenScreen
) -> None:
    note = controlled(store)
    typed = f"control-{task_id(store)}"
    app = open_screen(COLLEAGUE, "review")
    app.button(key=f"skip-{typed}").click().run()
    assert not app.exception
    assert "Inget väntar på dig just nu" in said(app)
    assert typed not in {one.key for one in app.text_input}
    seeding.add_notes(store, 1)
    app.run()
    type_all(Bench(app)).save()
    assert typed in {one.key for one in app.text_input}
    assert looks(store, _page_of(store, note.rpartition("-")[0]), COLLEAGUE) == 2


def test_who_confirmed_it_is_not_asked(store: Store, open_screen: OpenScreen) -> None:
    controlled(store)
    app = open_screen(NURSE, "review")
    assert not [one for one in app.text_input if str(one.key).startswith("control-")]


def test_a_control_comes_between_entries_and_not_before_the_first(
    store: Store, open_screen: OpenScreen
) -> None:
    controlled(store)
    seeding.add_notes(store, 2)
    app = open_screen(COLLEAGUE, "review")
    Bench(app).act("skip")
    assert not [one for one in app.text_input if str(one.key).startswith("control-")]


def test_a_planted_value_that_is_confirmed_is_told_at_once(
    store: Store, open_screen: OpenScreen, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EFTERSKRIFT_PLANT_SHARE", "1")
    entry_id = seeding.add_notes(store, 1)[0]
    app = open_screen(NURSE, "review")
    with store.read() as conn:
        planted = conn.execute(select(plant)).one()
    for name in ("personnummer", "handelsedatum", "handelsetid"):
        app.text_input(key=f"f-{entry_id}-0-{name}").set_value(str(NOTE[name]))
    for name in ("skrivet_datum", "skriven_tid", "lakare_datum", "lakare_tid"):
        app.text_input(key=f"f-{entry_id}-0-{name}").set_value("-")
    app.button(key=f"save-{entry_id}-0").click().run()
    assert not app.exception
    form = seeding.forms()["hsl-anteckning", 1]
    assert form.by_name[planted.field].label in app.warning[0].value
    assert "på prov" in app.warning[0].value
    with store.read() as conn:
        assert load_entry(conn, entry_id).state is EntryState.REVIEW
    assert app.text_input(key=f"f-{entry_id}-1-personnummer").value == NOTE["personnummer"]
    app.button(key=f"save-{entry_id}-1").click().run()
    with store.read() as conn:
        assert load_entry(conn, entry_id).state is EntryState.CONFIRMED
        assert decided_answers(conn, entry_id)[planted.field].answer.value != planted.value
        assert conn.execute(select(look.c.revision)).scalars().all() == [1]


def _figures(store: Store) -> None:
    entry_id = seeding.add_notes(store, 1)[0]
    with store.begin() as conn:
        for number in range(40):
            made = {
                "entry": entry_id,
                "field": f"f{number}",
                "drawn_at": utc_now(),
                "passed": 0,
                "typed_by": "x",
                "typed_at": utc_now(),
            }
            conn.execute(
                insert(control).values(
                    made
                    | {"confirmed_by": NURSE.login, "outcome": "wrong" if number == 0 else "agreed"}
                )
            )
        seen = {
            "entry": entry_id,
            "login": NURSE.login,
            "at": utc_now(),
            "fields": 10,
            "seconds": 30.0,
            "second": False,
        }
        conn.execute(insert(look), [seen | {"revision": number} for number in range(5)])


def test_the_manager_sees_forms_and_persons(store: Store, open_screen: OpenScreen) -> None:
    _figures(store)
    app = open_screen(MANAGER, "quality")
    assert not app.exception
    assert "2,5 %" in said(app)
    assert "1 av 40; 0,4 %–13 %" in said(app)
    assert NURSE.name in said(app)


def test_everybody_sees_the_own_work_and_nobody_elses(
    store: Store, open_screen: OpenScreen
) -> None:
    _figures(store)
    own = open_screen(NURSE, "own_work")
    assert "1 av 40" in said(own)
    assert "3,0 s" in said(own)
    other = open_screen(COLLEAGUE, "own_work")
    assert "1 av 40" not in said(other)
    assert "inte granskat något än" in said(other)


def test_the_share_of_the_settings_reaches_the_store(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EFTERSKRIFT_CONTROL_SHARE", "1")
    opened = open_store(seeding.settings(store))
    entry_id = seeding.add_notes(opened, 1)[0]
    seeding.confirm(opened, NURSE, entry_id)
    with opened.read() as conn:
        assert len(conn.execute(select(control.c.id)).all()) > 5
    opened.close()
