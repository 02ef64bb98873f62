"""Uppföljning: what a person may have keyed in already, side by side; and that it is held back on
Export and Skriv in until it is decided.
"""

from __future__ import annotations

from datetime import timedelta

import pytest
from streamlit.testing.v1 import AppTest

from pipeline.domain.model import EntryState
from pipeline.export.care_system_check.decisions import import_care_list
from pipeline.export.care_system_matches import HELD_FOR_MATCH
from pipeline.export.runs import ExportContext
from pipeline.registers.care_system_list import CareList, CareRow
from pipeline.store.database.store import Store
from pipeline.store.entries.entry import load_entry
from pipeline.store.event_log.events import list_events
from pipeline.store.exports import care_system_exports
from pipeline.store.schema.clock import utc_now
from tests.support.screens import seeding
from tests.support.screens.seeding import ADMINISTRATOR, CLIENTS, NURSE, UNIT
from tests.support.store.route_steps import make_run
from tests.unit.ui.conftest import OpenScreen
from tests.unit.ui.conftest import tables as rows_of_tables
from tests.unit.ui.lookup.test_returns import found, listed, told

LIST = (
    f"Person-nr;Datum och tid;Typ;Fritext\n{CLIENTS[0].pid};2021-12-18 09:52;Besök;Såret "
    "vänster fot läker fint\n193001;2021-12-18;;\n"
)


@pytest.fixture(autouse=True)
def no_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipeline.review.session.MIN_VIEW_TIME", timedelta(0))


def office(store: Store) -> ExportContext:
    return ExportContext(store, seeding.settings(store), seeding.forms())


def confirmed(store: Store) -> str:
    entry_id = seeding.add_notes(store, 1)[0]
    seeding.confirm(store, NURSE, entry_id, sign=True)
    return entry_id


def handed_in(store: Store) -> None:
    row = CareRow(
        (CLIENTS[0].pid,), "2021-12-18", "09:52", "Besök", "Såret vänster fot läker fint", "Bo Ek"
    )
    import_care_list(office(store), NURSE, UNIT, "HSL", CareList((row,)), utc_now())


def tables(app: AppTest) -> str:
    return " ".join(html.proto.body for html in app.get("html"))


def test_a_list_is_handed_in_with_the_columns_proposed(
    store: Store, open_screen: OpenScreen
) -> None:
    entry_id = confirmed(store)
    app = listed(open_screen, "clashes")
    assert "Inget väntar på att jämföras" in told(app)
    app.file_uploader[0].upload("ur-vardsystemet.csv", LIST.encode(), "text/csv").run()
    assert not app.exception
    chosen = {box.label: box.value for box in app.selectbox}
    assert (chosen["Personnummer"], chosen["Datum"], chosen["Typ"], chosen["Klockslag"]) == (
        0,
        1,
        2,
        None,
    )
    assert app.multiselect[0].value == [3]
    assert [row["Klockslag"] for row in rows_of_tables(app)[0]] == ["09:52"]
    app.button(key="care_list_do").click().run()
    assert not app.exception
    assert (
        "1 rad jämförs. 1 par väntar på att avgöras. 1 rad saknar ett giltigt personnummer (rad 3)"
        in told(app)
    )
    assert "Samma person · samma dag, 12 minuter ifrån · texten liknar till" in told(app)
    assert all(
        words in tables(app)
        for words in ("Vår post", "I vårdsystemet", CLIENTS[0].name, "Såret vänster fot läker fint")
    )
    assert all(words in tables(app) for words in ("2021-12-18 09:40", "2021-12-18 09:52"))
    with store.read() as conn:
        assert [one.action for one in list_events(conn, entry_id)].count("view_clash") == 1


def test_a_list_that_nothing_waits_for_is_said_to_be_erased(
    store: Store, open_screen: OpenScreen
) -> None:
    confirmed(store)
    app = listed(open_screen, "clashes")
    app.file_uploader[0].upload(
        "x.csv", LIST.replace("2021-12-18", "2021-11-01").encode(), "text/csv"
    ).run()
    app.button(key="care_list_do").click().run()
    assert "listan är redan raderad" in told(app)


def test_a_column_can_be_chosen_and_person_and_day_are_asked_for(
    store: Store, open_screen: OpenScreen
) -> None:
    confirmed(store)
    app = listed(open_screen, "clashes")
    app.file_uploader[0].upload(
        "x.csv", f"a;b\n{CLIENTS[0].pid};2021-12-18\n".encode(), "text/csv"
    ).run()
    assert "Välj kolumn för: Personnummer, Datum." in told(app)
    assert app.button(key="care_list_do").disabled
    for label, column in (("Personnummer", 0), ("Datum", 1)):
        next(box for box in app.selectbox if box.label == label).set_value(column).run()
    app.button(key="care_list_do").click().run()
    assert "1 par väntar" in told(app)


