"""Rules that need two people (four eyes): the accounts of one person count as one.

A person with several accounts has the same `person_key` in each of them. An account without a key
is a person of its own.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Any

from sqlalchemy import Column, ColumnElement, Connection, Select, or_, select

from pipeline.store.schema import registers


def is_by_same_person(column: Column[Any], login: str) -> ColumnElement[bool]:
    """Return the condition that a column's login is one of the person with this login."""
    return or_(column == login, column.in_(_logins_query(login)))


def find_own_logins(conn: Connection, login: str) -> frozenset[str]:
    """Return all logins of the person with this login, closed accounts included."""
    return frozenset({login, *conn.execute(_logins_query(login)).scalars()})


def is_same_person(conn: Connection, login: str, others: Iterable[str | None]) -> bool:
    """Return whether one of the other logins is of the person with this login."""
    return not find_own_logins(conn, login).isdisjoint(others)


@lru_cache(maxsize=256)
def _logins_query(login: str) -> Select[Any]:
    own, other = registers.staff.alias(), registers.staff.alias()
    # Accounts with the key of this one; where it has none, NULL equals nothing
    return (
        select(other.c.login)
        .join(own, own.c.person_key == other.c.person_key)
        .where(own.c.login == login)
    )
