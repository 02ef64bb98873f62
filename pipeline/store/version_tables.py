"""Tables of what an entry has been: a row for each decision, and a row for each signature. Both are only ever added to."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, ForeignKey, Integer, String, Table, Text

from pipeline.store.clock import UtcDateTime
from pipeline.store.tables import metadata

# Why an entry was decided as it was: the entry itself only has the latest reason. `reason_before` is the one that it had until then, so that it is
# told again if the decision is taken back; NULL for decisions of a time before that was kept.
entry_version = Table(
    "entry_version",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("entry", ForeignKey("entry.id"), nullable=False, index=True),
    Column("revision", Integer, nullable=False),
    Column("state", String(30), nullable=False),
    Column("reason", Text, nullable=False, default=""),
    Column("reason_before", Text),
    Column("voided", Boolean, nullable=False, default=False),
    Column("by", String(80), nullable=False),
    Column("at", UtcDateTime, nullable=False),
)

# `revision` is the one that the signer read, `act` the same for rows of a sheet that were signed at once, `rule` the version of the rule of
# signing. A signature that is taken back is a row too.
signature = Table(
    "signature",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("entry", ForeignKey("entry.id"), nullable=False, index=True),
    Column("revision", Integer, nullable=False),
    Column("act", String(32), nullable=False),
    Column("taken_back", Boolean, nullable=False, default=False),
    Column("own", Boolean, nullable=False),
    Column("author", String(120), nullable=False, default=""),
    Column("why", String(300), nullable=False, default=""),
    Column("rule", Integer),
    Column("by", String(80), nullable=False),
    Column("at", UtcDateTime, nullable=False),
)
