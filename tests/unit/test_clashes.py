"""The clash list: what somebody else may have keyed in already is held back until a person has compared and decided."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from pipeline.care_list import CareList, CareRow
from pipeline.errors import BlockedClientError, NotAllowedError, ReviewError, StaleDecisionError, UsageError
from pipeline.export import key_in
from pipeline.export.clash_decisions import already_there, something_else, view_clash
from pipeline.export.clash_decisions import hand_in as hand_in_list
from pipeline.export.clashes import HELD, Clash, ClashList, clash_list, erase_done
from pipeline.export.receipts import Answer, give_receipts
from pipeline.export.run_files import history
from pipeline.export.runs import Office, make_run, ready
from pipeline.model import Client, EntryState, Person, Role
from pipeline.store import blocks, care_lists, clash_pairs, decisions, duplicate_marks, entries, registers, rejected
from pipeline.store.care_list_tables import care_row
from pipeline.store.clock import utc_now
from pipeline.store.entries import Entry, entry
from pipeline.store.tables import event
from tests.export_examples import ARNE, FORMS, SIV
from tests.export_office import ANNA, MONA, PER, STIG, confirm, correct, review, state

pytest_plugins = ("tests.databases", "tests.offices")

NOTE = {"kontakttyp": "besok", "anteckning": "Såret på vänster fot läker fint. Lägger om enligt ordination."}
ROW = CareRow((SIV.pid,), "2021-12-17", "08:27", "Besök", "Såret vänster fot läker fint, lägger om", "Bo Ek")
ALMA = Person("alma", "Alma Ek", "administratör", Role.ADMINISTRATOR, frozenset({"Norr", "Söder"}), ANNA.areas)


def hand_in(office: Office, *rows: CareRow, unit: str = "Norr", area: str = "HSL", by: Person = ANNA) -> int:
    with office.store.begin() as conn:
        return care_lists.save_list(conn, by, unit, area, rows or (ROW,), utc_now())


def listed(office: Office, person: Person = ANNA) -> ClashList:
    with office.store.begin() as conn:
        erase_done(conn, FORMS, 60, utc_now())
        return clash_list(conn, FORMS, person, 60, utc_now())


def only(office: Office, person: Person = ANNA) -> Clash:
    (clash,) = listed(office, person).clashes
    return clash


def get(office: Office, entry_id: str) -> Entry:
    with office.store.read() as conn:
        return entry(conn, entry_id)


def already(office: Office, clash: Clash, person: Person = ANNA) -> None:
    already_there(office, person, clash.entry.id, clash.entry.revision, clash.theirs.digest, utc_now())


def other(office: Office, clash: Clash, person: Person = ANNA) -> None:
    something_else(office, person, clash.entry.id, clash.entry.revision, clash.theirs.digest, utc_now())


def skipped(office: Office, target: str) -> dict[str, str]:
    line = next(line for line in ready(office, ANNA) if line.target == target)
    return {each.entry_id: each.reason for each in line.unfit}


def rows_kept(office: Office) -> int:
    with office.store.read() as conn:
        return int(conn.execute(select(func.count()).select_from(care_row)).scalar_one())


def test_a_likely_pair_is_shown_side_by_side_with_what_speaks_for_it(office: Office) -> None:
    entry_id = confirm(office, "hsl-anteckning", "AAAA01", **NOTE)
    confirm(office, "hsl-anteckning", "AAAA02", personnummer=ARNE.pid, **NOTE)
    hand_in(office)
    clash = only(office)
    assert clash.entry.id == entry_id
    assert (clash.likeness.minutes, clash.likeness.kind) == (12, True)
    assert clash.likeness.text is not None
    assert clash.likeness.text > 80
    assert clash.ours is not None
    assert (clash.ours.pid, clash.ours.name, clash.ours.when, clash.ours.author) == (SIV.pid, SIV.name, "2021-12-17 08:15", "Gun Ek")
    assert ("Anteckning", NOTE["anteckning"]) in clash.ours.rows
    assert clash.theirs.text == ROW.text


def test_the_likeliest_pair_comes_first(office: Office) -> None:
    far = confirm(office, "hsl-anteckning", "AAAA01", handelsetid="09:20", **NOTE)
    near = confirm(office, "hsl-anteckning", "AAAA02", **NOTE)
    hand_in(office)
    assert [clash.entry.id for clash in listed(office).clashes] == [near, far]


@pytest.mark.parametrize("target", ["rivta", "fhir", "skriv-in"])
def test_what_nobody_has_decided_on_is_in_no_run_and_listed_with_the_reason(office: Office, target: str) -> None:
    held = confirm(office, "hsl-anteckning", "AAAA01", **NOTE)
    free = confirm(office, "hsl-anteckning", "AAAA02", personnummer=ARNE.pid, **NOTE)
    hand_in(office)
    assert skipped(office, target) == {held: HELD}
    run = make_run(office, ANNA, target, utc_now())
    assert run is not None
    assert run.entries == 1
    assert (state(office, held), state(office, free)) == (EntryState.SIGNED, EntryState.EXPORTED)
    assert make_run(office, ANNA, target, utc_now()) is None


def test_what_is_written_at_24_is_compared_with_that_day_too(office: Office) -> None:
    held = confirm(office, "hsl-anteckning", "AAAA01", handelsetid="24:00", **NOTE)
    hand_in(office, CareRow((SIV.pid,), "2021-12-17", "", "Besök", NOTE["anteckning"], "Bo Ek"))
    assert skipped(office, "rivta") == {held: HELD}


def test_something_else_goes_on_and_can_be_taken_back(office: Office) -> None:
    held = confirm(office, "hsl-anteckning", "AAAA01", **NOTE)
    hand_in(office)
    clash = only(office)
    other(office, clash)
    assert skipped(office, "rivta") == {}
    with office.store.begin() as conn:
        (done,) = clash_pairs.others_decided(conn, PER)
        assert (done.entry.id, done.by) == (held, "Anna Öst")
        clash_pairs.take_back_other(conn, PER, done.id, utc_now())
        with pytest.raises(ReviewError):
            clash_pairs.take_back_other(conn, PER, done.id, utc_now())
        assert clash_pairs.others_decided(conn, PER) == []
    assert skipped(office, "rivta") == {held: HELD}
    other(office, only(office))
    hand_in(office)
    assert listed(office) == ClashList((), 0), "the same row is not asked for again"
    assert make_run(office, ANNA, "rivta", utc_now()) is not None


def taken_up_again(office: Office, entry_id: str) -> None:
    with office.store.begin() as conn:
        decisions.reopen(conn, ANNA, entry_id, entry(conn, entry_id).revision)


def given_back_by_a_further_page(office: Office, entry_id: str) -> None:
    with office.store.begin() as conn:
        entries.reopen(conn, entry(conn, entry_id).sheet)


@pytest.mark.parametrize("comes_back", [taken_up_again, given_back_by_a_further_page])
def test_what_was_there_already_is_decided_anew_when_it_is_on_its_way_again(office: Office, comes_back: Callable[[Office, str], None]) -> None:
    held = confirm(office, "hsl-anteckning", "AAAA01", **NOTE)
    hand_in(office)
    already(office, only(office))
    comes_back(office, held)
    review(office, held, "hsl-anteckning", **NOTE)
    assert skipped(office, "rivta") == {held: HELD}
    assert make_run(office, ANNA, "rivta", utc_now()) is None
    already(office, only(office))
    assert get(office, held).state is EntryState.REJECTED


def test_what_was_put_aside_says_so_when_a_further_page_gives_it_back(office: Office) -> None:
    held = confirm(office, "hsl-anteckning", "AAAA01", **NOTE)
    hand_in(office)
    already(office, only(office))
    given_back_by_a_further_page(office, held)
    assert duplicate_marks.DUPLICATE in get(office, held).reason


def test_what_is_there_already_becomes_a_duplicate_that_nothing_exports_and_comes_back_signed(office: Office) -> None:
    held = confirm(office, "hsl-anteckning", "AAAA01", **NOTE)
    before = get(office, held)
    hand_in(office)
    already(office, only(office))
    with office.store.begin() as conn:
        found = entry(conn, held)
        assert (found.state, found.reason, found.signed_by) == (EntryState.REJECTED, duplicate_marks.DUPLICATE, None)
        (mark,) = duplicate_marks.duplicates(conn, PER)
        assert (mark.entry.id, mark.by) == (held, "Anna Öst")
        assert mark.text == "2021-12-17 08:27\nBesök\nSåret vänster fot läker fint, lägger om\nBo Ek"
        assert rejected.rejected(conn, PER) == []
    assert {line.entries for line in ready(office, ANNA)} == {0}
    assert make_run(office, ANNA, "rivta", utc_now()) is None
    with office.store.begin() as conn:
        duplicate_marks.take_back_duplicate(conn, PER, mark.id, utc_now())
    assert replace(get(office, held), revision=before.revision) == before
    assert skipped(office, "rivta") == {held: HELD}, "it is to be decided anew"
    other(office, only(office))
    assert {line.target: line.entries for line in ready(office, ANNA)}["rivta"] == 1


def test_a_decision_is_for_the_entry_as_it_was_seen_and_is_taken_once(office: Office) -> None:
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


def test_a_correction_of_what_is_there_because_of_us_is_not_held(office: Office) -> None:
    entry_id = confirm(office, "hsl-anteckning", "AAAA01", **NOTE)
    make_run(office, ANNA, "rivta", utc_now())
    correct(office, entry_id, "plan", "Ny omläggning.")
    hand_in(office)
    assert listed(office) == ClashList((), 0)
    run = make_run(office, ANNA, "rivta", utc_now())
    assert run is not None


def test_a_list_to_key_in_leaves_out_what_may_be_there(office: Office) -> None:
    held = confirm(office, "hsl-anteckning", "AAAA01", **NOTE)
    free = confirm(office, "hsl-anteckning", "AAAA02", personnummer=ARNE.pid, **NOTE)
    run = make_run(office, ANNA, "skriv-in", utc_now())
    assert run is not None
    hand_in(office)
    assert key_in.held_back(office, ANNA, run.id) == 1
    shown = key_in.next_entry(office, ANNA, run.id, utc_now())
    assert shown is not None
    assert shown.item.entry_id == free
    give_receipts(office, ANNA, run.id, [Answer(free, accepted=True)], utc_now())
    assert key_in.next_entry(office, ANNA, run.id, utc_now()) is None
    other(office, only(office))
    shown = key_in.next_entry(office, ANNA, run.id, utc_now())
    assert shown is not None
    assert shown.item.entry_id == held


def test_what_stands_in_a_list_to_key_in_is_answered_and_can_go_out_again(office: Office) -> None:
    held = confirm(office, "hsl-anteckning", "AAAA01", **NOTE)
    run = make_run(office, ANNA, "skriv-in", utc_now())
    assert run is not None
    hand_in(office)
    already(office, only(office))
    assert state(office, held) is EntryState.REJECTED
    assert [(status.refused, status.waiting) for status in history(office, ANNA)] == [(1, 0)]
    assert key_in.waiting_runs(office, ANNA) == []
    with office.store.begin() as conn:
        (mark,) = duplicate_marks.duplicates(conn, ANNA)
        duplicate_marks.take_back_duplicate(conn, ANNA, mark.id, utc_now())
    assert get(office, held).signed_by == PER.login
    assert state(office, held) is EntryState.SIGNED
    other(office, only(office))
    again = make_run(office, ANNA, "skriv-in", utc_now())
    assert again is not None
    assert again.entries == 1


def test_what_was_corrected_in_a_list_that_nobody_ticked_is_answered_in_both_lists(office: Office) -> None:
    held = confirm(office, "hsl-anteckning", "AAAA01", **NOTE)
    lists = [make_run(office, ANNA, "skriv-in", utc_now())]
    correct(office, held, "anteckning", "Såret på vänster fot läker fint. Lägger om enligt ordination i dag.")
    lists.append(make_run(office, ANNA, "skriv-in", utc_now()))
    assert all(lists)
    hand_in(office)
    already(office, only(office))
    assert state(office, held) is EntryState.REJECTED
    assert [(status.refused, status.waiting) for status in history(office, ANNA)] == [(1, 0), (1, 0)]
    with office.store.begin() as conn:
        (mark,) = duplicate_marks.duplicates(conn, ANNA)
        duplicate_marks.take_back_duplicate(conn, ANNA, mark.id, utc_now())
    assert state(office, held) is EntryState.SIGNED
    other(office, only(office))
    again = make_run(office, ANNA, "skriv-in", utc_now())
    assert again is not None
    assert again.entries == 1


def test_paper_in_the_queue_is_paired_by_what_the_machine_is_sure_of_and_shows_none_of_it(office: Office) -> None:
    from sqlalchemy import update

    from pipeline.store import tables
    from pipeline.store.entries import UNDECIDED

    held = confirm(office, "hsl-anteckning", "AAAA01", **NOTE)
    with office.store.begin() as conn:
        conn.execute(update(tables.entry).values({**UNDECIDED, "likely_pid": SIV.pid, "client_pid": None}))
    hand_in(office)
    clash = only(office)
    assert (clash.entry.id, clash.ours) == (held, None)
    assert (clash.likeness.minutes, clash.likeness.text) == (None, None)
    already(office, clash)
    assert state(office, held) is EntryState.REJECTED


def test_only_the_own_unit_and_area_decide_and_managers_do_not(office: Office) -> None:
    confirm(office, "hsl-anteckning", "AAAA01", **NOTE)
    social = replace(ANNA, areas=frozenset({"SoL"}))
    for who, unit, area in ((STIG, "Norr", "HSL"), (social, "Norr", "HSL"), (MONA, "Norr", "HSL"), (ALMA, "Norr", "HSL")):
        with pytest.raises(NotAllowedError):
            hand_in(office, unit=unit, area=area, by=who)
    made = hand_in(office)
    clash = only(office)
    assert listed(office, STIG) == listed(office, social) == ClashList((), 0)
    assert len(listed(office, ALMA).clashes) == 1
    with pytest.raises(NotAllowedError):
        listed(office, MONA)
    for who in (STIG, social, MONA, ALMA):
        for act in (already, other):
            with pytest.raises(NotAllowedError):
                act(office, clash, who)
        with office.store.begin() as conn, pytest.raises(NotAllowedError):
            care_lists.erase_list(conn, who, made, utc_now())
    with office.store.begin() as conn, pytest.raises(NotAllowedError):
        view_clash(conn, STIG, clash.entry.id, clash.theirs.digest, utc_now())


def test_a_list_of_one_area_of_law_is_not_compared_with_another(office: Office) -> None:
    confirm(office, "hsl-anteckning", "AAAA01", **NOTE)
    hand_in(office, area="SoL")
    assert listed(office) == ClashList((), 0)
    assert skipped(office, "rivta") == {}


def test_a_hidden_identity_is_counted_and_held_and_decided_where_it_belongs(office: Office) -> None:
    with office.store.begin() as conn:
        registers.save_clients(conn, [Client(SIV.pid, SIV.name, "Söder", protected=True)])
    held = confirm(office, "hsl-anteckning", "AAAA01", **NOTE)
    hand_in(office)
    northern = replace(ANNA, units=frozenset({"Norr"}))
    assert listed(office, northern) == ClashList((), 1)
    assert listed(office, ALMA) == ClashList((), 1)
    clash = only(office)
    for act in (already, other):
        with pytest.raises(NotAllowedError):
            act(office, clash, northern)
    with office.store.begin() as conn, pytest.raises(NotAllowedError):
        view_clash(conn, northern, held, clash.theirs.digest, utc_now())
    assert skipped(office, "rivta") == {held: HELD}


def test_behind_a_block_nothing_is_seen(office: Office) -> None:
    confirm(office, "hsl-anteckning", "AAAA01", **NOTE)
    hand_in(office)
    clash = only(office)
    with office.store.begin() as conn:
        blocks.set_block(conn, ALMA, "Söder", SIV.pid, "Klienten har begärt det", utc_now())
    northern = replace(ANNA, units=frozenset({"Norr"}))
    assert listed(office, northern) == ClashList((), 0)
    with pytest.raises(BlockedClientError):
        already(office, clash, northern)


def test_looks_and_decisions_are_in_the_log_and_no_value_is(office: Office) -> None:
    entry_id = confirm(office, "hsl-anteckning", "AAAA01", **NOTE)
    hand_in(office)
    clash = only(office)
    with office.store.begin() as conn:
        view_clash(conn, ANNA, entry_id, clash.theirs.digest, utc_now())
    already(office, clash)
    with office.store.begin() as conn:
        erase_done(conn, FORMS, 60, utc_now() + care_lists.REGRET)
    with office.store.read() as conn:
        rows = [(row.action, row.subject, row.unit, str(row.detail)) for row in conn.execute(select(event).order_by(event.c.id))]
    actions = [action for action, *_ in rows]
    assert {"save_care_list", "view_clash", "mark_duplicate", "decide_clash", "erase_care_list"} <= set(actions)
    assert all(unit == "Norr" for action, _, unit, _ in rows if "clash" in action or "care_list" in action)
    told = " ".join(" ".join((subject, detail)) for _, subject, _, detail in rows)
    assert not any(word in told for word in (SIV.pid, "Såret", "Bo Ek", "08:27"))


def test_the_rows_go_when_nothing_is_left_to_compare_when_asked_and_when_they_are_old(office: Office) -> None:
    hand_in(office)
    assert rows_kept(office) == 1
    listed(office)
    assert rows_kept(office) == 0, "no paper waits and nothing matches"
    confirm(office, "hsl-anteckning", "AAAA01", **NOTE)
    made = hand_in(office, ROW, CareRow((ARNE.pid,), "2021-12-17"))
    clash = only(office)
    assert rows_kept(office) == 2
    with office.store.begin() as conn:
        assert [(one.id, one.unit, one.rows, one.by) for one in care_lists.lists(conn, ALMA)] == [(made, "Norr", 2, "Anna Öst")]
        care_lists.erase_list(conn, ANNA, made, utc_now())
        assert care_lists.lists(conn, ALMA) == []
        with pytest.raises(ReviewError):
            care_lists.erase_list(conn, ANNA, made, utc_now())
    assert rows_kept(office) == 0
    with pytest.raises(StaleDecisionError):
        already(office, clash)
    hand_in(office)
    late = utc_now() + care_lists.LONGEST + timedelta(hours=1)
    with office.store.begin() as conn:
        assert clash_list(conn, FORMS, ANNA, 60, late) == ClashList((), 0)
        erase_done(conn, FORMS, 60, late)
    assert rows_kept(office) == 0


def test_a_list_needs_a_unit_that_there_is_and_rows(office: Office) -> None:
    with office.store.begin() as conn:
        for unit, rows in (("Ingen", (ROW,)), ("Norr", ())):
            with pytest.raises(UsageError):
                care_lists.save_list(conn, ANNA, unit, "HSL", rows, utc_now())


def test_a_list_that_nothing_matches_is_erased_at_once(office: Office) -> None:
    hand_in_list(office, ANNA, "Norr", "HSL", CareList((ROW,)), utc_now())
    assert rows_kept(office) == 0
    confirm(office, "hsl-anteckning", "AAAA01", **NOTE)
    hand_in_list(office, ANNA, "Norr", "HSL", CareList((ROW,)), utc_now())
    already(office, only(office))
    listed(office)
    assert rows_kept(office) == 1, "the decision can still be taken back"
    with office.store.begin() as conn:
        erase_done(conn, FORMS, 60, utc_now() + care_lists.REGRET)
    assert rows_kept(office) == 0


def test_a_number_that_may_mean_two_persons_is_the_one_of_the_register(office: Office) -> None:
    confirm(office, "hsl-anteckning", "AAAA01", **NOTE)
    hand_in(office, replace(ROW, pids=("202801287158", SIV.pid)))
    assert only(office).theirs.pid == SIV.pid
    assert rows_kept(office) == 1
