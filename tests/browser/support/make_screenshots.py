"""Make the pictures of `docs/images` that docs/screens.md shows: `python -m
tests.browser.support.make_screenshots`. All persons in them are invented.
"""

from __future__ import annotations

import tempfile
from datetime import date, datetime
from pathlib import Path
from typing import Literal

import cv2
import numpy as np
from pdf2image import convert_from_bytes
from PIL import Image
from playwright.sync_api import Browser, Page, expect, sync_playwright

from pipeline.domain.dates import SWEDEN
from pipeline.domain.form.form import Area
from pipeline.domain.model import Person, StaffMember
from pipeline.domain.record import CareProvider, OutageKind
from pipeline.domain.settings import ROOT, Settings
from pipeline.export.archive.runs import make_package
from pipeline.export.care_system_check import decisions
from pipeline.export.runs import ExportContext
from pipeline.operations.demo import DEMO_ROUTES
from pipeline.preparation.form_editor.draft_form import require_complete_form
from pipeline.preparation.form_editor.drafts import Draft
from pipeline.preparation.outage_pack.pack import DEFAULT_PACK_DAYS, make_pack
from pipeline.preparation.outage_pack.pages import PackInfo
from pipeline.preparation.outage_pack.parts import PackOrder
from pipeline.registers.care_system_list import CareList, CareRow
from pipeline.registers.clients import load_client_register
from pipeline.registers.outages import OutagePeriod
from pipeline.registers.pack_quantities import default_quantities
from pipeline.registers.planned_visits import PlanKind
from pipeline.review.questions import Questions
from pipeline.review.rejections import Rejection, reject_entry
from pipeline.review.transfers import Transfers
from pipeline.store.database.store import Store, open_store
from pipeline.store.exports.routes import save_route
from pipeline.store.registers.hsa_ids import save_hsa_ids, save_unit_provider
from pipeline.store.registers.planning import save_outage, save_planned
from pipeline.store.registers.staff import save_staff
from pipeline.store.schema.clock import utc_now
from tests.browser.support.nurse import log_in, settle, wait_for_entry
from tests.browser.support.people import go, press_menu
from tests.browser.support.serving import ARGUMENTS, CHROMIUM, PATIENCE_MS, serving
from tests.support.screens import seeding, unusual_paper
from tests.support.screens.seeding import (
    ADMINISTRATOR,
    COLLEAGUE,
    LOG_REVIEWER,
    MANAGER,
    NURSE,
    OTHER_UNIT,
    SYSTEM_ADMINISTRATOR,
    UNIT,
)
from tests.support.screens.typed_again import add_typed_again
from tests.support.store.export_office import receipt_run
from tests.support.store.route_steps import make_run, route_to
from tests.support.store.work import work

IMAGES = ROOT / "docs" / "images"
SHOWN: tuple[tuple[Person, tuple[str, ...]], ...] = (
    (NURSE, ("Signera", "Uppföljning", "Mitt arbete", "Kvar på papper", "Export", "Skriv in")),
    (
        ADMINISTRATOR,
        (
            "Skanna",
            "Reservpaket",
            "Vägar",
            "Arkiv",
            "Blanketter",
            "Avbrott och utförare",
            "HSA-id",
        ),
    ),
    (MANAGER, ("Läge", "Papper per dag", "Kvalitet", "Kö", "Betalningar")),
    (SYSTEM_ADMINISTRATOR, ("Konton",)),
    (LOG_REVIEWER, ("Logg",)),
)
"""Each screen once, as a role that works there sees it. Granska, help, guide and practice are
pictured besides.
"""
TYPED_AGAIN = 6
"""Notes: fewer fields than numbers rest on would leave Kvalitet and Mitt arbete empty."""
_LETTERS = str.maketrans("åäö ", "aao-")


def main() -> None:
    """Every screen, the guide, the help and the practice."""
    expect.set_options(timeout=PATIENCE_MS)
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        workspace = Path(folder)
        drafts = fill_workspace(workspace)
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=ARGUMENTS)
        with serving(workspace) as address:
            _login_screen(browser, address)
            for person, titles in SHOWN:
                page = _opened(browser, address, person)
                for title in titles:
                    _screen(page, title)
                page.close()
            _comparing(browser, address, workspace)
            _reviewing(browser, address)
            _making(browser, address, drafts)
            _in_the_dark(browser, address)
        with serving(_alike(workspace / "alike")) as address:
            _alike_pieces(browser, address)
        browser.close()
    _printed_pack()


