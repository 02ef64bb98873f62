"""Planned visits from a planning system, as a tour list (körlista): sheets for each route and day, with what was planned printed in their rows."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, time
from itertools import groupby
from pathlib import Path

from pipeline.csv_table import TableKind, read_table, table_of, wrong_row
from pipeline.errors import UsageError
from pipeline.fiducials import new_serial
from pipeline.field_spec import Meaning
from pipeline.identity import Pid, PidKind, is_local, normal_pid
from pipeline.printing import Sheet
from pipeline.template import Form
from pipeline.texts import Text

COLUMNS = ("enhet", "datum", "tid", "personnummer", "namn", "insats", "rutt")
_KIND = TableKind(COLUMNS[:5], ";".join(COLUMNS), "error.table_row.remedy.visits")
TOUR_LIST = "korlista"
"""The form that a plan is printed on unless a municipality has one of its own."""
TIME, SERVICE, ROUTE = "planerad_tid", "insats", "rutt"
"""The form's fields for what a plan says beyond day, number and name."""
_BOXES = 12
"""What the form has for a number: a longer one would be printed as another."""
_CLOCK = re.compile(r"(\d{1,2})[:.](\d\d)(?:[:.]\d\d(?:[.,]\d+)?)?", re.ASCII)


@dataclass(frozen=True, slots=True, order=True)
class PlannedVisit:
    """One planned visit. `day` is YYYY-MM-DD, `at` HH:MM, `pid` 12 characters, or fewer of a local number."""

    unit: str
    day: str
    route: str
    at: str
    pid: str
    name: str
    service: str


def load_plan(path: Path, unit: str = "") -> list[PlannedVisit]:
    """The visits of a plan by unit, day, route and time; of one unit if it is named.

    Columns enhet, datum, tid, personnummer, namn and, if wanted, insats and rutt, as an export of the planning system gives them; others beside them.

    Raises:
        UsageError: the file lacks a column, has a wrong row, or no visit of the unit. The text names rows, never what stands in them.
    """
    return _visits(path, read_table(path, _KIND), unit)


def plan_of(data: bytes, source: str, unit: str) -> list[PlannedVisit]:
    """As `load_plan`, of a file's content; `source` names it in errors."""
    return _visits(source, table_of(data, source, _KIND), unit)


def takes_plan(form: Form) -> bool:
    """Whether the form has rows for planned visits."""
    return all(_place(form, row) is not None for row in form.rows())


def issue_for_plan(form: Form, visits: Iterable[PlannedVisit]) -> list[Sheet]:
    """Sheets with new serials and the visits in their rows, as many sheets for each route as its visits need.

    Raises:
        UsageError: the form has no rows for planned visits.
    """
    places = _places(form)
    groups = groupby(sorted(visits), key=lambda visit: (visit.unit, visit.day, visit.route))
    parts = [(key, part) for key, group in groups for part in _parts(list(group), len(places))]
    return [Sheet(new_serial(), unit, known=tuple(_known(form, places, day, route, part))) for (unit, day, route), part in parts]


def _places(form: Form) -> list[Mapping[str, str]]:
    """For each row of the form the names of its fields for time, number, name and service."""
    found = [_place(form, row) for row in form.rows()]
    if None in found:
        raise UsageError("no_rows_planned_visits", form=form.id, tour_list=TOUR_LIST)
    return [place for place in found if place is not None]


def _place(form: Form, row: int | None) -> Mapping[str, str] | None:
    own = {spec.column: spec.name for spec in form.entry_fields(row) if spec.row is not None}
    who = {
        means.value: spec.name for means in (Meaning.CLIENT_PID, Meaning.CLIENT_NAME) if (spec := form.meaning(means, row)) and spec.row is not None
    }
    return None if len(who) < 2 or TIME not in own else own | who


def _known(form: Form, places: Sequence[Mapping[str, str]], day: str, route: str, visits: Sequence[PlannedVisit]) -> Iterator[tuple[str, str]]:
    """Field and text of all that is printed on one sheet, a digit for each box."""
    if dated := form.meaning(Meaning.EVENT_DATE):
        yield dated.name, day.replace("-", "")
    if route and ROUTE in form.by_name:
        yield ROUTE, route
    for place, visit in zip(places, visits, strict=False):
        yield place[TIME], visit.at.replace(":", "")
        yield place[Meaning.CLIENT_PID], visit.pid
        yield place[Meaning.CLIENT_NAME], visit.name
        if visit.service and SERVICE in place:
            yield place[SERVICE], visit.service


def _visits(source: Path | str, rows: Iterable[tuple[int, dict[str, str]]], unit: str) -> list[PlannedVisit]:
    chosen = [visit for number, row in rows if (visit := _visit(source, number, row)) and unit in ("", visit.unit)]
    if not chosen:
        raise UsageError("plan_no_visits_print")
    return sorted(chosen)


def _visit(path: Path | str, number: int, row: Mapping[str, str]) -> PlannedVisit:
    try:
        day, at = date.fromisoformat(row["datum"][:10]).isoformat(), _clock(row["tid"])
    except ValueError:
        raise wrong_row(path, number, Text("error.table_row.no_day_or_time"), _KIND) from None
    pid = normal_pid(row["personnummer"])
    if not _can_be_printed(pid):
        raise wrong_row(path, number, Text("error.table_row.number_wrong"), _KIND)
    return PlannedVisit(row["enhet"], day, row.get("rutt", ""), at, pid.value12, row["namn"], row.get("insats", ""))


def _can_be_printed(pid: Pid) -> bool:
    if pid.kind is PidKind.LOCAL:
        return is_local(pid.value12) and len(pid.value12) <= _BOXES
    return bool(pid.value12) and (pid.valid or pid.kind is PidKind.RESERVE)


def _clock(text: str) -> str:
    found = _CLOCK.fullmatch(text)
    if found is None:  # 7.3 is what a spreadsheet makes of 7.30, and of 7.03
        raise ValueError
    return time(int(found[1]), int(found[2])).isoformat("minutes")


def _parts(visits: Sequence[PlannedVisit], size: int) -> Iterator[Sequence[PlannedVisit]]:
    return (visits[start : start + size] for start in range(0, len(visits), size))
