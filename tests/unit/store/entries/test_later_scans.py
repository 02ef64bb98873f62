"""The same paper scanned more than once: what was written in between is neither lost nor settled
unseen.
"""

from __future__ import annotations

from dataclasses import replace

import pytest

from pipeline.domain.form.form import Form
from pipeline.review.corrections import Corrections
from pipeline.review.decisions import Decision, decide_entry
from pipeline.review.rejections import Rejection, reject_entry
from pipeline.store.database.store import Store
from pipeline.store.entries import sheet_entries as sheets
from pipeline.store.entries.entry import list_sheet_entries
from pipeline.store.entries.entry_view import load_entry_view
from tests.support.store.ward import (
    ADMIN,
    ASTA,
    BROR,
    EVA,
    FORMS,
    NOTE,
    NOW,
    PLAN,
    SAID,
    VISITS,
    Ward,
    answers,
    page_reading,
)
from tests.support.store.work import work
from tests.unit.store.paper.page_steps import decide_all, entries, page

pytest_plugins = ("tests.support.store.databases",)


@pytest.fixture
def ward(store: Store) -> Ward:
    return Ward(store).begin()


@pytest.mark.parametrize("decided", [False, True])
@pytest.mark.parametrize("form", [NOTE, VISITS])
def test_what_was_written_in_an_entry_after_its_first_scan_is_not_settled_with_it(
    ward: Ward, form: Form, decided: bool
) -> None:
    said, more = (
        (SAID, {"text": "Fick Alvedon 1 g."})
        if form is NOTE
        else ({"rad01.pnr": ASTA.pid}, {"rad01.mat": True})
    )
    before, after = ward.scan(), ward.scan()
    ward.read(before, page_reading(form, "AAAA", {**said, "text": None} if form is NOTE else said))
    if decided:
        decide_all(ward, "AAAA")
    ward.read(after, page_reading(form, "AAAA", {**said, **more}))
    with ward.store.begin() as conn:
        sheets.settle_duplicate(conn, ADMIN, after, FORMS, same=True)
    assert page(ward, after).settled is False
    (entry,) = entries(ward, str(page(ward, after).sheet))
    assert entry.page == after


LONG = "Sov gott. Åt frukost i matsalen och gick ut en stund med sin dotter. Mår bra."


@pytest.mark.parametrize(
    ("before", "after", "p", "asked"),
    [
        ({"text": "Sov gott."}, {"text": "Sov gott. Fick Alvedon 1 g."}, 0.3, True),
        ({"text": LONG}, {"text": f"{LONG} Ramlade kl 15."}, 0.3, True),
        (
            {"text": LONG},
            {"text": LONG.replace("frukost i matsalen", "frakost i matsaIen")},
            0.3,
            False,
        ),
        ({"text": "Sov gott."}, {"text": "Sou gott."}, 0.95, False),
        ({"text": "Sov gott."}, {"text": "Orolig hela natten."}, 0.3, True),
        ({"pnr": ASTA.pid}, {"pnr": BROR.pid}, 0.995, True),
        ({"tid": "08:15"}, {"tid": "8.15"}, 0.995, False),
        ({"tid": "08:15"}, {"tid": "18:15"}, 0.995, True),
        ({"tid": "08:15"}, {"tid": "08:16"}, 0.5, False),
    ],
)
def test_a_field_in_which_something_else_stands_now_is_reviewed_and_a_misread_one_is_not(
    ward: Ward, before: dict[str, str], after: dict[str, str], p: float, asked: bool
) -> None:
    first, second = ward.scan(), ward.scan()
    for scan, said in ((first, before), (second, after)):
        seen = page_reading(NOTE, "AAAA", {**SAID, **said})
        ward.read(
            scan,
            replace(
                seen,
                fields={
                    name: replace(one, p=p) if name in said else one
                    for name, one in seen.fields.items()
                },
            ),
        )
    decide_all(ward, "AAAA")
    with ward.store.begin() as conn:
        sheets.settle_duplicate(conn, ADMIN, second, FORMS, same=True)
    assert [one.page for one in entries(ward, second)] == [second] * asked


