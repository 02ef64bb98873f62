"""The folder of images."""

from __future__ import annotations

import errno
import hashlib
import os
import time
from collections.abc import Callable
from pathlib import Path
from threading import Thread

import pytest

from pipeline.domain.errors import ImagesAwayError, StoreError, StoreUnavailableError
from pipeline.domain.settings import Settings
from pipeline.store.database import image_files
from pipeline.store.database.image_files import ImageFolder
from pipeline.store.database.store import open_store
from pipeline.store.paper.pages import NewPage, add_page, create_batch
from tests.support.image_folder import folder_of


@pytest.fixture
def images(tmp_path: Path) -> ImageFolder:
    """An empty folder."""
    return ImageFolder(tmp_path)


def files(images: ImageFolder) -> list[Path]:
    """All files that lie there."""
    return [path for path in images.folder.rglob("*") if path.is_file()]


def test_bytes_come_back_and_are_kept_once(images: ImageFolder) -> None:
    sha256 = images.put(b"page")
    assert sha256 == hashlib.sha256(b"page").hexdigest()
    before = images.path(sha256).stat().st_mtime_ns
    assert images.put(b"page") == sha256
    assert images.get(sha256) == b"page"
    assert files(images) == [images.path(sha256)]
    assert images.path(sha256).stat().st_mtime_ns == before


def test_bytes_stored_again_heal_a_damaged_file(images: ImageFolder) -> None:
    sha256 = images.put(b"page")
    images.path(sha256).write_bytes(b"pagE")
    assert images.put(b"page") == sha256
    assert images.get(sha256) == b"page"
    assert files(images) == [images.path(sha256)]


def test_a_disk_that_keeps_other_bytes_is_noticed(
    images: ImageFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(image_files, "has_digest", lambda *_: False)
    with pytest.raises(StoreUnavailableError, match="came out different"):
        images.put(b"page")
    assert files(images) == []


def _lose_folder(folder: Path) -> None:
    folder.rename(folder.with_name("away"))


def _leave_mount_point(folder: Path) -> None:
    _lose_folder(folder)
    folder.mkdir()


def _mount_another(folder: Path) -> None:
    _leave_mount_point(folder)
    ImageFolder(folder).write_id("0" * 32)


@pytest.mark.parametrize("leave", [_lose_folder, _leave_mount_point, _mount_another])
def test_a_folder_that_is_not_the_databases_is_neither_read_nor_written(
    tmp_path: Path, leave: Callable[[Path], None]
) -> None:
    store = open_store(Settings(workspace=tmp_path, database_url=""), create=True)
    sha256 = store.images.put(b"page")
    leave(folder_of(store).folder)
    with pytest.raises(ImagesAwayError):
        store.images.get(sha256)
    with pytest.raises(ImagesAwayError):
        store.images.put(b"other")
    assert not folder_of(store).path(sha256).parent.exists()
    store.close()


def test_a_disk_that_goes_while_a_file_is_read_is_not_the_files_fault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = open_store(Settings(workspace=tmp_path, database_url=""), create=True)
    sha256 = store.images.put(b"page")
    _lose_folder(folder_of(store).folder)
    real, calls = image_files.read_folder_id, iter([True, False])
    monkeypatch.setattr(
        image_files,
        "read_folder_id",
        lambda folder: real(folder.with_name("away") if next(calls) else folder),
    )
    with pytest.raises(ImagesAwayError):
        store.images.get(sha256)
    store.close()


def test_a_workspace_opened_for_creation_again_accepts_no_empty_folder(tmp_path: Path) -> None:
    settings = Settings(workspace=tmp_path, database_url="")
    store = open_store(settings, create=True)
    with store.begin() as conn:
        batch = create_batch(conn, "Norr", "", "a.b")
        image = store.images.put(b"page")
        add_page(conn, NewPage(batch, 1, "a.png", 1, None, image, "image/png"), "a.b")
    store.close()
    _lose_folder(settings.images)
    again = open_store(settings, create=True)
    with pytest.raises(ImagesAwayError):
        again.images.put(b"other")
    again.close()


def test_damage_and_loss_are_noticed(images: ImageFolder) -> None:
    sha256 = images.put(b"page")
    images.path(sha256).write_bytes(b"pagE")
    with pytest.raises(StoreError, match="damaged"):
        images.get(sha256)
    images.path(sha256).unlink()
    with pytest.raises(StoreError, match="cannot be read"):
        images.get(sha256)


@pytest.mark.parametrize("name", ["", "../../etc/passwd", "A" * 64, "0" * 63, "0" * 64 + "\n"])
def test_only_digests_are_names(images: ImageFolder, name: str) -> None:
    with pytest.raises(StoreError):
        images.path(name)


@pytest.mark.parametrize(("module", "step"), [(os, "fsync"), (Path, "replace")])
def test_a_full_disk_leaves_nothing_behind(
    images: ImageFolder, monkeypatch: pytest.MonkeyPatch, module: object, step: str
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(module, step, full)
    with pytest.raises(StoreUnavailableError, match="No space"):
        images.put(b"page")
    assert files(images) == []


def test_a_folder_whose_disk_is_not_connected_is_not_made_anew(tmp_path: Path) -> None:
    """What is written below a mount point is not seen any more once the disk is there."""
    images = ImageFolder(tmp_path / "images")
    with pytest.raises(StoreUnavailableError, match="cannot be written"):
        images.put(b"page")
    assert not images.folder.exists()


def test_many_writers_of_the_same_bytes_agree(images: ImageFolder) -> None:
    found: list[str] = []
    threads = [Thread(target=lambda: found.append(images.put(b"page" * 100_000))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8
    assert files(images) == [images.path(found[0])]


def test_a_file_that_another_process_finishes_meanwhile_is_no_leftover(images: ImageFolder) -> None:
    (images.folder / "finished.part").symlink_to(
        "gone"
    )  # seen in the folder, and not there when it is looked at
    assert images.remove_stale_partials() == 0


def test_leftovers_of_killed_processes_are_swept(images: ImageFolder) -> None:
    images.put(b"page")
    old, young = images.folder / "old.part", images.folder / "young.part"
    for path in (old, young):
        path.write_bytes(b"half")
    os.utime(old, (time.time() - 7200,) * 2)
    assert images.remove_stale_partials() == 1
    assert not old.exists()
    assert young.exists()