def fill_workspace(workspace: Path) -> tuple[Draft, Draft]:
    """Paper that was read and that failed, entries to review, to sign and to export."""
    store = seeding.make_store(workspace)
    add_typed_again(store, TYPED_AGAIN)
    _archived(store, workspace)
    unusual_paper.add_payments(store)
    entries = seeding.add_notes(store, 9)
    seeding.add_visits(store, (1, 2, 3))
    unusual_paper.add_failed_page(store)
    unusual_paper.add_blank_page(store)
    unusual_paper.add_duplicate(store, entries[0])
    for place, entry_id in enumerate(entries[:6]):
        seeding.confirm(store, COLLEAGUE if place % 2 else NURSE, entry_id, sign=place < 3)
    _more_days(store)
    _put_aside(store)
    add_office(store)
    set_demo_routes(store)
    return seeding.add_drafts(store)


def set_demo_routes(store: Store) -> None:
    """The routes of the demo, in place of those of the seed."""
    route_to(ExportContext(store, seeding.settings(store), seeding.forms()))
    with store.begin() as conn:
        for route in DEMO_ROUTES:
            save_route(conn, ADMINISTRATOR, route, utc_now())


def add_office(store: Store) -> None:
    """Outages by unit and system, a private care provider, and HSA-ids that are half typed."""
    begun = datetime(2021, 12, 16, 3, tzinfo=SWEDEN)
    periods = (
        OutagePeriod("", "", OutageKind.DOWN, begun, datetime(2022, 1, 10, 8, tzinfo=SWEDEN)),
        OutagePeriod(
            UNIT, "journal", OutageKind.DOWN, begun, datetime(2021, 12, 23, 14, tzinfo=SWEDEN)
        ),
        OutagePeriod(
            OTHER_UNIT,
            "planering",
            OutageKind.READ_ONLY,
            datetime(2021, 12, 27, 6, tzinfo=SWEDEN),
            None,
        ),
    )
    provider = CareProvider("Norrhem Omsorg AB", "SE5560000000-NORRHEM", "556000-0000")
    with store.begin() as conn:
        for period in periods:
            save_outage(conn, ADMINISTRATOR, period, utc_now())
        save_unit_provider(conn, ADMINISTRATOR, OTHER_UNIT, provider, utc_now())
        save_staff(
            conn,
            [
                StaffMember("Maria Andersson", "undersköterska", "MA", UNIT),
                StaffMember("Lars Holm", "sjuksköterska", "LH", UNIT, "SE5560000000-LH01"),
            ],
        )
        save_hsa_ids(conn, ADMINISTRATOR, {UNIT: "SE5560000000-E001"}, [])


def _put_aside(store: Store) -> None:
    """What Uppföljning lists."""
    asked, illegible, sent = seeding.add_notes(store, 3, handelsedatum="2021-12-20")
    with store.begin() as conn:
        work(Questions, conn, NURSE, utc_now(), forms=seeding.forms()).ask(
            asked, 0, "Vilken fot gäller såret: höger eller vänster?", ""
        )
        reject_entry(conn, NURSE, Rejection(illegible, 0, "oläsligt"), utc_now())
        work(Transfers, conn, NURSE, utc_now(), forms=seeding.forms()).send(
            sent, 0, OTHER_UNIT, "Klienten flyttade dit i november."
        )


def _alike(workspace: Path) -> Path:
    """A workspace whose queue has a group first."""
    workspace.mkdir()
    seeding.add_visit_lists(seeding.make_store(workspace), 2)
    return workspace


