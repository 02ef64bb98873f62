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


def looked_up(app: AppTest, serial: str) -> AppTest:
    """Search as a person does who types with a hyphen and in lower case."""
    app.button(key="lookup_open").click().run()
    app.text_input(key="lookup_typed").input(f"{serial[:4].lower()}-{serial[4:]}")
    return app.button(key="lookup_search").click().run()


def opened(app: AppTest, entry_id: str) -> AppTest:
    """Search for the sheet of an entry and look at the entry."""
    looked_up(app, entry_id[:8])
    return app.button(key=f"lookup_look-{entry_id}").click().run()


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
    revision = found(store, entry_id).revision
    app.button(key=f"correct-{entry_id}").click().run()
    app.text_area(key=f"f-{entry_id}-{revision}-plan").input("Ny omläggning på tisdag.")
    app.text_input(key=f"why-{entry_id}-{revision}").input("Fel dag")
    app.button(key=f"save-why-{entry_id}-{revision}").click().run()
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
    revision = found(store, entry_id).revision
    opened(app, entry_id).button(key=f"correct-{entry_id}").click().run()
    app.text_area(key=f"f-{entry_id}-{revision}-plan").input("Ny omläggning på tisdag.")
    app.text_input(key=f"why-{entry_id}-{revision}").input("Fel dag")
    app.button(key=f"save-why-{entry_id}-{revision}").click().run()
    assert "Rättelsen är sparad" in app.success[0].value
    app.button(key="lookup_back").click().run()
    assert Bench(app).data["undo"] is False


def test_a_critical_field_is_corrected_by_two(store: Store, open_screen: OpenScreen) -> None:
    _, entry_id = exported_note(store)
    app = opened(open_screen(NURSE, "review"), entry_id)
    revision = found(store, entry_id).revision
    app.button(key=f"correct-{entry_id}").click().run()
    app.text_input(key=f"f-{entry_id}-{revision}-handelsetid").input("10:15")
    app.text_input(key=f"why-{entry_id}-{revision}").input("Fel klockslag")
    app.button(key=f"save-why-{entry_id}-{revision}").click().run()
    assert "En annan person granskar" in app.success[0].value
    assert found(store, entry_id).state is EntryState.SECOND


def test_what_was_said_of_one_number_counts_for_no_other(
    store: Store, open_screen: OpenScreen
) -> None:
    _, entry_id = exported_note(store)
    app = opened(open_screen(NURSE, "review"), entry_id)
    key = f"{entry_id}-{found(store, entry_id).revision}"
    app.button(key=f"correct-{entry_id}").click().run()
    app.text_input(key=f"f-{key}-personnummer").input("193001017072").run()
    app.text_input(key=f"why-{key}").input("Fel person")
    app.button(key=f"save-why-{key}").click().run()
    app.selectbox(key=f"guard_outside-{key}").set_value("ny klient")
    app.text_input(key=f"f-{key}-personnummer").input("194702209882").run()
    app.button(key=f"save-why-{key}").click().run()
    assert not app.exception
    assert found(store, entry_id).state is EntryState.EXPORTED
    assert app.selectbox(key=f"guard_outside-{key}").value is None
    app.selectbox(key=f"guard_outside-{key}").set_value("ny klient")
    app.button(key=f"save-why-{key}").click().run()
    assert found(store, entry_id).state is EntryState.SECOND


