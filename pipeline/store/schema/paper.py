"""Tables of scanned pages, readings, entries and decisions, and of the event log.

Decisions and events are only added to.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    ColumnElement,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    literal_column,
)

from pipeline.domain.model import EntryState
from pipeline.store.schema.clock import UtcDateTime

SCHEMA_VERSION = 9
"""Never changed: programs from before the Alembic history refuse a number they do not know."""

NO_DEADLINE = "9999-12-31"
"""In place of a last day: sorted behind all others by every database."""
metadata = MetaData()
schema_info = Table("schema_info", metadata, Column("version", Integer, primary_key=True))

# Batches of pages that were scanned or imported together.
batch = Table(
    "batch",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("created_at", UtcDateTime, nullable=False),
    Column("created_by", String(80), nullable=False),
    Column("unit", String(80), nullable=False),
    Column("place", String(200), nullable=False, default=""),
    # Fingerprint of what is being imported; NULL once every page is a row. See
    # store/paper/intake/batches.py.
    Column("taking_in", String(64), unique=True),
    # Fingerprint of the content of all its files together, kept for good: the same files scanned
    # again are known. NULL where the batch is recognized in another way.
    Column("content", String(64), index=True),
)

# Attempts to import the files of a batch. A copy is the nth file of equal content in the batch.
import_attempt = Table(
    "import_attempt",
    metadata,
    Column("batch", ForeignKey("batch.id"), primary_key=True),
    Column("source_sha256", String(64), primary_key=True),
    Column("copy", Integer, primary_key=True, autoincrement=False),
    # The first page that had not been imported when the latest attempt began; 0: none was counted.
    Column("source_page", Integer, nullable=False),
    # How often an attempt began at that page, and how often that page killed its reader.
    Column("starts", Integer, nullable=False),
    Column("deaths", Integer, nullable=False),
    # The number of pages once all are imported.
    Column("pages", Integer),
)

# Pages: one side of a sheet of paper each, with the state and result of its reading.
page = Table(
    "page",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("batch", ForeignKey("batch.id"), nullable=False),
    Column("position", Integer, nullable=False),
    Column("source_name", String(400), nullable=False),
    Column("source_page", Integer, nullable=False),
    Column("source_sha256", String(64), index=True),
    Column("image_sha256", String(64), index=True),
    Column("media_type", String(40)),
    Column("scanned_at", UtcDateTime, nullable=False),
    Column("scanned_by", String(80), nullable=False),
    Column("unit", String(80), nullable=False),
    Column("area", String(8)),  # of law, of the page's form; NULL: that of the unit
    Column("state", String(20), nullable=False),
    Column("attempts", Integer, nullable=False, default=0),
    Column("outcome", String(20)),
    Column("reason", Text, nullable=False, default=""),
    Column("duplicate_of", String(40)),
    Column("settled", Boolean, nullable=False, default=False),
    Column("form", String(60)),
    Column("version", Integer),
    Column("page_no", Integer),
    Column("pages", Integer),
    Column("serial", String(8), index=True),
    # The sheet of paper that the page is a side of: its serial, or the page's own id if it has none
    # or is a photocopy that was filled in.
    Column("sheet", String(41), index=True),
    Column("rotation_deg", Float),
    Column("residual_mm", Float),
    Column("problems", JSON, nullable=False, default=list),
    Column("upright_sha256", String(64)),
    Column("read_at", UtcDateTime, index=True),
    Column("reader_version", String(40)),
    Column("standing", String(8), nullable=False, server_default="waiting"),  # see tally.py
    UniqueConstraint("batch", "position"),
)

# What was read in each field of a page; `p` is its probability.
reading = Table(
    "reading",
    metadata,
    Column("page", ForeignKey("page.id"), primary_key=True),
    Column("field", String(80), primary_key=True),
    Column("value", JSON),
    Column("p", Float, nullable=False),
    Column("state", String(20), nullable=False),
    Column("alternatives", JSON, nullable=False),
    Column("characters", JSON, nullable=False),
    Column("reasons", JSON(none_as_null=True)),
    # Of free text: the place of each word, as first and end character and x, y, w, h in mm.
    Column("words", JSON(none_as_null=True)),
)

# Entries: one client's part of a sheet, and its state on the way to export.
entry = Table(
    "entry",
    metadata,
    Column("id", String(44), primary_key=True),
    Column("sheet", String(41), nullable=False, index=True),
    Column("serial", String(8), index=True),
    Column("page", ForeignKey("page.id"), nullable=False),
    Column("row", Integer),
    Column("form", String(60), nullable=False),
    Column("version", Integer, nullable=False),
    Column("unit", String(80), nullable=False),
    Column("area", String(8)),  # of law, of the form; NULL: that of the unit
    Column("criticality", String(1), nullable=False),
    Column("state", String(30), nullable=False),
    Column("revision", Integer, nullable=False, default=0),
    Column("reason", Text, nullable=False, default=""),
    Column("client_pid", String(20)),
    Column("event_on", String(10)),
    Column("created_at", UtcDateTime, nullable=False),
    Column("first_by", String(80)),
    Column("first_at", UtcDateTime),
    Column("second_by", String(80)),
    Column("second_at", UtcDateTime),
    # When it was first confirmed or rejected
    Column("ended_at", UtcDateTime),
    Column("claimed_by", String(80)),
    Column("claimed_until", UtcDateTime),
    Column("skipped", Integer, nullable=False, default=0),
    # 0 if a manager has prioritized the entry
    Column("rank", Integer, nullable=False, default=1),
    Column("voided", Text),
    # The place in the queue, see store/entries/queue_order.py. The likely client is known from
    # print or a high-confidence reading and serves the order only; days are YYYY-MM-DD.
    Column("lane", Integer, nullable=False, default=2, server_default="2"),
    Column("due_at", UtcDateTime),
    # The open legal deadlines, rule → last moment; see domain/law/duties.py
    Column("deadlines", JSON(none_as_null=True)),
    Column("likely_pid", String(20), nullable=False, default="", server_default=""),
    Column("happened", String(16), nullable=False, default="", server_default=""),
    Column("first_on", String(10), nullable=False, default="", server_default=""),
    Column("last_on", String(10), nullable=False, default="", server_default=""),
    # The day of `due_at`; the rule of triage that fits, and what rules look at (store/entries)
    Column("due_on", String(10), nullable=False, default=NO_DEADLINE, server_default=NO_DEADLINE),
    Column("triage", String(40), nullable=False, default="", server_default=""),
    Column("triage_content", JSON(none_as_null=True)),
    # The author's name on the paper, for lists of whose notes wait for a signature
    Column("author", String(120)),
    Column("signed_by", String(80)),
    Column("signed_at", UtcDateTime),
    Column("signed_why", String(300)),
    # "none": the entry is about no client
    Column("subject", String(10), nullable=False, default="client", server_default="client"),
    # The author as read, in small letters, however uncertain; serves the order only
    Column("author_key", String(120), nullable=False, default="", server_default=""),
)

# Answers to the fields of entries; the latest row of a field counts.
decision = Table(
    "decision",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("entry", ForeignKey("entry.id"), nullable=False, index=True),
    Column("revision", Integer, nullable=False),
    Column("field", String(80), nullable=False),
    Column("value", JSON),
    Column("state", String(20), nullable=False),
    Column("how", String(20), nullable=False),
    Column("settled", Boolean, nullable=False),
    Column("by", String(80), nullable=False),
    Column("at", UtcDateTime, nullable=False),
)

# What a person has typed but not yet decided; the decision removes it. `revision` is the entry's
# when it was typed.
draft = Table(
    "draft",
    metadata,
    Column("entry", ForeignKey("entry.id"), primary_key=True),
    Column("login", String(80), primary_key=True),
    Column("field", String(80), primary_key=True),
    Column("value", JSON),
    Column("state", String(20), nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("revision", Integer, nullable=False, server_default="0"),
)

# The event log, a chain: each row holds a digest of its content and of the row before it. See
# store/event_log/hash_chain.py.
event = Table(
    "event",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("at", UtcDateTime, nullable=False, index=True),
    Column("by", String(80), nullable=False),
    Column("action", String(40), nullable=False),
    Column("subject", String(80), nullable=False, index=True),
    Column("detail", JSON, nullable=False),
    Column("unit", String(80)),
    Column("previous", String(64)),
    Column("sha256", String(64)),
    # Digest of the digests of what the transaction changed in the record; NULL: nothing.
    Column("records", String(64)),
)

# Worker processes with their last heartbeat.
worker = Table(
    "worker",
    metadata,
    Column("id", String(60), primary_key=True),
    Column("beat_at", UtcDateTime, nullable=False),
)

# Literals, since a partial index is used only where the query names the same values as text. No
# other index begins with state or unit: SQLite, which has no statistics of a new database, would
# use it for the queue and then sort all open entries.
OPEN_STATES: tuple[ColumnElement[str], ...] = tuple(
    literal_column(f"'{state}'") for state in (EntryState.REVIEW, EntryState.SECOND)
)
IS_READY = entry.c.state == literal_column(f"'{EntryState.CONFIRMED}'")
IS_OPEN = entry.c.state.in_(OPEN_STATES)
NO_CLIENT: ColumnElement[str] = literal_column("''")
_IS_ABOUT_CLIENT = entry.c.likely_pid != NO_CLIENT
Index(
    "entry_likely",
    entry.c.likely_pid,
    sqlite_where=_IS_ABOUT_CLIENT,
    postgresql_where=_IS_ABOUT_CLIENT,
)
IS_SIGNED = entry.c.state == literal_column(f"'{EntryState.SIGNED}'")

# Failed pages that a person has closed for a reason; an undo closes a row. `other` is the page or
# batch that the paper was scanned again as.
page_closure = Table(
    "page_closure",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("page", ForeignKey("page.id"), nullable=False),
    Column("reason", String(40), nullable=False),
    Column("other", String(80), nullable=False, default="", server_default=""),
    Column("by", String(80), nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("undone_by", String(80)),
    Column("undone_at", UtcDateTime),
)
_is_active_closure = page_closure.c.undone_at.is_(None)
Index(
    "page_closure_standing",
    page_closure.c.page,
    unique=True,
    sqlite_where=_is_active_closure,
    postgresql_where=_is_active_closure,
)

# What comes before and after the day in every order of the queue
_URGENCY_ORDER, _READING_ORDER = (
    (entry.c.rank, entry.c.lane, entry.c.skipped, entry.c.due_on),
    (entry.c.likely_pid, entry.c.happened, entry.c.id),
)

QUEUE_ORDERS: Mapping[str, tuple[ColumnElement[Any], ...]] = {
    "oldest": (*_URGENCY_ORDER, entry.c.first_on, *_READING_ORDER),
    "newest": (*_URGENCY_ORDER, entry.c.last_on.desc(), *_READING_ORDER),
}
"""The queue's orders by the setting `queue_order`; each has an index that finds the first entry."""

for _name, _order in QUEUE_ORDERS.items():
    Index(
        f"entry_queue_{_name}",
        *_order,
        entry.c.unit,
        entry.c.area,
        entry.c.state,
        entry.c.claimed_until,
        entry.c.first_by,
        sqlite_where=IS_OPEN,
        postgresql_where=IS_OPEN,
    )
Index(
    "entry_claim",
    entry.c.claimed_by,
    sqlite_where=entry.c.claimed_by.is_not(None),
    postgresql_where=entry.c.claimed_by.is_not(None),
)

Index(
    "entry_ready",
    entry.c.unit,
    entry.c.form,
    entry.c.first_by,
    entry.c.version,
    entry.c.area,
    entry.c.voided,
    sqlite_where=IS_READY,
    postgresql_where=IS_READY,
)

Index(
    "entry_signed", entry.c.unit, entry.c.form, sqlite_where=IS_SIGNED, postgresql_where=IS_SIGNED
)

Index(
    "entry_client",
    entry.c.client_pid,
    sqlite_where=entry.c.client_pid.is_not(None),
    postgresql_where=entry.c.client_pid.is_not(None),
)

Index("page_sheet_side", page.c.serial, page.c.page_no)