def _archived(store: Store, workspace: Path) -> None:
    """Notes in the care system, of which two are in a package, and two that are keyed in by
    hand.
    """
    settings = Settings(
        workspace=workspace,
        care_provider_hsa_id="SE0000000000-DEMO",
        source_system_hsa_id="SE0000000000-EFTERSKRIFT",
    )
    office = ExportContext(store, settings, seeding.forms())
    for target, count in (("rivta", 2), ("rivta", 1), ("skriv-in", 2)):
        for entry_id in seeding.add_notes(store, count):
            seeding.confirm(store, NURSE, entry_id, sign=True)
        run = make_run(office, ADMINISTRATOR, target, utc_now())
        if (target, count) == ("rivta", 2) and run is not None:
            receipt_run(office, ADMINISTRATOR, run.id)
            make_package(office, ADMINISTRATOR, utc_now(), "DHP 2022-3")


def _more_days(store: Store) -> None:
    """Notes of other days, what was planned, and a cover sheet with one sheet too few."""
    for day, count in (("2021-12-16", 3), ("2021-12-17", 2), ("2021-12-21", 1)):
        seeding.add_notes(store, count, handelsedatum=day)
    planned = {
        (UNIT, f"2021-12-{day}"): count
        for day, count in ((16, 3), (17, 4), (18, 9), (19, 2), (20, 0), (21, 1))
    }
    with store.begin() as conn:
        save_planned(conn, MANAGER, PlanKind.VISITS, planned)
        save_planned(
            conn,
            MANAGER,
            PlanKind.SHIFTS,
            {(OTHER_UNIT, f"2021-12-{day}"): 4 for day in range(16, 22)},
        )
    unusual_paper.add_bundle(store, said=3, sheets=2)


def _printed_pack() -> None:
    """The first two pages of a pack as a printer gives them."""
    forms, clients = (
        seeding.forms(),
        load_client_register(ROOT / "data" / "samples" / "klienter.csv").clients,
    )
    needs = default_quantities(
        Area.HSL,
        sum(client.unit == UNIT for client in clients),
        DEFAULT_PACK_DAYS,
        {form_id for form_id, _ in forms},
    )
    pack = make_pack(
        PackOrder(PackInfo(UNIT, "Kalix kommun", date(2026, 11, 25)), needs, clients), forms
    )
    whole = convert_from_bytes(next(iter(pack.files.values())), dpi=90, last_page=2)
    for name, page in zip(("paket-innehall", "paket-instruktion"), whole, strict=True):
        page.convert("P", palette=Image.Palette.ADAPTIVE, colors=32).save(
            IMAGES / f"{name}.png", optimize=True
        )


def _login_screen(browser: Browser, address: str) -> None:
    page = _window(browser)
    page.goto(address)
    expect(page.get_by_label("Användarnamn")).to_be_focused()
    _picture(page, "logga-in")
    page.close()


def _comparing(browser: Browser, address: str, workspace: Path) -> None:
    """A pair of the clash list. Handed in last, since it holds back what the other screens show."""
    row = CareRow(
        (seeding.CLIENTS[0].pid,),
        "2021-12-18",
        "09:52",
        "Besök",
        "Såret på vänster fot läker. Lägger om enl ordination.",
        "Maj Sand",
    )
    store = open_store(Settings(workspace=workspace))
    decisions.import_care_list(
        ExportContext(store, Settings(workspace=workspace), seeding.forms()),
        NURSE,
        UNIT,
        "HSL",
        CareList((row,)),
        utc_now(),
    )
    store.close()
    page = _opened(browser, address, NURSE)
    press_menu(page, "Uppföljning")
    page.get_by_text("Redan inmatade?").click()
    page.get_by_role("button", name="Redan inmatad").wait_for()
    _picture(page, "redan-inmatade")
    page.close()


def _reviewing(browser: Browser, address: str) -> None:
    page = _opened(browser, address, NURSE)
    wait_for_entry(page)
    page.keyboard.press("Tab")
    _picture(page, "granska")
    page.get_by_role("button", name="Hjälp").click()
    page.get_by_role("button", name="Visa guiden igen").wait_for()
    _picture(page, "hjalp")
    page.get_by_role("button", name="Visa guiden igen").click()
    page.get_by_role("button", name="Stäng guiden").wait_for()
    go(page, "Mitt arbete")
    _picture(page, "guide")
    page.locator(".st-key-guide_practice button").click()
    page.get_by_role("heading", name="Övning").wait_for()
    page.locator(".st-key-guide_close button").click()
    page.locator(".st-key-guide_close").wait_for(state="detached")
    _picture(page, "ovning")
    page.close()


