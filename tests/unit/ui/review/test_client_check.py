"""The wrong-person guard on the review screen: a conflict is told, blocks, and is resolved, handed
on, or becomes a temporary identity.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from streamlit.testing.v1 import AppTest

from pipeline.domain.model import EntryState, Value
from pipeline.store.accounts.people import save_person
from pipeline.store.database.store import Store
from pipeline.store.entries.entry import Entry, load_entry
from pipeline.store.registers import client_register
from tests.support.screens import seeding, unusual_paper
from tests.support.screens.seeding import CLIENTS, NURSE, OTHER_UNIT
from tests.unit.ui.conftest import OpenScreen
from tests.unit.ui.review.test_review_screen import key, save, type_all
from ui.screens.review import client_panel

IS_UNSEEN = client_panel.is_client_unseen


def found(store: Store, entry_id: str) -> Entry:
    with store.read() as conn:
        return load_entry(conn, entry_id)


def told(app: AppTest) -> str:
    return " ".join(
        str(element.value) for element in (*app.markdown, *app.warning, *app.info, *app.error)
    )


def conflicting(store: Store, open_screen: OpenScreen) -> tuple[AppTest, str]:
    """The nurse has typed the number of one client where the paper has another's name."""
    entry_id = seeding.add_notes(store, 1, personnummer=CLIENTS[1].pid)[0]
    app = open_screen(NURSE, "review")
    type_all(app, entry_id, personnummer=CLIENTS[1].pid)
    save(app, entry_id)
    return app, entry_id


def test_a_conflict_blocks_until_a_choice_is_stated(store: Store, open_screen: OpenScreen) -> None:
    app, entry_id = conflicting(store, open_screen)
    assert found(store, entry_id).state is EntryState.REVIEW
    assert "Namnet på papperet liknar inte klientens namn." in told(app)
    save(app, entry_id)
    assert found(store, entry_id).state is EntryState.REVIEW
    app.radio(key=f"guard_choice-{entry_id}-0").set_value("slip")
    save(app, entry_id)
    assert not app.exception
    assert found(store, entry_id).state is EntryState.CONFIRMED


def test_a_client_who_has_not_been_shown_is_shown_before_anything_is_saved(
    store: Store, open_screen: OpenScreen, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client_panel, "is_client_unseen", IS_UNSEEN)
    entry_id = seeding.add_notes(store, 1)[0]
    app = open_screen(NURSE, "review")
    type_all(app, entry_id)
    save(app, entry_id)
    assert not app.exception
    assert found(store, entry_id).state is EntryState.REVIEW
    assert "Se efter att klienten är rätt" in told(app)
    assert CLIENTS[0].unit in "".join(
        html.proto.body for html in app.get("html") if "ef-client" in html.proto.body
    )
    app.text_input(key=key(entry_id, "personnummer")).input(CLIENTS[1].pid)
    save(app, entry_id)
    assert "Se efter att klienten är rätt" in told(app)  # another number, another client
    app.text_input(key=key(entry_id, "personnummer")).input(CLIENTS[0].pid)
    save(app, entry_id)
    assert not app.exception
    assert found(store, entry_id).state is EntryState.CONFIRMED


