"""The number of sheets of each form in a unit's outage pack.

It is computed from the unit's area of law, clients and days, or given by a table of the unit.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Annotated

import yaml
from pydantic import Field

from pipeline.domain.errors import UsageError
from pipeline.domain.form.field import StrictModel
from pipeline.domain.form.form import Area, FormId
from pipeline.domain.settings import ROOT
from pipeline.files.csv_tables import TableSchema, read_table, row_error, write_csv
from pipeline.texts import Text

QUANTITY_COLUMNS = ("enhet", "blankett", "antal", "per_klient")
RULES_FILE = ROOT / "data" / "pack" / "numbers.yaml"
MAX_SHEETS, MAX_PER_CLIENT = 2000, 20
"""Limits of one pack: blank sheets of a form, and pre-filled sheets per client."""
_QUANTITY_TABLE = TableSchema(
    QUANTITY_COLUMNS[:3], ";".join(QUANTITY_COLUMNS), "error.table_row.remedy.quantities"
)


@dataclass(frozen=True, slots=True)
class SheetQuantity:
    """Numbers of sheets of a form: blank ones, and those pre-filled for each client."""

    form: str
    sheets: int
    per_client: int = 0


class QuantityRule(StrictModel):
    """The rule for the default number of sheets of a form; the file documents it."""

    form: FormId
    each_client: Annotated[float, Field(ge=0)] = 0
    each_client_day: Annotated[float, Field(ge=0)] = 0
    each_day: Annotated[float, Field(ge=0)] = 0
    least: Annotated[int, Field(ge=0)] = 0
    prefilled: Annotated[int, Field(ge=0, le=MAX_PER_CLIENT)] = 0

    def sheets(self, clients: int, days: int) -> int:
        """Compute the number of blank sheets for so many clients and days."""
        need = (
            self.each_client * clients
            + self.each_client_day * clients * days
            + self.each_day * days
        )
        return min(MAX_SHEETS, max(self.least, math.ceil(need)))


class QuantityRules(StrictModel):
    """The file of default numbers."""

    version: int
    always: tuple[QuantityRule, ...]
    areas: dict[str, tuple[QuantityRule, ...]]


@cache
def load_rules(path: Path = RULES_FILE) -> QuantityRules:
    """Load the rules for default numbers."""
    return QuantityRules.model_validate(yaml.safe_load(path.read_text("utf-8")))


def default_quantities(
    area: Area, clients: int, days: int, known_form_ids: Collection[str]
) -> list[SheetQuantity]:
    """Compute the default numbers of a unit, for forms whose id is known.

    The forms of the unit's area come first, then those of every unit.
    """
    rules = [*load_rules().areas.get(area.value, ()), *load_rules().always]
    return [
        SheetQuantity(rule.form, rule.sheets(clients, days), rule.prefilled)
        for rule in rules
        if rule.form in known_form_ids
    ]


def load_quantities(path: Path, unit: str) -> list[SheetQuantity]:
    """Load a unit's numbers from a table; rows of other units are left out.

    Its columns are enhet, blankett, antal and, optionally, per_klient.

    Raises:
        UsageError: the file cannot be read, has a wrong row, or has no row of the unit.
    """
    quantities: dict[str, SheetQuantity] = {}
    for number, row in read_table(path, _QUANTITY_TABLE):
        # Every row is validated, also those of other units.
        sheets = _parse_count(row["antal"], MAX_SHEETS)
        per_client = _parse_count(row.get("per_klient") or "0", MAX_PER_CLIENT)
        if sheets is None or per_client is None:
            raise row_error(
                path,
                number,
                Text("error.table_row.quantity", {"most": MAX_SHEETS, "most_each": MAX_PER_CLIENT}),
                _QUANTITY_TABLE,
            )
        if row["enhet"] == unit:
            if row["blankett"] in quantities:
                raise row_error(path, number, Text("error.table_row.form_twice"), _QUANTITY_TABLE)
            quantities[row["blankett"]] = SheetQuantity(row["blankett"], sheets, per_client)
    if not quantities:
        raise UsageError("no_numbers", path=path, unit_name=unit)
    return list(quantities.values())


def quantities_csv(unit: str, quantities: Iterable[SheetQuantity]) -> bytes:
    """Write the table that `load_quantities` reads."""
    return write_csv(
        QUANTITY_COLUMNS,
        [
            (unit, quantity.form, str(quantity.sheets), str(quantity.per_client))
            for quantity in quantities
        ],
    )


def require_valid_quantities(quantities: Sequence[SheetQuantity]) -> Sequence[SheetQuantity]:
    """Return the quantities if each number may be printed.

    Raises:
        UsageError: a number is negative or too high, or a form is there twice.
    """
    if len({quantity.form for quantity in quantities}) < len(quantities):
        raise UsageError("form_listed_twice")
    if any(
        not (0 <= quantity.sheets <= MAX_SHEETS and 0 <= quantity.per_client <= MAX_PER_CLIENT)
        for quantity in quantities
    ):
        raise UsageError("number_out_of_range", most_sheets=MAX_SHEETS, most_each=MAX_PER_CLIENT)
    return quantities


def _parse_count(text: str, maximum: int) -> int | None:
    return int(text) if text.isdecimal() and int(text) <= maximum else None
