"""Images in an object store: S3, Azure or Google, by URL, with the names that a folder would have.

So a folder can be copied into it by any tool, and back. Its id is compared when a process first
uses it, and again whenever something is missing: a bucket does not come and go like a disk.
"""

from __future__ import annotations

import hashlib
import os
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, cast

import yaml
from obstore.exceptions import BaseError, PermissionDeniedError, UnauthenticatedError
from obstore.store import ObjectStore, from_url

from pipeline.domain.errors import (
    ImageError,
    ImagesAwayError,
    SettingsError,
    StoreUnavailableError,
    WrongImagesError,
)
from pipeline.files.private_files import require_private
from pipeline.store.database.image_files import ID_FILE, NO_ID, object_name

if TYPE_CHECKING:
    from obstore.store import S3Config

_NAME = re.compile(r"[0-9a-f]{2}/([0-9a-f]{64})")
_NO_BUCKET = re.compile(r"NoSuchBucket|ContainerNotFound|bucket does not exist")
_REASON = re.compile(r"status code: (\d{3}[ \w]*)|HttpError \{\s*kind: (\w+)")
"""What an answer of the library says of a failure that has neither addresses nor keys in it."""
_CONNECT_SECONDS, _ID_SECONDS, _IMAGE_SECONDS = 3, 5, 60
"""Seconds until an answer: for a connection, for the id, which screens wait for, for an image."""
_RETRIES, _RETRY_SECONDS = 2, 10
_DENIED = ("401", "403")
_VARIABLES = {"s3": "aws_", "az": "azure_", "gs": "google_"}
"""How the names of the library's settings begin, in the file and in the environment."""