def test_the_client_of_a_corrected_number_is_shown_before_anything_is_saved(
    store: Store, open_screen: OpenScreen
) -> None:
    """The number of another client is typed on a signed note."""
    _, entry_id = exported_note(store)
    app = opened(open_screen(NURSE, "review"), entry_id)
    key, other = f"{entry_id}-{found(store, entry_id).revision}", CLIENTS[1]
    app.button(key=f"correct-{entry_id}").click().run()
    assert CLIENTS[0].name in client_shown(app)
    app.text_input(key=f"f-{key}-personnummer").input(other.pid)
    app.text_input(key=f"why-{key}").input("Fel person")
    app.button(key=f"save-why-{key}").click().run()
    assert found(store, entry_id).state is EntryState.EXPORTED
    said = client_shown(app)
    assert all(words in said for words in (other.name, "namnet liknar inte", "Se efter att"))
    app.button(key=f"save-why-{key}").click().run()
    assert app.radio(key=f"guard_choice-{key}").value is None  # now it is asked
    with store.read() as conn:
        looked_up_by = [
            event.by for event in list_events(conn, client_log_subject(conn, other.pid))
        ]
    assert looked_up_by == [NURSE.login]


def client_shown(app: AppTest) -> str:
    """What the box of the client says."""
    return "".join(html.proto.body for html in app.get("html") if "ef-client" in html.proto.body)


def test_a_correction_needs_a_reason_and_a_change(store: Store, open_screen: OpenScreen) -> None:
    _, entry_id = exported_note(store)
    app = opened(open_screen(NURSE, "review"), entry_id)
    revision = found(store, entry_id).revision
    app.button(key=f"correct-{entry_id}").click().run()
    app.text_input(key=f"why-{entry_id}-{revision}").input("Inget")
    app.button(key=f"save-why-{entry_id}-{revision}").click().run()
    assert "Ändra minst ett fält" in app.error[0].value
    app.text_input(key=f"f-{entry_id}-{revision}-handelsetid").input("10:15")
    app.text_input(key=f"why-{entry_id}-{revision}").input(" ")
    app.button(key=f"save-why-{entry_id}-{revision}").click().run()
    assert "Skriv varför" in app.error[0].value
    assert found(store, entry_id).revision == revision


def test_an_empty_mark_that_is_left_alone_is_no_change(
    store: Store, open_screen: OpenScreen
) -> None:
    entry_id = seeding.add_notes(store, 1, information=False)[0]
    seeding.confirm(store, NURSE, entry_id, {**seeding.NOTE, "information": False})
    app, revision = opened(open_screen(NURSE, "review"), entry_id), found(store, entry_id).revision
    app.button(key=f"correct-{entry_id}").click().run()
    app.text_input(key=f"why-{entry_id}-{revision}").input("Inget")
    app.button(key=f"save-why-{entry_id}-{revision}").click().run()
    assert "Ändra minst ett fält" in app.error[0].value
    assert f"save-why-{entry_id}-{revision}" in {button.key for button in app.button}


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
    revision = found(store, entry_id).revision
    app.text_input(key=f"why-{entry_id}-{revision}").input("Fel person")
    app.button(key=f"save-why-{entry_id}-{revision}").click().run()
    assert not app.exception
    assert found(store, entry_id).voided == "Fel person"


def test_an_exported_entry_is_made_void(store: Store, open_screen: OpenScreen) -> None:
    _, entry_id = exported_note(store)
    app = opened(open_screen(NURSE, "review"), entry_id)
    app.button(key=f"void-{entry_id}").click().run()
    key = f"why-{entry_id}-{found(store, entry_id).revision}"
    app.text_input(key=key).input("Fel person")
    app.button(key=f"save-{key}").click().run()
    assert not app.exception
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
        warnings = [warning.value for warning in app.warning]
        assert [line in warning for line, warning in zip(told, warnings, strict=True)] == [True] * 2
        if action == "correct":
            app.button(key=f"leave-{entry_id}").click().run()
    key = f"why-{entry_id}-{found(store, entry_id).revision}"
    app.text_input(key=key).input("Fel person")
    app.button(key=f"save-{key}").click().run()
    assert not app.exception
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
    key = f"why-{entry_id}-{found(store, entry_id).revision}"
    app.text_input(key=key).input("Fel person")
    app.button(key=f"save-{key}").click().run()
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
    app.button(key=f"leave-{entry_id}").click().run()
    assert not app.exception
    assert "10:17" not in " ".join(html.proto.body for html in app.get("html"))


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
