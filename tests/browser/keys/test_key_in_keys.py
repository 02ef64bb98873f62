"""Keying in by single keys: each press copies the next value in the browser, marks it, and leaves
nothing behind, here and in a small window; fields are chosen in the order of a system.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator

import pytest
from PIL import Image
from playwright.sync_api import Browser, Locator, Page, expect
from playwright.sync_api import TimeoutError as PlaywrightTimeoutError
from sqlalchemy import select

from pipeline.domain.identity_numbers import format_pid
from pipeline.export.manual_entry import field_order
from pipeline.export.runs import ExportContext
from pipeline.review.corrections import Corrections
from pipeline.store.database.store import Store
from pipeline.store.entries.entry import load_entry
from pipeline.store.exports.manual_entry import CopiedPart, list_copies
from pipeline.store.schema.clock import utc_now
from pipeline.store.schema.paper import entry
from tests.browser.support.nurse import expect_stored, log_in, look, press_until, settle
from tests.browser.support.people import go, logged_in, press_menu
from tests.support.screens import seeding
from tests.support.screens.seeding import ADMINISTRATOR, CLIENTS, COLLEAGUE, NURSE
from tests.support.store.route_steps import make_run
from tests.support.store.work import work

pytestmark = [pytest.mark.browser, pytest.mark.slow]

PID, OTHER_PID = (format_pid(client.pid) for client in CLIENTS[:2])
SYSTEM = "Patientjournal"


def office(store: Store) -> ExportContext:
    """What exports are made with."""
    return ExportContext(store, seeding.settings(store), seeding.forms())


@pytest.fixture
def listed(store: Store) -> None:
    """A list of two clients with a note each."""
    seeding.confirm_two_clients(store)
    assert make_run(office(store), NURSE, "skriv-in", utc_now())


@pytest.fixture
def key_in(listed: None, page: Page) -> Iterator[Page]:
    """The screen Skriv in, in a browser that lets it use the clipboard."""
    del listed
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    log_in(page, NURSE)
    press_menu(page, "Skriv in")
    expect(page.locator(".parts .next")).to_be_focused()
    settle(page)
    yield page
    assert PID not in page.url


def copied(page: Page) -> str:
    """What is on the clipboard once the press has been said."""
    text: str = page.evaluate("navigator.clipboard.readText()")
    return text


def press(page: Page, key: str, said: str) -> str:
    """Press a key; answers with the clipboard once the screen says what was copied."""
    page.keyboard.press(key)
    expect(page.locator(".parts .said")).to_have_text(f"Kopierat: {said}")
    return copied(page)


def ground(part: Locator) -> tuple[int, ...]:
    """The colour at the edge of a part, inside its border."""
    picture = Image.open(io.BytesIO(part.screenshot())).convert("RGB")
    colour = picture.getpixel((picture.width - 30, 4))
    assert isinstance(colour, tuple)
    return colour


def test_each_press_copies_the_next_value_without_the_server(key_in: Page) -> None:
    page = key_in
    # Whatever the browser sends is lost: copying needs no answer.
    page.evaluate(
        """() => {
            WebSocket.prototype.efSend = WebSocket.prototype.send;
            WebSocket.prototype.send = () => {};
        }"""
    )
    expect(page.locator(".parts .next")).to_contain_text("Kopiera: Personnummer")
    assert press(page, "Space", "Personnummer") == PID
    assert press(page, "n", "Händelsedatum") == seeding.NOTE["handelsedatum"]
    assert press(page, "Space", "Händelsetid") == seeding.NOTE["handelsetid"]
    current = page.locator(".part[aria-current='true']")
    expect(current).to_have_count(1)
    expect(current).to_contain_text(str(seeding.NOTE["handelsetid"]))
    assert ground(current) != ground(page.locator(".part.note"))
    note = press(page, "Enter", "Anteckningen")
    assert str(seeding.NOTE["anteckning"]) in note
    assert "Händelsedatum" not in note
    expect(page.locator(".parts .next")).to_contain_text("Allt är kopierat")
    expect(page.locator(".parts .next")).to_be_focused()
    page.keyboard.press("b")
    whole = press(page, "h", "Hela posten")
    assert "Händelsedatum" in whole
    assert set(note.splitlines()) <= set(whole.splitlines())
    page.evaluate("() => { WebSocket.prototype.send = WebSocket.prototype.efSend; }")


def test_a_tick_empties_the_clipboard_and_brings_the_next_client_and_an_undo_the_last(
    key_in: Page,
) -> None:
    page = key_in
    press(page, "Space", "Personnummer")
    look(page)
    page.keyboard.press("Control+Enter")
    expect(page.locator(".client")).to_contain_text(OTHER_PID)
    expect(page.locator(".parts .next")).to_be_focused()
    expect_stored(page, lambda: copied(page), "")
    settle(page)
    page.keyboard.press("Alt+z")
    expect(page.locator(".client")).to_contain_text(PID)
    expect(page.get_by_text("Krysset är ångrat")).to_be_visible()
    expect(page.locator(".parts .next")).to_be_focused()
    settle(page)
    assert press(page, "Space", "Personnummer") == PID


def test_who_leaves_the_screen_leaves_nothing_on_the_clipboard(key_in: Page) -> None:
    page = key_in
    press(page, "Space", "Personnummer")
    press_menu(page, "Export")
    expect(page.get_by_role("heading", level=1, name="Export")).to_be_visible()
    expect_stored(page, lambda: copied(page), "")


def test_a_tick_is_heard_by_the_clipboard_before_the_server_and_the_keys_after_a_click_beside(
    key_in: Page,
) -> None:
    page = key_in
    press(page, "Space", "Personnummer")
    page.locator("h1").first.click()
    expect(page.locator(".parts .next")).not_to_be_focused()
    assert press(page, "h", "Hela posten")
    look(page)
    page.evaluate(
        """() => {
            WebSocket.prototype.efSend = WebSocket.prototype.send;
            WebSocket.prototype.send = function (...told) {
                window.efLater ??= [];
                window.efLater.push(() => this.efSend(...told));
            };
        }"""
    )
    page.keyboard.press("Control+Enter")
    expect_stored(page, lambda: copied(page), "")
    expect(page.locator(".client")).to_contain_text(PID)
    page.keyboard.press("Space")
    page.keyboard.press("h")
    assert copied(page) == ""
    page.evaluate(
        """() => {
            WebSocket.prototype.send = WebSocket.prototype.efSend;
            for (const send of window.efLater) send();
        }"""
    )
    expect(page.locator(".client")).to_contain_text(OTHER_PID)
    settle(page)
    assert press(page, "Space", "Personnummer") == OTHER_PID


def test_what_was_copied_is_remembered_on_other_screens_and_by_colleagues(
    key_in: Page, store: Store, browser: Browser, served: str
) -> None:
    page = key_in
    press(page, "Space", "Personnummer")
    press(page, "h", "Hela posten")
    expect_stored(page, lambda: len(stored_copies(store)), 3)
    assert {each.by for each in stored_copies(store)} == {NURSE.login}
    go(page, "Export")
    go(page, "Skriv in")
    expect(page.get_by_text("Du kopierade post 1 kl.")).to_be_visible()
    expect(page.locator(".part.copied")).to_have_count(3)
    expect(page.locator(".parts .next")).to_contain_text("Kopiera: Personnummer")
    press_until(page, "Alt+s", page.locator(".client", has_text=OTHER_PID), patience_ms=15_000)
    with logged_in(browser, served, COLLEAGUE) as other:
        go(other, "Skriv in")
        expect(other.locator(".client")).to_contain_text(PID)
        expect(other.get_by_text(f"{NURSE.name} kopierade post 1 kl.")).to_be_visible()
        expect(other.locator(".part.copied")).to_have_count(3)


def stored_copies(store: Store) -> list[CopiedPart]:
    """What the server has been told."""
    with store.read() as conn:
        entries = list(conn.execute(select(entry.c.id)).scalars())
        return list_copies(conn, entries)


def test_a_tick_of_what_a_colleague_made_void_is_refused_and_both_are_told(
    key_in: Page, store: Store
) -> None:
    page = key_in
    press(page, "h", "Hela posten")
    expect_stored(page, lambda: len(stored_copies(store)), 3)
    shown = stored_copies(store)[0].entry_id
    with store.begin() as conn:
        revision = load_entry(conn, shown).revision
        work(Corrections, conn, COLLEAGUE, utc_now()).void(shown, revision, "Fel person")
    look(page)
    page.keyboard.press("Control+Enter")
    said = page.get_by_text(f"({shown}) är makulerad av {COLLEAGUE.name} kl.")
    expect(said).to_be_visible()
    expect(said).to_contain_text("Inget är avkryssat. Post 1 ")
    expect(page.locator(".client")).to_contain_text(OTHER_PID)
    expect_stored(page, lambda: copied(page), "")


def test_after_another_list_is_chosen_the_keys_are_for_its_client(
    listed: None, store: Store, page: Page
) -> None:
    del listed
    form = seeding.forms().latest("social-anteckning")
    seeding.confirm(store, NURSE, seeding.add_sheet_of(store, form, seeding.NOTE))
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    log_in(page, NURSE)
    go(page, "Skriv in")
    page.locator(".st-key-key_in_list").get_by_role("combobox").click()
    page.get_by_role("option", name="1 kvar").click()
    expect(page.locator(".parts .next")).to_be_focused()
    settle(page)
    assert press(page, "h", "Hela posten")


def _choose(page: Page, box: str, name: str | re.Pattern[str]) -> None:
    """Choose from a list below the edge of the window: it closes while the screen scrolls to it."""
    option = page.get_by_role("option", name=name).first
    for _ in range(5):
        page.get_by_role("combobox", name=box, exact=True).focus()
        press_until(page, "ArrowDown", option)
        try:
            option.click(timeout=5_000)
        except PlaywrightTimeoutError:  # a redraw has closed the list
            continue
        settle(page)
        return
    raise AssertionError(f"the list {box} closes before {name} is chosen")


def test_fields_of_a_system_are_chosen_in_its_order(listed: None, store: Store, page: Page) -> None:
    del listed
    log_in(page, ADMINISTRATOR)
    press_menu(page, "Skriv in")
    expect(page.locator(".parts .next")).to_be_focused()
    settle(page)
    page.get_by_text("Fältens ordning i det andra systemet").click()
    settle(page)
    _choose(page, "System", SYSTEM)
    _choose(page, "Blankett", re.compile("HSL|[Aa]nteckning"))
    title = page.get_by_role("combobox", name="Blankett", exact=True).input_value()
    forms = field_order.list_arrangeable_forms(office(store))[SYSTEM]
    form_id = next(one for one, name in forms.items() if name == title)
    before = field_order.load_field_order(office(store), ADMINISTRATOR, SYSTEM, form_id)
    first = next(field for field in before if field.own)
    other = next(field for field in before if not field.own)
    own = page.get_by_role("combobox", name="Fält som systemet har egna rutor för")
    own.fill(other.label)
    own.press("Enter")
    orders = page.locator(".st-key-key_in_orders")
    expect(orders.locator(f"[aria-label='Remove {other.label}']").last).to_be_visible()
    settle(page)
    own.press("Tab")
    settle(page)
    gone = orders.locator(f"[aria-label='Remove {first.label}']")
    gone.last.click()
    expect(gone).to_have_count(0)
    settle(page)
    page.get_by_role("button", name="Spara ordningen").click()
    expect(page.get_by_text("Ordningen är sparad.")).to_be_visible()
    after = field_order.load_field_order(office(store), ADMINISTRATOR, SYSTEM, form_id)
    expected = [*[field.name for field in before if field.own][1:], other.name]
    assert [field.name for field in after if field.own] == expected
    assert {field.name for field in after} == {field.name for field in before}


def _open_small(page: Page) -> Page:
    """Open the small window by its key, and give what is in it."""
    with page.context.expect_page() as opened:
        page.keyboard.press("l")
    small = opened.value
    expect(small.locator(".parts .next")).to_be_visible()
    return small


def test_the_small_window_holds_a_client_after_the_other_and_gives_it_back(key_in: Page) -> None:
    page = key_in
    small = _open_small(page)
    expect(page.locator(".away")).to_contain_text("det lilla fönstret")
    expect(page.locator(".parts")).to_have_count(0)
    look(page)
    # One click copies the next value, as does one key.
    small.locator(".next").click()
    expect(small.locator(".said")).to_have_text("Kopierat: Personnummer")
    assert small.evaluate("navigator.clipboard.readText()") == PID
    small.keyboard.press("Space")
    expect(small.locator(".said")).to_have_text("Kopierat: Händelsedatum")
    assert small.evaluate("document.documentElement.scrollWidth <= innerWidth")
    # What is pressed next is in sight, in the colours of the screen.
    box = small.locator(".tick").bounding_box()
    assert box
    assert box["y"] + box["height"] < small.evaluate("innerHeight")
    assert ground(small.locator(".part[aria-current='true']")) != ground(small.locator(".note"))
    small.locator(".tick").click()
    expect(small.locator(".client")).to_contain_text(OTHER_PID)
    expect_stored(page, lambda: small.evaluate("navigator.clipboard.readText()"), "")
    look(page)
    small.keyboard.press("Alt+z")
    expect(small.locator(".client")).to_contain_text(PID)
    settle(page)
    small.close()
    expect(page.locator(".parts .client")).to_contain_text(PID)
    expect(page.locator(".away")).to_be_empty()
    expect(page.locator(".parts .open")).to_be_visible()


def test_the_small_window_closes_with_the_screen(key_in: Page) -> None:
    small = _open_small(key_in)
    with small.expect_event("close"):
        press_menu(key_in, "Export")


def test_a_browser_without_small_windows_opens_a_narrow_one(listed: None, page: Page) -> None:
    del listed
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    log_in(page, NURSE)
    page.evaluate("Object.defineProperty(window, 'documentPictureInPicture', { value: undefined })")
    press_menu(page, "Skriv in")
    expect(page.locator(".parts .next")).to_be_focused()
    settle(page)
    narrow = _open_small(page)
    narrow.bring_to_front()
    settle(narrow)
    narrow.locator(".parts .next").click()
    expect(narrow.locator(".parts .said")).to_have_text("Kopierat: Personnummer")
    assert narrow.evaluate("innerWidth") < 500
    assert narrow.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert copied(narrow) == PID
