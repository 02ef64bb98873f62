"""Confirmed fields that are typed again: who may, what a difference leads to, and that nothing
changes without a reason.
"""

from __future__ import annotations

from datetime import datetime

import pytest
from sqlalchemy import Connection, select

from pipeline.domain.errors import (
    MissingAnswerError,
    NotAllowedError,
    ReviewError,
    StaleDecisionError,
    UnknownClientError,
)
from pipeline.domain.form.form import Forms
from pipeline.domain.identity_numbers import is_temporary_pid
from pipeline.domain.model import EntryState, Person, Role, State, Value
from pipeline.domain.review.rules import Answer
from pipeline.domain.settings import Settings
from pipeline.registers.client_check import ClientStatement
from pipeline.review import decisions
from pipeline.review.corrections import Corrections
from pipeline.review.rekeying import REKEYING_REASON, Rekeying
from pipeline.store.database.store import Store, open_store
from pipeline.store.entries.answers import AnswerOrigin, decided_answers
from pipeline.store.entries.client_identities import list_temporary_identities
from pipeline.store.entries.entry import load_entry
from pipeline.store.event_log.events import list_events
from pipeline.store.exports import ready_entries, records
from pipeline.store.lookup import own_actions
from pipeline.store.quality import checked_work
from pipeline.store.quality.checked_work import RekeyingOutcome, RekeyingTask
from pipeline.store.registers import client_register
from pipeline.store.schema.review import control
from tests.support.store.ward import (
    ASTA,
    BROR,
    CILLA,
    EVA,
    FORMS,
    NILS,
    NOTE,
    NOW,
    PLAN,
    SAID,
    SOFIA,
    UNKNOWN_PID,
    VISITS,
    Ward,
    answers,
    later,
    page_reading,
)
from tests.support.store.ward import person as somebody
from tests.support.store.work import work

pytest_plugins = ("tests.support.store.databases",)
ULLA, YLVA = somebody("ulla"), somebody("ylva")


@pytest.fixture
def ward(store_settings: Settings) -> Ward:
    """A store in which every confirmed field is typed again."""
    return Ward(
        open_store(store_settings.model_copy(update={"control_share": 1.0}), create=True)
    ).begin()


def confirm(ward: Ward, serial: str = "AAAA", **changed: Value) -> str:
    entry_id = ward.note(serial)
    with ward.store.begin() as conn:
        said = {**SAID, **PLAN, **changed}
        decisions.decide_entry(
            conn, FORMS, EVA, decisions.Decision(entry_id, 0, answers(said)), NOW
        )
    return entry_id


def task_of(
    conn: Connection, person: Person, field: str, now: datetime = NOW, forms: Forms = FORMS
) -> RekeyingTask:
    """The task for a field, others passed."""
    for _ in range(20):
        task = checked_work.claim_next_rekeying(conn, forms, person, now, 15)
        assert task is not None
        if task.spec.name == field:
            return task
        checked_work.skip_rekeying(conn, person, task)
    raise AssertionError(field)


def typed(
    store: Store, person: Person, field: str, value: Value, forms: Forms = FORMS
) -> RekeyingOutcome:
    with store.begin() as conn:
        return work(Rekeying, conn, person, later(1)).save_answer(
            task_of(conn, person, field, forms=forms), Answer(value)
        )


def looked(
    store: Store,
    person: Person,
    field: str,
    value: Value,
    *,
    outside: bool = False,
    forms: Forms = FORMS,
) -> RekeyingOutcome:
    about = ClientStatement(outside="ny klient" if outside else "")
    with store.begin() as conn:
        return work(Rekeying, conn, person, later(2)).adjudicate(
            task_of(conn, person, field, forms=forms), Answer(value), about=about
        )


