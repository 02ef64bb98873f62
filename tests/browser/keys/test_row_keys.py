"""The rows of a list at the keyboard: a whole sheet in sight, its ink large enough, one key."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from pipeline.domain.model import EntryState
from pipeline.domain.review.seeded_errors import SeededError
from pipeline.store.accounts import own_choices
from pipeline.store.database.store import Store
from pipeline.store.entries.entry import load_entry
from pipeline.store.quality.checked_work import add_seeded_error
from pipeline.store.schema.clock import utc_now
from tests.browser.support.nurse import (
    expect_stored,
    field_input,
    log_in,
    look,
    press_until,
    settle,
    wait_for_entry,
)
from tests.support.screens import seeding
from tests.support.screens.seeding import NURSE

pytestmark = [pytest.mark.browser, pytest.mark.slow]

FORM = seeding.forms().latest("besokslista")
ROWS = tuple(row for row in FORM.rows() if row is not None)
_IN_SIGHT = """rows => {
    const view = document.querySelector(".wb-fields").getBoundingClientRect();
    return rows.map((row) => {
        const box = row.getBoundingClientRect();
        const ink = row.querySelector(".wb-crop").getBoundingClientRect();
        return [box.top >= view.top - 1 && box.bottom <= view.bottom + 1, ink.height, ink.width];
    });
}"""


_IS_UNCOVERED = """part => {
    const { left, top, width, height } = part.getBoundingClientRect();
    const at = (x, y) => document.elementFromPoint(left + width * x, top + height * y);
    return [[0.1, 0.2], [0.5, 0.5], [0.9, 0.8]].every(([x, y]) => part.contains(at(x, y)));
}"""


def sure_list(store: Store, rows: tuple[int, ...]) -> list[str]:
    """A visit list of which only the head has to be typed; answers with the ids of its entries."""
    sure = {f"rad{row:02d}.slut": f"{row + 1:02d}:00" for row in rows}
    serial = seeding.add_visits(store, rows, sure, p=0.9995)
    return [f"{serial}-{row:02d}" for row in rows]


def states(store: Store, ids: list[str]) -> list[bool]:
    """Which of the entries still wait for a review."""
    with store.read() as conn:
        return [load_entry(conn, one).state is EntryState.REVIEW for one in ids]


@pytest.mark.parametrize("size", [(1366, 768), (1024, 700)])
def test_a_list_of_fifteen_rows_is_in_sight_at_once(
    page: Page, store: Store, size: tuple[int, int]
) -> None:
    page.set_viewport_size({"width": size[0], "height": size[1]})
    ids = sure_list(store, ROWS)
    log_in(page, NURSE)
    assert wait_for_entry(page) == f"rows:{ids[0]}"
    lines = page.locator('.wb-row[data-kind="tick"]')
    expect(lines).to_have_count(15)
    settle(page)
    measured = lines.evaluate_all(_IN_SIGHT)
    assert min(tall for _, tall, _ in measured) >= 28, measured
    assert sum(is_seen for is_seen, _, _ in measured) >= (15 if size[0] > 1300 else 10)


def test_rows_as_planned_take_one_key_and_the_odd_one_is_left(page: Page, store: Store) -> None:
    ids = sure_list(store, (1, 2, 3))
    log_in(page, NURSE)
    assert wait_for_entry(page) == f"rows:{ids[0]}"
    settle(page)
    # Nothing has to be typed: the focus is in the first row.
    expect(page.locator(f'.wb-row[data-name="{ids[0]}/"] input')).to_be_focused()
    # From row to row, and the second one is unticked
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Space")
    expect(page.locator(f'.wb-row[data-name="{ids[1]}/"] input')).not_to_be_checked()
    press_until(page, "Control+Enter", page.locator(f'.wb[data-entry="{ids[1]}"]'))
    expect_stored(page, lambda: states(store, ids), [False, True, False])
    # Undone, they are rows again after Alt+V.
    press_until(page, "Alt+z", page.get_by_text("tillbaka: 2"))
    expect_stored(page, lambda: states(store, ids), [True, True, True])


def test_alt_v_shows_one_row_and_all_again_with_what_was_typed(page: Page, store: Store) -> None:
    serial = seeding.add_visits(store, (1, 2))
    log_in(page, NURSE)
    assert wait_for_entry(page) == f"rows:{serial}-01"
    settle(page)
    page.keyboard.type("2021-12-18")
    page.keyboard.press("Enter")
    press_until(page, "Alt+v", page.locator(f'.wb[data-entry="{serial}-01"]'))
    expect(field_input(page, "datum")).to_have_value("2021-12-18")
    press_until(page, "Alt+v", page.locator(f'.wb[data-entry="rows:{serial}-01"]'))
    expect(field_input(page, "head/datum")).to_have_value("2021-12-18")


def test_a_row_confirmed_with_a_seeded_error_comes_alone_and_escape_leaves_the_rows(
    page: Page, store: Store
) -> None:
    ids = sure_list(store, (1, 2, 3))
    with store.begin() as conn:
        wrong = ("rad02.tvatt", SeededError(True))
        add_seeded_error(conn, NURSE.login, ids[1], wrong, utc_now())
    log_in(page, NURSE)
    assert wait_for_entry(page) == f"rows:{ids[0]}"
    settle(page)
    # It is shown beside the row's own ink, as what was read is.
    row = page.locator(f'.wb-row[data-name="{ids[1]}/"]')
    expect(row.locator(".wb-crop")).to_be_in_viewport(ratio=0.99)
    expect(row.get_by_text("Tvätt")).to_be_in_viewport(ratio=0.99)
    # Escape leaves for the row alone, Alt+V goes back, and nothing is lost or decided.
    press_until(page, "Escape", page.locator(f'.wb[data-entry="{ids[0]}"]'))
    press_until(page, "Alt+v", page.locator(f'.wb[data-entry="rows:{ids[0]}"]'))
    settle(page)
    press_until(page, "Control+Enter", page.locator(f'.wb[data-entry="{ids[1]}"]'))
    expect(page.get_by_text("lagt in på prov")).to_be_in_viewport(ratio=0.99)
    expect_stored(page, lambda: states(store, ids), [False, True, False])


def test_rows_out_of_sight_are_turned_to_before_they_are_confirmed(
    page: Page, store: Store
) -> None:
    page.set_viewport_size({"width": 1366, "height": 420})
    ids = sure_list(store, ROWS)
    log_in(page, NURSE)
    assert wait_for_entry(page) == f"rows:{ids[0]}"
    settle(page)
    expect(page.locator(".wb-save")).to_contain_text("Visa nästa rader")
    last = page.locator(f'.wb-row[data-name="{ids[-1]}/"]')
    expect(last).not_to_be_in_viewport()
    look(page)
    page.keyboard.press("Control+Enter")
    # The first row that was not in sight is at the top now, and nothing is confirmed.
    expect(page.locator(f'.wb-row[data-name="{ids[0]}/"]')).not_to_be_in_viewport()
    assert states(store, ids) == [True] * len(ids)
    for _ in ids:
        look(page)
        if "Bekräfta" in page.locator(".wb-save").inner_text():
            break
        page.keyboard.press("Control+Enter")
    assert states(store, ids) == [True] * len(ids)
    press_until(page, "Control+Enter", page.get_by_text("Inget väntar"))
    expect_stored(page, lambda: states(store, ids), [False] * len(ids))


@pytest.mark.parametrize("size", [(1366, 768), (1024, 700), (820, 1180)])
def test_the_guide_of_the_first_day_covers_no_row(
    page: Page, store: Store, size: tuple[int, int]
) -> None:
    page.set_viewport_size({"width": size[0], "height": size[1]})
    ids = sure_list(store, (1, 2, 3))
    with store.begin() as conn:
        own_choices.reopen_guide(conn, NURSE.login)
    log_in(page, NURSE)
    assert wait_for_entry(page) == f"rows:{ids[0]}"
    settle(page)
    expect(page.get_by_role("button", name="Stäng guiden")).to_be_in_viewport(ratio=0.99)
    for place in (f'.wb-row[data-name="{ids[0]}/"] .wb-crop', ".wb-tick", ".wb-save"):
        part = page.locator(place).first
        expect(part).to_be_in_viewport(ratio=0.99)
        assert part.evaluate(_IS_UNCOVERED), place
