"""Granska without a browser: what is shown and withheld, what a save does, and every way out of an
entry.
"""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import update
from streamlit.testing.v1 import AppTest

from pipeline.domain.model import EntryState, State
from pipeline.domain.review.rules import Answer, asked_fields
from pipeline.store.accounts import sessions
from pipeline.store.database.clock import utc_now
from pipeline.store.database.store import Store
from pipeline.store.entries import queue
from pipeline.store.entries.answers import decided_answers, list_answer_drafts
from pipeline.store.entries.entry import load_entry
from pipeline.store.event_log.events import list_events
from pipeline.store.review import decisions
from pipeline.store.schema import paper
from tests.support.screens import seeding
from tests.support.screens.seeding import COLLEAGUE, NOTE, NURSE
from tests.unit.ui.conftest import OpenScreen
from ui.screens.review import actions

CRITICAL = {"personnummer", "handelsedatum", "handelsetid"}
EMPTY = ("skrivet_datum", "skriven_tid", "lakare_datum", "lakare_tid")


def key(entry_id: str, field: str, revision: int = 0) -> str:
    """The key of a field's widget."""
    return f"f-{entry_id}-{revision}-{field}"


def type_all(app: AppTest, entry_id: str, **other: str) -> None:
    """Answer the blind fields as the paper says, apart from `other`."""
    said = {name: str(NOTE[name]) for name in CRITICAL} | dict.fromkeys(EMPTY, "-") | other
    for name, text in said.items():
        app.text_input(key=key(entry_id, name)).input(text)


def save(app: AppTest, entry_id: str, revision: int = 0) -> AppTest:
    """Press "Spara och nästa"."""
    return app.button(key=f"save-{entry_id}-{revision}").click().run()


def state(store: Store, entry_id: str) -> EntryState:
    """Where an entry is."""
    with store.read() as conn:
        return load_entry(conn, entry_id).state


def everything_sent(app: AppTest) -> str:
    """All that the browser is sent, as text."""
    return "\n".join(str(element.proto) for element in app.main)


def test_what_the_machine_read_in_a_critical_field_never_reaches_the_browser(
    store: Store, open_screen: OpenScreen
) -> None:
    read = {"personnummer": "193001017072", "handelsedatum": "2021-12-19", "handelsetid": "17:53"}
    seeding.add_notes(store, 1, **read)
    app = open_screen(NURSE, "review")
    sent = everything_sent(app)
    assert [value for value in (*read.values(), "19300101-7072") if value in sent] == []
    assert seeding.CLIENTS[0].name in sent  # the name is no critical field and is shown as read
    assert "ef-doubt" in sent


def test_agreement_confirms(store: Store, open_screen: OpenScreen) -> None:
    entry_id = seeding.add_notes(store, 1)[0]
    app = open_screen(NURSE, "review")
    type_all(app, entry_id)
    save(app, entry_id)
    assert not app.exception
    assert state(store, entry_id) is EntryState.CONFIRMED
    assert "Inget väntar" in app.markdown[-1].value


def test_disagreement_goes_to_another_person_who_chooses(
    store: Store, open_screen: OpenScreen
) -> None:
    entry_id = seeding.add_notes(store, 1, handelsetid="09:46")[0]
    app = open_screen(NURSE, "review")
    type_all(app, entry_id)
    save(app, entry_id)
    assert state(store, entry_id) is EntryState.SECOND
    assert "Inget väntar" in app.markdown[-1].value
    second = open_screen(COLLEAGUE, "review")
    choice = second.radio(key=key(entry_id, "handelsetid", 1))
    assert choice.options == ["09:40", "09:46", "Tomt", "Oläsligt"]
    choice.set_value("09:40")
    save(second, entry_id, 1)
    assert state(store, entry_id) is EntryState.CONFIRMED


def test_reasons_are_told_to_the_second_person_alike_for_both_numbers_and_never_while_typing(
    store: Store, open_screen: OpenScreen
) -> None:
    """The sheet is in the machine's reading another client's."""
    (entry_id,) = seeding.add_notes(store, 1, personnummer=seeding.CLIENTS[1].pid)
    app = open_screen(NURSE, "review")
    assert "kontrollsiffran" not in everything_sent(app)
    type_all(app, entry_id)
    save(app, entry_id)
    app = open_screen(COLLEAGUE, "review")
    sent = everything_sent(app)
    assert sent.count("kontrollsiffran stämmer") == 2
    assert "namnet liknar, " in sent
    assert "namnet liknar inte" in sent


