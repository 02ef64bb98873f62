"""The app as a real server and a real browser in front of it."""

from __future__ import annotations

import os
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from pipeline.cli.ui_commands import command
from pipeline.settings import ROOT
from pipeline.store.database import Store
from tests.ui import seeding

_CHROMIUM = Path(os.environ.get("EFTERSKRIFT_CHROMIUM", "/usr/bin/chromium"))
_ATTEMPTS = 600
_PATIENCE_MS = 45_000
_ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """One Chromium for all tests."""
    if not _CHROMIUM.exists():
        pytest.skip(f"{_CHROMIUM} is not installed")
    expect.set_options(timeout=_PATIENCE_MS)
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=str(_CHROMIUM), args=_ARGUMENTS)
        yield chromium
        chromium.close()


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """An empty workspace with staff."""
    return seeding.make_store(tmp_path)


@pytest.fixture
def address(store: Store, tmp_path: Path) -> Iterator[str]:
    """The address of the app on the workspace, as `efterskrift ui` serves it."""
    del store
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = os.environ | {"EFTERSKRIFT_WORKSPACE": str(tmp_path)}
    with (tmp_path / "server.log").open("w") as log:
        server = subprocess.Popen(command(port, tmp_path, headless=True), cwd=ROOT, env=environment, stdout=log, stderr=log)
        try:
            yield _answering(server, f"http://127.0.0.1:{port}")
        finally:
            server.kill()
            server.wait()


def _answering(server: subprocess.Popen[bytes], address: str) -> str:
    """The address once somebody answers there."""
    for _ in range(_ATTEMPTS):
        try:
            with urlopen(f"{address}/_stcore/health"):
                return address
        except URLError:
            assert server.poll() is None, "the server ended"
            time.sleep(0.1)
    raise AssertionError("the server does not answer")


@pytest.fixture
def page(browser: Browser, address: str) -> Iterator[Page]:
    """A window of 1440 × 900 with the app's first screen."""
    context = browser.new_context(viewport={"width": 1440, "height": 900}, locale="sv-SE", accept_downloads=True)
    window = context.new_page()
    window.set_default_timeout(_PATIENCE_MS)
    window.goto(address)
    yield window
    context.close()
