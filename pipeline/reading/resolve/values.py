"""Weigh values by what is possible: dates by the outage, numbers by their ranges, and sums.

A day of the outage is more likely than any other, and each is weighed box by box, even if no reader
listed it. A pulse of 7 or 740 gives way to a possible one if the boxes allow it. A field that is
the sum of others supports their readings, and they support its own.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import numpy as np

from pipeline.domain.dates import calendar_day
from pipeline.domain.form.confidence import FORMAT_MISMATCH_MAX_P
from pipeline.domain.form.field import FieldSpec, Format, Meaning, addend_names
from pipeline.domain.issues import Issue, IssueCode
from pipeline.domain.model import CELL_SYMBOLS, Reading, State, Value
from pipeline.domain.review.field_values import NUMBER_PATTERN, to_number
from pipeline.reading.resolve.number_likelihood import (
    NORMAL_NOISE,
    add_evidence,
    list_values,
    normalize_reading,
    remove_evidence,
    temper_probabilities,
    unlisted_p,
    weigh_reading,
)

Window = tuple[date, date]
"""First and last day of the outage."""
OUTSIDE_WINDOW_WEIGHT = 0.02
"""Likelihood of a date outside the outage relative to one inside.

Staff sometimes note birth dates and planned visits in date boxes.
"""
UNLISTED_DAY_WEIGHT = 0.25
"""The same for a day that no reader listed.

Of the days of an outage, with a digit changed, about a quarter are also in it.
"""
MAX_WRITING_DELAY = timedelta(days=31)
"""How long after the outage people still write down what happened in it."""
NEAR_OUTAGE = timedelta(days=183)
"""Dates that are not of the outage itself (a decision, a deadline) are mostly so near to it."""
FAR_DATE_WEIGHT = 0.05
"""Likelihood of a date farther off relative to one near it.

There are thousands of such days, so even if every third date were far off, each far day would be
rarer than this. What it settles is a misread year.
"""
_YEARLESS_DAY = re.compile(r"(?P<day>\d{1,2})/(?P<month>\d{1,2})")
_MAX_DAYS = 400
"""Days of an outage that are weighed."""
_DATE_EVIDENCE = ("in_outage", "near_outage", IssueCode.OUTSIDE_OUTAGE)
IMPLAUSIBLE_WEIGHT = 0.05
"""Likelihood of a number outside the plausible range relative to one inside.

It is rare, but it is why people measure.
"""
UNLISTED_NUMBER_WEIGHT = 0.7
"""The same for a number that no reader listed.

Of plausible numbers with a digit changed 64–84 % are also plausible.
"""
_RANGE_EVIDENCE = ("plausible", IssueCode.IMPLAUSIBLE, IssueCode.OUT_OF_RANGE)
WRONG_SUM_P = 0.03
"""Share of sums that are added up wrongly."""
_MAX_SUMS = 400
"""Partial sums that are kept, the most likely ones."""
_Sums = dict[Decimal, float]


def weigh_date(spec: FieldSpec, reading: Reading, window: Window) -> tuple[Reading, list[Issue]]:
    """Weigh the reading of a date by the outage (first and last day), and return its issues."""
    if reading.state is not State.READ:
        return reading, []
    # Every day of the window is a candidate, weighed by the boxes.
    start, end = _expected_window(spec, window)
    weights = _weigh_unlisted_days(reading, start, end) | list_values(reading)
    weighed = normalize_reading(
        reading,
        {
            value: p * (1.0 if _is_inside(value, start, end) else OUTSIDE_WINDOW_WEIGHT)
            for value, p in weights.items()
        },
        unlisted_p(reading) * UNLISTED_DAY_WEIGHT,
    )
    return check_date(spec, weighed, window)


def check_date(spec: FieldSpec, reading: Reading, window: Window) -> tuple[Reading, list[Issue]]:
    """Add what the outage says of a date's value as evidence, and return its issues."""
    checked = remove_evidence(reading, _DATE_EVIDENCE)
    if _is_inside(checked.value, *_expected_window(spec, window)):
        return add_evidence(checked, "in_outage"), []
    return add_evidence(checked, IssueCode.OUTSIDE_OUTAGE), [
        Issue(IssueCode.OUTSIDE_OUTAGE, spec.name)
    ]


def complete_day(spec: FieldSpec, reading: Reading, window: Window | None) -> Reading:
    """Give a day that was written without its year (`13/2`) the year that is nearest the outage.

    A day of the outage keeps its p. Another has a low one, and so has a day that no outage is known
    for, which stays as it is written.
    """
    days = _YEARLESS_DAY.fullmatch(str(reading.value))
    if not days or reading.state is not State.READ:
        return reading
    if window is None:
        return replace(reading, p=min(reading.p, FORMAT_MISMATCH_MAX_P))
    completed: dict[Value, float] = defaultdict(float)
    for value, p in list_values(reading).items():
        completed[_nearest_day(value, window)] += p
    value, *others = completed
    p = completed[value]
    return replace(
        reading,
        value=value,
        p=p
        if _is_inside(value, *_expected_window(spec, window))
        else min(p, FORMAT_MISMATCH_MAX_P),
        alternatives=tuple((other, completed[other]) for other in others),
        characters=(),
    )


