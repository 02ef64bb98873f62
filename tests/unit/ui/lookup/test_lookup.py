"""Slå upp: finding a sheet by what is printed on it, correcting, making void, taking back,
and adding a row.
"""

from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest

from pipeline.domain.errors import NotAllowedError
from pipeline.domain.model import EntryState, Value
from pipeline.domain.review.rules import Answer
from pipeline.export import runs
from pipeline.export.runs.receipts import ReceiptAnswer as Tick
from pipeline.export.runs.receipts import submit_receipts
from pipeline.review import rejections
from pipeline.review.corrections import Corrections
from pipeline.store.database.store import Store
from pipeline.store.entries import queue
from pipeline.store.entries.answers import decided_answers
from pipeline.store.entries.entry import Entry, load_entry
from pipeline.store.event_log.events import client_log_subject, list_events
from pipeline.store.exports import manual_entry
from pipeline.store.lookup import by_serial
from pipeline.store.schema.clock import utc_now
from tests.support.screens import seeding
from tests.support.screens.bench import Bench
from tests.support.screens.seeding import CLIENTS, COLLEAGUE, MANAGER, NURSE
from tests.support.store.route_steps import make_run, target_status
from tests.support.store.work import work
from tests.unit.ui.conftest import OpenScreen
from ui.screens.review.workbench.correction_mode import REASON


def looked_up(app: AppTest, serial: str) -> AppTest:
    """Search as a person does who types with a hyphen and in lower case."""
    app.button(key="lookup_open").click().run()
    app.text_input(key="lookup_typed").input(f"{serial[:4].lower()}-{serial[4:]}")
    return app.button(key="lookup_search").click().run()


def opened(app: AppTest, entry_id: str) -> AppTest:
    """Search for the sheet of an entry and look at the entry."""
    looked_up(app, entry_id[:8])
    return app.button(key=f"lookup_look-{entry_id}").click().run()


def correcting(store: Store, open_screen: OpenScreen) -> tuple[AppTest, str]:
    """The nurse has begun to correct an exported note; answers with its id too."""
    _, entry_id = exported_note(store)
    app = opened(open_screen(NURSE, "review"), entry_id)
    return app.button(key=f"correct-{entry_id}").click().run(), entry_id


def corrected(app: AppTest, name: str, text: str, why: str) -> Bench:
    """Type another value and a reason at the workbench, and save."""
    bench = Bench(app)
    bench.type(name, text).act("draft")
    return bench.type(REASON, why).save()


def voided(app: AppTest, why: str) -> Bench:
    """Say at the workbench why an entry is void."""
    return Bench(app).type(REASON, why).save()


def found(store: Store, entry_id: str) -> Entry:
    """The entry as it is."""
    with store.read() as conn:
        return load_entry(conn, entry_id)


def exported_note(store: Store) -> tuple[runs.ExportContext, str]:
    """A confirmed note that has been exported."""
    entry_id = seeding.add_notes(store, 1)[0]
    seeding.confirm(store, NURSE, entry_id, sign=True)
    office = runs.ExportContext(store, seeding.settings(store), seeding.forms())
    assert make_run(office, NURSE, "rivta", utc_now()) is not None
    return office, entry_id


def test_an_exported_entry_is_corrected_and_becomes_an_amendment(
    store: Store, open_screen: OpenScreen
) -> None:
    office, entry_id = exported_note(store)
    app = opened(open_screen(NURSE, "review"), entry_id)
    app.button(key=f"correct-{entry_id}").click().run()
    corrected(app, "plan", "Ny omläggning på tisdag.", "Fel dag")
    assert not app.exception
    assert "Rättelsen är sparad" in app.success[0].value
    with store.read() as conn:
        assert decided_answers(conn, entry_id)["plan"].answer == Answer("Ny omläggning på tisdag.")
        assert decided_answers(conn, entry_id)["personnummer"].answer == Answer(
            seeding.NOTE["personnummer"]
        )
        page = load_entry(conn, entry_id).page
        assert "view_page" in [
            event.action for event in list_events(conn, page) if event.by == NURSE.login
        ]
    assert target_status(office, NURSE, "rivta").amendments == 0
    seeding.sign_note(store, entry_id)
    assert target_status(office, NURSE, "rivta").amendments == 1
    app.button(key=f"lookup_look-{entry_id}").click().run()
    said = "".join(html.proto.body for html in app.get("html"))
    assert all(words in said for words in ("rättade", "tisdag", "exporterade", NURSE.name))


