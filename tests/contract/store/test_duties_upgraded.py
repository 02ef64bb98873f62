"""A store of the revision before duties: what its entries hold is owed again after the upgrade."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from sqlalchemy import insert, text, update

from pipeline.domain.dates import SWEDEN
from pipeline.domain.model import EntryState
from pipeline.domain.settings import Settings
from pipeline.store.database.history import alembic_version
from pipeline.store.database.migrations.upgrade import upgrade_store
from pipeline.store.database.store import open_store
from pipeline.store.entries.entry import load_entry
from pipeline.store.reports.progress import list_open_deadlines
from pipeline.store.schema import paper
from pipeline.store.schema.append_only import unprotect_tables
from pipeline.store.schema.tally_triggers import drop_tally_triggers
from tests.support.store.export_office import MONA, confirm, open_office, scan
from tests.support.store.older_stores import TO_0020

pytest_plugins = ("tests.support.store.databases",)
pytestmark = pytest.mark.both_databases


def _evening(day: str) -> datetime:
    return datetime.fromisoformat(f"{day}T23:59").replace(tzinfo=SWEDEN)


def test_confirmed_entries_have_their_duties_back_and_the_right_day(
    store_settings: Settings,
) -> None:
    office = open_office(store_settings)
    said = {"handelsedatum": "2021-12-23", "handelsetid": "10:15"}
    report = confirm(office, "orosanmalan", "AAAA01", **said)
    noted, decided = (
        confirm(office, "hsl-anteckning", serial, anteckning="Läker.")
        for serial in ("BBBB01", "CCCC01")
    )
    unread = scan(office, "orosanmalan", "DDDD01")
    stored = {
        report: {"skyddsbedomning": "2021-12-23"},
        unread: {"skyddsbedomning": "2021-12-28"},
        noted: {"lvu-ansokan": "2022-01-20"},
        decided: {"overklagande": "2022-01-10"},
    }
    with office.store.begin() as conn:
        unprotect_tables(conn)
        read: dict[str, Any] = {"page": load_entry(conn, unread).page, "field": "handelsedatum"}
        read |= {"value": "2021-12-28", "p": 0.9, "state": "read"}
        conn.execute(insert(paper.reading).values(read | {"alternatives": [], "characters": []}))
        for entry_id, days in stored.items():
            times = {rule: _evening(day) for rule, day in days.items()}
            _change(
                conn,
                entry_id,
                state=EntryState.RECEIPTED.value,
                deadlines={rule: time.isoformat() for rule, time in times.items()},
                due_at=min(times.values()),
                due_on=min(days.values()),
            )
    with office.store.begin() as conn:  # the digests of the entries above need today's columns
        unprotect_tables(conn)
        drop_tally_triggers(conn)
        for statement in TO_0020:
            conn.execute(text(statement))
        conn.execute(update(alembic_version).values(version_num="0020"))
    office.store.close()
    upgrade_store(office.settings, backup=False)
    store = open_store(office.settings)
    with store.read() as conn:
        owed = {(each.rule, each.due_at) for each in list_open_deadlines(conn, MONA)}
        places = {one: load_entry(conn, one) for one in stored}
    store.close()
    assert owed == {
        ("lvu-ansokan", _evening("2022-01-20")),
        ("skyddsbedomning", _evening("2021-12-24")),
        ("skyddsbedomning", _evening("2021-12-29")),
    }
    assert places[report].due_at == _evening("2021-12-24")
    assert (places[decided].due_at, set(places[decided].deadlines or {})) == (
        None,
        {"overklagande"},
    )


def _change(conn: Any, entry_id: str, **values: Any) -> None:  # noqa: ANN401 - columns of many types
    conn.execute(update(paper.entry).where(paper.entry.c.id == entry_id).values(values))
