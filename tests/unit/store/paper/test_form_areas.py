"""The area of law of notes on which people tick what they are about."""

from __future__ import annotations

import pytest

from pipeline.domain.form.form import Forms
from pipeline.domain.review.rules import Answer, confirmed_area, form_area
from pipeline.domain.settings import ROOT

FORMS = Forms.load(ROOT / "forms")
NOTE = FORMS.latest("telefonanteckning")


@pytest.mark.parametrize("version", range(1, NOTE.version + 1))
@pytest.mark.parametrize(
    ("ticked", "area"),
    [("hemsjukvard", "HSL"), ("hemtjanst", "SoL"), ("ifo", "IFO"), ("annat", None)],
)
def test_what_is_ticked_is_the_area_of_a_telephone_note(
    version: int, ticked: str, area: str | None
) -> None:
    form = FORMS[NOTE.id, version]
    assert form_area(form) is None
    assert confirmed_area(form, {"rort": Answer(ticked)}) == area


def test_another_forms_area_is_its_own() -> None:
    form = FORMS.latest("tjansteanteckning")
    assert confirmed_area(form, {"rort": Answer("hemsjukvard")}) == "IFO"
