"""Run the migrations on a connection that is in a transaction."""

from __future__ import annotations

from typing import Any

from alembic import command
from alembic.config import Config
from sqlalchemy import JSON, Connection, DateTime, MetaData, event

from pipeline.store.database.history import FOLDER, alembic_version, database_revision
from pipeline.store.event_log.record_check import adopt_records, find_wrong_records
from pipeline.store.schema.append_only import protect_tables, unprotect_tables
from pipeline.store.schema.clock import UtcDateTime
from pipeline.store.schema.paper import schema_info
from pipeline.store.schema.tally_triggers import create_tally_triggers, drop_tally_triggers

_OF_THE_SCHEMA = {alembic_version.name, schema_info.name}
_BASELINE = FOLDER / "baseline.sql"
_IN_SQLITE = {"moment": "DATETIME", "serial": "INTEGER", "false": "0", "true": "1"}
_IN_POSTGRES = {
    "moment": "TIMESTAMP WITH TIME ZONE",
    "serial": "SERIAL",
    "false": "false",
    "true": "true",
}


def migrate(conn: Connection, target: str = "head") -> None:
    """Bring the schema to a revision; the caller commits all of it or nothing.

    Triggers are off meanwhile, and the log covers the rows of the record as they are afterwards.

    Args:
        conn: a transaction that holds the schema (`history.lock_schema`).
        target: a revision.
    """
    # Rows that were wrong before stay wrong: an upgrade must not make them right
    wrong = find_wrong_records(conn, database_revision(conn))
    unprotect_tables(conn)
    drop_tally_triggers(conn)
    _run_revisions(conn, target)
    protect_tables(conn)
    create_tally_triggers(conn)
    adopt_records(conn, wrong)


def make_earlier_tables(conn: Connection, revision: str) -> MetaData:
    """Make the tables of an earlier revision, empty and without triggers, in an empty database.

    Returns:
        The tables as that revision had them, with the program's own types.
    """
    _run_revisions(conn, revision)
    known = MetaData()
    event.listen(known, "column_reflect", _take_own_type)
    known.reflect(conn, only=lambda name, _: name not in _OF_THE_SCHEMA)
    return known


def baseline_statements(dialect: str) -> list[str]:
    """Return the statements that make the tables and indexes of version 1.2.0."""
    words = _IN_POSTGRES if dialect == "postgresql" else _IN_SQLITE
    return _BASELINE.read_text("utf-8").format(**words).split(";")[:-1]


def _run_revisions(conn: Connection, target: str) -> None:
    config = Config()
    config.set_main_option("script_location", str(FOLDER).replace("%", "%%"))
    config.attributes["connection"] = conn
    command.upgrade(config, target)


def _take_own_type(inspector: object, table: object, column: dict[str, Any]) -> None:
    """Let a column that was found in a database have the type that the program gave it."""
    del inspector, table
    if isinstance(column["type"], DateTime):
        column["type"] = UtcDateTime()
    elif isinstance(column["type"], JSON):
        column["type"] = JSON()
