"""Where a page stands, as SQL: every page is done, waiting for a person, or failed, and never two of these.

* failed: it could not be taken in or read; the reason is on the page.
* done: blank; or settled by bytes (scanned twice) or by a person; or all entries of its sheet are decided.
* waiting: all others, read or not.
"""

from __future__ import annotations

from sqlalchemy import Boolean, ColumnElement, String, and_, case, cast, exists, false, func, not_, or_

from pipeline.model import Outcome
from pipeline.store.tables import OPEN_STATES, entry, page

QUEUED = "queued"
READ = "read"
FAILED = "failed"

_of_sheet = exists().where(entry.c.sheet == page.c.sheet).correlate(page)
_open_of_sheet = _of_sheet.where(entry.c.state.in_(OPEN_STATES))

failed: ColumnElement[bool] = page.c.state == FAILED
queued: ColumnElement[bool] = page.c.state == QUEUED
read: ColumnElement[bool] = page.c.state == READ
done: ColumnElement[bool] = and_(
    read,
    or_(func.coalesce(page.c.outcome == Outcome.BLANK, false()), page.c.settled, and_(page.c.sheet.is_not(None), _of_sheet, ~_open_of_sheet)),
)
waiting: ColumnElement[bool] = and_(not_(failed), not_(done))

unsettled_duplicate: ColumnElement[bool] = and_(page.c.duplicate_of.is_not(None), page.c.sheet.is_(None), not_(page.c.settled))
empty_sheet: ColumnElement[bool] = and_(page.c.sheet.is_not(None), ~_of_sheet, not_(page.c.settled))
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
