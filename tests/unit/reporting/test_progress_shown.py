"""The numbers of Läge as they are printed and kept in a file."""

from __future__ import annotations

import csv
import dataclasses
import io
import re
import subprocess
from datetime import timedelta
from itertools import pairwise

import cv2
import numpy as np
import pikepdf
import pytest
from sqlalchemy import update

from pipeline.domain.form.confidence import Share
from pipeline.domain.review.rules import Answer
from pipeline.reporting.csv_files import progress_csv
from pipeline.reporting.data_quality import ErrorMetric
from pipeline.reporting.forecast import (
    NO_FORECAST,
    Forecast,
    ForecastDay,
    WorkDay,
    forecast_open_entries,
)
from pipeline.reporting.progress import (
    WorkPace,
    forecast_with_people,
)
from pipeline.reporting.situation_print import situation_pdf
from pipeline.review.corrections import Corrections
from pipeline.store.database.store import Store
from pipeline.store.reports.progress import PageCount, UnansweredRun
from pipeline.store.schema import paper
from pipeline.texts import LANGUAGES, Words
from tests.support.store.ward import (
    ASTA,
    EVA,
    NORTH,
    NOW,
    Ward,
    later,
)
from tests.support.store.work import work
from tests.unit.reporting.progress_ward import make_counted_ward, seen

pytest_plugins = ("tests.support.store.databases",)

pytestmark = pytest.mark.both_databases


@pytest.fixture
def ward(store: Store) -> Ward:
    return make_counted_ward(store)


@pytest.mark.parametrize(
    ("language", "said"),
    [
        (
            "sv",
            (
                "Läge: efterregistrering",
                "väntar + 1 misslyckad. Ingen lagfrist",
                "Det är för tidigt",
                "1 exporterad post saknar kvittens, i 1 körning.",
                "skärmen: ungefär 1 timme i",
                "Enhet",
            ),
        ),
        (
            "en",
            (
                "Progress: entering",
                "waiting + 1 failed. No legal deadline",
                "It is too early",
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
        input=situation_pdf(found, "Kalix kommun", NOW, language),
        capture_output=True,
        check=True,
    )
    text = " ".join(told.stdout.decode().split())
    assert [word for word in said if word not in text] == []
    assert ASTA.name not in text


@pytest.mark.parametrize(("behind", "ahead"), [(5, 120), (14, 1), (14, 120), (14, 30), (3, 0)])
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
    pdf = situation_pdf(found, "Kalix kommun", NOW)
    boxes = subprocess.run(
        ["pdftotext", "-bbox", "-", "-"], input=pdf, capture_output=True, check=True
    ).stdout.decode()
    written = re.findall(
        r'xMin="([\d.]+)" yMin="([\d.]+)" xMax="([\d.]+)" [^>]*>(\d{4}-\d\d-\d\d)<', boxes
    )
    today = days[behind - 1]
    (line,) = {top for _, top, _, day in written if day == today and float(top) > 200}
    below = [each for each in written if each[1] == line]
    spans = sorted((float(left), float(right)) for left, _, right, _ in below)
    assert all(before[1] + 2 < after[0] for before, after in pairwise(spans))


def _days(count: int) -> tuple[WorkDay, ...]:
    first = NOW - timedelta(days=count - 1)
    return tuple(
        WorkDay(f"{first + timedelta(days=n):%Y-%m-%d}", 9, 4, 40 - n) for n in range(count)
    )


_AHEAD = tuple(ForecastDay(f"{NOW + timedelta(days=n):%Y-%m-%d}", 1, 20, 30) for n in range(1, 9))


@pytest.mark.parametrize("language", list(LANGUAGES))
@pytest.mark.parametrize(
    ("days", "forecast", "units"),
    [
        (1, NO_FORECAST, 0),
        (14, NO_FORECAST, 3),
        (14, Forecast(5, 8, None, _AHEAD), 40),
    ],
    ids=["first day", "no forecast", "many units"],
)
def test_the_print_is_one_page_with_ink_in_its_plot_and_nothing_at_its_edges(
    days: int, forecast: Forecast, units: int, language: str, ward: Ward
) -> None:
    known = seen(ward)
    names = [f"Hemtjänsten i Övre Kalix och Överkalix {n}" for n in range(units)]
    found = dataclasses.replace(
        known,
        past_days=_days(days),
        past_hours=known.past_hours if days < 3 else (),
        forecast=forecast,
        pages=(*known.pages, *(PageCount(name, "", 9, 1, 7, 1) for name in names)),
    )
    assert found.is_by_hour == (days < 3)
    pdf = situation_pdf(found, "Kalix kommun", NOW, language)
    with pikepdf.open(io.BytesIO(pdf)) as opened:
        assert len(opened.pages) == 1
    png = subprocess.run(
        ["pdftoppm", "-r", "50", "-png", "-singlefile", "-"],
        input=pdf,
        capture_output=True,
        check=True,
    ).stdout
    image = cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_COLOR)
    assert image is not None
    edge = 12
    for side in (image[:edge], image[-edge:], image[:, :edge], image[:, -edge:]):
        assert int(side.min()) > 250
    # The colour of lines and bars of work (31, 107, 117) is nowhere but in the plot.
    blue, green, red = (image[..., n].astype(int) for n in range(3))
    is_line = (red < 90) & (green > 70) & (green < 140) & (blue > 80) & (blue < 150)
    assert is_line.sum() > 40


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
        say = Words(language)
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
        assert {say(f"progress_file.{name}") for name in asked} <= whats
        assert next(
            line for line in lines if line[1] == say("progress_file.wrong") and line[-1] == "40"
        )[5] == say("progress_file.controlled")
        assert (say("progress_file.due") in whats) == bool(found.due)


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
        input=situation_pdf(found, "Kalix kommun", NOW),
        capture_output=True,
        check=True,
    )
    words = " ".join(said.stdout.decode().split())
    assert f"1 bunt från {NORTH} är inte uppladdad till slutet" in words
    assert "buntar som inte är uppladdade till slutet" in progress_csv(found, (), NOW).decode(
        "utf-8-sig"
    )
    with ward.store.begin() as conn:
        conn.execute(update(paper.page).values(scanned_at=NOW - timedelta(minutes=1)))
    assert seen(ward).incomplete_batches == {}


def test_an_export_that_a_newer_one_has_overtaken_is_not_waited_for_twice(ward: Ward) -> None:
    ward.export("NNN0-00", 1)
    with ward.store.begin() as conn:
        work(Corrections, conn, EVA).correct("NNN0-00", 1, {"text": Answer("Sov illa.")}, "fel ord")
    ward.export("NNN0-00", 2)
    assert [(one.id, one.entries) for one in seen(ward).silent_runs] == [("r2", 1)]


def test_a_correction_is_no_work_off_the_pile(ward: Ward) -> None:
    ward.export("NNN0-00", 1)
    with ward.store.begin() as conn:
        conn.execute(update(paper.entry).values(created_at=NOW - timedelta(days=3)))
    before = {day.day: day.open for day in seen(ward, now=later(1)).past_days}
    with ward.store.begin() as conn:
        work(Corrections, conn, EVA, NOW + timedelta(days=2)).correct(
            "NNN0-00", 1, {"text": Answer("Sov illa.")}, "fel ord"
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
