"""A pack is in reserve until it is opened: only then can its sheets be missing."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from pipeline.domain.errors import NotAllowedError, UsageError
from pipeline.domain.model import IssuedSheet
from pipeline.forms.fiducials import new_serial
from pipeline.store.database.store import Store
from pipeline.store.event_log.events import list_events
from pipeline.store.registers import packs
from pipeline.store.registers.packs import Pack
from pipeline.store.reports.sheet_accounting import (
    NO_UNIT,
    count_sheets,
    list_missing_sheets,
    save_unused_sheets,
)
from tests.support.store.ward import (
    ADMIN,
    CHIEF,
    EVA,
    NORTH,
    NOTE,
    NOW,
    SAID,
    SOUTH,
    Ward,
    page_reading,
)

pytest_plugins = ("tests.support.store.databases",)
TODAY = date(2026, 2, 18)


@pytest.fixture
def ward(store: Store) -> Ward:
    """A ward for which 187 sheets were printed, and two for its neighbour."""
    ward = Ward(store).begin()
    ward.issue(
        *(IssuedSheet(new_serial(), NOTE.id, 1, NORTH) for _ in range(187)),
        *(IssuedSheet(new_serial(), NOTE.id, 1, SOUTH) for _ in range(2)),
    )
    return ward


def counted(ward: Ward) -> tuple[int, int, int]:
    """Returned, in reserve and missing of the north."""
    with ward.store.read() as conn:
        (balance,) = count_sheets(conn, {NORTH})
    assert balance.issued == (balance.returned + balance.unused + balance.reserve + balance.missing)
    return balance.returned, balance.reserve, balance.missing


def northern(ward: Ward) -> Pack:
    with ward.store.read() as conn:
        (pack,) = packs.list_packs(conn, ADMIN, {NORTH})
    return pack


def first_serial(ward: Ward) -> str:
    with ward.store.begin() as conn:
        packs.open_pack(conn, ADMIN, northern(ward).id, TODAY, NOW)
        serial = list_missing_sheets(conn, CHIEF)[0].serial
        packs.undo_open_pack(conn, ADMIN, northern(ward).id, NOW)
    return serial


def test_a_printed_pack_misses_nothing(ward: Ward) -> None:
    assert counted(ward) == (0, 187, 0)
    with ward.store.read() as conn:
        assert list_missing_sheets(conn, CHIEF) == []
    assert not northern(ward).is_open


def test_a_day_opens_the_pack_and_can_be_taken_back(ward: Ward) -> None:
    pack = northern(ward)
    with ward.store.begin() as conn:
        packs.open_pack(conn, ADMIN, pack.id, TODAY, NOW)
    assert counted(ward) == (0, 0, 187)
    assert (northern(ward).opened_on, northern(ward).is_open) == ("2026-02-18", True)
    with ward.store.begin() as conn:
        with pytest.raises(UsageError, match="open already"):
            packs.open_pack(conn, ADMIN, pack.id, TODAY, NOW)
        packs.undo_open_pack(conn, ADMIN, pack.id, NOW)
        with pytest.raises(UsageError, match="registered that the pack is open"):
            packs.undo_open_pack(conn, ADMIN, pack.id, NOW)
        actions = [event.action for event in list_events(conn, pack.id)]
    assert counted(ward) == (0, 187, 0)
    assert actions == ["open_pack", "undo_open_pack"]


def test_the_first_scanned_sheet_opens_its_own_pack_only(ward: Ward) -> None:
    ward.issue(IssuedSheet(new_serial(), NOTE.id, 1, NORTH))
    serial = new_serial()
    ward.issue(*(IssuedSheet(one, NOTE.id, 1, NORTH) for one in (serial, new_serial())))
    ward.read(ward.scan(), page_reading(NOTE, serial, SAID))
    assert counted(ward) == (1, 188, 1)
    with ward.store.read() as conn:
        assert [pack.scanned for pack in packs.list_packs(conn, ADMIN, {NORTH})] == [1, 0, 0]
        (southern,) = packs.list_packs(conn, ADMIN, {SOUTH})
    assert (southern.sheets, southern.is_open) == (2, False)


def test_a_sheet_given_back_unused_is_neither_missing_nor_in_reserve(ward: Ward) -> None:
    serial = first_serial(ward)
    with ward.store.begin() as conn:
        save_unused_sheets(conn, ADMIN, NORTH, serial, NOW)
    assert counted(ward) == (0, 186, 0)


def test_a_pack_is_opened_by_who_prints_for_its_unit_and_not_in_the_future(ward: Ward) -> None:
    pack = northern(ward)
    with ward.store.begin() as conn:
        with pytest.raises(NotAllowedError):
            packs.open_pack(conn, EVA, pack.id, TODAY, NOW)
        with pytest.raises(UsageError, match="not come yet"):
            packs.open_pack(conn, ADMIN, pack.id, (NOW + timedelta(days=2)).date(), NOW)
        for unknown in ("", "x"):
            with pytest.raises(UsageError, match="no such pack"):
                packs.open_pack(conn, ADMIN, unknown, TODAY, NOW)


def test_a_pack_for_a_unit_that_is_not_known_here_is_in_reserve_too(ward: Ward) -> None:
    ward.issue(IssuedSheet(new_serial(), NOTE.id, 1, "Okänd"))
    with ward.store.read() as conn:
        (balance,) = count_sheets(conn, {NO_UNIT})
    assert (balance.reserve, balance.missing) == (1, 0)
