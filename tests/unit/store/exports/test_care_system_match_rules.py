"""The clash list: lists to key in, who decides, what is logged and when rows go."""

from __future__ import annotations

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
from pipeline.export.care_system_check.decisions import import_care_list as hand_in_list
from pipeline.export.care_system_check.decisions import (
    record_match_view,
)
from pipeline.export.care_system_matches import (
    HELD_FOR_MATCH,
    CareSystemMatchList,
    erase_settled_lists,
    list_matches,
)
from pipeline.export.key_in import screen
from pipeline.export.runs import ExportContext, list_runs
from pipeline.export.runs.receipts import ReceiptAnswer, submit_receipts
from pipeline.registers.care_system_list import CareList, CareRow
from pipeline.review import rejections
from pipeline.store.exports import care_system_exports
from pipeline.store.registers import blocks, client_register
from pipeline.store.review import duplicate_entries
from pipeline.store.schema.clock import utc_now
from pipeline.store.schema.exports import care_row
from pipeline.store.schema.paper import event
from tests.support.store.export_examples import ARNE, FORMS, SIV
from tests.support.store.export_office import (
    ANNA,
    MONA,
    PER,
    STIG,
    confirm,
    correct,
    count_held_back,
    next_client,
    state,
)
from tests.support.store.route_steps import make_run
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

ALMA = Person(
    "alma", "Alma Ek", "administratör", Role.ADMINISTRATOR, frozenset({"Norr", "Söder"}), ANNA.areas
)


def rows_kept(office: ExportContext) -> int:
    with office.store.read() as conn:
        return int(conn.execute(select(func.count()).select_from(care_row)).scalar_one())


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
    assert count_held_back(office, ANNA, run.id) == 1
    shown = next_client(office, ANNA, run.id)
    assert shown is not None
    assert shown.entry_ids[0] == free
    submit_receipts(office, ANNA, run.id, [ReceiptAnswer(free, accepted=True)], utc_now())
    assert next_client(office, ANNA, run.id) is None
    other(office, only(office))
    shown = next_client(office, ANNA, run.id)
    assert shown is not None
    assert shown.entry_ids[0] == held


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
    assert screen.list_waiting_lists(office, ANNA) == []
    with office.store.begin() as conn:
        (mark,) = duplicate_entries.list_duplicate_marks(conn, ANNA)
        rejections.withdraw_duplicate_mark(conn, ANNA, mark.id, utc_now())
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
        rejections.withdraw_duplicate_mark(conn, ANNA, mark.id, utc_now())
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
