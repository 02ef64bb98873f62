"""Rows of a sheet with one date that were written after midnight: which day they are of stands nowhere."""

from __future__ import annotations

from collections.abc import Mapping

from pipeline.field_spec import FieldSpec, Meaning, sibling_name
from pipeline.model import Reading
from pipeline.resolve.row_order import as_number
from pipeline.template import Form

EVENING, MORNING = 18 * 60.0, 8 * 60.0
"""Minutes of the day: a time before the second on a row below one after the first is of the next day, or out of order."""


def after_midnight(form: Form, fields: Mapping[str, Reading]) -> list[str]:
    """The fields of times that seem to be of the day after the sheet's only date: those below an evening, or below a visit over midnight."""
    found, is_night, latest = [], False, 0.0
    for row in form.rows():
        start, day = form.meaning(Meaning.EVENT_TIME, row), form.meaning(Meaning.EVENT_DATE, row)
        began = _minutes(start, fields)
        if row is None or start is None or began is None or day is None or day.row is not None:
            continue
        is_night = began < MORNING and (is_night or latest >= EVENING)
        if is_night:
            found.append(start.name)
        ended = _minutes(form.by_name.get(sibling_name(start, start.less_than)) if start.less_than else None, fields)
        is_night |= ended is not None and ended < began
        latest = max(latest, began) if not is_night else latest
    return found


def _minutes(spec: FieldSpec | None, fields: Mapping[str, Reading]) -> float | None:
    return as_number(spec, fields[spec.name].value) if spec is not None and spec.name in fields else None
