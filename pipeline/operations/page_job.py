"""Read one queued page and save the result, whatever happens, with an up-to-date reader.

An error of a page makes that page fail. If the database or the disk fails, the job logs that and
waits. A missing or damaged image is no error of its page: the page waits until its image is
back. While the whole folder of images is away, pages go back to the queue, where a worker of
another machine may read them. If a program or model is not installed, the worker ends, as every
page would fail. Neither a log line nor a page's reason quotes the page, so of an unexpected error
only class and place are kept.
"""

from __future__ import annotations

import errno
import hashlib
import logging
import tempfile
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
    ImageError,
    ImagesAwayError,
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
from pipeline.files.documents import TYPED_PNG
from pipeline.forms.library import FormLibrary
from pipeline.operations.learning.words import load_learned_signers
from pipeline.reading.fields.handwriting.network import open_own_network
from pipeline.reading.read_page import READER_VERSION, PageReader, PageResult
from pipeline.registers.clients import ClientRegister
from pipeline.registers.staff import SignatureCounts, StaffRegister
from pipeline.store.database.history import require_head
from pipeline.store.database.sampling_key import digital_form_secret
from pipeline.store.database.store import Store
from pipeline.store.entries.attached_pages import save_page_text
from pipeline.store.entries.client_identities import list_client_codes
from pipeline.store.entries.sheet_entries import save_page_reading
from pipeline.store.paper import workers
from pipeline.store.paper.pages import load_page, mark_page_failed
from pipeline.store.registers.client_register import client_register_version, list_clients
from pipeline.store.registers.planning import list_outages
from pipeline.store.registers.staff import load_staff_list

T = TypeVar("T")
_DISK_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_log = logging.getLogger(__name__)


class RefreshingReader:
    """A reader with the current client register and staff list and, with a library, forms.

    All of these are added to while pages are being read.
    """

    def __init__(
        self,
        reader: PageReader,
        store: Store,
        sheet_counts: SignatureCounts,
        library: FormLibrary | None = None,
    ) -> None:
        self._reader = reader
        self._library = library
        self._store = store
        self._sheet_counts = sheet_counts
        self._staff: tuple[StaffMember, ...] | None = None
        self._register_version: int | None = None

    @property
    def forms(self) -> Forms:
        """The forms that a page may be of."""
        return self._reader.forms

    def read(self, data: bytes, media_type: str, unit: str = "") -> PageResult:
        """Read one page, scanned by a unit.

        Raises:
            EfterskriftError: the page cannot be read.
            StoreUnavailableError: register and staff list cannot be loaded now.
        """
        if self._library and (forms := self._library.forms()) is not self._reader.forms:
            self._reader = replace(self._reader, forms=forms)
        self._refresh_registers()
        if media_type == TYPED_PNG and not self._reader.note_secret:
            self._reader = replace(
                self._reader, note_secret=self._store.change(digital_form_secret)
            )
        return self._reader.read(data, media_type, unit)

    def _refresh_registers(self) -> None:
        with self._store.read() as conn:
            staff = tuple(load_staff_list(conn))
            outages = tuple(list_outages(conn))
            version = client_register_version(conn)
            # The large client register is loaded only after a change.
            is_current = version == self._register_version
            register = (
                None
                if is_current
                else ClientRegister(list_clients(conn), codes=list_client_codes(conn))
            )
        context = self._reader.context
        if register is not None:
            self._register_version = version
            context = replace(context, register=register)
        if staff != self._staff:
            self._staff = staff
            context = replace(context, staff=StaffRegister(staff, self._sheet_counts))
        if outages != context.outages:
            context = replace(context, outages=outages)
        if context is not self._reader.context:
            self._reader = replace(self._reader, context=context)


class PageReaderProtocol(Protocol):
    """A reader of pages, such as `pipeline.reading.read_page.PageReader`."""

    @property
    def forms(self) -> Forms:
        """The forms that a page may be of."""
        ...

    def read(self, data: bytes, media_type: str, unit: str = "") -> PageResult:
        """Read one page, scanned by a unit.

        Raises:
            EfterskriftError: the page cannot be read.
        """
        ...


ReaderFactory = Callable[[Settings, Store], PageReaderProtocol]
"""Makes the reader of a worker, in the worker's own process."""


def make_reader(settings: Settings, store: Store) -> PageReaderProtocol:
    """Make a reader in one thread, with always the latest client register, forms and staff list.

    Raises:
        MissingProgramError: the organisation's own network for handwriting cannot read.
    """
    cv2.setNumThreads(1)
    if own := open_own_network():
        digest = hashlib.sha256(own.read_bytes()).hexdigest()
        _log.warning("Handwriting is read by %s (SHA-256 %s)", own, digest)
    return RefreshingReader(
        PageReader.of(settings, ()),
        store,
        load_learned_signers(settings.workspace / "models"),
        FormLibrary(settings),
    )


