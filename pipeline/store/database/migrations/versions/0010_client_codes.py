"""The codes of four digits by which a unit names its clients on paper."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from pipeline.store.schema.clock import UtcDateTime

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    """Create the table; a unit's clients get their codes with its next pack."""
    op.create_table(
        "client_code",
        sa.Column("unit", sa.String(80), nullable=False),
        sa.Column("code", sa.String(4), nullable=False),
        sa.Column("pid", sa.String(20), nullable=False),
        sa.Column("given_at", UtcDateTime, nullable=False),
        sa.PrimaryKeyConstraint("unit", "code"),
        sa.UniqueConstraint("unit", "pid"),
    )
