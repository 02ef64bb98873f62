"""Counts of what is finished, and of printed sheets, which would otherwise be counted row by row.

Triggers of the database keep them (`tally_triggers.py`), so that no program can forget to:

* `page.standing` says whether a page is waiting, done or failed;
* `tally` counts done pages, receipted entries and printed sheets;
* `outstanding_sheet` holds the printed sheets that have not come back, `scanned_pack` the packs of
  which one has.

What is not finished is counted by the indexes of this module, which leave out what is.
"""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Index, Integer, String, Table, and_, literal_column, or_

from pipeline.domain.model import EntryState
from pipeline.domain.review.rules import GAPLESS_REASONS
from pipeline.store.schema.exports import receipt
from pipeline.store.schema.paper import IS_OPEN, QUEUE_ORDERS, batch, entry, event, metadata, page
from pipeline.store.schema.review import entry_version, look

# Indexes by which entries are found: within the queue by form and author, and in searches.

# The queue within one form and within one author, for who works with one at a time.
for _name, _order in QUEUE_ORDERS.items():
    Index(
        f"entry_form_{_name}",
        entry.c.form,
        *_order,
        entry.c.unit,
        entry.c.area,
        entry.c.state,
        entry.c.claimed_until,
        entry.c.first_by,
        sqlite_where=IS_OPEN,
        postgresql_where=IS_OPEN,
    )

HAS_AUTHOR_KEY = entry.c.author_key != literal_column("''")
_is_open_with_author = and_(IS_OPEN, HAS_AUTHOR_KEY)
Index(
    "entry_author_key",
    entry.c.author_key,
    *QUEUE_ORDERS["oldest"],
    sqlite_where=_is_open_with_author,
    postgresql_where=_is_open_with_author,
)

# Searches: by the day that an entry is about, and by who wrote it on paper.
HAS_DAY = entry.c.event_on.is_not(None)
Index("entry_day", entry.c.event_on, entry.c.unit, sqlite_where=HAS_DAY, postgresql_where=HAS_DAY)
HAS_AUTHOR = entry.c.author.is_not(None)
Index("entry_author", entry.c.author, sqlite_where=HAS_AUTHOR, postgresql_where=HAS_AUTHOR)

# What a person has done with entries.
OWN_ACTIONS = ("decide", "skip", "undo", "forward", "reopen")
IS_OWN_ACTION = event.c.action.in_([literal_column(f"'{action}'") for action in OWN_ACTIONS])
Index(
    "event_own_action",
    event.c.by,
    event.c.id,
    sqlite_where=IS_OWN_ACTION,
    postgresql_where=IS_OWN_ACTION,
)


DONE, FAILED, WAITING = "done", "failed", "waiting"
"""What a page's standing may be."""
PAGE_TALLY, ENTRY_TALLY, SHEET_TALLY = "page", "entry", "sheet"
"""What a row of `tally` counts."""

# Each change adds a row, so that nobody waits for another's count; `fold_tallies` adds them up.
# `kind` is a page's state or an entry's class.
tally = Table(
    "tally",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("what", String(8), nullable=False),
    Column("unit", String(80), nullable=False),
    Column("form", String(60), nullable=False),
    Column("kind", String(20), nullable=False),
    Column("is_void", Boolean, nullable=False),
    Column("is_second", Boolean, nullable=False),
    Column("number", Integer, nullable=False),
)

outstanding_sheet = Table(
    "outstanding_sheet",
    metadata,
    Column("serial", String(8), primary_key=True),
    Column("unit", String(80), nullable=False),
    Column("form", String(60), nullable=False),
    Column("pack", String(32), nullable=False),
)

scanned_pack = Table("scanned_pack", metadata, Column("pack", String(32), primary_key=True))

