"""The order of the key-in list: that of the queue, so that what may do harm is keyed in first."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime

from pipeline.domain.dates import today_in_sweden
from pipeline.domain.form.form import Form, Forms
from pipeline.domain.law.deadlines import due_at
from pipeline.domain.record import Record
from pipeline.domain.review.triage import LAST_LEVEL, TriageMatcher, content_of_values, level_of
from pipeline.export.record_text import find_record_form

_AT_ONCE, _NEVER = datetime.min, datetime.max
OrderKey = tuple[int, datetime, str, str, datetime, str]


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
        rule = matchers[record.unit].find(form, content, today_in_sweden())
        level, due = level_of(rule, form.criticality), _nearest_deadline(form, record)
    time = record.event_at or record.written_at or datetime.max
    client = record.client
    return level, due, client.name.casefold(), client.pid, time, record.entry_id


def _nearest_deadline(form: Form, record: Record) -> datetime:
    """Return the nearest deadline that is not met; at once where its day is not known."""
    moments = [_NEVER]
    for deadline in form.all_deadlines:
        if deadline.met and record.fields.get(deadline.met):
            continue
        try:
            day = date.fromisoformat(str(record.fields.get(deadline.day)))
        except ValueError:
            moments.append(_AT_ONCE)
        else:
            moments.append(due_at(deadline.rule, day).replace(tzinfo=None))
    return min(moments)
