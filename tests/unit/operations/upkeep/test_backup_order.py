"""Which backup is the newest, and that folders of earlier programs can be used."""

from __future__ import annotations

import hashlib
import json
import tarfile
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from pipeline.domain.errors import StoreError
from pipeline.domain.settings import Settings
from pipeline.operations.upkeep.backup_check import check_backup, open_keys
from pipeline.operations.upkeep.backup_folder import MANIFEST, BackupFolder
from pipeline.operations.upkeep.store_check import check_store
from pipeline.store.database.store import Store, open_store
from pipeline.store.reports.upkeep import find_last_backup
from tests.unit.operations.upkeep.backed_up import BusyWard, Safe, all_rows, make_safe

pytest_plugins = ("tests.support.store.databases",)
on_sqlite = pytest.mark.parametrize("store_settings", ["sqlite"], indirect=True)
TODAY = datetime(2026, 11, 1, 2, tzinfo=UTC)
OF_1_2_0 = Path(__file__).with_name("backup_1_2_0.tar.gz")
"""A folder with a backup of one entry on two pages, not encrypted, made by 1.2.0."""


@pytest.fixture
def ward(store: Store) -> BusyWard:
    """A ward with a note."""
    busy = BusyWard(store)
    busy.begin()
    busy.work(0, 1)
    return busy


@pytest.fixture
def safe(tmp_path: Path) -> Safe:
    """Where the backups go."""
    return make_safe(tmp_path)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[datetime]:
    """The moment that the clock shows; a test sets it."""
    shown = [TODAY]
    monkeypatch.setattr("pipeline.operations.upkeep.backup.utc_now", lambda: shown[0])
    return shown


@on_sqlite
def test_a_backup_from_the_future_is_an_error_that_a_new_name_ends(
    ward: BusyWard, safe: Safe, store_settings: Settings, tmp_path: Path, clock: list[datetime]
) -> None:
    clock[0] = TODAY + timedelta(days=3650)
    wrong = safe.back_up(ward.store, store_settings).manifest.name
    clock[0] = TODAY
    with pytest.raises(StoreError, match=f"the future, {wrong}") as future:
        safe.back_up(ward.store, store_settings)
    assert future.value.key == ward.store.query(find_last_backup).failure
    assert safe.folder.names() == [wrong]
    renamed = "20261031T020000Z"
    (safe.folder.folder / wrong).rename(safe.folder.folder / renamed)
    safe.restore(tmp_path / "renamed")
    newest = safe.back_up(ward.store, store_settings).manifest
    assert safe.folder.names() == [renamed, newest.name]
    assert safe.folder.load() == newest
    clock[0] += timedelta(days=1)
    last = safe.back_up(ward.store, store_settings, days=1).manifest.name
    assert safe.folder.names() == [last]


@on_sqlite
def test_a_clock_that_was_set_back_a_little_does_not_change_the_order(
    ward: BusyWard, safe: Safe, store_settings: Settings, clock: list[datetime]
) -> None:
    first = safe.back_up(ward.store, store_settings).manifest.name
    clock[0] -= timedelta(minutes=4)
    second = safe.back_up(ward.store, store_settings).manifest.name
    third = safe.back_up(ward.store, store_settings).manifest.name
    assert safe.folder.names() == [first, second, third]
    assert len({first, second, third}) == 3


@on_sqlite
def test_a_backup_whose_manifest_is_damaged_is_named_and_not_the_newest(
    ward: BusyWard, safe: Safe, store_settings: Settings, clock: list[datetime]
) -> None:
    names = []
    for day in range(3):
        clock[0] = TODAY + timedelta(days=day)
        names.append(safe.back_up(ward.store, store_settings).manifest.name)
    (safe.folder.folder / names[2] / MANIFEST).write_bytes(b"{}")
    newest = safe.folder.load()
    assert newest.name == names[1]
    assert safe.folder.list_unreadable() == [names[2]]
    (problem,) = check_backup(safe.folder, newest, open_keys(newest, safe.key)).problems
    assert problem.values["file"] == f"{names[2]}/{MANIFEST}"
    with pytest.raises(StoreError, match=names[2]):
        safe.folder.load(names[2])
    for name in names[:2]:
        (safe.folder.folder / name / MANIFEST).write_bytes(b"{}")
    with pytest.raises(StoreError, match=names[2]):
        safe.folder.load()


def unpack_of_1_2_0(place: Path) -> Safe:
    """The folder with a backup of 1.2.0."""
    place.mkdir()
    with tarfile.open(OF_1_2_0) as archive:
        archive.extractall(place, filter="data")
    return Safe(BackupFolder(place), place, "")


def as_1_1_0(safe: Safe, schema: str) -> None:
    """Write the manifest as 1.1.0 did, with the number of a schema."""
    file = safe.folder.folder / safe.folder.load().name / MANIFEST
    content = json.loads(file.read_bytes())
    for key in ("sha256", "folder", "generation", "sequence", "removed"):
        del content[key]
    content |= {"format": "efterskrift-backup-1", "version": "1.1.0", "schema": schema}
    data = json.dumps(content, sort_keys=True, ensure_ascii=False).encode()
    content["sha256"] = hashlib.sha256(data).hexdigest()
    file.write_text(json.dumps(content), "utf-8")


def assert_goes_on(safe: Safe, settings: Settings, clock: list[datetime]) -> None:
    """The next backup of a restored workspace finds its images in the folder."""
    before = safe.folder.load()
    assert check_backup(safe.folder, before, open_keys(before, None)).problems == []
    clock[0] = before.made_at + timedelta(days=1)
    with closing(open_store(settings)) as store:
        assert check_store(store, "a.b").check.is_whole
        made = safe.back_up(store, settings, is_plain=True)
    assert (made.copied, made.manifest.images) == (0, 2)
    assert safe.folder.names() == [before.name, made.manifest.name]


def test_a_folder_of_1_2_0_is_restored_and_goes_on(tmp_path: Path, clock: list[datetime]) -> None:
    safe = unpack_of_1_2_0(tmp_path / "safe")
    new = Settings(workspace=tmp_path / "new", database_url="")
    assert safe.restore(new.workspace).files == 2
    assert len(all_rows(new)["entry"]) == 1
    assert_goes_on(safe, new, clock)


def test_a_backup_of_1_1_0_names_what_restores_it_and_its_folder_goes_on(
    tmp_path: Path, clock: list[datetime]
) -> None:
    safe = unpack_of_1_2_0(tmp_path / "safe")
    new = Settings(workspace=tmp_path / "new", database_url="")
    safe.restore(new.workspace)
    as_1_1_0(safe, "0016")
    with pytest.raises(StoreError, match="has schema 0016") as refused:
        safe.restore(tmp_path / "other")
    assert "with version 1.2.0" in refused.value.remedy
    assert not (tmp_path / "other").exists()
    assert_goes_on(safe, new, clock)
