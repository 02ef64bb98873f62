"""A backup or a restoration that is killed at any of its steps counts for nothing, harms nothing
that was there, and is repeated by the same command.
"""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pipeline.domain.errors import StoreError
from pipeline.domain.settings import Settings
from pipeline.operations.upkeep import restore
from pipeline.operations.upkeep.backup_check import check_backup, open_keys
from pipeline.operations.upkeep.backup_folder import BackupFolder
from pipeline.operations.upkeep.store_check import check_store
from pipeline.store.database.migrations import row_copy
from pipeline.store.database.store import Store, open_store
from tests.faults.killed import assert_killed, die
from tests.unit.operations.upkeep.backed_up import BusyWard, Safe, make_safe

pytest_plugins = ("tests.support.store.databases",)
pytestmark = [
    pytest.mark.faults,
    pytest.mark.parametrize("store_settings", ["sqlite"], indirect=True),
]
NOTES = 2


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


def _die_at_move(number: int) -> None:
    """Be killed when a file gets its name for the n-th time."""
    real, calls = Path.replace, iter(range(1, 1000))

    def killed(self: Path, target: Path) -> Path:
        if next(calls) == number:
            die()
        return real(self, target)

    setattr(Path, "replace", killed)  # noqa: B010 - in a process that ends


def back_up_until(workspace: str, folder: str, key: str, public: str, move: int) -> None:
    """Back up, and be killed."""
    settings = Settings(workspace=Path(workspace), database_url="")
    safe = Safe(BackupFolder(Path(folder)), Path(key), public)
    store = open_store(settings)
    _die_at_move(move)
    safe.back_up(store, settings)


# Of a second backup: what it is, rows, workspace, two images, list of images, manifest
@pytest.mark.parametrize("move", [1, 2, 3, 4, 5, 6, 7])
def test_a_killed_backup_is_none_and_the_one_before_is_whole(
    ward: BusyWard, safe: Safe, store_settings: Settings, move: int
) -> None:
    first = safe.back_up(ward.store, store_settings).manifest
    folder = safe.folder.folder
    renamed = replace(first, name="20200101T000000Z")
    (folder / first.name).rename(folder / renamed.name)
    safe.folder.save(renamed)
    ward.work(NOTES, 1)
    ward.store.close()
    assert_killed(
        back_up_until,
        str(store_settings.workspace),
        str(folder),
        str(safe.key),
        safe.public,
        move,
    )
    assert safe.folder.names() == [renamed.name]
    assert check_backup(safe.folder, renamed, open_keys(renamed, safe.key)).problems == []
    # The next one goes on where it ended: images that were copied are not copied again
    made = safe.back_up(ward.store, store_settings)
    assert made.copied == max(0, min(2, 6 - move))
    assert len([path for path in folder.iterdir() if path.name.startswith("20")]) == 2
    assert not list(folder.glob(".*.partial"))
    assert (
        check_backup(safe.folder, made.manifest, open_keys(made.manifest, safe.key)).problems == []
    )


def restore_until(folder: str, key: str, workspace: str, step: str) -> None:
    """Restore, and be killed."""
    safe = Safe(BackupFolder(Path(folder)), Path(key), "")

    def die_instead(*_: Any) -> None:  # noqa: ANN401 - whatever the step is given
        die()

    module = row_copy if step == "_continue_numbers" else restore
    if step == "move":
        _die_at_move(2)
    else:
        setattr(module, step, die_instead)
    safe.restore(Path(workspace))


@pytest.mark.parametrize("step", ["move", "_continue_numbers", "_check", "_finish"])
def test_a_killed_restoration_does_not_open_and_goes_on(
    ward: BusyWard, safe: Safe, store_settings: Settings, tmp_path: Path, step: str
) -> None:
    safe.back_up(ward.store, store_settings)
    new = Settings(workspace=tmp_path / "new", database_url="")
    assert_killed(restore_until, str(safe.folder.folder), str(safe.key), str(new.workspace), step)
    with pytest.raises(StoreError) as closed:
        open_store(new)
    assert closed.value.key == "error.restore_unfinished"
    safe.restore(new.workspace)
    with closing(open_store(new)) as store:
        assert check_store(store, "a.b").check.is_whole
    assert not list(new.workspace.glob("*.restoring*"))
    assert not list(new.workspace.glob(".restore*"))
