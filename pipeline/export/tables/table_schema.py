"""The Table Schema of a table file: what a program that reads it may rely on in each column.

The schema follows https://specs.frictionlessdata.io/table-schema/. It is made from the mapping and
the forms of a run, holds nothing of any entry, and is handed out beside the file.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from pipeline.domain.form.field import FieldSpec, Format, Meaning
from pipeline.domain.form.form import Form
from pipeline.domain.identity_numbers import MAX_LOCAL_PID_LENGTH
from pipeline.domain.law.permissions import Action
from pipeline.domain.model import Person
from pipeline.export.mapping import TableColumn, TableMapping
from pipeline.export.record_text import ILLEGIBLE_TEXT, MARK_WORDS
from pipeline.export.runs import ExportContext, load_export_options, require_run
from pipeline.export.targets import find_target
from pipeline.files.csv_tables import ENCODING, csv_reader, neutralize_formula
from pipeline.store.exports.run_items import list_run_forms

SUFFIX = ".schema.json"
"""What the schema's file name has after that of the table."""
MEDIA_TYPE = "application/json"
Facts = dict[str, Any]
"""A field of a Table Schema without its name."""

_TEXT: Facts = {"type": "string"}
_DATE: Facts = {"type": "date"}
_MOMENT: Facts = {"type": "datetime", "format": "%Y-%m-%d %H:%M"}
_CLOCK: Facts = {
    "type": "string",
    "constraints": {"pattern": "(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)"},
}
_COUNT: Facts = {"type": "integer", "constraints": {"required": True, "minimum": 1}}
_CLIENT_PATTERN = f"[0-9A-ZÅÄÖ/]{{1,{MAX_LOCAL_PID_LENGTH}}}"
"""A client without a Swedish number may have a local one, with letters or a slash."""
_PID_PATTERN = "[0-9A-Z]{12}|[0-9]{10}|[0-9]{8}/[0-9]"
_FACTS_BY_SOURCE: Mapping[str, Facts] = {
    "client.pid": {"type": "string", "constraints": {"required": True, "pattern": _CLIENT_PATTERN}},
    "event.date": _DATE,
    "event.time": _CLOCK,
    "written.date": _DATE,
    "written.time": _CLOCK,
    **dict.fromkeys(
        ("scanned.at", "read.at", "entered.at", "verified.at", "signed.at", "run.at"), _MOMENT
    ),
    "entry.id": {"type": "string", "constraints": {"required": True}},
    "entry.revision": _COUNT,
    "run.number": _COUNT,
    "run.id": {"type": "string", "constraints": {"required": True}},
    "late.text": {"type": "string", "constraints": {"required": True}},
}
_FACTS_BY_FORMAT: Mapping[Format, Facts] = {
    Format.DATE: _DATE,
    Format.TIME: _CLOCK,
    Format.PERSONAL_NUMBER: {"type": "string", "constraints": {"pattern": _PID_PATTERN}},
    Format.NUMBER: {"type": "number", "decimalChar": ","},
}
_KEY_SOURCES = ("run.number", "client.pid")
"""What is together once in a file: of an entry that has moved, a row a client."""


def build_table_schema(mappings: Mapping[str, TableMapping], forms: Sequence[Form]) -> Facts:
    """Return the Table Schema of a file that holds entries of these forms, in these versions.

    A column that means different things in them is only text.

    Args:
        mappings: the target's mapping files by form id; those of `forms` have the same titles.
    """
    columns: dict[str, Facts] = {}
    key: dict[str, str] = {}
    for form in forms:
        for column in mappings[form.id].columns:
            facts, title = _column_facts(column, form), neutralize_formula(column.title)
            columns[title] = _merge_facts(columns[title], facts) if title in columns else facts
            if column.source in _KEY_SOURCES:
                key[column.source] = title
    schema: Facts = {
        "fields": [{"name": title, **facts} for title, facts in columns.items()],
        "missingValues": ["", ILLEGIBLE_TEXT],
    }
    if "run.number" in key:
        schema["primaryKey"] = [key[source] for source in _KEY_SOURCES if source in key]
    return schema


