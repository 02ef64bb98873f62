"""HSA-id: ids and role codes are typed into the tables, saved once, and wrong ones are reported."""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd
import pytest
import streamlit as st

from pipeline.domain.model import StaffMember
from pipeline.store.database.store import Store
from pipeline.store.registers.hsa_ids import hsa_ids_by_unit
from pipeline.store.registers.staff import load_staff_list, save_staff
from tests.support.screens.seeding import ADMINISTRATOR, UNIT
from tests.unit.ui.conftest import OpenScreen

MEMBER = StaffMember("Åsa Berg", "sjuksköterska", "ÅB", UNIT)
UNIT_ID, MEMBER_ID = "SE5560000000-NORR", "SE5560000000-AB"


@pytest.fixture
def type_ids(monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], None]:
    """Type an id of the unit and one of the person into the tables."""

    def typed(unit_id: str, member_id: str) -> None:
        def edited(table: pd.DataFrame, **_: object) -> pd.DataFrame:
            if "Namn" in table:
                return table.assign(**{"HSA-id": member_id, "Befattningskod": "206010"})
            return table.assign(
                **{"HSA-id": table["HSA-id"].where(table["Enhet"] != UNIT, unit_id)}
            )

        monkeypatch.setattr(st, "data_editor", edited)

    return typed


def test_ids_are_saved_and_a_wrong_one_is_told_with_its_row(
    store: Store, open_screen: OpenScreen, type_ids: Callable[[str, str], None]
) -> None:
    with store.begin() as conn:
        save_staff(conn, [MEMBER])
    type_ids(UNIT_ID.lower(), "ÅB")
    app = open_screen(ADMINISTRATOR, "hsa_ids")
    assert any("1 av 1 saknar HSA-id" in each.value for each in app.caption)
    app.button(key="hsa_save").click().run()
    assert f"ÅB, {UNIT}: det är inget HSA-id." in app.info[0].value
    type_ids(UNIT_ID.lower(), MEMBER_ID.lower())
    app.button(key="hsa_save").click().run()
    assert not app.exception
    assert "2 uppgifter sparade" in app.info[0].value
    with store.read() as conn:
        assert hsa_ids_by_unit(conn) == {UNIT: UNIT_ID}
        (member,) = load_staff_list(conn)
    assert (member.hsa_id, member.role_code) == (MEMBER_ID, "206010")


def test_without_staff_the_screen_says_how_the_list_is_imported(open_screen: OpenScreen) -> None:
    app = open_screen(ADMINISTRATOR, "hsa_ids")
    assert any("efterskrift staff" in each.value for each in app.caption)


def test_what_is_saved_unchanged_says_how_a_cell_is_ended(open_screen: OpenScreen) -> None:
    app = open_screen(ADMINISTRATOR, "hsa_ids")
    app.button(key="hsa_save").click().run()
    assert any("tryck Enter" in info.value for info in app.info)
