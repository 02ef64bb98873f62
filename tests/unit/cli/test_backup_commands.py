"""`efterskrift backup-key`, `backup`, `restore` and `upgrade --backed-up`, as an operator types
them.
"""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from pipeline.cli.app import build_app
from pipeline.domain.errors import ExitCode, StoreError, UsageError
from pipeline.domain.settings import Settings
from pipeline.operations import health
from pipeline.operations.health import check_health
from pipeline.operations.upkeep import backup as backups
from pipeline.store.database.store import open_store
from pipeline.store.schema.clock import utc_now
from tests.unit.operations.upkeep.backed_up import BusyWard

pytestmark = pytest.mark.slow


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A workspace with a note, and a folder for backups."""
    folder = tmp_path / "workspace"
    monkeypatch.setenv("EFTERSKRIFT_WORKSPACE", str(folder))
    store = open_store(Settings(workspace=folder), create=True)
    ward = BusyWard(store)
    ward.begin()
    ward.work(0, 1)
    store.close()
    (tmp_path / "safe").mkdir()
    return folder


def run(*arguments: object, code: ExitCode = ExitCode.OK) -> Result:
    """Run a command that ends with this code."""
    result = CliRunner().invoke(build_app(), [str(one) for one in arguments])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == code, result.output
    return result


def last_backup() -> tuple[str, str]:
    """What `doctor` says of the last backup, and its remedy."""
    (found,) = [one for one in check_health() if one.part == "Last backup"]
    return found.state, found.remedy


def test_a_backup_is_made_verified_and_restored(workspace: Path, tmp_path: Path) -> None:
    safe, key = tmp_path / "safe", tmp_path / "backup.key"
    assert last_backup() == ("never: `efterskrift backup`", "")
    public = run("backup-key", key).stdout.strip()
    assert public.startswith("age1")
    assert key.stat().st_mode & 0o777 == 0o600
    with pytest.raises(UsageError, match="is there already"):
        run("backup-key", key)
    (workspace / "settings.yaml").write_text(f"backup_keys: [{public}]\n")
    made = json.loads(run("backup", safe, "--keep", 7, "--json").stdout)
    assert (made["ok"], made["images"], made["copied"]) == (True, 2, 2)
    assert last_backup()[1] == ""
    assert "were not opened" in run("backup", safe, "--verify").output
    assert "is whole" in run("backup", safe, "--verify", "--key", key).output
    checked = json.loads(run("backup", safe, "--verify", "--key", key, "--json").stdout)
    assert (checked["ok"], checked["opened"], checked["problems"]) == (True, True, [])
    with pytest.raises(UsageError, match="--key FILE"):
        run("restore", safe, tmp_path / "new")
    done = run("restore", safe, tmp_path / "new", "--key", key)
    assert "is restored" in done.output
    assert f"backup_keys: [{public}]\n" == (tmp_path / "new" / "settings.yaml").read_text()


def test_without_a_key_nothing_is_written_unless_that_is_wanted(
    workspace: Path, tmp_path: Path
) -> None:
    del workspace
    safe = tmp_path / "safe"
    with pytest.raises(UsageError, match="backup-key"):
        run("backup", safe)
    with pytest.raises(UsageError, match="age1"):
        run("backup", safe, "--to", "age1nonsense")
    assert not list(safe.glob("20*"))
    assert "not encrypted" in run("backup", safe, "--unencrypted").output
    run("restore", safe, tmp_path / "new")


@pytest.mark.parametrize("content", [None, b"\xff", b"nothing", b"AGE-SECRET-KEY-1NONSENSE"])
def test_an_unreadable_key_names_itself(
    workspace: Path, tmp_path: Path, content: bytes | None
) -> None:
    del workspace
    run("backup-key", tmp_path / "good.key")
    public = (tmp_path / "good.key").read_text().split()[3]
    run("backup", tmp_path / "safe", "--to", public)
    if content is not None:
        (tmp_path / "bad.key").write_bytes(content)
    with pytest.raises(UsageError, match=r"bad\.key cannot be used"):
        run("backup", tmp_path / "safe", "--verify", "--key", tmp_path / "bad.key")


def test_a_key_that_was_typed_from_paper_opens(workspace: Path, tmp_path: Path) -> None:
    del workspace
    public = run("backup-key", tmp_path / "good.key").stdout.strip()
    run("backup", tmp_path / "safe", "--to", public)
    secret = (tmp_path / "good.key").read_text().split()[-1].lower()
    (tmp_path / "typed.key").write_text(f" {secret[:30]}  {secret[30:]} \r\n")
    told = run("backup", tmp_path / "safe", "--verify", "--key", tmp_path / "typed.key").output
    assert "read and opened" in told


def test_a_private_key_is_not_taken_for_the_public_one(workspace: Path, tmp_path: Path) -> None:
    run("backup-key", tmp_path / "good.key")
    secret = (tmp_path / "good.key").read_text().split()[-1]
    (workspace / "settings.yaml").write_text(f"backup_keys: [{secret}]\n")
    with pytest.raises(UsageError, match="is a private one") as caught:
        run("backup", tmp_path / "safe")
    assert secret not in str(caught.value)


def test_a_backup_that_is_not_there_is_answered_by_those_that_are(
    workspace: Path, tmp_path: Path
) -> None:
    del workspace
    made = json.loads(run("backup", tmp_path / "safe", "--unencrypted", "--json").stdout)
    with pytest.raises(StoreError, match=f"There are: {made['backup']}"):
        run("backup", tmp_path / "safe", "--verify", "--backup", "2026")
    with pytest.raises(StoreError, match="not one inside of it"):
        run("restore", tmp_path / "safe" / made["backup"], tmp_path / "new")


def test_nothing_is_restored_beside_the_database_of_the_environment(
    workspace: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    del workspace
    run("backup", tmp_path / "safe", "--unencrypted")
    monkeypatch.setenv(
        "EFTERSKRIFT_DATABASE_URL", "postgresql+psycopg://efterskrift@db/efterskrift"
    )
    with pytest.raises(UsageError, match="--database"):
        run("restore", tmp_path / "safe", tmp_path / "new")
    assert not (tmp_path / "new").exists()


def test_a_backup_beside_the_workspace_is_told(
    workspace: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    del workspace
    told = run("backup", tmp_path / "safe", "--unencrypted").output
    assert "on the same disk as the workspace" in told
    monkeypatch.setattr(backups, "is_on_other_disk", lambda *_: True)
    assert "same disk" not in run("backup", tmp_path / "safe", "--unencrypted").output


def test_a_folder_whose_disk_is_gone_is_not_written(
    workspace: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The folder that a disk was mounted on is still there, and may be written."""
    del workspace
    monkeypatch.setattr(backups, "is_on_other_disk", lambda *_: True)
    run("backup", tmp_path / "safe", "--unencrypted")
    monkeypatch.undo()
    monkeypatch.setenv("EFTERSKRIFT_WORKSPACE", str(tmp_path / "workspace"))
    (tmp_path / "safe").rename(tmp_path / "disk")
    (tmp_path / "safe").mkdir()
    with pytest.raises(StoreError, match="not mounted"):
        run("backup", tmp_path / "safe", "--unencrypted")
    assert not list((tmp_path / "safe").glob("20*"))
    assert "failed" in last_backup()[0]
    (tmp_path / "other").mkdir()
    run("backup", tmp_path / "other", "--unencrypted")


