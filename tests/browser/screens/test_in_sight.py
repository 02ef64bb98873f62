"""The client, what is evidence against the client, the question about it and the field with the
focus are seen at every size.

The page is asked what is at a point, as an eye would: what is in the tree may be covered.
"""

from __future__ import annotations

from dataclasses import replace

import pytest
from playwright.sync_api import Page, expect

from pipeline.domain.model import Assignment, Role
from pipeline.store.accounts import own_choices, people
from pipeline.store.database.store import Store
from pipeline.store.schema.clock import utc_now
from tests.browser.support.covered import covered
from tests.browser.support.nurse import (
    fill_in,
    focused_field,
    log_in,
    save,
    settle,
    wait_for_entry,
)
from tests.support.screens import seeding
from tests.support.screens.seeding import ADMINISTRATOR, CLIENTS, NURSE
from tests.support.store.passwords import hashed

pytestmark = [pytest.mark.browser, pytest.mark.slow]

SIZES = {
    "laptop": (1366, 768),
    "small": (1024, 700),
    "laptop at 200 %": (683, 384),
    "tablet": (820, 1180),
}
CARD, WARNING, PICTURE = ".wb-client-name", ".wb-against", ".wb-pane"
SEEN = """(selector) => {
    const element = [...document.querySelectorAll(selector)].find((one) => one.checkVisibility());
    if (!element) return `${selector} is not drawn`;
    const box = element.getBoundingClientRect();
    // Its first line, and its middle where that is within a frame that scrolls.
    const [x, y] = [box.left + Math.min(box.width / 2, 60), box.top + Math.min(box.height / 2, 20)];
    const found = document.elementFromPoint(x, y);
    if (element.contains(found) || found?.contains(element) && found.closest(selector)) return "";
    return `at ${x}, ${y} there is ${found?.outerHTML.slice(0, 120)}`;
}"""
FOCUS_SEEN = """() => {
    const element = document.activeElement.closest("label") ?? document.activeElement;
    const box = element.getBoundingClientRect();
    const y = (share) => box.top + box.height * share;
    for (const share of [0.1, 0.5, 0.9]) {
        const found = document.elementFromPoint(box.left + box.width / 2, y(share));
        if (!element.contains(found))
            return `${element.outerHTML.slice(0, 80)} covered by ${found?.outerHTML.slice(0, 80)}`;
    }
    return "";
}"""
LENGTH = "() => document.querySelector('.wb-fields').scrollHeight"
SCROLL = "(top) => document.querySelector('.wb-fields').scrollTo({ top })"
PAGE_SCROLLS = """() => {
    const main = document.querySelector('[data-testid="stMain"]');
    const bench = document.querySelector(".wb").getBoundingClientRect();
    const isLonger = main.scrollHeight > main.clientHeight + 1 || bench.bottom > innerHeight;
    return isLonger && getComputedStyle(main).overflowY !== "hidden" ? "the page scrolls" : "";
}"""
PLACES = ("Skanna", "Granska", "Läge", "Skicka")
PLACES_SEEN = """() => [
    ...document.querySelectorAll(".st-key-places :is(a, button)"),
].map((one) => {
    const box = one.getBoundingClientRect(), y = box.top + box.height / 2;
    const isFree = (x) => one.contains(document.elementFromPoint(x, y));
    return [one.querySelector("p").innerText, isFree(box.left + 3) && isFree(box.right - 3)];
})"""
PLACE_WITH_FOCUS = """() => {
    const place = document.activeElement.closest(".st-key-places :is(a, button)");
    if (!place) return "";
    const { outlineStyle, outlineWidth } = getComputedStyle(place);
    const name = place.querySelector("p").innerText;
    return outlineStyle === "solid" && parseFloat(outlineWidth) >= 2 ? name : `${name} unmarked`;
}"""
_STEPS_BACK = 40
_STEPS = 14
_WHOLE_QUESTION_PX = 700
"""Below this height the end of the question is seen, with its choices."""


