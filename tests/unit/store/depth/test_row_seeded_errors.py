"""Seeded errors in the rows of a list: each is missed, caught or withdrawn, and never stored."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest
from sqlalchemy import Connection, select

from pipeline.domain.form.form import Depth
from pipeline.domain.model import EntryState, IssuedSheet, Reading, State, Value
from pipeline.domain.review.rules import Answer
from pipeline.domain.review.seeded_errors import SeededError
from pipeline.review.decisions import Decision, decide_entry
from pipeline.review.rows import RowReview, SeenRow, SheetRow, confirm_rows
from pipeline.review.seeded_errors import last_missed_field, with_seeded_error
from pipeline.store.database.store import Store
from pipeline.store.entries.answers import decided_answers, list_answer_drafts
from pipeline.store.entries.entry import load_entry
from pipeline.store.entries.entry_depth import set_unit_depth
from pipeline.store.entries.queue import ClaimTerms, open_claimed_entry
from pipeline.store.quality.checked_work import (
    OUTCOME_CAUGHT,
    OUTCOME_MISSED,
    OUTCOME_WITHDRAWN,
    add_seeded_error,
)
from pipeline.store.schema.review import plant
from tests.support.store.ward import (
    ASTA,
    BROR,
    CHIEF,
    EVA,
    FORMS,
    NILS,
    NORTH,
    NOW,
    VISITS,
    Ward,
    answers,
    page_reading,
)
from tests.support.store.work import work

pytest_plugins = ("tests.support.store.databases",)
SAID: Mapping[str, Value] = {
    "datum": "2026-02-17",
    "skribent": "Disa Penn",
    "rad01.pnr": ASTA.pid,
    "rad01.tid": "08:15",
    "rad01.mat": True,
    "rad02.pnr": BROR.pid,
    "rad02.tid": "09:00",
    "rad02.mat": True,
}
FIRST, SECOND = "VVVV-01", "VVVV-02"


@pytest.fixture
def ward(store: Store) -> Ward:
    """A list of two visits that the machine is sure of, apart from the time of the second."""
    ward = Ward(store).begin()
    ward.issue(IssuedSheet("VVVV", VISITS.id, 1, NORTH))
    read = page_reading(VISITS, "VVVV", SAID)
    sure = {name: replace(one, p=0.9995) for name, one in read.fields.items()}
    unsure = {"rad02.tid": Reading("09:00", 0.5, State.READ)}
    ward.read(ward.scan(), replace(read, fields=sure | unsure))
    with store.begin() as conn:
        set_unit_depth(conn, FORMS, CHIEF, NORTH, VISITS.id, Depth.DEVIATIONS, NOW)
    return ward


def shown(conn: Connection, share: float = 1.0) -> dict[str, SheetRow]:
    """The rows that can be confirmed as Eva sees them."""
    rows, _ = work(RowReview, conn, EVA, plant_share=share).open("VVVV", lambda *_: None)
    return {row.entry.id: row for row in rows if row.is_for_confirming}


def wrong(row: SheetRow) -> dict[str, Value]:
    """What a row shows that is not on its paper."""
    return {
        spec.name: row.answers[spec.name].value
        for spec in row.line
        if (row.answers[spec.name].value or None) != SAID.get(spec.name)
    }


def outcomes(conn: Connection) -> dict[str, str | None]:
    return {row.entry: row.outcome for row in conn.execute(select(plant))}


def seen(entry_id: str, *, revision: int = 0, is_ticked: bool = True, tid: str = "") -> SeenRow:
    typed = {f"rad{entry_id[-2:]}.tid": Answer(tid)} if tid else {}
    return SeenRow(entry_id, revision, typed, is_ticked=is_ticked)


def test_each_row_shows_one_at_most_and_the_same_again(ward: Ward) -> None:
    with ward.store.begin() as conn:
        rows = shown(conn)
        assert [len(wrong(row)) for row in rows.values()] == [1, 1]
        # What is typed in the row is shown nowhere.
        assert "rad02.tid" not in wrong(rows[SECOND])
        again = shown(conn, share=0.0)
        assert [wrong(row) for row in again.values()] == [wrong(row) for row in rows.values()]
        assert list(outcomes(conn).values()) == [None, None]


def test_none_is_shown_at_a_share_of_nought_or_in_a_row_that_comes_alone(ward: Ward) -> None:
    with ward.store.begin() as conn:
        assert [wrong(row) for row in shown(conn, share=0.0).values()] == [{}, {}]
        # The third row is blank.
        shown(conn)
        assert sorted(outcomes(conn)) == [FIRST, SECOND]


def test_a_row_that_is_confirmed_with_it_stays_open_and_keeps_what_was_typed(ward: Ward) -> None:
    with ward.store.begin() as conn:
        (field,) = wrong(shown(conn)[SECOND])
        result = confirm_rows(conn, FORMS, EVA, [seen(SECOND, tid="09:00")], NOW)
        assert (result.confirmed, result.missed) == ([], {SECOND: field})
        assert outcomes(conn)[SECOND] == OUTCOME_MISSED
        assert last_missed_field(conn, EVA, SECOND) == field
        entry = load_entry(conn, SECOND)
        assert (entry.state, entry.revision, entry.first_by) == (EntryState.REVIEW, 1, None)
        assert decided_answers(conn, SECOND) == {}
        assert list_answer_drafts(conn, SECOND, EVA.login) == {"rad02.tid": Answer("09:00")}
        # The true value is shown now, and can be confirmed.
        assert wrong(shown(conn)[SECOND]) == {}
        again = seen(SECOND, revision=1, tid="09:00")
        assert confirm_rows(conn, FORMS, EVA, [again], NOW).confirmed == [SECOND]
        decided = decided_answers(conn, SECOND)
        assert {name: decided[name].answer.value for name in SAID if name in decided} == {
            name: value for name, value in SAID.items() if not name.startswith("rad01")
        }


def test_the_other_rows_are_confirmed_all_the_same(ward: Ward) -> None:
    with ward.store.begin() as conn:
        shown(conn)
        conn.execute(plant.delete().where(plant.c.entry == SECOND))
        both = [seen(FIRST), seen(SECOND, tid="09:00")]
        result = confirm_rows(conn, FORMS, EVA, both, NOW)
        assert (result.confirmed, list(result.missed)) == ([SECOND], [FIRST])


def test_a_row_that_is_unticked_has_caught_it_and_comes_with_the_true_value(ward: Ward) -> None:
    with ward.store.begin() as conn:
        (field,) = wrong(shown(conn)[FIRST])
        result = confirm_rows(conn, FORMS, EVA, [seen(FIRST, is_ticked=False)], NOW)
        assert (result.confirmed, result.missed) == ([], {})
        assert outcomes(conn)[FIRST] == OUTCOME_CAUGHT
        found = load_entry(conn, FIRST)
        assert (found.state, found.revision, found.claimed_by) == (EntryState.REVIEW, 0, None)
        view = open_claimed_entry(conn, FORMS, EVA, FIRST, ClaimTerms(NOW))
        alone = with_seeded_error(conn, EVA, view, 1.0, NOW)
        (there,) = [one.reading for one in alone.fields if one.spec.name == field]
        assert there is not None
        assert there.value == SAID[field]


def test_what_is_typed_otherwise_has_caught_it(ward: Ward) -> None:
    with ward.store.begin() as conn:
        (field,) = wrong(shown(conn)[FIRST])
        # Read again with another confidence: it is typed now, as it is on the paper.
        typed = {field: Answer(SAID[field])}
        result = confirm_rows(conn, FORMS, EVA, [SeenRow(FIRST, 0, typed)], NOW)
        assert result.confirmed == [FIRST]
        assert outcomes(conn)[FIRST] == OUTCOME_CAUGHT


def test_one_that_was_shown_in_the_row_is_shown_in_its_entry_and_judged_there(ward: Ward) -> None:
    with ward.store.begin() as conn:
        ((field, value),) = wrong(shown(conn)[FIRST]).items()
        view = open_claimed_entry(conn, FORMS, EVA, FIRST, ClaimTerms(NOW))
        alone = with_seeded_error(conn, EVA, view, 1.0, NOW)
        read = {one.spec.name: one.reading for one in alone.fields if one.reading}
        assert (read[field].value or None) == (value or None)
        given = {name: one for name, one in answers(SAID).items() if "rad02" not in name} | {
            name: Answer(one.value, one.state) for name, one in read.items()
        }
        state = decide_entry(conn, FORMS, EVA, Decision(FIRST, 0, given), NOW)
        assert state is EntryState.REVIEW
        assert outcomes(conn)[FIRST] == OUTCOME_MISSED


def test_one_of_the_head_that_no_row_shows_is_withdrawn(ward: Ward) -> None:
    with ward.store.begin() as conn:
        add_seeded_error(conn, EVA.login, FIRST, ("skribent", SeededError("Disa Pena")), NOW)
        assert wrong(shown(conn)[FIRST]) == {}
        assert confirm_rows(conn, FORMS, EVA, [seen(FIRST)], NOW).confirmed == [FIRST]
        assert outcomes(conn)[FIRST] == OUTCOME_WITHDRAWN


def test_a_colleague_confirms_without_it(ward: Ward) -> None:
    with ward.store.begin() as conn:
        shown(conn)
        assert confirm_rows(conn, FORMS, NILS, [seen(FIRST)], NOW).confirmed == [FIRST]
        assert outcomes(conn)[FIRST] == OUTCOME_WITHDRAWN
        decided = decided_answers(conn, FIRST)
        assert [decided[f"rad01.{name}"].answer.value for name in ("tid", "mat")] == [
            "08:15",
            True,
        ]
