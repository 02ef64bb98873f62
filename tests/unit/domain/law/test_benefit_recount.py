"""Counting again what a person has answered: sums, the national norm of the year, and the result of
a calculation of financial aid.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from pipeline.domain.errors import FormError, RecountError
from pipeline.domain.form.form import Form, Forms
from pipeline.domain.model import State
from pipeline.domain.review.benefit_norm import NORM_FOLDER, NormTable, load_norm_tables
from pipeline.domain.review.recount import fields_to_recheck, recount_answers
from pipeline.domain.review.rules import Answer, AnswerNumbers
from pipeline.domain.settings import ROOT
from pipeline.operations.demo import SAMPLE_FOLDER

NUMBERS = (
    "manad",
    "antal",
    "vuxna",
    "gemensamt",
    "hyra",
    "el",
    "kostnader",
    "inkomster",
    "resultat",
    "barn1_alder",
    "barn1_norm",
    "barn2_alder",
    "barn2_norm",
    "lon_hela",
    "undantag",
    "lon",
)
MARKS = ("avsteg", "barn1_lunch", "barn1_del", "barn2_lunch", "barn2_del")
SUMS = {"norm": ["vuxna", "gemensamt", "barn1_norm", "barn2_norm"], "kostnader": ["hyra", "el"]}
NORM = {
    "month": "manad",
    "household": "hushall",
    "single": "ensam",
    "couple": "par",
    "persons": "antal",
    "departs": "avsteg",
    "adults": "vuxna",
    "children": {
        "prefix": "barn",
        "count": 2,
        "age": "alder",
        "lunch": "lunch",
        "part": "del",
        "amount": "norm",
    },
    "shared": "gemensamt",
    "norm": "norm",
    "costs": "kostnader",
    "incomes": "inkomster",
    "outcome": "utfall",
    "surplus": "over",
    "deficit": "under",
    "result": "resultat",
    "wages": {"all": "lon_hela", "exempt": "undantag", "counted": "lon"},
}


def _number(name: str) -> dict[str, Any]:
    return {
        "name": name,
        "label": name,
        "kind": "digits",
        "format": "number",
        "cells": 6,
        "box": [20, 20, 33, 8],
        "sum_of": SUMS.get(name, []),
    }


def _choice(name: str, *values: str) -> dict[str, Any]:
    options = [{"value": value, "label": value, "box": [20, 20, 5, 5]} for value in values]
    return {
        "name": name,
        "label": name,
        "kind": "choice",
        "box": [20, 20, 60, 8],
        "options": options,
    }


def _form(**top: object) -> Form:
    fields = [
        *map(_number, (*NUMBERS, "norm")),
        *({"name": name, "label": name, "kind": "mark", "box": [20, 20, 5, 5]} for name in MARKS),
        _choice("hushall", "ensam", "par"),
        _choice("utfall", "under", "over"),
    ]
    law = [{"ref": "SoL", "source": "SFS"}]
    head = {
        "id": "berakning",
        "version": 1,
        "title": "Beräkning",
        "area": "IFO",
        "criticality": "B",
        "law": law,
        "entries": "sheet",
        "norm": NORM,
    }
    return Form.model_validate(head | {"pages": [{"fields": fields}]} | top)


FORM = _form()
RIGHT: Mapping[str, str | bool] = {
    "manad": "202503",
    "hushall": "ensam",
    "antal": "3",
    "barn1_alder": "5",
    "barn1_lunch": True,
    "barn1_norm": "2700",
    "barn2_alder": "12",
    "barn2_norm": "4350",
    "vuxna": "3910",
    "gemensamt": "1770",
    "norm": "12730",
    "hyra": "7200",
    "el": "430",
    "kostnader": "7630",
    "inkomster": "15000",
    "utfall": "under",
    "resultat": "5360",
}
"""A calculation by the norm of 2025 in which everything is right, computed by hand: 3910 + 2700 +
4350 + 1770; 12730 + 7630 − 15000.
"""


def found(form: Form = FORM, **changed: str | bool | State) -> list[tuple[str, str, str]]:
    """Kind, field and right value of what differs; a state stands for an answer without a value, an
    empty text leaves a field out.
    """
    said = {**RIGHT, **changed}
    answers = {
        name: Answer(None, value) if isinstance(value, State) else Answer(value)
        for name, value in said.items()
        if value != ""
    }
    return [(one.code, one.field, one.right) for one in recount_answers(form, None, answers)]


def test_a_right_calculation_says_nothing() -> None:
    assert found() == []


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        (
            {"kostnader": "7360"},
            [("sum", "kostnader", "7630"), ("norm_result", "resultat", "5090")],
        ),
        ({"vuxna": "3901"}, [("norm_amount", "vuxna", "3910"), ("sum", "norm", "12721")]),
        ({"barn1_norm": "3030"}, [("norm_amount", "barn1_norm", "2700"), ("sum", "norm", "13060")]),
        (
            {"gemensamt": "1400", "norm": "12360", "resultat": "4990"},
            [("norm_amount", "gemensamt", "1770")],
        ),
        ({"antal": "2"}, [("norm_persons", "antal", "3"), ("norm_amount", "gemensamt", "1400")]),
        ({"resultat": "5630"}, [("norm_result", "resultat", "5360")]),
        ({"utfall": "over"}, [("norm_deficit", "utfall", "5360")]),
        ({"inkomster": "25000", "resultat": "4640"}, [("norm_surplus", "utfall", "4640")]),
        ({"hushall": "par"}, [("norm_amount", "vuxna", "7050"), ("norm_persons", "antal", "4")]),
        (
            {"manad": "202401"},
            [("norm_other_year", "manad", "2025"), ("norm_year", "manad", "2024")],
        ),
        (
            {"manad": "202203"},
            [
                ("norm_other_year", "manad", "2025"),
                ("norm_amount", "vuxna", "3210"),
                ("norm_unknown", "barn1_norm", ""),
                ("norm_amount", "barn2_norm", "3580"),
                ("norm_amount", "gemensamt", "1450"),
            ],
        ),
        (
            {"manad": "202401", "vuxna": "4000"},
            [("norm_year", "manad", "2024"), ("sum", "norm", "12820")],
        ),
        ({"manad": State.ILLEGIBLE}, [("norm_month", "manad", "")]),
    ],
    ids=[
        "costs",
        "adult",
        "lunch",
        "shared",
        "persons",
        "result",
        "deficit",
        "surplus",
        "couple",
        "no table",
        "other year",
        "no table, sum",
        "no month",
    ],
)
def test_what_differs_is_named_with_what_it_should_be(
    changed: dict[str, Any], expected: list[tuple[str, str, str]]
) -> None:
    assert sorted(found(**changed)) == sorted(expected)


def test_a_departure_from_the_norm_and_a_part_of_a_month_are_not_compared_but_added_up() -> None:
    assert found(vuxna="3000", norm="11820", resultat="4450", avsteg=True) == []
    assert found(barn2_norm="2175", barn2_del=True, norm="10555", resultat="3185") == []
    assert found(vuxna="3000", avsteg=True) == [("sum", "norm", "11820")]


def test_an_empty_field_adds_nothing_and_what_nobody_can_read_stops_the_sum_that_it_is_in() -> None:
    assert found(el=State.EMPTY) == [("sum", "kostnader", "7200")]
    assert found(el="") == [("sum", "kostnader", "7200")]
    assert found(el=State.ILLEGIBLE, kostnader="9") == [
        ("norm_result", "resultat", "2261"),
        ("norm_surplus", "utfall", "2261"),
    ]
    assert found(kostnader=State.ILLEGIBLE, resultat="9") == []
    assert found(kostnader=State.EMPTY, inkomster="12730", resultat="0", hyra="", el="") == []


@pytest.mark.parametrize(
    ("wages", "expected"),
    [
        ({"lon_hela": "8000", "undantag": "2000", "lon": "6000"}, []),
        ({"lon_hela": "8000", "lon": "8000"}, []),
        ({"lon_hela": "8001", "undantag": "2000", "lon": "6001"}, []),
        ({"lon_hela": "8001", "undantag": "2001", "lon": "6000"}, []),
        ({"lon_hela": "8000", "lon": "6000"}, [("norm_wages", "lon", "8000")]),
        (
            {"lon_hela": "8000", "undantag": "4000", "lon": "4000"},
            [("norm_exempt", "undantag", "2000")],
        ),
        (
            {"lon_hela": "8000", "undantag": "1000", "lon": "7000"},
            [("norm_exempt", "undantag", "2000")],
        ),
        ({"lon_hela": "8000", "undantag": "2000", "lon": "5000"}, [("norm_wages", "lon", "6000")]),
        ({"lon_hela": State.ILLEGIBLE, "undantag": "9", "lon": "1"}, []),
        ({"lon_hela": "8000", "undantag": State.ILLEGIBLE, "lon": "1"}, []),
        ({"manad": "201306", "lon_hela": "8000", "undantag": "4000", "lon": "4000"}, []),
    ],
)
def test_a_quarter_of_the_wages_may_be_left_out_and_the_rest_is_counted(
    wages: dict[str, Any], expected: list[tuple[str, str, str]]
) -> None:
    """SFS 2025:400, 12 kap. 8 §."""
    assert [one for one in found(**wages) if one[1] in ("undantag", "lon")] == expected


def test_of_a_couple_one_may_have_no_right_to_it() -> None:
    wages: dict[str, Any] = {
        "hushall": "par",
        "lon_hela": "8000",
        "undantag": "1000",
        "lon": "7000",
    }
    assert "undantag" not in [field for _, field, _ in found(**wages)]


def test_findings_come_in_the_order_of_the_form() -> None:
    assert [field for _, field, _ in found(resultat="1", vuxna="1")] == [
        "vuxna",
        "resultat",
        "norm",
    ]


def test_what_is_typed_with_blanks_or_letters_while_it_is_typed_does_no_harm() -> None:
    assert found(kostnader="7 630") == []
    assert found(kostnader="7x") == []
    for word in ("inf", "nan", "sNaN", "NaN5555", "1e999"):
        assert "kostnader" not in [field for _, field, _ in found(kostnader=word)]
        found(manad=word, vuxna=word)


def test_whoever_wants_to_be_told_is_told_and_else_another_person_looks() -> None:
    answers = {
        name: Answer(value)
        for name, value in {**RIGHT, "kostnader": "7360", "manad": "202401"}.items()
    }
    assert fields_to_recheck(FORM, None, answers, ask=False) == {
        "kostnader",
        "manad",
        "resultat",
    }
    with pytest.raises(RecountError) as told:
        fields_to_recheck(FORM, None, answers, ask=True)
    assert told.value.fields == ("kostnader", "manad", "resultat")
    assert "7360" not in str(told.value)
    assert (
        fields_to_recheck(
            FORM,
            None,
            {
                name: Answer(value)
                for name, value in {
                    **RIGHT,
                    "manad": "202401",
                    "vuxna": "3800",
                    "norm": "12620",
                    "resultat": "5250",
                }.items()
            },
            ask=True,
        )
        == set()
    )


def test_a_form_without_a_norm_is_only_added_up() -> None:
    assert found(_form(norm=None), vuxna="1", norm="8821") == []
    assert found(_form(norm=None), vuxna="1") == [("sum", "norm", "8821")]


def test_a_calculation_names_fields_of_its_form() -> None:
    with pytest.raises(ValidationError, match="annat"):
        _form(norm=NORM | {"costs": "annat"})


def test_the_norm_of_2025_is_that_of_its_source() -> None:
    """SFS 2025:468, 12 kap. 2 §, as domain.md §7 quotes it."""
    table = load_norm_tables()[2025]
    whole = {
        0: 2720,
        1: 3030,
        2: 3030,
        3: 2700,
        4: 3030,
        6: 3030,
        7: 3790,
        10: 3790,
        11: 4350,
        14: 4350,
        15: 4920,
        18: 4920,
        19: 4960,
        20: 4960,
    }
    assert {age: table.child(age, free_lunch=False) for age in whole} == whole
    free = {0: 2540, 2: 2780, 3: 2480, 5: 2700, 7: 3790}
    assert {age: table.child(age, free_lunch=True) for age in free} == free
    assert table.child(21, free_lunch=False) is None
    assert (table.single, table.couple) == (3910, 7050)
    assert [table.shared(n) for n in range(10)] == [
        None,
        1270,
        1400,
        1770,
        2010,
        2310,
        2620,
        2810,
        3000,
        3190,
    ]
    assert "2025:468" in table.law
    assert table.source == "SFS 2025:468"


@pytest.mark.parametrize(
    ("year", "adults", "children", "without_lunch", "household"),
    [
        (
            2021,
            (3160, 5700),
            (2180, 2440, 2170, 2440, 3060, 3520, 3970, 4000),
            (2050, 2240, 1990, 2170),
            (1020, 1130, 1420, 1610, 1860, 2100, 2270),
        ),
        (
            2022,
            (3210, 5800),
            (2220, 2480, 2210, 2480, 3110, 3580, 4040, 4070),
            None,
            (1040, 1150, 1450, 1640, 1890, 2140, 2310),
        ),
        (
            2023,
            (3490, 6300),
            (2420, 2700, 2410, 2700, 3380, 3890, 4390, 4430),
            None,
            (1130, 1250, 1580, 1790, 2060, 2330, 2510),
        ),
        (
            2026,
            (3940, 7100),
            (2740, 3060, 2720, 3060, 3820, 4390, 4960, 5000),
            (2560, 2800, 2500, 2720),
            (1280, 1410, 1790, 2030, 2330, 2640, 2830),
        ),
    ],
)
def test_the_norms_of_other_years_are_those_of_their_sources(
    year: int,
    adults: tuple[int, int],
    children: tuple[int, ...],
    without_lunch: tuple[int, ...] | None,
    household: tuple[int, ...],
) -> None:
    table = load_norm_tables()[year]
    assert (table.single, table.couple) == adults
    assert tuple(child.month for child in table.children) == children
    young = tuple(table.child(age, free_lunch=True) for age in (0, 1, 3, 5))
    assert young == (without_lunch or (None,) * 4)
    assert table.child(8, free_lunch=True) == children[4]
    assert table.household == household


def test_an_older_year_is_cheaper_in_every_amount() -> None:
    tables = [table for _, table in sorted(load_norm_tables().items())]
    for older, newer in pairwise(tables):
        assert older.single < newer.single
        assert older.couple < newer.couple
        assert all(a.month < b.month for a, b in zip(older.children, newer.children, strict=True))
        assert all(a < b for a, b in zip(older.household, newer.household, strict=True))


def test_only_years_with_a_source_for_their_amounts_are_shipped() -> None:
    assert set(load_norm_tables()) == {2021, 2022, 2023, 2025, 2026}


@pytest.mark.parametrize("month", ["202401", "202701", "201001"])
def test_an_absurd_amount_is_found_in_a_year_without_a_table(month: str) -> None:
    kinds = {(kind, field) for kind, field, _ in found(manad=month, vuxna="9999", barn2_norm="40")}
    assert {("norm_year", "manad"), ("norm_far", "vuxna"), ("norm_far", "barn2_norm")} <= kinds
    assert ("norm_far", "gemensamt") not in kinds


def test_an_absurd_amount_needs_another_person_and_a_missing_table_does_not() -> None:
    said = {**RIGHT, "manad": "202401", "gemensamt": "17700", "norm": "28660", "resultat": "21290"}
    answers = {name: Answer(value) for name, value in said.items()}
    assert fields_to_recheck(FORM, None, answers, ask=False) == {"gemensamt"}


def test_a_norm_without_lunch_that_no_source_gives_is_said_to_be_unchecked() -> None:
    assert ("norm_unknown", "barn1_norm", "") in found(manad="202206")
    assert ("norm_unknown", "barn1_norm", "") not in found(manad="202206", barn1_lunch=False)


ALONE = dict.fromkeys(("barn1_alder", "barn1_norm", "barn2_alder", "barn2_norm"), "")


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        # 1770 / 3, one adult among three
        (ALONE | {"gemensamt": "590", "norm": "4500", "resultat": "2870"}, []),
        (
            ALONE | {"gemensamt": "1770", "norm": "5680", "resultat": "1690"},
            [("norm_share", "gemensamt", "590")],
        ),
        # 2010 / 4: öre go either way
        (ALONE | {"antal": "4", "gemensamt": "502", "norm": "4412", "resultat": "2958"}, []),
        (ALONE | {"antal": "4", "gemensamt": "503", "norm": "4413", "resultat": "2957"}, []),
        # An adult and two children among four: 2010 * 3 / 4
        ({"antal": "4", "gemensamt": "1508", "norm": "12468", "resultat": "5098"}, []),
    ],
)
def test_an_adult_in_a_shared_household_gets_a_part_of_its_costs(
    changed: dict[str, Any], expected: list[tuple[str, str, str]]
) -> None:
    utfall = "over" if "barn1_alder" in changed else "under"
    assert found(**{"utfall": utfall} | changed) == expected


def test_a_couple_has_no_part_of_a_household() -> None:
    said: dict[str, Any] = {"hushall": "par", "antal": "6", "gemensamt": "2620"}
    assert "norm_share" not in {kind for kind, _, _ in found(**said)}


def test_a_broken_table_is_named(tmp_path: Path) -> None:
    (tmp_path / "2025.yaml").write_text(
        (NORM_FOLDER / "2025.yaml").read_text("utf-8").replace("from_age: 3", "from_age: 4"),
        "utf-8",
    )
    with pytest.raises(FormError, match=r"2025\.yaml"):
        load_norm_tables(tmp_path)
    other = tmp_path / "other"
    other.mkdir()
    (other / "2026.yaml").write_text((NORM_FOLDER / "2025.yaml").read_text("utf-8"), "utf-8")
    with pytest.raises(FormError, match=r"2025\.yaml"):
        load_norm_tables(other)


def test_a_household_needs_somebody() -> None:
    assert NormTable.model_validate(load_norm_tables()[2025].model_dump()).shared(0) is None
    assert AnswerNumbers({}).total(()) == 0


def test_the_sample_papers_on_financial_aid_follow_the_norm_of_their_month() -> None:
    sheets: dict[str, dict[str, Any]] = {}
    for page in json.loads((SAMPLE_FOLDER / "expected.json").read_text("utf-8")):
        if page.get("form") in ("normberakning", "beslut-ekonomiskt", "utbetalningslista"):
            sheets.setdefault(page["form"] + page["serial"], {}).update(page["values"])
    forms = Forms.load(ROOT / "forms")
    calculations = {key: sheet for key, sheet in sheets.items() if key.startswith("norm")}
    assert calculations
    for sheet in calculations.values():
        answers = {name: Answer(value) for name, value in sheet.items()}
        assert recount_answers(forms.latest("normberakning"), None, answers) == ()
        # What was calculated is what was decided and paid.
        told = [str(value) for other in sheets.values() for value in other.values()]
        assert told.count(sheet["resultat"]) >= 4