def _nearest_day(value: Value, window: Window) -> Value:
    """Return a day with the year in which it is nearest the outage; other values as they are."""
    parts = _YEARLESS_DAY.fullmatch(str(value))
    if not parts:
        return value
    # The 29th of February is not in every year.
    days = [
        day
        for year in range(window[0].year - 1, window[1].year + 2)
        if (day := calendar_day(year, int(parts["month"]), int(parts["day"])))
    ]
    if not days:
        return value
    start, end = window
    return min(days, key=lambda day: max(start - day, day - end)).isoformat()


def weigh_near_date(reading: Reading, window: Window) -> Reading:
    """Weigh the reading of a date that is not of the outage by how near to the outage it is."""
    start, end = window[0] - NEAR_OUTAGE, window[1] + NEAR_OUTAGE
    weighed = weigh_reading(
        reading,
        lambda value: 1.0 if _is_inside(value, start, end) else FAR_DATE_WEIGHT,
        UNLISTED_DAY_WEIGHT,
    )
    return check_near_date(weighed, window)


def check_near_date(reading: Reading, window: Window) -> Reading:
    """Add that a date's value is near the outage as evidence; one far from it is no issue."""
    checked = remove_evidence(reading, _DATE_EVIDENCE)
    is_near = _is_inside(checked.value, window[0] - NEAR_OUTAGE, window[1] + NEAR_OUTAGE)
    return add_evidence(checked, "near_outage") if is_near else checked


def _expected_window(spec: FieldSpec, window: Window) -> Window:
    """Return the days on which a date is expected."""
    # Writing may be later than the event.
    start, end = window
    return start, end + MAX_WRITING_DELAY if spec.means is Meaning.WRITTEN_DATE else end


def _is_inside(value: Value, start: date, end: date) -> bool:
    return (
        isinstance(value, str)
        and len(value) == len("2021-12-16")
        and start.isoformat() <= value <= end.isoformat()
    )


def _weigh_unlisted_days(reading: Reading, start: date, end: date) -> dict[Value, float]:
    """Return a probability for each day of the outage.

    It depends on how well the boxes fit that day compared with the value read.
    """
    if len(reading.cell_probabilities) != len("20211216") or not isinstance(reading.value, str):
        return {}
    # Compare each day box by box with the value that was read.
    boxes = np.log(temper_probabilities(reading.cell_probabilities, NORMAL_NOISE))
    digits = reading.value.replace("-", "")
    if len(digits) != len(reading.cell_probabilities):
        return {}
    read_log = _log_probability(boxes, digits)
    count = min((end - start).days + 1, _MAX_DAYS)
    days = ((start + timedelta(days=number)).isoformat() for number in range(count))
    ratios = {
        day: float(np.exp(min(0.0, _log_probability(boxes, day.replace("-", "")) - read_log)))
        for day in days
    }
    return {day: reading.p * ratio for day, ratio in ratios.items()}


def _log_probability(
    boxes: np.ndarray[tuple[int, ...], np.dtype[np.float64]], digits: str
) -> float:
    # Boxes are taken as independent.
    return float(sum(boxes[i, CELL_SYMBOLS.index(digit)] for i, digit in enumerate(digits)))


def weigh_number(spec: FieldSpec, reading: Reading) -> tuple[Reading, list[Issue]]:
    """Weigh the reading of a number by its plausible range, and return its issues.

    The limits themselves are applied where digits are decoded.
    """
    if spec.format is not Format.NUMBER or reading.state is not State.READ:
        # Only numbers have a range.
        return reading, []
    if spec.plausible:
        reading = weigh_reading(
            reading,
            lambda value: 1.0 if _is_plausible(spec, value) else IMPLAUSIBLE_WEIGHT,
            UNLISTED_NUMBER_WEIGHT,
        )
    return check_number(spec, reading)


def check_number(spec: FieldSpec, reading: Reading) -> tuple[Reading, list[Issue]]:
    """Add what its range says of a number's value as evidence, and return its issues."""
    number, checked = to_number(spec, reading.value), remove_evidence(reading, _RANGE_EVIDENCE)
    # Possible, then plausible.
    if number is None:
        return checked, [Issue(IssueCode.NOT_A_NUMBER, spec.name)]
    if (spec.minimum is not None and number < spec.minimum) or (
        spec.maximum is not None and number > spec.maximum
    ):
        return add_evidence(checked, IssueCode.OUT_OF_RANGE), [
            Issue(IssueCode.OUT_OF_RANGE, spec.name)
        ]
    if not spec.plausible:
        return checked, []
    if _is_plausible(spec, checked.value):
        return add_evidence(checked, "plausible"), []
    return add_evidence(checked, IssueCode.IMPLAUSIBLE), [Issue(IssueCode.IMPLAUSIBLE, spec.name)]


