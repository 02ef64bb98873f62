"""What others' program (PyPI's `frictionless`) says of a table, against a Table Schema that is not
made by what writes the table.

For the CSV targets the schema follows from the editable mapping and the form: a title, and what
its source may say. Those of Socialstyrelsen's files are data, `tests/support/validators/schemas/`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml
from frictionless import Dialect, Resource, Schema

from pipeline.domain.form.field import FieldSpec, Format, Kind
from pipeline.domain.form.form import Form
from pipeline.export.mapping import TableColumn, TableMapping

SCHEMAS = Path(__file__).with_name("schemas")
CLOCK = "(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)"
NUMBER = "[0-9]{8}[0-9A-Z]{4}"
"""A personal number, or a national reserve number, with its century."""
Facts = dict[str, Any]

_DATE: Facts = {"type": "date"}
_MOMENT: Facts = {"type": "datetime", "format": "%Y-%m-%d %H:%M"}
_COUNTED: Facts = {"type": "integer", "constraints": {"required": True, "minimum": 1}}
_SOURCES: dict[str, Facts] = {
    "client.pid": {"type": "string", "constraints": {"required": True, "pattern": NUMBER}},
    "event.date": _DATE,
    "event.time": {"type": "string", "constraints": {"pattern": CLOCK}},
    "written.date": _DATE,
    "written.time": {"type": "string", "constraints": {"pattern": CLOCK}},
    **dict.fromkeys(
        ("scanned.at", "read.at", "entered.at", "verified.at", "signed.at", "run.at"), _MOMENT
    ),
    "entry.id": {
        "type": "string",
        "constraints": {"required": True, "pattern": "[0-9A-Z]{6}-[0-9]{2}"},
    },
    "entry.revision": _COUNTED,
    "run.number": {"type": "integer", "constraints": {"required": True, "minimum": 1}},
    "run.id": {
        "type": "string",
        "constraints": {"required": True, "pattern": "[0-9]{8}-[0-9]{6}-[a-z0-9-]+-[0-9a-z]{4,5}"},
    },
    "late.text": {"type": "string", "constraints": {"required": True}},
}
_FORMATS: dict[Format, Facts] = {
    Format.DATE: _DATE,
    Format.TIME: {"type": "string", "constraints": {"pattern": CLOCK}},
    Format.PERSONAL_NUMBER: {"type": "string", "constraints": {"pattern": NUMBER}},
    Format.NUMBER: {"type": "number", "decimalChar": ","},
}


def table_schema(mapping: TableMapping, form: Form) -> Schema:
    """The columns in their order, each with what may be in it. An illegible value is said in
    words and is no value.

    Where entries are numbered, a number appears once; of an entry that was moved, once for each
    client.
    """
    specs = {spec.column: spec for spec in form.entry_fields(form.rows()[0])}
    fields = [{"name": column.title, **_facts(column, specs)} for column in mapping.columns]
    titles = {column.source: column.title for column in mapping.columns}
    key = (
        [titles[source] for source in ("run.number", "client.pid") if source in titles]
        if "run.number" in titles
        else []
    )
    return Schema.from_descriptor(
        {"fields": fields, "primaryKey": key, "missingValues": ["", "[oläsligt]"]}
    )


def _facts(column: TableColumn, specs: dict[str, FieldSpec]) -> Facts:
    if column.constant is not None:
        return {"type": "string", "constraints": {"required": True, "enum": [column.constant]}}
    source = column.source or ""
    if not source.startswith("field."):
        return _SOURCES.get(source, {"type": "string"})
    spec = specs.get(source.removeprefix("field."))
    # A field of another version of the form.
    if spec is None:
        return {"type": "string"}
    said = (
        ["ja", "nej"]
        if spec.kind in (Kind.MARK, Kind.SIGNATURE)
        else [option.value for option in spec.options]
    )
    if said:
        return {
            "type": "string",
            "constraints": {"enum": [column.codes.get(one, one) for one in said]},
        }
    return (
        _FORMATS.get(spec.format, {"type": "string"})
        if spec.format and not column.codes
        else {"type": "string"}
    )


def published(name: str) -> Schema:
    """A schema that is data."""
    return Schema.from_descriptor(yaml.safe_load((SCHEMAS / f"{name}.yaml").read_text("utf-8")))


def faults(
    data: bytes, schema: Schema, *, encoding: str = "utf-8", parted: str = ";", header: bool = True
) -> list[str]:
    """What is wrong with a file; nothing if all is well."""
    dialect = Dialect.from_descriptor(
        {"header": header, "csv": {"delimiter": parted, "lineTerminator": "\r\n"}}
    )
    report = Resource(
        data, format="csv", encoding=encoding, dialect=dialect, schema=schema
    ).validate()
    return [f"{kind}: {note}" for kind, note in report.flatten(["type", "message"])]
