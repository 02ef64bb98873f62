"""Skriv in: a client at a time, one tick for all of a client, and what the browser is given."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select
from streamlit.testing.v1 import AppTest

from pipeline.domain.identity_numbers import format_pid
from pipeline.export.manual_entry.scan_codes import TRIAL_TEXT
from pipeline.export.runs import ExportContext
from pipeline.review.corrections import Corrections
from pipeline.store.database.store import Store
from pipeline.store.entries.entry import load_entry
from pipeline.store.exports.manual_entry import save_copies
from pipeline.store.registers.client_register import save_clients
from pipeline.store.schema import paper
from pipeline.store.schema.clock import utc_now
from tests.support.screens import seeding
from tests.support.screens.seeding import COLLEAGUE, NURSE
from tests.support.store.route_steps import make_run, route_to
from tests.support.store.work import work
from tests.unit.ui.conftest import OpenScreen
from ui.screens.export.key_in import copy_parts, scan_codes


def _look(app: AppTest, seconds: float) -> None:
    """What is shown has been on the screen for so long, however slow the machine is."""
    app.session_state["first_look"] = (
        app.session_state["first_look"][0],
        utc_now() - timedelta(seconds=seconds),
    )


def test_a_list_is_keyed_in_client_by_client_and_a_tick_can_be_undone(
    store: Store, open_screen: OpenScreen, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = _shown(monkeypatch)
    seeding.confirm_two_clients(store)
    route_to(ExportContext(store, seeding.settings(store), seeding.forms()))
    app = open_screen(NURSE, "key_in")
    first = given[-1]
    assert seeding.CLIENTS[0].name in {part["text"] for part in first["client"]}
    (note,) = first["notes"]
    assert [part["kind"] for part in note["parts"]] == ["own", "own", "note"]
    assert note["whole"].count("Skrivet av") == 1
    _look(app, -3600)
    app.button(key="key_in_done").click().run()  # too early to be meant
    assert given[-1]["turn"] == first["turn"]
    _look(app, 3600)
    app.button(key="key_in_done").click().run()
    assert not app.exception
    assert given[-1]["turn"] != first["turn"]
    app.button(key="key_in_undo").click().run()
    assert not app.exception
    assert given[-1]["turn"] == first["turn"]
    _look(app, 3600)
    app.button(key="key_in_done").click().run()
    app.button(key="key_in_skip").click().run()
    assert "Det som är kvar har du hoppat över (1)." in {info.value for info in app.info}
    app.button(key="key_in_again").click().run()
    assert app.button(key="key_in_done")


def _void(store: Store, entry_id: str) -> None:
    with store.begin() as conn:
        revision = load_entry(conn, entry_id).revision
        work(Corrections, conn, COLLEAGUE, utc_now()).void(entry_id, revision, "Fel person")


def test_a_void_entry_is_found_by_its_own_fields_and_is_not_keyed_in(
    store: Store, open_screen: OpenScreen, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = _shown(monkeypatch)
    office = ExportContext(store, seeding.settings(store), seeding.forms())
    (entry_id,) = seeding.add_notes(store, 1)
    seeding.confirm(store, NURSE, entry_id, sign=True)
    assert make_run(office, NURSE, "skriv-in", utc_now())
    _void(store, entry_id)
    assert make_run(office, NURSE, "skriv-in", utc_now())
    app = open_screen(NURSE, "key_in")
    (note,) = given[-1]["notes"]
    assert [part["kind"] for part in note["parts"]] == ["own", "own"]
    assert note["title"].startswith("1. MAKULERAS: ")
    assert note["whole"] == ""
    assert app.button(key="key_in_done").label == "Makulerad i systemet, 1 post"


def test_a_tick_of_a_void_entry_is_refused_with_who_and_when(
    store: Store, open_screen: OpenScreen
) -> None:
    entry_id = seeding.confirm_two_clients(store)[0]
    office = ExportContext(store, seeding.settings(store), seeding.forms())
    run = make_run(office, NURSE, "skriv-in", utc_now())
    assert run is not None
    app = open_screen(NURSE, "key_in")
    with store.begin() as conn:
        save_copies(conn, NURSE.login, {(entry_id, 1): ["note 1"]}, utc_now())
    app.run()
    assert any(each.value.startswith("Du kopierade post 1 kl") for each in app.warning)
    _void(store, entry_id)
    app.session_state["language"] = "en"
    _look(app, 3600)
    app.button(key="key_in_done").click().run()
    assert not app.exception
    (error,) = app.error
    assert f"({entry_id}) was made void by {COLLEAGUE.name} at " in error.value.replace("\\", "")
    assert "Nothing is ticked" in error.value


def _confirm_one(store: Store, form_id: str = "hsl-anteckning") -> None:
    """A confirmed note, signed where that is needed; all forms are keyed in by hand."""
    entry_id = seeding.add_sheet_of(store, seeding.forms().latest(form_id), seeding.NOTE)
    seeding.confirm(store, NURSE, entry_id, sign=form_id == "hsl-anteckning")
    route_to(ExportContext(store, seeding.settings(store), seeding.forms()))


def _shown(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What the browser is given to be copied, each time that the screen is drawn."""
    given: list[dict[str, Any]] = []
    monkeypatch.setattr(
        copy_parts, "component", lambda *_, **__: lambda data, **_: given.append(data)
    )
    return given


