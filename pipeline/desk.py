"""The reading desk: one queued page is fetched, read and put back, whatever happens to it.

What is wrong with a page makes that page fail. What is wrong with the database or the disk is no page's fault: the desk says so and waits. And if
something is not installed, the worker ends, for every page would fail.
Neither a log line nor a page's reason holds what is written on the page, so of an unexpected error only the kind and the place are kept.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

import cv2
from sqlalchemy import Connection

from pipeline.digitize import READER_VERSION, Digitized, Reader
from pipeline.errors import EfterskriftError, MissingProgramError, SchemaMismatchError, StoreError, StoreUnavailableError, place_of
from pipeline.form_library import FormLibrary
from pipeline.fresh_reader import FreshReader
from pipeline.issues import IssueCode
from pipeline.learning.signers import learned_signers
from pipeline.settings import Settings
from pipeline.store import workers
from pipeline.store.database import Store
from pipeline.store.migrations.history import require_head
from pipeline.store.pages import fail_page, page
from pipeline.store.sheets import save_reading
from pipeline.template import Forms

T = TypeVar("T")
_log = logging.getLogger(__name__)


class PageReader(Protocol):
    """What turns a page's bytes into its reading; `pipeline.digitize.Reader` is one."""

    @property
    def forms(self) -> Forms:
        """The forms that a page may be of."""
        ...

    def read(self, data: bytes, media_type: str) -> Digitized:
        """Read one page.

        Raises:
            EfterskriftError: the page cannot be read.
        """
        ...


MakeReader = Callable[[Settings, Store], PageReader]
"""Makes what a worker reads with, in the worker's own process."""


def make_reader(settings: Settings, store: Store) -> PageReader:
    """What a worker reads with: always the latest client register, forms and staff list. It uses one thread."""
    cv2.setNumThreads(1)
    return FreshReader(Reader.of(settings, ()), store, learned_signers(settings.workspace / "models"), FormLibrary(settings))


@dataclass(slots=True)
class Desk:
    """Reads one page at a time. `attempts` is how often a page may take its worker with it; `wait_seconds` how long a lost store is left alone."""

    store: Store
    reader: PageReader
    attempts: int
    wait_seconds: float
    stop: threading.Event = field(default_factory=threading.Event)
    busy_since: float | None = None
    broken: MissingProgramError | SchemaMismatchError | None = None

    def read(self, page_id: str) -> None:
        """Bring a queued page to its end. A page that is not queued any more is left as it is.

        Raises:
            StoreUnavailableError: the worker was told to stop while it waited for the store; the page is still queued.
            MissingProgramError: this machine cannot read; the page is still queued, and `broken` says what is missing.
            SchemaMismatchError: the store was upgraded meanwhile; the page is still queued, and `broken` says so.
        """
        try:
            self._read_queued(page_id)
        except SchemaMismatchError as error:
            self.broken = error
            with suppress(StoreError):  # the attempt was not the page's fault
                self._forgive(page_id)
            raise

    def _read_queued(self, page_id: str) -> None:
        attempt = self._patiently(lambda: self._begin(page_id))
        if attempt is None:
            return
        if attempt > self.attempts:
            self._patiently(lambda: self._give_up(page_id))
            return
        try:
            self._read(page_id)
        except StoreUnavailableError:  # told to stop meanwhile: not the page has ended this worker
            with suppress(StoreUnavailableError):
                self._forgive(page_id)
            raise

    def _read(self, page_id: str) -> None:
        try:
            digitized = self._patiently(lambda: self._digitize(page_id))
        except (StoreUnavailableError, SchemaMismatchError):
            raise
        except MissingProgramError as error:
            self._patiently(lambda: self._forgive(page_id))
            self.broken = error
            raise
        except EfterskriftError as error:
            self._fail(page_id, f"{IssueCode.NOT_READ}: {error}")
        except Exception as error:  # a page fails alone, whatever its reading stumbles on
            self._fail(page_id, f"{IssueCode.NOT_READ}: {place_of(error)}")
        else:
            self._patiently(lambda: self._save(page_id, digitized))

    def _begin(self, page_id: str) -> int | None:
        with self._begin_on_schema() as conn:
            return workers.begin_reading(conn, page_id)

    def _digitize(self, page_id: str) -> Digitized:
        with self.store.read() as conn:
            scanned = page(conn, page_id)
        images = self.store.images
        if not images.folder.is_dir():
            raise StoreUnavailableError("folder_not", folder=images.folder)
        data = images.get(scanned.image_sha256 or "")
        self.busy_since = time.monotonic()
        try:
            return self.reader.read(data, scanned.media_type or "")
        finally:
            self.busy_since = None

    def _save(self, page_id: str, digitized: Digitized) -> None:
        upright = self.store.images.put(digitized.upright) if digitized.upright else None
        code = digitized.reading.code
        form = self.reader.forms.get((code.form, code.version)) if code else None
        with self._begin_on_schema() as conn:
            save_reading(conn, page_id, digitized.reading, upright_sha256=upright, form=form, reader_version=READER_VERSION)

    def _give_up(self, page_id: str) -> None:
        self._fail_now(page_id, f"reader_died: {self.attempts}")
        self._forgive(page_id)

    def _forgive(self, page_id: str) -> None:
        with self.store.begin() as conn:
            workers.forgive(conn, page_id)

    def _fail(self, page_id: str, reason: str) -> None:
        self._patiently(lambda: self._fail_now(page_id, reason))

    def _fail_now(self, page_id: str, reason: str) -> None:
        _log.warning("Page %s could not be read (%s)", page_id, reason)
        with self._begin_on_schema() as conn:
            fail_page(conn, page_id, reason)

    @contextmanager
    def _begin_on_schema(self) -> Iterator[Connection]:
        """Begin a transaction on the schema that this program knows; no upgrade begins before its end."""
        with self.store.begin() as conn:
            require_head(conn, self.store.name, hold=True)
            yield conn

    def _patiently(self, action: Callable[[], T]) -> T:
        """Do it, and as long as the store is away, say so and try again."""
        while True:
            try:
                return action()
            except StoreUnavailableError as error:
                _log.warning("%s", error)
                if self.stop.wait(self.wait_seconds):
                    raise
