"""What the program says of itself, in the language of the screens: catalogues `texts/faults.<language>.po`, msgid the sentence as the code writes it.

Errors are English in the code, so their catalogue is Swedish. Why an entry is left out of an export is Swedish, so that one is English.
What an f-string fills in stands as {0}, {1}, … in both languages, in any order.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from babel.messages.pofile import read_po

_TEXTS = Path(__file__).parent / "texts"
_PLACE = re.compile(r"\{(\d+)\}")


def in_language(sentence: str, language: str) -> str:
    """A sentence of the code in a language, its values filled in; as it is where the catalogue does not have it.

    A value that is itself in the catalogue ("has no day …") is put into the language too.
    """
    words = sentences(language)
    if sentence in words:
        return words[sentence]
    for template, said in _templates(language):
        if found := template.fullmatch(sentence):
            return said.format(*(in_language(value, language) for value in found.groups()))
    return sentence


@cache
def sentences(language: str) -> Mapping[str, str]:
    """The catalogue of a language, by the code's sentence with its places; empty where there is none."""
    file = _TEXTS / f"faults.{language}.po"
    if not file.exists():
        return {}
    with file.open("rb") as lines:
        return {str(message.id): str(message.string) for message in read_po(lines, locale=language) if message.id}


@cache
def _templates(language: str) -> list[tuple[re.Pattern[str], str]]:
    """The sentences with places, as expressions that give the values in order. The one that says most itself comes first."""
    filled = {english: said for english, said in sentences(language).items() if _PLACE.search(english)}
    order = sorted(filled, key=lambda english: len(_PLACE.sub("", english)), reverse=True)
    return [(_expression(english), filled[english]) for english in order]


def _expression(english: str) -> re.Pattern[str]:
    literals = re.split(r"\{\d+\}", english)
    return re.compile("(.*?)".join(map(re.escape, literals)), re.DOTALL)
