"""A day at work of those who do not review: manager, registrar, system administrator and log
reviewer, each from login to what the day leaves.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pikepdf
import pytest
from lxml import etree
from playwright.sync_api import Browser, Page, expect
from sqlalchemy import update
from typer.testing import CliRunner

from pipeline.cli.app import build_app
from pipeline.domain.law.permissions import ALL_AREAS
from pipeline.domain.model import EntryState, Person, Role
from pipeline.domain.settings import Settings
from pipeline.reporting.audit.storelog import LOG_NS
from pipeline.store.accounts import own_choices
from pipeline.store.accounts.people import save_person
from pipeline.store.database.store import Store, open_store
from pipeline.store.entries.entry import load_entry
from pipeline.store.paper.pages import count_pages_by_state
from pipeline.store.schema import paper
from pipeline.store.schema.clock import utc_now
from tests.browser.support.asking import begin_rejecting, send_rejection
from tests.browser.support.nurse import (
    expect_stored,
    fill_in,
    log_in,
    press_until_gone,
    save,
    settle,
    wait_for_entry,
)
from tests.browser.support.people import choose, fetched, go, hand_in, logged_in, window
from tests.browser.support.serving import serving
from tests.support.screens import seeding
from tests.support.screens.seeding import (
    CLIENTS,
    COLLEAGUE,
    MANAGER,
    NURSE,
    OTHER_UNIT,
    REGISTRAR,
    SYSTEM_ADMINISTRATOR,
    UNIT,
)
from tests.support.store.passwords import hashed

LOG_KEEPER = Person(
    "lovis", "Lovis Åkerman", "dataskyddssamordnare", Role.LOG_REVIEWER, seeding.UNITS, frozenset()
)
OWN = "fyra ord som hon valt"

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Notes of one unit, some of them decided, and a visit list of the other, which would come
    after them in the queue. Nothing is changed here: what is served is a copy.
    """
    folder: Path = tmp_path_factory.mktemp("days")
    store = seeding.make_store(folder)
    notes = seeding.add_notes(store, 6)
    for entry_id in notes[:2]:
        seeding.confirm(store, COLLEAGUE, entry_id, sign=True)
    seeding.add_visits(store, (1, 2))
    due = utc_now() - timedelta(days=2)
    with store.begin() as conn:
        conn.execute(
            update(paper.entry)
            .where(paper.entry.c.id == notes[3])
            .values(due_at=due, deadlines={"lvu-understallning": due.isoformat()})
        )
        save_person(conn, LOG_KEEPER, hashed(seeding.PASSWORD))
        own_choices.close_guide(conn, LOG_KEEPER.login, utc_now())
    store.close()
    return folder


@pytest.fixture
def workspace(filled: Path, tmp_path: Path) -> Path:
    """A workspace of the test's own, which knows nothing of the other days, nor of a first try."""
    return shutil.copytree(filled, tmp_path / "workspace")


@pytest.fixture
def address(workspace: Path) -> Iterator[str]:
    """The workspace served."""
    with serving(workspace) as served:
        yield served


