"""Check the whole store: the database, its counts, its record, and every file, byte by byte.

Files of exports and archive packages are among them. The result is stored, for `doctor` and the
screen Läge.
"""

from __future__ import annotations

import logging
import os
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from enum import StrEnum

from pipeline.domain.settings import Settings
from pipeline.store.database.copies import find_database_problem
from pipeline.store.database.image_files import Images
from pipeline.store.database.image_store import (
    find_file_uses,
    list_named_files,
    list_source_files,
)
from pipeline.store.database.store import Store, open_store
from pipeline.store.event_log.chain_check import ChainProblem
from pipeline.store.event_log.record_check import RecordCheck
from pipeline.store.reports.upkeep import (
    StoreCheck,
    begin_check,
    begin_due_check,
    save_check,
)
from pipeline.store.schema.clock import utc_now
from pipeline.store.schema.tally_triggers import count_wrong_tallies, rebuild_tallies

MAX_NAMED = 200
"""Files, and rows of the record, that a report names at most."""
_NICENESS = 10
_log = logging.getLogger(__name__)


class FileState(StrEnum):
    """What is wrong with a file."""

    MISSING = "missing"
    DAMAGED = "damaged"


@dataclass(frozen=True, slots=True)
class FileProblem:
    """A file that is missing or damaged, and what it is: `page <id>`, `run <id>` and so on."""

    sha256: str
    state: FileState
    uses: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CheckReport:
    """A check with the first of its problems.

    `recounted`: so many of the counts that the database keeps were wrong, and were made again.
    `changed` names rows that are not as the log has them.
    """

    check: StoreCheck
    problems: tuple[FileProblem, ...]
    recounted: int = 0
    changed: tuple[ChainProblem, ...] = ()


def check_store(
    store: Store, by: str, on_file: Callable[[int, int], None] = lambda _done, _all: None
) -> CheckReport:
    """Check database and files, and store the result.

    Args:
        store: the store.
        by: who asked for it.
        on_file: called after each file with how many are done, and of how many.

    Raises:
        ImagesAwayError: the folder of images is away, so that its files cannot be judged.
        StoreUnavailableError: the database is locked or out of reach.
    """
    store.images.require_present()
    begun = store.change(begin_check, by, utc_now())
    return _run(store, begun, on_file)


def check_when_due(settings: Settings) -> None:
    """Check the store if the last check is older than the setting; for a process of its own."""
    os.nice(_NICENESS)
    store = open_store(settings)
    try:
        store.images.require_present()
        with store.begin() as conn:
            name = socket.gethostname()[:80]
            begun = begin_due_check(conn, name, utc_now(), settings.check_hours)
        if begun is not None:
            _run(store, begun)
    finally:
        store.close()


def _run(
    store: Store,
    begun: StoreCheck,
    on_file: Callable[[int, int], None] = lambda _done, _all: None,
) -> CheckReport:
    with store.read() as conn:
        problem = find_database_problem(conn)
        names = list(list_named_files(conn))
        # A damaged database can say nothing of its rows
        changed = [] if problem else list(RecordCheck(conn).named_problems())
    # Each file in its own time: new ones come meanwhile, and none ever goes
    wrong: dict[str, FileState] = {}
    for number, (name, state) in enumerate(_judge_files(store.images, names), 1):
        if state is not None:
            wrong[name] = state
        on_file(number, len(names))
    orphans = _count_orphans(store)
    states = list(wrong.values())
    found = replace(
        begun,
        database_problem=problem,
        files=len(names),
        missing=states.count(FileState.MISSING),
        damaged=states.count(FileState.DAMAGED),
        orphans=orphans,
        changed=len(changed),
    )
    recounted = 0 if problem else _recount(store)
    with store.begin() as conn:
        check = save_check(conn, found, utc_now())
        named = tuple(
            FileProblem(name, wrong[name], find_file_uses(conn, name))
            for name in list(wrong)[:MAX_NAMED]
        )
    return CheckReport(check, named, recounted, tuple(changed[:MAX_NAMED]))


def _recount(store: Store) -> int:
    """Make the counts of finished paper again if some are wrong; return how many were."""
    wrong = store.query(count_wrong_tallies)
    if wrong:
        _log.warning("%d counts were wrong and are made anew.", wrong)
        store.change(rebuild_tallies)
    return wrong


def _judge_files(images: Images, names: list[str]) -> Iterator[tuple[str, FileState | None]]:
    for name in names:
        if images.holds(name):
            yield name, None
            continue
        # A disk that goes away now is no damage
        images.require_present()
        yield name, FileState.DAMAGED if images.has(name) else FileState.MISSING


def _count_orphans(store: Store) -> int:
    """Return how many files no row names. The files come first: a row is written after its file."""
    present = list(store.images.list_names())
    with store.read() as conn:
        named = list_source_files(conn).union(list_named_files(conn))
    return sum(name not in named for name in present)
