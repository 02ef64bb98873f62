"""What watched folders passed over, and an index by which the pace of reading is measured."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from pipeline.store.schema.clock import UtcDateTime

revision = "0019"
down_revision = "0018"


def upgrade() -> None:
    """Create the table and the index; a watched folder has its row from its next look on."""
    op.create_table(
        "watched_folder",
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("folder", sa.String(400), nullable=False),
        sa.Column("unit", sa.String(80), nullable=False),
        sa.Column("place", sa.String(200), nullable=False),
        sa.Column("looked_at", UtcDateTime, nullable=False),
        sa.Column("is_away", sa.Boolean, nullable=False),
        sa.Column("passed_over", sa.JSON, nullable=False),
    )
    op.create_index("ix_page_read_at", "page", ["read_at"])
