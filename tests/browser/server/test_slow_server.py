"""A server that takes its time, and a person who does not wait: what was pressed is done, and what
is typed ahead is in no other place.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from pipeline.domain.model import EntryState
from pipeline.domain.review.rules import Answer
from pipeline.forms.fiducials import format_serial
from pipeline.store.database.store import Store
from pipeline.store.entries.answers import decided_answers, list_answer_drafts
from pipeline.store.entries.entry import load_entry
from pipeline.store.paper.intake import stacks
from pipeline.store.registers import client_register
from tests.browser.keys.test_group_keys import PIECES, first_group, outcomes
from tests.browser.support.nurse import (
    client,
    drafted,
    expect_stored,
    field_input,
    fill_in,
    focused_field,
    log_in,
    look,
    press_until,
    save,
    settle,
    skip,
    wait_for_entry,
    wait_until,
)
from tests.browser.support.people import choose, go, hand_in
from tests.browser.support.warm import FORGET, SLOW
from tests.support.screens import seeding
from tests.support.screens.seeding import ADMINISTRATOR, CLIENTS, COLLEAGUE, NOTE, NURSE, UNIT

pytestmark = [pytest.mark.browser, pytest.mark.slow]

TURNED = """(last) => {
    const bench = document.querySelector(".wb[data-entry]");
    return bench && bench.dataset.entry !== last && bench.contains(document.activeElement);
}"""
"""Another entry is on the screen; the server may not have answered."""
MIXED = """() => document.body.insertAdjacentHTML("afterbegin",
    `<p id=mixed data-test-script-state=notRunning>${"<i class=ef-run></i>".repeat(4)}</p>`)"""
"""What two runs drew, in a browser that is yet to hear that the server runs again."""


@pytest.fixture
def entries(store: Store) -> list[str]:
    """Notes that wait."""
    return seeding.add_notes(store, 5)


def be_slow(workspace: Path, seconds: float = 0.06) -> None:
    """From now on the server is, with every transaction."""
    (workspace / SLOW).write_text(str(seconds), "utf-8")


def be_quick(workspace: Path) -> None:
    """From now on the server is."""
    (workspace / SLOW).unlink()


def states(store: Store, *entries: str) -> list[EntryState]:
    """Where the entries are."""
    with store.read() as conn:
        return [load_entry(conn, one).state for one in entries]


def skipped(store: Store, entry_id: str) -> int:
    """How often the entry was skipped."""
    with store.read() as conn:
        return load_entry(conn, entry_id).skipped


def signers(store: Store, *entries: str) -> list[str | None]:
    """Who signed each of the entries."""
    with store.read() as conn:
        return [load_entry(conn, one).signed_by for one in entries]


def filled(page: Page, other_than: str = "") -> str:
    """Fill in the next entry and look at it; answers with its id."""
    entry_id = wait_for_entry(page, other_than=other_than)
    fill_in(page)
    look(page)
    return entry_id


def has_next_ahead(page: Page) -> None:
    """Wait until the browser holds the entry that comes next."""
    expect(page.locator(".wb[data-ahead]:not([data-ahead=''])")).to_be_visible()


def test_the_next_entry_does_not_wait_for_the_server(
    page: Page, store: Store, tmp_path: Path, entries: list[str]
) -> None:
    """Its head, its client and its fields are the next entry's at once, and all of them."""
    with store.read() as conn:
        serials = {one: format_serial(load_entry(conn, one).serial or "") for one in entries}
    log_in(page, NURSE)
    first = filled(page)
    has_next_ahead(page)
    be_slow(tmp_path, 60)
    page.keyboard.press("Control+Enter")
    page.wait_for_function(TURNED, arg=first)
    second, origin = page.evaluate(
        """() => [document.querySelector(".wb").dataset.entry,
            document.querySelector(".wb-origin").innerText]"""
    )
    assert serials[second] in origin
    assert focused_field(page) == (second, "personnummer")
    expect(page.locator(".wb-client-name")).to_have_count(0)
    assert states(store, first) == [EntryState.REVIEW]
    page.keyboard.type("1930")
    be_quick(tmp_path)
    assert wait_for_entry(page, other_than=first) == second
    expect_stored(page, lambda: states(store, first), [EntryState.CONFIRMED])
    expect_stored(page, lambda: drafted(store, second), {"personnummer": Answer("1930")})
    assert focused_field(page) == (second, "personnummer")
    expect(field_input(page, "personnummer")).to_have_value("1930")


