"""Metrics in Prometheus' text format, and `/healthz`, on a port of their own.

They have counts, ages and codes: nothing about a person, and no name that a person has chosen.
`docs/watching.md` lists them.
"""

from __future__ import annotations

import json
import logging
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from pipeline import __version__
from pipeline.domain.errors import EfterskriftError, UsageError, describe_error_location
from pipeline.domain.form.form import Forms
from pipeline.domain.settings import Settings
from pipeline.reporting.watching.alarms import (
    Alarm,
    Severity,
    WatchState,
    find_alarms,
    load_watch_state,
)
from pipeline.store.database.store import Store
from pipeline.store.paper.pages import count_pages_by_state
from pipeline.store.paper.workers import count_queue
from pipeline.store.reports.entry_counts import count_failures
from pipeline.store.schema.clock import utc_now

_KEPT_SECONDS = 5.0
"""Several scrapers at once cost the database one look."""
_REQUEST_SECONDS = 10
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Measured:
    """What one look at the workspace found; `state` is None if the database did not answer."""

    state: WatchState | None = None
    alarms: tuple[Alarm, ...] = ()
    pages: Mapping[str, int] = field(default_factory=dict)
    read: int = 0
    failures: Mapping[str, int] = field(default_factory=dict)

    @property
    def is_healthy(self) -> bool:
        """Whether the database answers and no alarm is critical."""
        return self.state is not None and all(
            alarm.severity is not Severity.CRITICAL for alarm in self.alarms
        )


@dataclass(slots=True)
class Watch:
    """Looks at a workspace when it is asked, at most every few seconds.

    `open_workspace` returns the store and the forms; it is called again after a failure.
    """

    settings: Settings
    open_workspace: Callable[[], tuple[Store, Forms]]
    clock: Callable[[], float] = time.monotonic
    _opened: tuple[Store, Forms] | None = None
    _kept: tuple[float, Measured] | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def measure(self) -> Measured:
        """Return what is known now."""
        with self._lock:
            if self._kept is None or self.clock() - self._kept[0] >= _KEPT_SECONDS:
                self._kept = self.clock(), self._measure()
            return self._kept[1]

    def _measure(self) -> Measured:
        try:
            if self._opened is None:
                self._opened = self.open_workspace()
            return _look(*self._opened, self.settings, utc_now())
        except Exception as error:  # whatever fails, the next look may succeed
            is_known = isinstance(error, EfterskriftError)
            _log.warning("%s", error if is_known else describe_error_location(error))
            if self._opened is not None:
                self._opened[0].close()
            self._opened = None
            return Measured()


def _look(store: Store, forms: Forms, settings: Settings, now: datetime) -> Measured:
    state = load_watch_state(store, settings, forms, now)
    with store.read() as conn:
        read, _, queued = count_queue(conn)
        return Measured(
            state,
            tuple(find_alarms(state, settings)),
            count_pages_by_state(conn) | {"queued": queued},
            read,
            count_failures(conn),
        )


class WatchCollector(Collector):
    """The metrics of a workspace, for a registry of `prometheus_client`."""

    def __init__(self, watch: Watch) -> None:
        self._watch = watch

    def collect(self) -> Iterator[Metric]:
        """Yield all metrics; those of the database only while it answers."""
        measured = self._watch.measure()
        yield _gauge("up", "1 if the database answers.", int(measured.state is not None))
        info = GaugeMetricFamily("efterskrift_info", "Version of the program.", labels=["version"])
        info.add_metric([__version__], 1)
        yield info
        if measured.state is not None:
            yield from _paper_metrics(measured, measured.state)
            yield from _upkeep_metrics(measured, measured.state)


