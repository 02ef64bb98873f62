"""The free note of every area: what is confirmed of its area of law decides who sees it, whether it is signed and how long it is kept."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

import pytest
from sqlalchemy import insert

from pipeline.errors import NotAllowedError
from pipeline.model import EntryState, Person, Value
from pipeline.retention import About, retention
from pipeline.review import Answer
from pipeline.settings import ROOT
from pipeline.store import claims, corrections, decisions, records, signing, tables, undoing
from pipeline.store.database import Store
from pipeline.store.entries import Entry, entry
from pipeline.store.registers import save_units
from pipeline.template import Forms
from tests.ward import ADMIN, ASTA, NORTH, NOW, Ward, answers, later, page_reading, person

pytest_plugins = ("tests.databases",)

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
            account = {"login": one.login, "name": one.name, "title": one.title, "role": one.role, "password_hash": ""}
            conn.execute(insert(tables.staff).values(account))
    found.read(found.scan(), page_reading(FREE, "AAAA", SAID))
    return found


def save(ward: Ward, who: Person = CARER, **changed: Answer) -> Entry:
    with ward.store.begin() as conn:
        decisions.save_answers(conn, FORMS, who, ID, entry(conn, ID).revision, answers(SAID, **changed), NOW)
        return entry(conn, ID)


def correct(ward: Ward, who: Person, **new: Answer) -> EntryState:
    with ward.store.begin() as conn:
        return corrections.correct(conn, FORMS, who, ID, entry(conn, ID).revision, new, "fel ruta", later(5))


def test_a_nurses_note_in_a_home_is_signed_by_the_nurse_and_kept_as_a_patient_record(ward: Ward) -> None:
    assert save(ward).state is EntryState.CONFIRMED
    with ward.store.begin() as conn:
        assert records.ready(conn, FORMS, ADMIN) == []
        assert signing.waiting_signatures(conn, FORMS, ADMIN) == 1
        waiting = signing.to_sign(conn, FORMS, NURSE)
        assert [one.id for one in (*waiting.own, *waiting.others)] == [ID]
        (record,) = records.records(conn, FORMS, [ID])
    about = About(record.area, record.form, record.client.pid, date(2026, 2, 17), "", "")
    assert (record.area, retention(about).rule.years) == ("HSL", 10)


def test_who_may_not_see_its_area_sees_neither_note_nor_page(ward: Ward) -> None:
    with ward.store.begin() as conn:
        page = entry(conn, ID).page
        claims.view_page(conn, CARER, page)
    save(ward)
    with ward.store.begin() as conn:
        claims.view_page(conn, NURSE, page)
        for look in (lambda: claims.open_entry(conn, FORMS, OTHER, ID, NOW), lambda: claims.view_page(conn, OTHER, page)):
            with pytest.raises(NotAllowedError):
                look()


def test_without_an_area_the_units_holds(ward: Ward) -> None:
    ward.read(ward.scan(), page_reading(FREE, "AAA2", {**SAID, "omrade": "annat"}))
    with ward.store.begin() as conn:
        decisions.save_answers(conn, FORMS, CARER, "AAA2-00", 0, answers({**SAID, "omrade": "annat"}), NOW)
        assert records.ready(conn, FORMS, ADMIN) == ["AAA2-00"]
        assert [record.area for record in records.records(conn, FORMS, ["AAA2-00"])] == ["SoL"]


def test_a_note_of_the_social_services_in_a_unit_of_health_care_is_not_signed(ward: Ward) -> None:
    with ward.store.begin() as conn:
        save_units(conn, {NORTH: "HSL"})
    ward.read(ward.scan(), page_reading(FREE, "AAA2", {**SAID, "omrade": "sol"}))
    with ward.store.begin() as conn:
        decisions.save_answers(conn, FORMS, NURSE, "AAA2-00", 0, answers({**SAID, "omrade": "sol"}), NOW)
        assert records.ready(conn, FORMS, ADMIN) == ["AAA2-00"]


def test_it_holds_from_when_all_is_confirmed(ward: Ward) -> None:
    """Else nobody in the home could be the second person."""
    assert save(ward, handelsedatum=Answer("2026-02-18")).state is EntryState.SECOND
    with ward.store.begin() as conn:
        found = claims.open_entry(conn, FORMS, OTHER, ID, later(1)).entry
        state = decisions.save_answers(conn, FORMS, OTHER, ID, found.revision, {"handelsedatum": Answer("2026-02-17")}, later(1))
        assert (state, entry(conn, ID).area) == (EntryState.CONFIRMED, "HSL")


def test_a_correction_changes_it(ward: Ward) -> None:
    save(ward)
    assert correct(ward, NURSE, omrade=Answer("sol"), handelsedatum=Answer("2026-02-18")) is EntryState.SECOND
    with ward.store.begin() as conn:
        found = entry(conn, ID)
        assert found.area == "HSL"
        state = decisions.save_answers(conn, FORMS, person("eva"), ID, found.revision, {"handelsedatum": Answer("2026-02-17")}, later(6))
        assert (state, entry(conn, ID).area) == (EntryState.CONFIRMED, "SoL")
        assert records.ready(conn, FORMS, ADMIN) == [ID]


def test_whoever_chose_a_wrong_area_takes_it_back(ward: Ward) -> None:
    save(ward)
    with ward.store.begin() as conn:
        assert [one.id for one in undoing.my_latest(conn, CARER)] == [ID]
        assert undoing.my_latest(conn, OTHER) == []
        with pytest.raises(NotAllowedError):
            undoing.undo(conn, OTHER, ID, 1, later(1))
        assert undoing.undo(conn, CARER, ID, 1, later(1)) is EntryState.REVIEW
        view = claims.open_entry(conn, FORMS, CARER, ID, later(1))
        claims.view_page(conn, CARER, view.entry.page)
        assert view.entry.claimed_by == CARER.login
