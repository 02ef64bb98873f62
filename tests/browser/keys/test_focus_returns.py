"""Whatever takes the focus away from the entry gives it back, to the field where the person was,
with what was typed there.
"""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import insert

from pipeline.domain.model import EntryState
from pipeline.domain.review.rules import Answer
from pipeline.store.accounts import own_choices
from pipeline.store.database.store import Store
from pipeline.store.entries.entry import load_entry
from pipeline.store.schema.clock import utc_now
from pipeline.store.schema.review import control
from tests.browser.support.nurse import (
    client,
    drafted,
    expect_stored,
    field_input,
    fill_in,
    focused_field,
    log_in,
    save,
    settle,
    wait_for_entry,
)
from tests.support.screens import seeding
from tests.support.screens.seeding import COLLEAGUE, NOTE, NURSE

pytestmark = [pytest.mark.browser, pytest.mark.slow]

_SECOND_FIELD = "handelsedatum"


def _half_typed(page: Page) -> str:
    """Log in and be in the middle of the second field; answers with the entry."""
    log_in(page, NURSE)
    entry_id = wait_for_entry(page)
    page.keyboard.type(str(NOTE["personnummer"]))
    expect(client(page)).to_contain_text("Elsa Fjällberg")
    page.keyboard.press("Enter")
    page.keyboard.type("2021-")
    return entry_id


def _types_on(page: Page, entry_id: str) -> None:
    assert wait_for_entry(page) == entry_id
    assert focused_field(page) == (entry_id, _SECOND_FIELD)
    page.keyboard.press("End")
    page.keyboard.type("12-18")
    expect(field_input(page, _SECOND_FIELD)).to_have_value("2021-12-18")


@pytest.fixture
def entry_id(page: Page, store: Store) -> str:
    """The entry on the screen, half typed."""
    seeding.add_notes(store, 2)
    return _half_typed(page)


def test_after_the_list_of_keys(page: Page, entry_id: str) -> None:
    page.keyboard.press("Alt+h")
    keys = page.get_by_text("Spara och gå till nästa post")
    expect(keys).to_be_visible()
    page.keyboard.press("Escape")
    expect(keys).to_be_hidden()
    _types_on(page, entry_id)


@pytest.mark.parametrize("way", ["key", "pointer"])
def test_after_a_menu(page: Page, entry_id: str, way: str) -> None:
    page.locator(".st-key-person_menu button").first.click()
    log_out = page.get_by_role("button", name="Logga ut")
    expect(log_out).to_be_visible()
    if way == "key":
        page.keyboard.press("Escape")
    else:
        page.locator(".wb-caption").click()
    expect(log_out).to_be_hidden()
    _types_on(page, entry_id)


def test_after_a_search_for_a_sheet(page: Page, store: Store, entry_id: str) -> None:
    page.keyboard.press("Alt+l")
    expect(page.locator(".st-key-lookup_typed input")).to_be_focused()
    expect_stored(page, lambda: drafted(store, entry_id).get(_SECOND_FIELD), Answer("2021-"))
    settle(page)
    page.keyboard.press("Escape")
    assert wait_for_entry(page) == entry_id
    expect(field_input(page, "personnummer")).to_have_value(str(NOTE["personnummer"]))
    expect(field_input(page, _SECOND_FIELD)).to_have_value("2021-")
    expect(client(page)).to_contain_text("Elsa Fjällberg")


def test_after_the_guide(page: Page, store: Store) -> None:
    seeding.add_notes(store, 1)
    with store.begin() as conn:
        own_choices.reopen_guide(conn, NURSE.login)
    entry_id = _half_typed(page)
    page.get_by_role("button", name="Stäng guiden").click()
    expect(page.locator(".st-key-guide")).to_have_count(0)
    _types_on(page, entry_id)


def test_after_another_screen(page: Page, store: Store, entry_id: str) -> None:
    page.get_by_role("link", name="Skicka").click(delay=120)
    expect(page.get_by_role("heading", level=1, name="Signera")).to_be_visible()
    settle(page)
    page.get_by_role("link", name="Granska", exact=True).click()
    assert wait_for_entry(page) == entry_id
    expect(field_input(page, _SECOND_FIELD)).to_have_value("2021-")
    expect_stored(page, lambda: drafted(store, entry_id).get(_SECOND_FIELD), Answer("2021-"))


def test_after_a_control_task_and_undo_is_about_the_entry_before_it(
    page: Page, store: Store
) -> None:
    """The task comes after an entry; what the colleague answered is nowhere in the page."""
    checked, *entries = seeding.add_notes(store, 3)
    seeding.confirm(store, COLLEAGUE, checked)
    with store.begin() as conn:
        values = {"entry": checked, "field": "handelsetid", "drawn_at": utc_now(), "passed": 0}
        conn.execute(insert(control).values(values))
    log_in(page, NURSE)
    first = wait_for_entry(page)
    assert first in entries
    fill_in(page)
    save(page, first)
    task = wait_for_entry(page, other_than=first)
    assert task not in entries
    assert focused_field(page) == (task, "handelsetid")
    assert str(NOTE["handelsetid"]) not in page.content()
    page.keyboard.type(str(NOTE["handelsetid"]))
    save(page, task)
    second = wait_for_entry(page, other_than=task)
    assert focused_field(page) == (second, "personnummer")
    expect(field_input(page, "handelsetid")).to_have_value("")
    expect_stored(page, lambda: _state(store, first), EntryState.CONFIRMED)
    page.keyboard.press("Alt+z")
    assert wait_for_entry(page, other_than=second) == first
    assert focused_field(page)[0] == first
    expect_stored(page, lambda: _state(store, first), EntryState.REVIEW)
    assert _state(store, checked) is EntryState.CONFIRMED


def _state(store: Store, entry_id: str) -> EntryState:
    with store.read() as conn:
        return load_entry(conn, entry_id).state