def _paper_metrics(measured: Measured, state: WatchState) -> Iterator[Metric]:
    """Yield the metrics of paper on its way."""
    pages = {name: measured.pages[name] for name in ("done", "waiting", "failed", "queued")}
    yield _gauges("pages", "Pages by state; the queued are among the waiting.", "state", pages)
    yield CounterMetricFamily(
        "efterskrift_pages_read", "Pages that have been read.", value=measured.read
    )
    yield _gauge(
        "reads_per_minute", "Pages read a minute, mean of the last five.", state.queue.pace
    )
    waits = (state.at - state.queue.oldest_at).total_seconds() if state.queue.oldest_at else 0.0
    yield _gauge("queue_age_seconds", "Time since the oldest unread page was scanned.", waits)
    yield _gauges(
        "failed_pages", "Failed pages that wait for a person.", "reason", measured.failures
    )
    yield _gauge("unreceipted_entries", "Entries sent, without a receipt.", state.sent)
    yield _gauge(
        "unreceipted_late_entries", "Those sent longer ago than proof_days.", state.unreceipted
    )


def _upkeep_metrics(measured: Measured, state: WatchState) -> Iterator[Metric]:
    """Yield the metrics of workers, copies, checks and the disk, and the alarms."""
    yield _gauge("workers_alive", "Workers with a heartbeat lately.", state.queue.workers)
    checked_at = state.check.started_at if state.check else None
    for name, what, at in (
        ("backup", "Time since the last backup.", state.backup.last_at),
        ("check", "Time since the last check of all files.", checked_at),
        (
            "log_check",
            "Time since the whole log was found unchanged.",
            state.log_check.last_at,
        ),
    ):
        if at is not None:
            yield _gauge(f"{name}_age_seconds", what, (state.at - at).total_seconds())
    yield _gauge("disk_free_bytes", "Free space where the workspace is.", state.free_bytes)
    counts = Counter(alarm.severity.value for alarm in measured.alarms)
    by_severity = {severity.value: counts[severity.value] for severity in Severity}
    yield _gauges("alarms", "Alarms by severity.", "severity", by_severity)
    kinds = Counter(alarm.kind.value for alarm in measured.alarms)
    yield _gauges("alarm", "Alarms by what is wrong.", "kind", kinds)


def _gauge(name: str, what: str, value: float) -> Metric:
    return GaugeMetricFamily(f"efterskrift_{name}", what, value=value)


def _gauges(name: str, what: str, label: str, values: Mapping[str, float]) -> Metric:
    metric = GaugeMetricFamily(f"efterskrift_{name}", what, labels=[label])
    for key, value in values.items():
        metric.add_metric([key], value)
    return metric


def describe_health(measured: Measured) -> tuple[HTTPStatus, dict[str, Any]]:
    """Return the status and the JSON of `/healthz`: 200 unless a person has to act today."""
    if measured.state is None:
        return HTTPStatus.SERVICE_UNAVAILABLE, {"status": "failing", "alarms": ["database_away"]}
    body = {
        "status": "ok" if measured.is_healthy else "failing",
        "alarms": [alarm.kind.value for alarm in measured.alarms],
    }
    return HTTPStatus.OK if measured.is_healthy else HTTPStatus.SERVICE_UNAVAILABLE, body


def make_server(watch: Watch, address: str, port: int) -> ThreadingHTTPServer:
    """Return a server of `/metrics` and `/healthz`; `serve_forever` serves.

    Raises:
        UsageError: the port is in use, or may not be opened.
    """
    registry = CollectorRegistry(auto_describe=False)
    registry.register(WatchCollector(watch))

    class Handler(BaseHTTPRequestHandler):
        """Answers one request; logs nothing, since each scrape is alike."""

        timeout = _REQUEST_SECONDS
        server_version, sys_version = "efterskrift", ""

        def do_GET(self) -> None:
            """Answer, or say that there is nothing else."""
            if self.path == "/healthz":
                status, body = describe_health(watch.measure())
                self._send(status, json.dumps(body).encode(), "application/json")
            elif self.path == "/metrics":
                encode, kind = choose_encoder(self.headers.get("Accept") or "")
                self._send(HTTPStatus.OK, encode(registry), kind)
            else:
                self._send(HTTPStatus.NOT_FOUND, b"/healthz or /metrics\n", "text/plain")

        def _send(self, status: HTTPStatus, body: bytes, kind: str) -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Cache-Control", "no-store")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Log nothing."""

    try:
        server = ThreadingHTTPServer((address, port), Handler)
    except OSError as error:
        raise UsageError("port_unusable", port=port, reason=error.strerror) from error
    server.daemon_threads = True
    return server
