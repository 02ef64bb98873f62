"""Run the migrations on a connection that is in a transaction."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection

from pipeline.store.database.migrations.history import FOLDER
from pipeline.store.event_log.record_check import adopt_records, find_wrong_records
from pipeline.store.schema.append_only import protect_tables, unprotect_tables
from pipeline.store.schema.tally_triggers import create_tally_triggers, drop_tally_triggers


def migrate(conn: Connection, forms: Path, target: str = "head") -> None:
    """Bring the schema to a revision; the caller commits all of it or nothing.

    Triggers are off meanwhile, and the log covers the rows of the record as they are afterwards.

    Args:
        conn: a transaction that holds the schema (`history.lock_schema`).
        forms: the folder of form definitions, from which older entries get their area of law.
        target: a revision.

    Raises:
        FormError: a form definition is invalid.
    """
    config = Config()
    config.set_main_option("script_location", str(FOLDER).replace("%", "%%"))
    config.attributes.update(connection=conn, forms=forms)
    # Rows that were wrong before stay wrong: an upgrade must not make them right
    wrong = find_wrong_records(conn)
    unprotect_tables(conn)
    drop_tally_triggers(conn)
    command.upgrade(config, target)
    protect_tables(conn)
    create_tally_triggers(conn)
    adopt_records(conn, wrong)
