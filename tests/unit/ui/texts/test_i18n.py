"""Numbers and days are written as the language writes them."""

from __future__ import annotations

import pytest

from pipeline.domain.form.field import FieldSpec
from pipeline.domain.model import Reading, State
from pipeline.domain.review.rules import Answer
from tests.support.screens.seeding import forms
from ui.i18n import format_days
from ui.screens.review import field_input


def _spec() -> FieldSpec:
    return next(spec for form in forms().values() for spec in form.fields if spec.decimals)


@pytest.mark.parametrize(("language", "written"), [("sv", "37,8"), ("en", "37.8")])
def test_a_number_has_the_decimal_sign_of_the_language(
    language: str, written: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ui.i18n.current_language", lambda: language)
    spec, answer = _spec(), Answer("37.8")
    assert field_input.answer_to_text(spec, answer, must_say=False) == written
    assert field_input.describe_answer(spec, answer) == written
    reading = Reading("37.8", 0.5, State.READ, characters=(0.5,) * 4)
    assert field_input.reading_parts(spec, reading) == [(written, True)]


def test_days_that_follow_each_other_are_one_range() -> None:
    days = ["2021-12-01", "2021-12-02", "2021-12-03", "2021-12-05", "2021-12-31", "2022-01-01"]
    said = "2021-12-01 – 2021-12-03, 2021-12-05, 2021-12-31 – 2022-01-01"
    assert format_days(days) == said
