"""Tables of what was sent on, asked, or found twice. Rows stay; what ends one is written beside it."""

from __future__ import annotations

from sqlalchemy import JSON, Boolean, Column, ForeignKey, Integer, String, Table, Text

from pipeline.store.clock import UtcDateTime
from pipeline.store.tables import metadata

forwarding = Table(
    "forwarding",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("entry", ForeignKey("entry.id"), nullable=False, index=True),
    Column("from_unit", String(80), nullable=False, index=True),
    Column("to_unit", String(80), nullable=False),
    Column("why", String(300), nullable=False, default=""),
    Column("secret", Boolean, nullable=False, default=False),  # sent because of a protected identity: the sender must not learn where
    Column("by", String(80), nullable=False),
    Column("at", UtcDateTime, nullable=False),
)

question = Table(
    "question",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("entry", ForeignKey("entry.id"), nullable=False, index=True),
    Column("unit", String(80), nullable=False, index=True),
    Column("author", String(120), nullable=False, default=""),
    Column("text", Text, nullable=False),
    Column("by", String(80), nullable=False),
    Column("at", UtcDateTime, nullable=False),
)

# Who of the staff answered and when, and who wrote the answer in and when: often two people.
author_answer = Table(
    "author_answer",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("question", ForeignKey("question.id"), nullable=False, index=True),
    Column("text", Text, nullable=False),
    Column("answered_by", String(120), nullable=False),
    Column("answered_at", UtcDateTime, nullable=False),
    Column("by", String(80), nullable=False),
    Column("at", UtcDateTime, nullable=False),
)

# What an entry was compared with: another entry here, a text copied from the care system, or a picture of its screen. `before` is what the entry
# was: its state and who had decided and signed it.
duplicate_mark = Table(
    "duplicate_mark",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("entry", ForeignKey("entry.id"), nullable=False, index=True),
    Column("other_entry", ForeignKey("entry.id")),
    Column("text", Text, nullable=False, default=""),
    Column("picture_sha256", String(64)),
    Column("why", String(300), nullable=False, default=""),
    Column("by", String(80), nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("taken_back_by", String(80)),
    Column("taken_back_at", UtcDateTime),
    Column("before", JSON),
)
