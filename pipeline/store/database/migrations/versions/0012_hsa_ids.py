"""HSA-ids of units and of the members of staff lists, and the members' role codes."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    """Add the columns; an id or code is empty until somebody says it."""
    op.add_column(
        "staff_signature",
        sa.Column("role_code", sa.String(20), nullable=False, server_default=""),
    )
    for table in ("unit", "staff_signature"):
        op.add_column(table, sa.Column("hsa_id", sa.String(40), nullable=False, server_default=""))
