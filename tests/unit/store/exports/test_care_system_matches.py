"""The clash list: what may be keyed in already is held back until a person has decided."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from pipeline.domain.errors import (
    ReviewError,
)
from pipeline.domain.model import EntryState
from pipeline.export.care_system_matches import (
    HELD_FOR_MATCH,
    CareSystemMatchList,
)
from pipeline.export.runs import ExportContext
from pipeline.registers.care_system_list import CareRow
from pipeline.review import rejections
from pipeline.store.entries import entry as entries_entry
from pipeline.store.entries.entry import load_entry
from pipeline.store.exports import care_system_matches
from pipeline.store.reports import closed_entries
from pipeline.store.review import duplicate_entries
from pipeline.store.schema.clock import utc_now
from tests.support.store.export_examples import ARNE, SIV
from tests.support.store.export_office import ANNA, PER, confirm, review, state
from tests.support.store.route_steps import list_target_status, make_run, target_status
from tests.unit.store.exports.care_system_rows import (
    NOTE,
    ROW,
    already,
    get,
    hand_in,
    listed,
    only,
    other,
    skipped,
)

pytest_plugins = ("tests.support.store.databases", "tests.support.store.offices")


def test_a_likely_pair_is_shown_side_by_side_with_what_speaks_for_it(office: ExportContext) -> None:
    entry_id = confirm(office, "hsl-anteckning", "AAAA01", **NOTE)
    confirm(office, "hsl-anteckning", "AAAA02", personnummer=ARNE.pid, **NOTE)
    hand_in(office)
    clash = only(office)
    assert clash.entry.id == entry_id
    assert (clash.likeness.minutes, clash.likeness.kind) == (12, True)
    assert clash.likeness.text is not None
    assert clash.likeness.text > 80
    assert clash.entry_side is not None
    assert (
        clash.entry_side.pid,
        clash.entry_side.name,
        clash.entry_side.when,
        clash.entry_side.author,
    ) == (
        SIV.pid,
        SIV.name,
        "2021-12-17 08:15",
        "Gun Ek",
    )
    assert ("Anteckning", NOTE["anteckning"]) in clash.entry_side.rows
    assert clash.care_row.text == ROW.text


def test_the_likeliest_pair_comes_first(office: ExportContext) -> None:
    far = confirm(office, "hsl-anteckning", "AAAA01", handelsetid="09:20", **NOTE)
    near = confirm(office, "hsl-anteckning", "AAAA02", **NOTE)
    hand_in(office)
    assert [clash.entry.id for clash in listed(office).matches] == [near, far]


@pytest.mark.parametrize("target", ["rivta", "fhir", "skriv-in"])
def test_what_nobody_has_decided_on_is_in_no_run_and_listed_with_the_reason(
    office: ExportContext, target: str
) -> None:
    held = confirm(office, "hsl-anteckning", "AAAA01", **NOTE)
    free = confirm(office, "hsl-anteckning", "AAAA02", personnummer=ARNE.pid, **NOTE)
    hand_in(office)
    assert skipped(office, target) == {held: HELD_FOR_MATCH}
    run = make_run(office, ANNA, target, utc_now())
    assert run is not None
    assert run.entries == 1
    assert (state(office, held), state(office, free)) == (EntryState.SIGNED, EntryState.EXPORTED)
    assert make_run(office, ANNA, target, utc_now()) is None


def test_what_is_written_at_24_is_compared_with_that_day_too(office: ExportContext) -> None:
    held = confirm(office, "hsl-anteckning", "AAAA01", handelsetid="24:00", **NOTE)
    hand_in(office, CareRow((SIV.pid,), "2021-12-17", "", "Besök", NOTE["anteckning"], "Bo Ek"))
    assert skipped(office, "rivta") == {held: HELD_FOR_MATCH}


def test_something_else_goes_on_and_can_be_taken_back(office: ExportContext) -> None:
    held = confirm(office, "hsl-anteckning", "AAAA01", **NOTE)
    hand_in(office)
    clash = only(office)
    other(office, clash)
    assert skipped(office, "rivta") == {}
    with office.store.begin() as conn:
        (done,) = care_system_matches.list_rejected_matches(conn, PER)
        assert (done.entry.id, done.by) == (held, "Anna Öst")
        care_system_matches.withdraw_rejection(conn, PER, done.id, utc_now())
        with pytest.raises(ReviewError):
            care_system_matches.withdraw_rejection(conn, PER, done.id, utc_now())
        assert care_system_matches.list_rejected_matches(conn, PER) == []
    assert skipped(office, "rivta") == {held: HELD_FOR_MATCH}
    other(office, only(office))
    hand_in(office)
    assert listed(office) == CareSystemMatchList((), 0), "the same row is not asked for again"
    assert make_run(office, ANNA, "rivta", utc_now()) is not None


def taken_up_again(office: ExportContext, entry_id: str) -> None:
    with office.store.begin() as conn:
        rejections.reopen_rejected(conn, ANNA, entry_id, load_entry(conn, entry_id).revision)


def given_back_by_a_further_page(office: ExportContext, entry_id: str) -> None:
    with office.store.begin() as conn:
        entries_entry.reopen_sheet(conn, load_entry(conn, entry_id).sheet)


@pytest.mark.parametrize("comes_back", [taken_up_again, given_back_by_a_further_page])
def test_what_was_there_already_is_decided_anew_when_it_is_on_its_way_again(
    office: ExportContext, comes_back: Callable[[ExportContext, str], None]
) -> None:
    held = confirm(office, "hsl-anteckning", "AAAA01", **NOTE)
    hand_in(office)
    already(office, only(office))
    comes_back(office, held)
    review(office, held, "hsl-anteckning", **NOTE)
    assert skipped(office, "rivta") == {held: HELD_FOR_MATCH}
    assert make_run(office, ANNA, "rivta", utc_now()) is None
    already(office, only(office))
    assert get(office, held).state is EntryState.REJECTED


def test_what_was_put_aside_says_so_when_a_further_page_gives_it_back(
    office: ExportContext,
) -> None:
    held = confirm(office, "hsl-anteckning", "AAAA01", **NOTE)
    hand_in(office)
    already(office, only(office))
    given_back_by_a_further_page(office, held)
    assert duplicate_entries.DUPLICATE_REASON in get(office, held).reason


def test_what_is_there_already_becomes_a_duplicate_that_nothing_exports_and_comes_back_signed(
    office: ExportContext,
) -> None:
    held = confirm(office, "hsl-anteckning", "AAAA01", **NOTE)
    before = get(office, held)
    hand_in(office)
    already(office, only(office))
    with office.store.begin() as conn:
        found = load_entry(conn, held)
        assert (found.state, found.reason, found.signed_by) == (
            EntryState.REJECTED,
            duplicate_entries.DUPLICATE_REASON,
            None,
        )
        (mark,) = duplicate_entries.list_duplicate_marks(conn, PER)
        assert (mark.entry.id, mark.by) == (held, "Anna Öst")
        assert (
            mark.text == "2021-12-17 08:27\nBesök\nSåret vänster fot läker fint, lägger om\nBo Ek"
        )
        assert closed_entries.list_rejected(conn, PER) == []
    assert {line.entries for line in list_target_status(office, ANNA)} == {0}
    assert make_run(office, ANNA, "rivta", utc_now()) is None
    with office.store.begin() as conn:
        rejections.withdraw_duplicate_mark(conn, PER, mark.id, utc_now())
    assert replace(get(office, held), revision=before.revision) == before
    assert skipped(office, "rivta") == {held: HELD_FOR_MATCH}, "it is to be decided anew"
    other(office, only(office))
    assert target_status(office, ANNA, "rivta").entries == 1
