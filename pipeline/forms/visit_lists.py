"""Planned visits from a planning system, as a tour list (körlista): sheets for each route and day,
with what was planned printed in their rows.

Which sheets are printed and kept together: those of clients with a protected identity in no
common binder, nor those of whoever may have one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, time
from enum import StrEnum
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.domain.errors import UsageError
from pipeline.domain.form.field import Meaning
from pipeline.domain.form.form import Form
from pipeline.domain.identity_numbers import Pid, PidKind, is_local_pid, normalize_pid
from pipeline.files.csv_tables import TableSchema, parse_table, read_table, row_error
from pipeline.forms.fiducials import new_serial
from pipeline.forms.printing import Sheet
from pipeline.texts import Text

if TYPE_CHECKING:
    from pipeline.domain.model import Client

    pass

VISIT_COLUMNS = ("enhet", "datum", "tid", "personnummer", "namn", "insats", "rutt")
_VISIT_SCHEMA = TableSchema(
    VISIT_COLUMNS[:5], ";".join(VISIT_COLUMNS), "error.table_row.remedy.visits"
)
TOUR_LIST = "korlista"
"""The form that a plan is printed on unless a municipality has one of its own."""
_NUMBER_BOXES = 12
"""What the form has for a number: a longer one would be printed as another."""
_CLOCK_PATTERN = re.compile(r"(\d{1,2})[:.](\d\d)(?:[:.]\d\d(?:[.,]\d+)?)?", re.ASCII)


TIME_FIELD, SERVICE_FIELD, ROUTE_FIELD = "planerad_tid", "insats", "rutt"
"""The form's fields for what a plan says beyond day, number and name."""


@dataclass(frozen=True, slots=True, order=True)
class PlannedVisit:
    """One planned visit. `day` is YYYY-MM-DD, `at` HH:MM, `pid` 12 characters, or fewer of a local
    number.
    """

    unit: str
    day: str
    route: str
    at: str
    pid: str
    name: str
    service: str


def load_visit_plan(path: Path, unit: str = "") -> list[PlannedVisit]:
    """The visits of a plan by unit, day, route and time; of one unit if it is named.

    Columns enhet, datum, tid, personnummer, namn and, if wanted, insats and rutt, as an export
    of the planning system gives them; others beside them.

    Raises:
        UsageError: the file lacks a column, has a wrong row, or no visit of the unit. The text
        names rows, never what stands in them.
    """
    return _parse_visits(path, read_table(path, _VISIT_SCHEMA), unit)


def parse_visit_plan(data: bytes, source: str, unit: str) -> list[PlannedVisit]:
    """As `load_plan`, of a file's content; `source` names it in errors."""
    return _parse_visits(source, parse_table(data, source, _VISIT_SCHEMA), unit)


def has_visit_rows(form: Form) -> bool:
    """Whether the form has rows for planned visits."""
    return all(_visit_fields_of_row(form, row) is not None for row in form.rows())


def make_visit_sheets(form: Form, visits: Iterable[PlannedVisit]) -> list[Sheet]:
    """Sheets with new serials and the visits in their rows, as many sheets for each route as its
    visits need.

    Raises:
        UsageError: the form has no rows for planned visits.
    """
    places = _visit_row_fields(form)
    groups = groupby(sorted(visits), key=lambda visit: (visit.unit, visit.day, visit.route))
    parts = [
        (key, part) for key, group in groups for part in _split_by_size(list(group), len(places))
    ]
    return [
        Sheet(new_serial(), unit, known=tuple(_prefilled_fields(form, places, day, route, part)))
        for (unit, day, route), part in parts
    ]


def _visit_row_fields(form: Form) -> list[Mapping[str, str]]:
    """For each row of the form the names of its fields for time, number, name and service."""
    found = [_visit_fields_of_row(form, row) for row in form.rows()]
    if None in found:
        raise UsageError("no_rows_planned_visits", form=form.id, tour_list=TOUR_LIST)
    return [place for place in found if place is not None]


