"""Messages to the server, and what is shown before and after it answers."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.workbench import cards
from tests.browser.workbench.stage import Stage, staged

pytestmark = [pytest.mark.browser]

_SOON_MS, _TRIES = 50, 5
_TIME_TO_NEXT = """() => new Promise((done) => {
    const root = document.querySelector(".wb");
    const since = performance.now();
    new MutationObserver(() => root.dataset.entry === "e2" && requestAnimationFrame(() =>
        done([performance.now() - since, document.activeElement.closest(".wb-row").dataset.name])
    )).observe(root, { attributes: true });
    document.activeElement.dispatchEvent(
        new KeyboardEvent("keydown", { key: "Enter", ctrlKey: true, bubbles: true }));
})"""


def test_the_next_entry_is_there_at_once_with_a_silent_server(browser: Browser) -> None:
    with staged(browser) as stage:
        times = []
        for turn in range(_TRIES):
            stage.give(cards.data(cards.ready(revision=turn), cards.card("e2"), heard=turn))
            taken, focus = stage.page.evaluate(_TIME_TO_NEXT)
            times.append(taken)
            assert focus == "personnummer"
        assert sorted(times)[1] < _SOON_MS  # other jobs may hold the machine meanwhile
        save = stage.saves()[0]
        assert (save["entry"], save["advanced"]) == ("e1", "e2")
        assert set(save["values"]) == {field["name"] for field in cards.fields()}
        assert save["values"]["smarta"] == 0


@pytest.mark.parametrize(
    "now",
    [
        cards.ready(canAdvance=False),
        cards.ready(banner=cards.banner(clear=False)),
        cards.ready(banner=cards.banner(number="191212121212")),
        cards.ready(attempt=1),
        cards.ready(look={"text": "Jag har sett hela bladet"}),
        cards.card(),
    ],
    ids=["not allowed", "not clear", "another number", "refused", "not looked", "not answered"],
)
def test_a_save_waits_for_the_server_if_anything_is_open(browser: Browser, now: cards.Data) -> None:
    with staged(browser, cards.data(now, cards.ready("e2"))) as stage:
        stage.press("Control+Enter")
        assert stage.entry() == "e1"
        assert [save["advanced"] for save in stage.saves()] == [None]
        expect(stage.page.locator(".wb-saving")).to_have_text("Inte sparat än …")
        stage.press("Control+ArrowDown", "7", "Control+Enter")
        assert stage.value("namn") == "Maj-Britt Lindström"
        assert len(stage.acts()) == 1
        stage.answer(cards.ready("e2"))
        assert stage.entry() == "e2"
        expect(stage.page.locator(".wb-saving")).to_be_empty()


def test_a_refusal_brings_the_entry_back_and_keeps_what_was_typed_next(browser: Browser) -> None:
    with staged(browser, cards.data(cards.ready(), cards.card("e2"))) as stage:
        stage.press("Control+Enter")
        stage.type("19121212")
        refused = cards.ready(attempt=1, warning="Pulsen är orimlig.", focus="puls")
        stage.answer(refused, cards.card("e2"))
        assert (stage.entry(), stage.focus()) == ("e1", "puls")
        expect(stage.page.locator(".wb-warning")).to_have_text("Pulsen är orimlig.")
        stage.type("72")
        stage.press("Control+Enter")
        assert stage.saves()[-1]["values"]["puls"] == "72"
        stage.answer(cards.card("e2"))
        assert (stage.entry(), stage.value("personnummer")) == ("e2", "19121212")
        stage.page.wait_for_function("window.acts.at(-1).kind === 'draft'")
        assert stage.acts()[-1]["values"] == {"personnummer": "19121212"}


def test_one_message_is_under_way_at_a_time(browser: Browser) -> None:
    with staged(browser, cards.data(cards.ready(focus="puls"), cards.card("e2"))) as stage:
        stage.type("80")
        stage.press("Control+ArrowDown")  # leaving a field sends its draft
        stage.type("140/90")
        stage.press("Control+Enter")
        assert stage.entry() == "e2"
        stage.type("19121212")
        stage.press("Control+ArrowDown")
        assert stage.kinds() == ["draft"]
        expect(stage.page.locator(".wb")).to_have_attribute("data-under-way", "1")
        stage.answer(cards.ready(focus="puls"), cards.card("e2"))
        assert [(act["n"], act["kind"]) for act in stage.acts()] == [(1, "draft"), (2, "save")]
        assert stage.saves()[0]["values"]["blodtryck"] == "140/90"
        assert stage.entry() == "e2"
        stage.answer(cards.card("e2"), cards.card("e3"))
        assert [(act["n"], act["entry"]) for act in stage.acts()][2:] == [(3, "e2")]
        assert stage.value("personnummer") == "19121212"
        stage.answer(cards.card("e2"), cards.card("e3"))
        expect(stage.page.locator(".wb")).to_have_attribute("data-under-way", "")


def test_a_save_that_waits_shows_the_next_entry_when_it_is_known(browser: Browser) -> None:
    with staged(browser, cards.data(cards.ready(), cards.ready("e2"))) as stage:
        stage.press("Control+Enter", "Control+Enter")
        assert (stage.entry(), len(stage.saves())) == ("e2", 1)
        stage.answer(cards.ready("e2"), cards.ready("e3"))
        assert stage.entry() == "e3"
        assert [save["advanced"] for save in stage.saves()] == ["e2", "e3"]


def test_a_message_without_an_answer_is_sent_again(browser: Browser) -> None:
    with staged(browser, cards.data(cards.card()), has_clock=True) as stage:
        saving = stage.page.locator(".wb-saving")
        stage.press("Control+Enter")
        stage.page.clock.run_for(4_900)
        expect(saving).to_have_text("Inte sparat än …")
        for _ in range(2):
            stage.page.clock.run_for(5_000)
        assert [(act["n"], act["kind"]) for act in stage.acts()] == [(1, "save")] * 3
        expect(saving).to_contain_text("Ingen kontakt")
        expect(saving).to_have_css("background-color", "rgb(179, 38, 30)")
        stage.answer(cards.card("e2"))
        expect(saving).to_be_hidden()
        stage.page.clock.run_for(20_000)
        assert len(stage.saves()) == 3


def test_a_draft_is_sent_when_the_keys_rest(browser: Browser) -> None:
    with staged(browser, cards.data(cards.card(focus="puls")), has_clock=True) as stage:
        stage.type("8")
        stage.page.clock.run_for(500)
        stage.type("0")
        stage.page.clock.run_for(500)
        assert stage.acts() == []
        stage.page.clock.run_for(200)
        assert [act["values"] for act in stage.acts()] == [{"puls": "80"}]


def test_a_complete_number_is_sent_at_once(browser: Browser) -> None:
    with staged(browser, cards.data(cards.card()), has_clock=True) as stage:
        stage.type("19300101-659")
        assert stage.acts() == []
        stage.type("5")
        assert [act["values"] for act in stage.acts()] == [{"personnummer": "19300101-6595"}]


def test_new_data_leave_text_focus_and_place_alone(browser: Browser) -> None:
    with staged(browser, cards.data(cards.card(focus="dos"))) as stage:
        stage.type("250")
        stage.press("ArrowLeft")
        again = cards.card(focus="dos", banner=cards.banner(), warning="Titta på dosen.")
        again["fields"][1]["value"] = "Någon annan"
        stage.given["heard"] = 0
        stage.answer(again)
        stage.type("x")
        assert (stage.focus(), stage.value("dos")) == ("dos", "25x0")
        assert stage.value("namn") == "Någon annan"
        expect(stage.page.locator(".wb-client-name")).to_have_text("Maj-Britt Lindström")
        expect(stage.page.locator(".wb-warning")).to_have_text("Titta på dosen.")


def test_a_press_elsewhere_waits_for_the_answer(browser: Browser) -> None:
    with staged(browser, cards.data(cards.ready(), cards.card("e2"))) as stage:
        press_elsewhere_after(stage, "Control+Enter")
        stage.answer(cards.card("e2"))
        stage.page.wait_for_function("window.hasGone")


def test_a_press_elsewhere_is_done_when_the_workbench_leaves_the_screen(browser: Browser) -> None:
    """The form of a rejection is up before the workbench is gone, and is used at once."""
    with staged(browser, cards.data(cards.card())) as stage:
        press_elsewhere_after(stage, "Alt+a")
        stage.page.evaluate("window.leave()")
        stage.page.wait_for_function("window.hasGone")


def press_elsewhere_after(stage: Stage, keys: str) -> None:
    """Press a button outside the workbench while the server has yet to answer these keys."""
    stage.page.evaluate(
        "void (document.getElementById('outside').onclick = () => { window.hasGone = true; })"
    )
    stage.press(keys)
    stage.page.locator("#outside").click()
    assert not stage.page.evaluate("window.hasGone")


def test_a_save_too_soon_is_ignored(browser: Browser) -> None:
    given = cards.data(cards.ready(), cards.ready("e2"), minView=500)
    with staged(browser, given, has_clock=True) as stage:
        stage.press("Control+Enter")
        assert stage.acts() == []
        stage.page.clock.run_for(510)
        stage.press("Control+Enter")
        assert stage.entry() == "e2"


def test_an_unfolded_field_comes_without_moving_the_focus(browser: Browser) -> None:
    few = cards.card(unfold="Visa 1 till", focus="puls")
    hidden = few["fields"].pop(1)
    more = cards.card(focus="puls")
    with staged(browser, cards.data(few)) as stage:
        stage.type("8")
        stage.press("Alt+o")
        assert stage.row(hidden["name"]).count() == 0
        stage.answer(more)
        stage.type("1")
        assert (stage.focus(), stage.value("puls")) == ("puls", "81")
        expect(stage.row("namn")).to_be_visible()
        expect(stage.page.locator(".wb-unfold")).to_be_hidden()


def test_numbers_go_on_after_leaving_and_coming_back(browser: Browser) -> None:
    with staged(browser, cards.data(cards.card(), heard=41)) as stage:
        stage.press("Alt+s")
        assert stage.acts()[0]["n"] == 42
        stage.page.evaluate("window.leave()")
        expect(stage.page.locator(".wb")).to_have_count(0)
        stage.give(cards.data(cards.card("e2"), heard=42))
        stage.press("Alt+s")
        assert [act["n"] for act in stage.acts()] == [42, 43]


def test_a_missing_picture_is_asked_for_once(browser: Browser) -> None:
    given = cards.data(cards.card())
    with staged(browser, given, has_clock=True, has_picture=False) as stage:
        stage.page.clock.run_for(650)
        assert stage.kinds() == ["missing"]
        stage.page.evaluate("window.fill()")
        expect(stage.page.locator(".wb-sheet img")).to_have_js_property("naturalWidth", cards.WIDTH)
        stage.answer(cards.card())
        stage.page.clock.run_for(2_000)
        assert stage.kinds() == ["missing"]


def test_what_was_said_before_is_not_said_again_when_the_workbench_comes_up(
    browser: Browser,
) -> None:
    """After a rejection it said that the entry before was saved."""
    says = {"text": "Sparat", "kind": "ok"}
    with staged(browser, cards.data(cards.ready(), says=says, saysNo=4)) as stage:
        expect(stage.page.locator(".wb-says")).to_have_text("")
        stage.answer(cards.ready("e2"), None, says=says, saysNo=5)
        expect(stage.page.locator(".wb-says")).to_have_text("Sparat")


def test_what_is_pasted_into_a_field_fits_a_message(browser: Browser) -> None:
    """What a screen sends has 2 MiB at most; a longer message would end the connection."""
    with staged(browser, cards.data(cards.card())) as stage:
        field = stage.row("namn").locator("input, textarea").first
        field.focus()
        field.fill("")
        stage.page.keyboard.insert_text("x" * 3_000_000)
        assert len(field.input_value()) <= 10_000
