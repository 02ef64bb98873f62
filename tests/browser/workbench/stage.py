"""The workbench on a page of its own. The test plays the server: it sees what is sent, and answers
when it wants.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Literal

from playwright.sync_api import Browser, Dialog, Locator, Page, Route

from pipeline.domain.settings import ROOT
from tests.browser.workbench.cards import PAGE, Data, page_jpeg
from ui.browser.assets import read_style
from ui.browser.workbench import workbench_script

SIZES = {
    "laptop": (1366, 768),
    "small": (1024, 700),
    "tablet": (820, 1180),
    "at 200 %": (683, 384),
}
_START = 60.0
"""When time stands still, seconds."""
_ADDRESS = "http://stage.localhost/"
"""A secure context, as behind TLS."""
_PLAIN_ADDRESS = "http://stage.test/"
_LOOKS = {"light": ("#faf9f6", "#1e2a2f"), "dark": ("#171c1f", "#e8e6e0")}
_HTML = """<!doctype html><html lang="sv"><head><meta charset="utf-8"><title>Granska</title>
<style>{style}</style><style>{css}</style><style>
html {{ font-size: 15px; }} body {{ margin: 0; }}
.stApp {{ color-scheme: {scheme}; background: {ground}; color: {ink};
  font-family: system-ui, "DejaVu Sans", sans-serif; }}
header {{ position: fixed; inset: 0 0 auto; height: 3.75rem; box-sizing: border-box; }}
header {{ padding: 1rem; border-bottom: 1px solid var(--ef-line); }}
section {{ height: 100dvh; overflow: auto; outline: none; }}
.stMainBlockContainer {{ padding: 4.1rem 1.4rem 2rem; }}
</style></head><body><div class="stApp"><header data-testid="stHeader">Granska
<button id="outside">Hjälp</button> <input id="search" aria-label="Sök"></header>
<section data-testid="stMain" role="main" tabindex="-1"><div class="stMainBlockContainer"
data-testid="stMainBlockContainer">
<div id="mount"></div></div></section></div>
<script type="module">
import run from "./workbench.js";
const bytes = Uint8Array.from(atob("{image}"), (sign) => sign.charCodeAt(0));
const address = URL.createObjectURL(new Blob([bytes], {{ type: "image/jpeg" }}));
window.acts = [];
window.fill = () => {{
  (window.efShelf ??= new Map()).set("{page}", address);
  document.documentElement.style.setProperty("--ef-pic-{page}", `url("${{address}}")`);
  document.dispatchEvent(new Event("ef-shelf"));
}};
const parentElement = document.getElementById("mount");
window.give = (data) => {{
  window.given = data;
  const setTriggerValue = (name, act) => window.acts.push(act);
  window.leave = run({{ parentElement, data, setTriggerValue }});
}};
window.isReady = true;
</script></body></html>"""


class Stage:
    """A window with the workbench in it."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.given: Data = {}

    def give(self, given: Data) -> None:
        """Send data to the browser."""
        self.given = given
        self.page.evaluate("(data) => window.give(data)", given)

    def load_again(self) -> list[str]:
        """Load the page again; answers with what the browser asked before it went."""
        asked: list[str] = []

        def go(dialog: Dialog) -> None:
            asked.append(dialog.type)
            dialog.accept()

        self.page.on("dialog", go)
        self.page.reload()
        self.page.wait_for_function("window.isReady")
        self.page.remove_listener("dialog", go)
        return asked

    def answer(self, now: Data | None, ahead: Data | None = None, /, **more: object) -> None:
        """Answer everything that was sent so far."""
        acts = self.acts()
        heard = acts[-1]["n"] if acts else 0
        self.give({**self.given, "now": now, "ahead": ahead, "heard": heard, **more})

    def acts(self) -> list[Data]:
        """What the browser has sent."""
        sent: list[Data] = self.page.evaluate("window.acts")
        return sent

    def kinds(self) -> list[str]:
        """The kinds of what the browser has sent."""
        return [act["kind"] for act in self.acts()]

    def saves(self) -> list[Data]:
        """The saves that the browser has sent."""
        return [act for act in self.acts() if act["kind"] == "save"]

    def press(self, *keys: str) -> None:
        """Press keys one after the other."""
        for key in keys:
            self.page.keyboard.press(key)

    def type(self, text: str) -> None:
        """Type a text where the focus is."""
        self.page.keyboard.type(text)

    def focus(self) -> str:
        """Where the focus is: a field's name, else a class or the tag."""
        place: str = self.page.evaluate(
            """() => {
                const active = document.activeElement;
                const row = active.closest(".wb-row");
                return row?.dataset.name ?? (active.className || active.id || active.tagName);
            }"""
        )
        return place

    def caret(self) -> int:
        """Where the caret is in the text that has the focus."""
        place: int = self.page.evaluate("document.activeElement.selectionStart")
        return place

    def row(self, name: str) -> Locator:
        """The row of a field."""
        return self.page.locator(f'.wb-row[data-name="{name}"]')

    def value(self, name: str) -> str:
        """The text in a field."""
        return self.row(name).locator(".wb-input").input_value()

    def entry(self) -> str | None:
        """The entry that is shown."""
        return self.page.locator(".wb").get_attribute("data-entry")


@contextmanager
def staged(
    browser: Browser,
    given: Data | None = None,
    *,
    size: tuple[int, int] = SIZES["laptop"],
    scheme: Literal["light", "dark"] = "light",
    has_clock: bool = False,
    has_picture: bool = True,
    is_secure: bool = True,
) -> Iterator[Stage]:
    """Open the workbench with this data. With a clock, time passes only when the test says so."""
    context = browser.new_context(
        viewport={"width": size[0], "height": size[1]}, color_scheme=scheme
    )
    page = context.new_page()
    mistakes: list[str] = []
    page.on("pageerror", lambda error: mistakes.append(str(error)))
    context.route("**/*", lambda route: _answer(route, scheme))
    if has_clock:
        page.clock.install(time=0)
    page.goto(_ADDRESS if is_secure else _PLAIN_ADDRESS)
    page.wait_for_function("window.isReady")
    if has_clock:
        page.clock.pause_at(_START)
    if has_picture:
        page.evaluate("window.fill()")
    stage = Stage(page)
    if given is not None:
        stage.give(given)
    try:
        yield stage
        assert mistakes == []
    finally:
        context.close()


def _answer(route: Route, scheme: str) -> None:
    if route.request.url.endswith("workbench.js"):
        route.fulfill(content_type="text/javascript", body=workbench_script())
    elif route.request.url in (_ADDRESS, _PLAIN_ADDRESS):
        route.fulfill(content_type="text/html", body=_page(scheme))
    else:
        route.fulfill(status=404)


@cache
def _page(scheme: str) -> str:
    ground, ink = _LOOKS[scheme]
    return _HTML.format(
        style=(ROOT / "ui/static/style.css").read_text("utf-8"),
        css=read_style("workbench"),
        image=b64encode(page_jpeg()).decode(),
        page=PAGE,
        **{"scheme": scheme, "ground": ground, "ink": ink},
    )
