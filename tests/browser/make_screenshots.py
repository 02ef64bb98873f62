"""Make the pictures of `docs/images` from a copy of the demo: `python -m tests.browser.make_screenshots` after `make demo`."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from playwright.sync_api import Browser, Page, expect, sync_playwright

from pipeline.demo import ACCOUNTS, WORKSPACE
from pipeline.errors import ReviewError
from pipeline.export.runs import Office, make_run
from pipeline.model import Person, Role
from pipeline.review import Answer
from pipeline.settings import ROOT, Settings
from pipeline.store import claims, decisions, signing
from pipeline.store.clock import utc_now
from pipeline.store.database import open_store
from pipeline.store.pages import page_reading
from pipeline.template import Forms
from tests.browser.nurse import log_in, wait_for_entry
from tests.browser.serving import ARGUMENTS, CHROMIUM, PATIENCE_MS, serving

IMAGES = ROOT / "docs" / "images"
_CONFIRMED = 45
_BY_ROLE = {account.person.role: account.person for account in reversed(ACCOUNTS)}


def main() -> None:
    """Four screens, each as the role that works there sees it."""
    expect.set_options(timeout=PATIENCE_MS)
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        workspace = Path(shutil.copytree(WORKSPACE, Path(folder) / "demo"))
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=ARGUMENTS)
        with serving(workspace) as address:
            nurse = _opened(browser, address, _BY_ROLE[Role.REVIEWER])
            wait_for_entry(nurse)
            nurse.keyboard.press("Tab")
            _picture(nurse, "granska")
            _prepare(workspace)
            _screen(nurse, "Export")
            administrator = _opened(browser, address, _BY_ROLE[Role.ADMINISTRATOR])
            _screen(administrator, "Skanna")
            _screen(administrator, "Läge", until=".vega-embed")
        browser.close()


def _prepare(workspace: Path) -> None:
    """Some entries confirmed as somebody would who reads what the machine read, and a file made of the notes among them."""
    settings = Settings(workspace=workspace)
    office = Office(open_store(settings), settings, Forms.load(settings.forms))
    nurse = _BY_ROLE[Role.REVIEWER]
    for _ in range(_CONFIRMED):
        with office.store.begin() as conn:
            view = claims.claim_next(conn, office.forms, nurse, utc_now())
            if view is None:
                break
            read = {name: reading for page in view.pages for name, reading in page_reading(conn, page.id).items()}
            answers = {f.spec.name: Answer(read[f.spec.name].value, read[f.spec.name].state) for f in view.fields if f.open and f.spec.name in read}
        try:
            with office.store.begin() as conn:
                decisions.save_answers(conn, office.forms, nurse, view.entry.id, view.entry.revision, answers, utc_now())
        except ReviewError:
            with office.store.begin() as conn:
                claims.skip(conn, nurse, view.entry.id, view.entry.revision)
    with office.store.begin() as conn:
        waiting = signing.to_sign(conn, office.forms, nurse)
        for one in (*waiting.own, *waiting.others):
            signing.sign(conn, office.forms, nurse, one.id, one.revision, utc_now(), why=signing.REASONS[0])
    make_run(office, nurse, "rivta", utc_now())


def _opened(browser: Browser, address: str, person: Person) -> Page:
    page = browser.new_page(viewport={"width": 1440, "height": 900}, locale="sv-SE")
    page.set_default_timeout(PATIENCE_MS)
    page.goto(address)
    log_in(page, person)
    page.get_by_role("button", name=person.name).wait_for()
    return page


def _screen(page: Page, title: str, until: str = "h2") -> None:
    page.get_by_role("link", name=title).click()
    page.get_by_role("heading", name=title, exact=True).wait_for()
    page.locator(until).last.wait_for()
    _picture(page, title.lower().replace("ä", "a"))


def _picture(page: Page, name: str) -> None:
    page.locator('[data-test-script-state="notRunning"]').wait_for()
    expect(page.get_by_test_id("stSkeleton")).to_have_count(0)
    page.wait_for_load_state("networkidle")
    page.screenshot(path=str(IMAGES / f"{name}.png"), animations="disabled")


if __name__ == "__main__":
    main()