def test_fields_are_drawn_when_they_are_confirmed_and_only_once(ward: Ward) -> None:
    entry_id = confirm(ward)
    with ward.store.begin() as conn:
        drawn = set(conn.execute(select(control.c.field)).scalars())
        work(Corrections, conn, EVA).undo([(entry_id, 1)])
        decisions.decide_entry(
            conn, FORMS, EVA, decisions.Decision(entry_id, 2, answers({**SAID, **PLAN})), NOW
        )
        assert drawn == {"pnr", "namn", "datum", "tid", "skribent"}
        assert sorted(conn.execute(select(control.c.field)).scalars()) == sorted(drawn)


def test_nothing_is_drawn_when_the_share_is_nought(store_settings: Settings) -> None:
    ward = Ward(
        open_store(store_settings.model_copy(update={"control_share": 0.0}), create=True)
    ).begin()
    confirm(ward)
    with ward.store.begin() as conn:
        assert checked_work.claim_next_rekeying(conn, FORMS, NILS, NOW, 15) is None


def test_the_task_shows_no_value_and_goes_to_nobody_who_decided(ward: Ward) -> None:
    confirm(ward)
    with ward.store.begin() as conn:
        assert checked_work.claim_next_rekeying(conn, FORMS, EVA, NOW, 15) is None
        assert checked_work.claim_next_rekeying(conn, FORMS, SOFIA, NOW, 15) is None
        task = checked_work.claim_next_rekeying(conn, FORMS, NILS, NOW, 15)
        assert task is not None
        assert task.differing_answers == ()
        assert (task.page_no, task.page.page_no) == (1, 1)
        other = checked_work.claim_next_rekeying(conn, FORMS, ULLA, NOW, 15)
        assert other is not None
        assert other.id != task.id
        again = checked_work.claim_next_rekeying(conn, FORMS, NILS, later(1), 15)
        assert again is not None
        assert again.id == task.id
        with pytest.raises(NotAllowedError):
            checked_work.claim_next_rekeying(conn, FORMS, somebody("chef", Role.MANAGER), NOW, 15)
        with pytest.raises(NotAllowedError):
            work(Rekeying, conn, EVA).save_answer(task, Answer("x"))
        with pytest.raises(NotAllowedError):
            work(Rekeying, conn, SOFIA).save_answer(task, Answer("x"))
        with pytest.raises(StaleDecisionError):
            work(Rekeying, conn, ULLA).save_answer(task, Answer("x"))


def test_a_task_that_is_left_goes_to_somebody_else(ward: Ward) -> None:
    confirm(ward)
    with ward.store.begin() as conn:
        first = checked_work.claim_next_rekeying(conn, FORMS, NILS, NOW, 15)
        assert first is not None
        with pytest.raises(StaleDecisionError):
            work(Rekeying, conn, NILS, later(16)).save_answer(first, Answer(ASTA.pid))
        taken = checked_work.claim_next_rekeying(conn, FORMS, ULLA, later(16), 15)
        assert taken is not None
        assert taken.id == first.id


def test_second_reviewers_and_keyers_of_the_same_head_are_left_out(ward: Ward) -> None:
    wrong = {**SAID, "datum": "2026-02-19"}
    ward.read(ward.scan(), page_reading(NOTE, "AAAA", wrong))
    ward.read(ward.scan(), page_reading(NOTE, "AAAA", PLAN, page_no=2))
    with ward.store.begin() as conn:
        assert (
            decisions.decide_entry(
                conn, FORMS, EVA, decisions.Decision("AAAA-00", 0, answers({**SAID, **PLAN})), NOW
            )
            is EntryState.SECOND
        )
        assert checked_work.claim_next_rekeying(conn, FORMS, ULLA, NOW, 15) is None
        decisions.decide_entry(
            conn,
            FORMS,
            NILS,
            decisions.Decision("AAAA-00", 1, answers({"datum": "2026-02-17"})),
            NOW,
        )
        assert checked_work.claim_next_rekeying(conn, FORMS, NILS, NOW, 15) is None
        assert checked_work.claim_next_rekeying(conn, FORMS, ULLA, NOW, 15) is not None


