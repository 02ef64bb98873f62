"""KHSL1 and KHSL2: whole months, told again when something in them changes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import delete, insert

from pipeline.domain.errors import NotAllowedError
from pipeline.domain.model import EntryState, State
from pipeline.domain.record import Run
from pipeline.domain.review.rules import Answer
from pipeline.export.runs import ExportContext, fetch_run_file, list_runs
from pipeline.export.runs.receipts import open_run_items
from pipeline.review.rejections import (
    ComparisonSource,
    Duplicate,
    mark_duplicate,
    withdraw_duplicate_mark,
)
from pipeline.store.entries.entry import load_entry
from pipeline.store.event_log.events import list_events
from pipeline.store.event_log.queries import clients_of_subjects, log_subjects_of_client
from pipeline.store.schema.clock import utc_now
from pipeline.store.schema.review import control
from tests.support.store.export_examples import ARNE, SIV
from tests.support.store.export_office import (
    ANNA,
    STIG,
    TORA,
    agree,
    confirm,
    correct,
    corrected,
    in_long_outage,
    state,
    void,
)
from tests.support.store.route_steps import make_run, target_status
from tests.support.store.targets import TARGETS
from tests.support.texts import in_swedish
from tests.unit.export.formats.statistics.statistics_files import LABEL, basis, khsl, told

pytest_plugins = ("tests.support.store.databases", "tests.support.store.offices")

NOTE = {"kontakttyp": "besok", "anteckning": "Såret ser bra ut."}


@pytest.fixture
def office(office: ExportContext) -> ExportContext:
    """An office whose months are whole: their outage left nothing in the care system."""
    return in_long_outage(office)


def tell(office: ExportContext) -> Run:
    made = make_run(office, ANNA, "khsl", utc_now())
    assert made is not None
    return made


def test_statistics_take_no_entry_from_the_record(office: ExportContext) -> None:
    entry_id = confirm(office, "hsl-anteckning", "AAAA01", **NOTE)
    tell(office)
    assert state(office, entry_id) is EntryState.SIGNED
    run_to_record = make_run(office, ANNA, "rivta", utc_now())
    assert run_to_record is not None
    assert state(office, entry_id) is EntryState.EXPORTED


def test_what_has_gone_to_the_record_still_counts(office: ExportContext) -> None:
    confirm(office, "hsl-anteckning", "AAAA01", **NOTE)
    assert make_run(office, ANNA, "rivta", utc_now()) is not None
    assert khsl(office) == (1, 0)


def test_a_month_without_changes_is_not_told_again(office: ExportContext) -> None:
    confirm(office, "hsl-anteckning", "AAAA01", **NOTE)
    first = tell(office)
    assert khsl(office) == (0, 0)
    assert make_run(office, ANNA, "khsl", utc_now()) is None
    make_run(office, ANNA, "rivta", utc_now())
    assert make_run(office, ANNA, "khsl", utc_now()) is None
    assert first.entries == 1


def test_a_month_is_told_whole_when_an_entry_is_new_and_other_months_are_not(
    office: ExportContext,
) -> None:
    confirm(office, "hsl-anteckning", "AAAA01", **NOTE)
    confirm(office, "hsl-anteckning", "AAAA02", handelsedatum="2022-01-03", **NOTE)
    tell(office)
    confirm(office, "hsl-anteckning", "AAAA03", personnummer=ARNE.pid, **NOTE)
    again = tell(office)
    assert again.entries == 2
    names = list(told(office, again))
    assert [name for name in names if "2022-01" in name] == []
    assert told(office, again)[f"KHSL1-2021-12-{LABEL}"].count("\r\n") == 2
    assert list(basis(told(office, again))["Rättelse"]) == ["", ""]


def test_a_correction_and_a_void_tell_the_month_again(office: ExportContext) -> None:
    entry_id = confirm(office, "hsl-anteckning", "AAAA01", **NOTE)
    first = tell(office)
    correct(office, entry_id, "anteckning", "Såret vätskar.")
    assert khsl(office) == (1, 1)
    second = basis(told(office, tell(office))).iloc[0]
    assert second["Rättelse"].startswith(f"Rättelse av tidigare överförd post (körning {first.id}")
    assert second["Version"] == "2"
    void(office, entry_id)
    third = told(office, tell(office))
    assert third[f"KHSL1-2021-12-{LABEL}"] == ""
    assert basis(third).iloc[0]["Makulerad"] == "fel person"
    assert make_run(office, ANNA, "khsl", utc_now()) is None


def test_what_is_put_aside_after_it_was_told_tells_the_month_again(office: ExportContext) -> None:
    entry_id = confirm(office, "hsl-anteckning", "AAAA01", **NOTE)
    confirm(office, "hsl-anteckning", "AAAA02", personnummer=ARNE.pid, **NOTE)
    tell(office)
    with office.store.begin() as conn:
        seen, compared = load_entry(conn, entry_id), ComparisonSource(text="Finns i journalen.")
        duplicate = Duplicate(entry_id, seen.revision, compared, previous=seen)
        mark = mark_duplicate(conn, office.store.images, ANNA, duplicate, utc_now())
    again = told(office, tell(office))
    assert again[f"KHSL1-2021-12-{LABEL}"].count("\r\n") == 1
    assert sorted(basis(again)["Makulerad"]) == ["", "Posten är avvisad."]
    assert make_run(office, ANNA, "khsl", utc_now()) is None
    with office.store.begin() as conn:
        withdraw_duplicate_mark(conn, ANNA, mark, utc_now())
    assert told(office, tell(office))[f"KHSL1-2021-12-{LABEL}"].count("\r\n") == 2


def _put_aside(office: ExportContext, entry_id: str) -> None:
    with office.store.begin() as conn:
        seen, compared = load_entry(conn, entry_id), ComparisonSource(text="Finns i journalen.")
        duplicate = Duplicate(entry_id, seen.revision, compared, previous=seen)
        mark_duplicate(conn, office.store.images, ANNA, duplicate, utc_now())


@pytest.mark.parametrize("end", [void, _put_aside])
def test_an_open_difference_of_a_control_keeps_nothing_in_its_month_that_is_put_aside(
    office: ExportContext, end: Callable[[ExportContext, str], None]
) -> None:
    entry_id = confirm(office, "hsl-anteckning", "AAAA01", **NOTE)
    confirm(office, "hsl-anteckning", "AAAA02", personnummer=ARNE.pid, **NOTE)
    tell(office)
    with (
        office.store.begin() as conn
    ):  # another person has typed another value, and nobody has looked yet
        conn.execute(delete(control).where(control.c.entry == entry_id))
        conn.execute(
            insert(control).values(
                entry=entry_id,
                field="handelsetid",
                drawn_at=utc_now(),
                passed=0,
                typed_by=TORA.login,
            )
        )
    assert khsl(office) == (0, 0)
    end(office, entry_id)
    assert told(office, tell(office))[f"KHSL1-2021-12-{LABEL}"].count("\r\n") == 1


def test_what_can_no_longer_be_told_is_taken_out_of_its_month_though_it_was_the_only_one(
    office: ExportContext,
) -> None:
    entry_id = confirm(office, "hsl-anteckning", "AAAA01", **NOTE)
    tell(office)
    corrected(office, entry_id, "handelsedatum", Answer(None, State.ILLEGIBLE))
    again = told(office, tell(office))
    # Nobody knows which month it belongs to, so no month is whole.
    listed = again[f"tillagg-KHSL1-2021-12-{LABEL.removesuffix('.txt')}.csv"]
    assert listed.splitlines()[1].startswith("Ta bort raden, om personen inte har fått annan vård")
    assert basis(again).iloc[0]["Makulerad"] != ""
    assert make_run(office, ANNA, "khsl", utc_now()) is None


def test_a_file_of_one_unit_does_not_stand_for_all(office: ExportContext) -> None:
    confirm(office, "hsl-anteckning", "AAAA01", **NOTE)
    south = confirm(office, "hsl-anteckning", "AAAA02", unit="Söder", personnummer=ARNE.pid, **NOTE)
    tell(office)
    correct(office, south, "anteckning", "Såret vätskar.")
    assert make_run(office, ANNA, "khsl", utc_now(), "Söder") is not None
    assert make_run(office, ANNA, "khsl", utc_now(), "Söder") is None
    assert tell(office).entries == 2
    assert make_run(office, ANNA, "khsl", utc_now()) is None


def test_an_entry_moved_to_another_month_tells_both(office: ExportContext) -> None:
    stays = confirm(office, "hsl-anteckning", "AAAA01", personnummer=ARNE.pid, **NOTE)
    moves = confirm(office, "hsl-anteckning", "AAAA02", **NOTE)
    tell(office)
    correct(office, moves, "handelsedatum", "2022-01-03")
    assert khsl(office) == (0, 0)
    agree(office, moves, "hsl-anteckning", TORA, handelsedatum="2022-01-03", **NOTE)
    again = told(office, tell(office))
    assert again[f"KHSL1-2021-12-{LABEL}"] == f"202112;2514;{ARNE.pid}\r\n"
    assert again[f"KHSL1-2022-01-{LABEL}"] == f"202201;2514;{SIV.pid}\r\n"
    assert set(basis(again)["Post"]) == {stays, moves}


def test_whoever_sees_a_part_of_a_month_is_told_that_an_earlier_file_holds_more(
    office: ExportContext,
) -> None:
    """A file replaces the one before it: one of a single unit would take the other units out of the
    register.
    """
    here = confirm(office, "hsl-anteckning", "AAAA01", "Norr", **NOTE)
    confirm(office, "hsl-anteckning", "AAAA02", "Söder", personnummer=ARNE.pid, **NOTE)
    tell(office)
    correct(office, here, "anteckning", "Såret vätskar.")

    def notice(unit: str | None) -> str:
        return " ".join(map(in_swedish, target_status(office, ANNA, "khsl", unit).notices))

    assert "En tidigare fil för 2021-12 har poster som den här inte tar med (1 st)" in notice(
        "Norr"
    )
    assert "En tidigare fil" not in notice(None)
    assert "En tidigare fil" not in notice("Söder"), "nothing of it is told anew"


def test_whoever_takes_an_entry_out_of_a_month_is_told_that_its_earlier_file_holds_more(
    office: ExportContext,
) -> None:
    """Else an empty file would take the other unit's entries out of the register."""
    here = confirm(office, "hsl-anteckning", "AAAA01", "Norr", **NOTE)
    confirm(office, "hsl-anteckning", "AAAA02", "Söder", personnummer=ARNE.pid, **NOTE)
    tell(office)
    correct(office, here, "handelsedatum", "2022-01-03")
    agree(office, here, "hsl-anteckning", TORA, handelsedatum="2022-01-03", **NOTE)
    notices = target_status(office, ANNA, "khsl", "Norr").notices
    assert [notice for notice in notices if "En tidigare fil för 2021-12" in in_swedish(notice)]


