"""The tables of exports: runs, the entries in them, and what their targets answered. Rows are only
ever added.

The table of approvals of payments. Rows are added, and closed when an approval is taken back or
given again.

Which entries the monthly files of statistics have told of. They go beside the one export that
takes an entry, and change nothing of it.

Who is keying which exported entry into another system just now, so that two people do not key in
the same one.

The tables of archived sheets and of where their paper is. Rows are added; a decision that paper
may be destroyed is closed by an undo.

What the care system has already, kept while entries are compared with it, and what people
decided of each pair.

The rows of a list are erased with it; a decision keeps a keyed digest of its row, which tells it
again and says nothing.
"""

from __future__ import annotations

from sqlalchemy import (
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    Text,
    UniqueConstraint,
)

from pipeline.store.database.clock import UtcDateTime
from pipeline.store.schema.paper import metadata

export_run = Table(
    "export_run",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("target", String(40), nullable=False),
    Column("file_name", String(120), nullable=False),
    Column("file_sha256", String(64), nullable=False),
    Column("made_at", UtcDateTime, nullable=False),
    Column("made_by", String(80), nullable=False),
)
# `revision` counts the entry's exports, `entry_revision` is the entry's own as it was carried:
# later answers were not, whatever any clock says.
export_item = Table(
    "export_item",
    metadata,
    Column("run", ForeignKey("export_run.id"), primary_key=True),
    Column("entry", ForeignKey("entry.id"), primary_key=True),
    Column("revision", Integer, nullable=False),
    Column("number", Integer, nullable=False),
    Column("entry_revision", Integer, nullable=False, server_default="0"),
    UniqueConstraint("entry", "revision"),
)
receipt = Table(
    "receipt",
    metadata,
    Column("entry", ForeignKey("entry.id"), primary_key=True),
    Column("revision", Integer, primary_key=True),
    Column("run", ForeignKey("export_run.id"), nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("by", String(80), nullable=False),
    Column("accepted", Boolean, nullable=False),
    Column("text", Text, nullable=False, default=""),
)
# `seen` is the latest decision on the sheet when it was approved, `rows_sha256` a digest of which
# rows then counted for its sum: an approval is of what stood there then, and of nothing later.
# NULL, of a time before this was kept: it does not stand.
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
_is_active_approval = payment_approval.c.undone_at.is_(None)
# `revision` is that of the entry, `month` (YYYY-MM) the file in which it stands. A month is told
# whole: an entry may be in many runs at one revision.
statistics_item = Table(
    "statistics_item",
    metadata,
    Column("run", ForeignKey("export_run.id"), primary_key=True),
    Column("entry", ForeignKey("entry.id"), primary_key=True, index=True),
    Column("revision", Integer, nullable=False),
    Column("month", String(7), nullable=False),
    Column("number", Integer, nullable=False),
)
key_in_claim = Table(
    "key_in_claim",
    metadata,
    Column("entry", ForeignKey("entry.id"), primary_key=True),
    Column("revision", Integer, primary_key=True, autoincrement=False),
    Column("by", String(80), nullable=False),
    Column("until", UtcDateTime, nullable=False),
)
archive_package = Table(
    "archive_package",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("file_name", String(120), nullable=False),
    Column("file_sha256", String(64), nullable=False),
    Column("made_at", UtcDateTime, nullable=False),
    Column("made_by", String(80), nullable=False),
)
# A sheet is archived once as it is. When an entry on it is exported again, its content is another,
# and it goes into a package again.
archived_sheet = Table(
    "archived_sheet",
    metadata,
    Column("package", ForeignKey("archive_package.id"), primary_key=True),
    Column("sheet", String(41), primary_key=True),
    Column("content", String(64), nullable=False),
    Column(
        "rule", String(40), nullable=False
    ),  # class of retention with its version, as it was computed then
    Column("earliest", String(10), nullable=False, default="", server_default=""),
    UniqueConstraint("sheet", "content"),
)
# Where a stack's paper is kept now: the latest row of the stack.
paper_place = Table(
    "paper_place",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("batch", ForeignKey("batch.id"), nullable=False, index=True),
    Column("box", String(80), nullable=False),
    Column("bundle", String(80), nullable=False, default="", server_default=""),
    Column("by", String(80), nullable=False),
    Column("at", UtcDateTime, nullable=False),
)
paper_decision = Table(
    "paper_decision",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("package", ForeignKey("archive_package.id"), nullable=False),
    Column("number", String(80), nullable=False),
    Column("by", String(80), nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("undone_by", String(80)),
    Column("undone_at", UtcDateTime),
)
_is_active_decision = paper_decision.c.undone_at.is_(None)
care_list = Table(
    "care_list",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("unit", String(80), nullable=False, index=True),
    Column("area", String(8), nullable=False),
    Column("rows", Integer, nullable=False),
    Column("by", String(80), nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("erased_by", String(80)),
    Column("erased_at", UtcDateTime),
)
# `digest` is the same for all numbers that one row may mean.
care_row = Table(
    "care_row",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("list", ForeignKey("care_list.id"), nullable=False, index=True),
    Column("digest", String(64), nullable=False),
    Column("client_pid", String(20), nullable=False, index=True),
    Column("day", String(10), nullable=False),
    Column("clock", String(5), nullable=False, default=""),
    Column("kind", String(200), nullable=False, default=""),
    Column("text", Text, nullable=False, default=""),
    Column("author", String(200), nullable=False, default=""),
)
clash_decision = Table(
    "clash_decision",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("entry", ForeignKey("entry.id"), nullable=False, index=True),
    Column("digest", String(64), nullable=False),
    Column("same", Boolean, nullable=False),
    Column("mark", ForeignKey("duplicate_mark.id")),
    Column("by", String(80), nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("taken_back_by", String(80)),
    Column("taken_back_at", UtcDateTime),
)
_is_active_match_decision = clash_decision.c.taken_back_at.is_(None)


Index(
    "payment_approval_standing",
    payment_approval.c.entry,
    payment_approval.c.seen,
    payment_approval.c.by,
    unique=True,
    sqlite_where=_is_active_approval,
    postgresql_where=_is_active_approval,
)


Index(
    "paper_decision_standing",
    paper_decision.c.package,
    unique=True,
    sqlite_where=_is_active_decision,
    postgresql_where=_is_active_decision,
)


# A pair is decided once at a time.
Index(
    "clash_standing",
    clash_decision.c.entry,
    clash_decision.c.digest,
    unique=True,
    sqlite_where=_is_active_match_decision,
    postgresql_where=_is_active_match_decision,
)