def test_second_person_may_type_a_third_value(store: Store, open_screen: OpenScreen) -> None:
    entry_id = seeding.add_notes(store, 1, handelsetid="09:46")[0]
    seeding.confirm(store, NURSE, entry_id)
    app = open_screen(COLLEAGUE, "review")
    app.text_input(key=f"o-{entry_id}-1-handelsetid").input("09:48")
    save(app, entry_id, 1)
    with store.read() as conn:
        view = queue.open_claimed_entry(conn, seeding.forms(), COLLEAGUE, entry_id, utc_now())
    assert next(
        field.first_answer for field in view.fields if field.spec.name == "handelsetid"
    ) == Answer("09:48")


def test_missing_answer_is_told_at_its_field_and_nothing_is_saved(
    store: Store, open_screen: OpenScreen
) -> None:
    entry_id = seeding.add_notes(store, 1)[0]
    app = open_screen(NURSE, "review")
    type_all(app, entry_id, handelsetid="")
    save(app, entry_id)
    assert state(store, entry_id) is EntryState.REVIEW
    assert sum("ef-said" in html.proto.body for html in app.get("html")) == 1
    assert app.text_input(key=key(entry_id, "handelsedatum")).value == NOTE["handelsedatum"]


def test_unknown_client_can_be_meant(store: Store, open_screen: OpenScreen) -> None:
    entry_id = seeding.add_notes(store, 1)[0]
    app = open_screen(NURSE, "review")
    type_all(app, entry_id, personnummer="193001017072")
    save(app, entry_id)
    assert state(store, entry_id) is EntryState.REVIEW
    save(app, entry_id)
    assert state(store, entry_id) is EntryState.REVIEW
    app.selectbox(key=f"guard_outside-{entry_id}-0").set_value("ny klient")
    save(app, entry_id)
    assert state(store, entry_id) is EntryState.SECOND


def test_illegible_and_empty_are_answers(store: Store, open_screen: OpenScreen) -> None:
    entry_id = seeding.add_notes(store, 1)[0]
    app = open_screen(NURSE, "review")
    type_all(app, entry_id)
    app.text_input(key=key(entry_id, "namn")).input("?")
    app.text_area(key=key(entry_id, "plan")).input("")
    app.radio(key=key(entry_id, "information")).set_value("illegible")
    save(app, entry_id)
    with store.read() as conn:
        view = queue.open_claimed_entry(conn, seeding.forms(), NURSE, entry_id, utc_now())
    decided = {field.spec.name: field.first_answer for field in view.fields}
    assert decided["namn"] == decided["information"] == Answer(None, State.ILLEGIBLE)
    assert decided["plan"] == Answer(None, State.EMPTY)


def test_skip_puts_the_entry_behind_the_others(store: Store, open_screen: OpenScreen) -> None:
    seeding.add_notes(store, 2)
    app = open_screen(NURSE, "review")
    before = app.session_state["entry_id"]
    app.button(key=f"skip-{before}").click().run()
    assert app.session_state["entry_id"] != before


def test_reject_needs_a_reason(store: Store, open_screen: OpenScreen) -> None:
    entry_id = seeding.add_notes(store, 1)[0]
    app = open_screen(NURSE, "review")
    app.button(key=f"reject-{entry_id}").click().run()
    app.button(key=f"do-reason-{entry_id}-0").click().run()
    assert "Välj ett skäl" in app.warning[0].value
    app.radio(key=f"reason-{entry_id}-0").set_value("fel person")
    app.button(key=f"do-reason-{entry_id}-0").click().run()
    assert state(store, entry_id) is EntryState.REJECTED


def test_undo_brings_the_last_entry_back_with_its_answers(
    store: Store, open_screen: OpenScreen
) -> None:
    entry_id = seeding.add_notes(store, 2)[0]
    app = open_screen(NURSE, "review")
    entry_id = str(app.session_state["entry_id"])
    type_all(app, entry_id)
    save(app, entry_id)
    app.button(key=f"undo-{app.session_state['entry_id']}").click().run()
    assert app.session_state["entry_id"] == entry_id
    assert app.text_input(key=key(entry_id, "handelsetid", 2)).value == "09:40"
    assert app.text_input(key=key(entry_id, "skrivet_datum", 2)).value == "-"


