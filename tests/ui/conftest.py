"""A workspace for each test, and the app as a person of a role sees it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from pipeline.model import Person
from pipeline.settings import ROOT
from pipeline.store import sessions
from pipeline.store.clock import utc_now
from pipeline.store.database import Store
from tests.ui import seeding
from ui.components import entry_acts

OpenScreen = Callable[[Person, str], AppTest]
APP = ROOT / "ui" / "app.py"


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    """An empty workspace with staff, which the app opens."""
    monkeypatch.setenv("EFTERSKRIFT_WORKSPACE", str(tmp_path))
    monkeypatch.setenv("EFTERSKRIFT_CONTROL_SHARE", "0")
    monkeypatch.setenv("EFTERSKRIFT_PLANT_SHARE", "0")
    monkeypatch.setattr(entry_acts, "LEAST_LOOK", timedelta(0))
    st.cache_resource.clear()
    st.cache_data.clear()
    return seeding.make_store(tmp_path)


@pytest.fixture
def open_screen(store: Store) -> OpenScreen:
    """Open a screen for somebody who is logged in, whether or not the navigation shows it to that role."""

    def opened(person: Person, name: str) -> AppTest:
        app = AppTest.from_function(_screen, kwargs={"name": name}, default_timeout=30)
        with store.begin() as conn:
            app.session_state["session_token"] = sessions.start(conn, person.login, utc_now())
        app.session_state["login"], app.session_state["active_at"] = person.login, utc_now()
        return app.run()

    return opened


def _screen(name: str) -> None:
    from importlib import import_module

    from pipeline.errors import EfterskriftError
    from ui import session
    from ui.components.faults import show_fault

    here = session.site()
    person = session.current_person(here)
    assert person is not None
    try:
        import_module(f"ui.screens.{name}_screen").show(here, person)
    except EfterskriftError as error:
        show_fault(error)
