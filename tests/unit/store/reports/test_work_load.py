"""How the work of a unit is shared: counts by person, for who manages the unit."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import update

from pipeline.domain.errors import NotAllowedError
from pipeline.domain.form.form import Forms
from pipeline.review.decisions import Decision, decide_entry
from pipeline.store.database.store import Store
from pipeline.store.reports.work_load import LOAD_DAYS, PersonLoad, list_person_loads
from pipeline.store.schema import paper
from tests.support.store.ward import (
    ADMIN,
    CHIEF,
    EVA,
    FORMS,
    NILS,
    NOW,
    PLAN,
    RULE,
    SAID,
    Ward,
    answers,
)
from tests.unit.reporting.progress_ward import make_counted_ward

pytest_plugins = ("tests.support.store.databases",)
pytestmark = pytest.mark.both_databases
SIGNED_FORMS = Forms(FORMS)
SIGNED_FORMS.signing = (RULE,)


@pytest.fixture
def ward(store: Store) -> Ward:
    """Notes of the north, of which Eva has confirmed one, and a visit list of the south."""
    return make_counted_ward(store)


def test_each_persons_work_of_today_and_of_the_week_is_counted_in_the_managers_unit(
    ward: Ward,
) -> None:
    reviewed = {
        "NNN0-00": {"first_by": "eva", "first_at": NOW},
        "NNN1-00": {"first_by": "eva", "first_at": NOW - timedelta(days=2)},
        "NNN2-00": {"first_by": "nils", "first_at": NOW - timedelta(days=LOAD_DAYS + 1)},
        "SSS1-01": {"first_by": "sofia", "first_at": NOW},
    }
    reviewed["NNN1-00"] |= {"second_by": "nils", "second_at": NOW}
    with ward.store.begin() as conn:
        for entry_id, values in reviewed.items():
            conn.execute(update(paper.entry).where(paper.entry.c.id == entry_id).values(values))
        decide_entry(conn, FORMS, NILS, Decision("NNN3-00", 0, answers({**SAID, **PLAN})), NOW)
        loads = list_person_loads(conn, SIGNED_FORMS, CHIEF, NOW)
    assert loads == [PersonLoad(EVA.name, 1, 2, 1), PersonLoad(NILS.name, 2, 2, 1)]


def test_nobody_has_unsigned_what_needs_no_signature(ward: Ward) -> None:
    with ward.store.read() as conn:
        signed, plain = (
            list_person_loads(conn, forms, CHIEF, NOW) for forms in (SIGNED_FORMS, FORMS)
        )
    assert [load.unsigned for load in signed] == [1]
    assert [load.unsigned for load in plain] == [0]


def test_what_has_lain_unsigned_for_weeks_is_shown_with_who_confirmed_it(ward: Ward) -> None:
    long_ago = NOW - timedelta(days=LOAD_DAYS + 30)
    with ward.store.begin() as conn:
        conn.execute(update(paper.entry).values(first_at=long_ago))
        loads = list_person_loads(conn, SIGNED_FORMS, CHIEF, NOW)
    assert loads == [PersonLoad(EVA.name, 0, 0, 1)]


def test_who_does_not_manage_a_unit_is_told_of_nobody(ward: Ward) -> None:
    with ward.store.read() as conn, pytest.raises(NotAllowedError):
        list_person_loads(conn, FORMS, ADMIN, NOW)