def _alike_pieces(browser: Browser, address: str) -> None:
    """A group with one piece marked as odd, and the sheet that comes after it."""
    page = _opened(browser, address, NURSE)
    pieces = page.locator(".wb-tiled .wb-tick")
    pieces.nth(1).click()
    expect(pieces.nth(1)).to_be_checked()
    _picture(page, "granska-grupp")
    page.get_by_role("button", name="Hoppa över gruppen").click()
    page.locator(".wb-folded").first.wait_for()
    _picture(page, "granska-blad")
    page.close()


def _making(browser: Browser, address: str, drafts: tuple[Draft, Draft]) -> None:
    """A draft of sections, the judgement of its trial, and boxes drawn on a blank."""
    page = _opened(browser, address, ADMINISTRATOR)
    press_menu(page, "Blanketter")
    page.locator(f".st-key-forms_draft-{drafts[0].id} button").click()
    page.get_by_text("3. Anteckning").click()
    page.get_by_text("Valen, med semikolon mellan").wait_for()
    _picture(page, "blankett-utkast")
    page.get_by_text("2. Prova på papper och publicera").click()
    page.get_by_role("button", name="Hämta provbladet").wait_for()
    page.locator(".st-key-forms_trial-" + drafts[0].id + " input[type=file]").set_input_files(
        {
            "name": "prov.png",
            "mimeType": "image/png",
            "buffer": seeding.filled_trial(require_complete_form(drafts[0])),
        }
    )
    page.get_by_role("button", name="Bedöm bladet").click()
    page.get_by_role("heading", name="Fält för fält").wait_for()
    _picture(page, "blankett-prov")
    page.locator(".st-key-forms_back button").click()
    page.locator(".st-key-forms_back").wait_for(state="detached")
    settle(page)
    page.locator(f".st-key-forms_draft-{drafts[1].id} button").click()
    page.locator(".st-key-box_drawing .box").first.wait_for()
    _picture(page, "blankett-ritad")
    page.close()


def _in_the_dark(browser: Browser, address: str) -> None:
    page = _opened(browser, address, NURSE, "dark")
    wait_for_entry(page)
    _picture(page, "granska-mork")
    page.close()


def _window(browser: Browser, scheme: Literal["light", "dark"] = "light") -> Page:
    page = browser.new_page(
        viewport={"width": 1440, "height": 900}, locale="sv-SE", color_scheme=scheme
    )
    page.set_default_timeout(PATIENCE_MS)
    return page


def _opened(
    browser: Browser, address: str, person: Person, scheme: Literal["light", "dark"] = "light"
) -> Page:
    page = _window(browser, scheme)
    page.goto(address)
    log_in(page, person)
    page.get_by_role("button", name=person.name).wait_for()
    return page


def _screen(page: Page, title: str) -> None:
    """A role with a single screen has no menu of screens."""
    if page.locator(".st-key-places").count():
        press_menu(page, title)
    page.get_by_role("heading", level=1, name=title).wait_for()
    _picture(page, file_name(title))


def file_name(title: str) -> str:
    """What the picture of a screen is called."""
    return title.lower().translate(_LETTERS)


def _picture(page: Page, name: str) -> None:
    page.locator('[data-test-script-state="notRunning"]').wait_for()
    expect(page.get_by_text("inte borde kunna hända")).to_have_count(0)
    expect(page.get_by_test_id("stSkeleton")).to_have_count(0)
    page.wait_for_load_state("networkidle")
    shot = cv2.imdecode(
        np.frombuffer(page.screenshot(animations="disabled"), np.uint8), cv2.IMREAD_COLOR
    )
    if shot is None:
        raise ValueError(f"The picture {name} could not be read")
    small = cv2.resize(shot, None, fx=0.75, fy=0.75, interpolation=cv2.INTER_AREA)
    cv2.imwrite(str(IMAGES / f"{name}.png"), small, [int(cv2.IMWRITE_PNG_COMPRESSION), 9])


if __name__ == "__main__":
    main()
