"""Durable work: each queued page is one workflow of the engine (DBOS), with the page's id as its
id, on a queue that all workers share.

The engine decides who reads what and remembers it over a crash. What it stores is page ids,
never what is on a page: the reading goes from the desk to the store in one transaction. Every
worker looks after the whole queue at each beat, so none of them is special:

* a page that is queued in the store but not with the engine is handed to it;
* a page that is still queued although its workflow has ended is handed over anew;
* pages in the hands of a worker that has stopped beating are put back.
"""

from __future__ import annotations

import logging
import multiprocessing
import os
import signal
import time
from pathlib import Path

from dbos import DBOS, DBOSConfig, SetWorkflowID, WorkflowStatus
from sqlalchemy import make_url

from pipeline.domain.errors import SchemaMismatchError, StoreError, StoreUnavailableError
from pipeline.domain.settings import Settings, sqlite_url
from pipeline.operations.liveness import HUNG_EXIT_CODE, LivenessMonitor
from pipeline.operations.page_job import PageJob, ReaderFactory
from pipeline.store.database.clock import utc_now
from pipeline.store.database.migrations.history import require_head
from pipeline.store.database.store import open_store
from pipeline.store.paper import workers
from pipeline.store.paper.pages import list_queued_pages

QUEUE_NAME = "pages"
_WORKFLOW_NAME = "read_page"
_MAX_ENQUEUED = 200
"""So many of the pages that wait are with the engine at a time."""
_POLL_SECONDS = 0.03
_LAST_PAGE_SECONDS = 60
"""How long a worker that is told to stop may take for the page in its hands."""
_LOCK_SECONDS = 5
"""How long a locked database is waited for before the worker says so; then it goes on waiting."""
_UNFINISHED_STATES = {"PENDING", "ENQUEUED", "DELAYED"}
_log = logging.getLogger(__name__)


def run_worker(settings: Settings, worker_id: str, make_reader: ReaderFactory) -> None:
    """Read pages until told to stop by SIGTERM, or until the process that started this one is gone.

    Args:
        settings: of the workspace.
        worker_id: unique among all workers of the store; a worker that replaces a dead one may
            bear its id.
        make_reader: makes what reads a page.

    Raises:
        StoreError: the store cannot be opened.
        SchemaMismatchError: the store was upgraded meanwhile; the page in hand goes back to the
        queue.
        MissingProgramError: something that reading needs is not installed.
    """
    # Blocked before any thread begins: they are waited for below, and programs that a reading
    # starts finish undisturbed.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGINT})
    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    store = open_store(settings, wait_seconds=_LOCK_SECONDS)
    desk = PageJob(
        store, make_reader(settings, store), settings.page_attempts, settings.beat_seconds
    )
    worker = Worker(settings, worker_id, desk)
    try:
        worker.start()
        while not _wait_for_stop(settings.beat_seconds):
            if desk.missing_program:
                raise desk.missing_program
            worker.tend()
    finally:
        worker.end()


def _wait_for_stop(seconds: float) -> bool:
    asked = signal.sigtimedwait({signal.SIGTERM}, seconds)
    starter = (
        multiprocessing.parent_process()
    )  # not getppid: that is the server which workers are forked from, and it lives as long as they
    return asked is not None or (starter is not None and not starter.is_alive())


