"""Bringing the tables of an earlier version up to date. Steps only ever add; nothing that was stored is changed or lost."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import Column, Connection, inspect, update
from sqlalchemy.schema import CreateColumn

from pipeline.store import export_tables, tables
from pipeline.store.area_upgrade import widen_areas
from pipeline.store.carried_upgrade import note_carried
from pipeline.store.chain_rows import begin_log
from pipeline.store.draft_upgrade import note_typed
from pipeline.store.form_areas import note_areas
from pipeline.store.payment_tables import payment_approval
from pipeline.store.queue_upgrade import place_in_queue
from pipeline.store.return_tables import duplicate_mark
from pipeline.store.version_tables import entry_version
from pipeline.template import Forms

_WITH_AREAS, _WITH_ADM, _WITH_REVISIONS = 4, 5, 7
_event = tables.event.c

ADDED: Mapping[int, tuple[Column[Any], ...]] = {
    2: (tables.client.c.address, tables.reading.c.reasons),
    3: (),
    4: (
        tables.staff.c.areas,
        tables.staff.c.break_glass,
        tables.staff.c.must_change,
        tables.staff.c.refused_until,
        tables.page.c.area,
        tables.entry.c.area,
        tables.entry.c.lane,
        tables.entry.c.due_at,
        tables.entry.c.likely_pid,
        tables.entry.c.happened,
        tables.entry.c.first_on,
        tables.entry.c.last_on,
        tables.entry.c.author,
        tables.entry.c.signed_by,
        tables.entry.c.signed_at,
        tables.entry.c.signed_why,
        _event.unit,
        _event.previous,
        _event.sha256,
    ),
    5: (tables.entry.c.subject, tables.reading.c.words),
    6: (duplicate_mark.c.before,),
    7: (export_tables.export_item.c.entry_revision, payment_approval.c.rows_sha256, tables.draft.c.revision),
    8: (entry_version.c.reason_before,),
}
"""By version: the columns that came with it to tables that there were. Tables that are missing are made whatever the version."""


def upgraded(conn: Connection, found: int, forms: Path) -> int:
    """Add what is missing since version `found`; answers with the version that the tables have now.

    A version without steps, as one of a later program, stays as it is.

    Args:
        forms: folder of the form definitions, which say the area of law of what is there.

    Raises:
        FormError: a form definition is wrong.
    """
    if found < tables.SCHEMA_VERSION:
        tables.metadata.create_all(conn)
    before = found
    while found < tables.SCHEMA_VERSION and found + 1 in ADDED:
        for column in filter(partial(_is_missing, conn), ADDED[found + 1]):
            conn.exec_driver_sql(f"ALTER TABLE {column.table.name} ADD COLUMN {CreateColumn(column).compile(dialect=conn.dialect)}")
        found += 1
        if found == _WITH_AREAS:
            note_areas(conn, Forms.load(forms))
            place_in_queue(conn)
        if found == _WITH_ADM:
            widen_areas(conn)
        if found == _WITH_REVISIONS:
            note_carried(conn)
            note_typed(conn)
        conn.execute(update(tables.schema_info).values(version=found))
    for index in (index for table in tables.metadata.sorted_tables for index in table.indexes):
        index.create(conn, checkfirst=True)
    if before < 4 <= found:
        begin_log(conn)
    return found


def _is_missing(conn: Connection, column: Column[object]) -> bool:
    return column.name not in {known["name"] for known in inspect(conn).get_columns(column.table.name)}
