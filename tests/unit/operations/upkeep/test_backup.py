"""What a backup holds, what it does not copy again, and when it refuses."""

from __future__ import annotations

import errno
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from pipeline.domain.errors import StoreError, StoreUnavailableError, UsageError
from pipeline.domain.settings import Settings
from pipeline.operations.upkeep import backup_folder
from pipeline.operations.upkeep.backup import BackupOrder, make_backup
from pipeline.operations.upkeep.backup_check import check_backup, open_keys
from pipeline.operations.upkeep.backup_folder import BackupFolder
from pipeline.operations.upkeep.encryption import PublicKeys, read_private_keys, write_new_key
from pipeline.store.database.store import Store, open_store
from pipeline.store.reports.upkeep import BackupState, find_last_backup
from tests.support.image_folder import folder_of
from tests.unit.operations.upkeep.backed_up import BusyWard, Safe, make_safe

pytest_plugins = ("tests.support.store.databases",)
pytestmark = pytest.mark.parametrize("store_settings", ["sqlite"], indirect=True)
NOTES = 3


@pytest.fixture
def ward(store: Store) -> BusyWard:
    """A ward with some notes."""
    busy = BusyWard(store)
    busy.begin()
    busy.work(0, NOTES)
    return busy


@pytest.fixture
def safe(tmp_path: Path) -> Safe:
    """Where the backups go."""
    return make_safe(tmp_path)


