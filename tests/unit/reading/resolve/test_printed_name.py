"""Printed names compared with the register from which they were printed."""

from __future__ import annotations

from datetime import date

import pytest

from pipeline.domain.form.field import Kind
from pipeline.domain.form.form import Forms
from pipeline.domain.model import UNSEEN_P, Client, Reading, State
from pipeline.domain.settings import ROOT
from pipeline.reading.resolve.resolve import ReadingContext, resolve_page
from pipeline.registers.clients import ClientRegister, load_client_register

FORM = Forms.load(ROOT / "forms")["hsl-anteckning", 1]
REGISTER = load_client_register(ROOT / "data" / "samples" / "klienter.csv")
NAME = REGISTER.clients[0].name
LOCAL = Client("RESERVNUMMER-2021-17", "Okänd Testman", "Norr")


def judged(text: str, register: ClientRegister | None) -> tuple[Reading, list[str]]:
    empty = {
        spec.name: Reading.empty(0.99, False if spec.kind is Kind.MARK else None)
        for spec in FORM.fields
    }
    fields = empty | {"registrerat_namn": Reading(text, 0.98, State.READ)}
    found, problems = resolve_page(
        FORM.fields, FORM, fields, ReadingContext(register, (date(2021, 12, 16), date(2022, 1, 10)))
    )
    return found["registrerat_namn"], [
        str(issue) for issue in problems if issue.field == "registrerat_namn"
    ]


@pytest.mark.parametrize(
    "text", [NAME, NAME.upper(), NAME.replace(" ", "  "), f"{LOCAL.name}, {LOCAL.pid}"]
)
def test_registered_name_keeps_confidence(text: str) -> None:
    assert judged(text, ClientRegister([*REGISTER.clients, LOCAL])) == (
        Reading(text, 0.98, State.READ),
        [],
    )


@pytest.mark.parametrize("text", [f"{NAME} gift Berg", f"{NAME} 7", f"{NAME}, flyttat", NAME[:-1]])
def test_name_with_addition_or_misreading_has_low_confidence_and_issue(text: str) -> None:
    """Words written beside the print of their field were read as a part of it with p ≥ 0.97."""
    reading, problems = judged(text, REGISTER)
    assert (reading.value, reading.p) == (text, UNSEEN_P)
    assert problems == ["printed_otherwise:registrerat_namn"]


@pytest.mark.parametrize(
    "register", [None, ClientRegister([])], ids=["no register", "nobody in it"]
)
def test_name_is_unchanged_without_register(register: ClientRegister | None) -> None:
    assert judged(NAME, register) == (Reading(NAME, 0.98, State.READ), [])
