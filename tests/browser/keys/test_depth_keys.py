"""Attachments and split pages in the browser: the keys, the focus, and what can be seen."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Locator, Page, expect

from pipeline.domain.model import Outcome, PageReading, Reading, State, Value
from pipeline.files.images import decode_image
from pipeline.store.database.store import Store
from pipeline.store.entries import sheet_entries as sheets
from pipeline.store.entries.answers import decided_answers
from pipeline.store.entries.attached_pages import list_attached_pages, list_parts
from pipeline.store.entries.client_identities import give_client_codes
from pipeline.store.entries.entry import load_entry
from pipeline.store.paper import pages
from pipeline.store.paper.pages import NewPage
from pipeline.store.schema.clock import utc_now
from tests.browser.support.nurse import (
    client,
    expect_stored,
    fill_in,
    log_in,
    press_until,
    save,
    settle,
    wait_for_entry,
    wait_until,
)
from tests.support.screens import seeding
from tests.support.screens.seeding import ADMINISTRATOR, CLIENTS, NURSE, OTHER_UNIT, UNIT
from tests.support.screens.unusual_paper import add_loose_pages

pytestmark = [pytest.mark.browser, pytest.mark.slow]

BOARD = "Mån 20/12\nElsa F: läkare kl 10\nGunnar Å: ring apoteket"
TEXTS = ("HYRESAVI 2021-12-03", "", "", "KONTOUTDRAG", "", "", "KVITTO", "KVITTO")


def brightness(where: Locator) -> float:
    """The mean grey of what is seen there, from 0 (black) to 255."""
    return float(np.asarray(Image.open(io.BytesIO(where.screenshot())).convert("L")).mean())


def test_eight_attachments_are_confirmed_with_one_key(page: Page, store: Store) -> None:
    (entry_id,) = seeding.add_notes(store, 1)
    loose = add_loose_pages(store, entry_id, TEXTS)
    log_in(page, NURSE)
    assert wait_for_entry(page) == f"attachments:{entry_id}"
    # The whole group is in sight with its values, and so is what saves it
    thumbs = page.locator(".wb-row[data-kind='tick'] .wb-crop")
    expect(thumbs).to_have_count(len(TEXTS))
    for place in (thumbs.first, thumbs.last, page.locator(".wb-save")):
        expect(place).to_be_in_viewport(ratio=1)
    greys = [brightness(thumbs.nth(number)) for number in (0, len(TEXTS) - 1)]
    assert greys[0] > greys[1] + 20
    # The first title that nobody has proposed has the focus, and its page is shown large
    focused = page.locator(".wb-row.wb-now input")
    expect(focused).to_be_focused()
    assert field_in_focus(page) == f"title-{loose[1]}"
    sheet = page.locator(".wb-sheet img")
    first = brightness(sheet)
    for number in (2, 4, 5):
        page.keyboard.press("Enter")
        assert field_in_focus(page) == f"title-{loose[number]}"
    expect(page.locator(".wb-caption")).to_contain_text("7")
    assert brightness(sheet) < first
    press_until(page, "Control+Enter", page.locator(f".wb[data-entry='{entry_id}']"))
    with store.read() as conn:
        of_entry = load_entry(conn, entry_id).sheet

    def titles() -> list[str]:
        with store.read() as conn:
            return [one.title for one in list_attached_pages(conn, of_entry)]

    expect_stored(
        page,
        titles,
        ["Hyresavi", "Hyresavi", "Hyresavi", *["Kontoutdrag"] * 3, "Kvitto", "Kvitto"],
    )
    shown = page.locator(f".wb[data-entry='attachments:{entry_id}']")
    press_until(page, "Alt+z", shown)
    expect_stored(page, titles, [])


def test_pages_are_unticked_titled_and_left_with_the_keyboard(page: Page, store: Store) -> None:
    (entry_id,) = seeding.add_notes(store, 1)
    loose = add_loose_pages(store, entry_id, TEXTS[:3])
    log_in(page, NURSE)
    assert wait_for_entry(page) == f"attachments:{entry_id}"
    assert field_in_focus(page) == f"title-{loose[1]}"
    page.keyboard.press("Control+ArrowUp")
    assert field_in_focus(page) == f"keep-{loose[1]}"
    page.keyboard.press("Space")
    expect(page.locator(".wb-tick").nth(1)).not_to_be_checked()
    page.keyboard.press("Enter")
    page.keyboard.press("Enter")
    assert field_in_focus(page) == f"title-{loose[2]}"
    page.keyboard.type("Intyg")
    page.keyboard.press("Control+ArrowDown")
    page.keyboard.type("20211299")
    press_until(page, "Control+Enter", page.locator(".wb-error"))
    assert field_in_focus(page) == f"day-{loose[2]}"
    page.keyboard.press("Control+a")
    page.keyboard.type("20211209")
    press_until(page, "Control+Enter", page.locator(f".wb[data-entry='{entry_id}']"))
    with store.read() as conn:
        sheet = load_entry(conn, entry_id).sheet

    def attached() -> list[tuple[str, str]]:
        with store.read() as conn:
            return [(one.title, one.day) for one in list_attached_pages(conn, sheet)]

    expect_stored(page, attached, [("Hyresavi", "2021-12-03"), ("Intyg", "2021-12-09")])
    # What was unticked is not asked about again; it can be opened, searched for, and left by Escape
    page.keyboard.press("Alt+j")
    expect(page.locator(f".wb[data-entry='attachments:{entry_id}']")).to_be_visible()
    settle(page)
    page.keyboard.press("Alt+j")
    expect(page.locator("#wb-question-name")).to_be_focused()
    settle(page)
    page.keyboard.press("Escape")
    expect(page.locator("#wb-question-name")).to_be_hidden()
    settle(page)
    page.keyboard.press("Escape")
    expect(page.locator(f".wb[data-entry='{entry_id}']")).to_be_visible()


def field_in_focus(page: Page) -> str:
    """The name of the field that has the focus."""
    script = "() => document.activeElement.closest('.wb-row')?.dataset.name ?? ''"
    return str(page.evaluate(script))


def test_a_month_of_signatures_is_confirmed_by_its_deviations(page: Page, store: Store) -> None:
    """Of 30 doses one was refused: it is marked in the picture of its day, and typed alone."""
    form = seeding.forms().latest("signeringslista")
    said: dict[str, Value] = {
        "personnummer": CLIENTS[0].pid,
        "datum": "2021-12-01",
        "overkanslighet": "Penicillin",
        "skribent": NURSE.name,
        **{f"rad1_{name}": text for name, text in (("insats", "Alvedon"), ("tid", "08.00"))},
        **{f"rad1_dag{day}": "nb" for day in range(17, 32)},
        "rad1_dag19": "3",
    }
    entry_id = seeding.add_sheet_of(store, form, said)
    log_in(page, NURSE)
    wait_for_entry(page)
    expect(page.get_by_text("Listan är använd dag 17–31. Avvikelser: 1.")).to_be_visible()
    asked = fill_in(page, said, "signeringslista")
    assert [name for name in asked if name.startswith("rad1_dag")] == ["rad1_dag19"]
    # After the last field comes what is said of all other boxes
    look_tick = page.locator(".wb-look input")
    expect(look_tick).to_be_focused()
    page.keyboard.press("Space")
    expect(look_tick).to_be_checked()
    expect(page.locator(".wb-sheet .wb-deviates")).to_have_count(1)
    save(page, entry_id)
    with store.read() as conn:
        answered = decided_answers(conn, entry_id)
    assert answered["rad1_dag19"].answer.value == "3"
    assert "rad1_dag18" not in answered


def test_a_client_is_named_by_the_short_code(page: Page, store: Store) -> None:
    """Four digits instead of twelve: the client comes up, and the number is left empty."""
    pid = CLIENTS[1].pid
    with store.begin() as conn:
        code = give_client_codes(conn, OTHER_UNIT, [pid], utc_now())[pid]
    form = seeding.forms().latest("besokslista")
    said: dict[str, Value] = {
        "datum": "2021-12-18",
        "skribent": NURSE.name,
        "rad01.kod": code,
        "rad01.start": "08:30",
        "rad01.slut": "09:00",
        "rad01.dusch": True,
    }
    entry_id = seeding.add_sheet_of(store, form, said, OTHER_UNIT).replace("-00", "-01")
    log_in(page, NURSE)
    assert wait_for_entry(page) == entry_id
    asked = fill_in(page, {**said, "rad01.personnummer": ""}, "besokslista")
    assert "rad01.personnummer" in asked
    expect(client(page)).to_contain_text("Gunnar Ågren")
    save(page, entry_id)
    with store.read() as conn:
        answered = decided_answers(conn, entry_id)
    assert answered["rad01.personnummer"].answer.value == pid


def add_board(store: Store) -> str:
    """A photo of a board whose upper half is bright and whose lower half is dark."""
    grey = np.full((1123, 794), 240, np.uint8)
    grey[560:] = 60
    with store.begin() as conn:
        batch = pages.create_batch(conn, UNIT, "Pärm 2", ADMINISTRATOR.login)
        image = store.images.put(seeding.jpeg(grey))
        new = NewPage(batch, 1, "tavla.jpg", 1, image, image, "image/jpeg")
        page_id = pages.add_page(conn, new, ADMINISTRATOR.login)
        sheets.save_page_reading(
            conn,
            page_id,
            PageReading(
                Outcome.UNIDENTIFIED,
                issues=("no_code",),
                fields={"anteckning": Reading(BOARD, 0.6, State.READ)},
            ),
            upright_sha256=None,
            form=None,
            reader_version="test 1",
        )
    return page_id


def test_a_page_is_split_with_keys_and_mouse_and_each_part_shows_itself_only(
    page: Page, store: Store
) -> None:
    page_id = add_board(store)
    log_in(page, NURSE)
    assert wait_for_entry(page) == f"split:{page_id}"
    # The whole page is in sight, and the keys move the frame on it at once
    pane, sheet = page.locator(".wb-pane"), page.locator(".wb-sheet")
    expect(pane).to_be_focused()
    expect(sheet).to_be_in_viewport(ratio=0.99)
    frames = page.locator(".wb-part-at")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Shift+ArrowDown")
    page.keyboard.press("Enter")
    expect(frames).to_have_count(1)
    expect(pane).to_be_focused()
    area = sheet.bounding_box()
    assert area is not None
    for down, up in ((0.6, 0.9), (0.3, 0.5)):
        count = frames.count()
        page.mouse.move(area["x"] + area["width"] * 0.1, area["y"] + area["height"] * down)
        page.mouse.down()
        page.mouse.move(area["x"] + area["width"] * 0.9, area["y"] + area["height"] * up)
        page.mouse.up()
        expect(frames).to_have_count(count + 1)
    # The last one was a mistake: its line is unticked; each line has its piece of the page
    crops = page.locator(".wb-row .wb-crop")
    assert brightness(crops.nth(0)) > brightness(crops.nth(1)) + 50
    page.locator(".wb-tick").nth(2).uncheck()
    expect(frames).to_have_count(2)
    page.keyboard.press("Control+Enter")
    tick = page.locator(".wb-look input")
    expect(tick).to_be_focused()
    page.keyboard.press("Space")
    joined = page.locator(".wb-action[data-kind='open:join']")
    press_until(page, "Control+Enter", joined)
    wait_until(page, lambda: len(parts(store, page_id)) == 2)
    bright, dark = parts(store, page_id)
    assert bright > 200
    assert dark < 100
    # The first part is on the screen, and nothing of the dark half
    picture = page.locator(".wb-sheet img")
    assert wait_for_entry(page) == f"{page_id}-01"
    expect(picture).to_be_visible()
    assert brightness(picture) > 200


def parts(store: Store, page_id: str) -> list[float]:
    """The mean grey of the cut-out of each part."""
    with store.read() as conn:
        found = list_parts(conn, page_id)
    return [
        float(decode_image(store.images.get(image), "image/jpeg").mean())
        for image in found.values()
    ]