@pytest.fixture(autouse=True)
def ticking(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each backup gets a name of its own although they are made within a second."""
    moments = (datetime(2026, 11, 1, 12, tzinfo=UTC) + timedelta(hours=20 * n) for n in range(99))
    monkeypatch.setattr("pipeline.operations.upkeep.backup.utc_now", lambda: next(moments))


def problems(safe: Safe, *, with_key: bool = True, name: str = "") -> list[str]:
    """What is wrong with a backup."""
    manifest = safe.folder.load(name)
    keys = open_keys(manifest, safe.key if with_key else None)
    return [problem.key for problem in check_backup(safe.folder, manifest, keys).problems]


def last_backup(store: Store) -> BackupState:
    """What the workspace knows of its last backup."""
    with store.read() as conn:
        return find_last_backup(conn)


def test_a_backup_is_whole_and_says_what_it_holds(
    ward: BusyWard, safe: Safe, store_settings: Settings
) -> None:
    assert last_backup(ward.store) == BackupState()
    made = safe.back_up(ward.store, store_settings)
    manifest = safe.folder.load()
    assert manifest == made.manifest
    assert (manifest.images, made.copied, manifest.tables["page"].rows) == (6, 6, 6)
    assert problems(safe) == problems(safe, with_key=False) == []
    readme = (safe.folder.folder / "README.txt").read_text("utf-8")
    assert "efterskrift restore DENNA-MAPP" in readme
    assert "efterskrift restore THIS-FOLDER" in readme
    state = last_backup(ward.store)
    assert state.last_at is not None
    assert (state.missing, state.failed_at) == (0, None)


def test_nothing_of_it_can_be_read_without_the_key(
    ward: BusyWard, safe: Safe, store_settings: Settings, tmp_path: Path
) -> None:
    (store_settings.workspace / "settings.yaml").write_text("care_provider: hemligt\n")
    safe.back_up(ward.store, store_settings)
    stored = [path.read_bytes() for path in safe.folder.folder.rglob("*") if path.is_file()]
    for word in (b"Asta Provberg", b"hemligt", b"\x89PNG", b"Disa Penn"):
        assert not any(word in data for data in stored)
    write_new_key(tmp_path / "other.key")
    manifest = safe.folder.load()
    with pytest.raises(UsageError) as wrong:
        check_backup(safe.folder, manifest, read_private_keys(tmp_path / "other.key"))
    assert wrong.value.key == "error.backup_key_does_not_fit"


def test_each_of_two_keys_opens_it_and_a_new_key_leaves_older_backups_readable(
    ward: BusyWard, safe: Safe, store_settings: Settings, tmp_path: Path
) -> None:
    first = safe.back_up(ward.store, store_settings).manifest
    other = write_new_key(tmp_path / "other.key")
    order = BackupOrder(safe.folder, PublicKeys((safe.public, other)), "a.b")
    both = make_backup(ward.store, store_settings, order)
    assert both.copied == both.manifest.images
    for file in (safe.key, tmp_path / "other.key"):
        keys = read_private_keys(file)
        assert check_backup(safe.folder, both.manifest, keys).problems == []
    assert problems(safe, name=first.name) == []


def test_images_are_copied_once(ward: BusyWard, safe: Safe, store_settings: Settings) -> None:
    safe.back_up(ward.store, store_settings)
    before = {path: path.stat().st_mtime_ns for path in safe.images()}
    ward.work(NOTES, 1)
    made = safe.back_up(ward.store, store_settings)
    assert (made.copied, made.manifest.images) == (2, 8)
    assert all(path.stat().st_mtime_ns == at for path, at in before.items())


def test_a_changed_bit_is_found_everywhere(
    ward: BusyWard, safe: Safe, store_settings: Settings
) -> None:
    name = safe.back_up(ward.store, store_settings).manifest.name
    parts = sorted((safe.folder.folder / name).iterdir())
    assert [path.name for path in parts] == ["images", "manifest.json", "rows-00001", "workspace"]
    for path in (*parts, safe.images()[0]):
        before = path.read_bytes()
        flip(path)
        for with_key in (True, False):
            try:
                found = problems(safe, with_key=with_key)
            except StoreError as error:
                found = [error.key]
            assert found == ["error.backup_part_damaged"], path
        path.write_bytes(before)
    safe.images()[0].unlink()
    assert problems(safe) == ["error.backup_part_missing"]


def test_the_next_backup_copies_an_image_again_that_was_removed_or_cut_short(
    ward: BusyWard, safe: Safe, store_settings: Settings
) -> None:
    safe.back_up(ward.store, store_settings)
    safe.images()[0].unlink()
    safe.images()[1].write_bytes(b"short")
    assert safe.back_up(ward.store, store_settings).copied == 2
    assert problems(safe) == []


def flip(file: Path) -> None:
    """Change a bit of a file, as an old disk does."""
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(data)


def test_a_damaged_image_that_is_deleted_is_copied_again_for_all_backups(
    ward: BusyWard, safe: Safe, store_settings: Settings, tmp_path: Path
) -> None:
    first = safe.back_up(ward.store, store_settings).manifest.name
    image = safe.images()[0]
    flip(image)
    safe.back_up(ward.store, store_settings)
    assert problems(safe) == ["error.backup_part_damaged"]
    image.unlink()
    assert safe.back_up(ward.store, store_settings).copied == 1
    assert problems(safe) == problems(safe, with_key=False) == problems(safe, name=first) == []
    assert safe.restore(tmp_path / "old", name=first).lost_images == 0


def test_a_damaged_list_of_images_does_not_stop_the_next_backup(
    ward: BusyWard, safe: Safe, store_settings: Settings
) -> None:
    first = safe.back_up(ward.store, store_settings).manifest.name
    flip(safe.folder.folder / first / "images")
    assert safe.back_up(ward.store, store_settings).copied == 0
    assert problems(safe) == problems(safe, with_key=False) == []


def test_an_image_that_the_disk_changes_is_noticed_while_it_is_copied(
    ward: BusyWard, safe: Safe, store_settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = BackupFolder.read
    monkeypatch.setattr(BackupFolder, "read", lambda self, name: whole(self, name)[:-1])
    with pytest.raises(StoreError) as damaged:
        safe.back_up(ward.store, store_settings)
    assert str(damaged.value.values["file"]).startswith("images/")
    assert safe.folder.names() == []


def test_an_image_that_the_workspace_lost_is_told_and_taken_from_before(
    ward: BusyWard, safe: Safe, store_settings: Settings
) -> None:
    safe.back_up(ward.store, store_settings)
    lost = next(ward.store.images.list_names())
    folder_of(ward.store).path(lost).unlink()
    assert safe.back_up(ward.store, store_settings).manifest.missing == ()
    other = make_safe_beside(safe)
    assert other.back_up(ward.store, store_settings).manifest.missing == (lost,)
    assert last_backup(ward.store).missing == 1


def make_safe_beside(safe: Safe) -> Safe:
    """A second folder with the same key."""
    folder = safe.folder.folder.with_name("usb")
    folder.mkdir()
    return Safe(BackupFolder(folder), safe.key, safe.public)


def test_only_an_encrypted_backup_has_the_key_of_two_step_login(
    ward: BusyWard, safe: Safe, store_settings: Settings, tmp_path: Path
) -> None:
    (store_settings.workspace / "second-factor.key").write_text("key")
    safe.back_up(ward.store, store_settings)
    safe.restore(tmp_path / "encrypted")
    other = make_safe_beside(safe)
    other.back_up(ward.store, store_settings, is_plain=True)
    other.restore(tmp_path / "plain")
    there = [
        name for name in ("encrypted", "plain") if (tmp_path / name / "second-factor.key").exists()
    ]
    assert there == ["encrypted"]


def test_old_backups_go_with_the_images_that_only_they_named(
    ward: BusyWard, safe: Safe, store_settings: Settings
) -> None:
    made = [safe.back_up(ward.store, store_settings).manifest.name for _ in range(3)]
    nobody = safe.folder.folder / safe.folder.image_name(
        PublicKeys((safe.public,)).id, "ab" + "0" * 62
    )
    nobody.parent.mkdir(exist_ok=True)
    nobody.write_bytes(b"named by no backup")
    (safe.folder.folder / "20200101T000000Z").mkdir()
    last = safe.back_up(ward.store, store_settings, days=2)
    assert safe.folder.names() == [made[2], last.manifest.name]
    assert last.removed == 2
    assert not nobody.exists()
    assert problems(safe) == problems(safe, name=made[2]) == []


def test_the_last_backup_without_missing_images_is_always_kept(
    ward: BusyWard, safe: Safe, store_settings: Settings
) -> None:
    good = safe.back_up(ward.store, store_settings).manifest.name
    ward.work(NOTES, 1)
    for name in list(ward.store.images.list_names()):
        folder_of(ward.store).path(name).unlink()
    for _ in range(4):
        newest = safe.back_up(ward.store, store_settings, days=1).manifest
    assert newest.missing
    assert safe.folder.names() == [good, newest.name]


def test_a_full_disk_is_named_and_leaves_the_backups_before_whole(
    ward: BusyWard, safe: Safe, store_settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = safe.back_up(ward.store, store_settings).manifest.name
    ward.work(NOTES, 1)

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(backup_folder, "flush_to_disk", full)
    with pytest.raises(StoreUnavailableError, match="No space left"):
        safe.back_up(ward.store, store_settings)
    monkeypatch.undo()
    assert safe.folder.names() == [name]
    assert not list(safe.folder.folder.rglob("*.partial"))
    assert problems(safe) == []
    assert last_backup(ward.store).failure == "error.backup_folder_failed"


@pytest.mark.parametrize("place", ["away", "workspace/backup", "."])
def test_a_folder_that_is_away_or_shares_the_fate_of_the_workspace_is_refused(
    ward: BusyWard, safe: Safe, store_settings: Settings, tmp_path: Path, place: str
) -> None:
    refused = Safe(BackupFolder(tmp_path / place), safe.key, safe.public)
    with pytest.raises((StoreUnavailableError, UsageError)) as error:
        refused.back_up(ward.store, store_settings)
    expected = "error.backup_folder_failed" if place == "away" else "error.backup_in_workspace"
    assert error.value.key == expected
    assert not (tmp_path / "away").exists()


def test_two_backups_at_once_and_those_of_others_are_refused(
    ward: BusyWard, safe: Safe, store_settings: Settings, tmp_path: Path
) -> None:
    with safe.folder.alone(), pytest.raises(StoreError) as running:
        safe.back_up(ward.store, store_settings)
    assert running.value.key == "error.backup_running"
    safe.back_up(ward.store, store_settings)
    other = Settings(workspace=tmp_path / "other", database_url="")
    with pytest.raises(UsageError) as strange:
        safe.back_up(open_store(other, create=True), other)
    assert strange.value.key == "error.backup_folder_of_other"


def test_pages_whose_folder_of_images_is_away_are_not_backed_up_as_missing(
    ward: BusyWard, safe: Safe, store_settings: Settings
) -> None:
    folder_of(ward.store).folder.rename(folder_of(ward.store).folder.with_name("away"))
    with pytest.raises(StoreUnavailableError):
        safe.back_up(ward.store, store_settings)
    assert safe.folder.names() == []
