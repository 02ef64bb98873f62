"""The files of deploy/, judged by the programs that read them: systemd, nginx and bash."""

from __future__ import annotations

import contextlib
import http.client
import re
import shutil
import socket
import subprocess
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from pipeline.domain.settings import ROOT

DEPLOY = ROOT / "deploy"
UNITS = sorted((DEPLOY / "systemd").glob("efterskrift*"))
SERVICES = [unit for unit in UNITS if unit.suffix == ".service"]
WEB = DEPLOY / "systemd" / "efterskrift-web.service"
MOST_EXPOSURE = 3.0
"""Of 10, as `systemd-analyze security` counts; most services of a distribution have 9."""


def _run(*command: str | Path) -> str:
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def _install_units(folder: Path) -> None:
    """Copy the units, make those of several workspaces, and give each service its drop-in."""
    shutil.copytree(DEPLOY / "systemd", folder)
    _run(DEPLOY / "workspace-units", folder)
    for unit in folder.glob("*.service"):
        (folder / f"{unit.name}.d").mkdir()
        shutil.copy(folder / "hardening.conf", folder / f"{unit.name}.d")


def test_systemd_takes_the_units(tmp_path: Path) -> None:
    # A root of its own, where the program is, so that only the units are judged.
    program = tmp_path / "usr" / "bin" / "efterskrift"
    program.parent.mkdir(parents=True)
    shutil.copy("/bin/true", program)
    (tmp_path / "usr" / "sbin").mkdir()
    shutil.copy("/bin/true", tmp_path / "usr" / "sbin" / "nginx")
    folder = tmp_path / "etc" / "systemd" / "system"
    _install_units(folder)
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
def test_services_are_shut_in(unit: Path, tmp_path: Path) -> None:
    folder = tmp_path / "etc" / "systemd" / "system"
    _install_units(folder)
    root = f"--root={tmp_path}"
    said = _run("systemd-analyze", "security", "--offline=true", "--no-pager", root, unit.name)
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


@pytest.fixture
def web_port(tmp_path: Path) -> Iterator[int]:
    """The port of the example's nginx without TLS and without the program behind it.

    The header X-Test says from which address a request is to come.
    """
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    site = (DEPLOY / "nginx" / "efterskrift.conf").read_text("utf-8")
    site = re.sub(r"server {\n    listen 80;.*?\n}\n", "", site, flags=re.DOTALL)
    site = re.sub(r"    (listen|ssl_|access_log).*\n", "", site)
    site = site.replace(
        "    server_name _;",
        f"""
    listen 127.0.0.1:{port};
    set_real_ip_from 127.0.0.1;
    real_ip_header X-Test;
    location = /source {{ return 200 $efterskrift_source; }}
    server_name _;""",
    ).replace("127.0.0.1:8501", f"unix:{tmp_path}/nobody")
    whole = (DEPLOY / "nginx" / "nginx.conf").read_text("utf-8")
    whole = re.sub("/etc/efterskrift/nginx|/run/efterskrift-web|/tmp(?=/)", str(tmp_path), whole)
    whole = whole.replace("error_log stderr", f"error_log {tmp_path}/error.log crit")
    (tmp_path / "efterskrift.conf").write_text(site)
    (tmp_path / "nginx.conf").write_text(whole)
    command = ["nginx", "-e", "stderr", "-p", str(tmp_path), "-c", str(tmp_path / "nginx.conf")]
    process = subprocess.Popen(command)
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            break
        assert process.poll() is None
    yield port
    process.terminate()
    process.wait(30)


def _ask(port: int, path: str, addresses: Iterable[str]) -> list[tuple[int, str]]:
    answers = []
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    for address in addresses:
        connection.request("GET", path, headers={"X-Test": address})
        response = connection.getresponse()
        answers.append((response.status, response.read().decode()))
    connection.close()
    return answers


def test_nginx_lets_an_office_of_fifty_new_browsers_behind_one_address_begin(
    web_port: int,
) -> None:
    """Nobody is there to answer (502), but none of their hundred files each is refused (503)."""
    answers = _ask(web_port, "/static/js/a.js", ["192.0.2.7"] * 50 * 100)
    assert {status for status, _ in answers} == {502}


def test_nginx_counts_a_network_of_ipv6_as_one_source(web_port: int) -> None:
    first = ["2001:db8:1:2::9", "2001:db8:1:2:3:4:5:6", "2001:db8:1:2:ffff::"]
    assert {text for _, text in _ask(web_port, "/source", first)} == {"2001:db8:1:2"}
    zeros = ["2001:db8::1", "2001:db8::7:1"]
    assert {text for _, text in _ask(web_port, "/source", zeros)} == {"2001:db8"}
    others = ["2001:db8:1:3::9", "192.0.2.7", "192.0.2.8"]
    assert len({text for _, text in _ask(web_port, "/source", others)}) == 3


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
