"""The rules of legal deadlines: each with its law and source, by the day."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from pipeline.domain.dates import SWEDEN
from pipeline.domain.errors import FormError
from pipeline.domain.law.duties import (
    DeadlineRule,
    due_at,
    duty_text,
    find_deadline_rule,
    load_deadline_rules,
)


def test_the_shipped_rules_have_a_law_and_a_source() -> None:
    assert {rule.rule for rule in load_deadline_rules()} == {
        "lvu-understallning",
        "lvu-ansokan",
        "lvm-understallning",
        "lvm-ansokan",
        "skyddsbedomning",
        "forhandsbedomning",
        "sol-utredning",
        "anmalare-information",
        "overklagande",
    }
    assert all("§" in rule.law and rule.source for rule in load_deadline_rules())
    assert not any("gällande lydelse" in rule.source for rule in load_deadline_rules())
    assert all(
        "{day}" in rule.say[language] for rule in load_deadline_rules() for language in ("sv", "en")
    )


@pytest.mark.parametrize(
    ("rule", "last"),
    [
        ("lvu-understallning", "2021-12-24 23:59"),
        ("lvu-ansokan", "2022-01-14 23:59"),
        ("lvm-understallning", "2021-12-18 23:59"),
        ("lvm-ansokan", "2021-12-24 23:59"),
        ("skyddsbedomning", "2021-12-18 23:59"),
        ("forhandsbedomning", "2021-12-31 23:59"),
        ("sol-utredning", "2022-04-17 23:59"),
        ("overklagande", "2022-01-07 23:59"),
    ],
)
def test_a_decision_is_due_within_the_days_of_its_rule(rule: str, last: str) -> None:
    assert due_at(rule, date(2021, 12, 17)) == datetime.fromisoformat(last).replace(tzinfo=SWEDEN)
    furthest = due_at(rule, date.max)
    assert furthest is not None
    assert furthest.astimezone(UTC).date() == date.max


@pytest.mark.parametrize("day", ["2021-12-17", "2025-07-01", "2026-03-02"])
def test_a_report_is_assessed_by_the_end_of_the_day_after_as_its_form_says(day: str) -> None:
    began = date.fromisoformat(day)
    assert find_deadline_rule("skyddsbedomning", began).last_day(began) == began + timedelta(days=1)


@pytest.mark.parametrize(
    ("day", "last"),
    [("2021-12-17", None), ("2026-01-14", None), ("2026-01-15", "2026-01-22 23:59")],
)
def test_who_reported_is_told_within_a_week_since_the_law_says_so(
    day: str, last: str | None
) -> None:
    due = last and datetime.fromisoformat(last).replace(tzinfo=SWEDEN)
    assert due_at("anmalare-information", date.fromisoformat(day)) == due


def test_a_time_that_runs_from_a_decision_not_on_the_paper_follows_its_last_day() -> None:
    due = due_at("anmalare-information", date(2026, 2, 1), "forhandsbedomning")
    assert due == datetime(2026, 2, 22, 23, 59, tzinfo=SWEDEN)
    assert due_at("anmalare-information", date(2026, 1, 14), "forhandsbedomning") is None


@pytest.mark.parametrize(
    ("begun", "last"),
    [("2021-10-31", "2022-02-28"), ("2023-10-31", "2024-02-29"), ("2021-08-31", "2021-12-31")],
)
def test_a_time_in_months_ends_in_the_month_that_it_names(begun: str, last: str) -> None:
    rule = find_deadline_rule("sol-utredning", date.fromisoformat(begun))
    assert rule.last_day(date.fromisoformat(begun)) == date.fromisoformat(last)


def test_a_rule_names_days_or_months() -> None:
    rule = load_deadline_rules()[0].model_dump(by_alias=True)
    for wrong in ({"within_months": 1}, {"within_days": None}):
        with pytest.raises(ValueError, match="either days or months"):
            DeadlineRule.model_validate(rule | wrong)


@pytest.mark.parametrize(
    ("rule", "then", "now"),
    [
        ("skyddsbedomning", "(2001:453) 11 kap. 1 a §", "(2025:400) 20 kap. 1 §"),
        ("forhandsbedomning", "(2001:453) 11 kap. 1 a §", "(2025:400) 20 kap. 2 §"),
        ("sol-utredning", "(2001:453) 11 kap. 2 §", "(2025:400) 20 kap. 3 §"),
    ],
)
def test_a_deadline_has_the_law_of_its_day(rule: str, then: str, now: str) -> None:
    assert then in find_deadline_rule(rule, date(2021, 12, 17)).law
    assert now in find_deadline_rule(rule, date(2026, 11, 29)).law


def test_the_version_that_held_on_the_day_counts() -> None:
    old, new = (
        DeadlineRule.model_validate(
            {
                "rule": "r",
                "version": n,
                "what": "w",
                "law": "l",
                "source": "s",
                "from": day,
                "within_days": days,
            }
        )
        for n, day, days in ((1, "2000-01-01", 7), (2, "2025-07-01", 5))
    )
    assert [
        find_deadline_rule("r", date(year, 7, 1), (new, old)).version for year in (1999, 2024, 2025)
    ] == [1, 1, 2]
    with pytest.raises(FormError):
        find_deadline_rule("q", date(2024, 1, 1), (old, new))


def test_a_broken_file_of_rules_is_named(tmp_path: Path) -> None:
    (tmp_path / "deadlines.yaml").write_text("- rule: r\n", "utf-8")
    with pytest.raises(FormError, match=r"deadlines\.yaml"):
        load_deadline_rules(tmp_path / "deadlines.yaml")


@pytest.mark.parametrize(
    ("now", "left"),
    [
        ("2022-01-10T12:00", "10 dagar kvar"),
        ("2022-01-19T23:30", "1 dag kvar"),
        ("2022-01-20T00:30", "sista dagen är i dag"),
        ("2022-01-21T00:30", "gick ut för 1 dag sedan"),
        ("2022-01-30T12:00", "gick ut för 10 dagar sedan"),
    ],
)
def test_a_duty_is_said_with_the_swedish_days_left(now: str, left: str) -> None:
    due = datetime(2022, 1, 20, 23, 59, tzinfo=SWEDEN)
    moment = datetime.fromisoformat(now).replace(tzinfo=SWEDEN)
    text = duty_text("lvu-ansokan", due, moment, "sv")
    assert text == (
        f"Ansökan om vård ska vara hos förvaltningsrätten senast tors 20 jan. 2022 – {left}"
    )
    assert "dagen är inte läst" in duty_text("lvu-ansokan", None, moment, "sv")
