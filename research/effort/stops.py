"""What is in sight beside the focus, at every stop of a reviewer in Granska, form by form.

Walks in Chromium over the entries that wait for a reviewer, and leaves each for later. It changes
no answer, but logs the views and the order of the queue: use a copy of the demo.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from statistics import median

from playwright.sync_api import Page, sync_playwright

LEAST_INK_PX = 28
"""Height of a line of ink that can be compared with its value."""
_MOST_STOPS = 200
_TITLE = "() => document.querySelector('.wb-title').textContent"
_READY = """(last) => {
    const bench = document.querySelector(".wb[data-entry]");
    if (!bench?.checkVisibility() || bench.dataset.entry === last) return null;
    if (bench.dataset.underWay || bench.getAttribute("aria-busy")) return null;
    return bench.contains(document.activeElement) ? bench.dataset.entry : null;
}"""
"""The entry on the screen, once nothing is under way and the focus is in it."""
_STILL = """() => !document.querySelector(".wb").getAnimations({ subtree: true })
    .some((one) => one.playState === "running")"""
_STOP = """() => {
    const row = document.activeElement?.closest(".wb-row");
    if (!row) return null;
    const within = (element, view) => {
        if (!element?.getClientRects().length) return [0, 0];
        const [box, frame] = [element.getBoundingClientRect(), view.getBoundingClientRect()];
        const [w, h] = [["left", "right"], ["top", "bottom"]].map(([start, end]) =>
            Math.min(box[end], frame[end]) - Math.max(box[start], frame[start]));
        return w > 0 && h > 0 ? [w, h] : [0, 0];
    };
    const find = (name) => document.querySelector(name);
    const [mark, pane, fields] = [find(".wb-at"), find(".wb-pane"), find(".wb-fields")];
    // A note's ink is on the sheet, each line beside its line of text.
    const isNoted = row.closest(".wb-noting") && row.dataset.kind === "area";
    const input = document.activeElement.closest("label") ?? document.activeElement;
    return {
        name: row.dataset.name,
        kind: row.dataset.kind,
        is_placed: !mark.hidden,
        ink: isNoted ? within(mark, pane) : within(row.querySelector(".wb-crop"), fields),
        sheet: within(mark, pane),
        value: within(input, fields),
    };
}"""


@dataclass(frozen=True, slots=True)
class Stop:
    """What a person sees at a field: widths and heights in px, 0 if it is out of sight.

    A field of a page of no known form is not placed: the whole page is its ink.
    """

    name: str
    kind: str
    is_placed: bool
    ink: tuple[float, float]
    sheet: tuple[float, float]
    value: tuple[float, float]


def walk(page: Page, most: int) -> Iterator[tuple[str, list[Stop]]]:
    """Go with Enter through the fields that need a person; yield a form's title and its stops."""
    entry, seen = "", set[str]()
    while len(seen) < most:
        entry = str(page.wait_for_function(_READY, arg=entry).json_value())
        if entry in seen:
            return
        seen.add(entry)
        yield page.evaluate(_TITLE), list(_stops(page))
        page.keyboard.press("Alt+s")


def _stops(page: Page) -> Iterator[Stop]:
    passed = set[str]()
    while len(passed) < _MOST_STOPS:
        page.wait_for_function(_STILL)
        found = page.evaluate(_STOP)
        if found is None or found["name"] in passed:
            return
        stop = Stop(**found)
        passed.add(stop.name)
        yield stop
        page.keyboard.press("Tab" if stop.kind == "area" else "Enter")


def format_stops(walked: list[tuple[str, list[Stop]]]) -> str:
    """Return a row for each form: its stops, and how many of them lack what should be in sight."""
    by_form: dict[str, list[list[Stop]]] = defaultdict(list)
    for title, stops in walked:
        by_form[title].append(stops)
    lines = [
        "| form | entries | stops | ink, px high | low | unseen | off the sheet | value unseen |",
        "|---|--:|--:|--:|--:|--:|--:|--:|",
    ]
    for title, entries in sorted(by_form.items()):
        stops = [stop for entry in entries for stop in entry]
        placed = [stop for stop in stops if stop.is_placed]
        heights = [stop.ink[1] for stop in placed]
        cells = (
            title,
            len(entries),
            median(map(len, entries)),
            round(median(heights)) if heights else "–",
            sum(0 < height < LEAST_INK_PX for height in heights),
            sum(not height for height in heights),
            sum(not stop.sheet[1] for stop in placed),
            sum(not stop.value[1] for stop in stops),
        )
        lines.append("| " + " | ".join(map(str, cells)) + " |")
    return "\n".join(lines)


def main() -> None:
    """Walk over a server that runs, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("address")
    parser.add_argument("login")
    parser.add_argument("password")
    parser.add_argument("--entries", type=int, default=60)
    parser.add_argument("--size", type=int, nargs=2, default=(1366, 768), metavar=("W", "H"))
    parser.add_argument("--chromium", help="the browser's file, else Playwright's own")
    given = parser.parse_args()
    with sync_playwright() as player:
        browser = player.chromium.launch(executable_path=given.chromium, args=["--no-sandbox"])
        width, height = given.size
        page = browser.new_page(viewport={"width": width, "height": height}, locale="sv-SE")
        page.goto(given.address)
        page.get_by_label("Användarnamn").fill(given.login)
        page.locator("input[type=password]").fill(given.password)
        page.keyboard.press("Enter")
        print(format_stops(list(walk(page, given.entries))))
        browser.close()


if __name__ == "__main__":
    main()
