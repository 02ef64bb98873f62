"""What hostile or mistaken use of the command line ends in: a text, a remedy and the documented exit code, never a traceback."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.errors import ExitCode

_RUN = "from pipeline.cli import main; main()"


def _refused(workspace: Path, *arguments: str) -> tuple[int, str]:
    command = [sys.executable, "-c", _RUN, "--workspace", str(workspace), *arguments]
    result = subprocess.run(command, capture_output=True, text=True, check=False, timeout=100)
    assert "Traceback" not in result.stderr
    return result.returncode, result.stderr


@pytest.mark.parametrize(
    "arguments",
    [("nope",), ("unit", "Norr", "XXX"), ("read", "/no such file"), ("recognize", "nope", "."), ("work", "--processes", "0"), ("print",)],
    ids=" ".join,
)
def test_wrong_use_is_a_usage_error(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    code, said = _refused(tmp_path / "w", *arguments)
    assert code == ExitCode.USAGE
    assert said.startswith("Error: ")
    assert "--help" in said


@pytest.mark.parametrize("text", ["forms: [", "- a", "just words", "okand: 1", "page_seconds: soon"])
def test_wrong_settings_are_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "settings.yaml").write_text(text, "utf-8")
    code, said = _refused(tmp_path, "status")
    assert code == ExitCode.USAGE
    assert "settings.yaml" in said


def test_a_workspace_that_is_a_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "w").touch()
    code, said = _refused(tmp_path / "w", "init")
    assert code == ExitCode.STORE
    assert "EFTERSKRIFT_WORKSPACE" in said


@pytest.mark.parametrize("data", [b"\x00a\rb;c\nd", b'"personnummer;namn', bytes(range(256)) * 4])
def test_a_register_that_is_no_table_is_refused(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "k.csv").write_bytes(data)
    code, said = _refused(tmp_path, "clients", str(tmp_path / "k.csv"))
    assert code == ExitCode.USAGE
    assert "personnummer;namn;enhet" in said
