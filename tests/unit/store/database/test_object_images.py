"""Images in an object store, on a real S3 server."""

from __future__ import annotations

import hashlib
import re
import traceback
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from pydantic import ValidationError

from pipeline.domain.errors import (
    ImageError,
    ImagesAwayError,
    SettingsError,
    StoreError,
    WrongImagesError,
)
from pipeline.domain.settings import Settings
from pipeline.store.database.image_files import ID_FILE, NO_ID, ImageFolder, object_name
from pipeline.store.database.object_images import ObjectImages
from pipeline.store.database.store import accept_images, open_for_images, open_store
from tests.support.servers.free_port import free_port
from tests.support.servers.object_store import SECRET, Bucket

pytest_plugins = ("tests.support.servers.object_store",)

OWN_ID = "0" * 32


@pytest.fixture
def images(bucket: Bucket) -> ObjectImages:
    """Those of a database that has marked the bucket."""
    bucket.images().write_id(OWN_ID)
    return bucket.images(OWN_ID)


@pytest.fixture
def settings(bucket: Bucket, tmp_path: Path) -> Settings:
    """Of a workspace whose images are in the bucket."""
    return bucket.of(Settings(workspace=tmp_path / "workspace", database_url=""))


def test_bytes_come_back_and_are_kept_once(images: ObjectImages, bucket: Bucket) -> None:
    sha256 = images.put(b"page")
    assert sha256 == hashlib.sha256(b"page").hexdigest()
    assert images.put(b"page") == sha256
    assert images.get(sha256) == b"page"
    assert (images.has(sha256), images.holds(sha256)) == (True, True)
    assert bucket.names() == sorted([object_name(sha256), ID_FILE])
    assert list(images.list_names()) == [sha256]


def test_bytes_stored_again_heal_a_damaged_object(images: ObjectImages, bucket: Bucket) -> None:
    sha256 = images.put(b"page")
    bucket.write(object_name(sha256), b"pagE")
    assert images.put(b"page") == sha256
    assert images.get(sha256) == b"page"


def test_damage_and_loss_are_noticed(images: ObjectImages, bucket: Bucket) -> None:
    sha256 = images.put(b"page")
    bucket.write(object_name(sha256), b"pagE")
    with pytest.raises(ImageError, match="damaged"):
        images.get(sha256)
    assert (images.has(sha256), images.holds(sha256)) == (True, False)
    bucket.remove(object_name(sha256))
    with pytest.raises(ImageError, match="cannot be read"):
        images.get(sha256)
    assert (images.has(sha256), images.holds(sha256)) == (False, False)


@pytest.mark.parametrize("name", ["", "../../etc/passwd", "A" * 64])
def test_only_digests_are_names(images: ObjectImages, name: str) -> None:
    for ask in (images.get, images.has, images.holds):
        with pytest.raises(StoreError):
            ask(name)


def _mark_as_anothers(bucket: Bucket) -> None:
    bucket.write(ID_FILE, b"1" * 32)


@pytest.mark.parametrize("leave", [Bucket.empty, _mark_as_anothers, Bucket.drop])
def test_a_bucket_that_is_not_the_databases_is_neither_read_nor_written(
    images: ObjectImages, bucket: Bucket, leave: Callable[[Bucket], None]
) -> None:
    sha256 = images.put(b"page")
    leave(bucket)
    other = bucket.images(OWN_ID)
    with pytest.raises(WrongImagesError):
        other.get(sha256)
    with pytest.raises(WrongImagesError):
        other.put(b"other")
    with pytest.raises(WrongImagesError):
        other.require_present()


@pytest.mark.parametrize("leave", [Bucket.empty, Bucket.drop])
def test_a_bucket_that_goes_while_it_is_used_is_no_images_fault(
    images: ObjectImages, bucket: Bucket, leave: Callable[[Bucket], None]
) -> None:
    sha256 = images.put(b"page")
    leave(bucket)
    with pytest.raises(WrongImagesError):
        images.get(sha256)


