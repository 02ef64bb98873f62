"""What is sent to another unit, or asked of the author."""

from __future__ import annotations

import pytest

from pipeline.domain.errors import (
    NotAllowedError,
    ReviewError,
    StaleDecisionError,
)
from pipeline.domain.law.permissions import Action
from pipeline.domain.model import Assignment, EntryState, Person
from pipeline.registers.client_check import ClientStatement
from pipeline.reporting.author_questions import make_question_list
from pipeline.review import rejections
from pipeline.review.questions import Questions
from pipeline.review.rejections import ComparisonSource
from pipeline.review.transfers import Transfers
from pipeline.store.accounts import people
from pipeline.store.database.store import Store
from pipeline.store.entries import queue
from pipeline.store.entries.entry import load_entry
from pipeline.store.lookup import by_serial
from pipeline.store.review import author_questions, transferred
from tests.support.store.passwords import hashed
from tests.support.store.ward import (
    ADMIN,
    ASTA,
    BROR,
    CHIEF,
    EVA,
    FORMS,
    NILS,
    NORTH,
    NOTE,
    NOW,
    SAID,
    SOFIA,
    SOUTH,
    VISITS,
    Ward,
    later,
    page_reading,
    whole_log,
)
from tests.support.store.work import work
from tests.unit.store.review.correction_steps import get, save

pytest_plugins = ("tests.support.store.databases",)


@pytest.fixture
def ward(store: Store) -> Ward:
    return Ward(store).begin()


def forward(ward: Ward, entry_id: str, who: Person, to_unit: str, why: str = "") -> None:
    revision = get(ward, entry_id).revision
    with ward.store.begin() as conn:
        work(Transfers, conn, who, later(1)).send(entry_id, revision, to_unit, why)


def test_what_is_sent_on_turns_up_there_and_the_sender_sees_what_becomes_of_it(ward: Ward) -> None:
    entry_id = ward.note("AAAA")
    forward(ward, entry_id, EVA, SOUTH, "er pärm")
    with ward.store.begin() as conn:
        assert queue.claim_next(conn, FORMS, EVA, queue.ClaimTerms(later(2))) is None
        view = queue.claim_next(conn, FORMS, SOFIA, queue.ClaimTerms(later(2)))
        assert view is not None
        assert view.entry.id == entry_id
        queue.record_page_view(conn, SOFIA, view.pages[0].id)
        with pytest.raises(NotAllowedError):
            queue.record_page_view(conn, EVA, view.pages[0].id)
        (sent,) = transferred.list_transferred(conn, NILS)
        assert (sent.current_unit, sent.state, sent.reason, sent.by) == (
            SOUTH,
            EntryState.REVIEW,
            "er pärm",
            "Eva Ek",
        )
        rejections.reject_entry(
            conn, SOFIA, rejections.Rejection(entry_id, view.entry.revision, "oläsligt"), later(3)
        )
        assert transferred.list_transferred(conn, NILS)[0].current_reason == "oläsligt"
        assert transferred.list_transferred(conn, SOFIA) == []


def take_back(ward: Ward, who: Person, entry_id: str) -> None:
    with ward.store.begin() as conn:
        work(Transfers, conn, who, later(3)).take_back(entry_id)


@pytest.mark.both_databases
def test_what_was_sent_on_is_taken_back_until_somebody_there_has_begun(ward: Ward) -> None:
    entry_id = ward.note("AAAA")
    with pytest.raises(ReviewError):
        take_back(ward, EVA, entry_id)
    forward(ward, entry_id, EVA, SOUTH)
    with pytest.raises(NotAllowedError):
        take_back(ward, SOFIA, entry_id)
    take_back(ward, EVA, entry_id)
    assert get(ward, entry_id).unit == NORTH
    with ward.store.begin() as conn:
        view = queue.claim_next(conn, FORMS, EVA, queue.ClaimTerms(later(4)))
        assert view is not None
        assert {page.unit for page in view.pages} == {NORTH}
        (sent,) = transferred.list_transferred(conn, NILS)
        assert (sent.current_unit, sent.is_waiting_there) == (NORTH, False)
    with pytest.raises(ReviewError):
        take_back(ward, EVA, entry_id)
    forward(ward, entry_id, EVA, SOUTH)
    with ward.store.begin() as conn:
        assert queue.claim_next(conn, FORMS, SOFIA, queue.ClaimTerms(later(2))) is not None
    with pytest.raises(ReviewError):
        take_back(ward, EVA, entry_id)


def test_a_unit_in_which_nobody_reviews_is_told(ward: Ward) -> None:
    with ward.store.begin() as conn:
        for who in (EVA, CHIEF):
            people.save_person(conn, who, hashed("x" * 14))
        assert people.units_with_someone(conn, Action.REVIEW) == {NORTH}
        also = Person(
            "vera",
            "Vera Ek",
            "",
            CHIEF.role,
            frozenset({NORTH}),
            frozenset(),
            further=(Assignment(EVA.role, "sjuksköterska", frozenset({SOUTH}), EVA.areas),),
        )
        people.save_person(conn, also, hashed("x" * 14))
        assert people.units_with_someone(conn, Action.REVIEW) == {NORTH, SOUTH}
        people.deactivate_person(conn, "vera")
        assert people.units_with_someone(conn, Action.REVIEW) == {NORTH}