# Literals, as in paper.py: partial indexes are used only where the query names the same values.
IS_LIVE_PAGE = page.c.standing != literal_column(f"'{DONE}'")
IS_UNRECEIPTED = entry.c.state != literal_column(f"'{EntryState.RECEIPTED}'")
IS_GAP = and_(
    IS_UNRECEIPTED,
    entry.c.state == literal_column(f"'{EntryState.REJECTED}'"),
    entry.c.voided.is_(None),
    entry.c.reason.not_in([literal_column(f"'{reason}'") for reason in sorted(GAPLESS_REASONS)]),
)
"""Rejected paper that leaves a gap in a record, such as illegible, and is not dealt with."""
WAS_ENDED = entry.c.ended_at.is_not(None)
HAS_DUE = entry.c.due_at.is_not(None)
"""A duty that nobody has said to be met, whatever became of the entry since."""
IS_NOBODYS = and_(
    or_(entry.c.state == literal_column(f"'{EntryState.REJECTED}'"), entry.c.voided.is_not(None)),
    entry.c.reason.in_([literal_column(f"'{reason}'") for reason in sorted(GAPLESS_REASONS)]),
)
"""Paper that is not about anybody, or that another entry has: it has no duties."""
WAS_FIRST, WAS_SECOND = entry.c.first_at.is_not(None), entry.c.second_at.is_not(None)
IS_BLANK = page.c.outcome == literal_column("'blank'")
IS_QUEUED = page.c.state == literal_column("'queued'")
HAS_SEVERAL_SIDES = page.c.pages > literal_column("1")
IS_COMING = batch.c.taking_in.is_not(None)
IS_SKIP = event.c.action == literal_column("'skip'")
IS_REPEATED = page.c.duplicate_of.is_not(None)

Index(
    "page_live",
    page.c.unit,
    page.c.form,
    page.c.standing,
    page.c.state,
    page.c.sheet,
    sqlite_where=IS_LIVE_PAGE,
    postgresql_where=IS_LIVE_PAGE,
)
Index(
    "page_queue",
    page.c.scanned_at,
    page.c.id,
    page.c.reason,
    sqlite_where=IS_QUEUED,
    postgresql_where=IS_QUEUED,
)
Index(
    "page_duplicate_of",
    page.c.duplicate_of,
    sqlite_where=IS_REPEATED,
    postgresql_where=IS_REPEATED,
)
Index(
    "page_blank",
    page.c.scanned_at,
    page.c.id,
    sqlite_where=IS_BLANK,
    postgresql_where=IS_BLANK,
)
Index(
    "page_sides",
    page.c.sheet,
    page.c.page_no,
    page.c.pages,
    page.c.serial,
    page.c.outcome,
    page.c.unit,
    page.c.area,
    page.c.form,
    sqlite_where=HAS_SEVERAL_SIDES,
    postgresql_where=HAS_SEVERAL_SIDES,
)
Index("page_scanned", page.c.scanned_at, page.c.unit)
Index("batch_created", batch.c.created_at, batch.c.unit)
Index("batch_coming", batch.c.id, sqlite_where=IS_COMING, postgresql_where=IS_COMING)
Index(
    "entry_unreceipted",
    entry.c.unit,
    entry.c.state,
    entry.c.form,
    entry.c.criticality,
    entry.c.created_at,
    entry.c.voided,
    sqlite_where=IS_UNRECEIPTED,
    postgresql_where=IS_UNRECEIPTED,
)
Index("entry_gap", entry.c.unit, sqlite_where=IS_GAP, postgresql_where=IS_GAP)
Index("entry_due", entry.c.unit, entry.c.due_at, sqlite_where=HAS_DUE, postgresql_where=HAS_DUE)
Index(
    "entry_ended",
    entry.c.ended_at,
    entry.c.unit,
    entry.c.state,
    sqlite_where=WAS_ENDED,
    postgresql_where=WAS_ENDED,
)
Index(
    "entry_first",
    entry.c.first_at,
    entry.c.first_by,
    entry.c.unit,
    sqlite_where=WAS_FIRST,
    postgresql_where=WAS_FIRST,
)
Index(
    "entry_second",
    entry.c.second_at,
    entry.c.second_by,
    entry.c.unit,
    sqlite_where=WAS_SECOND,
    postgresql_where=WAS_SECOND,
)
Index(
    "entry_created",
    entry.c.created_at,
    entry.c.unit,
    entry.c.state,
    entry.c.form,
    entry.c.criticality,
    entry.c.voided,
)
Index("entry_version_at", entry_version.c.at, entry_version.c.entry, entry_version.c.state)
Index("look_at", look.c.at)
Index("receipt_run", receipt.c.run)
Index("event_skip", event.c.by, event.c.at, sqlite_where=IS_SKIP, postgresql_where=IS_SKIP)
