"""Find pages of a form on which no field is filled in."""

from __future__ import annotations

from collections.abc import Mapping

from pipeline.domain.issues import Issue, IssueCode
from pipeline.domain.model import Reading, State
from pipeline.reading.page_context import PageContext


def check(context: PageContext, readings: Mapping[str, Reading]) -> list[Issue]:
    """Return an issue of the page if every field that is filled in by hand is empty."""
    names = [spec.name for spec in context.fields if spec.traits.filled_by_hand]
    is_empty = all(readings[name].state is State.EMPTY for name in names)
    return [Issue(IssueCode.NOTHING_WRITTEN)] if names and is_empty else []
