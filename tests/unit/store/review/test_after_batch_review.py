"""Groups in the store that are taken back, hidden, seeded and logged."""

from __future__ import annotations

from dataclasses import replace
from unittest.mock import patch

import pytest
from sqlalchemy import select, update

from pipeline.domain.errors import (
    InvalidAnswerError,
    NotAllowedError,
    StaleDecisionError,
)
from pipeline.domain.model import Client, EntryState, State
from pipeline.domain.review.rules import Answer
from pipeline.review import decisions
from pipeline.review.batches import BatchResult, BatchReview, ReviewBatch
from pipeline.review.corrections import Corrections
from pipeline.review.seeded_errors import with_seeded_error
from pipeline.store.database.sampling_key import REKEYING_SHARE_OPTION
from pipeline.store.database.store import Store
from pipeline.store.entries import queue
from pipeline.store.entries.answers import decided_answers, list_answer_drafts
from pipeline.store.entries.entry import load_entry, reopen_sheet
from pipeline.store.entries.entry_view import load_entry_view
from pipeline.store.paper import pages
from pipeline.store.quality import checked_work
from pipeline.store.quality.checked_work import claim_next_rekeying
from pipeline.store.quality.checked_work import confirmed_answer as last_said
from pipeline.store.registers import blocks, client_register
from pipeline.store.review.batch_items import batch_review_by_unit, set_batch_review
from pipeline.store.schema import paper
from pipeline.store.schema.review import control, plant
from tests.support.pages.alike import DAY, visits
from tests.support.store.ward import (
    ADMIN,
    ASTA,
    CHIEF,
    EVA,
    FORMS,
    NILS,
    NORTH,
    NOW,
    SOFIA,
    SOUTH,
    VISITS,
    Ward,
    later,
    page_reading,
    whole_log,
)
from tests.support.store.work import work
from tests.unit.store.review.batch_steps import (
    ATE,
    confirmed,
    decide,
    group_of,
    mark,
    offered,
    sheet,
)

pytest_plugins = ("tests.support.store.databases",)


@pytest.fixture
def ward(store: Store) -> Ward:
    return Ward(store).begin()


@pytest.fixture
def entries(ward: Ward) -> list[str]:
    """Five lists of three visits, all of which she ate."""
    return [one for number in range(5) for one in visits(ward, f"AAA{number}", ATE)]


def test_the_last_group_can_be_taken_back_as_far_as_nothing_is_decided(
    ward: Ward, entries: list[str]
) -> None:
    confirmed(ward, group_of(ward), entries[1])
    decide(ward, entries[0], NILS)
    with ward.store.begin() as conn:
        queue.open_claimed_entry(conn, FORMS, NILS, entries[2], queue.ClaimTerms(later(3)))
        assert work(BatchReview, conn, EVA, later(3)).undo() == 13
        assert work(BatchReview, conn, EVA, later(3)).undo() == 0
        assert work(BatchReview, conn, NILS, later(3)).undo() == 0
    assert {cell.entry for cell in group_of(ward, minutes=4).items} == set(entries) - {
        entries[0],
        entries[2],
    }


def test_a_group_that_was_passed_by_hides_none_that_was_confirmed(
    ward: Ward, entries: list[str]
) -> None:
    confirmed(ward, group_of(ward))
    visits(ward, "BBB0", (False, False, False))
    other = group_of(ward, minutes=2, least=1)
    with ward.store.begin() as conn:
        work(BatchReview, conn, EVA, later(3)).release(other.id)
        assert work(BatchReview, conn, EVA, later(4)).undo() == len(entries)


def marked(group: ReviewBatch) -> set[str]:
    """The entries whose pieces are marked."""
    return {cell.entry for cell in group.items if cell.marked}


def is_typed_blind(ward: Ward, entry_id: str) -> bool:
    """Whether the sheet asks whether she ate, and does not show what was read."""
    with ward.store.begin() as conn:
        fields = load_entry_view(conn, FORMS, NILS, entry_id).fields
    return next(field for field in fields if field.spec.column == "mat").is_blind


def test_marks_come_back_with_the_group_that_is_taken_back(ward: Ward, entries: list[str]) -> None:
    confirmed(ward, group_of(ward), entries[1], entries[7])
    with ward.store.begin() as conn:
        assert work(BatchReview, conn, EVA, later(2)).undo() == len(entries)
    again = group_of(ward, minutes=3)
    assert marked(again) == {entries[1], entries[7]}
    assert confirmed(ward, again, minutes=4) == BatchResult(confirmed=13, marked_odd=2)


