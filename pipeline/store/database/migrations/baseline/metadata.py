"""The metadata and the column and index options of the baseline's tables."""

from __future__ import annotations

from typing import TypedDict

from sqlalchemy import DateTime, MetaData, TextClause, text

METADATA = MetaData()
MOMENT = DateTime(timezone=True)


class PartialIndex(TypedDict):
    """The options that make an index partial, by dialect."""

    sqlite_where: TextClause
    postgresql_where: TextClause


def partial(condition: str) -> PartialIndex:
    """Limit an index to the rows that meet a condition."""
    return {"sqlite_where": text(condition), "postgresql_where": text(condition)}
