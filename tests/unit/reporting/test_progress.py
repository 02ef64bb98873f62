"""The numbers of Läge: they add up, and agree with what `efterskrift status` counts."""

from __future__ import annotations

import dataclasses
import re
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, insert, select, update

from pipeline.domain.errors import NotAllowedError
from pipeline.domain.form.form import Forms
from pipeline.domain.model import EntryState
from pipeline.domain.review.triage import load_triage_table
from pipeline.domain.settings import Settings
from pipeline.export.runs import ExportContext, count_unsigned
from pipeline.reporting import progress as overviews
from pipeline.reporting.csv_files import progress_csv
from pipeline.reporting.forecast import NO_FORECAST, WorkHour
from pipeline.reporting.progress import (
    measure_pace,
)
from pipeline.reporting.situation import describe_situation
from pipeline.store.database.store import Store
from pipeline.store.exports.ready_entries import list_ready_entries
from pipeline.store.reports.entry_counts import workspace_metrics
from pipeline.store.reports.progress import DANGERS, HourOfWork, list_hours_of_work
from pipeline.store.schema import exports, paper
from pipeline.store.schema.review import look
from pipeline.store.schema.tally import DONE, FAILED, WAITING
from tests.support.store.counted_statements import statements
from tests.support.store.ward import (
    ADMIN,
    ASTA,
    CHIEF,
    EVA,
    FORMS,
    NORTH,
    NOW,
    RULE,
    SOUTH,
    VISITS,
    Ward,
    later,
)
from tests.unit.reporting.progress_ward import make_counted_ward, seen

pytest_plugins = ("tests.support.store.databases",)

pytestmark = pytest.mark.both_databases


@pytest.fixture
def ward(store: Store) -> Ward:
    return make_counted_ward(store)


def test_for_every_unit_and_form_all_pages_are_done_waiting_or_failed(ward: Ward) -> None:
    found = seen(ward).pages
    assert {one.unit for one in found} == {NORTH, SOUTH}
    assert [one for one in found if one.pages != one.done + one.waiting + one.failed] == []


def test_the_overview_agrees_with_status(ward: Ward) -> None:
    found = seen(ward)
    with ward.store.read() as conn:
        said = workspace_metrics(conn)
    assert found.counted == {
        name: said["pages"][name] for name in ("in", "done", "waiting", "failed")
    }
    assert found.counted["failed"] == 1
    states = {
        state.value: sum(one.count for one in found.entries if one.state is state)
        for state in EntryState
    }
    assert {state: count for state, count in states.items() if count} == said["entries"]


def test_the_sentence_that_nothing_is_lost_has_the_numbers_of_the_store(ward: Ward) -> None:
    """Each page is in the sum once, whatever has been done to it."""
    standing = paper.page.c.standing
    query = select(standing, func.count()).group_by(standing)
    for _ in range(2):
        with ward.store.read() as conn:
            counts = dict(map(tuple, conn.execute(query)))
        whole = describe_situation(seen(ward).situation, "sv").whole
        total, done, waiting, failed = map(int, re.findall(r"\d+", whole.partition(".")[0]))
        assert (done, waiting, failed) == (counts[DONE], counts[WAITING], counts[FAILED])
        assert total == done + waiting + failed == sum(counts.values())
        assert min(done, waiting, failed) > 0
        ward.scan()


def test_what_is_dangerous_is_counted_until_the_care_system_has_it(ward: Ward) -> None:
    rules = {"DDD0": "allergi", "DDD1": "dos", "DDD2": "lakemedel-ord", "DDD3": "akut"}
    for sheet, rule in rules.items():
        ward.note(sheet)
        with ward.store.begin() as conn:
            is_of_sheet = paper.entry.c.id.startswith(sheet)
            conn.execute(update(paper.entry).where(is_of_sheet).values(triage=rule))
    assert seen(ward).dangers == {"acute": 1, "allergies": 1, "drugs": 2}
    danger = describe_situation(seen(ward).situation, "sv").danger
    assert "2 poster om läkemedel är inte införda." in danger
    with ward.store.begin() as conn:
        conn.execute(
            update(paper.entry)
            .where(paper.entry.c.triage.in_(rules.values()))
            .values(state=EntryState.RECEIPTED.value)
        )
    assert seen(ward).dangers == {"acute": 0, "allergies": 0, "drugs": 0}


