"""A form without paper, opened from a file, filled in with the keyboard alone, and reviewed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from pipeline.domain.dates import today_in_sweden
from pipeline.domain.model import EntryState, Outcome
from pipeline.domain.review.rules import Answer
from pipeline.files.documents import NoteFile, parse_note
from pipeline.operations.intake import import_files
from pipeline.operations.page_job import PageJob, make_reader
from pipeline.preparation.digital_forms.form_file import DigitalPack, make_form_file
from pipeline.review import decisions
from pipeline.store.database.sampling_key import digital_form_secret
from pipeline.store.database.store import Store
from pipeline.store.entries import queue
from pipeline.store.paper.pages import list_batch_pages
from pipeline.store.schema.clock import utc_now
from tests.support.screens.seeding import CLIENTS, NURSE, UNIT, forms, settings

pytestmark = [pytest.mark.browser, pytest.mark.slow]
NOTE = "hsl-anteckning"
TEXT = "Såret på vänster fot läker fint. 37,9° <b>& inget mer</b>"
EXPECTED = {
    "personnummer": CLIENTS[0].pid,
    "namn": "Elsa Fjällberg",
    "handelsedatum": "2021-12-18",
    "handelsetid": "09:40",
    "kontakttyp": "telefon",
    "information": True,
    "anteckning": TEXT,
    "klient_sida2": "Elsa Fjällberg 19300101-6595",
    "skribent": "Nina Berglund",
    "yrkestitel": "ssk",
    "underskrift": True,
}


@pytest.fixture
def opened(browser: Browser, store: Store, tmp_path: Path) -> Iterator[Page]:
    """A window with the form's file; whatever it asks the network for is an error."""
    with store.begin() as conn:
        pack = DigitalPack.new(UNIT, date(2021, 12, 1), digital_form_secret(conn))
    file = tmp_path / "hsl.html"
    file.write_bytes(make_form_file(pack, forms().latest(NOTE)))
    context = browser.new_context(
        viewport={"width": 1366, "height": 768}, accept_downloads=True, offline=True
    )
    context.clock.set_fixed_time("2021-12-18T12:00:00Z")
    page, errors = context.new_page(), list[str]()
    page.on("console", lambda message: errors.append(message.text))
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(file.as_uri())
    yield page
    assert errors == []
    context.close()


def go_to(page: Page, name: str) -> None:
    """Press Tab until the focus is in a field."""
    for _ in range(120):
        focus = "document.activeElement.closest('[data-name]')?.dataset.name"
        if page.evaluate(focus) == name:
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"no Tab leads to {name}")


def fill_in(page: Page, values: dict[str, str]) -> None:
    """Type values in fields in their order; "x" is a press of the space bar."""
    for name, text in values.items():
        go_to(page, name)
        if text == "x":
            page.keyboard.press("Space")
        else:
            page.keyboard.type(text)


def test_what_is_typed_with_the_keyboard_is_reviewed_value_for_value(
    opened: Page, store: Store, tmp_path: Path
) -> None:
    page = opened
    expect(page.locator("[data-name=personnummer]")).to_be_focused()
    fill_in(page, {"personnummer": "193001016596", "namn": "Elsa Fjällberg"})
    assert "Kontrollsiffran" in page.locator("em").first.inner_text()
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Control+A")
    page.keyboard.type("193001016595")
    fill_in(page, {"handelsedatum": "211218", "handelsetid": "0940", "kontakttyp": "x"})
    page.keyboard.press("ArrowRight")
    fill_in(page, {"information": "x", "anteckning": TEXT, "skribent": "Nina Berglund"})
    fill_in(page, {"yrkestitel": "ssk", "underskrift": "x"})
    with page.expect_download() as download:
        page.keyboard.press("Control+S")
    file = tmp_path / download.value.suggested_filename
    download.value.save_as(file)
    assert file.name.endswith(".efterskrift.json")
    assert "Fjällberg" not in file.name
    note = parse_note(file.read_text("utf-8"))
    assert file.name.startswith(f"{NOTE}-{note.written_at[:10]}-")
    expect(page.locator("#saved code")).to_have_text(f"{note.serial[:4]}-{note.serial[4:]}")
    expect(page.locator("#count")).to_have_text("1 fil sparad")
    assert (
        page.evaluate("Object.keys(localStorage).length + Object.keys(sessionStorage).length") == 0
    )
    page.keyboard.press("Enter")
    expect(page.locator("[data-name=namn]")).to_have_value("")

    batch = import_files(store, [file], unit=UNIT, place="", by="anna").batch
    desk = PageJob(store, make_reader(settings(store), store), 4, 0.1)
    with store.read() as conn:
        pages = list_batch_pages(conn, batch)
    for one in pages:
        desk.read(one.id)
    with store.begin() as conn:
        assert {one.outcome for one in list_batch_pages(conn, batch)} == {Outcome.READ}
        view = queue.claim_next(conn, forms(), NURSE, queue.ClaimTerms(utc_now()))
        assert view is not None
        answers = {
            field.spec.name: Answer(field.reading.value, field.reading.state)
            for field in view.fields
            if field.reading is not None and field.is_open
        }
        assert {name: answers[name].value for name in EXPECTED} == EXPECTED
        assert not [name for name, one in answers.items() if one.value and name not in EXPECTED]
        revision = view.entry.revision
        state = decisions.decide_entry(
            conn, forms(), NURSE, decisions.Decision(view.entry.id, revision, answers), utc_now()
        )
    assert state is EntryState.CONFIRMED


