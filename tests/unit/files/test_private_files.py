"""Secrets and care in files that others may open: named, repaired, or refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.domain.errors import SettingsError
from pipeline.domain.settings import Settings
from pipeline.files.private_files import close_private_paths, find_open_paths
from pipeline.operations import health

SECRETS = (
    "secrets.toml",
    "settings.yaml",
    "efterskrift.db",
    "efterskrift.db-wal",
    "queue.db",
    "second-factor.key",
    "app.log",
    "app.log.3",
    "backup.key",
)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """A workspace with a key file outside it, all for their owner only."""
    workspace, key = tmp_path / "workspace", tmp_path / "key"
    workspace.mkdir(mode=0o700)
    for file in (key, *(workspace / name for name in SECRETS)):
        file.touch(mode=0o600)
    return Settings(workspace=workspace, second_factor_key=key, log_file=Path("app.log"))


@pytest.mark.parametrize(
    ("name", "mode"),
    [(".", 0o750), ("../key", 0o640), ("settings.yaml", 0o604)]
    + [(name, 0o644) for name in SECRETS],
)
def test_a_mode_that_lets_others_in_is_found_and_repaired(
    settings: Settings, name: str, mode: int
) -> None:
    path = (settings.workspace / name).resolve()
    path.chmod(mode)
    assert [found.resolve() for found in find_open_paths(settings)] == [path]
    finding = health._check_modes(settings)
    assert str(path) in finding.remedy
    assert f"{mode:o}" in finding.state
    assert [changed.resolve() for changed in close_private_paths(settings)] == [path]
    assert find_open_paths(settings) == []
    assert health._check_modes(settings).remedy == ""


def test_what_cannot_be_repaired_is_refused(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    (settings.workspace / "secrets.toml").chmod(0o644)

    def refuse(path: Path, mode: int) -> None:
        raise PermissionError(1, "Operation not permitted", str(path), mode)

    monkeypatch.setattr(Path, "chmod", refuse)
    with pytest.raises(SettingsError, match=r"secrets\.toml"):
        close_private_paths(settings)


def test_a_key_that_the_settings_place_elsewhere_is_named(
    settings: Settings, tmp_path: Path
) -> None:
    keys = [tmp_path / name for name in ("bucket.yaml", "factor", "tls")]
    elsewhere = settings.model_copy(
        update={
            "images_keys": Path("../bucket.yaml"),
            "second_factor_key": keys[1],
            "database_url": f"postgresql+psycopg://ef@db/ef?sslmode=verify-full&sslkey={keys[2]}",
        }
    )
    for key in keys:
        key.touch()
        key.chmod(0o640)
    assert [found.resolve() for found in find_open_paths(elsewhere)] == keys
    remedy = health._check_modes(elsewhere).remedy
    assert all(key.name in remedy for key in keys)
