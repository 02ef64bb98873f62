"""Identity numbers: normal forms, check digits, the traps of century and plus sign."""

from __future__ import annotations

import json
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.domain.identity_numbers import PidKind, format_pid, is_hsa_id, normalize_pid
from tests.support.shared_data import shared

TODAY = date(2021, 12, 20)
TOLVAN = "191212121212"


@pytest.mark.parametrize(
    "written",
    [
        TOLVAN,
        "19121212-1212",
        "1912 1212 1212",
        "19121212–1212",
        "19121212-1212\n",
        "\t19121212 - 1212 ",
        "19121212+1212",
        "121212+1212",
        "121212 + 1212",
    ],
)
def test_ways_of_writing_come_to_one_number(written: str) -> None:
    pid = normalize_pid(written, TODAY)
    assert (pid.value12, pid.kind, pid.valid) == (TOLVAN, PidKind.PERSONAL, True)


@pytest.mark.parametrize("written", ["121212-1212", "1212121212"])
def test_ten_digits_leave_the_century_open(written: str) -> None:
    pid = normalize_pid(written, TODAY)
    assert pid.value12 == ""
    assert pid.valid
    assert pid.candidates == ("201212121212", TOLVAN)


def test_a_century_that_makes_no_date_is_left_out() -> None:
    assert normalize_pid("000229-2399", TODAY).candidates == (
        "200002292399",
    )  # 1900 had no 29 February
    assert normalize_pid("000229-2399", TODAY).value12 == "200002292399"


def test_a_century_in_the_future_or_too_long_ago_is_left_out() -> None:
    assert normalize_pid("570428-9999", TODAY).candidates == ("195704289999",)


def test_a_plus_sign_means_a_hundred_years_or_older() -> None:
    assert normalize_pid("570428+9999", TODAY).candidates == ()
    assert not normalize_pid("570428+9999", TODAY).valid


def test_born_tomorrow_is_not_born() -> None:
    assert normalize_pid("201509160000", date(2015, 9, 15)).valid is False
    assert normalize_pid(TOLVAN, date(1912, 12, 11)).valid is False
    assert normalize_pid(TOLVAN, date(1912, 12, 12)).valid is True


@pytest.mark.parametrize(
    "wrong", ["201509160006", "197004289895", "191302301234", "191213011212", "190001010000"]
)
def test_a_wrong_date_or_check_digit_is_not_valid(wrong: str) -> None:
    pid = normalize_pid(wrong, TODAY)
    assert (pid.value12, pid.valid) == (wrong, False)


@pytest.mark.parametrize("number", ["22950606FH20", "25780404KHD5", "00342145BZ31", "00749852BZK0"])
def test_national_reserve_numbers(number: str) -> None:
    pid = normalize_pid(number, TODAY)
    assert (pid.value12, pid.kind, pid.valid) == (number, PidKind.RESERVE, True)
    other = str((int(number[-1]) + 1) % 10)
    assert not normalize_pid(number[:-1] + other, TODAY).valid


@pytest.mark.parametrize(
    "number", ["20950606FH22", "22951306FH20", "22950631FH20", "00341045BZ31", "00342165BZ31"]
)
def test_reserve_numbers_with_impossible_dates(number: str) -> None:
    assert not normalize_pid(number, TODAY).valid


@pytest.mark.parametrize(
    "text", ["", "9", "99192012345X", "１９121212-1212", "1234567890123", "22950606IO20"]
)
def test_anything_else_is_a_local_number_that_is_not_checked(text: str) -> None:
    pid = normalize_pid(text, TODAY)
    assert (pid.kind, pid.valid) == (PidKind.LOCAL, False)


def test_shown_with_a_hyphen() -> None:
    assert format_pid(TOLVAN) == "19121212-1212"
    assert format_pid("R-77") == "R-77"


@given(st.text(max_size=20))
def test_no_text_is_too_odd(text: str) -> None:
    pid = normalize_pid(text, TODAY)
    assert pid.value12 == normalize_pid(pid.value12, TODAY).value12 or len(pid.value12) == 10


@given(st.integers(0, 11), st.integers(1, 9))
def test_one_misread_digit_after_the_century_is_found(place: int, shift: int) -> None:
    if place < 2:
        return
    wrong = TOLVAN[:place] + str((int(TOLVAN[place]) + shift) % 10) + TOLVAN[place + 1 :]
    assert not normalize_pid(wrong, TODAY).valid


@pytest.mark.shared
def test_all_official_test_numbers_are_valid() -> None:
    today = date(2026, 1, 1)
    for number in shared("schemas", "identity", "testpersonnummer.txt").read_text().split():
        assert normalize_pid(number, today).valid
        assert normalize_pid(number, today).kind is PidKind.PERSONAL
    for number in json.loads(
        shared("schemas", "identity", "skatteverket-testsamordningsnummer.json").read_text()
    ):
        assert normalize_pid(number, today).valid
        assert normalize_pid(number, today).kind is PidKind.COORDINATION


@pytest.mark.shared
def test_the_structured_cases_of_the_personnummer_project() -> None:
    cases = json.loads(
        shared("schemas", "identity", "personnummer-structured-cases.json").read_text()
    )
    for kind in ("ssn", "con"):
        for number in cases[kind]["string"]["valid"]:
            assert normalize_pid(number, date(2026, 1, 1)).valid, number
        for number in cases[kind]["string"]["invalid"]:
            # Blanks inside are wrong there; people write them, so here they are not.
            assert normalize_pid(number, date(2026, 1, 1)).valid == (" " in number), number


@pytest.mark.parametrize(
    ("text", "is_one"),
    [
        ("SE5560000000-A1", True),
        ("SE165560000000-A1", True),
        ("SE5560000000-", False),
        ("se5560000000-a1", False),
        ("SE556000000-A1", False),
        ("SE155560000000-A1", False),
        ("SE5560000000-A1Å", False),
        ("SE165560000000-" + "A" * 17, False),
        ("192801287158", False),
        ("", False),
    ],
)
def test_an_hsa_id_has_its_form(text: str, is_one: bool) -> None:
    assert is_hsa_id(text) is is_one
