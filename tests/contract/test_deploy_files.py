"""The files of deploy/, judged by the programs that read them: systemd, nginx and bash."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from pipeline.domain.settings import ROOT

DEPLOY = ROOT / "deploy"
UNITS = sorted((DEPLOY / "systemd").iterdir())
SERVICES = [unit for unit in UNITS if unit.suffix == ".service"]
WEB = DEPLOY / "systemd" / "efterskrift-web.service"
MOST_EXPOSURE = 3.0
"""Of 10, as `systemd-analyze security` counts; most services of a distribution have 9."""


def _run(*command: str | Path) -> str:
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_systemd_takes_the_units(tmp_path: Path) -> None:
    # A root of its own, where the program is, so that only the units are judged.
    program = tmp_path / "usr" / "bin" / "efterskrift"
    program.parent.mkdir(parents=True)
    shutil.copy("/bin/true", program)
    (tmp_path / "usr" / "sbin").mkdir()
    shutil.copy("/bin/true", tmp_path / "usr" / "sbin" / "nginx")
    folder = tmp_path / "etc" / "systemd" / "system"
    shutil.copytree(DEPLOY / "systemd", folder)
    _run(DEPLOY / "workspace-units", folder)
    for name in ("basic", "shutdown", "sysinit", "timers", "multi-user", "network"):
        (folder / f"{name}.target").write_text("[Unit]\nDescription=x\n")

    said = _run(
        "systemd-analyze", "verify", f"--root={tmp_path}", "--man=no", *UNIT_NAMES, *INSTANCES
    )
    assert [line for line in said.splitlines() if "efterskrift" in line] == []


UNIT_NAMES = [unit.name for unit in UNITS]
OF_ALL = {"efterskrift.target", "efterskrift-web.service"}
"""One for all workspaces of a machine."""
OF_EACH = [unit for unit in UNITS if unit.name not in OF_ALL]
INSTANCES = [f"{unit.stem}@kalix{unit.suffix}" for unit in OF_EACH]


def test_a_service_of_one_workspace_sees_no_other(tmp_path: Path) -> None:
    shutil.copytree(DEPLOY / "systemd", tmp_path, dirs_exist_ok=True)
    for _ in range(2):  # what it wrote itself is no unit to begin with
        _run(DEPLOY / "workspace-units", tmp_path)

    templates = sorted(tmp_path.glob("*@.*"))
    assert [unit.name.replace("@", "") for unit in templates] == [unit.name for unit in OF_EACH]
    lines = [line for unit in templates for line in unit.read_text("utf-8").splitlines()]
    said = [line for line in lines if not line.startswith("#")]
    assert {line for line in said if "/etc/efterskrift" in line} == {
        "EnvironmentFile=/etc/efterskrift/workspaces/%i.env"
    }
    folders = [place for line in said for place in re.findall(r"/var/lib/efterskrift\S*", line)]
    assert {place.split("/")[4] for place in folders} == {"%i"}


@pytest.mark.parametrize("unit", SERVICES, ids=lambda unit: unit.stem)
def test_services_are_shut_in(unit: Path) -> None:
    said = _run("systemd-analyze", "security", "--offline=true", "--no-pager", unit)
    found = re.search(r"exposure level for \S+: ([\d.]+)", said)
    assert found is not None
    assert float(found[1]) <= MOST_EXPOSURE


@pytest.mark.parametrize(
    "unit", [one for one in SERVICES if one != WEB], ids=lambda unit: unit.stem
)
def test_services_run_a_command_that_exists(unit: Path) -> None:
    from pipeline.cli.app import build_app

    commands = {command.name for command in build_app().registered_commands}
    for line in unit.read_text("utf-8").splitlines():
        if line.startswith("ExecStart="):
            program, command, *_ = line.removeprefix("ExecStart=").lstrip("-").split()
            assert program == "/usr/bin/efterskrift"
            assert command in commands | {"audit"}


def test_services_and_timers_stop_and_start_with_the_target() -> None:
    """A timer that is stopped for an upgrade and not started again would end all backups."""
    for unit in UNITS:
        if unit.suffix != ".target":
            assert "PartOf=efterskrift.target\n" in unit.read_text("utf-8")
            assert unit.name in ONLY_BY_TIMER or "WantedBy=efterskrift.target" in unit.read_text()


ONLY_BY_TIMER = {"efterskrift-backup.service", "efterskrift-check.service"}


def test_nginx_takes_the_example(tmp_path: Path) -> None:
    key, certificate = tmp_path / "privkey.pem", tmp_path / "fullchain.pem"
    _run(
        *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1"),
        *("-subj", "/CN=efterskrift.example.se", "-keyout", key, "-out", certificate),
    )
    for file in (DEPLOY / "nginx").iterdir():
        text = file.read_text("utf-8")
        for folder in ("/etc/efterskrift/tls", "/etc/efterskrift/nginx", "/run/efterskrift-web"):
            text = text.replace(folder, str(tmp_path))
        (tmp_path / file.name).write_text(text)
    said = _run("nginx", "-t", "-e", "stderr", "-p", tmp_path, "-c", tmp_path / "nginx.conf")
    assert "test is successful" in said
    assert "warn" not in said


def test_one_address_leaves_most_connections_of_nginx_to_others() -> None:
    """And an office of 200 browsers behind one address has room: a web socket and four requests."""
    site, main = (
        (DEPLOY / "nginx" / name).read_text() for name in ("efterskrift.conf", "nginx.conf")
    )
    allowed = re.search(r"limit_conn \w+ (\d+);", site)
    all_of_them = re.search(r"worker_connections (\d+);", main)
    files = re.search(r"worker_rlimit_nofile (\d+);", main)
    assert allowed
    assert all_of_them
    assert files
    assert int(allowed[1]) >= 200 * 5
    # A connection that is passed on is two: the browser's, and one to the program.
    assert int(all_of_them[1]) >= 4 * 2 * int(allowed[1])
    assert int(files[1]) > int(all_of_them[1])


@pytest.mark.parametrize("script", ["install.sh", "efterskrift", "certificate", "workspace-units"])
def test_bash_takes_the_scripts(script: str) -> None:
    _run("bash", "-n", DEPLOY / script)
