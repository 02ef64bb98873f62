"""HSA-ids of units and staff: typed by the administrator, kept by imports, found for records."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pipeline.domain.errors import NotAllowedError, UsageError
from pipeline.domain.model import StaffMember
from pipeline.store.accounts.people import save_person
from pipeline.store.database.store import Store
from pipeline.store.event_log.events import list_events
from pipeline.store.registers import hsa_ids
from pipeline.store.registers.client_register import save_units
from pipeline.store.registers.staff import load_staff_list, save_staff
from tests.support.store.ward import ADMIN, EVA, NILS, NORTH, Ward

pytest_plugins = ("tests.support.store.databases",)
pytestmark = pytest.mark.both_databases
EVA_ID, NILS_ID, UNIT_ID = "SE5560000000-EVA", "SE165560000000-NILS", "SE5560000000-NORR"
MEMBER = StaffMember(EVA.name, "sjuksköterska", "EV", NORTH)


@pytest.fixture
def ward(store: Store) -> Ward:
    """The test organisation."""
    return Ward(store).begin()


def test_ids_are_saved_once_counted_and_logged_without_a_name(ward: Ward) -> None:
    with ward.store.begin() as conn:
        save_staff(conn, [MEMBER])
        member = replace(MEMBER, hsa_id=EVA_ID)
        assert hsa_ids.save_hsa_ids(conn, ADMIN, {NORTH: UNIT_ID}, [member]) == 2
        assert hsa_ids.save_hsa_ids(conn, ADMIN, {NORTH: UNIT_ID}, [member]) == 0
    with ward.store.read() as conn:
        assert hsa_ids.hsa_ids_by_unit(conn) == {NORTH: UNIT_ID}
        assert load_staff_list(conn) == [member]
        (event,) = [one for one in list_events(conn, "staff") if one.action == "save_hsa_ids"]
    assert (event.by, event.detail) == (ADMIN.login, {"units": 1, "rows": 1})


@pytest.mark.parametrize(
    ("unit_id", "members", "key"),
    [
        ("19121212", (), "hsa_id_wrong"),
        ("", (replace(MEMBER, hsa_id="SE5560000000"),), "hsa_id_wrong"),
        ("", (replace(MEMBER, role_code="2060"),), "role_code_wrong"),
        ("", (replace(MEMBER, signature="XX", hsa_id=EVA_ID),), "staff_member_gone"),
        (
            "",
            (
                replace(MEMBER, hsa_id=EVA_ID),
                StaffMember(NILS.name, "", "NI", NORTH, EVA_ID),
            ),
            "hsa_id_shared",
        ),
    ],
)
def test_what_is_no_id_of_one_person_is_refused(
    ward: Ward, unit_id: str, members: tuple[StaffMember, ...], key: str
) -> None:
    with ward.store.begin() as conn:
        save_staff(conn, [MEMBER, StaffMember(NILS.name, "", "NI", NORTH)])
    with ward.store.read() as conn, pytest.raises(UsageError) as caught:
        hsa_ids.save_hsa_ids(conn, ADMIN, {NORTH: unit_id}, members)
    assert caught.value.key == f"error.{key}"


def test_only_those_who_keep_the_tables_save_ids(ward: Ward) -> None:
    with ward.store.read() as conn, pytest.raises(NotAllowedError):
        hsa_ids.save_hsa_ids(conn, EVA, {NORTH: UNIT_ID}, [])


def test_a_unit_keeps_its_id_when_its_area_changes(ward: Ward) -> None:
    with ward.store.begin() as conn:
        save_units(conn, {NORTH: "HSL"}, hsa_ids={NORTH: UNIT_ID})
        save_units(conn, {NORTH: "SoL"})
        assert hsa_ids.hsa_ids_by_unit(conn) == {NORTH: UNIT_ID}
        with pytest.raises(UsageError, match=NORTH):
            save_units(conn, {NORTH: "SoL"}, hsa_ids={NORTH: "norr"})


@pytest.mark.parametrize(("missing", "kept"), [(("hsa_id",), EVA_ID), ((), "")])
def test_a_list_without_the_column_keeps_the_ids(
    ward: Ward, missing: tuple[str, ...], kept: str
) -> None:
    with ward.store.begin() as conn:
        save_staff(conn, [replace(MEMBER, hsa_id=EVA_ID)])
        save_staff(conn, [MEMBER], missing_columns=missing)
        assert [member.hsa_id for member in load_staff_list(conn)] == [kept]


def test_an_account_has_the_id_of_its_key_else_of_its_name_in_its_units(ward: Ward) -> None:
    staff = [
        replace(MEMBER, hsa_id=EVA_ID),
        StaffMember(NILS.name, "", "NI", "another unit", "SE5560000000-NAMNE"),
    ]
    with ward.store.begin() as conn:
        save_person(conn, EVA, None)
        assert hsa_ids.hsa_ids_by_login(conn, staff) == {EVA.login: EVA_ID}
        save_person(conn, replace(NILS, key=NILS_ID), None)
        assert hsa_ids.hsa_ids_by_login(conn, staff) == {EVA.login: EVA_ID, NILS.login: NILS_ID}
