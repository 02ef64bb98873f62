"""Tables of what was printed and planned: sheets, packs, days.

Issued sheets are only added to. Those that came back unused are closed by an undo.
"""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    Column,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
)

from pipeline.store.schema.clock import UtcDateTime
from pipeline.store.schema.paper import metadata

# Printed sheets by serial; `client_pid` if one was printed for a client.
issued_sheet = Table(
    "issued_sheet",
    metadata,
    Column("serial", String(8), primary_key=True),
    Column("form", String(60), nullable=False),
    Column("version", Integer, nullable=False),
    Column("unit", String(80), nullable=False),
    Column("client_pid", String(20)),
    Column("issued_at", UtcDateTime, nullable=False),
    Column("issued_by", String(80), nullable=False),
    # The sheets of a unit that were printed together
    Column("pack", String(32), nullable=False, default="", server_default="", index=True),
)

# Packs that somebody has said to be in use since a day; an undo closes a row. A pack of which a
# sheet was scanned is in use without a row.
pack_opening = Table(
    "pack_opening",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("pack", String(32), nullable=False),
    Column("day", String(10), nullable=False),
    Column("by", String(80), nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("undone_by", String(80)),
    Column("undone_at", UtcDateTime),
)
_is_active_opening = pack_opening.c.undone_at.is_(None)
Index(
    "pack_opening_standing",
    pack_opening.c.pack,
    unique=True,
    sqlite_where=_is_active_opening,
    postgresql_where=_is_active_opening,
)

# Printed sheets that came back without writing; an undo closes a row. Only one is active.
unused_sheet = Table(
    "unused_sheet",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("serial", String(8), nullable=False),
    # What was registered at once, and is undone at once
    Column("lot", String(32), nullable=False, index=True),
    Column("by", String(80), nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("undone_by", String(80)),
    Column("undone_at", UtcDateTime),
)
_is_active_registration = unused_sheet.c.undone_at.is_(None)
Index(
    "unused_standing",
    unused_sheet.c.serial,
    unique=True,
    sqlite_where=_is_active_registration,
    postgresql_where=_is_active_registration,
)

# Rows of printed sheets that name a client: each row of a tour list (körlista) is about another
# one.
issued_row = Table(
    "issued_row",
    metadata,
    Column("serial", ForeignKey("issued_sheet.serial"), primary_key=True),
    Column("row", Integer, primary_key=True, autoincrement=False),
    Column("client_pid", String(20), nullable=False, index=True),
    Column("printed", JSON, nullable=False),  # what was printed in the row, by column of the form
)

# The outage pack: how many sheets of each form a unit wants.
pack_number = Table(
    "pack_number",
    metadata,
    Column("unit", String(80), primary_key=True),
    Column("form", String(60), primary_key=True),
    Column("sheets", Integer, nullable=False),
    Column("each_client", Integer, nullable=False),
)

# How many visits or shifts were planned for a day; for which clients is not stored.
planned_day = Table(
    "planned_day",
    metadata,
    Column("unit", String(80), primary_key=True),
    Column("day", String(10), primary_key=True),
    Column("kind", String(10), primary_key=True),
    Column("planned", Integer, nullable=False),
)
