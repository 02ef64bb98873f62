"""What is answered in a grid of days, in words."""

from __future__ import annotations

from datetime import date

import pytest

from pipeline.domain.errors import InvalidAnswerError
from pipeline.domain.form.form import Forms
from pipeline.domain.model import Reading, State, Value
from pipeline.domain.review.depth import explain_values, name_boxes
from pipeline.domain.review.recount import fields_to_recheck, recount_answers
from pipeline.domain.review.rules import Answer, is_settled, needs_blind_keying, normalize_answer
from pipeline.domain.settings import ROOT

LIST = Forms.load(ROOT / "forms").latest("signeringslista")
BOX = LIST.by_name["rad4_dag22"]
INK = Reading(True, 0.5, State.READ)
SURE = Reading(True, 0.95, State.READ)
NOTHING = Reading.empty(0.99)
ORDERED: dict[str, Value] = {
    "ord1_insats": "Waran",
    "ord1_styrka": "2,5 mg",
    "ord2_insats": "Alvedon forte",
    "ord2_styrka": "1 g",
    "ord2_vag": "po",
    "ord2_dos": "1 tablett kl. 8, 14",
}
TYPED, NO = Answer("MS"), Answer(None, State.EMPTY)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ({"rad4_insats_bak": "Alvedon", "rad4_tid_bak": "14:00"}, "Alvedon 14.00, dag 22"),
        (
            {"rad4_insats_bak": "2 Alvedon", "rad4_tid_bak": "14:00"} | ORDERED,
            "Alvedon forte (1 g, 1 tablett kl. 8, 14) 14.00, dag 22",
        ),
        (
            {"rad4_insats_bak": "1 Alvedon", "rad4_tid_bak": "14:00"} | ORDERED,
            "1 Alvedon 14.00, dag 22",
        ),
        ({"rad4_insats_bak": "Alvedon"} | ORDERED, "Alvedon, dag 22"),
        ({"rad4_insats_bak": None, "rad4_tid_bak": "14:00"}, "Rad 4 14.00, dag 22"),
        ({}, "Rad 4, dag 22"),
    ],
)
def test_a_box_is_named_by_its_line(line: dict[str, Value], words: str) -> None:
    assert name_boxes(LIST, {**line, "rad4_dag22": None}) == {"rad4_dag22": words}


def test_a_box_has_its_date_where_the_month_is_known() -> None:
    line: dict[str, Value] = {"rad4_insats_bak": "Alvedon", "rad4_dag22": None, "rad4_dag31": None}
    assert set(name_boxes(LIST, line, date(2022, 2, 1)).values()) == {
        "Alvedon, 2022-02-22",
        "Alvedon, dag 31",
    }


def test_codes_and_numbers_of_lines_are_explained() -> None:
    values: dict[str, Value] = {
        "rad5_insats": "Waran",
        "rad5_tid": "20:00",
        "rad2_dag24": "4",
        "rad3_dag24": "MS",
        "avv1_kod": "3",
        "avv1_rad": "5",
        "avv1_dag": "5",
    }
    assert explain_values(LIST, values) == {
        "rad2_dag24": "borta eller på sjukhus",
        "avv1_kod": "avböjd",
        "avv1_rad": "Waran 20.00",
    }


@pytest.mark.parametrize("typed", ["9", "4 MS", "44"])
def test_a_code_that_the_form_does_not_print_is_refused(typed: str) -> None:
    with pytest.raises(InvalidAnswerError):
        normalize_answer(BOX, Answer(typed))
    assert normalize_answer(BOX, Answer("4")) == Answer("4")
    assert normalize_answer(BOX, TYPED) == TYPED


@pytest.mark.parametrize(
    ("answer", "reading", "settled"),
    [
        (Answer("4"), Reading("4", 0.6, State.READ), True),
        (Answer("4"), Reading("1", 0.6, State.READ), False),
        (Answer("4"), SURE, False),
        (Answer("4"), INK, False),
        (Answer("4"), NOTHING, False),
        (Answer("4"), None, False),
        (TYPED, SURE, True),
        (TYPED, INK, False),
        (TYPED, NOTHING, False),
        (NO, NOTHING, True),
        (NO, INK, False),
        (Answer(None, State.ILLEGIBLE), INK, False),
    ],
)
def test_a_dose_that_was_not_given_takes_the_machine_or_a_second_person(
    answer: Answer, reading: Reading | None, settled: bool
) -> None:
    assert is_settled(BOX, answer, reading) is settled


def test_a_possible_code_is_typed_unseen() -> None:
    assert needs_blind_keying(BOX, INK)
    assert needs_blind_keying(BOX, Reading("4", 0.99, State.READ))
    assert not needs_blind_keying(BOX, SURE)
    assert not needs_blind_keying(BOX, NOTHING)


def test_initials_in_a_deviation_and_a_strange_code_are_asked_about() -> None:
    given = {"rad4_dag22": TYPED, "rad4_dag23": Answer("4"), "avv1_kod": Answer("9")}
    found = recount_answers(LIST, None, given, {"rad4_dag22", "rad4_dag23"})
    assert {(one.code, one.field, one.right) for one in found} == {
        ("box_signed", "rad4_dag22", ""),
        ("box_code", "avv1_kod", "1–6"),
    }
    assert fields_to_recheck(LIST, None, given, ask=False) == {"rad4_dag22", "avv1_kod"}


def test_initials_are_expected_where_every_box_is_typed() -> None:
    every = {spec.name: TYPED for spec in LIST.fields if spec.day}
    assert fields_to_recheck(LIST, None, every, ask=False) == set()
