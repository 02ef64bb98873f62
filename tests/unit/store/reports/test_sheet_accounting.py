"""Every printed sheet is accounted for: come back, returned unused, or missing."""

from __future__ import annotations

import pytest

from pipeline.domain.errors import NotAllowedError, UsageError
from pipeline.domain.model import IssuedSheet
from pipeline.forms.fiducials import format_serial, new_serial
from pipeline.reporting.progress import make_progress_report
from pipeline.store.database.store import Store
from pipeline.store.event_log.events import list_events
from pipeline.store.registers import packs
from pipeline.store.registers.client_register import save_units
from pipeline.store.reports.sheet_accounting import (
    NO_UNIT,
    count_sheets,
    list_missing_sheets,
    list_unused_sheets,
    save_unused_sheets,
    undo_unused_sheets,
)
from tests.support.store.ward import (
    ADMIN,
    ASTA,
    CHIEF,
    FORMS,
    NORTH,
    NOTE,
    NOW,
    SAID,
    SOUTH,
    VISITS,
    Ward,
    page_reading,
)

pytest_plugins = ("tests.support.store.databases",)
NOTES = [new_serial() for _ in range(6)]
VISIT = new_serial()


@pytest.fixture
def ward(store: Store) -> Ward:
    """Six notes and a visit list were printed for the north; the first note has come back."""
    ward = Ward(store).begin()
    ward.issue(
        *(IssuedSheet(serial, NOTE.id, 1, NORTH) for serial in NOTES),
        IssuedSheet(VISIT, VISITS.id, 1, NORTH),
    )
    ward.read(ward.scan(), page_reading(NOTE, NOTES[0], SAID))
    return ward


def counts(ward: Ward) -> dict[str, tuple[int, int, int, int]]:
    with ward.store.read() as conn:
        return {
            one.form: (one.issued, one.returned, one.unused, one.missing)
            for one in count_sheets(conn, {NORTH})
        }


def give(ward: Ward, typed: str, unit: str = NORTH) -> int:
    with ward.store.begin() as conn:
        return save_unused_sheets(conn, ADMIN, unit, typed, NOW)


def test_sheets_as_people_write_them_are_registered_once_and_taken_back(ward: Ward) -> None:
    assert give(ward, f"{format_serial(NOTES[1]).lower()}, {NOTES[2]}\n{VISIT}") == 3
    assert give(ward, NOTES[1]) == 0
    assert counts(ward) == {NOTE.id: (6, 1, 2, 3), VISITS.id: (1, 0, 1, 0)}
    with ward.store.begin() as conn:
        (lot,) = list_unused_sheets(conn, ADMIN)
        assert (lot.unit, lot.sheets, lot.by) == (NORTH, 3, "admin")
        assert undo_unused_sheets(conn, ADMIN, lot.id, NOW) == 3
        assert [event.action for event in list_events(conn, lot.id)] == [
            "return_unused",
            "undo_unused",
        ]
    assert counts(ward) == {NOTE.id: (6, 1, 0, 5), VISITS.id: (1, 0, 0, 1)}
    assert give(ward, NOTES[1]) == 1


@pytest.mark.parametrize("between", ["–", " – ", "..", " - "])
def test_a_range_is_of_sheets_in_the_order_of_printing(ward: Ward, between: str) -> None:
    assert give(ward, f"{NOTES[4]}{between}{NOTES[2]}") == 3
    assert counts(ward)[NOTE.id] == (6, 1, 3, 2)


def test_nothing_is_registered_if_one_sheet_is_wrong(ward: Ward) -> None:
    for typed in (
        "",
        f"{NOTES[1]} ABC",
        f"{NOTES[1]} {NOTES[0]}",
        f"{NOTES[1]} {new_serial()}",
        f"{NOTES[0]}–{NOTES[3]}",
        f"{NOTES[1]}–{VISIT}",
    ):
        with pytest.raises(UsageError):
            give(ward, typed)
    with pytest.raises(UsageError):
        give(ward, NOTES[1], SOUTH)
    assert counts(ward)[NOTE.id] == (6, 1, 0, 5)


def test_a_sheet_that_is_scanned_after_all_has_come_back(ward: Ward) -> None:
    give(ward, NOTES[1])
    ward.read(ward.scan(), page_reading(NOTE, NOTES[1], SAID))
    assert counts(ward)[NOTE.id] == (6, 2, 0, 4)


def test_sheets_of_a_unit_that_is_not_known_are_missed_by_who_prints_and_can_be_returned(
    ward: Ward,
) -> None:
    first, second = new_serial(), new_serial()
    ward.issue(
        IssuedSheet(first, NOTE.id, 1, "Norr"), IssuedSheet(second, NOTE.id, 1, "", ASTA.pid)
    )
    with ward.store.begin() as conn:
        for pack in packs.list_packs(conn, ADMIN, {"Norr", ""}):
            packs.open_pack(conn, ADMIN, pack.id, NOW.date(), NOW)
    with ward.store.read() as conn:
        assert {
            (one.serial, one.unit) for one in list_missing_sheets(conn, ADMIN) if not one.unit
        } == {(first, NO_UNIT), (second, NO_UNIT)}
        assert all(one.unit == NORTH for one in list_missing_sheets(conn, CHIEF))
        assert [
            one.issued
            for one in make_progress_report(conn, FORMS, ADMIN, NOW).sheets
            if one.unit == NO_UNIT
        ] == [2]
        assert all(one.unit for one in make_progress_report(conn, FORMS, CHIEF, NOW).sheets)
    with pytest.raises(UsageError):
        give(ward, NOTES[1], NO_UNIT)
    assert give(ward, f"{first}–{second}", NO_UNIT) == 2
    with ward.store.begin() as conn:
        (lot,) = list_unused_sheets(conn, ADMIN)
        assert (lot.unit, lot.sheets) == (NO_UNIT, 2)
        assert undo_unused_sheets(conn, ADMIN, lot.id, NOW) == 2
        save_units(conn, {"Norr": "HSL"})
        assert [one.serial for one in list_missing_sheets(conn, ADMIN) if not one.unit] == [second]
        with pytest.raises(NotAllowedError):
            save_unused_sheets(conn, CHIEF, NO_UNIT, second, NOW)


def test_a_manager_sees_figures_but_registers_no_sheets(ward: Ward) -> None:
    with ward.store.begin() as conn, pytest.raises(NotAllowedError):
        save_unused_sheets(conn, CHIEF, NORTH, NOTES[1], NOW)
