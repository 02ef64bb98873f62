"""Signera by author: notes are read, ticked, and signed for one reason."""

from __future__ import annotations

from pipeline.domain.model import EntryState
from pipeline.store.database.store import Store
from pipeline.store.entries.entry import load_entry
from pipeline.store.event_log.events import list_events
from pipeline.store.review.signing import SIGNING_REASONS
from tests.support.screens import seeding
from tests.support.screens.seeding import COLLEAGUE, NURSE
from tests.unit.ui.conftest import OpenScreen


def test_only_what_is_ticked_is_signed_and_taken_back_again(
    store: Store, open_screen: OpenScreen
) -> None:
    notes = seeding.add_notes(store, 3)
    for entry_id in notes:
        seeding.confirm(store, NURSE, entry_id)
    with store.read() as conn:
        revisions = {entry_id: load_entry(conn, entry_id).revision for entry_id in notes}
    app = open_screen(COLLEAGUE, "signing")
    app.segmented_control(key="signing_kind").set_value("absent").run()
    assert not app.exception
    assert app.selectbox(key="absent_author").options == ["Nina Berglund (3)"]
    assert app.button(key="absent_do").disabled
    for entry_id in notes[:2]:
        app.checkbox(key=f"read-{entry_id}-{revisions[entry_id]}").check().run()
    assert app.button(key="absent_do").disabled
    app.radio(key="absent_why").set_value(SIGNING_REASONS[0]).run()
    assert app.button(key="absent_do").label == "Signera 2 anteckningar"
    app.button(key="absent_do").click().run()
    assert not app.exception
    assert "sin egen rad" in app.success[0].value
    with store.read() as conn:
        states = [load_entry(conn, entry_id).state for entry_id in notes]
        signed = [
            [event.by for event in list_events(conn, entry_id) if event.action == "sign"]
            for entry_id in notes
        ]
        page = load_entry(conn, notes[2]).page
        views = [event.by for event in list_events(conn, page) if event.action == "view_page"]
    assert states == [EntryState.SIGNED, EntryState.SIGNED, EntryState.CONFIRMED]
    assert signed == [["omar"], ["omar"], []]
    assert "omar" in views
    app.button(key="undo_signature").click().run()
    assert not app.exception
    with store.read() as conn:
        states = [load_entry(conn, entry_id).state for entry_id in notes]
    assert states.count(EntryState.SIGNED) == 1
