"""Texts of the screens in the person's language. Swedish unless a person chooses otherwise.

Dates and numbers are written as the language does.
"""

from __future__ import annotations

from datetime import date, datetime

import streamlit as st
from babel import Locale
from babel.dates import format_date, format_time
from babel.numbers import format_decimal, format_percent

from pipeline.domain.dates import SWEDEN
from pipeline.texts import Text, catalogue, plural_key, text

_LOCALES = {"sv": ("sv_SE", "short"), "en": ("en_GB", "medium")}
"""Where each language is written, and the date format that names the month beyond doubt:
2021-12-17, 17 Dec 2021.
"""


def t(key: str, /, **values: object) -> str:
    """The text of a key in the person's language, filled in.

    Raises:
        KeyError: there is no such text.
    """
    count = values.get("count")
    if isinstance(count, int):  # the form is chosen before the number is written as a text
        key = key if key in catalogue(current_language()) else plural_key(key, count)
        values["count"] = format_number(count)
    return text(key, current_language(), **values)


def show_text(text: Text) -> str:
    """A text in the person's language."""
    return text.in_language(current_language())


def code_text(prefix: str, code: str) -> str:
    """The text of a short code such as a page's problem; the code itself if it has no text."""
    head, _, detail = code.partition(":")
    key = f"{prefix}.{head}"
    texts = catalogue(current_language())
    return t(key, detail=detail) if key in texts else code


def current_language() -> str:
    """The person's language, a key of `LANGUAGES`."""
    return str(st.session_state.get("language", "sv"))


def format_day(on: date | str) -> str:
    """A day as the language writes it; a text is a day in ISO 8601."""
    locale, form = _LOCALES[current_language()]
    return format_date(date.fromisoformat(on) if isinstance(on, str) else on, form, locale)


def format_weekday(on: date) -> str:
    """A day that cannot be mistaken, with weekday and name of the month: fre 24 dec. 2021."""
    return format_date(on, "EEE d MMM y", _LOCALES[current_language()][0])


def format_moment(at: datetime, *, seconds: bool = False) -> str:
    """A moment in Swedish local time, to the minute or the second."""
    local = at.astimezone(SWEDEN)
    locale = _LOCALES[current_language()][0]
    time = format_time(local, "medium" if seconds else "short", locale=locale)
    return f"{format_day(local.date())} {time}"


def format_number(value: float, decimals: int = 0) -> str:
    """A number with the language's decimal sign and groups of thousands."""
    return format_decimal(
        value, "#,##0" + ("." + "0" * decimals if decimals else ""), _LOCALES[current_language()][0]
    )


def format_percentage(share: float, decimals: int = 0) -> str:
    """A share (0–1) in per cent."""
    locale = Locale.parse(_LOCALES[current_language()][0])
    pattern: str = locale.percent_formats[None].pattern
    return format_percent(
        share, pattern.replace("##0", "##0." + "0" * decimals) if decimals else pattern, locale
    )
