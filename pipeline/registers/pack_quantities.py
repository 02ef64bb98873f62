"""How many sheets of each form a unit has in its pack: reckoned from its area, clients and days, or
as the unit has written in a small table.
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
"""No more blank sheets of a form, and pre-filled ones a client, are printed in one pack."""
_QUANTITY_TABLE = TableSchema(
    QUANTITY_COLUMNS[:3], ";".join(QUANTITY_COLUMNS), "error.table_row.remedy.quantities"
)


@dataclass(frozen=True, slots=True)
class SheetQuantity:
    """So many blank sheets of a form, and so many with each client's name and number printed."""

    form: str
    sheets: int
    per_client: int = 0


class QuantityRule(StrictModel):
    """How a default number is reckoned; see the file."""

    form: FormId
    each_client: Annotated[float, Field(ge=0)] = 0
    each_client_day: Annotated[float, Field(ge=0)] = 0
    each_day: Annotated[float, Field(ge=0)] = 0
    least: Annotated[int, Field(ge=0)] = 0
    prefilled: Annotated[int, Field(ge=0, le=MAX_PER_CLIENT)] = 0

    def sheets(self, clients: int, days: int) -> int:
        """Blank sheets for so many clients and days."""
        reckoned = (
            self.each_client * clients
            + self.each_client_day * clients * days
            + self.each_day * days
        )
        return min(MAX_SHEETS, max(self.least, math.ceil(reckoned)))


class QuantityRules(StrictModel):
    """The file of default numbers; `uses` says by form what is written on it."""

    version: int
    always: tuple[QuantityRule, ...]
    areas: dict[str, tuple[QuantityRule, ...]]
    uses: dict[FormId, str]


@cache
def load_rules(path: Path = RULES_FILE) -> QuantityRules:
    """The default numbers."""
    return QuantityRules.model_validate(yaml.safe_load(path.read_text("utf-8")))


def default_quantities(
    area: Area, clients: int, days: int, known_form_ids: Collection[str]
) -> list[SheetQuantity]:
    """What a unit needs unless it says otherwise, of the forms that there are (by id): the area's
    own first, then what every unit has.
    """
    of_area = [*load_rules().areas.get(area.value, ()), *load_rules().always]
    return [
        SheetQuantity(rule.form, rule.sheets(clients, days), rule.prefilled)
        for rule in of_area
        if rule.form in known_form_ids
    ]


def load_quantities(path: Path, unit: str) -> list[SheetQuantity]:
    """A unit's numbers from a table: columns enhet, blankett, antal and, if wanted, per_klient.
    Rows of other units are left out.

    Raises:
        UsageError: the file cannot be read, has a wrong row, or says nothing of the unit.
    """
    found: dict[str, SheetQuantity] = {}
    for number, row in read_table(path, _QUANTITY_TABLE):
        sheets, each = (
            _parse_count(row["antal"], MAX_SHEETS),
            _parse_count(row.get("per_klient") or "0", MAX_PER_CLIENT),
        )
        if sheets is None or each is None:
            raise row_error(
                path,
                number,
                Text("error.table_row.quantity", {"most": MAX_SHEETS, "most_each": MAX_PER_CLIENT}),
                _QUANTITY_TABLE,
            )
        if row["enhet"] == unit:
            if row["blankett"] in found:
                raise row_error(path, number, Text("error.table_row.form_twice"), _QUANTITY_TABLE)
            found[row["blankett"]] = SheetQuantity(row["blankett"], sheets, each)
    if not found:
        raise UsageError("no_numbers", path=path, unit_name=unit)
    return list(found.values())


def quantities_csv(unit: str, quantities: Iterable[SheetQuantity]) -> bytes:
    """The table that `load_needs` reads."""
    return write_csv(
        QUANTITY_COLUMNS,
        [(unit, need.form, str(need.sheets), str(need.per_client)) for need in quantities],
    )


def require_valid_quantities(quantities: Sequence[SheetQuantity]) -> Sequence[SheetQuantity]:
    """The same, if each number may be printed.

    Raises:
        UsageError: a number is negative or too high, or a form comes twice.
    """
    if len({need.form for need in quantities}) < len(quantities):
        raise UsageError("form_stands_twice")
    if any(
        not (0 <= need.sheets <= MAX_SHEETS and 0 <= need.per_client <= MAX_PER_CLIENT)
        for need in quantities
    ):
        raise UsageError(
            "number_too_high_below_0", most_sheets=MAX_SHEETS, most_each=MAX_PER_CLIENT
        )
    return quantities


def _parse_count(text: str, most: int) -> int | None:
    return int(text) if text.isdecimal() and int(text) <= most else None
