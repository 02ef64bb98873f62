"""What hostile or mistaken use of the command line ends in: a text, a remedy and the documented
exit code, never a traceback.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pipeline import __version__
from pipeline.cli import app
from pipeline.domain.errors import ExitCode

pytestmark = [pytest.mark.slow, pytest.mark.patient]

_RUN = "from pipeline.cli.app import main; main()"


def test_commands_speak_swedish_where_the_machine_says_so(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _RUN, "--workspace", str(tmp_path / "w"), "status"],
        env=os.environ | {"EFTERSKRIFT_LANGUAGE": "sv"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == ExitCode.STORE
    assert done.stderr.startswith("Fel: ")
    assert "There is" not in done.stderr


Refused = Callable[..., tuple[int, str]]


def test_a_command_reads_the_file_of_the_service(tmp_path: Path) -> None:
    file, workspace = tmp_path / "kalix.env", tmp_path / "nowhere"
    file.write_text(f'EFTERSKRIFT_WORKSPACE="{workspace}"', "utf-8")
    done = subprocess.run(
        [sys.executable, "-c", _RUN, "status"],
        env=os.environ | {"EFTERSKRIFT_ENVIRONMENT_FILE": str(file)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert str(workspace) in done.stderr


@pytest.fixture
def refused(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Refused:
    """Run a command as `efterskrift` would, in this process; its exit code and standard error."""

    def run(workspace: Path, *arguments: str) -> tuple[int, str]:
        monkeypatch.setattr(sys, "argv", ["efterskrift", "--workspace", str(workspace), *arguments])
        with pytest.raises(SystemExit) as ended:
            app.main()
        said = capsys.readouterr().err
        assert "Traceback" not in said
        return int(ended.value.code or 0), said

    return run


@pytest.mark.parametrize(
    "arguments",
    [
        ("nope",),
        ("unit", "Norr", "XXX"),
        ("read", "/no such file"),
        ("recognize", "nope", "."),
        ("work", "--processes", "0"),
        ("print",),
    ],
    ids=" ".join,
)
def test_wrong_use_is_a_usage_error(
    tmp_path: Path, refused: Refused, arguments: tuple[str, ...]
) -> None:
    code, said = refused(tmp_path / "w", *arguments)
    assert code == ExitCode.USAGE
    assert said.startswith("Error: ")
    assert "Value error" not in said
    assert "--help" in said


@pytest.mark.parametrize(
    "option", [("--form", "hsl-anteckning"), ("--sheets", "2"), ("--quick",)], ids=" ".join
)
def test_an_option_of_another_measurement_is_refused_before_anything_is_measured(
    tmp_path: Path, refused: Refused, option: tuple[str, ...]
) -> None:
    code, said = refused(tmp_path, "bench", *option)
    assert code == ExitCode.USAGE
    assert "--damage" in said


@pytest.mark.parametrize(
    "text", ["forms: [", "- a", "just words", "okand: 1", "page_seconds: soon"]
)
def test_wrong_settings_are_named(tmp_path: Path, refused: Refused, text: str) -> None:
    (tmp_path / "settings.yaml").write_text(text, "utf-8")
    code, said = refused(tmp_path, "status")
    assert code == ExitCode.USAGE
    assert "settings.yaml" in said


def test_a_workspace_that_is_a_file_is_named(tmp_path: Path, refused: Refused) -> None:
    (tmp_path / "w").touch()
    code, said = refused(tmp_path / "w", "init")
    assert code == ExitCode.STORE
    assert "EFTERSKRIFT_WORKSPACE" in said


@pytest.mark.parametrize("data", [b"\x00a\rb;c\nd", b'"personnummer;namn', bytes(range(256)) * 4])
def test_a_register_that_is_no_table_isrefused(
    tmp_path: Path, refused: Refused, data: bytes
) -> None:
    (tmp_path / "k.csv").write_bytes(data)
    code, said = refused(tmp_path, "clients", str(tmp_path / "k.csv"))
    assert code == ExitCode.USAGE
    assert "personnummer;namn;enhet" in said


def test_the_version_is_said_without_a_command() -> None:
    command = [sys.executable, "-c", _RUN, "--version"]
    said = subprocess.run(command, capture_output=True, text=True, check=True, timeout=100)
    assert said.stdout.strip() == f"efterskrift {__version__}"


def test_the_list_of_commands_is_the_same_without_importing_them() -> None:
    listed = subprocess.run(
        [sys.executable, "-c", _LIST_COMMANDS, "--help"], capture_output=True, text=True, check=True
    )
    said, _, modules = listed.stdout.rpartition("modules:")
    assert "pipeline.cli.work" not in modules.split()
    everything = " ".join(said.split())
    for command in app.build_app().registered_commands:
        assert command.callback is not None
        first = (command.callback.__doc__ or "").partition("\n")[0]
        assert " ".join(first.split())[:24] in everything


_LIST_COMMANDS = """
import sys
from pipeline.cli import app
try:
    app.main()
except SystemExit:
    pass
print("modules:", *sys.modules)
"""


def test_a_header_line_may_be_in_windows_1252(tmp_path: Path, refused: Refused) -> None:
    refused(tmp_path / "w", "init")
    command = [
        sys.executable,
        "-c",
        _RUN,
        "--workspace",
        str(tmp_path / "w"),
        "check-header",
        "ciceron-exempel",
    ]
    said = subprocess.run(
        command,
        input="Händelsedatum\r\n".encode("cp1252"),
        capture_output=True,
        check=False,
        timeout=100,
    )
    assert "Händelsedatum" in said.stdout.decode()


def test_a_fault_of_the_program_is_told_without_what_it_quotes(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken() -> Any:  # noqa: ANN401 - as an application
        raise ValueError("189001019802")

    monkeypatch.setattr(app, "build_app", lambda _: lambda **_: broken())
    monkeypatch.setattr(sys, "argv", ["efterskrift", "status"])
    with pytest.raises(SystemExit) as ended:
        app.main()
    said = capsys.readouterr().err
    assert ended.value.code == ExitCode.PROGRAM
    assert "ValueError at" in said
    assert "189001019802" not in said
