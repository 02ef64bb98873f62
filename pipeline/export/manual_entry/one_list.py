"""What stands on one list to key in: entries of one system, module and area of law, in order."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import NamedTuple

from pipeline.domain.dates import today_in_sweden
from pipeline.domain.form.form import Forms
from pipeline.domain.law.duties import DeadlineTimes, nearest_due
from pipeline.domain.record import MANUAL_ENTRY_TARGET, Record, Run
from pipeline.domain.review.triage import LAST_LEVEL, TriageMatcher, content_of_values, level_of
from pipeline.export.exporter import ExportOptions
from pipeline.export.mapping import ExportMapping, ManualEntryField, ManualEntryMapping
from pipeline.export.record_text import find_record_form
from pipeline.registers.outages import find_module, find_system, system_name
from pipeline.store.entries.triage import unit_matcher
from pipeline.store.exports import run_items
from pipeline.store.exports.manual_entry import FieldOrder, load_heads, load_orders
from pipeline.store.exports.routes import find_route
from pipeline.store.exports.run_items import Connection
from pipeline.store.reports.progress import UnansweredRun

# Where entries are keyed in: the receiving system, its module, and the area of law.
#
# Entries of different areas are never on one list. A route that names its system and module goes
# before the table of systems (`data/systems.yaml`).

_NOT_IN_FILE_NAME = re.compile(r"[^a-z0-9]+")
_PART_LENGTH = 24
"""Characters of a system, module or area in a file name: all of it is at most 120 long."""


class Destination(NamedTuple):
    """A receiving system and its module, by their names for people, and an area of law."""

    system: str
    module: str
    area: str

    @property
    def title(self) -> str:
        """The destination in words, without what is not known."""
        return ", ".join(filter(None, self))

    @property
    def file_part(self) -> str:
        """The destination as part of a file name: short, in small ASCII letters and hyphens."""
        parts = (
            _NOT_IN_FILE_NAME.sub(
                "-", unicodedata.normalize("NFKD", part).encode("ascii", "ignore").decode().lower()
            ).strip("-")
            for part in self
        )
        return "-".join(part[:_PART_LENGTH].strip("-") for part in parts if part)


def find_destination(form: str, area: str, system: str = "", module: str = "") -> Destination:
    """Return where an entry of a form and area of law is keyed in.

    Args:
        system: the system of its route, if that names one.
        module: the module of that system.
    """
    if system:
        return Destination(system, module, area)
    system_id = find_system(form, area)
    return Destination(system_name(system_id), module or find_module(system_id, form), area)


# The order of the key-in list: that of the queue, so that what may do harm is keyed in first.

_AT_ONCE, _NEVER = datetime.min.replace(tzinfo=UTC), datetime.max
OrderKey = tuple[int, datetime, str, str, datetime, str]


def sort_for_keying(
    records: Sequence[Record], forms: Forms, matchers: Mapping[str, TriageMatcher]
) -> list[int]:
    """Return the places of the records in the order of keying.

    All entries of a client follow each other, at the place of the most urgent of them: the client
    is opened once in the other system, and signed for once.
    """
    keys = [keying_order(record, forms, matchers) for record in records]
    firsts: dict[str, tuple[int, datetime]] = {}
    for level, due, _, pid, *_ in keys:
        if pid:
            firsts[pid] = min((level, due), firsts.get(pid, (LAST_LEVEL, _NEVER)))

    def place_of(at: int) -> tuple[tuple[int, datetime], str, str, OrderKey]:
        level, due, name, pid, *_ = keys[at]
        return firsts.get(pid, (level, due)), name, pid, keys[at]

    return sorted(range(len(keys)), key=place_of)


def keying_order(record: Record, forms: Forms, matchers: Mapping[str, TriageMatcher]) -> OrderKey:
    """Return the place of an entry: level, legal deadline, client and time.

    Args:
        record: the entry, with its confirmed values.
        forms: all forms.
        matchers: the table of triage of each unit.
    """
    form = find_record_form(record, forms)
    level, due = LAST_LEVEL, _NEVER
    if form is not None:
        content = content_of_values(form, record.row, record.fields)
        rule = matchers[record.unit].find(form, content, today_in_sweden(), record.duties)
        level, due = level_of(rule, form.criticality), _nearest_deadline(record.duties)
    time = record.event_at or record.written_at or datetime.max
    client = record.client
    return level, due, client.name.casefold(), client.pid, time, record.entry_id


def _nearest_deadline(times: DeadlineTimes) -> datetime:
    """Return the nearest deadline; at once where its day is not known."""
    nearest = nearest_due(times, _AT_ONCE)
    return _NEVER if nearest is None else nearest.replace(tzinfo=None)


def choose_one_list(
    conn: Connection, forms: Forms, records: Sequence[Record], place: tuple[str, str] = ("", "")
) -> list[int]:
    """Return the places of the records of the most urgent list, in the order of keying.

    What goes to another system, module or area of law is left for the next list.

    Args:
        place: the system and the module of the entries' route, if it names them.
    """
    if not records:
        return []
    units = {record.unit for record in records}
    matchers = {unit: unit_matcher(conn, unit) for unit in units}
    first = records[sort_for_keying(records, forms, matchers)[0]]
    destination = record_destination(first, place)
    chosen = [
        number
        for number, record in enumerate(records)
        if record_destination(record, place) == destination
    ]
    # A client's place is that of the most urgent entry on this list.
    order = sort_for_keying([records[number] for number in chosen], forms, matchers)
    return [chosen[number] for number in order]


def record_destination(record: Record, place: tuple[str, str] = ("", "")) -> Destination:
    """Return where an entry is keyed in."""
    return find_destination(record.form, record.area, *place)


def route_place(conn: Connection, route: str) -> tuple[str, str]:
    """Return the system and the module that a route names; empty where it names none."""
    found = find_route(conn, route)
    return (found.system, found.module) if found else ("", "")


def find_run_destinations(
    conn: Connection, forms: Forms, runs: Sequence[Run | UnansweredRun]
) -> dict[str, str]:
    """Return where the lists to key in among these runs go, in words, by run id.

    A list has entries of one destination: it is that of the first.
    """
    lists = {run.id: run for run in runs if run.target == MANUAL_ENTRY_TARGET}
    first = run_items.list_first_entries(conn, list(lists))
    heads = load_heads(conn, forms, sorted(set(first.values())))
    places = {route: route_place(conn, route) for route in {run.route for run in lists.values()}}
    return {
        run_id: find_destination(
            heads[entry_id].form, heads[entry_id].area, *places[lists[run_id].route]
        ).title
        for run_id, entry_id in first.items()
    }


def with_field_orders(conn: Connection, options: ExportOptions, system: str) -> ExportOptions:
    """Return the options with the orders of fields that are set for a receiving system."""
    mappings: dict[str, ExportMapping] = dict(options.mappings)
    for form, order in load_orders(conn, system).items():
        mappings[form] = _arrange(mappings.get(form), order)
    return replace(options, mappings=mappings)


def _arrange(mapping: ExportMapping | None, order: FieldOrder) -> ManualEntryMapping:
    """Return a mapping with another order; its words for fields and its sheet stay."""
    known = mapping if isinstance(mapping, ManualEntryMapping) else None
    titles: Mapping[str, str] = {entry.field: entry.title for entry in known.order} if known else {}
    return ManualEntryMapping(
        about=known.about if known else "",
        versions=known.versions if known else (),
        sheet=bool(known and known.sheet),
        order=tuple(
            ManualEntryField(field=name, title=titles.get(name, ""), own=is_own)
            for names, is_own in ((order.own, True), (order.note, False))
            for name in names
        ),
    )
