"""A form of two pages that a person has photocopied and filled in: two papers with one serial."""

from __future__ import annotations

import pytest
from sqlalchemy import select, update

from pipeline.domain.errors import ReviewError
from pipeline.domain.model import EntryState, Outcome, PageReading, SheetCode
from pipeline.review import decisions, rejections
from pipeline.review.corrections import Corrections
from pipeline.store.database.store import Store
from pipeline.store.entries import photocopies, queue
from pipeline.store.entries import sheet_entries as sheets
from pipeline.store.entries.entry import list_sheet_entries, load_entry
from pipeline.store.event_log.events import list_events
from pipeline.store.paper import page_lists, pages
from pipeline.store.paper.pages import missing_pages_by_sheet
from pipeline.store.schema import paper
from tests.support.store.counted_statements import statements
from tests.support.store.ward import (
    ADMIN,
    EVA,
    FORMS,
    NOTE,
    NOW,
    PLAN,
    SAID,
    Ward,
    answers,
    page_reading,
)
from tests.support.store.work import work

pytest_plugins = ("tests.support.store.databases",)

OTHER = {**SAID, "text": "Ont i ryggen."}
OTHER_PLAN = {"plan": "Ring dottern."}


@pytest.fixture
def ward(store: Store) -> Ward:
    """The test organisation."""
    return Ward(store).begin()


def read(ward: Ward, *sides: int) -> list[str]:
    """Sides come in as they lie in the stack, of each the original first; what is a second scan is
    said to be of another paper.
    """
    said = {1: [SAID, OTHER], 2: [PLAN, OTHER_PLAN]}
    came = [ward.scan() for _ in sides]
    for page_id, side in zip(came, sides, strict=True):
        ward.read(page_id, page_reading(NOTE, "AAAA", said[side].pop(0), side))
    for page_id in came:
        with ward.store.begin() as conn:
            if pages.load_page(conn, page_id).sheet is None:
                sheets.settle_duplicate(conn, ADMIN, page_id, FORMS, same=False)
    return came


@pytest.mark.parametrize("order", [(1, 2, 1, 2), (1, 1, 2, 2)])
def test_a_half_whose_other_half_nobody_has_found_can_be_decided(
    ward: Ward, order: tuple[int, ...]
) -> None:
    for page_id in read(ward, *order):
        with ward.store.begin() as conn:
            view = queue.open_claimed_entry(
                conn,
                FORMS,
                EVA,
                f"{pages.load_page(conn, page_id).sheet}-00",
                queue.ClaimTerms(NOW),
            )
            if view.entry.state is not EntryState.REVIEW:
                continue
            there = {one.page_no for one in view.pages}
            assert view.missing_pages == tuple(sorted({1, 2} - there))
            given = {field.spec.name for field in view.fields if field.is_open}
            kept = {name: one for name, one in answers({**SAID, **PLAN}).items() if name in given}
            decisions.decide_entry(
                conn, FORMS, EVA, decisions.Decision(view.entry.id, view.entry.revision, kept), NOW
            )
            assert load_entry(conn, view.entry.id).state is not EntryState.REVIEW


def test_sides_that_are_done_with_hide_no_others(ward: Ward) -> None:
    done, left = sorted(read(ward, 1, 1, 2, 2)[2:])
    with ward.store.begin() as conn:
        conn.execute(update(paper.entry).where(paper.entry.c.sheet == done).values(revision=1))
        assert [one.page.id for one in photocopies.list_separated_sides(conn, ADMIN, limit=1)] == [
            left
        ]


def test_the_sides_of_each_paper_are_entered_together_once_a_person_has_told_which_they_are(
    ward: Ward,
) -> None:
    front, other, back, others_back = read(ward, 1, 1, 2, 2)
    with ward.store.begin() as conn:
        found = {
            one.page.id: [each.id for each in one.fronts]
            for one in photocopies.list_separated_sides(conn, ADMIN)
        }
        assert found == {back: [front, other], others_back: [front, other]}
        photocopies.assign_side(conn, ADMIN, others_back, other, FORMS)
        assert [
            (one.page.id, [each.id for each in one.fronts])
            for one in photocopies.list_separated_sides(conn, ADMIN)
        ] == [(back, [front])]
        photocopies.assign_side(conn, ADMIN, back, front, FORMS)
        assert photocopies.list_separated_sides(conn, ADMIN) == []
        assert page_lists.list_incomplete_sheets(conn, ADMIN) == []
    for sheet, said in (("AAAA", {**SAID, **PLAN}), (other, {**OTHER, **OTHER_PLAN})):
        with ward.store.begin() as conn:
            assert [one.id for one in list_sheet_entries(conn, sheet)] == [f"{sheet}-00"]
            view = queue.open_claimed_entry(conn, FORMS, EVA, f"{sheet}-00", queue.ClaimTerms(NOW))
            assert (view.missing_pages, [one.page_no for one in view.pages]) == ((), [1, 2])
            assert (
                decisions.decide_entry(
                    conn,
                    FORMS,
                    EVA,
                    decisions.Decision(view.entry.id, view.entry.revision, answers(said)),
                    NOW,
                )
                is EntryState.CONFIRMED
            )
    with ward.store.read() as conn:
        assert len(conn.execute(select(paper.entry)).all()) == 2
        assert [event.action for event in list_events(conn, back)][-1] == "lay_to"


def test_a_side_of_a_copy_whose_front_never_came_is_told_of(ward: Ward) -> None:
    """It stood by itself as an entry of its own, and in no list."""
    _, _, alone = read(ward, 1, 2, 2)
    with ward.store.begin() as conn:
        assert photocopies.list_separated_sides(conn, ADMIN) == []
        (found,) = page_lists.list_incomplete_sheets(conn, ADMIN)
    assert (found.sheet, found.serial, found.missing_pages, [one.id for one in found.pages]) == (
        alone,
        "AAAA",
        (1,),
        [alone],
    )


