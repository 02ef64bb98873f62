"""A pool of workers on this machine: started together, replaced when one dies, ended together."""

from __future__ import annotations

import logging
import multiprocessing
import os
import signal
import socket
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing.process import BaseProcess
from typing import TYPE_CHECKING

from pipeline.domain.errors import (
    EfterskriftError,
    ExitCode,
    MissingProgramError,
    StoreError,
    StoreUnavailableError,
)
from pipeline.domain.settings import Settings
from pipeline.export.key_in.signatures import settle_signatures
from pipeline.operations.upkeep.log_lines import start_log
from pipeline.operations.upkeep.store_check import check_when_due
from pipeline.operations.worker import HUNG_EXIT_CODE
from pipeline.reading.imaging.process_resources import limit_threads
from pipeline.store.database.store import Store
from pipeline.store.paper import workers
from pipeline.store.schema.clock import utc_now
from pipeline.store.schema.tally_triggers import fold_tallies

if TYPE_CHECKING:
    from pipeline.operations.page_job import ReaderFactory

_POLL_SECONDS = 0.2
"""Seconds after which it is seen again whether the workers live."""
_LOOK_SECONDS = 1.0
"""Seconds between two looks into the database for how far the reading is."""
_FOLD_SECONDS, _MANY_TALLIES = 60, 5000
"""Seconds after which changes of counts are added up, if there are many."""
_CHECK_SECONDS = 600
"""Seconds after which it is seen again whether a check of the store is due."""
_STOP_SECONDS = 90
_PROCESSES = multiprocessing.get_context("spawn")
"""Starts each worker as a program of its own: it has no thread or lock of its parent."""
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ReadingProgress:
    """The numbers of pages that were read, that could not be read, and that wait to be read.

    `set_aside` of the waiting pages wait for their image, which is missing or damaged.
    """

    read: int
    unreadable: int
    waiting: int
    set_aside: int = 0

    @property
    def ended(self) -> int:
        """The number of pages that the workers have finished."""
        return self.read + self.unreadable


@dataclass(slots=True)
class WorkerPool:
    """Worker processes that share the queue.

    Each reads with one thread, so that pages are read in parallel. `make_reader` makes the reader
    in the worker's process; by default it is `page_job.make_reader`.
    """

    settings: Settings
    size: int
    make_reader: ReaderFactory | None = None
    _processes: dict[str, BaseProcess] = field(default_factory=dict)
    _check: BaseProcess | None = None
    _next_check_at: float = 0.0

    def start(self) -> None:
        """Start the workers."""
        limit_threads()
        for _ in range(self.size):
            self._start(_new_worker_id())

    def poll(self) -> None:
        """Replace the workers that died.

        The new one gets the dead one's id and so resumes its page at once.

        Raises:
            StoreError, MissingProgramError: a worker could not go on, so that another could not
                either; it has logged why.
        """
        for worker_id, process in list(self._processes.items()):
            code = process.exitcode
            if code is None:
                continue
            if code > 0 and code != HUNG_EXIT_CODE:
                if code == ExitCode.MISSING_PROGRAM:
                    raise MissingProgramError("worker_died", code=code)
                raise StoreError("worker_died", code=code)
            _log.warning(
                "A worker ended (%s) and is replaced.",
                "hung" if code == HUNG_EXIT_CODE else f"signal {-code}",
            )
            self._start(worker_id)

    def stop(self) -> None:
        """Let each worker finish its page and end."""
        deadline = time.monotonic() + _STOP_SECONDS
        if self._check is not None:
            self._check.kill()  # the next one begins again
        for process in self._processes.values():
            process.terminate()
        for process in self._processes.values():
            process.join(max(0.0, deadline - time.monotonic()))
            if process.exitcode is None:
                process.kill()
                process.join()

    def check_store(self) -> None:
        """Let a process of its own check the whole store, if that is due."""
        now = time.monotonic()
        if self.settings.check_hours == 0 or now < self._next_check_at:
            return
        if self._check is not None and self._check.exitcode is None:
            return
        self._next_check_at = now + _CHECK_SECONDS
        self._check = _PROCESSES.Process(
            target=_run_check_process, args=(self.settings,), name="check", daemon=True
        )
        self._check.start()

    def pids(self) -> list[int]:
        """Return the process ids of the live workers."""
        return [
            process.pid
            for process in self._processes.values()
            if process.pid and process.is_alive()
        ]

    def _start(self, worker_id: str) -> None:
        self._processes[worker_id] = _PROCESSES.Process(
            target=_run_worker_process,
            args=(self.settings, worker_id, self.make_reader),
            name=worker_id,
        )
        self._processes[worker_id].start()


