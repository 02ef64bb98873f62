"""The baseline's tables (revision 0001) as version 1.0.0 had them; never changed."""

from __future__ import annotations

from pipeline.store.database.migrations.baseline import output, paper, people, review
from pipeline.store.database.migrations.baseline.metadata import METADATA

__all__ = ["METADATA", "output", "paper", "people", "review"]
