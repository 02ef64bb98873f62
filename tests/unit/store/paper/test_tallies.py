"""The counts that triggers keep are those of all rows, whatever is done to pages, entries and
sheets, in whatever order, and by two at once.
"""

from __future__ import annotations

import random
from threading import Thread
from typing import Any

import pytest
from sqlalchemy import Connection, delete, func, insert, select, text, update

from pipeline.domain.model import EntryState
from pipeline.store.database.store import Store
from pipeline.store.paper.pages import create_batch
from pipeline.store.registers import client_register
from pipeline.store.schema import paper
from pipeline.store.schema.clock import utc_now
from pipeline.store.schema.registers import issued_sheet
from pipeline.store.schema.tally import DONE, WAITING, outstanding_sheet, scanned_pack, tally
from pipeline.store.schema.tally_triggers import (
    count_wrong_tallies,
    create_tally_triggers,
    drop_tally_triggers,
    fold_tallies,
    rebuild_tallies,
)

pytest_plugins = ("tests.support.store.databases",)
pytestmark = [pytest.mark.both_databases]

NOW = utc_now()
NORTH, SOUTH = "Norr", "Söder"
SHEETS = [f"ABCD234{number}" for number in range(6)]
STATES = [state.value for state in EntryState]
STEPS = 150


@pytest.fixture
def batch(store: Store) -> str:
    """A batch of a unit."""
    with store.begin() as conn:
        client_register.save_units(conn, {NORTH: "HSL", SOUTH: "HSL"})
        return create_batch(conn, NORTH, "", "anna")


def add_page(conn: Connection, batch: str, number: int, **values: Any) -> None:  # noqa: ANN401
    """A page that is queued, or as given."""
    row = {
        "id": f"page-{number}",
        "batch": batch,
        "position": number,
        "source_name": "bunt.pdf",
        "source_page": number,
        "scanned_at": NOW,
        "scanned_by": "anna",
        "unit": NORTH,
        "state": "queued",
        **values,
    }
    conn.execute(insert(paper.page).values(row))


def add_entry(conn: Connection, name: str, sheet: str, state: str = "granskas") -> None:
    """An entry of a sheet, on the first page."""
    row = {
        "id": name,
        "sheet": sheet,
        "page": "page-0",
        "form": "note",
        "version": 1,
        "unit": NORTH,
        "criticality": "A",
        "state": state,
        "created_at": NOW,
    }
    conn.execute(insert(paper.entry).values(row))


def print_sheet(conn: Connection, serial: str, pack: str) -> None:
    """A printed sheet."""
    row = {"serial": serial, "form": "note", "version": 1, "unit": NORTH, "pack": pack}
    conn.execute(insert(issued_sheet).values(**row, issued_at=NOW, issued_by="anna"))


def one_step(conn: Connection, batch: str, draw: random.Random, number: int) -> None:
    """Do something that the program may do, and much that it does not."""
    page, entry = paper.page.c, paper.entry.c
    some_page = page.id == f"page-{draw.randrange(number)}"
    some_entry = entry.id == f"entry-{draw.randrange(number)}"
    sheet = draw.choice([None, *SHEETS])
    step = draw.randrange(8)
    if step == 0:
        add_page(conn, batch, number, serial=sheet, sheet=sheet, state="read")
    elif step == 1:
        add_entry(conn, f"entry-{number}", sheet or SHEETS[0], draw.choice(STATES))
    elif step == 2:
        changed = {
            "state": draw.choice(["queued", "read", "failed"]),
            "outcome": draw.choice([None, "read", "blank"]),
            "settled": draw.random() < 0.2,
            "form": draw.choice([None, "note", "list"]),
            "unit": draw.choice([NORTH, SOUTH]),
        }
        conn.execute(update(paper.page).where(some_page).values(changed))
    elif step == 3:
        conn.execute(update(paper.page).where(some_page).values(serial=sheet, sheet=sheet))
    elif step == 4:
        changed = {
            "state": draw.choice(STATES),
            "second_by": draw.choice([None, "omar"]),
            "voided": draw.choice([None, None, "fel"]),
        }
        conn.execute(update(paper.entry).where(some_entry).values(changed))
    elif step == 5:
        conn.execute(update(paper.entry).where(some_entry).values(sheet=sheet or SHEETS[1]))
    elif step == 6:
        conn.execute(delete(paper.entry).where(some_entry))
    else:
        close_or_reopen(conn, draw.randrange(number))


