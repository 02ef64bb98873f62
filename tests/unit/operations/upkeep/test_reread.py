"""What lies in a folder of backups is read again, and repaired from the workspace."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from pipeline.domain.settings import Settings
from pipeline.operations.upkeep.backup_check import check_backup, open_keys
from pipeline.store.database.store import Store
from tests.support.image_folder import folder_of
from tests.unit.operations.upkeep.backed_up import BusyWard, Safe, make_safe

pytest_plugins = ("tests.support.store.databases",)
pytestmark = pytest.mark.parametrize("store_settings", ["sqlite"], indirect=True)
NOTES = 3
BUDGET = "pipeline.operations.upkeep.backup_check.READ_BYTES"


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
    """Each backup is made a day after the one before."""
    moments = (datetime(2026, 11, 1, 12, tzinfo=UTC) + timedelta(days=n) for n in range(99))
    monkeypatch.setattr("pipeline.operations.upkeep.backup.utc_now", lambda: next(moments))


def flip(file: Path) -> None:
    """Change a bit of a file, as an old disk does."""
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(data)


def problems(safe: Safe, name: str = "", *, with_key: bool = True) -> list[str]:
    """What is wrong with a backup."""
    manifest = safe.folder.load(name)
    keys = open_keys(manifest, safe.key if with_key else None)
    return [problem.key for problem in check_backup(safe.folder, manifest, keys).problems]


@pytest.mark.parametrize("is_plain", [False, True])
@pytest.mark.parametrize("damage", ["flipped", "missing"])
def test_a_damaged_image_is_repaired_in_all_backups(
    ward: BusyWard,
    safe: Safe,
    store_settings: Settings,
    tmp_path: Path,
    damage: str,
    *,
    is_plain: bool,
) -> None:
    first = safe.back_up(ward.store, store_settings, is_plain=is_plain).manifest
    image = safe.images()[0]
    flip(image) if damage == "flipped" else image.unlink()
    made = safe.back_up(ward.store, store_settings, is_plain=is_plain)
    for name in (first.name, made.manifest.name):
        for with_key in (True, False):
            assert problems(safe, name, with_key=with_key) == []
    assert safe.restore(tmp_path / "old", name=first.name).lost_images == 0
    assert (made.reread.repaired, made.reread.damaged) == (1, ())


def test_what_cannot_be_repaired_is_named_and_missing(
    ward: BusyWard, safe: Safe, store_settings: Settings
) -> None:
    safe.back_up(ward.store, store_settings)
    image = safe.images()[0]
    flip(image)
    folder_of(ward.store).path(image.name).unlink()
    made = safe.back_up(ward.store, store_settings)
    assert made.manifest.missing == (image.name,)
    assert made.reread.damaged == (image.relative_to(safe.folder.folder).as_posix(),)
    # It is named again until a person scans its page again
    assert safe.back_up(ward.store, store_settings).reread.damaged == made.reread.damaged


def test_damaged_rows_of_an_older_backup_are_named(
    ward: BusyWard, safe: Safe, store_settings: Settings
) -> None:
    first = safe.back_up(ward.store, store_settings).manifest
    flip(safe.folder.folder / first.name / "rows-00001")
    made = safe.back_up(ward.store, store_settings)
    assert made.reread.damaged == (f"{first.name}/rows-00001",)
    assert not made.manifest.missing


def test_all_is_read_within_fourteen_runs_the_longest_unread_first(
    ward: BusyWard, safe: Safe, store_settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(BUDGET, 1)
    ward.work(NOTES, 10)
    safe.back_up(ward.store, store_settings)
    damaged = safe.images()[:20:4]
    for image in damaged:
        flip(image)
    repaired = []
    for _ in range(14):
        made = safe.back_up(ward.store, store_settings)
        repaired.append(made.reread.repaired)
        assert 0 < made.reread.read < made.reread.files
    assert sum(repaired) == len(damaged)
    assert max(repaired) < len(damaged)
    assert problems(safe) == []
    assert made.reread.days is not None
    assert made.reread.days <= 14


def test_what_verify_named_is_read_first(
    ward: BusyWard, safe: Safe, store_settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pipeline.operations.upkeep.backup_check import note_damaged

    monkeypatch.setattr(BUDGET, 1)
    ward.work(NOTES, 10)
    safe.back_up(ward.store, store_settings)
    flip(safe.images()[-1])
    manifest = safe.folder.load()
    note_damaged(safe.folder, check_backup(safe.folder, manifest, None).problems)
    assert safe.back_up(ward.store, store_settings).reread.repaired == 1
    assert problems(safe) == []


def test_a_day_in_the_future_does_not_spare_anything_from_being_read(
    ward: BusyWard, safe: Safe, store_settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(BUDGET, 1)
    with monkeypatch.context() as wrong:
        wrong.setattr(
            "pipeline.operations.upkeep.backup.utc_now", lambda: datetime(2036, 1, 1, tzinfo=UTC)
        )
        safe.back_up(ward.store, store_settings)
    made = safe.back_up(ward.store, store_settings)
    assert made.reread.days is None
    assert made.reread.unread > 0
