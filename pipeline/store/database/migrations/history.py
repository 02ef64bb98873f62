"""Which revision a database has, and which revisions this version of the program knows.

Reads and writes Alembic's own table without importing Alembic: every command asks for the
revision, and only `efterskrift upgrade` runs migrations.
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

FOLDER = Path(__file__).resolve().parent
NUMBERED = tuple(str(version) for version in range(1, 9))
"""The schemas from before Alembic, which `schema_info` numbers; the baseline raises all of them."""
_SCHEMA_LOCK = 0x45667465

# As Alembic itself declares it; in no other metadata, so that it is no part of the schema compared.
alembic_version = Table(
    "alembic_version",
    MetaData(),
    Column("version_num", String(32), nullable=False),
    PrimaryKeyConstraint("version_num", name="alembic_version_pkc"),
)


@cache
def revisions() -> tuple[str, ...]:
    """List the revisions that this program knows, the oldest first."""
    return tuple(sorted(path.name[:4] for path in (FOLDER / "versions").glob("[0-9]*_*.py")))


def head() -> str:
    """Name the revision that this program needs."""
    return revisions()[-1]


def database_revision(conn: Connection, *, hold: bool = False) -> str | None:
    """Read a database's revision: four digits, a number from before Alembic, or None if empty.

    Args:
        conn: a transaction.
        hold: let no upgrade begin before the transaction ends. SQLite needs nothing for that: a
            transaction that writes holds the whole file.
    """
    tables = inspect(conn)
    if tables.has_table(alembic_version.name):
        query = select(alembic_version.c.version_num)
        found = conn.execute(query.with_for_update(read=True) if hold else query).scalar()
        if found is not None:
            return str(found)
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
        SchemaOutdatedError: the schema is older; `efterskrift upgrade` raises it.
        SchemaTooNewError: the schema is of a later version of the program.
    """
    found = database_revision(conn, hold=hold)
    if found is not None and found != head():
        require_known(found, store)
        raise SchemaOutdatedError("schema_outdated", store=store, found=found, needed=head())
    return found is not None


def require_known(revision: str, store: str) -> None:
    """Check that a revision is one of this program's history.

    Raises:
        SchemaTooNewError: it is of a later version of the program.
    """
    if revision not in {*NUMBERED, *revisions()}:
        raise SchemaTooNewError("schema_too_new", store=store, found=revision, known=head())


def stamp_head(conn: Connection) -> None:
    """Note in a database whose tables were just created that it has the latest schema."""
    alembic_version.create(conn)
    conn.execute(insert(alembic_version).values(version_num=head()))


def lock_schema(conn: Connection) -> None:
    """Let one transaction at a time create or upgrade the schema. SQLite has one writer anyway."""
    if conn.dialect.name == "postgresql":
        conn.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _SCHEMA_LOCK})
