"""Forms without an outline: what is inferred of them from where their boxes are, held against the
outlines of forms that have one.
"""

from __future__ import annotations

import pytest

from pipeline.domain.form.form import Form, Forms
from pipeline.domain.form.page import PageSpec, Section, Text
from pipeline.domain.settings import ROOT
from pipeline.forms.layout.form import place_outline
from pipeline.forms.layout.outline import Outline, load_outline
from pipeline.preparation.form_check.rules import find_form_problems
from pipeline.preparation.form_editor.outline_inference import (
    InferenceLosses,
    can_infer_outline,
    infer_outline,
)
from tests.support.pages.form_choice import by_form

pytestmark = pytest.mark.slow

FORMS = Forms.load(ROOT / "forms")


def _is_dense(form_id: str) -> bool:
    """Whether its outline has rows that are closer than the inference can know."""
    path = ROOT / "forms" / form_id / "outline.yaml"
    sections = load_outline(path).sections if path.exists() else ()
    return any(section.repeat is not None and section.repeat.dense for section in sections)


OURS = [
    form.id
    for form in FORMS.values()
    if form is FORMS.latest(form.id) and can_infer_outline(form) and not _is_dense(form.id)
]
BY_HAND = [form_id for form_id in OURS if not (ROOT / "forms" / form_id / "outline.yaml").exists()]
OWN_CLIENT = {"bilaga"}
"""Whose section about the client is written out, since the number is not keyed blind."""


def copy_of(form: Form) -> tuple[Form, InferenceLosses]:
    data, lost = infer_outline(form)
    return place_outline(Outline.model_validate(data)), lost


@pytest.mark.parametrize("form_id", by_form(OURS))
def test_no_field_is_lost_and_the_copy_keeps_the_rules(form_id: str) -> None:
    form = FORMS.latest(form_id)
    copy, lost = copy_of(form)
    assert {spec.column for spec in copy.fields} >= {
        spec.column for spec in form.fields if spec.name != "registrerat_namn"
    }
    assert lost.missing_fields == ()
    assert not lost.has_layout_error
    assert [str(fault) for fault in find_form_problems(copy)] == []


@pytest.mark.parametrize("form_id", by_form(sorted(set(OURS) - set(BY_HAND) - OWN_CLIENT)))
def test_sections_and_what_fields_are_come_back_as_in_the_outline(form_id: str) -> None:
    outline, form = load_outline(ROOT / "forms" / form_id / "outline.yaml"), FORMS.latest(form_id)
    data, lost = infer_outline(form)
    assert lost.changed_fields == ()
    assert [one.title for page in copy_of(form)[0].pages for one in page.sections] == [
        one.title for page in form.pages for one in page.sections
    ]
    uses = [section.use.value for section in outline.sections if section.use and not section.table]
    # A section that is written out as the standard one is found as well.
    assert [one["use"] for one in data["sections"] if one.get("use") in uses] == uses


def test_the_oldest_forms_and_the_lists_of_visits_are_placed_by_hand() -> None:
    assert sorted(BY_HAND) == ["besokslista", "fri-anteckning", "korlista"]


def test_what_a_copy_lacks_is_told() -> None:
    first_placed = ("besokslista", "fri-anteckning", "hsl-anteckning", "matvarden")
    lost = {form_id: copy_of(FORMS[form_id, 1])[1] for form_id in first_placed}
    assert not lost["fri-anteckning"]
    assert lost["hsl-anteckning"] == InferenceLosses(shortened_fields=(("Anteckning", 9, 8),))
    assert lost["matvarden"] == InferenceLosses(shortened_fields=(("Mätvärden", 7, 6),))
    assert lost["besokslista"].moved_texts == (
        "Fyll i om listan skrevs vid ett senare tillfälle än besöken.",
    )
    assert not copy_of(FORMS.latest("social-anteckning"))[1]


def _changed(form: Form, **page: object) -> Form:
    """The form with another first page."""
    facts = {name: getattr(form.pages[0], name) for name in PageSpec.model_fields} | page
    told = {name: getattr(form, name) for name in Form.model_fields} | {
        "codes": (),
        "pages": (PageSpec.model_validate(facts), *form.pages[1:]),
    }
    return Form.model_validate(told)


def test_rows_stand_as_on_paper_whatever_the_order_in_the_file() -> None:
    form = FORMS["hsl-anteckning", 1]
    turned = _changed(form, fields=tuple(reversed(form.pages[0].fields)))
    assert infer_outline(turned)[0]["sections"] == infer_outline(form)[0]["sections"]
    contact = next(
        one for one in infer_outline(form)[0]["sections"] if one.get("title") == "Kontakt"
    )
    assert [[one["name"] for one in row] for row in contact["rows"]] == [
        ["kontakttyp", "information"]
    ]


def test_words_keep_their_place_between_rows() -> None:
    form = FORMS.latest("fri-anteckning")
    said = _changed(form, texts=(Text(text="Kort och sakligt.", at=(15, 97.5)),))
    matter = next(one for one in infer_outline(said)[0]["sections"] if one.get("title") == "Ärende")
    assert [row["text"] if isinstance(row, dict) else row[0]["name"] for row in matter["rows"]] == [
        "omrade",
        "Kort och sakligt.",
        "rubrik",
    ]


def test_a_field_outside_all_sections_goes_with_the_one_above() -> None:
    form = FORMS.latest("fri-anteckning")
    grounds = tuple(one for one in form.pages[0].sections if one.title != "Anteckning")
    matter = next(
        one
        for one in infer_outline(_changed(form, sections=grounds))[0]["sections"]
        if one.get("title") == "Ärende"
    )
    assert [row[0]["name"] for row in matter["rows"]] == ["omrade", "rubrik", "anteckning"]


def test_a_form_that_does_not_fit_says_so() -> None:
    form = FORMS.latest("fri-anteckning")
    (note,) = (spec for spec in form.pages[0].fields if spec.name == "anteckning")
    long = tuple(
        note.model_copy(update={"name": f"{note.name}_{turn}", "lines": 40}) for turn in (1, 2)
    )
    assert infer_outline(_changed(form, fields=long[:1]))[1].shortened_fields[0][:2] == (
        "Anteckning",
        40,
    )
    assert infer_outline(_changed(form, fields=long))[1].has_layout_error


def test_an_area_with_nothing_in_is_left_out_and_told() -> None:
    form = FORMS.latest("fri-anteckning")
    copy, lost = copy_of(
        _changed(
            form,
            sections=(
                *form.pages[0].sections,
                Section(title="Kansliets anteckningar", box=(12, 270, 186, 5)),
            ),
        )
    )
    assert lost.missing_fields == ("Kansliets anteckningar",)
    assert [one.title for one in copy.pages[0].sections] == [
        one.title for one in form.pages[0].sections
    ]


def test_a_form_printed_elsewhere_is_not_read_so() -> None:
    form = FORMS.latest("fri-anteckning")
    assert can_infer_outline(form)
    assert not can_infer_outline(_changed(form, blank=ROOT / "x.png"))
    assert not can_infer_outline(_changed(form, sections=()))