def test_what_is_wrong_is_named_with_its_remedy_in_swedish(
    images: ObjectImages, bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    sha256 = images.put(b"page")

    def told(ask: Callable[[], object]) -> tuple[type, str]:
        with pytest.raises(ImagesAwayError) as error:
            ask()
        assert SECRET not in "".join(traceback.format_exception(error.value))
        assert error.value.remedy_in("sv")
        return type(error.value), error.value.message_in("sv")

    with bucket.denying():
        assert told(lambda: images.get(sha256)) == (
            WrongImagesError,
            f"Objektlagret {bucket.url} nekar åtkomst.",
        )
        assert told(lambda: images.put(b"other"))[0] is WrongImagesError
        assert told(lambda: next(images.list_names()))[0] is WrongImagesError
        assert told(images.try_out)[0] is WrongImagesError
    gone = ObjectImages("s3://no-such-bucket/x", None, OWN_ID)
    assert told(gone.require_present)[1] == "Objektlagret s3://no-such-bucket/x finns inte."
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{free_port()}")
    away = bucket.images(OWN_ID)
    assert told(lambda: away.get(sha256)) == (
        ImagesAwayError,
        f"Objektlagret {bucket.url} svarar inte: Connect.",
    )
    assert told(lambda: away.holds(sha256))[0] is ImagesAwayError


def test_it_is_tried_out_and_nothing_is_left(images: ObjectImages, bucket: Bucket) -> None:
    images.try_out()
    assert bucket.names() == [ID_FILE]


def test_keys_come_from_a_file_that_only_the_account_may_read(
    bucket: Bucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in (
        "AWS_ENDPOINT_URL",
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_ALLOW_HTTP",
    ):
        monkeypatch.delenv(name)
    file = tmp_path / "keys.yaml"
    lines = [
        f"aws_endpoint: {bucket.server}",
        "aws_access_key_id: of-this-test",
        f"aws_secret_access_key: {SECRET}",
        "aws_allow_http: true",
    ]
    file.write_text("\n".join(lines))
    file.chmod(0o600)
    images = ObjectImages(bucket.url, file)
    assert images.get(images.put(b"page")) == b"page"

    file.chmod(0o644)
    with pytest.raises(SettingsError, match="644"):
        ObjectImages(bucket.url, file)
    file.chmod(0o600)
    for content in (
        f"aws_secret_acces_key: {SECRET}",
        f"aws_timeout: {SECRET}",
        f"- {SECRET}",
        f"a: [{SECRET}",
    ):
        file.write_text(content)
        with pytest.raises(SettingsError) as error:
            ObjectImages(bucket.url, file)
        assert SECRET not in "".join(traceback.format_exception(error.value))
    with pytest.raises(SettingsError):
        ObjectImages(bucket.url, tmp_path / "none.yaml")


@pytest.mark.parametrize(
    "url",
    [
        "bucket",
        "s3://",
        "ftp://bucket/x",
        "file:///tmp",
        f"s3://key:{SECRET}@bucket/x",
        f"az://container/x?sig={SECRET}",
    ],
)
def test_an_address_has_no_keys(tmp_path: Path, url: str) -> None:
    with pytest.raises(ValidationError, match="images_url"):
        Settings(workspace=tmp_path, images_url=url)


def test_a_folder_that_is_copied_into_the_bucket_is_the_same(
    bucket: Bucket, tmp_path: Path
) -> None:
    settings = Settings(workspace=tmp_path, database_url="")
    with closing(open_store(settings, create=True)) as store:
        sha256 = store.images.put(b"page")
    for path in settings.images.rglob("*"):
        if path.is_file():
            bucket.write(path.relative_to(settings.images).as_posix(), path.read_bytes())
    with closing(open_for_images(bucket.of(settings))) as store:
        assert store.images.get(sha256) == b"page"


def test_a_new_workspace_marks_its_bucket_and_makes_no_folder(
    settings: Settings, bucket: Bucket
) -> None:
    with closing(open_store(settings, create=True)) as store:
        assert re.fullmatch("[0-9a-f]{32}", store.images.read_id())
        sha256 = store.images.put(b"page")
    with closing(open_for_images(settings)) as store:
        assert store.images.get(sha256) == b"page"
    assert not settings.images.exists()
    assert len(bucket.names()) == 2


@pytest.mark.parametrize("is_empty", [True, False])
def test_a_new_workspace_takes_no_bucket_of_another(
    settings: Settings, images: ObjectImages, is_empty: bool
) -> None:
    if not is_empty:
        images.put(b"a page of somebody else")
    open_store(settings, create=True).close()
    with pytest.raises(WrongImagesError, match="None of the workspace's images"):
        open_for_images(settings)
    accept_images(settings)
    open_for_images(settings).close()


def test_a_new_workspace_is_not_made_while_its_bucket_is_away(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{free_port()}")
        with pytest.raises(ImagesAwayError):
            open_store(settings, create=True)
    with closing(open_store(settings, create=True)) as store:
        assert store.images.id != NO_ID


def test_a_bucket_that_gives_no_answer_is_waited_for_and_a_wrong_one_refused(
    settings: Settings, bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_store(settings, create=True).close()
    with bucket.denying(), pytest.raises(WrongImagesError):
        open_for_images(settings)
    with monkeypatch.context() as patched:
        patched.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{free_port()}")
        open_for_images(settings).close()
    bucket.empty()
    with pytest.raises(WrongImagesError, match="is empty"):
        open_for_images(settings)


def test_a_folder_is_tried_out_too(tmp_path: Path) -> None:
    ImageFolder(tmp_path).try_out()
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(StoreError, match="cannot be written"):
        ImageFolder(tmp_path / "gone").try_out()
