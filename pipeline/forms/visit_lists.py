"""Planned visits from a planning system as a tour list (körlista): sheets per route and day.

The visits are printed in the rows of the sheets.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, time
from itertools import groupby
from pathlib import Path

from pipeline.domain.dates import today_in_sweden
from pipeline.domain.errors import UsageError
from pipeline.domain.form.field import Meaning
from pipeline.domain.form.form import Form
from pipeline.domain.identity_numbers import Pid, PidKind, is_local_pid, normalize_pid
from pipeline.files.csv_tables import TableSchema, read_table, row_error
from pipeline.forms.drawing import PaperDocument
from pipeline.forms.fiducials import new_serial
from pipeline.forms.field_drawing import require_room
from pipeline.forms.printing import Sheet
from pipeline.texts import Text

VISIT_COLUMNS = ("enhet", "datum", "tid", "personnummer", "namn", "insats", "rutt")
_VISIT_SCHEMA = TableSchema(
    VISIT_COLUMNS[:5], ";".join(VISIT_COLUMNS), "error.table_row.remedy.visits"
)
TOUR_LIST = "korlista"
"""The form that a plan is printed on unless a municipality has a form of its own."""
_NUMBER_BOXES = 12
"""Boxes for a number on the form: a longer number would be printed as another."""
_CLOCK_PATTERN = re.compile(r"(\d{1,2})[:.](\d\d)(?:[:.]\d\d(?:[.,]\d+)?)?", re.ASCII)

TIME_FIELD, SERVICE_FIELD, ROUTE_FIELD = "planerad_tid", "insats", "rutt"
"""The form's fields for the facts of a plan beyond day, number and name."""


@dataclass(frozen=True, slots=True, order=True)
class PlannedVisit:
    """One planned visit.

    `day` is YYYY-MM-DD, `at` HH:MM, `pid` 12 characters, or fewer of a local number; `number` is
    the row of the plan.
    """

    unit: str
    day: str
    route: str
    at: str
    pid: str
    name: str
    service: str
    number: int = field(default=0, compare=False)


def load_visit_plan(
    source: Path | str, unit: str = "", data: bytes | None = None
) -> list[PlannedVisit]:
    """Load the visits of a plan, sorted by unit, day, route and time; of one unit if it is named.

    Its columns are enhet, datum, tid, personnummer, namn and, optionally, insats and rutt; others
    are ignored. With `data`, the content of the file, `source` only names it in errors.

    Raises:
        UsageError: the file lacks a column, has a wrong row, or no visit of the unit. The message
            names rows, never their content.
    """
    visits = [
        # Rows of other units are parsed too: a wrong row is reported in any unit.
        visit
        for number, row in read_table(source, _VISIT_SCHEMA, data)
        if (visit := _parse_visit(source, number, row)) and unit in ("", visit.unit)
    ]
    if not visits:
        raise UsageError("plan_without_visits")
    return sorted(visits)


def has_visit_rows(form: Form) -> bool:
    """Whether the form has rows for planned visits."""
    return all(_visit_fields_of_row(form, row) is not None for row in form.rows())


def make_visit_sheets(form: Form, visits: Iterable[PlannedVisit]) -> list[Sheet]:
    """Make sheets with new serials and the visits in their rows, as many as each route needs.

    Raises:
        UsageError: the form has no rows for planned visits, or a text no room in its box.
    """
    rows = _visit_row_fields(form)
    # The visits of a unit, day and route, divided by the rows of a sheet.
    groups = groupby(sorted(visits), key=lambda visit: (visit.unit, visit.day, visit.route))
    # A group with more visits than rows continues on further sheets.
    parts = [
        (key, part) for key, group in groups for part in _split_by_size(list(group), len(rows))
    ]
    with PaperDocument(form.title, today_in_sweden()) as paper:
        for _, part in parts:
            _require_room(paper, form, rows, part)
    return [
        # One new serial per sheet.
        Sheet(new_serial(), unit, prefilled=tuple(_prefilled_fields(form, rows, day, route, part)))
        for (unit, day, route), part in parts
    ]