@dataclass(slots=True)
class PageJob:
    """Reads one page at a time.

    Attributes:
        attempts: How often a worker may die while it reads a page.
        wait_seconds: Time before an unavailable store is tried again.
        stop: Set when the worker has to stop.
        busy_since: When the reading of the current page began, by the monotonic clock.
        missing_program: Why this worker cannot read any page.
        images_away: Whether the images were away at the last page.
    """

    store: Store
    reader: PageReaderProtocol
    attempts: int
    wait_seconds: float
    stop: threading.Event = field(default_factory=threading.Event)
    busy_since: float | None = None
    missing_program: MissingProgramError | SchemaMismatchError | None = None
    images_away: bool = False

    def read(self, page_id: str) -> None:
        """Read a queued page and save the result. A page that is not queued any more is left.

        Raises:
            StoreUnavailableError: the worker had to stop while it waited for the store; the page
                is still queued.
            MissingProgramError: this machine cannot read; the page is still queued, and
                `missing_program` is set.
            SchemaMismatchError: the store was upgraded meanwhile; the page is still queued, and
                `missing_program` is set.
        """
        try:
            self._read_queued(page_id)
        except SchemaMismatchError as error:
            self.missing_program = error
            with suppress(StoreError):  # it was not the page's fault
                self._reset_attempts(page_id)
            raise

    def _read_queued(self, page_id: str) -> None:
        # The attempt is counted first: a worker that dies cannot count it any more.
        attempt = self._retry(lambda: self._count_attempt(page_id))
        if attempt is None:
            return
        if attempt > self.attempts:
            self._retry(lambda: self._give_up(page_id))
            return
        try:
            self._read(page_id)
        except StoreUnavailableError:
            # The worker had to stop: that is not the page's fault.
            with suppress(StoreUnavailableError):
                self._reset_attempts(page_id)
            raise

    def _read(self, page_id: str) -> None:
        try:
            result = self._retry(lambda: self._read_image(page_id))
        except ImagesAwayError as error:
            self._give_back(page_id, error)
        except ImageError as error:
            reason = f"{IssueCode.IMAGE_AWAY}: {error}"
            self._retry(lambda: self._set_aside(page_id, reason))
        except (StoreUnavailableError, SchemaMismatchError):
            raise
        except MissingProgramError as error:
            self._retry(lambda: self._reset_attempts(page_id))
            self.missing_program = error
            raise
        except EfterskriftError as error:
            self._fail(page_id, f"{IssueCode.NOT_READ}: {error}")
        except Exception as error:  # a page must not stop the others, whatever its error is
            self._fail(page_id, f"{IssueCode.NOT_READ}: {describe_error_location(error)}")
        else:
            self._save_result(page_id, result)

    def _save_result(self, page_id: str, result: PageResult) -> None:
        try:
            self._retry(lambda: self._save(page_id, result))
        except ImagesAwayError as error:
            self._give_back(page_id, error)

    def _count_attempt(self, page_id: str) -> int | None:
        with self._begin_on_schema() as conn:
            return workers.count_attempt(conn, page_id)

    def _read_image(self, page_id: str) -> PageResult:
        scanned = self.store.query(load_page, page_id)
        data = self.store.images.get(scanned.image_sha256 or "")
        self._report_images(away=False)
        self.busy_since = time.monotonic()
        try:
            return self.reader.read(data, scanned.media_type or "", scanned.unit)
        except OSError as error:
            if error.errno not in _DISK_FULL:
                raise
            # A helper program's file had no room: that is not the page's fault.
            raise StoreUnavailableError(
                "page_drawing_disk_full", value=tempfile.gettempdir()
            ) from error
        finally:
            self.busy_since = None

    def _save(self, page_id: str, result: PageResult) -> None:
        upright = self.store.images.put(result.upright) if result.upright else None
        code = result.reading.code
        form = self.reader.forms.get((code.form, code.version)) if code else None
        with self._begin_on_schema() as conn:
            save_page_reading(
                conn,
                page_id,
                result.reading,
                upright_sha256=upright,
                form=form,
                reader_version=READER_VERSION,
            )
            save_page_text(conn, page_id, result.words)

    def _give_back(self, page_id: str, error: ImagesAwayError) -> None:
        """Leave a page in the queue, after a while: a worker of another machine may read it."""
        if not self.images_away:
            _log.warning("%s", error)
        self._report_images(away=True)
        self._retry(lambda: self._reset_attempts(page_id))
        self.stop.wait(self.wait_seconds)

    def _report_images(self, *, away: bool) -> None:
        if self.images_away and not away:
            _log.warning("The images are back; reading goes on.")
        self.images_away = away

    def _set_aside(self, page_id: str, reason: str) -> None:
        _log.warning("Page %s waits for its image (%s)", page_id, reason)
        with self._begin_on_schema() as conn:
            workers.set_aside(conn, page_id, reason)

    def _give_up(self, page_id: str) -> None:
        self._mark_failed(page_id, f"{IssueCode.READER_DIED}: {self.attempts}")
        self._reset_attempts(page_id)

    def _reset_attempts(self, page_id: str) -> None:
        self.store.change(workers.reset_attempts, page_id)

    def _fail(self, page_id: str, reason: str) -> None:
        self._retry(lambda: self._mark_failed(page_id, reason))

    def _mark_failed(self, page_id: str, reason: str) -> None:
        _log.warning("Page %s could not be read (%s)", page_id, reason)
        with self._begin_on_schema() as conn:
            mark_page_failed(conn, page_id, reason)

    @contextmanager
    def _begin_on_schema(self) -> Iterator[Connection]:
        """Begin a transaction on the schema of this program; an upgrade waits for its end."""
        with self.store.begin() as conn:
            require_head(conn, self.store.name, hold=True)
            yield conn

    def _retry(self, action: Callable[[], T]) -> T:
        """Run an action; as long as the store is unavailable, log that and try again."""
        while True:
            try:
                return action()
            except ImagesAwayError:
                raise
            except StoreUnavailableError as error:
                _log.warning("%s", error)
                if self.stop.wait(self.wait_seconds):
                    raise
