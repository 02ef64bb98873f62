"""Lists of ids in parts that one query can take."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select

_MAX_QUERY_IDS = 500
"""How many ids one query lists; the databases limit the parameters of a statement."""


def chunk_ids(ids: Sequence[str]) -> Iterator[Sequence[str]]:
    """Yield the ids in parts that one query can list."""
    return (ids[start : start + _MAX_QUERY_IDS] for start in range(0, len(ids), _MAX_QUERY_IDS))


def rows_of_ids(
    conn: Connection,
    query: Select[*tuple[Any, ...]],
    column: ColumnElement[Any],
    ids: Sequence[str],
) -> Iterator[Row[*tuple[Any, ...]]]:
    """Yield the rows of a query whose column is one of the ids, ordered within each part."""
    for part in chunk_ids(ids):
        yield from conn.execute(query.where(column.in_(part)))