def has_table_schema(context: ExportContext, target: str) -> bool:
    """Return whether the files of a target are tables with a schema."""
    exporter = context.targets.get(target)
    return exporter is not None and exporter.mapping is TableMapping


def fetch_run_schema(context: ExportContext, person: Person, run_id: str) -> bytes | None:
    """Return the Table Schema of a run's file as JSON; None if the file is no table.

    It has nothing about any entry. Mapping files may have been edited since the run: it has the
    columns of the file, and says of each what the form and the mapping allow now.

    Raises:
        NotAllowedError: the person may not see any entry of the run.
        ExportError: there is no such run, or a mapping file is wrong.
        StoreError: the file is missing or damaged.
    """
    with context.store.read() as conn:
        run = require_run(conn, person, run_id, Action.EXPORT)
        form_versions = list_run_forms(conn, run_id)
    if not has_table_schema(context, run.target):
        return None
    target = find_target(context.settings, run.target)
    mappings = load_export_options(context, run.target, target).mappings
    tables = {
        form: mapping for form, mapping in mappings.items() if isinstance(mapping, TableMapping)
    }
    forms = [
        context.forms[version]
        for version in form_versions
        if version[0] in tables and version in context.forms
    ]
    schema = build_table_schema(tables, forms)
    fitted = fit_schema(schema, context.store.images.get(run.sha256))
    return json.dumps(fitted, ensure_ascii=False, indent=2).encode()


def _column_facts(column: TableColumn, form: Form) -> Facts:
    """Return what may stand in a column for entries of a form."""
    if column.constant is not None:
        return {"type": "string", "constraints": {"required": True, "enum": [column.constant]}}
    prefix, _, name = (column.source or "").partition(".")
    if prefix != "field":
        return _FACTS_BY_SOURCE.get(column.source or "", _TEXT) if not column.codes else _TEXT
    spec = next((spec for row in form.rows() if (spec := form.entry_field(row, name))), None)
    # A field that only other versions of the form have is always empty.
    if spec is None:
        return _TEXT
    # The field's label on the paper, and what its number counts.
    return {
        **_field_facts(column, spec),
        "description": f"{spec.full_label} ({spec.measure})" if spec.measure else spec.full_label,
    }


def _field_facts(column: TableColumn, spec: FieldSpec) -> Facts:
    is_mark = spec.traits.is_boolean and not spec.traits.names_signer
    words = list(MARK_WORDS.values()) if is_mark else [option.value for option in spec.options]
    if words:
        codes = dict.fromkeys(column.codes.get(word, word) for word in words)
        return {"type": "string", "constraints": {"enum": list(codes)}}
    if spec.format is None or column.codes or not spec.traits.filled_by_hand:
        return _TEXT
    if spec.means is Meaning.CLIENT_PID:
        return {"type": "string", "constraints": {"pattern": _CLIENT_PATTERN}}
    return _FACTS_BY_FORMAT.get(spec.format, _TEXT)


def _merge_facts(one: Facts, other: Facts) -> Facts:
    """Return what holds for a column of either kind."""
    if one == other:
        return one
    lists = [facts.get("constraints", {}).get("enum") for facts in (one, other)]
    described = {
        key: one[key] for key in ("description",) if one.get(key) and one.get(key) == other.get(key)
    }
    if all(lists):
        values = list(dict.fromkeys(value for values in lists for value in values))
        required = all(facts["constraints"].get("required") for facts in (one, other))
        constraints = {"enum": values} | ({"required": True} if required else {})
        return {"type": "string", "constraints": constraints, **described}
    plain = [
        {key: value for key, value in facts.items() if key != "description"}
        for facts in (one, other)
    ]
    return {**(plain[0] if plain[0] == plain[1] else _TEXT), **described}


def fit_schema(schema: Facts, data: bytes) -> Facts:
    """Return the schema with the columns of a file; what may stand in them is never widened."""
    titles = next(csv_reader(data.decode(ENCODING)), [])
    by_name = {column["name"]: column for column in schema["fields"]}
    fields = [by_name.get(title, {"name": title, **_TEXT}) for title in titles]
    fitted = {**schema, "fields": fields}
    if not set(schema.get("primaryKey", ())) <= set(titles):
        del fitted["primaryKey"]
    return fitted