def test_what_a_person_has_entered_is_not_asked_for_again_where_the_machine_reads_it_better_now(
    ward: Ward,
) -> None:
    first, second = ward.scan(), ward.scan()
    misread = page_reading(NOTE, "AAAA", {**SAID, "tid": "03:15"})
    ward.read(
        first,
        replace(
            misread, fields={name: replace(one, p=0.4) for name, one in misread.fields.items()}
        ),
    )
    with ward.store.begin() as conn:
        decide_entry(conn, FORMS, EVA, Decision("AAAA-00", 0, answers(SAID)), NOW)
    ward.read(second, page_reading(NOTE, "AAAA", SAID))
    with ward.store.begin() as conn:
        sheets.settle_duplicate(conn, ADMIN, second, FORMS, same=True)
    assert page(ward, second).settled
    assert entries(ward, second) == []


@pytest.mark.parametrize("same", [True, False])
def test_who_reviews_a_row_anew_is_told_that_it_has_been_entered_from_the_first_scan(
    ward: Ward, same: bool
) -> None:
    first, second = ward.scan(), ward.scan()
    said: dict[str, str | bool] = {"rad01.pnr": ASTA.pid}
    ward.read(first, page_reading(VISITS, "AAAA", said))
    decide_all(ward, "AAAA")
    ward.read(
        second, page_reading(VISITS, "AAAA", {**said, "rad01.mat": True, "rad02.pnr": BROR.pid})
    )
    with ward.store.begin() as conn:
        sheets.settle_duplicate(conn, ADMIN, second, FORMS, same=same)
    with ward.store.read() as conn:
        told = {
            one.row: load_entry_view(conn, FORMS, EVA, one.id).problems
            for one in list_sheet_entries(conn, second)
        }
    since = {
        row: [code for code in codes if not code.startswith("fact_missing:")]
        for row, codes in told.items()
    }
    assert since == {1: ["scanned_before", "written_since:rad01.mat"] * same, 2: []}


def test_a_day_that_was_corrected_on_a_list_is_of_all_its_rows_and_a_name_that_was_added_of_none(
    ward: Ward,
) -> None:
    first, second, third = ward.scan(), ward.scan(), ward.scan()
    heads = (
        (first, {"datum": "2026-02-17"}),
        (second, {"datum": "2026-02-18"}),
        (third, {"datum": "2026-02-17", "skribent": "Disa Penn"}),
    )
    for scan, head in heads:
        ward.read(
            scan,
            page_reading(VISITS, "AAAA", {"rad01.pnr": ASTA.pid, "rad02.pnr": BROR.pid, **head}),
        )
    decide_all(ward, "AAAA")
    with ward.store.begin() as conn:
        more = [
            sheets.settle_duplicate(conn, ADMIN, scan, FORMS, same=True) for scan in (second, third)
        ]
    assert more == [2, 0]


def test_what_was_struck_out_after_the_first_scan_is_reviewed(ward: Ward) -> None:
    first, second = ward.scan(), ward.scan()
    ward.read(first, page_reading(NOTE, "AAAA", SAID))
    decide_all(ward, "AAAA")
    ward.read(second, replace(page_reading(NOTE, "AAAA", SAID), issues=("struck_out:text",)))
    with ward.store.begin() as conn:
        sheets.settle_duplicate(conn, ADMIN, second, FORMS, same=True)
    assert [one.page for one in entries(ward, second)] == [second]


def test_an_earlier_scan_of_the_back_takes_no_entry_from_the_front(ward: Ward) -> None:
    first_back, back, front = ward.scan(), ward.scan(), ward.scan()
    ward.read(back, page_reading(NOTE, "AAAA", PLAN, page_no=2))
    ward.read(front, page_reading(NOTE, "AAAA", SAID))
    ward.read(first_back, page_reading(NOTE, "AAAA", {}, page_no=2))
    assert [one.id for one in entries(ward, "AAAA")] == ["AAAA-00"]


def test_a_sheet_that_was_scanned_before_it_was_written_on_stays_one_sheet(ward: Ward) -> None:
    unused = ward.scan(), ward.scan()
    for number, side in enumerate(unused, 1):
        ward.read(side, page_reading(NOTE, "AAAA", {}, page_no=number))
        with ward.store.begin() as conn:
            sheets.confirm_empty_sheet(conn, ADMIN, side)
    front, back = ward.scan(), ward.scan()
    ward.read(front, page_reading(NOTE, "AAAA", SAID))
    ward.read(back, page_reading(NOTE, "AAAA", PLAN, page_no=2))
    for side in (front, back):
        with ward.store.begin() as conn:
            sheets.settle_duplicate(conn, ADMIN, side, FORMS, same=True)
    assert page(ward, front).sheet == page(ward, back).sheet
    assert len(entries(ward, str(page(ward, front).sheet))) == 1


