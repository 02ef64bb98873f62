"""The reading desk: one queued page is fetched, read and put back, whatever happens to it.

What is wrong with a page makes that page fail. What is wrong with the database or the disk is no
page's fault: the desk says so and waits. And if something is not installed, the worker ends, for
every page would fail. Neither a log line nor a page's reason holds what is written on the page,
so of an unexpected error only the kind and the place are kept.

A reader that knows at every page which forms and clients there are and who signs: all are added
to while pages are being read.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from typing import Protocol, TypeVar

import cv2
from sqlalchemy import Connection

from pipeline.domain.errors import (
    EfterskriftError,
    MissingProgramError,
    SchemaMismatchError,
    StoreError,
    StoreUnavailableError,
    describe_error_location,
)
from pipeline.domain.form.form import Forms
from pipeline.domain.issues import IssueCode
from pipeline.domain.model import StaffMember
from pipeline.domain.settings import Settings
from pipeline.forms.library import FormLibrary
from pipeline.operations.learning.words import load_learned_signers
from pipeline.reading.read_page import READER_VERSION, PageReader, PageResult
from pipeline.registers.clients import ClientRegister
from pipeline.registers.staff import SignatureCounts, StaffRegister
from pipeline.store.database.migrations.history import require_head
from pipeline.store.database.store import Store
from pipeline.store.paper import workers
from pipeline.store.paper.pages import load_page, mark_page_failed
from pipeline.store.paper.sheets import save_page_reading
from pipeline.store.registers.client_register import client_register_version, list_clients
from pipeline.store.registers.staff import load_staff_list

T = TypeVar("T")
_log = logging.getLogger(__name__)


class RefreshingReader:
    """Reads pages like the reader that it is given, and knows the clients and who signs by now and,
    with a library, which forms were published.
    """

    def __init__(
        self,
        reader: PageReader,
        store: Store,
        signed: SignatureCounts,
        library: FormLibrary | None = None,
    ) -> None:
        self._reader = reader
        self._library = library
        self._store = store
        self._signed = signed
        self._staff: tuple[StaffMember, ...] | None = None
        self._clients_as_of: int | None = None

    @property
    def forms(self) -> Forms:
        """The forms that a page may be of."""
        return self._reader.forms

    def read(self, data: bytes, media_type: str) -> PageResult:
        """Read one page.

        Raises:
            EfterskriftError: the page cannot be read.
            StoreUnavailableError: the staff list cannot be had now.
        """
        if self._library and (forms := self._library.forms()) is not self._reader.forms:
            self._reader = replace(self._reader, forms=forms)
        self._look()
        return self._reader.read(data, media_type)

    def _look(self) -> None:
        with self._store.read() as conn:
            staff = tuple(load_staff_list(conn))
            as_of = client_register_version(conn)
            register = ClientRegister(list_clients(conn)) if as_of != self._clients_as_of else None
        if register is not None:
            self._clients_as_of = as_of
            self._reader = replace(
                self._reader, context=replace(self._reader.context, register=register)
            )
        if staff != self._staff:
            self._staff = staff
            self._reader = replace(
                self._reader,
                context=replace(self._reader.context, staff=StaffRegister(staff, self._signed)),
            )


class PageReaderProtocol(Protocol):
    """What turns a page's bytes into its reading; `pipeline.reading.read_page.PageReader` is one."""

    @property
    def forms(self) -> Forms:
        """The forms that a page may be of."""
        ...

    def read(self, data: bytes, media_type: str) -> PageResult:
        """Read one page.

        Raises:
            EfterskriftError: the page cannot be read.
        """
        ...


ReaderFactory = Callable[[Settings, Store], PageReaderProtocol]
"""Makes what a worker reads with, in the worker's own process."""


def make_reader(settings: Settings, store: Store) -> PageReaderProtocol:
    """What a worker reads with: always the latest client register, forms and staff list. It uses
    one thread.
    """
    cv2.setNumThreads(1)
    return RefreshingReader(
        PageReader.of(settings, ()),
        store,
        load_learned_signers(settings.workspace / "models"),
        FormLibrary(settings),
    )


@dataclass(slots=True)
class PageJob:
    """Reads one page at a time. `attempts` is how often a page may take its worker with it;
    `wait_seconds` how long a lost store is left alone.
    """

    store: Store
    reader: PageReaderProtocol
    attempts: int
    wait_seconds: float
    stop: threading.Event = field(default_factory=threading.Event)
    busy_since: float | None = None
    missing_program: MissingProgramError | SchemaMismatchError | None = None

    def read(self, page_id: str) -> None:
        """Bring a queued page to its end. A page that is not queued any more is left as it is.

        Raises:
            StoreUnavailableError: the worker was told to stop while it waited for the store; the
            page is still queued.
            MissingProgramError: this machine cannot read; the page is still queued, and `broken`
            says what is missing.
            SchemaMismatchError: the store was upgraded meanwhile; the page is still queued, and
            `broken` says so.
        """
        try:
            self._read_queued(page_id)
        except SchemaMismatchError as error:
            self.missing_program = error
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
            self.missing_program = error
            raise
        except EfterskriftError as error:
            self._fail(page_id, f"{IssueCode.NOT_READ}: {error}")
        except Exception as error:  # a page fails alone, whatever its reading stumbles on
            self._fail(page_id, f"{IssueCode.NOT_READ}: {describe_error_location(error)}")
        else:
            self._patiently(lambda: self._save(page_id, digitized))

    def _begin(self, page_id: str) -> int | None:
        with self._begin_on_schema() as conn:
            return workers.count_attempt(conn, page_id)

    def _digitize(self, page_id: str) -> PageResult:
        with self.store.read() as conn:
            scanned = load_page(conn, page_id)
        images = self.store.images
        if not images.folder.is_dir():
            raise StoreUnavailableError("folder_not", folder=images.folder)
        data = images.get(scanned.image_sha256 or "")
        self.busy_since = time.monotonic()
        try:
            return self.reader.read(data, scanned.media_type or "")
        finally:
            self.busy_since = None

    def _save(self, page_id: str, digitized: PageResult) -> None:
        upright = self.store.images.put(digitized.upright) if digitized.upright else None
        code = digitized.reading.code
        form = self.reader.forms.get((code.form, code.version)) if code else None
        with self._begin_on_schema() as conn:
            save_page_reading(
                conn,
                page_id,
                digitized.reading,
                upright_sha256=upright,
                form=form,
                reader_version=READER_VERSION,
            )

    def _give_up(self, page_id: str) -> None:
        self._fail_now(page_id, f"reader_died: {self.attempts}")
        self._forgive(page_id)

    def _forgive(self, page_id: str) -> None:
        with self.store.begin() as conn:
            workers.reset_attempts(conn, page_id)

    def _fail(self, page_id: str, reason: str) -> None:
        self._patiently(lambda: self._fail_now(page_id, reason))

    def _fail_now(self, page_id: str, reason: str) -> None:
        _log.warning("Page %s could not be read (%s)", page_id, reason)
        with self._begin_on_schema() as conn:
            mark_page_failed(conn, page_id, reason)

    @contextmanager
    def _begin_on_schema(self) -> Iterator[Connection]:
        """Begin a transaction on the schema that this program knows; no upgrade begins before its
        end.
        """
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
