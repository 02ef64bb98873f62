"""Run the migrations on a connection that is in a transaction."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection

from pipeline.store.database.migrations.history import FOLDER


def migrate(conn: Connection, forms: Path, target: str = "head") -> None:
    """Bring the schema to a revision; the caller commits all of it or nothing.

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
    command.upgrade(config, target)
