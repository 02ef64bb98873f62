"""What comes first: the product's table and how its rules are met."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from pathlib import Path

import pytest
from pydantic import ValidationError

from pipeline.domain.errors import FormError
from pipeline.domain.form.form import Form, Forms
from pipeline.domain.model import Reading, State, Value
from pipeline.domain.review.triage import (
    EntryContent,
    TriageMatcher,
    TriageRule,
    content_of_readings,
    content_of_values,
    level_of,
    load_triage_table,
)
from pipeline.domain.settings import ROOT

TODAY = date(2026, 11, 29)
FORMS = Forms.load(ROOT / "forms")
SHIPPED = TriageMatcher(load_triage_table().rules)


def place(form: Form, values: Mapping[str, Value]) -> tuple[int, str]:
    """Level and rule of an entry that says this, in the first row where the form has rows."""
    row = form.rows()[0]
    rule = SHIPPED.find(form, content_of_values(form, row, values), TODAY)
    return level_of(rule, form.criticality), rule.id if rule else ""


@pytest.mark.parametrize(
    ("form", "values", "expected"),
    [
        ("lvu-omhandertagande", {}, (1, "lagens-tid")),
        ("orosanmalan", {}, (1, "lagens-tid")),
        ("telefonanteckning", {"bradska": "nu"}, (1, "akut")),
        ("ny-patient", {"overkanslighet": True}, (2, "allergi")),
        ("matbestallning", {"allergi": "nötter"}, (2, "allergi")),
        ("hsl-anteckning", {"anteckning": "Är allergsik mot penicillin"}, (2, "allergi")),
        ("avvikelse-hsl", {"typ": "fall"}, (2, "fall")),
        ("larmatgard", {"fall": True}, (2, "fall")),
        ("larmatgard", {"falsklarm": True}, (6, "falsklarm")),
        ("matvarden", {"b_glukos": "3.2"}, (2, "varde")),
        ("matvarden", {"b_glukos": "6.0"}, (3, "klass-a")),
        ("signeringslista", {"avvikelse1": "ej_given"}, (2, "dos")),
        ("signeringslista", {"given1": "AK"}, (3, "klass-a")),
        ("hsl-anteckning", {"plan": "Läkemedlet ökas"}, (2, "lakemedel-ord")),
        ("utbetalningslista", {}, (2, "pengar")),
        ("besokslista", {"utebliven": True}, (3, "utebliven")),
        ("besokslista", {}, (4, "klass-b")),
        ("matbestallning", {"antal": "2"}, (6, "mat")),
        ("nyckelkvittens", {}, (6, "mat")),
        ("utlamnade-telefoner", {}, (6, "mat")),
        ("utlamnade-telefoner", {"status": "saknas"}, (2, "borta")),
        ("hsl-anteckning", {"anteckning": "Allt lugnt."}, (6, "lugnt")),
        (
            "hsl-anteckning",
            {"anteckning": "Allt lugnt på natten men klagar på värk i benet och vill inte äta"},
            (3, "klass-a"),
        ),
        ("hsl-anteckning", {"anteckning": "Allt lugnt. Ramlade i går."}, (2, "fall")),
        ("krisledningsmote", {}, (5, "klass-c")),
    ],
)
def test_the_shipped_table_puts_harm_first_and_meals_last(
    form: str, values: dict[str, Value], expected: tuple[int, str]
) -> None:
    assert place(FORMS[form, 1], values) == expected


@pytest.mark.parametrize(
    ("form", "values", "expected"),
    [
        ("signeringslista", {"avv1_rad": "3", "avv1_kod": "2"}, (3, "klass-a")),
        ("signeringslista", {"avv1_kod": "2", "avv2_kod": "1"}, (2, "dos")),
        ("signeringslista", {"avv14_kod": "3"}, (2, "dos")),
        ("nyckelkvittens", {"status": "saknas"}, (2, "borta")),
        ("bistandsbeslut", {}, (3, "klass-a")),
    ],
)
def test_second_versions_are_placed_by_what_they_say(
    form: str, values: dict[str, Value], expected: tuple[int, str]
) -> None:
    assert place(FORMS.latest(form), values) == expected


@pytest.mark.parametrize(
    ("form", "open_rules", "expected"),
    [
        # After four weeks the child must be released (LVU 8 and 9 §§)
        ("lvu-omhandertagande", {"lvu-ansokan"}, "lagens-tid"),
        ("lvu-omhandertagande", set[str](), "barn"),
        ("skyddsbedomning", {"sol-utredning"}, "barn"),
        ("beslut-ekonomiskt", {"overklagande"}, "pengar"),
    ],
)
def test_a_duty_that_must_be_done_within_a_month_comes_first(
    form: str, open_rules: set[str], expected: str
) -> None:
    rule = SHIPPED.find(FORMS.latest(form), EntryContent(), TODAY, open_rules)
    assert rule is not None
    assert rule.id == expected


def test_names_are_no_words_and_crossed_out_fields_say_nothing() -> None:
    form = FORMS["hsl-anteckning", 1]
    readings = {
        "namn": Reading("Fallit Allergi", 0.99, State.READ),
        "skribent": Reading("Ramlat", 0.99, State.READ),
        "anteckning": Reading("Allergi", 0.99, State.CANCELLED),
    }
    content = content_of_readings(form, None, readings)
    assert not content.words
    assert "anteckning" not in content.fields


def test_an_unsure_reading_counts_and_so_does_what_it_may_be_instead() -> None:
    form = FORMS["hsl-anteckning", 1]
    unsure = Reading("Ok all natt", 0.2, State.READ, alternatives=(("Insulin ej givet", 0.1),))
    content = content_of_readings(form, None, {"anteckning": unsure})
    rule = SHIPPED.find(form, content, TODAY)
    assert rule is not None
    assert rule.id == "lakemedel-ord"


def test_content_is_the_same_after_it_was_stored() -> None:
    content = EntryContent(frozenset({"a", "a=b"}), frozenset({"ord"}), {"temp": 39.5})
    assert EntryContent.of_json(content.as_json()) == content


def test_the_first_rule_that_fits_counts_and_one_that_is_off_does_not() -> None:
    rules = [
        TriageRule(id="off", level=1, reason="r", classes=("A",), on=False),
        TriageRule(id="first", level=5, reason="r", forms=("hsl-anteckning",)),
        TriageRule(id="second", level=1, reason="r", classes=("A",)),
    ]
    found = TriageMatcher(rules).find(FORMS["hsl-anteckning", 1], EntryContent(), TODAY)
    assert found is rules[1]


@pytest.mark.parametrize(
    "wrong",
    [
        {"level": 3},
        {"level": 0, "classes": ("A",)},
        {"level": 7, "classes": ("A",)},
        {"level": 1, "fields": ("Typ=fall",)},
        {"level": 1, "words": ("ab",)},
    ],
)
def test_a_rule_without_conditions_or_with_a_wrong_one_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        TriageRule.model_validate({"id": "r", "reason": "r", **wrong})


def test_two_rules_of_one_table_have_different_ids(tmp_path: Path) -> None:
    rule = "{id: r, level: 1, reason: r, classes: [A]}"
    file = tmp_path / "triage.yaml"
    file.write_text(f"- {{version: 1, from: 2026-01-01, rules: [{rule}, {rule}]}}\n", "utf-8")
    with pytest.raises(FormError, match=r"triage\.yaml"):
        load_triage_table(file)


def test_the_shipped_table_names_fields_and_forms_that_some_form_has() -> None:
    columns = {spec.column for form in FORMS.values() for spec in form.fields}
    planned = {
        "varning",
        "typ",
        "ej_given",
        "p_glukos",
        "saturation_syrgas",
        "andningsfrekvens",
    }  # of the forms' second versions
    named = {
        condition.partition("=")[0]
        for rule in load_triage_table().rules
        for condition in rule.fields
    } | {limit.field for rule in load_triage_table().rules for limit in rule.values}
    assert named <= columns | planned
