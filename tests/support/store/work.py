"""What a person does in the review, inside a transaction that a test has open."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TypeVar, cast

from sqlalchemy import Connection

from pipeline.domain.form.form import Forms
from pipeline.domain.model import Person
from pipeline.domain.settings import Settings
from pipeline.review.session import Review
from pipeline.store.database.store import Store
from tests.support.store.ward import FORMS, NOW

Kind = TypeVar("Kind", bound=Review)


@dataclass(frozen=True)
class _OpenStore:
    """A store whose only transaction is open already."""

    conn: Connection

    @contextmanager
    def begin(self) -> Iterator[Connection]:
        """The open transaction."""
        yield self.conn

    read = begin


def work(
    kind: type[Kind], conn: Connection, who: Person, now: datetime = NOW, forms: Forms = FORMS
) -> Kind:
    """A person's work of one kind at a moment."""
    settings = Settings(workspace=Path("nowhere"))
    return kind(cast("Store", _OpenStore(conn)), forms, settings, who, lambda: now)
