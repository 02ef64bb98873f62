"""The client who is shown, the question about the client, and a client who may not be seen."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.workbench import cards
from tests.browser.workbench.stage import staged

pytestmark = [pytest.mark.browser]


def test_the_banner_stays_while_the_fields_scroll(browser: Browser) -> None:
    with staged(browser, cards.data(cards.ready()), size=(1024, 700)) as stage:
        banner = stage.page.locator(".wb-client")
        before = banner.bounding_box()
        stage.press(*["Control+ArrowDown"] * 14)
        assert stage.page.locator(".wb-fields").evaluate("(list) => list.scrollTop") > 0
        assert banner.bounding_box() == before
        stage.page.mouse.move(800, 500)
        stage.page.mouse.wheel(0, -900)
        assert banner.bounding_box() == before


def test_a_client_of_another_number_than_the_typed_one_is_not_shown(browser: Browser) -> None:
    with staged(browser, cards.data(cards.ready()), has_clock=True) as stage:
        name = stage.page.locator(".wb-client-name")
        expect(name).to_have_text("Maj-Britt Lindström")
        stage.type("19300101-6595")
        expect(name).to_have_text("Maj-Britt Lindström")
        stage.press("Backspace")
        expect(name).to_have_count(0)
        expect(stage.page.locator(".wb-client")).to_have_text(cards.LABELS_SV["wait"])


def test_what_the_author_answered_stands_out_from_the_notices(browser: Browser) -> None:
    said = "Fråga: Vilken dos?\nSvar: 5 mg (Omar Haddad, 20 december 2021)"
    now = cards.ready(notices=["Skriven med rött."], authorAnswers=[said])
    with staged(browser, cards.data(now)) as stage:
        answer = stage.page.locator(".wb-author-answer")
        expect(answer).to_have_text(said, use_inner_text=True)
        size = "(line) => parseFloat(getComputedStyle(line).fontSize)"
        assert answer.evaluate(size) > stage.page.locator(".wb-notice").evaluate(size)


def test_reasons_tags_and_what_is_unknown_are_told(browser: Browser) -> None:
    known = cards.client(tags=["Skyddade uppgifter"], against=["Namnet är ett annat"])
    unknown = cards.client(name="", age="", unit="", unknown=True, text="Finns inte", **{"for": []})
    now = cards.ready(banner=cards.banner(known, unknown, clear=False))
    with staged(browser, cards.data(now)) as stage:
        expect(stage.page.locator(".wb-tag")).to_have_text("Skyddade uppgifter")
        expect(stage.page.locator(".wb-against")).to_contain_text("Namnet är ett annat")
        expect(stage.page.locator(".wb-for")).to_contain_text("Namnet är detsamma")
        expect(stage.page.locator(".wb-unknown")).to_contain_text("Finns inte")


def test_the_client_has_to_be_seen_before_the_next_entry_is_shown(browser: Browser) -> None:
    given = cards.data(cards.card(focus="smarta"), cards.card("e2"), minView=500)
    with staged(browser, given, has_clock=True) as stage:
        stage.press("1", "Shift+Tab", "Control+ArrowUp")
        stage.row("personnummer").locator("input").click()
        stage.type("193001016595")
        stage.page.clock.run_for(1_000)
        found = cards.card(focus="smarta", banner=cards.banner())
        for _ in ("the choice", "the number"):
            stage.answer(found, cards.card("e2"))
        stage.press("Control+Enter")
        assert stage.saves()[0]["advanced"] is None
        stage.answer({**found, "revision": 2}, cards.card("e2"))
        stage.page.clock.run_for(600)
        assert stage.entry() == "e1"


def test_a_question_is_asked_at_its_field_and_answered_with_enter(browser: Browser) -> None:
    now = cards.ready(attempt=1, question=cards.conflict())
    with staged(browser, cards.data(now, cards.ready("e2"))) as stage:
        above, question = stage.row("personnummer"), stage.page.locator(".wb-question")
        assert above.evaluate("(row) => row.nextElementSibling.className") == "wb-question"
        expect(question.get_by_role("radio").first).to_be_focused()
        stage.press("2", "1", "Enter")
        expect(question.get_by_label("Varför är det rätt?")).to_be_focused()
        stage.type("Dottern bekräftar")
        stage.press("Enter")
        (save,) = stage.saves()
        assert save["question"] == {
            **{"choice": "right", "why": "Dottern bekräftar", "outside": "", "name": ""}
        }
        assert (save["advanced"], stage.entry()) == (None, "e1")


def test_another_number_withdraws_the_question(browser: Browser) -> None:
    now = cards.ready(attempt=1, question=cards.conflict())
    with staged(browser, cards.data(now)) as stage:
        stage.press("Shift+Tab")
        assert stage.focus() == "personnummer"
        stage.type("19121212")
        expect(stage.page.locator(".wb-question")).to_be_hidden()
        stage.press("Control+Enter")
        stage.answer(now)
        assert all(save["question"] is None for save in stage.saves())
        expect(stage.page.locator(".wb-question")).to_be_hidden()
        stage.answer({**now, "attempt": 2})
        expect(stage.page.locator(".wb-question")).to_be_visible()


def test_a_reason_is_chosen_from_a_list(browser: Browser) -> None:
    listed = {
        **{"label": "Varför?", "placeholder": "Välj"},
        "options": [{"value": "new", "label": "Ny klient"}, {"value": "abroad", "label": "Utland"}],
    }
    asked = cards.conflict(
        **{"kind": "temporary", "number": "-", "choices": [], "why": None, "select": listed},
        name={"label": "Namn", "max": 120},
    )
    with staged(browser, cards.data(cards.ready(question=asked))) as stage:
        stage.page.get_by_label("Varför?").select_option("abroad")
        stage.press("Enter")
        stage.type("Okänd kvinna")
        stage.press("Enter")
        said = stage.saves()[0]["question"]
        assert (said["outside"], said["name"]) == ("abroad", "Okänd kvinna")


def test_of_a_hidden_client_there_is_only_handing_over(browser: Browser) -> None:
    hidden = {"title": "Skyddade uppgifter", "text": "Lämna över.", "do": "Lämna till en annan"}
    with staged(browser, cards.data(cards.card(fields=[], hidden=hidden))) as stage:
        expect(stage.page.locator(".wb-hand-over")).to_be_focused()
        expect(stage.page.locator(".wb-save")).to_be_hidden()
        expect(stage.page.locator(".wb-row")).to_have_count(0)
        stage.press("Alt+a", "Control+Enter")
        assert stage.kinds() == ["hand_over"]


def test_another_person_than_the_paper_says_is_red_and_correcting_comes_first(
    browser: Browser,
) -> None:
    """One key more than a save: 1 and Enter lead back to the number and save nothing."""
    choices = [{"value": "correct", "label": "Rätta numret."}, *cards.conflict()["choices"]]
    given = cards.data(cards.ready())
    with staged(browser, given) as stage:
        look = "(box) => getComputedStyle(box).backgroundColor"
        banner = stage.page.locator(".wb-client")
        usual = banner.evaluate(look)
        other = cards.client(against=["namnet liknar inte"], other=True)
        asked = cards.ready(
            attempt=1,
            question=cards.conflict(choices=choices),
            banner=cards.banner(other, clear=False),
        )
        stage.give(cards.data(asked))
        red, green, blue = map(int, banner.evaluate(look)[4:-1].split(","))
        assert banner.evaluate(look) != usual
        assert red > max(green, blue) + 8
        expect(stage.page.get_by_label("Rätta numret.")).to_be_focused()
        for keys in (["Enter"], ["1", "Enter"], ["Control+Enter"]):
            stage.press(*keys)
            assert stage.focus() == "personnummer"
            stage.page.get_by_label("Rätta numret.").focus()
        stage.page.get_by_text("Rätta numret.").click()
        assert stage.focus() == "personnummer"
        # The number is selected now; a label is chosen all the same.
        label = str(choices[1]["label"])
        stage.page.get_by_text(label).click()
        expect(stage.page.get_by_label(label)).to_be_checked()
        assert stage.saves() == []
        stage.press("2", "Enter", *"Fel", "Enter")
        assert stage.saves()[0]["question"]["choice"] == "right"