def test_each_danger_is_found_by_rules_that_the_table_has() -> None:
    rules = {rule.id for rule in load_triage_table().rules}
    assert {rule for named in DANGERS.values() for rule in named} <= rules


def test_before_there_are_days_the_hours_of_work_are_forecast_with_those_who_worked() -> None:
    hours = [WorkHour(NOW + timedelta(hours=n), 0, 10 + n, 100 - 10 * n) for n in range(6)]
    work = [
        HourOfWork(hour.hour, who, 5, 20, 900.0)
        for hour in hours
        for who in ("eva", "nils", "sofia")
    ]
    forecast, people = overviews.forecast_hours(work, hours)
    assert (forecast.optimistic, forecast.pessimistic, people) == (4, 5, 3)
    assert overviews.forecast_hours(work[:2], hours) == (NO_FORECAST, 0)  # two people
    assert overviews.forecast_hours(work, hours[:3]) == (NO_FORECAST, 3)  # two whole hours


def test_a_manager_is_given_only_the_own_unit(ward: Ward) -> None:
    found = seen(ward, CHIEF)
    for units in (
        [one.unit for one in found.pages],
        [one.unit for one in found.entries],
        [one.unit for one in found.units],
    ):
        assert set(units) == {NORTH}
    assert {one.unit for one in found.sheets} <= {NORTH}


def test_figures_are_not_for_reviewers(ward: Ward) -> None:
    with pytest.raises(NotAllowedError):
        seen(ward, EVA)


def test_no_person_is_in_the_figures(ward: Ward) -> None:
    said = repr(dataclasses.asdict(seen(ward)))
    assert not any(word in said for word in (ASTA.pid, ASTA.name, EVA.login, "admin"))


def test_persons_with_class_a_paper_are_counted_once_until_it_is_receipted(ward: Ward) -> None:
    with ward.store.begin() as conn:
        conn.execute(
            update(paper.entry).where(paper.entry.c.unit == NORTH).values(likely_pid=ASTA.pid)
        )
    assert [(one.unit, one.persons_a) for one in seen(ward).units] == [(NORTH, 1), (SOUTH, 0)]
    with ward.store.begin() as conn:
        conn.execute(
            update(paper.entry)
            .where(paper.entry.c.unit == NORTH)
            .values(state=EntryState.RECEIPTED.value)
        )
    assert [one.unit for one in seen(ward).units] == [SOUTH]


def test_entries_are_unsigned_in_laege_that_export_waits_for_a_signature_of(ward: Ward) -> None:
    """Notes are signed; confirmed lists of visits go as they are."""
    forms = Forms(FORMS)
    forms.signing = (RULE.model_copy(update={"forms": {VISITS.id: False}}),)
    with ward.store.begin() as conn:
        visit = update(paper.entry).where(paper.entry.c.unit == SOUTH)
        conn.execute(visit.values(state=EntryState.CONFIRMED.value, first_by="sofia"))
    found = seen(ward, forms=forms).remaining
    with ward.store.read() as conn:
        ready = list_ready_entries(conn, forms, ADMIN)
    unsigned = count_unsigned(ExportContext(ward.store, Settings(), forms), ADMIN)
    steps = [(left.unsigned, left.unexported) for left in found.values()]
    assert {unit: (left.unsigned, left.unexported) for unit, left in found.items()} == {
        NORTH: (1, 0),
        SOUTH: (0, 1),
    }
    assert [sum(column) for column in zip(*steps, strict=True)] == [unsigned, len(ready)]


def test_deadlines_are_counted_by_swedish_days_left(ward: Ward) -> None:
    # Half past eleven in the evening in Sweden: what is due at 23:59 is due today.
    now = datetime(2026, 3, 2, 22, 30, tzinfo=UTC)
    for serial, due in (
        ("NNN2", datetime(2026, 3, 2, 22, 59, tzinfo=UTC)),
        ("NNN3", datetime(2026, 3, 1, 22, 59, tzinfo=UTC)),
    ):
        with ward.store.begin() as conn:
            conn.execute(
                update(paper.entry)
                .where(paper.entry.c.id == f"{serial}-00")
                .values(due_at=due, deadlines={"lvu-understallning": due.isoformat()})
            )
    found = seen(ward, now=now)
    assert {name: found.due_in(name) for name in overviews.DUE_NAMES} == {
        "over": 1,
        "uncertain": 0,
        "today": 1,
        "tomorrow": 0,
        "3": 0,
        "7": 0,
        "later": 0,
    }


