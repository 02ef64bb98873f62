"""How long the screens and commands wait for the database, by how much was ever scanned.

`python -m tests.load.scale --pages 10000 100000 1000000` prints a table. With
EFTERSKRIFT_TEST_POSTGRES each size is in a new database of that server, else in SQLite.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection

from pipeline.domain.dates import today_in_sweden
from pipeline.domain.form.form import Forms
from pipeline.domain.law.permissions import ALL_AREAS
from pipeline.domain.model import Person, Role
from pipeline.domain.settings import ROOT, Settings
from pipeline.reporting.audit import follow_up
from pipeline.reporting.progress import load_overview, make_progress_report
from pipeline.review.signing import Signing
from pipeline.store.database.store import Store, open_store
from pipeline.store.entries import queue
from pipeline.store.event_log.queries import LogFilter
from pipeline.store.exports.ready_entries import list_ready_entries
from pipeline.store.lookup.own_actions import list_own_actions
from pipeline.store.lookup.search import EntrySearch, search_entries
from pipeline.store.paper import page_lists, pages, workers
from pipeline.store.paper.intake.stacks import list_stacks, measure_pace
from pipeline.store.registers.client_register import list_clients
from pipeline.store.registers.packs import list_packs
from pipeline.store.reports.backlog import load_backlog
from pipeline.store.reports.entry_counts import workspace_metrics
from pipeline.store.reports.progress import count_unproven
from pipeline.store.reports.sheet_accounting import list_missing_sheets
from pipeline.store.reports.work_load import list_person_loads
from pipeline.store.review.signatures import list_unsigned_forms
from pipeline.store.schema.clock import utc_now
from pipeline.store.schema.tally_triggers import count_wrong_tallies
from tests.load.many_rows import UNITS, fill
from tests.support.store.databases import SERVER, new_database
from tests.support.store.work import work

FORMS = Forms.load(ROOT / "forms")
OPEN = 20_000
"""Entries that wait for a reviewer, or a third of all where that is less."""
RUNS, SLOW_S = 5, 2.0
"""How often each is measured, unless it is slow."""


def _person(login: str, role: Role, *units: str) -> Person:
    return Person(login, login, "sjuksköterska", role, frozenset(units), ALL_AREAS)


NURSE = _person("nina", Role.REVIEWER, *UNITS)
OF_LAST_UNIT = _person("nina", Role.REVIEWER, UNITS[-1])
MANAGER, REGISTRAR = _person("carl", Role.MANAGER, *UNITS), _person("rita", Role.REGISTRAR, *UNITS)
ADMINISTRATOR = _person("anna", Role.ADMINISTRATOR, *UNITS)
LOG_REVIEWER = _person("lova", Role.LOG_REVIEWER, *UNITS)


def _week() -> LogFilter:
    today = today_in_sweden()
    start, end = follow_up.day_range(today.fromordinal(today.toordinal() - 6), today)
    return LogFilter(start, end)


ACTS: dict[str, Callable[[Connection], object]] = {
    "Granska: claim": lambda conn: queue.claim_next(
        conn, FORMS, NURSE, queue.ClaimTerms(utc_now())
    ),
    "Granska: claim, one unit": lambda conn: queue.claim_next(
        conn, FORMS, OF_LAST_UNIT, queue.ClaimTerms(utc_now())
    ),
    "Granska: next and number": lambda conn: (
        queue.peek_queue(conn, NURSE, utc_now(), 3),
        queue.count_waiting(conn, NURSE, utc_now()),
        queue.count_hidden(conn, NURSE),
    ),
    "Läge": lambda conn: (
        load_overview(conn, FORMS, MANAGER, utc_now()),
        list_person_loads(conn, FORMS, MANAGER, utc_now()),
    ),
    "Läge: details and print": lambda conn: make_progress_report(conn, FORMS, MANAGER, utc_now()),
    "Läge: missing sheets": lambda conn: list_missing_sheets(conn, MANAGER),
    "Skanna": lambda conn: (
        list_stacks(conn, ADMINISTRATOR),
        measure_pace(conn, utc_now()),
    ),
    "Åtgärda": lambda conn: (
        page_lists.list_problem_pages(conn, ADMINISTRATOR),
        page_lists.list_incomplete_sheets(conn, ADMINISTRATOR),
        page_lists.list_blank_pages(conn, ADMINISTRATOR),
        page_lists.list_repeated_pages(conn, ADMINISTRATOR),
        page_lists.list_closed_pages(conn, ADMINISTRATOR),
    ),
    "Kvar på papper": lambda conn: load_backlog(conn, NURSE),
    "Signera": lambda conn: work(Signing, conn, NURSE, forms=FORMS).load_queue(),
    "Export": lambda conn: (
        list_ready_entries(conn, FORMS, REGISTRAR),
        list_unsigned_forms(conn, REGISTRAR, None),
        count_unproven(conn, REGISTRAR.units, utc_now()),
    ),
    "Slå upp: own, number, day": lambda conn: (
        list_own_actions(conn, NURSE),
        search_entries(conn, NURSE, EntrySearch(number="193010000001")),
        search_entries(conn, NURSE, EntrySearch(first_day="2026-01-01", last_day="2026-01-02")),
    ),
    "Reservpaket": lambda conn: list_packs(conn, ADMINISTRATOR, UNITS),
    "Register: clients": list_clients,
    "Logg: week": lambda conn: (
        follow_up.load_log_page(conn, LOG_REVIEWER, _week(), 0, 50),
        follow_up.list_filter_choices(conn, LOG_REVIEWER, _week()),
        follow_up.count_views_per_day(conn, LOG_REVIEWER, _week()),
    ),
    "Logg: hints of the week": lambda conn: follow_up.count_hints(conn, LOG_REVIEWER, _week()),
    "status": workspace_metrics,
    "work: look at the queue": lambda conn: (
        workers.count_queue(conn),
        workers.count_set_aside(conn),
    ),
    "worker: look for pages": lambda conn: pages.list_queued_pages(conn, 200),
    "check: all counts": count_wrong_tallies,
}


@dataclass(frozen=True, slots=True)
class Cost:
    """Median seconds, and processor seconds of the program and of its database process."""

    waited: float
    worked: float


def measure(store: Store) -> dict[str, Cost]:
    """Return what each costs, after it was done once; what they write is undone."""
    costs: dict[str, Cost] = {}
    for name, act in ACTS.items():
        runs: list[Cost] = []
        while len(runs) <= RUNS and not (runs and runs[0].waited > SLOW_S):
            runs.append(_cost(store, act))
        rest = runs[1:] or runs
        costs[name] = Cost(
            statistics.median(run.waited for run in rest),
            statistics.fmean(run.worked for run in rest),
        )
        print(
            f"  {name:28}{costs[name].waited * 1000:>10.1f} ms"
            f"{costs[name].worked * 1000:>10.1f} ms of a core",
            flush=True,
        )
    return costs


def _cost(store: Store, act: Callable[[Connection], object]) -> Cost:
    with store.engine.connect() as conn, conn.begin() as transaction:
        server = None
        if conn.dialect.name == "postgresql":
            server = conn.exec_driver_sql("SELECT pg_backend_pid()").scalar_one()
            # Its processor time is that of one process
            conn.exec_driver_sql("SET LOCAL max_parallel_workers_per_gather = 0")
        begun, before = time.perf_counter(), time.process_time() + _process_seconds(server)
        act(conn)
        waited = time.perf_counter() - begun
        worked = time.process_time() + _process_seconds(server) - before
        transaction.rollback()
    return Cost(waited, worked)


def _process_seconds(pid: int | None) -> float:
    """Return the processor time of a process of this machine; nothing for another machine's."""
    path = Path(f"/proc/{pid}/schedstat")
    if pid is None or not path.exists():
        return 0.0
    return int(path.read_text().split()[0]) / 1e9


