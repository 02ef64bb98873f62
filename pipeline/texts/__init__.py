"""Every text that a person reads, by key and language: gettext catalogues `<language>/**/*.po`.

A text has a stable key (the msgid), such as `review.save`, and one wording in each language.
It may hold `{names}` to be filled in. A text with a plural is chosen by `count`, a whole number.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import cast

from babel.messages.catalog import Message
from babel.messages.pofile import read_po

LANGUAGES = {"sv": "Svenska", "en": "English"}
_FOLDER = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Text:
    """A text whose language is chosen where it is shown. A value may be a text itself."""

    key: str
    values: Mapping[str, object] = field(default_factory=dict)

    def in_language(self, language: str) -> str:
        """Return the text with its values filled in."""
        return text(self.key, language, **self.values)


@dataclass(frozen=True, slots=True)
class Words:
    """The texts in one language: called with a key, it gives its text."""

    language: str

    def __call__(self, key: str, /, **values: object) -> str:
        """Return the text of a key, filled in."""
        return text(key, self.language, **values)

    def count(self, key: str, number: int, /, **values: object) -> str:
        """Return a text with a plural, its count formatted with a gap between thousands."""
        return self(plural_key(key, number), count=grouped(number), **values)


def grouped(number: int) -> str:
    """Format a number with a gap between thousands, which is common to all languages."""
    return f"{number:,}".replace(",", "\u00a0")


@cache
def catalogue(language: str) -> Mapping[str, str]:
    """Load all texts of a language by key; those with a plural as `<key>.one` and `<key>.other`.

    Raises:
        ValueError: two files have the same key.
    """
    texts: dict[str, str] = {}
    for file in sorted((_FOLDER / language).rglob("*.po")):
        with file.open("rb") as lines:
            messages = [message for message in read_po(lines, locale=language) if message.id]
        file_texts = dict(pair for message in messages for pair in _plural_forms(message))
        if repeated := texts.keys() & file_texts.keys():
            raise ValueError(f"{file.name} repeats keys: {', '.join(sorted(repeated))}")
        texts |= file_texts
    return texts


def text(key: str, language: str, /, **values: object) -> str:
    """Return the text of a key in a language, filled in.

    Raises:
        KeyError: there is no such text.
    """
    texts = catalogue(language)
    if key not in texts and "count" in values:
        key = plural_key(key, values["count"])
    filled = {
        name: value.in_language(language) if isinstance(value, Text) else value
        for name, value in values.items()
    }
    return texts[key].format(**filled) if filled else texts[key]


def plural_key(key: str, count: object) -> str:
    """Return the key of the plural form for a count; Swedish and English have the same two."""
    return f"{key}.{'one' if count == 1 else 'other'}"


def _plural_forms(message: Message) -> list[tuple[str, str]]:
    """Return keys and texts of one message."""
    if isinstance(message.id, str):
        return [(message.id, str(message.string))]
    singular, plural = cast(tuple[str, str], message.string)
    return [(f"{message.id[0]}.one", singular), (f"{message.id[0]}.other", plural)]
