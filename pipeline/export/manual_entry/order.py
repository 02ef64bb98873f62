"""The order of the key-in list: that of the queue, so that what may do harm is keyed in first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime

from pipeline.domain.dates import today_in_sweden
from pipeline.domain.form.form import Form, Forms
from pipeline.domain.law.open_deadlines import DeadlineTimes, nearest_due, times_from_answers
from pipeline.domain.model import Value
from pipeline.domain.record import Record
from pipeline.domain.review.triage import LAST_LEVEL, TriageMatcher, content_of_values, level_of
from pipeline.export.record_text import find_record_form

_AT_ONCE, _NEVER = datetime.min.replace(tzinfo=UTC), datetime.max
OrderKey = tuple[int, datetime, str, str, datetime, str]


def sort_for_keying(
    records: Sequence[Record], forms: Forms, matchers: Mapping[str, TriageMatcher]
) -> list[int]:
    """Return the places of the records in the order of keying.

    The entries of a client that have the same level follow each other, at the place of the first
    of them: the client is opened once in the other system.
    """
    keys = [keying_order(record, forms, matchers) for record in records]
    firsts: dict[tuple[int, str], datetime] = {}
    for level, due, _, pid, *_ in keys:
        if pid:
            firsts[level, pid] = min(due, firsts.get((level, pid), _NEVER))

    def place_of(at: int) -> tuple[int, datetime, str, str, datetime, datetime, str]:
        level, due, name, pid, time, entry_id = keys[at]
        return level, firsts.get((level, pid), due), name, pid, due, time, entry_id

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
        times = _open_deadlines(form, record)
        rule = matchers[record.unit].find(form, content, today_in_sweden(), times)
        level, due = level_of(rule, form.criticality), _nearest_deadline(times)
    time = record.event_at or record.written_at or datetime.max
    client = record.client
    return level, due, client.name.casefold(), client.pid, time, record.entry_id


def _open_deadlines(form: Form, record: Record) -> DeadlineTimes:
    """Return the deadlines that no confirmed value has met."""
    specs = form.entry_fields(record.row)
    days = {spec.name: _as_day(record.fields.get(spec.column)) for spec in specs}
    return times_from_answers(form, record.row, days, {})


def _as_day(value: Value) -> date | None:
    try:
        return date.fromisoformat(str(value))
    except ValueError:
        return None


def _nearest_deadline(times: DeadlineTimes) -> datetime:
    """Return the nearest deadline; at once where its day is not known."""
    nearest = nearest_due(times, _AT_ONCE)
    return _NEVER if nearest is None else nearest.replace(tzinfo=None)
