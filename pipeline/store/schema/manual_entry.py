"""Tables of keying in by hand: what was copied and signed for, and orders of fields."""

from __future__ import annotations

from sqlalchemy import JSON, Column, ForeignKey, Index, Integer, String, Table

from pipeline.store.schema.clock import UtcDateTime
from pipeline.store.schema.paper import metadata

# Signatures that entries are in the other system, one row an entry. The rows of one press have the
# same `turn`. A signature can be undone until its receipts are written (`settled_at`).
key_in_signature = Table(
    "key_in_signature",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("turn", String(32), nullable=False, index=True),
    Column("run", ForeignKey("export_run.id"), nullable=False),
    Column("entry", ForeignKey("entry.id"), nullable=False),
    Column("revision", Integer, nullable=False),
    Column("by", String(80), nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("undone_at", UtcDateTime),
    Column("settled_at", UtcDateTime),
)
_is_active = key_in_signature.c.undone_at.is_(None)

# Which values of an entry's export a person has copied, by the names of their fields; no values.
key_in_copy = Table(
    "key_in_copy",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("entry", ForeignKey("entry.id"), nullable=False, index=True),
    Column("revision", Integer, nullable=False),
    Column("part", String(200), nullable=False),
    Column("by", String(80), nullable=False),
    Column("at", UtcDateTime, nullable=False),
)

# In which order a receiving system asks for the fields of a form: the latest row counts. `own` are
# the fields that the system has a field of its own for, `note` those that stand in its note.
key_in_order = Table(
    "key_in_order",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("system", String(80), nullable=False),
    Column("form", String(80), nullable=False),
    Column("own", JSON, nullable=False),
    Column("note", JSON, nullable=False),
    Column("by", String(80), nullable=False),
    Column("at", UtcDateTime, nullable=False),
)

Index(
    "key_in_signature_active",
    key_in_signature.c.entry,
    key_in_signature.c.revision,
    unique=True,
    sqlite_where=_is_active,
    postgresql_where=_is_active,
)
Index("key_in_order_latest", key_in_order.c.system, key_in_order.c.form, key_in_order.c.id)
