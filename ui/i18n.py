"""Texts, dates and numbers in the user's language; Swedish unless the user chooses otherwise."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import date, datetime, timedelta

import streamlit as st
from babel import Locale
from babel.dates import format_date, format_time
from babel.numbers import format_decimal, format_percent, get_decimal_symbol

from pipeline.domain.dates import SWEDEN
from pipeline.domain.form.field_labels import accessible_name
from pipeline.domain.form.form import Area, Form
from pipeline.domain.issues import split_code
from pipeline.texts import Text, catalogue, plural_key, text

_LOCALES = {"sv": ("sv_SE", "short"), "en": ("en_GB", "medium")}
"""Locale and date format of each language.

The date format names the month unambiguously: 2021-12-17, 17 Dec 2021.
"""

_CLIENT = {
    "sv": re.compile(r"\b([Kk])lient(?=(?:en|ens|er|ers|erna|ernas|s)?\b)"),
    "en": re.compile(r"\b([Cc])lient(?=s?\b)(?! (?:register|code|list))"),
}
"""The word for a client, not that of its register or code."""
_area: ContextVar[str] = ContextVar("area", default="")


@contextmanager
def words_of_area(area: str) -> Iterator[None]:
    """Use meanwhile the words of an area of law: in health care a *patient*.

    `area` is an `Area` or its name; elsewhere, or if it is empty, the catalogue's *klient* stays.
    """
    token = _area.set(area)
    try:
        yield
    finally:
        _area.reset(token)


def t(key: str, /, **values: object) -> str:
    """Return the text of a key in the user's language, filled in.

    Raises:
        KeyError: there is no such text.
    """
    count = values.get("count")
    if isinstance(count, int):  # the form is chosen before the number is written as a text
        key = key if key in catalogue(current_language()) else plural_key(key, count)
        values["count"] = format_number(count)
    return _say(key, values)


def show_text(text: Text) -> str:
    """A text in the person's language."""
    return _say(text.key, text.values)


def _say(key: str, values: Mapping[str, object]) -> str:
    """Return a text filled in; the words of the area are its own, never those of a value."""
    language = current_language()
    if _area.get() != Area.HSL:
        return text(key, language, **values)
    if key not in catalogue(language):
        key = plural_key(key, values.get("count"))
    words = _CLIENT[language].sub(
        lambda found: "Patient" if found[1].isupper() else "patient", text(key, language)
    )
    filled = {
        name: show_text(value) if isinstance(value, Text) else value
        for name, value in values.items()
    }
    return words.format(**filled) if filled else words


def code_text(prefix: str, code: str) -> str:
    """Return the text of a short code such as a page's issue; the code itself if it has none."""
    head, _, detail = code.partition(":")
    key = f"{prefix}.{head}"
    texts = catalogue(current_language())
    return t(key, detail=detail) if key in texts else code


def current_language() -> str:
    """Return the user's language, a key of `LANGUAGES`."""
    return str(st.session_state.get("language", "sv"))


def current_locale() -> str:
    """Return the locale of the user's language."""
    return _LOCALES[current_language()][0]


def format_day(on: date | str) -> str:
    """Format a day in the user's language; a string is a day in ISO 8601."""
    locale, form = _LOCALES[current_language()]
    return format_date(date.fromisoformat(on) if isinstance(on, str) else on, form, locale)


def format_days(days: Iterable[str]) -> str:
    """Format days (ISO 8601, ascending); those that follow each other as from–to."""
    runs: list[list[date]] = []
    for day in map(date.fromisoformat, days):
        if runs and day - runs[-1][-1] == timedelta(days=1):
            runs[-1].append(day)
        else:
            runs.append([day])
    return ", ".join(
        format_day(run[0]) if len(run) == 1 else f"{format_day(run[0])} – {format_day(run[-1])}"
        for run in runs
    )


def format_weekday(on: date) -> str:
    """Format a day with its weekday and month name, which is unambiguous: fre 24 dec. 2021."""
    return format_date(on, "EEE d MMM y", _LOCALES[current_language()][0])


def format_moment(at: datetime, *, seconds: bool = False) -> str:
    """Format a moment in Swedish local time, to the minute or the second."""
    local = at.astimezone(SWEDEN)
    precision = "medium" if seconds else "short"
    clock = format_time(local, precision, locale=_LOCALES[current_language()][0])
    return f"{format_day(local.date())}\u00a0{clock}"


def format_recent(at: datetime, now: datetime) -> str:
    """Format a moment of today with its time alone, one of another day as `format_moment`."""
    local = at.astimezone(SWEDEN)
    if local.date() != now.astimezone(SWEDEN).date():
        return format_moment(at)
    return t("moment.today", clock=format_time(local, "short", locale=current_locale()))


def decimal_sign() -> str:
    """Return what is before the decimals of a number in the user's language."""
    return str(get_decimal_symbol(current_locale()))


def format_number(value: float, decimals: int = 0) -> str:
    """Format a number with the language's decimal sign and thousands separator."""
    return format_decimal(
        value, "#,##0" + ("." + "0" * decimals if decimals else ""), _LOCALES[current_language()][0]
    )


def format_percentage(share: float, decimals: int = 0) -> str:
    """Format a share (0–1) in per cent."""
    locale = Locale.parse(_LOCALES[current_language()][0])
    pattern: str = locale.percent_formats[None].pattern
    return format_percent(
        share, pattern.replace("##0", "##0." + "0" * decimals) if decimals else pattern, locale
    )


def issue_texts(codes: Iterable[str], form: Form | None) -> list[str]:
    """Return plain texts for issue codes such as `outside_outage:handelsedatum`.

    Each starts with the labels of its fields, if it is about fields; an issue of several fields (a
    line through a row) gives one text.
    """
    labels_by_text: dict[str, dict[str, None]] = {}
    for code in codes:
        spec = form.by_name.get(split_code(code)[1]) if form else None
        labels = labels_by_text.setdefault(code_text("issue", code), {})
        if form and spec:
            labels[accessible_name(form, spec)] = None
    return [
        f"{', '.join(labels)}: {text}" if labels else text
        for text, labels in labels_by_text.items()
    ]
