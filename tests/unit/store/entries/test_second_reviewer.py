"""Who is the second person of a disputed field: never a person who has said anything of it, and
nobody can do without by taking a decision back.
"""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from sqlalchemy import insert, update

from pipeline.domain.errors import NotAllowedError, StaleDecisionError
from pipeline.domain.form.form import Forms
from pipeline.domain.model import EntryState, Person, State, Value
from pipeline.domain.review.rules import Answer, asked_fields
from pipeline.domain.settings import ROOT
from pipeline.registers.client_check import NO_CLIENT_STATEMENT, ClientStatement, ConflictChoice
from pipeline.review import decisions, rejections, session
from pipeline.review.corrections import Corrections
from pipeline.store.database.store import Store
from pipeline.store.entries import queue
from pipeline.store.entries.answers import decided_answers
from pipeline.store.entries.entry import load_entry
from pipeline.store.entries.queue import ClaimTerms
from pipeline.store.entries.second_reviewer import count_waiting_for_others
from pipeline.store.schema.review import client_choice, control, group_cell, group_task
from tests.support.store.ward import (
    ASTA,
    BROR,
    EVA,
    FORMS,
    NILS,
    NOTE,
    NOW,
    PLAN,
    SAID,
    VISITS,
    Ward,
    answers,
    later,
    page_reading,
    person,
)
from tests.support.store.work import work

pytest_plugins = ("tests.support.store.databases",)

ALL: Mapping[str, Value] = {**SAID, **PLAN}
WRONG = Answer("2026-02-18")
RIGHT = Answer("2026-02-17")
ULLA = person("ulla")
HANDED_ON = ClientStatement(choice=ConflictChoice.HAND_ON)


@pytest.fixture
def ward(store: Store) -> Ward:
    """The test organisation."""
    return Ward(store).begin()


def save(
    ward: Ward,
    entry_id: str,
    who: Person,
    given: Mapping[str, Answer],
    about: ClientStatement = NO_CLIENT_STATEMENT,
) -> EntryState:
    """Decide an entry as it is now."""
    with ward.store.begin() as conn:
        revision = load_entry(conn, entry_id).revision
        return decisions.decide_entry(
            conn, FORMS, who, decisions.Decision(entry_id, revision, given, about=about), NOW
        )


def disputed(ward: Ward) -> None:
    """A note whose day Eva has typed otherwise than the machine read it."""
    ward.note("AAAA")
    assert save(ward, "AAAA-00", EVA, answers(ALL, datum=WRONG)) is EntryState.SECOND


def settled(ward: Ward, day: Answer) -> None:
    """A note whose disputed day Nils has settled as this."""
    disputed(ward)
    assert save(ward, "AAAA-00", NILS, {"datum": day}) is EntryState.CONFIRMED


def undo(ward: Ward, entry_id: str, who: Person) -> EntryState:
    """Take a decision back."""
    with ward.store.begin() as conn:
        return work(Corrections, conn, who).undo([(entry_id, load_entry(conn, entry_id).revision)])


def correct(ward: Ward, entry_id: str, who: Person, **new: Answer) -> EntryState:
    """Correct a confirmed entry."""
    with ward.store.begin() as conn:
        return work(Corrections, conn, who).correct(
            entry_id, load_entry(conn, entry_id).revision, new, "fel"
        )


def type_and_skip(ward: Ward, who: Person, day: Answer, minutes: float = 0) -> None:
    """Take an entry, type its day and leave it for later, on a computer whose clock is so many
    minutes ahead.
    """
    with ward.store.begin() as conn:
        view = queue.open_claimed_entry(
            conn, FORMS, who, "AAAA-00", queue.ClaimTerms(later(minutes))
        )
        session.save_draft(conn, who, "AAAA-00", {"datum": day}, ClaimTerms(later(minutes)))
        queue.skip_entry(conn, who, "AAAA-00", view.entry.revision)