def _new_worker_id() -> str:
    return f"{socket.gethostname()[:24]}-{os.getpid()}-{uuid.uuid4().hex[:8]}"


def _run_worker_process(
    settings: Settings, worker_id: str, make_reader: ReaderFactory | None
) -> None:
    """Run a worker. The modules for reading are loaded here, as the parent does not need them."""
    from pipeline.operations.page_job import make_reader as make_default_reader
    from pipeline.operations.worker import run_worker

    try:
        run_worker(settings, worker_id, make_reader or make_default_reader)
    except EfterskriftError as error:
        _log.error("%s", error)
        sys.exit(error.exit_code)


def _run_check_process(settings: Settings) -> None:
    """Check the store when that is due. The pool ends this process, also on Ctrl-C."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    start_log(settings)
    try:
        check_when_due(settings)
    except EfterskriftError as error:
        _log.warning("The store could not be checked: %s", error)


def run_pool(store: Store, pool: WorkerPool, *, until_idle: bool) -> Iterator[ReadingProgress]:
    """Run the pool and yield its progress regularly.

    It ends with the last page that has an image if `until_idle`, otherwise with SIGINT or SIGTERM.

    Raises:
        StoreError, MissingProgramError: a worker could not go on.
    """
    with _stop_on_signal(pool):
        pool.start()
        next_look, next_fold = 0.0, time.monotonic() + _FOLD_SECONDS
        while True:
            pool.poll()
            now = time.monotonic()
            if now >= next_look:
                next_look = now + _LOOK_SECONDS
                if not until_idle:
                    pool.check_store()
                    _keep_up(store, fold=now >= next_fold)
                    next_fold = next_fold if now < next_fold else now + _FOLD_SECONDS
                if (progress := measure_progress(store)) is not None:
                    yield progress
                    if until_idle and progress.waiting == progress.set_aside:
                        return
            time.sleep(_POLL_SECONDS)


def _keep_up(store: Store, *, fold: bool) -> None:
    """Give what people have keyed in its receipts, once they can no longer undo it.

    With `fold`, also add up the changes of counts.
    """
    try:
        settle_signatures(store, utc_now())
        if fold:
            store.change(fold_tallies, _MANY_TALLIES)
    except StoreUnavailableError as error:
        _log.warning("%s", error)


def measure_progress(store: Store) -> ReadingProgress | None:
    """Return the progress of reading; None while the store is unavailable."""
    try:
        with store.read() as conn:
            return ReadingProgress(*workers.count_queue(conn), workers.count_set_aside(conn))
    except StoreUnavailableError as error:
        _log.warning("%s", error)
        return None


@contextmanager
def interrupt_on_sigterm() -> Iterator[None]:
    """Let SIGTERM end the block as Ctrl-C does, so that no child process is left behind."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@contextmanager
def _stop_on_signal(pool: WorkerPool) -> Iterator[None]:
    """Stop the pool in order however the block ends; a first SIGINT or SIGTERM is no error."""
    with interrupt_on_sigterm():
        try:
            yield
        except KeyboardInterrupt:
            _log.warning("Ending; each worker finishes its page first.")
        finally:
            pool.stop()
