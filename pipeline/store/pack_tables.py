"""The tables of the outage pack: how many sheets a unit wants of each form, and how many visits or shifts were planned for a day."""

from __future__ import annotations

from sqlalchemy import Column, Integer, String, Table

from pipeline.store.tables import metadata

pack_number = Table(
    "pack_number",
    metadata,
    Column("unit", String(80), primary_key=True),
    Column("form", String(60), primary_key=True),
    Column("sheets", Integer, nullable=False),
    Column("each_client", Integer, nullable=False),
)

# Counts only: whom a visit was planned for is not kept.
planned_day = Table(
    "planned_day",
    metadata,
    Column("unit", String(80), primary_key=True),
    Column("day", String(10), primary_key=True),
    Column("kind", String(10), primary_key=True),
    Column("planned", Integer, nullable=False),
)