def gets(ward: Ward, who: Person) -> str | None:
    """The entry that a person gets from the queue and gives back at once."""
    with ward.store.begin() as conn:
        view = queue.claim_next(conn, FORMS, who, queue.ClaimTerms(NOW))
        if view is not None:
            queue.release_claim(conn, who, view.entry.id)
    return view.entry.id if view else None


def refused(ward: Ward, entry_id: str, who: Person) -> bool:
    """Whether a person neither gets an entry, nor is shown it as the second, nor may decide it, and
    is told that it waits.
    """
    if gets(ward, who) is not None:
        return False
    with ward.store.begin() as conn:
        assert queue.count_waiting(conn, who, NOW) == 0
        assert count_waiting_for_others(conn, who) == 1
        found = load_entry(conn, entry_id)
        with pytest.raises(NotAllowedError):
            decisions.decide_entry(
                conn,
                FORMS,
                who,
                decisions.Decision(entry_id, found.revision, {"datum": RIGHT}),
                NOW,
            )
        view = queue.open_claimed_entry(conn, FORMS, who, entry_id, queue.ClaimTerms(NOW))
        assert view.entry.claimed_by is None
        assert {field.reading for field in view.fields if field.spec.name == "datum"} == {None}
    return True


def test_nobody_guesses_until_the_machine_agrees(ward: Ward) -> None:
    ward.note("AAAA")
    assert save(ward, "AAAA-00", EVA, answers(ALL, datum=WRONG)) is EntryState.SECOND
    assert undo(ward, "AAAA-00", EVA) is EntryState.REVIEW
    assert save(ward, "AAAA-00", EVA, answers(ALL)) is EntryState.SECOND
    with ward.store.read() as conn:
        assert [
            name for name, one in decided_answers(conn, "AAAA-00").items() if not one.is_settled
        ] == ["datum"]
    assert refused(ward, "AAAA-00", EVA)
    assert save(ward, "AAAA-00", NILS, {"datum": RIGHT}) is EntryState.CONFIRMED


def test_rejecting_and_taking_up_again_is_no_way_around_either(ward: Ward) -> None:
    disputed(ward)
    with ward.store.begin() as conn:
        rejections.reject_entry(conn, EVA, rejections.Rejection("AAAA-00", 1, "oläsligt"), NOW)
        rejections.reopen_rejected(conn, EVA, "AAAA-00", 2)
    assert save(ward, "AAAA-00", EVA, answers(ALL)) is EntryState.SECOND


def test_another_person_who_types_anew_is_the_other_person(ward: Ward) -> None:
    disputed(ward)
    undo(ward, "AAAA-00", EVA)
    with ward.store.begin() as conn:
        queue.release_claim(conn, EVA, "AAAA-00")
    assert save(ward, "AAAA-00", NILS, answers(ALL)) is EntryState.CONFIRMED


def test_whoever_typed_the_value_does_not_judge_its_correction(ward: Ward) -> None:
    ward.note("AAAA")
    assert save(ward, "AAAA-00", EVA, answers(ALL)) is EntryState.CONFIRMED
    assert correct(ward, "AAAA-00", NILS, datum=WRONG) is EntryState.SECOND
    assert refused(ward, "AAAA-00", EVA)
    assert refused(ward, "AAAA-00", NILS)
    assert gets(ward, ULLA) == "AAAA-00"
    assert save(ward, "AAAA-00", ULLA, {"datum": RIGHT}) is EntryState.CONFIRMED


