"""Skriv in: a client at a time, one tick for all of a client, and what the browser is given."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from pipeline.export.runs import ExportContext
from pipeline.store.database.clock import utc_now
from pipeline.store.database.store import Store
from tests.support.screens import seeding
from tests.support.screens.seeding import NURSE
from tests.support.store.route_steps import route_to
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
