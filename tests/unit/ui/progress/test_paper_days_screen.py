"""Papper per dag: the gaps in words, and the sheets of a chosen day."""

from __future__ import annotations

from datetime import date

from pipeline.domain.dates import today_in_sweden
from pipeline.domain.model import IssuedSheet
from pipeline.forms.fiducials import format_serial_or_id, new_serial
from pipeline.registers.planned_visits import PlanKind
from pipeline.store.database.store import Store
from pipeline.store.registers import packs
from pipeline.store.registers.issued_sheets import save_issued_sheets
from pipeline.store.registers.planning import save_planned
from pipeline.store.schema.clock import utc_now
from tests.support.screens import seeding
from tests.support.screens.seeding import ADMINISTRATOR, MANAGER, OTHER_UNIT, UNIT
from tests.unit.ui.conftest import OpenScreen


def test_before_there_is_any_paper_no_day_is_called_a_gap_unless_days_are_chosen(
    open_screen: OpenScreen,
) -> None:
    app = open_screen(MANAGER, "paper_days")
    assert not app.warning
    assert any("Inget papper har skannats" in one.value for one in app.info)
    app.date_input(key="paper_first").set_value(date(2021, 12, 17)).run()
    app.date_input(key="paper_last").set_value(date(2021, 12, 19)).run()
    assert len(app.warning) == 2
    assert not app.info


def test_the_days_without_paper_are_said_in_words(store: Store, open_screen: OpenScreen) -> None:
    seeding.add_notes(store, 2)
    app = open_screen(MANAGER, "paper_days")
    assert not app.exception
    app.date_input(key="paper_first").set_value(date(2021, 12, 17)).run()
    app.date_input(key="paper_last").set_value(date(2021, 12, 19)).run()
    assert [one.value for one in app.warning] == [
        f"**{UNIT}**: 2 dagar: 2021-12-17, 2021-12-19",
        f"**{OTHER_UNIT}**: 3 dagar: alla dagar som visas",
    ]


def test_days_off_are_no_gaps_once_the_plan_is_known(store: Store, open_screen: OpenScreen) -> None:
    seeding.add_notes(store, 1)
    with store.begin() as conn:
        save_planned(
            conn,
            MANAGER,
            PlanKind.SHIFTS,
            {(unit, f"2021-12-{day}"): 0 for unit in (UNIT, OTHER_UNIT) for day in (17, 18, 19)},
        )
    app = open_screen(MANAGER, "paper_days")
    app.date_input(key="paper_first").set_value(date(2021, 12, 17)).run()
    app.date_input(key="paper_last").set_value(date(2021, 12, 19)).run()
    assert [one.value for one in app.warning] == []
    assert [one.value for one in app.success] == [
        "Varje enhet har papper för varje dag som den arbetade."
    ]


def test_a_chosen_day_lists_its_sheets_and_an_empty_one_says_what_to_do(
    store: Store, open_screen: OpenScreen
) -> None:
    serial = seeding.add_notes(store, 1)[0].rpartition("-")[0]
    app = open_screen(MANAGER, "paper_days")
    app.date_input(key="paper_last").set_value(date(2021, 12, 20)).run()
    app.selectbox(key="paper_chosen").set_value((UNIT, "2021-12-18")).run()
    assert any(format_serial_or_id(serial) in one.proto.body for one in app.get("html"))
    app.selectbox(key="paper_chosen").set_value((UNIT, "2021-12-20")).run()
    assert any("Fråga enheten" in one.value for one in app.markdown)


def test_a_sheet_of_a_unit_that_is_not_known_is_listed_and_can_be_returned_by_who_prints(
    store: Store, open_screen: OpenScreen
) -> None:
    serial = new_serial()
    with store.begin() as conn:
        save_issued_sheets(conn, [IssuedSheet(serial, "hsl-anteckning", 1, "")], by="kommandorad")
        (pack,) = packs.list_packs(conn, ADMINISTRATOR, {""})
        packs.open_pack(conn, ADMINISTRATOR, pack.id, today_in_sweden(), utc_now())
    listed = [one.proto.body for one in open_screen(ADMINISTRATOR, "paper_days").get("html")]
    assert any("Okänd enhet" in one and format_serial_or_id(serial) in one for one in listed)
    assert any(
        one.value.startswith("Okänd enhet: ")
        for one in open_screen(ADMINISTRATOR, "paper_days").caption
    )
    assert not any(
        format_serial_or_id(serial) in one.proto.body
        for one in open_screen(MANAGER, "paper_days").get("html")
    )
    app = open_screen(ADMINISTRATOR, "scan")
    assert "Okänd enhet" in app.selectbox(key="unused_unit").options
