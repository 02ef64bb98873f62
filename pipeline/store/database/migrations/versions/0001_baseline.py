"""The baseline: the tables when Alembic took over, made from nothing or from any earlier schema.

Schemas 1 to 8 were numbered in `schema_info`. What such a database lacks is added; the values of
its new columns are derived from those it has.
"""

from __future__ import annotations

from alembic import op
from sqlalchemy import Column, Connection, Table, insert, inspect, select, update
from sqlalchemy.schema import CreateColumn

from pipeline.store.database.migrations.baseline import backfill
from pipeline.store.database.migrations.baseline.metadata import METADATA
from pipeline.store.event_log.hash_chain import start_chain

revision = "0001"
down_revision = None

_KEPT_BY_ALEMBIC = 9
"""`schema_info` stays at this number, which programs from before Alembic refuse as unknown."""


def upgrade() -> None:
    """Create what is missing and fill it."""
    conn = op.get_bind()
    schema_info = METADATA.tables["schema_info"]
    is_new = not inspect(conn).has_table(schema_info.name)
    found = 0 if is_new else conn.execute(select(schema_info.c.version)).scalar_one()

    METADATA.create_all(conn)
    added = {f"{column.table.name}.{column.name}" for column in _add_columns(conn)}
    context = op.get_context()
    assert context.config is not None
    if not is_new:
        backfill.fill_added(conn, found, added, context.config.attributes["forms"])
    for table in METADATA.sorted_tables:
        for index in table.indexes:
            index.create(conn, checkfirst=True)
    # Chain the log of a schema that had no chain yet, and protect it.
    start_chain(conn)
    version = {"version": _KEPT_BY_ALEMBIC}
    conn.execute(insert(schema_info) if is_new else update(schema_info), version)


def _add_columns(conn: Connection) -> list[Column[object]]:
    """Add the columns that the tables lack; each may be empty or has a default."""
    added = [column for table in METADATA.sorted_tables for column in _missing(conn, table)]
    for column in added:
        declared = CreateColumn(column).compile(dialect=conn.dialect)
        conn.exec_driver_sql(f"ALTER TABLE {column.table.name} ADD COLUMN {declared}")
    return added


def _missing(conn: Connection, table: Table) -> list[Column[object]]:
    known = {column["name"] for column in inspect(conn).get_columns(table.name)}
    return [column for column in table.columns if column.name not in known]