class ObjectImages:
    """Content-addressed images in an object store. For `id` and `place` see `Images`."""

    def __init__(self, url: str, keys: Path | None, store_id: str | None = None) -> None:
        """Prepare access; nothing is asked of the store yet.

        Args:
            url: of bucket and prefix, such as `s3://bucket/prefix`.
            keys: a file with the library's settings, such as `aws_secret_access_key`. What it
                lacks comes from the environment.
            store_id: the id that the database knows; None: not compared.

        Raises:
            SettingsError: URL or keys are not understood, or the file cannot be read.
        """
        self.id, self.place = store_id, url
        self._is_known = False
        config = _read_keys(keys) if keys else {}
        allow_http = f"{_VARIABLES[url.partition(':')[0]]}allow_http"
        variable = os.environ.get(allow_http.upper(), "")
        is_http_allowed = config.pop(allow_http, variable).lower() == "true"

        def connect(seconds: int) -> ObjectStore:
            return from_url(
                url,
                config=cast("S3Config", config),  # or one of the others, by the URL
                client_options={
                    "allow_http": is_http_allowed,
                    "connect_timeout": timedelta(seconds=_CONNECT_SECONDS),
                    "timeout": timedelta(seconds=seconds),
                },
                retry_config={
                    "max_retries": _RETRIES,
                    "retry_timeout": timedelta(seconds=_RETRY_SECONDS),
                },
            )

        try:
            self._store, self._id_store = connect(_IMAGE_SECONDS), connect(_ID_SECONDS)
        except BaseException as error:
            # Some names make it panic. The texts of errors may quote a key
            if not isinstance(error, Exception) and type(error).__name__ != "PanicException":
                raise
            raise SettingsError("images_url_wrong", url=url, file=keys or "–") from None

    def require_present(self) -> None:
        """Check that this is the place that the database knows.

        Raises:
            WrongImagesError: it is empty or another one, or denies access.
            ImagesAwayError: it is out of reach.
        """
        self._is_known = False
        if self.id is None:
            return
        if self.id == NO_ID:
            raise WrongImagesError("images_not_accepted", place=self.place)
        if self.read_id() != self.id:
            raise WrongImagesError("objects_of_other_store", place=self.place)
        self._is_known = True

    def read_id(self) -> str:
        """Return the id that is written there, or `NO_ID`.

        Raises:
            ImagesAwayError: it is out of reach or denies access.
        """
        data = self._find(ID_FILE, self._id_store)
        return NO_ID if data is None else data.decode("ascii", "replace").strip()

    def write_id(self, store_id: str) -> None:
        """Write its id.

        Raises:
            ImagesAwayError: it is out of reach or denies access.
        """
        self._write(ID_FILE, f"{store_id}\n".encode("ascii"))

    def put(self, data: bytes) -> str:
        """Store the bytes and return their SHA-256; storing them twice changes nothing.

        They are there whole or not at all, and are read back. Damaged ones are replaced.

        Raises:
            ImagesAwayError: the store is out of reach, another one, or denies access.
            StoreUnavailableError: what is read back is something else.
        """
        sha256 = hashlib.sha256(data).hexdigest()
        self._require_known()
        if not self.holds(sha256):
            self._write(object_name(sha256), data)
            if not self.holds(sha256):
                raise StoreUnavailableError("image_written_wrong", folder=self.place)
        return sha256

    def get(self, sha256: str) -> bytes:
        """Return the bytes of this digest, verified.

        Raises:
            ImageError: the object is missing or has changed.
            ImagesAwayError: the store is out of reach, another one, or denies access.
            StoreError: this is not a SHA-256 digest.
        """
        name = object_name(sha256)
        self._require_known()
        data = self._find(name)
        path = f"{self.place}/{name}"
        if data is None:
            # The bucket may have been emptied or removed: then nothing is wrong with this image
            self.require_present()
            raise ImageError(
                "stored_image_unreadable", sha256=sha256[:12], reason="No such object", path=path
            )
        if hashlib.sha256(data).hexdigest() != sha256:
            raise ImageError("image_changed", sha256=sha256[:12], path=path)
        return data

    def has(self, sha256: str) -> bool:
        """Return whether there is an object of this digest, whatever it holds."""
        with suppress(FileNotFoundError), self._asking():
            self._store.head(object_name(sha256))
            return True
        return False

    def holds(self, sha256: str) -> bool:
        """Return whether the object of this digest is there and whole."""
        data = self._find(object_name(sha256))
        return data is not None and hashlib.sha256(data).hexdigest() == sha256

    def list_names(self) -> Iterator[str]:
        """Yield the digests of all objects, in order."""
        with self._asking():
            for part in self._store.list():
                for found in part:
                    if named := _NAME.fullmatch(found["path"]):
                        yield named[1]

    def try_out(self) -> None:
        """Write, read and remove a small object. That it may not be removed is as good.

        Raises:
            ImagesAwayError: the store is out of reach or denies access.
            StoreUnavailableError: what is read back is something else.
        """
        name, data = f"probe-{secrets.token_hex(8)}", secrets.token_bytes(16)
        self._write(name, data)
        if self._find(name) != data:
            raise StoreUnavailableError("image_written_wrong", folder=self.place)
        with suppress(WrongImagesError, FileNotFoundError), self._asking():
            self._store.delete(name)

    def _require_known(self) -> None:
        if not self._is_known:
            self.require_present()

    def _find(self, name: str, store: ObjectStore | None = None) -> bytes | None:
        with suppress(FileNotFoundError), self._asking():
            return bytes((store or self._store).get(name).bytes())
        return None

    def _write(self, name: str, data: bytes) -> None:
        # One request: an object that is sent in parts leaves parts behind when the process ends
        with self._asking():
            self._store.put(name, data, use_multipart=False)

    @contextmanager
    def _asking(self) -> Iterator[None]:
        """Name the store in errors of the library, whose own texts may have keys in an address.

        Raises:
            FileNotFoundError: there is no such object.
            WrongImagesError: there is no such bucket, or access is denied.
            ImagesAwayError: there is no answer, or the store is out of order.
        """
        try:
            yield
        except FileNotFoundError as error:
            if _NO_BUCKET.search(str(error)):
                raise WrongImagesError("objects_no_bucket", place=self.place) from None
            raise
        except (PermissionDeniedError, UnauthenticatedError):
            raise WrongImagesError("objects_denied", place=self.place) from None
        except BaseError as error:
            told = _REASON.search(str(error))
            reason = (told[1] or told[2]) if told else type(error).__name__
            if reason.startswith(_DENIED):  # as a list says it
                raise WrongImagesError("objects_denied", place=self.place) from None
            raise ImagesAwayError("objects_away", place=self.place, reason=reason) from None


def _read_keys(file: Path) -> dict[str, str]:
    """Return the settings in the file of keys.

    Raises:
        SettingsError: it cannot be read, others may open it, or it is no YAML with keys and values.
    """
    require_private(file)
    try:
        content = yaml.safe_load(file.read_bytes())
    except OSError as error:
        raise SettingsError("not_inspectable", value=file, reason=error.strerror) from error
    except yaml.YAMLError:
        raise SettingsError("not_key_value_yaml", value=file) from None
    if not isinstance(content, dict):
        raise SettingsError("not_key_value_yaml", value=file)
    return {
        str(key).lower(): str(value).lower() if isinstance(value, bool) else str(value)
        for key, value in content.items()
    }