def test_whoever_settled_a_value_does_not_judge_its_correction_but_that_of_others(
    ward: Ward,
) -> None:
    settled(ward, WRONG)
    assert (
        correct(ward, "AAAA-00", EVA, pnr=Answer(BROR.pid), namn=Answer("Bror Testlund"))
        is EntryState.SECOND
    )
    with ward.store.begin() as conn:
        view = queue.open_claimed_entry(conn, FORMS, ULLA, "AAAA-00", queue.ClaimTerms(NOW))
        assert [field.spec.name for field in view.fields if field.is_open] == ["pnr"]
        assert {field.first_answer for field in view.fields if field.spec.name == "datum"} == {
            WRONG
        }
        queue.release_claim(conn, ULLA, "AAAA-00")
    assert save(ward, "AAAA-00", ULLA, {"pnr": Answer(BROR.pid)}) is EntryState.CONFIRMED
    assert correct(ward, "AAAA-00", EVA, datum=Answer("2026-02-19")) is EntryState.SECOND
    assert refused(ward, "AAAA-00", NILS)
    assert gets(ward, ULLA) == "AAAA-00"


def test_the_second_person_who_undoes_is_the_second_person_still(ward: Ward) -> None:
    settled(ward, RIGHT)
    assert undo(ward, "AAAA-00", NILS) is EntryState.SECOND
    assert gets(ward, NILS) == "AAAA-00"
    assert save(ward, "AAAA-00", NILS, {"datum": WRONG}) is EntryState.CONFIRMED


def test_an_entry_that_comes_back_whole_has_the_same_second_person(ward: Ward) -> None:
    settled(ward, WRONG)
    with ward.store.begin() as conn:
        rejections.reject_entry(conn, ULLA, rejections.Rejection("AAAA-00", 2, "fel person"), NOW)
        rejections.reopen_rejected(conn, ULLA, "AAAA-00", 3)
    assert save(ward, "AAAA-00", EVA, answers(ALL, datum=WRONG)) is EntryState.SECOND
    assert gets(ward, NILS) == "AAAA-00"


def test_keying_the_same_head_in_another_row_bars_nobody(ward: Ward) -> None:
    """All who review rows of a sheet at the same time have keyed its head: otherwise nobody would
    be left.
    """
    rows: dict[str, Value] = {
        f"rad0{n}.{name}": value
        for n in (1, 2)
        for name, value in {"pnr": ASTA.pid, "tid": "07:30", "sign": "EE"}.items()
    }
    ward.read(ward.scan(), page_reading(VISITS, "BBBB", {"datum": "2026-02-17", **rows}))
    given = {
        n: answers(
            {"skribent": None, f"rad0{n}.mat": None}
            | {k: v for k, v in rows.items() if k.startswith(f"rad0{n}")}
        )
        for n in (1, 2)
    }
    assert save(ward, "BBBB-01", EVA, given[1] | {"datum": WRONG}) is EntryState.SECOND
    assert (
        save(ward, "BBBB-02", NILS, given[2] | {"datum": Answer("2026-02-19")}) is EntryState.SECOND
    )
    assert (gets(ward, EVA), gets(ward, NILS)) == ("BBBB-02", "BBBB-01")


def test_whoever_found_the_piece_odd_in_a_group_is_not_the_second(ward: Ward) -> None:
    disputed(ward)
    with ward.store.begin() as conn:
        task = {
            "id": "g1",
            "login": NILS.login,
            "form": NOTE.id,
            "version": 1,
            "column": "datum",
            "value": "2026-02-17",
            "state": State.READ.value,
        }
        conn.execute(
            insert(group_task).values(
                {**task, "shown_at": NOW, "claimed_until": NOW, "ended_at": NOW}
            )
        )
        page = load_entry(conn, "AAAA-00").page
        conn.execute(
            insert(group_cell).values(
                task="g1",
                entry="AAAA-00",
                revision=0,
                field="datum",
                page=page,
                outcome="odd",
                ended_at=NOW,
            )
        )
    assert refused(ward, "AAAA-00", NILS)
    with ward.store.begin() as conn:
        conn.execute(update(group_cell).values(outcome="undone"))
    assert gets(ward, NILS) == "AAAA-00"