def test_a_head_is_not_typed_by_who_keyed_it_for_another_row(ward: Ward) -> None:
    said = {"datum": "2026-02-17", "skribent": "Disa Penn"} | {
        f"rad0{row}.pnr": ASTA.pid for row in (1, 2)
    }
    ward.read(ward.scan(), page_reading(VISITS, "BBBB", said))
    with ward.store.begin() as conn:
        for row, who in ((1, EVA), (2, NILS)):
            left = {f"rad0{row}.{name}": None for name in ("tid", "mat", "sign")}
            given = answers(
                {"datum": "2026-02-17", "skribent": "Disa Penn", f"rad0{row}.pnr": ASTA.pid, **left}
            )
            assert (
                decisions.decide_entry(
                    conn, FORMS, who, decisions.Decision(f"BBBB-0{row}", 0, given), NOW
                )
                is EntryState.CONFIRMED
            )
        seen = set()
        while (task := checked_work.claim_next_rekeying(conn, FORMS, EVA, NOW, 15)) is not None:
            work(Rekeying, conn, EVA).save_answer(task, Answer(None, State.EMPTY))
            seen.add(task.spec.name)
        assert seen == {"rad02.pnr", "rad02.tid", "rad02.mat"}


def test_agreement_ends_it_however_it_is_written(ward: Ward) -> None:
    entry_id = confirm(ward)
    assert typed(ward.store, NILS, "datum", "260217") is RekeyingOutcome.AGREED
    with ward.store.begin() as conn:
        assert load_entry(conn, entry_id).revision == 1
        assert ready_entries.list_ready_entries(conn, FORMS, EVA) == [entry_id]
        assert [event.action for event in list_events(conn, entry_id)] == ["decide", "control"]


def test_a_blank_is_no_answer(ward: Ward) -> None:
    confirm(ward)
    with pytest.raises(MissingAnswerError):
        typed(ward.store, NILS, "datum", " ")


def test_a_difference_holds_the_export_until_a_third_person_has_looked(ward: Ward) -> None:
    entry_id = confirm(ward)
    assert typed(ward.store, NILS, "tid", "08:45") is RekeyingOutcome.DIFFERS
    with ward.store.begin() as conn:
        assert ready_entries.list_ready_entries(conn, FORMS, EVA) == []
        for involved in (EVA, NILS):
            task = checked_work.claim_next_rekeying(conn, FORMS, involved, NOW, 15)
            assert task is None or task.spec.name != "tid"
        first = checked_work.claim_next_rekeying(conn, FORMS, ULLA, NOW, 15)
        assert first is not None
        assert first.is_adjudication
        assert {side.value for side in first.differing_answers} == {"08:15", "08:45"}
    assert looked(ward.store, ULLA, "tid", "8.15") is RekeyingOutcome.RIGHT
    with ward.store.begin() as conn:
        assert load_entry(conn, entry_id).revision == 1
        assert ready_entries.list_ready_entries(conn, FORMS, EVA) == [entry_id]


def test_a_difference_does_not_keep_a_void_entry_from_its_target(ward: Ward) -> None:
    entry_id = confirm(ward)
    ward.export(entry_id)
    typed(ward.store, NILS, "tid", "08:45")
    with ward.store.begin() as conn:
        work(Corrections, conn, EVA, later(1)).void(entry_id, 1, "fel person")
        assert ready_entries.list_ready_entries(conn, FORMS, EVA) == [entry_id]


def test_a_wrong_value_becomes_a_correction_with_a_reason(ward: Ward) -> None:
    entry_id = confirm(ward)
    typed(ward.store, NILS, "tid", "08:45")
    assert looked(ward.store, ULLA, "tid", "08:45") is RekeyingOutcome.WRONG
    with ward.store.begin() as conn:
        found, answer = load_entry(conn, entry_id), decided_answers(conn, entry_id)["tid"]
        assert (found.state, found.revision, found.reason) == (
            EntryState.CONFIRMED,
            2,
            REKEYING_REASON,
        )
        assert (found.first_by, found.second_by) == (NILS.login, ULLA.login)
        assert (answer.answer.value, answer.origin, answer.is_settled) == (
            "08:45",
            AnswerOrigin.CORRECTION,
            True,
        )
        assert (
            records.load_records(conn, FORMS, ready_entries.list_ready_entries(conn, FORMS, EVA))[
                0
            ].fields["tid"]
            == "08:45"
        )


