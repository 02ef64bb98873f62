"""The group way at the keyboard: the odd one is marked, the others are confirmed with one key, and
no key reaches the next group unseen.
"""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, Locator, Page, expect
from sqlalchemy import select

from pipeline.store.accounts import own_choices
from pipeline.store.database.store import Store
from pipeline.store.schema.review import group_cell, group_task
from tests.browser.support.nurse import (
    expect_stored,
    log_in,
    look,
    press_until,
    settle,
    wait_for_entry,
    wait_until,
)
from tests.browser.support.people import window
from tests.support.screens import seeding
from tests.support.screens.seeding import NURSE

pytestmark = [pytest.mark.browser, pytest.mark.slow]

PIECES = 2 * len(seeding.forms().latest("besokslista").rows())
"""One of each row of two lists."""


@pytest.fixture
def entries(store: Store) -> list[str]:
    """Two full visit lists."""
    return seeding.add_visit_lists(store, 2)


def pieces(page: Page) -> Locator:
    """The pieces of the group on the screen."""
    return page.locator(".wb-tiled .wb-tick")


def first_group(page: Page) -> str:
    """Log in and wait for the group with the focus in it; answers with its title."""
    log_in(page, NURSE)
    return group_shown(page)


def group_shown(page: Page) -> str:
    """Wait for the group with the focus in it; answers with its title."""
    expect(pieces(page)).to_have_count(PIECES)
    expect(pieces(page).nth(0)).to_be_focused()
    settle(page)
    return page.get_by_role("heading", level=1).inner_text()


def outcomes(store: Store) -> list[tuple[str, str]]:
    """Field and outcome of every piece whose group has ended."""
    with store.read() as conn:
        query = select(group_cell.c.field, group_cell.c.outcome).where(
            group_cell.c.outcome.is_not(None)
        )
        return [(row.field, row.outcome) for row in conn.execute(query.order_by(group_cell.c.id))]


def ended_groups(store: Store) -> int:
    """How many groups have ended."""
    with store.read() as conn:
        return len(
            conn.execute(select(group_task.c.id).where(group_task.c.ended_at.is_not(None))).all()
        )


def marked(store: Store) -> int:
    """How many pieces are marked."""
    with store.read() as conn:
        return len(conn.execute(select(group_cell.c.id).where(group_cell.c.marked)).all())


def other_title(page: Page, title: str) -> Locator:
    """The title of the next group."""
    return page.get_by_role("heading", level=1).filter(has_not_text=title)


@pytest.mark.usefixtures("entries")
def test_arrows_and_space_mark_and_ctrl_enter_confirms_the_rest(page: Page, store: Store) -> None:
    title = first_group(page)
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("Space")
    expect(pieces(page).nth(1)).to_be_checked()
    expect(page.get_by_text(f"Markerade: 1 av {PIECES}")).to_be_visible()
    press_until(page, "Control+Enter", other_title(page, title))
    wait_until(page, lambda: len(outcomes(store)) >= PIECES)
    ended = outcomes(store)[:PIECES]
    assert [outcome for _, outcome in ended].count("odd") == 1
    assert ended[1][1] == "odd"
    assert [outcome for _, outcome in ended].count("kept") == PIECES - 1


@pytest.mark.usefixtures("entries")
def test_a_click_marks_and_unmarks(page: Page, store: Store) -> None:
    title = first_group(page)
    for place in (3, 5, 5):
        pieces(page).nth(place).click()
    expect(pieces(page).nth(3)).to_be_checked()
    expect(pieces(page).nth(5)).not_to_be_checked()
    press_until(page, "Control+Enter", other_title(page, title))
    expect_stored(
        page,
        lambda: [
            place for place, (_, outcome) in enumerate(outcomes(store)[:PIECES]) if outcome == "odd"
        ],
        [3],
    )


@pytest.mark.usefixtures("entries")
def test_the_key_pressed_many_times_confirms_no_group_that_was_not_seen(
    page: Page, store: Store
) -> None:
    title = first_group(page)
    press_until(page, "Control+Enter", other_title(page, title))
    for _ in range(4):
        page.keyboard.press("Control+Enter")
    settle(page)
    expect_stored(page, lambda: ended_groups(store), 1)