def test_after_a_correction_undo_takes_nothing_back(store: Store, open_screen: OpenScreen) -> None:
    before, entry_id, _ = seeding.add_notes(store, 3)
    for each in (before, entry_id):
        seeding.confirm(store, NURSE, each)
    app = open_screen(NURSE, "review")
    assert Bench(app).data["undo"]
    opened(app, entry_id).button(key=f"correct-{entry_id}").click().run()
    corrected(app, "plan", "Ny omläggning på tisdag.", "Fel dag")
    assert "Rättelsen är sparad" in app.success[0].value
    app.button(key="lookup_back").click().run()
    assert Bench(app).data["undo"] is False


def test_a_critical_field_is_corrected_by_two(store: Store, open_screen: OpenScreen) -> None:
    app, entry_id = correcting(store, open_screen)
    corrected(app, "handelsetid", "10:15", "Fel klockslag")
    assert "En annan person granskar" in app.success[0].value
    assert found(store, entry_id).state is EntryState.SECOND


def test_what_was_said_of_one_number_counts_for_no_other(
    store: Store, open_screen: OpenScreen
) -> None:
    app, entry_id = correcting(store, open_screen)
    bench = corrected(app, "personnummer", "193001017072", "Fel person")
    assert bench.card["question"]["kind"] == "outside"
    assert "Rätta fälten med röd text" in bench.card["warning"]
    bench.type("personnummer", "194702209882").act("draft")
    assert bench.card["question"] is None
    bench.save(question={"outside": "ny klient"})
    assert found(store, entry_id).state is EntryState.EXPORTED
    bench.save(question={"outside": "ny klient"})
    assert found(store, entry_id).state is EntryState.SECOND


def test_the_client_of_a_corrected_number_is_shown_before_anything_is_saved(
    store: Store, open_screen: OpenScreen
) -> None:
    """The number of another client is typed on a signed note."""
    _, entry_id = exported_note(store)
    app = opened(open_screen(NURSE, "review"), entry_id)
    other = CLIENTS[1]
    app.button(key=f"correct-{entry_id}").click().run()
    bench = Bench(app)
    assert bench.card["banner"]["clients"][0]["name"] == CLIENTS[0].name
    bench.type("personnummer", other.pid).type(REASON, "Fel person").save()
    assert found(store, entry_id).state is EntryState.EXPORTED
    (client,) = bench.card["banner"]["clients"]
    assert client["name"] == other.name
    assert "namnet liknar inte" in " ".join(client["against"])
    assert "Se efter att" in bench.card["warning"]
    assert not bench.card["question"]
    bench.save()
    assert bench.card["question"]["kind"] == "conflict"  # now it is asked
    assert found(store, entry_id).state is EntryState.EXPORTED
    with store.read() as conn:
        looked_up_by = [
            event.by for event in list_events(conn, client_log_subject(conn, other.pid))
        ]
    assert looked_up_by == [NURSE.login]


def test_a_correction_needs_a_reason_and_a_change(store: Store, open_screen: OpenScreen) -> None:
    _, entry_id = exported_note(store)
    app = opened(open_screen(NURSE, "review"), entry_id)
    revision = found(store, entry_id).revision
    app.button(key=f"correct-{entry_id}").click().run()
    bench = Bench(app)
    first = bench.names[0]
    assert bench.card["focus"] in ("", first)
    assert bench.names[-1] == REASON
    bench.type(REASON, "Inget").save()
    assert bench.card["warning"] == "Inget sparades. Ändra minst ett fält."
    corrected(app, "handelsetid", "10:15", " ")
    assert bench.errors() == {REASON: "Inget sparades. Skriv varför."}
    assert bench.card["focus"] == REASON
    assert bench.field("handelsetid")["value"] == "10:15"
    assert bench.field("handelsetid")["reason"] == f"Förut: {seeding.NOTE['handelsetid']}"
    assert found(store, entry_id).revision == revision


