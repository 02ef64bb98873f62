"""Granska without a browser: what is shown and withheld, what a save does, and every way out of an
entry.
"""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import update
from streamlit.testing.v1 import AppTest

from pipeline.domain.errors import StoreUnavailableError
from pipeline.domain.model import EntryState, State
from pipeline.domain.review.rules import Answer, asked_fields
from pipeline.review import decisions
from pipeline.store.accounts import sessions
from pipeline.store.database.store import Store
from pipeline.store.entries import queue
from pipeline.store.entries.answers import decided_answers, list_answer_drafts
from pipeline.store.entries.entry import load_entry
from pipeline.store.event_log.events import list_events
from pipeline.store.schema import paper
from pipeline.store.schema.clock import utc_now
from tests.support.screens import seeding
from tests.support.screens.bench import Bench
from tests.support.screens.seeding import COLLEAGUE, NOTE, NURSE
from tests.unit.ui.conftest import OpenScreen
from ui.screens.review.workbench import acts

CRITICAL = {"personnummer", "handelsedatum", "handelsetid"}
EMPTY = ("skrivet_datum", "skriven_tid", "lakare_datum", "lakare_tid")


def type_all(bench: Bench, **other: str) -> Bench:
    """Answer the blind fields as the paper says, apart from `other`."""
    said = {name: str(NOTE[name]) for name in CRITICAL} | dict.fromkeys(EMPTY, "-") | other
    for name, text in said.items():
        bench.type(name, text)
    return bench


def state(store: Store, entry_id: str) -> EntryState:
    """Where an entry is."""
    with store.read() as conn:
        return load_entry(conn, entry_id).state


def is_queue_empty(app: AppTest) -> bool:
    """Whether Granska says that nothing waits."""
    return "Inget väntar" in app.markdown[-1].value


def test_what_the_machine_read_in_a_critical_field_never_reaches_the_browser(
    store: Store, open_screen: OpenScreen
) -> None:
    read = {"personnummer": "193001017072", "handelsedatum": "2021-12-19", "handelsetid": "17:53"}
    seeding.add_notes(store, 2, **read)
    bench = Bench(open_screen(NURSE, "review"))
    assert bench.data["ahead"] is not None
    sent = bench.sent()
    assert [value for value in (*read.values(), "19300101-7072") if value in sent] == []
    assert seeding.CLIENTS[0].name in sent  # the name is no critical field and is shown as read
    assert any(part["doubt"] for field in bench.card["fields"] for part in field["reading"] or [])


def test_agreement_confirms(store: Store, open_screen: OpenScreen) -> None:
    entry_id = seeding.add_notes(store, 1)[0]
    app = open_screen(NURSE, "review")
    type_all(Bench(app)).save()
    assert state(store, entry_id) is EntryState.CONFIRMED
    assert is_queue_empty(app)


def test_disagreement_goes_to_another_person_who_chooses(
    store: Store, open_screen: OpenScreen
) -> None:
    entry_id = seeding.add_notes(store, 1, handelsetid="09:46")[0]
    app = open_screen(NURSE, "review")
    type_all(Bench(app)).save()
    assert state(store, entry_id) is EntryState.SECOND
    assert is_queue_empty(app)
    second = Bench(open_screen(COLLEAGUE, "review"))
    assert second.options("handelsetid") == ["09:40", "09:46", "Tomt", "Oläsligt"]
    second.choose("handelsetid", "09:40").save()
    assert state(store, entry_id) is EntryState.CONFIRMED


def test_reasons_are_told_to_the_second_person_alike_for_both_numbers_and_never_while_typing(
    store: Store, open_screen: OpenScreen
) -> None:
    """The sheet is in the machine's reading another client's."""
    seeding.add_notes(store, 1, personnummer=seeding.CLIENTS[1].pid)
    bench = Bench(open_screen(NURSE, "review"))
    assert "kontrollsiffran" not in bench.sent()
    type_all(bench).save()
    sent = Bench(open_screen(COLLEAGUE, "review")).sent()
    assert sent.count("kontrollsiffran stämmer") == 2
    assert '"namnet liknar"' in sent
    assert "namnet liknar inte" in sent


def test_second_person_may_type_a_third_value(store: Store, open_screen: OpenScreen) -> None:
    entry_id = seeding.add_notes(store, 1, handelsetid="09:46")[0]
    seeding.confirm(store, NURSE, entry_id)
    Bench(open_screen(COLLEAGUE, "review")).type("handelsetid", "09:48").save()
    with store.read() as conn:
        view = queue.open_claimed_entry(
            conn, seeding.forms(), COLLEAGUE, entry_id, queue.ClaimTerms(utc_now())
        )
    assert next(
        field.first_answer for field in view.fields if field.spec.name == "handelsetid"
    ) == Answer("09:48")


