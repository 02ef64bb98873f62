"""Dates against the outage: a day in it is likelier than any other, and every day of it is weighed
box by box, also those that no reader listed.

Numbers against what is possible and what is plausible: a pulse of 7 or 740 gives way to one that
a heart can have, if the boxes allow it.

Sums: a field that is the sum of others supports their readings, and they its own.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal

import numpy as np

from pipeline.domain.form.field import FieldSpec, Format, Meaning, addend_names
from pipeline.domain.issues import Issue, IssueCode
from pipeline.domain.model import CELL_SYMBOLS, Reading, State, Value
from pipeline.domain.review.field_values import NUMBER_PATTERN
from pipeline.reading.resolve.bayes import (
    add_evidence,
    list_values,
    normalize_reading,
    remove_evidence,
    unlisted_p,
    weigh_reading,
)
from pipeline.reading.resolve.client_evidence import NORMAL_NOISE, temper_probabilities
from pipeline.reading.resolve.rows import to_number

Window = tuple[date, date]
OUTSIDE_WINDOW_WEIGHT = 0.02
"""How likely a date outside the outage is, against one inside: staff note birth dates and planned
visits in date boxes now and then.
"""
UNLISTED_DAY_WEIGHT = 0.25
"""The same of a day that no reader listed: of the days of an outage, with a digit changed, about a
fourth lie in it too.
"""
MAX_WRITING_DELAY = timedelta(days=31)
"""So long after the outage people still write down what happened in it."""
_MAX_DAYS = 400
_DATE_EVIDENCE = ("in_outage", IssueCode.OUTSIDE_OUTAGE)
IMPLAUSIBLE_WEIGHT = 0.05
"""How likely a number outside the plausible range is, against one inside: rare, but it is why
people measure.
"""
UNLISTED_NUMBER_WEIGHT = 0.7
"""The same of a number that no reader listed: of a plausible number with a digit changed 64–84 %
are plausible too.
"""
_RANGE_EVIDENCE = ("plausible", IssueCode.IMPLAUSIBLE, IssueCode.OUT_OF_RANGE)
WRONG_SUM_P = 0.03
"""How often people add up wrongly."""
_MAX_SUMS = 400
_Sums = dict[Decimal, float]


def weigh_date(spec: FieldSpec, reading: Reading, window: Window) -> tuple[Reading, list[Issue]]:
    """The reading of a date, weighed by the outage (first and last day), and its problems."""
    if reading.state is not State.READ:
        return reading, []
    start, end = _expected_window(spec, window)
    weights = _weigh_unlisted_days(reading, start, end) | list_values(reading)
    found = normalize_reading(
        reading,
        {
            value: p * (1.0 if _is_inside(value, start, end) else OUTSIDE_WINDOW_WEIGHT)
            for value, p in weights.items()
        },
        unlisted_p(reading) * UNLISTED_DAY_WEIGHT,
    )
    return check_date(spec, found, window)


def check_date(spec: FieldSpec, reading: Reading, window: Window) -> tuple[Reading, list[Issue]]:
    """The reading of a date with what the outage says of the likeliest value, and its problems."""
    found = remove_evidence(reading, _DATE_EVIDENCE)
    if _is_inside(found.value, *_expected_window(spec, window)):
        return add_evidence(found, "in_outage"), []
    return add_evidence(found, IssueCode.OUTSIDE_OUTAGE), [
        Issue(IssueCode.OUTSIDE_OUTAGE, spec.name)
    ]


def _expected_window(spec: FieldSpec, window: Window) -> Window:
    start, end = window
    return start, end + MAX_WRITING_DELAY if spec.means is Meaning.WRITTEN_DATE else end


def _is_inside(value: Value, start: date, end: date) -> bool:
    return (
        isinstance(value, str)
        and len(value) == len("2021-12-16")
        and start.isoformat() <= value <= end.isoformat()
    )


def _weigh_unlisted_days(reading: Reading, start: date, end: date) -> dict[Value, float]:
    """Each day of the outage with its share of what the reader left unlisted, or more where its
    boxes say so against the value read.
    """
    if len(reading.cell_probabilities) != len("20211216") or not isinstance(reading.value, str):
        return {}
    boxes = np.log(temper_probabilities(reading.cell_probabilities, NORMAL_NOISE))
    read = reading.value.replace("-", "")
    if len(read) != len(reading.cell_probabilities):
        return {}
    best = _log_probability(boxes, read)
    ratios = {
        day: float(np.exp(min(0.0, _log_probability(boxes, day.replace("-", "")) - best)))
        for day in _iter_days(start, end)
    }
    return {day: reading.p * ratio for day, ratio in ratios.items()}


def _log_probability(
    boxes: np.ndarray[tuple[int, ...], np.dtype[np.float64]], digits: str
) -> float:
    return float(sum(boxes[i, CELL_SYMBOLS.index(c)] for i, c in enumerate(digits)))


def _iter_days(start: date, end: date) -> Iterator[str]:
    for number in range(min((end - start).days + 1, _MAX_DAYS)):
        yield (start + timedelta(days=number)).isoformat()


def weigh_number(spec: FieldSpec, reading: Reading) -> tuple[Reading, list[Issue]]:
    """The reading of a number, weighed by its plausible range, and its problems. The limits
    themselves are weighed where digits are decoded.
    """
    if spec.format is not Format.NUMBER or reading.state is not State.READ:
        return reading, []
    found = (
        weigh_reading(
            reading,
            lambda value: 1.0 if _is_plausible(spec, value) else IMPLAUSIBLE_WEIGHT,
            UNLISTED_NUMBER_WEIGHT,
        )
        if spec.plausible
        else reading
    )
    return check_number(spec, found)


def check_number(spec: FieldSpec, reading: Reading) -> tuple[Reading, list[Issue]]:
    """The reading of a number with what its range says of the likeliest value, and its problems."""
    number, found = to_number(spec, reading.value), remove_evidence(reading, _RANGE_EVIDENCE)
    if number is None:
        return found, [Issue(IssueCode.NOT_A_NUMBER, spec.name)]
    if (spec.minimum is not None and number < spec.minimum) or (
        spec.maximum is not None and number > spec.maximum
    ):
        return add_evidence(found, IssueCode.OUT_OF_RANGE), [
            Issue(IssueCode.OUT_OF_RANGE, spec.name)
        ]
    if not spec.plausible:
        return found, []
    if _is_plausible(spec, found.value):
        return add_evidence(found, "plausible"), []
    return add_evidence(found, IssueCode.IMPLAUSIBLE), [Issue(IssueCode.IMPLAUSIBLE, spec.name)]


def _is_plausible(spec: FieldSpec, value: Value) -> bool:
    number = to_number(spec, value)
    return number is not None and (
        spec.plausible is None or spec.plausible[0] <= number <= spec.plausible[1]
    )


def weigh_sums(
    specs: Sequence[FieldSpec], fields: Mapping[str, Reading]
) -> tuple[dict[str, Reading], list[Issue]]:
    """The fields of each sum, weighed together, and `SUM_DIFFERS` where the likeliest values do not
    add up.

    A sum that is a part of another, such as a subtotal, is weighed with one after the other;
    whether they add up is said at the end.
    """
    found: dict[str, Reading] = {}
    sums: list[tuple[str, tuple[str, ...]]] = []
    for spec in specs:
        names, so_far = addend_names(spec, specs), {**fields, **found}
        parts = [so_far[name] for name in names if name in fields]
        total = so_far[spec.name]
        if (
            not names
            or len(parts) < len(names)
            or total.state is not State.READ
            or any(p.state not in (State.READ, State.EMPTY) for p in parts)
        ):
            continue
        found |= _weigh_sum(spec.name, total, dict(zip(names, parts, strict=True)))
        sums.append((spec.name, names))
    problems = []
    for name, names in sums:
        if _to_decimal(found[name].value) != sum(
            _to_decimal(found[part].value) or Decimal(0) for part in names
        ):
            problems.append(Issue(IssueCode.SUM_DIFFERS, name))
        else:
            found[name] = add_evidence(found[name], "sum_fits")
    return found, problems


def _weigh_sum(name: str, total: Reading, parts: Mapping[str, Reading]) -> dict[str, Reading]:
    options = {part: _number_options(reading) for part, reading in parts.items()}
    totals = _number_options(total)
    found = {name: _fit_to_sum(total, totals, _possible_sums(list(options.values())))}
    for part, reading in parts.items():
        others = _possible_sums([other for key, other in options.items() if key != part])
        wanted: _Sums = defaultdict(float)
        for t, p in totals.items():
            for s, q in others.items():
                wanted[t - s] += p * q
        found[part] = (
            _fit_to_sum(reading, options[part], wanted) if reading.state is State.READ else reading
        )
    return found


def _fit_to_sum(reading: Reading, options: _Sums, expected: _Sums) -> Reading:
    """Each value times how likely the rest of the sum comes to it; a wrong sum may come to
    anything.
    """
    ground = WRONG_SUM_P / max(len(options), 1)

    def weight(value: Value) -> float:
        number = _to_decimal(value)
        return (
            ground + (1 - WRONG_SUM_P) * expected.get(number, 0.0) if number is not None else ground
        )

    weights = {value: p * weight(value) for value, p in list_values(reading).items()}
    return normalize_reading(reading, weights, unlisted_p(reading) * ground)


def _number_options(reading: Reading) -> _Sums:
    """The numbers that a field may hold; an empty one adds nothing."""
    if reading.state is State.EMPTY:
        return {Decimal(0): 1.0}
    found: _Sums = defaultdict(float)
    for value, p in list_values(reading).items():
        if (number := _to_decimal(value)) is not None:
            found[number] += p
    return found


def _possible_sums(parts: Sequence[_Sums]) -> _Sums:
    total: _Sums = {Decimal(0): 1.0}
    for options in parts:
        longer: _Sums = defaultdict(float)
        for s, p in total.items():
            for number, q in options.items():
                longer[s + number] += p * q
        total = dict(sorted(longer.items(), key=lambda pair: -pair[1])[:_MAX_SUMS])
    return total


def _to_decimal(value: Value) -> Decimal | None:
    return Decimal(value) if isinstance(value, str) and NUMBER_PATTERN.fullmatch(value) else None
