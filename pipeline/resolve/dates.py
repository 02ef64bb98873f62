"""Dates against the outage: a day in it is likelier than any other, and every day of it is weighed box by box, also those that no reader listed."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

import numpy as np

from pipeline.field_spec import FieldSpec, Meaning
from pipeline.issues import Issue, IssueCode
from pipeline.model import LATTICE_SYMBOLS, Reading, State, Value
from pipeline.resolve.number_rows import USUAL_DOUBT, tempered
from pipeline.resolve.weighing import listed, normalised, unlisted, with_reason, without_reasons

Window = tuple[date, date]

OUTSIDE_WINDOW = 0.02
"""How likely a date outside the outage is, against one inside: staff note birth dates and planned visits in date boxes now and then."""
UNLISTED = 0.25
"""The same of a day that no reader listed: of the days of an outage, with a digit changed, about a fourth lie in it too."""
WRITTEN_LATER = timedelta(days=31)
"""So long after the outage people still write down what happened in it."""
_MOST_DAYS = 400
_JUDGED = ("in_outage", IssueCode.OUTSIDE_OUTAGE)


def in_outage(spec: FieldSpec, reading: Reading, window: Window) -> tuple[Reading, list[Issue]]:
    """The reading of a date, weighed by the outage (first and last day), and its problems."""
    if reading.state is not State.READ:
        return reading, []
    start, end = _days_meant(spec, window)
    weights = _box_by_box(reading, start, end) | listed(reading)
    found = normalised(
        reading,
        {value: p * (1.0 if _inside(value, start, end) else OUTSIDE_WINDOW) for value, p in weights.items()},
        unlisted(reading) * UNLISTED,
    )
    return judged_date(spec, found, window)


def judged_date(spec: FieldSpec, reading: Reading, window: Window) -> tuple[Reading, list[Issue]]:
    """The reading of a date with what the outage says of the likeliest value, and its problems."""
    found = without_reasons(reading, _JUDGED)
    if _inside(found.value, *_days_meant(spec, window)):
        return with_reason(found, "in_outage"), []
    return with_reason(found, IssueCode.OUTSIDE_OUTAGE), [Issue(IssueCode.OUTSIDE_OUTAGE, spec.name)]


def _days_meant(spec: FieldSpec, window: Window) -> Window:
    start, end = window
    return start, end + WRITTEN_LATER if spec.means is Meaning.WRITTEN_DATE else end


def _inside(value: Value, start: date, end: date) -> bool:
    return isinstance(value, str) and len(value) == len("2021-12-16") and start.isoformat() <= value <= end.isoformat()


def _box_by_box(reading: Reading, start: date, end: date) -> dict[Value, float]:
    """Each day of the outage with its share of what the reader left unlisted, or more where its boxes say so against the value read."""
    if len(reading.lattice) != len("20211216") or not isinstance(reading.value, str):
        return {}
    boxes = np.log(tempered(reading.lattice, USUAL_DOUBT))
    read = reading.value.replace("-", "")
    if len(read) != len(reading.lattice):
        return {}
    best = _log(boxes, read)
    ratios = {day: float(np.exp(min(0.0, _log(boxes, day.replace("-", "")) - best))) for day in _days(start, end)}
    return {day: reading.p * ratio for day, ratio in ratios.items()}


def _log(boxes: np.ndarray[tuple[int, ...], np.dtype[np.float64]], digits: str) -> float:
    return float(sum(boxes[i, LATTICE_SYMBOLS.index(c)] for i, c in enumerate(digits)))


def _days(start: date, end: date) -> Iterator[str]:
    for number in range(min((end - start).days + 1, _MOST_DAYS)):
        yield (start + timedelta(days=number)).isoformat()
