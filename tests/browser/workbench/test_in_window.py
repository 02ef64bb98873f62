"""What is in the window at each size: the focus, the client, pieces of paper, many fields."""

from __future__ import annotations

from typing import Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, expect

from tests.browser.workbench import cards
from tests.browser.workbench.stage import SIZES, Stage, staged

pytestmark = [pytest.mark.browser]

_RULES = {
    "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
    "resultTypes": ["violations"],
}
_OUTSIDE = """() => {
    const active = document.activeElement;
    const view = document.querySelector(".wb-fields").getBoundingClientRect();
    const inside = (box, frame) => box.top >= frame.top - 1 && box.bottom <= frame.bottom + 1;
    const found = [];
    const own = (active.closest(".wb-option, .wb-segment") ?? active).getBoundingClientRect();
    const row = active.closest(".wb-row");
    if (!inside(own, { top: 0, bottom: innerHeight })) found.push("focus outside the window");
    if (active.closest(".wb-fields") && !inside(own, view)) found.push("focus outside the list");
    if (row && row.offsetHeight <= view.height && !inside(row.getBoundingClientRect(), view))
        found.push(`row ${row.dataset.name} is cut off`);
    const main = document.querySelector("section");
    if (main.scrollHeight > main.clientHeight + 1) found.push("the page scrolls");
    if (document.documentElement.scrollWidth > innerWidth) found.push("the page scrolls sideways");
    const name = document.querySelector(".wb-client-name").getBoundingClientRect();
    const seen = document.elementFromPoint(name.left + 5, name.top + name.height / 2);
    if (!seen?.closest(".wb-client-name")) found.push("the client is not seen");
    return found;
}"""
_WHOLE_ROWS = """() => {
    const view = document.querySelector(".wb-fields").getBoundingClientRect();
    return [...document.querySelectorAll(".wb-row")].map((row) => row.getBoundingClientRect())
        .filter((box) => box.top >= view.top - 1 && box.bottom <= view.bottom + 1).length;
}"""
_CUT = """() => [...document.querySelectorAll(".wb-row input.wb-input")]
    .filter((input) => input.scrollWidth > input.clientWidth)
    .map((input) => input.closest(".wb-row").dataset.name)"""
_LEFT_EDGES = """() => Object.fromEntries(["label", "crop"].map((part) => [
    part, [...document.querySelectorAll(`.wb-${part}`)].filter((each) => each.checkVisibility())
        .map((each) => Math.round(each.getBoundingClientRect().left))]))"""
_GUIDE_OPENS = """() => {
    const guide = document.createElement("div");
    guide.id = "guide";
    guide.style.height = "220px";
    document.querySelector(".stMainBlockContainer").prepend(guide);
}"""
_HEIGHT_IS = "(height) => Math.abs(document.querySelector('.wb').offsetHeight - height) < 2"
_CROPS = """() => [...document.querySelectorAll(".wb-row")].map((row) => [
    row.dataset.name,
    [...row.querySelectorAll(".wb-crop")].filter((crop) => crop.checkVisibility()).length,
    row.querySelector(".wb-crop").getBoundingClientRect().height])"""


@pytest.mark.parametrize("size", SIZES.values(), ids=SIZES)
def test_the_focus_and_the_client_are_always_in_the_window(
    browser: Browser, size: tuple[int, int]
) -> None:
    asked = cards.ready(
        attempt=1,
        warning="Något talar emot klienten.",
        question=cards.conflict(),
        banner=cards.banner(cards.client(against=["Namnet är ett annat"], tags=["Avliden"])),
    )
    wrong = cards.ready(focus="dos")
    wrong["fields"][12]["error"] = "Dosen är tio gånger så stor som den brukar vara."
    with staged(browser, size=size) as stage:
        for now in (cards.ready("e0", look={"text": "Sett"}), asked, wrong, cards.note()):
            stage.give(cards.data(now, cards.ready("e9")))
            found = _walk(stage, len(now["fields"]) + 2)
            assert (now["title"], found) == (now["title"], [])


