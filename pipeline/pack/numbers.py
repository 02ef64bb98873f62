"""How many sheets of each form a unit has in its pack: reckoned from its area, clients and days, or as the unit has written in a small table."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Annotated

import yaml
from pydantic import Field

from pipeline.csv_table import TableKind, read_table, wrong_row
from pipeline.errors import UsageError
from pipeline.export.csv_file import write_table
from pipeline.field_spec import Strict
from pipeline.settings import ROOT
from pipeline.template import Area, FormId
from pipeline.texts import Text

COLUMNS = ("enhet", "blankett", "antal", "per_klient")
RULES = ROOT / "data" / "pack" / "numbers.yaml"
MOST_SHEETS, MOST_EACH = 2000, 20
"""No more blank sheets of a form, and pre-filled ones a client, are printed in one pack."""
_KIND = TableKind(COLUMNS[:3], ";".join(COLUMNS), "error.table_row.remedy.quantities")


@dataclass(frozen=True, slots=True)
class Need:
    """So many blank sheets of a form, and so many with each client's name and number printed."""

    form: str
    sheets: int
    each_client: int = 0


class Rule(Strict):
    """How a default number is reckoned; see the file."""

    form: FormId
    each_client: Annotated[float, Field(ge=0)] = 0
    each_client_day: Annotated[float, Field(ge=0)] = 0
    each_day: Annotated[float, Field(ge=0)] = 0
    least: Annotated[int, Field(ge=0)] = 0
    prefilled: Annotated[int, Field(ge=0, le=MOST_EACH)] = 0

    def sheets(self, clients: int, days: int) -> int:
        """Blank sheets for so many clients and days."""
        reckoned = self.each_client * clients + self.each_client_day * clients * days + self.each_day * days
        return min(MOST_SHEETS, max(self.least, math.ceil(reckoned)))


class Rules(Strict):
    """The file of default numbers; `uses` says by form what is written on it."""

    version: int
    always: tuple[Rule, ...]
    areas: dict[str, tuple[Rule, ...]]
    uses: dict[FormId, str]


@cache
def rules(path: Path = RULES) -> Rules:
    """The default numbers."""
    return Rules.model_validate(yaml.safe_load(path.read_text("utf-8")))


def default_needs(area: Area, clients: int, days: int, there_are: Collection[str]) -> list[Need]:
    """What a unit needs unless it says otherwise, of the forms that there are (by id): the area's own first, then what every unit has."""
    of_area = [*rules().areas.get(area.value, ()), *rules().always]
    return [Need(rule.form, rule.sheets(clients, days), rule.prefilled) for rule in of_area if rule.form in there_are]


def load_needs(path: Path, unit: str) -> list[Need]:
    """A unit's numbers from a table: columns enhet, blankett, antal and, if wanted, per_klient. Rows of other units are left out.

    Raises:
        UsageError: the file cannot be read, has a wrong row, or says nothing of the unit.
    """
    found: dict[str, Need] = {}
    for number, row in read_table(path, _KIND):
        sheets, each = _count(row["antal"], MOST_SHEETS), _count(row.get("per_klient") or "0", MOST_EACH)
        if sheets is None or each is None:
            raise wrong_row(path, number, Text("error.table_row.quantity", {"most": MOST_SHEETS, "most_each": MOST_EACH}), _KIND)
        if row["enhet"] == unit:
            if row["blankett"] in found:
                raise wrong_row(path, number, Text("error.table_row.form_twice"), _KIND)
            found[row["blankett"]] = Need(row["blankett"], sheets, each)
    if not found:
        raise UsageError("no_numbers", path=path, unit_name=unit)
    return list(found.values())


def needs_table(unit: str, needs: Iterable[Need]) -> bytes:
    """The table that `load_needs` reads."""
    return write_table(COLUMNS, [(unit, need.form, str(need.sheets), str(need.each_client)) for need in needs])


def checked(needs: Sequence[Need]) -> Sequence[Need]:
    """The same, if each number may be printed.

    Raises:
        UsageError: a number is negative or too high, or a form comes twice.
    """
    if len({need.form for need in needs}) < len(needs):
        raise UsageError("form_stands_twice")
    if any(not (0 <= need.sheets <= MOST_SHEETS and 0 <= need.each_client <= MOST_EACH) for need in needs):
        raise UsageError("number_too_high_below_0", most_sheets=MOST_SHEETS, most_each=MOST_EACH)
    return needs


def _count(text: str, most: int) -> int | None:
    return int(text) if text.isdecimal() and int(text) <= most else None
