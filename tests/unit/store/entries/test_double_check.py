"""Forms that two people answer for: strong medicine and money are seen twice, also where the first
person and the machine agree.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.domain.errors import FormError, NotAllowedError
from pipeline.domain.form.form import Forms
from pipeline.domain.form.rules import load_form_rules
from pipeline.domain.model import EntryState, State
from pipeline.domain.review.rules import Answer, asked_fields, fields_for_second_reviewer
from pipeline.domain.settings import ROOT
from pipeline.review import decisions
from pipeline.review.corrections import Corrections
from pipeline.store.database.store import Store
from pipeline.store.entries import queue
from pipeline.store.entries.answers import AnswerOrigin, decided_answers
from tests.support.store.ward import EVA, FORMS, NILS, NOTE, NOW, PLAN, SAID, Ward, answers, later
from tests.support.store.work import work

pytest_plugins = ("tests.support.store.databases",)

ALL = {**SAID, **PLAN}
TWICE = Forms(FORMS)
TWICE.double_check = frozenset({NOTE.id})


@pytest.fixture
def ward(store: Store) -> Ward:
    return Ward(store).begin()


def test_critical_fields_are_seen_by_two_although_person_and_machine_agree(ward: Ward) -> None:
    entry_id = ward.note("AAAA")
    with ward.store.begin() as conn:
        assert (
            decisions.decide_entry(
                conn, TWICE, EVA, decisions.Decision(entry_id, 0, answers(ALL)), NOW
            )
            is EntryState.SECOND
        )
        with pytest.raises(NotAllowedError):
            decisions.decide_entry(
                conn, TWICE, EVA, decisions.Decision(entry_id, 1, answers(ALL)), later(1)
            )
        view = queue.open_claimed_entry(conn, TWICE, NILS, entry_id, queue.ClaimTerms(later(2)))
        asked = {field.spec.name for field in view.fields if field.is_open}
        assert asked == {spec.name for spec in NOTE.fields if spec.critical and spec.name in ALL}
        given = answers({name: value for name, value in ALL.items() if name in asked})
        assert (
            decisions.decide_entry(
                conn, TWICE, NILS, decisions.Decision(entry_id, 1, given), later(2)
            )
            is EntryState.CONFIRMED
        )
        assert {decided_answers(conn, entry_id)[name].origin for name in asked} == {
            AnswerOrigin.SECOND
        }


def test_a_correction_is_seen_by_two_as_well(ward: Ward) -> None:
    entry_id = ward.note("AAAA", dict(SAID) | {"datum": "2026-02-18"})
    with ward.store.begin() as conn:
        decisions.decide_entry(conn, FORMS, EVA, decisions.Decision(entry_id, 0, answers(ALL)), NOW)
        decisions.decide_entry(
            conn,
            FORMS,
            NILS,
            decisions.Decision(entry_id, 1, answers({"datum": SAID["datum"]})),
            later(1),
        )
        given = answers({"datum": "2026-02-18"})
        assert (
            work(Corrections, conn, EVA, later(2), forms=TWICE).correct(
                entry_id, 2, given, "fel dag"
            )
            is EntryState.SECOND
        )


def test_other_forms_need_one_person_where_the_machine_agrees(ward: Ward) -> None:
    entry_id = ward.note("AAAA")
    with ward.store.begin() as conn:
        assert (
            decisions.decide_entry(
                conn, FORMS, EVA, decisions.Decision(entry_id, 0, answers(ALL)), NOW
            )
            is EntryState.CONFIRMED
        )


def test_strong_medicine_and_money_are_among_them() -> None:
    expected = {"palliativ-hemakt", "utbetalningslista", "hyra-faktura"}
    assert Forms.load(ROOT / "forms").double_check == expected


def test_a_sum_that_is_not_ticked_as_paid_is_looked_at_by_two() -> None:
    forms = Forms.load(ROOT / "forms")
    form = forms.latest("utbetalningslista")
    specs = asked_fields(form, 1)
    given = {spec.name: Answer(None, State.EMPTY) for spec in specs}
    paid = next(spec.name for spec in specs if spec.column == "utbetald")
    assert fields_for_second_reviewer(forms, form, specs, given) == {paid}


@pytest.mark.parametrize(
    ("form", "columns"),
    [
        ("signeringslista", {"avv1_rad", "avv1_dag", "avv1_kod"}),
        ("skyddsbedomning", {"akut"}),
        ("orosanmalan", {"akut"}),
        ("matbestallning", {"kost", "allergi"}),
        (
            "ny-patient",
            {"overkanslighet", "overkanslighet_mot", "smitta", "smitta_vilken", "tillfalligt_id"},
        ),
    ],
)
def test_marks_and_words_that_decide_what_is_done_are_typed_unseen(
    form: str, columns: set[str]
) -> None:
    fields = Forms.load(ROOT / "forms").latest(form).fields
    assert columns <= {spec.column for spec in fields if spec.critical}


def test_a_folder_without_rules_has_none_and_a_misspelt_key_is_named(tmp_path: Path) -> None:
    assert load_form_rules(tmp_path) == {}
    (tmp_path / "note").mkdir()
    (tmp_path / "note" / "rules.yaml").write_text("duoble_check: true\n", "utf-8")
    with pytest.raises(FormError, match=r"rules\.yaml"):
        load_form_rules(tmp_path)


def test_a_folder_of_an_earlier_release_is_refused(tmp_path: Path) -> None:
    """Else double checks that an office had decided would be lost without a word."""
    (tmp_path / "double_check.yaml").write_text("- palliativ-hemakt\n", "utf-8")
    with pytest.raises(FormError, match=r"rules\.yaml|double_check"):
        Forms.load(tmp_path)
