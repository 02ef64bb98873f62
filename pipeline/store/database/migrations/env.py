"""Alembic's environment: `migrate` gives the connection; `alembic revision` opens the workspace's.

Everything happens in one transaction, also on SQLite: `engines.py` begins transactions itself, so
that the driver commits nothing before a change of the schema.
"""

from __future__ import annotations

from alembic import context
from sqlalchemy import Connection

from pipeline.domain.settings import load_settings
from pipeline.store.database.engines import make_engine
from pipeline.store.database.store import ALL_TABLES
from pipeline.store.schema import paper


def run_migrations(conn: Connection) -> None:
    """Run the requested migrations on a connection."""
    context.configure(
        connection=conn,
        target_metadata=paper.metadata,
        transactional_ddl=True,
        render_as_batch=True,
    )
    with context.begin_transaction():
        context.run_migrations()


def run_on_workspace() -> None:
    """Run on the workspace's database, for a developer who calls `alembic`."""
    engine = make_engine(load_settings().url)
    with engine.connect() as conn, conn.begin():
        run_migrations(conn)
    engine.dispose()


assert paper in ALL_TABLES  # all modules that declare tables are imported
connection = context.config.attributes.get("connection")
if connection is None:
    run_on_workspace()
else:
    run_migrations(connection)
