"""Planted values: shown to one person in one entry, judged when that person decides, and never stored as an answer, draft or reading.

The value that was read is never touched. While a plant is open its entry cannot become a record (`records`), and an entry that a person decides
with the planted value still in it is not decided: the true reading is shown again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, delete, exists, insert, select, update

from pipeline.access import Action
from pipeline.errors import StoreError
from pipeline.field_spec import FieldSpec
from pipeline.issues import parse_issues
from pipeline.lots import is_drawn, lot
from pipeline.model import EntryState, Person, Reading, State
from pipeline.planting import Plant, as_read, put_back, still_there, wrong_value
from pipeline.review import Answer
from pipeline.store import sight, tables
from pipeline.store.answers import keep_drafts
from pipeline.store.control_key import key_for_lots
from pipeline.store.control_tables import plant
from pipeline.store.entries import Entry, change, entry
from pipeline.store.entry_views import EntryView, FieldView
from pipeline.store.upsert import insert_new

CAUGHT, MISSED, WITHDRAWN = "caught", "missed", "withdrawn"


def planted(conn: Connection, person: Person, view: EntryView, share: float, now: datetime) -> EntryView:
    """The view as it is shown to the person: perhaps with one wrong value among the fields that are shown filled in.

    Args:
        share: of such fields, those that are drawn for a plant; an entry has at most one, once for a person.

    Raises:
        NotAllowedError: the person does not review this entry.
    """
    sight.require_entry(conn, person, Action.REVIEW, view.entry)
    if view.entry.state is not EntryState.REVIEW:
        return view
    found = _of(conn, view.entry.id, person.login)
    if found is None and share > 0 and (chosen := _chosen(conn, view, share)) is not None:
        field, new = chosen
        row = {"entry": view.entry.id, "login": person.login, "field": field.spec.name, "value": new.value, "state": new.state.value}
        conn.execute(insert(plant).values({**row, "start": new.start, "end": new.end, "shown_at": now}))
        found = _of(conn, view.entry.id, person.login)
    if found is None or found.outcome is not None:
        return view
    return replace(view, fields=tuple(_shown(field, found) for field in view.fields))


def judged(
    conn: Connection,
    person: Person,
    found: Entry,
    specs: Mapping[str, FieldSpec],
    readings: Mapping[str, Reading],
    given: Mapping[str, Answer],
    now: datetime,
) -> bool:
    """Whether the person has confirmed what was planted. Then the true reading is put back, the other answers are kept as drafts, and the entry
    stays with the person under a new revision, to be decided anew."""
    row = _of(conn, found.id, person.login)
    if row is None or row.outcome is not None:
        return False
    name, one = row.field, _plant(row)
    missed = name in given and name in readings and still_there(specs[name], one, readings[name], given[name])
    _end(conn, row.id, MISSED if missed else CAUGHT, now)
    if not missed:
        return False
    change(conn, found, claimed_by=person.login, claimed_until=found.claimed_until)
    restored = put_back(one, readings[name], given[name])
    kept = {field: answer for field, answer in given.items() if field != name} | ({name: restored} if restored else {})
    conn.execute(delete(tables.draft).where(tables.draft.c.entry == found.id, tables.draft.c.login == person.login, tables.draft.c.field == name))
    keep_drafts(conn, found.id, found.revision + 1, person.login, kept, now)
    return True


def doubted(
    conn: Connection, person: Person, entry_id: str, specs: Mapping[str, FieldSpec], readings: Mapping[str, Reading], given: Mapping[str, Answer]
) -> frozenset[str]:
    """Fields whose answers say what was once planted there for this person. The paper may say just that; but then somebody else has to see it too."""
    own = plant.c.login == person.login
    rows = conn.execute(select(plant).where(plant.c.entry == entry_id, own, plant.c.outcome.is_not(None))).all()
    return frozenset(
        row.field
        for row in rows
        if row.field in given and row.field in readings and still_there(specs[row.field], _plant(row), readings[row.field], given[row.field])
    )


def last_missed(conn: Connection, person: Person, entry_id: str) -> str | None:
    """The field whose plant the person has just confirmed in this entry.

    Raises:
        NotAllowedError: the person does not review this entry.
    """
    sight.require_entry(conn, person, Action.REVIEW, entry(conn, entry_id))
    row = _of(conn, entry_id, person.login)
    return str(row.field) if row is not None and row.outcome == MISSED else None


def plant_in_group(conn: Connection, person: Person, entry_id: str, field: str, new: Plant, now: datetime) -> None:
    """Note what a group shows in the place of a reading. What has been planted for the person in this entry before stays.

    Raises:
        NotAllowedError: the person does not review this entry.
    """
    sight.require_entry(conn, person, Action.REVIEW, entry(conn, entry_id))
    row = {"entry": entry_id, "login": person.login, "field": field, "value": new.value, "state": new.state.value}
    insert_new(conn, plant, [{**row, "start": new.start, "end": new.end, "shown_at": now}])


def group_judged(conn: Connection, person: Person, entry_id: str, field: str, now: datetime, *, caught: bool) -> str | None:
    """End what was planted in this place for the person: CAUGHT or MISSED; None where nothing was. Its field goes back to the sheet either way."""
    row = _of(conn, entry_id, person.login)
    if row is None or row.outcome is not None or row.field != field:
        return None
    _end(conn, row.id, CAUGHT if caught else MISSED, now)
    return CAUGHT if caught else MISSED


def end_all(conn: Connection, entry_id: str, login: str, fields: Mapping[str, object], now: datetime) -> None:
    """The entry is decided: nothing that was planted for others counts any longer.

    Raises:
        StoreError: the person's own plant has not been judged (`judged`); nothing may be decided then.
    """
    for row in _open(conn, entry_id):
        if row.login == login and row.field in fields:
            raise StoreError("planted_value_not_judged")
        _end(conn, row.id, WITHDRAWN, now)


def has_open_plant(entry_id: ColumnElement[str]) -> ColumnElement[bool]:
    """Whether something planted stands in an entry: a condition for queries."""
    return exists().where(plant.c.entry == entry_id, plant.c.outcome.is_(None))


def _chosen(conn: Connection, view: EntryView, share: float) -> tuple[FieldView, Plant] | None:
    key, entry_id = key_for_lots(conn), view.entry.id
    told = {issue.field for issue in parse_issues(view.problems)}
    shown = [field for field in view.fields if field.open and not field.blind and field.draft is None and field.spec.name not in told]
    drawn = [field for field in shown if is_drawn(key, share, "plant", entry_id, field.spec.name)]
    for field in sorted(drawn, key=lambda field: lot(key, "plant", entry_id, field.spec.name)):
        new = wrong_value(field.spec, field.reading, f"{key} {entry_id} {field.spec.name}") if field.reading else None
        if new is not None:
            return field, new
    return None


def _shown(field: FieldView, row: Row[Any]) -> FieldView:
    if field.spec.name != row.field or field.reading is None or field.blind:
        return field
    return replace(field, reading=as_read(_plant(row), field.reading))


def _of(conn: Connection, entry_id: str, login: str) -> Row[Any] | None:
    return conn.execute(select(plant).where(plant.c.entry == entry_id, plant.c.login == login)).one_or_none()


def _open(conn: Connection, entry_id: str) -> Iterator[Row[Any]]:
    yield from conn.execute(select(plant).where(plant.c.entry == entry_id, plant.c.outcome.is_(None))).all()


def _plant(row: Row[Any]) -> Plant:
    return Plant(row.value, State(row.state), row.start, row.end)


def _end(conn: Connection, plant_id: int, outcome: str, now: datetime) -> None:
    conn.execute(update(plant).where(plant.c.id == plant_id).values(outcome=outcome, ended_at=now))
