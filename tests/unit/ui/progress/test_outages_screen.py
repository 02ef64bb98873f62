"""Avbrott och utförare: rows are added, ended and taken back, and what cannot be is reported."""

from __future__ import annotations

from datetime import date, time

from pipeline.domain.record import CareProvider
from pipeline.store.database.store import Store
from pipeline.store.registers.hsa_ids import providers_by_unit
from pipeline.store.registers.planning import list_outages
from tests.support.screens.seeding import ADMINISTRATOR, UNIT
from tests.unit.ui.conftest import OpenScreen


def test_an_outage_is_added_ended_and_taken_back(store: Store, open_screen: OpenScreen) -> None:
    app = open_screen(ADMINISTRATOR, "office")
    app.button(key="out_add").click().run()
    assert app.error[0].value == "Ange dagen då avbrottet började."
    app.selectbox(key="out_unit").set_value(UNIT)
    app.selectbox(key="out_system").set_value("journal")
    app.date_input(key="out_start-day").set_value(date(2021, 12, 16))
    app.time_input(key="out_start-clock").set_value(time(3, 0))
    app.button(key="out_add").click().run()
    assert not app.exception
    with store.read() as conn:
        (row,) = list_outages(conn)
    assert (row.unit, row.system, row.start.isoformat()) == (
        UNIT,
        "journal",
        "2021-12-16T02:00:00+00:00",
    )
    app.button(key=f"back-{row.id}").click().run()
    with store.read() as conn:
        (row,) = list_outages(conn)
    assert row.end is not None
    app.button(key=f"outage_undo-{row.id}").click().run()
    assert not app.exception
    with store.read() as conn:
        assert list_outages(conn) == []


def test_an_error_is_shown_at_the_form_that_was_sent(open_screen: OpenScreen) -> None:
    app = open_screen(ADMINISTRATOR, "office")
    app.date_input(key="out_start-day").set_value(date(2021, 12, 16))
    app.date_input(key="out_end-day").set_value(date(2021, 12, 15))
    app.button(key="out_add").click().run()
    walked = list(app.main)
    (place,) = [number for number, one in enumerate(walked) if one.type == "error"]
    keys = [getattr(one, "key", None) for one in walked]
    assert keys.index("out_end-clock") < place < keys.index("out_add")


def test_a_unit_gets_a_care_provider_of_its_own(store: Store, open_screen: OpenScreen) -> None:
    app = open_screen(ADMINISTRATOR, "office")
    app.selectbox(key="prov_unit").set_value(UNIT)
    app.text_input(key="prov_name").input("Omsorg AB")
    app.text_input(key="prov_hsa").input("SE-1")
    app.button(key="prov_save").click().run()
    assert "inget HSA-id" in app.error[0].value
    app.text_input(key="prov_hsa").input("se5560000000-a1")
    app.button(key="prov_save").click().run()
    assert not app.exception
    with store.read() as conn:
        assert providers_by_unit(conn) == {UNIT: CareProvider("Omsorg AB", "SE5560000000-A1")}
    app.button(key=f"provider_undo-{UNIT}").click().run()
    with store.read() as conn:
        assert providers_by_unit(conn) == {}