def test_undo_says_that_a_colleague_is_reviewing_the_entry(
    store: Store, open_screen: OpenScreen
) -> None:
    first, (second,) = disputed(store), seeding.add_notes(store, 1)
    with store.begin() as conn:
        queue.open_claimed_entry(conn, seeding.forms(), COLLEAGUE, first, utc_now())
    app = open_screen(NURSE, "review")
    app.button(key=f"undo-{second}").click().run()
    assert "En kollega granskar den just nu." in app.warning[0].value
    assert app.session_state["entry_id"] == second
    with store.read() as conn:
        assert (load_entry(conn, first).state, load_entry(conn, first).claimed_by) == (
            EntryState.SECOND,
            COLLEAGUE.login,
        )


def test_what_was_taken_back_can_be_saved_again(store: Store, open_screen: OpenScreen) -> None:
    seeding.add_notes(store, 2)
    app = open_screen(NURSE, "review")
    entry_id = str(app.session_state["entry_id"])
    type_all(app, entry_id)
    save(app, entry_id)
    app.button(key=f"undo-{app.session_state['entry_id']}").click().run()
    save(app, entry_id, 2)
    assert state(store, entry_id) is EntryState.CONFIRMED


def test_a_key_pressed_twice_does_not_save_the_entry_that_has_just_come_up(
    store: Store, open_screen: OpenScreen, monkeypatch: pytest.MonkeyPatch
) -> None:
    seeding.add_notes(store, 1)
    app = open_screen(NURSE, "review")
    entry_id = str(app.session_state["entry_id"])
    monkeypatch.setattr(actions, "MIN_VIEW_TIME", timedelta(hours=1))
    type_all(app, entry_id)
    save(app, entry_id)
    assert state(store, entry_id) is EntryState.REVIEW


def test_an_entry_decided_elsewhere_is_not_decided_again(
    store: Store, open_screen: OpenScreen
) -> None:
    entry_id = seeding.add_notes(store, 1)[0]
    app = open_screen(NURSE, "review")
    seeding.confirm(store, NURSE, entry_id)
    type_all(app, entry_id, handelsetid="11:11")
    save(app, entry_id)
    assert not app.exception
    assert state(store, entry_id) is EntryState.CONFIRMED


def test_drafts_come_back(store: Store, open_screen: OpenScreen) -> None:
    entry_id = seeding.add_notes(store, 1)[0]
    open_screen(NURSE, "review")
    with store.begin() as conn:
        decisions.save_draft(conn, NURSE, entry_id, "handelsetid", Answer("09:4"), utc_now())
    assert open_screen(NURSE, "review").text_input(key=key(entry_id, "handelsetid")).value == "09:4"


def test_each_look_at_the_paper_is_one_event(store: Store, open_screen: OpenScreen) -> None:
    entry_id = seeding.add_notes(store, 1)[0]
    app = open_screen(NURSE, "review")
    app.run()
    with store.read() as conn:
        page = load_entry(conn, entry_id).page
        assert [event.action for event in list_events(conn, page) if event.by == NURSE.login] == [
            "view_page"
        ]


def test_refused_receipt_is_explained(store: Store, open_screen: OpenScreen) -> None:
    from pipeline.export import runs
    from pipeline.export.runs import receipts

    entry_id = seeding.add_notes(store, 1)[0]
    seeding.confirm(store, NURSE, entry_id, sign=True)
    office = runs.ExportContext(store, seeding.settings(store), seeding.forms())
    run = runs.make_run(office, NURSE, "rivta", utc_now())
    assert run is not None
    receipts.submit_receipts(
        office,
        seeding.ADMINISTRATOR,
        run.id,
        [receipts.ReceiptAnswer(entry_id, False, "Okänd vårdenhet")],
        utc_now(),
    )
    app = open_screen(NURSE, "review")
    assert "Okänd vårdenhet" in app.info[0].value


def test_nothing_is_saved_once_the_session_was_ended_elsewhere(
    store: Store, open_screen: OpenScreen
) -> None:
    entry_id = seeding.add_notes(store, 1)[0]
    app = open_screen(NURSE, "review")
    type_all(app, entry_id)
    with store.begin() as conn:
        sessions.end_all_sessions(conn, NURSE.login, utc_now(), "withdrawn")
    save(app, entry_id)
    assert state(store, entry_id) is EntryState.REVIEW
    assert "session_token" not in app.session_state


def test_what_waits_for_another_person_is_told_and_cannot_be_opened(
    store: Store, open_screen: OpenScreen
) -> None:
    entry_id = seeding.add_notes(store, 1)[0]
    app = open_screen(NURSE, "review")
    assert "väntar på en annan person" not in everything_sent(app)
    type_all(app, entry_id, handelsetid="11:11")
    save(app, entry_id)
    assert state(store, entry_id) is EntryState.SECOND
    assert "1 post väntar på en annan person än dig" in " ".join(
        caption.value for caption in app.caption
    )
    app.button(key="lookup_open").click().run()
    app.text_input(key="lookup_typed").input(entry_id[:8])
    app.button(key="lookup_search").click().run()
    assert app.button(key=f"lookup_review-{entry_id}").disabled
    app = open_screen(COLLEAGUE, "review")
    assert app.session_state["entry_id"] == entry_id


