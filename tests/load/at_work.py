"""People at work in a long queue: `python -m tests.load.at_work --people 20 --entries 100000`.

Some sit at real browsers, which are measured from the press of Ctrl+Enter to the next entry's
first field being ready to type in; the others speak to the same server as browsers do. With
EFTERSKRIFT_TEST_POSTGRES the queue is in a new database of that server, else in SQLite.
"""

from __future__ import annotations

import argparse
import os
import random
import statistics
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from playwright.sync_api import Browser, Page, expect, sync_playwright
from sqlalchemy import select

from pipeline.cli.operations import server_command
from pipeline.domain.model import Person
from pipeline.store.database.store import Store
from pipeline.store.schema import paper
from tests.browser.support.nurse import fill_in, log_in, wait_for_entry
from tests.browser.support.serving import ARGUMENTS, CHROMIUM, answering, free_port, started
from tests.load.colleague import Colleague
from tests.load.long_queue import lengthen, reviewers
from tests.support.screens import seeding
from tests.support.screens.seeding import NOTE
from tests.support.store.databases import SERVER, new_database

PATIENCE_MS = 120_000
LOOK_S = 0.6
"""Nobody saves an entry within half a second, and the screen does not let them."""
MEASURE = """([last, patience]) => new Promise((done) => {
    const begun = performance.now();
    const look = () => {
        const bench = document.querySelector(".wb[data-entry]");
        const id = bench?.contains(document.activeElement) ? bench.dataset.entry : "";
        const now = performance.now();
        if (id && id !== last) done([id, now - window.efPressed]);
        else if (now - begun > patience) done(null);
        else requestAnimationFrame(look);
    };
    look();
})"""
"""The entry that has come up with the focus in it, and the ms since the press."""
NOTE_PRESS = (
    "addEventListener('keydown', (e) => { if (e.ctrlKey && e.key === 'Enter') "
    "window.efPressed = performance.now(); }, true)"
)


@dataclass
class Measured:
    """Waits in ms: in browsers until one can type, and of the others until the server has drawn
    everything; the server's CPU for each save; and the fewest saves of anybody without a
    browser.
    """

    browsers: list[float] = field(default_factory=list)
    others: list[float] = field(default_factory=list)
    cpu_ms: float = 0
    twice: int = 0
    fewest: int = sys.maxsize

    def table(self) -> str:
        """Median, 95th percentile and longest wait."""
        rows = [
            ("browser, key to next field", self.browsers),
            ("protocol, key to all drawn", self.others),
        ]
        lines = [f"{'':28}{'saves':>7}{'median':>9}{'p95':>9}{'max':>9}   ms"]
        lines += [
            f"{name:28}{len(w):>7}{statistics.median(w):>9.0f}{_p95(w):>9.0f}{max(w):>9.0f}"
            for name, w in rows
            if w
        ]
        return "\n".join(
            [
                *lines,
                (
                    f"server CPU for each save: {self.cpu_ms:.0f} ms; entries decided "
                    f"twice: {self.twice}"
                ),
            ]
        )


def at_work(
    folder: Path,
    *,
    people: int,
    entries: int,
    browsers: int,
    saves: int,
    think_s: float,
    pause_s: float = LOOK_S,
    least: int = 0,
) -> Measured:
    """Let people work until each browser has saved so often and each of the others `least` times.

    Each of the others saves once in about `think_s` seconds; at the browsers, in turn, `pause_s`
    go by between what is typed and the save.

    Whatever goes wrong for one of them is raised here, and ends the work of all.
    """
    store = seeding.make_store(folder)
    staff = reviewers(store, people)
    lengthen(store, min(entries - 1, people * (saves + least + 4) * 3), entries)
    measured, done = Measured(), threading.Event()
    port = free_port()
    with (
        started(server_command(port, folder, headless=True), folder) as server,
        ThreadPoolExecutor(max_workers=people) as pool,
    ):
        address = answering(server.poll, port)
        colleagues = list(pool.map(lambda who: _begun(address, who), staff[browsers:]))
        before = _cpu_ms(server.pid)
        at_others = [pool.submit(_work, each, think_s, least, done) for each in colleagues]
        try:
            measured.browsers = pool.submit(
                _at_browsers, address, staff[:browsers], saves, pause_s
            ).result()
        finally:
            done.set()
        for work in at_others:
            waits = work.result(PATIENCE_MS / 1000)
            measured.others += waits
            measured.fewest = min(measured.fewest, len(waits))
        measured.cpu_ms = (_cpu_ms(server.pid) - before) / max(
            1, len(measured.browsers) + len(measured.others)
        )
    measured.twice = _decided_twice(store)
    store.close()
    return measured


