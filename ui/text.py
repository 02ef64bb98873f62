"""Texts of the screens in the person's language. Swedish unless a person chooses otherwise.

Dates and numbers are written as the language does.
"""

from __future__ import annotations

from datetime import date, datetime

import streamlit as st
from babel import Locale
from babel.dates import format_date, format_time
from babel.numbers import format_decimal, format_percent

from pipeline.swedish_time import SWEDEN
from pipeline.texts import catalogue, plural_key, text

_LOCALES = {"sv": ("sv_SE", "short"), "en": ("en_GB", "medium")}
"""Where each language is written, and the date format that names the month beyond doubt: 2021-12-17, 17 Dec 2021."""


def t(key: str, /, **values: object) -> str:
    """The text of a key in the person's language, filled in.

    Raises:
        KeyError: there is no such text.
    """
    count = values.get("count")
    if isinstance(count, int):  # the form is chosen before the number is written as a text
        key = key if key in catalogue(language()) else plural_key(key, count)
        values["count"] = number(count)
    return text(key, language(), **values)


def known(prefix: str, code: str) -> str:
    """The text of a short code such as a page's problem; the code itself when it is new to the catalogue."""
    head, _, detail = code.partition(":")
    key = f"{prefix}.{head}"
    texts = catalogue(language())
    return t(key, detail=detail) if key in texts else code


def language() -> str:
    """The person's language, a key of `LANGUAGES`."""
    return str(st.session_state.get("language", "sv"))


def day(on: date | str) -> str:
    """A day as the language writes it; a text is a day in ISO 8601."""
    locale, form = _LOCALES[language()]
    return format_date(date.fromisoformat(on) if isinstance(on, str) else on, form, locale)


def weekday(on: date) -> str:
    """A day with its weekday and the name of its month, so that nobody takes it for another: fre 24 dec. 2021."""
    return format_date(on, "EEE d MMM y", _LOCALES[language()][0])


def moment(at: datetime, *, seconds: bool = False) -> str:
    """A moment in Swedish local time, to the minute or the second."""
    here = at.astimezone(SWEDEN)
    return f"{day(here.date())} {format_time(here, 'medium' if seconds else 'short', locale=_LOCALES[language()][0])}"


def number(value: float, decimals: int = 0) -> str:
    """A number with the language's decimal sign and groups of thousands."""
    return format_decimal(value, "#,##0" + ("." + "0" * decimals if decimals else ""), _LOCALES[language()][0])


def percent(share: float, decimals: int = 0) -> str:
    """A share (0–1) in per cent."""
    locale = Locale.parse(_LOCALES[language()][0])
    pattern: str = locale.percent_formats[None].pattern
    return format_percent(share, pattern.replace("##0", "##0." + "0" * decimals) if decimals else pattern, locale)
