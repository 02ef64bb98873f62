"""What is marked or signed is yes or no, no matter who decides: no other text is stored for it."""

from __future__ import annotations

import pytest

from pipeline.domain.errors import InvalidAnswerError
from pipeline.domain.form.form import Forms
from pipeline.domain.review.rules import Answer, normalize_answer
from pipeline.domain.settings import ROOT

FORMS = Forms.load(ROOT / "forms")


@pytest.mark.parametrize(
    ("form", "field", "value"),
    [
        ("besokslista", "rad03.inkop", "solid"),
        ("besokslista", "rad03.inkop", "ja"),
        ("besokslista", "underskrift", "EM"),
        ("hsl-anteckning", "kontakttyp", "solid"),
    ],
)
def test_a_text_that_is_no_option_is_refused(form: str, field: str, value: str) -> None:
    with pytest.raises(InvalidAnswerError):
        normalize_answer(FORMS.latest(form).by_name[field], Answer(value))


def test_initials_may_name_the_signer() -> None:
    field = FORMS.latest("matvarden").by_name["rad03.signatur"]
    assert normalize_answer(field, Answer("EM")).value == "EM"
