"""A FHIR run is sent from the screen Export, and a run that nobody has fetched is named there."""

from __future__ import annotations

import re

import httpx
import pytest
from streamlit.testing.v1 import AppTest

from pipeline.export.runs import ExportContext, confirm_delivery, fetch_run_file
from pipeline.store.database.clock import utc_now
from pipeline.store.database.store import Store
from tests.support.screens import seeding
from tests.support.screens.seeding import ADMINISTRATOR, NURSE
from tests.support.servers.fhir_servers import Served
from tests.support.store.route_steps import make_run, route_to
from tests.unit.ui.conftest import OpenScreen

pytest_plugins = ("tests.support.servers.fhir_servers",)
JSON = {"Content-Type": "application/fhir+json"}


def with_a_run(store: Store, open_screen: OpenScreen) -> AppTest:
    """The screen after a run of one entry was made."""
    seeding.confirm(store, NURSE, seeding.add_notes(store, 1)[0], sign=True)
    route_to(ExportContext(store, seeding.settings(store), seeding.forms()), "fhir")
    return open_screen(NURSE, "export").button(key="make-fhir").click().run()


def sending(app: AppTest) -> list[str]:
    """Keys of the buttons that send."""
    return [button.key for button in app.button if button.key and button.key.startswith("send-")]


def test_without_a_server_the_run_is_only_a_file(store: Store, open_screen: OpenScreen) -> None:
    app = with_a_run(store, open_screen)
    assert sending(app) == []
    assert any("Ingen FHIR-server" in caption.value for caption in app.caption)


def test_a_fhir_run_is_sent_and_receipted(
    store: Store, open_screen: OpenScreen, fhir: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EFTERSKRIFT_FHIR_URL", fhir.url)
    app = with_a_run(store, open_screen)
    (key,) = sending(app)
    app.button(key=key).click().run()
    assert not app.exception
    assert app.success[0].value == (
        "FHIR-servern tog emot 1 post och nekade 0. "
        "Läst tillbaka: 1 av 1 finns på servern som de skickades."
    )
    assert fhir.counts()["DocumentReference"] == 1
    assert sending(app) == []


def test_a_proven_run_is_read_back_again_and_what_the_server_lost_is_said(
    store: Store, open_screen: OpenScreen, fhir: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EFTERSKRIFT_FHIR_URL", fhir.url)
    app = with_a_run(store, open_screen)
    app.button(key=sending(app)[0]).click().run()
    fhir.clear()
    (key,) = reading_back(app)
    app.button(key=key).click().run()
    assert any("0 av 1 finns på servern" in success.value for success in app.success)
    assert any("1 post finns inte på servern" in warning.value for warning in app.warning)


def test_what_is_not_at_the_server_or_different_there_is_said(
    store: Store, open_screen: OpenScreen, fhir: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EFTERSKRIFT_FHIR_URL", fhir.url)
    app = with_a_run(store, open_screen)
    (key,) = reading_back(app)
    app.button(key=key).click().run()
    assert any("1 post finns inte på servern" in warning.value for warning in app.warning)
    app.button(key=sending(app)[0]).click().run()
    assert not any("finns inte på servern" in warning.value for warning in app.warning)


def reading_back(app: AppTest) -> list[str]:
    """Keys of the buttons that read back."""
    keys = [button.key or "" for button in app.button]
    return [key for key in keys if key.startswith("read-back-")]


def test_a_difference_at_the_server_is_named_with_its_entry(
    store: Store, open_screen: OpenScreen, fhir: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EFTERSKRIFT_FHIR_URL", fhir.url)
    app = with_a_run(store, open_screen)
    run_id = reading_back(app)[0].removeprefix("read-back-")
    here = ExportContext(store, seeding.settings(store), seeding.forms())
    data = fetch_run_file(here, NURSE, run_id).data
    changed = data.replace(b'"docStatus":"final"', b'"docStatus":"preliminary"')
    for line in changed.splitlines():
        httpx.post(fhir.url, content=line, headers=JSON, trust_env=False).raise_for_status()
    app.button(key=f"read-back-{run_id}").click().run()
    assert any("1 post skiljer sig" in error.value for error in app.error)
    assert any(caption.value.endswith(": status") for caption in app.caption)


def test_a_server_that_is_away_is_told_in_swedish(
    store: Store, open_screen: OpenScreen, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EFTERSKRIFT_FHIR_URL", "http://127.0.0.1:9/R4")
    monkeypatch.setenv("EFTERSKRIFT_FHIR_ATTEMPTS", "1")
    app = with_a_run(store, open_screen)
    (key,) = sending(app)
    app.button(key=key).click().run()
    assert "svarar inte" in app.error[0].value
    assert sending(app) == [key]


def test_an_export_that_nobody_has_is_said_until_it_is_fetched(
    store: Store, open_screen: OpenScreen
) -> None:
    here = ExportContext(store, seeding.settings(store), seeding.forms())
    (entry_id,) = seeding.add_notes(store, 1)
    seeding.confirm(store, NURSE, entry_id, sign=True)
    run = make_run(here, NURSE, "skriv-in", utc_now())
    assert run is not None
    undelivered = "1 fil har ingen hämtat"
    app = open_screen(NURSE, "export")
    assert any(undelivered in warning.value for warning in app.warning)
    # Lists to key in are distinguished, here and on Läge
    overview = open_screen(ADMINISTRATOR, "progress")
    overview.segmented_control(key="progress_detail").set_value("receipts").run()
    for screen in (app, overview):
        assert any(
            re.search(r"Skriv in.+lista.+ · .+, HSL", each.value) for each in screen.markdown
        )
    confirm_delivery(here, NURSE, run.id, utc_now())
    assert not any(undelivered in warning.value for warning in app.run().warning)
