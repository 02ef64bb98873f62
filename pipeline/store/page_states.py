"""Where a page stands, as SQL: every page is done, waiting for a person, or failed, and never two of these.

* failed: it could not be taken in or read; the reason is on the page.
* done: blank; or settled by bytes (scanned twice) or by a person; or all entries of its sheet are decided.
* waiting: all others, read or not.
"""

from __future__ import annotations

from sqlalchemy import Boolean, ColumnElement, String, and_, case, cast, false, func, not_, or_, select

from pipeline.model import Outcome
from pipeline.store.tables import OPEN_STATES, entry, page

QUEUED = "queued"
READ = "read"
FAILED = "failed"

# Sets made once a query: asking for each of 100,000 pages by itself takes PostgreSQL several times as long.
_has_entries = page.c.sheet.in_(select(entry.c.sheet))
_has_open_entries = page.c.sheet.in_(select(entry.c.sheet).where(entry.c.state.in_(OPEN_STATES)))

failed: ColumnElement[bool] = page.c.state == FAILED
queued: ColumnElement[bool] = page.c.state == QUEUED
read: ColumnElement[bool] = page.c.state == READ
done: ColumnElement[bool] = and_(
    read,
    or_(
        func.coalesce(page.c.outcome == Outcome.BLANK, false()),
        page.c.settled,
        and_(page.c.sheet.is_not(None), _has_entries, not_(_has_open_entries)),
    ),
)
waiting: ColumnElement[bool] = and_(not_(failed), not_(done))

unsettled_duplicate: ColumnElement[bool] = and_(page.c.duplicate_of.is_not(None), page.c.sheet.is_(None), not_(page.c.settled))
empty_sheet: ColumnElement[bool] = and_(page.c.sheet.is_not(None), not_(_has_entries), not_(page.c.settled))
troubled: ColumnElement[bool] = or_(
    failed,
    and_(
        read,
        waiting,
        or_(unsettled_duplicate, empty_sheet, page.c.outcome == Outcome.UNIDENTIFIED, cast(page.c.problems, String) != "[]"),
    ),
)


def count(condition: ColumnElement[bool]) -> ColumnElement[int]:
    """How many rows of a group fulfil the condition."""
    return func.coalesce(func.sum(case((cast(condition, Boolean), 1), else_=0)), 0)
