"""The values that a row of digit boxes may mean, by format.

Each has a weight for how likely a person writes such a row, relative to a row that the format
allows (1). Weights are deliberately mild: a clear reading that breaks the rules stays what it is,
and only one that the network reads with low confidence gives way.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

from pipeline.domain.form.field import FieldSpec, Format
from pipeline.domain.identity_numbers import normalize_pid

MISFIT_WEIGHT = 0.02
"""Weight of a row that breaks its format: people do write a wrong check digit or the 31st of June.
"""
OUT_OF_RANGE_WEIGHT = 0.05
"""Weight of a number outside the field's minimum and maximum."""
GAP_WEIGHT = 0.2
"""Weight of a number or code with an empty box between its digits. Unless that separates a number's
thousands, or is before its comma, a digit there may have been missed.
"""
SHORT_TIME_WEIGHT = 0.2
"""Weight of a time without its leading zero, such as 815."""
LEFT_ALIGNED_WEIGHT = 0.2
"""Weight of reading a row from its left end on, past the printed comma, if boxes at its right end
are empty.
"""
_THOUSANDS_PATTERN = re.compile(r"\d{1,3}( \d{3})+")


@dataclass(frozen=True, slots=True)
class RowCandidate:
    """A value that a row may mean.

    `fits` is false if it is only the row's digits, because the format does not allow them.
    """

    value: str
    weight: float
    fits: bool = True


def row_candidates(row: str, spec: FieldSpec) -> list[RowCandidate]:
    """Return the values of a row of digits and spaces, one character a box; at least one digit.

    Without a format: the digits as they are written.
    """
    if spec.format is None:
        return [RowCandidate(row.replace(" ", ""), 1.0)]
    return _GRAMMARS[spec.format](row, spec)


def _date_candidates(row: str, _spec: FieldSpec) -> list[RowCandidate]:
    # Eight digits that are a day of the 20th or 21st century.
    if len(row) == 8 and row.isdigit() and row[:2] in ("19", "20") and is_calendar_day(row):
        return [RowCandidate(f"{row[:4]}-{row[4:6]}-{row[6:]}", 1.0)]
    return _misfit_candidates(row)


def _time_candidates(row: str, _spec: FieldSpec) -> list[RowCandidate]:
    # 815 is 08:15; midnight may be 24:00.
    digits = row.replace(" ", "").rjust(4, "0")
    is_short = len(row.replace(" ", "")) == len("815") and " " not in row.strip()
    if (
        len(row) == 4
        and (row.isdigit() or is_short)
        and (digits == "2400" or (int(digits[:2]) < 24 and int(digits[2:]) < 60))
    ):
        # 123 may be 12.30 whose zero was missed; 815 can be 8.15 only.
        may_miss_zero = row.endswith(" ") and int(row[:2]) < 24
        weight = SHORT_TIME_WEIGHT if is_short else 1.0
        return [RowCandidate(f"{digits[:2]}:{digits[2:]}", weight, fits=not may_miss_zero)]
    return _misfit_candidates(row)


def _personal_number_candidates(row: str, _spec: FieldSpec) -> list[RowCandidate]:
    # Twelve digits with a valid date and check digit.
    if len(row) == 12 and row.isdigit() and is_personal_number(row):
        return [RowCandidate(row, 1.0)]
    return _misfit_candidates(row)


def _number_candidates(row: str, spec: FieldSpec) -> list[RowCandidate]:
    """Return the values of a number, by its printed comma and perhaps left-aligned."""
    weight = GAP_WEIGHT if " " in row.strip() else 1.0
    whole, fraction = (
        (row[: -spec.decimals].strip(), row[-spec.decimals :])
        if spec.decimals
        else (row.strip(), "")
    )

    # Gaps are allowed between thousands and before the comma.
    fits = (
        " " not in whole or _THOUSANDS_PATTERN.fullmatch(whole) is not None
    ) and " " not in fraction.rstrip()
    if not spec.decimals:
        return [_weigh_range(_canonical_number(row, ""), weight, spec, fits=fits)]

    # Digits before and after the printed comma.
    by_comma = _canonical_number(row[: -spec.decimals], row[-spec.decimals :])
    digits = row.replace(" ", "")
    if not row.endswith(" ") or len(digits) <= spec.decimals:
        return [_weigh_range(by_comma, weight, spec, fits=fits)]

    # Empty boxes at the right end: perhaps it was written from the left, past the comma.
    left_aligned = _canonical_number(digits[: -spec.decimals], digits[-spec.decimals :])
    return [
        _weigh_range(by_comma, weight * (1 - LEFT_ALIGNED_WEIGHT), spec, fits=fits),
        _weigh_range(left_aligned, weight * LEFT_ALIGNED_WEIGHT, spec, fits=fits),
    ]


def _canonical_number(whole: str, fraction: str) -> str:
    """Return digits before and after the comma without spaces and leading zeros."""
    # A number without digits before the comma is below 1.
    whole = whole.replace(" ", "").lstrip("0") or "0"
    fraction = fraction.replace(" ", "")
    return f"{whole}.{fraction}" if fraction else whole


def _weigh_range(value: str, weight: float, spec: FieldSpec, *, fits: bool) -> RowCandidate:
    """Return a number as a candidate, with a low weight outside the field's range."""
    # Outside the range of the field is improbable, not impossible.
    number = float(value)
    low = spec.minimum is not None and number < spec.minimum
    high = spec.maximum is not None and number > spec.maximum
    return RowCandidate(value, weight * (OUT_OF_RANGE_WEIGHT if low or high else 1.0), fits)


def _code_candidates(row: str, _spec: FieldSpec) -> list[RowCandidate]:
    gap = " " in row.strip()
    # A code has no gaps.
    return [RowCandidate(row.replace(" ", ""), GAP_WEIGHT if gap else 1.0, fits=not gap)]


def _misfit_candidates(row: str) -> list[RowCandidate]:
    """Return a row's digits as a value that breaks the format."""
    return [RowCandidate(row.replace(" ", ""), MISFIT_WEIGHT, fits=False)]


def is_calendar_day(digits: str) -> bool:
    """Return whether YYYYMMDD is a day of the calendar."""
    try:
        date(int(digits[:4]), int(digits[4:6]), int(digits[6:8]))
    except ValueError:
        return False
    return True


def is_personal_number(digits: str) -> bool:
    """Return whether 12 digits are a personnummer or samordningsnummer.

    Century, date and check digit, as in `pipeline/domain/identity_numbers.py`.
    """
    return (
        digits[:2] in ("18", "19", "20")
        and has_valid_check_digit(digits[2:])
        and normalize_pid(digits, date.max).valid
    )


def has_valid_check_digit(digits: str) -> bool:
    """Return whether the last digit is the check digit of those before it.

    Weights 2, 1, 2, 1 … from the left of an even number of digits (Luhn).
    """
    # Luhn: double every other digit, and add the digits of the products.
    doubled = [int(d) * (2 if i % 2 == 0 else 1) for i, d in enumerate(digits)]
    return sum(d // 10 + d % 10 for d in doubled) % 10 == 0


_GRAMMARS: dict[Format, Callable[[str, FieldSpec], list[RowCandidate]]] = {
    Format.DATE: _date_candidates,
    Format.TIME: _time_candidates,
    Format.PERSONAL_NUMBER: _personal_number_candidates,
    Format.NUMBER: _number_candidates,
    Format.CODE: _code_candidates,
}
