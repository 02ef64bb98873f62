"""A store in which many acts of people share one transaction, as in a simulation or a test."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import cast

from sqlalchemy import Connection

from pipeline.store.database.store import Store


@dataclass(frozen=True)
class _OpenStore:
    conn: Connection

    @contextmanager
    def begin(self) -> Iterator[Connection]:
        yield self.conn

    read = begin
    change, query = Store.change, Store.query


def open_store_of(conn: Connection) -> Store:
    """A store whose only transaction is open already."""
    return cast("Store", _OpenStore(conn))
