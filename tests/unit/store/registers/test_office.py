"""The tables that the administrator keeps: outages by unit and system, providers by unit."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from pipeline.domain.errors import NotAllowedError, UsageError
from pipeline.domain.model import EntryState, Person, StaffMember
from pipeline.domain.record import CareProvider, Outage, OutageKind
from pipeline.domain.review.rules import Answer
from pipeline.registers.outages import OutagePeriod
from pipeline.review import decisions
from pipeline.store.accounts.people import save_person
from pipeline.store.database.store import Store
from pipeline.store.entries.queue import ClaimTerms, claim_next
from pipeline.store.event_log.events import list_events
from pipeline.store.exports.records import load_records
from pipeline.store.registers import hsa_ids, planning
from pipeline.store.registers.hsa_ids import save_hsa_ids
from pipeline.store.registers.staff import save_staff
from pipeline.store.reports.paper_days import PaperStatus, load_paper_days, outage_range
from tests.support.store.ward import (
    ADMIN,
    CHIEF,
    EVA,
    FORMS,
    NILS,
    NORTH,
    NOW,
    PLAN,
    SAID,
    SOUTH,
    Ward,
    answers,
)

pytest_plugins = ("tests.support.store.databases",)
pytestmark = pytest.mark.both_databases
START = NOW - timedelta(days=6)
DOWN = OutagePeriod(NORTH, "journal", OutageKind.DOWN, START, None)
PRIVATE = CareProvider("Omsorg AB", "SE5560000000-A1", "556000-0000")


@pytest.fixture
def ward(store: Store) -> Ward:
    """The test organisation."""
    return Ward(store).begin()


def save(ward: Ward, period: OutagePeriod = DOWN) -> None:
    """The administrator adds a row."""
    with ward.store.begin() as conn:
        planning.save_outage(conn, ADMIN, period, NOW)


def confirm(ward: Ward) -> str:
    """A note of the northern unit that two people confirmed."""
    entry_id = ward.note("AAAA")
    with ward.store.begin() as conn:
        claim_next(conn, FORMS, EVA, ClaimTerms(NOW))
        state = decisions.decide_entry(
            conn, FORMS, EVA, decisions.Decision(entry_id, 0, answers({**SAID, **PLAN})), NOW
        )
        if state is EntryState.SECOND:
            given = {"datum": Answer(SAID["datum"])}
            decisions.decide_entry(conn, FORMS, NILS, decisions.Decision(entry_id, 1, given), NOW)
    return entry_id


def test_a_system_is_back_and_both_are_in_the_log(ward: Ward) -> None:
    save(ward)
    with ward.store.begin() as conn:
        (row,) = planning.list_outages(conn)
        end = NOW - timedelta(hours=1)
        planning.end_outage(conn, ADMIN, row.id, end, NOW)
        (row,) = planning.list_outages(conn)
        assert (row.start, row.end, row.by) == (START, end, ADMIN.login)
        with pytest.raises(UsageError):
            planning.end_outage(conn, ADMIN, row.id, NOW, NOW)
        planning.undo_outage(conn, ADMIN, row.id, NOW)
        assert planning.list_outages(conn) == []
        actions = [event.action for event in list_events(conn, "outage")]
    assert actions == ["save_outage", "undo_outage", "save_outage", "undo_outage"]


@pytest.mark.parametrize(
    "wrong",
    [
        replace(DOWN, unit="Ingenstans"),
        replace(DOWN, system="inget"),
        replace(DOWN, end=START),
        replace(DOWN, start=NOW + timedelta(days=1)),
        replace(DOWN, start=NOW),
    ],
    ids=["unit", "system", "backwards", "future", "overlap"],
)
def test_a_row_that_cannot_be_is_refused(ward: Ward, wrong: OutagePeriod) -> None:
    save(ward)
    with pytest.raises(UsageError):
        save(ward, wrong)


@pytest.mark.parametrize("who", [EVA, CHIEF])
def test_only_an_administrator_keeps_the_tables(ward: Ward, who: Person) -> None:
    with ward.store.begin() as conn:
        with pytest.raises(NotAllowedError):
            planning.save_outage(conn, who, DOWN, NOW)
        with pytest.raises(NotAllowedError):
            hsa_ids.save_unit_provider(conn, who, NORTH, PRIVATE, NOW)
        with pytest.raises(NotAllowedError):
            hsa_ids.undo_unit_provider(conn, who, NORTH, NOW)


def test_a_record_carries_the_outage_and_the_provider_of_its_unit(ward: Ward) -> None:
    entry_id = confirm(ward)
    with ward.store.begin() as conn:
        (record,) = load_records(conn, FORMS, [entry_id])
        assert (record.outage, record.provider) == (None, None)
        planning.save_outage(conn, ADMIN, DOWN, NOW)
        planning.save_outage(conn, ADMIN, replace(DOWN, unit=SOUTH, end=NOW), NOW)
        hsa_ids.save_unit_provider(conn, ADMIN, NORTH, PRIVATE, NOW)
        (record,) = load_records(conn, FORMS, [entry_id])
        assert record.outage == Outage(START, None, OutageKind.DOWN, "Patientjournal")
        assert record.provider == PRIVATE
        hsa_ids.undo_unit_provider(conn, ADMIN, NORTH, NOW)
        (record,) = load_records(conn, FORMS, [entry_id])
        assert record.provider is None
        with pytest.raises(UsageError):
            hsa_ids.undo_unit_provider(conn, ADMIN, NORTH, NOW)


def test_a_record_has_the_ids_of_unit_author_and_of_who_entered(ward: Ward) -> None:
    entry_id = confirm(ward)
    author = StaffMember("Disa Penn", "ssk", "DP", NORTH, "SE5560000000-DP", "206010")
    entered = StaffMember(EVA.name, "ssk", "EV", NORTH, "SE5560000000-EVA")
    with ward.store.begin() as conn:
        (record,) = load_records(conn, FORMS, [entry_id])
        assert (record.unit_hsa_id, record.author_hsa_id, record.entered.hsa_id) == ("", "", "")
        save_person(conn, EVA, None)
        save_staff(conn, [author, entered])
        save_hsa_ids(conn, ADMIN, {NORTH: "SE5560000000-NORR"}, [])
        (record,) = load_records(conn, FORMS, [entry_id])
    assert record.unit_hsa_id == "SE5560000000-NORR"
    assert (record.author_hsa_id, record.author_role, record.author_role_code) == (
        "SE5560000000-DP",
        "ssk",
        "206010",
    )
    assert (record.entered.login, record.entered.hsa_id) == (EVA.login, "SE5560000000-EVA")


@pytest.mark.parametrize(
    "wrong",
    [
        replace(PRIVATE, name=" "),
        replace(PRIVATE, hsa_id="SE-1"),
        replace(PRIVATE, organisation_number="556"),
    ],
)
def test_a_provider_has_a_name_and_no_id_that_is_none(ward: Ward, wrong: CareProvider) -> None:
    with ward.store.begin() as conn, pytest.raises(UsageError):
        hsa_ids.save_unit_provider(conn, ADMIN, NORTH, wrong, NOW)


def test_no_paper_is_missed_on_days_on_which_a_unit_had_its_systems(ward: Ward) -> None:
    end = START + timedelta(days=2)
    save(ward, replace(DOWN, system="", end=end))
    first, last = START.date() - timedelta(days=1), end.date() + timedelta(days=1)
    with ward.store.read() as conn:
        report = load_paper_days(conn, FORMS, CHIEF, first, last)
        assert outage_range(conn, CHIEF) == (START.date(), end.date())
    statuses = [report.counts[NORTH, day].paper_status for day in report.days]
    assert statuses == [PaperStatus.IDLE, *[PaperStatus.NONE] * 3, PaperStatus.IDLE]
