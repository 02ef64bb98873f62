"""Open the store: one database (SQLite or PostgreSQL) and one folder or object store of images."""

from __future__ import annotations

import hashlib
import logging
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from contextvars import ContextVar
from dataclasses import dataclass, replace
from typing import Any, Concatenate, ParamSpec, TypeVar

from sqlalchemy import Connection, Engine, insert, text
from sqlalchemy.exc import StatementError

from pipeline.domain.errors import (
    ImagesAwayError,
    NotAllowedError,
    StoreError,
    StoreUnavailableError,
    WrongImagesError,
)
from pipeline.domain.law.permissions import Action, require_permission
from pipeline.domain.model import Person
from pipeline.domain.settings import Settings
from pipeline.store.database.engines import READ_ONLY_OPTION, make_engine, redact_error, write_turn
from pipeline.store.database.history import (
    database_revision,
    lock_schema,
    require_head,
    stamp_head,
)
from pipeline.store.database.image_files import NO_ID, ImageFolder, Images
from pipeline.store.database.image_store import (
    accept_image_store,
    load_image_store_id,
    make_images,
    prepare_image_store,
)
from pipeline.store.database.sampling_key import REKEYING_SHARE_OPTION
from pipeline.store.event_log.events import (
    contains_pid,
    discard_pending,
    record,
    write_pending,
)
from pipeline.store.event_log.hash_chain import start_chain
from pipeline.store.schema import accounts, exports, paper, registers, review, tally
from pipeline.store.schema.append_only import protect_tables
from pipeline.store.schema.tally_triggers import create_tally_triggers

_log = logging.getLogger(__name__)
_P = ParamSpec("_P")
_R = TypeVar("_R")
_SUBJECT_LENGTH = 80
"""The longest subject of an event."""
RESTORATION_MARK = ".restore-unfinished"
"""The file that a workspace has while it is being restored."""
ALL_TABLES = (accounts, exports, paper, registers, review, tally)
"""The modules that declare tables and indexes, imported so that `metadata` is complete."""
_is_open: ContextVar[bool] = ContextVar("transaction_open", default=False)


def is_transaction_open() -> bool:
    """Return whether a transaction of this thread is open, in which nothing slow may be done."""
    return _is_open.get()


