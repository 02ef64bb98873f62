"""Normalize values as people write them to the form in which they are stored."""

from __future__ import annotations

import re
from datetime import date, time
from decimal import Decimal

from pipeline.domain.dates import candidate_years
from pipeline.domain.errors import InvalidAnswerError
from pipeline.domain.form.field import FieldSpec, Format, Meaning
from pipeline.domain.identity_numbers import MAX_LOCAL_PID_LENGTH, is_local_pid, normalize_pid
from pipeline.domain.model import Value

NUMBER_PATTERN = re.compile(r"-?\d+(\.\d+)?", re.ASCII)
"""Numbers as readers return them.

`inf` and `1_0`, which Python accepts as numbers too, are none: the first is an infusion.
"""
MIDNIGHT = "24:00"
"""The end of a day, as people write it: not the same moment as 00:00 of that day."""

_GROUPING = {
    Format.DOSE: re.compile(r"(?<=[\d½])\s+(?=[^\W\d_])"),
    Format.PHONE: re.compile(r"[\s–-]"),
}
_THOUSANDS_DIGITS = 3
"""Digits between one separator of thousands and the next."""
_MAYBE_THOUSANDS = re.compile(r"-?[1-9]\d{0,2}\.\d{3}")
"""A number whose dot may be a decimal separator or one of thousands."""


def normalize_value(spec: FieldSpec, value: Value) -> Value:
    """Return the value as it is stored.

    Dates become YYYY-MM-DD, times HH:MM (also 24:00), personal numbers have no hyphen, numbers
    have a dot; text stays as typed.

    Raises:
        InvalidAnswerError: the value is not of the field's kind.
    """
    if spec.traits.is_boolean and isinstance(value, bool):
        return value
    # Of what is marked or signed only initials say more than yes or no.
    is_yes_or_no = spec.traits.is_boolean and not spec.traits.names_signer
    if is_yes_or_no or not isinstance(value, str):
        raise misfit_error(spec)
    if spec.traits.has_options:
        return _normalize_option(spec, value)
    text = value.strip()
    if spec.codes and any(one.isdigit() for one in text):
        return _normalize_box_code(spec, text)
    normalizer = _NORMALIZERS.get(spec.format) if spec.format else None
    return normalizer(spec, text) if normalizer else text


def without_grouping(value_format: Format | None, text: str) -> str:
    """Return a value without the white and hyphens that do not change what it says.

    `5 mg` is `5mg`, and `070-174 06 09` is `0701740609`. Between two digits of a dose white may
    matter: `1 1/2` is not `11/2`.
    """
    pattern = _GROUPING.get(value_format) if value_format else None
    return pattern.sub("", text) if pattern else text


def to_number(spec: FieldSpec, value: Value) -> float | None:
    """Return a time in minutes, a date in days, or a number; None for other values."""
    if not isinstance(value, str):
        return None
    try:
        if spec.format is Format.TIME and ":" in value:
            hour, minute = value.split(":")
            return float(int(hour) * 60 + int(minute))
        if spec.format is Format.DATE:
            return float(date.fromisoformat(value).toordinal())
        is_number = spec.format is Format.NUMBER and NUMBER_PATTERN.fullmatch(value)
        return float(value) if is_number else None
    except ValueError:  # a reading that breaks its format
        return None


def misfit_error(spec: FieldSpec) -> InvalidAnswerError:
    """Make the error of a field whose answer is not of its kind."""
    return InvalidAnswerError("answer_does_not_fit_field", fields=(spec.name,))


def _normalize_option(spec: FieldSpec, value: str) -> str:
    if value not in {option.value for option in spec.options}:
        raise misfit_error(spec)
    return value


def _normalize_box_code(spec: FieldSpec, text: str) -> str:
    """Return a code as it is printed on the form: another one has no meaning there."""
    if text not in {code.value for code in spec.codes}:
        raise misfit_error(spec)
    return text


def normalize_day(text: str) -> str | None:
    """Return a date as YYYY-MM-DD; None if it is none, or its year is ambiguous.

    Between slashes or full stops a year needs four digits: `16/12/21` is in December to one
    person and in 2016 to another. So does a year that may be in the future or in the last century.
    """
    parts = re.fullmatch(r"(\d{4})[-./ ]?(\d\d)[-./ ]?(\d\d)|(\d\d)[- ]?(\d\d)[- ]?(\d\d)", text)
    if not parts:
        return None
    year, month, day = (part for part in parts.groups() if part is not None)
    years = (int(year),) if len(year) == len("2021") else candidate_years(int(year))
    if len(years) > 1:
        return None
    try:
        return date(years[0], int(month), int(day)).isoformat()
    except ValueError:
        return None


def _normalize_date(spec: FieldSpec, text: str) -> str:
    day = normalize_day(text)
    if day is None:
        raise misfit_error(spec)
    return day


def _normalize_time(spec: FieldSpec, text: str) -> str:
    parts = re.fullmatch(r"(\d{1,2})[:. ](\d\d)|(\d{1,2})(\d\d)", text)
    if not parts:
        raise misfit_error(spec)
    hour, minute = (int(part) for part in parts.groups() if part is not None)
    if (hour, minute) == (24, 0):
        return MIDNIGHT
    try:
        return time(hour, minute).isoformat("minutes")
    except ValueError:
        raise misfit_error(spec) from None


def _normalize_personal_number(spec: FieldSpec, text: str) -> str:
    # A plus sign means 100 years or older, which decides the century.
    expanded = normalize_pid(text).value12 if "+" in text else ""
    pid = expanded or re.sub(r"[\s+–-]", "", text).upper()
    # Whether a local number exists is checked against the client register later.
    is_local = (
        spec.means is Meaning.CLIENT_PID and is_local_pid(pid) and len(pid) <= MAX_LOCAL_PID_LENGTH
    )
    if not is_local and not re.fullmatch(r"[0-9A-Z]{12}|\d{10}|\d{8}/\d", pid):
        raise misfit_error(spec)
    return pid


def _normalize_code(spec: FieldSpec, text: str) -> str:
    digits = re.sub(r"[\s.,–-]", "", text)
    if not digits.isdecimal() or (spec.cells and len(digits) > spec.cells):
        raise misfit_error(spec)
    return digits


def _normalize_number(spec: FieldSpec, text: str) -> str:
    """Normalize a number, unless its dot is ambiguous.

    `12.500` is twelve thousand and five hundred to one person and twelve and a half to another:
    the reviewer is asked again. To state that there are three decimals, a fourth is written:
    `1,1250` for `1,125`; so it is stored too.
    """
    plain = text.replace(",", ".").replace(" ", "")
    if not re.fullmatch(r"-?\d{1,12}(\.\d{1,6})?", plain):
        raise misfit_error(spec)
    has_few_decimals = spec.decimals < _THOUSANDS_DIGITS
    if has_few_decimals and _MAYBE_THOUSANDS.fullmatch(plain):
        raise InvalidAnswerError("thousands_ambiguous", fields=(spec.name,))
    # With the field's number of decimals, if that loses nothing.
    number = Decimal(plain)
    if number == round(number, spec.decimals):
        return f"{number:.{spec.decimals}f}"
    stored = f"{number.normalize():f}"
    return f"{stored}0" if has_few_decimals and _MAYBE_THOUSANDS.fullmatch(stored) else stored


_NORMALIZERS = {
    Format.DATE: _normalize_date,
    Format.TIME: _normalize_time,
    Format.PERSONAL_NUMBER: _normalize_personal_number,
    Format.NUMBER: _normalize_number,
    Format.CODE: _normalize_code,
}