def test_questions_to_oneself_are_counted_until_they_are_answered(ward: Ward) -> None:
    """The author's name on paper may lack its accents, and be written in capitals."""
    for serial, author in (("AAAA", "NILS EK"), ("BBBB", "Disa Penn")):
        entry_id = ward.note(serial)
        with ward.store.begin() as conn:
            work(Questions, conn, EVA, later(1)).ask(entry_id, 0, "Vilken fot?", author)
    with ward.store.begin() as conn:
        assert [author_questions.count_own_questions(conn, one) for one in (NILS, EVA, SOFIA)] == [
            1,
            0,
            0,
        ]
        asked = next(
            one for one in author_questions.list_questions(conn, NILS) if one.author == "NILS EK"
        )
        work(Questions, conn, NILS, later(5)).save_answer(asked.id, "Vänster", "Nils Ek", NOW)
        assert author_questions.count_own_questions(conn, NILS) == 0


def test_a_personal_number_is_refused_in_a_question(ward: Ward) -> None:
    entry_id = ward.note("AAAA")
    with ward.store.begin() as conn, pytest.raises(ReviewError) as refused:
        work(Questions, conn, EVA).ask(entry_id, 0, f"Är {ASTA.pid} rätt?", "")
    assert refused.value.key == "error.question_with_number"
    assert get(ward, entry_id).state is EntryState.REVIEW


def test_a_row_goes_alone_and_is_sent_back(ward: Ward) -> None:
    head = {"datum": SAID["datum"], "skribent": "Disa Penn"}
    said = {**head, "rad01.pnr": ASTA.pid, "rad02.pnr": BROR.pid}
    page_id = ward.scan()
    ward.read(page_id, page_reading(VISITS, "RRRR", said))
    with ward.store.begin() as conn, pytest.raises(NotAllowedError):
        queue.record_page_view(conn, SOFIA, page_id)
    forward(ward, "RRRR-02", EVA, SOUTH)
    assert (get(ward, "RRRR-01").unit, get(ward, "RRRR-02").unit) == (NORTH, SOUTH)
    with ward.store.begin() as conn:
        queue.record_page_view(conn, SOFIA, page_id)
    forward(ward, "RRRR-02", SOFIA, NORTH, "inte vår")
    with ward.store.read() as conn:
        assert [one.current_unit for one in transferred.list_transferred(conn, EVA)] == [NORTH]


def test_a_row_that_was_sent_on_is_found_there_by_its_serial(ward: Ward) -> None:
    ward.read(
        ward.scan(),
        page_reading(
            VISITS, "RRRR", {"datum": SAID["datum"], "rad01.pnr": ASTA.pid, "rad02.pnr": BROR.pid}
        ),
    )
    forward(ward, "RRRR-02", EVA, SOUTH)
    with ward.store.begin() as conn:
        rejections.reject_entry(
            conn,
            SOFIA,
            rejections.Rejection("RRRR-02", get(ward, "RRRR-02").revision, "oläsligt"),
            later(2),
        )
        assert [
            [one.id for one in sheet.entries]
            for sheet in by_serial.find_sheets(conn, SOFIA, "RRRR")
        ] == [["RRRR-02"]]


def test_only_open_paper_of_the_own_unit_is_sent_to_a_unit_that_there_is(ward: Ward) -> None:
    entry_id = ward.note("AAAA")
    for who, unit, error in (
        (SOFIA, NORTH, NotAllowedError),
        (CHIEF, SOUTH, NotAllowedError),
        (EVA, NORTH, ReviewError),
        (EVA, "Ingen", ReviewError),
    ):
        with pytest.raises(error):
            forward(ward, entry_id, who, unit)
    save(ward, entry_id, ClientStatement())
    with pytest.raises(StaleDecisionError):
        forward(ward, entry_id, EVA, SOUTH)