@pytest.mark.usefixtures("entries")
def test_keys_pressed_right_after_a_save_are_for_the_next_entry_and_undo_nothing(
    page: Page, store: Store, tmp_path: Path
) -> None:
    """A second Ctrl+Enter is too soon for the next entry; Alt+S after it skips that one."""
    log_in(page, NURSE)
    first = filled(page)
    has_next_ahead(page)
    be_slow(tmp_path)
    for press in ("Control+Enter", "Control+Enter"):
        page.keyboard.press(press)
    page.wait_for_function(TURNED, arg=first)
    second = str(page.locator(".wb").get_attribute("data-entry"))
    page.keyboard.type("1930")
    page.keyboard.press("Alt+s")
    page.wait_for_function(TURNED, arg=second)
    be_quick(tmp_path)
    third = wait_for_entry(page, other_than=second)
    assert third not in (first, second)
    expect(page.locator(".wb-warning")).to_be_empty()
    expect(field_input(page, "personnummer")).to_have_value("")
    expect_stored(
        page, lambda: states(store, first, second), [EntryState.CONFIRMED, EntryState.REVIEW]
    )
    expect_stored(page, lambda: drafted(store, second).get("personnummer"), Answer("1930"))
    assert (skipped(store, first), skipped(store, second), skipped(store, third)) == (0, 1, 0)


def test_what_is_typed_while_a_save_waits_for_its_answer_stands_nowhere(
    page: Page, store: Store, tmp_path: Path
) -> None:
    """The last entry of the queue: there is none that could be shown meanwhile."""
    (only,) = seeding.add_notes(store, 1)
    log_in(page, NURSE)
    filled(page)
    field_input(page, "plan").focus()
    be_slow(tmp_path, 0.25)
    page.keyboard.press("Control+Enter")
    page.keyboard.type("40 mg")
    expect(field_input(page, "plan")).to_have_value(str(NOTE["plan"]))
    page.keyboard.press("Control+Enter")
    expect(page.locator(".wb-saving")).not_to_be_empty()
    be_quick(tmp_path)
    expect(page.get_by_text("Inget väntar på dig just nu.")).to_be_visible()
    expect_stored(page, lambda: states(store, only), [EntryState.CONFIRMED])
    with store.read() as conn:
        assert decided_answers(conn, only)["plan"].answer == Answer(NOTE["plan"])
        assert list_answer_drafts(conn, only, NURSE.login) == {}


def test_an_entry_that_is_refused_after_the_next_was_begun_comes_back_and_neither_loses_a_letter(
    page: Page, store: Store, tmp_path: Path, entries: list[str]
) -> None:
    """Another has put the client's name right meanwhile, so that the sheet contradicts it."""
    log_in(page, NURSE)
    first = filled(page)
    has_next_ahead(page)
    be_slow(tmp_path, 60)
    with store.begin() as conn:
        client_register.save_clients(conn, (replace(CLIENTS[0], name="Tore Lund"),))
    page.keyboard.press("Control+Enter")
    page.wait_for_function(TURNED, arg=first)
    second = str(page.locator(".wb").get_attribute("data-entry"))
    page.keyboard.type(CLIENTS[1].pid)
    be_quick(tmp_path)
    assert wait_for_entry(page, other_than=second) == first
    expect(page.locator(".wb-question input:focus")).to_have_count(1)
    expect(page.locator(".wb-warning")).not_to_be_empty()
    expect(field_input(page, "handelsetid")).to_have_value(str(NOTE["handelsetid"]))
    assert states(store, *entries) == [EntryState.REVIEW] * 5
    assert skip(page, first) == second
    expect(field_input(page, "personnummer")).to_have_value(CLIENTS[1].pid)
    expect_stored(page, lambda: drafted(store, second).get("personnummer"), Answer(CLIENTS[1].pid))