def _require_room(
    paper: PaperDocument,
    form: Form,
    rows: Sequence[Mapping[str, str]],
    visits: Sequence[PlannedVisit],
) -> None:
    """Check that each text can be read in its box.

    Raises:
        UsageError: one cannot.
    """
    for fields, visit in zip(rows, visits, strict=False):
        texts = [("namn", fields[Meaning.CLIENT_NAME], visit.name)]
        if SERVICE_FIELD in fields:
            texts.append(("insats", fields[SERVICE_FIELD], visit.service))
        if ROUTE_FIELD in form.by_name:
            texts.append(("rutt", ROUTE_FIELD, visit.route))
        for column, name, text in texts:
            require_room(paper, form.by_name[name], text, visit.number, column)


def _visit_row_fields(form: Form) -> list[Mapping[str, str]]:
    """Return for each row of the form the names of its fields by column and meaning."""
    rows = [_visit_fields_of_row(form, row) for row in form.rows()]
    # Every row has to have the fields of a visit.
    if None in rows:
        raise UsageError("form_without_visit_rows", form=form.id, tour_list=TOUR_LIST)
    return [fields for fields in rows if fields is not None]


def _visit_fields_of_row(form: Form, row: int | None) -> Mapping[str, str] | None:
    """Return the names of a row's fields by column and meaning; None if one is missing."""
    by_column = {spec.column: spec.name for spec in form.entry_fields(row) if spec.row is not None}
    by_meaning = {
        meaning.value: spec.name
        for meaning in (Meaning.CLIENT_PID, Meaning.CLIENT_NAME)
        if (spec := form.meaning(meaning, row)) and spec.row is not None
    }
    # A visit needs a number, a name and a time.
    if len(by_meaning) < 2 or TIME_FIELD not in by_column:
        return None
    return by_column | by_meaning


def _prefilled_fields(
    form: Form,
    rows: Sequence[Mapping[str, str]],
    day: str,
    route: str,
    visits: Sequence[PlannedVisit],
) -> Iterator[tuple[str, str]]:
    """Yield field and text of all that is printed on one sheet, one digit per box."""
    # Day and route once for the sheet.
    if date_field := form.meaning(Meaning.EVENT_DATE):
        yield date_field.name, day.replace("-", "")
    if route and ROUTE_FIELD in form.by_name:
        yield ROUTE_FIELD, route
    # Visits from the first row on; remaining rows stay blank.
    for fields, visit in zip(rows, visits, strict=False):
        yield fields[TIME_FIELD], visit.at.replace(":", "")
        yield fields[Meaning.CLIENT_PID], visit.pid
        yield fields[Meaning.CLIENT_NAME], visit.name
        if visit.service and SERVICE_FIELD in fields:
            yield fields[SERVICE_FIELD], visit.service


def _parse_visit(path: Path | str, number: int, row: Mapping[str, str]) -> PlannedVisit:
    try:
        # The first ten characters are the date of a timestamp.
        day, at = date.fromisoformat(row["datum"][:10]).isoformat(), _parse_clock(row["tid"])
    except ValueError:
        raise row_error(
            path, number, Text("error.table_row.no_day_or_time"), _VISIT_SCHEMA
        ) from None
    pid = normalize_pid(row["personnummer"])
    # A wrong or too long number would be printed as another person's.
    if not fits_number_boxes(pid):
        raise row_error(path, number, Text("error.table_row.number_wrong"), _VISIT_SCHEMA)
    return PlannedVisit(
        row["enhet"],
        day,
        row.get("rutt", ""),
        at,
        pid.value12,
        row["namn"],
        row.get("insats", ""),
        number,
    )


def fits_number_boxes(pid: Pid) -> bool:
    """Return whether a number is right and can be printed whole in its boxes."""
    # A local number without check digit, no longer than the boxes.
    if pid.kind is PidKind.LOCAL:
        return is_local_pid(pid.value12) and len(pid.value12) <= _NUMBER_BOXES
    # A national number needs a right check digit; a reserve number need not have one.
    return bool(pid.value12) and (pid.valid or pid.kind is PidKind.RESERVE)


def _parse_clock(text: str) -> str:
    match = _CLOCK_PATTERN.fullmatch(text)
    if match is None:  # 7.3, for instance, which a spreadsheet makes of 7.30 and of 7.03
        raise ValueError
    return time(int(match[1]), int(match[2])).isoformat("minutes")


def _split_by_size(visits: Sequence[PlannedVisit], size: int) -> Iterator[Sequence[PlannedVisit]]:
    return (visits[start : start + size] for start in range(0, len(visits), size))
