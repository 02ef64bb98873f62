"""A second machine on the same database: refused without the same images, never adopted."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from typer.testing import CliRunner

from pipeline.cli import operations
from pipeline.cli.app import build_app
from pipeline.domain.errors import StoreError, WrongImagesError
from pipeline.domain.settings import Settings
from pipeline.operations.health import HealthFinding, check_health
from pipeline.store.database.image_files import ID_FILE, ImageFolder
from pipeline.store.database.store import open_for_images, open_store
from pipeline.store.registers.client_register import save_units
from tests.support.pages.small_pages import write_stack
from tests.support.servers.object_store import Bucket

pytest_plugins = ("tests.support.store.databases", "tests.support.servers.object_store")
pytestmark = [
    pytest.mark.both_databases,
    pytest.mark.slow,
    pytest.mark.parametrize(
        "bare_settings",
        [pytest.param("postgresql", marks=pytest.mark.postgres)],
        indirect=True,
    ),
]


@pytest.fixture
def second(
    bare_settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Settings]:
    """A machine beside the one that made the workspace, which has no page yet."""
    with closing(open_store(bare_settings, create=True)) as store, store.begin() as conn:
        save_units(conn, {"Norra": "HSL"})
    own = tmp_path / "second"
    (own / "images").mkdir(parents=True)
    monkeypatch.setenv("EFTERSKRIFT_WORKSPACE", str(own))
    monkeypatch.setenv("EFTERSKRIFT_DATABASE_URL", bare_settings.database_url)
    yield bare_settings.model_copy(update={"workspace": own})
    open_for_images(bare_settings).close()  # the first machine works on


def refused(*command: str) -> StoreError:
    """The error that a command ends with."""
    result = CliRunner().invoke(build_app(), command)
    assert isinstance(result.exception, StoreError), result.output
    return result.exception


def pictures() -> HealthFinding:
    """What `doctor` says of the images."""
    (found,) = [finding for finding in check_health() if finding.part == "Pictures"]
    return found


@pytest.mark.parametrize(
    "command",
    [
        ("init", "--no-ask"),
        ("ui", "--headless"),
        ("work", "--until-idle"),
        ("watch", "in", "--once"),
        ("scan", "in/0000.png"),
    ],
    ids=lambda command: command[0],
)
def test_an_own_folder_is_refused_and_not_adopted(
    second: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...]
) -> None:
    monkeypatch.chdir(tmp_path)
    write_stack(tmp_path / "in", 1)
    for _ in range(2):
        error = refused(*command)
        assert error.key == "error.images_not_shared"
        assert str(second.images) in error.message_in("sv")
        assert "samma mapp" in error.remedy_in("sv")
        assert "images_url" in error.remedy_in("sv")
        assert list(second.images.iterdir()) == []
    found = pictures()
    assert "shares its database" in found.state
    assert "images_url" in found.remedy


def test_a_folder_of_another_workspace_is_refused(second: Settings) -> None:
    ImageFolder(second.images).write_id("1" * 32)
    assert refused("work", "--until-idle").key == "error.images_not_shared"
    assert (second.images / ID_FILE).read_text().strip() == "1" * 32


def test_the_same_folder_is_taken(
    second: Settings, bare_settings: Settings, tmp_path: Path
) -> None:
    second.images.rmdir()
    second.images.symlink_to(bare_settings.images)
    (path,) = write_stack(tmp_path / "in", 1)
    result = CliRunner().invoke(build_app(), ["scan", str(path)])
    assert result.exit_code == 0, result.output
    assert pictures() == HealthFinding("Pictures", f"1 there, in {second.images}")


def test_doctor_says_what_is_wrong_with_a_bucket(
    bucket: Bucket, bare_settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = bucket.of(bare_settings)
    open_store(settings, create=True).close()
    monkeypatch.setenv("EFTERSKRIFT_WORKSPACE", str(tmp_path / "second"))
    monkeypatch.setenv("EFTERSKRIFT_DATABASE_URL", settings.database_url)
    monkeypatch.setenv("EFTERSKRIFT_IMAGES_URL", bucket.url)
    (tmp_path / "second").mkdir()
    assert pictures() == HealthFinding("Pictures", f"0 there, in {bucket.url}")
    assert bucket.names() == [ID_FILE]
    with bucket.denying():
        found = pictures()
    assert (found.state, "images_keys" in found.remedy) == (
        f"The object store {bucket.url} denies access.",
        True,
    )
    bucket.remove(ID_FILE)
    assert "is empty" in pictures().state
    monkeypatch.setattr(operations, "_require_free_port", lambda _: None)
    assert isinstance(refused("ui", "--headless"), WrongImagesError)
    monkeypatch.setenv("EFTERSKRIFT_IMAGES_URL", f"{bucket.url}?key=x")
    result = CliRunner().invoke(build_app(), ["status"])
    assert "images_url" in str(result.exception)
    assert "?key=x" not in str(result.exception)
