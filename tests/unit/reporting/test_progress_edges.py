"""Numbers for managers."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import update

from pipeline.domain.errors import NotAllowedError
from pipeline.domain.model import EntryState
from pipeline.reporting import progress
from pipeline.review.rejections import Rejection, reject_entry
from pipeline.store.database.store import Store
from pipeline.store.schema import paper
from tests.support.store.ward import CHIEF, EVA, NORTH, NOTE, NOW, SAID, SOUTH, Ward, person

pytest_plugins = ("tests.support.store.databases",)
pytestmark = pytest.mark.both_databases


@pytest.fixture
def ward(store: Store) -> Ward:
    """Three notes that were read 0, 5 and 20 days ago."""
    ward = Ward(store).begin()
    for serial, days in (("AAA0", 0), ("AAA5", 5), ("AA20", 20)):
        entry_id = ward.note(serial, {**SAID, "datum": f"2026-02-{25 - days:02d}"})
        with store.begin() as conn:
            made = update(paper.entry).where(paper.entry.c.id == entry_id)
            conn.execute(made.values(created_at=NOW - timedelta(days=days, minutes=1)))
    return ward


def test_entries_are_counted_by_all_that_a_manager_asks_for(ward: Ward) -> None:
    with ward.store.begin() as conn:
        reject_entry(conn, EVA, Rejection("AAA5-00", 0, "dubblett"), NOW)
        counts = progress.count_entries(conn, CHIEF, NOW)
    assert {
        (c.state, c.is_void, c.unit, c.form, c.criticality, c.age, c.count) for c in counts
    } == {
        (EntryState.REVIEW, False, NORTH, NOTE.id, "A", "0-1", 1),
        (EntryState.REVIEW, False, NORTH, NOTE.id, "A", "15-", 1),
        (EntryState.REJECTED, False, NORTH, NOTE.id, "A", "4-7", 1),
    }


def test_entries_of_other_units_are_not_counted(ward: Ward) -> None:
    chief = person("annan", CHIEF.role, (SOUTH,))
    with ward.store.read() as conn:
        assert progress.count_entries(conn, chief, NOW) == []


def test_figures_are_not_for_reviewers(ward: Ward) -> None:
    with ward.store.read() as conn, pytest.raises(NotAllowedError):
        progress.count_entries(conn, EVA, NOW)
