"""An existing FHIR server on localhost, for modules that say `pytest_plugins =
("tests.support.store.databases", "tests.support.store.offices",
"tests.support.servers.fhir_servers")`.

Medplum's router over its in-memory repository, of the versions and checksums in
`tests/support/servers/fhir_server/package-lock.json`. It keeps no transaction
together: Medplum's repository in memory cannot. It refuses one of more than eight entries, as
    Medplum does.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from pipeline.preparation.practice.synthetic_handwriting import SHARED_FOLDER
from tests.support.servers.free_port import free_port

FOLDER = Path(__file__).parent / "fhir_server"
KINDS = (
    "Patient",
    "DocumentReference",
    "Observation",
    "QuestionnaireResponse",
    "Questionnaire",
    "Provenance",
    "AllergyIntolerance",
    "Flag",
)


@dataclass(frozen=True, slots=True)
class Served:
    """A server's address, and what it holds."""

    url: str

    def all_of(self, kind: str, **search: str) -> list[dict[str, Any]]:
        """Its resources of a kind."""
        answer = httpx.get(
            f"{self.url}/{kind}", params=search | {"_count": "1000"}, trust_env=False
        ).json()
        return [entry["resource"] for entry in answer.get("entry", [])]

    def counts(self) -> dict[str, int]:
        """How many it holds of each kind."""
        return {kind: len(self.all_of(kind)) for kind in KINDS}

    def clear(self) -> None:
        """Have it hold nothing."""
        httpx.post(self.url.removesuffix("R4") + "clear", trust_env=False).raise_for_status()


@pytest.fixture(scope="session")
def fhir_installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the server's packages."""
    npm = shutil.which("npm")
    if npm is None:
        reason = "npm is not installed, so there is no FHIR server"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    folder = tmp_path_factory.mktemp("fhir_server")
    for file in FOLDER.iterdir():
        shutil.copy(file, folder)
    subprocess.run(
        [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"],
        cwd=folder,
        check=True,
        capture_output=True,
        timeout=300,
    )
    return folder


@contextmanager
def fhir_serving(installed: Path) -> Iterator[Served]:
    """An empty server."""
    port = free_port()
    profiles = SHARED_FOLDER / "schemas" / "fhir"
    call = [
        "node",
        "server.mjs",
        str(port),
        *([str(profiles)] if profiles.is_dir() else []),
    ]
    with subprocess.Popen(call, cwd=installed, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            while (line := process.stdout.readline()) and line.strip() != "listening":
                continue
            assert line, "the server ended"
            yield Served(f"http://127.0.0.1:{port}/R4")
        finally:
            process.terminate()


@pytest.fixture(scope="session")
def fhir_started(fhir_installed: Path) -> Iterator[Served]:
    """A server for all tests."""
    with fhir_serving(fhir_installed) as served:
        yield served


@pytest.fixture
def fhir(fhir_started: Served) -> Served:
    """That server with nothing in it."""
    fhir_started.clear()
    return fhir_started
