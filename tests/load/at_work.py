"""People at work in a long queue: `python -m tests.load.at_work --people 20 --entries 100000`.

Some sit at real browsers, which are measured from the press of Ctrl+Enter to the next entry's first field being ready to type in; the others
speak to the same server as browsers do. With EFTERSKRIFT_TEST_POSTGRES the queue is in a new database of that server, else in SQLite.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from playwright.sync_api import Browser, expect, sync_playwright
from sqlalchemy import select

from pipeline.cli.ui_commands import command
from pipeline.model import Person
from pipeline.store import tables
from pipeline.store.database import Store
from tests.browser.nurse import log_in, settle
from tests.browser.serving import ARGUMENTS, CHROMIUM, answering, free_port, started
from tests.databases import SERVER, new_database
from tests.load.colleague import Colleague
from tests.load.long_queue import lengthen, reviewers
from tests.ui import seeding
from tests.ui.seeding import NOTE

PATIENCE_MS = 120_000
LOOK_S = 0.6
"""Nobody saves an entry within half a second, and the screen does not let them."""
FOCUSED_ON = """() => document.activeElement?.closest('[class*="st-key-f-"]')?.className.match(/st-key-f-([\\w-]+-\\d\\d)-\\d+-[a-z]/)?.[1] ?? ''"""
MEASURE = """(last) => new Promise((done) => {
    const look = () => {
        const id = document.activeElement?.closest('[class*="st-key-f-"]')?.className.match(/st-key-f-([\\w-]+-\\d\\d)-\\d+-[a-z]/)?.[1];
        if (id && id !== last) done([id, performance.now() - window.efPressed]); else requestAnimationFrame(look);
    };
    look();
})"""
NOTE_PRESS = "addEventListener('keydown', (e) => { if (e.ctrlKey && e.key === 'Enter') window.efPressed = performance.now(); }, true)"


@dataclass
class Measured:
    """Waits in ms: in browsers until one can type, and of the others until the server has drawn everything; and the server's CPU for each save."""

    browsers: list[float] = field(default_factory=list)
    others: list[float] = field(default_factory=list)
    cpu_ms: float = 0
    twice: int = 0

    def table(self) -> str:
        """Median, 95th percentile and longest wait."""
        rows = [("browser, key to next field", self.browsers), ("protocol, key to all drawn", self.others)]
        lines = [f"{'':28}{'saves':>7}{'median':>9}{'p95':>9}{'max':>9}   ms"]
        lines += [f"{name:28}{len(w):>7}{statistics.median(w):>9.0f}{_p95(w):>9.0f}{max(w):>9.0f}" for name, w in rows if w]
        return "\n".join([*lines, f"server CPU for each save: {self.cpu_ms:.0f} ms; entries decided twice: {self.twice}"])


def at_work(folder: Path, *, people: int, entries: int, browsers: int, saves: int, think_s: float) -> Measured:
    """Let people work until each browser has saved so often; the others save once in `think_s` seconds. Answers with what was measured."""
    store = seeding.make_store(folder)
    staff = reviewers(store, people)
    lengthen(store, min(entries - 1, people * (saves + 4) * 3), entries)
    measured, done = Measured(), threading.Event()
    port = free_port()
    with started(command(port, folder, headless=True), folder) as server:
        address = answering(server, port)
        others = [threading.Thread(target=_work, args=(address, who, think_s, done, measured)) for who in staff[browsers:]]
        for thread in others:
            thread.start()
        before = _cpu_ms(server.pid)
        with _browser() as browser:
            _measure(browser, address, staff[:browsers], saves, measured)
        done.set()
        for thread in others:
            thread.join()
        measured.cpu_ms = (_cpu_ms(server.pid) - before) / max(1, len(measured.browsers) + len(measured.others))
    measured.twice = _decided_twice(store)
    store.close()
    return measured


def _measure(browser: Browser, address: str, staff: list[Person], saves: int, measured: Measured) -> None:
    """Each person saves in turn, as fast as the screen lets them."""
    blind = [spec.name for spec in seeding.forms().latest("hsl-anteckning").fields if spec.critical]
    windows = []
    for who in staff:
        page = browser.new_context(viewport={"width": 1440, "height": 900}, locale="sv-SE").new_page()
        page.set_default_timeout(PATIENCE_MS)
        page.goto(address)
        log_in(page, who)
        page.wait_for_function(FOCUSED_ON)
        page.evaluate(NOTE_PRESS)
        windows.append([page, page.evaluate(FOCUSED_ON)])
    for _ in range(saves):
        for window in windows:
            page, entry_id = window
            page.locator(f".st-key-undo-{entry_id}").wait_for()
            for name in blind:
                page.locator(f".st-key-f-{entry_id}-0-{name} input").fill(str(NOTE.get(name, "-")))
            settle(page)
            time.sleep(LOOK_S)
            page.keyboard.press("Control+Enter")
            window[1], wait = page.evaluate(MEASURE, entry_id)
            measured.browsers.append(wait)


def _work(address: str, who: Person, think_s: float, done: threading.Event, measured: Measured) -> None:
    said = {spec.name: str(NOTE.get(spec.name, "-")) for spec in seeding.forms().latest("hsl-anteckning").fields if spec.critical}
    colleague = Colleague(address)
    colleague.begin(who.login, seeding.PASSWORD)
    assert colleague.entry(), "no entry came up"
    while not done.wait(think_s):
        before = colleague.entry()
        measured.others.append(colleague.save(said) * 1000)
        assert colleague.entry() != before, "nothing was saved"
    colleague.end()


def _decided_twice(store: Store) -> int:
    decision = tables.decision.c
    with store.read() as conn:
        rows = conn.execute(select(decision.entry, decision.by).where(decision.field == "personnummer"))
        count = Counter(row.entry for row in rows)
    return sum(times > 1 for times in count.values())


def _cpu_ms(pid: int) -> int:
    """CPU time of a process so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) * 1000 // os.sysconf("SC_CLK_TCK")


def _p95(waits: list[float]) -> float:
    return statistics.quantiles(waits, n=20)[-1] if len(waits) > 1 else waits[0]


@contextmanager
def _browser() -> Iterator[Browser]:
    expect.set_options(timeout=PATIENCE_MS)
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=str(CHROMIUM), args=ARGUMENTS)
        yield chromium
        chromium.close()


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name, default in (("people", 20), ("entries", 100_000), ("browsers", 2), ("saves", 30)):
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--think", type=float, default=15.0, help="seconds between two saves of a person without a browser")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        work = {"people": given.people, "entries": given.entries, "browsers": given.browsers, "saves": given.saves, "think_s": given.think}
        if server := os.environ.get(SERVER):
            with new_database(server) as url:
                os.environ["EFTERSKRIFT_DATABASE_URL"] = url
                measured = at_work(Path(folder), **work)
        else:
            measured = at_work(Path(folder), **work)
    print(f"{given.people} people, {given.entries} entries, {'PostgreSQL' if server else 'SQLite'}")
    print(measured.table())


if __name__ == "__main__":
    main()
