"""A table that was kept on a computer during an outage: each row is one entry of a chosen form.

Columns are mapped to the form's fields by their titles, as those of a care list are. What has no
field goes into the entry's free text, so that nothing is lost; the choice is remembered by titles.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from rapidfuzz import fuzz, utils

from pipeline.domain.errors import UsageError
from pipeline.domain.form.field import FieldSpec, Format, Meaning
from pipeline.domain.form.field_labels import accessible_names
from pipeline.domain.form.form import EntriesPer, Form
from pipeline.domain.identity_numbers import normalize_pid
from pipeline.files.atomic import write_atomically
from pipeline.files.documents import NOTE_SUFFIX, RowPage, format_rows
from pipeline.forms.fiducials import serial_of
from pipeline.registers.care_system_list import KNOWN_TITLES, CareColumn, CareTable

TABLE_SUFFIXES = frozenset({".csv", ".xlsx"})
"""Usual suffixes of tables."""
COLUMNS_FILE = "table-columns.json"
"""The remembered columns, in the workspace."""
_MIN_SIMILARITY = 88
_MEANINGS: Mapping[Meaning, CareColumn] = {
    Meaning.CLIENT_PID: CareColumn.PID,
    Meaning.EVENT_DATE: CareColumn.DAY,
    Meaning.EVENT_TIME: CareColumn.CLOCK,
    Meaning.AUTHOR_NAME: CareColumn.AUTHOR,
}
_TICKED = frozenset({"x", "ja", "j", "1", "sant", "true", "yes"})
_NOT_TICKED = frozenset({"nej", "n", "0", "falskt", "false", "no", "-"})
_DAY, _CLOCK = re.compile(r"\d{4}-?\d\d-?\d\d"), re.compile(r"\d{1,2}[:.]\d\d")

TableColumns = Mapping[int, str]
"""The field of each mapped column, from 0, by its name without a row; "" for one left out."""


def propose_columns(titles: Sequence[str], form: Form) -> dict[int, str]:
    """Propose a field for each column: by its label, or by what such columns are usually called."""
    names = accessible_names(form, _entry_row(form))
    pairs = sorted(
        (
            (_similarity(title, spec, names[spec.name]), spec.column, column)
            for column, title in enumerate(titles)
            for spec in _fields(form)
        ),
        key=lambda pair: (-pair[0], pair[2]),
    )
    columns: dict[int, str] = {}
    for similarity, field, column in pairs:
        is_free = column not in columns and field not in columns.values()
        if similarity >= _MIN_SIMILARITY and is_free:
            columns[column] = field
    return columns


def choose_columns(
    titles: Sequence[str], form: Form, chosen: Sequence[str], known: TableColumns
) -> dict[int, str]:
    """Return the columns: as remembered, else as proposed, changed by `TITLE=FIELD`.

    Raises:
        UsageError: there is no such title or field.
    """
    columns = dict(known) or propose_columns(titles, form)
    names = {spec.column for spec in _fields(form)}
    for choice in chosen:
        title, _, field = (part.strip() for part in choice.rpartition("="))
        if title not in titles or (field and field not in names):
            fields = ", ".join(sorted(names))
            raise UsageError("no_such_column", choice=choice, fields=fields)
        columns = {column: name for column, name in columns.items() if name != field or not field}
        columns[list(titles).index(title)] = field
    return columns


def _make_rows(
    table: CareTable, form: Form, columns: TableColumns, source: str
) -> tuple[RowPage, ...]:
    """Return the pages of each row's sheet.

    Raises:
        UsageError: cells have no field that can hold them, and the form has no free text.
    """
    return tuple(
        page
        for number, cells in table.rows
        for page in _row_pages(table.titles, cells, form, columns, f"{source}, rad {number}")
    )


def make_note_file(
    workspace: Path, table: CareTable, form: Form, columns: TableColumns, source: str
) -> tuple[str, bytes]:
    """Return the file that is imported for a table, like a note, and remember its columns.

    Raises:
        UsageError: two columns belong to the same field, or cells have no field that can hold them
            and the form has no free text.
    """
    fields = Counter(field for field in columns.values() if field)
    if twice := [field for field, count in fields.items() if count > 1]:
        labels = field_labels(form)
        names = ", ".join(labels[field] for field in twice)
        raise UsageError("columns_share_field", fields=names)
    content = format_rows(_make_rows(table, form, columns, source))
    _save_columns(workspace, table.titles, form, columns)
    return f"{source}{NOTE_SUFFIX}", content


def field_labels(form: Form) -> dict[str, str]:
    """Return what people call each field that a column may be mapped to, in the form's order."""
    names = accessible_names(form, _entry_row(form))
    return {spec.column: names[spec.name] for spec in _fields(form)}


def has_free_text(form: Form) -> bool:
    """Whether an entry of the form takes what no other field can hold."""
    return any(spec.traits.is_multiline for spec in _fields(form))


