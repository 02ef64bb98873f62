"""Triage of the queue: each unit's table of rules, and the levels that it gives to open entries.

What rules look at is stored with each entry when it is placed (`triage_content`), so that a changed
table sorts the whole queue without reading paper again.
"""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

from pydantic import TypeAdapter
from sqlalchemy import ColumnElement, Connection, Row, and_, bindparam, insert, select, update

from pipeline.domain.dates import today_in_sweden
from pipeline.domain.errors import ReviewError
from pipeline.domain.form.form import Form, Forms
from pipeline.domain.law.duties import DeadlineTimes
from pipeline.domain.law.permissions import Action, require_permission
from pipeline.domain.model import Person, Reading
from pipeline.domain.review.triage import (
    EntryContent,
    TriageMatcher,
    TriageRule,
    content_of_readings,
    level_of,
    load_triage_table,
)
from pipeline.store.database.engines import upsert_rows
from pipeline.store.database.store import lock_keys
from pipeline.store.event_log.events import record
from pipeline.store.paper.pages import load_sheet_readings
from pipeline.store.schema import paper
from pipeline.store.schema.id_chunks import chunk_ids
from pipeline.store.schema.registers import triage_order, triage_table

_entry_table = paper.entry
_SORTED_COLUMNS = (
    _entry_table.c.id,
    _entry_table.c.sheet,
    _entry_table.c.row,
    _entry_table.c.form,
    _entry_table.c.version,
    _entry_table.c.lane,
    _entry_table.c.triage,
    _entry_table.c.triage_content,
    _entry_table.c.deadlines,
)
_RULES: TypeAdapter[tuple[TriageRule, ...]] = TypeAdapter(tuple[TriageRule, ...])