def test_the_mark_in_the_group_that_one_stood_in_comes_back_too(
    ward: Ward, entries: list[str]
) -> None:
    group = group_of(ward)
    mark(ward, group, entries[4])
    with ward.store.begin() as conn:
        work(BatchReview, conn, EVA, later(2)).release(group.id)
    assert marked(group_of(ward, NILS, minutes=3)) == {entries[4]}


@pytest.mark.parametrize("is_left_alone", [False, True])
def test_a_marked_piece_is_asked_for_on_its_sheet_though_the_group_was_never_confirmed(
    ward: Ward, entries: list[str], *, is_left_alone: bool
) -> None:
    group = group_of(ward)
    mark(ward, group, entries[1], entries[4])
    mark(ward, group, entries[1], is_odd=False)
    if not is_left_alone:
        with ward.store.begin() as conn:
            work(BatchReview, conn, EVA, later(2)).release(group.id)
    assert [is_typed_blind(ward, entry) for entry in entries[:5]] == [False] * 4 + [True]


def test_a_mark_that_is_taken_away_after_undo_confirms_the_piece(
    ward: Ward, entries: list[str]
) -> None:
    confirmed(ward, group_of(ward), entries[1])
    with ward.store.begin() as conn:
        work(BatchReview, conn, EVA, later(2)).undo()
    again = group_of(ward, minutes=3)
    mark(ward, again, entries[1], is_odd=False, minutes=4)
    assert confirmed(ward, again, minutes=5) == BatchResult(confirmed=15)
    assert not is_typed_blind(ward, entries[1])


def test_a_mark_does_not_follow_to_another_reading(ward: Ward, entries: list[str]) -> None:
    """It was no cross to the one who marked it: that it is read as empty is another question."""
    group = group_of(ward)
    mark(ward, group, entries[0])
    with ward.store.begin() as conn:
        work(BatchReview, conn, EVA, later(2)).release(group.id)
        conn.execute(
            update(paper.reading)
            .where(paper.reading.c.field == "rad01.mat")
            .values(value=False, state=State.EMPTY.value)
        )
    group = group_of(ward, minutes=3, least=1)
    if entries[0] not in {cell.entry for cell in group.items}:
        confirmed(ward, group, minutes=4)
        group = group_of(ward, minutes=5, least=1)
    assert entries[0] in {cell.entry for cell in group.items}
    assert marked(group) == set()


def test_a_decision_taken_back_keeps_what_the_group_said(ward: Ward, entries: list[str]) -> None:
    confirmed(ward, group_of(ward))
    decide(ward, entries[0])
    with ward.store.begin() as conn:
        work(Corrections, conn, EVA, later(3)).undo(
            [(entries[0], load_entry(conn, entries[0]).revision)]
        )
        assert "rad01.mat" not in list_answer_drafts(conn, entries[0], EVA.login)
        assert next(
            field
            for field in load_entry_view(conn, FORMS, EVA, entries[0]).fields
            if field.spec.column == "mat"
        ).is_batch_confirmed
    assert decide(ward, entries[0], minutes=4) is EntryState.CONFIRMED


def test_a_correction_outlives_what_the_group_said(ward: Ward, entries: list[str]) -> None:
    confirmed(ward, group_of(ward))
    decide(ward, entries[0])
    did_not_eat = Answer(None, State.EMPTY)
    with ward.store.begin() as conn:
        work(Corrections, conn, NILS, later(3)).correct(
            entries[0], 1, {"rad01.mat": did_not_eat}, "åt inte"
        )
        reopen_sheet(conn, "AAA0")
        field = next(
            field
            for field in load_entry_view(conn, FORMS, NILS, entries[0]).fields
            if field.spec.column == "mat"
        )
        assert (field.is_batch_confirmed, field.draft) == (False, Answer(False, State.EMPTY))
    decide(ward, entries[0], NILS, 4, mat=did_not_eat)
    with ward.store.read() as conn:
        assert decided_answers(conn, entries[0])["rad01.mat"].answer == Answer(False, State.EMPTY)


def test_a_scan_of_which_a_group_has_seen_pieces_stays_the_original(ward: Ward) -> None:
    early = ward.scan()
    for number in range(5):
        visits(ward, f"AAA{number}", ATE)
    confirmed(ward, group_of(ward))
    ward.read(
        early,
        page_reading(VISITS, "AAA0", {"datum": DAY, "rad01.pnr": ASTA.pid, "rad01.mat": True}),
    )
    with ward.store.read() as conn:
        found = pages.load_page(conn, early)
    assert (found.state, found.duplicate_of is None) == ("read", False)


