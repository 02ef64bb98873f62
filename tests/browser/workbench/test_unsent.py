"""What the server has not answered: the browser asks before the page is left, and keeps it for the
person who typed it, encrypted, for 12 hours.
"""

from __future__ import annotations

from base64 import b64encode

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.workbench import cards
from tests.browser.workbench.stage import Stage, staged
from ui.browser.assets import read_script

pytestmark = [pytest.mark.browser]

NINA = {"key": b64encode(b"n" * 32).decode(), "owner": "nina"}
OMAR = {"key": b64encode(b"o" * 32).decode(), "owner": "omar"}
RECORDS = """() => new Promise((done) => {
    const opened = indexedDB.open("efterskrift", 1);
    opened.onsuccess = () => {
        const all = opened.result.transaction("unsent").objectStore("unsent").getAll();
        all.onsuccess = () => done(all.result.map(({ data, ...rest }) =>
            ({ ...rest, text: new TextDecoder("latin1").decode(data) })));
    };
})"""


def saved(stage: Stage, unsent: cards.Data = NINA) -> None:
    """Save, with a server that does not answer, until the browser has kept it."""
    stage.give(cards.data(cards.ready(focus="puls"), cards.card("e2"), unsent=unsent))
    expect(stage.page.locator(".wb")).to_have_attribute("data-entry", "e1")
    stage.type("88")
    stage.press("Control+Enter")
    expect(stage.page.locator(".wb")).to_have_attribute("data-entry", "e2")
    expect(stage.page.locator(".wb")).to_have_attribute("data-kept", "1")


def come_back(stage: Stage, unsent: cards.Data, entry: str = "e1") -> None:
    """Load the page again, and get this entry."""
    stage.load_again()
    stage.give(cards.data(cards.ready(entry), cards.card("e2"), unsent=unsent))
    expect(stage.page.locator(".wb")).to_have_attribute("data-entry", entry)


def test_a_save_without_an_answer_asks_before_the_page_is_left(browser: Browser) -> None:
    with staged(browser) as stage:
        saved(stage)
        expect(stage.page.locator(".wb-saving")).to_have_text("Inte sparat än …")
        assert stage.load_again() == ["beforeunload"]
    with staged(browser) as stage:
        saved(stage)
        stage.answer(cards.card("e2"))
        expect(stage.page.locator(".wb-saving")).to_be_empty()
        assert stage.load_again() == []


def test_a_save_is_sent_again_when_the_page_is_loaded_anew(browser: Browser) -> None:
    with staged(browser) as stage:
        saved(stage)
        (sent,) = stage.saves()
        come_back(stage, NINA)
        stage.page.wait_for_function("window.acts.length === 1")
        (again,) = stage.acts()
        assert again == {**sent, "n": 1, "kind": "again"}
        expect(stage.page.locator(".wb-saving")).to_have_text("Inte sparat än …")
        assert stage.value("puls") == "88"
        stage.answer(cards.card("e2"))
        assert stage.entry() == "e2"
        expect(stage.page.locator(".wb:not([data-kept])")).to_be_visible()
        assert stage.page.evaluate(RECORDS) == []


def test_what_was_typed_is_there_again(browser: Browser) -> None:
    with staged(browser) as stage:
        stage.give(cards.data(cards.ready(focus="puls"), unsent=NINA))
        expect(stage.page.locator(".wb")).to_have_attribute("data-entry", "e1")
        stage.type("88")
        stage.press("Control+ArrowDown")
        expect(stage.page.locator(".wb")).to_have_attribute("data-kept", "1")
        come_back(stage, NINA)
        assert stage.value("puls") == "88"
        stage.page.wait_for_function("window.acts.at(-1)?.kind === 'draft'")
        assert stage.acts()[-1]["values"] == {"puls": "88"}


def test_another_person_gets_nothing_and_can_read_nothing(browser: Browser) -> None:
    with staged(browser) as stage:
        saved(stage)
        (record,) = stage.page.evaluate(RECORDS)
        assert "puls" not in record["text"]
        assert set(record) == {"id", "owner", "at", "iv", "text"}
        # Also with the mark of the first person: it is the key that counts.
        for other in (OMAR, {**OMAR, "owner": "nina"}):
            come_back(stage, other)
            assert (stage.value("puls"), stage.acts()) == ("12", [])
        come_back(stage, NINA)
        stage.page.wait_for_function("window.acts.length === 1")


def test_what_somebody_else_has_stays_a_draft(browser: Browser) -> None:
    with staged(browser) as stage:
        saved(stage)
        come_back(stage, NINA)
        stage.page.wait_for_function("window.acts.length === 1")
        stage.answer(cards.card("e2"), kept=1)
        assert stage.entry() == "e2"
        come_back(stage, NINA)
        assert stage.value("puls") == "88"
        stage.page.wait_for_function("window.acts.at(-1)?.kind === 'draft'")


@pytest.mark.parametrize(("hours", "count"), [(11, 1), (13, 0)])
def test_it_is_gone_after_twelve_hours(browser: Browser, hours: int, count: int) -> None:
    with staged(browser) as stage:
        saved(stage)
        now = stage.page.evaluate("Date.now()")
        stage.page.clock.set_fixed_time(now / 1000 + hours * 3600)
        come_back(stage, NINA)
        assert len(stage.page.evaluate(RECORDS)) == count
        assert stage.value("puls") == ("88" if count else "12")


@pytest.mark.parametrize(("owner", "count"), [("nina", 0), ("omar", 1)])
def test_it_is_gone_when_the_person_has_logged_out(
    browser: Browser, owner: str, count: int
) -> None:
    with staged(browser) as stage:
        saved(stage)
        stage.load_again()
        stage.page.evaluate(
            f"async (left) => {{ {read_script('unsent')} await sweepUnsent(left); }}", owner
        )
        assert len(stage.page.evaluate(RECORDS)) == count


def test_without_a_secure_context_it_is_kept_in_memory_alone(browser: Browser) -> None:
    with staged(browser, is_secure=False) as stage:
        stage.give(cards.data(cards.ready(), cards.card("e2"), unsent=NINA))
        expect(stage.page.locator(".wb")).to_have_attribute("data-entry", "e1")
        stage.press("Control+Enter")
        assert (stage.entry(), len(stage.saves())) == ("e2", 1)
        expect(stage.page.locator(".wb-saving")).to_have_text("Inte sparat än …")