@pytest.mark.usefixtures("entries")
def test_what_has_not_been_in_view_is_not_confirmed(page: Page, store: Store) -> None:
    """The key turns the page first, as often as there is more, and keeps the button in sight."""
    page.set_viewport_size({"width": 760, "height": 480})
    title = first_group(page)
    done = page.locator(".wb-save")
    expect(done).to_be_in_viewport(ratio=1)
    expect(done).to_contain_text("Visa nästa rutor")
    expect(pieces(page).last).not_to_be_in_viewport()
    look(page)
    look(page)
    page.keyboard.press("Control+Enter")
    expect(pieces(page).nth(0)).not_to_be_focused()
    expect(page.locator(".wb-tick:focus")).to_be_in_viewport(ratio=1)
    assert outcomes(store) == []
    for _ in range(PIECES):
        look(page)
        if "Alla stämmer" in done.inner_text():
            break
        page.keyboard.press("Control+Enter")
    expect(pieces(page).last).to_be_in_viewport(ratio=0.9)
    assert outcomes(store) == []
    press_until(page, "Control+Enter", other_title(page, title))
    expect_stored(page, lambda: ended_groups(store), 1)


@pytest.mark.usefixtures("entries")
def test_a_mark_is_saved_before_the_group_is_skipped(page: Page, store: Store) -> None:
    first_group(page)
    page.keyboard.press("Space")
    page.keyboard.press("Alt+s")
    wait_for_entry(page)
    assert marked(store) == 1


@pytest.mark.usefixtures("entries")
def test_a_mark_of_one_window_is_seen_and_kept_by_the_other(
    page: Page, browser: Browser, served: str, store: Store
) -> None:
    title = first_group(page)
    with window(browser, served) as other:
        first_group(other)
        other.keyboard.press("Space")
        expect_stored(other, lambda: marked(store), 1)
    press_until(page, "Control+Enter", other_title(page, title))
    wait_until(page, lambda: len(outcomes(store)) >= PIECES)
    assert [outcome for _, outcome in outcomes(store)[:PIECES]].count("odd") == 1


@pytest.mark.usefixtures("entries")
def test_the_grid_has_the_focus_again_once_the_guide_is_closed(page: Page, store: Store) -> None:
    with store.begin() as conn:
        own_choices.reopen_guide(conn, NURSE.login)
    first_group(page)
    page.get_by_role("button", name="Stäng guiden").click()
    page.locator(".st-key-guide_close").wait_for(state="detached")
    expect(pieces(page).nth(0)).to_be_focused()
    page.keyboard.press("ArrowRight")
    expect(pieces(page).nth(1)).to_be_focused()


@pytest.mark.usefixtures("entries")
def test_enter_alone_neither_marks_nor_confirms(page: Page, store: Store) -> None:
    first_group(page)
    page.keyboard.press("Enter")
    page.keyboard.press("ArrowDown")
    expect(pieces(page).nth(0)).not_to_be_focused()
    expect(pieces(page).nth(0)).not_to_be_checked()
    assert outcomes(store) == []


@pytest.mark.usefixtures("entries")
def test_marks_outlive_the_window(page: Page, store: Store) -> None:
    first_group(page)
    pieces(page).nth(4).click()
    expect_stored(page, lambda: marked(store), 1)
    page.reload()
    group_shown(page)
    expect(pieces(page).nth(4)).to_be_checked()


@pytest.mark.usefixtures("entries")
def test_undo_brings_the_last_group_back(page: Page, store: Store) -> None:
    title = first_group(page)
    press_until(page, "Control+Enter", other_title(page, title))
    expect(pieces(page).nth(0)).to_be_focused()
    press_until(page, "Alt+z", page.get_by_role("heading", level=1, name=title))
    expect_stored(page, lambda: {outcome for _, outcome in outcomes(store)}, {"undone", "lapsed"})


def test_what_is_folded_on_the_sheet_opens_with_a_key(
    page: Page, store: Store, entries: list[str]
) -> None:
    first_group(page)
    press_until(page, "Alt+s", page.locator(".wb-folded").first)
    wait_for_entry(page)
    shower = page.locator('.wb-row[data-name$="dusch"]')
    expect(shower).to_have_count(0)
    page.keyboard.press("Alt+o")
    expect(shower.first).to_be_visible()
    assert entries
    expect_stored(page, lambda: {outcome for _, outcome in outcomes(store)}, {"lapsed"})
