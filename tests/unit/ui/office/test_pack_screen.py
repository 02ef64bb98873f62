"""Reservpaket: numbers are kept, a pack registers its serials, a drill shows its result."""

from __future__ import annotations

import io
import zipfile
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest
from streamlit.testing.v1 import AppTest

from pipeline.domain.dates import today_in_sweden
from pipeline.domain.model import Outcome, PageReading
from pipeline.domain.settings import Settings
from pipeline.preparation.drill import drills
from pipeline.reading.read_page import PageReader
from pipeline.registers import pack_quantities
from pipeline.registers.issued_serials import parse_issued_file
from pipeline.registers.pack_quantities import QuantityRule, SheetQuantity
from pipeline.store.database.store import Store
from pipeline.store.registers.client_register import save_clients
from pipeline.store.registers.planning import load_pack_quantities, save_pack_quantities
from pipeline.store.reports.sheet_accounting import count_sheets
from tests.support.screens.seeding import ADMINISTRATOR, CLIENTS, MANAGER, OTHER_UNIT, UNIT
from tests.unit.ui.conftest import OpenScreen
from ui.i18n import t

NOTE = "hsl-anteckning"


@pytest.fixture(autouse=True)
def few_sheets(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of all default numbers only two, so that a pack is soon made."""
    few = pack_quantities.QuantityRules(
        version=1,
        always=(),
        areas={
            "HSL": (
                QuantityRule(form=NOTE, least=2, prefilled=1),
                QuantityRule(form="matvarden", least=1),
            )
        },
    )
    monkeypatch.setattr(pack_quantities, "load_rules", lambda: few)


def first(app: AppTest, start: str) -> str:
    """The key of the number that begins like this."""
    return next(one.key for one in app.number_input if one.key and one.key.startswith(start))


def test_numbers_are_reckoned_until_somebody_writes_others_and_again_when_they_are_taken_away(
    store: Store, open_screen: OpenScreen
) -> None:
    app = open_screen(MANAGER, "pack")
    assert app.number_input(key=first(app, f"n-{NOTE}-")).value == 2
    app.number_input(key=first(app, f"n-{NOTE}-")).set_value(7)
    app.number_input(key=first(app, "n-besokslista-")).set_value(1)
    next(button for button in app.button if button.label == "Spara antalen").click().run()
    assert not app.exception
    with store.read() as conn:
        assert load_pack_quantities(conn, MANAGER, UNIT) == [
            SheetQuantity("besokslista", 1),
            SheetQuantity(NOTE, 7, 1),
            SheetQuantity("matvarden", 1),
        ]
    assert app.number_input(key=first(app, f"n-{NOTE}-")).value == 7
    app.button(key="pack_reset").click().run()
    with store.read() as conn:
        assert load_pack_quantities(conn, MANAGER, UNIT) == []
    assert app.number_input(key=first(app, f"n-{NOTE}-")).value == 2


def test_a_pack_is_made_once_and_every_sheet_in_it_is_registered(
    store: Store, open_screen: OpenScreen
) -> None:
    with store.begin() as conn:
        save_pack_quantities(
            conn, ADMINISTRATOR, UNIT, [SheetQuantity(NOTE, 1, 1), SheetQuantity("matvarden", 0)]
        )
    app = open_screen(ADMINISTRATOR, "pack")
    app.button(key="pack_do").click().run()
    assert not app.exception
    made = app.session_state["pack_made"].result()
    count = made.sheets
    with zipfile.ZipFile(io.BytesIO(made.zip_data)) as archive:
        sheets = parse_issued_file(archive.read("utlamnade.csv")).sheets
    assert (made.unit, count, len(sheets)) == (UNIT, 1 + len(CLIENTS), 1 + len(CLIENTS))
    app.run()
    with store.read() as conn:
        assert [(one.form, one.issued, one.reserve) for one in count_sheets(conn, {UNIT})] == [
            (NOTE, count, count)
        ]


def test_a_pack_that_was_just_made_is_the_units_latest(
    store: Store, open_screen: OpenScreen
) -> None:
    del store
    app = open_screen(ADMINISTRATOR, "pack")
    assert t("pack.age_none") in [one.value for one in app.caption]
    app.button(key="pack_do").click().run()
    captions = [one.value for one in app.caption]
    assert t("pack.age_today") in captions
    assert t("pack.age_none") not in captions


def test_planned_visits_become_tour_lists_and_who_is_left_out_is_counted(
    store: Store, open_screen: OpenScreen
) -> None:
    with store.begin() as conn:
        save_pack_quantities(
            conn, ADMINISTRATOR, UNIT, [SheetQuantity(NOTE, 0), SheetQuantity("matvarden", 0)]
        )
        save_clients(conn, [replace(CLIENTS[1], protected=True)])
    app = open_screen(ADMINISTRATOR, "pack")
    rows = [f"{UNIT};2026-12-01;08:15;{client.pid};{client.name}" for client in CLIENTS]
    plan = "\n".join(["enhet;datum;tid;personnummer;namn", *rows])
    app.file_uploader(key="pack_plan").upload("plan.csv", plan.encode(), "text/csv").run()
    app.button(key="pack_do").click().run()
    assert not app.exception
    with zipfile.ZipFile(io.BytesIO(app.session_state["pack_made"].result().zip_data)) as archive:
        (sheet,) = parse_issued_file(archive.read("utlamnade.csv")).sheets
    assert [row.client_pid for row in sheet.rows] == [CLIENTS[0].pid]
    assert [one.value for one in app.warning] == [t("pack.plan_hidden", count=1)]


def test_who_prints_also_takes_in_packs_of_other_computers(
    store: Store, open_screen: OpenScreen
) -> None:
    del store
    assert "issued_do" in {button.key for button in open_screen(ADMINISTRATOR, "pack").button}
    assert "issued_do" not in {button.key for button in open_screen(MANAGER, "pack").button}


def test_the_telephone_chain_of_a_unit_goes_into_no_pack_of_another(
    open_screen: OpenScreen,
) -> None:
    app = open_screen(ADMINISTRATOR, "pack")
    app.selectbox(key="pack_unit").set_value(UNIT).run()
    for key in ("phones", "schedule"):
        uploader = next(
            one for one in app.file_uploader if (one.key or "").startswith(f"pack_{key}")
        )
        uploader.upload(
            "kedja.csv", b"namn;telefon;datum;pass\nKarin;070-1;2026-12-01;07-16\n", "text/csv"
        ).run()
    app.selectbox(key="pack_unit").set_value(OTHER_UNIT).run()
    assert not any(one.value for one in app.file_uploader)


def test_a_pack_that_could_not_be_made_offers_no_earlier_one(
    store: Store, open_screen: OpenScreen
) -> None:
    with store.begin() as conn:
        save_pack_quantities(conn, ADMINISTRATOR, UNIT, [SheetQuantity(NOTE, 1)])
    app = open_screen(ADMINISTRATOR, "pack")
    app.selectbox(key="pack_unit").set_value(UNIT).run()
    app.button(key="pack_do").click().run()
    assert app.success
    uploader = next(one for one in app.file_uploader if (one.key or "").startswith("pack_phones"))
    uploader.upload("kedja.csv", b"fel;fil\n1;2\n", "text/csv").run()
    app.button(key="pack_do").click().run()
    assert app.error
    assert not app.success


def test_a_drill_is_made_read_and_its_result_shown_with_what_is_missing(
    tmp_path: Path, open_screen: OpenScreen, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = open_screen(MANAGER, "pack")
    app.segmented_control(key="pack_part").set_value("drill").run()
    assert any(t("drill.none_made") in one.value for one in app.info)
    app.button(key="drill_make").click().run()
    assert not app.exception
    settings = Settings(workspace=tmp_path)
    (drill,) = drills.list_drills(settings, MANAGER)
    assert drill.unit == UNIT

    app.button(key="drill_read").click().run()
    assert [one.value for one in app.error] == [t("drill.no_file")]

    reading = PageReading(Outcome.UNIDENTIFIED)
    image = SimpleNamespace(data=b"", media_type="image/png")
    reader = SimpleNamespace(read=lambda *_: SimpleNamespace(reading=reading))
    monkeypatch.setattr(drills, "load_pages", lambda *_: [image])
    monkeypatch.setattr(PageReader, "of_forms", lambda _forms: reader)
    app.file_uploader(key="drill_file").upload("scan.pdf", b"scan", "application/pdf")
    app.number_input(key="drill_minutes").set_value(9)
    app.text_input(key="drill_remark").set_value("Pennan *tog* slut.")
    app.button(key="drill_read").click().run()
    assert not app.exception
    shown = " ".join(one.value for one in app.markdown)
    assert "Ark tillbaka: 0 av 10." in shown
    assert "9 minuter" in shown
    assert "Kom inte tillbaka" in shown
    assert "*tog*" not in shown.replace("\\*", "")


def test_a_document_of_a_future_day_is_refused(store: Store, open_screen: OpenScreen) -> None:
    del store
    app = open_screen(ADMINISTRATOR, "pack")
    tomorrow = today_in_sweden() + timedelta(days=1)
    app.date_input(key=f"pack_slot_day-{UNIT}").set_value(tomorrow)
    upload = app.file_uploader(key=f"pack_slot_file-{UNIT}")
    upload.upload("lista.pdf", b"%PDF-1.7", "application/pdf")
    app.button(key=f"pack_slot_save-{UNIT}").click().run()
    assert not app.exception
    assert any("ligger i framtiden" in one.value for one in app.info)
