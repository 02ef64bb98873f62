"""Indexes by which entries are found: within the queue by form and author, and in searches."""

from __future__ import annotations

from sqlalchemy import Index, and_, literal_column

from pipeline.store.schema.paper import IS_OPEN, QUEUE_ORDERS, entry, event

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
