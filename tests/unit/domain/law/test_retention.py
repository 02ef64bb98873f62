"""How long records are kept: by law, version, exemption and the sample of research."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from pipeline.domain.errors import FormError
from pipeline.domain.law.retention import (
    RETENTION_FILE,
    RetentionAction,
    RetentionFacts,
    birth_date,
    birth_day,
    classify_retention,
    load_retention_rules,
)
from tests.support.shared_data import shared
from tests.support.store.export_examples import ARNE, SIV

NOTE = RetentionFacts(
    "SoL", "fri-anteckning", SIV.pid, date(2021, 12, 17), "Norrbottens län", "Kalix kommun"
)


def test_each_version_names_law_and_source_and_follows_the_one_before() -> None:
    for rule in load_retention_rules():
        assert rule.law
        assert rule.source
    by_name: dict[str, list[tuple[int, date]]] = {}
    for rule in load_retention_rules():
        by_name.setdefault(rule.rule, []).append((rule.version, rule.from_))
    for versions in by_name.values():
        assert versions == sorted(versions)
        assert [version for version, _ in versions] == list(range(1, len(versions) + 1))


def test_a_patient_record_is_kept_for_ten_years_at_least() -> None:
    found = classify_retention(replace(NOTE, area="HSL"))
    assert (found.rule.rule, found.rule.after, found.earliest) == (
        "HSL-10",
        RetentionAction.KEEP,
        date(2031, 12, 17),
    )
    assert "3 kap. 17 §" in found.rule.law


@pytest.mark.shared
def test_the_ten_years_stand_in_the_law_itself() -> None:
    assert "minst tio år efter det att den sista uppgiften fördes in" in shared(
        "schemas", "law", "patientdatalag-2008-355.md"
    ).read_text("utf-8")


def test_a_file_of_the_social_services_is_erased_after_five_years_and_says_what_to_look_at() -> (
    None
):
    found = classify_retention(NOTE)
    assert (found.rule.rule, found.rule.version, found.earliest, found.permanent_reason) == (
        "SOL-5",
        1,
        date(2026, 12, 17),
        "",
    )
    assert any("faderskap" in each for each in found.manual_checks)


@pytest.mark.parametrize(
    ("day", "version"),
    [(date(2025, 6, 30), 1), (date(2025, 7, 1), 2), (date(2026, 1, 15), 3), (None, 3)],
)
def test_the_law_of_the_day_applies(day: date | None, version: int) -> None:
    assert classify_retention(replace(NOTE, day=day)).rule.version == version


def test_the_placing_of_a_child_is_kept() -> None:
    found = classify_retention(replace(NOTE, area="IFO", form="lvu-omhandertagande"))
    assert found.earliest is None
    assert "placering av barn" in found.permanent_reason


@pytest.mark.parametrize("form", ["tjansteanteckning", "skyddsbedomning"])
@pytest.mark.parametrize("day", [date(2021, 12, 17), date(2026, 2, 1)])
def test_a_placing_told_on_another_paper_has_to_be_looked_for(form: str, day: date) -> None:
    """A placing keeps the whole file, whatever paper this is."""
    found = classify_retention(replace(NOTE, area="IFO", form=form, day=day))
    assert found.earliest is not None
    assert any("placering av barn" in each for each in found.manual_checks)


@pytest.mark.shared
@pytest.mark.parametrize("day", [5, 15, 25])
def test_the_sample_keeps_who_was_born_on_its_days(day: int) -> None:
    numbers = shared("schemas", "identity", "testpersonnummer.txt").read_text("utf-8").split()
    sampled = next(number for number in numbers if number[6:8] == f"{day:02d}")
    others = next(number for number in numbers if int(number[6:8]) not in (5, 15, 25))
    for area in ("SoL", "LSS", "IFO"):
        assert (
            f"född den {day}"
            in classify_retention(replace(NOTE, area=area, pid=sampled)).permanent_reason
        )
        assert classify_retention(replace(NOTE, area=area, pid=others)).permanent_reason == ""
    assert classify_retention(replace(NOTE, area="HSL", pid=sampled)).permanent_reason == ""


@pytest.mark.shared
def test_the_days_and_places_of_the_sample_stand_in_the_ordinance() -> None:
    text = shared("schemas", "law", "socialtjanstforordning-2025-468.md").read_text("utf-8")
    assert "födda den femte, femtonde och tjugofemte i varje månad" in text
    assert "Östergötlands, Gotlands och Västernorrlands län samt i Göteborgs kommun" in text


@pytest.mark.parametrize(
    ("county", "municipality"),
    [("Gotlands län", "Region Gotland"), ("Västra Götalands län", "Göteborgs kommun")],
)
def test_in_some_places_every_file_is_kept(county: str, municipality: str) -> None:
    assert (
        "alla akter"
        in classify_retention(
            replace(NOTE, county=county, municipality=municipality)
        ).permanent_reason
    )


@pytest.mark.parametrize(
    "pid", ["", "TILLFABCDEFG", "99200012345X", "992021123456", "192801287159"]
)
def test_whose_day_of_birth_is_not_known_is_kept(pid: str) -> None:
    assert birth_day(pid) is None
    assert "födelsedag okänd" in classify_retention(replace(NOTE, pid=pid)).permanent_reason


def test_a_coordination_number_tells_the_day_less_sixty() -> None:
    assert birth_day("197010632391") == 3
    assert birth_day(ARNE.pid) == int(ARNE.pid[6:8])


@pytest.mark.parametrize("area", ["ADM", "något nytt"])
def test_what_no_law_times_is_kept_by_plan(area: str) -> None:
    found = classify_retention(replace(NOTE, area=area))
    assert (found.rule.after, found.earliest) == (RetentionAction.PLAN, None)


def test_a_leap_day_lasts_a_day_longer() -> None:
    assert classify_retention(replace(NOTE, day=date(2024, 2, 29), area="SoL")).earliest == date(
        2029, 3, 1
    )


def test_a_file_that_is_no_rule_is_refused(tmp_path: Path) -> None:
    file = tmp_path / RETENTION_FILE.name
    file.write_text("- rule: X\n", "utf-8")
    with pytest.raises(FormError, match="retention"):
        load_retention_rules(file)


@pytest.mark.parametrize(
    ("form", "area", "rule", "after", "earliest"),
    [
        ("signaturfortydligande", "ADM", "SIGN", "keep", date(2031, 12, 17)),
        ("utbetalningslista", "IFO", "RAK-7", "keep", date(2029, 1, 1)),
        ("avvikelse-hsl", "HSL", "AVV", "plan", None),
        ("avvikelse-sol", "SoL", "AVV", "plan", None),
        ("orosanmalan", "IFO", "ANM-5", "plan", None),
        ("forsattsblad", "ADM", "ARB", "plan", None),
        ("nyckelkvittens", "SoL", "ARB", "plan", None),
        ("matbestallning", "SoL", "ARB", "plan", None),
        ("hsl-anteckning", "HSL", "HSL-10", "keep", date(2031, 12, 17)),
        ("besokslista", "SoL", "SOL-5", "erase", date(2026, 12, 17)),
    ],
)
def test_the_kind_of_a_document_decides_before_its_area(
    form: str, area: str, rule: str, after: str, earliest: date | None
) -> None:
    found = classify_retention(replace(NOTE, form=form, area=area))
    assert (found.rule.rule, found.rule.after.value, found.earliest) == (rule, after, earliest)


def test_a_staff_list_is_kept_as_long_as_the_lists_that_it_explains() -> None:
    found = classify_retention(replace(NOTE, form="signaturfortydligande", area="ADM"))
    assert any("signeringslista" in check for check in found.manual_checks)


def test_a_concern_without_an_investigation_is_erased_after_five_years_by_todays_law() -> None:
    found = classify_retention(
        replace(NOTE, form="orosanmalan", area="IFO", day=date(2026, 2, 1), last=None)
    )
    assert (found.rule.version, found.earliest) == (3, date(2031, 2, 1))
    assert any("fyllt trettio" in check for check in found.manual_checks)


@pytest.mark.parametrize(
    ("choice", "day", "rule"),
    [
        ("inleds", date(2026, 2, 1), "BARN-30"),
        ("pagar", date(2026, 2, 1), "BARN-30"),
        ("inleds_inte", date(2026, 2, 1), "ANM-5"),
        ("inleds", date(2021, 12, 17), "SOL-5"),
        ("inleds_inte", date(2021, 12, 17), "ANM-5"),
    ],
)
def test_whether_an_investigation_was_begun_decides(choice: str, day: date, rule: str) -> None:
    facts = replace(NOTE, form="skyddsbedomning", area="IFO", day=day)
    found = classify_retention(replace(facts, values={"utredning": choice}))
    assert found.rule.rule == rule


def test_papers_of_a_childs_investigation_are_kept_until_the_person_is_thirty() -> None:
    facts = replace(NOTE, form="skyddsbedomning", area="IFO", day=date(2026, 2, 1))
    found = classify_retention(replace(facts, values={"utredning": "inleds"}))
    born = birth_date(SIV.pid)
    assert born is not None
    assert found.earliest == max(date(2031, 2, 1), born.replace(year=born.year + 30))


def test_what_a_later_law_exempts_is_looked_at_too_when_it_is_in_force_by_then() -> None:
    checks = classify_retention(replace(NOTE, area="IFO")).manual_checks
    assert any("fyllt trettio år" in check for check in checks)
    assert len([check for check in checks if "faderskap" in check]) <= 2
    old = classify_retention(replace(NOTE, area="IFO", day=date(2015, 1, 1)))
    assert not any("fyllt trettio år" in check for check in old.manual_checks)


def test_a_rule_is_for_areas_or_for_a_kind() -> None:
    rule = load_retention_rules()[0].model_dump(by_alias=True)
    changes: list[dict[str, object]] = [{"kind": "k"}, {"areas": []}, {"forms": ["f"]}]
    for wrong in changes:
        with pytest.raises(ValueError, match="either for areas or for a kind"):
            type(load_retention_rules()[0]).model_validate(rule | wrong)


def test_every_form_of_a_kind_belongs_to_one_kind() -> None:
    kinds: dict[str, set[str]] = {}
    for rule in load_retention_rules():
        for form in rule.forms:
            kinds.setdefault(form, set()).add(rule.rule)
    assert all(len(rules) == 1 for rules in kinds.values())
