"""Deciding entries: who agrees with whom, what is needed first, and what was half done."""

from __future__ import annotations

import pytest

from pipeline.domain.errors import (
    InvalidAnswerError,
    MissingAnswerError,
    NotAllowedError,
    StaleDecisionError,
    UnknownClientError,
)
from pipeline.domain.model import EntryState, Outcome, PageReading, State
from pipeline.domain.review.rules import Answer
from pipeline.registers.client_check import ClientStatement
from pipeline.review import decisions, session
from pipeline.store.database.store import Store
from pipeline.store.entries import queue
from pipeline.store.entries.queue import ClaimTerms
from pipeline.store.event_log.events import list_events
from tests.support.store.ward import (
    EVA,
    FORMS,
    NILS,
    NORTH,
    NOW,
    SAID,
    UNKNOWN_PID,
    Ward,
    answers,
    later,
)
from tests.unit.store.entries.entry_steps import ALL, WRONG_DAY, by_name, claim, export, get, save

pytest_plugins = ("tests.support.store.databases",)


@pytest.fixture
def ward(store: Store) -> Ward:
    """The test organisation."""
    return Ward(store).begin()


def test_a_disagreement_goes_to_another_person(ward: Ward) -> None:
    ward.note("AAAA")
    assert save(ward, "AAAA-00", answers(ALL, datum=WRONG_DAY)) is EntryState.SECOND
    assert claim(ward) is None
    with pytest.raises(NotAllowedError):
        save(ward, "AAAA-00", {"datum": WRONG_DAY})
    view = claim(ward, NILS)
    assert view is not None
    assert view.is_second_review
    fields = by_name(view)
    assert [name for name, field in fields.items() if field.is_open] == ["datum"]
    datum = fields["datum"]
    assert datum.first_answer == WRONG_DAY
    assert datum.reading is not None
    assert datum.reading.value == SAID["datum"]
    with pytest.raises(MissingAnswerError):
        save(ward, "AAAA-00", {}, NILS)
    assert save(ward, "AAAA-00", {"datum": Answer("2026-02-19")}, NILS) is EntryState.CONFIRMED
    (record,) = export(ward, "AAAA-00")
    assert record.fields["datum"] == "2026-02-19"
    assert (record.entered.by, record.verified and record.verified.by) == ("Eva Ek", "Nils Ek")
    assert get(ward, "AAAA-00").event_on == "2026-02-19"


def test_what_the_machine_could_not_read_is_looked_at_twice(ward: Ward) -> None:
    page_id = ward.scan()
    ward.read(page_id, PageReading(Outcome.UNIDENTIFIED))
    assert save(ward, f"{page_id}-00", answers(SAID)) is EntryState.SECOND


def test_a_second_key_press_changes_nothing(ward: Ward) -> None:
    ward.note("AAAA")
    ward.note("AAA2")
    for given in (answers(ALL), answers(ALL, datum=WRONG_DAY)):
        entry_id = "AAAA-00" if given == answers(ALL) else "AAA2-00"
        save(ward, entry_id, given)
        with pytest.raises(StaleDecisionError), ward.store.begin() as conn:
            decisions.decide_entry(conn, FORMS, EVA, decisions.Decision(entry_id, 0, given), NOW)
        with ward.store.read() as conn:
            assert sum(event.action == "decide" for event in list_events(conn, entry_id)) == 1


def test_every_field_needs_an_answer(ward: Ward) -> None:
    ward.note("AAAA")
    with pytest.raises(MissingAnswerError) as missing:
        save(ward, "AAAA-00", answers({**ALL, "text": "  "}) | {"plan": Answer(None)})
    assert missing.value.fields == ("text", "plan")
    with pytest.raises(InvalidAnswerError) as invalid:
        save(ward, "AAAA-00", answers({**ALL, "datum": "2026-02-30", "tid": "25:00"}))
    assert invalid.value.fields == ("datum", "tid")
    assert get(ward, "AAAA-00").revision == 0


