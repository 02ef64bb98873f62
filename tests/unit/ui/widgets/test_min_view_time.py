"""What one key decides counts as seen from when it is drawn: on a slow server that is long after
its turn began.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest

from pipeline.domain.settings import Settings
from pipeline.review import session
from pipeline.review.session import MIN_VIEW_TIME, Review
from pipeline.store.database.store import Store
from pipeline.store.schema.clock import utc_now
from tests.support.screens import seeding
from tests.support.screens.seeding import NURSE
from tests.unit.ui.conftest import OpenScreen
from ui.screens.lookup.settled_lines import settled_lines
from ui.screens.signing import screen as signing
from ui.widgets import views


def test_a_look_begins_when_all_is_drawn(
    store: Store, open_screen: OpenScreen, monkeypatch: pytest.MonkeyPatch
) -> None:
    (entry_id,) = seeding.add_notes(store, 1)
    seeding.confirm(store, NURSE, entry_id)
    began: list[datetime] = []
    draw = settled_lines

    def late(*args: object, **options: object) -> None:
        draw(*args, **options)  # type: ignore[arg-type]
        began.append(utc_now())

    monkeypatch.setattr(signing, "settled_lines", late)
    app = open_screen(NURSE, "signing")
    what, at = app.session_state["first_look"]
    assert entry_id in what
    assert at >= began[0]
    first = app.session_state["first_look"]
    app.run()
    assert app.session_state["first_look"] == first


def test_something_else_is_not_seen_yet(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    review = Review(store, seeding.forms(), Settings(workspace=tmp_path), NURSE)
    monkeypatch.setattr("streamlit.session_state", {})
    monkeypatch.setattr(session, "MIN_VIEW_TIME", MIN_VIEW_TIME)
    views.note_drawn("one")
    at = views.drawn_at("one")
    assert at is not None
    assert not replace(review, clock=lambda: at).has_been_seen(at)
    assert replace(review, clock=lambda: at + MIN_VIEW_TIME).has_been_seen(at)
    assert views.drawn_at("other") is None
    assert not review.has_been_seen(None)
    views.reset_drawn()
    assert views.drawn_at("one") is None