@pytest.mark.usefixtures("entries")
def test_a_key_that_leaves_the_form_takes_its_draft_with_it_however_busy_the_server_is(
    page: Page, store: Store, tmp_path: Path
) -> None:
    log_in(page, NURSE)
    second = skip(page, wait_for_entry(page))
    be_slow(tmp_path, 0.7)
    page.keyboard.type("1930")
    page.keyboard.press("Alt+s")
    page.wait_for_function(TURNED, arg=second)
    be_quick(tmp_path)
    expect_stored(page, lambda: drafted(store, second).get("personnummer"), Answer("1930"))
    expect_stored(page, lambda: skipped(store, second), 1)


LOST = (
    "const send = WebSocket.prototype.send; WebSocket.prototype.send = function (message) { "
    "if (!window.efLost) send.call(this, message); };"
)
"""What the browser sends can be lost on its way."""


@pytest.mark.usefixtures("entries")
def test_what_was_lost_on_its_way_is_sent_again_and_done_once(page: Page, store: Store) -> None:
    page.add_init_script(LOST)
    page.reload()
    log_in(page, NURSE)
    first = filled(page)
    page.evaluate("window.efLost = true")
    page.keyboard.press("Control+Enter")
    page.wait_for_function(TURNED, arg=first)
    second = str(page.locator(".wb").get_attribute("data-entry"))
    page.keyboard.type("1930")
    expect(page.locator(".wb-saving")).not_to_be_empty()  # it has been sent once more
    page.evaluate("window.efLost = false")
    assert wait_for_entry(page, other_than=first) == second
    expect_stored(page, lambda: states(store, first), [EntryState.CONFIRMED])
    expect_stored(page, lambda: drafted(store, second).get("personnummer"), Answer("1930"))
    with store.read() as conn:
        assert load_entry(conn, first).revision == 1


def test_nothing_is_saved_for_a_client_who_has_not_come_up_yet(
    page: Page, store: Store, tmp_path: Path
) -> None:
    seeding.add_notes(store, 1)
    log_in(page, NURSE)
    only = filled(page)
    be_slow(tmp_path, 0.6)
    number = field_input(page, "personnummer")
    number.fill(CLIENTS[1].pid)
    expect(page.locator(".wb-client-name")).to_have_count(0)  # not the one of the number before
    page.keyboard.press("Control+Enter")
    be_quick(tmp_path)
    expect(page.get_by_text("Se efter att patienten är rätt")).to_be_visible()
    expect(client(page)).to_contain_text(CLIENTS[1].name)
    assert wait_for_entry(page) == only
    save(page, only)
    expect(page.get_by_text("Papperet och patienten stämmer inte överens")).to_be_visible()
    assert states(store, only) == [EntryState.REVIEW]


def test_a_second_person_decides_one_entry_with_two_presses_and_takes_back_one(
    page: Page, store: Store, tmp_path: Path
) -> None:
    entries = seeding.add_notes(store, 3, handelsetid="17:53")
    for one in entries:
        seeding.confirm(store, COLLEAGUE, one)
    log_in(page, NURSE)
    first = wait_for_entry(page)
    has_next_ahead(page)
    field_input(page, "handelsetid").fill("09:41")
    look(page)
    be_slow(tmp_path, 0.2)
    for _ in range(3):
        page.keyboard.press("Control+Enter")
    page.wait_for_function(TURNED, arg=first)
    be_quick(tmp_path)
    second = wait_for_entry(page, other_than=first)
    field_input(page, "handelsetid").fill("11:1")
    be_slow(tmp_path, 0.2)
    for press in ("Alt+z", "5", "Control+Enter", "Alt+z"):
        page.keyboard.press(press)
    page.wait_for_function(TURNED, arg=second)
    be_quick(tmp_path)
    assert wait_for_entry(page, other_than=second) == first
    expect_stored(page, lambda: states(store, *entries), [EntryState.SECOND] * 3)
    expect_stored(page, lambda: drafted(store, first), {"handelsetid": Answer("09:41")})
    expect_stored(page, lambda: drafted(store, second), {"handelsetid": Answer("11:1")})


LEAST_LOOK_MS = 500
"""The shortest look that counts on any screen."""
WATCHED = """(place) => {
    new MutationObserver((_, watching) => {
        if (!document.querySelector(place)) return;
        window.efUpAt = performance.now();
        watching.disconnect();
    }).observe(document.body, { childList: true, subtree: true });
    addEventListener("keydown", (event) => {
        if (event.key === "Enter") window.efPressedAt = performance.now();
    }, true);
}"""