def test_a_run_of_statistics_has_no_receipts_and_stays_with_those_who_may_see_it(
    office: ExportContext,
) -> None:
    confirm(office, "hsl-anteckning", "AAAA01", **NOTE)
    made = tell(office)
    (status,) = list_runs(office, ANNA)
    assert (status.run, status.waiting, status.has_receipts) == (made, 0, False)
    assert open_run_items(office, ANNA, made.id) == []
    assert list_runs(office, STIG) == []
    with pytest.raises(NotAllowedError):
        fetch_run_file(office, STIG, made.id)


def test_a_clients_extract_of_the_log_leads_to_the_files(office: ExportContext) -> None:
    confirm(office, "hsl-anteckning", "AAAA01", **NOTE)
    made = tell(office)
    with office.store.begin() as conn:
        assert made.id in set(conn.execute(log_subjects_of_client(conn, SIV.pid)).scalars())
        assert made.id not in set(conn.execute(log_subjects_of_client(conn, ARNE.pid)).scalars())
        assert clients_of_subjects(conn, [made.id]) == {made.id: {SIV.pid}}
        assert [event.action for event in list_events(conn, made.id)] == ["export"]


def test_of_an_entry_that_changes_while_the_file_is_made_the_new_is_told(
    office: ExportContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry_id = confirm(office, "hsl-anteckning", "AAAA01", **NOTE)
    make, made = TARGETS["khsl"].make, []

    def meddled(*given: Any) -> bytes:  # noqa: ANN401
        made.append(make(*given))
        if len(made) == 1:
            correct(office, entry_id, "anteckning", "Såret vätskar.")
        return made[-1]

    monkeypatch.setattr(TARGETS["khsl"], "make", meddled)
    tell(office)
    assert len(made) == 2
    assert khsl(office) == (0, 0)
