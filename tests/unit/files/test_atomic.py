"""What takes the place of a file is there whole, or the file is as it was."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

import pytest

from pipeline.files.atomic import write_atomically, write_private


def test_two_that_write_one_file_at_once_both_write_it_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "words.json"
    flushed = os.fsync

    def while_another_writes(handle: int) -> None:
        monkeypatch.setattr(os, "fsync", flushed)
        write_atomically(file, "of the other\n")
        told.append(file.read_text("utf-8"))
        flushed(handle)

    told: list[str] = []
    monkeypatch.setattr(os, "fsync", while_another_writes)
    write_atomically(file, "of the one\n")
    assert told == ["of the other\n"]
    assert file.read_text("utf-8") == "of the one\n"
    assert list(tmp_path.iterdir()) == [file]


def test_a_full_disk_leaves_the_file_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    file = tmp_path / "words.json"
    write_atomically(file, "before\n")
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        write_atomically(file, "after\n")
    assert file.read_text("utf-8") == "before\n"
    assert list(tmp_path.iterdir()) == [file]


def test_what_is_secret_is_its_owners_only_and_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    file = tmp_path / "names.csv"
    file.write_bytes(b"before")
    file.chmod(0o644)
    write_private(file, b"after")
    assert (file.read_bytes(), file.stat().st_mode & 0o777) == (b"after", 0o600)
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        write_private(file, b"later")
    assert file.read_bytes() == b"after"
    assert list(tmp_path.iterdir()) == [file]


def test_a_link_stays_and_what_it_leads_to_is_written(tmp_path: Path) -> None:
    target, link = tmp_path / "elsewhere" / "a.csv", tmp_path / "latest.csv"
    target.parent.mkdir()
    target.write_bytes(b"before")
    link.symlink_to(target)
    write_private(link, b"after")
    assert link.is_symlink()
    assert target.read_bytes() == b"after"
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    assert sorted(tmp_path.rglob("*")) == sorted([link, target.parent, target])


def test_a_pipe_is_written_as_it_is_and_a_folder_not(tmp_path: Path) -> None:
    write_private(Path(os.devnull), b"x")
    with pytest.raises(IsADirectoryError):
        write_private(tmp_path, b"x")
    assert list(tmp_path.iterdir()) == []
