"""The table of approvals of payments. Rows are added, and closed when an approval is taken back or given again."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, Index, Integer, String, Table

from pipeline.store.clock import UtcDateTime
from pipeline.store.tables import metadata

# `seen` is the latest decision on the sheet when it was approved, `rows_sha256` a digest of which rows then counted for its sum: an approval is
# of what stood there then, and of nothing later. NULL, of a time before this was kept: it does not stand.
payment_approval = Table(
    "payment_approval",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("entry", ForeignKey("entry.id"), nullable=False, index=True),
    Column("seen", Integer, nullable=False),
    Column("by", String(80), nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("undone_at", UtcDateTime),
    Column("rows_sha256", String(64)),
)
_stands = payment_approval.c.undone_at.is_(None)
Index(
    "payment_approval_standing",
    payment_approval.c.entry,
    payment_approval.c.seen,
    payment_approval.c.by,
    unique=True,
    sqlite_where=_stands,
    postgresql_where=_stands,
)