def test_nothing_wrong_is_saved_and_what_is_odd_is_asked_about_once(opened: Page) -> None:
    page = opened
    page.keyboard.press("Control+S")
    expect(page.locator("#found")).to_contain_text("Skriv vem du är")
    fill_in(page, {"handelsedatum": "2021-02-30", "anteckning": "Kort."})
    go_to(page, "skribent")
    page.keyboard.type("Nina")
    page.keyboard.press("Control+S")
    expect(page.locator("#found")).to_contain_text("Den dagen finns inte")
    expect(page.locator("[data-name=handelsedatum]")).to_be_focused()
    page.keyboard.press("Control+A")
    page.keyboard.press("Delete")
    page.keyboard.press("ArrowDown")
    assert page.locator("[data-name=handelsedatum]").input_value().startswith("20")
    page.keyboard.press("Control+S")
    expect(page.locator("#found")).to_contain_text("Personnummer är tomt")
    expect(page.locator("#saved")).to_be_hidden()
    with page.expect_download() as download:
        page.keyboard.press("Control+S")
    content = json.loads(Path(download.value.path()).read_text("utf-8"))
    assert content["note"]["author"] == "Nina"


def save(page: Page) -> NoteFile:
    """Save, saying yes to what is asked; answers with the note."""
    with page.expect_download() as download:
        page.keyboard.press("Control+S")
        if page.locator("#found").is_visible():
            page.keyboard.press("Control+S")
    return parse_note(Path(download.value.path()).read_text("utf-8"))


def test_an_unlikely_day_and_a_wrong_clock_are_asked_about(opened: Page) -> None:
    page, found = opened, opened.locator("#found")
    expect(page.locator("#clock")).to_be_hidden()
    for day, said in (("2022-06-01", "har inte varit än"), ("2020-12-18", "365 dagar sedan")):
        page.locator("[data-name=handelsedatum]").fill(day)
        page.locator("[data-name=skribent]").fill("Nina")
        page.keyboard.press("Control+S")
        expect(found).to_contain_text(said)
    found.get_by_role("button", name="365 dagar sedan").press("Enter")
    expect(page.locator("[data-name=handelsedatum]")).to_be_focused()
    page.context.clock.set_fixed_time("2015-01-01T08:00:00Z")
    page.reload()
    expect(page.locator("#clock")).to_contain_text("den visar 2015-01-01")
    go_to(page, "handelsedatum")
    page.keyboard.press("ArrowDown")
    expect(page.locator("[data-name=handelsedatum]")).to_have_value("")


def test_a_corrected_note_says_which_it_replaces_and_has_one_patient(opened: Page) -> None:
    page = opened
    fill_in(page, {"personnummer": "193001016595", "namn": "Elsa", "anteckning": "Fel."})
    page.locator("[data-name=skribent]").fill("Nina")
    first = save(page)
    assert first.replaces == ""
    page.get_by_role("button", name="Rätta").click()
    page.locator("[data-name=anteckning]").fill("Rätt.")
    second = save(page)
    assert (second.replaces, second.serial != first.serial) == (first.serial, True)
    texts = {item.field: item.value for item in second.items}
    assert (texts["anteckning"], texts["klient_sida2"]) == ("Rätt.", "Elsa 19300101-6595")
    page.get_by_role("button", name="Ny anteckning").click()
    page.locator("[data-name=anteckning]").fill("En annan.")
    page.locator("[data-name=skribent]").fill("Nina")
    assert save(page).replaces == ""


def test_all_that_was_written_is_printed(opened: Page) -> None:
    page, text = opened, "En rad till som måste synas.\n" * 90
    page.locator("[data-name=anteckning]").fill(text)
    page.emulate_media(media="print")
    page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
    printed = page.locator("#print")
    expect(printed).to_contain_text("INTE SPARAD")
    whole = printed.locator("dd").last
    assert whole.inner_text().count("synas") == 90
    assert whole.evaluate("(one) => one.scrollHeight <= one.clientHeight")
    expect(page.locator("#note")).to_be_hidden()


def test_enter_leaves_a_choice_and_errors_do_not_cover_each_other(opened: Page) -> None:
    page = opened
    fill_in(page, {"handelsedatum": "i dag", "handelsetid": "kl 9", "kontakttyp": "x"})
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.dataset.name") == "information"
    errors = [one.bounding_box() for one in page.locator("em:not(:empty)").all()]
    assert len(errors) == 2
    first, second = errors
    assert first
    assert second
    assert first["x"] + first["width"] <= second["x"]


def test_leaving_with_something_unsaved_is_asked_about(opened: Page) -> None:
    page = opened
    fill_in(page, {"namn": "Elsa"})
    with page.expect_event("dialog") as asked:
        page.close(run_before_unload=True)
    assert asked.value.type == "beforeunload"
    asked.value.dismiss()


@pytest.mark.parametrize("size", [(1366, 768), (1024, 700)])
@pytest.mark.parametrize("form_id", [NOTE, "matvarden", "besokslista"])
def test_no_form_is_wider_than_its_window_and_the_bar_covers_no_focus(
    opened: Page, tmp_path: Path, form_id: str, size: tuple[int, int]
) -> None:
    page, (width, height) = opened, size
    file = tmp_path / "form.html"
    pack = DigitalPack(UNIT, today_in_sweden(), "secret", "abcd")
    file.write_bytes(make_form_file(pack, forms().latest(form_id)))
    page.set_viewport_size({"width": width, "height": height})
    page.goto(file.as_uri())
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    bar = page.locator(".bar").bounding_box()
    assert bar
    for _ in range(25):
        page.keyboard.press("Tab")
        box = page.evaluate(
            "(() => { const box = document.activeElement.getBoundingClientRect();"
            " return [box.top, Math.min(box.bottom, box.top + 40)]; })()"
        )
        assert box[0] >= 0
        assert box[1] <= bar["y"] or page.evaluate("document.activeElement.closest('.bar')")
