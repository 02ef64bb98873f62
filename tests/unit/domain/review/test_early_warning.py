"""NEWS2 of a row of measurements: computed from what people typed, and never guessed."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from pipeline.domain.form.form import Forms
from pipeline.domain.model import State
from pipeline.domain.review.early_warning import RiskLevel, load_scales, score_answers
from pipeline.domain.review.rules import Answer
from pipeline.domain.settings import ROOT

FORMS = Forms.load(ROOT / "forms")
ROW = 2
WELL: dict[str, str | bool] = {
    "andning": "16",
    "saturation": "97",
    "bt_sys": "125",
    "puls": "72",
    "temp": "37,0",
    "medvetande": "a",
}


def answers(said: Mapping[str, str | bool], illegible: tuple[str, ...] = ()) -> dict[str, Answer]:
    given = {f"rad{ROW:02d}.{name}": Answer(value) for name, value in said.items()}
    lost = {f"rad{ROW:02d}.{name}": Answer(None, State.ILLEGIBLE) for name in illegible}
    return given | lost


def points(**said: str | bool) -> int | None:
    found = score_answers(FORMS.latest("matvarden"), ROW, answers(WELL | said))
    assert found
    return found.points


@pytest.mark.parametrize(
    ("field", "by_value"),
    [
        ("andning", {"8": 3, "9": 1, "11": 1, "12": 0, "20": 0, "21": 2, "24": 2, "25": 3}),
        ("saturation", {"91": 3, "92": 2, "93": 2, "94": 1, "95": 1, "96": 0}),
        ("bt_sys", {"90": 3, "91": 2, "100": 2, "101": 1, "110": 1, "111": 0, "219": 0, "220": 3}),
        ("puls", {"40": 3, "41": 1, "50": 1, "51": 0, "90": 0, "91": 1, "111": 2, "131": 3}),
        ("temp", {"35,0": 3, "35,1": 1, "36,0": 1, "36,1": 0, "38,0": 0, "38,1": 1, "39,1": 2}),
        ("medvetande", {"a": 0, "c": 3, "v": 3, "p": 3, "u": 3}),
    ],
)
def test_each_part_has_the_points_of_its_band(field: str, by_value: dict[str, int]) -> None:
    assert {value: points(**{field: value}) for value in by_value} == by_value


@pytest.mark.parametrize(
    ("oxygen", "by_value"),
    [
        (False, {"83": 3, "84": 2, "86": 1, "88": 0, "93": 0, "99": 0}),
        (True, {"83": 5, "85": 4, "87": 3, "92": 2, "93": 3, "95": 4, "97": 5}),
    ],
)
def test_the_second_scale_of_saturation_counts_oxygen(
    oxygen: bool, by_value: dict[str, int]
) -> None:
    found = {one: points(saturation=one, skala2=True, syrgas=oxygen) for one in by_value}
    assert found == by_value


@pytest.mark.parametrize(
    ("said", "level"),
    [
        ({}, RiskLevel.LOW),
        ({"puls": "135"}, RiskLevel.LOW_MEDIUM),
        ({"puls": "135", "syrgas": True}, RiskLevel.MEDIUM),
        ({"puls": "135", "syrgas": True, "andning": "22"}, RiskLevel.HIGH),
    ],
)
def test_the_sum_has_a_level(said: dict[str, str | bool], level: RiskLevel) -> None:
    found = score_answers(FORMS.latest("matvarden"), ROW, answers(WELL | said))
    assert found
    assert found.level is level


@pytest.mark.parametrize("lost", ["andning", "medvetande", "syrgas", "skala2"])
def test_what_is_illegible_is_named_and_not_assumed(lost: str) -> None:
    said = {name: value for name, value in WELL.items() if name != lost}
    found = score_answers(FORMS.latest("matvarden"), ROW, answers(said, (lost,)))
    assert found
    assert found.points is None
    assert lost in [spec.column for spec in found.missing]


def test_a_single_pulse_and_the_first_version_have_no_score() -> None:
    assert score_answers(FORMS.latest("matvarden"), ROW, answers({"puls": "72"})) is None
    assert score_answers(FORMS["matvarden", 1], ROW, answers(WELL)) is None
    assert score_answers(FORMS.latest("hsl-anteckning"), None, {}) is None


def test_the_scale_names_its_source() -> None:
    assert all(scale.source and scale.version for scale in load_scales())
