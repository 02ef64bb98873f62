"""A row's client code resolved into the number of the client whom the unit gave it."""

from __future__ import annotations

import pytest

from pipeline.domain.identity_numbers import make_client_code
from pipeline.domain.model import ClientCode, Reading, State
from pipeline.registers.clients import ClientRegister
from tests.unit.reading.resolve.weighed_values import (
    ASTRID,
    BIRGER,
    GUNHILD,
    VISITS,
    number,
    read,
    resolved,
    seen,
)

ASTRID_CODE, BIRGER_CODE, NOBODY = (make_client_code(n) for n in (123, 456, 789))
REGISTER = ClientRegister(
    [ASTRID, BIRGER, GUNHILD],
    codes=[
        ClientCode(ASTRID.unit, ASTRID_CODE, ASTRID.pid),
        ClientCode(BIRGER.unit, BIRGER_CODE, BIRGER.pid),
        ClientCode(BIRGER.unit, ASTRID_CODE, GUNHILD.pid),
    ],
)
CODE, NUMBER = "rad01.kod", "rad01.personnummer"


def code(row: str, p: float = 0.9995, **unsure: tuple[str, float]) -> Reading:
    return Reading(row, 0.9, State.READ, cell_probabilities=seen(row, p, **unsure))


def row(
    written: Reading, name: str = "", unit: str = ASTRID.unit, pid: Reading | None = None
) -> tuple[Reading, list[str]]:
    given = {CODE: written, "enhet": read(unit)} | ({NUMBER: pid} if pid else {})
    fields, problems = resolved(
        VISITS, given | ({"rad01.namn": read(name)} if name else {}), REGISTER
    )
    return fields[NUMBER], [p for p in problems if p.partition(":")[2] in (CODE, NUMBER)]


def test_code_and_name_give_the_client_with_high_confidence() -> None:
    found, problems = row(code(ASTRID_CODE), ASTRID.name)
    assert (found.value, found.state, problems) == (ASTRID.pid, State.READ, [])
    assert found.p >= 0.999
    assert "client_code" in found.evidence


def test_a_code_alone_is_keyed_blind() -> None:
    found, _ = row(code(ASTRID_CODE))
    assert found.value == ASTRID.pid
    assert found.p < 0.999


def test_the_same_code_is_another_client_in_another_unit() -> None:
    found, _ = row(code(ASTRID_CODE), unit=BIRGER.unit)
    assert found.value == GUNHILD.pid


def test_without_a_unit_a_code_of_two_units_is_nobodys() -> None:
    found, problems = row(code(ASTRID_CODE), unit="")
    assert found.state is State.EMPTY
    assert f"code_unknown:{CODE}" in problems


@pytest.mark.parametrize(
    ("written", "problem"),
    [
        (NOBODY, "code_unknown"),
        (ASTRID_CODE[:3] + str((int(ASTRID_CODE[3]) + 1) % 10), "code_wrong"),
    ],
)
def test_a_code_of_nobody_is_flagged_and_not_repaired(written: str, problem: str) -> None:
    found, problems = row(code(written))
    assert found.state is State.EMPTY
    assert f"{problem}:{CODE}" in problems


def test_an_unclear_digit_is_settled_by_the_codes_of_the_unit() -> None:
    unclear = code("0" + ASTRID_CODE[1:], b0=(ASTRID_CODE[0], 0.4))
    assert row(unclear, ASTRID.name)[0].value == ASTRID.pid


def test_a_name_of_another_client_is_flagged() -> None:
    assert f"name_differs:{NUMBER}" in row(code(ASTRID_CODE), "Sven Olofsson")[1]


@pytest.mark.parametrize(("pid", "differs"), [(ASTRID.pid, False), (GUNHILD.pid, True)])
def test_a_number_beside_the_code_agrees_or_is_flagged(pid: str, differs: bool) -> None:
    found, problems = row(code(ASTRID_CODE), pid=number(pid))
    assert found.value == pid
    assert (f"code_other:{NUMBER}" in problems) is differs
