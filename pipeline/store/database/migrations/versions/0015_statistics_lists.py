"""Whether a month of statistics was a file that stands alone, or a list of what to add to one."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    """Add the column; what was made before were files."""
    op.add_column(
        "statistics_item",
        sa.Column("whole", sa.Boolean(), nullable=False, server_default=sa.true()),
    )
