"""Tables of doubts about whom an entry is about: identities outside the register, and what a person said to a conflict."""

from __future__ import annotations

from sqlalchemy import JSON, Column, ForeignKey, Integer, String, Table, Text

from pipeline.store.clock import UtcDateTime
from pipeline.store.tables import metadata

# `number` is what the entry has instead of a number of the register: a temporary one made here, or the number of somebody whom the register lacks.
temporary_identity = Table(
    "temporary_identity",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("entry", ForeignKey("entry.id"), nullable=False, index=True),
    Column("number", String(20), nullable=False),
    Column("name", String(120), nullable=False, default=""),
    Column("reason", Text, nullable=False),
    Column("by", String(80), nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("settled_by", String(80)),
    Column("settled_at", UtcDateTime),
)

# `codes` are kinds of conflict, never what is written; `choice` how the person resolved it.
client_choice = Table(
    "client_choice",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("entry", ForeignKey("entry.id"), nullable=False, index=True),
    Column("revision", Integer, nullable=False),
    Column("codes", JSON, nullable=False),
    Column("choice", String(40), nullable=False),
    Column("why", String(300), nullable=False, default=""),
    Column("by", String(80), nullable=False),
    Column("at", UtcDateTime, nullable=False),
)
