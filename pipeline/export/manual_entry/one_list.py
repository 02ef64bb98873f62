"""What stands on one list to key in: entries of one system, module and area of law, in order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from pipeline.domain.form.form import Forms
from pipeline.domain.record import MANUAL_ENTRY_TARGET, Record, Run
from pipeline.export.exporter import ExportOptions
from pipeline.export.manual_entry.destination import Destination, find_destination
from pipeline.export.manual_entry.order import sort_for_keying
from pipeline.export.mapping import ExportMapping, ManualEntryField, ManualEntryMapping
from pipeline.store.entries.triage import unit_matcher
from pipeline.store.exports import run_items
from pipeline.store.exports.manual_entry import FieldOrder, load_heads, load_orders
from pipeline.store.exports.routes import find_route
from pipeline.store.exports.run_items import Connection
from pipeline.store.reports.progress import UnansweredRun


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
