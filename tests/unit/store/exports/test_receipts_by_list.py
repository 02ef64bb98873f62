"""A list from the care system proves what arrived: only beyond doubt, and only when a person says
so.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from pipeline.domain.errors import NotAllowedError
from pipeline.domain.model import EntryState
from pipeline.domain.record import Run
from pipeline.export.care_system_check.receipt_proposals import (
    Doubt,
    ListScope,
    confirm_proposals,
    propose_receipts,
)
from pipeline.export.runs import ExportContext, fetch_run_file
from pipeline.export.runs.receipts import open_run_items
from pipeline.registers.care_system_list import CareRow
from pipeline.store.event_log.events import list_events
from pipeline.store.schema.clock import utc_now
from tests.support.store.export_examples import ARNE, SIV
from tests.support.store.export_office import ANNA, STIG, confirm, correct, state
from tests.support.store.route_steps import make_run

pytest_plugins = ("tests.support.store.databases", "tests.support.store.offices")

SCOPE = ListScope("Norr", "HSL", "rivta")
TEXT = "Gav 75 ml saft. Såret på vänster fot läker fint."
ROW = CareRow((SIV.pid,), "2021-12-17", "08:15", "", f"Besök. {TEXT}", "Gun Ek")


@pytest.fixture
def run(office: ExportContext) -> Run:
    """A note that was exported and has no receipt."""
    confirm(office, "hsl-anteckning", "AAAA01", kontakttyp="besok", anteckning=TEXT)
    made = make_run(office, ANNA, "rivta", utc_now())
    assert made is not None
    return made


def doubts(office: ExportContext, *rows: CareRow, scope: ListScope = SCOPE) -> list[Doubt | None]:
    return [entry.doubt for entry in propose_receipts(office, ANNA, scope, rows).entries]


@pytest.mark.usefixtures("run")
@pytest.mark.parametrize(
    ("change", "doubt"),
    [
        ({}, None),
        ({"clock": "08:18"}, None),
        ({"clock": ""}, None),
        ({"text": "", "kind": "Tillfällig journalanteckning HSL"}, None),
        ({"text": "", "kind": "HSL-anteckning"}, None),
        ({"text": ""}, Doubt.NO_TEXT),
        ({"text": "", "kind": "Anteckning"}, Doubt.NO_TEXT),
        ({"text": "", "kind": "Tjänsteanteckning"}, Doubt.NOT_FOUND),
        ({"kind": "HSL-anteckning"}, None),
        ({"kind": "anteckning, HSL"}, None),
        ({"kind": "Tillfällig journalanteckning HSL"}, None),
        ({"kind": "Besöksanteckning – Tillfällig journalanteckning HSL"}, None),
        ({"kind": "Efterregistrerad anteckning från papper"}, None),
        ({"kind": "Journalanteckningar"}, None),
        ({"kind": "Löpande anteckning i vårdplan"}, None),
        ({"kind": "Tjänsteanteckning"}, Doubt.OTHER_KIND),
        ({"kind": "Tjänsteanteckning", "clock": "08:30"}, Doubt.UNLIKE),
        ({"clock": "08:30"}, Doubt.UNLIKE),
        ({"text": TEXT.replace("75", "750")}, Doubt.UNLIKE),
        ({"text": "Såret på vänster fot läker fint."}, Doubt.UNLIKE),
        ({"pids": (ARNE.pid,)}, Doubt.NOT_FOUND),
        ({"day": "2021-12-18"}, Doubt.NOT_FOUND),
    ],
    ids=[
        "as exported",
        "minutes rounded",
        "no time",
        "kind instead of text",
        "our own word instead of text",
        "neither text nor kind",
        "part of a kind instead of text",
        "another kind instead of text",
        "word of our table",
        "that word turned round",
        "title of the form",
        "title of the document",
        "title of the note",
        "several of it",
        "word of the system",
        "word for another form",
        "word for another form, another time",
        "another time",
        "another dose",
        "dose missing",
        "another person",
        "another day",
    ],
)
def test_only_a_row_that_is_surely_the_entry_proposes_a_receipt(
    office: ExportContext, change: dict[str, Any], doubt: Doubt | None
) -> None:
    assert doubts(office, replace(ROW, **change)) == [doubt]


@pytest.mark.usefixtures("run")
def test_an_entry_that_the_list_has_twice_is_left_to_a_person(office: ExportContext) -> None:
    assert doubts(office, ROW, replace(ROW, author="Bo Ek")) == [Doubt.SEVERAL]


def test_a_row_proves_one_entry_and_not_two(office: ExportContext) -> None:
    for serial in ("AAAA01", "AAAA02"):
        confirm(office, "hsl-anteckning", serial, kontakttyp="besok", anteckning=TEXT)
    make_run(office, ANNA, "rivta", utc_now())
    assert doubts(office, ROW) == [Doubt.SEVERAL, Doubt.SEVERAL]


def test_a_correction_is_not_proved_by_what_it_corrects(office: ExportContext, run: Run) -> None:
    (found,) = propose_receipts(office, ANNA, SCOPE, [ROW]).proposed
    confirm_proposals(office, ANNA, SCOPE, [found], utc_now())
    correct(office, "AAAA01-00", "anteckning", TEXT.replace("fint", "bra"))
    assert make_run(office, ANNA, "rivta", utc_now()) is not None
    assert doubts(office, ROW) == [Doubt.CHANGED]
    assert run.entries == 1


def test_nothing_is_receipted_until_a_person_confirms_and_then_once(
    office: ExportContext, run: Run
) -> None:
    proposals = propose_receipts(office, ANNA, SCOPE, [ROW])
    assert state(office, "AAAA01-00") is EntryState.EXPORTED
    assert fetch_run_file(office, ANNA, run.id).data
    result = confirm_proposals(office, ANNA, SCOPE, proposals.proposed, utc_now())
    again = confirm_proposals(office, ANNA, SCOPE, proposals.proposed, utc_now())
    assert (result.accepted, result.already) == (1, 0)
    assert (again.accepted, again.already) == (0, 1)
    assert state(office, "AAAA01-00") is EntryState.RECEIPTED
    (item,) = open_run_items(office, ANNA, run.id)
    assert (item.accepted, item.text) == (True, "Återfunnen i en lista från vårdsystemet.")
    assert doubts(office, ROW) == []


@pytest.mark.usefixtures("run")
def test_a_list_of_another_system_unit_or_area_proves_nothing(office: ExportContext) -> None:
    for scope in (
        replace(SCOPE, route="fhir"),
        replace(SCOPE, unit="Söder"),
        replace(SCOPE, area="SoL"),
    ):
        assert doubts(office, ROW, scope=scope) == []


@pytest.mark.usefixtures("run")
def test_who_does_not_receipt_in_the_unit_is_refused(office: ExportContext) -> None:
    with pytest.raises(NotAllowedError):
        propose_receipts(office, STIG, SCOPE, [ROW])


@pytest.mark.usefixtures("run")
def test_the_log_has_the_counts_and_nothing_of_the_list(office: ExportContext) -> None:
    propose_receipts(office, ANNA, SCOPE, [ROW])
    with office.store.read() as conn:
        (event,) = [one for one in list_events(conn, "rivta") if one.action == "propose_receipts"]
    assert event.unit == "Norr"
    for value in (SIV.pid, "75", "08:15", "Gun Ek"):
        assert value not in str(event.detail)
