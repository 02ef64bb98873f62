"""Pages, sheets, duplicates and where each page stands."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select

from pipeline.domain.errors import NotAllowedError, ReviewError, StoreError
from pipeline.domain.model import EntryState, IssuedSheet, Outcome, PageReading, SheetCode
from pipeline.store.database.clock import utc_now
from pipeline.store.database.store import Store
from pipeline.store.entries.entry import Entry, list_sheet_entries
from pipeline.store.paper import batches, page_lists, pages, sheets
from pipeline.store.paper.pages import NewPage, Page
from pipeline.store.paper.workers import count_attempt
from pipeline.store.reports.entry_counts import count_open_entries
from pipeline.store.review import corrections
from pipeline.store.review.decisions import decide_entry, reject_entry
from pipeline.store.schema import paper
from tests.support.store.outstanding import list_outstanding
from tests.support.store.ward import (
    ADMIN,
    ASTA,
    BROR,
    CHIEF,
    EVA,
    FORMS,
    NORTH,
    NOTE,
    NOW,
    PLAN,
    SAID,
    SOUTH,
    VISITS,
    Ward,
    answers,
    page_reading,
)

pytest_plugins = ("tests.support.store.databases",)

FOREIGN = PageReading(Outcome.UNIDENTIFIED, issues=("no_code",))
BLANK = PageReading(Outcome.BLANK)
NORTHERN, SOUTHERN = (replace(ADMIN, units=frozenset({unit})) for unit in (NORTH, SOUTH))


@pytest.fixture
def ward(store: Store) -> Ward:
    """The test organisation."""
    return Ward(store).begin()


def status(ward: Ward) -> dict[str, int]:
    """The counts, after checking that they add up."""
    with ward.store.read() as conn:
        found = pages.count_pages_by_state(conn)
    assert found["in"] == found["done"] + found["waiting"] + found["failed"]
    return found


def page(ward: Ward, page_id: str) -> Page:
    """One page."""
    with ward.store.read() as conn:
        return pages.load_page(conn, page_id)


def entries(ward: Ward, sheet: str) -> list[Entry]:
    """The entries of a sheet."""
    with ward.store.read() as conn:
        return list_sheet_entries(conn, sheet)


def decide_all(ward: Ward, sheet: str) -> None:
    """Reject what is open, so that the sheet is done."""
    for entry in entries(ward, sheet):
        with ward.store.begin() as conn:
            reject_entry(conn, EVA, entry.id, entry.revision, "tom rad", NOW)


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
        pages.requeue_page(conn, ADMIN, page_id)
        assert pages.list_queued_pages(conn) == []
    assert page(ward, page_id).reason == "broken_file"
    assert status(ward)["failed"] == 1


def test_pages_are_queued_in_their_order(ward: Ward) -> None:
    ids = [ward.scan() for _ in range(3)]
    with ward.store.read() as conn:
        assert pages.list_queued_pages(conn) == ids
        assert pages.list_queued_pages(conn, 2) == ids[:2]


def test_a_failed_page_can_be_read_again(ward: Ward) -> None:
    page_id = ward.scan()
    with ward.store.begin() as conn:
        pages.mark_page_failed(conn, page_id, "not_read")
    assert status(ward)["failed"] == 1
    ward.read(page_id, BLANK)
    assert page(ward, page_id).state == "failed"
    with pytest.raises(NotAllowedError), ward.store.begin() as conn:
        pages.requeue_page(conn, EVA, page_id)
    with ward.store.begin() as conn:
        pages.requeue_page(conn, ADMIN, page_id)
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
            assert sheets.find_missing_pages(conn, "AAAA") == missing
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
        assert [p.id for p in pages.list_problem_pages(conn, NORTHERN)] == [page_id]
        assert pages.list_problem_pages(conn, SOUTHERN) == []
        sheets.confirm_empty_sheet(conn, ADMIN, page_id)
        with pytest.raises(ReviewError):
            sheets.confirm_empty_sheet(conn, ADMIN, page_id)
        assert pages.list_problem_pages(conn, ADMIN) == []
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
        assert [p.id for p in pages.list_problem_pages(conn, ADMIN)] == [ids[1]]
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
        assert [one.id for one in sheets.list_sheet_pages(conn, "AAAA")] == [front]
    assert page(ward, back).sheet == back


def test_a_back_that_stood_apart_is_laid_to_its_sheet_once_the_front_is_known_to_have_been_scanned_twice(
    ward: Ward,
) -> None:
    front, again, back, back_again = (ward.scan() for _ in range(4))
    for page_id in (front, again):
        ward.read(page_id, page_reading(NOTE, "AAAA", SAID))
    for page_id in (back, back_again):
        ward.read(page_id, page_reading(NOTE, "AAAA", PLAN, 2))
    with ward.store.begin() as conn:
        sheets.settle_duplicate(conn, ADMIN, again, FORMS, same=True)
        assert [one.id for one in sheets.list_sheet_pages(conn, "AAAA")] == [front, back]
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
        reject_entry(conn, EVA, f"{back}-00", 0, "oläsligt", NOW)
        sheets.settle_duplicate(conn, ADMIN, again, FORMS, same=True)
    assert page(ward, back).sheet == back


def test_a_foreign_page_becomes_a_free_note_to_be_keyed(ward: Ward) -> None:
    page_id = ward.scan()
    ward.read(page_id, FOREIGN)
    (entry,) = entries(ward, page_id)
    assert (entry.id, entry.form, entry.unit, entry.serial) == (
        f"{page_id}-00",
        "fri-anteckning",
        NORTH,
        None,
    )
    assert status(ward)["waiting"] == 1


def test_a_code_of_an_unknown_form_becomes_a_free_note(ward: Ward) -> None:
    page_id = ward.scan()
    ward.read(
        page_id,
        PageReading(
            Outcome.UNIDENTIFIED, SheetCode("okänd", 7, 2, 2, "CCCC"), issues=("unknown_form",)
        ),
    )
    (entry,) = entries(ward, page_id)
    assert (entry.form, entry.serial) == ("fri-anteckning", "CCCC")


def test_a_page_that_lies_badly_is_keyed_row_by_row(ward: Ward) -> None:
    page_id = ward.scan()
    code = SheetCode(VISITS.id, 1, 1, 1, "BBBB")
    ward.read(
        page_id,
        PageReading(Outcome.UNIDENTIFIED, code, residual_mm=3.0, issues=("residual_over_gate",)),
    )
    assert [entry.row for entry in entries(ward, "BBBB")] == [1, 2, 3]


def test_pages_of_a_form_printed_elsewhere_have_no_serial_and_are_sheets_by_themselves(
    ward: Ward,
) -> None:
    for page_id in (ward.scan(), ward.scan()):
        ward.read(page_id, page_reading(NOTE, "", SAID))
        (entry,) = entries(ward, page_id)
        assert (entry.id, entry.form, entry.serial) == (f"{page_id}-00", NOTE.id, None)
    assert status(ward)["waiting"] == 2


def test_a_late_page_gives_decided_entries_back(ward: Ward) -> None:
    ward.read(ward.scan(), page_reading(NOTE, "AAAA", SAID))
    with ward.store.begin() as conn:
        assert (
            decide_entry(conn, FORMS, EVA, "AAAA-00", 0, answers(SAID), NOW) is EntryState.CONFIRMED
        )
    assert status(ward)["done"] == 1
    ward.read(ward.scan(), page_reading(NOTE, "AAAA", PLAN, 2))
    (entry,) = entries(ward, "AAAA")
    assert (entry.state, entry.revision, entry.first_by) == (EntryState.REVIEW, 2, None)
    assert status(ward)["waiting"] == 2


def test_an_empty_late_page_changes_nothing(ward: Ward) -> None:
    ward.read(ward.scan(), page_reading(NOTE, "AAAA", SAID))
    with ward.store.begin() as conn:
        decide_entry(conn, FORMS, EVA, "AAAA-00", 0, answers(SAID), NOW)
    ward.read(ward.scan(), page_reading(NOTE, "AAAA", {}, 2))
    assert status(ward) == {"in": 2, "done": 2, "waiting": 0, "failed": 0}


def test_an_issued_sheet_brings_its_unit_and_client(ward: Ward) -> None:
    ward.issue(
        IssuedSheet("AAAA", NOTE.id, 1, SOUTH, ASTA.pid), IssuedSheet("DDDD", NOTE.id, 1, SOUTH)
    )
    page_id = ward.scan()
    ward.read(page_id, page_reading(NOTE, "AAAA", SAID))
    (entry,) = entries(ward, "AAAA")
    assert (entry.unit, entry.client_pid, page(ward, page_id).unit) == (SOUTH, ASTA.pid, SOUTH)
    with ward.store.read() as conn:
        assert [sheet.serial for sheet in list_outstanding(conn)] == ["DDDD"]
        assert list_outstanding(conn, NORTH) == []


@pytest.mark.parametrize("unit", ["", "Enhet som ingen har"])
def test_a_sheet_of_no_known_unit_stays_where_it_was_scanned(ward: Ward, unit: str) -> None:
    ward.issue(IssuedSheet("AAAA", NOTE.id, 1, unit))
    page_id = ward.scan()
    ward.read(page_id, page_reading(NOTE, "AAAA", SAID))
    (entry,) = entries(ward, "AAAA")
    assert (entry.unit, page(ward, page_id).unit) == (NORTH, NORTH)


def test_a_page_that_is_read_again_has_all_its_attempts(ward: Ward) -> None:
    failing = ward.scan()
    with ward.store.begin() as conn:
        assert count_attempt(conn, failing) == 1
        pages.mark_page_failed(conn, failing, "not_read")
        pages.requeue_page(conn, ADMIN, failing)
        assert count_attempt(conn, failing) == 1


def test_batches_count_their_pages(ward: Ward) -> None:
    ward.read(ward.scan(), BLANK)
    ward.read(ward.scan(), page_reading(NOTE, "AAAA", SAID))
    failing = ward.scan()
    ward.scan()
    with ward.store.begin() as conn:
        pages.mark_page_failed(conn, failing, "not_read")
        empty = pages.create_batch(conn, SOUTH, "", "admin")
    with ward.store.read() as conn:
        by_id = {batch.id: batch for batch in pages.list_batches(conn, ADMIN)}
        assert [batch.id for batch in pages.list_batches(conn, SOUTHERN)] == [empty]
        assert [p.position for p in pages.list_batch_pages(conn, ward.batch)] == [1, 2, 3, 4]
        assert pages.count_pages_by_state(conn, [SOUTH])["in"] == 0
    full = by_id[ward.batch]
    assert not full.is_interrupted
    assert (full.pages, full.done, full.waiting, full.failed, full.queued) == (4, 1, 2, 1, 1)
    assert (by_id[empty].pages, by_id[empty].waiting) == (0, 0)


def test_a_stack_that_nothing_has_come_from_for_minutes_was_cut_short(ward: Ward) -> None:
    with ward.store.begin() as conn:
        begun, _ = batches.open_batch(conn, "a" * 64, unit=NORTH, place="", by="admin")

    def cut_short(minutes: float) -> bool:
        with ward.store.read() as conn:
            return {
                one.id: one.is_interrupted
                for one in pages.list_batches(conn, ADMIN, utc_now() + timedelta(minutes=minutes))
            }[begun]

    assert (cut_short(1), cut_short(9)) == (False, True)
    with ward.store.begin() as conn:
        pages.add_page(
            conn,
            pages.NewPage(begun, 1, "a.png", 1, "0" * 64, None, None, "broken_file: x"),
            "admin",
        )
        conn.execute(
            paper.page.update()
            .where(paper.page.c.batch == begun)
            .values(scanned_at=utc_now() + timedelta(minutes=8))
        )
    assert (cut_short(9), cut_short(15)) == (False, True)
    with ward.store.begin() as conn:
        batches.close_batch(conn, begun)
    assert not cut_short(99)


def test_a_late_page_of_a_void_sheet_waits_for_a_person(ward: Ward) -> None:
    ward.read(ward.scan(), page_reading(NOTE, "AAAA", SAID))
    with ward.store.begin() as conn:
        reject_entry(conn, EVA, "AAAA-00", 0, "oläsligt", NOW)
        corrections.void_entry(conn, EVA, "AAAA-00", 1, "Skrivet i journalen av Nils.", NOW)
    ward.read(ward.scan(), page_reading(NOTE, "AAAA", PLAN, page_no=2))
    with ward.store.read() as conn:
        assert pages.count_pages_by_state(conn) == {"in": 2, "done": 1, "waiting": 1, "failed": 0}
        assert len(pages.list_problem_pages(conn, ADMIN)) + count_open_entries(conn, [NORTH]) == 1


def test_what_was_written_on_a_sheet_after_its_first_scan_is_not_settled_with_it(
    ward: Ward,
) -> None:
    for serial, first, then in (
        ("AAAA", page_reading(NOTE, "AAAA", {}), page_reading(NOTE, "AAAA", SAID)),
        (
            "BBBB",
            page_reading(VISITS, "BBBB", {"rad01.pnr": ASTA.pid}),
            page_reading(VISITS, "BBBB", {"rad01.pnr": ASTA.pid, "rad02.pnr": BROR.pid}),
        ),
    ):
        before, after = ward.scan(), ward.scan()
        ward.read(before, first)
        if serial == "AAAA":
            with ward.store.begin() as conn:
                sheets.confirm_empty_sheet(conn, ADMIN, before)
        decide_all(ward, serial)
        ward.read(after, then)
        with ward.store.begin() as conn:
            sheets.settle_duplicate(conn, ADMIN, after, FORMS, same=True)
        assert page(ward, after).settled is False
        assert [one.row for one in entries(ward, str(page(ward, after).sheet))] == [
            None if serial == "AAAA" else 2
        ]


def test_a_stack_tells_how_many_of_its_pages_wait_in_another_unit(ward: Ward) -> None:
    ward.issue(IssuedSheet("AAAA", NOTE.id, 1, NORTH), IssuedSheet("BBBB", NOTE.id, 1, SOUTH))
    for serial in ("AAAA", "BBBB"):
        ward.read(ward.scan(), page_reading(NOTE, serial, SAID))
    with ward.store.read() as conn:
        assert [
            (one.pages, one.waiting, one.other_unit_pages)
            for one in pages.list_batches(conn, ADMIN)
        ] == [(2, 2, 1)]