def test_an_exported_entry_is_exported_again(ward: Ward) -> None:
    entry_id = confirm(ward)
    with ward.store.begin() as conn:
        ready_entries.mark_exported(conn, [entry_id])
    typed(ward.store, NILS, "tid", "08:45")
    looked(ward.store, ULLA, "tid", "08:45")
    with ward.store.begin() as conn:
        assert ready_entries.list_ready_entries(conn, FORMS, EVA) == [entry_id]


def test_a_critical_value_that_only_the_third_person_reads_goes_to_a_fourth(ward: Ward) -> None:
    entry_id = confirm(ward)
    typed(ward.store, NILS, "datum", "2026-02-18")
    assert looked(ward.store, ULLA, "datum", "2026-02-11") is RekeyingOutcome.WRONG
    with ward.store.begin() as conn:
        found = load_entry(conn, entry_id)
        assert (found.state, found.first_by, found.second_by) == (
            EntryState.SECOND,
            ULLA.login,
            None,
        )
        decisions.decide_entry(
            conn,
            FORMS,
            YLVA,
            decisions.Decision(entry_id, found.revision, answers({"datum": "2026-02-11"})),
            NOW,
        )
        assert decided_answers(conn, entry_id)["datum"].answer.value == "2026-02-11"


def test_nobody_stands_for_a_value_that_somebody_else_typed(ward: Ward) -> None:
    entry_id = confirm(ward)
    typed(ward.store, NILS, "tid", "08:45")
    looked(ward.store, ULLA, "tid", "08:30")
    with ward.store.begin() as conn:
        found = load_entry(conn, entry_id)
    assert (found.state, found.first_by, found.second_by) == (
        EntryState.CONFIRMED,
        ULLA.login,
        None,
    )


def test_the_machine_is_no_second_person_where_two_people_look(ward: Ward) -> None:
    twice = Forms(FORMS)
    twice.double_check = frozenset({NOTE.id})
    entry_id = ward.note("AAAA", {**SAID, "datum": "2026-02-11"})
    with ward.store.begin() as conn:
        decisions.decide_entry(
            conn, twice, EVA, decisions.Decision(entry_id, 0, answers({**SAID, **PLAN})), NOW
        )
        decisions.decide_entry(
            conn,
            twice,
            NILS,
            decisions.Decision(entry_id, 1, answers({"datum": "2026-02-17", "pnr": ASTA.pid})),
            NOW,
        )
    typed(ward.store, ULLA, "datum", "2026-02-18", twice)
    looked(ward.store, YLVA, "datum", "2026-02-11", forms=twice)
    with ward.store.begin() as conn:
        assert load_entry(conn, entry_id).state is EntryState.SECOND


def test_a_third_look_moves_no_entry_to_a_client_whom_the_sheet_contradicts(ward: Ward) -> None:
    entry_id = confirm(ward)
    typed(ward.store, NILS, "pnr", BROR.pid)
    looked(ward.store, ULLA, "pnr", BROR.pid)
    with ward.store.begin() as conn:
        assert load_entry(conn, entry_id).state is EntryState.SECOND


def test_a_client_outside_the_register_is_said_to_be_so_and_followed_up(ward: Ward) -> None:
    entry_id = confirm(ward)
    typed(ward.store, NILS, "pnr", UNKNOWN_PID)
    with pytest.raises(UnknownClientError):
        looked(ward.store, ULLA, "pnr", UNKNOWN_PID)
    assert looked(ward.store, ULLA, "pnr", UNKNOWN_PID, outside=True) is RekeyingOutcome.WRONG
    with ward.store.begin() as conn:
        assert load_entry(conn, entry_id).client_pid == UNKNOWN_PID
        assert [(one.entry.id, one.number) for one in list_temporary_identities(conn, EVA)] == [
            (entry_id, UNKNOWN_PID)
        ]


