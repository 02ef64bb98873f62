"""The baseline: the tables of version 1.2.0."""

from __future__ import annotations

from alembic import op

from pipeline.store.database.migrations.run import baseline_statements

revision = "0023"
down_revision = None


def upgrade() -> None:
    """Create the tables of an empty database.

    Only a restored backup of an earlier version begins here: a new workspace has today's tables.
    """
    conn = op.get_bind()
    for statement in baseline_statements(conn.dialect.name):
        conn.exec_driver_sql(statement)