@contextmanager
def _store(folder: Path) -> Iterator[Store]:
    server = os.environ.get(SERVER, "")
    if not server:
        yield open_store(Settings(workspace=folder, database_url=""), create=True)
        return
    with new_database(server) as url:
        store = open_store(Settings(workspace=folder, database_url=url), create=True)
        yield store
        store.close()


def main() -> None:
    """Fill, measure and print the table, in ms."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pages", type=int, nargs="+", default=[10_000, 100_000])
    parser.add_argument("--only", default="", help="only what begins with this")
    given = parser.parse_args()
    for name in [name for name in ACTS if not name.startswith(given.only)]:
        del ACTS[name]
    found: dict[int, dict[str, Cost]] = {}
    for number in given.pages:
        with tempfile.TemporaryDirectory() as folder, _store(Path(folder) / "workspace") as store:
            begun = time.perf_counter()
            fill(store, number, min(OPEN, number // 3), utc_now())
            print(f"{number} pages filled in {time.perf_counter() - begun:.0f} s", flush=True)
            found[number] = measure(store)
    print(f"| ms of a core (waited) | {' | '.join(f'{number:,}' for number in found)} |")
    print(f"|---|{'--:|' * len(found)}")
    for name in ACTS:
        cells = [
            f"{costs[name].worked * 1000:.0f} ({costs[name].waited * 1000:.0f})"
            for costs in found.values()
        ]
        print(f"| {name} | {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
