"""Pages, sheets, duplicates and where each page is."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import select

from pipeline.domain.errors import NotAllowedError, ReviewError, StoreError
from pipeline.domain.model import Outcome, PageReading
from pipeline.review.rejections import Rejection, reject_entry
from pipeline.store.database.store import Store
from pipeline.store.entries import sheet_entries as sheets
from pipeline.store.paper import page_lists, pages
from pipeline.store.paper.pages import NewPage, list_sheet_pages, missing_pages_by_sheet
from pipeline.store.schema import paper
from tests.support.store.ward import (
    ADMIN,
    ASTA,
    BROR,
    CHIEF,
    EVA,
    FORMS,
    NOTE,
    NOW,
    PLAN,
    SAID,
    SOUTH,
    VISITS,
    Ward,
    page_reading,
)
from tests.unit.store.paper.page_steps import (
    BLANK,
    FOREIGN,
    NORTHERN,
    SOUTHERN,
    decide_all,
    entries,
    page,
    status,
)

pytest_plugins = ("tests.support.store.databases",)


@pytest.fixture
def ward(store: Store) -> Ward:
    """The test organisation."""
    return Ward(store).begin()


def test_a_position_is_taken_in_once(ward: Ward) -> None:
    new = NewPage(ward.batch, 1, "a.pdf", 1, None, "0" * 64, "image/png")
    with ward.store.begin() as conn:
        first = pages.add_page(conn, new, "admin")
        second = pages.add_page(conn, replace(new, image_sha256="1" * 64), "admin")
    assert first == second == f"{ward.batch}-00001"
    assert page(ward, first).image_sha256 == "0" * 64
    assert status(ward) == {"in": 1, "done": 0, "waiting": 1, "failed": 0}


def test_a_page_needs_its_batch(ward: Ward) -> None:
    with pytest.raises(StoreError), ward.store.begin() as conn:
        pages.add_page(conn, NewPage("nothing", 1, "a.pdf", 1, None, None, None), "admin")


def test_a_page_that_cannot_be_taken_in_is_kept_as_failed(ward: Ward) -> None:
    with ward.store.begin() as conn:
        page_id = pages.add_page(
            conn, NewPage(ward.batch, 1, "a.pdf", 1, None, None, None, "broken_file"), "admin"
        )
        page_lists.requeue_page(conn, ADMIN, page_id)
        assert pages.list_queued_pages(conn) == []
    assert page(ward, page_id).reason == "broken_file"
    assert status(ward)["failed"] == 1


def test_pages_are_queued_in_their_order(ward: Ward) -> None:
    ids = [ward.scan() for _ in range(3)]
    with ward.store.read() as conn:
        assert pages.list_queued_pages(conn) == ids
        assert pages.list_queued_pages(conn, 2) == ids[:2]


def test_all_failed_pages_of_a_unit_can_be_read_again_at_once(ward: Ward) -> None:
    failing = [ward.scan() for _ in range(3)]
    with ward.store.begin() as conn:
        new = NewPage(ward.batch, 9, "a.pdf", 1, None, None, None, "broken_file")
        pages.add_page(conn, new, "admin")
        for page_id in failing:
            pages.mark_page_failed(conn, page_id, "not_read")
    with pytest.raises(NotAllowedError), ward.store.begin() as conn:
        page_lists.requeue_failed_pages(conn, EVA)
    with ward.store.begin() as conn:
        assert page_lists.requeue_failed_pages(conn, ADMIN, SOUTH) == 0
        assert page_lists.requeue_failed_pages(conn, ADMIN) == 3
        assert pages.list_queued_pages(conn) == failing
    assert status(ward)["failed"] == 1, "there is nothing to read without an image"


def test_a_failed_page_can_be_read_again(ward: Ward) -> None:
    page_id = ward.scan()
    with ward.store.begin() as conn:
        pages.mark_page_failed(conn, page_id, "not_read")
    assert status(ward)["failed"] == 1
    ward.read(page_id, BLANK)
    assert page(ward, page_id).state == "failed"
    with pytest.raises(NotAllowedError), ward.store.begin() as conn:
        page_lists.requeue_page(conn, EVA, page_id)
    with ward.store.begin() as conn:
        page_lists.requeue_page(conn, ADMIN, page_id)
    ward.read(page_id, BLANK)
    with ward.store.begin() as conn:
        pages.mark_page_failed(conn, page_id, "too late")
    assert page(ward, page_id).state == "read"
    assert status(ward) == {"in": 1, "done": 1, "waiting": 0, "failed": 0}


def test_a_reading_that_failed_makes_the_page_fail(ward: Ward) -> None:
    page_id = ward.scan()
    ward.read(page_id, PageReading(Outcome.FAILED, issues=("broken_page",)))
    assert (page(ward, page_id).state, page(ward, page_id).reason) == ("failed", "broken_page")


def test_a_reading_is_kept_once_and_comes_back_as_it_was(ward: Ward) -> None:
    page_id = ward.scan()
    reading = page_reading(NOTE, "AAAA", SAID)
    ward.read(page_id, reading)
    ward.read(page_id, FOREIGN)
    with ward.store.read() as conn:
        assert pages.load_page_reading(conn, page_id) == reading.fields
    assert page(ward, page_id).outcome is Outcome.READ
    assert [entry.id for entry in entries(ward, "AAAA")] == ["AAAA-00"]


@pytest.mark.parametrize("order", [(1, 2), (2, 1)])
def test_pages_of_a_sheet_meet_in_one_entry_in_any_order(
    ward: Ward, order: tuple[int, int]
) -> None:
    said = {1: SAID, 2: PLAN}
    for number, missing in zip(order, [(order[1],), ()], strict=True):
        ward.read(ward.scan(), page_reading(NOTE, "AAAA", said[number], number))
        with ward.store.read() as conn:
            assert missing_pages_by_sheet(conn, ["AAAA"]) == {"AAAA": missing}
            assert [
                sheet.missing_pages for sheet in page_lists.list_incomplete_sheets(conn, NORTHERN)
            ] == ([missing] if missing else [])
    assert [entry.id for entry in entries(ward, "AAAA")] == ["AAAA-00"]
    assert status(ward)["waiting"] == 2
    decide_all(ward, "AAAA")
    assert status(ward)["done"] == 2


def test_only_written_rows_become_entries(ward: Ward) -> None:
    page_id = ward.scan()
    ward.read(
        page_id,
        page_reading(
            VISITS, "BBBB", {"datum": "2026-02-17", "rad01.pnr": ASTA.pid, "rad03.tid": "10:00"}
        ),
    )
    assert [(entry.id, entry.row, entry.criticality) for entry in entries(ward, "BBBB")] == [
        ("BBBB-01", 1, "B"),
        ("BBBB-03", 3, "B"),
    ]
    with ward.store.begin() as conn:
        assert sheets.add_row(conn, EVA, page_id, 2, FORMS) == "BBBB-02"
        with pytest.raises(ReviewError):
            sheets.add_row(conn, EVA, page_id, 4, FORMS)
    assert len(entries(ward, "BBBB")) == 3


def test_an_empty_sheet_waits_until_a_person_has_looked(ward: Ward) -> None:
    page_id = ward.scan()
    ward.read(page_id, page_reading(VISITS, "BBBB", {"datum": "2026-02-17"}))
    assert status(ward)["waiting"] == 1
    with ward.store.begin() as conn:
        assert [p.id for p in page_lists.list_problem_pages(conn, NORTHERN)] == [page_id]
        assert page_lists.list_problem_pages(conn, SOUTHERN) == []
        sheets.confirm_empty_sheet(conn, ADMIN, page_id)
        with pytest.raises(ReviewError):
            sheets.confirm_empty_sheet(conn, ADMIN, page_id)
        assert page_lists.list_problem_pages(conn, ADMIN) == []
    assert status(ward)["done"] == 1
    with ward.store.begin() as conn:
        sheets.add_row(conn, EVA, page_id, 1, FORMS)
    assert status(ward)["waiting"] == 1


def test_the_same_bytes_are_settled_at_once(ward: Ward) -> None:
    first, second = ward.scan(b"same"), ward.scan(b"same")
    ward.read(second, page_reading(NOTE, "AAAA", SAID))
    ward.read(first, page_reading(NOTE, "AAAA", SAID))
    assert page(ward, second).duplicate_of == first
    assert page(ward, second).settled
    assert page(ward, first).duplicate_of is None
    assert [entry.page for entry in entries(ward, "AAAA")] == [first]
    assert status(ward) == {"in": 2, "done": 1, "waiting": 1, "failed": 0}
    with ward.store.read() as conn:
        assert conn.execute(
            select(paper.page.c.id).where(paper.page.c.duplicate_of == first)
        ).scalars().all() == [second]
        assert [p.id for p in page_lists.list_repeated_pages(conn, NORTHERN)] == [second]


def test_equal_blank_backs_are_no_duplicates(ward: Ward) -> None:
    ids = [ward.scan(b"white") for _ in range(2)]
    for page_id in ids:
        ward.read(page_id, BLANK)
    assert [page(ward, page_id).duplicate_of for page_id in ids] == [None, None]
    assert status(ward)["done"] == 2
    with ward.store.read() as conn:
        assert len(page_lists.list_blank_pages(conn, NORTHERN)) == 2


@pytest.mark.parametrize("first_read", [0, 1])
def test_a_second_scan_of_a_serial_waits_and_the_first_scan_is_the_original(
    ward: Ward, first_read: int
) -> None:
    ids = [ward.scan(), ward.scan()]
    for index in (first_read, 1 - first_read):
        ward.read(ids[index], page_reading(VISITS, "BBBB", {"rad01.pnr": ASTA.pid}))
    assert page(ward, ids[1]).duplicate_of == ids[0]
    assert [(entry.id, entry.page) for entry in entries(ward, "BBBB")] == [("BBBB-01", ids[0])]
    decide_all(ward, "BBBB")
    assert status(ward) == {"in": 2, "done": 1, "waiting": 1, "failed": 0}
    with ward.store.begin() as conn:
        assert [p.id for p in page_lists.list_problem_pages(conn, ADMIN)] == [ids[1]]
        with pytest.raises(NotAllowedError):
            sheets.settle_duplicate(conn, CHIEF, ids[1], FORMS, same=True)
        sheets.settle_duplicate(conn, ADMIN, ids[1], FORMS, same=True)
        with pytest.raises(ReviewError):
            sheets.settle_duplicate(conn, ADMIN, ids[1], FORMS, same=False)
    assert status(ward)["done"] == 2


def test_work_begun_on_a_scan_keeps_it_the_original(ward: Ward) -> None:
    early, late = ward.scan(), ward.scan()
    ward.read(late, page_reading(VISITS, "BBBB", {"rad01.pnr": ASTA.pid}))
    decide_all(ward, "BBBB")
    ward.read(early, page_reading(VISITS, "BBBB", {"rad01.pnr": ASTA.pid}))
    assert page(ward, early).duplicate_of == late


def test_a_copied_form_filled_in_by_itself_gets_entries_of_its_own(ward: Ward) -> None:
    first, copy = ward.scan(), ward.scan()
    ward.read(first, page_reading(VISITS, "BBBB", {"rad01.pnr": ASTA.pid}))
    ward.read(copy, page_reading(VISITS, "BBBB", {"rad01.pnr": BROR.pid}))
    with ward.store.begin() as conn:
        sheets.settle_duplicate(conn, ADMIN, copy, FORMS, same=False)
    assert [(entry.id, entry.serial) for entry in entries(ward, copy)] == [(f"{copy}-01", "BBBB")]
    assert status(ward)["waiting"] == 2
    decide_all(ward, copy)
    assert status(ward) == {"in": 2, "done": 1, "waiting": 1, "failed": 0}


@pytest.mark.parametrize("told_apart", [True, False])
def test_the_back_of_a_copy_is_not_laid_to_the_sheet_that_was_copied(
    ward: Ward, told_apart: bool
) -> None:
    front, copy, back = (ward.scan() for _ in range(3))
    ward.read(front, page_reading(NOTE, "AAAA", SAID))
    ward.read(copy, page_reading(NOTE, "AAAA", {**SAID, "pnr": BROR.pid, "namn": BROR.name}))
    if told_apart:
        with ward.store.begin() as conn:
            sheets.settle_duplicate(conn, ADMIN, copy, FORMS, same=False)
    ward.read(back, page_reading(NOTE, "AAAA", PLAN, 2))
    with ward.store.read() as conn:
        assert [one.id for one in list_sheet_pages(conn, "AAAA")] == [front]
    assert page(ward, back).sheet == back


def test_a_back_that_stood_apart_is_laid_to_its_sheet_once_the_front_is_known_as_scanned_twice(
    ward: Ward,
) -> None:
    front, again, back, back_again = (ward.scan() for _ in range(4))
    for page_id in (front, again):
        ward.read(page_id, page_reading(NOTE, "AAAA", SAID))
    for page_id in (back, back_again):
        ward.read(page_id, page_reading(NOTE, "AAAA", PLAN, 2))
    with ward.store.begin() as conn:
        sheets.settle_duplicate(conn, ADMIN, again, FORMS, same=True)
        assert [one.id for one in list_sheet_pages(conn, "AAAA")] == [front, back]
    assert page(ward, back_again).duplicate_of == back
    assert [
        (entry.id, entry.page)
        for one in (front, back, back_again, "AAAA")
        for entry in entries(ward, one)
    ] == [("AAAA-00", front)]


def test_a_back_that_stood_apart_and_was_begun_stays_apart(ward: Ward) -> None:
    front, again, back = (ward.scan() for _ in range(3))
    for page_id in (front, again):
        ward.read(page_id, page_reading(NOTE, "AAAA", SAID))
    ward.read(back, page_reading(NOTE, "AAAA", PLAN, 2))
    with ward.store.begin() as conn:
        reject_entry(conn, EVA, Rejection(f"{back}-00", 0, "oläsligt"), NOW)
        sheets.settle_duplicate(conn, ADMIN, again, FORMS, same=True)
    assert page(ward, back).sheet == back
