"""A workspace with its images in an object store: read, checked, backed up, upgraded, restored."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from sqlalchemy import select
from typer.testing import CliRunner, Result

from pipeline.cli.app import build_app
from pipeline.domain.errors import ExitCode, UsageError, WrongImagesError
from pipeline.domain.settings import Settings, load_settings
from pipeline.operations.intake import import_files
from pipeline.operations.page_job import PageJob
from pipeline.store.database.image_files import ID_FILE, object_name
from pipeline.store.database.store import Store, open_for_images, open_store
from pipeline.store.paper.pages import list_queued_pages
from pipeline.store.schema import paper
from tests.support.pages.blank_reader import Blank
from tests.support.pages.small_pages import write_stack
from tests.support.servers.object_store import SECRET, Bucket
from tests.unit.operations.upkeep.backed_up import BusyWard, all_rows

pytest_plugins = ("tests.support.servers.object_store",)
pytestmark = pytest.mark.slow
NOTES = 2
FILES = 2 * NOTES
EVENTS = {"event", "event_head", "store_check"}
"""Rows of what is done with the workspace itself."""


@pytest.fixture
def store(bucket: Bucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    """A workspace with some notes, whose images are in the bucket and whose keys are in a file."""
    workspace = tmp_path / "workspace"
    workspace.mkdir()
    (workspace / "settings.yaml").write_text(
        f"images_url: {bucket.url}\nimages_keys: keys.yaml\nlanguage: en\n"
    )
    (workspace / "keys.yaml").write_text(f"aws_secret_access_key: {SECRET}\n")
    (workspace / "keys.yaml").chmod(0o600)
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    monkeypatch.setenv("EFTERSKRIFT_WORKSPACE", str(workspace))
    with closing(open_store(load_settings(), create=True)) as opened:
        ward = BusyWard(opened)
        ward.begin()
        ward.work(0, NOTES)
        yield opened


@pytest.fixture
def safe(store: Store, tmp_path: Path) -> Path:
    """A backup of it."""
    del store
    folder = tmp_path / "safe"
    folder.mkdir()
    made = json.loads(run("backup", folder, "--unencrypted", "--json").stdout)
    assert (made["ok"], made["images"], made["copied"]) == (True, FILES, FILES)
    return folder


@pytest.fixture
def other(bucket: Bucket) -> Bucket:
    """An empty bucket on the same server."""
    made = replace(bucket, name=f"{bucket.name}-other")
    made.make()
    return made


def run(*arguments: object, code: ExitCode = ExitCode.OK) -> Result:
    """Run a command that ends with this code."""
    result = CliRunner().invoke(build_app(), [str(one) for one in arguments])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == code, result.output
    return result


def records(settings: Settings) -> dict[str, list[tuple[object, ...]]]:
    """The rows of a workspace but for those of its upkeep."""
    return {name: rows for name, rows in all_rows(settings).items() if name not in EVENTS}


def settings_of(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """The settings with which commands open a workspace."""
    monkeypatch.setenv("EFTERSKRIFT_WORKSPACE", str(workspace))
    return load_settings()


def test_what_is_missing_or_damaged_in_the_bucket_is_found(store: Store, bucket: Bucket) -> None:
    assert f"{FILES} files" in run("check").output
    first, second, *_ = store.images.list_names()
    bucket.remove(object_name(first))
    bucket.write(object_name(second), b"other")
    store.images.put(b"nobody's")
    told = json.loads(run("check", "--json", code=ExitCode.STORE).stdout)
    assert (told["missing"], told["damaged"], told["orphans"]) == (1, 1, 1)


@pytest.mark.parametrize("wrong", ["denied", "gone", "emptied"])
def test_a_page_waits_while_the_bucket_is_away(
    store: Store, bucket: Bucket, tmp_path: Path, wrong: str
) -> None:
    import_files(store, write_stack(tmp_path / "in", 1), unit="Norra", place="", by="a.b")
    with store.read() as conn:
        (waiting,) = list_queued_pages(conn)
    with closing(open_store(load_settings())) as opened:
        job = PageJob(opened, Blank(), 2, 0.01)
        kept = {name: bucket.read(name) for name in bucket.names()}
        if wrong == "denied":
            with bucket.denying():
                job.read(waiting)
        else:
            (bucket.drop if wrong == "gone" else bucket.empty)()
            job.read(waiting)
        columns = paper.page.c.state, paper.page.c.attempts, paper.page.c.reason
        query = select(*columns).where(paper.page.c.id == waiting)
        with store.read() as conn:
            assert conn.execute(query).one() == ("queued", 0, "")
        if wrong == "gone":
            bucket.make()
        for name, data in kept.items():
            bucket.write(name, data)
        job.read(waiting)
        with store.read() as conn:
            assert conn.execute(query).one().state == "read"


def test_it_is_restored_into_another_bucket_and_into_a_folder(
    store: Store, safe: Path, other: Bucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = records(load_settings())
    pictures = {name: store.images.get(name) for name in store.images.list_names()}

    run("restore", safe, tmp_path / "moved", "--images", other.url)
    moved = settings_of(tmp_path / "moved", monkeypatch)
    assert yaml.safe_load((tmp_path / "moved" / "settings.yaml").read_text()) == {
        "images_url": other.url,
        "images_keys": "keys.yaml",
        "language": "en",
    }
    assert not moved.images.exists()
    assert records(moved) == before
    with closing(open_for_images(moved)) as restored:
        assert {name: restored.images.get(name) for name in restored.images.list_names()} == (
            pictures
        )

    run("restore", safe, tmp_path / "folder")
    plain = settings_of(tmp_path / "folder", monkeypatch)
    assert plain.images_url == ""
    assert records(plain) == before
    assert len(list(plain.images.glob("??/*"))) == FILES

    # And from there into the first bucket, which still has all of it
    again = tmp_path / "again"
    again.mkdir()
    run("backup", again, "--unencrypted")
    names = len(list(store.images.list_names()))
    run("restore", again, tmp_path / "back", "--images", f"s3://{other.name}/bilder/")
    assert len(list(store.images.list_names())) == names


def test_a_restoration_that_was_interrupted_goes_on(
    safe: Path, other: Bucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    images = next((safe / "images").iterdir())
    (lost, *_) = sorted(images.glob("??/*"))
    shutil.move(lost, tmp_path / "lost")
    with pytest.raises(Exception, match="damaged"):
        run("restore", safe, tmp_path / "new", "--images", other.url)
    assert len(other.names()) == FILES  # all but one, and the id
    shutil.move(tmp_path / "lost", lost)
    run("restore", safe, tmp_path / "new", "--images", other.url)
    open_for_images(settings_of(tmp_path / "new", monkeypatch)).close()
    assert len(other.names()) == FILES + 1


def test_nothing_is_restored_over_the_images_of_another_workspace(
    safe: Path, other: Bucket, tmp_path: Path
) -> None:
    for name, data in ((ID_FILE, b"1" * 32), (object_name("ab" * 32), b"of somebody")):
        other.write(name, data)
        with pytest.raises(UsageError, match="another workspace"):
            run("restore", safe, tmp_path / "new", "--images", other.url)
        other.remove(name)
    with pytest.raises(UsageError, match="not understood"):
        run("restore", safe, tmp_path / "new", "--images", f"s3://key:{SECRET}@bucket")


def test_a_backup_of_the_same_workspace_stands_in_for_a_copy(
    safe: Path, other: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "is whole" in run("upgrade", "--backed-up", safe).output
    monkeypatch.setenv("EFTERSKRIFT_IMAGES_URL", other.url)
    with pytest.raises(UsageError):
        run("upgrade", "--backed-up", safe)
    with pytest.raises(WrongImagesError):
        run("backup", safe, "--unencrypted")
