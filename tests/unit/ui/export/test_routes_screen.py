"""The screen Vägar, and what routes show on the screens Export and Uppföljning."""

from __future__ import annotations

from datetime import timedelta

import pytest
from streamlit.testing.v1 import AppTest

from pipeline.domain.model import EntryState
from pipeline.export import runs
from pipeline.export.rivta import elements
from pipeline.export.runs import ExportContext
from pipeline.store.database.store import Store
from pipeline.store.entries.entry import load_entry
from pipeline.store.exports.routes import list_routes
from pipeline.store.schema.clock import utc_now
from tests.support.screens import seeding
from tests.support.screens.seeding import ADMINISTRATOR, NURSE
from tests.support.store.route_steps import make_runs, route_to
from tests.support.store.targets import TARGETS
from tests.unit.ui.conftest import OpenScreen, tables
from ui.markdown import plain
from ui.screens.export import unproven


def noted(store: Store) -> str:
    """A note that is ready."""
    entry_id = seeding.add_notes(store, 1)[0]
    seeding.confirm(store, NURSE, entry_id, sign=True)
    return entry_id


def office(store: Store) -> ExportContext:
    return ExportContext(store, seeding.settings(store), seeding.forms())


def set_note_route(app: AppTest, name: str, system: str) -> AppTest:
    """Fill in a new route of the note to the journal, and save it."""
    app.selectbox(key="route_target-").select("fhir").run()
    app.text_input(key="route_name-").set_value(name)
    app.multiselect(key="route_forms--fhir").set_value(["hsl-anteckning"])
    app.selectbox(key="route_system-").set_value(system)
    app.text_input(key="route_module-").set_value("Journaltext")
    app.run()
    return app.button(key="route_save").click().run()


def test_a_route_whose_file_would_mix_areas_of_law_says_so(
    store: Store, open_screen: OpenScreen
) -> None:
    app = open_screen(ADMINISTRATOR, "routes")
    app.selectbox(key="route_target-").select("treserva-exempel").run()
    forms = app.multiselect(key="route_forms--treserva-exempel")
    forms.set_value(["social-anteckning"]).run()
    assert not app.warning
    app.multiselect(key="route_forms--treserva-exempel").set_value(
        ["social-anteckning", "hsl-anteckning"]
    ).run()
    assert "HSL, SoL" in app.warning[0].value
    with store.read() as conn:
        assert not any("treserva-exempel" in route.name for route in list_routes(conn))


