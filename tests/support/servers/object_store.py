"""An S3 server on localhost, for modules that say `pytest_plugins =
("tests.support.servers.object_store",)`: Moto's, a process of its own that keeps all in memory.
"""

from __future__ import annotations

import secrets
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest
import yaml
from obstore.store import S3Store

from pipeline.domain.settings import Settings
from pipeline.files.atomic import write_private
from pipeline.store.database.object_images import ObjectImages
from tests.faults.watching import until
from tests.support.servers.free_port import free_port

if TYPE_CHECKING:
    from obstore.store import ClientConfig, S3Config

SECRET = "wJalrXUtnFEMI-a-secret-of-this-test"
_SERVE = "import sys; from moto.server import main; main(sys.argv[1:])"


@dataclass(frozen=True, slots=True)
class Bucket:
    """A bucket of the server, and the URL under which a workspace has its images there."""

    server: str
    name: str

    @property
    def url(self) -> str:
        """As in the settings."""
        return f"s3://{self.name}/bilder"

    def images(self, store_id: str | None = None) -> ObjectImages:
        """Its images."""
        return ObjectImages(self.url, None, store_id)

    def of(self, settings: Settings) -> Settings:
        """The settings of a workspace whose images are here."""
        return settings.model_copy(update={"images_url": self.url})

    def write_keys(self, file: Path) -> None:
        """Write the keys to it as a file of the setting `images_keys`."""
        keys = {
            "aws_endpoint": self.server,
            "aws_allow_http": True,
            "aws_region": "us-east-1",
            "aws_access_key_id": "of-this-test",
            "aws_secret_access_key": SECRET,
        }
        write_private(file, yaml.safe_dump(keys).encode())

    def write(self, name: str, data: bytes) -> None:
        """Put an object there from outside of the program."""
        self._ask("PUT", f"/bilder/{name}", data)

    def remove(self, name: str) -> None:
        """Remove an object from outside of the program."""
        self._ask("DELETE", f"/bilder/{name}")

    def names(self) -> list[str]:
        """All that lies there."""
        return sorted(one["path"] for part in self._client().list() for one in part)

    def read(self, name: str) -> bytes:
        """What an object holds."""
        return bytes(self._client().get(name).bytes())

    def make(self) -> None:
        """Make the bucket."""
        self._ask("PUT", "")

    def empty(self) -> None:
        """Remove all that is in the bucket."""
        for name in self.names():
            self.remove(name)

    def drop(self) -> None:
        """Remove the bucket with all that is in it."""
        self.empty()
        self._ask("DELETE", "")

    @contextmanager
    def denying(self) -> Iterator[None]:
        """The server knows nobody's keys."""
        httpx.post(f"{self.server}/moto-api/reset-auth", content="0", trust_env=False)
        try:
            yield
        finally:
            httpx.post(f"{self.server}/moto-api/reset-auth", content="inf", trust_env=False)

    def _client(self) -> S3Store:
        """The library with keys of its own, whatever is in the environment."""
        keys: S3Config = {
            "endpoint": self.server,
            "region": "us-east-1",
            "access_key_id": "from-outside",
            "secret_access_key": SECRET,
        }
        options: ClientConfig = {"allow_http": True}
        return S3Store(self.name, prefix="bilder", config=keys, client_options=options)

    def _ask(self, method: str, path: str, data: bytes = b"") -> None:
        signed = {"Authorization": "AWS4-HMAC-SHA256 Credential=a/20260101/us-east-1/s3/x"}
        httpx.request(
            method,
            f"{self.server}/{self.name}{path}",
            content=data,
            headers=signed,
            trust_env=False,
        ).raise_for_status()


@pytest.fixture(scope="session")
def object_server() -> Iterator[str]:
    """The address of the server."""
    port = free_port()
    command = [sys.executable, "-c", _SERVE, "-H", "127.0.0.1", "-p", str(port)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            until(lambda: _answers(port), "the S3 server answers", seconds=60)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.kill()


@pytest.fixture
def bucket(object_server: str, monkeypatch: pytest.MonkeyPatch) -> Bucket:
    """An empty bucket whose keys are in the environment."""
    for name, value in {
        "AWS_ENDPOINT_URL": object_server,
        "AWS_ALLOW_HTTP": "true",
        "AWS_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "of-this-test",
        "AWS_SECRET_ACCESS_KEY": SECRET,
    }.items():
        monkeypatch.setenv(name, value)
    made = Bucket(object_server, f"bucket-{secrets.token_hex(6)}")
    made.make()
    return made


def _answers(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True
