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
from tests.support.screens.bench import Bench
from tests.support.screens.seeding import CLIENTS, NURSE
from tests.unit.ui.conftest import OpenScreen
from tests.unit.ui.review.test_client_check import found, type_photo
from tests.unit.ui.review.test_review_screen import type_all

NEW = "189001049817"


def test_a_lent_sheet_for_a_client_whom_the_register_lacks_is_confirmed(
    store: Store, open_screen: OpenScreen
) -> None:
    entry_id = seeding.add_notes(store, 1, personnummer=NEW)[0]
    with store.begin() as conn:
        unprotect_tables(conn)
        conn.execute(update(paper.issued_sheet).values(client_pid=CLIENTS[0].pid))
    bench = type_all(Bench(open_screen(NURSE, "review")), personnummer=NEW).save()
    assert bench.card["question"]["kind"] == "outside"
    bench.save(question={"outside": "ny klient"})
    assert bench.card["question"]["kind"] == "conflict"
    bench.save(question={"choice": "lent_sheet"})
    assert found(store, entry_id).state is not EntryState.REVIEW


def test_a_number_that_is_found_after_all_is_not_thrown_away(
    store: Store, open_screen: OpenScreen
) -> None:
    entry_id = unusual_paper.add_free_page(store, "Extra bemanning hela veckan.")
    bench = type_photo(Bench(open_screen(NURSE, "review"))).save()
    bench.type("personnummer", CLIENTS[0].pid).save(question={"outside": NO_CLIENT})
    with store.read() as conn:
        assert decided_answers(conn, entry_id)["personnummer"].answer.value == CLIENTS[0].pid