@pytest.mark.parametrize("size", SIZES)
def test_client_question_and_focus_are_seen(page: Page, store: Store, size: str) -> None:
    width, height = SIZES[size]
    page.set_viewport_size({"width": width, "height": height})
    _ask_question(page, store)
    places = [CARD, WARNING, PICTURE]
    if height >= _WHOLE_QUESTION_PX:
        places.append(".wb-question legend")
    unseen = [page.evaluate(SEEN, one) for one in places]
    assert (unseen, page.evaluate(FOCUS_SEEN)) == ([""] * len(places), "")
    # With the keyboard alone to the last choice and to the words about why, all of them seen
    for key in ("ArrowDown", "ArrowDown", "Enter"):
        page.keyboard.press(key)
        assert (page.evaluate(FOCUS_SEEN), page.evaluate(SEEN, CARD)) == ("", "")
    passed = set()
    for _ in range(_STEPS):
        passed.add(focused_field(page)[1])
        page.keyboard.press("Control+ArrowDown")
        assert (page.evaluate(FOCUS_SEEN), page.evaluate(SEEN, CARD)) == ("", "")
    assert len(passed) > _STEPS / 2
    for top in (0, page.evaluate(LENGTH)):
        page.evaluate(SCROLL, top)
        unseen = [page.evaluate(SEEN, one) for one in (CARD, WARNING, PICTURE, ".wb-save")]
        assert unseen == [""] * 4


def test_nothing_is_hidden_when_the_window_changes(page: Page, store: Store) -> None:
    _ask_question(page, store)
    hidden = {}
    for name, (width, height) in SIZES.items():
        page.set_viewport_size({"width": width, "height": height})
        page.wait_for_function("() => new Promise((go) => requestAnimationFrame(() => go(1)))")
        settle(page)
        found = [page.evaluate(SEEN, one) for one in (CARD, WARNING, PICTURE, ".wb-save")]
        found += [page.evaluate(FOCUS_SEEN), page.evaluate(PAGE_SCROLLS)]
        if any(found):
            hidden[name] = found
    assert hidden == {}


@pytest.mark.parametrize("size", [*SIZES.values(), (1920, 1080)], ids=str)
def test_the_four_places_are_in_sight_and_reached_by_keyboard(
    page: Page, store: Store, size: tuple[int, int]
) -> None:
    page.set_viewport_size({"width": size[0], "height": size[1]})
    _review_with_two_roles(page, store)
    in_sight = page.evaluate(PLACES_SEEN)
    assert [name for name, is_seen in in_sight if is_seen] == [*PLACES, "Mer"]
    # Back from the first field of the entry, through the buttons at the right.
    passed: list[str] = []
    for _ in range(_STEPS_BACK):
        page.keyboard.press("Shift+Tab")
        if name := page.evaluate(PLACE_WITH_FOCUS):
            passed.append(name)
        if name == PLACES[0]:
            break
    assert passed == ["Mer", *reversed(PLACES)]
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1, name="Skanna")).to_be_visible()
    settle(page)
    page.keyboard.press("Alt+l")
    expect(page.get_by_role("heading", level=1, name="Slå upp")).to_be_visible()


def test_what_is_under_mer_is_chosen_by_keyboard(page: Page, store: Store) -> None:
    _review_with_two_roles(page, store)
    page.locator(".st-key-places button").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("link", name="Uppföljning")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.get_by_role("link", name="Uppföljning")).to_have_count(0)
    page.locator(".st-key-places button").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("link", name="Uppföljning")).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1, name="Reservpaket")).to_be_visible()
    expect(page.get_by_test_id("stPopoverBody")).to_have_count(0)


def test_nothing_of_the_menu_lies_under_the_buttons_of_granska(page: Page, store: Store) -> None:
    _review_with_two_roles(page, store)
    assert covered(page, "Granska") == []


def _review_with_two_roles(page: Page, store: Store) -> None:
    """Begin to review as a person with all four places, and more."""
    managing = Assignment(Role.ADMINISTRATOR, "", seeding.UNITS, ADMINISTRATOR.areas)
    person = replace(NURSE, login="both", further=(managing,))
    with store.begin() as conn:
        people.save_person(conn, person, hashed(seeding.PASSWORD))
        own_choices.close_guide(conn, person.login, utc_now())
    seeding.add_notes(store, 2)
    log_in(page, person)
    wait_for_entry(page)
    settle(page)


def _ask_question(page: Page, store: Store) -> None:
    """Save a client whom the paper contradicts, which raises the question."""
    wrong = CLIENTS[1]
    seeding.add_notes(store, 1, personnummer=wrong.pid)
    log_in(page, NURSE)
    entry_id = wait_for_entry(page)
    fill_in(page, {**seeding.NOTE, "personnummer": wrong.pid})
    save(page, entry_id)
    expect(page.locator(".wb-question input:focus")).to_have_count(1)