def _walk(stage: Stage, steps: int) -> list[str]:
    found: list[str] = stage.page.evaluate(_OUTSIDE)
    for key in (*["Tab"] * 5, *["Control+ArrowUp"] * steps, *["Control+ArrowDown"] * steps):
        stage.press(key)
        found += [f"{problem} at {stage.focus()}" for problem in stage.page.evaluate(_OUTSIDE)]
    return found


def test_the_bench_takes_the_room_of_a_guide_that_is_closed(browser: Browser) -> None:
    """The lower third of the window stayed white until the next act."""
    with staged(browser, cards.data(cards.ready()), size=SIZES["small"]) as stage:
        bench = stage.page.locator(".wb")
        full = bench.bounding_box()
        assert full is not None
        stage.page.evaluate(_GUIDE_OPENS)
        stage.page.wait_for_function(_HEIGHT_IS, arg=full["height"] - 220)
        stage.page.evaluate("document.getElementById('guide').remove()")
        stage.page.wait_for_function(_HEIGHT_IS, arg=full["height"])
        assert bench.bounding_box() == full
        assert stage.kinds() == [], "nothing was done"


@pytest.mark.parametrize("size", SIZES.values(), ids=SIZES)
def test_what_is_said_of_a_save_covers_no_button(browser: Browser, size: tuple[int, int]) -> None:
    with staged(browser, cards.data(cards.ready(), saysNo=4), size=size) as stage:
        says = {"text": "Sparat. Väntar på underskrift av Elsa Fjällberg-Quist.", "kind": "ok"}
        stage.answer(cards.ready("e2", unfold="Visa 7 till"), None, says=says, saysNo=5)
        told = stage.page.locator(".wb-says")
        expect(told).to_be_visible()
        said, bar = told.bounding_box(), stage.page.locator(".wb-bar").bounding_box()
        assert said is not None
        assert bar is not None
        assert said["y"] + said["height"] <= bar["y"]
        assert said["y"] > 0


def test_after_a_save_the_focus_is_in_the_window(browser: Browser) -> None:
    with staged(browser, size=SIZES["small"]) as stage:
        stage.give(cards.data(cards.ready(focus="plats"), cards.ready("e2", focus="given")))
        stage.press("Control+Enter")
        assert (stage.entry(), stage.focus()) == ("e2", "given")
        assert stage.page.evaluate(_OUTSIDE) == []
        stage.answer(cards.ready(attempt=1, focus="lakemedel"))
        assert stage.focus() == "lakemedel"
        assert stage.page.evaluate(_OUTSIDE) == []


def test_ten_fields_are_in_sight_on_a_laptop(browser: Browser) -> None:
    with staged(browser, cards.data(cards.ready(focus="puls"))) as stage:
        assert stage.page.evaluate(_WHOLE_ROWS) >= 10


def test_each_piece_of_paper_is_shown_once_and_large_in_focus(browser: Browser) -> None:
    with staged(browser, cards.data(cards.ready(focus="puls"))) as stage:
        for name in ("puls", "dos"):
            stage.row(name).locator("input").click()
            crops = {row: (count, tall) for row, count, tall in stage.page.evaluate(_CROPS)}
            assert {count for count, _ in crops.values()} == {1}
            others = [tall for row, (_, tall) in crops.items() if row != name]
            assert crops[name][1] > 1.5 * max(others)


@pytest.mark.parametrize("width", [1366, 1024, 820])
def test_label_ink_and_value_stand_in_aligned_columns(browser: Browser, width: int) -> None:
    with staged(browser, cards.data(cards.ready(focus="namn")), size=(width, 768)) as stage:
        lefts = stage.page.evaluate(_LEFT_EDGES)
        assert all(len(set(edges)) == 1 for edges in lefts.values()), lefts
        assert stage.page.evaluate(_CUT) == []


