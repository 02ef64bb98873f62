"""Who may sign what, by form, profession and author: forms/signing.yaml read with other eyes."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from itertools import product

import pytest

from pipeline.domain.errors import NotAllowedError
from pipeline.domain.form.form import Area, Form, Forms, SigningRule
from pipeline.domain.law.permissions import (
    ALL_AREAS,
    find_profession,
    find_signing_profession,
    load_professions,
    require_signer,
    reserved_forms,
)
from pipeline.domain.model import Assignment, Person, Role
from pipeline.domain.settings import ROOT

FORMS = Forms.load(ROOT / "forms")
LATEST = {form_id: FORMS.latest(form_id) for form_id, _ in FORMS}
UNIT = "Norr"
LICENSED = {"nurse", "physician", "rehabilitation", "other-licensed"}
SOCIAL = {"care-worker", "planner", "assistance", "unit-manager", "individual-and-family"}
OFFICE = {"administration", "board", "unit-manager"}
AUTHORS: dict[str, set[str]] = {
    "HSL": LICENSED | {"care-worker"},
    "SoL": SOCIAL,
    "LSS": SOCIAL,
    "IFO": {"individual-and-family"},
    "ADM": OFFICE,
    "signeringslista": {"nurse", "physician", "rehabilitation", "care-worker"},
    "matvarden": {"nurse", "physician", "rehabilitation", "care-worker"},
    "signeringslista-vid-behov": {"nurse", "physician", "rehabilitation", "care-worker"},
    "narkotikalista": {"nurse", "physician"},
    "palliativ-hemakt": {"nurse", "physician"},
    "tillagg-omvardnadsjournal": {"nurse", "care-worker"},
    "ny-patient": {"nurse", "physician", "rehabilitation"},
    "utskrivningsklar": {"nurse", "physician", "rehabilitation"},
    "avvikelse-hsl": LICENSED | {"care-worker", "unit-manager"},
    "lvu-omhandertagande": {"individual-and-family", "board"},
    "lvm-omhandertagande": {"individual-and-family", "board"},
    "forsandelse-ratten": {"individual-and-family", "board"},
}
"""Who signs what they wrote themselves: by area of law, and forms that differ from theirs."""
FOR_OTHERS: dict[str, set[str]] = AUTHORS | {
    "HSL": {"nurse", "physician", "rehabilitation"},
    "SoL": {"assistance", "unit-manager", "individual-and-family"},
    "LSS": {"assistance", "unit-manager", "individual-and-family"},
    "signeringslista": {"nurse"},
    "signeringslista-vid-behov": {"nurse"},
    "matvarden": {"nurse", "physician"},
    "tillagg-omvardnadsjournal": {"nurse"},
    "avvikelse-hsl": {"nurse", "rehabilitation", "unit-manager"},
}
"""Who signs for an author who cannot."""


@pytest.fixture(scope="module")
def rule() -> SigningRule:
    """The newest rule."""
    return FORMS.signing[-1]


def signer(title: str, role: Role = Role.REVIEWER, area: str | None = None) -> Person:
    areas = frozenset({area}) if area else ALL_AREAS
    return Person("x", "X Ek", title, role, frozenset({UNIT}), areas)


@pytest.mark.parametrize("own", [True, False])
@pytest.mark.parametrize("form", LATEST.values(), ids=LATEST)
def test_each_form_is_signed_by_the_professions_of_the_table(
    rule: SigningRule, form: Form, own: bool
) -> None:
    table = AUTHORS if own else FOR_OTHERS
    areas = sorted(ALL_AREAS) if form.id in rule.by_unit else [form.area.value]
    for profession, area in product(load_professions(), areas):
        expected = profession.id in table.get(form.id, table[area])
        for title in profession.titles:
            may = find_signing_profession(signer(title), rule, form, UNIT, area, own=own)
            assert may == (profession.id if expected else None), (title, area)


def test_every_name_of_the_table_is_a_profession_or_a_form(rule: SigningRule) -> None:
    known = {profession.id for profession in load_professions()}
    signers = [*rule.signers.values(), *rule.form_signers.values()]
    assert {name for one in signers for name in one.author | one.absent} <= known
    assert set(rule.form_signers) | rule.reserved <= set(LATEST)
    assert set(rule.signers) == set(Area)
    assert all(one.author and one.absent for one in signers)


def test_the_rules_that_are_superseded_are_as_they_were() -> None:
    assert [(one.version, str(one.since)) for one in FORMS.signing] == [
        (1, "2008-07-01"),
        (2, "2026-11-26"),
        (3, "2026-11-29"),
        (4, "2026-11-29"),
    ]


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.REVIEWER])
def test_only_reviewers_sign_whatever_their_profession(rule: SigningRule, role: Role) -> None:
    form = LATEST["hsl-anteckning"]
    with pytest.raises(NotAllowedError):
        require_signer(signer("sjuksköterska", role), rule, form, UNIT, "HSL", own=True)


def test_an_assistant_with_the_area_of_health_care_signs_nothing_of_it(rule: SigningRule) -> None:
    for own in (True, False):
        with pytest.raises(NotAllowedError, match="profession"):
            require_signer(
                signer("assistent", area="HSL"),
                rule,
                LATEST["hsl-anteckning"],
                UNIT,
                "HSL",
                own=own,
            )


@pytest.mark.parametrize("rules", [None, "without a table"])
def test_without_a_table_nobody_signs(rule: SigningRule, rules: str | None) -> None:
    empty = rules and rule.model_copy(update={"signers": {}, "form_signers": {}})
    form = LATEST["hsl-anteckning"]
    nurse = signer("sjuksköterska")
    assert find_signing_profession(nurse, empty or None, form, UNIT, "HSL", own=True) is None


def test_the_profession_is_that_of_the_assignment_in_the_unit(rule: SigningRule) -> None:
    """A nurse in one unit is no nurse where she is assigned as an assistant."""
    nurse = Assignment(Role.REVIEWER, "sjuksköterska", frozenset({"Söder"}), frozenset({"HSL"}))
    both = replace(signer("assistent", area="HSL"), further=(nurse,))
    form = LATEST["hsl-anteckning"]
    assert find_signing_profession(both, rule, form, "Söder", "HSL", own=False) == "nurse"
    assert find_signing_profession(both, rule, form, UNIT, "HSL", own=False) is None


def test_forms_that_not_anybody_may_type() -> None:
    assert reserved_forms() == FORMS.signing_rule(date(2027, 1, 1)).reserved  # type: ignore[union-attr]
    assert FORMS.double_check <= reserved_forms()


def test_titles_are_found_whatever_their_case() -> None:
    found = find_profession(" Sjuksköterska ")
    assert found is not None
    assert found.id == "nurse"
    assert find_profession("trollkarl") is None
