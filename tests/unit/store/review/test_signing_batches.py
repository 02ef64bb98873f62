"""Signing for an absent author: several notes for one reason, each with its own row in the log."""

from __future__ import annotations

import pytest

from pipeline.domain.errors import NotAllowedError, ReviewError, StaleDecisionError
from pipeline.domain.form.form import Forms
from pipeline.domain.model import EntryState, Person
from pipeline.review import decisions, signing
from pipeline.review.signing import Signing
from pipeline.store.database.store import Store
from pipeline.store.entries.entry import Entry, load_entry
from pipeline.store.event_log.events import list_events
from pipeline.store.review import signatures
from tests.support.store.ward import (
    EVA,
    FORMS,
    NORTH,
    NOTE,
    NOW,
    PLAN,
    RULE,
    SAID,
    SOFIA,
    Ward,
    answers,
    later,
    page_reading,
    person,
)
from tests.support.store.work import work

pytest_plugins = ("tests.support.store.databases",)
pytestmark = pytest.mark.both_databases

SIGNED_FORMS = Forms(FORMS)
SIGNED_FORMS.signing = (RULE,)
NURSE = person("nora")
REASON = signing.SIGNING_REASONS[0]


@pytest.fixture
def ward(store: Store) -> Ward:
    """The test organisation."""
    return Ward(store).begin()


def confirmed(ward: Ward, serial: str, author: str = "Disa Penn") -> Entry:
    """A note that Eva has entered."""
    said = {**SAID, "skribent": author}
    ward.read(ward.scan(), page_reading(NOTE, serial, said))
    ward.read(ward.scan(), page_reading(NOTE, serial, PLAN, 2))
    with ward.store.begin() as conn:
        decisions.decide_entry(
            conn, FORMS, EVA, decisions.Decision(f"{serial}-00", 0, answers({**said, **PLAN})), NOW
        )
        return load_entry(conn, f"{serial}-00")


def sign(ward: Ward, notes: list[Entry], who: Person = NURSE, reason: str = REASON) -> None:
    shown = [(note.id, note.revision) for note in notes]
    with ward.store.begin() as conn:
        work(Signing, conn, who, later(1), forms=SIGNED_FORMS).sign_for_absent(shown, reason=reason)


def states(ward: Ward, notes: list[Entry]) -> set[EntryState]:
    with ward.store.read() as conn:
        return {load_entry(conn, note.id).state for note in notes}


def test_each_note_is_signed_and_logged_by_itself(ward: Ward) -> None:
    notes = [confirmed(ward, serial) for serial in ("AAAA", "BBBB", "CCCC")]
    sign(ward, notes[:2])
    assert states(ward, notes[:2]) == {EntryState.SIGNED}
    assert states(ward, notes[2:]) == {EntryState.CONFIRMED}
    with ward.store.read() as conn:
        assert load_entry(conn, "AAAA-00").signed_why == REASON
        for note in notes[:2]:
            (event,) = [one for one in list_events(conn, note.id) if one.action == "sign"]
            assert (event.by, event.unit, event.detail["own"]) == ("nora", NORTH, False)


def test_a_batch_is_of_one_author_however_the_name_is_spaced(ward: Ward) -> None:
    notes = [confirmed(ward, "AAAA"), confirmed(ward, "BBBB", "Åke Blad")]
    with pytest.raises(ReviewError):
        sign(ward, notes)
    assert states(ward, notes) == {EntryState.CONFIRMED}
    sign(ward, [notes[0], confirmed(ward, "CCCC", "disa  penn")])


def test_the_own_notes_and_notes_without_a_reason_are_refused(ward: Ward) -> None:
    own = confirmed(ward, "AAAA", "Nora Ek")
    other = confirmed(ward, "BBBB")
    for notes, reason in (([own], REASON), ([other], ""), ([other], "för att"), ([], REASON)):
        with pytest.raises(ReviewError):
            sign(ward, notes, reason=reason)
    assert states(ward, [own, other]) == {EntryState.CONFIRMED}


def test_a_changed_note_or_one_of_another_unit_stops_all(ward: Ward) -> None:
    notes = [confirmed(ward, "AAAA"), confirmed(ward, "BBBB")]
    with pytest.raises(NotAllowedError):
        sign(ward, notes, SOFIA)
    sign(ward, notes[1:])
    with pytest.raises(StaleDecisionError):
        sign(ward, notes)
    assert states(ward, notes[:1]) == {EntryState.CONFIRMED}


def test_each_signature_is_taken_back_by_itself(ward: Ward) -> None:
    notes = [confirmed(ward, "AAAA"), confirmed(ward, "BBBB")]
    sign(ward, notes)
    with ward.store.begin() as conn:
        last = signatures.list_last_signed(conn, NURSE)[0]
        work(Signing, conn, NURSE, later(2)).withdraw([(last.id, last.revision)])
    assert states(ward, notes) == {EntryState.SIGNED, EntryState.CONFIRMED}


def test_all_that_was_signed_in_one_press_is_offered_to_be_taken_back(ward: Ward) -> None:
    earlier, *notes = [confirmed(ward, serial) for serial in ("CCCC", "BBBB", "AAAA")]
    sign(ward, [earlier])
    sign(ward, notes)
    with ward.store.begin() as conn:
        last = signatures.list_last_signed(conn, NURSE)
        assert [one.id for one in last] == ["AAAA-00", "BBBB-00"]
        for one in last:
            work(Signing, conn, NURSE, later(2)).withdraw([(one.id, one.revision)])
        assert [one.id for one in signatures.list_last_signed(conn, NURSE)] == [earlier.id]
