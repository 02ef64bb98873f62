"""Taking entries from the queue, deciding them, taking decisions back and correcting them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest
from sqlalchemy import insert, update

from pipeline.domain.errors import (
    FormError,
    InvalidAnswerError,
    MissingAnswerError,
    NotAllowedError,
    ReviewError,
    StaleDecisionError,
    UnknownClientError,
)
from pipeline.domain.form.form import Forms
from pipeline.domain.model import EntryState, IssuedSheet, Outcome, PageReading, State, Value
from pipeline.domain.record import Record
from pipeline.domain.review.rules import Answer
from pipeline.registers.client_check import ClientStatement, ConflictChoice
from pipeline.store.database.store import Store
from pipeline.store.entries import queue
from pipeline.store.entries.answers import AnswerOrigin, decided_answers, list_answer_drafts
from pipeline.store.entries.entry import Entry, load_entry, reopen_sheet
from pipeline.store.entries.entry_view import EntryView, FieldView
from pipeline.store.event_log.events import list_events
from pipeline.store.exports import ready_entries, records
from pipeline.store.registers import client_register
from pipeline.store.review import corrections, decisions
from pipeline.store.schema import exports
from pipeline.store.schema.review import entry_version
from tests.support.pages.alike import DAY, visits
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
    PLAN,
    SAID,
    SOFIA,
    SOUTH,
    UNKNOWN_PID,
    VISITS,
    Ward,
    answers,
    later,
    page_reading,
)

pytest_plugins = ("tests.support.store.databases",)

ALL: Mapping[str, Value] = {**SAID, **PLAN}
WRONG_DAY = Answer("2026-02-18")


@pytest.fixture
def ward(store: Store) -> Ward:
    """The test organisation."""
    return Ward(store).begin()


def get(ward: Ward, entry_id: str) -> Entry:
    """One entry."""
    with ward.store.read() as conn:
        return load_entry(conn, entry_id)


def claim(ward: Ward, who: object = EVA, minutes: float = 0) -> EntryView | None:
    """The next entry of a person."""
    with ward.store.begin() as conn:
        return queue.claim_next(conn, FORMS, who, later(minutes))  # type: ignore[arg-type]


def save(
    ward: Ward,
    entry_id: str,
    given: Mapping[str, Answer],
    who: object = EVA,
    **more: ClientStatement,
) -> EntryState:
    """Decide an entry as it is now."""
    revision = get(ward, entry_id).revision
    with ward.store.begin() as conn:
        return decisions.decide_entry(conn, FORMS, who, entry_id, revision, given, NOW, **more)  # type: ignore[arg-type]


def export(ward: Ward, *entry_ids: str) -> list[Record]:
    """Export entries as the exporter does; answers with their records."""
    with ward.store.begin() as conn:
        made = records.load_records(conn, FORMS, entry_ids)
        run = f"run {len(ward.batch)} {made[0].entry_id} {made[0].revision}"[:32]
        conn.execute(
            insert(exports.export_run).values(
                id=run,
                target="csv",
                file_name="f",
                file_sha256="0" * 64,
                made_at=NOW,
                made_by="eva",
            )
        )
        items = [
            {"run": run, "entry": r.entry_id, "revision": r.revision, "number": n}
            for n, r in enumerate(made)
        ]
        conn.execute(insert(exports.export_item), items)
        ready_entries.mark_exported(conn, entry_ids)
    return made


def by_name(view: EntryView) -> dict[str, FieldView]:
    """The fields of a view."""
    return {field.spec.name: field for field in view.fields}


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
        queue.open_claimed_entry(conn, FORMS, NILS, "AAAA-00", later(20))
    with ward.store.begin() as conn:
        assert queue.renew_claim(conn, EVA, "AAAA-00", later(20))
        assert not queue.renew_claim(conn, NILS, "AAAA-00", later(20))
        assert queue.count_waiting(conn, NILS, later(21)) == 0
        assert queue.count_waiting(conn, NILS, later(36)) == 1
    assert claim(ward, NILS, 34) is None
    taken = claim(ward, NILS, 36)
    assert taken is not None
    with pytest.raises(StaleDecisionError), ward.store.begin() as conn:
        decisions.decide_entry(conn, FORMS, EVA, "AAAA-00", 0, answers(ALL), later(37))
    with ward.store.begin() as conn:
        queue.release_claim(conn, EVA, "AAAA-00")
        queue.release_claim(conn, NILS, "AAAA-00")
    assert claim(ward, EVA, 37) is not None


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
            queue.open_claimed_entry(conn, FORMS, who, "AAAA-00", NOW)
        with pytest.raises(NotAllowedError), ward.store.begin() as conn:
            decisions.reject_entry(conn, who, "AAAA-00", 0, "oläsligt", NOW)
        with pytest.raises(NotAllowedError), ward.store.begin() as conn:
            decisions.save_draft(conn, who, "AAAA-00", "namn", Answer("x"), NOW)


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
        assert "missing:pnr" in queue.open_claimed_entry(conn, FORMS, NILS, "AAAA-00", NOW).problems


def test_the_first_person_stays_blind_until_another_has_decided(ward: Ward) -> None:
    ward.note("AAAA")
    save(ward, "AAAA-00", answers(ALL, datum=WRONG_DAY))
    with ward.store.begin() as conn:
        assert (
            by_name(queue.open_claimed_entry(conn, FORMS, EVA, "AAAA-00", NOW))["datum"].reading
            is None
        )
        assert (
            by_name(queue.open_claimed_entry(conn, FORMS, NILS, "AAAA-00", NOW))["datum"].reading
            is not None
        )


def test_undo_gives_back_only_what_the_person_typed(ward: Ward) -> None:
    ward.note("AAAA")
    save(ward, "AAAA-00", answers(ALL, datum=WRONG_DAY))
    with ward.store.begin() as conn:
        corrections.undo_decision(conn, EVA, "AAAA-00", 1, NOW)
        queue.release_claim(conn, EVA, "AAAA-00")
        decisions.reject_entry(conn, NILS, "AAAA-00", 2, "fel person", NOW)
        corrections.undo_decision(conn, NILS, "AAAA-00", 3, NOW)
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
            decisions.decide_entry(conn, FORMS, EVA, entry_id, 0, given, NOW)
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
        decisions.save_draft(conn, EVA, "AAAA-00", "namn", Answer("As"), NOW)
        decisions.save_draft(conn, EVA, "AAAA-00", "namn", Answer("Asta"), NOW)
        with pytest.raises(StaleDecisionError):
            decisions.save_draft(conn, NILS, "AAAA-00", "namn", Answer("Nix"), NOW)
    view = claim(ward)
    assert view is not None
    assert by_name(view)["namn"].draft == Answer("Asta")
    save(ward, "AAAA-00", answers(ALL))
    with ward.store.begin() as conn:
        assert (
            by_name(queue.open_claimed_entry(conn, FORMS, EVA, "AAAA-00", NOW))["namn"].draft
            is None
        )
        with pytest.raises(StaleDecisionError):
            decisions.save_draft(conn, EVA, "AAAA-00", "namn", Answer("Asta"), NOW)


def test_what_is_taken_away_does_not_come_back(ward: Ward) -> None:
    ward.note("AAAA")
    claim(ward)
    with ward.store.begin() as conn:
        decisions.save_draft(conn, EVA, "AAAA-00", "datum", WRONG_DAY, NOW)
        decisions.save_draft(conn, EVA, "AAAA-00", "namn", Answer("Asta"), NOW)
        decisions.save_draft(conn, EVA, "AAAA-00", "datum", None, later(10))
    view = claim(ward, minutes=20)  # who takes away what was typed keeps the entry too
    assert view is not None
    assert (by_name(view)["datum"].draft, by_name(view)["namn"].draft) == (None, Answer("Asta"))
    assert get(ward, "AAAA-00").claimed_by == "eva"


def test_the_second_person_has_drafts_and_nobody_elses(ward: Ward) -> None:
    ward.note("AAAA")
    save(ward, "AAAA-00", answers(ALL, datum=WRONG_DAY))
    assert claim(ward, NILS, minutes=1) is not None
    with ward.store.begin() as conn:
        decisions.save_draft(conn, NILS, "AAAA-00", "datum", Answer("2026-02-19"), later(14))
    assert get(ward, "AAAA-00").claimed_until == later(29)
    view = claim(ward, NILS, minutes=20)
    assert view is not None
    assert {name: field.draft for name, field in by_name(view).items() if field.draft} == {
        "datum": Answer("2026-02-19")
    }


def test_a_rejected_entry_can_be_taken_up_again(ward: Ward) -> None:
    ward.note("AAAA")
    with ward.store.begin() as conn:
        with pytest.raises(ReviewError):
            decisions.reject_entry(conn, EVA, "AAAA-00", 0, "för jobbigt", NOW)
        decisions.reject_entry(conn, EVA, "AAAA-00", 0, "fel person", NOW)
        with pytest.raises(StaleDecisionError):
            decisions.reject_entry(conn, EVA, "AAAA-00", 0, "fel person", NOW)
    found = get(ward, "AAAA-00")
    assert (found.state, found.reason, found.first_by) == (EntryState.REJECTED, "fel person", "eva")
    assert claim(ward) is None
    with ward.store.begin() as conn:
        decisions.reopen_rejected(conn, NILS, "AAAA-00", 1)
    assert claim(ward, NILS) is not None


def test_the_own_last_decision_can_be_undone(ward: Ward) -> None:
    ward.note("AAAA")
    save(ward, "AAAA-00", answers(ALL))
    with pytest.raises(NotAllowedError), ward.store.begin() as conn:
        corrections.undo_decision(conn, NILS, "AAAA-00", 1, NOW)
    with ward.store.begin() as conn:
        assert [found.id for found in corrections.list_own_latest(conn, EVA)] == ["AAAA-00"]
        assert corrections.undo_decision(conn, EVA, "AAAA-00", 1, NOW) is EntryState.REVIEW
    view = claim(ward)
    assert view is not None
    assert by_name(view)["datum"].draft == Answer(SAID["datum"])
    assert claim(ward, NILS) is None
    with pytest.raises(StaleDecisionError), ward.store.begin() as conn:
        decisions.decide_entry(conn, FORMS, EVA, "AAAA-00", 1, answers(ALL), NOW)
    assert save(ward, "AAAA-00", answers(ALL)) is EntryState.CONFIRMED


def test_what_is_void_is_not_taken_back(ward: Ward) -> None:
    ward.note("AAAA")
    with ward.store.begin() as conn:
        decisions.reject_entry(conn, EVA, "AAAA-00", 0, "oläsligt", NOW)
        corrections.void_entry(conn, EVA, "AAAA-00", 1, "fel person", NOW)
        assert corrections.list_own_latest(conn, EVA) == []
        with pytest.raises(ReviewError, match="void"):
            corrections.undo_decision(conn, EVA, "AAAA-00", 2, later(1))


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
            assert (
                corrections.correct_entry(conn, FORMS, EVA, entry_id, 1, new, "fel", NOW) is state
            )
            with pytest.raises(ReviewError, match="correction"):
                corrections.undo_decision(conn, EVA, entry_id, 2, later(1))
        assert corrections.list_own_latest(conn, EVA) == []
    assert save(ward, "AAA2-00", {"datum": WRONG_DAY}, NILS) is EntryState.CONFIRMED
    with ward.store.begin() as conn:
        assert [one.id for one in corrections.list_own_latest(conn, NILS)] == ["AAA2-00"]
        assert corrections.undo_decision(conn, NILS, "AAA2-00", 3, NOW) is EntryState.SECOND


@pytest.mark.parametrize(
    "older", [False, True], ids=["kept", "of a time before the reason was kept"]
)
def test_a_rejection_of_what_was_corrected_is_taken_back(ward: Ward, *, older: bool) -> None:
    ward.note("AAAA")
    save(ward, "AAAA-00", answers(ALL))
    with ward.store.begin() as conn:
        corrections.correct_entry(
            conn, FORMS, EVA, "AAAA-00", 1, {"text": Answer("Sov illa.")}, "fel", NOW
        )
        decisions.reject_entry(conn, EVA, "AAAA-00", 2, "fel person", later(1))
        if older:
            conn.execute(update(entry_version).values(reason_before=None))
        assert [one.id for one in corrections.list_own_latest(conn, EVA)] == ["AAAA-00"]
        assert corrections.undo_decision(conn, EVA, "AAAA-00", 3, later(2)) is EntryState.CONFIRMED
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
            decisions.reject_entry(conn, who, "AAAA-00", revision, "oläsligt", later(1))
            assert (
                corrections.undo_decision(conn, who, "AAAA-00", revision + 1, later(2))
                is EntryState.SECOND
            )
            queue.release_claim(conn, who, "AAAA-00")
        assert get(ward, "AAAA-00") == replace(waits, revision=revision + 2)
    save(ward, "AAAA-00", {"datum": Answer(SAID["datum"])}, NILS)
    confirmed = get(ward, "AAAA-00")
    for revision in (6, 8):  # twice: the rejection that was taken back does not stand in the way
        with ward.store.begin() as conn:
            decisions.reject_entry(conn, EVA, "AAAA-00", revision, "oläsligt", later(3))
            with pytest.raises(NotAllowedError):
                corrections.undo_decision(conn, NILS, "AAAA-00", revision + 1, later(4))
            assert (
                corrections.undo_decision(conn, EVA, "AAAA-00", revision + 1, later(4))
                is EntryState.CONFIRMED
            )
        assert get(ward, "AAAA-00") == replace(confirmed, revision=revision + 2)
    with ward.store.begin() as conn:
        assert (
            corrections.undo_decision(conn, NILS, "AAAA-00", 10, later(5)) is EntryState.SECOND
        )  # and the second person's own decision still is


def test_why_an_entry_had_come_back_is_told_again_when_a_rejection_is_taken_back(
    ward: Ward,
) -> None:
    """Undecided, or waiting for the second person; and so when a decision is taken back."""
    ward.note("AAAA")
    with ward.store.begin() as conn:
        decisions.reject_entry(conn, EVA, "AAAA-00", 0, "fel person", NOW)
        decisions.reopen_rejected(conn, NILS, "AAAA-00", 1, "Svar från mottagaren: okänd enhet.")
    came_back = get(ward, "AAAA-00")
    for revision in (2, 4):  # twice: it is kept with every rejection
        with ward.store.begin() as conn:
            decisions.reject_entry(conn, EVA, "AAAA-00", revision, "oläsligt", later(1))
            assert (
                corrections.undo_decision(conn, EVA, "AAAA-00", revision + 1, later(2))
                is EntryState.REVIEW
            )
            queue.release_claim(conn, EVA, "AAAA-00")
        assert get(ward, "AAAA-00") == replace(came_back, revision=revision + 2)
    assert save(ward, "AAAA-00", answers(ALL, datum=WRONG_DAY)) is EntryState.SECOND
    waits = get(ward, "AAAA-00")
    assert waits.reason == came_back.reason
    with ward.store.begin() as conn:
        decisions.reject_entry(conn, NILS, "AAAA-00", 7, "oläsligt", later(3))
        assert corrections.undo_decision(conn, NILS, "AAAA-00", 8, later(4)) is EntryState.SECOND
        queue.release_claim(conn, NILS, "AAAA-00")
    assert get(ward, "AAAA-00") == replace(waits, revision=9)
    with ward.store.begin() as conn:
        assert corrections.undo_decision(conn, EVA, "AAAA-00", 9, later(5)) is EntryState.REVIEW
    assert get(ward, "AAAA-00").reason == came_back.reason


def test_why_an_entry_had_come_back_is_told_again_when_it_is_taken_up_again(ward: Ward) -> None:
    ward.note("AAAA")
    with ward.store.begin() as conn:
        decisions.reject_entry(conn, EVA, "AAAA-00", 0, "fel person", NOW)
        decisions.reopen_rejected(conn, NILS, "AAAA-00", 1, "Svar från mottagaren: okänd enhet.")
        decisions.reject_entry(conn, EVA, "AAAA-00", 2, "oläsligt", later(1))
        decisions.reopen_rejected(conn, NILS, "AAAA-00", 3)
    assert get(ward, "AAAA-00").reason == "Svar från mottagaren: okänd enhet."


def test_a_second_decision_that_is_taken_back_leaves_why_the_entry_waits_for_a_second_person(
    ward: Ward,
) -> None:
    ward.note("AAAA")
    save(ward, "AAAA-00", answers(ALL))
    with ward.store.begin() as conn:
        corrections.correct_entry(
            conn, FORMS, EVA, "AAAA-00", 1, {"datum": WRONG_DAY}, "Fel dag", NOW
        )
    waits = get(ward, "AAAA-00")
    save(ward, "AAAA-00", {"datum": WRONG_DAY}, NILS)
    with ward.store.begin() as conn:
        assert corrections.undo_decision(conn, NILS, "AAAA-00", 3, later(1)) is EntryState.SECOND
    assert get(ward, "AAAA-00").reason == waits.reason == "Fel dag"


def test_a_second_decision_that_was_taken_back_does_not_return_with_a_rejection(ward: Ward) -> None:
    ward.note("AAAA")
    save(ward, "AAAA-00", answers(ALL, datum=WRONG_DAY))
    save(ward, "AAAA-00", {"datum": Answer(SAID["datum"])}, NILS)
    with ward.store.begin() as conn:
        corrections.undo_decision(conn, NILS, "AAAA-00", 2, later(1))
        decisions.reject_entry(conn, NILS, "AAAA-00", 3, "oläsligt", later(2))
        assert corrections.undo_decision(conn, NILS, "AAAA-00", 4, later(3)) is EntryState.SECOND
    assert get(ward, "AAAA-00").second_by is None


def test_what_was_typed_comes_back_with_an_entry_that_was_put_aside(ward: Ward) -> None:
    ward.note("AAAA")
    assert claim(ward) is not None
    typed = Answer("Sov illa, ringde dottern.")
    with ward.store.begin() as conn:
        decisions.save_draft(conn, EVA, "AAAA-00", "text", typed, NOW)
        decisions.reject_entry(conn, EVA, "AAAA-00", 0, "oläsligt", later(1))
        decisions.reopen_rejected(conn, NILS, "AAAA-00", 1)
    others = claim(ward, NILS)
    assert others is not None
    assert by_name(others)["text"].draft is None
    with ward.store.begin() as conn:
        queue.release_claim(conn, NILS, "AAAA-00")
    view = claim(ward)
    assert view is not None
    assert by_name(view)["text"].draft == typed
    with ward.store.begin() as conn:
        decisions.reject_entry(conn, EVA, "AAAA-00", 2, "oläsligt", later(1))
        assert corrections.undo_decision(conn, EVA, "AAAA-00", 3, later(2)) is EntryState.REVIEW
    view = claim(ward)
    assert view is not None
    assert by_name(view)["text"].draft == typed
    with ward.store.begin() as conn:
        decisions.reject_entry(conn, EVA, "AAAA-00", 4, "oläsligt", later(1))
        corrections.void_entry(conn, EVA, "AAAA-00", 5, "fel", later(2))
        assert list_answer_drafts(conn, "AAAA-00", "eva") == {}


def test_nobody_takes_an_entry_back_that_a_colleague_is_reviewing(ward: Ward) -> None:
    ward.note("AAAA")
    assert save(ward, "AAAA-00", answers(ALL, datum=WRONG_DAY)) is EntryState.SECOND
    assert claim(ward, NILS) is not None
    with ward.store.begin() as conn:
        with pytest.raises(ReviewError, match="colleague"):
            corrections.undo_decision(conn, EVA, "AAAA-00", 1, NOW)
        queue.release_claim(conn, NILS, "AAAA-00")
        assert corrections.undo_decision(conn, EVA, "AAAA-00", 1, NOW) is EntryState.REVIEW


def test_the_second_person_undoes_the_second_decision_only(ward: Ward) -> None:
    ward.note("AAAA")
    save(ward, "AAAA-00", answers(ALL, datum=WRONG_DAY))
    save(ward, "AAAA-00", {"datum": Answer(SAID["datum"])}, NILS)
    with ward.store.begin() as conn:
        assert corrections.undo_decision(conn, NILS, "AAAA-00", 2, NOW) is EntryState.SECOND
    view = claim(ward, NILS)
    assert view is not None
    assert by_name(view)["datum"].first_answer == WRONG_DAY
    assert [name for name, field in by_name(view).items() if field.is_open] == ["datum"]
    assert save(ward, "AAAA-00", {"datum": WRONG_DAY}, NILS) is EntryState.CONFIRMED


def test_a_correction_is_a_new_version(ward: Ward) -> None:
    ward.note("AAAA")
    save(ward, "AAAA-00", answers(ALL))
    (first,) = export(ward, "AAAA-00")
    assert first.revision == 1
    with ward.store.begin() as conn:
        with pytest.raises(ReviewError, match="exported"):
            corrections.undo_decision(conn, EVA, "AAAA-00", 1, NOW)
        with pytest.raises(ReviewError):
            corrections.correct_entry(conn, FORMS, EVA, "AAAA-00", 1, {}, "fel", NOW)
        with pytest.raises(ReviewError):
            corrections.correct_entry(
                conn, FORMS, NILS, "AAAA-00", 1, {"text": Answer("Sov illa.")}, " ", NOW
            )
        corrections.correct_entry(
            conn,
            FORMS,
            NILS,
            "AAAA-00",
            1,
            {"text": Answer("Sov illa.")},
            "Fel avskrivet",
            later(5),
        )
        with pytest.raises(StaleDecisionError):
            corrections.correct_entry(
                conn, FORMS, NILS, "AAAA-00", 1, {"text": Answer("Sov.")}, "Fel avskrivet", NOW
            )
        assert ready_entries.list_ready_entries(conn, FORMS, EVA, lock=True) == ["AAAA-00"]
    (second,) = export(ward, "AAAA-00")
    assert (second.revision, second.fields["text"], second.entered.by) == (
        2,
        "Sov illa.",
        "Nils Ek",
    )
    assert second.fields["datum"] == first.fields["datum"]


def test_a_corrected_critical_field_is_as_critical_as_before(ward: Ward) -> None:
    ward.note("AAAA", {**SAID, "datum": "2026-02-18"})
    save(ward, "AAAA-00", answers(ALL, datum=WRONG_DAY))
    export(ward, "AAAA-00")
    with ward.store.begin() as conn:
        new = {"datum": Answer("2026-02-19")}
        assert (
            corrections.correct_entry(conn, FORMS, EVA, "AAAA-00", 1, new, "Fel dag", NOW)
            is EntryState.SECOND
        )
        assert ready_entries.list_ready_entries(conn, FORMS, EVA) == []
    assert claim(ward) is None
    view = claim(ward, NILS)
    assert view is not None
    assert [name for name, field in by_name(view).items() if field.is_open] == ["datum"]
    assert save(ward, "AAAA-00", {"datum": Answer("2026-02-19")}, NILS) is EntryState.CONFIRMED
    (record,) = export(ward, "AAAA-00")
    assert (record.revision, record.fields["datum"], record.verified and record.verified.by) == (
        2,
        "2026-02-19",
        "Nils Ek",
    )


def test_a_day_that_nobody_can_read_after_all_is_no_day(ward: Ward) -> None:
    ward.note("AAAA")
    save(ward, "AAAA-00", answers(ALL))
    gone = {"datum": Answer(None, State.ILLEGIBLE)}
    with ward.store.begin() as conn:
        corrections.correct_entry(conn, FORMS, EVA, "AAAA-00", 1, gone, "går inte att läsa", NOW)
    save(ward, "AAAA-00", gone, NILS)
    assert get(ward, "AAAA-00").event_on is None


def test_what_is_answered_as_before_is_no_correction(ward: Ward) -> None:
    ward.note("AAAA")
    save(ward, "AAAA-00", answers(ALL, datum=WRONG_DAY))
    save(ward, "AAAA-00", {"datum": WRONG_DAY}, NILS)
    with ward.store.begin() as conn:
        same = {"datum": WRONG_DAY, "tid": Answer("8.15"), "pnr": Answer(ASTA.pid[2:])}
        with pytest.raises(ReviewError, match="Nothing"):
            corrections.correct_entry(conn, FORMS, EVA, "AAAA-00", 2, same, "fel", NOW)
        new = {**same, "text": Answer("Sov illa.")}
        assert (
            corrections.correct_entry(conn, FORMS, EVA, "AAAA-00", 2, new, "fel", NOW)
            is EntryState.CONFIRMED
        )
        assert [
            name
            for name, one in decided_answers(conn, "AAAA-00").items()
            if one.origin is AnswerOrigin.CORRECTION
        ] == ["text"]


def test_an_empty_mark_that_stays_empty_is_no_correction(ward: Ward) -> None:
    (entry_id,) = visits(ward, "AAAA", (True,))
    said: dict[str, Value] = {
        "datum": DAY,
        "skribent": "Disa Penn",
        "rad01.pnr": ASTA.pid,
        "rad01.tid": "08:15",
        "rad01.sign": "DP",
    }
    save(ward, entry_id, answers({**said, "rad01.mat": None}))
    with ward.store.begin() as conn, pytest.raises(ReviewError, match="Nothing"):
        corrections.correct_entry(
            conn, FORMS, EVA, entry_id, 1, {"rad01.mat": Answer(None, State.EMPTY)}, "fel", NOW
        )


def test_a_correction_is_shown_when_the_entry_comes_back_whole(ward: Ward) -> None:
    """A field with a draft never stands folded (ui/screens/review/entry_form.py)."""
    (entry_id,) = visits(ward, "AAAA", (True,))
    said: dict[str, Value] = {
        "datum": DAY,
        "skribent": "Disa Penn",
        "rad01.pnr": ASTA.pid,
        "rad01.tid": "08:15",
        "rad01.sign": "DP",
        "rad01.mat": True,
    }
    save(ward, entry_id, answers(said))
    with ward.store.begin() as conn:
        corrections.correct_entry(
            conn, FORMS, EVA, entry_id, 1, {"rad01.mat": Answer(None, State.EMPTY)}, "åt inte", NOW
        )
        reopen_sheet(conn, "AAAA")
        shown = next(
            field
            for field in queue.open_claimed_entry(conn, FORMS, NILS, entry_id, NOW).fields
            if field.spec.column == "mat"
        )
    assert shown.draft == Answer(False, State.EMPTY)


def test_a_voided_entry_is_exported_as_void(ward: Ward) -> None:
    ward.note("AAAA")
    save(ward, "AAAA-00", answers(ALL))
    with pytest.raises(ReviewError), ward.store.begin() as conn:
        corrections.void_entry(conn, EVA, "AAAA-00", 1, "fel person", NOW)
    export(ward, "AAAA-00")
    with ward.store.begin() as conn:
        with pytest.raises(ReviewError, match="exported"):
            decisions.reject_entry(conn, EVA, "AAAA-00", 1, "fel person", NOW)
        corrections.void_entry(conn, EVA, "AAAA-00", 1, "Fel person", NOW)
        with pytest.raises(ReviewError):
            corrections.correct_entry(
                conn, FORMS, EVA, "AAAA-00", 2, {"text": Answer("x")}, "fel", NOW
            )
    (record,) = export(ward, "AAAA-00")
    assert (record.revision, record.voided) == (2, "Fel person")


@pytest.mark.parametrize("accepted", [True, False])
def test_a_receipt_ends_the_way_or_brings_the_entry_back(ward: Ward, accepted: bool) -> None:
    ward.note("AAAA")
    save(ward, "AAAA-00", answers(ALL))
    (record,) = export(ward, "AAAA-00")
    with ward.store.begin() as conn:
        run = conn.exec_driver_sql("SELECT id FROM export_run").scalar_one()
        row = {
            "entry": "AAAA-00",
            "revision": 1,
            "run": run,
            "at": NOW,
            "by": "eva",
            "accepted": accepted,
            "text": "Okänd enhet",
        }
        conn.execute(insert(exports.receipt).values(row))
        for revision in (record.revision + 1, record.revision):
            assert load_entry(conn, "AAAA-00").state is EntryState.EXPORTED
            if accepted:
                ready_entries.mark_accepted(conn, [("AAAA-00", revision)])
            else:
                ready_entries.mark_refused(conn, "AAAA-00", revision)
    found = get(ward, "AAAA-00")
    assert (found.state, found.reason) == (
        (EntryState.RECEIPTED, "") if accepted else (EntryState.REVIEW, "Okänd enhet")
    )


def test_a_record_tells_the_whole_way(ward: Ward) -> None:
    ward.note("AAAA")
    save(ward, "AAAA-00", answers(ALL, tid=Answer(None, State.ILLEGIBLE)))
    (record,) = export(ward, "AAAA-00")
    assert (record.client, record.unit, record.author, record.serial, record.row) == (
        ASTA,
        NORTH,
        "Disa Penn",
        "AAAA",
        None,
    )
    assert (record.place, record.reader_version, record.scanned.by) == (
        "Pärm 3",
        "test 1",
        "Admin Ek",
    )
    assert record.event_at is not None
    assert record.event_at.isoformat() == "2026-02-17T00:00:00"
    assert record.clock_unknown == {"event_at"}
    assert record.illegible == {"tid"}
    assert record.written_at is None
    assert (record.entered.at, record.verified, record.signed, record.voided) == (
        NOW,
        None,
        None,
        None,
    )
    assert "enhet" not in record.fields
    assert record.labels["text"] == "Text"


def test_a_row_becomes_a_record_of_its_own_client(ward: Ward) -> None:
    said: dict[str, Value] = {
        "datum": "2026-02-17",
        "skribent": None,
        "rad02.pnr": BROR.pid,
        "rad02.tid": "07:30",
        "rad02.mat": True,
        "rad02.sign": "EE",
    }
    ward.read(ward.scan(), page_reading(VISITS, "BBBB", said))
    assert save(ward, "BBBB-02", answers(said)) is EntryState.CONFIRMED
    (record,) = export(ward, "BBBB-02")
    assert record.client == BROR
    assert dict(record.fields) == {
        "datum": "2026-02-17",
        "skribent": None,
        "pnr": BROR.pid,
        "tid": "07:30",
        "mat": True,
        "sign": "EE",
    }
    assert (record.author, record.row, str(record.event_at)) == ("EE", 2, "2026-02-17 07:30:00")


def test_the_head_of_a_sheet_is_settled_once_for_all_its_rows(ward: Ward) -> None:
    rows: list[dict[str, Value]] = [
        {f"{row}.pnr": ASTA.pid, f"{row}.tid": "07:30", f"{row}.sign": "EE"}
        for row in ("rad01", "rad02")
    ]
    ward.read(
        ward.scan(), page_reading(VISITS, "BBBB", {"datum": "2026-02-17", **rows[0], **rows[1]})
    )
    first, second = (
        answers(row | {"skribent": None, f"rad0{number}.mat": None})
        for number, row in enumerate(rows, 1)
    )
    view = claim(ward)
    assert view is not None
    assert by_name(view)["datum"].draft is None
    assert save(ward, "BBBB-01", first | {"datum": WRONG_DAY}) is EntryState.SECOND
    assert save(ward, "BBBB-01", {"datum": WRONG_DAY}, NILS) is EntryState.CONFIRMED
    view = claim(ward)
    assert view is not None
    assert (view.entry.id, by_name(view)["datum"].draft, by_name(view)["rad02.pnr"].draft) == (
        "BBBB-02",
        WRONG_DAY,
        None,
    )
    assert save(ward, "BBBB-02", second | {"datum": WRONG_DAY}) is EntryState.CONFIRMED


def test_the_day_of_a_row_after_midnight_is_its_own(ward: Ward) -> None:
    rows: list[dict[str, Value]] = [
        {f"rad0{row}.pnr": ASTA.pid, f"rad0{row}.tid": at, f"rad0{row}.sign": "EE"}
        for row, at in ((1, "22:30"), (2, "00:30"))
    ]
    night = page_reading(VISITS, "BBBB", {"datum": "2026-02-17", **rows[0], **rows[1]})
    ward.read(ward.scan(), replace(night, issues=("after_midnight:rad02.tid",)))
    first, second = (
        answers(row | {"skribent": None, f"rad0{number}.mat": None})
        for number, row in enumerate(rows, 1)
    )
    with ward.store.begin() as conn:
        assert (
            decisions.decide_entry(
                conn, FORMS, EVA, "BBBB-02", 0, second | answers({"datum": "2026-02-18"}), NOW
            )
            is EntryState.SECOND
        )
    assert save(ward, "BBBB-02", answers({"datum": "2026-02-18"}), NILS) is EntryState.CONFIRMED
    view = claim(ward)
    assert view is not None
    assert (view.entry.id, by_name(view)["datum"].draft) == ("BBBB-01", None)
    assert save(ward, "BBBB-01", first | answers({"datum": "2026-02-18"})) is EntryState.SECOND


def test_ready_entries_are_those_of_the_unit_and_form(ward: Ward) -> None:
    ward.note("AAAA")
    save(ward, "AAAA-00", answers(ALL))
    with ward.store.read() as conn:
        assert ready_entries.list_ready_entries(conn, FORMS, EVA, form=NOTE.id) == ["AAAA-00"]
        assert ready_entries.list_ready_entries(conn, FORMS, EVA, form=VISITS.id) == []
        assert ready_entries.list_ready_entries(conn, FORMS, SOFIA) == []


def test_a_form_that_is_gone_is_named(ward: Ward) -> None:
    ward.note("AAAA")
    with pytest.raises(FormError, match="anteckning version 1"), ward.store.begin() as conn:
        queue.claim_next(conn, Forms(), EVA, NOW)


def test_every_look_at_paper_is_an_event(ward: Ward) -> None:
    page_id = ward.scan()
    with ward.store.begin() as conn:
        assert queue.record_page_view(conn, EVA, page_id).id == page_id
        for nobody in (SOFIA, CHIEF, replace(ADMIN, units=frozenset({SOUTH}))):
            with pytest.raises(NotAllowedError):
                queue.record_page_view(conn, nobody, page_id)
        assert [(event.by, event.action) for event in list_events(conn, page_id)] == [
            ("eva", "view_page")
        ]


def test_an_unknown_entry_is_an_error(ward: Ward) -> None:
    with pytest.raises(ReviewError):
        get(ward, CILLA.unit)
