"""The figures of Läge: they add up, and agree with what `efterskrift status` counts."""

from __future__ import annotations

import csv
import dataclasses
import re
import subprocess
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from sqlalchemy import insert, update

from pipeline.domain.confidence import Share
from pipeline.domain.errors import NotAllowedError
from pipeline.domain.model import EntryState, IssuedSheet, Outcome, PageReading
from pipeline.domain.review.rules import Answer
from pipeline.reporting import progress as overviews
from pipeline.reporting.data_quality import ErrorMetric
from pipeline.reporting.forecast import (
    Forecast,
    ForecastDay,
    WorkDay,
    forecast_open_entries,
    past_days,
)
from pipeline.reporting.progress import (
    ProgressReport,
    WorkPace,
    forecast_with_people,
    make_progress_report,
    measure_pace,
)
from pipeline.reporting.progress_files import describe_forecast, progress_csv, progress_pdf
from pipeline.store.database.store import Store
from pipeline.store.paper.pages import NewPage, add_page, create_batch
from pipeline.store.reports.entry_counts import workspace_metrics
from pipeline.store.reports.progress import HourOfWork, UnansweredRun, list_hours_of_work
from pipeline.store.review.corrections import correct_entry
from pipeline.store.review.decisions import decide_entry, reject_entry
from pipeline.store.schema import exports, paper
from pipeline.store.schema.review import look
from pipeline.texts import LANGUAGES, Topic
from tests.support.store.counted_statements import statements
from tests.support.store.ward import (
    ADMIN,
    ASTA,
    CHIEF,
    EVA,
    FORMS,
    NORTH,
    NOTE,
    NOW,
    PLAN,
    SAID,
    SOUTH,
    VISITS,
    Ward,
    answers,
    later,
    page_reading,
)

pytest_plugins = ("tests.support.store.databases",)
pytestmark = pytest.mark.both_databases


@pytest.fixture
def ward(store: Store) -> Ward:
    """Notes of two units in many states, a blank page, one that failed, and one that nobody has
    read.
    """
    ward = Ward(store).begin()
    ward.issue(
        IssuedSheet("SSS1", VISITS.id, 1, SOUTH),
        *(IssuedSheet(f"NNN{n}", NOTE.id, 1, NORTH) for n in range(4)),
    )
    for n in range(4):
        ward.note(f"NNN{n}")
    ward.read(
        ward.scan(), page_reading(VISITS, "SSS1", {"datum": "2026-02-10", "rad01.pnr": ASTA.pid})
    )
    ward.read(ward.scan(), PageReading(Outcome.BLANK))
    ward.read(ward.scan(), PageReading(Outcome.UNIDENTIFIED))
    ward.scan()
    with store.begin() as conn:
        batch = create_batch(conn, SOUTH, "", "admin")
        add_page(
            conn, NewPage(batch, 1, "x.pdf", 1, None, None, None, "broken_file: damaged"), "admin"
        )
        decide_entry(conn, FORMS, EVA, "NNN0-00", 0, answers({**SAID, **PLAN}), NOW)
        reject_entry(conn, EVA, "NNN1-00", 0, "dubblett", NOW)
    return ward


def seen(ward: Ward, who: object = ADMIN, now: datetime = NOW) -> ProgressReport:
    with ward.store.read() as conn:
        return make_progress_report(conn, who, now)  # type: ignore[arg-type]


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