def test_another_reading_of_the_field_is_looked_at_again(ward: Ward, entries: list[str]) -> None:
    confirmed(ward, group_of(ward))
    with ward.store.begin() as conn:
        new = update(paper.reading).where(paper.reading.c.field == "rad01.mat")
        conn.execute(new.values(value=False, state=State.EMPTY.value))
        reopen_sheet(conn, "AAA0")
        assert not next(
            field
            for field in load_entry_view(conn, FORMS, EVA, entries[0]).fields
            if field.spec.column == "mat"
        ).is_batch_confirmed


def test_nothing_is_given_of_other_units_areas_and_blocked_clients(
    ward: Ward, entries: list[str]
) -> None:
    assert entries
    assert offered(ward, SOFIA) is None
    assert offered(ward, replace(EVA, areas=frozenset({"IFO"}))) is None
    with ward.store.begin() as conn:
        blocks.set_block(conn, ADMIN, SOUTH, ASTA.pid, "Ett skäl.", NOW)
    assert offered(ward) is None


def test_a_block_that_comes_meanwhile_takes_the_pieces_away(ward: Ward, entries: list[str]) -> None:
    assert entries
    group = group_of(ward)
    with ward.store.begin() as conn:
        blocks.set_block(conn, ADMIN, SOUTH, ASTA.pid, "Ett skäl.", NOW)
    assert offered(ward, minutes=0.5) is None
    with pytest.raises(StaleDecisionError):
        confirmed(ward, group)


def test_a_group_of_which_nothing_may_be_seen_is_refused(ward: Ward, entries: list[str]) -> None:
    assert entries
    group = group_of(ward)
    with ward.store.begin() as conn:
        blocks.set_block(conn, ADMIN, SOUTH, ASTA.pid, "Ett skäl.", NOW)
    with pytest.raises(NotAllowedError):
        confirmed(ward, group)


def test_hidden_identities_are_not_grouped(ward: Ward, entries: list[str]) -> None:
    assert entries
    with ward.store.begin() as conn:
        client_register.save_clients(conn, [Client(ASTA.pid, ASTA.name, SOUTH, protected=True)])
    assert offered(ward) is None


def test_who_does_not_review_is_refused(ward: Ward) -> None:
    with pytest.raises(NotAllowedError):
        offered(ward, CHIEF)


def test_the_manager_switches_the_way_off_and_on(ward: Ward, entries: list[str]) -> None:
    assert entries
    with ward.store.begin() as conn:
        set_batch_review(conn, CHIEF, NORTH, NOW, on=False)
        assert batch_review_by_unit(conn, CHIEF) == {NORTH: False}
    assert offered(ward) is None
    with ward.store.begin() as conn:
        set_batch_review(conn, CHIEF, NORTH, NOW, on=True)
        assert batch_review_by_unit(conn, CHIEF) == {NORTH: True}
        with pytest.raises(NotAllowedError):
            set_batch_review(conn, CHIEF, SOUTH, NOW, on=False)
    assert offered(ward) is not None


def test_every_piece_leaves_an_event_and_no_value(ward: Ward, entries: list[str]) -> None:
    confirmed(ward, group_of(ward), entries[1])
    with ward.store.read() as conn:
        events = conn.execute(
            select(paper.event).where(paper.event.c.action == "group").order_by(paper.event.c.id)
        ).all()
        assert ASTA.pid not in whole_log(conn)
    assert {event.subject for event in events} == set(entries)
    assert events[1].detail == {"field": "rad02.mat", "outcome": "odd"}
    assert {event.unit for event in events} == {NORTH}


