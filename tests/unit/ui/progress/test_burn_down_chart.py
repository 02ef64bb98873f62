"""The burn-down on Läge."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from pipeline.domain.form.form import Forms
from pipeline.reporting.forecast import Forecast, ForecastDay, WorkDay, WorkHour
from pipeline.reporting.progress import make_progress_report
from pipeline.store.database.store import Store
from pipeline.store.schema.clock import utc_now
from tests.support.screens.seeding import ADMINISTRATOR
from ui.screens.progress.screen import burn_down_chart

_DAY_MS = 24 * 60 * 60 * 1000


def test_no_day_is_marked_twice_while_the_pile_is_young(store: Store) -> None:
    """With three days there is room for marks of hours, which would all bear the same day."""
    with store.read() as conn:
        found = make_progress_report(conn, Forms(), ADMINISTRATOR, utc_now())
    behind = (
        WorkDay("2026-11-25", 1, 0, 0),
        WorkDay("2026-11-26", 3, 1, 2),
        WorkDay("2026-11-27", 0, 1, 1),
    )
    chart = burn_down_chart(
        replace(
            found,
            past_days=behind,
            forecast=Forecast(1, 1, 1, (ForecastDay("2026-11-28", 0, 0, 0),)),
        )
    ).to_dict()
    assert {layer["encoding"]["x"]["axis"]["tickMinStep"] for layer in chart["layer"]} == {_DAY_MS}


def test_the_first_days_are_drawn_by_the_hour_with_what_came_in_was_done_and_is_left(
    store: Store,
) -> None:
    with store.read() as conn:
        found = make_progress_report(conn, Forms(), ADMINISTRATOR, utc_now())
    hour = datetime(2026, 11, 30, 9, tzinfo=UTC)
    hours = (WorkHour(hour, 5, 0, 5), WorkHour(hour + timedelta(hours=1), 0, 2, 3))
    chart = burn_down_chart(replace(found, past_hours=hours)).to_dict()
    rows = [row for rows in chart["datasets"].values() for row in rows]
    assert [row["count"] for row in rows if "count" in row] == [5, 0, 0, 2]
    assert [row["open"] for row in rows if "open" in row] == [5, 3]