def close_or_reopen(conn: Connection, number: int) -> None:
    """Close a page that exists, or open it again."""
    closure, name = paper.page_closure, f"page-{number}"
    if not conn.execute(select(paper.page.c.id).where(paper.page.c.id == name)).first():
        return
    standing = (closure.c.page == name, closure.c.undone_at.is_(None))
    if not conn.execute(update(closure).where(*standing).values(undone_at=NOW)).rowcount:
        conn.execute(insert(closure).values(page=name, reason="x", by="anna", at=NOW))


@pytest.mark.parametrize("seed", [1, 2])
def test_the_counts_are_right_after_whatever_was_done(store: Store, batch: str, seed: int) -> None:
    draw = random.Random(seed)
    with store.begin() as conn:
        for number, serial in enumerate(SHEETS):
            print_sheet(conn, serial, f"pack-{number % 2}")
        add_page(conn, batch, 0)
    for number in range(1, STEPS):
        with store.begin() as conn:
            one_step(conn, batch, draw, number)
            assert count_wrong_tallies(conn) == 0, number
    with store.begin() as conn:
        rows = conn.execute(select(func.count()).select_from(tally)).scalar_one()
        fold_tallies(conn)
        assert count_wrong_tallies(conn) == 0
        fewer = conn.execute(select(func.count()).select_from(tally)).scalar_one()
        fold_tallies(conn)
        assert count_wrong_tallies(conn) == 0
    assert 0 < fewer < rows


def test_a_sheet_that_came_back_opens_its_pack_until_it_was_another_sheet(
    store: Store, batch: str
) -> None:
    with store.begin() as conn:
        for serial in SHEETS[:2]:
            print_sheet(conn, serial, "pack")
        add_page(conn, batch, 0, serial=SHEETS[0])
        assert conn.execute(select(outstanding_sheet.c.serial)).scalars().all() == [SHEETS[1]]
        assert conn.execute(select(scanned_pack.c.pack)).scalars().all() == ["pack"]
        conn.execute(update(paper.page).values(serial=None))
        assert len(conn.execute(select(outstanding_sheet.c.serial)).all()) == 2
        assert conn.execute(select(scanned_pack.c.pack)).all() == []


def test_counts_that_were_lost_are_found_and_made_anew(store: Store, batch: str) -> None:
    with store.begin() as conn:
        drop_tally_triggers(conn)
        add_page(conn, batch, 0, state="read", outcome="blank", serial=SHEETS[0])
        print_sheet(conn, SHEETS[1], "pack")
        assert count_wrong_tallies(conn) == 3
        create_tally_triggers(conn)
        rebuild_tallies(conn)
        assert count_wrong_tallies(conn) == 0
        assert conn.execute(select(paper.page.c.standing)).scalar_one() == DONE


def test_two_who_decide_the_last_two_entries_of_a_sheet_at_once(store: Store, batch: str) -> None:
    if store.engine.dialect.name != "postgresql":
        pytest.skip("SQLite has one writer at a time")
    with store.begin() as conn:
        add_page(conn, batch, 0, state="read", sheet=SHEETS[0])
        for name in ("entry-1", "entry-2"):
            add_entry(conn, name, SHEETS[0])

    def decide(conn: Connection, name: str) -> None:
        decided = update(paper.entry).where(paper.entry.c.id == name)
        conn.execute(decided.values(state=EntryState.CONFIRMED.value))

    def other() -> None:
        with store.begin() as second:
            decide(second, "entry-2")

    with store.begin() as first:
        decide(first, "entry-1")
        assert first.execute(select(paper.page.c.standing)).scalar_one() == WAITING
        thread = Thread(target=other)
        thread.start()
        while not first.execute(text("SELECT 1 FROM pg_locks WHERE NOT granted")).first():
            assert thread.is_alive()
    thread.join(30)
    with store.read() as conn:
        assert conn.execute(select(paper.page.c.standing)).scalar_one() == DONE
        assert count_wrong_tallies(conn) == 0
