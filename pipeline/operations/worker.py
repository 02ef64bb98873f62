"""A worker of the queue: each queued page is one workflow of the engine (DBOS), with the page's id.

The engine assigns pages to workers and survives a crash. It stores page ids, never the content of a
page: the reading goes from the page job to the store in one transaction. Every worker maintains the
whole queue at each heartbeat, so none of them is special:

* a page that is queued in the store but not in the engine is enqueued, without waiting for the next
  heartbeat where few pages wait;
* a page that is still queued although its workflow has ended is enqueued again;
* pages of a worker without a heartbeat are put back;
* pages that wait for their image are resumed when it is back.
"""

from __future__ import annotations

import logging
import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

from dbos import DBOS, DBOSConfig, SetWorkflowID, WorkflowStatus
from sqlalchemy import make_url

from pipeline.domain.errors import SchemaMismatchError, StoreError, StoreUnavailableError
from pipeline.domain.settings import Settings, sqlite_url
from pipeline.operations.page_job import PageJob, ReaderFactory
from pipeline.operations.upkeep.log_lines import start_log
from pipeline.reading.imaging.process_resources import give_memory_back
from pipeline.store.database.history import require_head
from pipeline.store.database.store import open_store
from pipeline.store.entries.triage import is_outdated, sort_unit
from pipeline.store.paper import workers
from pipeline.store.paper.pages import list_queued_pages
from pipeline.store.registers.client_register import areas_by_unit
from pipeline.store.schema.clock import utc_now

# Find dead workers: those whose heartbeat has not changed for a time, by the monitor's clock.
#
# Clocks of different machines are never compared: only a *change* of a heartbeat counts. A monitor
# that could not read the heartbeats starts over: after an outage of the database all of them are
# old, although no worker is dead.

HUNG_EXIT_CODE = 70
"""Exit code of a worker that ends because its page takes too long."""


@dataclass(slots=True)
class LivenessMonitor:
    """Remembers when each worker's heartbeat last changed.

    `patience` is the time in seconds without a heartbeat after which a worker counts as dead.
    """

    patience: float
    clock: Callable[[], float] = time.monotonic
    _seen: dict[tuple[str, datetime | None], float] = field(default_factory=dict)

    def find_dead_workers(self, workers: set[str], beats: Mapping[str, datetime]) -> set[str]:
        """Return those of `workers` without a new heartbeat for longer than the patience.

        For one that never had a heartbeat the time counts from the first call.
        """
        now = self.clock()
        latest = [(worker, beats.get(worker)) for worker in workers]
        self._seen = {each: self._seen.get(each, now) for each in latest}
        return {worker for (worker, _), at in self._seen.items() if now - at > self.patience}

    def reset(self) -> None:
        """Forget all heartbeats, because they could not be read."""
        self._seen = {}


QUEUE_NAME = "pages"
_WORKFLOW_NAME = "read_page"
_MAX_ENQUEUED = 200
"""Waiting pages that are in the engine at a time."""
_POLL_SECONDS = 0.03
_IDLE_POLL_SECONDS = 5.0
"""Seconds between two looks of the engine while no page is known to wait."""
LOOK_SECONDS = 0.25
"""Seconds between two looks for pages that have just come, while few pages wait."""
_IDLE_LOOK_SECONDS, _IDLE_SECONDS = 1.0, 120.0
"""Seconds between two such looks once no page has waited for so many seconds."""
_MAX_LOOKED_FOR = 50
"""Pages without their image that are looked after at a heartbeat."""
_LAST_PAGE_SECONDS = 60
"""Time that a stopping worker has for its current page."""
_LOCK_SECONDS = 5
"""Time to wait for a locked database before the worker logs it and waits on."""
_QUEUE_THREAD = f"queue-worker-{QUEUE_NAME}"
_ENGINE_POLLS = {
    "get_queue": _QUEUE_THREAD,
    "dequeue_scopes": "queue-worker-_dbos_internal",
    "list_queues": "queue_thread",
    "list_schedules": "dynamic_scheduler_loop",
    "background_job_lock": "dbos-background-jobs",
}
"""Functions of the engine that its threads call at each look, with (a part of) the thread's name.
"""
_UNFINISHED_STATES = {"PENDING", "ENQUEUED", "DELAYED"}
_log = logging.getLogger(__name__)


