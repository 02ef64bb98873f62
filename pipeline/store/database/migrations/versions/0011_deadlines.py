"""Several legal deadlines of an entry, each until it is met."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from pipeline.store.schema.clock import UtcDateTime

revision = "0011"
down_revision = "0010"

_ONLY = ""
"""The key of the one deadline that an entry had: its rule is that of its form."""
_UNCERTAIN = ""
"""The time of a deadline whose first day was not certain."""


def upgrade() -> None:
    """Add the column, and give entries the one deadline that they had."""
    op.add_column("entry", sa.Column("deadlines", sa.JSON(none_as_null=True)))
    entry = sa.table(
        "entry",
        sa.column("id", sa.String),
        sa.column("created_at", UtcDateTime),
        sa.column("due_at", UtcDateTime),
        sa.column("deadlines", sa.JSON(none_as_null=True)),
    )
    conn = op.get_bind()
    query = sa.select(entry.c.id, entry.c.created_at, entry.c.due_at)
    for row in conn.execute(query.where(entry.c.due_at.is_not(None))).all():
        # A deadline equal to the creation time meant an unknown day
        time = _UNCERTAIN if row.due_at == row.created_at else row.due_at.isoformat()
        conn.execute(sa.update(entry).where(entry.c.id == row.id).values(deadlines={_ONLY: time}))
