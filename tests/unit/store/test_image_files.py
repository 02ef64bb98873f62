"""The folder of images."""

from __future__ import annotations

import errno
import hashlib
import os
import time
from pathlib import Path
from threading import Thread

import pytest

from pipeline.domain.errors import StoreError, StoreUnavailableError
from pipeline.store.database.image_files import ImageFolder


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
