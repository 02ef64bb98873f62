"""Which outage an entry falls into, and which days paper of a unit is from."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from pipeline.domain.form.form import Forms
from pipeline.domain.record import OutageKind
from pipeline.domain.settings import ROOT
from pipeline.registers.outages import (
    OutagePeriod,
    find_outage,
    find_system,
    load_systems,
    outage_days,
    overlaps,
    system_name,
)
from tests.support.store.targets import TARGETS


def period(unit: str, system: str, first: int, last: int | None) -> OutagePeriod:
    """An outage of December 2021, from noon to noon."""
    end = datetime(2021, 12, last, 12, tzinfo=UTC) if last else None
    start = datetime(2021, 12, first, 12, tzinfo=UTC)
    return OutagePeriod(unit, system, OutageKind.DOWN, start, end, id=first)


ALL, SYSTEM, UNIT, BOTH, AGAIN = (
    period("", "", 16, 31),
    period("", "journal", 17, 29),
    period("Norr", "", 18, 23),
    period("Norr", "journal", 16, 20),
    period("Norr", "journal", 27, 28),
)
TABLE = (ALL, SYSTEM, UNIT, BOTH, AGAIN)


@pytest.mark.parametrize(
    ("unit", "system", "day", "found"),
    [
        ("Norr", "journal", 18, BOTH),
        ("Norr", "journal", 25, BOTH),
        ("Norr", "journal", 27, AGAIN),
        ("Norr", "journal", 1, BOTH),
        ("Norr", "omsorg", 18, UNIT),
        ("Syd", "journal", 18, SYSTEM),
        ("Syd", "omsorg", 18, ALL),
    ],
)
def test_the_row_that_says_the_most_counts(
    unit: str, system: str, day: int, found: OutagePeriod
) -> None:
    assert find_outage(TABLE, unit, system, date(2021, 12, day)) is found


def test_without_a_day_the_first_counts_and_without_rows_none() -> None:
    assert find_outage((AGAIN, BOTH), "Norr", "journal", None) is BOTH
    assert find_outage((BOTH,), "Syd", "journal", None) is None
    assert outage_days((BOTH,), "Syd") is None


def test_days_of_a_unit_are_those_of_its_systems_and_of_one_system_its_own() -> None:
    assert outage_days(TABLE, "Norr", "journal") == (date(2021, 12, 16), date(2021, 12, 28))
    assert outage_days((UNIT, BOTH), "Norr") == (date(2021, 12, 16), date(2021, 12, 23))


@pytest.mark.parametrize(
    ("other", "expected"),
    [
        (period("Norr", "journal", 20, 22), False),
        (period("Norr", "journal", 19, 22), True),
        (period("Norr", "journal", 1, None), True),
        (period("Norr", "omsorg", 19, 22), False),
    ],
)
def test_two_rows_of_one_system_do_not_say_two_things(other: OutagePeriod, expected: bool) -> None:
    assert overlaps(other, [BOTH]) is expected


@pytest.mark.parametrize(
    ("form", "system"),
    [
        ("hsl-anteckning", "journal"),
        ("besokslista", "planering"),
        ("social-anteckning", "omsorg"),
        ("orosanmalan", "ifo"),
        ("pappersschema", "personal"),
        ("datorinlamning", "kontor"),
    ],
)
def test_a_form_goes_to_the_system_that_names_it_else_to_that_of_its_area(
    form: str, system: str
) -> None:
    assert find_system(form, FORMS[form, 1].area.value) == system


FORMS = Forms.load(ROOT / "forms")


def test_every_form_has_a_system_and_the_systems_name_targets_that_exist() -> None:
    assert all(find_system(form.id, form.area.value) for form in FORMS.values())
    assert {name for each in load_systems() for name in each.targets} <= set(TARGETS)
    assert system_name("") == ""
