"""What was found when an exported entry was looked for in its target."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from pipeline.store.schema.clock import UtcDateTime

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    """Create the table; nothing was looked for before."""
    op.create_table(
        "export_proof",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("run", sa.String(32), sa.ForeignKey("export_run.id"), nullable=False),
        sa.Column("entry", sa.String(44), sa.ForeignKey("entry.id"), nullable=False),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("at", UtcDateTime, nullable=False),
        sa.Column("by", sa.String(80), nullable=False),
        sa.Column("means", sa.String(20), nullable=False),
        sa.Column("found", sa.String(20), nullable=False),
        sa.Column("differences", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("place", sa.String(200), nullable=False, server_default=""),
    )
    op.create_index("ix_export_proof_run", "export_proof", ["run"])
    op.create_index("ix_export_proof_entry", "export_proof", ["entry"])
