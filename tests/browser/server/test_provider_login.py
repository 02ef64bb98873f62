"""Logging in through a real OpenID provider, out again, and staying out."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from pipeline.store.database.store import Store
from tests.browser.support.serving import PATIENCE_MS, answering, bare_server, free_port
from tests.support.screens.seeding import NURSE

PROVIDER = Path(__file__).parents[1] / "support" / "provider"
SECRETS = """[auth]
redirect_uri = "{program}/oauth2callback"
cookie_secret = "a cookie secret of one test only, long enough"
client_id = "efterskrift"
client_secret = "a secret of one test only, long enough"
server_metadata_url = "{provider}/.well-known/openid-configuration"
client_kwargs = {{ prompt = "login" }}
"""

pytestmark = pytest.mark.browser


class Place(NamedTuple):
    """The program, and the browser that looks at it."""

    program: str
    browser: Browser

    def window(self, cookies: BrowserContext | None = None) -> Page:
        """A new browser, with the cookies of another if wanted, at the first screen."""
        context = self.browser.new_context(
            locale="sv-SE", storage_state=cookies.storage_state() if cookies else None
        )
        page = context.new_page()
        page.set_default_timeout(PATIENCE_MS)
        page.goto(self.program)
        return page


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the provider, of the versions and checksums in its lock file."""
    npm = shutil.which("npm")
    if npm is None:
        reason = "npm is not installed, so there is no provider to log in at"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    folder = tmp_path_factory.mktemp("provider")
    for file in PROVIDER.iterdir():
        shutil.copy(file, folder)
    subprocess.run(
        [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"],
        cwd=folder,
        check=True,
        capture_output=True,
        timeout=300,
    )
    return folder


@pytest.fixture
def place(installed: Path, browser: Browser, store: Store, tmp_path: Path) -> Iterator[Place]:
    """Provider and program, each at a port of its own."""
    del store
    port, provider_port = free_port(), free_port()
    program, provider = f"http://127.0.0.1:{port}", f"http://127.0.0.1:{provider_port}"
    (tmp_path / "settings.yaml").write_text("oidc: true\n", "utf-8")
    (tmp_path / "secrets.toml").write_text(
        SECRETS.format(program=program, provider=provider), "utf-8"
    )
    with subprocess.Popen(
        ["node", "provider.mjs", str(provider_port), program],
        cwd=installed,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline().strip() == "listening"
        try:
            with bare_server(port, tmp_path) as server:
                answering(server.poll, port)
                yield Place(program, browser)
        finally:
            process.terminate()


def enter(page: Page, name: str) -> None:
    """Go to the provider, say who one is, and agree."""
    page.get_by_role("button", name="Logga in med organisationens konto").click()
    page.locator("input[name=login]").fill(name)
    page.locator("input[name=password]").fill("vad som helst")
    page.get_by_role("button", name="Sign-in").click()
    page.get_by_role("button", name="Continue").click()


def test_the_provider_lets_in_who_has_an_account_and_the_cookie_lets_in_nobody_after_logging_out(
    place: Place,
) -> None:
    page = place.window()
    enter(page, NURSE.login)
    menu = page.get_by_role("button", name=NURSE.name)
    expect(menu).to_be_visible()
    second = place.window(page.context)
    expect(second.get_by_role("button", name=NURSE.name)).to_be_visible()
    kept = place.browser.new_context(storage_state=page.context.storage_state())
    menu.click()
    page.get_by_role("button", name="Logga ut").click()
    page.get_by_role("button", name="Yes, sign me out").click()
    expect(page.get_by_role("button", name="Logga in med organisationens konto")).to_be_visible()
    for stolen in (place.window(kept), place.window(second.context)):
        expect(
            stolen.get_by_role("button", name="Logga in med organisationens konto")
        ).to_be_visible()
        expect(stolen.get_by_role("button", name=NURSE.name)).to_have_count(0)


def test_somebody_without_an_account_here_stays_outside(place: Place) -> None:
    page = place.window()
    enter(page, "okand")
    expect(page.get_by_text("har inget konto här")).to_be_visible()
    expect(page.get_by_role("link", name="Granska")).to_have_count(0)
