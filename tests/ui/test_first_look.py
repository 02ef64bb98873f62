"""What one key decides counts as seen from when it is drawn: on a slow server that is long after its turn began."""

from __future__ import annotations

from datetime import datetime

import pytest

from pipeline.store.clock import utc_now
from pipeline.store.database import Store
from tests.ui import seeding
from tests.ui.conftest import OpenScreen
from tests.ui.seeding import NURSE
from ui.components import first_look
from ui.screens import review_screen, signing_screen


@pytest.mark.parametrize(("screen", "name", "drawn_by"), [(review_screen, "review", "entry_form"), (signing_screen, "signing", "settled_lines")])
def test_a_look_begins_when_all_is_drawn(
    store: Store, open_screen: OpenScreen, monkeypatch: pytest.MonkeyPatch, screen: object, name: str, drawn_by: str
) -> None:
    (entry_id,) = seeding.add_notes(store, 1)
    if screen is signing_screen:
        seeding.confirm(store, NURSE, entry_id)
    began: list[datetime] = []
    draw = getattr(screen, drawn_by)

    def late(*args: object, **options: object) -> None:
        draw(*args, **options)
        began.append(utc_now())

    monkeypatch.setattr(screen, drawn_by, late)
    app = open_screen(NURSE, name)
    what, at = app.session_state["first_look"]
    assert entry_id in what
    assert at >= began[0]
    first = app.session_state["first_look"]
    app.run()
    assert app.session_state["first_look"] == first


def test_something_else_is_not_seen_yet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("streamlit.session_state", {})
    first_look.note_drawn("one")
    now = utc_now()
    assert first_look.is_too_soon("one", now)
    assert not first_look.is_too_soon("one", now + first_look.LEAST_LOOK)
    assert first_look.is_too_soon("other", now + first_look.LEAST_LOOK)
    first_look.forget_drawn()
    assert first_look.is_too_soon("one", now + first_look.LEAST_LOOK)
