"""The screen Signera."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from streamlit.testing.v1 import AppTest

from pipeline.domain.model import EntryState
from pipeline.domain.review.rules import Answer
from pipeline.registers.staff import SAME_NAME_REASON
from pipeline.review.corrections import Corrections
from pipeline.store.accounts import people
from pipeline.store.database.store import Store
from pipeline.store.entries.entry import Entry, load_entry
from pipeline.store.schema.clock import utc_now
from tests.support.screens import seeding
from tests.support.screens.bench import Bench
from tests.support.screens.seeding import COLLEAGUE, NURSE
from tests.support.store.passwords import hashed
from tests.support.store.work import work
from tests.unit.ui.conftest import OpenScreen
from tests.unit.ui.review.test_review_screen import type_all


@pytest.fixture(autouse=True)
def _hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipeline.review.session.MIN_VIEW_TIME", timedelta(0))


def found(store: Store, entry_id: str) -> Entry:
    with store.read() as conn:
        return load_entry(conn, entry_id)


def sign(app: AppTest, one: Entry) -> None:
    app.button(key=f"sign-{one.id}-{one.revision}").click().run()
    assert not app.exception


def test_the_own_note_is_read_signed_and_taken_back(store: Store, open_screen: OpenScreen) -> None:
    entry_id = seeding.add_notes(store, 1)[0]
    seeding.confirm(store, NURSE, entry_id)
    app = open_screen(NURSE, "signing")
    said = "".join(html.proto.body for html in app.get("html"))
    assert all(
        words in said
        for words in ("Skrev på papper", "Skrev in", "Elsa Fjällberg", "19300101-6595")
    )
    sign(app, found(store, entry_id))
    assert found(store, entry_id).state is EntryState.SIGNED
    assert "Du har inget att signera." in app.markdown[-1].value
    app.button(key="undo_signature").click().run()
    assert not app.exception
    assert found(store, entry_id).state is EntryState.CONFIRMED


def test_that_of_another_needs_a_reason(store: Store, open_screen: OpenScreen) -> None:
    entry_id = seeding.add_notes(store, 1)[0]
    seeding.confirm(store, NURSE, entry_id)
    app = open_screen(COLLEAGUE, "signing")
    assert "Du har inget att signera." in app.markdown[-1].value
    app.segmented_control(key="signing_kind").set_value("others").run()
    one = found(store, entry_id)
    sign(app, one)
    assert found(store, entry_id).state is EntryState.CONFIRMED
    app.radio(key=f"sign_why-{one.id}-{one.revision}").set_value("författaren har slutat")
    sign(app, one)
    assert found(store, entry_id).signed_why == "författaren har slutat"


def test_what_is_wrong_is_corrected_from_here_and_signed_then(
    store: Store, open_screen: OpenScreen
) -> None:
    (entry_id,) = seeding.add_notes(store, 1)
    seeding.confirm(store, NURSE, entry_id)
    app = open_screen(NURSE, "signing")
    app.button(key=f"correct-{entry_id}").click().run()
    assert not app.exception
    assert not [button for button in app.button if button.key and button.key.startswith("sign-")]
    assert Bench(app).entry.startswith("correction:")
    Bench(app).act("skip")
    sign(app, found(store, entry_id))
    assert found(store, entry_id).state is EntryState.SIGNED


def test_what_is_missing_is_said_where_one_signs(store: Store, open_screen: OpenScreen) -> None:
    (entry_id,) = seeding.add_notes(store, 1)
    seeding.confirm(store, NURSE, entry_id)
    app = open_screen(COLLEAGUE, "signing")
    app.segmented_control(key="signing_kind").set_value("others").run()
    sign(app, found(store, entry_id))
    parts = [element.type for element in app.main if element.type in ("warning", "radio")]
    assert parts[:2] == ["warning", "radio"]
    assert len(app.warning) == 1


def test_who_shares_a_name_is_offered_that_as_the_reason(
    store: Store, open_screen: OpenScreen
) -> None:
    with store.begin() as conn:
        people.save_person(conn, replace(NURSE, login="nina2"), hashed(seeding.PASSWORD))
    entry_id = seeding.add_notes(store, 1)[0]
    seeding.confirm(store, NURSE, entry_id)
    app = open_screen(NURSE, "signing")
    app.segmented_control(key="signing_kind").set_value("others").run()
    one = found(store, entry_id)
    radio = app.radio(key=f"sign_why-{one.id}-{one.revision}")
    assert radio.options[0] == "Skrev själv på papper, men delar namn med ett annat konto"
    radio.set_value(SAME_NAME_REASON)
    sign(app, one)
    assert found(store, entry_id).signed_why == SAME_NAME_REASON


def test_a_key_pressed_twice_signs_nothing_unread(
    store: Store, open_screen: OpenScreen, monkeypatch: pytest.MonkeyPatch
) -> None:
    for entry_id in seeding.add_notes(store, 2):
        seeding.confirm(store, NURSE, entry_id)
    app = open_screen(NURSE, "signing")
    monkeypatch.setattr("pipeline.review.session.MIN_VIEW_TIME", timedelta(hours=1))
    one = found(store, str(app.session_state["signing_entry"]))
    sign(app, one)
    assert found(store, one.id).state is EntryState.CONFIRMED


def test_the_export_says_what_waits_for_a_signature(store: Store, open_screen: OpenScreen) -> None:
    entry_id = seeding.add_notes(store, 1)[0]
    seeding.confirm(store, NURSE, entry_id)
    app = open_screen(NURSE, "export")
    assert "1 bekräftad post väntar på signatur" in app.info[0].value


def test_a_save_says_who_has_to_sign(store: Store, open_screen: OpenScreen) -> None:
    """It was discovered at the export."""
    seeding.add_notes(store, 1)
    seeding.add_notes(store, 1, skribent="Elsa Quist")
    seeding.add_notes(store, 1, skribent=None)
    bench, said = Bench(open_screen(NURSE, "review")), []
    for _ in range(3):
        author = bench.field("skribent")["value"] if "skribent" in bench.names else ""
        type_all(bench, skribent=author or "-").save()
        said.append(bench.data["says"]["text"] if bench.is_up else bench.app.toast[0].value)
    assert sorted(said) == [
        "Sparat. Väntar på att du signerar (Signera).",
        "Sparat. Väntar på underskrift av Elsa Quist.",
        "Sparat. Väntar på underskrift av den som skrev.",
    ]


def test_the_own_empty_list_tells_of_the_others(store: Store, open_screen: OpenScreen) -> None:
    entry_id = seeding.add_notes(store, 1)[0]
    app = open_screen(COLLEAGUE, "signing")
    assert not app.info
    seeding.confirm(store, NURSE, entry_id)
    (told,) = app.run().info
    assert told.value.startswith("1 anteckning som någon annan skrev väntar under **Andras**")
    app.segmented_control(key="signing_kind").set_value("others").run()
    assert not app.info


def test_what_was_changed_meanwhile_is_not_signed_by_a_second_press(
    store: Store, open_screen: OpenScreen, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipeline.review.session.MIN_VIEW_TIME", timedelta(seconds=30))
    entry_id = seeding.add_notes(store, 1)[0]
    seeding.confirm(store, NURSE, entry_id)
    app = open_screen(NURSE, "signing")
    app.session_state["first_look"] = (
        app.session_state["first_look"][0],
        utc_now() - timedelta(minutes=1),
    )
    read = found(store, entry_id)
    with store.begin() as conn:
        work(Corrections, conn, COLLEAGUE, utc_now(), forms=seeding.forms()).correct(
            entry_id, read.revision, {"plan": Answer("Ingen plan.")}, "Fel läst"
        )
    for revision in (read.revision, found(store, entry_id).revision):
        app.button(key=f"sign-{entry_id}-{revision}").click().run()
    assert found(store, entry_id).state is EntryState.CONFIRMED
