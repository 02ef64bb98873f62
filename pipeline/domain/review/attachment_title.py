"""The title and the day of an attachment: proposed from its printed words, decided by a person."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Final

from pipeline.domain.errors import InvalidAnswerError, MissingAnswerError
from pipeline.domain.model import PrintedWord
from pipeline.domain.review.field_values import normalize_day

MAX_TITLE_LENGTH: Final = 120
_FIRST_WORDS: Final = 120
"""A document says what it is at its top."""
TITLE_BY_WORD: Final[Mapping[str, str]] = {
    "hyresavi": "Hyresavi",
    "hyreskontrakt": "Hyreskontrakt",
    "kontoutdrag": "Kontoutdrag",
    "kontobesked": "Kontoutdrag",
    "transaktioner": "Kontoutdrag",
    "lönespecifikation": "Lönespecifikation",
    "lönebesked": "Lönespecifikation",
    "elräkning": "Elräkning",
    "elfaktura": "Elräkning",
    "läkarintyg": "Läkarintyg",
    "sjukintyg": "Läkarintyg",
    "ordinationslista": "Ordinationslista",
    "dosrecept": "Ordinationslista",
    "pascal": "Utskrift ur Pascal",
    "läkemedelslista": "Läkemedelslista",
    "insatslista": "Insatslista",
    "samtycke": "Samtycke",
    "fullmakt": "Fullmakt",
    "anställningsavtal": "Anställningsavtal",
    "utbetalningsbesked": "Utbetalningsbesked",
    "försäkringskassan": "Besked från Försäkringskassan",
    "skatteverket": "Besked från Skatteverket",
    "inkassokrav": "Inkassokrav",
    "påminnelse": "Betalningspåminnelse",
    "faktura": "Faktura",
    "kvitto": "Kvitto",
    "kvittens": "Kvitto",
    "beslut": "Beslut",
    "avtal": "Avtal",
}
"""The title by a word of the document; earlier ones come first."""
_MONTHS: Final = {
    "januari": 1,
    "februari": 2,
    "mars": 3,
    "april": 4,
    "maj": 5,
    "juni": 6,
    "juli": 7,
    "augusti": 8,
    "september": 9,
    "oktober": 10,
    "november": 11,
    "december": 12,
}
_NUMERIC_DAY: Final = re.compile(r"(?<!\d)(20\d\d)-?([01]\d)-?([0-3]\d)(?!\d)")
_WRITTEN_DAY: Final = re.compile(r"(?<!\d)([0-3]?\d)\s+(" + "|".join(_MONTHS) + r")\s+(20\d\d)")


@dataclass(frozen=True, slots=True)
class AttachmentChoice:
    """A page with the title and the day that a person gives it; both may be empty."""

    page_id: str
    title: str
    day: str


def propose_title(words: Sequence[PrintedWord]) -> str:
    """Return the title of a known kind of document, or an empty text."""
    text = _plain_text(words[:_FIRST_WORDS])
    return next((title for word, title in TITLE_BY_WORD.items() if word in text), "")


def propose_day(words: Sequence[PrintedWord]) -> str:
    """Return the first date of a document as YYYY-MM-DD, or an empty text."""
    text = _plain_text(words)
    numeric = [(one.start(), *map(int, one.groups())) for one in _NUMERIC_DAY.finditer(text)]
    written = [
        (one.start(), int(one[3]), _MONTHS[one[2]], int(one[1]))
        for one in _WRITTEN_DAY.finditer(text)
    ]
    for _, year, month, day in sorted([*numeric, *written]):
        try:
            return date(year, month, day).isoformat()
        except ValueError:
            continue
    return ""


def complete_choices(choices: Sequence[AttachmentChoice]) -> list[AttachmentChoice]:
    """Return what was typed as it is stored; an empty title repeats the one above.

    It does so within one document only: a page with another day is something else.

    Raises:
        MissingAnswerError: the page in `fields` has no title, and repeats none.
        InvalidAnswerError: the day of the page in `fields` is none.
    """
    completed: list[AttachmentChoice] = []
    for choice in choices:
        title = " ".join(choice.title.split())[:MAX_TITLE_LENGTH]
        day = normalize_day(choice.day.strip()) if choice.day.strip() else ""
        page = (choice.page_id,)
        if day is None:
            raise InvalidAnswerError("attachment_no_day", fields=page)
        if not title:
            if not completed:
                raise MissingAnswerError("attachment_no_title", fields=page)
            title, day_above = completed[-1].title, completed[-1].day
            if day not in ("", day_above):
                raise MissingAnswerError("attachment_other_day", fields=page)
            day = day_above
        completed.append(replace(choice, title=title, day=day))
    return completed


def _plain_text(words: Sequence[PrintedWord]) -> str:
    return " ".join(word[0] for word in words).casefold()