def state_of(part: str) -> tuple[str, str]:
    """What `doctor` says of a part, and its remedy."""
    (found,) = [one for one in check_health() if one.part == part]
    return found.state, found.remedy


def test_doctor_says_what_backups_lack(
    workspace: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert state_of("Backup folder") == ("none set", "")
    monkeypatch.setenv("EFTERSKRIFT_BACKUP_FOLDER", str(tmp_path / "away"))
    assert "no key" in state_of("Backup folder")[0]
    public = run("backup-key", tmp_path / "good.key").stdout.strip()
    (workspace / "settings.yaml").write_text(f"backup_keys: [{public}]\n")
    assert "cannot be used" in state_of("Backup folder")[0]
    monkeypatch.setenv("EFTERSKRIFT_BACKUP_FOLDER", str(tmp_path / "safe"))
    assert "same disk" in state_of("Backup folder")[0]
    assert "Mount another disk" in state_of("Backup folder")[1]
    monkeypatch.setattr(health, "is_on_other_disk", lambda *_: True)
    assert state_of("Backup folder") == (str(tmp_path / "safe"), "")


def test_doctor_says_that_nobody_can_log_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EFTERSKRIFT_WORKSPACE", str(tmp_path / "new"))
    run("init")
    assert "no account" in state_of("First settings")[0]
    assert "efterskrift init" in state_of("First settings")[1]


def test_a_disk_is_another_one_by_its_number(tmp_path: Path) -> None:
    settings = Settings(workspace=tmp_path)
    assert not backups.is_on_other_disk(settings, tmp_path)
    assert backups.is_on_other_disk(settings, Path("/proc"))


def test_damage_and_loss_are_told_with_exit_codes(workspace: Path, tmp_path: Path) -> None:
    safe = tmp_path / "safe"
    with pytest.raises(StoreError, match="no whole backup"):
        run("backup", safe, "--verify")
    run("backup", safe, "--unencrypted")
    stored = sorted((safe / "images").glob("*/??/*"))
    stored[0].write_bytes(b"damaged")
    told = run("backup", safe, "--verify", code=ExitCode.STORE).output
    assert stored[0].name in "".join(told.split())
    assert "NOT whole" in told
    assert "delete the file" in " ".join(told.split())
    (workspace / "images" / stored[0].name[:2] / stored[0].name).unlink()
    stored[0].unlink()
    assert "1 image was missing" in run("backup", safe, "--unencrypted", code=ExitCode.STORE).output


def test_an_upgrade_takes_a_backup_of_the_last_day_instead_of_a_copy(
    workspace: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    safe = tmp_path / "safe"
    with pytest.raises(StoreError, match="no whole backup"):
        run("upgrade", "--backed-up", safe)
    monkeypatch.setattr(backups, "utc_now", lambda: utc_now() - timedelta(hours=25))
    run("backup", safe, "--unencrypted")
    with pytest.raises(StoreError, match="last whole backup"):
        run("upgrade", "--backed-up", safe)
    monkeypatch.undo()
    monkeypatch.setenv("EFTERSKRIFT_WORKSPACE", str(workspace))
    run("backup", safe, "--unencrypted")
    assert "was read and is whole" in "".join(run("upgrade", "--backed-up", safe).output)
    rows = sorted(safe.glob("20*/rows-00001"))[-1]
    rows.write_bytes(rows.read_bytes()[:-1])
    with pytest.raises(StoreError, match="not as it was"):
        run("upgrade", "--backed-up", safe)


def test_a_backup_that_failed_or_is_old_is_told_by_doctor(
    workspace: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    del workspace
    run("backup", tmp_path / "safe", "--unencrypted")
    monkeypatch.setattr("pipeline.operations.health.BACKUP_AGE", timedelta(0))
    assert "daily backup" in last_backup()[1]
    with pytest.raises(StoreError):
        run("backup", tmp_path / "away", "--unencrypted")
    assert "failed" in last_backup()[0]


def test_a_backup_that_cannot_be_read_is_named_where_one_before_it_is_restored(
    workspace: Path, tmp_path: Path
) -> None:
    del workspace
    safe = tmp_path / "safe"
    made = [
        json.loads(run("backup", safe, "--unencrypted", "--json").stdout)["backup"]
        for _ in range(2)
    ]
    (safe / made[1] / "manifest.json").write_bytes(b"{}")
    checked = json.loads(run("backup", safe, "--verify", "--json", code=ExitCode.STORE).stdout)
    assert (checked["ok"], checked["backup"]) == (False, made[0])
    assert made[1] in checked["problems"][0]
    told = " ".join(run("restore", safe, tmp_path / "new").output.split())
    assert f"{made[0]} is restored" in told
    assert f"cannot be read: {made[1]}" in told


def test_an_image_that_is_missing_everywhere_is_told_each_time(
    workspace: Path, tmp_path: Path
) -> None:
    safe = tmp_path / "safe"
    run("backup", safe, "--unencrypted")
    image = sorted((safe / "images").glob("*/??/*"))[0]
    (workspace / "images" / image.name[:2] / image.name).unlink()
    image.unlink()
    told = run("backup", safe, "--unencrypted", code=ExitCode.STORE).output
    assert "1 image was missing" in " ".join(told.split())
    assert "not whole" in last_backup()[0]
    checked = run("backup", safe, "--verify", code=ExitCode.STORE).output
    assert "whole" not in checked
    assert "1 image was missing" in " ".join(checked.split())
