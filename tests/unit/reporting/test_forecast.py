"""The forecast of Läge: when the pile is worked off."""

from __future__ import annotations

import dataclasses
from datetime import timedelta

import pytest

from pipeline.reporting.forecast import (
    WorkDay,
    forecast_open_entries,
    past_days,
)
from pipeline.reporting.progress import (
    WorkPace,
    forecast_with_people,
    measure_pace,
)
from pipeline.store.database.store import Store
from pipeline.store.reports.progress import HourOfWork
from tests.support.store.ward import (
    NOW,
    Ward,
)
from tests.unit.reporting.progress_ward import make_counted_ward, seen

pytest_plugins = ("tests.support.store.databases",)

pytestmark = pytest.mark.both_databases


@pytest.fixture
def ward(store: Store) -> Ward:
    return make_counted_ward(store)


def week(
    made: int = 0, hours: tuple[float, ...] = (1.0,) * 7
) -> tuple[WorkPace, tuple[WorkDay, ...]]:
    """A week in which three people worked so many hours a day each, at 20 entries an hour, and
    today; 200 entries are open.
    """
    days = [NOW - timedelta(days=back) for back in range(len(hours), 0, -1)]
    work = [
        HourOfWork(day, who, round(20 * h), 0, 3600 * h)
        for day, h in zip(days, hours, strict=True)
        if h
        for who in ("eva", "nils", "sofia")
    ]
    behind = [
        WorkDay(day.date().isoformat(), made, round(60 * h), 0)
        for day, h in zip(days, hours, strict=True)
    ]
    return measure_pace(work, 200), (*behind, WorkDay(NOW.date().isoformat(), 0, 0, 200))


def staffed(
    ward: Ward, people: int, measured: tuple[WorkPace, tuple[WorkDay, ...]]
) -> tuple[int | None, int | None, int | None]:
    found = forecast_with_people(
        dataclasses.replace(seen(ward), pace=measured[0], past_days=measured[1]), people
    )
    assert found is not None
    return found.optimistic, found.middle, found.pessimistic


def test_twice_the_people_take_half_the_days(ward: Ward) -> None:
    assert staffed(ward, 1, week()) == (10, 10, 10)
    assert staffed(ward, 2, week()) == (5, 5, 5)


def test_what_comes_in_makes_it_longer_and_too_much_never_ends(ward: Ward) -> None:
    assert staffed(ward, 2, week(made=20)) == (10, 10, 10)
    assert staffed(ward, 1, week(made=20)) == (None, None, None)


def test_uneven_days_and_days_off_give_a_range(ward: Ward) -> None:
    best, middle, worst = staffed(ward, 1, week(hours=(2.0, 0.5, 1.0, 0.0, 1.5, 1.0, 1.0)))
    assert best is not None
    assert middle is not None
    assert worst is not None
    assert 5 <= best < middle < worst <= 20


def test_too_few_days_or_people_foresee_nothing(ward: Ward) -> None:
    for measured in (week(hours=(1.0, 1.0)), (measure_pace([], 200), week()[1])):
        assert (
            forecast_with_people(
                dataclasses.replace(seen(ward), pace=measured[0], past_days=measured[1]), 2
            )
            is None
        )


def test_the_days_behind_are_counted_back_from_today() -> None:
    made = {NOW - timedelta(days=2): 10, NOW: 1}
    ended = {NOW - timedelta(days=1): 4}
    assert [
        (day.day, day.made, day.ended, day.open) for day in past_days(NOW, 14, 7, made, ended)
    ] == [
        ("2026-02-28", 10, 0, 10),
        ("2026-03-01", 0, 4, 6),
        ("2026-03-02", 1, 0, 7),
    ]


def test_an_even_pace_has_no_range_and_an_uneven_one_has() -> None:
    even = [WorkDay(f"2026-03-{n:02d}", 0, 10, 0) for n in range(1, 9)]
    found = forecast_open_entries(50, even)
    assert (found.optimistic, found.middle, found.pessimistic) == (5, 5, 5)
    assert found.path[-1].high == 0
    uneven = [WorkDay(f"2026-03-{n:02d}", 0, 20 * (n % 2), 0) for n in range(1, 9)]
    wide = forecast_open_entries(100, uneven)
    assert wide.optimistic is not None
    assert wide.middle is not None
    assert wide.pessimistic is not None
    assert wide.optimistic < wide.middle < wide.pessimistic
    assert wide == forecast_open_entries(100, uneven)


def test_nothing_is_foreseen_of_too_little_or_of_a_growing_pile() -> None:
    assert (
        forecast_open_entries(
            50, [WorkDay("2026-03-01", 0, 10, 50), WorkDay("2026-03-02", 0, 10, 50)]
        ).middle
        is None
    )
    growing = forecast_open_entries(
        50, [WorkDay(f"2026-03-{n:02d}", 20, 10, 50) for n in range(1, 9)]
    )
    assert (growing.optimistic, growing.pessimistic) == (None, None)
    assert growing.path[-1].middle > 50