def test_missing_answer_is_told_at_its_field_and_nothing_is_saved(
    store: Store, open_screen: OpenScreen
) -> None:
    entry_id = seeding.add_notes(store, 1)[0]
    bench = type_all(Bench(open_screen(NURSE, "review")), handelsetid="").save()
    assert state(store, entry_id) is EntryState.REVIEW
    assert list(bench.errors()) == ["handelsetid"] == [bench.card["focus"]]
    assert bench.card["warning"]
    assert bench.value("handelsedatum") == NOTE["handelsedatum"]
    with store.read() as conn:
        assert list_answer_drafts(conn, entry_id, NURSE.login)["handelsedatum"] == Answer(
            str(NOTE["handelsedatum"])
        )


def test_unknown_client_can_be_meant(store: Store, open_screen: OpenScreen) -> None:
    entry_id = seeding.add_notes(store, 1)[0]
    bench = type_all(Bench(open_screen(NURSE, "review")), personnummer="193001017072")
    bench.save()
    assert state(store, entry_id) is EntryState.REVIEW
    bench.save()
    assert state(store, entry_id) is EntryState.REVIEW
    assert bench.card["question"]["field"] == "personnummer"
    bench.save(question={"outside": "ny klient"})
    assert state(store, entry_id) is EntryState.SECOND


def test_what_was_said_of_one_number_counts_for_no_other(
    store: Store, open_screen: OpenScreen
) -> None:
    entry_id = seeding.add_notes(store, 1)[0]
    bench = type_all(Bench(open_screen(NURSE, "review")), personnummer="193001017072").save()
    bench.type("personnummer", "194702209882").save(question={"outside": "ny klient"})
    assert state(store, entry_id) is EntryState.REVIEW
    assert bench.card["question"]["number"] == "194702209882"


def test_illegible_and_empty_are_answers(store: Store, open_screen: OpenScreen) -> None:
    entry_id = seeding.add_notes(store, 1)[0]
    bench = type_all(Bench(open_screen(NURSE, "review")))
    bench.type("namn", "?").type("plan", "-").choose("information", "Oläsligt").save()
    with store.read() as conn:
        view = queue.open_claimed_entry(
            conn, seeding.forms(), NURSE, entry_id, queue.ClaimTerms(utc_now())
        )
    decided = {field.spec.name: field.first_answer for field in view.fields}
    assert decided["namn"] == decided["information"] == Answer(None, State.ILLEGIBLE)
    assert decided["plan"] == Answer(None, State.EMPTY)


def test_a_field_is_said_to_be_filled_in_only_if_its_reading_was_shown(
    store: Store, open_screen: OpenScreen
) -> None:
    """A blind field told what the machine saw, and an empty one was said to be filled in."""
    seeding.add_notes(store, 1, handelsetid="09:46", handelsedatum=None)
    bench = type_all(Bench(open_screen(NURSE, "review")), handelsetid="", handelsedatum="")
    bench.type("anteckning", "").save()
    told = bench.errors()
    assert [name for name, text in told.items() if "ifyllt" in text] == ["anteckning"]
    assert told["handelsetid"] == told["handelsedatum"]
    assert told["handelsetid"].startswith("Svaret saknas.")
    type_all(bench.type("anteckning", "Hembesök.")).save()
    second = Bench(open_screen(COLLEAGUE, "review")).save()
    assert set(second.errors().values()) == {"Inget är valt. Välj det som står på papperet."}


def test_a_day_in_the_future_is_asked_about_at_its_field(
    store: Store, open_screen: OpenScreen
) -> None:
    """It passed, and a second person had to find it."""
    entry_id = seeding.add_notes(store, 1)[0]
    ahead = str(utc_now().date() + timedelta(days=2))
    bench = type_all(Bench(open_screen(NURSE, "review")), handelsedatum=ahead).save()
    assert state(store, entry_id) is EntryState.REVIEW
    assert list(bench.errors()) == ["handelsedatum"] == [bench.card["focus"]]
    assert "ligger framåt i tiden. Jämför med papperet." in bench.errors()["handelsedatum"]
    bench.save()
    assert state(store, entry_id) is EntryState.SECOND
    second = Bench(open_screen(COLLEAGUE, "review"))
    assert "framåt i tiden" not in second.sent(), "which of the two answers is whose is not told"


