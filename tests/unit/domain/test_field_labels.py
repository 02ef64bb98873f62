"""In a list of answers no two fields have the same name, and each name says what the value is
of.
"""

from __future__ import annotations

import pytest

from pipeline.domain.form.field_labels import accessible_name, accessible_names
from pipeline.domain.form.form import Form, Forms
from pipeline.domain.settings import ROOT

FORMS = Forms.load(ROOT / "forms")


@pytest.mark.parametrize("form", FORMS.values(), ids=lambda form: form.id)
def test_no_two_fields_of_an_entry_are_told_alike(form: Form) -> None:
    told = accessible_names(form, form.rows()[0])
    assert sorted(told) == sorted(spec.name for spec in form.entry_fields(form.rows()[0]))
    assert len(set(told.values())) == len(told)


@pytest.mark.parametrize("form", FORMS.values(), ids=lambda form: form.id)
def test_a_label_that_says_only_of_what_kind_a_value_is_does_not_stand_alone(form: Form) -> None:
    bare = {
        "Datum",
        "Dag",
        "Månad",
        "Klockslag",
        "Namn",
        "Telefon",
        "Adress",
        "Underskrift",
        "Belopp",
        "Antal",
        "Plats",
        "Typ",
        "av",
    }
    told = accessible_names(form, form.rows()[0])
    assert bare.isdisjoint(told.values())
    assert not {label for label in told.values() if label.partition(": ")[0] in bare}


@pytest.mark.parametrize(
    ("form", "field", "label"),
    [
        ("hsl-anteckning", "handelsetid", "Datum då det hände: Klockslag"),
        ("hsl-anteckning", "anteckning", "Anteckning"),
        ("hsl-anteckning", "lakare_datum", "Läkarkontakt: Datum"),
        ("hsl-anteckning", "lakare_tid", "Läkarkontakt: Klockslag"),
        ("hsl-anteckning", "skribent", "Den som har skrivit: Namn"),
        ("hsl-anteckning", "underskrift", "Den som har skrivit: Underskrift"),
        ("orosanmalan", "handelsetid", "Anmälan kom in: Klockslag"),
        ("orosanmalan", "anmalare_namn", "Den som anmäler: Namn"),
        ("orosanmalan", "telefon", "Den som anmäler: Telefon"),
        ("orosanmalan", "vardnadshavare2_telefon", "Vårdnadshavare: Nr 2: Telefon"),
        ("telefonanteckning", "lamnad_datum", "Lämnat vidare till: Datum"),
        ("telefonanteckning", "lamnad_tid", "Lämnat vidare till: Klockslag"),
        ("matvarden", "rad02.tid", "Mätvärden: Klockslag"),
        ("signeringslista", "skriven_tid", "Listan är skriven: Klockslag"),
        ("ansokan-ekonomiskt", "underskrift_datum", "Sökandens underskrift: Datum"),
        ("ansokan-ekonomiskt", "medsokande_namnfortydligande", "Medsökandens underskrift: Namn"),
        ("ansokan-ekonomiskt", "klient_sida2", "Sida 2: Klientens namn och personnummer"),
        ("utbetalningslista", "attestant_underskrift", "Attesterad av: Underskrift"),
        ("normberakning", "resultat", "Resultat: Belopp"),
        ("pappersschema", "blad_av", "Blad: av"),
    ],
)
def test_what_is_alike_or_says_little_names_what_it_belongs_to(
    form: str, field: str, label: str
) -> None:
    known = FORMS.latest(form)
    assert accessible_name(known, known.by_name[field]) == label


@pytest.mark.parametrize(
    ("title", "label"), [("Besök", "Besök: Datum"), ("", "Datum")], ids=["a heading", "no heading"]
)
def test_a_label_stays_as_it_is_where_nothing_tells_more(title: str, label: str) -> None:
    fields = [
        {"name": name, "label": said, "kind": "text", "box": (15, y, 60, 8)}
        for name, said, y in (("nar", "Datum", 100), ("vad", "Mat", 112))
    ]
    page = {
        "fields": fields,
        "sections": [{"title": title, "box": (10, 90, 190, 40)}] if title else [],
    }
    facts = {
        "id": "egen",
        "version": 1,
        "title": "Egen",
        "area": "SoL",
        "criticality": "B",
        "law": [],
        "entries": "sheet",
        "pages": [page],
    }
    assert accessible_names(Form.model_validate(facts), None) == {"nar": label, "vad": "Mat"}
