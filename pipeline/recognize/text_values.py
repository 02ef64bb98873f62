"""What a handwritten line with a format stands for: the same values that digit boxes give."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date

from pipeline import swedish_time
from pipeline.field_spec import Format

_DAY_FIRST = re.compile(r"\d{1,2}[/.]\d{1,2}[-– ]|\d[/.]|\d\d[/.]\d[/.]")
"""`24/11-26`: a slash between the first two and none after them. `3.1.22`: one figure is no year. `16/1/22`: after a year the month has two."""
_EITHER_FIRST = re.compile(r"\d\d[/.]\d\d[/.]\d\d")
"""`16/12/21`: some people begin with the day, some with the year."""


def values_of(form: Format, text: str) -> tuple[str, ...]:
    """`24/11 2026` and `24/11-26` → `2026-11-24`, `kl 8.30` → `08:30`, `37,5` → `37.5`, `121212-1212` → `1212121212`; other formats stay as written.

    `text` has the shape of the format. None where it stands for no value nevertheless, such as the 31st of June; several where it may be either.
    """
    return _VALUES.get(form, _as_written)(text)


def _as_written(text: str) -> tuple[str, ...]:
    return (text,)


def _date(text: str) -> tuple[str, ...]:
    parts = re.findall(r"\d+", text)
    if len(parts) == 1:
        orders = [[parts[0][:-4], parts[0][-4:-2], parts[0][-2:]]]
    elif len(parts[2]) == len("2026") or _DAY_FIRST.match(text):
        orders = [parts[::-1]]
    else:
        orders = [parts[::-1], parts] if _EITHER_FIRST.fullmatch(text) else [parts]
    days = (_day(meant, month, day) for year, month, day in (map(int, order) for order in orders) for meant in _years(year))
    return tuple(dict.fromkeys(day for day in days if day))


def _years(written: int) -> tuple[int, ...]:
    return (written,) if written > 99 else swedish_time.years_meant(written)


def _day(year: int, month: int, day: int) -> str | None:
    try:
        return date(year, month, day).isoformat()
    except ValueError:  # no such day
        return None


def _time(text: str) -> tuple[str, ...]:
    digits = "".join(re.findall(r"\d", text))
    return (f"{int(digits[:-2]):02d}:{digits[-2:]}",)


def _number(text: str) -> tuple[str, ...]:
    return (text.replace("–", "-").replace(" ", "").replace(",", "."),)


def _bare_digits(text: str) -> tuple[str, ...]:
    return ("".join(re.findall(r"\d", text)),)


def _personal_number(text: str) -> tuple[str, ...]:
    """The plus sign of those who are a hundred or older tells the century."""
    (bare,) = _bare_digits(text)
    return (f"19{bare}" if "+" in text and len(bare) == len("1212121212") else bare,)


_VALUES: dict[Format, Callable[[str], tuple[str, ...]]] = {
    Format.DATE: _date,
    Format.TIME: _time,
    Format.NUMBER: _number,
    Format.PERSONAL_NUMBER: _personal_number,
    Format.CODE: _bare_digits,
}
