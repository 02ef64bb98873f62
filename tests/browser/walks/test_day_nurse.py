"""A nurse's pile, from the first key to the last: how many keys and seconds an entry takes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from pipeline.domain.model import EntryState
from pipeline.store.database.store import Store
from pipeline.store.entries.entry import load_entry
from tests.browser.support.nurse import (
    fill_in,
    save,
    save_last,
    wait_for_entry,
)
from tests.browser.support.people import logged_in
from tests.browser.support.serving import serving
from tests.support.screens import seeding
from tests.support.screens.seeding import NOTE, NURSE

pytestmark = [pytest.mark.browser, pytest.mark.slow]

_COUNT_KEYS = """() => {
    window.efKeys = 0;
    addEventListener("keydown", ({ key }) => {
        if (!["Control", "Alt", "Shift"].includes(key)) window.efKeys += 1;
    }, true);
}"""
_BLIND = [spec.name for spec in seeding.forms()["hsl-anteckning", 1].fields if spec.critical]
_TYPED = sum(len(str(NOTE.get(name, "-"))) for name in _BLIND)
"""The signs on the paper that nobody may read for her."""
_NOTES = 5
_SECONDS = 15.0
"""Generous: what the machine that tests takes for one entry, with the looks at entry and client."""


def test_an_entry_takes_what_is_written_a_key_a_field_and_one_to_save(
    browser: Browser,
    store: Store,
    tmp_path: Path,
    record_property: Callable[[str, object], None],
) -> None:
    entries = seeding.add_notes(store, _NOTES)
    with serving(tmp_path) as address, logged_in(browser, address, NURSE) as page:
        last = wait_for_entry(page)
        page.evaluate(_COUNT_KEYS)
        begun, passed = _now(page), 0
        for left in reversed(range(_NOTES)):
            passed += len(fill_in(page))
            if left:
                save(page, last)
                last = wait_for_entry(page, other_than=last)
        save_last(page, last)
        keys, seconds = page.evaluate("window.efKeys"), (_now(page) - begun) / 1000
    assert _states(store, entries) == [EntryState.CONFIRMED] * _NOTES
    each = keys / _NOTES
    record_property(
        "measured",
        f"a note: {each:.1f} keys, of which {_TYPED} signs; {seconds / _NOTES:.1f} s",
    )
    assert keys == _NOTES * (_TYPED + 1) + passed
    assert passed == _NOTES * (len(_BLIND) + 1)  # and the text that the machine is not sure of
    assert seconds / _NOTES < _SECONDS


def _now(page: Page) -> float:
    at: float = page.evaluate("performance.now()")
    return at


def _states(store: Store, entries: list[str]) -> list[EntryState]:
    with store.read() as conn:
        return [load_entry(conn, one).state for one in entries]
