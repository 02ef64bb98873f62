"""Pages that are foreign, late or read again, and the stacks that they came in."""

from __future__ import annotations

from datetime import timedelta

import pytest

from pipeline.domain.model import EntryState, IssuedSheet, Outcome, PageReading, SheetCode
from pipeline.review.corrections import Corrections
from pipeline.review.decisions import Decision, decide_entry
from pipeline.review.rejections import Rejection, reject_entry
from pipeline.store.database.store import Store
from pipeline.store.entries import sheet_entries as sheets
from pipeline.store.paper import page_lists, pages
from pipeline.store.paper.intake import batches, stacks
from pipeline.store.paper.workers import count_attempt
from pipeline.store.reports.entry_counts import workspace_metrics
from pipeline.store.schema import paper
from pipeline.store.schema.clock import utc_now
from tests.support.store.outstanding import list_outstanding
from tests.support.store.ward import (
    ADMIN,
    ASTA,
    BROR,
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
from tests.support.store.work import work
from tests.unit.store.paper.page_steps import (
    BLANK,
    FOREIGN,
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
            decide_entry(conn, FORMS, EVA, Decision("AAAA-00", 0, answers(SAID)), NOW)
            is EntryState.CONFIRMED
        )
    assert status(ward)["done"] == 1
    ward.read(ward.scan(), page_reading(NOTE, "AAAA", PLAN, 2))
    (entry,) = entries(ward, "AAAA")
    assert (entry.state, entry.revision, entry.first_by) == (EntryState.REVIEW, 2, None)
    assert status(ward)["waiting"] == 2


def test_an_empty_late_page_changes_nothing(ward: Ward) -> None:
    ward.read(ward.scan(), page_reading(NOTE, "AAAA", SAID))
    with ward.store.begin() as conn:
        decide_entry(conn, FORMS, EVA, Decision("AAAA-00", 0, answers(SAID)), NOW)
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
        page_lists.requeue_page(conn, ADMIN, failing)
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
        by_id = {batch.id: batch for batch in stacks.list_stacks(conn, ADMIN)}
        assert [batch.id for batch in stacks.list_stacks(conn, SOUTHERN)] == [empty]
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
                for one in stacks.list_stacks(conn, ADMIN, utc_now() + timedelta(minutes=minutes))
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
        reject_entry(conn, EVA, Rejection("AAAA-00", 0, "oläsligt"), NOW)
        work(Corrections, conn, EVA).void("AAAA-00", 1, "Skrivet i journalen av Nils.")
    ward.read(ward.scan(), page_reading(NOTE, "AAAA", PLAN, page_no=2))
    with ward.store.read() as conn:
        assert pages.count_pages_by_state(conn) == {"in": 2, "done": 1, "waiting": 1, "failed": 0}
        still_open = workspace_metrics(conn)["entries"].get(EntryState.REVIEW.value, 0)
        assert len(page_lists.list_problem_pages(conn, ADMIN)) + still_open == 1


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
            for one in stacks.list_stacks(conn, ADMIN)
        ] == [(2, 2, 1)]
