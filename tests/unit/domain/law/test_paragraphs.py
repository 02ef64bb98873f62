"""The paragraphs behind a duty: one for each day, each with its source."""

from __future__ import annotations

from datetime import date

import pytest

from pipeline.domain.errors import FormError
from pipeline.domain.form.form import Form, LegalBasis
from pipeline.domain.law.duties import LawDuty, law_refs, load_law_duties

OUTAGE, NOW = date(2021, 12, 16), date(2026, 11, 29)


def form_with(*law: dict[str, str]) -> Form:
    """A form that is based on this law."""
    field = {"name": "a", "label": "A", "kind": "mark", "box": [20, 40, 5, 5]}
    return Form.model_validate(
        {
            "id": "blankett",
            "version": 1,
            "title": "Blankett",
            "area": "SoL",
            "criticality": "B",
            "law": law,
            "entries": "sheet",
            "pages": [{"fields": [field]}],
        }
    )


@pytest.mark.parametrize(
    ("rule", "then", "now"),
    [
        ("sol-anmalan", "(2001:453) 14 kap. 1 §", "(2025:400) 19 kap. 1 och 2 §§"),
        ("sol-utredning", "(2001:453) 11 kap. 1 och 2 §§", "14 kap. 2 § och 20 kap. 3 §"),
        ("sol-bistand", "(2001:453) 4 kap. 1 §", "(2025:400) 11 kap. 1 §"),
        ("sol-ekonomiskt-bistand", "(2001:453) 4 kap. 1 och 3 §§", "(2025:400) 12 kap. 1"),
        ("sol-lex-sarah", "(2001:453) 14 kap. 3 §", "(2025:400) 27 kap. 2 §"),
        ("sol-skyddsbedomning", "(2001:453) 11 kap. 1 a §", "(2025:400) 20 kap. 1 §"),
        ("sol-forhandsbedomning", "(2001:453) 11 kap. 1 a §", "(2025:400) 20 kap. 2 §"),
        ("sol-dokumentation", "(2001:453) 11 kap. 5 och 6 §§", "(2025:400) 14 kap. 3"),
        ("sol-gallring", "(2001:453) 12 kap. 1 och 2 §§", "16 kap. 1, 2, 2 a och 4 §§"),
        ("lvu-8", "(1990:52)", "8 §"),
        ("lvm-18", "(1988:870)", "18 §"),
    ],
)
def test_duty_has_the_paragraph_of_the_day(rule: str, then: str, now: str) -> None:
    form = form_with({"rule": rule})
    assert then in law_refs(form, OUTAGE)[0].ref
    assert now in law_refs(form, NOW)[0].ref


@pytest.mark.parametrize(
    ("day", "law"), [("2025-06-30", "2001:453"), ("2025-07-01", "2025:400"), ("1990-01-01", "2001")]
)
def test_new_law_holds_from_its_first_day_on(day: str, law: str) -> None:
    assert law in law_refs(form_with({"rule": "sol-bistand"}), date.fromisoformat(day))[0].ref


def test_law_without_a_rule_is_the_same_every_day() -> None:
    fixed = {"ref": "Arkivlagen (1990:782) 10 §", "source": "SFS 1990:782"}
    refs = law_refs(form_with(fixed, {"rule": "fl-beslut"}), OUTAGE)
    assert refs[0] == LegalBasis.model_validate(fixed)
    assert refs[1].ref.startswith("Förvaltningslagen")


def test_two_duties_of_the_same_paragraph_are_one_reference() -> None:
    form = form_with({"rule": "sol-skyddsbedomning"}, {"rule": "sol-forhandsbedomning"})
    assert len({law.ref for law in law_refs(form, OUTAGE)}) == len(law_refs(form, OUTAGE)) == 1
    assert len(law_refs(form, NOW)) == 2


def test_unknown_duty_is_an_error() -> None:
    with pytest.raises(FormError, match="sol-okand"):
        law_refs(form_with({"rule": "sol-okand"}), NOW)


def test_every_version_has_a_source_and_says_what_was_not_read() -> None:
    for duty in load_law_duties().values():
        assert duty.what
        for version in duty.versions:
            assert version.ref
            assert version.source
            assert version.read or "läst" in version.source or "sammanfattning" in version.source


def test_versions_are_in_the_order_of_their_days() -> None:
    version = {"ref": "1 §", "source": "SFS", "read": True}
    days = [{"from": "2025-07-01"} | version, {"from": "2001-01-01"} | version]
    with pytest.raises(ValueError, match="order"):
        LawDuty.model_validate({"rule": "r", "what": "w", "versions": days})