def test_a_decided_field_is_not_emptied_by_leaving_it_out(
    store: Store, open_screen: OpenScreen
) -> None:
    _, entry_id = exported_note(store)
    app = opened(open_screen(NURSE, "review"), entry_id)
    revision = found(store, entry_id).revision
    app.button(key=f"correct-{entry_id}").click().run()
    bench = corrected(app, "handelsetid", "", "Fel klockslag")
    assert list(bench.errors()) == ["handelsetid"]
    assert found(store, entry_id).revision == revision


def test_a_correction_shows_what_is_decided_and_nothing_that_was_read(
    store: Store, open_screen: OpenScreen
) -> None:
    """The machine read another time, and the field is keyed blind in an entry."""
    app, _entry_id = correcting(store, open_screen)
    bench = Bench(app)
    values = {name: bench.value(name) for name in bench.names}
    assert values["personnummer"] == seeding.NOTE["personnummer"]
    assert values["plan"] == seeding.NOTE["plan"]
    assert all(field["reading"] is None for field in bench.card["fields"])
    assert bench.card["pages"]
    assert bench.data["ahead"] is None
    assert bench.data["undo"] is False


def test_whoever_leaves_a_correction_is_back_with_the_entry(
    store: Store, open_screen: OpenScreen
) -> None:
    """What is changed is left only at the second press."""
    _, entry_id = exported_note(store)
    app = opened(open_screen(NURSE, "review"), entry_id)
    for text in ("", "10:15"):
        app.button(key=f"correct-{entry_id}").click().run()
        bench = Bench(app)
        if text:
            bench.type("handelsetid", text).act("skip")
            assert "inte sparat" in bench.card["warning"]
            assert bench.value("handelsetid") == text
        bench.act("skip")
        assert not bench.is_up
        assert f"correct-{entry_id}" in {button.key for button in app.button}
    assert found(store, entry_id).state is EntryState.EXPORTED


def test_a_correction_of_what_a_colleague_has_corrected_meanwhile_is_drawn_again(
    store: Store, open_screen: OpenScreen
) -> None:
    app, entry_id = correcting(store, open_screen)
    bench = Bench(app)
    with store.begin() as conn:
        work(Corrections, conn, COLLEAGUE, utc_now(), forms=seeding.forms()).correct(
            entry_id, found(store, entry_id).revision, {"plan": Answer("Ny plan.")}, "Fel dag"
        )
    bench.type("plan", "Ny omläggning på tisdag.").type(REASON, "Fel dag").save()
    assert bench.value("plan") == "Ny plan."
    assert bench.card["warning"]
    with store.read() as conn:
        assert decided_answers(conn, entry_id)["plan"].answer == Answer("Ny plan.")


def test_a_correction_of_what_is_reviewed_again_meanwhile_shows_nothing_of_it(
    store: Store, open_screen: OpenScreen
) -> None:
    """The next reviewer keys blind."""
    app, entry_id = correcting(store, open_screen)
    with store.begin() as conn:
        work(Corrections, conn, COLLEAGUE, utc_now(), forms=seeding.forms()).correct(
            entry_id, found(store, entry_id).revision, {"handelsetid": Answer("10:17")}, "Fel"
        )
    app.run()
    assert not app.exception
    assert not Bench(app).is_up
    assert app.error[0].value
    assert "10:17" not in Bench(app).sent()


def test_an_empty_mark_that_is_left_alone_is_no_change(
    store: Store, open_screen: OpenScreen
) -> None:
    entry_id = seeding.add_notes(store, 1, information=False)[0]
    seeding.confirm(store, NURSE, entry_id, {**seeding.NOTE, "information": False})
    app = opened(open_screen(NURSE, "review"), entry_id)
    app.button(key=f"correct-{entry_id}").click().run()
    bench = Bench(app).type(REASON, "Inget").save()
    assert bench.card["warning"] == "Inget sparades. Ändra minst ett fält."


