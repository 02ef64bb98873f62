"""Values as they are stored: each way in which people write a date, a time or a number becomes one."""

from __future__ import annotations

import re
from datetime import date, time
from decimal import Decimal

from pipeline.errors import InvalidAnswerError
from pipeline.field_spec import FieldSpec, Format, Meaning
from pipeline.identity import LONGEST_LOCAL, is_local, normal_pid
from pipeline.model import Value
from pipeline.swedish_time import years_meant

MIDNIGHT = "24:00"
"""The end of a day, as people write it: not the same moment as 00:00 of that day."""

_OF_THOUSANDS = 3
"""Figures between one separator of thousands and the next."""


def canonical(spec: FieldSpec, value: Value) -> Value:
    """The value as it is stored: dates YYYY-MM-DD, times HH:MM (also 24:00), personal numbers without hyphen, numbers with a dot; text as typed.

    Raises:
        InvalidAnswerError: the value is not of the field's kind.
    """
    if spec.traits.is_boolean and isinstance(value, bool):
        return value
    if not isinstance(value, str):
        raise not_fitting(spec)
    if spec.traits.has_options:
        return _option(spec, value)
    text = value.strip()
    in_format = _FORMATS.get(spec.format) if spec.format else None
    return in_format(spec, text) if in_format else text


def not_fitting(spec: FieldSpec) -> InvalidAnswerError:
    """The error of a field whose answer is not of its kind."""
    return InvalidAnswerError("answer_does_not_fit_field", fields=(spec.name,))


def _option(spec: FieldSpec, value: str) -> str:
    if value not in {option.value for option in spec.options}:
        raise not_fitting(spec)
    return value


def _date(spec: FieldSpec, text: str) -> str:
    """Between slashes or full stops a year has four figures: `16/12/21` is in December to one person and in 2016 to another.

    So has one that lies ahead and may be of the last century as well: nobody is born in 2035.
    """
    parts = re.fullmatch(r"(\d{4})[-./ ]?(\d\d)[-./ ]?(\d\d)|(\d\d)[- ]?(\d\d)[- ]?(\d\d)", text)
    if not parts:
        raise not_fitting(spec)
    year, month, day = (part for part in parts.groups() if part is not None)
    years = (int(year),) if len(year) == len("2021") else years_meant(int(year))
    if len(years) > 1:
        raise not_fitting(spec)
    try:
        return date(years[0], int(month), int(day)).isoformat()
    except ValueError:
        raise not_fitting(spec) from None


def _time(spec: FieldSpec, text: str) -> str:
    parts = re.fullmatch(r"(\d{1,2})[:. ](\d\d)|(\d{1,2})(\d\d)", text)
    if not parts:
        raise not_fitting(spec)
    hour, minute = (int(part) for part in parts.groups() if part is not None)
    if (hour, minute) == (24, 0):
        return MIDNIGHT
    try:
        return time(hour, minute).isoformat("minutes")
    except ValueError:
        raise not_fitting(spec) from None


def _personal_number(spec: FieldSpec, text: str) -> str:
    aged = normal_pid(text).value12 if "+" in text else ""
    pid = aged or re.sub(r"[\s+–-]", "", text).upper()
    local = spec.means is Meaning.CLIENT_PID and is_local(pid) and len(pid) <= LONGEST_LOCAL  # the register says whether there is such a one
    if not local and not re.fullmatch(r"[0-9A-Z]{12}|\d{10}|\d{8}/\d", pid):
        raise not_fitting(spec)
    return pid


def _code(spec: FieldSpec, text: str) -> str:
    digits = re.sub(r"[\s.,–-]", "", text)
    if not digits.isdecimal() or (spec.cells and len(digits) > spec.cells):
        raise not_fitting(spec)
    return digits


def _number(spec: FieldSpec, text: str) -> str:
    """`12.500` is twelve thousand and five hundred to one person and twelve and a half to another: a number that may be of thousands is asked for
    again. What has so many decimals for sure is stored with four: `1,125` is written `1,1250`."""
    plain = text.replace(",", ".").replace(" ", "")
    if not re.fullmatch(r"-?\d{1,12}(\.\d{1,6})?", plain):
        raise not_fitting(spec)
    if spec.decimals < _OF_THOUSANDS and re.fullmatch(r"-?[1-9]\d{0,2}\.\d{3}", plain):
        raise InvalidAnswerError("number_may_thousands", fields=(spec.name,))
    number = Decimal(plain)
    if number == round(number, spec.decimals):
        return f"{number:.{spec.decimals}f}"
    stored = f"{number.normalize():f}"
    return f"{stored}0" if spec.decimals < _OF_THOUSANDS and re.fullmatch(r"-?[1-9]\d{0,2}\.\d{3}", stored) else stored


_FORMATS = {Format.DATE: _date, Format.TIME: _time, Format.PERSONAL_NUMBER: _personal_number, Format.NUMBER: _number, Format.CODE: _code}
