"""The clash list: what somebody else may have keyed in already is held back until a person has
compared and decided.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from pipeline.domain.errors import (
    BlockedClientError,
    NotAllowedError,
    ReviewError,
    StaleDecisionError,
    UsageError,
)
from pipeline.domain.model import Client, EntryState, Person, Role
from pipeline.export.care_system_check.decisions import (
    confirm_match,
    record_match_view,
    reject_match,
)
from pipeline.export.care_system_check.decisions import import_care_list as hand_in_list
from pipeline.export.care_system_check.matches import (
    HELD_FOR_MATCH,
    CareSystemMatch,
    CareSystemMatchList,
    erase_settled_lists,
    list_matches,
)
from pipeline.export.manual_entry import screen
from pipeline.export.runs import ExportContext, list_runs, list_target_status, make_run
from pipeline.export.runs.receipts import ReceiptAnswer, submit_receipts
from pipeline.registers.care_system_list import CareList, CareRow
from pipeline.store.accounts import blocks
from pipeline.store.database.clock import utc_now
from pipeline.store.entries import closed_entries
from pipeline.store.entries import entry as entries_entry
from pipeline.store.entries.entry import Entry, load_entry
from pipeline.store.registers import care_system_exports, care_system_matches, client_register
from pipeline.store.review import decisions, duplicate_entries
from pipeline.store.schema.exports import care_row
from pipeline.store.schema.paper import event
from pipeline.texts import Text
from tests.support.store.export_examples import ARNE, FORMS, SIV
from tests.support.store.export_office import ANNA, MONA, PER, STIG, confirm, correct, review, state

pytest_plugins = ("tests.support.store.databases", "tests.support.store.offices")

NOTE = {
    "kontakttyp": "besok",
    "anteckning": "Såret på vänster fot läker fint. Lägger om enligt ordination.",
}
ROW = CareRow(
    (SIV.pid,), "2021-12-17", "08:27", "Besök", "Såret vänster fot läker fint, lägger om", "Bo Ek"
)
ALMA = Person(
    "alma", "Alma Ek", "administratör", Role.ADMINISTRATOR, frozenset({"Norr", "Söder"}), ANNA.areas
)


def hand_in(
    office: ExportContext, *rows: CareRow, unit: str = "Norr", area: str = "HSL", by: Person = ANNA
) -> int:
    with office.store.begin() as conn:
        return care_system_exports.save_list(conn, by, unit, area, rows or (ROW,), utc_now())


def listed(office: ExportContext, person: Person = ANNA) -> CareSystemMatchList:
    with office.store.begin() as conn:
        erase_settled_lists(conn, FORMS, 60, utc_now())
        return list_matches(conn, FORMS, person, 60, utc_now())


def only(office: ExportContext, person: Person = ANNA) -> CareSystemMatch:
    (clash,) = listed(office, person).matches
    return clash


def get(office: ExportContext, entry_id: str) -> Entry:
    with office.store.read() as conn:
        return load_entry(conn, entry_id)


def already(office: ExportContext, clash: CareSystemMatch, person: Person = ANNA) -> None:
    confirm_match(
        office, person, clash.entry.id, clash.entry.revision, clash.care_row.digest, utc_now()
    )


def other(office: ExportContext, clash: CareSystemMatch, person: Person = ANNA) -> None:
    reject_match(
        office, person, clash.entry.id, clash.entry.revision, clash.care_row.digest, utc_now()
    )


def skipped(office: ExportContext, target: str) -> dict[str, Text]:
    line = next(line for line in list_target_status(office, ANNA) if line.target == target)
    return {each.entry_id: each.reason for each in line.unsupported}


def rows_kept(office: ExportContext) -> int:
    with office.store.read() as conn:
        return int(conn.execute(select(func.count()).select_from(care_row)).scalar_one())


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
        decisions.reopen_rejected(conn, ANNA, entry_id, load_entry(conn, entry_id).revision)


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
        duplicate_entries.withdraw_duplicate_mark(conn, PER, mark.id, utc_now())
    assert replace(get(office, held), revision=before.revision) == before
    assert skipped(office, "rivta") == {held: HELD_FOR_MATCH}, "it is to be decided anew"
    other(office, only(office))
    assert {line.target: line.entries for line in list_target_status(office, ANNA)}["rivta"] == 1


def test_a_decision_is_for_the_entry_as_it_was_seen_and_is_taken_once(
    office: ExportContext,
) -> None:
    held = confirm(office, "hsl-anteckning", "AAAA01", **NOTE)
    hand_in(office)
    clash = only(office)
    correct(office, held, "plan", "Ny omläggning.")
    for act in (already, other):
        with pytest.raises(StaleDecisionError):
            act(office, clash)
    other(office, clash := only(office))
    for act in (already, other):
        with pytest.raises(StaleDecisionError):
            act(office, clash)


def test_a_correction_of_what_is_there_because_of_us_is_not_held(office: ExportContext) -> None:
    entry_id = confirm(office, "hsl-anteckning", "AAAA01", **NOTE)
    make_run(office, ANNA, "rivta", utc_now())
    correct(office, entry_id, "plan", "Ny omläggning.")
    hand_in(office)
    assert listed(office) == CareSystemMatchList((), 0)
    run = make_run(office, ANNA, "rivta", utc_now())
    assert run is not None


def test_a_list_to_key_in_leaves_out_what_may_be_there(office: ExportContext) -> None:
    held = confirm(office, "hsl-anteckning", "AAAA01", **NOTE)
    free = confirm(office, "hsl-anteckning", "AAAA02", personnummer=ARNE.pid, **NOTE)
    run = make_run(office, ANNA, "skriv-in", utc_now())
    assert run is not None
    hand_in(office)
    assert screen.count_held_back(office, ANNA, run.id) == 1
    shown = screen.claim_next_entry(office, ANNA, run.id, utc_now())
    assert shown is not None
    assert shown.item.entry_id == free
    submit_receipts(office, ANNA, run.id, [ReceiptAnswer(free, accepted=True)], utc_now())
    assert screen.claim_next_entry(office, ANNA, run.id, utc_now()) is None
    other(office, only(office))
    shown = screen.claim_next_entry(office, ANNA, run.id, utc_now())
    assert shown is not None
    assert shown.item.entry_id == held


def test_what_stands_in_a_list_to_key_in_is_answered_and_can_go_out_again(
    office: ExportContext,
) -> None:
    held = confirm(office, "hsl-anteckning", "AAAA01", **NOTE)
    run = make_run(office, ANNA, "skriv-in", utc_now())
    assert run is not None
    hand_in(office)
    already(office, only(office))
    assert state(office, held) is EntryState.REJECTED
    assert [(status.refused, status.waiting) for status in list_runs(office, ANNA)] == [(1, 0)]
    assert screen.list_waiting_runs(office, ANNA) == []
    with office.store.begin() as conn:
        (mark,) = duplicate_entries.list_duplicate_marks(conn, ANNA)
        duplicate_entries.withdraw_duplicate_mark(conn, ANNA, mark.id, utc_now())
    assert get(office, held).signed_by == PER.login
    assert state(office, held) is EntryState.SIGNED
    other(office, only(office))
    again = make_run(office, ANNA, "skriv-in", utc_now())
    assert again is not None
    assert again.entries == 1


def test_what_was_corrected_in_a_list_that_nobody_ticked_is_answered_in_both_lists(
    office: ExportContext,
) -> None:
    held = confirm(office, "hsl-anteckning", "AAAA01", **NOTE)
    lists = [make_run(office, ANNA, "skriv-in", utc_now())]
    correct(
        office,
        held,
        "anteckning",
        "Såret på vänster fot läker fint. Lägger om enligt ordination i dag.",
    )
    lists.append(make_run(office, ANNA, "skriv-in", utc_now()))
    assert all(lists)
    hand_in(office)
    already(office, only(office))
    assert state(office, held) is EntryState.REJECTED
    assert [(status.refused, status.waiting) for status in list_runs(office, ANNA)] == [
        (1, 0),
        (1, 0),
    ]
    with office.store.begin() as conn:
        (mark,) = duplicate_entries.list_duplicate_marks(conn, ANNA)
        duplicate_entries.withdraw_duplicate_mark(conn, ANNA, mark.id, utc_now())
    assert state(office, held) is EntryState.SIGNED
    other(office, only(office))
    again = make_run(office, ANNA, "skriv-in", utc_now())
    assert again is not None
    assert again.entries == 1


def test_paper_in_the_queue_is_paired_by_what_the_machine_is_sure_of_and_shows_none_of_it(
    office: ExportContext,
) -> None:
    from sqlalchemy import update

    from pipeline.store.entries.entry import UNDECIDED_VALUES
    from pipeline.store.schema import paper

    held = confirm(office, "hsl-anteckning", "AAAA01", **NOTE)
    with office.store.begin() as conn:
        conn.execute(
            update(paper.entry).values(
                {**UNDECIDED_VALUES, "likely_pid": SIV.pid, "client_pid": None}
            )
        )
    hand_in(office)
    clash = only(office)
    assert (clash.entry.id, clash.entry_side) == (held, None)
    assert (clash.likeness.minutes, clash.likeness.text) == (None, None)
    already(office, clash)
    assert state(office, held) is EntryState.REJECTED


def test_only_the_own_unit_and_area_decide_and_managers_do_not(office: ExportContext) -> None:
    confirm(office, "hsl-anteckning", "AAAA01", **NOTE)
    social = replace(ANNA, areas=frozenset({"SoL"}))
    for who, unit, area in (
        (STIG, "Norr", "HSL"),
        (social, "Norr", "HSL"),
        (MONA, "Norr", "HSL"),
        (ALMA, "Norr", "HSL"),
    ):
        with pytest.raises(NotAllowedError):
            hand_in(office, unit=unit, area=area, by=who)
    made = hand_in(office)
    clash = only(office)
    assert listed(office, STIG) == listed(office, social) == CareSystemMatchList((), 0)
    assert len(listed(office, ALMA).matches) == 1
    with pytest.raises(NotAllowedError):
        listed(office, MONA)
    for who in (STIG, social, MONA, ALMA):
        for act in (already, other):
            with pytest.raises(NotAllowedError):
                act(office, clash, who)
        with office.store.begin() as conn, pytest.raises(NotAllowedError):
            care_system_exports.erase_list(conn, who, made, utc_now())
    with office.store.begin() as conn, pytest.raises(NotAllowedError):
        record_match_view(conn, STIG, clash.entry.id, clash.care_row.digest, utc_now())


def test_a_list_of_one_area_of_law_is_not_compared_with_another(office: ExportContext) -> None:
    confirm(office, "hsl-anteckning", "AAAA01", **NOTE)
    hand_in(office, area="SoL")
    assert listed(office) == CareSystemMatchList((), 0)
    assert skipped(office, "rivta") == {}


def test_a_hidden_identity_is_counted_and_held_and_decided_where_it_belongs(
    office: ExportContext,
) -> None:
    with office.store.begin() as conn:
        client_register.save_clients(conn, [Client(SIV.pid, SIV.name, "Söder", protected=True)])
    held = confirm(office, "hsl-anteckning", "AAAA01", **NOTE)
    hand_in(office)
    northern = replace(ANNA, units=frozenset({"Norr"}))
    assert listed(office, northern) == CareSystemMatchList((), 1)
    assert listed(office, ALMA) == CareSystemMatchList((), 1)
    clash = only(office)
    for act in (already, other):
        with pytest.raises(NotAllowedError):
            act(office, clash, northern)
    with office.store.begin() as conn, pytest.raises(NotAllowedError):
        record_match_view(conn, northern, held, clash.care_row.digest, utc_now())
    assert skipped(office, "rivta") == {held: HELD_FOR_MATCH}


def test_behind_a_block_nothing_is_seen(office: ExportContext) -> None:
    confirm(office, "hsl-anteckning", "AAAA01", **NOTE)
    hand_in(office)
    clash = only(office)
    with office.store.begin() as conn:
        blocks.set_block(conn, ALMA, "Söder", SIV.pid, "Klienten har begärt det", utc_now())
    northern = replace(ANNA, units=frozenset({"Norr"}))
    assert listed(office, northern) == CareSystemMatchList((), 0)
    with pytest.raises(BlockedClientError):
        already(office, clash, northern)


def test_looks_and_decisions_are_in_the_log_and_no_value_is(office: ExportContext) -> None:
    entry_id = confirm(office, "hsl-anteckning", "AAAA01", **NOTE)
    hand_in(office)
    clash = only(office)
    with office.store.begin() as conn:
        record_match_view(conn, ANNA, entry_id, clash.care_row.digest, utc_now())
    already(office, clash)
    with office.store.begin() as conn:
        erase_settled_lists(conn, FORMS, 60, utc_now() + care_system_exports.UNDO_PERIOD)
    with office.store.read() as conn:
        rows = [
            (row.action, row.subject, row.unit, str(row.detail))
            for row in conn.execute(select(event).order_by(event.c.id))
        ]
    actions = [action for action, *_ in rows]
    assert {
        "save_care_list",
        "view_clash",
        "mark_duplicate",
        "decide_clash",
        "erase_care_list",
    } <= set(actions)
    assert all(
        unit == "Norr" for action, _, unit, _ in rows if "clash" in action or "care_list" in action
    )
    told = " ".join(" ".join((subject, detail)) for _, subject, _, detail in rows)
    assert not any(word in told for word in (SIV.pid, "Såret", "Bo Ek", "08:27"))


def test_the_rows_go_when_nothing_is_left_to_compare_when_asked_and_when_they_are_old(
    office: ExportContext,
) -> None:
    hand_in(office)
    assert rows_kept(office) == 1
    listed(office)
    assert rows_kept(office) == 0, "no paper waits and nothing matches"
    confirm(office, "hsl-anteckning", "AAAA01", **NOTE)
    made = hand_in(office, ROW, CareRow((ARNE.pid,), "2021-12-17"))
    clash = only(office)
    assert rows_kept(office) == 2
    with office.store.begin() as conn:
        assert [
            (one.id, one.unit, one.rows, one.by)
            for one in care_system_exports.list_care_lists(conn, ALMA)
        ] == [(made, "Norr", 2, "Anna Öst")]
        care_system_exports.erase_list(conn, ANNA, made, utc_now())
        assert care_system_exports.list_care_lists(conn, ALMA) == []
        with pytest.raises(ReviewError):
            care_system_exports.erase_list(conn, ANNA, made, utc_now())
    assert rows_kept(office) == 0
    with pytest.raises(StaleDecisionError):
        already(office, clash)
    hand_in(office)
    late = utc_now() + care_system_exports.MAX_LIST_AGE + timedelta(hours=1)
    with office.store.begin() as conn:
        assert list_matches(conn, FORMS, ANNA, 60, late) == CareSystemMatchList((), 0)
        erase_settled_lists(conn, FORMS, 60, late)
    assert rows_kept(office) == 0


def test_a_list_needs_a_unit_that_there_is_and_rows(office: ExportContext) -> None:
    with office.store.begin() as conn:
        for unit, rows in (("Ingen", (ROW,)), ("Norr", ())):
            with pytest.raises(UsageError):
                care_system_exports.save_list(conn, ANNA, unit, "HSL", rows, utc_now())


def test_a_list_that_nothing_matches_is_erased_at_once(office: ExportContext) -> None:
    hand_in_list(office, ANNA, "Norr", "HSL", CareList((ROW,)), utc_now())
    assert rows_kept(office) == 0
    confirm(office, "hsl-anteckning", "AAAA01", **NOTE)
    hand_in_list(office, ANNA, "Norr", "HSL", CareList((ROW,)), utc_now())
    already(office, only(office))
    listed(office)
    assert rows_kept(office) == 1, "the decision can still be taken back"
    with office.store.begin() as conn:
        erase_settled_lists(conn, FORMS, 60, utc_now() + care_system_exports.UNDO_PERIOD)
    assert rows_kept(office) == 0


def test_a_number_that_may_mean_two_persons_is_the_one_of_the_register(
    office: ExportContext,
) -> None:
    confirm(office, "hsl-anteckning", "AAAA01", **NOTE)
    hand_in(office, replace(ROW, pids=("202801287158", SIV.pid)))
    assert only(office).care_row.pid == SIV.pid
    assert rows_kept(office) == 1
