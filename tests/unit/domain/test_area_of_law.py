"""The free note of every area: what is confirmed of its area of law decides who sees it, whether it
is signed and how long it is kept.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

import pytest
from sqlalchemy import insert

from pipeline.domain.errors import NotAllowedError
from pipeline.domain.form.form import Forms
from pipeline.domain.law.retention import RetentionFacts, classify_retention
from pipeline.domain.model import EntryState, Person, Value
from pipeline.domain.review.rules import Answer
from pipeline.domain.settings import ROOT, Settings
from pipeline.export.runs import ExportContext, count_unsigned
from pipeline.review import decisions
from pipeline.review.corrections import Corrections
from pipeline.review.signing import Signing
from pipeline.store.database.store import Store
from pipeline.store.entries import queue
from pipeline.store.entries.entry import Entry, load_entry
from pipeline.store.exports import ready_entries, records
from pipeline.store.lookup import own_actions
from pipeline.store.registers.client_register import save_units
from pipeline.store.schema import registers
from tests.support.store.ward import (
    ADMIN,
    ASTA,
    NORTH,
    NOW,
    Ward,
    answers,
    later,
    page_reading,
    person,
)
from tests.support.store.work import work

pytest_plugins = ("tests.support.store.databases",)

FORMS = Forms.load(ROOT / "forms")
FREE = FORMS["fri-anteckning", 1]
NURSE = person("ebba", areas=frozenset({"HSL"}))
CARER, OTHER = (person(login, areas=frozenset({"SoL", "LSS"})) for login in ("ulla", "olle"))
ID = "AAAA-00"
SAID: Mapping[str, Value] = {
    "personnummer": ASTA.pid,
    "namn": ASTA.name,
    "handelsedatum": "2026-02-17",
    "handelsetid": "14:30",
    "skrivet_datum": None,
    "skriven_tid": None,
    "omrade": "hsl",
    "rubrik": "Sår på benet",
    "anteckning": "Lade om såret.",
    "skribent": "Disa Penn",
    "yrkestitel": None,
    "underskrift": True,
}


@pytest.fixture
def ward(store: Store) -> Ward:
    """A home of the social services, in which a nurse works too, with a free note."""
    found = Ward(store).begin()
    with store.begin() as conn:
        save_units(conn, {NORTH: "SoL"})
        for one in (NURSE, CARER, OTHER):
            account = {
                "login": one.login,
                "name": one.name,
                "title": one.title,
                "role": one.role,
                "password_hash": "",
            }
            conn.execute(insert(registers.staff).values(account))
    found.read(found.scan(), page_reading(FREE, "AAAA", SAID))
    return found


def save(ward: Ward, who: Person = CARER, **changed: Answer) -> Entry:
    with ward.store.begin() as conn:
        decisions.decide_entry(
            conn,
            FORMS,
            who,
            decisions.Decision(ID, load_entry(conn, ID).revision, answers(SAID, **changed)),
            NOW,
        )
        return load_entry(conn, ID)


def correct(ward: Ward, who: Person, **new: Answer) -> EntryState:
    with ward.store.begin() as conn:
        return work(Corrections, conn, who, later(5), forms=FORMS).correct(
            ID, load_entry(conn, ID).revision, new, "fel ruta"
        )


def test_a_nurses_note_in_a_home_is_signed_by_the_nurse_and_kept_as_a_patient_record(
    ward: Ward,
) -> None:
    assert save(ward).state is EntryState.CONFIRMED
    assert count_unsigned(ExportContext(ward.store, Settings(), FORMS), ADMIN) == 1
    with ward.store.begin() as conn:
        assert ready_entries.list_ready_entries(conn, FORMS, ADMIN) == []
        waiting = work(Signing, conn, NURSE, forms=FORMS).load_queue()
        assert [one.id for one in (*waiting.own_entries, *waiting.other_entries)] == [ID]
        (record,) = records.load_records(conn, FORMS, [ID])
    about = RetentionFacts(record.area, record.form, record.client.pid, date(2026, 2, 17), "", "")
    assert (record.area, classify_retention(about).rule.years) == ("HSL", 10)


def test_who_may_not_see_its_area_sees_neither_note_nor_page(ward: Ward) -> None:
    with ward.store.begin() as conn:
        page = load_entry(conn, ID).page
        queue.record_page_view(conn, CARER, page)
    save(ward)
    with ward.store.begin() as conn:
        queue.record_page_view(conn, NURSE, page)
        for look in (
            lambda: queue.open_claimed_entry(conn, FORMS, OTHER, ID, queue.ClaimTerms(NOW)),
            lambda: queue.record_page_view(conn, OTHER, page),
        ):
            with pytest.raises(NotAllowedError):
                look()


def test_without_an_area_the_units_holds(ward: Ward) -> None:
    ward.read(ward.scan(), page_reading(FREE, "AAA2", {**SAID, "omrade": "annat"}))
    with ward.store.begin() as conn:
        decisions.decide_entry(
            conn,
            FORMS,
            CARER,
            decisions.Decision("AAA2-00", 0, answers({**SAID, "omrade": "annat"})),
            NOW,
        )
        assert ready_entries.list_ready_entries(conn, FORMS, ADMIN) == ["AAA2-00"]
        assert [record.area for record in records.load_records(conn, FORMS, ["AAA2-00"])] == ["SoL"]


def test_a_note_of_the_social_services_in_a_unit_of_health_care_is_not_signed(ward: Ward) -> None:
    with ward.store.begin() as conn:
        save_units(conn, {NORTH: "HSL"})
    ward.read(ward.scan(), page_reading(FREE, "AAA2", {**SAID, "omrade": "sol"}))
    with ward.store.begin() as conn:
        decisions.decide_entry(
            conn,
            FORMS,
            NURSE,
            decisions.Decision("AAA2-00", 0, answers({**SAID, "omrade": "sol"})),
            NOW,
        )
        assert ready_entries.list_ready_entries(conn, FORMS, ADMIN) == ["AAA2-00"]


def test_it_holds_from_when_all_is_confirmed(ward: Ward) -> None:
    """Else nobody in the home could be the second person."""
    assert save(ward, handelsedatum=Answer("2026-02-18")).state is EntryState.SECOND
    with ward.store.begin() as conn:
        found = queue.open_claimed_entry(conn, FORMS, OTHER, ID, queue.ClaimTerms(later(1))).entry
        state = decisions.decide_entry(
            conn,
            FORMS,
            OTHER,
            decisions.Decision(ID, found.revision, {"handelsedatum": Answer("2026-02-17")}),
            later(1),
        )
        assert (state, load_entry(conn, ID).area) == (EntryState.CONFIRMED, "HSL")


def test_a_correction_changes_it(ward: Ward) -> None:
    save(ward)
    assert (
        correct(ward, NURSE, omrade=Answer("sol"), handelsedatum=Answer("2026-02-18"))
        is EntryState.SECOND
    )
    with ward.store.begin() as conn:
        found = load_entry(conn, ID)
        assert found.area == "HSL"
        state = decisions.decide_entry(
            conn,
            FORMS,
            person("eva"),
            decisions.Decision(ID, found.revision, {"handelsedatum": Answer("2026-02-17")}),
            later(6),
        )
        assert (state, load_entry(conn, ID).area) == (EntryState.CONFIRMED, "SoL")
        assert ready_entries.list_ready_entries(conn, FORMS, ADMIN) == [ID]


def test_whoever_chose_a_wrong_area_takes_it_back(ward: Ward) -> None:
    save(ward)
    with ward.store.begin() as conn:
        assert [one.id for one in own_actions.list_own_latest(conn, CARER)] == [ID]
        assert own_actions.list_own_latest(conn, OTHER) == []
        with pytest.raises(NotAllowedError):
            work(Corrections, conn, OTHER, later(1)).undo([(ID, 1)])
        assert work(Corrections, conn, CARER, later(1)).undo([(ID, 1)]) is EntryState.REVIEW
        view = queue.open_claimed_entry(conn, FORMS, CARER, ID, queue.ClaimTerms(later(1)))
        queue.record_page_view(conn, CARER, view.entry.page)
        assert view.entry.claimed_by == CARER.login