def test_a_day_in_the_future_can_be_mended_at_once(store: Store, open_screen: OpenScreen) -> None:
    entry_id = seeding.add_notes(store, 1)[0]
    ahead = str(utc_now().date() + timedelta(days=2))
    bench = type_all(Bench(open_screen(NURSE, "review")), handelsedatum=ahead).act("draft")
    assert "framåt i tiden" in str(bench.card["facts"]), "before it is saved"
    bench.save()
    bench.type("handelsedatum", "2021-12-18").save()
    assert state(store, entry_id) is EntryState.CONFIRMED


def test_an_end_before_its_start_is_asked_about_and_may_be_so(
    store: Store, open_screen: OpenScreen
) -> None:
    serial = seeding.add_visits(store, (1,), {"rad01.slut": "01:10"})
    bench = Bench(open_screen(NURSE, "review"))
    bench.type("datum", "2021-12-18").type("rad01.personnummer", seeding.CLIENTS[1].pid)
    bench.type("rad01.start", "01:30").type("rad01.slut", "01:10").save()
    assert state(store, f"{serial}-01") is EntryState.REVIEW
    assert list(bench.errors()) == ["rad01.start"] == [bench.card["focus"]]
    assert "Klockslaget är efter sluttiden" in bench.errors()["rad01.start"]
    bench.save()
    assert state(store, f"{serial}-01") is EntryState.CONFIRMED, "a visit over midnight"


def test_what_was_read_is_not_emptied_by_leaving_nothing(
    store: Store, open_screen: OpenScreen
) -> None:
    """A note that is deleted by mistake was saved as empty, on one person's word."""
    entry_id = seeding.add_notes(store, 1)[0]
    bench = type_all(Bench(open_screen(NURSE, "review"))).type("anteckning", "").save()
    assert state(store, entry_id) is EntryState.REVIEW
    assert list(bench.errors()) == ["anteckning"]


