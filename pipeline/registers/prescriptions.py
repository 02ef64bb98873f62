"""Prescriptions of a care system as a signing list: sheets per patient and month.

The prescriptions are printed on the front, and each time of day in a line of the grid of days.
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, time
from itertools import groupby
from pathlib import Path

from pipeline.domain.dates import today_in_sweden
from pipeline.domain.errors import UsageError
from pipeline.domain.form.field import Meaning
from pipeline.domain.form.form import Form
from pipeline.domain.identity_numbers import format_pid, normalize_pid
from pipeline.domain.model import Client
from pipeline.files.csv_tables import TableSchema, read_table, row_error
from pipeline.forms.drawing import PaperDocument
from pipeline.forms.fiducials import new_serial
from pipeline.forms.field_drawing import require_room
from pipeline.forms.printing import Sheet
from pipeline.forms.visit_lists import fits_number_boxes
from pipeline.texts import Text

PRESCRIPTION_COLUMNS = (
    "enhet",
    "månad",
    "personnummer",
    "namn",
    "läkemedel",
    "tider",
    "ordinatör",
    "ordinerat",
    "styrka",
    "form",
    "väg",
    "dos",
    "delegerad",
    "kortnamn",
)
_SCHEMA = TableSchema(
    PRESCRIPTION_COLUMNS[:8],
    ";".join(PRESCRIPTION_COLUMNS),
    "error.table_row.remedy.prescriptions",
)
_PRESCRIPTION_FIELDS, _TIME_FIELD = "ord{}_insats", "rad{}_tid"
_COLUMNS = {
    "insats": "läkemedel",
    "vag": "väg",
    "dos": "dos och tider",
    "ordinator": "ordinatör",
}
"""The column of the table that is printed in a field, if its name is another."""
_GRID_FIELDS = ("rad1_insats", "rad1_insats_bak")
_MAX_TIMES = 6
"""Times a day of one prescription."""
_CLOCK_PATTERN = re.compile(r"(\d{1,2})(?:[:.](\d\d))?", re.ASCII)
_MONTH_PATTERN = re.compile(r"(\d{4})-(\d\d)", re.ASCII)
_FLAGS = {"": False, "nej": False, "ja": True}


@dataclass(frozen=True, slots=True, order=True)
class Prescription:
    """A prescription of one patient for one month.

    `month` is the first day, `number` the row of the table, `times` are HH.MM in order.
    """

    unit: str
    pid: str
    month: date
    number: int
    name: str
    drug: str
    times: tuple[str, ...]
    prescriber: str
    prescribed_on: str
    strength: str = ""
    form: str = ""
    route: str = ""
    dose: str = ""
    delegated: bool = False
    short_name: str = ""

    @property
    def grid_name(self) -> str:
        """The drug as the grid of days names it."""
        return self.short_name or self.drug


def load_prescriptions(path: Path, unit: str = "") -> list[Prescription]:
    """Load the prescriptions of a table, by unit, patient and month; of one unit if it is named.

    Raises:
        UsageError: the file lacks a column, has a wrong row, or nothing of the unit. The message
            names rows, never their content.
    """
    found = [
        # Rows of other units are parsed too: a wrong row is reported in any unit.
        prescription
        for number, row in read_table(path, _SCHEMA)
        if (prescription := _parse_prescription(path, number, row))
        and unit in ("", prescription.unit)
    ]
    if not found:
        raise UsageError("plan_without_prescriptions")
    return sorted(found)


def has_prescription_lines(form: Form) -> bool:
    """Return whether the form has lines for prescriptions and a grid of days for their times."""
    return _PRESCRIPTION_FIELDS.format(1) in form.by_name and _TIME_FIELD.format(1) in form.by_name


def make_prescription_sheets(form: Form, prescriptions: Iterable[Prescription]) -> list[Sheet]:
    """Make sheets with new serials, as many as each patient's month needs.

    Raises:
        UsageError: the form has no lines for prescriptions, or a text no room in its box.
    """
    if not has_prescription_lines(form):
        raise UsageError("form_without_prescription_lines", form=form.id)
    most, lines = _count_lines(form, _PRESCRIPTION_FIELDS), _count_lines(form, _TIME_FIELD)
    groups = groupby(sorted(prescriptions), key=lambda each: (each.unit, each.pid, each.month))
    parts = [
        (unit, pid, part)
        for (unit, pid, _), group in groups
        for part in _split(list(group), most, lines)
    ]
    _require_room(form, [part for _, _, part in parts])
    return [
        Sheet(
            new_serial(),
            unit,
            Client(pid=pid, name=part[0].name, unit=unit),
            tuple(_prefilled_fields(form, part)),
        )
        for unit, pid, part in parts
    ]


def _require_room(form: Form, parts: Iterable[Sequence[Prescription]]) -> None:
    """Check that each text can be read in its box: a drug or dose in tiny print is a danger.

    Raises:
        UsageError: one cannot.
    """
    with PaperDocument(form.title, today_in_sweden()) as paper:
        for number, each in (pair for part in parts for pair in enumerate(part, start=1)):
            for name, text in _line_texts(each).items():
                spec = form.by_name[f"ord{number}_{name}"]
                require_room(paper, spec, text, each.number, _COLUMNS.get(name, name))
            # The prescription's number is printed before its name in the grid.
            column = "kortnamn" if each.short_name else _COLUMNS["insats"]
            for spec in (form.by_name[name] for name in _GRID_FIELDS if name in form.by_name):
                require_room(paper, spec, each.grid_name, each.number, column, f"{number} ")


def _count_lines(form: Form, pattern: str) -> int:
    return next(
        n for n in range(1, len(form.fields) + 1) if pattern.format(n + 1) not in form.by_name
    )


def _split(
    prescriptions: Sequence[Prescription], most: int, lines: int
) -> Iterator[list[Prescription]]:
    """Yield the prescriptions of one sheet: no more than it has lines, and lines of the grid."""
    part: list[Prescription] = []
    for each in prescriptions:
        used = sum(len(other.times) for other in part)
        if part and (len(part) == most or used + len(each.times) > lines):
            yield part
            part = []
        part.append(each)
    yield part


def _prefilled_fields(form: Form, part: Sequence[Prescription]) -> Iterator[tuple[str, str]]:
    """Yield field and text of all that is printed on one sheet."""
    first = part[0].month
    last = first.replace(day=calendar.monthrange(first.year, first.month)[1])
    yield "datum", f"{first:%Y%m%d}"
    yield "till", f"{last:%Y%m%d}"
    # Further pages are signed on: each says whose it is, and of which month.
    whose = f"{part[0].name}, {format_pid(part[0].pid)}, {first:%Y-%m}"
    for spec in form.fields:
        if spec.means is Meaning.CLIENT_PRINTED and spec.traits.filled_by_hand:
            yield spec.name, whose
    for number, each in enumerate(part, start=1):
        for name, text in _line_texts(each).items():
            if text:
                yield f"ord{number}_{name}", text
    # The lines of the grid in the order of the rounds.
    doses = sorted(
        (at, number, each.grid_name)
        for number, each in enumerate(part, start=1)
        for at in each.times
    )
    for line, (at, number, drug) in enumerate(doses, start=1):
        for name, text in (("insats", f"{number} {drug}"), ("tid", at)):
            # The same on both sides of the paper.
            for field in (f"rad{line}_{name}", f"rad{line}_{name}_bak"):
                if field in form.by_name:
                    yield field, text


def _line_texts(each: Prescription) -> dict[str, str]:
    clocks = ", ".join(at.removesuffix(".00").lstrip("0") or "0" for at in each.times)
    return {
        "insats": each.drug,
        "styrka": each.strength,
        "form": each.form,
        "vag": each.route,
        "dos": " kl. ".join(filter(None, (each.dose, clocks))),
        "delegerad": "X" if each.delegated else "",
        "ordinator": each.prescriber,
        "ordinerat": each.prescribed_on,
    }


def _parse_prescription(path: Path, number: int, row: Mapping[str, str]) -> Prescription:
    pid = normalize_pid(row["personnummer"])
    # A wrong number would be printed as another person's.
    if not fits_number_boxes(pid):
        raise _error(path, number, Text("error.table_row.number_wrong"))
    delegated = _FLAGS.get(row.get("delegerad", "").casefold())
    if delegated is None:
        raise _error(path, number, Text("error.table_row.flag", {"column": "delegerad"}))
    return Prescription(
        unit=row["enhet"],
        pid=pid.value12,
        month=_parse_month(path, number, row["månad"]),
        number=number,
        name=row["namn"],
        drug=row["läkemedel"],
        times=_parse_times(path, number, row["tider"]),
        prescriber=row["ordinatör"],
        prescribed_on=_parse_day(path, number, row["ordinerat"]),
        strength=row.get("styrka", ""),
        form=row.get("form", ""),
        route=row.get("väg", ""),
        dose=row.get("dos", ""),
        delegated=delegated,
        short_name=row.get("kortnamn", ""),
    )


def _parse_month(path: Path, number: int, text: str) -> date:
    match = _MONTH_PATTERN.fullmatch(text)
    if match is None or not 1 <= int(match[2]) <= 12:
        raise _error(path, number, Text("error.table_row.no_month"))
    return date(int(match[1]), int(match[2]), 1)


def _parse_day(path: Path, number: int, text: str) -> str:
    try:
        return date.fromisoformat(text[:10]).isoformat()
    except ValueError:
        raise _error(path, number, Text("error.table_row.no_prescription_day")) from None


def _parse_times(path: Path, number: int, text: str) -> tuple[str, ...]:
    """Return one to six different times of day in order."""
    try:
        times = sorted(_parse_clock(each) for each in re.split(r"[\s,]+", text.strip(" ,")))
    except ValueError:
        raise _error(path, number, Text("error.table_row.no_dose_times")) from None
    if len(set(times)) != len(times) or len(times) > _MAX_TIMES:
        raise _error(path, number, Text("error.table_row.no_dose_times"))
    return tuple(f"{at:%H.%M}" for at in times)


def _parse_clock(text: str) -> time:
    match = _CLOCK_PATTERN.fullmatch(text)
    if match is None:
        raise ValueError
    return time(int(match[1]), int(match[2] or 0))


def _error(path: Path, number: int, problem: Text) -> UsageError:
    return row_error(path, number, problem, _SCHEMA)
