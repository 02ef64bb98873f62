"""The burn-down on Läge."""

from __future__ import annotations

from dataclasses import replace

from pipeline.burn_down import Ahead, Day, Outlook
from pipeline.overview import overview
from pipeline.store.clock import utc_now
from pipeline.store.database import Store
from tests.ui.seeding import ADMINISTRATOR
from ui.components.burn_down_chart import burn_down_chart

_DAY_MS = 24 * 60 * 60 * 1000


def test_no_day_is_marked_twice_while_the_pile_is_young(store: Store) -> None:
    """With two days there is room for marks of hours, which would all bear the same day."""
    with store.read() as conn:
        found = overview(conn, ADMINISTRATOR, utc_now())
    behind = (Day("2026-11-26", 3, 1, 2), Day("2026-11-27", 0, 1, 1))
    chart = burn_down_chart(replace(found, behind=behind, outlook=Outlook(1, 1, 1, (Ahead("2026-11-28", 0, 0, 0),)))).to_dict()
    assert {layer["encoding"]["x"]["axis"]["tickMinStep"] for layer in chart["layer"]} == {_DAY_MS}
