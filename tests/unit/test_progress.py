"""Figures for managers."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import update

from pipeline import progress
from pipeline.errors import NotAllowedError
from pipeline.model import EntryState
from pipeline.progress import days_left, rate_days
from pipeline.store import tables
from pipeline.store.database import Store
from pipeline.store.decisions import reject, save_answers
from tests.ward import ADMIN, CHIEF, EVA, FORMS, NILS, NORTH, NOTE, NOW, PLAN, SAID, SOUTH, Ward, answers, later, person

pytest_plugins = ("tests.databases",)


@pytest.fixture
def ward(store: Store) -> Ward:
    """Three notes that were read 0, 5 and 20 days ago."""
    ward = Ward(store).begin()
    for serial, days in (("AAA0", 0), ("AAA5", 5), ("AA20", 20)):
        entry_id = ward.note(serial, {**SAID, "datum": f"2026-02-{25 - days:02d}"})
        with store.begin() as conn:
            made = update(tables.entry).where(tables.entry.c.id == entry_id)
            conn.execute(made.values(created_at=NOW - timedelta(days=days, minutes=1)))
    return ward


def test_entries_are_counted_by_all_that_a_manager_asks_for(ward: Ward) -> None:
    with ward.store.begin() as conn:
        reject(conn, EVA, "AAA5-00", 0, "dubblett", NOW)
        counts = progress.entry_counts(conn, CHIEF, NOW)
    assert {(c.state, c.unit, c.form, c.criticality, c.age, c.count) for c in counts} == {
        (EntryState.REVIEW, NORTH, NOTE.id, "A", "0-1", 1),
        (EntryState.REVIEW, NORTH, NOTE.id, "A", "15-", 1),
        (EntryState.REJECTED, NORTH, NOTE.id, "A", "4-7", 1),
    }


def test_pages_and_entries_of_other_units_are_not_counted(ward: Ward) -> None:
    chief = person("annan", CHIEF.role, (SOUTH,))
    with ward.store.read() as conn:
        assert progress.page_counts(conn, CHIEF) == {"in": 6, "done": 0, "waiting": 6, "failed": 0}
        assert progress.page_counts(conn, chief)["in"] == 0
        assert progress.entry_counts(conn, chief, NOW) == []
        assert progress.forecast(conn, chief, NOW).open == 0


def test_pace_counts_days_people_and_hours(ward: Ward) -> None:
    with ward.store.begin() as conn:
        for entry_id, who, minutes in (("AAA0-00", EVA, 0), ("AAA5-00", EVA, 5), ("AA20-00", NILS, 60 * 24)):
            day = {"AAA0-00": "2026-02-25", "AAA5-00": "2026-02-20", "AA20-00": "2026-02-05"}[entry_id]
            save_answers(conn, FORMS, who, entry_id, 0, answers({**SAID, **PLAN, "datum": day}), later(minutes))
        found = progress.pace(conn, ADMIN, later(60 * 24 + 1))
    assert [(day.day, day.confirmed, day.people, day.per_person_hour) for day in found] == [("2026-03-02", 2, 1, 2.0), ("2026-03-03", 1, 1, 1.0)]


def test_the_forecast_divides_what_is_open_by_the_net_rate(ward: Ward) -> None:
    with ward.store.begin() as conn:
        before = progress.forecast(conn, CHIEF, NOW)
        for entry_id in ("AAA0-00", "AAA5-00"):
            reject(conn, EVA, entry_id, 0, "dubblett", NOW)
        after = progress.forecast(conn, CHIEF, later(1))
    assert (before.open, before.in_per_day, before.out_per_day, before.days_left) == (3, 2 / 7, 0.0, None)
    assert (after.open, after.out_per_day, after.days_left) == (1, 2 / 7, None)


def test_the_oldest_event_that_waits_is_known_when_it_is_decided_or_read(ward: Ward) -> None:
    with ward.store.read() as conn:
        assert progress.forecast(conn, CHIEF, NOW).oldest_event == "2026-02-05"


def test_figures_are_not_for_reviewers(ward: Ward) -> None:
    with ward.store.read() as conn:
        for ask in (progress.entry_counts, progress.pace, progress.forecast):
            with pytest.raises(NotAllowedError):
                ask(conn, EVA, NOW)
        with pytest.raises(NotAllowedError):
            progress.page_counts(conn, EVA)


@pytest.mark.parametrize(("waiting", "made", "done", "left"), [(0, 5, 0, 0.0), (10, 1, 3, 5.0), (10, 3, 3, None), (10, 4, 3, None)])
def test_days_left(waiting: int, made: float, done: float, left: float | None) -> None:
    assert days_left(waiting, made, done) == left


def test_rates_are_taken_over_the_time_there_was() -> None:
    assert rate_days(None, NOW) == 1
    assert rate_days(NOW - timedelta(hours=3), NOW) == 1
    assert rate_days(NOW - timedelta(days=3), NOW) == 3
    assert rate_days(NOW - timedelta(days=30), NOW) == 7