def _measure(
    browser: Browser, address: str, staff: list[Person], saves: int, pause_s: float
) -> list[float]:
    """Each person saves in turn; answers with the waits in ms."""
    windows, waits = [], []
    for who in staff:
        page = browser.new_context(
            viewport={"width": 1440, "height": 900}, locale="sv-SE"
        ).new_page()
        page.set_default_timeout(PATIENCE_MS)
        page.goto(address)
        log_in(page, who)
        wait_for_entry(page)
        page.evaluate(NOTE_PRESS)
        windows.append(page)
    for _ in range(saves):
        for page in windows:
            waits.append(next_after_save(page, pause_s))
    return waits


def next_after_save(page: Page, pause_s: float = LOOK_S) -> float:
    """Fill in the entry on the screen, look at it and press Ctrl+Enter; answers with the ms from
    the press until the next entry has the focus.
    """
    entry_id = wait_for_entry(page)
    fill_in(page)
    time.sleep(pause_s)
    page.keyboard.press("Control+Enter")
    found = page.evaluate(MEASURE, [entry_id, PATIENCE_MS])
    assert found is not None, f"{entry_id} could not be saved"
    return float(found[1])


def _begun(address: str, who: Person) -> Colleague:
    """A person who has logged in and has an entry up: what is measured is work, not twenty people
    who come at the same moment.
    """
    colleague = Colleague(address)
    colleague.begin(who.login, seeding.PASSWORD)
    assert colleague.entry(), "no entry came up"
    return colleague


def _work(colleague: Colleague, think_s: float, least: int, done: threading.Event) -> list[float]:
    """One person without a browser, until the others are done and as many entries are saved;
    answers with the waits in ms.
    """
    said = {
        spec.name: str(NOTE.get(spec.name, "-"))
        for spec in seeding.forms()["hsl-anteckning", 1].fields
        if spec.critical
    }
    pace, waits = random.Random(colleague.entry()), list[float]()
    while (
        not done.wait(max(LOOK_S, think_s * pace.uniform(0.5, 1.5))) or len(waits) < least
    ):  # nobody keeps time with the others
        if done.is_set():
            time.sleep(LOOK_S)
        before = colleague.entry()
        colleague.type(said)
        time.sleep(LOOK_S)
        waits.append(colleague.save(said) * 1000)
        assert colleague.entry() != before, "nothing was saved"
    colleague.end()
    return waits


def _decided_twice(store: Store) -> int:
    decision = paper.decision.c
    with store.read() as conn:
        rows = conn.execute(
            select(decision.entry, decision.by).where(decision.field == "personnummer")
        )
        count = Counter(row.entry for row in rows)
    return sum(times > 1 for times in count.values())


def _cpu_ms(pid: int) -> int:
    """CPU time of a process so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) * 1000 // os.sysconf("SC_CLK_TCK")


def _p95(waits: list[float]) -> float:
    return statistics.quantiles(waits, n=20)[-1] if len(waits) > 1 else waits[0]


def _at_browsers(address: str, staff: list[Person], saves: int, pause_s: float) -> list[float]:
    """In a thread of its own, since a thread takes one Playwright only."""
    with _browser() as browser:
        return _measure(browser, address, staff, saves, pause_s)


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
    parser.add_argument(
        "--think",
        type=float,
        default=15.0,
        help="seconds between two saves of a person without a browser",
    )
    parser.add_argument(
        "--pause",
        type=float,
        default=LOOK_S,
        help="seconds between what is typed in a browser and the save",
    )
    given = parser.parse_args()
    loaded = os.getloadavg()[0]
    with tempfile.TemporaryDirectory() as folder:
        work = {
            "people": given.people,
            "entries": given.entries,
            "browsers": given.browsers,
            "saves": given.saves,
        }
        work |= {"think_s": given.think, "pause_s": given.pause}
        if server := os.environ.get(SERVER):
            with new_database(server) as url:
                os.environ["EFTERSKRIFT_DATABASE_URL"] = url
                measured = at_work(Path(folder), **work)
        else:
            measured = at_work(Path(folder), **work)
    busy = ", ".join(f"{load:.1f}" for load in (loaded, os.getloadavg()[0]))
    print(
        f"{given.people} people, {given.entries} entries, "
        f"{'PostgreSQL' if server else 'SQLite'}; load average before and after: {busy}"
    )
    print(measured.table())


if __name__ == "__main__":
    main()
