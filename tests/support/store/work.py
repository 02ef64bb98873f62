"""What a person does in the review, inside a transaction that a test has open."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TypeVar

from sqlalchemy import Connection

from pipeline.domain.form.form import Forms
from pipeline.domain.model import Person
from pipeline.domain.settings import Settings
from pipeline.review.session import Review
from research.simulation.open_store import open_store_of
from tests.support.store.ward import FORMS, NOW

Kind = TypeVar("Kind", bound=Review)


def work(
    kind: type[Kind],
    conn: Connection,
    who: Person,
    now: datetime = NOW,
    forms: Forms = FORMS,
    plant_share: float = 0.0,
) -> Kind:
    """A person's work of one kind at a moment."""
    settings = Settings(workspace=Path("nowhere"), plant_share=plant_share)
    return kind(open_store_of(conn), forms, settings, who, lambda: now)