def test_what_was_corrected_meanwhile_is_compared_with_what_is_confirmed_now(ward: Ward) -> None:
    entry_id = confirm(ward)
    typed(ward.store, NILS, "tid", "08:45")
    with ward.store.begin() as conn:
        work(Corrections, conn, EVA).correct(entry_id, 1, {"tid": Answer("08:45")}, "läste fel")
    assert looked(ward.store, ULLA, "tid", "08:45") is RekeyingOutcome.RIGHT


@pytest.mark.parametrize("said", ["08:45", "09:45"], ids=["as the control", "otherwise than both"])
def test_what_a_third_look_has_corrected_is_not_taken_back(ward: Ward, said: str) -> None:
    entry_id = confirm(ward)
    typed(ward.store, NILS, "tid", "08:45")
    assert looked(ward.store, ULLA, "tid", said) is RekeyingOutcome.WRONG
    with ward.store.begin() as conn:
        found = load_entry(conn, entry_id)
        with pytest.raises(ReviewError, match="correction"):
            work(Corrections, conn, ULLA, later(3)).undo([(entry_id, found.revision)])
        assert own_actions.list_own_latest(conn, ULLA) == []


def test_what_was_passed_is_left_out_while_the_person_asks_for_others(ward: Ward) -> None:
    confirm(ward)
    with ward.store.begin() as conn:
        ids = list(conn.execute(select(control.c.id)).scalars())
        first = checked_work.claim_next_rekeying(conn, FORMS, NILS, NOW, 15)
        assert first is not None
        checked_work.skip_rekeying(conn, NILS, first)
        other = checked_work.claim_next_rekeying(conn, FORMS, NILS, NOW, 15, {first.id})
        assert other is not None
        assert other.id != first.id
        assert checked_work.claim_next_rekeying(conn, FORMS, NILS, NOW, 15, ids) is None


def test_entries_that_are_decided_anew_or_void_are_not_typed(ward: Ward) -> None:
    entry_id = confirm(ward)
    with ward.store.begin() as conn:
        work(Corrections, conn, EVA).undo([(entry_id, 1)])
        assert checked_work.claim_next_rekeying(conn, FORMS, NILS, NOW, 15) is None


def test_fields_about_a_protected_client_stay_in_the_clients_unit(ward: Ward) -> None:
    with ward.store.begin() as conn:
        client_register.save_clients(
            conn, [BROR.__class__(ASTA.pid, ASTA.name, CILLA.unit, protected=True)]
        )
    confirm(ward)
    with ward.store.begin() as conn:
        assert checked_work.claim_next_rekeying(conn, FORMS, NILS, NOW, 15) is None


def test_a_temporary_identity_stands_on_no_paper_and_is_not_typed_again(
    store_settings: Settings,
) -> None:
    ward = Ward(
        open_store(store_settings.model_copy(update={"control_share": 1.0}), create=True)
    ).begin()
    entry_id = ward.note("AAAA")
    nobody, illegible = (
        ClientStatement("numret går inte att läsa", temporary=True),
        Answer(None, State.ILLEGIBLE),
    )
    with ward.store.begin() as conn:
        decisions.decide_entry(
            conn,
            FORMS,
            EVA,
            decisions.Decision(entry_id, 0, answers({**SAID, **PLAN}, pnr=illegible), about=nobody),
            NOW,
        )
        assert (
            decisions.decide_entry(
                conn,
                FORMS,
                NILS,
                decisions.Decision(entry_id, 1, {"pnr": illegible}, about=nobody),
                NOW,
            )
            is EntryState.CONFIRMED
        )
        assert is_temporary_pid(load_entry(conn, entry_id).client_pid or "")
        drawn = set(
            conn.execute(select(control.c.field).where(control.c.entry == entry_id)).scalars()
        )
    assert "datum" in drawn
    assert "pnr" not in drawn
