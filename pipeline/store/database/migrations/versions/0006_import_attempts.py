"""Count the attempts to import each file: one that kills its reader must not stop the others."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Create the table; files that were imported before have no row."""
    op.create_table(
        "import_attempt",
        sa.Column("batch", sa.String(32), sa.ForeignKey("batch.id"), nullable=False),
        sa.Column("source_sha256", sa.String(64), nullable=False),
        sa.Column("copy", sa.Integer, nullable=False, autoincrement=False),
        sa.Column("source_page", sa.Integer, nullable=False),
        sa.Column("starts", sa.Integer, nullable=False),
        sa.Column("deaths", sa.Integer, nullable=False),
        sa.Column("pages", sa.Integer),
        sa.PrimaryKeyConstraint("batch", "source_sha256", "copy"),
    )
