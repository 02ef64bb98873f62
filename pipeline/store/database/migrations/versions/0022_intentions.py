"""Archive packages that were handed out, publications that were begun, when entries ended."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"


def upgrade() -> None:
    """Add the tables; a package that was fetched before was handed out.

    Counting entries needs no row any more, only the indexes.
    """
    op.add_column("entry", sa.Column("ended_at", sa.DateTime(timezone=True)))
    op.execute(
        """UPDATE entry SET ended_at = (SELECT min(entry_version.at) FROM entry_version
        WHERE entry_version.entry = entry.id AND entry_version.state
            IN ('bekräftad', 'signerad', 'exporterad', 'kvitterad', 'avvisad'))"""
    )
    was_ended = sa.text("ended_at IS NOT NULL")
    op.create_index(
        "entry_ended",
        "entry",
        ["ended_at", "unit", "state"],
        sqlite_where=was_ended,
        postgresql_where=was_ended,
    )
    for name, columns, where in (
        (
            "entry_unreceipted",
            ["unit", "state", "form", "criticality", "created_at", "voided"],
            sa.text("state != 'kvitterad'"),
        ),
        (
            "entry_ready",
            ["unit", "form", "first_by", "version", "area", "voided"],
            sa.text("state = 'bekräftad'"),
        ),
        ("entry_created", ["created_at", "unit", "state", "form", "criticality", "voided"], None),
    ):
        op.drop_index(name, "entry")
        op.create_index(name, "entry", columns, sqlite_where=where, postgresql_where=where)
    op.create_table(
        "archive_delivery",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("package", sa.String(40), sa.ForeignKey("archive_package.id"), nullable=False),
        sa.Column("by", sa.String(80), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_index("ix_archive_delivery_package", "archive_delivery", ["package"])
    op.create_table(
        "form_publication",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("form", sa.String(60), nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("by", sa.String(80), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True)),
    )
    op.execute(
        """INSERT INTO archive_delivery (package, "by", at)
        SELECT archive_package.id, event."by", event.at FROM archive_package
        JOIN event ON event.id = (SELECT min(id) FROM event
            WHERE action = 'fetch_package' AND subject = archive_package.id)"""
    )
