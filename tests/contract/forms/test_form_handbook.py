"""Each form's page of the handbook names the form as it is."""

from __future__ import annotations

import re

import pytest

from pipeline.domain.form.field import Kind
from pipeline.domain.form.form import Form, load_signing_rules
from pipeline.domain.law.duties import load_deadline_rules
from pipeline.domain.settings import ROOT
from tests.support.form_quality import form_ids
from tests.support.store.export_examples import FORMS

FOLDER = ROOT / "forms"
SIGNING = load_signing_rules(FOLDER)[-1]
LATEST = [FORMS.latest(form_id) for form_id in form_ids()]
DUTIES = {
    rule.rule: rule.what for rule in sorted(load_deadline_rules(), key=lambda one: one.version)
}
"""What each deadline is now, in the words of the data."""

ON_SCREEN = {"Dela sidan", "Fråga den som skrev"}
"""Steps in review that a page may name."""


def _page(form: Form) -> str:
    return (FOLDER / form.id / "handbook.md").read_text("utf-8")


def _running(form: Form) -> str:
    return " ".join(_page(form).split())


@pytest.mark.parametrize("form", LATEST, ids=form_ids())
def test_a_page_has_the_title_and_is_short(form: Form) -> None:
    lines = _page(form).splitlines()
    assert lines[0] == f"# {form.title}"
    assert 10 <= len(lines) <= 25


@pytest.mark.parametrize("form", LATEST, ids=form_ids())
def test_a_page_names_every_field_that_a_person_has_to_fill_in(form: Form) -> None:
    required = {spec.label for spec in form.fields if spec.required and spec.kind != Kind.PRINTED}
    assert {label for label in required if f"*{label}*" not in _running(form)} == set()


@pytest.mark.parametrize("form", LATEST, ids=form_ids())
def test_what_is_in_italics_is_printed_on_the_form_or_is_another_form(form: Form) -> None:
    options = {option.label for spec in form.fields for option in spec.options}
    known = {spec.label for spec in form.fields} | options | {other.title for other in LATEST}
    without_bold = re.sub(r"\*\*[^*]+\*\*", "", _running(form))
    named = set(re.findall(r"\*([^*]+)\*", without_bold))
    assert named - known - ON_SCREEN == set()


@pytest.mark.parametrize("form", LATEST, ids=form_ids())
def test_deadlines_are_in_the_words_of_the_data(form: Form) -> None:
    said = _running(form).casefold()
    for deadline in form.all_deadlines:
        assert DUTIES[deadline.rule].partition("; ")[0].casefold() in said, deadline.rule


@pytest.mark.parametrize("form", LATEST, ids=form_ids())
def test_a_page_says_who_signs_and_who_may_not_type(form: Form) -> None:
    said = _running(form)
    if form.id not in SIGNING.by_unit:
        needs_signature = SIGNING.requires_signature(form, form.area)
        assert ("signeras inte" not in said) == needs_signature
    assert ("En inmatare får varken se" in said) == (form.id in SIGNING.reserved)
    assert ("också när den första och maskinen är överens" in said) == form.rules.double_check
