"""A workspace at work that can be backed up, and the comparison of two databases row by row."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection, select

from pipeline.domain.settings import Settings
from pipeline.operations.upkeep.backup import Backup, BackupOrder, make_backup
from pipeline.operations.upkeep.backup_check import open_keys
from pipeline.operations.upkeep.backup_folder import BackupFolder
from pipeline.operations.upkeep.encryption import PublicKeys, write_new_key
from pipeline.operations.upkeep.restore import Restoration, RestoreOrder, restore_backup
from pipeline.review import decisions
from pipeline.store.database.store import Store, open_store
from pipeline.store.paper.pages import create_batch
from pipeline.store.schema.paper import metadata
from tests.support.pages.small_pages import foreign_page
from tests.support.store.ward import EVA as REVIEWER
from tests.support.store.ward import (
    FORMS,
    NORTH,
    NOTE,
    NOW,
    PLAN,
    SAID,
    Ward,
    answers,
    page_reading,
)

Rows = dict[str, list[tuple[object, ...]]]


@dataclass
class BusyWard(Ward):
    """A ward whose pages have images in the store."""

    def begin_batch(self) -> None:
        """Begin another batch of pages."""
        with self.store.begin() as conn:
            self.batch = create_batch(conn, NORTH, "Pärm 4", "admin")

    def work(self, start: int, count: int) -> None:
        """Take in, read and decide so many notes of two pages each."""
        for number in range(start, start + count):
            serial = f"S{number:04d}"
            self.read(self._scan_image(2 * number), page_reading(NOTE, serial, SAID))
            self.read(self._scan_image(2 * number + 1), page_reading(NOTE, serial, PLAN, page_no=2))
            with self.store.begin() as conn:
                said = answers({**SAID, **PLAN})
                decisions.decide_entry(
                    conn, FORMS, REVIEWER, decisions.Decision(f"{serial}-00", 0, said), NOW
                )

    def _scan_image(self, number: int) -> str:
        picture = foreign_page(number)
        self.store.images.put(picture)
        return self.scan(picture)


@dataclass
class Safe:
    """A folder of backups with its key."""

    folder: BackupFolder
    key: Path
    public: str

    def back_up(
        self, store: Store, settings: Settings, *, days: int = 0, is_plain: bool = False
    ) -> Backup:
        """Back up a workspace."""
        keys = PublicKeys(() if is_plain else (self.public,))
        return make_backup(store, settings, BackupOrder(self.folder, keys, "a.b", days))

    def restore(
        self,
        workspace: Path,
        database_url: str = "",
        *,
        name: str = "",
        is_incomplete: bool = False,
    ) -> Restoration:
        """Restore a backup with the key."""
        manifest = self.folder.load(name)
        keys = open_keys(manifest, self.key)
        assert keys is not None
        order = RestoreOrder(manifest, keys, workspace, database_url, is_incomplete)
        return restore_backup(
            self.folder, order, Settings(workspace=workspace, database_url=database_url), "a.b"
        )

    def images(self) -> list[Path]:
        """The files of all images."""
        return sorted((self.folder.folder / "images").glob("*/??/*"))


def make_safe(place: Path) -> Safe:
    """An empty folder of backups, and a new key elsewhere."""
    (place / "safe").mkdir()
    key = place / "backup.key"
    return Safe(BackupFolder(place / "safe"), key, write_new_key(key))


def rows_of(conn: Connection) -> Rows:
    """Every row of every table, in an order of its own."""
    return {
        table.name: sorted((tuple(row) for row in conn.execute(select(table))), key=repr)
        for table in metadata.sorted_tables
    }


def all_rows(settings: Settings) -> Rows:
    """Every row of a workspace's database."""
    store = open_store(settings)
    try:
        with store.snapshot() as conn:
            return rows_of(conn)
    finally:
        store.close()
