"""What is finished costs the daily work nothing: ten times the past is the same work.

As in `test_long_queue_work.py`, it is the database's work that is compared and not time.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from sqlalchemy import Connection

from pipeline.store.database.store import Store
from pipeline.store.event_log.queries import Hint, LogFilter, count_log_rows
from pipeline.store.reports.progress import count_ended_by_hour
from pipeline.store.schema.clock import utc_now
from tests.contract.store.test_long_queue_work import work
from tests.load import scale
from tests.load.many_rows import PER_DAY, UNITS, fill

pytest_plugins = ("tests.support.store.databases",)
pytestmark = [pytest.mark.slow, pytest.mark.both_databases]

NOW = utc_now()
FEW, MANY, OPEN = 3_000, 30_000, 1_000
SAME = 2.0
FLAT = ("Granska: claim", "Skanna", "Kvar på papper", "worker: look for pages")
"""Of `scale.ACTS`; what others cost is measured there."""
ACTS = {name: scale.ACTS[name] for name in FLAT}


def test_ten_times_the_past_is_the_same_work(store: Store, other_store: Store) -> None:
    fill(store, FEW, OPEN, NOW)
    fill(other_store, MANY, OPEN, NOW)
    few = {name: work(store, act) for name, act in ACTS.items()}
    many = {name: work(other_store, act) for name, act in ACTS.items()}
    grown = {name: many[name] / few[name] for name in ACTS}
    assert {name: times for name, times in grown.items() if times > SAME} == {}


def test_what_ended_since_yesterday_costs_the_same_whatever_ended_before(
    store: Store, other_store: Store
) -> None:
    """Läge read every version of every entry for the work of the last days."""

    def ended(conn: Connection) -> dict[datetime, int]:
        return count_ended_by_hour(conn, UNITS, NOW - timedelta(hours=12))

    fill(store, FEW, OPEN, NOW)
    fill(other_store, MANY, OPEN, NOW)
    with store.read() as one, other_store.read() as other:
        assert sum(ended(one).values()) == sum(ended(other).values()) > 0
    assert work(other_store, ended) < SAME * work(store, ended)


def test_views_without_a_decision_are_looked_up_one_by_one(store: Store) -> None:
    """One condition with OR compared each view with the whole log: minutes for 10,000 pages."""
    fill(store, FEW, OPEN, NOW)
    hour = timedelta(days=10 / PER_DAY)
    hinted = LogFilter(NOW - 150 * hour, NOW - 140 * hour, hint=Hint.WITHOUT_DECISION)
    whole = LogFilter(NOW - 150 * hour, NOW - 140 * hour)

    def count(chosen: LogFilter) -> Callable[[Connection], object]:
        return lambda conn: count_log_rows(conn, UNITS, chosen)

    with store.read() as conn:
        assert 10 <= count_log_rows(conn, UNITS, hinted) <= 15  # and those of blank pages
    assert work(store, count(hinted)) < 30 * work(store, count(whole))
