"""Which backup is the newest, whatever the clock said when it was made."""

from __future__ import annotations

import hashlib
import json
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from pipeline.domain.settings import Settings
from pipeline.operations.upkeep.backup_folder import MANIFEST, find_remarks
from pipeline.store.database.store import Store, open_store
from tests.unit.operations.upkeep.backed_up import BusyWard, Safe, all_rows, make_safe

pytest_plugins = ("tests.support.store.databases",)
pytestmark = pytest.mark.parametrize("store_settings", ["sqlite"], indirect=True)
TODAY = datetime(2026, 11, 1, 2, tzinfo=UTC)
WRONG = datetime(2036, 11, 2, 2, tzinfo=UTC)


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


def as_before(safe: Safe, name: str) -> None:
    """Write a manifest as programs did that numbered none."""
    file = safe.folder.folder / name / MANIFEST
    content = json.loads(file.read_bytes())
    for key in ("sha256", "folder", "generation", "sequence", "removed"):
        content.pop(key, None)
    content["format"] = "efterskrift-backup-1"
    data = json.dumps(content, sort_keys=True, ensure_ascii=False).encode()
    content["sha256"] = hashlib.sha256(data).hexdigest()
    file.write_text(json.dumps(content, indent=1, ensure_ascii=False), "utf-8")


def test_after_one_night_with_a_wrong_clock_the_newest_is_restored(
    ward: BusyWard, safe: Safe, store_settings: Settings, tmp_path: Path, clock: list[datetime]
) -> None:
    clock[0] = WRONG
    wrong = safe.back_up(ward.store, store_settings).manifest.name
    clock[0] = TODAY
    ward.work(1, 1)
    true = safe.back_up(ward.store, store_settings).manifest.name
    assert safe.folder.names() == [wrong, true]
    safe.restore(tmp_path / "new")
    assert len(all_rows(Settings(workspace=tmp_path / "new", database_url=""))["entry"]) == 2


def test_a_folder_that_somebody_renamed_is_still_a_backup(
    ward: BusyWard, safe: Safe, store_settings: Settings, tmp_path: Path, clock: list[datetime]
) -> None:
    first = safe.back_up(ward.store, store_settings).manifest.name
    (safe.folder.folder / first).rename(safe.folder.folder / "20990101T000000Z")
    assert find_remarks(safe.folder, TODAY).future == ("20990101T000000Z",)
    safe.restore(tmp_path / "renamed")
    ward.work(1, 1)
    clock[0] += timedelta(days=1)
    newest = safe.back_up(ward.store, store_settings).manifest.name
    assert safe.folder.names() == ["20990101T000000Z", newest]
    clock[0] += timedelta(days=1)
    last = safe.back_up(ward.store, store_settings, days=1).manifest.name
    assert safe.folder.names() == [last]


def test_a_wrong_clock_does_not_remove_the_true_ones(
    ward: BusyWard, safe: Safe, store_settings: Settings, clock: list[datetime]
) -> None:
    for day in range(2):
        clock[0] = WRONG + timedelta(days=day)
        safe.back_up(ward.store, store_settings)
    true = []
    for day in range(3):
        clock[0] = TODAY + timedelta(days=day)
        true.append(safe.back_up(ward.store, store_settings, days=2).manifest.name)
    assert safe.folder.names() == true[1:]


def test_a_restored_workspace_begins_what_is_newest(
    ward: BusyWard, safe: Safe, store_settings: Settings, tmp_path: Path, clock: list[datetime]
) -> None:
    first = safe.back_up(ward.store, store_settings).manifest
    ward.work(1, 6)
    clock[0] += timedelta(days=1)
    safe.back_up(ward.store, store_settings)
    safe.restore(tmp_path / "new", name=first.name)
    new = Settings(workspace=tmp_path / "new", database_url="")
    clock[0] -= timedelta(days=5)
    with closing(open_store(new)) as store:
        made = safe.back_up(store, new).manifest
        assert made.log_head[0] < safe.folder.load(safe.folder.names()[1]).log_head[0]
        assert safe.folder.load() == made
        clock[0] -= timedelta(days=1)
        assert safe.folder.load() != safe.back_up(store, new).manifest != made
    assert safe.folder.names()[0] == first.name


def test_backups_without_numbers_come_first_by_their_names(
    ward: BusyWard, safe: Safe, store_settings: Settings, tmp_path: Path, clock: list[datetime]
) -> None:
    before = []
    for day in (0, 1):
        clock[0] = WRONG + timedelta(days=day)
        before.append(safe.back_up(ward.store, store_settings).manifest.name)
        as_before(safe, before[-1])
    assert safe.folder.names() == before
    clock[0] = TODAY
    made = safe.back_up(ward.store, store_settings).manifest.name
    assert safe.folder.names() == [*before, made]
    assert safe.restore(tmp_path / "old", name=before[0]).lost_images == 0


def test_a_gap_and_a_date_in_the_future_are_named(
    ward: BusyWard, safe: Safe, store_settings: Settings, clock: list[datetime]
) -> None:
    from pipeline.operations.upkeep.backup_folder import find_remarks

    made = []
    for day in range(4):
        clock[0] = TODAY + timedelta(days=day)
        made.append(safe.back_up(ward.store, store_settings, days=3).manifest)
    # What --keep removed is no gap
    assert not find_remarks(safe.folder, clock[0]).is_doubtful
    (safe.folder.folder / made[2].name / MANIFEST).unlink()
    remarks = find_remarks(safe.folder, TODAY + timedelta(days=2))
    assert (remarks.absent, remarks.future) == ((made[2].sequence,), (made[3].name,))
    # The log knows of the newest ones that are gone
    (safe.folder.folder / made[3].name / MANIFEST).unlink()
    made.append(safe.back_up(ward.store, store_settings).manifest)
    assert find_remarks(safe.folder, clock[0]).absent == (made[2].sequence, made[3].sequence)


def test_a_damaged_manifest_is_not_passed_over_in_silence(
    ward: BusyWard, safe: Safe, store_settings: Settings, clock: list[datetime]
) -> None:
    from pipeline.operations.upkeep.backup_folder import find_remarks

    names = []
    for day in range(3):
        clock[0] = TODAY + timedelta(days=day)
        names.append(safe.back_up(ward.store, store_settings).manifest.name)
    (safe.folder.folder / names[1] / MANIFEST).write_bytes(b"{}")
    assert safe.folder.names() == names
    assert find_remarks(safe.folder, clock[0]).damaged == (names[1],)
