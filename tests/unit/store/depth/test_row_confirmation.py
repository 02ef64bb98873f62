"""Rows without a deviation are confirmed in one step; each stays an entry of its own client."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pipeline.domain.errors import NotAllowedError, ReviewError
from pipeline.domain.form.form import Depth, Form, Forms
from pipeline.domain.model import EntryState, IssuedSheet, Person, Reading, State, Value
from pipeline.domain.record import TypedPart
from pipeline.domain.review.rules import Answer
from pipeline.review.rows import SeenRow, confirm_rows, list_rows
from pipeline.store.database.store import Store
from pipeline.store.entries.answers import AnswerOrigin, decided_answers
from pipeline.store.entries.entry import load_entry
from pipeline.store.entries.entry_depth import find_depth, set_sheet_depth, set_unit_depth
from pipeline.store.exports.records import load_records
from tests.support.store.ward import (
    ASTA,
    BROR,
    CHIEF,
    CILLA,
    EVA,
    FORMS,
    NILS,
    NORTH,
    NOTE,
    NOW,
    SOFIA,
    VISITS,
    Ward,
    page_reading,
)

pytest_plugins = ("tests.support.store.databases",)
SAID: dict[str, Value] = {
    "datum": "2026-02-17",
    "skribent": "Disa Penn",
    "rad01.pnr": ASTA.pid,
    "rad01.tid": "08:15",
    "rad01.mat": True,
    "rad02.pnr": BROR.pid,
    "rad02.tid": "09:00",
    "rad02.mat": True,
}


def visits(store: Store, **other: Reading) -> Ward:
    """A list of two visits that the machine is sure of, apart from `other`, by row and field."""
    ward = Ward(store).begin()
    ward.issue(IssuedSheet("VVVV", VISITS.id, 1, NORTH))
    read = page_reading(VISITS, "VVVV", SAID)
    sure = {name: replace(one, p=0.9995) for name, one in read.fields.items()}
    changed = {name.replace("__", "."): one for name, one in other.items()}
    ward.read(ward.scan(), replace(read, fields=sure | changed))
    with store.begin() as conn:
        set_unit_depth(conn, FORMS, CHIEF, NORTH, VISITS.id, Depth.DEVIATIONS, NOW)
    return ward


def confirmable(ward: Ward) -> dict[str, tuple[str, ...]]:
    """What is in the way, by row."""
    with ward.store.read() as conn:
        rows = list_rows(conn, FORMS, EVA, "VVVV", NOW)
    return {row.entry.id: row.deviations for row in rows}


def confirm_all(ward: Ward) -> list[str]:
    with ward.store.begin() as conn:
        seen = [SeenRow(row.entry.id, 0) for row in list_rows(conn, FORMS, EVA, "VVVV", NOW)]
        return confirm_rows(conn, FORMS, EVA, seen, NOW).confirmed


def test_rows_are_confirmed_together_and_stay_records_of_their_own_clients(store: Store) -> None:
    ward = visits(store)
    assert confirm_all(ward) == ["VVVV-01", "VVVV-02"]
    with store.read() as conn:
        records = load_records(conn, FORMS, ["VVVV-01", "VVVV-02"])
        origins = {one.origin for one in decided_answers(conn, "VVVV-01").values()}
        states = {load_entry(conn, record.entry_id).state for record in records}
    assert [(one.client.pid, one.fields["tid"]) for one in records] == [
        (ASTA.pid, "08:15"),
        (BROR.pid, "09:00"),
    ]
    assert {one.typed for one in records} == {TypedPart.WHOLE}
    assert (origins, states) == ({AnswerOrigin.ACCEPTED}, {EntryState.CONFIRMED})


@pytest.mark.parametrize(
    ("name", "reading"),
    [
        ("rad02.pnr", Reading(BROR.pid, 0.998, State.READ)),
        ("rad02.tid", Reading("09:00", 0.5, State.READ)),
        ("rad02.mat", Reading(True, 0.9, State.READ)),
    ],
)
def test_a_row_that_is_not_read_for_certain_is_left(
    store: Store, name: str, reading: Reading
) -> None:
    ward = visits(store, **{name.replace(".", "__"): reading})
    assert confirmable(ward) == {"VVVV-01": (), "VVVV-02": (name,)}
    assert confirm_all(ward) == ["VVVV-01"]


@pytest.mark.parametrize(
    ("typed", "state"),
    [("09:00", EntryState.CONFIRMED), ("09:10", EntryState.SECOND), ("", EntryState.REVIEW)],
)
def test_what_the_machine_is_not_sure_of_is_typed_in_the_row(
    store: Store, typed: str, state: EntryState
) -> None:
    ward = visits(store, rad02__tid=Reading("09:00", 0.5, State.READ))
    answers = {"rad02.tid": Answer(typed)} if typed else {}
    with ward.store.begin() as conn:
        confirm_rows(conn, FORMS, EVA, [SeenRow("VVVV-02", 0, answers)], NOW)
        decided = decided_answers(conn, "VVVV-02")
        assert load_entry(conn, "VVVV-02").state is state
    if typed:
        assert decided["rad02.tid"].origin is AnswerOrigin.TYPED
        assert decided["rad02.pnr"].origin is AnswerOrigin.ACCEPTED


def test_what_was_read_above_the_rows_is_shown_and_can_be_corrected_for_all(store: Store) -> None:
    ward = visits(store)
    with ward.store.begin() as conn:
        rows = list_rows(conn, FORMS, EVA, "VVVV", NOW)
        assert [row.head for row in rows] == [("datum", "skribent")] * 2
        corrected = {"skribent": Answer("Disa Pehn")}
        seen = [SeenRow(row.entry.id, 0, corrected) for row in rows]
        confirm_rows(conn, FORMS, EVA, seen, NOW)
        decided = [decided_answers(conn, row.entry.id) for row in rows]
    assert [one["skribent"].answer.value for one in decided] == ["Disa Pehn"] * 2
    assert {one["skribent"].origin for one in decided} == {AnswerOrigin.CHANGED}
    assert {one["datum"].origin for one in decided} == {AnswerOrigin.ACCEPTED}


def test_a_client_outside_the_register_is_left(store: Store) -> None:
    ward = visits(store, rad02__pnr=Reading("189001049817", 0.9995, State.READ))
    assert confirm_all(ward) == ["VVVV-01"]


def test_a_row_that_a_colleague_changed_since_is_left(store: Store) -> None:
    ward = visits(store)
    with ward.store.begin() as conn:
        seen = [SeenRow("VVVV-01", 7), SeenRow("VVVV-02", 0)]
        assert confirm_rows(conn, FORMS, EVA, seen, NOW).confirmed == ["VVVV-02"]


def test_another_unit_confirms_nothing(store: Store) -> None:
    ward = visits(store)
    with pytest.raises(NotAllowedError), ward.store.begin() as conn:
        confirm_rows(conn, FORMS, SOFIA, [SeenRow("VVVV-01", 0)], NOW)


def test_a_form_that_is_typed_as_a_whole_has_no_such_rows(store: Store) -> None:
    ward = visits(store)
    with ward.store.begin() as conn:
        set_unit_depth(conn, FORMS, CHIEF, NORTH, VISITS.id, None, NOW)
    assert confirmable(ward) == {}


def test_a_reviewer_goes_deeper_for_one_sheet(store: Store) -> None:
    ward = visits(store)
    with ward.store.begin() as conn:
        set_sheet_depth(conn, FORMS, NILS, "VVVV-01", 0, Depth.FULL, NOW)
        assert find_depth(conn, VISITS, load_entry(conn, "VVVV-02")) is Depth.FULL
    assert confirmable(ward) == {}


@pytest.mark.parametrize(
    ("who", "form", "depth", "error"),
    [
        (EVA, VISITS, Depth.DEVIATIONS, NotAllowedError),
        (CHIEF, NOTE, Depth.DEVIATIONS, ReviewError),
    ],
    ids=["no manager", "a form without deviations"],
)
def test_a_depth_is_refused(
    store: Store, who: Person, form: Form, depth: Depth, error: type[Exception]
) -> None:
    Ward(store).begin()
    with pytest.raises(error), store.begin() as conn:
        set_unit_depth(conn, FORMS, who, NORTH, form.id, depth, NOW)


def test_what_two_people_must_see_is_typed_as_a_whole(store: Store) -> None:
    Ward(store).begin()
    strict = Forms(FORMS)
    strict.double_check = frozenset({VISITS.id})
    with pytest.raises(ReviewError), store.begin() as conn:
        set_unit_depth(conn, strict, CHIEF, NORTH, VISITS.id, Depth.DEVIATIONS, NOW)


def test_a_protected_client_of_another_unit_is_left(store: Store) -> None:
    ward = visits(store, rad02__pnr=Reading(CILLA.pid, 0.9995, State.READ))
    with ward.store.begin() as conn:
        conn.exec_driver_sql(f"UPDATE client SET protected = true WHERE pid = '{CILLA.pid}'")
    assert confirm_all(ward) == ["VVVV-01"]


@pytest.mark.parametrize(
    ("name", "reading", "is_blank"),
    [
        ("mat", Reading(True, 0.3, State.READ), True),
        ("mat", Reading(True, 0.9, State.READ), False),
        ("pnr", Reading(BROR.pid, 0.3, State.READ), False),
        ("tid", Reading(None, 0.3, State.ILLEGIBLE), False),
    ],
)
def test_a_row_in_which_nothing_was_read_looks_blank(
    store: Store, name: str, reading: Reading, *, is_blank: bool
) -> None:
    ward = visits(store, **{f"rad03__{name}": reading})
    with ward.store.read() as conn:
        rows = list_rows(conn, FORMS, EVA, "VVVV", NOW)
    assert [row.looks_blank for row in rows] == [False, False, is_blank]
