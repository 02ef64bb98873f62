"""Records to export: one for each entry of the sample stack, and made-up ones in which every field
says something that no other field says.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from pipeline.domain.form.field import FieldSpec, Format, Kind, Meaning
from pipeline.domain.form.field_labels import accessible_names
from pipeline.domain.form.form import Form
from pipeline.domain.model import Client, Value
from pipeline.domain.record import Record
from pipeline.domain.settings import ROOT
from tests.support.store.export_examples import ARNE, FORMS, SIV, empty_fields, record

SAMPLES = ROOT / "data" / "samples"
PERSONS = (SIV.pid, ARNE.pid, "193511275863", "193007149051", "192705199236", "194110105881")
"""Official test numbers."""
SET_APART: Mapping[str, tuple[str, str]] = {
    "clearing": ("3300", "6789"),
    "konto": ("1234567", "7654321"),
    "belopp": ("4500", "4600"),
    "manad": ("202112", "202201"),
    "tid1": ("08:00", "09:00"),
}
"""What a bank or an authority takes, by column."""


def paper_record(form: Form, row: int | None, values: Mapping[str, Value], entry_id: str) -> Record:
    """The record of an entry whose fields say this, as the store builds it of confirmed answers.

    Args:
        values: by column.
    """
    by_meaning = {
        spec.means: values[spec.column]
        for spec in form.entry_fields(row)
        if spec.means and values.get(spec.column)
    }

    def said(meaning: Meaning) -> str:
        value = by_meaning.get(meaning)
        return value if isinstance(value, str) else ""

    moments = {
        "event_at": (said(Meaning.EVENT_DATE), said(Meaning.EVENT_TIME)),
        "written_at": (said(Meaning.WRITTEN_DATE), said(Meaning.WRITTEN_TIME)),
    }
    pid = said(Meaning.CLIENT_PID) or (SIV.pid if not said(Meaning.CLIENT_CODE) else ARNE.pid)
    has_client = form.meaning(Meaning.CLIENT_PID, row) is not None
    return record(
        form.id,
        {**empty_fields(form, row), **values},
        version=form.version,
        row=row,
        entry_id=entry_id,
        serial=entry_id.partition("-")[0],
        client=Client(pid if has_client else "", said(Meaning.CLIENT_NAME), "Norr"),
        labels=_labels(form.id, form.version, row),
        author=said(Meaning.AUTHOR_NAME) or said(Meaning.AUTHOR_SIGNATURE),
        author_title=said(Meaning.AUTHOR_TITLE),
        clock_unknown=frozenset(
            name for name, (day, clock) in moments.items() if day and not clock
        ),
        **{name: _moment(day, clock) for name, (day, clock) in moments.items()},
    )


@cache
def _labels(form_id: str, version: int, row: int | None) -> dict[str, str]:
    """By column. Of a list of a thousand fields it takes longer to say than to export."""
    form = FORMS[form_id, version]
    labels = accessible_names(form, row)
    return {spec.column: labels[spec.name] for spec in form.entry_fields(row)}


def _moment(day: str, clock: str) -> datetime | None:
    if not day:
        return None
    hour, minute = map(int, (clock or "00:00").split(":"))
    return datetime.fromisoformat(day) + timedelta(hours=hour, minutes=minute)


def told_apart(spec: FieldSpec, number: int) -> tuple[Value, Value]:
    """Two things that a field may say; no field with another number says either."""
    if spec.column in SET_APART:
        return SET_APART[spec.column]
    if spec.options:
        return spec.options[0].value, spec.options[-1].value
    match spec.kind:
        case Kind.MARK | Kind.SIGNATURE:
            return True, False
        case Kind.INITIALS:
            return f"G{chr(65 + number % 26)}", f"K{chr(65 + number % 26)}"
        case Kind.LETTERS:
            return "QX", "ZW"
    match spec.format:
        case Format.DATE:
            return f"2021-12-{number % 28 + 1:02d}", f"2022-01-{number % 28 + 1:02d}"
        case Format.TIME:
            return f"{number % 24:02d}:37", f"{number % 24:02d}:52"
        case Format.PERSONAL_NUMBER:
            own = spec.means is Meaning.CLIENT_PID
            return (
                (PERSONS[0], PERSONS[1])
                if own
                else (PERSONS[2 + number % 2], PERSONS[4 + number % 2])
            )
        case Format.NUMBER:
            return f"{300 + number}", f"{600 + number}"
        case Format.CODE:
            return (f"{1000 + number}"[: spec.cells or 4], f"{5000 + number}"[: spec.cells or 4])
    if spec.kind is Kind.LINES:
        return f"Zqa{number:02d}å x\nYwa{number:02d}ö", f"Zqb{number:02d}å x\nYwb{number:02d}ö"
    return f"Zqa{number:02d}å", f"Zqb{number:02d}å"


def told_values(form: Form) -> tuple[dict[str, Value], dict[str, Value]]:
    """Every field of an entry with the first, and with the second of what it may say."""
    pairs = {
        spec.column: told_apart(spec, number)
        for number, spec in enumerate(form.entry_fields(form.rows()[0]))
    }
    return (
        {column: pair[0] for column, pair in pairs.items()},
        {column: pair[1] for column, pair in pairs.items()},
    )


@cache
def sample_records() -> tuple[Record, ...]:
    """Each entry that the sample stack's paper holds, if a person types exactly what it says."""
    with (SAMPLES / "utlamnade.csv").open(encoding="utf-8", newline="") as file:
        versions = {
            row["löpnummer"]: int(row["version"]) for row in csv.DictReader(file, delimiter=";")
        }
    sheets: dict[str, dict[str, Value]] = {}
    forms: dict[str, Form] = {}
    pages: list[dict[str, Any]] = json.loads((SAMPLES / "expected.json").read_text("utf-8"))
    for page in pages:
        if page["outcome"] == "read":
            serial = page["serial"]
            forms[serial] = FORMS[page["form"], versions.get(serial, 1)]
            sheets.setdefault(serial, {}).update(page["values"])
    return tuple(
        entry
        for serial, values in sheets.items()
        for entry in _entries(forms[serial], serial, values)
    )


def _entries(form: Form, serial: str, values: Mapping[str, Value]) -> Iterator[Record]:
    for row in form.rows():
        specs = form.entry_fields(row)
        said = {spec.column: values[spec.name] for spec in specs if spec.name in values}
        own = {spec.column for spec in specs if spec.name in values and spec.name != spec.column}
        if row is None or own:
            found = paper_record(form, row, said, f"{serial[:6]}-{row or 0:02d}")
            yield replace(found, serial=serial)
