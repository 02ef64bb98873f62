"""What each form's `quality.yaml` says is so, and docs/coverage.md says the same."""

from __future__ import annotations

from datetime import date

import pytest
from pydantic import ValidationError

from tests.support import coverage_page
from tests.support.form_quality import RULES, Claim, find_faults, form_ids, load_quality
from tests.support.store.export_examples import FORMS

TODAY = date(2026, 12, 2)


@pytest.mark.parametrize("form_id", form_ids())
def test_what_is_said_to_be_done_is_done(form_id: str) -> None:
    assert find_faults(form_id, load_quality(form_id)) == []


@pytest.mark.parametrize("form_id", form_ids())
def test_answers_that_choose_an_area_are_on_the_form(form_id: str) -> None:
    form = FORMS.latest(form_id)
    if form.rules.areas:
        spec = form.by_name[form.rules.area_field]
        answers: set[object] = {option.value for option in spec.options} or {True}
        # The free note's paper has no box for the administration; a person may still choose it.
        assert set(form.rules.areas) - answers <= {"adm"}


@pytest.mark.parametrize(
    ("form_id", "rule", "claim"),
    [
        ("hsl-anteckning", "printed", Claim(status="done", day=TODAY, version=1)),
        ("hsl-anteckning", "printed", Claim(status="done", day=date(2999, 1, 1), version=2)),
        ("hsl-anteckning", "practised", Claim(status="done")),
        ("hsl-anteckning", "practised", Claim(status="done", day=TODAY, profession="wizard")),
        ("hsl-anteckning", "practised", Claim(status="done", day=TODAY)),
        ("signeringslista", "law", Claim(status="done")),
        ("hyra-faktura", "law", Claim(status="done")),
        ("hsl-anteckning", "declared", Claim(status="done")),
    ],
)
def test_a_rule_that_is_not_met_cannot_be_done(form_id: str, rule: str, claim: Claim) -> None:
    quality = load_quality(form_id)
    changed = quality.model_copy(update={"rules": {**quality.rules, rule: claim}})
    (fault,) = find_faults(form_id, changed)
    assert f"{rule} is not done" in fault


def test_a_record_with_day_and_profession_is_enough_for_practice() -> None:
    claim = Claim(status="done", day=TODAY, profession="nurse")
    assert RULES["practised"][1](FORMS.latest("hsl-anteckning"), claim) == ""


def test_a_form_that_nobody_may_sign_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    first, *_ = FORMS.signing
    monkeypatch.setattr(FORMS, "signing", (first,))
    fault = RULES["signing"][1](FORMS.latest("hsl-anteckning"), Claim(status="done"))
    assert fault == "no profession signs: HSL (absent), HSL (own)"


def test_a_form_without_its_page_of_the_handbook_is_found() -> None:
    elsewhere = FORMS.latest("hsl-anteckning").model_copy(update={"id": "elsewhere"})
    assert RULES["handbook"][1](elsewhere, Claim(status="done")) == "no handbook.md"


def test_a_rule_that_is_left_out_or_strange_is_a_fault() -> None:
    quality = load_quality("hsl-anteckning")
    rules = {name: claim for name, claim in quality.rules.items() if name != "law"}
    changed = quality.model_copy(update={"rules": {**rules, "lawful": Claim(status="todo")}})
    assert len(find_faults("hsl-anteckning", changed)) == 2


def test_what_is_exempt_says_why() -> None:
    with pytest.raises(ValidationError, match="says why"):
        Claim.model_validate("exempt")


def test_the_page_of_coverage_is_current() -> None:
    """`python -m tests.support.coverage_page` writes it."""
    text = coverage_page.PAGE.read_text("utf-8")
    assert coverage_page.written_page(text) == text
