"""The words of a note at the keyboard: ink and alternatives of those in doubt, and completion."""

from __future__ import annotations

import io
from typing import Any

import pytest
from PIL import Image
from playwright.sync_api import Browser, Locator, expect

from tests.browser.workbench import cards
from tests.browser.workbench.stage import SIZES, Stage, staged

pytestmark = [pytest.mark.browser]

READ = "Trött men pigg. Åt frukost. Ber dottern ringa vården."
_SELECTED = """() => {
    const area = document.activeElement;
    return area.value?.slice(area.selectionStart, area.selectionEnd);
}"""

_FROM_CARET = """() => {
    const area = document.activeElement;
    const pen = document.createElement("canvas").getContext("2d");
    const look = getComputedStyle(area);
    pen.font = `${look.fontWeight} ${look.fontSize} ${look.fontFamily}`;
    const width = pen.measureText(area.value).width + parseFloat(look.paddingLeft);
    const caret = area.getBoundingClientRect().left + parseFloat(look.borderLeftWidth) + width;
    return document.querySelector(".wb-rest").getBoundingClientRect().left - caret;
}"""
"""How far right of the end of a text of one line its completion begins, px."""


def note(**more: object) -> dict[str, Any]:
    """A note in focus, with two words in doubt."""
    return cards.data(cards.note(focus="anteckning", **more))


def selected(stage: Stage) -> str:
    """What is selected in the text that has the focus."""
    found: str = stage.page.evaluate(_SELECTED)
    return found


def pixels(picture: Locator) -> list[tuple[int, int, int]]:
    """The pixels of a part of the window."""
    data = Image.open(io.BytesIO(picture.screenshot())).convert("RGB").tobytes()
    return list(zip(data[::3], data[1::3], data[2::3], strict=True))


@pytest.mark.parametrize("size", ["laptop", "small", "tablet"])
def test_a_word_in_doubt_is_shown_with_its_ink_at_reading_size(browser: Browser, size: str) -> None:
    with staged(browser, note(), size=SIZES[size]) as stage:
        area = stage.row("anteckning").locator("textarea")
        before = area.bounding_box()
        ink = stage.page.locator(".wb-words .wb-crop")
        expect(ink).to_be_hidden()
        stage.press("Home", "F8")
        assert selected(stage) == "men"
        expect(ink).to_be_visible()
        box = ink.bounding_box()
        assert box is not None
        assert box["height"] >= 28
        seen = pixels(ink)
        assert sum(b > 100 and r < 80 for r, _, b in seen) > 30
        assert sum(min(pixel) > 230 for pixel in seen) > 500
        choices = stage.page.locator(".wb-alternative")
        assert choices.all_inner_texts() == ["merAlt+1", "manAlt+2"]
        assert area.bounding_box() == before


def test_a_key_replaces_the_word_and_goes_on_to_the_next(browser: Browser) -> None:
    with staged(browser, note()) as stage:
        stage.press("Home", "F8", "Alt+1")
        assert stage.value("anteckning") == READ.replace("men", "mer")
        assert selected(stage) == "Ber"
        # The case of what was read is kept.
        stage.press("Alt+2")
        assert stage.value("anteckning") == READ.replace("men", "mer").replace("Ber", "Bed")
        assert stage.focus() == "anteckning"
        # What a person has changed is in doubt no more.
        at = stage.caret()
        stage.press("F8")
        assert (selected(stage), stage.caret()) == ("", at)
        expect(stage.page.locator(".wb-words .wb-crop")).to_be_hidden()
        stage.press("Alt+1")
        stage.press("Control+z")
        assert stage.value("anteckning") == READ.replace("men", "mer")
        stage.press("Control+Enter")
        stage.page.wait_for_function("window.acts.some((act) => act.kind === 'save')")
        assert stage.saves()[0]["values"]["anteckning"] == READ.replace("men", "mer")


def test_marks_around_a_word_stay(browser: Browser) -> None:
    given = note()
    words = given["now"]["fields"][1]["words"]
    words["doubtful"] = [i == 4 for i in range(9)]
    words["alternatives"] = [["frusost"] if i == 4 else [] for i in range(9)]
    with staged(browser, given) as stage:
        stage.press("F8", "Alt+1")
        assert stage.value("anteckning") == READ.replace("frukost", "frusost")


def test_typing_and_bare_digits_replace_the_selection(browser: Browser) -> None:
    with staged(browser, note()) as stage:
        stage.press("Home", "F8")
        stage.type("1")
        assert stage.value("anteckning") == READ.replace("men", "1")
        stage.press("Backspace")
        stage.type("och")
        stage.press("F8")
        assert selected(stage) == "Ber"
        # Without a word in doubt the keys change nothing.
        stage.press("Home", "Alt+1", "Alt+4")
        assert stage.value("anteckning") == READ.replace("men", "och")


def test_the_mouse_chooses_too(browser: Browser) -> None:
    with staged(browser, note()) as stage:
        stage.press("Home", "F8")
        stage.page.locator(".wb-alternative").nth(1).click()
        assert stage.value("anteckning") == READ.replace("men", "man")
        assert (stage.focus(), selected(stage)) == ("anteckning", "Ber")


