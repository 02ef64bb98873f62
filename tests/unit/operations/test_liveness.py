"""A worker is dead when its beat stands still by the watcher's own clock."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from pipeline.operations.worker import LivenessMonitor

T0 = datetime(2026, 11, 24, 12, tzinfo=UTC)


class Clock:
    """A clock that is turned by hand."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


def watchman(clock: Clock) -> LivenessMonitor:
    return LivenessMonitor(patience=15, clock=clock)


def test_a_beat_that_stands_still_longer_than_the_patience_is_death() -> None:
    clock = Clock()
    watch = watchman(clock)
    assert watch.find_dead_workers({"a", "b"}, {"a": T0, "b": T0}) == set()
    clock.now += 10
    assert watch.find_dead_workers({"a", "b"}, {"a": T0 + timedelta(seconds=10), "b": T0}) == set()
    clock.now += 6
    assert watch.find_dead_workers({"a", "b"}, {"a": T0 + timedelta(seconds=10), "b": T0}) == {"b"}


def test_a_clock_that_goes_wrong_on_another_machine_kills_nobody() -> None:
    clock = Clock()
    watch = watchman(clock)
    for step in range(10):
        clock.now += 5
        assert watch.find_dead_workers({"a"}, {"a": T0 - timedelta(days=3, seconds=step)}) == set()


def test_a_worker_that_never_beat_is_given_the_same_time() -> None:
    clock = Clock()
    watch = watchman(clock)
    assert watch.find_dead_workers({"ghost"}, {}) == set()
    clock.now += 16
    assert watch.find_dead_workers({"ghost"}, {}) == {"ghost"}


def test_nobody_is_dead_because_the_database_was_away() -> None:
    clock = Clock()
    watch = watchman(clock)
    watch.find_dead_workers({"a"}, {"a": T0})
    clock.now += 60
    watch.reset()
    assert watch.find_dead_workers({"a"}, {"a": T0}) == set()


def test_a_worker_that_went_away_and_came_back_counts_anew() -> None:
    clock = Clock()
    watch = watchman(clock)
    watch.find_dead_workers({"a"}, {"a": T0})
    clock.now += 10
    watch.find_dead_workers(set(), {})
    clock.now += 10
    assert watch.find_dead_workers({"a"}, {"a": T0}) == set()