def press_too_soon(page: Page, place: str) -> None:
    """Press Ctrl+Enter until a place comes up, and once more before anybody can have looked at
    it.
    """
    page.evaluate(WATCHED, place)
    press_until(page, "Control+Enter", page.locator(place))
    page.keyboard.press("Control+Enter")
    if page.evaluate("window.efPressedAt - window.efUpAt") >= LEAST_LOOK_MS:
        pytest.skip(
            "The machine was so busy that what came up had been looked at when the key was pressed."
        )


def test_a_group_that_came_up_late_is_not_confirmed_unseen(
    page: Page, store: Store, tmp_path: Path
) -> None:
    seeding.add_visit_lists(store, 2)
    first_group(page)
    batch = page.locator(".wb").get_attribute("data-entry")
    be_slow(tmp_path, 0.3)
    press_too_soon(page, f".wb-tiled:not([data-entry='{batch}'])")
    be_quick(tmp_path)
    settle(page)
    expect_stored(page, lambda: len(outcomes(store)), PIECES)


def test_a_note_that_came_up_late_is_not_signed_unread(
    page: Page, store: Store, tmp_path: Path
) -> None:
    notes = seeding.add_notes(store, 2)
    for one in notes:
        seeding.confirm(store, COLLEAGUE, one)
    log_in(page, NURSE)
    settle(page)
    go(page, "Signera")
    first, second = sorted(
        notes, key=lambda one: not page.locator(f"[class*='st-key-sign-{one}']").count()
    )
    be_slow(tmp_path, 0.1)
    press_too_soon(page, f"[class*='st-key-sign-{second}']")
    be_quick(tmp_path)
    settle(page)
    expect_stored(page, lambda: signers(store, first, second), [NURSE.login, None])


def test_a_stack_is_taken_in_whole_though_the_person_goes_elsewhere(
    page: Page, store: Store, tmp_path: Path
) -> None:
    paper = tmp_path / "bunt.pdf"
    sheets = [Image.new("L", (600, 800), 200 + shade) for shade in range(6)]
    sheets[0].save(paper, save_all=True, append_images=sheets[1:])
    log_in(page, ADMINISTRATOR)
    go(page, "Skanna")
    choose(page, "upload_unit", UNIT)
    hand_in(page, "upload_files", paper)
    be_slow(tmp_path, 0.2)
    page.locator(".st-key-upload_submit button").click()
    expect(page.get_by_role("progressbar").first).to_be_visible()
    page.get_by_role("link", name="Läge", exact=True).click()
    expect(page.get_by_role("heading", level=1, name="Läge")).to_be_visible()
    be_quick(tmp_path)
    go(page, "Skanna")
    wait_until(page, lambda: _pages_in(store) == [6])


def _pages_in(store: Store) -> list[int]:
    with store.read() as conn:
        return [one.pages for one in stacks.list_stacks(conn, ADMINISTRATOR)]


@pytest.mark.usefixtures("entries")
def test_a_run_of_which_the_end_is_not_told_leaves_no_mixed_screen(
    page: Page, tmp_path: Path
) -> None:
    log_in(page, NURSE)
    skip(page, wait_for_entry(page))
    settle(page)
    expect(page.locator(".ef-run")).to_have_count(3)
    (tmp_path / FORGET).touch()
    page.keyboard.press("Alt+l")
    expect(page.locator(".ef-run")).to_have_count(4)
    expect(page.locator(".ef-run")).to_have_count(3)
    wait_until(page, lambda: not (tmp_path / FORGET).exists())


def test_no_save_is_lost_when_a_mixed_screen_is_drawn_anew(
    page: Page, store: Store, tmp_path: Path, entries: list[str]
) -> None:
    """Asked for while the server saves, the new run would end the one that does."""
    log_in(page, NURSE)
    first = filled(page)
    has_next_ahead(page)
    be_slow(tmp_path, 0.25)
    page.keyboard.press("Control+Enter")
    page.evaluate(MIXED)
    for _ in range(2):
        look(page)
    page.evaluate("document.querySelector('#mixed').remove()")
    be_quick(tmp_path)
    assert wait_for_entry(page, other_than=first) in entries
    expect_stored(page, lambda: states(store, first), [EntryState.CONFIRMED])
