"""Keys: on to the next field that needs a person, through all fields, options and signs."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.workbench import cards
from tests.browser.workbench.stage import staged

pytestmark = [pytest.mark.browser]

_UNDO_BY_MENU = """() => document.activeElement.dispatchEvent(new InputEvent("beforeinput",
    { inputType: "historyUndo", bubbles: true, cancelable: true })) && undefined"""


@pytest.mark.parametrize("key", ["Enter", "Tab"])
def test_a_key_goes_to_the_next_field_that_needs_a_person(browser: Browser, key: str) -> None:
    with staged(browser, cards.data(cards.card())) as stage:
        assert stage.focus() == "personnummer"
        stage.type("193001016595")
        seen = []
        for _ in range(4):
            stage.press(key)
            seen.append(stage.focus())
        assert seen == ["puls", "smarta", "dos", "wb-save"]
        stage.answer(cards.card())  # to the draft of the number
        assert stage.saves() == []
        stage.press("Enter")
        assert len(stage.saves()) == 1


def test_back_goes_to_the_field_before_and_all_can_be_stepped_through(browser: Browser) -> None:
    with staged(browser, cards.data(cards.card(focus="dos"))) as stage:
        seen = []
        for key in ("Shift+Tab", "Shift+Tab", "Control+ArrowDown", "Control+ArrowUp"):
            stage.press(key)
            seen.append(stage.focus())
        assert seen == ["smarta", "puls", "blodtryck", "puls"]
        stage.press(*["Control+ArrowDown"] * 20)
        assert stage.focus() == "wb-save"
        stage.press("Shift+Tab")
        assert stage.focus() == "dos"


def test_a_field_with_an_error_is_a_stop(browser: Browser) -> None:
    now = cards.ready(focus="personnummer")
    now["fields"][3]["error"] = "Datumet finns inte."
    with staged(browser, cards.data(now)) as stage:
        stage.press("Enter")
        assert stage.focus() == "datum"
        entry = stage.row("datum").locator("input")
        expect(entry).to_have_attribute("aria-invalid", "true")
        expect(entry).to_have_accessible_description("Datumet finns inte.")


def test_options_are_chosen_by_digit_sign_arrow_and_mouse(browser: Browser) -> None:
    with staged(browser, cards.data(cards.card(focus="smarta"))) as stage:
        chosen = stage.row("smarta").locator("label:has(:checked)")
        for key, label in (
            *(("2", "Lindrig"), ("-", "Tomt"), ("?", "Oläsligt"), ("1", "Ingen")),
            *(("ArrowRight", "Lindrig"), ("ArrowLeft", "Ingen")),
        ):
            stage.press(key)
            expect(chosen).to_have_text(label)
            assert stage.focus() == "smarta"
        stage.press("Control+ArrowDown")
        stage.row("smarta").get_by_text("Svår").click()
        expect(chosen).to_have_text("Svår")
        assert stage.focus() == "smarta"
        expect(stage.row("smarta").get_by_role("radio", name="Svår")).to_be_checked()


def test_signs_answer_any_field_and_go_on(browser: Browser) -> None:
    with staged(browser, cards.data(cards.card(focus="puls"))) as stage:
        stage.press("Alt+i")
        assert (stage.value("puls"), stage.focus()) == ("?", "smarta")
        stage.press("Alt+t")
        expect(stage.row("smarta").locator("label:has(:checked)")).to_have_text("Tomt")
        assert stage.focus() == "dos"
        stage.type("-")
        assert stage.value("dos") == "-"


def test_a_note_that_was_only_read_is_left_by_enter_and_stays_as_it_was(browser: Browser) -> None:
    """Enter, by which one goes on, put an empty line before what was read."""
    with staged(browser, cards.data(cards.note(focus="anteckning"))) as stage:
        before = stage.value("anteckning")
        assert stage.focus() == "anteckning"
        assert stage.caret() == len(before)
        stage.page.keyboard.down("Enter")
        stage.page.keyboard.down("Enter")  # held
        stage.page.keyboard.up("Enter")
        assert (stage.focus(), stage.value("anteckning")) == ("wb-save", before)
        stage.press("Shift+Tab", "ArrowLeft", "Enter")
        assert (stage.focus(), stage.value("anteckning")) == ("wb-save", before)


def test_a_note_that_was_changed_takes_line_breaks(browser: Browser) -> None:
    with staged(browser, cards.data(cards.note(focus="anteckning"))) as stage:
        before = stage.value("anteckning")
        stage.type(" Nöjd.")
        stage.press("Enter")
        stage.type("Ät")
        assert (stage.focus(), stage.value("anteckning")) == ("anteckning", f"{before} Nöjd.\nÄt")
        stage.answer(cards.note(focus="anteckning"))  # to the draft
        stage.page.locator("#search").click()
        stage.row("anteckning").locator("textarea").focus()
        stage.press("Control+End", "Enter")
        assert stage.value("anteckning").endswith("Ät\n"), "no other field had the focus"
        stage.press("Tab", "Shift+Tab", "Enter")
        assert (stage.focus(), stage.value("anteckning").count("\n")) == ("wb-save", 2)
        stage.press("Shift+Tab", "Backspace", "Control+Enter")
        assert stage.value("anteckning") == f"{before} Nöjd.\nÄt", "it saves"


def test_a_long_note_is_shown_from_its_beginning(browser: Browser) -> None:
    now = cards.note(focus="anteckning")
    text = now["fields"][1]
    lines = text["value"] + "\n" * 80 + "Sist."
    text |= {"value": lines}
    with staged(browser, cards.data(now), size=(1024, 700)) as stage:
        area = stage.row("anteckning").locator("textarea")
        assert (stage.caret(), area.evaluate("(area) => area.scrollTop")) == (len(lines), 0)
        expect(stage.page.locator(".wb-at-word")).to_be_hidden()
        stage.press("Control+Home")
        expect(stage.page.locator(".wb-at-word")).to_be_visible()


def test_keys_of_acts_are_sent_with_what_is_typed(browser: Browser) -> None:
    now = cards.card(focus="puls", unfold="Visa 7 till")
    for key, kind in (
        *(("Alt+s", "skip"), ("Alt+a", "reject"), ("Alt+z", "undo")),
        *(("Alt+o", "unfold"), ("Alt+j", "open")),
    ):
        with staged(browser, cards.data(now), has_clock=True) as stage:
            stage.type("80")
            stage.press(key)
            (act,) = stage.acts()
            assert (act["kind"], act["n"], act["entry"], act["revision"]) == (kind, 1, "e1", 1)
            assert act["values"] == {"puls": "80"}
            assert act.get("what") == ("open:attachments" if kind == "open" else None)


def test_the_label_gives_the_focus_to_its_field(browser: Browser) -> None:
    with staged(browser, cards.data(cards.card())) as stage:
        stage.row("adress").locator(".wb-label").click()
        assert stage.focus() == "adress"


def test_focus_comes_back_from_the_page_and_stays_with_an_input_outside(browser: Browser) -> None:
    with staged(browser, cards.data(cards.card(focus="puls"))) as stage:
        stage.page.evaluate("document.activeElement.blur()")
        stage.page.wait_for_function("document.activeElement.closest('[data-name=puls]')")
        stage.page.evaluate("document.querySelector('section').focus()")
        assert stage.focus() == "puls"
        stage.page.locator(".wb-origin").click()
        stage.press("End", "7")
        assert (stage.focus(), stage.value("puls")) == ("puls", "127")
        stage.page.locator("#search").click()
        stage.type("x-1")
        stage.press("Alt+s")
        assert stage.page.locator("#search").input_value() == "x-1"
        assert stage.kinds() == ["draft"]


def test_pressing_a_button_leaves_the_focus_in_the_field(browser: Browser) -> None:
    with staged(browser, cards.data(cards.card(focus="puls"))) as stage:
        for name in (".wb-zoom-in", ".wb-contrast", ".wb-skip", ".wb-pane"):
            stage.page.locator(name).click()
            assert stage.focus() == "puls"
        assert stage.kinds() == ["skip"]


def test_a_held_key_saves_once(browser: Browser) -> None:
    with staged(browser, cards.data(cards.ready())) as stage:
        stage.page.keyboard.down("Control")
        for _ in range(3):
            stage.page.keyboard.down("Enter")
        stage.page.keyboard.up("Enter")
        stage.page.keyboard.up("Control")
        assert len(stage.saves()) == 1


def test_an_undo_stays_in_its_field(browser: Browser) -> None:
    """It took back what was typed in the field before, which had scrolled out of sight."""
    with staged(browser, cards.data(cards.card(focus="puls"))) as stage:
        stage.type("80")
        stage.press("Control+ArrowDown")
        stage.press("Control+z")
        assert (stage.value("puls"), stage.value("blodtryck")) == ("80", "135/80")
        stage.type("140/90 mm")
        stage.press("Control+z")
        assert stage.value("blodtryck") == "140/90 "
        stage.press("Control+z", "Control+z", "Control+z")
        assert (stage.value("puls"), stage.value("blodtryck")) == ("80", "135/80")
        stage.press("Control+y", "Control+Shift+Z")
        assert stage.value("blodtryck") == "140/90 "
        stage.press("Control+ArrowUp", "Control+z")
        assert (stage.value("puls"), stage.value("blodtryck")) == ("12", "140/90 ")


def test_what_is_undone_is_sent(browser: Browser) -> None:
    with staged(browser, cards.data(cards.card(focus="puls")), has_clock=True) as stage:
        stage.type("80")
        stage.press("Control+z")
        stage.page.clock.run_for(700)
        assert [act["values"] for act in stage.acts()] == [{"puls": "12"}]


@pytest.mark.parametrize("place", ["#outside", ".wb-save", ".wb-row[data-name=smarta] input"])
def test_an_undo_elsewhere_changes_no_field(browser: Browser, place: str) -> None:
    with staged(browser, cards.data(cards.card(focus="puls"))) as stage:
        stage.type("80")
        stage.page.locator(place).first.focus()
        stage.press("Control+z")
        assert stage.value("puls") == "80"


def test_a_sign_is_undone_and_so_is_what_the_menu_undoes(browser: Browser) -> None:
    with staged(browser, cards.data(cards.note(focus="anteckning"))) as stage:
        before = stage.value("anteckning")
        stage.press("Alt+t", "Shift+Tab")
        assert (stage.focus(), stage.value("anteckning")) == ("anteckning", "-")
        stage.press("Control+z")
        assert stage.value("anteckning") == before
        stage.press("End")
        stage.type("!")
        stage.page.evaluate(_UNDO_BY_MENU)
        assert stage.value("anteckning") == before


def test_one_key_says_that_the_rest_in_sight_is_empty(browser: Browser) -> None:
    now = cards.card(focus="namn")
    asked = [one for one in now["fields"] if one["kind"] == "text" and not one["client"]]
    for field in asked:
        field.update(needs=True, must=True, value="500 mg" if field["name"] == "dos" else "")
    with staged(browser, cards.data(now), size=(1366, 768)) as stage:
        stage.press("Alt+Shift+T")
        values = {field["name"]: stage.value(field["name"]) for field in asked}
        seen = stage.page.evaluate(_INK_IN_SIGHT)
        emptied = [name for name, value in values.items() if value == "-"]
        # What has a value, whose sheet it is, and what is below the edge are as they were.
        assert len(emptied) > 3
        assert set(emptied) <= set(seen)
        assert stage.value("personnummer") == ""
        assert stage.value("dos") != "-"
        stage.press("Alt+Shift+T")
        assert all(stage.value(name) == "" for name in emptied)
        assert stage.focus() == "namn"


_INK_IN_SIGHT = """() => {
    const view = document.querySelector(".wb-fields").getBoundingClientRect();
    return [...document.querySelectorAll(".wb-row")].filter((row) => {
        const ink = row.querySelector(".wb-crop").getBoundingClientRect();
        return ink.height > 0 && ink.bottom <= view.bottom + 60;
    }).map((row) => row.dataset.name);
}"""
_OUTAGE = {"form": "day", "days": ["2021-12-16", "2022-01-10"]}


@pytest.mark.parametrize(
    ("name", "short", "typed", "whole"),
    [
        *(("datum", _OUTAGE, typed, "2021-12-17") for typed in ("17", "17/12", "1217")),
        *(("datum", _OUTAGE, typed, "2022-01-05") for typed in ("5", "05", "5/1", "0105")),
        ("datum", _OUTAGE, "20211217", "20211217"),
        *(("tid", {"form": "time"}, typed, "09:40") for typed in ("0940", "940", "9.40", "9:40")),
        ("tid", {"form": "time"}, "-", "-"),
    ],
)
def test_what_is_typed_in_short_is_written_out(
    browser: Browser, name: str, short: dict[str, object], typed: str, whole: str
) -> None:
    now = cards.ready(focus=name)
    _field(now, name).update(value="", short=short)
    with staged(browser, cards.data(now)) as stage:
        stage.type(typed)
        stage.press("Enter")
        assert stage.value(name) == whole
        assert stage.focus() != name
        assert stage.acts()[-1]["values"][name] == whole


@pytest.mark.parametrize(
    ("name", "short", "typed", "question"),
    [
        ("datum", _OUTAGE, "12", "Skriv hela datumet"),
        ("datum", _OUTAGE, "1712", "Skriv hela datumet"),
        ("tid", {"form": "time"}, "2560", "Skriv hela klockslaget"),
    ],
)
def test_a_short_form_that_means_nothing_is_asked_about_at_once(
    browser: Browser, name: str, short: dict[str, object], typed: str, question: str
) -> None:
    now = cards.ready(focus=name)
    _field(now, name).update(value="", short=short)
    with staged(browser, cards.data(now)) as stage:
        stage.type(typed)
        stage.press("Enter")
        assert stage.focus() == name
        expect(stage.row(name).locator(".wb-error")).to_contain_text(question)
        stage.press("Control+Enter")
        assert stage.saves() == []


def test_four_digits_are_asked_about_also_when_a_draft_was_sent_before(browser: Browser) -> None:
    now = cards.card(focus="personnummer")
    with staged(browser, cards.data(now), has_clock=True) as stage:
        stage.type("6595")
        stage.page.clock.run_for(700)
        stage.answer(cards.card(focus="personnummer"))
        assert [act.get("left") for act in stage.acts()] == [None]
        stage.press("Enter")
        assert [act.get("left") for act in stage.acts()] == [None, "personnummer"]


def test_what_was_said_to_be_empty_is_not_taken_back_in_another_entry(browser: Browser) -> None:
    now, ahead = cards.ready(focus="puls"), cards.ready("e2", focus="puls")
    for card in (now, ahead):
        _field(card, "puls").update(needs=True, must=True, value="")
    with staged(browser, cards.data(now, ahead)) as stage:
        stage.press("Alt+Shift+T")
        assert stage.value("puls") == "-"
        stage.page.locator(".wb-save").click()
        stage.answer(ahead)
        stage.page.wait_for_function("document.querySelector('.wb').dataset.entry === 'e2'")
        stage.row("puls").locator("input").click()
        stage.press("Alt+Shift+T")
        assert stage.value("puls") == "-"


def test_the_last_four_digits_become_the_number_that_the_server_knows(browser: Browser) -> None:
    with staged(browser, cards.data(cards.card(focus="personnummer"))) as stage:
        stage.type("6595")
        stage.press("Enter")
        sent = stage.acts()[-1]
        assert (sent["kind"], sent["left"], sent["values"]) == (
            *("draft", "personnummer"),
            {"personnummer": "6595"},
        )
        whole = {"personnummer": ["6595", "19300101-6595"]}
        stage.answer(cards.card(completed=whole, banner=cards.banner(), focus="personnummer"))
        assert stage.value("personnummer") == "19300101-6595"
        assert stage.focus() == "puls"


def _field(card: cards.Data, name: str) -> cards.Data:
    return next(field for field in card["fields"] if field["name"] == name)