def test_a_save_before_the_client_was_seen_takes_the_focus_out_of_the_fields(
    store: Store, open_screen: OpenScreen, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was typed on for the next entry went into the note of this one."""
    seeding.add_notes(store, 1)
    bench = Bench(open_screen(NURSE, "review"))
    monkeypatch.setattr(acts, "is_client_seen", lambda *_: False)
    type_all(bench).save()
    assert (bench.card["focus"], bench.card["attempt"]) == (":save", 1)
    assert bench.card["warning"]


def test_four_digits_that_are_not_enough_are_asked_about_when_they_are_left(
    store: Store, open_screen: OpenScreen
) -> None:
    seeding.add_notes(store, 1)
    bench = Bench(open_screen(NURSE, "review"))
    bench.type("personnummer", "0001").act("draft")
    assert bench.errors() == {}
    bench.act("draft", left="personnummer")
    assert "alla tolv siffror" in bench.errors()["personnummer"]
    bench.type("personnummer", str(NOTE["personnummer"])[-4:]).act("draft", left="personnummer")
    assert bench.errors() == {}
    assert bench.card["completed"]["personnummer"][1].replace("-", "") == NOTE["personnummer"]


def test_skip_puts_the_entry_behind_the_others(store: Store, open_screen: OpenScreen) -> None:
    seeding.add_notes(store, 2)
    bench = Bench(open_screen(NURSE, "review"))
    before, ahead = bench.entry, bench.data["ahead"]["entry"]
    assert bench.act("skip").entry == ahead != before


def test_reject_needs_a_reason(store: Store, open_screen: OpenScreen) -> None:
    entry_id = seeding.add_notes(store, 1)[0]
    app = open_screen(NURSE, "review")
    bench = Bench(app).act("reject").save()
    assert "Välj ett skäl" in bench.card["warning"]
    bench.act("reject")  # back to the fields, and to the reasons again
    assert bench.card["question"] is None
    bench.reject("fel person")
    assert state(store, entry_id) is EntryState.REJECTED


def test_undo_brings_the_last_entry_back_with_its_answers(
    store: Store, open_screen: OpenScreen
) -> None:
    seeding.add_notes(store, 2)
    bench = Bench(open_screen(NURSE, "review"))
    entry_id = bench.entry
    type_all(bench).save()
    assert bench.entry != entry_id
    bench.act("undo")
    assert bench.entry == entry_id
    assert (bench.value("handelsetid"), bench.value("skrivet_datum")) == ("09:40", "-")
    bench.save()
    assert state(store, entry_id) is EntryState.CONFIRMED


def test_undo_says_that_a_colleague_is_reviewing_the_entry(
    store: Store, open_screen: OpenScreen
) -> None:
    first, (second,) = disputed(store), seeding.add_notes(store, 1)
    with store.begin() as conn:
        queue.open_claimed_entry(
            conn, seeding.forms(), COLLEAGUE, first, queue.ClaimTerms(utc_now())
        )
    bench = Bench(open_screen(NURSE, "review")).act("undo")
    assert "En kollega granskar den just nu." in bench.card["warning"]
    assert bench.entry == second
    with store.read() as conn:
        assert (load_entry(conn, first).state, load_entry(conn, first).claimed_by) == (
            EntryState.SECOND,
            COLLEAGUE.login,
        )


def test_undo_after_sending_on_takes_back_nothing_that_was_done_before(
    store: Store, open_screen: OpenScreen
) -> None:
    seeding.add_notes(store, 3)
    bench = Bench(open_screen(NURSE, "review"))
    first = bench.entry
    type_all(bench).save()
    bench.reject("annan enhet", outside=seeding.OTHER_UNIT, why="Klienten har flyttat.")
    bench.act("undo")
    assert state(store, first) is EntryState.CONFIRMED


def test_a_key_pressed_twice_does_not_save_the_entry_that_has_just_come_up(
    store: Store, open_screen: OpenScreen, monkeypatch: pytest.MonkeyPatch
) -> None:
    seeding.add_notes(store, 1)
    bench = Bench(open_screen(NURSE, "review"))
    entry_id = bench.entry
    monkeypatch.setattr("pipeline.review.session.MIN_VIEW_TIME", timedelta(hours=1))
    type_all(bench).save()
    assert state(store, entry_id) is EntryState.REVIEW


def test_a_message_that_was_dealt_with_is_ignored(store: Store, open_screen: OpenScreen) -> None:
    seeding.add_notes(store, 3)
    bench = Bench(open_screen(NURSE, "review"))
    bench.act("skip")
    entry_id = bench.entry
    bench.act("skip", n=bench.data["heard"])
    assert bench.entry == entry_id


def test_an_entry_decided_elsewhere_is_not_decided_again(
    store: Store, open_screen: OpenScreen
) -> None:
    entry_id = seeding.add_notes(store, 1)[0]
    bench = Bench(open_screen(NURSE, "review"))
    seeding.confirm(store, NURSE, entry_id)
    type_all(bench, handelsetid="11:11").save()
    assert state(store, entry_id) is EntryState.CONFIRMED


def test_drafts_come_back(store: Store, open_screen: OpenScreen) -> None:
    entry_id = seeding.add_notes(store, 1)[0]
    bench = Bench(open_screen(NURSE, "review"))
    bench.type("handelsetid", "09:4").act("draft")
    with store.read() as conn:
        assert list_answer_drafts(conn, entry_id, NURSE.login) == {"handelsetid": Answer("09:4")}
    assert Bench(open_screen(NURSE, "review")).value("handelsetid") == "09:4"


def test_a_draft_that_could_not_be_stored_is_stored_by_the_next_message(
    store: Store, open_screen: OpenScreen, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry_id = seeding.add_notes(store, 1)[0]
    bench = Bench(open_screen(NURSE, "review"))

    def fail(*_: object) -> None:
        raise StoreUnavailableError("upload_not_kept", reason="locked")

    with monkeypatch.context() as patch:
        patch.setattr("pipeline.review.session.save_draft", fail)
        bench.type("handelsetid", "09:4").act("draft")
        assert bench.data["says"]["kind"] == "warn"
    bench.act("draft")
    with store.read() as conn:
        assert list_answer_drafts(conn, entry_id, NURSE.login) == {"handelsetid": Answer("09:4")}


def test_each_look_at_the_paper_is_one_event(store: Store, open_screen: OpenScreen) -> None:
    """Also of the entry that is sent ahead: the browser has it from then on."""
    entries = seeding.add_notes(store, 2)
    app = open_screen(NURSE, "review")
    app.run()
    with store.read() as conn:
        for entry_id in entries:
            page = load_entry(conn, entry_id).page
            events = [one.action for one in list_events(conn, page) if one.by == NURSE.login]
            assert events == ["view_page"]


def test_refused_receipt_is_explained(store: Store, open_screen: OpenScreen) -> None:
    from pipeline.export import runs
    from pipeline.export.runs import receipts
    from tests.support.store.route_steps import make_run

    entry_id = seeding.add_notes(store, 1)[0]
    seeding.confirm(store, NURSE, entry_id, sign=True)
    office = runs.ExportContext(store, seeding.settings(store), seeding.forms())
    run = make_run(office, NURSE, "rivta", utc_now())
    assert run is not None
    receipts.submit_receipts(
        office,
        seeding.ADMINISTRATOR,
        run.id,
        [receipts.ReceiptAnswer(entry_id, False, "Okänd vårdenhet")],
        utc_now(),
    )
    bench = Bench(open_screen(NURSE, "review"))
    assert "Okänd vårdenhet" in bench.card["notices"][0]


def test_nothing_is_saved_once_the_session_was_ended_elsewhere(
    store: Store, open_screen: OpenScreen
) -> None:
    entry_id = seeding.add_notes(store, 1)[0]
    bench = type_all(Bench(open_screen(NURSE, "review")))
    values = {name: bench.value(name) for name in bench.names}
    with store.begin() as conn:
        sessions.end_all_sessions(conn, NURSE.login, utc_now(), "withdrawn")
    with pytest.raises(AssertionError):  # nothing can be drawn for nobody
        bench.act("save", values=values)
    assert state(store, entry_id) is EntryState.REVIEW
    assert "session_token" not in bench.app.session_state


def test_what_waits_for_another_person_is_told_and_cannot_be_opened(
    store: Store, open_screen: OpenScreen
) -> None:
    entry_id = seeding.add_notes(store, 1)[0]
    app = open_screen(NURSE, "review")
    bench = Bench(app)
    assert "väntar på en annan person" not in bench.sent()
    type_all(bench, handelsetid="11:11").save()
    assert state(store, entry_id) is EntryState.SECOND
    assert "1 post väntar på en annan person än dig" in " ".join(
        caption.value for caption in app.caption
    )
    app.button(key="lookup_open").click().run()
    app.text_input(key="lookup_typed").input(entry_id[:8])
    app.button(key="lookup_search").click().run()
    assert app.button(key=f"lookup_review-{entry_id}").disabled
    assert Bench(open_screen(COLLEAGUE, "review")).entry == entry_id


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
        decisions.decide_entry(
            conn, seeding.forms(), NURSE, decisions.Decision(entry_id, 0, said), utc_now()
        )
    return entry_id


def draft(store: Store, entry_id: str) -> Answer | None:
    """What is left of the time as the colleague's draft."""
    with store.read() as conn:
        return list_answer_drafts(conn, entry_id, COLLEAGUE.login).get("handelsetid")


def test_a_field_that_is_emptied_is_empty_when_one_comes_back(
    store: Store, open_screen: OpenScreen
) -> None:
    entry_id = seeding.add_notes(store, 1)[0]
    bench = Bench(open_screen(COLLEAGUE, "review"))
    bench.type("handelsetid", "09:4").act("draft")
    assert draft(store, entry_id) == Answer("09:4")
    bench.type("handelsetid", "").act("draft")
    assert draft(store, entry_id) is None


def test_the_second_person_finds_what_was_chosen_or_typed(
    store: Store, open_screen: OpenScreen
) -> None:
    entry_id = disputed(store)
    Bench(open_screen(COLLEAGUE, "review")).choose("handelsetid", "11:11").act("draft")
    bench = Bench(open_screen(COLLEAGUE, "review"))
    assert bench.chosen("handelsetid") == "11:11"
    bench.type("handelsetid", "10:10").act("draft")
    bench = Bench(open_screen(COLLEAGUE, "review"))
    assert bench.value("handelsetid") == {"choice": -1, "other": "10:10"}
    bench.save()
    with store.read() as conn:
        assert decided_answers(conn, entry_id)["handelsetid"].answer == Answer("10:10")


def test_a_covered_text_that_is_left_alone_is_not_empty(
    store: Store, open_screen: OpenScreen
) -> None:
    entry_id = seeding.add_notes(store, 1)[0]
    with store.begin() as conn:
        read = paper.reading.c
        there = (read.page == load_entry(conn, entry_id).page, read.field == "plan")
        conn.execute(update(paper.reading).where(*there).values(value=None, state="empty", p=0.5))
    bench = type_all(Bench(open_screen(NURSE, "review"))).save()
    assert state(store, entry_id) is EntryState.REVIEW
    bench.type("plan", "-").save()
    assert state(store, entry_id) is EntryState.CONFIRMED
