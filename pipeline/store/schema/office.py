"""Tables of the organisation: triage by unit, when systems were away, who gives the care."""

from __future__ import annotations

from sqlalchemy import JSON, Column, Integer, String, Table

from pipeline.store.schema.clock import UtcDateTime
from pipeline.store.schema.paper import metadata

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