def test_the_client_has_to_be_known_or_meant(ward: Ward) -> None:
    ward.note("AAAA", {**SAID, "pnr": UNKNOWN_PID})
    given = answers({**ALL, "pnr": UNKNOWN_PID})
    with pytest.raises(UnknownClientError) as unknown:
        save(ward, "AAAA-00", given)
    assert unknown.value.fields == ("pnr",)
    assert UNKNOWN_PID not in str(unknown.value)
    with pytest.raises(UnknownClientError):
        save(
            ward,
            "AAAA-00",
            answers({**ALL, "pnr": UNKNOWN_PID[2:]}),
            about=ClientStatement(outside="ny klient"),
        )
    with pytest.raises(MissingAnswerError):
        save(ward, "AAAA-00", answers(ALL, pnr=Answer(None, State.ILLEGIBLE)))
    assert (
        save(ward, "AAAA-00", given, about=ClientStatement(outside="ny klient"))
        is EntryState.CONFIRMED
    )
    (record,) = export(ward, "AAAA-00")
    assert (record.client.pid, record.client.name, record.client.unit) == (
        UNKNOWN_PID,
        SAID["namn"],
        NORTH,
    )


def test_drafts_outlive_the_browser_and_end_with_the_decision(ward: Ward) -> None:
    ward.note("AAAA")
    claim(ward)
    with ward.store.begin() as conn:
        session.save_draft(conn, EVA, "AAAA-00", {"namn": Answer("As")}, ClaimTerms(NOW))
        session.save_draft(conn, EVA, "AAAA-00", {"namn": Answer("Asta")}, ClaimTerms(NOW))
        with pytest.raises(StaleDecisionError):
            session.save_draft(conn, NILS, "AAAA-00", {"namn": Answer("Nix")}, ClaimTerms(NOW))
    view = claim(ward)
    assert view is not None
    assert by_name(view)["namn"].draft == Answer("Asta")
    save(ward, "AAAA-00", answers(ALL))
    with ward.store.begin() as conn:
        assert (
            by_name(queue.open_claimed_entry(conn, FORMS, EVA, "AAAA-00", queue.ClaimTerms(NOW)))[
                "namn"
            ].draft
            is None
        )
        with pytest.raises(StaleDecisionError):
            session.save_draft(conn, EVA, "AAAA-00", {"namn": Answer("Asta")}, ClaimTerms(NOW))


def test_what_is_taken_away_does_not_come_back(ward: Ward) -> None:
    ward.note("AAAA")
    claim(ward)
    with ward.store.begin() as conn:
        session.save_draft(conn, EVA, "AAAA-00", {"datum": WRONG_DAY}, ClaimTerms(NOW))
        session.save_draft(conn, EVA, "AAAA-00", {"namn": Answer("Asta")}, ClaimTerms(NOW))
        session.save_draft(conn, EVA, "AAAA-00", {"datum": None}, ClaimTerms(later(10)))
    view = claim(ward, minutes=20)  # who takes away what was typed keeps the entry too
    assert view is not None
    assert (by_name(view)["datum"].draft, by_name(view)["namn"].draft) == (None, Answer("Asta"))
    assert get(ward, "AAAA-00").claimed_by == "eva"


def test_the_second_person_has_drafts_and_nobody_elses(ward: Ward) -> None:
    ward.note("AAAA")
    save(ward, "AAAA-00", answers(ALL, datum=WRONG_DAY))
    assert claim(ward, NILS, minutes=1) is not None
    with ward.store.begin() as conn:
        session.save_draft(
            conn, NILS, "AAAA-00", {"datum": Answer("2026-02-19")}, ClaimTerms(later(14))
        )
    assert get(ward, "AAAA-00").claimed_until == later(29)
    view = claim(ward, NILS, minutes=20)
    assert view is not None
    assert {name: field.draft for name, field in by_name(view).items() if field.draft} == {
        "datum": Answer("2026-02-19")
    }
