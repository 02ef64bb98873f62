"""Indexes for searches by day and author, and for the list of what a person has done."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"

_INDEXES = {
    "entry_day": ("entry", ["event_on", "unit"], "event_on IS NOT NULL"),
    "entry_author": ("entry", ["author"], "author IS NOT NULL"),
    "event_own_action": (
        "event",
        ["by", "id"],
        "action IN ('decide', 'skip', 'undo', 'forward', 'reopen')",
    ),
}


def upgrade() -> None:
    """Add the indexes; nothing that is stored changes."""
    for name, (table, columns, where) in _INDEXES.items():
        op.create_index(
            name,
            table,
            columns,
            sqlite_where=sa.text(where),
            postgresql_where=sa.text(where),
        )
