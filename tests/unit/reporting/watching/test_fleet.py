"""Several workspaces watched together: each with its own state and settings, a broken one named."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path

import pytest
from typer.testing import CliRunner

from pipeline.cli.app import build_app
from pipeline.domain.errors import ExitCode, UsageError
from pipeline.domain.settings import Settings, read_environment_file
from pipeline.reporting.watching import drift
from pipeline.reporting.watching.fleet import Member, ask_members, list_members
from pipeline.store.database.store import open_store
from tests.support.store.ward import Ward

pytest_plugins = ("tests.support.store.databases",)


@pytest.fixture
def fleet(made_workspace: Path, tmp_path: Path) -> Path:
    """Boden has two pages that wait, Kalix none, and Luleå's database is of an earlier program."""
    folder = tmp_path / "workspaces"
    folder.mkdir()
    for name in ("boden", "kalix", "lulea"):
        shutil.copytree(made_workspace, tmp_path / name)
        (folder / f"{name}.env").write_text(f'EFTERSKRIFT_WORKSPACE="{tmp_path / name}"\n')
    store = open_store(Settings(workspace=tmp_path / "boden", database_url=""))
    ward = Ward(store).begin()
    ward.scan()
    ward.scan()
    store.close()
    with closing(sqlite3.connect(tmp_path / "lulea" / "efterskrift.db")) as database, database:
        database.execute("UPDATE alembic_version SET version_num = '0019'")
    return folder


def _run(*words: str | Path) -> tuple[int, str]:
    done = CliRunner().invoke(build_app(), ["fleet", *map(str, words)])
    return done.exit_code, done.output


def test_each_is_a_line_and_the_broken_one_has_its_reason(fleet: Path) -> None:
    code, said = _run("status", "--from", fleet)

    head, boden, kalix, lulea = said.splitlines()
    assert code == ExitCode.ALARM
    assert head.split()[:2] == ["Workspace", "Waiting"]
    assert boden.split()[:2] == ["boden", "2"]
    assert boden.endswith("CRITICAL: no_worker")
    assert kalix.split()[:2] == ["kalix", "0"]
    assert boden.index("never") == kalix.index("never")
    assert lulea.startswith("lulea")
    assert "NO ANSWER" in lulea
    assert "efterskrift upgrade" in lulea


def test_json_has_counts_and_moments_only(fleet: Path) -> None:
    (fleet / "lulea.env").unlink()

    boden, kalix = json.loads(_run("status", "--from", fleet, "--json")[1])

    assert boden.pop("oldest_at") > "2026"
    assert boden == {
        "name": "boden",
        "reason": "",
        "version": kalix["version"],
        "waiting": 2,
        "to_review": 0,
        "failed": 0,
        "alarms": {"no_worker": 1},
        "critical": 1,
        "backup_at": None,
        "check_at": None,
        "log_check_at": None,
    }


def test_nothing_wrong_is_exit_code_0(fleet: Path) -> None:
    for name in ("boden", "lulea"):
        (fleet / f"{name}.env").unlink()
    assert _run("status", "--from", fleet)[0] == ExitCode.OK


