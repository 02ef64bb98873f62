"""A server that takes its time, and a person who does not wait: what was pressed is done, and what
is typed ahead stands in no other place.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Page, Route, expect

from pipeline.domain.model import EntryState
from pipeline.domain.review.rules import Answer
from pipeline.forms.fiducials import format_serial
from pipeline.store.database.store import Store
from pipeline.store.entries.answers import decided_answers, list_answer_drafts
from pipeline.store.entries.entry import load_entry
from pipeline.store.event_log.events import client_log_subject, list_events
from pipeline.store.paper.intake import stacks
from tests.browser.keys.test_group_keys import PIECES, first_group, outcomes
from tests.browser.support.nurse import (
    drafted,
    expect_stored,
    fill_in,
    log_in,
    look,
    press_until,
    settle,
    skip,
    wait_for_entry,
    wait_until,
)
from tests.browser.support.people import go, hand_in
from tests.browser.support.warm import FORGET, SLOW
from tests.support.screens import seeding
from tests.support.screens.seeding import ADMINISTRATOR, CLIENTS, COLLEAGUE, NOTE, NURSE

pytestmark = [pytest.mark.browser, pytest.mark.slow]

TURNED = (
    "(last) => document.activeElement?.closest('[class*=\"st-key-f-\"]') && "
    '!document.activeElement.closest(`[class*="st-key-f-${last}-"]`)'
)

WATCH_LINE = """() => {
    window.efSeen = [];
    let last = "";
    const look = () => {
        const form = [...document.querySelectorAll('[class*="st-key-f-"]')]
            .find((one) => one.getClientRects().length);
        const id = form?.className.match(/st-key-f-([\\w-]+-\\d\\d)-\\d+-[a-z]/)?.[1];
        const line = document.querySelector(
            '[data-testid="stMain"] [data-testid="stCaptionContainer"]');
        const text = line && getComputedStyle(line).visibility === "visible" ? line.innerText : "";
        if (id && last === id + text) window.efSeen.push([id, text]);
        last = id + text;
        requestAnimationFrame(look);
    };
    look();
}"""
"""Notes which entry's form is seen and the line below the title, if they stand so for two frames:
what changes before it is painted is not seen.
"""


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


def looks(store: Store, number: str) -> int:
    """How often somebody has looked for a client."""
    with store.read() as conn:
        return sum(
            one.action == "look_up_client"
            for one in list_events(conn, client_log_subject(conn, number))
        )


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
    """Fill in the next entry; answers with its id."""
    entry_id = wait_for_entry(page, other_than=other_than)
    fill_in(page)
    return entry_id


@pytest.mark.usefixtures("entries")
def test_what_is_pressed_right_after_a_save_does_not_undo_it(
    page: Page, store: Store, tmp_path: Path
) -> None:
    log_in(page, NURSE)
    saved = [filled(page)]
    page.keyboard.press("Control+Enter")
    for press in ("Alt+s", "Alt+z"):
        saved.append(filled(page, saved[-1]))
        be_slow(tmp_path)
        page.keyboard.press("Control+Enter")
        page.keyboard.press(press)
        page.wait_for_function(TURNED, arg=saved[-1])
        be_quick(tmp_path)
    settle(page)
    expect_stored(page, lambda: states(store, *saved), [EntryState.CONFIRMED] * 3)
    with store.read() as conn:
        assert [load_entry(conn, one).skipped for one in saved] == [0] * 3


def test_what_is_typed_while_a_save_is_on_its_way_stands_nowhere(
    page: Page, store: Store, tmp_path: Path, entries: list[str]
) -> None:
    log_in(page, NURSE)
    first = filled(page)
    plan = page.locator(f".st-key-f-{first}-0-plan").locator("input, textarea").first
    plan.focus()
    be_slow(tmp_path, 0.25)
    page.keyboard.press("Control+Enter")
    page.keyboard.type("40 mg", delay=20)
    page.keyboard.press("Control+Enter")
    be_quick(tmp_path)
    second = wait_for_entry(page, other_than=first)
    assert page.locator(f".st-key-f-{second}-0-personnummer input").input_value() == ""
    expect_stored(page, lambda: states(store, first), [EntryState.CONFIRMED])
    with store.read() as conn:
        assert decided_answers(conn, first)["plan"].answer == Answer(NOTE["plan"])
        assert [list_answer_drafts(conn, one, NURSE.login) for one in entries] == [{}] * 5


def test_no_form_is_seen_below_the_line_of_the_one_before(
    page: Page, store: Store, tmp_path: Path, entries: list[str]
) -> None:
    with store.read() as conn:
        serials = {one: format_serial(load_entry(conn, one).serial or "") for one in entries}
    log_in(page, NURSE)
    first = filled(page)
    page.evaluate(WATCH_LINE)
    be_slow(tmp_path, 0.25)
    page.keyboard.press("Control+Enter")
    page.wait_for_function(TURNED, arg=first)
    be_quick(tmp_path)
    second = wait_for_entry(page, other_than=first)
    seen = page.evaluate("window.efSeen")
    assert {one for one, _ in seen} == {first, second}
    assert [
        (one, line)
        for one, line in seen
        if any(serial in line for other, serial in serials.items() if other != one)
    ] == []
    assert any(one == second and serials[second] in line for one, line in seen)


@pytest.mark.usefixtures("entries")
def test_keys_pressed_before_the_next_entry_is_drawn_to_its_end_do_nothing(
    page: Page, store: Store, tmp_path: Path
) -> None:
    log_in(page, NURSE)
    first = filled(page)
    be_slow(tmp_path, 0.2)
    page.keyboard.press("Control+Enter")
    page.wait_for_function(TURNED, arg=first)
    be_slow(tmp_path, 60)  # the drawing is not ended before all keys are pressed
    page.keyboard.type("1930")
    for press in ("Alt+s", "Control+Enter", "Alt+z"):
        page.keyboard.press(press)
    be_quick(tmp_path)
    second = wait_for_entry(page, other_than=first)
    expect(page.get_by_role("alert")).to_have_count(0)
    expect(page.locator(f".st-key-f-{second}-0-personnummer input")).to_have_value("1930")
    expect_stored(page, lambda: states(store, first), [EntryState.CONFIRMED])
    with store.read() as conn:
        assert load_entry(conn, second).skipped == 0


@pytest.mark.usefixtures("entries")
def test_a_key_that_leaves_the_form_waits_for_its_draft_as_long_as_the_server_is_busy(
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
def test_a_draft_that_was_lost_on_its_way_is_sent_again_before_the_form_goes(
    page: Page, store: Store
) -> None:
    page.add_init_script(LOST)
    page.reload()
    log_in(page, NURSE)
    first = wait_for_entry(page)
    page.keyboard.type("1930")
    page.evaluate("window.efLost = true")
    page.keyboard.press("Tab")
    page.wait_for_function(
        "(since) => performance.now() > since + 2500", arg=page.evaluate("performance.now()")
    )  # nothing waits for it any more
    page.evaluate("document.activeElement.blur(); window.efLost = false")
    page.mouse.click(5, 450)  # so that the focus does not come back
    page.keyboard.press("Alt+s")
    wait_for_entry(page, other_than=first)
    expect_stored(page, lambda: drafted(store, first).get("personnummer"), Answer("1930"))


@pytest.mark.usefixtures("entries")
def test_a_field_that_is_not_drawn_yet_has_no_draft(page: Page, store: Store) -> None:
    held: list[Route] = []
    page.route("**/TextArea.*.js", lambda route: held.append(route))
    log_in(page, NURSE)
    first = wait_for_entry(page)
    page.keyboard.type(str(NOTE["personnummer"]))
    page.keyboard.press("Tab")
    expect(page.locator(".ef-client")).to_contain_text("Elsa Fjällberg")
    expect_stored(
        page, lambda: drafted(store, first), {"personnummer": Answer(NOTE["personnummer"])}
    )
    for route in held:
        route.continue_()
    expect(page.locator(f".st-key-f-{first}-0-plan textarea")).to_have_value(str(NOTE["plan"]))


def test_nothing_is_saved_for_a_client_who_has_not_come_up_yet(
    page: Page, store: Store, tmp_path: Path
) -> None:
    seeding.add_notes(store, 1)
    log_in(page, NURSE)
    only = filled(page)
    be_slow(tmp_path, 0.6)
    number = page.locator(f".st-key-f-{only}-0-personnummer input")
    number.fill(CLIENTS[1].pid)
    number.press("Tab")
    wait_until(page, lambda: looks(store, CLIENTS[1].pid) > 0)
    page.keyboard.press("Control+Enter")
    be_quick(tmp_path)
    expect(page.get_by_text("Se efter att klienten är rätt")).to_be_visible()
    expect(page.locator(".ef-client")).to_contain_text(CLIENTS[1].name)
    settle(page)
    press_until(
        page, "Control+Enter", page.get_by_text("Papperet och klienten stämmer inte överens")
    )


def test_a_second_person_decides_one_entry_with_two_presses_and_takes_back_one(
    page: Page, store: Store, tmp_path: Path
) -> None:
    entries = seeding.add_notes(store, 3, handelsetid="17:53")
    for one in entries:
        seeding.confirm(store, COLLEAGUE, one)
    log_in(page, NURSE)
    first = wait_for_entry(page)
    page.locator(f".st-key-o-{first}-1-handelsetid input").fill("09:41")
    wait_until(page, lambda: bool(drafted(store, first)))
    look(page)
    be_slow(tmp_path, 0.2)
    for _ in range(3):
        page.keyboard.press("Control+Enter")
    page.wait_for_function(TURNED, arg=first)
    be_quick(tmp_path)
    second = wait_for_entry(page, other_than=first)
    page.locator(f".st-key-o-{second}-1-handelsetid input").fill("11:1")
    wait_until(page, lambda: drafted(store, second) == {"handelsetid": Answer("11:1")})
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
    title = first_group(page)
    be_slow(tmp_path, 0.3)
    press_too_soon(page, f".grid:not([aria-label='{title}'])")
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
    be_slow(tmp_path, 0.3)
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
    page.keyboard.press("Alt+s")
    expect(page.locator(".ef-run")).to_have_count(4)
    expect(page.locator(".ef-run")).to_have_count(3)
    wait_until(page, lambda: not (tmp_path / FORGET).exists())