def run_worker(settings: Settings, worker_id: str, make_reader: ReaderFactory) -> None:
    """Read pages until SIGTERM, or until the process that started this one has ended.

    Args:
        settings: of the workspace.
        worker_id: unique among all workers of the store; a worker that replaces a dead one may
            have its id.
        make_reader: makes the reader of pages.

    Raises:
        StoreError: the store cannot be opened.
        SchemaMismatchError: the store was upgraded meanwhile; the current page goes back to the
            queue.
        MissingProgramError: a program or model that reading needs is not installed.
    """
    # Signals are blocked before any thread starts: they are waited for below, and programs that a
    # reading starts finish undisturbed.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGINT})
    start_log(settings)
    logging.getLogger("dbos").addHandler(logging.NullHandler())  # else it gets one of its own
    store = open_store(settings, wait_seconds=_LOCK_SECONDS)
    job = PageJob(
        store, make_reader(settings, store), settings.page_attempts, settings.beat_seconds
    )
    worker = Worker(settings, worker_id, job)
    _sort_queue(job)
    try:
        worker.start()
        next_beat = time.monotonic() + settings.beat_seconds
        while not _wait_for_stop(min(LOOK_SECONDS, settings.beat_seconds)):
            if job.missing_program:
                raise job.missing_program
            if time.monotonic() >= next_beat:
                worker.tend()
                next_beat = time.monotonic() + settings.beat_seconds
            else:
                worker.look()
    finally:
        worker.end()


def _sort_queue(job: PageJob) -> None:
    """Sort units whose table of triage is newer than their queue, after an upgrade."""
    forms = job.reader.forms
    try:
        with job.store.read() as conn:
            units = [unit for unit in areas_by_unit(conn) if is_outdated(conn, unit)]
        for unit in units:
            job.store.change(sort_unit, forms, unit)
    except StoreError as error:
        _log.warning("%s", error)


def _wait_for_stop(seconds: float) -> bool:
    received = signal.sigtimedwait({signal.SIGTERM}, seconds)
    # Not getppid: that is the server which workers are forked from, which lives as long as they do.
    starter = multiprocessing.parent_process()
    return received is not None or (starter is not None and not starter.is_alive())