def test_many_sides_are_listed_with_no_question_for_each(ward: Ward) -> None:
    asked = []
    for serial in ("AAAA", "BBBB", "CCCC"):
        came = [ward.scan() for _ in range(4)]
        for page_id, side in zip(came, (1, 1, 2, 2), strict=True):
            ward.read(page_id, page_reading(NOTE, serial, SAID if side == 1 else PLAN, side))
        with ward.store.begin() as conn:
            for page_id in (one for one in came if pages.load_page(conn, one).sheet is None):
                sheets.settle_duplicate(conn, ADMIN, page_id, FORMS, same=False)
        with ward.store.read() as conn, statements(ward.store) as said_to_store:
            photocopies.list_separated_sides(conn, ADMIN)
        asked.append(len(said_to_store))
    assert len(set(asked)) == 1


def test_in_the_order_of_the_stack_only_the_sides_of_the_copy_are_asked_about(ward: Ward) -> None:
    _, _, front, back = read(ward, 1, 2, 1, 2)
    with ward.store.begin() as conn:
        assert [
            (one.page.id, [each.id for each in one.fronts])
            for one in photocopies.list_separated_sides(conn, ADMIN)
        ] == [(back, [front])]


def test_what_was_decided_without_its_back_is_reviewed_with_it(ward: Ward) -> None:
    front, _, back, _ = read(ward, 1, 1, 2, 2)
    with ward.store.begin() as conn:
        assert (
            decisions.decide_entry(
                conn, FORMS, EVA, decisions.Decision("AAAA-00", 0, answers(SAID)), NOW
            )
            is EntryState.CONFIRMED
        )
        photocopies.assign_side(conn, ADMIN, back, front, FORMS)
        assert load_entry(conn, "AAAA-00").state is EntryState.REVIEW


def test_a_side_is_laid_once_and_not_while_somebody_enters_it_or_to_what_is_void(
    ward: Ward,
) -> None:
    front, other, back, others_back = read(ward, 1, 1, 2, 2)
    with ward.store.begin() as conn:
        photocopies.assign_side(conn, ADMIN, back, front, FORMS)
    for side, to in (
        (back, other),
        (others_back, front),
        (other, front),
        (others_back, others_back),
    ):
        with pytest.raises(ReviewError), ward.store.begin() as conn:
            photocopies.assign_side(conn, ADMIN, side, to, FORMS)
    with ward.store.begin() as conn:
        queue.open_claimed_entry(conn, FORMS, EVA, f"{others_back}-00", queue.ClaimTerms(NOW))
        assert photocopies.list_separated_sides(conn, ADMIN) == []
    with pytest.raises(ReviewError), ward.store.begin() as conn:
        photocopies.assign_side(conn, ADMIN, others_back, other, FORMS)
    with ward.store.begin() as conn:
        queue.release_claim(conn, EVA, f"{others_back}-00")
        assert len(photocopies.list_separated_sides(conn, ADMIN)) == 1
        rejections.reject_entry(conn, EVA, rejections.Rejection(f"{other}-00", 0, "oläsligt"), NOW)
        work(Corrections, conn, EVA).void(f"{other}-00", 1, "Skrivet i journalen.")
        assert photocopies.list_separated_sides(conn, ADMIN) == []


def test_a_page_of_a_form_that_nobody_knows_misses_none(ward: Ward) -> None:
    page_id = ward.scan()
    ward.read(
        page_id,
        PageReading(
            Outcome.UNIDENTIFIED, SheetCode("okänd", 1, 2, 3, "BBBB"), issues=("unknown_form",)
        ),
    )
    with ward.store.read() as conn:
        assert missing_pages_by_sheet(conn, [page_id]) == {page_id: ()}


def test_a_side_that_was_laid_to_the_wrong_paper_is_taken_off_and_asked_about_again(
    ward: Ward,
) -> None:
    front, other, back, others_back = read(ward, 1, 1, 2, 2)
    with ward.store.begin() as conn:
        assert photocopies.list_assigned_sides(conn, ADMIN) == []
        before = photocopies.list_separated_sides(conn, ADMIN)
        photocopies.assign_side(conn, ADMIN, back, other, FORMS)
    with ward.store.begin() as conn:
        assert [
            (one.page.id, [each.id for each in one.fronts])
            for one in photocopies.list_assigned_sides(conn, ADMIN)
        ] == [(back, [other])]
        photocopies.unassign_side(conn, ADMIN, back, FORMS)
    with ward.store.begin() as conn:
        assert photocopies.list_assigned_sides(conn, ADMIN) == []
        assert photocopies.list_separated_sides(conn, ADMIN) == before
        assert [event.action for event in list_events(conn, back)][-2:] == ["lay_to", "take_off"]
        assert [one.id for one in list_sheet_entries(conn, other)] == [f"{other}-00"]
        photocopies.assign_side(conn, ADMIN, back, front, FORMS)
        photocopies.assign_side(conn, ADMIN, others_back, other, FORMS)
    with ward.store.begin() as conn:
        for sheet in ("AAAA", other):
            assert [one.id for one in list_sheet_entries(conn, sheet)] == [f"{sheet}-00"]
        queue.open_claimed_entry(conn, FORMS, EVA, "AAAA-00", queue.ClaimTerms(NOW))
        assert [one.page.id for one in photocopies.list_assigned_sides(conn, ADMIN)] == [
            others_back
        ]
    for side in (back, other, front):
        with pytest.raises(ReviewError), ward.store.begin() as conn:
            photocopies.unassign_side(conn, ADMIN, side, FORMS)
