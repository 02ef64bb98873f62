"""The parts that are keyed in, in a browser without the program: each press copies the next value,
marks it, and leaves nothing behind.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any

import pytest
from PIL import Image
from playwright.sync_api import Browser, Locator, Page, expect

from tests.browser.support.nurse import expect_stored
from ui.browser.assets import read_script, read_style
from ui.screens.export.key_in.copy_parts import HTML, SCRIPTS

pytestmark = [pytest.mark.browser, pytest.mark.slow]

ADDRESS = "https://efterskrift.example/"
_HTML = """<!doctype html><meta charset="utf-8"><style>:root { --ef-accent-tint: #e3eeee; }</style>
<div id="margin" style="height: 40px"></div><div id="host"></div><input id="elsewhere">
<p data-test-script-state="notRunning"></p>
<div class="st-key-key_in_done"><button>Klar</button></div>
<div class="st-key-key_in_skip"><button>Hoppa över</button></div>"""
_DRAW = """async ([html, css, script, data]) => {
    const host = document.querySelector("#host");
    const root = host.shadowRoot ?? host.attachShadow({ mode: "open" });
    if (!root.childElementCount) root.innerHTML = `<style>${css}</style>${html}`;
    const module = await import(`data:text/javascript;charset=utf-8,${encodeURIComponent(script)}`);
    window.given = [];
    window.leave = module.default({
        parentElement: root, data, setTriggerValue: (name, value) => window.given.push(value),
    });
}"""
PID = "19300101-6595"
TEXTS = {
    "next": "Kopiera",
    "next_key": "Blanksteg",
    "whole": "Hela posten",
    "back": "Bakåt",
    "all": "Allt är kopierat",
    "copied": "Kopierat",
    "failed": "Tryck Ctrl+C.",
    "ticking": "Väntar.",
    "unheard": "Inget svar.",
    "not_ticked": "Inget är avkryssat.",
    "small": "Litet fönster",
    "away": "Visas i det lilla fönstret.",
    "stopped": "Fönstret stoppades.",
    "title": "Skriv in",
}


def parts(
    turn: str, clear_ms: int = 60_000, answers: int = 0, copied: tuple[str, ...] = ()
) -> dict[str, Any]:
    """A client with two notes of two parts each."""
    notes = [
        {
            "entry": f"E{number}",
            "title": f"{number}. Anteckning",
            "parts": [
                {
                    "kind": kind,
                    "label": label,
                    "text": text,
                    "name": kind,
                    "copied": f"E{number} {kind}" in copied,
                }
                for kind, label, text in (
                    ("own", "Händelsedatum", f"2021-12-1{number}"),
                    ("note", "Anteckningen", f"Text {number}.\nRad två."),
                )
            ],
            "whole": f"Hela {number}",
            "lines": ["Inte kryssat: Plan"],
        }
        for number in (1, 2)
    ]
    client = [
        {"kind": "pid", "label": "Personnummer", "text": PID},
        {"kind": "name", "label": "Patientens namn", "text": "<b>Elsa</b> Fjällberg"},
    ]
    return {
        "turn": turn,
        "run": "R1",
        "entries": ["E1", "E2"],
        "answers": answers,
        "client": client,
        "notes": notes,
        "texts": TEXTS,
        "warnings": [],
        "tick": "Klar",
        "clear_ms": clear_ms,
    }


def draw(page: Page, data: dict[str, Any]) -> None:
    """Draw the parts as Streamlit does."""
    page.evaluate(_DRAW, [HTML, read_style("copy_parts"), read_script(*SCRIPTS), data])


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page of a safe address that may use the clipboard."""
    context = browser.new_context(viewport={"width": 1024, "height": 700})
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    page = context.new_page()
    page.route(ADDRESS, lambda route: route.fulfill(body=_HTML, content_type="text/html"))
    page.goto(ADDRESS)
    yield page
    context.close()


def copied(page: Page) -> str:
    """What is on the clipboard."""
    text: str = page.evaluate("navigator.clipboard.readText()")
    return text


def press(page: Page, key: str, said: str) -> str:
    """Press a key; answers with the clipboard once the screen says what was copied."""
    page.keyboard.press(key)
    expect(page.locator(".said")).to_have_text(f"Kopierat: {said}")
    return copied(page)


def ground(part: Locator) -> tuple[int, ...]:
    """The colour of a part near its right end."""
    picture = Image.open(io.BytesIO(part.screenshot())).convert("RGB")
    colour = picture.getpixel((picture.width - 40, 5))
    assert isinstance(colour, tuple)
    return colour


def test_each_press_copies_the_next_value_and_marks_it(page: Page) -> None:
    draw(page, parts("a"))
    following = page.locator(".next")
    expect(following).to_be_focused()
    seen = [press(page, "Space", "Personnummer")]
    for key, label in (
        ("n", "Händelsedatum"),
        ("Enter", "Anteckningen"),
        ("Space", "Händelsedatum"),
        ("Space", "Anteckningen"),
    ):
        expect(following).to_contain_text(f"Kopiera: {label}")
        page.keyboard.press(key)
        current = page.locator(".part[aria-current='true']")
        expect(current).to_have_count(1)
        expect(current).to_contain_text(label if label != "Anteckningen" else "Rad två.")
        expect_stored(page, lambda last=seen[-1]: copied(page) != last, True)  # type: ignore[misc]
        seen.append(copied(page))
    assert seen == [PID, "2021-12-11", "Text 1.\nRad två.", "2021-12-12", "Text 2.\nRad två."]
    expect(following).to_contain_text("Allt är kopierat")
    expect(following).to_be_focused()
    assert ground(page.locator(".part[aria-current='true']")) == (0xE3, 0xEE, 0xEE)
    assert ground(page.locator(".part.note").first) != (0xE3, 0xEE, 0xEE)
    page.keyboard.press("Space")
    assert copied(page) == seen[-1]


def test_the_whole_note_is_one_key_and_back_another(page: Page) -> None:
    draw(page, parts("b"))
    assert press(page, "h", "Hela posten") == "Hela 1"
    expect(page.locator(".next")).to_contain_text("Kopiera: Händelsedatum")
    assert press(page, "H", "Hela posten") == "Hela 2"
    page.keyboard.press("b")
    assert press(page, "Space", "Anteckningen") == "Text 2.\nRad två."
    page.locator(".part.own").first.click()
    expect(page.locator(".said")).to_have_text("Kopierat: Händelsedatum")
    assert copied(page) == "2021-12-11"
    expect(page.locator(".part.name .text")).to_have_text("<b>Elsa</b> Fjällberg")


def test_the_next_client_the_time_and_leaving_empty_the_clipboard(page: Page) -> None:
    draw(page, parts("c"))
    press(page, "Space", "Personnummer")
    draw(page, parts("c"))
    assert copied(page) == PID
    draw(page, parts("d"))
    expect_stored(page, lambda: copied(page), "")
    expect(page.locator(".next")).to_contain_text("Kopiera: Personnummer")
    press(page, "Space", "Personnummer")
    page.evaluate("window.leave()")
    expect_stored(page, lambda: copied(page), "")
    draw(page, parts("e", clear_ms=50))
    page.keyboard.press("Space")
    expect_stored(page, lambda: copied(page), "")


def test_keys_are_left_alone_where_something_is_typed(page: Page) -> None:
    draw(page, parts("f"))
    press(page, "Space", "Personnummer")
    page.locator("#elsewhere").focus()
    page.keyboard.type("nhb")
    assert page.locator("#elsewhere").input_value() == "nhb"
    assert copied(page) == PID
    page.locator(".next").focus()
    page.keyboard.press("Control+Enter")
    expect(page.locator(".next")).to_contain_text("Kopiera: Händelsedatum")


def test_without_the_right_to_the_clipboard_the_text_is_selected(page: Page) -> None:
    page.evaluate(
        "() => { navigator.clipboard.writeText = () => Promise.reject(new Error('no')); }"
    )
    draw(page, parts("g"))
    page.keyboard.press("Space")
    expect(page.locator(".said")).to_have_text("Tryck Ctrl+C.")
    assert page.evaluate("getSelection().toString() || 'none'") in (PID, "none")


def refuse_writes(page: Page, *, refused: bool) -> None:
    """The window loses the focus, as far as its clipboard knows, or has it again."""
    page.evaluate(
        """(refused) => {
            const { clipboard } = navigator;
            delete clipboard.writeText; // what stood before that of every clipboard
            const refuse = () => Promise.reject(new Error("Document is not focused"));
            if (refused) clipboard.writeText = refuse;
        }""",
        refused,
    )


def test_a_tick_stops_the_copying_of_the_client_and_empties_the_clipboard_at_once(
    page: Page,
) -> None:
    draw(page, parts("h"))
    press(page, "Space", "Personnummer")
    # The server has not answered: the client is still on the screen.
    page.keyboard.press("Control+Enter")
    expect_stored(page, lambda: copied(page), "")
    expect(page.locator(".said")).to_have_text("Väntar.")
    for key in ("Space", "n", "h", "b", "Space"):
        page.keyboard.press(key)
    page.locator(".part.note").first.click(force=True)
    assert copied(page) == ""
    draw(page, parts("i", answers=1))
    assert press(page, "Space", "Personnummer") == PID


@pytest.mark.parametrize("button", ["key_in_done", "key_in_skip"])
def test_a_click_that_ends_the_turn_does_as_its_key(page: Page, button: str) -> None:
    draw(page, parts("j"))
    press(page, "Space", "Personnummer")
    page.locator(f".st-key-{button} button").click()
    expect_stored(page, lambda: copied(page), "")
    page.keyboard.press("h")
    assert copied(page) == ""


def test_a_copy_on_its_way_when_the_client_is_ticked_is_emptied_too(page: Page) -> None:
    draw(page, parts("k"))
    page.evaluate(
        """() => {
            const write = navigator.clipboard.writeText.bind(navigator.clipboard);
            const go = new Promise((resolve) => { window.go = resolve; });
            navigator.clipboard.writeText = (text) => go.then(() => write(text));
        }"""
    )
    page.keyboard.press("Space")
    page.keyboard.press("Control+Enter")
    page.evaluate("window.go()")
    expect_stored(page, lambda: copied(page), "")
    expect(page.locator(".said")).to_have_text("Väntar.")


def test_what_could_not_be_emptied_is_emptied_on_the_return_whatever_is_shown(page: Page) -> None:
    draw(page, parts("l"))
    for turn in ("m", ""):
        press(page, "Space", "Personnummer")
        refuse_writes(page, refused=True)
        page.keyboard.press("Control+Enter")
        expect(page.locator(".said")).to_have_text("Väntar.")
        if turn:
            draw(page, parts(turn))
        else:  # it was the last client
            page.evaluate("window.leave()")
        assert copied(page) == PID
        refuse_writes(page, refused=False)
        page.evaluate("window.dispatchEvent(new Event('focus'))")
        expect_stored(page, lambda: copied(page), "")


def test_a_tick_that_signs_nothing_or_is_not_heard_lets_the_client_be_copied_on(
    page: Page,
) -> None:
    draw(page, parts("n"))
    press(page, "Space", "Personnummer")
    page.keyboard.press("Control+Enter")
    draw(page, parts("n", answers=1))
    expect(page.locator(".said")).to_have_text("Inget är avkryssat.")
    assert press(page, "Space", "Händelsedatum") == "2021-12-11"
    page.keyboard.press("Control+Enter")
    expect(page.locator(".said")).to_have_text("Inget svar.")
    page.keyboard.press("h")
    assert copied(page) == ""
    page.keyboard.press("b")
    assert press(page, "Space", "Anteckningen") == "Text 1.\nRad två."


def test_the_keys_work_wherever_the_focus_is(page: Page) -> None:
    draw(page, parts("o"))
    press(page, "Space", "Personnummer")
    page.locator("#margin").click()
    expect(page.locator(".next")).not_to_be_focused()
    assert press(page, "Space", "Händelsedatum") == "2021-12-11"
    page.locator("#margin").click()
    assert press(page, "h", "Hela posten") == "Hela 1"
    page.locator("#margin").click()
    page.keyboard.press("b")
    expect(page.locator(".next")).to_contain_text("Kopiera: Anteckningen")
    page.locator(".whole").click()
    page.keyboard.press("Space")
    expect(page.locator(".said")).to_have_text("Kopierat: Händelsedatum")
    assert copied(page) == "2021-12-12"


def test_a_button_that_a_person_came_to_by_tab_keeps_its_own_keys(page: Page) -> None:
    draw(page, parts("p"))
    page.evaluate(
        """() => {
            window.pressed = 0;
            const button = document.querySelector(".st-key-key_in_skip button");
            button.closest("div").className = "other";
            button.addEventListener("click", () => { window.pressed += 1; });
        }"""
    )
    page.keyboard.press("Shift+Tab")
    page.locator(".st-key-key_in_done button").focus()
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    page.wait_for_function("window.pressed === 1")
    expect(page.locator(".said")).to_have_text("")
    page.evaluate(
        """() => document.body.insertAdjacentHTML(
            "beforeend", "<div role='dialog'><button id='within'>Stäng</button></div>")"""
    )
    page.locator("#within").click()
    page.keyboard.press("h")
    expect(page.locator(".said")).to_have_text("")


def test_all_is_copied_only_when_every_value_was(page: Page) -> None:
    draw(page, parts("q"))
    following = page.locator(".next")
    press(page, "Space", "Personnummer")
    page.locator(".part.note").last.click()
    expect(page.locator(".said")).to_have_text("Kopierat: Anteckningen")
    for label in ("Händelsedatum", "Anteckningen", "Händelsedatum"):
        expect(following).to_contain_text(f"Kopiera: {label}")
        press(page, "Space", label)
    expect(following).to_contain_text("Allt är kopierat")
    expect(page.locator(".part.copied")).to_have_count(5)


def test_what_the_browser_refuses_to_copy_is_not_copied_until_a_person_does(page: Page) -> None:
    draw(page, parts("r"))
    refuse_writes(page, refused=True)
    for _ in range(2):
        page.keyboard.press("Space")
        expect(page.locator(".said")).to_have_text("Tryck Ctrl+C.")
        expect(page.locator(".next")).to_contain_text("Kopiera: Personnummer")
        expect(page.locator(".part.copied")).to_have_count(0)
    page.keyboard.press("Control+c")
    expect(page.locator(".said")).to_have_text("Kopierat: Personnummer")
    expect(page.locator(".next")).to_contain_text("Kopiera: Händelsedatum")
    refuse_writes(page, refused=False)
    page.keyboard.press("Control+Enter")
    expect_stored(page, lambda: copied(page), "")


def test_what_was_copied_is_told_by_name_and_never_by_value(page: Page) -> None:
    draw(page, parts("s"))
    press(page, "Space", "Personnummer")
    press(page, "Space", "Händelsedatum")
    press(page, "Space", "Anteckningen")
    page.wait_for_function("window.given.length > 0")
    (told,) = page.evaluate("window.given")
    assert told == {"run": "R1", "parts": {"E1": ["own", "note"], "E2": []}}
    draw(page, parts("s", copied=("E1 own", "E1 note")))
    press(page, "Space", "Händelsedatum")
    page.evaluate("window.dispatchEvent(new Event('blur'))")
    (told,) = page.evaluate("window.given")
    assert told["parts"] == {"E1": [], "E2": ["own"]}
    # Another time, or another person: the number first, then what is left.
    draw(page, parts("t", copied=("E1 own", "E1 note", "E2 own")))
    expect(page.locator(".part.copied")).to_have_count(3)
    press(page, "Space", "Personnummer")
    assert press(page, "Space", "Anteckningen") == "Text 2.\nRad två."
    expect(page.locator(".next")).to_contain_text("Allt är kopierat")
