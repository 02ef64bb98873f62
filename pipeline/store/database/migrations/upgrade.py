"""Upgrade a store to this version's schema, after a backup copy."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection, inspect
from sqlalchemy.exc import StatementError

from pipeline.domain.settings import Settings
from pipeline.store.database.copies import back_up
from pipeline.store.database.engines import (
    check_foreign_keys,
    make_engine,
    redact_error,
    suspend_foreign_keys,
    write_turn,
)
from pipeline.store.database.history import (
    database_revision,
    head,
    lock_schema,
    require_known,
)
from pipeline.store.database.image_store import make_images, prepare_image_store
from pipeline.store.database.store import no_store, require_store_file
from pipeline.store.schema.clock import utc_now


@dataclass(frozen=True, slots=True)
class Upgrade:
    """The revisions before and after, and where the backup copy is."""

    store: str
    before: str
    after: str
    backup: Path | None = None

    @property
    def is_needed(self) -> bool:
        """Whether the store has an older schema."""
        return self.before != self.after


def upgrade_store(
    settings: Settings, *, backup: bool = True, report: Callable[[Upgrade], None] = lambda _: None
) -> Upgrade:
    """Upgrade a store of version 1.2.0 or later to the latest revision, in one transaction.

    Of several processes that upgrade at once, one does so; the others wait and find it done. An
    upgrade that fails or is killed leaves the database as it was.

    Args:
        settings: of the workspace.
        backup: make a copy of the database first.
        report: called with what will be done, once the backup copy is made.

    Raises:
        StoreError: there is no store, or the upgrade failed.
        SchemaOutdatedError: the store is from before version 1.2.0, which upgrades it first.
        SchemaTooNewError: the store is of a later version of the program.
        StoreUnavailableError: the database is locked or out of reach, or the copy cannot be
            written.
        MissingProgramError: pg_dump is not installed.
    """
    require_store_file(settings)
    engine = make_engine(settings.url)
    name = engine.url.render_as_string(hide_password=True)
    try:
        with write_turn(engine), engine.connect() as conn:
            # Before the transaction begins, since SQLite ignores it later
            suspend_foreign_keys(conn)
            with conn.begin():
                return _upgrade(conn, name, settings, backup, report)
    except StatementError as error:
        raise redact_error(error, name) from None
    finally:
        engine.dispose()


def _upgrade(
    conn: Connection,
    name: str,
    settings: Settings,
    backup: bool,
    report: Callable[[Upgrade], None],
) -> Upgrade:
    # Wait for other upgrades, then look at the revision
    lock_schema(conn)
    revision = database_revision(conn)
    if revision is None:
        raise no_store(name)
    require_known(revision, name)
    if revision == head():
        return Upgrade(name, revision, revision)
    # Nobody writes between the copy and the migrations
    _keep_writers_out(conn)
    copy = back_up(conn, settings.workspace, revision, utc_now()) if backup else None
    upgrade = Upgrade(name, revision, head(), copy)
    report(upgrade)

    # Alembic is imported only when there is something to upgrade
    from pipeline.store.database.migrations.run import migrate

    migrate(conn)
    check_foreign_keys(conn, name)
    prepare_image_store(conn, make_images(settings, None))
    return upgrade


def _keep_writers_out(conn: Connection) -> None:
    """Let others only read until the end, so that the backup copy is what was upgraded."""
    if conn.dialect.name == "postgresql":
        names = ", ".join(f'"{name}"' for name in sorted(inspect(conn).get_table_names()))
        conn.exec_driver_sql(f"LOCK TABLE {names} IN EXCLUSIVE MODE")
