"""Kontrollskrivning, seeded values and the numbers, as people meet them."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import insert, select
from streamlit.testing.v1 import AppTest

from pipeline.domain.model import EntryState, Person
from pipeline.store.accounts.people import save_person
from pipeline.store.database.store import Store, open_store
from pipeline.store.entries.answers import decided_answers
from pipeline.store.entries.entry import load_entry
from pipeline.store.event_log.events import list_events
from pipeline.store.paper.pages import list_sheet_pages
from pipeline.store.schema.clock import utc_now
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
    bench = Bench(open_screen(COLLEAGUE, "review"))
    assert bench.entry == f"control:{task_id(store)}"
    assert "09:40" not in bench.sent()
    assert NURSE.name not in bench.sent()
    assert bench.value("handelsetid") == ""
    bench.type("handelsetid", "10:40").save()
    page = f"{entry_id.rpartition('-')[0]}"
    with store.read() as conn:
        assert conn.execute(select(control.c.typed_value)).scalar_one() == "10:40"
    app = open_screen(THIRD, "review")
    third = Bench(app)
    assert third.options("handelsetid")[:2] == ["09:40", "10:40"]
    app.session_state["something_to_undo"] = True
    third.choose("handelsetid", "10:40").save()
    assert app.session_state["something_to_undo"] is False
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
    """How many looks of a person at a page are in the log."""
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
    bench = Bench(open_screen(COLLEAGUE, "review")).save()
    assert list(bench.errors()) == ["handelsetid"]
    bench.type("handelsetid", "kvart över").save()
    assert list(bench.errors()) == ["handelsetid"]
    bench.act("skip")
    with store.read() as conn:
        assert conn.execute(select(control.c.passed, control.c.typed_by)).one() == (1, None)


def test_a_control_that_was_passed_comes_back_when_the_next_entry_is_saved(
    store: Store, open_screen: OpenScreen
) -> None:
    note = controlled(store)
    task = f"control:{task_id(store)}"
    app = open_screen(COLLEAGUE, "review")
    bench = Bench(app).act("skip")
    assert "Inget väntar på dig just nu" in said(app)
    seeding.add_notes(store, 1)
    app.run()
    assert bench.entry != task
    type_all(bench).save()
    assert bench.entry == task
    assert looks(store, _page_of(store, note.rpartition("-")[0]), COLLEAGUE) == 2


def test_who_confirmed_it_is_not_asked(store: Store, open_screen: OpenScreen) -> None:
    controlled(store)
    assert not Bench(open_screen(NURSE, "review")).is_up


def test_a_control_comes_after_an_entry_that_was_saved_and_can_be_undone(
    store: Store, open_screen: OpenScreen
) -> None:
    controlled(store)
    seeding.add_notes(store, 2)
    bench = Bench(open_screen(COLLEAGUE, "review"))
    first = bench.entry
    task = f"control:{task_id(store)}"
    assert bench.data["ahead"]["entry"] == task
    second = bench.act("skip").entry
    assert second not in {first, task}
    type_all(bench).save()
    assert (bench.entry, bench.data["undo"]) == (task, True)
    bench.act("undo")
    assert bench.entry == second


def test_a_planted_value_that_is_confirmed_is_told_at_once(
    store: Store, open_screen: OpenScreen, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EFTERSKRIFT_PLANT_SHARE", "1")
    entry_id = seeding.add_notes(store, 1)[0]
    bench = Bench(open_screen(NURSE, "review"))
    with store.read() as conn:
        planted = conn.execute(select(plant)).one()
    type_all(bench).save()
    form = seeding.forms()["hsl-anteckning", 1]
    assert form.by_name[planted.field].label in bench.card["warning"]
    assert "på prov" in bench.card["warning"]
    with store.read() as conn:
        assert load_entry(conn, entry_id).state is EntryState.REVIEW
    assert bench.value("personnummer") == NOTE["personnummer"]
    bench.save()
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
