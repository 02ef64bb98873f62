"""The table of who has closed the guide of the first day."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, Table

from pipeline.store.clock import UtcDateTime
from pipeline.store.tables import metadata

closed_guide = Table(
    "closed_guide",
    metadata,
    Column("login", ForeignKey("staff.login"), primary_key=True),
    Column("closed_at", UtcDateTime, nullable=False),
)
