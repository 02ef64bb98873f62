"""Working with one form, client or author at a time, until none of it is left."""

from __future__ import annotations

import pytest

from pipeline.domain.form.form import Form
from pipeline.domain.model import Person, Value
from pipeline.store.accounts.own_choices import (
    QueueGrouping,
    choose_queue_grouping,
    queue_choice,
)
from pipeline.store.database.store import Store
from pipeline.store.entries.queue import ClaimTerms, claim_next, release_claim, skip_entry
from pipeline.store.event_log.events import list_events
from tests.support.store.ward import (
    ASTA,
    BROR,
    EVA,
    FORMS,
    NILS,
    NOTE,
    NOW,
    SAID,
    VISITS,
    Ward,
    page_reading,
)

pytest_plugins = ("tests.support.store.databases",)
pytestmark = pytest.mark.both_databases


@pytest.fixture
def ward(store: Store) -> Ward:
    """The test organisation."""
    return Ward(store).begin()


def add(ward: Ward, serial: str, form: Form = NOTE, **changed: Value) -> str:
    """A note (or a visit in row 1) that was read; answers with its entry's id."""
    visit = {"datum": "2026-02-17", "rad01.pnr": ASTA.pid, "rad01.tid": "08:15"}
    said = {**SAID, **changed} if form is NOTE else {**visit, **changed}
    ward.read(ward.scan(), page_reading(form, serial, said), form)
    return f"{serial}-00" if form is NOTE else f"{serial}-01"


def taken(ward: Ward, person: Person = EVA) -> str | None:
    """The next entry of the person, which is then put behind the others, as after a decision."""
    with ward.store.begin() as conn:
        view = claim_next(conn, FORMS, person, ClaimTerms(NOW))
        if view is not None:
            skip_entry(conn, person, view.entry.id, view.entry.revision)
    return view.entry.id if view else None


def choose(ward: Ward, grouping: QueueGrouping, current: str = "") -> None:
    with ward.store.begin() as conn:
        choose_queue_grouping(conn, EVA, grouping, current)


def test_before_any_choice_the_riskiest_and_oldest_come_first(ward: Ward) -> None:
    with ward.store.begin() as conn:
        assert queue_choice(conn, EVA) is QueueGrouping.URGENCY
    add(ward, "BBBB", VISITS)
    later, earlier = add(ward, "CCCC", datum="2026-02-18"), add(ward, "DDDD", datum="2026-02-16")
    assert [taken(ward), taken(ward)] == [earlier, later]


def test_one_stays_with_the_form_while_any_is_left(ward: Ward) -> None:
    visits = [add(ward, serial, VISITS) for serial in ("AAAA", "BBBB")]
    note = add(ward, "CCCC")
    choose(ward, QueueGrouping.FORM, visits[0])
    with ward.store.begin() as conn:
        view = claim_next(conn, FORMS, EVA, ClaimTerms(NOW))
        assert view is not None
        assert view.entry.id == visits[0]
        ahead = claim_next(conn, FORMS, EVA, ClaimTerms(NOW), excluded=(visits[0],))
        assert ahead is not None
        assert ahead.entry.id == visits[1]
        behind = claim_next(conn, FORMS, EVA, ClaimTerms(NOW), excluded=visits)
        assert behind is not None
        assert behind.entry.id == note


def test_one_stays_with_the_client(ward: Ward) -> None:
    first = add(ward, "AAAA", datum="2026-02-10")
    other = add(ward, "BBBB", pnr=BROR.pid, datum="2026-02-11")
    same = add(ward, "CCCC", VISITS)
    choose(ward, QueueGrouping.CLIENT)
    with ward.store.begin() as conn:
        for expected in (first, same, other):
            view = claim_next(
                conn, FORMS, EVA, ClaimTerms(NOW), excluded=_before(expected, first, same)
            )
            assert view is not None
            assert view.entry.id == expected


def _before(expected: str, *ids: str) -> tuple[str, ...]:
    return ids[: ids.index(expected)] if expected in ids else ids


def test_one_stays_with_the_author_however_the_name_is_spaced(ward: Ward) -> None:
    first = add(ward, "AAAA", datum="2026-02-10", skribent="Disa  Penn")
    other = add(ward, "BBBB", datum="2026-02-11", skribent="Åke Blad")
    same = add(ward, "CCCC", datum="2026-02-12", skribent="disa penn")
    choose(ward, QueueGrouping.AUTHOR)
    with ward.store.begin() as conn:
        for expected in (first, same, other):
            view = claim_next(
                conn, FORMS, EVA, ClaimTerms(NOW), excluded=_before(expected, first, same)
            )
            assert view is not None
            assert view.entry.id == expected


def test_an_author_or_client_that_is_not_known_is_no_group(ward: Ward) -> None:
    for serial, day in (("AAAA", "2026-02-12"), ("BBBB", "2026-02-11")):
        add(ward, serial, datum=day, skribent=None, pnr=None)
    oldest = add(ward, "CCCC", datum="2026-02-01", skribent="Disa Penn")
    choose(ward, QueueGrouping.AUTHOR, "AAAA-00")
    assert taken(ward) == oldest


def test_what_was_claimed_ahead_in_another_order_is_given_back(ward: Ward) -> None:
    first, second = add(ward, "AAAA"), add(ward, "BBBB", datum="2026-02-18")
    visit = add(ward, "CCCC", VISITS)
    with ward.store.begin() as conn:
        assert claim_next(conn, FORMS, EVA, ClaimTerms(NOW))
        assert claim_next(conn, FORMS, EVA, ClaimTerms(NOW), excluded=(first,))
    choose(ward, QueueGrouping.FORM, first)
    with ward.store.begin() as conn:
        other = claim_next(conn, FORMS, NILS, ClaimTerms(NOW))
        assert other is not None
        assert other.entry.id == second
        release_claim(conn, NILS, second)
        assert visit


def test_a_choice_is_of_one_person_and_logged(ward: Ward) -> None:
    choose(ward, QueueGrouping.FORM)
    choose(ward, QueueGrouping.AUTHOR)
    with ward.store.begin() as conn:
        assert queue_choice(conn, EVA) is QueueGrouping.AUTHOR
        assert queue_choice(conn, NILS) is QueueGrouping.URGENCY
        chosen = [event.detail for event in list_events(conn, "queue")]
    assert [one["choice"] for one in chosen] == ["form", "author"]