def _visit_fields_of_row(form: Form, row: int | None) -> Mapping[str, str] | None:
    own = {spec.column: spec.name for spec in form.entry_fields(row) if spec.row is not None}
    who = {
        means.value: spec.name
        for means in (Meaning.CLIENT_PID, Meaning.CLIENT_NAME)
        if (spec := form.meaning(means, row)) and spec.row is not None
    }
    return None if len(who) < 2 or TIME_FIELD not in own else own | who


def _prefilled_fields(
    form: Form,
    places: Sequence[Mapping[str, str]],
    day: str,
    route: str,
    visits: Sequence[PlannedVisit],
) -> Iterator[tuple[str, str]]:
    """Field and text of all that is printed on one sheet, a digit for each box."""
    if dated := form.meaning(Meaning.EVENT_DATE):
        yield dated.name, day.replace("-", "")
    if route and ROUTE_FIELD in form.by_name:
        yield ROUTE_FIELD, route
    for place, visit in zip(places, visits, strict=False):
        yield place[TIME_FIELD], visit.at.replace(":", "")
        yield place[Meaning.CLIENT_PID], visit.pid
        yield place[Meaning.CLIENT_NAME], visit.name
        if visit.service and SERVICE_FIELD in place:
            yield place[SERVICE_FIELD], visit.service


def _parse_visits(
    source: Path | str, rows: Iterable[tuple[int, dict[str, str]]], unit: str
) -> list[PlannedVisit]:
    chosen = [
        visit
        for number, row in rows
        if (visit := _parse_visit(source, number, row)) and unit in ("", visit.unit)
    ]
    if not chosen:
        raise UsageError("plan_no_visits_print")
    return sorted(chosen)


def _parse_visit(path: Path | str, number: int, row: Mapping[str, str]) -> PlannedVisit:
    try:
        day, at = date.fromisoformat(row["datum"][:10]).isoformat(), _parse_clock(row["tid"])
    except ValueError:
        raise row_error(
            path, number, Text("error.table_row.no_day_or_time"), _VISIT_SCHEMA
        ) from None
    pid = normalize_pid(row["personnummer"])
    if not _fits_number_boxes(pid):
        raise row_error(path, number, Text("error.table_row.number_wrong"), _VISIT_SCHEMA)
    return PlannedVisit(
        row["enhet"], day, row.get("rutt", ""), at, pid.value12, row["namn"], row.get("insats", "")
    )


def _fits_number_boxes(pid: Pid) -> bool:
    if pid.kind is PidKind.LOCAL:
        return is_local_pid(pid.value12) and len(pid.value12) <= _NUMBER_BOXES
    return bool(pid.value12) and (pid.valid or pid.kind is PidKind.RESERVE)


def _parse_clock(text: str) -> str:
    found = _CLOCK_PATTERN.fullmatch(text)
    if found is None:  # 7.3 is what a spreadsheet makes of 7.30, and of 7.03
        raise ValueError
    return time(int(found[1]), int(found[2])).isoformat("minutes")


def _split_by_size(visits: Sequence[PlannedVisit], size: int) -> Iterator[Sequence[PlannedVisit]]:
    return (visits[start : start + size] for start in range(0, len(visits), size))


class Binder(StrEnum):
    """The values end the names of the files. Of a client whom no register has, nothing says whether
    the identity is protected: kept as if it were.
    """

    TOGETHER = ""
    PROTECTED = "-skyddade"
    UNKNOWN = "-ej-i-registret"


def split_by_binder(
    visits: Iterable[PlannedVisit], register: Iterable[Client]
) -> dict[Binder, list[PlannedVisit]]:
    """Planned visits as their paper is kept, without empty lists. Who stands in the register twice
    is protected if either row says so.
    """
    protected = dict[str, bool]()
    for client in register:
        protected[client.pid] = client.protected or protected.get(client.pid, False)
    kept = {None: Binder.UNKNOWN, True: Binder.PROTECTED, False: Binder.TOGETHER}
    found: dict[Binder, list[PlannedVisit]] = {one: [] for one in Binder}
    for visit in visits:
        found[kept[protected.get(visit.pid)]].append(visit)
    return {one: theirs for one, theirs in found.items() if theirs}