def test_a_scan_that_was_taken_in_again_after_its_entry_became_void_waits_for_a_person(
    ward: Ward,
) -> None:
    said = page_reading(NOTE, "AAAA", SAID)
    ward.read(ward.scan(b"scan"), said)
    with ward.store.begin() as conn:
        reject_entry(conn, EVA, Rejection("AAAA-00", 0, "oläsligt"), NOW)
        work(Corrections, conn, EVA).void("AAAA-00", 1, "Skrivet i journalen av Nils.")
    again = ward.scan(b"scan")
    ward.read(again, said)
    assert page(ward, again).settled is False


def test_a_later_scan_on_which_less_is_seen_takes_no_place(ward: Ward) -> None:
    before, after = ward.scan(), ward.scan()
    ward.read(before, page_reading(VISITS, "AAAA", {"rad01.pnr": ASTA.pid, "rad01.mat": True}))
    ward.read(after, page_reading(VISITS, "AAAA", {"rad01.pnr": ASTA.pid, "rad02.pnr": ASTA.pid}))
    with ward.store.begin() as conn:
        sheets.settle_duplicate(conn, ADMIN, after, FORMS, same=True)
    assert [one.row for one in entries(ward, "AAAA")] == [1]
    assert [one.row for one in entries(ward, str(page(ward, after).sheet))] == [2]


def test_a_third_scan_that_waited_while_the_second_took_the_place_of_the_first_gives_nothing_twice(
    ward: Ward,
) -> None:
    said: dict[str, str | bool] = {"rad01.pnr": ASTA.pid}
    more = {**said, "rad01.mat": True, "rad02.pnr": BROR.pid}
    first, second, third = ward.scan(), ward.scan(), ward.scan()
    for scan, values in ((first, said), (second, more), (third, more)):
        ward.read(scan, page_reading(VISITS, "AAAA", values))
    for scan in (second, third):
        with ward.store.begin() as conn:
            sheets.settle_duplicate(conn, ADMIN, scan, FORMS, same=True)
    assert [one.row for one in entries(ward, "AAAA")] == [1, 2]
    assert entries(ward, third) == []


def test_a_row_that_a_person_added_is_not_lost_to_a_later_scan(ward: Ward) -> None:
    said = {"rad01.pnr": ASTA.pid}
    before, after = ward.scan(), ward.scan()
    ward.read(before, page_reading(VISITS, "AAAA", said))
    with ward.store.begin() as conn:
        sheets.add_row(conn, EVA, before, 3, FORMS)
    ward.read(after, page_reading(VISITS, "AAAA", {**said, "rad02.pnr": BROR.pid}))
    with ward.store.begin() as conn:
        sheets.settle_duplicate(conn, ADMIN, after, FORMS, same=True)
    assert sorted(one.row or 0 for one in (*entries(ward, "AAAA"), *entries(ward, after))) == [
        1,
        2,
        3,
    ]


def test_a_scan_that_waits_is_compared_with_the_one_that_stands_there_now(ward: Ward) -> None:
    first, second, third = ward.scan(), ward.scan(), ward.scan()
    for scan in (second, third, first):
        ward.read(scan, page_reading(NOTE, "AAAA", SAID))
    assert [page(ward, scan).duplicate_of for scan in (first, second, third)] == [
        None,
        first,
        first,
    ]


def test_a_row_that_a_person_added_is_not_lost_to_an_earlier_scan_that_is_read_later(
    ward: Ward,
) -> None:
    before, after = ward.scan(), ward.scan()
    said: dict[str, str | bool] = {"rad01.pnr": ASTA.pid}
    ward.read(after, page_reading(VISITS, "AAAA", said))
    with ward.store.begin() as conn:
        sheets.add_row(conn, EVA, after, 3, FORMS)
    ward.read(before, page_reading(VISITS, "AAAA", said))
    assert [one.row for one in entries(ward, "AAAA")] == [1, 3]
