"""The group way of working in the store: what is offered, confirmed and found odd."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from pipeline.domain.errors import (
    MissingAnswerError,
    StaleDecisionError,
)
from pipeline.domain.form.form import Forms
from pipeline.domain.model import EntryState, State
from pipeline.domain.review.rules import Answer
from pipeline.review import decisions
from pipeline.review.batches import (
    BatchResult,
    BatchReview,
)
from pipeline.store.database.store import Store
from pipeline.store.entries import queue
from pipeline.store.entries.answers import AnswerOrigin, decided_answers
from pipeline.store.entries.entry_view import load_entry_view
from pipeline.store.schema import paper
from tests.support.pages.alike import visits
from tests.support.store.ward import (
    EVA,
    FORMS,
    NILS,
    NOW,
    VISITS,
    Ward,
    later,
)
from tests.support.store.work import work
from tests.unit.store.review.batch_steps import (
    ATE,
    confirmed,
    decide,
    group_of,
    mark,
    offered,
)

pytest_plugins = ("tests.support.store.databases",)


@pytest.fixture
def ward(store: Store) -> Ward:
    return Ward(store).begin()


@pytest.fixture
def entries(ward: Ward) -> list[str]:
    """Five lists of three visits, all of which she ate."""
    return [one for number in range(5) for one in visits(ward, f"AAA{number}", ATE)]


def test_alike_pieces_of_many_entries_are_one_group(ward: Ward, entries: list[str]) -> None:
    group = group_of(ward)
    assert group.answer == Answer(True)
    assert group.spec.column == "mat"
    assert {cell.entry for cell in group.items} == set(entries)


def test_few_are_no_group(ward: Ward) -> None:
    visits(ward, "AAA0", ATE)
    assert offered(ward) is None


def test_the_group_holds_what_is_read_alike_and_surely(ward: Ward, entries: list[str]) -> None:
    visits(ward, "BBB0", (False, False, False))
    visits(ward, "BBB1", ATE, p=0.92)
    visits(ward, "BBB2", ATE, problems=("struck_out:rad02.mat",))
    assert {cell.entry for cell in group_of(ward).items} == {*entries, "BBB2-01", "BBB2-03"}


def test_class_a_in_front_of_the_queue_comes_before_any_group(
    ward: Ward, entries: list[str]
) -> None:
    assert entries
    ward.note("NNNN")
    assert offered(ward) is None


def test_a_form_of_class_a_is_never_grouped(ward: Ward) -> None:
    form = VISITS.model_copy(update={"criticality": "A", "id": "lista-a"})
    for number in range(5):
        visits(ward, f"AAA{number}", ATE, form=form)
    with ward.store.begin() as conn:
        forms = Forms({**FORMS, (form.id, 1): form})
        assert work(BatchReview, conn, EVA, forms=forms).claim(lambda *_: None, 1) is None


def test_what_is_confirmed_is_folded_and_goes_into_the_decision_of_the_sheet(
    ward: Ward, entries: list[str]
) -> None:
    done = confirmed(ward, group_of(ward))
    assert done == BatchResult(confirmed=15)
    with ward.store.begin() as conn:
        view = load_entry_view(conn, FORMS, NILS, entries[0])
        field = next(field for field in view.fields if field.spec.column == "mat")
        assert field.is_batch_confirmed
        assert field.draft == Answer(True)
        assert view.entry.state is EntryState.REVIEW
    assert decide(ward, entries[0], NILS) is EntryState.CONFIRMED
    with ward.store.read() as conn:
        said = decided_answers(conn, entries[0])["rad01.mat"]
        by = conn.execute(
            select(paper.decision.c.by).where(paper.decision.c.field == "rad01.mat")
        ).scalar_one()
    assert (said.answer, said.origin, said.is_settled) == (Answer(True), AnswerOrigin.BATCH, True)
    assert by == EVA.login


def test_the_group_decides_nothing_by_itself(ward: Ward, entries: list[str]) -> None:
    confirmed(ward, group_of(ward))
    with ward.store.begin() as conn, pytest.raises(MissingAnswerError) as error:
        decisions.decide_entry(conn, FORMS, EVA, decisions.Decision(entries[0], 0, {}), later(2))
    assert "rad01.pnr" in error.value.fields
    assert "rad01.mat" not in error.value.fields


def test_what_is_odd_is_typed_by_somebody_who_is_not_shown_the_reading(
    ward: Ward, entries: list[str]
) -> None:
    assert confirmed(ward, group_of(ward), entries[4]) == BatchResult(confirmed=14, marked_odd=1)
    with ward.store.begin() as conn:
        field = next(
            field
            for field in load_entry_view(conn, FORMS, EVA, entries[4]).fields
            if field.spec.column == "mat"
        )
    assert field.is_blind
    assert field.reading is None
    with pytest.raises(MissingAnswerError):
        decide(ward, entries[4])
    assert decide(ward, entries[4], mat=Answer(None, State.EMPTY)) is EntryState.CONFIRMED
    with ward.store.read() as conn:
        said = decided_answers(conn, entries[4])["rad02.mat"]
    assert (said.answer, said.origin) == (Answer(False, State.EMPTY), AnswerOrigin.TYPED)


def test_an_odd_field_that_is_left_alone_is_not_taken_for_empty(ward: Ward) -> None:
    rows = [
        one for number in range(5) for one in visits(ward, f"AAA{number}", (False, False, False))
    ]
    confirmed(ward, group_of(ward), rows[0])
    with pytest.raises(MissingAnswerError) as error:
        decide(ward, rows[0])
    assert error.value.fields == ("rad01.mat",)


def test_whoever_reviews_the_sheet_has_the_last_word(ward: Ward, entries: list[str]) -> None:
    confirmed(ward, group_of(ward))
    decide(ward, entries[0], NILS, mat=Answer(None, State.EMPTY))
    with ward.store.read() as conn:
        said = decided_answers(conn, entries[0])["rad01.mat"]
    assert (said.answer, said.origin, said.answered_by) == (
        Answer(False, State.EMPTY),
        AnswerOrigin.CHANGED,
        None,
    )


@pytest.mark.both_databases
def test_no_two_people_get_the_same_piece(ward: Ward, entries: list[str]) -> None:
    group_of(ward)
    assert offered(ward, NILS) is None
    assert offered(ward, NILS, least=1) is None
    more = [one for number in range(4) for one in visits(ward, f"BBB{number}", ATE)]
    assert {cell.entry for cell in group_of(ward, NILS).items} == set(more)
    assert entries


def test_a_group_that_is_left_alone_goes_back(ward: Ward, entries: list[str]) -> None:
    first = group_of(ward)
    assert group_of(ward, minutes=10).id == first.id
    second = group_of(ward, NILS, minutes=26)
    assert {cell.entry for cell in second.items} == set(entries)
    with pytest.raises(StaleDecisionError):
        confirmed(ward, first, minutes=27)


def test_an_open_entry_is_not_offered(ward: Ward, entries: list[str]) -> None:
    with ward.store.begin() as conn:
        queue.open_claimed_entry(conn, FORMS, NILS, entries[3], queue.ClaimTerms(NOW))
    assert entries[3] not in {cell.entry for cell in group_of(ward).items}


def test_marks_are_kept_while_one_works(ward: Ward, entries: list[str]) -> None:
    group = group_of(ward)
    mark(ward, group, entries[2])
    assert [cell.entry for cell in group_of(ward, minutes=2).items if cell.marked] == [entries[2]]


def test_what_another_window_marked_is_not_confirmed_by_this_one(
    ward: Ward, entries: list[str]
) -> None:
    group = group_of(ward)
    mark(ward, group, entries[2])
    mark(ward, group, entries[5], minutes=2)
    assert confirmed(ward, group, minutes=3) == BatchResult(confirmed=13, marked_odd=2)


def test_a_mark_that_is_taken_away_is_no_mark(ward: Ward, entries: list[str]) -> None:
    group = group_of(ward)
    mark(ward, group, entries[2], entries[5])
    mark(ward, group, entries[2], is_odd=False)
    assert confirmed(ward, group, minutes=3) == BatchResult(confirmed=14, marked_odd=1)


def test_a_group_is_confirmed_once(ward: Ward, entries: list[str]) -> None:
    assert entries
    group = group_of(ward)
    confirmed(ward, group)
    with pytest.raises(StaleDecisionError):
        confirmed(ward, group)
    assert offered(ward) is None


def test_nobody_confirms_the_group_of_another(ward: Ward, entries: list[str]) -> None:
    assert entries
    with pytest.raises(StaleDecisionError):
        confirmed(ward, group_of(ward), person=NILS)


def test_what_was_decided_meanwhile_is_left_as_it_is(ward: Ward, entries: list[str]) -> None:
    group = group_of(ward)
    decide(ward, entries[0], NILS, minutes=0.5, mat=Answer(None, State.EMPTY))
    assert entries[0] not in {cell.entry for cell in group_of(ward, minutes=0.6).items}
    assert confirmed(ward, group) == BatchResult(confirmed=14)
    with ward.store.read() as conn:
        assert decided_answers(conn, entries[0])["rad01.mat"].answer == Answer(False, State.EMPTY)