def test_a_workbook_is_refused_with_a_remedy(store: Store, open_screen: OpenScreen) -> None:
    del store
    app = listed(open_screen, "clashes")
    app.file_uploader[0].upload("x.csv", b"PK\x03\x04", "text/csv").run()
    assert not app.exception
    assert "CSV UTF-8" in told(app)


def test_redan_inmatad_is_a_duplicate_and_can_be_undone(
    store: Store, open_screen: OpenScreen
) -> None:
    entry_id = confirmed(store)
    handed_in(store)
    app = listed(open_screen, "clashes")
    app.button(key="clash_already").click().run()
    assert not app.exception
    assert (found(store, entry_id).state, found(store, entry_id).reason) == (
        EntryState.REJECTED,
        "dubblett",
    )
    assert "Inget väntar på att jämföras" in told(app)
    app.button(key="clash_undo").click().run()
    assert not app.exception
    assert found(store, entry_id).state is EntryState.SIGNED
    assert app.button(key="clash_already")


def test_inte_samma_lets_it_go_and_can_be_taken_back(store: Store, open_screen: OpenScreen) -> None:
    entry_id = confirmed(store)
    handed_in(store)
    app = listed(open_screen, "clashes")
    app.button(key="clash_skip").click().run()
    assert "har du hoppat över" in told(app)
    app.button(key="clash_again").click().run()
    app.button(key="clash_other").click().run()
    assert not app.exception
    assert "1 par är avgjort som inte samma" in [one.label for one in app.expander]
    assert found(store, entry_id).state is EntryState.SIGNED
    next(
        button for button in app.button if (button.key or "").startswith("clash_back-")
    ).click().run()
    assert app.button(key="clash_already")


def test_the_paper_is_shown_when_asked_for_and_always_for_what_waits_for_review(
    store: Store, open_screen: OpenScreen
) -> None:
    entry_id = confirmed(store)
    handed_in(store)
    app = listed(open_screen, "clashes")
    assert "ef-page" not in tables(app)
    app.toggle[0].set_value(True).run()
    assert "ef-page" in tables(app)
    with store.read() as conn:
        pages = [one.action for one in list_events(conn, load_entry(conn, entry_id).page)]
    assert pages.count("view_page") >= 1
    waiting = seeding.add_notes(store, 1)[0]
    app.button(key="clash_other").click().run()
    assert found(store, waiting).state is EntryState.REVIEW
    assert "som datorn läste dem" in told(app)
    assert "ef-page" in tables(app)
    assert CLIENTS[0].name not in tables(app).replace(entry_id, "")


def test_an_administrator_sees_and_does_not_decide(store: Store, open_screen: OpenScreen) -> None:
    confirmed(store)
    handed_in(store)
    app = open_screen(ADMINISTRATOR, "follow_up")
    app.segmented_control(key="follow_up_kind").set_value("clashes").run()
    assert not app.exception
    assert "En granskare på enheten avgör." in told(app)
    assert not [
        button
        for button in app.button
        if (button.key or "").startswith(("clash_already", "clash_other", "erase_list"))
    ]
    assert not app.file_uploader


def test_a_list_is_erased_on_request(store: Store, open_screen: OpenScreen) -> None:
    confirmed(store)
    handed_in(store)
    app = listed(open_screen, "clashes")
    next(
        button for button in app.button if (button.key or "").startswith("erase_list-")
    ).click().run()
    assert "Listan är raderad." in told(app)
    with store.read() as conn:
        assert care_system_exports.list_care_lists(conn, NURSE) == []


def test_export_says_what_is_held_back_and_why(store: Store, open_screen: OpenScreen) -> None:
    entry_id = confirmed(store)
    handed_in(store)
    app = open_screen(NURSE, "export")
    assert "1 post hålls kvar: den kan redan vara inmatad" in told(app)
    assert HELD_FOR_MATCH.in_language("sv") in told(app)
    assert entry_id in told(app)
    assert app.button(key="make-rivta").disabled


def test_skriv_in_leaves_it_out_and_says_so(store: Store, open_screen: OpenScreen) -> None:
    confirmed(store)
    assert make_run(office(store), NURSE, "skriv-in", utc_now())
    handed_in(store)
    app = open_screen(NURSE, "key_in")
    assert not app.exception
    assert "1 post visas inte: den kan redan vara inmatad." in told(app)
    assert not [button for button in app.button if button.key == "key_in_done"]
