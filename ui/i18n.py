"""Texts, dates and numbers in the user's language; Swedish unless the user chooses otherwise.

What the program says of itself, in the language of the screens: catalogues
`texts/faults.<language>.po`, msgid the sentence as the code writes it.

Errors are English in the code, so their catalogue is Swedish. Why an entry is left out of an
export is Swedish, so that one is English. What an f-string fills in stands as {0}, {1}, … in
both languages, in any order.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, datetime
from functools import cache
from pathlib import Path

import streamlit as st
from babel import Locale
from babel.dates import format_date, format_time
from babel.messages.pofile import read_po
from babel.numbers import format_decimal, format_percent

from pipeline.domain.dates import SWEDEN
from pipeline.texts import catalogue, plural_key, text

_LOCALES = {"sv": ("sv_SE", "short"), "en": ("en_GB", "medium")}
"""Locale and date format of each language.

The date format names the month unambiguously: 2021-12-17, 17 Dec 2021.
"""
_MESSAGE_CATALOGUES = Path(__file__).parent / "texts"
_PLACEHOLDER = re.compile(r"\{(\d+)\}")


def t(key: str, /, **values: object) -> str:
    """Return the text of a key in the user's language, filled in.

    Raises:
        KeyError: there is no such text.
    """
    count = values.get("count")
    if isinstance(count, int):  # the form is chosen before the number is written as a text
        key = key if key in catalogue(current_language()) else plural_key(key, count)
        values["count"] = format_number(count)
    return text(key, current_language(), **values)


def code_text(prefix: str, code: str) -> str:
    """Return the text of a short code such as a page's issue; the code itself if it has none."""
    head, _, detail = code.partition(":")
    key = f"{prefix}.{head}"
    texts = catalogue(current_language())
    return t(key, detail=detail) if key in texts else code


def current_language() -> str:
    """Return the user's language, a key of `LANGUAGES`."""
    return str(st.session_state.get("language", "sv"))


def format_day(on: date | str) -> str:
    """Format a day in the user's language; a string is a day in ISO 8601."""
    locale, form = _LOCALES[current_language()]
    return format_date(date.fromisoformat(on) if isinstance(on, str) else on, form, locale)


def format_weekday(on: date) -> str:
    """Format a day with its weekday and month name, which is unambiguous: fre 24 dec. 2021."""
    return format_date(on, "EEE d MMM y", _LOCALES[current_language()][0])


def format_moment(at: datetime, *, seconds: bool = False) -> str:
    """Format a moment in Swedish local time, to the minute or the second."""
    local = at.astimezone(SWEDEN)
    precision = "medium" if seconds else "short"
    clock = format_time(local, precision, locale=_LOCALES[current_language()][0])
    return f"{format_day(local.date())} {clock}"


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


def translate_message(sentence: str, language: str) -> str:
    """A sentence of the code in a language, its values filled in; as it is where the catalogue does
    not have it.

    A value that is itself in the catalogue ("has no day …") is put into the language too.
    """
    words = message_catalogue(language)
    if sentence in words:
        return words[sentence]
    for template, said in _message_patterns(language):
        if found := template.fullmatch(sentence):
            return said.format(*(translate_message(value, language) for value in found.groups()))
    return sentence


@cache
def message_catalogue(language: str) -> Mapping[str, str]:
    """The catalogue of a language, by the code's sentence with its places; empty where there is
    none.
    """
    file = _MESSAGE_CATALOGUES / f"faults.{language}.po"
    if not file.exists():
        return {}
    with file.open("rb") as lines:
        return {
            str(message.id): str(message.string)
            for message in read_po(lines, locale=language)
            if message.id
        }


@cache
def _message_patterns(language: str) -> list[tuple[re.Pattern[str], str]]:
    """The sentences with places, as expressions that give the values in order. The one that says
    most itself comes first.
    """
    filled = {
        english: said
        for english, said in message_catalogue(language).items()
        if _PLACEHOLDER.search(english)
    }
    order = sorted(filled, key=lambda english: len(_PLACEHOLDER.sub("", english)), reverse=True)
    return [(_message_pattern(english), filled[english]) for english in order]


def _message_pattern(english: str) -> re.Pattern[str]:
    literals = re.split(r"\{\d+\}", english)
    return re.compile("(.*?)".join(map(re.escape, literals)), re.DOTALL)
