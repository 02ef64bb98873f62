"""How the work of a unit is shared: counts by person, for who manages the unit."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import insert

from pipeline.domain.errors import NotAllowedError
from pipeline.store.database.store import Store
from pipeline.store.reports.work_load import LOAD_DAYS, PersonLoad, list_person_loads
from pipeline.store.review.decisions import decide_entry
from pipeline.store.schema.review import look
from tests.support.store.ward import (
    ADMIN,
    CHIEF,
    EVA,
    FORMS,
    NILS,
    NOW,
    PLAN,
    SAID,
    Ward,
    answers,
)
from tests.unit.reporting.progress_ward import make_counted_ward

pytest_plugins = ("tests.support.store.databases",)
pytestmark = pytest.mark.both_databases


@pytest.fixture
def ward(store: Store) -> Ward:
    """Notes of the north, of which Eva has confirmed one, and a visit list of the south."""
    return make_counted_ward(store)


def test_each_persons_work_of_today_and_of_the_week_is_counted_in_the_managers_unit(
    ward: Ward,
) -> None:
    looks = (
        ("NNN0-00", "eva", timedelta(0)),
        ("NNN1-00", "eva", timedelta(days=2)),
        ("NNN2-00", "nils", timedelta(days=LOAD_DAYS + 1)),
        ("SSS1-01", "sofia", timedelta(0)),
    )
    rows = [
        {
            "entry": entry,
            "revision": 7,
            "login": login,
            "at": NOW - ago,
            "fields": 4,
            "seconds": 30.0,
            "second": False,
        }
        for entry, login, ago in looks
    ]
    with ward.store.begin() as conn:
        before = {load.name: load for load in list_person_loads(conn, CHIEF, NOW)}
        conn.execute(insert(look), rows)
        decide_entry(conn, FORMS, NILS, "NNN3-00", 0, answers({**SAID, **PLAN}), NOW)
        after = list_person_loads(conn, CHIEF, NOW)
    was = before.get(EVA.name, PersonLoad(EVA.name, 0, 0, 0))
    eva, nils = (next(load for load in after if load.name == who.name) for who in (EVA, NILS))
    assert (eva.today - was.today, eva.week - was.week, eva.unsigned) == (1, 2, 1)
    assert (nils.week, nils.unsigned) == (nils.today, 1)
    assert {load.name for load in after} == {EVA.name, NILS.name}


def test_who_does_not_manage_a_unit_is_told_of_nobody(ward: Ward) -> None:
    with ward.store.read() as conn, pytest.raises(NotAllowedError):
        list_person_loads(conn, ADMIN, NOW)
