"""A workspace for each test, and the app as a person of a role sees it."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import cache
from html import unescape
from pathlib import Path

import pytest
import streamlit as st
from streamlit.components.v2 import manifest_scanner
from streamlit.testing.v1 import AppTest

from pipeline.domain.model import Person
from pipeline.domain.settings import ROOT, Settings
from pipeline.store.accounts import sessions
from pipeline.store.database.store import Store, open_store
from pipeline.store.schema.clock import utc_now
from tests.support.screens import seeding
from tests.support.screens.bench import play_browser
from tests.support.screens.filled_workspace import fill
from ui import session
from ui.screens.review.workbench import actions, acts, screen

OpenScreen = Callable[[Person, str], AppTest]
APP = ROOT / "ui" / "start" / "app.py"


def tables(app: AppTest) -> list[list[dict[str, str]]]:
    """The tables of a screen: each a list of rows, with their cells by the title of the column."""
    found = []
    for html in app.get("html"):
        for table in re.findall(r"<table.*?</table>", html.proto.body, re.DOTALL):
            heads = [_words(head) for head in re.findall(r"<th\b.*?</th>", table, re.DOTALL)]
            rows = re.findall(r"<tr>(?:<td.*?)</tr>", table, re.DOTALL)
            cells = [re.findall(r"<td\b.*?</td>", row, re.DOTALL) for row in rows]
            found.append([dict(zip(heads, map(_words, row), strict=True)) for row in cells])
    return found


def _words(html: str) -> str:
    return unescape(re.sub(r"<[^>]*>", "", html))


@pytest.fixture(scope="session", autouse=True)
def components_sought_once() -> Iterator[None]:
    """`AppTest` looks through every installed package for components at each run, a second each
    time; ours are none of those.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            manifest_scanner,
            "scan_component_manifests",
            cache(manifest_scanner.scan_component_manifests),
        )
        yield


@pytest.fixture(autouse=True)
def no_browser(monkeypatch: pytest.MonkeyPatch) -> None:
    """No browser is there to exchange a ticket for a cookie (tests/browser/server)."""
    monkeypatch.setattr(session, "is_cookie_required", lambda: False)
    monkeypatch.setattr(session, "browser_token", lambda: None)


@pytest.fixture(scope="session")
def empty_world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with staff and nothing else, made once: hashing the passwords takes longer than
    most tests.
    """
    workspace = tmp_path_factory.mktemp("empty")
    seeding.make_store(workspace).close()
    return workspace


@pytest.fixture(scope="session")
def filled_world(empty_world: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace in which every screen has something to show, made once."""
    workspace = tmp_path_factory.mktemp("filled")
    store = _copied(empty_world, workspace)
    fill(store)
    store.close()
    return workspace


@pytest.fixture
def world(request: pytest.FixtureRequest) -> Path:
    """The workspace that a test gets a copy of: the empty one, unless the test asks for
    "filled".
    """
    made: Path = request.getfixturevalue(f"{getattr(request, 'param', 'empty')}_world")
    return made


@pytest.fixture
def store(world: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    """A workspace of the test's own with staff, which the app opens."""
    monkeypatch.setenv("EFTERSKRIFT_WORKSPACE", str(tmp_path))
    monkeypatch.setenv("EFTERSKRIFT_CONTROL_SHARE", "0")
    monkeypatch.setenv("EFTERSKRIFT_PLANT_SHARE", "0")
    monkeypatch.setattr(screen, "workbench", play_browser)
    monkeypatch.setattr(actions, "MIN_VIEW_TIME", timedelta(0))
    monkeypatch.setattr("pipeline.review.session.MIN_VIEW_TIME", timedelta(0))
    # What is typed is sent with the save, so that its client comes up only then (test_guard.py).
    monkeypatch.setattr(acts, "is_client_seen", lambda *_: True)
    st.cache_resource.clear()
    st.cache_data.clear()
    return _copied(world, tmp_path)


@pytest.fixture
def open_screen(store: Store) -> OpenScreen:
    """Open a screen for a person who is logged in, whether or not the navigation shows it to that
    role.
    """

    def opened(person: Person, name: str) -> AppTest:
        app = AppTest.from_function(_screen, kwargs={"name": name}, default_timeout=240)
        with store.begin() as conn:
            app.session_state["session_token"] = sessions.start_session(
                conn, person.login, utc_now()
            )
        app.session_state["login"], app.session_state["active_at"] = person.login, utc_now()
        return app.run()

    return opened


def _screen(name: str) -> None:
    from pipeline.domain.errors import EfterskriftError
    from ui import session
    from ui.screens.menu import SCREENS
    from ui.widgets.messages import show_error
    from ui.workspace import open_app_context

    session.begin_session_run()
    here = open_app_context()
    person = session.current_person(here)
    assert person is not None
    try:
        next(screen for screen in SCREENS if screen.name == name).show(here, person)
    except EfterskriftError as error:
        show_error(error)


def _copied(world: Path, workspace: Path) -> Store:
    shutil.copytree(world, workspace, dirs_exist_ok=True)
    return open_store(Settings(workspace=workspace))