def test_whoever_typed_the_control_is_not_the_second(ward: Ward) -> None:
    disputed(ward)
    with ward.store.begin() as conn:
        conn.execute(
            insert(control).values(
                entry="AAAA-00", field="datum", drawn_at=NOW, typed_by=NILS.login, typed_at=NOW
            )
        )
    assert refused(ward, "AAAA-00", NILS)


def test_whoever_typed_and_left_it_for_later_is_not_the_second(ward: Ward) -> None:
    ward.note("AAAA")
    type_and_skip(ward, NILS, RIGHT)
    save(ward, "AAAA-00", EVA, answers(ALL, datum=WRONG))
    assert refused(ward, "AAAA-00", NILS)
    assert gets(ward, ULLA) == "AAAA-00"


def test_typing_as_the_second_and_leaving_it_for_later_bars_nobody(ward: Ward) -> None:
    disputed(ward)
    type_and_skip(ward, NILS, RIGHT)
    assert gets(ward, NILS) == "AAAA-00"
    undo(ward, "AAAA-00", EVA)
    save(ward, "AAAA-00", EVA, answers(ALL, datum=WRONG))
    assert refused(ward, "AAAA-00", NILS), "what was typed comes before what is disputed now"


@pytest.mark.parametrize("minutes", [-10, 10])
def test_whose_clock_is_ahead_or_behind_is_the_second_all_the_same_or_is_not(
    ward: Ward, minutes: float
) -> None:
    ward.note("AAAA")
    type_and_skip(ward, NILS, RIGHT, minutes)
    save(ward, "AAAA-00", EVA, answers(ALL, datum=WRONG))
    type_and_skip(ward, ULLA, RIGHT, minutes)
    assert refused(ward, "AAAA-00", NILS)
    assert gets(ward, ULLA) == "AAAA-00"


def test_whoever_typed_before_does_not_become_the_second_by_typing_again(ward: Ward) -> None:
    ward.note("AAAA")
    type_and_skip(ward, NILS, RIGHT)
    save(ward, "AAAA-00", EVA, answers(ALL, datum=WRONG))
    for again in (WRONG, None):
        with ward.store.begin() as conn, pytest.raises(StaleDecisionError):
            session.save_draft(conn, NILS, "AAAA-00", {"datum": again}, ClaimTerms(later(1)))
    assert refused(ward, "AAAA-00", NILS)


SIGNED = Forms.load(ROOT / "forms")["signeringslista", 1]
HEAD: Mapping[str, Value] = {
    "personnummer": ASTA.pid,
    "namn": "Asta Provberg",
    "insats": "Alvedon",
    "ordination": "500 mg",
    "typ": "lakemedel",
    "skribent": "Disa Penn",
    "yrkestitel": "ssk",
    "underskrift": True,
}


def sign_row(
    ward: Ward, who: Person, row: int, about: ClientStatement, **other: Value
) -> EntryState:
    """Decide a row of a signature list as the first person, apart from `other` as the paper
    says.
    """
    said = {**HEAD, f"dag{row:02d}.datum": f"2026-02-0{row}"} | other
    given = {spec.name: Answer(None, State.EMPTY) for spec in asked_fields(SIGNED, row)} | answers(
        said
    )
    with ward.store.begin() as conn:
        forms = Forms({(SIGNED.id, SIGNED.version): SIGNED})
        entry_id = f"CCCC-{row:02d}"
        return decisions.decide_entry(
            conn,
            forms,
            who,
            decisions.Decision(entry_id, load_entry(conn, entry_id).revision, given, about=about),
            NOW,
        )


def test_a_client_that_is_handed_on_is_handed_on_although_another_row_has_the_same_number(
    ward: Ward,
) -> None:
    rows: dict[str, Value] = {f"dag{row:02d}.datum": f"2026-02-0{row}" for row in (1, 2)}
    ward.read(
        ward.scan(), page_reading(SIGNED, "CCCC", {**HEAD, "namn": "Bror Testlund", **rows}), SIGNED
    )
    assert (
        sign_row(ward, EVA, 1, ClientStatement(choice=ConflictChoice.SLIP), namn="Bror Testlund")
        is EntryState.CONFIRMED
    )
    assert sign_row(ward, EVA, 2, HANDED_ON, namn="Bror Testlund") is EntryState.SECOND


