"""Seeded values on their way through the store: caught, missed, withdrawn, and never anywhere
else.
"""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from sqlalchemy import Connection, select, update

from pipeline.domain.errors import StoreError
from pipeline.domain.model import EntryState, Person, Value
from pipeline.domain.review.rules import Answer
from pipeline.review import decisions, rejections, session
from pipeline.review.seeded_errors import (
    last_missed_field,
    with_seeded_error,
)
from pipeline.store.database.store import Store
from pipeline.store.entries import answers as stored
from pipeline.store.entries import queue
from pipeline.store.entries.entry import load_entry
from pipeline.store.entries.entry_view import EntryView
from pipeline.store.entries.queue import ClaimTerms
from pipeline.store.exports import ready_entries, records
from pipeline.store.quality.checked_work import OUTCOME_CAUGHT, OUTCOME_MISSED, OUTCOME_WITHDRAWN
from pipeline.store.schema import paper
from pipeline.store.schema.review import plant
from tests.support.store.ward import EVA, FORMS, NILS, NOW, PLAN, SAID, Ward, answers, later

pytest_plugins = ("tests.support.store.databases",)
TRUE: Mapping[str, Value] = {**SAID, "text": "Såret på höger fot läker.", **PLAN}


@pytest.fixture
def ward(store: Store) -> Ward:
    """One note about a right foot, and with a time; both are shown filled in."""
    ward = Ward(store).begin()
    ward.note("AAAA", TRUE)
    return ward


def shown(conn: Connection, who: Person, share: float = 1.0) -> tuple[EntryView, str, Value]:
    """The entry as a person sees it, and what is seeded where."""
    view = with_seeded_error(
        conn,
        who,
        queue.open_claimed_entry(conn, FORMS, who, "AAAA-00", queue.ClaimTerms(NOW)),
        share,
        NOW,
    )
    row = conn.execute(select(plant).where(plant.c.login == who.login)).one_or_none()
    return view, row.field if row else "", row.value if row else None


def as_shown(view: EntryView) -> dict[str, Answer]:
    """What a person answers who confirms all that is shown, and types the rest right."""
    said = {
        field.spec.name: TRUE.get(field.spec.name)
        for field in view.fields
        if field.is_open and field.spec.kind != "printed"
    }
    read = {
        field.spec.name: Answer(field.reading.value, field.reading.state)
        for field in view.fields
        if field.is_open and field.reading
    }
    return answers(said) | {name: answer for name, answer in read.items() if name in said}


def outcomes(conn: Connection) -> list[str | None]:
    return list(conn.execute(select(plant.c.outcome).order_by(plant.c.id)).scalars())


def test_one_shown_field_is_planted_and_the_same_one_again(ward: Ward) -> None:
    with ward.store.begin() as conn:
        view, field, value = shown(conn, EVA)
        assert field in {"tid", "text"}
        differing = [
            one.spec.name
            for one in view.fields
            if one.reading and TRUE.get(one.spec.name) not in (None, one.reading.value)
        ]
        assert differing == [field]
        assert shown(conn, EVA, share=0.0)[1:] == (field, value)
        assert (
            next(one.reading.value for one in view.fields if one.spec.name == field and one.reading)
            == value
        )


def test_nothing_is_planted_at_a_share_of_nought_nor_where_the_person_has_typed(ward: Ward) -> None:
    with ward.store.begin() as conn:
        assert shown(conn, EVA, share=0.0)[1] == ""
        for field in ("tid", "text", "namn", "skribent", "plan"):
            session.save_draft(conn, EVA, "AAAA-00", {field: Answer(TRUE[field])}, ClaimTerms(NOW))
        assert shown(conn, EVA)[1] == ""


def test_who_changes_it_has_caught_it(ward: Ward) -> None:
    with ward.store.begin() as conn:
        shown(conn, EVA)
        assert (
            decisions.decide_entry(
                conn, FORMS, EVA, decisions.Decision("AAAA-00", 0, answers(TRUE)), NOW
            )
            is EntryState.CONFIRMED
        )
        assert outcomes(conn) == [OUTCOME_CAUGHT]
        assert last_missed_field(conn, EVA, "AAAA-00") is None
        assert records.load_records(conn, FORMS, ["AAAA-00"])[0].fields["text"] == TRUE["text"]


def test_who_confirms_it_is_told_and_decides_anew(ward: Ward) -> None:
    with ward.store.begin() as conn:
        view, field, _ = shown(conn, EVA)
        assert (
            decisions.decide_entry(
                conn, FORMS, EVA, decisions.Decision("AAAA-00", 0, as_shown(view)), NOW
            )
            is EntryState.REVIEW
        )
        assert outcomes(conn) == [OUTCOME_MISSED]
        assert last_missed_field(conn, EVA, "AAAA-00") == field
        found = load_entry(conn, "AAAA-00")
        assert (found.state, found.revision, found.claimed_by, found.first_by) == (
            EntryState.REVIEW,
            1,
            EVA.login,
            None,
        )
        assert stored.decided_answers(conn, "AAAA-00") == {}
        again, _, _ = shown(conn, EVA)
        told = next(one for one in again.fields if one.spec.name == field)
        assert told.draft is None
        assert told.reading is not None
        assert told.reading.value == TRUE[field]
        assert next(one.draft for one in again.fields if one.spec.name == "pnr") == Answer(
            TRUE["pnr"]
        )
        assert (
            decisions.decide_entry(
                conn, FORMS, EVA, decisions.Decision("AAAA-00", 1, answers(TRUE)), NOW
            )
            is EntryState.CONFIRMED
        )


