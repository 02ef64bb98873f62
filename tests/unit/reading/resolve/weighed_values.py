"""Readings with given probabilities for the tests."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

import numpy as np

from pipeline.domain.form.form import Form, Forms
from pipeline.domain.model import CELL_SYMBOLS, CellProbabilities, Client, Reading, State, Value
from pipeline.domain.settings import ROOT
from pipeline.reading.resolve.resolve import ReadingContext, resolve_page
from pipeline.registers.clients import ClientRegister

FORMS = Forms.load(ROOT / "forms")


NOTE, VISITS, VALUES = (
    FORMS["hsl-anteckning", 1],
    FORMS.latest("besokslista"),
    FORMS["matvarden", 1],
)


ASTRID = Client("192501019216", "Astrid Åkerström", "Hemtjänst Öst")


BIRGER = Client("195001182046", "Birger Näslund", "Hemtjänst Väst", address="Storgatan 3")


GUNHILD = Client("195004112354", "Gunhild Åkerström", "Hemtjänst Väst")


REGISTER = ClientRegister([ASTRID, BIRGER, GUNHILD])


WINDOW = (date(2021, 12, 16), date(2022, 1, 10))


def seen(row: str, p: float = 0.9995, **unsure: tuple[str, float]) -> CellProbabilities:
    """The reading of a row: each box as written with `p`; `b3=("7", 0.4)` makes the fourth box a 7
    with that probability.
    """
    boxes = []
    for i, symbol in enumerate(row):
        box = np.full(len(CELL_SYMBOLS), (1 - p) / (len(CELL_SYMBOLS) - 1))
        box[CELL_SYMBOLS.index(symbol)] = p
        if other := unsure.get(f"b{i}"):
            box *= 1 - other[1]
            box[CELL_SYMBOLS.index(other[0])] += other[1]
        boxes.append(tuple(box.tolist()))
    return tuple(boxes)


def number(row: str, **unsure: tuple[str, float]) -> Reading:
    """The reading of a row of boxes."""
    return Reading(
        row.replace(" ", ""), 0.9, State.READ, cell_probabilities=seen(row, 0.9995, **unsure)
    )


def read(value: Value, p: float = 0.9, *alternatives: tuple[Value, float]) -> Reading:
    """The reading of a field."""
    return Reading(value, p, State.READ, alternatives)


def resolved(
    form: Form, given_: Mapping[str, Reading], register: ClientRegister | None = REGISTER
) -> tuple[dict[str, Reading], list[str]]:
    """The result for a page with only these fields filled in."""
    fields = {spec.name: Reading.empty(0.99) for spec in form.fields} | dict(given_)
    found, issues = resolve_page(form.fields, form, fields, ReadingContext(register, WINDOW))
    return found, [str(issue) for issue in issues]
