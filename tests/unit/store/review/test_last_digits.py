"""The last four digits stand for a number only where machine, register and name agree on it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest

from pipeline.domain.model import Person, Value
from pipeline.review.client_question import complete_last_digits, is_last_digits
from pipeline.store.database.store import Store
from pipeline.store.entries import queue
from pipeline.store.registers.client_register import save_clients
from tests.support.store.ward import ASTA, BROR, EVA, FORMS, NOW, SAID, SOUTH, UNKNOWN_PID, Ward

pytest_plugins = ("tests.support.store.databases",)

LAST = ASTA.pid[-4:]


@pytest.fixture
def ward(store: Store) -> Ward:
    return Ward(store).begin()


def complete(
    ward: Ward,
    typed: str,
    said: Mapping[str, Value] = SAID,
    name: str = ASTA.name,
    who: Person = EVA,
) -> str | None:
    """What the digits become on a note that says this."""
    ward.note("AAAA", said)
    with ward.store.begin() as conn:
        view = queue.open_claimed_entry(conn, FORMS, who, "AAAA-00", queue.ClaimTerms(NOW, 30))
        return complete_last_digits(conn, who, view, typed, name)


def test_they_become_the_number_that_was_read(ward: Ward) -> None:
    assert complete(ward, LAST) == ASTA.pid


@pytest.mark.parametrize("typed", ["9801", BROR.pid[-4:], LAST[1:], f"0{LAST}", "", "-", "?"])
def test_other_digits_become_nothing(ward: Ward, typed: str) -> None:
    assert complete(ward, typed) is None


@pytest.mark.parametrize("name", ["", "Bror Testlund"])
def test_the_name_has_to_fit(ward: Ward, name: str) -> None:
    assert complete(ward, LAST, name=name) is None


@pytest.mark.parametrize("number", [UNKNOWN_PID, "18900101980", None])
def test_the_register_has_to_know_the_whole_number_that_was_read(
    ward: Ward, number: str | None
) -> None:
    typed = (number or LAST)[-4:]
    assert complete(ward, typed, {**SAID, "pnr": number}) is None


@pytest.mark.parametrize(
    "client",
    [
        replace(ASTA, protected=True),
        replace(ASTA, unit=SOUTH),
        replace(ASTA, deceased_on="2020-01-01"),
        replace(ASTA, moved_on="2020-01-01"),
    ],
    ids=["protected", "another unit", "deceased", "moved"],
)
def test_nothing_may_speak_against_the_client(ward: Ward, client: object) -> None:
    with ward.store.begin() as conn:
        save_clients(conn, [client])  # type: ignore[list-item]
    assert complete(ward, LAST) is None


def test_one_with_the_same_name_makes_all_twelve_needed(ward: Ward) -> None:
    with ward.store.begin() as conn:
        save_clients(conn, [replace(BROR, name=ASTA.name)])
    assert complete(ward, LAST) is None


def test_only_four_digits_are_the_last_four() -> None:
    assert [
        is_last_digits(typed) for typed in ("9802", " 9802 ", "980", "98021", "98O2", "९८०२")
    ] == [*(True, True, False, False, False, False)]
