"""The first entry of a run as its receiver gets it, made readable for people.

The entry is put into a file of its own by the exporter, and what is in that file is shown.
"""

from __future__ import annotations

import io
import json
import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import PurePath
from typing import Any

from lxml import etree

from pipeline.domain.law.permissions import Action
from pipeline.domain.model import Person
from pipeline.domain.record import Run
from pipeline.export.authorities.month_checks import MonthScope
from pipeline.export.authorities.monthly import build_monthly_report
from pipeline.export.context import ExportContext, load_export_options
from pipeline.export.exporter import ExportOptions, Item
from pipeline.export.rivta.run_archive import MANIFEST_NAME
from pipeline.export.runs.candidates import RunKind, RunScope
from pipeline.export.runs.make import select_items, with_list_order
from pipeline.export.targets import find_target
from pipeline.files.csv_tables import csv_reader, decode_text
from pipeline.store.event_log import events
from pipeline.store.exports.routes import find_route
from pipeline.store.exports.run_items import Connection
from pipeline.store.exports.statistics import list_reporting_status
from pipeline.store.registers.staff import load_staff_list

_ENCODED = re.compile(r"[A-Za-z0-9+/=\s]{400,}")
"""Text that is a picture or another file, not words."""
_RUN_ID = "-"
"""In place of the number that the run will have."""

Row = tuple[str, str]
"""A name and a value."""


@dataclass(frozen=True, slots=True)
class FirstEntry:
    """The first entry of a run: the names and values that its file holds, or the file as PDF."""

    entry_id: str
    rows: tuple[Row, ...] = ()
    pdf: bytes = b""


def preview_first_entry(
    context: ExportContext, person: Person, kind: RunKind, now: datetime, unit: str | None = None
) -> FirstEntry | None:
    """Return the first entry of a run as its file would hold it, and log that it was seen.

    None if the run would be empty.

    Raises:
        NotAllowedError: the person may not export, or not from this unit.
        ExportError: there is no such target, or a mapping file is wrong.
    """
    context.store.require_permission(person, Action.EXPORT, unit)
    exporter = find_target(context.settings, kind.target)
    with context.store.begin() as conn:
        options = load_export_options(context, kind.target, exporter, load_staff_list(conn))
        months = MonthScope(person, unit, now)
        item, options = _first_item(conn, context, kind, options, months)
        if item is None:
            return None
        record = item.record
        events.record(
            conn,
            person.login,
            "preview_export",
            record.entry_id,
            unit=record.unit,
            target=kind.target,
            route=kind.route,
        )
    run = Run(_RUN_ID, kind.target, "", now, person.name[:80], 1, route=kind.route)
    data = exporter.make([replace(item, number=1)], run, options)
    if exporter.suffix == ".pdf":
        return FirstEntry(record.entry_id, pdf=data)
    return FirstEntry(record.entry_id, tuple(_read_file(exporter.suffix, data)))


def _first_item(
    conn: Connection,
    context: ExportContext,
    kind: RunKind,
    options: ExportOptions,
    months: MonthScope,
) -> tuple[Item | None, ExportOptions]:
    """Return the first entry of a run, and the options of the run's file."""
    statistics = context.targets.find_statistics(kind.target)
    if statistics is None:
        scope = RunScope(context, months.person, months.unit)
        items = select_items(conn, scope, kind, options)[:1]
        return next(iter(items), None), with_list_order(conn, kind, items, options)
    status = list_reporting_status(
        conn, context.forms, months.person, kind.target, unit=months.unit
    )
    route = find_route(conn, kind.route)
    months = replace(months, forms=route.forms if route and route.is_active else ())
    report = build_monthly_report(conn, status, statistics, options, months)
    # A list of what to add leaves out what is reported already
    new = [item for item in report.items if not item.is_reported]
    return next(iter([*new, *report.items]), None), replace(
        options, whole_months=report.whole_months
    )


def _read_file(suffix: str, data: bytes) -> Iterator[Row]:
    """Yield the names and values of a file, or of the files in an archive."""
    if suffix == ".zip":
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            for name in archive.namelist():
                if name == MANIFEST_NAME:
                    continue
                yield from _read_file(PurePath(name).suffix, archive.read(name))
    elif suffix == ".xml":
        root = etree.fromstring(data, etree.XMLParser(resolve_entities=False, no_network=True))
        yield from _read_element(root, "")
    elif suffix in {".ndjson", ".json"}:
        # The first line of a file of several holds its forms
        for line in data.splitlines()[-1:]:
            yield from _read_json(json.loads(line), "")
    elif suffix == ".csv":
        titles, *rows = [*csv_reader(decode_text(data))] or [[]]
        for row in rows:
            yield from zip(titles, row, strict=False)
    elif suffix == ".txt":
        yield from (("", line) for line in decode_text(data).splitlines())


def _read_element(element: Any, path: str) -> Iterator[Row]:  # noqa: ANN401 - lxml has no types
    if not isinstance(element.tag, str):
        return
    name = etree.QName(element).localname
    here = f"{path} {name}".strip()
    for key, value in element.attrib.items():
        yield f"{here} {etree.QName(key).localname}", value
    if text := (element.text or "").strip():
        yield here, _shorten(text)
    for child in element:
        yield from _read_element(child, name)


def _read_json(value: Any, path: str) -> Iterator[Row]:  # noqa: ANN401 - any JSON
    if isinstance(value, dict):
        for key, inner in value.items():
            # The last two names say what it is, all of them would be long
            yield from _read_json(inner, " ".join([*path.split()[-1:], key]))
    elif isinstance(value, list):
        for inner in value:
            yield from _read_json(inner, path)
    elif value not in (None, ""):
        yield path, _shorten(str(value))


def _shorten(text: str) -> str:
    """Return a text, or the size of the picture or file that it encodes."""
    return f"… {len(text) * 3 // 4:,} byte".replace(",", " ") if _ENCODED.fullmatch(text) else text
