"""What a nurse does at the keyboard. No mouse anywhere."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from time import monotonic

from playwright.sync_api import Locator, Page, expect
from playwright.sync_api import TimeoutError as PlaywrightTimeoutError

from pipeline.domain.model import Person, Value
from pipeline.domain.review.rules import Answer
from pipeline.store.database.store import Store
from pipeline.store.entries.answers import list_answer_drafts
from tests.browser.support.serving import PATIENCE_MS
from tests.support.screens import seeding
from tests.support.screens.seeding import NOTE


def log_in(page: Page, person: Person, password: str = seeding.PASSWORD) -> None:
    """From the first screen to the person's own; the name field has the focus when the screen comes
    up.
    """
    expect(page.get_by_label("Användarnamn")).to_be_focused()
    page.keyboard.type(person.login)
    page.keyboard.press("Tab")
    page.keyboard.type(password)
    page.keyboard.press("Enter")


ENTRY_READY = """(last) => {
    const bench = document.querySelector(".wb[data-entry]");
    if (!bench?.checkVisibility() || bench.dataset.entry === last) return null;
    if (bench.dataset.underWay || bench.getAttribute("aria-busy")) return null;
    return bench.contains(document.activeElement) ? bench.dataset.entry : null;
}"""
"""The entry on the screen, once nothing is under way and the focus is in it."""


def wait_for_entry(page: Page, other_than: str = "") -> str:
    """Wait until an entry is up and has the focus; answers with its id."""
    ready = page.wait_for_function(ENTRY_READY, arg=other_than)
    return str(ready.json_value())


STILL = """() => !document.getAnimations().some((one) =>
    one.playState === "running" && one.effect.getComputedTiming().iterations !== Infinity)"""


def settle(page: Page) -> None:
    """Wait until the screen is drawn to its end and stands still: before, what has the focus may
    lose it, and a button slide from under a press.
    """
    page.locator('[data-test-script-state="notRunning"]').wait_for()
    page.wait_for_function(STILL)


def look(page: Page) -> None:
    """Look at what has come up, as a person does: a sooner save is not meant."""
    page.wait_for_function(
        "(since) => performance.now() > since + 600", arg=page.evaluate("performance.now()")
    )


def wait_until(page: Page, holds: Callable[[], bool]) -> None:
    """Wait for something that no screen shows, as a draft in the store."""
    expect_stored(page, holds, True)


def expect_stored(page: Page, read: Callable[[], object], expected: object) -> None:
    """Wait until the store says what is expected; a screen may be drawn before what was asked for
    is written.
    """
    last = monotonic() + PATIENCE_MS / 1000
    while (found := read()) != expected and monotonic() < last:
        page.wait_for_timeout(50)
    assert found == expected


def drafted(store: Store, entry_id: str) -> dict[str, Answer]:
    """What the nurse has begun to answer, by field."""
    with store.read() as conn:
        return list_answer_drafts(conn, entry_id, seeding.NURSE.login)


def press_until(page: Page, keys: str, place: Locator, *, patience_ms: float = 1_500) -> None:
    """Press until what the keys bring is there: on a busy machine Streamlit hears its shortcuts
    only some time after the screen stands still. Where a second press would decide the next too,
    give it more patience.
    """
    for _ in range(20):
        page.keyboard.press(keys)
        try:
            place.wait_for(timeout=patience_ms)
        except PlaywrightTimeoutError:
            continue
        return
    place.wait_for()


def skip(page: Page, entry_id: str) -> str:
    """Press Alt+S once; answers with the entry that is up then."""
    page.keyboard.press("Alt+s")
    return wait_for_entry(page, other_than=entry_id)


def save(page: Page, entry_id: str) -> None:
    """Look at the entry, and press Ctrl+Enter once; returns when another entry is there, or the
    answer that this one could not be saved.
    """
    turn = page.locator(f'.wb[data-entry="{entry_id}"]').get_attribute("data-turn")
    _wait_for_client(page)
    look(page)
    page.keyboard.press("Control+Enter")
    page.wait_for_function(
        """([entry, turn]) => {
            const { dataset } = document.querySelector(".wb[data-entry]") ?? {};
            if (dataset?.entry !== entry) return true;
            return dataset.turn !== turn && !dataset.underWay;
        }""",
        arg=[entry_id, turn],
    )


def save_last(page: Page, entry_id: str) -> None:
    """Save the last entry of the queue."""
    save(page, entry_id)
    expect(page.get_by_text("Inget väntar på dig just nu.")).to_be_visible()
    settle(page)


def _wait_for_client(page: Page) -> None:
    """Wait until the client of the number that was typed, if any, is up, and nothing is under
    way.
    """
    page.wait_for_function(
        """() => {
            const bench = document.querySelector(".wb");
            const typed = [...bench.querySelectorAll("input.wb-input, input.wb-other")];
            const waits = typed.some(({ value }) => /^\\d{12}$/.test(value))
                && bench.querySelector(".wb-client[data-kind=wait]")?.checkVisibility();
            return !bench.dataset.underWay && !waits;
        }"""
    )


def press_until_gone(page: Page, keys: str, place: Locator, *, patience_ms: float = 1_500) -> None:
    """Press until what the keys take away is gone, as `press_until` does."""
    for _ in range(20):
        page.keyboard.press(keys)
        try:
            place.wait_for(state="detached", timeout=patience_ms)
        except PlaywrightTimeoutError:
            continue
        return
    raise AssertionError(f"{place} is still there after {keys}")


def focused_field(page: Page) -> tuple[str, str]:
    """The entry and the field that have the focus; two empty texts when none has."""
    entry, name = page.evaluate(
        """() => {
            const row = document.activeElement?.closest(".wb-row");
            return row ? [row.closest(".wb").dataset.entry, row.dataset.name] : ["", ""];
        }"""
    )
    return entry, name


def field_input(page: Page, name: str) -> Locator:
    """Where a field's text is typed, in a second review another value than both."""
    row = page.locator(f'.wb-row[data-name="{name}"]')
    return row.locator("input.wb-input, textarea.wb-input, input.wb-other").first


def client(page: Page) -> Locator:
    """The client on the screen."""
    return page.locator(".wb-client")


def fill_in(
    page: Page, values: Mapping[str, Value] = NOTE, form: str = "hsl-anteckning"
) -> list[str]:
    """Go with Enter through the fields that need a person, and type what the paper says in those
    that are blind, with Tab after a text of several lines; answers with the fields in that order.
    """
    blind = {
        spec.name
        for spec in seeding.forms().latest(form).fields
        if spec.critical or spec.takes_code
    }
    order: list[str] = []
    while (field := focused_field(page)[1]) and field not in order:
        order.append(field)
        name = field.rpartition("/")[2]  # in a list of rows it has its row before it
        if name in blind:
            page.keyboard.type(str(values.get(name, "-")))
        is_area = page.evaluate("document.activeElement.tagName") == "TEXTAREA"
        page.keyboard.press("Tab" if is_area and name in blind else "Enter")
    _wait_for_client(page)
    return order