def propose_form(workspace: Path, titles: Sequence[str], forms: Sequence[Form]) -> Form | None:
    """Return the form that a table with these titles was last imported as, else the likeliest.

    None where several are as likely, or none has a field for half of the columns.
    """
    chosen_before = [form for form in forms if load_columns(workspace, titles, form)]
    if chosen_before:
        return chosen_before[0] if len(chosen_before) == 1 else None
    counts = [len(propose_columns(titles, form)) for form in forms]
    most = max(counts, default=0)
    is_clear = counts.count(most) == 1 and 2 * most >= len(titles)
    return forms[counts.index(most)] if is_clear else None


def load_columns(workspace: Path, titles: Sequence[str], form: Form) -> dict[int, str]:
    """Return the columns that were chosen for these titles and this form; empty if none were."""
    file = workspace / COLUMNS_FILE
    if not file.exists():
        return {}
    names = {spec.column for spec in _fields(form)}
    known = json.loads(file.read_text("utf-8")).get(_key(titles, form), {})
    return {int(column): field for column, field in known.items() if not field or field in names}


def _save_columns(
    workspace: Path, titles: Sequence[str], form: Form, columns: TableColumns
) -> None:
    """Remember the columns of these titles and this form."""
    file = workspace / COLUMNS_FILE
    known = json.loads(file.read_text("utf-8")) if file.exists() else {}
    known[_key(titles, form)] = {str(column): field for column, field in columns.items()}
    write_atomically(file, json.dumps(known, indent=1))


def _key(titles: Sequence[str], form: Form) -> str:
    return hashlib.sha256(json.dumps([form.id, *titles]).encode()).hexdigest()


def _entry_row(form: Form) -> int | None:
    return 1 if form.entries is EntriesPer.ROW else None


def _fields(form: Form) -> list[FieldSpec]:
    """Return the fields of one entry that a column may be mapped to."""
    specs = form.entry_fields(_entry_row(form))
    return [spec for spec in specs if spec.traits.filled_by_hand and spec.day is None]


def _similarity(title: str, spec: FieldSpec, name: str) -> float:
    """Return how alike a title is to a field (0 to 100); `name` tells it from the form's others."""
    plain = utils.default_process(title)
    # A label such as "Datum" that says little by itself may be that of another event
    words = (name, spec.label, spec.column) if name == spec.full_label else (name, spec.column)
    labels = [utils.default_process(text) for text in words]
    kind = _MEANINGS.get(spec.means) if spec.means else None
    known = KNOWN_TITLES[kind] if kind else ()
    if spec.traits.is_multiline and spec.required:
        known = KNOWN_TITLES[CareColumn.TEXT]
    usual = max((fuzz.ratio(plain, name) - rank / 10 for rank, name in enumerate(known)), default=0)
    return max(usual, *(fuzz.ratio(plain, label) for label in labels))


def _row_pages(
    titles: Sequence[str], cells: Sequence[str], form: Form, columns: TableColumns, source: str
) -> list[RowPage]:
    """Return the pages of the sheet of one row."""
    values, rest = dict[str, str](), list[tuple[str, str]]()
    for column, cell in enumerate(cells):
        spec = form.entry_field(_entry_row(form), columns.get(column, "")) if cell else None
        text = _cell_text(spec, cell) if spec else None
        if spec and text is not None:
            values[spec.name] = text
        elif cell and columns.get(column) != "":
            rest.append((titles[column] if column < len(titles) else "", cell))
    free = next((spec for spec in _fields(form) if spec.traits.is_multiline), None)
    if rest and free is None:
        raise UsageError("columns_have_no_field", titles=", ".join(title for title, _ in rest))
    if rest and free:
        more = (f"{title}: {cell}" for title, cell in rest)
        values[free.name] = "\n".join(filter(None, (values.get(free.name, ""), *more)))
    shown = "\n".join(
        f"{title}: {cell}" for title, cell in zip(titles, cells, strict=False) if cell
    )
    content = json.dumps([form.id, form.version, sorted(values.items())]).encode()
    serial, count = serial_of(content), len(form.pages)
    return [
        RowPage(
            form.id,
            form.version,
            number,
            count,
            serial,
            source,
            shown,
            {spec.name: values[spec.name] for spec in page.all_fields if spec.name in values},
        )
        for number, page in enumerate(form.pages, start=1)
    ]


def _cell_text(spec: FieldSpec, cell: str) -> str | None:
    """Return what a cell says for a field; None if the field cannot hold it."""
    if spec.traits.is_check_box or (spec.traits.is_signature and not spec.traits.names_signer):
        if cell.casefold() in _NOT_TICKED:
            return ""
        return "ja" if cell.casefold() in _TICKED else None
    if spec.traits.has_options:
        return next(
            (
                option.value
                for option in spec.options
                if cell.casefold() in (option.value.casefold(), option.label.casefold())
            ),
            None,
        )
    match spec.format:
        case Format.DATE:
            day = _DAY.match(cell)
            return day[0] if day else cell
        case Format.TIME:
            clock = _CLOCK.search(cell)
            return clock[0] if clock else cell
        case Format.PERSONAL_NUMBER:
            return normalize_pid(cell).value12 or cell
    return cell