def test_a_key_that_is_pressed_twice_is_no_look_at_the_client(
    store: Store, open_screen: OpenScreen, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry_id = seeding.add_notes(store, 1)[0]
    app = open_screen(NURSE, "review")
    monkeypatch.setattr(
        client_panel,
        "is_client_unseen",
        lambda view, now, _: IS_UNSEEN(view, now, timedelta(hours=1)),
    )
    type_all(app, entry_id)
    save(app, entry_id)
    save(app, entry_id)
    assert found(store, entry_id).state is EntryState.REVIEW


def test_a_number_that_is_none_is_said_at_once(
    store: Store, open_screen: OpenScreen, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client_panel, "is_client_unseen", IS_UNSEEN)
    entry_id = seeding.add_notes(store, 1)[0]
    app = open_screen(NURSE, "review")
    type_all(app, entry_id, personnummer="1930")
    save(app, entry_id)
    assert "Se efter att klienten är rätt" not in told(app)


def test_a_conflict_is_handed_on(store: Store, open_screen: OpenScreen) -> None:
    app, entry_id = conflicting(store, open_screen)
    app.radio(key=f"guard_choice-{entry_id}-0").set_value("hand_on")
    save(app, entry_id)
    assert found(store, entry_id).state is EntryState.SECOND


def test_a_number_that_nobody_can_read_becomes_a_temporary_identity(
    store: Store, open_screen: OpenScreen
) -> None:
    entry_id = seeding.add_notes(store, 1)[0]
    app = open_screen(NURSE, "review")
    type_all(app, entry_id, personnummer="?")
    save(app, entry_id)
    app.selectbox(key=f"guard_outside-{entry_id}-0").set_value("numret går inte att läsa")
    app.text_input(key=f"guard_name-{entry_id}-0").input("Elsa F")
    save(app, entry_id)
    assert not app.exception
    assert found(store, entry_id).state is EntryState.SECOND
    app = open_screen(NURSE, "follow_up")
    app.segmented_control(key="follow_up_kind").set_value("identities").run()
    assert not app.exception
    assert "Elsa F" in told(app)


def test_an_empty_number_is_only_asked_for(store: Store, open_screen: OpenScreen) -> None:
    """Saving too early must not ask for a temporary identity."""
    entry_id = seeding.add_notes(store, 1)[0]
    app = open_screen(NURSE, "review")
    type_all(app, entry_id, personnummer="")
    save(app, entry_id)
    assert not [box.key for box in app.selectbox if str(box.key).startswith("guard_outside")]
    assert key(entry_id, "personnummer") in {widget.key for widget in app.text_input}


def test_a_protected_client_is_covered_and_handed_on(store: Store, open_screen: OpenScreen) -> None:
    """The machine read the number of a client of a unit that the nurse has not."""
    with store.begin() as conn:
        client_register.save_clients(conn, [replace(CLIENTS[1], unit=OTHER_UNIT, protected=True)])
        save_person(conn, replace(NURSE, units=frozenset({seeding.UNIT})), None)
    entry_id = seeding.add_notes(store, 1, personnummer=CLIENTS[1].pid)[0]
    app = open_screen(replace(NURSE, units=frozenset({seeding.UNIT})), "review")
    assert not app.exception
    assert "Skyddade personuppgifter" in told(app)
    assert key(entry_id, "personnummer") not in {widget.key for widget in app.text_input}
    app.button(key=f"hand_on-{entry_id}").click().run()
    assert not app.exception
    assert found(store, entry_id).unit == OTHER_UNIT


def test_a_photo_that_is_about_nobody_is_confirmed_from_the_lines_that_the_machine_read(
    store: Store, open_screen: OpenScreen
) -> None:
    entry_id = unusual_paper.add_free_page(store, "Extra bemanning hela veckan.")
    app = open_screen(NURSE, "review")
    assert not app.exception
    texts = {widget.key: widget for widget in (*app.text_input, *app.text_area)}
    assert texts[key(entry_id, "anteckning")].value == "Extra bemanning hela veckan."
    said = {
        "personnummer": "-",
        "handelsedatum": "2021-12-17",
        "handelsetid": "-",
        "skrivet_datum": "-",
        "skriven_tid": "-",
        "rubrik": "Whiteboard",
    }
    for name, text in (
        said | {"namn": "-", "skribent": "Nina Berglund", "yrkestitel": "-"}
    ).items():
        texts[key(entry_id, name)].input(text)
    app.radio(key=key(entry_id, "omrade")).set_value("annat")
    app.radio(key=key(entry_id, "underskrift")).set_value("empty")
    save(app, entry_id)
    why = app.selectbox(key=f"guard_outside-{entry_id}-0")
    assert "Gäller ingen enskild klient (till exempel foto av en whiteboard)" in why.options
    why.set_value("gäller ingen enskild klient")
    save(app, entry_id)
    assert not app.exception
    assert (found(store, entry_id).state, found(store, entry_id).client_pid) == (
        EntryState.SECOND,
        None,
    )


def test_the_client_of_a_number_that_stands_there_as_read_is_shown_at_once(
    store: Store, open_screen: OpenScreen
) -> None:
    """On a tour list the number was printed: it is not typed, but it is looked at like any
    other.
    """
    client = CLIENTS[0]
    values: dict[str, Value] = {
        "datum": "2021-12-18",
        "rad01.personnummer": client.pid,
        "rad01.namn": client.name,
        "rad01.utford": True,
    }
    seeding.add_sheet_of(store, seeding.forms().latest("korlista"), values)
    app = open_screen(NURSE, "review")
    assert not app.exception
    shown = "".join(html.proto.body for html in app.get("html") if "ef-client" in html.proto.body)
    assert client.name in shown
    assert client.unit in shown


def test_a_missing_name_speaks_neither_for_nor_against_the_client() -> None:
    html = client_panel.client_html(CLIENTS[0], ("check_ok", "name_missing"))
    assert "ef-for" in html
    assert "saknas" not in html
