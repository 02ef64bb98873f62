"""Taking entries from the queue, and what a person sees of them before they are decided."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from pipeline.domain.errors import (
    NotAllowedError,
    StaleDecisionError,
)
from pipeline.domain.model import EntryState, IssuedSheet, Value
from pipeline.domain.review.rules import Answer
from pipeline.registers.client_check import ClientStatement, ConflictChoice
from pipeline.review import decisions, rejections, session
from pipeline.review.corrections import Corrections
from pipeline.store.database.store import Store
from pipeline.store.entries import queue
from pipeline.store.entries.answers import decided_answers
from pipeline.store.entries.queue import ClaimTerms
from pipeline.store.registers import client_register
from tests.support.store.ward import (
    ADMIN,
    ASTA,
    BROR,
    CHIEF,
    CILLA,
    EVA,
    FORMS,
    NILS,
    NORTH,
    NOTE,
    NOW,
    SAID,
    SOFIA,
    VISITS,
    Ward,
    answers,
    later,
    page_reading,
)
from tests.support.store.work import work
from tests.unit.store.entries.entry_steps import ALL, WRONG_DAY, by_name, claim, export, get, save

pytest_plugins = ("tests.support.store.databases",)


@pytest.fixture
def ward(store: Store) -> Ward:
    """The test organisation."""
    return Ward(store).begin()


def test_class_a_comes_first(ward: Ward) -> None:
    ward.read(ward.scan(), page_reading(VISITS, "BBBB", {"rad01.pnr": ASTA.pid}))
    ward.note("AAA2")
    ward.note("AAA1")
    visit: dict[str, Value] = dict.fromkeys(
        ("datum", "skribent", "rad01.tid", "rad01.mat", "rad01.sign")
    ) | {"rad01.pnr": ASTA.pid}
    taken = []
    while (view := claim(ward)) is not None:
        taken.append(view.entry.id)
        assert view.entry.claimed_by == "eva"
        save(ward, view.entry.id, answers(ALL if view.form is NOTE else visit))
    assert taken == ["AAA1-00", "AAA2-00", "BBBB-01"]


def test_a_claim_is_kept_given_back_and_runs_out(ward: Ward) -> None:
    ward.note("AAAA")
    first = claim(ward)
    assert first is not None
    again = claim(ward, minutes=14)
    assert again is not None
    assert again.entry.id == first.entry.id
    assert claim(ward, NILS, 20) is None
    with pytest.raises(StaleDecisionError), ward.store.begin() as conn:
        queue.open_claimed_entry(conn, FORMS, NILS, "AAAA-00", queue.ClaimTerms(later(20)))
    with ward.store.begin() as conn:
        assert queue.renew_claim(conn, EVA, "AAAA-00", later(20))
        assert not queue.renew_claim(conn, NILS, "AAAA-00", later(20))
        assert queue.count_waiting(conn, NILS, later(21)) == 0
        assert queue.count_waiting(conn, NILS, later(36)) == 1
    assert claim(ward, NILS, 34) is None
    taken = claim(ward, NILS, 36)
    assert taken is not None
    with pytest.raises(StaleDecisionError), ward.store.begin() as conn:
        decisions.decide_entry(
            conn, FORMS, EVA, decisions.Decision("AAAA-00", 0, answers(ALL)), later(37)
        )
    with ward.store.begin() as conn:
        queue.release_claim(conn, EVA, "AAAA-00")
        queue.release_claim(conn, NILS, "AAAA-00")
    assert claim(ward, EVA, 37) is not None


@pytest.mark.parametrize("jump", [timedelta(days=-4000), timedelta(hours=-5)])
def test_a_claim_of_a_clock_that_was_ahead_holds_nobody_up(ward: Ward, jump: timedelta) -> None:
    ward.note("AAAA")
    assert claim(ward) is not None
    with ward.store.begin() as conn:
        view = queue.claim_next(conn, FORMS, NILS, queue.ClaimTerms(NOW + jump))
    assert view is not None, "the clock is right again, and NILS takes what EVA seems to have"
    assert view.entry.claimed_by == "nils"


def test_a_skipped_entry_goes_behind_its_class(ward: Ward) -> None:
    ward.note("AAA1")
    ward.note("AAA2")
    claim(ward)
    with ward.store.begin() as conn:
        queue.skip_entry(conn, EVA, "AAA1-00", 0)
        with pytest.raises(StaleDecisionError):
            queue.skip_entry(conn, EVA, "AAA1-00", 0)
    view = claim(ward)
    assert view is not None
    assert view.entry.id == "AAA2-00"


def test_nobody_gets_entries_of_another_unit_or_role(ward: Ward) -> None:
    ward.note("AAAA")
    assert claim(ward, SOFIA) is None
    for nobody in (ADMIN, CHIEF):
        with pytest.raises(NotAllowedError):
            claim(ward, nobody)
    for who in (SOFIA, ADMIN, CHIEF):
        with pytest.raises(NotAllowedError):
            save(ward, "AAAA-00", answers(ALL), who)
        with pytest.raises(NotAllowedError), ward.store.begin() as conn:
            queue.open_claimed_entry(conn, FORMS, who, "AAAA-00", queue.ClaimTerms(NOW))
        with pytest.raises(NotAllowedError), ward.store.begin() as conn:
            rejections.reject_entry(conn, who, rejections.Rejection("AAAA-00", 0, "oläsligt"), NOW)
        with pytest.raises(NotAllowedError), ward.store.begin() as conn:
            session.save_draft(conn, who, "AAAA-00", {"namn": Answer("x")}, ClaimTerms(NOW))


def test_critical_fields_are_blind_and_give_nothing_away(ward: Ward) -> None:
    ward.issue(IssuedSheet("AAAA", NOTE.id, 1, NORTH, ASTA.pid))
    ward.note("AAAA")
    view = claim(ward)
    assert view is not None
    fields = by_name(view)
    for name in ("pnr", "datum"):
        assert fields[name].is_blind
        assert fields[name].reading is None
    reading = fields["namn"].reading
    assert reading is not None
    assert reading.value == SAID["namn"]
    assert view.suggestion is None
    assert not fields["enhet"].is_open
    assert [page.page_no for page in view.pages] == [1, 2]
    assert (fields["text"].page, fields["plan"].page) == tuple(page.id for page in view.pages)
    assert view.problems == ()


def test_problems_tell_nothing_of_a_blind_field(ward: Ward) -> None:
    codes = ("code_missing:2", "missing:pnr", "outside_outage:datum", "missing:tid")
    ward.read(ward.scan(), replace(page_reading(NOTE, "AAAA", {**SAID, "pnr": None}), issues=codes))
    view = claim(ward)
    assert view is not None
    assert view.problems[:2] == ("code_missing:2", "missing:tid")
    assert not {"missing:pnr", "outside_outage:datum"} & set(view.problems)
    assert save(ward, "AAAA-00", answers(SAID)) is EntryState.SECOND
    with ward.store.begin() as conn:
        assert (
            "missing:pnr"
            in queue.open_claimed_entry(
                conn, FORMS, NILS, "AAAA-00", queue.ClaimTerms(NOW)
            ).problems
        )


def test_the_first_person_stays_blind_until_another_has_decided(ward: Ward) -> None:
    ward.note("AAAA")
    save(ward, "AAAA-00", answers(ALL, datum=WRONG_DAY))
    with ward.store.begin() as conn:
        assert (
            by_name(queue.open_claimed_entry(conn, FORMS, EVA, "AAAA-00", queue.ClaimTerms(NOW)))[
                "datum"
            ].reading
            is None
        )
        assert (
            by_name(queue.open_claimed_entry(conn, FORMS, NILS, "AAAA-00", queue.ClaimTerms(NOW)))[
                "datum"
            ].reading
            is not None
        )


def test_undo_gives_back_only_what_the_person_typed(ward: Ward) -> None:
    ward.note("AAAA")
    save(ward, "AAAA-00", answers(ALL, datum=WRONG_DAY))
    with ward.store.begin() as conn:
        work(Corrections, conn, EVA).undo([("AAAA-00", 1)])
        queue.release_claim(conn, EVA, "AAAA-00")
        rejections.reject_entry(conn, NILS, rejections.Rejection("AAAA-00", 2, "fel person"), NOW)
        work(Corrections, conn, NILS).undo([("AAAA-00", 3)])
    view = claim(ward, NILS)
    assert view is not None
    assert {name for name, field in by_name(view).items() if field.draft is not None} == set()


def test_a_number_that_the_name_contradicts_needs_a_second_person(ward: Ward) -> None:
    ward.note("AAAA", {**SAID, "pnr": BROR.pid})
    given = answers({**ALL, "pnr": BROR.pid})
    assert save(ward, "AAAA-00", given) is EntryState.SECOND
    assert save(ward, "AAAA-00", {"pnr": Answer(ASTA.pid)}, NILS) is EntryState.CONFIRMED
    assert get(ward, "AAAA-00").client_pid == ASTA.pid


def test_a_sheet_printed_for_somebody_else_needs_a_second_person(ward: Ward) -> None:
    ward.issue(
        IssuedSheet("AAAA", NOTE.id, 1, NORTH, BROR.pid),
        IssuedSheet("AAA2", NOTE.id, 1, NORTH, ASTA.pid),
    )
    for serial, state in (("AAAA", EntryState.SECOND), ("AAA2", EntryState.CONFIRMED)):
        ward.note(serial)
        assert save(ward, f"{serial}-00", answers({**ALL, "namn": None})) is state


def test_a_protected_identity_is_shown_in_the_own_unit_only(ward: Ward) -> None:
    secret = replace(CILLA, protected=True)
    with ward.store.begin() as conn:
        client_register.save_clients(conn, [secret])
        assert client_register.look_up_client(conn, SOFIA, secret.pid) == secret
        assert client_register.look_up_client(conn, EVA, secret.pid[2:]) == replace(
            secret, name="", unit=""
        )
        assert client_register.look_up_client(conn, EVA, ASTA.pid) == ASTA
        with pytest.raises(NotAllowedError):
            client_register.look_up_client(conn, CHIEF, ASTA.pid)
    ward.note("AAAA", {**SAID, "pnr": secret.pid, "namn": None})
    given = answers({**ALL, "pnr": secret.pid, "namn": None}, datum=WRONG_DAY)
    assert (
        save(ward, "AAAA-00", given, about=ClientStatement(choice=ConflictChoice.CARED_FOR_HERE))
        is EntryState.SECOND
    )
    view = claim(ward, NILS)
    assert view is not None
    assert view.suggestion == replace(secret, name="", unit="")
    assert save(ward, "AAAA-00", {"datum": WRONG_DAY}, NILS) is EntryState.CONFIRMED
    (record,) = export(ward, "AAAA-00")
    assert record.client == replace(secret, name="", unit=NORTH)


def test_a_fact_that_nobody_wrote_is_a_problem(ward: Ward) -> None:
    ward.note("AAAA", {**SAID, "skribent": None, "tid": None, "pnr": None})
    view = claim(ward)
    assert view is not None
    assert view.problems == ("fact_missing:event_time", "fact_missing:author")


def test_a_missing_page_is_shown_and_its_fields_are_not_asked(ward: Ward) -> None:
    ward.read(ward.scan(), page_reading(NOTE, "AAAA", SAID))
    view = claim(ward)
    assert view is not None
    assert view.missing_pages == (2,)
    assert "page_missing:2" in view.problems
    assert not by_name(view)["plan"].is_open
    assert save(ward, "AAAA-00", answers(SAID)) is EntryState.CONFIRMED
    (record,) = export(ward, "AAAA-00")
    assert record.illegible == {"plan"}


def test_person_and_machine_agree_in_other_spelling(ward: Ward) -> None:
    ward.note("AAAA")
    given = answers(
        {**ALL, "pnr": "18900101-9802", "datum": "260217", "tid": "8.15", "namn": "Åsta Provberg"}
    )
    assert save(ward, "AAAA-00", given) is EntryState.CONFIRMED
    found = get(ward, "AAAA-00")
    assert (found.client_pid, found.event_on, found.first_by, found.claimed_by) == (
        ASTA.pid,
        "2026-02-17",
        "eva",
        None,
    )
    with ward.store.read() as conn:
        hows = {name: one.origin.value for name, one in decided_answers(conn, "AAAA-00").items()}
    assert hows == {
        "pnr": "typed",
        "namn": "changed",
        "datum": "typed",
        "tid": "kept",
        "skribent": "kept",
        "text": "kept",
        "plan": "kept",
    }


def test_ten_digits_are_taken_when_one_client_fits(ward: Ward) -> None:
    ward.note("AAAA")
    assert save(ward, "AAAA-00", answers({**ALL, "pnr": ASTA.pid[2:]})) is EntryState.CONFIRMED
