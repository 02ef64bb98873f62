"""What a person did last: what it was, and what can be undone or corrected."""

from __future__ import annotations

import pytest
from sqlalchemy import update

from pipeline.domain.model import EntryState
from pipeline.review import decisions, rejections
from pipeline.review.corrections import Corrections
from pipeline.review.questions import Questions
from pipeline.store.database.store import Store
from pipeline.store.entries import queue
from pipeline.store.entries.entry import load_entry
from pipeline.store.event_log.events import list_events
from pipeline.store.lookup.own_actions import OwnAction, list_own_actions
from pipeline.store.schema import paper
from tests.support.store.ward import (
    ASTA,
    EVA,
    FORMS,
    NILS,
    NOW,
    PLAN,
    SAID,
    SOFIA,
    SOUTH,
    Ward,
    answers,
    later,
)
from tests.support.store.work import work

pytest_plugins = ("tests.support.store.databases",)
pytestmark = pytest.mark.both_databases


@pytest.fixture
def ward(store: Store) -> Ward:
    """Four notes: Eva has decided three, and skipped the last."""
    ward = Ward(store).begin()
    for serial in ("AAAA", "BBBB", "CCCC", "DDDD"):
        ward.note(serial)
    with store.begin() as conn:
        _decide(conn, "AAAA-00")
    with store.begin() as conn:
        rejections.reject_entry(conn, EVA, rejections.Rejection("BBBB-00", 0, "oläsligt"), later(1))
    with store.begin() as conn:
        work(Questions, conn, EVA, later(2)).ask("CCCC-00", 0, "Vilken tid?", "Disa")
    with store.begin() as conn:
        queue.open_claimed_entry(conn, FORMS, EVA, "DDDD-00", queue.ClaimTerms(later(3)))
        queue.skip_entry(conn, EVA, "DDDD-00", 0)
    return ward


def _decide(conn: object, entry_id: str) -> None:
    said = answers({**SAID, **PLAN})
    decisions.decide_entry(conn, FORMS, EVA, decisions.Decision(entry_id, 0, said), NOW)  # type: ignore[arg-type]


def listed(ward: Ward, *, first: bool = False) -> list[OwnAction]:
    with ward.store.begin() as conn:
        return list_own_actions(conn, EVA, first=first)


def seen(ward: Ward) -> list[tuple[str, str, bool, bool]]:
    return [
        (one.found.entry.serial or "", one.kind, one.can_undo, one.can_correct)
        for one in listed(ward)
    ]


def test_the_latest_come_first_with_what_can_be_done(ward: Ward) -> None:
    assert seen(ward) == [
        ("CCCC", "asked", True, False),
        ("BBBB", "rejected", True, False),
        ("AAAA", "confirmed", True, True),
    ]
    assert (listed(ward)[-1].found.client, listed(ward)[-1].found.number) == (ASTA.name, ASTA.pid)


def test_what_was_skipped_is_not_listed(ward: Ward) -> None:
    """Of fifty lines only three were decisions."""
    for minute in range(4, 10):
        with ward.store.begin() as conn:
            queue.open_claimed_entry(conn, FORMS, EVA, "DDDD-00", queue.ClaimTerms(later(minute)))
            queue.skip_entry(conn, EVA, "DDDD-00", 0)
    with ward.store.begin() as conn:
        assert [one.found.entry.serial for one in list_own_actions(conn, EVA, limit=2)] == [
            "CCCC",
            "BBBB",
        ]


def test_only_the_latest_act_on_an_entry_can_be_undone(ward: Ward) -> None:
    with ward.store.begin() as conn:
        work(Corrections, conn, EVA, later(4)).undo([("AAAA-00", 1)])
    assert seen(ward)[0] == ("AAAA", "undo", False, False)
    assert seen(ward)[-1] == ("AAAA", "confirmed", False, False)


def test_what_is_said_to_be_undone_is(ward: Ward) -> None:
    for one in listed(ward):
        if one.can_undo:
            entry = one.found.entry
            with ward.store.begin() as conn:
                state = work(Corrections, conn, EVA, later(5)).undo([(entry.id, entry.revision)])
            assert state is EntryState.REVIEW


def test_what_another_person_has_to_review_is_told(ward: Ward) -> None:
    second = update(paper.entry).where(paper.entry.c.id == "AAAA-00")
    with ward.store.begin() as conn:
        conn.execute(second.values(state=EntryState.SECOND.value))
    assert [one.found.is_for_other for one in listed(ward)] == [False, False, True]


def test_what_is_signed_is_corrected_and_not_undone(ward: Ward) -> None:
    with ward.store.begin() as conn:
        signed = update(paper.entry).where(paper.entry.c.id == "AAAA-00")
        conn.execute(signed.values(state=EntryState.SIGNED.value))
    assert seen(ward)[-1] == ("AAAA", "confirmed", False, True)


def test_a_correction_is_told_from_a_confirmation(ward: Ward) -> None:
    with ward.store.begin() as conn:
        revision = load_entry(conn, "AAAA-00").revision
        changed = answers({"plan": "Ingen kontroll."})
        work(Corrections, conn, EVA, later(6)).correct("AAAA-00", revision, changed, "Läste fel")
    serial, kind, can_undo, _ = seen(ward)[0]
    assert (serial, kind, can_undo) == ("AAAA", "corrected", False)


def test_nothing_of_others_and_nothing_that_one_may_not_see(ward: Ward) -> None:
    with ward.store.begin() as conn:
        assert list_own_actions(conn, NILS) == []
        assert list_own_actions(conn, SOFIA) == []
        conn.execute(update(paper.entry).where(paper.entry.c.serial == "AAAA").values(unit=SOUTH))
    assert "AAAA" not in {serial for serial, *_ in seen(ward)}


def test_the_first_look_is_logged(ward: Ward) -> None:
    listed(ward, first=True)
    listed(ward)
    with ward.store.begin() as conn:
        (event,) = list_events(conn, "entries")
    assert (event.by, event.action, event.detail) == ("eva", "list_own_actions", {"entries": 3})
