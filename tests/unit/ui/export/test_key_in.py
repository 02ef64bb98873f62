"""Skriv in: a client at a time, one tick for all of a client, and what the browser is given."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from pipeline.export.runs import ExportContext
from pipeline.store.database.clock import utc_now
from pipeline.store.database.store import Store
from pipeline.store.entries.entry import load_entry
from pipeline.store.exports.manual_entry.copies import save_copies
from pipeline.store.review import corrections
from tests.support.screens import seeding
from tests.support.screens.seeding import COLLEAGUE, NURSE
from tests.support.store.route_steps import make_run, route_to
from tests.unit.ui.conftest import OpenScreen
from ui.screens.export.key_in import copy_parts


def _look(app: AppTest, seconds: float) -> None:
    """What is shown has been on the screen for so long, however slow the machine is."""
    app.session_state["first_look"] = (
        app.session_state["first_look"][0],
        utc_now() - timedelta(seconds=seconds),
    )


def test_a_list_is_keyed_in_client_by_client_and_a_tick_can_be_undone(
    store: Store, open_screen: OpenScreen, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[dict[str, Any]] = []
    monkeypatch.setattr(
        copy_parts, "_copy_parts_component", lambda: lambda data, **_: given.append(data)
    )
    seeding.confirm_two_clients(store)
    route_to(ExportContext(store, seeding.settings(store), seeding.forms()))
    open_screen(NURSE, "export").button(key="make-skriv-in").click().run()
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
        corrections.void_entry(conn, COLLEAGUE, entry_id, revision, "Fel person", utc_now())


def test_a_void_entry_is_found_by_its_own_fields_and_is_not_keyed_in(
    store: Store, open_screen: OpenScreen, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[dict[str, Any]] = []
    monkeypatch.setattr(
        copy_parts, "_copy_parts_component", lambda: lambda data, **_: given.append(data)
    )
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


@pytest.mark.parametrize("world", ["filled"], indirect=True)
def test_what_is_left_empty_is_said_in_the_language_of_the_screen(
    open_screen: OpenScreen, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[dict[str, Any]] = []
    monkeypatch.setattr(
        copy_parts, "_copy_parts_component", lambda: lambda data, **_: given.append(data)
    )
    app = open_screen(NURSE, "key_in")
    app.session_state["language"] = "en"
    app.run()
    for data, word in ((given[0], "Tomt"), (given[-1], "Empty")):
        (empty,) = (line for line in data["notes"][0]["lines"] if "Läkarens namn" in line)
        assert empty.startswith(f"{word}: ")
        assert "Läkarkontakt, datum; Läkarkontakt, klockslag; " in empty
