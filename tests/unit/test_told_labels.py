"""In a list of answers no two fields have the same name."""

from __future__ import annotations

import pytest

from pipeline.settings import ROOT
from pipeline.template import Form, Forms
from pipeline.told_labels import told_label, told_labels

FORMS = Forms.load(ROOT / "forms")


@pytest.mark.parametrize("form", FORMS.values(), ids=lambda form: form.id)
def test_no_two_fields_of_an_entry_are_told_alike(form: Form) -> None:
    told = told_labels(form, form.rows()[0])
    assert sorted(told) == sorted(spec.name for spec in form.entry_fields(form.rows()[0]))
    assert len(set(told.values())) == len(told)


@pytest.mark.parametrize(
    ("form", "field", "label"),
    [
        ("hsl-anteckning", "handelsetid", "Datum då det hände: Klockslag"),
        ("hsl-anteckning", "anteckning", "Anteckning"),
        ("orosanmalan", "anmalare_namn", "Den som anmäler: Namn"),
        ("telefonanteckning", "lamnad_tid", "Lämnat vidare till: Datum: Klockslag"),
        ("matvarden", "rad02.tid", "Mätvärden: Klockslag"),
    ],
)
def test_what_is_alike_names_its_section_or_the_field_before(form: str, field: str, label: str) -> None:
    known = FORMS.latest(form)
    assert told_label(known, known.by_name[field]) == label