def test_an_entry_that_its_target_has_is_made_void_while_it_is_reviewed_anew(
    store: Store, open_screen: OpenScreen
) -> None:
    office, entry_id = exported_note(store)
    with store.begin() as conn:
        work(Corrections, conn, NURSE, utc_now(), forms=seeding.forms()).correct(
            entry_id, found(store, entry_id).revision, {"plan": Answer("Ny plan.")}, "Fel dag"
        )
    seeding.sign_note(store, entry_id)
    run = make_run(office, NURSE, "rivta", utc_now())
    assert run is not None
    submit_receipts(office, NURSE, run.id, [Tick(entry_id, accepted=False, text="fel")], utc_now())
    assert found(store, entry_id).state is EntryState.REVIEW
    app = looked_up(open_screen(NURSE, "review"), entry_id[:8])
    app.button(key=f"lookup_void-{entry_id}").click().run()
    voided(app, "Fel person")
    assert found(store, entry_id).voided == "Fel person"


def test_an_exported_entry_is_made_void(store: Store, open_screen: OpenScreen) -> None:
    _, entry_id = exported_note(store)
    app = opened(open_screen(NURSE, "review"), entry_id)
    app.button(key=f"void-{entry_id}").click().run()
    voided(app, "Fel person")
    assert found(store, entry_id).voided == "Fel person"


def test_whoever_voids_or_corrects_is_told_who_keys_it_in(
    store: Store, open_screen: OpenScreen
) -> None:
    _, entry_id = exported_note(store)
    now = utc_now()
    with store.begin() as conn:
        manual_entry.claim_entry(conn, COLLEAGUE.login, entry_id, 1, now, 20)
        manual_entry.save_copies(conn, COLLEAGUE.login, {(entry_id, 1): ["note 1"]}, now)
        manual_entry.save_copies(conn, NURSE.login, {(entry_id, 1): ["note 1"]}, now)
    told = [f"{COLLEAGUE.name} har posten öppen i Skriv in", f"{COLLEAGUE.name} kopierade posten"]
    app = opened(open_screen(NURSE, "review"), entry_id)
    for action in ("correct", "void"):
        app.button(key=f"{action}-{entry_id}").click().run()
        notices = Bench(app).card["notices"][:2]
        assert [line in notice for line, notice in zip(told, notices, strict=True)] == [True] * 2
        if action == "correct":
            Bench(app).act("skip")
    voided(app, "Fel person")
    assert all(line in app.success[0].value for line in told)


def test_a_rejected_entry_is_taken_back(store: Store, open_screen: OpenScreen) -> None:
    entry_id = seeding.add_notes(store, 1)[0]
    with store.begin() as conn:
        rejections.reject_entry(
            conn, NURSE, rejections.Rejection(entry_id, 0, "oläsligt"), utc_now()
        )
    app = opened(open_screen(NURSE, "review"), entry_id)
    app.button(key=f"reopen-{entry_id}").click().run()
    assert found(store, entry_id).state is EntryState.REVIEW
    app.button(key=f"lookup_review-{entry_id}").click().run()
    assert not app.exception
    bench = Bench(app)
    assert (bench.entry, bench.card["revision"]) == (entry_id, 2)
    assert "personnummer" in bench.names


@pytest.mark.usefixtures("store")
def test_a_wrong_check_character_is_told(open_screen: OpenScreen) -> None:
    app = looked_up(open_screen(NURSE, "review"), "AAAABBBB")
    assert "stämmer inte" in app.warning[0].value


def test_a_search_is_an_event_and_not_for_managers(store: Store, open_screen: OpenScreen) -> None:
    serial = seeding.add_notes(store, 1)[0][:8]
    app = looked_up(open_screen(NURSE, "review"), serial)
    app.run()
    with store.begin() as conn:
        assert [event.by for event in list_events(conn, serial) if event.action == "look_up"] == [
            NURSE.login
        ]
        with pytest.raises(NotAllowedError):
            by_serial.find_sheets(conn, MANAGER, serial)


