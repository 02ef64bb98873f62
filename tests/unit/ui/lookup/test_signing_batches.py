"""Signera by author: notes are read, ticked, and signed for one reason."""

from __future__ import annotations

from sqlalchemy import update

from pipeline.domain.model import EntryState
from pipeline.review.signing import SIGNING_REASONS
from pipeline.store.database.store import Store
from pipeline.store.entries.entry import load_entry
from pipeline.store.event_log.events import list_events
from pipeline.store.schema import paper
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
    assert states == [EntryState.CONFIRMED] * 3
    assert "2 signaturer är tillbakatagna" in app.success[0].value


def test_the_reason_for_one_author_is_not_given_for_the_next(
    store: Store, open_screen: OpenScreen
) -> None:
    """Neither when another author is chosen nor when all notes of one are signed."""
    notes = seeding.add_notes(store, 2)
    for entry_id in notes:
        seeding.confirm(store, NURSE, entry_id)
    with store.begin() as conn:
        conn.execute(
            update(paper.entry).where(paper.entry.c.id == notes[1]).values(author="Åke Blad")
        )
        revisions = {entry_id: load_entry(conn, entry_id).revision for entry_id in notes}
    app = open_screen(COLLEAGUE, "signing")
    app.segmented_control(key="signing_kind").set_value("absent").run()
    first = app.selectbox(key="absent_author").value
    others = {"nina berglund": notes[0], "åke blad": notes[1]}
    (other,) = set(others) - {first}

    def give_reason() -> None:
        app.radio(key="absent_why").set_value(SIGNING_REASONS[0]).run()
        app.text_input(key="absent_text").input("slutade i maj").run()

    def is_given() -> tuple[str | None, str | None]:
        return app.radio(key="absent_why").value, app.text_input(key="absent_text").value

    give_reason()
    app.selectbox(key="absent_author").set_value(other).run()
    assert is_given() == (None, "")
    give_reason()
    app.checkbox(key=f"read-{others[other]}-{revisions[others[other]]}").check().run()
    app.button(key="absent_do").click().run()
    assert not app.exception
    assert app.selectbox(key="absent_author").value == first
    assert is_given() == (None, "")


def test_notes_come_with_their_picture_and_empty_fields_in_one_line(
    store: Store, open_screen: OpenScreen
) -> None:
    (entry_id,) = seeding.add_notes(store, 1)
    seeding.confirm(store, NURSE, entry_id)
    app = open_screen(COLLEAGUE, "signing")
    app.segmented_control(key="signing_kind").set_value("absent").run()
    drawn = [html.proto.body for html in app.get("html")]
    assert any('<img class="ef-page"' in html for html in drawn)
    lines = "".join(drawn)
    assert "Elsa Fjällberg" in lines
    assert lines.count(">Tomt</span>") <= 1
    assert "</span> Tomt</div>" not in lines