class TestPlants:
    """An empty box shown among the crosses, because the lots say so."""

    @pytest.fixture
    def drawn(self, ward: Ward, entries: list[str]) -> str:
        """The entry whose box is shown in the wrong group."""
        assert entries
        return visits(ward, "PPP0", (False,))[0]

    def group(self, ward: Ward, drawn: str) -> ReviewBatch:
        with patch(
            "pipeline.review.seeded_errors.is_drawn",
            lambda _key, _share, _what, entry_id, _field: entry_id == drawn,
        ):
            return group_of(ward, share=0.5)

    def outcome(self, ward: Ward) -> str | None:
        with ward.store.read() as conn:
            found: str | None = conn.execute(select(plant.c.outcome)).scalar_one()
        return found

    def test_it_stands_in_the_group_and_in_no_answer(self, ward: Ward, drawn: str) -> None:
        group = self.group(ward, drawn)
        assert drawn in {cell.entry for cell in group.items}
        assert self.group(ward, drawn).id == group.id
        assert self.outcome(ward) is None

    def test_whoever_marks_it_has_caught_it(self, ward: Ward, drawn: str) -> None:
        assert confirmed(ward, self.group(ward, drawn), drawn) == BatchResult(
            confirmed=15, marked_odd=1
        )
        assert self.outcome(ward) == checked_work.OUTCOME_CAUGHT

    def test_whoever_does_not_has_missed_it_and_the_field_is_typed(
        self, ward: Ward, drawn: str
    ) -> None:
        done = confirmed(ward, self.group(ward, drawn))
        assert (done.confirmed, done.marked_odd) == (15, 1)
        assert [cell.entry for cell in done.missed] == [drawn]
        assert self.outcome(ward) == checked_work.OUTCOME_MISSED
        with ward.store.begin() as conn:
            assert next(
                field
                for field in load_entry_view(conn, FORMS, EVA, drawn).fields
                if field.spec.column == "mat"
            ).is_blind

    def test_who_then_types_what_was_planted_needs_another_person(
        self, ward: Ward, drawn: str
    ) -> None:
        confirmed(ward, self.group(ward, drawn))
        assert decide(ward, drawn, mat=Answer(True)) is EntryState.SECOND

    def test_it_is_withdrawn_when_somebody_else_decides_the_entry(
        self, ward: Ward, drawn: str
    ) -> None:
        group = self.group(ward, drawn)
        decide(ward, drawn, NILS, minutes=0.5, mat=Answer(None, State.EMPTY))
        assert self.outcome(ward) == checked_work.OUTCOME_WITHDRAWN
        assert confirmed(ward, group).missed == ()

    def test_it_is_judged_on_the_sheet_if_the_same_person_goes_there_first(
        self, ward: Ward, drawn: str
    ) -> None:
        self.group(ward, drawn)
        with ward.store.begin() as conn:
            view = with_seeded_error(
                conn,
                EVA,
                queue.open_claimed_entry(conn, FORMS, EVA, drawn, queue.ClaimTerms(later(0.5))),
                0.0,
                later(0.5),
            )
            shown = next(field for field in view.fields if field.spec.column == "mat").reading
        assert shown is not None
        assert shown.value is True
        assert decide(ward, drawn, minutes=0.6, mat=Answer(True)) is EntryState.REVIEW
        assert self.outcome(ward) == checked_work.OUTCOME_MISSED

    def test_nothing_more_is_planted_in_an_entry_that_had_its_plant(
        self, ward: Ward, drawn: str
    ) -> None:
        confirmed(ward, self.group(ward, drawn))
        with ward.store.begin() as conn:
            work(BatchReview, conn, EVA, later(2)).undo()
        assert drawn not in {cell.entry for cell in self.group(ward, drawn).items}


def test_confirmed_fields_are_typed_again_by_neither_of_the_two(
    ward: Ward, entries: list[str]
) -> None:
    confirmed(ward, group_of(ward))
    with ward.store.begin() as conn:
        drawing = conn.execution_options(**{REKEYING_SHARE_OPTION: 1.0})
        found = queue.open_claimed_entry(
            drawing, FORMS, NILS, entries[0], queue.ClaimTerms(later(2))
        ).entry
        decisions.decide_entry(
            drawing, FORMS, NILS, decisions.Decision(found.id, found.revision, sheet(1)), later(2)
        )
        assert "rad01.mat" in set(conn.execute(select(control.c.field)).scalars())
    with ward.store.begin() as conn:
        assert claim_next_rekeying(conn, FORMS, EVA, later(3), 15) is None
        assert claim_next_rekeying(conn, FORMS, NILS, later(3), 15) is None
        assert last_said(conn, load_entry(conn, entries[0]), "rad01.mat")[1] == EVA.login
        assert last_said(conn, load_entry(conn, entries[0]), "rad01.pnr")[1] == NILS.login


def test_an_answer_that_does_not_fit_is_still_refused(ward: Ward, entries: list[str]) -> None:
    confirmed(ward, group_of(ward))
    with pytest.raises(InvalidAnswerError):
        decide(ward, entries[0], tid=Answer("99:99"))
