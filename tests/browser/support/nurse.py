"""What a nurse does at the keyboard. No mouse anywhere."""

from __future__ import annotations

import re
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


def wait_for_entry(page: Page, other_than: str = "") -> str:
    """Wait until an entry is up and its first field has the focus; answers with its id."""
    page.wait_for_function(
        """(last) => {
            const id = document.activeElement
                ?.closest('[class*="st-key-f-"]')
                ?.className.match(/st-key-f-([\\w-]+-\\d\\d)-\\d+-[a-z]/)?.[1];
            return id && id !== last;
        }""",
        arg=other_than,
    )
    entry_id = focused_field(page)[0]
    page.locator(f".st-key-undo-{entry_id}").wait_for()  # the last thing on the screen
    settle(page)
    return entry_id


STILL = """() => !document.getAnimations().some((one) =>
    one.playState === "running" && one.effect.getComputedTiming().iterations !== Infinity)"""


def settle(page: Page) -> None:
    """Wait until the screen is drawn to its end and stands still: before, what has the focus may
    lose it, and a button slide from under a press.
    """
    page.locator('[data-test-script-state="notRunning"]').wait_for()
    page.wait_for_function(STILL)


def look(page: Page) -> None:
    """Look at what has come up, as a person does: sooner a save is not meant, and Streamlit may not
    hear its shortcuts yet.
    """
    page.wait_for_function(
        "(since) => performance.now() > since + 1000", arg=page.evaluate("performance.now()")
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
    """Press Alt+S until another entry is up; answers with its id. A press that is heard late is
    waited for: a second one would skip the next too.
    """
    _press_past(page, "Alt+s", entry_id, patience_ms=15_000)
    return wait_for_entry(page, other_than=entry_id)


def save(page: Page, entry_id: str) -> None:
    """Press Ctrl+Enter until another entry is up. What is pressed sooner than half a second after
    an entry or its client came up is not meant.
    """
    _press_past(page, "Control+Enter", entry_id, patience_ms=1_500)


def _press_past(page: Page, keys: str, entry_id: str, *, patience_ms: float) -> None:
    """Press until the entry is no longer on the screen."""
    press_until_gone(page, keys, page.locator(f".st-key-skip-{entry_id}"), patience_ms=patience_ms)


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
    holder = "document.activeElement?.closest('[class*=\"st-key-f-\"]')?.className"
    found = re.search(r"st-key-f-([\w-]+-\d\d)-\d+-([a-z]\S*)", page.evaluate(holder) or "")
    return (found[1], found[2]) if found else ("", "")


def fill_in(
    page: Page, values: Mapping[str, Value] = NOTE, form: str = "hsl-anteckning"
) -> list[str]:
    """Go through all fields with Tab and type what the paper says in those that are blind; answers
    with the fields in that order.
    """
    blind = {
        spec.name.replace(".", "-"): spec.name
        for spec in seeding.forms().latest(form).fields
        if spec.critical or spec.takes_code
    }
    order: list[str] = []
    while (field := focused_field(page)[1]) and field not in order:
        order.append(field)
        if field in blind:
            page.keyboard.type(str(values.get(blind[field], "-")))
        page.keyboard.press("Tab")
    expect(page.locator(".ef-client:visible > .ef-muted:only-child")).to_have_count(
        0
    )  # before the client is looked at, saving shows it instead
    settle(page)
    look(page)
    return order