def test_ink_is_shown_at_reading_size(browser: Browser) -> None:
    with staged(browser, cards.data(cards.ready(focus="namn")), size=(1366, 768)) as stage:
        assert min(tall for _, _, tall in stage.page.evaluate(_CROPS)) >= 28


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_rule_of_accessibility_is_broken(
    browser: Browser, scheme: Literal["light", "dark"]
) -> None:
    sheet = cards.ready(
        folded=[
            {
                "title": "Lästa med stor säkerhet",
                "items": [{"label": "Ort", "text": "Umeå", "crop": None}],
            }
        ],
        settled={"title": "Klart: 1", "items": [{"label": "Ort", "text": "Umeå"}]},
        look={"text": "Jag har sett hela bladet."},
        add={
            **{"label": "Fler rutor avviker", "placeholder": "Välj en ruta"},
            "options": [{"value": "a1", "label": "Ruta 1"}],
        },
    )
    sheet["fields"][3]["error"] = "Datumet finns inte."
    asked = cards.ready(question=cards.conflict(), warning="Titta på klienten.")
    hidden = cards.card(fields=[], hidden={"title": "Dold", "text": "Klienten.", "do": "Lämna"})
    found: list[object] = []
    with staged(browser, scheme=scheme) as stage:
        for now in (sheet, asked, hidden, cards.note(focus="anteckning"), _second()):
            stage.give(cards.data({**now, "revision": now["revision"] + len(found) + 1}))
            for violation in Axe().run(stage.page, options=_RULES).response["violations"]:
                found += [(violation["id"], node["target"]) for node in violation["nodes"]]
    assert found == []


def _second(*read: str) -> cards.Data:
    return cards.card(
        fields=[
            cards.choice(
                *("dos", "Dos", read or ("500 mg", "50 mg")),
                **{"kind": "second", "typed": True, "value": {"choice": -1, "other": ""}},
                **{"reason": "Två läste olika", "needs": True},
            )
        ]
    )


def test_the_second_person_chooses_or_types(browser: Browser) -> None:
    with staged(browser, cards.data(_second())) as stage:
        assert stage.focus() == "dos"
        expect(stage.row("dos").locator(".wb-reason")).to_have_text("Två läste olika")
        stage.press("ArrowRight", "Control+Enter")
        stage.answer(_second() | {"revision": 2})
        # A digit that is no option's number begins what is typed.
        stage.press("Space")
        stage.type("5 mg")
        expect(stage.row("dos").get_by_label("Dos:")).to_be_focused()
        expect(stage.row("dos").locator(":checked")).to_have_count(0)
        stage.press("Control+Enter")
        values = [save["values"]["dos"] for save in stage.saves()]
        assert values == [{"choice": 1, "other": ""}, {"choice": -1, "other": "5 mg"}]


@pytest.mark.parametrize(
    ("keys", "choice", "other"),
    [
        (["1"], 0, ""),
        (["2"], 1, ""),
        (["1", "7"], -1, "17"),
        (["2", "ArrowRight", "3"], 2, ""),
        (["4", "ArrowRight", "1"], -1, "1"),
    ],
    ids=["first", "second", "a value of two digits", "digits apart", "a value of one digit"],
)
def test_a_digit_chooses_and_two_begin_another_value(
    browser: Browser, keys: list[str], choice: int, other: str
) -> None:
    with staged(browser, cards.data(_second())) as stage:
        stage.press(*keys, "Control+Enter")
        assert stage.saves()[0]["values"]["dos"] == {"choice": choice, "other": other}


def test_where_a_value_is_one_digit_a_digit_is_typed(browser: Browser) -> None:
    with staged(browser, cards.data(_second("5", "2"))) as stage:
        mark = "(part) => getComputedStyle(part, '::before').content"
        assert stage.row("dos").locator(".wb-segment").first.evaluate(mark) == "none"
        stage.press("1", "Control+Enter")
        assert stage.saves()[0]["values"]["dos"] == {"choice": -1, "other": "1"}
