"""The wrong-person guard where two questions follow each other: nothing that was said is lost by
the second.
"""

from __future__ import annotations

import pytest
from sqlalchemy import update

from pipeline.domain.model import EntryState
from pipeline.registers.client_check import NO_CLIENT
from pipeline.store.database.store import Store
from pipeline.store.entries.answers import decided_answers
from pipeline.store.event_log.events import client_log_subject, list_events
from pipeline.store.schema.append_only import unprotect_tables
from pipeline.store.schema.registers import issued_sheet
from tests.support.screens import seeding, unusual_paper
from tests.support.screens.bench import Bench
from tests.support.screens.seeding import CLIENTS, NURSE
from tests.unit.ui.conftest import OpenScreen
from tests.unit.ui.review.test_client_check import found, type_photo
from tests.unit.ui.review.test_review_screen import type_all
from ui.screens.review.client_card import is_client_seen
from ui.screens.review.workbench import acts

NEW = "189001049817"


def test_a_lent_sheet_for_a_client_whom_the_register_lacks_is_confirmed(
    store: Store, open_screen: OpenScreen
) -> None:
    entry_id = seeding.add_notes(store, 1, personnummer=NEW)[0]
    with store.begin() as conn:
        unprotect_tables(conn)
        conn.execute(update(issued_sheet).values(client_pid=CLIENTS[0].pid))
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


@pytest.mark.parametrize(
    "typed", ["1", "1930", "193001", "19300101", "1930010165", "19300101-65", "19300101659"]
)
def test_nothing_is_said_of_a_number_that_is_half_typed(
    store: Store, open_screen: OpenScreen, typed: str
) -> None:
    """It said that the client was not in the register, and the lookup was logged."""
    seeding.add_notes(store, 1)
    bench = Bench(open_screen(NURSE, "review")).type("personnummer", typed).act("draft")
    assert (bench.card["banner"]["kind"], bench.card["banner"]["clients"]) == ("wait", [])
    with store.read() as conn:
        assert list_events(conn, client_log_subject(conn, typed)) == []


def test_a_number_of_ten_digits_that_is_not_in_the_register_is_told_when_it_is_saved(
    store: Store, open_screen: OpenScreen, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is said of it while it may be the beginning of a longer one."""
    monkeypatch.setattr(acts, "is_client_seen", is_client_seen)
    seeding.add_notes(store, 1)
    bench = type_all(Bench(open_screen(NURSE, "review")), personnummer="1912121212")
    assert bench.act("draft").card["banner"]["kind"] == "wait"
    bench.save()
    assert bench.card["question"]["kind"] == "outside"
    assert bench.card["banner"]["clients"][0]["unknown"]