def test_a_row_that_the_machine_took_for_empty_is_added(
    store: Store, open_screen: OpenScreen
) -> None:
    serial = seeding.add_visits(store, rows=(1, 2))
    app = looked_up(open_screen(NURSE, "review"), serial)
    app.selectbox(key=f"lookup_row-{serial}").set_value(4)
    app.button(key=f"add-lookup_row-{serial}").click().run()
    assert not app.exception
    assert Bench(app).entry == f"{serial}-04"
    assert "rad04.personnummer" in Bench(app).names


def test_who_only_looks_whether_to_make_an_open_entry_void_keeps_it_from_nobody(
    store: Store, open_screen: OpenScreen
) -> None:
    _, entry_id = exported_note(store)
    app = open_screen(seeding.COLLEAGUE, "review")
    with store.begin() as conn:
        revision = load_entry(conn, entry_id).revision
        work(Corrections, conn, NURSE, utc_now(), forms=seeding.forms()).correct(
            entry_id, revision, {"handelsetid": Answer("10:17")}, "fel"
        )
    app = looked_up(app, entry_id[:8])
    app.button(key=f"lookup_void-{entry_id}").click().run()
    assert not app.exception
    assert found(store, entry_id).claimed_by is None


def test_an_open_entry_is_not_made_void_under_whoever_has_it_on_the_screen(
    store: Store, open_screen: OpenScreen
) -> None:
    _, entry_id = exported_note(store)
    with store.begin() as conn:
        revision = load_entry(conn, entry_id).revision
        work(Corrections, conn, NURSE, utc_now(), forms=seeding.forms()).correct(
            entry_id, revision, {"handelsetid": Answer("10:17")}, "fel"
        )
        queue.open_claimed_entry(
            conn, seeding.forms(), seeding.COLLEAGUE, entry_id, queue.ClaimTerms(utc_now())
        )
    app = looked_up(open_screen(NURSE, "review"), entry_id[:8])
    app.button(key=f"lookup_void-{entry_id}").click().run()
    assert not app.exception
    voided(app, "Fel person")
    assert [found(store, entry_id).voided, found(store, entry_id).claimed_by] == [
        None,
        seeding.COLLEAGUE.login,
    ]
    assert app.error[0].value


def test_whoever_does_not_make_an_open_entry_void_has_not_seen_what_was_typed(
    store: Store, open_screen: OpenScreen
) -> None:
    _, entry_id = exported_note(store)
    with store.begin() as conn:
        revision = load_entry(conn, entry_id).revision
        work(Corrections, conn, NURSE, utc_now(), forms=seeding.forms()).correct(
            entry_id, revision, {"handelsetid": Answer("10:17")}, "fel"
        )
    app = looked_up(open_screen(seeding.COLLEAGUE, "review"), entry_id[:8])
    app.button(key=f"lookup_void-{entry_id}").click().run()
    assert "10:17" not in Bench(app).sent()
    Bench(app).act("skip")
    assert "10:17" not in Bench(app).sent()


def test_rows_that_say_otherwise_of_the_head_of_their_sheet_are_named(
    store: Store, open_screen: OpenScreen
) -> None:
    """A day that was read wrong is corrected row by row: the rows that are left are shown."""
    serial = seeding.add_visits(store, rows=(1, 2, 3))
    for row in (1, 2, 3):
        said: dict[str, Value] = {
            "datum": "2021-12-18",
            "skribent": "Nina Berglund",
            "underskrift": True,
        }
        own: dict[str, Value] = {
            "personnummer": seeding.CLIENTS[1].pid,
            "start": f"0{row}:30",
            "dusch": True,
        }
        seeding.confirm(
            store,
            NURSE,
            f"{serial}-0{row}",
            said | {f"rad0{row}.{name}": value for name, value in own.items()},
        )
    app = looked_up(open_screen(NURSE, "review"), serial)
    assert not app.warning
    with store.begin() as conn:
        work(Corrections, conn, NURSE, utc_now(), forms=seeding.forms()).correct(
            f"{serial}-02",
            load_entry(conn, f"{serial}-02").revision,
            {"datum": Answer("2021-12-19")},
            "fel dag",
        )
    (warning,) = looked_up(open_screen(NURSE, "review"), serial).warning
    assert "Rad 2 säger något annat än de andra raderna" in warning.value
    assert "2021-12-19" not in warning.value
