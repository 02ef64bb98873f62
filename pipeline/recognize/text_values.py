"""What a handwritten line with a format stands for: the same values that digit boxes give."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date

from pipeline.field_spec import Format

_DAY_FIRST = re.compile(r"\d{1,2}/\d{1,2}[-– ]")
"""`24/11-26`: a slash between the first two and none after them."""


def value_of(form: Format, text: str) -> str | None:
    """`24/11 2026` and `24/11-26` → `2026-11-24`, `kl 8.30` → `08:30`, `37,5` → `37.5`, `121212-1212` → `1212121212`; other formats stay as written.

    `text` has the shape of the format; None when it stands for no value nevertheless, such as the 31st of June.
    """
    return _VALUES.get(form, str)(text)


def _date(text: str) -> str | None:
    parts = re.findall(r"\d+", text)
    if len(parts) == 1:
        parts = [parts[0][:-4], parts[0][-4:-2], parts[0][-2:]]
    elif len(parts[2]) == len("2026") or _DAY_FIRST.match(text):
        parts.reverse()
    year, month, day = (int(part) for part in parts)
    try:
        return date(year if year > 99 else 2000 + year, month, day).isoformat()
    except ValueError:  # no such day
        return None


def _time(text: str) -> str:
    digits = "".join(re.findall(r"\d", text))
    return f"{int(digits[:-2]):02d}:{digits[-2:]}"


def _number(text: str) -> str:
    return text.replace("–", "-").replace(" ", "").replace(",", ".")


def _bare_digits(text: str) -> str:
    return "".join(re.findall(r"\d", text))


_VALUES: dict[Format, Callable[[str], str | None]] = {
    Format.DATE: _date,
    Format.TIME: _time,
    Format.NUMBER: _number,
    Format.PERSONAL_NUMBER: _bare_digits,
    Format.CODE: _bare_digits,
}