def disputed(store: Store) -> str:
    """A note whose time the nurse has typed otherwise than the machine read it."""
    entry_id = seeding.add_notes(store, 1)[0]
    form = seeding.forms()["hsl-anteckning", 1]
    said = {
        spec.name: seeding.answer(spec, {**NOTE, "handelsetid": "11:11"})
        for spec in asked_fields(form, None)
    }
    # Now: `seeding.confirm` decides in a second, and what is typed before a decision bars from
    # being the second.
    with store.begin() as conn:
        decisions.decide_entry(conn, seeding.forms(), NURSE, entry_id, 0, said, utc_now())
    return entry_id


def typed(store: Store, entry_id: str, *held: dict[str, str | int]) -> Answer | None:
    """What is left of the time as the colleague's draft once the browser has told each of these in
    turn what stands in the form.
    """
    app = AppTest.from_function(_telling, kwargs={"entry_id": entry_id}, default_timeout=30)
    with store.begin() as conn:
        app.session_state["session_token"] = sessions.start_session(
            conn, COLLEAGUE.login, utc_now()
        )
    for each in held:
        app.session_state["told"] = each
        app.run()
        assert not app.exception
    with store.read() as conn:
        return list_answer_drafts(conn, entry_id, COLLEAGUE.login).get("handelsetid")


def _telling(entry_id: str) -> None:
    import streamlit as st

    from pipeline.store.database.clock import utc_now
    from pipeline.store.entries import queue
    from tests.support.screens.seeding import COLLEAGUE
    from ui.screens.review import client_panel
    from ui.screens.review.entry_form import widget_keys
    from ui.workspace import open_app_context

    here = open_app_context()
    with here.store.begin() as conn:
        view = queue.open_claimed_entry(conn, here.forms, COLLEAGUE, entry_id, utc_now())
    client_panel._save_drafts(here, COLLEAGUE, view, widget_keys(view), st.session_state["told"])


def test_a_field_that_is_emptied_is_empty_when_one_comes_back(store: Store) -> None:
    entry_id = seeding.add_notes(store, 1)[0]
    field = key(entry_id, "handelsetid")
    assert typed(store, entry_id, {field: "09:4"}) == Answer("09:4")
    assert typed(store, entry_id, {field: "09:4"}, {field: ""}) is None
    with store.begin() as conn:
        decisions.save_draft(conn, COLLEAGUE, entry_id, "handelsetid", Answer("09:4"), utc_now())
    assert typed(store, entry_id, {field: ""}) is None


def test_the_second_person_finds_what_was_chosen_or_typed(
    store: Store, open_screen: OpenScreen
) -> None:
    entry_id = disputed(store)
    side, other = key(entry_id, "handelsetid", 1), f"o-{entry_id}-1-handelsetid"
    assert typed(store, entry_id, {side: 1, other: ""}) == Answer("11:11")
    assert open_screen(COLLEAGUE, "review").radio(key=side).value == "11:11"
    assert typed(store, entry_id, {side: 1, other: ""}, {side: 1, other: "10:10"}) == Answer(
        "10:10"
    )
    app = open_screen(COLLEAGUE, "review")
    assert (app.radio(key=side).value, app.text_input(key=other).value) == (None, "10:10")
    save(app, entry_id, 1)
    assert not app.exception
    with store.read() as conn:
        assert decided_answers(conn, entry_id)["handelsetid"].answer == Answer("10:10")
    assert typed(store, entry_id, {}) is None


def test_a_covered_text_that_is_left_alone_is_not_empty(
    store: Store, open_screen: OpenScreen
) -> None:
    entry_id = seeding.add_notes(store, 1)[0]
    with store.begin() as conn:
        read = paper.reading.c
        there = (read.page == load_entry(conn, entry_id).page, read.field == "plan")
        conn.execute(update(paper.reading).where(*there).values(value=None, state="empty", p=0.5))
    app = open_screen(NURSE, "review")
    type_all(app, entry_id)
    save(app, entry_id)
    assert state(store, entry_id) is EntryState.REVIEW
    app.text_area(key=key(entry_id, "plan")).input("-")
    save(app, entry_id)
    assert state(store, entry_id) is EntryState.CONFIRMED