@dataclass(frozen=True, slots=True)
class UnitTriage:
    """The rules of a unit; `id`, `by` and `at` are set if they are the unit's own.

    `version` is that of the product's table that they are, or were made from.
    """

    rules: tuple[TriageRule, ...]
    version: int
    id: int | None = None
    by: str = ""
    at: datetime | None = None

    @property
    def digest(self) -> str:
        """A digest of the rules: entries that were sorted by it need not be sorted again."""
        rules = _RULES.dump_python(self.rules, mode="json")
        return hashlib.sha256(json.dumps(rules, sort_keys=True).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class QueuePlace:
    """Why an entry is where it is in the queue: its level and the reason, empty if by class."""

    level: int
    reason: str
    is_pulled: bool


def load_unit_triage(conn: Connection, unit: str) -> UnitTriage:
    """Return a unit's rules: its own, else the product's."""
    own = triage_table.c
    query = (
        select(own.id, own.version, own.rules, own.by, own.at)
        .where(own.unit == unit, own.undone_at.is_(None))
        .order_by(own.id.desc())
        .limit(1)
    )
    row = conn.execute(query).one_or_none()
    if row is None:
        table = load_triage_table()
        return UnitTriage(table.rules, table.version)
    return UnitTriage(_RULES.validate_python(row.rules), row.version, row.id, row.by, row.at)


def unit_matcher(conn: Connection, unit: str) -> TriageMatcher:
    """Return the rules of a unit, ready to be asked about many entries."""
    return _matcher(load_unit_triage(conn, unit).rules)


@lru_cache(maxsize=32)
def _matcher(rules: tuple[TriageRule, ...]) -> TriageMatcher:
    return TriageMatcher(rules)


def triage_values(
    matcher: TriageMatcher,
    form: Form,
    row: int | None,
    readings: Mapping[str, Reading],
    deadlines: DeadlineTimes | None,
) -> dict[str, Any]:
    """Return the columns that say at which level an entry with these open deadlines is, and why."""
    content = content_of_readings(form, row, readings)
    rule = matcher.find(form, content, today_in_sweden(), deadlines)
    return {
        "lane": level_of(rule, form.criticality),
        "triage": rule.id if rule else "",
        "triage_content": content.as_json(),
    }


def save_unit_triage(
    conn: Connection,
    forms: Forms,
    person: Person,
    unit: str,
    rules: Sequence[TriageRule],
    now: datetime,
) -> int:
    """Give a unit a table of its own and sort its open entries by it; return how many moved.

    Raises:
        NotAllowedError: the person does not order the queue of this unit.
        ReviewError: the rules name a form that nobody has, or an id twice, or nothing has changed.
    """
    require_permission(person, Action.PULL, unit)
    known = {form_id for form_id, _ in forms}
    product_forms = {name for rule in load_triage_table().rules for name in rule.forms}
    named = {name for rule in rules for name in rule.forms}
    if unknown := sorted(named - known - product_forms):
        raise ReviewError("triage_unknown_form", form=", ".join(unknown))
    ids = [rule.id for rule in rules]
    if len(set(ids)) < len(ids):
        raise ReviewError("triage_id_twice")
    lock_keys(conn, f"triage {unit}")
    before = load_unit_triage(conn, unit)
    if tuple(rules) == before.rules:
        raise ReviewError("triage_unchanged")
    values = {
        "unit": unit,
        "version": load_triage_table().version,
        "rules": _RULES.dump_python(tuple(rules), mode="json", exclude_defaults=True),
        "by": person.login,
        "at": now,
    }
    conn.execute(insert(triage_table).values(values))
    moved = sort_unit(conn, forms, unit)
    # Ids of rules, never their words: a manager may have written a name among them
    changed = " ".join(sorted({rule.id for rule in {*rules} ^ {*before.rules}}))
    record(conn, person.login, "change_triage", unit, unit=unit, rules=changed, moved=moved)
    return moved


def undo_unit_triage(
    conn: Connection, forms: Forms, person: Person, unit: str, table_id: int, now: datetime
) -> int:
    """Take back the latest table of a unit: the one before it holds; return how many moved.

    Raises:
        NotAllowedError: the person does not order the queue of this unit.
        ReviewError: another person has changed or undone it meanwhile.
    """
    require_permission(person, Action.PULL, unit)
    lock_keys(conn, f"triage {unit}")
    if load_unit_triage(conn, unit).id != table_id:
        raise ReviewError("undone_already")
    conn.execute(
        update(triage_table)
        .where(triage_table.c.id == table_id)
        .values(undone_by=person.login, undone_at=now)
    )
    moved = sort_unit(conn, forms, unit)
    record(conn, person.login, "undo_triage", unit, unit=unit, moved=moved)
    return moved


def sort_unit(conn: Connection, forms: Forms, unit: str) -> int:
    """Sort the open entries of a unit by its rules, and return how many changed their level."""
    lock_keys(conn, f"triage {unit}")
    triage = load_unit_triage(conn, unit)
    is_open = and_(_entry_table.c.unit == unit, _entry_table.c.state.in_(paper.OPEN_STATES))
    moved = _sort_entries(conn, forms, _matcher(triage.rules), is_open)
    upsert_rows(conn, triage_order, [{"unit": unit, "digest": triage.digest}])
    return moved


def sort_entry(conn: Connection, forms: Forms, entry_id: str) -> None:
    """Give an entry its level: it has come to another unit or form, or a deadline was met."""
    units = select(_entry_table.c.unit).where(_entry_table.c.id == entry_id)
    matcher = unit_matcher(conn, conn.execute(units).scalar_one())
    _sort_entries(conn, forms, matcher, _entry_table.c.id == entry_id)


def is_outdated(conn: Connection, unit: str) -> bool:
    """Return whether a unit's rules are not those that it was sorted by: the program has new ones.

    So is a unit from before there was triage.
    """
    digest = select(triage_order.c.digest).where(triage_order.c.unit == unit)
    return load_unit_triage(conn, unit).digest != conn.execute(digest).scalar_one_or_none()


def explain_place(conn: Connection, entry_id: str) -> QueuePlace:
    """Return why an open entry is where it is in the queue.

    Raises:
        ReviewError: there is no such entry.
    """
    columns = (_entry_table.c.unit, _entry_table.c.lane, _entry_table.c.triage, _entry_table.c.rank)
    row = conn.execute(select(*columns).where(_entry_table.c.id == entry_id)).one_or_none()
    if row is None:
        raise ReviewError("no_entry", entry_id=entry_id)
    reasons = {rule.id: rule.reason for rule in load_unit_triage(conn, row.unit).rules}
    return QueuePlace(row.lane, reasons.get(row.triage, ""), is_pulled=not row.rank)


def _sort_entries(
    conn: Connection, forms: Forms, matcher: TriageMatcher, condition: ColumnElement[bool]
) -> int:
    """Give entries their levels, and return how many changed theirs."""
    rows = conn.execute(select(*_SORTED_COLUMNS).where(condition)).all()
    contents, today, moved = _missing_contents(conn, forms, rows), today_in_sweden(), 0
    # Entries by their new level and rule, so that few statements move many
    groups = defaultdict[tuple[int, str], list[str]](list)
    for row in rows:
        form = forms.get((row.form, row.version))
        if form is None:
            continue
        content = contents.get(row.id) or EntryContent.of_json(row.triage_content)
        rule = matcher.find(form, content, today, row.deadlines)
        place = (level_of(rule, form.criticality), rule.id if rule else "")
        if place != (row.lane, row.triage):
            groups[place].append(row.id)
            moved += place[0] != row.lane
    for (level, rule_id), entry_ids in sorted(groups.items()):
        for part in chunk_ids(entry_ids):
            conn.execute(
                update(_entry_table)
                .where(_entry_table.c.id.in_(part))
                .values(lane=level, triage=rule_id)
            )
    return moved


def _missing_contents(
    conn: Connection, forms: Forms, rows: Sequence[Row[*tuple[Any, ...]]]
) -> dict[str, EntryContent]:
    """Read and store the content of entries that have none, from before there was triage.

    Those whose form the program lacks are left as they are.
    """
    bare = [row for row in rows if row.triage_content is None and (row.form, row.version) in forms]
    contents = dict[str, EntryContent]()
    for part in chunk_ids(sorted({row.sheet for row in bare})):
        readings = load_sheet_readings(conn, part)
        for row in bare:
            form = forms[row.form, row.version]
            if row.sheet in readings:
                contents[row.id] = content_of_readings(form, row.row, readings[row.sheet])
    values = [
        {"key": row.id, "content": contents.setdefault(row.id, EntryContent()).as_json()}
        for row in bare
    ]
    if values:
        by_id = update(_entry_table).where(_entry_table.c.id == bindparam("key"))
        conn.execute(by_id.values(triage_content=bindparam("content")), values)
    return contents
