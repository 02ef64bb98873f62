"""The folder of images that belongs to a database: its id is written to both, once.

A new workspace gets an id when it is created, an older one when it is upgraded. A folder without
the id is never accepted silently once the database knows files that should be there: it may be the
empty mount point of a disk that is away.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from sqlalchemy import Column, Connection, func, insert, select, union

from pipeline.domain.errors import StoreUnavailableError
from pipeline.store.database.image_files import NO_ID, read_folder_id, write_folder_id
from pipeline.store.schema.exports import archive_package, export_run
from pipeline.store.schema.paper import page
from pipeline.store.schema.review import duplicate_mark
from pipeline.store.schema.upkeep import image_store

_SAMPLE = 100
"""So many named files are looked for in a folder that has no id yet; one is enough."""
_FILE_COLUMNS: tuple[Column[str], ...] = (
    page.c.image_sha256,
    page.c.upright_sha256,
    export_run.c.file_sha256,
    archive_package.c.file_sha256,
    duplicate_mark.c.picture_sha256,
)
"""The columns that name files which have to be there."""


def list_named_files(conn: Connection) -> Iterator[str]:
    """Yield the SHA-256 of every file that the database names, each once, in order."""
    named = union(*(select(column.label("name")) for column in _FILE_COLUMNS)).subquery()
    query = select(named.c.name).where(named.c.name.is_not(None), named.c.name != "")
    yield from conn.execute(query.order_by(named.c.name)).scalars()


def list_source_files(conn: Connection) -> set[str]:
    """Return the SHA-256 of files with pages that could not be imported: they may be there too."""
    query = select(page.c.source_sha256).where(page.c.image_sha256.is_(None))
    return {name for name in conn.execute(query.distinct()).scalars() if name}


def find_file_uses(conn: Connection, sha256: str) -> tuple[str, ...]:
    """Return what a file is, such as `page 20260101-1a2b3c4d-00001`; there may be several."""
    uses = []
    for column in _FILE_COLUMNS:
        key = next(iter(column.table.primary_key.columns))
        ids = conn.execute(select(key).where(column == sha256).order_by(key)).scalars()
        uses += [f"{column.table.name} {found}" for found in ids]
    return tuple(uses)


def load_image_store_id(conn: Connection) -> str:
    """Return the id of the database's folder of images, or `NO_ID`."""
    return conn.execute(select(image_store.c.id)).scalar() or NO_ID


def prepare_image_store(conn: Connection, folder: Path) -> str:
    """Give folder and database the same id if they have none, and return the database's.

    The folder of a database without any file is taken as it is. Otherwise a folder without an id
    has to have one of the files, and a database without an id stays so if it has none.

    Raises:
        StoreUnavailableError: the folder cannot be written.
    """
    known = load_image_store_id(conn)
    found = _find_folder_id(folder)
    if found and known:
        return known
    if not found and not _may_be_own(conn, folder):
        return known
    return accept_image_store(conn, folder)


def accept_image_store(conn: Connection, folder: Path) -> str:
    """Make the folder that of the database, whatever it holds, and return the id of both.

    Raises:
        StoreUnavailableError: the folder is missing or cannot be written.
    """
    known, found = load_image_store_id(conn), _find_folder_id(folder)
    folder_id = known or found or secrets.token_hex(16)
    if found != folder_id:
        try:
            write_folder_id(folder, folder_id)
        except OSError as error:
            raise StoreUnavailableError(
                "folder_not_written", folder=folder, reason=error.strerror
            ) from error
    if known != folder_id:
        conn.execute(insert(image_store).values(id=folder_id))
    return folder_id


def _find_folder_id(folder: Path) -> str:
    with suppress(OSError):
        return read_folder_id(folder)
    return NO_ID


def _may_be_own(conn: Connection, folder: Path) -> bool:
    """Return whether a folder without an id may be the database's: nothing it names is needed."""
    if not folder.is_dir():
        return False
    names = [name for column in _FILE_COLUMNS for name in _first_names(conn, column)]
    return not names or any((folder / name[:2] / name).is_file() for name in names)


def _first_names(conn: Connection, column: Column[str]) -> list[str]:
    query = select(column).where(column.is_not(None), func.length(column) > 0).limit(_SAMPLE)
    return [name for name in conn.execute(query).scalars() if name]
