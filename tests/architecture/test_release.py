"""What `make release` writes: the parts with their digests, their licences and vulnerabilities."""

from __future__ import annotations

import csv
import json
import os
import platform
import re
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.domain.settings import ROOT

pytestmark = [pytest.mark.slow, pytest.mark.patient]

_FOUND = '{"dependencies": [{"name": "x", "version": "1", "vulns": [{"id": "PYSEC-1"}]}]}'
_NONE = '{"dependencies": []}'


def release(folder: Path, **tools: str) -> subprocess.CompletedProcess[str]:
    """Run the script with shell commands in place of some of its tools. For pip-audit, `$file` is
    the file to write.
    """
    place = folder.parent / "tools"
    place.mkdir()
    for name in ("cyclonedx-py", "pip-licenses", "pip-audit"):
        if command := tools.get(name.replace("-", "_")):
            (place / name).write_text(f'#!/bin/bash\nfile="${{@: -1}}"\n{command}\n', "utf-8")
            (place / name).chmod(0o755)
        else:
            (place / name).symlink_to(Path(sys.executable).parent / name)
    return subprocess.run(
        [ROOT / "scripts" / "release", folder],
        env=os.environ | {"RELEASE_TOOLS": str(place), "PYTHONWARNINGS": "ignore"},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )


def test_the_parts_are_those_of_the_lock_with_their_digests_and_licences(tmp_path: Path) -> None:
    made = release(tmp_path / "out", pip_audit="exit 1")
    assert made.returncode == 0, made.stderr
    lock = (ROOT / "requirements.lock").read_text("utf-8")
    pins = set(re.findall(r"^([\w.-]+)==([\w.!+-]+)", lock, re.MULTILINE))
    bom = json.loads((tmp_path / "out" / "sbom.cdx.json").read_text("utf-8"))
    assert bom["bomFormat"] == "CycloneDX"
    assert bom["metadata"]["component"]["name"] == "efterskrift"
    wheels = [part for part in bom["components"] if "externalReferences" in part]
    assert {(part["name"], part["version"]) for part in wheels} == pins
    assert all(part["externalReferences"][0]["hashes"] for part in wheels)
    system = {part["name"]: part["version"] for part in bom["components"] if part not in wheels}
    assert system.pop("python") == platform.python_version()
    assert {"tesseract-ocr", "poppler-utils", "libgl1"} <= set(system)
    shown = subprocess.run(
        ["dpkg-query", "--show", "--showformat=${Version}", "poppler-utils"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert system["poppler-utils"] == shown
    with (tmp_path / "out" / "licences.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert {row["Name"].lower().replace("_", "-") for row in rows} <= {name for name, _ in pins}
    assert {"SQLAlchemy", "streamlit"} <= {row["Name"] for row in rows}


@pytest.mark.parametrize(
    ("audit", "status", "kept", "said"),
    [
        (f"echo '{_NONE}' > $file", 0, "vulnerabilities.json", ""),
        (f"echo '{_FOUND}' > $file; echo 1 found >&2; exit 1", 1, "vulnerabilities.json", "found"),
        ("echo no route >&2; exit 1", 0, "vulnerabilities.txt", "Not checked"),
    ],
    ids=["none", "some", "no database"],
)
def test_vulnerabilities_are_listed_or_said_not_to_be_known(
    tmp_path: Path, audit: str, status: int, kept: str, said: str
) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    (folder / "vulnerabilities.json").write_text("of an earlier release", "utf-8")
    made = release(folder, cyclonedx_py="true", pip_licenses="true", pip_audit=audit)
    assert made.returncode == status, made.stderr
    assert said in made.stdout + made.stderr
    (file,) = folder.glob("vulnerabilities.*")
    assert file.name == kept
    assert "earlier" not in file.read_text("utf-8")
