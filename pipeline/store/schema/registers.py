"""Tables of the registers: units, staff with their accounts, clients and signatures."""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    String,
    Table,
    Text,
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


# Tables of the organisation: triage by unit, when systems were away, who gives the care.

# Tables of triage of a unit's own; the latest row counts that is not undone. `version` is that of
# the product's table that it was made from. See store/entries/triage.py.
triage_table = Table(
    "triage_table",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("unit", String(80), nullable=False, index=True),
    Column("version", Integer, nullable=False),
    Column("rules", JSON, nullable=False),
    Column("by", String(80), nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("undone_by", String(80)),
    Column("undone_at", UtcDateTime),
)

# Publications of a draft: the row is stored before the files are written, and ended once they are.
# One that has no end was killed, or could not write; `revision` is that of the draft.
form_publication = Table(
    "form_publication",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("form", String(60), nullable=False),
    Column("version", Integer, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("by", String(80), nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("ended_at", UtcDateTime),
)

# The digest of the rules by which a unit's open entries were sorted last.
triage_order = Table(
    "triage_order",
    metadata,
    Column("unit", String(80), primary_key=True),
    Column("digest", String(64), nullable=False),
)

# When a system was away (`kind` down) or could only be read (read_only), in one unit or in all
# (empty), for one system of data/systems.yaml or for all (empty). An undo closes a row.
outage = Table(
    "outage",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("unit", String(80), nullable=False),
    Column("system", String(40), nullable=False),
    Column("kind", String(10), nullable=False),
    Column("start", UtcDateTime, nullable=False),
    Column("end", UtcDateTime),
    Column("by", String(80), nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("undone_by", String(80)),
    Column("undone_at", UtcDateTime),
)

# The care provider of a unit that is not the organisation's own; an undo closes a row.
unit_provider = Table(
    "unit_provider",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("unit", String(80), nullable=False, index=True),
    Column("name", String(120), nullable=False),
    Column("hsa_id", String(64), nullable=False),
    Column("organisation_number", String(20), nullable=False),
    Column("by", String(80), nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("undone_by", String(80)),
    Column("undone_at", UtcDateTime),
)


# Tables of what was printed and planned: sheets, packs, days.
#
# Issued sheets are only added to. Those that came back unused are closed by an undo.

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


# Tables about the store itself: its folder of images, checks of it, and what feeds it.

# The folder of images that belongs to this database, by the id in its file. One row.
image_store = Table("image_store", metadata, Column("id", String(32), primary_key=True))

# Checks of the whole store (`efterskrift check`). `ended_at` is NULL while one runs, or if it was
# killed. `database_problem` is empty if the database is whole.
store_check = Table(
    "store_check",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("started_at", UtcDateTime, nullable=False),
    Column("started_by", String(80), nullable=False),
    Column("ended_at", UtcDateTime),
    Column("database_problem", Text, nullable=False, default="", server_default=""),
    Column("files", Integer, nullable=False, default=0, server_default="0"),
    Column("missing", Integer, nullable=False, default=0, server_default="0"),
    Column("damaged", Integer, nullable=False, default=0, server_default="0"),
    Column("orphans", Integer, nullable=False, default=0, server_default="0"),
    # Rows of the record that are not as the log has them
    Column("changed", Integer, nullable=False, default=0, server_default="0"),
)
Index("store_check_ended", store_check.c.ended_at)

# Watched folders, each with what its last look passed over: name, reason and moment of each file.
watched_folder = Table(
    "watched_folder",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("folder", String(400), nullable=False),
    Column("unit", String(80), nullable=False),
    Column("place", String(200), nullable=False),
    Column("looked_at", UtcDateTime, nullable=False),
    Column("is_away", Boolean, nullable=False),
    Column("passed_over", JSON, nullable=False),
)
