"""A unit's table of triage sorts its queue: new paper, paper that waits, and paper of before."""

from __future__ import annotations

import time

import pytest
from sqlalchemy import select, text, update

from pipeline.domain.errors import NotAllowedError, ReviewError
from pipeline.domain.model import Value
from pipeline.domain.review.triage import TriageRule, load_triage_table
from pipeline.review.transfers import Transfers
from pipeline.store.database.store import Store
from pipeline.store.entries import triage
from pipeline.store.entries.queue import ClaimTerms, claim_next
from pipeline.store.event_log.events import list_events
from pipeline.store.schema import paper
from tests.support.store.ward import (
    ASTA,
    BROR,
    CHIEF,
    EVA,
    FORMS,
    NORTH,
    NOTE,
    NOW,
    SAID,
    SOFIA,
    SOUTH,
    Ward,
    page_reading,
)
from tests.support.store.work import work

pytest_plugins = ("tests.support.store.databases",)
pytestmark = [pytest.mark.both_databases, pytest.mark.patient]

SLEEP = TriageRule(id="somn", level=1, reason="Sömn", words=("sov",))
CLASS_A = TriageRule(id="klass-a", level=3, reason="Klass A", classes=("A",))


@pytest.fixture
def ward(store: Store) -> Ward:
    """The test organisation."""
    return Ward(store).begin()


def add(ward: Ward, serial: str, text: str, **changed: Value) -> str:
    """A note that says this; answers with its entry's id."""
    said = {**SAID, "text": text} | changed
    ward.read(ward.scan(), page_reading(NOTE, serial, said), NOTE)
    return f"{serial}-00"


def lanes(ward: Ward) -> dict[str, tuple[int, str]]:
    """Level and rule of each entry, by serial."""
    table = paper.entry.c
    with ward.store.read() as conn:
        rows = conn.execute(select(table.serial, table.lane, table.triage))
        return {row[0]: (row[1], row[2]) for row in rows}


def save(ward: Ward, *rules: TriageRule) -> int:
    """The manager of the unit gives it these rules."""
    with ward.store.begin() as conn:
        return triage.save_unit_triage(conn, FORMS, CHIEF, NORTH, rules, NOW)


def test_what_may_do_harm_is_claimed_before_an_older_note(ward: Ward) -> None:
    add(ward, "CALM", "Allt lugnt.", datum="2026-02-11")
    late = add(ward, "FALL", "Har ramlat i hallen.", datum="2026-02-17", pnr=BROR.pid)
    assert lanes(ward) == {"CALM": (6, "lugnt"), "FALL": (2, "fall")}
    with ward.store.begin() as conn:
        view = claim_next(conn, FORMS, EVA, ClaimTerms(NOW))
        assert view is not None
        assert view.entry.id == late
        assert triage.explain_place(conn, late) == triage.QueuePlace(
            2, "Fall eller skada", is_pulled=False
        )


def test_a_changed_table_sorts_what_waits_and_what_comes_and_an_undo_sorts_it_back(
    ward: Ward,
) -> None:
    add(ward, "SLEP", "Sov gott.")
    add(ward, "FALL", "Har ramlat.")
    assert save(ward, SLEEP, CLASS_A) == 2
    add(ward, "LATE", "Sov hela natten.", pnr=BROR.pid)
    assert lanes(ward) == {"SLEP": (1, "somn"), "FALL": (3, "klass-a"), "LATE": (1, "somn")}
    with ward.store.begin() as conn:
        own = triage.load_unit_triage(conn, NORTH)
        assert own.id is not None
        assert (own.by, own.rules) == (CHIEF.login, (SLEEP, CLASS_A))
        triage.undo_unit_triage(conn, FORMS, CHIEF, NORTH, own.id, NOW)
        assert triage.load_unit_triage(conn, NORTH).rules == load_triage_table().rules
        with pytest.raises(ReviewError):
            triage.undo_unit_triage(conn, FORMS, CHIEF, NORTH, own.id, NOW)
        events = {e.action: e.detail for e in list_events(conn, NORTH)}
    assert {"change_triage", "undo_triage"} <= events.keys()
    assert "sov" not in str(events)
    assert lanes(ward)["FALL"] == (2, "fall")


def test_only_the_unit_s_manager_changes_its_table_and_only_to_one_that_holds(ward: Ward) -> None:
    for who, unit in ((CHIEF, SOUTH), (EVA, NORTH), (SOFIA, SOUTH)):
        with pytest.raises(NotAllowedError), ward.store.begin() as conn:
            triage.save_unit_triage(conn, FORMS, who, unit, [CLASS_A], NOW)
    nowhere = TriageRule(id="r", level=1, reason="r", forms=("finns-inte",))
    for rules in ([SLEEP, SLEEP], [nowhere], load_triage_table().rules):
        with pytest.raises(ReviewError):
            save(ward, *rules)


def test_an_entry_that_is_sent_on_gets_its_level_there(ward: Ward) -> None:
    entry_id = add(ward, "SLEP", "Sov gott.", pnr=ASTA.pid)
    save(ward, SLEEP, CLASS_A)
    assert lanes(ward)["SLEP"] == (1, "somn")
    with ward.store.begin() as conn:
        work(Transfers, conn, EVA).send(entry_id, 0, SOUTH, "")
    assert lanes(ward)["SLEP"] == (3, "klass-a")


def test_paper_of_before_triage_is_read_once_and_then_no_more(ward: Ward) -> None:
    add(ward, "FALL", "Har ramlat.")
    with ward.store.begin() as conn:
        conn.execute(update(paper.entry).values(lane=3, triage="", triage_content=None))
        assert triage.is_outdated(conn, NORTH)
        triage.sort_unit(conn, FORMS, NORTH)
        assert not triage.is_outdated(conn, NORTH)
    assert lanes(ward)["FALL"] == (2, "fall")


@pytest.mark.nightly
def test_a_hundred_thousand_entries_are_sorted_again_within_seconds(ward: Ward) -> None:
    add(ward, "FALL", "Har ramlat.")
    copied = ", ".join(f'"{c.name}"' for c in paper.entry.c if c.name not in ("id", "sheet"))
    numbers = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n WHERE x < 100000) "
    name = "'N' || x"
    with ward.store.begin() as conn:
        conn.execute(
            text(
                f"INSERT INTO entry (id, sheet, {copied}) {numbers}"
                f"SELECT {name}, {name}, {copied} FROM entry, n"
            )
        )
    begun = time.process_time()
    assert save(ward, SLEEP, CLASS_A) == 100_001
    spent = time.process_time() - begun
    print(f"sorted in {spent:.1f} s")
    assert spent < 60