@pytest.fixture(scope="module")
def unchanged(filled: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A workspace served to all who only look."""
    workspace = shutil.copytree(filled, tmp_path_factory.mktemp("unchanged") / "workspace")
    with serving(workspace) as served:
        yield served


@pytest.fixture
def store(workspace: Path) -> Iterator[Store]:
    """The workspace's store, beside the server."""
    opened = open_store(Settings(workspace=workspace))
    yield opened
    opened.close()


def test_manager(browser: Browser, address: str, store: Store, tmp_path: Path) -> None:
    """Sees on Läge how it is, opens what has passed, takes its paper and table along, lets the
    other unit go first, and looks at what is measured.
    """
    with logged_in(browser, address, MANAGER) as page:
        expect(page.get_by_role("heading", level=1, name="Läge")).to_be_visible()
        page.set_viewport_size({"width": 1366, "height": 768})
        chart = page.locator(".stVegaLiteChart canvas, .stVegaLiteChart svg").first
        expect(chart).to_be_visible()
        settle(page)
        # Understood without scrolling: the sentences, the way to what has passed, bars and plot.
        passed = page.locator(".st-key-deadlines_passed button")
        expect(page.locator(".ef-situation .ef-passed")).to_contain_text("1 lagfrist har passerat.")
        for part in (page.locator(".ef-situation"), passed, page.locator(".ef-left"), chart):
            expect(part).to_be_in_viewport(ratio=1)
        red, green, blue = (
            int(part)
            for part in re.findall(r"\d+", passed.evaluate("e => getComputedStyle(e).color"))
        )
        assert red > 2 * max(green, blue)
        passed.focus()
        page.keyboard.press("Enter")
        listed = page.get_by_text("gick ut för 2 dagar sedan")
        expect(listed).to_have_count(1)
        settle(page)
        expect(passed).to_be_focused()
        press_until_gone(page, "Enter", listed, patience_ms=8_000)
        settle(page)
        assert [client.name for client in CLIENTS if client.name in page.content()] == []
        printed = fetched(page, page.locator(".st-key-overview_pdf button"), tmp_path)
        table = fetched(page, page.locator(".st-key-overview_csv button"), tmp_path)
        go(page, "Kö")
        page.get_by_text("Hela enheten", exact=True).first.click()
        choose(page, "pull_unit", OTHER_UNIT)
        page.get_by_role("button", name="Prioritera").click()
        expect(page.get_by_text("2 poster ligger nu först.")).to_be_visible()
        go(page, "Kvalitet")
        expect(page.get_by_text("Något gick fel")).to_have_count(0)
    with pikepdf.open(printed) as pdf:
        assert len(pdf.pages) == 1
    counted = pd.read_csv(table, sep=";", encoding="utf-8-sig", dtype=str)
    assert (
        counted[(counted["vad"] == "sidor") & (counted["grupp"] == "in")]["värde"].astype(int).sum()
        == 7
    )
    with logged_in(browser, address, NURSE) as page:
        first = wait_for_entry(page)
        with store.read() as conn:
            assert load_entry(conn, first.removeprefix("rows:")).unit == OTHER_UNIT
        page.locator(".st-key-person_menu button").first.click()
        page.get_by_role("button", name="Logga ut").click()
        expect(page.get_by_label("Användarnamn")).to_be_visible()


def test_system_administrator(browser: Browser, address: str) -> None:
    """Makes an account; the new person chooses a password and works; the account is closed, and the
    person is out.
    """
    new = Person("vera", "Vera Holm", "sjuksköterska", Role.REVIEWER, frozenset({UNIT}), ALL_AREAS)
    with (
        logged_in(browser, address, SYSTEM_ADMINISTRATOR) as page,
        window(browser, address) as hers,
    ):
        code = _account_made(page, new)
        _redeem(hers, new, code)
        log_in(hers, new, OWN)
        wait_for_entry(hers)
        page.locator(f".st-key-account_change-{new.login} button").click()
        page.locator(f".st-key-account_ends-{new.login} button").click()
        asked = page.get_by_test_id("stPopoverBody")
        expect(asked).to_contain_text(new.name)
        asked.get_by_role("button", name="Stäng kontot").click()
        expect(page.get_by_text(f"Kontot {new.login} är stängt")).to_be_visible()
        hers.keyboard.press("Alt+s")
        expect(hers.get_by_label("Användarnamn")).to_be_visible()
    with window(browser, address) as hers:
        log_in(hers, new, OWN)
        expect(hers.get_by_text("stämmer inte").first).to_be_visible()


def _account_made(page: Page, new: Person) -> str:
    page.get_by_role("button", name="Lägg upp konto").click()
    for name, text in (("login", new.login), ("name", new.name), ("profession", new.title)):
        page.locator(f".st-key-account_new-{name} input").fill(text)
    choose(page, "account_new-units", UNIT)
    page.keyboard.press("Escape")
    page.locator(".st-key-account_new-save button").click()
    expect(page.get_by_text(f"Kontot {new.login} är sparat.")).to_be_visible()
    settle(page)
    return (
        page.locator(".st-key-account_password_box").get_by_test_id("stText").inner_text().strip()
    )


def _redeem(page: Page, new: Person, code: str) -> None:
    """Choose a password with the code of a system administrator."""
    page.locator(".st-key-redeem_begin button").click()
    for name, text in (("login", new.login), ("code", code), ("new", OWN), ("again", OWN)):
        page.locator(f".st-key-redeem_{name} input").fill(text)
    page.locator(".st-key-redeem_submit button").click()
    expect(page.locator(".st-key-login_name input")).to_be_visible()


def test_registrar(browser: Browser, address: str, store: Store, tmp_path: Path) -> None:
    """Imports paper, sends on what belongs to the other unit, and confirms what is registered."""
    scan = tmp_path / "brev.png"
    assert cv2.imwrite(str(scan), np.full((900, 640), 255, np.uint8))
    with logged_in(browser, address, REGISTRAR) as page:
        go(page, "Skanna")
        choose(page, "upload_unit", UNIT)
        hand_in(page, "upload_files", scan)
        page.get_by_role("button", name="Ladda upp").click()
        expect(page.get_by_text(re.compile(r"1 fil laddades upp.*\(sidor: 1\)"))).to_be_visible()
        page.get_by_role("link", name="Granska").click()
        first = wait_for_entry(page)
        begin_rejecting(page, first)
        page.get_by_text("Hör till en annan enhet").click()
        page.locator("#wb-question-select").select_option(OTHER_UNIT)
        send_rejection(page)
        second = wait_for_entry(page, other_than=first)
        fill_in(page)
        save(page, second)
        wait_for_entry(page, other_than=second)
        expect_stored(
            page,
            lambda: _places(store, first, second),
            [(OTHER_UNIT, EntryState.REVIEW), (UNIT, EntryState.CONFIRMED)],
        )
    with store.read() as conn:
        assert (
            count_pages_by_state(conn, {UNIT})["in"] == 6
        )  # one of the notes has gone, the letter has come


def _places(store: Store, *entries: str) -> list[tuple[str, EntryState]]:
    with store.read() as conn:
        return [
            (one.unit, one.state) for one in (load_entry(conn, entry_id) for entry_id in entries)
        ]


def test_log_reviewer(
    browser: Browser, address: str, workspace: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Looks for one person's work, hands a client an extract, takes the log along for a log
    service; and the log is whole.
    """
    with logged_in(browser, address, LOG_KEEPER) as page:
        everybodys = _rows(page)
        choose(page, "log_who", COLLEAGUE.login)
        choose(page, "log_what", "Beslutade en post")
        expect(page.get_by_role("heading", name="2 rader i loggen")).to_be_visible()
        assert everybodys > 2
        file = fetched(page, page.locator(".st-key-log_xml button"), tmp_path)
        page.locator(".st-key-log_extract_typed input").fill(CLIENTS[0].pid)
        page.get_by_role("button", name="Ta fram utdrag").click()
        expect(page.get_by_text(CLIENTS[0].name)).to_be_visible()
        extract = fetched(page, page.locator(".st-key-log_extract_csv button"), tmp_path)
        printed = fetched(page, page.locator(".st-key-log_extract_pdf button"), tmp_path)
    assert UNIT in extract.read_text("utf-8-sig")
    assert COLLEAGUE.name not in extract.read_text(
        "utf-8-sig"
    )  # PDL 8:5: the unit and the time, not who
    with pikepdf.open(printed) as pdf:
        assert len(pdf.pages) == 1
    assert len(etree.parse(file).findall(f"{{{LOG_NS}}}Log") or etree.parse(file).getroot()) == 2
    monkeypatch.setenv("EFTERSKRIFT_WORKSPACE", str(workspace))
    verified = CliRunner().invoke(build_app(), ["audit", "verify"])
    assert (verified.exit_code, "all are as they were written" in verified.output) == (0, True)


def _rows(page: Page) -> int:
    """How many rows the log screen has found."""
    found = re.search(
        r"(\d+) rad", page.get_by_role("heading", name=re.compile("i loggen")).inner_text()
    )
    assert found is not None
    return int(found[1])


@pytest.mark.parametrize(
    ("person", "place"),
    [
        (MANAGER, ".ef-situation"),
        (MANAGER, ".st-key-progress_detail button"),
        (LOG_KEEPER, ".stMetric label"),
        (SYSTEM_ADMINISTRATOR, ".st-key-account_change-nina button"),
    ],
)
def test_words_are_read_whole_on_a_small_screen(
    browser: Browser, unchanged: str, person: Person, place: str
) -> None:
    with logged_in(browser, unchanged, person) as page:
        page.set_viewport_size({"width": 1024, "height": 700})
        page.locator(place).last.wait_for()
        settle(page)
        cut = (
            "all => all.flatMap(e => [e, ...e.querySelectorAll('*')]).filter(e => "
            "e.scrollWidth > e.clientWidth + 1).map(e => e.textContent)"
        )
        assert page.locator(place).evaluate_all(cut) == []


def test_what_the_menu_and_help_buttons_say_is_swedish(browser: Browser, unchanged: str) -> None:
    with logged_in(browser, unchanged, seeding.ADMINISTRATOR) as page:
        page.set_viewport_size({"width": 1024, "height": 700})
        go(page, "Blanketter")
    with logged_in(browser, unchanged, LOG_KEEPER) as page:
        expect(page.get_by_role("button", name="Förklaring: Sedda, inget gjort")).to_be_visible()
        expect(page.get_by_role("button", name=re.compile("Help for"))).to_have_count(0)
