"""With any number of concurrent reviewers, each entry is taken by exactly one, and a second review
never by the first reviewer.
"""

from __future__ import annotations

from collections import Counter
from threading import Barrier, Thread

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, insert

from pipeline.domain.model import EntryState, Person
from pipeline.store.database.store import Store
from pipeline.store.entries.queue import ClaimTerms, claim_next
from pipeline.store.schema import paper
from tests.support.store.ward import FORMS, FREE, NORTH, NOW, SOUTH, Ward, person

pytest_plugins = ("tests.support.store.databases",)
pytestmark = [pytest.mark.both_databases, pytest.mark.patient]

PEOPLE = [
    person(f"p{number}", units=units)
    for number, units in enumerate([(NORTH,), (SOUTH,), (NORTH, SOUTH), (NORTH, SOUTH)])
]

queues = st.lists(
    st.tuples(
        st.sampled_from([NORTH, SOUTH]),
        st.sampled_from("ABC"),
        st.sampled_from([None, *(who.login for who in PEOPLE)]),
    ),
    max_size=25,
)
"""Units, classes, and for second review the first person."""


@pytest.fixture
def ward(store: Store) -> Ward:
    """The test organisation, with one page that all entries refer to."""
    ward = Ward(store).begin()
    ward.scan()
    return ward


def fill(ward: Ward, queue: list[tuple[str, str, str | None]]) -> None:
    """Replace the queue with these entries."""
    with ward.store.begin() as conn:
        conn.execute(delete(paper.entry))
        rows = [
            {
                "id": f"e{number:03d}-00",
                "sheet": ward.batch,
                "page": f"{ward.batch}-00001",
                "form": FREE.id,
                "version": 1,
                "unit": unit,
                "criticality": criticality,
                "state": (EntryState.SECOND if first else EntryState.REVIEW).value,
                "first_by": first,
                "created_at": NOW,
            }
            for number, (unit, criticality, first) in enumerate(queue)
        ]
        if rows:
            conn.execute(insert(paper.entry), rows)


def take_all(
    ward: Ward,
    who: Person,
    start: Barrier,
    taken: list[tuple[str, str]],
    ahead: list[tuple[str, str]],
) -> None:
    """Take from the queue until it is empty for this person, always one ahead; each entry is
    finished at once, so that the next is another.
    """
    start.wait()
    held = ""
    while True:
        with ward.store.begin() as conn:
            view = claim_next(conn, FORMS, who, ClaimTerms(NOW))
            if view is None:
                return
            assert held in ("", view.entry.id)  # what was claimed ahead is what comes next
            following = claim_next(conn, FORMS, who, ClaimTerms(NOW), excluded=[view.entry.id])
            held = following.entry.id if following else ""
            ahead.extend([(held, who.login)] if following else [])
            taken.append((view.entry.id, who.login))
            ended = paper.entry.update().where(
                paper.entry.c.id == view.entry.id, paper.entry.c.claimed_by == who.login
            )
            assert conn.execute(ended.values(state=EntryState.REJECTED.value)).rowcount == 1


@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(queue=queues)
def test_each_entry_is_taken_exactly_once(
    ward: Ward, queue: list[tuple[str, str, str | None]]
) -> None:
    fill(ward, queue)
    start, taken, ahead = Barrier(len(PEOPLE)), list[tuple[str, str]](), list[tuple[str, str]]()
    threads = [Thread(target=take_all, args=(ward, who, start, taken, ahead)) for who in PEOPLE]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    counted = Counter(entry_id for entry_id, _ in taken)
    assert set(ahead) <= set(taken)  # nobody else got what a person had claimed ahead
    by_login = {who.login: who for who in PEOPLE}
    for number, (unit, _, first) in enumerate(queue):
        may = [who for who in PEOPLE if unit in who.units and who.login != first]
        assert counted[f"e{number:03d}-00"] == (1 if may else 0)
    for entry_id, login in taken:
        unit, _, first = queue[int(entry_id[1:4])]
        assert unit in by_login[login].units
        assert login != first
