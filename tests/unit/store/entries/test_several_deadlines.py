"""An entry with several legal deadlines: which run, which are met, and its place in the queue."""

from __future__ import annotations

from datetime import date, datetime

import pytest
from sqlalchemy import select, update

from pipeline.domain.form.form import Form, Forms
from pipeline.domain.law.duties import due_at
from pipeline.domain.model import EntryState, Value
from pipeline.domain.review.triage import FIRST_LEVEL, LEVEL_BY_CLASS
from pipeline.review import decisions
from pipeline.store.database.store import Store
from pipeline.store.entries.entry import load_entry
from pipeline.store.reports.progress import list_open_deadlines
from pipeline.store.schema import paper
from tests.support.store.ward import (
    CHIEF,
    EVA,
    FORMS,
    NILS,
    NOTE,
    NOW,
    PLAN,
    SAID,
    Ward,
    answers,
    page_reading,
)

pytest_plugins = ("tests.support.store.databases",)
pytestmark = pytest.mark.both_databases


def _with_deadlines(*deadlines: dict[str, str]) -> Form:
    """A note with the days of several duties."""
    top = NOTE.model_dump() | {"id": "flera", "deadlines": deadlines}
    for name in ("sant", "verkstallt", "ansokt"):
        day = {"name": name, "label": name, "kind": "digits", "format": "date", "critical": True}
        top["pages"][0]["fields"] += ({**day, "box": [20, 120, 60, 8]},)
    return Form.model_validate(top)


SEVERAL = _with_deadlines(
    {"rule": "lvu-understallning", "day": "datum", "met": "sant"},
    {"rule": "lvu-ansokan", "day": "verkstallt", "met": "ansokt"},
)
"""A note with two deadlines, the second of which runs from a later day."""
APPEAL = _with_deadlines({"rule": "overklagande", "day": "datum"})
ALL_FORMS = Forms({**FORMS, (SEVERAL.id, SEVERAL.version): SEVERAL})


@pytest.fixture
def ward(store: Store) -> Ward:
    """The test organisation."""
    return Ward(store).begin()


def add(ward: Ward, serial: str, **days: Value) -> str:
    """A sheet with these days that was read; answers with its entry's id."""
    ward.read(ward.scan(), page_reading(SEVERAL, serial, {**SAID, **days}), SEVERAL)
    return f"{serial}-00"


def stored(ward: Ward, entry_id: str) -> tuple[set[str], datetime | None, int]:
    """The rules of an entry's open deadlines, the nearest of them, and its level."""
    with ward.store.read() as conn:
        lanes = select(paper.entry.c.lane).where(paper.entry.c.id == entry_id)
        lane = conn.execute(lanes).scalar_one()
        found = load_entry(conn, entry_id)
    return set(found.deadlines or {}), found.due_at, lane


def settle(ward: Ward, entry_id: str, revision: int, **days: str | None) -> None:
    """Two people agree on all that an entry says."""
    with ward.store.begin() as conn:
        given = answers({**SAID, **PLAN, "sant": None, "verkstallt": None, "ansokt": None, **days})
        state = decisions.decide_entry(
            conn, ALL_FORMS, EVA, decisions.Decision(entry_id, revision, given), NOW
        )
        if state is EntryState.SECOND:
            again = {name: given[name] for name in days}
            decisions.decide_entry(
                conn, ALL_FORMS, NILS, decisions.Decision(entry_id, revision + 1, again), NOW
            )


def test_a_deadline_that_begins_later_does_not_run_before_its_day_is_written(ward: Ward) -> None:
    entry_id = add(ward, "SEVA", datum="2026-02-20")
    assert stored(ward, entry_id) == (
        {"lvu-understallning"},
        due_at("lvu-understallning", date(2026, 2, 20)),
        FIRST_LEVEL,
    )


def test_the_nearest_of_several_deadlines_orders_the_queue(ward: Ward) -> None:
    entry_id = add(ward, "SEVB", datum="2026-02-20", verkstallt="2026-01-20")
    assert stored(ward, entry_id)[:2] == (
        {"lvu-understallning", "lvu-ansokan"},
        due_at("lvu-ansokan", date(2026, 1, 20)),
    )


def test_a_reading_does_not_meet_a_deadline(ward: Ward) -> None:
    entry_id = add(ward, "SEVC", datum="2026-02-20", sant="2026-02-21")
    assert stored(ward, entry_id)[0] == {"lvu-understallning"}


def test_settled_answers_meet_a_deadline_and_the_next_one_counts(ward: Ward) -> None:
    entry_id = add(ward, "SEVD", datum="2026-02-20")
    settle(ward, entry_id, 0, datum="2026-02-20", sant="2026-02-21", verkstallt="2026-02-20")
    assert stored(ward, entry_id) == (
        {"lvu-ansokan"},
        due_at("lvu-ansokan", date(2026, 2, 20)),
        FIRST_LEVEL,
    )


def test_an_entry_that_has_met_its_deadlines_comes_by_its_class_and_is_not_listed(
    ward: Ward,
) -> None:
    entry_id = add(ward, "SEVE", datum="2026-02-20")
    days = {"sant": "2026-02-21", "verkstallt": "2026-02-20", "ansokt": "2026-03-02"}
    settle(ward, entry_id, 0, datum="2026-02-20", **days)
    assert stored(ward, entry_id) == (set(), None, LEVEL_BY_CLASS["A"])
    with ward.store.begin() as conn:
        conn.execute(update(paper.entry).values(state=EntryState.REVIEW.value))
        assert list_open_deadlines(conn, CHIEF) == []


def test_each_open_deadline_is_listed_with_its_rule_the_nearest_first(ward: Ward) -> None:
    add(ward, "SEVF", datum="2026-02-20", verkstallt="2026-02-20")
    add(ward, "SEVG", datum="2026-02-20")
    with ward.store.read() as conn:
        found = list_open_deadlines(conn, CHIEF)
    assert [(one.rule, one.entries) for one in found] == [
        ("lvu-understallning", 2),
        ("lvu-ansokan", 1),
    ]


def test_the_time_of_an_appeal_is_nobodys_duty_and_not_listed(ward: Ward) -> None:
    ward.read(ward.scan(), page_reading(APPEAL, "SEVH", {**SAID, "datum": "2026-02-20"}), APPEAL)
    assert stored(ward, "SEVH-00")[0] == {"overklagande"}
    with ward.store.read() as conn:
        assert list_open_deadlines(conn, CHIEF) == []