def test_a_route_that_lacks_the_ids_its_format_needs_says_so(
    open_screen: OpenScreen, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was saved without a word, and only the export said that nothing fits."""
    app = open_screen(ADMINISTRATOR, "routes")
    app.selectbox(key="route_target-").select("rivta").run()
    assert not app.warning
    monkeypatch.setenv("EFTERSKRIFT_SOURCE_SYSTEM_HSA_ID", "")
    app = open_screen(ADMINISTRATOR, "routes")
    app.selectbox(key="route_target-").select("fhir").run()
    assert not app.warning
    app.selectbox(key="route_target-").select("rivta").run()
    (told,) = app.warning
    assert "source\\_system\\_hsa\\_id" in told.value
    app.text_input(key="route_name-").set_value("journal")
    app.multiselect(key="route_forms--rivta").set_value(["hsl-anteckning"])
    app.selectbox(key="route_system-").set_value("Patientjournal").run()
    app.button(key="route_save").click().run()
    assert "är sparad" in app.success[0].value
    (told,) = app.warning
    parts = [element.type for element in app.main if element.type in ("success", "warning")]
    assert parts == ["success", "warning"], "beside what is said of the save"
    (again,) = app.run().warning
    assert again.value == told.value


def test_targets_that_need_ids_are_those_of_the_contracts() -> None:
    of_contracts = {
        name
        for name, exporter in TARGETS.items()
        if type(exporter).__module__.startswith("pipeline.export.rivta.")
    }
    assert of_contracts == {name for name in TARGETS if TARGETS[name].needs_hsa_ids}


def test_an_administrator_sets_and_ends_a_route_on_one_screen(
    store: Store, open_screen: OpenScreen
) -> None:
    route_to(office(store))
    app = set_note_route(open_screen(ADMINISTRATOR, "routes"), "delad", "Patientjournal")
    assert not app.exception
    assert "Vägen delad är sparad." in app.success[0].value
    row = next(row for row in tables(app)[0] if row["Väg"] == "delad")
    assert (row["Mottagande system"], row["Modul"]) == ("Patientjournal", "Journaltext")
    app.selectbox(key="route_chosen").select("delad").run()
    app.button(key="route_end").click().run()
    with store.read() as conn:
        (route,) = [one for one in list_routes(conn) if one.name == "delad"]
    assert not route.is_active
    assert route.forms == ("hsl-anteckning",)


def test_a_name_that_cannot_be_is_explained(store: Store, open_screen: OpenScreen) -> None:
    app = set_note_route(open_screen(ADMINISTRATOR, "routes"), "a/b", "Patientjournal")
    assert "namn går inte att använda" in app.error[0].value
    with store.read() as conn:
        assert "a/b" not in {route.name for route in list_routes(conn)}


def test_export_says_what_goes_to_the_key_in_list_by_default(
    store: Store, open_screen: OpenScreen
) -> None:
    noted(store)
    route_to(office(store))
    app = open_screen(NURSE, "export")
    assert any("1 post kommer på listan att skriva in" in each.value for each in app.info)


def test_the_first_entry_is_shown_and_a_run_is_undone(
    store: Store, open_screen: OpenScreen
) -> None:
    entry_id = noted(store)
    app = open_screen(NURSE, "export")
    app.button(key="first-rivta").click().run()
    assert not app.exception
    assert any(seeding.CLIENTS[0].pid in row.values() for rows in tables(app) for row in rows)
    app.button(key="make-rivta").click().run()
    (undo,) = [each for each in app.button if (each.key or "").startswith("undo-")]
    undo.click().run()
    assert "Körningen är ångrad. 1 post" in app.success[0].value
    with store.read() as conn:
        assert load_entry(conn, entry_id).state is EntryState.SIGNED
    assert not app.button(key="make-rivta").disabled


def test_all_that_keeps_an_entry_out_of_a_format_is_said_at_once_with_its_name(
    store: Store, open_screen: OpenScreen, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry_id = noted(store)
    monkeypatch.setenv("EFTERSKRIFT_SOURCE_SYSTEM_HSA_ID", "")
    monkeypatch.setattr(elements, "pid_oid", lambda *_numbers: "")
    app = open_screen(NURSE, "export")
    assert not app.exception
    preview = next(
        one for one in runs.list_run_previews(office(store), NURSE) if one.target == "rivta"
    )
    (left_out,) = preview.unsupported
    said = [one.value for one in app.markdown]
    for reason in left_out.reasons:
        assert any(plain(reason) in text for text in said)
    assert len(left_out.reasons) == 2
    assert any(f"**{plain(preview.title)}**" in text for text in said)
    assert entry_id in [one.value for one in app.caption]


@pytest.mark.parametrize("screen", ["export", "follow_up"])
def test_what_was_sent_and_has_no_receipt_is_pointed_out(
    store: Store, open_screen: OpenScreen, monkeypatch: pytest.MonkeyPatch, screen: str
) -> None:
    monkeypatch.setenv("EFTERSKRIFT_PROOF_DAYS", "0")
    noted(store)
    (run,) = make_runs(office(store), NURSE, "rivta", utc_now())
    runs.confirm_delivery(office(store), NURSE, run.id, utc_now())
    # A run is never made before what it holds was signed, which may be this very second
    monkeypatch.setattr(unproven, "utc_now", lambda: utc_now() + timedelta(minutes=1))
    app = open_screen(NURSE, screen)
    assert any("1 skickad post saknar kvittens" in each.label for each in app.expander)
    if screen == "export":
        app.button(key="unproven-rivta").click().run()
        assert any("körningar utan kvittens" in each.value for each in app.info)
        app.button(key="show_all_runs").click().run()
        assert not app.exception
