"""Who is keying which exported entry into another system just now, so that two people do not key in the same one."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, Integer, String, Table

from pipeline.store.clock import UtcDateTime
from pipeline.store.tables import metadata

key_in_claim = Table(
    "key_in_claim",
    metadata,
    Column("entry", ForeignKey("entry.id"), primary_key=True),
    Column("revision", Integer, primary_key=True, autoincrement=False),
    Column("by", String(80), nullable=False),
    Column("until", UtcDateTime, nullable=False),
)
