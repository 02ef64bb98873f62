"""The baseline: the tables of version 1.0.0."""

from __future__ import annotations

from alembic import op
from sqlalchemy import insert

from pipeline.store.database.migrations.baseline import METADATA
from pipeline.store.event_log.hash_chain import start_chain

revision = "0001"
down_revision = None

_KEPT_BY_ALEMBIC = 9
"""`schema_info` stays at this number, which programs from before Alembic refuse as unknown."""


def upgrade() -> None:
    """Create the tables of an empty database, and begin the log."""
    conn = op.get_bind()
    METADATA.create_all(conn)
    start_chain(conn)
    conn.execute(insert(METADATA.tables["schema_info"]).values(version=_KEPT_BY_ALEMBIC))
