"""Tables of the registers: units, staff with their accounts, clients and signatures."""

from __future__ import annotations

from sqlalchemy import (
    Boolean,
    Column,
    ForeignKey,
    ForeignKeyConstraint,
    Integer,
    String,
    Table,
    false,
)

from pipeline.store.schema.clock import UtcDateTime
from pipeline.store.schema.paper import metadata

# Units with their area of law.
unit = Table(
    "unit",
    metadata,
    Column("name", String(80), primary_key=True),
    Column("area", String(8), nullable=False),
    Column("hsa_id", String(40), nullable=False, default="", server_default=""),
)

# Members of staff with their accounts and main assignments.
staff = Table(
    "staff",
    metadata,
    Column("login", String(80), primary_key=True),
    Column("name", String(120), nullable=False),
    Column("title", String(80), nullable=False),
    Column("role", String(40), nullable=False),
    Column("password_hash", String(200), nullable=False),
    Column("active", Boolean, nullable=False, default=True),
    # Areas of law separated by spaces; NULL: those of the profession (domain/law/permissions.py).
    Column("areas", String(40)),
    Column("break_glass", Boolean, nullable=False, default=False, server_default=false()),
    Column("must_change", Boolean, nullable=False, default=False, server_default=false()),
    # Logins at the organisation's provider until this moment are refused.
    Column("refused_until", UtcDateTime),
    # Staff number or HSA-id, the same in all accounts of one person.
    Column("person_key", String(80), index=True),
)

staff_unit = Table(
    "staff_unit",
    metadata,
    Column("login", ForeignKey("staff.login"), primary_key=True),
    Column("unit", ForeignKey("unit.name"), primary_key=True),
)

# Further assignments of a person, next to the one in `staff`: one role each, as one profession.
assignment = Table(
    "assignment",
    metadata,
    Column("login", ForeignKey("staff.login"), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("role", String(40), nullable=False),
    Column("title", String(80), nullable=False),
    # As in `staff`.
    Column("areas", String(40)),
)

# The units of a further assignment; none for roles without units.
assignment_unit = Table(
    "assignment_unit",
    metadata,
    Column("login", String(80), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("unit", ForeignKey("unit.name"), primary_key=True),
    ForeignKeyConstraint(["login", "number"], ["assignment.login", "assignment.number"]),
)

# The client register; `protected`: the identity is confidential (skyddade personuppgifter).
client = Table(
    "client",
    metadata,
    Column("pid", String(20), primary_key=True),
    Column("name", String(120), nullable=False),
    Column("unit", String(80), nullable=False, index=True),
    Column("protected", Boolean, nullable=False, default=False),
    Column("address", String(200), nullable=False, default="", server_default=""),
    Column("deceased_on", String(10), nullable=False, default="", server_default=""),
    Column("moved_on", String(10), nullable=False, default="", server_default=""),
)

# Signatures (initials) in use in a unit, with the names that they mean.
staff_signature = Table(
    "staff_signature",
    metadata,
    Column("unit", String(80), primary_key=True),
    Column("signature", String(20), primary_key=True),
    Column("name", String(120), primary_key=True),
    Column("title", String(80), nullable=False),
    Column("hsa_id", String(40), nullable=False, default="", server_default=""),
    Column("role_code", String(20), nullable=False, default="", server_default=""),
)