def test_a_question_waits_for_its_author_and_the_answer_brings_the_entry_back(ward: Ward) -> None:
    entry_id = ward.note("AAAA")
    with ward.store.begin() as conn:
        with pytest.raises(ReviewError):
            work(Questions, conn, EVA).ask(entry_id, 0, "  ", "")
        work(Questions, conn, EVA).ask(entry_id, 0, "Vilken fot?", "")
        (asked,) = author_questions.list_questions(conn, NILS)
        assert (asked.author, asked.text, asked.by) == ("Disa Penn", "Vilken fot?", "Eva Ek")
        assert queue.claim_next(conn, FORMS, NILS, queue.ClaimTerms(later(1))) is None
        for said, who, at in (
            ("", "Disa", NOW),
            ("Vänster", " ", NOW),
            ("Vänster", "Disa", later(9)),
        ):
            with pytest.raises(ReviewError):
                work(Questions, conn, NILS, later(5)).save_answer(asked.id, said, who, at)
        with pytest.raises(NotAllowedError):
            work(Questions, conn, SOFIA, later(5)).save_answer(asked.id, "Vänster", "Disa", NOW)
        work(Questions, conn, NILS, later(5)).save_answer(
            asked.id, "Vänster", "Disa Penn", later(3)
        )
        assert author_questions.list_questions(conn, NILS) == []
        (done,) = author_questions.list_questions(conn, NILS, answered=True)
        (given,) = done.answers
        assert (given.text, given.answered_by, given.answered_at, given.by) == (
            "Vänster",
            "Disa Penn",
            later(3),
            "Nils Ek",
        )
        view = queue.claim_next(conn, FORMS, NILS, queue.ClaimTerms(later(6)))
        assert view is not None
        assert view.entry.reason == author_questions.ANSWERED_REASON
        assert [
            one.answers for one in author_questions.list_entry_questions(conn, NILS, entry_id)
        ] == [done.answers]
        assert "Vilken" not in whole_log(conn)
        assert "Vänster" not in whole_log(conn)


def test_an_answer_that_an_administrator_writes_in_brings_the_entry_back_too(ward: Ward) -> None:
    entry_id = ward.note("AAAA")
    with ward.store.begin() as conn:
        work(Questions, conn, EVA).ask(entry_id, 0, "Vilken fot?", "")
        (asked,) = author_questions.list_questions(conn, ADMIN)
        work(Questions, conn, ADMIN, later(1)).save_answer(asked.id, "Vänster", "Disa Penn", NOW)
    assert (get(ward, entry_id).state, get(ward, entry_id).reason) == (
        EntryState.REVIEW,
        author_questions.ANSWERED_REASON,
    )


def test_the_list_for_an_author_names_no_client(ward: Ward) -> None:
    import subprocess

    entry_id = ward.note("AAAA")
    with ward.store.begin() as conn:
        work(Questions, conn, EVA).ask(entry_id, 0, "Vilken fot åsyftas?", "")
        asked = author_questions.list_questions(conn, EVA)
    data = make_question_list("Disa Penn", asked, FORMS, made_by="Eva Ek", made_at=NOW)
    told = subprocess.run(
        ["pdftotext", "-layout", "-", "-"], input=data, capture_output=True, check=True
    ).stdout.decode()
    assert all(
        words in told
        for words in (
            "Disa Penn",
            "1 fråga. Ställd av Eva Ek",
            "Vilken fot åsyftas?",
            "AAAA",
            NOTE.title,
        )
    )
    assert ASTA.pid not in told
    assert "Provberg" not in told


def test_a_mark_that_is_taken_back_late_brings_nothing_back_that_was_put_aside_for_another_reason(
    ward: Ward,
) -> None:
    first, second = ward.note("AAAA"), ward.note("BBBB")
    for entry_id in (first, second):
        save(ward, entry_id, ClientStatement())
    with ward.store.begin() as conn:
        mark = rejections.mark_duplicate(
            conn,
            ward.store.images,
            EVA,
            rejections.Duplicate(
                second, load_entry(conn, second).revision, ComparisonSource(other_entry=first)
            ),
            NOW,
        )
        rejections.reopen_rejected(conn, NILS, second, load_entry(conn, second).revision)
        rejections.reject_entry(
            conn,
            NILS,
            rejections.Rejection(second, load_entry(conn, second).revision, "fel person"),
            later(2),
        )
    with pytest.raises(StaleDecisionError), ward.store.begin() as conn:
        rejections.withdraw_duplicate_mark(conn, EVA, mark, later(3))
    with ward.store.read() as conn:
        assert (load_entry(conn, second).state, load_entry(conn, second).reason) == (
            EntryState.REJECTED,
            "fel person",
        )


def test_a_question_is_listed_however_many_others_need_no_answer_any_longer(
    ward: Ward, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(author_questions, "_MAX_QUESTIONS", 1)
    first, second = ward.note("AAAA"), ward.note("BBBB")
    with ward.store.begin() as conn:
        for entry_id in (first, second):
            work(Questions, conn, EVA).ask(entry_id, 0, "Vilken dos?", "")
        rejections.reopen_rejected(conn, NILS, first, 1)
        assert [one.entry.id for one in author_questions.list_questions(conn, EVA)] == [second]


def test_nobody_sends_on_what_a_colleague_has_on_the_screen(ward: Ward) -> None:
    entry_id = ward.note("AAAA")
    with ward.store.begin() as conn:
        queue.open_claimed_entry(conn, FORMS, NILS, entry_id, queue.ClaimTerms(NOW))
        with pytest.raises(StaleDecisionError):
            work(Transfers, conn, EVA, later(1)).send(entry_id, 0, SOUTH, "")
        work(Transfers, conn, NILS, later(1)).send(entry_id, 0, SOUTH, "")
        assert load_entry(conn, entry_id).unit == SOUTH
