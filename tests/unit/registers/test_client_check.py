"""The wrong-person guard, without a database."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from pipeline.domain.identity_numbers import age_on, is_temporary_pid, new_temporary_pid
from pipeline.domain.model import Client, StaffMember
from pipeline.registers.client_check import (
    CONFLICTS,
    EVIDENCE_AGAINST,
    RESOLUTIONS,
    ClientStatement,
    ConflictChoice,
    SheetFacts,
    allowed_choices,
    check_client,
    find_conflicts,
    is_resolved,
)
from pipeline.registers.staff import is_author
from tests.support.store.ward import ASTA, BROR, EVA, NORTH, SOUTH

SHEET = SheetFacts(name="Asta Provberg", unit=NORTH, printed_for=ASTA.pid)


def test_a_sheet_that_agrees_supports_its_client() -> None:
    said = check_client(ASTA.pid, ASTA, SHEET)
    assert {code.partition(":")[0] for code in said} == {
        "check_ok",
        "name_like",
        "unit_same",
        "printed_same",
    }
    assert find_conflicts(said) == ()


@pytest.mark.parametrize(
    ("sheet", "conflict"),
    [
        (replace(SHEET, name="Bror Testlund"), "name_differs"),
        (replace(SHEET, printed_for=BROR.pid), "printed_other"),
        (replace(SHEET, unit=SOUTH), "unit_other"),
    ],
)
def test_a_sheet_that_speaks_for_another_conflicts(sheet: SheetFacts, conflict: str) -> None:
    said = check_client(ASTA.pid, ASTA, sheet)
    assert find_conflicts(said) == (conflict,)
    assert not is_resolved((conflict,), ClientStatement())
    assert not is_resolved((conflict,), ClientStatement(choice=ConflictChoice.ASK))
    assert is_resolved((conflict,), ClientStatement(choice=RESOLUTIONS[conflict]))
    assert ConflictChoice.HAND_ON in allowed_choices((conflict,))


@pytest.mark.parametrize(
    ("paper", "register"),
    [
        ("Bo Svensson", "Ulla Svensson"),
        ("Karl Andersson", "Karin Andersson"),
        ("Nils Nilsson", "Anna Nilsson"),
    ],
)
def test_one_of_a_couple_is_not_the_other(paper: str, register: str) -> None:
    client = replace(ASTA, name=register)
    said = check_client(
        ASTA.pid, client, replace(SHEET, name=paper), neighbours=["Stig Berg", paper]
    )
    assert find_conflicts(said) == ("name_fits_other",)
    assert (
        find_conflicts(
            check_client(
                ASTA.pid, client, replace(SHEET, name=register), neighbours=["Stig Berg", paper]
            )
        )
        == ()
    )


@pytest.mark.parametrize(
    ("paper", "register", "neighbour"),
    [
        ("Karin", "Karin Andersson", "Karin Ek"),
        ("Svensson", "Ulla Margareta Svensson", "Bo Svensson"),
        ("Anna Svensson", "Anna Birgitta Elisabeth Svensson", "Hanna Svensson"),
    ],
)
def test_names_left_out_are_no_sign_of_somebody_else(
    paper: str, register: str, neighbour: str
) -> None:
    client = replace(ASTA, name=register)
    assert (
        find_conflicts(
            check_client(ASTA.pid, client, replace(SHEET, name=paper), neighbours=[neighbour])
        )
        == ()
    )


@pytest.mark.parametrize(
    "paper", ["Svensson", "Ulla", "Ula Svenson", "Svensson, Ulla", "U Svensson"]
)
def test_a_name_written_shorter_or_wrongly_is_still_nearest_to_its_client(paper: str) -> None:
    client = replace(ASTA, name="Ulla Svensson")
    assert (
        find_conflicts(
            check_client(
                ASTA.pid,
                client,
                replace(SHEET, name=paper),
                neighbours=["Bo Svensson", "Ola Svensson", "Stig Berg"],
            )
        )
        == ()
    )


def test_a_unit_of_another_area_of_law_is_told_and_stops_nobody() -> None:
    said = check_client(ASTA.pid, ASTA, replace(SHEET, unit=SOUTH), same_area=False)
    assert "unit_else" in said
    assert find_conflicts(said) == ()


def test_several_conflicts_need_words_too() -> None:
    both = ("name_differs", "printed_other")
    assert not is_resolved(both, ClientStatement(choice=ConflictChoice.LENT_SHEET))
    assert not is_resolved(both, ClientStatement(choice=ConflictChoice.CARED_FOR_HERE, why="x"))
    assert is_resolved(
        both,
        ClientStatement(choice=ConflictChoice.LENT_SHEET, why="Syskon, blanketten låg i fel pärm"),
    )


def test_every_conflict_can_be_resolved_and_speaks_against() -> None:
    assert set(RESOLUTIONS) == CONFLICTS <= EVIDENCE_AGAINST


def test_namesakes_and_addresses_are_told() -> None:
    said = check_client(
        ASTA.pid,
        replace(ASTA, address="Storgatan 1"),
        replace(SHEET, address="Skolvägen 9"),
        namesakes=2,
    )
    assert {"namesake:2"} <= set(said)
    assert any(code.startswith("address_differs") for code in said)


def test_a_temporary_identity_belongs_to_whom_it_was_given() -> None:
    number = new_temporary_pid()
    said = check_client(number, None, SHEET, temporary_name="Bror T")
    assert find_conflicts(said) == ("name_differs", "printed_other")
    assert (
        find_conflicts(
            check_client(number, None, replace(SHEET, printed_for=None), temporary_name="Asta P")
        )
        == ()
    )
    assert check_client(number, None, SHEET) == ("temporary",)


def test_a_temporary_identity_is_told_apart_and_typed_without_doubt() -> None:
    number = new_temporary_pid()
    assert len(number) == 12
    assert is_temporary_pid(number)
    assert not is_temporary_pid(ASTA.pid)
    assert not set(number[5:]) & set("O0I1S5Z2B")
    assert check_client(number, None, SHEET) == ("temporary",)


@pytest.mark.parametrize(
    ("number", "day", "age"),
    [
        (ASTA.pid, date(1900, 1, 1), 10),
        (ASTA.pid, date(1899, 12, 31), 9),
        ("197010632391", date(2020, 10, 2), 49),
        ("197010632391", date(2020, 10, 3), 50),
        ("22950606FH20", date(2020, 1, 1), None),
        (ASTA.pid, date(1889, 1, 1), None),
    ],
)
def test_the_age_is_told_by_the_number(number: str, day: date, age: int | None) -> None:
    assert age_on(number, day) == age


@pytest.mark.parametrize(
    ("author", "own"),
    [
        ("Eva Ek", True),
        ("  eva  EK ", True),
        ("EE – Eva Ek", True),
        ("EE", True),
        ("Eva", False),
        ("Nils Ek", False),
        ("NE – Nils Ek", False),
        ("DD", False),
        ("", False),
    ],
)
def test_a_note_is_ones_own_by_whole_name_or_by_initials_of_nobody_else(
    author: str, own: bool
) -> None:
    staff = [
        StaffMember("Eva Ek", "ssk", "EE", NORTH),
        StaffMember("Eva Ek", "ssk", "DD", NORTH),
        StaffMember("Dan Dal", "usk", "DD", NORTH),
    ]
    assert is_author(author, EVA, staff) is own


@pytest.mark.parametrize(
    ("client", "event_on", "conflicts"),
    [
        (replace(ASTA, deceased_on="2021-12-20"), "2021-12-21", ("after_death",)),
        (replace(ASTA, deceased_on="2021-12-20"), "2021-12-20", ()),
        (replace(ASTA, deceased_on="2021-12-20"), "", ()),
        (replace(ASTA, moved_on="2021-12-20"), "2022-01-02", ("after_move",)),
    ],
)
def test_an_event_after_death_or_move_may_be_about_another_person(
    client: Client, event_on: str, conflicts: tuple[str, ...]
) -> None:
    said = check_client(ASTA.pid, client, replace(SHEET, event_on=event_on))
    assert find_conflicts(said) == conflicts
    assert all(
        is_resolved((kind,), ClientStatement(choice=ConflictChoice.LATER_EVENT))
        for kind in conflicts
    )
