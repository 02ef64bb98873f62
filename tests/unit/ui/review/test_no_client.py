"""The screens with paper that is about no client."""

from __future__ import annotations

import pytest

from pipeline.domain.model import EntryState
from pipeline.store.database.store import Store
from pipeline.store.entries.entry import list_sheet_entries
from tests.support.screens import seeding, unusual_paper
from tests.support.screens.bench import Bench
from tests.support.screens.seeding import ADMINISTRATOR, NURSE
from tests.unit.ui.conftest import OpenScreen


def test_a_row_about_a_key_is_confirmed_without_a_client(
    store: Store, open_screen: OpenScreen
) -> None:
    serial = unusual_paper.add_key_receipts(store, (1,))
    bench = Bench(open_screen(NURSE, "review"))
    for name, text in (
        ("nyckel", "A 1"),
        ("ut_datum", "2021-12-18"),
        ("ut_tid", "07:30"),
        ("in_datum", "-"),
        ("in_tid", "-"),
    ):
        bench.type(f"rad01.{name}", text)
    bench.save()
    with store.read() as conn:
        (found,) = list_sheet_entries(conn, serial)
    assert (
        found.state in (EntryState.CONFIRMED, EntryState.SECOND),
        found.subject,
        found.event_on,
    ) == (True, "none", "2021-12-18")


@pytest.mark.parametrize(
    "screen", ["queue", "signing", "follow_up", "backlog", "export", "progress"]
)
def test_every_list_bears_entries_about_nobody(
    store: Store, open_screen: OpenScreen, screen: str
) -> None:
    unusual_paper.add_key_receipts(store, (1, 2))
    for person in (NURSE, ADMINISTRATOR, seeding.MANAGER):
        app = open_screen(person, screen)
        assert not app.exception