@dataclass(frozen=True, slots=True, weakref_slot=True)
class Store:
    """The database and its images."""

    engine: Engine
    images: Images

    @property
    def name(self) -> str:
        """The database's URL without the password."""
        return self.engine.url.render_as_string(hide_password=True)

    @contextmanager
    def begin(self) -> Iterator[Connection]:
        """Open a transaction that may write; commit at the end, roll back on an error.

        Recorded events are written last (`events.record`). A denial (`NotAllowedError`) ends the
        transaction and is then written to the log in one of its own.

        Raises:
            StoreUnavailableError: the database is locked, full or cannot be reached.
            StoreError: the database refused a row.
        """
        with self.recording_denials(), self._transaction() as conn:
            yield conn

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Open a transaction that only reads and does not wait for writers. Raises as `begin`."""
        with self.recording_denials(), self._transaction(**{READ_ONLY_OPTION: True}) as conn:
            yield conn

    def change(
        self, action: Callable[Concatenate[Connection, _P], _R], *args: _P.args, **kwargs: _P.kwargs
    ) -> _R:
        """Call a function in a transaction of its own that may write. Raises as `begin`."""
        with self.begin() as conn:
            return action(conn, *args, **kwargs)

    def query(
        self,
        question: Callable[Concatenate[Connection, _P], _R],
        *args: _P.args,
        **kwargs: _P.kwargs,
    ) -> _R:
        """Call a function in a transaction of its own that only reads. Raises as `begin`."""
        with self.read() as conn:
            return question(conn, *args, **kwargs)

    @contextmanager
    def snapshot(self) -> Iterator[Connection]:
        """Open a transaction that only reads, and sees one moment however long it lasts.

        Nobody waits for it. Raises as `begin`.
        """
        options: dict[str, Any] = {READ_ONLY_OPTION: True}
        if self.engine.dialect.name == "postgresql":
            options |= {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
        with self._transaction(**options) as conn:
            yield conn

    @contextmanager
    def recording_denials(self) -> Iterator[None]:
        """Log who was denied what (PDL 4:3), once, and raise the denial again.

        For permissions that are checked outside a transaction.
        """
        try:
            yield
        except NotAllowedError as error:
            if error.by and not error.noted:
                error.noted = True
                self._record_denial(error)
            raise

    def require_permission(self, person: Person, action: Action, unit: str | None = None) -> None:
        """Check as `permissions.require_permission` outside a transaction, and log a denial."""
        with self.recording_denials():
            require_permission(person, action, unit)

    def _record_denial(self, error: NotAllowedError) -> None:
        """Log a denial; a failure to do so does not replace the denial by another error."""
        try:
            with self._transaction() as conn:
                # What was typed as an object may be anything
                subject = "" if contains_pid(error.subject) else error.subject[:_SUBJECT_LENGTH]
                named = {"right": error.action} if subject else {}
                subject = subject or error.action
                record(conn, error.by, "denied", subject, unit=error.unit, **named)
        except StoreError as unwritten:
            _log.error("A denial could not be written in the log: %s", unwritten)

    def close(self) -> None:
        """Close all connections."""
        self.engine.dispose()

    @contextmanager
    def _transaction(self, **options: Any) -> Iterator[Connection]:  # noqa: ANN401 - SQLAlchemy's own type
        turn = nullcontext() if options.get(READ_ONLY_OPTION) else write_turn(self.engine)
        token = _is_open.set(True)
        try:
            with turn, self.engine.connect() as connection:
                conn = connection.execution_options(**options)
                # A pooled connection may hold events of a transaction that was rolled back
                discard_pending(conn)
                with conn.begin():
                    yield conn
                    write_pending(conn)
        except StatementError as error:
            raise redact_error(error, self.name) from None
        finally:
            _is_open.reset(token)


def open_store(
    settings: Settings, create: bool = False, *, wait_seconds: float | None = None
) -> Store:
    """Open the store of a workspace, creating it if asked to; several processes may do so at once.

    Args:
        settings: of the workspace.
        create: create the tables and the folder if they are missing, and mark an object store.
        wait_seconds: how long a lock is waited for, as `make_engine`.

    Raises:
        StoreError: there is no store and none is to be created, or the URL is invalid.
        SchemaOutdatedError: the store is of an earlier version of the program; `efterskrift
            upgrade` upgrades it.
        SchemaTooNewError: the store is of a later version of the program.
        StoreUnavailableError: the database cannot be reached or is locked, or an object store
            cannot be marked as that of a new database.
        SettingsError: the URL or the keys of an object store are not understood.
    """
    if create:
        _make_private(settings)
    else:
        require_store_file(settings)
    engine = make_engine(settings.url, wait_seconds).execution_options(
        **{REKEYING_SHARE_OPTION: settings.control_share}
    )
    try:
        store = Store(engine, make_images(settings, NO_ID))
        opened = replace(store, images=make_images(settings, _find_id(store, create=create)))
    except BaseException:
        engine.dispose()
        raise
    # A store that is dropped without `close` still closes its connections
    weakref.finalize(opened, engine.dispose)
    if isinstance(opened.images, ImageFolder):
        opened.images.remove_stale_partials()
    return opened


def open_for_images(settings: Settings) -> Store:
    """Open the store on a machine that is going to read or write its images.

    Several machines may share a PostgreSQL database, but only with the same images: one whose own
    folder does not carry the id of the database is refused. An object store that gives no answer
    just now is waited for, a wrong one refused.

    Raises:
        StoreError: the images here are not those of the database; otherwise as `open_store`.
    """
    store = open_store(settings)
    is_shared = store.engine.dialect.name == "postgresql"
    try:
        if settings.images_url or is_shared:
            store.images.require_present()
    except ImagesAwayError as error:
        if settings.images_url and not isinstance(error, WrongImagesError):
            return store
        store.close()
        if settings.images_url:
            raise
        raise StoreError("images_not_shared", place=store.images.place) from error
    return store


def accept_images(settings: Settings) -> None:
    """Take the folder or object store of images as that of the database, whatever it holds.

    Raises:
        StoreUnavailableError: it is out of reach or cannot be written.
        StoreError: as `open_store`.
    """
    store = open_store(settings)
    with store.begin() as conn:
        accept_image_store(conn, store.images)
    store.close()


def _make_private(settings: Settings) -> None:
    """Create the workspace readable by its owner only, since images and database are confidential.

    SQLite gives its other files the same permissions.
    """
    if not (settings.workspace / "efterskrift.db").exists():
        _require_no_restoration(settings)
    try:
        settings.workspace.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not settings.images_url:
            settings.images.mkdir(exist_ok=True)
            settings.images.chmod(0o700)
        if settings.database_url == "":
            database = settings.workspace / "efterskrift.db"
            database.touch(mode=0o600)
            database.chmod(0o600)
    except OSError as error:
        raise StoreUnavailableError(
            "workspace_folder_not_writable", workspace=settings.workspace, reason=error.strerror
        ) from error


def _find_id(store: Store, *, create: bool) -> str:
    """Check the revision of the schema and return the id of the images.

    If asked to, create the tables of an empty database, and the id.
    """
    with store.read() as conn:
        has_schema = require_head(conn, store.name)
        if has_schema and not create:
            return load_image_store_id(conn)
    if not create:
        raise no_store(store.name)
    # Another process may have created the tables meanwhile
    with store.begin() as conn:
        create_schema(conn)
        require_head(conn, store.name)
        return prepare_image_store(conn, store.images)


def lock_keys(conn: Connection, *keys: str) -> None:
    """Hold these names until the transaction ends, so that no other worker changes the same thing.

    SQLite has one writer at a time anyway. The locks are taken in a fixed order, so that no two
    transactions wait for each other.
    """
    if conn.dialect.name == "postgresql":
        # PostgreSQL's locks are numbers: seven bytes of the digest fit a bigint
        for number in sorted(
            {int.from_bytes(hashlib.sha256(key.encode()).digest()[:7]) for key in keys}
        ):
            conn.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": number})


def create_schema(conn: Connection, fill: Callable[[Connection], None] = start_chain) -> None:
    """Create all tables at the latest revision, unless another process just did.

    Args:
        conn: a transaction.
        fill: puts the first rows in, before triggers protect and count them.
    """
    lock_schema(conn)
    if database_revision(conn) is not None:
        return
    paper.metadata.create_all(conn)
    fill(conn)
    protect_tables(conn)
    create_tally_triggers(conn)
    conn.execute(insert(paper.schema_info).values(version=paper.SCHEMA_VERSION))
    stamp_head(conn)


def require_store_file(settings: Settings) -> None:
    """Check that the workspace has its database file, which SQLite would otherwise create.

    Raises:
        StoreError: the file is missing, or the workspace is being restored.
    """
    if settings.database_url == "" and not (settings.workspace / "efterskrift.db").exists():
        _require_no_restoration(settings)
        raise no_store(str(settings.workspace))


def _require_no_restoration(settings: Settings) -> None:
    """Ensure that no restoration was ended before its time: it goes on, and would replace all.

    Raises:
        StoreError: one was.
    """
    if (settings.workspace / RESTORATION_MARK).exists():
        raise StoreError("restore_unfinished", folder=settings.workspace)


def no_store(place: str) -> StoreError:
    """Return the error that there is no store."""
    return StoreError("no_store", place=place)
