"""The order of the key-in list: that of the queue, so that what may do harm is keyed in first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from pipeline.domain.dates import today_in_sweden
from pipeline.domain.form.form import Forms
from pipeline.domain.law.duties import DeadlineTimes, nearest_due
from pipeline.domain.record import Record
from pipeline.domain.review.triage import LAST_LEVEL, TriageMatcher, content_of_values, level_of
from pipeline.export.record_text import find_record_form

_AT_ONCE, _NEVER = datetime.min.replace(tzinfo=UTC), datetime.max
OrderKey = tuple[int, datetime, str, str, datetime, str]


def sort_for_keying(
    records: Sequence[Record], forms: Forms, matchers: Mapping[str, TriageMatcher]
) -> list[int]:
    """Return the places of the records in the order of keying.

    All entries of a client follow each other, at the place of the most urgent of them: the client
    is opened once in the other system, and signed for once.
    """
    keys = [keying_order(record, forms, matchers) for record in records]
    firsts: dict[str, tuple[int, datetime]] = {}
    for level, due, _, pid, *_ in keys:
        if pid:
            firsts[pid] = min((level, due), firsts.get(pid, (LAST_LEVEL, _NEVER)))

    def place_of(at: int) -> tuple[tuple[int, datetime], str, str, OrderKey]:
        level, due, name, pid, *_ = keys[at]
        return firsts.get(pid, (level, due)), name, pid, keys[at]

    return sorted(range(len(keys)), key=place_of)


def keying_order(record: Record, forms: Forms, matchers: Mapping[str, TriageMatcher]) -> OrderKey:
    """Return the place of an entry: level, legal deadline, client and time.

    Args:
        record: the entry, with its confirmed values.
        forms: all forms.
        matchers: the table of triage of each unit.
    """
    form = find_record_form(record, forms)
    level, due = LAST_LEVEL, _NEVER
    if form is not None:
        content = content_of_values(form, record.row, record.fields)
        rule = matchers[record.unit].find(form, content, today_in_sweden(), record.duties)
        level, due = level_of(rule, form.criticality), _nearest_deadline(record.duties)
    time = record.event_at or record.written_at or datetime.max
    client = record.client
    return level, due, client.name.casefold(), client.pid, time, record.entry_id


def _nearest_deadline(times: DeadlineTimes) -> datetime:
    """Return the nearest deadline; at once where its day is not known."""
    nearest = nearest_due(times, _AT_ONCE)
    return _NEVER if nearest is None else nearest.replace(tzinfo=None)
