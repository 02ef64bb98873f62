"""Several assignments a person: each account's role, title, areas and units become its first."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0001"


def upgrade() -> None:
    """Move the role of every account into a table of assignments."""
    assignment = op.create_table(
        "assignment",
        sa.Column("login", sa.String(80), sa.ForeignKey("staff.login"), primary_key=True),
        sa.Column("number", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("role", sa.String(40), nullable=False),
        sa.Column("title", sa.String(80), nullable=False),
        sa.Column("areas", sa.String(40)),
    )
    assignment_unit = op.create_table(
        "assignment_unit",
        sa.Column("login", sa.String(80), primary_key=True),
        sa.Column("number", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("unit", sa.String(80), sa.ForeignKey("unit.name"), primary_key=True),
        sa.ForeignKeyConstraint(["login", "number"], ["assignment.login", "assignment.number"]),
    )
    # Number 0 is the main assignment.
    staff = sa.table("staff", *map(sa.column, ("login", "role", "title", "areas")))
    unit = sa.table("staff_unit", sa.column("login"), sa.column("unit"))
    first = sa.literal(0)
    rows = sa.select(staff.c.login, first, staff.c.role, staff.c.title, staff.c.areas)
    op.execute(assignment.insert().from_select(["login", "number", "role", "title", "areas"], rows))
    units = sa.select(unit.c.login, first, unit.c.unit)
    op.execute(assignment_unit.insert().from_select(["login", "number", "unit"], units))
    op.drop_table("staff_unit")
    op.drop_column("staff", "role")
    op.drop_column("staff", "areas")
    op.add_column("staff", sa.Column("person_key", sa.String(80)))
    op.create_index("ix_staff_person_key", "staff", ["person_key"])
