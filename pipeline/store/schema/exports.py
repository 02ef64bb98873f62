"""Tables of exports, payments, archives and of lists from the care system.

Rows are only added; approvals, decisions and claims end by filling in a column. The rows of a care
system list are erased with the list. A decision about such a row keeps a keyed digest, which
recognises the row again but reveals nothing about it.
"""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    Text,
    UniqueConstraint,
    true,
)

from pipeline.store.schema.clock import UtcDateTime
from pipeline.store.schema.paper import metadata

# Routes by name: which forms go to which system, in which format, and who delivers. The latest row
# of a name counts; a route without forms, or that is not active, takes no new entry.
route = Table(
    "route",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("name", String(40), nullable=False, index=True),
    Column("target", String(40), nullable=False),
    Column("forms", JSON, nullable=False),
    Column("system", String(80), nullable=False, default="", server_default=""),
    Column("module", String(80), nullable=False, default="", server_default=""),
    Column("deliverer", String(80), nullable=False, default="", server_default=""),
    Column("active", Boolean, nullable=False),
    Column("by", String(80), nullable=False),
    Column("at", UtcDateTime, nullable=False),
)

# Export runs, each with its file. A run from before there were routes (NULL) is of the route that
# is named as its target.
export_run = Table(
    "export_run",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("target", String(40), nullable=False),
    Column("file_name", String(120), nullable=False),
    Column("file_sha256", String(64), nullable=False),
    Column("made_at", UtcDateTime, nullable=False),
    Column("made_by", String(80), nullable=False),
    Column("route", String(40)),
)

# Runs that were undone before anybody had their file: their entries were never exported.
export_undo = Table(
    "export_undo",
    metadata,
    Column("run", ForeignKey("export_run.id"), primary_key=True),
    Column("by", String(80), nullable=False),
    Column("at", UtcDateTime, nullable=False),
)

# When the file of a run was handed out: a run without a row was made, and nobody has its file.
export_delivery = Table(
    "export_delivery",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("run", ForeignKey("export_run.id"), nullable=False, index=True),
    Column("by", String(80), nullable=False),
    Column("at", UtcDateTime, nullable=False),
)

# Entries of export runs. `revision` counts the entry's exports in all routes; `route_revision`
# those in its run's route, which is what the file says (NULL, from before there were routes:
# `revision`). `entry_revision` is the entry's own revision in that file, so that later answers are
# known not to be in it, whatever the clocks say. `routes` names all routes that the entry had.
export_item = Table(
    "export_item",
    metadata,
    Column("run", ForeignKey("export_run.id"), primary_key=True),
    Column("entry", ForeignKey("entry.id"), primary_key=True),
    Column("revision", Integer, nullable=False),
    Column("number", Integer, nullable=False),
    Column("entry_revision", Integer, nullable=False, server_default="0"),
    Column("route_revision", Integer),
    Column("routes", JSON(none_as_null=True)),
    UniqueConstraint("entry", "revision"),
)

# The target's answers to exported entries.
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

# What was found when an exported entry was looked for in the target: the latest row counts. The
# answer of a target says that it took something, this says that it has it. `means` says how it was
# looked for, `found` what came of it, `differences` what of it differs, by names and never values.
export_proof = Table(
    "export_proof",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("run", ForeignKey("export_run.id"), nullable=False, index=True),
    Column("entry", ForeignKey("entry.id"), nullable=False, index=True),
    Column("revision", Integer, nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("by", String(80), nullable=False),
    Column("means", String(20), nullable=False),
    Column("found", String(20), nullable=False),
    Column("differences", JSON(none_as_null=True), nullable=False),
    Column("place", String(200), nullable=False, default="", server_default=""),
)

# Approvals of payments. `seen` is the latest decision on the sheet at the approval, `rows_sha256` a
# digest of the rows that then counted for its sum: an approval holds for that content only. Where
# it is NULL (approvals from before it was stored), the approval does not hold.
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

# Entries in the monthly statistics files, which are independent of the entry's one export.
# `revision` is the entry's, `month` (YYYY-MM) the month of the file. A month is always reported as
# a whole, so an entry may be in many runs at one revision. `whole`: as a file that stands alone,
# not as a list of what to add to another one.
statistics_item = Table(
    "statistics_item",
    metadata,
    Column("run", ForeignKey("export_run.id"), primary_key=True),
    Column("entry", ForeignKey("entry.id"), primary_key=True, index=True),
    Column("revision", Integer, nullable=False),
    Column("month", String(7), nullable=False),
    Column("number", Integer, nullable=False),
    Column("whole", Boolean, nullable=False, default=True, server_default=true()),
)

# Who is keying which exported entry into another system now, so that no two persons key the same.
key_in_claim = Table(
    "key_in_claim",
    metadata,
    Column("entry", ForeignKey("entry.id"), primary_key=True),
    Column("revision", Integer, primary_key=True, autoincrement=False),
    Column("by", String(80), nullable=False),
    Column("until", UtcDateTime, nullable=False),
)

# Archive packages, each with its file.
archive_package = Table(
    "archive_package",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("file_name", String(120), nullable=False),
    Column("file_sha256", String(64), nullable=False),
    Column("made_at", UtcDateTime, nullable=False),
    Column("made_by", String(80), nullable=False),
    # The decision or plan that it was archived by; empty in packages from before it was asked for.
    Column("decision", String(80), nullable=False, default="", server_default=""),
)

# When the file of a package was handed out, as `export_delivery`.
archive_delivery = Table(
    "archive_delivery",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("package", ForeignKey("archive_package.id"), nullable=False, index=True),
    Column("by", String(80), nullable=False),
    Column("at", UtcDateTime, nullable=False),
)

# Sheets in archive packages. A sheet is archived once per content; when an entry on it is exported
# again, its content differs and it is archived again.
archived_sheet = Table(
    "archived_sheet",
    metadata,
    Column("package", ForeignKey("archive_package.id"), primary_key=True),
    Column("sheet", String(41), primary_key=True),
    Column("content", String(64), nullable=False),
    # Retention class with its version, as computed at the time
    Column("rule", String(40), nullable=False),
    Column("earliest", String(10), nullable=False, default="", server_default=""),
    UniqueConstraint("sheet", "content"),
)

# Where a batch's paper is stored: the latest row of the batch counts.
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

# Decisions that the paper of a package may be destroyed; an undo ends one.
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

# Lists of what the care system has already, kept while entries are compared with them.
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

# Rows of those lists; `digest` is the same for all personal numbers that one row may mean.
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

# Decisions whether an entry and a row of the care system are the same.
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

# Only one decision on a pair is active at a time.
Index(
    "clash_standing",
    clash_decision.c.entry,
    clash_decision.c.digest,
    unique=True,
    sqlite_where=_is_active_match_decision,
    postgresql_where=_is_active_match_decision,
)


# Tables of keying in by hand: what was copied and signed for, and orders of fields.

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
_is_standing_signature = key_in_signature.c.undone_at.is_(None)

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
    sqlite_where=_is_standing_signature,
    postgresql_where=_is_standing_signature,
)
Index("key_in_order_latest", key_in_order.c.system, key_in_order.c.form, key_in_order.c.id)