class Worker:
    """One process's share in the queue."""

    def __init__(self, settings: Settings, worker_id: str, desk: PageJob) -> None:
        self._settings = settings
        self._id = worker_id
        self._desk = desk
        self._watchman = LivenessMonitor(settings.takeover_seconds)
        DBOS(config=_engine_config(settings, worker_id))

        def read_page(page_id: str) -> None:
            desk.read(page_id)

        self._read_page = DBOS.workflow(name=_WORKFLOW_NAME, max_recovery_attempts=None)(read_page)

    def start(self) -> None:
        """Join the others."""
        DBOS.launch()
        DBOS.register_queue(
            QUEUE_NAME,
            worker_concurrency=1,
            polling_interval_sec=_POLL_SECONDS,
            on_conflict="always_update",
        )
        self.tend()

    def end(self) -> None:
        """Finish the page in hand and take leave."""
        self._desk.stop.set()
        DBOS.destroy(workflow_completion_timeout_sec=_LAST_PAGE_SECONDS)
        try:
            with self._desk.store.begin() as conn:
                workers.remove_worker(conn, self._id)
        except StoreError as error:
            _log.warning("%s", error)
        self._desk.store.close()

    def tend(self) -> None:
        """Show a sign of life and look after the queue. What goes wrong is logged and tried again
        at the next beat.

        Raises:
            SchemaMismatchError: the store was upgraded meanwhile.
        """
        self._check_hung()
        try:
            self._beat()
            self._enqueue()
            self._resume_abandoned()
        except SchemaMismatchError:
            raise
        except StoreUnavailableError as error:
            self._watchman.reset()
            _log.warning("%s", error)
        except Exception as error:  # the engine's database may be away: the worker outlives that
            self._watchman.reset()
            _log.warning(
                "The queue could not be looked after (%s); trying again.", type(error).__name__
            )

    def _beat(self) -> None:
        with self._desk.store.begin() as conn:
            require_head(conn, self._desk.store.name, hold=True)
            workers.save_heartbeat(conn, self._id, utc_now())

    def _enqueue(self) -> None:
        waiting = self._waiting()
        if not waiting:
            return
        known = {
            flow.workflow_id: flow.status for flow in _unfinished_workflows(workflow_ids=waiting)
        }
        ended = {page_id for page_id, status in known.items() if status not in _UNFINISHED_STATES}
        # A page may have been read since it was seen to wait. Begun again, it would be waited for
        # by whoever else still has it in hand.
        if ended and (ended := ended.intersection(self._waiting())):
            DBOS.delete_workflows(list(ended))
        for page_id in waiting:
            if page_id in ended or page_id not in known:
                with SetWorkflowID(page_id):
                    DBOS.enqueue_workflow(QUEUE_NAME, self._read_page, page_id)

    def _waiting(self) -> list[str]:
        with self._desk.store.read() as conn:
            return list_queued_pages(conn, _MAX_ENQUEUED)

    def _resume_abandoned(self) -> None:
        with self._desk.store.read() as conn:
            beats = workers.list_heartbeats(conn)
        in_hand = _unfinished_workflows(status="PENDING")
        others = {flow.executor_id for flow in in_hand if flow.executor_id} | set(beats)
        dead = self._watchman.find_dead_workers(others - {self._id}, beats)
        if orphans := [flow.workflow_id for flow in in_hand if flow.executor_id in dead]:
            _log.warning(
                "Taking over %d page(s) of %d worker(s) that stopped.", len(orphans), len(dead)
            )
            DBOS.resume_workflows(orphans, queue_name=QUEUE_NAME)
        for worker_id in dead:
            with self._desk.store.begin() as conn:
                workers.remove_worker(conn, worker_id)

    def _check_hung(self) -> None:
        since = self._desk.busy_since
        if since is not None and time.monotonic() - since > self._settings.page_seconds:
            _log.error(
                "A page has taken more than %g seconds; this worker ends.",
                self._settings.page_seconds,
            )
            os._exit(
                HUNG_EXIT_CODE
            )  # a thread that hangs in native code cannot be stopped otherwise


def _unfinished_workflows(**which: object) -> list[WorkflowStatus]:
    return DBOS.list_workflows(**which, name=_WORKFLOW_NAME, load_input=False, load_output=False)  # type: ignore[arg-type]


def _engine_config(settings: Settings, worker_id: str) -> DBOSConfig:
    return {
        "name": "efterskrift",
        "system_database_url": _engine_url(settings),
        "executor_id": worker_id,
        "application_version": "1",  # a page begun by one release may be ended by the next: only the page's id passes between them
        "log_level": "ERROR",
        "enable_otlp": False,
        "use_listen_notify": False,
    }


def _engine_url(settings: Settings) -> str:
    """The same PostgreSQL database (the engine keeps to its own schema `dbos`), or an SQLite file
    of the engine's own.
    """
    url = make_url(settings.url)
    if url.get_backend_name() == "sqlite":
        path = Path(settings.workspace) / "queue.db"
        workers.create_queue_database(path)
        return sqlite_url(path)
    return url.set(drivername="postgresql+psycopg").render_as_string(hide_password=False)
