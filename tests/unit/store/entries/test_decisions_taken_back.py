"""Taking decisions on entries back."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pipeline.domain.errors import (
    NotAllowedError,
    ReviewError,
    StaleDecisionError,
)
from pipeline.domain.model import EntryState
from pipeline.domain.review.rules import Answer
from pipeline.review import decisions, rejections, session
from pipeline.review.corrections import Corrections
from pipeline.store.database.store import Store
from pipeline.store.entries import queue
from pipeline.store.entries.answers import list_answer_drafts
from pipeline.store.entries.entry import UNDECIDED_VALUES
from pipeline.store.entries.queue import ClaimTerms
from pipeline.store.lookup import own_actions
from tests.support.store.ward import (
    EVA,
    FORMS,
    NILS,
    NOW,
    SAID,
    Ward,
    answers,
    later,
)
from tests.support.store.work import work
from tests.unit.store.entries.entry_steps import ALL, WRONG_DAY, by_name, claim, get, save

pytest_plugins = ("tests.support.store.databases",)

REFUSED = {**UNDECIDED_VALUES, "reason": "Svar från mottagaren: okänd enhet."}
"""What an entry is once its target has refused it."""


@pytest.fixture
def ward(store: Store) -> Ward:
    """The test organisation."""
    return Ward(store).begin()


def test_a_rejected_entry_can_be_taken_up_again(ward: Ward) -> None:
    ward.note("AAAA")
    with ward.store.begin() as conn:
        with pytest.raises(ReviewError):
            rejections.reject_entry(
                conn, EVA, rejections.Rejection("AAAA-00", 0, "för jobbigt"), NOW
            )
        rejections.reject_entry(conn, EVA, rejections.Rejection("AAAA-00", 0, "fel person"), NOW)
        with pytest.raises(StaleDecisionError):
            rejections.reject_entry(
                conn, EVA, rejections.Rejection("AAAA-00", 0, "fel person"), NOW
            )
    found = get(ward, "AAAA-00")
    assert (found.state, found.reason, found.first_by) == (EntryState.REJECTED, "fel person", "eva")
    assert claim(ward) is None
    with ward.store.begin() as conn:
        rejections.reopen_rejected(conn, NILS, "AAAA-00", 1)
    assert claim(ward, NILS) is not None


def test_the_own_last_decision_can_be_undone(ward: Ward) -> None:
    ward.note("AAAA")
    save(ward, "AAAA-00", answers(ALL))
    with pytest.raises(NotAllowedError), ward.store.begin() as conn:
        work(Corrections, conn, NILS).undo([("AAAA-00", 1)])
    with ward.store.begin() as conn:
        assert [found.id for found in own_actions.list_own_latest(conn, EVA)] == ["AAAA-00"]
        assert work(Corrections, conn, EVA).undo([("AAAA-00", 1)]) is EntryState.REVIEW
    view = claim(ward)
    assert view is not None
    assert by_name(view)["datum"].draft == Answer(SAID["datum"])
    assert claim(ward, NILS) is None
    with pytest.raises(StaleDecisionError), ward.store.begin() as conn:
        decisions.decide_entry(
            conn, FORMS, EVA, decisions.Decision("AAAA-00", 1, answers(ALL)), NOW
        )
    assert save(ward, "AAAA-00", answers(ALL)) is EntryState.CONFIRMED


def test_what_is_void_is_not_taken_back(ward: Ward) -> None:
    ward.note("AAAA")
    with ward.store.begin() as conn:
        rejections.reject_entry(conn, EVA, rejections.Rejection("AAAA-00", 0, "oläsligt"), NOW)
        work(Corrections, conn, EVA).void("AAAA-00", 1, "fel person")
        assert own_actions.list_own_latest(conn, EVA) == []
        with pytest.raises(ReviewError, match="void"):
            work(Corrections, conn, EVA, later(1)).undo([("AAAA-00", 2)])


def test_a_correction_is_not_taken_back(ward: Ward) -> None:
    for serial in ("AAAA", "AAA2"):
        ward.note(serial)
        save(ward, f"{serial}-00", answers(ALL))
    corrected = {
        "AAAA-00": ({"text": Answer("Sov illa.")}, EntryState.CONFIRMED),
        "AAA2-00": ({"datum": WRONG_DAY}, EntryState.SECOND),
    }
    with ward.store.begin() as conn:
        for entry_id, (new, state) in corrected.items():
            assert work(Corrections, conn, EVA).correct(entry_id, 1, new, "fel") is state
            with pytest.raises(ReviewError, match="correction"):
                work(Corrections, conn, EVA, later(1)).undo([(entry_id, 2)])
        assert own_actions.list_own_latest(conn, EVA) == []
    assert save(ward, "AAA2-00", {"datum": WRONG_DAY}, NILS) is EntryState.CONFIRMED
    with ward.store.begin() as conn:
        assert [one.id for one in own_actions.list_own_latest(conn, NILS)] == ["AAA2-00"]
        assert work(Corrections, conn, NILS).undo([("AAA2-00", 3)]) is EntryState.SECOND


def test_a_rejection_of_what_was_corrected_is_taken_back(ward: Ward) -> None:
    ward.note("AAAA")
    save(ward, "AAAA-00", answers(ALL))
    with ward.store.begin() as conn:
        work(Corrections, conn, EVA).correct("AAAA-00", 1, {"text": Answer("Sov illa.")}, "fel")
        rejections.reject_entry(
            conn, EVA, rejections.Rejection("AAAA-00", 2, "fel person"), later(1)
        )
        assert [one.id for one in own_actions.list_own_latest(conn, EVA)] == ["AAAA-00"]
        assert work(Corrections, conn, EVA, later(2)).undo([("AAAA-00", 3)]) is EntryState.CONFIRMED
    found = get(ward, "AAAA-00")
    assert (found.reason, found.first_by, found.second_by, found.claimed_by) == (
        "fel",
        "eva",
        None,
        None,
    )


def test_what_is_put_aside_and_taken_back_is_what_it_was(ward: Ward) -> None:
    """Confirmed by two people, or waiting for the second: neither is to be done again because of a
    slip of the hand.
    """
    ward.note("AAAA")
    save(ward, "AAAA-00", answers(ALL, datum=WRONG_DAY))
    waits = get(ward, "AAAA-00")
    for who, revision in ((NILS, 1), (EVA, 3)):
        with ward.store.begin() as conn:
            rejections.reject_entry(
                conn, who, rejections.Rejection("AAAA-00", revision, "oläsligt"), later(1)
            )
            assert (
                work(Corrections, conn, who, later(2)).undo([("AAAA-00", revision + 1)])
                is EntryState.SECOND
            )
            queue.release_claim(conn, who, "AAAA-00")
        assert get(ward, "AAAA-00") == replace(waits, revision=revision + 2)
    save(ward, "AAAA-00", {"datum": Answer(SAID["datum"])}, NILS)
    confirmed = get(ward, "AAAA-00")
    for revision in (6, 8):  # twice: the rejection that was taken back is not in the way
        with ward.store.begin() as conn:
            rejections.reject_entry(
                conn, EVA, rejections.Rejection("AAAA-00", revision, "oläsligt"), later(3)
            )
            with pytest.raises(NotAllowedError):
                work(Corrections, conn, NILS, later(4)).undo([("AAAA-00", revision + 1)])
            assert (
                work(Corrections, conn, EVA, later(4)).undo([("AAAA-00", revision + 1)])
                is EntryState.CONFIRMED
            )
        assert get(ward, "AAAA-00") == replace(confirmed, revision=revision + 2)
    with ward.store.begin() as conn:
        assert (
            work(Corrections, conn, NILS, later(5)).undo([("AAAA-00", 10)]) is EntryState.SECOND
        )  # and the second person's own decision still is


def test_why_an_entry_had_come_back_is_told_again_when_a_rejection_is_taken_back(
    ward: Ward,
) -> None:
    """Undecided, or waiting for the second person; and so when a decision is taken back."""
    ward.note("AAAA")
    with ward.store.begin() as conn:
        rejections.reject_entry(conn, EVA, rejections.Rejection("AAAA-00", 0, "fel person"), NOW)
        rejections.reopen_rejected(conn, NILS, "AAAA-00", 1, as_before=REFUSED)
    came_back = get(ward, "AAAA-00")
    for revision in (2, 4):  # twice: it is kept with every rejection
        with ward.store.begin() as conn:
            rejections.reject_entry(
                conn, EVA, rejections.Rejection("AAAA-00", revision, "oläsligt"), later(1)
            )
            assert (
                work(Corrections, conn, EVA, later(2)).undo([("AAAA-00", revision + 1)])
                is EntryState.REVIEW
            )
            queue.release_claim(conn, EVA, "AAAA-00")
        assert get(ward, "AAAA-00") == replace(came_back, revision=revision + 2)
    assert save(ward, "AAAA-00", answers(ALL, datum=WRONG_DAY)) is EntryState.SECOND
    waits = get(ward, "AAAA-00")
    assert waits.reason == came_back.reason
    with ward.store.begin() as conn:
        rejections.reject_entry(
            conn, NILS, rejections.Rejection("AAAA-00", 7, "oläsligt"), later(3)
        )
        assert work(Corrections, conn, NILS, later(4)).undo([("AAAA-00", 8)]) is EntryState.SECOND
        queue.release_claim(conn, NILS, "AAAA-00")
    assert get(ward, "AAAA-00") == replace(waits, revision=9)
    with ward.store.begin() as conn:
        assert work(Corrections, conn, EVA, later(5)).undo([("AAAA-00", 9)]) is EntryState.REVIEW
    assert get(ward, "AAAA-00").reason == came_back.reason


def test_why_an_entry_had_come_back_is_told_again_when_it_is_taken_up_again(ward: Ward) -> None:
    ward.note("AAAA")
    with ward.store.begin() as conn:
        rejections.reject_entry(conn, EVA, rejections.Rejection("AAAA-00", 0, "fel person"), NOW)
        rejections.reopen_rejected(conn, NILS, "AAAA-00", 1, as_before=REFUSED)
        rejections.reject_entry(conn, EVA, rejections.Rejection("AAAA-00", 2, "oläsligt"), later(1))
        rejections.reopen_rejected(conn, NILS, "AAAA-00", 3)
    assert get(ward, "AAAA-00").reason == "Svar från mottagaren: okänd enhet."


def test_a_second_decision_that_is_taken_back_leaves_why_the_entry_waits_for_a_second_person(
    ward: Ward,
) -> None:
    ward.note("AAAA")
    save(ward, "AAAA-00", answers(ALL))
    with ward.store.begin() as conn:
        work(Corrections, conn, EVA).correct("AAAA-00", 1, {"datum": WRONG_DAY}, "Fel dag")
    waits = get(ward, "AAAA-00")
    save(ward, "AAAA-00", {"datum": WRONG_DAY}, NILS)
    with ward.store.begin() as conn:
        assert work(Corrections, conn, NILS, later(1)).undo([("AAAA-00", 3)]) is EntryState.SECOND
    assert get(ward, "AAAA-00").reason == waits.reason == "Fel dag"


def test_a_second_decision_that_was_taken_back_does_not_return_with_a_rejection(ward: Ward) -> None:
    ward.note("AAAA")
    save(ward, "AAAA-00", answers(ALL, datum=WRONG_DAY))
    save(ward, "AAAA-00", {"datum": Answer(SAID["datum"])}, NILS)
    with ward.store.begin() as conn:
        work(Corrections, conn, NILS, later(1)).undo([("AAAA-00", 2)])
        rejections.reject_entry(
            conn, NILS, rejections.Rejection("AAAA-00", 3, "oläsligt"), later(2)
        )
        assert work(Corrections, conn, NILS, later(3)).undo([("AAAA-00", 4)]) is EntryState.SECOND
    assert get(ward, "AAAA-00").second_by is None


def test_what_was_typed_comes_back_with_an_entry_that_was_put_aside(ward: Ward) -> None:
    ward.note("AAAA")
    assert claim(ward) is not None
    typed = Answer("Sov illa, ringde dottern.")
    with ward.store.begin() as conn:
        session.save_draft(conn, EVA, "AAAA-00", {"text": typed}, ClaimTerms(NOW))
        rejections.reject_entry(conn, EVA, rejections.Rejection("AAAA-00", 0, "oläsligt"), later(1))
        rejections.reopen_rejected(conn, NILS, "AAAA-00", 1)
    others = claim(ward, NILS)
    assert others is not None
    assert by_name(others)["text"].draft is None
    with ward.store.begin() as conn:
        queue.release_claim(conn, NILS, "AAAA-00")
    view = claim(ward)
    assert view is not None
    assert by_name(view)["text"].draft == typed
    with ward.store.begin() as conn:
        rejections.reject_entry(conn, EVA, rejections.Rejection("AAAA-00", 2, "oläsligt"), later(1))
        assert work(Corrections, conn, EVA, later(2)).undo([("AAAA-00", 3)]) is EntryState.REVIEW
    view = claim(ward)
    assert view is not None
    assert by_name(view)["text"].draft == typed
    with ward.store.begin() as conn:
        rejections.reject_entry(conn, EVA, rejections.Rejection("AAAA-00", 4, "oläsligt"), later(1))
        work(Corrections, conn, EVA, later(2)).void("AAAA-00", 5, "fel")
        assert list_answer_drafts(conn, "AAAA-00", "eva") == {}


def test_nobody_takes_an_entry_back_that_a_colleague_is_reviewing(ward: Ward) -> None:
    ward.note("AAAA")
    assert save(ward, "AAAA-00", answers(ALL, datum=WRONG_DAY)) is EntryState.SECOND
    assert claim(ward, NILS) is not None
    with ward.store.begin() as conn:
        with pytest.raises(ReviewError, match="colleague"):
            work(Corrections, conn, EVA).undo([("AAAA-00", 1)])
        queue.release_claim(conn, NILS, "AAAA-00")
        assert work(Corrections, conn, EVA).undo([("AAAA-00", 1)]) is EntryState.REVIEW


def test_the_second_person_undoes_the_second_decision_only(ward: Ward) -> None:
    ward.note("AAAA")
    save(ward, "AAAA-00", answers(ALL, datum=WRONG_DAY))
    save(ward, "AAAA-00", {"datum": Answer(SAID["datum"])}, NILS)
    with ward.store.begin() as conn:
        assert work(Corrections, conn, NILS).undo([("AAAA-00", 2)]) is EntryState.SECOND
    view = claim(ward, NILS)
    assert view is not None
    assert by_name(view)["datum"].first_answer == WRONG_DAY
    assert [name for name, field in by_name(view).items() if field.is_open] == ["datum"]
    assert save(ward, "AAAA-00", {"datum": WRONG_DAY}, NILS) is EntryState.CONFIRMED
