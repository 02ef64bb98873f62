"""Moments in time, always with a time zone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from sqlalchemy import ColumnElement, DateTime, and_, or_
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator

LONGEST_CLAIM = timedelta(hours=4)
"""No claim is longer: one that ends later was written by a clock that was wrong, and has lapsed."""


def utc_now() -> datetime:
    """Return the current time in UTC."""
    return datetime.now(UTC)


def is_claimed(until: ColumnElement[datetime], now: datetime) -> ColumnElement[bool]:
    """Return the condition that a claim until a moment is in force."""
    return and_(until > now, until <= now + LONGEST_CLAIM)


def has_lapsed(until: ColumnElement[datetime], now: datetime) -> ColumnElement[bool]:
    """Return the condition that a claim until a moment is not in force, or that there is none."""
    return or_(until.is_(None), until <= now, until > now + LONGEST_CLAIM)


class UtcDateTime(TypeDecorator[datetime]):
    """A moment, stored as UTC and returned as UTC, since SQLite keeps no time zone."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Convert a moment for the database.

        Raises:
            ValueError: the moment has no time zone, which is a programming error.
        """
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a moment needs a time zone")
        moment = value.astimezone(UTC)
        return moment.replace(tzinfo=None) if dialect.name == "sqlite" else moment

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Convert a moment from the database, in UTC."""
        del dialect
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
