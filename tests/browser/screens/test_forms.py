"""An administrator makes a form, tries it on paper and publishes it, and a scanned sheet of it
comes to the reviewer; boxes are drawn on a blank.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from pdf2image import convert_from_path
from playwright.sync_api import Browser, Locator, Page, expect

from pipeline.domain.form.page import PageSpec
from pipeline.domain.model import Image, Value
from pipeline.domain.settings import Settings
from pipeline.files.images import decode_image
from pipeline.files.page_files import PNG
from pipeline.forms.library import FormLibrary
from pipeline.operations.page_job import PageJob, make_reader
from pipeline.preparation.form_editor.draft_form import require_complete_form
from pipeline.preparation.form_editor.drafts import Draft, list_drafts
from pipeline.preparation.form_editor.drawn_boxes import list_boxes
from pipeline.preparation.form_editor.outline_edits import list_items, list_sections
from pipeline.preparation.practice.fill_sheet import fill_field
from pipeline.preparation.practice.synthetic_handwriting import make_writers
from pipeline.reading.imaging.geometry import to_grayscale
from pipeline.store.database.store import Store
from pipeline.store.paper import pages
from pipeline.store.paper.pages import NewPage
from tests.browser.support.nurse import settle, wait_for_entry
from tests.browser.support.people import fetched, go, logged_in
from tests.browser.support.serving import serving
from tests.faults.watching import until
from tests.support.pages.printed_elsewhere import care_blank
from tests.support.pages.printed_elsewhere import page as blank_page
from tests.support.pages.synthetic_page import rendered
from tests.support.screens import seeding
from tests.support.screens.seeding import ADMINISTRATOR, NURSE, UNIT, settings

pytestmark = [pytest.mark.browser, pytest.mark.slow]

VALUES: dict[str, Value] = {
    "personnummer": "193001016595",
    "namn": "Elsa Fjällberg",
    "handelsedatum": "2021-12-17",
    "handelsetid": "23:10",
    "anteckning": "Sover gott",
    "sov": "hela_natten",
    "skribent": "Nina Berglund",
    "yrkestitel": "ssk",
    "underskrift": True,
}


def in_field(page: Page, ending: str) -> Locator:
    """The last widget whose key ends so."""
    return page.locator(f"[class*='st-key-forms'][class*='{ending}']").last


def typed(page: Page, ending: str, text: str) -> None:
    """Write in a field, go on, and wait until it is kept."""
    area = in_field(page, ending).locator("input, textarea").first
    area.fill(text)
    area.press("Tab")
    settle(page)


def only_draft(own: Settings) -> Draft:
    (draft,) = list_drafts(own.form_drafts)
    return draft


def png(picture: Image) -> bytes:
    return cv2.imencode(".png", picture)[1].tobytes()


def written(picture: Image, page: PageSpec) -> Image:
    return fill_field(picture, page, VALUES, make_writers(1, seed=3)[0], np.random.default_rng(5))


def uploaded(page: Page, key: str, data: bytes) -> None:
    page.locator(f"[class*='st-key-{key}'] input[type=file]").first.set_input_files(
        {"name": "skannad.png", "mimeType": "image/png", "buffer": data}
    )
    settle(page)


def opened(sheet: Path) -> Image:
    """The first page of a PDF as a printer makes it, BGR at 300 dpi."""
    return np.ascontiguousarray(np.asarray(convert_from_path(sheet, dpi=300)[0])[:, :, ::-1])


def scan(store: Store, own: Settings, data: bytes) -> None:
    """Take a page in and read it, as a worker does."""
    sha256 = store.images.put(data)
    with store.begin() as conn:
        batch = pages.create_batch(conn, UNIT, "Pärm 9", ADMINISTRATOR.login)
        page_id = pages.add_page(
            conn, NewPage(batch, 1, "rond.png", 1, sha256, sha256, PNG), ADMINISTRATOR.login
        )
    PageJob(store, make_reader(own, store), 4, 0.1).read(page_id)


@pytest.fixture
def address(store: Store, tmp_path: Path) -> Iterator[str]:
    del store
    with serving(tmp_path) as served:
        yield served


def test_a_form_is_made_tried_published_and_a_sheet_of_it_reviewed(
    browser: Browser, store: Store, address: str, tmp_path: Path
) -> None:
    own = settings(store)
    with logged_in(browser, address, ADMINISTRATOR) as page:
        go(page, "Blanketter")
        page.get_by_role("button", name="Ny blankett").click()
        typed(page, "forms_name-", "Nattrond")
        page.get_by_role("button", name="Börja").click()
        page.get_by_text("3. Anteckning").click()
        settle(page)
        page.get_by_role("button", name="Lägg till ett fält").click()
        expect(in_field(page, "2-1-label")).to_be_visible()
        settle(page)
        typed(page, "2-1-label", "Sov")
        page.locator("[class*='st-key-forms'][class*='2-1-sort']").get_by_role("combobox").click()
        page.get_by_role("option", name="Val, ett kryss av flera").click()
        expect(in_field(page, "2-1-options")).to_be_visible()
        settle(page)
        typed(page, "2-1-options", "Hela natten; Delvis")
        until(lambda: "Delvis" in str(only_draft(own).data), "the options are kept")
        draft = only_draft(own)
        assert [item.data["name"] for item in list_items(list_sections(draft.data)[2])] == [
            "anteckning",
            "sov",
        ]
        page.get_by_text("2. Prova på papper och publicera").click()
        sheet = fetched(page, page.get_by_role("button", name="Hämta provbladet"), tmp_path)
        form = require_complete_form(draft)
        assert (form.id, form.version) not in FormLibrary(own).forms()
        uploaded(page, "forms_trial-", png(written(opened(sheet), form.pages[0])))
        page.get_by_role("button", name="Bedöm bladet").click()
        expect(page.get_by_text("Provet visar inget som hindrar.")).to_be_visible(timeout=60_000)
        expect(page.get_by_role("cell", name="2021-12-17")).to_be_visible()
        page.get_by_role("button", name="Publicera").click()
        expect(page.get_by_text("är publicerad och kan användas")).to_be_visible()
        page.get_by_role("button", name="Gör utskriften").click()
        copy = fetched(page, page.get_by_role("button", name="Hämta utskriften"), tmp_path)
    assert FormLibrary(own).forms().latest(draft.id) == form
    scan(store, own, png(written(opened(copy), form.pages[0])))
    with logged_in(browser, address, NURSE) as page:
        wait_for_entry(page)
        expect(page.get_by_text("Nattrond").first).to_be_visible()
        expect(page.get_by_text("Hela natten").first).to_be_visible()


def test_boxes_are_drawn_on_a_blank_with_the_mouse(
    browser: Browser, store: Store, address: str
) -> None:
    own = settings(store)
    with logged_in(browser, address, ADMINISTRATOR) as page:
        go(page, "Blanketter")
        page.get_by_role("button", name="Ny blankett").click()
        page.get_by_text("En blankett på papper som vi redan använder").click()
        settle(page)
        typed(page, "forms_name-", "Gammal rondlista")
        uploaded(page, "forms_blank", png(blank_page("Nattrond", 3)))
        page.get_by_role("button", name="Börja").click()
        sheet = page.locator(".st-key-box_drawing .sheet")
        expect(sheet).to_be_visible()
        settle(page)
        page.get_by_role("button", name="Ta bort alla förslag").click()
        expect(page.locator(".st-key-box_drawing .proposal")).to_have_count(0)
        settle(page)
        drag(page, sheet, (15, 29.5, 50, 7))
        expect(page.locator(".st-key-box_drawing .box")).to_have_count(1)
        settle(page)
        typed(page, "-label", "Personnummer")
        until(lambda: "Personnummer" in str(only_draft(own).data), "the label is kept")
        drag(page, sheet, (77, 29.5, 50, 7))
        expect(page.locator(".st-key-box_drawing .box")).to_have_count(2)
        settle(page)
        choose_last(page, "-means", "Dagen då det hände")
        until(lambda: "event_date" in str(only_draft(own).data), "what the box means is kept")
        drawn = list_boxes(only_draft(own).data)
        assert [one["label"] for one in drawn] == ["Personnummer", "Nytt fält"]
        assert drawn[1]["means"] == "event_date"
        for one, wanted in zip(drawn, ((15, 29.5, 50, 7), (77, 29.5, 50, 7)), strict=True):
            assert one["box"] == pytest.approx(list(wanted), abs=0.7)
        in_field(page, "-each_row").locator("label").click()
        expect(page.locator(".st-key-box_drawing .box")).to_have_count(
            3
        )  # the second row, below the first
        settle(page)
        typed(page, "-count", "4")
        expect(page.locator(".st-key-box_drawing .box")).to_have_count(5)


SIZES = ((1366, 768), (1024, 700), (820, 1180))
_PLACES = """(sheet) => {
    const page = sheet.getBoundingClientRect();
    return [...sheet.querySelectorAll(".box, .proposal")].map((box) => {
        const place = box.getBoundingClientRect();
        return [place.left - page.left, place.top - page.top, place.width, place.height];
    });
}"""


def test_proposals_on_a_blank_are_accepted_corrected_tried_and_published(
    browser: Browser, store: Store, address: str, tmp_path: Path
) -> None:
    own = settings(store)
    blank = rendered(care_blank(), 200)
    with logged_in(browser, address, ADMINISTRATOR) as page:
        go(page, "Blanketter")
        page.get_by_role("button", name="Ny blankett").click()
        page.get_by_text("En blankett på papper som vi redan använder").click()
        settle(page)
        typed(page, "forms_name-", "Nattpatrullen")
        uploaded(page, "forms_blank", png(blank))
        page.get_by_role("button", name="Börja").click()
        proposals = page.locator(".st-key-box_drawing .proposal")
        expect(proposals).to_have_count(29)
        settle(page)
        expect(page.locator("[data-testid=stAlert]")).to_have_count(0)
        for size in SIZES:
            page.set_viewport_size({"width": size[0], "height": size[1]})
            settle(page)
            page.screenshot(path=tmp_path / f"proposals-{size[0]}.png")
            # The whole page in a window that is high enough for it.
            page.set_viewport_size({"width": size[0], "height": 1_700})
            settle(page)
            assert_boxes_stand_on_lines(page)
        page.set_viewport_size({"width": 1440, "height": 900})
        settle(page)
        layer = page.locator(".st-key-box_drawing .boxes")
        # The first is accepted, the second removed and brought back, by keys alone.
        layer.focus()
        layer.press("Enter")
        expect(page.locator(".st-key-box_drawing .box")).to_have_count(1)
        expect(layer).to_be_focused()
        layer.press("Delete")
        expect(proposals).to_have_count(27)
        settle(page)
        layer.press("Control+z")
        expect(proposals).to_have_count(28)
        expect(layer).to_be_focused()
        settle(page)
        page.get_by_role("button", name="Godta alla").click()
        expect(proposals).to_have_count(0)
        settle(page)
        # One is corrected: Enter goes to its label, Esc comes back to the boxes.
        layer.focus()
        layer.press("Home")
        layer.press("ArrowDown")
        settle(page)
        layer.press("Enter")
        label = page.locator("[class*='st-key-forms_box-'][class*='-label'] input")
        expect(label).to_be_focused()
        expect(label).to_have_value("Namn")
        label.fill("Klientens namn")
        label.press("Enter")
        until(lambda: "Klientens namn" in str(only_draft(own).data), "the label is kept")
        settle(page)
        label.press("Escape")
        expect(layer).to_be_focused()
        # It is moved by half a millimetre and back.
        before = list_boxes(only_draft(own).data)[1]["box"]
        layer.press("Control+ArrowRight")
        moved = pytest.approx([before[0] + 0.5, *before[1:]], abs=0.11)
        until(lambda: list_boxes(only_draft(own).data)[1]["box"] == moved, "the box is moved")
        settle(page)
        layer.press("Control+z")
        until(lambda: list_boxes(only_draft(own).data)[1]["box"] == before, "it is moved back")
        settle(page)
        page.get_by_text("2. Prova på papper och publicera").click()
        form = require_complete_form(only_draft(own))
        sheet = fill_field(
            np.asarray(cv2.cvtColor(blank, cv2.COLOR_GRAY2BGR), np.uint8),
            form.pages[0],
            {"namnfortydligande": "Nina Berglund", "titel": "ssk", "dryck": True},
            make_writers(1, seed=3)[0],
            np.random.default_rng(5),
        )
        uploaded(page, "forms_trial-", png(sheet))
        page.get_by_role("button", name="Bedöm bladet").click()
        page.get_by_role("button", name="Publicera").wait_for(timeout=60_000)
        settle(page)
        if (reason := page.locator("[class*='st-key-forms_reason-'] textarea")).count():
            reason.fill("Blanketten används redan och skrivs tydligt hos oss")
            reason.press("Tab")
            settle(page)
        page.get_by_role("button", name="Publicera").click()
        expect(page.get_by_text("är publicerad och kan användas")).to_be_visible()
    published = FormLibrary(own).forms().latest(form.id)
    assert len(published.fields) == 29
    assert "Klientens namn" in {spec.label for spec in published.fields}


def assert_boxes_stand_on_lines(page: Page) -> None:
    """Under the lower side of nearly every box there is a line of the paper."""
    sheet = page.locator(".st-key-box_drawing .sheet")
    sheet.evaluate("(sheet) => sheet.querySelector('.boxes').style.visibility = 'hidden'")
    picture = sheet.screenshot()
    sheet.evaluate("(sheet) => sheet.querySelector('.boxes').style.visibility = ''")
    ink = to_grayscale(decode_image(picture, PNG)) < 225
    standing = []
    for left, top, width, height in sheet.evaluate(_PLACES):
        x, y, w = round(left), round(top + height), round(width)
        band = ink[max(0, y - 4) : y + 4, x + w // 5 : x + w - w // 5]
        standing.append(band.any(axis=0).mean() > 0.9)
    assert np.mean(standing) > 0.95


def drag(page: Page, sheet: Locator, box_mm: tuple[float, float, float, float]) -> None:
    """Draw a box of so many mm on the A4 page that is shown."""
    page.evaluate(
        "document.querySelector('[data-testid=stMain]').scrollTo({ top: 0, behavior: 'instant' })"
    )
    area = sheet.bounding_box()
    assert area
    scale = area["width"] / 210
    x, y = area["x"] + box_mm[0] * scale, area["y"] + box_mm[1] * scale
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + box_mm[2] * scale / 2, y + box_mm[3] * scale / 2)
    page.mouse.move(x + box_mm[2] * scale, y + box_mm[3] * scale)
    page.mouse.up()


def choose_last(page: Page, ending: str, option: str) -> None:
    box = in_field(page, ending).get_by_role("combobox")
    box.click()
    box.fill(option)
    page.get_by_role("option", name=option, exact=True).click()
    settle(page)


_TOPS = """(selector) => {
    window.efTops = new Set();
    const look = () => {
        const place = document.querySelector(selector)?.getBoundingClientRect();
        if (place?.height) window.efTops.add(Math.round(place.top));
        requestAnimationFrame(look);
    };
    look();
}"""


def test_what_can_be_pressed_stays_where_it_came_up(
    browser: Browser, store: Store, tmp_path: Path
) -> None:
    """What the view before had above it is gone from the first moment: else the list moves up once
    it is drawn to its end, under the pointer.
    """
    seeding.add_drafts(store)
    with serving(tmp_path) as address, logged_in(browser, address, ADMINISTRATOR) as page:
        go(page, "Blanketter")
        go_on = page.get_by_role("button", name="Fortsätt").first
        go_on.click()
        back = page.get_by_role("button", name="Till listan")
        back.wait_for()
        settle(page)
        page.evaluate(_TOPS, "[class*='st-key-forms_draft-'] button")
        back.click()
        go_on.wait_for()
        settle(page)
        assert len(page.evaluate("[...window.efTops]")) == 1
