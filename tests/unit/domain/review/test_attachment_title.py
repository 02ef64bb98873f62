"""What an attachment seems to be, by its printed words."""

from __future__ import annotations

import pytest

from pipeline.domain.review.attachment_title import propose_day, propose_title


def words(text: str) -> tuple[tuple[str, float, float, float, float], ...]:
    return tuple((word, 0.0, 0.0, 0.0, 0.0) for word in text.split())


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("Bostaden AB HYRESAVI faktura nr 4", "Hyresavi"),
        ("Kontoutdrag 2021-12-01", "Kontoutdrag"),
        ("Välkommen till oss", ""),
        (" ".join(["ord"] * 200) + " kvitto", ""),
    ],
)
def test_the_title_is_a_known_kind_of_document(text: str, title: str) -> None:
    assert propose_title(words(text)) == title


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("Förfaller 2021-12-31, utskrift 2021-12-03", "2021-12-31"),
        ("Kalix den 3 december 2021", "2021-12-03"),
        ("20211203", "2021-12-03"),
        ("nr 2021-13-40 och 2021-12-05", "2021-12-05"),
        ("OCR 120211203999", ""),
    ],
)
def test_the_day_is_the_first_date(text: str, day: str) -> None:
    assert propose_day(words(text)) == day
