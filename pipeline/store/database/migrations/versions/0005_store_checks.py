"""The id of the image folder, checks of the store, deliveries of exports, content of batches.

A run whose file was fetched, or that its target has answered, counts as delivered.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Create the tables, and take the deliveries from the log and the receipts."""
    op.create_table("image_store", sa.Column("id", sa.String(32), primary_key=True))
    op.create_table(
        "store_check",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("started_by", sa.String(80), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True)),
        sa.Column("database_problem", sa.Text, nullable=False, server_default=""),
        *(
            sa.Column(name, sa.Integer, nullable=False, server_default="0")
            for name in ("files", "missing", "damaged", "orphans")
        ),
    )
    op.create_index("store_check_ended", "store_check", ["ended_at"])
    op.create_table(
        "export_delivery",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("run", sa.String(32), sa.ForeignKey("export_run.id"), nullable=False),
        sa.Column("by", sa.String(80), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_index("ix_export_delivery_run", "export_delivery", ["run"])
    op.add_column("batch", sa.Column("content", sa.String(64)))
    op.create_index("ix_batch_content", "batch", ["content"])
    _fill_deliveries()


def _fill_deliveries() -> None:
    """Add a delivery for each run whose file was fetched, or that has a receipt."""
    fetched = """INSERT INTO export_delivery (run, "by", at)
        SELECT run.id, event."by", event.at FROM export_run AS run
        JOIN event ON event.id = (SELECT min(id) FROM event
            WHERE action = 'fetch_export' AND subject = run.id)"""
    answered = """INSERT INTO export_delivery (run, "by", at)
        SELECT run.id, min(receipt."by"), min(receipt.at) FROM export_run AS run
        JOIN receipt ON receipt.run = run.id
        WHERE run.id NOT IN (SELECT run FROM export_delivery) GROUP BY run.id"""
    for statement in (fetched, answered):
        op.execute(statement)
