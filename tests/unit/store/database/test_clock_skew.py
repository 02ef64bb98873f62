"""Computers whose clocks differ: what a file has carried, and which file came last, is known by the
order of what was done and by no clock.
"""

from __future__ import annotations

import io
import zipfile
from datetime import timedelta

import pytest

from pipeline.domain.record import Run
from pipeline.domain.review.rules import Answer
from pipeline.export.exporter import MOVED_TO_OTHER_CLIENT
from pipeline.export.runs import ExportContext, fetch_run_file
from pipeline.store.schema.clock import utc_now
from tests.support.store import export_office
from tests.support.store.export_examples import ARNE, SIV
from tests.support.store.export_office import (
    ANNA,
    TORA,
    agree,
    confirm,
    correct,
    corrected,
    in_long_outage,
    void,
)
from tests.support.store.rivta_archives import rivta_text
from tests.support.store.route_steps import make_run
from tests.support.texts import in_swedish

pytest_plugins = ("tests.support.store.databases", "tests.support.store.offices")
pytestmark = pytest.mark.both_databases

AHEAD = timedelta(minutes=10)
NOTE = {"kontakttyp": "besok", "anteckning": "Såret läker."}


def export(office: ExportContext, target: str = "rivta", ahead: timedelta = AHEAD) -> Run:
    """A run on a computer whose clock is ahead of the others'."""
    run = make_run(office, ANNA, target, utc_now() + ahead)
    assert run is not None
    return run


def told(office: ExportContext, run: Run) -> str:
    """The text of a run's file."""
    return rivta_text(fetch_run_file(office, ANNA, run.id).data)


def test_an_entry_moved_after_the_export_is_withdrawn_where_it_was(office: ExportContext) -> None:
    entry = confirm(office, "hsl-anteckning", "AAAA01", **NOTE)
    export(office)
    corrected(office, entry, "personnummer", Answer(ARNE.pid))
    text = told(office, export(office))
    assert in_swedish(MOVED_TO_OTHER_CLIENT) in text
    assert (
        text.index(SIV.pid) < text.index(in_swedish(MOVED_TO_OTHER_CLIENT)) < text.index(ARNE.pid)
    )


def test_one_made_void_after_its_correction_is_made_void_as_the_target_has_it(
    office: ExportContext,
) -> None:
    entry = confirm(office, "hsl-anteckning", "AAAA01", **NOTE)
    export(office)
    corrected(office, entry, "personnummer", Answer(ARNE.pid))
    void(office, entry)
    text = told(office, export(office))
    assert (SIV.pid in text, ARNE.pid in text) == (True, False)


def test_what_was_said_by_a_clock_that_is_ahead_was_carried_all_the_same(
    office: ExportContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as ahead:
        ahead.setattr(export_office, "utc_now", lambda: utc_now() + AHEAD)
        entry = confirm(office, "hsl-anteckning", "AAAA01", **NOTE)
    correct(office, entry, "anteckning", "Såret vätskar.")
    export(office, ahead=timedelta())
    corrected(office, entry, "personnummer", Answer(ARNE.pid))
    assert in_swedish(MOVED_TO_OTHER_CLIENT) in told(office, export(office, ahead=timedelta()))


def test_an_entry_moved_to_another_month_is_taken_out_of_the_first_though_it_was_the_only_one(
    office: ExportContext,
) -> None:
    office = in_long_outage(office)
    entry = confirm(office, "hsl-anteckning", "AAAA01", **NOTE)
    export(office, "khsl")
    correct(office, entry, "handelsedatum", "2022-01-03")
    agree(office, entry, "hsl-anteckning", TORA, handelsedatum="2022-01-03", **NOTE)
    with zipfile.ZipFile(
        io.BytesIO(fetch_run_file(office, ANNA, export(office, "khsl").id).data)
    ) as archive:
        sizes = {
            info.filename[:13]: info.file_size
            for info in archive.infolist()
            if info.filename.startswith("KHSL1")
        }
    assert (sizes["KHSL1-2021-12"], sizes["KHSL1-2022-01"] > 0) == (0, True)


def test_the_file_of_a_month_that_was_made_last_is_the_latest(office: ExportContext) -> None:
    entry = confirm(office, "hsl-anteckning", "AAAA01", **NOTE)
    export(office, "khsl")
    correct(office, entry, "anteckning", "Såret vätskar.")
    export(office, "khsl", ahead=timedelta())
    assert make_run(office, ANNA, "khsl", utc_now()) is None