def _is_plausible(spec: FieldSpec, value: Value) -> bool:
    number = to_number(spec, value)
    return number is not None and (
        spec.plausible is None or spec.plausible[0] <= number <= spec.plausible[1]
    )


def weigh_sums(
    specs: Sequence[FieldSpec], fields: Mapping[str, Reading]
) -> tuple[dict[str, Reading], list[Issue]]:
    """Weigh the fields of each sum together, and report sums that do not add up.

    A sum that is part of another, such as a subtotal, is weighed with one after the other;
    whether they add up is checked at the end.
    """
    weighed: dict[str, Reading] = {}
    sums: list[tuple[str, tuple[str, ...]]] = []
    # A later sum uses the readings that an earlier one has weighed.
    for spec in (spec for spec in specs if spec.sum_of):
        names, current = addend_names(spec, specs), {**fields, **weighed}
        parts = [current[name] for name in names if name in fields]
        total = current[spec.name]
        # Only sums with all parts read or empty.
        if (
            len(parts) < len(names)
            or total.state is not State.READ
            or any(part.state not in (State.READ, State.EMPTY) for part in parts)
        ):
            continue
        weighed |= _weigh_sum(spec.name, total, dict(zip(names, parts, strict=True)))
        sums.append((spec.name, names))
    # Check the values that are now the most likely.
    issues = []
    for name, names in sums:
        if _to_decimal(weighed[name].value) != sum(
            _to_decimal(weighed[part].value) or Decimal(0) for part in names
        ):
            issues.append(Issue(IssueCode.SUM_DIFFERS, name))
        else:
            weighed[name] = add_evidence(weighed[name], "sum_fits")
    return weighed, issues


def _weigh_sum(name: str, total: Reading, parts: Mapping[str, Reading]) -> dict[str, Reading]:
    """Weigh a total by its parts, and each part by the total and the others."""
    # Values of each part and of the total, with their probabilities.
    options = {part: _number_options(reading) for part, reading in parts.items()}
    totals = _number_options(total)
    weighed = {name: _fit_to_sum(total, totals, _possible_sums(list(options.values())))}
    for part, reading in parts.items():
        # What a part should be: the total less the other parts.
        others = _possible_sums([other for key, other in options.items() if key != part])
        expected: _Sums = defaultdict(float)
        for total_value, p in totals.items():
            for other_sum, other_p in others.items():
                expected[total_value - other_sum] += p * other_p
        weighed[part] = (
            _fit_to_sum(reading, options[part], expected)
            if reading.state is State.READ
            else reading
        )
    return weighed


def _fit_to_sum(reading: Reading, options: _Sums, expected: _Sums) -> Reading:
    """Multiply each value by the probability that the rest of the sum gives it.

    A wrong sum may give anything.
    """
    # The share of any value if the sum is wrong.
    base = WRONG_SUM_P / max(len(options), 1)

    def weight(value: Value) -> float:
        number = _to_decimal(value)
        return base + (1 - WRONG_SUM_P) * expected.get(number, 0.0) if number is not None else base

    weights = {value: p * weight(value) for value, p in list_values(reading).items()}
    return normalize_reading(reading, weights, unlisted_p(reading) * base)


def _number_options(reading: Reading) -> _Sums:
    """Return the numbers that a field may hold; an empty one adds nothing."""
    # An empty field counts as zero.
    if reading.state is State.EMPTY:
        return {Decimal(0): 1.0}
    options: _Sums = defaultdict(float)
    for value, p in list_values(reading).items():
        if (number := _to_decimal(value)) is not None:
            options[number] += p
    return options


def _possible_sums(parts: Sequence[_Sums]) -> _Sums:
    """Return the sums of all combinations, with their probabilities."""
    # Convolution of the parts' distributions.
    total: _Sums = {Decimal(0): 1.0}
    for options in parts:
        extended: _Sums = defaultdict(float)
        for partial_sum, p in total.items():
            for number, option_p in options.items():
                extended[partial_sum + number] += p * option_p
        # Keep only the most likely sums, so that many parts stay tractable.
        total = dict(sorted(extended.items(), key=lambda pair: -pair[1])[:_MAX_SUMS])
    return total


def _to_decimal(value: Value) -> Decimal | None:
    return Decimal(value) if isinstance(value, str) and NUMBER_PATTERN.fullmatch(value) else None