class Worker:
    """One process that takes pages from the queue."""

    def __init__(self, settings: Settings, worker_id: str, job: PageJob) -> None:
        self._settings = settings
        self._id = worker_id
        self._job = job
        self._monitor = LivenessMonitor(settings.takeover_seconds)
        self._last_looked_for = ""
        self._seen: frozenset[str] = frozenset()
        self._last_page_at, self._next_look = time.monotonic(), 0.0
        self._pages_wait = threading.Event()
        self._engine = DBOS(config=_engine_config(settings, worker_id))

        def read_page(page_id: str) -> None:
            job.read(page_id)

        self._read_page = DBOS.workflow(name=_WORKFLOW_NAME, max_recovery_attempts=None)(read_page)

    def start(self) -> None:
        """Start to take pages."""
        DBOS.launch()
        self._pace_polls()
        DBOS.register_queue(
            QUEUE_NAME,
            worker_concurrency=1,
            polling_interval_sec=_POLL_SECONDS,
            on_conflict="always_update",
        )
        self.tend()

    def end(self) -> None:
        """Finish the current page and unregister."""
        self._job.stop.set()
        self._pages_wait.set()
        DBOS.destroy(workflow_completion_timeout_sec=_LAST_PAGE_SECONDS)
        try:
            self._job.store.change(workers.remove_worker, self._id)
        except StoreError as error:
            _log.warning("%s", error)
        self._job.store.close()

    def tend(self) -> None:
        """Save a heartbeat and maintain the queue.

        Failures are logged and tried again at the next heartbeat.

        Raises:
            SchemaMismatchError: the store was upgraded meanwhile.
        """
        self._check_hung()
        try:
            self._beat()
            self._take_up_pages()
            self._hand_over()
            self._resume_abandoned()
        except SchemaMismatchError:
            raise
        except StoreUnavailableError as error:
            self._monitor.reset()
            _log.warning("%s", error)
        except Exception as error:  # the engine's database may be unavailable for a while
            self._monitor.reset()
            _log.warning(
                "The queue could not be looked after (%s); trying again.", type(error).__name__
            )

    def look(self) -> None:
        """Enqueue pages that have come since the last look.

        Where many pages wait, or where it fails, that is left to the next heartbeat.
        """
        now = time.monotonic()
        if len(self._seen) >= _MAX_ENQUEUED or now < self._next_look:
            return
        if now - self._last_page_at > _IDLE_SECONDS:
            self._next_look = now + _IDLE_LOOK_SECONDS
        try:
            if not self._seen.issuperset(self._list_queued()):
                self._hand_over()
        except Exception as error:  # as in `tend`, which logs what lasts
            _log.debug("No look for new pages (%s).", type(error).__name__)

    def _pace_polls(self) -> None:
        """Let the engine look for pages often only while some wait, and at once when they come.

        It has no setting for that. Each of its threads is held where it first asks the database:
        that of the queue, and those that look once a second for what is never used here.
        """
        database: Any = self._engine._sys_db
        for name, thread in _ENGINE_POLLS.items():
            if ask := getattr(database, name, None):
                setattr(database, name, partial(self._hold, ask, thread))

    def _hold(self, ask: Callable[..., Any], thread: str, *given: Any, **options: Any) -> Any:  # noqa: ANN401
        """Call a function of the engine, in its own thread not before pages wait or time is up."""
        if thread in threading.current_thread().name and (
            thread == _QUEUE_THREAD
            # Until this one runs, the others are starting it
            or any(one.name == _QUEUE_THREAD for one in threading.enumerate())
        ):
            self._pages_wait.wait(_IDLE_POLL_SECONDS)
        return ask(*given, **options)

    def _beat(self) -> None:
        with self._job.store.begin() as conn:
            require_head(conn, self._job.store.name, hold=True)
            workers.save_heartbeat(conn, self._id, utc_now())

    def _take_up_pages(self) -> None:
        """Let pages be read whose image is back; a part of them at each heartbeat."""
        store = self._job.store
        waiting = store.query(workers.list_set_aside, self._last_looked_for, _MAX_LOOKED_FOR)
        self._last_looked_for = waiting[-1][0] if waiting else ""
        if found := [page for page, sha256 in waiting if store.images.holds(sha256)]:
            store.change(workers.take_up, found)

    def _hand_over(self) -> None:
        """Enqueue the pages that wait, and let the engine look for them often if there are any."""
        self._enqueue()
        if self._seen:
            self._last_page_at = time.monotonic()
            self._pages_wait.set()
        else:
            self._pages_wait.clear()
            # Not after each page: the next one would have to ask the system for all of it again.
            give_memory_back()

    def _enqueue(self) -> None:
        queued = self._list_queued()
        self._seen = frozenset(queued)
        if not queued:
            return
        statuses = {flow.workflow_id: flow.status for flow in _list_workflows(workflow_ids=queued)}
        ended = {page for page, status in statuses.items() if status not in _UNFINISHED_STATES}
        # A page may have been read since it was listed as queued. If its workflow was started
        # again, another worker that still reads it would wait for that.
        if ended and (ended := ended.intersection(self._list_queued())):
            DBOS.delete_workflows(list(ended))
        for page_id in queued:
            if page_id in ended or page_id not in statuses:
                with SetWorkflowID(page_id):
                    DBOS.enqueue_workflow(QUEUE_NAME, self._read_page, page_id)

    def _list_queued(self) -> list[str]:
        return self._job.store.query(list_queued_pages, _MAX_ENQUEUED)

    def _resume_abandoned(self) -> None:
        beats = self._job.store.query(workers.list_heartbeats)
        # Workers are known by their heartbeat or by a page that they read.
        pending = _list_workflows(status="PENDING")
        others = {flow.executor_id for flow in pending if flow.executor_id} | set(beats)
        dead = self._monitor.find_dead_workers(others - {self._id}, beats)
        if orphans := [flow.workflow_id for flow in pending if flow.executor_id in dead]:
            _log.warning(
                "Taking over %d page(s) of %d worker(s) that stopped.", len(orphans), len(dead)
            )
            DBOS.resume_workflows(orphans, queue_name=QUEUE_NAME)
        for worker_id in dead:
            self._job.store.change(workers.remove_worker, worker_id)

    def _check_hung(self) -> None:
        since = self._job.busy_since
        if since is not None and time.monotonic() - since > self._settings.page_seconds:
            _log.error(
                "A page has taken more than %g seconds; this worker ends.",
                self._settings.page_seconds,
            )
            # A thread that hangs in native code cannot be stopped in another way.
            os._exit(HUNG_EXIT_CODE)


def _list_workflows(**criteria: object) -> list[WorkflowStatus]:
    return DBOS.list_workflows(
        **criteria,  # type: ignore[arg-type]
        name=_WORKFLOW_NAME,
        load_input=False,
        load_output=False,
    )


def _engine_config(settings: Settings, worker_id: str) -> DBOSConfig:
    return {
        "name": "efterskrift",
        "system_database_url": _engine_url(settings),
        "executor_id": worker_id,
        # A page may be begun by one release and ended by the next: only its id is passed on.
        "application_version": "1",
        "log_level": "ERROR",
        "enable_otlp": False,
        "use_listen_notify": False,
    }


def _engine_url(settings: Settings) -> str:
    """Return the URL of the engine's database.

    It is the same PostgreSQL database, where the engine has its own schema `dbos`, or an SQLite
    file of its own.
    """
    url = make_url(settings.url)
    if url.get_backend_name() == "sqlite":
        path = Path(settings.workspace) / "queue.db"
        workers.create_queue_database(path)
        return sqlite_url(path)
    return url.set(drivername="postgresql+psycopg").render_as_string(hide_password=False)