def test_second_checks_are_counted_by_class(ward: Ward) -> None:
    before = seen(ward).second_checked["A"]
    with ward.store.begin() as conn:
        conn.execute(
            update(paper.entry)
            .where(paper.entry.c.id == "NNN2-00")
            .values(state="bekräftad", first_by="eva", second_by="nils")
        )
    after = seen(ward).second_checked["A"]
    assert (after[0] - before[0], after[1] - before[1]) == (1, 1)


def test_what_is_void_is_counted_as_void_and_neither_as_confirmed_nor_as_rejected(
    ward: Ward,
) -> None:
    before = seen(ward)
    with ward.store.begin() as conn:
        conn.execute(
            update(paper.entry)
            .where(paper.entry.c.id == "NNN2-00")
            .values(state="bekräftad", first_by="eva", voided="fel person")
        )
    after = seen(ward)
    assert after.second_checked == before.second_checked
    assert [(one.state, one.count) for one in after.entries if one.is_void] == [
        (EntryState.CONFIRMED, 1)
    ]
    assert sum(one.count for one in after.entries) == sum(one.count for one in before.entries)
    groups = [
        line.split(";")[5] for line in progress_csv(after, (), NOW).decode("utf-8-sig").splitlines()
    ]
    assert [group.partition(",")[0] for group in groups if "makulerad" in group] == ["makulerad"]


def test_a_run_is_silent_until_every_entry_is_answered(ward: Ward) -> None:
    run = {
        "id": "r1",
        "target": "skriv-in",
        "file_name": "f",
        "file_sha256": "0",
        "made_at": NOW,
        "made_by": "eva",
    }
    with ward.store.begin() as conn:
        conn.execute(insert(exports.export_run).values(run))
        conn.execute(
            insert(exports.export_item).values(run="r1", entry="NNN0-00", revision=1, number=1)
        )
        conn.execute(
            update(paper.entry)
            .where(paper.entry.c.id == "NNN0-00")
            .values(state=EntryState.EXPORTED.value)
        )
    assert [(one.id, one.entries) for one in seen(ward).silent_runs] == [("r1", 1)]
    with ward.store.begin() as conn:
        conn.execute(
            insert(exports.receipt).values(
                entry="NNN0-00", revision=1, run="r1", at=NOW, by="eva", accepted=True
            )
        )
    assert seen(ward).silent_runs == ()


def test_work_is_added_up_by_the_hour_in_both_databases(ward: Ward) -> None:
    rows = [
        {
            "entry": f"NNN{n}-00",
            "revision": 0,
            "login": who,
            "at": later(n),
            "fields": 4,
            "seconds": 30.0,
            "second": False,
        }
        for n, who in enumerate(("eva", "eva", "nils"))
    ]
    with ward.store.begin() as conn:
        conn.execute(insert(look), rows)
        work = list_hours_of_work(conn, CHIEF.units, NOW - timedelta(days=1))
    assert [(one.hour, one.person_key, one.entries, one.fields, one.seconds) for one in work] == [
        (NOW, "eva", 2, 8, 60.0),
        (NOW, "nils", 1, 4, 30.0),
    ]


def test_the_number_of_statements_does_not_grow_with_the_entries(ward: Ward) -> None:
    with statements(ward.store) as before:
        seen(ward)
    for n in range(20):
        ward.note(f"MMM{n:02d}")
    with statements(ward.store) as after:
        seen(ward)
    assert len(before) == len(after) <= 28  # six of them read what is kept counted


def test_time_is_said_only_of_enough_entries_and_people() -> None:
    hours = [
        HourOfWork(NOW, "eva", 10, 40, 1200.0),
        HourOfWork(NOW, "nils", 10, 40, 2400.0),
        HourOfWork(NOW, "sofia", 10, 40, 1800.0),
    ]
    found = measure_pace(hours, 100)
    assert (
        found.people,
        found.hours_per_day,
        found.seconds_per_field,
        found.seconds_per_entry,
        found.hours_left,
    ) == (3.0, 0.5, 45.0, 180.0, 5.0)
    assert measure_pace(hours[:2], 100).seconds_per_field is None
    assert (
        measure_pace([dataclasses.replace(one, entries=6) for one in hours], 100).hours_left is None
    )
