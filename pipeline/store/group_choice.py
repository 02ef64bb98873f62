"""Which pieces of paper make the next group: of the entries that come next in the queue, the sort of routine field that there is most of."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import takewhile
from typing import Any

from sqlalchemy import Connection, Row, select

from pipeline.confidence import PREFILL_FROM
from pipeline.field_spec import FieldSpec
from pipeline.lots import is_drawn, lot
from pipeline.model import EntryState, Person, Reading, State
from pipeline.planting import Plant, as_read, wrong_value
from pipeline.review import asked
from pipeline.settings import QueueOrder
from pipeline.store import tables
from pipeline.store.claims import coming
from pipeline.store.control_key import key_for_lots
from pipeline.store.control_tables import plant
from pipeline.store.entries import Entry
from pipeline.store.entry_views import form_of, page_numbers
from pipeline.store.group_setting import units_without_groups
from pipeline.store.group_tables import IS_LIVE, group_cell
from pipeline.store.pages import Page
from pipeline.store.protection import covered_on
from pipeline.template import Form, Forms
from pipeline.ways import GROUP_MOST, Sort, is_routine, largest, may_group

AHEAD = 60
"""So many entries of the queue are looked through for pieces that are alike; theirs are the sheets that come next."""

_reading = tables.reading


@dataclass(frozen=True, slots=True)
class Piece:
    """One field of one entry on its page, as it would be shown. `plant` is what is shown in the reading's place, if anything."""

    entry: Entry
    form: Form
    spec: FieldSpec
    page: Page
    sort: Sort
    plant: Plant | None


def chosen(conn: Connection, forms: Forms, person: Person, now: datetime, share: float, order: QueueOrder, least: int) -> tuple[Piece, ...]:
    """The pieces of the next group, none where the queue has something else first. Nobody's class A or legal deadline waits for a group."""
    head = coming(conn, person, now, 1, order)
    if not head or not _may_wait(head[0]):
        return ()
    off = units_without_groups(conn)
    entries = [found for found in takewhile(_may_wait, coming(conn, person, now, AHEAD, order)) if found.state is EntryState.REVIEW]
    pieces = list(_pieces(conn, forms, person, [found for found in entries if found.unit not in off], share))
    sort = largest((piece.sort for piece in pieces), least)
    alike = _seen(conn, person, [piece for piece in pieces if piece.sort == sort][:GROUP_MOST])
    return tuple(alike) if len(alike) >= least else ()


def _may_wait(found: Entry) -> bool:
    return found.criticality != "A" and found.due_at is None


def _pieces(conn: Connection, forms: Forms, person: Person, entries: list[Entry], share: float) -> Iterable[Piece]:
    pages = _pages(conn, entries)
    readings = _sure_readings(conn, [page.id for own in pages.values() for page in own])
    ids = [found.id for found in entries]
    taken = {tuple(row) for row in conn.execute(select(group_cell.c.entry, group_cell.c.field).where(group_cell.c.entry.in_(ids), IS_LIVE))}
    own = {row.entry: row for row in conn.execute(select(plant).where(plant.c.entry.in_(ids), plant.c.login == person.login))}
    key = key_for_lots(conn)
    for found in entries:
        form = form_of(forms, found)
        numbers = page_numbers(form)
        by_number = {page.page_no or 1: page for page in pages.get(found.sheet, ()) if page.form == form.id and page.upright_sha256}
        told = [code for page in pages.get(found.sheet, ()) for code in page.problems]
        free: list[tuple[FieldSpec, Page, Reading]] = []
        for spec in asked(form, found.row):
            page = by_number.get(numbers[spec.name])
            reading = readings.get((page.id, spec.name)) if page else None
            if page and reading and (found.id, spec.name) not in taken and may_group(form, spec, found.row) and is_routine(form, spec, reading, told):
                free.append((spec, page, reading))
        wrong = _plants(own.get(found.id), key, found, {spec.name: (spec, reading) for spec, _, reading in free}, share)
        for spec, page, reading in free:
            shown = as_read(wrong[spec.name], reading) if spec.name in wrong else reading
            yield Piece(found, form, spec, page, Sort.of(form, spec, shown.state, shown.value), wrong.get(spec.name))


def _plants(before: Row[Any] | None, key: str, found: Entry, free: Mapping[str, tuple[FieldSpec, Reading]], share: float) -> dict[str, Plant]:
    """What is planted in an entry for the person: what stands there already, else what the lots say that decide on sheets too; at most one."""
    if before is not None:
        return {before.field: Plant(before.value, State(before.state))} if before.outcome is None and before.field in free else {}
    drawn = [name for name in free if is_drawn(key, share, "plant", found.id, name)]
    for name in sorted(drawn, key=lambda name: lot(key, "plant", found.id, name)):
        spec, reading = free[name]
        if (new := wrong_value(spec, reading, f"{key} {found.id} {name}")) is not None:
            return {name: new}
    return {}


def _pages(conn: Connection, entries: list[Entry]) -> dict[str, list[Page]]:
    pages: dict[str, list[Page]] = {}
    table = tables.page
    rows = conn.execute(select(table).where(table.c.sheet.in_({found.sheet for found in entries})).order_by(table.c.page_no, table.c.id))
    for row in rows.mappings():
        pages.setdefault(row["sheet"], []).append(Page.of(row))
    return pages


def _sure_readings(conn: Connection, pages: list[str]) -> dict[tuple[str, str], Reading]:
    table = _reading.c
    query = select(table.page, table.field, table.value, table.p, table.state, table.reasons)
    sure = query.where(table.page.in_(pages), table.p >= PREFILL_FROM, table.state.in_([State.READ.value, State.EMPTY.value]))
    return {(row.page, row.field): Reading(row.value, row.p, State(row.state), reasons=tuple(row.reasons or ())) for row in conn.execute(sure)}


def _seen(conn: Connection, person: Person, pieces: list[Piece]) -> list[Piece]:
    """Without those of clients whose identity is hidden from the person, who could not decide their entries either."""
    by_sheet: dict[str, tuple[Form, dict[str, Page]]] = {}
    for piece in pieces:
        by_sheet.setdefault(piece.entry.sheet, (piece.form, {}))[1][piece.page.id] = piece.page
    covered = {sheet: covered_on(conn, person, form, list(pages.values())) for sheet, (form, pages) in by_sheet.items()}
    return [piece for piece in pieces if not covered[piece.entry.sheet].hides(piece.entry.row)]
