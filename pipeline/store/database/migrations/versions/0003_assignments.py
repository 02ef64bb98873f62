"""Several assignments a person: next to the role in `staff`, and one key for all accounts."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Add the further assignments; an account's role, units and areas stay its main one."""
    op.create_table(
        "assignment",
        sa.Column("login", sa.String(80), sa.ForeignKey("staff.login"), primary_key=True),
        sa.Column("number", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("role", sa.String(40), nullable=False),
        sa.Column("title", sa.String(80), nullable=False),
        sa.Column("areas", sa.String(40)),
    )
    op.create_table(
        "assignment_unit",
        sa.Column("login", sa.String(80), primary_key=True),
        sa.Column("number", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("unit", sa.String(80), sa.ForeignKey("unit.name"), primary_key=True),
        sa.ForeignKeyConstraint(["login", "number"], ["assignment.login", "assignment.number"]),
    )
    op.add_column("staff", sa.Column("person_key", sa.String(80)))
    op.create_index("ix_staff_person_key", "staff", ["person_key"])
