"""What the screens say, by key: gettext catalogues `texts/<language>/*.po`. Swedish unless a person chooses otherwise.

A text may hold `{names}` to be filled in. A text with a plural is chosen by `count`, a whole number.
Dates and numbers are written as the language does.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from functools import cache
from pathlib import Path
from typing import cast

import streamlit as st
from babel import Locale
from babel.dates import format_date, format_time
from babel.messages.catalog import Message
from babel.messages.pofile import read_po
from babel.numbers import format_decimal, format_percent

from pipeline.swedish_time import SWEDEN

LANGUAGES = {"sv": "Svenska", "en": "English"}
_LOCALES = {"sv": ("sv_SE", "short"), "en": ("en_GB", "medium")}
"""Where each language is written, and the date format that names the month beyond doubt: 2021-12-17, 17 Dec 2021."""
_TEXTS = Path(__file__).parent / "texts"


@cache
def catalogue(language: str) -> Mapping[str, str]:
    """All texts of a language by dotted key; those with a plural as `<key>.one` and `<key>.other`.

    Raises:
        ValueError: two files say the same key.
    """
    texts: dict[str, str] = {}
    for file in sorted((_TEXTS / language).glob("*.po")):
        with file.open("rb") as lines:
            found = dict(pair for message in read_po(lines, locale=language) if message.id for pair in _forms(message))
        if twice := texts.keys() & found.keys():
            raise ValueError(f"{file.name} says again: {', '.join(sorted(twice))}")
        texts |= found
    return texts


def t(key: str, **values: object) -> str:
    """The text of a key in the person's language, filled in.

    Raises:
        KeyError: there is no such text.
    """
    texts = catalogue(language())
    count = values.get("count")
    if key not in texts and count is not None:
        key = f"{key}.{'one' if count == 1 else 'other'}"
    if isinstance(count, int):
        values["count"] = number(count)
    return texts[key].format(**values) if values else texts[key]


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


def _forms(message: Message) -> list[tuple[str, str]]:
    """Keys and texts of one message."""
    if isinstance(message.id, str):
        return [(message.id, str(message.string))]
    one, other = cast(tuple[str, str], message.string)
    return [(f"{message.id[0]}.one", one), (f"{message.id[0]}.other", other)]
