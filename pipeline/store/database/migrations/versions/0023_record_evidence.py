"""Pictures, clients, blocks and accounts among the rows that the event log covers.

The rows that exist are covered at the end of the upgrade, by events that say so (`adopt_records`).
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"


def upgrade() -> None:
    """Make room for logins in the table of digests, and count changed rows at each check."""
    with op.batch_alter_table("record_digest") as table:
        table.alter_column("owner", type_=sa.String(80), existing_type=sa.String(44))
    op.add_column(
        "store_check", sa.Column("changed", sa.Integer, nullable=False, server_default="0")
    )
