"""The tables of paper, people, readings and decisions. Decisions, events and issued sheets are only
ever added to.

The table of printed sheets that came back without anything written on them. Rows are added, and
closed by an undo.

Rows of printed sheets that bear a client's name: a tour list (körlista) is about another client
in each row.

The tables of the outage pack: how many sheets a unit wants of each form, and how many visits or
shifts were planned for a day.
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
    false,
    literal_column,
)

from pipeline.domain.model import EntryState
from pipeline.store.database.clock import UtcDateTime

SCHEMA_VERSION = 9
"""Stays: programs from before the Alembic history (`store/migrations`) refuse a number that they do
not know.
"""
metadata = MetaData()
schema_info = Table("schema_info", metadata, Column("version", Integer, primary_key=True))
unit = Table(
    "unit",
    metadata,
    Column("name", String(80), primary_key=True),
    Column("area", String(8), nullable=False),
)
staff = Table(
    "staff",
    metadata,
    Column("login", String(80), primary_key=True),
    Column("name", String(120), nullable=False),
    Column("title", String(80), nullable=False),
    Column("role", String(40), nullable=False),
    Column("password_hash", String(200), nullable=False),
    Column("active", Boolean, nullable=False, default=True),
    # Areas of law between blanks; NULL: what the profession gives. See
    # pipeline/domain/permissions.py.
    Column("areas", String(40)),
    Column("break_glass", Boolean, nullable=False, default=False, server_default=false()),
    Column("must_change", Boolean, nullable=False, default=False, server_default=false()),
    # Whoever logged in at the organisation's provider at this moment or earlier has to do so again.
    Column("refused_until", UtcDateTime),
)
staff_unit = Table(
    "staff_unit",
    metadata,
    Column("login", ForeignKey("staff.login"), primary_key=True),
    Column("unit", ForeignKey("unit.name"), primary_key=True),
)
client = Table(
    "client",
    metadata,
    Column("pid", String(20), primary_key=True),
    Column("name", String(120), nullable=False),
    Column("unit", String(80), nullable=False, index=True),
    Column("protected", Boolean, nullable=False, default=False),
    Column("address", String(200), nullable=False, default="", server_default=""),
)
staff_signature = Table(
    "staff_signature",
    metadata,
    Column("unit", String(80), primary_key=True),
    Column("signature", String(20), primary_key=True),
    Column("name", String(120), primary_key=True),
    Column("title", String(80), nullable=False),
)
issued_sheet = Table(
    "issued_sheet",
    metadata,
    Column("serial", String(8), primary_key=True),
    Column("form", String(60), nullable=False),
    Column("version", Integer, nullable=False),
    Column("unit", String(80), nullable=False),
    Column("client_pid", String(20)),
    Column("issued_at", UtcDateTime, nullable=False),
    Column("issued_by", String(80), nullable=False),
)
batch = Table(
    "batch",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("created_at", UtcDateTime, nullable=False),
    Column("created_by", String(80), nullable=False),
    Column("unit", String(80), nullable=False),
    Column("place", String(200), nullable=False, default=""),
    # Fingerprint of what is being taken in; NULL once every page is a row. See store/stacks.py.
    Column("taking_in", String(64), unique=True),
)
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
    Column("area", String(8)),  # of law, by the page's form; NULL: that of the unit
    Column("state", String(20), nullable=False, index=True),
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
    # The sheet of paper that the page is a side of: its serial, or the page's own id where it has
    # none or is a filled-in copy.
    Column("sheet", String(41), index=True),
    Column("rotation_deg", Float),
    Column("residual_mm", Float),
    Column("problems", JSON, nullable=False, default=list),
    Column("upright_sha256", String(64)),
    Column("read_at", UtcDateTime),
    Column("reader_version", String(40)),
    UniqueConstraint("batch", "position"),
)
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
    # Of free text: where each word lies, as characters from and up to and x, y, w, h in mm.
    Column("words", JSON(none_as_null=True)),
)
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
    Column("area", String(8)),  # of law, by the form; NULL: that of the unit
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
    Column("claimed_by", String(80)),
    Column("claimed_until", UtcDateTime),
    Column("skipped", Integer, nullable=False, default=0),
    Column(
        "rank", Integer, nullable=False, default=1
    ),  # 0 when a manager has pulled the entry to the front
    Column("voided", Text),
    # The place in the queue, see store/places.py. The client is known from print or a sure reading
    # and serves the order only; days are YYYY-MM-DD.
    Column("lane", Integer, nullable=False, default=2, server_default="2"),
    Column("due_at", UtcDateTime),
    Column("likely_pid", String(20), nullable=False, default="", server_default=""),
    Column("happened", String(16), nullable=False, default="", server_default=""),
    Column("first_on", String(10), nullable=False, default="", server_default=""),
    Column("last_on", String(10), nullable=False, default="", server_default=""),
    Column(
        "author", String(120)
    ),  # as the paper says it; for lists of whose notes wait for a signature
    Column("signed_by", String(80)),
    Column("signed_at", UtcDateTime),
    Column("signed_why", String(300)),
    Column(
        "subject", String(10), nullable=False, default="client", server_default="client"
    ),  # "none": the form is about no client
)
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
# What a person has typed but not yet decided; emptied by the decision. `revision` is the entry's as
# it was typed.
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
# A chain: each row holds the digest of its content and of the row before it. See store/chain.py and
# store/log_tables.py.
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
)
worker = Table(
    "worker",
    metadata,
    Column("id", String(60), primary_key=True),
    Column("beat_at", UtcDateTime, nullable=False),
)
# Literals, since a partial index is only used where the query names the same values as text. No
# other index begins with state or unit: SQLite, which has no statistics of a young database, would
# take it for the queue and then sort all that is open.
OPEN_STATES: tuple[ColumnElement[str], ...] = tuple(
    literal_column(f"'{state}'") for state in (EntryState.REVIEW, EntryState.SECOND)
)
IS_READY = entry.c.state == literal_column(f"'{EntryState.CONFIRMED}'")
_IS_OPEN = entry.c.state.in_(OPEN_STATES)
NO_CLIENT: ColumnElement[str] = literal_column("''")
_IS_ABOUT_CLIENT = entry.c.likely_pid != NO_CLIENT
LIKELY_CLIENT_INDEX = Index(
    "entry_likely",
    entry.c.likely_pid,
    sqlite_where=_IS_ABOUT_CLIENT,
    postgresql_where=_IS_ABOUT_CLIENT,
)
IS_SIGNED = entry.c.state == literal_column(f"'{EntryState.SIGNED}'")
unused_sheet = Table(
    "unused_sheet",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("serial", String(8), nullable=False),
    Column(
        "lot", String(32), nullable=False, index=True
    ),  # what was registered in one go, and is undone in one go
    Column("by", String(80), nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("undone_by", String(80)),
    Column("undone_at", UtcDateTime),
)
_is_active_registration = unused_sheet.c.undone_at.is_(None)
issued_row = Table(
    "issued_row",
    metadata,
    Column("serial", ForeignKey("issued_sheet.serial"), primary_key=True),
    Column("row", Integer, primary_key=True, autoincrement=False),
    Column("client_pid", String(20), nullable=False, index=True),
    Column("printed", JSON, nullable=False),  # by column of the form: what was printed in the row
)
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


_URGENCY_ORDER, _READING_ORDER = (
    (entry.c.rank, entry.c.lane, entry.c.skipped, entry.c.due_at),
    (entry.c.likely_pid, entry.c.happened, entry.c.id),
)


QUEUE_ORDERS: Mapping[str, tuple[ColumnElement[Any], ...]] = {
    "oldest": (*_URGENCY_ORDER, entry.c.first_on, *_READING_ORDER),
    "newest": (*_URGENCY_ORDER, entry.c.last_on.desc(), *_READING_ORDER),
}
"""By the setting `queue_order`. Each has its index, so that the first entry is found without
sorting.
"""


QUEUE_INDEXES = tuple(
    Index(
        f"entry_queue_{name}",
        *order,
        entry.c.unit,
        entry.c.area,
        entry.c.state,
        entry.c.claimed_until,
        entry.c.first_by,
        sqlite_where=_IS_OPEN,
        postgresql_where=_IS_OPEN,
    )
    for name, order in QUEUE_ORDERS.items()
)


Index(
    "entry_claim",
    entry.c.claimed_by,
    sqlite_where=entry.c.claimed_by.is_not(None),
    postgresql_where=entry.c.claimed_by.is_not(None),
)


Index("entry_ready", entry.c.unit, entry.c.form, sqlite_where=IS_READY, postgresql_where=IS_READY)


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


# A sheet is returned once at a time.
Index(
    "unused_standing",
    unused_sheet.c.serial,
    unique=True,
    sqlite_where=_is_active_registration,
    postgresql_where=_is_active_registration,
)
