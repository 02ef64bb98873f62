"""The wrong-person guard where two questions follow each other: nothing that was said is lost by
the second.
"""

from __future__ import annotations

from sqlalchemy import update

from pipeline.domain.model import EntryState
from pipeline.registers.client_check import NO_CLIENT
from pipeline.store.database.store import Store
from pipeline.store.entries.answers import decided_answers
from pipeline.store.schema import paper
from pipeline.store.schema.append_only import unprotect_tables
from tests.support.screens import seeding, unusual_paper
from tests.support.screens.seeding import CLIENTS, NURSE
from tests.unit.ui.conftest import OpenScreen
from tests.unit.ui.review.test_client_check import found
from tests.unit.ui.review.test_review_screen import key, save, type_all

NEW = "189001049817"


def test_a_lent_sheet_for_a_client_whom_the_register_lacks_is_confirmed(
    store: Store, open_screen: OpenScreen
) -> None:
    entry_id = seeding.add_notes(store, 1, personnummer=NEW)[0]
    with store.begin() as conn:
        unprotect_tables(conn)
        conn.execute(update(paper.issued_sheet).values(client_pid=CLIENTS[0].pid))
    app = open_screen(NURSE, "review")
    type_all(app, entry_id, personnummer=NEW)
    save(app, entry_id)
    for _ in range(2):
        keys = {w.key for w in app.selectbox} | {w.key for w in app.radio}
        if f"guard_outside-{entry_id}-0" in keys:
            app.selectbox(key=f"guard_outside-{entry_id}-0").set_value("ny klient")
        if f"guard_choice-{entry_id}-0" in keys:
            app.radio(key=f"guard_choice-{entry_id}-0").set_value("lent_sheet")
        save(app, entry_id)
    assert not app.exception
    assert found(store, entry_id).state is not EntryState.REVIEW


def test_a_number_that_is_found_after_all_is_not_thrown_away(
    store: Store, open_screen: OpenScreen
) -> None:
    entry_id = unusual_paper.add_free_page(store, "Extra bemanning hela veckan.")
    app = open_screen(NURSE, "review")
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
        app.text_input(key=key(entry_id, name)).input(text)
    app.radio(key=key(entry_id, "omrade")).set_value("annat")
    app.radio(key=key(entry_id, "underskrift")).set_value("empty")
    save(app, entry_id)
    app.selectbox(key=f"guard_outside-{entry_id}-0").set_value(NO_CLIENT)
    app.text_input(key=key(entry_id, "personnummer")).input(CLIENTS[0].pid)
    save(app, entry_id)
    assert not app.exception
    with store.read() as conn:
        assert decided_answers(conn, entry_id)["personnummer"].answer.value == CLIENTS[0].pid
