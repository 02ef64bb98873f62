"""A workspace, the app that serves it, and a window in front of it."""

from __future__ import annotations

import shutil
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Playwright, expect, sync_playwright

from pipeline.domain.settings import Settings
from pipeline.store.database.store import Store, open_store
from tests.browser.support.people import window
from tests.browser.support.serving import ARGUMENTS, CHROMIUM, NO_LOTS, PATIENCE_MS, serving
from tests.support.screens import seeding

_SCREEN = """() => {
    const keys = (element) => element?.className.match?.(/st-key-\\S+/)?.[0];
    const focus = document.activeElement;
    const drawn = [...document.querySelectorAll('[class*="st-key-"]')]
        .filter((element) => element.getClientRects().length);
    const within = keys(focus?.closest('[class*="st-key-"]'));
    const shown = drawn.map(keys).join(" ");
    const bench = document.querySelector(".wb");
    const row = focus?.closest(".wb-row")?.dataset.name ?? focus?.className;
    const state = bench ? JSON.stringify({ ...bench.dataset, busy: bench.ariaBusy, row }) : "none";
    const at = `${location.pathname}, focus in ${focus?.tagName} of ${within}`;
    return `${at}; workbench ${state}; drawn: ${shown}`;
}"""


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A failure also tells which part of each screen was there and what had the focus."""
    report = yield
    chromium = getattr(item, "funcargs", {}).get("browser")
    if (
        call.when == "call"
        and report.failed
        and isinstance(chromium, Browser)
        and chromium.is_connected()
    ):
        for context in chromium.contexts:
            report.sections.extend(("screen", page.evaluate(_SCREEN)) for page in context.pages)
            context.close()
    return report


@pytest.fixture(scope="session", autouse=True)
def no_lots() -> Iterator[None]:
    """Also for what the tests themselves decide beside the server."""
    with pytest.MonkeyPatch.context() as patch:
        for name, share in NO_LOTS.items():
            patch.setenv(name, share)
        yield


class _Chromium:
    """The Chromium of all tests of a process; started again after it died."""

    def __init__(self, playwright: Playwright) -> None:
        self._playwright = playwright
        self._browser: Browser | None = None

    def running(self) -> Browser:
        if self._browser is None or not self._browser.is_connected():
            chromium = self._playwright.chromium
            self._browser = chromium.launch(executable_path=str(CHROMIUM), args=ARGUMENTS)
        return self._browser

    def close(self) -> None:
        if self._browser is not None:
            self._browser.close()


@pytest.fixture(scope="session")
def chromium() -> Iterator[_Chromium]:
    """The window of each test is one of its contexts."""
    if not CHROMIUM.exists():
        pytest.skip(f"{CHROMIUM} is not installed")
    expect.set_options(timeout=PATIENCE_MS)
    with sync_playwright() as playwright:
        started = _Chromium(playwright)
        yield started
        started.close()


@pytest.fixture
def browser(chromium: _Chromium) -> Browser:
    """Chromium, alive: one that dies takes no other test with it."""
    return chromium.running()


@pytest.fixture(scope="session")
def empty_world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with staff and nothing else, to be copied: making it takes longer than some
    tests.
    """
    workspace = tmp_path_factory.mktemp("empty")
    seeding.make_store(workspace).close()
    return workspace


@pytest.fixture
def store(empty_world: Path, tmp_path: Path) -> Store:
    """An empty workspace with staff."""
    shutil.copytree(empty_world, tmp_path, dirs_exist_ok=True)
    return open_store(Settings(workspace=tmp_path))


@pytest.fixture
def served(store: Store, tmp_path: Path) -> Iterator[str]:
    """Its address, served."""
    del store
    with serving(tmp_path) as address:
        yield address


@pytest.fixture
def page(browser: Browser, served: str) -> Iterator[Page]:
    """A window of 1440 × 900 with the app's first screen."""
    with window(browser, served) as page:
        yield page