def test_a_text_with_other_changes_gets_the_true_word_back(ward: Ward) -> None:
    with ward.store.begin() as conn:
        conn.execute(
            update(paper.reading)
            .where(paper.reading.c.field == "tid")
            .values(value=None, state="empty")
        )
        view, field, value = shown(conn, EVA)
        assert field == "text"
        given = as_shown(view) | {"text": Answer(f"{value} Sov gott."), "tid": Answer("08:15")}
        assert (
            decisions.decide_entry(conn, FORMS, EVA, decisions.Decision("AAAA-00", 0, given), NOW)
            is EntryState.REVIEW
        )
        draft = stored.list_answer_drafts(conn, "AAAA-00", EVA.login)["text"]
        assert draft == Answer(f"{TRUE['text']} Sov gott.")


def test_who_means_what_was_planted_needs_another_person(ward: Ward) -> None:
    """The machine may have read wrongly, and the seeded value may be what the paper says."""
    with ward.store.begin() as conn:
        view, field, value = shown(conn, EVA)
        decisions.decide_entry(
            conn, FORMS, EVA, decisions.Decision("AAAA-00", 0, as_shown(view)), NOW
        )
        meant = answers(TRUE) | {field: Answer(value)}
        assert (
            decisions.decide_entry(conn, FORMS, EVA, decisions.Decision("AAAA-00", 1, meant), NOW)
            is EntryState.SECOND
        )
        assert ready_entries.list_ready_entries(conn, FORMS, EVA) == []
        second = queue.open_claimed_entry(conn, FORMS, NILS, "AAAA-00", queue.ClaimTerms(NOW))
        assert [one.spec.name for one in second.fields if one.is_open] == [field]


def test_others_see_and_decide_without_it(ward: Ward) -> None:
    with ward.store.begin() as conn:
        shown(conn, EVA)
        view = with_seeded_error(
            conn,
            NILS,
            queue.open_claimed_entry(conn, FORMS, NILS, "AAAA-00", queue.ClaimTerms(later(20))),
            0.0,
            later(20),
        )
        assert all(
            one.reading is None or one.reading.value == TRUE.get(one.spec.name)
            for one in view.fields
        )
        assert (
            decisions.decide_entry(
                conn, FORMS, NILS, decisions.Decision("AAAA-00", 0, answers(TRUE)), later(20)
            )
            is EntryState.CONFIRMED
        )
        assert outcomes(conn) == [OUTCOME_WITHDRAWN]


def test_a_rejected_entry_ends_it(ward: Ward) -> None:
    with ward.store.begin() as conn:
        shown(conn, EVA)
        rejections.reject_entry(conn, EVA, rejections.Rejection("AAAA-00", 0, "dubblett"), NOW)
        assert outcomes(conn) == [OUTCOME_WITHDRAWN]


def test_an_entry_with_an_open_plant_is_no_record(ward: Ward) -> None:
    """Even if something confirms an entry past `save_answers`."""
    with ward.store.begin() as conn:
        decisions.decide_entry(
            conn, FORMS, EVA, decisions.Decision("AAAA-00", 0, answers(TRUE)), NOW
        )
        row = {
            "entry": "AAAA-00",
            "login": NILS.login,
            "field": "tid",
            "value": "08:45",
            "state": "read",
            "start": 0,
            "end": 0,
            "shown_at": NOW,
        }
        conn.execute(plant.insert().values(row))
        assert ready_entries.list_ready_entries(conn, FORMS, EVA) == []
        with pytest.raises(StoreError, match="controlled"):
            records.load_records(conn, FORMS, ["AAAA-00"])


def test_no_decision_is_written_past_the_judgement(ward: Ward) -> None:
    with ward.store.begin() as conn:
        _, field, value = shown(conn, EVA)
        found = load_entry(conn, "AAAA-00")
        unjudged = {field: stored.DecidedAnswer(Answer(value), stored.AnswerOrigin.ACCEPTED, True)}
        with pytest.raises(StoreError, match="judged"):
            decisions.write_decision(
                conn,
                EVA,
                found,
                NOW,
                unjudged,
                state=EntryState.CONFIRMED,
                first_by=EVA.login,
                first_at=NOW,
            )


def test_no_planted_value_is_in_the_log(ward: Ward) -> None:
    with ward.store.begin() as conn:
        view, _, _ = shown(conn, EVA)
        decisions.decide_entry(
            conn, FORMS, EVA, decisions.Decision("AAAA-00", 0, as_shown(view)), NOW
        )
        log = " ".join(str(tuple(row)) for row in conn.exec_driver_sql("SELECT * FROM event"))
        assert "vänster" not in log
        assert "plant" not in log
