"""An administrator's day: a stack is imported and read by a real worker, what hinders it is
settled, and a file goes out and is answered.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pikepdf
import pytest
from playwright.sync_api import Browser, Page, expect

from pipeline.cli.operations import worker_command
from pipeline.domain.model import EntryState, IssuedSheet
from pipeline.operations.demo import SAMPLE_FOLDER
from pipeline.store.database.store import Store
from pipeline.store.entries.entry import load_entry
from pipeline.store.paper import pages
from pipeline.store.paper.pages import NewPage
from pipeline.store.registers import issued_sheets
from tests.browser.support.nurse import settle
from tests.browser.support.people import choose, fetched, go, hand_in, logged_in
from tests.browser.support.serving import serving, started
from tests.support.screens import seeding
from tests.support.screens.seeding import ADMINISTRATOR, NURSE, OTHER_UNIT, UNIT
from tests.support.store.rivta_archives import rivta_text

pytestmark = [pytest.mark.browser, pytest.mark.slow]

_FILLED, _LETTER = (1, 4), 15
"""Pages of the sample stack, from 1: two filled forms, and a letter that no code names."""
_FIRST_RESULT_MS = 15_000
"""On an idle machine it takes less than 5 s; tests share theirs."""
_WATCH = """() => {
    const seen = window.efSeen = { least: Infinity, texts: [], lost: 0 };
    const look = () => {
        const stacks = [...document.querySelectorAll(".ef-stack strong")];
        seen.least = Math.min(seen.least, stacks.length);
        if (stacks.length && seen.texts.at(-1) !== stacks[0].textContent)
            seen.texts.push(stacks[0].textContent);
        if (!document.activeElement?.closest(".st-key-upload_place")) seen.lost += 1;
        seen.frame = requestAnimationFrame(look);
    };
    look();
}"""
"""Looks at each frame that is drawn: what the newest stack says, and where the focus is."""


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """A signed note, and a page that could not be read."""
    store = seeding.make_store(tmp_path)
    seeding.confirm(store, NURSE, seeding.add_notes(store, 1)[0], sign=True)
    with store.begin() as conn:
        issued_sheets.save_issued_sheets(conn, list(_issued()), ADMINISTRATOR.login)
        batch = pages.create_batch(conn, UNIT, "Pärm 2", ADMINISTRATOR.login)
        image = store.images.put(seeding.jpeg(np.full((600, 424), 255, np.uint8)))
        pages.add_page(
            conn,
            NewPage(batch, 1, "avbruten.pdf", 1, image, image, "image/jpeg", "not_read"),
            ADMINISTRATOR.login,
        )
    return store


def _issued() -> Iterator[IssuedSheet]:
    with (SAMPLE_FOLDER / "utlamnade.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file, delimiter=";"):
            yield IssuedSheet(
                row["löpnummer"], row["blankett"], int(row["version"]), row["enhet"], None
            )


def _stack(folder: Path) -> Path:
    path = folder / "bunt.pdf"
    with (
        pikepdf.open(SAMPLE_FOLDER / "stack" / "01-hemsjukvard.pdf") as whole,
        pikepdf.new() as part,
    ):
        part.pages.extend([whole.pages[number - 1] for number in (*_FILLED, _LETTER)])
        part.save(path)
    return path


def test_administrator(browser: Browser, store: Store, tmp_path: Path) -> None:
    with (
        serving(tmp_path) as address,
        started(worker_command(1), tmp_path),
        logged_in(browser, address, ADMINISTRATOR) as page,
    ):
        _takes_in_a_stack(page, _stack(tmp_path))
        _types_while_it_is_read(page)
        _settles_what_hinders(page)
        exported = _exports(page, tmp_path)
    with store.read() as conn:
        counted = pages.count_pages_by_state(conn)
        assert (counted["in"], counted["failed"]) == (5, 0)
        assert counted["in"] == counted["done"] + counted["waiting"]
        assert pages.count_pages_by_state(conn, {OTHER_UNIT})["waiting"] == 1
        assert load_entry(conn, exported).state is EntryState.RECEIPTED


def _takes_in_a_stack(page: Page, stack: Path) -> None:
    go(page, "Skanna")
    choose(page, "upload_unit", UNIT)
    hand_in(page, "upload_files", stack)
    page.get_by_role("button", name="Ladda upp", exact=True).click()
    expect(page.get_by_text(re.compile(r"1 fil laddades upp.*\(sidor: 3\)"))).to_be_visible()


def _types_while_it_is_read(page: Page) -> None:
    """The screen reports each page without being loaded again, and leaves who types alone."""
    place = page.locator(".st-key-upload_place input")
    place.click()
    page.evaluate(_WATCH)
    page.keyboard.type("Pärm")
    newest = page.locator(".ef-stack").first
    expect(newest).to_contain_text(re.compile("Läst [12] av 3|klar"), timeout=_FIRST_RESULT_MS)
    page.keyboard.type(" 7")
    expect(newest).to_contain_text(
        "Läsningen är klar: 3 sidor · inget att åtgärda", timeout=120_000
    )
    expect(place).to_be_focused()
    expect(place).to_have_value("Pärm 7")
    seen = page.evaluate("() => { cancelAnimationFrame(efSeen.frame); return efSeen; }")
    assert (seen["least"], seen["lost"]) == (3, 0), seen
    assert len(seen["texts"]) > 1, seen


def _settles_what_hinders(page: Page) -> None:
    page.get_by_text("Misslyckade (1)").click()
    page.locator("[class*='st-key-look-'] button").first.click()
    expect(page.get_by_text("avbruten.pdf").first).to_be_visible()
    page.get_by_role("button", name="Läs igen").click()
    expect(page.get_by_text("Misslyckade (1)")).to_have_count(0)
    # The letter waits for the person who may type it; an administrator can send it on.
    page.locator(".st-key-problem_rest label").click()
    page.get_by_text("Okända handlingar (1)").click()
    page.locator("[class*='st-key-look-'] button").first.click()
    expect(page.locator("img.ef-page")).to_be_visible()
    page.locator("[class*='st-key-send_to-']").get_by_role("combobox").click()
    page.get_by_role("option", name=OTHER_UNIT).click()
    page.get_by_role("button", name="Skicka", exact=True).click()
    go(page, "Uppföljning")
    page.get_by_text("Skickade vidare (1)").click()
    expect(page.get_by_text(f"Väntar på granskning hos {OTHER_UNIT}.")).to_be_visible()


def _exports(page: Page, folder: Path) -> str:
    """Make a file, take it home, and load what the system says to it; answers with the entry that
    was in it.
    """
    go(page, "Export")
    page.locator(".st-key-make-rivta button").click()
    expect(page.get_by_text("är gjord med 1 post")).to_be_visible()
    file = fetched(page, page.get_by_role("button", name="Hämta", exact=True), folder)
    assert "GetCareDocumentation" in rivta_text(file.read_bytes())
    template = fetched(page, page.locator("[class*='st-key-template-'] button"), folder)
    head, line = template.read_text("utf-8-sig").splitlines()
    template.write_text(f"{head}\n{line.removesuffix(';;')};godkänd;\n", "utf-8")
    hand_in(page, "receipt_upload", template)
    page.locator(".st-key-receipt_submit button").click()
    expect(page.get_by_text("Kvitterade 1, nekade 0")).to_be_visible()
    settle(page)
    return line.split(";")[2]