def test_deadlines_are_counted_by_swedish_days_left(ward: Ward) -> None:
    # Half past eleven in the evening in Sweden: what is due at 23:59 is due today.
    now = datetime(2026, 3, 2, 22, 30, tzinfo=UTC)
    for serial, due in (
        ("NNN2", datetime(2026, 3, 2, 22, 59, tzinfo=UTC)),
        ("NNN3", datetime(2026, 3, 1, 22, 59, tzinfo=UTC)),
    ):
        with ward.store.begin() as conn:
            conn.execute(
                update(paper.entry).where(paper.entry.c.id == f"{serial}-00").values(due_at=due)
            )
    found = seen(ward, now=now)
    assert {name: found.due_in(name) for name in overviews.DUE_RANGES} == {
        "over": 1,
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
    assert len(before) == len(after) <= 14


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


def week(
    made: int = 0, hours: tuple[float, ...] = (1.0,) * 7
) -> tuple[WorkPace, tuple[WorkDay, ...]]:
    """A week in which three people worked so many hours a day each, at 20 entries an hour, and
    today; 200 entries are open.
    """
    days = [NOW - timedelta(days=back) for back in range(len(hours), 0, -1)]
    work = [
        HourOfWork(day, who, round(20 * h), 0, 3600 * h)
        for day, h in zip(days, hours, strict=True)
        if h
        for who in ("eva", "nils", "sofia")
    ]
    behind = [
        WorkDay(day.date().isoformat(), made, round(60 * h), 0)
        for day, h in zip(days, hours, strict=True)
    ]
    return measure_pace(work, 200), (*behind, WorkDay(NOW.date().isoformat(), 0, 0, 200))


def staffed(
    ward: Ward, people: int, measured: tuple[WorkPace, tuple[WorkDay, ...]]
) -> tuple[int | None, int | None, int | None]:
    found = forecast_with_people(
        dataclasses.replace(seen(ward), pace=measured[0], past_days=measured[1]), people
    )
    assert found is not None
    return found.optimistic, found.middle, found.pessimistic


def test_twice_the_people_take_half_the_days(ward: Ward) -> None:
    assert staffed(ward, 1, week()) == (10, 10, 10)
    assert staffed(ward, 2, week()) == (5, 5, 5)


def test_what_comes_in_makes_it_longer_and_too_much_never_ends(ward: Ward) -> None:
    assert staffed(ward, 2, week(made=20)) == (10, 10, 10)
    assert staffed(ward, 1, week(made=20)) == (None, None, None)


def test_uneven_days_and_days_off_give_a_range(ward: Ward) -> None:
    best, middle, worst = staffed(ward, 1, week(hours=(2.0, 0.5, 1.0, 0.0, 1.5, 1.0, 1.0)))
    assert best is not None
    assert middle is not None
    assert worst is not None
    assert 5 <= best < middle < worst <= 20


def test_too_few_days_or_people_foresee_nothing(ward: Ward) -> None:
    for measured in (week(hours=(1.0, 1.0)), (measure_pace([], 200), week()[1])):
        assert (
            forecast_with_people(
                dataclasses.replace(seen(ward), pace=measured[0], past_days=measured[1]), 2
            )
            is None
        )


def test_the_days_behind_are_counted_back_from_today() -> None:
    made = {NOW - timedelta(days=2): 10, NOW: 1}
    ended = {NOW - timedelta(days=1): 4}
    assert [
        (day.day, day.made, day.ended, day.open) for day in past_days(NOW, 14, 7, made, ended)
    ] == [
        ("2026-02-28", 10, 0, 10),
        ("2026-03-01", 0, 4, 6),
        ("2026-03-02", 1, 0, 7),
    ]


def test_an_even_pace_has_no_range_and_an_uneven_one_has() -> None:
    even = [WorkDay(f"2026-03-{n:02d}", 0, 10, 0) for n in range(1, 9)]
    found = forecast_open_entries(50, even)
    assert (found.optimistic, found.middle, found.pessimistic) == (5, 5, 5)
    assert found.path[-1].high == 0
    uneven = [WorkDay(f"2026-03-{n:02d}", 0, 20 * (n % 2), 0) for n in range(1, 9)]
    wide = forecast_open_entries(100, uneven)
    assert wide.optimistic is not None
    assert wide.middle is not None
    assert wide.pessimistic is not None
    assert wide.optimistic < wide.middle < wide.pessimistic
    assert wide == forecast_open_entries(100, uneven)


def test_nothing_is_foreseen_of_too_little_or_of_a_growing_pile() -> None:
    assert (
        forecast_open_entries(
            50, [WorkDay("2026-03-01", 0, 10, 50), WorkDay("2026-03-02", 0, 10, 50)]
        ).middle
        is None
    )
    growing = forecast_open_entries(
        50, [WorkDay(f"2026-03-{n:02d}", 20, 10, 50) for n in range(1, 9)]
    )
    assert (growing.optimistic, growing.pessimistic) == (None, None)
    assert growing.path[-1].middle > 50


@pytest.mark.parametrize(
    ("language", "said"),
    [
        (
            "sv",
            (
                "Läge: efterregistrering",
                "Sidor in",
                "1 exporterad post saknar kvittens, i 1 körning.",
                "skärmen: ungefär 1 timme i",
                "Enhet",
            ),
        ),
        (
            "en",
            (
                "Progress: entering",
                "Pages in",
                "1 exported entry has no receipt, in 1 run.",
                "screen: about 1 hour at",
                "Unit",
            ),
        ),
    ],
)
def test_the_print_is_in_the_language_of_the_person(
    language: str, said: tuple[str, ...], ward: Ward
) -> None:
    known = seen(ward)
    measured = dataclasses.replace(known.pace, hours_left=1.2)
    found = dataclasses.replace(
        known, silent_runs=(UnansweredRun("r1", "rivta", NOW, 1),), pace=measured
    )
    told = subprocess.run(
        ["pdftotext", "-layout", "-", "-"],
        input=progress_pdf(found, "Kalix kommun", NOW, language),
        capture_output=True,
        check=True,
    )
    text = told.stdout.decode()
    assert [word for word in said if word not in text] == []
    assert ASTA.name not in text


@pytest.mark.parametrize(
    ("behind", "ahead"), [(5, 120), (14, 1), (14, 120), (14, 30), (1, 0), (2, 0)]
)
def test_the_days_below_the_burn_down_stand_clear_of_each_other(
    behind: int, ahead: int, ward: Ward
) -> None:
    days = [f"{NOW + timedelta(days=n):%Y-%m-%d}" for n in range(behind + ahead)]
    path = tuple(ForecastDay(day, 1, 2, 3) for day in days[behind:])
    found = dataclasses.replace(
        seen(ward),
        past_days=tuple(WorkDay(day, 1, 1, 9) for day in days[:behind]),
        forecast=Forecast(1, 2, 3, path),
    )
    pdf = progress_pdf(found, "Kalix kommun", NOW)
    boxes = subprocess.run(
        ["pdftotext", "-bbox", "-", "-"], input=pdf, capture_output=True, check=True
    ).stdout.decode()
    below = re.findall(
        r'xMin="([\d.]+)" yMin="(4[67]\d)[\d.]+" xMax="([\d.]+)" [^>]*>(\d{4}-\d\d-\d\d)<', boxes
    )
    assert days[behind - 1] in [day for *_, day in below]
    spans = sorted((float(left), float(right)) for left, _, right, _ in below)
    assert all(before[1] + 2 < after[0] for before, after in pairwise(spans))


def test_a_forecast_without_an_end_is_said_in_days(ward: Ward) -> None:
    known = seen(ward)
    far = dataclasses.replace(
        known, open=1, forecast=Forecast(30, 80, None, (ForecastDay("2026-03-02", 0, 1, 1),))
    )
    assert describe_forecast(far, Topic("progress_report", "sv")).startswith(
        "Klart om ungefär 80 dagar (mellan 30 och mer än 120 dagar)"
    )


def test_the_file_has_every_figure_in_the_language_of_the_person(ward: Ward) -> None:
    found = dataclasses.replace(seen(ward), silent_runs=(UnansweredRun("r1", "rivta", NOW, 1),))
    errors = [ErrorMetric("hsl-anteckning", "", Share(1, 40), None)]
    files = {
        language: progress_csv(found, errors, NOW, language).decode("utf-8-sig")
        for language in LANGUAGES
    }
    tables_of = {
        language: list(csv.reader(file.splitlines(), delimiter=";"))
        for language, file in files.items()
    }
    numbers = [[line[-1] for line in lines[1:]] for lines in tables_of.values()]
    assert numbers[0] == numbers[1]
    for language, lines in tables_of.items():
        say = Topic("progress_file", language)
        whats = {line[1] for line in lines}
        asked = (
            "pages",
            "entries",
            "not_entered",
            "persons_a",
            "sheets",
            "silent",
            "day",
            "days_left",
            "arriving",
            "seconds",
            "people",
            "wrong",
        )
        assert {say(name) for name in asked} <= whats
        assert next(line for line in lines if line[1] == say("wrong") and line[-1] == "40")[
            5
        ] == say("controlled")
        assert (say("due") in whats) == bool(found.due)


def test_a_stack_that_was_not_taken_in_to_its_end_is_told_of_everywhere(ward: Ward) -> None:
    assert seen(ward).incomplete_batches == {}
    with ward.store.begin() as conn:
        conn.execute(
            update(paper.batch).where(paper.batch.c.id == ward.batch).values(taking_in="0" * 64)
        )
        conn.execute(update(paper.page).values(scanned_at=NOW - timedelta(hours=1)))
    found = seen(ward)
    assert found.incomplete_batches == {NORTH: 1}
    said = subprocess.run(
        ["pdftotext", "-layout", "-", "-"],
        input=progress_pdf(found, "Kalix kommun", NOW),
        capture_output=True,
        check=True,
    )
    assert "1 bunt är inte inskannad till slutet: se Skanna." in said.stdout.decode()
    assert "buntar som inte är inskannade till slutet" in progress_csv(found, (), NOW).decode(
        "utf-8-sig"
    )
    with ward.store.begin() as conn:
        conn.execute(update(paper.page).values(scanned_at=NOW - timedelta(minutes=1)))
    assert seen(ward).incomplete_batches == {}


def test_an_export_that_a_newer_one_has_overtaken_is_not_waited_for_twice(ward: Ward) -> None:
    ward.export("NNN0-00", 1)
    with ward.store.begin() as conn:
        correct_entry(conn, FORMS, EVA, "NNN0-00", 1, {"text": Answer("Sov illa.")}, "fel ord", NOW)
    ward.export("NNN0-00", 2)
    assert [(one.id, one.entries) for one in seen(ward).silent_runs] == [("r2", 1)]


def test_a_correction_is_no_work_off_the_pile(ward: Ward) -> None:
    ward.export("NNN0-00", 1)
    with ward.store.begin() as conn:
        conn.execute(update(paper.entry).values(created_at=NOW - timedelta(days=3)))
    before = {day.day: day.open for day in seen(ward, now=later(1)).past_days}
    with ward.store.begin() as conn:
        correct_entry(
            conn,
            FORMS,
            EVA,
            "NNN0-00",
            1,
            {"text": Answer("Sov illa.")},
            "fel ord",
            NOW + timedelta(days=2),
        )
    after = {
        day.day: day.open for day in seen(ward, now=NOW + timedelta(days=2, minutes=1)).past_days
    }
    assert {day: after[day] for day in before} == before


def test_no_days_are_said_where_nothing_is_open(ward: Ward) -> None:
    days = tuple(WorkDay(f"2026-02-{n:02}", 0, 5, 0) for n in range(1, 8))
    measured = WorkPace(2.0, 3.0, 10.0, 60.0, 0.0, {one.day: 3.0 for one in days})
    found = dataclasses.replace(
        seen(ward), open=0, past_days=days, pace=measured, forecast=forecast_open_entries(0, days)
    )
    assert found.forecast.middle == 0
    assert forecast_with_people(found, 2) is None