def test_what_is_confirmed_meanwhile_comes_when_the_basket_is_empty(
    store: Store, open_screen: OpenScreen, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It goes to the same system: nobody chooses a list, and nothing stops there."""
    given = _shown(monkeypatch)
    _confirm_one(store)
    app = open_screen(NURSE, "key_in")
    first = given[-1]["turn"]
    _confirm_one(store)
    app.run()
    assert given[-1]["turn"] == first
    _look(app, 3600)
    app.button(key="key_in_done").click().run()
    assert not app.exception
    assert given[-1]["turn"] != first


def test_lists_of_one_system_are_one_basket(
    store: Store, open_screen: OpenScreen, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = _shown(monkeypatch)
    for _ in range(2):
        _confirm_one(store)
        open_screen(NURSE, "key_in")
    app = open_screen(NURSE, "key_in")
    assert not app.selectbox
    first = given[-1]["turn"]
    _look(app, 3600)
    app.button(key="key_in_done").click().run()
    assert not app.exception
    assert given[-1]["turn"] != first


def test_the_screen_stops_where_a_basket_is_empty_and_comes_back_when_it_is_undone(
    store: Store, open_screen: OpenScreen, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next one is of another system: nothing of it is on the screen before it is asked for."""
    given = _shown(monkeypatch)
    _confirm_one(store)
    _confirm_one(store, "social-anteckning")
    app = open_screen(NURSE, "key_in")
    first = given[-1]["turn"]
    _look(app, 3600)
    drawn = len(given)
    app.button(key="key_in_done").click().run()
    assert len(given) == drawn
    assert "är klar" in app.success[0].value
    app.button(key="key_in_undo").click().run()
    assert given[-1]["turn"] == first
    _look(app, 3600)
    app.button(key="key_in_done").click().run()
    app.button(key="key_in_next_list").click().run()
    assert not app.exception
    assert given[-1]["turn"] != first


def test_the_paper_is_shown_when_asked_for_and_the_look_is_logged_once(
    store: Store, open_screen: OpenScreen
) -> None:
    (entry_id,) = seeding.add_notes(store, 1)
    seeding.confirm(store, NURSE, entry_id, sign=True)
    office = ExportContext(store, seeding.settings(store), seeding.forms())
    assert make_run(office, NURSE, "skriv-in", utc_now())
    app = open_screen(NURSE, "key_in")
    before = _looks(store)
    app.toggle(key=f"key_in_paper-{entry_id}").set_value(True).run()
    assert not app.exception
    pages = _looks(store) - before
    assert pages > 0
    app.run()
    assert _looks(store) - before == pages


def _looks(store: Store, action: str = "view_page") -> int:
    with store.read() as conn:
        events = paper.event
        query = select(func.count()).where(events.c.action == action)
        return int(conn.execute(query).scalar_one())


def test_codes_for_a_scanner_follow_when_the_right_client_is_open_and_are_logged(
    store: Store, open_screen: OpenScreen, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn: list[str] = []
    monkeypatch.setattr(scan_codes, "_draw", drawn.extend)
    _confirm_one(store)
    app = open_screen(NURSE, "key_in")
    assert drawn == []
    app.toggle(key="key_in_scan").set_value(True).run()
    assert drawn == [TRIAL_TEXT, format_pid(seeding.CLIENTS[0].pid)]
    before = _looks(store, "view_key_in")
    app.button(key="key_in_scan_is_open").click().run()
    assert not app.exception
    assert "läker fint" in "".join(drawn)
    assert _looks(store, "view_key_in") > before
    app.text_input(key="key_in_scan_typed").set_value(TRIAL_TEXT.swapcase()).run()
    assert "Caps Lock" in app.error[0].value


def test_no_code_is_shown_of_a_protected_identity(
    store: Store, open_screen: OpenScreen, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn: list[str] = []
    monkeypatch.setattr(scan_codes, "_draw", drawn.extend)
    _confirm_one(store)
    with store.begin() as conn:
        save_clients(conn, [replace(seeding.CLIENTS[0], protected=True)])
    app = open_screen(NURSE, "key_in")
    app.toggle(key="key_in_scan").set_value(True).run()
    assert not app.exception
    assert drawn == [TRIAL_TEXT]
    assert any("Inga koder" in info.value for info in app.info)
