"""Rejecting with what the reason needs, and the screen Uppföljning."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import insert, update
from streamlit.testing.v1 import AppTest

from pipeline.domain.dates import today_in_sweden
from pipeline.domain.model import Client, EntryState
from pipeline.forms.fiducials import format_serial
from pipeline.review import rejections
from pipeline.review.batches import BatchReview
from pipeline.review.questions import Questions
from pipeline.review.transfers import Transfers
from pipeline.store.accounts import people, visibility
from pipeline.store.database.store import Store
from pipeline.store.entries.answers import decided_answers
from pipeline.store.entries.entry import Entry, load_entry
from pipeline.store.registers import blocks, client_register
from pipeline.store.review import author_questions
from pipeline.store.schema.append_only import unprotect_tables
from pipeline.store.schema.clock import utc_now
from pipeline.store.schema.review import forwarding, temporary_identity
from tests.support.screens import seeding
from tests.support.screens.bench import Bench
from tests.support.screens.seeding import CLIENTS, NURSE, OTHER_UNIT, UNIT
from tests.support.store.passwords import hashed
from tests.support.store.work import work
from tests.unit.ui.conftest import OpenScreen
from tests.unit.ui.review.test_rekeying import looks

HERE = replace(NURSE, units=frozenset({UNIT}))


def found(store: Store, entry_id: str) -> Entry:
    with store.read() as conn:
        return load_entry(conn, entry_id)


def rejecting(app: AppTest, entry_id: str, reason: str, **given: str) -> Bench:
    """Reject the entry on the bench for a reason, with what the reason needs."""
    bench = Bench(app)
    assert bench.entry == entry_id
    return bench.reject(reason, **given)


def listed(open_screen: OpenScreen, kind: str) -> AppTest:
    app = open_screen(NURSE, "follow_up")
    app.segmented_control(key="follow_up_kind").set_value(kind).run()
    assert not app.exception
    return app


def told(app: AppTest) -> str:
    return " ".join(
        str(element.value)
        for element in (
            *app.markdown,
            *app.caption,
            *app.warning,
            *app.info,
            *app.error,
            *app.success,
        )
    )


def test_paper_of_another_unit_is_sent_there(store: Store, open_screen: OpenScreen) -> None:
    entry_id = seeding.add_notes(store, 1)[0]
    app = open_screen(NURSE, "review")
    bench = rejecting(app, entry_id, "annan enhet")
    assert "Välj vilken enhet" in bench.card["warning"]
    bench.reject("annan enhet", outside=OTHER_UNIT)
    assert found(store, entry_id).unit == OTHER_UNIT
    assert f"Väntar på granskning hos {OTHER_UNIT}." in told(listed(open_screen, "forwarded"))


def test_a_question_is_asked_answered_and_shown_to_the_reviewer(
    store: Store, open_screen: OpenScreen
) -> None:
    entry_id = seeding.add_notes(store, 1)[0]
    app = open_screen(NURSE, "review")
    bench = Bench(app).act("reject")
    needed = next(
        one for one in bench.card["question"]["choices"] if one["value"] == "fråga författaren"
    )
    assert needed["name"]["value"] == "Nina Berglund"
    bench.reject("fråga författaren", why="Vilken fot?", name="Nina Berglund")
    with store.read() as conn:
        (asked,) = author_questions.list_questions(conn, NURSE)
    assert asked.author == "Nina Berglund"
    app = listed(open_screen, "questions")
    assert "Vilken fot?" in told(app)
    assert "Avvisad" not in told(app).replace("Avvisade", "")
    app.text_area(key=f"answer_text-{asked.id}").input("Vänster")
    app.button(key=f"do_answer-{asked.id}").click().run()
    assert not app.exception
    assert "Svaret är sparat" in told(app)
    app = open_screen(NURSE, "review")
    bench = Bench(app)
    assert bench.entry == entry_id
    assert any("Vänster" in notice for notice in bench.card["authorAnswers"])


def test_a_duplicate_is_compared_with_our_own_entry_and_taken_back(
    store: Store, open_screen: OpenScreen
) -> None:
    first, second = seeding.add_notes(store, 2)
    seeding.confirm(store, NURSE, first)
    app = open_screen(NURSE, "review")
    rejecting(app, second, "dubblett")
    app.button(key=f"mark-{second}").click().run()
    assert "Välj den andra posten" in told(app)
    app.selectbox(key=f"duplicate_other-{second}-0").set_value(first).run()
    assert not app.exception
    assert any("ef-versions" in html.proto.body for html in app.get("html"))
    app.button(key=f"mark-{second}").click().run()
    assert not app.exception
    assert (found(store, second).state, found(store, second).reason) == (
        EntryState.REJECTED,
        "dubblett",
    )
    app = listed(open_screen, "duplicates")
    assert "Samma som" in told(app)
    next(
        button for button in app.button if (button.key or "").startswith("no_duplicate")
    ).click().run()
    assert not app.exception
    assert found(store, second).state is EntryState.REVIEW


def test_every_showing_of_the_entry_that_is_compared_with_is_a_look(
    store: Store, open_screen: OpenScreen
) -> None:
    first, second = seeding.add_notes(store, 2)
    seeding.confirm(store, NURSE, first)
    page, other = found(store, first).page, f"duplicate_other-{second}-0"
    app = open_screen(NURSE, "review")
    rejecting(app, second, "dubblett")
    app.selectbox(key=other).set_value(first).run()
    app.run()
    assert looks(store, page, NURSE) == 1
    app.selectbox(key=other).set_value(None).run()
    app.selectbox(key=other).set_value(first).run()
    assert looks(store, page, NURSE) == 2
    app.button(key=f"back-{second}-0").click().run()
    rejecting(app, second, "dubblett")
    app.selectbox(key=other).set_value(first).run()
    assert not app.exception
    assert looks(store, page, NURSE) == 3


def test_a_duplicate_is_compared_with_a_copied_text(store: Store, open_screen: OpenScreen) -> None:
    entry_id = seeding.add_notes(store, 1)[0]
    app = open_screen(NURSE, "review")
    rejecting(app, entry_id, "dubblett")
    app.segmented_control(key=f"duplicate_kind-{entry_id}-0").set_value("text").run()
    app.text_area(key=f"duplicate_text-{entry_id}-0").input(
        "Elsa Fjällberg. Såret på vänster fot läker fint."
    ).run()
    table = next(html.proto.body for html in app.get("html") if "ef-versions" in html.proto.body)
    assert "finns" in table
    assert seeding.NOTE["personnummer"] not in table
    app.button(key=f"mark-{entry_id}").click().run()
    assert found(store, entry_id).reason == "dubblett"


def test_an_entry_is_named_by_its_day_and_its_serial_as_the_language_writes_them(
    store: Store, open_screen: OpenScreen
) -> None:
    rejected, sent = seeding.add_notes(store, 2)
    with store.begin() as conn:
        rejections.reject_entry(
            conn, NURSE, rejections.Rejection(rejected, 0, "oläsligt"), utc_now()
        )
        work(Transfers, conn, NURSE, utc_now(), forms=seeding.forms()).send(
            sent, 0, seeding.OTHER_UNIT, "Flyttat."
        )
    app = listed(open_screen, "rejected")
    app.session_state["language"] = "en"
    app.run()
    assert any(" · 18 Dec 2021 · " in one.value for one in app.markdown)
    shown = format_serial(str(found(store, sent).serial))
    assert any(shown in one.value for one in listed(open_screen, "forwarded").markdown)


@pytest.mark.parametrize(
    ("secret", "said"),
    [(False, f"Avvisades av {OTHER_UNIT}: Oläsligt."), (True, "Avvisades av behörig enhet. ")],
)
def test_where_a_protected_person_is_cared_for_is_told_neither_by_a_name_nor_by_a_reason(
    store: Store, open_screen: OpenScreen, secret: bool, said: str
) -> None:
    entry_id = seeding.add_notes(store, 1)[0]
    with store.begin() as conn:
        work(Transfers, conn, NURSE, utc_now(), forms=seeding.forms()).send(
            entry_id, 0, OTHER_UNIT, ""
        )
        rejections.reject_entry(
            conn, NURSE, rejections.Rejection(entry_id, 1, "oläsligt"), utc_now()
        )
        unprotect_tables(conn)
        conn.execute(update(forwarding).values(secret=secret))
        people.save_person(conn, HERE, hashed(seeding.PASSWORD))
    app = open_screen(HERE, "follow_up")
    shown = told(app.segmented_control(key="follow_up_kind").set_value("forwarded").run())
    assert not app.exception
    assert said in shown
    assert ("Oläsligt" in shown) is not secret
    assert (OTHER_UNIT in shown) is not secret


def test_what_is_rejected_stays_listed_and_is_taken_up_again(
    store: Store, open_screen: OpenScreen
) -> None:
    entry_id = seeding.add_notes(store, 1)[0]
    app = open_screen(NURSE, "review")
    rejecting(app, entry_id, "oläsligt")
    app = listed(open_screen, "rejected")
    app.button(key=f"reopen-{entry_id}").click().run()
    assert found(store, entry_id).state is EntryState.REVIEW
    assert "Inget är avvisat." in told(app)


def test_what_cannot_be_read_is_a_gap_until_it_is_made_void_with_a_reason(
    store: Store, open_screen: OpenScreen
) -> None:
    entry_id = seeding.add_notes(store, 1)[0]
    rejecting(open_screen(NURSE, "review"), entry_id, "oläsligt")
    app = listed(open_screen, "rejected")
    assert any("Kvar på papper" in one.value and "Oläsligt" in one.value for one in app.caption)
    app.button(key=f"do_void-{entry_id}").click().run()
    assert "Skriv varför" in app.error[0].value
    revision = found(store, entry_id).revision
    app.text_input(key=f"void_why-{entry_id}-{revision}").input("Skrivet direkt i journalen")
    app.button(key=f"do_void-{entry_id}").click().run()
    assert found(store, entry_id).voided == "Skrivet direkt i journalen"
    assert any(
        "Makulerad: Skrivet direkt i journalen. Nina Berglund, " in one.value for one in app.caption
    )
    assert {button.key for button in app.button}.isdisjoint(
        {f"do_void-{entry_id}", f"reopen-{entry_id}"}
    )


def test_empty_lists_say_so(store: Store, open_screen: OpenScreen) -> None:
    del store
    for kind in ("questions", "identities", "forwarded", "duplicates", "rejected"):
        assert listed(open_screen, kind).info


def test_a_question_is_written_with_the_time_of_its_answer(store: Store) -> None:
    entry_id = seeding.add_notes(store, 1)[0]
    with store.begin() as conn:
        work(Questions, conn, NURSE, utc_now(), forms=seeding.forms()).ask(
            entry_id, 0, "Vilken fot?", "Ida"
        )
        assert author_questions.list_questions(conn, NURSE)[0].author == "Ida"


def test_a_unit_blocks_a_client_and_lifts_the_block(store: Store, open_screen: OpenScreen) -> None:
    seeding.add_notes(store, 1)
    app = listed(open_screen, "blocks")
    assert "Dina enheter har inga spärrar." in told(app)
    app.button(key="do_block").click().run()
    assert "Skriv både personnummer och skäl." in told(app)
    app.selectbox(key="block_unit").set_value(OTHER_UNIT)
    app.text_input(key="block_pid").input("191212")
    app.text_input(key="block_why").input("Klienten har begärt det")
    app.button(key="do_block").click().run()
    assert "Det finns ingen sådan klient." in told(app)
    client = seeding.CLIENTS[0]
    app.text_input(key="block_pid").input(client.pid)
    app.button(key="do_block").click().run()
    assert not app.exception
    assert client.name in told(app)
    with store.read() as conn:
        (block,) = blocks.list_blocks(conn, NURSE)
        alone = replace(seeding.COLLEAGUE, units=frozenset({seeding.UNIT}))
        assert visibility.is_client_blocked(conn, alone, client.pid)
    app.text_input(key=f"lift_why-{block.id}").input("Klienten har ångrat sig")
    app.button(key=f"do_lift-{block.id}").click().run()
    assert "Spärren är hävd." in told(app)
    with store.read() as conn:
        assert not blocks.list_blocks(conn, NURSE)


def test_a_block_tells_no_protected_name_to_another_unit(
    store: Store, open_screen: OpenScreen
) -> None:
    hidden = Client("191212121212", "Hemlig Hansson", OTHER_UNIT, protected=True)
    nurse = replace(NURSE, units=frozenset({UNIT}))
    with store.begin() as conn:
        client_register.save_clients(conn, [hidden])
        people.save_person(conn, nurse, None)
        blocks.set_block(conn, nurse, UNIT, hidden.pid, "prövar", utc_now())
    app = open_screen(nurse, "follow_up")
    app.segmented_control(key="follow_up_kind").set_value("blocks").run()
    assert not app.exception
    assert "Skyddade uppgifter" in told(app)
    assert not any(part in told(app) for part in (hidden.name, "121212-1212"))


def test_after_a_rejection_undo_takes_that_back_and_not_the_group_before_it(
    store: Store, open_screen: OpenScreen
) -> None:
    seeding.add_visit_lists(store, 3)
    while True:
        with store.begin() as conn:
            group = work(BatchReview, conn, NURSE, utc_now(), seeding.forms()).claim(
                lambda *_: None, 1
            )
            if group is None:
                break
            work(
                BatchReview, conn, NURSE, utc_now() + timedelta(seconds=2), seeding.forms()
            ).confirm(group.id, {}, utc_now())
    app = open_screen(NURSE, "review")
    app.session_state["group_to_undo"] = True
    rejected = str(app.session_state["entry_id"])
    rejecting(app, rejected, "oläsligt")
    Bench(app).act("undo")
    assert found(store, rejected).state is EntryState.REVIEW


def test_undo_of_a_rejection_leaves_confirmed_what_was(
    store: Store, open_screen: OpenScreen
) -> None:
    confirmed, on_screen = seeding.add_notes(store, 2)
    seeding.confirm(store, NURSE, confirmed)
    with store.begin() as conn:
        rejections.reject_entry(
            conn,
            NURSE,
            rejections.Rejection(confirmed, found(store, confirmed).revision, "oläsligt"),
            utc_now(),
        )
    app = open_screen(NURSE, "review")
    bench = Bench(app).act("undo")
    assert "Posten är bekräftad som förut." in bench.card["warning"]
    assert bench.entry == on_screen
    assert found(store, confirmed).state is EntryState.CONFIRMED


def test_after_sending_on_undo_takes_nothing_back_that_was_done_before(
    store: Store, open_screen: OpenScreen
) -> None:
    seeding.add_notes(store, 3)
    app = open_screen(NURSE, "review")
    before = str(app.session_state["entry_id"])
    rejecting(app, before, "oläsligt")
    sent = str(app.session_state["entry_id"])
    rejecting(app, sent, "annan enhet", outside=OTHER_UNIT)
    assert found(store, sent).unit == OTHER_UNIT
    Bench(app).act("undo")
    assert found(store, sent).unit == UNIT
    assert found(store, before).state is EntryState.REJECTED


def test_a_key_pressed_twice_hands_on_nothing_that_has_just_come_up(
    store: Store, open_screen: OpenScreen, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry_id = seeding.add_notes(store, 1)[0]
    with store.begin() as conn:
        people.save_person(conn, HERE, None)
        client_register.save_clients(conn, [replace(CLIENTS[0], protected=True, unit=OTHER_UNIT)])
    app = open_screen(HERE, "review")
    monkeypatch.setattr("pipeline.review.session.MIN_VIEW_TIME", timedelta(hours=1))
    Bench(app).act("hand_over")
    assert found(store, entry_id).unit == UNIT


def test_an_entry_is_moved_to_another_client_than_those_of_the_same_name(
    store: Store, open_screen: OpenScreen
) -> None:
    entry_id = seeding.add_notes(store, 1)[0]
    seeding.confirm(store, NURSE, entry_id)
    namesake = Client("189001019802", CLIENTS[0].name, OTHER_UNIT)
    with store.begin() as conn:
        client_register.save_clients(conn, [namesake])
        row = {
            "entry": entry_id,
            "number": "TILLFACDEFGH",
            "name": namesake.name,
            "reason": "ny klient",
            "by": NURSE.login,
            "at": utc_now(),
        }
        made = conn.execute(insert(temporary_identity).values(row)).inserted_primary_key
    assert made is not None
    revision, key = found(store, entry_id).revision, made[0]
    app = listed(open_screen, "identities")
    who = app.radio(key=f"move_to-{key}-{revision}")
    assert [option.split(",")[0] for option in who.options] == [namesake.name, "Någon annan"]
    who.set_value("").run()
    app.text_input(key=f"move_pid-{key}-{revision}").input(namesake.pid)
    app.text_input(key=f"move_why-{key}-{revision}").input("Rätt person")
    app.button(key=f"do_move-{key}").click().run()
    assert not app.exception
    assert "Posten är flyttad" in told(app)
    assert found(store, entry_id).state is EntryState.SECOND
    with store.read() as conn:
        assert decided_answers(conn, entry_id)["personnummer"].answer.value == namesake.pid


def test_what_was_sent_to_another_unit_comes_back_with_undo(
    store: Store, open_screen: OpenScreen
) -> None:
    entry_id = seeding.add_notes(store, 1)[0]
    with store.begin() as conn:
        people.save_person(conn, HERE, None)
    app = open_screen(HERE, "review")
    rejecting(app, entry_id, "annan enhet", outside=OTHER_UNIT)
    assert found(store, entry_id).unit == OTHER_UNIT
    app.button(key="undo-").click().run()
    assert not app.exception
    assert found(store, entry_id).unit == UNIT
    assert Bench(app).entry == entry_id


def test_what_was_sent_to_another_unit_is_taken_back_from_the_list(
    store: Store, open_screen: OpenScreen
) -> None:
    entry_id = seeding.add_notes(store, 1)[0]
    with store.begin() as conn:
        work(Transfers, conn, NURSE, utc_now(), forms=seeding.forms()).send(
            entry_id, 0, OTHER_UNIT, ""
        )
    app = listed(open_screen, "forwarded")
    next(one for one in app.button if (one.key or "").startswith("take_back-")).click().run()
    assert not app.exception
    assert found(store, entry_id).unit == UNIT
    assert "Kom tillbaka till er." in told(app)


def test_a_question_with_a_personal_number_is_refused_and_keeps_its_text(
    store: Store, open_screen: OpenScreen
) -> None:
    entry_id = seeding.add_notes(store, 1)[0]
    app = open_screen(NURSE, "review")
    asked = f"Gäller det {seeding.NOTE['personnummer']}?"
    bench = rejecting(app, entry_id, "fråga författaren", why=asked)
    assert found(store, entry_id).state is EntryState.REVIEW
    assert "personnummer" in bench.card["warning"]
    # The browser keeps what was typed: the question is the same one.
    assert bench.card["question"]["kind"] == "reject"


def test_an_answer_of_tomorrow_is_refused_in_words(store: Store, open_screen: OpenScreen) -> None:
    entry_id = seeding.add_notes(store, 1)[0]
    with store.begin() as conn:
        work(Questions, conn, NURSE, utc_now(), forms=seeding.forms()).ask(
            entry_id, 0, "När?", "Eva"
        )
        (question,) = author_questions.list_questions(conn, NURSE)
    app = listed(open_screen, "questions")
    day = app.date_input(key=f"answer_day-{question.id}")
    tomorrow = today_in_sweden() + timedelta(days=1)
    assert day.max >= tomorrow  # else the browser puts the day of before in its place
    day.set_value(tomorrow)
    app.text_area(key=f"answer_text-{question.id}").input("Klockan tio.")
    app.button(key=f"do_answer-{question.id}").click().run()
    assert "ligger i framtiden" in app.error[0].value
    assert found(store, entry_id).state is EntryState.REJECTED


def test_a_half_written_answer_is_there_again(store: Store, open_screen: OpenScreen) -> None:
    entry_id = seeding.add_notes(store, 1)[0]
    with store.begin() as conn:
        work(Questions, conn, NURSE, utc_now(), forms=seeding.forms()).ask(
            entry_id, 0, "När?", "Eva"
        )
        (question,) = author_questions.list_questions(conn, NURSE)
    app = listed(open_screen, "questions")
    app.text_area(key=f"answer_text-{question.id}").input("Klockan tio").run()
    app.segmented_control(key="follow_up_kind").set_value("rejected").run()
    app.segmented_control(key="follow_up_kind").set_value("questions").run()
    assert app.text_area(key=f"answer_text-{question.id}").value == "Klockan tio"


def test_the_paper_of_a_question_is_shown_and_its_view_logged(
    store: Store, open_screen: OpenScreen
) -> None:
    entry_id = seeding.add_notes(store, 1)[0]
    with store.begin() as conn:
        work(Questions, conn, NURSE, utc_now(), forms=seeding.forms()).ask(
            entry_id, 0, "När?", "Eva"
        )
        (question,) = author_questions.list_questions(conn, NURSE)
    app = listed(open_screen, "questions")
    page = found(store, entry_id).page
    assert looks(store, page, NURSE) == 0
    app.button(key=f"paper-{question.id}").click().run()
    assert not app.exception
    assert looks(store, page, NURSE) == 1
