"""Drift is found in the group where it is, and the answers it is measured by are the right ones."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import pytest
from sqlalchemy import insert, update

from pipeline.domain.errors import NotAllowedError
from pipeline.domain.model import Reading, State
from pipeline.domain.review.rules import Answer
from pipeline.reporting.watching import drift
from pipeline.reporting.watching.drift import Dimension, compare_answers, list_drift
from pipeline.review.decisions import Decision, decide_entry
from pipeline.store.database.store import Store
from pipeline.store.quality.result_counts import FirstAnswer, list_first_answers
from pipeline.store.schema import paper
from pipeline.store.schema.registers import watched_folder
from tests.support.store.ward import (
    CHIEF,
    EVA,
    FORMS,
    NORTH,
    NOTE,
    NOW,
    PLAN,
    SAID,
    SOUTH,
    Ward,
    answers,
)

pytest_plugins = ("tests.support.store.databases",)
_NEWEST = NOW
_PAST_SHEETS, _RECENT_SHEETS = 600, 60
_FIELDS = ("datum", "tid", "text", "namn", "skribent", "pnr", "plan")


def answered(number: int, *, wrong: Sequence[str] = (), scanner: str = "") -> list[FirstAnswer]:
    """What a person said of a sheet; `number` counts back from the newest, ten a day."""
    at = _NEWEST - timedelta(days=number // 10, minutes=number % 10)
    return [
        FirstAnswer(
            f"E{number}",
            NOTE.id,
            NOTE.version,
            name,
            f"Anna {number % 15}",
            scanner,
            at,
            Answer("2026-01-01"),
            Reading("2026-01-02" if name in wrong else "2026-01-01", 0.9, State.READ),
        )
        for name in _FIELDS
    ]


def many(recent_wrong: Sequence[str]) -> list[FirstAnswer]:
    """Six hundred sheets of which a few were read wrong, then sixty; by two scanners in turn."""
    found: list[FirstAnswer] = []
    for number in range(_RECENT_SHEETS):
        found += answered(
            number, wrong=recent_wrong if number % 3 == 0 else (), scanner=f"s{number % 2}"
        )
    for number in range(_RECENT_SHEETS, _RECENT_SHEETS + _PAST_SHEETS):
        wrong = ("datum",) if number % 12 == 0 else ()
        found += answered(number, wrong=wrong, scanner=f"s{number % 2}")
    return found


def test_a_form_that_is_read_worse_than_before_is_found() -> None:
    found = compare_answers(many(("datum", "tid", "text")), FORMS, NOW)
    rises = {(one.dimension, one.name) for one in found if one.is_rise}
    assert (Dimension.FORM, NOTE.id) in rises
    assert found[0].is_rise
    assert found[0].recent.wrong / found[0].recent.of > 0.1 > found[0].past.wrong / found[0].past.of


def test_reading_that_stays_as_it_was_is_no_drift() -> None:
    stayed = [one for number in range(700) for one in answered(number, wrong=_seldom(number))]
    found = compare_answers(stayed, FORMS, NOW)
    assert found
    assert not any(one.is_rise for one in found)


def _seldom(number: int) -> tuple[str, ...]:
    return ("datum",) if number % 12 == 0 else ()


def test_a_group_that_nobody_uses_any_more_is_not_compared() -> None:
    assert compare_answers(many(("datum",)), FORMS, NOW + timedelta(days=15)) == ()


@pytest.fixture
def ward(store: Store) -> Ward:
    """A note that Eva has decided: another time than was read."""
    drift._kept.clear()
    ward = Ward(store).begin()
    entry_id = ward.note("AAA1")
    with store.begin() as conn:
        said = answers({**SAID, **PLAN}, tid=Answer("09:15"))
        decide_entry(conn, FORMS, EVA, Decision(entry_id, 0, said), NOW)
    return ward


def test_answers_are_beside_what_was_read(ward: Ward) -> None:
    with ward.store.read() as conn:
        found = list_first_answers(conn, {NORTH}, 1000)
    by_field = {one.field: one for one in found}
    assert by_field.keys() == {*SAID, *PLAN}
    assert by_field["tid"].answer == Answer("09:15")
    assert by_field["tid"].reading.value == "08:15"
    assert {one.author for one in found} == {"Disa Penn"}
    assert {one.scanner for one in found} == {""}


def test_answers_of_other_units_are_not_counted(ward: Ward) -> None:
    with ward.store.read() as conn:
        assert list_first_answers(conn, {SOUTH}, 1000) == []


def test_only_the_latest_answers_are_looked_at(ward: Ward) -> None:
    with ward.store.read() as conn:
        assert len(list_first_answers(conn, {NORTH}, 2)) == 2


def test_a_stack_of_a_watched_folder_comes_from_its_scanner(ward: Ward) -> None:
    _watch(ward.store, NOW)
    with ward.store.begin() as conn:
        conn.execute(update(paper.batch).values(created_by="root"))
    with ward.store.read() as conn:
        assert {one.scanner for one in list_first_answers(conn, {NORTH}, 1000)} == {"skanner-3"}


def test_what_a_person_took_in_did_not_come_from_a_watched_folder(ward: Ward) -> None:
    _watch(ward.store, NOW)
    with ward.store.read() as conn:
        assert {one.scanner for one in list_first_answers(conn, {NORTH}, 1000)} == {""}


def _watch(store: Store, now: datetime) -> None:
    row = {
        "id": "f" * 64,
        "folder": "/srv/skanner-3",
        "unit": NORTH,
        "place": "Pärm 3",
        "looked_at": now,
        "is_away": False,
        "passed_over": [],
    }
    with store.begin() as conn:
        conn.execute(insert(watched_folder).values(row))


def test_drift_is_shown_to_who_manages_a_unit(ward: Ward) -> None:
    assert list_drift(ward.store, FORMS, CHIEF, NOW, 30) == []
    with pytest.raises(NotAllowedError):
        list_drift(ward.store, FORMS, EVA, NOW, 30)
