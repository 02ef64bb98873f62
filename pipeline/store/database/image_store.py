"""The folder or object store of images that belongs to a database: its id is in both, once.

A new workspace gets an id when it is created, an older one when it is upgraded. From then on no
other place is ever accepted silently, whatever the database holds: it may be the empty mount point
of a disk that is away, or the own folder of a second machine.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator

from sqlalchemy import Column, Connection, func, insert, select, union

from pipeline.domain.settings import Settings
from pipeline.store.database.image_files import NO_ID, ImageFolder, Images
from pipeline.store.schema.exports import archive_package, export_run
from pipeline.store.schema.paper import page
from pipeline.store.schema.registers import image_store
from pipeline.store.schema.review import duplicate_mark, page_area

_SAMPLE = 100
"""So many named files are looked for where the database has no id yet; one is enough."""
_FILE_COLUMNS: tuple[Column[str], ...] = (
    page.c.image_sha256,
    page.c.upright_sha256,
    page_area.c.image_sha256,
    export_run.c.file_sha256,
    archive_package.c.file_sha256,
    duplicate_mark.c.picture_sha256,
)
"""The columns that name files which have to be there."""


def make_images(settings: Settings, store_id: str | None) -> Images:
    """Return the place of the images that the settings name; nothing is asked of it yet.

    Args:
        settings: of the workspace.
        store_id: the id that the database knows; None: not compared.

    Raises:
        SettingsError: the URL or the keys of an object store are not understood.
    """
    if not settings.images_url:
        return ImageFolder(settings.images, store_id)
    # Its library is loaded only where it is used
    from pipeline.store.database.object_images import ObjectImages

    return ObjectImages(settings.images_url, settings.images_key_file, store_id)


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
    """Return the id of the database's place of images, or `NO_ID`."""
    return conn.execute(select(image_store.c.id)).scalar() or NO_ID


def prepare_image_store(conn: Connection, images: Images) -> str:
    """Give a database without an id that of its images, or both a new one; return the database's.

    A place that is not empty has to have one of the files that the database names, and so has an
    object store that has an id; otherwise the database stays without an id.

    Raises:
        StoreUnavailableError: the place is out of reach or cannot be written.
    """
    known = load_image_store_id(conn)
    if known or not _may_be_own(conn, images):
        return known
    return accept_image_store(conn, images)


def accept_image_store(conn: Connection, images: Images) -> str:
    """Make the place that of the database, whatever it holds, and return the id of both.

    Raises:
        StoreUnavailableError: the place is out of reach or cannot be written.
    """
    known, found = load_image_store_id(conn), images.read_id()
    store_id = known or found or secrets.token_hex(16)
    if found != store_id:
        images.write_id(store_id)
    if known != store_id:
        conn.execute(insert(image_store).values(id=store_id))
    return store_id


def _may_be_own(conn: Connection, images: Images) -> bool:
    """Return whether images may be the database's: some that it names, or none at all.

    An object store that has an id already is another database's, also without an image.
    """
    if isinstance(images, ImageFolder):
        is_anothers = not images.folder.is_dir()
    else:
        is_anothers = images.read_id() != NO_ID
    names = [name for column in _FILE_COLUMNS for name in _first_names(conn, column)]
    if names:
        return any(images.has(name) for name in names)
    return not is_anothers and next(images.list_names(), None) is None


def _first_names(conn: Connection, column: Column[str]) -> list[str]:
    query = select(column).where(column.is_not(None), func.length(column) > 0).limit(_SAMPLE)
    return [name for name in conn.execute(query).scalars() if name]
