"""The component that minds the keys, apart from its browser side."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from pipeline.store.accounts import sessions
from pipeline.store.database.clock import utc_now
from pipeline.store.database.store import Store
from tests.support.screens import seeding
from tests.support.screens.seeding import NURSE
from ui.browser import keyboard


def test_what_the_browser_tells_of_a_form_that_has_left_the_screen_is_let_go(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Whoever went to another screen at once saw an error instead of it."""
    heard: list[Callable[[], None]] = []

    def drawn(*, on_draft_change: Callable[[], None], **_: Any) -> None:  # noqa: ANN401
        heard.append(on_draft_change)

    monkeypatch.setattr(keyboard, "_keyboard_component", lambda: drawn)
    kept: list[Any] = []
    keyboard.keyboard("turn", ["f-name"], kept.append, key="gone")
    heard[0]()
    assert kept == []


def test_the_number_of_the_last_draft_heard_goes_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """The browser holds a key that leaves the form until then."""
    told: list[tuple[Callable[[], None], Mapping[str, Any]]] = []

    def drawn(*, on_draft_change: Callable[[], None], data: Mapping[str, Any], **_: Any) -> None:  # noqa: ANN401
        told.append((on_draft_change, data))

    state: dict[str, Any] = {}
    monkeypatch.setattr(keyboard, "_keyboard_component", lambda: drawn)
    monkeypatch.setattr("streamlit.session_state", state)
    kept: list[Any] = []
    keyboard.keyboard("turn", ["f-name"], kept.append, key="form")
    state["form"] = {"draft": {"number": 4, "held": {"f-name": "Elsa"}}}
    told[0][0]()
    keyboard.keyboard("turn", ["f-name"], kept.append, key="form")
    assert kept == [{"f-name": "Elsa"}]
    assert [data["heard"] for _, data in told] == [0, 4]


@pytest.mark.parametrize(
    ("decided", "goes_on", "told"),
    [(True, True, 0), (True, False, 1), (False, True, 1)],
    ids=[
        "decided, and the person has gone on",
        "decided, and on the screen",
        "put aside, and another person has it",
    ],
)
def test_a_draft_that_cannot_be_kept_is_told_of_unless_nothing_is_lost(
    store: Store, decided: bool, goes_on: bool, told: int
) -> None:
    """A busy server hears the save and the draft before it at once, and the save first."""
    (entry_id,) = seeding.add_notes(store, 1)
    app = AppTest.from_function(
        _late,
        kwargs={"entry_id": entry_id, "decided": decided, "goes_on": goes_on},
        default_timeout=30,
    )
    with store.begin() as conn:
        app.session_state["session_token"] = sessions.start_session(conn, NURSE.login, utc_now())
    app.run()
    assert not app.exception
    assert len(app.toast) == told


def _late(entry_id: str, decided: bool, goes_on: bool) -> None:
    from pipeline.store.database.clock import utc_now
    from pipeline.store.entries import queue
    from tests.support.screens import seeding
    from tests.support.screens.seeding import COLLEAGUE, NURSE
    from ui.screens.review import client_panel, current_entry
    from ui.screens.review.entry_form import widget_keys
    from ui.workspace import open_app_context

    here = open_app_context()
    with here.store.begin() as conn:
        view = queue.open_claimed_entry(conn, here.forms, NURSE, entry_id, utc_now())
    if decided:
        seeding.confirm(here.store, NURSE, entry_id)
    else:
        with here.store.begin() as conn:
            queue.release_claim(conn, NURSE, entry_id)
            queue.open_claimed_entry(conn, here.forms, COLLEAGUE, entry_id, utc_now())
    current_entry.open_entry(None if goes_on else entry_id, utc_now())
    client_panel._save_drafts(
        here, NURSE, view, widget_keys(view), {f"f-{entry_id}-0-handelsetid": "09:4"}
    )