def test_a_long_word_is_completed_by_the_right_arrow(browser: Browser) -> None:
    with staged(browser, note()) as stage:
        rest = stage.page.locator(".wb-rest")
        stage.press("Control+End")
        stage.type(" Omlä")
        expect(rest).to_have_text("ggning")
        # In grey right after the caret.
        assert abs(stage.page.evaluate(_FROM_CARET)) < 2
        grey = [p for p in pixels(rest) if min(p) > 60 and max(p) < 150 and max(p) - min(p) < 40]
        assert len(grey) > 20
        stage.press("ArrowRight")
        assert stage.value("anteckning") == f"{READ} Omläggning"
        expect(rest).to_have_text("")
        # The note's own words.
        stage.type(" fru")
        expect(rest).to_have_text("kost")
        stage.press("ArrowRight")
        stage.press("Control+z")
        assert stage.value("anteckning") == f"{READ} Omläggning fru"


def test_whatever_else_is_pressed_ignores_the_completion(browser: Browser) -> None:
    with staged(browser, note()) as stage:
        rest = stage.page.locator(".wb-rest")
        stage.press("Control+End")
        stage.type(" omlä")
        expect(rest).to_have_text("ggning")
        stage.press("ArrowLeft")
        expect(rest).to_have_text("")
        # The arrow moves the caret, as ever.
        at = stage.caret()
        stage.press("ArrowRight")
        assert (stage.caret(), stage.value("anteckning")) == (at + 1, f"{READ} omlä")
        stage.type("g")
        expect(rest).to_have_text("gning")
        stage.press("Enter")
        assert stage.value("anteckning") == f"{READ} omläg\n"
        stage.type("omlä")
        expect(rest).to_have_text("ggning")
        stage.press("Tab")
        assert stage.focus() != "anteckning"
        expect(rest).to_be_hidden()
        assert stage.value("anteckning") == f"{READ} omläg\nomlä"


@pytest.mark.parametrize(
    "typed", [" om", " omlä.", " 12omlä", " sa Omlä", " alve", " parac", " insuli", " 500"]
)
def test_no_number_drug_or_name_is_completed(browser: Browser, typed: str) -> None:
    with staged(browser, note()) as stage:
        stage.press("Control+End")
        stage.type(typed)
        expect(stage.page.locator(".wb-rest")).to_have_text("")
        stage.press("ArrowRight")
        assert stage.value("anteckning") == READ + typed


def test_what_is_keyed_blind_is_not_completed(browser: Browser) -> None:
    given = note()
    given["now"]["fields"][1] |= {"blind": True, "value": "", "words": None}
    with staged(browser, given) as stage:
        stage.type("Omlä")
        expect(stage.page.locator(".wb-rest")).to_have_count(0)
        stage.press("ArrowRight")
        assert stage.value("anteckning") == "Omlä"


TRUE = (
    "Patienten mådde illa under natten och ville inte äta frukost. Tog emot hjälp med dusch. "
    "Såret på hälen vätskar mindre än igår, lagt om enligt ordination. Dottern ringde och undrar "
    "om hemgång."
)
READ_AS = {
    **{"mådde": ("mådda", True), "under": ("undar", True), "ville": ("vilde", True)},
    **{"Tog": ("Tag", False), "hjälp": ("hjölp", True), "Såret": ("Säret", True)},
    **{"mindre": ("minore", True), "enligt": ("enligt", False), "och": ("oeh", True)},
    **{"ordination.": ("ordinstian.", True), "undrar": ("ondrar", False)},
}
"""Words in doubt: what they are read as, and whether the right one is among the alternatives."""
KEY, FIXATION, THINK = 0.28, 0.23, 1.35


def test_a_third_of_a_notes_words_is_corrected_in_less_than_half_the_keys(browser: Browser) -> None:
    """Before: each word found by the caret (3 keys and M) and typed."""
    right = TRUE.split()
    read = [READ_AS.get(word, (word,))[0] for word in right]
    alternatives = [
        ["annat", *([word.strip(".").lower()] if READ_AS.get(word, ("", False))[1] else [])]
        for word in right
    ]
    given = note()
    given["now"]["fields"][1] |= {"value": " ".join(read)}
    given["now"]["fields"][1]["words"] = {
        "words": read,
        "places": [[0, 0.09, 0.8, 0.045, 0.03]] * len(read),
        "doubtful": [word in READ_AS for word in right],
        "alternatives": alternatives,
        "known": [],
    }
    wrong = [word for word, said in zip(right, read, strict=True) if word != said]
    before = sum(3 + len(word) for word in wrong)
    with staged(browser, given) as stage:
        stage.press("F8")
        keys = 1
        for word in right:
            if word not in READ_AS:
                continue
            said, is_offered = READ_AS[word]
            assert selected(stage) == said
            if is_offered:
                stage.press("Alt+2")
                keys += 2
            else:
                if said != word:
                    stage.type(word)
                    keys += len(word)
                stage.press("F8")
                keys += 1
        assert stage.value("anteckning") == TRUE
    seconds = keys * KEY + 4 * len(READ_AS) * FIXATION
    seconds_before = before * KEY + len(wrong) * THINK
    print(f"{before} keys, {seconds_before:.0f} s -> {keys} keys, {seconds:.0f} s")
    assert keys < before / 2
    assert seconds < seconds_before * 0.6
