"""After any edit, a seeded value is never confirmed by the person who was shown it alone."""

from __future__ import annotations

from itertools import count

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from pipeline.domain.errors import ReviewError
from pipeline.domain.model import EntryState, State
from pipeline.domain.review.rules import Answer
from pipeline.review import decisions
from pipeline.review.seeded_errors import with_seeded_error
from pipeline.store.database.store import Store
from pipeline.store.entries import queue
from pipeline.store.exports import ready_entries, records
from pipeline.store.schema.review import plant
from tests.support.store.ward import EVA, FORMS, NOW, PLAN, SAID, Ward, answers

pytest_plugins = ("tests.support.store.databases",)
TRUE = {**SAID, **PLAN, "text": "Såret på höger fot läker.\nLägger om med kompress."}
SERIALS = (f"S{number:05d}" for number in count())

edits = st.lists(
    st.tuples(st.integers(0, 60), st.integers(0, 12), st.text("abcåäö 17.\n", max_size=8)),
    max_size=4,
)
"""Where something is taken away, how much, and what is put there instead."""


def edited(text: str, changes: list[tuple[int, int, str]], spared: str) -> str:
    """The text after changes, without those that would touch `spared`."""
    for at, length, new in changes:
        other = text[:at] + new + text[at + length :]
        if spared in other:
            text = other
    return text


@pytest.fixture
def ward(store: Store) -> Ward:
    """The test organisation."""
    return Ward(store).begin()


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(first=edits, second=edits, keeps=st.booleans())
@example(first=[], second=[], keeps=True)
def test_planted_value_needs_reviewer_who_has_not_seen_it(
    ward: Ward, first: list[tuple[int, int, str]], second: list[tuple[int, int, str]], keeps: bool
) -> None:
    review(ward, first, second, keeps=keeps)


@pytest.mark.both_databases
@pytest.mark.parametrize("keeps", [True, False])
def test_a_planted_value_is_known_on_each_database(ward: Ward, keeps: bool) -> None:
    review(ward, [], [], keeps=keeps)


def review(
    ward: Ward,
    first: list[tuple[int, int, str]],
    second: list[tuple[int, int, str]],
    *,
    keeps: bool,
) -> None:
    """A seeded value is edited by the person who was shown it, and again or typed as it is."""
    entry_id = ward.note(next(SERIALS), TRUE)
    with ward.store.begin() as conn:
        view = with_seeded_error(
            conn,
            EVA,
            queue.open_claimed_entry(conn, FORMS, EVA, entry_id, queue.ClaimTerms(NOW)),
            1.0,
            NOW,
        )
        row = conn.execute(select(plant).where(plant.c.entry == entry_id)).one()
        wrong = str(row.value)[row.start : row.end] if row.end else str(row.value)
        given = answers(TRUE) | {row.field: Answer(row.value, State(row.state))}
        given[row.field] = Answer(edited(str(row.value), first, wrong))
        try:
            state = decisions.decide_entry(
                conn, FORMS, EVA, decisions.Decision(entry_id, 0, given), NOW
            )
        except ReviewError:  # an edited time is no time
            return
        assert state is EntryState.REVIEW
        if keeps:
            given[row.field] = Answer(edited(str(row.value), second, wrong))
            try:
                assert (
                    decisions.decide_entry(
                        conn,
                        FORMS,
                        EVA,
                        decisions.Decision(entry_id, view.entry.revision + 1, given),
                        NOW,
                    )
                    is EntryState.SECOND
                )
            except ReviewError:
                return
            assert ready_entries.list_ready_entries(
                conn, FORMS, EVA
            ) == [] or entry_id not in ready_entries.list_ready_entries(conn, FORMS, EVA)
        else:
            assert (
                decisions.decide_entry(
                    conn,
                    FORMS,
                    EVA,
                    decisions.Decision(entry_id, view.entry.revision + 1, answers(TRUE)),
                    NOW,
                )
                is EntryState.CONFIRMED
            )
            recorded = records.load_records(conn, FORMS, [entry_id])[0].fields
            assert wrong not in str(recorded[row.field])