def test_workspaces_share_neither_settings_nor_what_a_process_keeps(
    fleet: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drift._kept.clear()
    monkeypatch.setenv("EFTERSKRIFT_DATABASE_URL", "postgresql://another/one")
    (fleet.parent / "boden" / "settings.yaml").write_text("no_such_setting: 1\n")
    before = dict(os.environ)

    boden, kalix, lulea = ask_members(list_members(fleet))

    assert "no_such_setting" in boden.reason
    assert not kalix.reason
    assert "0019" in lulea.reason
    assert drift._kept == {}
    assert dict(os.environ) == before


def test_a_workspace_that_hangs_keeps_nobody_waiting(
    fleet: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pipeline.reporting.watching import fleet as watched

    look = watched._look

    def hang() -> dict[str, object]:
        if os.environ["EFTERSKRIFT_WORKSPACE"].endswith("boden"):
            time.sleep(60)
        return look()

    monkeypatch.setattr(watched, "_look", hang)
    monkeypatch.setattr(watched, "_PATIENCE_SECONDS", 3)

    boden, kalix, _ = ask_members(list_members(fleet))

    assert boden.reason == "No answer in 3 s."
    assert not kalix.reason


def test_a_process_that_dies_is_named(fleet: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from pipeline.reporting.watching import fleet as watched

    monkeypatch.setattr(watched, "_look", lambda: os._exit(3))
    assert {one.reason for one in ask_members(list_members(fleet))} == {
        "The process that was to answer ended."
    }


def test_two_files_never_mean_the_same_workspace(fleet: Path) -> None:
    shutil.copy(fleet / "boden.env", fleet / "pitea.env")
    (fleet / "alvsbyn.env").write_text("# nothing yet\n")

    problems = {member.name: member.problem for member in list_members(fleet)}

    assert [name for name, problem in problems.items() if problem] == ["alvsbyn", "boden", "pitea"]
    assert "EFTERSKRIFT_WORKSPACE" in problems["alvsbyn"]
    assert "its own" in problems["boden"]


def test_a_folder_without_workspaces_is_wrong_use(tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "none"):
        with pytest.raises(UsageError):
            list_members(folder)


def test_a_command_runs_in_one_workspace_or_in_all(fleet: Path) -> None:
    (fleet / "lulea.env").unlink()
    _call(fleet, "boden", "unit", "Norra", "HSL")

    assert json.loads(_call(fleet, "boden", "status", "--json").stdout)["pages"]["waiting"] == 2
    both = _call(fleet, "all", "status")
    assert both.stdout.count("Pages in ") == 2
    assert both.stderr.splitlines() == ["boden:", "kalix:"]
    assert _call(fleet, "gavle", "status").returncode == ExitCode.USAGE


def _call(fleet: Path, *words: str) -> subprocess.CompletedProcess[str]:
    program = [sys.executable, "-c", "from pipeline.cli.app import main; main()"]
    return subprocess.run(
        [*program, "fleet", "run", "--from", str(fleet), *words],
        capture_output=True,
        text=True,
        check=False,
    )


VALUES: Sequence[tuple[str, str]] = (
    ("A=Hemsjukvården Centrum", "Hemsjukvården Centrum"),
    ('A="Hemsjukvården Centrum"', "Hemsjukvården Centrum"),
    ("A='Hemsjukvården Centrum'  ", "Hemsjukvården Centrum"),
    ("A=  två  mellanslag  ", "två  mellanslag"),
    (r'A="ett \"citat\" och $HOME \n"', r'ett "citat" och $HOME \n'),
    (r"A=C:\\mapp", "C:\\mapp"),
    (r"A='C:\mapp'", r"C:\mapp"),
    ("A=Kalle's", "Kalle's"),
    ("A=1 # inte en kommentar", "1 # inte en kommentar"),
    ('A="a""b"c', "abc"),
    ("A=", ""),
    ("A=x=y", "x=y"),
)
"""Lines of a file, and what `EnvironmentFile=` of systemd.exec(5) makes of them."""


@pytest.mark.parametrize(("line", "value"), VALUES)
def test_values_are_read_with_quotes_as_systemd_does(line: str, value: str, tmp_path: Path) -> None:
    file = tmp_path / "efterskrift.env"
    file.write_text(f"# a comment\n; another\nnot a variable\n\n{line}\n")
    assert read_environment_file(file) == {"A": value}


def test_the_command_reads_the_file_of_the_service(
    fleet: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EFTERSKRIFT_WORKSPACE", "/nowhere")
    monkeypatch.setenv("EFTERSKRIFT_ENVIRONMENT_FILE", str(fleet / "boden.env"))
    done = CliRunner().invoke(build_app(), ["status", "--json"])
    assert json.loads(done.output)["pages"]["waiting"] == 2


def test_twenty_workspaces_answer_within_ten_seconds(
    fleet: Path, record_property: Callable[[str, object], None]
) -> None:
    boden, *_ = list_members(fleet)
    begun = time.monotonic()
    states = list(ask_members([Member(str(n), boden.environment) for n in range(20)]))
    record_property("measured", f"20 workspaces: {time.monotonic() - begun:.1f} s")
    assert {state.waiting for state in states} == {2}