def test_the_head_of_a_void_row_says_nothing_to_the_others(ward: Ward) -> None:
    rows: dict[str, Value] = {f"dag{row:02d}.datum": f"2026-02-0{row}" for row in (1, 2)}
    ward.read(ward.scan(), page_reading(SIGNED, "CCCC", {**HEAD, **rows}), SIGNED)
    wrong: dict[str, Value] = {"personnummer": BROR.pid, "namn": BROR.name}
    forms = Forms({(SIGNED.id, SIGNED.version): SIGNED})
    assert sign_row(ward, EVA, 1, NO_CLIENT_STATEMENT, **wrong) is EntryState.SECOND
    with ward.store.begin() as conn:
        decisions.decide_entry(
            conn,
            forms,
            NILS,
            decisions.Decision("CCCC-01", 1, {"personnummer": Answer(BROR.pid)}),
            NOW,
        )
    ward.export("CCCC-01", 2)
    with ward.store.begin() as conn:
        work(Corrections, conn, EVA).void("CCCC-01", 2, "fel person")
        view = queue.open_claimed_entry(conn, forms, ULLA, "CCCC-02", queue.ClaimTerms(later(1)))
    assert next(field.draft for field in view.fields if field.spec.name == "personnummer") is None
    assert sign_row(ward, ULLA, 2, NO_CLIENT_STATEMENT, **wrong) is EntryState.SECOND


def test_what_the_second_person_says_of_the_client_is_kept(ward: Ward) -> None:
    entry_id = ward.note("AAAA", {**SAID, "namn": "Helt Annan", "pnr": BROR.pid})
    save(ward, entry_id, EVA, answers(ALL, namn=Answer("Helt Annan")))
    save(
        ward, entry_id, NILS, {"pnr": Answer(ASTA.pid)}, ClientStatement(choice=ConflictChoice.SLIP)
    )
    with ward.store.read() as conn:
        assert [(row.choice, row.by) for row in conn.execute(client_choice.select())] == [
            (ConflictChoice.SLIP, NILS.login)
        ]


def test_two_people_see_a_head_once_for_all_rows(ward: Ward) -> None:
    """On a form of `double_check` too: what two have settled in one row is as settled in the
    next.
    """
    rows: dict[str, Value] = {f"dag{row:02d}.datum": f"2026-02-0{row}" for row in (1, 2)}
    ward.read(ward.scan(), page_reading(SIGNED, "CCCC", {**HEAD, **rows}), SIGNED)
    twice = Forms({(SIGNED.id, SIGNED.version): SIGNED})
    twice.double_check = frozenset({SIGNED.id})
    open_in = {}
    for row in (1, 2):
        given = {
            spec.name: Answer(None, State.EMPTY) for spec in asked_fields(SIGNED, row)
        } | answers({**HEAD, f"dag{row:02d}.datum": f"2026-02-0{row}"})
        with ward.store.begin() as conn:
            decisions.decide_entry(
                conn, twice, EVA, decisions.Decision(f"CCCC-{row:02d}", 0, given), NOW
            )
            open_in[row] = {
                name
                for name, one in decided_answers(conn, f"CCCC-{row:02d}").items()
                if not one.is_settled
            }
            again = {name: given[name] for name in open_in[row]}
            assert (
                decisions.decide_entry(
                    conn, twice, NILS, decisions.Decision(f"CCCC-{row:02d}", 1, again), later(1)
                )
                is EntryState.CONFIRMED
            )
    assert "personnummer" in open_in[1]
    assert open_in[2] == {"dag02.datum"}
