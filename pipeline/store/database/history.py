"""Which revision a database has, and which revisions this version of the program knows.

Reads and writes Alembic's own table without importing Alembic: every command checks the revision,
but only `efterskrift upgrade` runs migrations.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

from sqlalchemy import (
    Column,
    Connection,
    MetaData,
    PrimaryKeyConstraint,
    String,
    Table,
    insert,
    inspect,
    select,
    text,
)

from pipeline.domain.errors import SchemaOutdatedError, SchemaTooNewError
from pipeline.store.schema.paper import schema_info

FOLDER = Path(__file__).resolve().parent / "migrations"
_SCHEMA_LOCK = 0x45667465
"""The number of PostgreSQL's advisory lock for changes of the schema."""

# As Alembic declares it; in metadata of its own, since it is not part of the compared schema
alembic_version = Table(
    "alembic_version",
    MetaData(),
    Column("version_num", String(32), nullable=False),
    PrimaryKeyConstraint("version_num", name="alembic_version_pkc"),
)


@cache
def revisions() -> tuple[str, ...]:
    """Return the revisions that this program knows, oldest first."""
    return tuple(sorted(path.name[:4] for path in (FOLDER / "versions").glob("[0-9]*_*.py")))


def head() -> str:
    """Return the revision that this program needs."""
    return revisions()[-1]


def database_revision(conn: Connection, *, hold: bool = False) -> str | None:
    """Return a database's revision: four digits, a number from before 1.0.0, or None if empty.

    Args:
        conn: a transaction.
        hold: keep upgrades from beginning before the transaction ends. SQLite needs nothing for
            that: a transaction that writes holds the whole file.
    """
    tables = inspect(conn)
    # A shared lock on the row keeps upgrades waiting
    if tables.has_table(alembic_version.name):
        query = select(alembic_version.c.version_num)
        revision = conn.execute(query.with_for_update(read=True) if hold else query).scalar()
        if revision is not None:
            return str(revision)
    # A database from before version 1.0.0, or an empty one
    if not tables.has_table(schema_info.name):
        return None
    return str(conn.execute(select(schema_info.c.version)).scalar_one())


def require_head(conn: Connection, store: str, *, hold: bool = False) -> bool:
    """Check that a database has the schema that this program needs.

    Args:
        conn: a transaction.
        store: the database's name for the error.
        hold: as for `database_revision`.

    Returns:
        True, or False for a database without tables.

    Raises:
        SchemaOutdatedError: the schema is older; the remedy names what upgrades it.
        SchemaTooNewError: the schema is of a later version of the program.
    """
    revision = database_revision(conn, hold=hold)
    if revision is not None and revision != head():
        require_known(revision, store)
        raise SchemaOutdatedError("schema_outdated", store=store, found=revision, needed=head())
    return revision is not None


def require_known(revision: str, store: str) -> None:
    """Check that a revision is in this program's history, which begins with version 1.2.0.

    Raises:
        SchemaOutdatedError: it is from before, or of no release; version 1.2.0 upgrades it.
        SchemaTooNewError: it is of a later version of the program.
    """
    is_known = revision in revisions()
    if len(revision) < len(head()) or (revision < head() and not is_known):
        raise SchemaOutdatedError("schema_before_history", store=store, found=revision)
    if not is_known:
        raise SchemaTooNewError("schema_too_new", store=store, found=revision, known=head())


def stamp_head(conn: Connection) -> None:
    """Store in a database whose tables were just created that it has the latest schema."""
    alembic_version.create(conn)
    conn.execute(insert(alembic_version).values(version_num=head()))


def lock_schema(conn: Connection) -> None:
    """Let one transaction at a time create or upgrade the schema; SQLite has one writer anyway."""
    if conn.dialect.name == "postgresql":
        conn.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _SCHEMA_LOCK})
